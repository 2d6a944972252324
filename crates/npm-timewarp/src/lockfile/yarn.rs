//! yarn.lock, in yarn 1's own format and in the YAML of yarn 2 and later; and the way of yarn 1's
//! addresses to us and back.

use std::collections::BTreeMap;

use serde::Deserialize;

use npmrc::DEFAULT_REGISTRY;

use super::yaml::documents;
use super::{Named, is_registry, registry_name, split_name, yarn_git};
use crate::ledger::Leads;

/// Whether a yarn.lock is of yarn 2 or later.
pub(super) fn is_berry(text: &str) -> bool {
    text.lines().any(|line| line.trim_end() == "__metadata:")
}

/// Reads yarn 1's lockfile: patterns at the start of a line, their members below it.
pub(super) fn read_v1(text: &str, found: &mut Named) {
    let mut pattern: Option<&str> = None;
    let mut version: Option<&str> = None;
    let mut resolved: Option<&str> = None;
    // An empty line at the end, so that the last entry ends as the others do.
    for line in text.lines().chain([""]) {
        let is_member = line.starts_with("  ") && !line.starts_with("   ");
        if is_member {
            if let Some((key, value)) = line.trim().split_once(' ') {
                match key {
                    "version" => version = Some(unquoted(value)),
                    "resolved" => resolved = Some(unquoted(value)),
                    _ => {}
                }
            }
            continue;
        }
        if line.starts_with(' ') {
            continue;
        }
        if let Some((pattern, version)) = pattern.take().zip(version.take()) {
            entry(pattern, version, resolved, found);
        }
        (version, resolved) = (None, None);
        pattern = line.strip_suffix(':').filter(|line| !line.starts_with('#'));
    }
}

fn entry(patterns: &str, version: &str, resolved: Option<&str>, found: &mut Named) {
    let first = unquoted(patterns.split(", ").next().unwrap_or(patterns));
    let Some((name, range)) = split_name(first) else { return };
    match resolved {
        Some(resolved) if !is_registry(resolved) => found.address(resolved),
        // The address has the real name where the pattern has an alias.
        Some(resolved) => found.version(&registry_name(resolved).unwrap_or_else(|| name.to_owned()), version),
        // An offline mirror has no addresses.
        None => found.version(range.strip_prefix("npm:").and_then(split_name).map_or(name, |(name, _)| name), version),
    }
}

pub(super) fn unquoted(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

#[derive(Deserialize)]
struct Berry {
    #[serde(default)]
    resolution: Option<String>,
}

/// Reads the lockfile of yarn 2 and later: each entry's `resolution` has the real name and version.
pub(super) fn read_berry(text: &str, found: &mut Named) -> Result<(), String> {
    for document in documents::<BTreeMap<String, Berry>>(text)? {
        for resolution in document.into_values().filter_map(|entry| entry.resolution) {
            let Some((name, reference)) = split_name(&resolution) else { continue };
            match reference.strip_prefix("npm:") {
                Some(version) => {
                    // `::__archiveUrl=…`: where the registry has its tarball, if at an unusual
                    // place.
                    found.version(name, version.split_once("::").map_or(version, |(version, _)| version));
                }
                None => found.address(reference),
            }
        }
    }
    Ok(())
}

/// A yarn 1 lockfile whose addresses lead to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// The file for the installation.
    pub bytes: Vec<u8>,
    base: String,
    /// The line that stood for each that leads a repository to us.
    repositories: BTreeMap<String, String>,
    /// What stood before each of our addresses, by the rest of it.
    origins: BTreeMap<String, String>,
    /// What new entries get.
    usual: String,
}

/// Points the addresses of a yarn 1 lockfile to the registry here: yarn 1 goes straight to the
/// address that stands there, whatever registry it is told; and its dependencies on git
/// repositories. Other addresses that no registry serves stay. Does nothing to a lockfile of yarn 2
/// or later.
pub fn rewrite_yarn_v1(bytes: &[u8], leads: &Leads) -> Rewritten {
    let base = leads.base().to_owned();
    let usual = DEFAULT_REGISTRY.to_owned();
    let mut rewritten = Rewritten { bytes: Vec::new(), base, repositories: BTreeMap::new(), origins: BTreeMap::new(), usual };
    let Some(text) = std::str::from_utf8(bytes).ok().filter(|text| !is_berry(text)) else {
        rewritten.bytes = bytes.to_vec();
        return rewritten;
    };
    let (text, repositories) = yarn_git::lead(text, leads);
    rewritten.repositories = repositories;
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        match address(line).and_then(|address| Some((address, origin(address)?))) {
            Some((address, (origin, rest))) if origin != rewritten.base => {
                if rewritten.origins.is_empty() {
                    origin.clone_into(&mut rewritten.usual);
                }
                rewritten.origins.insert(rest.to_owned(), origin.to_owned());
                out.push_str(&line.replacen(address, &format!("{}{rest}", rewritten.base), 1));
            }
            _ => out.push_str(line),
        }
    }
    rewritten.bytes = out.into_bytes();
    rewritten
}

