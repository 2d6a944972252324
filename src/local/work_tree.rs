//! What git knows of a folder: its commit, the files that differ from it, and which of the others
//! are ignored.
//!
//! gix reads the repository, so that no `git` need be installed, and no filter, hook or file system
//! monitor that a configuration names is run.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::objs::tree::EntryKind;

use git::attributes::{Attributes, Platform};
use rebuild::SourceError;
use store::at_hand;

use super::error::LocalError;

/// Largest file that is held against its commit, in bytes: no package has a larger one.
const LARGEST: u64 = 2 << 30;

/// The first line of what git stores for a file that is kept by Git LFS.
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1";
/// No pointer is larger (git-lfs, docs/spec.md).
const POINTER_SIZE: u64 = 1024;

/// What there is around a folder.
pub(super) enum Opened {
    /// No git repository.
    NoRepository,
    /// A repository in which nothing was committed.
    NoCommit,
    /// A checkout.
    At(Box<WorkTree>),
}

/// A checkout of a repository.
pub(super) struct WorkTree {
    repository: gix::Repository,
    /// The checkout's root.
    pub(super) root: PathBuf,
    /// The package's folder in it, `""` for the root.
    pub(super) directory: String,
    /// The commit that is checked out.
    pub(super) commit: String,
    /// The files of the commit by path.
    committed: BTreeMap<String, (EntryKind, ObjectId)>,
}

/// How the files on disk differ from the commit. Paths are the repository's.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Other content, or another type.
    pub(super) content: Vec<String>,
    /// Not there.
    pub(super) deleted: Vec<String>,
    /// Executable on one side only.
    pub(super) mode: Vec<String>,
    /// CRLF on disk where a checkout gives LF.
    pub(super) line_endings: Vec<String>,
    /// Kept by Git LFS: the commit has a pointer in place of the content.
    pub(super) pointers: Vec<String>,
}

impl Opened {
    /// The checkout's root and the folder in it; the folder itself where there is no checkout.
    pub(super) fn place<'a>(&'a self, folder: &'a Path) -> (&'a Path, &'a str) {
        match self {
            Self::At(tree) => (&tree.root, &tree.directory),
            Self::NoRepository | Self::NoCommit => (folder, ""),
        }
    }
}

impl WorkTree {
    /// Looks for the repository of a folder, which must be a canonical path.
    pub(super) fn open(folder: &Path) -> Result<Opened, LocalError> {
        let unreadable = |error: gix::Error| LocalError::Repository(error.to_string());
        // The library looks at each folder from this one up, and opens what it finds.
        for above in folder.ancestors() {
            git::local::check_repository(above).map_err(|error| LocalError::Repository(error.to_string()))?;
            if above.join(".git").symlink_metadata().is_ok() {
                break;
            }
        }
        let repository = match gix::discover(folder) {
            Ok(repository) => repository,
            // A repository that cannot be opened is not the same as none.
            Err(error) if folder.ancestors().any(|dir| dir.join(".git").exists()) => return Err(unreadable(error)),
            Err(_) => return Ok(Opened::NoRepository),
        };
        let Some(root) = repository.workdir() else { return Ok(Opened::NoRepository) };
        let root = fs::canonicalize(root)?;
        let Ok(inside) = folder.strip_prefix(&root) else { return Ok(Opened::NoRepository) };
        let directory = inside.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/");
        for key in ["core.excludesFile", "core.attributesFile"] {
            if let Some(path) = repository.config_snapshot().trusted_path(key).map_err(unreadable)? {
                let refused = |error| LocalError::Repository(format!("{key}, {}: {error}", path.display()));
                at_hand::check_input(&path).map_err(refused)?;
            }
        }
        if repository.head().map_err(unreadable)?.is_unborn() {
            return Ok(Opened::NoCommit);
        }
        let commit = repository.head_commit().map_err(unreadable)?;
        let tree = commit.tree().map_err(unreadable)?;
        let entries = tree.traverse().breadthfirst.files().map_err(|error| LocalError::Repository(error.to_string()))?;
        let entries = entries.into_iter().filter(|entry| !entry.mode.is_tree());
        let committed = entries.map(|entry| (entry.filepath.to_str_lossy().into_owned(), (entry.mode.kind(), entry.oid))).collect();
        let commit = commit.id.to_string();
        drop(tree);
        Ok(Opened::At(Box::new(Self { root, directory, commit, committed, repository: repository.clone() })))
    }

    /// The repository's path of a file of the package.
    pub(super) fn path_of(&self, file: &str) -> String {
        npm_spec::path::join(&self.directory, file)
    }

    /// Whether the commit has a file at this path.
    pub(super) fn has(&self, path: &str) -> bool {
        self.committed.contains_key(path)
    }

    /// The version that package.json has in the commit.
    pub(super) fn committed_version(&self) -> Option<String> {
        let (_, id) = self.committed.get(&self.path_of("package.json"))?;
        let blob = self.blob(id).ok()?;
        let manifest: serde_json::Value = serde_json::from_slice(npm_spec::manifest::without_bom(&blob)).ok()?;
        Some(manifest.get("version")?.as_str()?.to_owned())
    }

