//! Branches that bots make for what they propose. Nobody released from there before it was merged,
//! so they do not count in the search of a commit, unless nothing else is there.

use std::collections::HashSet;

use gix::ObjectId;

use git::{RemoteRef, Repository};
use verdict::{Evidence, Finding, Severity};

use super::error::LocateError;
use super::locate::{MAX_COMMITS, Search};

/// How bots name their branches. Each name is the default of its tool and long enough to be nobody
/// else's.
const PREFIXES: &[&str] = &[
    // googleapis/release-please, src/util/branch-name.ts: today's names, and those of version 12.
    "release-please--branches--",
    "release-please/branches/",
    // changesets/action, src/run.ts: `changeset-release/${branch}`.
    "changeset-release/",
    // renovatebot/renovate, docs/usage/configuration-templates.md: the default of `branchPrefix`.
    "renovate/",
    // dependabot/dependabot-core, common/lib/dependabot/pull_request_creator/branch_namer.rb: the
    // prefix and its default separator.
    "dependabot/",
    // The same with `pull-request-branch-name.separator` of dependabot.yml, for npm's ecosystem and
    // for workflows.
    "dependabot-npm_and_yarn-",
    "dependabot-github_actions-",
    // greenkeeperio/greenkeeper-lockfile, README: the default of `branchPrefix`.
    "greenkeeper/",
    // Depfu's pull requests: `depfu/update/npm/<package>-<version>`.
    "depfu/update/",
    // Snyk's pull requests, each followed by a hash.
    "snyk-fix-",
    "snyk-upgrade-",
    // peter-evans/create-pull-request, README: the default of `branch`.
    "create-pull-request/patch",
    // GitHub's documentation, "Managing a merge queue": branches of commits that may still be
    // refused.
    "gh-readonly-queue/",
    // Mergify's documentation: the default of `queue_branch_prefix`.
    "mergify/merge-queue/",
];

/// What the evidence says of a commit that nothing else leads to.
const ONLY_BOTS: &str = "only a bot's branch leads to it";

/// The name of a branch that a bot made, as people write it; `None` for other branches and for
/// tags.
pub(super) fn branch(reference: &RemoteRef) -> Option<&str> {
    let name = reference.name.strip_prefix("refs/heads/").or_else(|| {
        // A clone's copy of another repository's branches.
        reference.name.strip_prefix("refs/remotes/").and_then(|rest| rest.split_once('/')).map(|(_, name)| name)
    })?;
    PREFIXES.iter().any(|prefix| name.starts_with(prefix)).then_some(name)
}

/// The commits that something else than a bot's branch leads to; `None` if no branch is a bot's, or
/// all are. All of history is read.
fn others(repository: &mut Repository) -> Result<Option<HashSet<ObjectId>>, LocateError> {
    let (bots, others): (Vec<&RemoteRef>, Vec<&RemoteRef>) = repository.refs().iter().partition(|reference| branch(reference).is_some());
    if bots.is_empty() || others.is_empty() {
        return Ok(None);
    }
    let tips: Vec<ObjectId> = others.iter().map(|reference| reference.commit).collect();
    repository.history()?;
    let Some(history) = repository.known_history() else { return Ok(None) };
    Ok(Some(history.reached_from(repository.store(), tips)?))
}

/// The newest commits, without those that bots' branches alone lead to.
pub(super) fn commits(repository: &mut Repository) -> Result<Vec<ObjectId>, LocateError> {
    let others = others(repository)?;
    let counts = |id: &ObjectId| others.as_ref().is_none_or(|others| others.contains(id));
    Ok(repository.history()?.commits.iter().map(|(id, _)| *id).filter(counts).take(MAX_COMMITS).collect())
}

