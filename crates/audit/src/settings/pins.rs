//! What a setting is now, so that a decision about it holds for that alone.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};

use super::read::{self, Pairs, Tree};
use super::{Setting, named};

/// Largest file that is hashed, in bytes; a release of yarn has some three million.
const MAX_FILE: u64 = 64 << 20;

/// Longest value that is shown, in bytes.
const MAX_SHOWN: usize = 200;

/// Largest count of bytes that is hashed for all settings of a project.
const MAX_ALL: u64 = 512 << 20;

/// Most files of a folder that are hashed, and most folders below each other.
const MAX_FILES: usize = 20_000;
const MAX_DEPTH: usize = 32;

/// Most ends that a path may have in a lockfile's words.
const MAX_ENDS: usize = 64;

/// Hashes files, as many as it has bytes for.
pub(super) struct Pins {
    left: u64,
}

impl Default for Pins {
    fn default() -> Self {
        Self { left: MAX_ALL }
    }
}

impl Pins {
    /// The value of a setting with the hash of the files that it names, or the hash of the file
    /// that counts as a whole. `None` where nobody knows which files they are.
    pub(super) fn of(&mut self, folder: &Path, setting: &Setting) -> Option<String> {
        let path = folder.join(&setting.file);
        let Some(key) = &setting.key else { return self.hashed(&path) };
        let text = read::text(&path).ok()??;
        let end = path.extension().and_then(|end| end.to_str()).unwrap_or_default();
        let pairs = match (path.file_name()?.to_str()?, end) {
            (".npmrc", _) => read::npmrc(&text),
            (".yarnrc", _) => read::yarnrc(&text),
            (name, _) if name.starts_with(".env") => read::env(&text),
            (_, "toml") => read::toml(&text),
            (_, "json" | "jsonc") => read::json(&text),
            _ => read::yaml(&text),
        };
        let pairs = pairs.ok()?;
        // A key that is there twice is a list, or one of the two counts.
        let values: Vec<&Tree> = values_of(&pairs, key);
        let shown = match values.as_slice() {
            [] => return None,
            [Tree::Text(text)] if text.len() <= MAX_SHOWN => verdict::without_secrets(text),
            [one] => hex(&Sha256::digest(format!("{one:?}"))),
            all => hex(&Sha256::digest(format!("{all:?}"))),
        };
        let mut files = BTreeSet::new();
        for value in values {
            files.extend(named::files((key, value), &[path.parent()?, folder])?);
        }
        self.with_hash(shown, &files)
    }

    /// What the lockfile leads an entry to, with the hash of the files of the project that it
    /// names: of a patch yarn makes the hash in the lockfile anew.
    pub(super) fn of_entry(&mut self, folder: &Path, leads_to: &str) -> Option<String> {
        let asks = asking(folder, leads_to);
        let own = leads_to.split_once("locator=").map_or(leads_to, |(own, _)| own);
        let files = named::files(("", &Tree::Text(own.to_owned())), &[&asks, folder])?;
        self.with_hash(leads_to.to_owned(), &files)
    }

    /// The same of a tarball or a folder of the project (`file:vendor/x.tgz`). `None` where nothing
    /// is there, or where it lies elsewhere.
    pub(super) fn of_path(&mut self, folder: &Path, leads_to: String) -> Option<String> {
        let found = lying(folder, &leads_to)?;
        self.with_hash(leads_to, &found)
    }

    fn with_hash(&mut self, shown: String, files: &BTreeSet<PathBuf>) -> Option<String> {
        let mut hashes = files.iter().map(|file| self.hashed(file)).collect::<Option<Vec<_>>>()?;
        let all = match hashes.len() {
            0 => return Some(shown),
            1 => hashes.pop()?,
            _ => hex(&Sha256::digest(hashes.join("\n"))),
        };
        Some(format!("{shown} {all}"))
    }

    /// The hash of a file, or of all files of a folder with their names, as `sha256:` and hex.
    fn hashed(&mut self, path: &Path) -> Option<String> {
        let about = path.symlink_metadata().ok()?;
        if about.is_dir() {
            let mut all = Vec::new();
            self.listed(path, "", &mut all)?;
            return Some(hex(&Sha256::digest(all.join("\n"))));
        }
        if !about.is_file() || about.len() > MAX_FILE.min(self.left) {
            return None;
        }
        self.left -= about.len();
        let (mut file, mut hasher, mut buffer) = (store::at_hand::open(path).ok()?.take(MAX_FILE), Sha256::new(), vec![0; 1 << 16]);
        loop {
            let count = file.read(&mut buffer).ok()?;
            let Some(piece) = buffer.get(..count).filter(|piece| !piece.is_empty()) else { break };
            hasher.update(piece);
        }
        Some(hex(&hasher.finalize()))
    }