    /// Whether a submodule holds this path: its files are another repository's.
    pub(super) fn in_submodule(&self, path: &str) -> bool {
        path.match_indices('/')
            .any(|(at, _)| path.get(..at).and_then(|dir| self.committed.get(dir)).is_some_and(|(kind, _)| *kind == EntryKind::Commit))
    }

    /// The addresses of the remotes.
    pub(super) fn remotes(&self) -> Vec<String> {
        let config = self.repository.config_snapshot();
        let sections = config.plumbing().sections_by_name("remote").into_iter().flatten();
        sections.filter_map(|section| section.body().value("url")).map(|url| url.to_str_lossy().into_owned()).collect()
    }

    /// The paths among these that git is told to ignore.
    pub(super) fn ignored(&self, paths: &[String]) -> Result<Vec<String>, LocalError> {
        let unreadable = |error: gix::Error| LocalError::Repository(error.to_string());
        let index = self.repository.index_or_empty().map_err(unreadable)?;
        let source = gix::worktree::stack::state::ignore::Source::WorktreeThenIdMappingIfNotSkipped;
        let mut stack = self.repository.excludes(&index, None, source).map_err(unreadable)?;
        let mut ignored = Vec::new();
        for path in paths {
            if stack.at_path(path, Some(gix::index::entry::Mode::FILE)).map_err(unreadable)?.is_excluded() {
                ignored.push(path.clone());
            }
        }
        Ok(ignored)
    }

    /// Holds every file of the commit against the disk.
    pub(super) fn changes(&self) -> Result<Changes, LocalError> {
        let attributes = self.attributes()?;
        let mut changes = Changes::default();
        for (path, (kind, id)) in &self.committed {
            if *kind == EntryKind::Commit {
                continue;
            }
            match self.state(path, *kind, id, &attributes)? {
                State::Same => {}
                State::Content => changes.content.push(path.clone()),
                State::Deleted => changes.deleted.push(path.clone()),
                State::Mode => changes.mode.push(path.clone()),
                State::LineEndings => changes.line_endings.push(path.clone()),
                State::Pointer => changes.pointers.push(path.clone()),
            }
        }
        Ok(changes)
    }

    fn attributes(&self) -> Result<Attributes, LocalError> {
        let mut files = Vec::new();
        for (path, (kind, id)) in &self.committed {
            if matches!(kind, EntryKind::Blob | EntryKind::BlobExecutable) && path.rsplit('/').next() == Some(".gitattributes") {
                files.push((path.rsplit_once('/').map_or("", |(dir, _)| dir), self.blob(id)?));
            }
        }
        Ok(Attributes::new(files.iter().map(|(dir, content)| (*dir, content.as_slice()))))
    }

    fn blob(&self, id: &ObjectId) -> Result<Vec<u8>, LocalError> {
        let blob = self.repository.find_blob(*id).map_err(|error| LocalError::Repository(error.to_string()))?;
        Ok(blob.data.clone())
    }

    fn state(&self, path: &str, kind: EntryKind, id: &ObjectId, attributes: &Attributes) -> Result<State, LocalError> {
        let file = self.root.join(path);
        let Ok(data) = fs::symlink_metadata(&file) else { return Ok(State::Deleted) };
        if kind == EntryKind::Link {
            // Where links cannot be made, git writes the target into a file.
            let target = if data.is_symlink() {
                fs::read_link(&file)?.to_string_lossy().into_owned().into_bytes()
            } else {
                at_hand::read(&file, LARGEST)?
            };
            return Ok(if self.blob(id)? == target { State::Same } else { State::Content });
        }
        if !data.is_file() {
            return Ok(State::Content);
        }
        let size = self.repository.find_header(*id).map_err(|error| LocalError::Repository(error.to_string()))?.size();
        if size <= POINTER_SIZE && self.blob(id)?.starts_with(POINTER) {
            return Ok(State::Pointer);
        }
        let bytes = at_hand::read(&file, LARGEST)?;
        if !is_blob(&bytes, id) {
            let committed = self.blob(id)?;
            let checked_out =
                |checkout| attributes.checked_out(path, committed.clone(), &id.to_string(), checkout).map_err(SourceError::from);
            if checked_out(Platform::Posix)? != bytes {
                return Ok(if checked_out(Platform::Windows)? == bytes { State::LineEndings } else { State::Content });
            }
        }
        Ok(if executable(&data).is_some_and(|on_disk| on_disk != (kind == EntryKind::BlobExecutable)) { State::Mode } else { State::Same })
    }
}

/// How one file on disk stands to the commit.
enum State {
    Same,
    Content,
    Deleted,
    Mode,
    LineEndings,
    Pointer,
}

fn is_blob(bytes: &[u8], id: &ObjectId) -> bool {
    gix::objs::compute_hash(id.kind(), gix::objs::Kind::Blob, bytes).is_ok_and(|hash| hash == *id)
}

/// Whether the owner may execute it; none where the system has no such bit.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "the other systems have none")]
fn executable(data: &fs::Metadata) -> Option<bool> {
    Some(std::os::unix::fs::PermissionsExt::mode(&data.permissions()) & 0o100 != 0)
}

#[cfg(not(unix))]
fn executable(_: &fs::Metadata) -> Option<bool> {
    None
}
