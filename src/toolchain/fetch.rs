//! Getting a tool: from the shelf, else from the registry, by one process while the others wait.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;

use super::error::ToolchainError;
use super::index::{Index, Known, PublishedVersion};
use super::kind::{Kind, Platform};
use super::shelf::{Card, Hold, Shelf};
use super::unpack::{self, UnpackError};
use crate::http::{Cancel, Client, HttpError};
use crate::npmrc::NpmConfig;
use crate::registry::{self, Detail, IntegrityCheck, Release, ResolveOptions, Tarball, version};
use crate::spec::{Spec, Target};
use crate::store::CacheError;
use crate::store::lock::FileLock;

/// Largest tarball of a tool. Node 26 has some 60 MB.
const MAX_TARBALL: u64 = 256 << 20;
/// How long another process may take to fetch a tool before this one gives up.
const LONGEST_WAIT: Duration = Duration::from_secs(30 * 60);
/// How often a waiting run looks whether it should stop.
const LOOK: Duration = Duration::from_millis(100);
/// How often a tool may vanish between being made and being used.
const TRIES: usize = 3;

/// A tool that is there: a folder to mount read-only, and what to run in it.
#[derive(Debug, Clone)]
pub struct Tool {
    /// What it is.
    pub kind: Kind,
    /// Version.
    pub version: String,
    /// Its package's folder. Nothing in it is ever changed.
    pub root: PathBuf,
    /// What is run, as a path in `root`.
    pub entry: String,
    /// Whether `entry` is a program; else it is run as `node <entry>`.
    pub native: bool,
    /// The hash of the tarball that it came from.
    pub integrity: String,
    /// Keeps the tool where it is, also from `cache prune`, for as long as this lives.
    pub hold: Hold,
}

/// Where tools come from.
#[derive(Debug)]
pub struct Toolchains {
    client: Client,
    npm: NpmConfig,
    shelf: Shelf,
    cancel: Cancel,
    platform: Platform,
    memory: Mutex<HashMap<String, Index>>,
}

impl Toolchains {
    /// Tools for this machine, kept in `folder`. Touches nothing.
    pub fn new(client: Client, npm: &NpmConfig, folder: &Path, cancel: Cancel) -> Self {
        // The user's `before` is about what is installed, not about the tools of another time.
        let mut npm = npm.clone();
        npm.before = None;
        Self { client, npm, shelf: Shelf::at(folder), cancel, platform: Platform::host(), memory: Mutex::default() }
    }

    /// The tool of a kind and an exact version.
    pub async fn get(&self, kind: Kind, version: &str) -> Result<Tool, ToolchainError> {
        let version = version::clean(version)
            .ok_or_else(|| ToolchainError::NotPublished { tool: kind.spoken(), wanted: version.chars().take(80).collect() })?;
        let package = self.package(kind, &version)?;
        let integrity = self.known(kind, &package, &version).await?.integrity.ok_or_else(|| ToolchainError::Unverified {
            tool: kind.spoken(),
            version: version.clone(),
            detail: "the registry announces no hash".into(),
        })?;
        let name = Shelf::name(kind, &version, &package, &integrity);
        for _ in 0..TRIES {
            self.shelf.create()?;
            let lock = self.lock(&name, Mode::Share).await?;
            if let Some((card, root)) = self.shelf.find(&name) {
                self.shelf.touch(&name);
                let Card { version, entry, native, integrity, .. } = card;
                return Ok(Tool { kind, version, root, entry, native, integrity, hold: Hold::of(lock) });
            }
            drop(lock);
            let lock = self.lock(&name, Mode::Alone).await?;
            if self.shelf.find(&name).is_none() {
                self.fetch(kind, &version, &package, &name).await?;
            }
            drop(lock);
        }
        Err(CacheError::Busy { path: self.shelf.lock_file(&name), waited: Duration::ZERO }.into())
    }

