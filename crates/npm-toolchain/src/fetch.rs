//! Getting a tool: from the shelf, else from where it is published, by one process while the others
//! wait.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;

use http::{Cancel, Client, HttpError};
use npm_registry::{self, Detail, IntegrityCheck, Release, ResolveOptions, Spool};
use npm_spec::tool::{Kind, Platform};
use npm_spec::{Spec, Target, version};
use npmrc::NpmConfig;
use store::CacheError;
use store::lock::FileLock;

use super::content;
use super::dist::{Asking, Distribution, Signed};
use super::error::ToolchainError;
use super::index::{Index, Known, PublishedVersion};
use super::shelf::{Card, Hold, Shelf};
use super::unpack::{self, UnpackError};

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
    /// The package that it came in, or the file of a distribution.
    pub package: String,
    /// The registry or the distribution, without credentials.
    pub from: String,
    /// The hash of the tarball that it came from.
    pub integrity: String,
    /// sha256 over all of its files, as they are on disk.
    pub digest: String,
    /// sha256 of `entry`.
    pub program: String,
    /// Who published it, as the registry or the key that signed it says.
    pub publisher: Option<String>,
    /// The key that signed it; none for what a registry has.
    pub key: Option<String>,
    /// Whether what was on the shelf was not what had been put there, so that it was fetched anew.
    pub refetched: bool,
    /// Of a distribution's Node: whether the registry's copy has the same program; none where the
    /// registry has none to compare.
    pub registry_agrees: Option<bool>,
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
    /// Where Node comes from, if not from the registry.
    distribution: Option<Arc<Distribution>>,
    /// Tools that were read in this run and are as they were unpacked, by their names, with the
    /// state of their folders then.
    believed: Mutex<HashMap<String, String>>,
}

/// Where one tool comes from.
enum Place<'a> {
    Registry,
    Distribution(&'a Distribution, Signed),
}

impl Toolchains {
    /// Tools for this machine, kept in `folder`. Touches nothing.
    pub fn new(client: Client, npm: &NpmConfig, folder: &Path, cancel: Cancel, distribution: Option<Arc<Distribution>>) -> Self {
        // The user's `before` is about what is installed, not about the tools of another time.
        let mut npm = npm.clone();
        npm.before = None;
        let (memory, believed) = (Mutex::default(), Mutex::default());
        Self { client, npm, shelf: Shelf::at(folder), cancel, platform: Platform::host(), memory, distribution, believed }
    }

    /// The address of the distribution that Node comes from, if it does not come from the registry.
    pub fn distribution(&self) -> Option<&str> {
        self.distribution.as_deref().map(Distribution::address)
    }

    /// The tool of a kind and an exact version.
    pub async fn get(&self, kind: Kind, version: &str) -> Result<Tool, ToolchainError> {
        if self.cancel.is_cancelled() {
            return Err(ToolchainError::Cancelled);
        }
        let version = version::clean(version)
            .ok_or_else(|| ToolchainError::NotPublished { tool: kind.spoken(), wanted: version.chars().take(80).collect() })?;
        match self.distribution.as_deref().filter(|_| kind == Kind::Node) {
            None => self.of_registry(kind, &version).await,
            Some(distribution) => {
                // A machine that none of the project's builds runs on is told so by the same rule.
                self.package(kind, &version)?;
                let signed = distribution.signed(&version, self.platform, &self.asking()).await?;
                let (url, by) = (signed.url.to_string(), signed.signer.clone());
                let label = Card {
                    package: signed.file.clone(),
                    from: distribution.address().to_owned(),
                    integrity: signed.integrity.clone(),
                    publisher: by.name,
                    key: Some(by.key),
                    ..Card::of(kind, &version)
                };
                let name = Shelf::name(kind, &version, &url, &signed.integrity);
                let tool = self.shelved(kind, &name, &label, &Place::Distribution(distribution, signed)).await?;
                let registry_agrees = self.compared(&tool).await?;
                Ok(Tool { registry_agrees, ..tool })
            }
        }
    }

    async fn of_registry(&self, kind: Kind, version: &str) -> Result<Tool, ToolchainError> {
        let package = self.package(kind, version)?;
        let known = self.known(kind, &package, version).await?;
        let integrity = known.integrity.ok_or_else(|| ToolchainError::Unverified {
            tool: kind.spoken(),
            version: version.to_owned(),
            detail: "the registry announces no hash".into(),
        })?;
        let name = Shelf::name(kind, version, &package, &integrity);
        let from = verdict::without_secrets(self.npm.registry_for(&package).as_str());
        let label = Card { package, from, integrity, publisher: known.publisher, ..Card::of(kind, version) };
        self.shelved(kind, &name, &label, &Place::Registry).await
    }

