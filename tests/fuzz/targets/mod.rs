//! What is fuzzed, and what must hold whatever the input is.

mod commands;
#[cfg(unix)]
mod disk;
mod documents;
mod entries;
mod git;
mod globs;
mod lockfile;
pub(crate) mod provenance;
mod registry;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use npm_pack::fingerprint::{self, Fingerprint, Headers};
use npm_pack::gzip::{compress, match_published};
use npm_registry::{Packument, Spool, pick};
use npm_spec::version;
use npm_spec::{Spec, Target, Wanted};
use npm_tarball::{Archive, EntryKind, Limits, compare};
use npmrc::{Files, NpmConfig, Overrides, Surroundings};
use origin::address::{self, AddressError};
use url::{Host, Url};
use verdict::diagnostic::Diagnostic;

use super::tarball::gzip;

/// A target: its name, and what it does with an input, in words that stand for one behaviour.
pub(crate) type Run = fn(&[u8]) -> String;

/// All targets by name.
pub(crate) const ALL: &[(&str, Run)] = &[
    ("archive", archive),
    ("spec", spec),
    ("npmrc", npmrc),
    ("address", address),
    ("packument", packument),
    ("lean", registry::lean),
    ("confusion", registry::confusion),
    ("openpgp", documents::openpgp),
    ("provenance", provenance::provenance),
    ("lockfile", lockfile::lockfile),
    ("entries", entries::entries),
    ("glob", globs::glob),
    ("packlist", globs::packlist),
    ("shell", commands::shell),
    ("workflow", commands::workflow),
    ("recipe", documents::recipe),
    ("statement", documents::statement),
    ("results", documents::results),
    ("manifest", documents::manifest),
    ("git", git::git),
    #[cfg(unix)]
    ("disk", disk::disk),
];

/// What a target does with an input; a target's name must be one of [`ALL`].
pub(crate) fn run(name: &str) -> Run {
    ALL.iter().find(|(own, _)| *own == name).unwrap_or_else(|| panic!("there is no target {name:?}")).1
}

/// The parts of an input that has several, with the byte 0x1e between them.
fn parts(input: &[u8]) -> [&[u8]; 3] {
    let mut parts = input.splitn(3, |byte| *byte == 0x1e);
    [(); 3].map(|()| parts.next().unwrap_or_default())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Where the files of a run are made: in memory, if the system has such a place.
fn memory_disk() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}

/// The first byte says whether the rest is a tar stream that is still to be compressed, or a file
/// as it is.
fn archive(input: &[u8]) -> String {
    let Some((flag, rest)) = input.split_first() else { return String::new() };
    let file = if flag & 1 == 0 { gzip(rest) } else { rest.to_vec() };
    // What chooses the packers reads the same bytes.
    let eras = Headers::read(&file, &fingerprint::Limits::default()).map(|headers| Fingerprint::of(&headers).eras.first().cloned());
    let archive = match Archive::read(file.as_slice(), &Limits::default()) {
        Ok(archive) => archive,
        Err(error) => return format!("{} {eras:?}", error.code()),
    };
    let again = Archive::read(Slow(&file), &Limits::default()).unwrap();
    assert_eq!(archive.entries(), again.entries(), "how the bytes come in changes nothing");
    assert_eq!(archive.oddities(), again.oddities());
    assert_eq!(archive.content_digest(), again.content_digest());
    assert_eq!(compare(&archive, &again).same_content(), archive.is_plain(), "every archive has its own entries");
    let encoder = encoder(&file);
    let mut kinds = BTreeSet::new();
    for pair in archive.entries().windows(2) {
        assert!(pair[0].path < pair[1].path, "each path once, in order");
    }
    for entry in archive.entries() {
        let parts: Vec<&str> = entry.path.split('/').collect();
        assert!(parts.iter().all(|part| !matches!(*part, "" | "." | "..")) && !entry.path.contains('\0'), "{:?}", entry.path);
        assert_eq!(entry.mode_on_disk & !0o7777, 0);
        assert_eq!(entry.mode_on_disk & 0o622, 0o600);
        let content = archive.content(entry).unwrap();
        if entry.kind == EntryKind::File && archive.is_plain() {
            assert_eq!(content.len() as u64, entry.size);
        }
        kinds.insert(entry.kind.name());
    }
    let oddities: BTreeSet<&str> = archive.oddities().iter().map(|oddity| oddity.kind.code()).collect();
    format!("{oddities:?} {kinds:?} {} {eras:?} {encoder:?}", archive.entries().len().min(6))
}

