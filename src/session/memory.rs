//! Stored results: under which name one is kept, and when an earlier one still counts.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::value::RawValue;

use npm_registry::Release;
use npm_spec::{Spec, Target};
use rebuild::rebuilt::Limit;
use report::answer::Answer;
use report::json::{OptionsInfo, Report, SCHEMA_VERSION};
use store::{CacheError, Folders, Key, Results};
use verdict::diagnostic::{Diagnostic, is_of_this_machine};
use verdict::host::timestamp;
use verdict::{Finding, Severity, Verdict};

/// How long a result that decided nothing is believed: a repository may be back tomorrow.
const UNDECIDED_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a result is believed without asking the registry whether it still serves that tarball.
/// Within it an older result that was put back into the file would be believed after a version was
/// published anew; the seal does not tell the two apart.
const CONFIRMED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// `name@version` for what a registry serves; a tarball from elsewhere is not stored under a name
/// that it gives itself.
pub(super) fn key_of(spec: &Spec, release: &Release) -> Option<String> {
    match spec.target() {
        Target::Registry { .. } => Some(format!("{}@{}", release.name.as_deref()?, release.version.as_deref()?)),
        Target::Tarball(_) | Target::File(_) => None,
    }
}

/// A host that could not be reached may answer in a minute, and more time or another machine may
/// come to an end; every other result holds for a while. Where this machine failed on the way, what
/// did not come out says nothing about the package.
pub(super) fn is_kept(report: &Report) -> bool {
    !is_passing(report) && !is_put_off(report) && !report.code.as_deref().is_some_and(Limit::is_of)
}

/// Whether a host that was away, or this machine, is why nothing else came out: the same question
/// may have another answer in a minute.
pub(crate) fn is_passing(report: &Report) -> bool {
    let found = report.findings.iter().map(|finding| finding.code.as_ref());
    let attempted = report.attempts.iter().filter_map(|attempt| attempt.code.as_deref());
    let of_this_machine = !report.reproduced && found.chain(attempted).chain(report.code.as_deref()).any(is_of_this_machine);
    of_this_machine || matches!(report.code.as_deref(), Some("repository-unreachable" | "repository-protocol"))
}

/// Whether a build is needed that was not to be tried yet: there is no answer.
pub(crate) fn is_put_off(report: &Report) -> bool {
    report.code.as_deref() == Some("build-put-off")
}

/// What is known of the tarball that a stored result should be about.
pub(super) enum Tarball {
    /// The registry was not asked.
    NotAsked,
    /// What the registry promises now.
    Promised(Option<String>),
}

/// What a stored result must fit to be an answer.
pub(super) struct Terms<'a> {
    /// The options that could change the answer.
    pub(super) options: &'a OptionsInfo,
    /// The package as it was asked for.
    pub(super) word: &'a str,
    /// The greatest age; `None` for any.
    pub(super) max_age: Option<Duration>,
}

impl Terms<'_> {
    fn are_met_by(&self, report: &Report, tarball: &Tarball, now: SystemTime) -> bool {
        still_counts(report, tarball, self.options, now) && !is_older(report, self.max_age, now)
    }
}

/// Stored results: the caller's object, then the file.
pub(super) struct Memory {
    known: HashMap<String, Box<RawValue>>,
    results: Results,
    /// The cache folder, which has the key of its results.
    root: PathBuf,
}

/// What the file has beside a result.
#[derive(Deserialize)]
struct Sealed {
    /// When the registry last promised that very tarball.
    confirmed: String,
    seal: String,
}

/// A stored result that counts.
pub(super) struct Found {
    key: String,
    report: Box<Report>,
    /// See [`Sealed`]; none for the caller's own word.
    confirmed: Option<String>,
}

impl Found {
    /// Whether it may be given without asking the registry.
    pub(super) fn is_confirmed(&self) -> bool {
        self.confirmed.as_deref().is_none_or(|confirmed| is_within(confirmed, CONFIRMED_FOR, SystemTime::now()))
    }

