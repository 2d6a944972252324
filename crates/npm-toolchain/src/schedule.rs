//! Node's calendar: what was released when, what was under long-term support, and which npm came
//! with it.

#![expect(clippy::inconsistent_digit_grouping, reason = "days are written yyyy_mm_dd")]

use jiff::Timestamp;
use nodejs_semver::Version;

use npm_spec::version::{self, VersionRange};

/// For each major the day of its first minor, its second, and so on (`yyyymmdd`, UTC). A minor that
/// was never released has the day of the one before. Source: the release index of nodejs.org and
/// the release schedule of its working group, as the package `node-releases` 2.0.65 has them.
const MINORS: &[(u64, &[u32])] = &[
    (4, &[2015_09_08, 2015_09_17, 2015_10_12, 2016_02_09, 2016_03_08, 2016_08_16, 2016_09_27, 2016_12_06, 2017_02_21, 2018_03_28]),
    (
        5,
        &[
            2015_10_29, 2015_11_17, 2015_12_09, 2015_12_15, 2016_01_06, 2016_01_21, 2016_02_09, 2016_02_23, 2016_03_09, 2016_03_16,
            2016_04_01, 2016_04_21, 2016_06_23,
        ],
    ),
    (
        6,
        &[
            2016_04_26, 2016_05_05, 2016_05_17, 2016_07_06, 2016_08_12, 2016_08_26, 2016_09_14, 2016_09_27, 2016_10_12, 2016_10_18,
            2017_02_21, 2017_06_06, 2017_11_06, 2018_02_10, 2018_03_28, 2018_11_27, 2018_12_26, 2019_02_28,
        ],
    ),
    (
        7,
        &[
            2016_10_25, 2016_11_08, 2016_11_22, 2016_12_20, 2017_01_04, 2017_01_31, 2017_02_21, 2017_02_28, 2017_03_29, 2017_04_11,
            2017_05_02,
        ],
    ),
    (
        8,
        &[
            2017_05_30, 2017_06_08, 2017_07_19, 2017_08_08, 2017_08_15, 2017_09_12, 2017_09_26, 2017_10_11, 2017_10_24, 2017_10_31,
            2018_03_06, 2018_03_28, 2018_09_10, 2018_11_20, 2018_11_27, 2018_12_26, 2019_04_16, 2019_12_17,
        ],
    ),
    (
        9,
        &[
            2017_10_31, 2017_11_07, 2017_11_14, 2017_12_12, 2018_01_10, 2018_01_31, 2018_02_21, 2018_03_01, 2018_03_07, 2018_03_21,
            2018_03_28, 2018_04_04,
        ],
    ),
    (
        10,
        &[
            2018_04_24, 2018_05_08, 2018_05_23, 2018_05_29, 2018_06_06, 2018_06_20, 2018_07_04, 2018_07_18, 2018_08_01, 2018_08_15,
            2018_09_06, 2018_09_19, 2018_10_10, 2018_10_30, 2018_11_27, 2018_12_26, 2019_05_28, 2019_10_22, 2019_12_17, 2020_02_05,
            2020_03_26, 2020_06_02, 2020_07_21, 2020_10_27, 2021_02_23,
        ],
    ),
    (
        11,
        &[
            2018_10_23, 2018_10_30, 2018_11_15, 2018_11_27, 2018_12_07, 2018_12_18, 2018_12_26, 2019_01_17, 2019_01_24, 2019_01_30,
            2019_02_14, 2019_03_05, 2019_03_14, 2019_03_28, 2019_04_10, 2019_04_30,
        ],
    ),
    (
        12,
        &[
            2019_04_23, 2019_04_29, 2019_05_07, 2019_05_21, 2019_06_04, 2019_06_26, 2019_07_03, 2019_07_23, 2019_08_06, 2019_08_20,
            2019_09_04, 2019_09_25, 2019_10_11, 2019_10_21, 2019_12_17, 2020_02_05, 2020_02_11, 2020_05_26, 2020_06_02, 2020_10_06,
            2020_11_24, 2021_02_23, 2021_03_30,
        ],
    ),
    (
        13,
        &[
            2019_10_22, 2019_11_05, 2019_11_21, 2019_12_03, 2019_12_17, 2019_12_18, 2020_01_07, 2020_01_21, 2020_02_05, 2020_02_18,
            2020_03_04, 2020_03_12, 2020_03_26, 2020_04_14, 2020_04_29,
        ],
    ),
    (
        14,
        &[
            2020_04_21, 2020_04_29, 2020_05_05, 2020_05_19, 2020_06_02, 2020_06_30, 2020_07_20, 2020_07_29, 2020_08_11, 2020_08_27,
            2020_09_08, 2020_09_15, 2020_09_22, 2020_09_29, 2020_10_15, 2020_10_27, 2021_02_23, 2021_05_11, 2021_09_28, 2022_02_01,
            2022_07_07, 2022_11_01,
        ],
    ),
    (
        15,
        &[
            2020_10_20, 2020_11_04, 2020_11_10, 2020_11_24, 2020_12_09, 2020_12_22, 2021_01_14, 2021_01_25, 2021_02_02, 2021_02_18,
            2021_02_23, 2021_03_03, 2021_03_17, 2021_03_31, 2021_04_06,
        ],
    ),
    (
        16,
        &[
            2021_04_20, 2021_05_04, 2021_05_19, 2021_06_03, 2021_06_23, 2021_07_14, 2021_07_29, 2021_08_18, 2021_08_25, 2021_09_07,
            2021_09_22, 2021_10_08, 2021_10_20, 2021_10_26, 2022_02_08, 2022_04_26, 2022_07_07, 2022_08_16, 2022_10_12, 2022_12_13,
            2023_03_28,
        ],
    ),
    (17, &[2021_10_19, 2021_11_09, 2021_11_30, 2021_12_17, 2022_01_18, 2022_02_10, 2022_02_22, 2022_03_09, 2022_03_22, 2022_04_07]),
    (
        18,
        &[
            2022_04_18, 2022_05_03, 2022_05_17, 2022_06_02, 2022_06_16, 2022_07_06, 2022_07_13, 2022_07_26, 2022_08_24, 2022_09_07,
            2022_09_28, 2022_10_13, 2022_10_25, 2023_01_05, 2023_02_01, 2023_03_05, 2023_04_12, 2023_07_18, 2023_09_18, 2023_11_29,
            2024_03_26,
        ],
    ),
    (19, &[2022_10_17, 2022_11_14, 2022_11_29, 2022_12_14, 2023_01_05, 2023_01_24, 2023_02_01, 2023_02_21, 2023_03_14, 2023_04_10]),
    (
        20,
        &[
            2023_04_17, 2023_05_03, 2023_05_16, 2023_06_08, 2023_07_04, 2023_07_19, 2023_08_23, 2023_09_18, 2023_09_28, 2023_10_24,
            2023_11_22, 2024_01_09, 2024_03_26, 2024_05_07, 2024_05_28, 2024_06_20, 2024_07_24, 2024_08_21, 2024_10_03, 2025_03_13,
            2026_01_12,
        ],
    ),
    (21, &[2023_10_17, 2023_10_24, 2023_11_14, 2023_11_30, 2023_12_05, 2023_12_19, 2024_01_14, 2024_03_06]),
    (
        22,
        &[
            2024_04_24, 2024_05_02, 2024_05_15, 2024_06_11, 2024_07_02, 2024_07_17, 2024_08_06, 2024_08_21, 2024_09_03, 2024_09_17,
            2024_10_16, 2024_10_29, 2024_12_02, 2025_01_06, 2025_02_11, 2025_04_22, 2025_05_20, 2025_06_24, 2025_07_31, 2025_08_28,
            2025_09_24, 2025_10_20, 2026_01_12, 2026_06_17,
        ],
    ),
    (
        23,
        &[
            2024_10_16, 2024_10_24, 2024_11_11, 2024_11_20, 2024_12_10, 2024_12_19, 2025_01_07, 2025_01_30, 2025_02_13, 2025_02_26,
            2025_03_13, 2025_04_01,
        ],
    ),
    (
        24,
        &[
            2025_05_06, 2025_05_20, 2025_06_09, 2025_06_24, 2025_07_09, 2025_07_31, 2025_08_14, 2025_08_27, 2025_09_10, 2025_09_25,
            2025_10_08, 2025_10_28, 2025_12_10, 2026_01_12, 2026_02_24, 2026_04_15, 2026_05_21, 2026_06_17, 2026_06_23, 2026_08_03,
            2026_08_26, 2026_09_07, 2026_10_14,
        ],
    ),
    (25, &[2025_10_15, 2025_10_28, 2025_11_11, 2026_01_12, 2026_01_19, 2026_01_26, 2026_02_02, 2026_02_24, 2026_03_03, 2026_03_31]),
    (
        26,
        &[
            2026_05_05, 2026_05_06, 2026_05_20, 2026_06_01, 2026_06_24, 2026_07_08, 2026_08_03, 2026_08_05, 2026_08_25, 2026_09_16,
            2026_09_21, 2026_10_07, 2026_10_14, 2026_10_28,
        ],
    ),
];
/// The same for the zeroth major, whose minors were what majors are now.
const ZEROTH: &[(u64, u32)] = &[(8, 2012_06_22), (9, 2012_07_20), (10, 2013_03_11), (11, 2013_03_28), (12, 2015_02_06)];

