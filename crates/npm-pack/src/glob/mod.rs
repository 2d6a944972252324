//! Glob patterns as npm's clients match them: the npm package `minimatch`, versions 3 to 10.
//!
//! In: one line of an ignore file or one entry of `files`, and a path split into components. Out:
//! whether it matches, always without regard to a leading `!` (ignore-walk passes `flipNegate`);
//! the `!` itself is a field. The matcher is our own and not a regular expression: minimatch needs
//! look-ahead for `!(…)`, and backtracking on patterns of strangers could take forever. Here a
//! pattern takes at most polynomial time, and all matching of one listing shares a budget.

mod braces;
mod class;
mod expand;
mod portion;

#[cfg(test)]
mod tests;

use std::cell::Cell;

pub use expand::expand;
use portion::Portion;
use verdict::patience;

/// Longest pattern that minimatch takes, in UTF-16 units there, in bytes here.
const MAX_PATTERN: usize = 65_536;

/// Which generation of minimatch reads the patterns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dialect {
    /// minimatch 3 (npm 2 to 8.5): no POSIX classes; an impossible range makes the brackets
    /// literal.
    V3,
    /// minimatch 5 (npm 8.6 to 9.4): no POSIX classes; an impossible range matches nothing.
    V5,
    /// minimatch 6 to 10 (npm 9.5 and later): POSIX classes, `..` resolved within the pattern.
    V9,
}

/// How a pattern is read.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The generation of minimatch.
    pub dialect: Dialect,
    /// Whether case is ignored.
    pub nocase: bool,
    /// Whether a pattern without `/` is matched against the last component only (`matchBase`).
    pub match_base: bool,
    /// Whether a leading `!` negates and a leading `#` makes a comment.
    pub prefixes: bool,
}

/// Why a pattern cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GlobError {
    /// minimatch itself throws at this length.
    #[error("a pattern is longer than {MAX_PATTERN} bytes")]
    TooLong,
    /// A pattern whose brace sets multiply without bound.
    #[error("a pattern has too many brace expansions")]
    TooManyBraces,
    /// The patterns of a listing, of which each is one that can be used, are too much together.
    #[error("the patterns take too much work together")]
    TooMuch,
}

/// The work that all matching of one listing may cost together. One unit is about one character
/// looked at.
#[derive(Debug)]
pub struct Fuel {
    left: Cell<u64>,
    /// What is left when the clock is looked at next.
    look: Cell<u64>,
}

/// Units between two looks at the clock: some milliseconds.
const BETWEEN_LOOKS: u64 = 1 << 20;
/// Units for a character of a pattern that is compiled: it stays in memory.
const COMPILED: usize = 200;

impl Fuel {
    /// A budget of so many units.
    pub fn new(units: u64) -> Self {
        Self { left: Cell::new(units), look: Cell::new(units) }
    }

    /// Takes from the budget, and all of it where the thread's work has to end.
    pub fn spend(&self, units: usize) {
        let mut left = self.left.get().saturating_sub(u64::try_from(units).unwrap_or(u64::MAX));
        if left <= self.look.get() {
            self.look.set(left.saturating_sub(BETWEEN_LOOKS));
            if patience::is_over() {
                left = 0;
            }
        }
        self.left.set(left);
    }

    /// Compiles a pattern within the budget.
    pub fn compile(&self, text: &str, options: Options) -> Result<Pattern, GlobError> {
        self.spend(text.len());
        if self.is_empty() {
            return Err(GlobError::TooMuch);
        }
        let (pattern, size) = Pattern::sized(text, options)?;
        self.spend(size.saturating_mul(COMPILED));
        Ok(pattern)
    }

    /// Whether the budget is used up: what was matched since then cannot be relied on.
    pub fn is_empty(&self) -> bool {
        self.left.get() == 0
    }
}

/// A path as a pattern sees it: its components, with or without a `/` before and behind.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The components, none of them empty.
    pub parts: &'a [&'a str],
    /// Whether a `/` stands before the first.
    pub leading: bool,
    /// Whether a `/` stands behind the last.
    pub trailing: bool,
}

impl Subject<'_> {
    fn len(&self) -> usize {
        self.parts.len() + usize::from(self.leading) + usize::from(self.trailing)
    }

    fn get(&self, at: usize) -> &str {
        match at.checked_sub(usize::from(self.leading)) {
            None => "",
            Some(at) => self.parts.get(at).copied().unwrap_or(""),
        }
    }
}

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// Whether the pattern began with an odd number of `!`.
    pub negate: bool,
    /// Whether one of its alternatives is a bare name, with or without a trailing `/` (ignore-walk
    /// 6.0.4 asks this).
    pub relative: bool,
    match_base: bool,
    sets: Vec<Vec<Portion>>,
}

impl Pattern {
    /// Compiles a pattern. It is not trimmed here; a comment and an empty pattern match nothing.
    pub fn new(text: &str, options: Options) -> Result<Self, GlobError> {
        Self::sized(text, options).map(|(pattern, _)| pattern)
    }

