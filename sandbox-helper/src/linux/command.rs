//! The build's first process: it gives up everything, then becomes the command.

use std::convert::Infallible;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::PathBuf;

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, signal, sigprocmask};
use nix::sys::socket::{AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg, sendmsg, socketpair};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{ForkResult, Pid, chdir, execve, fork, setsid};

use super::failure::{Doing, Failure};
use super::policy::Policy;
use super::user::{Keep, give_up};
use super::{access, calls, limits};

/// What keeps the command in beside its limits.
#[derive(Debug)]
pub enum Fence {
    /// Namespaces do; these are the folders that it may write to.
    Namespaces(Vec<PathBuf>),
    /// Nothing else does: what may be read and written, and how many processes the user has
    /// already.
    Alone {
        /// Folders to read.
        readable: Vec<PathBuf>,
        /// Folders to change.
        writable: Vec<PathBuf>,
        /// Processes that count along with the build's.
        others: u64,
    },
}

/// A command that runs.
#[derive(Debug)]
pub struct Started {
    /// Its process.
    pub pid: Pid,
    /// Where its questions about connections, modes and owners arrive, in a fence that stands
    /// alone.
    pub asked: Option<OwnedFd>,
}

/// Starts the command; returns once it is the program that was asked for.
pub fn start(policy: &Policy, fence: &Fence) -> Result<Started, Failure> {
    let doing = "start the build";
    let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC).doing(doing)?;
    // SAFETY: this process has one thread until the watch starts, which is later.
    match unsafe { fork() }.doing(doing)? {
        ForkResult::Child => {
            drop(ours);
            // An empty message is what the end of the socket looks like, so a failure is never
            // empty.
            let Err(failure) = become_command(policy, fence, theirs.as_fd());
            let _ = sendmsg::<()>(
                theirs.as_raw_fd(),
                &[std::io::IoSlice::new(failure.to_string().as_bytes())],
                &[],
                MsgFlags::MSG_NOSIGNAL,
                None,
            );
            std::process::exit(127)
        }
        ForkResult::Parent { child } => {
            drop(theirs);
            let mut asked = None;
            loop {
                let (said, descriptor) = receive(ours.as_fd()).doing(doing)?;
                asked = descriptor.or(asked);
                match said.as_slice() {
                    [] => return Ok(Started { pid: child, asked }),
                    b"asked" => {}
                    failure => return Err(Failure::told(String::from_utf8_lossy(failure).into_owned())),
                }
            }
        }
    }
}

fn become_command(policy: &Policy, fence: &Fence, report: BorrowedFd<'_>) -> Result<Infallible, Failure> {
    setsid().doing("leave the session")?;
    defaults()?;
    umask(Mode::S_IWGRP | Mode::S_IWOTH);
    let others = if let Fence::Alone { others, .. } = fence { *others } else { 0 };
    limits::set(&policy.limits, others)?;
    prctl::set_no_new_privs().doing("give up new privileges")?;
    match fence {
        Fence::Namespaces(writable) => {
            access::within_namespaces(writable)?;
            give_up(Keep::Nothing)?;
        }
        Fence::Alone { readable, writable, .. } => {
            access::alone(readable, writable, policy.port)?;
            let asked = calls::ask()?;
            let rights = [asked.as_raw_fd()];
            let message = [std::io::IoSlice::new(b"asked")];
            sendmsg::<()>(report.as_raw_fd(), &message, &[ControlMessage::ScmRights(&rights)], MsgFlags::MSG_NOSIGNAL, None)
                .doing("hand over the questions")?;
        }
    }
    chdir(&policy.cwd).doing(format!("enter {}", policy.cwd.display()))?;
    calls::refuse(matches!(fence, Fence::Alone { .. }))?;
    execute(policy)
}

/// No signal that was ignored or blocked on the way here stays so: Rust ignores SIGPIPE, Node
/// others.
fn defaults() -> Result<(), Failure> {
    let doing = "reset the signals";
    for each in Signal::iterator().filter(|each| !matches!(each, Signal::SIGKILL | Signal::SIGSTOP)) {
        // SAFETY: the default action is no handler of ours.
        unsafe { signal(each, SigHandler::SigDfl) }.doing(doing)?;
    }
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None).doing(doing)
}

/// As `execvp`, with the PATH of the build and not the one of this process.
fn execute(policy: &Policy) -> Result<Infallible, Failure> {
    let name: &CStr = policy.argv.first().ok_or_else(|| Failure::new("start the build", "no command was named"))?;
    let path = policy.variable("PATH").unwrap_or(b"/usr/bin:/bin");
    let candidates: Vec<CString> = if name.to_bytes().contains(&b'/') {
        vec![name.to_owned()]
    } else {
        let folders = path.split(|&byte| byte == b':').filter(|folder| !folder.is_empty());
        folders.filter_map(|folder| CString::new([folder, b"/", name.to_bytes()].concat()).ok()).collect()
    };
    let mut why = Errno::ENOENT;
    for candidate in candidates {
        let Err(error) = execve(&candidate, &policy.argv, &policy.env);
        if !matches!(error, Errno::ENOENT | Errno::ENOTDIR) {
            why = error;
        }
    }
    Err(Failure::new(format!("run {}", name.to_string_lossy()), why))
}

/// One message of a socket, and the descriptor that came with it.
fn receive(socket: BorrowedFd<'_>) -> nix::Result<(Vec<u8>, Option<OwnedFd>)> {
    let mut bytes = [0; 4096];
    let mut space = nix::cmsg_space!([std::os::fd::RawFd; 1]);
    let (length, descriptor) = loop {
        let mut parts = [std::io::IoSliceMut::new(&mut bytes)];
        match recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC) {
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error),
            Ok(message) => {
                let descriptor = message.cmsgs()?.find_map(|control| match control {
                    ControlMessageOwned::ScmRights(descriptors) => descriptors.first().copied(),
                    _ => None,
                });
                break (message.bytes, descriptor);
            }
        }
    };
    // SAFETY: the kernel made this descriptor for us with the message, and nothing else owns it.
    let descriptor = descriptor.map(|descriptor| unsafe { OwnedFd::from_raw_fd(descriptor) });
    Ok((bytes.get(..length).unwrap_or_default().to_vec(), descriptor))
}
