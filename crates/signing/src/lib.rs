//! Signing without a key of the user's: by the identity that CI offers, in the way of Sigstore.
//!
//! In: statements, and an identity token of GitHub Actions, GitLab or another CI. Out: bundles. A
//! key is made for the minute; an authority (Fulcio) certifies whose it is, by the token; a public
//! log (Rekor) takes the signature in and says when; a timestamp authority may say so too. The
//! token goes to the authority and nowhere else. What came is verified as any reader would, before
//! it is handed out.

mod error;
mod identity;
mod services;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use sigstore_types::{DerPublicKey, DsseEnvelope, DsseSignature, KeyId, PayloadBytes, SignatureBytes};
use url::Url;

pub use error::SigningError;
use http::{Cancel, Client};
use identity::Source;
use npm_registry::provenance::Roots;
use report::statement::bundle::{self, Parts};
use report::statement::envelope::{EnvelopeError, P256_SPKI, PAYLOAD_TYPE};
use services::{Asking, Services};

/// How far the log's clock may be ahead of this machine's: what is signed in the future holds for
/// nobody yet.
const MAX_AHEAD: Duration = Duration::from_secs(60);

/// What is signed with: an identity, the services of one Sigstore, and who trusts them.
#[derive(Debug)]
pub struct Keyless {
    identity: Source,
    services: Services,
    roots: Arc<Roots>,
}

impl Keyless {
    /// Finds the identity in the environment, and the services in a `signing_config.json`, or those
    /// of the public Sigstore. Nothing is asked yet.
    pub fn prepare(variable: &dyn Fn(&str) -> Option<String>, config: Option<&Path>, roots: Arc<Roots>) -> Result<Self, SigningError> {
        Ok(Self { identity: Source::find(variable)?, services: Services::read(config)?, roots })
    }

    /// The addresses that the user's configuration and CI name: allowed whatever network they are
    /// in.
    pub fn addresses(&self) -> impl Iterator<Item = &Url> {
        self.identity.address().into_iter().chain(self.services.addresses())
    }

    /// Signs statements, all with one certificate, and verifies what came of it. A bundle for each,
    /// in order.
    pub async fn sign(&self, statements: &[String], client: &Client, cancel: &Cancel) -> Result<Vec<String>, SigningError> {
        let asking = Asking { client, cancel };
        let random = SystemRandom::new();
        let failed = |_| SigningError::Key;
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).map_err(failed)?;
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key.as_ref(), &random).map_err(|_| SigningError::Key)?;
        let sign =
            |message: &[u8]| key.sign(&random, message).map(|signature| SignatureBytes::from_bytes(signature.as_ref())).map_err(failed);
        let public = DerPublicKey::new([&P256_SPKI, key.public_key().as_ref()].concat());

        let token = self.identity.token(&asking).await?;
        // That the key is at hand is shown by signing whose it will be.
        let certificate = self.services.certificate(&token, &public, &sign(token.subject().as_bytes())?, &asking).await?;
        let mut bundles = Vec::with_capacity(statements.len());
        for statement in statements {
            let signature = sign(&sigstore_types::pae(PAYLOAD_TYPE, statement.as_bytes()))?;
            let payload = PayloadBytes::from_bytes(statement.as_bytes());
            let envelope = DsseEnvelope::new(PAYLOAD_TYPE, payload, DsseSignature::new(signature, KeyId::default()));
            let timestamps = self.services.timestamps(&envelope, &asking).await?;
            let entries = self.services.entries(&envelope, &certificate, &asking).await?;
            let logged = entries.iter().filter_map(|entry| entry.integrated_time).max();
            let parts = Parts { envelope, certificate: certificate.clone(), entries, timestamps };
            let bundle = bundle::assemble(parts).map_err(|reason| SigningError::NotVerified { reason })?;
            wait_until(logged).await;
            bundle::open(bundle.as_bytes(), None, &self.roots).map_err(not_verified)?;
            bundles.push(bundle);
        }
        Ok(bundles)
    }
}

fn not_verified(error: EnvelopeError) -> SigningError {
    let reason = match error {
        EnvelopeError::Bundle { reason } => reason,
        other => other.to_string(),
    };
    SigningError::NotVerified { reason }
}

/// Waits for this machine's clock, where the log's is a little ahead of it.
async fn wait_until(logged: Option<Timestamp>) {
    let ahead = logged.map(|logged| logged.duration_since(Timestamp::now()));
    if let Some(ahead) = ahead.and_then(|ahead| Duration::try_from(ahead).ok()).filter(|ahead| *ahead <= MAX_AHEAD) {
        tokio::time::sleep(ahead).await;
    }
}
