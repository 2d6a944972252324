//! The figures as Markdown, for the summary of a job.

use std::fmt::Write as _;

use report::github::cell;

use crate::figures::{Counts, Facet, Figures};
use crate::html::Run;
use crate::text::{CLASSES, WAITING, interval, percent, rows};

/// Rows of a table.
const ROWS: usize = 12;

/// The figures as Markdown.
pub fn markdown(run: &Run, figures: &Figures) -> String {
    let mut out = format!("## {}\n\n", cell(&run.list));
    let node = if run.node.is_empty() { String::new() } else { format!(", Node {}", cell(&run.node)) };
    let _ = writeln!(out, "As of {}; reproduce {}{node}; {} packages.\n", cell(&run.as_of), cell(&run.program), figures.all.packages);
    if run.waiting > 0 {
        let _ = writeln!(out, "{} packages wait: {WAITING}.\n", run.waiting);
    }
    out.push_str("| | packages | share | 95 % interval |\n| --- | ---: | ---: | ---: |\n");
    for (name, share) in rows(figures, run.waiting) {
        let interval = interval(&share).unwrap_or_else(|| "none yet".to_owned());
        let _ = writeln!(out, "| {name} | {} | {} | {interval} |", share.count, percent(share.share));
    }
    if figures.unreadable > 0 {
        let _ = writeln!(out, "\n{} lines could not be read and are not decided.", figures.unreadable);
    }
    if let Some(changes) = &figures.changes {
        let _ = writeln!(
            out,
            "\nSince the earlier run: {} regressed, {} improved, {} no longer decided, {} now decided, {} otherwise, {} the same, {} new, {} gone.",
            changes.regressed,
            changes.improved,
            changes.no_longer_decided,
            changes.now_decided,
            changes.otherwise,
            changes.same,
            changes.new,
            changes.gone
        );
    }
    classes(&mut out, figures);
    for (title, facet) in [("Reason", Facet::Reason), ("Year", Facet::Year), ("Client", Facet::Client)] {
        table(&mut out, title, figures, facet);
    }
    out
}

fn classes(out: &mut String, figures: &Figures) {
    let classes = figures.classes.sorted();
    if !classes.is_empty() {
        out.push_str("\n| not reproduced | reason | packages | for example |\n| --- | --- | ---: | --- |\n");
    }
    for class in classes.iter().take(CLASSES) {
        let (code, examples) = (cell(&class.code), cell(&class.examples.join(", ")));
        let _ = writeln!(out, "| {} | {code} | {} | {examples} |", class.verdict.as_str(), class.packages);
    }
}

fn table(out: &mut String, title: &str, figures: &Figures, facet: Facet) {
    let Some(values) = figures.by.get(&facet) else { return };
    let mut rows: Vec<(&String, &Counts)> = values.iter().collect();
    if facet != Facet::Year {
        rows.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.packages));
    }
    let left = rows.len().saturating_sub(ROWS);
    rows.truncate(ROWS.max(if facet == Facet::Year { rows.len() } else { 0 }));
    let _ = writeln!(out, "\n| {title} | packages | reproduced | not decided |\n| --- | ---: | ---: | ---: |");
    for (value, counts) in rows {
        let _ = writeln!(out, "| {} | {} | {} | {} |", cell(value), counts.packages, counts.reproduced, counts.undecided);
    }
    if left > 0 && facet != Facet::Year {
        let _ = writeln!(out, "\nand {left} more.");
    }
}
