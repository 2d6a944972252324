//! Folders of the project that a lockfile has as packages: `file:packages/a`, `link:packages/a`.
//!
//! They are the project's own code. What they need is not: a client reads it from their
//! package.json, and so the lockfile must tell the same.

use std::collections::BTreeMap;
use std::path::Path;

use super::asked::{MAX_SHOWN, is_within, text_of};
use super::{Needed, address, json};

/// What ends as a tarball does is one for clients.
const TARBALLS: [&str; 3] = [".tgz", ".tar.gz", ".tar"];

/// A folder of the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnFolder {
    /// From the project's folder.
    pub(crate) path: String,
    /// What the lockfile says that it needs; `None` where nothing is installed for it.
    pub(crate) needs: Option<BTreeMap<String, Needed>>,
}

/// The path of an address in its plain form, if that is one of a folder in the project.
pub(crate) fn own(path: &str) -> Option<String> {
    let path = path.strip_prefix("./").unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let is_plain = address::is_normal(path) && address::is_inside(path) && !path.is_empty() && path != "." && !path.contains('#');
    (is_plain && !TARBALLS.iter().any(|end| address::ends_with(path, end))).then(|| path.to_owned())
}

/// How the folders differ from what the lockfile says of them, in words.
pub(crate) fn differences(all: &[OwnFolder], project: &Path) -> Vec<String> {
    all.iter().flat_map(|one| of_one(one, project)).take(super::MAX_GAPS).collect()
}

fn of_one(one: &OwnFolder, project: &Path) -> Vec<String> {
    let (folder, path) = (project.join(&one.path), one.path.chars().take(MAX_SHOWN).collect::<String>());
    if !folder.is_dir() || !is_within(&folder, project) {
        return vec![format!("{path} is no folder of the project")];
    }
    let Some(needs) = &one.needs else { return Vec::new() };
    let text = text_of(&folder.join("package.json")).unwrap_or_default();
    let Ok(own) = json::parse(&text, false) else { return vec![format!("{path}/package.json cannot be read")] };
    let asked = ["dependencies", "optionalDependencies"].into_iter().flat_map(|list| json::pairs(&own, list));
    let other = asked.filter(|(name, range)| !needs.get(*name).is_some_and(|needed| needed.is(range)));
    other
        .map(|(name, range)| {
            verdict::without_secrets(&format!("{path}/package.json asks for {name}@{range}, and the lockfile does not say so"))
        })
        .collect()
}
