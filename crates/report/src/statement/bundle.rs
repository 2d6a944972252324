//! A statement as a Sigstore bundle: signed with a key that lived for minutes, with a certificate
//! that says whose it was, and an entry in a public log that says when.
//!
//! A bundle without an expected identity says nothing: everybody with an account can have one made.
//! So whoever reads one names the signer.

use serde::Serialize;
use serde_json::Value;
use sigstore_bundle::BundleV03;
use sigstore_types::{
    ArtifactDigest, Bundle, DerCertificate, DsseEnvelope, HashAlgorithm, SignatureContent, TimestampToken, TransparencyLogEntry,
};
use sigstore_verify::{Error, VerificationPolicy};

use npm_registry::provenance::{Roots, from_hex};

use super::envelope::{EnvelopeError, PAYLOAD_TYPE};

/// Most characters of an error with a stranger's text in it.
const MAX_REASON: usize = 300;

/// Whose signature is expected: as the certificate has it, to the letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who: of a workflow its address and ref,
    /// `https://github.com/o/r/.github/workflows/w.yml@refs/heads/main`.
    pub name: String,
    /// Who vouches for that: `https://token.actions.githubusercontent.com`.
    pub issuer: String,
}

/// Who signed, as the certificate and the log have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Certified {
    /// Whom the certificate was issued to.
    pub identity: String,
    /// Who vouched for that.
    pub issuer: String,
    /// When the log took the signature in, RFC 3339; null where the log says no time of its own and
    /// a timestamp stands for it.
    pub logged_at: Option<String>,
}

/// What was signed, and what others said to it.
#[derive(Debug)]
pub struct Parts {
    /// The statement and its signature.
    pub envelope: DsseEnvelope,
    /// The signer's certificate.
    pub certificate: DerCertificate,
    /// The log's entries.
    pub entries: Vec<TransparencyLogEntry>,
    /// What timestamp authorities said.
    pub timestamps: Vec<TimestampToken>,
}

/// Puts a bundle together, of version 0.3. The error is for people.
pub fn assemble(parts: Parts) -> Result<String, String> {
    let Parts { envelope, certificate, entries, timestamps } = parts;
    let bundle = BundleV03::with_certificate_and_dsse(certificate, envelope);
    let bundle = entries.into_iter().fold(bundle, BundleV03::with_tlog_entry);
    let bundle = timestamps.into_iter().fold(bundle, BundleV03::with_rfc3161_timestamp);
    bundle.into_bundle().to_json().map_err(|error| error.to_string())
}

/// Whether a document is a bundle, of any version.
pub fn is_one(document: &Value) -> bool {
    document.get("mediaType").and_then(Value::as_str).is_some_and(|kind| kind.starts_with("application/vnd.dev.sigstore.bundle"))
}

/// The statement of a bundle that holds: certificate, log entry, signature, and whose it is. `None`
/// expects nobody: it says that others can check the bundle, and not that anybody should believe
/// it.
pub fn open(json: &[u8], expected: Option<&Identity>, roots: &Roots) -> Result<(Vec<u8>, Certified), EnvelopeError> {
    let invalid = |reason: &dyn std::fmt::Display| EnvelopeError::Bundle { reason: cut(&reason.to_string()) };
    let text = std::str::from_utf8(json).map_err(|error| invalid(&error))?;
    let bundle = Bundle::from_json(text).map_err(|error| invalid(&error))?;
    let SignatureContent::DsseEnvelope(envelope) = &bundle.content else {
        return Err(invalid(&"it has no statement"));
    };
    if envelope.payload_type != PAYLOAD_TYPE {
        return Err(invalid(&"its payload is not an in-toto statement"));
    }
    let payload = envelope.payload.as_bytes();
    // Whether the statement's subject is the tarball that the registry serves is asked of the
    // statement, by all of its digests.
    let subject = subject(payload).ok_or_else(|| invalid(&"its statement has no subject with a sha512 or sha256"))?;
    let policy = match expected {
        Some(Identity { name, issuer }) => VerificationPolicy::new(name.as_str(), issuer.as_str()),
        None => VerificationPolicy::any_identity(),
    };
    let result = roots.verifier().verify(subject, &bundle, &policy).map_err(|error| match error {
        Error::IdentityMismatch { .. } | Error::IssuerMismatch { .. } => EnvelopeError::Identity { reason: cut(&error.to_string()) },
        error => invalid(&error),
    })?;
    let (Some(identity), Some(issuer)) = (result.identity(), result.issuer()) else {
        return Err(invalid(&"its certificate names nobody"));
    };
    let logged_at = result.integrated_time().map(|time| time.to_string());
    Ok((payload.to_vec(), Certified { identity: cut(identity.as_str()), issuer: cut(issuer), logged_at }))
}

