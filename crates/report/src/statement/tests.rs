use base64::Engine as _;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};

use verdict::{Finding, Severity};

use super::envelope::{Checker, EnvelopeError, Signer};
use super::read::{Trust, open};
use super::*;
use crate::test_support::report;

fn pem(kind: &str, der: &[u8]) -> Vec<u8> {
    format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", STANDARD.encode(der)).into_bytes()
}

/// A new pair of keys, as PEM files.
fn p256() -> (Vec<u8>, Vec<u8>) {
    let random = SystemRandom::new();
    let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).expect("a key");
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der.as_ref(), &random).expect("a key");
    let head = STANDARD.decode("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgA=").expect("base64");
    (pem("PRIVATE KEY", der.as_ref()), pem("PUBLIC KEY", &[&head, pair.public_key().as_ref()].concat()))
}

fn ed25519() -> (Vec<u8>, Vec<u8>) {
    let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
    let pair = Ed25519KeyPair::from_pkcs8(der.as_ref()).expect("a key");
    let head = STANDARD.decode("MCowBQYDK2VwAyEA").expect("base64");
    (pem("PRIVATE KEY", der.as_ref()), pem("PUBLIC KEY", &[&head, pair.public_key().as_ref()].concat()))
}

fn stated(verdict: Verdict) -> Value {
    statement(&report("@s/a", verdict, vec![Finding::new("case-twin", Severity::Warning, "m")]), &Product::default()).expect("a statement")
}

#[test]
fn a_statement_is_a_verification_summary_of_the_published_tarball() {
    let passed = stated(Verdict::Identical);
    let at = |path: &str| passed.pointer(path).cloned().unwrap_or_default();
    assert_eq!(at("/_type"), "https://in-toto.io/Statement/v1");
    assert_eq!(at("/subject/0/name"), "pkg:npm/%40s/a@1.0.0");
    assert_eq!(at("/subject/0/digest/sha512"), "0".repeat(128));
    assert_eq!(at("/predicateType"), "https://slsa.dev/verification_summary/v1");
    assert_eq!(at("/predicate/verificationResult"), "PASSED");
    assert_eq!(at("/predicate/verifiedLevels/0"), "REPRODUCED_IDENTICAL");
    for verdict in [Verdict::NoSource, Verdict::Unsupported] {
        assert_eq!(statement(&report("@s/a", verdict, Vec::new()), &Product::default()), None, "what was not decided is not stated");
    }
    for verdict in [Verdict::Differs, Verdict::BuildFailed] {
        let failed = stated(verdict);
        assert_eq!(failed.pointer("/predicate/verificationResult"), Some(&json!("FAILED")));
        assert_eq!(failed.pointer("/predicate/verifiedLevels"), Some(&json!(["FAILED"])));
        let details = failed.get("predicate").and_then(|predicate| predicate.get(Product::default().uri(EXTENSION))).expect("details");
        assert_eq!(details.get("verdict"), Some(&json!(verdict)));
        assert_eq!(details.pointer("/findings/0/code"), Some(&json!("case-twin")));
    }
}

#[test]
fn what_is_not_known_cannot_be_stated() {
    let mut one = report("a", Verdict::Differs, Vec::new());
    one.package.integrity = None;
    assert_eq!(statement(&one, &Product::default()), None);
    one.package.integrity = Some("sha512-!".into());
    assert_eq!(statement(&one, &Product::default()), None);
    one.package.integrity = Some("sha1-AAAA".into());
    assert!(statement(&one, &Product::default()).is_some());
    one.package.version = None;
    assert_eq!(statement(&one, &Product::default()), None);
}

#[test]
fn what_was_installed_is_listed_with_its_digest() {
    let dependencies = [("a@1.0.0 sha1-AAAA", "pkg:npm/a@1.0.0"), ("@s/b@2.0.0 sha512-AAAA sha1-BBBB", "pkg:npm/%40s/b@2.0.0")];
    for (line, uri) in dependencies {
        assert_eq!(dependency(line).get("uri"), Some(&json!(uri)));
        assert!(dependency(line).pointer("/digest").is_some(), "{line}");
    }
    assert_eq!(
        dependency("@s/a@git+https://h/a#c sha512-AAAA"),
        json!({ "name": "@s/a", "uri": "git+https://h/a", "digest": { "gitCommit": "c" } })
    );
    assert_eq!(dependency("git+https://h/a#c"), json!({ "uri": "git+https://h/a#c" }));
}

