//! The list of bun: package.json, readme, licence and commands always; then `files`, or what no
//! ignore file leaves out.
//!
//! Unlike npm it minds case, does not take `main` along, and anchors every entry of `files` at the
//! root. With `files` the root's ignore files do not count; those below do.

use std::rc::Rc;

use npm_spec::path::join;

use super::ListError;
use super::ignore::{FUEL, MAX_DEPTH, trim};
use super::manifest::{Bins, Files, Manifest, normalize};
use super::view::View;
use crate::glob::{Dialect, Fuel, Options, Pattern, Subject};
use crate::tree::NodeKind;

/// Left out at every level.
#[rustfmt::skip]
const NEVER: [&str; 14] = [
    ".*.swp", "._*", ".DS_Store", ".git", ".gitignore", ".hg", ".npmignore", ".npmrc", ".lock-wscript", ".svn", ".wafpickle-*", "CVS",
    "npm-debug.log", ".env.production",
];
/// Left out of the root.
const NEVER_IN_ROOT: [&str; 6] = ["package-lock.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb", "node_modules"];

const OPTIONS: Options = Options { dialect: Dialect::V9, nocase: false, match_base: false, prefixes: false };

/// A rule of an ignore file.
struct Rule {
    pattern: Pattern,
    /// Whether it names what an earlier rule took out.
    keeps: bool,
    only_folders: bool,
    /// How many folders above the path it begins at.
    depth: usize,
}

pub(super) fn list(view: &View) -> Result<Vec<String>, ListError> {
    let manifest = view.read("package.json").as_deref().and_then(Manifest::parse_lenient).unwrap_or_default();
    let fuel = Fuel::new(FUEL);
    let mut never = Vec::new();
    for line in NEVER {
        never.push(fuel.compile(line, OPTIONS)?);
    }
    let files = match manifest.files_array()? {
        Files::Absent => None,
        Files::Entries(entries) => Some(Wanted::of(&entries, &fuel)?),
    };
    let bins = manifest.bins(Bins::Normalized).iter().filter_map(|path| normalize(path)).collect();
    let walk = Walk { view, never, bins, bin_folder: manifest.bin_folder(), fuel };
    let mut found = Vec::new();
    let mut folders = vec![(String::new(), Vec::new(), 0_usize, files.is_none())];
    while let Some((dir, rules, depth, named)) = folders.pop() {
        if depth > MAX_DEPTH {
            return Err(ListError::TooDeep(dir));
        }
        let rules = if files.is_some() && dir.is_empty() { rules } else { walk.with_ignore_file(&dir, depth, rules)? };
        for (name, kind) in view.list(&dir).iter() {
            let path = join(&dir, name);
            let is_folder = match kind {
                NodeKind::Dir => true,
                NodeKind::File { .. } => false,
                NodeKind::Symlink | NodeKind::Submodule => continue,
            };
            if !is_folder && walk.always(&path) {
                found.push(path);
                continue;
            }
            if walk.never(&path, name) {
                continue;
            }
            let taken = named || files.as_ref().is_some_and(|files| files.takes(&path, &walk.fuel));
            let left_out = files.as_ref().is_some_and(|files| files.leaves_out(&path, &walk.fuel));
            let open = !left_out && !walk.ignored(&path, is_folder, &rules);
            if is_folder {
                // What always goes along may stand in a folder that does not.
                folders.push((path, rules.clone(), depth + 1, taken && open));
            } else if taken && open {
                found.push(path);
            }
        }
        if walk.fuel.is_empty() {
            return Err(ListError::TooComplex);
        }
    }
    Ok(found)
}

/// The entries of `files`.
struct Wanted {
    takes: Vec<Pattern>,
    leaves_out: Vec<Pattern>,
}

impl Wanted {
    fn of(entries: &[String], fuel: &Fuel) -> Result<Self, ListError> {
        let mut wanted = Self { takes: Vec::new(), leaves_out: Vec::new() };
        for entry in entries {
            let (negated, body) = entry.strip_prefix('!').map_or((false, entry.as_str()), |body| (true, body));
            let body = body.trim_start_matches("./").trim_start_matches('/').trim_end_matches('/');
            let pattern = fuel.compile(body, OPTIONS)?;
            if negated { wanted.leaves_out.push(pattern) } else { wanted.takes.push(pattern) }
        }
        Ok(wanted)
    }

    fn takes(&self, path: &str, fuel: &Fuel) -> bool {
        matches(&self.takes, path, fuel)
    }

    fn leaves_out(&self, path: &str, fuel: &Fuel) -> bool {
        matches(&self.leaves_out, path, fuel)
    }
}

fn matches(patterns: &[Pattern], path: &str, fuel: &Fuel) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    let subject = Subject { parts: &parts, leading: false, trailing: false };
    patterns.iter().any(|pattern| pattern.matches(subject, false, fuel))
}

struct Walk<'v> {
    view: &'v View<'v>,
    never: Vec<Pattern>,
    bins: Vec<String>,
    bin_folder: Option<String>,
    fuel: Fuel,
}

impl Walk<'_> {
    fn always(&self, path: &str) -> bool {
        let stem = path.split('.').next().unwrap_or(path);
        let in_bins = self.bin_folder.as_deref().and_then(|folder| path.strip_prefix(folder.trim_end_matches('/')));
        path == "package.json"
            || (!path.contains('/') && matches!(stem, "LICENSE" | "LICENCE" | "README"))
            || self.bins.iter().any(|bin| bin == path)
            || in_bins.is_some_and(|rest| rest.starts_with('/'))
    }

    fn never(&self, path: &str, name: &str) -> bool {
        matches(&self.never, name, &self.fuel) || NEVER_IN_ROOT.contains(&path)
    }

    fn ignored(&self, path: &str, is_folder: bool, rules: &[Rc<Rule>]) -> bool {
        let parts: Vec<&str> = path.split('/').collect();
        let hit = rules.iter().rev().find(|rule| {
            let own = parts.get(rule.depth..).unwrap_or_default();
            (is_folder || !rule.only_folders)
                && rule.pattern.matches(Subject { parts: own, leading: false, trailing: false }, false, &self.fuel)
        });
        hit.is_some_and(|rule| !rule.keeps)
    }

    /// The rules that count in a folder: those from above, and those of its .npmignore or else
    /// .gitignore.
    fn with_ignore_file(&self, dir: &str, depth: usize, mut rules: Vec<Rc<Rule>>) -> Result<Vec<Rc<Rule>>, ListError> {
        let here = self.view.list(dir);
        let Some(name) = [".npmignore", ".gitignore"].into_iter().find(|name| here.contains_key(*name)) else { return Ok(rules) };
        for line in self.view.text(&join(dir, name)).unwrap_or_default().split('\n') {
            let line = trim(line);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (keeps, body) = line.strip_prefix('!').map_or((false, line), |body| (true, body));
            let only_folders = body.ends_with('/');
            let body = body.trim_end_matches('/');
            let anchored = body.contains('/');
            let text = if anchored { body.trim_start_matches('/').to_owned() } else { format!("**/{body}") };
            rules.push(Rc::new(Rule { pattern: self.fuel.compile(&text, OPTIONS)?, keeps, only_folders, depth }));
        }
        Ok(rules)
    }
}
