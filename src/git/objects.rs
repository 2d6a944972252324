//! The bare object database of one repository: what was fetched, and what is still missing.
//!
//! It is a plain `objects` folder of packs. Parents, trees and blobs may be missing from it at any place, because fetches
//! are partial; every read says so instead of failing. Packs are written to a temporary name and moved into place, so
//! processes running at once can share the folder and a killed one leaves it whole.

use std::cell::RefCell;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::objs::tree::EntryKind;
use gix::objs::{CommitRef, Exists, Find, Kind, TagRef, TreeRef};

use super::GitError;

/// Deepest folder of a tree that is read.
const MAX_DEPTH: usize = 64;
/// Most entries of a tree that are read; the largest public monorepos have some hundred thousand.
const MAX_ENTRIES: usize = 1_000_000;

/// The objects of one repository that are on this machine.
pub struct ObjectStore {
    dir: PathBuf,
    handle: RefCell<gix::odb::Handle>,
}

/// One entry of a tree: its name, which need not be UTF-8, its kind and its id.
pub type TreeEntry = (Vec<u8>, EntryKind, ObjectId);

/// What a commit says, as far as it is needed here.
#[derive(Debug, Clone)]
pub struct Commit {
    /// The tree of the commit.
    pub tree: ObjectId,
    /// Its parents, first parent first.
    pub parents: Vec<ObjectId>,
    /// Committer time, in seconds since 1970.
    pub time: i64,
}

/// One file, link or submodule of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListingEntry {
    /// The path from the tree's root, with `/`.
    pub path: String,
    /// Blob, executable blob, link or commit.
    pub kind: EntryKind,
    /// The blob's id, or a submodule's commit.
    pub id: ObjectId,
}

/// All files of a tree in byte order of path, without contents.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// The entries, sorted by path.
    pub entries: Vec<ListingEntry>,
    /// How many entries were left out: their name is not UTF-8, their id is null, or they are too deep.
    pub unreadable: usize,
}

impl Listing {
    /// The entry at `path`.
    pub fn get(&self, path: &str) -> Option<&ListingEntry> {
        let at = self.entries.binary_search_by(|entry| entry.path.as_str().cmp(path)).ok()?;
        self.entries.get(at)
    }

    /// The entries below a folder (`""` is the root), in order.
    pub fn below<'a>(&'a self, dir: &str) -> impl Iterator<Item = &'a ListingEntry> + use<'a> {
        let prefix = if dir.is_empty() { String::new() } else { format!("{dir}/") };
        let start = self.entries.partition_point(|entry| entry.path.as_str() < prefix.as_str());
        self.entries.get(start..).unwrap_or_default().iter().take_while(move |entry| entry.path.starts_with(&prefix))
    }
}

impl ObjectStore {
    /// Opens the database in `dir`, making it where it is missing.
    pub fn open(dir: &Path) -> Result<Self, GitError> {
        let objects = dir.join("objects");
        let cache = |error: std::io::Error| GitError::Cache { path: dir.display().to_string(), detail: error.to_string() };
        for folder in ["pack", "info"] {
            std::fs::create_dir_all(objects.join(folder)).map_err(cache)?;
        }
        // A HEAD makes the folder a repository to any git, for those who want to look into it.
        let head = dir.join("HEAD");
        if !head.exists() {
            std::fs::write(&head, "ref: refs/heads/main\n").map_err(cache)?;
            std::fs::create_dir_all(dir.join("refs")).map_err(cache)?;
        }
        let handle = Self::handle(&objects).map_err(cache)?;
        Ok(Self { dir: objects, handle: RefCell::new(handle) })
    }

    fn handle(objects: &Path) -> std::io::Result<gix::odb::Handle> {
        let mut handle = gix::odb::at(objects, gix::hash::Kind::Sha1)?;
        // Most questions here are for objects that are missing; without this each would read the folder again.
        handle.refresh_never();
        Ok(handle)
    }

    /// The folder that packs are written to.
    pub(super) fn pack_dir(&self) -> PathBuf {
        self.dir.join("pack")
    }

    /// Sees packs that were written since it was opened.
    pub fn reload(&self) -> Result<(), GitError> {
        let handle =
            Self::handle(&self.dir).map_err(|error| GitError::Cache { path: self.dir.display().to_string(), detail: error.to_string() })?;
        self.handle.replace(handle);
        Ok(())
    }

    /// Whether the object is here.
    pub fn contains(&self, id: &ObjectId) -> bool {
        self.handle.borrow().exists(id)
    }

