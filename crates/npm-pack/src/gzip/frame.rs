//! What stands around the deflate stream, and the two ends of a try: input that is counted, output
//! that is compared.

use std::io::{self, Read, Write};

use flate2::Crc;
use verdict::patience;

/// Bytes of a gzip header without optional fields.
pub(super) const HEADER_SIZE: usize = 10;

/// Deflate, no flags, no time.
pub(super) fn header(xfl: u8, os: u8) -> [u8; HEADER_SIZE] {
    [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, xfl, os]
}

/// Hands input on and keeps its checksum and length for the trailer.
pub(super) struct Counted<'a> {
    input: &'a mut dyn Read,
    crc: Crc,
}

impl<'a> Counted<'a> {
    pub(super) fn new(input: &'a mut dyn Read) -> Self {
        Self { input, crc: Crc::new() }
    }

    /// CRC-32 and the length modulo 2^32, little endian.
    pub(super) fn trailer(&self) -> [u8; 8] {
        let sums = u64::from(self.crc.sum()) | u64::from(self.crc.amount()) << 32;
        sums.to_le_bytes()
    }
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if patience::is_over() {
            return Err(io::Error::other("the run is over"));
        }
        let read = self.input.read(buffer)?;
        self.crc.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}

/// Compares what is written with what is expected, and refuses to go on at the first difference.
pub(super) struct Compared<'a> {
    expected: &'a [u8],
    differs: bool,
}

impl<'a> Compared<'a> {
    pub(super) fn new(expected: &'a [u8]) -> Self {
        Self { expected, differs: false }
    }

    pub(super) fn differs(&self) -> bool {
        self.differs
    }

    /// What is expected after all that was written.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.expected
    }
}

impl Write for Compared<'_> {
    fn write(&mut self, written: &[u8]) -> io::Result<usize> {
        match self.expected.strip_prefix(written) {
            Some(rest) if !self.differs => {
                self.expected = rest;
                Ok(written.len())
            }
            _ => {
                self.differs = true;
                Err(io::Error::other("not the published bytes"))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
