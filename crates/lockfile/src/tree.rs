//! What lies in a `node_modules` folder, in place of a lockfile: the package.json of each package.

use std::fs;
use std::path::{Path, PathBuf};

use jsonc_parser::ast::Object;

use super::collect::Collected;
use super::json;
use super::{Fault, MAX_ENTRIES, Place, Position, Reason, Usage, address};

/// Largest package.json that is read, in bytes.
const MAX_MANIFEST: u64 = 4 << 20;
/// Most levels of `node_modules` below each other.
const MAX_DEPTH: usize = 64;

/// A `node_modules` folder that is still to be read.
struct Open {
    folder: PathBuf,
    /// Its path from the first one.
    key: String,
    depth: usize,
    /// What the package above brings with it.
    bundled: Vec<String>,
}

pub(crate) fn read(folder: &Path, found: &mut Collected) -> Result<(), Fault> {
    let mut open = vec![Open { folder: folder.to_owned(), key: String::new(), depth: 0, bundled: Vec::new() }];
    while let Some(next) = open.pop() {
        let mut names = names(&next.folder)?;
        names.sort();
        for name in names {
            let (path, key) = (next.folder.join(&name), format!("{}{name}", next.key));
            if fs::symlink_metadata(&path).is_ok_and(|about| about.file_type().is_symlink()) {
                found.left_out(&key, START, Reason::Link)?;
            } else if next.bundled.contains(&name) {
                found.left_out(&key, START, Reason::Bundled)?;
            } else {
                let bundled = package(&path, &key, found)?;
                let below = path.join("node_modules");
                if is_folder(&below) {
                    if next.depth >= MAX_DEPTH {
                        return Err(Fault::TooMuch);
                    }
                    open.push(Open { folder: below, key: format!("{key}/node_modules/"), depth: next.depth + 1, bundled });
                }
            }
        }
        // pnpm keeps each package in a folder of its own, and has links to them everywhere else.
        let virtual_store = next.folder.join(".pnpm");
        if is_folder(&virtual_store) {
            for name in entries(&virtual_store)? {
                let below = virtual_store.join(&name).join("node_modules");
                if name != "node_modules" && is_folder(&below) {
                    let key = format!("{}.pnpm/{name}/node_modules/", next.key);
                    open.push(Open { folder: below, key, depth: next.depth + 1, bundled: Vec::new() });
                }
            }
        }
    }
    Ok(())
}

const START: Position = Position { line: 1, column: 1 };

/// Whether this is a folder, and no link to one.
fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|about| about.is_dir())
}

fn entries(folder: &Path) -> Result<Vec<String>, Fault> {
    let unreadable = |error: std::io::Error| Fault::Malformed(format!("a folder in it cannot be read: {}", error.kind()));
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        if all.len() >= MAX_ENTRIES {
            return Err(Fault::TooMuch);
        }
        all.push(entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned());
    }
    Ok(all)
}

/// The names of the packages in a folder; those of a scope lie one level deeper. What begins with a full stop is a client's own.
fn names(folder: &Path) -> Result<Vec<String>, Fault> {
    let mut all = Vec::new();
    for name in entries(folder)? {
        let path = folder.join(&name);
        if name.starts_with('.') || fs::symlink_metadata(&path).is_ok_and(|about| about.is_file()) {
            continue;
        }
        if name.starts_with('@') && is_folder(&path) {
            all.extend(entries(&path)?.into_iter().map(|base| format!("{name}/{base}")));
        } else {
            all.push(name);
        }
    }
    Ok(all)
}

/// Adds the package in a folder, and gives the names of what is bundled with it.
fn package(path: &Path, key: &str, found: &mut Collected) -> Result<Vec<String>, Fault> {
    let text = store::at_hand::read(&path.join("package.json"), MAX_MANIFEST).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.as_deref().map(|text| text.trim_start_matches('\u{feff}'));
    let Some(manifest) = text.and_then(|text| json::parse(text, false).ok()) else {
        found.left_out(key, START, Reason::Unreadable)?;
        return Ok(Vec::new());
    };
    // Clients up to npm 6 wrote down where a package came from.
    let resolved = json::text(&manifest, "_resolved");
    if let Some(reason) = resolved.and_then(address::kind).filter(|kind| *kind != Reason::Tarball) {
        found.left_out(key, START, reason)?;
        return Ok(bundled(&manifest));
    }
    let place = Place {
        position: START,
        key: key.to_owned(),
        integrity: json::text(&manifest, "_integrity").map(address::hashes).unwrap_or_default(),
        resolved: resolved.map(str::to_owned),
        host: resolved.and_then(address::host),
        usage: Usage::default(),
    };
    let (name, version) = (json::text(&manifest, "name"), json::text(&manifest, "version"));
    found.package(name.unwrap_or_default(), version.unwrap_or_default(), place)?;
    Ok(bundled(&manifest))
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
