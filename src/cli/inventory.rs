//! What the cache folder holds, and removing what is old or too much, while others use it.
//!
//! Only what this program makes is ever removed, and only where it makes it: whoever names a folder
//! of their own with `--cache-dir` loses nothing that was there before. A tool that a run holds
//! stays; a repository that was written a moment ago is taken to be in use. What is removed first
//! gets another name, so that nobody sees a half of it.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use npm_toolchain::shelf::Shelf;
use store::{CacheError, FileLock, Folders, GONE, Key, layout, remove_tree, target};

/// How long after it was written something without a lock is taken to be in use. A run ends by
/// itself after ten minutes.
const IN_USE: Duration = Duration::from_secs(15 * 60);
/// Deepest folder whose size is counted.
const MAX_DEPTH: usize = 64;
/// What begins the name of something that is being removed.
const REMOVED: &str = ".removed-";

/// What an entry of the cache is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sort {
    /// The git objects of one repository.
    Git,
    /// A tarball, or a folder of them.
    Tarballs,
    /// What registries said of a package.
    Packuments,
    /// A tool.
    Toolchains,
    /// A checkout in which a build ran.
    Builds,
    /// The file of results.
    Results,
    /// Anything else in the folder; it is shown, and never removed.
    Other,
}

impl Sort {
    /// Every sort, as shown.
    pub(super) const ALL: [Self; 7] =
        [Self::Git, Self::Tarballs, Self::Packuments, Self::Toolchains, Self::Builds, Self::Results, Self::Other];

    /// Its name in JSON and in the list.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Git => "git",
            Self::Tarballs => "tarballs",
            Self::Packuments => "packuments",
            Self::Toolchains => "toolchains",
            Self::Builds => "builds",
            Self::Results => "results",
            Self::Other => "other",
        }
    }
}

/// One entry of the cache.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// What it is.
    pub sort: Sort,
    /// Its name: a tool's, else that of the file or folder.
    pub name: String,
    /// A tool's version.
    pub version: Option<String>,
    /// Bytes of its files.
    pub bytes: u64,
    /// When it was last used, as far as that is known.
    pub used: SystemTime,
    path: PathBuf,
}

/// What to remove.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Plan {
    /// What was not used for so long.
    pub older_than: Option<Duration>,
    /// What was not used for longest, until the rest is not larger than this.
    pub max_bytes: Option<u64>,
    /// Everything.
    pub all: bool,
    /// Say it, and do nothing.
    pub dry_run: bool,
}

/// What was done.
#[derive(Debug, Clone, Default)]
pub(super) struct Pruned {
    /// What is gone, or would be.
    pub removed: Vec<Item>,
    /// What should go, and is in use.
    pub in_use: Vec<Item>,
    /// Bytes that are left.
    pub left: u64,
}

/// Everything in the cache, sort by sort, in order of names.
pub(super) fn list(folders: &Folders) -> Result<Vec<Item>, CacheError> {
    let mut all = Vec::new();
    for entry in children(&folders.git)? {
        all.extend(item(Sort::Git, &entry));
    }
    for entry in children(&folders.tarballs)? {
        all.extend(item(Sort::Tarballs, &entry));
    }
    for entry in children(&folders.packuments)? {
        all.extend(item(Sort::Packuments, &entry));
    }
    for entry in children(&folders.builds)? {
        // The locks beside them are no entries of their own: a lock file is never removed.
        if !entry.is_file() {
            all.extend(item(Sort::Builds, &entry));
        }
    }
    for tool in Shelf::at(&folders.toolchains).list()? {
        let path = folders.toolchains.join(&tool.name);
        let (name, version) = (tool.card.kind, Some(tool.card.version));
        all.push(Item { sort: Sort::Toolchains, name, version, bytes: tool.card.bytes, used: tool.used, path });
    }
    all.extend(item(Sort::Results, &folders.results));
    let lock = lock_of(&folders.results);
    let Folders { git, tarballs, packuments, toolchains, builds, results, .. } = folders;
    let key = Key::file(&folders.root);
    let known = [git, tarballs, packuments, toolchains, builds, results, &lock, &key];
    for entry in children(&folders.root)? {
        if !known.contains(&&entry) {
            all.extend(item(Sort::Other, &entry));
        }
    }
    // Stable: within a sort the order of names, and of versions as the shelf has them.
    all.sort_by_key(|item| item.sort);
    Ok(all)
}

