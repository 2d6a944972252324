//! A folder on disk that a stranger may have changed, by handles.
//!
//! This is the only way in which this program touches what a build left. Every path is walked from
//! the handle of the root, one component at a time, and no link is followed in any of them: a path
//! that was looked at before means nothing. What is opened is known to be a regular file by its
//! handle, so a pipe or a device in its place is never read. What is written takes the place of
//! what was there.

use std::ffi::OsStr;
use std::io::{self, Read as _, Write as _};
use std::path::{Component, Path};
use std::sync::Arc;

use cap_fs_ext::{DirExt as _, FollowSymlinks, OpenOptionsFollowExt as _, OpenOptionsSyncExt as _};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirEntry, File, Metadata, OpenOptions};

use super::tree::{Node, NodeKind, Tree, Unlisted};

/// Largest file that is read to choose or pack others (package.json, ignore files, `.gitmodules`),
/// in bytes: a stranger may have written it.
pub const LARGEST_READ: u64 = 8 << 20;
/// Most entries of one folder that are listed.
const WIDEST: usize = 1_000_000;

/// What the owner of a folder may do with it: look at what is in it, list it, change it.
const LOOK: u32 = 0o100;
const LIST: u32 = 0o500;
const CHANGE: u32 = 0o300;
/// What the owner of a file may do with it: read it.
const READ: u32 = 0o400;

/// A folder on disk. No path leads out of it, neither by `..` nor through a link. What its owner
/// may not read is read for nobody, root or not: the answer may not depend on who asks.
#[derive(Debug, Clone)]
pub struct DirTree {
    root: Arc<Dir>,
}

impl DirTree {
    /// Opens a folder of this program's or the user's own. Links in its path are followed: nobody
    /// else can have put them there.
    pub fn new(root: &Path) -> io::Result<Self> {
        Ok(Self { root: Arc::new(Dir::open_ambient_dir(root, ambient_authority())?) })
    }

    /// The folder at a path below this one; an error where it leads through a link, or out of here.
    pub fn below(&self, path: &str) -> io::Result<Self> {
        let mut dir = Self { root: Arc::clone(&self.root) };
        for part in parts(path)? {
            dir = dir.enter(part)?;
        }
        Ok(dir)
    }

    /// The folder with this name.
    fn enter(&self, name: &str) -> io::Result<Self> {
        let dir = self.root.open_dir_nofollow(name)?;
        allows(&dir.dir_metadata()?, LOOK)?;
        Ok(Self { root: Arc::new(dir) })
    }

    /// What is at a path, links not followed; `None` if nothing is there or it cannot be reached.
    pub fn metadata(&self, path: &str) -> Option<Metadata> {
        if path.is_empty() {
            return self.root.dir_metadata().ok();
        }
        let (dir, name) = self.parent(path).ok()?;
        dir.root.symlink_metadata(name).ok()
    }

    /// Whether a folder is at a path.
    pub fn is_dir(&self, path: &str) -> bool {
        self.metadata(path).is_some_and(|data| data.is_dir())
    }

    /// Whether a regular file is at a path.
    pub fn is_file(&self, path: &str) -> bool {
        self.metadata(path).is_some_and(|data| data.is_file())
    }

    /// Opens a regular file to be read, and tells its size in bytes at that moment.
    pub fn open(&self, path: &str) -> io::Result<(std::fs::File, u64)> {
        let (dir, name) = self.parent(path)?;
        let mut options = OpenOptions::new();
        // Opening a pipe would wait for somebody who writes into it.
        options.read(true).follow(FollowSymlinks::No).nonblock(true);
        // A device is not even opened.
        regular(&dir.root.symlink_metadata(name)?)?;
        let file = dir.root.open_with(name, &options)?;
        let data = file.metadata()?;
        regular(&data)?;
        allows(&data, READ)?;
        Ok((file.into_std(), data.len()))
    }

    /// The content of a regular file of `most` bytes at the most; `None` for another, or one that
    /// cannot be read.
    pub fn read_up_to(&self, path: &str, most: u64) -> Option<Vec<u8>> {
        self.read_bounded(path, most).ok().flatten()
    }

