//! What can go wrong between a spec and its tarball.

use http::HttpError;
use verdict::diagnostic::{Diagnostic, Stage};

/// A package that could not be read from its registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// 404 for the name.
    #[error("{name} is not in the registry {registry}")]
    PackageNotFound {
        /// Package.
        name: String,
        /// Registry.
        registry: String,
    },
    /// The name was unpublished as a whole.
    #[error("{name} was unpublished")]
    PackageUnpublished {
        /// Package.
        name: String,
        /// When, as the registry says.
        time: Option<String>,
    },
    /// This version was there once.
    #[error("{name}@{version} was unpublished")]
    VersionUnpublished {
        /// Package.
        name: String,
        /// Version.
        version: String,
    },
    /// No version fits.
    #[error("{name} has no {}", if wanted == "*" { "published version".to_owned() } else { format!("version {wanted}") })]
    NoMatchingVersion {
        /// Package.
        name: String,
        /// What was asked for.
        wanted: String,
        /// The version of the tag `latest`.
        latest: Option<String>,
    },
    /// 401 or 403.
    #[error("the registry {registry} denies access to {name} ({status})")]
    NotAllowed {
        /// Package.
        name: String,
        /// Registry.
        registry: String,
        /// 401 or 403.
        status: u16,
    },
    /// Metadata that is not what a registry serves.
    #[error("the metadata of {name} cannot be read: {reason}")]
    Metadata {
        /// Package.
        name: String,
        /// Why.
        reason: String,
    },
    /// No usable `dist.tarball`.
    #[error("{name}@{version} has no tarball address")]
    NoTarball {
        /// Package.
        name: String,
        /// Version.
        version: String,
    },
    /// 404 for the tarball.
    #[error("the tarball {location} does not exist any more")]
    TarballNotFound {
        /// Address.
        location: String,
    },
    /// Larger than is read.
    #[error("the tarball {location} is larger than {limit} bytes")]
    TarballTooLarge {
        /// Address or path.
        location: String,
        /// Bytes.
        limit: u64,
    },
    /// A tarball on disk that cannot be read.
    #[error("{path} cannot be read: {reason}")]
    File {
        /// Path.
        path: String,
        /// The system's words.
        reason: String,
    },
    /// Temporary storage failed.
    #[error("cannot store the registry's answer: {0}")]
    Disk(String),
    /// The request itself failed.
    #[error(transparent)]
    Http(#[from] HttpError),
}

impl RegistryError {
    /// Whether the registry gave no answer to the question: it is away, or not well.
    pub fn is_unanswered(&self) -> bool {
        match self {
            Self::Http(HttpError::Status { status, .. }) => *status >= 500 || *status == 429,
            Self::Http(HttpError::Cancelled) => false,
            Self::Http(_) => true,
            _ => false,
        }
    }
}

impl Diagnostic for RegistryError {
    fn code(&self) -> &'static str {
        match self {
            Self::PackageNotFound { .. } => "package-not-found",
            Self::PackageUnpublished { .. } => "package-unpublished",
            Self::VersionUnpublished { .. } => "version-unpublished",
            Self::NoMatchingVersion { .. } => "version-not-found",
            Self::NotAllowed { status: 401, .. } => "unauthorized",
            Self::NotAllowed { .. } => "forbidden",
            Self::Metadata { .. } => "invalid-metadata",
            Self::NoTarball { .. } => "no-tarball",
            Self::TarballNotFound { .. } => "tarball-not-found",
            Self::TarballTooLarge { .. } => "tarball-too-large",
            Self::File { .. } => "file-unreadable",
            Self::Disk(_) => "disk-failed",
            Self::Http(error) => error.code(),
        }
    }

    fn stage(&self) -> Stage {
        Stage::Resolve
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::PackageNotFound { .. } => {
                "check the spelling, and --registry or the scope's registry in .npmrc; a private package looks the same without a token"
            }
            Self::PackageUnpublished { .. } | Self::VersionUnpublished { .. } => {
                "its tarball can still be checked if you have it: pass the .tgz"
            }
            Self::NoMatchingVersion { name, latest: Some(latest), .. } => {
                return Some(format!("the tag latest is {latest}; `npm view {name} versions` lists all"));
            }
            Self::NoMatchingVersion { wanted, .. } if wanted == "*" => "check the spelling; all of its versions may be unpublished",
            Self::NoMatchingVersion { name, .. } => return Some(format!("`npm view {name} versions` lists the versions")),
            Self::NotAllowed { .. } => "check the token for this registry in .npmrc (//host/:_authToken), or log in with npm",
            Self::Metadata { .. } => "check that --registry names an npm registry and not a web page or a login",
            Self::NoTarball { .. } | Self::TarballNotFound { .. } => "the registry or mirror is incomplete; try another with --registry",
            Self::TarballTooLarge { .. } => "tarballs up to 512 MiB are read",
            Self::File { .. } => "check the path; a tarball made by `npm pack` is expected",
            Self::Disk(_) => "free some space, or point TMPDIR or --cache-dir at a larger disk",
            Self::Http(error) => return error.hint(),
        };
        Some(hint.to_owned())
    }
}
