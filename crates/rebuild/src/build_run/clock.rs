//! The clock of a build: files may have the day in them on which they were made, and a year in a
//! banner is one.
//!
//! Only where nothing but dates differs, a build is run once more with a clock that stands at the
//! publication when its scripts begin.

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
const LIMITS: Limits = Limits { file: 8 << 20, total: 64 << 20, steps: 160_000 };
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

/// Seconds of grace for clocks and time zones.
const DAY: i64 = 24 * 60 * 60;

/// When the published files were made: the newest time in the archive's headers where a client
/// wrote real ones (npm up to 5.7, yarn 1), else the publication, else the commit.
pub(super) fn time_of(published: &Published, publication: &Publication, committed: Timestamp) -> Timestamp {
    made_at(published.archive.entries().iter().filter_map(|entry| entry.mtime).max(), publication, committed, Timestamp::now())
}

/// The same of the newest time in the headers. A publisher writes what he likes there: no file was
/// made before its commit, after its publication where the registry's time is its own, or after
/// now.
fn made_at(newest: Option<i64>, publication: &Publication, committed: Timestamp, now: Timestamp) -> Timestamp {
    let told = publication.time.as_deref().and_then(|time| time.parse::<Timestamp>().ok()).filter(|time| *time <= now);
    let published = told.filter(|_| !publication.first_seen).map(|time| time.as_second().saturating_add(DAY));
    let latest = published.unwrap_or(i64::MAX).min(now.as_second());
    let possible = newest.filter(|time| *time >= committed.as_second().saturating_sub(DAY) && *time <= latest);
    possible.and_then(|time| Timestamp::from_second(time).ok()).or(told).unwrap_or(committed.min(now))
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
    fn a_time_in_a_header_counts_between_the_commit_and_the_publication() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (committed, now) = (at("2019-05-01T10:00:00Z"), at("2024-01-01T00:00:00Z"));
        let told = |first_seen| Publication { time: Some("2019-05-02T10:00:00Z".to_owned()), first_seen, ..Publication::default() };
        let made = |newest: &str, publication: &Publication| made_at(Some(at(newest).as_second()), publication, committed, now).to_string();
        assert_eq!(made("2019-05-03T09:00:00Z", &told(false)), "2019-05-03T09:00:00Z");
        for outside in ["2019-05-03T11:00:00Z", "2090-06-01T12:00:00Z", "1985-10-26T08:15:00Z"] {
            assert_eq!(made(outside, &told(false)), "2019-05-02T10:00:00Z", "{outside}");
        }
        // Such a registry's time may be years behind the publication.
        assert_eq!(made("2020-01-01T00:00:00Z", &told(true)), "2020-01-01T00:00:00Z");
        assert_eq!(made("2090-06-01T12:00:00Z", &told(true)), "2019-05-02T10:00:00Z");
        // Nobody is believed a time that has not come.
        let later = Publication { time: Some("2090-06-01T00:00:00Z".to_owned()), ..Publication::default() };
        assert_eq!(made("2090-06-01T12:00:00Z", &later), "2019-05-01T10:00:00Z");
        assert_eq!(made_at(None, &later, at("2090-01-01T00:00:00Z"), now), now);
    }

    #[test]
    fn the_shift_leads_from_now_to_the_clock() {
        let [options, shift, epoch] = variables("2019-05-02T10:00:00Z".parse().unwrap(), "/p");
        assert_eq!((options.1.as_str(), epoch.1.as_str()), ("--require /p/clock.cjs", "1556791200"));
        assert!(shift.1.parse::<i64>().unwrap() < 0);
    }
}
