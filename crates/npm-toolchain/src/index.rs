//! What the registry lists of a tool: versions for a while, hashes and engines for good.
//!
//! A list of versions is asked for again after an hour; what one published version is, never
//! changes. Both are kept beside the tools, one file for each package of each registry, so that a
//! second run needs no network. A file that cannot be read counts as none: everything in it can be
//! asked for again.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use npm_registry::{Packument, Release};
use npm_spec::version;
use store::CacheError;
use store::folders::{self, safe_name};

/// How long a list of versions counts, in seconds.
const FRESH: i64 = 60 * 60;
/// Largest file that is read.
const MAX_FILE: u64 = 16 << 20;
/// Longest text of `engines` that is kept.
const MAX_ENGINES: usize = 512;
/// Longest name of a publisher, in characters, and most of them.
const MAX_NAME: usize = 100;
const MAX_MAINTAINERS: usize = 10;

/// A version that can be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedVersion {
    /// The version.
    pub version: String,
    /// When it was published, as the registry says; a mirror's time may be its own.
    pub time: Option<String>,
}

impl PublishedVersion {
    /// Its time, where that is one.
    pub(super) fn at(&self) -> Option<Timestamp> {
        self.time.as_deref()?.parse().ok()
    }
}

/// What is known of one version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    /// The hash that the registry promises.
    pub(super) integrity: Option<String>,
    /// `engines.node` of its package.json.
    pub(super) engines: Option<String>,
    /// Who published it, by the registry's word.
    #[serde(default)]
    pub(super) publisher: Option<String>,
}

impl Known {
    /// What a release says.
    pub(super) fn of(release: &Release) -> Self {
        let engines = release.manifest.as_ref().and_then(|manifest| manifest.get("engines"));
        // npm's own early versions have a list with one entry.
        let node = engines.and_then(|engines| engines.get("node").or_else(|| engines.get(0))).and_then(serde_json::Value::as_str);
        let node = node.map(|text| text.strip_prefix("node ").unwrap_or(text));
        Self {
            integrity: release.promised().map(|promised| promised.text()),
            engines: node.filter(|text| text.len() <= MAX_ENGINES).map(str::to_owned),
            publisher: release.manifest.as_ref().and_then(publisher),
        }
    }
}

/// The account that published a version; else those that may.
fn publisher(manifest: &serde_json::Value) -> Option<String> {
    let name = |account: &serde_json::Value| {
        let text = account.get("name").unwrap_or(account).as_str()?;
        let text: String = text.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
        (!text.is_empty()).then_some(text)
    };
    manifest.get("_npmUser").and_then(name).or_else(|| {
        let all = manifest.get("maintainers")?.as_array()?.iter().take(MAX_MAINTAINERS).filter_map(name).collect::<Vec<_>>();
        (!all.is_empty()).then(|| all.join(", "))
    })
}

/// What is known of one package.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Index {
    /// When the versions were asked for, in seconds since 1970.
    listed: Option<i64>,
    /// Ascending.
    pub(super) versions: Vec<PublishedVersion>,
    known: BTreeMap<String, Known>,
}

impl Index {
    /// The file for a package of a registry.
    pub(super) fn file(folder: &Path, registry: &str, package: &str) -> PathBuf {
        folder.join("index").join(format!("{}.json", safe_name(&format!("{registry}{package}"))))
    }

    /// Reads a file; an empty index where there is none that can be read.
    pub(super) fn read(file: &Path) -> Self {
        let small = std::fs::metadata(file).is_ok_and(|found| found.is_file() && found.len() <= MAX_FILE);
        if !small {
            return Self::default();
        }
        std::fs::read(file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    /// Whether the list of versions still counts.
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        self.listed.is_some_and(|listed| (0..FRESH).contains(&(now.as_second() - listed)))
    }

    /// Takes a packument's versions.
    pub(super) fn list(&mut self, packument: &Packument, now: Timestamp) {
        let entries = packument.versions.iter().filter_map(|entry| {
            let version = version::clean(&entry.version)?;
            Some(PublishedVersion { time: packument.times.get(&entry.version).cloned(), version })
        });
        self.versions = entries.collect();
        self.versions.sort_by(|a, b| version::compare(&a.version, &b.version));
        self.listed = Some(now.as_second());
    }

    /// What is known of a version.
    pub(super) fn get(&self, version: &str) -> Option<&Known> {
        self.known.get(version)
    }

    /// Learns of a version.
    pub(super) fn learn(&mut self, version: &str, known: Known) {
        self.known.insert(version.to_owned(), known);
    }

    /// Writes the file anew, with what another process has learnt meanwhile. Renamed into place:
    /// readers see one or the other.
    pub(super) fn write(&self, file: &Path) -> Result<(), CacheError> {
        let mut whole = Self::read(file);
        let other = std::mem::take(&mut whole.known);
        let mut whole = if whole.listed > self.listed { whole } else { self.clone() };
        whole.known = other;
        whole.known.extend(self.known.clone());
        let folder = file.parent().unwrap_or_else(|| Path::new("."));
        folders::create(folder)?;
        let written = || -> std::io::Result<()> {
            let mut draft = tempfile::NamedTempFile::new_in(folder)?;
            draft.write_all(&serde_json::to_vec(&whole)?)?;
            draft.persist(file).map_err(|error| error.error)?;
            Ok(())
        };
        written().map_err(|error| CacheError::writing(file, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_processes_learn_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = Index::file(folder.path(), "https://registry.example/", "npm");
        let (mut one, mut two) = (Index::read(&file), Index::read(&file));
        one.learn("1.0.0", Known { integrity: Some("sha512-a".into()), ..Known::default() });
        two.learn("2.0.0", Known { engines: Some(">=4".into()), ..Known::default() });
        one.write(&file).unwrap();
        two.write(&file).unwrap();
        let read = Index::read(&file);
        assert_eq!(read.get("1.0.0").unwrap().integrity.as_deref(), Some("sha512-a"));
        assert_eq!(read.get("2.0.0").unwrap().engines.as_deref(), Some(">=4"));
    }

    #[test]
    fn a_publisher_is_an_account_or_those_that_may_publish() {
        let of = |text: &str| publisher(&serde_json::from_str(text).unwrap());
        assert_eq!(of(r#"{"_npmUser":{"name":"kit"},"maintainers":[{"name":"b"}]}"#).as_deref(), Some("kit"));
        assert_eq!(of(r#"{"maintainers":[{"name":"a\u001b[2J"},"b <b@example.test>",7]}"#).as_deref(), Some("a[2J, b <b@example.test>"));
        assert_eq!(of(r#"{"maintainers":[]}"#), None);
        assert_eq!(of(&format!(r#"{{"_npmUser":{{"name":"{}"}}}}"#, "x".repeat(1000))).unwrap().len(), MAX_NAME);
    }

    #[test]
    fn a_list_counts_for_an_hour_and_not_from_the_future() {
        let now: Timestamp = "2024-01-01T12:00:00Z".parse().unwrap();
        let mut index = Index::default();
        assert!(!index.is_fresh(now));
        index.list(&Packument::default(), now);
        assert!(index.is_fresh(now));
        assert!(!index.is_fresh("2024-01-01T13:00:00Z".parse().unwrap()));
        assert!(!index.is_fresh("2024-01-01T11:00:00Z".parse().unwrap()));
    }

    #[test]
    fn a_damaged_file_counts_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.json");
        std::fs::write(&file, "{\"listed\": ").unwrap();
        assert!(Index::read(&file).versions.is_empty());
    }
}
