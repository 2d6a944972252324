//! Which tag of a repository is the one of a version.
//!
//! In: a repository's tag names, a package's name, a version. Out: the tags that name this version,
//! best first, each with the reason. Two questions decide, in this order of weight: whose version
//! the tag names (a repository holds many packages, and tags of a sibling look alike), and how
//! exactly it spells the version. The order of names in the text decides nothing: in repositories
//! where several tags fit, the first in the alphabet is wrong nearly half of the time. A tag is
//! evidence of where to look; the content at its commit is what counts.

mod owner;
mod spelling;
#[cfg(test)]
mod tests;

use std::cmp::{Ordering, Reverse};
use std::collections::HashSet;

use owner::{Names, Owner};
use spelling::{Match, Spelling, Version};

/// Longest tag that is looked at, in bytes; longer ones name no version.
const MAX_TAG: usize = 300;

/// How well a tag names a package's version; the greater is the better. The reason has no part in
/// comparisons.
#[derive(Debug, Clone, Copy)]
pub struct TagRank {
    score: u8,
    reason: &'static str,
}

impl TagRank {
    /// Why, in a few words, for the evidence.
    pub fn reason(self) -> &'static str {
        self.reason
    }
}

impl Ord for TagRank {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.cmp(&other.score)
    }
}

impl PartialOrd for TagRank {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for TagRank {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for TagRank {}

/// A tag with its rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RankedTag<'a> {
    /// The tag's name, as it was given.
    pub tag: &'a str,
    /// How well it fits.
    pub rank: TagRank,
}

/// Ranks one tag; `None` if it does not name this version, or names another package's.
///
/// `refs/tags/` before the name and git's `^{}` behind it are left out of account.
pub fn rank(tag: &str, name: &str, version: &str) -> Option<TagRank> {
    rank_as(tag, &Names::new(name), &Version::parse(version)?, false)
}

/// The best tags for a version, at most `limit`, best first. Whatever the order given, the answer
/// is the same: of equal ones the shorter comes first.
///
/// Takes time linear in the number of tags (and sorts those that fit). Where the tags show that
/// several packages live in the repository, a tag with a prefix that is not this package's is
/// another package's, and is left out.
pub fn best<'a>(tags: impl IntoIterator<Item = &'a str>, name: &str, version: &str, limit: usize) -> Vec<RankedTag<'a>> {
    let Some(version) = Version::parse(version) else {
        return Vec::new();
    };
    let names = Names::new(name);
    let tags: Vec<&'a str> = tags.into_iter().collect();
    let several = holds_several(&tags, &names);
    let mut ranked: Vec<RankedTag<'a>> =
        tags.into_iter().filter_map(|tag| rank_as(tag, &names, &version, several).map(|rank| RankedTag { tag, rank })).collect();
    ranked.sort_by_key(|ranked| (Reverse(ranked.rank), ranked.tag.len(), ranked.tag));
    ranked.truncate(limit);
    ranked
}

fn rank_as(tag: &str, names: &Names, version: &Version, several: bool) -> Option<TagRank> {
    let tag = bare(tag)?;
    // A name may have digits of its own (`v8-to-istanbul-1.0.0`), so every place where the version
    // can stand is tried.
    version.matches(tag).filter_map(|found| score(&found, names, several)).max()
}

fn bare(tag: &str) -> Option<&str> {
    let tag = tag.strip_prefix("refs/tags/").unwrap_or(tag);
    let tag = tag.strip_suffix("^{}").unwrap_or(tag);
    (tag.len() <= MAX_TAG).then_some(tag)
}

fn score(found: &Match<'_>, names: &Names, several: bool) -> Option<TagRank> {
    let owner = names.owner(found.prefix)?;
    // `…1.2.3.4`, `…-1-2-3-4`: a longer version, unless the digits before are part of this
    // package's name.
    if found.continues_number && owner < Owner::Unscoped {
        return None;
    }
    let doubtful = matches!(owner, Owner::Unrelated | Owner::Partial);
    if doubtful && (several && owner == Owner::Unrelated || !matches!(found.spelling, Spelling::Exact | Spelling::Respelled)) {
        return None;
    }
    let (base, who) = match owner {
        Owner::Unrelated => (10, "version behind an unrelated prefix"),
        Owner::Partial => (20, "version behind a part of the name"),
        Owner::Scope => (40, "version behind the scope"),
        Owner::Decorated => (58, "version alone, with a word before it"),
        Owner::Bare => (60, "version alone"),
        Owner::Unscoped => (72, "name without its scope, and version"),
        Owner::Joined => (76, "name and version"),
        Owner::Full => (80, "full name and version"),
    };
    let (penalty, reason) = match found.spelling {
        Spelling::Exact => (0, who),
        Spelling::Respelled => (1, who),
        Spelling::Build => (14, "version with build metadata"),
        Spelling::Suffixed => (16, "version with a word behind it"),
        Spelling::NoPatch => (25, "version without its patch number"),
        Spelling::MajorOnly => (35, "major version only"),
    };
    Some(TagRank { score: u8::saturating_sub(base, penalty), reason })
}

/// Whether the tags name versions of several packages: by three different prefixes, or by one that
/// is scoped.
fn holds_several(tags: &[&str], names: &Names) -> bool {
    const PREFIXES: usize = 3;
    let mut seen = HashSet::new();
    for tag in tags.iter().filter_map(|tag| bare(tag)) {
        let Some(prefix) = spelling::any_version(tag) else {
            continue;
        };
        match names.owner(prefix) {
            // Rejected by name: `@scope/other@…`, `other@…`.
            None => return true,
            Some(Owner::Unrelated) => {
                seen.insert(prefix);
            }
            Some(_) => {}
        }
        if seen.len() >= PREFIXES {
            return true;
        }
    }
    false
}
