//! History without contents: which commits the branches and tags reach, and in which of them a path
//! changed.
//!
//! Commits are fetched without trees, which even for twenty thousand of them is a few megabytes.
//! Where the trees along one path are wanted too, they are asked for level by level, for all
//! commits at once.

use std::collections::{HashMap, HashSet, VecDeque};

use gix::ObjectId;

use super::objects::{Commit, Followed};
use super::{GitError, ObjectStore};

/// Most commits that are walked; the largest public repositories have some more than a million.
const MAX_COMMITS: usize = 2_000_000;

/// The commits that branches and tags reach, newest first.
#[derive(Debug, Default)]
pub struct History {
    /// Commits with their ids, sorted by commit time, newest first.
    pub commits: Vec<(ObjectId, Commit)>,
    /// Whether nothing that the walk came to was missing from the store.
    pub whole: bool,
    index: HashMap<ObjectId, usize>,
}

impl History {
    /// Walks from `tips` through everything that is in the store. What is not there ends its line
    /// and takes `whole` away; a commit that does not parse just ends its line, as no host has a
    /// better one: one odd commit of long ago must not cost all others. A tip that is a tag stands
    /// for its commit.
    pub fn walk(store: &ObjectStore, tips: impl IntoIterator<Item = ObjectId>) -> Result<Self, GitError> {
        Self::walk_within(store, tips, MAX_COMMITS)
    }

    fn walk_within(store: &ObjectStore, tips: impl IntoIterator<Item = ObjectId>, limit: usize) -> Result<Self, GitError> {
        let mut seen = HashSet::new();
        let mut todo: VecDeque<ObjectId> = tips.into_iter().collect();
        let mut commits = Vec::new();
        let mut whole = true;
        // Parents are counted as well: a merge may name any number of them, and honest ones name
        // two.
        let (mut parents, most_parents) = (0_usize, limit.saturating_mul(2));
        while let Some(id) = todo.pop_front() {
            if !seen.insert(id) {
                continue;
            }
            let commit = match store.follow(&id) {
                Ok(Followed::Commit(commit)) => commit,
                Ok(Followed::Other) | Err(GitError::Malformed { .. }) => continue,
                Ok(Followed::Missing) => {
                    whole = false;
                    continue;
                }
                Err(error) => return Err(error),
            };
            if commit.id != id && !seen.insert(commit.id) {
                continue;
            }
            parents += commit.parents.len();
            if commits.len() == limit || parents > most_parents {
                return Err(GitError::OverLimit { what: "commits", limit });
            }
            todo.extend(commit.parents.iter().filter(|parent| !seen.contains(*parent)));
            commits.push((commit.id, commit));
        }
        commits.sort_by(|(a_id, a), (b_id, b)| b.time.cmp(&a.time).then_with(|| a_id.cmp(b_id)));
        let index = commits.iter().enumerate().map(|(at, (id, _))| (*id, at)).collect();
        Ok(Self { commits, whole, index })
    }

