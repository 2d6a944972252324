//! npm's version rules, over the `nodejs-semver` crate.
//!
//! The crate orders versions as npm's own `semver` 7 does. It differs in a few classes, which are
//! mended here: a version with something behind it (`1.2.3 2.0.0` is none), comparators that
//! contradict each other (`>=2 <1` must match nothing), an operator before a wildcard (`^*`, `<x`),
//! and a hyphen range that is upside down. Each alternative is taken apart, and a version must
//! satisfy every comparator by itself.

use std::cmp::Ordering;

use nodejs_semver::{Range, Version};

/// Longest version and range that are read: npm's own limit for a version, and many times what any
/// range needs.
const MAX_VERSION: usize = 256;
const MAX_RANGE: usize = 2048;

/// A version in its loose reading: blanks, `v` and `=` in front are skipped, as npm does.
pub fn parse(text: &str) -> Option<Version> {
    let text = text.trim().trim_start_matches(['v', '=', ' ', '\t']);
    if text.len() > MAX_VERSION || !is_whole(text) {
        return None;
    }
    Version::parse(text).ok()
}

/// Whether all of a text is one version. The crate stops reading at what it does not know; npm does
/// not.
fn is_whole(text: &str) -> bool {
    let identifiers =
        |text: &str| text.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
    let (main, build) = text.split_once('+').map_or((text, None), |(main, build)| (main, Some(build)));
    let mut numbers = main.splitn(3, '.');
    let is_number = |part: Option<&str>| part.is_some_and(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    if !is_number(numbers.next()) || !is_number(numbers.next()) {
        return false;
    }
    let last = numbers.next().unwrap_or("");
    let pre_release = last.trim_start_matches(|c: char| c.is_ascii_digit());
    // In the loose reading the hyphen may be missing: `1.2.3beta`.
    let pre_release_is_whole = pre_release.is_empty() || identifiers(pre_release.strip_prefix('-').unwrap_or(pre_release));
    pre_release.len() < last.len() && pre_release_is_whole && build.is_none_or(identifiers)
}

/// The clean form of a version: no prefix, no build metadata. None if it is not exactly one
/// version.
pub fn clean(text: &str) -> Option<String> {
    let shown = parse(text)?.to_string();
    let clean = shown.split_once('+').map_or(shown.as_str(), |(version, _)| version);
    // The hyphen that the loose reading adds can make it one too long to be read again.
    (clean.len() <= MAX_VERSION).then(|| clean.to_owned())
}

/// Whether two texts are one version, as npm cleans them. Texts that are no versions are compared
/// as they are.
pub fn same(one: &str, other: &str) -> bool {
    one == other || clean(one).is_some_and(|one| clean(other) == Some(one))
}

/// Orders two versions by precedence; what is not a version comes before every version.
pub fn compare(a: &str, b: &str) -> Ordering {
    match (parse(a), parse(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

/// A range of versions, in npm's loose reading.
#[derive(Debug, Clone)]
pub struct VersionRange {
    alternatives: Vec<Alternative>,
}

#[derive(Debug, Clone)]
struct Alternative {
    whole: Range,
    comparators: Vec<Range>,
}

impl VersionRange {
    /// Reads a range. None if no alternative of it can be read, as npm's `validRange` says.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_RANGE || text.chars().any(char::is_control) {
            return None;
        }
        let mut valid = false;
        let mut alternatives = Vec::new();
        for part in text.split("||") {
            match alternative(part) {
                Reading::Never => valid = true,
                Reading::When(alternative) => {
                    valid = true;
                    alternatives.push(alternative);
                }
                Reading::Invalid => {}
            }
        }
        valid.then_some(Self { alternatives })
    }

    /// Whether the range is `*`, or says as little.
    pub fn is_any(&self) -> bool {
        self.alternatives.iter().any(|alternative| alternative.comparators.is_empty())
    }

    /// Whether a version lies in the range; pre-releases count only where npm lets them.
    pub fn contains(&self, version: &Version) -> bool {
        self.alternatives.iter().any(|alternative| alternative.contains(version))
    }
}

impl Alternative {
    fn contains(&self, version: &Version) -> bool {
        // Whether a pre-release may match at all is a matter of all comparators together; where it
        // lies is one of each.
        if version.is_prerelease() {
            self.whole.satisfies(version) && self.comparators.iter().all(|range| range.satisfies_with_prerelease(version, true))
        } else {
            self.comparators.iter().all(|range| range.satisfies(version))
        }
    }
}

enum Reading {
    Invalid,
    Never,
    When(Alternative),
}

fn alternative(text: &str) -> Reading {
    let mut comparators = Vec::new();
    let mut words = Vec::new();
    let mut wildcard = text.trim().is_empty();
    for word in split(text) {
        let (operator, operand) = word.split_at(word.len() - word.trim_start_matches(['^', '~', '<', '>', '=']).len());
        let operand = operand.trim_start_matches(['v', '=']);
        if is_wildcard(operand) {
            // Of `x.y` and `*-1` npm reads nothing: such a word is passed over, too.
            if !is_any_version(operand) {
                continue;
            }
            if matches!(operator, "<" | ">") {
                return Reading::Never;
            }
            wildcard = true;
            continue;
        }
        // `~=1` and `>==1` are `~1` and `>=1`: an `=` in front of a version says nothing. In the
        // loose reading a word that cannot be read is passed over.
        let operator = if operator.len() > 1 && !matches!(operator, ">=" | "<=" | "~>") {
            operator.strip_suffix('=').unwrap_or(operator)
        } else {
            operator
        };
        let word = format!("{operator}{operand}");
        if operand.is_empty() {
            continue;
        }
        let Ok(range) = Range::parse(&word) else { continue };
        comparators.push(range);
        words.push(word);
    }
    if words.is_empty() {
        return if wildcard { Reading::When(Alternative { whole: Range::any(), comparators }) } else { Reading::Invalid };
    }
    match Range::parse(words.join(" ")) {
        Ok(whole) => Reading::When(Alternative { whole, comparators }),
        // Every comparator can be read, and together they leave nothing.
        Err(_) => Reading::Never,
    }
}

/// Whether the first part of a version is one that stands for any.
fn is_wildcard(operand: &str) -> bool {
    let end = operand.find(['.', '-', '+']).unwrap_or(operand.len());
    matches!(operand.get(..end), Some("*" | "x" | "X"))
}

/// Whether a version has up to three parts, each a number or a sign for any.
fn is_any_version(operand: &str) -> bool {
    let is_part = |part: &str| matches!(part, "*" | "x" | "X") || !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    operand.split('.').count() <= 3 && operand.split('.').all(is_part)
}

/// The comparators of one alternative, each with its operator glued on; `a - b` becomes two.
fn split(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if let [low, "-", high] = words.as_slice() {
        return [(">=", low), ("<=", high)].iter().map(|(operator, bound)| format!("{operator}{bound}")).collect();
    }
    let mut out: Vec<String> = Vec::new();
    for word in words {
        match out.last_mut().filter(|last| last.ends_with(['^', '~', '<', '>', '='])) {
            Some(operator) => operator.push_str(word),
            None => out.push(word.to_owned()),
        }
    }
    out
}
