//! The report for people: at most a dozen lines, meaning never in colour alone, and what to do
//! next.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use anstyle::{AnsiColor, Style as Ansi};

use explain::{self, Explanation};
use npm_pack::rewrite::AS_IS;
use npm_spec::{Spec, Target};
use verdict::{Severity, Verdict};

use super::json::{AttemptInfo, ComparisonInfo, Failure, Report};
use super::text::{escape, escape_lines, shown_time};
use super::vouched;

/// Files that are named before "and n more".
const FILES_SHOWN: usize = 4;
/// Findings that are shown without `--verbose`.
const FINDINGS_SHOWN: usize = 3;

/// How text may look on one stream.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    color: bool,
    unicode: bool,
    moving: bool,
}

impl Style {
    /// `color` is the caller's decision; the rest is read from the locale and the terminal's name.
    pub fn detect(color: bool) -> Self {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        let unicode =
            cfg!(windows) || cfg!(target_os = "macos") || locale.is_some_and(|l| l.to_ascii_lowercase().replace('-', "").contains("utf8"));
        let moving = std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        Self { color, unicode, moving }
    }

    /// Plain text, for files and tests.
    pub fn plain() -> Self {
        Self { color: false, unicode: true, moving: false }
    }

    /// Whether symbols beyond ASCII may be used.
    pub fn unicode(self) -> bool {
        self.unicode
    }

    /// Whether a line may be drawn over.
    pub fn can_move(self) -> bool {
        self.moving
    }

    fn paint(self, text: &str, style: Ansi) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn color(self, text: &str, color: AnsiColor) -> String {
        self.paint(text, Ansi::new().fg_color(Some(color.into())).bold())
    }

    fn dim(self, text: &str) -> String {
        self.paint(text, Ansi::new().dimmed())
    }
}

/// How much is shown.
#[derive(Debug, Clone, Copy, Default)]
pub struct Detail {
    /// The diff of the files that differ.
    pub diff: bool,
    /// What builds printed.
    pub log: bool,
    /// Everything.
    pub verbose: bool,
}

/// The report on one package.
pub fn report(report: &Report, style: Style, detail: Detail) -> String {
    report_of(report, Some(&again(report)), style, detail)
}

/// The report on what is asked for again as `reproduce <again>`: a version that nobody can install
/// yet is asked for otherwise than a package. `None` if it is not told.
pub fn report_of(report: &Report, again: Option<&str>, style: Style, detail: Detail) -> String {
    let mut out = String::new();
    headline(&mut out, report, style);
    source_line(&mut out, report);
    attempt_line(&mut out, report, style, detail.verbose);
    vouched::lines(&mut out, report, detail.verbose);
    if detail.verbose {
        evidence(&mut out, report);
    }
    files(&mut out, report, detail);
    findings(&mut out, report, style, detail);
    if detail.diff
        && let Some(diff) = &report.diff
    {
        out.push_str("  diff       a/ is what was published, b/ is what was rebuilt\n");
        out.push_str(&colored_diff(diff, style));
    }
    if detail.log {
        logs(&mut out, report);
    }
    next(&mut out, report, again, (style, detail));
    if detail.verbose {
        let t = &report.timings;
        let [resolve, locate, rebuild, total] = [t.resolve, t.locate, t.rebuild, t.total].map(|ms| shown_time(Duration::from_millis(ms)));
        let _ = writeln!(out, "  times      resolve {resolve}, locate {locate}, rebuild {rebuild}, total {total}");
    }
    out
}

/// A verdict with its symbol.
pub fn head(verdict: Verdict, reproduced: bool, style: Style) -> String {
    let symbol = |unicode: &'static str, ascii: &'static str| if style.unicode { unicode } else { ascii };
    let word = verdict.as_str();
    match verdict {
        Verdict::Identical | Verdict::SameContent if reproduced => style.color(&format!("{} {word}", symbol("✓", "ok")), AnsiColor::Green),
        verdict if verdict.is_decided() => style.color(&format!("{} {word}", symbol("✗", "x")), AnsiColor::Red),
        _ => style.color(&format!("? {word}"), AnsiColor::Yellow),
    }
}

