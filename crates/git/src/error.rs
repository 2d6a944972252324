//! What can go wrong between this program and a git host.

use http::HttpError;
use verdict::diagnostic::{Diagnostic, Stage};

/// A failure to get something from a repository.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// The host answered that there is no such repository, or hides it from us (404, 410, or 401
    /// and 403 without credentials).
    #[error("the repository {url} does not exist or is not public (HTTP {status})")]
    NotFound {
        /// The address asked.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The exchange with the host failed before an answer was understood.
    #[error("cannot reach the repository {url}: {source}")]
    Unreachable {
        /// The address asked.
        url: String,
        /// What the network said.
        source: HttpError,
    },
    /// The host answers, but not with git's smart protocol.
    #[error("{url} is not a git repository: {detail}")]
    NotGit {
        /// The address asked.
        url: String,
        /// What the answer looked like.
        detail: String,
    },
    /// The repository does not have (or does not give out) an object that was asked for by its id.
    #[error("the repository {url} has no object {id}")]
    ObjectMissing {
        /// The address asked.
        url: String,
        /// The object's id.
        id: String,
    },
    /// The host broke the protocol, or sent a pack that does not check out.
    #[error("the answer of {url} could not be used: {detail}")]
    Protocol {
        /// The address asked.
        url: String,
        /// What was wrong.
        detail: String,
    },
    /// More was sent than this program takes.
    #[error("the answer of {url} is larger than {limit} bytes")]
    TooLarge {
        /// The address asked.
        url: String,
        /// The limit, in bytes.
        limit: u64,
    },
    /// The address of the repository is not one that may be asked.
    #[error("{url} is not an address this program connects to: {why}")]
    AddressRefused {
        /// The address.
        url: String,
        /// The rule that it breaks.
        why: String,
    },
    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The object cache on disk could not be read or written.
    #[error("the object cache {path} cannot be used: {detail}")]
    Cache {
        /// The folder.
        path: String,
        /// What the system said.
        detail: String,
    },
    /// An object that the host sent is whole, and still is not one that git accepts: it does not
    /// parse, is of another kind than what leads to it says, or is a tree that git refuses to check
    /// out. No other copy of it can be better.
    #[error("object {id} of the repository is malformed: {detail}")]
    Malformed {
        /// The object's id.
        id: String,
        /// The rule that it breaks.
        detail: String,
    },
    /// The repository has more of something than this program looks at.
    #[error("the repository has more than {limit} {what}")]
    OverLimit {
        /// What there is too much of, in the plural.
        what: &'static str,
        /// How many are looked at.
        limit: usize,
    },
    /// An object in the cache cannot be read.
    #[error("object {id} is damaged: {detail}")]
    Damaged {
        /// The object's id.
        id: String,
        /// What was wrong.
        detail: String,
    },
    /// What the user named as the source cannot be read.
    #[error("the source {path} cannot be read: {detail}")]
    Source {
        /// The file or folder.
        path: String,
        /// What the system said, or what is wrong with it.
        detail: String,
    },
    /// The user's git configuration cannot be read.
    #[error("git's configuration cannot be read: {0}")]
    Config(String),
}

const ADDRESS_REFUSED: &str = "repository-address-refused";

impl Diagnostic for GitError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "repository-not-found",
            Self::Unreachable { source, .. } => match source.code() {
                "private-address-refused" | "insecure-address-refused" | "address-refused" => ADDRESS_REFUSED,
                "redirect-cycle" | "too-many-redirects" => "repository-redirects",
                _ => "repository-unreachable",
            },
            Self::NotGit { .. } => "repository-not-git",
            Self::AddressRefused { .. } => ADDRESS_REFUSED,
            Self::ObjectMissing { .. } => "commit-not-found",
            Self::Protocol { .. } => "repository-protocol",
            Self::TooLarge { .. } | Self::OverLimit { .. } => "repository-too-large",
            Self::Malformed { .. } => "repository-malformed",
            Self::Cancelled => "cancelled",
            Self::Cache { .. } => "cache-unusable",
            Self::Damaged { .. } => "object-damaged",
            Self::Source { .. } => "source-unreadable",
            Self::Config(_) => "git-config-unreadable",
        }
    }

    fn stage(&self) -> Stage {
        match self {
            Self::Cache { .. } | Self::Damaged { .. } => Stage::Cache,
            Self::Config(_) | Self::Source { .. } => Stage::Usage,
            _ => Stage::Fetch,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotFound { .. } => {
                "the package declares a repository that was removed, renamed or is private; --source names another one, and `reproduce help configuration` says how a private host is asked".into()
            }
            Self::Unreachable { source, .. } => {
                return source.hint().or_else(|| Some("the declared address leads nowhere; --source names another one".into()));
            }
            Self::NotGit { .. } => "--source names the git repository, if the package has one".into(),
            Self::Protocol { .. } => "try again; if it stays, the host may not support git's smart HTTP protocol".into(),
            Self::AddressRefused { .. } => {
                "if this host is yours, say so in git's configuration (url.<base>.insteadOf) or in REPRODUCE_ALLOW_HOSTS".into()
            }
            Self::ObjectMissing { .. } | Self::TooLarge { .. } | Self::OverLimit { .. } => {
                "if the source is elsewhere, --source names it".into()
            }
            Self::Malformed { .. } => "git itself refuses this (see `git fsck`); --source names a repository without it".into(),
            Self::Cancelled => return None,
            Self::Cache { path, .. } => format!("check the permissions and the free space of {path}, or name another folder with --cache-dir"),
            Self::Damaged { .. } => "remove the folder `git` of the cache (--cache-dir) and try again".into(),
            Self::Source { .. } => {
                "--source takes a repository's address, or a git repository, a folder or a tar archive on this machine".into()
            }
            Self::Config(_) => "correct the file that the message names".into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_object_is_the_hosts_fault_and_not_the_caches() {
        let error = GitError::Malformed { id: "1".repeat(40), detail: "two entries are named a".into() };
        assert_eq!((error.code(), error.stage()), ("repository-malformed", Stage::Fetch));
        assert!(!error.hint().unwrap().contains("cache"));
        let damaged = GitError::Damaged { id: "1".repeat(40), detail: "cut".into() };
        assert_eq!((damaged.code(), damaged.stage()), ("object-damaged", Stage::Cache));
    }

    #[test]
    fn more_than_is_looked_at_is_a_repository_that_is_too_large() {
        let error = GitError::OverLimit { what: "commits", limit: 3 };
        assert_eq!((error.code(), error.stage()), ("repository-too-large", Stage::Fetch));
        assert_eq!(error.to_string(), "the repository has more than 3 commits");
    }
}
