//! The ways in which there is nothing to audit.

use std::io;
use std::path::PathBuf;

use npm_lockfile::LockfileError;
use verdict::diagnostic::{Diagnostic, Stage};

/// No lockfile, or one that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The folder has no lockfile.
    #[error("{} has no lockfile", .0.display())]
    Missing(PathBuf),
    /// The package manager keeps its lockfile in a form that is not read.
    #[error("{} is in a binary form that is not read", .0.display())]
    Binary(PathBuf),
    /// The file cannot be read.
    #[error("{} cannot be read: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The lockfile as it was cannot be read.
    #[error("the lockfile at {revision} cannot be read: {reason}")]
    Since {
        /// The commit, as the user names it.
        revision: String,
        /// Why.
        reason: String,
    },
    /// The file of exceptions is none.
    #[error("{} is invalid: {reason}", path.display())]
    Exceptions {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file of exceptions cannot be written.
    #[error("{} cannot be written: {error}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file is no lockfile.
    #[error(transparent)]
    Lockfile(#[from] LockfileError),
}

impl Diagnostic for AuditError {
    fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "lockfile-missing",
            Self::Binary(_) => "lockfile-binary",
            Self::Unreadable { .. } => "lockfile-unreadable",
            Self::Since { .. } => "since-unreadable",
            Self::Exceptions { .. } => "exceptions-invalid",
            Self::Unwritable { .. } => "exceptions-unwritable",
            Self::Lockfile(error) => error.code(),
        }
    }

    fn stage(&self) -> Stage {
        Stage::Usage
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Missing(_) => Some("name the lockfile or the SBOM, or read node_modules with --tree".into()),
            Self::Binary(_) => Some("bun install --save-text-lockfile --lockfile-only writes bun.lock".into()),
            Self::Since { .. } => Some("--since takes a full commit id, or a local branch or tag, each also followed by ~1".into()),
            Self::Unreadable { .. } => Some("name a lockfile, an SBOM or the folder of a project".into()),
            Self::Exceptions { .. } => {
                Some("each exception has package, reason and until (for example 2027-01-31), and may have a code".into())
            }
            Self::Unwritable { .. } => Some("edit the existing list by hand, or remove it to start again".into()),
            Self::Lockfile(error) => error.hint(),
        }
    }
}
