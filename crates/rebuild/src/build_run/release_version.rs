//! The published version in package.json, where the commit has another: release tools write it
//! there before they build.
//!
//! Before the installation, so that what this builds has it already; after it where other packages
//! of the repository ask for the version that the commit has: these would be looked for at the
//! registry then, and not be found.
//!
//! Where the published files were built before the version was raised, the other way round: the
//! versions of before are there while steps run, and the commit's, or the published one, where the
//! files are packed.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use npm_pack::tree::{DirTree, Tree};
use npm_spec::path::join;
use npm_spec::version::{self, VersionRange};

use super::run::Work;
use super::{detour, edit};
use crate::SourceError;

/// Largest manifest whose version is changed, in bytes.
const MAX_MANIFEST: u64 = 4 << 20;
/// Members of package.json that ask for other packages of the repository.
const FIELDS: [&str; 4] = ["dependencies", "devDependencies", "peerDependencies", "optionalDependencies"];

/// What release tools write into package.json files, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct ReleaseVersion {
    written: Vec<Written>,
    /// The version that is published, where the commit has another.
    pub(super) version: Option<String>,
    /// The commit whose versions are there while steps run, where the judged one is written behind
    /// them.
    pub(super) before: Option<String>,
    /// Whether it is written after the installation.
    pub(super) is_late: bool,
}

/// A manifest that gets another version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Written {
    path: String,
    /// The commit's, with the version for the steps.
    bytes: Vec<u8>,
    /// The version while steps run.
    during: String,
    /// The version that is packed.
    packed: String,
}

impl ReleaseVersion {
    /// What is to be written in a checkout, in which these folders have a package.json; none where
    /// it has the version.
    pub(super) fn of(work: &Work<'_>, tree: &dyn Tree, packages: &[String]) -> Option<Self> {
        let own = join(work.origin.directory(), "package.json");
        // A folder of sources has none of its own: a build copies the root's beside what it makes.
        let path = if tree.read(&own).is_some() { own } else { "package.json".to_owned() };
        let judged = &work.publication.version;
        let is_set = edit::with_version(&tree.read(&path)?, judged).is_some();
        let written: Vec<Written> = match &work.before {
            Some(before) => {
                let judged = |other: &String| (is_set && *other == path).then(|| judged.clone());
                before.versions.iter().filter_map(|(path, during)| Written::of(tree, path, during, judged(path))).collect()
            }
            None => Written::of(tree, &path, judged, None).filter(|_| is_set).into_iter().collect(),
        };
        if written.is_empty() {
            return None;
        }
        let is_late = someone_asks_for_the_present_one(tree, packages, &written);
        let before = work.before.as_ref().map(|before| before.commit.clone());
        Some(Self { written, version: is_set.then(|| judged.clone()), before, is_late })
    }

    /// Writes it, in place of what is there. The checkout may have been a stranger's since: where
    /// no file can be written, the build did that, and it is packed as it is.
    pub(super) fn write(&self, tree: &DirTree) -> Result<(), SourceError> {
        for written in &self.written {
            detour::allowed(tree.replace(&written.path, &written.bytes, None))?;
        }
        Ok(())
    }

    /// Has the versions there that steps see. What the build made of the files else stays.
    pub(super) fn before_a_step(&self, tree: &DirTree) -> Result<(), SourceError> {
        self.set(tree, |written| &written.during)
    }

    /// Has the versions there that are packed.
    pub(super) fn before_packing(&self, tree: &DirTree) -> Result<(), SourceError> {
        self.set(tree, |written| &written.packed)
    }

    fn set(&self, tree: &DirTree, version: impl Fn(&Written) -> &str) -> Result<(), SourceError> {
        // Where it is written at the beginning, it is what is packed, too.
        for written in self.written.iter().filter(|_| self.before.is_some()) {
            let now = tree.read_up_to(&written.path, MAX_MANIFEST);
            if let Some(bytes) = now.and_then(|now| edit::with_version(&now, version(written))) {
                detour::allowed(tree.replace(&written.path, &bytes, None))?;
            }
        }
        Ok(())
    }
}

