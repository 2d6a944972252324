//! Overrides, resolutions and catalogs: ranges that count in the place of those that packages ask
//! for.
//!
//! They are harmless where each is plainly a range of versions, and the lockfile goes by it: it
//! says of itself that it does, or all that it has of that name is in the range. Else a client
//! finds something new.

use std::collections::HashMap;

use npm_lockfile::Lockfile;
use npm_spec::PackageName;
use npm_spec::version::{self, VersionRange};

use super::known;
use super::read::{Pairs, Tree};

/// What the lockfile has of each name.
pub(super) struct Locked<'a> {
    lockfile: &'a Lockfile,
    versions: HashMap<&'a str, Vec<&'a str>>,
    /// What the project itself asks for, to which `$name` leads.
    asked: HashMap<String, String>,
}

impl<'a> Locked<'a> {
    pub(super) fn of(lockfile: &'a Lockfile) -> Self {
        let mut versions = HashMap::<_, Vec<_>>::new();
        for entry in &lockfile.entries {
            versions.entry(entry.name.as_str()).or_default().push(entry.version.as_str());
        }
        Self { lockfile, versions, asked: HashMap::new() }
    }

    /// Keeps what the project's package.json asks for.
    pub(super) fn is_asked(&mut self, manifest: &Pairs) {
        for list in ["devDependencies", "optionalDependencies", "dependencies"] {
            let of = manifest.iter().find(|(key, _)| key == list).map(|(_, value)| value);
            let Some(Tree::Map(pairs)) = of else { continue };
            self.asked.extend(pairs.iter().map(|(name, range)| (name.clone(), range.text().to_owned())));
        }
    }

    /// Whether a key is that of such a table, and all in it is harmless.
    pub(super) fn has(&self, key: &str, value: &Tree) -> bool {
        let Tree::Map(of) = value else { return false };
        match key {
            "overrides" | "resolutions" => of.iter().all(|(key, value)| self.holds_all(&[], key, value)),
            "catalog" => of.iter().all(|(name, value)| self.is_of_catalog("default", name, value)),
            "catalogs" => of.iter().all(|(catalog, value)| match value {
                Tree::Map(of) => of.iter().all(|(name, value)| self.is_of_catalog(catalog, name, value)),
                _ => false,
            }),
            _ => false,
        }
    }

    /// Whether all resolutions of yarn 1 are plain ranges that have a line in the lockfile: nothing
    /// else is found for them.
    pub(super) fn has_lines(&self, value: &Tree) -> bool {
        let Tree::Map(of) = value else { return false };
        of.iter().all(|(key, value)| {
            let range = text(value).filter(|range| is_range(range));
            named(key).zip(range).is_some_and(|((name, _), range)| self.lockfile.has_line(&name, &range))
        })
    }

    fn is_of_catalog(&self, catalog: &str, name: &str, value: &Tree) -> bool {
        let said = self.lockfile.catalogs().and_then(|all| all.get(&format!("{catalog}/{name}")));
        let Some(range) = text(value) else { return false };
        // What nobody asks for by a catalog its client does not write down.
        let is_said = said.is_none_or(|said| *said == range);
        is_range(&range) && is_said && (said.is_some() || self.holds(name, &range, false))
    }

    fn holds_all(&self, above: &[&str], key: &str, value: &Tree) -> bool {
        match value {
            Tree::Map(of) => {
                let path = [above, &[key]].concat();
                path.len() < known::MAX_NESTED && of.iter().all(|(key, value)| self.holds_all(&path, key, value))
            }
            value => {
                let own = if key == "." { above.last().copied().unwrap_or(key) } else { key };
                let outer = if key == "." { above.len().saturating_sub(1) } else { above.len() };
                let Some(range) = text(value).and_then(|text| self.meant(&text)) else { return false };
                let said = self.lockfile.overrides().filter(|_| above.is_empty()).and_then(|all| all.get(key));
                is_range(&range) && (said == Some(&range) || self.holds_key((own, outer > 0), &range))
            }
        }
    }

    /// Holds a key against the lockfile.
    fn holds_key(&self, (key, is_below): (&str, bool), range: &str) -> bool {
        named(key).is_some_and(|(name, for_some)| self.holds(&name, range, for_some || is_below))
    }

