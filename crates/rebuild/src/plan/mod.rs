//! Which build is tried next.
//!
//! Observations are facts, remedies are rows, the loop is one. A remedy looks at the [`Board`] and
//! proposes builds; a veto says why one is pointless, whoever proposes it. The order follows from
//! facts alone: the same package is searched in the same order on every machine, and the clock only
//! decides where the list is cut.

pub mod board;
pub mod observation;
pub mod remedies;
pub mod setup;
#[cfg(test)]
mod tests;
pub mod vetoes;

use crate::SourceError;
use crate::rebuilt::Closeness;
use board::{Board, Entry};
use observation::Observation;
use setup::Setup;

/// A reason to try another build.
pub struct Remedy {
    /// Kebab-case.
    pub name: &'static str,
    /// Builds to try on this board, the best first. Asked again after every attempt; what was tried
    /// is left out by the loop.
    pub propose: fn(&Board) -> Vec<Setup>,
}

/// Why a build is pointless.
pub struct Veto {
    /// Kebab-case.
    pub name: &'static str,
    /// Whether it is, on this board.
    pub forbids: fn(&Board, &Setup) -> bool,
}

/// What came of a build.
pub struct Trial {
    /// What it showed.
    pub seen: Vec<Observation>,
    /// How close it came; `None` if it gave nothing to compare.
    pub closeness: Option<Closeness>,
}

/// The outside, as the planner sees it: the real one builds, that of the tests answers from a
/// table.
pub trait World {
    /// Tries a build. `None` if it would show nothing new, as a moment does that hides nothing. An
    /// error is this machine's: whatever the package did is a trial.
    fn attempt(&mut self, setup: &Setup, board: &Board) -> Result<Option<Trial>, SourceError>;
}

/// Tries builds until one makes what was published, or nothing is left to try.
pub fn search(world: &mut dyn World, board: &mut Board, remedies: &[&Remedy], vetoes: &[&Veto]) -> Result<(), SourceError> {
    let mut skipped = Vec::new();
    while !board.is_reproduced() {
        let Some((remedy, setup)) = next(board, remedies, vetoes, &skipped) else { break };
        match world.attempt(&setup, board)? {
            Some(Trial { seen, closeness }) => board.attempts.push(Entry { setup, remedy: remedy.name.to_owned(), seen, closeness }),
            None => skipped.push(setup),
        }
    }
    Ok(())
}

/// The first build of the first row that was not tried, would show something new, and that nothing
/// forbids.
fn next<'r>(board: &Board, remedies: &[&'r Remedy], vetoes: &[&Veto], skipped: &[Setup]) -> Option<(&'r Remedy, Setup)> {
    let is_open =
        |setup: &Setup| !board.has_tried(setup) && !skipped.contains(setup) && !vetoes.iter().any(|veto| (veto.forbids)(board, setup));
    remedies.iter().find_map(|remedy| Some((*remedy, (remedy.propose)(board).into_iter().find(is_open)?)))
}
