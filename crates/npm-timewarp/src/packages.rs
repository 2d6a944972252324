//! The packuments of one run: each is asked for once, taken back to the moment, and kept
//! compressed.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use http::{Cancel, Client, HttpError, Trust};
use npm_registry::{Asking, MAX_PACKUMENT, MetadataCache, RegistryError, Spool, document as fetch};
use npm_spec::PackageName;
use npmrc::NpmConfig;

use super::access::{Access, Way};
use super::document::{self, Dist};
use super::error::Refused;
use super::judged::JudgedBytes;
use super::moment::{Facts, View, When, view};
use super::needing::{There, needing};
use super::stand_in::{self, Near};

/// Most packages that one build may ask for, and most bytes of their compressed packuments.
const MAX_PACKAGES: usize = 20_000;
const MAX_KEPT: u64 = 512 << 20;
/// Packuments that are unpacked at once: each may take twice its size, and the largest have a
/// hundred megabytes.
const AT_ONCE: usize = 2;
/// Room that all documents have together which are made and not yet taken by the client, in KiB;
/// one may fill it alone.
const ROOM: u32 = 512 << 10;

/// One package as of the moment.
#[derive(Debug, Clone)]
pub(super) struct Package {
    pub(super) name: PackageName,
    pub(super) registry: Url,
    pub(super) view: View,
    dists: HashMap<String, Dist>,
    /// The packages that the project names and that its versions depend on.
    needs: Vec<PackageName>,
    packed: Bytes,
    /// Size of the document, in KiB.
    size: u32,
    /// Made here, for a package that the registry does not have.
    pub(super) is_stand_in: bool,
    /// From a registry of its scope's, or by the user's credentials.
    pub(super) is_private: bool,
}

/// How packuments are got.
pub(super) struct Packages {
    slots: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Slot>>>>,
    /// The tags that packages ask of others, by their names.
    needed_tags: Mutex<BTreeSet<(String, String)>>,
    kept: AtomicU64,
    unpacking: Arc<Semaphore>,
    room: Arc<Semaphore>,
}

#[derive(Default)]
enum Slot {
    #[default]
    Unasked,
    /// Not there for whoever asked: named by the project, or as anybody.
    Missing {
        named: bool,
    },
    There(Arc<Package>),
}

/// What a packument's request needs.
pub(super) struct Source<'a> {
    pub(super) client: &'a Client,
    /// The same without credentials.
    pub(super) anonymous: &'a Client,
    /// Who may ask with credentials.
    pub(super) access: &'a Access,
    pub(super) npm: &'a NpmConfig,
    pub(super) disk: Option<&'a dyn MetadataCache>,
    /// Where large ones are spooled.
    pub(super) folder: PathBuf,
    pub(super) when: When<'a>,
    /// The packages that the project's manifests name.
    pub(super) named: &'a BTreeSet<String>,
    /// The version that is judged.
    pub(super) judged: Option<&'a (String, String)>,
    /// Its tarball, which may be published under other names too.
    pub(super) judged_bytes: Option<&'a JudgedBytes>,
    pub(super) cancel: &'a Cancel,
}

impl Packages {
    pub(super) fn new() -> Self {
        Self {
            slots: Mutex::default(),
            needed_tags: Mutex::default(),
            kept: AtomicU64::new(0),
            unpacking: Arc::new(Semaphore::new(AT_ONCE)),
            room: Arc::new(Semaphore::new(ROOM as usize)),
        }
    }

    /// A package; asked for once a run, and the others that want it wait.
    pub(super) async fn get(&self, name: &PackageName, source: &Source<'_>) -> Result<Arc<Package>, Refused> {
        let slot = {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            if slots.len() >= MAX_PACKAGES && !slots.contains_key(name.as_str()) {
                return Err(Refused::TooMuch);
            }
            slots.entry(name.to_string()).or_default().clone()
        };
        let registry = source.npm.registry_for(name.as_str());
        let not_found = || RegistryError::PackageNotFound { name: name.to_string(), registry: registry.to_string() };
        let named = Self::way(name, &registry, source) == Some(Way::PublicFirst { named: true });
        let mut slot = slot.lock().await;
        match &*slot {
            Slot::There(package) => return Ok(package.clone()),
            Slot::Missing { named: as_named } if *as_named || !named => return Err(not_found().into()),
            Slot::Missing { .. } | Slot::Unasked => {}
        }
        match self.fetch(name, &registry, source).await {
            Ok(package) => {
                let package = Arc::new(package);
                *slot = Slot::There(package.clone());
                Ok(package)
            }
            Err(Refused::Registry(RegistryError::Http(HttpError::Status { status: 404 | 410, .. }))) => {
                *slot = Slot::Missing { named };
                Err(not_found().into())
            }
            Err(error @ Refused::Registry(RegistryError::PackageUnpublished { .. })) => {
                *slot = Slot::Missing { named };
                Err(error)
            }
            Err(Refused::Registry(RegistryError::Http(HttpError::Status { status: status @ (401 | 403), .. }))) => {
                Err(RegistryError::NotAllowed { name: name.to_string(), registry: registry.to_string(), status }.into())
            }
            Err(error) => Err(error),
        }
    }

