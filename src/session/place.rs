//! Where a run keeps things: the user's cache, or a folder that goes with the run where the
//! platform's cannot be used.
//!
//! A machine without a home, or with one that is read-only, still gives an answer; what the user
//! names must be usable.

use std::path::Path;

use npmrc::Surroundings;
use store::{CacheError, Folders, Temporary, folders};
use verdict::{Finding, Severity};

use super::setup::cache_folders;
use crate::options::Options;

/// The folders of a run.
pub(super) struct Place {
    /// The folders.
    pub(super) folders: Folders,
    /// Why they go with the run, where they do.
    pub(super) finding: Option<Finding>,
    _temporary: Option<Temporary>,
}

impl Place {
    /// The folders that the options mean. Where the user names none and the platform's cannot be
    /// written, new ones among the temporary files.
    pub(super) fn of(options: &Options, around: &Surroundings) -> Result<Self, CacheError> {
        let usual = cache_folders(options, around);
        if options.cache_dir.is_some() {
            return Ok(Self { folders: usual?, finding: None, _temporary: None });
        }
        let why = match usual {
            Ok(folders) => match writable(&folders.root) {
                Ok(()) => return Ok(Self { folders, finding: None, _temporary: None }),
                Err(error) => error,
            },
            Err(error) => error,
        };
        let temporary = Temporary::new("reproduce-cache-", &|_| Ok(()))
            .map_err(|reasons| CacheError::writing(&std::env::temp_dir(), std::io::Error::other(reasons)))?;
        let folders = Folders::at(temporary.path(), options.cache_file.as_deref());
        let message = format!("{why}: downloads and builds are removed after this run; --cache-dir names a folder that stays");
        let finding = Some(Finding::new("cache-temporary", Severity::Warning, message));
        Ok(Self { folders, finding, _temporary: Some(temporary) })
    }
}

fn writable(root: &Path) -> Result<(), CacheError> {
    folders::create(root)?;
    tempfile::Builder::new().prefix(".writable-").tempfile_in(root).map(drop).map_err(|error| CacheError::writing(root, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_names_is_used_or_refused_and_never_replaced() {
        let home = tempfile::tempdir().unwrap();
        let options = Options { cache_dir: Some(home.path().join("named")), ..Options::default() };
        let place = Place::of(&options, &Surroundings::of_process(None)).unwrap();
        assert_eq!(place.folders.root, home.path().join("named"));
        assert!(place.finding.is_none());
    }

    #[test]
    fn a_temporary_place_goes_with_its_run() {
        let around = Surroundings { vars: std::collections::BTreeMap::new(), ..Surroundings::of_process(None) };
        let place = Place::of(&Options::default(), &around).unwrap();
        let root = place.folders.root.clone();
        assert!(root.is_dir());
        assert_eq!(place.finding.as_ref().map(|finding| finding.code.as_str()), Some("cache-temporary"));
        drop(place);
        assert!(!root.exists());
    }
}
