//! npm-packlist 1 to 5: npm 5.4 to 8, lerna 3 to 8, pnpm 6.20 to 11 on a manifest of its own.
//!
//! One walk from the root down. Version 1 turns `files` into rules of the root (and of every nested
//! package.json); from version 2 on `files` is expanded as globs, and what they name replaces the
//! listing of the root folder.

use std::collections::BTreeSet;

use npm_spec::path::join;

use super::bundle::bundled_names;
use super::ignore::{FUEL, Level, Question, apply, compile, trim};
use super::manifest::{Bins, Files, Manifest};
use super::view::View;
use super::{Context, ListError};
use crate::glob::{Dialect, Fuel, Options, Pattern, expand};
use crate::tree::NodeKind;

/// What differs between the versions 1 to 5 of npm-packlist.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "a table of independent changes, each with its version")]
pub struct ClassicRules {
    /// The generation of minimatch.
    pub dialect: Dialect,
    /// The rules that leave files out at the root.
    pub defaults: &'static [&'static str],
    /// Names without extension, joined by `|`, that go along whatever the rules say.
    pub always: &'static str,
    /// Whether such a name may not end in `~` or `$` (1.3 and later).
    pub no_backups: bool,
    /// How `bin` is read.
    pub bins: Bins,
    /// Further rules of every folder with a package.json (version 1).
    pub necessary: &'static [&'static str],
    /// Whether `files` is expanded as globs (2 and later), and not turned into rules.
    pub expands_files: bool,
    /// Whether a folder that `files` names with a slash behind it is walked under that name, so
    /// that its files have two slashes in their paths, a second time beside the same folder without
    /// one (2.0 to 2.1.3).
    pub keeps_slashes: bool,
    /// Whether the globs of `files` count in the order in which they came to their end (2.0 to
    /// 2.1.2): one that looks into all folders came last, and took back what a negation behind it
    /// had taken out.
    pub races_globs: bool,
    /// Whether `files` brings in what `bundleDependencies` names, but not what
    /// `bundledDependencies` does (2.0 to 2.1.4).
    pub one_bundle_spelling: bool,
    /// Whether glob 8 expands them (5.0.1 and later): it lists `./main.js` beside `main.js` if that
    /// is what they say, does not trim them, and gets `/` for `\` (5.0.2 and later).
    pub glob_8: bool,
    /// Whether `./` is taken off the front of an entry of `files` (5.0.3 and later).
    pub strips_dot_slash: bool,
    /// Whether `node_modules` is left out of every folder, not only of the root (1.1.6 to 1.1.9).
    pub no_nested_modules: bool,
    /// Whether a `.git` of the root is not even looked at (1.4.2 and later).
    pub no_root_git: bool,
    /// Whether a scope's folder in `node_modules` is judged as a package (before 5.0).
    pub scope_is_package: bool,
    /// Whether a name with a `*` is left out (1.4.6 and later).
    pub no_star_names: bool,
    /// What becomes of names that glob 8 lists with a `.` or `..` in them.
    pub dotted: Dotted,
    /// What is read of the ignore files above a workspace.
    pub workspace_ignores: WorkspaceIgnores,
}

/// What becomes of a name like `./main.js` or `lib/../main.js` in `files` or `main`, which glob 8
/// lists as it is spelt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dotted {
    /// It is not found, and left out: letters of any case are asked for, and so glob 8.0, which npm
    /// 8 has, looks for a `.` by a pattern.
    Lost,
    /// It stays, beside the same file under its plain name (glob 8.1).
    Kept,
    /// It stays, and loses its `./` in the end, so that nothing stands twice (pnpm 8.8 to 10).
    Stripped,
}

/// Which ignore files between the workspaces' root and a workspace count for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkspaceIgnores {
    /// None.
    Ignored,
    /// .gitignore and .npmignore of each folder (5.0.4 to 5.1.0).
    Both,
    /// .npmignore, or without one .gitignore, of each folder (5.1.1 and later).
    First,
}