    /// Whether the registry's copy of a distribution's Node has the same program; none where it has
    /// none.
    async fn compared(&self, tool: &Tool) -> Result<Option<bool>, ToolchainError> {
        match self.of_registry(tool.kind, &tool.version).await {
            Ok(other) => Ok(Some(other.program == tool.program)),
            Err(ToolchainError::Unverified { .. } | ToolchainError::Unusable { .. }) => Ok(Some(false)),
            Err(error @ (ToolchainError::Cancelled | ToolchainError::Cache(_))) => Err(error),
            // A registry without it, or out of reach, says nothing.
            Err(_) => Ok(None),
        }
    }

    /// A tool from the shelf, which is put there first where it is missing or not what was put
    /// there.
    async fn shelved(&self, kind: Kind, name: &str, label: &Card, place: &Place<'_>) -> Result<Tool, ToolchainError> {
        let mut refetched = false;
        for _ in 0..TRIES {
            self.shelf.create()?;
            let lock = self.lock(name, Mode::Share).await?;
            if let Some((card, root)) = self.believed(name, label).await? {
                self.shelf.touch(name);
                let Card { version, entry, native, digest, program, .. } = card;
                let Card { package, from, integrity, publisher, key, .. } = label.clone();
                let hold = Hold::of(lock);
                let registry_agrees = None;
                return Ok(Tool {
                    kind,
                    version,
                    root,
                    entry,
                    native,
                    package,
                    from,
                    integrity,
                    digest,
                    program,
                    publisher,
                    key,
                    refetched,
                    registry_agrees,
                    hold,
                });
            }
            drop(lock);
            let lock = self.lock(name, Mode::Alone).await?;
            if self.believed(name, label).await?.is_none() {
                // What an earlier version of this program put there has no digest to compare with.
                refetched |= self.shelf.find(name).is_some_and(|(card, _)| !card.digest.is_empty());
                self.fetch(kind, name, label, place).await?;
            }
            drop(lock);
        }
        Err(CacheError::Busy { path: self.shelf.lock_file(name), waited: Duration::ZERO }.into())
    }

