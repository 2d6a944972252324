//! Which files a publishing client puts into the tarball.
//!
//! In: a package folder, and the rules of a client of some era, as data. Out: the paths, by these
//! rules alone: what was published is never looked at. The rules of npm, and of pnpm and lerna
//! after it, changed about thirty times, but they come from three programs: fstream-npm
//! (`fstream`), npm-packlist 1 to 5 (`classic`) and npm-packlist 7 to 11 (`strict`); yarn 1
//! (`yarn`), yarn 2 and later (`berry`), bun (`bun`), pnpm in Rust (`pnpm_rust`) and vlt (`vlt`)
//! have their own. Each is one walk here, with what changed from version to version as fields;
//! `rules` has a constant for every group of versions that differ.

mod berry;
mod bun;
mod bundle;
mod classic;
mod context;
mod error;
mod fstream;
mod ignore;
mod manifest;
mod pnpm_rust;
mod rules;
mod strict;
mod view;
mod vlt;
mod yarn;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

pub use classic::{ClassicRules, Dotted, WorkspaceIgnores};
pub use context::{Above, Context};
pub use error::ListError;
pub use fstream::FstreamRules;
pub use manifest::Bins;
pub use pnpm_rust::PnpmRustRules;
pub use rules::*;
pub use strict::{FilesRule, ReadmeRule, StrictRules};

use npm_spec::path::join;

use crate::tree::{NodeKind, Tree};
use view::View;

/// The rules by which a group of clients chooses files.
#[derive(Debug)]
pub struct ListRules {
    /// A short, stable name.
    pub name: &'static str,
    /// The clients whose rules these are.
    pub clients: &'static str,
    /// The program they come from, and its settings.
    pub engine: Engine,
}

/// The program that a client takes its list from.
#[derive(Debug)]
pub enum Engine {
    /// fstream-npm on fstream-ignore.
    Fstream(FstreamRules),
    /// npm-packlist 1 to 5.
    Classic(ClassicRules),
    /// npm-packlist 7 and later.
    Strict(StrictRules),
    /// yarn 1.
    Yarn,
    /// yarn 2 and later.
    Berry,
    /// bun.
    Bun,
    /// vlt.
    Vlt,
    /// pnpm in Rust.
    PnpmRust(PnpmRustRules),
}

impl ListRules {
    /// Whether these rules can have written paths that are spelled so: some keep the `./` or the
    /// second slash of an entry of package.json, where others list the same files under their plain
    /// names.
    pub fn spells<'p>(&self, paths: impl Iterator<Item = &'p str>) -> bool {
        let (dots, slashes) = match &self.engine {
            Engine::Classic(rules) => (rules.glob_8 && rules.dotted == Dotted::Kept, rules.keeps_slashes),
            _ => (false, false),
        };
        paths.into_iter().all(|path| (dots || !path.starts_with("./")) && (slashes || !path.contains("//")))
    }
}

/// A file of the tarball.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Where the content stands in the package folder.
    pub source: String,
    /// The path that the client hands to the archive writer, without `package/`. Mostly the same as
    /// `source`; fstream-npm renames .gitignore and `*.gyp`, and npm-packlist 2 to 5 lists
    /// `./main.js` besides `main.js` if package.json does. A slash behind it: a folder, which only
    /// yarn 1 and vlt list.
    pub path: String,
}

/// A path in a package's folder in normal form; `None` where it leads out of the folder. `/` at the
/// start is the folder.
pub fn normal_path(path: &str) -> Option<String> {
    manifest::normalize(path)
}

/// The files of a package, as paths in its folder, sorted by bytes, each once.
pub fn list(tree: &dyn Tree, rules: &ListRules) -> Result<Vec<String>, ListError> {
    let sources: BTreeSet<String> = entries(tree, rules, &Context::default())?.into_iter().map(|entry| entry.source).collect();
    Ok(sources.into_iter().collect())
}

/// The entries of a package's tarball, sorted by bytes, each once; `context` is what lies around
/// the folder.
pub fn entries(tree: &dyn Tree, rules: &ListRules, context: &Context) -> Result<Vec<Entry>, ListError> {
    let view = View::new(tree);
    let bytes = view.read("package.json").ok_or(ListError::NoManifest)?;
    if manifest::Manifest::parse_lenient(&bytes).is_none() {
        return Err(ListError::InvalidManifest("it is not a JSON object".to_owned()));
    }
    let same = |path: String| Entry { source: manifest::normalize(&path).unwrap_or_default(), path };
    let entries: BTreeSet<Entry> = match &rules.engine {
        Engine::Fstream(rules) => fstream::list(&view, rules)?.into_iter().collect(),
        Engine::Classic(rules) => classic::list(&view, rules, context)?.into_iter().map(same).collect(),
        Engine::Strict(rules) => strict::list(&view, rules, context)?.into_iter().map(same).collect(),
        Engine::Yarn => yarn::list(&view)?.into_iter().map(same).collect(),
        Engine::Bun => bun::list(&view)?.into_iter().map(same).collect(),
        Engine::Vlt => vlt::list(&view)?.into_iter().map(same).collect(),
        Engine::PnpmRust(rules) => pnpm_rust::list(&view, rules)?.into_iter().map(same).collect(),
        Engine::Berry => berry::list(&view)?.into_iter().map(same).collect(),
    };
    view.check()?;
    match entries.iter().find(|entry| entry.source.contains('\u{fffd}')) {
        Some(entry) => Err(ListError::UnreadableName(entry.source.clone())),
        None => Ok(entries.into_iter().collect()),
    }
}

/// The files whose content the rules may read, sorted by bytes: ignore files of every folder and
/// the package.json of the root, of nested packages and of `node_modules`. A caller that fetches
/// contents lazily gets these first, in one go.
pub fn needs(tree: &dyn Tree) -> Vec<String> {
    let view = View::new(tree);
    let mut needed = BTreeSet::new();
    let mut folders = vec![(String::new(), 0_usize)];
    while let Some((dir, depth)) = folders.pop() {
        for (name, kind) in view.list(&dir).iter() {
            match kind {
                NodeKind::Dir if depth < ignore::MAX_DEPTH && name != ".git" => folders.push((join(&dir, name), depth + 1)),
                NodeKind::File { .. } if matches!(name.as_str(), "package.json" | ".npmignore" | ".gitignore" | ".yarnignore") => {
                    needed.insert(join(&dir, name));
                }
                _ => {}
            }
        }
    }
    needed.into_iter().collect()
}
