//! The file of results: a JSON object from `name@version` to a result, shared by every process of
//! this user.
//!
//! Results are opaque JSON here; whether one still counts is for the caller to say. Readers take no
//! lock: a file is only ever replaced as a whole, so that what they opened stays as it was. See
//! [`layout`](super::layout) for why both reading one entry and adding one are fast in a large
//! file.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::value::RawValue;

use super::entries::{self, Foreign};
use super::error::CacheError;
use super::layout::{self, Walk};
use super::lock::FileLock;
use super::rewrite::{Draft, move_aside};
use super::{folders, target};

/// How long a writer waits for the others unless the caller says otherwise. A write takes
/// milliseconds.
pub const DEFAULT_WAIT: Duration = Duration::from_secs(30);

/// Entries of a large file are read in pieces of this size: it stays in the processor's cache.
const BUFFER: usize = 256 << 10;

/// One file of results.
#[derive(Debug, Clone)]
pub struct Results {
    path: PathBuf,
    wait: Duration,
    /// Nobody named it: it lies in this program's own folder, under the name that it has there.
    is_own: bool,
}

/// What a write did besides writing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Written {
    /// Where a damaged file was moved that stood in the way; a finding for the report.
    pub moved_aside: Option<PathBuf>,
}

impl Results {
    /// The file at `path`, which need not exist. Touches nothing on disk.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), wait: DEFAULT_WAIT, is_own: false }
    }

    /// This program's own file, which nobody named: whatever is no JSON there is a damaged file of
    /// results. JSON of another program is left alone here, too.
    pub(super) fn own(path: impl Into<PathBuf>) -> Self {
        Self { is_own: true, ..Self::at(path) }
    }

    /// Waits for at most `wait` for other writers.
    #[must_use]
    pub fn with_wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// The file, as it was named.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The result stored under `key`, as its JSON text. A file that does not exist has none.
    pub fn get(&self, key: &str) -> Result<Option<Box<RawValue>>, CacheError> {
        let Some(file) = open(&self.path)? else {
            return Ok(None);
        };
        let failed = |error| CacheError::reading(&self.path, error);
        let prefix = layout::key_prefix(key);
        let mut reader = BufReader::with_capacity(BUFFER, file);
        if let Walk::Whole { found, .. } = layout::walk(&mut reader, &HashSet::from([prefix.clone()])).map_err(failed)? {
            let Some((offset, length)) = found.last().copied() else {
                return Ok(None);
            };
            let mut line = Vec::new();
            reader.seek(SeekFrom::Start(offset)).map_err(failed)?;
            reader.by_ref().take(length).read_until(b'\n', &mut line).map_err(failed)?;
            let value = layout::value_of(&line, &prefix).and_then(|value| RawValue::from_string(value.to_owned()).ok());
            if value.is_some() {
                return Ok(value);
            }
            // An editor may have broken the line in two.
        }
        let bytes = read_whole(&mut reader.into_inner(), &self.path)?;
        let entries = self.results_of(&bytes, &self.path)?;
        Ok(entries.into_iter().find(|(name, _)| name == key).map(|(_, value)| value.to_owned()))
    }

    /// Every entry, in file order. Reads the whole file into memory: for listing a cache, not for
    /// looking something up.
    pub fn all(&self) -> Result<Vec<(String, Box<RawValue>)>, CacheError> {
        let Some(mut file) = open(&self.path)? else {
            return Ok(Vec::new());
        };
        let bytes = read_whole(&mut file, &self.path)?;
        let entries = self.results_of(&bytes, &self.path)?;
        Ok(entries.into_iter().map(|(key, value)| (key, value.to_owned())).collect())
    }

    /// Stores one result; see [`Self::put_many`].
    pub fn put(&self, key: &str, value: &RawValue) -> Result<Written, CacheError> {
        self.put_many(&[(key, value)])
    }

    /// Stores results, in place of those that have the same key, with one pass over the file. Of
    /// equal keys the last counts.
    ///
    /// Blocks the thread while another process writes. When it returns, every later reader sees the
    /// entries; if it fails or its process is killed, the file is what it was before.
    pub fn put_many(&self, entries: &[(&str, &RawValue)]) -> Result<Written, CacheError> {
        let mut new = Vec::with_capacity(entries.len());
        let mut gone = HashSet::with_capacity(entries.len());
        for (key, value) in entries.iter().rev() {
            if value.get().len() as u64 + key.len() as u64 > layout::MAX_ENTRY / 2 {
                return Err(CacheError::TooLarge { path: self.path.clone() });
            }
            if !value.get().starts_with('{') {
                return Err(CacheError::NotAResult { key: (*key).to_owned() });
            }
            let prefix = layout::key_prefix(key);
            if gone.insert(prefix.clone()) {
                new.push((prefix, layout::compact(value.get())));
            }
        }
        new.reverse();
        self.change(&new, &gone)
    }

    /// Removes results.
    pub fn remove(&self, keys: &[&str]) -> Result<Written, CacheError> {
        self.change(&[], &keys.iter().map(|key| layout::key_prefix(key)).collect())
    }

    /// Writes the file anew without the entries of `gone`, and with `new` at its end.
    fn change(&self, new: &[(Vec<u8>, Vec<u8>)], gone: &HashSet<Vec<u8>>) -> Result<Written, CacheError> {
        if gone.is_empty() {
            return Ok(Written::default());
        }
        let target = target::follow(&self.path)?;
        if let Some(folder) = target.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            folders::create(folder)?;
        }
        // Renaming over a file needs no permission of the file's own; who took it away meant the
        // cache to stay as it is.
        if target::metadata(&target)?.is_some_and(|data| data.permissions().readonly()) {
            return Err(CacheError::NotWritable { path: target });
        }
        let _lock = FileLock::acquire(&target::beside(&target, ".", ".lock"), self.wait)?;
        let mut written = Written::default();
        let mut draft = Draft::begin(&target)?;
        match self.keep_old(&mut draft, &target, gone) {
            Err(CacheError::Broken { .. }) => {
                drop(draft);
                written.moved_aside = Some(move_aside(&target)?);
                draft = Draft::begin(&target)?;
            }
            kept => kept?,
        }
        for (prefix, value) in new {
            draft.add(prefix, value)?;
        }
        draft.finish()?;
        Ok(written)
    }

    /// Takes over what the file at `target` holds, but for the entries of `gone`.
    fn keep_old(&self, draft: &mut Draft<'_>, target: &Path, gone: &HashSet<Vec<u8>>) -> Result<(), CacheError> {
        let Some(file) = open(target)? else {
            return Ok(());
        };
        let mut reader = BufReader::with_capacity(BUFFER, file);
        let walk = layout::walk(&mut reader, gone).map_err(|error| CacheError::reading(target, error))?;
        let mut file = reader.into_inner();
        match walk {
            Walk::Whole { end, found } => {
                let mut start = layout::HEAD.len() as u64;
                for (offset, length) in found {
                    draft.keep(&mut file, start, offset)?;
                    start = offset + length;
                }
                draft.keep(&mut file, start, end)
            }
            Walk::Other => {
                let bytes = read_whole(&mut file, target)?;
                for (key, value) in self.results_of(&bytes, target)? {
                    let prefix = layout::key_prefix(&key);
                    if !gone.contains(&prefix) {
                        draft.add(&prefix, &layout::compact(value.get()))?;
                    }
                }
                Ok(())
            }
        }
    }

    fn results_of<'a>(&self, bytes: &'a [u8], path: &Path) -> Result<Vec<(String, &'a RawValue)>, CacheError> {
        match entries::read(bytes) {
            Foreign::Results(entries) => Ok(entries),
            Foreign::Broken => Err(CacheError::Broken { path: path.to_owned() }),
            Foreign::NotJson if self.is_own => Err(CacheError::Broken { path: path.to_owned() }),
            Foreign::NotOurs | Foreign::NotJson => Err(CacheError::NotOurs { path: path.to_owned() }),
        }
    }
}

fn open(path: &Path) -> Result<Option<File>, CacheError> {
    match target::metadata(path)? {
        None => Ok(None),
        Some(_) => File::open(path).map(Some).map_err(|error| CacheError::reading(path, error)),
    }
}

fn read_whole(file: &mut File, path: &Path) -> Result<Vec<u8>, CacheError> {
    let mut bytes = Vec::new();
    let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.take(entries::MAX_FILE + 1).read_to_end(&mut bytes));
    read.map_err(|error| CacheError::reading(path, error))?;
    if bytes.len() as u64 > entries::MAX_FILE {
        return Err(CacheError::TooLarge { path: path.to_owned() });
    }
    Ok(bytes)
}
