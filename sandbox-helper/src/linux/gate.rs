//! The questions of a build without namespaces: the connections that it may make, its servers, and
//! changes of modes and owners (`attributes.rs`).
//!
//! Landlock knows ports, not addresses: the proxy's port would be open on every host of the world.
//! So each `connect` of the build stops in the kernel and comes here. Where it names the proxy,
//! this process connects the build's socket itself, with an address of its own: what the build
//! changes in its memory meanwhile is never read a second time. The same goes for Unix sockets in
//! the build's own folders, where it may have servers too. Everything else is refused; a server on
//! the host's network, datagrams, queues and semaphores are noted, as they work in other tiers.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use libc::{c_int, c_uint};
use nix::sys::socket::{Backlog, SockaddrIn, SockaddrLike, UnixAddr, connect, getsockname, listen};

use super::failure::checked;
use super::{attributes, calls, census, memory};

/// Most answers that are being made: more than a build has threads. One that waits for a server
/// that does not take it may outlive who asked.
const ANSWERS: usize = 4096;

/// Answers the questions of one build.
#[derive(Debug, Clone)]
pub struct Gate {
    asked: Arc<OwnedFd>,
    port: Option<u16>,
    writable: Arc<[PathBuf]>,
    noted: Arc<AtomicBool>,
}

/// What becomes of a call.
enum Outcome {
    /// It was made here, for the build.
    Made,
    /// The kernel makes it, and asks its own rules as ever: nothing that the build could change
    /// meanwhile was decided.
    Kernels,
}

impl Gate {
    /// `asked` is what `calls::ask` returned in the build's first process; `writable` are the real
    /// paths of the folders that are the build's.
    pub fn new(asked: OwnedFd, port: Option<u16>, writable: Vec<PathBuf>) -> Self {
        Self { asked: Arc::new(asked), port, writable: writable.into(), noted: Arc::default() }
    }

    /// Whether anything was refused that works in tiers with namespaces.
    pub fn has_noted(&self) -> bool {
        self.noted.load(Ordering::Acquire)
    }

    /// Answers one question, on a thread of its own: a connect may wait for the proxy, a path for a
    /// disk, and whoever watches must not. To be called when the descriptor is readable; an error
    /// means that nobody can ask any more.
    pub fn answer(&self) -> io::Result<()> {
        // SAFETY: plain numbers; the kernel requires them to be all zero.
        let mut question = unsafe { std::mem::zeroed::<libc::seccomp_notif>() };
        if let Err(error) = self.ioctl(libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut question) {
            // The process that asked was killed: there is nothing to answer.
            return if gone(&error) { Ok(()) } else { Err(error) };
        }
        let gate = self.clone();
        let answer = move || gate.reply(question.id, gate.decide(&question));
        // Each answer holds the descriptor.
        let many = Arc::strong_count(&self.asked) > ANSWERS;
        if many || thread::Builder::new().name("answer".into()).spawn(answer).is_err() {
            self.reply(question.id, Err(io::Error::from_raw_os_error(libc::EAGAIN)));
        }
        Ok(())
    }

    fn reply(&self, id: u64, outcome: io::Result<Outcome>) {
        const CONTINUE: u32 = 1;
        let (error, flags) = match outcome {
            Ok(Outcome::Made) => (0, 0),
            Ok(Outcome::Kernels) => (0, CONTINUE),
            Err(error) => (-error.raw_os_error().unwrap_or(libc::EACCES), 0),
        };
        let mut answer = libc::seccomp_notif_resp { id, val: 0, error, flags };
        // It fails only where the process that asked is gone.
        let _ = self.ioctl(libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut answer);
    }

    fn decide(&self, question: &libc::seccomp_notif) -> io::Result<Outcome> {
        match libc::c_long::from(question.data.nr) {
            libc::SYS_connect => self.connect(question),
            libc::SYS_bind => self.bind(question),
            libc::SYS_listen => self.listen(question),
            call if calls::NOTED.contains(&call) => Err(self.note(libc::EPERM)),
            _ => attributes::change(question.pid, &question.data, &self.writable, || self.stands(question.id)).map(|()| Outcome::Made),
        }
    }

    /// Notes a refusal that another tier would not have made.
    fn note(&self, error: c_int) -> io::Error {
        self.noted.store(true, Ordering::Release);
        io::Error::from_raw_os_error(error)
    }

    /// An error where a question is no longer asked.
    fn stands(&self, mut id: u64) -> io::Result<()> {
        self.ioctl(libc::SECCOMP_IOCTL_NOTIF_ID_VALID, &raw mut id)
    }

    fn connect(&self, question: &libc::seccomp_notif) -> io::Result<Outcome> {
        let refused = || io::Error::from_raw_os_error(libc::EACCES);
        let [_, address, length, ..] = question.data.args;
        if family(question.pid, address, length)? == libc::AF_UNIX {
            return self.connect_unix(question);
        }
        let port = self.port.ok_or_else(refused)?;
        let wanted = read_address(question.pid, address, length)?;
        if wanted != (SockaddrInParts { family: libc::AF_INET, port, address: Ipv4Addr::LOCALHOST }) {
            return Err(refused());
        }
        let [a, b, c, d] = Ipv4Addr::LOCALHOST.octets();
        self.connect_to(question, &SockaddrIn::new(a, b, c, d, port))
    }

    /// To a socket in the build's own folders: all that listens there is the build's.
    fn connect_unix(&self, question: &libc::seccomp_notif) -> io::Result<Outcome> {
        let [_, address, length, ..] = question.data.args;
        let path = unix_path(question.pid, address, length)?.ok_or_else(|| io::Error::from_raw_os_error(libc::EACCES))?;
        let file = attributes::found(question.pid, path)?;
        self.stands(question.id)?;
        if !attributes::is_ours(&file, &self.writable)? {
            return Err(io::Error::from_raw_os_error(libc::EACCES));
        }
        self.connect_to(question, &UnixAddr::new(attributes::place(&file).as_path())?)
    }

