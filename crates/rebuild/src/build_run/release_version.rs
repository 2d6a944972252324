//! The published version in package.json, where the commit has another: release tools write it
//! there before they build.
//!
//! Before the installation, so that what this builds has it already; after it where other packages
//! of the repository ask for the version that the commit has: these would be looked for at the
//! registry then, and not be found.

use serde::Serialize;
use serde_json::Value;

use npm_pack::tree::{DirTree, Tree};
use npm_spec::path::join;
use npm_spec::version::{self, VersionRange};

use super::run::Work;
use super::{detour, edit};
use crate::SourceError;

/// Members of package.json that ask for other packages of the repository.
const FIELDS: [&str; 4] = ["dependencies", "devDependencies", "peerDependencies", "optionalDependencies"];

/// A package.json that needs another version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct ReleaseVersion {
    path: String,
    bytes: Vec<u8>,
    /// The version.
    pub(super) version: String,
    /// Whether it is written after the installation.
    pub(super) is_late: bool,
}

impl ReleaseVersion {
    /// What is to be written in a checkout, in which these folders have a package.json; none where
    /// it has the version.
    pub(super) fn of(work: &Work<'_>, tree: &dyn Tree, packages: &[String]) -> Option<Self> {
        let own = join(work.origin.directory(), "package.json");
        // A folder of sources has none of its own: a build copies the root's beside what it makes.
        let path = if tree.read(&own).is_some() { own } else { "package.json".to_owned() };
        let manifest = tree.read(&path)?;
        let version = work.publication.version.clone();
        let bytes = edit::with_version(&manifest, &version)?;
        let others = packages.iter().map(|folder| join(folder, "package.json")).filter(|other| *other != path);
        let is_late = others.filter_map(|other| tree.read(&other)).any(|other| asks_for_the_present_one(&other, &manifest, &version));
        Some(Self { path, bytes, version, is_late })
    }

    /// Writes it, in place of what is there. The checkout may have been a stranger's since: where
    /// no file can be written, the build did that, and it is packed as it is.
    pub(super) fn write(&self, tree: &DirTree) -> Result<(), SourceError> {
        detour::allowed(tree.replace(&self.path, &self.bytes, None))?;
        Ok(())
    }
}

/// Whether a package asks for another by a range that its present version is in and the new one is
/// not.
fn asks_for_the_present_one(other: &[u8], manifest: &[u8], new: &str) -> bool {
    let object = |bytes: &[u8]| serde_json::from_slice::<Value>(npm_spec::manifest::without_bom(bytes)).unwrap_or_default();
    let (other, manifest) = (object(other), object(manifest));
    let text = |key: &str| manifest.get(key).and_then(Value::as_str).unwrap_or_default();
    let Some((present, new)) = version::parse(text("version")).zip(version::parse(new)) else { return false };
    let mut ranges = FIELDS.iter().filter_map(|field| VersionRange::parse(other.get(field)?.get(text("name"))?.as_str()?));
    ranges.any(|range| range.contains(&present) && !range.contains(&new))
}

#[cfg(test)]
impl ReleaseVersion {
    pub(super) fn sample() -> Self {
        Self { path: "package.json".to_owned(), bytes: Vec::new(), version: "1.0.0".to_owned(), is_late: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sibling_asks_for_the_version_of_the_commit() {
        let manifest = br#"{"name":"a","version":"0.0.0"}"#;
        let asks =
            |range: &str| asks_for_the_present_one(format!(r#"{{"devDependencies":{{"a":"{range}"}}}}"#).as_bytes(), manifest, "20.1.0");
        assert!(asks("^0.0.0") && asks("0.0.0"));
        assert!(!asks("*") && !asks("workspace:*") && !asks("^20.0.0") && !asks("^1.0.0"));
        assert!(!asks_for_the_present_one(b"[]", manifest, "20.1.0") && !asks_for_the_present_one(b"{}", b"{}", "1.0.0"));
    }
}
