//! yarn.lock of yarn 2 and later: YAML; each entry's `resolution` has the real name and version.

use std::collections::{BTreeMap, HashMap};

use percent_encoding::percent_decode_str;
use serde::Deserialize;

use super::bound::{self, MAX_PATCHES};
use super::collect::Collected;
use super::descriptors::Need;
use super::folders::{self, OwnFolder, Told};
use super::graph::Kind;
use super::links::Link;
use super::stated::{base, normal};
use super::unmet::Unmet;
use super::yaml::{Ignored, Pairs, documents};
use super::{Fault, Needed, Place, Position, Reason, Stated, address, asked};

/// An entry. yarn 1 would read members that yarn 2 does not know, and so none of them may be there.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Entry {
    resolution: Option<String>,
    dependencies: Pairs<String>,
    version: Ignored,
    cache_key: Ignored,
    peer_dependencies: Ignored,
    optional_dependencies: Pairs<String>,
    dependencies_meta: Ignored,
    peer_dependencies_meta: Ignored,
    bin: Pairs<String>,
    checksum: Ignored,
    conditions: Ignored,
    language_name: Ignored,
    link_type: Ignored,
}

/// Whether a yarn.lock is of yarn 2 or later; an error where it is of both.
pub(crate) fn is_berry(text: &str) -> Result<bool, Fault> {
    if text.replace("\r\n", "").contains('\r') {
        return Err(Fault::Malformed("it contains a single carriage return".to_owned()));
    }
    let is_berry = text.lines().any(|line| line.trim_end() == "__metadata:");
    let is_one = text.lines().any(|line| line.starts_with('#') && line.to_ascii_lowercase().contains("yarn lockfile v1"));
    if is_berry && is_one { Err(Fault::Malformed("it is of yarn 1 and of yarn 2".to_owned())) } else { Ok(is_berry) }
}

pub(crate) fn read(text: &str, found: &mut Collected) -> Result<(), Fault> {
    for document in documents::<Pairs<Entry>>(text)? {
        let entries: Vec<_> = document.0.into_iter().filter(|(key, ..)| key != "__metadata").collect();
        let (mut by_descriptor, mut by_name) = (HashMap::new(), HashMap::<&str, Vec<usize>>::new());
        let mut nodes = Vec::with_capacity(entries.len());
        for (key, position, entry) in &entries {
            let node = add(key, *position, entry, found)?;
            found.leads_to(node, &[entry.resolution.as_deref()]);
            nodes.push(node);
            for descriptor in key.split(", ") {
                by_descriptor.insert(descriptor, node);
                if let Some((name, _)) = address::split_name(descriptor) {
                    by_name.entry(name).or_default().push(node);
                }
            }
        }
        for ((key, position, entry), node) in entries.iter().zip(nodes) {
            let by = entry.resolution.as_deref().and_then(address::split_name).unwrap_or((key, ""));
            for (name, _, wanted) in entry.dependencies.0.iter().chain(&entry.optional_dependencies.0) {
                let known = by_descriptor.get(format!("{name}@{wanted}").as_str());
                let known = known.or_else(|| by_descriptor.get(format!("{name}@npm:{wanted}").as_str()));
                // Where another range took its place (`resolutions`), any of that name may be
                // meant: which one it is, only the project says.
                let targets = known.map(std::slice::from_ref).or_else(|| by_name.get(name.as_str()).map(Vec::as_slice));
                match targets {
                    None => found.gap(key, &format!("{name}@{wanted}"), *position),
                    Some(_) => found.said.descriptors.needs.push(Need {
                        by: (by.0.to_owned(), by.1.to_owned()),
                        name: name.clone(),
                        wanted: wanted.clone(),
                    }),
                }
                for to in targets.unwrap_or_default() {
                    found.asks(node, *to, name);
                    found.needs(node, *to, Kind::Production)?;
                }
            }
        }
        found.said.descriptors.keys.extend(by_descriptor.into_keys().map(str::to_owned));
    }
    Ok(())
}

