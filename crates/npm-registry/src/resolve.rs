//! From a spec to a release, and from a release to its tarball.

use std::path::{Path, PathBuf};

use url::Url;

use http::{Cancel, Client, HttpError, Trust};
use npm_spec::{PackageName, Spec, Target, Wanted, version};
use npmrc::NpmConfig;

use super::integrity::Integrity;
use super::manifest::Release;
use super::metadata::{Asking, Document, MAX_PACKUMENT, MetadataCache, document};
use super::packument::{MAX_MANIFEST, Packument};
use super::tarball::{self, Order, Tarball};
use super::{RegistryError, Spool, once, pick};

/// Largest tarball that is read, in bytes as they come over the wire.
const MAX_TARBALL: u64 = 512 << 20;

/// How much metadata is read; see the module's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detail {
    /// The version's own document where that is enough: no publish time, no tags.
    #[default]
    Lean,
    /// The packument: publish time, tags and all.
    Full,
}

/// What is going on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// The metadata of a package is being read.
    Metadata {
        /// Package.
        name: String,
    },
    /// A tarball is coming.
    Tarball {
        /// Bytes so far.
        received: u64,
        /// Bytes announced.
        total: Option<u64>,
    },
}

/// How to resolve.
pub struct ResolveOptions<'a> {
    /// How much metadata is read.
    pub detail: Detail,
    /// Largest tarball, in bytes.
    pub max_tarball: u64,
    /// Where temporary files go.
    pub temp_dir: PathBuf,
    /// Where relative paths of specs start, and what `~/` means.
    pub cwd: PathBuf,
    /// See `cwd`.
    pub home: Option<PathBuf>,
    /// Packuments kept from earlier.
    pub cache: Option<&'a dyn MetadataCache>,
    /// Stops it all.
    pub cancel: Cancel,
    /// Told what is going on.
    pub progress: &'a (dyn Fn(Progress) + Send + Sync),
}

impl std::fmt::Debug for ResolveOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResolveOptions").field("detail", &self.detail).finish_non_exhaustive()
    }
}

impl Default for ResolveOptions<'_> {
    fn default() -> Self {
        Self {
            detail: Detail::default(),
            max_tarball: MAX_TARBALL,
            temp_dir: std::env::temp_dir(),
            cwd: PathBuf::new(),
            home: None,
            cache: None,
            cancel: Cancel::default(),
            progress: &|_| {},
        }
    }
}

/// A release with its tarball.
#[derive(Debug, Clone)]
pub struct Published {
    /// The spec, as typed.
    pub spec: String,
    /// What the registry says.
    pub release: Release,
    /// What it serves.
    pub tarball: Tarball,
}

/// Finds the release and fetches its tarball.
pub async fn resolve(spec: &Spec, npm: &NpmConfig, client: &Client, options: &ResolveOptions<'_>) -> Result<Published, RegistryError> {
    let release = select(spec, npm, client, options).await?;
    let tarball = download(&release, spec, npm, client, options).await?;
    Ok(Published { spec: spec.raw().to_owned(), release, tarball })
}

/// Finds the release that a spec names: metadata only. For a tarball by address or on disk nothing
/// is read.
pub async fn select(spec: &Spec, npm: &NpmConfig, client: &Client, options: &ResolveOptions<'_>) -> Result<Release, RegistryError> {
    match spec.target() {
        Target::Tarball(url) => Ok(Release { location: url.to_string(), url: Some(url.clone()), ..Release::default() }),
        Target::File(_) => {
            let path = spec.file_in(&options.cwd, options.home.as_deref()).unwrap_or_default();
            Ok(Release { location: path.display().to_string(), ..Release::default() })
        }
        Target::Registry { name, wanted, registry, .. } => {
            let source = Source::new(name, registry.as_ref(), npm, client, options);
            (options.progress)(Progress::Metadata { name: name.to_string() });
            let before = npm.before.as_deref();
            let lean = if options.detail == Detail::Lean && before.is_none() { source.lean(wanted, &npm.default_tag).await? } else { None };
            let mut release = match lean {
                Some(release) => release,
                None => source.full(wanted, &npm.default_tag, before).await?,
            };
            if let Some(url) = release.url.take() {
                let url = npm.tarball_url(&url, &source.registry);
                release.location = url.to_string();
                release.url = Some(url);
            }
            Ok(release)
        }
    }
}

