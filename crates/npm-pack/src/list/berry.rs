//! The list of yarn 2 and later: what always goes along, what never does, `files`, then ignore
//! files, the innermost first.
//!
//! Each of these is a list of patterns of which negated ones decide first. A pattern with a slash
//! is resolved from its folder, one without matches names at any depth.

use std::rc::Rc;

use npm_spec::path::join;

use super::ListError;
use super::ignore::{FUEL, MAX_DEPTH, trim};
use super::manifest::{Files, Manifest};
use super::view::View;
use crate::glob::{Dialect, Fuel, Options, Pattern, Subject};
use crate::tree::NodeKind;

#[rustfmt::skip]
const ACCEPTED: [&str; 9] = [
    "/package.json", "/readme", "/readme.*", "/license", "/license.*", "/licence", "/licence.*", "/changelog", "/changelog.*",
];
/// The last nine are the client's own files, which stand in the project's root only.
#[rustfmt::skip]
const REJECTED: [&str; 19] = [
    "/package.tgz", ".github", ".git", ".hg", "node_modules", ".npmignore", ".gitignore", ".#*", ".DS_Store", ".yarnrc.yml",
    "/yarn.lock", "/.yarn/cache", "/.yarn/install-state.gz", "/.yarn/__virtual__", "/.yarn/releases", "/.yarn/unplugged", "/.pnp.cjs",
    "/.pnp.js", "/.pnp.loader.mjs",
];

/// Patterns that take in and patterns that leave out.
#[derive(Default)]
struct Rules {
    accept: Patterns,
    reject: Patterns,
}

/// Patterns, negated ones apart.
#[derive(Default)]
struct Patterns {
    plain: Vec<Pattern>,
    negated: Vec<Pattern>,
}

pub(super) fn list(view: &View) -> Result<Vec<String>, ListError> {
    let manifest = view.read("package.json").as_deref().and_then(Manifest::parse_lenient).unwrap_or_default();
    let fuel = Fuel::new(FUEL);
    let mut global = Rules::default();
    for line in ACCEPTED {
        global.accept.add(line, "", &fuel)?;
    }
    for line in REJECTED {
        global.reject.add(line, "", &fuel)?;
    }
    let mut own = Rules::default();
    for path in manifest.entry_points() {
        own.accept.add(&format!("/{}", path.trim_start_matches("./")), "", &fuel)?;
    }
    let files = manifest.files_array()?;
    if let Files::Entries(entries) = &files {
        own.reject.add("/*", "", &fuel)?;
        for entry in entries {
            own.accept.add(entry, "", &fuel)?;
        }
    }
    let everything = Rc::new(Rules { accept: Patterns::default(), reject: Patterns::of(&["**/*"], &fuel)? });
    let walk = Walk { view, global, everything, explicit: matches!(files, Files::Entries(_)), fuel };
    let mut found = Vec::new();
    let mut folders = vec![(String::new(), vec![Rc::new(own)], 0_usize)];
    while let Some((dir, lists, depth)) = folders.pop() {
        if depth > MAX_DEPTH {
            return Err(ListError::TooDeep(dir));
        }
        let inner = walk.inner(&dir, lists)?;
        for (name, kind) in view.list(&dir).iter() {
            let path = join(&dir, name);
            match kind {
                NodeKind::Dir if !walk.ignores(&path, &[]) => folders.push((path, inner.clone(), depth + 1)),
                NodeKind::File { .. } | NodeKind::Symlink if !walk.ignores(&path, &inner) => found.push(path),
                _ => {}
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
    global: Rules,
    everything: Rc<Rules>,
    /// Whether package.json has `files`.
    explicit: bool,
    fuel: Fuel,
}

impl Walk<'_> {
    /// The lists that count inside a folder, given those that count for it.
    fn inner(&self, dir: &str, mut lists: Vec<Rc<Rules>>) -> Result<Vec<Rc<Rules>>, ListError> {
        if !dir.is_empty() && self.ignores(dir, &lists) {
            lists.push(Rc::clone(&self.everything));
            return Ok(lists);
        }
        if self.explicit && dir.is_empty() {
            return Ok(lists);
        }
        let here = self.view.list(dir);
        let Some(name) = [".npmignore", ".gitignore"].into_iter().find(|name| here.contains_key(*name)) else { return Ok(lists) };
        let mut rules = Rules::default();
        for line in self.view.text(&join(dir, name)).unwrap_or_default().split('\n') {
            rules.reject.add(line, dir, &self.fuel)?;
        }
        lists.insert(0, Rc::new(rules));
        Ok(lists)
    }

    fn ignores(&self, path: &str, lists: &[Rc<Rules>]) -> bool {
        let parts: Vec<&str> = path.split('/').collect();
        let global = std::iter::once(&self.global);
        global.chain(lists.iter().map(Rc::as_ref)).find_map(|rules| rules.ignores(&parts, &self.fuel)).unwrap_or(false)
    }
}

impl Rules {
    fn ignores(&self, parts: &[&str], fuel: &Fuel) -> Option<bool> {
        self.accept.hit(parts, fuel).map(|plain| !plain).or_else(|| self.reject.hit(parts, fuel))
    }
}

impl Patterns {
    fn of(lines: &[&str], fuel: &Fuel) -> Result<Self, ListError> {
        let mut patterns = Self::default();
        for line in lines {
            patterns.add(line, "", fuel)?;
        }
        Ok(patterns)
    }

    fn add(&mut self, line: &str, dir: &str, fuel: &Fuel) -> Result<(), ListError> {
        let line = trim(line);
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let (negated, body) = line.strip_prefix('!').map_or((false, line), |body| (true, body));
        let anchored = body.contains('/');
        let text = if anchored { resolve(dir, body) } else { body.to_owned() };
        let options = Options { dialect: Dialect::V9, nocase: true, match_base: !anchored, prefixes: false };
        let pattern = fuel.compile(&text, options)?;
        if negated {
            self.negated.push(pattern);
        } else {
            self.plain.push(pattern);
        }
        Ok(())
    }

    /// Whether a plain pattern matches (true) or a negated one (false).
    fn hit(&self, parts: &[&str], fuel: &Fuel) -> Option<bool> {
        fuel.spend(self.plain.len() + self.negated.len());
        let subject = Subject { parts, leading: true, trailing: false };
        let any = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(subject, false, fuel));
        if any(&self.negated) { Some(false) } else { any(&self.plain).then_some(true) }
    }
}

/// `path.resolve(dir, pattern)` in a root of its own.
fn resolve(dir: &str, pattern: &str) -> String {
    let from = if pattern.starts_with('/') { "" } else { dir };
    let mut parts: Vec<&str> = Vec::new();
    for part in from.split('/').chain(pattern.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    format!("/{}", parts.join("/"))
}
