//! What a lockfile says of a package itself, held against the registry: its commands, and what it
//! needs.
//!
//! A client links the commands of the lockfile's row and never looks into the package. The file of
//! a command is one of the judged tarball, but `tsc` can be another file of it than the package
//! has.

use std::collections::{BTreeMap, BTreeSet};

use npm_lockfile::{ALL, Changes, Needed, Place, Stated, base, fits, normal};
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
    /// Those of it that it can do without.
    optional: BTreeSet<String>,
    /// Those of it that lie in its tarball.
    bundled: BTreeSet<String>,
    /// Its peers, each with its range, and whether it can do without.
    peers: BTreeMap<String, (String, bool)>,
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
        let optional = |name: &str| registry.get("peerDependenciesMeta")?.get(name)?.get("optional")?.as_bool();
        let peers = table("peerDependencies");
        let peers =
            peers.map(|(name, range)| (name.clone(), (range.as_str().unwrap_or_default().to_owned(), optional(name) == Some(true))));
        Self {
            commands: [registry, manifest].into_iter().flat_map(|of| commands(of, archive)).collect(),
            optional: table("optionalDependencies").map(|(name, _)| name.clone()).collect(),
            bundled: bundled.collect(),
            peers: peers.collect(),
            needs,
        }
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
            let all = self.needs.iter().filter(|(name, _)| !self.is_left_out(name, stated));
            let other = all.filter(|(name, range)| !stated.has_need(name, range));
            told.extend(other.map(|(name, range)| need((name, range), needs.get(name))));
        }
        if let Some(peers) = &stated.peers {
            let is_asked = |(name, (_, is_optional)): &(&String, &(String, bool))| !is_optional && !self.needs.contains_key(*name);
            let all = self.peers.iter().filter(is_asked).filter(|(name, _)| !rules.iter().any(|rule| fits(rule, name)));
            let other = all.filter(|(name, (range, _))| !stated.has_peer(name, range));
            told.extend(other.map(|(name, (range, _))| format!("{} (as a peer)", need((name, range), peers.get(name)))));
        }
        told.truncate(MAX_TOLD);
        told
    }
}

impl Real {
    /// Whether a need is none in the lockfile: it lies in the tarball, the project takes it out, or
    /// the lockfile has it as the peer that it is, too.
    fn is_left_out(&self, name: &str, stated: &Stated) -> bool {
        let is_brought = stated.lacks_brought && self.bundled.contains(name);
        if self.optional.contains(name) {
            let ignored = stated.changes.as_ref().map(Changes::ignored).unwrap_or_default();
            return is_brought || ignored.iter().any(|pattern| fits(pattern, name));
        }
        let as_peer = self.peers.get(name).filter(|_| !stated.changes.as_ref().is_some_and(Changes::needs_first));
        let is_peer = |(range, is_optional): &(String, bool)| *is_optional || stated.peers.is_some() && stated.has_peer(name, range);
        is_brought || stated.lacks_brought && as_peer.is_some_and(is_peer)
    }
}

/// How a place tells otherwise of a need than the registry does.
fn need((name, range): (&str, &str), told: Option<&Needed>) -> String {
    let Some(told) = told else { return format!("{name}, which it needs, is missing") };
    let other = match told {
        Needed::Range(own) => own.clone(),
        Needed::Versions(all) => all.join(", "),
        Needed::Named => String::new(),
    };
    format!("it needs {name}@{range}, and not {name}@{other}")
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
    use std::collections::{BTreeMap, BTreeSet};

    use npm_lockfile::{Lockfile, Needed, Stated};

    use super::Real;

    fn range(text: &str) -> BTreeMap<String, Needed> {
        BTreeMap::from([("b".to_owned(), Needed::Range(text.to_owned()))])
    }

    fn needing(range: &str) -> Real {
        Real { needs: BTreeMap::from([("b".to_owned(), range.to_owned())]), ..Real::default() }
    }

    /// What pnpm's lockfile says of the package `a`, with this at its head and this as its needs.
    fn stated(head: &str, needs: &str) -> Stated {
        let text = format!(
            "lockfileVersion: '9.0'\n\n{head}packages:\n  a@1.0.0:\n    resolution: {{integrity: sha512-AAAA}}\n  b@1.0.0:\n    resolution: {{integrity: sha512-AAAA}}\nsnapshots:\n  a@1.0.0: {{{needs}}}\n  b@1.0.0: {{}}\n"
        );
        let read = Lockfile::read("pnpm-lock.yaml", text.as_bytes()).unwrap();
        *read.entries[0].places[0].stated.clone().unwrap()
    }

    #[test]
    fn what_is_a_need_and_a_peer_is_told_as_one_of_the_two() {
        let real =
            |is_optional| Real { peers: BTreeMap::from([("b".to_owned(), ("^1.0.0".to_owned(), is_optional))]), ..needing("^1.0.0") };
        let told = |real: &Real, needs: BTreeMap<String, Needed>, peers: BTreeMap<String, Needed>, needs_first: bool| {
            let head = if needs_first { "settings:\n  autoInstallPeers: false\n" } else { "" };
            let stated = Stated { needs: Some(needs), peers: Some(peers), ..stated(head, "") };
            real.differences(&stated, &[]).len()
        };
        let none = BTreeMap::new;
        let of = real(false);
        assert_eq!((told(&of, range("^1.0.0"), none(), false), told(&of, none(), range("^1.0.0"), false)), (0, 0));
        assert_eq!((told(&of, none(), none(), false), told(&of, none(), range("^2.0.0"), false)), (1, 1));
        assert_eq!((told(&of, range("^1.0.0"), none(), true), told(&of, none(), range("^1.0.0"), true)), (0, 1), "without peers");
        assert_eq!((told(&real(true), none(), none(), false), told(&real(true), none(), none(), true)), (0, 1), "an optional peer");
    }

    #[test]
    fn the_project_takes_out_only_what_is_optional() {
        let real = |optional: &[&str]| Real {
            optional: optional.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(),
            ..needing("^1.0.0")
        };
        let told =
            |real: &Real, ignored: &str| real.differences(&stated(&format!("ignoredOptionalDependencies: [{ignored}]\n"), ""), &[]).len();
        assert_eq!((told(&real(&["b"]), "b"), told(&real(&["b"]), "'*'")), (0, 0));
        assert_eq!((told(&real(&["b"]), "c"), told(&real(&[]), "b"), told(&real(&[]), "")), (1, 1, 1));
    }
}