fn headline(out: &mut String, report: &Report, style: Style) {
    let symbol = |unicode: &'static str, ascii: &'static str| if style.unicode { unicode } else { ascii };
    let head = head(report.verdict, report.reproduced, style);
    let code = report.code.as_deref().map(|code| format!(" ({})", escape(code))).unwrap_or_default();
    let stored =
        if report.cached { style.dim(&format!("  (stored {}; --force checks again)", age(&report.timestamp))) } else { String::new() };
    let _ = writeln!(out, "{head}{code}  {}{stored}", style.paint(&name(report), Ansi::new().bold()));
    let cut = |text: &Option<String>| text.as_deref().map(|text| escape(text).chars().take(26).collect::<String>());
    match (cut(&report.package.integrity), cut(&report.source.integrity), report.verdict) {
        (Some(published), _, Verdict::Identical) => {
            let _ = writeln!(out, "  published  {published}{} = rebuilt, byte for byte", symbol("…", "..."));
        }
        (Some(published), Some(rebuilt), _) => {
            let dots = symbol("…", "...");
            let same = if report.verdict == Verdict::SameContent { ", the same files" } else { "" };
            let _ = writeln!(out, "  published  {published}{dots}  rebuilt  {rebuilt}{dots}{same}");
        }
        _ => {}
    }
}

/// How long ago that was; as it stands where it is no time of the past.
fn age(timestamp: &str) -> String {
    let then = timestamp.parse::<jiff::Timestamp>().ok().map(SystemTime::from);
    let past = then.and_then(|then| SystemTime::now().duration_since(then).ok());
    past.map_or_else(|| escape(timestamp).into_owned(), |past| format!("{} ago", shown_time(past)))
}

/// What came of several packages, in one line: `identical` stands apart from what counts as
/// reproduced too.
pub fn total(reports: &[(Verdict, bool)]) -> String {
    let count =
        |wanted: &dyn Fn(Verdict, bool) -> bool| reports.iter().filter(|(verdict, reproduced)| wanted(*verdict, *reproduced)).count();
    let reproduced = count(&|_, reproduced| reproduced);
    let identical = count(&|verdict, reproduced| reproduced && verdict == Verdict::Identical);
    let undecided = count(&|verdict, _| !verdict.is_decided());
    let not = reports.len() - reproduced - undecided;
    format!("{} packages: {reproduced} reproduced ({identical} identical), {not} not reproduced, {undecided} not decided\n", reports.len())
}

fn name(report: &Report) -> String {
    match (&report.package.name, &report.package.version) {
        (Some(name), Some(version)) => format!("{}@{}", escape(name), escape(version)),
        _ => escape(&report.package.spec).into_owned(),
    }
}

fn source_line(out: &mut String, report: &Report) {
    let Some(origin) = &report.origin else { return };
    let at: String = origin.commit.chars().take(12).collect();
    let place = if origin.directory.is_empty() { String::new() } else { format!(" in {}", escape(&origin.directory)) };
    let reference = origin.reference.as_deref().map(short_ref).map(|name| format!(" ({})", escape(name))).unwrap_or_default();
    let _ = writeln!(out, "  source     {}#{}{reference}{place}", escape(&origin.repository), escape(&at));
}

fn short_ref(name: &str) -> &str {
    name.strip_prefix("refs/tags/").or_else(|| name.strip_prefix("refs/heads/")).unwrap_or(name)
}

/// The attempt that decided, or came closest.
pub fn closest(report: &Report) -> Option<&AttemptInfo> {
    // Of equals the first, which was the likeliest: max_by_key takes the last.
    let judged = |attempt: &AttemptInfo| attempt.verdict == report.verdict;
    report.attempts.iter().rev().max_by_key(|attempt| (judged(attempt), attempt.log.is_some(), attempt.files_matched))
}

