//! Files that Node loads in place of those that the commit leads to: `require('./a')` takes `a`,
//! `a.js`, `a.json`, `a.node`, what `a/package.json` names, `a/index.js`, `a/index.json`,
//! `a/index.node`, whichever is there first. The nearest package.json says for scripts of every
//! kind how they are read and what their `imports` are, and the nearest `node_modules` which
//! package a name stands for.

use std::collections::{BTreeMap, BTreeSet};

use npm_tarball::Entry;

use crate::committed::Place;

/// Extensions that Node tries, in order.
const EXTENSIONS: [&str; 3] = ["js", "json", "node"];

/// Extensions of all that Node loads.
const LOADED: [&str; 9] = ["js", "mjs", "cjs", "json", "node", "wasm", "ts", "mts", "cts"];
/// The folder in which packages are looked for.
const MODULES: &str = "node_modules";

/// A file that is loaded in place of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shadowed {
    /// What is loaded.
    pub loaded: String,
    /// What is loaded in the commit: a file, or a package by its name.
    pub of_commit: String,
}

/// The packed files that are loaded in place of one of the commit: those that are new, and those
/// that come next where one is `gone`.
pub(crate) fn of(files: &[&Entry], places: &[Place], gone: &[String]) -> Vec<Shadowed> {
    let both = || files.iter().map(|entry| entry.path.as_str()).zip(places);
    let committed: BTreeSet<&str> = both().filter(|(_, place)| **place != Place::New).map(|(path, _)| path).collect();
    let scripts = first_scripts(&committed);
    let mut found = Vec::new();
    for (path, _) in both().filter(|(_, place)| **place == Place::New) {
        let below = folder_of_manifest(path).and_then(|folder| scripts.get(folder).map(|script| (*script).to_owned()));
        let later = || later_than(path).into_iter().find(|later| committed.contains(later.as_str()));
        found.extend(below.or_else(later).map(|of_commit| Shadowed { loaded: path.to_owned(), of_commit }));
    }
    found.extend(nearer_packages(both().filter(|(_, place)| **place == Place::New).map(|(path, _)| path), &committed, &scripts));
    // What comes next may be the build's own, too.
    let packed: BTreeSet<&str> = files.iter().map(|entry| entry.path.as_str()).collect();
    for path in gone.iter().filter(|path| !packed.contains(path.as_str())) {
        let next = later_than(path).into_iter().find(|later| packed.contains(later.as_str()));
        found.extend(next.map(|loaded| Shadowed { loaded, of_commit: path.clone() }));
    }
    found
}

/// The first script below each folder: a package.json in the folder says how it is loaded.
fn first_scripts<'a>(committed: &BTreeSet<&'a str>) -> BTreeMap<&'a str, &'a str> {
    let mut first = BTreeMap::new();
    for path in committed.iter().filter(|path| is_loaded(path)) {
        let mut folder = *path;
        while let Some((above, _)) = folder.rsplit_once('/') {
            if first.contains_key(above) {
                break;
            }
            first.insert(above, *path);
            folder = above;
        }
    }
    first
}

/// Whether Node loads files of this name; it passes over declarations of types.
fn is_loaded(path: &str) -> bool {
    let Some((stem, extension)) = path.rsplit_once('.') else { return false };
    LOADED.contains(&extension) && stem.rsplit('.').next() != Some("d")
}

/// The packages that are nearer to scripts of the commit than those that are installed beside the
/// package, each by its first file. What is in `node_modules` of the package itself are bundled
/// dependencies, which the registry's metadata names.
fn nearer_packages<'a>(new: impl Iterator<Item = &'a str>, committed: &BTreeSet<&str>, scripts: &BTreeMap<&str, &str>) -> Vec<Shadowed> {
    let mut packages = BTreeMap::new();
    for path in new {
        let Some((folder, inside)) = path.rsplit_once("/node_modules/") else { continue };
        let length = if inside.starts_with('@') { 2 } else { 1 };
        let name = inside.splitn(length + 1, '/').take(length).collect::<Vec<_>>().join("/");
        let within = format!("{folder}/{MODULES}/{name}/");
        let is_of_commit = committed.range(within.as_str()..).next().is_some_and(|known| known.starts_with(&within));
        if scripts.contains_key(folder) && !is_of_commit {
            packages.entry(within).or_insert_with(|| Shadowed { loaded: path.to_owned(), of_commit: format!("the dependency {name}") });
        }
    }
    packages.into_values().collect()
}

/// The folder of a package.json that is not the package's own.
fn folder_of_manifest(path: &str) -> Option<&str> {
    path.strip_suffix("/package.json")
}

/// What Node tries behind a path, where both can be meant by one name.
fn later_than(path: &str) -> Vec<String> {
    let mut later: Vec<String> = EXTENSIONS.iter().map(|extension| format!("{path}.{extension}")).collect();
    let index = |folder: &str| EXTENSIONS.iter().map(|extension| format!("{folder}/index.{extension}")).collect::<Vec<_>>();
    if let Some(folder) = folder_of_manifest(path) {
        later.extend(index(folder));
    }
    let known = path.rsplit_once('.').and_then(|(stem, extension)| Some((stem, EXTENSIONS.iter().position(|known| *known == extension)?)));
    if let Some((stem, at)) = known.filter(|(stem, _)| !stem.is_empty() && !stem.ends_with('/')) {
        later.extend(EXTENSIONS.iter().skip(at + 1).map(|extension| format!("{stem}.{extension}")));
        later.push(format!("{stem}/package.json"));
        later.extend(index(stem));
    }
    later
}

