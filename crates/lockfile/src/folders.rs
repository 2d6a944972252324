//! Folders of the project that a lockfile has as packages: `file:packages/a`, `link:packages/a`.
//!
//! They are the project's own code. What they need is not: a client reads it from their
//! package.json, and so the lockfile must tell the same.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use jsonc_parser::ast::Object;

use super::asked::{self, MAX_SHOWN, Said, Siblings, is_within, text_of};
use super::pnpm::{Changes, fits};
use super::{Needed, address, json, stated};

/// What ends as a tarball does is one for clients.
const TARBALLS: [&str; 3] = [".tgz", ".tar.gz", ".tar"];

/// A folder of the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnFolder {
    /// From the project's folder.
    pub(crate) path: String,
    pub(crate) told: Told,
    /// Whether a client installs what its package.json asks for in development.
    pub(crate) has_dev: bool,
    /// Its peers as its entry says, where a client installs them.
    pub(crate) peers: Option<BTreeMap<String, Needed>>,
    /// Of pnpm: what the settings of the project change of its needs.
    pub(crate) changes: Option<Changes>,
}

/// Where a lockfile says what a folder needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    /// Nowhere: nothing is installed for it.
    Nothing,
    /// In its own entry, by name.
    Entry(BTreeMap<String, Needed>),
    /// Nowhere by itself: what it needs has lines of its own, as what the project needs has.
    Lines,
}

impl OwnFolder {
    /// A folder of which a client installs what it needs in production.
    pub(crate) fn of(path: String, told: Told) -> Self {
        Self { path, told, has_dev: false, peers: None, changes: None }
    }

    /// What its package.json asks for otherwise than the lockfile says, each name with its range.
    fn other<'o>(&self, of: &'o Object<'_>, (said, siblings): (&Said, &Siblings), has_peers: bool) -> Vec<(&'o str, &'o str)> {
        let lists = ["dependencies", "optionalDependencies"].into_iter().chain(self.has_dev.then_some("devDependencies"));
        let is_left = |list: &str, name: &str| {
            let changes = self.changes.as_ref().filter(|_| list == "optionalDependencies");
            changes.is_some_and(|changes| changes.ignored().iter().any(|pattern| fits(pattern, name)))
        };
        let pairs = |list| json::pairs(of, list).filter(move |(name, _)| !is_left(list, name));
        let asked: Vec<_> = lists.flat_map(pairs).collect();
        let is_told = |(name, range): &(&str, &str)| match &self.told {
            Told::Entry(needs) => stated::has(needs, self.changes.as_ref(), (name, range)) || said.has_at_top(name, range),
            Told::Lines => said.has_line((name, range), &self.path, siblings),
            Told::Nothing => true,
        };
        let mut all: Vec<_> = asked.iter().filter(|one| !is_told(one)).copied().collect();
        if let Some(own) = self.peers.as_ref().filter(|_| has_peers) {
            let known: HashSet<&str> = asked.iter().map(|(name, _)| *name).collect();
            let optional = asked::optional_peers(of);
            let is_other = |(name, range): &(&str, &str)| {
                let is_asked = !known.contains(name) && !optional.contains(name);
                is_asked && !own.get(*name).is_some_and(|needed| needed.is(name, range)) && !said.has_at_top(name, range)
            };
            all.extend(json::pairs(of, asked::PEERS).filter(is_other));
        }
        all
    }
}

/// The path of an address in its plain form, if that is one of a folder in the project.
pub(crate) fn own(path: &str) -> Option<String> {
    let path = path.strip_prefix("./").unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let is_plain = address::is_normal(path) && address::is_inside(path) && !path.is_empty() && path != "." && !path.contains('#');
    (is_plain && !TARBALLS.iter().any(|end| address::ends_with(path, end))).then(|| path.to_owned())
}

/// `../b` from `packages/a` is `packages/b`; `None` if it leads out of the project.
pub(crate) fn joined(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(if parts.is_empty() { ".".to_owned() } else { parts.join("/") })
}

/// How the folders differ from what the lockfile says of them, in words.
pub(crate) fn differences(said: &Said, project: &Path, siblings: &Siblings) -> Vec<String> {
    let has_peers = said.of_pnpm.as_ref().is_none_or(|head| head.installs_peers(project));
    let of = |one| of_one(one, (said, siblings), project, has_peers);
    said.folders.iter().flat_map(of).take(super::MAX_GAPS).collect()
}

fn of_one(one: &OwnFolder, lines: (&Said, &Siblings), project: &Path, has_peers: bool) -> Vec<String> {
    let (folder, path) = (project.join(&one.path), one.path.chars().take(MAX_SHOWN).collect::<String>());
    // A link to nothing leads nowhere.
    if one.told == Told::Nothing && address::is_inside(&one.path) && folder.symlink_metadata().is_err() {
        return Vec::new();
    }
    if !folder.is_dir() || !is_within(&folder, project) {
        return vec![format!("{path} is no folder of the project")];
    }
    let manifest = folder.join("package.json");
    // yarn 1 links a folder without one as it is.
    let is_bare = one.told == Told::Lines && manifest.symlink_metadata().is_err();
    if is_bare || one.told == Told::Nothing {
        return Vec::new();
    }
    let text = text_of(&manifest).unwrap_or_default();
    let Ok(own) = json::parse(&text, false) else { return vec![format!("{path}/package.json cannot be read")] };
    if let Some(reason) = asked::unclear(&own).or_else(|| asked::twice(&own)) {
        return vec![format!("{path}/package.json cannot be read: {reason}")];
    }
    let told = |(name, range): (&str, &str)| {
        verdict::without_secrets(&format!("{path}/package.json asks for {name}@{range}, and the lockfile does not say so"))
    };
    one.other(&own, lines, has_peers).into_iter().map(told).collect()
}
