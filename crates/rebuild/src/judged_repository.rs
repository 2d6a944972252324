//! The repository of what is judged, as far as a build's git dependencies are held against it.
//!
//! An address tells nothing: a host leads old names to new ones, any host can lead anywhere, and
//! the user may have named a clone. So a dependency is of this repository if they have a commit or
//! a tree in common, whatever led there. Nor does the user's git configuration lead a dependency
//! into a private network, but to where it leads the judged repository itself.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use gix::ObjectId;
use gix::objs::tree::EntryKind;
use tokio::runtime::Handle;

use context::Context;
use git::{GitError, Repository};
use npmrc::AllowList;
use origin::Origin;
use origin::address::{self, Address, declared_with};

use crate::Published;
use crate::opening::{allowed_beside, judged_address, open};

/// Most commits before that of a submodule that are looked at without its whole history.
const MOST_BEFORE: usize = 10_000;

/// See the module.
pub(crate) struct JudgedRepository {
    /// Its address; that of a folder where the user named one.
    pub(crate) url: String,
    /// The address that the package declares.
    pub(crate) declared: Option<Address>,
    /// The commit that is judged.
    pub(crate) commit: ObjectId,
    /// The package's folder in it.
    pub(crate) directory: String,
    /// Its commits and their trees, and the tree of the package's folder.
    pub(crate) objects: OnceLock<HashSet<ObjectId>>,
}

impl JudgedRepository {
    /// The repository at `url`, of which a commit is judged.
    pub(crate) fn of(url: &str, origin: &Origin, published: &Published, context: &Context) -> Self {
        let declared = declared_with(&published.manifest(), &|url| context.leads_to(url)).ok().flatten();
        Self {
            url: url.to_owned(),
            declared: declared.map(|declared| declared.address),
            commit: origin.commit,
            directory: origin.directory().to_owned(),
            objects: OnceLock::new(),
        }
    }

    fn address(&self, context: &Context) -> Option<Address> {
        judged_address(&self.url, context)
    }

    /// The hosts that may have any address where a dependency names them.
    pub(crate) fn allowed(&self, context: &Context) -> Arc<AllowList> {
        let own = self.address(context).filter(|address| address.on_this_machine().is_none()).or_else(|| self.declared.clone());
        allowed_beside(own.as_ref(), context)
    }

    /// Whether an address is that of the judged repository, or the one that the package declares.
    pub(crate) fn is_at(&self, url: &str, context: &Context) -> bool {
        let Ok(one) = address::parse_with(url, &|url| context.leads_to(url)) else { return false };
        let own = self.address(context).filter(|address| address.on_this_machine().is_none());
        own.iter().chain(&self.declared).any(|other| address::same_repository(&one, other))
    }

    /// Whether a dependency's commit is of the judged repository, or of a copy of it: they have a
    /// commit in common, or the dependency's files are all those of a commit or of the package.
    pub(crate) fn shares(
        &self,
        dependency: &mut Repository,
        (commit, directory): (&ObjectId, &str),
        (context, runtime): (&Context, &Handle),
    ) -> Result<bool, GitError> {
        if commit == &self.commit || dependency.history()?.contains(&self.commit) {
            return Ok(true);
        }
        if self.objects.get().is_none() {
            self.learn(&mut self.open(context, runtime)?)?;
        }
        let Some(own) = self.objects.get() else { return Ok(false) };
        let whole = dependency.commit(commit)?.map(|commit| commit.tree);
        let part = dependency.entries_at(&[*commit], directory)?.get(commit).map(|(_, id)| *id);
        let is_own = |id: &ObjectId| own.contains(id);
        Ok([Some(*commit), whole, part].iter().flatten().any(is_own) || dependency.history()?.commits.iter().any(|(id, _)| is_own(id)))
    }

    /// Reads what a dependency is compared with, from the judged repository.
    fn learn(&self, judged: &mut Repository) -> Result<(), GitError> {
        if self.objects.get().is_none() {
            let read = self.objects_of(judged)?;
            self.objects.get_or_init(|| read);
        }
        Ok(())
    }

    fn open(&self, context: &Context, runtime: &Handle) -> Result<Repository, GitError> {
        let Some(address) = self.address(context) else {
            return Err(GitError::AddressRefused { url: self.url.clone(), why: "it cannot be read".to_owned() });
        };
        // As the user, as it was for what is judged: nothing of it comes into the build here.
        open(&address, context, runtime, true)
    }

    fn objects_of(&self, repository: &mut Repository) -> Result<HashSet<ObjectId>, GitError> {
        repository.ensure_commits(&[self.commit])?;
        let mut objects: HashSet<ObjectId> = HashSet::new();
        objects.extend(repository.history()?.commits.iter().flat_map(|(id, commit)| [*id, commit.tree]));
        objects.extend(repository.commit(&self.commit)?.iter().flat_map(|commit| [commit.id, commit.tree]));
        let part = repository.entries_at(&[self.commit], &self.directory)?;
        objects.extend(part.values().filter(|(kind, _)| *kind == EntryKind::Tree).map(|(_, id)| *id));
        Ok(objects)
    }

    /// The same of a submodule, where `judged` is the repository: all of its history is read only
    /// if `whole`, and else what of it is here, because a submodule may be a far larger project.
    pub(crate) fn shares_with(
        &self,
        submodule: &mut Repository,
        (commit, whole): (&ObjectId, bool),
        judged: &mut Repository,
        outside: (&Context, &Handle),
    ) -> Result<bool, GitError> {
        if commit == &self.commit || self.is_at(submodule.url(), outside.0) {
            return Ok(true);
        }
        self.learn(judged)?;
        if whole {
            return self.shares(submodule, (commit, ""), outside);
        }
        let Some(own) = self.objects.get() else { return Ok(false) };
        let tips = submodule.refs().iter().map(|reference| reference.commit);
        let known = submodule.known_history().into_iter().flat_map(|history| history.commits.iter().map(|(id, _)| *id));
        Ok(tips.chain(known).any(|id| own.contains(&id)) || has_any(submodule, commit, own)?)
    }
}

/// Whether a commit, one that is here of those before it, or a tree of one of them is among `own`.
fn has_any(repository: &Repository, commit: &ObjectId, own: &HashSet<ObjectId>) -> Result<bool, GitError> {
    let (mut todo, mut seen) = (vec![*commit], HashSet::new());
    while let Some(id) = todo.pop().filter(|_| seen.len() < MOST_BEFORE) {
        if own.contains(&id) {
            return Ok(true);
        }
        if let Some(commit) = repository.commit(&id)?.filter(|_| seen.insert(id)) {
            if own.contains(&commit.tree) {
                return Ok(true);
            }
            todo.extend(commit.parents);
        }
    }
    Ok(false)
}
