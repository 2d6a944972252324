//! Submodules that are the judged repository again, or a copy of it: at another commit that has
//! what no file of the judged one has. A build may copy from there, and what is packed without one
//! may lie there.

use std::collections::BTreeSet;

use tokio::runtime::Handle;

use context::Context;
use git::{GitError, Repository};
use origin::Origin;

use crate::build_run::listed;
use crate::checkout::{Folder, HasBlobs};
use crate::judged_repository::JudgedRepository;
use crate::submodules::ends_the_run;
use crate::{Published, SourceError};

/// What submodules are held against.
#[derive(Clone, Copy)]
pub(crate) struct Judged<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) published: &'a Published,
    /// Whether all of a submodule's history is read where that has published files that the commit
    /// does not have: a build may have taken them from anywhere in it.
    pub(crate) reads_history: bool,
}

/// A line that names them; `None` if there are none. `repository` is the judged one.
pub(crate) fn told(
    folder: &mut Folder<'_>,
    repository: &mut Repository,
    judged: Judged<'_>,
    outside: (&Context, &Handle),
) -> Result<Option<String>, SourceError> {
    let Judged { origin, published, reads_history } = judged;
    let judged = JudgedRepository::of(repository.url(), origin, published, outside.0);
    let tracked: BTreeSet<&[u8]> = origin.listing.entries.iter().map(|entry| entry.id.as_bytes()).collect();
    let made = published.archive.entries().iter().filter(|entry| !tracked.contains(entry.blob_id.as_slice()));
    let made: BTreeSet<[u8; 20]> = made.map(|entry| entry.blob_id).collect();
    let mut own = BTreeSet::new();
    for HasBlobs { path, commit, repository: at, has } in folder.submodules_with(&made) {
        let Some(there) = folder.repositories.get_mut(at) else { continue };
        let named = format!("the submodule {path}@git+{}#{commit}", there.url());
        match judged.shares_with(there, (&commit, has && reads_history), repository, outside) {
            Ok(true) => own.insert(named),
            Ok(false) => continue,
            Err(error) if ends_the_run(&error) => return Err(error.into()),
            Err(error) => own.insert(unknown(&named, &error)),
        };
    }
    Ok((!own.is_empty()).then(|| format!("the source has other commits of its own repository in it: {}", listed(&own))))
}

fn unknown(named: &str, error: &GitError) -> String {
    format!("{named} (may be one: {error})")
}
