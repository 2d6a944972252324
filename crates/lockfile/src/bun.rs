//! bun.lock: JSON with comments and trailing commas; a package is a list of one to four parts.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;

use super::collect::Collected;
use super::folders::{self, OwnFolder, Told};
use super::graph::Kind;
use super::json::{self, Lines};
use super::links::Link;
use super::unmet::Unmet;
use super::{Bundled, Fault, Format, MAX_KEY, MAX_NEEDS, Needed, Place, Position, Reason, Stated, address, asked, ranges};

/// Most bytes of paths that are looked up for the dependencies of a file.
const MAX_LOOKED_UP: usize = 1 << 30;

/// In front of what is no hash that all versions of bun read.
const NOT_ONE: &str = "not-one-sha512";

/// What an installation has besides what is for development, and with that.
const NEEDED: [&str; 3] = ["dependencies", "optionalDependencies", "peerDependencies"];
const WITH_DEV: [&str; 4] = ["dependencies", "optionalDependencies", "peerDependencies", "devDependencies"];

/// The members of the file, those of what is told of a package, and those of a workspace.
const MEMBERS: [&str; 10] = [
    "lockfileVersion",
    "configVersion",
    "workspaces",
    "packages",
    "trustedDependencies",
    "patchedDependencies",
    "overrides",
    "catalog",
    "catalogs",
    "ignoredOptionalDependencies",
];
const IN_INFO: [&str; 10] =
    ["dependencies", "optionalDependencies", "peerDependencies", "optionalPeers", "bin", "binDir", "os", "cpu", "libc", "bundled"];
const IN_WORKSPACE: [&str; 9] =
    ["name", "version", "bin", "binDir", "dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "optionalPeers"];

pub(crate) fn read(text: &str, found: &mut Collected) -> Result<(), Fault> {
    let root = json::parse(text, true)?;
    let lines = Lines::of(text);
    version(&root)?;
    typed(&root)?;
    // bun 1.3 writes it, and none before that.
    found.said.names_all = json::member(&root, "configVersion").is_some();
    said(&root, found)?;
    let mut all = All::default();
    let rows = json::rows(json::table(&root, "packages")?);
    let workspaces = json::table(&root, "workspaces")?;
    let listed: HashSet<&str> = json::rows(workspaces).iter().map(|row| row.name.as_str()).collect();
    let specs: HashMap<&str, &str> = rows.iter().filter_map(spec_of).collect();
    for property in rows {
        let (key, position) = (property.name.as_str(), lines.position(property.range().start));
        let parts = property.value.as_array().map_or(&[][..], |list| list.elements.as_slice());
        let info = parts.iter().find_map(|part| part.as_object());
        let texts: Vec<&str> = parts.iter().map(|part| json::string(part).unwrap_or_default()).collect();
        let folder = texts.first().and_then(|text| address::split_name(text)?.1.strip_prefix("workspace:"));
        // bun does not read a file that has a row of a workspace that it does not list.
        let node = match folder.filter(|folder| !listed.contains(folder)) {
            Some(_) => found.left_out(key, position, Reason::Unreadable)?,
            None => add((key, position), parts, &specs, found)?,
        };
        found.leads_to(node, &texts.iter().map(|text| Some(*text)).collect::<Vec<_>>());
        all.by_key.insert(key, (node, info));
        if let Some(folder) = folder {
            all.by_folder.insert(folder, node);
            Link::to(last(key), folder).keep(&mut found.said.links)?;
        }
    }
    let packages: Vec<_> = all.by_key.iter().filter_map(|(key, (node, info))| Some((*key, *node, (*info)?))).collect();
    for (key, node, info) in packages {
        // Of a folder of the project bun installs what is for development, too.
        let is_folder = specs.get(key).and_then(|spec| address::split_name(spec)?.1.strip_prefix("file:").and_then(folders::own)).is_some();
        let kinds: &[&str] = if is_folder { &WITH_DEV } else { &NEEDED };
        for to in all.targets((key, Some(node)), info, kinds, found)? {
            found.needs(node, to, Kind::Production)?;
        }
    }
    for property in json::rows(workspaces) {
        let Some(of) = property.value.as_object().filter(|of| json::has_only(of, &[&IN_WORKSPACE]) && is_typed(of)) else {
            found.left_out(property.name.as_str(), lines.position(property.range().start), Reason::Unreadable)?;
            continue;
        };
        let (folder, name) = (property.name.as_str(), json::text(of, "name"));
        found.said.by_folder.insert(folder.to_owned(), asked::with_peers(of, &listed_peers(of), Format::Bun));
        let node = if let Some(node) = all.by_folder.get(folder) {
            *node
        } else {
            let reason = if folder.is_empty() { Reason::Project } else { Reason::Workspace };
            found.folder(name.unwrap_or(folder), lines.position(property.range().start), (reason, folder))?
        };
        let key = if folder.is_empty() { "" } else { name.unwrap_or("") };
        for to in all.targets((key, None), of, &NEEDED, found)? {
            found.needs(node, to, Kind::Production)?;
        }
        let development = all.targets((key, None), of, &["devDependencies"], found)?;
        found.count(development.len())?;
        found.importer(node, name.map(str::to_owned), folder, development);
    }
    found.dev_by_graph();
    Ok(())
}

/// An error where the format is none that is read.
fn version(root: &Object<'_>) -> Result<(), Fault> {
    match json::member(root, "lockfileVersion").map(|value| value.as_number_lit().map_or("", |number| number.value)) {
        Some("0" | "1" | "2") => Ok(()),
        Some(_) => Err(Fault::Version),
        None => Err(Fault::Malformed("it has no lockfileVersion".to_owned())),
    }
}

/// An error where a member of the file is of another kind than bun writes: it does not read such a
/// file, and finds all versions anew.
fn typed(root: &Object<'_>) -> Result<(), Fault> {
    json::whole(root, &MEMBERS)?;
    let is_number = json::member(root, "configVersion").is_none_or(|value| value.as_number_lit().is_some());
    let lists = ["trustedDependencies", "ignoredOptionalDependencies"].iter().all(|name| json::is_of_texts(root, name, false));
    let tables = ["patchedDependencies", "overrides", "catalog"].iter().all(|name| json::is_of_texts(root, name, true));
    let catalogs = json::rows(json::table(root, "catalogs")?);
    let catalogs =
        catalogs.iter().all(|of| of.value.as_object().is_some_and(|of| of.properties.iter().all(|of| json::string(&of.value).is_some())));
    if is_number && lists && tables && catalogs {
        Ok(())
    } else {
        Err(Fault::Malformed("one of its members is of another kind than bun writes".to_owned()))
    }
}

/// The same of a package or a workspace.
fn is_typed(of: &Object<'_>) -> bool {
    let tables = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];
    let is_system =
        |name: &&str| json::member(of, name).is_none_or(|value| value.as_string_lit().is_some()) || json::is_of_texts(of, name, false);
    let is_bin = json::member(of, "bin").is_none_or(|value| value.as_string_lit().is_some()) || json::is_of_texts(of, "bin", true);
    tables.iter().all(|name| json::is_of_texts(of, name, true))
        && ["os", "cpu", "libc"].iter().all(is_system)
        && json::is_of_texts(of, "optionalPeers", false)
        && json::is_plain(of, &["name", "version", "binDir"], &["bundled"])
        && is_bin
}

