//! What the project's package.json files ask for, held against what the lockfile says that they ask
//! for.
//!
//! A client believes package.json. What the lockfile says otherwise it finds out by itself, from
//! the registry.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::Path;

use jsonc_parser::ast::Object;
use npm_spec::version;
use serde::Deserialize;

use super::bound;
use super::descriptors::Descriptors;
use super::folders::{self, OwnFolder, joined};
use super::graph::Graph;
use super::links::{self, Link};
use super::patterns::Patterns;
use super::pnpm::{self, Head};
use super::unmet;
use super::{Format, address, bun, deno, json, yaml};

/// Largest package.json that is read, in bytes.
const MAX_MANIFEST: u64 = 4 << 20;

/// Most folders that the patterns for workspaces are held against, and how deep.
const MAX_FOLDERS: usize = 20_000;
const MAX_DEPTH: usize = 16;

/// How much of a name or a range is shown.
pub(crate) const MAX_SHOWN: usize = 200;

/// The lists of a package.json, the one that counts first: what is in several is in the first of
/// them.
const LISTS: [&str; 3] = [OPTIONAL, PRODUCTION, DEVELOPMENT];
pub(crate) const OPTIONAL: &str = "optionalDependencies";
const PRODUCTION: &str = "dependencies";
const DEVELOPMENT: &str = "devDependencies";

/// Between the two ranges of a name that is in two lists.
const AND: &str = " and ";

/// The lists in the order in which they count for a client.
fn lists(format: Format) -> [&'static str; 3] {
    match format {
        Format::Npm | Format::Berry => [DEVELOPMENT, OPTIONAL, PRODUCTION],
        Format::Bun => [OPTIONAL, DEVELOPMENT, PRODUCTION],
        // It installs nothing that is optional.
        Format::Deno => [PRODUCTION, DEVELOPMENT, OPTIONAL],
        _ => LISTS,
    }
}
pub(crate) const PEERS: &str = "peerDependencies";
/// Those of the peers that nobody has to install.
const OPTIONAL_PEERS: &str = "optional peerDependencies";

/// Names, each with the list that has it and the range.
pub(crate) type Asked = BTreeMap<String, (&'static str, String)>;

/// The names of workspaces with their versions.
pub(crate) type Siblings = BTreeMap<String, String>;

/// What a file says that its project and its workspaces ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// By folder; empty for the root.
    pub(crate) by_folder: BTreeMap<String, Asked>,
    /// Of yarn 1: all patterns.
    pub(crate) patterns: BTreeSet<String>,
    /// Of npm's version 1: the versions of what lies at the top.
    pub(crate) top: Option<BTreeMap<String, String>>,
    /// What is asked for in a range in which the version that it leads to is not.
    pub(crate) unmet: unmet::All,
    /// Of npm: what is optional for packages and has no entry.
    pub(crate) lacking: Lacking,
    /// Of deno: the ranges of its specifiers, by name.
    pub(crate) specifiers: BTreeMap<String, BTreeSet<String>>,
    /// Of deno: the addresses that it has a row for.
    pub(crate) remote: BTreeSet<String>,
    /// Of yarn 2 and later: what it looks up.
    pub(crate) descriptors: Descriptors,
    /// The names that lead to a folder without being asked for as one.
    pub(crate) links: Vec<Link>,
    /// The folders of the project that it has as packages.
    pub(crate) folders: Vec<OwnFolder>,
    /// Of pnpm: what it says of settings.
    pub(crate) of_pnpm: Option<Head>,
    /// Of pnpm: by folder, how dependencies are installed.
    pub(crate) metas: Vec<(String, pnpm::Meta)>,
    /// What the file's version says of workspaces. Of pnpm: all folders are some where its settings
    /// name none. Of bun: a pattern can be an exception.
    pub(crate) names_all: bool,
    /// Of npm: it is of version 2, and has no tree for npm 6 and those before it.
    pub(crate) lacks_tree: bool,
    /// What the file says of the project's overrides, by the keys there, and of its catalogs, by
    /// `catalog/name`; `None` where its format has no place for that.
    pub(crate) overrides: Option<BTreeMap<String, String>>,
    pub(crate) catalogs: Option<BTreeMap<String, String>>,
}

