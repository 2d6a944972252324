//! The figures of a survey.

use std::collections::BTreeMap;

use serde::Serialize;
use verdict::Verdict;

use crate::Fact;

/// The quantile of a normal distribution that an interval of 95 % has.
const Z: f64 = 1.959_963_984_540_054;

/// A part of a whole, with the interval in which the share of all lies by 95 % if these are a
/// random sample of them (Wilson's score).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    /// How many.
    pub count: usize,
    /// The share, from 0 to 1.
    pub share: f64,
    /// The lower end of the interval; null while packages wait: what is done by then is no random
    /// part of the list.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
}

impl Share {
    /// So many of so many.
    #[expect(clippy::cast_precision_loss, reason = "packages are counted in millions at most")]
    pub fn of(count: usize, total: usize) -> Self {
        if total == 0 {
            return Self { count, share: 0.0, low: Some(0.0), high: Some(1.0) };
        }
        let (n, p) = (total as f64, count as f64 / total as f64);
        let (squared, scale) = (Z * Z, 1.0 + Z * Z / n);
        let middle = (p + squared / (2.0 * n)) / scale;
        let half = Z / scale * (p * (1.0 - p) / n + squared / (4.0 * n * n)).sqrt();
        Self { count, share: p, low: Some((middle - half).max(0.0)), high: Some((middle + half).min(1.0)) }
    }

    /// The share without an interval.
    fn alone(self) -> Self {
        Self { low: None, high: None, ..self }
    }
}

/// Packages that were not reproduced for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Class {
    /// The verdict.
    pub verdict: Verdict,
    /// The reason.
    pub code: String,
    /// How many packages: so many would be won by whoever mends it.
    pub packages: usize,
    /// Some of them.
    pub examples: Vec<String>,
}

/// The figures of a survey.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// What the list is called.
    pub list: String,
    /// How many packages are done.
    pub packages: usize,
    /// How many wait, for a build or for their turn.
    pub waiting: usize,
    /// Those that count as reproduced.
    pub reproduced: Share,
    /// Of these, those with the same bytes.
    pub identical: Share,
    /// Those that were checked and are not reproduced.
    pub not_reproduced: Share,
    /// Those that were not decided.
    pub not_decided: Share,
    /// Those for which the registry lists provenance.
    pub with_provenance: Share,
    /// Those that are reproduced and have provenance.
    pub reproduced_with_provenance: Share,
    /// How many have each verdict.
    pub verdicts: BTreeMap<&'static str, usize>,
    /// How many of those reproduced were so by each strategy.
    pub strategies: BTreeMap<String, usize>,
    /// Why packages are not reproduced, the commonest first.
    pub classes: Vec<Class>,
}

/// Adds facts up, one at a time.
#[derive(Debug, Default)]
pub struct Counter {
    packages: usize,
    reproduced: usize,
    identical: usize,
    undecided: usize,
    provenance: usize,
    both: usize,
    verdicts: BTreeMap<&'static str, usize>,
    strategies: BTreeMap<String, usize>,
    classes: BTreeMap<(&'static str, String), Class>,
}

/// Names of packages that a class shows.
const EXAMPLES: usize = 3;

impl Counter {
    /// One package more.
    pub fn add(&mut self, fact: &Fact) {
        self.packages += 1;
        *self.verdicts.entry(fact.verdict.as_str()).or_default() += 1;
        self.provenance += usize::from(fact.has_provenance);
        if fact.reproduced {
            self.reproduced += 1;
            self.identical += usize::from(fact.verdict == Verdict::Identical);
            self.both += usize::from(fact.has_provenance);
            *self.strategies.entry(fact.strategy.clone().unwrap_or_default()).or_default() += 1;
            return;
        }
        self.undecided += usize::from(!fact.verdict.is_decided());
        let code = fact.code.clone().unwrap_or_default();
        let class = self.classes.entry((fact.verdict.as_str(), code.clone())).or_insert_with(|| Class {
            verdict: fact.verdict,
            code,
            packages: 0,
            examples: Vec::new(),
        });
        class.packages += 1;
        if class.examples.len() < EXAMPLES {
            class.examples.push(fact.spec.clone());
        }
    }

    /// The figures; `waiting` packages of the list are not done.
    pub fn summary(self, list: &str, waiting: usize) -> Summary {
        let share = |count| {
            let share = Share::of(count, self.packages);
            if waiting > 0 { share.alone() } else { share }
        };
        let mut classes: Vec<Class> = self.classes.into_values().collect();
        classes.sort_by_key(|class| std::cmp::Reverse(class.packages));
        Summary {
            list: list.to_owned(),
            packages: self.packages,
            waiting,
            reproduced: share(self.reproduced),
            identical: share(self.identical),
            not_reproduced: share(self.packages - self.reproduced - self.undecided),
            not_decided: share(self.undecided),
            with_provenance: share(self.provenance),
            reproduced_with_provenance: share(self.both),
            verdicts: self.verdicts,
            strategies: self.strategies,
            classes,
        }
    }
}
