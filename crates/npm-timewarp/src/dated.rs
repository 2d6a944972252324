//! When a version came at the earliest, by the names of the nightly builds before it.
//!
//! A mirror gives the time at which it first saw a version, which may be years after it came.
//! Nightly builds carry their day in their names: `5.3.0-dev.20231005` was there before 5.3.0. So
//! the days of a line's nightly builds say when its release was not there yet. Pure.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use nodejs_semver::Version;

use npm_spec::version;

/// Nightly builds that must agree: a number of eight digits may be no day.
const WITNESSES: usize = 3;
/// Longest time for which one release is prepared, in days. A name that is used for longer is one
/// that no release follows (`1.0.0-nightly.20240101` beside 3.2.0).
const LONGEST_LINE: i32 = 400;

/// The earliest moments at which versions can have come, by version; those that nothing is known of
/// are left out. `seen` gives when the registry first had one: no day is later.
pub(super) fn earliest(versions: &[String], seen: impl Fn(&str) -> Option<Timestamp>) -> HashMap<&str, Timestamp> {
    let parsed: Vec<(&str, Version)> = versions.iter().filter_map(|text| Some((text.as_str(), version::parse(text)?))).collect();
    let mut lines: HashMap<(u64, u64), Vec<Date>> = HashMap::new();
    let mut found = HashMap::new();
    for (text, version) in parsed.iter().filter(|(_, version)| version.is_prerelease() && version.patch() == 0) {
        let at = |day: Date| Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp());
        if let Some(day) = day(text)
            && let Some(at) = at(day)
            && seen(text).is_none_or(|seen| at <= seen)
        {
            found.insert(*text, at);
            lines.entry((version.major(), version.minor())).or_default().push(day);
        }
    }
    let ends: HashMap<(u64, u64), Timestamp> = lines.into_iter().filter_map(|(line, days)| Some((line, end(days)?))).collect();
    for (text, version) in parsed.iter().filter(|(_, version)| !version.is_prerelease()) {
        if let Some(end) = ends.get(&(version.major(), version.minor()))
            && seen(text).is_none_or(|seen| *end <= seen)
        {
            found.insert(*text, *end);
        }
    }
    found
}

/// The last day of a line on which enough nightly builds agree, as the beginning of that day.
fn end(mut days: Vec<Date>) -> Option<Timestamp> {
    days.sort_unstable();
    let last = *days.get(days.len().checked_sub(WITNESSES)?)?;
    let first = *days.first()?;
    let is_one_release = (last - first).get_days() <= LONGEST_LINE;
    if !is_one_release {
        return None;
    }
    Some(last.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// The day in a pre-release's name: eight digits between dots or hyphens.
fn day(text: &str) -> Option<Date> {
    let (_, name) = text.split_once('-')?;
    let number = |text: &str, at: std::ops::Range<usize>| text.get(at)?.parse::<i16>().ok();
    let dates = name.split(['.', '-', '+']).filter(|word| word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_digit()));
    let mut dates = dates.filter_map(|word| {
        let (month, day) = (i8::try_from(number(word, 4..6)?).ok()?, i8::try_from(number(word, 6..8)?).ok()?);
        Date::new(number(word, 0..4)?, month, day).ok().filter(|date| (2009..2100).contains(&date.year()))
    });
    dates.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(versions: &[&str], seen: Option<&str>) -> Vec<(String, String)> {
        let versions: Vec<String> = versions.iter().map(|text| (*text).to_owned()).collect();
        let seen: Option<Timestamp> = seen.map(|day| format!("{day}T00:00:00Z").parse().unwrap());
        let found = earliest(&versions, |_| seen);
        let mut found: Vec<_> =
            found.into_iter().filter(|(text, _)| !text.contains('-')).map(|(text, at)| (text.to_owned(), at.to_string())).collect();
        found.sort();
        found
    }

    #[test]
    fn a_release_came_after_its_nightly_builds() {
        let versions =
            ["5.3.0-dev.20230915", "5.3.0-dev.20231023", "5.3.0-dev.20231024", "5.3.0-dev.20231025", "5.2.2", "5.3.2", "5.3.0-beta"];
        assert_eq!(of(&versions, None), [("5.3.2".to_owned(), "2023-10-23T00:00:00Z".to_owned())]);
        let react = ["18.3.0-canary-14fd963-20240220", "18.3.0-canary-9a58d1e-20240221", "18.3.0-canary-a1b2c3d-20240222", "18.3.1"];
        assert_eq!(of(&react, None), [("18.3.1".to_owned(), "2024-02-20T00:00:00Z".to_owned())]);
    }

    #[test]
    fn what_is_no_day_of_this_release_says_nothing() {
        for versions in [
            &["1.0.0-a.20240101", "1.0.0-a.20240102", "1.0.0"][..],
            &["1.0.0-a.20249901", "1.0.0-a.12345678", "1.0.0-a.1", "1.0.0-a.202401011", "1.0.0"],
            // A placeholder: no release follows.
            &["1.0.0-n.20180101", "1.0.0-n.20240101", "1.0.0-n.20240102", "1.0.0-n.20240103", "1.0.0"],
            // Of another line, and of a patch.
            &["1.1.0-n.20240101", "1.1.0-n.20240102", "1.1.0-n.20240103", "1.0.0"],
            &["1.0.1-n.20240101", "1.0.1-n.20240102", "1.0.1-n.20240103", "1.0.0"],
        ] {
            assert!(of(versions, None).is_empty(), "{versions:?}");
        }
        let early = ["1.0.0-n.20240101", "1.0.0-n.20240102", "1.0.0-n.20240103", "1.0.0"];
        assert!(of(&early, Some("2020-01-01")).is_empty(), "the registry had it before");
        assert_eq!(of(&early, Some("2025-01-01")).len(), 1);
    }
}
