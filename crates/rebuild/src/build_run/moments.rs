//! When else the registry is looked at, where a build at the time of publication came out
//! otherwise.
//!
//! Who publishes builds with what was installed before: at the latest when the version was
//! published, at the earliest when somebody last changed what is asked for. Between the two are
//! three moments at which installations are made: the publication, the commit, and the last change
//! of the lockfile, or of the dependencies in package.json where there is none. A moment that would
//! show the build nothing else than it had is no other moment.

use gix::ObjectId;
use gix::objs::tree::EntryKind;
use serde_json::Value;

use git::{GitError, Repository};
use npm_spec::manifest::LARGEST;
use npm_spec::path::join;
use origin::Origin;

use super::Site;

/// Commits that are looked through for the last change, along first parents: where changes arrived
/// on the branch.
const COMMITS: usize = 200;
/// What an installation goes by (npm 11, yarn 4 and pnpm 10 have no other fields for it).
const FIELDS: [&str; 8] =
    ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "resolutions", "overrides", "pnpm", "workspaces"];

/// A moment that is left to be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// The commit's time.
    Commit,
    /// When what is asked for was last changed.
    Change,
}

impl Moment {
    /// What the recipe says of it.
    pub(super) fn reason(self, lockfile: Option<&str>) -> String {
        match (self, lockfile) {
            (Self::Commit, _) => "the registry as it stood at the commit".to_owned(),
            (Self::Change, Some(lockfile)) => format!("the registry as it stood when {lockfile} was last changed"),
            (Self::Change, None) => "the registry as it stood when the dependencies in package.json were last changed".to_owned(),
        }
    }

    /// When that was, in seconds since 1970; `None` where it cannot be told.
    pub(super) fn time(
        self,
        repository: &mut Repository,
        origin: &Origin,
        lockfile: Option<&str>,
        site: &Site,
    ) -> Result<Option<i64>, GitError> {
        match self {
            Self::Commit => Ok(repository.commit(&origin.commit)?.map(|commit| commit.time)),
            Self::Change => {
                site.context.progress.tell("build", "looking for the last change of the dependencies");
                let manifest = join(origin.directory(), "package.json");
                last_change(repository, origin.commit, lockfile.unwrap_or(&manifest), lockfile.is_none())
            }
        }
    }
}

/// The time of the commit that brought what stands at `path`; `dependencies`: as far as an
/// installation goes by it.
fn last_change(repository: &mut Repository, commit: ObjectId, path: &str, dependencies: bool) -> Result<Option<i64>, GitError> {
    let line = first_parents(repository, commit)?;
    let ids: Vec<ObjectId> = line.iter().map(|(id, _)| *id).collect();
    let there = repository.entries_at(&ids, path)?;
    let blob = |id: &ObjectId| {
        there.get(id).filter(|(kind, _)| matches!(kind, EntryKind::Blob | EntryKind::BlobExecutable)).map(|(_, blob)| *blob)
    };
    let Some(own) = line.first().and_then(|(id, _)| blob(id)) else { return Ok(None) };
    if dependencies {
        repository.ensure_blobs(ids.iter().filter_map(&blob))?;
    }
    let asked = if dependencies { Some(asked_for(&repository.blob_up_to(&own, LARGEST)?.unwrap_or_default())) } else { None };
    let mut since = None;
    for (id, time) in &line {
        let same = match blob(id) {
            Some(other) if other == own => true,
            Some(other) => asked.is_some() && asked == Some(asked_for(&repository.blob_up_to(&other, LARGEST)?.unwrap_or_default())),
            None => false,
        };
        if !same {
            return Ok(since);
        }
        since = Some(*time);
    }
    // A line that was not followed to its end says nothing of what came before.
    Ok(since.filter(|_| line.len() < COMMITS))
}

/// The commit and those before it on its branch, each with its time.
pub(super) fn first_parents(repository: &mut Repository, commit: ObjectId) -> Result<Vec<(ObjectId, i64)>, GitError> {
    let history = repository.history()?;
    let mut line = Vec::new();
    let mut next = history.get(&commit);
    while let Some(commit) = next {
        line.push((commit.id, commit.time));
        if line.len() == COMMITS {
            break;
        }
        next = commit.parents.first().and_then(|parent| history.get(parent));
    }
    Ok(line)
}

/// What a package.json asks an installation for; of one that cannot be read nothing.
fn asked_for(manifest: &[u8]) -> Vec<Option<Value>> {
    let manifest: Value = npm_spec::manifest::read(manifest).unwrap_or_default();
    FIELDS.iter().map(|field| manifest.get(field).cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_an_installation_goes_by_is_a_change() {
        let of = |text: &str| asked_for(text.as_bytes());
        let one = of(r#"{"version":"1.0.0","dependencies":{"a":"^1.0.0","b":"1"}}"#);
        assert_eq!(one, of(r#"{"dependencies":{"b":"1","a":"^1.0.0"},"version":"2.0.0","scripts":{"build":"x"}}"#));
        assert_ne!(one, of(r#"{"version":"1.0.0","dependencies":{"a":"^1.0.1","b":"1"}}"#));
        assert_ne!(one, of(r#"{"version":"1.0.0","dependencies":{"a":"^1.0.0","b":"1"},"overrides":{"c":"2"}}"#));
        assert_eq!(of("no json"), of("{}"));
    }
}
