//! Files that Node loads in place of those that the commit leads to: `require('./a')` takes `a`,
//! `a.js`, `a.json`, `a.node`, what `a/package.json` names, `a/index.js`, `a/index.json`,
//! `a/index.node`, whichever is there first, and a package whose `main` is not there its index. The
//! nearest package.json says for scripts of every kind how they are read and what their `imports`
//! are, and the nearest `node_modules` which package a name stands for.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use explain::fields::{HOOKS, LOADED as FIELDS};
use npm_spec::manifest::read_up_to;
use npm_spec::path::join;
use npm_tarball::{Archive, Entry};

use crate::committed::{PACKAGE_JSON, Place, led};

/// Extensions that Node tries, in order.
const EXTENSIONS: [&str; 3] = ["js", "json", "node"];

/// Extensions of all that Node loads.
const LOADED: [&str; 9] = ["js", "mjs", "cjs", "json", "node", "wasm", "ts", "mts", "cts"];
/// The folder in which packages are looked for.
const MODULES: &str = "node_modules";
/// Files without an extension that are for people, and those of `make`.
const TEXTS: [&str; 12] = [
    "license",
    "licence",
    "copying",
    "notice",
    "readme",
    "changelog",
    "changes",
    "history",
    "authors",
    "contributors",
    "patents",
    "makefile",
];
/// Most package.json files that are read for their `main`, and the largest, in bytes.
const MOST_MANIFESTS: usize = 1_000;
const LARGEST_MANIFEST: u64 = 1 << 20;
/// Largest file whose first bytes are looked at.
const LARGEST_SCRIPT: u64 = 1 << 20;
/// How deep fields of package.json are read.
const DEPTH: u8 = 16;

/// What was packed, and what the commit has of it.
#[derive(Clone, Copy)]
pub(crate) struct Packed<'a> {
    /// The package.
    pub(crate) archive: &'a Archive,
    /// Its files.
    pub(crate) files: &'a [&'a Entry],
    /// What the commit has for each of them.
    pub(crate) places: &'a [Place],
    /// Files that would be packed of the commit, and were not.
    pub(crate) gone: &'a [String],
    /// Files that package.json runs or loads, see [`named`].
    pub(crate) named: &'a BTreeSet<String>,
}

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
pub(crate) fn of(packed: Packed<'_>) -> Vec<Shadowed> {
    let new: Vec<&str> = packed.with_places().filter(|(_, place)| **place == Place::New).map(|(entry, _)| entry.path.as_str()).collect();
    let committed: BTreeMap<&str, &Entry> =
        packed.with_places().filter(|(_, place)| **place != Place::New).map(|(entry, _)| (entry.path.as_str(), entry)).collect();
    let scripts = first_scripts(packed, &committed, &new);
    let mut found = Vec::new();
    for path in &new {
        let below = folder_of_manifest(path).and_then(|folder| scripts.get(folder).map(|script| (*script).to_owned()));
        let later = || later_than(path).into_iter().find(|later| committed.contains_key(later.as_str()));
        found.extend(below.or_else(later).map(|of_commit| Shadowed { loaded: (*path).to_owned(), of_commit }));
    }
    found.extend(nearer_packages(&new, &committed, &scripts));
    // What comes next may be the build's own, too.
    let all = packed.paths();
    for path in packed.gone.iter().filter(|path| !all.contains(path.as_str())) {
        let next = later_than(path).into_iter().find(|later| all.contains(later.as_str()));
        found.extend(next.map(|loaded| Shadowed { loaded, of_commit: path.clone() }));
    }
    for one in fallbacks(packed, &all) {
        if !found.contains(&one) {
            found.push(one);
        }
    }
    found
}

impl<'a> Packed<'a> {
    fn with_places(self) -> impl Iterator<Item = (&'a Entry, &'a Place)> {
        self.files.iter().copied().zip(self.places)
    }

