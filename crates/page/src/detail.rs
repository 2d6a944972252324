//! What a row opens to, cut to a size: every text is bounded, and so is every list.

use report::json::{AttemptInfo, ComparisonInfo, Report};
use report::terminal::shown_client;
use report::text::escape_lines;
use serde::Serialize;

use crate::entry::{Line, cut, short};

/// Characters of a line of text: a message, a note, an address.
const TEXT: usize = 600;
/// Entries of a list.
const LIST: usize = 24;
/// Bytes of a diff.
const DIFF: usize = 16 << 10;
/// Bytes of a log: its end, where it says why.
const LOG: usize = 4 << 10;

/// What a row opens to.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Detail {
    spec: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// Names and values: where it came from, what was promised of it, when it was judged.
    facts: Vec<(&'static str, String)>,
    evidence: Few<Reason>,
    findings: Few<[String; 4]>,
    attempts: Few<Attempt>,
    #[serde(skip_serializing_if = "Option::is_none")]
    likely: Option<(String, Few<String>)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<Files>,
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<String>,
    hints: Few<String>,
    /// Whether logs and the diff were left out for want of room.
    terse: bool,
}

/// The beginning of a list, and the length of the whole.
#[derive(Debug, Serialize)]
struct Few<T> {
    some: Vec<T>,
    all: usize,
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self { some: Vec::new(), all: 0 }
    }
}

impl<T> Few<T> {
    fn of<S>(list: &[S], shown: impl Fn(&S) -> T) -> Self {
        Self { some: list.iter().take(LIST).map(shown).collect(), all: list.len() }
    }
}

impl Few<String> {
    fn texts(list: &[String]) -> Self {
        Self::of(list, |one| text(one))
    }
}

#[derive(Debug, Serialize)]
struct Reason {
    kind: String,
    value: String,
    commit: Option<String>,
    matched: Option<usize>,
    published: usize,
    note: Option<String>,
}

#[derive(Debug, Serialize)]
struct Attempt {
    strategy: String,
    verdict: &'static str,
    code: Option<String>,
    packed: String,
    built: Option<String>,
    steps: Few<(String, Option<i32>, u64)>,
    matched: usize,
    adopted: Few<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Files {
    identical: usize,
    changed: Few<[String; 2]>,
    only_published: Few<String>,
    only_rebuilt: Few<String>,
    explanations: Few<[String; 3]>,
}

impl Detail {
    /// What a line has; `whole` with logs and the diff.
    pub(crate) fn of(line: &Line, whole: bool) -> Self {
        let spec = text(&line.spec);
        match (&line.error, &line.result) {
            (Some(failure), _) => Self {
                spec,
                message: Some(text(&failure.message)),
                facts: vec![("stage", short(&failure.stage))],
                hints: Few::texts(&failure.hints),
                ..Self::default()
            },
            (None, Some(report)) => Self { spec, ..Self::judged(report, whole) },
            (None, None) => Self { spec, ..Self::default() },
        }
    }

    fn judged(report: &Report, whole: bool) -> Self {
        let has_more = report.diff.is_some() || report.attempts.iter().any(|attempt| attempt.log.is_some());
        Self {
            facts: facts(report),
            evidence: Few::of(&report.evidence, |one| Reason {
                kind: word(&one.kind),
                value: text(&one.value),
                commit: one.commit.as_deref().map(short),
                matched: one.files_matched,
                published: one.files_published,
                note: one.note.as_deref().map(text),
            }),
            findings: Few::of(&report.findings, |one| {
                [word(&one.severity), short(&one.code), one.path.as_deref().map(text).unwrap_or_default(), text(&one.message)]
            }),
            attempts: Few::of(&report.attempts, |attempt| Attempt::of(attempt, whole)),
            likely: report.likely.as_ref().map(|likely| (word(&likely.cause), Few::texts(&likely.reasons))),
            files: report.comparison.as_ref().map(Files::of),
            diff: report.diff.as_deref().filter(|_| whole).map(beginning),
            hints: Few::texts(&report.hints),
            terse: has_more && !whole,
            ..Self::default()
        }
    }
}

impl Attempt {
    fn of(attempt: &AttemptInfo, whole: bool) -> Self {
        let built = attempt.recipe.build.as_ref().map(|build| {
            let tools = build.tools.iter().take(LIST).map(|(name, version)| format!(", {} {}", short(name), short(version)));
            let moment = build.moment.as_deref().map(|moment| format!(", the registry as of {}", short(moment))).unwrap_or_default();
            format!("node {}{}{moment}", short(&build.node), tools.collect::<String>())
        });
        Self {
            strategy: short(&attempt.strategy),
            verdict: attempt.verdict.as_str(),
            code: attempt.code.as_deref().map(short),
            packed: short(&shown_client(&attempt.recipe.packer)),
            built,
            steps: Few::of(&attempt.steps, |step| (short(&step.name), step.exit, step.ms)),
            matched: attempt.files_matched,
            adopted: Few::texts(&attempt.adopted),
            log: attempt.log.as_deref().filter(|_| whole).map(end),
        }
    }
}

impl Files {
    fn of(comparison: &ComparisonInfo) -> Self {
        Self {
            identical: comparison.identical.len(),
            changed: Few::of(&comparison.changed, |one| [text(&one.path), short(&one.kind)]),
            only_published: Few::texts(&comparison.only_published),
            only_rebuilt: Few::texts(&comparison.only_rebuilt),
            explanations: Few::of(&comparison.explanations, |one| [text(&one.path), word(&one.class), text(&one.message)]),
        }
    }
}

/// Names and values about a result as a whole.
fn facts(report: &Report) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let mut add = |name, value: Option<&str>| facts.extend(value.filter(|value| !value.is_empty()).map(|value| (name, text(value))));
    add("source", report.source.spec.as_deref());
    if let Some(origin) = &report.origin {
        add("commit", Some(&origin.commit));
        add("branch or tag", origin.reference.as_deref());
        add("folder", Some(&origin.directory));
    }
    add("published", report.package.integrity.as_deref());
    add("rebuilt", report.source.integrity.as_deref());
    add("tarball", report.package.location.as_deref());
    if let Some(provenance) = &report.provenance {
        add("provenance", Some(if provenance.verified { "verified" } else { provenance.problem.as_deref().unwrap_or("not verified") }));
        add("workflow", provenance.workflow.as_deref());
    }
    add("sandbox", report.sandbox.as_deref());
    add("judged", Some(&report.timestamp));
    add("by reproduce", Some(&report.reproduce_version));
    facts
}

/// One line, safe to show.
fn text(line: &str) -> String {
    cut(line, TEXT)
}

/// The word that an enum has in JSON.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// The beginning of a diff, in whole lines where there is one.
fn beginning(diff: &str) -> String {
    if diff.len() <= DIFF {
        return escape_lines(diff).into_owned();
    }
    let kept = diff.get(..boundary(diff, DIFF)).unwrap_or_default();
    let kept = kept.rsplit_once('\n').map_or(kept, |(lines, _)| lines);
    format!("{}\n… {} bytes more", escape_lines(kept), diff.len() - kept.len())
}

/// The end of a log.
fn end(log: &str) -> String {
    if log.len() <= LOG {
        return escape_lines(log).into_owned();
    }
    let from = boundary(log, log.len() - LOG);
    let kept = log.get(from..).unwrap_or_default();
    format!("… {from} bytes before\n{}", escape_lines(kept))
}

/// The last place up to this one that is between two characters.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
