//! Dependencies that a package brings along in `node_modules`, held against the tarballs that they
//! were installed from: a build can write over them, and they are in no file of the commit.
//!
//! The files of one folder have to be those of one tarball, of the package that the folder is named
//! after or an alias leads to: its own, or that of a package above which brings it along.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use npm_spec::manifest::{LARGEST_PACKED, read_up_to};
use npm_spec::path::join;
use npm_tarball::{Archive, Entry, EntryKind};
use npm_timewarp::Timewarp;
use verdict::{Outcome, patience};

use super::failure::first_of;
use super::run::Work;
use crate::checkout::Folder;
use crate::committed::{self, PACKAGE_JSON, without_returns};
use crate::manifest_change::{has_a_key_twice, is_plainly_written};
use crate::overlay::{is_binding_gyp, obeyed_otherwise};
use crate::rebuilt::Rebuilt;

/// The folder in which packages lie.
const MODULES: &str = "node_modules/";
/// Most tarballs of one name that a folder is held against, and most folders.
const MOST_TARBALLS: usize = 8;
const MOST_FOLDERS: usize = 5_000;
/// Largest file that is compared by its text, in bytes.
const LARGEST: u64 = 32 << 20;
/// What npm up to 6 writes into the package.json of a package that it installs, besides keys that
/// begin with `_`.
const WRITTEN: [&str; 9] = ["version", "deprecated", "dist", "maintainers", "readme", "readmeFilename", "gitHead", "man", "licenses"];
/// Lists of what is installed, which npm, yarn 1, yarn 2 and later, and pnpm write.
const LISTS: [&str; 4] = [".package-lock.json", ".yarn-integrity", ".yarn-state.yml", ".modules.yaml"];
/// The two spellings of one field, which npm up to 6 sets to `false`.
const BUNDLES: [&str; 2] = ["bundleDependencies", "bundledDependencies"];

impl Work<'_> {
    /// A line for a warning, where what an attempt came out with is not as it was installed.
    pub(super) fn bundled_in(&self, one: &Rebuilt, tarballs: &BTreeSet<String>, timewarp: &Timewarp) -> Option<String> {
        let archive = (one.outcome != Outcome::OtherEntries).then_some(&self.published.archive)?;
        self.bundled(archive, committed::folder_of(&one.recipe), tarballs, &|line| timewarp.handed_out(line))
    }

    /// A line for a warning, where what the package brings along is not as it was installed.
    /// `tarballs`: what was handed out, a line each, which `again` hands out once more.
    pub(super) fn bundled(
        &self,
        archive: &Archive,
        packed: &str,
        tarballs: &BTreeSet<String>,
        again: &dyn Fn(&str) -> Option<Archive>,
    ) -> Option<String> {
        let told = Bundles { archive, folder: self.folder, packed, tarballs, again }.altered();
        let line = || first_of(told.iter().cloned(), told.len());
        (!told.is_empty()).then(|| format!("dependencies that the package brings along are not as they were installed: {}", line()))
    }
}

/// What a package brings along, and what it was installed from.
struct Bundles<'a> {
    archive: &'a Archive,
    /// The commit.
    folder: &'a Folder<'a>,
    /// The folder that was packed.
    packed: &'a str,
    tarballs: &'a BTreeSet<String>,
    again: &'a dyn Fn(&str) -> Option<Archive>,
}

/// A folder of one package, and its files.
type Brought<'a> = (String, Vec<&'a Entry>);

