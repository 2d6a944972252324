//! What a setting is now, so that a decision about it holds for that alone.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path};

use sha2::{Digest, Sha256};

use super::Setting;
use super::read::{self, Pairs, Tree};

/// Largest file that is hashed, in bytes; a release of yarn has some three million.
const MAX_FILE: u64 = 64 << 20;

/// Longest value that is shown, in bytes.
const MAX_SHOWN: usize = 200;

/// The value of a setting with the hash of the file that it names, or the hash of the file that
/// counts as a whole.
pub(super) fn of(folder: &Path, setting: &Setting) -> Option<String> {
    let path = folder.join(&setting.file);
    let Some(key) = &setting.key else { return hashed(&path) };
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
    let value = value_of(&pairs, key)?;
    let shown = match value {
        Tree::Text(text) if text.len() <= MAX_SHOWN => verdict::without_secrets(text),
        other => hex(&Sha256::digest(format!("{other:?}"))),
    };
    let named =
        if let Tree::Text(text) = value { path.parent().filter(|_| is_inside(text)).and_then(|of| hashed(&of.join(text))) } else { None };
    Some(named.map_or_else(|| shown.clone(), |hash| format!("{shown} {hash}")))
}

/// The value of a key, or of `a.b` in the table of `a`.
fn value_of<'p>(pairs: &'p Pairs, key: &str) -> Option<&'p Tree> {
    let own = |wanted: &str| pairs.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
    own(key).or_else(|| {
        let (above, below) = key.split_once('.')?;
        let Tree::Map(of) = own(above)? else { return None };
        value_of(of, below)
    })
}

/// Whether a text can be the path of a file in the project.
fn is_inside(text: &str) -> bool {
    text.len() <= MAX_SHOWN
        && !text.is_empty()
        && Path::new(text).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

fn hex(digest: &[u8]) -> String {
    digest.iter().fold("sha256:".to_owned(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// The hash of a file, as `sha256:` and hex.
fn hashed(path: &Path) -> Option<String> {
    let about = path.symlink_metadata().ok()?;
    if !about.is_file() || about.len() > MAX_FILE {
        return None;
    }
    let (mut file, mut hasher, mut buffer) = (File::open(path).ok()?.take(MAX_FILE), Sha256::new(), vec![0; 1 << 16]);
    loop {
        let count = file.read(&mut buffer).ok()?;
        let Some(piece) = buffer.get(..count).filter(|piece| !piece.is_empty()) else { break };
        hasher.update(piece);
    }
    Some(hex(&hasher.finalize()))
}
