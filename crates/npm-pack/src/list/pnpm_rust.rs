//! The list of pnpm in Rust, 12.0 to 12.13: `files` and ignore files as git reads patterns.
//!
//! Measured on packs made by the releases themselves. An entry of `files` begins at the root; one
//! with `!` in front is a line of a .gitignore. Links are listed for all; the eras of releases that
//! left them out do not write them. The last line that names a path decides, and where none does,
//! what was decided about the folder above.

use std::rc::Rc;

use npm_spec::path::join;

use super::ListError;
use super::ignore::{FUEL, MAX_DEPTH, trim};
use super::manifest::{Bins, Files, Manifest, normalize};
use super::view::View;
use crate::glob::{Dialect, Fuel, Options, Pattern, Subject};
use crate::tree::NodeKind;

/// What differs between the releases.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "a table of independent changes, each with its version")]
pub struct PnpmRustRules {
    /// What goes along from the root whatever the rules say: names in upper case.
    pub always: &'static [&'static str],
    /// Whether a name that only begins so goes along too (up to 12.10).
    pub always_begins: bool,
    /// Whether all in a folder that `files` takes out stays out, though an entry names it (12.8 and
    /// later).
    pub prunes: bool,
    /// Whether .npmignore stands for .gitignore in folders below the root too (12.11 and later).
    pub one_ignore_file: bool,
    /// Whether ignore files themselves stay out (12.12 and later).
    pub hides_ignore_files: bool,
}

/// Left out at every level, whatever names them.
#[rustfmt::skip]
const NEVER: [&str; 10] = [
    ".git", ".svn", ".hg", "CVS", ".DS_Store", ".npmrc", "npm-debug.log", "package-lock.json", "pnpm-lock.yaml", "yarn.lock",
];
/// Left out of the root.
const NEVER_IN_ROOT: [&str; 2] = ["node_modules", "archived-packages"];

const OPTIONS: Options = Options { dialect: Dialect::V9, nocase: false, match_base: false, prefixes: false };

/// A line as git reads it.
struct Rule {
    pattern: Pattern,
    /// Whether it has a `!` in front.
    negated: bool,
    only_folders: bool,
    /// How many folders above the path it begins at.
    depth: usize,
}

/// What was decided about a folder.
#[derive(Clone, Copy)]
struct Decided {
    taken: bool,
    pruned: bool,
}

pub(super) fn list(view: &View, rules: &PnpmRustRules) -> Result<Vec<String>, ListError> {
    let manifest = view.read("package.json").as_deref().and_then(Manifest::parse_lenient).unwrap_or_default();
    let mut walk = Walk { view, rules, needed: Vec::new(), files: None, fuel: Fuel::new(FUEL) };
    if let Files::Entries(entries) = manifest.files_array()?
        && !entries.is_empty()
    {
        walk.files = Some(entries.iter().map(|entry| walk.entry(entry)).collect::<Result<_, _>>()?);
    }
    let needed = manifest.text("main").into_iter().chain(manifest.bins(Bins::Normalized));
    walk.needed = needed.filter_map(|path| normalize(&path)).collect();
    let mut found = Vec::new();
    let start = Decided { taken: walk.files.is_none(), pruned: false };
    let mut folders = vec![(String::new(), Vec::new(), 0_usize, start)];
    while let Some((dir, lines, depth, above)) = folders.pop() {
        if depth > MAX_DEPTH {
            return Err(ListError::TooDeep(dir));
        }
        let lines = if walk.files.is_some() { lines } else { walk.with_ignore_files(&dir, depth, lines)? };
        for (name, kind) in view.list(&dir).iter() {
            let path = join(&dir, name);
            let is_folder = match kind {
                NodeKind::Dir => true,
                NodeKind::File { .. } => false,
                NodeKind::Symlink if !view.leads_out(&path) => false,
                NodeKind::Symlink | NodeKind::Submodule => continue,
            };
            if walk.never(&path, name) {
                continue;
            }
            let decided = walk.decide(&path, is_folder, &lines, above);
            if is_folder {
                // What always goes along may stand in a folder that does not.
                folders.push((path, lines.clone(), depth + 1, decided));
            } else if decided.taken || walk.always(&path) {
                found.push(path);
            }
        }
        if walk.fuel.is_empty() {
            return Err(ListError::TooComplex);
        }
    }
    Ok(found)
}