    /// What is published of a kind for this platform, ascending. Kept in memory, and on disk for an hour.
    pub async fn versions(&self, kind: Kind) -> Result<Vec<PublishedVersion>, ToolchainError> {
        let package = kind
            .listed_in(self.platform)
            .ok_or_else(|| ToolchainError::Platform { tool: kind.spoken(), platform: self.platform.to_string() })?;
        let (index, file) = self.index(&package);
        if index.is_fresh(Timestamp::now()) {
            return Ok(index.versions);
        }
        let spec = Spec::parse(&package).map_err(|_| not_published(kind, "*"))?;
        let Target::Registry { name, .. } = spec.target() else { return Err(not_published(kind, "*")) };
        let asked = registry::history(name, None, &self.npm, &self.client, &self.options()).await;
        let packument = match asked {
            Ok(packument) => packument,
            // An old list is better than none: what was published stays.
            Err(registry::RegistryError::Http(error)) if !index.versions.is_empty() && is_of_network(&error) => return Ok(index.versions),
            // A registry of one's own may have no tools at all.
            Err(registry::RegistryError::PackageNotFound { .. } | registry::RegistryError::PackageUnpublished { .. }) => {
                return Err(not_published(kind, "*"));
            }
            Err(error) => return Err(self.explain(error)),
        };
        let mut index = index;
        index.list(&packument, Timestamp::now());
        self.remember(&package, &file, &index)?;
        Ok(index.versions)
    }

    /// `engines.node` of a published version.
    pub(super) async fn engines(&self, kind: Kind, version: &str) -> Result<Option<String>, ToolchainError> {
        let package = self.package(kind, version)?;
        Ok(self.known(kind, &package, version).await?.engines)
    }

    fn package(&self, kind: Kind, version: &str) -> Result<String, ToolchainError> {
        let missing = || ToolchainError::Platform { tool: kind.spoken(), platform: self.platform.to_string() };
        kind.package(version, self.platform).ok_or_else(missing)
    }

    /// What is known of one version, from earlier or from the registry.
    async fn known(&self, kind: Kind, package: &str, version: &str) -> Result<Known, ToolchainError> {
        let (mut index, file) = self.index(package);
        if let Some(known) = index.get(version) {
            return Ok(known.clone());
        }
        let known = Known::of(&self.release(kind, package, version).await?);
        index.learn(version, known.clone());
        self.remember(package, &file, &index)?;
        Ok(known)
    }

    async fn release(&self, kind: Kind, package: &str, version: &str) -> Result<Release, ToolchainError> {
        let spec = Spec::parse(&format!("{package}@{version}")).map_err(|_| not_published(kind, version))?;
        let release = registry::select(&spec, &self.npm, &self.client, &self.options()).await;
        release.map_err(|error| match error {
            registry::RegistryError::NoMatchingVersion { .. }
            | registry::RegistryError::VersionUnpublished { .. }
            | registry::RegistryError::PackageNotFound { .. } => not_published(kind, version),
            error => self.explain(error),
        })
    }

    /// Downloads and unpacks a tool. The caller has its lock for itself.
    async fn fetch(&self, kind: Kind, version: &str, package: &str, name: &str) -> Result<(), ToolchainError> {
        let release = self.release(kind, package, version).await?;
        let spec = Spec::parse(&format!("{package}@{version}")).map_err(|_| not_published(kind, version))?;
        let tarball = registry::download(&release, &spec, &self.npm, &self.client, &self.options()).await;
        let tarball = tarball.map_err(|error| self.explain(error))?;
        let unverified = |detail: String| ToolchainError::Unverified { tool: kind.spoken(), version: version.to_owned(), detail };
        match &tarball.check {
            IntegrityCheck::Matches(_) => {}
            IntegrityCheck::Mismatch { expected, actual } => {
                return Err(unverified(format!("the registry announces {expected}, and serves {actual}")));
            }
            IntegrityCheck::Missing => return Err(unverified("the registry announces no hash".into())),
        }
        let integrity = release.promised().map(|promised| promised.text()).unwrap_or_default();
        let (kept_in, cancel) = (self.shelf.clone(), self.cancel.clone());
        let (name, version, package) = (name.to_owned(), version.to_owned(), package.to_owned());
        let work = tokio::task::spawn_blocking(move || {
            kept_in.sweep()?;
            let made = make(&kept_in, &name, kind, &version, &package, &integrity, &tarball, &cancel);
            if made.is_err() {
                // The failure itself says more than one of cleaning up after it; the next run tries again.
                let _: Result<(), CacheError> = kept_in.abandon(&name);
            }
            made
        });
        work.await.map_err(|_| ToolchainError::Cancelled)?
    }

