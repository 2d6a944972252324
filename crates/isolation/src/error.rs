//! Why a command could not be run in a sandbox. None of these says anything about a package.

use std::io;
use std::path::PathBuf;

use verdict::diagnostic::{Diagnostic, Stage};

use super::tier::Tier;

/// Why there is no sandbox, or why a command did not start in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// `--isolation` has a value that is none.
    #[error("there is no isolation named {given:?}")]
    UnknownIsolation {
        /// The value.
        given: String,
    },
    /// There is no sandbox for this platform.
    #[error("there is no sandbox for {} yet", std::env::consts::OS)]
    Unsupported,
    /// The helper program is not where it should be.
    #[error("the sandbox's program is missing: {}", .looked.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", "))]
    HelperMissing {
        /// Where it was looked for.
        looked: Vec<PathBuf>,
    },
    /// No tier works on this machine.
    #[error("no sandbox works here: {}", .reasons.iter().map(|(tier, why)| format!("{tier}: {why}")).collect::<Vec<_>>().join("; "))]
    Unavailable {
        /// Why each does not, strongest first.
        reasons: Vec<(Tier, String)>,
    },
    /// A folder cannot be shown to the build as it was asked.
    #[error("{} cannot be shown to a build: {why}", .host.display())]
    BadMount {
        /// The folder.
        host: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A command, an argument or a variable has a NUL byte, or there is no command.
    #[error("a build's command or environment cannot be passed on: {what}")]
    BadCommand {
        /// What is wrong.
        what: &'static str,
    },
    /// A folder cannot be made the build's.
    #[error("{} cannot be given to the user that builds run as: {source}", .path.display())]
    Give {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// No folder of this machine will do for a build.
    #[error("there is no folder that a build can work in: {reasons}")]
    NoPlace {
        /// Why not, for each that was tried.
        reasons: String,
    },
    /// The sandbox could not be made, or the command is not there.
    #[error("{why}")]
    Setup {
        /// What could not be done, and why.
        why: String,
    },
    /// The sandbox ended without saying how the command did.
    #[error("the sandbox ended without an answer")]
    Lost,
    /// Any other failure of the system.
    #[error("cannot {doing}: {source}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the system says.
        source: io::Error,
    },
}

impl SandboxError {
    /// `map_err` for the failure of a system call.
    pub(super) fn io<E: Into<io::Error>>(doing: &'static str) -> impl Fn(E) -> Self {
        move |source| Self::Io { doing, source: source.into() }
    }
}

impl Diagnostic for SandboxError {
    fn code(&self) -> &'static str {
        match self {
            Self::UnknownIsolation { .. } => "isolation-unknown",
            Self::Unsupported => "sandbox-unsupported",
            Self::HelperMissing { .. } => "sandbox-helper-missing",
            Self::Unavailable { .. } => "sandbox-unavailable",
            Self::BadMount { .. } => "sandbox-mount",
            Self::BadCommand { .. } => "sandbox-command",
            Self::Give { .. } => "sandbox-give",
            Self::NoPlace { .. } => "sandbox-no-place",
            Self::Setup { .. } => "sandbox-setup",
            Self::Lost => "sandbox-lost",
            Self::Io { .. } => "sandbox-io",
        }
    }

    fn stage(&self) -> Stage {
        match self {
            Self::UnknownIsolation { .. } => Stage::Usage,
            _ => Stage::Build,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::UnknownIsolation { .. } => "use auto, namespaces, bwrap, landlock or none".to_owned(),
            Self::Unsupported => {
                "run it on Linux (WSL 2 or a container works), or pass --isolation none if you would run the build by hand".to_owned()
            }
            Self::HelperMissing { .. } => "install again, or run `npm run build` in a checkout; REPRODUCE_SANDBOX names another place".to_owned(),
            Self::Unavailable { .. } => {
                "allow unprivileged user namespaces, or install bubblewrap, or use Linux 6.12 or later; --isolation none runs builds without a sandbox"
                    .to_owned()
            }
            Self::Give { .. } => "name a folder on another file system with --cache-dir".to_owned(),
            Self::NoPlace { .. } => {
                "set TMPDIR to a folder that every user may enter and where programs may run; in a container, --tmpfs /tmp:exec makes one"
                    .to_owned()
            }
            Self::Lost => "check the system's out-of-memory killer, then run it again".to_owned(),
            Self::BadMount { .. } | Self::BadCommand { .. } | Self::Setup { .. } | Self::Io { .. } => return None,
        })
    }
}
