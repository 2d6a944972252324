//! What a reader should know where a build came out that wrote over files of the commit: who reads
//! the repository sees another text, or a link, at the same path.

use std::collections::BTreeSet;

use explain::is_build_output;
use git::Listing;
use gix::objs::tree::EntryKind;
use npm_spec::path::join;
use npm_tarball::{Archive, EntryKind as Published};
use origin::Located;
use rebuild::rebuilt::Rebuilt;
use verdict::{Finding, Outcome, Severity};

use crate::checkout_notes::first_of;

/// The published files that come out of the commit as it is, by the attempt that ran nothing; none
/// where there was none of that commit.
pub(crate) fn as_committed(attempts: &[Rebuilt], chosen: usize) -> BTreeSet<String> {
    let chosen = attempts.get(chosen).map(|one| &one.recipe.commit);
    let plain = attempts.iter().find(|one| one.run.is_none() && Some(&one.recipe.commit) == chosen);
    plain.map(|one| one.comparison.identical.iter().cloned().collect()).unwrap_or_default()
}

/// A finding that names the files; `None` if there are none.
///
/// A warning, unless all of them lie where builds write: a project that commits what it builds
/// commits it late.
pub(crate) fn finding(one: &Rebuilt, as_committed: &BTreeSet<String>, published: &Archive, located: &Located) -> Option<Finding> {
    if one.run.is_none() || one.outcome == Outcome::OtherEntries {
        return None;
    }
    let commit = gix::ObjectId::from_hex(one.recipe.commit.as_bytes()).ok()?;
    let origin = located.origins.iter().find(|origin| origin.commit == commit)?;
    let folder = one.recipe.build.as_ref().and_then(|build| build.packed.as_deref()).unwrap_or(&one.recipe.directory);
    let files = published.entries().iter().filter(|entry| entry.kind == Published::File && !as_committed.contains(&entry.path));
    let changed = files.filter(|entry| is_other(&origin.listing, &join(folder, &entry.path), &entry.blob_id));
    let (expected, others): (Vec<String>, Vec<String>) = changed.map(|entry| entry.path.clone()).partition(|path| is_build_output(path));
    let severity = if others.is_empty() { Severity::Info } else { Severity::Warning };
    let paths = [others, expected].concat();
    let message = format!("the build wrote other text over files of the commit: {}", first_of(&paths));
    (!paths.is_empty()).then(|| Finding::new("source-overwritten", severity, message))
}

/// Whether the commit has something else at a path, or a link above it.
fn is_other(listing: &Listing, path: &str, blob: &[u8; 20]) -> bool {
    let kind = |path: &str| listing.get(path).map(|entry| entry.kind);
    let above = std::iter::successors(path.rsplit_once('/'), |(above, _)| above.rsplit_once('/')).map(|(above, _)| above);
    let is_below_a_link = above.into_iter().any(|folder| matches!(kind(folder), Some(EntryKind::Link)));
    match listing.get(path) {
        Some(entry) => match entry.kind {
            EntryKind::Blob | EntryKind::BlobExecutable => entry.id.as_bytes() != blob,
            EntryKind::Link => true,
            EntryKind::Tree | EntryKind::Commit => false,
        },
        None => is_below_a_link,
    }
}

#[cfg(test)]
mod tests {
    use git::ListingEntry;
    use gix::ObjectId;

    use super::*;

    #[test]
    fn another_text_a_link_and_what_lies_below_one_are_other() {
        let id = ObjectId::empty_blob(gix::hash::Kind::Sha1);
        let entry = |path: &str, kind| ListingEntry { path: path.to_owned(), kind, id };
        let entries = vec![entry("a.js", EntryKind::Blob), entry("lib", EntryKind::Link), entry("vendor", EntryKind::Commit)];
        let listing = Listing { entries };
        let own: [u8; 20] = id.as_bytes().try_into().unwrap();
        assert!(is_other(&listing, "a.js", &[1; 20]) && !is_other(&listing, "a.js", &own));
        assert!(is_other(&listing, "lib", &own) && is_other(&listing, "lib/x/y.js", &own));
        assert!(!is_other(&listing, "vendor/x.js", &own) && !is_other(&listing, "dist/new.js", &own));
    }
}
