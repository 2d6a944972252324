//! One package of an audit.

use npm_lockfile::{Entry, Place};
use report::answer::Answer;
use serde::Serialize;
use verdict::{Accept, Finding, Verdict, merge_exit_codes};

use super::Exceptions;
use super::held::hold;

/// What came of one package.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Its name in the registry.
    pub name: String,
    /// The version.
    pub version: String,
    /// The verdict about what the registry serves.
    pub verdict: Verdict,
    /// Whether it counts as reproduced.
    pub reproduced: bool,
    /// Why it does not; null if it does.
    pub code: Option<String>,
    /// In words, where it failed.
    pub message: Option<String>,
    /// The source that it was rebuilt from, as a spec that npm understands.
    pub source: Option<String>,
    /// Whether the registry lists provenance for it.
    pub has_provenance: bool,
    /// Whether the answer is a stored one.
    pub cached: bool,
    /// 0, 1 or 2: the verdict's exit code, unless an exception lifts it, and that of the findings here.
    pub exit_code: u8,
    /// Why the team lets it stay as it is; null where no exception lifts the verdict.
    pub exception: Option<String>,
    /// The verdict's own exit code.
    #[serde(skip)]
    pub(crate) verdict_exit: u8,
    /// What the lockfile says otherwise than the registry.
    pub findings: Vec<Finding>,
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
    /// The row of a package; `file` is the lockfile's name for findings.
    pub(crate) fn of(entry: &Entry, answer: &Answer, accept: Accept, (file, exceptions): (&str, &Exceptions)) -> Self {
        let held = hold(entry, answer, file);
        let (verdict, _) = answer.outcome();
        let (code, message, source, has_provenance, cached) = match answer {
            Answer::Judged { report, .. } => {
                (report.code.clone(), None, report.source.spec.clone(), report.provenance.is_some(), report.cached)
            }
            Answer::Failed(failure) => (Some(failure.code.clone()), Some(failure.message.clone()), None, false, false),
        };
        let verdict_exit = answer.exit_code(accept);
        let lifting = |_: &u8| exceptions.for_package(entry.name.as_str(), &entry.version, code.as_deref());
        let exception = Some(verdict_exit).filter(|exit| *exit > 0).as_ref().and_then(lifting).map(|exception| exception.reason.clone());
        let exit_code = merge_exit_codes([if exception.is_some() { 0 } else { verdict_exit }, held.exit]);
        let place = |place: &Place| PlaceInfo { line: place.position.line, column: place.position.column, key: place.key.clone() };
        Self {
            name: entry.name.as_str().to_owned(),
            version: entry.version.clone(),
            verdict,
            reproduced: verdict.reproduced(accept),
            code,
            message,
            source,
            has_provenance,
            cached,
            exit_code,
            exception,
            verdict_exit,
            findings: held.findings,
            places: entry.places.iter().map(place).collect(),
        }
    }
}

/// A place in words: `package-lock.json:12:5`.
pub(crate) fn place_of(file: &str, place: &Place) -> String {
    format!("{file}:{}:{}", place.position.line, place.position.column)
}
