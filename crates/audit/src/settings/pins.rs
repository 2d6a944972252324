//! What a setting is now, so that a decision about it holds for that alone.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::File;
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
            files.extend(named::files(value, &[path.parent()?, folder])?);
        }
        self.with_hash(shown, &files)
    }

    /// What the lockfile leads an entry to, with the hash of the files of the project that it
    /// names: of a patch yarn makes the hash in the lockfile anew.
    pub(super) fn of_entry(&mut self, folder: &Path, leads_to: &str) -> Option<String> {
        let asks = asking(folder, leads_to);
        let own = leads_to.split_once("locator=").map_or(leads_to, |(own, _)| own);
        let files = named::files(&Tree::Text(own.to_owned()), &[&asks, folder])?;
        self.with_hash(leads_to.to_owned(), &files)
    }

    /// The same of a tarball of the project (`file:vendor/x.tgz`); what names none is as it is. The
    /// one that is there counts, and none is no hash.
    pub(super) fn of_tarball(&mut self, folder: &Path, leads_to: String) -> String {
        const ENDS: [&str; 3] = [".tgz", ".tar.gz", ".tar"];
        let path = leads_to.split_once("file:").map(|(_, path)| path.split(['#', ':', ' ']).next().unwrap_or(path));
        let Some(path) = path.filter(|path| ENDS.iter().any(|end| path.ends_with(end))) else { return leads_to };
        let is_relative = Path::new(path).components().all(|part| !matches!(part, Component::RootDir | Component::Prefix(_)));
        let places = [asking(folder, &leads_to).join(path), folder.join(path)];
        let hash = places.iter().filter(|_| is_relative).find_map(|place| self.hashed(place));
        hash.map_or_else(|| leads_to.clone(), |hash| format!("{leads_to} {hash}"))
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

    /// The hash of a file, as `sha256:` and hex.
    fn hashed(&mut self, path: &Path) -> Option<String> {
        let about = path.symlink_metadata().ok()?;
        if !about.is_file() || about.len() > MAX_FILE.min(self.left) {
            return None;
        }
        self.left -= about.len();
        let (mut file, mut hasher, mut buffer) = (File::open(path).ok()?.take(MAX_FILE), Sha256::new(), vec![0; 1 << 16]);
        loop {
            let count = file.read(&mut buffer).ok()?;
            let Some(piece) = buffer.get(..count).filter(|piece| !piece.is_empty()) else { break };
            hasher.update(piece);
        }
        Some(hex(&hasher.finalize()))
    }
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
