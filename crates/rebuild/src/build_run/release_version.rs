//! The published version in package.json, where the commit has another: release tools write it
//! there before they build.
//!
//! Before the installation, so that what this builds has it already; after it where other packages
//! of the repository ask for the version that the commit has: these would be looked for at the
//! registry then, and not be found.
//!
//! Where the published files were built before the version was raised, the other way round: the
//! versions of before are there while steps run, and the commit's, or the published one, where the
//! files are packed. What packages of the repository ask of each other in the judged version is
//! asked for in that of before meanwhile: a build that links them, or installs, looks for it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use npm_pack::tree::{DirTree, Tree};
use npm_spec::manifest;
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
    /// The commit's, with what the steps see.
    bytes: Vec<u8>,
    /// What it has while steps run, and what is packed.
    changes: Vec<Change>,
}

/// A text of a manifest that is another while steps run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Change {
    /// The keys that lead to it.
    place: Vec<String>,
    /// While steps run.
    during: String,
    /// When the files are packed.
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
                let moved = moved_names(tree, &before.manifests, judged);
                let ranges = ranges(&moved, judged, &before.version);
                let folders = packages.iter().map(|folder| join(folder, "package.json"));
                let paths: BTreeSet<String> = before.manifests.iter().cloned().chain(folders).collect();
                let version = |other: &String| {
                    let packed = (is_set && *other == path).then_some(judged);
                    before.manifests.contains(other).then_some((&before.version, packed))
                };
                paths.iter().filter_map(|path| Written::of(tree, path, version(path), &ranges)).collect()
            }
            None => Written::of(tree, &path, Some((judged, None)), &BTreeMap::new()).filter(|_| is_set).into_iter().collect(),
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
        self.set(tree, |change| &change.during)
    }

    /// Has the versions there that are packed.
    pub(super) fn before_packing(&self, tree: &DirTree) -> Result<(), SourceError> {
        self.set(tree, |change| &change.packed)
    }

    fn set(&self, tree: &DirTree, text: impl Fn(&Change) -> &str) -> Result<(), SourceError> {
        // Where it is written at the beginning, it is what is packed, too.
        for written in self.written.iter().filter(|_| self.before.is_some()) {
            let texts: BTreeMap<Vec<&str>, &str> =
                written.changes.iter().map(|change| (change.place.iter().map(String::as_str).collect(), text(change))).collect();
            let now = tree.read_up_to(&written.path, MAX_MANIFEST);
            if let Some(bytes) = now.and_then(|now| edit::with_texts(&now, &texts)) {
                detour::allowed(tree.replace(&written.path, &bytes, None))?;
            }
        }
        Ok(())
    }
}

impl Written {
    /// A manifest with a version for the steps, packed with another or else with its own, and with
    /// other ranges of packages; `None` where it has nothing of it.
    fn of(
        tree: &dyn Tree,
        path: &str,
        version: Option<(&String, Option<&String>)>,
        ranges: &BTreeMap<(&str, String), String>,
    ) -> Option<Self> {
        let manifest = tree.read(path)?;
        let parsed = object(&manifest);
        let mut changes = Vec::new();
        if let Some((during, packed)) = version {
            let own = parsed.get("version").and_then(Value::as_str);
            let packed = packed.map(String::as_str).or(own)?;
            changes.push(Change { place: vec!["version".to_owned()], during: during.clone(), packed: packed.to_owned() });
        }
        for field in FIELDS {
            for (name, range) in parsed.get(field).and_then(Value::as_object).into_iter().flatten() {
                let Some(packed) = range.as_str() else { continue };
                if let Some(during) = ranges.get(&(name.as_str(), packed.to_owned())) {
                    changes.push(Change { place: vec![field.to_owned(), name.clone()], during: during.clone(), packed: packed.to_owned() });
                }
            }
        }
        let texts: BTreeMap<Vec<&str>, &str> =
            changes.iter().map(|change| (change.place.iter().map(String::as_str).collect(), change.during.as_str())).collect();
        let bytes = edit::with_texts(&manifest, &texts);
        (!changes.is_empty()).then(|| Self { path: path.to_owned(), bytes: bytes.unwrap_or(manifest), changes })
    }