fn attempt_line(out: &mut String, report: &Report, style: Style, verbose: bool) {
    let Some(attempt) = closest(report) else { return };
    build_lines(out, attempt, report.sandbox.as_deref(), verbose);
    let rewrite = match attempt.recipe.rewrite.as_str() {
        "" | AS_IS => String::new(),
        steps => format!(", package.json by {}", shown_client(steps)),
    };
    let _ = writeln!(
        out,
        "  packed     like {}{rewrite}, with the file list of {}{}",
        shown_client(&attempt.recipe.packer),
        shown_client(&attempt.recipe.file_list),
        if report.sandbox.is_none() { style.dim(" (nothing was run)") } else { String::new() }
    );
    if !attempt.adopted.is_empty() {
        let _ = writeln!(out, "  ignored    {} (not in any file)", escape(&attempt.adopted.join(", ")));
    }
}

/// A client as people write it, of a name in a recipe: `npm 7.20` of `npm-7-20`.
pub fn shown_client(name: &str) -> String {
    let since = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'));
    match name.split_once('-') {
        Some((client, rest)) if since(rest) => format!("{} {}", escape(client), rest.replace('-', ".")),
        _ => escape(name).into_owned(),
    }
}

/// The toolchain and the commands of an attempt that ran something.
fn build_lines(out: &mut String, attempt: &AttemptInfo, sandbox: Option<&str>, verbose: bool) {
    let Some(build) = &attempt.recipe.build else { return };
    let tools: Vec<String> = build.tools.iter().map(|(name, version)| format!("{} {}", escape(name), escape(version))).collect();
    let sandbox = sandbox.map(|tier| format!(" (sandbox: {})", escape(tier))).unwrap_or_default();
    let _ = writeln!(out, "  built with node {}, {}{sandbox}", escape(&build.node), tools.join(", "));
    let ran = attempt.steps.iter().filter(|step| step.name != "pack" && step.name != "compare");
    let words: Vec<String> = ran
        .map(|step| match step.exit {
            Some(0) => escape(&step.name).into_owned(),
            Some(exit) => format!("{} (exit {exit})", escape(&step.name)),
            None => format!("{} (stopped)", escape(&step.name)),
        })
        .collect();
    let _ = writeln!(out, "  ran        {}", words.join(", "));
    if verbose {
        for reason in &build.reasons {
            let _ = writeln!(out, "  because    {}", escape(reason));
        }
    }
}

/// What builds printed: a stranger's text, every line of it escaped.
fn logs(out: &mut String, report: &Report) {
    for attempt in &report.attempts {
        for line in attempt.log.iter().flat_map(|log| log.lines()) {
            let _ = writeln!(out, "  | {}", escape_lines(line));
        }
    }
}

fn evidence(out: &mut String, report: &Report) {
    for item in &report.evidence {
        let kind = serde_json::to_value(item.kind).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default();
        let matched = item.files_matched.map(|n| format!(", {n} of {} files", item.files_published)).unwrap_or_default();
        let note = item.note.as_deref().map(|note| format!(" ({})", escape(note))).unwrap_or_default();
        let _ = writeln!(out, "  evidence   {kind} {}{matched}{note}", escape(&item.value));
    }
}

fn files(out: &mut String, report: &Report, detail: Detail) {
    let Some(comparison) = &report.comparison else { return };
    let lines = file_lines(comparison);
    if lines.is_empty() {
        return;
    }
    if !comparison.explanations.is_empty() {
        let files = if lines.len() == 1 { "file" } else { "files" };
        let classes = explain::summary(comparison.explanations.iter().map(|one| one.class));
        // The files below say what speaks for it.
        let likely = report.likely.as_ref().map(|likely| format!("; likely {}", likely.cause.words())).unwrap_or_default();
        let _ = writeln!(out, "  why        {} {files}: {classes}{likely}", lines.len());
    }
    let shown = if detail.verbose { lines.len() } else { FILES_SHOWN };
    let more = lines.len().saturating_sub(shown);
    for line in lines.iter().take(shown) {
        let _ = writeln!(out, "{line}");
    }
    if more > 0 {
        let _ = writeln!(out, "  and {more} more; {} files are the same", comparison.identical.len());
    }
}

