//! The socket to the addon: words go out, and its closing means that nobody waits for the build any
//! more.
//!
//! One line a message: `ready` (with the listener's descriptor, if there is one), `failed <why>`,
//! `exit <code>`, `signal <number>`, `stopped <limit>`.

use std::io::{self, IoSlice, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use nix::sys::stat::Mode;
use nix::unistd::{dup2_stdin, read};

use super::failure::{Doing, Failure};

/// Our end of the socket.
#[derive(Debug)]
pub struct Control(OwnedFd);

impl Control {
    /// Takes descriptor 0 away from where the build would inherit it, and leaves an empty input
    /// there.
    pub fn take() -> Result<Self, Failure> {
        let socket = fcntl(io::stdin().as_fd(), FcntlArg::F_DUPFD_CLOEXEC(3)).doing("take the control socket")?;
        // SAFETY: fcntl made this descriptor just now, and nothing else owns it.
        let socket = unsafe { OwnedFd::from_raw_fd(socket) };
        let empty = open("/dev/null", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()).doing("open /dev/null")?;
        dup2_stdin(&empty).doing("give the build an empty input")?;
        Ok(Self(socket))
    }

    /// Puts the socket back to descriptor 0, for a program that takes this one's place.
    pub fn put_back(&self) -> Result<(), Failure> {
        dup2_stdin(&self.0).doing("hand on the control socket")
    }

    /// Says that the build runs, and hands the listener to the addon.
    pub fn ready(&self, listener: Option<BorrowedFd<'_>>) -> Result<(), Failure> {
        let line = [IoSlice::new(b"ready\n")];
        let descriptors: Vec<RawFd> = listener.iter().map(AsRawFd::as_raw_fd).collect();
        let rights = [ControlMessage::ScmRights(&descriptors)];
        let rights: &[ControlMessage<'_>] = if descriptors.is_empty() { &[] } else { &rights };
        sendmsg::<()>(self.0.as_raw_fd(), &line, rights, MsgFlags::MSG_NOSIGNAL, None).doing("say that the build runs")?;
        Ok(())
    }

    /// Says one word and its argument. Where nobody listens any more, nobody misses it.
    pub fn say(&self, word: &str, argument: &str) {
        let line = format!("{word} {}\n", argument.replace('\n', " "));
        let parts = [IoSlice::new(line.as_bytes())];
        let _ = sendmsg::<()>(self.0.as_raw_fd(), &parts, &[], MsgFlags::MSG_NOSIGNAL, None);
    }
}

impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Read for &Control {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match read(&self.0, into) {
                Err(Errno::EINTR) => {}
                other => return other.map_err(io::Error::from),
            }
        }
    }
}
