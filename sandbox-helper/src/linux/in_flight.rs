//! Files that a build keeps in no folder and behind no descriptor: those in messages between its
//! sockets that were sent and not received (unix(7), `SCM_RIGHTS`).
//!
//! They cannot be measured, but it can be known that there are none. That matters on a disk that
//! others write to as well: what they take is no reason to end a build.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::fd::AsRawFd;

use nix::sys::socket::{
    AddressFamily, Backlog, ControlMessage, MsgFlags, SockFlag, SockType, UnixAddr, bind, connect, getsockname, listen, sendmsg, socket,
};

use super::census;

/// Whether processes may keep files in messages: what cannot be looked at, may.
pub fn may_be_held(family: &HashSet<u32>) -> bool {
    !kernel_tells().unwrap_or(false)
        || family
            .iter()
            .flat_map(|pid| census::threads(*pid).into_iter().map(move |thread| (pid, thread)))
            .any(|(pid, thread)| holds(*pid, thread))
}

/// Whether a thread has a socket with descriptors in it, or one that cannot be looked at.
fn holds(pid: u32, thread: u32) -> bool {
    let task = format!("/proc/{pid}/task/{thread}");
    let has_ended = |error: &io::Error| error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(libc::ESRCH);
    let descriptors = match fs::read_dir(format!("{task}/fd")) {
        Ok(descriptors) => descriptors,
        Err(error) => return !has_ended(&error),
    };
    descriptors.filter_map(Result::ok).any(|descriptor| {
        let is_socket = fs::read_link(descriptor.path()).is_ok_and(|link| link.as_os_str().as_encoded_bytes().starts_with(b"socket:"));
        is_socket
            && match fs::read_to_string(format!("{task}/fdinfo/{}", descriptor.file_name().display())) {
                Ok(told) => waiting(&told).is_some_and(|count| count > 0),
                Err(error) => !has_ended(&error),
            }
    })
}

/// How many descriptors wait in a socket; `None` for one that takes none.
fn waiting(told: &str) -> Option<u64> {
    told.lines().find_map(|line| line.strip_prefix("scm_fds:")?.trim().parse().ok())
}

/// Whether the kernel tells how many descriptors wait in a socket: Linux 5.6 does for one that is
/// connected, later ones for those that nobody has accepted yet, too. It is tried out.
fn kernel_tells() -> nix::Result<bool> {
    let new = || socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None);
    let (listener, sender) = (new()?, new()?);
    // An address without a name is one that the kernel chooses, in no folder (unix(7), autobind).
    bind(listener.as_raw_fd(), &UnixAddr::new_unnamed())?;
    listen(&listener, Backlog::new(1)?)?;
    connect(sender.as_raw_fd(), &getsockname::<UnixAddr>(listener.as_raw_fd())?)?;
    let rights = [sender.as_raw_fd()];
    let text = [io::IoSlice::new(b"-")];
    sendmsg::<()>(sender.as_raw_fd(), &text, &[ControlMessage::ScmRights(&rights)], MsgFlags::empty(), None)?;
    let told = fs::read_to_string(format!("/proc/self/fdinfo/{}", listener.as_raw_fd())).unwrap_or_default();
    Ok(waiting(&told) == Some(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    /// Sends a descriptor, receives it where a line comes, and waits for another one.
    const PROGRAM: &str = "
import array, os, socket, sys
if sys.argv[1] == 'listening':
    listener = socket.socket(socket.AF_UNIX); listener.bind(''); listener.listen(1)
    sender = socket.socket(socket.AF_UNIX); sender.connect(listener.getsockname())
    receive = lambda: listener.accept()[0].recvmsg(1, 100)
else:
    sender, receiver = socket.socketpair()
    receive = lambda: receiver.recvmsg(1, 100)
file = os.open('/', os.O_RDONLY)
sender.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [file]))])
print(flush=True); sys.stdin.readline(); kept = receive(); print(flush=True); sys.stdin.readline()
";

    #[test]
    fn a_file_in_a_message_is_noticed_until_it_is_received() {
        use std::io::{BufRead, BufReader, Write};
        assert!(kernel_tells().unwrap(), "this kernel does not tell");
        for kind in ["connected", "listening"] {
            let mut child =
                Command::new("python3").args(["-c", PROGRAM, kind]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
            let (family, mut to) = (HashSet::from([child.id()]), child.stdin.take().unwrap());
            let mut from = BufReader::new(child.stdout.take().unwrap());
            let mut next = || from.read_line(&mut String::new()).unwrap();
            next();
            let sent = may_be_held(&family);
            to.write_all(b"\n").unwrap();
            next();
            let received = may_be_held(&family);
            drop(to);
            child.wait().unwrap();
            assert_eq!((sent, received, may_be_held(&family)), (true, false, false), "{kind}");
        }
    }
}
