//! How much disk a build takes: what lies in the folders that it may write to, and files that it
//! has removed and holds open.

use std::collections::{HashMap, HashSet};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fchmodat, fstat, fstatat, stat};
use nix::sys::statvfs::statvfs;

use super::{census, in_flight};

/// The disk is looked at anew when it has lost as much as was left, or after this time, or after
/// twenty times as long as it takes.
const PAUSE: Duration = Duration::from_secs(2);
const TICK: Duration = Duration::from_millis(50);
const SHARE: u32 = 20;
/// Free space that the host keeps, whatever the limit says.
const RESERVE: u64 = 256 << 20;
/// Folders that are held open on the way down a tree; the way back up to deeper ones is by `..`.
const HELD: usize = 256;
/// So often in a row it may not be known how much there is, because folders so deep moved while
/// they were counted.
const MOST_LOST: usize = 10;
/// So often in a row more than the limit may be gone that no file explains: what was just removed
/// is freed a moment later.
const MOST_HIDDEN: usize = 5;
const FOLDER: OFlag = OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);
const BLOCK: u64 = 512;

/// Watches on a thread of its own, since a large tree takes seconds. `over` becomes true when more
/// than `limit` is taken.
pub fn watch(folders: Vec<PathBuf>, limit: u64, over: Arc<AtomicBool>) -> std::io::Result<()> {
    thread::Builder::new().name("disk".into()).spawn(move || {
        let at_first = free(&folders);
        let least = |free: &[u64]| free.iter().copied().min().unwrap_or(u64::MAX);
        let reserve = RESERVE.min(least(&at_first) / 2);
        let (mut used, mut left) = (usage(&folders).0, free(&folders));
        let begun_with = used;
        let (mut looked, mut took) = (Instant::now(), Duration::ZERO);
        let (mut lost, mut hidden) = (0, 0);
        while used <= limit && lost < MOST_LOST && hidden < MOST_HIDDEN {
            thread::sleep(TICK);
            let now = free(&folders);
            if least(&now) < reserve {
                break;
            }
            let room = limit.saturating_sub(used);
            if gone(&left, &now) > room || hidden > 0 || looked.elapsed() > PAUSE.max(took * SHARE) {
                let start = Instant::now();
                let is_lost;
                (used, is_lost) = usage(&folders);
                lost = if is_lost { lost + 1 } else { 0 };
                // What the disk has lost and no file explains: others write to it as well, or the
                // build keeps removed files in messages.
                let unexplained = gone(&at_first, &now).saturating_sub(used.saturating_sub(begun_with));
                let is_hidden = unexplained > limit.max(RESERVE) && in_flight::may_be_held(&build());
                hidden = if is_hidden { hidden + 1 } else { 0 };
                (looked, took, left) = (Instant::now(), start.elapsed(), now);
            }
        }
        over.store(true, Ordering::Release);
    })?;
    Ok(())
}

/// The processes of the build, by number.
fn build() -> HashSet<u32> {
    census::family(std::process::id()).unwrap_or_default()
}

/// The free space of the file system that each folder is on.
fn free(folders: &[PathBuf]) -> Vec<u64> {
    let space = |folder: &PathBuf| statvfs(folder).map(|stat| stat.blocks_available().saturating_mul(stat.fragment_size()));
    folders.iter().map(|folder| space(folder).unwrap_or(u64::MAX)).collect()
}

/// The most that one of the file systems has lost, of those that told what they had.
fn gone(before: &[u64], now: &[u64]) -> u64 {
    before
        .iter()
        .zip(now)
        .filter(|(before, _)| **before != u64::MAX)
        .map(|(before, now)| before.saturating_sub(*now))
        .max()
        .unwrap_or_default()
}

/// How many bytes the folders take, and whether more may have been there that was not found.
fn usage(folders: &[PathBuf]) -> (u64, bool) {
    let mut count = Count::default();
    for folder in folders {
        if let Ok(here) = stat(folder) {
            count.device = here.st_dev;
            count.devices.insert(here.st_dev);
            count.add(&here);
            count.walk(folder);
        }
    }
    count.removed();
    count.mapped(folders);
    (count.bytes, count.lost)
}

/// A folder on the way down a tree.
struct Level {
    /// Its device and number.
    id: (libc::dev_t, libc::ino_t),
    /// Its descriptor; `None` while a deeper one is looked at and it is not held.
    folder: Option<OwnedFd>,
    /// The folders in it that are still to be looked at.
    below: Vec<CString>,
}

