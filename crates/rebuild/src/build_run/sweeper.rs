//! Removing builds that nobody comes back to, beside the build that is at work.
//!
//! It may take minutes: it must not keep a package waiting, and ends with the build, wherever it
//! is. What is left of a folder then has no note, so that nobody takes it for a build, and the next
//! run goes on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};
use std::{fs, io};

use store::{FileLock, GONE, remove_tree_while};

use super::kept::NOTE;

/// How long a folder is kept that nobody comes back to, and how many are.
const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);
const KEPT: usize = 6;
/// So many are never there, even if builds are quicker than their removal: the run waits for it.
const MOST: usize = 3 * KEPT;

/// A thread that removes. Dropping this stops it.
pub(super) struct Sweeper {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Sweeper {
    /// Begins to remove what is below `builds`, save for the folder `wanted`.
    pub(super) fn start(builds: PathBuf, wanted: String) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        sweep(&builds, &wanted, SystemTime::now(), MOST, &|| true);
        // Where no thread can be had, the next run removes.
        let thread = std::thread::Builder::new().name("sweeper".into()).spawn(move || {
            sweep(&builds, &wanted, SystemTime::now(), KEPT, &|| !stopped.load(Ordering::Relaxed));
        });
        Self { stop, thread: thread.ok() }
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It ends before its next file; if it panicked, the next run removes.
            let _: std::thread::Result<()> = thread.join();
        }
    }
}

/// Removes what nobody came back to, and the oldest of more than `most` with the wanted one. What
/// cannot be removed is tried again by the next run.
fn sweep(builds: &Path, wanted: &str, now: SystemTime, most: usize, go_on: &dyn Fn() -> bool) {
    // A link may lead to folders of somebody else's.
    if !fs::symlink_metadata(builds).is_ok_and(|found| found.is_dir()) {
        return;
    }
    let Ok(entries) = fs::read_dir(builds) else { return };
    let (gone, mut found): (Vec<_>, Vec<_>) = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| {
            let note = entry.path().join(NOTE);
            let time = fs::metadata(&note).or_else(|_| entry.metadata()).and_then(|data| data.modified()).ok()?;
            Some((time, entry.file_name().to_string_lossy().into_owned()))
        })
        .filter(|(_, name)| name != wanted && is_ours(builds, name))
        .partition(|(_, name)| name.starts_with(GONE));
    found.sort_by(|a, b| b.cmp(a));
    let is_old = |time: &SystemTime| now.duration_since(*time).is_ok_and(|age| age > KEPT_FOR);
    for (at, (time, name)) in found.iter().enumerate() {
        if (is_old(time) || at + 1 >= most)
            && let Ok(_lock) = FileLock::acquire(&builds.join(format!("{name}.lock")), Duration::ZERO)
        {
            let dir = builds.join(name);
            // First of all: half a folder must not pass for a build.
            let _: io::Result<()> = fs::remove_file(dir.join(NOTE));
            let _: io::Result<bool> = remove_tree_while(&dir, go_on);
        }
    }
    if most == KEPT {
        for (_, name) in gone {
            let _: io::Result<bool> = remove_tree_while(&builds.join(name), go_on);
        }
    }
}

/// Whether a folder is a build's, or was one: whoever names a folder of their own with
/// `--cache-dir` loses nothing.
fn is_ours(builds: &Path, name: &str) -> bool {
    const DIGEST: usize = 64;
    const RANDOM: usize = 6;
    if let Some(random) = name.strip_prefix(GONE) {
        return random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric());
    }
    let is_key = name.rsplit('-').next().is_some_and(|end| end.len() == DIGEST && end.bytes().all(|byte| byte.is_ascii_hexdigit()));
    is_key && fs::symlink_metadata(builds.join(format!("{name}.lock"))).is_ok_and(|found| found.is_file())
}

#[cfg(test)]
mod tests {
    use super::super::kept::Kept;
    use super::*;

    fn folders(builds: &Path) -> Vec<String> {
        let entries = fs::read_dir(builds).unwrap().flatten().filter(|entry| entry.path().is_dir());
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    fn key(at: usize) -> String {
        format!("host-example-{at:064x}")
    }

    /// A folder as a build leaves it.
    fn make(builds: &Path, at: usize) {
        fs::create_dir_all(builds.join(key(at)).join("deep")).unwrap();
        fs::write(builds.join(format!("{}.lock", key(at))), "").unwrap();
    }

    #[test]
    fn what_is_not_ours_stays_however_old_and_many() {
        let (builds, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let names = ["precious", "gone-fishing", "gone-x", "a-0123456789abcdef"];
        for at in 0..KEPT + 3 {
            fs::create_dir_all(builds.path().join(key(at))).unwrap();
        }
        for name in names {
            fs::create_dir_all(builds.path().join(name)).unwrap();
            make(elsewhere.path(), name.len());
        }
        let later = SystemTime::now() + 2 * KEPT_FOR;
        sweep(builds.path(), "mine", later, KEPT, &|| true);
        assert_eq!(folders(builds.path()).len(), KEPT + 3 + names.len(), "no lock, no build");
        #[cfg(unix)]
        {
            let link = builds.path().join("link");
            std::os::unix::fs::symlink(elsewhere.path(), &link).unwrap();
            let before = folders(elsewhere.path()).len();
            sweep(&link, "mine", later, KEPT, &|| true);
            assert_eq!(folders(elsewhere.path()).len(), before);
        }
    }

    #[test]
    fn the_oldest_of_too_many_go_and_those_in_use_stay() {
        let builds = tempfile::tempdir().unwrap();
        let used = key(100);
        let (_used, _) = Kept::take(builds.path(), &used, Duration::ZERO).unwrap();
        fs::create_dir_all(builds.path().join(&used)).unwrap();
        for at in 0..KEPT + 3 {
            make(builds.path(), at);
        }
        fs::create_dir_all(builds.path().join("gone-abcdef/deep")).unwrap();
        sweep(builds.path(), "mine", SystemTime::now(), KEPT, &|| true);
        let left = folders(builds.path());
        assert!(left.len() <= KEPT && left.contains(&used) && !left.contains(&"gone-abcdef".to_owned()), "{left:?}");
    }

    #[test]
    fn what_is_left_of_a_folder_is_no_build() {
        let builds = tempfile::tempdir().unwrap();
        for at in 0..=KEPT {
            make(builds.path(), at);
            fs::write(builds.path().join(key(at)).join(NOTE), "{}").unwrap();
        }
        sweep(builds.path(), "mine", SystemTime::now(), KEPT, &|| false);
        let noted = folders(builds.path()).iter().filter(|name| builds.path().join(name).join(NOTE).exists()).count();
        assert_eq!((folders(builds.path()).len(), noted), (KEPT + 1, KEPT - 1));
    }

    #[test]
    fn a_folder_that_is_emptied_is_removed_beside_the_build() {
        let builds = tempfile::tempdir().unwrap();
        let (mut kept, _) = Kept::take(builds.path(), "a", Duration::ZERO).unwrap();
        fs::create_dir_all(builds.path().join("a/deep")).unwrap();
        kept.clear().unwrap();
        assert_eq!(fs::read_dir(builds.path().join("a")).unwrap().count(), 0);
        drop(kept);
        sweep(builds.path(), "a", SystemTime::now(), KEPT, &|| true);
        assert_eq!(folders(builds.path()), ["a"]);
    }
}
