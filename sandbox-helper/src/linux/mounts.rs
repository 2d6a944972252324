//! The file system of a build: a new root with what it may see, and nothing else.
//!
//! In two steps, because two powers are needed. Staging opens everything by the host's paths and
//! needs whoever can walk them: root, where there is root, since a cache below /root is closed to
//! the user that the build runs as. Assembling makes the root and needs the new user namespace.
//! Between the two lie only bind mounts below `/stage`, in a mount namespace of our own.

use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, open};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::stat::Mode;
use nix::unistd::{chdir, pivot_root, sethostname};

use super::access::DEVICES;
use super::failure::{Doing, Failure, checked};
use super::policy::Policy;
use super::system::{HIDDEN, Part, SHM, TMP, made_up, parts};

/// What has been staged.
#[derive(Debug)]
pub struct Stage {
    shown: Vec<Shown>,
    links: Vec<(PathBuf, PathBuf)>,
}

#[derive(Debug)]
struct Shown {
    staged: PathBuf,
    inside: PathBuf,
    folder: bool,
    writable: bool,
}

impl Stage {
    /// Binds all that the build will see below `/stage`. The mount namespace must be new; the host
    /// is at `/old` afterwards.
    pub fn build(policy: &Policy) -> Result<Self, Failure> {
        mount(none(), "/", none(), MsFlags::MS_REC | MsFlags::MS_PRIVATE, none()).doing("keep the mounts apart from the host's")?;
        let mut sources = Vec::new();
        let mut links = Vec::new();
        for part in parts() {
            match part {
                Part::Show(path) => sources.push((pin(&path, OFlag::empty())?, path, false)),
                Part::Link { at, to } => links.push((at, to)),
            }
        }
        for device in DEVICES.iter().map(PathBuf::from).filter(|path| path.exists()) {
            sources.push((pin(&device, OFlag::empty())?, device, true));
        }
        for entry in &policy.mounts {
            // The last step is no link: a build may have put one where the next build's folder was.
            sources.push((pin(&entry.host, OFlag::O_NOFOLLOW)?, entry.inside.clone(), entry.writable));
        }
        // Any folder will do: once it is the root, what it covered is there again below /old.
        let cover = ["/tmp", "/run", "/usr"].into_iter().find(|path| Path::new(path).is_dir()).unwrap_or("/");
        tmpfs(Path::new(cover), "mode=755,size=4m,nr_inodes=4k")?;
        for folder in ["old", "stage", "new"] {
            make_folder(&Path::new(cover).join(folder))?;
        }
        pivot_root(cover, &Path::new(cover).join("old")).doing("change the root")?;
        chdir("/").doing("change the root")?;
        let mut shown = Vec::new();
        for (number, (pinned, inside, writable)) in sources.into_iter().enumerate() {
            let staged = PathBuf::from(format!("/stage/{number}"));
            let source = format!("/old/proc/self/fd/{}", pinned.as_raw_fd());
            let folder = fs::metadata(&source).doing(format!("look at {}", inside.display()))?.is_dir();
            bind(Path::new(&source), &staged, folder)?;
            // A device that may not be written is of no use; nothing else may be unless it was
            // said.
            seal(&staged, !writable)?;
            shown.push(Shown { staged, inside, folder, writable });
        }
        Ok(Self { shown, links })
    }

