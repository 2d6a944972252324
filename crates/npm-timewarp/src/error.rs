//! What can go wrong with the loopback registry itself, and why a build's request was not answered.

use http::HttpError;
use npm_registry::RegistryError;
use verdict::diagnostic::{Diagnostic, Stage};

/// The loopback registry cannot be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TimewarpError {
    /// The listener that was handed over cannot be used.
    #[error("the loopback registry cannot listen: {reason}")]
    Listener {
        /// The system's words.
        reason: String,
    },
    /// The address under which clients see us is none.
    #[error("{base} is not an address that a client can be pointed at")]
    Base {
        /// What was given.
        base: String,
    },
}

impl Diagnostic for TimewarpError {
    fn code(&self) -> &'static str {
        match self {
            Self::Listener { .. } => "loopback-listener",
            Self::Base { .. } => "loopback-base",
        }
    }

    fn stage(&self) -> Stage {
        Stage::Build
    }

    fn hint(&self) -> Option<String> {
        Some("this is a fault of the program or of its sandbox; report it".to_owned())
    }
}

/// Why a build did not get what it asked for. The code is part of the record; the message goes to
/// the client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The version came later than the moment, and no lockfile names it.
    #[error("{name}@{version} was not published yet")]
    NotYet {
        /// Package.
        name: String,
        /// Version.
        version: String,
    },
    /// The packument has no such version or file.
    #[error("{name} has no {wanted}")]
    NoVersion {
        /// Package.
        name: String,
        /// A version, tag or file name.
        wanted: String,
    },
    /// The tarball is not the one that the registry announces, also on the second try.
    #[error("the tarball of {name}@{version} is not the one that its registry announces")]
    WrongTarball {
        /// Package.
        name: String,
        /// Version.
        version: String,
    },
    /// Neither a registry of the user's nor on the allow-list.
    #[error("builds cannot reach {host}")]
    Host {
        /// Host.
        host: String,
    },
    /// An allowed host that has no public address, or does not answer.
    #[error("{host} cannot be reached: {reason}")]
    Tunnel {
        /// Host.
        host: String,
        /// Why.
        reason: String,
    },
    /// A private package that the project does not name.
    #[error("the project names neither {name} nor a package of its scope")]
    NotNamed {
        /// Package.
        name: String,
    },
    /// With private packages at hand: what nothing names, or a tarball on another host. Whoever
    /// sees such a request learns of them.
    #[error("the build has private packages, and may not request {wanted}")]
    KeptIn {
        /// A name, or a version and a host.
        wanted: String,
    },
    /// Only reading is possible here.
    #[error("this registry can only be read")]
    Method,
    /// No path of a registry.
    #[error("no such path")]
    Path,
    /// More packages or bytes than one build may ask for.
    #[error("the build requests more than one build may")]
    TooMuch,
    /// The registry behind us failed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl Refused {
    /// The HTTP status that a client understands best.
    pub(super) fn status(&self) -> u16 {
        match self {
            Self::NotYet { .. } | Self::NoVersion { .. } | Self::NotNamed { .. } | Self::Path => 404,
            // For too much, too: at 429 or 5xx clients wait and ask again.
            Self::Host { .. } | Self::KeptIn { .. } | Self::TooMuch => 403,
            Self::Method => 405,
            Self::WrongTarball { .. } | Self::Tunnel { .. } => 502,
            Self::Registry(error) => match error {
                RegistryError::PackageNotFound { .. }
                | RegistryError::PackageUnpublished { .. }
                | RegistryError::VersionUnpublished { .. }
                | RegistryError::TarballNotFound { .. }
                | RegistryError::NoTarball { .. } => 404,
                RegistryError::NotAllowed { status, .. } => *status,
                RegistryError::Http(HttpError::Cancelled) => 503,
                _ => 502,
            },
        }
    }
}

impl Refused {
    /// Whether the registry does not have the package, whatever version.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self, Self::Registry(RegistryError::PackageNotFound { .. } | RegistryError::PackageUnpublished { .. }))
    }
}

impl Diagnostic for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::NotYet { .. } => "not-yet-published",
            Self::NoVersion { .. } => "version-not-found",
            Self::WrongTarball { .. } => "integrity-mismatch",
            Self::Host { .. } => "host-not-allowed",
            Self::Tunnel { .. } => "host-unreachable",
            Self::NotNamed { .. } => "private-not-named",
            Self::KeptIn { .. } => "private-kept-in",
            Self::Method => "read-only-registry",
            Self::Path => "not-a-registry-path",
            Self::TooMuch => "build-asks-too-much",
            Self::Registry(error) => error.code(),
        }
    }

    fn stage(&self) -> Stage {
        Stage::Build
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Host { .. } => Some("if the build needs this host, put it on the allow-list".to_owned()),
            Self::Registry(error) => error.hint(),
            _ => None,
        }
    }
}