    /// Whether the lockfile goes by a range. Where that holds for some packages alone, a version
    /// that is just that one is enough: nothing else is found for them.
    fn holds(&self, name: &str, range: &str, for_some: bool) -> bool {
        let (Some(all), Some(wanted)) = (self.versions.get(name), VersionRange::parse(bare(range))) else {
            return !self.versions.contains_key(name);
        };
        let is_in = |locked: &&str| version::parse(locked).is_some_and(|locked| wanted.contains(&locked));
        all.iter().all(is_in) || for_some && all.iter().any(|locked| *locked == bare(range))
    }

    /// What a text stands for: `$name` is the range of the project's own.
    fn meant(&self, text: &str) -> Option<String> {
        text.strip_prefix('$').map_or_else(|| Some(text.to_owned()), |name| self.asked.get(name).cloned())
    }
}

/// The name that a key is for, and whether for some packages alone: `a`, `a@^1`, and of other
/// clients `b>a`, `b@1>a`, `b/a`, `**/a`. What is written otherwise may be for any name.
fn named(key: &str) -> Option<(String, bool)> {
    let is_border = |at: usize| {
        let (before, behind) = key.split_at_checked(at).unwrap_or((key, ""));
        !before.is_empty() && !before.ends_with([' ', '|', '@', '<', '>', '=']) && !behind.starts_with(">=")
    };
    let borders: Vec<usize> = key.match_indices('>').map(|(at, _)| at).filter(|at| is_border(*at)).collect();
    let last = borders.last().and_then(|at| key.get(at + 1..)).unwrap_or(key);
    let mut packages: Vec<String> = Vec::new();
    for part in last.split('/') {
        match packages.last_mut().filter(|last| last.starts_with('@') && !last.contains('/')) {
            Some(scope) => *scope = format!("{scope}/{part}"),
            None => packages.push(part.to_owned()),
        }
    }
    let mut names = packages.iter().map(|package| {
        let at = package.get(1..).and_then(|rest| rest.find('@')).map_or(package.len(), |at| at + 1);
        let (name, range) = package.split_at_checked(at)?;
        let is_plain = range.is_empty() || is_range(range.get(1..).unwrap_or_default());
        is_plain.then(|| (name.to_owned(), !range.is_empty()))
    });
    let (name, has_range) = names.next_back()??;
    let is_above = |above: Option<(String, bool)>| {
        above.is_some_and(|(name, _)| matches!(name.as_str(), "*" | "**") || PackageName::parse(&name).is_ok())
    };
    let for_some = has_range || packages.len() > 1 || !borders.is_empty();
    (names.all(is_above) && PackageName::parse(&name).is_ok()).then_some((name, for_some))
}

fn text(value: &Tree) -> Option<String> {
    if let Tree::Text(text) = value { Some(text.clone()) } else { None }
}

/// A range without the protocol of yarn.
fn bare(range: &str) -> &str {
    range.strip_prefix("npm:").unwrap_or(range).trim()
}

/// Whether a text is plainly a range of versions: no tag, alias, address or path.
pub(super) fn is_range(text: &str) -> bool {
    let range = bare(text);
    let is_plain = range.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".^~<>=|*+- ".contains(&byte));
    is_plain && !range.is_empty() && VersionRange::parse(range).is_some()
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn a_key_is_for_its_last_name() {
        for (key, expected) in [
            ("a", Some(("a", false))),
            ("@s/a", Some(("@s/a", false))),
            ("a@^1", Some(("a", true))),
            ("a@>2", Some(("a", true))),
            ("a@>=1 <2", Some(("a", true))),
            ("a@<3 >1", Some(("a", true))),
            ("b>a", Some(("a", true))),
            ("b@>=2>@s/a@>=1", Some(("@s/a", true))),
            ("**/a", Some(("a", true))),
            ("@t/b/@s/a", Some(("@s/a", true))),
            ("b@npm:1/a@npm:^2", Some(("a", true))),
            ("b@npm:latest/a", None),
            ("b@patch:y/a", None),
            ("a@npm:@s/x@1", None),
            ("", None),
            ("a@https://x.example/y", None),
        ] {
            assert_eq!(named(key), expected.map(|(name, some)| (name.to_owned(), some)), "{key}");
        }
    }
}
