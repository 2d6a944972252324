//! An audit for a pull request: Markdown for a job's summary or a comment, and annotations on the
//! lockfile's lines.

use std::fmt::Write as _;

use report::github::{MAX_SUMMARY, cell, cut, data, property};
use report::text::escape;
use verdict::{Finding, Severity};

use super::{Change, Document, Row};

/// Rows of a table, and annotations: GitHub shows ten of a level for a step.
const MAX_ROWS: usize = 500;
const MAX_ANNOTATIONS: usize = 10;

/// Told with its own file, which is not the lockfile.
const NEW_EXCEPTION: &str = "exception-new";

/// The rows, what is worst first.
fn ordered(document: &Document) -> Vec<&Row> {
    let mut rows: Vec<&Row> = document.packages.iter().collect();
    rows.sort_by_key(|row| match row.exit_code {
        1 => 0,
        2 => 1,
        _ => 2,
    });
    rows
}

/// A tick is for what nothing speaks against: not for what passes by a decision.
fn symbol(row: &Row) -> &'static str {
    let is_noticed = row.noticed.iter().any(|finding| finding.severity == Severity::Error);
    match row.exit_code {
        0 if row.exception.is_some() || is_noticed => "⚠️",
        0 => "✅",
        1 => "❌",
        _ => "❔",
    }
}

/// The audit as Markdown.
pub fn markdown(document: &Document) -> String {
    let totals = &document.totals;
    let mut out = String::from("### reproduce audit\n\n");
    let _ = writeln!(
        out,
        "{}: {} packages, {} reproduced, {} not reproduced, {} not decided\n",
        cell(&document.file),
        totals.packages,
        totals.reproduced,
        totals.not_reproduced,
        totals.not_decided
    );
    let rows = ordered(document);
    if !rows.is_empty() {
        out.push_str("| package | from | to | verdict | provenance | new |\n| --- | --- | --- | --- | --- | --- |\n");
    }
    for row in rows.iter().take(MAX_ROWS) {
        let excepted = excepted(row.exception.as_deref(), row.exception_is_new);
        let code = row.first_code().map(|code| format!(" ({})", cell(code))).unwrap_or_default();
        let change = row.change.as_ref();
        let from = change.and_then(|change| change.from.as_deref()).map_or_else(|| "–".into(), cell);
        let provenance = change.and_then(|change| change.provenance).unwrap_or(if row.has_provenance { "yes" } else { "none" });
        let provenance = match provenance {
            "lost" => "**lost**",
            "invalid" => "**invalid**",
            known => known,
        };
        let (name, version, verdict) = (cell(&row.name), cell(&row.version), row.verdict.as_str());
        let new = change.map(new).unwrap_or_default();
        let _ = writeln!(out, "| {name} | {from} | {version} | {} {verdict}{code}{excepted} | {provenance} | {new} |", symbol(row));
    }
    if rows.len() > MAX_ROWS {
        let _ = writeln!(out, "\nand {} more", rows.len() - MAX_ROWS);
    }
    let told = told(document, &rows);
    if !told.is_empty() {
        let _ = write!(out, "\n{told}");
    }
    cut(out, MAX_SUMMARY)
}

/// What a table has no room for.
fn told(document: &Document, rows: &[&Row]) -> String {
    let mut told = String::new();
    // First, as a long summary is cut at its end: what is said of the whole.
    for finding in &document.findings {
        let place = finding.path.as_deref().filter(|path| place_in(path).is_some()).map(|path| format!("{}: ", cell(path)));
        let _ = writeln!(told, "- {}{} ({})", place.unwrap_or_default(), cell(&finding.message), cell(&finding.code));
    }
    told.push_str(&left_out(document));
    for row in rows.iter().take(MAX_ROWS) {
        let spec = cell(&format!("{}@{}", row.name, row.version));
        for finding in &row.findings {
            let place = finding.path.as_deref().map(|path| format!("{}: ", cell(path))).unwrap_or_default();
            let _ = writeln!(told, "- {place}{} ({})", cell(&finding.message), cell(&finding.code));
        }
        for finding in &row.noticed {
            let _ = writeln!(told, "- {spec}: {} ({})", cell(&finding.message), cell(&finding.code));
        }
        if let Some(reason) = &row.exception {
            let _ = writeln!(told, "- {spec}{}: {}", excepted(Some(reason), row.exception_is_new), cell(reason));
        }
    }
    told
}

/// What is left out and is not the project's own, and how many more there are.
fn left_out(document: &Document) -> String {
    let mut told = String::new();
    let open: Vec<_> = document.left_out.iter().filter(|left| left.exit_code > 0 || left.exception.is_some()).collect();
    for left in open.iter().take(MAX_ROWS) {
        let excepted = excepted(left.exception.as_deref(), left.exception_is_new);
        let reason = left.exception.as_deref().map(|reason| format!(": {}", cell(reason))).unwrap_or_default();
        let _ = writeln!(told, "- {} is left out: {}{excepted}{reason}", cell(&left.key), left.reason);
    }
    if open.len() > MAX_ROWS {
        let _ = writeln!(told, "- and {} more are left out", open.len() - MAX_ROWS);
    }
    told
}

