//! When the lines of the package managers came out, and which npm came with which Node.

#![expect(clippy::inconsistent_digit_grouping, reason = "days are written yyyy_mm_dd")]

use jiff::Timestamp;
use nodejs_semver::Version;

use npm_spec::tool::Kind;
use npm_spec::version::{self, VersionRange};

use super::index::PublishedVersion;
use super::schedule::day;

/// Major, minor and the day (`yyyymmdd`) of the first release of a line.
type Line = (u64, u64, u32);

/// When lines began. From the registry's own times of these versions
/// and, for those of 2026, from when a mirror first had them.
const LINES: &[(Kind, &[Line])] = &[
    (
        Kind::Npm,
        &[
            (1, 0, 2011_05_01),
            (2, 0, 2014_09_13),
            (3, 0, 2015_06_26),
            (4, 0, 2016_10_21),
            (5, 0, 2017_05_26),
            (6, 0, 2018_04_24),
            (7, 0, 2020_10_13),
            (8, 0, 2021_10_07),
            (9, 0, 2022_10_19),
            (10, 0, 2023_08_31),
            (11, 0, 2024_12_16),
            (12, 0, 2026_07_08),
        ],
    ),
    (Kind::Yarn, &[(0, 15, 2016_10_11), (1, 0, 2017_09_05), (1, 10, 2018_09_26), (1, 20, 2020_01_27), (1, 22, 2020_02_04)]),
    (Kind::Berry, &[(2, 0, 2020_01_24), (3, 0, 2021_07_26), (4, 0, 2023_10_23)]),
    (
        Kind::Pnpm,
        &[
            (1, 0, 2017_06_28),
            (2, 0, 2018_05_27),
            (3, 0, 2019_03_07),
            (4, 0, 2019_10_10),
            (5, 0, 2020_05_26),
            (6, 0, 2021_03_30),
            (7, 0, 2022_05_01),
            (8, 0, 2023_03_27),
            (9, 0, 2024_04_16),
            (10, 0, 2025_01_07),
            (11, 0, 2026_04_28),
            (12, 0, 2026_08_26),
        ],
    ),
    (Kind::Bun, &[(0, 1, 2022_07_05), (1, 0, 2023_09_08), (1, 1, 2024_04_01), (1, 2, 2025_01_22), (1, 3, 2025_10_10)]),
];