/// Removes by a plan.
pub(super) fn prune(folders: &Folders, plan: Plan, now: SystemTime) -> Result<Pruned, CacheError> {
    let items = list(folders)?;
    let mut pruned = Pruned { left: items.iter().map(|item| item.bytes).sum(), ..Pruned::default() };
    let mut removable: Vec<Item> = items.into_iter().filter(|item| may_be_removed(item, folders, plan.all)).collect();
    removable.sort_by_key(|item| item.used);
    for item in removable {
        let age = now.duration_since(item.used).unwrap_or_default();
        let is_old = plan.older_than.is_some_and(|limit| age >= limit);
        let is_too_much = plan.max_bytes.is_some_and(|limit| pruned.left > limit);
        if !plan.all && !is_old && !is_too_much {
            continue;
        }
        if plan.dry_run || remove(&item, folders, age)? {
            pruned.left = pruned.left.saturating_sub(item.bytes);
            pruned.removed.push(item);
        } else {
            pruned.in_use.push(item);
        }
    }
    if !plan.dry_run && folders.toolchains.is_dir() {
        Shelf::at(&folders.toolchains).sweep()?;
    }
    Ok(pruned)
}

/// Whether it is something that this program made.
fn may_be_removed(item: &Item, folders: &Folders, all: bool) -> bool {
    match item.sort {
        Sort::Git => item.path.join("objects").join("pack").is_dir() && item.path.join("HEAD").is_file() || is_removed(&item.path),
        // Their names say nothing, so the folder must be known as a cache.
        Sort::Tarballs | Sort::Packuments => is_cache(folders),
        Sort::Toolchains => true,
        // What is only there to be removed has no lock: the folder must be known as a cache.
        Sort::Builds => build_lock(&item.path).is_file() || is_gone(&item.path) && is_cache(folders),
        // Small, and what they hold took long to find out. The mark tells them from a file of that
        // name of somebody else's.
        Sort::Results => all && has_mark(&item.path),
        Sort::Other => false,
    }
}

/// Removes one; `false` if it is in use.
fn remove(item: &Item, folders: &Folders, age: Duration) -> Result<bool, CacheError> {
    let name = item.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match item.sort {
        Sort::Toolchains => Shelf::at(&folders.toolchains).remove(&name),
        Sort::Results => {
            let _lock = match FileLock::acquire(&lock_of(&folders.results), Duration::from_secs(1)) {
                Ok(lock) => lock,
                Err(CacheError::Busy { .. }) => return Ok(false),
                Err(error) => return Err(error),
            };
            gone(&item.path, fs::remove_file(&item.path))
        }
        // Whoever removes it too removes the same.
        Sort::Builds if is_gone(&item.path) => gone(&item.path, remove_tree(&item.path)),
        Sort::Builds => {
            let _lock = match FileLock::acquire(&build_lock(&item.path), Duration::ZERO) {
                Ok(lock) => lock,
                Err(CacheError::Busy { .. }) => return Ok(false),
                Err(error) => return Err(error),
            };
            gone(&item.path, remove_tree(&item.path))
        }
        Sort::Git | Sort::Tarballs | Sort::Packuments if age < IN_USE && !is_removed(&item.path) => Ok(false),
        Sort::Git | Sort::Tarballs | Sort::Packuments => {
            let aside = if is_removed(&item.path) { item.path.clone() } else { item.path.with_file_name(format!("{REMOVED}{name}")) };
            if aside != item.path {
                gone(&item.path, fs::rename(&item.path, &aside))?;
            }
            let is_folder = fs::symlink_metadata(&aside).is_ok_and(|found| found.is_dir());
            gone(&aside, if is_folder { remove_tree(&aside) } else { fs::remove_file(&aside) })
        }
        Sort::Other => Ok(false),
    }
}

