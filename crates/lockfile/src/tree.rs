//! What lies in a `node_modules` folder, in place of a lockfile: the package.json of each package.
//!
//! What is in no package is told, too: Node loads a file beside the packages as it loads them.

mod links;
mod shims;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jsonc_parser::ast::Object;

use links::Links;

use super::collect::Collected;
use super::json;
use super::{Bundled, Fault, MAX_ENTRIES, Place, Position, Reason, address, stated};

/// Largest package.json that is read, in bytes.
const MAX_MANIFEST: u64 = 4 << 20;
/// Most aliases of one package.json.
const MAX_ALIASES: usize = 1000;
/// Most levels of `node_modules` below each other.
const MAX_DEPTH: usize = 64;

/// What clients keep beside the packages for themselves, and is not code; and what pnpm keeps in
/// its store.
const NOTES: [&str; 5] = [".package-lock.json", ".modules.yaml", ".yarn-state.yml", ".yarn-integrity", ".pnpm-workspace-state-v1.json"];
const STORE_NOTES: [&str; 1] = ["lock.yaml"];

/// The folders in which pnpm and bun keep each package in a folder of its own.
const STORES: [&str; 2] = [".pnpm", ".bun"];

/// A `node_modules` folder that is still to be read.
struct Open {
    folder: PathBuf,
    /// Its path from the first one.
    key: String,
    depth: usize,
    /// What the package above brings with it.
    bundles: Option<Bundles>,
}

/// What a package says that it brings with it.
struct Bundles {
    by: String,
    listed: Arc<[String]>,
}

pub(crate) fn read(folder: &Path, found: &mut Collected) -> Result<(), Fault> {
    let project = folder.canonicalize().ok().and_then(|folder| Some(folder.parent()?.to_owned()));
    let mut open = vec![Open { folder: folder.to_owned(), key: String::new(), depth: 0, bundles: None }];
    let mut seen = HashSet::new();
    let mut aliases = HashSet::new();
    let mut links = Links::default();
    while let Some(next) = open.pop() {
        // A workspace may have a link to the project, or to another one.
        let whole = next.folder.canonicalize().ok();
        if !whole.as_ref().is_some_and(|folder| seen.insert(folder.clone())) && next.depth > 0 {
            continue;
        }
        if next.depth > MAX_DEPTH {
            return Err(Fault::TooMuch);
        }
        for name in names(&next, project.as_deref(), found)? {
            let (path, key) = (next.folder.join(&name), format!("{}{name}", next.key));
            if is_link(&path) {
                let first = folder.canonicalize().unwrap_or_default();
                let target = lead(&path, project.as_deref());
                links.keep(link(&key, target.as_ref(), found)?, name_of(&key), target.as_ref());
                open.extend(behind(&next, (&key, target), &first, found)?);
                continue;
            }
            if let Some(of) = next.bundles.as_ref().filter(|of| of.listed.contains(&name)) {
                let version = manifest(&path).and_then(|text| json::text(&json::parse(&text, false).ok()?, "version").map(str::to_owned));
                let (by, listed, folder) = (of.by.clone(), of.listed.clone(), format!("node_modules/{name}"));
                found.bundled(&key, START, version.map(|version| Bundled { by, listed, folder, version }))?;
                continue;
            }
            let bundles = package(&path, &key, found)?;
            if let (Some(whole), Some(of)) = (&whole, &bundles) {
                links.reads(whole.join(&name), &of.by);
            }
            aliases.extend(aliases_in(&path, false));
            let below = path.join("node_modules");
            if is_folder(&below) {
                open.push(Open { folder: below, key: format!("{key}/node_modules/"), depth: next.depth + 1, bundles });
            } else if is_link(&below) {
                found.left_out(&format!("{key}/node_modules"), START, Reason::Link)?;
            }
        }
        // Everywhere else they have links to those.
        for store in STORES {
            let virtual_store = next.folder.join(store);
            for name in if is_folder(&virtual_store) { entries(&virtual_store)? } else { Vec::new() } {
                let (path, key) = (virtual_store.join(&name), format!("{}{store}/{name}", next.key));
                if name == "node_modules" || is_folder(&path.join("node_modules")) {
                    let below = if name == "node_modules" { path } else { path.join("node_modules") };
                    let of_package = if name == "node_modules" { Vec::new() } else { entries(&virtual_store.join(&name))? };
                    for stray in of_package.into_iter().filter(|stray| stray != "node_modules") {
                        found.left_out(&format!("{key}/{stray}"), START, Reason::File)?;
                    }
                    open.push(Open { folder: below, key: format!("{key}/node_modules/"), depth: next.depth + 1, bundles: None });
                } else if !STORE_NOTES.contains(&name.as_str()) || !is_file(&path) {
                    found.left_out(&key, START, Reason::File)?;
                }
            }
        }
    }
    links.decide(project.as_deref(), &mut aliases, found);
    found.are_asked_for(&aliases);
    Ok(())
}

