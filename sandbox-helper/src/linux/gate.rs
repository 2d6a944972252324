//! The questions of a build without namespaces: the one connection that it may make, and changes of modes and owners (`attributes.rs`).
//!
//! Landlock knows ports, not addresses: the proxy's port would be open on every host of the world. So each `connect` of the build
//! stops in the kernel and comes here. Where it names the proxy, this process connects the build's socket itself, with an address of its own:
//! what the build changes in its memory meanwhile is never read a second time. Everything else is refused.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use libc::c_int;
use nix::sys::socket::{SockaddrIn, connect};

use super::failure::checked;
use super::{attributes, memory};

/// Answers the questions of one build.
#[derive(Debug, Clone)]
pub struct Gate {
    asked: Arc<OwnedFd>,
    port: Option<u16>,
    writable: Arc<[PathBuf]>,
}

impl Gate {
    /// `asked` is what `calls::ask` returned in the build's first process; `writable` are the real paths of the folders that are the build's.
    pub fn new(asked: OwnedFd, port: Option<u16>, writable: Vec<PathBuf>) -> Self {
        Self { asked: Arc::new(asked), port, writable: writable.into() }
    }

    /// Answers one question, on a thread of its own: a connect may wait for the proxy, a path for a disk, and whoever watches must not. To be called
    /// when the descriptor is readable; an error means that nobody can ask any more.
    pub fn answer(&self) -> io::Result<()> {
        // SAFETY: plain numbers; the kernel requires them to be all zero.
        let mut question = unsafe { std::mem::zeroed::<libc::seccomp_notif>() };
        if let Err(error) = self.ioctl(libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut question) {
            // The process that asked was killed: there is nothing to answer.
            return if gone(&error) { Ok(()) } else { Err(error) };
        }
        let gate = self.clone();
        let answer = move || gate.reply(question.id, gate.decide(&question));
        if thread::Builder::new().name("answer".into()).spawn(answer).is_err() {
            self.reply(question.id, Err(io::Error::from_raw_os_error(libc::EAGAIN)));
        }
        Ok(())
    }

    fn reply(&self, id: u64, outcome: io::Result<()>) {
        let error = outcome.err().map_or(0, |error| -error.raw_os_error().unwrap_or(libc::EACCES));
        let mut answer = libc::seccomp_notif_resp { id, val: 0, error, flags: 0 };
        // It fails only where the process that asked is gone.
        let _ = self.ioctl(libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut answer);
    }

    fn decide(&self, question: &libc::seccomp_notif) -> io::Result<()> {
        if libc::c_long::from(question.data.nr) == libc::SYS_connect {
            return self.connect(question);
        }
        attributes::change(question.pid, &question.data, &self.writable, || self.stands(question.id))
    }

    /// An error where a question is no longer asked.
    fn stands(&self, mut id: u64) -> io::Result<()> {
        self.ioctl(libc::SECCOMP_IOCTL_NOTIF_ID_VALID, &raw mut id)
    }

    fn connect(&self, question: &libc::seccomp_notif) -> io::Result<()> {
        let refused = || io::Error::from_raw_os_error(libc::EACCES);
        let [socket, address, length, ..] = question.data.args;
        let port = self.port.ok_or_else(refused)?;
        let wanted = read_address(question.pid, address, length)?;
        if wanted != (SockaddrInParts { family: libc::AF_INET, port, address: Ipv4Addr::LOCALHOST }) {
            return Err(refused());
        }
        // Whoever asks is a thread, and any thread of a program may: without the flag only the first of each could be opened.
        let thread = descriptor(unsafe {
            // SAFETY: a call with numbers only.
            libc::syscall(libc::SYS_pidfd_open, question.pid, libc::PIDFD_THREAD)
        })?;
        // The thread may have ended and its number been given to another: only while the question stands is it the one that asked.
        self.stands(question.id)?;
        let socket = RawFd::try_from(socket & 0xffff_ffff).map_err(|_| io::Error::from_raw_os_error(libc::EBADF))?;
        let socket = descriptor(unsafe {
            // SAFETY: a call with numbers only.
            libc::syscall(libc::SYS_pidfd_getfd, thread.as_raw_fd(), socket, 0)
        })?;
        let [a, b, c, d] = Ipv4Addr::LOCALHOST.octets();
        connect(socket.as_raw_fd(), &SockaddrIn::new(a, b, c, d, port)).map_err(io::Error::from)
    }

    fn ioctl<T>(&self, request: libc::Ioctl, argument: *mut T) -> io::Result<()> {
        // SAFETY: each request of seccomp's descriptor takes a pointer to the type that it is called with above.
        checked(unsafe { libc::ioctl(self.asked.as_raw_fd(), request, argument) }.into()).map(drop)
    }
}

impl AsFd for Gate {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.asked.as_fd()
    }
}

fn gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EINTR | libc::EAGAIN))
}

fn descriptor(returned: libc::c_long) -> io::Result<OwnedFd> {
    let descriptor = RawFd::try_from(checked(returned)?).map_err(io::Error::other)?;
    // SAFETY: the kernel made this descriptor just now, and nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

#[derive(Debug, PartialEq, Eq)]
struct SockaddrInParts {
    family: c_int,
    port: u16,
    address: Ipv4Addr,
}

/// Reads an IPv4 address from the memory of the process that asked. Anything shorter is none.
fn read_address(pid: u32, address: u64, length: u64) -> io::Result<SockaddrInParts> {
    let mut bytes = [0_u8; 8];
    if length & 0xffff_ffff < 16 {
        return Err(io::Error::from_raw_os_error(libc::EACCES));
    }
    memory::read(pid, address, &mut bytes)?;
    let [family0, family1, port0, port1, a, b, c, d] = bytes;
    Ok(SockaddrInParts {
        family: u16::from_ne_bytes([family0, family1]).into(),
        port: u16::from_be_bytes([port0, port1]),
        address: Ipv4Addr::new(a, b, c, d),
    })
}