/// What was there is not any more, whoever removed it.
fn gone(path: &Path, result: io::Result<()>) -> Result<bool, CacheError> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(CacheError::writing(path, error)),
        _ => Ok(true),
    }
}

/// Whether this program keeps things there.
fn is_cache(folders: &Folders) -> bool {
    has_mark(&folders.results) || Shelf::at(&folders.toolchains).is_shelf()
}

/// A build's folder that was moved aside to be removed.
fn is_gone(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(GONE))
}

fn has_mark(results: &Path) -> bool {
    let mut head = [0; layout::HEAD.len()];
    fs::File::open(results).and_then(|mut file| file.read_exact(&mut head)).is_ok() && head == layout::HEAD
}

/// What a killed removal left.
fn is_removed(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(REMOVED))
}

fn lock_of(results: &Path) -> PathBuf {
    target::beside(results, ".", ".lock")
}

/// The lock of a build's folder, beside it.
fn build_lock(folder: &Path) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    folder.with_file_name(name)
}

/// The paths in a folder, in order; none where there is no folder.
fn children(folder: &Path) -> Result<Vec<PathBuf>, CacheError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| CacheError::reading(folder, error))?,
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    Ok(paths)
}

/// An entry with its size; none if it is gone meanwhile.
fn item(sort: Sort, path: &Path) -> Option<Item> {
    let found = fs::symlink_metadata(path).ok()?;
    let mut used = found.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    let bytes = size(path, &mut used, 0);
    // A build can date its files into the future, and would never be old.
    let used = used.min(SystemTime::now());
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Some(Item { sort, name, version: None, bytes, used, path: path.to_owned() })
}

