//! One command: what it sees, what it is told, and what it may use up.

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use super::error::SandboxError;
use super::machine;
use super::tier::Tier;

/// A folder or file of the host that the build sees.
#[derive(Debug, Clone)]
pub struct Mount {
    /// Where it is. The last component may not be a link.
    pub host: PathBuf,
    /// Where the build sees it; what [`super::Sandbox::inside`] gives.
    pub inside: String,
    /// Whether the build may change it.
    pub writable: bool,
}

/// What a command may use up. All processes that it starts count with it.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How long it may take.
    pub time: Duration,
    /// Bytes of memory.
    pub memory: u64,
    /// Processes and threads.
    pub processes: u64,
    /// Bytes that the writable mounts may grow to, together.
    pub disk: u64,
    /// Bytes of one file.
    pub file: u64,
    /// For how long all of its processes together may do nothing but wait; `None` for any time. Not
    /// watched without a sandbox.
    pub idle: Option<Duration>,
    /// Bytes of output that are kept; the command is ended when it has printed 64 times as many.
    pub log: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(10 * 60),
            memory: machine::memory(),
            processes: 4096,
            disk: 8 << 30,
            file: 2 << 30,
            idle: None,
            log: 1 << 20,
        }
    }
}

/// One command to run.
#[derive(Debug, Clone, Default)]
pub struct Job {
    /// What it sees of the host beside the system's tools.
    pub mounts: Vec<Mount>,
    /// Where it starts, as the build sees it.
    pub cwd: String,
    /// The command and its arguments. A name without a slash is looked up in the PATH of `env`.
    pub argv: Vec<String>,
    /// Its environment, whole: nothing is inherited. Tiers without mounts set TMPDIR to a fresh
    /// folder, and git is told to leave /etc alone.
    pub env: Vec<(String, String)>,
    /// What it may use up.
    pub limits: Limits,
    /// Whether the gate is open to it.
    pub network: bool,
}

impl Job {
    /// What no tier could pass on, or would be a way out.
    pub(super) fn check(&self, tier: Tier) -> Result<(), SandboxError> {
        let words = self.argv.iter().chain(self.env.iter().flat_map(|(name, value)| [name, value])).chain([&self.cwd]);
        if words.into_iter().any(|word| word.contains('\0')) {
            return Err(SandboxError::BadCommand { what: "it has a NUL byte" });
        }
        if self.argv.first().is_none_or(String::is_empty) {
            return Err(SandboxError::BadCommand { what: "there is none" });
        }
        if self.env.iter().any(|(name, _)| name.is_empty() || name.contains('=')) {
            return Err(SandboxError::BadCommand { what: "a variable's name is empty or has =" });
        }
        for (at, mount) in self.mounts.iter().enumerate() {
            let bad = |why| Err(SandboxError::BadMount { host: mount.host.clone(), why });
            let inside = Path::new(&mount.inside);
            if !plain(&mount.host) || !plain(inside) || mount.inside.contains('\0') {
                return bad("paths must be absolute and have no . or ..");
            }
            match fs::symlink_metadata(&mount.host) {
                // A build may have put it where a folder was, for the next build to follow.
                Ok(found) if found.is_symlink() => return bad("it is a symbolic link"),
                Ok(_) => {}
                Err(_) => return bad("it is not there"),
            }
            if tier.has_mounts() && self.mounts.iter().enumerate().any(|(other, outer)| other != at && inside.starts_with(&outer.inside)) {
                return bad("another mount is around it");
            }
            // A link on the way could be the work of an earlier build in the outer folder.
            if self.mounts.iter().any(|outer| outer.writable && mount.host != outer.host && mount.host.starts_with(&outer.host)) {
                return bad("it is in a folder that the build may change");
            }
        }
        Ok(())
    }
}

fn plain(path: &Path) -> bool {
    path.is_absolute() && path.components().all(|part| matches!(part, Component::RootDir | Component::Prefix(_) | Component::Normal(_)))
}
