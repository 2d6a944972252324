//! Those who vouch: the certificate authority (Fulcio), the log (Rekor) and the timestamp authority
//! of one Sigstore.
//!
//! Each request is this program's own, so that its network policy holds: https alone, certificates
//! verified whatever npm's `strict-ssl` says, no registry's credentials, no redirect of what
//! carries a token.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sigstore_rekor::{DsseEntry, HashedRekordV2, LogEntry, RekorV2KeyDetails};
use sigstore_trust_root::{SIGSTORE_PRODUCTION_SIGNING_CONFIG, ServiceConfiguration, ServiceEndpoint, ServiceSelector, SigningConfig};
use sigstore_types::{
    DerCertificate, DerPublicKey, DsseEnvelope, KindVersion, Sha256Hash, SignatureBytes, TimestampToken, TransparencyLogEntry,
};
use url::Url;

use http::{Cancel, Client, Request, Trust};
use npmrc::Secret;

use super::SigningError;
use super::identity::Token;

/// Largest `signing_config.json` that is read, in bytes. The public one has one kilobyte.
const MAX_CONFIG: u64 = 1 << 20;
/// Most services of one kind that are asked: a configuration that wants more is no configuration.
const MAX_SERVICES: usize = 8;
/// Largest answer of a service, in bytes. A log's has the statement in it.
const MAX_ANSWER: u64 = 128 << 20;
/// Longest time for one answer. The newer log answers once the entry is in it.
const PATIENCE: Duration = Duration::from_secs(60);
/// Most characters of what a service says about a refusal.
const MAX_REASON: usize = 300;

const FULCIO: &str = "the certificate authority";
const REKOR: &str = "the transparency log";
const TSA: &str = "the timestamp authority";

/// The services that are asked.
#[derive(Debug)]
pub(super) struct Services {
    authority: Url,
    logs: Vec<Log>,
    clocks: Vec<Url>,
}

/// A log, and which of its two protocols it speaks.
#[derive(Debug)]
struct Log {
    url: Url,
    version: u32,
}

/// The way to a service.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) client: &'a Client,
    pub(super) cancel: &'a Cancel,
}

/// The leaf of a chain, with its entry in the certificate log inside.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Issued {
    signed_certificate_embedded_sct: Option<Chain>,
}

#[derive(Deserialize)]
struct Chain {
    chain: Certificates,
}

#[derive(Deserialize)]
struct Certificates {
    certificates: Vec<String>,
}

/// An address that a token may be sent to. The error is the end of a sentence.
pub(super) fn https(address: &str) -> Result<Url, &'static str> {
    let url = Url::parse(address).map_err(|_| "is no address")?;
    let plain = url.username().is_empty() && url.password().is_none() && url.has_host();
    if url.scheme() == "https" && plain { Ok(url) } else { Err("is not an https address without credentials") }
}

impl Services {
    /// Reads a `signing_config.json`, or the public Sigstore's as it was when this program was
    /// built.
    pub(super) fn read(path: Option<&Path>) -> Result<Self, SigningError> {
        let shown = path.map_or_else(|| "the embedded configuration".to_owned(), |path| path.display().to_string());
        let read = |path: &Path| {
            let mut json = String::new();
            std::fs::File::open(path)?.take(MAX_CONFIG).read_to_string(&mut json)?;
            Ok(json)
        };
        let json = path.map_or_else(|| Ok(SIGSTORE_PRODUCTION_SIGNING_CONFIG.to_owned()), read);
        json.map_err(|error: std::io::Error| error.to_string())
            .and_then(|json| SigningConfig::from_json(&json).map_err(|error| error.to_string()))
            .and_then(|config| Self::of(&config))
            .map_err(|reason| SigningError::Config { path: shown, reason })
    }

    /// Those that count now, as many of each kind as the configuration wants.
    fn of(config: &SigningConfig) -> Result<Self, String> {
        let address = |one: &ServiceEndpoint| https(&one.url).map_err(|reason| format!("{} {reason}", one.url));
        let authority = address(config.fulcio_url().ok_or("there is no certificate authority")?)?;
        let logs = chosen(config.eligible_rekor_urls(None), &config.rekor_tlog_config, "log")?;
        let logs: Vec<Log> =
            logs.into_iter().map(|one| Ok(Log { url: address(one)?, version: one.major_api_version })).collect::<Result<_, String>>()?;
        let clocks = if config.tsa_urls.is_empty() {
            Vec::new()
        } else {
            chosen(config.eligible_tsa_urls(), &config.tsa_config, "timestamp authority")?
                .into_iter()
                .map(address)
                .collect::<Result<_, _>>()?
        };
        if clocks.is_empty() && logs.iter().any(|log| log.version > 1) {
            return Err("its log gives no time, and there is no timestamp authority".to_owned());
        }
        Ok(Self { authority, logs, clocks })
    }