    fn connect_to(&self, question: &libc::seccomp_notif, address: &dyn SockaddrLike) -> io::Result<Outcome> {
        let socket = self.socket(question)?;
        connect(socket.as_raw_fd(), address)?;
        Ok(Outcome::Made)
    }

    /// The kernel decides, by Landlock's rules; what they refuse is noted.
    fn bind(&self, question: &libc::seccomp_notif) -> io::Result<Outcome> {
        let [_, address, length, ..] = question.data.args;
        match family(question.pid, address, length)? {
            libc::AF_INET | libc::AF_INET6 => Err(self.note(libc::EACCES)),
            _ => Ok(Outcome::Kernels),
        }
    }

    /// A server has a path, which Landlock lets a build make in its own folders alone. A name
    /// without one would be open to the whole machine, and so would be a port. Neither changes once
    /// a socket has it.
    fn listen(&self, question: &libc::seccomp_notif) -> io::Result<Outcome> {
        let [_, backlog, ..] = question.data.args;
        let socket = self.socket(question)?;
        let bound = getsockname::<UnixAddr>(socket.as_raw_fd()).map_err(|_| self.note(libc::EPERM))?;
        if bound.path().is_none() {
            return Err(self.note(libc::EPERM));
        }
        let backlog = c_int::try_from(backlog & 0xffff_ffff).unwrap_or(c_int::MAX).min(libc::SOMAXCONN);
        listen(&socket, Backlog::new(backlog)?)?;
        Ok(Outcome::Made)
    }

    /// The socket that is the first argument.
    fn socket(&self, question: &libc::seccomp_notif) -> io::Result<OwnedFd> {
        let [socket, ..] = question.data.args;
        let thread = opened(question.pid, libc::PIDFD_THREAD)?;
        // The thread may have ended and its number been given to another: only while the question
        // stands is it the one that asked.
        self.stands(question.id)?;
        let socket = RawFd::try_from(socket & 0xffff_ffff).map_err(|_| io::Error::from_raw_os_error(libc::EBADF))?;
        descriptor(unsafe {
            // SAFETY: a call with numbers only.
            libc::syscall(libc::SYS_pidfd_getfd, thread.as_raw_fd(), socket, 0)
        })
    }

    fn ioctl<T>(&self, request: libc::Ioctl, argument: *mut T) -> io::Result<()> {
        // SAFETY: each request of seccomp's descriptor takes a pointer to the type that it is
        // called with above.
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

/// Whoever asks is a thread, and any thread of a program may: without the flag only the first of
/// each can be opened. Linux before 6.9 does not know it: there the first is taken. All have its
/// descriptors, but for one that went its own way, which gets another socket of the build's.
fn opened(thread: u32, flag: c_uint) -> io::Result<OwnedFd> {
    // SAFETY: a call with numbers only.
    let open = |thread: u32, flag: c_uint| descriptor(unsafe { libc::syscall(libc::SYS_pidfd_open, thread, flag) });
    match open(thread, flag) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => open(census::leader(thread)?, 0),
        opened => opened,
    }
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

/// The family of an address. Whatever it is, the build may change it meanwhile.
fn family(task: u32, address: u64, length: u64) -> io::Result<c_int> {
    let mut bytes = [0_u8; 2];
    if length & 0xffff_ffff < 2 {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    memory::read(task, address, &mut bytes)?;
    Ok(u16::from_ne_bytes(bytes).into())
}

/// The path in the address of a Unix socket; none for one that has a name instead, or nothing.
fn unix_path(task: u32, address: u64, length: u64) -> io::Result<Option<Vec<u8>>> {
    let length = usize::try_from(length & 0xffff_ffff).ok().filter(|length| *length <= size_of::<libc::sockaddr_un>());
    let mut bytes = vec![0; length.ok_or_else(|| io::Error::from_raw_os_error(libc::EINVAL))?];
    memory::read(task, address, &mut bytes)?;
    let [family0, family1, path @ ..] = bytes.as_slice() else { return Ok(None) };
    let path: Vec<u8> = path.iter().copied().take_while(|&byte| byte != 0).collect();
    let is_unix = c_int::from(u16::from_ne_bytes([*family0, *family1])) == libc::AF_UNIX;
    Ok(Some(path).filter(|path| is_unix && !path.is_empty()))
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

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn a_thread_is_opened_by_any_kernel() {
        // A flag that no kernel knows stands for one that this kernel does not.
        for flag in [libc::PIDFD_THREAD, 1 << 30] {
            let inode = |file: &File| file.metadata().map(|metadata| metadata.ino());
            let (own, theirs) = thread::spawn(move || {
                let own = File::open("/proc/self/status").unwrap();
                // SAFETY: a call without arguments.
                let number = u32::try_from(unsafe { libc::syscall(libc::SYS_gettid) }).unwrap();
                let task = opened(number, flag).unwrap();
                // SAFETY: a call with numbers only.
                let theirs = descriptor(unsafe { libc::syscall(libc::SYS_pidfd_getfd, task.as_raw_fd(), own.as_raw_fd(), 0) }).unwrap();
                (inode(&own).unwrap(), inode(&File::from(theirs)).unwrap())
            })
            .join()
            .unwrap();
            assert_eq!(own, theirs);
        }
        assert!(opened(u32::MAX / 2, libc::PIDFD_THREAD).is_err());
    }
}
