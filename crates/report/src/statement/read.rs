//! An attestation read again: is it signed with this key, and is it about what the registry serves?

use std::io::Read as _;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use npm_registry::provenance::Roots;
use verdict::Verdict;

use super::bundle::{self, Certified, Identity};
use super::envelope::{Checker, Envelope, EnvelopeError, PAYLOAD_TYPE};
use super::{EXTENSION, STATEMENT, SUMMARY, digest_set, level, policy, purl, svr, unique};
use crate::json::{OptionsInfo, SOURCE_BY_USER};

/// Largest attestation that is read, in bytes.
const MAX_ATTESTATION: u64 = 64 << 20;
/// Why a document says nothing.
const NOT_ONE: &str = "it is not a statement about a rebuild";
const CONTRADICTS: &str = "it contradicts itself: its fields do not say the same of the result";

/// A statement of this program's, as it was read.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stated {
    /// The package, as a purl.
    pub subject: String,
    /// Its digests, by algorithm, in hex.
    pub digest: Value,
    /// The id of the key that signed it; null where no key of a user's did.
    pub key_id: Option<String>,
    /// Who signed it with a certificate; null where nobody did.
    pub signer: Option<Certified>,
    /// What was found.
    pub verdict: Verdict,
    /// Why it was not reproduced.
    pub code: Option<String>,
    /// Whether it counted as reproduced.
    pub reproduced: bool,
    /// When that was.
    pub time_verified: Option<String>,
    /// The source that it was rebuilt from, which the package declares; null where the statement
    /// does not say.
    pub source: Option<String>,
    /// Whether the verifier named that source too, and with it the commit.
    #[serde(rename = "sourceNamedByVerifier")]
    pub named: bool,
}

/// Whom a statement is believed.
#[derive(Debug, Clone, Copy)]
pub enum Trust<'a> {
    /// Whoever signed with this key.
    Key(&'a Checker),
    /// This identity, where it signed with a certificate of these roots, and the log has it.
    Identity(&'a Identity, &'a Roots),
    /// Anybody: there is no signature. By the user's own word alone.
    Unsigned,
    /// Nobody yet: no key was named.
    Nobody,
}

/// Reads an attestation and checks its signature.
pub fn read(path: &Path, trust: Trust<'_>) -> Result<Stated, EnvelopeError> {
    let unreadable = |reason: String| EnvelopeError::Unreadable { path: path.display().to_string(), reason };
    let mut json = Vec::new();
    let file = store::at_hand::open_named(path).map_err(|error| unreadable(error.to_string()))?;
    file.take(MAX_ATTESTATION + 1).read_to_end(&mut json).map_err(|error| unreadable(error.to_string()))?;
    if json.len() as u64 > MAX_ATTESTATION {
        return Err(unreadable("it is too large".into()));
    }
    open(&json, trust).map_err(|error| match error {
        EnvelopeError::Unreadable { reason, .. } => unreadable(reason),
        other => other,
    })
}

/// As [`read`], for bytes.
pub fn open(json: &[u8], trust: Trust<'_>) -> Result<Stated, EnvelopeError> {
    let unreadable = |reason: &str| EnvelopeError::Unreadable { path: String::new(), reason: reason.to_owned() };
    let value = unique::parse(json).map_err(unreadable)?;
    let read = |payload: &[u8], key_id| stated(&unique::parse(payload)?, key_id);
    if bundle::is_one(&value) {
        let Trust::Identity(identity, roots) = trust else { return Err(EnvelopeError::NoIdentity) };
        let (payload, signer) = bundle::open(json, Some(identity), roots)?;
        let found = read(&payload, None).map_err(unreadable)?;
        return Ok(Stated { signer: Some(signer), ..found });
    }
    let Some(payload_type) = value.get("payloadType").and_then(Value::as_str) else {
        return match trust {
            Trust::Key(_) | Trust::Identity(..) | Trust::Nobody => Err(EnvelopeError::Unsigned),
            Trust::Unsigned => stated(&value, None).map_err(unreadable),
        };
    };
    if payload_type != PAYLOAD_TYPE {
        return Err(unreadable("its payload is not an in-toto statement"));
    }
    let envelope: Envelope = serde_json::from_value(value).map_err(|_| unreadable("it is no envelope"))?;
    let Trust::Key(key) = trust else { return Err(EnvelopeError::NoKey) };
    let payload = key.open(&envelope)?;
    read(&payload, Some(key.id.clone())).map_err(unreadable)
}

/// What a statement says; the error is for people.
fn stated(statement: &Value, key_id: Option<String>) -> Result<Stated, &'static str> {
    // Somebody who knows another program by its address would read the other one's.
    let predicate = statement.get("predicate").and_then(Value::as_object);
    if predicate.is_some_and(|fields| fields.keys().filter(|key| key.ends_with(&format!("/{EXTENSION}"))).count() > 1) {
        return Err(CONTRADICTS);
    }
    let found = stated_by(statement, key_id).ok_or(NOT_ONE)?;
    let is_summary = statement.get("predicateType").and_then(Value::as_str) == Some(SUMMARY);
    if is_summary && !agrees(statement, &found) { Err(CONTRADICTS) } else { Ok(found) }
}

