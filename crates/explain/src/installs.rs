//! Whether an installation of a package runs anything.

use serde_json::Value;

use npm_spec::manifest::{self, LARGEST};
use npm_tarball::{Archive, Entry, EntryKind};

/// Scripts that an installation runs. They may take files by a pattern.
const AT_INSTALL: [&str; 3] = ["preinstall", "install", "postinstall"];

/// Whether an installation runs anything of an archive: a script of the package or of one that is
/// bundled with it, or node-gyp, which npm runs where there is a `.gyp`. What cannot be read counts
/// as one that does.
pub fn runs_at_install(archive: &Archive) -> bool {
    archive.entries().iter().filter(|entry| entry.kind == EntryKind::File).any(|entry| runs(archive, entry))
}

fn runs(archive: &Archive, entry: &Entry) -> bool {
    // Some file systems take names without regard to case.
    let path = entry.path.to_ascii_lowercase();
    if std::path::Path::new(&path).extension().is_some_and(|end| end == "gyp") {
        return true;
    }
    let is_bundled = path.ends_with("/package.json") && path.split('/').any(|part| part == "node_modules");
    if path != "package.json" && !is_bundled {
        return false;
    }
    let content = (entry.size <= LARGEST).then(|| archive.content(entry).ok()).flatten().unwrap_or_default();
    manifest::read(&content).is_none_or(|manifest: Value| {
        let scripts = manifest.get("scripts");
        let is_gyp = manifest.get("gypfile").is_some_and(|value| *value != Value::Bool(false));
        is_gyp || AT_INSTALL.iter().any(|name| scripts.and_then(|scripts| scripts.get(*name)).is_some_and(Value::is_string))
    })
}
