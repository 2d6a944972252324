//! Which version npm would take: the rules of npm-pick-manifest 11.
//!
//! `engines` is left out of account on purpose: npm prefers versions that suit the Node it runs on,
//! and which version a word means here should not depend on the machine. What a registry holds back
//! by policy or staging is not seen either.

use std::cmp::Reverse;

use npm_spec::Wanted;
use npm_spec::version::{self, VersionRange};

use super::packument::{Packument, VersionEntry};

/// The version that is wanted, as it stands in the packument.
///
/// `default_tag` is npm's `tag`; `before` an ISO 8601 time (versions without a time always pass, as
/// with npm).
pub fn pick<'p>(packument: &'p Packument, wanted: &Wanted, default_tag: &str, before: Option<&str>) -> Option<&'p str> {
    let in_time = |name: &str| before.is_none_or(|before| packument.times.get(name).is_none_or(|time| time.as_str() <= before));
    let find = |name: &str| packument.versions.iter().find(|entry| entry.version == name);
    match wanted {
        Wanted::Version(exact) => {
            let entry = find(exact).or_else(|| {
                // A packument may spell a version loosely (`v1.0.0`, `1.0.0+build`).
                packument.versions.iter().find(|entry| version::clean(&entry.version).as_ref() == Some(exact))
            });
            entry.map(|entry| entry.version.as_str()).filter(|name| in_time(name))
        }
        Wanted::Tag(tag) => {
            let tagged = packument.dist_tags.get(tag)?;
            if in_time(tagged) {
                return find(tagged).map(|entry| entry.version.as_str());
            }
            best(packument, &VersionRange::parse(&format!("<={tagged}"))?, default_tag, &in_time)
        }
        Wanted::Range(range) => best(packument, &VersionRange::parse(range)?, default_tag, &in_time),
        Wanted::Default => best(packument, &VersionRange::parse("*")?, default_tag, &in_time),
    }
}

fn best<'p>(packument: &'p Packument, range: &VersionRange, default_tag: &str, in_time: &dyn Fn(&str) -> bool) -> Option<&'p str> {
    let is_any = range.is_any();
    let fits = |entry: &&VersionEntry| version::parse(&entry.version).is_some_and(|version| range.contains(&version));
    let default = packument.dist_tags.get(default_tag).and_then(|name| packument.versions.iter().find(|entry| entry.version == *name));
    if let Some(entry) = default.filter(|entry| (is_any || fits(entry)) && in_time(&entry.version) && !entry.deprecated) {
        return Some(&entry.version);
    }
    let candidates = packument.versions.iter().filter(|entry| in_time(&entry.version)).filter(fits);
    let ranked = candidates.filter_map(|entry| Some((Reverse(entry.deprecated), version::parse(&entry.version)?, entry)));
    ranked.max_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1))).map(|(_, _, entry)| entry.version.as_str())
}
