//! The objects of one commit, in a store of their own.
//!
//! A build that asks git gets an answer from these alone: the store of the repository also holds
//! what other commits, pull requests and earlier runs brought, and none of that is the commit's
//! source.

use std::collections::HashSet;
use std::path::Path;

use gix::ObjectId;
use gix::objs::tree::EntryKind;
use gix::objs::{Kind, Write as _};

use super::error::GitError;
use super::objects::ObjectStore;

/// Most objects of one commit that are written.
const MAX_OBJECTS: usize = 500_000;

impl ObjectStore {
    /// Writes a commit, its trees and its files' contents to the objects folder `into`, one file
    /// for each. The commit has no parents there: its `.git` says that it is shallow. What the host
    /// did not give is left out; submodules are other repositories' and are left out too. `known`
    /// gives the contents that are at hand elsewhere, and were never asked of the host.
    pub fn export(&self, commit: &ObjectId, into: &Path, known: &dyn Fn(&ObjectId) -> Option<Vec<u8>>) -> Result<(), GitError> {
        let out = gix::odb::loose::Store::at(into, gix::hash::Kind::Sha1);
        let unwritten = |detail: String| GitError::Cache { path: into.display().to_string(), detail };
        let mut seen = HashSet::new();
        let root = self.commit(commit)?.map(|commit| commit.tree);
        let mut todo = vec![(*commit, Kind::Commit)];
        todo.extend(root.map(|tree| (tree, Kind::Tree)));
        while let Some((id, kind)) = todo.pop() {
            if !seen.insert(id) {
                continue;
            }
            if seen.len() > MAX_OBJECTS {
                return Err(GitError::OverLimit { what: "objects in one commit", limit: MAX_OBJECTS });
            }
            let at_hand = || if kind == Kind::Blob { known(&id) } else { None };
            let Some(data) = self.read(&id, kind)?.or_else(at_hand) else { continue };
            let written = out.write_buf(kind, &data).map_err(|error| unwritten(error.to_string()))?;
            if written != id {
                return Err(GitError::Damaged { id: id.to_string(), detail: format!("its content is that of {written}") });
            }
            if kind == Kind::Tree {
                for (_, kind, below) in self.tree(&id)?.unwrap_or_default() {
                    match kind {
                        EntryKind::Tree => todo.push((below, Kind::Tree)),
                        EntryKind::Commit => {}
                        EntryKind::Blob | EntryKind::BlobExecutable | EntryKind::Link => todo.push((below, Kind::Blob)),
                    }
                }
            }
        }
        Ok(())
    }
}