    fn way(name: &PackageName, registry: &Url, source: &Source<'_>) -> Option<Way> {
        address(name, registry).map(|url| source.access.way(name.as_str(), &url, source.npm, source.client))
    }

    /// A package's document, and whether it is private.
    async fn read_document(&self, name: &PackageName, registry: &Url, source: &Source<'_>) -> Result<(Spool, bool), Refused> {
        let unreadable = || RegistryError::Metadata { name: name.to_string(), reason: "its address is invalid".to_owned() };
        let url = address(name, registry).ok_or_else(unreadable)?;
        // The registry is one of the user's configuration, whatever the build asked for.
        let asking = |client| Asking { client, cache: source.disk, folder: &source.folder, cancel: source.cancel, trust: Trust::Registry };
        let (public, private) = (asking(source.anonymous), asking(source.client));
        let not_named = || Refused::NotNamed { name: name.to_string() };
        let named = match source.access.way(name.as_str(), &url, source.npm, source.client) {
            Way::Public => return Ok((fetch(&public, &url, MAX_PACKUMENT).await?.body, false)),
            Way::Private => return Ok((fetch(&private, &url, MAX_PACKUMENT).await?.body, true)),
            Way::Refused => return Err(not_named()),
            Way::PublicFirst { named } => named,
        };
        match fetch(&public, &url, MAX_PACKUMENT).await {
            Err(RegistryError::Http(HttpError::Status { status: 401 | 403 | 404 | 410, .. })) if named => {
                Ok((fetch(&private, &url, MAX_PACKUMENT).await?.body, true))
            }
            Err(RegistryError::Http(HttpError::Status { status: 401 | 403, .. })) => Err(not_named()),
            public => Ok((public?.body, false)),
        }
    }

    async fn fetch(&self, name: &PackageName, registry: &Url, source: &Source<'_>) -> Result<Package, Refused> {
        let unreadable = |reason: &str| RegistryError::Metadata { name: name.to_string(), reason: reason.to_owned() };
        let (spool, is_private) = self.read_document(name, registry, source).await?;
        let size_in_kib = u32::try_from(spool.len() >> 10).unwrap_or(u32::MAX);
        let (mut summary, packed) = self.blocking(move || read(&spool)).await?.map_err(|error| match error {
            Unread::Disk(reason) => RegistryError::Disk(reason),
            Unread::Json { line, column } => unreadable(&format!("it is not what a registry serves (line {line}, column {column})")),
        })?;
        source.access.mention(&summary.needed);
        let needs = summary.needed.intersection(source.named).filter_map(|name| PackageName::parse(name).ok()).collect();
        self.needed_tags.lock().unwrap_or_else(PoisonError::into_inner).append(&mut summary.needed_tags);
        if is_private {
            source.access.add(std::mem::take(&mut summary.needed));
        }
        let judged = source.judged.filter(|(judged, _)| judged == name.as_str());
        let mut hides = judged.is_some_and(|(_, version)| summary.leave_out(version));
        let is_judged = |dist: &Dist| source.judged_bytes.is_some_and(|judged| judged.is_announced(dist));
        let copies: Vec<String> = summary.dists.iter().filter(|(_, dist)| is_judged(dist)).map(|(version, _)| version.clone()).collect();
        for version in copies {
            hides |= summary.leave_out(&version);
        }
        if summary.versions.is_empty() {
            return Err(RegistryError::PackageUnpublished { name: name.to_string(), time: None }.into());
        }
        let size = packed.len() as u64;
        if self.kept.fetch_add(size, Ordering::Relaxed).saturating_add(size) > MAX_KEPT {
            return Err(Refused::TooMuch);
        }
        let facts = Facts { name: name.as_str(), versions: &summary.versions, times: &summary.times, tags: &summary.tags };
        let view = view(&facts, &source.when);
        let view = if hides { view.of_these(&summary.versions) } else { view };
        Ok(Package {
            name: name.clone(),
            registry: registry.clone(),
            view,
            dists: summary.dists,
            needs,
            packed,
            size: size_in_kib,
            is_stand_in: false,
            is_private,
        })
    }

