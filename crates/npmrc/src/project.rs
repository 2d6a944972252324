//! The project that the working directory belongs to, as npm finds it.

use std::path::{Path, PathBuf};

use super::env::Surroundings;

/// How far up folders are looked at.
const MAX_DEPTH: usize = 64;
/// Most workspace patterns that are read, and the longest one.
const MAX_PATTERNS: usize = 1000;
const MAX_PATTERN: usize = 512;

/// The project of a working directory.
pub(super) struct Project {
    /// Its folder.
    pub(super) root: PathBuf,
    /// Files and folders of other users that would have decided otherwise, and whose they are.
    pub(super) foreign: Vec<(PathBuf, u32)>,
}

/// The nearest folder upwards with a package.json or `node_modules`; if a folder above declares it
/// as one of its workspaces, that one; the working directory if there is neither. What another user
/// put into a folder above decides nothing.
pub(super) fn find(around: &Surroundings) -> Project {
    let mut nearest: Option<&Path> = None;
    let mut foreign = Vec::new();
    for folder in around.cwd.ancestors().take(MAX_DEPTH) {
        let manifest = folder.join("package.json");
        let modules = folder.join("node_modules");
        let found = if around.files.is_file(&manifest) {
            manifest
        } else if nearest.is_none() && around.files.is_dir(&modules) {
            modules
        } else {
            continue;
        };
        let relative = nearest.map(|inner| inner.strip_prefix(folder).unwrap_or(inner));
        let counts = relative.is_none_or(|relative| declares_workspace(around, &found, relative));
        match around.files.foreign(&found, &around.cwd) {
            Some(owner) if counts => foreign.push((found, owner)),
            None if counts && nearest.is_some() => return Project { root: folder.to_owned(), foreign },
            None if counts => nearest = Some(folder),
            _ => {}
        }
    }
    Project { root: nearest.unwrap_or(&around.cwd).to_owned(), foreign }
}

fn declares_workspace(around: &Surroundings, manifest: &Path, relative: &Path) -> bool {
    let Ok(content) = around.files.read(manifest) else { return false };
    let Ok(manifest) = serde_json::from_slice::<serde_json::Value>(&content) else { return false };
    let workspaces = manifest.get("workspaces").map(|declared| declared.get("packages").unwrap_or(declared));
    let Some(patterns) = workspaces.and_then(serde_json::Value::as_array) else { return false };
    let path: Vec<&str> = relative.iter().filter_map(|part| part.to_str()).collect();
    // Later patterns win, and a `!` takes away (@npmcli/map-workspaces 5).
    patterns.iter().take(MAX_PATTERNS).filter_map(serde_json::Value::as_str).filter(|pattern| pattern.len() <= MAX_PATTERN).fold(
        false,
        |declared, pattern| {
            let (positive, pattern) = pattern.strip_prefix('!').map_or((true, pattern), |pattern| (false, pattern));
            let segments: Vec<&str> = pattern.split('/').filter(|segment| !matches!(*segment, "" | ".")).collect();
            if matches(&segments, &path) { positive } else { declared }
        },
    )
}

/// Whether path segments match pattern segments, `**` standing for any number of them. One row per
/// pattern segment, so the time is the product of both lengths.
fn matches(pattern: &[&str], path: &[&str]) -> bool {
    let mut row = vec![false; path.len() + 1];
    if let Some(first) = row.first_mut() {
        *first = true;
    }
    for segment in pattern {
        let mut next = vec![false; path.len() + 1];
        let mut before = false;
        for (at, slot) in next.iter_mut().enumerate() {
            let here = row.get(at).copied().unwrap_or(false);
            let diagonal = at.checked_sub(1).and_then(|at| row.get(at)).copied().unwrap_or(false);
            *slot = if *segment == "**" {
                here || before
            } else {
                diagonal && at.checked_sub(1).and_then(|at| path.get(at)).is_some_and(|part| segment_matches(segment, part))
            };
            before = *slot;
        }
        row = next;
    }
    row.last().copied().unwrap_or(false)
}

/// One segment, `*` standing for any characters.
fn segment_matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let Some(last) = parts.pop() else { return false };
    for part in parts {
        match text.find(part) {
            Some(at) => text = text.get(at + part.len()..).unwrap_or(""),
            None => return false,
        }
    }
    text.ends_with(last)
}
