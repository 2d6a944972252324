//! Why a tool could not be had.

use http::HttpError;
use npm_registry::RegistryError;
use store::CacheError;
use verdict::diagnostic::{Diagnostic, Stage};

/// A tool that could not be fetched. None of these says anything about the package that was to be
/// built with it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ToolchainError {
    /// There is no package of it for this machine.
    #[error("there is no {tool} for {platform} in the registry")]
    Platform {
        /// Tool.
        tool: &'static str,
        /// This machine.
        platform: String,
    },
    /// This version is not published, nor one near it.
    #[error("the registry has no {tool} {wanted} for this platform")]
    NotPublished {
        /// Tool.
        tool: &'static str,
        /// Version or range.
        wanted: String,
    },
    /// The tarball is not the one that the registry announces, or it announces none.
    #[error("the tarball of {tool} {version} cannot be trusted: {detail}")]
    Unverified {
        /// Tool.
        tool: &'static str,
        /// Version.
        version: String,
        /// What is wrong.
        detail: String,
    },
    /// A distribution has no signature that counts for it, or not the tarball that is signed.
    #[error("node {version} of {distribution} cannot be trusted: {detail}")]
    Unsigned {
        /// Version.
        version: String,
        /// The distribution's address.
        distribution: String,
        /// What is wrong.
        detail: String,
    },
    /// The tarball is the announced one, and nothing that can be run.
    #[error("{tool} {version} cannot be used: {detail}")]
    Unusable {
        /// Tool.
        tool: &'static str,
        /// Version.
        version: String,
        /// Why.
        detail: String,
    },
    /// The registry could not be read.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The cache could not be read or written.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The run was stopped.
    #[error("cancelled")]
    Cancelled,
}

impl ToolchainError {
    /// Whether another version may still be had.
    pub fn is_about_one_version(&self) -> bool {
        match self {
            Self::NotPublished { .. } | Self::Unverified { .. } | Self::Unusable { .. } => true,
            Self::Registry(error) => matches!(
                error,
                RegistryError::NoTarball { .. }
                    | RegistryError::TarballNotFound { .. }
                    | RegistryError::TarballTooLarge { .. }
                    | RegistryError::NoMatchingVersion { .. }
                    | RegistryError::VersionUnpublished { .. }
            ),
            // The user wants this distribution, and it is not what it should be: another version of
            // it does not mend that.
            Self::Unsigned { .. } | Self::Platform { .. } | Self::Cache(_) | Self::Cancelled => false,
        }
    }
}

impl Diagnostic for ToolchainError {
    fn code(&self) -> &'static str {
        match self {
            Self::Platform { .. } => "toolchain-platform",
            Self::NotPublished { .. } => "toolchain-not-published",
            Self::Unverified { .. } => "toolchain-unverified",
            Self::Unsigned { .. } => "node-dist-unverified",
            Self::Unusable { .. } => "toolchain-unusable",
            Self::Registry(error) => error.code(),
            Self::Cache(error) => error.code(),
            Self::Cancelled => "cancelled",
        }
    }

    fn stage(&self) -> Stage {
        Stage::Build
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Platform { .. } => "run it on x64 or arm64 with Linux (glibc), macOS or Windows".to_owned(),
            Self::NotPublished { .. } => "--node names another version; a mirror may be incomplete: try another with --registry".to_owned(),
            Self::Unverified { .. } => "use the registry directly with --registry, without proxies and mirrors".to_owned(),
            Self::Unsigned { .. } => {
                "see that --node-dist is the distribution that is meant and that the file of --node-keys has its present keys; \
                 without both Node comes from the registry"
                    .to_owned()
            }
            Self::Unusable { .. } => "--node names another version".to_owned(),
            Self::Registry(error) => return error.hint(),
            Self::Cache(error) => return error.hint(),
            Self::Cancelled => return None,
        })
    }
}

impl From<HttpError> for ToolchainError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Cancelled => Self::Cancelled,
            error => Self::Registry(error.into()),
        }
    }
}