    /// The pattern, and the characters of all its alternatives.
    fn sized(text: &str, options: Options) -> Result<(Self, usize), GlobError> {
        if text.len() > MAX_PATTERN {
            return Err(GlobError::TooLong);
        }
        let mut body = text;
        let mut pattern = Self { negate: false, relative: false, match_base: options.match_base, sets: Vec::new() };
        if options.prefixes {
            if text.starts_with('#') {
                return Ok((pattern, 0));
            }
            body = text.trim_start_matches('!');
            pattern.negate = (text.len() - body.len()) % 2 == 1;
        }
        if text.is_empty() {
            return Ok((pattern, 0));
        }
        let mut size = 0_usize;
        for alternative in braces::expand(body)? {
            size = size.saturating_add(alternative.len());
            let parts = optimise(slash_split(&alternative), options.dialect);
            pattern.relative |= parts.len() <= if parts.last().is_some_and(|last| !last.is_empty()) { 1 } else { 2 };
            pattern.sets.push(parts.into_iter().map(|part| Portion::new(part, options)).collect());
        }
        Ok((pattern, size))
    }

    /// Whether the path matches. With `partial`, also whether it leads to where the pattern could
    /// match. Without fuel nothing does.
    pub fn matches(&self, subject: Subject<'_>, partial: bool, fuel: &Fuel) -> bool {
        fuel.spend(self.sets.len());
        !fuel.is_empty()
            && self.sets.iter().any(|set| match set.as_slice() {
                [only] if self.match_base => {
                    let base = subject.parts.last().copied().unwrap_or("");
                    matches!(only, Portion::Globstar) || only.matches(base, fuel)
                }
                set if set.contains(&Portion::Globstar) => match_globstars(set, subject, partial, fuel),
                set => match_plain(set, subject, partial, fuel),
            })
    }

    /// Whether the pattern, by a slash or `**` at its end, names the folder that holds these
    /// components.
    pub fn names_folder(&self, parts: &[&str], fuel: &Fuel) -> bool {
        let subject = Subject { parts, leading: false, trailing: true };
        self.sets.iter().any(|set| match set.last() {
            Some(Portion::Globstar) => match_globstars(set, subject, false, fuel),
            Some(Portion::Literal { name, .. }) if name.is_empty() && set.contains(&Portion::Globstar) => {
                match_globstars(set, subject, false, fuel)
            }
            Some(Portion::Literal { name, .. }) if name.is_empty() => match_plain(set, subject, false, fuel),
            _ => false,
        })
    }

    /// Whether one match stands for all spellings of a path (with and without `/` around): a bare
    /// name under `matchBase`.
    pub fn is_bare(&self) -> bool {
        self.match_base && self.sets.iter().all(|set| set.len() == 1)
    }
}

/// Splits at runs of slashes: empty components survive only at either end.
fn slash_split(pattern: &str) -> Vec<&str> {
    let pieces: Vec<&str> = pattern.split('/').collect();
    let last = pieces.len().saturating_sub(1);
    pieces.into_iter().enumerate().filter(|(at, piece)| !piece.is_empty() || *at == 0 || *at == last).map(|(_, piece)| piece).collect()
}

/// minimatch 6 and later fold repeated `**` and take back a component before `..`.
fn optimise(parts: Vec<&str>, dialect: Dialect) -> Vec<&str> {
    if dialect < Dialect::V9 {
        return parts;
    }
    let mut kept: Vec<&str> = Vec::with_capacity(parts.len());
    for part in parts {
        match (part, kept.last()) {
            ("**", Some(&"**")) => {}
            ("..", Some(&previous)) if !matches!(previous, "" | "." | ".." | "**") => {
                kept.pop();
            }
            _ => kept.push(part),
        }
    }
    if kept.is_empty() {
        kept.push("");
    }
    kept
}

fn match_plain(set: &[Portion], subject: Subject<'_>, partial: bool, fuel: &Fuel) -> bool {
    let length = subject.len();
    let fits = length == set.len() || (length == set.len() + 1 && subject.get(length - 1).is_empty()) || (partial && length < set.len());
    fits && set.iter().take(length).enumerate().all(|(at, portion)| portion.matches(subject.get(at), fuel))
}

/// `reached[at]`: whether the rest of the pattern matches the rest of the path from component `at`
/// on.
fn match_globstars(set: &[Portion], subject: Subject<'_>, partial: bool, fuel: &Fuel) -> bool {
    let length = subject.len();
    let mut reached = vec![false; length + 1];
    for (at, value) in reached.iter_mut().enumerate() {
        *value = at == length || (at + 1 == length && subject.get(at).is_empty());
    }
    let last = set.len().saturating_sub(1);
    for (index, portion) in set.iter().enumerate().rev() {
        fuel.spend(length + 1);
        let mut before = vec![partial; length + 1];
        // Whether `**` gets from here to a match by swallowing components, which `.` and `..` never
        // are.
        let mut ahead = partial || index == last;
        for at in (0..length).rev() {
            let value = if matches!(portion, Portion::Globstar) {
                let swallows = ahead && !is_dots(subject.get(at));
                ahead = swallows || (index != last && reached.get(at) == Some(&true));
                ahead
            } else {
                reached.get(at + 1) == Some(&true) && portion.matches(subject.get(at), fuel)
            };
            if let Some(slot) = before.get_mut(at) {
                *slot = value;
            }
        }
        reached = before;
    }
    reached.first() == Some(&true)
}

fn is_dots(part: &str) -> bool {
    matches!(part, "." | "..")
}