    /// The content of a regular file; `None` if it has more than `most` bytes. An error if there is
    /// no such file or it cannot be read.
    pub fn read_bounded(&self, path: &str, most: u64) -> io::Result<Option<Vec<u8>>> {
        let (file, size) = self.open(path)?;
        if size > most {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        // It may grow while it is read.
        file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok((bytes.len() as u64 <= most).then_some(bytes))
    }

    /// Puts a regular file at a path, in place of the file, link or special file that is there. It
    /// gets these permissions, or those of the file that was there, and its owner or that of its
    /// folder. An error where a folder is there, or no folder that it could be in.
    pub fn replace(&self, path: &str, content: &[u8], mode: Option<u32>) -> io::Result<()> {
        let (dir, name) = self.parent(path)?;
        allows(&dir.root.dir_metadata()?, CHANGE)?;
        let there = match dir.root.symlink_metadata(name) {
            Ok(data) if data.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(data) => Some(data),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if there.is_some() {
            dir.root.remove_file(name)?;
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).follow(FollowSymlinks::No);
        let mut file = dir.root.open_with(name, &options)?;
        file.write_all(content)?;
        let owner = match &there {
            Some(data) => data.clone(),
            None => dir.root.dir_metadata()?,
        };
        let mode = mode.or_else(|| there.filter(Metadata::is_file).map(|data| mode_of(&data)));
        settle(&file, &owner, mode)
    }

    /// Makes the folders of a path that are not there; an error where a link or a file is in the
    /// place of one.
    pub fn create_dirs(&self, path: &str) -> io::Result<()> {
        let mut dir = Self { root: Arc::clone(&self.root) };
        for part in parts(path)? {
            match dir.root.create_dir(part) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => dir = dir.enter(part)?,
            }
        }
        Ok(())
    }

    /// The folder in which the last component of a path is, and that component.
    fn parent<'p>(&self, path: &'p str) -> io::Result<(Self, &'p str)> {
        parts(path)?.next().ok_or(io::ErrorKind::InvalidInput)?;
        let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
        Ok((self.below(dir)?, name))
    }
}

/// The components of a path; an error where it is absolute, or one of them is `..`, `.` or empty.
fn parts(path: &str) -> io::Result<impl Iterator<Item = &str>> {
    let plain = |part: &str| {
        let mut all = Path::new(part).components();
        matches!((all.next(), all.next()), (Some(Component::Normal(only)), None) if only == OsStr::new(part))
    };
    if path.is_empty() || path.split('/').all(plain) {
        return Ok(path.split('/').filter(|part| !part.is_empty()));
    }
    Err(io::ErrorKind::InvalidInput.into())
}