/// Bytes of the files below, links not followed; `used` becomes the newest time that is met. What
/// goes away meanwhile is none.
fn size(path: &Path, used: &mut SystemTime, depth: usize) -> u64 {
    let Ok(found) = fs::symlink_metadata(path) else { return 0 };
    *used = (*used).max(found.modified().unwrap_or(SystemTime::UNIX_EPOCH));
    if !found.is_dir() {
        return found.len();
    }
    if depth >= MAX_DEPTH {
        return 0;
    }
    // One entry after the other: a build may have left millions.
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    entries.flatten().map(|entry| size(&entry.path(), used, depth + 1)).fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn cache() -> (tempfile::TempDir, Folders) {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::at(folder.path().join("cache"), None);
        folders.create().unwrap();
        for name in ["a", "b"] {
            let repository = folders.repository(&format!("https://git.example/{name}"));
            fs::create_dir_all(repository.join("objects/pack")).unwrap();
            fs::write(repository.join("HEAD"), "ref").unwrap();
            fs::write(repository.join("objects/pack/x.pack"), vec![0; 1000]).unwrap();
        }
        fs::write(folders.tarballs.join("x.tgz"), vec![0; 100]).unwrap();
        fs::write(&folders.results, "{ \n}\n").unwrap();
        fs::create_dir(folders.root.join("mine")).unwrap();
        fs::write(folders.root.join("mine/file"), "12345").unwrap();
        (folder, folders)
    }

    fn names(items: &[Item]) -> Vec<(&'static str, u64)> {
        items.iter().map(|item| (item.sort.as_str(), item.bytes)).collect()
    }

    #[test]
    fn the_list_has_every_sort_with_its_size() {
        let (_folder, folders) = cache();
        let all = list(&folders).unwrap();
        assert_eq!(names(&all), [("git", 1003), ("git", 1003), ("tarballs", 100), ("results", 5), ("other", 5)]);
        let nothing = Folders::at(folders.root.join("nowhere"), None);
        assert!(list(&nothing).unwrap().is_empty());
    }

    #[test]
    fn what_is_old_is_removed() {
        let (_folder, folders) = cache();
        let plan = Plan { older_than: Some(DAY), ..Plan::default() };
        assert!(prune(&folders, plan, SystemTime::now()).unwrap().removed.is_empty());
        let pruned = prune(&folders, plan, SystemTime::now() + 2 * DAY).unwrap();
        assert_eq!(names(&pruned.removed).len(), 3);
        assert_eq!(names(&list(&folders).unwrap()), [("results", 5), ("other", 5)]);
    }

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let (_folder, folders) = cache();
        let old = folders.repository("https://git.example/b");
        let long_ago = SystemTime::now() - 9 * DAY;
        for path in ["objects/pack/x.pack", "objects/pack", "objects", "HEAD", ""] {
            fs::File::open(old.join(path)).unwrap().set_modified(long_ago).unwrap();
        }
        let pruned = prune(&folders, Plan { max_bytes: Some(1500), ..Plan::default() }, SystemTime::now() + DAY).unwrap();
        assert_eq!((pruned.removed.len(), pruned.left), (1, 1113));
        assert!(!old.exists());
    }

    #[test]
    fn what_may_be_in_use_stays() {
        let (_folder, folders) = cache();
        let pruned = prune(&folders, Plan { all: true, ..Plan::default() }, SystemTime::now()).unwrap();
        assert_eq!(names(&pruned.in_use), [("git", 1003), ("git", 1003), ("tarballs", 100)]);
        assert_eq!(names(&pruned.removed), [("results", 5)]);
    }

    #[test]
    fn a_folder_of_the_users_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::at(folder.path(), None);
        for path in ["git/project/src", "tarballs/backup", "toolchains/node-20", "photos"] {
            fs::create_dir_all(folder.path().join(path)).unwrap();
            fs::write(folder.path().join(path).join("file"), "x").unwrap();
        }
        fs::write(&folders.results, "{\"mine\": 1}").unwrap();
        let pruned = prune(&folders, Plan { all: true, ..Plan::default() }, SystemTime::now() + 99 * DAY).unwrap();
        assert!(folders.results.is_file());
        assert!(pruned.removed.is_empty() && pruned.in_use.is_empty());
        for path in ["git/project/src", "tarballs/backup", "toolchains/node-20", "photos"] {
            assert!(folder.path().join(path).join("file").is_file(), "{path}");
        }
    }

    #[test]
    fn a_build_is_removed_unless_somebody_works_in_it() {
        let (_folder, folders) = cache();
        fs::create_dir_all(folders.builds.join("b/work")).unwrap();
        let lock = FileLock::acquire(&folders.builds.join("b.lock"), Duration::ZERO).unwrap();
        let all = Plan { all: true, ..Plan::default() };
        let kinds = |items: &[Item]| names(items).into_iter().filter(|(sort, _)| *sort == "builds").count();
        assert_eq!(kinds(&prune(&folders, all, SystemTime::now()).unwrap().in_use), 1);
        drop(lock);
        assert_eq!(kinds(&prune(&folders, all, SystemTime::now()).unwrap().removed), 1);
        assert!(!folders.builds.join("b").exists() && folders.builds.join("b.lock").exists());
    }

    #[test]
    fn what_was_moved_aside_to_be_removed_is_removed() {
        let (_folder, folders) = cache();
        let aside = folders.builds.join(format!("{GONE}x"));
        fs::create_dir_all(aside.join("b/work")).unwrap();
        let all = Plan { all: true, ..Plan::default() };
        fs::write(&folders.results, "{}").unwrap();
        prune(&folders, all, SystemTime::now()).unwrap();
        assert!(aside.exists(), "no cache that is known as one");
        fs::write(&folders.results, layout::HEAD).unwrap();
        prune(&folders, all, SystemTime::now()).unwrap();
        assert!(!aside.exists());
    }

    #[test]
    fn a_dry_run_removes_nothing() {
        let (_folder, folders) = cache();
        let plan = Plan { all: true, dry_run: true, ..Plan::default() };
        assert_eq!(prune(&folders, plan, SystemTime::now()).unwrap().removed.len(), 4);
        assert_eq!(list(&folders).unwrap().len(), 5);
    }
}