    /// The packed paths.
    pub(crate) fn paths(self) -> BTreeSet<&'a str> {
        self.files.iter().map(|entry| entry.path.as_str()).collect()
    }

    /// Whether Node may load a file: by its extension, without one, as package.json names it, or as
    /// a command that says so itself. Node passes over declarations of types.
    fn is_loaded(self, entry: &Entry) -> bool {
        let name = entry.path.rsplit('/').next().unwrap_or_default();
        match name.rsplit_once('.') {
            _ if is_script(&entry.path) || self.named.contains(&entry.path) => true,
            None if !TEXTS.contains(&name.to_ascii_lowercase().as_str()) => true,
            Some((stem, extension)) if LOADED.contains(&extension) && stem.rsplit('.').next() == Some("d") => false,
            _ => entry.size <= LARGEST_SCRIPT && self.archive.content(entry).is_ok_and(|text| text.starts_with(b"#!")),
        }
    }
}

/// Whether Node loads files of this name.
pub(crate) fn is_script(path: &str) -> bool {
    let Some((stem, extension)) = path.rsplit_once('.') else { return false };
    LOADED.contains(&extension) && stem.rsplit('.').next() != Some("d")
}

/// The files that a package.json runs or loads, by their paths: in the fields that say so, and as
/// words of scripts of an installation.
pub(crate) fn named(manifest: &Value) -> BTreeSet<String> {
    let mut texts = Vec::new();
    FIELDS.iter().filter_map(|field| manifest.get(field)).for_each(|value| texts_of(value, DEPTH, &mut texts));
    let scripts = HOOKS.iter().filter_map(|hook| manifest.get("scripts")?.get(hook)?.as_str());
    texts.extend(scripts.flat_map(str::split_whitespace));
    texts.into_iter().filter_map(|text| led("", text)).filter(|path| !path.is_empty()).collect()
}

fn texts_of<'v>(value: &'v Value, depth: u8, texts: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(values) if depth > 0 => values.iter().for_each(|value| texts_of(value, depth - 1, texts)),
        Value::Object(values) if depth > 0 => values.values().for_each(|value| texts_of(value, depth - 1, texts)),
        _ => {}
    }
}

/// The first script of the commit below each folder in which a package.json or a `node_modules` is
/// new: that says how it is loaded.
fn first_scripts<'a>(packed: Packed<'_>, committed: &BTreeMap<&'a str, &Entry>, new: &[&str]) -> BTreeMap<&'a str, &'a str> {
    let around = |path: &&str| {
        folder_of_manifest(path).map(str::to_owned).into_iter().chain(folder_of_modules(path).map(|(folder, _)| folder.to_owned()))
    };
    let folders: BTreeSet<String> = new.iter().flat_map(around).collect();
    let mut first = BTreeMap::new();
    for (path, entry) in committed.iter().filter(|_| !folders.is_empty()) {
        let above = std::iter::successors(Some(*path), |path| path.rsplit_once('/').map(|(above, _)| above)).skip(1);
        let open: Vec<&str> = above.filter(|folder| folders.contains(*folder) && !first.contains_key(folder)).collect();
        if !open.is_empty() && packed.is_loaded(entry) {
            first.extend(open.into_iter().map(|folder| (folder, *path)));
        }
    }
    first
}

/// The packages that are nearer to scripts of the commit than those that are installed beside the
/// package, each by its first file. What is in `node_modules` of the package itself are bundled
/// dependencies, which are compared with what was installed.
fn nearer_packages(new: &[&str], committed: &BTreeMap<&str, &Entry>, scripts: &BTreeMap<&str, &str>) -> Vec<Shadowed> {
    let mut packages = BTreeMap::new();
    for path in new {
        let Some((folder, inside)) = folder_of_modules(path) else { continue };
        let length = if inside.starts_with('@') { 2 } else { 1 };
        let name = inside.splitn(length + 1, '/').take(length).collect::<Vec<_>>().join("/");
        let within = format!("{folder}/{MODULES}/{name}/");
        let is_of_commit = committed.range(within.as_str()..).next().is_some_and(|(known, _)| known.starts_with(&within));
        if scripts.contains_key(folder) && !is_of_commit {
            packages.entry(within).or_insert_with(|| Shadowed { loaded: (*path).to_owned(), of_commit: format!("the dependency {name}") });
        }
    }
    packages.into_values().collect()
}

