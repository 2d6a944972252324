//! A tar stream taken apart so that it can be changed in one place and put together again, byte for
//! byte where nothing changed.

use crate::tarball::{Head, record};

pub(crate) const BLOCK: usize = 512;

/// One entry: the extended headers before it as they are, its header, its content.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) extended: Vec<u8>,
    pub(crate) head: [u8; BLOCK],
    pub(crate) body: Vec<u8>,
}

#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) entries: Vec<Entry>,
    /// From the end marker on.
    pub(crate) tail: Vec<u8>,
}

impl Model {
    pub(crate) fn parse(tar: &[u8]) -> Self {
        let (mut entries, mut extended, mut at) = (Vec::new(), Vec::new(), 0);
        while at + BLOCK <= tar.len() && tar[at] != 0 {
            let head: [u8; BLOCK] = tar[at..at + BLOCK].try_into().unwrap();
            let size = size_of(&head);
            let end = at + BLOCK + padded(size);
            if matches!(head[156], b'x' | b'g' | b'L' | b'K') {
                extended.extend_from_slice(&tar[at..end]);
            } else {
                let body = tar[at + BLOCK..at + BLOCK + size].to_vec();
                entries.push(Entry { extended: std::mem::take(&mut extended), head, body });
            }
            at = end;
        }
        Self { entries, tail: tar[at..].to_vec() }
    }

    pub(crate) fn to_tar(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for entry in &self.entries {
            entry.write(&mut out);
        }
        out.extend_from_slice(&self.tail);
        out
    }

    /// Where the regular files are that have no extended header, which could override what a
    /// mutation changes.
    pub(crate) fn files(&self) -> Vec<usize> {
        (0..self.entries.len()).filter(|at| self.entries[*at].is_file() && self.entries[*at].extended.is_empty()).collect()
    }

    pub(crate) fn package_json(&mut self) -> &mut Entry {
        let found =
            self.entries.iter_mut().find(|entry| entry.is_file() && entry.path().split_once('/').is_some_and(|it| it.1 == "package.json"));
        found.unwrap()
    }
}

impl Entry {
    pub(crate) fn file(path: &str, body: &[u8]) -> Self {
        Self::new(Head::file(path), body)
    }

    pub(crate) fn new(head: Head, body: &[u8]) -> Self {
        Self { extended: Vec::new(), head: head.size(body.len() as u64).bytes(), body: body.to_vec() }
    }

    pub(crate) fn is_file(&self) -> bool {
        matches!(self.head[156], b'0' | 0) && self.head[99] == 0 && !self.path().ends_with('/')
    }

    /// The path by this header alone.
    pub(crate) fn path(&self) -> String {
        let name = text(&self.head[..100]);
        let prefix = if self.is_ustar() { text(&self.head[345..475]) } else { String::new() };
        if prefix.is_empty() { name } else { format!("{prefix}/{name}") }
    }

    /// Below the first component.
    pub(crate) fn below(&self) -> String {
        self.path().split_once('/').unwrap().1.to_owned()
    }

    /// The first component with its slash.
    pub(crate) fn root(&self) -> String {
        format!("{}/", self.path().split_once('/').unwrap().0)
    }

    pub(crate) fn is_ustar(&self) -> bool {
        &self.head[257..265] == b"ustar\x0000"
    }

    pub(crate) fn set_path(&mut self, path: &str) {
        self.set_path_bytes(path.as_bytes());
    }

    pub(crate) fn set_path_bytes(&mut self, path: &[u8]) {
        if path.len() > 100 {
            self.add_pax(b'x', &[("path", path)]);
        }
        let mut name = path[..path.len().min(100)].to_vec();
        name.resize(100, 0);
        self.set(0, &name);
        if self.is_ustar() {
            // node-tar keeps times in the last bytes of the prefix: they stay.
            self.set(345, &[0; 130]);
        }
    }

    /// Writes bytes of the header, and its checksum.
    pub(crate) fn set(&mut self, at: usize, bytes: &[u8]) {
        self.head[at..at + bytes.len()].copy_from_slice(bytes);
        let sum = format!("{:06o}\0 ", self.sum());
        self.head[148..156].copy_from_slice(sum.as_bytes());
    }

    /// Writes bytes of the header, and leaves a checksum that is wrong now.
    pub(crate) fn set_unchecked(&mut self, at: usize, bytes: &[u8]) {
        self.head[at..at + bytes.len()].copy_from_slice(bytes);
    }

    pub(crate) fn sum(&self) -> u32 {
        self.head.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u32::from(*byte) }).sum()
    }

    pub(crate) fn mode(&self) -> u32 {
        octal(&self.head[100..108])
    }

    pub(crate) fn set_mode(&mut self, mode: u32) {
        self.set(100, format!("{mode:07o}\0").as_bytes());
    }

    pub(crate) fn set_body(&mut self, body: Vec<u8>) {
        self.set(124, format!("{:011o}\0", body.len()).as_bytes());
        self.body = body;
    }

    pub(crate) fn add_pax(&mut self, flag: u8, records: &[(&str, &[u8])]) {
        let body: Vec<u8> = records.iter().flat_map(|(key, value)| record(key, value)).collect();
        self.add_extended(Head::new("PaxHeader/x", flag), &body);
    }

    pub(crate) fn add_gnu(&mut self, flag: u8, name: &str) {
        self.add_extended(Head::new("././@LongLink", flag).gnu(), format!("{name}\0").as_bytes());
    }

    pub(crate) fn add_extended(&mut self, head: Head, body: &[u8]) {
        Self::new(head, body).write(&mut self.extended);
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.extended);
        out.extend_from_slice(&self.head);
        out.extend_from_slice(&self.body);
        out.resize(out.len() + padded(self.body.len()) - self.body.len(), 0);
    }
}

fn padded(size: usize) -> usize {
    size.div_ceil(BLOCK) * BLOCK
}

fn size_of(head: &[u8; BLOCK]) -> usize {
    octal(&head[124..136]).try_into().unwrap()
}

fn octal(field: &[u8]) -> u32 {
    let digits = text(field);
    u32::from_str_radix(digits.trim(), 8).unwrap_or(0)
}

fn text(field: &[u8]) -> String {
    String::from_utf8(field.split(|byte| *byte == 0).next().unwrap().to_vec()).unwrap()
}
