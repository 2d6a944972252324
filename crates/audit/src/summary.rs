//! An audit for a pull request: Markdown for a job's summary or a comment, and annotations on the
//! lockfile's lines.

use std::fmt::Write as _;

use report::github::{MAX_SUMMARY, cell, cut, data, property};
use report::text::escape;
use verdict::Severity;

use super::{Change, Document, Row};

/// Rows of a table, and annotations: GitHub shows ten of a level for a step.
const MAX_ROWS: usize = 500;
const MAX_ANNOTATIONS: usize = 10;

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

fn symbol(exit_code: u8) -> &'static str {
    match exit_code {
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
        let code = row.findings.first().map(|finding| finding.code.as_str()).or(row.code.as_deref());
        let code = code.map(|code| format!(" ({})", cell(code))).unwrap_or_default();
        let change = row.change.as_ref();
        let from = change.and_then(|change| change.from.as_deref()).map_or_else(|| "–".into(), cell);
        let provenance = change.and_then(|change| change.provenance).unwrap_or(if row.has_provenance { "yes" } else { "none" });
        let provenance = if provenance == "lost" { "**lost**" } else { provenance };
        let (name, version, verdict) = (cell(&row.name), cell(&row.version), row.verdict.as_str());
        let new = change.map(new).unwrap_or_default();
        let _ = writeln!(out, "| {name} | {from} | {version} | {} {verdict}{code} | {provenance} | {new} |", symbol(row.exit_code));
    }
    if rows.len() > MAX_ROWS {
        let _ = writeln!(out, "\nand {} more", rows.len() - MAX_ROWS);
    }
    let mut told = String::new();
    for row in rows.iter().take(MAX_ROWS) {
        for finding in &row.findings {
            let place = finding.path.as_deref().map(|path| format!("{}: ", cell(path))).unwrap_or_default();
            let _ = writeln!(told, "- {place}{} ({})", cell(&finding.message), cell(&finding.code));
        }
    }
    for left in document.left_out.iter().filter(|left| left.exit_code > 0).take(MAX_ROWS) {
        let _ = writeln!(told, "- {} is left out: {}", cell(&left.key), left.reason);
    }
    for finding in &document.findings {
        let _ = writeln!(told, "- {} ({})", cell(&finding.message), cell(&finding.code));
    }
    if !told.is_empty() {
        let _ = write!(out, "\n{told}");
    }
    cut(out, MAX_SUMMARY)
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
    all.join("; ")
}

/// The annotations for a runner of GitHub Actions, each on the lockfile's line, what is worst
/// first.
pub fn annotations(document: &Document) -> String {
    let mut out = String::new();
    let mut say = |level: &str, (line, column): (u64, u64), title: &str, message: &str| {
        let (file, title) = (escape(&document.file), escape(title));
        let _ = writeln!(
            out,
            "::{level} file={},line={line},col={column},title={}::{}",
            property(&file),
            property(&title),
            data(&escape(message))
        );
    };
    for row in ordered(document).into_iter().filter(|row| row.exit_code > 0).take(MAX_ANNOTATIONS) {
        let spec = format!("{}@{}", row.name, row.version);
        let worst = row.findings.iter().find(|finding| finding.code != "lockfile-other-host").or_else(|| row.findings.first());
        let code = worst.map(|finding| finding.code.as_str()).or(row.code.as_deref()).unwrap_or_default();
        let verdict = format!("{} is {}", spec, row.verdict.as_str());
        let message = worst.map(|finding| finding.message.as_str()).or(row.message.as_deref()).unwrap_or(&verdict);
        let place = worst.and_then(|finding| place_in(finding.path.as_deref()?));
        let place = place.or_else(|| row.places.first().map(|place| (place.line, place.column))).unwrap_or((1, 1));
        say(if row.exit_code == 1 { "error" } else { "warning" }, place, &format!("{spec} [{code}]"), message);
    }
    for left in document.left_out.iter().filter(|left| left.exit_code > 0).take(MAX_ANNOTATIONS) {
        let message = format!("{} is left out, and counts as not decided: {}", left.key, left.reason);
        say("warning", (left.line, left.column), &format!("left out [{}]", left.reason), &message);
    }
    for finding in document.findings.iter().filter(|finding| finding.severity != Severity::Info).take(MAX_ANNOTATIONS) {
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
