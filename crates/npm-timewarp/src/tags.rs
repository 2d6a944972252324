//! Where the tags of a package stood: today's target, and the name of a tag, say which versions it
//! led to before.

use std::collections::HashMap;

use jiff::Timestamp;
use nodejs_semver::Version;

use npm_spec::version;

/// Names of tags that lead to what is not released yet, whatever word its versions have
/// (`typescript@next` is `5.8.0-dev.20250128`).
const AHEAD: [&str; 20] = [
    "alpha",
    "beta",
    "canary",
    "ci",
    "dev",
    "develop",
    "edge",
    "experimental",
    "head",
    "insiders",
    "main",
    "master",
    "next",
    "nightly",
    "pre",
    "prerelease",
    "preview",
    "rc",
    "snapshot",
    "unstable",
];

/// Where `latest` stood, if its target of today was not there.
pub(super) fn latest<'a>(there: &[(&'a str, Option<Version>)], today: &str, published: &HashMap<&str, Timestamp>) -> Option<&'a str> {
    let today = version::parse(today);
    let stable =
        || there.iter().filter_map(|(text, version)| Some((version.as_ref()?, *text))).filter(|(version, _)| !version.is_prerelease());
    let below = stable().filter(|(version, _)| today.as_ref().is_none_or(|today| *version <= today)).max();
    // Above today's only: then today's came back to an older line, and what was tagged before was
    // one of these.
    let any = || stable().max();
    // A time that is missing counts as the earliest.
    let newest = || there.iter().max_by_key(|(text, version)| (published.get(text), version)).map(|(text, _)| *text);
    below.or_else(any).map(|(_, text)| text).or_else(newest)
}

/// The highest version of a target's line below it: the same first pre-release word, in the same
/// major version, or else in an earlier one where the target is a pre-release. `next` and `beta`
/// go on from one major version to the next.
pub(super) fn same_line<'a>(there: &[(&'a str, Option<Version>)], target: &str) -> Option<&'a str> {
    let target = version::parse(target)?;
    let of_line = |(text, version): &(&'a str, Option<Version>)| {
        let version = version.clone()?;
        (word(&version) == word(&target) && version < target).then_some((version, *text))
    };
    let line = || there.iter().filter_map(of_line);
    let own = line().filter(|(version, _)| version.major() == target.major()).max();
    own.or_else(|| line().filter(|_| target.is_prerelease()).max()).map(|(_, text)| text)
}

/// The version that a tag may have led to which the registry does not have, or has no more. `there`
/// are the versions that are shown.
///
/// The name says it: the highest version with that pre-release word, the highest of a major version
/// (`v3`, `latest-3`, `3.x`), the highest of all for a tag of what is not released yet, and else
/// the highest that is released. `None` without a version.
pub(super) fn guessed<'a>(tag: &str, there: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let there: Vec<(Version, &str)> = there.filter_map(|text| Some((version::parse(text)?, text))).collect();
    let highest = |fits: &dyn Fn(&Version) -> bool| there.iter().filter(|(version, _)| fits(version)).max();
    let of_word = || highest(&|version| word(version).as_deref() == Some(tag));
    let of_major = || major(tag).and_then(|major| highest(&|version| version.major() == major && !version.is_prerelease()));
    let ahead = || AHEAD.contains(&tag).then(|| highest(&|_| true)).flatten();
    let found = of_word().or_else(of_major).or_else(ahead).or_else(|| highest(&|version| !version.is_prerelease()));
    found.or_else(|| highest(&|_| true)).map(|(_, text)| *text)
}

/// The first word of a pre-release.
fn word(version: &Version) -> Option<String> {
    version.pre_release().first().map(ToString::to_string)
}

/// The major version that a tag names.
fn major(tag: &str) -> Option<u64> {
    let number = ["latest-", "release-", "version-", "v"].iter().find_map(|start| tag.strip_prefix(start)).unwrap_or(tag);
    let number = number.strip_prefix('v').unwrap_or(number);
    number.strip_suffix(".x").or_else(|| number.strip_suffix("-lts")).unwrap_or(number).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_prereleases_goes_on_over_major_versions_and_one_of_releases_does_not() {
        let there = ["5.7.3", "5.8.0-dev.20250127", "5.8.0-dev.20250128", "5.8.0-beta"];
        let there: Vec<_> = there.iter().map(|text| (*text, version::parse(text))).collect();
        assert_eq!(same_line(&there, "7.0.0-dev.20260101"), Some("5.8.0-dev.20250128"));
        assert_eq!(same_line(&there, "7.0.0-beta"), Some("5.8.0-beta"));
        assert_eq!(same_line(&there, "7.0.0-rc"), None);
        assert_eq!(same_line(&there, "6.0.0"), None);
        assert_eq!(same_line(&there, "5.9.0"), Some("5.7.3"));
    }

    #[test]
    fn a_tag_that_is_gone_is_guessed_by_its_name() {
        let there = ["1.9.0", "2.0.0", "2.1.0", "3.0.0-beta.1", "3.0.0-dev.7", "2.2.0-next.1"];
        let guess = |tag: &str| guessed(tag, there.into_iter());
        assert_eq!([guess("beta"), guess("dev"), guess("next")], [Some("3.0.0-beta.1"), Some("3.0.0-dev.7"), Some("2.2.0-next.1")]);
        assert_eq!([guess("v1"), guess("latest-1"), guess("1.x"), guess("v1-lts")], [Some("1.9.0"); 4]);
        assert_eq!([guess("nightly"), guess("canary")], [Some("3.0.0-dev.7"); 2], "the highest of all");
        assert_eq!([guess("stable"), guess("lts"), guess("v9"), guess("1.9")], [Some("2.1.0"); 4], "the highest release");
        assert_eq!(guessed("next", ["1.0.0", "0.9.0-rc.1"].into_iter()), Some("1.0.0"), "a release behind the last pre-release");
        assert_eq!(guessed("stable", ["1.0.0-a", "0.9.0-b"].into_iter()), Some("1.0.0-a"), "nothing was released");
        assert_eq!(guessed("next", std::iter::empty()), None);
    }
}
