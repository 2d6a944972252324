//! The folders from the package up to the repository's root, and what stands in them.

use serde_json::Value;

use super::Clues;

/// Largest file that is read: a package.json, a workflow, a version file.
const MAX_FILE: usize = 1 << 20;
/// Largest lockfile. The largest known have some 10 MB.
const MAX_LOCKFILE: usize = 64 << 20;
/// Most bytes of package.json files that are read: each is kept with all its values.
const MAX_FILES: usize = 4 << 20;
/// Deepest folder that is looked into.
const MAX_DEPTH: usize = 32;

/// A folder on the way up.
pub(super) struct Folder {
    /// Its path from the root.
    path: String,
    /// Its package.json.
    pub(super) manifest: Option<Value>,
}

impl Folder {
    /// The path of a file in it, from the root.
    pub(super) fn join(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}/{name}", self.path) }
    }

    /// Whether it is the repository's root.
    pub(super) fn is_root(&self) -> bool {
        self.path.is_empty()
    }
}

/// The package's surroundings in the commit.
pub(super) struct Around<'a> {
    clues: &'a Clues<'a>,
    /// The package's folder first, the root last.
    pub(super) folders: Vec<Folder>,
}

impl<'a> Around<'a> {
    pub(super) fn read(clues: &'a Clues<'a>) -> Self {
        let parts: Vec<&str> = clues.directory.split('/').filter(|part| !matches!(*part, "" | ".")).take(MAX_DEPTH).collect();
        let paths = (0..=parts.len()).rev().map(|depth| parts.iter().take(depth).copied().collect::<Vec<_>>().join("/"));
        let mut around = Self { clues, folders: paths.map(|path| Folder { path, manifest: None }).collect() };
        let mut left = MAX_FILES;
        let manifests: Vec<Option<Value>> =
            around.folders.iter().map(|folder| around.json(&folder.join("package.json"), &mut left)).collect();
        for (folder, manifest) in around.folders.iter_mut().zip(manifests) {
            folder.manifest = manifest;
        }
        around
    }

    /// A small file as text.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        let bytes = (self.clues.read)(path).filter(|bytes| bytes.len() <= MAX_FILE)?;
        let text = String::from_utf8(bytes).ok()?;
        Some(text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned))
    }

    /// A lockfile's bytes.
    pub(super) fn lockfile(&self, path: &str) -> Option<Vec<u8>> {
        (self.clues.read)(path).filter(|bytes| bytes.len() <= MAX_LOCKFILE)
    }

    /// The names in a folder.
    pub(super) fn list(&self, path: &str) -> Vec<String> {
        (self.clues.list)(path)
    }

    fn json(&self, path: &str, left: &mut usize) -> Option<Value> {
        let text = self.text(path)?;
        *left = left.checked_sub(text.len())?;
        serde_json::from_str(&text).ok()
    }

    /// The first of what a function makes of the manifests, from the package upwards, with the path
    /// of that manifest.
    pub(super) fn in_manifests<T>(&self, find: impl Fn(&Value) -> Option<T>) -> Option<(String, T)> {
        self.folders.iter().find_map(|folder| Some((folder.join("package.json"), find(folder.manifest.as_ref()?)?)))
    }

    /// The nearest file of a name, from the package upwards.
    pub(super) fn nearest(&self, name: &str) -> Option<(String, String)> {
        self.folders.iter().find_map(|folder| {
            let path = folder.join(name);
            Some((path.clone(), self.text(&path)?))
        })
    }
}
