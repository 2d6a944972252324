//! An audit for people: a line a package, and the end.

use std::fmt::Write as _;

use report::terminal::{self, Style};
use report::text::escape;
use verdict::Severity;

use super::{Change, Document, Plan, Row};

/// Width of the verdict's column.
const VERDICT: usize = 14;

/// The beginning: what is read.
pub fn start(plan: &Plan) -> String {
    let file = plan.file.display().to_string();
    format!("{} ({}): {} packages\n", escape(&file), plan.format, plan.packages.len())
}

/// The line of one package, and one for each thing that the lockfile has otherwise.
pub fn row(row: &Row, style: Style) -> String {
    let head = terminal::head(row.verdict, row.reproduced, style);
    let blanks = " ".repeat(VERDICT.saturating_sub(row.verdict.as_str().len()));
    let code = row.code.as_deref().map(|code| format!("  ({})", escape(code))).unwrap_or_default();
    let stored = if row.cached { "  (stored)" } else { "" };
    let mut out = format!("{head}{blanks}{}@{}{code}{stored}\n", escape(&row.name), escape(&row.version));
    if let Some(change) = &row.change {
        let _ = writeln!(out, "    {}", escape(&changed(change)));
    }
    if let Some(reason) = &row.exception {
        let new = if row.exception_is_new { " by an exception that is new" } else { "" };
        let _ = writeln!(out, "    excepted{new}: {}", escape(reason));
    }
    // A verdict that fails says enough by itself.
    let noticed = row.noticed.iter().filter(|finding| row.exit_code == 0 || finding.severity == Severity::Error);
    for finding in row.findings.iter().chain(noticed) {
        let place = finding.path.as_deref().map(|path| format!("{}: ", escape(path))).unwrap_or_default();
        let _ = writeln!(out, "    {place}{}: {}", finding.code, escape(&finding.message));
    }
    out
}

/// The end: what was left out, the total, and the classes of failures.
pub fn end(document: &Document) -> String {
    let totals = &document.totals;
    let mut out = String::from("\n");
    for finding in &document.findings {
        let _ = writeln!(out, "{}: {}", finding.code, escape(&finding.message));
    }
    let classes = document.classes.sorted();
    if !classes.is_empty() {
        out.push_str("not reproduced, by reason:\n");
    }
    for class in classes {
        let more = if class.packages > class.examples.len() { ", …" } else { "" };
        let examples: Vec<_> = class.examples.iter().map(|name| escape(name).into_owned()).collect();
        let _ =
            writeln!(out, "  {:5}  {} ({}): {}{more}", class.packages, class.verdict.as_str(), escape(&class.code), examples.join(", "));
    }
    let left_out: Vec<String> = totals.left_out.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    let omitted = (totals.omitted > 0).then(|| format!("{} as asked", totals.omitted));
    let left_out: Vec<String> = left_out.into_iter().chain(omitted).collect();
    if !left_out.is_empty() {
        let open = document.left_out.iter().filter(|left| left.exit_code > 0).count();
        let open = if open > 0 { format!(" ({open} of them count as not decided)") } else { String::new() };
        let _ = writeln!(out, "left out: {}{open}", left_out.join(", "));
    }
    if totals.excepted > 0 {
        let _ = writeln!(out, "excepted: {} (reproduce.json)", totals.excepted);
    }
    if totals.not_as_locked > 0 {
        let _ = writeln!(out, "not as the lockfile has it: {} (the registry says otherwise)", totals.not_as_locked);
    }
    let _ = writeln!(
        out,
        "{} packages: {} reproduced ({} identical), {} not reproduced, {} not decided; {} with provenance",
        totals.packages, totals.reproduced, totals.identical, totals.not_reproduced, totals.not_decided, totals.with_provenance
    );
    out
}

/// What changed, in words.
fn changed(change: &Change) -> String {
    let mut all = vec![change.from.as_ref().map_or_else(|| "new".to_owned(), |from| format!("was {from}"))];
    all.extend(change.provenance.filter(|provenance| *provenance != "none").map(|provenance| format!("provenance {provenance}")));
    if !change.install_scripts.is_empty() {
        all.push(format!("new install scripts: {}", change.install_scripts.join(", ")));
    }
    if !change.dependencies.is_empty() {
        all.push(format!("new dependencies: {}", change.dependencies.join(", ")));
    }
    all.extend(change.compare.clone());
    all.extend(change.claimed_commit.as_ref().map(|commit| format!("from commit {commit} by the registry's word")));
    all.join("; ")
}
