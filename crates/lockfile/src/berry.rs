//! yarn.lock of yarn 2 and later: YAML; each entry's `resolution` has the real name and version.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use serde::Deserialize;

use super::collect::Collected;
use super::yaml::{Pairs, documents};
use super::{Fault, Place, Position, Reason, Usage, address};

/// How deep a patch of a patch is followed.
const MAX_PATCHES: usize = 8;

#[derive(Deserialize, Default)]
struct Entry {
    #[serde(default)]
    resolution: Option<String>,
    #[serde(default)]
    dependencies: Pairs<String>,
}

/// Whether a yarn.lock is of yarn 2 or later.
pub(crate) fn is_berry(text: &str) -> bool {
    text.lines().any(|line| line.trim_end() == "__metadata:")
}

pub(crate) fn read(text: &str, found: &mut Collected) -> Result<(), Fault> {
    for document in documents::<Pairs<Entry>>(text)? {
        let entries: Vec<_> = document.0.into_iter().filter(|(key, ..)| key != "__metadata").collect();
        let (mut by_descriptor, mut by_name) = (HashMap::new(), HashMap::<&str, Vec<usize>>::new());
        let mut nodes = Vec::with_capacity(entries.len());
        for (key, position, entry) in &entries {
            let node = add(key, *position, entry, found)?;
            nodes.push(node);
            for descriptor in key.split(", ") {
                by_descriptor.insert(descriptor, node);
                if let Some((name, _)) = address::split_name(descriptor) {
                    by_name.entry(name).or_default().push(node);
                }
            }
        }
        for ((_, _, entry), node) in entries.iter().zip(nodes) {
            for (name, _, wanted) in &entry.dependencies.0 {
                let known = by_descriptor.get(format!("{name}@{wanted}").as_str());
                let known = known.or_else(|| by_descriptor.get(format!("{name}@npm:{wanted}").as_str()));
                // Where another range took its place (`resolutions`), any of that name may be meant.
                let targets = known.map(std::slice::from_ref).or_else(|| by_name.get(name.as_str()).map(Vec::as_slice));
                for to in targets.unwrap_or_default() {
                    found.needs(node, *to)?;
                }
            }
        }
    }
    Ok(())
}

fn add(key: &str, position: Position, entry: &Entry, found: &mut Collected) -> Result<usize, Fault> {
    let resolution = entry.resolution.as_deref().unwrap_or_default();
    let Some((name, reference)) = address::split_name(resolution) else { return found.left_out(key, position, Reason::Unreadable) };
    if let Some(folder) = reference.strip_prefix("workspace:") {
        let is_root = folder == ".";
        let node = found.left_out(key, position, if is_root { Reason::Project } else { Reason::Workspace })?;
        found.importer(node, Some(name.to_owned()), if is_root { "" } else { folder }, Vec::new());
        return Ok(node);
    }
    let (name, reference) = unpatched(name, reference);
    let Some(version) = reference.strip_prefix("npm:") else {
        return found.left_out(key, position, address::kind(&reference).unwrap_or(Reason::Unreadable));
    };
    let (version, parameters) = version.split_once("::").unwrap_or((version, ""));
    let archive = parameters.split('&').find_map(|parameter| parameter.strip_prefix("__archiveUrl="));
    let archive = archive.map(|address| percent_decode_str(address).decode_utf8_lossy().into_owned());
    let place = Place {
        position,
        key: key.chars().take(super::MAX_KEY / 4).collect(),
        // Its `checksum` is of the archive that yarn makes of the tarball.
        integrity: Vec::new(),
        host: archive.as_deref().and_then(address::host),
        resolved: archive,
        usage: Usage::default(),
    };
    found.package(&name, version, place)
}

/// The package that a patch is laid over: `patch:typescript@npm%3A5.9.3#…`.
fn unpatched(name: &str, reference: &str) -> (String, String) {
    let (mut name, mut reference) = (name.to_owned(), reference.to_owned());
    for _ in 0..MAX_PATCHES {
        let Some(patched) = reference.strip_prefix("patch:") else { break };
        let inner = percent_decode_str(patched.split('#').next().unwrap_or(patched)).decode_utf8_lossy().into_owned();
        let Some((inner_name, inner_reference)) = address::split_name(&inner) else { break };
        (name, reference) = (inner_name.to_owned(), inner_reference.to_owned());
    }
    (name, reference)
}
