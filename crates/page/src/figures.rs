//! The figures of a run, for the page, for Markdown and for JSON alike.

use std::collections::BTreeMap;

use report::classes::Classes;
use serde::Serialize;

use crate::change::Changes;
use crate::entry::{Entry, Vouched};

/// Values that a facet tells apart. Codes and versions come from files, so there may be any number;
/// the rest is `(other)`.
const MOST_VALUES: usize = 200;
/// The name of what is not told apart.
const OTHER: &str = "(other)";

/// The figures of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// All lines together.
    pub all: Counts,
    /// Lines that are no result and no failure; they are undecided, too.
    pub unreadable: u64,
    /// The registry lists provenance.
    pub provenance: u64,
    /// The registry lists provenance, and it was verified.
    pub provenance_verified: u64,
    /// Reproduced, with provenance.
    pub reproduced_with_provenance: u64,
    /// Reproduced, with provenance, or both.
    pub reproduced_or_provenance: u64,
    /// The same counts for each value of a facet.
    pub by: BTreeMap<Facet, BTreeMap<String, Counts>>,
    /// Why packages are not reproduced.
    pub classes: Classes,
    /// What changed since an earlier run; absent where none was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Changes>,
}

/// Something that packages are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Facet {
    /// The verdict.
    Verdict,
    /// The code: why it is not reproduced.
    Reason,
    /// The strategy.
    Strategy,
    /// The year of publication.
    Year,
    /// The client that packed.
    Client,
    /// The package manager that installed.
    Manager,
}

/// How many packages came out how. What is left is checked and not reproduced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// All.
    pub packages: u64,
    /// Those that count as reproduced.
    pub reproduced: u64,
    /// Of these, those with the same bytes.
    pub identical: u64,
    /// Those that were not decided.
    pub undecided: u64,
}

impl Counts {
    fn add(&mut self, entry: &Entry) {
        self.packages += 1;
        self.reproduced += u64::from(entry.reproduced);
        self.identical += u64::from(entry.is_identical());
        self.undecided += u64::from(!entry.verdict.is_decided());
    }

    /// Those that were checked and are not reproduced.
    pub fn not_reproduced(&self) -> u64 {
        self.packages - self.reproduced - self.undecided
    }
}

/// A part of a whole, with the interval that 95 of 100 samples of this size put around the true
/// share.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    /// The part.
    pub count: u64,
    /// The whole.
    pub of: u64,
    /// From 0 to 1.
    pub share: f64,
    /// Lower end of the interval; null while packages wait: what is done by then is no random part
    /// of a list.
    pub low: Option<f64>,
    /// Upper end of the interval.
    pub high: Option<f64>,
}

impl Share {
    /// Wilson's interval; `None` of nothing.
    pub fn of(count: u64, of: u64) -> Option<Self> {
        /// The 97.5 % point of the normal distribution.
        const Z: f64 = 1.959_963_984_540_054;
        if of == 0 || count > of {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "packages are counted in millions at most")]
        let (k, n) = (count as f64, of as f64);
        let share = k / n;
        let middle = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
        let half = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        Some(Self { count, of, share, low: Some((middle - half).max(0.0)), high: Some((middle + half).min(1.0)) })
    }
}

impl Figures {
    /// Counts one more.
    pub fn add(&mut self, entry: &Entry) {
        self.all.add(entry);
        self.unreadable += u64::from(!entry.was_read);
        let provenance = entry.vouched != Vouched::No;
        self.provenance += u64::from(provenance);
        self.provenance_verified += u64::from(entry.vouched == Vouched::Verified);
        self.reproduced_with_provenance += u64::from(entry.reproduced && provenance);
        self.reproduced_or_provenance += u64::from(entry.reproduced || provenance);
        let values = [
            (Facet::Verdict, Some(entry.verdict.as_str())),
            (Facet::Reason, entry.code.as_deref()),
            (Facet::Strategy, entry.strategy.as_deref()),
            (Facet::Year, entry.year()),
            (Facet::Client, entry.client.as_deref()),
            (Facet::Manager, entry.manager.as_deref()),
        ];
        for (facet, value) in values {
            let Some(value) = value else { continue };
            let known = self.by.entry(facet).or_default();
            let value = if known.len() < MOST_VALUES || known.contains_key(value) { value } else { OTHER };
            known.entry(value.to_owned()).or_default().add(entry);
        }
        if !entry.reproduced {
            self.classes.add(entry.verdict, entry.code.as_deref(), &entry.shown());
        }
    }

    /// So many of all, without an interval while packages wait.
    pub fn share(&self, count: u64, waiting: usize) -> Option<Share> {
        let share = Share::of(count, self.all.packages)?;
        Some(if waiting > 0 { Share { low: None, high: None, ..share } } else { share })
    }

    /// The shares that head a report, each with its name; `waiting` packages are not done.
    pub fn shares(&self, waiting: usize) -> [(&'static str, Option<Share>); 5] {
        let of = |count| self.share(count, waiting);
        [
            ("reproduced", of(self.all.reproduced)),
            ("identical", of(self.all.identical)),
            ("with provenance", of(self.provenance)),
            ("reproduced, with provenance", of(self.reproduced_with_provenance)),
            ("reproduced or with provenance", of(self.reproduced_or_provenance)),
        ]
    }
}
