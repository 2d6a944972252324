//! What only the tarball of a package tells: what it brings with it, and whether what lies in
//! `node_modules` is what it has.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use npm_lockfile::Bundled;
use npm_registry::{Integrity, Published};
use npm_spec::manifest::LARGEST_PACKED;
use npm_tarball::{Archive, Entry, EntryKind, Limits};
use report::answer::Answer;
use report::json::PackageInfo;
use sha2::{Digest, Sha256};

use super::since::About;
use super::stated::Real;

/// Most differences of one folder that are told.
const MAX_DIFFERENCES: usize = 20;

/// Most folders below each other, and most files of one package, that are looked at.
const MAX_DEPTH: usize = 64;
const MAX_FILES: usize = 200_000;

/// What is to be looked up in one tarball.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// Of this package, as `name@version`.
    pub spec: String,
    /// The folders in which it lies, by their keys.
    pub(crate) folders: Vec<(String, PathBuf)>,
    /// What is said to lie in it, by its keys.
    pub(crate) bundled: Vec<(String, Bundled)>,
    /// The packages that it is said to ask for under other names: those, and their own.
    pub(crate) aliases: Vec<(String, String)>,
    /// It is the version before another one: a stored result of it says which commit it is from.
    pub is_before: bool,
}

/// What a tarball told.
#[derive(Debug, Default)]
pub struct Learned {
    pub(crate) spec: String,
    /// sha512 and sha1 of the tarball that was looked at.
    digests: Option<(String, String)>,
    /// How the folders differ from it, by their keys.
    pub(crate) differences: BTreeMap<String, Vec<String>>,
    /// The keys of what really lies in it.
    pub(crate) bundled: HashSet<String>,
    /// What it really asks for under other names.
    pub(crate) aliases: HashSet<(String, String)>,
    /// What the version says of itself.
    pub(crate) about: Option<About>,
    /// The repository and the commit from which it was reproduced.
    pub(crate) source: Option<(String, String)>,
    /// What a lockfile can say otherwise.
    pub(crate) real: Option<Real>,
    /// Why it could not be looked at.
    pub(crate) failed: Option<String>,
    /// Whether it was looked for.
    pub(crate) is_asked: bool,
}

impl Look {
    /// Looks it up in the tarball. Blocks the thread.
    pub fn at(self, published: &Published) -> Learned {
        let archive = match Archive::read(published.tarball.bytes.open(), &Limits::default()) {
            Ok(archive) => archive,
            Err(error) => return self.failed(error.to_string()),
        };
        let manifest = manifest_of(&archive, "package.json");
        let bundles = bundles(&manifest);
        let is_read = manifest.is_object();
        // By any case: the file systems of macOS and Windows take no account of it, and a client
        // asks them for the name.
        let is_gyp = |entry: &Entry| entry.kind == EntryKind::File && entry.path.eq_ignore_ascii_case("binding.gyp");
        let has_gyp = archive.entries().iter().any(is_gyp);
        let mut learned = Learned {
            spec: self.spec,
            about: Some(About::of(&published.release, (&manifest, is_read), has_gyp)),
            real: Some(Real::of(published, &archive, &manifest)),
            digests: Some((published.tarball.sha512.clone(), published.tarball.shasum.clone())),
            ..Learned::default()
        };
        // All that one package bundles has one list.
        let mut last: Option<(Arc<[String]>, bool)> = None;
        for (key, bundled) in self.bundled {
            let known = last.as_ref().filter(|(listed, _)| Arc::ptr_eq(listed, &bundled.listed)).map(|(_, is_true)| *is_true);
            let is_true = known.unwrap_or_else(|| !bundled.listed.is_empty() && bundled.listed.iter().all(|name| bundles.contains(name)));
            last = Some((Arc::clone(&bundled.listed), is_true));
            let own = manifest_of(&archive, &format!("{}/package.json", bundled.folder));
            let is_there = own.get("version").and_then(serde_json::Value::as_str) == Some(bundled.version.as_str());
            if is_there && is_true {
                learned.bundled.insert(key);
            }
        }
        learned.aliases.extend(self.aliases.into_iter().filter(|(alias, real)| asks(&manifest, alias, real)));
        let files = archive.entries().iter().filter(|entry| entry.kind == EntryKind::File);
        let files: BTreeMap<&str, &Entry> = files.map(|entry| (entry.path.as_str(), entry)).collect();
        for (key, folder) in self.folders {
            let found = differences(&folder, &files).unwrap_or_else(|error| vec![format!("it cannot be read: {error}")]);
            learned.differences.insert(key, found);
        }
        learned
    }

    /// Nothing could be looked up.
    pub fn failed(self, reason: String) -> Learned {
        Learned { spec: self.spec, failed: Some(reason), is_asked: true, ..Learned::default() }
    }

    /// Nothing was to be asked for.
    pub fn not_asked(self) -> Learned {
        let learned = self.failed("nothing is asked for with --offline".to_owned());
        Learned { is_asked: false, ..learned }
    }
}

impl Learned {
    /// Whether the tarball that was looked at is the one that was judged.
    pub(crate) fn is_of(&self, integrity: Option<&str>) -> bool {
        let Some((sha512, shasum)) = &self.digests else { return false };
        let judged = integrity.and_then(Integrity::parse).map(|judged| judged.text());
        judged.is_some_and(|judged| judged == *sha512 || Integrity::from_shasum(shasum).is_some_and(|own| own.text() == judged))
    }

