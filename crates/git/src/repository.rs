//! One repository as the later stages see it: ask for commits, trees, blobs and history; what is
//! missing is fetched.

use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gix::ObjectId;
use gix::objs::tree::EntryKind;

use super::history::History;
use super::host::Host;
use super::objects::{Commit, Listing};
use super::remote::{Depth, Filter, Remote, RemoteRef, Wants};
use super::transport::Exchange;
use super::{GitError, ObjectStore};

/// Most objects named in one request; a request line is 50 bytes.
const MAX_WANTS: usize = 4096;

/// From so many missing blobs on, the whole commit is asked for instead: one short request, and a
/// pack with better deltas.
const WHOLE_COMMIT: usize = 256;

/// Most that is received of one repository in one run, in bytes.
const MAX_RECEIVED: u64 = 2 << 30;

/// Most branches that are looked at for a commit.
const MAX_BRANCHES: usize = 1_000;

/// How far the clocks of those who commit may be apart, in seconds.
const SKEW: i64 = 7 * 24 * 3600;

/// A repository, mostly on a git host, with the objects of it that are on this machine.
pub struct Repository {
    url: String,
    host: Box<dyn Host>,
    store: ObjectStore,
    refs: Vec<RemoteRef>,
    head: Option<ObjectId>,
    history: Option<History>,
    cancelled: Arc<AtomicBool>,
    received: u64,
}

impl Repository {
    /// Connects to the repository that is known as `url` at `target`, where the user's
    /// configuration may have led, and reads its refs. Objects are kept in `cache`, one folder for
    /// one repository.
    pub fn open(target: &str, url: &str, cache: &Path, client: Arc<dyn Exchange>, cancelled: Arc<AtomicBool>) -> Result<Self, GitError> {
        let store = ObjectStore::open(cache, Arc::clone(&cancelled))?;
        let mut remote = Remote::connect(target, url, client)?;
        let (refs, head) = remote.refs()?;
        Ok(Self { head, ..Self::of(url, Box::new(remote), store, refs, cancelled) })
    }

    /// A repository known as `url` whose objects `host` gives out; `store` holds those that are on
    /// this machine.
    pub fn of(url: &str, host: Box<dyn Host>, store: ObjectStore, refs: Vec<RemoteRef>, cancelled: Arc<AtomicBool>) -> Self {
        let head = refs.iter().find(|reference| reference.name == "HEAD").map(|head| head.commit);
        Self { url: url.to_owned(), host, store, refs, head, history: None, cancelled, received: 0 }
    }

    /// The address under which the repository is known.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Branches and tags as they are now.
    pub fn refs(&self) -> &[RemoteRef] {
        &self.refs
    }

    /// The newest commit of the default branch, as the host says it; in a folder the commit that is
    /// checked out.
    pub fn head(&self) -> Option<ObjectId> {
        self.head
    }

    /// The objects that are on this machine.
    pub fn store(&self) -> &ObjectStore {
        &self.store
    }

