//! package-lock.json and npm-shrinkwrap.json 1 to 3, and `node_modules/.package-lock.json`.
//!
//! Version 1 is a tree of `dependencies`. Versions 2 and 3 have a table `packages` by path, which alone counts.

use std::collections::HashMap;

use jsonc_parser::ast::{Object, Value};
use jsonc_parser::common::Ranged;

use super::collect::Collected;
use super::json::{self, Lines};
use super::{Fault, MAX_KEY, Place, Position, Reason, Usage, address};

/// Most paths that are looked up for the dependencies of a file; one of a hundred thousand packages has some five million.
const MAX_LOOKUPS: usize = 10_000_000;

const FOLDER: &str = "node_modules/";

pub(crate) fn read(text: &str, found: &mut Collected) -> Result<(), Fault> {
    let root = json::parse(text, false)?;
    let lines = Lines::of(text);
    let form = json::member(&root, "lockfileVersion").map(|value| value.as_number_lit().map_or("", |number| number.value));
    let (table, tree) = (json::table(&root, "packages")?, json::table(&root, "dependencies")?);
    match (form, table, tree) {
        (Some("2" | "3"), Some(table), _) => Table::of(table, &lines).read(found),
        (Some("0" | "1") | None, _, Some(tree)) | (Some("2"), None, Some(tree)) => walk(tree, "", &lines, found),
        // npm writes neither for a project that has no dependencies.
        (Some("0" | "1" | "2" | "3"), None, None) => Ok(()),
        (None, ..) => Err(Fault::Malformed("it has no lockfileVersion".to_owned())),
        (Some("0" | "1" | "3"), ..) => Err(Fault::Malformed("it has no table of packages of its version".to_owned())),
        (Some(_), ..) => Err(Fault::Version),
    }
}

/// Version 1.
fn walk(tree: &Object<'_>, above: &str, lines: &Lines<'_>, found: &mut Collected) -> Result<(), Fault> {
    for property in &tree.properties {
        let name = property.name.as_str();
        let position = lines.position(property.range.start);
        let key = if above.is_empty() { name.to_owned() } else { format!("{above} > {name}") };
        let Some(entry) = property.value.as_object().filter(|_| key.len() <= MAX_KEY) else {
            found.left_out(&key, position, Reason::Unreadable)?;
            continue;
        };
        of_tree(name, &key, position, entry, found)?;
        if let Some(below) = json::table(entry, "dependencies")? {
            walk(below, &key, lines, found)?;
        }
    }
    Ok(())
}

fn of_tree(name: &str, key: &str, position: Position, entry: &Object<'_>, found: &mut Collected) -> Result<(), Fault> {
    let version = json::text(entry, "version").unwrap_or_default();
    let resolved = json::text(entry, "resolved");
    // What is bundled has no address of its own, and lies in the package above it.
    if json::flag(entry, "bundled") && resolved.is_none() && key != name {
        found.left_out(key, position, Reason::Bundled)?;
        return Ok(());
    }
    let (name, version) = match version.strip_prefix("npm:") {
        Some(real) => address::split_name(real).unwrap_or((real, "")),
        None => (name, version),
    };
    if let Some(reason) = address::kind(version).or_else(|| address::kind(resolved?).filter(|reason| *reason != Reason::Tarball)) {
        found.left_out(key, position, reason)?;
        return Ok(());
    }
    found.package(name, version, place(key, position, entry))?;
    Ok(())
}

fn place(key: &str, position: Position, entry: &Object<'_>) -> Place {
    let resolved = json::text(entry, "resolved");
    let usage = Usage {
        dev: Some(json::flag(entry, "dev")),
        optional: Some(json::flag(entry, "optional")),
        dev_or_optional: json::flag(entry, "devOptional"),
        peer: Some(json::flag(entry, "peer")),
        tool: false,
    };
    Place {
        position,
        key: key.to_owned(),
        integrity: json::text(entry, "integrity").map(address::hashes).unwrap_or_default(),
        resolved: resolved.map(str::to_owned),
        host: resolved.and_then(address::host),
        usage,
    }
}

/// The table of versions 2 and 3.
struct Table<'t, 'a> {
    rows: Vec<Row<'t, 'a>>,
    /// Of several rows with one path the last counts.
    by_path: HashMap<&'t str, usize>,
    has_workspaces: bool,
    lookups: usize,
}

struct Row<'t, 'a> {
    key: &'t str,
    position: Position,
    entry: Option<&'t Object<'a>>,
    /// A range of a registry leads here, or an address does.
    by_range: bool,
    by_address: bool,
}

