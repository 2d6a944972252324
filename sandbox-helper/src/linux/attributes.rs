//! Modes and owners of files, where Landlock alone keeps a build in: it has no right for them, and
//! the build's user may be yours.
//!
//! A filter sees which descriptor or path a call names, and not what is there. So each of these
//! calls stops in the kernel and comes here, as `connect` does (`gate.rs`). This process opens what
//! is named, looks where that is, and changes it itself by that descriptor, if it is in a folder
//! that the build may write to: the file that was looked at is the file that is changed, whatever
//! the build does meanwhile.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};

use libc::{c_int, c_long};
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, open, openat2};
use nix::sys::stat::{FchmodatFlags, Mode, fchmodat};
use nix::unistd::{Gid, Uid, fchownat};

use super::memory;

const FCHMODAT2: c_long = 452;
/// The calls that are asked about.
#[rustfmt::skip]
pub const CALLS: &[c_long] = &[
    libc::SYS_fchmod, libc::SYS_fchmodat, FCHMODAT2, libc::SYS_fchown, libc::SYS_fchownat,
    #[cfg(target_arch = "x86_64")] libc::SYS_chmod,
    #[cfg(target_arch = "x86_64")] libc::SYS_chown,
    #[cfg(target_arch = "x86_64")] libc::SYS_lchown,
];
/// Permissions, and the bits beside them.
const MODE: u32 = 0o7777;

/// One of the calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Call {
    file: File,
    change: Change,
}

/// How a call names its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum File {
    Descriptor(RawFd),
    /// A path's address, from a folder's descriptor on.
    Path {
        folder: RawFd,
        address: u64,
        flags: c_int,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Mode(u32),
    Owner { uid: u32, gid: u32 },
}

/// Makes the change that the thread `task` has asked for, or says why not. `stands` is asked before
/// anything is done: only while the question stands is the thread of that number the one that
/// asked.
pub fn change(task: u32, data: &libc::seccomp_data, folders: &[PathBuf], stands: impl Fn() -> io::Result<()>) -> io::Result<()> {
    let call = Call::of(data).ok_or_else(|| io::Error::from_raw_os_error(libc::ENOSYS))?;
    let file = opened(task, call.file)?;
    stands()?;
    let at = place(&file);
    if !is_ours(&file, folders)? {
        return Err(io::Error::from_raw_os_error(libc::EPERM));
    }
    match call.change {
        Change::Mode(mode) => fchmodat(nix::fcntl::AT_FDCWD, &at, Mode::from_bits_truncate(mode & MODE), FchmodatFlags::FollowSymlink)?,
        Change::Owner { uid, gid } => {
            // A number of all ones is left as it is, as nix says by none.
            let (uid, gid) = (Some(uid).filter(|uid| *uid != u32::MAX), Some(gid).filter(|gid| *gid != u32::MAX));
            fchownat(&file, "", uid.map(Uid::from_raw), gid.map(Gid::from_raw), AtFlags::AT_EMPTY_PATH)?;
        }
    }
    Ok(())
}

/// The folders as the system names them, with no link in their paths.
pub fn real(folders: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    folders.iter().map(fs::canonicalize).collect()
}