/// Keeps what the file says of overrides and catalogs.
fn said(root: &Object<'_>, found: &mut Collected) -> Result<(), Fault> {
    let texts =
        |of: &Object<'_>, name: &str| json::pairs(of, name).map(|(key, range)| (key.to_owned(), range.to_owned())).collect::<Vec<_>>();
    found.said.overrides = Some(texts(root, "overrides").into_iter().collect());
    let mut catalogs = vec![("default", texts(root, "catalog"))];
    let named = json::rows(json::table(root, "catalogs")?);
    catalogs.extend(
        named
            .iter()
            .filter_map(|of| of.value.as_object().map(|_| of.name.as_str()))
            .map(|name| (name, json::object(root, "catalogs").map(|all| texts(all, name)).unwrap_or_default())),
    );
    let lines_of = |(catalog, all): (&str, Vec<(String, String)>)| {
        all.into_iter().map(|(name, range)| (format!("{catalog}/{name}"), range)).collect::<Vec<_>>()
    };
    found.said.catalogs = Some(catalogs.into_iter().flat_map(lines_of).collect());
    Ok(())
}

/// The key of a row, and the first of its parts.
fn spec_of<'t>(row: &'t ObjectProp<'_>) -> Option<(&'t str, &'t str)> {
    Some((row.name.as_str(), json::string(row.value.as_array()?.elements.first()?)?))
}