    /// Those of the commits that are reached from some of the tips alone.
    pub fn reached_from(&self, store: &ObjectStore, tips: impl IntoIterator<Item = ObjectId>) -> Result<HashSet<ObjectId>, GitError> {
        let mut todo = Vec::new();
        for tip in tips {
            // A tip that is a tag stands for its commit, as in the walk.
            match store.follow(&tip) {
                Ok(Followed::Commit(commit)) => todo.push(commit.id),
                Ok(Followed::Other | Followed::Missing) | Err(GitError::Malformed { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let mut reached = HashSet::new();
        while let Some(id) = todo.pop() {
            if let Some(commit) = self.get(&id).filter(|_| reached.insert(id)) {
                todo.extend(commit.parents.iter().copied());
            }
        }
        Ok(reached)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::tests::{Fixture, commit_text};

    fn chain(fixture: &Fixture, length: usize) -> Vec<ObjectId> {
        let mut ids: Vec<ObjectId> = Vec::new();
        for at in 0..length {
            let parents: Vec<ObjectId> = ids.last().copied().into_iter().collect();
            ids.push(fixture.commit(&commit_text(&parents, at)));
        }
        ids
    }

    #[test]
    fn a_commit_that_does_not_parse_ends_its_line_and_no_other() {
        let fixture = Fixture::new();
        let good = chain(&fixture, 2);
        let odd = fixture.commit("tree of nothing\n");
        let child = fixture.commit(&commit_text(&[odd], 9));
        let history = History::walk(&fixture.store, [child, good[1]]).unwrap();
        assert_eq!(history.commits.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [child, good[1], good[0]]);
        assert!(history.whole && !history.contains(&odd));
    }

    #[test]
    fn what_some_tips_reach_is_told_from_the_rest() {
        let fixture = Fixture::new();
        let ids = chain(&fixture, 3);
        let history = History::walk(&fixture.store, [ids[2]]).unwrap();
        let reached = |tips: &[ObjectId]| {
            let reached = history.reached_from(&fixture.store, tips.iter().copied()).unwrap();
            ids.iter().filter(|id| reached.contains(*id)).count()
        };
        assert_eq!([reached(&[]), reached(&ids[..1]), reached(&ids[1..2]), reached(&ids)], [0, 1, 2, 3]);
        assert_eq!(reached(&[ObjectId::null(gix::hash::Kind::Sha1)]), 0, "one that is not here");
    }

    #[test]
    fn a_bad_author_does_not_cut_history() {
        let fixture = Fixture::new();
        let root = chain(&fixture, 1)[0];
        let text = commit_text(&[root], 1).replace("author A <a@b> 1 +0000", "author nobody");
        let history = History::walk(&fixture.store, [fixture.commit(&text)]).unwrap();
        assert!(history.contains(&root));
    }

    #[test]
    fn the_commit_of_an_unpeeled_tag_is_in_the_index_once() {
        let fixture = Fixture::new();
        let commit = chain(&fixture, 1)[0];
        let tag = fixture.tag(&commit);
        let outer = fixture.tag(&tag);
        let history = History::walk(&fixture.store, [outer, tag, commit]).unwrap();
        assert!(history.contains(&commit) && !history.contains(&tag));
        assert_eq!(history.get(&commit).unwrap().id, commit);
        assert_eq!(history.commits.len(), 1);
    }

    #[test]
    fn what_is_not_here_ends_its_line_and_history_is_not_whole() {
        let fixture = Fixture::new();
        let absent = ObjectId::from_bytes_or_panic(&[7; 20]);
        let child = fixture.commit(&commit_text(&[absent], 1));
        let history = History::walk(&fixture.store, [child]).unwrap();
        assert!(history.contains(&child) && !history.whole);
        // A tag is here, but its commit is not.
        assert!(!History::walk(&fixture.store, [fixture.tag(&absent)]).unwrap().whole);
        // A tag of a file leads to no commit, and nothing is missing.
        let blob = fixture.blob(b"x");
        assert!(History::walk(&fixture.store, [fixture.tag(&blob)]).unwrap().whole);
    }

    #[test]
    fn more_commits_than_are_walked_are_refused() {
        let fixture = Fixture::new();
        let tip = *chain(&fixture, 5).last().unwrap();
        assert_eq!(History::walk_within(&fixture.store, [tip], 5).unwrap().commits.len(), 5);
        let error = History::walk_within(&fixture.store, [tip], 4).unwrap_err();
        assert!(matches!(error, GitError::OverLimit { what: "commits", limit: 4 }), "{error}");
    }

    #[test]
    fn a_merge_of_more_parents_than_are_walked_is_refused() {
        let fixture = Fixture::new();
        let root = chain(&fixture, 1)[0];
        let tip = fixture.commit(&commit_text(&[root; 100], 1));
        assert!(matches!(History::walk_within(&fixture.store, [tip], 10), Err(GitError::OverLimit { .. })));
    }

    #[test]
    fn a_cancelled_walk_ends() {
        let fixture = Fixture::new();
        let tip = chain(&fixture, 1)[0];
        fixture.cancel();
        assert!(matches!(History::walk(&fixture.store, [tip]), Err(GitError::Cancelled)));
    }
}
