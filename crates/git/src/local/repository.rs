//! A git repository on this machine: its refs, and its objects copied into the cache as they are
//! asked for.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use gix::ObjectId;
use gix::objs::{CommitRefIter, Find, Kind, TagRefIter, TreeRefIter};

use super::unreadable;
use crate::host::Host;
use crate::remote::{Depth, Filter, Wants};
use crate::{GitError, ObjectStore, RemoteRef};

/// The refs that count: not what pull requests, stashes, notes and rewrites of history left here.
const COUNTED: [&str; 3] = ["refs/heads/", "refs/tags/", "refs/remotes/"];

/// A repository in a folder, bare or with a checkout. Its configuration counts for nothing.
pub(super) struct LocalGit {
    url: String,
    repository: gix::Repository,
}

impl LocalGit {
    /// The repository in this very folder with its branches, remotes' branches and tags; `None` for
    /// a folder that is none.
    pub(super) fn open(path: &Path, url: &str) -> Result<Option<(Self, Vec<RemoteRef>)>, GitError> {
        super::check_repository(path).map_err(|error| unreadable(path, &error))?;
        let is_bare = path.join("HEAD").is_file() && path.join("objects").is_dir();
        if !is_bare && !path.join(".git").exists() {
            return Ok(None);
        }
        let mut repository = gix::open_opts(path, gix::open::Options::isolated()).map_err(|error| unreadable(path, &error))?;
        // An object is what its id says, whatever `git replace` put in its place here.
        repository.objects.ignore_replacements = true;
        let mut refs = Vec::new();
        // A commit that is checked out, and that no branch leads to, is as much the user's word as
        // one that a branch does.
        if let Ok(head) = repository.head_id() {
            refs.push(RemoteRef { name: "HEAD".to_owned(), commit: head.detach() });
        }
        let platform = repository.references().map_err(|error| unreadable(path, &error))?;
        for reference in platform.all().map_err(|error| unreadable(path, &error))? {
            // A ref that is broken, or leads to nothing, leads to no commit.
            let Ok(mut reference) = reference else { continue };
            let name = reference.name().as_bstr().to_string();
            if !COUNTED.iter().any(|kind| name.starts_with(kind)) {
                continue;
            }
            if let Ok(id) = reference.peel_to_id() {
                refs.push(RemoteRef { name, commit: id.detach() });
            }
        }
        Ok(Some((Self { url: url.to_owned(), repository }, refs)))
    }
}

impl Host for LocalGit {
    fn fetch(&mut self, wants: &Wants<'_>, store: &ObjectStore, cancelled: &AtomicBool) -> Result<u64, GitError> {
        // Copying is cheap here: what is wanted since a time is copied with all that is behind it.
        let depth = if let Depth::Commits(depth) = wants.depth { depth.get() } else { usize::MAX };
        let mut todo: Vec<(ObjectId, usize)> = wants.ids.iter().map(|id| (*id, depth)).collect();
        let mut seen: HashSet<ObjectId> = wants.ids.iter().copied().collect();
        let (mut copied, mut buffer) = (0, Vec::new());
        while let Some((id, depth)) = todo.pop() {
            if cancelled.load(Ordering::Relaxed) {
                return Err(GitError::Cancelled);
            }
            let found = self.repository.objects.try_find(&id, &mut buffer);
            let found = found.map_err(|error| GitError::Damaged { id: id.to_string(), detail: error.to_string() })?;
            let Some(object) = found else {
                if wants.ids.contains(&id) {
                    return Err(GitError::ObjectMissing { url: self.url.clone(), id: id.to_string() });
                }
                // A shallow or partial clone ends somewhere.
                continue;
            };
            copied += object.data.len() as u64;
            if !store.contains(&id) {
                store.write(object.kind, object.data)?;
            }
            let mut add = |id: ObjectId, depth: usize| {
                if seen.insert(id) {
                    todo.push((id, depth));
                }
            };
            let whole = wants.filter != Filter::Trees;
            match object.kind {
                Kind::Commit => {
                    let mut commit = CommitRefIter::from_bytes(object.data, gix::hash::Kind::Sha1);
                    if let Ok(tree) = commit.tree_id()
                        && whole
                    {
                        add(tree, depth);
                    }
                    if depth > 1 {
                        commit.parent_ids().for_each(|parent| add(parent, depth - 1));
                    }
                }
                Kind::Tag => {
                    if let Ok(target) = TagRefIter::from_bytes(object.data, gix::hash::Kind::Sha1).target_id() {
                        add(target, depth);
                    }
                }
                Kind::Tree if whole => {
                    for entry in TreeRefIter::from_bytes(object.data, gix::hash::Kind::Sha1).flatten() {
                        if entry.mode.is_tree() || wants.filter == Filter::None && !entry.mode.is_commit() {
                            add(entry.oid.to_owned(), depth);
                        }
                    }
                }
                Kind::Tree | Kind::Blob => {}
            }
        }
        store.reload()?;
        Ok(copied)
    }
}
