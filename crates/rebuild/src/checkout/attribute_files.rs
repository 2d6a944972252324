//! The `.gitattributes` that count for a folder.

use gix::ObjectId;
use gix::objs::tree::EntryKind;

use git::attributes::{Attributes, MAX_FILE};
use git::{Listing, Repository};

use super::size_in;
use crate::error::SourceError;

/// Most bytes of attribute files that are read for one tree.
const MAX_ATTRIBUTES: u64 = 8 << 20;

/// The attribute files that count for `directory` of a tree: its own, those above it and those
/// below it.
pub(super) fn attributes(repository: &mut Repository, listing: &Listing, directory: &str) -> Result<Attributes, SourceError> {
    let files = attribute_files(listing, directory);
    repository.ensure_blobs(files.iter().map(|(_, id)| *id))?;
    let mut texts = Vec::new();
    let mut left = MAX_ATTRIBUTES;
    for (dir, id) in files {
        let size = size_in(repository, &id)?;
        if size > MAX_FILE {
            continue;
        }
        let too_large = || SourceError::TooLarge { what: "the sum of all .gitattributes".into(), limit: MAX_ATTRIBUTES };
        left = left.checked_sub(size).ok_or_else(too_large)?;
        texts.push((dir, repository.blob(&id)?));
    }
    Ok(Attributes::new(texts.iter().map(|(dir, text)| (*dir, text.as_slice()))))
}

/// `(folder, blob)` of these files. git reads none through a link since 2.32, and a submodule of
/// that name is a folder.
fn attribute_files<'l>(listing: &'l Listing, directory: &str) -> Vec<(&'l str, ObjectId)> {
    let below = |dir: &str, top: &str| top.is_empty() || dir.strip_prefix(top).is_some_and(|rest| rest.starts_with('/'));
    let files = listing.entries.iter().filter(|entry| matches!(entry.kind, EntryKind::Blob | EntryKind::BlobExecutable));
    files
        .filter_map(|entry| {
            let dir = entry.path.strip_suffix(".gitattributes")?;
            let dir = if dir.is_empty() { dir } else { dir.strip_suffix('/')? };
            (dir == directory || below(dir, directory) || below(directory, dir)).then_some((dir, entry.id))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use git::ListingEntry;

    use super::*;

    fn listing(entries: &[(&str, EntryKind)]) -> Listing {
        let id = ObjectId::empty_blob(gix::hash::Kind::Sha1);
        let mut entries: Vec<_> = entries.iter().map(|(path, kind)| ListingEntry { path: (*path).to_owned(), kind: *kind, id }).collect();
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Listing { entries }
    }

    fn folders(entries: &[(&str, EntryKind)], directory: &str) -> Vec<String> {
        attribute_files(&listing(entries), directory).into_iter().map(|(dir, _)| dir.to_owned()).collect()
    }

    #[test]
    fn attributes_are_read_from_files_only() {
        let entries = [
            ("a/.gitattributes", EntryKind::BlobExecutable),
            ("b/.gitattributes", EntryKind::Link),
            ("c/.gitattributes", EntryKind::Commit),
            ("x.gitattributes", EntryKind::Blob),
            (".gitattributes", EntryKind::Blob),
        ];
        assert_eq!(folders(&entries, ""), ["", "a"]);
    }

    #[test]
    fn attributes_above_and_below_the_folder_count_and_those_beside_it_do_not() {
        let all = [
            ".gitattributes",
            "p/.gitattributes",
            "p/a/.gitattributes",
            "p/a/lib/.gitattributes",
            "p/ab/.gitattributes",
            "q/.gitattributes",
        ];
        let entries = all.map(|path| (path, EntryKind::Blob));
        assert_eq!(folders(&entries, "p/a"), ["", "p", "p/a", "p/a/lib"]);
    }
}
