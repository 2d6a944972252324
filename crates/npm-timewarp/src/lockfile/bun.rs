//! bun.lock: JSON with trailing commas.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};

use super::{Named, is_registry, split_name};
use crate::document::tail;

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    packages: BTreeMap<String, Entry>,
}

/// `["name@version", "registry or tarball", {…}, "sha512-…"]`; of git and workspaces the second is
/// no text.
struct Entry {
    package: String,
    from: Option<String>,
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(list: D) -> Result<Self, D::Error> {
        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = Entry;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list that begins with a package")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Entry, A::Error> {
                // After its end a list is not asked again.
                let Some(package) = list.next_element::<String>()? else { return Ok(Entry { package: String::new(), from: None }) };
                let Some(second) = list.next_element::<serde_json::Value>()? else { return Ok(Entry { package, from: None }) };
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Entry { package, from: second.as_str().map(str::to_owned) })
            }
        }
        list.deserialize_seq(Parts)
    }
}

pub(super) fn read(text: &str, found: &mut Named) -> Result<(), String> {
    let document: Document = npm_spec::manifest::with_comments(text.as_bytes())?;
    for entry in document.packages.into_values() {
        let Some((name, version)) = split_name(&entry.package) else { continue };
        if version.contains("://") || version.starts_with("git") {
            found.address(version);
            continue;
        }
        if let Some(from) = entry.from.filter(|from| from.contains(".tgz") && !is_registry(from)) {
            found.address(&from);
            continue;
        }
        let (name, version) = version.strip_prefix("npm:").and_then(split_name).unwrap_or((name, version));
        found.version(name, version);
    }
    Ok(())
}

/// Points the tarballs of a bun.lock to `base`. An empty address means the canonical registry to
/// bun, whatever registry it is told (bun 1.2). bun writes one package a line; what looks otherwise
/// stays. The caller puts the original back.
pub fn rewrite_bun(bytes: &[u8], base: &str) -> Vec<u8> {
    let base = base.trim_end_matches('/');
    let Ok(text) = std::str::from_utf8(bytes) else { return bytes.to_vec() };
    text.split_inclusive('\n').map(|line| rewritten(line, base).unwrap_or_else(|| line.to_owned())).collect::<String>().into_bytes()
}

/// `    "key": ["name@version", "address", …` with another address, if this is such a line.
fn rewritten(line: &str, base: &str) -> Option<String> {
    let (key, list) = line.split_once(": [\"").filter(|(key, _)| key.starts_with("    \""))?;
    let (package, rest) = list.split_once("\", \"")?;
    let (address, rest) = rest.split_once('"')?;
    let (name, version) = split_name(package)?;
    let is_ours = (address.is_empty() || is_registry(address)) && npm_spec::version::parse(version).is_some();
    is_ours.then(|| format!("{key}: [\"{package}\", \"{base}/{}\"{rest}", tail(name, version)))
}

#[cfg(test)]
mod tests {
    use super::super::named;
    use super::*;

    #[test]
    fn tarballs_lead_to_us_and_other_sources_stay() {
        let lines = "    \"@s/b\": [\"@s/b@2.0.0\", \"\", {}, \"sha512-B\"],\n    \"w\": [\"w@workspace:w\"],\n    \"g\": [\"g@git+ssh://h/g.git#0\", {}, \"0\"],\n";
        let out = String::from_utf8(rewrite_bun(lines.as_bytes(), "http://127.0.0.1:1/")).unwrap();
        assert_eq!(out, lines.replacen("\"\"", "\"http://127.0.0.1:1/@s/b/-/b-2.0.0.tgz\"", 1));
    }

    #[test]
    fn packages_are_read_and_workspaces_are_not() {
        let text = r#"{
  "lockfileVersion": 1,
  "workspaces": {
    "": {
      "name": "root",
      "dependencies": {
        "a": "^1",
      },
    },
  },
  "packages": {
    "a": ["a@1.0.0", "", {}, "sha512-AAAA=="],

    "@s/b": ["@s/b@2.0.0", "", { "dependencies": { "a": "^1.0.0" }, "bin": { "b": "cli.js" } }, "sha512-BBBB=="],

    "alias": ["real@3.0.0", "", {}, "sha512-CCCC=="],

    "w": ["w@workspace:packages/w"],

    "g": ["g@git+ssh://git@host.example/g.git#0123", {}, "0123"],
  }
}
"#;
        let found = named("bun.lock", text.as_bytes()).unwrap();
        let versions: Vec<String> = found.versions.iter().map(|(name, version)| format!("{name}@{version}")).collect();
        assert_eq!(
            (versions, found.hosts.into_iter().collect()),
            (vec!["@s/b@2.0.0".into(), "a@1.0.0".into(), "real@3.0.0".into()], vec!["host.example".to_owned()])
        );
    }
}