#[derive(Default)]
struct Count {
    bytes: u64,
    device: libc::dev_t,
    devices: HashSet<libc::dev_t>,
    /// Files with several names, which count once.
    seen: HashSet<(libc::dev_t, libc::ino_t)>,
    /// Whether the way back from a deep folder was not found.
    lost: bool,
}

impl Count {
    fn add(&mut self, file: &FileStat) {
        let several = file.st_nlink != 1 && file.st_mode & libc::S_IFMT != libc::S_IFDIR;
        if !several || self.seen.insert((file.st_dev, file.st_ino)) {
            self.bytes = self.bytes.saturating_add(u64::try_from(file.st_blocks).unwrap_or_default().saturating_mul(BLOCK));
        }
    }

    /// Counts what is below a folder. Links are not followed, other file systems not entered. What
    /// vanishes meanwhile takes nothing.
    fn walk(&mut self, folder: &Path) {
        let mut levels: Vec<Level> = self.enter(nix::fcntl::AT_FDCWD, folder).into_iter().collect();
        while let Some(level) = levels.last_mut() {
            if let (Some(name), Some(folder)) = (level.below.pop(), &level.folder) {
                let Some(next) = self.enter(folder, name.as_c_str()) else { continue };
                if levels.len() > HELD
                    && let Some(above) = levels.last_mut()
                {
                    above.folder = None;
                }
                levels.push(next);
                continue;
            }
            let Some((done, above)) = levels.pop().zip(levels.last_mut()) else { return };
            if above.folder.is_none() {
                above.folder = done.folder.and_then(|folder| openat(folder, "..", FOLDER, Mode::empty()).ok());
                let back = above.folder.as_ref().and_then(|folder| fstat(folder).ok());
                if back.is_none_or(|back| (back.st_dev, back.st_ino) != above.id) {
                    self.lost = true;
                    return;
                }
            }
        }
    }

    /// Opens a folder and counts what is in it.
    fn enter<F: AsFd, P: ?Sized + nix::NixPath>(&mut self, parent: F, name: &P) -> Option<Level> {
        let open = || openat(parent.as_fd(), name, FOLDER, Mode::empty());
        let opened = open().or_else(|error| {
            // A folder that its owner may not read hides what is in it; with the privilege to look
            // anyway this does not happen.
            if error == Errno::EACCES
                && fchmodat(parent.as_fd(), name, Mode::S_IRWXU, nix::sys::stat::FchmodatFlags::NoFollowSymlink).is_ok()
            {
                return open();
            }
            Err(error)
        });
        let mut entries = opened.and_then(Dir::from_fd).ok()?;
        let folder = entries.as_fd().try_clone_to_owned().ok()?;
        let own = fstat(&folder).ok()?;
        let mut below = Vec::new();
        for entry in entries.iter().flatten() {
            let name: &CStr = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let Ok(file) = fstatat(&folder, name, AtFlags::AT_SYMLINK_NOFOLLOW) else { continue };
            self.add(&file);
            if SFlag::from_bits_truncate(file.st_mode & libc::S_IFMT) == SFlag::S_IFDIR && file.st_dev == self.device {
                below.push(name.to_owned());
            }
        }
        Some(Level { id: (own.st_dev, own.st_ino), folder: Some(folder), below })
    }

    /// Files without a name that a process of the build has mapped, and nothing has open: each
    /// counts up to the end of what is mapped of it.
    fn mapped(&mut self, folders: &[PathBuf]) {
        let mut ends: HashMap<libc::ino_t, u64> = HashMap::new();
        for pid in build() {
            let maps = std::fs::read(format!("/proc/{pid}/maps")).unwrap_or_default();
            for (file, end) in String::from_utf8_lossy(&maps).lines().filter_map(|line| removed_file(line, folders)) {
                let known = ends.entry(file).or_default();
                *known = end.max(*known);
            }
        }
        let opened: HashSet<libc::ino_t> = self.seen.iter().map(|(_, file)| *file).collect();
        let all = ends.into_iter().filter(|(file, _)| !opened.contains(file)).map(|(_, end)| end);
        self.bytes = all.fold(self.bytes, u64::saturating_add);
    }

