//! A user, files, processes, network, names and messages of its own for the build.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::AsRawFd;
use std::path::Path;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use nix::unistd::Pid;

use super::failure::{Doing, Failure, checked};
use super::user::INSIDE;

/// Forks into new namespaces. `None` in the child, which is their first process and has every
/// capability in them.
///
/// Not `unshare` and then `fork`: this way no third process stays between the two. The process has
/// one thread, so that a bare `clone` is as good as libc's `fork`.
pub fn fork() -> Result<Option<Pid>, Failure> {
    const ALL: libc::c_int = libc::CLONE_NEWUSER
        | libc::CLONE_NEWNS
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWNET
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWCGROUP;
    let flags = libc::c_long::from(ALL | libc::SIGCHLD);
    // SAFETY: without CLONE_VM the child has a copy of everything, on the same stack; the other
    // arguments are unused, in whatever order the architecture has them.
    let pid = checked(unsafe { libc::syscall(libc::SYS_clone, flags, 0_usize, 0_usize, 0_usize, 0_usize) }).doing("make namespaces")?;
    let pid = libc::pid_t::try_from(pid).doing("make namespaces")?;
    Ok((pid != 0).then(|| Pid::from_raw(pid)))
}

/// Gives the child's namespace its one user and group, which are `user` and `group` on the host.
/// `proc` is where the host's /proc is.
pub fn map_user(proc: &Path, child: Pid, user: u32, group: u32) -> Result<(), Failure> {
    // Without privilege a group may be mapped only by who has given up changing groups.
    for (file, line) in
        [("setgroups", "deny".to_owned()), ("gid_map", format!("{INSIDE} {group} 1")), ("uid_map", format!("{INSIDE} {user} 1"))]
    {
        fs::write(proc.join(child.to_string()).join(file), line).doing(format!("write the {file} of a user namespace"))?;
    }
    Ok(())
}

// The number's type is not the same in every C library.
nix::ioctl_write_ptr_bad!(set_flags, libc::SIOCSIFFLAGS, libc::ifreq);

/// Brings up the loopback interface, which is the only one.
pub fn loopback() -> Result<(), Failure> {
    let doing = "bring up the loopback interface";
    let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None).doing(doing)?;
    // SAFETY: plain numbers, and a name that ends with NUL.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(c"lo".to_bytes()) {
        *to = libc::c_char::from_ne_bytes([*from]);
    }
    request.ifr_ifru.ifru_flags = libc::c_short::try_from(libc::IFF_UP | libc::IFF_RUNNING).doing(doing)?;
    // SAFETY: this request takes a pointer to that structure.
    unsafe { set_flags(socket.as_raw_fd(), &raw const request) }.doing(doing).map(drop)
}

/// The way out: a listener of this network, for the proxy outside to accept on.
pub fn listener(port: Option<u16>) -> Result<Option<TcpListener>, Failure> {
    port.map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).doing(format!("listen on port {port}"))).transpose()
}
