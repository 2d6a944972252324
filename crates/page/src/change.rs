//! Two runs beside each other.

use std::collections::HashMap;

use serde::Serialize;
use verdict::Verdict;

use crate::entry::Entry;

/// Results of the earlier run that are remembered. What comes after them is in no comparison, and
/// is counted.
const MOST_EARLIER: usize = 200_000;
/// Names that are gone, in the figures.
const MOST_GONE: usize = 200;

/// What became of one package between two runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It was reproduced; it was checked again and is not.
    Regressed,
    /// It was not reproduced, or not decided, and is reproduced.
    Improved,
    /// It was decided, and is not.
    NoLongerDecided,
    /// It was not decided; it is now, and is not reproduced.
    NowDecided,
    /// Another verdict or reason of the same worth.
    Otherwise,
    /// The same verdict for the same reason.
    Same,
    /// It was not in the earlier run.
    New,
}

/// What changed, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    /// Reproduced before, not now.
    pub regressed: u64,
    /// Reproduced now, not before.
    pub improved: u64,
    /// Decided before, not now.
    pub no_longer_decided: u64,
    /// Decided now, not before, and not reproduced.
    pub now_decided: u64,
    /// Another verdict or reason.
    pub otherwise: u64,
    /// The same.
    pub same: u64,
    /// Not in the earlier run.
    pub new: u64,
    /// In the earlier run alone.
    pub gone: u64,
    /// Some of those, as `name@version`.
    pub gone_names: Vec<String>,
    /// Packages of the earlier run that were too many to be compared.
    pub not_compared: u64,
}

/// A result of the earlier run.
#[derive(Debug)]
pub(crate) struct Before {
    name: String,
    version: String,
    pub(crate) verdict: Verdict,
    reproduced: bool,
    pub(crate) code: Option<String>,
    seen: bool,
}

/// The earlier run: by name and version, and by name where another version is there now.
#[derive(Debug, Default)]
pub struct Earlier {
    results: Vec<Before>,
    by_version: HashMap<String, usize>,
    by_name: HashMap<String, usize>,
    not_compared: u64,
}

impl Earlier {
    /// Remembers the result of a line.
    pub fn add(&mut self, line: &[u8]) {
        let (entry, _) = Entry::read(line);
        if entry.was_read && self.results.len() < MOST_EARLIER {
            self.keep(entry);
        } else {
            self.not_compared += 1;
        }
    }

    fn keep(&mut self, entry: Entry) {
        let at = self.results.len();
        self.by_version.insert(named(&entry.name, &entry.version), at);
        self.by_name.insert(entry.name.clone(), at);
        let Entry { name, version, verdict, reproduced, code, .. } = entry;
        self.results.push(Before { name, version, verdict, reproduced, code, seen: false });
    }

    /// What became of this package, counted; and its earlier result.
    pub(crate) fn weigh(&mut self, entry: &Entry, changes: &mut Changes) -> (Change, Option<&Before>) {
        let at = self.by_version.get(&named(&entry.name, &entry.version)).or_else(|| self.by_name.get(&entry.name));
        let before = at.and_then(|at| self.results.get_mut(*at));
        let change = before.as_ref().map_or(Change::New, |before| between(before, entry));
        let count = match change {
            Change::Regressed => &mut changes.regressed,
            Change::Improved => &mut changes.improved,
            Change::NoLongerDecided => &mut changes.no_longer_decided,
            Change::NowDecided => &mut changes.now_decided,
            Change::Otherwise => &mut changes.otherwise,
            Change::Same => &mut changes.same,
            Change::New => &mut changes.new,
        };
        *count += 1;
        (
            change,
            before.map(|before| {
                before.seen = true;
                &*before
            }),
        )
    }

    /// Counts what no line of the later run was about.
    pub(crate) fn end(&self, changes: &mut Changes) {
        let gone = || self.results.iter().filter(|before| !before.seen);
        changes.gone = u64::try_from(gone().count()).unwrap_or(u64::MAX);
        changes.gone_names = gone().take(MOST_GONE).map(|before| named(&before.name, &before.version)).collect();
        changes.not_compared = self.not_compared;
    }
}

fn named(name: &str, version: &str) -> String {
    if version.is_empty() { name.to_owned() } else { format!("{name}@{version}") }
}

fn between(before: &Before, now: &Entry) -> Change {
    let decided = (before.verdict.is_decided(), now.verdict.is_decided());
    match (before.reproduced, now.reproduced) {
        (true, true) | (false, false) if before.verdict == now.verdict && before.code == now.code => Change::Same,
        (false, true) => Change::Improved,
        (true, false) if decided.1 => Change::Regressed,
        _ => match decided {
            (true, false) => Change::NoLongerDecided,
            (false, true) => Change::NowDecided,
            _ => Change::Otherwise,
        },
    }
}