/// The name of the folder of a package, by which it is loaded.
fn name_of(key: &str) -> &str {
    key.rsplit_once("node_modules/").map_or(key, |(_, folder)| folder)
}

/// The names under which a package.json asks for other packages, each with the other's name. That
/// of a package is held against its tarball.
fn aliases_in(folder: &Path, with_dev: bool) -> HashSet<(String, String)> {
    let text = manifest(folder).unwrap_or_default();
    let Ok(own) = json::parse(&text, false) else { return HashSet::new() };
    let lists = ["dependencies", "optionalDependencies"].into_iter().chain(with_dev.then_some("devDependencies"));
    let all = lists.flat_map(|list| json::pairs(&own, list));
    let real = |range: &str| {
        let real = range.strip_prefix("npm:")?;
        Some(address::split_name(real).map_or(real, |(real, _)| real).to_owned())
    };
    all.filter_map(|(name, range)| Some((name.to_owned(), real(range)?))).take(MAX_ALIASES).collect()
}

const START: Position = Position { line: 1, column: 1 };

/// Where a link leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lead {
    /// The project's own folders.
    Own,
    /// The folder of a package.
    Package,
    /// A file or a folder in that of a package or of the project.
    File,
}

/// The end of a link; `None` if it lies out of the project, or where no client puts anything.
fn lead(link: &Path, project: Option<&Path>) -> Option<(PathBuf, Lead)> {
    let target = link.canonicalize().ok()?;
    let parts: Vec<String> = target.strip_prefix(project?).ok()?.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let last = parts.iter().rposition(|part| part == "node_modules");
    let (above, below) = parts.split_at_checked(last.map_or(0, |at| at + 1))?;
    // These stores are the hidden folders that have packages.
    if above.iter().any(|part| part.starts_with('.') && !STORES.contains(&part.as_str())) || below.iter().any(|part| part.starts_with('.'))
    {
        return None;
    }
    let is_scoped = below.first().is_some_and(|first| first.starts_with('@'));
    let lead = match last {
        _ if !target.is_dir() => Lead::File,
        None => Lead::Own,
        Some(_) if below.len() == 1 + usize::from(is_scoped) => Lead::Package,
        Some(_) => Lead::File,
    };
    Some((target, lead))
}

/// Tells of a link, and gives its node.
fn link(key: &str, target: Option<&(PathBuf, Lead)>, found: &mut Collected) -> Result<usize, Fault> {
    let is_own = target.is_some_and(|(_, lead)| *lead != Lead::File);
    found.folder(key, START, (Reason::Link, if is_own { "." } else { ".." }))
}