/// The npm that came with a Node, where it changed (`node:npm`, ascending in each major). Source:
/// up to 16.10 the release index of nodejs.org; later ones as the release notes say, by minor. What
/// is newer than a line's last row has that row's.
const BUNDLED: &str = "\
    0.10.0:1.2.14 0.10.1:1.2.15 0.10.3:1.2.17 0.10.4:1.2.18 0.10.7:1.2.21 0.10.8:1.2.23 0.10.9:1.2.24 0.10.10:1.2.25 \
    0.10.11:1.2.30 0.10.12:1.2.32 0.10.13:1.3.2 0.10.14:1.3.5 0.10.16:1.3.8 0.10.19:1.3.11 0.10.22:1.3.14 0.10.23:1.3.17 \
    0.10.24:1.3.21 0.10.25:1.3.24 0.10.26:1.4.3 0.10.27:1.4.8 0.10.28:1.4.9 0.10.29:1.4.14 0.10.30:1.4.21 0.10.31:1.4.23 \
    0.10.32:1.4.28 0.10.41:1.4.29 0.10.44:2.15.0 0.10.45:2.15.1 0.11.0:1.2.15 0.11.1:1.2.18 0.11.2:1.2.21 0.11.3:1.2.25 \
    0.11.4:1.3.4 0.11.5:1.3.6 0.11.6:1.3.8 0.11.8:1.3.13 0.11.9:1.3.15 0.11.10:1.3.22 0.11.11:1.3.25 0.11.12:1.4.3 \
    0.11.13:1.4.9 0.11.14:2.0.0 0.11.15:2.1.6 0.11.16:2.3.0 0.12.0:2.5.1 0.12.2:2.7.4 0.12.3:2.9.1 0.12.4:2.10.1 \
    0.12.5:2.11.2 0.12.7:2.11.3 0.12.8:2.14.9 0.12.13:2.15.0 0.12.14:2.15.1 0.12.18:2.15.11 4.0.0:2.14.2 4.1.0:2.14.3 \
    4.1.1:2.14.4 4.2.0:2.14.7 4.2.4:2.14.12 4.4.0:2.14.20 4.4.2:2.15.0 4.4.3:2.15.1 4.4.5:2.15.5 4.4.7:2.15.8 4.5.0:2.15.9 \
    4.6.2:2.15.11 5.0.0:3.3.6 5.1.0:3.3.12 5.6.0:3.6.0 5.8.0:3.7.3 5.10.0:3.8.3 5.11.0:3.8.6 6.0.0:3.8.6 6.2.0:3.8.9 \
    6.2.1:3.9.3 6.2.2:3.9.5 6.3.0:3.10.3 6.8.0:3.10.8 6.9.2:3.10.9 6.9.3:3.10.10 7.0.0:3.10.8 7.1.0:3.10.9 7.2.1:3.10.10 \
    7.4.0:4.0.5 7.5.0:4.1.2 7.8.0:4.2.0 8.0.0:5.0.0 8.1.0:5.0.3 8.2.0:5.3.0 8.7.0:5.4.2 8.9.0:5.5.1 8.9.4:5.6.0 \
    8.12.0:6.4.1 8.17.0:6.13.4 9.0.0:5.5.1 9.4.0:5.6.0 10.0.0:5.6.0 10.3.0:6.1.0 10.8.0:6.2.0 10.10.0:6.4.1 10.16.0:6.9.0 \
    10.17.0:6.11.3 10.18.0:6.13.4 10.20.0:6.14.4 10.22.0:6.14.6 10.23.0:6.14.8 10.23.1:6.14.10 10.23.3:6.14.11 \
    10.24.1:6.14.12 11.0.0:6.4.1 11.7.0:6.5.0 11.10.0:6.7.0 12.0.0:6.9.0 12.7.0:6.10.0 12.8.0:6.10.2 12.10.0:6.10.3 \
    12.11.0:6.11.3 12.13.0:6.12.0 12.13.1:6.12.1 12.14.0:6.13.4 12.16.2:6.14.4 12.18.1:6.14.5 12.18.3:6.14.6 \
    12.19.0:6.14.8 12.20.1:6.14.10 12.20.2:6.14.11 12.22.1:6.14.12 12.22.2:6.14.13 12.22.4:6.14.14 12.22.6:6.14.15 \
    13.0.0:6.12.0 13.1.0:6.12.1 13.2.0:6.13.1 13.4.0:6.13.4 13.7.0:6.13.6 13.9.0:6.13.7 13.12.0:6.14.4 14.0.0:6.14.4 \
    14.3.0:6.14.5 14.6.0:6.14.6 14.7.0:6.14.7 14.9.0:6.14.8 14.15.2:6.14.9 14.15.4:6.14.10 14.15.5:6.14.11 14.16.1:6.14.12 \
    14.17.0:6.14.13 14.17.4:6.14.14 14.17.6:6.14.15 15.0.0:7.0.2 15.0.1:7.0.3 15.1.0:7.0.8 15.3.0:7.0.14 15.4.0:7.0.15 \
    15.5.0:7.3.0 15.6.0:7.4.0 15.7.0:7.4.3 15.8.0:7.5.1 15.9.0:7.5.3 15.11.0:7.6.0 15.12.0:7.6.3 15.13.0:7.7.6 \
    16.0.0:7.10.0 16.1.0:7.11.2 16.2.0:7.13.0 16.3.0:7.15.1 16.4.0:7.18.1 16.5.0:7.19.1 16.6.1:7.20.3 16.8.0:7.21.0 \
    16.9.0:7.21.1 16.10.0:7.24.0 16.11.0:8.0.0 16.12.0:8.1.0 16.13.1:8.1.2 16.14.0:8.3.1 16.15.0:8.5.5 16.15.1:8.11.0 16.16.0:8.11.0 16.17.0:8.15.0 \
    16.18.0:8.19.2 16.19.0:8.19.3 16.20.0:8.19.4 17.0.0:8.1.0 17.3.0:8.3.0 17.5.0:8.4.1 17.7.0:8.5.2 17.8.0:8.5.5 17.9.1:8.11.0 \
    18.0.0:8.6.0 18.1.0:8.8.0 18.2.0:8.9.0 18.3.0:8.11.0 18.4.0:8.12.1 18.6.0:8.13.2 18.7.0:8.15.0 18.8.0:8.18.0 \
    18.9.0:8.19.1 18.10.0:8.19.2 18.13.0:8.19.3 18.14.0:9.3.1 18.15.0:9.5.0 18.16.0:9.5.1 18.17.0:9.6.7 18.18.0:9.8.1 \
    18.19.0:10.2.3 18.20.0:10.5.0 18.20.3:10.7.0 18.20.5:10.8.2 19.0.0:8.19.2 19.3.0:9.2.0 19.5.0:9.3.1 19.7.0:9.5.0 \
    19.9.0:9.6.3 20.0.0:9.6.4 20.2.0:9.6.6 20.3.0:9.6.7 20.4.0:9.7.2 20.5.0:9.8.0 20.6.0:9.8.1 20.7.0:10.1.0 \
    20.10.0:10.2.3 20.11.0:10.2.4 20.12.0:10.5.0 20.13.0:10.5.2 20.14.0:10.7.0 20.16.0:10.8.1 20.17.0:10.8.2 21.0.0:10.2.0 \
    21.2.0:10.2.3 21.7.0:10.5.0 22.0.0:10.5.1 22.1.0:10.7.0 22.3.0:10.8.1 22.5.0:10.8.2 22.9.0:10.8.3 22.10.0:10.9.0 \
    22.13.0:10.9.2 22.18.0:10.9.3 22.21.0:10.9.4 23.0.0:10.9.0 23.6.0:10.9.2 24.0.0:11.3.0 24.3.0:11.4.2 24.5.0:11.5.1 \
    24.8.0:11.6.0 24.10.0:11.6.1 24.12.0:11.6.2 25.0.0:11.6.2";