    /// Makes the root, moves in, and lets go of the host. To be called as the first process of the
    /// new namespaces.
    pub fn assemble(self, policy: &Policy) -> Result<(), Failure> {
        let new = Path::new("/new");
        tmpfs(new, "mode=755,size=16m,nr_inodes=16k")?;
        let within = |path: &Path| new.join(path.strip_prefix("/").unwrap_or(path));
        let tmp = TMP.min(policy.limits.disk);
        for (path, size) in [("/tmp", tmp), ("/dev/shm", SHM.min(tmp))] {
            make_folder(&within(Path::new(path)))?;
            tmpfs(&within(Path::new(path)), &format!("mode=1777,size={size},nr_inodes=400k"))?;
        }
        for entry in self.shown {
            bind(&entry.staged, &within(&entry.inside), entry.folder)?;
            if !entry.writable {
                seal(&within(&entry.inside), true)?;
            }
        }
        if within(Path::new(HIDDEN)).is_dir() {
            tmpfs(&within(Path::new(HIDDEN)), "mode=755,size=4k,nr_inodes=4")?;
            seal(&within(Path::new(HIDDEN)), true)?;
        }
        let links = [("/dev/fd", "/proc/self/fd"), ("/dev/stdin", "fd/0"), ("/dev/stdout", "fd/1"), ("/dev/stderr", "fd/2")];
        let links = links.into_iter().map(|(at, to)| (PathBuf::from(at), PathBuf::from(to)));
        for (at, to) in self.links.into_iter().chain(links) {
            make_parent(&within(&at))?;
            symlink(to, within(&at)).doing(format!("make {}", at.display()))?;
        }
        for (path, contents) in made_up(policy) {
            make_parent(&within(Path::new(path)))?;
            fs::write(within(Path::new(path)), contents).doing(format!("write {path}"))?;
        }
        make_folder(&within(Path::new("/proc")))?;
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        mount(Some("proc"), &within(Path::new("/proc")), Some("proc"), flags, none()).doing("mount a fresh /proc")?;
        // With both in one place, the old root ends up on top of the new one and can be let go.
        chdir(new).doing("change the root")?;
        pivot_root(".", ".").doing("change the root")?;
        umount2(".", MntFlags::MNT_DETACH).doing("let go of the host's files")?;
        chdir("/").doing("change the root")?;
        let flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
        mount(none(), "/", none(), flags, none()).doing("make the root read-only")?;
        sethostname("build").doing("name the machine")
    }
}

/// A tmpfs that no device and no program with privileges is on.
pub fn tmpfs(at: &Path, options: &str) -> Result<(), Failure> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("tmpfs"), at, Some("tmpfs"), flags, Some(options)).doing(format!("mount memory on {}", at.display()))
}

/// Holds a file or folder of the host by its descriptor, whatever is mounted over its path later.
pub fn pin(path: &Path, flags: OFlag) -> Result<OwnedFd, Failure> {
    let pinned = open(path, OFlag::O_PATH | OFlag::O_CLOEXEC | flags, Mode::empty()).doing(format!("open {}", path.display()))?;
    let is_link = nix::sys::stat::fstat(&pinned).doing(format!("look at {}", path.display()))?.st_mode & libc::S_IFMT == libc::S_IFLNK;
    if is_link {
        return Err(Failure::new(format!("show {}", path.display()), "it is a symbolic link"));
    }
    Ok(pinned)
}

/// Binds `source` to `target`, which is made, with all that is mounted below it.
pub fn bind(source: &Path, target: &Path, folder: bool) -> Result<(), Failure> {
    let doing = || format!("show {}", target.display());
    if folder {
        make_folder(target)?;
    } else {
        make_parent(target)?;
        fs::write(target, "").doing(doing())?;
    }
    mount(Some(source), target, none(), MsFlags::MS_BIND | MsFlags::MS_REC, none()).doing(doing())
}

/// No privileges through files and, if asked, no change, in the mount and all below it.
///
/// `mount_setattr` and not a remount: a remount must repeat flags that the host has set and that
/// nobody told us.
pub fn seal(at: &Path, read_only: bool) -> Result<(), Failure> {
    let doing = || format!("seal {}", at.display());
    let path = std::ffi::CString::new(at.as_os_str().as_encoded_bytes()).doing(doing())?;
    // SAFETY: plain numbers, of which zero is "no change".
    let mut attributes: libc::mount_attr = unsafe { std::mem::zeroed() };
    attributes.attr_set = libc::MOUNT_ATTR_NOSUID | if read_only { libc::MOUNT_ATTR_RDONLY } else { 0 };
    let flags = libc::AT_RECURSIVE;
    // SAFETY: the path ends with NUL, and the size is that of the structure.
    let done = unsafe {
        libc::syscall(libc::SYS_mount_setattr, libc::AT_FDCWD, path.as_ptr(), flags, &raw const attributes, size_of::<libc::mount_attr>())
    };
    checked(done).doing(doing()).map(drop)
}

fn make_folder(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path).doing(format!("make {}", path.display()))
}

fn make_parent(path: &Path) -> Result<(), Failure> {
    path.parent().map_or(Ok(()), make_folder)
}

/// nix takes optional paths of any type: here none of them is there.
pub fn none() -> Option<&'static str> {
    None
}
