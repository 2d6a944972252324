//! The registry's signatures over a version: ECDSA P-256 over `name@version:integrity`, as `npm
//! audit signatures` checks them (pacote 21).
//!
//! They say that the registry once meant this tarball under this name. They never say where it came
//! from.

use serde::{Deserialize, Serialize};
use sigstore_crypto::{SigningScheme, VerificationKey};
use sigstore_types::{DerPublicKey, SignatureBytes};

use verdict::{Finding, Severity};

use super::manifest::Signature;
use super::provenance::provider;

/// Most keys of a registry that are read. npm's has two.
const MAX_KEYS: usize = 64;
/// The one kind of key that npm's registry has, and that pacote 21 verifies.
const SCHEME: &str = "ecdsa-sha2-nistp256";

/// One of a registry's public keys.
#[derive(Debug, Clone)]
pub struct RegistryKey {
    /// `SHA256:…`.
    pub id: String,
    /// When it ceased to count, RFC 3339; `None` for a key in use.
    pub expires: Option<String>,
    spki: Vec<u8>,
}

/// What one signature is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureStatus {
    /// It is the registry's, over this name, version and integrity.
    Valid,
    /// It is not over this name, version and integrity.
    Invalid,
    /// The key had expired when the version was published.
    ExpiredKey,
    /// The registry has no such key.
    UnknownKey,
    /// The registry's keys could not be had, or it has none.
    Unchecked,
}

/// One registry signature, checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignatureInfo {
    /// Which of the registry's keys made it.
    pub key_id: String,
    /// What it is worth.
    pub status: SignatureStatus,
    /// When the key ceased to count; null for a key in use or unknown.
    pub key_expires: Option<String>,
}

/// Reads the answer of `/-/npm/v1/keys`; keys of another kind are left out. `None` if it is no such
/// answer.
pub fn read_keys(json: &[u8]) -> Option<Vec<RegistryKey>> {
    #[derive(Deserialize)]
    struct Keys {
        keys: Vec<Key>,
    }
    #[derive(Deserialize)]
    struct Key {
        #[serde(rename = "keyid")]
        id: String,
        expires: Option<String>,
        #[serde(default)]
        scheme: String,
        #[serde(rename = "key")]
        spki: String,
    }
    let Keys { keys } = serde_json::from_slice(json).ok()?;
    let read = |key: Key| {
        let spki = DerPublicKey::from_base64(&key.spki).ok().filter(|_| key.scheme == SCHEME)?.into_bytes();
        Some(RegistryKey { id: key.id, expires: key.expires, spki })
    };
    Some(keys.into_iter().take(MAX_KEYS).filter_map(read).collect())
}

/// What is signed.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// The package.
    pub name: &'a str,
    /// The version, as the registry spells it.
    pub version: &'a str,
    /// `dist.integrity`, as it stands in the metadata. The tarball must have been checked against
    /// it.
    pub integrity: &'a str,
    /// When it was published, if that is known. As in pacote, a time that is not known is before
    /// every expiry.
    pub time: Option<&'a str>,
}

/// Checks each signature against the registry's keys; `None` where they could not be had.
pub fn check(signed: &Signed<'_>, signatures: &[Signature], keys: Option<&[RegistryKey]>) -> Vec<SignatureInfo> {
    let one = |signature: &Signature| {
        let key = keys.and_then(|keys| keys.iter().find(|key| key.id == signature.key_id));
        let status = match (keys, key) {
            (None, _) => SignatureStatus::Unchecked,
            (Some(_), None) => SignatureStatus::UnknownKey,
            (Some(_), Some(key)) => status(signed, signature, key),
        };
        SignatureInfo { key_id: signature.key_id.clone(), status, key_expires: key.and_then(|key| key.expires.clone()) }
    };
    signatures.iter().map(one).collect()
}

fn status(signed: &Signed<'_>, signature: &Signature, key: &RegistryKey) -> SignatureStatus {
    let instant = |text: &str| text.parse::<jiff::Timestamp>().ok();
    if let Some(expires) = &key.expires {
        let published = signed.time.and_then(instant);
        // An end that cannot be read is none in the future.
        if published.is_some_and(|published| instant(expires).is_none_or(|expires| published >= expires)) {
            return SignatureStatus::ExpiredKey;
        }
    }
    if key.verifies(&format!("{}@{}:{}", signed.name, signed.version, signed.integrity), &signature.signature) {
        SignatureStatus::Valid
    } else {
        SignatureStatus::Invalid
    }
}

impl RegistryKey {
    /// The key itself: a `SubjectPublicKeyInfo`.
    pub(super) fn spki(&self) -> DerPublicKey {
        DerPublicKey::new(self.spki.clone())
    }

    /// Whether a signature in base64 is this key's over the text.
    fn verifies(&self, text: &str, signature: &str) -> bool {
        provider::install();
        let key = VerificationKey::from_spki_with_scheme(&self.spki(), SigningScheme::EcdsaP256Sha256);
        let signature = SignatureBytes::from_base64(signature);
        matches!((key, signature), (Ok(key), Ok(signature)) if key.verify(text.as_bytes(), &signature).is_ok())
    }
}

