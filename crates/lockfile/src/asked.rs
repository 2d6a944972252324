//! What the project's package.json files ask for, held against what the lockfile says that they ask
//! for.
//!
//! A client believes package.json. What the lockfile says otherwise it finds out by itself, from
//! the registry.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use jsonc_parser::ast::Object;
use npm_spec::version;

use super::json;
use super::{Format, address};

/// Largest package.json that is read, in bytes.
const MAX_MANIFEST: u64 = 4 << 20;

/// Most folders that the patterns for workspaces are held against, and how deep.
const MAX_FOLDERS: usize = 20_000;
const MAX_DEPTH: usize = 16;

/// The lists of a package.json, the one that counts first: what is in several is in the first of
/// them.
const LISTS: [&str; 3] = ["optionalDependencies", "dependencies", "devDependencies"];
const PEERS: &str = "peerDependencies";

/// Names, each with the list that has it and the range.
type Asked = BTreeMap<String, (&'static str, String)>;

/// What a file says that its project and its workspaces ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// By folder; empty for the root.
    pub(crate) by_folder: BTreeMap<String, Asked>,
    /// Of yarn 1: all patterns.
    pub(crate) patterns: BTreeSet<String>,
    /// Of npm's version 1: the versions of what lies at the top.
    pub(crate) top: Option<BTreeMap<String, String>>,
}

