//! What a lockfile says of a package itself, held against the registry: its commands, and what it
//! needs.
//!
//! A client links the commands of the lockfile's row and never looks into the package. The file of
//! a command is one of the judged tarball, but `tsc` can be another file of it than the package
//! has.

use std::collections::{BTreeMap, BTreeSet};

use npm_lockfile::{ALL, Needed, Place, Stated, base, normal};
use npm_registry::Published;
use npm_tarball::{Archive, EntryKind};
use serde_json::Value;

/// Most differences of one place that are told.
const MAX_TOLD: usize = 5;

/// What a package really has.
#[derive(Debug, Default)]
pub(crate) struct Real {
    /// Its commands, as the registry and as the tarball have them. Where the two differ the judge
    /// says so.
    commands: Vec<BTreeMap<String, String>>,
    /// What it needs, each with its range.
    needs: BTreeMap<String, String>,
    /// Those of it that lie in its tarball, or are peers, too.
    brought: BTreeSet<String>,
    /// The peers that it cannot do without and that are none of its other needs.
    peers: BTreeMap<String, String>,
}

impl Real {
    pub(crate) fn of(published: &Published, archive: &Archive, manifest: &Value) -> Self {
        let nothing = Value::Null;
        let registry = published.release.manifest.as_ref().unwrap_or(&nothing);
        let table = |key: &str| registry.get(key).and_then(Value::as_object).into_iter().flatten();
        let needs = ["dependencies", "optionalDependencies"].into_iter().flat_map(table);
        let needs: BTreeMap<String, String> =
            needs.map(|(name, range)| (name.clone(), range.as_str().unwrap_or_default().to_owned())).collect();
        let bundled = ["bundleDependencies", "bundledDependencies"].into_iter().filter_map(|key| registry.get(key));
        let bundled = bundled.flat_map(|of| match of {
            Value::Bool(true) => needs.keys().cloned().collect::<Vec<_>>(),
            Value::Array(all) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        });
        let peers = table("peerDependencies").map(|(name, range)| (name.clone(), range.as_str().unwrap_or_default().to_owned()));
        let optional = |name: &str| registry.get("peerDependenciesMeta")?.get(name)?.get("optional")?.as_bool();
        let peers = peers.filter(|(name, _)| optional(name) != Some(true) && !needs.contains_key(name)).collect();
        let brought = bundled.chain(table("peerDependencies").map(|(name, _)| name.clone())).collect();
        Self { commands: [registry, manifest].into_iter().flat_map(|of| commands(of, archive)).collect(), needs, brought, peers }
    }

    /// What a place says otherwise, in words. Of the peers that `rules` fit, the project says by
    /// itself what its client writes down.
    pub(crate) fn differences(&self, stated: &Stated, rules: &[String]) -> Vec<String> {
        let mut told = Vec::new();
        if let Some(commands) = stated.commands.as_ref().filter(|commands| !self.commands.contains(commands)) {
            let own = self.commands.first();
            let other = commands.iter().filter(|(name, file)| own.and_then(|own| own.get(*name)) != Some(*file));
            told.extend(other.map(|(name, file)| format!("the command {name} is {file}")));
            let missing = own.into_iter().flat_map(BTreeMap::keys).filter(|name| !commands.contains_key(*name));
            told.extend(missing.map(|name| format!("the command {name} is missing")));
        }
        if let Some(needs) = &stated.needs {
            let all = self.needs.iter().filter(|(name, _)| !stated.lacks_brought || !self.brought.contains(*name));
            told.extend(all.filter_map(|(name, range)| need((name, range), needs.get(name))));
        }
        if let Some(peers) = &stated.peers {
            let all = self.peers.iter().filter(|(name, _)| !rules.iter().any(|rule| fits(rule, name)));
            told.extend(all.filter_map(|(name, range)| need((name, range), peers.get(name))).map(|told| format!("{told} (as a peer)")));
        }
        told.truncate(MAX_TOLD);
        told
    }
}

/// Whether a name fits a pattern of pnpm, in which `*` stands for any letters.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

/// How a place tells otherwise of a need than the registry does.
fn need((name, range): (&str, &str), told: Option<&Needed>) -> Option<String> {
    let Some(told) = told else { return Some(format!("{name}, which it needs, is missing")) };
    let other = match told {
        Needed::Range(own) => own.clone(),
        Needed::Versions(all) => all.join(", "),
        Needed::Named => String::new(),
    };
    (!told.is(range)).then(|| format!("it needs {name}@{range}, and not {name}@{other}"))
}

/// Whether what a place says of the package has to be looked up.
pub(crate) fn is_to_look_up(place: &Place) -> bool {
    place.stated.is_some()
}

/// The commands of a package.json or of a version's metadata, in each of the ways in which clients
/// write them down.
fn commands(of: &Value, archive: &Archive) -> Vec<BTreeMap<String, String>> {
    let name = of.get("name").and_then(Value::as_str).unwrap_or_default();
    match of.get("bin") {
        Some(Value::String(file)) => vec![BTreeMap::from([(base(name).to_owned(), normal(file))])],
        Some(Value::Object(all)) => {
            vec![all.iter().filter_map(|(name, file)| Some((base(name).to_owned(), normal(file.as_str()?)))).collect()]
        }
        _ => {
            let Some(folder) = of.get("directories").and_then(|all| all.get("bin")).and_then(Value::as_str) else { return Vec::new() };
            let below = format!("{}/", normal(folder));
            let files = archive.entries().iter().filter(|entry| entry.kind == EntryKind::File);
            let files = files.filter_map(|entry| entry.path.strip_prefix(&below).map(|name| (name, &entry.path)));
            let listed = files.map(|(name, path)| (base(name).to_owned(), path.clone())).collect();
            vec![listed, BTreeMap::from([(ALL.to_owned(), normal(folder))])]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_any_letters() {
        for (pattern, name) in [("a", "a"), ("*", "a"), ("@s/*", "@s/a"), ("a*c*e", "abcde"), ("*-b", "a-b"), ("a*", "a")] {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("a", "ab"), ("", "a"), ("@s/*", "@t/a"), ("a*a", "a"), ("a*c*e", "abde")] {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
    }
}
