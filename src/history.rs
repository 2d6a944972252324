//! The versions before one: which of them are reproduced, have a tag, have provenance; and what
//! this one lacks that they had.
//!
//! In: a finished report and the registry's list of versions. Out: entries in the report, and
//! findings. The verdict stays what it is. A stored result of an earlier version is taken as it is;
//! what was never judged is judged without a build, unless the user names strategies: a history of
//! ten builds is an hour, and what was published as it stands in the source needs none.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use context::Progress;
use npm_registry::{Packument, VersionEntry};
use npm_spec::{PackageName, Spec, Target, version};
use recipe::Strategy;
use report::answer::Answer;
use report::history::{HistoryEntry, summary};
use report::json::Report;
use verdict::{Finding, Severity, Verdict};

use crate::options::Options;
use crate::session;

/// Looks at up to `count` versions before the report's own and adds them to it. What stands in the
/// way becomes a finding.
pub async fn extend(
    report: &mut Report,
    word: &str,
    (options, count): (&Options, usize),
    progress: &Progress,
    cancelled: &Arc<AtomicBool>,
) {
    let unavailable = |why: String| Finding::new("history-unavailable", Severity::Info, format!("no earlier version was checked: {why}"));
    let (name, packument) = match versions_of(word, options, cancelled).await {
        Ok(found) => found,
        Err(why) => {
            report.history = Some(Vec::new());
            report.findings.push(unavailable(why));
            return;
        }
    };
    let mut entries = Vec::new();
    for VersionEntry { version, promised, .. } in before(&packument, report.package.version.as_deref().unwrap_or_default(), count) {
        if cancelled.load(Ordering::Relaxed) {
            return;
        }
        progress.tell("history", &format!("looking at {name}@{version}"));
        let time = packument.times.get(&version).cloned();
        let answer = judged(&format!("{name}@{version}"), promised, options, cancelled).await;
        entries.push(HistoryEntry::of(version, time, answer));
    }
    let found = findings(report, &entries);
    report.findings.extend(found);
    report.history = Some(entries);
}

async fn versions_of(word: &str, options: &Options, cancelled: &Arc<AtomicBool>) -> Result<(PackageName, Packument), String> {
    let spec = Spec::parse(word).map_err(|error| error.to_string())?;
    let name = match spec.target() {
        Target::Registry { name, registry: None, .. } => name.clone(),
        Target::Registry { .. } => return Err("the spec names its own registry".into()),
        Target::Tarball(_) | Target::File(_) => return Err("a tarball by itself has no earlier versions".into()),
    };
    let packument = session::packument(&name, options, Arc::clone(cancelled)).await.map_err(|error| error.to_string())?;
    Ok((name, packument))
}

/// The versions below one, the highest first. By version and not by time: after 2.0.1 comes 1.9.9
/// of an older line, and mirrors have times of their own. Prereleases count only where the version
/// is one.
fn before(packument: &Packument, version: &str, count: usize) -> Vec<VersionEntry> {
    let Some(own) = version::parse(version) else { return Vec::new() };
    let parsed = packument.versions.iter().filter_map(|entry| Some((version::parse(&entry.version)?, entry)));
    let mut earlier: Vec<_> =
        parsed.filter(|(other, _)| *other < own && (other.pre_release().is_empty() || !own.pre_release().is_empty())).collect();
    earlier.sort_by(|(a, _), (b, _)| b.cmp(a));
    earlier.into_iter().take(count).map(|(_, entry)| entry.clone()).collect()
}

/// What is known of one version whose tarball the registry promises to be this one, or else what is
/// found out about it without a build.
async fn judged(word: &str, promised: Option<String>, options: &Options, cancelled: &Arc<AtomicBool>) -> Answer {
    let own = Options {
        history: 0,
        force: false,
        emit: None,
        // A commit that the user named is of the version that was asked for.
        source: options.source.as_ref().map(|source| source.split_once('#').map_or(source.as_str(), |(url, _)| url).to_owned()),
        ..options.clone()
    };
    let strategy = if own.strategy.is_empty() { vec![Strategy::Source.as_str().to_owned()] } else { own.strategy.clone() };
    let quick = Options { strategy, ..own.clone() };
    if let Some(answer) = [&own, &quick].into_iter().find_map(|options| session::stored(word, promised.clone(), options)) {
        return answer;
    }
    // What else is stored is of another tarball than the registry has now.
    let anew = Options { force: true, ..quick };
    session::judge_alone(word, &anew, None, Progress::silent(), Arc::clone(cancelled)).await
}

/// What this version lacks that earlier ones had.
fn findings(report: &Report, earlier: &[HistoryEntry]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let reproduced = earlier.iter().filter(|entry| entry.reproduced).count();
    // A host that is down, or a machine without a sandbox, says nothing about the package.
    let away = matches!(report.code.as_deref(), Some("repository-unreachable" | "repository-protocol"));
    if !report.reproduced && report.verdict != Verdict::Unsupported && !away && reproduced > 0 {
        let all = earlier.iter().filter(|entry| entry.is_decided()).all(|entry| entry.reproduced);
        let severity = if all { Severity::Error } else { Severity::Warning };
        let message = summary(report, earlier).unwrap_or_default();
        findings.push(Finding::new("regressed", severity, message));
    }
    let attested = earlier.iter().filter(|entry| entry.attested).count();
    if !report.attested && earlier.first().is_some_and(|latest| latest.attested) && attested * 2 > earlier.len() {
        let message = format!("{attested} of {} earlier versions have provenance, but this one has none", earlier.len());
        findings.push(Finding::new("provenance-lost", Severity::Warning, message));
    }
    findings
}