#[test]
fn what_is_signed_is_read_again_with_the_public_key() {
    for (private, public) in [p256(), ed25519()] {
        let signer = Signer::read(&private).expect("a key");
        let envelope = signer.sign(stated(Verdict::Differs).to_string().as_bytes()).expect("signed");
        let checker = Checker::read(&public).expect("a key");
        let found = open(serde_json::to_string(&envelope).expect("json").as_bytes(), Trust::Key(&checker)).expect("it holds");
        assert_eq!(found.key_id.as_deref(), Some(checker.id.as_str()));
        assert_eq!(found.key_id, envelope.signatures.first().map(|one| one.keyid.clone()));
        assert_eq!((found.verdict, found.reproduced, found.subject.as_str()), (Verdict::Differs, false, "pkg:npm/%40s/a@1.0.0"));
    }
}

#[test]
fn an_edited_payload_type_or_signature_and_another_key_are_refused() {
    let ((private, public), (_, other)) = (p256(), p256());
    let signer = Signer::read(&private).expect("a key");
    let envelope = signer.sign(stated(Verdict::Differs).to_string().as_bytes()).expect("signed");
    let refused = |envelope: &envelope::Envelope, public: &[u8]| {
        let checker = Checker::read(public).expect("a key");
        let json = serde_json::to_string(envelope).expect("json");
        assert!(matches!(open(json.as_bytes(), Trust::Key(&checker)), Err(EnvelopeError::Signature | EnvelopeError::Unreadable { .. })));
    };
    refused(&envelope, &other);
    let mut edited = envelope.clone();
    edited.payload = STANDARD.encode(stated(Verdict::Identical).to_string());
    refused(&edited, &public);
    let mut edited = envelope.clone();
    edited.payload_type = "application/json".into();
    refused(&edited, &public);
    let mut edited = envelope.clone();
    edited.signatures.clear();
    refused(&edited, &public);
    let mut edited = envelope;
    edited.signatures.iter_mut().for_each(|one| one.sig = "AAAA".into());
    refused(&edited, &public);
}

#[test]
fn without_a_key_only_an_unsigned_statement_is_read_and_with_one_only_a_signed() {
    let (private, public) = ed25519();
    let plain = stated(Verdict::Identical).to_string();
    assert!(matches!(open(plain.as_bytes(), Trust::Nobody), Err(EnvelopeError::Unsigned)));
    assert!(open(plain.as_bytes(), Trust::Unsigned).is_ok_and(|found| found.key_id.is_none() && found.reproduced));
    assert!(matches!(open(plain.as_bytes(), Trust::Key(&Checker::read(&public).expect("a key"))), Err(EnvelopeError::Unsigned)));
    let envelope = Signer::read(&private).expect("a key").sign(plain.as_bytes()).expect("signed");
    assert!(matches!(open(serde_json::to_string(&envelope).expect("json").as_bytes(), Trust::Unsigned), Err(EnvelopeError::NoKey)));
}

#[test]
fn what_is_no_statement_of_a_rebuild_is_refused() {
    let good = stated(Verdict::Identical);
    for (path, value) in [
        ("/predicateType", json!("https://slsa.dev/provenance/v1")),
        ("/_type", json!("x")),
        ("/predicate", json!({})),
        ("/predicate/verificationResult", json!("FAILED")),
        ("/subject", json!([])),
        ("/subject/0/digest", json!([])),
    ] {
        let mut edited = good.clone();
        *edited.pointer_mut(path).expect("there") = value;
        assert!(matches!(open(edited.to_string().as_bytes(), Trust::Unsigned), Err(EnvelopeError::Unreadable { .. })), "{path}");
    }
    for junk in ["", "{}", "[]", "null", r#"{"payloadType":"application/vnd.in-toto+json"}"#, r#"{"payloadType":"x"}"#] {
        assert!(matches!(open(junk.as_bytes(), Trust::Unsigned), Err(EnvelopeError::Unreadable { .. })), "{junk}");
    }
}