fn subject(payload: &[u8]) -> Option<ArtifactDigest> {
    let statement: Value = serde_json::from_slice(payload).ok()?;
    let digest = statement.pointer("/subject/0/digest")?;
    let of = |name: &str, algorithm: HashAlgorithm| {
        let bytes = from_hex(digest.get(name)?.as_str()?)?;
        ArtifactDigest::new(algorithm, bytes).ok()
    };
    of("sha512", HashAlgorithm::Sha2512).or_else(|| of("sha256", HashAlgorithm::Sha2256))
}

/// A stranger's text or an error with one in it, at a length for people.
fn cut(text: &str) -> String {
    text.chars().take(MAX_REASON).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A real one, of npm's registry: of the kind that is written here.
    const REAL: &str = include_str!("../../../../__test__/fixtures/attestations/sigstore-5.0.0.bundle.json");
    const SIGNER: &str = "https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main";
    const GITHUB: &str = "https://token.actions.githubusercontent.com";

    fn opened(json: &str, name: &str, issuer: &str) -> Result<(Vec<u8>, Certified), EnvelopeError> {
        let identity = Identity { name: name.into(), issuer: issuer.into() };
        open(json.as_bytes(), Some(&identity), &Roots::embedded().expect("the embedded root"))
    }

    #[test]
    fn a_real_bundle_of_the_public_sigstore_holds_for_its_signer_and_for_nobody_else() {
        let (payload, signer) = opened(REAL, SIGNER, GITHUB).expect("it holds");
        let statement: Value = serde_json::from_slice(&payload).expect("json");
        assert_eq!(statement.pointer("/subject/0/name").and_then(Value::as_str), Some("pkg:npm/sigstore@5.0.0"));
        assert_eq!((signer.identity.as_str(), signer.issuer.as_str()), (SIGNER, GITHUB));
        assert!(signer.logged_at.is_some_and(|at| at.starts_with("20")));
        for (name, issuer) in [("", GITHUB), (SIGNER, ""), (SIGNER, "https://gitlab.com"), (&format!("{SIGNER}/"), GITHUB)] {
            assert!(matches!(opened(REAL, name, issuer), Err(EnvelopeError::Identity { .. })), "{name} {issuer}");
        }
    }

    #[test]
    fn what_is_no_bundle_or_a_changed_one_does_not_hold() {
        let mut edited: Value = serde_json::from_str(REAL).expect("json");
        assert!(is_one(&edited));
        *edited.pointer_mut("/dsseEnvelope/payloadType").expect("there") = "application/json".into();
        for wrong in ["", "{}", "null", r#"{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}"#, &edited.to_string()] {
            assert!(matches!(opened(wrong, SIGNER, GITHUB), Err(EnvelopeError::Bundle { .. })), "{wrong}");
        }
        for other in ["{}", "[]", r#"{"mediaType":1}"#, r#"{"mediaType":"application/json"}"#] {
            assert!(!is_one(&serde_json::from_str(other).expect("json")), "{other}");
        }
    }

    #[test]
    fn the_longest_digest_is_what_is_checked_and_without_one_nothing_is() {
        let of = |digest: &str| subject(format!(r#"{{"subject":[{{"digest":{digest}}}]}}"#).as_bytes());
        let (long, short) = ("a".repeat(128), "b".repeat(64));
        assert!(of(&format!(r#"{{"sha256":"{short}","sha512":"{long}"}}"#)).is_some_and(|it| it.algorithm() == HashAlgorithm::Sha2512));
        assert!(of(&format!(r#"{{"sha256":"{short}"}}"#)).is_some_and(|it| it.algorithm() == HashAlgorithm::Sha2256));
        for none in ["{}", r#"{"sha1":"00"}"#, r#"{"sha512":"00"}"#, r#"{"sha512":"x"}"#, r#"{"sha512":1}"#, "[]"] {
            assert!(of(none).is_none(), "{none}");
        }
    }
}
