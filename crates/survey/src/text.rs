//! The figures for people, and as Markdown for a job's summary: the same words in both.

use std::fmt::Write as _;

use report::text::escape;

use crate::{Share, Summary};

/// Classes that are shown where all were not asked for.
const CLASSES: usize = 10;

/// The figures in their order.
fn rows(summary: &Summary) -> [(&'static str, Share); 6] {
    [
        ("reproduced", summary.reproduced),
        ("  identical", summary.identical),
        ("not reproduced", summary.not_reproduced),
        ("not decided", summary.not_decided),
        ("with provenance", summary.with_provenance),
        ("reproduced, with provenance", summary.reproduced_with_provenance),
    ]
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// The interval of a share, where it has one.
fn interval(share: Share) -> Option<String> {
    share.low.zip(share.high).map(|(low, high)| format!("{} to {}", percent(low), percent(high)))
}

/// What the totals are of.
fn head(summary: &Summary) -> String {
    let waiting = if summary.waiting > 0 { format!(", {} waiting", summary.waiting) } else { String::new() };
    format!("{}: {} packages done{waiting}", escape(&summary.list), summary.packages)
}

/// The totals with their intervals, the verdicts, and why packages are not reproduced; `all`
/// classes, or the commonest.
pub fn summary(summary: &Summary, all: bool) -> String {
    let mut out = format!("{}\n\n", head(summary));
    for (name, share) in rows(summary) {
        let interval = interval(share).map(|interval| format!("  (95 %: {interval})")).unwrap_or_default();
        let _ = writeln!(out, "{:7}  {:>7}  {name}{interval}", share.count, percent(share.share));
    }
    if summary.waiting > 0 {
        out.push_str("the shares are of finished packages, which are not a random part of the list while others wait\n");
    }
    out.push('\n');
    for (verdict, count) in &summary.verdicts {
        let _ = writeln!(out, "{count:7}  {verdict}");
    }
    let shown = if all { summary.classes.len() } else { CLASSES };
    if !summary.classes.is_empty() {
        out.push_str("\nnot reproduced, by reason:\n");
    }
    for class in summary.classes.iter().take(shown) {
        let more = if class.packages > class.examples.len() { ", …" } else { "" };
        let examples: Vec<_> = class.examples.iter().map(|name| escape(name).into_owned()).collect();
        let _ = writeln!(out, "{:7}  {} ({}): {}{more}", class.packages, class.verdict.as_str(), escape(&class.code), examples.join(", "));
    }
    if let Some(rest) = summary.classes.len().checked_sub(shown).filter(|rest| *rest > 0) {
        let _ = writeln!(out, "         and {rest} more; --group lists all");
    }
    out
}

/// The same as Markdown.
pub fn markdown(summary: &Summary) -> String {
    let mut out = format!("{}\n\n| | packages | share | 95 % |\n| --- | ---: | ---: | --- |\n", cell(&head(summary)));
    for (name, share) in rows(summary) {
        let interval = interval(share).unwrap_or_default();
        let _ = writeln!(out, "| {} | {} | {} | {interval} |", name.trim(), share.count, percent(share.share));
    }
    if !summary.classes.is_empty() {
        out.push_str("\n| not reproduced | reason | packages | for example |\n| --- | --- | ---: | --- |\n");
    }
    for class in summary.classes.iter().take(CLASSES) {
        let examples = cell(&class.examples.join(", "));
        let _ = writeln!(out, "| {} | {} | {} | {examples} |", class.verdict.as_str(), cell(&class.code), class.packages);
    }
    out
}

/// A text that speaks to nothing in a table: what a publisher names is shown, and is no markup.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in escape(text).chars() {
        if c.is_ascii_punctuation() && !matches!(c, '-' | '.' | ',' | '/' | ':') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
