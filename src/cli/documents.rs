//! What a run writes besides its answers: a statement, a SARIF log, a `JUnit` report, annotations
//! and a summary for GitHub Actions.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use report::answer::Answer;
use report::json::{Failure, Report};
use report::junit::{Case, junit};
use report::product::Product;
use report::statement::envelope::{Checker, EnvelopeError};
use report::statement::{statement, svr};
use report::{diffoscope, github, sarif};
use store::output;
use verdict::diagnostic::{Diagnostic, Stage};
use verdict::{Accept, Failed};

use super::arguments::{AnnotateChoice, Arguments};
use super::output::Output;
use super::signing::{Signing, boxed};
use crate::options::Options;

/// Largest key file that is read, in bytes.
const MAX_KEY: u64 = 64 << 10;

/// A document that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {reason}", path.display())]
pub(super) struct DocumentError {
    path: PathBuf,
    reason: String,
}

impl Diagnostic for DocumentError {
    fn code(&self) -> &'static str {
        "document-failed"
    }

    fn stage(&self) -> Stage {
        Stage::Report
    }

    fn hint(&self) -> Option<String> {
        Some("name another file".into())
    }
}

/// Where the documents of a run go, and what they will be about.
pub(super) struct Documents {
    attest: Option<PathBuf>,
    svr: Option<PathBuf>,
    signing: Signing,
    sarif: Option<PathBuf>,
    junit: Option<PathBuf>,
    diffoscope: Option<PathBuf>,
    annotate: bool,
    summary: Option<PathBuf>,
    reports: Vec<Report>,
    failures: Vec<Failure>,
    cases: Vec<Case>,
    accept: Accept,
    product: Product,
}

impl Documents {
    /// The option that asks for a document about one package alone, if there is one.
    pub(super) fn of_one(arguments: &Arguments) -> Option<&'static str> {
        match (&arguments.attest, &arguments.diffoscope_json) {
            (Some(_), _) => Some("--attest"),
            (None, Some(_)) => Some("--diffoscope-json"),
            (None, None) => None,
        }
    }

    /// Reads the key and decides what is written: a key that cannot be used is said before an hour
    /// of work, not after. Files of an earlier run are gone from here on: should this one be ended,
    /// they must not pass for its own.
    pub(super) fn prepare(arguments: &Arguments, product: Product) -> Result<Self, Failed> {
        remove_earlier(arguments)?;
        let annotate = match arguments.annotate {
            AnnotateChoice::Auto => github::is_here(),
            AnnotateChoice::Always => true,
            AnnotateChoice::Never => false,
        };
        let summary = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| annotate && !path.is_empty());
        Ok(Self {
            attest: arguments.attest.clone(),
            svr: arguments.attest_svr.clone(),
            signing: Signing::prepare(arguments)?,
            sarif: arguments.sarif.clone(),
            junit: arguments.junit.clone(),
            diffoscope: arguments.diffoscope_json.clone(),
            annotate,
            summary: summary.map(PathBuf::from),
            reports: Vec::new(),
            failures: Vec::new(),
            cases: Vec::new(),
            accept: arguments.options().accept,
            product,
        })
    }

    /// Takes note of the answer about a spec, and of how long it took.
    pub(super) fn add(&mut self, spec: &str, answer: &Answer, time: Duration) {
        if self.junit.is_some() {
            self.cases.push(Case::of(spec, answer, time, self.accept));
        }
        if self.attest.is_none() && self.sarif.is_none() && self.diffoscope.is_none() && !self.annotate {
            return;
        }
        match answer {
            Answer::Judged { report, .. } => self.reports.push((**report).clone()),
            Answer::Failed(failure) => self.failures.push((**failure).clone()),
        }
    }

    /// Writes all of it. A failure that was already answered makes no statement.
    pub(super) async fn write(&self, options: &Options, cancelled: &Arc<AtomicBool>) -> Result<(), Failed> {
        if self.annotate {
            // To stderr: stdout may be one JSON object. A runner reads both.
            Output::commands(&github::annotations(&self.reports, &self.failures));
        }
        if let Some(path) = &self.summary {
            append_summary(path, &self.reports, &self.failures).map_err(|error| failed(path, &error))?;
        }
        if let Some(path) = &self.sarif {
            let log = sarif::log(&self.reports, &self.failures, &self.product);
            put(path, &format!("{log:#}\n")).map_err(|error| failed(path, &error))?;
        }
        if let Some(path) = &self.junit {
            put(path, &junit(&self.cases)).map_err(|error| failed(path, &error))?;
        }
        if let Some(path) = &self.diffoscope {
            // Where nothing was compared it is empty.
            let document = self.reports.first().and_then(diffoscope::document).unwrap_or_default();
            put(path, &format!("{document:#}\n")).map_err(|error| failed(path, &error))?;
        }
        if self.attest.is_none() {
            return Ok(());
        }
        let stated = match self.reports.first() {
            Some(report) => self.write_statements(report, options, cancelled).await,
            None => Ok(false),
        };
        if !matches!(stated, Ok(true)) {
            for path in self.statements() {
                remove(path)?;
            }
        }
        stated.map(drop)
    }

    /// Where statements go.
    fn statements(&self) -> impl Iterator<Item = &PathBuf> {
        self.attest.iter().chain(&self.svr)
    }

    /// Writes what is stated about a result, once all of it is signed. An error leaves what is to
    /// be taken away.
    async fn write_statements(&self, report: &Report, options: &Options, cancelled: &Arc<AtomicBool>) -> Result<bool, Failed> {
        let Some(summary) = statement(report, &self.product) else {
            return Err(boxed(if report.verdict.is_decided() { EnvelopeError::NothingToState } else { EnvelopeError::Undecided }));
        };
        let mut statements = vec![summary.to_string()];
        if self.svr.is_some() {
            statements.push(svr::result(&summary, report, &self.product).to_string());
        }
        let signed = self.signing.sign(statements, options, cancelled).await?;
        for (path, text) in self.statements().zip(signed) {
            put(path, &(text + "\n"))
                .map_err(|error| boxed(EnvelopeError::Write { path: path.display().to_string(), reason: error.to_string() }))?;
        }
        Ok(true)
    }
}

