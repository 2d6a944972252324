//! package-lock.json and npm-shrinkwrap.json 1 to 3, and `node_modules/.package-lock.json`.
//!
//! Version 1 is a tree of `dependencies`. Versions 2 and 3 have a table `packages` by path, which
//! alone counts.

mod needs;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::collect::Collected;
use super::folders::{self, OwnFolder, Told};
use super::graph::Kind;
use super::json::{self, Lines};
use super::links::Link;
use super::unmet::Unmet;
use super::{Bundled, Fault, Format, MAX_KEY, Needed, Place, Position, Reason, Stated, Usage, address, asked, legacy, ranges};
use jsonc_parser::ast::Object;
use jsonc_parser::common::Ranged;

pub(crate) use needs::ignores_peers;
use needs::{Needs, name_of, real_name};

/// Most bytes of paths that are looked up for the dependencies of a file; one of a hundred thousand
/// packages has some 300 million.
const MAX_LOOKED_UP: usize = 1 << 30;

/// Most levels of a tree of version 1 that names are looked for in; a file of a hundred thousand
/// packages has a few million.
const MAX_LEVELS: usize = 50_000_000;

/// The members of an entry by which a client goes.
const TEXTS: [&str; 4] = ["name", "version", "resolved", "integrity"];
const FLAGS: [&str; 8] = ["link", "inBundle", "bundled", "hasShrinkwrap", "dev", "optional", "devOptional", "peer"];

/// The other members that npm writes into an entry of the table, and into one of the tree.
const SCRIPT: &str = "hasInstallScript";
const IN_TABLE: [&str; 19] = [
    "dependencies",
    "devDependencies",
    "optionalDependencies",
    "peerDependencies",
    "peerDependenciesMeta",
    "acceptDependencies",
    "bundleDependencies",
    "workspaces",
    "bin",
    "engines",
    "os",
    "cpu",
    "libc",
    "license",
    "funding",
    "deprecated",
    "extraneous",
    "inert",
    "ideallyInert",
];
const IN_TREE: [&str; 4] = ["requires", "dependencies", "from", "extraneous"];

/// The members of the file itself.
const MEMBERS: [&str; 8] =
    ["name", "version", "lockfileVersion", "requires", "packages", "dependencies", "packageIntegrity", "preserveSymlinks"];

/// The kinds of dependencies; those for development are the project's own alone.
const KINDS: [(&str, Kind); 4] = [
    ("dependencies", Kind::Production),
    ("optionalDependencies", Kind::Optional),
    ("peerDependencies", Kind::Peer),
    ("devDependencies", Kind::Production),
];

pub(crate) const FOLDER: &str = "node_modules/";

/// Reads one; the one that npm keeps in `node_modules` (`is_hidden`) never has a tree.
pub(crate) fn read(text: &str, is_hidden: bool, found: &mut Collected) -> Result<(), Fault> {
    let root = json::parse(text, false)?;
    json::whole(&root, &MEMBERS)?;
    let lines = Lines::of(text);
    let form = json::member(&root, "lockfileVersion").map(|value| value.as_number_lit().map_or("", |number| number.value));
    let (table, tree) = (json::table(&root, "packages")?, json::table(&root, "dependencies")?);
    match (form, table, tree) {
        (Some("3"), Some(_), Some(_)) => Err(Fault::Malformed("it has a tree of version 1, and is of a version without one".into())),
        (Some("2" | "3"), Some(table), tree) => {
            let table = Table::of(table, &lines);
            if let Some(tree) = tree {
                legacy::check(&table, tree, &lines, found)?;
            }
            found.said.lacks_tree = form == Some("2") && tree.is_none() && !is_hidden && table.has_packages();
            table.read(found)
        }
        // npm 6 and those before it read the tree, and those after it the table.
        (Some("0" | "1") | None, Some(_), _) => Err(Fault::Malformed("it has a table of packages, and is of a version without one".into())),
        (Some("0" | "1" | "2") | None, None, Some(tree)) => {
            let versions =
                tree.properties.iter().filter_map(|row| Some((row.name.as_str(), json::text(row.value.as_object()?, "version")?)));
            found.said.top = Some(versions.map(|(name, version)| (name.to_owned(), version.to_owned())).collect());
            Levels { lines: &lines, names: Vec::new(), looked_up: 0 }.walk(tree, "", found)
        }
        // npm writes neither for a project that has no dependencies.
        (Some("0" | "1" | "2" | "3"), None, None) => Ok(()),
        (None, ..) => Err(Fault::Malformed("it has no lockfileVersion".to_owned())),
        (Some("3"), ..) => Err(Fault::Malformed("it has no table of packages of its version".to_owned())),
        (Some(_), ..) => Err(Fault::Version),
    }
}

