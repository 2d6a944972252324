//! Why a build is pointless, whoever proposes it.
//!
//! Most are about other toolchains of one package manager, with the same view of the registry: what
//! one of them showed says what the others can show.

use super::Veto;
use super::board::{Board, Entry};
use super::observation::Observation;
use super::setup::{Clock, RegistryView, Setup};

/// Every veto.
pub const VETOES: &[&Veto] = &[
    &ONLY_LEFT_BEHIND,
    &CAME_TO_ITS_END,
    &MISSING_FOR_EVERYONE,
    &MISSING_TWICE,
    &NO_NETWORK,
    &OVER_LIMIT,
    &OUT_OF_TIME,
    &BETWEEN_TWO_THAT_FAILED_ALIKE,
    &COMMAND_MISSING_TWICE,
    &ONLY_THE_CLOCK,
    &TIMES_SAY_NOTHING,
    &COMPILER_MISSING,
    &PROGRAM_MISSING,
];

/// Nothing is missing but files of the publisher's machine (`.DS_Store`, an editor's folder), and
/// no build makes those.
const ONLY_LEFT_BEHIND: Veto =
    Veto { name: "only-left-behind", forbids: |board, _| board.attempts.iter().any(|entry| entry.has(&Observation::OnlyLeftBehind)) };

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

/// Two package managers that followed the same lockfile, or both none, missed the same package: a
/// third that follows no other would, too.
const MISSING_TWICE: Veto = Veto {
    name: "missing-twice",
    forbids: |board, setup| {
        let Some(own) = board.toolchain(setup) else { return false };
        let missed: Vec<_> = board
            .attempts
            .iter()
            .filter(|entry| {
                differs_in_the_toolchain_at_most(&entry.setup, setup) && entry.has(&Observation::NotInstalled) && !is_cut(entry)
            })
            .filter_map(|entry| {
                let toolchain = board.toolchain(&entry.setup).filter(|other| other.lockfile == own.lockfile)?;
                let names = entry.seen.iter().find_map(|fact| if let Observation::Missing(names) = fact { Some(names) } else { None })?;
                Some((toolchain.manager, names))
            })
            .collect();
        let pairs = missed.iter().flat_map(|one| missed.iter().map(move |other| (one, other)));
        pairs.into_iter().any(|((one, names), (other, others))| one != other && names.intersection(others).next().is_some())
    },
};

/// A step failed that wants hosts which no build reaches.
const NO_NETWORK: Veto = Veto {
    name: "no-network",
    forbids: |board, setup| {
        alike(board, setup).any(|entry| {
            entry.shows(|fact| matches!(fact, Observation::StepFailed { .. }))
                && entry.shows(|fact| matches!(fact, Observation::HostsRefused(_)))
                // What stood in for a package may be why it failed, and another Node may need less
                // of it.
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

/// An older and a newer Node failed in the same steps with the same codes and came equally close:
/// those between them would, too. A Node beyond both may well differ: what Node 17 broke is broken
/// in 18 and 20 alike, and whole in 16.
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

/// An older and a newer Node did not find a command (exit code 127) in the same steps, and came
/// equally close. No further Node brings one: between them they have every command that comes with
/// Node (`npx` since 8.2, `corepack` from 16.9 to 24).
const COMMAND_MISSING_TWICE: Veto = Veto {
    name: "command-missing-twice",
    forbids: |board, setup| {
        let node = |entry: &Entry| board.toolchain(&entry.setup).map_or(0, |toolchain| toolchain.node);
        let not_found = |fact: &&Observation| matches!(fact, Observation::StepFailed { exit: Some(127), .. });
        let installed = |entry: &&Entry| {
            !is_cut(entry)
                && !entry.shows(|fact| matches!(fact, Observation::StoodIn(_) | Observation::Missing(_) | Observation::HostsRefused(_)))
        };
        let failed: Vec<&Entry> = alike(board, setup)
            .filter(|entry| entry.closeness.is_some() && !failures(entry).is_empty() && failures(entry).iter().all(not_found))
            .filter(installed)
            .collect();
        let pairs = failed.iter().flat_map(|one| failed.iter().map(move |other| (one, other)));
        pairs
            .filter(|(one, other)| failures(one) == failures(other) && one.closeness == other.closeness)
            .any(|(one, other)| (9..17).contains(&node(one)) && (17..25).contains(&node(other)))
    },
};

/// Nothing but dates differs: no other version of anything would change the day.
const ONLY_THE_CLOCK: Veto = Veto {
    name: "only-the-clock",
    forbids: |board, setup| {
        let by_date = board.attempts.iter().any(|entry| entry.setup.clock == Clock::AtPublication);
        let only_dates = board.attempts.iter().any(|entry| entry.has(&Observation::OnlyDatesDiffer));
        by_date && only_dates && setup.registry != RegistryView::AtPublication
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

/// All that is missing is what a compiler makes that no npm registry has: no Node and no moment of
/// the registry brings it.
const COMPILER_MISSING: Veto = Veto {
    name: "compiler-missing",
    forbids: |board, _| {
        board.attempts.iter().any(|entry| entry.has(&Observation::CompilerMissing) && !entry.has(&Observation::NotInstalled))
    },
};

/// A step failed for want of a program that comes neither with Node nor from the npm registry, and
/// files are missing that it may have made: no Node and no moment of the registry brings it.
const PROGRAM_MISSING: Veto = Veto {
    name: "program-missing",
    forbids: |board, _| {
        board.attempts.iter().any(|entry| {
            entry.shows(|fact| matches!(fact, Observation::ProgramsMissing(_)))
                && entry.shows(|fact| matches!(fact, Observation::StepFailed { .. }))
                && !entry.shows(|fact| matches!(fact, Observation::NotInstalled | Observation::StoodIn(_)))
                && !is_cut(entry)
        })
    },
};

/// Attempts of other toolchains of the same manager, with the same view of the registry and the
/// same clock and `CI`.
fn alike<'b>(board: &'b Board, setup: &'b Setup) -> impl Iterator<Item = &'b Entry> {
    let manager = |setup: &Setup| board.toolchain(setup).map(|toolchain| toolchain.manager);
    let same = move |entry: &&Entry| {
        entry.setup.toolchain != setup.toolchain
            && differs_in_the_toolchain_at_most(&entry.setup, setup)
            && manager(&entry.setup) == manager(setup)
    };
    board.attempts.iter().filter(same)
}

/// Whether two builds have all in common but the toolchain.
fn differs_in_the_toolchain_at_most(one: &Setup, other: &Setup) -> bool {
    Setup { toolchain: other.toolchain, ..*one } == *other
}

/// Whether a limit ended the attempt, so that it says nothing about the package.
fn is_cut(entry: &Entry) -> bool {
    entry.shows(|fact| matches!(fact, Observation::OverLimit | Observation::GuessStopped | Observation::OutOfTime))
}

/// The steps that failed, with their codes.
fn failures(entry: &Entry) -> Vec<&Observation> {
    entry.seen.iter().filter(|fact| matches!(fact, Observation::StepFailed { .. } | Observation::NotInstalled)).collect()
}