fn add((key, position): (&str, Position), parts: &[Value<'_>], specs: &HashMap<&str, &str>, found: &mut Collected) -> Result<usize, Fault> {
    let text = |at: usize| parts.get(at).and_then(json::string);
    let Some((name, version)) = text(0).and_then(address::split_name) else {
        return found.left_out(key, position, Reason::Unreadable);
    };
    if version.starts_with("root:") {
        Link::to(last(key), "").keep(&mut found.said.links)?;
        return found.left_out(key, position, Reason::Project);
    }
    if let Some(folder) = version.strip_prefix("workspace:") {
        return found.folder(key, position, (Reason::Workspace, folder));
    }
    if let Some(path) = version.strip_prefix("file:").and_then(folders::own) {
        let told = parts.iter().find_map(Value::as_object).map(needs_of_folder).unwrap_or_default();
        let peers = Some(told.1);
        return found.own_folder(
            key,
            position,
            Reason::File,
            OwnFolder { has_dev: true, peers, ..OwnFolder::of(path, Told::Entry(told.0)) },
        );
    }
    if let Some(reason) = address::kind(version) {
        return found.left_out(key, position, reason);
    }
    let has = |at: usize, is: &dyn Fn(&Value<'_>) -> bool| parts.get(at).is_none_or(is);
    let is_text = |part: &Value<'_>| part.as_string_lit().is_some();
    let is_known = parts.get(2).and_then(Value::as_object).is_none_or(|info| json::has_only(info, &[&IN_INFO]) && is_typed(info));
    if parts.len() > 4 || !is_known || !has(1, &is_text) || !has(2, &|part| part.as_object().is_some()) || !has(3, &is_text) {
        return found.left_out(key, position, Reason::Unreadable);
    }
    let above = key.strip_suffix(last(key)).unwrap_or("").trim_end_matches('/');
    if parts.get(2).and_then(Value::as_object).is_some_and(|info| json::flag(info, "bundled")) && !above.is_empty() {
        let bundled = specs.get(above).map(|by| Bundled {
            by: (*by).to_owned(),
            listed: [last(key).to_owned()].into(),
            folder: format!("node_modules/{}", last(key)),
            version: version.to_owned(),
        });
        return found.bundled(key, position, bundled);
    }
    // The address of the tarball, or of the registry; empty for the usual one.
    let from = text(1).filter(|from| !from.is_empty());
    let is_tarball = |from: &&str| from.contains("/-/") || address::ends_with(from, ".tgz") || address::host(from).is_none();
    let place = Place {
        integrity: text(3).map(hashes).unwrap_or_default(),
        address_more: from.map(address::digest),
        ..Place::at(position, key).with_address(from.filter(is_tarball))
    };
    let host = place.host.clone().or_else(|| from.and_then(address::host));
    let stated = parts.get(2).and_then(Value::as_object).and_then(|info| Stated::of_commands(info, name));
    found.package(name, version, Place { host, stated, ..place })
}

/// The hash of a row. bun writes one of a single kind, and before 1.4 it holds nothing against a
/// text that has more: that is no hash that is known.
fn hashes(text: &str) -> Vec<String> {
    let is_one = |kind: &str, letters: usize| {
        let digest = text.strip_prefix(kind).filter(|digest| digest.len() == letters);
        digest.is_some_and(|digest| digest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)))
    };
    if text.is_empty() || is_one("sha512-", 88) || is_one("sha1-", 28) {
        return address::hashes(text);
    }
    [NOT_ONE.to_owned()].into_iter().chain(address::hashes(text)).collect()
}

/// What a folder of the project needs, and its peers; bun installs what is for development, too.
fn needs_of_folder(info: &Object<'_>) -> (BTreeMap<String, Needed>, BTreeMap<String, Needed>) {
    let owned = |(name, range): (&str, &str)| (name.to_owned(), Needed::Range(range.to_owned()));
    let lists = ["dependencies", "optionalDependencies", "devDependencies"].into_iter();
    let optional = listed_peers(info);
    let peers = json::pairs(info, asked::PEERS).filter(|(name, _)| !optional.contains(name));
    (lists.flat_map(|list| json::pairs(info, list)).map(owned).collect(), peers.map(owned).collect())
}

/// The peers that are used where they are there, and else are not needed.
fn listed_peers<'o>(of: &'o Object<'_>) -> HashSet<&'o str> {
    json::list(of, "optionalPeers").iter().filter_map(json::string).collect()
}

#[derive(Default)]
struct All<'t, 'a> {
    by_key: HashMap<&'t str, (usize, Option<&'t Object<'a>>)>,
    by_folder: HashMap<&'t str, usize>,
    looked_up: usize,
}