    /// The files of a folder and of those below it, each with its hash. `None` where something else
    /// is among them, a link above all, or too much.
    fn listed(&mut self, folder: &Path, name: &str, all: &mut Vec<String>) -> Option<()> {
        if name.matches('/').count() > MAX_DEPTH {
            return None;
        }
        let mut names: Vec<String> = Vec::new();
        for entry in std::fs::read_dir(folder).ok()? {
            names.push(entry.ok()?.file_name().into_string().ok().filter(|_| all.len() + names.len() < MAX_FILES)?);
        }
        names.sort();
        for own in names {
            let (path, name) = (folder.join(&own), format!("{name}/{own}"));
            if path.symlink_metadata().ok()?.is_dir() {
                self.listed(&path, &name, all)?;
            } else {
                let hash = self.hashed(&path)?;
                all.push(format!("{name:?} {hash}"));
            }
        }
        Some(())
    }
}

/// Whether an entry leads to something in the project.
pub(super) fn is_inside(folder: &Path, leads_to: &str) -> bool {
    lying(folder, leads_to).is_some()
}

/// What of the project lies where an entry leads.
fn lying(folder: &Path, leads_to: &str) -> Option<BTreeSet<PathBuf>> {
    let places = [asking(folder, leads_to), folder.to_owned()];
    let is_relative = |path: &String| Path::new(path).components().all(|part| !matches!(part, Component::RootDir | Component::Prefix(_)));
    let paths: Vec<String> = paths_in(leads_to).into_iter().filter(is_relative).collect();
    let there = |place: &PathBuf| paths.iter().filter_map(|path| named::inside(folder, &place.join(path))).collect();
    places.iter().map(there).find(|found: &BTreeSet<PathBuf>| !found.is_empty())
}

/// The paths that a lockfile's words for an entry on disk can have in front: behind these may stand
/// a version or a hash, and a blank may be a part of the path.
fn paths_in(leads_to: &str) -> Vec<String> {
    let own = leads_to.split_once("::").map_or(leads_to, |(own, _)| own);
    let behind = |start: &str| own.to_ascii_lowercase().find(start).and_then(|at| own.get(at + start.len()..));
    let named = || ["@./", "@../"].iter().find_map(|start| own.find(start)).and_then(|at| own.get(at + 1..));
    let path = ["file:", "link:", "portal:"].into_iter().find_map(behind).or_else(named).unwrap_or(own);
    let ends = path.match_indices([' ', '#', ':']).map(|(at, _)| at).take(MAX_ENDS).chain([path.len()]);
    let words = ends.filter_map(|end| path.get(..end)).filter(|path| !path.is_empty());
    words.flat_map(|path| [path.to_owned(), path.replace("%20", " ").replace("%23", "#")]).collect()
}

/// The folder of the workspace that asks for an entry of yarn 2 and later, which names it.
fn asking(folder: &Path, leads_to: &str) -> PathBuf {
    let escaped = leads_to.split_once("locator=").and_then(|(_, locator)| locator.rsplit_once("workspace%3A"));
    let by = escaped.map(|(_, by)| by.split('&').next().unwrap_or(by).replace("%2F", "/")).filter(|by| by != ".");
    let by = by.filter(|by| Path::new(by).components().all(|part| matches!(part, Component::Normal(_))));
    by.map_or_else(|| folder.to_owned(), |by| folder.join(by))
}

/// The values of a key, or of `a.b` in the table of `a`.
fn values_of<'p>(pairs: &'p Pairs, key: &str) -> Vec<&'p Tree> {
    let own = |wanted: &str| pairs.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value).collect::<Vec<_>>();
    let found = own(key);
    let Some((above, below)) = key.split_once('.').filter(|_| found.is_empty()) else { return found };
    match own(above).first() {
        Some(Tree::Map(of)) => values_of(of, below),
        _ => Vec::new(),
    }
}

fn hex(digest: &[u8]) -> String {
    digest.iter().fold("sha256:".to_owned(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}
