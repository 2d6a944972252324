//! The dependencies on git repositories that a build may ask for, each with the address that it has
//! here, and what was fetched for them.
//!
//! A build can ask for none that its source or the registry has not named: else it could tell a
//! host of its choice what it likes.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::{Compression, GzBuilder};
use tempfile::NamedTempFile;
use tokio::sync::OnceCell;

use super::git_wanted::{GitWanted, Reference};

/// Most dependencies on repositories that one build has, and most that are fetched.
const MOST: usize = 2_000;
const MOST_FETCHED: usize = 200;
/// Most bytes of tarballs that one build gets so: they stay on the disk until it is done.
const MOST_BYTES: u64 = 256 << 20;

/// Where dependencies on repositories come from.
pub trait Repositories: Send + Sync + fmt::Debug {
    /// What one has, packed as the client would; the reason where it cannot be had. It may wait for
    /// the network.
    fn get(&self, wanted: &GitWanted) -> Result<GitPackage, String>;
}

/// A dependency that was fetched from a repository.
#[derive(Debug)]
pub struct GitPackage {
    /// As it is handed out: on the disk, as there may be many.
    pub tarball: NamedTempFile,
    /// The name in its package.json, if there is one.
    pub name: Option<String>,
    /// The repository's address.
    pub url: String,
    /// The commit.
    pub commit: String,
    /// What a reader should know of how the commit was found.
    pub notes: Vec<GitNote>,
}

/// What a reader should know of a dependency from a repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum GitNote {
    /// No lockfile names the commit: it was chosen, and this is how.
    Chosen(String),
    /// No branch or tag leads to the commit.
    OffBranch,
    /// A client runs this script before it packs, and it was not run.
    Unprepared(String),
    /// The repository is that of what is judged, or has a commit or a tree in common with it.
    OfJudged,
    /// This file is checked out with other text than a reader of the repository sees.
    Altered(String),
}

/// A tarball of these files: path, whether it can be executed, and content, one after the other.
/// The same bytes for the same files.
pub fn git_tarball<W: Write, E: From<io::Error>>(
    files: impl IntoIterator<Item = Result<(String, bool, Vec<u8>), E>>,
    to: W,
) -> Result<W, E> {
    let gzip = GzBuilder::new().mtime(0).operating_system(255).write(to, Compression::default());
    let mut archive = tar::Builder::new(gzip);
    for file in files {
        let (path, executable, content) = file?;
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(if executable { 0o755 } else { 0o644 });
        // 1985, as npm has it: some unpack no older file.
        header.set_mtime(499_162_500);
        archive.append_data(&mut header, format!("package/{path}"), content.as_slice())?;
    }
    Ok(archive.into_inner()?.finish()?)
}

type Got = Arc<Result<Arc<GitPackage>, String>>;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By the key in the address.
    wanted: BTreeMap<String, GitWanted>,
    /// What a lockfile has for a dependency, by name and text.
    exact: BTreeMap<(String, String), GitWanted>,
    /// What it has by name.
    locked: BTreeMap<String, Vec<GitWanted>>,
    cells: BTreeMap<String, Arc<OnceCell<Got>>>,
    bytes: u64,
}

impl State {
    /// What stands for a dependency: what a lockfile says of it, or itself.
    fn settled(&self, own: GitWanted, text: &str) -> GitWanted {
        if let Some(exact) = self.exact.get(&(own.name.clone(), text.to_owned())) {
            return exact.clone();
        }
        let same: Vec<&GitWanted> = self.locked.get(&own.name).into_iter().flatten().filter(|one| one.same_repository(&own)).collect();
        if let Reference::Commit(_) = own.reference {
            return same.into_iter().find(|one| one.reference == own.reference).cloned().unwrap_or(own);
        }
        same.first().map_or(own, |first| (*first).clone())
    }

    fn add(&mut self, wanted: GitWanted) -> Option<String> {
        let key = wanted.key();
        let has_room = self.wanted.len() < MOST || self.wanted.contains_key(&key);
        has_room.then(|| {
            self.wanted.insert(key.clone(), wanted);
            key
        })
    }
}

impl Ledger {
    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The dependency at an address here.
    pub(super) fn wanted(&self, key: &str) -> Option<GitWanted> {
        self.with(|state| state.wanted.get(key).cloned())
    }

    /// All of them.
    pub(super) fn all(&self) -> BTreeMap<String, GitWanted> {
        self.with(|state| state.wanted.clone())
    }

    /// Adds those of an earlier build.
    pub(super) fn add_all(&self, wanted: &BTreeMap<String, GitWanted>) {
        self.with(|state| wanted.values().for_each(|one| drop(state.add(one.clone()))));
    }

    /// What a dependency has, fetched once.
    pub(super) async fn get(&self, key: &str, wanted: &GitWanted, from: Option<Arc<dyn Repositories>>) -> Got {
        let Some(from) = from else { return Arc::new(Err("no repository is asked".to_owned())) };
        let cell = self.with(|state| {
            let has_room = state.cells.len() < MOST_FETCHED || state.cells.contains_key(key);
            has_room.then(|| Arc::clone(state.cells.entry(key.to_owned()).or_default()))
        });
        let Some(cell) = cell else { return Arc::new(Err(format!("more than {MOST_FETCHED} repositories are wanted"))) };
        let wanted = wanted.clone();
        let got = cell.get_or_init(|| async {
            let got = tokio::task::spawn_blocking(move || from.get(&wanted)).await;
            let got = got.unwrap_or_else(|error| Err(error.to_string())).and_then(|package| self.kept(package));
            Arc::new(got)
        });
        Arc::clone(got.await)
    }