    pub(super) fn addresses(&self) -> impl Iterator<Item = &Url> {
        std::iter::once(&self.authority).chain(self.logs.iter().map(|log| &log.url)).chain(&self.clocks)
    }

    /// A certificate for a key, by an identity token; `proof` is the token's subject, signed with
    /// the key.
    pub(super) async fn certificate(
        &self,
        token: &Token,
        key: &DerPublicKey,
        proof: &SignatureBytes,
        asking: &Asking<'_>,
    ) -> Result<DerCertificate, SigningError> {
        let wanted = json!({
            "credentials": { "oidcIdentityToken": token.raw().expose() },
            "publicKeyRequest": { "publicKey": { "algorithm": "", "content": key.to_pem() }, "proofOfPossession": proof },
        });
        let answer = asking.post(FULCIO, &below(&self.authority, "api/v2/signingCert"), &wanted, &[token.raw()]).await?;
        let failed = |reason: &str| SigningError::Service { service: FULCIO, reason: reason.to_owned() };
        let issued: Issued = serde_json::from_slice(&answer).map_err(|_| failed("its answer is not a certificate"))?;
        let chain = issued.signed_certificate_embedded_sct.ok_or_else(|| failed("its certificate has no entry in a log"))?.chain;
        let leaf = chain.certificates.first().ok_or_else(|| failed("its answer is not a certificate"))?;
        DerCertificate::from_pem(leaf).map_err(|_| failed("its certificate is not one"))
    }

    /// What the timestamp authorities say to a signature.
    pub(super) async fn timestamps(&self, envelope: &DsseEnvelope, asking: &Asking<'_>) -> Result<Vec<TimestampToken>, SigningError> {
        let query = timestamp_query(envelope.signature.sig.as_bytes());
        let mut all = Vec::with_capacity(self.clocks.len());
        for clock in &self.clocks {
            let request = Request::post(clock.clone(), Trust::Stranger, query.clone().into())
                .header("content-type", "application/timestamp-query")
                .header("accept", "application/timestamp-reply");
            all.push(TimestampToken::new(asking.send(TSA, request, &[]).await?));
        }
        Ok(all)
    }

    /// The entries of a signed statement in the logs.
    pub(super) async fn entries(
        &self,
        envelope: &DsseEnvelope,
        certificate: &DerCertificate,
        asking: &Asking<'_>,
    ) -> Result<Vec<TransparencyLogEntry>, SigningError> {
        let failed = |reason: String| SigningError::Service { service: REKOR, reason: cut(&reason) };
        let mut all = Vec::with_capacity(self.logs.len());
        for Log { url, version } in &self.logs {
            all.push(if *version == 1 {
                let wanted = DsseEntry::new(envelope, certificate).map_err(|error| failed(error.to_string()))?;
                let answer = asking.post(REKOR, &below(url, "api/v1/log/entries"), &wanted, &[]).await?;
                let entries: BTreeMap<String, LogEntry> =
                    serde_json::from_slice(&answer).map_err(|_| failed("its answer is no entry".into()))?;
                let entry = entries.into_values().next().ok_or_else(|| failed("its answer is no entry".into()))?;
                entry.to_bundle_entry(KindVersion::DsseV001).map_err(|error| failed(error.to_string()))?
            } else {
                let hash = Sha256Hash::new(Sha256::digest(envelope.pae()).into());
                let details = RekorV2KeyDetails::PkixEcdsaP256Sha256;
                let wanted = HashedRekordV2::new_with_certificate(&hash, &envelope.signature.sig, certificate, details);
                let answer = asking.post(REKOR, &below(url, "api/v2/log/entries"), &wanted, &[]).await?;
                serde_json::from_slice(&answer).map_err(|_| failed("its answer is no entry".into()))?
            });
        }
        Ok(all)
    }
}