/// Removes what an earlier run wrote to the files of this one.
pub(super) fn remove_earlier(arguments: &Arguments) -> Result<(), Failed> {
    let all = [&arguments.sarif, &arguments.junit, &arguments.diffoscope_json, &arguments.attest, &arguments.attest_svr];
    all.into_iter().flatten().try_for_each(|path| remove(path))
}

fn remove(path: &Path) -> Result<(), Failed> {
    output::remove_earlier(path).map_err(|error| failed(path, &error))
}

/// Writes a document.
pub(super) fn put(path: &Path, text: &str) -> std::io::Result<()> {
    output::create(path)?.write_all(text.as_bytes())
}

pub(super) fn failed(path: &Path, error: &std::io::Error) -> Failed {
    Box::new(DocumentError { path: path.to_owned(), reason: error.to_string() })
}

/// Steps of a job share one file, and one limit.
fn append_summary(path: &Path, reports: &[Report], failures: &[Failure]) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
    let there = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    file.write_all(github::summary(reports, failures, github::MAX_SUMMARY.saturating_sub(there)).as_bytes())
}

/// Reads a key of either kind from a file.
pub(super) fn read_key<T>(path: &Path, read: fn(&[u8]) -> Result<T, String>) -> Result<T, EnvelopeError> {
    use std::io::Read as _;
    let failed = |reason: String| EnvelopeError::Key { path: path.display().to_string(), reason };
    let mut pem = Vec::new();
    let file = crate::pipes::open_named(path).map_err(|error| failed(error.to_string()))?;
    file.take(MAX_KEY).read_to_end(&mut pem).map_err(|error| failed(error.to_string()))?;
    read(&pem).map_err(failed)
}

/// The public key that attestations are checked with.
pub(super) fn checker(path: &Path) -> Result<Checker, EnvelopeError> {
    read_key(path, Checker::read)
}
