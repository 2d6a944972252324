//! Lockfiles: which manager wrote them, and which versions of it write that form.

use serde::Deserialize;

use npm_spec::tool::Kind;

use super::files::{Around, Folder};

/// How far into a lockfile its head goes.
const HEAD: usize = 4096;

/// A lockfile that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lockfile {
    /// Its path from the root.
    pub(super) path: String,
    /// Who writes such files.
    pub(super) kind: Kind,
    /// Which versions write this form.
    pub(super) range: &'static str,
    /// The form, for people.
    pub(super) form: String,
}

/// Names in the order in which they count where a folder has several.
const NAMES: &[&str] =
    &["pnpm-lock.yaml", "shrinkwrap.yaml", "yarn.lock", "bun.lock", "bun.lockb", "npm-shrinkwrap.json", "package-lock.json"];

/// The lockfiles that hold for the package: those of the workspace that it may be in, else of the
/// nearest folder that has one.
pub(super) fn find(around: &Around<'_>) -> Vec<Lockfile> {
    let of_workspace = around.folders.iter().skip(1).filter(|folder| is_workspace(folder, around));
    let mut folders: Vec<&Folder> = of_workspace.collect();
    folders.extend(&around.folders);
    let found = folders.into_iter().map(|folder| in_folder(folder, around)).find(|found| !found.is_empty());
    found.unwrap_or_default()
}

fn is_workspace(folder: &Folder, around: &Around<'_>) -> bool {
    let declared = folder.manifest.as_ref().is_some_and(|manifest| manifest.get("workspaces").is_some());
    // lerna has its packages' own lockfiles followed after the root's installation, where its
    // program comes from.
    declared || ["pnpm-workspace.yaml", "rush.json", "lerna.json"].iter().any(|name| around.text(&folder.join(name)).is_some())
}

fn in_folder(folder: &Folder, around: &Around<'_>) -> Vec<Lockfile> {
    let mut all: Vec<Lockfile> = Vec::new();
    for name in NAMES {
        let path = folder.join(name);
        let Some((kind, range, form)) = around.lockfile(&path).and_then(|bytes| read(name, &bytes)) else { continue };
        // npm itself goes by npm-shrinkwrap.json where both are there.
        if all.iter().all(|known| known.kind != kind) {
            all.push(Lockfile { path, kind, range, form });
        }
    }
    all
}

fn read(name: &str, bytes: &[u8]) -> Option<(Kind, &'static str, String)> {
    let head = String::from_utf8_lossy(bytes.get(..HEAD).unwrap_or(bytes));
    let numbered = |key: &str| {
        let line = head.lines().find_map(|line| line.trim_start().strip_prefix(key))?;
        Some(line.trim_matches([' ', ':', '\'', '"', ',', '\r']).to_owned())
    };
    match name {
        "pnpm-lock.yaml" => {
            let form = numbered("lockfileVersion")?;
            Some((Kind::Pnpm, pnpm_range(&form), format!("lockfileVersion {}", super::spelling::quoted(&form))))
        }
        "shrinkwrap.yaml" => Some((Kind::Pnpm, "1 || 2", "shrinkwrap.yaml".into())),
        "yarn.lock" if head.contains("__metadata:") => {
            let form = numbered("version").unwrap_or_default();
            Some((Kind::Berry, berry_range(&form), format!("version {}", super::spelling::quoted(&form))))
        }
        "yarn.lock" => Some((Kind::Yarn, "^1", "of yarn 1".into())),
        "bun.lock" => Some((Kind::Bun, ">=1.1.39", "of bun".into())),
        "bun.lockb" => Some((Kind::Bun, "*", "of bun".into())),
        _ => {
            let form = npm_form(bytes)?;
            let range = match form {
                0 | 1 => "5 || 6",
                2 => "7 || 8",
                _ => ">=7",
            };
            Some((Kind::Npm, range, format!("lockfileVersion {form}")))
        }
    }
}

/// pnpm's own table: 5.1 came with 3.5, 5.2 with 5.10, 5.3 with 6, 5.4 with 7, 6.0 with 8 and 9.0
/// with 9.
fn pnpm_range(form: &str) -> &'static str {
    let minor = form.split_once('.').map_or("0", |(_, minor)| minor);
    match (form.split('.').next().unwrap_or_default(), minor) {
        ("5", "0") => "3",
        ("5", "1") => "3.5 - 5.9",
        ("5", "2") => "^5.10",
        ("5", "3") => "^6",
        ("5", _) => "^7",
        ("6", _) => "^8",
        ("9", _) => ">=9",
        ("3" | "4", _) => "1 || 2 || 3",
        _ => "*",
    }
}

/// `__metadata.version`: 4 with yarn 2 and 3.0, 5 with 3.1, 6 with 3.2, 7 and 8 with 4.
fn berry_range(form: &str) -> &'static str {
    match form {
        "4" => "2 || ~3.0",
        "5" => "~3.1",
        "6" => "^3.2",
        _ => ">=4",
    }
}

/// npm's `lockfileVersion`; 1 where it says none, as npm 5 and before did.
fn npm_form(bytes: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Brief {
        #[serde(default)]
        lockfile_version: Option<u64>,
    }
    let brief: Brief = serde_json::from_slice(bytes).ok()?;
    Some(brief.lockfile_version.unwrap_or(1))
}
