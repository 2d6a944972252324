//! What a packer sees of a package folder: names, kinds and contents, wherever they are kept.
//!
//! In: a folder on disk, a git tree, or files held in memory. Out: the same small view of each, so
//! that the rules that choose the files (`crate::list`) never know where a file comes from. Links
//! are shown, never followed: what they point to is no part of the package, and no publishing
//! client since npm 2 has packed a link that stands in the package itself.

use std::collections::BTreeMap;

pub use super::disk_tree::{DirTree, LARGEST_READ};

/// What an entry of a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    /// A regular file.
    File {
        /// Whether any execute bit is set.
        executable: bool,
    },
    /// A folder.
    Dir,
    /// A symbolic link, to whatever it may point.
    Symlink,
    /// A git submodule whose content is not there: on disk an empty folder.
    Submodule,
}

/// One entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The last component of its path. Bytes that are not UTF-8 are shown as U+FFFD, as Node shows
    /// them.
    pub name: String,
    /// What it is.
    pub kind: NodeKind,
}

/// Why the entries of a folder that is there cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unlisted {
    /// It cannot be read.
    Closed,
    /// It has more entries than are looked at.
    TooMany,
}

/// A package folder. Paths are relative to its root, with `/` between components and no leading or
/// trailing one.
pub trait Tree {
    /// The entries of a folder (`""` is the root), in any order; none if there is no such folder.
    fn list(&self, dir: &str) -> Result<Vec<Node>, Unlisted>;

    /// The content of a regular file; `None` if there is no such file, or it cannot be read.
    fn read(&self, path: &str) -> Option<Vec<u8>>;

    /// What a symbolic link says; `None` if there is no such link, or it cannot be read.
    fn link(&self, path: &str) -> Option<String>;
}

/// Files held in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryTree {
    dirs: BTreeMap<String, BTreeMap<String, NodeKind>>,
    contents: BTreeMap<String, Vec<u8>>,
}

impl MemoryTree {
    /// An empty package folder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a regular file and the folders that lead to it.
    #[must_use]
    pub fn file(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.insert(path, NodeKind::File { executable: false }, content.into());
        self
    }

    /// Adds an executable file and the folders that lead to it.
    #[must_use]
    pub fn executable(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.insert(path, NodeKind::File { executable: true }, content.into());
        self
    }

    /// Adds an entry of any kind; content counts for files, and for links, of which it is the
    /// target. A later entry of the same path replaces the earlier.
    pub fn insert(&mut self, path: &str, kind: NodeKind, content: Vec<u8>) {
        let mut dir = "";
        for (at, _) in path.match_indices('/') {
            let (parent, rest) = (dir, path.get(..at).unwrap_or_default());
            let name = rest.rsplit('/').next().unwrap_or(rest);
            self.dirs.entry(parent.to_owned()).or_default().entry(name.to_owned()).or_insert(NodeKind::Dir);
            dir = rest;
        }
        let name = path.rsplit('/').next().unwrap_or(path);
        self.dirs.entry(dir.to_owned()).or_default().insert(name.to_owned(), kind);
        if matches!(kind, NodeKind::File { .. } | NodeKind::Symlink) {
            self.contents.insert(path.to_owned(), content);
        } else {
            self.contents.remove(path);
        }
    }
}

impl MemoryTree {
    fn kind(&self, path: &str) -> Option<NodeKind> {
        let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
        self.dirs.get(dir)?.get(name).copied()
    }
}

impl Tree for MemoryTree {
    fn list(&self, dir: &str) -> Result<Vec<Node>, Unlisted> {
        let entries = self.dirs.get(dir).into_iter().flatten();
        Ok(entries.map(|(name, kind)| Node { name: name.clone(), kind: *kind }).collect())
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        (self.kind(path) != Some(NodeKind::Symlink)).then(|| self.contents.get(path).cloned())?
    }

    fn link(&self, path: &str) -> Option<String> {
        let target = || self.contents.get(path).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        (self.kind(path) == Some(NodeKind::Symlink)).then(target)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_brings_its_folders() {
        let tree = MemoryTree::new().file("a/b/c.js", "1").file("a/d", "2");
        assert_eq!(tree.list("").unwrap(), [Node { name: "a".into(), kind: NodeKind::Dir }]);
        let names: Vec<_> = tree.list("a").unwrap().into_iter().map(|node| node.name).collect();
        assert_eq!(names, ["b", "d"]);
        assert_eq!(tree.read("a/b/c.js").as_deref(), Some(&b"1"[..]));
    }
}