fn regular(data: &Metadata) -> io::Result<()> {
    if data.is_file() { Ok(()) } else { Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")) }
}

/// An error where the owner of a file or folder may not do this with it.
fn allows(data: &Metadata, what: u32) -> io::Result<()> {
    if !cfg!(unix) || mode_of(data) & what == what { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}

/// The permission bits of a file, set-user-ID and the like among them.
#[cfg(unix)]
pub fn mode_of(data: &Metadata) -> u32 {
    cap_std::fs::PermissionsExt::mode(&data.permissions()) & 0o7777
}

/// The permission bits that a file has where there are none.
#[cfg(not(unix))]
pub fn mode_of(_: &Metadata) -> u32 {
    0o666
}

/// Gives a new file its permissions and its owner.
#[cfg(unix)]
fn settle(file: &File, owner: &Metadata, mode: Option<u32>) -> io::Result<()> {
    use cap_std::fs::MetadataExt as _;
    use rustix::fs::{Gid, Mode, Uid};
    rustix::fs::fchown(file, Some(Uid::from_raw(owner.uid())), Some(Gid::from_raw(owner.gid())))?;
    if let Some(mode) = mode {
        rustix::fs::fchmod(file, Mode::from_raw_mode(mode & 0o777))?;
    }
    Ok(())
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "there is neither there")]
fn settle(_: &File, _: &Metadata, _: Option<u32>) -> io::Result<()> {
    Ok(())
}

impl Tree for DirTree {
    fn list(&self, dir: &str) -> Result<Vec<Node>, Unlisted> {
        let opened = self.below(dir).and_then(|dir| {
            allows(&dir.root.dir_metadata()?, LIST)?;
            dir.root.entries()
        });
        let entries = match opened {
            Ok(entries) => entries,
            Err(error) if is_absent(&error) => return Ok(Vec::new()),
            Err(_) => return Err(Unlisted::Closed),
        };
        let mut nodes = Vec::new();
        for (at, entry) in entries.enumerate() {
            if at >= WIDEST {
                return Err(Unlisted::TooMany);
            }
            nodes.extend(node(&entry.map_err(|_| Unlisted::Closed)?).map_err(|_| Unlisted::Closed)?);
        }
        Ok(nodes)
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.read_up_to(path, LARGEST_READ)
    }

    fn link(&self, path: &str) -> Option<String> {
        let (dir, name) = self.parent(path).ok()?;
        Some(dir.root.read_link_contents(name).ok()?.to_string_lossy().into_owned())
    }
}

/// Whether no folder is at a path: nothing, a file, or a link.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidInput) || is_link(error)
}