#[cfg(test)]
mod tests {
    use std::io;

    use npm_tarball::{Archive, Limits};

    use super::*;

    /// The shadowed files of a package; those that are new end with `+`.
    fn shadowed(paths: &[&str], gone: &[&str]) -> Vec<(String, String)> {
        let mut tar = tar::Builder::new(Vec::new());
        for path in paths {
            let mut header = tar::Header::new_ustar();
            header.set_size(0);
            header.set_mode(0o644);
            tar.append_data(&mut header, format!("package/{}", path.trim_end_matches('+')), io::empty()).expect("an entry");
        }
        let archive = Archive::read_tar(io::Cursor::new(tar.into_inner().expect("an archive")), &Limits::default()).expect("an archive");
        let files: Vec<&Entry> = archive.entries().iter().collect();
        let is_new = |path: &str| paths.contains(&format!("{path}+").as_str());
        let place = |entry: &&Entry| if is_new(&entry.path) { Place::New } else { Place::File(entry.path.clone()) };
        let places: Vec<Place> = files.iter().map(place).collect();
        let gone: Vec<String> = gone.iter().map(|path| (*path).to_owned()).collect();
        of(&files, &places, &gone).into_iter().map(|one| (one.loaded, one.of_commit)).collect()
    }

    #[test]
    fn a_new_file_that_node_takes_first_is_told() {
        let pair = |one: &str, other: &str| vec![(one.to_owned(), other.to_owned())];
        assert_eq!(shadowed(&["core.js+", "core/index.js"], &[]), pair("core.js", "core/index.js"));
        assert_eq!(shadowed(&["core/package.json+", "core/index.js", "core/evil.js+"], &[]), pair("core/package.json", "core/index.js"));
        assert_eq!(shadowed(&["lib/package.json+", "lib/a/b.js"], &[]), pair("lib/package.json", "lib/a/b.js"));
        assert_eq!(shadowed(&["core+", "core.js"], &[]), pair("core", "core.js"));
        assert_eq!(shadowed(&["a.js+", "a.json"], &[]), pair("a.js", "a.json"));
        assert_eq!(shadowed(&["core/index.js"], &["core.js"]), pair("core/index.js", "core.js"));
    }

    #[test]
    fn a_new_file_that_comes_next_where_one_is_gone_is_told() {
        let pair = |one: &str, other: &str| vec![(one.to_owned(), other.to_owned())];
        assert_eq!(shadowed(&["core/index.js+"], &["core.js"]), pair("core/index.js", "core.js"));
        assert_eq!(shadowed(&["core/package.json+", "core/x.js+"], &["core.js"]), pair("core/package.json", "core.js"));
        assert_eq!(shadowed(&["index.json+"], &["index.js"]), pair("index.json", "index.js"));
        assert_eq!(shadowed(&["lib/main.node+"], &["lib/main.js"]), pair("lib/main.node", "lib/main.js"));
        assert!(shadowed(&["dist/core/index.js+", "core.d.ts+"], &["core.js"]).is_empty());
    }

    #[test]
    fn a_new_package_json_or_package_beside_scripts_of_any_kind_is_told() {
        let pair = |one: &str, other: &str| vec![(one.to_owned(), other.to_owned())];
        for script in ["lib/index.mjs", "lib/a.cjs", "lib/in/b.mts", "lib/c.wasm", "lib/x.d.js/y.js"] {
            assert_eq!(shadowed(&["lib/package.json+", script, "lib/evil.mjs+"], &[]), pair("lib/package.json", script));
            let package = ["lib/node_modules/dep/index.js+", "lib/node_modules/dep/package.json+", script];
            assert_eq!(shadowed(&package, &[]), pair("lib/node_modules/dep/index.js", "the dependency dep"));
        }
        let scoped = ["lib/a.js", "lib/node_modules/@s/dep/a.js+", "lib/node_modules/@s/other/a.js+"];
        let told = shadowed(&scoped, &[]);
        assert_eq!(
            told.iter().map(|(_, of_commit)| of_commit.as_str()).collect::<Vec<_>>(),
            ["the dependency @s/dep", "the dependency @s/other"]
        );
        // The package's own, that of a folder without scripts, another file of one of the commit.
        assert!(shadowed(&["a.js", "node_modules/dep/index.js+", "doc/node_modules/dep/a.js+"], &[]).is_empty());
        assert!(shadowed(&["lib/a.js", "lib/node_modules/dep/a.js", "lib/node_modules/dep/b.js+"], &[]).is_empty());
        assert!(shadowed(&["lib/package.json+", "lib/a.d.ts", "lib/b.md"], &[]).is_empty());
    }

    #[test]
    fn what_a_build_adds_elsewhere_is_not_told() {
        let files = ["dist/index.js+", "dist/package.json+", "esm/package.json+", "esm/a.js+", "index.js", "src/a.js", "package.json"];
        assert!(shadowed(&files, &["test.js", "README.md"]).is_empty());
        assert!(shadowed(&["a.json+", "a.js", "lib/index.json+", "lib/index.js", ".js+", "x/.json+"], &[]).is_empty());
    }
}
