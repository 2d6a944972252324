//! How well a tree explains what was published: per folder, how many published files are blobs of it at the right path.
//!
//! No file content is read: git's blob id of a published file is computed once and looked up among the ids of the tree.

use std::collections::{BTreeMap, HashMap};

use gix::ObjectId;
use gix::objs::tree::EntryKind;

use crate::git::{Listing, ListingEntry};

/// A file as the registry serves it.
#[derive(Debug, Clone)]
pub struct PublishedFile {
    /// Its path in the package.
    pub path: String,
    /// The git blob id of its bytes.
    pub blob: ObjectId,
    /// The blob id of its bytes with LF for CRLF, where it has CRLF throughout: what a Windows checkout came from.
    pub blob_lf: Option<ObjectId>,
}

/// How one folder of one tree compares with the published files, by ids alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Score {
    /// The folder, `""` for the root.
    pub directory: String,
    /// Published files that are blobs of the tree at the same path below the folder.
    pub matched: usize,
    /// Of the others, those that match after CRLF was made LF.
    pub matched_lf: usize,
    /// Published files whose path is in the folder, with other bytes.
    pub changed: Vec<String>,
    /// Published files whose path is not in the folder.
    pub missing: Vec<String>,
}

impl Score {
    /// Files explained, with or without a line-ending conversion.
    pub fn explained(&self) -> usize {
        self.matched + self.matched_lf
    }

    /// Whether every published file is explained.
    pub fn complete(&self) -> bool {
        self.changed.is_empty() && self.missing.is_empty()
    }

    /// Sort key: more files explained, fewer with other bytes at their place.
    pub fn key(&self) -> (usize, std::cmp::Reverse<usize>) {
        (self.explained(), std::cmp::Reverse(self.changed.len()))
    }
}

fn is_file(kind: EntryKind) -> bool {
    matches!(kind, EntryKind::Blob | EntryKind::BlobExecutable)
}

/// Compares the published files with one folder of a tree.
pub fn score_directory(listing: &Listing, directory: &str, published: &[PublishedFile]) -> Score {
    let mut score = Score { directory: directory.to_owned(), ..Score::default() };
    for file in published {
        let path = join(directory, &file.path);
        match listing.get(&path) {
            Some(entry) if is_file(entry.kind) && entry.id == file.blob => score.matched += 1,
            Some(entry) if is_file(entry.kind) && Some(entry.id) == file.blob_lf => score.matched_lf += 1,
            Some(_) => score.changed.push(file.path.clone()),
            None => score.missing.push(file.path.clone()),
        }
    }
    score
}

/// The folders that could be the package's, best first: those that the published files' ids vote for, those with a
/// package.json whose path looks like the package's name, and the ones that were declared.
pub fn candidate_directories(listing: &Listing, published: &[PublishedFile], name: &str, declared: &[&str]) -> Vec<Score> {
    let mut by_id: HashMap<ObjectId, Vec<&ListingEntry>> = HashMap::new();
    let mut manifests = Vec::new();
    for file in published {
        by_id.entry(file.blob).or_default();
        if let Some(lf) = file.blob_lf {
            by_id.entry(lf).or_default();
        }
    }
    for entry in listing.entries.iter().filter(|entry| is_file(entry.kind)) {
        if let Some(places) = by_id.get_mut(&entry.id) {
            places.push(entry);
        }
        if entry.path == "package.json" || entry.path.ends_with("/package.json") {
            manifests.push(parent(&entry.path));
        }
    }
    let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
    for file in published {
        for id in [Some(file.blob), file.blob_lf].into_iter().flatten() {
            for entry in by_id.get(&id).into_iter().flatten() {
                if let Some(directory) = strip_tail(&entry.path, &file.path) {
                    *votes.entry(directory).or_default() += 1;
                }
            }
        }
    }
    let unscoped = name.rsplit('/').next().unwrap_or(name);
    let looks_alike = |dir: &str| {
        let last = dir.rsplit('/').next().unwrap_or(dir);
        last == unscoped || dir.ends_with(name) || unscoped.strip_suffix(last).is_some_and(|rest| rest.ends_with('-') && !last.is_empty())
    };
    let mut directories: Vec<&str> = Vec::new();
    let mut by_votes: Vec<(&str, usize)> = votes.into_iter().collect();
    by_votes.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.len().cmp(&b.0.len())).then_with(|| a.0.cmp(b.0)));
    directories.extend(by_votes.iter().take(12).map(|(dir, _)| *dir));
    directories.extend(declared.iter().copied().filter(|dir| listing.below(dir).next().is_some()));
    directories.extend(manifests.iter().copied().filter(|dir| looks_alike(dir)).take(24));
    directories.push("");
    let mut seen = std::collections::HashSet::new();
    directories.retain(|dir| seen.insert(*dir));
    let mut scores: Vec<Score> = directories.into_iter().map(|dir| score_directory(listing, dir, published)).collect();
    scores.sort_by(|a, b| b.key().cmp(&a.key()).then_with(|| a.directory.len().cmp(&b.directory.len())));
    scores
}