/// A path of this process by which calls reach what is opened as a place alone.
pub fn place(file: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

/// Whether a file that is opened is in one of these folders.
pub fn is_ours(file: &OwnedFd, folders: &[PathBuf]) -> io::Result<bool> {
    Ok(is_in(&fs::read_link(place(file))?, folders))
}

/// Whether a file is in one of these folders, or one of them. The kernel's own name of an opened
/// file has no link and no `..` in it; a file that is removed keeps its place, with a word behind
/// its name.
fn is_in(path: &Path, folders: &[PathBuf]) -> bool {
    folders.iter().any(|folder| path.starts_with(folder))
}

impl Call {
    fn of(data: &libc::seccomp_data) -> Option<Self> {
        let [first, second, third, fourth, fifth, _] = data.args;
        let path = |folder, address, flags| File::Path { folder, address, flags };
        let (file, change) = match c_long::from(data.nr) {
            libc::SYS_fchmod => (File::Descriptor(signed(first)), Change::Mode(low(second))),
            libc::SYS_fchmodat => (path(signed(first), second, 0), Change::Mode(low(third))),
            FCHMODAT2 => (path(signed(first), second, signed(fourth)), Change::Mode(low(third))),
            libc::SYS_fchown => (File::Descriptor(signed(first)), Change::Owner { uid: low(second), gid: low(third) }),
            libc::SYS_fchownat => (path(signed(first), second, signed(fifth)), Change::Owner { uid: low(third), gid: low(fourth) }),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_chmod => (path(libc::AT_FDCWD, first, 0), Change::Mode(low(second))),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_chown => (path(libc::AT_FDCWD, first, 0), Change::Owner { uid: low(second), gid: low(third) }),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_lchown => {
                (path(libc::AT_FDCWD, first, libc::AT_SYMLINK_NOFOLLOW), Change::Owner { uid: low(second), gid: low(third) })
            }
            _ => return None,
        };
        Some(Self { file, change })
    }
}

/// A handle on the file that a thread names.
fn opened(task: u32, file: File) -> io::Result<OwnedFd> {
    let (folder, address, flags) = match file {
        File::Descriptor(descriptor) => return of_descriptor(task, descriptor),
        File::Path { folder, address, flags } => (folder, address, flags),
    };
    if flags & !(libc::AT_SYMLINK_NOFOLLOW | libc::AT_EMPTY_PATH) != 0 {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    let path = memory::text(task, address)?;
    if path.is_empty() && flags & libc::AT_EMPTY_PATH != 0 {
        return of_descriptor(task, folder);
    }
    at_path(task, folder, path, flags)
}

/// A handle on what a thread's path leads to.
pub fn found(task: u32, path: Vec<u8>) -> io::Result<OwnedFd> {
    at_path(task, libc::AT_FDCWD, path, 0)
}

fn at_path(task: u32, folder: RawFd, path: Vec<u8>, flags: c_int) -> io::Result<OwnedFd> {
    if let Some(descriptor) = by_descriptor(&path) {
        return of_descriptor(task, descriptor);
    }
    let from =
        if path.starts_with(b"/") { open("/", OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())? } else { of_descriptor(task, folder)? };
    let follow = if flags & libc::AT_SYMLINK_NOFOLLOW == 0 { OFlag::empty() } else { OFlag::O_NOFOLLOW };
    // A link of /proc would lead to what this process has open.
    let how = OpenHow::new().flags(OFlag::O_PATH | OFlag::O_CLOEXEC | follow).resolve(ResolveFlag::RESOLVE_NO_MAGICLINKS);
    let path = CString::new(path).map_err(io::Error::other)?;
    Ok(openat2(from.as_fd(), path.as_c_str(), how)?)
}

/// What a thread has open, or its working folder.
fn of_descriptor(task: u32, descriptor: RawFd) -> io::Result<OwnedFd> {
    let link = match descriptor {
        libc::AT_FDCWD => format!("/proc/{task}/cwd"),
        0.. => format!("/proc/{task}/fd/{descriptor}"),
        _ => return Err(io::Error::from_raw_os_error(libc::EBADF)),
    };
    open(link.as_str(), OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()).map_err(|error| match error {
        nix::errno::Errno::ENOENT => io::Error::from_raw_os_error(libc::EBADF),
        error => error.into(),
    })
}

/// The descriptor in a path by which C libraries change what they have opened as a place alone.
fn by_descriptor(path: &[u8]) -> Option<RawFd> {
    let number = path.strip_prefix(b"/proc/self/fd/")?;
    std::str::from_utf8(number).ok()?.parse().ok().filter(|number| *number >= 0)
}

/// Of an argument of this width the kernel looks at the lower half.
#[expect(clippy::cast_possible_truncation, reason = "the kernel does the same")]
fn low(argument: u64) -> u32 {
    argument as u32
}

fn signed(argument: u64) -> c_int {
    low(argument).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_in_a_folder_by_whole_names() {
        let folders = [PathBuf::from("/b/work"), PathBuf::from("/b/home")];
        for inside in ["/b/work", "/b/work/a/b", "/b/home/x (deleted)"] {
            assert!(is_in(Path::new(inside), &folders), "{inside}");
        }
        for outside in ["/b", "/b/workshop/a", "/b/homes", "/home/me/.ssh/id", "pipe:[1]", "(unreachable)/b/work/a"] {
            assert!(!is_in(Path::new(outside), &folders), "{outside}");
        }
    }

    #[test]
    fn arguments_are_read_as_the_kernel_reads_them() {
        let data = |nr: c_long, args| libc::seccomp_data { nr: nr.try_into().unwrap(), arch: 0, instruction_pointer: 0, args };
        let minus = u64::from(u32::MAX) << 32 | u64::from(libc::AT_FDCWD.cast_unsigned());
        let call = Call::of(&data(libc::SYS_fchmodat, [minus, 7, 0o755, 99, 0, 0])).unwrap();
        assert_eq!(call, Call { file: File::Path { folder: libc::AT_FDCWD, address: 7, flags: 0 }, change: Change::Mode(0o755) });
        let call = Call::of(&data(libc::SYS_fchown, [3, u64::MAX, 5, 0, 0, 0])).unwrap();
        assert_eq!(call, Call { file: File::Descriptor(3), change: Change::Owner { uid: u32::MAX, gid: 5 } });
        assert!(CALLS.iter().all(|&call| Call::of(&data(call, [0; 6])).is_some()));
        assert_eq!(Call::of(&data(libc::SYS_connect, [0; 6])), None);
    }

    #[test]
    fn only_a_number_behind_the_folder_of_descriptors_is_one() {
        assert_eq!(by_descriptor(b"/proc/self/fd/12"), Some(12));
        for other in ["/proc/self/fd/", "/proc/self/fd/-1", "/proc/self/fd/1/x", "/proc/1/fd/1", "proc/self/fd/1"] {
            assert_eq!(by_descriptor(other.as_bytes()), None, "{other}");
        }
    }
}