    /// Takes a tool's lock, however long another process needs to fetch it, unless the run is stopped.
    async fn lock(&self, name: &str, mode: Mode) -> Result<FileLock, ToolchainError> {
        let file = self.shelf.lock_file(name);
        let start = Instant::now();
        loop {
            if self.cancel.is_cancelled() {
                return Err(ToolchainError::Cancelled);
            }
            let path = file.clone();
            let attempt = tokio::task::spawn_blocking(move || match mode {
                Mode::Share => FileLock::share(&path, LOOK),
                Mode::Alone => FileLock::acquire(&path, LOOK),
            });
            match attempt.await.map_err(|_| ToolchainError::Cancelled)? {
                Err(CacheError::Busy { .. }) if start.elapsed() < LONGEST_WAIT => {}
                Err(CacheError::Busy { path, .. }) => return Err(CacheError::Busy { path, waited: start.elapsed() }.into()),
                taken => return Ok(taken?),
            }
        }
    }

    fn index(&self, package: &str) -> (Index, PathBuf) {
        let registry = self.npm.registry_for(package);
        let file = Index::file(self.shelf.folder(), registry.as_str(), package);
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        (memory.entry(package.to_owned()).or_insert_with(|| Index::read(&file)).clone(), file)
    }

    fn remember(&self, package: &str, file: &Path, index: &Index) -> Result<(), ToolchainError> {
        self.shelf.create()?;
        index.write(file)?;
        // As written, with what others have learnt.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).insert(package.to_owned(), Index::read(file));
        Ok(())
    }

    fn options(&self) -> ResolveOptions<'static> {
        ResolveOptions { detail: Detail::Lean, max_tarball: MAX_TARBALL, cancel: self.cancel.clone(), ..ResolveOptions::default() }
    }

    fn explain(&self, error: registry::RegistryError) -> ToolchainError {
        if self.cancel.is_cancelled() { ToolchainError::Cancelled } else { error.into() }
    }
}

#[derive(Debug, Clone, Copy)]
enum Mode {
    Share,
    Alone,
}

fn is_of_network(error: &HttpError) -> bool {
    error.is_transient() || matches!(error, HttpError::Dns { .. } | HttpError::Offline { .. })
}

fn not_published(kind: Kind, wanted: &str) -> ToolchainError {
    ToolchainError::NotPublished { tool: kind.spoken(), wanted: wanted.to_owned() }
}

#[expect(clippy::too_many_arguments, reason = "what a tool is, and where it goes")]
fn make(
    shelf: &Shelf,
    name: &str,
    kind: Kind,
    version: &str,
    package: &str,
    integrity: &str,
    tarball: &Tarball,
    cancel: &Cancel,
) -> Result<(), ToolchainError> {
    let unusable = |detail: String| ToolchainError::Unusable { tool: kind.spoken(), version: version.to_owned(), detail };
    let explain = |error: UnpackError| match error {
        UnpackError::Refused(detail) => unusable(detail),
        UnpackError::Broken(error) => unusable(format!("its tarball is broken: {error}")),
        UnpackError::Disk(path, error) => CacheError::writing(&path, error).into(),
        UnpackError::Stopped => ToolchainError::Cancelled,
    };
    let place = shelf.begin(name)?;
    let bytes = unpack::unpack(tarball.bytes.open(), &place, &|| cancel.is_cancelled()).map_err(explain)?;
    let (entry, native) = entry_of(kind, &place).ok_or_else(|| unusable("its package has no program of that name".into()))?;
    if native {
        unpack::make_executable(&place.join(&entry)).map_err(explain)?;
    }
    let (version, package, integrity) = (version.to_owned(), package.to_owned(), integrity.to_owned());
    let card = Card { kind: kind.as_str().to_owned(), version, package, integrity, entry, native, bytes };
    Ok(shelf.finish(name, &card)?)
}

