//! What is served in place of a package that the registry does not have: the nearest version of its
//! line, or an empty one.
//!
//! Most of what a lockfile names is for lint and tests, and a package that was unpublished years
//! ago must not stop a build that never reads it. A stand-in is asked for only after an
//! installation failed for it, and is listed in the result; if the build did need the package
//! itself, its files differ or are not there.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::sync::Arc;

use base64::Engine as _;
use flate2::{Compression, GzBuilder};
use serde_json::{Map, Value, json};
use sha1::Sha1;
use sha2::{Digest as _, Sha512};

use npm_spec::{PackageName, version};

/// Majors and minors for which a stand-in has a version, so that ranges nobody knows of here find
/// one.
const LINES: u64 = 60;

/// Most packages and versions that others stand in for in one build.
const MOST: usize = 10_000;

/// Most near versions that stand in for others in one build, and most bytes of theirs: they stay in
/// memory until it is done.
const MOST_NEAR: usize = 1_000;
const MOST_NEAR_BYTES: usize = 256 << 20;

/// The version of what stands in for a git repository.
const GIT_VERSION: &str = "0.0.0";

/// What stands in for what is gone.
#[derive(Debug, Clone, Default)]
pub struct StandIns {
    /// Packages (`name`) and versions (`name@version`) that the registry does not have.
    gone: BTreeSet<String>,
    /// Versions that a near one stands in for, by `name@version`.
    near: BTreeMap<String, Near>,
    /// What was asked for of them, with the version in its place.
    handed_out: BTreeMap<String, Option<String>>,
}

/// A near version in place of one that is gone.
#[derive(Debug, Clone)]
pub(super) struct Near {
    /// Which version it is.
    pub(super) version: String,
    /// The integrity of that version's own tarball.
    pub(super) sha512: String,
    pub(super) stand_in: Arc<StandIn>,
}

impl StandIns {
    /// Adds what is gone.
    pub(super) fn add(&mut self, gone: impl IntoIterator<Item = (String, Option<Near>)>) {
        for (name, near) in gone {
            if let Some(near) = near {
                self.near.insert(name.clone(), near);
            }
            self.gone.insert(name);
        }
    }

    /// Takes back that a version is gone.
    pub(super) fn remove(&mut self, wanted: &str) {
        self.near.remove(wanted);
        self.gone.remove(wanted);
    }

    /// The digest of what is handed out for what.
    pub(super) fn digest(&self) -> String {
        let near = self.near.iter().map(|(wanted, near)| (wanted, &near.version, &near.stand_in.integrity));
        let said = json!([self.gone, near.collect::<Vec<_>>()]).to_string();
        hex::encode(Sha512::digest(said))
    }

    /// Whether another near version can be kept.
    pub(super) fn has_room(&self) -> bool {
        let bytes: usize = self.near.values().map(|near| near.stand_in.tarball.len()).sum();
        self.near.len() < MOST_NEAR && bytes < MOST_NEAR_BYTES
    }

    /// The near version that stands in for one.
    pub(super) fn near_one(&self, wanted: &str) -> Option<Near> {
        self.near.get(wanted).cloned()
    }

    /// What was handed out, by `name@version`, with the version in its place; none for an empty
    /// package.
    pub(super) fn handed_out(&self) -> &BTreeMap<String, Option<String>> {
        &self.handed_out
    }

    /// What is handed out for a version; `None` if it is not gone.
    pub(super) fn hand_out(&mut self, name: &str, version: &str) -> Option<Arc<StandIn>> {
        let stand_in = self.of(name, version)?;
        let wanted = format!("{name}@{version}");
        let near = self.near.get(&wanted).map(|near| near.version.clone());
        self.note(wanted, near).then_some(stand_in)
    }

    /// What is handed out for a dependency on a git repository, which no build reaches.
    pub(super) fn hand_out_for_git(&mut self, name: &str) -> Option<StandIn> {
        let stand_in = StandIn::of(name, GIT_VERSION)?;
        self.note(format!("{name}@git"), None).then_some(stand_in)
    }

    /// Notes what is handed out; false where a build asks for more than any project has.
    fn note(&mut self, wanted: String, near: Option<String>) -> bool {
        let has_room = self.handed_out.len() < MOST || self.handed_out.contains_key(&wanted);
        if has_room {
            self.handed_out.insert(wanted, near);
        }
        has_room
    }

    /// Whether all versions of a package are gone.
    pub(super) fn whole(&self, name: &str) -> bool {
        self.gone.contains(name)
    }

    /// Whether a version of a package that the registry has is gone.
    pub(super) fn has(&self, name: &str, version: &str) -> bool {
        self.gone.contains(&format!("{name}@{version}"))
    }

