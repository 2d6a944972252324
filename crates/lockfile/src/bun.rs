//! bun.lock: JSON with comments and trailing commas; a package is a list of one to four parts.

use std::collections::HashMap;

use jsonc_parser::ast::Object;
use jsonc_parser::common::Ranged;

use super::collect::Collected;
use super::json::{self, Lines};
use super::{Fault, MAX_KEY, MAX_NEEDS, Place, Position, Reason, Usage, address};

/// Most paths that are looked up for the dependencies of a file.
const MAX_LOOKUPS: usize = 10_000_000;

/// Most optional peers of one package that are looked at.
const MAX_PEERS: usize = 100;

pub(crate) fn read(text: &str, found: &mut Collected) -> Result<(), Fault> {
    let root = json::parse(text, true)?;
    let lines = Lines::of(text);
    match json::member(&root, "lockfileVersion").map(|value| value.as_number_lit().map_or("", |number| number.value)) {
        Some("0" | "1" | "2") => {}
        Some(_) => return Err(Fault::Version),
        None => return Err(Fault::Malformed("it has no lockfileVersion".to_owned())),
    }
    let mut all = All::default();
    for property in json::rows(json::table(&root, "packages")?) {
        let (key, position) = (property.name.as_str(), lines.position(property.range().start));
        let parts = property.value.as_array().map_or(&[][..], |list| list.elements.as_slice());
        let info = parts.iter().find_map(|part| part.as_object());
        let texts: Vec<&str> = parts.iter().map(|part| json::string(part).unwrap_or_default()).collect();
        let node = add(key, position, &texts, info, found)?;
        all.by_key.insert(key, (node, info));
        all.by_name.entry(last(key)).or_default().push(node);
        if let Some(folder) = texts.first().and_then(|text| address::split_name(text)?.1.strip_prefix("workspace:")) {
            all.by_folder.insert(folder, node);
        }
    }
    let packages: Vec<_> = all.by_key.iter().filter_map(|(key, (node, info))| Some((*key, *node, (*info)?))).collect();
    for (key, node, info) in packages {
        for to in all.targets(key, info, &["dependencies", "optionalDependencies", "peerDependencies"])? {
            found.needs(node, to)?;
        }
    }
    for property in json::rows(json::table(&root, "workspaces")?) {
        let Some(of) = property.value.as_object() else { continue };
        let (folder, name) = (property.name.as_str(), json::text(of, "name"));
        let node = if let Some(node) = all.by_folder.get(folder) {
            *node
        } else {
            let reason = if folder.is_empty() { Reason::Project } else { Reason::Workspace };
            found.left_out(name.unwrap_or(folder), lines.position(property.range().start), reason)?
        };
        let key = if folder.is_empty() { "" } else { name.unwrap_or("") };
        for to in all.targets(key, of, &["dependencies", "optionalDependencies", "peerDependencies"])? {
            found.needs(node, to)?;
        }
        let development = all.targets(key, of, &["devDependencies"])?;
        found.count(development.len())?;
        found.importer(node, name.map(str::to_owned), folder, development);
    }
    found.dev_by_graph();
    Ok(())
}

fn add(key: &str, position: Position, texts: &[&str], info: Option<&Object<'_>>, found: &mut Collected) -> Result<usize, Fault> {
    let Some((name, version)) = texts.first().and_then(|text| address::split_name(text)) else {
        return found.left_out(key, position, Reason::Unreadable);
    };
    if version.starts_with("root:") {
        return found.left_out(key, position, Reason::Project);
    }
    if let Some(reason) = address::kind(version) {
        return found.left_out(key, position, reason);
    }
    if info.is_some_and(|info| json::flag(info, "bundled")) && last(key) != key {
        return found.left_out(key, position, Reason::Bundled);
    }
    // The address of the tarball, or of the registry; empty for the usual one.
    let from = texts.get(1).copied().filter(|from| address::host(from).is_some());
    let place = Place {
        position,
        key: key.to_owned(),
        integrity: texts.get(3).copied().map(address::hashes).unwrap_or_default(),
        resolved: from.filter(|from| from.contains("/-/") || address::ends_with(from, ".tgz")).map(str::to_owned),
        host: from.and_then(address::host),
        usage: Usage::default(),
    };
    found.package(name, version, place)
}

#[derive(Default)]
struct All<'t, 'a> {
    by_key: HashMap<&'t str, (usize, Option<&'t Object<'a>>)>,
    by_name: HashMap<&'t str, Vec<usize>>,
    by_folder: HashMap<&'t str, usize>,
    lookups: usize,
}

impl All<'_, '_> {
    /// The nodes that a package at `key` needs: `key/name`, else the same one level higher, as folders are.
    fn targets(&mut self, key: &str, of: &Object<'_>, kinds: &[&str]) -> Result<Vec<usize>, Fault> {
        let mut all = Vec::new();
        // What would be used if it were there is not needed.
        let only_used: Vec<&str> = json::list(of, "optionalPeers").iter().filter_map(json::string).take(MAX_PEERS).collect();
        for (name, _) in kinds.iter().flat_map(|kind| json::pairs(of, kind)) {
            if only_used.contains(&name) {
                continue;
            }
            let mut above = if key.len() + name.len() > MAX_KEY { "" } else { key };
            let node = loop {
                self.lookups += 1;
                if self.lookups > MAX_LOOKUPS {
                    return Err(Fault::TooMuch);
                }
                let path = if above.is_empty() { name.to_owned() } else { format!("{above}/{name}") };
                if let Some((node, _)) = self.by_key.get(path.as_str()) {
                    break Some(*node);
                }
                if above.is_empty() {
                    break None;
                }
                above = above.strip_suffix(last(above)).unwrap_or("").trim_end_matches('/');
            };
            match node {
                Some(node) => all.push(node),
                None => all.extend(self.by_name.get(name).into_iter().flatten()),
            }
            if all.len() > MAX_NEEDS {
                return Err(Fault::TooMuch);
            }
        }
        Ok(all)
    }
}

/// The last name of a key: of `a/@s/b` it is `@s/b`.
fn last(key: &str) -> &str {
    let Some(slash) = key.rfind('/') else { return key };
    let before = key.get(..slash).unwrap_or_default();
    let start = before.rfind('/').map_or(0, |at| at + 1);
    let scope = before.get(start..).unwrap_or_default();
    if scope.starts_with('@') { key.get(start..) } else { key.get(slash + 1..) }.unwrap_or(key)
}
