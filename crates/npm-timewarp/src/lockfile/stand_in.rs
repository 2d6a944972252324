//! Lockfiles that name packages which are gone: their digests become those of the stand-ins that
//! are served in their place.
//!
//! A digest is a text that stands nowhere else in a lockfile, so that what is changed is that text,
//! whatever the format.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::{Map, Value};

use npm_spec::manifest::{LARGEST_LOCKFILE, read_up_to};

use super::split_name;
use super::yaml::documents;
use crate::stand_in::StandIns;

/// How deep the tree of an npm lockfile of version 1 is followed.
const MAX_DEPTH: usize = 200;

/// The lockfile with the digests of stand-ins for what is gone; `None` where nothing in it changes.
pub fn with_stand_ins(file_name: &str, bytes: &[u8], gone: &StandIns) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut found = Digests { gone, found: HashMap::new() };
    match file_name {
        "package-lock.json" | "npm-shrinkwrap.json" => found.npm(&read_up_to(bytes, LARGEST_LOCKFILE)?),
        "yarn.lock" => found.yarn(text),
        "pnpm-lock.yaml" => found.pnpm(text)?,
        _ => return None,
    }
    let changed = replaced(text, &found.found);
    (changed != text).then(|| changed.into_bytes())
}

/// The text with other digests in the place of these: each whole, in one pass.
fn replaced(text: &str, digests: &HashMap<String, String>) -> String {
    let is_of_digest = |c: char| c.is_ascii_alphanumeric() || "+/=-".contains(c);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_of_digest) {
        let (before, from) = rest.split_at(start);
        let (word, after) = from.split_at(from.find(|c| !is_of_digest(c)).unwrap_or(from.len()));
        out.push_str(before);
        out.push_str(digests.get(word).map_or(word, String::as_str));
        rest = after;
    }
    out + rest
}

/// Digests that stand in the file, each with the one that takes its place.
struct Digests<'a> {
    gone: &'a StandIns,
    found: HashMap<String, String>,
}

impl Digests<'_> {
    fn add(&mut self, name: &str, version: &str, digest: &str) {
        // A short text could stand elsewhere too.
        if digest.len() < 20 {
            return;
        }
        let Some(stand_in) = self.gone.of(name, version) else { return };
        let new = if digest.contains('-') { stand_in.integrity.clone() } else { stand_in.shasum.clone() };
        self.found.insert(digest.to_owned(), new);
    }

    fn npm(&mut self, document: &Value) {
        for (path, entry) in document.get("packages").and_then(Value::as_object).into_iter().flatten() {
            let folder = path.rsplit_once("node_modules/").map_or("", |(_, folder)| folder);
            self.npm_entry(entry.get("name").and_then(Value::as_str).unwrap_or(folder), entry);
        }
        if let Some(tree) = document.get("dependencies").and_then(Value::as_object) {
            self.npm_tree(tree, 0);
        }
    }

    fn npm_tree(&mut self, tree: &Map<String, Value>, depth: usize) {
        for (name, entry) in tree {
            self.npm_entry(name, entry);
            if let Some(inner) = entry.get("dependencies").and_then(Value::as_object).filter(|_| depth < MAX_DEPTH) {
                self.npm_tree(inner, depth + 1);
            }
        }
    }

    fn npm_entry(&mut self, name: &str, entry: &Value) {
        let text = |key: &str| entry.get(key).and_then(Value::as_str);
        let Some((version, digest)) = text("version").zip(text("integrity")) else { return };
        let (name, version) = version.strip_prefix("npm:").and_then(split_name).unwrap_or((name, version));
        self.add(name, version, digest);
    }

    fn yarn(&mut self, text: &str) {
        let (mut name, mut version) = (String::new(), String::new());
        for line in text.lines() {
            if let Some(patterns) = line.strip_suffix(':').filter(|line| !line.starts_with([' ', '#'])) {
                let first = patterns.split(", ").next().unwrap_or(patterns).trim_matches('"');
                name = split_name(first).map_or(String::new(), |(name, range)| {
                    range.strip_prefix("npm:").and_then(split_name).map_or(name, |(real, _)| real).to_owned()
                });
                version.clear();
                continue;
            }
            let Some((key, value)) = line.trim().split_once(' ') else { continue };
            let value = value.trim_matches('"');
            match key {
                "version" => value.clone_into(&mut version),
                "resolved" => {
                    if let Some((_, sha1)) = value.rsplit_once('#') {
                        self.add(&name, &version, sha1);
                    }
                }
                "integrity" => value.split(' ').for_each(|digest| self.add(&name, &version, digest)),
                _ => {}
            }
        }
    }

    fn pnpm(&mut self, text: &str) -> Option<()> {
        for document in documents::<Document>(text).ok()? {
            for (key, entry) in document.packages.unwrap_or_default() {
                let digest = entry.and_then(|entry| entry.resolution).and_then(|resolution| resolution.integrity);
                if let Some((digest, (name, version))) = digest.zip(super::pnpm::version(&key)) {
                    self.add(&name, version, &digest);
                }
            }
        }
        Some(())
    }
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    packages: Option<BTreeMap<String, Option<Entry>>>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    resolution: Option<Resolution>,
}

#[derive(Deserialize)]
struct Resolution {
    #[serde(default)]
    integrity: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stand_in::StandIn;

    const OLD: &str = "sha512-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==";

    fn gone(what: &str) -> StandIns {
        let mut gone = StandIns::default();
        gone.add([(what.to_owned(), None)]);
        gone
    }

    fn changed(file: &str, text: &str) -> Option<String> {
        with_stand_ins(file, text.as_bytes(), &gone("gone")).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn only_the_digests_of_what_is_gone_change_in_every_format() {
        let new = StandIn::of("gone", "1.2.3").unwrap();
        let npm = format!(r#"{{"packages":{{"node_modules/a/node_modules/gone":{{"version":"1.2.3","integrity":"{OLD}"}}}}}}"#);
        assert_eq!(changed("package-lock.json", &npm).unwrap(), npm.replace(OLD, &new.integrity));
        let sha1 = "0123456789012345678901234567890123456789";
        let yarn = format!(
            "gone@^1.0.0, gone@1:\n  version \"1.2.3\"\n  resolved \"https://x/gone/-/gone-1.2.3.tgz#{sha1}\"\n  integrity {OLD}\n"
        );
        assert_eq!(changed("yarn.lock", &yarn).unwrap(), yarn.replace(OLD, &new.integrity).replace(sha1, &new.shasum));
        let pnpm = format!("lockfileVersion: '9.0'\npackages:\n  gone@1.2.3:\n    resolution: {{integrity: {OLD}}}\n");
        assert_eq!(changed("pnpm-lock.yaml", &pnpm).unwrap(), pnpm.replace(OLD, &new.integrity));
        assert_eq!(changed("pnpm-lock.yaml", &pnpm.replace("gone", "there")), None);
        let one = |version: &str| with_stand_ins("pnpm-lock.yaml", pnpm.as_bytes(), &gone(&format!("gone@{version}")));
        assert!(one("1.2.3").is_some() && one("1.2.4").is_none());
    }
}
