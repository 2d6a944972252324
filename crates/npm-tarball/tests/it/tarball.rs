//! Writes tar and gzip files by hand, so that they can be wrong in any one place.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

const BLOCK: usize = 512;

/// One header block, correct until told otherwise.
#[derive(Clone)]
pub(crate) struct Head {
    block: [u8; BLOCK],
    checksum: bool,
}

impl Head {
    pub(crate) fn new(name: impl AsRef<[u8]>, flag: u8) -> Self {
        let head = Self { block: [0; BLOCK], checksum: true };
        head.field(0, name.as_ref())
            .field(100, b"0000644\0")
            .field(108, b"0000000\0")
            .field(116, b"0000000\0")
            .field(136, b"03560116545\0")
            .field(156, &[flag])
            .field(257, b"ustar\x0000")
            .field(329, b"0000000\0")
            .field(337, b"0000000\0")
            .size(0)
    }

    pub(crate) fn file(name: impl AsRef<[u8]>) -> Self {
        Self::new(name, b'0')
    }

    /// Overwrites bytes; longer than its field runs into the next one.
    pub(crate) fn field(mut self, at: usize, bytes: &[u8]) -> Self {
        self.block[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    pub(crate) fn size(self, size: u64) -> Self {
        self.field(124, format!("{size:011o}\0").as_bytes())
    }

    pub(crate) fn mode(self, mode: u32) -> Self {
        self.field(100, format!("{mode:07o}\0").as_bytes())
    }

    pub(crate) fn link(self, target: impl AsRef<[u8]>) -> Self {
        self.field(157, target.as_ref())
    }

    pub(crate) fn prefix(self, prefix: impl AsRef<[u8]>) -> Self {
        self.field(345, prefix.as_ref())
    }

    pub(crate) fn gnu(self) -> Self {
        self.field(257, b"ustar  \0").field(329, &[0; 16])
    }

    pub(crate) fn v7(self) -> Self {
        self.field(257, &[0; 8]).field(329, &[0; 16])
    }

    /// Writes the checksum field as given, and leaves it.
    pub(crate) fn checksum(mut self, bytes: &[u8]) -> Self {
        self.checksum = false;
        self.field(148, bytes)
    }

    pub(crate) fn sum(&self) -> u32 {
        self.block.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u32::from(*byte) }).sum()
    }

    pub(crate) fn bytes(mut self) -> [u8; BLOCK] {
        if self.checksum {
            let sum = format!("{:06o}\0 ", self.sum());
            self = self.field(148, sum.as_bytes());
        }
        self.block
    }
}

/// A tar stream in the making.
#[derive(Clone, Default)]
pub(crate) struct Tar(pub(crate) Vec<u8>);

impl Tar {
    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// A header and what it announces nothing about: content is written as it is, and filled up to
    /// a block.
    pub(crate) fn with(self, head: Head, content: &[u8]) -> Self {
        let padding = (BLOCK - content.len() % BLOCK) % BLOCK;
        self.raw(&head.bytes()).raw(content).raw(&vec![0; padding])
    }

    /// A header with its size set.
    pub(crate) fn put(self, head: Head, content: &[u8]) -> Self {
        let head = head.size(content.len() as u64);
        self.with(head, content)
    }

    pub(crate) fn file(self, name: impl AsRef<[u8]>, content: &str) -> Self {
        self.put(Head::file(name), content.as_bytes())
    }

    pub(crate) fn dir(self, name: impl AsRef<[u8]>) -> Self {
        self.put(Head::new(name, b'5').mode(0o755), b"")
    }

    pub(crate) fn symlink(self, name: &str, target: &str) -> Self {
        self.put(Head::new(name, b'2').link(target), b"")
    }

    pub(crate) fn hardlink(self, name: &str, target: &str) -> Self {
        self.put(Head::new(name, b'1').link(target), b"")
    }

    pub(crate) fn pax(self, flag: u8, records: &[(&str, &str)]) -> Self {
        let body: Vec<u8> = records.iter().flat_map(|(key, value)| record(key, value.as_bytes())).collect();
        self.put(Head::new("PaxHeader/x", flag), &body)
    }

    /// A pax header whose body is as given.
    pub(crate) fn pax_raw(self, body: &[u8]) -> Self {
        self.put(Head::new("PaxHeader/x", b'x'), body)
    }

    pub(crate) fn gnu_long(self, flag: u8, name: &[u8]) -> Self {
        let mut body = name.to_vec();
        body.push(0);
        self.put(Head::new("././@LongLink", flag).gnu(), &body)
    }

    pub(crate) fn end(self) -> Self {
        self.raw(&[0; 2 * BLOCK])
    }

    pub(crate) fn null(self) -> Self {
        self.raw(&[0; BLOCK])
    }
}

/// One pax record: its length counts itself.
pub(crate) fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while rest + length.to_string().len() != length {
        length = rest + length.to_string().len();
    }
    let mut out = format!("{length} {key}=").into_bytes();
    out.extend_from_slice(value);
    out.push(b'\n');
    out
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
