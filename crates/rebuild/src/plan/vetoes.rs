//! Why a build is pointless, whoever proposes it.
//!
//! Most are about other toolchains of one package manager, with the same view of the registry: what one of them showed says what the
//! others can show.

use super::Veto;
use super::board::{Board, Entry};
use super::observation::Observation;
use super::setup::{Clock, RegistryView, Setup};

/// Every veto.
pub const VETOES: &[&Veto] = &[
    &CAME_TO_ITS_END,
    &MISSING_FOR_EVERYONE,
    &NO_NETWORK,
    &OVER_LIMIT,
    &OUT_OF_TIME,
    &BETWEEN_TWO_THAT_FAILED_ALIKE,
    &ONLY_THE_CLOCK,
    &TIMES_SAY_NOTHING,
    &COMPILER_MISSING,
];

/// Every step ended well, and other tools would run the same steps.
const CAME_TO_ITS_END: Veto = Veto {
    name: "came-to-its-end",
    forbids: |board, setup| {
        alike(board, setup).any(|entry| {
            entry.closeness.is_some()
                && !entry.shows(|fact| {
                    matches!(
                        fact,
                        Observation::NotInstalled
                            | Observation::StepFailed { .. }
                            | Observation::OverLimit
                            | Observation::GuessStopped
                            | Observation::OutOfTime
                    )
                })
        })
    },
};

/// Nothing could be installed, because the registry lacks a package: it lacks it for every tool.
const MISSING_FOR_EVERYONE: Veto = Veto {
    name: "missing-for-everyone",
    forbids: |board, setup| {
        alike(board, setup).any(|entry| {
            entry.has(&Observation::NotInstalled) && entry.shows(|fact| matches!(fact, Observation::Missing(_))) && !is_cut(entry)
        })
    },
};

/// A step failed that wants hosts which no build reaches.
const NO_NETWORK: Veto = Veto {
    name: "no-network",
    forbids: |board, setup| {
        alike(board, setup).any(|entry| {
            entry.shows(|fact| matches!(fact, Observation::StepFailed { .. }))
                && entry.shows(|fact| matches!(fact, Observation::HostsRefused(_)))
                // What stood in for a package may be why it failed, and another Node may need less of it.
                && !entry.shows(|fact| matches!(fact, Observation::StoodIn(_) | Observation::NotInstalled))
                && !is_cut(entry)
        })
    },
};

/// A limit of the machine stopped it, and would stop the others.
const OVER_LIMIT: Veto = Veto {
    name: "over-limit",
    forbids: |board, setup| {
        alike(board, setup).any(|entry| {
            entry.has(&Observation::OverLimit) && !entry.shows(|fact| matches!(fact, Observation::GuessStopped | Observation::OutOfTime))
        })
    },
};

/// The time ran out.
const OUT_OF_TIME: Veto =
    Veto { name: "out-of-time", forbids: |board, setup| alike(board, setup).any(|entry| entry.has(&Observation::OutOfTime)) };

/// An older and a newer Node failed in the same steps with the same codes and came equally close: those between them would, too. A Node
/// beyond both may well differ: what Node 17 broke is broken in 18 and 20 alike, and whole in 16.
const BETWEEN_TWO_THAT_FAILED_ALIKE: Veto = Veto {
    name: "between-two-that-failed-alike",
    forbids: |board, setup| {
        let node = |setup: &Setup| board.toolchain(setup).map(|toolchain| toolchain.node);
        let failed: Vec<&Entry> = alike(board, setup).filter(|entry| !failures(entry).is_empty() && entry.closeness.is_some()).collect();
        let pairs = failed.iter().flat_map(|one| failed.iter().map(move |other| (one, other)));
        pairs.filter(|(one, other)| failures(one) == failures(other) && one.closeness == other.closeness).any(|(one, other)| {
            node(&one.setup) <= node(setup) && node(setup) <= node(&other.setup) && node(&one.setup) != node(&other.setup)
        })
    },
};

/// Nothing but dates differs: no other version of anything would change the day.
const ONLY_THE_CLOCK: Veto = Veto {
    name: "only-the-clock",
    forbids: |board, setup| {
        let by_date = board.attempts.iter().any(|entry| entry.setup.clock == Clock::AtPublication);
        by_date && setup.registry != RegistryView::AtPublication
    },
};

/// What the registry calls its times was set aside: no moment of them is better.
const TIMES_SAY_NOTHING: Veto = Veto {
    name: "times-say-nothing",
    forbids: |board, setup| {
        matches!(setup.registry, RegistryView::AtCommit | RegistryView::AtLastChange)
            && board.with_view(RegistryView::AsItIs).next().is_some()
    },
};

/// All that is missing is what a compiler makes that no npm registry has: no Node and no moment of the registry brings it.
const COMPILER_MISSING: Veto = Veto {
    name: "compiler-missing",
    forbids: |board, _| {
        board.attempts.iter().any(|entry| entry.has(&Observation::CompilerMissing) && !entry.has(&Observation::NotInstalled))
    },
};

/// Attempts of other toolchains of the same manager, with the same view of the registry and the same clock.
fn alike<'b>(board: &'b Board, setup: &'b Setup) -> impl Iterator<Item = &'b Entry> {
    let manager = |setup: &Setup| board.toolchain(setup).map(|toolchain| toolchain.manager);
    let same = move |entry: &&Entry| {
        entry.setup.toolchain != setup.toolchain
            && (entry.setup.registry, entry.setup.clock) == (setup.registry, setup.clock)
            && manager(&entry.setup) == manager(setup)
    };
    board.attempts.iter().filter(same)
}

/// Whether a limit ended the attempt, so that it says nothing about the package.
fn is_cut(entry: &Entry) -> bool {
    entry.shows(|fact| matches!(fact, Observation::OverLimit | Observation::GuessStopped | Observation::OutOfTime))
}

/// The steps that failed, with their codes.
fn failures(entry: &Entry) -> Vec<&Observation> {
    entry.seen.iter().filter(|fact| matches!(fact, Observation::StepFailed { .. } | Observation::NotInstalled)).collect()
}
