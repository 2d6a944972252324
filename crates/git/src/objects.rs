//! The bare object database of one repository: what was fetched, and what is still missing.
//!
//! It is a plain `objects` folder of packs. Parents, trees and blobs may be missing from it at any
//! place, because fetches are partial; every read says so instead of failing. Packs are written to
//! a temporary name and moved into place, so processes running at once can share the folder and a
//! killed one leaves it whole.

use std::cell::RefCell;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use gix::ObjectId;
use gix::bstr::BStr;
use gix::objs::tree::EntryKind;
use gix::objs::{Exists, Find, FindHeader, Kind, TreeRefIter};
use gix::validate::path::component;

use super::GitError;

/// Deepest folder of a tree that is read.
const MAX_DEPTH: usize = 64;
/// Tags that are followed from one to the next; git itself has no limit, five is more than anyone
/// uses.
const MAX_TAGS: usize = 5;

/// How much of a tree is read. Folders count as often as they are met: a few small trees can stand
/// for endless paths.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// Files and folders; the largest public monorepos have some hundred thousand.
    entries: usize,
    /// Folders.
    folders: usize,
    /// Longest path, in bytes: `PATH_MAX` of Linux, so nothing longer can be checked out.
    path: usize,
    /// All paths together, in bytes.
    paths: usize,
}

const LIMITS: Limits = Limits { entries: 1_000_000, folders: 200_000, path: 4096, paths: 256 << 20 };

/// How old a temporary file must be before it is nobody's any more: longer than any download may
/// take.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// Removes what killed processes left of unfinished packs (gix names them `.tmp…`). What cannot be
/// removed harms nobody: it costs only space, and the next run tries again.
fn sweep(packs: &Path, now: SystemTime) {
    let Ok(entries) = std::fs::read_dir(packs) else { return };
    for entry in entries.flatten() {
        let modified = entry.metadata().and_then(|data| data.modified());
        let old = modified.is_ok_and(|time| now.duration_since(time).is_ok_and(|age| age > ABANDONED));
        if old && entry.file_name().to_string_lossy().starts_with(".tmp") {
            let _: std::io::Result<()> = std::fs::remove_file(entry.path());
        }
    }
}

/// The objects of one repository that are on this machine.
pub struct ObjectStore {
    dir: PathBuf,
    handle: RefCell<gix::odb::Handle>,
    cancelled: Arc<AtomicBool>,
    limits: Limits,
}

/// One entry of a tree: its name, which need not be UTF-8, its kind and its id.
pub type TreeEntry = (Vec<u8>, EntryKind, ObjectId);

/// What a commit says, as far as it is needed here.
#[derive(Debug, Clone)]
pub struct Commit {
    /// The commit's own id, which is another than the one asked for if that was a tag's.
    pub id: ObjectId,
    /// The tree of the commit.
    pub tree: ObjectId,
    /// Its parents, first parent first.
    pub parents: Vec<ObjectId>,
    /// Committer time, in seconds since 1970; 0 where it cannot be read, as in git.
    pub time: i64,
}

/// Where an id leads once tags are followed.
#[derive(Debug)]
pub(super) enum Followed {
    /// To a commit.
    Commit(Commit),
    /// To a tree or a blob: a tag may name one, and metadata may name anything.
    Other,
    /// To an object that is not here.
    Missing,
}