/// The encoder that is recognised in a gzip file, held to its word.
fn encoder(file: &[u8]) -> Option<&'static str> {
    let mut tar = Vec::new();
    flate2::read::GzDecoder::new(file).take(1 << 20).read_to_end(&mut tar).ok()?;
    let found = match_published(&mut Cursor::new(&tar), file).unwrap()?;
    let mut again = Vec::new();
    compress(&mut tar.as_slice(), found, &mut again).unwrap();
    assert_eq!(again, file, "{found:?} does not make the bytes that it was recognised in");
    Some(found.class.as_str())
}

/// A reader that gives few bytes at a time.
struct Slow<'a>(&'a [u8]);

impl Read for Slow<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let most = out.len().min(1 + self.0.len() % 613);
        self.0.read(&mut out[..most])
    }
}

fn spec(input: &[u8]) -> String {
    let text = String::from_utf8_lossy(input);
    let spec = match Spec::parse(&text) {
        Ok(spec) => spec,
        Err(error) => return error.code().to_owned(),
    };
    assert!(!spec.raw().chars().any(char::is_control));
    match spec.target() {
        Target::Registry { name, wanted, registry, .. } => {
            let like_file = |text: &str| [".tgz", ".tar.gz", ".tar"].iter().any(|ending| text.to_ascii_lowercase().ends_with(ending));
            if like_file(&spec.display()) || like_file(name.as_str()) || wanted.as_str().starts_with(['.', '/']) {
                // `a@1.0.0-x.tgz+y` is a version, `a@ .x` a tag, and `pkg:npm/a.tgz` a package:
                // only their plain forms are read as files.
                return "registry, shown like a file".to_owned();
            }
            let shown = Spec::parse(&spec.display()).unwrap_or_else(|error| panic!("{:?}: {error}", spec.display()));
            let Target::Registry { name: same_name, wanted: same_wanted, .. } = shown.target() else { panic!("{:?}", spec.display()) };
            assert_eq!((name, wanted), (same_name, same_wanted));
            let wanted = match wanted {
                Wanted::Default => "default",
                Wanted::Version(text) => {
                    assert!(version::parse(text).is_some(), "{text:?}");
                    "version"
                }
                Wanted::Range(_) => "range",
                Wanted::Tag(_) => "tag",
            };
            format!("registry {wanted} {} {}", name.to_string().starts_with('@'), registry.is_some())
        }
        Target::Tarball(url) => {
            assert!(matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none());
            format!("tarball {} {}", url.scheme(), url.port().is_some())
        }
        Target::File(path) => format!("file {} {}", path.is_absolute(), path.components().count().min(4)),
    }
}

struct TwoFiles {
    user: Vec<u8>,
    project: Vec<u8>,
}

impl Files for TwoFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if path == Path::new("/home/me/.npmrc") {
            Ok(self.user.clone())
        } else if path == Path::new("/p/.npmrc") {
            Ok(self.project.clone())
        } else if path == Path::new("/p/package.json") {
            Ok(b"{}".to_vec())
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    }

    fn is_file(&self, path: &Path) -> bool {
        self.read(path).is_ok()
    }

    fn is_dir(&self, _: &Path) -> bool {
        false
    }
}

