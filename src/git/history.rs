//! History without contents: which commits the branches and tags reach, and in which of them a path changed.
//!
//! Commits are fetched without trees, which even for twenty thousand of them is a few megabytes. Where the trees along
//! one path are wanted too, they are asked for level by level, for all commits at once.

use std::collections::{HashMap, HashSet, VecDeque};

use gix::ObjectId;

use super::objects::Commit;
use super::{GitError, ObjectStore};

/// The commits that branches and tags reach, newest first.
#[derive(Debug, Default)]
pub struct History {
    /// Commits with their ids, sorted by commit time, newest first.
    pub commits: Vec<(ObjectId, Commit)>,
    index: HashMap<ObjectId, usize>,
}

impl History {
    /// Walks from `tips` through everything that is in the store. A parent that is not there ends its line: the caller
    /// has fetched all of history, or knows that it has not.
    pub fn walk(store: &ObjectStore, tips: impl IntoIterator<Item = ObjectId>) -> Result<Self, GitError> {
        let mut seen = HashSet::new();
        let mut todo: VecDeque<ObjectId> = tips.into_iter().collect();
        let mut commits = Vec::new();
        while let Some(id) = todo.pop_front() {
            if !seen.insert(id) {
                continue;
            }
            // A tag may name a tree or blob: nothing to walk.
            let Ok(Some(commit)) = store.commit(&id) else { continue };
            todo.extend(commit.parents.iter().copied());
            commits.push((id, commit));
        }
        commits.sort_by(|(a_id, a), (b_id, b)| b.time.cmp(&a.time).then_with(|| a_id.cmp(b_id)));
        let index = commits.iter().enumerate().map(|(at, (id, _))| (*id, at)).collect();
        Ok(Self { commits, index })
    }

    /// Whether the commit is reached.
    pub fn contains(&self, id: &ObjectId) -> bool {
        self.index.contains_key(id)
    }

    /// The commit, if it is reached.
    pub fn get(&self, id: &ObjectId) -> Option<&Commit> {
        self.index.get(id).and_then(|&at| self.commits.get(at)).map(|(_, commit)| commit)
    }
}
