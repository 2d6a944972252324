//! Removing what a stranger's build left.
//!
//! Such a tree may be deeper than a path can say and than a stack is long, wider than memory,
//! closed, or made of names that are no text. So nothing here recurses, at most three folders are
//! open at a time, and every step is by handle: the folders of a folder are moved up to the top
//! before it is removed, each of them once.

use std::io;
use std::path::Path;

/// Removes a tree that a stranger's build left: folders without permissions, and links, which are
/// not followed. What can be removed is, also where something else cannot; the error is the first
/// one.
pub fn remove_tree(dir: &Path) -> io::Result<()> {
    remove_tree_while(dir, &|| true).map(|_| ())
}

/// As [`remove_tree`], one entry after the other for as long as `go_on` says so; true where all of
/// it is gone. What another process removes meanwhile is gone as well.
#[cfg(unix)]
pub fn remove_tree_while(dir: &Path, go_on: &dyn Fn() -> bool) -> io::Result<bool> {
    unix::remove(dir, go_on)
}

/// As [`remove_tree`]: no build runs on this platform, so the tree is this program's own.
#[cfg(not(unix))]
pub fn remove_tree_while(dir: &Path, _: &dyn Fn() -> bool) -> io::Result<bool> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(true),
    }
}

#[cfg(unix)]
mod unix {
    use std::ffi::{CStr, CString};
    use std::io;
    use std::os::fd::OwnedFd;
    use std::path::Path;

    use rustix::fs::{
        AtFlags, CWD, Dir, FileType, IFlags, Mode, OFlags, chmodat, ioctl_getflags, ioctl_setflags, openat, renameat, statat, unlinkat,
    };
    use rustix::io::Errno;

    /// How a folder is opened: never through a link.
    const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
    /// How a file is opened to take its flags away: it may be a pipe.
    const FILE: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
    /// What the names of folders begin with that were moved up.
    const MOVED: &str = ".up-";

    /// What came of the entries of one folder.
    #[derive(Default)]
    struct Pass {
        /// Entries that were removed or moved.
        done: u64,
        /// Why the first entry could not be.
        failed: Option<Errno>,
        stopped: bool,
    }

    pub(super) fn remove(dir: &Path, go_on: &dyn Fn() -> bool) -> io::Result<bool> {
        let top = match open(CWD, dir) {
            Err(Errno::NOENT) => return Ok(true),
            // A link or a file in place of the folder.
            Err(Errno::NOTDIR | Errno::LOOP) => return std::fs::remove_file(dir).map(|()| true),
            other => other?,
        };
        let mut moved = 0_u64;
        loop {
            let mut pass = Pass::default();
            for_each(&top, &mut pass, go_on, |pass, name, is_folder| {
                if !is_folder {
                    return unlink(&top, name);
                }
                let below = match open(&top, name) {
                    Err(Errno::NOENT) => return Ok(()),
                    other => other?,
                };
                for_each(&below, pass, go_on, |_, inner, is_folder| {
                    if !is_folder || unlinkat(&below, inner, AtFlags::REMOVEDIR).is_ok() {
                        return if is_folder { Ok(()) } else { unlink(&below, inner) };
                    }
                    // Moving a folder writes to it.
                    open(&below, inner)?;
                    loop {
                        moved += 1;
                        let up = CString::new(format!("{MOVED}{moved}")).map_err(|_| Errno::INVAL)?;
                        // What has this name already was left by a removal that was stopped.
                        if matches!(statat(&top, &up, AtFlags::SYMLINK_NOFOLLOW), Err(Errno::NOENT)) {
                            return freed(&below, inner, || renameat(&below, inner, &top, &up));
                        }
                    }
                });
                if pass.stopped { Ok(()) } else { freed(&top, name, || unlink_folder(&top, name)) }
            });
            if pass.stopped {
                return Ok(false);
            }
            if pass.done == 0 {
                return match pass.failed {
                    Some(error) => Err(error.into()),
                    None => unlink_folder(CWD, dir).map(|()| true).map_err(io::Error::from),
                };
            }
        }
    }

