//! Where a repository's objects come from: a git host, or something on this machine.

use std::sync::atomic::AtomicBool;

use super::remote::{Remote, Wants};
use super::{GitError, ObjectStore};

/// A place that gives out objects by their ids.
pub trait Host: Send {
    /// Brings objects into `store` and makes them visible there; returns how many bytes were
    /// received. An id that is not there is [`GitError::ObjectMissing`].
    fn fetch(&mut self, wants: &Wants<'_>, store: &ObjectStore, cancelled: &AtomicBool) -> Result<u64, GitError>;
}

impl Host for Remote {
    fn fetch(&mut self, wants: &Wants<'_>, store: &ObjectStore, cancelled: &AtomicBool) -> Result<u64, GitError> {
        Self::fetch(self, wants, store, cancelled)
    }
}