/// Needs that are left where they cannot be met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Lacking {
    pub(crate) count: usize,
    /// The first one, in words.
    pub(crate) first: Option<String>,
}

impl Said {
    /// Whether npm's version 1 has a version in a range at the top, where every folder finds it.
    pub(crate) fn has_at_top(&self, name: &str, range: &str) -> bool {
        self.top.as_ref().and_then(|top| top.get(name)).is_some_and(|locked| is_in(locked, range))
    }

    /// Whether pnpm leaves out what a folder asks for, as the settings in the lockfile say.
    fn is_left_out(&self, name: &str, list: &str) -> bool {
        let Some(head) = &self.of_pnpm else { return false };
        let is_out = self.overrides.as_ref().and_then(|all| all.get(name)).is_some_and(|instead| instead == pnpm::NOTHING);
        is_out || list == "optionalDependencies" && head.ignored_optional.iter().any(|pattern| pnpm::fits(pattern, name))
    }

    /// Whether yarn 1 has a line for a name and a range that the folder `from` asks for, or a
    /// workspace in its place.
    pub(crate) fn has_line(&self, (name, range): (&str, &str), from: &str, siblings: &Siblings) -> bool {
        // A path is looked for from the folder that has it, and written down from the project's.
        let path = ["link:", "file:"].into_iter().find_map(|kind| Some((kind, joined(from, range.strip_prefix(kind)?)?)));
        path.is_some_and(|(kind, path)| ["", "./"].iter().any(|start| self.patterns.contains(&format!("{name}@{kind}{start}{path}"))))
            || self.patterns.contains(&format!("{name}@{range}"))
            || siblings.get(name).is_some_and(|version| is_sibling(version, range))
    }
}