    /// Calls `act` for every entry of a folder, until `go_on` says no.
    fn for_each(
        folder: &OwnedFd,
        pass: &mut Pass,
        go_on: &dyn Fn() -> bool,
        mut act: impl FnMut(&mut Pass, &CStr, bool) -> Result<(), Errno>,
    ) {
        let mut entries = match Dir::read_from(folder) {
            Ok(entries) => entries,
            Err(error) => return pass.failed = pass.failed.or(Some(error)),
        };
        while let Some(entry) = entries.read() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return pass.failed = pass.failed.or(Some(error)),
            };
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            if pass.stopped || !go_on() {
                pass.stopped = true;
                return;
            }
            let kind = match entry.file_type() {
                FileType::Unknown => statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).map(|data| FileType::from_raw_mode(data.st_mode)),
                kind => Ok(kind),
            };
            match kind.and_then(|kind| act(pass, name, kind == FileType::Directory)) {
                Ok(()) => pass.done += 1,
                Err(Errno::NOENT) => {}
                Err(error) => pass.failed = pass.failed.or(Some(error)),
            }
        }
    }

    /// Opens a folder; one without permissions gets its owner's back.
    fn open<F: std::os::fd::AsFd + Copy, P: rustix::path::Arg + Copy>(parent: F, name: P) -> Result<OwnedFd, Errno> {
        let data = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
        if FileType::from_raw_mode(data.st_mode) == FileType::Directory && data.st_mode & 0o700 != 0o700 {
            // The build has ended: what was a folder a moment ago still is. Where this fails,
            // opening says why.
            let _: Result<(), Errno> = chmodat(parent, name, Mode::RWXU, AtFlags::empty());
        }
        openat(parent, name, FOLDER, Mode::empty())
    }

    fn unlink(folder: &OwnedFd, name: &CStr) -> Result<(), Errno> {
        freed(folder, name, || unlinkat(folder, name, AtFlags::empty()))
    }

    fn unlink_folder<F: std::os::fd::AsFd + Copy, P: rustix::path::Arg + Copy>(parent: F, name: P) -> Result<(), Errno> {
        match unlinkat(parent, name, AtFlags::REMOVEDIR) {
            Err(Errno::NOENT) => Ok(()),
            other => other,
        }
    }

    /// Does something with an entry; where that is not permitted, once more after the flags that
    /// forbid it (immutable, append-only) were taken from the entry and from its folder.
    fn freed(folder: &OwnedFd, name: &CStr, act: impl Fn() -> Result<(), Errno>) -> Result<(), Errno> {
        match act() {
            Err(Errno::PERM) => {}
            other => return other,
        }
        without_flags(folder)?;
        if let Ok(entry) = openat(folder, name, FILE, Mode::empty()) {
            without_flags(&entry)?;
        }
        act()
    }

    fn without_flags(entry: &OwnedFd) -> Result<(), Errno> {
        let flags = ioctl_getflags(entry)?;
        let held = IFlags::IMMUTABLE | IFlags::APPEND;
        if flags.intersects(held) { ioctl_setflags(entry, flags - held) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_folder_without_permissions_is_removed() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let locked = dir.path().join("a/b");
        fs::create_dir_all(&locked).unwrap();
        fs::write(locked.join("f"), "").unwrap();
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o0)).unwrap();
        remove_tree(&dir.path().join("a")).unwrap();
        assert!(!dir.path().join("a").exists());
    }

    #[cfg(unix)]
    #[test]
    fn removal_stops_when_it_is_told_to_and_goes_on_later() {
        use std::cell::Cell;
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("a");
        for at in 0..20 {
            fs::create_dir_all(tree.join(format!("{at}/deep"))).unwrap();
            fs::write(tree.join(format!("{at}/deep/f")), "").unwrap();
        }
        fs::write(dir.path().join("outside"), "").unwrap();
        std::os::unix::fs::symlink(dir.path(), tree.join("link")).unwrap();
        let left = Cell::new(10);
        let few = || left.replace(left.get() - 1) > 0;
        assert!(!remove_tree_while(&tree, &few).unwrap());
        assert!(tree.exists());
        assert!(remove_tree_while(&tree, &|| true).unwrap());
        assert!(!tree.exists() && dir.path().join("outside").exists());
        assert!(remove_tree_while(&tree, &|| true).unwrap());
    }

    /// Makes folders in one another by chains that are moved into each other: no path is that long.
    #[cfg(unix)]
    fn deep(top: &Path, chains: usize) {
        let end = "/a".repeat(1000);
        for at in 0..chains {
            fs::create_dir_all(format!("{}/c{at}{end}", top.display())).unwrap();
        }
        for at in (1..chains).rev() {
            let up = format!("{}/c{}{end}/a", top.display(), at - 1);
            fs::rename(top.join(format!("c{at}")), up).unwrap();
        }
    }

    #[cfg(unix)]
    #[test]
    fn depth_takes_no_stack() {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("tree");
        fs::create_dir(&tree).unwrap();
        deep(&tree, 40);
        let small = std::thread::Builder::new().stack_size(128 << 10);
        small.spawn(move || remove_tree(&tree).unwrap()).unwrap().join().unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn names_of_every_kind_are_removed() {
        use std::os::unix::ffi::OsStrExt as _;
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("tree");
        fs::create_dir_all(tree.join(".up-1/.up-2")).unwrap();
        for byte in 1..=255_u8 {
            if byte != b'/' {
                let name = vec![byte; if byte == b'.' { 3 } else { 255 }];
                let folder = tree.join(std::ffi::OsStr::from_bytes(&name));
                fs::create_dir(&folder).unwrap();
                fs::write(folder.join(std::ffi::OsStr::from_bytes(&name)), "").unwrap();
            }
        }
        let made = std::process::Command::new("mkfifo").arg(tree.join(".up-1/pipe")).status().unwrap();
        assert!(made.success());
        remove_tree(&tree).unwrap();
        assert!(!tree.exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_place_of_the_tree_is_removed_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("mine")).unwrap();
        std::os::unix::fs::symlink(dir.path().join("mine"), dir.path().join("tree")).unwrap();
        remove_tree(&dir.path().join("tree")).unwrap();
        assert!(dir.path().join("mine").exists() && fs::symlink_metadata(dir.path().join("tree")).is_err());
    }
}