/// Majors under long-term support: number, name, from, until. Same source.
const LTS: &[(u64, &str, u32, u32)] = &[
    (4, "argon", 2015_10_12, 2018_04_30),
    (6, "boron", 2016_10_18, 2019_04_30),
    (8, "carbon", 2017_10_31, 2019_12_31),
    (10, "dubnium", 2018_10_30, 2021_04_30),
    (12, "erbium", 2019_10_21, 2022_04_30),
    (14, "fermium", 2020_10_27, 2023_04_30),
    (16, "gallium", 2021_10_26, 2023_09_11),
    (18, "hydrogen", 2022_10_25, 2025_04_30),
    (20, "iron", 2023_10_24, 2026_04_30),
    (22, "jod", 2024_10_29, 2027_04_30),
    (24, "krypton", 2025_10_28, 2028_04_30),
    (26, "lithium", 2026_10_28, 2029_04_30),
];

/// Day number (`yyyymmdd`, UTC) of a moment.
pub(super) fn day(at: Timestamp) -> u32 {
    let date = at.to_zoned(jiff::tz::TimeZone::UTC).date();
    let part = |number: i8| u32::from(number.unsigned_abs());
    u32::from(date.year().unsigned_abs()) * 10_000 + part(date.month()) * 100 + part(date.day())
}

