//! Tarballs: fetched whole and checked before the first byte is handed on, and kept by what they
//! were checked with.
//!
//! A file's name is made of the promise (`sha512-…`), and only what keeps the promise gets it, by
//! renaming: processes that run at once share the folder, and one that is killed leaves at most a
//! temporary file. A kept file is hashed again when it is used: disks fail, and the folder is not
//! ours alone. What no registry promises anything for is handed on and not kept.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tempfile::NamedTempFile;
use url::Url;

use http::{Cancel, Client, HttpError, Request, Sink, Trust};
use npm_registry::{Hasher, Integrity, RegistryError};
use store::folders::{create, safe_name};

use super::error::Refused;

/// Largest tarball, in bytes, and most bytes that one build makes us fetch.
const MAX_TARBALL: u64 = 512 << 20;
const MAX_RUN: u64 = 8 << 30;
/// Where files are until they have kept their promise, and after what time one belongs to a process
/// that was killed.
const UNFINISHED: &str = "unfinished";
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// A tarball that may be handed on.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) file: File,
    pub(super) length: u64,
    /// What it hashes to, as npm writes it.
    pub(super) sha512: String,
}

/// Which tarball, and from where.
#[derive(Debug)]
pub(super) struct Order<'a> {
    pub(super) client: &'a Client,
    pub(super) url: &'a Url,
    pub(super) trust: Trust,
    pub(super) promised: Option<Integrity>,
    /// Whether it is not for everybody who knows what it hashes to.
    pub(super) is_private: bool,
    pub(super) name: &'a str,
    pub(super) version: &'a str,
    pub(super) cancel: &'a Cancel,
}

/// The folder of tarballs.
#[derive(Debug)]
pub(super) struct Tarballs {
    folder: PathBuf,
    fetched: AtomicU64,
}

impl Tarballs {
    /// Touches nothing on disk.
    pub(super) fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), fetched: AtomicU64::new(0) }
    }

    /// A tarball from the folder, or else from the registry.
    pub(super) async fn get(&self, order: &Order<'_>) -> Result<Held, Refused> {
        let kept_as = |promised: &Integrity| if order.is_private { format!("{} {}", order.url, promised.text()) } else { promised.text() };
        let kept = order.promised.as_ref().map(|promised| self.folder.join(safe_name(&kept_as(promised))));
        if let Some((path, promised)) = kept.clone().zip(order.promised.clone()) {
            let held = tokio::task::spawn_blocking(move || open(&path, &promised)).await.map_err(|error| disk(&error))?;
            if let Some(held) = held {
                return Ok(held);
            }
        }
        match self.fetch(order, kept.as_deref()).await? {
            Some(held) => Ok(held),
            // As npm does: caches on the way are known to spoil.
            None => self
                .fetch(order, kept.as_deref())
                .await?
                .ok_or_else(|| Refused::WrongTarball { name: order.name.to_owned(), version: order.version.to_owned() }),
        }
    }

    /// None if it is another one than was promised.
    async fn fetch(&self, order: &Order<'_>, kept: Option<&Path>) -> Result<Option<Held>, Refused> {
        let folder = self.folder.join(UNFINISHED);
        create(&self.folder).and_then(|()| create(&folder)).map_err(|error| disk(&error))?;
        let mut file = Unfinished {
            file: NamedTempFile::new_in(&folder).map_err(|error| disk(&error))?,
            hasher: Hasher::new(order.promised.as_ref()),
            promised: order.promised.as_ref(),
            length: 0,
            fetched: &self.fetched,
            too_much: false,
        };
        // Compressed for the way, what is hashed would be a matter of opinion.
        let request = Request::get(order.url.clone(), order.trust).max_body(MAX_TARBALL).uncompressed().cancelled_by(order.cancel);
        let fetched = order.client.fetch(&request, &mut file).await;
        if file.too_much {
            return Err(Refused::TooMuch);
        }
        fetched.map_err(|error| match error {
            HttpError::TooLarge { url, limit } => RegistryError::TarballTooLarge { location: url, limit },
            HttpError::Status { url, status: 404 | 410 } => RegistryError::TarballNotFound { location: url },
            error => error.into(),
        })?;
        let digests = file.hasher.finish();
        if order.promised.as_ref().is_some_and(|promised| digests.mismatch(promised).is_some()) {
            return Ok(None);
        }
        let (length, sha512) = (file.length, digests.sha512());
        let file = match kept {
            Some(path) => file.file.persist(path).map_err(|error| disk(&error.error))?,
            None => file.file.into_file(),
        };
        Ok(Some(Held { file, length, sha512 }))
    }

    /// Removes what processes left that were killed while they fetched.
    pub(super) fn sweep(&self) {
        let Ok(entries) = std::fs::read_dir(self.folder.join(UNFINISHED)) else { return };
        for entry in entries.filter_map(Result::ok) {
            let changed = entry.metadata().and_then(|found| found.modified()).ok();
            let age = changed.and_then(|changed| SystemTime::now().duration_since(changed).ok());
            if age.is_some_and(|age| age > ABANDONED) {
                // Another process may have been faster.
                drop(std::fs::remove_file(entry.path()));
            }
        }
    }
}

/// A kept tarball, hashed again; one that has changed is removed and none.
fn open(path: &Path, promised: &Integrity) -> Option<Held> {
    let mut file = File::open(path).ok()?;
    let mut hasher = Hasher::new(Some(promised));
    let mut buffer = vec![0; 1 << 16];
    let mut length = 0;
    loop {
        let count = file.read(&mut buffer).ok()?;
        let Some(piece) = buffer.get(..count).filter(|piece| !piece.is_empty()) else { break };
        hasher.update(piece);
        length += piece.len() as u64;
    }
    let digests = hasher.finish();
    if digests.mismatch(promised).is_some() {
        // If it stays, the next one that is fetched replaces it.
        drop(std::fs::remove_file(path));
        return None;
    }
    file.seek(SeekFrom::Start(0)).ok()?;
    Some(Held { file, length, sha512: digests.sha512() })
}

fn disk(error: &dyn std::fmt::Display) -> Refused {
    RegistryError::Disk(error.to_string()).into()
}

/// A tarball that is coming.
struct Unfinished<'a> {
    file: NamedTempFile,
    hasher: Hasher,
    promised: Option<&'a Integrity>,
    length: u64,
    fetched: &'a AtomicU64,
    too_much: bool,
}

impl Sink for Unfinished<'_> {
    fn start(&mut self, _: Option<u64>) -> io::Result<()> {
        self.file.as_file().set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.hasher = Hasher::new(self.promised);
        self.length = 0;
        Ok(())
    }

    fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        let count = piece.len() as u64;
        if self.fetched.fetch_add(count, Ordering::Relaxed).saturating_add(count) > MAX_RUN {
            self.too_much = true;
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        self.file.write_all(piece)?;
        self.hasher.update(piece);
        self.length += count;
        Ok(())
    }
}