#[test]
fn a_signed_statement_that_contradicts_itself_says_nothing() {
    let (private, public) = ed25519();
    let (signer, checker) = (Signer::read(&private).expect("a key"), Checker::read(&public).expect("a key"));
    let said = |payload: &str| {
        let envelope = signer.sign(payload.as_bytes()).expect("signed");
        open(serde_json::to_string(&envelope).expect("json").as_bytes(), Trust::Key(&checker))
    };
    let refused = |payload: &str| {
        let reason = match said(payload) {
            Err(EnvelopeError::Unreadable { reason, .. }) => reason,
            other => panic!("{other:?}: {payload}"),
        };
        assert!(reason.contains("contradicts itself"), "{reason}");
    };
    let good = stated(Verdict::Identical);
    assert!(said(&good.to_string()).is_ok());
    let product = Product::default();
    let own = format!("/predicate/{}", product.uri(EXTENSION).replace('~', "~0").replace('/', "~1"));
    for (path, value) in [
        (format!("{own}/verdict"), json!("differs")),
        (format!("{own}/verdict"), json!("same-content")),
        (format!("{own}/verdict"), json!("no-source")),
        (format!("{own}/reproduced"), json!(false)),
        (format!("{own}/accept"), json!("identical")),
        ("/predicate/verificationResult".to_owned(), json!("FAILED")),
        ("/predicate/verifiedLevels".to_owned(), json!(["REPRODUCED_SAME_CONTENT"])),
        ("/predicate/verifiedLevels".to_owned(), json!(["REPRODUCED_IDENTICAL", "FAILED"])),
        ("/predicate/resourceUri".to_owned(), json!("pkg:npm/other@1.0.0")),
        ("/predicate/policy/uri".to_owned(), json!("https://x/#identical")),
    ] {
        let mut edited = good.clone();
        *edited.pointer_mut(&path).expect(&path) = value;
        refused(&edited.to_string());
    }
    // Another program's result beside it, and a field twice: who reads which?
    let mut two = good.clone();
    let other = stated(Verdict::Differs).pointer(&own).expect("details").clone();
    two.pointer_mut("/predicate").and_then(Value::as_object_mut).expect("a predicate").insert(format!("https://other/{EXTENSION}"), other);
    refused(&two.to_string());
    refused(
        &good.to_string().replace(r#""verificationResult":"PASSED""#, r#""verificationResult":"FAILED","verificationResult":"PASSED""#),
    );
}

#[test]
fn a_statement_is_about_one_tarball_of_one_version() {
    let found = open(stated(Verdict::Identical).to_string().as_bytes(), Trust::Unsigned).expect("a statement");
    let zeros = format!("sha512-{}==", "A".repeat(86));
    assert!(found.is_about("@s/a", "1.0.0", &zeros, "").is_ok());
    let other = format!("sha512-{}==", "B".repeat(86));
    for (name, version, sha512) in [("@s/b", "1.0.0", &zeros), ("@s/a", "1.0.1", &zeros), ("@s/a", "1.0.0", &other)] {
        assert!(matches!(found.is_about(name, version, sha512, ""), Err(EnvelopeError::Subject { .. })), "{name}@{version}");
    }
    // A digest that is not known here proves nothing, and hides none that is wrong.
    for digest in [json!({}), json!({ "md5": "0" }), json!({ "sha512": "0".repeat(128), "sha1": "1" })] {
        let other = read::Stated { digest, ..found.clone() };
        assert!(other.is_about("@s/a", "1.0.0", &zeros, "0").is_err(), "{}", other.digest);
    }
}

#[test]
fn keys_of_other_kinds_are_refused() {
    let (private, public) = p256();
    for wrong in [
        &public[..],
        b"",
        b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
        b"-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n",
    ] {
        assert!(Signer::read(wrong).is_err());
    }
    for wrong in [&private[..], b"", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"] {
        assert!(Checker::read(wrong).is_err());
    }
}