const PACKAGE_JSON: &str = "package.json";

struct Walk<'w> {
    view: &'w View<'w>,
    rules: &'w ClassicRules,
    fuel: Fuel,
    bundled: Vec<String>,
    scopes: BTreeSet<String>,
    found: Vec<String>,
}

pub(super) fn list(view: &View, rules: &ClassicRules, context: &Context) -> Result<Vec<String>, ListError> {
    let root_manifest = view.read(PACKAGE_JSON).ok_or(ListError::NoManifest)?;
    let manifest = Manifest::parse(&root_manifest);
    // npm-bundled 1.1 came with the normalisation of `bin`.
    let lists_only = rules.bins != Bins::Normalized;
    let bundled = manifest.as_ref().map(|manifest| bundled_names(view, manifest, lists_only)).unwrap_or_default();
    let scopes = bundled.iter().filter(|name| name.starts_with('@')).filter_map(|name| name.split('/').next());
    let scopes = scopes.map(str::to_owned).collect();
    let mut walk = Walk { view, rules, fuel: Fuel::new(FUEL), bundled, scopes, found: Vec::new() };
    let mut root = Level::root("");
    let mut lines = rules.defaults.join("\n");
    lines.push('\n');
    lines.push_str(&context.rules_above(rules.workspace_ignores));
    root.sets.push(compile(&lines, walk.options(), &walk.fuel)?);
    let names: BTreeSet<String> = view.list("").keys().filter(|name| !(rules.no_root_git && name.as_str() == ".git")).cloned().collect();
    walk.root(root, names, manifest.as_ref())?;
    let mut found = walk.found;
    if rules.dotted == Dotted::Stripped {
        for path in &mut found {
            if let Some(rest) = path.strip_prefix("./") {
                *path = rest.to_owned();
            }
        }
    }
    Ok(found)
}