/// As many of the services as a configuration wants.
fn chosen<'a>(services: Vec<&'a ServiceEndpoint>, wanted: &ServiceConfiguration, kind: &str) -> Result<Vec<&'a ServiceEndpoint>, String> {
    let count = match wanted.selector {
        ServiceSelector::Any => 1,
        ServiceSelector::All => services.len().max(1),
        ServiceSelector::Exact => {
            wanted.count.and_then(|count| usize::try_from(count).ok()).filter(|count| *count > 0).unwrap_or(usize::MAX)
        }
        _ => return Err(format!("it does not say how many of its {kind}s to ask")),
    };
    if count > MAX_SERVICES || services.len() < count {
        return Err(format!("it wants another number of {kind}s than it has now"));
    }
    Ok(services.into_iter().take(count).collect())
}

/// An address below a service's, whatever that ends with.
fn below(service: &Url, path: &str) -> Url {
    let mut url = service.clone();
    url.set_path(&format!("{}/{path}", service.path().trim_end_matches('/')));
    url
}

/// RFC 3161's request, in DER: version 1, the sha256 of what is to be stamped, and the wish for the
/// authority's certificate. No nonce: the hash is of a signature that was made a moment ago, and
/// nobody has stamped it before.
fn timestamp_query(stamped: &[u8]) -> Vec<u8> {
    const HEAD: [u8; 24] = [
        0x30, 0x39, 0x02, 0x01, 0x01, 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
        0x04, 0x20,
    ];
    const WITH_CERTIFICATE: [u8; 3] = [0x01, 0x01, 0xff];
    [&HEAD[..], Sha256::digest(stamped).as_slice(), &WITH_CERTIFICATE].concat()
}

impl Asking<'_> {
    /// Posts JSON. What is secret of it is not in any message, whatever comes back.
    async fn post(&self, service: &'static str, url: &Url, wanted: &impl Serialize, secret: &[&Secret]) -> Result<Vec<u8>, SigningError> {
        let body =
            serde_json::to_vec(wanted).map_err(|_| SigningError::Service { service, reason: "the request cannot be written".into() })?;
        let request = Request::post(url.clone(), Trust::Stranger, Bytes::from(body))
            .header("content-type", "application/json")
            .header("accept", "application/json");
        self.send(service, request, secret).await
    }

    /// Sends a request and reads the answer; anything but a success is an error, with the service's
    /// own words.
    pub(super) async fn send(&self, service: &'static str, request: Request, secret: &[&Secret]) -> Result<Vec<u8>, SigningError> {
        let mut request = request.max_body(MAX_ANSWER).cancelled_by(self.cancel);
        request.total_timeout = Some(PATIENCE);
        let network = |source| SigningError::Network { service, source };
        let mut response = self.client.send(&request).await.map_err(network)?;
        let mut body = Vec::new();
        while let Some(piece) = response.body.chunk().await.map_err(network)? {
            body.extend_from_slice(&piece);
        }
        if (200..300).contains(&response.status) {
            return Ok(body);
        }
        let said = said(&body).filter(|said| !secret.iter().any(|secret| tells(said, secret)));
        let reason = said.map_or_else(|| format!("HTTP {}", response.status), |said| format!("HTTP {}: {said}", response.status));
        Err(SigningError::Service { service, reason })
    }
}

/// What a service says about a refusal: `{"message": …}`, as Fulcio and Rekor do.
fn said(body: &[u8]) -> Option<String> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let message = answer.get("message")?.as_str()?;
    Some(cut(message)).filter(|message| !message.is_empty())
}

/// Whether a text has a secret or a part of one in it: a token has three, and a message may have
/// been cut.
fn tells(text: &str, secret: &Secret) -> bool {
    /// Shorter pieces are anybody's.
    const LEAST: usize = 12;
    let parts = secret.expose().split('.').filter(|part| !part.is_empty());
    parts.filter_map(|part| part.get(..part.len().min(LEAST))).any(|start| text.contains(start))
}