/// Version 1: a level of the tree, and the names of those above it with their versions.
struct Levels<'t, 'a> {
    lines: &'t Lines<'a>,
    names: Vec<HashMap<&'t str, Option<&'t str>>>,
    /// How many names were looked for.
    looked_up: usize,
}

impl<'t> Levels<'t, '_> {
    fn walk(&mut self, tree: &'t Object<'t>, above: &str, found: &mut Collected) -> Result<(), Fault> {
        self.names.push(names_of(tree));
        for property in &tree.properties {
            let name = property.name.as_str();
            let position = self.lines.position(property.range.start);
            let key = if above.is_empty() { name.to_owned() } else { format!("{above} > {name}") };
            let Some(entry) = property.value.as_object().filter(|_| key.len() <= MAX_KEY) else {
                found.left_out(&key, position, Reason::Unreadable)?;
                continue;
            };
            of_tree(name, &key, position, entry, found)?;
            let below = json::table(entry, "dependencies")?;
            let own = below.map(names_of).unwrap_or_default();
            for (name, wanted) in json::pairs(entry, "requires") {
                self.looked_up += self.names.len();
                if self.looked_up > MAX_LEVELS {
                    return Err(Fault::TooMuch);
                }
                let level = [&own].into_iter().chain(self.names.iter().rev()).find_map(|level| level.get(name));
                match level {
                    None => found.gap(&key, &format!("{name}@{wanted}"), position),
                    Some(Some(locked)) if !ranges::is_met(wanted, Some(ranges::bare(locked))) => {
                        let (key, name, wanted) = (key.clone(), name.to_owned(), wanted.to_owned());
                        found.said.unmet.add(Unmet { by: None, key, name, wanted, locked: (*locked).to_owned(), is_peer: false })?;
                    }
                    Some(_) => {}
                }
            }
            if let Some(below) = below {
                self.walk(below, &key, found)?;
            }
        }
        self.names.pop();
        Ok(())
    }
}

/// The names of a level, each with its version where that is one of a registry: what lies in a
/// tarball npm takes as it is.
fn names_of<'t>(tree: &'t Object<'_>) -> HashMap<&'t str, Option<&'t str>> {
    let version = |entry: &'t Object<'_>| {
        let version = json::text(entry, "version").filter(|version| address::kind(version).is_none());
        version.filter(|_| !json::flag(entry, "bundled"))
    };
    tree.properties.iter().map(|property| (property.name.as_str(), property.value.as_object().and_then(version))).collect()
}

/// Whether an entry of a tree has what npm writes there, and nothing else.
pub(crate) fn is_of_tree(entry: &Object<'_>) -> bool {
    json::is_plain(entry, &TEXTS, &FLAGS) && json::has_only(entry, &[&TEXTS, &FLAGS, &IN_TREE])
}

fn of_tree(name: &str, key: &str, position: Position, entry: &Object<'_>, found: &mut Collected) -> Result<(), Fault> {
    if !is_of_tree(entry) {
        return found.left_out(key, position, Reason::Unreadable).map(|_| ());
    }
    let version = json::text(entry, "version").unwrap_or_default();
    let resolved = json::text(entry, "resolved");
    // What is bundled has no address of its own, and lies in the package above it. Which one that
    // is, this version does not say.
    if json::flag(entry, "bundled") && resolved.is_none() && key != name {
        return found.bundled(key, position, None).map(|_| ());
    }
    let (name, version) = match version.strip_prefix("npm:") {
        Some(real) => address::split_name(real).unwrap_or((real, "")),
        None => (name, version),
    };
    if let Some(reason) = address::kind(version).or_else(|| address::kind(resolved?).filter(|reason| *reason != Reason::Tarball)) {
        if let Some(path) = version.strip_prefix("file:").and_then(folders::own).filter(|_| resolved.is_none()) {
            let needs: BTreeMap<String, Needed> = needs_in_tree(entry);
            // npm 7 and later reads all that the folder asks for, and writes some of it down here.
            let folder = OwnFolder { has_dev: true, peers: Some(needs.clone()), ..OwnFolder::of(path, Told::Entry(needs)) };
            return found.own_folder(key, position, reason, folder).map(|_| ());
        }
        let node = found.left_out(key, position, reason)?;
        found.leads_to(node, &[Some(version), resolved, json::text(entry, "integrity")]);
        return Ok(());
    }
    // Who needs it only package.json says, and so nothing is told of what for.
    // npm 7 and later asks the registry for what a package needs and the entry does not tell.
    let stated = Some(Box::new(Stated { needs: Some(needs_in_tree(entry)), ..Stated::default() }));
    let place = Place { usage: Usage::default(), stated, ..place(key, position, entry) };
    found.package(name, version, place).map(|_| ())
}