    /// The answer, marked as a stored one.
    pub(super) fn answer(mut self) -> Answer {
        self.report.cached = true;
        Answer::Judged { key: Some(self.key), report: self.report }
    }

    /// The answer, which nobody could confirm; it says how old it is.
    pub(super) fn unconfirmed(mut self) -> Answer {
        if !self.is_confirmed() {
            let (judged, confirmed) = (&self.report.timestamp, self.confirmed.as_deref().unwrap_or_default());
            let message = format!(
                "this was checked on {judged}, and the registry last confirmed on {confirmed} that it serves this tarball; it was not asked again"
            );
            say_once(&mut self.report.findings, Finding::new("stored-result-unconfirmed", Severity::Info, message));
        }
        self.answer()
    }
}

impl Memory {
    /// The results in a JSON object that the caller has, and those on disk.
    pub(super) fn of(known: Option<&str>, folders: &Folders) -> Self {
        Self {
            known: known.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default(),
            results: folders.stored(),
            root: folders.root.clone(),
        }
    }

    /// A stored result that still counts. A file that cannot be read is a finding, not a failure.
    pub(super) fn look_up(&self, key: &str, tarball: &Tarball, terms: &Terms<'_>, findings: &mut Vec<Finding>) -> Option<Found> {
        let in_memory = self.known.get(key).map(|value| value.get().to_owned());
        let is_callers = in_memory.is_some();
        let text = match in_memory {
            Some(text) => text,
            None => match self.results.get(key) {
                Ok(found) => found?.get().to_owned(),
                Err(error) => {
                    say_once(findings, Finding::new(error.code(), Severity::Warning, error.to_string()));
                    return None;
                }
            },
        };
        let mut report: Report = serde_json::from_str(&text).ok()?;
        // What a caller's object has may have come from a store before.
        report.cached = false;
        let named = format!("{}@{}", report.package.name.as_deref()?, report.package.version.as_deref()?);
        if named != key || !terms.are_met_by(&report, tarball, SystemTime::now()) {
            return None;
        }
        // The object in memory is the caller's own word; the file may be anybody's.
        let confirmed = if is_callers { None } else { self.confirmed(key, &text, &report) };
        if !(report.is_whole() && (is_callers || confirmed.is_some())) {
            let message = format!("the stored result of {key} was not written by this program with this cache's key, and is ignored");
            say_once(findings, Finding::new("stored-result-foreign", Severity::Warning, message));
            return None;
        }
        report.package.spec = npm_spec::shown_word(terms.word);
        Some(Found { key: key.to_owned(), report: Box::new(report), confirmed })
    }

    /// When the registry last promised the tarball of a stored result; none where the result has no
    /// seal of this cache's key. What is sealed is the result as it is read, so that a file that
    /// was only laid out anew still counts.
    fn confirmed(&self, key: &str, text: &str, report: &Report) -> Option<String> {
        let Sealed { confirmed, seal } = serde_json::from_str(text).ok()?;
        let bytes = serde_json::to_vec(report).ok()?;
        Key::read(&self.root)?.is_sealed(&[key, &confirmed], &bytes, &seal).then_some(confirmed)
    }

    /// The result of an earlier run, whether it still counts or not. A file that cannot be read has
    /// none; keeping the new result says so.
    pub(super) fn earlier(&self, key: &str) -> Option<Report> {
        let stored = self.results.get(key).ok().flatten()?;
        let report = serde_json::from_str(stored.get()).ok()?;
        self.confirmed(key, stored.get(), &report).map(|_| report)
    }

    /// Notes that the registry promises the tarball of a stored result now. Where that fails the
    /// answer stands, and says so.
    pub(super) fn confirm(&self, found: &mut Found) {
        let Found { key, report, .. } = found;
        self.write(key, report, &timestamp(SystemTime::now()));
    }