    /// The version that it has while steps run, if that is another.
    fn version(&self) -> Option<&str> {
        self.changes.iter().find(|change| change.place == ["version"]).map(|change| change.during.as_str())
    }
}

/// The names of the packages whose judged version gives way to the one before.
fn moved_names(tree: &dyn Tree, paths: &BTreeSet<String>, judged: &str) -> BTreeSet<String> {
    let name = |path: &String| {
        let manifest = object(&tree.read(path)?);
        let is_judged = manifest.get("version").and_then(Value::as_str) == Some(judged);
        manifest.get("name")?.as_str().filter(|_| is_judged).map(str::to_owned)
    };
    paths.iter().filter_map(name).collect()
}

/// Ranges of these packages by the judged version, as lerna and others write them, each with the
/// same by the version before.
fn ranges<'n>(names: &'n BTreeSet<String>, judged: &str, before: &str) -> BTreeMap<(&'n str, String), String> {
    let of = |name: &'n String| ["", "^", "~"].map(|sign| ((name.as_str(), format!("{sign}{judged}")), format!("{sign}{before}")));
    names.iter().flat_map(of).collect()
}

/// A manifest; `null` for what is none, or is too large to be read.
fn object(bytes: &[u8]) -> Value {
    manifest::read_up_to(bytes, manifest::LARGEST_PACKED).unwrap_or_default()
}

/// Whether a package asks for another by a range that its version in the commit is in, and the one
/// that is written is not.
fn someone_asks_for_the_present_one(tree: &dyn Tree, packages: &[String], written: &[Written]) -> bool {
    let moved: BTreeMap<String, (_, _)> = written
        .iter()
        .filter_map(|written| {
            let manifest = object(&tree.read(&written.path)?);
            let (present, new) = (version::parse(manifest.get("version")?.as_str()?)?, version::parse(written.version()?)?);
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
        let version = (&during.to_owned(), Some(&"1.0.0".to_owned()));
        let written = Written::of(&tree, "a/package.json", Some(version), &BTreeMap::new());
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
        let of = |path: &str| Written::of(&tree, path, Some((&"7.0.0".to_owned(), None)), &BTreeMap::new());
        let written = of("package.json").unwrap();
        assert_eq!(written.bytes, manifest.replace("7.1.0", "7.0.0").into_bytes());
        let change = written.changes.first().unwrap();
        assert_eq!((change.during.as_str(), change.packed.as_str()), ("7.0.0", "7.1.0"));
        assert!(of("lerna.json").is_none());
    }

    #[test]
    fn only_ranges_by_the_judged_version_of_packages_that_have_it_go_back() {
        let manifest = r#"{"version":"2.0.0","dependencies":{"a":"^7.1.0","b":"7.1.0","c":"^7.1.0"},"devDependencies":{"a":"~7.1.0"},"peerDependencies":{"a":">=7.1.0"}}"#;
        let other = r#"{"name":"c","version":"3.0.0"}"#;
        let tree = MemoryTree::new()
            .file("p/package.json", manifest)
            .file("a/package.json", r#"{"name":"a","version":"7.1.0"}"#)
            .file("b/package.json", r#"{"name":"b","version":"7.1.0"}"#)
            .file("c/package.json", other);
        let paths = ["a", "b", "c"].map(|folder| format!("{folder}/package.json")).into();
        let moved = moved_names(&tree, &paths, "7.1.0");
        let written = Written::of(&tree, "p/package.json", None, &ranges(&moved, "7.1.0", "7.0.0")).unwrap();
        let expected =
            manifest.replace(r#""a":"^7.1.0""#, r#""a":"^7.0.0""#).replace(r#""b":"7.1.0""#, r#""b":"7.0.0""#).replace("~7.1.0", "~7.0.0");
        assert_eq!(String::from_utf8(written.bytes).unwrap(), expected);
        assert!(Written::of(&tree, "c/package.json", None, &ranges(&moved, "7.1.0", "7.0.0")).is_none(), "nothing of it");
    }
}