/// Whether all that a summary says of the result is what its verdict comes to.
fn agrees(statement: &Value, found: &Stated) -> bool {
    let text = |path: &str| statement.pointer(path).and_then(Value::as_str);
    let details = text("/predicate/verifier/id").and_then(|id| statement.get("predicate")?.get(format!("{id}/{EXTENSION}")));
    let accept = details.and_then(|details| details.pointer("/buildDefinition/externalParameters/options/accept"));
    let Some(accept) = accept.and_then(|accept| serde_json::from_value(accept.clone()).ok()) else { return false };
    let policy = policy(accept);
    found.verdict.is_decided()
        && found.reproduced == found.verdict.reproduced(accept)
        && statement.pointer("/predicate/verifiedLevels") == Some(&serde_json::json!([level(found.verdict, found.reproduced)]))
        && text("/predicate/verificationResult") == Some(if found.reproduced { "PASSED" } else { "FAILED" })
        && text("/predicate/resourceUri") == Some(found.subject.as_str())
        && text("/predicate/policy/uri").and_then(|uri| uri.rsplit_once('#')).is_some_and(|(_, named)| named == policy)
        && details.and_then(|details| details.get("accept")).and_then(Value::as_str) == Some(policy)
}

fn stated_by(statement: &Value, key_id: Option<String>) -> Option<Stated> {
    let text = |path: &str| statement.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let kind = text("/predicateType")?;
    if text("/_type")? == STATEMENT && kind == svr::RESULT {
        return svr::stated(statement).map(|stated| Stated { key_id, ..stated });
    }
    let is_ours = text("/_type")? == STATEMENT && kind == SUMMARY;
    // A program of another name or place has another address: whom it is believed is a matter of
    // the key.
    let extension = format!("{}/{EXTENSION}", text("/predicate/verifier/id")?);
    let details = statement.get("predicate")?.get(extension).filter(|_| is_ours)?;
    let subjects = statement.get("subject")?.as_array().filter(|subjects| subjects.len() == 1)?;
    let subject = subjects.first()?;
    let reproduced = details.get("reproduced")?.as_bool()?;
    let options = details.pointer("/buildDefinition/externalParameters/options")?;
    let options: OptionsInfo = serde_json::from_value(options.clone()).ok()?;
    // Nothing passes on commands that a user gave.
    (!options.rests_on_the_user()).then_some(())?;
    // Nor a source that nobody but a user named, as earlier versions of this program stated.
    let mut findings = details.get("findings").and_then(Value::as_array).into_iter().flatten();
    if findings.any(|finding| finding.get("code").and_then(Value::as_str) == Some(SOURCE_BY_USER)) {
        return None;
    }
    Some(Stated {
        subject: subject.get("name")?.as_str()?.to_owned(),
        digest: subject.get("digest").filter(|digest| digest.is_object())?.clone(),
        key_id,
        signer: None,
        verdict: serde_json::from_value(details.get("verdict")?.clone()).ok()?,
        code: details.get("code").and_then(Value::as_str).map(str::to_owned),
        reproduced,
        time_verified: text("/predicate/timeVerified"),
        source: details.pointer("/buildDefinition/externalParameters/source").and_then(Value::as_str).map(str::to_owned),
        named: options.source.is_some(),
    })
}

impl Stated {
    /// Whether it is about this version and this tarball. `sha512` is as npm writes it, `shasum` is
    /// sha1 in hex; the stated digests must all agree, and one of them must be there.
    pub fn is_about(&self, name: &str, version: &str, sha512: &str, shasum: &str) -> Result<(), EnvelopeError> {
        let served = purl(name, version);
        let differs = |stated: String, served: String| EnvelopeError::Subject { stated, served };
        if self.subject != served {
            return Err(differs(self.subject.clone(), served));
        }
        let own = digest_set(sha512).and_then(|set| set.get("sha512").and_then(Value::as_str).map(str::to_owned)).unwrap_or_default();
        let stated: Vec<(&str, Option<&str>)> =
            self.digest.as_object().into_iter().flatten().map(|(algorithm, hex)| (algorithm.as_str(), hex.as_str())).collect();
        let holds = |(algorithm, hex): &(&str, Option<&str>)| match *algorithm {
            "sha512" => *hex == Some(own.as_str()),
            "sha1" => *hex == Some(shasum),
            _ => false,
        };
        match stated.iter().find(|one| !holds(one)) {
            None if !stated.is_empty() => Ok(()),
            Some((algorithm, hex)) => {
                Err(differs(format!("a tarball with {algorithm} {}", hex.unwrap_or("of no kind")), format!("one with sha512 {own}")))
            }
            None => Err(differs("a tarball without a digest".into(), format!("one with sha512 {own}"))),
        }
    }
}

/// A short form of a digest for people: the algorithm and the first digits.
pub fn short(digest: &Value) -> String {
    let first = digest.as_object().and_then(|set| set.iter().next());
    first
        .map(|(algorithm, hex)| format!("{algorithm} {}…", hex.as_str().unwrap_or_default().chars().take(16).collect::<String>()))
        .unwrap_or_default()
}