impl Search<'_> {
    /// Looks for the version on bots' branches, where nothing else has it. What is there counts if
    /// it has no file with other bytes than the published one: then it is what was published,
    /// whoever made it.
    pub(super) fn by_bots(&mut self, repository: &mut Repository) -> Result<(), LocateError> {
        let Some(others) = others(repository)? else { return Ok(()) };
        let history = repository.history()?;
        let commits: Vec<ObjectId> =
            history.commits.iter().map(|(id, _)| *id).filter(|id| !others.contains(id)).take(MAX_COMMITS).collect();
        let directories = self.directories(repository)?;
        self.by_version_in(repository, &commits, &directories)?;
        for origin in &self.located.origins {
            let id = origin.commit.to_string();
            let found = self.located.evidence.iter_mut().filter(|item| item.commit.as_deref() == Some(&id));
            found.for_each(|item| item.note = Some(ONLY_BOTS.into()));
        }
        self.located.origins.retain(|origin| origin.score.changed.is_empty() && origin.score.explained() > 0);
        Ok(())
    }

    /// The finding that nothing but a bot's branch leads to the commit that was taken.
    pub(super) fn only_bots(&self, repository: &mut Repository) -> Result<Option<Finding>, LocateError> {
        let Some(best) = self.located.origins.first() else { return Ok(None) };
        let tip = |reference: &&RemoteRef| reference.commit == best.commit && branch(reference).is_none();
        if !repository.refs().iter().any(|reference| branch(reference).is_some()) || repository.refs().iter().any(|one| tip(&one)) {
            return Ok(None);
        }
        if others(repository)?.is_some_and(|others| others.contains(&best.commit)) {
            return Ok(None);
        }
        repository.history()?;
        let Some(history) = repository.known_history() else { return Ok(None) };
        for reference in repository.refs() {
            let Some(name) = branch(reference) else { continue };
            let reached = history.reached_from(repository.store(), [reference.commit])?;
            if reached.contains(&best.commit) {
                let message = format!("only the branch {name}, which a bot made, leads to the commit: nobody may have looked at it");
                return Ok(Some(Finding::new("commit-of-bot", Severity::Warning, message)));
            }
        }
        Ok(None)
    }
}

/// The advice where no commit was found; another one where a bot's branch has the version.
pub(super) fn hint(evidence: &[Evidence]) -> &'static str {
    if evidence.iter().any(|item| item.note.as_deref() == Some(ONLY_BOTS)) {
        "only a bot's branch has this version, with other files: the release's own commit may not be pushed; \
         if you know it, name it: --source <repository>#<commit>"
    } else {
        "if you know the commit, name it: --source <repository>#<commit>"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Option<String> {
        branch(&RemoteRef { name: name.to_owned(), commit: ObjectId::null(gix::hash::Kind::Sha1) }).map(str::to_owned)
    }

    #[test]
    fn a_bots_branch_is_known_by_its_name_here_and_in_a_clone() {
        for name in [
            "release-please--branches--main",
            "release-please--branches--release/v6--components--semver",
            "release-please/branches/main",
            "changeset-release/main",
            "renovate/react-18.x",
            "dependabot/npm_and_yarn/ws-8.0.1",
            "dependabot-npm_and_yarn-ws-8.0.1",
            "dependabot-github_actions-actions-checkout-5",
            "greenkeeper/tap-10.3.2",
            "depfu/update/npm/bats-1.7.0",
            "snyk-fix-f331a6fbb67c1c93d2bae2e2e15c3253",
            "snyk-upgrade-3a8df34dbe0d4b8dac1384e1d744dab0",
            "create-pull-request/patch-1",
            "gh-readonly-queue/main/pr-7-abc",
            "mergify/merge-queue/0123456789",
        ] {
            assert_eq!(named(&format!("refs/heads/{name}")).as_deref(), Some(name));
            assert_eq!(named(&format!("refs/remotes/origin/{name}")).as_deref(), Some(name));
            // Tags are the publisher's word, whatever they are called.
            assert_eq!(named(&format!("refs/tags/{name}")), None);
        }
    }

    #[test]
    fn a_branch_that_people_could_have_named_so_is_nobodys_bot() {
        for name in
            ["main", "release-v1.2.3", "renovate", "renovate-config", "dependabot-settings", "fix/dependabot/x", "changeset", "snyk"]
        {
            assert_eq!(named(&format!("refs/heads/{name}")), None, "{name}");
        }
        assert_eq!(named("refs/remotes/renovate/main"), None);
    }
}
