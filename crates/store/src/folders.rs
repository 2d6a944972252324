//! Where everything is kept: one root with a folder for each kind of thing, all of which can be
//! deleted at any time.

use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::error::CacheError;
use super::results::Results;

/// The name of this program's folder among the platform's caches.
const NAME: &str = "reproduce";
/// The results' file, as the tool that this one replaces calls it.
const RESULTS: &str = "results.json";

/// The folders of one cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// The folder that holds the others.
    pub root: PathBuf,
    /// The file of results (see [`Results`](super::Results)).
    pub results: PathBuf,
    /// Git objects, a folder per repository (see [`Self::repository`]).
    pub git: PathBuf,
    /// Published tarballs.
    pub tarballs: PathBuf,
    /// What registries said of packages that builds installed.
    pub packuments: PathBuf,
    /// Node and package managers.
    pub toolchains: PathBuf,
    /// Checkouts in which builds ran.
    pub builds: PathBuf,
}

/// The platform's rule for caches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// `XDG_CACHE_HOME`, else `~/.cache` (XDG base directory specification).
    Unix,
    /// `~/Library/Caches` (Apple's file system guide).
    MacOs,
    /// `%LOCALAPPDATA%`.
    Windows,
}

impl Platform {
    /// The one that this program runs on.
    pub const HOST: Self = if cfg!(windows) {
        Self::Windows
    } else if cfg!(target_os = "macos") {
        Self::MacOs
    } else {
        Self::Unix
    };
}

impl Folders {
    /// The key that results are sealed with.
    pub fn seal_key(&self) -> PathBuf {
        super::key::Key::file(&self.root)
    }

    /// The cache in `root`; `cache_file` is the results' file, relative to it or absolute. Touches
    /// nothing on disk.
    pub fn at(root: impl Into<PathBuf>, cache_file: Option<&Path>) -> Self {
        let root = root.into();
        Self {
            results: root.join(cache_file.unwrap_or_else(|| Path::new(RESULTS))),
            git: root.join("git"),
            tarballs: root.join("tarballs"),
            packuments: root.join("packuments"),
            toolchains: root.join("toolchains"),
            builds: root.join("builds"),
            root,
        }
    }

    /// The file of results.
    pub fn stored(&self) -> Results {
        if self.results == self.root.join(RESULTS) { Results::own(&self.results) } else { Results::at(&self.results) }
    }

    /// Makes the folders, for this user alone. Folders that are there keep their permissions.
    pub fn create(&self) -> Result<(), CacheError> {
        [&self.root, &self.git, &self.tarballs, &self.packuments, &self.toolchains, &self.builds]
            .into_iter()
            .try_for_each(|folder| create(folder))
    }

    /// The folder for the git objects of the repository at `url`.
    pub fn repository(&self, url: &str) -> PathBuf {
        self.git.join(safe_name(url))
    }
}

/// The platform's folder for this program's caches. `env` reads a variable of the environment.
pub fn platform_root(platform: Platform, env: &dyn Fn(&str) -> Option<OsString>) -> Result<PathBuf, CacheError> {
    let folder = |variable: &'static str| {
        // Empty and relative values count as not set: so the XDG specification says, and a cache
        // must not follow the working folder.
        env(variable).map(PathBuf::from).filter(|path| path.is_absolute()).ok_or(CacheError::NoFolder { variable })
    };
    let parent = match platform {
        Platform::Unix => folder("XDG_CACHE_HOME").or_else(|_| folder("HOME").map(|home| home.join(".cache")))?,
        Platform::MacOs => folder("HOME")?.join("Library").join("Caches"),
        Platform::Windows => folder("LOCALAPPDATA").or_else(|_| folder("USERPROFILE").map(|home| home.join("AppData").join("Local")))?,
    };
    Ok(parent.join(NAME))
}

/// Makes a folder and those above it, for this user alone.
pub fn create(folder: &Path) -> Result<(), CacheError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| match error.kind() {
        // What `mkdir` says of a file, and of a link that leads nowhere.
        std::io::ErrorKind::AlreadyExists => CacheError::WrongType { path: folder.to_owned(), expected: "a folder" },
        _ => CacheError::writing(folder, error),
    })
}

/// Gives a folder or file of ours this mode, whatever the mask of whoever runs this: a build runs
/// as another user.
#[cfg(unix)]
pub fn open_to_all(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))
}

/// There is one user, as whom builds run too.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on the systems that have modes")]
pub fn open_to_all(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}

/// A file name for an address: its readable beginning, and the SHA-256 of the whole.
///
/// Lower-case letters, digits and `-` only: no platform gives such a name another meaning, whatever
/// the address holds.
pub fn safe_name(url: &str) -> String {
    const READABLE: usize = 40;
    let text = url.split_once("://").map_or(url, |(_, rest)| rest);
    let mut name = String::with_capacity(READABLE + 65);
    for c in text.chars().take(4 * READABLE) {
        if name.len() >= READABLE {
            break;
        }
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_lowercase());
        } else if !name.ends_with('-') && !name.is_empty() {
            name.push('-');
        }
    }
    if !name.is_empty() && !name.ends_with('-') {
        name.push('-');
    }
    for byte in Sha256::digest(url.as_bytes()) {
        for half in [byte >> 4, byte & 15] {
            name.extend(char::from_digit(u32::from(half), 16));
        }
    }
    name
}
