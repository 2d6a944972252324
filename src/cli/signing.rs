//! Who signs what `--attest` writes, and whose signature `--verify-attestation` takes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use npm_registry::provenance::Roots;
use report::statement::bundle::Identity;
use report::statement::envelope::{EnvelopeError, Signer};
use verdict::Failed;
use verdict::diagnostic::Diagnostic;

use super::arguments::Arguments;
use super::documents;
use crate::options::{Options, OptionsError};
use crate::session;
use signing::Keyless;

/// Who signs statements.
pub(super) enum Signing {
    /// Nobody: they are written as they are.
    Nobody,
    /// The user, with a key.
    Key(Signer),
    /// CI, with the identity that it gives the job.
    Keyless(Keyless),
}

impl Signing {
    /// Reads the key, or finds the identity: one that cannot be used is said before an hour of
    /// work, not after.
    pub(super) fn prepare(arguments: &Arguments) -> Result<Self, Failed> {
        if arguments.attest.is_none() {
            return Ok(Self::Nobody);
        }
        if let Some(path) = &arguments.attest_key {
            return Ok(Self::Key(documents::read_key(path, Signer::read).map_err(boxed)?));
        }
        if !arguments.attest_keyless {
            return Ok(Self::Nobody);
        }
        let roots = roots(&arguments.options())?;
        let keyless = Keyless::prepare(&|name| std::env::var(name).ok(), arguments.signing_config.as_deref(), roots);
        keyless.map(Self::Keyless).map_err(boxed)
    }

    /// Signs statements; all of them, or none.
    pub(super) async fn sign(
        &self,
        statements: Vec<String>,
        options: &Options,
        cancelled: &Arc<AtomicBool>,
    ) -> Result<Vec<String>, Failed> {
        match self {
            Self::Nobody => Ok(statements),
            Self::Key(signer) => {
                let sign = |text: &String| -> Result<String, EnvelopeError> {
                    serde_json::to_string(&signer.sign(text.as_bytes())?).map_err(|_| EnvelopeError::Signing)
                };
                statements.iter().map(sign).collect::<Result<_, _>>().map_err(boxed)
            }
            Self::Keyless(keyless) => session::sign(keyless, &statements, options, cancelled).await,
        }
    }
}

/// The identity whose bundles are taken, and the roots that certify it; `None` if the user names
/// none.
pub(super) fn expected(arguments: &Arguments) -> Result<Option<(Identity, Arc<Roots>)>, Failed> {
    let (Some(name), Some(issuer)) = (&arguments.certificate_identity, &arguments.certificate_oidc_issuer) else { return Ok(None) };
    Ok(Some((Identity { name: name.clone(), issuer: issuer.clone() }, roots(&arguments.options())?)))
}

/// The user's roots of trust, or those of the public Sigstore.
fn roots(options: &Options) -> Result<Arc<Roots>, Failed> {
    if let Some((roots, _)) = options.roots(Path::new("")).map_err(boxed)? {
        return Ok(roots);
    }
    let embedded = Roots::embedded().map_err(|reason| boxed(OptionsError::TrustedRoot { path: "the embedded one".into(), reason }))?;
    Ok(Arc::new(embedded))
}

/// An error of one kind among those of all.
pub(super) fn boxed(error: impl Diagnostic + Send + Sync + 'static) -> Failed {
    Box::new(error)
}
