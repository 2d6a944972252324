//! The figures for people, with the words that Markdown has too.

use std::fmt::Write as _;

use report::text::escape;

use crate::figures::{Facet, Figures, Share};
use crate::html::Run;

/// Classes that are shown where all were not asked for.
pub(crate) const CLASSES: usize = 10;

/// The shares in their order, each with its name.
pub(crate) fn rows(figures: &Figures, waiting: usize) -> Vec<(&'static str, Share)> {
    let of = |count| figures.share(count, waiting);
    let more = [("not reproduced", of(figures.all.not_reproduced())), ("not decided", of(figures.all.undecided))];
    figures.shares(waiting).into_iter().chain(more).filter_map(|(name, share)| Some((name, share?))).collect()
}

/// One decimal, as the page has it: nearly all is not all, and nearly none is not none.
pub(crate) fn percent(share: f64) -> String {
    let shown = match share {
        share if share > 0.0 && share < 0.0005 => "< 0.1".to_owned(),
        share if (0.9995..1.0).contains(&share) => "> 99.9".to_owned(),
        share => format!("{:.1}", share * 100.0),
    };
    format!("{shown} %")
}

/// The interval of a share, where it has one.
pub(crate) fn interval(share: &Share) -> Option<String> {
    share.low.zip(share.high).map(|(low, high)| format!("{:.1}–{:.1} %", low * 100.0, high * 100.0))
}

/// What is said of shares while packages wait.
pub(crate) const WAITING: &str = "the shares are of finished packages, which are not a random part of the list while others wait";

/// The totals with their intervals, the verdicts, and why packages are not reproduced; `all`
/// classes, or the commonest.
pub fn text(run: &Run, figures: &Figures, all: bool) -> String {
    let waiting = if run.waiting > 0 { format!(", {} waiting", run.waiting) } else { String::new() };
    let mut out = format!("{}: {} packages done{waiting}\n\n", escape(&run.list), figures.all.packages);
    for (name, share) in rows(figures, run.waiting) {
        let interval = interval(&share).map(|interval| format!("  (95 %: {interval})")).unwrap_or_default();
        let _ = writeln!(out, "{:7}  {:>7}  {name}{interval}", share.count, percent(share.share));
    }
    if run.waiting > 0 {
        let _ = writeln!(out, "{WAITING}");
    }
    if figures.unreadable > 0 {
        let _ = writeln!(out, "{} lines could not be read and are not decided", figures.unreadable);
    }
    out.push('\n');
    for (verdict, counts) in figures.by.get(&Facet::Verdict).into_iter().flatten() {
        let _ = writeln!(out, "{:7}  {verdict}", counts.packages);
    }
    let classes = figures.classes.sorted();
    let shown = if all { classes.len() } else { CLASSES };
    if !classes.is_empty() {
        out.push_str("\nnot reproduced, by reason:\n");
    }
    for class in classes.iter().take(shown) {
        let more = if class.packages > class.examples.len() { ", …" } else { "" };
        let examples = class.examples.join(", ");
        let _ = writeln!(out, "{:7}  {} ({}): {examples}{more}", class.packages, class.verdict.as_str(), class.code);
    }
    if let Some(rest) = classes.len().checked_sub(shown).filter(|rest| *rest > 0) {
        let _ = writeln!(out, "         and {rest} more; --group lists all");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearly_all_is_not_all_and_nearly_none_is_not_none() {
        let shown = |count: u32, of: u32| percent(f64::from(count) / f64::from(of));
        assert_eq!([shown(3000, 3000), shown(2999, 3000), shown(999, 1000)], ["100.0 %", "> 99.9 %", "99.9 %"]);
        assert_eq!([shown(0, 3000), shown(1, 3000), shown(1, 1000)], ["0.0 %", "< 0.1 %", "0.1 %"]);
    }
}
