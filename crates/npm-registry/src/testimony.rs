//! What the registry hands out about a version besides the version: its keys and the attestations,
//! fetched while the tarball is.
//!
//! In: a release. Out: [`Testimony`], unread; then, once the tarball is here, [`Heard`]: what it is
//! worth. A registry that has none of it, or does not answer, is no failure: evidence never
//! decides.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use http::{Cancel, Client, HttpError, Trust};
use npmrc::NpmConfig;
use verdict::{Finding, Severity};

use super::metadata::{Asking, document};
use super::provenance::{self, Provenance, Roots, Subject};
use super::resolve::is_configured;
use super::signatures::{self, RegistryKey, SignatureInfo, Signed};
use super::{RegistryError, Release};

/// Largest answers that are read, in bytes. npm's keys have half a kilobyte, its attestations some
/// thirty.
const MAX_KEYS: u64 = 256 << 10;
const MAX_ATTESTATIONS: u64 = 4 << 20;
/// How long both may take, repetitions included: nobody waits for what cannot change the answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// What was handed out, unread.
#[derive(Debug, Default)]
pub struct Testimony {
    keys: Option<Vec<RegistryKey>>,
    attestations: Option<Vec<u8>>,
    findings: Vec<Finding>,
}

/// What the registry's word is worth.
#[derive(Debug, Default)]
pub struct Heard {
    /// Every signature of the registry's.
    pub signatures: Vec<SignatureInfo>,
    /// The provenance, if the registry lists attestations.
    pub provenance: Option<Provenance>,
    /// What is to be said about them.
    pub findings: Vec<Finding>,
}

/// Fetches the registry's keys and the attestations, where the release's metadata speaks of any.
pub async fn gather(release: &Release, npm: &NpmConfig, client: &Client, cancel: &Cancel) -> Testimony {
    let Some(registry) = &release.registry else { return Testimony::default() };
    let trust = if is_configured(registry, npm) { Trust::Registry } else { Trust::Stranger };
    let folder = std::env::temp_dir();
    let asking = Asking { client, cache: None, folder: &folder, cancel, trust };
    let signed = !release.signatures.is_empty();
    let keys = async {
        let url = (signed || release.attestations.is_some()).then(|| below(registry, "-/npm/v1/keys"));
        fetch(&asking, url, MAX_KEYS).await
    };
    let attestations = async {
        let url = release.attestations.as_ref().map(|named| address(registry, named));
        fetch(&asking, url, MAX_ATTESTATIONS).await
    };
    let (keys, attestations) = tokio::join!(keys, attestations);
    let mut findings = Vec::new();
    let mut unheard = |what: &str, code_is_for_provenance: bool, reason: &str| {
        let message = format!("the registry's {what} could not be fetched: {reason}");
        findings.push(if code_is_for_provenance {
            Finding::new("provenance-unchecked", Severity::Warning, message)
        } else {
            Finding::new("signatures-unchecked", Severity::Info, message)
        });
    };
    let keys = keys.unwrap_or_else(|reason| {
        unheard("keys", false, &reason);
        None
    });
    let attestations = attestations.unwrap_or_else(|reason| {
        unheard("attestations", true, &reason);
        None
    });
    Testimony { keys: keys.and_then(|json| signatures::read_keys(&json)), attestations, findings }
}

/// One document. `Ok(None)` where there is no address or the registry has no such document; the
/// error is for people.
async fn fetch(asking: &Asking<'_>, url: Option<Url>, limit: u64) -> Result<Option<Vec<u8>>, String> {
    let Some(url) = url else { return Ok(None) };
    let spool = match tokio::time::timeout(PATIENCE, document(asking, &url, limit)).await {
        Ok(Ok(document)) => document.body,
        // What mirrors answer that have neither keys nor attestations.
        Ok(Err(RegistryError::Http(HttpError::Status { status: 400 | 404 | 405 | 410 | 501, .. }))) => return Ok(None),
        Ok(Err(error)) => return Err(error.to_string()),
        Err(_) => return Err(format!("it took longer than {} seconds", PATIENCE.as_secs())),
    };
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut spool.open(), &mut bytes).map_err(|error| error.to_string())?;
    Ok(Some(bytes))
}

fn below(registry: &Url, path: &str) -> Url {
    let mut url = registry.clone();
    url.set_path(&format!("{}/{path}", registry.path().trim_end_matches('/')));
    url
}

/// Where the attestations are read: at the registry that was asked, under the path that it names.
/// As in pacote 21, the host in the metadata does not count; a mirror passes on that of the
/// registry behind it.
fn address(registry: &Url, named: &Url) -> Url {
    if named.origin() == registry.origin() && named.path().starts_with(registry.path()) {
        return named.clone();
    }
    below(registry, named.path().trim_start_matches('/'))
}

/// What a testimony is about.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The package.
    pub name: &'a str,
    /// The version.
    pub version: &'a str,
    /// What the tarball hashes to, as npm writes it: `sha512-` and base64.
    pub sha512: &'a str,
}

impl Testimony {
    /// Judges what was handed out about a tarball, which must be the announced one.
    pub fn weigh(self, release: &Release, about: &About<'_>, roots: &Roots) -> Heard {
        let Self { keys, attestations, mut findings } = self;
        let About { name, version, sha512 } = *about;
        let promised = release.integrity.clone().or_else(|| release.promised().map(|promised| promised.text()));
        let time = release.time.as_deref();
        let signatures = promised.map_or_else(Vec::new, |integrity| {
            signatures::check(&Signed { name, version, integrity: &integrity, time }, &release.signatures, keys.as_deref())
        });
        findings.extend(signatures::findings(&signatures));
        let digest = sha512.strip_prefix("sha512-").and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
        let subject = Subject { name, version, sha512: &digest };
        let provenance = attestations.and_then(|document| match provenance::check(&document, &subject, keys.as_deref(), roots) {
            Ok(provenance) => provenance,
            Err(problem) => Some(Provenance { problem: Some(problem), ..Provenance::default() }),
        });
        findings.extend(provenance.iter().flat_map(Provenance::findings));
        Heard { signatures, provenance, findings }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("an address")
    }

    #[test]
    fn attestations_are_read_from_the_registry_that_was_asked() {
        let named = url("https://registry.npmjs.org/-/npm/v1/attestations/a@1.0.0");
        for (registry, expected) in [
            ("https://registry.npmjs.org/", "https://registry.npmjs.org/-/npm/v1/attestations/a@1.0.0"),
            ("https://mirror.example/npm/", "https://mirror.example/npm/-/npm/v1/attestations/a@1.0.0"),
            ("https://mirror.example/npm", "https://mirror.example/npm/-/npm/v1/attestations/a@1.0.0"),
        ] {
            assert_eq!(address(&url(registry), &named).as_str(), expected);
        }
        let own = url("https://mirror.example/npm/-/npm/v1/attestations/a@1.0.0");
        assert_eq!(address(&url("https://mirror.example/npm/"), &own), own);
        let elsewhere = url("http://169.254.169.254/latest/meta-data");
        assert_eq!(address(&url("https://r.example/"), &elsewhere), url("https://r.example/latest/meta-data"));
    }
}
