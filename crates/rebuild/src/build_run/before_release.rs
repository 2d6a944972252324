//! The versions that the package.json files had before the version that is judged was written:
//! where somebody builds first, and the release tool raises the version and publishes, the files
//! that the build made have the version before.
//!
//! They come from the commit's own history, along first parents: the last commit in which the
//! package had another version. Where the commit itself has another, because a release tool never
//! commits its own, it is that one. What was published says nothing of them.
//!
//! A version is a text of the publisher's, and no file of the judged commit has this one: it brings
//! nothing along. So it is a plain one, and one alone, and nothing else of the earlier commit
//! counts: every package.json that has the judged version gets it, as where a release tool raises
//! all of a repository together. Which of them had it then would be a bit for each.

use std::collections::BTreeSet;

use gix::ObjectId;
use gix::objs::tree::EntryKind;

use git::{GitError, Repository};
use npm_spec::manifest::{self, LARGEST};
use npm_spec::path::join;
use npm_spec::version;
use origin::Origin;
use origin::score::manifest_directories;

use super::moments::first_parents;
use super::run::MAX_MANIFESTS;

/// lerna keeps the version of all packages there, and builds read it.
const OF_ALL: &str = "lerna.json";

/// What stood in the package.json files before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BeforeRelease {
    /// The commit that has it.
    pub(super) commit: String,
    /// The package's version there.
    pub(super) version: String,
    /// The package.json files that get it, by path.
    pub(super) manifests: BTreeSet<String>,
}

impl BeforeRelease {
    /// The state before a version was written; `None` where history has none that is older.
    pub(super) fn find(repository: &mut Repository, origin: &Origin, judged: &str) -> Result<Option<Self>, GitError> {
        let own = join(origin.directory(), "package.json");
        // A folder of sources has none of its own: a build copies the root's beside what it makes.
        let path = if origin.listing.get(&own).is_some() { own } else { "package.json".to_owned() };
        let line: Vec<ObjectId> = first_parents(repository, origin.commit)?.into_iter().map(|(id, _)| id).collect();
        let there = repository.entries_at(&line, &path)?;
        let blobs = line.iter().map(|id| there.get(id).filter(|(kind, _)| is_file(*kind)).map(|(_, blob)| *blob));
        // What came before the package had a package.json says nothing of it.
        let blobs: Vec<ObjectId> = blobs.map_while(|blob| blob).collect();
        repository.ensure_blobs(blobs.iter().copied())?;
        for (commit, blob) in line.iter().zip(&blobs) {
            let before = version_of(repository, blob)?;
            if before.as_deref() == Some(judged) {
                continue;
            }
            let is_own = *commit == origin.commit;
            let Some(version) = before.filter(|before| is_older(before, judged) && (is_own || is_plain(before))) else { return Ok(None) };
            let mut manifests = BTreeSet::from([path]);
            if !is_own {
                manifests.extend(with_judged(repository, origin, judged)?);
            }
            return Ok(Some(Self { commit: commit.to_string(), version, manifests }));
        }
        Ok(None)
    }
}

/// The package.json files of the commit that is built, and lerna's file of all, that have the
/// judged version.
fn with_judged(repository: &mut Repository, origin: &Origin, judged: &str) -> Result<Vec<String>, GitError> {
    let manifests = manifest_directories(&origin.listing, MAX_MANIFESTS).into_iter().map(|folder| join(&folder, "package.json"));
    let blob = |path: String| origin.listing.get(&path).filter(|entry| is_file(entry.kind)).map(|entry| (entry.id, path));
    let there: Vec<(ObjectId, String)> = manifests.chain([OF_ALL.to_owned()]).filter_map(blob).collect();
    repository.ensure_blobs(there.iter().map(|(id, _)| *id))?;
    let mut found = Vec::new();
    for (id, path) in there {
        if version_of(repository, &id)?.as_deref() == Some(judged) {
            found.push(path);
        }
    }
    Ok(found)
}

fn is_file(kind: EntryKind) -> bool {
    matches!(kind, EntryKind::Blob | EntryKind::BlobExecutable)
}

/// The version in a manifest, if it is one. A larger one than is read has none.
fn version_of(repository: &mut Repository, manifest: &ObjectId) -> Result<Option<String>, GitError> {
    // The size first: a hundred kilobytes of a repository can unpack to gigabytes.
    Ok(repository.blob_up_to(manifest, LARGEST)?.as_deref().and_then(version_in))
}

fn version_in(manifest: &[u8]) -> Option<String> {
    let manifest: serde_json::Value = manifest::read(manifest)?;
    let version = manifest.get("version")?.as_str()?;
    version::parse(version).map(|_| version.to_owned())
}

/// Whether a version is three numbers of a few digits, and perhaps the usual word for one before a
/// release with a number: nothing that says more.
fn is_plain(version: &str) -> bool {
    const WORDS: [&str; 8] = ["alpha", "beta", "canary", "dev", "next", "pre", "preview", "rc"];
    let is_number = |text: &str| matches!(text.len(), 1..=6) && text.bytes().all(|byte| byte.is_ascii_digit());
    let (numbers, rest) = version.split_once('-').unwrap_or((version, ""));
    let (word, number) = rest.split_once('.').unwrap_or((rest, "0"));
    numbers.split('.').count() == 3 && numbers.split('.').all(is_number) && (rest.is_empty() || WORDS.contains(&word)) && is_number(number)
}

/// Whether a version comes before another.
pub(super) fn is_older(one: &str, other: &str) -> bool {
    version::parse(one).zip(version::parse(other)).is_some_and(|(one, other)| one < other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_versions_are_read_and_the_order_is_that_of_versions() {
        assert_eq!(version_in(br#"{"version":"7.0.0"}"#).as_deref(), Some("7.0.0"));
        for none in [r#"{"version":"$(id)"}"#, r#"{"version":7}"#, "{}", "no json"] {
            assert_eq!(version_in(none.as_bytes()), None, "{none}");
        }
        for plain in ["7.0.0", "10.200.3000", "7.1.0-rc.1", "7.1.0-beta"] {
            assert!(is_plain(plain), "{plain}");
        }
        for other in ["7.0.0-h20202020", "7.0.0-rc.1.2", "7.0.0-rc.1234567", "7.0.0+x", "7.0", "1234567.0.0", "7.0.0-rc."] {
            assert!(!is_plain(other), "{other}");
        }
        assert!(is_older("7.0.0", "7.1.0") && is_older("7.1.0-rc.1", "7.1.0") && is_older("9.0.0", "10.0.0"));
        assert!(!is_older("7.1.0", "7.1.0") && !is_older("8.0.0", "7.1.0") && !is_older("x", "7.1.0"));
    }
}