/// Collects what is asked for from lists in the order in which they count.
pub(crate) fn collect(lists: impl IntoIterator<Item = (&'static str, Vec<(String, String)>)>) -> Asked {
    let mut all = Asked::new();
    for (list, (name, range)) in lists.into_iter().flat_map(|(list, pairs)| pairs.into_iter().map(move |pair| (list, pair))) {
        all.entry(name).or_insert((list, range));
    }
    all
}

/// What an object of JSON asks for: a package.json, or what a lockfile has of it.
pub(crate) fn of_object(of: &Object<'_>) -> Asked {
    let pairs = |list| json::pairs(of, list).map(|(name, range)| (name.to_owned(), range.to_owned())).collect();
    collect(LISTS.map(|list| (list, pairs(list))))
}

/// How the package.json files of a project differ from what its lockfile says of them. A folder
/// without one is no project.
pub(crate) fn differences(said: &Said, format: Format, project: &Path) -> Vec<String> {
    if fs::symlink_metadata(project.join("package.json")).is_err() {
        return Vec::new();
    }
    let folders = match workspaces(project) {
        Ok(folders) if format != Format::Pnpm => folders,
        Ok(_) => BTreeSet::new(),
        Err(reason) => return vec![reason],
    };
    let siblings = if format == Format::Yarn { siblings(project, &folders) } else { BTreeMap::new() };
    let known = said.by_folder.keys().filter(|folder| address::is_inside(folder)).cloned();
    let all: BTreeSet<String> = known.chain(folders).chain([String::new()]).collect();
    all.iter().flat_map(|folder| of_folder((said, format), &siblings, project, folder)).collect()
}

fn of_folder((said, format): (&Said, Format), siblings: &BTreeMap<String, String>, project: &Path, folder: &str) -> Vec<String> {
    let name = if folder.is_empty() { "package.json".to_owned() } else { format!("{folder}/package.json") };
    if !is_within(&project.join(folder), project) {
        return vec![format!("{name} is outside the project, or does not exist")];
    }
    let Some(asked) = asked_in(&project.join(&name)) else { return vec![format!("{name} cannot be read")] };
    let told = |(package, range): (&str, &str), how: &str| format!("{name} asks for {package}@{range}, and the lockfile {how}");
    if let Some(top) = &said.top {
        let fits = |(package, (_, range)): &(&String, &(&str, String))| top.get(*package).is_some_and(|locked| is_in(locked, range));
        let missing = asked.iter().filter(|one| folder.is_empty() && !fits(one));
        return missing.map(|(package, (_, range))| told((package, range), "does not have that")).collect();
    }
    if format == Format::Yarn {
        let is_there = |package: &str, range: &str| {
            said.patterns.contains(&format!("{package}@{range}")) || siblings.get(package).is_some_and(|version| is_in(version, range))
        };
        let missing = asked.iter().filter(|(package, (_, range))| !is_there(package, range));
        return missing.map(|(package, (_, range))| told((package, range), "has no line for that")).collect();
    }
    let Some(own) = said.by_folder.get(folder) else {
        return if asked.is_empty() { Vec::new() } else { vec![format!("the lockfile has no entry for {name}")] };
    };
    let mut all = Vec::new();
    for (package, (list, range)) in &asked {
        match own.get(package) {
            Some((other, locked)) if is_same((list, range), (other, locked)) => {}
            Some((other, locked)) => all.push(told((package, range), &format!("has {locked} in {other} (it is in {list})"))),
            None => all.push(told((package, range), "does not say so")),
        }
    }
    // pnpm and yarn have peers in the same lists.
    let more = own.iter().filter(|(package, (list, _))| !asked.contains_key(*package) && *list != PEERS);
    let has_peers = matches!(format, Format::Pnpm | Format::Berry);
    let peers = if has_peers { peers_in(&project.join(&name)) } else { BTreeSet::new() };
    all.extend(
        more.filter(|(package, _)| !peers.contains(*package))
            .map(|(package, (_, range))| format!("the lockfile says that {name} asks for {package}@{range}, and it does not")),
    );
    all
}

/// Whether two say the same; a list that the lockfile does not tell is empty, and yarn 2 writes its
/// protocol down.
fn is_same((list, range): (&str, &str), (other, locked): (&str, &str)) -> bool {
    let bare = |range: &str| range.strip_prefix("npm:").unwrap_or(range).trim().to_owned();
    let is_bound = |range: &str| range.starts_with("patch:") || range.starts_with("portal:") || range.starts_with("file:");
    let same_range = if other.is_empty() { bare(range) == bare(locked) || is_bound(range) && is_bound(locked) } else { range == locked };
    same_range && (other.is_empty() || list == other)
}

/// Whether a version that npm's version 1 has is in a range; of what is no range, only the words
/// can be compared.
fn is_in(locked: &str, range: &str) -> bool {
    if let Some(real) = range.strip_prefix("npm:") {
        let (name, range) = address::split_name(real).unwrap_or((real, "*"));
        let behind = locked.strip_prefix("npm:").and_then(address::split_name);
        return behind.is_some_and(|(own, version)| own == name && is_in(version, range));
    }
    match (version::VersionRange::parse(range), version::parse(locked)) {
        (Some(range), Some(locked)) => range.contains(&locked),
        // An address or a tag: what it leads to is left out, or was a version of that tag.
        _ => address::kind(range).is_some() == address::kind(locked).is_some() && !locked.starts_with("npm:"),
    }
}

fn text_of(path: &Path) -> Option<String> {
    let text = store::at_hand::read(path, MAX_MANIFEST).ok().and_then(|bytes| String::from_utf8(bytes).ok())?;
    Some(text.strip_prefix('\u{feff}').map_or_else(|| text.clone(), str::to_owned))
}

fn asked_in(path: &Path) -> Option<Asked> {
    Some(of_object(&json::parse(&text_of(path)?, false).ok()?))
}

fn peers_in(path: &Path) -> BTreeSet<String> {
    let text = text_of(path).unwrap_or_default();
    json::parse(&text, false).map(|of| json::pairs(&of, PEERS).map(|(name, _)| name.to_owned()).collect()).unwrap_or_default()
}

/// Whether a folder is there and lies in the project, with all links followed.
fn is_within(folder: &Path, project: &Path) -> bool {
    folder.canonicalize().ok().zip(project.canonicalize().ok()).is_some_and(|(folder, project)| folder.starts_with(project))
}

/// The names of workspaces with their versions: yarn 1 has no lines for those.
fn siblings(project: &Path, folders: &BTreeSet<String>) -> BTreeMap<String, String> {
    let named = |folder: &String| {
        let text = text_of(&project.join(folder).join("package.json"))?;
        let of = json::parse(&text, false).ok()?;
        Some((json::text(&of, "name")?.to_owned(), json::text(&of, "version").unwrap_or_default().to_owned()))
    };
    folders.iter().filter_map(named).collect()
}

/// The folders of the workspaces that package.json names; an error where a pattern is none that is
/// understood.
fn workspaces(project: &Path) -> Result<BTreeSet<String>, String> {
    let text = text_of(&project.join("package.json")).unwrap_or_default();
    let Ok(root) = json::parse(&text, false) else { return Err("package.json cannot be read".to_owned()) };
    let listed = json::list(&root, "workspaces");
    let listed =
        if listed.is_empty() { json::object(&root, "workspaces").map_or(&[][..], |all| json::list(all, "packages")) } else { listed };
    let patterns: Vec<&str> = listed.iter().filter_map(json::string).filter(|pattern| !pattern.starts_with('!')).collect();
    let mut found = BTreeSet::new();
    if patterns.is_empty() {
        return Ok(found);
    }
    if patterns.iter().any(|pattern| pattern.contains(['{', '[', '?', '(', '\\'])) {
        return Err("a pattern for workspaces in package.json is not supported".to_owned());
    }
    let patterns: Vec<Vec<&str>> =
        patterns.iter().map(|pattern| pattern.split('/').filter(|part| !matches!(*part, "" | ".")).collect()).collect();
    let mut open = vec![(String::new(), 0)];
    let mut looked_at = 0;
    while let Some((above, depth)) = open.pop() {
        for entry in fs::read_dir(project.join(&above)).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let folder = if above.is_empty() { name.clone() } else { format!("{above}/{name}") };
            if name == "node_modules" || name == ".git" || !entry.path().is_dir() {
                continue;
            }
            looked_at += 1;
            if looked_at > MAX_FOLDERS || depth >= MAX_DEPTH {
                return Err("the project has too many folders to find its workspaces".to_owned());
            }
            let parts: Vec<&str> = folder.split('/').collect();
            if patterns.iter().any(|pattern| fits(pattern, &parts)) && entry.path().join("package.json").exists() {
                found.insert(folder.clone());
            }
            if patterns.iter().any(|pattern| pattern.contains(&"**") || pattern.len() > parts.len()) {
                open.push((folder, depth + 1));
            }
        }
    }
    Ok(found)
}

/// Whether a path fits a pattern of names, `*` and `**`.
fn fits(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), None) => fits(rest, path),
        (Some((&"**", rest)), Some((_, below))) => fits(rest, path) || fits(pattern, below),
        (Some((part, rest)), Some((name, below))) => is_like(part, name) && fits(rest, below),
        _ => false,
    }
}

/// Whether a name fits a part of a pattern, in which `*` stands for any letters.
fn is_like(part: &str, name: &str) -> bool {
    let Some((start, rest)) = part.split_once('*') else { return part == name };
    let Some(behind) = name.strip_prefix(start) else { return false };
    rest.is_empty() || (0..=behind.len()).filter_map(|at| behind.get(at..)).any(|tail| is_like(rest, tail))
}
