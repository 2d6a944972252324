//! A result while it is being made: every stage adds what it knows, and each way to end turns it
//! into a [`Report`].

use std::time::Duration;

use explain::{Built, Cause, Likely, Source};
use git::lfs::{self, Pointer};
use isolation::Tier;
use npm_registry::testimony::Heard;
use npm_registry::{Algorithm, IntegrityCheck, Tarball};
use npm_tarball::{Archive, Entry, EntryKind, Oddity};
use npm_toolchain::Tool;
use origin::Located;
use rebuild::Published;
use rebuild::rebuilt::{Rebuilt, Run};
use recipe::Recipe;
use report::json::{AttemptInfo, ComparisonInfo, OptionsInfo, OriginInfo, PackageInfo, Report, Step, ToolInfo};
use verdict::host::millis;
use verdict::{Ending, Evidence, Finding, Severity, Verdict};

use crate::decision::Decided;

/// Findings about one archive that are listed; the rest is counted.
const ODDITIES_LISTED: usize = 20;

/// A result that is not finished.
pub(crate) struct Draft {
    report: Report,
    started: std::time::Instant,
}

/// What is odd about where the tools of a build came from.
/// All that a run has to say to a reader.
pub(crate) fn run_findings(run: &Run) -> Vec<Finding> {
    let notes = run.notes.iter().map(|note| (Severity::Info, note));
    let warnings = run.warnings.iter().map(|warning| (Severity::Warning, warning));
    let told = warnings.chain(notes).map(|(severity, (code, message))| Finding::new(code, severity, message.clone()));
    told.chain(tool_findings(&run.tools)).collect()
}

fn tool_findings(tools: &[Tool]) -> Vec<Finding> {
    let mut all = Vec::new();
    for tool in tools {
        let what = format!("{} {}", tool.kind, tool.version);
        if tool.refetched {
            let message = format!("{what} in the cache had changed since it was unpacked; it was fetched again");
            all.push(Finding::new("toolchain-altered", Severity::Warning, message));
        }
        if tool.registry_agrees == Some(false) {
            let message = format!("the registry's {what} differs from that of {}, which the build ran with", tool.from);
            all.push(Finding::new("node-disagrees", Severity::Warning, message));
        }
    }
    all
}

impl Draft {
    /// A result for this package, with nothing found out yet.
    pub(crate) fn new(package: PackageInfo, attested: bool, options: OptionsInfo) -> Self {
        Self { started: std::time::Instant::now(), report: Report::new(package, attested, options) }
    }

    /// The stage `resolve` took so long in this run before the draft was made, and the package was
    /// found to be this.
    pub(crate) fn resolved(&mut self, archive: &Archive, time: Duration) {
        self.report.content_digest = Some(archive.content_digest());
        self.report.timings.resolve = millis(time);
        let oddities: &[Oddity] = archive.oddities();
        for oddity in oddities.iter().take(ODDITIES_LISTED) {
            self.report.findings.push(Finding {
                code: oddity.kind.code().to_owned(),
                severity: Severity::Warning,
                path: oddity.path.clone(),
                message: oddity.kind.message().to_owned(),
            });
        }
        self.pointers(archive);
    }

    /// Published files that are Git LFS pointers: whoever installs the package gets a few lines in
    /// their place.
    fn pointers(&mut self, archive: &Archive) {
        let small = archive.entries().iter().filter(|entry| entry.kind == EntryKind::File && entry.size <= lfs::LARGEST);
        let is_pointer = |entry: &&Entry| archive.content(entry).is_ok_and(|content| Pointer::parse(&content).is_some());
        let found: Vec<&str> = small.filter(is_pointer).map(|entry| entry.path.as_str()).collect();
        if let Some(first) = found.first() {
            let more = if found.len() > 1 { format!(" and {} more", found.len() - 1) } else { String::new() };
            let message = format!("a Git LFS pointer was published instead of its file: {first}{more}");
            self.report.findings.push(Finding::new("lfs-pointer-published", Severity::Warning, message));
        }
    }

    /// The tarball is what the registry announced, or the registry announces nothing.
    pub(crate) fn integrity(&mut self, tarball: &Tarball) {
        let package = &mut self.report.package;
        match &tarball.check {
            IntegrityCheck::Missing => {
                package.integrity = Some(tarball.sha512.clone());
                if self.report.options.registry.is_none() {
                    // A tarball by address or from disk: nobody was asked for its integrity.
                    return;
                }
                self.report.findings.push(Finding::new(
                    "integrity-missing",
                    Severity::Warning,
                    "the registry gives no integrity for the tarball",
                ));
            }
            IntegrityCheck::Matches(Algorithm::Sha1) => {
                self.report.findings.push(Finding::new(
                    "integrity-sha1-only",
                    Severity::Info,
                    "the registry gives only a sha1 for the tarball",
                ));
            }
            _ if package.integrity.as_deref().is_some_and(|promised| promised.contains(' ')) => {
                // One of them fits. The result is about the tarball that was read, and about none
                // that the others would let pass.
                package.integrity = Some(tarball.sha512.clone());
                self.report.findings.push(Finding::new(
                    "integrity-several",
                    Severity::Warning,
                    "the registry announces several hashes for one tarball: clients accept any file that fits one of them",
                ));
            }
            _ => {}
        }
    }