/// Whether a path could not be walked for a link in it.
#[cfg(unix)]
pub fn is_link(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

/// Whether a path could not be walked for a link in it.
#[cfg(not(unix))]
pub fn is_link(_: &io::Error) -> bool {
    false
}

/// An entry of a folder; `None` for what is no file, folder or link.
fn node(entry: &DirEntry) -> io::Result<Option<Node>> {
    let metadata = entry.metadata()?;
    let kind = if metadata.is_symlink() {
        NodeKind::Symlink
    } else if metadata.is_dir() {
        NodeKind::Dir
    } else if metadata.is_file() {
        NodeKind::File { executable: cfg!(unix) && mode_of(&metadata) & 0o111 != 0 }
    } else {
        return Ok(None);
    };
    Ok(Some(Node { name: entry.file_name().to_string_lossy().into_owned(), kind }))
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_folder_on_disk_is_never_left() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "s").unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("in"), "i").unwrap();
        symlink(outside.path(), folder.path().join("link")).unwrap();
        let tree = DirTree::new(folder.path()).unwrap();
        assert!(tree.list("").unwrap().contains(&Node { name: "link".into(), kind: NodeKind::Symlink }));
        assert!(tree.list("link").unwrap().is_empty() && tree.list("gone").unwrap().is_empty());
        assert_eq!(tree.read("link/secret"), None);
        assert_eq!(tree.link("link").as_deref(), outside.path().to_str());
        assert_eq!((tree.link("in"), tree.link("gone"), tree.link("../link")), (None, None, None));
        assert_eq!(tree.read("../secret"), None);
        assert_eq!(tree.read("in").as_deref(), Some(&b"i"[..]));
        assert_eq!((tree.read_up_to("in", 1).as_deref(), tree.read_up_to("in", 0)), (Some(&b"i"[..]), None));
        // Nothing of it is on the disk.
        fs::File::create(folder.path().join("large")).unwrap().set_len(LARGEST_READ + 1).unwrap();
        assert_eq!(tree.read("large"), None);
    }

    #[test]
    fn what_its_owner_may_not_read_is_read_for_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let closed = |path: &str, mode: u32| fs::set_permissions(folder.path().join(path), fs::Permissions::from_mode(mode)).unwrap();
        fs::create_dir_all(folder.path().join("a/b")).unwrap();
        fs::write(folder.path().join("a/b/f"), "").unwrap();
        fs::write(folder.path().join("f"), "").unwrap();
        let tree = DirTree::new(folder.path()).unwrap();
        closed("f", 0o044);
        assert!(tree.open("f").is_err() && tree.is_file("f"));
        for (mode, walked, listed, changed) in
            [(0o700, true, true, true), (0o500, true, true, false), (0o311, true, false, true), (0o455, false, false, false)]
        {
            closed("a", mode);
            assert_eq!(tree.open("a/b/f").is_ok(), walked, "{mode:o}");
            assert_eq!(tree.list("a/b").is_ok(), walked, "{mode:o}");
            assert_eq!(
                tree.list("a"),
                if listed { Ok(vec![Node { name: "b".into(), kind: NodeKind::Dir }]) } else { Err(Unlisted::Closed) }
            );
            assert_eq!(tree.replace("a/new", b"", None).is_ok(), changed, "{mode:o}");
            closed("a", 0o700);
            let _ = fs::remove_file(folder.path().join("a/new"));
        }
    }

    #[test]
    fn odd_paths_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        fs::write(folder.path().join("a/f"), "").unwrap();
        let tree = DirTree::new(&folder.path().join("a")).unwrap();
        for path in ["..", "../a/f", "./f", "/f", "f/", "a//f", ".", "//", "\0"] {
            assert!(tree.open(path).is_err() && tree.replace(path, b"", None).is_err(), "{path:?}");
            assert!(tree.metadata(path).is_none() && tree.create_dirs(path).is_err(), "{path:?}");
        }
        assert!(tree.open("").is_err() && tree.replace("", b"", None).is_err());
    }

    #[test]
    fn links_and_special_files_are_replaced_and_never_followed() {
        let outside = tempfile::tempdir().unwrap();
        let mine = outside.path().join("mine");
        fs::write(&mine, "mine").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let tree = DirTree::new(folder.path()).unwrap();
        symlink(&mine, folder.path().join("link")).unwrap();
        symlink(outside.path().join("new"), folder.path().join("dangling")).unwrap();
        fs::hard_link(&mine, folder.path().join("hard")).unwrap();
        symlink(outside.path(), folder.path().join("dir")).unwrap();
        let made = std::process::Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap();
        assert!(made.success());
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
        for name in ["link", "dangling", "pipe", "socket"] {
            assert!(tree.open(name).is_err(), "{name}");
        }
        for name in ["link", "dangling", "pipe", "socket", "hard"] {
            tree.replace(name, b"new", Some(0o644)).unwrap();
            assert_eq!(fs::read(folder.path().join(name)).unwrap(), b"new");
            assert!(tree.is_file(name));
        }
        assert!(tree.replace("dir/mine", b"x", None).is_err() && tree.create_dirs("dir/below").is_err());
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
        assert_eq!(fs::read(mine).unwrap(), b"mine");
    }

    #[test]
    fn a_path_is_a_folder_or_a_file_itself_or_neither() {
        let folder = tempfile::tempdir().unwrap();
        let tree = DirTree::new(folder.path()).unwrap();
        tree.create_dirs("d/e").unwrap();
        tree.create_dirs("d/e").unwrap();
        tree.replace("d/f", b"", None).unwrap();
        symlink("e", folder.path().join("d/to-folder")).unwrap();
        symlink("f", folder.path().join("d/to-file")).unwrap();
        for (path, is_dir, is_file) in [
            ("", true, false),
            ("d", true, false),
            ("d/e", true, false),
            ("d/f", false, true),
            ("d/to-folder", false, false),
            ("d/to-file", false, false),
            ("gone", false, false),
        ] {
            assert_eq!((tree.is_dir(path), tree.is_file(path)), (is_dir, is_file), "{path:?}");
        }
        for path in ["d/f", "d/f/g", "d/to-folder", "d/to-folder/g"] {
            assert!(tree.create_dirs(path).is_err(), "{path}");
        }
    }

    #[test]
    fn a_replaced_file_keeps_its_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        fs::write(&file, "1").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        DirTree::new(folder.path()).unwrap().replace("f", b"2", None).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o755);
        fs::create_dir(folder.path().join("d")).unwrap();
        assert!(DirTree::new(folder.path()).unwrap().replace("d", b"2", None).is_err());
    }
}