/// Fetches a release's tarball and checks it against its integrity.
pub async fn download(
    release: &Release,
    spec: &Spec,
    npm: &NpmConfig,
    client: &Client,
    options: &ResolveOptions<'_>,
) -> Result<Tarball, RegistryError> {
    let Some(url) = &release.url else {
        let (path, folder, limit) = (PathBuf::from(&release.location), options.temp_dir.clone(), options.max_tarball);
        let read = tokio::task::spawn_blocking(move || tarball::read_file(&path, &folder, limit));
        return read.await.map_err(|error| RegistryError::Disk(error.to_string()))?;
    };
    let trust = match spec.target() {
        // The user typed this very address.
        Target::Tarball(_) => Trust::Registry,
        // A token goes to the registry's own host only; where below it, the credentials' own path
        // decides. And only for this package: its document could name a private one, for the user's
        // token to open.
        Target::Registry { name, .. }
            if is_address_of(url, name)
                && release.registry.as_ref().is_some_and(|registry| registry.origin() == url.origin() && is_configured(registry, npm)) =>
        {
            Trust::Registry
        }
        _ => Trust::Stranger,
    };
    let order = Order {
        client,
        trust,
        folder: &options.temp_dir,
        limit: options.max_tarball,
        cancel: &options.cancel,
        progress: &|received, total| (options.progress)(Progress::Tarball { received, total }),
    };
    let promised: Option<Integrity> = release.promised();
    tarball::fetch(&order, url, promised.as_ref()).await
}

/// Reads a whole packument's names, tags and times: what [`Detail::Lean`] left out.
pub async fn history(
    name: &PackageName,
    registry: Option<&Url>,
    npm: &NpmConfig,
    client: &Client,
    options: &ResolveOptions<'_>,
) -> Result<Packument, RegistryError> {
    let source = Source::new(name, registry, npm, client, options);
    Ok(source.packument().await?.1)
}

/// One package in one registry.
struct Source<'a> {
    name: &'a PackageName,
    registry: Url,
    asking: Asking<'a>,
}

impl<'a> Source<'a> {
    fn new(name: &'a PackageName, registry: Option<&Url>, npm: &NpmConfig, client: &'a Client, options: &'a ResolveOptions<'_>) -> Self {
        let registry = registry.cloned().unwrap_or_else(|| npm.registry_for(name.as_str()));
        let trust = if is_configured(&registry, npm) { Trust::Registry } else { Trust::Stranger };
        let folder: &Path = &options.temp_dir;
        Self { name, registry, asking: Asking { client, cache: options.cache, folder, cancel: &options.cancel, trust } }
    }

    /// The document of one version, where an exact version, a tag or nothing is asked for and the
    /// registry serves such.
    async fn lean(&self, wanted: &Wanted, default_tag: &str) -> Result<Option<Release>, RegistryError> {
        let last = match wanted {
            Wanted::Version(exact) => exact.as_str(),
            Wanted::Tag(tag) => tag,
            Wanted::Default => default_tag,
            Wanted::Range(_) => return Ok(None),
        };
        let Some(url) = self.url(Some(last)) else { return Ok(None) };
        let spool = match document(&self.asking, &url, MAX_MANIFEST as u64).await {
            Ok(document) => document.body,
            // Whatever a registry answers that knows no such documents: the packument has the last
            // word.
            Err(RegistryError::Http(HttpError::Status { status, .. })) if !matches!(status, 401 | 403) => return Ok(None),
            Err(error) => return Err(self.explain(error)),
        };
        let Ok(manifest) = once::read(spool.open()) else { return Ok(None) };
        let Some(release) = Release::read(manifest, &self.registry) else { return Ok(None) };
        let is_this = release.name.as_deref() == Some(self.name.as_str())
            && release.version.as_deref().and_then(version::clean).is_some_and(|version| match wanted {
                Wanted::Version(exact) => version == *exact,
                _ => true,
            });
        // npm takes another version than the default tag's if that one is deprecated.
        let is_final = *wanted != Wanted::Default || release.deprecated.is_none();
        Ok((is_this && is_final).then_some(release))
    }

    async fn full(&self, wanted: &Wanted, default_tag: &str, before: Option<&str>) -> Result<Release, RegistryError> {
        let (spool, packument) = self.packument().await?;
        let Some(chosen) = pick(&packument, wanted, default_tag, before) else { return Err(self.nothing_fits(&packument, wanted, before)) };
        let manifest = Packument::manifest(&spool, chosen).map_err(|error| self.unreadable(&error))?;
        let no_tarball = || RegistryError::NoTarball { name: self.name.to_string(), version: chosen.to_owned() };
        let mut release = Release::read(manifest.ok_or_else(no_tarball)?, &self.registry).ok_or_else(no_tarball)?;
        // The key is what was chosen by; a manifest that says otherwise is the caller's to notice,
        // by `manifest`.
        release.name = Some(self.name.to_string());
        release.version = Some(chosen.to_owned());
        release.time = packument.times.get(chosen).cloned();
        release.dist_tags = packument.dist_tags;
        Ok(release)
    }

    async fn packument(&self) -> Result<(Spool, Packument), RegistryError> {
        let url = self.url(None).ok_or_else(|| self.metadata("its address is invalid".to_owned()))?;
        let Document { body, date } = document(&self.asking, &url, MAX_PACKUMENT).await.map_err(|error| self.explain(error))?;
        let packument = Packument::read(&body).map_err(|error| self.unreadable(&error))?;
        Ok((body, Packument { served: date, ..packument }))
    }

    fn url(&self, last: Option<&str>) -> Option<Url> {
        let mut url = self.registry.clone();
        let last = last.map(|last| format!("/{last}")).unwrap_or_default();
        url.set_path(&format!("{}{}{last}", self.registry.path(), self.name.escaped()));
        url.path().starts_with(self.registry.path()).then_some(url)
    }

