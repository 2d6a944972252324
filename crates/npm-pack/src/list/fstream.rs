//! fstream-npm on fstream-ignore: npm 1.1 to 5.3.
//!
//! Every folder with a package.json counts as a package of its own: its `files` become rules there,
//! and its `main` goes along. Rules of .npmignore (or else .gitignore) come before those of
//! `files`, since folders are read in byte order.

use std::collections::BTreeSet;

use npm_spec::path::join;

use super::bundle::bundled_names;
use super::ignore::{FUEL, Level, MAX_DEPTH, Question, apply, compile, trim};
use super::manifest::{Files, Manifest, normalize, truthy};
use super::view::View;
use super::{Entry, ListError};
use crate::glob::{Dialect, Fuel, Options};
use crate::tree::NodeKind;

/// What differs between the versions of fstream-npm and the npm around it.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "a table of independent changes, each with its version")]
pub struct FstreamRules {
    /// Whether README and its kin must be files to go along whatever the rules say, and `main` goes
    /// along too (1.0.3 and later).
    pub files_only: bool,
    /// Whether NOTICE goes along (1.1 and later).
    pub notice: bool,
    /// Whether `*.orig` stays out (1.2.0 and later).
    pub no_orig: bool,
    /// Whether package-lock.json stays out (1.2.1 and later).
    pub no_package_lock: bool,
    /// Whether scoped packages can be bundled (1.1 and later).
    pub scopes: bool,
    /// Whether a dependency of a bundled package is found in the root's `node_modules` (npm 3 and
    /// later).
    pub hoisted: bool,
}

/// What is asked about an entry.
#[derive(Clone, Copy)]
struct Asked {
    /// Whether it is a folder, which also passes if something in it may.
    partial: bool,
    /// Whether it is a folder, to the folder that holds it; `None` to those above, which only see
    /// its path.
    own_kind: Option<bool>,
}

/// A folder on the way down, and what fstream-npm keeps of it.
struct Folder<'p> {
    parent: Option<&'p Folder<'p>>,
    level: Level<'p>,
    /// The package.json of this folder or of the nearest above.
    manifest: Option<Manifest>,
    /// Whether the package.json is this folder's own.
    is_package: bool,
    /// Whether this is the `node_modules` of a package.
    is_modules: bool,
}

impl Folder<'_> {
    fn base_name(&self) -> &str {
        self.level.path.rsplit('/').next().unwrap_or(&self.level.path)
    }
}

struct Walk<'w> {
    view: &'w View<'w>,
    rules: &'w FstreamRules,
    fuel: Fuel,
    /// What of the root's `node_modules` goes along.
    bundled: BTreeSet<String>,
    found: Vec<Entry>,
}

const OPTIONS: Options = Options { dialect: Dialect::V3, nocase: false, match_base: true, prefixes: true };

pub(super) fn list(view: &View, rules: &FstreamRules) -> Result<Vec<Entry>, ListError> {
    let manifest = view.read("package.json").and_then(|bytes| Manifest::parse(&bytes)).unwrap_or_default();
    let bundled = if rules.hoisted { bundled_names(view, &manifest, true).into_iter().collect() } else { BTreeSet::new() };
    let mut walk = Walk { view, rules, fuel: Fuel::new(FUEL), bundled, found: Vec::new() };
    walk.folder(None, Level::root(""))?;
    Ok(walk.found)
}

