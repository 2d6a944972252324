//! What `reproduce --local` says to people.

use std::fmt::Write as _;

use report::terminal::{self, Detail, Style};
use report::text::escape;
use verdict::Severity;

use super::Checked;

/// Most paths that are listed for one problem, unless all are asked for.
const PATHS: usize = 5;

/// The report on one folder. Writing to a String cannot fail.
pub fn text(checked: &Checked, style: Style, detail: Detail) -> String {
    let mut out = String::new();
    let (word, symbol) = match (checked.reproducible, style.unicode()) {
        (Some(true), true) => ("can be reproduced", "✓"),
        (Some(true), false) => ("can be reproduced", "ok"),
        (Some(false), true) => ("nobody could reproduce this", "✗"),
        (Some(false), false) => ("nobody could reproduce this", "x"),
        (None, _) => ("not decided", "?"),
    };
    let name = checked.name.as_deref().unwrap_or("(no name)");
    let version = checked.version.as_deref().unwrap_or("(no version)");
    let _ = writeln!(out, "{symbol} {word}  {}@{}", escape(name), escape(version));
    let place = match checked.directory.as_deref() {
        Some("") | None => String::new(),
        Some(directory) => format!(" in {}", escape(directory)),
    };
    if let Some(commit) = &checked.commit {
        let _ = writeln!(out, "  commit     {}{place}", escape(commit.get(..12).unwrap_or(commit)));
    }
    let _ = writeln!(out, "  packed     {} files, by {}", checked.files.len(), escape(&checked.packed_by));
    match &checked.rebuild {
        Some(report) => {
            let code = report.code.as_deref().map(|code| format!(" ({code})")).unwrap_or_default();
            let _ = writeln!(out, "  rebuilt    {}{code}", report.verdict.as_str());
        }
        None => {
            let _ = writeln!(out, "  rebuilt    not tried: first what is below");
        }
    }
    for problem in &checked.problems {
        let word = if problem.severity == Severity::Error { "error" } else { "warning" };
        let _ = writeln!(out, "\n{word}[{}]: {}", problem.code, escape(&problem.message));
        let shown = if detail.verbose { problem.paths.len() } else { PATHS };
        for path in problem.paths.iter().take(shown) {
            let _ = writeln!(out, "  {}", escape(path));
        }
        if problem.paths.len() > shown {
            let _ = writeln!(out, "  and {} more (--verbose lists all)", problem.paths.len() - shown);
        }
        let _ = writeln!(out, "hint: {}", escape(&problem.todo));
    }
    for advice in checked.advice.iter().flatten() {
        let mark = if advice.good { "ok" } else { "todo" };
        let _ =
            write!(out, "{}{mark:>6}  {}: {}", if advice.about == "repository" { "\n" } else { "" }, advice.about, escape(&advice.text));
        out.push('\n');
    }
    if let Some(report) = checked.rebuild.as_deref().filter(|_| detail.diff || detail.log || detail.verbose) {
        out.push('\n');
        // The folder's command is the one that was typed; the package's own would ask for what is
        // published.
        out.push_str(&terminal::report_of(report, None, style, detail));
    }
    out
}