impl Walk<'_> {
    fn options(&self) -> Options {
        Options { dialect: self.rules.dialect, nocase: true, match_base: true, prefixes: true }
    }

    fn root(&mut self, mut root: Level, mut names: BTreeSet<String>, manifest: Option<&Manifest>) -> Result<(), ListError> {
        if self.bundled.is_empty() {
            names.remove("node_modules");
        }
        if !self.rules.expands_files {
            return self.folder(root, &names);
        }
        if let Some(manifest) = manifest
            && let Files::Entries(entries) = manifest.files_array()?
        {
            let (listed, lines) = self.expand_files(manifest, entries, &names)?;
            if listed.contains(PACKAGE_JSON) {
                root.sets.push(compile(&lines, self.options(), &self.fuel)?);
            }
            return self.folder(root, &listed);
        }
        self.folder(root, &names)
    }

    /// What `files` names, which stands for the root's listing, and the rules that it makes.
    fn expand_files(
        &self,
        manifest: &Manifest,
        mut entries: Vec<String>,
        names: &BTreeSet<String>,
    ) -> Result<(BTreeSet<String>, String), ListError> {
        entries.extend(self.must_have(manifest));
        let bundles =
            if self.rules.one_bundle_spelling { manifest.text("bundleDependencies").is_some() } else { manifest.bundle().is_some() };
        if bundles && names.contains("node_modules") {
            entries.push("node_modules".to_owned());
        }
        if self.rules.races_globs {
            entries.sort_by_key(|entry| rounds(entry));
        }
        let paths = self.view.all()?;
        let options = Options { match_base: false, prefixes: false, ..self.options() };
        let mut listed = BTreeSet::new();
        let mut taken_out = BTreeSet::new();
        for entry in entries {
            let body = entry.trim_start_matches('!');
            let negated = (entry.len() - body.len()) % 2 == 1;
            let body = if self.rules.strips_dot_slash && body.starts_with("./") { body.get(1..).unwrap_or(body) } else { body };
            let body = body.trim_start_matches('/');
            let body = if self.rules.glob_8 { body.replace('\\', "/") } else { trim(body).to_owned() };
            for path in expand(&body, options, self.rules.glob_8, &paths, &self.fuel)? {
                if self.rules.dotted == Dotted::Lost && path.split('/').any(|part| part == "." || part == "..") {
                    continue;
                }
                let path = if self.rules.keeps_slashes && body.ends_with('/') { format!("{path}/") } else { path };
                if negated {
                    listed.remove(&path);
                    taken_out.insert(path);
                } else {
                    taken_out.remove(&path);
                    listed.insert(path);
                }
            }
            self.check()?;
        }
        let kept = listed.iter().map(|path| format!("!{path}"));
        let lines: Vec<String> = kept.chain(taken_out.iter().map(|path| format!("!!{path}"))).collect();
        Ok((listed, lines.join("\n")))
    }

    /// The patterns of files that go along whatever `files` says (version 2 and later).
    fn must_have(&self, manifest: &Manifest) -> Vec<String> {
        let fields = ["browser", "main"].iter().filter_map(|field| manifest.text(field));
        let mut patterns: Vec<String> = fields.chain(manifest.bins(self.rules.bins)).map(|path| format!("/{path}")).collect();
        patterns.extend(["/package.json", "/npm-shrinkwrap.json", "!/package-lock.json"].map(str::to_owned));
        patterns.push(self.always_pattern());
        patterns
    }

    fn always_pattern(&self) -> String {
        format!("@({}){{,.*{}}}", self.rules.always, if self.rules.no_backups { "[^~$]" } else { "" })
    }

    fn check(&self) -> Result<(), ListError> {
        if self.fuel.is_empty() { Err(ListError::TooComplex) } else { Ok(()) }
    }

    /// Reads the ignore files among the names, then takes every name that passes.
    fn folder(&mut self, mut level: Level, names: &BTreeSet<String>) -> Result<(), ListError> {
        let is_root = level.parent.is_none();
        let mut after = Vec::new();
        let mut files_rule = false;
        if names.contains(PACKAGE_JSON) && (is_root || !self.rules.expands_files) {
            let bytes = self.view.read(&join(&level.path, PACKAGE_JSON)).unwrap_or_default();
            if let Some(manifest) = Manifest::parse(&bytes) {
                let expanded = self.rules.expands_files && matches!(manifest.files_array()?, Files::Entries(_));
                if !expanded {
                    after = self.necessary(&manifest)?;
                }
                if let (false, Files::Entries(entries)) = (self.rules.expands_files, manifest.files_array()?) {
                    let lines = entries.iter().map(|entry| format!("!{entry}\n!{}/**", entry.trim_end_matches('/')));
                    let lines: Vec<String> = std::iter::once("*".to_owned()).chain(lines).collect();
                    level.sets.push(compile(&lines.join("\n"), self.options(), &self.fuel)?);
                    files_rule = true;
                }
            }
        }
        // A package.json with `files` stands in for both ignore files of its folder, .npmignore for
        // .gitignore.
        let ignore = [".npmignore", ".gitignore"].into_iter().find(|name| names.contains(*name) && !files_rule);
        if let Some(text) = ignore.and_then(|name| self.view.text(&join(&level.path, name))) {
            level.sets.push(compile(&text, self.options(), &self.fuel)?);
        }
        level.sets.push(after);
        for name in names {
            self.entry(&level, name)?;
        }
        Ok(())
    }

    /// Rules of the folder of a package.json that bring back what a package cannot do without.
    fn necessary(&self, manifest: &Manifest) -> Result<Vec<Pattern>, ListError> {
        let mut lines: Vec<String> = if self.rules.expands_files {
            self.must_have(manifest)
        } else {
            let fields = ["browser", "main"].iter().filter_map(|field| manifest.text(field));
            let fixed = self.rules.necessary.iter().map(|name| (*name).to_owned());
            fields.chain(fixed).chain([self.always_pattern()]).chain(manifest.bins(self.rules.bins)).collect()
        };
        for line in &mut lines {
            line.insert(0, '!');
        }
        compile(&lines.join("\n"), self.options(), &self.fuel)
    }

    fn entry(&mut self, level: &Level, name: &str) -> Result<(), ListError> {
        self.check()?;
        let path = if level.path.is_empty() { name.to_owned() } else { format!("{}/{name}", level.path) };
        if self.rules.no_star_names && name.contains('*') {
            return Ok(());
        }
        let Some(kind) = self.view.kind(&path) else { return Ok(()) };
        let parts = level.full(name);
        let slash = name.ends_with('/');
        match kind {
            NodeKind::File { .. } if self.passes(level, &parts, level.depth, Question::of(false, slash)) => self.found.push(path),
            NodeKind::Dir if self.passes(level, &parts, level.depth, Question::of(true, slash)) => {
                let names = self.view.list(&super::manifest::normalize(&path).unwrap_or_default()).keys().cloned().collect();
                let child = level.child(path, false)?;
                return self.folder(child, &names);
            }
            _ => {}
        }
        self.check()
    }

    /// `parts` are the path as the root sees it; this folder sees what follows the first `skip`.
    fn passes(&self, level: &Level, parts: &[&str], skip: usize, question: Question<'_>) -> bool {
        let own = parts.get(skip..).unwrap_or_default();
        let above = |skip: usize| level.parent.is_none_or(|parent| self.passes(parent, parts, skip - 1, question));
        let is_root = level.parent.is_none();
        if !is_root && in_modules(&level.path) {
            return above(skip);
        }
        if (is_root || self.rules.no_nested_modules)
            && let Some(package) = package_of(own, self.rules.scope_is_package)
        {
            return is_root && (self.bundled.contains(&package) || self.scopes.contains(&package));
        }
        if is_root {
            match own {
                ["node_modules"] => return !self.bundled.is_empty(),
                ["package.json"] => return true,
                ["npm-shrinkwrap.json"] if self.rules.expands_files => return true,
                _ => {}
            }
        }
        if self.rules.expands_files && self.is_always(own) {
            return true;
        }
        if is_root && self.rules.expands_files && own == ["package-lock.json"] {
            return false;
        }
        apply(level, above(skip), own, question, &self.fuel)
    }

    /// `^(readme|…)(\..*[^~$])?$`, put to the whole rest of the path: `readme.d/x` passes too.
    fn is_always(&self, parts: &[&str]) -> bool {
        let Some(first) = parts.first() else { return false };
        self.rules.always.split('|').any(|name| {
            let Some(rest) = first.get(..name.len()).filter(|head| head.eq_ignore_ascii_case(name)).and_then(|_| first.get(name.len()..))
            else {
                return false;
            };
            if parts.len() == 1 && rest.is_empty() {
                return true;
            }
            let last = parts.last().copied().unwrap_or("");
            let long_enough = rest.len() > 1 || parts.len() > 1;
            rest.starts_with('.') && long_enough && !last.ends_with(['~', '$'])
        })
    }
}

/// How long a glob takes: the folders that it reads one after the other, and all of them where it
/// looks at any depth.
fn rounds(pattern: &str) -> (bool, usize) {
    let body = pattern.trim_start_matches(['!', '/']);
    (body.contains("**"), body.split('/').count())
}

/// Whether a folder is the root's `node_modules` or in it.
fn in_modules(path: &str) -> bool {
    path.split('/').next().is_some_and(|first| first.eq_ignore_ascii_case("node_modules"))
}

/// The package that a path in `node_modules` belongs to: its name, or a scope alone.
fn package_of(parts: &[&str], scope_is_package: bool) -> Option<String> {
    match parts {
        ["node_modules", scope, name, ..] if scope.starts_with('@') => Some(format!("{scope}/{name}")),
        ["node_modules", scope] if scope.starts_with('@') && !scope_is_package => None,
        ["node_modules", name, ..] => Some((*name).to_owned()),
        _ => None,
    }
}