/// Collects what is asked for from lists in the order in which they count.
pub(crate) fn collect(lists: impl IntoIterator<Item = (&'static str, Vec<(String, String)>)>) -> Asked {
    let mut all = Asked::new();
    for (list, (name, range)) in lists.into_iter().flat_map(|(list, pairs)| pairs.into_iter().map(move |pair| (list, pair))) {
        all.entry(name).or_insert((list, range));
    }
    all
}

/// What an object of JSON asks for: a package.json, or what a lockfile has of it. Peers count where
/// no other list has the name.
pub(crate) fn of_object(of: &Object<'_>, format: Format) -> Asked {
    with_peers(of, &optional_peers(of), format)
}

/// The same, where it is known which peers are optional.
pub(crate) fn with_peers(of: &Object<'_>, optional: &HashSet<&str>, format: Format) -> Asked {
    let owned = |(name, range): (&str, &str)| (name.to_owned(), range.to_owned());
    let (left, needed): (Vec<_>, Vec<_>) = json::pairs(of, PEERS).partition(|(name, _)| optional.contains(name));
    let peers = [(PEERS, needed), (OPTIONAL_PEERS, left)].map(|(list, all)| (list, all.into_iter().map(owned).collect()));
    let mut asked = collect(lists(format).into_iter().map(|list| (list, json::pairs(of, list).map(owned).collect())).chain(peers));
    // npm and bun write both lists down, and their versions do not all go by the same one.
    let beside = if matches!(format, Format::Npm | Format::Bun) { &LISTS[..2] } else { &[] };
    for (name, other) in beside.iter().rev().flat_map(|list| json::pairs(of, list)) {
        if let Some((_, range)) = asked.get_mut(name).filter(|(list, range)| *list == DEVELOPMENT && !range.contains(AND) && range != other)
        {
            *range = format!("{range}{AND}{other}");
        }
    }
    asked
}

/// The peers that are used where they are there, and else are not needed.
pub(crate) fn optional_peers<'e>(of: &'e Object<'_>) -> HashSet<&'e str> {
    let all = json::object(of, "peerDependenciesMeta").map_or(&[][..], |all| all.properties.as_slice());
    let optional = all.iter().filter(|of| of.value.as_object().is_some_and(|of| json::flag(of, "optional")));
    optional.map(|of| of.name.as_str()).collect()
}

/// What a package.json says in a way that clients read differently, or that none of them writes: a
/// list of names, which npm takes for packages.
pub(crate) fn unclear(of: &Object<'_>) -> Option<String> {
    for list in LISTS.into_iter().chain([PEERS]) {
        let value = of.get(list);
        let is_list = value.is_none_or(|value| {
            value.value.as_object().is_some_and(|pairs| pairs.properties.iter().all(|pair| json::string(&pair.value).is_some()))
        });
        if !is_list {
            return Some(format!("{list} has something else than names with ranges"));
        }
    }
    None
}

/// A name that two lists of a package.json have with two ranges, in words.
pub(crate) fn twice(of: &Object<'_>) -> Option<String> {
    let mut seen = BTreeMap::new();
    let all = LISTS.into_iter().flat_map(|list| json::pairs(of, list));
    let twice = all.into_iter().find(|(name, range)| seen.insert(*name, *range).is_some_and(|other| other != *range));
    twice.map(|(name, _)| format!("{name} is in two lists with two ranges, and clients take one or the other"))
}

/// How the package.json files of a project differ from what its lockfile says of them. A folder
/// without one is no project.
pub(crate) fn differences((said, graph): (&Said, &Graph), format: Format, project: &Path) -> Vec<String> {
    let mut told = said.unmet.told(graph, format, project);
    if format == Format::Deno {
        told.extend(deno::differences(said, project));
        return told;
    }
    if fs::symlink_metadata(project.join("package.json")).is_err() {
        return told;
    }
    let members = match workspaces(project, format, said.names_all) {
        Ok(folders) => folders,
        Err(reason) => return vec![reason],
    };
    told.extend(links::strange(&said.links, project, &members));
    told.extend(said.descriptors.missing(project));
    let nothing = BTreeMap::new();
    let (overrides, catalogs) = (said.overrides.as_ref().unwrap_or(&nothing), said.catalogs.as_ref().unwrap_or(&nothing));
    told.extend(said.of_pnpm.iter().flat_map(|head| head.differences((overrides, catalogs), project)));
    told.extend(said.metas.iter().filter_map(|(folder, meta)| meta.difference(project, folder)));
    if format == Format::Bun {
        told.extend(bun::differences(overrides, project));
    }
    if said.lacks_tree {
        told.push(
            "the lockfile is of version 2 and has no tree of dependencies: npm 6 and those before it find all versions anew".to_owned(),
        );
    }
    let siblings = if format == Format::Yarn { siblings(project, &members) } else { Siblings::new() };
    told.extend(folders::differences(said, project, &siblings));
    let known = said.by_folder.keys().filter(|folder| address::is_inside(folder)).cloned();
    let all: BTreeSet<String> = known.chain(members).chain([String::new()]).collect();
    told.extend(all.iter().flat_map(|folder| of_folder((said, format), &siblings, project, folder)));
    told
}

fn of_folder((said, format): (&Said, Format), siblings: &Siblings, project: &Path, folder: &str) -> Vec<String> {
    let name = if folder.is_empty() { "package.json".to_owned() } else { format!("{folder}/package.json") };
    if !is_within(&project.join(folder), project) {
        return vec![format!("{name} is outside the project, or does not exist")];
    }
    let asked = match asked_in(&project.join(&name), format) {
        Ok(asked) => asked,
        Err(reason) => return vec![format!("{name} cannot be read: {reason}")],
    };
    // Yarn installs no peers of the project itself, and pnpm where its settings say so.
    let has_peers = matches!(format, Format::Npm | Format::Bun) || said.of_pnpm.as_ref().is_some_and(|head| head.installs_peers(project));
    // What is optional stands in the lists of npm and bun alone, with what is needed.
    let has_optional = said.top.is_none() && matches!(format, Format::Npm | Format::Bun);
    let is_asked = |list: &str| match list {
        PEERS => has_peers,
        OPTIONAL_PEERS => has_optional,
        _ => true,
    };
    let asked: Asked = asked.into_iter().filter(|(_, (list, _))| is_asked(list)).collect();
    let told = |(package, range): (&str, &str), how: &str| {
        // The range alone: an @ in it would hide the names before it.
        format!("{name} asks for {package}@{}, and the lockfile {how}", verdict::without_secrets(range))
    };
    if said.top.is_some() {
        let has = |package: &str, range: &str| range.split(AND).all(|range| said.has_at_top(package, range));
        let missing = asked.iter().filter(|(package, (_, range))| folder.is_empty() && !has(package, range));
        return missing.map(|(package, (_, range))| told((package, range), "does not have that")).collect();
    }
    if format == Format::Yarn {
        let missing = asked.iter().filter(|(package, (_, range))| !said.has_line((package, range), folder, siblings));
        return missing.map(|(package, (_, range))| told((package, range), "has no line for that")).collect();
    }
    let Some(own) = said.by_folder.get(folder) else {
        return if asked.is_empty() { Vec::new() } else { vec![format!("the lockfile has no entry for {name}")] };
    };
    let mut all = Vec::new();
    for (package, (list, range)) in &asked {
        match own.get(package) {
            // pnpm writes them down as dependencies.
            Some((_, locked)) if format == Format::Pnpm && *list == PEERS && range == locked => {}
            // It writes down what an override of the project for that name puts there.
            Some((other, locked))
                if format == Format::Pnpm && list == other && said.overrides.as_ref().and_then(|all| all.get(package)) == Some(locked) => {}
            Some((other, locked)) if is_same((list, range), (other, locked)) => {}
            // pnpm leaves them out where the project says so.
            None if said.is_left_out(package, list) => {}
            None if format == Format::Pnpm && range.starts_with("link:") && pnpm::excludes_links(project) => {}
            Some((other, locked)) => all.push(told((package, range), &format!("has {locked} in {other} (it is in {list})"))),
            None => all.push(told((package, range), "does not say so")),
        }
    }
    // pnpm and yarn have peers in the same lists.
    let more = own.iter().filter(|(package, (list, _))| !asked.contains_key(*package) && !is_peer(list));
    let has_peers = matches!(format, Format::Pnpm | Format::Berry);
    let peers = if has_peers { peers_in(&project.join(&name)) } else { BTreeSet::new() };
    all.extend(more.filter(|(package, _)| !peers.contains(*package)).map(|(package, (_, range))| {
        verdict::without_secrets(&format!("the lockfile says that {name} asks for {package}@{range}, and it does not"))
    }));
    all
}

/// Whether two say the same; a list that the lockfile does not tell is empty, and yarn 2 writes its
/// protocol down.
fn is_same((list, range): (&str, &str), (other, locked): (&str, &str)) -> bool {
    let bare = |range: &str| range.strip_prefix("npm:").unwrap_or(range).trim().to_owned();
    let bound = || bound::plain(range).zip(bound::plain(locked)).is_some_and(|(range, locked)| range == locked);
    let same_range = if other.is_empty() { bare(range) == bare(locked) || bound() } else { range == locked };
    // What is optional and is said to be needed has all that it leads to.
    same_range && (other.is_empty() || list == other || list == OPTIONAL_PEERS && other == PEERS)
}

/// Whether a list is one of peers.
pub(crate) fn is_peer(list: &str) -> bool {
    matches!(list, PEERS | OPTIONAL_PEERS)
}

/// Whether a version that npm's version 1 has is in a range; of what is no range, only the words
/// can be compared.
fn is_in(locked: &str, range: &str) -> bool {
    if let Some(real) = range.strip_prefix("npm:") {
        let (name, range) = address::split_name(real).unwrap_or((real, "*"));
        let behind = locked.strip_prefix("npm:").and_then(address::split_name);
        return behind.is_some_and(|(own, version)| own == name && is_in(version, range));
    }
    if let (Some(range), Some(locked)) = (version::VersionRange::parse(range), version::parse(locked)) {
        return range.contains(&locked);
    }
    // An address or a tag: what it leads to is left out, or was a version of that tag.
    let is_known = address::is_tag(range) || address::kind(range).is_some() || matches!(range.trim(), "" | "*");
    is_known && address::kind(range).is_some() == address::kind(locked).is_some() && !locked.starts_with("npm:")
}

/// Whether yarn 1 takes a workspace of this version for a range: for a tag, or where it has no
/// version, it asks the registry.
pub(crate) fn is_sibling(version: &str, range: &str) -> bool {
    let range = if range.is_empty() { "*" } else { range };
    version::VersionRange::parse(range).zip(version::parse(version)).is_some_and(|(range, version)| range.contains(&version))
}

pub(crate) fn text_of(path: &Path) -> Option<String> {
    let text = store::at_hand::read(path, MAX_MANIFEST).ok().and_then(|bytes| String::from_utf8(bytes).ok())?;
    Some(text.strip_prefix('\u{feff}').map_or_else(|| text.clone(), str::to_owned))
}

pub(crate) fn asked_in(path: &Path, format: Format) -> Result<Asked, String> {
    let text = text_of(path).ok_or("it is too large, or no text")?;
    let of = json::parse(&text, false).map_err(|_| "it is no JSON that clients write")?;
    if let Some(reason) = unclear(&of) {
        return Err(reason);
    }
    if let Some(reason) = twice(&of).filter(|_| format == Format::Deno) {
        return Err(reason);
    }
    let mut asked = of_object(&of, format);
    if format == Format::Pnpm {
        for (name, runtime) in pnpm::runtimes(&of) {
            asked.entry(name).or_insert(runtime);
        }
    }
    Ok(asked)
}

fn peers_in(path: &Path) -> BTreeSet<String> {
    let text = text_of(path).unwrap_or_default();
    json::parse(&text, false).map(|of| json::pairs(&of, PEERS).map(|(name, _)| name.to_owned()).collect()).unwrap_or_default()
}

/// Whether a folder is there and lies in the project, with all links followed.
pub(crate) fn is_within(folder: &Path, project: &Path) -> bool {
    folder.canonicalize().ok().zip(project.canonicalize().ok()).is_some_and(|(folder, project)| folder.starts_with(project))
}

/// The names of workspaces with their versions: yarn 1 has no lines for those.
pub(crate) fn siblings(project: &Path, folders: &BTreeSet<String>) -> Siblings {
    let named = |folder: &String| {
        let text = text_of(&project.join(folder).join("package.json"))?;
        let of = json::parse(&text, false).ok()?;
        Some((json::text(&of, "name")?.to_owned(), json::text(&of, "version").unwrap_or_default().to_owned()))
    };
    folders.iter().filter_map(named).collect()
}

/// The folders of the workspaces that the project names; an error where a pattern is none that is
/// understood.
pub(crate) fn workspaces(project: &Path, format: Format, names_all: bool) -> Result<BTreeSet<String>, String> {
    let mut found = BTreeSet::new();
    let mut looked_at = 0;
    let mut open = vec![String::new()];
    while let Some(root) = open.pop() {
        let listed = if format == Format::Pnpm { in_settings(project, names_all) } else { in_manifest(&project.join(&root)) }?;
        let texts = listed.iter().map(String::as_str);
        let patterns = if format == Format::Bun {
            Patterns::with(texts, format, bun::has_exceptions(project, names_all))
        } else {
            Patterns::of(texts, format)
        };
        let Some(patterns) = patterns else {
            return Err("a pattern for workspaces is not supported".to_owned());
        };
        let own = folders(project, (&root, format), &patterns, &mut looked_at)?;
        // yarn 1 passes over those without a name or a version.
        let own: BTreeSet<String> = own.into_iter().filter(|folder| format != Format::Yarn || is_of_yarn(&project.join(folder))).collect();
        // Only yarn 2 and later has workspaces of workspaces.
        open.extend(own.iter().filter(|folder| format == Format::Berry && !found.contains(*folder)).cloned());
        found.extend(own);
    }
    Ok(found)
}

/// Whether the package.json of a folder has what yarn 1 asks of a workspace. One that cannot be
/// read is told.
fn is_of_yarn(folder: &Path) -> bool {
    let text = text_of(&folder.join("package.json")).unwrap_or_default();
    let has = |of: &Object<'_>, key: &str| json::text(of, key).is_some_and(|text| !text.is_empty());
    json::parse(&text, false).map_or(true, |of| has(&of, "name") && has(&of, "version"))
}

/// The patterns that a package.json has.
fn in_manifest(folder: &Path) -> Result<Vec<String>, String> {
    let text = text_of(&folder.join("package.json")).unwrap_or_default();
    let Ok(root) = json::parse(&text, false) else { return Err("package.json cannot be read".to_owned()) };
    let listed = json::list(&root, "workspaces");
    let listed =
        if listed.is_empty() { json::object(&root, "workspaces").map_or(&[][..], |all| json::list(all, "packages")) } else { listed };
    Ok(listed.iter().filter_map(json::string).map(str::to_owned).collect())
}

/// pnpm's own file of workspaces.
#[derive(Deserialize, Default)]
#[serde(default)]
struct OfPnpm {
    packages: Option<Vec<String>>,
}

/// The patterns that pnpm has. Versions up to 8 take all folders where there are none; `names_all`
/// says that the lockfile is of one of them.
fn in_settings(project: &Path, names_all: bool) -> Result<Vec<String>, String> {
    let path = project.join("pnpm-workspace.yaml");
    if fs::symlink_metadata(&path).is_err() {
        return Ok(Vec::new());
    }
    let unreadable = || "pnpm-workspace.yaml cannot be read".to_owned();
    let text = text_of(&path).ok_or_else(unreadable)?;
    // A file of nothing but comments has no document.
    let read = yaml::documents::<Option<OfPnpm>>(&text).map_err(|_| unreadable())?;
    let named = read.into_iter().flatten().next().and_then(|of| of.packages);
    Ok(named.unwrap_or_else(|| if names_all { vec!["**".to_owned()] } else { Vec::new() }))
}

/// The folders below `root` that have a package.json and fit a pattern; from the project's folder.
pub(crate) fn folders(
    project: &Path,
    (root, format): (&str, Format),
    patterns: &Patterns,
    looked_at: &mut usize,
) -> Result<BTreeSet<String>, String> {
    let mut found = BTreeSet::new();
    let mut open = if patterns.is_empty() { Vec::new() } else { vec![(String::new(), 0)] };
    let whole = |folder: &str| if root.is_empty() { folder.to_owned() } else { format!("{root}/{folder}") };
    let manifests: &[&str] = match format {
        Format::Pnpm => &["package.json", "package.json5", "package.yaml"],
        Format::Deno => &["package.json", "deno.json", "deno.jsonc"],
        _ => &["package.json"],
    };
    while let Some((above, depth)) = open.pop() {
        for entry in fs::read_dir(project.join(whole(&above))).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let folder = if above.is_empty() { name.clone() } else { format!("{above}/{name}") };
            if name == "node_modules" || name == ".git" || !entry.path().is_dir() {
                continue;
            }
            *looked_at += 1;
            if *looked_at > MAX_FOLDERS || depth >= MAX_DEPTH {
                return Err("the project has too many folders to find its workspaces".to_owned());
            }
            if patterns.has(&folder) && manifests.iter().any(|name| entry.path().join(name).symlink_metadata().is_ok()) {
                found.insert(whole(&folder));
            }
            if patterns.goes_below(depth + 1) {
                open.push((folder, depth + 1));
            }
        }
    }
    Ok(found)
}
