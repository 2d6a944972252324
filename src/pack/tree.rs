//! What a packer sees of a package folder: names, kinds and contents, wherever they are kept.
//!
//! In: a folder on disk, a git tree, or files held in memory. Out: the same small view of each, so that the rules that
//! choose the files (`pack::list`) never know where a file comes from. Links are shown, never followed: what they point
//! to is no part of the package, and no publishing client since npm 2 has packed a link that stands in the package itself.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

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
    /// The last component of its path. Bytes that are not UTF-8 are shown as U+FFFD, as Node shows them.
    pub name: String,
    /// What it is.
    pub kind: NodeKind,
}

/// A package folder. Paths are relative to its root, with `/` between components and no leading or trailing one.
pub trait Tree {
    /// The entries of a folder (`""` is the root), in any order; none if there is no such folder.
    fn list(&self, dir: &str) -> Vec<Node>;

    /// The content of a regular file; `None` if there is no such file, or it cannot be read.
    fn read(&self, path: &str) -> Option<Vec<u8>>;

    /// What a symbolic link says; `None` if there is no such link, or it cannot be read.
    fn link(&self, path: &str) -> Option<String>;
}

/// Joins a folder and a name below it.
pub fn join(dir: &str, name: &str) -> String {
    if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") }
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

    /// Adds an entry of any kind; content counts for files, and for links, of which it is the target. A later entry of the same path replaces the earlier.
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
    fn list(&self, dir: &str) -> Vec<Node> {
        let Some(entries) = self.dirs.get(dir) else { return Vec::new() };
        entries.iter().map(|(name, kind)| Node { name: name.clone(), kind: *kind }).collect()
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        (self.kind(path) != Some(NodeKind::Symlink)).then(|| self.contents.get(path).cloned())?
    }

    fn link(&self, path: &str) -> Option<String> {
        let target = || self.contents.get(path).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        (self.kind(path) == Some(NodeKind::Symlink)).then(target)?
    }
}

/// Largest file that is read to choose or pack others (package.json, ignore files, `.gitmodules`), in bytes: a stranger may have written it.
pub const LARGEST_READ: u64 = 8 << 20;

/// A folder on disk. No path leads out of it, neither by `..` nor through a link.
#[derive(Debug, Clone)]
pub struct DirTree {
    root: PathBuf,
}

impl DirTree {
    /// A view of a folder. Links in the path to the folder itself are resolved once, here.
    pub fn new(root: &Path) -> std::io::Result<Self> {
        Ok(Self { root: fs::canonicalize(root)? })
    }

    /// Where a path of the folder is on disk; `None` where it leads through a link, or out of the folder.
    pub fn resolve(&self, path: &str) -> Option<PathBuf> {
        let relative = Path::new(path);
        if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
            return None;
        }
        let target = self.root.join(relative);
        // A canonical path that differs went through a link: what it leads to is no part of the package.
        (fs::canonicalize(&target).ok()? == target || path.is_empty()).then_some(target)
    }

    /// The content of a regular file of `most` bytes at the most; `None` for another, or one that cannot be read.
    pub fn read_up_to(&self, path: &str, most: u64) -> Option<Vec<u8>> {
        let target =
            self.resolve(path).filter(|target| fs::symlink_metadata(target).is_ok_and(|data| data.is_file() && data.len() <= most))?;
        let mut bytes = Vec::new();
        fs::File::open(target).ok()?.take(most).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }
}

impl Tree for DirTree {
    fn list(&self, dir: &str) -> Vec<Node> {
        let Some(entries) = self.resolve(dir).and_then(|path| fs::read_dir(path).ok()) else { return Vec::new() };
        entries.filter_map(Result::ok).filter_map(|entry| node(&entry)).collect()
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.read_up_to(path, LARGEST_READ)
    }

    fn link(&self, path: &str) -> Option<String> {
        let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
        let target = fs::read_link(self.resolve(dir)?.join(name)).ok()?;
        Some(target.to_string_lossy().into_owned())
    }
}

fn node(entry: &fs::DirEntry) -> Option<Node> {
    let metadata = entry.metadata().ok()?;
    let kind = if metadata.is_symlink() {
        NodeKind::Symlink
    } else if metadata.is_dir() {
        NodeKind::Dir
    } else if metadata.is_file() {
        NodeKind::File { executable: executable(&metadata) }
    } else {
        return None;
    };
    Some(Node { name: entry.file_name().to_string_lossy().into_owned(), kind })
}

#[cfg(unix)]
fn executable(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0
}

#[cfg(not(unix))]
fn executable(_: &fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_brings_its_folders() {
        let tree = MemoryTree::new().file("a/b/c.js", "1").file("a/d", "2");
        assert_eq!(tree.list(""), [Node { name: "a".into(), kind: NodeKind::Dir }]);
        let names: Vec<_> = tree.list("a").into_iter().map(|node| node.name).collect();
        assert_eq!(names, ["b", "d"]);
        assert_eq!(tree.read("a/b/c.js").as_deref(), Some(&b"1"[..]));
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_on_disk_is_never_left() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "s").unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("in"), "i").unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.path().join("link")).unwrap();
        let tree = DirTree::new(folder.path()).unwrap();
        assert!(tree.list("").contains(&Node { name: "link".into(), kind: NodeKind::Symlink }));
        assert!(tree.list("link").is_empty());
        assert_eq!(tree.read("link/secret"), None);
        assert_eq!(tree.link("link").as_deref(), outside.path().to_str());
        assert_eq!((tree.link("in"), tree.link("gone"), tree.link("../link")), (None, None, None));
        assert_eq!(tree.read("../secret"), None);
        assert_eq!(tree.read("in").as_deref(), Some(&b"i"[..]));
        assert_eq!((tree.read_up_to("in", 1).as_deref(), tree.read_up_to("in", 0)), (Some(&b"i"[..]), None));
        // Nothing of it is on the disk.
        fs::File::create(folder.path().join("large")).unwrap().set_len(LARGEST_READ + 1).unwrap();
        assert_eq!(tree.read("large"), None);
    }
}