/// One file, link or submodule of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListingEntry {
    /// The path from the tree's root, with `/`. Bytes that are not UTF-8 are shown as U+FFFD, so
    /// such a path may be shown like another one; no packer takes it under this name.
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
    /// Opens the database in `dir`, making it where it is missing. Once `cancelled` is set, commits
    /// and trees are no longer read, so that no walk outlives the run: they fail with
    /// [`GitError::Cancelled`].
    pub fn open(dir: &Path, cancelled: Arc<AtomicBool>) -> Result<Self, GitError> {
        let objects = dir.join("objects");
        let cache = |error: std::io::Error| GitError::Cache { path: dir.display().to_string(), detail: error.to_string() };
        for folder in ["pack", "info"] {
            // For this user alone, as the other folders of the cache.
            store::folders::create(&objects.join(folder))
                .map_err(|error| GitError::Cache { path: dir.display().to_string(), detail: error.to_string() })?;
        }
        sweep(&objects.join("pack"), SystemTime::now());
        // A HEAD makes the folder a repository to any git, for those who want to look into it.
        let head = dir.join("HEAD");
        if !head.exists() {
            std::fs::write(&head, "ref: refs/heads/main\n").map_err(cache)?;
            std::fs::create_dir_all(dir.join("refs")).map_err(cache)?;
        }
        let handle = Self::handle(&objects).map_err(cache)?;
        Ok(Self { dir: objects, handle: RefCell::new(handle), cancelled, limits: LIMITS })
    }

    fn handle(objects: &Path) -> std::io::Result<gix::odb::Handle> {
        let mut handle = gix::odb::at(objects, gix::hash::Kind::Sha1)?;
        // Most questions here are for objects that are missing; without this each would read the
        // folder again.
        handle.refresh_never();
        Ok(handle)
    }

    /// The folder that packs are written to.
    pub(super) fn pack_dir(&self) -> PathBuf {
        self.dir.join("pack")
    }

    /// Writes an object; one that is here already is left alone.
    pub(super) fn write(&self, kind: Kind, data: &[u8]) -> Result<ObjectId, GitError> {
        use gix::objs::Write as _;
        let store = gix::odb::loose::Store::at(&self.dir, gix::hash::Kind::Sha1);
        store.write_buf(kind, data).map_err(|error| GitError::Cache { path: self.dir.display().to_string(), detail: error.to_string() })
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

    /// The object's size in bytes, without reading its content; `None` where it is not here or its
    /// header cannot be read.
    pub fn size(&self, id: &ObjectId) -> Option<u64> {
        self.handle.borrow().try_header(id).ok().flatten().map(|header| header.size)
    }

    fn checkpoint(&self) -> Result<(), GitError> {
        if self.cancelled.load(Ordering::Relaxed) { Err(GitError::Cancelled) } else { Ok(()) }
    }

    /// The object's kind and content, or `None` where it is not here.
    fn find(&self, id: &ObjectId) -> Result<Option<(Kind, Vec<u8>)>, GitError> {
        let mut buffer = Vec::new();
        let handle = self.handle.borrow();
        let damaged = |detail: String| GitError::Damaged { id: id.to_string(), detail };
        let found = handle.try_find(id, &mut buffer).map_err(|error| damaged(error.to_string()))?;
        let kind = found.map(|data| data.kind);
        Ok(kind.map(|kind| (kind, buffer)))
    }

    pub(super) fn read(&self, id: &ObjectId, kind: Kind) -> Result<Option<Vec<u8>>, GitError> {
        match self.find(id)? {
            None => Ok(None),
            Some((found, data)) if found == kind => Ok(Some(data)),
            Some((found, data)) => Err(blamed(malformed(id, format!("it is a {found}, not a {kind}")), id, found, &data)),
        }
    }

    /// The commit that an id leads to, following tags. Only what is used is read, so a commit with
    /// a broken author or a tag with a broken tagger, which old repositories have, is as good as
    /// any.
    pub(super) fn follow(&self, id: &ObjectId) -> Result<Followed, GitError> {
        let mut id = *id;
        for _ in 0..MAX_TAGS {
            self.checkpoint()?;
            let Some((kind, data)) = self.find(&id)? else { return Ok(Followed::Missing) };
            match kind {
                Kind::Commit => {
                    let commit = parse_commit(id, &data).ok_or_else(|| malformed(&id, "it does not parse as a commit"));
                    return commit.map(Followed::Commit).map_err(|error| blamed(error, &id, kind, &data));
                }
                Kind::Tag => {
                    let target = id_line(&data, b"object ").ok_or_else(|| malformed(&id, "it does not parse as a tag"));
                    (id, _) = target.map_err(|error| blamed(error, &id, kind, &data))?;
                }
                Kind::Tree | Kind::Blob => return Ok(Followed::Other),
            }
        }
        Err(malformed(&id, "too many tags of tags lead to it"))
    }

    /// A commit, or `None` where it is not here or is no commit. A tag object is followed to its
    /// commit. A commit that is here and does not parse is [`GitError::Malformed`]: whoever asks
    /// for one commit must not take it for a missing one.
    pub fn commit(&self, id: &ObjectId) -> Result<Option<Commit>, GitError> {
        match self.follow(id)? {
            Followed::Commit(commit) => Ok(Some(commit)),
            Followed::Other | Followed::Missing => Ok(None),
        }
    }

    /// A blob's bytes, or `None` where it is not here.
    pub fn blob(&self, id: &ObjectId) -> Result<Option<Vec<u8>>, GitError> {
        self.read(id, Kind::Blob)
    }

    /// The entries of one tree: `(name, kind, id)`, or `None` where it is not here.
    ///
    /// Trees that git refuses are [`GitError::Malformed`], because a checkout of them, and what a
    /// host shows of them, is not what is listed here: names that git refuses to check out
    /// (`verify_path` of git 2.24.1 and later, with core.protectHFS and core.protectNTFS), two
    /// entries of one name, and null ids (`duplicateEntries` and `nullSha1` of git fsck; a null id
    /// must never be equal to that of a file without an id).
    pub fn tree(&self, id: &ObjectId) -> Result<Option<Vec<TreeEntry>>, GitError> {
        self.checkpoint()?;
        let Some(data) = self.read(id, Kind::Tree)? else { return Ok(None) };
        self.parse_tree(id, &data).map(Some).map_err(|error| blamed(error, id, Kind::Tree, &data))
    }

    fn parse_tree(&self, id: &ObjectId, data: &[u8]) -> Result<Vec<TreeEntry>, GitError> {
        let mut entries = Vec::new();
        let mut names = Vec::new();
        for entry in TreeRefIter::from_bytes(data, gix::hash::Kind::Sha1) {
            let entry = entry.map_err(|_| malformed(id, "it does not parse as a tree"))?;
            if names.len() == self.limits.entries {
                return Err(GitError::OverLimit { what: "files and folders in one tree", limit: self.limits.entries });
            }
            let kind = entry.mode.kind();
            check_name(entry.filename, kind).map_err(|why| malformed(id, format!("the name {}: {why}", shown(entry.filename))))?;
            if entry.oid.is_null() {
                return Err(malformed(id, format!("{} has a null id", shown(entry.filename))));
            }
            names.push(entry.filename);
            entries.push((entry.filename.to_vec(), kind, entry.oid.to_owned()));
        }
        names.sort_unstable();
        let twice = names.windows(2).find_map(|pair| match pair {
            [a, b] if a == b => Some(a),
            _ => None,
        });
        match twice {
            Some(name) => Err(malformed(id, format!("two entries are named {}", shown(name)))),
            None => Ok(entries),
        }
    }

    /// All files below a tree; nothing is left out. `Err(ids)` in the inner result names the trees
    /// that are not here.
    pub fn listing(&self, tree: &ObjectId) -> Result<Result<Listing, Vec<ObjectId>>, GitError> {
        let limits = self.limits;
        let over = |what, limit| Err(GitError::OverLimit { what, limit });
        let (mut count, mut folders, mut bytes) = (0_usize, 0_usize, 0_usize);
        let mut files = Vec::new();
        let mut missing = HashSet::new();
        let mut todo = vec![(String::new(), *tree, 0_usize)];
        while let Some((prefix, tree, depth)) = todo.pop() {
            folders += 1;
            if folders > limits.folders {
                return over("folders in one tree", limits.folders);
            }
            let Some(entries) = self.tree(&tree)? else {
                missing.insert(tree);
                continue;
            };
            count += entries.len();
            if count > limits.entries {
                return over("files and folders in one tree", limits.entries);
            }
            for (name, kind, id) in entries {
                let name = String::from_utf8_lossy(&name);
                let path = if prefix.is_empty() { name.into_owned() } else { format!("{prefix}/{name}") };
                if path.len() > limits.path {
                    return Err(malformed(&tree, format!("a path in it is longer than {} bytes", limits.path)));
                }
                bytes += path.len();
                if bytes > limits.paths {
                    return over("bytes of paths in one tree", limits.paths);
                }
                if kind != EntryKind::Tree {
                    files.push(ListingEntry { path, kind, id });
                } else if depth < MAX_DEPTH {
                    todo.push((path, id, depth + 1));
                } else {
                    return Err(malformed(&id, format!("it is a folder more than {MAX_DEPTH} levels deep")));
                }
            }
        }
        if !missing.is_empty() {
            return Ok(Err(missing.into_iter().collect()));
        }
        // Only names that are not UTF-8 can come out the same. A regular file is kept before a
        // link, so that a packer meets and refuses the name if it would pack any of them.
        let is_file = |entry: &ListingEntry| matches!(entry.kind, EntryKind::Blob | EntryKind::BlobExecutable);
        files.sort_unstable_by(|a, b| a.path.cmp(&b.path).then_with(|| is_file(b).cmp(&is_file(a))).then_with(|| a.id.cmp(&b.id)));
        files.dedup_by(|next, kept| next.path == kept.path);
        Ok(Ok(Listing { entries: files }))
    }

    /// For thin packs: the objects that are here, as bases of deltas.
    pub(super) fn bases(&self) -> gix::odb::Handle {
        self.handle.borrow().clone()
    }
}