fn needs_in_tree(entry: &Object<'_>) -> BTreeMap<String, Needed> {
    json::pairs(entry, "requires").map(|(name, range)| (name.to_owned(), Needed::Range(range.to_owned()))).collect()
}

fn place(key: &str, position: Position, entry: &Object<'_>) -> Place {
    let usage = Usage {
        dev: Some(json::flag(entry, "dev")),
        optional: Some(json::flag(entry, "optional")),
        dev_or_optional: json::flag(entry, "devOptional"),
        peer: Some(json::flag(entry, "peer")),
        tool: false,
    };
    Place {
        integrity: json::text(entry, "integrity").map(address::hashes).unwrap_or_default(),
        usage,
        has_shrinkwrap: json::flag(entry, "hasShrinkwrap"),
        ..Place::at(position, key).with_address(json::text(entry, "resolved"))
    }
}

/// The table of versions 2 and 3.
pub(crate) struct Table<'t, 'a> {
    rows: Vec<Row<'t, 'a>>,
    by_path: HashMap<&'t str, usize>,
    has_workspaces: bool,
    looked_up: usize,
}

struct Row<'t, 'a> {
    key: &'t str,
    position: Position,
    entry: Option<&'t Object<'a>>,
    /// A range of a registry leads here, or an address does.
    by_range: bool,
    by_address: bool,
    /// The name of another package that was asked for here.
    in_place_of: Option<String>,
    /// The row in whose tarball it lies, if it is so by what the file lists.
    bundled_by: Option<usize>,
    /// What it lists itself, where a row lies in its tarball.
    lists: Option<Arc<[String]>>,
}

impl<'t, 'a> Table<'t, 'a> {
    fn of(table: &'t Object<'a>, lines: &Lines<'_>) -> Self {
        let mut rows = Vec::with_capacity(table.properties.len());
        let mut by_path = HashMap::new();
        for property in &table.properties {
            let key = property.name.as_str();
            by_path.insert(key, rows.len());
            let (position, entry) = (lines.position(property.range().start), property.value.as_object());
            rows.push(Row { key, position, entry, by_range: false, by_address: false, in_place_of: None, bundled_by: None, lists: None });
        }
        let root = by_path.get("").and_then(|at: &usize| rows.get(*at)).and_then(|row: &Row<'_, '_>| row.entry);
        let has_workspaces = root.is_some_and(|root| json::member(root, "workspaces").is_some());
        Self { rows, by_path, has_workspaces, looked_up: 0 }
    }

    /// The entry of a path.
    pub(crate) fn entry(&self, path: &str) -> Option<&'t Object<'a>> {
        self.by_path.get(path).and_then(|at| self.rows.get(*at)).and_then(|row| row.entry)
    }

    /// Whether anything in it is to be installed.
    fn has_packages(&self) -> bool {
        let is_link = |row: &Row<'_, '_>| row.entry.is_some_and(|entry| json::flag(entry, "link"));
        self.rows.iter().any(|row| row.key.contains(FOLDER) && !is_link(row))
    }

