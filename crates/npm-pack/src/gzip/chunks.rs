//! Cuts a tar stream into the pieces in which the tar crate of Rust writes it: a header, up to 8192
//! bytes of content at a time, the padding; at the end, the two blocks of zeros together. A long
//! name and the NUL behind it are written apart.

use std::io::{self, Read};

const BLOCK: usize = 512;
const PIECE: usize = 8192;

pub(super) struct TarPieces<'a> {
    input: &'a mut dyn Read,
    buffer: Vec<u8>,
    content: u64,
    /// Bytes of the content that are written by themselves at its end.
    terminator: u64,
    padding: usize,
}

impl<'a> TarPieces<'a> {
    pub(super) fn new(input: &'a mut dyn Read) -> Self {
        Self { input, buffer: Vec::with_capacity(PIECE), content: 0, terminator: 0, padding: 0 }
    }

    /// The next piece; none at the end of the stream.
    pub(super) fn next_piece(&mut self) -> io::Result<Option<&[u8]>> {
        if self.content > 0 {
            let size = usize::try_from(self.content).map_or(PIECE, |content| content.min(PIECE));
            self.content -= size as u64;
            return self.take(size);
        }
        if self.terminator > 0 {
            self.terminator = 0;
            return self.take(1);
        }
        if self.padding > 0 {
            let size = std::mem::take(&mut self.padding);
            return self.take(size);
        }
        if self.take(BLOCK)?.is_none() {
            return Ok(None);
        }
        if self.buffer.iter().all(|byte| *byte == 0) {
            let mut second = Vec::new();
            self.input.take((PIECE - BLOCK) as u64).read_to_end(&mut second)?;
            self.buffer.append(&mut second);
        } else {
            self.content = self.buffer.get(124..136).and_then(octal).unwrap_or_default();
            if matches!(self.buffer.get(156), Some(b'L' | b'K')) && self.content > 0 {
                self.content -= 1;
                self.terminator = 1;
            }
            self.padding = usize::try_from((self.content + self.terminator).wrapping_neg() % BLOCK as u64).unwrap_or_default();
        }
        Ok(Some(&self.buffer))
    }

    fn take(&mut self, size: usize) -> io::Result<Option<&[u8]>> {
        self.buffer.clear();
        self.input.take(size as u64).read_to_end(&mut self.buffer)?;
        Ok(Some(self.buffer.as_slice()).filter(|piece| !piece.is_empty()))
    }
}

fn octal(field: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(field).ok()?.trim_matches(['\0', ' ']);
    u64::from_str_radix(digits, 8).ok()
}