impl Walk<'_> {
    fn folder(&mut self, parent: Option<&Folder>, mut level: Level) -> Result<(), ListError> {
        let listing = self.view.list(&level.path);
        let ignore = [".npmignore", ".gitignore"].into_iter().find(|name| listing.contains_key(*name));
        if let Some(text) = ignore.and_then(|name| self.view.text(&join(&level.path, name))) {
            level.sets.push(compile(&text, OPTIONS, &self.fuel)?);
        }
        let own = if listing.contains_key("package.json") {
            self.view.text(&join(&level.path, "package.json")).and_then(|text| Manifest::parse(trim(&text).as_bytes()))
        } else {
            None
        };
        if let Some(manifest) = &own {
            if let Files::Entries(entries) = manifest.files_array()? {
                let named = entries.iter().map(|entry| format!("!{entry}"));
                let below = entries.iter().map(|entry| format!("!{}/**", entry.trim_end_matches('/')));
                let lines: Vec<String> = std::iter::once("*".to_owned()).chain(named).chain(below).collect();
                level.sets.push(compile(&lines.join("\n"), OPTIONS, &self.fuel)?);
            }
            if self.rules.files_only && manifest.get("main").is_some_and(|main| truthy(main) && !main.is_string()) {
                return Err(ListError::InvalidManifest("\"main\" is not a string".to_owned()));
            }
            let unusable = manifest.bundle().is_some_and(|bundle| truthy(bundle) && !bundle.is_array());
            if unusable && listing.contains_key("node_modules") {
                return Err(ListError::InvalidManifest("\"bundleDependencies\" should be an array".to_owned()));
            }
        }
        let is_package = own.is_some();
        let manifest = own.or_else(|| parent.and_then(|parent| parent.manifest.clone()));
        let is_modules = parent.is_some_and(|parent| parent.is_package) && level.path.rsplit('/').next() == Some("node_modules");
        let folder = Folder { parent, level, manifest, is_package, is_modules };
        // Read as both: where an .npmignore stands, a .gitignore is no entry of its folder.
        let shadowed = listing.contains_key(".npmignore");
        for (name, kind) in listing.iter().filter(|(name, _)| !(shadowed && name.as_str() == ".gitignore")) {
            let parts = folder.level.full(name);
            let is_dir = matches!(kind, NodeKind::Dir);
            if self.passes(&folder, &parts, folder.level.depth, Asked { partial: is_dir, own_kind: Some(is_dir) }) {
                let path = join(&folder.level.path, name);
                match kind {
                    NodeKind::Dir if folder.level.depth < MAX_DEPTH => {
                        let child = folder.level.child(path, false)?;
                        self.folder(Some(&folder), child)?;
                    }
                    NodeKind::File { .. } => {
                        let renamed = renamed(name, listing.contains_key("package.json"));
                        self.found.push(Entry { path: join(&folder.level.path, renamed), source: path });
                    }
                    _ => {}
                }
            }
            if self.fuel.is_empty() {
                return Err(ListError::TooComplex);
            }
        }
        Ok(())
    }

    fn passes(&self, folder: &Folder, parts: &[&str], skip: usize, asked: Asked) -> bool {
        let Asked { partial, own_kind } = asked;
        let own = parts.get(skip..).unwrap_or_default();
        let entry = own.join("/");
        let known_dir = self.rules.files_only && own_kind == Some(true);
        if !known_dir && self.is_always(&entry) {
            return true;
        }
        if entry == "node_modules" && folder.is_package {
            return true;
        }
        if self.rules.files_only && is_main(folder, &entry) {
            return true;
        }
        if self.is_never(folder, &entry) {
            return false;
        }
        if folder.is_modules {
            return self.is_bundled(folder, &entry);
        }
        let included = folder.parent.is_none_or(|parent| self.passes(parent, parts, skip - 1, Asked { partial, own_kind: None }));
        apply(&folder.level, included, own, Question { partial, slash: false, own_name: None }, &self.fuel)
    }

    fn is_always(&self, entry: &str) -> bool {
        if entry == "package.json" {
            return true;
        }
        let lower = entry.to_ascii_lowercase();
        // `(\.[^\.]*)?$`: at most one extension; README needs one.
        let named = |names: &[&str], bare: bool| {
            names.iter().any(|name| match lower.strip_prefix(name) {
                Some("") => bare,
                Some(rest) => rest.strip_prefix('.').is_some_and(|extension| !extension.contains('.')),
                None => false,
            })
        };
        named(&["readme"], false)
            || named(&["license", "licence"], true)
            || (self.rules.notice && named(&["notice"], true))
            || named(&["changes", "changelog", "history"], true)
    }

    #[allow(clippy::case_sensitive_file_extension_comparisons, reason = "the client minds case")]
    fn is_never(&self, folder: &Folder, entry: &str) -> bool {
        let wafpickle = entry.strip_prefix(".wafpickle-").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        let gypi = entry == "config.gypi" && folder.base_name() == "build" && folder.parent.is_some_and(|parent| parent.is_package);
        matches!(entry, ".git" | "CVS" | ".svn" | ".hg" | ".lock-wscript" | "npm-debug.log" | ".DS_Store")
            || (entry == ".npmrc" && self.rules.files_only)
            || (gypi && self.rules.files_only)
            || wafpickle
            || (entry.starts_with('.') && entry.get(1..).is_some_and(|rest| rest.ends_with(".swp")))
            || entry.starts_with("._")
            || (self.rules.no_orig && entry.ends_with(".orig"))
            || (self.rules.no_package_lock && entry == "package-lock.json")
    }

    /// In the `node_modules` of a package: only what is bundled, and what a bundled package brings
    /// along itself.
    fn is_bundled(&self, folder: &Folder, entry: &str) -> bool {
        let scoped = self.rules.scopes && entry.starts_with('@');
        let slashes = entry.matches('/').count();
        if scoped && slashes == 0 || slashes > usize::from(scoped) {
            return true;
        }
        if entry == ".bin" {
            return false;
        }
        let package = folder.parent;
        let mut outer = package.and_then(|package| package.parent);
        if self.rules.hoisted && self.rules.no_package_lock && outer.is_some_and(|outer| outer.base_name().starts_with('@')) {
            outer = outer.and_then(|outer| outer.parent);
        }
        if outer.is_some_and(|outer| outer.manifest.is_some() && outer.base_name() == "node_modules") {
            return true;
        }
        let listed = folder.manifest.as_ref().and_then(Manifest::bundle).and_then(serde_json::Value::as_array);
        let named = listed.is_some_and(|names| names.iter().any(|name| name.as_str() == Some(entry)));
        named || (listed.is_some() && self.bundled.contains(entry))
    }
}

/// Whether the entry is `main`: of this folder's package.json, or as if that of the folder above
/// were its own.
fn is_main(folder: &Folder, entry: &str) -> bool {
    let main = folder.manifest.as_ref().and_then(|manifest| manifest.get("main")).and_then(serde_json::Value::as_str);
    main.is_some_and(|main| !main.is_empty() && !main.starts_with('/') && normalize(main).as_deref() == Some(entry))
}

/// .gitignore becomes .npmignore, and a `*.gyp` beside a package.json becomes binding.gyp.
#[allow(clippy::case_sensitive_file_extension_comparisons, reason = "the client minds case")]
fn renamed(name: &str, beside_manifest: bool) -> &str {
    if name == ".gitignore" {
        ".npmignore"
    } else if beside_manifest && name.ends_with(".gyp") {
        "binding.gyp"
    } else {
        name
    }
}
