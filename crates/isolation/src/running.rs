//! A command that runs, and how it ended.

use std::fmt;
use std::net::TcpListener;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

#[cfg(unix)]
use super::bare::Bare;
use super::error::SandboxError;
use super::log::Log;
#[cfg(target_os = "linux")]
use super::supervised::Supervised;

/// Why a command was ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stopped {
    /// It took too long.
    Time,
    /// Its processes took too much memory.
    Memory,
    /// It had too many processes.
    Processes,
    /// It wrote too much, or the host's disk was nearly full.
    Disk,
    /// It printed without end.
    Log,
    /// No process of it did anything.
    Idle,
    /// The caller no longer wanted it.
    Cancelled,
}

impl Stopped {
    /// The limit, as it is called in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Memory => "memory",
            Self::Processes => "processes",
            Self::Disk => "disk",
            Self::Log => "output",
            Self::Idle => "idle",
            Self::Cancelled => "cancelled",
        }
    }
}

/// How a command ended. Nothing of it runs any more.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Its exit code, if it ended by itself.
    pub exit: Option<i32>,
    /// The signal that ended it, if it was none of ours.
    pub signal: Option<i32>,
    /// Why it was ended, if it was.
    pub stopped: Option<Stopped>,
    /// Whether it was refused anything that a stronger tier allows.
    pub refused: bool,
    /// How long it ran.
    pub time: Duration,
    /// What it printed.
    pub log: Log,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.stopped, self.exit, self.signal) {
            (Some(stopped), ..) => write!(f, "stopped: {}", stopped.as_str()),
            (_, Some(code), _) => write!(f, "exit {code}"),
            (_, _, Some(signal)) => write!(f, "signal {signal}"),
            _ => f.write_str("nothing known"),
        }
    }
}

/// A command that runs. Dropping it ends all its processes.
#[derive(Debug)]
pub struct Running(Kind);

#[derive(Debug)]
enum Kind {
    #[cfg(target_os = "linux")]
    Supervised(Supervised),
    #[cfg(unix)]
    Bare(Bare),
}

impl Running {
    #[cfg(target_os = "linux")]
    pub(super) fn supervised(supervised: Supervised) -> Self {
        Self(Kind::Supervised(supervised))
    }

    #[cfg(unix)]
    pub(super) fn bare(bare: Bare) -> Self {
        Self(Kind::Bare(bare))
    }

    /// What accepts the command's connections, for the proxy; given once. None where the job has no
    /// network.
    pub fn listener(&mut self) -> Option<TcpListener> {
        match &mut self.0 {
            #[cfg(target_os = "linux")]
            Kind::Supervised(supervised) => supervised.listener(),
            #[cfg(unix)]
            Kind::Bare(bare) => bare.listener(),
            #[cfg(not(unix))]
            _ => None,
        }
    }

    /// Waits until the command and all that it has started is gone. Blocks; `cancelled` is looked
    /// at every 10 ms.
    pub fn wait(self, cancelled: &AtomicBool) -> Result<Ended, SandboxError> {
        match self.0 {
            #[cfg(target_os = "linux")]
            Kind::Supervised(supervised) => supervised.wait(cancelled),
            #[cfg(unix)]
            Kind::Bare(bare) => bare.wait(cancelled),
        }
    }
}