    /// A package without the versions that need what is hidden of others, where that is told by the
    /// names of nightly builds (crates/npm-timewarp/src/needing.rs).
    pub(super) async fn as_of_what_it_needs(&self, package: Arc<Package>, source: &Source<'_>) -> Result<Arc<Package>, Refused> {
        let mut there = There::new();
        if source.when.moment.is_some() || source.when.commit.is_none() {
            return Ok(package);
        }
        for name in package.needs.iter().filter(|name| **name != package.name) {
            // What cannot be had hides nothing.
            let Ok(other) = self.get(name, source).await else { continue };
            if let Some(shown) = other.view.shown_by_days() {
                there.insert(name.to_string(), shown.filter_map(npm_spec::version::parse).collect());
            }
        }
        if there.is_empty() {
            return Ok(package);
        }
        let look = move |document: &[u8], _: &Package| Ok((needing(document, &there)?, document::summary(document)?));
        let ((hidden, summary), _room) = self.make(&package, look).await?;
        let versions: Vec<String> = summary.versions.into_iter().filter(|version| package.dists.contains_key(version)).collect();
        let facts = Facts { name: package.name.as_str(), versions: &versions, times: &summary.times, tags: &package.view.tags };
        let view = (!hidden.is_empty()).then(|| package.view.without(&hidden, &facts, &source.when)).flatten();
        Ok(view.map_or_else(|| package.clone(), |view| Arc::new(Package { view, ..package.as_ref().clone() })))
    }

    /// The tags of a package that others which were asked for depend on.
    pub(super) fn needed_tags(&self, name: &str) -> BTreeSet<String> {
        let all = self.needed_tags.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter(|(of, _)| of == name).map(|(_, tag)| tag.clone()).collect()
    }

    /// Shows a version of which there is none with the metadata of a near one, and the tarball that
    /// stands in.
    pub(super) async fn show_neighbour(&self, name: &str, version: &str, near: &Near, source: &Source<'_>) -> Result<(), Refused> {
        let unreadable = |reason: &str| RegistryError::Metadata { name: name.to_owned(), reason: reason.to_owned() };
        let parsed = PackageName::parse(name).map_err(|_| unreadable("its name is none"))?;
        let package = self.get(&parsed, source).await?;
        let (near, version) = (near.clone(), version.to_owned());
        let make = move |document: &[u8], package: &Package| {
            document::with_neighbour(document, package.name.as_str(), &version, &near, package.registry.as_str())
        };
        let (document, _room) = self.make(&package, make).await?;
        let spool = Spool::from_bytes(document);
        let size = u32::try_from(spool.len() >> 10).unwrap_or(u32::MAX);
        let (summary, packed) = self.blocking(move || read(&spool)).await?.map_err(|_| unreadable("a stand-in could not be made"))?;
        let facts = Facts { name, versions: &summary.versions, times: &summary.times, tags: &summary.tags };
        let view = view(&facts, &source.when);
        let (name, registry, is_private) = (package.name.clone(), package.registry.clone(), package.is_private);
        let needs = package.needs.clone();
        let shown = Package { name, registry, view, dists: summary.dists, needs, packed, size, is_stand_in: false, is_private };
        let slot = self.slots.lock().unwrap_or_else(PoisonError::into_inner).entry(parsed.to_string()).or_default().clone();
        *slot.lock().await = Slot::There(Arc::new(shown));
        Ok(())
    }