/// The day from which a version could be used, by its minor. None for what is newer than the
/// calendar.
fn released(version: &Version) -> Option<u32> {
    if version.major() == 0 {
        return ZEROTH.iter().find(|(minor, _)| *minor >= version.minor()).map(|(_, day)| *day);
    }
    let (_, minors) = MINORS.iter().find(|(major, _)| *major == version.major())?;
    usize::try_from(version.minor()).ok().and_then(|minor| minors.get(minor)).copied()
}

/// The last day that the calendar knows of.
fn last_day() -> u32 {
    MINORS.iter().filter_map(|(_, minors)| minors.last()).copied().max().unwrap_or_default()
}

/// Majors under long-term support at a moment, newest first.
pub(super) fn lts_at(at: Timestamp) -> Vec<u64> {
    let today = day(at);
    LTS.iter().rev().filter(|(_, _, from, until)| (*from..=*until).contains(&today)).map(|(major, ..)| *major).collect()
}

/// The major that a long-term support line is named by, as in `lts/hydrogen`.
pub(super) fn lts_named(name: &str) -> Option<u64> {
    LTS.iter().find(|(_, own, ..)| own.eq_ignore_ascii_case(name)).map(|(major, ..)| *major)
}

/// Long-term support lines above a major, the nearest first; also those that were not out yet.
pub(super) fn lines_above(major: u64) -> Vec<u64> {
    LTS.iter().map(|(line, ..)| *line).filter(|line| *line > major).collect()
}

/// The newest major at a moment, long-term support or not.
pub(super) fn newest_major(at: Timestamp) -> u64 {
    let today = day(at);
    let out = MINORS.iter().filter(|(_, minors)| minors.first().is_some_and(|first| *first <= today));
    out.map(|(major, _)| *major).max().unwrap_or_default()
}