/// What is to be said about signatures that are not as they should be.
pub fn findings(signatures: &[SignatureInfo]) -> Vec<Finding> {
    let finding = |one: &SignatureInfo| {
        let id = &one.key_id;
        Some(match one.status {
            SignatureStatus::Valid | SignatureStatus::Unchecked => return None,
            SignatureStatus::Invalid => {
                let message = format!("the registry's signature by {id} is not over this name, version and integrity");
                Finding::new("signature-invalid", Severity::Error, message)
            }
            SignatureStatus::ExpiredKey => {
                let message = format!("the registry's signature is by {id}, which had expired when this version was published");
                Finding::new("signature-key-expired", Severity::Error, message)
            }
            SignatureStatus::UnknownKey => Finding::new(
                "signature-key-unknown",
                Severity::Warning,
                format!("the registry does not have the key {id} of its signature"),
            ),
        })
    };
    signatures.iter().filter_map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys of registry.npmjs.org.
    pub(super) const KEYS: &str = include_str!("../../../__test__/fixtures/attestations/npm-keys.json");
    const OLD: &str = "SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA";

    /// venv 0.1.0, as the registry has it.
    const VENV: Signed<'static> = Signed {
        name: "venv",
        version: "0.1.0",
        integrity: "sha512-RMdeiD0OJC+S2w4931iqdi5MB9xe2T/lXZbRrHxbsmQrSA+FwhPk2bIqIwbNDCmThPgNw841Q272O6EFSYhBjQ==",
        time: Some("2017-07-09T11:00:00.000Z"),
    };

    fn signature() -> Vec<Signature> {
        let signature = "MEUCICKQJCEvvV3HdhCSj3TwH9qqIWLwc0GR1m/NED/s1bPIAiEAvkTmhIDIrD4MZoI2g27+HsuxoFJhC/evORT6T2UUwSc=".to_owned();
        vec![Signature { key_id: OLD.into(), signature }]
    }

    fn status_of(signed: &Signed<'_>, signatures: &[Signature]) -> SignatureStatus {
        let keys = read_keys(KEYS.as_bytes()).expect("keys");
        check(signed, signatures, Some(&keys)).first().expect("one").status
    }

    #[test]
    fn a_real_signature_of_npms_registry_holds() {
        assert_eq!(status_of(&VENV, &signature()), SignatureStatus::Valid);
        // The second of these was signed by the same key, later.
        let tool = Signed {
            name: "tool5",
            version: "5.0.1",
            integrity: "sha512-gPClNFHEACDPrNPIY9nQ5CtgNzXLek1VKLkenI/RRKrrWSSyIVte0HloLzyQJFW0bXgFnv5TgtcUM+xHE7B6/w==",
            time: None,
        };
        let signature = "MEYCIQDhX2SZFZyV3rBaQp/tH0NRk1YWw6rF2KrietBA6xDIFQIhANJcAYMSl+mvNefhpxjyApSUK/CXFEnCeUSEQf113OPI".to_owned();
        assert_eq!(status_of(&tool, &[Signature { key_id: OLD.into(), signature }]), SignatureStatus::Valid);
    }

    #[test]
    fn it_holds_for_no_other_name_version_or_integrity() {
        let other_integrity = VENV.integrity.replace("RMde", "RMdf");
        for other in [Signed { name: "venw", ..VENV }, Signed { version: "0.1.1", ..VENV }, Signed { integrity: &other_integrity, ..VENV }]
        {
            assert_eq!(status_of(&other, &signature()), SignatureStatus::Invalid, "{other:?}");
        }
    }

    #[test]
    fn a_key_counts_until_it_expires_and_a_time_that_is_not_known_is_before_that() {
        assert_eq!(status_of(&Signed { time: Some("2025-01-29T00:00:00.000Z"), ..VENV }, &signature()), SignatureStatus::ExpiredKey);
        assert_eq!(status_of(&Signed { time: Some("2025-01-28T23:59:59.999Z"), ..VENV }, &signature()), SignatureStatus::Valid);
        assert_eq!(status_of(&Signed { time: None, ..VENV }, &signature()), SignatureStatus::Valid);
    }

    #[test]
    fn a_key_that_the_registry_does_not_have_is_unknown_and_no_keys_check_nothing() {
        let other = [Signature { key_id: "SHA256:other".into(), ..signature().remove(0) }];
        assert_eq!(status_of(&VENV, &other), SignatureStatus::UnknownKey);
        assert_eq!(check(&VENV, &signature(), None).first().map(|one| one.status), Some(SignatureStatus::Unchecked));
    }

    #[test]
    fn bytes_that_are_no_keys_or_signatures_are_refused_without_a_panic() {
        let signatures: Vec<Signature> =
            ["", "!", "AAAA", &"A".repeat(4096)].map(|signature| Signature { key_id: OLD.into(), signature: signature.to_owned() }).into();
        let keys = read_keys(KEYS.as_bytes()).expect("keys");
        assert!(check(&VENV, &signatures, Some(&keys)).iter().all(|one| one.status == SignatureStatus::Invalid));
        for key in ["", "AAAA", "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE"] {
            let json = format!(r#"{{"keys":[{{"keyid":"{OLD}","scheme":"ecdsa-sha2-nistp256","expires":null,"key":"{key}"}}]}}"#);
            let keys = read_keys(json.as_bytes()).expect("keys");
            assert_ne!(check(&VENV, &signature(), Some(&keys)).first().map(|one| one.status), Some(SignatureStatus::Valid));
        }
        for junk in ["", "[]", "{}", r#"{"keys":{}}"#, "<html>"] {
            assert!(read_keys(junk.as_bytes()).is_none(), "{junk}");
        }
    }

    #[test]
    fn only_what_is_wrong_is_a_finding() {
        let info = |status| SignatureInfo { key_id: "k".into(), status, key_expires: None };
        let all = [
            SignatureStatus::Valid,
            SignatureStatus::Unchecked,
            SignatureStatus::Invalid,
            SignatureStatus::ExpiredKey,
            SignatureStatus::UnknownKey,
        ];
        let codes: Vec<String> = findings(&all.map(info)).into_iter().map(|finding| finding.code).collect();
        assert_eq!(codes, ["signature-invalid", "signature-key-expired", "signature-key-unknown"]);
    }
}