/// That a decision lets something pass, and whether it came with the change.
fn excepted(reason: Option<&str>, is_new: bool) -> &'static str {
    match (reason, is_new) {
        (None, _) => "",
        (Some(_), false) => ", excepted",
        (Some(_), true) => ", **excepted by an exception that is new**",
    }
}

/// What came with a version, and where to look.
fn new(change: &Change) -> String {
    let mut all = Vec::new();
    if !change.install_scripts.is_empty() {
        all.push(format!("**install script** {}", cell(&change.install_scripts.join(", "))));
    }
    if !change.dependencies.is_empty() {
        all.push(format!("needs {}", cell(&change.dependencies.join(", "))));
    }
    // An address of a known host, of plain letters only.
    all.extend(change.compare.as_deref().map(|address| format!("[changes]({address})")));
    all.extend(change.claimed_commit.as_deref().map(|commit| format!("before: commit {}, by the registry's word", cell(short(commit)))));
    all.join("; ")
}

/// The first letters of a commit.
fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

/// The annotations for a runner of GitHub Actions, each on the lockfile's line, what is worst
/// first.
pub fn annotations(document: &Document) -> String {
    let mut out = String::new();
    let mut say_in = |level: &str, (file, line, column): (&str, u64, u64), title: &str, message: &str| {
        let (file, title) = (escape(file), escape(title));
        let _ = writeln!(
            out,
            "::{level} file={},line={line},col={column},title={}::{}",
            property(&file),
            property(&title),
            data(&escape(message))
        );
    };
    // First, as GitHub shows ten: what nobody is to overlook.
    for finding in document.findings.iter().filter(|finding| finding.code == NEW_EXCEPTION).take(MAX_ANNOTATIONS / 2) {
        let (line, column) = finding.path.as_deref().and_then(place_in).unwrap_or((1, 1));
        let folder = document.file.rfind(['/', '\\']).and_then(|at| document.file.get(..=at)).unwrap_or_default();
        let file = finding.path.as_deref().and_then(|path| path.split(':').next()).unwrap_or_default();
        say_in("warning", (&format!("{folder}{file}"), line, column), &format!("[{}]", finding.code), &finding.message);
    }
    let mut say = |level: &str, (line, column): (u64, u64), title: &str, message: &str| {
        say_in(level, (&document.file, line, column), title, message);
    };
    let is_told = |row: &&Row| row.exit_code > 0 || row.noticed.iter().any(|finding| finding.severity == Severity::Error);
    for row in ordered(document).into_iter().filter(is_told).take(MAX_ANNOTATIONS) {
        let spec = format!("{}@{}", row.name, row.version);
        let worst = row.findings.iter().find(|finding| finding.code != "lockfile-other-host").or_else(|| row.findings.first());
        let worst = worst.or_else(|| row.noticed.first().filter(|_| row.exit_code == 0));
        let code = worst.map(|finding| finding.code.as_str()).or(row.code.as_deref()).unwrap_or_default();
        let verdict = format!("{} is {}", spec, row.verdict.as_str());
        let message = worst.map(|finding| finding.message.as_str()).or(row.message.as_deref()).unwrap_or(&verdict);
        let place = worst.filter(|_| !row.findings.is_empty()).and_then(|finding| place_in(finding.path.as_deref()?));
        let place = place.or_else(|| row.places.first().map(|place| (place.line, place.column))).unwrap_or((1, 1));
        say(if row.exit_code == 1 { "error" } else { "warning" }, place, &format!("{spec} [{code}]"), message);
    }
    for left in document.left_out.iter().filter(|left| left.exit_code > 0).take(MAX_ANNOTATIONS) {
        let message = format!("{} is left out, and counts as not decided: {}", left.key, left.reason);
        say("warning", (left.line, left.column), &format!("left out [{}]", left.reason), &message);
    }
    let is_told = |finding: &&Finding| finding.severity != Severity::Info && finding.code != NEW_EXCEPTION;
    for finding in document.findings.iter().filter(is_told).take(MAX_ANNOTATIONS) {
        let place = finding.path.as_deref().and_then(place_in).unwrap_or((1, 1));
        say("warning", place, &format!("[{}]", finding.code), &finding.message);
    }
    out
}

/// The line and column of `package-lock.json:12:5`.
fn place_in(path: &str) -> Option<(u64, u64)> {
    let (rest, column) = path.rsplit_once(':')?;
    let (_, line) = rest.rsplit_once(':')?;
    Some((line.parse().ok()?, column.parse().ok()?))
}