/// All folders of a tree that have a package.json, shallow ones first, at most `limit`.
pub fn manifest_directories(listing: &Listing, limit: usize) -> Vec<String> {
    let mut found: Vec<String> = listing
        .entries
        .iter()
        .filter(|entry| is_file(entry.kind) && (entry.path == "package.json" || entry.path.ends_with("/package.json")))
        .filter(|entry| !entry.path.split('/').any(|part| part == "node_modules"))
        .map(|entry| parent(&entry.path).to_owned())
        .collect();
    found.sort_by_key(|dir| (dir.matches('/').count(), dir.len()));
    found.truncate(limit);
    found
}

/// `dir/path`, or `path` in the root.
pub fn join(directory: &str, path: &str) -> String {
    if directory.is_empty() { path.to_owned() } else { format!("{directory}/{path}") }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

/// The folder `d` for which `d/tail` is `path`.
fn strip_tail<'a>(path: &'a str, tail: &str) -> Option<&'a str> {
    let rest = path.strip_suffix(tail)?;
    if rest.is_empty() { Some("") } else { rest.strip_suffix('/') }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> ObjectId {
        ObjectId::from_bytes_or_panic(&[n; 20])
    }

    fn listing(files: &[(&str, u8)]) -> Listing {
        let mut entries: Vec<_> =
            files.iter().map(|(path, n)| ListingEntry { path: (*path).into(), kind: EntryKind::Blob, id: id(*n) }).collect();
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Listing { entries, unreadable: 0 }
    }

    fn published(files: &[(&str, u8)]) -> Vec<PublishedFile> {
        files.iter().map(|(path, n)| PublishedFile { path: (*path).into(), blob: id(*n), blob_lf: None }).collect()
    }

    #[test]
    fn the_folder_with_the_most_files_wins_over_the_declared_one() {
        let tree = listing(&[("package.json", 1), ("packages/a/package.json", 2), ("packages/a/index.js", 3), ("packages/b/index.js", 4)]);
        let scores = candidate_directories(&tree, &published(&[("package.json", 2), ("index.js", 3)]), "a", &["packages/b"]);
        assert_eq!(scores[0].directory, "packages/a");
        assert!(scores[0].complete());
    }

    #[test]
    fn a_path_that_only_ends_alike_is_no_match() {
        let tree = listing(&[("xindex.js", 3)]);
        let score = &candidate_directories(&tree, &published(&[("index.js", 3)]), "a", &[])[0];
        assert_eq!((score.matched, score.missing.len()), (0, 1));
    }

    #[test]
    fn other_bytes_at_the_path_are_changed_not_missing() {
        let tree = listing(&[("index.js", 9)]);
        let score = score_directory(&tree, "", &published(&[("index.js", 3), ("dist.js", 4)]));
        assert_eq!((score.changed, score.missing), (vec!["index.js".to_owned()], vec!["dist.js".to_owned()]));
    }

    #[test]
    fn crlf_files_count_as_explained_but_not_as_matched() {
        let tree = listing(&[("index.js", 9)]);
        let files = vec![PublishedFile { path: "index.js".into(), blob: id(1), blob_lf: Some(id(9)) }];
        let score = score_directory(&tree, "", &files);
        assert_eq!((score.matched, score.matched_lf, score.complete()), (0, 1, true));
    }
}
