//! pnpm-lock.yaml (5, 6, 9) and shrinkwrap.yaml (3, 4).
//!
//! The keys of `packages` have the versions: `/a/1.0.0`, `/@s/a/1.0.0_peer@2.0.0`, `host/a/1.0.0`
//! (5 and before), `/a@1.0.0(peer@2.0.0)` (6), `a@1.0.0` (9).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::yaml::documents;
use super::{Named, is_registry, split_name};

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    packages: Option<BTreeMap<String, Option<Entry>>>,
    #[serde(default)]
    snapshots: Option<BTreeMap<String, Option<Snapshot>>>,
}

/// The keys are enough.
#[derive(Deserialize)]
struct Snapshot {
    #[serde(default, rename = "dependencies")]
    _dependencies: IgnoredAny,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    resolution: Option<Resolution>,
}

#[derive(Deserialize)]
struct Resolution {
    #[serde(default)]
    tarball: Option<String>,
    #[serde(default)]
    repo: Option<String>,
}

pub(super) fn read(text: &str, found: &mut Named) -> Result<(), String> {
    for document in documents::<Document>(text)? {
        for (key, entry) in document.packages.unwrap_or_default() {
            let resolution = entry.and_then(|entry| entry.resolution);
            let elsewhere = resolution.and_then(|resolution| resolution.repo.or(resolution.tarball.filter(|url| !is_registry(url))));
            match elsewhere {
                Some(address) => found.address(&address),
                None => add(&key, found),
            }
        }
        for key in document.snapshots.unwrap_or_default().into_keys() {
            add(&key, found);
        }
    }
    Ok(())
}

fn add(key: &str, found: &mut Named) {
    if let Some((name, version)) = version(key) {
        found.version(&name, version);
    }
}

/// The name and version of a key.
pub(super) fn version(key: &str) -> Option<(String, &str)> {
    let key = key.split_once('(').map_or(key, |(key, _)| key);
    let below = key.strip_prefix('/');
    let path = below.unwrap_or(key);
    let name_has_at = {
        let mut segments = path.split('/');
        let first = segments.next()?;
        if first.starts_with('@') { segments.next()?.contains('@') } else { first.contains('@') }
    };
    if name_has_at {
        let (name, version) = split_name(path)?;
        return Some((name.to_owned(), version));
    }
    let mut segments = path.split('/');
    if below.is_none() {
        // The registry's host, where it is another one than the default.
        segments.next()?;
    }
    let first = segments.next()?;
    let name = if first.starts_with('@') { format!("{first}/{}", segments.next()?) } else { first.to_owned() };
    let version = segments.next()?;
    Some((name, version.split_once('_').map_or(version, |(version, _)| version)))
}

#[cfg(test)]
mod tests {
    use super::super::named;

    fn read(text: &str) -> (Vec<String>, Vec<String>) {
        let found = named("pnpm-lock.yaml", text.as_bytes()).unwrap();
        (found.versions.iter().map(|(name, version)| format!("{name}@{version}")).collect(), found.hosts.into_iter().collect())
    }

    #[test]
    fn the_keys_of_every_format_are_read() {
        let old = "lockfileVersion: 5.4\npackages:\n  /a/1.0.0:\n    resolution: {integrity: sha512-x}\n    dev: true\n  /@s/b/2.0.0_a@1.0.0:\n    resolution: {integrity: x}\n  r.example/c/3.0.0:\n    resolution: {tarball: https://r.example/c/-/c-3.0.0.tgz}\n  host.example/o/r/0123:\n    resolution: {tarball: https://host.example/o/r/tar.gz/0123}\n    name: r\n    version: 1.0.0\n";
        assert_eq!(read(old), (vec!["@s/b@2.0.0".into(), "a@1.0.0".into(), "c@3.0.0".into()], vec!["host.example".into()]));
        let six = "lockfileVersion: '6.0'\npackages:\n  /a@1.0.0:\n    resolution: {integrity: x}\n  /@s/b@2.0.0(a@1.0.0)(c@2.0.0):\n    resolution: {integrity: x}\n";
        assert_eq!(read(six).0, ["@s/b@2.0.0", "a@1.0.0"]);
        let nine = "lockfileVersion: '9.0'\npackages:\n  a@1.0.0:\n    resolution: {integrity: x}\n    engines: {node: '>=8'}\n  '@s/b@2.0.0':\n    resolution: {integrity: x}\n  g@git+https://host.example/g.git#0123:\n    resolution: {commit: 0123, repo: https://host.example/g.git, type: git}\n    version: 1.0.0\nsnapshots:\n  '@s/b@2.0.0(a@1.0.0)':\n    dependencies:\n      a: 1.0.0\n  a@1.0.0: {}\n";
        assert_eq!(read(nine), (vec!["@s/b@2.0.0".into(), "a@1.0.0".into()], vec!["host.example".into()]));
    }

    #[test]
    fn the_peers_of_shrinkwrap_yaml_lie_below_the_version() {
        let found =
            named("shrinkwrap.yaml", b"packages:\n  /a/1.0.0/peer@2.0.0:\n    resolution: {integrity: x}\nshrinkwrapVersion: 3\n").unwrap();
        assert_eq!(found.versions.into_iter().collect::<Vec<_>>(), [("a".to_owned(), "1.0.0".to_owned())]);
    }

    #[test]
    fn a_file_of_several_documents_is_read_whole() {
        let text = "packages:\n  a@1.0.0:\n    resolution: {integrity: x}\n---\nlockfileVersion: '9.0'\npackages:\n  b@1.0.0:\n    resolution: {integrity: x}\n";
        assert_eq!(read(text).0, ["a@1.0.0", "b@1.0.0"]);
    }

    #[test]
    fn a_document_that_unfolds_is_refused() {
        let levels = (1..60).map(|level| {
            let list = vec![format!("*a{}", level - 1); 10].join(",");
            format!("a{level}: &a{level} [{list}]\n")
        });
        let bomb = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned()].into_iter().chain(levels).collect::<String>()
            + "packages:\n  a@1.0.0: {x: *a59}\n";
        assert!(named("pnpm-lock.yaml", bomb.as_bytes()).is_err());
    }
}