    /// What the package turned out to be called, where only the tarball says so.
    pub(crate) fn named(&mut self, name: &str, version: &str) {
        let package = &mut self.report.package;
        package.name.get_or_insert_with(|| name.to_owned());
        package.version.get_or_insert_with(|| version.to_owned());
    }

    /// What the registry's signatures and attestations are worth.
    pub(crate) fn heard(&mut self, heard: Heard) {
        self.report.signatures = heard.signatures;
        self.report.provenance = heard.provenance;
        self.report.findings.extend(heard.findings);
    }

    /// Something was noticed.
    pub(crate) fn findings(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.report.findings.extend(findings);
    }

    /// Words for a reader, about what is known so far.
    pub(crate) fn noted(&mut self, note: impl FnOnce(&mut Report)) {
        note(&mut self.report);
    }

    /// These reasons were looked at.
    pub(crate) fn evidence(&mut self, evidence: &[Evidence]) {
        self.report.evidence = evidence.to_vec();
    }

    /// A commit was found.
    pub(crate) fn located(&mut self, repository: &str, located: &Located, time: Duration) {
        self.report.evidence.clone_from(&located.evidence);
        self.report.timings.locate = millis(time);
        self.report.findings.extend(located.finding.clone());
        let Some(origin) = located.origins.first() else { return };
        self.origin(repository, &origin.commit.to_string(), origin.directory(), origin.reference.clone());
        let claimed = self.report.package.name.as_deref();
        if let (Some(claimed), Some(there)) = (claimed, origin.name.as_deref())
            && claimed != there
        {
            let message = format!("the package.json there names {there}");
            self.report.findings.push(Finding::new("package-name-differs", Severity::Warning, message));
        }
    }

    fn origin(&mut self, repository: &str, commit: &str, directory: &str, reference: Option<String>) {
        self.report.origin = Some(OriginInfo {
            repository: repository.to_owned(),
            commit: commit.to_owned(),
            directory: directory.to_owned(),
            reference,
            committed_at: None,
        });
        self.report.source.location = Some(repository.to_owned());
        let path = if directory.is_empty() { String::new() } else { format!("::path:{directory}") };
        self.report.source.spec = Some(format!("git+{repository}#{commit}{path}"));
    }

    /// A recipe came to an end and was judged.
    pub(crate) fn attempt(&mut self, one: &Rebuilt, verdict: Verdict, code: Option<&str>) {
        let [pack, compare] = one.times;
        let run = one.run.as_ref();
        let done = run.into_iter().flat_map(|run| &run.steps).map(|step| Step { name: step.name.clone(), exit: step.exit, ms: step.ms });
        let packed = [("pack", pack), ("compare", compare)].map(|(name, ms)| Step { name: name.to_owned(), exit: None, ms });
        self.report.attempts.push(AttemptInfo {
            strategy: one.recipe.strategy.as_str().to_owned(),
            commit: one.recipe.commit.clone(),
            recipe: one.recipe.clone(),
            verdict,
            code: code.map(str::to_owned),
            steps: done.chain(packed).collect(),
            files_matched: one.files_matched(),
            adopted: one.adopted.clone(),
            resolved: run.map(|run| run.resolved.clone()),
            submodules: one.submodules.clone(),
            tools: run.map(|run| run.tools.iter().map(ToolInfo::from).collect()),
            toolchains: run.map(|run| run.toolchains.clone()).unwrap_or_default(),
            asked: run.map(|run| run.asked.clone()),
            private: run.map(|run| run.private.clone()).filter(|names| !names.is_empty()),
            log: run.map(|run| run.log.clone()),
        });
        for finding in run.map(run_findings).unwrap_or_default() {
            if !self.report.findings.iter().any(|known| known.code == finding.code && known.message == finding.message) {
                self.report.findings.push(finding);
            }
        }
    }

    /// A verdict was reached, by the attempt with this number.
    pub(crate) fn made(&mut self, decided: &Decided) {
        let Decided { closest, number, verdict, integrity, .. } = decided;
        self.report.verdict = *verdict;
        self.report.reproduced = verdict.reproduced(self.report.options.accept);
        self.report.strategy = Some(closest.recipe.strategy.as_str().to_owned());
        self.report.source.integrity = Some(integrity.clone());
        let Ok(tarball) = closest.tarball(integrity) else {
            let message = "the published archive has more header values than a recipe holds, so the recipe cannot be replayed";
            self.report.findings.push(Finding::new("recipe-not-replayable", Severity::Info, message));
            return;
        };
        if let Some(attempt) = self.report.attempts.get_mut(*number) {
            attempt.recipe.tarball = Some(tarball);
        }
    }