impl Rewritten {
    /// The way back: our addresses become what they were, and those that yarn has added become the
    /// usual ones of the file.
    pub fn restore(&self, bytes: &[u8]) -> Vec<u8> {
        let Ok(text) = std::str::from_utf8(bytes) else { return bytes.to_vec() };
        let mut out = String::with_capacity(text.len());
        for line in text.split_inclusive('\n') {
            let bare = line.trim_end_matches(['\r', '\n']);
            if let Some(origin) = self.repositories.get(bare) {
                out.push_str(origin);
                out.push_str(line.get(bare.len()..).unwrap_or_default());
                continue;
            }
            match address(line).and_then(|address| Some((address, address.strip_prefix(&self.base)?))) {
                Some((address, rest)) => {
                    let origin = self.origins.get(rest).unwrap_or(&self.usual);
                    out.push_str(&line.replacen(address, &format!("{origin}{rest}"), 1));
                }
                None => out.push_str(line),
            }
        }
        out.into_bytes()
    }
}

/// The address in a line of yarn 1's lockfile.
fn address(line: &str) -> Option<&str> {
    let value = line.strip_prefix("  resolved ")?;
    Some(unquoted(value)).filter(|address| address.starts_with("http"))
}

/// What stands before the package in a registry's address, with a slash at the end, and the rest.
fn origin(address: &str) -> Option<(&str, &str)> {
    let (before, _) = address.split_once("/-/")?;
    registry_name(address)?;
    let name_at = before.rfind('/')? + 1;
    // An encoded slash is part of the name's own segment.
    let scope_at =
        before.get(..name_at - 1)?.rfind('/').map(|at| at + 1).filter(|at| before.get(*at..).is_some_and(|rest| rest.starts_with('@')));
    address.split_at_checked(scope_at.unwrap_or(name_at))
}

#[cfg(test)]
mod tests {
    use super::super::named;
    use super::*;

    const V1: &str = "# THIS IS AN AUTOGENERATED FILE. DO NOT EDIT THIS FILE DIRECTLY.\n# yarn lockfile v1\n\n\n\"@s/b@^2.0.0\", \"@s/b@^2.1.0\":\n  version \"2.1.0\"\n  resolved \"https://r.example/@s/b/-/b-2.1.0.tgz#00ff\"\n  integrity sha512-x\n  dependencies:\n    version \"^9.0.0\"\n    a \"^1.0.0\"\n\na@^1.0.0:\n  version \"1.0.0\"\n  resolved \"https://other.example/npm/a/-/a-1.0.0.tgz#00\"\n\n\"alias@npm:real@^3\":\n  version \"3.0.0\"\n\ng@owner/g:\n  version \"4.0.0\"\n  resolved \"https://code.example/owner/g/tar.gz/0123\"\n";

    fn read(text: &str) -> (Vec<String>, Vec<String>) {
        let found = named("yarn.lock", text.as_bytes()).unwrap();
        (found.versions.iter().map(|(name, version)| format!("{name}@{version}")).collect(), found.hosts.into_iter().collect())
    }

    #[test]
    fn yarn_1_entries_are_read_to_the_last() {
        assert_eq!(read(V1), (vec!["@s/b@2.1.0".into(), "a@1.0.0".into(), "real@3.0.0".into()], vec!["code.example".into()]));
        assert_eq!(read(&V1.replace('\n', "\r\n")).0.len(), 3);
    }

    #[test]
    fn berry_resolutions_are_read() {
        let text = "# This file is generated by running \"yarn install\"\n\n__metadata:\n  version: 6\n  cacheKey: 8\n\n\"a@npm:^1.0.0, a@npm:^1.1.0\":\n  version: 1.1.0\n  resolution: \"a@npm:1.1.0\"\n  checksum: 00ff\n  languageName: node\n  linkType: hard\n\n\"alias@npm:@s/real@^2\":\n  version: 2.0.0\n  resolution: \"@s/real@npm:2.0.0::__archiveUrl=https%3A%2F%2Fx\"\n  linkType: hard\n\n\"g@https://host.example/g.git\":\n  version: 3.0.0\n  resolution: \"g@https://host.example/g.git#commit=0123\"\n\n\"root@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"root@workspace:.\"\n";
        assert_eq!(read(text), (vec!["@s/real@2.0.0".into(), "a@1.1.0".into()], vec!["host.example".into()]));
    }

    #[test]
    fn addresses_lead_to_us_and_back() {
        let rewritten = rewrite_yarn_v1(V1.as_bytes(), &Leads::new("http://127.0.0.1:4873"));
        let text = String::from_utf8(rewritten.bytes.clone()).unwrap();
        assert!(text.contains("  resolved \"http://127.0.0.1:4873/@s/b/-/b-2.1.0.tgz#00ff\"\n"));
        assert!(text.contains("  resolved \"http://127.0.0.1:4873/a/-/a-1.0.0.tgz#00\"\n"));
        let g = Leads::new("http://127.0.0.1:4873").to("g", "owner/g");
        assert!(text.contains(&format!("\n\"g@{g}\":\n")) && !text.contains("code.example"));
        assert_eq!(rewritten.restore(&rewritten.bytes), V1.as_bytes());
        let added = rewritten.restore(b"  resolved \"http://127.0.0.1:4873/new/-/new-1.0.0.tgz#1\"\n");
        assert_eq!(added, b"  resolved \"https://r.example/new/-/new-1.0.0.tgz#1\"\n");
    }

    #[test]
    fn an_encoded_scope_stays_with_its_name() {
        assert_eq!(origin("https://r.example/x/@s%2fa/-/a-1.tgz"), Some(("https://r.example/x/", "@s%2fa/-/a-1.tgz")));
        assert_eq!(origin("https://r.example/a/-/a-1.tgz"), Some(("https://r.example/", "a/-/a-1.tgz")));
    }
}
