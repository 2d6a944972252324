//! Why a declared address cannot be used.

use verdict::diagnostic::{Diagnostic, Stage};

/// Why an address that a package declares is not one that this program reads.
///
/// The text in a variant comes from the package; `Display` prints it with every invisible character
/// escaped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// A scheme that is never fetched: `ftp:`, `javascript:`, git's `ext::` remote helpers, and all
    /// others that are not git's own.
    #[error("the repository has the scheme {scheme:?}, which is never fetched")]
    SchemeRefused {
        /// The scheme, lower case.
        scheme: String,
    },
    /// A path or `file:` address: it means something on the publisher's machine only.
    #[error("the repository {text:?} is a path on the publisher's machine")]
    LocalPath {
        /// What was declared.
        text: String,
    },
    /// The source is kept by another version control system.
    #[error("the repository is kept in {system}, not in git")]
    NotGit {
        /// The system's usual name, such as `Subversion`.
        system: &'static str,
    },
    /// ssh to a host that is not known to serve the same repository over https.
    #[error("the repository is reached only by ssh, on {host:?}")]
    SshRefused {
        /// The host.
        host: String,
    },
    /// A host on this machine or in a private network.
    #[error("the repository is on {host:?}, which is not a host of the public internet")]
    HostRefused {
        /// The host.
        host: String,
    },
    /// No repository can be made out: a page, a name, a typing error.
    #[error("{text:?} is not a repository")]
    Unreadable {
        /// What was declared.
        text: String,
    },
    /// Longer than any address in use (see [`MAX_TEXT`](super::MAX_TEXT)).
    #[error("the repository is {length} bytes long")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// Control or invisible formatting characters, or a backslash: readers disagree about such an
    /// address.
    #[error("the repository {text:?} has a character that no address has")]
    BadCharacter {
        /// What was declared.
        text: String,
    },
    /// A `directory` that leaves the repository, or that cannot be a path in it.
    #[error("the declared directory {directory:?} is not inside the repository")]
    DirectoryRefused {
        /// What was declared.
        directory: String,
    },
}

impl AddressError {
    /// Whether the package named no repository at all, so that its home page or issue tracker may
    /// name one instead.
    ///
    /// An address that is understood and refused is the package's own word, and nothing else speaks
    /// for it.
    pub fn names_nothing(&self) -> bool {
        matches!(self, Self::Unreadable { .. })
    }
}

impl Diagnostic for AddressError {
    fn code(&self) -> &'static str {
        match self {
            Self::SchemeRefused { .. } => "repository-scheme-refused",
            Self::LocalPath { .. } => "repository-local-path",
            Self::NotGit { .. } => "repository-not-git",
            Self::SshRefused { .. } => "repository-ssh-refused",
            Self::HostRefused { .. } => "repository-host-refused",
            Self::Unreadable { .. } => "repository-unreadable",
            Self::TooLong { .. } => "repository-too-long",
            Self::BadCharacter { .. } => "repository-bad-character",
            Self::DirectoryRefused { .. } => "repository-directory-refused",
        }
    }

    fn stage(&self) -> Stage {
        Stage::Locate
    }

    fn hint(&self) -> Option<String> {
        Some(
            match self {
                Self::SshRefused { .. } => "name its https address with --source, or map it to one with git's url.<base>.insteadOf",
                Self::HostRefused { .. } => {
                    "name the repository with --source, or map its address with git's url.<base>.insteadOf, if it is one that you trust"
                }
                Self::NotGit { .. } => "name a git mirror of it with --source, if there is one",
                Self::DirectoryRefused { .. } => "the whole repository is searched for the package instead",
                _ => "name the repository with --source, if you know it",
            }
            .to_owned(),
        )
    }
}

/// A stranger's text, short enough for a message.
pub(super) fn quoted(text: &str) -> String {
    const SHOWN: usize = 120;
    match text.char_indices().nth(SHOWN) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}
