//! The clock of a build: files may have the day in them on which they were made, and a year in a
//! banner is one.
//!
//! Only where nothing but dates differs, a build is run once more with a clock that stands at the
//! publication when its scripts begin.

use std::time::Duration;

use jiff::Timestamp;

use explain::{Class, Limits, Source, explain};
use npm_spec::version;
use npm_tarball::ChangeKind;

use super::Publication;
use crate::Published;
use crate::rebuilt::Rebuilt;

/// The program that shifts `Date` in every Node of a build.
pub(super) const PROGRAM: &str = include_str!("clock.cjs");
/// Its file among the programs of a build.
pub(super) const FILE: &str = "clock.cjs";
/// The first Node that takes `NODE_OPTIONS`.
const FIRST_NODE: u64 = 8;
/// How much is looked at: it is asked for every toolchain.
const LIMITS: Limits = Limits { file: 8 << 20, total: 64 << 20, time: Duration::from_secs(2) };
/// Most files with dates in them: more than that are looked into for nothing.
const MOST_FILES: usize = 1_000;

/// Whether what was built differs in dates alone, so that another clock may make it equal.
pub(super) fn only_dates_differ(published: &Published, rebuilt: &Rebuilt) -> bool {
    let comparison = &rebuilt.comparison;
    let Some(archive) = &rebuilt.archive else { return false };
    let is_one_of_bytes = !comparison.changed.is_empty()
        && comparison.changed.len() <= MOST_FILES
        && comparison.only_published.is_empty()
        && comparison.only_rebuilt.is_empty()
        && comparison.changed.iter().all(|change| change.kind == ChangeKind::Bytes);
    is_one_of_bytes
        && explain(&published.archive, archive, comparison, &Source::default(), &LIMITS)
            .iter()
            .all(|explanation| explanation.class == Class::TimeStamp)
}

/// When the published files were made: the newest time in the archive's headers where a client
/// wrote real ones (npm up to 5.7, yarn 1), else the publication, else the commit.
pub(super) fn time_of(published: &Published, publication: &Publication, committed: Timestamp) -> Timestamp {
    // A day's grace for clocks and time zones.
    let earliest = committed.as_second() - 24 * 60 * 60;
    let newest = published.archive.entries().iter().filter_map(|entry| entry.mtime).filter(|time| *time >= earliest).max();
    let told = || publication.time.as_deref().and_then(|time| time.parse().ok());
    newest.and_then(|time| Timestamp::from_second(time).ok()).or_else(told).unwrap_or(committed)
}

/// Whether a Node can be given another clock.
pub(super) fn can_be_set(node: &str) -> bool {
    version::parse(node).is_some_and(|node| node.major() >= FIRST_NODE)
}

/// What a program is given so that its clock stands at `clock` now; `programs` is where it finds
/// the build's programs.
pub(super) fn variables(clock: Timestamp, programs: &str) -> [(String, String); 3] {
    let shift = clock.as_millisecond() - Timestamp::now().as_millisecond();
    [
        ("NODE_OPTIONS".to_owned(), format!("--require {programs}/{FILE}")),
        ("REPRODUCE_CLOCK_SHIFT".to_owned(), shift.to_string()),
        // For other programs (reproducible-builds.org/specs/source-date-epoch).
        ("SOURCE_DATE_EPOCH".to_owned(), clock.as_second().to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_that_take_options_from_the_environment_can_be_given_a_clock() {
        assert!(can_be_set("8.0.0") && can_be_set("24.1.0") && !can_be_set("6.17.1") && !can_be_set(""));
    }

    #[test]
    fn the_time_is_the_publications_or_the_commits() {
        let (nothing, committed) = (Published::nothing().unwrap(), "2019-05-01T10:00:00Z".parse().unwrap());
        let publication = Publication { time: Some("2019-05-02T10:00:00Z".to_owned()), ..Publication::default() };
        assert_eq!(time_of(&nothing, &publication, committed).to_string(), "2019-05-02T10:00:00Z");
        assert_eq!(time_of(&nothing, &Publication::default(), committed), committed);
    }

    #[test]
    fn the_shift_leads_from_now_to_the_clock() {
        let [options, shift, epoch] = variables("2019-05-02T10:00:00Z".parse().unwrap(), "/p");
        assert_eq!((options.1.as_str(), epoch.1.as_str()), ("--require /p/clock.cjs", "1556791200"));
        assert!(shift.1.parse::<i64>().unwrap() < 0);
    }
}
