//! Where the unpacked tar stream stays while it is needed: in memory while small, else in a file
//! without a name.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Mutex, PoisonError};

/// Bytes that are held in memory before a temporary file takes over.
const IN_MEMORY: usize = 16 << 20;

#[derive(Debug)]
enum Store {
    Memory(Vec<u8>),
    /// Deleted by the system when closed, whatever becomes of this process.
    File(Mutex<File>),
}

/// The bytes of a tar stream, written once and read at any offset.
#[derive(Debug)]
pub(super) struct Spool {
    store: Store,
    len: u64,
}

impl Spool {
    pub(super) fn new() -> Self {
        Self { store: Store::Memory(Vec::new()), len: 0 }
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Appends; only before the first read, since reading moves the file's position.
    pub(super) fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Store::Memory(held) = &mut self.store {
            if held.len().saturating_add(bytes.len()) <= IN_MEMORY {
                held.extend_from_slice(bytes);
                self.len = self.len.saturating_add(bytes.len() as u64);
                return Ok(());
            }
            let mut file = tempfile::tempfile()?;
            file.write_all(held)?;
            self.store = Store::File(Mutex::new(file));
        }
        if let Store::File(file) = &mut self.store {
            file.get_mut().unwrap_or_else(PoisonError::into_inner).write_all(bytes)?;
            self.len = self.len.saturating_add(bytes.len() as u64);
        }
        Ok(())
    }

    /// Reads what is at `offset`; 0 at or past the end.
    pub(super) fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<usize> {
        match &self.store {
            Store::Memory(held) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                let mut rest = held.get(start..).unwrap_or_default();
                rest.read(out)
            }
            Store::File(file) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start(offset))?;
                file.read(out)
            }
        }
    }
}

/// A part of the tar stream, for reading. Several can be open at once.
#[derive(Debug)]
pub struct TarReader<'a> {
    spool: &'a Spool,
    start: u64,
    len: u64,
    position: u64,
}

impl<'a> TarReader<'a> {
    pub(super) fn new(spool: &'a Spool, start: u64, len: u64) -> Self {
        let len = len.min(spool.len().saturating_sub(start));
        Self { spool, start, len, position: 0 }
    }
}

impl Read for TarReader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.len.saturating_sub(self.position)).unwrap_or(usize::MAX);
        let wanted = out.len().min(left);
        let Some(out) = out.get_mut(..wanted) else { return Ok(0) };
        let got = self.spool.read_at(self.start.saturating_add(self.position), out)?;
        self.position = self.position.saturating_add(got as u64);
        Ok(got)
    }
}

impl Seek for TarReader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(delta) => self.len.checked_add_signed(delta),
            SeekFrom::Current(delta) => self.position.checked_add_signed(delta),
        };
        self.position = target.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}