/// A line for each file that differs, those first that a reader should look at.
fn file_lines(comparison: &ComparisonInfo) -> Vec<String> {
    let why: HashMap<&str, &Explanation> = comparison.explanations.iter().map(|one| (one.path.as_str(), one)).collect();
    let changed = comparison.changed.iter().map(|change| ("differs   ", change.path.as_str(), change.kind.as_str()));
    let published = comparison.only_published.iter().map(|path| ("published ", path.as_str(), "not in the rebuilt package"));
    let rebuilt = comparison.only_rebuilt.iter().map(|path| ("rebuilt   ", path.as_str(), "not in the published package"));
    let mut rows: Vec<_> = changed.chain(published).chain(rebuilt).map(|row| (why.get(row.1).copied(), row)).collect();
    rows.sort_by_key(|(why, _)| why.map(|one| one.class));
    let line = |(why, (side, path, kind)): (Option<&Explanation>, (&str, &str, &str))| {
        let said = why.map_or(kind, |one| one.message.as_str());
        format!("  {side} {}: {}", escape(path), escape(said))
    };
    rows.into_iter().map(line).collect()
}

fn findings(out: &mut String, report: &Report, style: Style, detail: Detail) {
    let mut sorted: Vec<_> = report.findings.iter().collect();
    sorted.sort_by_key(|finding| match finding.severity {
        Severity::Error => 0,
        Severity::Warning => 1,
        Severity::Info => 2,
    });
    let shown = if detail.verbose { sorted.len() } else { FINDINGS_SHOWN };
    for finding in sorted.into_iter().take(shown) {
        let label = match finding.severity {
            Severity::Error => style.color("error", AnsiColor::Red),
            Severity::Warning => style.color("warning", AnsiColor::Yellow),
            Severity::Info => "note".to_owned(),
        };
        let path = finding.path.as_deref().map(|path| format!("{}: ", escape(path))).unwrap_or_default();
        let _ = writeln!(out, "  {label}: {path}{} [{}]", escape(&finding.message), escape(&finding.code));
    }
}

/// The spec that asks for the same: a tarball's own, since the registry may have another one under
/// its name.
pub fn again(report: &Report) -> String {
    let is_tarball = Spec::parse(&report.package.spec).is_ok_and(|spec| matches!(spec.target(), Target::Tarball(_) | Target::File(_)));
    if is_tarball { escape(&report.package.spec).into_owned() } else { name(report) }
}

fn next(out: &mut String, report: &Report, again: Option<&str>, (style, detail): (Style, Detail)) {
    for hint in &report.hints {
        let _ = writeln!(out, "  hint: {}", escape(hint));
    }
    if let Some(again) = again
        && report.verdict == Verdict::Differs
        && !detail.diff
        && report.diff.is_some()
    {
        let _ = writeln!(out, "  {}", style.dim(&format!("next: reproduce {again} --diff | --verbose | --json")));
    }
}

fn colored_diff(diff: &str, style: Style) -> String {
    let mut out = String::new();
    for line in diff.lines() {
        let text = escape_lines(line);
        let painted = match line.as_bytes().first() {
            Some(b'+') => style.color(&text, AnsiColor::Green),
            Some(b'-') => style.color(&text, AnsiColor::Red),
            Some(b'@') => style.color(&text, AnsiColor::Cyan),
            _ => text.into_owned(),
        };
        out.push_str(&painted);
        out.push('\n');
    }
    out
}

/// A failure of ours or of the user's, for stderr.
pub fn failure(failure: &Failure, style: Style) -> String {
    let mut out = format!("{}: {}\n", style.color(&format!("error[{}]", escape(&failure.code)), AnsiColor::Red), escape(&failure.message));
    for hint in &failure.hints {
        let _ = write!(out, "\nhint: {}\n", escape(hint));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::shown_client;

    #[test]
    fn a_client_is_shown_with_its_version_and_other_names_as_they_are() {
        for (name, shown) in [
            ("npm-7-20", "npm 7.20"),
            ("npm-10.3", "npm 10.3"),
            ("pnpm-11.28", "pnpm 11.28"),
            ("bun-1", "bun 1"),
            ("fstream-directory", "fstream-directory"),
            ("berry", "berry"),
        ] {
            assert_eq!(shown_client(name), shown);
        }
    }
}
