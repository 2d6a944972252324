//! One line of a survey, reduced to what is counted, sorted and filtered.

use report::json::{AttemptInfo, Failure, Report};
use report::terminal::{closest, shown_client};
use report::text::escape;
use serde::Deserialize;
use serde_json::Value;
use verdict::{Accept, Verdict};

/// Characters of a short text: a name, a code, a version.
const SHORT: usize = 240;

/// Stands for the code of a line that is no result and no failure.
const UNREADABLE: &str = "(unreadable line)";

/// A line as it was written.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Line {
    pub(crate) spec: String,
    pub(crate) result: Option<Box<Report>>,
    pub(crate) error: Option<Failure>,
    #[serde(default)]
    duration_ms: u64,
}

/// What the registry lists beside a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vouched {
    /// No provenance.
    No,
    /// Provenance that was not verified.
    Listed,
    /// Provenance that was verified.
    Verified,
}

/// What is counted of one line. Every text is cut to a size and safe to show.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The name; the spec where nothing was resolved.
    pub name: String,
    /// The version.
    pub version: String,
    /// The verdict; `error` for a failure and for what could not be read.
    pub verdict: Verdict,
    /// Whether it counts as reproduced.
    pub reproduced: bool,
    /// Why it does not.
    pub code: Option<String>,
    /// The strategy that reproduced it, or came closest.
    pub strategy: Option<String>,
    /// The day of publication; where nobody said it, that of the commit.
    pub published: Option<String>,
    /// The client whose archive it is.
    pub client: Option<String>,
    /// The package manager that installed, with its major version.
    pub manager: Option<String>,
    /// What the registry lists beside it.
    pub vouched: Vouched,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Whether the line was a result or a failure.
    pub was_read: bool,
}

impl Entry {
    /// Reads a line; `None` beside the entry if it is neither a result nor a failure.
    pub(crate) fn read(line: &[u8]) -> (Self, Option<Line>) {
        match serde_json::from_slice::<Line>(line) {
            Ok(line) if line.result.is_some() || line.error.is_some() => (Self::of(&line), Some(line)),
            Ok(line) => (Self::unreadable(&line.spec), None),
            Err(_) => (Self::unreadable(UNREADABLE), None),
        }
    }

    fn unreadable(name: &str) -> Self {
        Self {
            name: short(name),
            version: String::new(),
            verdict: Verdict::Error,
            reproduced: false,
            code: Some(UNREADABLE.to_owned()),
            strategy: None,
            published: None,
            client: None,
            manager: None,
            vouched: Vouched::No,
            duration_ms: 0,
            was_read: false,
        }
    }

    fn of(line: &Line) -> Self {
        let package = line.result.as_ref().map(|report| &report.package).or(line.error.as_ref().map(|failure| &failure.package));
        let name = package.and_then(|package| package.name.as_deref()).unwrap_or(&line.spec);
        let version = package.and_then(|package| package.version.as_deref()).unwrap_or_default();
        let plain = Self { version: short(version), duration_ms: line.duration_ms, was_read: true, code: None, ..Self::unreadable(name) };
        // A line with both says that the run failed: what failed is not decided.
        match (&line.error, &line.result) {
            (Some(failure), _) => Self { code: Some(short(&failure.code)), ..plain },
            (None, Some(report)) => Self::judged(report, plain),
            (None, None) => plain,
        }
    }

    fn judged(report: &Report, plain: Self) -> Self {
        let attempt = closest(report);
        let vouched = match &report.provenance {
            Some(provenance) if provenance.verified => Vouched::Verified,
            // What does not hold vouches for nothing: as a survey counts it.
            Some(provenance) if provenance.problem.is_some() => Vouched::No,
            Some(_) => Vouched::Listed,
            None => Vouched::No,
        };
        Self {
            verdict: report.verdict,
            // The word of a file alone makes nothing reproduced that no verdict makes so.
            reproduced: report.reproduced && report.verdict.reproduced(Accept::SameContent),
            code: report.code.as_deref().map(short),
            strategy: report.strategy.as_deref().map(short),
            published: report.published_at.as_deref().and_then(day).or_else(|| committed(report)),
            client: attempt.map(|attempt| short(&shown_client(&attempt.recipe.packer))),
            manager: attempt.and_then(manager).map(|manager| short(&manager)),
            vouched,
            ..plain
        }
    }

    /// What was made of the parts of a line.
    pub fn of_parts(spec: &str, result: Option<&Value>, error: Option<&Value>, took_ms: u64) -> Self {
        let line = || -> Result<Line, serde_json::Error> {
            Ok(Line {
                spec: spec.to_owned(),
                result: result.map(Box::<Report>::deserialize).transpose()?,
                error: error.map(Failure::deserialize).transpose()?,
                duration_ms: took_ms,
            })
        };
        match line() {
            Ok(line) if line.result.is_some() || line.error.is_some() => Self::of(&line),
            _ => Self::unreadable(spec),
        }
    }

    /// `name@version`.
    pub fn shown(&self) -> String {
        if self.version.is_empty() { self.name.clone() } else { format!("{}@{}", self.name, self.version) }
    }

    /// The year of publication, or of the commit.
    pub fn year(&self) -> Option<&str> {
        self.published.as_deref()?.get(..4)
    }

    /// The bytes are the same, and they count.
    pub fn is_identical(&self) -> bool {
        self.reproduced && self.verdict == Verdict::Identical
    }
}

/// The day of the commit that was taken.
fn committed(report: &Report) -> Option<String> {
    report.origin.as_ref()?.committed_at.as_deref().and_then(day)
}

/// `npm 10` of an attempt that installed with npm 10.8.2.
fn manager(attempt: &AttemptInfo) -> Option<String> {
    let build = attempt.recipe.build.as_ref()?;
    let strategy = attempt.recipe.strategy.as_str();
    let version = build.tools.get(strategy)?;
    Some(format!("{strategy} {}", version.split('.').next().unwrap_or(version)))
}

/// The day of a time, if it is one.
fn day(time: &str) -> Option<String> {
    let day = time.get(..10)?;
    let digits = |range: std::ops::Range<usize>| day.get(range).is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    let is_day = digits(0..4) && digits(5..7) && digits(8..10) && day.get(4..5) == Some("-") && day.get(7..8) == Some("-");
    is_day.then(|| day.to_owned())
}

/// A text in one line, safe to show, of at most [`SHORT`] characters.
pub(crate) fn short(text: &str) -> String {
    cut(text, SHORT)
}

/// A text in one line, safe to show, of at most so many characters before it is made safe.
pub(crate) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", escape(text.get(..at).unwrap_or_default())),
        None => escape(text).into_owned(),
    }
}