fn malformed(id: &ObjectId, detail: impl Into<String>) -> GitError {
    GitError::Malformed { id: id.to_string(), detail: detail.into() }
}

/// What is wrong with an object is the host's fault only if it is the object of that id, and not
/// what a broken index of the cache leads to. Hashed only once something is wrong.
fn blamed(error: GitError, id: &ObjectId, kind: Kind, data: &[u8]) -> GitError {
    match error {
        GitError::Malformed { .. } if gix::objs::compute_hash(gix::hash::Kind::Sha1, kind, data).ok() != Some(*id) => {
            GitError::Damaged { id: id.to_string(), detail: "the cache holds another object in its place".into() }
        }
        error => error,
    }
}

/// A name for a message: hostile ones can be long, and hold anything.
fn shown(name: &BStr) -> String {
    let start = name.get(..80).unwrap_or(name);
    let more = if start.len() < name.len() { "…" } else { "" };
    format!("\"{}{more}\"", String::from_utf8_lossy(start).escape_debug())
}

fn check_name(name: &BStr, kind: EntryKind) -> Result<(), String> {
    let mode = (kind == EntryKind::Link).then_some(component::Mode::Symlink);
    // What only Windows refuses (backslashes, devices) is a good name elsewhere, and in packages.
    let options = component::Options { protect_windows: false, protect_hfs: true, protect_ntfs: true };
    gix::validate::path::component(name, mode, options).map(|_| ()).map_err(|error| error.to_string())
}