    /// What stands in for a version; `None` if it is not gone.
    pub(super) fn of(&self, name: &str, version: &str) -> Option<Arc<StandIn>> {
        if let Some(near) = self.near.get(&format!("{name}@{version}")) {
            return Some(Arc::clone(&near.stand_in));
        }
        if !self.whole(name) && !self.has(name, version) {
            return None;
        }
        StandIn::of(name, version).map(Arc::new)
    }
}

/// A package of one name and version, made here.
#[derive(Debug, Clone)]
pub(super) struct StandIn {
    /// The tarball.
    pub(super) tarball: Vec<u8>,
    /// Its integrity, sha512.
    pub(super) integrity: String,
    /// Its sha1, in hex.
    pub(super) shasum: String,
}

impl StandIn {
    /// An empty one: the same bytes for the same name and version; `None` where these are not such
    /// as a registry could have.
    pub(super) fn of(name: &str, version: &str) -> Option<Self> {
        PackageName::parse(name).ok()?;
        version::parse(version)?;
        Some(Self::made_of(pack(name, version).ok()?))
    }

    /// A tarball with its digests.
    pub(super) fn made_of(tarball: Vec<u8>) -> Self {
        let integrity = integrity_of(&tarball);
        let shasum = hex::encode(Sha1::digest(&tarball));
        Self { tarball, integrity, shasum }
    }
}

fn integrity_of(bytes: &[u8]) -> String {
    integrity(&Sha512::digest(bytes))
}

/// A SHA-512 as npm writes it.
fn integrity(digest: &[u8]) -> String {
    format!("sha512-{}", base64::engine::general_purpose::STANDARD.encode(digest))
}

/// The bytes of a file from where it stands, and what they hash to, as npm writes it.
pub(super) fn measured(mut file: impl Read) -> io::Result<(u64, String)> {
    let (mut hash, mut length) = (Sha512::new(), 0);
    let mut piece = vec![0; 64 << 10];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok((length, integrity(&hash.finalize()))),
            read => {
                hash.update(piece.get(..read).unwrap_or_default());
                length += read as u64;
            }
        }
    }
}

fn pack(name: &str, version: &str) -> io::Result<Vec<u8>> {
    let manifest = json!({ "name": name, "version": version, "description": "stands in for a package that the registry does not have" });
    let manifest = manifest.to_string();
    let mut header = tar::Header::new_ustar();
    header.set_path("package/package.json")?;
    header.set_size(manifest.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    let gzip = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best());
    let mut archive = tar::Builder::new(gzip);
    archive.append(&header, manifest.as_bytes())?;
    archive.into_inner()?.finish()
}

/// The packument of stand-ins: the versions that are known to be wanted, and one for each line.
pub(super) fn packument(name: &str, wanted: &BTreeSet<String>, registry: &str) -> Vec<u8> {
    let lines = (0..LINES).flat_map(|line| [format!("0.{line}.999"), format!("{line}.999.999")]);
    let all: BTreeSet<String> = wanted.iter().cloned().chain(lines).collect();
    let base = name.rsplit('/').next().unwrap_or(name);
    let mut versions = Map::new();
    for version in all {
        let Some(stand_in) = StandIn::of(name, &version) else { continue };
        let tarball = format!("{registry}{name}/-/{base}-{version}.tgz");
        let dist = json!({ "tarball": tarball, "integrity": stand_in.integrity, "shasum": stand_in.shasum });
        versions.insert(version.clone(), json!({ "name": name, "version": version, "dist": dist }));
    }
    let latest = Value::from(format!("{}.999.999", LINES - 1));
    json!({ "name": name, "dist-tags": { "latest": latest }, "versions": versions }).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stand_in_is_the_same_every_time_and_one_of_a_name_and_version() {
        let (first, again) = (StandIn::of("@s/a", "1.2.3").unwrap(), StandIn::of("@s/a", "1.2.3").unwrap());
        assert_eq!((first.integrity.as_str(), first.shasum.len()), (again.integrity.as_str(), 40));
        assert_ne!(first.integrity, StandIn::of("@s/a", "1.2.4").unwrap().integrity);
        assert!(StandIn::of("../x", "1.0.0").is_none() && StandIn::of("a", "latest").is_none());
    }

    #[test]
    fn its_packument_has_what_is_wanted_and_something_for_any_range() {
        let document: Value = serde_json::from_slice(&packument("a", &BTreeSet::from(["3.1.4".to_owned()]), "http://r/")).unwrap();
        for version in ["3.1.4", "0.7.999", "12.999.999"] {
            assert!(document["versions"][version]["dist"]["integrity"].is_string(), "{version}");
        }
    }
}
