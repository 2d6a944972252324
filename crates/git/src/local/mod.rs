//! A source on this machine, by the user's own word: a git repository, a folder of files, or an
//! archive of them.
//!
//! For a private mirror, a machine without a network, or a distribution's source package. What is
//! no git repository becomes one commit in the object cache, so that the later stages need not know
//! of it.

mod archive;
mod folder;
mod plain;
mod repository;
mod revision;
mod snapshot;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use verdict::diagnostic::shown_path;

use super::repository::Repository;
use super::{GitError, ObjectStore, RemoteRef};

pub use plain::check_repository;
pub use revision::{file_at, has_at};

/// Opens what lies at `path`; `url` is what it is called in the result, and `cache` where its
/// objects are kept.
pub fn open(path: &Path, url: &str, cache: &Path, cancelled: Arc<AtomicBool>) -> Result<Repository, GitError> {
    let store = ObjectStore::open(cache, Arc::clone(&cancelled))?;
    let kind = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if kind.is_dir()
        && let Some((host, refs)) = repository::LocalGit::open(path, url)?
    {
        return Ok(Repository::of(url, Box::new(host), store, refs, cancelled));
    }
    let commit = if kind.is_dir() { folder::import(path, &store, &cancelled)? } else { archive::import(path, &store, &cancelled)? };
    store.reload()?;
    let refs = vec![RemoteRef { name: "refs/heads/source".to_owned(), commit }];
    Ok(Repository::of(url, Box::new(snapshot::Nothing(url.to_owned())), store, refs, cancelled))
}

/// A source of the user's that cannot be read.
fn unreadable(path: &Path, why: &dyn std::fmt::Display) -> GitError {
    GitError::Source { path: shown_path(path), detail: why.to_string() }
}