impl Bundles<'_> {
    /// What is not as it was installed, what an installation runs first.
    fn altered(&self) -> Vec<String> {
        let brought = self.brought();
        let aliases = if brought.is_empty() { BTreeMap::new() } else { self.aliases(&brought) };
        let mut found: Vec<(bool, String)> = Vec::new();
        for (at, one) in brought.iter().enumerate() {
            if at == MOST_FOLDERS || patience::is_over() {
                found.push((false, format!("{} and what comes behind it, which was not compared", one.0)));
                break;
            }
            found.extend(self.altered_in(one, &aliases).into_iter().map(|told| (!is_run(&told), told)));
        }
        found.sort();
        found.into_iter().map(|(_, told)| told).collect()
    }

    /// The folders of packages below the package's own `node_modules`, with their files, but for
    /// those that the commit has at the same paths: they are compared with it.
    fn brought(&self) -> Vec<Brought<'_>> {
        let mut all: BTreeMap<String, Vec<&Entry>> = BTreeMap::new();
        for entry in self.archive.entries().iter().filter(|entry| entry.path.starts_with(MODULES)) {
            if let Some(folder) = folder_of(&entry.path)
                && self.folder.file(&join(self.packed, &entry.path)).is_none()
            {
                all.entry(folder.to_owned()).or_default().push(entry);
            }
        }
        all.into_iter().collect()
    }

    /// The names of packages that other names stand for, as package.json files here say.
    fn aliases(&self, brought: &[Brought<'_>]) -> BTreeMap<String, BTreeSet<String>> {
        let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let paths = brought.iter().map(|(folder, _)| join(folder, PACKAGE_JSON)).chain([PACKAGE_JSON.to_owned()]);
        for manifest in paths.filter_map(|path| self.archive.get(&path)) {
            let manifest = object(&self.archive.content(manifest).unwrap_or_default());
            let fields = ["dependencies", "optionalDependencies", "peerDependencies"].into_iter();
            for (name, wanted) in fields.filter_map(|field| manifest.get(field)?.as_object()).flatten() {
                if let Some((target, _)) = wanted.as_str().and_then(|wanted| name_and_version(wanted.strip_prefix("npm:")?)) {
                    all.entry(name.clone()).or_default().insert(target.to_owned());
                }
            }
        }
        all
    }

    /// What of one folder is not as in the tarball that is nearest to it; all, where none has its
    /// name.
    fn altered_in(&self, (folder, files): &Brought<'_>, aliases: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
        let mut nearest: Option<Vec<String>> = None;
        // The package's own tarball, then those of the packages above.
        for (above, inside) in levels(folder) {
            for line in self.tarballs_of(&above, aliases) {
                let Some(tarball) = (self.again)(line) else { continue };
                let told = differences(self.archive, &above, files, &tarball);
                if told.is_empty() {
                    return told;
                }
                // A tarball above that brings nothing along there is not what it was installed
                // from.
                let has_it = inside.is_empty() || tarball.entries().iter().any(|entry| entry.path.starts_with(&inside));
                if has_it && nearest.as_ref().is_none_or(|nearest| told.len() < nearest.len()) {
                    nearest = Some(told);
                }
            }
        }
        nearest.unwrap_or_else(|| if self.is_of_commit(files) { Vec::new() } else { vec![format!("{folder} (no tarball of that name)")] })
    }

    /// The tarballs of the package in a folder, those of its version first.
    fn tarballs_of(&self, folder: &str, aliases: &BTreeMap<String, BTreeSet<String>>) -> Vec<&str> {
        let name = folder.rsplit_once(MODULES).map_or(folder, |(_, name)| name);
        let manifest = self.archive.get(&join(folder, PACKAGE_JSON)).and_then(|entry| self.archive.content(entry).ok());
        let version = object(&manifest.unwrap_or_default()).get("version").and_then(Value::as_str).unwrap_or_default().to_owned();
        let is_it = |named: &str| named == name || aliases.get(name).is_some_and(|targets| targets.contains(named));
        let parts = |line: &str| {
            let (named, other) = name_and_version(line.split(' ').next()?)?;
            is_it(named).then(|| other != version)
        };
        let mut all: Vec<(bool, &str)> = self.tarballs.iter().filter_map(|line| Some((parts(line)?, line.as_str()))).collect();
        all.sort_unstable();
        all.into_iter().take(MOST_TARBALLS).map(|(_, line)| line).collect()
    }

    /// Whether all of these are files of the commit, wherever: of another package of it.
    fn is_of_commit(&self, files: &[&Entry]) -> bool {
        let all: BTreeSet<[u8; 20]> = files.iter().filter(|entry| entry.kind == EntryKind::File).map(|entry| entry.blob_id).collect();
        let known = self.folder.files().filter_map(|(path, _)| self.folder.file(path)?.id.as_bytes().try_into().ok());
        let known: BTreeSet<[u8; 20]> = known.filter(|id| all.contains(id)).collect();
        known.len() == all.len() && files.iter().all(|entry| entry.kind == EntryKind::File)
    }
}