    /// Keeps a result. Where that fails the answer stands, and says so.
    pub(super) fn keep(&self, key: &str, report: &mut Report) {
        let judged = report.timestamp.clone();
        self.write(key, report, &judged);
    }

    fn write(&self, key: &str, report: &mut Report, confirmed: &str) {
        let written = Key::read_or_make(&self.root).and_then(|own| self.results.put(key, &sealed(key, report, confirmed, &own)?));
        match written {
            Ok(written) => {
                if let Some(moved) = written.moved_aside {
                    let message = format!("the file of results was damaged and was moved to {}", moved.display());
                    report.findings.push(Finding::new("cache-damaged", Severity::Warning, message));
                }
            }
            Err(error) => {
                say_once(
                    &mut report.findings,
                    Finding::new(error.code(), Severity::Warning, format!("the result could not be stored: {error}")),
                );
                report.hints.extend(error.hint());
            }
        }
    }
}

/// A result with its seal and the time at which the registry last promised its tarball, as the file
/// has it.
fn sealed(name: &str, report: &Report, confirmed: &str, key: &Key) -> Result<Box<RawValue>, CacheError> {
    let not_a_result = || CacheError::NotAResult { key: name.to_owned() };
    let text = serde_json::to_string(report).map_err(|_| not_a_result())?;
    let seal = key.seal(&[name, confirmed], text.as_bytes());
    let fields = text.strip_suffix('}').ok_or_else(not_a_result)?;
    RawValue::from_string(format!("{fields},\"confirmed\":\"{confirmed}\",\"seal\":\"{seal}\"}}")).map_err(|_| not_a_result())
}

/// Adds a finding, unless there is one of its code.
pub(super) fn say_once(findings: &mut Vec<Finding>, finding: Finding) {
    if !findings.iter().any(|known| known.code == finding.code) {
        findings.push(finding);
    }
}

/// A warning where the registry serves another tarball than it did for an earlier run: a version is
/// published once.
pub(super) fn republished_since(report: &mut Report, earlier: &Report) {
    let (then, now) = (&earlier.package.integrity, &report.package.integrity);
    if let (Some(before), Some(after)) = (then, now)
        && before != after
    {
        let message = format!("on {} the registry served {before} for this version, but now it serves {after}", earlier.timestamp);
        report.findings.push(Finding::new("republished", Severity::Warning, message));
    }
}

/// Whether a result was made before the time that the user sets. RFC 3339 in one time zone sorts by
/// time.
fn is_older(report: &Report, max_age: Option<Duration>, now: SystemTime) -> bool {
    // Before 1970 nothing was stored.
    max_age.is_some_and(|age| now.checked_sub(age).is_some_and(|limit| report.timestamp <= timestamp(limit)))
}

/// A stored result counts while the tarball, this program and the options are the same; one that
/// decided nothing, for a day.
fn still_counts(report: &Report, tarball: &Tarball, options: &OptionsInfo, now: SystemTime) -> bool {
    let same_program = report.schema_version == SCHEMA_VERSION && report.reproduce_version == env!("CARGO_PKG_VERSION");
    let same_tarball = match tarball {
        Tarball::NotAsked => true,
        // A registry that promises nothing could serve anything by now.
        Tarball::Promised(promised) => promised.is_some() && report.package.integrity == *promised,
    };
    // A build that failed may have met a busy machine, or a registry that was away.
    let decided = report.verdict.is_decided() && report.verdict != Verdict::BuildFailed;
    let fresh = is_within(&report.timestamp, UNDECIDED_FOR, now);
    same_program && same_tarball && report.options == *options && (decided || fresh)
}

/// Whether a time is at most so long ago, and not to come. RFC 3339 in one time zone sorts by time.
fn is_within(time: &str, span: Duration, now: SystemTime) -> bool {
    now.checked_sub(span).is_some_and(|limit| time > timestamp(limit).as_str()) && time <= timestamp(now).as_str()
}