impl Written {
    /// A manifest with a version for the steps, and packed with this one, or else its own.
    fn of(tree: &dyn Tree, path: &str, during: &str, packed: Option<String>) -> Option<Self> {
        let manifest = tree.read(path)?;
        let bytes = edit::with_version(&manifest, during);
        let packed = packed.or_else(|| Some(object(&manifest).get("version")?.as_str()?.to_owned()));
        Some(Self { path: path.to_owned(), bytes: bytes.unwrap_or(manifest), during: during.to_owned(), packed: packed? })
    }
}

fn object(manifest: &[u8]) -> Value {
    serde_json::from_slice(npm_spec::manifest::without_bom(manifest)).unwrap_or_default()
}

/// Whether a package asks for another by a range that its version in the commit is in, and the one
/// that is written is not.
fn someone_asks_for_the_present_one(tree: &dyn Tree, packages: &[String], written: &[Written]) -> bool {
    let moved: BTreeMap<String, (_, _)> = written
        .iter()
        .filter_map(|written| {
            let manifest = object(&tree.read(&written.path)?);
            let (present, new) = (version::parse(manifest.get("version")?.as_str()?)?, version::parse(&written.during)?);
            Some((manifest.get("name")?.as_str()?.to_owned(), (present, new)))
        })
        .collect();
    let asks = |(name, range): (&String, &Value)| {
        let (Some((present, new)), Some(range)) = (moved.get(name), range.as_str().and_then(VersionRange::parse)) else { return false };
        range.contains(present) && !range.contains(new)
    };
    packages.iter().filter_map(|folder| tree.read(&join(folder, "package.json"))).any(|other| {
        let other = object(&other);
        FIELDS.iter().filter_map(|field| other.get(field)?.as_object()).any(|asked| asked.iter().any(asks))
    })
}

#[cfg(test)]
impl ReleaseVersion {
    pub(super) fn sample() -> Self {
        Self { written: Vec::new(), version: Some("1.0.0".to_owned()), before: None, is_late: false }
    }
}

#[cfg(test)]
mod tests {
    use npm_pack::tree::MemoryTree;

    use super::*;

    fn asks(manifest: &str, other: &str, during: &str) -> bool {
        let tree = MemoryTree::new().file("a/package.json", manifest).file("b/package.json", other);
        let written = Written::of(&tree, "a/package.json", during, Some("1.0.0".to_owned()));
        someone_asks_for_the_present_one(&tree, &["a".to_owned(), "b".to_owned()], &written.into_iter().collect::<Vec<_>>())
    }

    #[test]
    fn a_sibling_asks_for_the_version_of_the_commit() {
        let manifest = r#"{"name":"a","version":"0.0.0"}"#;
        let asked = |range: &str| asks(manifest, &format!(r#"{{"devDependencies":{{"a":"{range}"}}}}"#), "20.1.0");
        assert!(asked("^0.0.0") && asked("0.0.0"));
        assert!(!asked("*") && !asked("workspace:*") && !asked("^20.0.0") && !asked("^1.0.0"));
        assert!(!asks(manifest, "[]", "20.1.0") && !asks("{}", "{}", "1.0.0"));
        assert!(asks(r#"{"name":"a","version":"7.1.0"}"#, r#"{"dependencies":{"a":"7.1.0"}}"#, "7.0.0"), "nor do they get an older one");
    }

    #[test]
    fn the_version_for_the_steps_and_the_packed_one_are_kept_apart() {
        let manifest = "{\n  \"version\": \"7.1.0\"\n}";
        let tree = MemoryTree::new().file("package.json", manifest);
        let written = Written::of(&tree, "package.json", "7.0.0", None).unwrap();
        assert_eq!(written.bytes, manifest.replace("7.1.0", "7.0.0").into_bytes());
        assert_eq!((written.during.as_str(), written.packed.as_str()), ("7.0.0", "7.1.0"));
        assert!(Written::of(&tree, "lerna.json", "7.0.0", None).is_none());
    }
}
