//! Files that are in no git repository, as one commit.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use gix::ObjectId;
use gix::objs::tree::{Entry, EntryKind};
use gix::objs::{Commit, Kind, Tree, WriteTo};

use crate::host::Host;
use crate::remote::Wants;
use crate::{GitError, ObjectStore};

/// Most files of a source, and most bytes of all together.
pub(super) const MAX_FILES: usize = 1_000_000;
pub(super) const MAX_BYTES: u64 = 4 << 30;

/// A host that has nothing beyond what was imported.
pub(super) struct Nothing(pub(super) String);

impl Host for Nothing {
    fn fetch(&mut self, wants: &Wants<'_>, _: &ObjectStore, _: &AtomicBool) -> Result<u64, GitError> {
        let id = wants.ids.first().map(ObjectId::to_string).unwrap_or_default();
        Err(GitError::ObjectMissing { url: self.0.clone(), id })
    }
}

/// Files by their paths, as they come.
#[derive(Default)]
pub(super) struct Snapshot {
    root: Folder,
    files: usize,
    bytes: u64,
    /// When the newest file was changed, in seconds since 1970.
    newest: i64,
}

#[derive(Default)]
struct Folder(BTreeMap<Vec<u8>, Node>);

enum Node {
    Folder(Folder),
    File(EntryKind, ObjectId),
}

/// A file, or a link with its target as content.
#[derive(Clone, Copy)]
pub(super) struct NewFile<'a> {
    /// What it is.
    pub(super) kind: EntryKind,
    pub(super) content: &'a [u8],
    /// When it was changed, in seconds since 1970.
    pub(super) changed: i64,
}

impl Snapshot {
    /// Adds a file. The last one of a path counts. Path parts that git does not have are
    /// refused when the tree is read.
    pub(super) fn add(&mut self, store: &ObjectStore, path: &[Vec<u8>], file: &NewFile<'_>) -> Result<(), GitError> {
        let NewFile { kind, content, changed } = *file;
        self.files += 1;
        self.bytes = self.bytes.saturating_add(content.len() as u64);
        if self.files > MAX_FILES {
            return Err(GitError::OverLimit { what: "files", limit: MAX_FILES });
        }
        if self.bytes > MAX_BYTES {
            return Err(GitError::OverLimit { what: "bytes", limit: usize::try_from(MAX_BYTES).unwrap_or(usize::MAX) });
        }
        let id = store.write(Kind::Blob, content)?;
        self.newest = self.newest.max(changed);
        self.root.put(path, Node::File(kind, id));
        Ok(())
    }

    /// The content of a file that was added before.
    pub(super) fn id_of(&self, path: &[Vec<u8>]) -> Option<ObjectId> {
        self.root.get(path)
    }

    /// The one folder that holds everything, if there is one: archives have the files in a folder
    /// of their own.
    pub(super) fn without_wrapper(mut self) -> Self {
        let only = self.root.0.len() == 1;
        if only && let Some((_, Node::Folder(inner))) = self.root.0.pop_first() {
            self.root = inner;
        }
        self
    }

    /// Writes the trees and a commit; the same files give the same commit.
    pub(super) fn commit(self, store: &ObjectStore) -> Result<ObjectId, GitError> {
        let tree = self.root.write(store)?;
        let who = gix::actor::Signature {
            name: "source".into(),
            email: "source@localhost".into(),
            time: gix::date::Time { seconds: self.newest, offset: 0 },
        };
        let commit = Commit {
            tree,
            parents: std::iter::empty().collect(),
            author: who.clone(),
            committer: who,
            encoding: None,
            message: "Source as it was given\n".into(),
            extra_headers: Vec::new(),
        };
        write(store, &commit, Kind::Commit)
    }
}

impl Folder {
    fn put(&mut self, path: &[Vec<u8>], node: Node) {
        match path {
            [] => {}
            [name] => {
                self.0.insert(name.clone(), node);
            }
            [name, rest @ ..] => {
                let inner = self.0.entry(name.clone()).or_insert_with(|| Node::Folder(Self::default()));
                if let Node::File(..) = inner {
                    *inner = Node::Folder(Self::default());
                }
                if let Node::Folder(inner) = inner {
                    inner.put(rest, node);
                }
            }
        }
    }

    fn get(&self, path: &[Vec<u8>]) -> Option<ObjectId> {
        let (name, rest) = path.split_first()?;
        match (self.0.get(name)?, rest) {
            (Node::File(_, id), []) => Some(*id),
            (Node::Folder(inner), [_, ..]) => inner.get(rest),
            _ => None,
        }
    }

    fn write(self, store: &ObjectStore) -> Result<ObjectId, GitError> {
        let mut entries = Vec::new();
        for (name, node) in self.0 {
            let (kind, oid) = match node {
                Node::File(kind, id) => (kind, id),
                Node::Folder(inner) => (EntryKind::Tree, inner.write(store)?),
            };
            entries.push(Entry { mode: kind.into(), filename: name.into(), oid });
        }
        entries.sort();
        write(store, &Tree { entries }, Kind::Tree)
    }
}

fn write(store: &ObjectStore, object: &dyn WriteTo, kind: Kind) -> Result<ObjectId, GitError> {
    let mut bytes = Vec::new();
    object.write_to(&mut bytes).map_err(|error| GitError::Source { path: "a file's name".to_owned(), detail: error.to_string() })?;
    store.write(kind, &bytes)
}