/// What is run: the package's `bin` of the tool's name, else the program where these packages have it; and whether it is a
/// program of its own. The file is there.
fn entry_of(kind: Kind, place: &Path) -> Option<(String, bool)> {
    let manifest: Value = fs::read(place.join("package.json")).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok())?;
    let named = match manifest.get("bin") {
        Some(Value::String(path)) => Some(path.as_str()),
        Some(bin) => bin.get(kind.spoken()).and_then(Value::as_str),
        None => None,
    };
    let usual: &[&str] = match kind {
        Kind::Node => &["bin/node", "bin/node.exe"],
        Kind::Bun => &["bin/bun", "bin/bun.exe"],
        Kind::Pnpm => &["pnpm", "pnpm.exe"],
        Kind::Npm | Kind::Yarn | Kind::Berry => &[],
    };
    let inside = |path: &str| {
        let path = path.trim_start_matches("./").to_owned();
        let plain = path.split('/').all(|part| !matches!(part, "" | "." | "..")) && !path.contains(['\\', ':']);
        (plain && place.join(&path).is_file()).then_some(path)
    };
    let entry = named.into_iter().chain(usual.iter().copied()).find_map(inside)?;
    let script = [".js", ".cjs", ".mjs"].iter().any(|end| entry.ends_with(end));
    Some((entry, !script))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: Kind, manifest: &str, files: &[&str]) -> Option<(String, bool)> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("package.json"), manifest).unwrap();
        for file in files {
            fs::create_dir_all(folder.path().join(file).parent().unwrap()).unwrap();
            fs::write(folder.path().join(file), "").unwrap();
        }
        entry_of(kind, folder.path())
    }

    #[test]
    fn the_program_is_the_bin_of_the_tools_name() {
        let script = |path: &str| Some((path.to_owned(), false));
        let program = |path: &str| Some((path.to_owned(), true));
        assert_eq!(entry(Kind::Npm, r#"{"bin":{"npm":"./bin/npm-cli.js"}}"#, &["bin/npm-cli.js"]), script("bin/npm-cli.js"));
        assert_eq!(entry(Kind::Berry, r#"{"bin":{"yarn":"bin/yarn.js"}}"#, &["bin/yarn.js"]), script("bin/yarn.js"));
        assert_eq!(entry(Kind::Pnpm, r#"{"bin":{"pnpm":"bin/pnpm.mjs"}}"#, &["bin/pnpm.mjs"]), script("bin/pnpm.mjs"));
        assert_eq!(entry(Kind::Pnpm, "{}", &["pnpm"]), program("pnpm"));
        assert_eq!(entry(Kind::Node, r#"{"bin":{"node":"bin/node"}}"#, &["bin/node"]), program("bin/node"));
        assert_eq!(entry(Kind::Bun, "{}", &["bin/bun.exe"]), program("bin/bun.exe"));
    }

    #[test]
    fn a_program_that_is_not_in_the_package_is_none() {
        assert_eq!(entry(Kind::Npm, r#"{"bin":{"npm":"../../etc/passwd"}}"#, &[]), None);
        assert_eq!(entry(Kind::Npm, r#"{"bin":{"npm":"cli.js"}}"#, &[]), None);
        assert_eq!(entry(Kind::Npm, r#"{"bin":{"npx":"npx.js"}}"#, &["npx.js"]), None);
    }
}
