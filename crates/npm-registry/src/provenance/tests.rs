use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::signatures::{RegistryKey, read_keys};
use super::*;

/// Two real bundles of npm's registry, as the registry hands them out.
const SIGSTORE_2: &str = include_str!("../../../../__test__/fixtures/attestations/sigstore-2.0.0.bundle.json");
const SIGSTORE_5: &str = include_str!("../../../../__test__/fixtures/attestations/sigstore-5.0.0.bundle.json");
/// Two real documents, each with the registry's own attestation beside the provenance.
const GUNDAM: &str = include_str!("../../../../__test__/fixtures/attestations/gundam-visor-1.0.1.json");
const GOGGLES: &str = include_str!("../../../../__test__/fixtures/attestations/supreme-goggles-1.0.5.json");

const SHA_2: &str =
    "46d4e2f74c4877316640000a6fdf8a8b59f1e0847667973e9859f774dd31b8f1e0937813b777fb66a2ac67d50540fe34640966eee9fc2ccca387082b4c85cd3c";
const SHA_5: &str =
    "849a897e81bf7b8a8541a6ae40bd3473a27a16b1cb0462ad905bd6dc96d34881053a12eb4a375233f81677fc9439f628fe0b0445e8535c60b5559597fbd5f80e";
const SHA_GUNDAM: &str =
    "8d9d7972f676516c75014aa074e11ae604d98f0b64ec6725a61e2838ff3dab162118fa71433fb31e1550d30bd0dec9d086ce032b94457b583900c507acf39c40";
const SHA_GOGGLES: &str =
    "1e2ebece757250876cde9d0f6c636ed6e0088a23a6c477fe0cd1afcc11800a5ba0c932f4a57a12537063d49d717bb7ae76b8a2938b3d48e7f02617f6564ad919";

fn document(bundle: &str) -> String {
    let bundle: Value = serde_json::from_str(bundle).expect("json");
    json!({ "attestations": [{ "predicateType": "https://slsa.dev/provenance/v1", "bundle": bundle }] }).to_string()
}

fn keys() -> Vec<RegistryKey> {
    read_keys(include_bytes!("../../../../__test__/fixtures/attestations/npm-keys.json")).expect("keys")
}

fn checked(document: &str, (name, version, sha512): (&str, &str, &str)) -> Provenance {
    let sha512 = from_hex(sha512).expect("hex");
    let roots = Roots::embedded().expect("the embedded root");
    check(document.as_bytes(), &Subject { name, version, sha512: &sha512 }, Some(&keys()), &roots)
        .expect("a document")
        .expect("a provenance")
}

fn codes(found: &Provenance) -> Vec<String> {
    found.findings().into_iter().map(|finding| finding.code).collect()
}

/// A document with the provenance's payload changed.
fn edited(bundle: &str, from: &str, to: &str) -> String {
    let mut bundle: Value = serde_json::from_str(bundle).expect("json");
    let payload = bundle.pointer_mut("/dsseEnvelope/payload").expect("a payload");
    let text = String::from_utf8(STANDARD.decode(payload.as_str().expect("text")).expect("base64")).expect("utf-8");
    assert!(text.contains(from));
    *payload = Value::from(STANDARD.encode(text.replace(from, to)));
    document(&bundle.to_string())
}

#[test]
fn the_kind_of_a_statement_is_the_signed_one() {
    let found = checked(
        &GUNDAM.replace("https://slsa.dev/provenance/v1\"", "https://slsa.dev/provenance/v0\""),
        ("gundam-visor", "1.0.1", SHA_GUNDAM),
    );
    assert!(!found.verified && found.problem.as_deref().is_some_and(|problem| problem.contains("another kind")), "{found:?}");
    let swapped = GUNDAM
        .replace("https://github.com/npm/attestation/tree/main/specs/publish/v0.1\"", "kept\"")
        .replace("https://slsa.dev/provenance/v1\"", "https://github.com/npm/attestation/tree/main/specs/publish/v0.1\"")
        .replace("kept\"", "https://slsa.dev/provenance/v1\"");
    let found = check(
        swapped.as_bytes(),
        &Subject { name: "gundam-visor", version: "1.0.1", sha512: &from_hex(SHA_GUNDAM).unwrap() },
        Some(&keys()),
        &Roots::embedded().unwrap(),
    );
    assert!(
        found.is_err() || found.is_ok_and(|found| found.is_none_or(|found| !found.verified && found.registry_attestation != Some(true)))
    );
}