    /// The isolation that builds ran in.
    pub(crate) fn sandbox(&mut self, tier: Option<Tier>) {
        self.report.sandbox = tier.map(|tier| tier.as_str().to_owned());
    }

    /// What the user can do.
    pub(crate) fn hint(&mut self, hint: Option<String>) {
        self.report.hints.extend(hint);
    }

    /// The stages after `locate` took so long.
    pub(crate) fn rebuilt_in(&mut self, time: Duration) {
        self.report.timings.rebuild = millis(time);
    }

    /// How the files of the attempt that decided differ, and why.
    pub(crate) fn explained(&mut self, decided: &Decided, published: &Published, source_of: &dyn Fn(&Recipe) -> Source) {
        let one = &decided.closest;
        let mut comparison = ComparisonInfo::from(&one.comparison);
        // The attempt that decided may be of another commit than the one that came first.
        let recipe = &one.recipe;
        if self.report.origin.as_ref().is_none_or(|origin| origin.commit != recipe.commit) {
            self.origin(&recipe.repository, &recipe.commit, &recipe.directory, None);
        }
        if let (false, Some(archive)) = (one.comparison.same_entries(), &one.archive) {
            let source = source_of(recipe);
            comparison.explanations = explain::explain(&published.archive, archive, &one.comparison, &source, &explain::Limits::default());
            let findings = explain::findings(&published.archive, archive, &comparison.explanations, &source);
            self.report.findings.extend(findings);
            if matches!(decided.verdict, Verdict::Differs | Verdict::BuildFailed) {
                let built = built_for(one);
                self.report.likely = explain::likely(&published.archive, archive, &comparison.explanations, &source, built);
            }
            self.diff(&published.archive, archive, one);
        }
        if let (Verdict::Differs, true, Some(code)) = (decided.verdict, one.comparison.same_entries(), decided.code) {
            // The files have a source, and what is installed is more than the files.
            self.report.likely = Some(Likely { cause: Cause::UnexplainedCode, reasons: vec![format!("in no file: {code}")] });
        }
        self.report.comparison = Some(comparison);
    }

    fn diff(&mut self, published: &Archive, rebuilt: &Archive, one: &Rebuilt) {
        match npm_tarball::diff(published, rebuilt, &one.comparison, &npm_tarball::DiffLimits::default()) {
            Ok(diff) => {
                if diff.capped {
                    self.report.findings.push(Finding::new("diff-capped", Severity::Info, "the diff is not shown in full"));
                }
                self.report.diff = Some(diff.text);
            }
            Err(error) => {
                self.report.findings.push(Finding::new("diff-failed", Severity::Warning, format!("no diff could be made: {error}")));
            }
        }
    }

    /// The end: judged by the closest attempt.
    pub(crate) fn judged(mut self, decided: &Decided) -> Report {
        let code = match (decided.verdict, decided.code) {
            (Verdict::Differs, None) => Some(self.why_it_differs(&decided.closest)),
            (_, code) => code.map(str::to_owned),
        };
        self.end(decided.verdict, code)
    }

    /// A class for files that differ, by what is known without a build.
    fn why_it_differs(&mut self, one: &Rebuilt) -> String {
        let comparison = &one.comparison;
        let code = if comparison.changed.is_empty() && comparison.only_published.is_empty() {
            "files-not-published"
        } else if comparison.changed.is_empty() {
            "files-not-in-source"
        } else if comparison.only_published.is_empty() && comparison.only_rebuilt.is_empty() {
            "content-differs"
        } else {
            "files-differ"
        };
        if !comparison.only_published.is_empty() {
            self.report.hints.push(
                "files that are only in the published package are not an accusation: a build that was not found may make them".into(),
            );
        }
        code.to_owned()
    }

    /// The end before anything was packed.
    pub(crate) fn ended(mut self, ending: Ending) -> Report {
        let Ending { verdict, code, message, hint, finding } = ending;
        let said = &mut self.report.findings;
        said.extend(finding);
        if !said.iter().any(|finding| finding.code == code) {
            said.push(Finding::new(code, Severity::Error, message));
        }
        self.report.hints.extend(hint);
        self.end(verdict, Some(code.to_owned()))
    }

    fn end(mut self, verdict: Verdict, code: Option<String>) -> Report {
        let report = &mut self.report;
        report.verdict = verdict;
        report.reproduced = verdict.reproduced(report.options.accept);
        report.code = match (report.reproduced, verdict) {
            (true, _) => None,
            // Only under --accept identical.
            (false, Verdict::SameContent) => code.or(Some("bytes-differ".into())),
            (false, _) => code,
        };
        report.timings.total = millis(self.started.elapsed());
        self.report
    }
}

/// What became of the build behind an attempt.
fn built_for(one: &Rebuilt) -> Built {
    match &one.run {
        None => Built::No,
        Some(run) if run.code.is_some() => Built::Failed,
        Some(_) => Built::Ended,
    }
}
