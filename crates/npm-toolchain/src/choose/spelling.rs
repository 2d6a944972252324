//! What people write where a version is asked for.

use jiff::Timestamp;

use npm_spec::version::{self, VersionRange};

use super::Wish;
use crate::schedule;

/// Longest text that is taken for a version or range.
const MAX_TEXT: usize = 256;

/// A version or range, as npm reads it.
pub(super) fn wish(text: &str) -> Option<Wish> {
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_TEXT {
        return None;
    }
    if let Some(exact) = version::clean(text) {
        return Some(Wish::Exact(exact));
    }
    let text = text.strip_prefix('v').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(text);
    VersionRange::parse(text).map(|_| Wish::Range(text.to_owned()))
}

/// A Node, as version managers and CI services read it: also `lts/*`, `lts/hydrogen`, `node`,
/// `latest`.
pub(super) fn node_wish(text: &str, at: Timestamp) -> Option<Wish> {
    let word = text.trim().trim_start_matches("node-").trim_matches(['"', '\'']).to_ascii_lowercase();
    let line = |major: u64| Wish::Range(format!("{major}"));
    match word.as_str() {
        "node" | "latest" | "current" | "stable" | "*" | "x" => Some(line(schedule::newest_major(at))),
        "lts" | "lts/*" | "lts_latest" | "--lts" | "lts/-0" => schedule::lts_at(at).first().copied().map(line),
        _ => {
            let name = word.strip_prefix("lts/").or_else(|| word.strip_prefix("lts-")).unwrap_or(&word);
            if let Some(back) = name.strip_prefix('-').and_then(|number| number.parse::<usize>().ok()) {
                return schedule::lts_at(at).get(back).copied().map(line);
            }
            schedule::lts_named(name).map(line).or_else(|| wish(&word))
        }
    }
}

/// The first line of a version file that says something.
pub(super) fn first_line(text: &str) -> Option<&str> {
    text.lines().map(|line| line.split('#').next().unwrap_or_default().trim()).find(|line| !line.is_empty())
}

/// A text from a stranger's file, short enough for a reason.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    let plain: String = text.trim().chars().filter(|c| !c.is_control()).take(LONGEST + 1).collect();
    if plain.chars().count() > LONGEST { plain.chars().take(LONGEST).chain(['…']).collect() } else { plain }
}