/// The version that somebody would have had at a moment who was told no more than a range: of the
/// newest line under long-term support that fits, else of the newest line that fits, the newest
/// version of the time. Where nothing that fits was out yet, the newest version of the oldest line
/// that does. `published` are versions that can be had.
pub(super) fn pick<'v>(range: &VersionRange, at: Timestamp, published: impl Iterator<Item = &'v str>) -> Option<&'v str> {
    let today = day(at);
    let parsed = published.filter_map(|text| Some((version::parse(text)?, text)));
    let fitting: Vec<(Version, &str)> = parsed.filter(|(version, _)| !version.is_prerelease() && range.contains(version)).collect();
    let is_out = |version: &Version| released(version).map_or(today > last_day(), |day| day <= today);
    // Odd minors of the zeroth major were development versions.
    let was_stable = |version: &Version| version.major() > 0 || version.minor().is_multiple_of(2);
    let newest = |wanted: &dyn Fn(&Version) -> bool| fitting.iter().filter(|(version, _)| wanted(version)).max_by(|a, b| a.0.cmp(&b.0));
    let of_lts = lts_at(at).into_iter().find_map(|major| newest(&|version| version.major() == major && is_out(version)));
    let of_time = || newest(&|version| is_out(version) && was_stable(version)).or_else(|| newest(&is_out));
    let of_oldest_line = || {
        let oldest = fitting.iter().map(|(version, _)| version).min()?.clone();
        newest(&|version| version.major() == oldest.major() && (oldest.major() > 0 || version.minor() == oldest.minor()))
    };
    of_lts.or_else(of_time).or_else(of_oldest_line).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLISHED: &[&str] = &[
        "0.8.28",
        "0.10.48",
        "0.11.16",
        "0.12.18",
        "4.9.1",
        "6.17.1",
        "8.9.4",
        "8.17.0",
        "10.15.3",
        "10.24.1",
        "12.22.12",
        "14.17.0",
        "14.21.3",
        "15.14.0",
        "16.13.0",
        "16.20.2",
        "17.9.1",
        "18.0.0",
        "18.16.1",
        "18.20.8",
        "19.8.1",
        "20.0.0",
        "20.3.1",
        "20.19.0",
        "22.14.0",
        "22.23.3",
        "24.21.0",
        "26.10.0",
        "28.1.0",
        "29.0.0-rc.1",
    ];

    fn at(day: &str) -> Timestamp {
        format!("{day}T12:00:00Z").parse().unwrap()
    }

    fn picked(range: &str, day: &str) -> &'static str {
        pick(&VersionRange::parse(range).unwrap(), at(day), PUBLISHED.iter().copied()).unwrap_or("-")
    }

    #[test]
    fn an_open_range_means_the_long_term_support_of_the_day_never_the_oldest_or_newest() {
        for (range, day, version) in [
            (">=14", "2023-06-25", "18.16.1"),
            (">=14", "2022-01-10", "16.13.0"),
            (">=8", "2019-04-01", "10.15.3"),
            ("*", "2018-02-01", "8.9.4"),
            (">=0.10", "2014-01-01", "0.10.48"),
            (">=20", "2023-06-25", "20.3.1"),
            ("14 || 16 || 18", "2022-12-01", "18.0.0"),
            ("14 || 17", "2022-12-01", "14.21.3"),
        ] {
            assert_eq!(picked(range, day), version, "{range} on {day}");
        }
    }

    #[test]
    fn a_line_gives_its_newest_version_of_the_day() {
        for (range, day, version) in [("18", "2022-05-01", "18.0.0"), ("18.x", "2023-07-01", "18.16.1"), ("17", "2022-12-01", "17.9.1")] {
            assert_eq!(picked(range, day), version, "{range} on {day}");
        }
    }

    #[test]
    fn a_range_that_nothing_fitted_yet_gives_its_oldest_line() {
        assert_eq!(picked(">=20", "2015-01-01"), "20.19.0");
        assert_eq!(picked("^99", "2015-01-01"), "-");
    }

    #[test]
    fn a_patch_newer_than_the_calendar_stays_in_its_line() {
        // A peer rounds 22.14 up to 23.0 because its table ends before.
        assert_eq!(picked("22.23", "2026-11-20"), "22.23.3");
        assert_eq!(picked(">=28", "2027-12-01"), "28.1.0");
        assert_eq!(picked(">=14", "2024-12-01"), "20.3.1");
    }

    #[test]
    fn the_newest_major_and_the_lines_of_a_day() {
        assert_eq!(newest_major(at("2022-05-01")), 18);
        assert_eq!(lts_at(at("2022-05-01")), [16, 14]);
        assert_eq!(lts_named("Hydrogen"), Some(18));
        assert_eq!(day(at("2022-05-01")), 2022_05_01);
    }
}
