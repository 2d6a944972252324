//! Which packages of `node_modules` go along: `bundleDependencies` and what they need in turn.

use std::collections::{BTreeSet, VecDeque};

use serde_json::Value;

use npm_spec::path::join;

use super::ListError;
use super::manifest::Manifest;
use super::view::View;
use crate::tree::NodeKind;

/// More bundled packages than this are not followed.
const MAX_PACKAGES: usize = 20_000;

/// The names in the root's `node_modules` that npm-bundled 1 and 2 find (npm 5.4 to 8).
///
/// A dependency in a package's own `node_modules` goes along anyway, with the package; one found
/// further up counts only if it stands in the root's. `true` and an object are known with
/// `lists_only` off (npm-bundled 1.1 and later).
pub(super) fn bundled_names(tree: &View, manifest: &Manifest, lists_only: bool) -> Vec<String> {
    let wanted = match manifest.bundle() {
        None => return Vec::new(),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::Bool(true)) if !lists_only => manifest.all_dependencies(),
        Some(Value::Object(names)) if !lists_only => names.keys().cloned().collect(),
        Some(_) => Vec::new(),
    };
    let mut names = BTreeSet::new();
    for path in closure(tree, wanted).found {
        if let Some(name) = path.strip_prefix("node_modules/").filter(|name| !name.contains("/node_modules/")) {
            names.insert(name.to_owned());
        }
    }
    names.into_iter().collect()
}

/// The folders of the bundled packages that Arborist finds (npm 9 and later).
///
/// Only dependencies and optional dependencies are bundled, and of the root none that is a
/// development dependency too.
///
/// With `missing_fails`, a dependency that is not there is an error (npm-packlist before 7.0.4).
pub(super) fn bundled_folders(tree: &View, manifest: &Manifest, missing_fails: bool) -> Result<Vec<String>, ListError> {
    let bundle = manifest.get("bundleDependencies").or_else(|| manifest.get("bundledDependencies"));
    let wanted: Vec<String> = match bundle {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::Bool(true)) => manifest.names("dependencies"),
        Some(Value::Object(names)) => names.keys().cloned().collect(),
        _ => return Ok(Vec::new()),
    };
    let allowed: BTreeSet<String> = manifest.all_dependencies().into_iter().collect();
    let development: BTreeSet<String> = manifest.names("devDependencies").into_iter().collect();
    let wanted = wanted.into_iter().filter(|name| allowed.contains(name) && !development.contains(name)).collect();
    let closure = closure(tree, wanted);
    match closure.missing {
        Some(name) if missing_fails => Err(ListError::InvalidManifest(format!("the bundled dependency {name:?} is not installed"))),
        _ => Ok(closure.found),
    }
}

/// What following dependencies finds.
struct Closure {
    /// Folders, in order of discovery.
    found: Vec<String>,
    /// The first dependency that is nowhere.
    missing: Option<String>,
}

/// The folders of the packages wanted by the root and of those that they need.
fn closure(tree: &View, wanted: Vec<String>) -> Closure {
    let mut seen = BTreeSet::new();
    let mut closure = Closure { found: Vec::new(), missing: None };
    let mut queue: VecDeque<(String, Vec<String>)> = VecDeque::from([(String::new(), wanted)]);
    while let Some((from, names)) = queue.pop_front() {
        for name in names {
            let Some(path) = resolve(tree, &from, &name) else {
                closure.missing.get_or_insert(name);
                continue;
            };
            if closure.found.len() >= MAX_PACKAGES || !seen.insert(path.clone()) {
                continue;
            }
            let manifest = tree.read(&join(&path, "package.json")).and_then(|bytes| Manifest::parse_lenient(&bytes));
            queue.push_back((path.clone(), manifest.as_ref().map(Manifest::all_dependencies).unwrap_or_default()));
            closure.found.push(path);
        }
    }
    closure
}

/// Where a package finds another: in its own `node_modules`, or in that of a folder above.
fn resolve(tree: &View, from: &str, name: &str) -> Option<String> {
    if name.is_empty() || name.split('/').any(|part| matches!(part, "" | "." | "..")) || name.starts_with('.') {
        return None;
    }
    let mut base = from;
    loop {
        let path = join(base, &format!("node_modules/{name}"));
        if tree.kind(&path) == Some(NodeKind::Dir) {
            return Some(path);
        }
        if base.is_empty() {
            return None;
        }
        base = base.rfind("/node_modules/").and_then(|at| base.get(..at)).unwrap_or("");
    }
}
