//! A command under the helper: orders go out, a listener and the end come back.

use std::io::{self, BufRead, BufReader, Cursor, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::{Shutdown, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use store::Temporary;

use super::error::SandboxError;
use super::gate::Gate;
use super::job::{Job, Mount};
use super::log::Reader;
use super::running::{Ended, Stopped};
use super::tier::Tier;
use super::{BUILD_USER, give, ground};

/// Both sides agree on the words that follow.
const VERSION: &str = "reproduce-sandbox 2";
/// Making a sandbox takes 10 ms; mounts of a busy disk may take longer.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the end of all processes may take when it was asked for.
const GRACE: Duration = Duration::from_secs(10);
const TICK: Duration = Duration::from_millis(10);
/// The helper's words are short, but a path may be in them.
const LONGEST: usize = 16 << 10;

/// A command under the helper.
#[derive(Debug)]
pub(super) struct Supervised {
    helper: Child,
    control: UnixStream,
    /// What came with the first answer and belongs to the next.
    early: Vec<u8>,
    listener: Option<TcpListener>,
    log: Option<Reader>,
    limit: Duration,
    begun: Instant,
    /// The fresh temporary folder of tiers without mounts.
    _tmp: Option<Temporary>,
}

/// Starts it; returns when the command runs.
pub(super) fn spawn(tier: Tier, helper: &Path, job: &Job, gate: Gate) -> Result<Supervised, SandboxError> {
    let tmp = if tier.has_mounts() { None } else { Some(temporary(tier)?) };
    let job = &tmp.as_ref().map_or_else(|| job.clone(), |tmp| with_temporary(job, tmp.path()));
    let doing = "start the sandbox";
    let (ours, theirs) = UnixStream::pair().map_err(SandboxError::io(doing))?;
    let (reads, writes) = io::pipe().map_err(SandboxError::io(doing))?;
    let also = writes.try_clone().map_err(SandboxError::io(doing))?;
    let mut command = Command::new(helper);
    command.env_clear().current_dir("/").stdin(Stdio::from(OwnedFd::from(theirs))).stdout(writes).stderr(also);
    // An interrupt from the terminal is for us: we end the build, and then ourselves.
    command.process_group(0);
    let child = command.spawn().map_err(SandboxError::io(doing))?;
    // The command holds the other end of the pipe.
    drop(command);
    let mut running = Supervised {
        helper: child,
        control: ours,
        early: Vec::new(),
        listener: None,
        log: Some(Reader::start(reads, job.limits.log)?),
        limit: job.limits.time,
        begun: Instant::now(),
        _tmp: tmp,
    };
    let policy = policy(tier, job, &gate);
    let length = u32::try_from(policy.len()).map_err(|_| SandboxError::BadCommand { what: "it is too long" })?;
    let sent = running.control.write_all(&length.to_le_bytes()).and_then(|()| running.control.write_all(&policy));
    let answered = running.first_answer();
    // A helper that could not read them says why; that is the better answer.
    let handed = answered?;
    sent.map_err(SandboxError::io(doing))?;
    running.listener = if job.network { handed.map(TcpListener::from).or(gate.listener) } else { None };
    running.begun = Instant::now();
    Ok(running)
}

impl Supervised {
    pub(super) fn listener(&mut self) -> Option<TcpListener> {
        self.listener.take()
    }

    /// The helper's first word is that the command runs, or why it does not.
    fn first_answer(&mut self) -> Result<Option<OwnedFd>, SandboxError> {
        let doing = "read the sandbox's answer";
        self.control.set_read_timeout(Some(PATIENCE)).map_err(SandboxError::io(doing))?;
        let mut descriptor = None;
        let mut said = Vec::new();
        loop {
            if let Some(at) = said.iter().position(|&byte| byte == b'\n') {
                self.early = said.split_off(at + 1);
                self.control.set_read_timeout(None).map_err(SandboxError::io(doing))?;
                let line = String::from_utf8_lossy(&said);
                return match line.trim_end().split_once(' ').unwrap_or((line.trim_end(), "")) {
                    ("ready", _) => Ok(descriptor),
                    ("failed", why) => Err(SandboxError::Setup { why: why.to_owned() }),
                    _ => Err(SandboxError::Lost),
                };
            }
            let mut buffer = [0; 4096];
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut ancillary = RecvAncillaryBuffer::new(&mut space);
            let got = recvmsg(&self.control, &mut [IoSliceMut::new(&mut buffer)], &mut ancillary, RecvFlags::CMSG_CLOEXEC);
            let length = match got {
                Ok(got) => got.bytes,
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(SandboxError::io(doing)(error)),
            };
            for message in ancillary.drain() {
                if let RecvAncillaryMessage::ScmRights(mut descriptors) = message {
                    descriptor = descriptors.next().or(descriptor);
                }
            }
            if length == 0 || said.len() > LONGEST {
                // bubblewrap, or the loader, has said it where a build prints.
                return Err(self.last_words());
            }
            said.extend(buffer.get(..length).unwrap_or_default());
        }
    }

    fn last_words(&mut self) -> SandboxError {
        self.end();
        let log = self.log.take().map(Reader::finish).unwrap_or_default();
        let text = String::from_utf8_lossy(&log.text);
        match text.trim() {
            "" => SandboxError::Lost,
            text => SandboxError::Setup { why: text.to_owned() },
        }
    }

    pub(super) fn wait(mut self, cancelled: &AtomicBool) -> Result<Ended, SandboxError> {
        let words = self.words()?;
        let mut told = None;
        let mut stopped = None;
        let mut refused = false;
        loop {
            match words.recv_timeout(TICK) {
                Ok(Word::Refused) => refused = true,
                Ok(word) => told = told.or(Some(word)),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if stopped.is_none() && told.is_none() {
                stopped = if cancelled.load(Ordering::Acquire) {
                    Some(Stopped::Cancelled)
                } else if self.log.as_ref().is_some_and(Reader::flooded) {
                    Some(Stopped::Log)
                } else {
                    None
                };
                if stopped.is_some() {
                    self.hang_up();
                }
            }
            // The helper keeps the time itself; this is for one that hangs.
            if self.begun.elapsed() > self.limit.saturating_add(GRACE) {
                break;
            }
        }
        let time = self.begun.elapsed();
        self.end();
        let log = self.log.take().map(Reader::finish).unwrap_or_default();
        let ended = Ended { exit: None, signal: None, stopped, refused, time, log };
        if stopped.is_some() {
            return Ok(ended);
        }
        match told.ok_or(SandboxError::Lost)? {
            Word::Exit(code) => Ok(Ended { exit: Some(code), ..ended }),
            Word::Signal(signal) => Ok(Ended { signal: Some(signal), ..ended }),
            Word::Stopped(why) => Ok(Ended { stopped: Some(why), ..ended }),
            Word::Failed(why) => Err(SandboxError::Setup { why }),
            // Told apart above.
            Word::Refused => Err(SandboxError::Lost),
        }
    }

    /// Reads what the helper says on a thread, so that waiting for it can look at other things too.
    fn words(&mut self) -> Result<Receiver<Word>, SandboxError> {
        let doing = "read the sandbox's answer";
        let early = Cursor::new(std::mem::take(&mut self.early));
        let control = self.control.try_clone().map_err(SandboxError::io(doing))?;
        let (says, words) = channel();
        let read = move || {
            for line in BufReader::new(early.chain(control)).lines() {
                // The socket of a helper that was killed fails; that is its end.
                let Ok(line) = line else { return };
                if let Some(word) = Word::parse(&line) {
                    // Nobody listens any more when there has been a word already.
                    let _ = says.send(word);
                }
            }
        };
        thread::Builder::new().name("build-control".to_owned()).spawn(read).map_err(SandboxError::io(doing))?;
        Ok(words)
    }

    /// The helper ends everything when the socket closes.
    fn hang_up(&self) {
        // It fails only where the other side has closed it already.
        let _ = self.control.shutdown(Shutdown::Both);
    }

    fn end(&mut self) {
        self.hang_up();
        let begun = Instant::now();
        let mut pause = Duration::from_micros(100);
        while begun.elapsed() < GRACE {
            if let Ok(Some(_)) | Err(_) = self.helper.try_wait() {
                return;
            }
            thread::sleep(pause);
            pause = (pause * 2).min(TICK);
        }
        // Its end takes the namespaces, or the warden, with it.
        if self.helper.kill().is_ok() {
            let _ = self.helper.wait();
        }
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        self.end();
    }
}

#[derive(Debug)]
enum Word {
    Exit(i32),
    Signal(i32),
    Stopped(Stopped),
    Failed(String),
    /// Comes before the others.
    Refused,
}

impl Word {
    fn parse(line: &str) -> Option<Self> {
        let (word, argument) = line.split_once(' ')?;
        Some(match word {
            "exit" => Self::Exit(argument.parse().ok()?),
            "signal" => Self::Signal(argument.parse().ok()?),
            "failed" => Self::Failed(argument.to_owned()),
            "refused" => Self::Refused,
            "stopped" => Self::Stopped(match argument {
                "time" => Stopped::Time,
                "memory" => Stopped::Memory,
                "processes" => Stopped::Processes,
                "disk" => Stopped::Disk,
                "idle" => Stopped::Idle,
                _ => return None,
            }),
            _ => return None,
        })
    }
}

/// The orders, as `sandbox-helper/src/linux/policy.rs` reads them.
fn policy(tier: Tier, job: &Job, gate: &Gate) -> Vec<u8> {
    let mut words = Words(Vec::new());
    words.add([VERSION, "tier", tier.as_str(), "user", &BUILD_USER.to_string(), "cwd", &job.cwd]);
    for mount in &job.mounts {
        words.add(["mount", if mount.writable { "rw" } else { "ro" }]);
        words.0.extend_from_slice(mount.host.as_os_str().as_bytes());
        words.0.push(0);
        words.add([&mount.inside]);
    }
    for argument in &job.argv {
        words.add(["argument", argument]);
    }
    for (name, value) in &job.env {
        words.add(["variable", &format!("{name}={value}")]);
    }
    let limits = &job.limits;
    words.add(["limits", &limits.time.as_millis().min(u64::MAX.into()).to_string()]);
    for limit in [limits.memory, limits.processes, limits.disk, limits.file] {
        words.add([&limit.to_string()]);
    }
    words.add([&limits.idle.map_or(0, |idle| idle.as_millis().min(u64::MAX.into())).to_string()]);
    if job.network {
        words.add(["port", &gate.port.to_string()]);
    }
    words.add(["end"]);
    words.0
}

struct Words(Vec<u8>);

impl Words {
    fn add<const N: usize>(&mut self, words: [&str; N]) {
        self.0.extend(words.iter().flat_map(|word| word.bytes().chain([0])));
    }
}

fn temporary(tier: Tier) -> Result<Temporary, SandboxError> {
    let folder = ground::temporary(tier)?;
    give::give(folder.path())?;
    Ok(folder)
}

/// The job with what stands for the folders of its own that other tiers have.
fn with_temporary(job: &Job, folder: &Path) -> Job {
    let mut job = job.clone();
    let path = folder.to_string_lossy().into_owned();
    job.mounts.push(Mount { host: folder.to_owned(), inside: path.clone(), writable: true });
    job.env.retain(|(name, _)| !matches!(name.as_str(), "TMPDIR" | "TMP" | "TEMP"));
    job.env.extend(["TMPDIR", "TMP", "TEMP"].map(|name| (name.to_owned(), path.clone())));
    // The host's /etc is closed, and git stops where it may not read its file there.
    job.env.retain(|(name, _)| name != "GIT_CONFIG_NOSYSTEM");
    job.env.push(("GIT_CONFIG_NOSYSTEM".to_owned(), "1".to_owned()));
    job
}