impl All<'_, '_> {
    /// The nodes that a package at `key` needs: `key/name`, else the same one level higher, as
    /// folders are.
    fn targets(
        &mut self,
        (key, from): (&str, Option<usize>),
        of: &Object<'_>,
        kinds: &[&str],
        found: &mut Collected,
    ) -> Result<Vec<usize>, Fault> {
        let mut all = Vec::new();
        // What would be used if it were there is not needed.
        let only_used = listed_peers(of);
        for (kind, (name, wanted)) in kinds.iter().flat_map(|kind| json::pairs(of, kind).map(move |pair| (kind, pair))) {
            if *kind == asked::PEERS && only_used.contains(name) {
                continue;
            }
            let mut above = if key.len() + name.len() > MAX_KEY { "" } else { key };
            let node = loop {
                self.looked_up += above.len() + name.len();
                if self.looked_up > MAX_LOOKED_UP {
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
                Some(node) => {
                    let real = wanted.strip_prefix("npm:").map_or(name, |real| address::split_name(real).map_or(real, |(real, _)| real));
                    if address::kind(wanted).is_none() {
                        found.is_asked_for(node, real);
                    }
                    match from {
                        Some(from) => found.asks(from, node, name),
                        // What packages ask for bun takes as the file leads it, and peers, too.
                        None if *kind != asked::PEERS => is_met((key, name, wanted), node, found)?,
                        None => {}
                    }
                    // An override counts for what packages ask for as well.
                    let instead = found.said.overrides.as_ref().and_then(|all| all.get(name)).cloned();
                    if let Some(instead) = instead {
                        is_met((key, name, &instead), node, found)?;
                    }
                    all.push(node);
                }
                None => found.gap(key, &format!("{name}@{wanted}"), Position { line: 1, column: 1 }),
            }
            if all.len() > MAX_NEEDS {
                return Err(Fault::TooMuch);
            }
        }
        Ok(all)
    }
}

/// Keeps a need that leads to a version that is not in its range, where that is one of the project
/// or of its overrides: bun asks for another one.
fn is_met((key, name, wanted): (&str, &str, &str), node: usize, found: &mut Collected) -> Result<(), Fault> {
    let in_catalog = wanted.strip_prefix("catalog:").map(|catalog| if catalog.is_empty() { "default" } else { catalog });
    let line = in_catalog.and_then(|catalog| found.said.catalogs.as_ref()?.get(&format!("{catalog}/{name}")));
    let range = line.map_or(wanted, String::as_str).to_owned();
    let Some(locked) = found.version_of(node).map(str::to_owned) else { return Ok(()) };
    if ranges::may_have(&range, &locked) {
        return Ok(());
    }
    found.said.unmet.add(Unmet { by: None, key: key.to_owned(), name: name.to_owned(), wanted: range, locked, is_peer: false })
}

/// What the project puts in the place of what is asked for, by name.
pub(crate) fn overrides(project: &Path) -> HashMap<String, Vec<String>> {
    let text = asked::text_of(&project.join("package.json")).unwrap_or_default();
    let mut all = HashMap::<_, Vec<_>>::new();
    let Ok(root) = json::parse(&text, false) else { return all };
    let lists = ["dependencies", "devDependencies", "optionalDependencies"];
    for (key, range) in ["overrides", "resolutions"].into_iter().flat_map(|table| json::pairs(&root, table)) {
        // `$name` is the range in which the project asks for that one.
        let meant =
            range.strip_prefix('$').and_then(|name| lists.into_iter().find_map(|list| json::text(json::object(&root, list)?, name)));
        all.entry(key.strip_prefix("**/").unwrap_or(key).to_owned()).or_default().push(meant.unwrap_or(range).to_owned());
    }
    all
}

/// The overrides of the file that the project does not have, in words: bun drops them, and asks
/// anew for all that they are for.
pub(crate) fn differences(said: &BTreeMap<String, String>, project: &Path) -> Option<String> {
    let own = overrides(project);
    let is_own = |(key, range): &(&String, &String)| {
        own.get(*key).is_some_and(|all| all.contains(*range) || all.iter().any(|one| one.starts_with('$')))
    };
    let (key, _) = said.iter().find(|one| !is_own(one))?;
    let key: String = key.chars().take(asked::MAX_SHOWN).collect();
    Some(format!("the lockfile has the override {key} that the project does not: bun finds out anew what is needed"))
}

/// Whether a pattern of workspaces can be an exception: to bun 1.3 and later. Where the project
/// names no bun, the one counts that wrote the lockfile.
pub(crate) fn has_exceptions(project: &Path, is_written_so: bool) -> bool {
    let text = asked::text_of(&project.join("package.json")).unwrap_or_default();
    let Ok(root) = json::parse(&text, false) else { return false };
    let Some(named) = json::text(&root, "packageManager").and_then(|text| text.strip_prefix("bun@")) else { return is_written_so };
    let mut numbers = named.split('.');
    let mut next = || numbers.next().and_then(|number| number.parse::<u32>().ok());
    (next(), next()) >= (Some(1), Some(3))
}

/// The last name of a key: of `a/@s/b` it is `@s/b`.
fn last(key: &str) -> &str {
    let Some(slash) = key.rfind('/') else { return key };
    let before = key.get(..slash).unwrap_or_default();
    let start = before.rfind('/').map_or(0, |at| at + 1);
    let scope = before.get(start..).unwrap_or_default();
    if scope.starts_with('@') { key.get(start..) } else { key.get(slash + 1..) }.unwrap_or(key)
}
