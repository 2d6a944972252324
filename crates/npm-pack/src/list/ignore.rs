//! Sets of ignore rules and the folders that they belong to: the npm packages `ignore-walk` and
//! `fstream-ignore`.
//!
//! Every folder on the way down has its own rule sets. A path is first put to the outermost folder,
//! then to each further one, and the last rule that changes the answer wins. Rules are lines as git
//! has them, but they are read by minimatch.

use super::ListError;
use crate::glob::{Fuel, Options, Pattern, Subject};

/// More rules than this in one ignore file are refused.
const MAX_RULES: usize = 20_000;
/// Deepest nesting of folders. The longest path that a system takes has 4,096 bytes; real packages
/// stay below 30 levels.
pub(super) const MAX_DEPTH: usize = 100;
/// The work that all matching of one listing may cost: some seconds.
pub(super) const FUEL: u64 = 2_000_000_000;

/// A folder on the way down.
pub(super) struct Level<'p> {
    pub(super) parent: Option<&'p Level<'p>>,
    /// How many folders are above.
    pub(super) depth: usize,
    /// Its path below the root, as the client spells it: `./lib` stays `./lib`.
    pub(super) path: String,
    /// Its rule sets in the order in which they apply.
    pub(super) sets: Vec<Vec<Pattern>>,
    /// Whether the folder itself passed and not only may lead to something (ignore-walk 6.0.4 and
    /// later).
    pub(super) exact: bool,
}

impl<'p> Level<'p> {
    /// The level of the root.
    pub(super) fn root(path: &str) -> Self {
        Self { parent: None, depth: 0, path: path.to_owned(), sets: Vec::new(), exact: false }
    }

    /// The level of a folder below.
    pub(super) fn child(&'p self, path: String, exact: bool) -> Result<Self, ListError> {
        if self.depth >= MAX_DEPTH {
            return Err(ListError::TooDeep(path));
        }
        Ok(Self { parent: Some(self), depth: self.depth + 1, path, sets: Vec::new(), exact })
    }

    fn base_name(&self) -> &str {
        let path = self.path.trim_end_matches('/');
        path.rsplit('/').next().unwrap_or(path)
    }

    /// An entry's path as the outermost folder sees it: the names of the folders down to here, then
    /// the entry's own.
    ///
    /// Of a folder that was entered by a longer path (`lib/sub` named by `files`) only the last
    /// name counts: a quirk of ignore-walk that decides about files.
    pub(super) fn full<'a>(&'a self, entry: &'a str) -> Vec<&'a str> {
        let mut parts = Vec::with_capacity(self.depth + 1);
        let mut level = self;
        while let Some(parent) = level.parent {
            parts.push(level.base_name());
            level = parent;
        }
        parts.reverse();
        parts.extend(entry.split('/').filter(|part| !part.is_empty()));
        parts
    }
}

/// What is asked about a path.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    /// Whether it is a folder, which also passes if something in it may.
    pub(super) partial: bool,
    /// Whether it is spelled with a slash behind it.
    pub(super) slash: bool,
    /// The entry's own name, against which a rule without a slash is tried too (ignore-walk 6.0.4
    /// and later).
    pub(super) own_name: Option<&'a str>,
}

impl Question<'_> {
    /// About an entry by its path alone.
    pub(super) fn of(partial: bool, slash: bool) -> Self {
        Self { partial, slash, own_name: None }
    }
}

/// Reads the rules of an ignore file: every line that is not empty and no comment.
pub(super) fn compile(text: &str, options: Options, fuel: &Fuel) -> Result<Vec<Pattern>, ListError> {
    let lines: Vec<&str> = text.split('\n').map(trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    if lines.len() > MAX_RULES {
        return Err(ListError::TooComplex);
    }
    lines.into_iter().map(|line| fuel.compile(line, options).map_err(ListError::from)).collect()
}

/// JavaScript's `trim`.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}')
}

/// Puts a path to the rules of one folder, given the answer so far.
pub(super) fn apply(level: &Level, included: bool, parts: &[&str], question: Question<'_>, fuel: &Fuel) -> bool {
    decide(level, included, parts, Question { own_name: None, ..question }, fuel)
}

/// The same with the entry's own name.
pub(super) fn decide(level: &Level, mut included: bool, parts: &[&str], question: Question<'_>, fuel: &Fuel) -> bool {
    for set in &level.sets {
        fuel.spend(set.len());
        for rule in set {
            // A rule counts only where it would change the answer.
            if rule.negate != included && hits(rule, parts, question, fuel) {
                included = rule.negate;
            }
        }
    }
    included
}

fn hits(rule: &Pattern, parts: &[&str], question: Question<'_>, fuel: &Fuel) -> bool {
    let Question { partial, slash, own_name } = question;
    if rule.is_bare() {
        let subject = Subject { parts, leading: false, trailing: false };
        let own = own_name.filter(|_| partial && rule.relative);
        return rule.matches(subject, false, fuel)
            || own.is_some_and(|name| rule.matches(Subject { parts: &[name], ..subject }, false, fuel));
    }
    if either(rule, parts, slash, false, fuel) {
        return true;
    }
    if !partial {
        return false;
    }
    let as_folder = |parts: &[&str]| either(rule, parts, true, false, fuel) || (rule.negate && either(rule, parts, slash, true, fuel));
    as_folder(parts) || own_name.is_some_and(|name| rule.relative && as_folder(&[name]))
}

fn either(rule: &Pattern, parts: &[&str], trailing: bool, partial: bool, fuel: &Fuel) -> bool {
    rule.matches(Subject { parts, leading: true, trailing }, partial, fuel)
        || rule.matches(Subject { parts, leading: false, trailing }, partial, fuel)
}