    fn nothing_fits(&self, packument: &Packument, wanted: &Wanted, before: Option<&str>) -> RegistryError {
        let name = self.name.to_string();
        if packument.versions.is_empty() && (packument.unpublished.is_some() || !packument.times.is_empty()) {
            return RegistryError::PackageUnpublished { name, time: packument.unpublished.clone().filter(|time| !time.is_empty()) };
        }
        if let Wanted::Version(version) = wanted
            && packument.times.contains_key(version)
            && !packument.versions.iter().any(|entry| entry.version == *version)
        {
            return RegistryError::VersionUnpublished { name, version: version.clone() };
        }
        let wanted = match before {
            Some(before) => format!("{} up to {before} (npm's `before`)", wanted.as_str()),
            None => wanted.as_str().to_owned(),
        };
        RegistryError::NoMatchingVersion { name, wanted, latest: packument.dist_tags.get("latest").cloned() }
    }

    fn explain(&self, error: RegistryError) -> RegistryError {
        let (name, registry) = (self.name.to_string(), self.registry.to_string());
        match error {
            RegistryError::Http(HttpError::Status { status: 404 | 410, .. }) => RegistryError::PackageNotFound { name, registry },
            RegistryError::Http(HttpError::Status { status: status @ (401 | 403), .. }) => {
                RegistryError::NotAllowed { name, registry, status }
            }
            error => error,
        }
    }

    fn unreadable(&self, error: &serde_json::Error) -> RegistryError {
        // serde_json's message may quote the document: only the place is passed on.
        self.metadata(format!("it is not a registry's document (line {}, column {})", error.line(), error.column()))
    }

    fn metadata(&self, reason: String) -> RegistryError {
        RegistryError::Metadata { name: self.name.to_string(), reason }
    }
}

/// Whether a tarball's address names this package: its name stands in the path, before `/-/` where
/// that is in it. So do the addresses of npm's registry, Verdaccio, Nexus, Artifactory, GitHub,
/// GitLab, Azure and AWS.
fn is_address_of(url: &Url, name: &PackageName) -> bool {
    let decoded = percent_encoding::percent_decode_str(url.path()).decode_utf8_lossy();
    let segments: Vec<&str> = decoded.split('/').collect();
    if segments.iter().any(|segment| matches!(*segment, "." | "..") || segment.contains('\\')) {
        return false;
    }
    let wanted: Vec<&str> = name.as_str().split('/').collect();
    let end = segments.iter().position(|segment| *segment == "-");
    let is_here = |at: usize| {
        // `@other/name` is not `name`.
        let scoped = wanted.len() == 1 && at.checked_sub(1).and_then(|before| segments.get(before)).is_some_and(|one| one.starts_with('@'));
        !scoped && segments.get(at..at + wanted.len()) == Some(wanted.as_slice())
    };
    match end {
        Some(end) => end.checked_sub(wanted.len()).is_some_and(is_here),
        None => (0..segments.len()).any(is_here),
    }
}

/// Whether the user's configuration names a registry on this host.
pub(super) fn is_configured(registry: &Url, npm: &NpmConfig) -> bool {
    npm.registries().iter().any(|own| own.origin() == registry.origin())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_of(address: &str, name: &str) -> bool {
        is_address_of(&Url::parse(address).unwrap(), &PackageName::parse(name).unwrap())
    }

    #[test]
    fn registries_name_a_package_in_its_tarballs_address() {
        for (address, name) in [
            ("https://r.example/a/-/a-1.0.0.tgz", "a"),
            ("https://r.example/@s/a/-/a-1.0.0.tgz", "@s/a"),
            ("https://r.example/@s%2fa/-/a-1.0.0.tgz", "@s/a"),
            ("https://r.example/repository/npm/@s/a/-/a-1.0.0.tgz", "@s/a"),
            ("https://r.example/download/@s/a/1.0.0/0123abcd", "@s/a"),
            ("https://r.example/api/v4/projects/7/packages/npm/@s/a/-/@s/a-1.0.0.tgz", "@s/a"),
        ] {
            assert!(is_of(address, name), "{address} {name}");
        }
    }

    #[test]
    fn anothers_tarball_is_not_this_packages() {
        for (address, name) in [
            ("https://r.example/@corp/secret/-/secret-1.0.0.tgz", "a"),
            ("https://r.example/@corp/secret/-/secret-1.0.0.tgz", "secret"),
            ("https://r.example/@corp/secret/-/a/secret-1.0.0.tgz", "a"),
            ("https://r.example/a/@corp/secret/-/secret-1.0.0.tgz", "a"),
            ("https://r.example/a/-/..%2f..%2f@corp%2fsecret/-/secret-1.0.0.tgz", "a"),
            ("https://r.example/@corp/secret/-/secret-1.0.0.tgz?x=/a/", "a"),
            ("https://r.example/", "a"),
        ] {
            assert!(!is_of(address, name), "{address} {name}");
        }
    }
}