fn add(key: &str, position: Position, entry: &Entry, found: &mut Collected) -> Result<usize, Fault> {
    let resolution = entry.resolution.as_deref().unwrap_or_default();
    let Some((name, reference)) = address::split_name(resolution) else { return found.left_out(key, position, Reason::Unreadable) };
    if let Some(folder) = reference.strip_prefix("workspace:") {
        let is_root = folder == ".";
        Link::to(name, folder).keep(&mut found.said.links)?;
        in_its_ranges(key, (name, folder), found)?;
        let node = found.folder(key, position, (if is_root { Reason::Project } else { Reason::Workspace }, folder))?;
        let asks = entry.dependencies.0.iter().chain(&entry.optional_dependencies.0).map(|(name, _, range)| (name.clone(), range.clone()));
        // Of which kind a need is, this format does not say.
        let asked = asked::collect([("", asks.collect())]);
        found.said.by_folder.insert(if is_root { String::new() } else { folder.to_owned() }, asked);
        if is_root {
            found.said.descriptors.root = Some((name.to_owned(), reference.to_owned()));
        }
        found.importer(node, Some(name.to_owned()), if is_root { "" } else { folder }, Vec::new());
        return Ok(node);
    }
    // What a patch makes of a package is in no tarball. The hash behind it is that of the patch.
    if bound::is_patched(reference) {
        let patch = found.left_out(key, position, Reason::File)?;
        found.leads_to(patch, &[Some(resolution)]);
    }
    let (name, reference) = unpatched(name, reference);
    if let Some((reason, path)) = own_folder(&reference) {
        let told = if reference.starts_with("link:") { Told::Nothing } else { Told::Entry(needs_of(entry)) };
        return found.own_folder(key, position, reason, OwnFolder::of(path, told));
    }
    let Some(version) = reference.strip_prefix("npm:") else {
        return found.left_out(key, position, address::kind(&reference).unwrap_or(Reason::Unreadable));
    };
    let (version, parameters) = version.split_once("::").unwrap_or((version, ""));
    let archive = match parameters.strip_prefix("__archiveUrl=") {
        Some(address) if !address.contains('&') => Some(percent_decode_str(address).decode_utf8_lossy().into_owned()),
        // What other parameters do, only yarn knows.
        _ if !parameters.is_empty() => return found.left_out(key, position, Reason::Unreadable),
        _ => None,
    };
    // Its `checksum` is of the archive that yarn makes of the tarball, and no hash of the tarball.
    let short: String = key.chars().take(super::MAX_KEY / 4).collect();
    let commands = entry.bin.0.iter().map(|(name, _, file)| (base(name).to_owned(), normal(file))).collect::<BTreeMap<_, _>>();
    // After a change of its format yarn asks the registry for what each package needs.
    let commands = (!commands.is_empty()).then_some(commands);
    let stated = Some(Box::new(Stated { commands, needs: Some(needs_of(entry)), ..Stated::default() }));
    let place = Place { in_place_of: asked_for(key, &name), stated, ..Place::at(position, &short).with_address(archive.as_deref()) };
    found.package(&name, version, place)
}

/// Keeps the ranges of a registry that lead to a workspace.
fn in_its_ranges(key: &str, (name, folder): (&str, &str), found: &mut Collected) -> Result<(), Fault> {
    let is_of_registry = |range: &str| range.starts_with("npm:") || !range.contains(':') && address::kind(range).is_none();
    for (asked, range) in key.split(", ").filter_map(address::split_name).filter(|(_, range)| is_of_registry(range)) {
        // Without a name behind it, `npm:` is the protocol of the range.
        let plain = range.strip_prefix("npm:").filter(|plain| address::split_name(plain).is_none()).unwrap_or(range);
        let (key, asked, wanted) = (name.to_owned(), asked.to_owned(), plain.to_owned());
        let need = Unmet { by: None, key, name: asked, wanted, locked: String::new(), is_peer: false };
        found.said.unmet.add_folder(need, if folder == "." { "" } else { folder })?;
    }
    Ok(())
}

fn needs_of(entry: &Entry) -> BTreeMap<String, Needed> {
    let needs = entry.dependencies.0.iter().chain(&entry.optional_dependencies.0);
    needs.map(|(name, _, range)| (name.clone(), Needed::Range(range.clone()))).collect()
}

/// The folder of the project that a reference is for, where the project or a workspace asks for it:
/// `link:packages/a::locator=x%40workspace%3A.`.
fn own_folder(reference: &str) -> Option<(Reason, String)> {
    let (address, parameters) = reference.split_once("::")?;
    let path = ["file:", "link:", "portal:"].iter().find_map(|protocol| address.strip_prefix(protocol))?;
    let (path, hashed) = path.split_once('#').unwrap_or((path, path));
    let asker = parameters.split('&').find_map(|one| one.strip_prefix("locator="))?;
    let asker = percent_decode_str(asker).decode_utf8().ok()?;
    let (_, folder) = asker.rsplit_once("@workspace:")?;
    let folder = if folder == "." { "" } else { folder };
    // A path of a workspace is one from its folder.
    let is_plain = folder.is_empty() || address::is_normal(folder) && address::is_inside(folder);
    let reason = address::kind(address).filter(|_| is_plain && path == hashed)?;
    let path = if folder.is_empty() { path.to_owned() } else { folders::joined(folder, path)? };
    Some((reason, folders::own(&path)?))
}

/// The name of another package than this one, whose range is among the descriptors of a key.
fn asked_for(key: &str, name: &str) -> Option<String> {
    key.split(", ").find_map(|descriptor| {
        let (asked, range) = address::split_name(descriptor)?;
        let range = range.strip_prefix("npm:").unwrap_or(range);
        // Of a patch the package is the one under it.
        let real = if range.contains(':') { return None } else { address::split_name(range).map_or(asked, |(real, _)| real) };
        (real != name).then(|| real.to_owned())
    })
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