/// The files of a folder that are not as in a tarball of the package in the folder `above`, each
/// with the keys of package.json that are otherwise.
fn differences(archive: &Archive, above: &str, files: &[&Entry], tarball: &Archive) -> Vec<String> {
    let mut told = Vec::new();
    for entry in files {
        let inside = entry.path.strip_prefix(above).map_or("", |inside| inside.trim_start_matches('/'));
        let installed = tarball.get(inside).filter(|installed| installed.kind == EntryKind::File && entry.kind == EntryKind::File);
        if installed.is_some_and(|installed| (installed.size, installed.sha256) == (entry.size, entry.sha256)) {
            continue;
        }
        let is_comparable = |installed: &&Entry| installed.size.max(entry.size) <= LARGEST;
        let texts = installed.filter(is_comparable).map(|installed| (tarball.content(installed), archive.content(entry)));
        let Some((Ok(installed), Ok(packed))) = texts else {
            told.push(entry.path.clone());
            continue;
        };
        if inside == PACKAGE_JSON || inside.ends_with("/package.json") {
            let has_gyp = tarball.entries().iter().any(|entry| is_binding_gyp(&entry.path));
            let keys = keys_otherwise(&installed, &packed, has_gyp);
            told.extend((!keys.is_empty()).then(|| format!("{} ({})", entry.path, keys.join(", "))));
        } else if without_returns(&installed) != without_returns(&packed) {
            // npm writes the first line of commands with the line ending of Unix.
            told.push(entry.path.clone());
        }
    }
    told
}

/// The keys of a package.json that are otherwise than in the tarball, but for what npm writes there
/// when it installs: fields of its own, one spelling of `bin`, and optional dependencies among the
/// others.
fn keys_otherwise(installed: &[u8], packed: &[u8], has_gyp: bool) -> Vec<String> {
    let [one, other] = [installed, packed].map(|bytes| serde_json::to_vec(&as_npm_reads(object(bytes))).unwrap_or_default());
    let mut keys = obeyed_otherwise(&one, &other, has_gyp);
    if has_a_key_twice(packed) && !has_a_key_twice(installed) {
        keys.push("a key twice".to_owned());
    }
    if keys.is_empty() && !is_plainly_written(installed, packed) {
        keys.push("text beside its values".to_owned());
    }
    keys
}

fn as_npm_reads(manifest: Map<String, Value>) -> Map<String, Value> {
    let is_written = |key: &str, value: &Value| {
        let is_none = value == &Value::Bool(false) || value.as_object().is_some_and(Map::is_empty);
        key.starts_with('_') || WRITTEN.contains(&key) || is_none && (BUNDLES.contains(&key) || key == "directories")
    };
    let mut read: Map<String, Value> = manifest.into_iter().filter(|(key, value)| !is_written(key, value)).collect();
    let name = read.get("name").and_then(Value::as_str).map(|name| name.rsplit('/').next().unwrap_or(name).to_owned());
    if let (Some(Value::String(path)), Some(name)) = (read.get("bin"), name) {
        let bin = Map::from_iter([(name, Value::String(path.clone()))]);
        read.insert("bin".to_owned(), Value::Object(bin));
    }
    if let Some(Value::Object(optional)) = read.get("optionalDependencies").cloned() {
        let own = read.get("dependencies").and_then(Value::as_object).cloned().unwrap_or_default();
        let all: BTreeMap<String, Value> = own.into_iter().chain(optional).collect();
        read.insert("dependencies".to_owned(), Value::Object(all.into_iter().collect()));
    }
    read
}

/// Whether an installation runs what this says: a hook of package.json, a build by node-gyp, or a
/// program that a hook finds by its name.
fn is_run(told: &str) -> bool {
    told.contains("scripts.") || told.contains("/.bin/") || std::path::Path::new(told).extension().is_some_and(|end| end == "gyp")
}

/// The folder of the package that a file in `node_modules` is of, the innermost. What lies in a
/// folder that no package can be named after (`.bin`) is the next package's above: its scripts find
/// programs there. `None` for the lists that clients keep for themselves.
fn folder_of(path: &str) -> Option<&str> {
    let start = path.rfind("/node_modules/").map_or(0, |at| at + 1);
    let at = start + MODULES.len();
    let inside = path.get(at..)?;
    if inside.starts_with('.') && start > 0 {
        return folder_of(path.get(..start - 1)?);
    }
    let mut ends = inside.match_indices('/').map(|(end, _)| end).chain([inside.len()]);
    let end = if inside.starts_with('@') { ends.nth(1) } else { ends.next() };
    path.get(..at + end.unwrap_or(inside.len())).filter(|_| !LISTS.contains(&inside))
}

/// A folder and those of the packages above it, each with where the folder lies in it.
fn levels(folder: &str) -> Vec<(String, String)> {
    let mut all = vec![(folder.to_owned(), String::new())];
    let mut above = folder;
    while let Some((next, _)) = above.rsplit_once("/node_modules/") {
        let inside = folder.get(next.len() + 1..).unwrap_or_default();
        all.push((next.to_owned(), format!("{inside}/")));
        above = next;
    }
    all
}

