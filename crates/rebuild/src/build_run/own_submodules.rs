//! Submodules that are the judged repository again, or a copy of it: at another commit that has
//! what no file of the judged one has, and a build may copy from there.

use std::collections::BTreeSet;

use git::GitError;
use origin::Origin;

use super::Site;
use super::failure::listed;
use super::judged_repository::JudgedRepository;
use crate::checkout::{Folder, HasBlobs};
use crate::submodules::ends_the_run;
use crate::{Published, SourceError};

/// A warning that names them; `None` if there are none.
pub(super) fn told(
    folder: &mut Folder<'_>,
    url: &str,
    (origin, published): (&Origin, &Published),
    site: &Site,
) -> Result<Option<(&'static str, String)>, SourceError> {
    let judged = JudgedRepository::of(url, origin, published, &site.context);
    let tracked: BTreeSet<&[u8]> = origin.listing.entries.iter().map(|entry| entry.id.as_bytes()).collect();
    let made = published.archive.entries().iter().filter(|entry| !tracked.contains(entry.blob_id.as_slice()));
    let made: BTreeSet<[u8; 20]> = made.map(|entry| entry.blob_id).collect();
    let mut own = BTreeSet::new();
    for HasBlobs { path, commit, repository, has } in folder.submodules_with(&made) {
        let Some(there) = folder.repositories.get_mut(repository) else { continue };
        let named = format!("the submodule {path}@git+{}#{commit}", there.url());
        match judged.shares_with(there, (&commit, has), (&site.context, &site.runtime)) {
            Ok(true) => own.insert(named),
            Ok(false) => continue,
            Err(error) if ends_the_run(&error) => return Err(error.into()),
            Err(error) => own.insert(unknown(&named, &error)),
        };
    }
    Ok((!own.is_empty()).then(|| ("built-from-itself", format!("the build had other commits of its own repository: {}", listed(&own)))))
}

fn unknown(named: &str, error: &GitError) -> String {
    format!("{named} (may be one: {error})")
}