/// A stranger's text, at a length for people.
fn cut(text: &str) -> String {
    text.chars().take(MAX_REASON).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(edit: impl FnOnce(&mut Value)) -> Result<Services, String> {
        let mut json: Value = serde_json::from_str(SIGSTORE_PRODUCTION_SIGNING_CONFIG).expect("json");
        edit(&mut json);
        Services::of(&SigningConfig::from_json(&json.to_string()).expect("a configuration"))
    }

    #[test]
    fn the_public_services_are_the_ones_without_a_configuration() {
        let services = Services::read(None).expect("services");
        assert_eq!(services.authority.as_str(), "https://fulcio.sigstore.dev/");
        assert!(
            services.addresses().all(|url| url.scheme() == "https" && url.host_str().is_some_and(|host| host.ends_with(".sigstore.dev")))
        );
        assert_eq!((services.logs.len(), services.clocks.len()), (1, 1));
    }

    #[test]
    fn a_configuration_gives_as_many_services_as_it_wants_or_none() {
        let log = |version: u32| json!({ "url": "https://log.example", "majorApiVersion": version, "validFor": { "start": "2020-01-01T00:00:00Z" } });
        let two = |json: &mut Value| json["rekorTlogUrls"] = json!([log(1), log(2)]);
        assert!(config(two).is_ok_and(|services| services.logs.len() == 1 && services.logs[0].version == 2));
        for (selector, count) in [(json!({ "selector": "ALL" }), Some(2)), (json!({ "selector": "EXACT", "count": 2 }), Some(2))] {
            let found = config(|json| {
                two(json);
                json["rekorTlogConfig"] = selector;
            });
            assert_eq!(found.ok().map(|services| services.logs.len()), count);
        }
        let refused = |edit: fn(&mut Value)| assert!(config(edit).is_err());
        refused(|json| json["rekorTlogConfig"] = json!({ "selector": "EXACT", "count": 2 }));
        refused(|json| json["rekorTlogConfig"] = json!({ "selector": "EXACT" }));
        refused(|json| json["rekorTlogConfig"] = json!({ "selector": "SERVICE_SELECTOR_UNDEFINED" }));
        refused(|json| json["rekorTlogUrls"] = json!([]));
        refused(|json| json["caUrls"] = json!([]));
        refused(|json| json["caUrls"][0]["url"] = json!("http://fulcio.example"));
        refused(|json| json["caUrls"][0]["url"] = json!("https://me:secret@fulcio.example"));
        refused(|json| json["caUrls"][0]["validFor"] = json!({ "start": "2020-01-01T00:00:00Z", "end": "2021-01-01T00:00:00Z" }));
        // A timestamp authority that was there and has ended is missed; where there never was one
        // it is not.
        refused(|json| json["tsaUrls"][0]["validFor"] = json!({ "start": "2020-01-01T00:00:00Z", "end": "2021-01-01T00:00:00Z" }));
        assert!(config(|json| json["tsaUrls"] = json!([])).is_ok_and(|services| services.clocks.is_empty()));
        assert!(
            config(|json| {
                json["tsaUrls"] = json!([]);
                json["rekorTlogUrls"][0]["majorApiVersion"] = json!(2);
            })
            .is_err(),
            "a log without a time, and no clock"
        );
    }

    #[test]
    fn a_path_below_a_service_is_its_own_and_more() {
        for (service, all) in [("https://h.example", "https://h.example/a/b"), ("https://h.example/x/", "https://h.example/x/a/b")] {
            assert_eq!(below(&Url::parse(service).expect("url"), "a/b").as_str(), all);
        }
    }

    #[test]
    fn a_refusal_is_told_unless_it_has_a_part_of_the_secret() {
        let secret = Secret::new("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJzb21lYm9keSJ9.c2lnbmF0dXJlLW9mLWl0".into());
        assert_eq!(said(br#"{"message":"no such issuer"}"#).as_deref(), Some("no such issuer"));
        for nothing in [&b"no"[..], b"{}", br#"{"message":1}"#, br#"{"message":""}"#] {
            assert_eq!(said(nothing), None);
        }
        assert!(!tells("the token is too old", &secret));
        for part in ["eyJhbGciOiJFUzI1NiJ9.eyJz", "bad: eyJzdWIiOiJzb21lYm9keSJ9", "c2lnbmF0dXJlLW9mLWl0"] {
            assert!(tells(part, &secret), "{part}");
        }
    }

    #[test]
    fn a_question_to_a_clock_is_what_openssl_asks() {
        // openssl ts -query -data <(printf x) -sha256 -no_nonce -cert
        let hash = hex::encode(Sha256::digest(b"x"));
        assert_eq!(hex::encode(timestamp_query(b"x")), format!("30390201013031300d060960864801650304020105000420{hash}0101ff"));
    }
}
