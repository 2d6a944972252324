//! Files that Node loads in place of files of the commit: `require('./a')` takes `a`, `a.js`,
//! `a.json`, `a.node`, what `a/package.json` names, `a/index.js`, `a/index.json`, `a/index.node`,
//! whichever is there first.

use std::collections::{BTreeMap, BTreeSet};

use npm_tarball::Entry;

use crate::committed::Place;

/// Extensions that Node tries, in order.
const EXTENSIONS: [&str; 3] = ["js", "json", "node"];

/// A file that is loaded in place of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shadowed {
    /// What is loaded.
    pub loaded: String,
    /// What is loaded in the commit.
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
    for path in gone.iter().filter(|path| !committed.contains(path.as_str())) {
        let next = later_than(path).into_iter().find(|later| committed.contains(later.as_str()));
        found.extend(next.map(|loaded| Shadowed { loaded, of_commit: path.clone() }));
    }
    found
}

/// The first script below each folder: a package.json in the folder says how it is loaded.
fn first_scripts<'a>(committed: &BTreeSet<&'a str>) -> BTreeMap<&'a str, &'a str> {
    let mut first = BTreeMap::new();
    for path in committed.iter().filter(|path| path.rsplit_once('.').is_some_and(|(_, extension)| EXTENSIONS.contains(&extension))) {
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
    fn what_a_build_adds_elsewhere_is_not_told() {
        let files = ["dist/index.js+", "dist/package.json+", "esm/package.json+", "esm/a.js+", "index.js", "src/a.js", "package.json"];
        assert!(shadowed(&files, &["test.js", "README.md"]).is_empty());
        assert!(shadowed(&["a.json+", "a.js", "lib/index.json+", "lib/index.js", ".js+", "x/.json+"], &[]).is_empty());
    }
}
