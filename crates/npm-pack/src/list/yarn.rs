//! The list of yarn 1: one set of filters for the whole package, the rules that keep first.
//!
//! A file that any keeping rule matches goes along, whatever leaves it out; of the others those
//! that no rule matches, unless a folder above is left out. Folders are entries too, and have a
//! slash behind them here. Bundled dependencies are not followed: they are installed, and no source
//! has them.

use std::collections::BTreeSet;

use npm_spec::path::join;

use super::ListError;
use super::ignore::{FUEL, MAX_DEPTH, trim};
use super::manifest::{Files, Manifest, normalize};
use super::view::View;
use crate::glob::{Dialect, Fuel, Options, Pattern, Subject};
use crate::tree::NodeKind;

/// Folders that are never looked into.
const FOLDERS: [&str; 5] = [".git", "CVS", ".svn", ".hg", "node_modules"];

#[rustfmt::skip]
const DEFAULTS: [&str; 18] = [
    ".git", "CVS", ".svn", ".hg", "node_modules", "yarn.lock", ".lock-wscript", ".wafpickle-{0..9}", "*.swp", "._*", "npm-debug.log",
    "yarn-error.log", ".npmrc", ".yarnrc", ".yarnrc.yml", ".npmignore", ".gitignore", ".DS_Store",
];

const ALWAYS: [&str; 4] = ["/package.json", "/readme*", "/+(license|licence)*", "/+(changes|changelog|history)*"];

const OPTIONS: Options = Options { dialect: Dialect::V3, nocase: true, match_base: false, prefixes: false };

/// A line of an ignore file, or what stands for one.
struct Filter {
    pattern: Pattern,
    keeps: bool,
    /// The folder that it is relative to; empty: the root, and base names are tried too.
    base: String,
    by_name: bool,
}

pub(super) fn list(view: &View) -> Result<Vec<String>, ListError> {
    let manifest = view.read("package.json").as_deref().and_then(Manifest::parse_lenient).unwrap_or_default();
    let fuel = Fuel::new(FUEL);
    let paths = walk(view)?;
    let filters = filters(view, &manifest, &paths, &fuel)?;
    let mut kept = BTreeSet::new();
    let mut possible = Vec::new();
    let mut ignored = BTreeSet::new();
    for (path, _) in &paths {
        let hit = |keeps: bool| filters.iter().any(|filter| filter.keeps == keeps && filter.matches(path, &fuel));
        if hit(true) {
            kept.insert(path.as_str());
        } else if hit(false) {
            ignored.insert(path.as_str());
        } else {
            possible.push(path.as_str());
        }
        if fuel.is_empty() {
            return Err(ListError::TooComplex);
        }
    }
    for path in possible {
        let mut above = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
        if above.any(|folder| ignored.contains(folder)) {
            ignored.insert(path)
        } else {
            kept.insert(path)
        };
    }
    let mut found = Vec::new();
    for (path, kind) in &paths {
        match kind {
            _ if !kept.contains(path.as_str()) => {}
            NodeKind::File { .. } | NodeKind::Symlink => found.push(path.clone()),
            // A folder of which nothing is left is an entry of its own.
            NodeKind::Dir => found.push(format!("{path}/")),
            NodeKind::Submodule => {}
        }
    }
    Ok(found)
}

/// Every path, folders before what they hold.
fn walk(view: &View) -> Result<Vec<(String, NodeKind)>, ListError> {
    let mut found = Vec::new();
    let mut folders = vec![(String::new(), 0_usize)];
    while let Some((dir, depth)) = folders.pop() {
        if depth > MAX_DEPTH {
            return Err(ListError::TooDeep(dir));
        }
        for (name, kind) in view.list(&dir).iter().filter(|(name, _)| !FOLDERS.contains(&name.as_str())) {
            let path = join(&dir, name);
            if *kind == NodeKind::Dir {
                folders.push((path.clone(), depth + 1));
            }
            found.push((path, *kind));
        }
    }
    Ok(found)
}

fn filters(view: &View, manifest: &Manifest, paths: &[(String, NodeKind)], fuel: &Fuel) -> Result<Vec<Filter>, ListError> {
    let mut all = Vec::new();
    let mut add = |line: &str, base: &str, by_name: bool| Filter::read(line, base, by_name, fuel).map(|filter| all.extend(filter));
    for line in ALWAYS {
        add(&format!("!{line}"), "", true)?;
    }
    let files = manifest.files_array()?;
    if matches!(files, Files::Absent) {
        for line in DEFAULTS {
            add(line, "", true)?;
        }
    }
    if let Some(main) = manifest.text("main") {
        add(&format!("!/{main}"), "", true)?;
    }
    if let Files::Entries(entries) = &files {
        add("*", "", false)?;
        for entry in entries {
            add(&format!("!{entry}"), "", false)?;
        }
        for entry in entries {
            let folder = normalize(entry).unwrap_or_else(|| entry.clone());
            add(&format!("!{}", join(&folder, "**")), "", false)?;
        }
    }
    for (path, _) in paths.iter().filter(|(_, kind)| matches!(kind, NodeKind::File { .. })) {
        let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
        let beside = |other: &str| view.list(dir).contains_key(other);
        let counts = match name {
            ".yarnignore" => true,
            ".npmignore" => !beside(".yarnignore"),
            ".gitignore" => !beside(".yarnignore") && !beside(".npmignore"),
            _ => false,
        };
        if counts {
            for line in view.text(path).unwrap_or_default().split('\n') {
                add(line, dir, dir.is_empty())?;
            }
        }
    }
    Ok(all)
}

impl Filter {
    /// A line that says something.
    fn read(line: &str, base: &str, by_name: bool, fuel: &Fuel) -> Result<Option<Self>, ListError> {
        if matches!(line, "" | "!") || line.starts_with('#') || line.chars().all(char::is_whitespace) {
            return Ok(None);
        }
        let (keeps, body) = line.strip_prefix('!').map_or((false, line), |body| (true, body));
        let body = trim(body.strip_suffix('/').unwrap_or(body));
        Ok(Some(Self { pattern: fuel.compile(body, OPTIONS)?, keeps, base: base.to_owned(), by_name }))
    }

    fn matches(&self, path: &str, fuel: &Fuel) -> bool {
        let parts: Vec<&str> = path.split('/').collect();
        let own = if self.base.is_empty() {
            Some(parts.as_slice())
        } else {
            let below = path.strip_prefix(self.base.as_str()).and_then(|rest| rest.strip_prefix('/'));
            below.and_then(|_| parts.get(self.base.split('/').count()..))
        };
        // Above its folder a rule would have to begin with `..`.
        let Some(own) = own else { return false };
        let hit = |parts: &[&str], leading: bool| self.pattern.matches(Subject { parts, leading, trailing: false }, false, fuel);
        hit(own, false) || hit(own, true) || (self.by_name && own.last().is_some_and(|name| hit(&[*name], false)))
    }
}