#[test]
fn real_bundles_verify_offline_and_name_the_commit() {
    for (bundle, version, sha512, commit, logged_at) in [
        (SIGSTORE_2, "2.0.0", SHA_2, "f0b49a04e5a62250e0f60fb128004a73110fe311", "2023-08-18"),
        (SIGSTORE_5, "5.0.0", SHA_5, "7d2900eca1c22b3f87c13987c8d4b7c9a29b733a", "2026-06-01"),
    ] {
        let found = checked(&document(bundle), ("sigstore", version, sha512));
        assert!(found.verified, "{found:?}");
        assert_eq!(found.commit.as_deref(), Some(commit));
        assert_eq!(found.repository.as_deref(), Some("https://github.com/sigstore/sigstore-js"));
        assert_eq!((found.reference.as_deref(), found.ref_kind), (Some("refs/heads/main"), Some(RefKind::ReleaseBranch)));
        assert_eq!(found.workflow.as_deref(), Some(".github/workflows/release.yml"));
        assert_eq!(found.issuer.as_deref(), Some("https://token.actions.githubusercontent.com"));
        assert_eq!(found.signer.as_deref(), Some("https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main"));
        assert!(found.logged_at.as_deref().expect("a time").starts_with(logged_at), "{found:?}");
        assert_eq!((found.subject_matches, found.digest_matches), (Some(true), Some(true)));
        assert!(found.findings().is_empty());
    }
}

#[test]
fn the_registrys_own_attestation_is_checked_with_its_key() {
    let found = checked(GUNDAM, ("gundam-visor", "1.0.1", SHA_GUNDAM));
    assert_eq!((found.verified, found.registry_attestation), (true, Some(true)));
    assert_eq!((found.reference.as_deref(), found.ref_kind), (Some("refs/tags/v1.0.1"), Some(RefKind::Tag)));
    assert_eq!(found.commit.as_deref(), Some("599500821344b070902a7a5666064bfdaba715df"));
    assert_eq!(found.trigger.as_deref(), Some("release"));
    let without_keys = {
        let sha512 = from_hex(SHA_GUNDAM).expect("hex");
        let subject = Subject { name: "gundam-visor", version: "1.0.1", sha512: &sha512 };
        check(GUNDAM.as_bytes(), &subject, None, &Roots::embedded().expect("root")).expect("a document").expect("one")
    };
    assert_eq!((without_keys.verified, without_keys.registry_attestation), (true, None));
    // The provenance of one version beside the registry's attestation of another.
    let mixed = {
        let mut ours: Value = serde_json::from_str(GUNDAM).expect("json");
        let theirs: Value = serde_json::from_str(GOGGLES).expect("json");
        *ours.pointer_mut("/attestations/0").expect("one") = theirs.pointer("/attestations/0").expect("one").clone();
        checked(&ours.to_string(), ("gundam-visor", "1.0.1", SHA_GUNDAM))
    };
    assert_eq!((mixed.verified, mixed.registry_attestation), (true, Some(false)));
    assert_eq!(codes(&mixed), ["publish-attestation-invalid"]);
}

#[test]
fn the_older_statement_of_a_scoped_package_says_the_same() {
    let found = checked(GOGGLES, ("@trishankatdatadog/supreme-goggles", "1.0.5", SHA_GOGGLES));
    assert!(found.verified, "{found:?}");
    assert_eq!(found.predicate_type.as_deref(), Some("https://slsa.dev/provenance/v0.2"));
    assert_eq!(found.repository.as_deref(), Some("https://github.com/trishankatdatadog/supreme-goggles"));
    assert_eq!(found.commit.as_deref(), Some("38ebf99444e033b2f1550c9aaaeacd62d02a12ba"));
    assert_eq!(found.workflow.as_deref(), Some(".github/workflows/npm-publish.yml"));
    assert_eq!(found.registry_attestation, Some(true));
}

#[test]
fn another_tarball_is_refused() {
    let found = checked(&document(SIGSTORE_2), ("sigstore", "2.0.0", SHA_5));
    assert_eq!((found.verified, found.digest_matches), (false, Some(false)));
    assert_eq!(codes(&found), ["provenance-digest-mismatch"]);
}

#[test]
fn the_bundle_of_another_package_or_version_is_refused() {
    for (name, version) in [("sigstore", "2.0.1"), ("sigstor", "2.0.0"), ("@sigstore/sigstore", "2.0.0")] {
        let found = checked(&document(SIGSTORE_2), (name, version, SHA_2));
        assert_eq!((found.verified, found.subject_matches), (false, Some(false)), "{name}@{version}");
        assert_eq!(codes(&found), ["provenance-subject-mismatch"]);
    }
}

#[test]
fn an_edited_payload_is_refused() {
    for (from, to) in [
        ("f0b49a04e5a62250e0f60fb128004a73110fe311", "0000000000000000000000000000000000000000"),
        ("sigstore/sigstore-js", "evil/sigstore-js"),
        (SHA_2, SHA_5),
    ] {
        let sha512 = if to == SHA_5 { SHA_5 } else { SHA_2 };
        let found = checked(&edited(SIGSTORE_2, from, to), ("sigstore", "2.0.0", sha512));
        assert!(!found.verified, "{to}");
        assert_eq!(codes(&found), ["provenance-invalid"], "{to}");
    }
}