struct Walk<'v> {
    view: &'v View<'v>,
    rules: &'v PnpmRustRules,
    /// `main` and the commands.
    needed: Vec<String>,
    files: Option<Vec<Rule>>,
    fuel: Fuel,
}

impl Walk<'_> {
    fn always(&self, path: &str) -> bool {
        let upper = path.to_ascii_uppercase();
        let named = |name: &&&str| match upper.strip_prefix(**name) {
            Some(rest) => self.rules.always_begins || rest.is_empty() || rest.starts_with('.') && !rest.ends_with(['~', '$']),
            None => false,
        };
        path == "package.json"
            || (!path.contains('/') && self.rules.always.iter().find(named).is_some())
            || self.needed.iter().any(|needed| needed == path)
    }

    fn never(&self, path: &str, name: &str) -> bool {
        NEVER.contains(&name)
            || name.rsplit_once('.').is_some_and(|(_, extension)| extension == "orig")
            || NEVER_IN_ROOT.contains(&path)
            || self.rules.hides_ignore_files && matches!(name, ".gitignore" | ".npmignore")
    }

    fn decide(&self, path: &str, is_folder: bool, lines: &[Rc<Rule>], above: Decided) -> Decided {
        let own = match &self.files {
            Some(entries) => self.last(entries.iter(), path, is_folder).map(|rule| !rule.negated),
            // Git does not look into a folder that it ignores.
            None if !above.taken => None,
            None => self.last(lines.iter().map(|rule| &**rule), path, is_folder).map(|rule| rule.negated),
        };
        let pruned = above.pruned || self.rules.prunes && self.files.is_some() && is_folder && own == Some(false);
        Decided { taken: !above.pruned && own.unwrap_or(above.taken), pruned }
    }

    fn last<'r>(&self, mut rules: impl DoubleEndedIterator<Item = &'r Rule>, path: &str, is_folder: bool) -> Option<&'r Rule> {
        let parts: Vec<&str> = path.split('/').collect();
        rules.rfind(|rule| {
            let own = parts.get(rule.depth..).unwrap_or_default();
            (is_folder || !rule.only_folders)
                && rule.pattern.matches(Subject { parts: own, leading: false, trailing: false }, false, &self.fuel)
        })
    }

    fn entry(&self, entry: &str) -> Result<Rule, ListError> {
        match entry.strip_prefix('!') {
            Some(body) => self.line(body, true, 0),
            None => self.line(&format!("/{}", entry.trim_start_matches("./").trim_start_matches('/')), false, 0),
        }
    }

    fn line(&self, body: &str, negated: bool, depth: usize) -> Result<Rule, ListError> {
        let only_folders = body.ends_with('/');
        let body = body.trim_end_matches('/');
        let text = if body.contains('/') { body.strip_prefix('/').unwrap_or(body).to_owned() } else { format!("**/{body}") };
        // For git a leading `./` is a folder of that name, which there is none of.
        let text = if text.starts_with("./") { format!("\\{text}") } else { text };
        Ok(Rule { pattern: self.fuel.compile(&text, OPTIONS)?, negated, only_folders, depth })
    }

    /// The rules that count in a folder: those from above, and those of its ignore files.
    fn with_ignore_files(&self, dir: &str, depth: usize, mut lines: Vec<Rc<Rule>>) -> Result<Vec<Rc<Rule>>, ListError> {
        let here = self.view.list(dir);
        let both = !dir.is_empty() && !self.rules.one_ignore_file;
        let names = [".npmignore", ".gitignore"].into_iter().filter(|name| here.contains_key(*name));
        let mut names: Vec<&str> = names.take(if both { 2 } else { 1 }).collect();
        names.reverse();
        for name in names {
            for line in self.view.text(&join(dir, name)).unwrap_or_default().split('\n') {
                let line = trim(line);
                if line.is_empty() || line.starts_with('#') {
                    continue;
                }
                let (negated, body) = line.strip_prefix('!').map_or((false, line), |body| (true, body));
                lines.push(Rc::new(self.line(body, negated, depth)?));
            }
        }
        Ok(lines)
    }
}