    /// The same with what a stored result tells of its source.
    #[must_use]
    pub fn with_judged(self, answer: Option<&Answer>) -> Self {
        let Some(Answer::Judged { report, .. }) = answer else { return self };
        let origin = report.origin.as_ref().filter(|_| report.reproduced);
        Self { source: origin.map(|origin| (origin.repository.clone(), origin.commit.clone())), ..self }
    }

    /// Why nothing is known of what was judged; `None` if it is.
    pub(crate) fn reason(&self, package: &PackageInfo) -> Option<String> {
        let other = || (!self.is_of(package.integrity.as_deref())).then(|| "the registry serves another tarball now".to_owned());
        self.failed.clone().or_else(other)
    }
}

fn manifest_of(archive: &Archive, path: &str) -> serde_json::Value {
    let entry = archive.get(path).filter(|entry| entry.kind == EntryKind::File && entry.size <= LARGEST_PACKED);
    let content = entry.and_then(|entry| archive.content(entry).ok()).unwrap_or_default();
    npm_spec::manifest::read_up_to(&content, LARGEST_PACKED).unwrap_or_default()
}

/// Whether a package.json asks for a package under another name: `"alias": "npm:real@^1.0.0"`.
fn asks(manifest: &serde_json::Value, alias: &str, real: &str) -> bool {
    ["dependencies", "optionalDependencies", "peerDependencies"].iter().any(|kind| {
        let wanted = manifest.get(kind).and_then(|all| all.get(alias)).and_then(serde_json::Value::as_str);
        let behind = wanted.and_then(|wanted| wanted.strip_prefix("npm:")).and_then(|wanted| wanted.strip_prefix(real));
        behind.is_some_and(|behind| behind.is_empty() || behind.starts_with('@'))
    })
}

/// The names of what a package bundles; `true` stands for all that it needs.
fn bundles(manifest: &serde_json::Value) -> HashSet<String> {
    let mut all = HashSet::new();
    for key in ["bundleDependencies", "bundledDependencies"] {
        match manifest.get(key) {
            Some(serde_json::Value::Bool(true)) => {
                all.extend(
                    manifest.get("dependencies").and_then(serde_json::Value::as_object).into_iter().flatten().map(|(name, _)| name.clone()),
                );
            }
            Some(serde_json::Value::Array(names)) => all.extend(names.iter().filter_map(serde_json::Value::as_str).map(str::to_owned)),
            _ => {}
        }
    }
    all
}

/// How a folder differs from the files of a tarball. What lies in its `node_modules` and is not in
/// the tarball is of other packages.
fn differences(folder: &Path, files: &BTreeMap<&str, &Entry>) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut open = vec![(folder.to_owned(), String::new(), 0)];
    while let Some((folder, above, depth)) = open.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let (path, key, kind) = (entry.path(), format!("{above}{name}"), entry.file_type()?);
            let is_in_tarball = || {
                let below = format!("{key}/");
                files.range(below.as_str()..).next().is_some_and(|(path, _)| path.starts_with(&below))
            };
            let is_of_others = key == "node_modules" || key.strip_prefix("node_modules/").is_some_and(is_package);
            if kind.is_dir() {
                let goes_in = !is_of_others || is_in_tarball();
                if goes_in && depth < MAX_DEPTH {
                    open.push((path, format!("{key}/"), depth + 1));
                } else if goes_in {
                    found.push(format!("{key} lies too deep"));
                }
                continue;
            }
            if above == "node_modules/" || is_of_others && !is_in_tarball() && kind.is_symlink() {
                // Told where the folder of packages is read.
                continue;
            }
            match files.get(key.as_str()).filter(|_| kind.is_file()) {
                Some(_) if runs_as_owner(&entry.metadata()?) => found.push(format!("{key} runs as its owner or group")),
                Some(own) if is_same(&path, own)? => {}
                Some(_) => found.push(format!("{key} differs from the tarball")),
                None => found.push(format!("{key} is not in the tarball")),
            }
            seen.insert(key);
            if seen.len() > MAX_FILES || found.len() > MAX_DIFFERENCES {
                found.push("and more".to_owned());
                return Ok(found);
            }
        }
    }
    found.extend(files.keys().filter(|path| !seen.contains(**path)).take(MAX_DIFFERENCES).map(|path| format!("{path} is missing")));
    Ok(found)
}

/// Whether a path below `node_modules` is that of a package or of a scope.
fn is_package(path: &str) -> bool {
    let parts = path.split('/').count();
    parts == 1 || parts == 2 && path.starts_with('@')
}

/// Whether a file has the rights of its owner or of its group when it is run: no client gives it
/// these.
#[cfg(unix)]
fn runs_as_owner(about: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::mode(about) & 0o6000 != 0
}

#[cfg(not(unix))]
fn runs_as_owner(_: &fs::Metadata) -> bool {
    false
}

fn is_same(path: &Path, own: &Entry) -> io::Result<bool> {
    let file = File::open(path)?;
    if file.metadata()?.len() != own.size {
        return Ok(false);
    }
    let (mut reader, mut hasher, mut buffer) = (file.take(own.size + 1), Sha256::new(), vec![0; 1 << 16]);
    loop {
        let count = reader.read(&mut buffer)?;
        let Some(piece) = buffer.get(..count).filter(|piece| !piece.is_empty()) else { break };
        hasher.update(piece);
    }
    Ok(<[u8; 32]>::from(hasher.finalize()) == own.sha256)
}