    /// What is on the shelf under a name, if it is whole, of this label, and to the last byte what
    /// was unpacked there. The caller has its lock.
    async fn believed(&self, name: &str, label: &Card) -> Result<Option<(Card, PathBuf)>, ToolchainError> {
        let Some((card, root)) = self.shelf.find(name) else { return Ok(None) };
        if (&card.kind, &card.version, &card.package, &card.integrity) != (&label.kind, &label.version, &label.package, &label.integrity) {
            return Ok(None);
        }
        let before = self.believed.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        let (folder, expected, cancel) = (root.clone(), card.clone(), self.cancel.clone());
        let look = tokio::task::spawn_blocking(move || {
            // A folder that cannot be read through is not what was unpacked.
            let stamp = content::stamp(&folder).ok()?;
            let known = before.as_ref() == Some(&stamp);
            let same = known
                || content::read(&folder, &expected.entry, &|| cancel.is_cancelled())
                    .is_ok_and(|content| content.digest == expected.digest && content.program == expected.program);
            same.then_some(stamp)
        });
        let looked = look.await.map_err(|_| ToolchainError::Cancelled)?;
        if looked.is_none() && self.cancel.is_cancelled() {
            // It was not read to its end, and is not for that another one.
            return Err(ToolchainError::Cancelled);
        }
        let Some(stamp) = looked else { return Ok(None) };
        self.believed.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), stamp);
        Ok(Some((card, root)))
    }

    /// What is published of a kind for this platform, ascending. Kept in memory, and on disk for an
    /// hour.
    pub async fn versions(&self, kind: Kind) -> Result<Vec<PublishedVersion>, ToolchainError> {
        let package = kind
            .listed_in(self.platform)
            .ok_or_else(|| ToolchainError::Platform { tool: kind.spoken(), platform: self.platform.to_string() })?;
        if let Some(distribution) = self.distribution.as_deref().filter(|_| kind == Kind::Node) {
            return distribution.versions(self.platform, &self.asking()).await;
        }
        let (index, file) = self.index(&package);
        if index.is_fresh(Timestamp::now()) {
            return Ok(index.versions);
        }
        let spec = Spec::parse(&package).map_err(|_| not_published(kind, "*"))?;
        let Target::Registry { name, .. } = spec.target() else { return Err(not_published(kind, "*")) };
        let asked = npm_registry::history(name, None, &self.npm, &self.client, &self.options()).await;
        let packument = match asked {
            Ok(packument) => packument,
            // An old list is better than none: what was published stays.
            Err(npm_registry::RegistryError::Http(error)) if !index.versions.is_empty() && is_of_network(&error) => {
                return Ok(index.versions);
            }
            // A registry of one's own may have no tools at all.
            Err(npm_registry::RegistryError::PackageNotFound { .. } | npm_registry::RegistryError::PackageUnpublished { .. }) => {
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
        let release = npm_registry::select(&spec, &self.npm, &self.client, &self.options()).await;
        release.map_err(|error| match error {
            npm_registry::RegistryError::NoMatchingVersion { .. }
            | npm_registry::RegistryError::VersionUnpublished { .. }
            | npm_registry::RegistryError::PackageNotFound { .. } => not_published(kind, version),
            error => self.explain(error),
        })
    }

    /// Downloads and unpacks a tool. The caller has its lock for itself.
    async fn fetch(&self, kind: Kind, name: &str, label: &Card, place: &Place<'_>) -> Result<(), ToolchainError> {
        let tarball = match place {
            Place::Registry => self.tarball(kind, label).await?,
            Place::Distribution(distribution, signed) => distribution.download(signed, &label.version, MAX_TARBALL, &self.asking()).await?,
        };
        let (kept_in, cancel, name, label) = (self.shelf.clone(), self.cancel.clone(), name.to_owned(), label.clone());
        let work = tokio::task::spawn_blocking(move || {
            kept_in.sweep()?;
            let made = make(&kept_in, kind, (&name, label), &tarball, &cancel);
            if made.is_err() {
                // The failure itself says more than one of cleaning up after it; the next run tries
                // again.
                let _: Result<(), CacheError> = kept_in.abandon(&name);
            }
            made
        });
        work.await.map_err(|_| ToolchainError::Cancelled)?
    }

    /// The registry's tarball, if it is the one that was announced: now, and when this version was
    /// first asked for.
    async fn tarball(&self, kind: Kind, label: &Card) -> Result<Spool, ToolchainError> {
        let Card { package, version, integrity, .. } = label;
        let release = self.release(kind, package, version).await?;
        let unverified = |detail: String| ToolchainError::Unverified { tool: kind.spoken(), version: version.to_owned(), detail };
        match release.promised().map(|promised| promised.text()) {
            Some(promised) if promised != *integrity => {
                return Err(unverified(format!("the registry announces {promised}, and announced {integrity} before")));
            }
            _ => {}
        }
        let spec = Spec::parse(&format!("{package}@{version}")).map_err(|_| not_published(kind, version))?;
        let tarball = npm_registry::download(&release, &spec, &self.npm, &self.client, &self.options()).await;
        let tarball = tarball.map_err(|error| self.explain(error))?;
        match &tarball.check {
            IntegrityCheck::Matches(_) => Ok(tarball.bytes),
            IntegrityCheck::Mismatch { expected, actual } => {
                Err(unverified(format!("the registry announces {expected}, and serves {actual}")))
            }
            IntegrityCheck::Missing => Err(unverified("the registry announces no hash".into())),
        }
    }

    /// Takes a tool's lock, however long another process needs to fetch it, unless the run is
    /// stopped.
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

    fn asking(&self) -> Asking<'_> {
        Asking { client: &self.client, cancel: &self.cancel }
    }

    fn options(&self) -> ResolveOptions<'static> {
        ResolveOptions { detail: Detail::Lean, max_tarball: MAX_TARBALL, cancel: self.cancel.clone(), ..ResolveOptions::default() }
    }

    /// The same error, in the words of this stage.
    pub fn explain(&self, error: npm_registry::RegistryError) -> ToolchainError {
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

/// Unpacks a tool and puts it on the shelf, with what its files are.
fn make(shelf: &Shelf, kind: Kind, (name, label): (&str, Card), tarball: &Spool, cancel: &Cancel) -> Result<(), ToolchainError> {
    let unusable = |detail: String| ToolchainError::Unusable { tool: kind.spoken(), version: label.version.clone(), detail };
    let explain = |error: UnpackError| match error {
        UnpackError::Refused(detail) => unusable(detail),
        UnpackError::Broken(error) => unusable(format!("its tarball is broken: {error}")),
        UnpackError::Disk(path, error) => CacheError::writing(&path, error).into(),
        UnpackError::Stopped => ToolchainError::Cancelled,
    };
    let place = shelf.begin(name)?;
    let bytes = unpack::unpack(tarball.open(), &place, &|| cancel.is_cancelled()).map_err(explain)?;
    let (entry, native) = entry_of(kind, &place).ok_or_else(|| unusable("its package has no program of that name".into()))?;
    if native {
        unpack::make_executable(&place.join(&entry)).map_err(explain)?;
    }
    let content = content::read(&place, &entry, &|| cancel.is_cancelled());
    let content = content
        .map_err(|error| if cancel.is_cancelled() { ToolchainError::Cancelled } else { CacheError::reading(&place, error).into() })?;
    let card = Card { entry, native, bytes, digest: content.digest, program: content.program, ..label };
    Ok(shelf.finish(name, &card)?)
}

/// What is run: the package's `bin` of the tool's name, else the program where these packages have
/// it; and whether it is a program of its own. The file is there.
fn entry_of(kind: Kind, place: &Path) -> Option<(String, bool)> {
    // A distribution's archive has none.
    let manifest: Value = match fs::read(place.join("package.json")) {
        Ok(bytes) => serde_json::from_slice(&bytes).ok()?,
        Err(_) => Value::Null,
    };
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
