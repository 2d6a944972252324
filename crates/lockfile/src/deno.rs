//! deno.lock 2 to 5: `name@1.0.0`, with peers as `name@1.0.0_peer@2.0.0`.

mod asked;

use std::collections::{HashMap, HashSet};

use jsonc_parser::ast::Object;
use jsonc_parser::common::Ranged;
use npm_spec::version;

use super::collect::Collected;
use super::json::{self, Lines};
use super::{Fault, Place, Position, Reason, address};

pub(crate) use asked::differences;

/// The members of the file, and those of a package.
const MEMBERS: [&str; 10] = ["version", "specifiers", "packages", "npm", "jsr", "remote", "redirects", "workspace", "patches", "links"];
const IN_ENTRY: [&str; 12] = [
    "integrity",
    "tarball",
    "dependencies",
    "optionalDependencies",
    "optionalPeers",
    "peerDependencies",
    "os",
    "cpu",
    "libc",
    "deprecated",
    "scripts",
    "bin",
];

pub(crate) fn read(text: &str, found: &mut Collected) -> Result<(), Fault> {
    let root = json::parse(text, false)?;
    json::whole(&root, &MEMBERS)?;
    let lines = Lines::of(text);
    // Up to version 3 the packages lie one level deeper.
    let (of_npm, of_jsr) = match json::text(&root, "version") {
        Some("2") => (json::table(&root, "npm")?.map(|npm| json::table(npm, "packages")).transpose()?.flatten(), None),
        Some("3") => {
            let packages = json::table(&root, "packages")?;
            let of = |kind| packages.map(|all| json::table(all, kind)).transpose().map(Option::flatten);
            (of("npm")?, of("jsr")?)
        }
        Some("4" | "5") => (json::table(&root, "npm")?, json::table(&root, "jsr")?),
        Some(_) => return Err(Fault::Version),
        None => return Err(Fault::Malformed("it has no version".to_owned())),
    };
    let top = json::table(&root, "specifiers")?;
    let within = json::table(&root, "packages")?.map(|all| json::table(all, "specifiers")).transpose()?.flatten();
    let in_npm = json::table(&root, "npm")?.map(|all| json::table(all, "specifiers")).transpose()?.flatten();
    let rows: HashSet<&str> = json::rows(of_npm).iter().map(|row| row.name.as_str()).collect();
    for property in json::rows(top).iter().chain(json::rows(within)).chain(json::rows(in_npm)) {
        specifier((property.name.as_str(), json::string(&property.value)), &rows, lines.position(property.range().start), found);
    }
    let mut nodes = HashMap::new();
    for property in json::rows(of_npm) {
        let (key, position) = (property.name.as_str(), lines.position(property.range().start));
        let Some((entry, (name, version))) = property.value.as_object().zip(address::split_name(key)) else {
            found.left_out(key, position, Reason::Unreadable)?;
            continue;
        };
        if !json::is_plain(entry, &["tarball", "integrity"], &[]) || !json::has_only(entry, &[&IN_ENTRY]) {
            found.left_out(key, position, Reason::Unreadable)?;
            continue;
        }
        let place = Place {
            integrity: json::text(entry, "integrity").map(address::hashes).unwrap_or_default(),
            ..Place::at(position, key).with_address(json::text(entry, "tarball"))
        };
        // No version has an underscore.
        let node = found.package(name, version.split('_').next().unwrap_or(version), place)?;
        nodes.insert(key, (node, entry, position));
    }
    for (key, (node, entry, position)) in &nodes {
        for (alias, real) in needs(entry) {
            // By the name alone a package is only asked for as itself.
            let Some(real) = real else { continue };
            match nodes.get(real) {
                Some((to, ..)) => found.asks(*node, *to, alias),
                None => found.gap(key, real, *position),
            }
        }
    }
    for property in json::rows(of_jsr).iter().chain(json::rows(json::table(&root, "remote")?)) {
        found.left_out(property.name.as_str(), lines.position(property.range().start), Reason::OtherRegistry)?;
    }
    Ok(())
}

/// What a package is said to need: the name under which it asks, and the row that this leads to, if
/// it is named: `a`, `a@1.0.0` or `alias@npm:a@1.0.0`; up to version 3 names with rows.
fn needs<'a>(entry: &'a Object<'a>) -> Vec<(&'a str, Option<&'a str>)> {
    let mut all = Vec::new();
    for kind in ["dependencies", "optionalDependencies", "optionalPeers"] {
        for value in json::list(entry, kind) {
            let Some(text) = json::string(value) else { continue };
            let row = address::split_name(text).and_then(|(alias, behind)| Some((alias, behind.strip_prefix("npm:")?)));
            let Some((alias, row)) = row else { continue };
            all.push((alias, Some(row)));
        }
        let table = json::rows(json::object(entry, kind)).iter();
        all.extend(table.map(|property| (property.name.as_str(), json::string(&property.value))));
    }
    all
}

/// Keeps which version a specifier leads to (`npm:a@1` to `1.0.0`, up to version 3 to
/// `npm:a@1.0.0`), and tells of one that leads nowhere: deno then asks the registry.
fn specifier((wanted, locked): (&str, Option<&str>), rows: &HashSet<&str>, position: Position, found: &mut Collected) {
    // Up to version 2 all specifiers are npm's.
    let Some(real) = wanted.strip_prefix("npm:").or_else(|| (!wanted.contains(':')).then_some(wanted)) else { return };
    let (name, range) = address::split_name(real).unwrap_or((real, "*"));
    let locked = locked.unwrap_or_default();
    let behind = locked.strip_prefix("npm:").unwrap_or(locked);
    let (own, version) = address::split_name(behind).filter(|(own, _)| *own == name).unwrap_or((name, behind));
    let bare = version.split('_').next().unwrap_or(version);
    let range = version::VersionRange::parse(range);
    let is_in = range.zip(version::parse(bare)).is_none_or(|(range, version)| range.contains(&version));
    if !is_in || !rows.contains(format!("{own}@{version}").as_str()) {
        found.gap("specifiers", wanted, position);
    }
    found.said.versions.entry(name.to_owned()).or_default().insert(bare.to_owned());
}
