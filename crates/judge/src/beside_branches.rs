//! A tag on a commit that no branch leads to: a release of its own line whose branch is gone, or
//! one that nobody merged.

use gix::ObjectId;

use git::Repository;
use report::json::Report;
use verdict::{Finding, Severity};

/// Says so of a commit that a tag alone led to. It says nothing against the verdict: release tools
/// tag such commits, too.
pub(crate) fn tell(report: &mut Report, repository: &mut Repository) {
    let Some(origin) = report.origin.as_ref().filter(|_| report.reproduced) else { return };
    let Some(tag) = origin.reference.as_deref().and_then(|name| name.strip_prefix("refs/tags/")) else { return };
    let Ok(commit) = ObjectId::from_hex(origin.commit.as_bytes()) else { return };
    let finding = match repository.is_on_branch(&commit) {
        Ok(Some(true) | None) => return,
        Ok(Some(false)) => {
            let message = format!("the tag {tag} is on a commit that is on no branch: reviewers of branches may never have seen it");
            Finding::new("tag-beside-branches", Severity::Info, message)
        }
        Err(error) => {
            let message = format!("the branches with the commit could not be read: {error}");
            Finding::new("history-unread", Severity::Info, message)
        }
    };
    report.findings.push(finding);
}
