//! What yarn 2 and later looks up: a name with a range, letter by letter.
//!
//! It finds a version anew for each of them that the file does not have, also where another one of
//! the same name would do. Which it looks for is decided by the project: `resolutions` and catalogs
//! stand in the place of what a package asks for.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use serde::Deserialize;

use super::asked::{MAX_SHOWN, text_of};
use super::yaml::{self, Pairs};
use super::{address, bound, json};

/// Most of them that are told.
const MAX_TOLD: usize = 100;

/// The descriptors that a file has, and those that its entries need.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Descriptors {
    pub(crate) keys: BTreeSet<String>,
    pub(crate) needs: Vec<Need>,
    /// The project itself: its name and its reference.
    pub(crate) root: Option<(String, String)>,
}

/// A need of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Need {
    /// The name and the reference of what needs it.
    pub(crate) by: (String, String),
    pub(crate) name: String,
    pub(crate) wanted: String,
}

/// A line of `resolutions`: of which package it holds for the needs, for which of them, and what
/// takes their place. Names can have a reference or a range.
struct Resolution {
    from: Option<(String, Option<String>)>,
    name: String,
    range: Option<String>,
    instead: String,
}

/// The catalogs of yarn's own file of settings.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Settings {
    catalog: Pairs<String>,
    catalogs: Pairs<Pairs<String>>,
}

impl Descriptors {
    /// What yarn looks up and the file does not have, in words.
    pub(crate) fn missing(&self, project: &Path) -> Vec<String> {
        let (resolutions, catalogs, bound) = (resolutions(project), catalogs(project), Bound::of(&self.keys));
        let root = self.root.clone().unwrap_or_default();
        let told = |need: &Need| {
            let instead = resolutions.iter().find(|one| one.is_for(need)).map(|one| one.instead.as_str());
            let wanted = instead.unwrap_or(&need.wanted);
            let wanted = match wanted.strip_prefix("catalog:") {
                Some(catalog) => {
                    let catalog = if catalog.is_empty() { "default" } else { catalog };
                    catalogs.get(&format!("{catalog}/{}", need.name)).map_or(wanted, String::as_str)
                }
                None => wanted,
            };
            // A path of `resolutions` is one from the root.
            let by = if instead.is_some() { &root } else { &need.by };
            (!self.has(&bound, (&need.name, wanted), by)).then(|| {
                let short = |text: &str| verdict::without_secrets(&text.chars().take(MAX_SHOWN).collect::<String>());
                let (by, name, wanted) = (short(&need.by.0), short(&need.name), short(wanted));
                format!("{by} needs {name}@{wanted}, and the lockfile has no entry for just that: a client finds a version anew")
            })
        };
        self.needs.iter().filter_map(told).take(MAX_TOLD).collect()
    }

    /// Whether there is an entry for a name and a range that someone asks for. Without a protocol a
    /// range is one of npm.
    fn has(&self, bound: &Bound, (name, wanted): (&str, &str), by: &(String, String)) -> bool {
        let begins = |start: &str| self.keys.range(start.to_owned()..).next().is_some_and(|key| key.starts_with(start));
        if let Some(plain) = bound::plain(wanted) {
            let is_by = |by: String| bound.0.contains(&(format!("{name}@{plain}"), by));
            return is_by(if bound::has_asker(&plain) { format!("{}@{}", by.0, by.1) } else { String::new() });
        }
        let is_address = !wanted.starts_with("npm:") && address::kind(wanted).is_some();
        self.keys.contains(&format!("{name}@{wanted}"))
            || self.keys.contains(&format!("{name}@npm:{wanted}"))
            || is_address && begins(&format!("{name}@{wanted}::"))
    }
}

/// The descriptors of paths and patches in their plain form, each with the one who asks for it.
struct Bound(HashSet<(String, String)>);

impl Bound {
    fn of(keys: &BTreeSet<String>) -> Self {
        let of = |key: &String| {
            let (name, range) = address::split_name(key)?;
            Some((format!("{name}@{}", bound::plain(range)?), bound::asker(range)))
        };
        Self(keys.iter().filter_map(of).collect())
    }
}

impl Resolution {
    /// Reads `a`, `a@npm:^1`, `b/a` and `b@npm:1.0.0/a`; what is written otherwise holds for
    /// nothing here, and is told as a setting.
    fn of(key: &str, instead: &str) -> Option<Self> {
        let mut packages: Vec<String> = Vec::new();
        for part in key.split('/') {
            match packages.last_mut().filter(|last| last.starts_with('@') && !last.contains('/')) {
                Some(scope) => *scope = format!("{scope}/{part}"),
                None => packages.push(part.to_owned()),
            }
        }
        let split = |package: String| match address::split_name(&package) {
            Some((name, range)) => (name.to_owned(), Some(range.to_owned())),
            None => (package, None),
        };
        let (name, range) = split(packages.pop()?);
        let from = packages.pop().map(split);
        packages.is_empty().then(|| Self { from, name, range, instead: instead.to_owned() })
    }

    fn is_for(&self, need: &Need) -> bool {
        let bare = |text: &str| text.strip_prefix("npm:").unwrap_or(text).to_owned();
        let is = |own: &Option<String>, other: &str| own.as_ref().is_none_or(|own| bare(own) == bare(other));
        let is_from = self.from.as_ref().is_none_or(|(name, reference)| *name == need.by.0 && is(reference, &need.by.1));
        is_from && self.name == need.name && is(&self.range, &need.wanted)
    }
}

/// The resolutions of a project, in the order in which they count.
fn resolutions(project: &Path) -> Vec<Resolution> {
    let text = text_of(&project.join("package.json")).unwrap_or_default();
    let Ok(root) = json::parse(&text, false) else { return Vec::new() };
    json::pairs(&root, "resolutions").filter_map(|(key, instead)| Resolution::of(key, instead)).collect()
}

/// The catalogs of a project, by `catalog/name`.
fn catalogs(project: &Path) -> BTreeMap<String, String> {
    let text = text_of(&project.join(".yarnrc.yml")).unwrap_or_default();
    let read = yaml::documents::<Option<Settings>>(&text).unwrap_or_default();
    let Some(settings) = read.into_iter().flatten().next() else { return BTreeMap::new() };
    let line = |catalog: &str, name: String, range: String| (format!("{catalog}/{name}"), range);
    let named = settings
        .catalogs
        .0
        .into_iter()
        .flat_map(|(catalog, _, of)| of.0.into_iter().map(move |(name, _, range)| line(&catalog, name, range)).collect::<Vec<_>>());
    named.chain(settings.catalog.0.into_iter().map(|(name, _, range)| line("default", name, range))).collect()
}