/// The files that Node takes for a folder whose `main` the commit has and the package does not.
fn fallbacks(packed: Packed<'_>, all: &BTreeSet<&str>) -> Vec<Shadowed> {
    let gone: BTreeSet<&str> = packed.gone.iter().map(String::as_str).filter(|path| !all.contains(path)).collect();
    let is_manifest = |entry: &&&Entry| entry.path == PACKAGE_JSON || folder_of_manifest(&entry.path).is_some();
    let manifests = packed.files.iter().filter(is_manifest).filter(|entry| entry.size <= LARGEST_MANIFEST && !gone.is_empty());
    let mut found = Vec::new();
    for entry in manifests.take(MOST_MANIFESTS) {
        let manifest: Value = packed.archive.content(entry).ok().and_then(|text| read_up_to(&text, LARGEST_MANIFEST)).unwrap_or_default();
        let folder = folder_of_manifest(&entry.path).unwrap_or_default();
        let Some(main) = manifest.get("main").and_then(Value::as_str).and_then(|main| led(folder, main)) else { continue };
        let tried = [tried_for(&main), index_of(folder)].concat();
        let before = tried.iter().find(|path| all.contains(path.as_str()) || gone.contains(path.as_str()));
        let now = tried.iter().find(|path| all.contains(path.as_str()));
        if let (Some(before), Some(now)) = (before, now)
            && before != now
        {
            found.push(Shadowed { loaded: now.clone(), of_commit: before.clone() });
        }
    }
    found
}

/// What Node tries for a path, in order, but for a package.json in a folder.
pub(crate) fn tried_for(path: &str) -> Vec<String> {
    let with = EXTENSIONS.iter().map(|extension| format!("{path}.{extension}"));
    let own = (!path.is_empty()).then(|| path.to_owned());
    own.into_iter().chain(with.filter(|_| !path.is_empty())).chain(index_of(path)).collect()
}

fn index_of(folder: &str) -> Vec<String> {
    EXTENSIONS.iter().map(|extension| join(folder, &format!("index.{extension}"))).collect()
}

/// The folder of a package.json that is not the package's own.
fn folder_of_manifest(path: &str) -> Option<&str> {
    path.strip_suffix("/package.json")
}

/// The folder of a `node_modules` that is not the package's own, and what is in that.
fn folder_of_modules(path: &str) -> Option<(&str, &str)> {
    path.rsplit_once("/node_modules/")
}

/// What Node tries behind a path, where both can be meant by one name.
fn later_than(path: &str) -> Vec<String> {
    let mut later: Vec<String> = EXTENSIONS.iter().map(|extension| format!("{path}.{extension}")).collect();
    if let Some(folder) = folder_of_manifest(path) {
        later.extend(index_of(folder));
    }
    let known = path.rsplit_once('.').and_then(|(stem, extension)| Some((stem, EXTENSIONS.iter().position(|known| *known == extension)?)));
    if let Some((stem, at)) = known.filter(|(stem, _)| !stem.is_empty() && !stem.ends_with('/')) {
        later.extend(EXTENSIONS.iter().skip(at + 1).map(|extension| format!("{stem}.{extension}")));
        later.push(format!("{stem}/package.json"));
        later.extend(index_of(stem));
    }
    later
}

#[cfg(test)]
mod tests {
    use std::io;

    use npm_tarball::Limits;

    use super::*;

