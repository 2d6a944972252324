//! What the settings of a pnpm project change of what packages need, by the names of the needs: a
//! file has many packages, and may have as many overrides.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::settings::{Head, parts_of_override};
use crate::{Fault, Needed, ranges};

/// Most overrides for the needs of one package that go by one name.
const MAX_OF_ONE: usize = 1000;

/// In the place of a range: the need is taken out.
pub(crate) const NOTHING: &str = "-";

/// The settings of one project.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Overrides {
    by_name: HashMap<String, OfName>,
    /// Patterns of names: of what is optional, these are not needed in this project.
    ignored: Vec<String>,
    /// Of what is a need and a peer it takes the need; else the peer.
    needs_first: bool,
}

/// The overrides for needs of one name.
#[derive(Debug, Default, PartialEq, Eq)]
struct OfName {
    general: Vec<Override>,
    /// By the packages for whose needs alone they are, each with the range of these.
    by_package: HashMap<String, Vec<(Option<String>, Override)>>,
    is_linked: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Override {
    /// What it is for: ranges that have anything in common with this one.
    within: Option<String>,
    instead: String,
}

/// What the settings of a project change of the needs of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    of: Arc<Overrides>,
    /// The package, with its version.
    package: Option<(String, String)>,
}

impl Overrides {
    /// Those of a lockfile, which are held against the project's.
    pub(super) fn of(all: Option<&BTreeMap<String, String>>, head: Option<&Head>) -> Result<Self, Fault> {
        let mut own = Self {
            ignored: head.map(|head| head.ignored_optional.clone()).unwrap_or_default(),
            needs_first: head.is_some_and(|head| head.settings.get("autoInstallPeers").is_some_and(|value| value == "false")),
            ..Self::default()
        };
        for (key, instead) in all.into_iter().flatten() {
            let (package, (name, within)) = parts_of_override(key);
            let of = own.by_name.entry(name.to_owned()).or_default();
            of.is_linked |= instead.starts_with("link:");
            let one = Override { within: within.map(str::to_owned), instead: instead.clone() };
            let count = if let Some((package, range)) = package {
                let all = of.by_package.entry(package.to_owned()).or_default();
                all.push((range.map(str::to_owned), one));
                all.len()
            } else {
                of.general.push(one);
                of.general.len()
            };
            if count > MAX_OF_ONE {
                return Err(Fault::TooMuch);
            }
        }
        Ok(own)
    }

    /// Whether one leads a name to a folder.
    pub(super) fn is_linked(&self, name: &str) -> bool {
        self.by_name.get(name).is_some_and(|of| of.is_linked)
    }

    /// Whether one for a name wherever it is needed may have a version.
    pub(super) fn may_have(&self, name: &str, version: &str) -> bool {
        self.by_name.get(name).is_some_and(|of| of.general.iter().any(|one| ranges::may_have(&one.instead, version)))
    }
}

impl Changes {
    pub(super) fn new(of: &Arc<Overrides>, package: Option<(String, String)>) -> Self {
        Self { of: of.clone(), package }
    }

    /// Those for a need in a range: of the package itself, and where it has none the general ones.
    fn of_need(&self, name: &str, range: &str) -> Vec<&Override> {
        let Some(of) = self.of.by_name.get(name) else { return Vec::new() };
        let is_for = |one: &&Override| one.within.as_ref().is_none_or(|within| within == range || ranges::intersect(within, range));
        let own = self.package.as_ref().and_then(|(package, version)| Some((of.by_package.get(package)?, version)));
        let own: Vec<&Override> = own
            .into_iter()
            .flat_map(|(all, version)| all.iter().filter(|(range, _)| range.as_ref().is_none_or(|range| ranges::may_have(range, version))))
            .map(|(_, one)| one)
            .filter(is_for)
            .collect();
        if own.is_empty() { of.general.iter().filter(is_for).collect() } else { own }
    }

    /// Whether a need in a range may be told as it is; `None` where nothing changes it.
    pub(crate) fn is_need(&self, (name, range): (&str, &str), told: Option<&Needed>) -> Option<bool> {
        let all = self.of_need(name, range);
        let is_instead = |one: &&Override| match told {
            Some(told) => one.instead != NOTHING && told.is(name, &one.instead),
            None => one.instead == NOTHING,
        };
        let is_any = all.iter().any(is_instead);
        // Which ranges have a version in common pnpm may see otherwise.
        let is_sure = all.iter().any(|one| one.within.is_none());
        (is_any || is_sure).then_some(is_any)
    }

    /// Whether a peer in a range may be told as it is. Not all versions of pnpm change peers.
    pub(crate) fn is_peer(&self, (name, range): (&str, &str), (told, is_needed): (Option<&Needed>, bool)) -> bool {
        let mut all = self.of_need(name, range).into_iter();
        all.any(|one| match told {
            Some(told) => told.is(name, &one.instead),
            None => one.instead == NOTHING || is_needed,
        })
    }

    /// Patterns of names: of what is optional, these are not needed.
    pub fn ignored(&self) -> &[String] {
        &self.of.ignored
    }

    /// Whether what is a need and a peer is a need, and not a peer.
    pub fn needs_first(&self) -> bool {
        self.of.needs_first
    }
}

/// Whether a name fits a pattern of pnpm, in which `*` stands for any letters.
pub fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_letters() {
        for (pattern, name) in [("a", "a"), ("*", "a"), ("@s/*", "@s/a"), ("a*c*e", "abcde"), ("*-b", "a-b"), ("a*", "a")] {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("a", "ab"), ("", "a"), ("@s/*", "@t/a"), ("a*a", "a"), ("a*c*e", "abde")] {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn the_overrides_of_one_need_are_bounded() {
        let of = |count: usize| Overrides::of(Some(&(0..count).map(|at| (format!("a@{at}"), "1".to_owned())).collect()), None);
        assert!(of(MAX_OF_ONE).is_ok());
        assert!(matches!(of(MAX_OF_ONE + 1), Err(Fault::TooMuch)));
    }
}