/// The folder of packages that a link leads to and that nothing else does.
fn behind(of: &Open, (key, target): (&str, Option<(PathBuf, Lead)>), first: &Path, found: &mut Collected) -> Result<Option<Open>, Fault> {
    let below = |folder: PathBuf, key: String| Some(Open { folder, key, depth: of.depth + 1, bundles: None });
    match target {
        // What a workspace has beside it is loaded by it.
        Some((target, Lead::Own)) => {
            let (folder, key) = (target.join("node_modules"), format!("{key}/node_modules/"));
            if is_link(&folder) {
                found.left_out(&key, START, Reason::Link)?;
            }
            Ok(if is_folder(&folder) { below(folder, key) } else { None })
        }
        Some((target, Lead::Package)) if !target.starts_with(first) => {
            let above = target.ancestors().enumerate().find(|(_, above)| above.ends_with("node_modules"));
            Ok(above.and_then(|(up, folder)| below(folder.to_owned(), format!("{key}/{}../node_modules/", "../".repeat(up)))))
        }
        _ => Ok(None),
    }
}

/// Whether this is a file, and no link to one.
fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|about| about.is_file())
}

/// Whether this is a folder, and no link to one.
fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|about| about.is_dir())
}

fn entries(folder: &Path) -> Result<Vec<String>, Fault> {
    let unreadable = |error: std::io::Error| Fault::Malformed(format!("one of its folders cannot be read: {}", error.kind()));
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        if all.len() >= MAX_ENTRIES {
            return Err(Fault::TooMuch);
        }
        all.push(entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned());
    }
    all.sort();
    Ok(all)
}

/// Whether this is a link.
fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|about| about.file_type().is_symlink())
}

/// The names of the packages in a folder; those of a scope lie one level deeper. What is no package
/// is told.
fn names(of: &Open, project: Option<&Path>, found: &mut Collected) -> Result<Vec<String>, Fault> {
    let mut all = Vec::new();
    for name in entries(&of.folder)? {
        let path = of.folder.join(&name);
        let is_plain = is_folder(&path) || is_link(&path);
        if name == ".bin" && is_folder(&path) {
            for name in entries(&path)? {
                let (key, program) = (format!("{}.bin/{name}", of.key), path.join(&name));
                let reason = if is_link(&program) { Reason::Link } else { Reason::File };
                let shim = project.filter(|_| is_file(&program)).and_then(|project| shims::target(&program, project));
                let file = if reason == Reason::Link { Some(program.clone()) } else { shim };
                if !file.is_some_and(|file| is_command(&program, &file, project)) {
                    found.left_out(&key, START, reason)?;
                }
            }
        } else if name.starts_with('@') && is_folder(&path) {
            all.extend(entries(&path)?.into_iter().map(|base| format!("{name}/{base}")));
        } else if is_plain && !name.starts_with('.') {
            all.push(name);
        } else if !(NOTES.contains(&name.as_str()) && is_file(&path) || STORES.contains(&name.as_str()) && is_folder(&path)) {
            found.left_out(&format!("{}{name}", of.key), START, Reason::File)?;
        }
    }
    Ok(all)
}

/// Whether a name in `.bin` is that of a command: it leads to the file that a package has for it,
/// by the package.json of that package. A package.json within a package is one of its files.
fn is_command(link: &Path, file: &Path, project: Option<&Path>) -> bool {
    let Some(((target, _), project)) = lead(file, project).zip(project) else { return false };
    let name = link.file_name().unwrap_or_default().to_string_lossy();
    let folder = match package_of(&target, project) {
        Some(folder) => is_beside(&folder, link, project).then_some(folder),
        // A part of the project, which may have folders of any kind.
        None => target.ancestors().skip(1).take_while(|folder| *folder != project).find(|folder| is_named(folder)).map(Path::to_owned),
    };
    let Some(folder) = folder else { return false };
    let text = manifest(&folder).unwrap_or_default();
    let Ok(own) = json::parse(&text, false) else { return false };
    // bun calls the only command of a package as its folder is called.
    let is_alias = folder.file_name().is_some_and(|folder| folder.to_string_lossy() == name);
    let file = stated::command(&own, &name).or_else(|| json::text(&own, "bin").filter(|_| is_alias).map(stated::normal));
    file.and_then(|file| folder.join(file).canonicalize().ok()).is_some_and(|file| file == target)
}

