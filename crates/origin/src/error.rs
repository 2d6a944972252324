//! Why no commit could be found, with codes and hints.

use git::GitError;
use verdict::Evidence;
use verdict::diagnostic::{Diagnostic, Stage};

use super::bots;

/// Why no commit could be found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocateError {
    /// No tag, gitHead or commit of the repository matches this version.
    #[error("no commit in {repository} matches {name}@{version}")]
    NoCommit {
        /// The repository.
        repository: String,
        /// The package.
        name: String,
        /// The version.
        version: String,
        /// What was looked at.
        evidence: Vec<Evidence>,
    },
    /// The user named a tag, branch or commit that is not there.
    #[error("there is no tag, branch or commit {wanted:?} in {repository}")]
    NotThere {
        /// The repository.
        repository: String,
        /// What the user named.
        wanted: String,
        /// The tags and branches that are most like it.
        nearest: Vec<String>,
    },
    /// The user named the first digits of several commits.
    #[error("{wanted:?} is the start of several commits of {repository}: {}", several.join(", "))]
    Ambiguous {
        /// The repository.
        repository: String,
        /// What the user named.
        wanted: String,
        /// The first of them.
        several: Vec<String>,
    },
    /// Only commits were named that no branch or tag of the repository reaches.
    #[error("the commit {commit} is not on any branch or tag of {repository}")]
    Unreachable {
        /// The commit.
        commit: String,
        /// The repository.
        repository: String,
        /// What was looked at.
        evidence: Vec<Evidence>,
    },
    /// The repository has the commit, but no package of this name.
    #[error("{repository} has no package.json that names {name}, and none of the published files")]
    NotInRepository {
        /// The repository.
        repository: String,
        /// The package.
        name: String,
        /// What was looked at.
        evidence: Vec<Evidence>,
    },
    /// Deno packed it, which compiles it.
    #[error("`deno pack` compiled and packed it with {file}, and this program does not run Deno")]
    PackedByDeno {
        /// The configuration.
        file: String,
        /// What was looked at.
        evidence: Vec<Evidence>,
    },
    /// The repository has no branch and no tag.
    #[error("the repository {repository} is empty")]
    Empty {
        /// The repository.
        repository: String,
    },
    /// Getting objects failed.
    #[error(transparent)]
    Git(#[from] GitError),
}

impl LocateError {
    /// What had been looked at when it failed.
    pub fn evidence(&self) -> &[Evidence] {
        match self {
            Self::NoCommit { evidence, .. }
            | Self::Unreachable { evidence, .. }
            | Self::NotInRepository { evidence, .. }
            | Self::PackedByDeno { evidence, .. } => evidence,
            Self::NotThere { .. } | Self::Ambiguous { .. } | Self::Empty { .. } | Self::Git(_) => &[],
        }
    }
}

impl Diagnostic for LocateError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoCommit { .. } => "commit-not-found",
            Self::NotThere { .. } => "reference-not-found",
            Self::Ambiguous { .. } => "reference-ambiguous",
            Self::Unreachable { .. } => "commit-unreachable",
            Self::NotInRepository { .. } => "package-not-in-repository",
            Self::PackedByDeno { .. } => "packed-by-deno",
            Self::Empty { .. } => "repository-empty",
            Self::Git(error) => error.code(),
        }
    }

    fn stage(&self) -> Stage {
        match self {
            Self::Git(error) => error.stage(),
            _ => Stage::Locate,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoCommit { evidence, .. } => Some(bots::hint(evidence).into()),
            Self::NotThere { nearest, .. } if nearest.is_empty() => {
                Some("name a tag, a branch or a commit that exists; without #… the commit is searched for".into())
            }
            Self::NotThere { nearest, .. } => Some(format!("there are: {}", nearest.join(", "))),
            Self::Ambiguous { .. } => Some("name more digits".into()),
            Self::Unreachable { .. } => {
                Some("a commit of a fork or a pull request is not the repository's own; the publisher can push a tag for it".into())
            }
            Self::NotInRepository { .. } | Self::Empty { .. } => {
                Some("the package may declare the wrong repository; --source names another one".into())
            }
            Self::PackedByDeno { .. } => {
                Some("check out the commit and run `deno pack` of the publisher's version: it writes the same bytes".into())
            }
            Self::Git(error) => error.hint(),
        }
    }
}
