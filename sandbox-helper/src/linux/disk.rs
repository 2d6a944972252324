//! How much disk a build takes: what lies in the folders that it may write to, and files that it has removed and holds open.

use std::collections::HashSet;
use std::ffi::CStr;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fchmodat, fstatat, stat};
use nix::sys::statvfs::statvfs;

use super::census;

/// The disk is looked at anew when it has lost as much as was left, or after this time, or after twenty times as long as it takes.
const PAUSE: Duration = Duration::from_secs(2);
const TICK: Duration = Duration::from_millis(50);
const SHARE: u32 = 20;
/// Free space that the host keeps, whatever the limit says.
const RESERVE: u64 = 256 << 20;
/// A tree deeper than this is not walked to its end; the kernel's own limit on paths is half of it.
const DEEPEST: usize = 2048;
const BLOCK: u64 = 512;

/// Watches on a thread of its own, since a large tree takes seconds. `over` becomes true when more than `limit` is taken.
pub fn watch(folders: Vec<PathBuf>, limit: u64, over: Arc<AtomicBool>) -> std::io::Result<()> {
    thread::Builder::new().name("disk".into()).spawn(move || {
        let at_first = free(&folders);
        let (mut used, mut left) = (usage(&folders), free(&folders));
        let (mut looked, mut took) = (Instant::now(), Duration::ZERO);
        while used <= limit {
            thread::sleep(TICK);
            let now = free(&folders);
            if now < RESERVE.min(at_first / 2) {
                break;
            }
            let room = limit.saturating_sub(used);
            if left.saturating_sub(now) > room || looked.elapsed() > PAUSE.max(took * SHARE) {
                let start = Instant::now();
                used = usage(&folders);
                (looked, took, left) = (Instant::now(), start.elapsed(), now);
            }
        }
        over.store(true, Ordering::Release);
    })?;
    Ok(())
}

/// The least free space of the file systems that the folders are on.
fn free(folders: &[PathBuf]) -> u64 {
    let space = |folder: &PathBuf| statvfs(folder).ok().map(|stat| stat.blocks_available().saturating_mul(stat.fragment_size()));
    folders.iter().filter_map(space).min().unwrap_or(u64::MAX)
}

fn usage(folders: &[PathBuf]) -> u64 {
    let mut count = Count::default();
    for folder in folders {
        if let Ok(here) = stat(folder) {
            count.device = here.st_dev;
            count.devices.insert(here.st_dev);
            count.add(&here);
            count.walk(nix::fcntl::AT_FDCWD, folder, 0);
        }
    }
    count.removed();
    count.bytes
}

#[derive(Default)]
struct Count {
    bytes: u64,
    device: libc::dev_t,
    devices: HashSet<libc::dev_t>,
    /// Files with several names, which count once.
    seen: HashSet<(libc::dev_t, libc::ino_t)>,
}

impl Count {
    fn add(&mut self, file: &FileStat) {
        let several = file.st_nlink != 1 && file.st_mode & libc::S_IFMT != libc::S_IFDIR;
        if !several || self.seen.insert((file.st_dev, file.st_ino)) {
            self.bytes = self.bytes.saturating_add(u64::try_from(file.st_blocks).unwrap_or_default().saturating_mul(BLOCK));
        }
    }

    /// Links are not followed, other file systems not entered. What vanishes meanwhile takes nothing.
    fn walk<F: AsFd, P: ?Sized + nix::NixPath>(&mut self, parent: F, name: &P, depth: usize) {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let open = || openat(parent.as_fd(), name, flags, Mode::empty());
        let opened = open().or_else(|error| {
            // A folder that its owner may not read hides what is in it; with the privilege to look anyway this does not happen.
            if error == Errno::EACCES
                && fchmodat(parent.as_fd(), name, Mode::S_IRWXU, nix::sys::stat::FchmodatFlags::NoFollowSymlink).is_ok()
            {
                return open();
            }
            Err(error)
        });
        let Ok(mut folder) = opened.and_then(Dir::from_fd) else { return };
        let mut below = Vec::new();
        let Ok(descriptor) = folder.as_fd().try_clone_to_owned() else { return };
        for entry in folder.iter().flatten() {
            let name: &CStr = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let Ok(file) = fstatat(&descriptor, name, AtFlags::AT_SYMLINK_NOFOLLOW) else { continue };
            self.add(&file);
            if SFlag::from_bits_truncate(file.st_mode & libc::S_IFMT) == SFlag::S_IFDIR && file.st_dev == self.device {
                below.push(name.to_owned());
            }
        }
        drop(folder);
        if depth < DEEPEST {
            for name in below {
                self.walk(&descriptor, name.as_c_str(), depth + 1);
            }
        }
    }

    /// Files without a name that a process of the build has open.
    fn removed(&mut self) {
        for pid in census::family(std::process::id()).unwrap_or_default() {
            let Ok(descriptors) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { continue };
            for descriptor in descriptors.flatten() {
                let Ok(file) = stat(Path::new(&descriptor.path())) else { continue };
                if file.st_nlink == 0 && file.st_mode & libc::S_IFMT == libc::S_IFREG && self.devices.contains(&file.st_dev) {
                    self.add(&file);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("reproduce-disk-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("a/b")).unwrap();
        path
    }

    #[test]
    fn a_file_with_two_names_counts_once_and_a_link_not_at_all() {
        let path = folder("links");
        let empty = usage(std::slice::from_ref(&path));
        fs::write(path.join("a/b/large"), vec![1; 1 << 20]).unwrap();
        fs::hard_link(path.join("a/b/large"), path.join("second")).unwrap();
        std::os::unix::fs::symlink("/usr", path.join("link")).unwrap();
        let used = usage(std::slice::from_ref(&path)) - empty;
        fs::remove_dir_all(&path).unwrap();
        assert!((1 << 20..(1 << 20) + 65536).contains(&used), "{used}");
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
