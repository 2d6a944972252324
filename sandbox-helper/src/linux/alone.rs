//! The third tier: Landlock and seccomp, without namespaces.
//!
//! This process stays outside and sweeps up. The warden enters a domain that holds its signals in,
//! and becomes the parent of whatever loses its own; the command is in a second domain within that
//! one. What this tier does not hold: the build sees the host's paths, names of processes and load,
//! and can change times of its user's files, for which Landlock has no right.

use std::convert::Infallible;
use std::fs::File;

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, geteuid, getppid, pipe2};

use super::command::{Fence, start};
use super::control::Control;
use super::failure::{Doing, Failure};
use super::gate::Gate;
use super::policy::Policy;
use super::user::become_user;
use super::watch::{Reach, Watch, signals};
use super::{access, attributes, census};

/// Runs the build; returns when all of it is gone.
pub fn run(policy: &Policy, control: &Control) -> Result<(), Failure> {
    prctl::set_child_subreaper(true).doing("become the parent of orphans")?;
    let (hears, says) = pipe2(nix::fcntl::OFlag::O_CLOEXEC).doing("make a pipe")?;
    // SAFETY: this process has one thread.
    match unsafe { nix::unistd::fork() }.doing("start the warden")? {
        ForkResult::Child => {
            drop(says);
            let Err(failure) = warden(policy, control, File::from(hears));
            control.say("failed", &failure.to_string());
            std::process::exit(125)
        }
        ForkResult::Parent { child } => {
            drop(hears);
            while matches!(waitpid(child, None), Err(Errno::EINTR)) {}
            sweep()
        }
    }
}

/// Ends what the warden left, should it have been killed itself.
fn sweep() -> Result<(), Failure> {
    let doing = "end what the build has left";
    loop {
        // The usual case: the warden has made an end of all.
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Err(Errno::ECHILD) => return Ok(()),
            Ok(WaitStatus::StillAlive) => {}
            Ok(_) | Err(Errno::EINTR) => continue,
            Err(error) => return Err(Failure::new(doing, error)),
        }
        for pid in census::family(std::process::id()).doing(doing)? {
            // One that has just ended needs no signal.
            let _ = kill(Pid::from_raw(i32::try_from(pid).doing(doing)?), Signal::SIGKILL);
        }
        // One at least ends now; what it leaves becomes ours.
        while matches!(waitpid(None, None), Err(Errno::EINTR)) {}
    }
}

fn warden(policy: &Policy, control: &Control, lifeline: File) -> Result<Infallible, Failure> {
    let parent = getppid();
    if geteuid().is_root() {
        become_user(policy.user)?;
    }
    access::signals_only()?;
    // A signal to everybody must never be sent from where it reaches more than the build.
    if kill(parent, None) != Err(Errno::EPERM) {
        return Err(Failure::new("keep signals within the sandbox", "a process outside can still be reached"));
    }
    prctl::set_child_subreaper(true).doing("become the parent of orphans")?;
    let signals = signals()?;
    let others = census::tasks_of(geteuid().as_raw()).doing("count the user's processes")?;
    let writable = policy.writable(|mount| mount.host.clone());
    let mut readable = Vec::new();
    for mount in &policy.mounts {
        reachable(mount)?;
        if !mount.writable {
            readable.push(mount.host.clone());
        }
    }
    let mut started = start(policy, &Fence::Alone { readable, writable: writable.clone(), others })?;
    let asked = started.asked.take().ok_or_else(|| Failure::new("start the build", "nobody answers its questions"))?;
    let gate = Gate::new(asked, policy.port, attributes::real(&writable).doing("find the build's folders")?);
    control.ready(None)?;
    let watch = Watch { control, lifeline: Some(lifeline.into()), signals, limits: policy.limits, reach: Reach::Domain };
    watch.until_the_end(started.pid, Some(&gate), writable);
    std::process::exit(0)
}

/// Says which folder it is that the build's user cannot get to, before the build fails with words
/// of its own.
fn reachable(mount: &super::policy::Mount) -> Result<(), Failure> {
    let failed = |why: Errno| Failure::new(format!("reach {} as the user that the build runs as", mount.host.display()), why);
    super::mounts::pin(&mount.host, nix::fcntl::OFlag::O_NOFOLLOW)?;
    let mode = if mount.writable { nix::unistd::AccessFlags::W_OK } else { nix::unistd::AccessFlags::R_OK };
    nix::unistd::access(&mount.host, mode).map_err(failed)
}
