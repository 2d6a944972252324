//! Bytes that are kept in memory while they are few, and in a nameless temporary file once they are
//! not.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use tempfile::{SpooledData, SpooledTempFile};

/// Bytes kept in memory at most.
const MEMORY: usize = 16 << 20;

/// Being written.
#[derive(Debug)]
pub struct SpoolWriter {
    folder: PathBuf,
    inner: SpooledTempFile,
    length: u64,
}

impl SpoolWriter {
    /// An empty one; `folder` is where a temporary file would be made.
    pub fn new(folder: &Path) -> Self {
        Self { inner: SpooledTempFile::new_in(MEMORY, folder), folder: folder.to_owned(), length: 0 }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::new(&self.folder);
    }

    /// Bytes written so far.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Ends the writing.
    pub fn finish(self) -> io::Result<Spool> {
        let data = match self.inner.into_inner() {
            SpooledData::InMemory(cursor) => Data::Memory(cursor.into_inner().into()),
            SpooledData::OnDisk(file) => Data::File(Arc::new(file)),
        };
        Ok(Spool { data, length: self.length })
    }
}

impl Write for SpoolWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.length += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Written; can be read any number of times, also at once. Clones share the bytes.
#[derive(Debug, Clone)]
pub struct Spool {
    data: Data,
    length: u64,
}

#[derive(Debug, Clone)]
enum Data {
    Memory(Bytes),
    File(Arc<File>),
}

impl Spool {
    /// Bytes that are in memory already.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { length: bytes.len() as u64, data: Data::Memory(bytes) }
    }

    /// A file that nobody writes to any more.
    pub fn from_file(file: File) -> io::Result<Self> {
        Ok(Self { length: file.metadata()?.len(), data: Data::File(Arc::new(file)) })
    }

    /// How many bytes.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The bytes, if they are in memory.
    pub fn in_memory(&self) -> Option<&Bytes> {
        match &self.data {
            Data::Memory(bytes) => Some(bytes),
            Data::File(_) => None,
        }
    }

    /// A reader at the start, with a position of its own.
    pub fn open(&self) -> SpoolReader {
        SpoolReader { spool: self.clone(), position: 0 }
    }
}

/// Reads a [`Spool`].
#[derive(Debug)]
pub struct SpoolReader {
    spool: Spool,
    position: u64,
}

impl Read for SpoolReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &self.spool.data {
            Data::Memory(bytes) => {
                let start = usize::try_from(self.position).unwrap_or(usize::MAX).min(bytes.len());
                bytes.get(start..).unwrap_or(&[]).read(buffer)?
            }
            Data::File(file) => read_at(file, buffer, self.position)?,
        };
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for SpoolReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.spool.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, at)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, at)
}
