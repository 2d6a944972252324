//! deno.lock 2 to 5: `name@1.0.0`, with peers as `name@1.0.0_peer@2.0.0`.

mod asked;

use std::collections::{HashMap, HashSet};

use jsonc_parser::ast::{Object, Value};
use jsonc_parser::common::Ranged;
use npm_spec::version::{self, VersionRange};

use super::collect::Collected;
use super::json::{self, Lines};
use super::{Fault, Place, Position, Reason, address};

pub(crate) use asked::differences;
use asked::{fits, of_kind};

/// What specifiers of the other registry begin with.
const JSR: &str = "jsr:";

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
    let names = |table| json::rows(table).iter().map(|row| row.name.as_str());
    let rows = Rows { npm: names(of_npm).collect(), jsr: names(of_jsr).collect() };
    for property in json::rows(top).iter().chain(json::rows(within)).chain(json::rows(in_npm)) {
        let position = lines.position(property.range().start);
        rows.specifier((property.name.as_str(), json::string(&property.value)), position, found);
    }
    let tables = [json::table(&root, "redirects")?, json::table(&root, "remote")?];
    found.said.remote = tables.into_iter().flat_map(json::rows).map(|row| row.name.as_str().to_owned()).collect();
    led(&root, &lines, found)?;
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
    let locked: HashSet<&str> = rows.npm.iter().filter_map(|row| Some(address::split_name(row)?.0)).collect();
    for (key, (node, entry, position)) in &nodes {
        for (alias, real) in needs(entry) {
            match (nodes.get(real), real == alias) {
                (Some((to, ..)), _) => found.asks(*node, *to, alias),
                // By the name alone a package is only asked for as itself.
                (None, true) if locked.contains(real) => {}
                (None, _) => found.gap(key, real, *position),
            }
        }
    }
    for property in json::rows(of_jsr).iter().chain(json::rows(json::table(&root, "remote")?)) {
        found.left_out(property.name.as_str(), lines.position(property.range().start), Reason::OtherRegistry)?;
    }
    Ok(())
}

/// What a package is said to need: the name under which it asks, and the row that this leads to, or
/// the name alone: `a`, `a@1.0.0` or `alias@npm:a@1.0.0`; up to version 3 names with rows.
fn needs<'a>(entry: &'a Object<'a>) -> Vec<(&'a str, &'a str)> {
    let mut all = Vec::new();
    for kind in ["dependencies", "optionalDependencies", "optionalPeers"] {
        for text in json::list(entry, kind).iter().filter_map(json::string) {
            let (name, behind) = address::split_name(text).unwrap_or((text, ""));
            all.push((name, behind.strip_prefix("npm:").unwrap_or(text)));
        }
        let table = json::rows(json::object(entry, kind)).iter();
        all.extend(table.map(|property| (property.name.as_str(), json::string(&property.value).unwrap_or_default())));
    }
    all
}

/// The keys of the packages.
struct Rows<'a> {
    npm: HashSet<&'a str>,
    jsr: HashSet<&'a str>,
}

impl Rows<'_> {
    /// Keeps a specifier (`npm:a@1`, which leads to `1.0.0`, up to version 3 to `npm:a@1.0.0`), and
    /// tells of one that leads nowhere: deno then asks the registry.
    fn specifier(&self, (wanted, locked): (&str, Option<&str>), position: Position, found: &mut Collected) {
        // Up to version 2 all specifiers are npm's. deno writes no other spelling.
        let of_npm = wanted.strip_prefix("npm:").or_else(|| (!wanted.contains(':')).then_some(wanted));
        let (kind, rows, real) = match (of_npm, wanted.strip_prefix(JSR)) {
            (Some(real), _) => ("", &self.npm, real),
            (None, Some(real)) => (JSR, &self.jsr, real),
            (None, None) => return found.gap("specifiers", wanted, position),
        };
        let (name, text) = address::split_name(real).unwrap_or((real, "*"));
        let locked = locked.unwrap_or_default();
        let behind = locked.strip_prefix("npm:").or_else(|| locked.strip_prefix(JSR)).unwrap_or(locked);
        let (own, version) = address::split_name(behind).filter(|(own, _)| *own == name).unwrap_or((name, behind));
        let bare = version.split('_').next().unwrap_or(version);
        let range = VersionRange::parse(text);
        let is_in = range.as_ref().zip(version::parse(bare)).is_none_or(|(range, version)| range.contains(&version));
        if !is_in || !rows.contains(format!("{own}@{version}").as_str()) {
            found.gap("specifiers", wanted, position);
        }
        found.said.specifiers.entry(format!("{kind}{name}")).or_default().insert(text.to_owned());
    }
}

/// What addresses are led to, and what the file says that the project asks for: deno asks the
/// registry for what has no specifier.
fn led(root: &Object<'_>, lines: &Lines<'_>, found: &mut Collected) -> Result<(), Fault> {
    let mut open: Vec<&Value<'_>> = json::table(root, "workspace")?.into_iter().flat_map(members).collect();
    let mut asked = Vec::new();
    while let Some(value) = open.pop() {
        match value {
            Value::Object(object) => open.extend(members(object)),
            Value::Array(list) => open.extend(&list.elements),
            Value::StringLit(text) => asked.push((text.value.as_ref(), text.range.start)),
            _ => {}
        }
    }
    for property in json::rows(json::table(root, "redirects")?) {
        let position = lines.position(property.range().start);
        match json::string(&property.value) {
            Some(target) if of_kind(target).is_some() => asked.push((target, property.range().start)),
            target => {
                let node = found.left_out(property.name.as_str(), position, Reason::OtherRegistry)?;
                found.leads_to(node, &[target]);
            }
        }
    }
    let mut left = asked::MAX_COMPARED;
    for (text, start) in asked {
        let is_met = of_kind(text).is_none_or(|wanted| fits(&found.said, &wanted, &mut left));
        if !is_met {
            found.gap("deno.lock", text, lines.position(start));
        }
    }
    Ok(())
}

fn members<'b, 'a>(object: &'b Object<'a>) -> impl Iterator<Item = &'b Value<'a>> {
    object.properties.iter().map(|property| &property.value)
}