    /// An empty package in place of one that the registry does not have.
    pub(super) async fn stand_in(
        &self,
        name: &PackageName,
        wanted: &BTreeSet<String>,
        source: &Source<'_>,
    ) -> Result<Arc<Package>, Refused> {
        let registry = source.npm.registry_for(name.as_str());
        let spool = Spool::from_bytes(stand_in::packument(name.as_str(), wanted, registry.as_str()));
        let size = u32::try_from(spool.len() >> 10).unwrap_or(u32::MAX);
        let read = self.blocking(move || read(&spool)).await?;
        let unreadable = |_| RegistryError::Metadata { name: name.to_string(), reason: "a stand-in could not be made".to_owned() };
        let (summary, packed) = read.map_err(unreadable)?;
        let facts = Facts { name: name.as_str(), versions: &summary.versions, times: &summary.times, tags: &summary.tags };
        let view = view(&facts, &When { moment: None, ..source.when });
        let package = Package {
            name: name.clone(),
            registry,
            view,
            dists: summary.dists,
            needs: Vec::new(),
            packed,
            size,
            is_stand_in: true,
            is_private: false,
        };
        Ok(Arc::new(package))
    }

    /// Makes something of a package's document. The room that it takes is held until the result is
    /// let go.
    pub(super) async fn make<T: Send + 'static>(
        &self,
        package: &Arc<Package>,
        make: impl FnOnce(&[u8], &Package) -> Result<T, serde_json::Error> + Send + 'static,
    ) -> Result<(T, OwnedSemaphorePermit), Refused> {
        // The semaphore is never closed.
        let room = self.room.clone().acquire_many_owned(package.size.min(ROOM)).await;
        let room = room.map_err(|error| RegistryError::Disk(error.to_string()))?;
        let own = package.clone();
        let document = self
            .blocking(move || {
                let mut document = Vec::new();
                ZlibDecoder::new(own.packed.as_ref()).read_to_end(&mut document).map_err(|error| error.to_string())?;
                make(&document, &own).map_err(|error| error.to_string())
            })
            .await?;
        let document = document.map_err(|reason| RegistryError::Metadata { name: package.name.to_string(), reason })?;
        Ok((document, room))
    }

    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refused> {
        let failed = |reason: String| Refused::from(RegistryError::Disk(reason));
        // The semaphore is never closed. The permit goes with the work: it counts on if the request
        // is given up.
        let permit = self.unpacking.clone().acquire_owned().await.map_err(|error| failed(error.to_string()))?;
        let work = tokio::task::spawn_blocking(move || {
            let made = work();
            drop(permit);
            made
        });
        work.await.map_err(|error| failed(error.to_string()))
    }
}

/// Where a package's document is; `None` where a name leads out of the registry's path.
fn address(name: &PackageName, registry: &Url) -> Option<Url> {
    let mut url = registry.clone();
    url.set_path(&format!("{}{}", registry.path(), name.escaped()));
    url.path().starts_with(registry.path()).then_some(url)
}

impl Package {
    /// The version that a file name stands for, if the packument has it.
    pub(super) fn version_of_file(&self, file: &str) -> Option<&str> {
        let base = self.name.as_str().rsplit('/').next().unwrap_or_default();
        let written = file.strip_prefix(base).and_then(|rest| rest.strip_prefix('-')).and_then(|rest| rest.strip_suffix(".tgz"));
        if let Some((version, _)) = written.and_then(|version| self.dists.get_key_value(version)) {
            return Some(version);
        }
        // Old versions have names of their own kind; the address in the packument says which.
        let last = |dist: &Dist| dist.tarball.rsplit('/').next().map(str::to_owned);
        self.dists.iter().find(|(_, dist)| last(dist).as_deref() == Some(file)).map(|(version, _)| version.as_str())
    }

    /// The versions that the registry has now, in any order.
    pub(super) fn versions(&self) -> impl Iterator<Item = &str> {
        self.dists.keys().map(String::as_str)
    }

    /// Where a version's tarball is.
    pub(super) fn dist(&self, version: &str) -> Option<&Dist> {
        self.dists.get(version)
    }
}

enum Unread {
    Disk(String),
    Json { line: usize, column: usize },
}

/// The summary of a document, and the document compressed: metadata shrinks to a tenth.
fn read(spool: &Spool) -> Result<(document::Summary, Bytes), Unread> {
    let disk = |error: io::Error| Unread::Disk(error.to_string());
    let document = if let Some(bytes) = spool.in_memory() {
        bytes.clone()
    } else {
        let mut all = Vec::new();
        spool.open().read_to_end(&mut all).map_err(disk)?;
        all.into()
    };
    // serde_json's message may quote the document: only the place is passed on.
    let summary = document::summary(&document).map_err(|error| Unread::Json { line: error.line(), column: error.column() })?;
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(&document).map_err(disk)?;
    Ok((summary, packer.finish().map_err(disk)?.into()))
}
