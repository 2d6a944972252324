//! The list of vlt: one filter for every path, no ignore file. A folder that the filter leaves out
//! is not looked into.
//!
//! `files` is matched as it stands: `dist` takes the folder and nothing in it, `dist/` takes all of
//! it.

use npm_spec::path::join;

use super::ListError;
use super::ignore::{FUEL, MAX_DEPTH};
use super::manifest::{Files, Manifest};
use super::view::View;
use crate::glob::{Dialect, Fuel, Options, Pattern, Subject};
use crate::tree::NodeKind;

/// Left out of the root, with all that is below.
const NEVER: [&str; 4] = [".git", "node_modules", ".nyc_output", "coverage"];
/// Files that are left out of the root.
#[rustfmt::skip]
const NEVER_FILES: [&str; 8] = [
    ".DS_Store", ".npmrc", "package-lock.json", "yarn.lock", "pnpm-lock.yaml", "bun.lockb", "bun.lock", "vlt-lock.json",
];
/// Endings that are left out everywhere.
const NEVER_ENDINGS: [&str; 3] = ["~", ".swp", ".tgz"];
/// Taken from the root whatever `files` says, with any ending or none.
const ALWAYS: [&str; 5] = ["readme", "changelog", "history", "license", "licence"];
/// Left out of the root where there is no `files`: folders, and files.
const WITHOUT_FILES: ([&str; 2], [&str; 3]) = ([".vscode", ".idea"], [".gitignore", ".npmignore", ".editorconfig"]);

const OPTIONS: Options = Options { dialect: Dialect::V9, nocase: false, match_base: false, prefixes: true };

pub(super) fn list(view: &View) -> Result<Vec<String>, ListError> {
    let manifest = view.read("package.json").as_deref().and_then(Manifest::parse_lenient).unwrap_or_default();
    let fuel = Fuel::new(FUEL);
    let wanted = match manifest.files_array()? {
        Files::Absent => None,
        Files::Entries(entries) => Some(entries.iter().map(|entry| Wanted::of(entry, &fuel)).collect::<Result<Vec<_>, _>>()?),
    };
    let mut found = Vec::new();
    let mut folders = vec![(String::new(), 0_usize)];
    while let Some((dir, depth)) = folders.pop() {
        if depth > MAX_DEPTH {
            return Err(ListError::TooDeep(dir));
        }
        for (name, kind) in view.list(&dir).iter() {
            let path = join(&dir, name);
            if !takes(&path, wanted.as_deref(), &fuel) {
                continue;
            }
            match kind {
                NodeKind::Dir => {
                    found.push(format!("{path}/"));
                    folders.push((path, depth + 1));
                }
                NodeKind::File { .. } | NodeKind::Symlink => found.push(path),
                NodeKind::Submodule => {}
            }
        }
        if fuel.is_empty() {
            return Err(ListError::TooComplex);
        }
    }
    Ok(found)
}

fn takes(path: &str, wanted: Option<&[Wanted]>, fuel: &Fuel) -> bool {
    let never = NEVER.iter().any(|word| begins(path, word, true))
        || NEVER_FILES.iter().any(|word| begins(path, word, false))
        || NEVER_ENDINGS.iter().any(|end| path.ends_with(end));
    if never {
        return false;
    }
    if path == "package.json" || ALWAYS.iter().any(|word| is_document(path, word)) {
        return true;
    }
    if let Some(wanted) = wanted {
        return wanted.iter().any(|entry| entry.takes(path, fuel));
    }
    let (folders, files) = WITHOUT_FILES;
    !folders.iter().any(|word| begins(path, word, true)) && !files.iter().any(|word| begins(path, word, false))
}

/// Whether a path is this word, or with `below` something below it. vlt allows a `.` before the
/// word.
fn begins(path: &str, word: &str, below: bool) -> bool {
    let rest = |path: &str| path.strip_prefix(word).is_some_and(|rest| rest.is_empty() || below && rest.starts_with('/'));
    rest(path) || path.strip_prefix('.').is_some_and(rest)
}

/// `README`, `readme.md`; all behind the first dot is the ending, a folder among it.
fn is_document(path: &str, word: &str) -> bool {
    let Some(start) = path.get(..word.len()) else { return false };
    start.eq_ignore_ascii_case(word) && path.get(word.len()..).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// An entry of `files`.
struct Wanted {
    /// As it stands.
    entry: String,
    /// The folder, where the entry ends with a slash.
    folder: Option<String>,
    pattern: Pattern,
}

impl Wanted {
    fn of(entry: &str, fuel: &Fuel) -> Result<Self, ListError> {
        let folder = entry.strip_suffix('/').map(str::to_owned);
        let pattern = folder.as_ref().map_or_else(|| entry.to_owned(), |folder| format!("{folder}/**"));
        Ok(Self { entry: entry.to_owned(), folder, pattern: fuel.compile(&pattern, OPTIONS)? })
    }

    fn takes(&self, path: &str, fuel: &Fuel) -> bool {
        let parts: Vec<&str> = path.split('/').collect();
        let subject = Subject { parts: &parts, leading: false, trailing: false };
        if self.pattern.matches(subject, false, fuel) != self.pattern.negate {
            return true;
        }
        match &self.folder {
            Some(folder) => path == folder,
            // The folders on the way to what an entry names, letter by letter.
            None => self.entry.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')),
        }
    }
}