#[cfg(test)]
#[path = "../crates/report/src/test_support.rs"]
mod test_support;

#[cfg(test)]
mod tests {
    use verdict::Accept;

    use super::test_support::report;
    use super::*;

    fn entry(verdict: Verdict, tag: Option<&str>, attested: bool) -> HistoryEntry {
        HistoryEntry {
            version: "0.9.0".into(),
            published_at: None,
            verdict: Some(verdict),
            code: None,
            reproduced: verdict.reproduced(Accept::SameContent),
            strategies: Strategy::ALL.to_vec(),
            tag: tag.map(str::to_owned),
            tagged: Some(tag.is_some()),
            attested,
            provenance_verified: None,
        }
    }

    fn told(report: &Report, entries: &[HistoryEntry]) -> Vec<(String, Severity)> {
        findings(report, entries).into_iter().map(|finding| (finding.code, finding.severity)).collect()
    }

    #[test]
    fn it_is_an_error_where_all_earlier_versions_reproduced_and_a_warning_where_some_did() {
        let good = || entry(Verdict::Identical, Some("v0.9.0"), false);
        let differs = report("a", Verdict::Differs, Vec::new());
        assert_eq!(told(&differs, &[good(), good()]), [("regressed".to_owned(), Severity::Error)]);
        assert_eq!(told(&differs, &[good(), entry(Verdict::Differs, None, false)]), [("regressed".to_owned(), Severity::Warning)]);
        // What could not be decided is none that failed.
        assert_eq!(told(&differs, &[good(), entry(Verdict::NoSource, None, false)]), [("regressed".to_owned(), Severity::Error)]);
        assert_eq!(told(&differs, &[entry(Verdict::Differs, None, false)]), []);
        assert_eq!(told(&report("a", Verdict::Identical, Vec::new()), &[good()]), []);
        assert_eq!(told(&report("a", Verdict::NoSource, Vec::new()), &[good()]), [("regressed".to_owned(), Severity::Error)]);
    }

    #[test]
    fn a_host_that_is_away_and_a_machine_that_lacks_something_are_no_regression() {
        let good = [entry(Verdict::Identical, None, false)];
        let mut away = report("a", Verdict::NoSource, Vec::new());
        away.code = Some("repository-unreachable".into());
        assert_eq!(told(&away, &good), []);
        assert_eq!(told(&report("a", Verdict::Unsupported, Vec::new()), &good), []);
    }

    #[test]
    fn provenance_is_lost_where_most_had_it_and_the_latest_did() {
        let this = report("a", Verdict::Identical, Vec::new());
        let with = |attested: &[bool]| told(&this, &attested.iter().map(|has| entry(Verdict::Identical, None, *has)).collect::<Vec<_>>());
        assert_eq!(with(&[true, true, false]), [("provenance-lost".to_owned(), Severity::Warning)]);
        for none in [&[false, true, true][..], &[true, false, false], &[false], &[]] {
            assert_eq!(with(none), [], "{none:?}");
        }
    }

    #[test]
    fn the_summary_says_what_the_others_had_and_what_this_one_lacks() {
        let this = report("a", Verdict::Differs, Vec::new());
        let mut unbuilt = entry(Verdict::Differs, None, true);
        unbuilt.strategies = vec![Strategy::Source];
        assert_eq!(
            summary(&this, &[entry(Verdict::Identical, Some("v1"), true), unbuilt]).as_deref(),
            Some(
                "1 of 2 earlier versions reproduced (no build was tried), 1 had a tag, 2 had provenance; \
                 this one is not reproduced, has no known tag, has no provenance"
            )
        );
        let mut unseen = entry(Verdict::NoSource, None, false);
        unseen.tagged = None;
        let said = summary(&this, &[unseen]).expect("a summary");
        assert!(said.contains("0 had a tag (of 1 it is not known)"), "{said}");
        assert_eq!(summary(&this, &[]), None);
    }

    fn packument(versions: &[&str]) -> Packument {
        let versions =
            versions.iter().map(|version| VersionEntry { version: (*version).to_owned(), deprecated: false, promised: None }).collect();
        Packument { versions, ..Packument::default() }
    }

    #[test]
    fn earlier_versions_are_those_below_the_highest_first() {
        let all = packument(&["1.0.0", "2.0.0", "1.9.9", "1.10.0", "2.0.0-beta.1", "not a version", "3.0.0"]);
        let before = |version, count| before(&all, version, count).into_iter().map(|entry| entry.version).collect::<Vec<_>>();
        assert_eq!(before("2.0.0", 10), ["1.10.0", "1.9.9", "1.0.0"]);
        assert_eq!(before("2.0.0", 2), ["1.10.0", "1.9.9"]);
        assert_eq!(before("2.0.0-beta.2", 2), ["2.0.0-beta.1", "1.10.0"]);
        assert_eq!(before("1.0.0", 10), [""; 0]);
        assert_eq!(before("", 10), [""; 0]);
    }
}
