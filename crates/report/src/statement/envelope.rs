//! DSSE: an envelope around a statement, signed with the user's own key (ECDSA P-256 or Ed25519 in
//! a PKCS #8 PEM file).
//!
//! The protocol is DSSE 1.0 (`DSSEv1` pre-authentication encoding); the id of a key is `SHA256:`
//! and the base64 of the sha256 of its `SubjectPublicKeyInfo`, as npm's registry names its keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sigstore_crypto::VerificationKey;
use sigstore_types::{DerPublicKey, SignatureBytes};

use npm_registry::provenance::provider;
use verdict::diagnostic::{Diagnostic, Stage};

/// What in-toto statements are in an envelope.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// The head of a `SubjectPublicKeyInfo` (RFC 5280) for an uncompressed point of P-256 (RFC 5480).
pub const P256_SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01,
    0x07, 0x03, 0x42, 0x00,
];
/// The same for Ed25519 (RFC 8410).
const ED25519_SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Why a statement could not be signed or its signature does not hold.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// The file is no key that this program can use.
    #[error("{path} is not a usable key: {reason}")]
    Key {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// The file is no statement and no envelope.
    #[error("{path} is not an attestation: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// The system gave no randomness, or the key is broken.
    #[error("the statement could not be signed")]
    Signing,
    /// It could not be written.
    #[error("cannot write the attestation to {path}: {reason}")]
    Write {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// There is nothing to state.
    #[error(
        "no statement can be made: the package or its tarball's hash is unknown, or the build followed a user's instructions instead of the package's"
    )]
    NothingToState,
    /// Nothing was decided.
    #[error("no statement can be made: nothing was decided, and it could only say that the check failed")]
    Undecided,
    /// There is no key to check a signed statement with.
    #[error("the attestation is signed, and no key was given")]
    NoKey,
    /// There is a key and no signature.
    #[error("the attestation is not signed")]
    Unsigned,
    /// None of the signatures is the key's.
    #[error("the attestation is not signed with this key, or it was changed")]
    Signature,
    /// It is a bundle, and nobody was named whose it should be.
    #[error("the attestation is signed by an identity, and none was given")]
    NoIdentity,
    /// It is a bundle that holds, and another identity's.
    #[error("the attestation is signed by somebody else: {reason}")]
    Identity {
        /// Who was expected, and who it is.
        reason: String,
    },
    /// It is a bundle that does not hold: its signature, certificate or log entry.
    #[error("the attestation's bundle is invalid: {reason}")]
    Bundle {
        /// What of it.
        reason: String,
    },
    /// It is about another package or another tarball.
    #[error("the attestation is about {stated}, not about {served}")]
    Subject {
        /// What it is about.
        stated: String,
        /// What it should be about.
        served: String,
    },
}

impl Diagnostic for EnvelopeError {
    fn code(&self) -> &'static str {
        match self {
            Self::Key { .. } => "attest-key-unusable",
            Self::Unreadable { .. } => "attestation-unreadable",
            Self::Signing | Self::Write { .. } => "attest-failed",
            Self::NothingToState => "attest-nothing",
            Self::Undecided => "attest-undecided",
            Self::NoKey => "attestation-key-missing",
            Self::Unsigned => "attestation-unsigned",
            Self::Signature => "attestation-signature-invalid",
            Self::NoIdentity => "attestation-identity-missing",
            Self::Identity { .. } => "attestation-identity-mismatch",
            Self::Bundle { .. } => "attestation-bundle-invalid",
            Self::Subject { .. } => "attestation-subject-mismatch",
        }
    }

    fn stage(&self) -> Stage {
        Stage::Report
    }

    fn hint(&self) -> Option<String> {
        Some(
            match self {
                Self::Key { .. } => {
                    "make one: openssl genpkey -algorithm ed25519 -out key.pem; openssl pkey -in key.pem -pubout -out key.pub.pem"
                }
                Self::Unreadable { .. } => "it is a file that --attest wrote",
                Self::Signing => "run it again",
                Self::Write { .. } => "name another file with --attest",
                Self::NothingToState => "name a version that a registry serves, and leave out --recipe, --toolchain, --allow-host, --isolation none and a --source that the package does not declare; \
                     nothing is stated of files in Git LFS, of a bot's branch, or of a submodule at a commit that its repository never took",
                Self::Undecided => "solve what prevented a verdict; then the statement can be made",
                Self::NoKey => "name the public key with --attest-key",
                Self::Unsigned => "anybody can have written it; --allow-unsigned, without a key, checks only its subject",
                Self::Signature => "do not trust it; ask its author which key it is signed with",
                Self::NoIdentity => "name the expected identity with --certificate-identity and --certificate-oidc-issuer",
                Self::Identity { .. } => "do not trust it, unless you trust that identity",
                Self::Bundle { .. } => {
                    "do not trust it; if it was signed with another Sigstore than the public one, name its root with --trusted-root"
                }
                Self::Subject { .. } => "do not use it for this package",
            }
            .into(),
        )
    }
}

