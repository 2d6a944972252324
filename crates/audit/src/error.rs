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
            Self::Lockfile(error) => error.code(),
        }
    }

    fn stage(&self) -> Stage {
        Stage::Usage
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Missing(_) => Some("name the lockfile or the SBOM, or read what lies in node_modules with --tree".into()),
            Self::Binary(_) => Some("bun install --save-text-lockfile --lockfile-only writes bun.lock".into()),
            Self::Unreadable { .. } => None,
            Self::Lockfile(error) => error.hint(),
        }
    }
}