/// The folder of the package that a file lies in: the one directly below the last `node_modules`.
fn package_of(file: &Path, project: &Path) -> Option<PathBuf> {
    let mut above = file.ancestors().skip(1).take_while(|folder| folder.starts_with(project));
    let packages = above.find(|folder| folder.ends_with("node_modules"))?;
    let mut parts = file.strip_prefix(packages).ok()?.components();
    let first = packages.join(parts.next()?);
    let is_scope = first.file_name().is_some_and(|name| name.to_string_lossy().starts_with('@'));
    Some(if is_scope { first.join(parts.next()?) } else { first })
}

/// Whether what lies beside a `.bin` folder, or above it, leads to the folder of a package, or that
/// lies in a store, where each has its own name. What lies in another package is that one's.
fn is_beside(package: &Path, link: &Path, project: &Path) -> bool {
    let in_store = |folder: &Path| folder.iter().any(|part| STORES.iter().any(|store| part == *store));
    let Some(beside) = link.parent().and_then(|folder| folder.canonicalize().ok()) else { return false };
    let Ok(below) = package.strip_prefix(project) else { return false };
    let packages = package.ancestors().skip(1).find(|folder| folder.ends_with("node_modules"));
    let Some(name) = packages.and_then(|packages| package.strip_prefix(packages).ok()) else { return false };
    let is_own = |folder: &Path| folder.join("node_modules").join(name).canonicalize().is_ok_and(|own| own == package);
    in_store(below) || beside.ancestors().any(|folder| folder.starts_with(project) && is_own(folder))
}

/// Whether a folder has a package.json with a name. A folder in a package can have one that only
/// says of which kind its modules are.
fn is_named(folder: &Path) -> bool {
    manifest(folder).is_some_and(|text| json::parse(&text, false).is_ok_and(|own| json::text(&own, "name").is_some()))
}

/// The text of a folder's package.json.
fn manifest(path: &Path) -> Option<String> {
    let text = store::at_hand::read(&path.join("package.json"), MAX_MANIFEST).ok().and_then(|bytes| String::from_utf8(bytes).ok())?;
    Some(text.trim_start_matches('\u{feff}').to_owned())
}

/// Adds the package in a folder, and gives what it brings with it.
fn package(path: &Path, key: &str, found: &mut Collected) -> Result<Option<Bundles>, Fault> {
    let text = manifest(path);
    let Some(manifest) = text.as_deref().and_then(|text| json::parse(text, false).ok()) else {
        return found.left_out(key, START, Reason::Unreadable).map(|_| None);
    };
    // Clients up to npm 6 wrote down where a package came from.
    let resolved = json::text(&manifest, "_resolved");
    if let Some(reason) = resolved.and_then(address::kind).filter(|kind| *kind != Reason::Tarball) {
        return found.left_out(key, START, reason).map(|_| None);
    }
    // What lies here is held against the registry by its content, and no word of its own counts.
    let (name, version) = (json::text(&manifest, "name").unwrap_or_default(), json::text(&manifest, "version").unwrap_or_default());
    // It is loaded by the name of its folder.
    let folder = name_of(key);
    let in_place_of = (folder != name).then(|| folder.to_owned());
    found.package(name, version, Place { in_place_of, ..Place::at(START, key) })?;
    Ok(Some(Bundles { by: format!("{name}@{version}"), listed: bundled(&manifest).into() }))
}

/// The names of what a package brings with it; `true` stands for all that it needs.
fn bundled(manifest: &Object<'_>) -> Vec<String> {
    let mut all = Vec::new();
    for key in ["bundleDependencies", "bundledDependencies"] {
        if json::flag(manifest, key) {
            all.extend(json::pairs(manifest, "dependencies").map(|(name, _)| name.to_owned()));
        }
        all.extend(json::list(manifest, key).iter().filter_map(json::string).map(str::to_owned));
    }
    all
}
