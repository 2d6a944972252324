//! No sandbox: the command runs as the user, with an environment of its own. Only by `--isolation
//! none`.
//!
//! Its time and its output are limited and its process group is ended; memory, processes and disk
//! are not watched, and a process that leaves the group lives on.

use std::net::TcpListener;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{io, thread};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use store::Temporary;

use super::error::SandboxError;
use super::gate::Gate;
use super::ground;
use super::job::Job;
use super::log::Reader;
use super::running::{Ended, Stopped};
use super::tier::Tier;

const TICK: Duration = Duration::from_millis(10);

/// A command without a sandbox.
#[derive(Debug)]
pub(super) struct Bare {
    child: Child,
    listener: Option<TcpListener>,
    log: Option<Reader>,
    limit: Duration,
    begun: Instant,
    over: bool,
    _tmp: Temporary,
}

/// Starts it.
pub(super) fn spawn(job: &Job, gate: Gate) -> Result<Bare, SandboxError> {
    let doing = "start the build";
    let tmp = ground::temporary(Tier::None)?;
    let (reads, writes) = io::pipe().map_err(SandboxError::io(doing))?;
    let also = writes.try_clone().map_err(SandboxError::io(doing))?;
    let (program, arguments) = job.argv.split_first().ok_or(SandboxError::BadCommand { what: "there is none" })?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(job.env.iter().map(|(name, value)| (name, value)));
    for name in ["TMPDIR", "TMP", "TEMP"] {
        command.env(name, tmp.path());
    }
    command.env("GIT_CONFIG_NOSYSTEM", "1");
    command.current_dir(&job.cwd).stdin(Stdio::null()).stdout(writes).stderr(also).process_group(0);
    let child = command.spawn().map_err(|error| SandboxError::Setup { why: format!("cannot run {program}: {error}") })?;
    drop(command);
    Ok(Bare {
        child,
        listener: gate.listener.filter(|_| job.network),
        log: Some(Reader::start(reads, job.limits.log)?),
        limit: job.limits.time,
        begun: Instant::now(),
        over: false,
        _tmp: tmp,
    })
}

impl Bare {
    pub(super) fn listener(&mut self) -> Option<TcpListener> {
        self.listener.take()
    }

    pub(super) fn wait(mut self, cancelled: &AtomicBool) -> Result<Ended, SandboxError> {
        let pid = self.pid().ok_or(SandboxError::Lost)?;
        let mut pause = Duration::from_micros(100);
        let stopped = loop {
            // Not reaped yet: until the group is ended, its number must not become another's.
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
            if waitid(WaitId::Pid(pid), options).map_err(SandboxError::io("wait for the build"))?.is_some() {
                break None;
            }
            if cancelled.load(Ordering::Acquire) {
                break Some(Stopped::Cancelled);
            }
            if self.begun.elapsed() >= self.limit {
                break Some(Stopped::Time);
            }
            if self.log.as_ref().is_some_and(Reader::flooded) {
                break Some(Stopped::Log);
            }
            thread::sleep(pause);
            pause = (pause * 2).min(TICK);
        };
        let time = self.begun.elapsed();
        let status = self.end().map_err(SandboxError::io("wait for the build"))?;
        let log = self.log.take().map(Reader::finish).unwrap_or_default();
        let by_itself = stopped.is_none();
        Ok(Ended {
            exit: status.code().filter(|_| by_itself),
            signal: status.signal().filter(|_| by_itself),
            stopped,
            refused: false,
            time,
            log,
        })
    }

    fn pid(&self) -> Option<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
    }

    fn end(&mut self) -> io::Result<std::process::ExitStatus> {
        if let Some(group) = self.pid().filter(|_| !self.over) {
            // The group may be empty already.
            let _ = kill_process_group(group, Signal::KILL);
        }
        self.over = true;
        self.child.wait()
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        if !self.over {
            // There is nobody to tell.
            let _ = self.end();
        }
    }
}