/// Days by which a registry's time of a line's first release may be off and still be the publish
/// time.
const TOLERANCE_DAYS: i64 = 45;

/// The npm that came with a Node.
pub(super) fn bundled_npm(node: &str) -> Option<&'static str> {
    let node = version::parse(node)?;
    let rows = BUNDLED.split_ascii_whitespace().filter_map(|row| row.split_once(':'));
    let before =
        rows.filter_map(|(from, npm)| Some((version::parse(from)?, npm))).filter(|(from, _)| from.major() == node.major() && *from <= node);
    before.max_by(|a, b| a.0.cmp(&b.0)).map(|(_, npm)| npm)
}

/// The Nodes on which a manager runs, where its own `engines` promises too much. Measured by
/// installing a package with each on Node 4 to 22: npm 3.10.10, 4.6.1, 5.6.0 and 6.4.1 end with
/// `cb.apply is not a function` from 12 on; yarn 1.22.22 is not understood by 4; pnpm 2.25.7 ends
/// as npm 3 does; pnpm 6.35.1, 7.0.0, 8.0.0 and 8.3.0 can ask no registry from 20 on
/// (`ERR_INVALID_THIS`), 7.32.5 and 8.3.1 can.
pub(super) fn measured(kind: Kind, version: &str) -> Option<&'static str> {
    let version = version::parse(version)?;
    match (kind, (version.major(), version.minor(), version.patch())) {
        (Kind::Npm, (3..=5, ..) | (6, 0..9, _)) | (Kind::Pnpm, (0..=2, ..)) => Some("<12"),
        (Kind::Pnpm, (6, ..) | (7, 0..32, _) | (8, 0..3, _) | (8, 3, 0)) => Some("<20"),
        (Kind::Yarn, (1, 22.., _)) => Some(">=6"),
        _ => None,
    }
}

/// Whether a version's package has all that it needs. yarn before 1 leaves its dependencies to be
/// installed.
pub(super) fn is_whole(kind: Kind, version: &str) -> bool {
    kind != Kind::Yarn || version::parse(version).is_some_and(|version| version.major() > 0)
}

/// The newest version in a range that was out at a moment; where none was, the newest of the oldest
/// line in the range.
///
/// The registry's own times are used where they can be true. A mirror's are when it first saw a
/// version: then the line's first release decides, and within the line the newest version is taken.
pub(super) fn pick<'v>(kind: Kind, range: &VersionRange, at: Timestamp, published: &'v [PublishedVersion]) -> Option<&'v str> {
    let stable = published.iter().filter_map(|entry| Some((version::parse(&entry.version)?, entry)));
    let fitting: Vec<(Version, &PublishedVersion)> =
        stable.filter(|(version, _)| !version.is_prerelease() && range.contains(version)).collect();
    let honest = times_are_true(kind, published);
    let today = day(at);
    let was_out = |version: &Version, entry: &PublishedVersion| {
        if honest && let Some(time) = entry.at() {
            return time <= at;
        }
        // A line newer than the table: a mirror cannot have seen it before it was there.
        line_day(kind, version).map_or_else(|| entry.at().is_some_and(|time| time <= at), |line| line <= today)
    };
    let newest = |wanted: &dyn Fn(&Version, &PublishedVersion) -> bool| {
        let of_time = fitting.iter().filter(|(version, entry)| wanted(version, entry));
        of_time.max_by(|a, b| a.0.cmp(&b.0)).map(|(_, entry)| entry.version.as_str())
    };
    newest(&was_out).or_else(|| {
        let oldest = fitting.iter().map(|(version, _)| version.major()).min()?;
        newest(&|version, _| version.major() == oldest)
    })
}

/// The first day of the line that a version belongs to. None where the version's major is newer
/// than the table.
fn line_day(kind: Kind, version: &Version) -> Option<u32> {
    let lines = lines(kind);
    let newest = lines.last()?;
    if version.major() > newest.0 {
        return None;
    }
    lines
        .iter()
        .rev()
        .find(|(major, minor, _)| (*major, *minor) <= (version.major(), version.minor()))
        .map_or(Some(0), |(.., day)| Some(*day))
}