/// An envelope.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// What the payload is.
    pub payload_type: String,
    /// The statement, in base64.
    pub payload: String,
    /// Who signed it.
    pub signatures: Vec<EnvelopeSignature>,
}

/// One signature over an envelope's payload and its type.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EnvelopeSignature {
    /// A hint to the key.
    #[serde(default)]
    pub keyid: String,
    /// The signature, in base64.
    pub sig: String,
}

/// A private key.
pub struct Signer {
    key: Private,
    id: String,
}

enum Private {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Signer {
    /// Reads a private key. The error is for people.
    pub fn read(pem: &[u8]) -> Result<Self, String> {
        let der =
            PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|_| "it has no private key in PKCS #8 (`BEGIN PRIVATE KEY`)".to_owned())?;
        let der = der.secret_pkcs8_der();
        if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der, &SystemRandom::new()) {
            let id = key_id(&[&P256_SPKI, pair.public_key().as_ref()].concat());
            return Ok(Self { key: Private::P256(pair), id });
        }
        // Keys of OpenSSL's have no public half in them.
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(|_| "it is neither ECDSA P-256 nor Ed25519".to_owned())?;
        let id = key_id(&[&ED25519_SPKI, pair.public_key().as_ref()].concat());
        Ok(Self { key: Private::Ed25519(pair), id })
    }

    /// Signs a payload.
    pub fn sign(&self, payload: &[u8]) -> Result<Envelope, EnvelopeError> {
        let message = sigstore_types::pae(PAYLOAD_TYPE, payload);
        let signature = match &self.key {
            Private::P256(pair) => pair.sign(&SystemRandom::new(), &message).map_err(|_| EnvelopeError::Signing)?.as_ref().to_vec(),
            Private::Ed25519(pair) => pair.sign(&message).as_ref().to_vec(),
        };
        let signatures = vec![EnvelopeSignature { keyid: self.id.clone(), sig: STANDARD.encode(signature) }];
        Ok(Envelope { payload_type: PAYLOAD_TYPE.to_owned(), payload: STANDARD.encode(payload), signatures })
    }
}

/// A public key.
pub struct Checker {
    key: VerificationKey,
    /// Its id.
    pub id: String,
}

impl std::fmt::Debug for Checker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checker").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Checker {
    /// Reads a public key (`BEGIN PUBLIC KEY`). The error is for people.
    pub fn read(pem: &[u8]) -> Result<Self, String> {
        provider::install();
        let der = SubjectPublicKeyInfoDer::from_pem_slice(pem).map_err(|_| "it has no public key (`BEGIN PUBLIC KEY`)".to_owned())?;
        let key = VerificationKey::from_spki(&DerPublicKey::new(der.as_ref().to_vec())).map_err(|error| error.to_string())?;
        Ok(Self { key, id: key_id(der.as_ref()) })
    }

    /// The payload of an envelope, if one of its signatures is this key's.
    pub fn open(&self, envelope: &Envelope) -> Result<Vec<u8>, EnvelopeError> {
        /// Signatures past this many are not looked at.
        const MOST: usize = 16;
        let payload = STANDARD.decode(&envelope.payload).map_err(|_| EnvelopeError::Signature)?;
        let message = sigstore_types::pae(&envelope.payload_type, &payload);
        let holds = |one: &EnvelopeSignature| {
            SignatureBytes::from_base64(&one.sig).is_ok_and(|signature| self.key.verify(&message, &signature).is_ok())
        };
        if envelope.payload_type == PAYLOAD_TYPE && envelope.signatures.iter().take(MOST).any(holds) {
            Ok(payload)
        } else {
            Err(EnvelopeError::Signature)
        }
    }
}

fn key_id(spki: &[u8]) -> String {
    format!("SHA256:{}", STANDARD.encode(Sha256::digest(spki)))
}
