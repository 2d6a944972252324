//! How well a tree explains what was published: per folder, how many published files are blobs of
//! it at the right path.
//!
//! No file content is read: git's blob id of a published file is computed once and looked up among
//! the ids of the tree.

use std::collections::{HashMap, HashSet};

use gix::ObjectId;
use gix::objs::tree::EntryKind;

use git::{Listing, ListingEntry};
use npm_spec::path::join;

/// A file as the registry serves it.
#[derive(Debug, Clone)]
pub struct PublishedFile {
    /// Its path in the package.
    pub path: String,
    /// The git blob id of its bytes.
    pub blob: ObjectId,
    /// The blob id of its bytes with LF for CRLF, where it has CRLF throughout: what a Windows
    /// checkout came from.
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

/// Files of a folder's tree that were not published and stand beside files that were: about what a
/// client would have packed besides. Hidden files do not count: clients leave most of them out.
pub fn only_in_source(listing: &Listing, published: &[PublishedFile]) -> usize {
    let paths: HashSet<&str> = published.iter().map(|file| file.path.as_str()).collect();
    let folders: HashSet<&str> = paths.iter().map(|path| parent(path)).collect();
    let hidden = |path: &str| path.rsplit('/').next().is_some_and(|name| name.starts_with('.'));
    let stray = |path: &str| folders.contains(parent(path)) && !hidden(path) && !paths.contains(path);
    listing.entries.iter().filter(|entry| is_file(entry.kind) && stray(&entry.path)).count()
}

/// The folders that could be the package's, best first: those that the published files' ids vote
/// for, those with a package.json whose path looks like the package's name, and the ones that were
/// declared.
pub fn candidate_directories(listing: &Listing, published: &[PublishedFile], name: &str, declared: &[&str]) -> Vec<Score> {
    let paths = Paths::of(published);
    let mut votes: HashMap<&str, usize> = HashMap::new();
    let mut manifests = Vec::new();
    for entry in listing.entries.iter().filter(|entry| is_file(entry.kind)) {
        paths.vote(entry, &mut votes);
        if entry.path == "package.json" || entry.path.ends_with("/package.json") {
            manifests.push(parent(&entry.path));
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
    let mut seen = HashSet::new();
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

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

/// The published files by the components of their paths, last component first. Each file of a tree
/// takes one walk from the root of this trie, however many published files have the same bytes:
/// with a lookup by blob id, a package and a tree of a hundred thousand empty files each would be
/// compared pair by pair.
struct Paths<'a> {
    /// The node that a component leads to from a node; 0 is the root.
    next: HashMap<(usize, &'a str), usize>,
    /// The file that ends at each node.
    ends: Vec<Option<&'a PublishedFile>>,
}

impl<'a> Paths<'a> {
    fn of(published: &'a [PublishedFile]) -> Self {
        let mut paths = Self { next: HashMap::new(), ends: vec![None] };
        for file in published {
            let mut node = 0;
            for component in file.path.rsplit('/') {
                let new = paths.ends.len();
                node = *paths.next.entry((node, component)).or_insert(new);
                if node == new {
                    paths.ends.push(None);
                }
            }
            if let Some(end) = paths.ends.get_mut(node) {
                *end = Some(file);
            }
        }
        paths
    }

    /// A vote for every folder below which the entry is a published file, by its path there and its
    /// blob id.
    fn vote<'t>(&self, entry: &'t ListingEntry, votes: &mut HashMap<&'t str, usize>) {
        let mut node = 0;
        let mut rest = Some(entry.path.as_str());
        while let Some(path) = rest {
            let (above, component) = path.rsplit_once('/').map_or((None, path), |(above, component)| (Some(above), component));
            let Some(&next) = self.next.get(&(node, component)) else { return };
            node = next;
            if let Some(file) = self.ends.get(node).copied().flatten()
                && (entry.id == file.blob || Some(entry.id) == file.blob_lf)
            {
                *votes.entry(above.unwrap_or_default()).or_default() += 1;
            }
            rest = above;
        }
    }
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
        Listing { entries }
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

    fn votes(tree: &[(&str, u8)], files: &[(&str, u8)]) -> Vec<(String, usize)> {
        let (tree, files) = (listing(tree), published(files));
        let paths = Paths::of(&files);
        let mut votes = HashMap::new();
        tree.entries.iter().for_each(|entry| paths.vote(entry, &mut votes));
        let mut votes: Vec<_> = votes.into_iter().map(|(dir, count)| (dir.to_owned(), count)).collect();
        votes.sort();
        votes
    }

    #[test]
    fn a_file_votes_for_each_folder_from_which_its_path_is_published() {
        let found = votes(&[("a/lib/x/x.js", 1)], &[("x.js", 1), ("x/x.js", 1), ("a/lib/x/x.js", 1), ("lib/x.js", 1)]);
        assert_eq!(found, [(String::new(), 1), ("a/lib".into(), 1), ("a/lib/x".into(), 1)]);
    }

    #[test]
    fn a_file_with_other_bytes_or_only_a_similar_path_has_no_vote() {
        assert_eq!(votes(&[("a/x.js", 2), ("b/yx.js", 1), ("c/x.js/z", 1)], &[("x.js", 1)]), []);
    }

    #[test]
    fn files_of_the_same_bytes_do_not_vote_for_each_others_paths() {
        let files: Vec<String> = (0..300).map(|at| format!("{at}/__init__.py")).collect();
        let package: Vec<(&str, u8)> = files.iter().map(|path| (path.as_str(), 1)).collect();
        let in_tree: Vec<String> = files.iter().map(|path| format!("src/{path}")).collect();
        let tree: Vec<(&str, u8)> = in_tree.iter().map(|path| (path.as_str(), 1)).collect();
        assert_eq!(votes(&tree, &package), [("src".to_owned(), 300)]);
    }

    #[test]
    fn a_published_path_can_be_the_tail_of_another() {
        assert_eq!(votes(&[("p/a/i.js", 1), ("p/i.js", 2)], &[("a/i.js", 1), ("i.js", 2)]), [("p".to_owned(), 2)]);
    }

    #[test]
    fn a_file_votes_by_its_bytes_with_lf() {
        let files = [PublishedFile { path: "x.js".into(), blob: id(1), blob_lf: Some(id(2)) }];
        let tree = listing(&[("p/x.js", 2)]);
        let scores = candidate_directories(&tree, &files, "other", &[]);
        assert_eq!((scores[0].directory.as_str(), scores[0].matched_lf), ("p", 1));
    }
}