/// The user's file, the project's and the environment, with the byte 0x1e between them.
fn npmrc(input: &[u8]) -> String {
    let mut parts = input.splitn(3, |byte| *byte == 0x1e).map(<[u8]>::to_vec);
    let (user, project) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let environment = String::from_utf8_lossy(&parts.next().unwrap_or_default()).into_owned();
    let vars: BTreeMap<String, String> =
        environment.lines().filter_map(|line| line.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let around = Surroundings {
        vars,
        cwd: "/p".into(),
        home: Some("/home/me".into()),
        node: Some("/usr/bin/node".into()),
        files: Arc::new(TwoFiles { user, project }),
    };
    let config = NpmConfig::load(&around, &Overrides::default());
    for registry in config.registries().into_iter().chain([config.registry_for("@s/a"), config.registry_for("a")]) {
        assert!(matches!(registry.scheme(), "http" | "https") && registry.path().ends_with('/'), "{registry}");
        assert!(registry.username().is_empty() && registry.password().is_none() && registry.query().is_none());
    }
    let mut known = Vec::new();
    for place in ["https://h.test/a/-/a.tgz", "http://h.test/", "https://h.test:8443/x/y/", "https://registry.npmjs.org/a"] {
        let url = Url::parse(place).unwrap();
        let auth = config.auth_for(&url);
        let plain_and_unnamed = url.scheme() == "http" && !config.registries().iter().any(|registry| registry.origin() == url.origin());
        assert!(auth.is_none() || !plain_and_unnamed, "credentials over plain http");
        known.push(auth.is_some());
        let _ = config.tarball_url(&url, &config.registry);
    }
    let findings: BTreeSet<&str> = config.findings.iter().map(|finding| finding.code).collect();
    let own = config.registries().len().min(4);
    format!("{findings:?} {known:?} {own} {} {}", config.before.is_some(), config.cache_dir().is_some())
}

/// An address, or a manifest that has one.
fn address(input: &[u8]) -> String {
    let text = String::from_utf8_lossy(input);
    let parsed = match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(manifest) if manifest.is_object() => match address::declared(&manifest) {
            Ok(Some(declared)) => Ok(declared.address),
            Ok(None) => return "nothing declared".to_owned(),
            Err(error) => Err(error),
        },
        _ => address::parse(&text),
    };
    let found = match parsed {
        Ok(found) => found,
        Err(error) => return failure(&error),
    };
    let url = Url::parse(&found.url).unwrap_or_else(|error| panic!("{:?}: {error}", found.url));
    assert!(matches!(url.scheme(), "https" | "http" | "git"), "{url}");
    assert!(url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none(), "{url}");
    let reachable = match url.host().unwrap() {
        Host::Domain(name) => !matches!(name.trim_end_matches('.'), "" | "localhost"),
        Host::Ipv4(address) => !(address.is_loopback() || address.is_private() || address.is_link_local() || address.is_unspecified()),
        Host::Ipv6(address) => {
            !(address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local() || address.is_unspecified())
        }
    };
    assert!(reachable, "{url}");
    let folder = found.directory.as_deref().unwrap_or("a");
    assert!(folder.split('/').all(|part| !matches!(part, "" | "." | "..")), "{folder:?}");
    assert!(found.https().is_none_or(|https| https.starts_with("https://")));
    if found.url.len() > address::MAX_TEXT {
        // Encoded, an address of many odd letters gets longer than one may be written.
        return format!("{:?} long", found.kind);
    }
    let again = address::parse(&found.url).unwrap_or_else(|error| panic!("{:?}: {error}", found.url));
    // Quotes around an address are taken for the prose that it stood in, also where a fragment was
    // cut off behind one, and with them the slashes that they stood behind; and one `.git` is taken
    // off every time, though no host has a repository called so.
    let stem = |url: &str| url.trim_end_matches(['\'', '"', '`', '<', '>', '/']).trim_end_matches(".git").to_owned();
    assert_eq!(stem(&again.url), stem(&found.url), "an address that was read is read again as itself");
    format!("{:?} {} {} {} {}", found.kind, url.scheme(), found.port.is_some(), found.directory.is_some(), found.reference.is_some())
}

fn failure(error: &AddressError) -> String {
    format!("{} {}", error.code(), error.names_nothing())
}

fn packument(input: &[u8]) -> String {
    let spool = Spool::from_bytes(input.to_vec());
    let found = match Packument::read(&spool) {
        Ok(found) => found,
        Err(error) => return format!("{:?}", error.classify()),
    };
    let mut picked = Vec::new();
    for wanted in [Wanted::Default, Wanted::Tag("latest".into()), Wanted::Range("^1.0.0".into()), Wanted::Version("1.0.0".into())] {
        for before in [None, Some("2015-01-01T00:00:00.000Z")] {
            let version = pick(&found, &wanted, "latest", before);
            assert!(version.is_none_or(|version| found.versions.iter().any(|entry| entry.version == version)), "{version:?} is not there");
            picked.push(version.is_some());
        }
    }
    let first = found.versions.first().map(|entry| Packument::manifest(&spool, &entry.version));
    let first = first.map(|manifest| manifest.map(|manifest| manifest.is_some()).map_err(|error| error.classify()));
    let counts = [found.versions.len(), found.dist_tags.len(), found.times.len()].map(|count| count.min(3));
    format!("{counts:?} {picked:?} {first:?} {} {}", found.name.is_some(), found.unpublished.is_some())
}
