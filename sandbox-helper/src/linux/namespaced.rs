//! The first tier: namespaces of our own.
//!
//! Three processes: this one stays outside and waits; the first of the namespaces makes the root
//! and watches; the command runs. As root the namespace's one user is an unprivileged one of the
//! host, so that not even a hole in the kernel's namespaces gives the build more than that user.

use std::convert::Infallible;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::path::Path;

use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, getegid, geteuid, pipe2, setgroups};

use super::command::{Fence, start};
use super::control::Control;
use super::failure::{Doing, Failure};
use super::mounts::Stage;
use super::namespaces::{fork, listener, loopback, map_user};
use super::policy::Policy;
use super::user::{INSIDE, Keep, become_user, give_up};
use super::watch::{Reach, Watch, signals};

/// Runs the build; returns when all of it is gone.
pub fn run(policy: &Policy, control: &Control) -> Result<(), Failure> {
    let root = geteuid().is_root();
    let staged = if root {
        setgroups(&[]).doing("give up groups")?;
        unshare(CloneFlags::CLONE_NEWNS).doing("make a namespace for mounts")?;
        Some(Stage::build(policy)?)
    } else {
        None
    };
    let (hears, says) = pipe2(nix::fcntl::OFlag::O_CLOEXEC).doing("make a pipe")?;
    let Some(first) = fork()? else {
        drop(says);
        let Err(failure) = within(policy, control, staged, File::from(hears));
        control.say("failed", &failure.to_string());
        std::process::exit(125)
    };
    drop(hears);
    let (proc, user, group) =
        if root { ("/old/proc", policy.user, policy.user) } else { ("/proc", geteuid().as_raw(), getegid().as_raw()) };
    let mut says = File::from(says);
    if let Err(failure) = map_user(Path::new(proc), first, user, group).and_then(|()| says.write_all(b"g").doing("start the build")) {
        // It waits for that byte and has done nothing.
        kill(first, Signal::SIGKILL).doing("end what was started")?;
        wait(first)?;
        return Err(failure);
    }
    // The pipe stays open for as long as this process lives: its end is one more sign for the other
    // to end.
    wait(first)
}

fn wait(process: Pid) -> Result<(), Failure> {
    loop {
        match waitpid(process, None) {
            Err(nix::errno::Errno::EINTR) => {}
            other => return other.doing("wait for the build").map(drop),
        }
    }
}

/// The first process of the namespaces.
fn within(policy: &Policy, control: &Control, staged: Option<Stage>, mut lifeline: File) -> Result<Infallible, Failure> {
    prctl::set_pdeathsig(Signal::SIGKILL).doing("end with the process outside")?;
    let mut go = [0];
    lifeline.read_exact(&mut go).doing("wait for the process outside")?;
    let staged = match staged {
        Some(staged) => {
            become_user(INSIDE)?;
            prctl::set_pdeathsig(Signal::SIGKILL).doing("end with the process outside")?;
            staged
        }
        None => Stage::build(policy)?,
    };
    staged.assemble(policy)?;
    loopback()?;
    finish(policy, control, Some(lifeline), Keep::Looking)
}

/// What is left to do once the root and the network are there, whoever made them.
pub fn finish(policy: &Policy, control: &Control, lifeline: Option<File>, keep: Keep) -> Result<Infallible, Failure> {
    let listener = listener(policy.port)?;
    let signals = signals()?;
    let folders = policy.writable(|mount| mount.inside.clone());
    let mut writable = folders.clone();
    writable.extend(["/tmp", "/dev"].map(Into::into));
    let started = start(policy, &Fence::Namespaces(writable))?;
    give_up(keep)?;
    control.ready(listener.as_ref().map(AsFd::as_fd))?;
    drop(listener);
    let lifeline = lifeline.map(Into::into);
    let watch = Watch { control, lifeline, signals, limits: policy.limits, reach: Reach::Namespace };
    watch.until_the_end(started.pid, None, folders);
    std::process::exit(0)
}
