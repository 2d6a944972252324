//! The lines of a file, of which none can fill the memory.

use std::io::{self, BufRead, Read as _};

/// Bytes of a line that are kept. A longer line is cut there, so that it is no document any more
/// and counts as unreadable.
pub const LONGEST_LINE: usize = 32 << 20;

/// The lines of a reader, without their ends; empty lines are left out.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
}

impl<R: BufRead> Lines<R> {
    /// Reads lines from here.
    pub fn new(reader: R) -> Self {
        Self { reader }
    }

    fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let room = u64::try_from(LONGEST_LINE).unwrap_or(u64::MAX);
        if self.reader.by_ref().take(room).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        if line.last() != Some(&b'\n') {
            self.reader.skip_until(b'\n')?;
        }
        Ok(Some(line.trim_ascii().to_vec()))
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.line().transpose()? {
                Ok(line) if line.is_empty() => {}
                other => return Some(other),
            }
        }
    }
}