    /// Files without a name that a thread of the build has open: each may have descriptors of its
    /// own.
    fn removed(&mut self) {
        for (pid, thread) in build().into_iter().flat_map(|pid| census::threads(pid).into_iter().map(move |thread| (pid, thread))) {
            let Ok(descriptors) = std::fs::read_dir(format!("/proc/{pid}/task/{thread}/fd")) else { continue };
            for descriptor in descriptors.flatten() {
                let Ok(file) = stat(Path::new(&descriptor.path())) else { continue };
                if file.st_nlink == 0 && file.st_mode & libc::S_IFMT == libc::S_IFREG && self.devices.contains(&file.st_dev) {
                    self.add(&file);
                }
            }
        }
    }
}

/// The number of a removed file of one of these folders, and where the part of it ends that this
/// line of /proc's `maps` is about.
fn removed_file(line: &str, folders: &[PathBuf]) -> Option<(libc::ino_t, u64)> {
    let path = line.get(line.find('/')?..)?;
    if !path.ends_with(" (deleted)") || !folders.iter().any(|folder| Path::new(path).starts_with(folder)) {
        return None;
    }
    let mut words = line.split_whitespace();
    let (from, to) = words.next()?.split_once('-')?;
    let number = |hex: &str| u64::from_str_radix(hex, 16).ok();
    let offset = number(words.nth(1)?)?;
    let file = words.nth(1)?.parse().ok()?;
    Some((file, offset.saturating_add(number(to)?.saturating_sub(number(from)?))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_removed_file_is_read_from_a_line_of_the_map() {
        let folders = [PathBuf::from("/build")];
        let line = |path: &str| format!("7f0000001000-7f0000003000 rw-s 00001000 fe:00 1234                       {path}");
        assert_eq!(removed_file(&line("/build/a b (deleted)"), &folders), Some((1234, 0x3000)));
        for other in ["/build/a", "/builds/a (deleted)", "/dev/zero (deleted)", "[heap]", ""] {
            assert_eq!(removed_file(&line(other), &folders), None, "{other}");
        }
    }

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("reproduce-disk-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("a/b")).unwrap();
        path
    }

    #[test]
    fn a_file_with_two_names_counts_once_and_a_link_not_at_all() {
        let path = folder("links");
        let (empty, _) = usage(std::slice::from_ref(&path));
        fs::write(path.join("a/b/large"), vec![1; 1 << 20]).unwrap();
        fs::hard_link(path.join("a/b/large"), path.join("second")).unwrap();
        std::os::unix::fs::symlink("/usr", path.join("link")).unwrap();
        let used = usage(std::slice::from_ref(&path)).0 - empty;
        fs::remove_dir_all(&path).unwrap();
        assert!((1 << 20..(1 << 20) + 65536).contains(&used), "{used}");
    }

    #[test]
    fn what_lies_deep_counts_with_few_descriptors() {
        let path = folder("deep");
        let end = "/a".repeat(1000);
        for chain in 0..3 {
            fs::create_dir_all(format!("{}/{chain}{end}", path.display())).unwrap();
        }
        let deepest = format!("{}/2{end}", path.display());
        fs::create_dir(format!("{deepest}/beside")).unwrap();
        let (empty, _) = usage(std::slice::from_ref(&path));
        fs::write(format!("{deepest}/beside/large"), vec![1; 1 << 20]).unwrap();
        for chain in [2, 1] {
            let above = format!("{}/{}{end}/a", path.display(), chain - 1);
            fs::rename(path.join(chain.to_string()), above).unwrap();
        }
        let (used, lost) = usage(std::slice::from_ref(&path));
        // Its removal here needs no stack either.
        assert!(std::process::Command::new("rm").arg("-rf").arg(&path).status().unwrap().success());
        assert!(!lost && (1 << 20..(1 << 20) + 65536).contains(&(used - empty)), "{used} {empty}");
    }

    #[test]
    fn what_is_over_the_limit_is_noticed() {
        let path = folder("limit");
        let over = Arc::new(AtomicBool::new(false));
        watch(vec![path.clone()], 1 << 20, Arc::clone(&over)).unwrap();
        fs::write(path.join("large"), vec![1; 4 << 20]).unwrap();
        let start = Instant::now();
        while !over.load(Ordering::Acquire) && start.elapsed() < Duration::from_secs(30) {
            thread::sleep(TICK);
        }
        fs::remove_dir_all(&path).unwrap();
        assert!(over.load(Ordering::Acquire));
    }
}