    fn fetch(&mut self, ids: &[ObjectId], depth: Depth, filter: Filter) -> Result<(), GitError> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(GitError::Cancelled);
        }
        let wants = Wants { ids, depth, filter };
        let received = match self.host.fetch(&wants, &self.store, &self.cancelled) {
            // Asking for the same objects again is harmless, and connections break.
            Err(GitError::Unreachable { source, .. }) if source.is_transient() => self.host.fetch(&wants, &self.store, &self.cancelled)?,
            fetched => fetched?,
        };
        self.received += received;
        if self.received > MAX_RECEIVED {
            return Err(GitError::TooLarge { url: self.url.clone(), limit: MAX_RECEIVED });
        }
        // What was sent and indexed, and still is not there, is hidden by a file of the cache that
        // cannot be read. (Single objects may be left out: a filter holds for blobs that tags name,
        // too.)
        if let [first, ..] = ids
            && !ids.iter().any(|id| self.store.contains(id))
        {
            return Err(GitError::Damaged { id: first.to_string(), detail: "the object cache hides it".into() });
        }
        Ok(())
    }

    /// Makes sure that these commits and all their trees are here; returns those that the host does
    /// not have.
    pub fn ensure_commits(&mut self, ids: &[ObjectId]) -> Result<Vec<ObjectId>, GitError> {
        let mut wanted: Vec<ObjectId> = ids.iter().copied().filter(|id| !self.complete(id)).collect();
        let mut missing = Vec::new();
        while !wanted.is_empty() {
            match self.fetch(&wanted, Depth::Commits(NonZeroUsize::MIN), Filter::Blobs) {
                Ok(()) => break,
                // One unknown id fails the whole request: leave it out and ask again for the
                // others.
                Err(GitError::ObjectMissing { id, .. }) => {
                    let unknown =
                        ObjectId::from_hex(id.as_bytes()).ok().filter(|id| wanted.contains(id)).or_else(|| wanted.first().copied());
                    wanted.retain(|id| Some(*id) != unknown);
                    missing.extend(unknown);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(missing)
    }

    /// Whether a commit is here with all its trees.
    fn complete(&self, id: &ObjectId) -> bool {
        self.store.commit(id).ok().flatten().is_some_and(|commit| matches!(self.store.listing(&commit.tree), Ok(Ok(_))))
    }

    /// A commit that is here already.
    pub fn commit(&self, id: &ObjectId) -> Result<Option<Commit>, GitError> {
        self.store.commit(id)
    }

    /// All files of a commit's tree; trees that are not here are fetched.
    pub fn listing(&mut self, commit: &ObjectId) -> Result<Option<Listing>, GitError> {
        let Some(found) = self.store.commit(commit)? else { return Ok(None) };
        self.tree_listing(&found.tree).map(Some)
    }

    /// All files below a tree; trees that are not here are fetched.
    pub fn tree_listing(&mut self, tree: &ObjectId) -> Result<Listing, GitError> {
        // Every round fetches whole subtrees, so two are enough for an honest host.
        for _ in 0..3 {
            match self.store.listing(tree)? {
                Ok(listing) => return Ok(listing),
                Err(missing) => self.fetch_chunks(&missing, Filter::Blobs)?,
            }
        }
        Err(GitError::ObjectMissing { url: self.url.clone(), id: tree.to_string() })
    }

    /// Makes sure that these trees are here with all below them, with one request for those that
    /// are missing.
    pub fn ensure_trees(&mut self, ids: &[ObjectId]) -> Result<(), GitError> {
        let mut missing: Vec<ObjectId> = ids.iter().copied().filter(|id| !matches!(self.store.listing(id), Ok(Ok(_)))).collect();
        missing.sort_unstable();
        missing.dedup();
        self.fetch_chunks(&missing, Filter::Blobs)
    }

    fn fetch_chunks(&mut self, ids: &[ObjectId], filter: Filter) -> Result<(), GitError> {
        for chunk in ids.chunks(MAX_WANTS) {
            self.fetch(chunk, Depth::All, filter)?;
        }
        Ok(())
    }

    /// Makes sure that these blobs are here, with one request for all that are missing.
    pub fn ensure_blobs(&mut self, ids: impl IntoIterator<Item = ObjectId>) -> Result<(), GitError> {
        let mut missing: Vec<ObjectId> = ids.into_iter().filter(|id| !self.store.contains(id)).collect();
        missing.sort_unstable();
        missing.dedup();
        self.fetch_chunks(&missing, Filter::None)
    }

    /// Makes sure that the blobs of a commit's checkout are here, as far as the host has them;
    /// returns those that it lacks. A stored copy of a repository may be without its largest files,
    /// and a build seldom needs them.
    pub fn ensure_checkout(&mut self, commit: &ObjectId, blobs: impl IntoIterator<Item = ObjectId>) -> Result<Vec<ObjectId>, GitError> {
        let mut missing: Vec<ObjectId> = blobs.into_iter().filter(|id| !self.store.contains(id)).collect();
        missing.sort_unstable();
        missing.dedup();
        if missing.len() >= WHOLE_COMMIT {
            match self.fetch(&[*commit], Depth::Commits(NonZeroUsize::MIN), Filter::None) {
                // A host that lacks one object cannot send the whole; what it has comes below.
                Ok(()) | Err(GitError::ObjectMissing { .. } | GitError::Protocol { .. } | GitError::Unreachable { .. }) => {}
                Err(error) => return Err(error),
            }
            missing.retain(|id| !self.store.contains(id));
        }
        let mut lacking = Vec::new();
        for chunk in missing.chunks(MAX_WANTS) {
            let mut wanted = chunk.to_vec();
            while !wanted.is_empty() {
                match self.fetch(&wanted, Depth::All, Filter::None) {
                    Ok(()) => break,
                    Err(GitError::ObjectMissing { id, .. }) => {
                        let unknown = ObjectId::from_hex(id.as_bytes()).ok().filter(|id| wanted.contains(id));
                        let unknown = unknown.or_else(|| wanted.first().copied());
                        wanted.retain(|id| Some(*id) != unknown);
                        lacking.extend(unknown);
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(lacking)
    }

    /// Fetches these blobs of a commit; an error if the host has one of them not, whatever else it
    /// sends.
    pub fn serves(&mut self, commit: &ObjectId, blobs: &[ObjectId]) -> Result<(), GitError> {
        let lacking = self.ensure_checkout(commit, blobs.iter().copied())?;
        if !lacking.is_empty() {
            // Some hosts give a commit and no single files.
            match self.fetch(&[*commit], Depth::Commits(NonZeroUsize::MIN), Filter::None) {
                Ok(()) | Err(GitError::ObjectMissing { .. } | GitError::Protocol { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        match blobs.iter().find(|id| !self.store.contains(id)) {
            Some(id) => Err(GitError::ObjectMissing { url: self.url.clone(), id: id.to_string() }),
            None => Ok(()),
        }
    }

    /// A blob; fetched if it is not here.
    pub fn blob(&mut self, id: &ObjectId) -> Result<Vec<u8>, GitError> {
        self.ensure_blobs([*id])?;
        self.store.blob(id)?.ok_or_else(|| GitError::ObjectMissing { url: self.url.clone(), id: id.to_string() })
    }

    /// A blob of `most` bytes at the most, fetched if it is not here; `None` for a larger one,
    /// which is not read.
    pub fn blob_up_to(&mut self, id: &ObjectId, most: u64) -> Result<Option<Vec<u8>>, GitError> {
        self.ensure_blobs([*id])?;
        if self.store.size(id).is_some_and(|size| size > most) { Ok(None) } else { self.blob(id).map(Some) }
    }

    /// Whether a branch or tag reaches the commit. A tip is answered at once; else all of history
    /// is read, without trees.
    pub fn reaches(&mut self, id: &ObjectId) -> Result<bool, GitError> {
        if self.refs.iter().any(|reference| reference.commit == *id) {
            return Ok(true);
        }
        Ok(self.history()?.contains(id))
    }

    /// As [`Self::reaches`], for a repository whose history is of no other use: that of the default
    /// branch is read first, no further than to the commit, and the rest only if it is not there.
    pub fn reaches_lately(&mut self, id: &ObjectId) -> Result<bool, GitError> {
        let is_tip = self.refs.iter().any(|reference| reference.commit == *id);
        let Some((head, commit)) = self.head.filter(|_| !is_tip).zip(self.store.commit(id)?) else { return self.reaches(id) };
        let mut known = History::walk(&self.store, [head])?;
        if !known.contains(id) && !known.whole {
            match self.fetch(&[head], Depth::Since(commit.time.saturating_sub(SKEW)), Filter::Trees) {
                // The second is how git says that the branch has no commit that late.
                Ok(()) | Err(GitError::Protocol { .. } | GitError::Unreachable { .. }) => {}
                Err(error) => return Err(error),
            }
            known = History::walk(&self.store, [head])?;
        }
        Ok(known.contains(id) || self.reaches(id)?)
    }

    /// Whether a branch leads to a commit that is here; `None` if the host has too many branches to
    /// tell. Commits that are not older are fetched, without trees.
    pub fn is_on_branch(&mut self, id: &ObjectId) -> Result<Option<bool>, GitError> {
        let branches = self.refs.iter().filter(|reference| reference.is_branch());
        let tips: BTreeSet<ObjectId> = branches.map(|branch| branch.commit).take(MAX_BRANCHES + 1).collect();
        if tips.contains(id) {
            return Ok(Some(true));
        }
        let Some(commit) = self.store.commit(id)?.filter(|_| tips.len() <= MAX_BRANCHES) else { return Ok(None) };
        let known = History::walk(&self.store, tips.iter().copied())?;
        if known.contains(id) || known.whole {
            return Ok(Some(known.contains(id)));
        }
        let tips: Vec<ObjectId> = tips.into_iter().collect();
        match self.fetch(&tips, Depth::Since(commit.time.saturating_sub(SKEW)), Filter::Trees) {
            Ok(()) => {}
            // So git says that no branch has a commit that late.
            Err(GitError::Protocol { .. } | GitError::Unreachable { .. }) => self.fetch(&tips, Depth::All, Filter::Trees)?,
            Err(error) => return Err(error),
        }
        Ok(Some(History::walk(&self.store, tips)?.contains(id)))
    }

    /// All commits that branches and tags reach.
    pub fn history(&mut self) -> Result<&History, GitError> {
        let history = match self.history.take() {
            Some(history) => history,
            None => self.read_history()?,
        };
        Ok(self.history.insert(history))
    }

    /// The same where it was read already.
    pub fn known_history(&self) -> Option<&History> {
        self.history.as_ref()
    }

    fn read_history(&mut self) -> Result<History, GitError> {
        let mut tips: Vec<ObjectId> = self.refs.iter().map(|reference| reference.commit).collect();
        tips.sort_unstable();
        tips.dedup();
        let known = History::walk(&self.store, tips.iter().copied())?;
        // Depth-1 fetches leave tips without parents here.
        if known.whole {
            return Ok(known);
        }
        self.fetch(&tips, Depth::All, Filter::Trees)?;
        History::walk(&self.store, tips)
    }

    /// What stands at `path` (`""` is the root) in each of these commits: the kind and id of the
    /// entry. Trees that are missing on the way are fetched level by level, for all commits at
    /// once.
    pub fn entries_at(&mut self, commits: &[ObjectId], path: &str) -> Result<HashMap<ObjectId, (EntryKind, ObjectId)>, GitError> {
        let mut at: HashMap<ObjectId, (EntryKind, ObjectId)> = HashMap::new();
        for id in commits {
            // One odd commit or tree of long ago says nothing about the others.
            if let Some(commit) = tolerant(self.store.commit(id))? {
                at.insert(*id, (EntryKind::Tree, commit.tree));
            }
        }
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let mut missing: Vec<ObjectId> =
                at.values().filter(|(kind, id)| *kind == EntryKind::Tree && !self.store.contains(id)).map(|(_, id)| *id).collect();
            missing.sort_unstable();
            missing.dedup();
            self.fetch_chunks(&missing, Filter::Trees)?;
            let mut known: HashMap<ObjectId, Option<(EntryKind, ObjectId)>> = HashMap::new();
            let mut next = HashMap::new();
            for (commit, (kind, tree)) in at {
                if kind != EntryKind::Tree {
                    continue;
                }
                let found = if let Some(found) = known.get(&tree) {
                    *found
                } else {
                    let entries = tolerant(self.store.tree(&tree))?.unwrap_or_default();
                    let found = entries.into_iter().find(|(entry, ..)| entry == name.as_bytes()).map(|(_, kind, id)| (kind, id));
                    known.insert(tree, found);
                    found
                };
                if let Some(found) = found {
                    next.insert(commit, found);
                }
            }
            at = next;
        }
        Ok(at)
    }
}

/// Nothing, where the host's object is malformed.
fn tolerant<T>(read: Result<Option<T>, GitError>) -> Result<Option<T>, GitError> {
    match read {
        Err(GitError::Malformed { .. }) => Ok(None),
        read => read,
    }
}