impl<'t, 'a> Table<'t, 'a> {
    fn of(table: &'t Object<'a>, lines: &Lines<'_>) -> Self {
        let mut rows = Vec::with_capacity(table.properties.len());
        let mut by_path = HashMap::new();
        for property in &table.properties {
            let key = property.name.as_str();
            by_path.insert(key, rows.len());
            let (position, entry) = (lines.position(property.range().start), property.value.as_object());
            rows.push(Row { key, position, entry, by_range: false, by_address: false });
        }
        let root = by_path.get("").and_then(|at: &usize| rows.get(*at)).and_then(|row: &Row<'_, '_>| row.entry);
        let has_workspaces = root.is_some_and(|root| json::member(root, "workspaces").is_some());
        Self { rows, by_path, has_workspaces, lookups: 0 }
    }

    fn read(mut self, found: &mut Collected) -> Result<(), Fault> {
        let mut needs: Vec<(Vec<usize>, Vec<usize>)> = Vec::with_capacity(self.rows.len());
        for at in 0..self.rows.len() {
            needs.push(self.needs(at)?);
        }
        let mut nodes = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            nodes.push(self.add(row, found)?);
        }
        let node = |row: &usize| nodes.get(*row).copied();
        for (at, (production, development)) in needs.iter().enumerate() {
            let (Some(from), Some(row)) = (node(&at), self.rows.get(at)) else { continue };
            for to in production.iter().filter_map(node) {
                found.needs(from, to)?;
            }
            if !row.key.contains(FOLDER) {
                let name = row.entry.and_then(|entry| json::text(entry, "name")).map(str::to_owned);
                found.importer(from, name, row.key, development.iter().filter_map(node).collect());
            }
        }
        Ok(())
    }

    /// The rows that one needs, in production and for development, each told how it was asked for.
    fn needs(&mut self, at: usize) -> Result<(Vec<usize>, Vec<usize>), Fault> {
        let Some((key, Some(entry))) = self.rows.get(at).map(|row| (row.key, row.entry)) else { return Ok(Default::default()) };
        let (mut production, mut development) = (Vec::new(), Vec::new());
        if json::flag(entry, "link") {
            production.extend(json::text(entry, "resolved").and_then(|target| self.by_path.get(target)).copied());
            return Ok((production, development));
        }
        for kind in ["dependencies", "optionalDependencies", "peerDependencies", "devDependencies"] {
            let is_dev = kind == "devDependencies";
            if is_dev && key.contains(FOLDER) {
                continue;
            }
            for (name, wanted) in json::pairs(entry, kind) {
                let Some(target) = self.found_from(key, name)? else { continue };
                if is_dev { &mut development } else { &mut production }.push(target);
                if let Some(row) = self.rows.get_mut(target) {
                    let elsewhere = address::kind(wanted).is_some();
                    row.by_address |= elsewhere;
                    row.by_range |= !elsewhere;
                }
            }
        }
        Ok((production, development))
    }

    /// The row that `name` is for a package at `from`: as Node looks for it, folder by folder upwards.
    fn found_from(&mut self, from: &str, name: &str) -> Result<Option<usize>, Fault> {
        if from.len() > MAX_KEY || name.len() > MAX_KEY {
            return Ok(None);
        }
        let mut folder = from;
        loop {
            self.lookups += 1;
            if self.lookups > MAX_LOOKUPS {
                return Err(Fault::TooMuch);
            }
            let path = if folder.is_empty() { format!("{FOLDER}{name}") } else { format!("{folder}/{FOLDER}{name}") };
            if let Some(row) = self.by_path.get(path.as_str()) {
                return Ok(Some(*row));
            }
            if folder.is_empty() {
                return Ok(None);
            }
            folder = folder.rfind(FOLDER.trim_end_matches('/')).or_else(|| folder.rfind('/')).and_then(|at| folder.get(..at)).unwrap_or("");
            folder = folder.trim_end_matches('/');
        }
    }

    fn add(&self, row: &Row<'_, '_>, found: &mut Collected) -> Result<usize, Fault> {
        let Row { key, position, .. } = *row;
        let out = |reason, found: &mut Collected| found.left_out(key, position, reason);
        if key.is_empty() {
            return out(Reason::Project, found);
        }
        let Some(entry) = row.entry else { return out(Reason::Unreadable, found) };
        if json::flag(entry, "link") {
            return out(Reason::Link, found);
        }
        let Some((above, in_folder)) = key.rsplit_once(FOLDER) else {
            return out(if self.has_workspaces { Reason::Workspace } else { Reason::File }, found);
        };
        let resolved = json::text(entry, "resolved");
        if json::flag(entry, "inBundle") && resolved.is_none() && above.contains(FOLDER) {
            return out(Reason::Bundled, found);
        }
        match resolved.and_then(address::kind) {
            // npm goes to the address whatever asked for the package: it is another one's only where all asked for an address.
            Some(Reason::Tarball) if row.by_range || !row.by_address => {}
            None => {}
            Some(reason) => return out(reason, found),
        }
        let name = json::text(entry, "name").unwrap_or(in_folder);
        let version = json::member(entry, "version").and_then(|value: &Value<'_>| json::string(value)).unwrap_or_default();
        found.package(name, version, place(key, position, entry))
    }
}
