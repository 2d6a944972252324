//! Files that no build makes, because they are of the publisher's machine: where nothing else is
//! missing, none is tried.

use gix::ObjectId;
use gix::objs::tree::EntryKind;

use explain::made_by_no_build;
use origin::{Located, Origin};

use crate::SourceError;
use crate::rebuilt::Rebuilt;

/// The error that says so, of the attempt that came closest.
pub(super) fn needed(located: &Located, closest: &Rebuilt) -> Option<SourceError> {
    let commit = ObjectId::from_hex(closest.recipe.commit.as_bytes()).ok()?;
    let origin = located.origins.iter().find(|origin| origin.commit == commit)?;
    let (path, what) = all_that_is_missing(origin, closest)?;
    Some(SourceError::LeftBehind { path, what })
}

/// The first of the files that are missing, and what left it, if no build makes any of them and all
/// else is as it was published. A file of that kind anywhere in the source may be copied by a
/// build, and a submodule may have one.
pub(super) fn all_that_is_missing(origin: &Origin, closest: &Rebuilt) -> Option<(String, &'static str)> {
    let comparison = &closest.comparison;
    if !comparison.changed.is_empty()
        || !comparison.only_rebuilt.is_empty()
        || !comparison.only_published.iter().all(|path| made_by_no_build(path).is_some())
    {
        return None;
    }
    let copied = |path: &str, kind: EntryKind| kind == EntryKind::Commit || made_by_no_build(path).is_some();
    if origin.listing.entries.iter().any(|entry| copied(&entry.path, entry.kind)) {
        return None;
    }
    let path = comparison.only_published.first()?;
    Some((path.clone(), made_by_no_build(path)?))
}
