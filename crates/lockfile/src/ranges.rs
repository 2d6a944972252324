//! Ranges of versions as package.json files have them.

use npm_spec::version::{self, VersionRange};

use super::address;

/// Most words of two ranges that are looked at; with more they may have anything in common.
const MAX_WORDS: usize = 200;

/// The range of `npm:name@range`, and else the text itself.
pub(crate) fn bare(wanted: &str) -> &str {
    wanted.strip_prefix("npm:").map_or(wanted, |real| address::split_name(real).map_or("*", |(_, range)| range)).trim()
}

/// Whether a version is what is wanted, as npm takes it: a tag and an address it takes for met.
pub(crate) fn is_met(wanted: &str, locked: Option<&str>) -> bool {
    let range = bare(wanted);
    match VersionRange::parse(range).filter(|_| !matches!(range, "" | "*")) {
        Some(range) => locked.and_then(version::parse).is_some_and(|version| range.contains(&version)),
        None => range.is_empty() || range == "*" || address::is_tag(range) || address::kind(range).is_some(),
    }
}

/// Whether yarn 2 and later takes a workspace of a version for a range: for a tag it asks the
/// registry. A version before a release counts as that release.
pub(crate) fn is_of_sibling(wanted: &str, version: &str) -> bool {
    let release = version.split(['-', '+']).next().unwrap_or(version);
    let range = VersionRange::parse(bare(wanted));
    range.is_some_and(|range| [version, release].into_iter().filter_map(version::parse).any(|version| range.contains(&version)))
}

/// Whether a version may be in a range: of what is none, only the client knows.
pub(crate) fn may_have(wanted: &str, locked: &str) -> bool {
    let range = bare(wanted);
    let parsed = VersionRange::parse(range).filter(|_| !matches!(range, "" | "*")).zip(version::parse(locked));
    parsed.is_none_or(|(range, locked)| range.contains(&locked))
}

/// Whether there may be a version that is in both ranges. What is no range may be anything.
pub(crate) fn intersect(one: &str, other: &str) -> bool {
    let (one, other) = (bare(one), bare(other));
    let Some((first, second)) = VersionRange::parse(one).zip(VersionRange::parse(other)) else { return true };
    // What two ranges have in common begins where one of them does.
    let has_common = |text: &str| version::parse(text).is_some_and(|version| first.contains(&version) && second.contains(&version));
    let is_word = |word: &&str| word.contains(|c: char| c.is_ascii_digit());
    let mut words = one.split(['|', ' ']).chain(other.split(['|', ' '])).filter(is_word);
    has_common("0.0.0")
        || words.by_ref().take(MAX_WORDS).any(|word| beginnings(word).iter().any(|text| has_common(text)))
        || words.next().is_some()
}

/// Whether two texts are one range for deno, which writes the range down in its shortest form:
/// `^1.0.0` as `1`. Texts that only come to the same versions are two.
pub(crate) fn are_same(asked: &str, own: &str) -> bool {
    let (asked, own): (Vec<_>, Vec<_>) = (asked.split("||").map(str::trim).collect(), own.split("||").map(str::trim).collect());
    asked.len() == own.len() && asked.len() <= MAX_WORDS && asked.iter().zip(own).all(|(asked, own)| is_same_part(asked, own))
}

/// The same of a range without a bar.
fn is_same_part(asked: &str, own: &str) -> bool {
    let Some((first, second)) = VersionRange::parse(asked).zip(VersionRange::parse(own)) else { return asked == own };
    let words = |text: &str| text.split_ascii_whitespace().filter(|word| word.contains(|c: char| c.is_ascii_digit())).count();
    let operator = |text: &str| text.get(..text.find(|c| !matches!(c, '<' | '>' | '=')).unwrap_or(0)).unwrap_or_default().to_owned();
    let is_of_one_kind = words(asked) > 1 || operator(asked).trim_end_matches('=') == operator(own).trim_end_matches('=');
    if first.is_any() != second.is_any() || words(own) > words(asked).max(1) || words(asked) > MAX_WORDS || !is_of_one_kind {
        return false;
    }
    let agree = |text: &str| version::parse(text).is_none_or(|version| first.contains(&version) == second.contains(&version));
    let all = asked.split([' ', ',']).chain(own.split([' ', ','])).filter(|word| word.contains(|c: char| c.is_ascii_digit()));
    // Where one of the two begins or ends, and behind that.
    agree("0.0.0") && all.flat_map(beginnings).all(|text| agree(&text) && beginnings(&text).iter().all(|next| agree(next)))
}

/// The versions with which the range of a word of one, or what is behind it, can begin.
fn beginnings(word: &str) -> [String; 5] {
    let bare = word.trim_start_matches(|c: char| !c.is_ascii_digit());
    let core = bare.split(['-', '+']).next().unwrap_or(bare);
    let mut parts = core.split('.').map(|part| part.parse::<u64>().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    let (major, minor, patch) = (next(), next(), next());
    [
        bare.to_owned(),
        format!("{major}.{minor}.{patch}"),
        format!("{major}.{minor}.{}", patch.saturating_add(1)),
        format!("{major}.{}.0", minor.saturating_add(1)),
        format!("{}.0.0", major.saturating_add(1)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_ranges_have_a_version_in_common_or_none() {
        for (one, other) in [
            ("^1.0.0", "^1.2.0"),
            ("^1.0.0", "*"),
            ("", "^2"),
            (">=1", "<2"),
            ("^16.8.0 || ^17.0.0 || ^18.0.0", "^18.2.0"),
            (">=4.8.4 <5.9.0", "^5.5.0"),
            (">1.2.3", "~1.2.0"),
            (">1", "2.x"),
            ("1 - 2", "2.4.0"),
            ("npm:a@^1.0.0", "1.x"),
            ("<=1.0.0", "0.x"),
            ("^1.0.0-beta.1", "1.0.0-beta.2"),
            ("^1.0.0-beta.1", "^1.0.0"),
            ("latest", "^1.0.0"),
            ("~0.0.3", "0.0.9"),
        ] {
            assert!(intersect(one, other) && intersect(other, one), "{one} and {other}");
        }
        for (one, other) in [("^1.0.0", "^2.0.0"), ("<1", ">=1"), ("~1.2.0", "~1.3.0"), ("1.0.0", ">1.0.0"), ("^16 || ^17", "^18.0.0")] {
            assert!(!intersect(one, other) && !intersect(other, one), "{one} and {other}");
        }
    }

    #[test]
    fn a_version_meets_a_range_a_tag_and_an_address() {
        for wanted in ["^1.0.0", "*", "", "npm:a@1", "latest", "git+https://x.example/a.git", ">=1.0.0 <2"] {
            assert!(is_met(wanted, Some("1.0.0")), "{wanted}");
        }
        for wanted in ["^2.0.0", "npm:a@2", "1,2"] {
            assert!(!is_met(wanted, Some("1.0.0")), "{wanted}");
        }
    }
}