    /// All paths.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (&'t str, Position)> {
        self.rows.iter().map(|row| (row.key, row.position))
    }

    fn read(mut self, found: &mut Collected) -> Result<(), Fault> {
        let mut needs: Vec<Needs<'t>> = Vec::with_capacity(self.rows.len());
        for at in 0..self.rows.len() {
            needs.push(self.needs(at)?);
        }
        self.keep_conflicts(&mut needs)?;
        self.bundles(&needs);
        let mut nodes = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            let node = self.add(row, found)?;
            let word = |name| row.entry.and_then(|entry| json::text(entry, name));
            found.leads_to(node, &[word("resolved"), word("version"), word("integrity")]);
            nodes.push(node);
        }
        let node = |row: &usize| nodes.get(*row).copied();
        for (at, needs) in needs.iter().enumerate() {
            let (Some(from), Some(row)) = (node(&at), self.rows.get(at)) else { continue };
            needs.gaps.iter().for_each(|(wanted, is_peer)| found.gap_of(row.key, wanted, (row.position, *is_peer)));
            needs.lacking.iter().for_each(|wanted| found.lacks(row.key, wanted));
            // What lies in a tarball npm takes as it is, and that it does is looked up.
            for unmet in needs.unmet.iter().filter(|unmet| !self.rows.get(unmet.target).is_some_and(Row::is_in_tarball)) {
                let (name, wanted) = (unmet.name.to_owned(), unmet.wanted.to_owned());
                let locked = self.version(unmet.target).unwrap_or_default().to_owned();
                found.said.unmet.add(Unmet { by: Some(from), key: row.key.to_owned(), name, wanted, locked, is_peer: unmet.is_peer })?;
            }
            self.lead_to_folders((from, row.key), needs, found)?;
            for (to, kind, name) in needs.production.iter().filter_map(|(row, kind, name)| Some((node(row)?, *kind, name))) {
                found.asks(from, to, name);
                found.needs(from, to, kind)?;
            }
            if !row.key.contains(FOLDER) {
                let name = row.entry.and_then(|entry| json::text(entry, "name")).map(str::to_owned);
                if let Some(entry) = row.entry {
                    found.said.by_folder.insert(row.key.to_owned(), asked::of_object(entry, Format::Npm));
                }
                found.importer(from, name, row.key, needs.development.iter().filter_map(node).collect());
            }
        }
        if !found.said.unmet.is_empty() {
            let row = |(row, node): (usize, &usize)| {
                let name = self.rows.get(row).map_or("", |row| name_of(row.key));
                (*node, (name.to_owned(), self.version(row).unwrap_or_default().to_owned()))
            };
            found.said.unmet.rows = nodes.iter().enumerate().map(row).collect();
        }
        Ok(())
    }

    /// Keeps the needs of a row that lead to folders of the project. To its workspaces the root has
    /// ways of its own, whatever it asks for.
    fn lead_to_folders(&self, (from, key): (usize, &str), needs: &Needs<'_>, found: &mut Collected) -> Result<(), Fault> {
        for (name, wanted, folder, is_peer) in self.in_folders(needs).filter(|_| !key.is_empty()) {
            let (key, name, wanted) = (key.to_owned(), name.to_owned(), wanted.to_owned());
            found.said.unmet.add_folder(Unmet { by: Some(from), key, name, wanted, locked: String::new(), is_peer }, folder)?;
        }
        Ok(())
    }

    /// Finds what lies in the tarballs of others, as npm does: what a package lists, what lies
    /// below it, and what only that needs and lies beside it.
    fn bundles(&mut self, needs: &[Needs<'_>]) {
        for at in 0..self.rows.len() {
            let Some(Row { key, entry: Some(entry), .. }) = self.rows.get(at) else { continue };
            let beside = format!("{key}/{FOLDER}");
            let listed: Vec<String> = json::list(entry, "bundleDependencies").iter().filter_map(json::string).map(str::to_owned).collect();
            let mut open: Vec<usize> =
                listed.iter().filter_map(|name| self.by_path.get(format!("{beside}{name}").as_str()).copied()).collect();
            if let Some(row) = self.rows.get_mut(at).filter(|_| !open.is_empty()) {
                row.lists = Some(listed.into());
            }
            while let Some(next) = open.pop() {
                let Some(row) = self.rows.get_mut(next).filter(|row| row.bundled_by.is_none() && row.key.starts_with(&beside)) else {
                    continue;
                };
                row.bundled_by = Some(at);
                open.extend(needs.get(next).into_iter().flat_map(|needs| &needs.production).map(|(to, ..)| *to));
            }
        }
    }

    /// The row that `name` is for a package at `from`: as Node looks for it, folder by folder
    /// upwards.
    fn found_from(&mut self, from: &str, name: &str) -> Result<Option<usize>, Fault> {
        if from.len() > MAX_KEY || name.len() > MAX_KEY {
            return Ok(None);
        }
        let mut folder = from;
        loop {
            self.looked_up += folder.len() + name.len();
            if self.looked_up > MAX_LOOKED_UP {
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
        // npm says that a package has scripts, and never that it has none.
        let is_script = |entry: &Object<'_>| json::member(entry, SCRIPT).is_none() || json::flag(entry, SCRIPT);
        let is_known = |entry: &&Object<'_>| {
            json::is_plain(entry, &TEXTS, &FLAGS) && json::has_only(entry, &[&TEXTS, &FLAGS, &IN_TABLE, &[SCRIPT]]) && is_script(entry)
        };
        let Some(entry) = row.entry.filter(is_known).filter(|_| address::is_normal(key)) else {
            return found.left_out(key, position, Reason::Unreadable);
        };
        if key.is_empty() {
            return found.left_out(key, position, Reason::Project);
        }
        let resolved = json::text(entry, "resolved");
        if json::flag(entry, "link") {
            // Who asks for an address asks for a folder.
            if !row.by_address
                && let (Some(target), Some((_, name))) = (resolved, key.rsplit_once(FOLDER))
            {
                Link::to(name, target).keep(&mut found.said.links)?;
            }
            return found.folder(key, position, (Reason::Link, resolved.filter(|target| address::is_normal(target)).unwrap_or("..")));
        }
        let Some((_, in_folder)) = key.rsplit_once(FOLDER) else {
            let reason = if self.has_workspaces { Reason::Workspace } else { Reason::File };
            // A folder of the project has no address.
            return found.folder(key, position, (reason, if resolved.is_none() { key } else { ".." }));
        };
        if row.is_in_tarball() {
            return found.bundled(key, position, self.bundled(row, entry));
        }
        match resolved.and_then(address::kind) {
            // npm goes to the address whatever asked for the package: it is another one's only
            // where all asked for an address.
            Some(Reason::Tarball) if row.by_range || !row.by_address => {}
            // Somebody asked for an address, and the entry names none: which one is taken, each
            // version of npm knows for itself.
            None if row.by_address && resolved.is_none() => return found.left_out(key, position, Reason::Tarball),
            None => {}
            Some(reason) => return found.left_out(key, position, reason),
        }
        let name = json::text(entry, "name").unwrap_or(in_folder);
        let version = json::text(entry, "version").unwrap_or_default();
        let stated = Stated::of_commands(entry, name);
        found.package(name, version, Place { in_place_of: row.in_place_of.clone(), stated, ..place(key, position, entry) })
    }

    /// Where a row lies in the tarball of another one.
    fn bundled(&self, row: &Row<'_, '_>, entry: &Object<'_>) -> Option<Bundled> {
        let by = self.rows.get(row.bundled_by?)?;
        let of = by.entry?;
        let name = json::text(of, "name").or_else(|| by.key.rsplit_once(FOLDER).map(|(_, name)| name))?;
        Some(Bundled {
            by: format!("{name}@{}", json::text(of, "version")?),
            listed: by.lists.clone().unwrap_or_default(),
            folder: row.key.get(by.key.len() + 1..)?.to_owned(),
            version: json::text(entry, "version")?.to_owned(),
        })
    }
}

impl Row<'_, '_> {
    /// Whether it lies in the tarball of another row: by its flag, and by what that one lists. npm
    /// goes by the list, and the flag alone says nothing.
    fn is_in_tarball(&self) -> bool {
        let says_so = |entry: &Object<'_>| json::flag(entry, "inBundle") && json::text(entry, "resolved").is_none();
        self.bundled_by.is_some() && self.entry.is_some_and(says_so) && self.key.matches(FOLDER).nth(1).is_some()
    }

    /// Keeps how the row was asked for: `wanted` of the package `name`.
    fn is_asked_for(&mut self, name: &str, wanted: &str) {
        let elsewhere = address::kind(wanted).is_some();
        self.by_address |= elsewhere;
        self.by_range |= !elsewhere;
        let real = real_name(name, wanted);
        let own = self.entry.and_then(|entry| json::text(entry, "name"));
        let own = own.or_else(|| self.key.rsplit_once(FOLDER).map(|(_, name)| name));
        if !elsewhere && own.is_some_and(|own| own != real) {
            self.in_place_of = Some(real.to_owned());
        }
    }
}
