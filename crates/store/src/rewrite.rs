//! Writing the results' file anew: what is kept is copied, the rest is put behind it, and a rename
//! makes it count.
//!
//! Nothing is flushed to the platter: after a power cut the file may be empty or damaged, which the
//! next run sees and says, and what is lost can be computed again. Flushing megabytes for every
//! result would cost more than that is worth.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::error::CacheError;
use super::layout::{HEAD, TAIL};
use super::target::beside;

/// A new version of the file at a path, not yet in its place. The lock must be held from
/// [`Draft::begin`] to [`Draft::finish`].
pub(super) struct Draft<'a> {
    target: &'a Path,
    temporary: PathBuf,
    out: BufWriter<File>,
    /// Whether the next entry needs a comma before it.
    open: bool,
}

impl<'a> Draft<'a> {
    /// Begins a new version of `target`.
    ///
    /// There is one temporary name, and only the holder of the lock writes there: what is found
    /// under it was left by a process that was killed.
    pub(super) fn begin(target: &'a Path) -> Result<Self, CacheError> {
        let temporary = beside(target, ".", ".reproduce-tmp");
        let failed = |error| CacheError::writing(target, error);
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let mut options = OpenOptions::new();
        // Never through a link that somebody put there.
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&temporary).map_err(failed)?;
        let mut draft = Self { target, temporary, out: BufWriter::with_capacity(64 << 10, file), open: false };
        draft.raw(HEAD)?;
        Ok(draft)
    }

    /// Takes over entries of the old file, from `start` to `end`, which are whole lines.
    pub(super) fn keep(&mut self, old: &mut File, start: u64, end: u64) -> Result<(), CacheError> {
        let (target, length) = (self.target, end.saturating_sub(start));
        let failed = |error| CacheError::writing(target, error);
        if length == 0 {
            return Ok(());
        }
        // The last line's end is left out: whether a comma belongs before it is seen with the next
        // entry.
        self.separate()?;
        let mut last = [0_u8; 2];
        old.seek(SeekFrom::Start(end.saturating_sub(2))).and_then(|_| old.read_exact(&mut last)).map_err(failed)?;
        let cut = if last == *b",\n" { 2 } else { 1 };
        old.seek(SeekFrom::Start(start)).map_err(failed)?;
        // The system copies from file to file without passing the bytes through this process, where
        // it can.
        self.out.flush().map_err(failed)?;
        let copied = io::copy(&mut old.take(length - cut), self.out.get_mut()).map_err(failed)?;
        if copied != length - cut {
            return Err(failed(io::ErrorKind::UnexpectedEof.into()));
        }
        self.open = true;
        Ok(())
    }

    /// Adds an entry; `value` is compact JSON (see [`compact`](super::layout::compact)).
    pub(super) fn add(&mut self, key_prefix: &[u8], value: &[u8]) -> Result<(), CacheError> {
        self.separate()?;
        self.raw(key_prefix)?;
        self.raw(value)?;
        self.open = true;
        Ok(())
    }

    /// Puts the new version in the place of the old one.
    pub(super) fn finish(mut self) -> Result<(), CacheError> {
        if self.open {
            self.raw(b"\n")?;
        }
        self.raw(TAIL)?;
        let failed = |error| CacheError::writing(self.target, error);
        self.out.flush().map_err(failed)?;
        // The owner may have opened the file to a group.
        if let Ok(old) = fs::metadata(self.target) {
            self.out.get_ref().set_permissions(old.permissions()).map_err(failed)?;
        }
        rename(&self.temporary, self.target).map_err(failed)
    }

    fn separate(&mut self) -> Result<(), CacheError> {
        let needed = std::mem::take(&mut self.open);
        if needed { self.raw(b",\n") } else { Ok(()) }
    }

    fn raw(&mut self, bytes: &[u8]) -> Result<(), CacheError> {
        self.out.write_all(bytes).map_err(|error| CacheError::writing(self.target, error))
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        // After a rename there is nothing under this name; after a failure the disk may need the
        // room.
        drop(fs::remove_file(&self.temporary));
    }
}

/// On Windows a virus scanner or an indexer may hold a file for a moment; elsewhere the first
/// answer is final.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    const TRIES: u32 = if cfg!(windows) { 10 } else { 1 };
    let mut tried = 1;
    loop {
        match fs::rename(from, to) {
            Err(error) if tried < TRIES && error.kind() == io::ErrorKind::PermissionDenied => {
                std::thread::sleep(std::time::Duration::from_millis(10 << tried.min(6)));
                tried += 1;
            }
            result => return result,
        }
    }
}

/// Moves a damaged file out of the way, under the first name that is free: `<name>.broken-1`, `-2`,
/// ….
pub(super) fn move_aside(target: &Path) -> Result<PathBuf, CacheError> {
    const NAMES: u32 = 10_000;
    for n in 1..=NAMES {
        let aside = beside(target, "", &format!(".broken-{n}"));
        // Under the lock nobody else takes the name in between.
        if fs::symlink_metadata(&aside).is_err() {
            return rename(target, &aside).map(|()| aside).map_err(|error| CacheError::writing(target, error));
        }
    }
    Err(CacheError::NotWritable { path: target.to_owned() })
}