fn lines(kind: Kind) -> &'static [Line] {
    LINES.iter().find(|(own, _)| *own == kind).map_or(&[], |(_, lines)| *lines)
}

/// Whether the registry's times are those of publishing: the lines' first releases have the days
/// that are known.
fn times_are_true(kind: Kind, published: &[PublishedVersion]) -> bool {
    let mut known = 0;
    for (major, minor, first) in lines(kind) {
        let name = format!("{major}.{minor}.0");
        let Some(time) = published.iter().find(|entry| entry.version == name).and_then(PublishedVersion::at) else { continue };
        let expected = jiff::civil::date(i16::try_from(first / 10_000).unwrap_or(0), month(*first), date(*first));
        let Ok(expected) = expected.to_zoned(jiff::tz::TimeZone::UTC) else { continue };
        if (time.as_second() - expected.timestamp().as_second()).abs() > TOLERANCE_DAYS * 86_400 {
            return false;
        }
        known += 1;
    }
    known > 0
}

fn month(day: u32) -> i8 {
    i8::try_from(day / 100 % 100).unwrap_or(1)
}

fn date(day: u32) -> i8 {
    i8::try_from(day % 100).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: &str) -> Timestamp {
        format!("{day}T12:00:00Z").parse().unwrap()
    }

    fn list(entries: &[(&str, &str)]) -> Vec<PublishedVersion> {
        let entry = |(version, time): &(&str, &str)| PublishedVersion {
            version: (*version).to_owned(),
            time: Some(format!("{time}T00:00:00.000Z")),
        };
        entries.iter().map(entry).collect()
    }

    fn picked(kind: Kind, range: &str, day: &str, published: &[PublishedVersion]) -> String {
        pick(kind, &VersionRange::parse(range).unwrap(), at(day), published).unwrap_or("-").to_owned()
    }

    #[test]
    fn the_npm_that_came_with_a_node() {
        for (node, npm) in [
            ("4.9.1", Some("2.15.11")),
            ("8.9.4", Some("5.6.0")),
            ("8.17.0", Some("6.13.4")),
            ("14.21.3", Some("6.14.15")),
            ("16.0.0", Some("7.10.0")),
            ("18.20.8", Some("10.8.2")),
            ("20.9.0", Some("10.1.0")),
            ("22.23.3", Some("10.9.4")),
            ("99.0.0", None),
        ] {
            assert_eq!(bundled_npm(node), npm, "{node}");
        }
    }

    #[test]
    fn what_engines_does_not_say_is_known() {
        for (version, range) in [("2.15.12", None), ("3.10.10", Some("<12")), ("6.4.1", Some("<12")), ("6.14.18", None)] {
            assert_eq!(measured(Kind::Npm, version), range, "{version}");
        }
        for (version, range) in [("5.18.10", None), ("6.35.1", Some("<20")), ("7.33.7", None), ("8.3.0", Some("<20")), ("8.3.1", None)] {
            assert_eq!(measured(Kind::Pnpm, version), range, "{version}");
        }
        assert!(!is_whole(Kind::Yarn, "0.27.5") && is_whole(Kind::Yarn, "1.0.0") && is_whole(Kind::Bun, "0.5.0"));
    }

    #[test]
    fn true_times_decide() {
        let published = list(&[("8.0.0", "2023-03-27"), ("8.6.0", "2023-05-29"), ("8.15.0", "2024-01-08"), ("9.0.0", "2024-04-16")]);
        assert_eq!(picked(Kind::Pnpm, "*", "2023-06-01", &published), "8.6.0");
        assert_eq!(picked(Kind::Pnpm, ">=8", "2024-05-01", &published), "9.0.0");
    }

    #[test]
    fn times_of_a_mirror_do_not_count() {
        let published = list(&[
            ("7.1.0", "2025-08-31"),
            ("8.0.0", "2024-12-13"),
            ("8.15.0", "2024-12-20"),
            ("9.0.0", "2025-07-09"),
            ("13.0.0", "2027-01-01"),
        ]);
        assert_eq!(picked(Kind::Pnpm, "*", "2023-06-01", &published), "8.15.0");
        assert_eq!(picked(Kind::Pnpm, "*", "2026-12-01", &published), "9.0.0");
        assert_eq!(picked(Kind::Pnpm, "*", "2027-02-01", &published), "13.0.0");
    }

    #[test]
    fn a_range_that_is_newer_than_the_moment_gives_its_oldest_line() {
        let published = list(&[("8.0.0", "2024-12-13"), ("9.0.0", "2025-07-09"), ("10.0.0", "2025-07-09")]);
        assert_eq!(picked(Kind::Pnpm, ">=9", "2020-06-01", &published), "9.0.0");
        assert_eq!(picked(Kind::Pnpm, "^11", "2020-06-01", &published), "-");
    }
}