#[test]
fn a_bundle_without_its_log_certificate_or_signature_is_refused() {
    let bundle: Value = serde_json::from_str(SIGSTORE_5).expect("json");
    for path in ["/verificationMaterial/tlogEntries", "/verificationMaterial/certificate", "/dsseEnvelope/signatures", "/dsseEnvelope"] {
        let mut bundle = bundle.clone();
        *bundle.pointer_mut(path).expect("there") = if path.ends_with('s') { json!([]) } else { json!({}) };
        let found = checked(&document(&bundle.to_string()), ("sigstore", "5.0.0", SHA_5));
        assert!(!found.verified && found.problem.is_some(), "{path}");
    }
}

#[test]
fn a_root_that_does_not_know_the_authority_refuses_and_one_that_cannot_be_read_is_an_error() {
    let sha512 = from_hex(SHA_2).expect("hex");
    let subject = Subject { name: "sigstore", version: "2.0.0", sha512: &sha512 };
    let staging = Roots::read(sigstore_trust_root::SIGSTORE_STAGING_TRUSTED_ROOT).expect("a root");
    let found = check(document(SIGSTORE_2).as_bytes(), &subject, None, &staging).expect("a document").expect("one");
    assert!(!found.verified);
    let public = Roots::read(sigstore_trust_root::SIGSTORE_PRODUCTION_TRUSTED_ROOT).expect("a root");
    assert!(check(document(SIGSTORE_2).as_bytes(), &subject, None, &public).expect("a document").expect("one").verified);
    for junk in ["", "{}", "[]", "{\"mediaType\":7}"] {
        assert!(Roots::read(junk).is_err(), "{junk}");
    }
}

#[test]
fn one_attestation_that_does_not_hold_is_not_made_up_for_by_another() {
    let good: Value = serde_json::from_str(SIGSTORE_2).expect("json");
    let bad: Value = serde_json::from_str(&edited(SIGSTORE_2, "release.yml", "relaese.yml")).expect("json");
    let one = |bundle: &Value| json!({ "predicateType": "https://slsa.dev/provenance/v1", "bundle": bundle });
    let bad = bad.pointer("/attestations/0/bundle").expect("one");
    for list in [[one(&good), one(bad)], [one(bad), one(&good)]] {
        assert!(!checked(&json!({ "attestations": list }).to_string(), ("sigstore", "2.0.0", SHA_2)).verified);
    }
}

#[test]
fn what_is_no_document_is_an_error_and_one_without_provenance_is_none() {
    let roots = Roots::embedded().expect("root");
    let subject = Subject { name: "a", version: "1.0.0", sha512: &[0; 64] };
    for junk in ["", "<html>", "{}", r#"{"attestations":{}}"#, r#"{"attestations":[1]}"#] {
        assert!(check(junk.as_bytes(), &subject, None, &roots).is_err(), "{junk}");
    }
    assert_eq!(check(br#"{"attestations":[]}"#, &subject, None, &roots), Ok(None));
}

/// Bytes of a bundle changed by chance: never a panic, and never verified with another payload. The
/// seed is fixed.
#[test]
fn a_damaged_bundle_is_refused_without_a_panic() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).expect("small")
    };
    let payload = |json: &str| {
        let value: Value = serde_json::from_str(json).ok()?;
        Some(value.pointer("/attestations/0/bundle/dsseEnvelope/payload")?.clone())
    };
    let roots = Roots::embedded().expect("root");
    let original = document(SIGSTORE_5);
    let sha512 = from_hex(SHA_5).expect("hex");
    let subject = Subject { name: "sigstore", version: "5.0.0", sha512: &sha512 };
    let mut survived = 0;
    for _ in 0..400 {
        let mut bytes = original.clone().into_bytes();
        for _ in 0..=next(3) {
            let at = next(bytes.len());
            match next(3) {
                0 => drop(bytes.remove(at)),
                1 => bytes.insert(at, b'A'),
                _ => *bytes.get_mut(at).expect("inside") = b"AZaz09+/\"{}[]:,"[next(15)],
            }
        }
        let Ok(Some(found)) = check(&bytes, &subject, Some(&keys()), &roots) else { continue };
        if found.verified {
            survived += 1;
            let text = String::from_utf8(bytes).expect("ascii");
            assert_eq!(payload(&text), payload(&original), "{text}");
        }
    }
    // Some fields are not read: a bundle with another of these is still the same bundle.
    assert!(survived < 100, "{survived}");
}

#[test]
fn branches_that_releases_are_made_from_are_told_by_their_names() {
    for name in ["main", "master", "next", "v2", "1.x", "3.0.x", "release/4", "release-5", "releases/v6", "stable"] {
        assert_eq!(RefKind::of(&format!("refs/heads/{name}")), RefKind::ReleaseBranch, "{name}");
    }
    for name in ["fix-ci", "dependabot/npm", "patch-1", "vx", "v", "mainx"] {
        assert_eq!(RefKind::of(&format!("refs/heads/{name}")), RefKind::OtherBranch, "{name}");
    }
    assert_eq!(RefKind::of("refs/tags/v1"), RefKind::Tag);
    for other in ["refs/pull/1/merge", "main", ""] {
        assert_eq!(RefKind::of(other), RefKind::Other, "{other}");
    }
}