    fn kept(&self, package: GitPackage) -> Result<Arc<GitPackage>, String> {
        let length = package.tarball.as_file().metadata().map_err(|error| error.to_string())?.len();
        self.with(|state| {
            state.bytes = state.bytes.saturating_add(length);
            if state.bytes > MOST_BYTES {
                Err(format!("more than {MOST_BYTES} bytes come from repositories"))
            } else {
                Ok(Arc::new(package))
            }
        })
    }
}

/// How dependencies on repositories are led to the registry here.
#[derive(Debug, Clone)]
pub struct Leads {
    base: String,
    ledger: Arc<Ledger>,
}

impl Leads {
    /// To a registry at this address that fetches none: an empty package stands for each.
    pub fn new(base: &str) -> Self {
        Self::of(base, Arc::default())
    }

    pub(super) fn of(base: &str, ledger: Arc<Ledger>) -> Self {
        Self { base: format!("{}/", base.trim_end_matches('/')), ledger }
    }

    /// The registry's address, with a slash at its end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Where a dependency's tarball is: what the lockfile has for it, where it has something.
    pub(super) fn to(&self, name: &str, wanted: &str) -> String {
        let key = GitWanted::parse(name, wanted).and_then(|own| {
            self.ledger.with(|state| {
                let settled = state.settled(own, wanted.trim());
                state.add(settled)
            })
        });
        self.address(name, key)
    }

    /// Where the tarball of what a lockfile names is.
    pub(super) fn to_locked(&self, wanted: GitWanted) -> String {
        let name = wanted.name.clone();
        self.note(wanted.clone());
        let key = self.ledger.with(|state| state.add(wanted));
        self.address(&name, key)
    }

    /// Notes what a lockfile has for the dependency of a name.
    pub(super) fn note(&self, locked: GitWanted) {
        self.ledger.with(|state| {
            let known = state.locked.entry(locked.name.clone()).or_default();
            if known.len() < MOST && !known.contains(&locked) {
                known.push(locked);
            }
        });
    }

    /// Notes what it has for the dependency of a name and a text.
    pub(super) fn note_exactly(&self, text: &str, locked: GitWanted) {
        self.ledger.with(|state| {
            if state.exact.len() < MOST {
                state.exact.insert((locked.name.clone(), text.to_owned()), locked);
            }
        });
    }

    fn address(&self, name: &str, key: Option<String>) -> String {
        match key {
            Some(key) => format!("{}-/git/{key}/{name}.tgz", self.base),
            None => format!("{}-/git/{name}.tgz", self.base),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn what_a_lockfile_has_stands_for_the_words_of_a_manifest() {
        let leads = Leads::new("http://r");
        let locked = GitWanted::parse("a", &format!("git+ssh://git@github.com/o/a.git#{COMMIT}")).unwrap();
        let words = leads.to("a", "o/a#main");
        let at = leads.to_locked(locked);
        assert_ne!(words, at);
        assert_eq!((leads.to("a", "o/a#main"), leads.to("a", "git+https://github.com/o/a")), (at.clone(), at.clone()));
        assert_ne!(leads.to("a", "o/b"), at, "another repository");
        assert_ne!(leads.to("b", "o/a"), at, "another name");
        assert_ne!(leads.to("a", &format!("o/a#{}", COMMIT.replace('0', "f"))), at, "another commit");
        assert!(at.starts_with("http://r/-/git/") && at.ends_with("/a.tgz"));
        assert_eq!(leads.to("a", "https://pkg.pr.new/o/n@1"), "http://r/-/git/a.tgz");
    }

    #[test]
    fn the_same_files_are_the_same_tarball() {
        let pack = |path: String, executable| git_tarball([io::Result::Ok((path, executable, b"{}".to_vec()))], Vec::new()).unwrap();
        let of = |executable| pack("package.json".to_owned(), executable);
        assert_eq!(of(false), of(false));
        assert_ne!(of(false), of(true));
        let long = pack("x/".repeat(200) + "a", false);
        assert!(!long.is_empty());
        let lost = git_tarball([Err(io::Error::other("lost"))], Vec::new());
        assert_eq!(lost.unwrap_err().to_string(), "lost");
    }

    #[test]
    fn no_more_is_kept_than_a_build_may_get() {
        let package = |bytes: u64| {
            let tarball = NamedTempFile::new().unwrap();
            tarball.as_file().set_len(bytes).unwrap();
            GitPackage { tarball, name: None, url: String::new(), commit: String::new(), notes: Vec::new() }
        };
        let ledger = Ledger::default();
        let (first, other) = (ledger.kept(package(MOST_BYTES)), ledger.kept(package(1)));
        assert!(first.is_ok() && other.is_err_and(|why| why.starts_with("more than ")));
    }
}