/// A line `<key><id>`, and what follows it.
fn id_line<'a>(data: &'a [u8], key: &[u8]) -> Option<(ObjectId, &'a [u8])> {
    let (hex, rest) = data.strip_prefix(key)?.split_at_checked(gix::hash::Kind::Sha1.len_in_hex())?;
    Some((ObjectId::from_hex(hex).ok()?, rest.strip_prefix(b"\n")?))
}

/// The headers of a commit that git itself insists on (`parse_commit_buffer`), and its time.
fn parse_commit(id: ObjectId, data: &[u8]) -> Option<Commit> {
    let (tree, mut rest) = id_line(data, b"tree ")?;
    let mut parents = Vec::new();
    while rest.starts_with(b"parent ") {
        let (parent, after) = id_line(rest, b"parent ")?;
        parents.push(parent);
        rest = after;
    }
    Some(Commit { id, tree, parents, time: committer_time(rest).unwrap_or(0) })
}

fn committer_time(headers: &[u8]) -> Option<i64> {
    let mut lines = headers.split(|byte| *byte == b'\n').take_while(|line| !line.is_empty());
    let line = lines.find_map(|line| line.strip_prefix(b"committer "))?;
    let time = line.rsplit(|byte| *byte == b'>').next()?;
    std::str::from_utf8(time).ok()?.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
pub(super) mod tests;