    fn read(&self, id: &ObjectId, kind: Kind) -> Result<Option<Vec<u8>>, GitError> {
        let mut buffer = Vec::new();
        let damaged = |detail: String| GitError::Damaged { id: id.to_string(), detail };
        let found = self.handle.borrow().try_find(id, &mut buffer).map_err(|error| damaged(error.to_string()))?.map(|data| data.kind);
        match found {
            None => Ok(None),
            Some(found) if found == kind => Ok(Some(buffer)),
            Some(found) => Err(damaged(format!("it is a {found}, not a {kind}"))),
        }
    }

    /// A commit, or `None` where it is not here or is no commit. A tag object is followed to its commit.
    pub fn commit(&self, id: &ObjectId) -> Result<Option<Commit>, GitError> {
        let mut buffer = Vec::new();
        let mut id = *id;
        // A tag may point to a tag; git itself has no limit, five is more than anyone uses.
        for _ in 0..5 {
            let damaged = |detail: String| GitError::Damaged { id: id.to_string(), detail };
            let handle = self.handle.borrow();
            let Some(data) = handle.try_find(&id, &mut buffer).map_err(|error| damaged(error.to_string()))? else { return Ok(None) };
            match data.kind {
                Kind::Commit => {
                    let commit = CommitRef::from_bytes(data.data, gix::hash::Kind::Sha1).map_err(|error| damaged(error.to_string()))?;
                    let time = commit.committer().ok().and_then(|committer| committer.time().ok()).map_or(0, |time| time.seconds);
                    return Ok(Some(Commit { tree: commit.tree(), parents: commit.parents().collect(), time }));
                }
                Kind::Tag => {
                    let tag = TagRef::from_bytes(data.data, gix::hash::Kind::Sha1).map_err(|error| damaged(error.to_string()))?;
                    id = tag.target();
                }
                // A tag may name a tree or a blob, and metadata may name anything.
                Kind::Tree | Kind::Blob => return Ok(None),
            }
        }
        Err(GitError::Damaged { id: id.to_string(), detail: "tags of tags without end".into() })
    }

    /// A blob's bytes, or `None` where it is not here.
    pub fn blob(&self, id: &ObjectId) -> Result<Option<Vec<u8>>, GitError> {
        self.read(id, Kind::Blob)
    }

    /// The entries of one tree: `(name, kind, id)`, or `None` where it is not here.
    pub fn tree(&self, id: &ObjectId) -> Result<Option<Vec<TreeEntry>>, GitError> {
        let Some(data) = self.read(id, Kind::Tree)? else { return Ok(None) };
        let tree = TreeRef::from_bytes(&data, gix::hash::Kind::Sha1)
            .map_err(|error| GitError::Damaged { id: id.to_string(), detail: error.to_string() })?;
        Ok(Some(tree.entries.iter().map(|entry| (entry.filename.to_vec(), entry.mode.kind(), entry.oid.to_owned())).collect()))
    }

    /// All files below a tree. `Err(ids)` in the inner result names the trees that are not here.
    pub fn listing(&self, tree: &ObjectId) -> Result<Result<Listing, Vec<ObjectId>>, GitError> {
        let mut listing = Listing::default();
        let mut missing = HashSet::new();
        let mut todo = vec![(String::new(), *tree, 0_usize)];
        while let Some((prefix, id, depth)) = todo.pop() {
            let Some(entries) = self.tree(&id)? else {
                missing.insert(id);
                continue;
            };
            for (name, kind, id) in entries {
                let Ok(name) = String::from_utf8(name) else {
                    listing.unreadable += 1;
                    continue;
                };
                let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
                // The null id names no object (git fsck: nullSha1). It must never be equal to that of a file without an id.
                if id.is_null() {
                    listing.unreadable += 1;
                    continue;
                }
                if kind != EntryKind::Tree {
                    listing.entries.push(ListingEntry { path, kind, id });
                } else if depth < MAX_DEPTH {
                    todo.push((path, id, depth + 1));
                } else {
                    listing.unreadable += 1;
                }
                if listing.entries.len() > MAX_ENTRIES {
                    return Err(GitError::Damaged { id: id.to_string(), detail: format!("its tree has more than {MAX_ENTRIES} entries") });
                }
            }
        }
        if !missing.is_empty() {
            return Ok(Err(missing.into_iter().collect()));
        }
        listing.entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(Ok(listing))
    }

    /// For thin packs: the objects that are here, as bases of deltas.
    pub(super) fn bases(&self) -> gix::odb::Handle {
        self.handle.borrow().clone()
    }
}
