//! Who the build is: an unprivileged user, inside and on the host.

use nix::errno::Errno;
use nix::sys::prctl;
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};

use super::failure::{Doing, Failure, checked};

/// Inside namespaces, the number that the first ordinary user of a Linux machine has: builds look
/// at it.
pub const INSIDE: u32 = 1000;

/// Becomes the user of that number, with no group but its own. For root only.
pub fn become_user(user: u32) -> Result<(), Failure> {
    let doing = || format!("become user {user}");
    let (uid, gid) = (Uid::from_raw(user), Gid::from_raw(user));
    match setgroups(&[]) {
        // Forbidden inside a user namespace that was made without privilege; there was no group to
        // give up then.
        Ok(()) | Err(Errno::EPERM) => {}
        Err(error) => return Err(Failure::new(doing(), error)),
    }
    setresgid(gid, gid, gid).doing(doing())?;
    setresuid(uid, uid, uid).doing(doing())
}

/// What a process may still do that its user may not.
#[derive(Debug, Clone, Copy)]
pub enum Keep {
    /// Look at files and descriptors, to count what they take up; only inside a user namespace.
    Looking,
    /// Nothing.
    Nothing,
}

/// Gives up capabilities for good, and hides this process's memory from others of the same user.
pub fn give_up(keep: Keep) -> Result<(), Failure> {
    const VERSION_3: u32 = 0x2008_0522;
    const DAC_READ_SEARCH: u32 = 1 << 2;
    const SYS_PTRACE: u32 = 1 << 19;
    #[repr(C)]
    struct Header {
        version: u32,
        pid: i32,
    }
    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Data {
        effective: u32,
        permitted: u32,
        inheritable: u32,
    }
    let kept = match keep {
        Keep::Looking => DAC_READ_SEARCH | SYS_PTRACE,
        Keep::Nothing => 0,
    };
    let header = Header { version: VERSION_3, pid: 0 };
    let none = Data { effective: 0, permitted: 0, inheritable: 0 };
    let data = [Data { effective: kept, permitted: kept, inheritable: 0 }, none];
    // SAFETY: the layout is the kernel's for this version: one header and two sets of three words.
    checked(unsafe { libc::syscall(libc::SYS_capset, &raw const header, &raw const data) }).doing("give up privileges")?;
    prctl::set_dumpable(false).doing("hide the watching process")
}
