//! What the registry says of the build that a version comes from, signed.

use std::sync::LazyLock;

use npm_registry::provenance::{Provenance, Roots, Subject, check};
use npm_registry::signatures::{RegistryKey, read_keys};

/// A real document, and the tarball that it is about.
const GENUINE: &[u8] = include_bytes!("../../../__test__/fixtures/attestations/gundam-visor-1.0.1.json");
const SHA512: &str =
    "8d9d7972f676516c75014aa074e11ae604d98f0b64ec6725a61e2838ff3dab162118fa71433fb31e1550d30bd0dec9d086ce032b94457b583900c507acf39c40";

static ROOTS: LazyLock<Roots> = LazyLock::new(|| Roots::embedded().unwrap());
static KEYS: LazyLock<Vec<RegistryKey>> =
    LazyLock::new(|| read_keys(include_bytes!("../../../__test__/fixtures/attestations/npm-keys.json")).unwrap());
static EXPECTED: LazyLock<Provenance> = LazyLock::new(|| checked(GENUINE).unwrap().unwrap());

fn checked(document: &[u8]) -> Result<Option<Provenance>, String> {
    let sha512: Vec<u8> = (0..SHA512.len()).step_by(2).map(|at| u8::from_str_radix(&SHA512[at..at + 2], 16).unwrap()).collect();
    check(document, &Subject { name: "gundam-visor", version: "1.0.1", sha512: &sha512 }, Some(&KEYS), &ROOTS)
}

/// The document of the seed, changed.
pub(crate) fn provenance(input: &[u8]) -> String {
    assert!(EXPECTED.verified, "{EXPECTED:?}");
    let keys = read_keys(input).map(|keys| keys.len().min(3));
    let found = match checked(input) {
        Ok(Some(found)) => found,
        Ok(None) => return format!("none {keys:?}"),
        Err(error) => return format!("{} {keys:?}", error.chars().take(30).collect::<String>()),
    };
    if found.verified {
        // The registry's own attestation stands beside it, and is signed by itself.
        let genuine = Provenance { registry_attestation: found.registry_attestation, ..EXPECTED.clone() };
        assert_eq!(found, genuine, "a forged provenance");
    }
    let problem = found.problem.unwrap_or_default().chars().take(24).collect::<String>();
    format!("{} {:?} {:?} {:?} {problem}", found.verified, found.subject_matches, found.digest_matches, found.registry_attestation)
}

/// The seed.
pub(crate) fn genuine() -> Vec<Vec<u8>> {
    vec![GENUINE.to_vec()]
}