/// `name@version`.
fn name_and_version(package: &str) -> Option<(&str, &str)> {
    let (at, _) = package.char_indices().skip(1).find(|(_, c)| *c == '@')?;
    Some((package.get(..at)?, package.get(at + 1..)?))
}

fn object(bytes: &[u8]) -> Map<String, Value> {
    read_up_to(bytes, LARGEST_PACKED).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::io;

    use npm_tarball::Limits;

    use super::*;

    fn archive(files: &[(&str, &str)]) -> Archive {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, text) in files {
            let mut header = tar::Header::new_ustar();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, format!("package/{path}"), text.as_bytes()).expect("an entry");
        }
        Archive::read_tar(io::Cursor::new(tar.into_inner().expect("an archive")), &Limits::default()).expect("an archive")
    }

    fn told(packed: &[(&str, &str)], tarball: &[(&str, &str)]) -> Vec<String> {
        let packed = archive(packed);
        let files: Vec<&Entry> = packed.entries().iter().collect();
        differences(&packed, "node_modules/a", &files, &archive(tarball))
    }

    #[test]
    fn a_file_belongs_to_the_innermost_package() {
        assert_eq!(folder_of("node_modules/a/lib/x.js"), Some("node_modules/a"));
        assert_eq!(folder_of("node_modules/@s/a/x.js"), Some("node_modules/@s/a"));
        assert_eq!(folder_of("node_modules/a/node_modules/@s/b/x.js"), Some("node_modules/a/node_modules/@s/b"));
        assert_eq!(folder_of("node_modules/a/node_modules/.bin/x"), Some("node_modules/a"));
        assert_eq!(folder_of("node_modules/a/lib/node_modules/.evil/x.js"), Some("node_modules/a"));
        assert_eq!(folder_of("node_modules/x.js"), Some("node_modules/x.js"));
        assert_eq!((folder_of("node_modules/.bin/x"), folder_of("node_modules/.package-lock.json")), (Some("node_modules/.bin"), None));
        let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        assert_eq!(
            levels("node_modules/a/node_modules/@s/b"),
            [pair("node_modules/a/node_modules/@s/b", ""), pair("node_modules/a", "node_modules/@s/b/")]
        );
    }

    #[test]
    fn a_file_that_is_new_or_other_than_in_the_tarball_is_told_and_line_endings_are_not() {
        let tarball = [("package.json", "{}"), ("a.js", "1\n"), ("cli.js", "#!node\r\n")];
        assert!(told(&[("node_modules/a/a.js", "1\n"), ("node_modules/a/cli.js", "#!node\n")], &tarball).is_empty());
        let other = [("node_modules/a/a.js", "2\n"), ("node_modules/a/b.gyp", "{}")];
        assert_eq!(told(&other, &tarball), ["node_modules/a/a.js", "node_modules/a/b.gyp"]);
        assert!(
            is_run("node_modules/a/b.gyp") && is_run("node_modules/a/package.json (scripts.install)") && !is_run("node_modules/a/a.js")
        );
    }

    #[test]
    fn what_old_clients_write_into_package_json_is_not_told_and_a_hook_is() {
        let source = r#"{"name":"@s/a","version":"1.0.0","bin":"cli.js","dependencies":{"b":"1"},"optionalDependencies":{"c":"1"}}"#;
        let installed = r#"{
  "_from": "@s/a@1",
  "bin": {
    "a": "cli.js"
  },
  "bundleDependencies": false,
  "dependencies": {
    "b": "1",
    "c": "1"
  },
  "deprecated": false,
  "name": "@s/a",
  "optionalDependencies": {
    "c": "1"
  },
  "version": "1.0.0"
}
"#;
        let keys = |packed: &str| keys_otherwise(source.as_bytes(), packed.as_bytes(), false);
        assert!(keys(installed).is_empty(), "{:?}", keys(installed));
        assert_eq!(keys(&installed.replace("\"deprecated\": false", "\"scripts\": {\"install\": \"x\"}")), ["scripts.install"]);
        assert_eq!(keys(&installed.replace("\"cli.js\"", "\"evil.js\"")), ["bin"]);
        assert_eq!(keys(&source.replace("{\"name\"", "{ \t \"name\"")), ["text beside its values"]);
        assert_eq!(keys(&source.replace("\"bin\":", "\"bin\":\"x.js\",\"bin\":")), ["a key twice"]);
    }
}
