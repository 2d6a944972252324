//! One package of an audit.

use npm_lockfile::{Entry, Place};
use report::answer::Answer;
use serde::Serialize;
use verdict::{Accept, Finding, Severity, Verdict, merge_exit_codes};

use super::held::hold;
use super::{Change, Plan};

/// Most findings of a package itself that are told.
const MAX_NOTICED: usize = 20;

/// What came of one package.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, as they stand in the JSON output")]
pub struct Row {
    /// Its name in the registry.
    pub name: String,
    /// The version.
    pub version: String,
    /// The verdict about what the registry serves.
    pub verdict: Verdict,
    /// Whether it counts as reproduced: the verdict says so, and what is installed is known to be
    /// what was judged.
    pub reproduced: bool,
    /// Why it does not; null if it does.
    pub code: Option<String>,
    /// In words, where it failed.
    pub message: Option<String>,
    /// The source that it was rebuilt from, as a spec that npm understands.
    pub source: Option<String>,
    /// Whether the registry lists provenance for it, and nothing shows that it does not hold.
    pub has_provenance: bool,
    /// Whether the answer is a stored one.
    pub cached: bool,
    /// 0, 1 or 2: the verdict's exit code, unless an exception lifts it, and that of the findings
    /// here.
    pub exit_code: u8,
    /// Why the team lets it stay as it is; null where no exception lifts the verdict.
    pub exception: Option<String>,
    /// Whether that exception was not there at the commit since which changes are asked for.
    pub exception_is_new: bool,
    /// The verdict's own exit code.
    #[serde(skip)]
    pub(crate) verdict_exit: u8,
    /// The hash of the tarball that was judged; `None` if none was.
    #[serde(skip)]
    pub(crate) judged: Option<String>,
    /// The exit code without any exception.
    #[serde(skip)]
    pub(crate) unlifted_exit: u8,
    /// What changed since the commit that was asked for; null where none was.
    pub change: Option<Change>,
    /// What the lockfile says otherwise than the registry.
    pub findings: Vec<Finding>,
    /// What speaks against the package itself beside its verdict: errors and warnings.
    pub noticed: Vec<Finding>,
    /// Where the lockfile has it.
    pub places: Vec<PlaceInfo>,
}

/// A place in a lockfile.
#[derive(Debug, Clone, Serialize)]
pub struct PlaceInfo {
    /// The line, from 1.
    pub line: u64,
    /// The column, from 1.
    pub column: u64,
    /// The key there.
    pub key: String,
}

impl Row {
    /// The code that comes first: what the lockfile says otherwise, then the verdict's, then an
    /// error beside it.
    pub(crate) fn first_code(&self) -> Option<&str> {
        let error = self.noticed.iter().find(|finding| finding.severity == Severity::Error);
        self.findings.first().map(|finding| finding.code.as_str()).or(self.code.as_deref()).or(error.map(|finding| finding.code.as_str()))
    }

    /// The row of a package; `file` is the lockfile's name for findings.
    pub(crate) fn of(entry: &Entry, answer: &Answer, accept: Accept, (file, plan): (&str, &Plan)) -> Self {
        let held = hold(entry, answer, (file, plan));
        let (verdict, _) = answer.outcome();
        let (code, message, source, has_provenance, cached) = match answer {
            Answer::Judged { report, .. } => (report.code.clone(), None, report.source.spec.clone(), has_provenance(answer), report.cached),
            Answer::Failed(failure) => (Some(failure.code.clone()), Some(failure.message.clone()), None, false, false),
        };
        let verdict_exit = answer.exit_code(accept);
        // No decision stands for what was not judged at all, or what the registry itself says
        // otherwise.
        let is_liftable = verdict_exit > 0 && verdict != Verdict::Error && code.as_deref() != Some("integrity-mismatch");
        let lifting = || plan.exceptions.for_package(entry.name.as_str(), &entry.version, code.as_deref());
        let exception = is_liftable.then(lifting).flatten();
        let exit_code = merge_exit_codes([if exception.is_some() { 0 } else { verdict_exit }, held.exit]);
        let place = |place: &Place| PlaceInfo { line: place.position.line, column: place.position.column, key: place.key.clone() };
        Self {
            name: entry.name.as_str().to_owned(),
            version: entry.version.clone(),
            verdict,
            reproduced: verdict.reproduced(accept) && held.exit == 0,
            code,
            message,
            source,
            has_provenance,
            cached,
            exit_code,
            exception_is_new: exception.is_some_and(|exception| plan.exceptions.is_new(exception)),
            exception: exception.map(|exception| exception.reason.clone()),
            verdict_exit,
            judged: match answer {
                Answer::Judged { report, .. } => report.package.integrity.clone(),
                Answer::Failed(_) => None,
            },
            unlifted_exit: merge_exit_codes([verdict_exit, held.exit]),
            noticed: noticed(answer),
            change: plan.change(entry, answer),
            findings: held.findings,
            places: entry.places.iter().map(place).collect(),
        }
    }
}

fn has_provenance(answer: &Answer) -> bool {
    let Answer::Judged { report, .. } = answer else { return false };
    report.provenance.as_ref().is_some_and(|provenance| provenance.problem.is_none())
}

/// Findings of a package that speak against it, and are not its verdict.
fn noticed(answer: &Answer) -> Vec<Finding> {
    let Answer::Judged { report, .. } = answer else { return Vec::new() };
    let is_told = |finding: &&Finding| finding.severity != Severity::Info && Some(&finding.code) != report.code.as_ref();
    report.findings.iter().filter(is_told).take(MAX_NOTICED).cloned().collect()
}

/// A place in words: `package-lock.json:12:5`.
pub(crate) fn place_of(file: &str, place: &Place) -> String {
    format!("{file}:{}:{}", place.position.line, place.position.column)
}
