//! Why nothing was signed.

use http::HttpError;
use verdict::diagnostic::{Diagnostic, Stage};

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SigningError {
    /// There is no identity in the environment.
    #[error("there is no identity to sign with: this is not a supported CI, or the job may not request one")]
    NoIdentity,
    /// The CI gave none, or one that cannot be used.
    #[error("the CI's identity cannot be used: {reason}")]
    Identity {
        /// Why; never the token itself.
        reason: String,
    },
    /// The services to sign with are not known.
    #[error("{path} names no signing services: {reason}")]
    Config {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// A service could not be reached.
    #[error("{service} did not sign: {source}")]
    Network {
        /// What it is for.
        service: &'static str,
        /// Why.
        source: HttpError,
    },
    /// A service refused, or answered with something else.
    #[error("{service} did not sign: {reason}")]
    Service {
        /// What it is for.
        service: &'static str,
        /// What it answered.
        reason: String,
    },
    /// What came does not hold for those who will read it.
    #[error("the signature fails verification, and is not written: {reason}")]
    NotVerified {
        /// Why.
        reason: String,
    },
    /// The system gave no randomness.
    #[error("no key could be made")]
    Key,
}

impl Diagnostic for SigningError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoIdentity => "signing-identity-missing",
            Self::Identity { .. } => "signing-identity-unusable",
            Self::Config { .. } => "signing-config-unusable",
            Self::Network { .. } | Self::Service { .. } => "signing-service-failed",
            Self::NotVerified { .. } => "signing-not-verified",
            Self::Key => "attest-failed",
        }
    }

    fn stage(&self) -> Stage {
        Stage::Report
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoIdentity => "GitHub Actions: permissions: id-token: write; GitLab: id_tokens: SIGSTORE_ID_TOKEN: aud: sigstore; elsewhere sign with --attest-key".into(),
            Self::Identity { .. } => "the token must be a new one for the audience sigstore; request it in this job".into(),
            Self::Config { .. } => "use a Sigstore signing_config.json (v0.2) with services that are valid now; without --signing-config the public ones are used".into(),
            Self::Network { source, .. } => source.hint().unwrap_or_else(|| AGAIN.into()),
            Self::Service { .. } | Self::Key => AGAIN.into(),
            Self::NotVerified { .. } => "the services and --trusted-root must be from the same Sigstore; if they are, this program's root may be too old for them".into(),
        })
    }
}

/// The package was judged already, so it costs little.
const AGAIN: &str = "run it again: the result is stored, and only the signature is repeated";
