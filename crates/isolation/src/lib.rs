//! Where strangers' code runs. A command and the folders that it may see come in; how it ended and
//! what it printed come out.
//!
//! ```text
//!  addon ── policy, socket, pipe ──▶ reproduce-sandbox ──▶ first process: watches ──▶ the command
//!    ▲                                                          │
//!    └───────── the listener that leads out, how it ended ──────┘
//! ```
//!
//! The work is done by a program of its own (`sandbox-helper/`), since a process with threads
//! cannot give up namespaces. It gets its orders on a socket; when that closes, for whatever
//! reason, everything that it started ends. Nothing lives on between two commands but the folders
//! that were mounted.
//!
//! There are tiers, strongest first. [`Sandbox::open`] tries each by really running a command in
//! it:
//!
//! | tier | files | network | processes |
//! | --- | --- | --- | --- |
//! | `namespaces` | a root of its own: the system's tools read-only, the mounts | its own; one listener leads to the proxy | its own |
//! | `bwrap` | the same, made by bubblewrap | the same | the same |
//! | `landlock` | the host's paths; reads and writes only where allowed | TCP to the proxy's address alone; servers with a path alone | the host's can be seen in part, not touched |
//! | `none` | the user's | the user's | the user's; its process group is ended |
//!
//! In the first two the build's user is an unprivileged one on the host too, also when root runs
//! this; in `landlock` likewise. `/usr/local` is hidden: what a machine's owner has put there
//! differs everywhere. `none` runs as the user who runs this, with an environment and a temporary
//! folder of its own and nothing more; it is taken only when asked for by name. There is no tier
//! for macOS and Windows yet: on macOS there is `none`, on Windows nothing.
//!
//! Not held, in any tier: the time of the processor, timing between processes, kernel memory that
//! belongs to no process (socket buffers, a few hundred MiB of pipes), and holes in the kernel
//! itself.

#[cfg(unix)]
mod bare;
mod error;
mod gate;
mod give;
mod ground;
#[cfg(target_os = "linux")]
mod helper;
mod job;
mod log;
mod machine;
mod modes;
mod running;
#[cfg(target_os = "linux")]
mod supervised;
#[cfg(test)]
mod tests;
mod tier;

use std::path::{Path, PathBuf};

pub use error::SandboxError;
pub use gate::Gate;
pub use ground::Ground;
pub use job::{Job, Limits, Mount};
pub use log::Log;
pub use machine::has as memory;
pub use running::{Ended, Running, Stopped};
pub use tier::{Isolation, Tier};

/// The host's user that builds run as when root runs this. Within what every container maps, and
/// nobody's: not `nobody`, whose processes and files some daemons share.
pub const BUILD_USER: u32 = 65533;

/// A tier that works on this machine.
#[derive(Debug, Clone)]
pub struct Sandbox {
    tier: Tier,
    helper: PathBuf,
    reasons: Vec<(Tier, String)>,
}

impl Sandbox {
    /// Finds the strongest tier that works, or makes sure of the one that is asked for.
    ///
    /// `helper` is the helper program, or the folder that it is in (where the addon is).
    pub fn open(isolation: Isolation, helper: Option<&Path>) -> Result<Self, SandboxError> {
        if isolation == Isolation::Only(Tier::None) {
            return if cfg!(unix) {
                Ok(Self { tier: Tier::None, helper: PathBuf::new(), reasons: Vec::new() })
            } else {
                Err(SandboxError::Unsupported)
            };
        }
        Self::open_with_helper(isolation, helper)
    }

    #[cfg(target_os = "linux")]
    fn open_with_helper(isolation: Isolation, helper: Option<&Path>) -> Result<Self, SandboxError> {
        let helper = helper::find(helper)?;
        let candidates = match isolation {
            Isolation::Auto => vec![Tier::Namespaces, Tier::Bwrap, Tier::Landlock],
            Isolation::Only(tier) => vec![tier],
        };
        let mut reasons = Vec::new();
        for tier in candidates {
            let sandbox = Self { tier, helper: helper.clone(), reasons: reasons.clone() };
            match sandbox.probe() {
                Ok(()) => return Ok(sandbox),
                Err(error) => reasons.push((tier, error.to_string())),
            }
        }
        Err(SandboxError::Unavailable { reasons })
    }

    #[cfg(not(target_os = "linux"))]
    fn open_with_helper(_: Isolation, _: Option<&Path>) -> Result<Self, SandboxError> {
        Err(SandboxError::Unsupported)
    }

    /// Runs `true`. What a kernel's settings promise is not asked: only what works counts.
    #[cfg(target_os = "linux")]
    fn probe(&self) -> Result<(), SandboxError> {
        let job = Job {
            argv: vec!["true".to_owned()],
            env: vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())],
            cwd: "/".to_owned(),
            limits: Limits { time: std::time::Duration::from_secs(10), ..Limits::default() },
            ..Job::default()
        };
        let ended = self.spawn(&job, self.gate()?)?.wait(&std::sync::atomic::AtomicBool::new(false))?;
        if ended.exit == Some(0) { Ok(()) } else { Err(SandboxError::Setup { why: format!("`true` ended with {ended}") }) }
    }

    /// The tier that commands run in.
    pub fn tier(&self) -> Tier {
        self.tier
    }

    /// Why stronger tiers do not work here, strongest first.
    pub fn reasons(&self) -> &[(Tier, String)] {
        &self.reasons
    }

    /// Makes a folder and all in it the build's, where the build runs as another user than this
    /// process. Links are not followed.
    pub fn give(&self, folder: &Path) -> Result<(), SandboxError> {
        if self.tier == Tier::None { Ok(()) } else { give::give(folder) }
    }

    /// The path by which the build sees what is mounted: `wanted` where the tier has mounts, else
    /// the host's.
    pub fn inside(&self, host: &Path, wanted: &str) -> String {
        if self.tier.has_mounts() { wanted.to_owned() } else { host.to_string_lossy().into_owned() }
    }

    /// The way out for one command: the address is known before it starts, since its environment
    /// names it.
    pub fn gate(&self) -> Result<Gate, SandboxError> {
        Gate::open(self.tier)
    }

    /// The user of this machine that a build's connections to its [`Gate`] are of, where others can
    /// connect to it as well. `None` where the gate is in a network of the build's own.
    #[cfg(unix)]
    pub fn caller(&self) -> Option<u32> {
        let me = rustix::process::geteuid();
        match self.tier {
            Tier::Namespaces | Tier::Bwrap => None,
            Tier::Landlock if me.is_root() => Some(BUILD_USER),
            Tier::Landlock | Tier::None => Some(me.as_raw()),
        }
    }

    /// There is no tier here.
    #[cfg(not(unix))]
    pub fn caller(&self) -> Option<u32> {
        None
    }

    /// Starts a command. It runs until [`Running::wait`] returns, or the [`Running`] is dropped.
    pub fn spawn(&self, job: &Job, gate: Gate) -> Result<Running, SandboxError> {
        job.check(self.tier)?;
        match self.tier {
            #[cfg(target_os = "linux")]
            Tier::Namespaces | Tier::Bwrap | Tier::Landlock => {
                supervised::spawn(self.tier, &self.helper, job, gate).map(Running::supervised)
            }
            #[cfg(unix)]
            Tier::None => bare::spawn(job, gate).map(Running::bare),
            #[cfg(not(target_os = "linux"))]
            _ => Err(SandboxError::Unsupported),
        }
    }
}
