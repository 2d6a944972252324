//! The remedies, a file for each: what it changes, why a publisher's build differed so, and what it
//! costs.

mod another_toolchain;
mod clock_of_publication;
mod oldest_for_compiler;
mod oldest_of_ranges;
mod registry_as_it_is;
mod registry_at_commit;
mod registry_at_last_change;
mod version_before_release;
mod without_ci;

use super::Remedy;
use super::board::{Board, Entry};
use super::setup::{RegistryView, Setup};

/// Every remedy, in the order in which they are asked.
pub const REMEDIES: &[&Remedy] = &[
    &clock_of_publication::REMEDY,
    &version_before_release::REMEDY,
    &without_ci::REMEDY,
    &oldest_for_compiler::REMEDY,
    &another_toolchain::REMEDY,
    &registry_as_it_is::REMEDY,
    &registry_at_commit::REMEDY,
    &registry_at_last_change::REMEDY,
    &oldest_of_ranges::REMEDY,
];

/// For a recipe that the user gave: its one build, and nothing else.
pub const FOLLOW: &[&Remedy] = &[&another_toolchain::REMEDY];

/// The toolchain that came closest, with an earlier view of the registry; `None` if that would hide
/// nothing.
fn earlier(board: &Board, view: RegistryView) -> Option<Setup> {
    let near = board.closest_at_publication()?;
    board.newest_dependency().map(|_| Setup { registry: view, ..near.setup })
}

/// A build with the oldest version of each range; `None` where a lockfile says what to install.
fn oldest(board: &Board, near: &Entry) -> Option<Setup> {
    let follows_lockfile = board.toolchain(&near.setup).is_some_and(|toolchain| toolchain.lockfile.is_some());
    (!follows_lockfile).then_some(Setup { registry: RegistryView::OldestOfRanges, ..near.setup })
}
