//! The process that the build lives under: it reaps, watches the limits, answers its questions, and
//! ends it all.
//!
//! In namespaces it is their first process, so that its own end is the end of every process in
//! them. Without, it is in a Landlock domain around the build's: a signal to "all" then reaches
//! exactly the build, in one call that no `fork` can run away from.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::control::Control;
use super::failure::{Doing, Failure};
use super::gate::Gate;
use super::idle::Idle;
use super::machine::Machine;
use super::policy::Limits;
use super::{census, disk};

/// How often the processes are counted, unless counting takes longer than a twentieth of it.
const TICK: Duration = Duration::from_millis(50);
const SHARE: u32 = 20;

/// Whom a signal to everybody reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The namespace, which ends with this process.
    Namespace,
    /// The Landlock domain, where this process must make an end itself.
    Domain,
}

/// Signals that tell of children, as a descriptor. To be made before the first child.
pub fn signals() -> Result<SignalFd, Failure> {
    let doing = "watch for the end of processes";
    let mut set = SigSet::empty();
    set.add(Signal::SIGCHLD);
    sigprocmask(SigmaskHow::SIG_BLOCK, Some(&set), None).doing(doing)?;
    SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).doing(doing)
}

/// A build that runs, and all that tells how it goes.
#[derive(Debug)]
pub struct Watch<'a> {
    /// Where it is said, and whose closing ends it.
    pub control: &'a Control,
    /// Closed when the process that started this one is gone.
    pub lifeline: Option<OwnedFd>,
    /// Of `signals`.
    pub signals: SignalFd,
    /// The limits that the kernel does not keep by itself.
    pub limits: Limits,
    /// Whom a signal to everybody reaches.
    pub reach: Reach,
}

impl Watch<'_> {
    /// Until the process `command` ends, or has to. Says how it went.
    pub fn until_the_end(&self, command: Pid, gate: Option<&Gate>, folders: Vec<std::path::PathBuf>) {
        let over = Arc::new(AtomicBool::new(false));
        let begun = Instant::now();
        if let Err(error) = disk::watch(folders, self.limits.disk, Arc::clone(&over)) {
            self.control.say("failed", &Failure::new("watch the disk", error).to_string());
            return self.end();
        }
        let first = Machine::now();
        let time = Duration::from_millis(self.limits.time);
        let mut pause = TICK;
        let mut counted = begun;
        let mut idle = (self.limits.idle > 0).then(|| Idle::new(Duration::from_millis(self.limits.idle)));
        let asked = gate;
        let mut gate = gate;
        let told = loop {
            match self.wait_for_news(pause.min(time.saturating_sub(begun.elapsed())), gate) {
                Ok(News::Nothing) => {}
                Ok(News::Alone) => break None,
                Ok(News::Question) => {
                    if gate.is_some_and(|gate| gate.answer().is_err()) {
                        gate = None;
                    }
                }
                Err(error) => break Some(("failed", Failure::new("watch the build", error).to_string())),
            }
            if let Some(ended) = reap(command) {
                break Some(ended);
            }
            if begun.elapsed() >= time {
                break Some(("stopped", "time".to_owned()));
            }
            if over.load(Ordering::Acquire) {
                break Some(("stopped", "disk".to_owned()));
            }
            if counted.elapsed() >= pause {
                let start = Instant::now();
                match self.counted_over(first.as_ref().ok(), idle.as_mut()) {
                    Ok(None) => {}
                    Ok(Some(limit)) => break Some(("stopped", limit.to_owned())),
                    // A limit that cannot be watched is none.
                    Err(error) => break Some(("failed", Failure::new("count the build's processes", error).to_string())),
                }
                counted = Instant::now();
                pause = TICK.max(start.elapsed() * SHARE);
            }
        };
        if asked.is_some_and(Gate::has_noted) {
            self.control.say("refused", "what another tier allows");
        }
        if let Some((word, argument)) = told {
            self.control.say(word, &argument);
        }
        self.end();
    }

    /// The limit that was met, if one was; `first` is how the machine was before the build.
    fn counted_over(&self, first: Option<&Machine>, idle: Option<&mut Idle>) -> std::io::Result<Option<&'static str>> {
        let count = census::descendants(std::process::id())?;
        // A /proc that says nothing of the machine is counted without it.
        let is_spent = first.zip(Machine::now().ok()).is_some_and(|(first, now)| first.is_spent(&now, self.limits.memory));
        if count.memory > self.limits.memory || is_spent {
            return Ok(Some("memory"));
        }
        if count.tasks >= self.limits.processes {
            return Ok(Some("processes"));
        }
        Ok(idle.map(Idle::is_over).transpose()?.unwrap_or_default().then_some("idle"))
    }

    fn wait_for_news(&self, pause: Duration, gate: Option<&Gate>) -> Result<News, Errno> {
        let mut watched: Vec<BorrowedFd<'_>> = vec![self.signals.as_fd(), self.control.as_fd()];
        watched.extend(self.lifeline.as_ref().map(AsFd::as_fd));
        let ours = watched.len();
        watched.extend(gate.map(AsFd::as_fd));
        let mut polled: Vec<PollFd<'_>> = watched.into_iter().map(|descriptor| PollFd::new(descriptor, PollFlags::POLLIN)).collect();
        // Rounded up, or the last millisecond is spent asking.
        let timeout = PollTimeout::try_from(pause + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
        match poll(&mut polled, timeout) {
            Err(Errno::EINTR) => return Ok(News::Nothing),
            Err(error) => return Err(error),
            Ok(_) => {}
        }
        let mut news = polled.iter().map(|each| each.any().unwrap_or(true));
        if news.next() == Some(true) {
            while let Ok(Some(_)) = self.signals.read_signal() {}
        }
        if news.by_ref().take(ours - 1).any(|any| any) {
            return Ok(News::Alone);
        }
        Ok(if news.next() == Some(true) { News::Question } else { News::Nothing })
    }

    /// Ends every process of the build. In namespaces the kernel does, when this process returns.
    fn end(&self) {
        if self.reach == Reach::Namespace {
            return;
        }
        // This process is in a domain that keeps its signals to the build: it was made certain when
        // it was entered. Whoever is being forked at this moment is in the domain too, or its
        // parent's pending signal makes the fork fail.
        while kill(Pid::from_raw(-1), Signal::SIGKILL).is_ok() {
            if !wait_for_any() {
                break;
            }
        }
        while wait_for_any() {}
    }
}

enum News {
    Nothing,
    /// Nobody waits for the build any more.
    Alone,
    /// A process of the build asks.
    Question,
}

/// False when there is no child left.
fn wait_for_any() -> bool {
    matches!(waitpid(None, None), Ok(_) | Err(Errno::EINTR))
}

/// Reaps what has ended; the command's own end is the end.
fn reap(command: Pid) -> Option<(&'static str, String)> {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) if pid == command => return Some(("exit", code.to_string())),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == command => return Some(("signal", (signal as i32).to_string())),
            Ok(WaitStatus::StillAlive) => return None,
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Some(("failed", Failure::new("wait for the build", error).to_string())),
        }
    }
}
