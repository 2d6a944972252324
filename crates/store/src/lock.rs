//! A lock between processes, waited for no longer than the caller says.
//!
//! The system releases it when its process ends, however it ends: there is no stale lock to find
//! out about. The lock file itself stays where it is; removing it would let two processes hold
//! locks on two files of one name.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};
use std::{io, thread};

use super::error::CacheError;

/// A lock; dropping it releases it.
#[derive(Debug)]
pub struct FileLock {
    file: File,
}

impl FileLock {
    /// Takes the lock on the file at `path` for itself alone, waiting for at most `wait`. The file
    /// is made if need be.
    ///
    /// Blocks the thread: call it from one that may block.
    pub fn acquire(path: &Path, wait: Duration) -> Result<Self, CacheError> {
        Self::take(path, wait, File::try_lock)
    }

    /// Takes the lock together with others that share it; nobody has it for itself alone meanwhile.
    pub fn share(path: &Path, wait: Duration) -> Result<Self, CacheError> {
        Self::take(path, wait, File::try_lock_shared)
    }

    fn take(path: &Path, wait: Duration, attempt: impl Fn(&File) -> Result<(), TryLockError>) -> Result<Self, CacheError> {
        // Asked again in proportion to the time waited: a writer holds it for a millisecond, and
        // what lasts longer is not missed by much.
        const SHORTEST_PAUSE: Duration = Duration::from_micros(200);
        const LONGEST_PAUSE: Duration = Duration::from_millis(20);
        const SHARE: u32 = 64;

        let file = open(path).map_err(|error| CacheError::writing(path, error))?;
        let start = Instant::now();
        loop {
            match attempt(&file) {
                Ok(()) => return Ok(Self { file }),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                    return Err(CacheError::NoLocks { path: path.to_owned() });
                }
                Err(TryLockError::Error(error)) => return Err(CacheError::writing(path, error)),
            }
            let waited = start.elapsed();
            if waited >= wait {
                return Err(CacheError::Busy { path: path.to_owned(), waited });
            }
            let pause = (waited / SHARE).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
            thread::sleep(pause.min(wait.saturating_sub(waited)));
        }
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Closing the file would release it as well, but later where another handle was inherited
        // by a child.
        drop(self.file.unlock());
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