    /// The shadowed files of a package; those that are new end with `+`, and behind `=` stands the
    /// text.
    fn shadowed(paths: &[&str], gone: &[&str]) -> Vec<(String, String)> {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, text) in paths.iter().map(|path| path.split_once('=').unwrap_or((path, ""))) {
            let mut header = tar::Header::new_ustar();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, format!("package/{}", path.trim_end_matches('+')), text.as_bytes()).expect("an entry");
        }
        let archive = Archive::read_tar(io::Cursor::new(tar.into_inner().expect("an archive")), &Limits::default()).expect("an archive");
        let files: Vec<&Entry> = archive.entries().iter().collect();
        let is_new = |path: &str| paths.contains(&format!("{path}+").as_str());
        let place = |entry: &&Entry| if is_new(&entry.path) { Place::New } else { Place::File(entry.path.clone()) };
        let places: Vec<Place> = files.iter().map(place).collect();
        let gone: Vec<String> = gone.iter().map(|path| (*path).to_owned()).collect();
        let manifest = archive.get(PACKAGE_JSON).map(|entry| archive.content(entry).expect("a text")).unwrap_or_default();
        let named = named(&npm_spec::manifest::read(&manifest).unwrap_or_default());
        let packed = Packed { archive: &archive, files: &files, places: &places, gone: &gone, named: &named };
        of(packed).into_iter().map(|one| (one.loaded, one.of_commit)).collect()
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
    fn a_command_without_an_extension_is_a_script() {
        let pair = |one: &str, other: &str| vec![(one.to_owned(), other.to_owned())];
        for script in ["bin/cli", "bin/in/run", "bin/cli.sh=#!/usr/bin/env node\n", "bin/LICENSE=#!node"] {
            let path = script.split('=').next().unwrap();
            assert_eq!(shadowed(&["bin/package.json+", script], &[]), pair("bin/package.json", path));
            assert_eq!(shadowed(&["bin/node_modules/dep/a.js+", script], &[]), pair("bin/node_modules/dep/a.js", "the dependency dep"));
        }
        let named = r##"package.json={"imports":{"#a":["./bin/core.txt"]},"scripts":{"postinstall":"node ./bin/b.x"}}"##;
        for script in ["bin/core.txt", "bin/b.x"] {
            assert_eq!(shadowed(&["bin/package.json+", script, named], &[]), pair("bin/package.json", script));
        }
        assert!(shadowed(&["bin/package.json+", "bin/LICENSE", "bin/Makefile", "bin/a.txt", "bin/a.d.ts=#!node"], &[]).is_empty());
    }

    #[test]
    fn what_node_takes_for_a_main_that_is_gone_is_told() {
        let pair = |one: &str, other: &str| vec![(one.to_owned(), other.to_owned())];
        for (main, gone) in [("lib/a.js", "lib/a.js"), ("./lib/a", "lib/a.js"), ("lib/", "lib/index.json"), ("lib/x/../a", "lib/a.node")] {
            let manifest = format!(r#"package.json={{"main":"{main}"}}"#);
            assert_eq!(shadowed(&[&manifest, "index.js+"], &[gone]), pair("index.js", gone), "{main}");
            assert!(shadowed(&[&manifest, "index.js+"], &["lib/other.js"]).is_empty());
        }
        assert_eq!(shadowed(&[r#"a/package.json={"main":"x.js"}"#, "a/index.node"], &["a/x.js"]), pair("a/index.node", "a/x.js"));
        // What a build makes where the commit has only the index.
        assert!(shadowed(&[r#"package.json={"main":"dist/a.js"}"#, "dist/a.js+"], &["index.js"]).iter().all(|(now, _)| now != "index.js"));
        assert!(shadowed(&[r#"package.json={"main":"dist/a.js"}"#, "dist/a.js+", "index.js"], &[]).is_empty());
    }

    #[test]
    fn what_a_build_adds_elsewhere_is_not_told() {
        let files = ["dist/index.js+", "dist/package.json+", "esm/package.json+", "esm/a.js+", "index.js", "src/a.js", "package.json"];
        assert!(shadowed(&files, &["test.js", "README.md"]).is_empty());
        assert!(shadowed(&["a.json+", "a.js", "lib/index.json+", "lib/index.js", ".js+", "x/.json+"], &[]).is_empty());
    }
}
