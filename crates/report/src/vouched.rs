//! The lines of the report on what others say of a package, and on the versions before it.

use std::fmt::Write as _;

use npm_registry::provenance::Provenance;

use super::json::Report;
use super::text::escape;
use crate::history::{self, HistoryEntry};

/// Provenance and history, and with `verbose` the registry's signatures and each earlier version.
pub(super) fn lines(out: &mut String, report: &Report, verbose: bool) {
    if let Some(provenance) = &report.provenance {
        let _ = writeln!(out, "  provenance {}", escape(&told(provenance)));
    }
    if verbose {
        for one in &report.signatures {
            let status = serde_json::to_value(one.status).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default();
            let _ = writeln!(out, "  signature  {status}, by {}", escape(&one.key_id));
        }
        if let Some(run) = report.provenance.as_ref().and_then(|provenance| provenance.run.as_ref()) {
            let _ = writeln!(out, "  run        {}", escape(run));
        }
    }
    let Some(entries) = &report.history else { return };
    if let Some(line) = history::summary(report, entries) {
        let _ = writeln!(out, "  history    {line}");
    }
    for entry in entries.iter().filter(|_| verbose) {
        let _ = writeln!(out, "             {}", escape(&earlier(entry)));
    }
}

fn told(provenance: &Provenance) -> String {
    if let Some(problem) = &provenance.problem {
        return format!("does not hold: {problem}");
    }
    let unknown = || "unknown".to_owned();
    let commit: String = provenance.commit.clone().unwrap_or_else(unknown).chars().take(12).collect();
    let same = match provenance.commit_matches {
        Some(true) => ", the same commit",
        Some(false) => ", another commit",
        None => "",
    };
    let reference = provenance.reference.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    let workflow = provenance.workflow.as_ref().map(|workflow| format!(", signed in {workflow}")).unwrap_or_default();
    format!("{}#{commit}{reference}{workflow}{same}", provenance.repository.clone().unwrap_or_else(unknown))
}

fn earlier(entry: &HistoryEntry) -> String {
    let verdict = entry.verdict.map_or("error", |verdict| verdict.as_str());
    let code = entry.code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
    let tag = match (&entry.tag, entry.tagged) {
        (Some(tag), _) => format!("tag {tag}"),
        (None, Some(_)) => "no tag".to_owned(),
        (None, None) => "tag unknown".to_owned(),
    };
    let provenance = match (entry.attested, entry.provenance_verified) {
        (_, Some(true)) => "provenance",
        (_, Some(false)) => "provenance that does not hold",
        (true, None) => "provenance that was not checked",
        (false, None) => "no provenance",
    };
    format!("{} {verdict}{code}, {tag}, {provenance}", entry.version)
}
