//! What is known so far in the search for a build of one commit.

use serde::{Deserialize, Serialize};

use npm_spec::tool::Kind;

use super::observation::Observation;
use super::setup::{Clock, RegistryView, Setup};
use crate::rebuilt::Closeness;

/// A toolchain, as far as the plan depends on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Toolchain {
    /// The package manager that installs; `None` for the npm that comes with Node.
    pub manager: Option<Kind>,
    /// The major version of Node.
    pub node: u64,
    /// The lockfile that is followed, by its path in the repository.
    pub lockfile: Option<String>,
    /// Whether its Node takes another clock than the machine's.
    pub takes_a_clock: bool,
}

/// A build that was tried, and what it showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The build.
    pub setup: Setup,
    /// The remedy that proposed it.
    pub remedy: String,
    /// What it showed.
    pub seen: Vec<Observation>,
    /// How close it came; `None` if it gave nothing to compare.
    pub closeness: Option<Closeness>,
}

impl Entry {
    /// Whether it showed such a fact.
    pub fn shows(&self, wanted: impl Fn(&Observation) -> bool) -> bool {
        self.seen.iter().any(wanted)
    }

    /// Whether it showed this very fact.
    pub fn has(&self, fact: &Observation) -> bool {
        self.seen.contains(fact)
    }

    fn newest_dependency(&self) -> Option<i64> {
        self.seen.iter().find_map(|fact| if let Observation::NewestDependency(time) = fact { Some(*time) } else { None })
    }
}

/// Everything that is known: the case's facts, and what was tried. It only grows.
#[derive(Debug, Clone, Default)]
pub struct Board {
    /// The toolchains, likeliest first.
    pub toolchains: Vec<Toolchain>,
    /// What was known before anything was built.
    pub facts: Vec<Observation>,
    /// What was tried, in order.
    pub attempts: Vec<Entry>,
}

impl Board {
    /// Whether this was known before anything was built.
    pub fn knows(&self, fact: &Observation) -> bool {
        self.facts.contains(fact)
    }

    /// The attempts with the registry as it stood at the publication that came closest; of several
    /// the first. `None` before one gave something to compare.
    pub fn closest_at_publication(&self) -> Option<&Entry> {
        let at_publication = |entry: &&Entry| entry.setup.registry == RegistryView::AtPublication && entry.setup.clock == Clock::Present;
        let mut closest: Option<&Entry> = None;
        for entry in self.attempts.iter().filter(at_publication).filter(|entry| entry.closeness.is_some()) {
            if closest.is_none_or(|best| best.closeness < entry.closeness) {
                closest = Some(entry);
            }
        }
        closest
    }

    /// The attempts with a view of the registry, in order.
    pub fn with_view(&self, view: RegistryView) -> impl Iterator<Item = &Entry> {
        self.attempts.iter().filter(move |entry| entry.setup.registry == view)
    }

    /// Whether this build was tried.
    pub fn has_tried(&self, setup: &Setup) -> bool {
        self.attempts.iter().any(|entry| entry.setup == *setup)
    }

    /// The toolchain of a build.
    pub fn toolchain(&self, setup: &Setup) -> Option<&Toolchain> {
        self.toolchains.get(setup.toolchain)
    }

    /// When the newest dependency came that an earlier view of the registry could hide, in seconds
    /// since 1970: in the last build with an earlier view, or else in the one that came closest.
    /// `None` if it would hide nothing.
    pub fn newest_dependency(&self) -> Option<i64> {
        let earlier = [RegistryView::AtCommit, RegistryView::AtLastChange];
        let last = self.attempts.iter().rfind(|entry| earlier.contains(&entry.setup.registry) && entry.closeness.is_some());
        last.or_else(|| self.closest_at_publication())?.newest_dependency()
    }

    /// Whether what was published came out.
    pub fn is_reproduced(&self) -> bool {
        self.attempts.last().is_some_and(|entry| entry.has(&Observation::Reproduced))
    }
}
