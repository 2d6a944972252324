//! The ways in which a lockfile cannot be read.

use verdict::diagnostic::{Diagnostic, Stage};

use super::{MAX_ENTRIES, MAX_FILE};

/// A lockfile that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LockfileError {
    /// No format of this name is known.
    #[error("{name} is not a readable lockfile")]
    Unknown {
        /// File name.
        name: String,
    },
    /// Larger than is read.
    #[error("{name} is larger than {MAX_FILE} bytes, or has more than {MAX_ENTRIES} entries")]
    TooLarge {
        /// File name.
        name: String,
    },
    /// Not the format that its name says.
    #[error("{name} cannot be read: {reason}")]
    Malformed {
        /// File name.
        name: String,
        /// Where, and what kind of fault; never a quotation.
        reason: String,
    },
    /// A version of the format that is not known.
    #[error("{name} has an unknown version of its format")]
    Version {
        /// File name.
        name: String,
    },
    /// A workspace that the file does not have.
    #[error("the lockfile has no workspace of that name")]
    NoWorkspace,
    /// A format that does not say which packages a workspace installs.
    #[error("a lockfile of this format does not list the dependencies of a workspace")]
    WorkspacesUnknown,
}

impl Diagnostic for LockfileError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "lockfile-unknown",
            Self::TooLarge { .. } => "lockfile-too-large",
            Self::Malformed { .. } => "lockfile-malformed",
            Self::Version { .. } => "lockfile-version",
            Self::NoWorkspace => "lockfile-no-workspace",
            Self::WorkspacesUnknown => "lockfile-workspaces-unknown",
        }
    }

    fn stage(&self) -> Stage {
        Stage::Usage
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Unknown { .. } => {
                "supported are package-lock.json, npm-shrinkwrap.json, yarn.lock, pnpm-lock.yaml, bun.lock, deno.lock, CycloneDX and SPDX as JSON"
            }
            Self::TooLarge { .. } => "read the lockfiles of its parts one by one",
            Self::Malformed { .. } => "let the package manager write it again",
            Self::Version { .. } => "a later version of this program may know it",
            Self::NoWorkspace => "name a workspace by its name or by its folder, as the lockfile has it",
            Self::WorkspacesUnknown => "omit --workspace to check the whole file",
        };
        Some(hint.to_owned())
    }
}

/// What is wrong with a file, before its name is known.
#[derive(Debug)]
pub(crate) enum Fault {
    Malformed(String),
    Version,
    TooMuch,
    Unknown,
}

impl Fault {
    pub(crate) fn of(self, name: &str) -> LockfileError {
        let name = name.to_owned();
        match self {
            Self::Malformed(reason) => LockfileError::Malformed { name, reason },
            Self::Version => LockfileError::Version { name },
            Self::TooMuch => LockfileError::TooLarge { name },
            Self::Unknown => LockfileError::Unknown { name },
        }
    }
}
