//! What provenance says about the source, against the source that was found: words for the report,
//! after the verdict.

use gix::ObjectId;

use git::Repository;
use origin::address::{self, Address};
use report::json::Report;
use verdict::{EvidenceKind, Finding, Severity};

/// Fills in whether repository and commit are those of the provenance, and adds the findings that
/// follow. `by_user`: the repository is the user's own word, so that another one in the provenance
/// is no surprise.
pub fn settle(report: &mut Report, repository: &Repository, by_user: bool) {
    let parents = |id: &str| {
        let id = ObjectId::from_hex(id.as_bytes()).ok()?;
        // What is not in the store is not worth a request.
        let commit = repository.commit(&id).ok().flatten()?;
        Some(commit.parents.iter().map(ToString::to_string).collect())
    };
    let tag = |name: &str| repository.refs().iter().find(|reference| reference.name == name).map(|reference| reference.commit.to_string());
    compare(report, by_user, &parents, &tag);
}

/// Adds a finding for each tag that an earlier run saw at another commit of the same repository.
pub fn moved_since(report: &mut Report, earlier: &Report) {
    let repository = |report: &Report| report.origin.as_ref().map(|origin| origin.repository.clone());
    if repository(report).is_none() || repository(report) != repository(earlier) {
        return;
    }
    let tags = |report: &Report| -> Vec<(String, String)> {
        let tags = report.evidence.iter().filter(|evidence| evidence.kind == EvidenceKind::Tag);
        tags.filter_map(|evidence| Some((evidence.value.clone(), evidence.commit.clone()?))).collect()
    };
    let before = tags(earlier);
    for (name, now) in tags(report) {
        let Some((_, then)) = before.iter().find(|(other, _)| *other == name) else { continue };
        let known = |finding: &Finding| finding.code == "tag-moved";
        if *then != now && !report.findings.iter().any(known) {
            let message = format!("the tag {name} was at {then} on {}, and is at {now} now", earlier.timestamp);
            report.findings.push(Finding::new("tag-moved", Severity::Warning, message));
        }
    }
}

/// `parents` are a commit's by its id, `tag` is the commit that a tag leads to now by its full
/// name.
fn compare(report: &mut Report, by_user: bool, parents: &dyn Fn(&str) -> Option<Vec<String>>, tag: &dyn Fn(&str) -> Option<String>) {
    let (Some(provenance), Some(origin)) = (&mut report.provenance, &report.origin) else { return };
    if !provenance.verified {
        return;
    }
    let findings = &mut report.findings;
    let parse = |url: &str| address::parse_with(url, &|_| false).ok();
    if let Some(attested) = &provenance.repository {
        let same = |(a, b): (Address, Address)| address::same_repository(&a, &b);
        let same = parse(attested).zip(parse(&origin.repository)).map_or_else(|| *attested == origin.repository, same);
        provenance.repository_matches = Some(same);
        if !same && !by_user {
            let message = format!("it was published from {attested}, but declares {}", origin.repository);
            findings.push(Finding::new("provenance-repository-mismatch", Severity::Warning, message));
        }
    }
    let Some(attested) = provenance.commit.clone() else { return };
    let same = attested == origin.commit;
    provenance.commit_matches = Some(same);
    if !same && provenance.repository_matches != Some(false) {
        let short = |id: &str| id.chars().take(12).collect::<String>();
        // A release tool commits the version in the run and publishes that: the run itself began at
        // the commit before.
        let released = parents(&origin.commit).is_some_and(|parents| parents.contains(&attested));
        let (severity, how) = if released { (Severity::Info, ", the parent of") } else { (Severity::Warning, ", not") };
        let message = format!(
            "the provenance names the commit {}{how} the one that the files come from, {}",
            short(&attested),
            short(&origin.commit)
        );
        findings.push(Finding::new("provenance-commit-mismatch", severity, message));
    }
    if let Some(name) = provenance.reference.as_deref().filter(|name| name.starts_with("refs/tags/"))
        && let Some(now) = tag(name).filter(|now| *now != attested)
    {
        let message = format!("{name} was at {attested} when this was published, and is at {now} now");
        findings.push(Finding::new("tag-moved", Severity::Warning, message));
    }
}

#[cfg(test)]
#[path = "../../report/src/test_support.rs"]
mod test_support;

#[cfg(test)]
mod tests {
    use npm_registry::provenance::Provenance;
    use report::json::OriginInfo;
    use verdict::Verdict;

    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn report(repository: &str, commit: &str, reference: &str) -> Report {
        let mut report = super::test_support::report("a", Verdict::Differs, Vec::new());
        report.origin = Some(OriginInfo { repository: "https://github.com/a/b".into(), commit: B.into(), ..OriginInfo::default() });
        report.provenance = Some(Provenance {
            verified: true,
            repository: Some(repository.into()),
            commit: Some(commit.into()),
            reference: Some(reference.into()),
            ..Provenance::default()
        });
        report
    }

    fn codes(report: &mut Report, by_user: bool, parent: &str, tag: &str) -> Vec<(String, Severity)> {
        compare(report, by_user, &|_| Some(vec![parent.to_owned()]), &|_| Some(tag.to_owned()));
        report.findings.iter().map(|finding| (finding.code.clone(), finding.severity)).collect()
    }

    #[test]
    fn the_same_commit_and_repository_say_nothing() {
        let mut report = report("https://github.com/A/b", B, "refs/tags/v1");
        assert_eq!(codes(&mut report, false, A, B), []);
        let provenance = report.provenance.expect("kept");
        assert_eq!((provenance.repository_matches, provenance.commit_matches), (Some(true), Some(true)));
    }

    #[test]
    fn another_commit_is_a_warning_unless_the_release_was_committed_on_top_of_it() {
        let mismatch = |severity| vec![("provenance-commit-mismatch".to_owned(), severity)];
        assert_eq!(codes(&mut report("https://github.com/a/b", A, "refs/heads/main"), false, B, B), mismatch(Severity::Warning));
        assert_eq!(codes(&mut report("https://github.com/a/b", A, "refs/heads/main"), false, A, B), mismatch(Severity::Info));
    }

    #[test]
    fn another_repository_is_a_warning_unless_the_user_named_one() {
        let expected = [("provenance-repository-mismatch".to_owned(), Severity::Warning)];
        assert_eq!(codes(&mut report("https://github.com/evil/b", B, "refs/heads/main"), false, A, B), expected);
        assert_eq!(codes(&mut report("https://github.com/evil/b", B, "refs/heads/main"), true, A, B), []);
    }

    #[test]
    fn a_tag_that_is_elsewhere_now_has_moved() {
        let expected = [("tag-moved".to_owned(), Severity::Warning)];
        assert_eq!(codes(&mut report("https://github.com/a/b", B, "refs/tags/v1"), false, A, A), expected);
        assert_eq!(codes(&mut report("https://github.com/a/b", B, "refs/heads/v1"), false, A, A), []);
    }

    #[test]
    fn what_is_not_verified_is_not_compared() {
        let mut report = report("https://github.com/evil/b", A, "refs/tags/v1");
        report.provenance.as_mut().expect("kept").verified = false;
        assert_eq!(codes(&mut report, false, B, A), []);
        assert_eq!(report.provenance.expect("kept").commit_matches, None);
    }
}
