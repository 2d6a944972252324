//! Why a folder could not be looked at: failures of this machine or its user, and no word on the
//! package.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use rebuild::SourceError;
use verdict::diagnostic::{Diagnostic, Stage};

/// Why a folder could not be looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// There is no such folder.
    #[error("the folder {} cannot be read: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// There is no package.json, or it is no JSON object.
    #[error("there is no readable package.json in {}", path.display())]
    NoManifest {
        /// The folder.
        path: PathBuf,
    },
    /// The root says of no packages that they belong to it.
    #[error("{} is not a workspace: its package.json has no `workspaces`, and there is no pnpm-workspace.yaml or lerna.json", path.display())]
    NoWorkspace {
        /// The folder.
        path: PathBuf,
    },
    /// Every package of the workspace is private.
    #[error("the workspace in {} has no package that is published", path.display())]
    NoMembers {
        /// The folder.
        path: PathBuf,
    },
    /// The folder's repository is damaged, or in a form that is not known here.
    #[error("the git repository of the folder cannot be read: {0}")]
    Repository(String),
    /// The folder cannot be packed.
    #[error(transparent)]
    Pack(#[from] SourceError),
    /// The package manager that was to pack failed, as a publish would.
    #[error("{command} failed ({exit}): {output}")]
    Client {
        /// What was run.
        command: String,
        /// The exit code, or what ended it.
        exit: String,
        /// The end of what it printed.
        output: String,
    },
    /// The system failed.
    #[error("a temporary file cannot be written or read: {0}")]
    Io(#[from] io::Error),
    /// The package manager was still packing when the time was over.
    #[error("it took longer than {} s to pack the folder", .0.as_secs_f64())]
    TimedOut(Duration),
    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
}

impl Diagnostic for LocalError {
    fn code(&self) -> &'static str {
        match self {
            Self::Folder { .. } => "folder-unreadable",
            Self::NoManifest { .. } => "folder-without-package",
            Self::NoWorkspace { .. } => "folder-without-workspace",
            Self::NoMembers { .. } => "workspace-without-packages",
            Self::Repository(_) => "folder-repository-unreadable",
            Self::Pack(error) => error.code(),
            Self::Client { .. } => "local-pack-failed",
            Self::Io(_) => "temporary-file",
            Self::TimedOut(_) => "timed-out",
            Self::Cancelled => "cancelled",
        }
    }

    fn stage(&self) -> Stage {
        match self {
            Self::Folder { .. } | Self::NoManifest { .. } | Self::NoWorkspace { .. } | Self::NoMembers { .. } => Stage::Usage,
            Self::Repository(_) => Stage::Locate,
            _ => Stage::Pack,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Folder { .. } | Self::NoManifest { .. } => {
                Some("run it in the package's folder, or name the folder: reproduce --local <folder>".into())
            }
            Self::NoWorkspace { .. } => Some("run it at the root of the workspace, or without --workspaces for this package alone".into()),
            Self::NoMembers { .. } => Some("a package is published if it has a name and a version, and is not private".into()),
            Self::Repository(_) => Some("look at what `git status` says there".into()),
            Self::Client { .. } => Some("a publish would fail the same way: correct the package's scripts".into()),
            Self::Io(_) => Some("check the free space of the folder for temporary files".into()),
            Self::Pack(error) => error.hint(),
            Self::TimedOut(_) => Some("--timeout sets another limit; 0 switches it off".into()),
            Self::Cancelled => None,
        }
    }
}
