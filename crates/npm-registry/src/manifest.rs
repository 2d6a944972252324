//! One version's metadata, with every field optional.

use std::collections::BTreeMap;

use serde_json::Value;
use url::Url;

use verdict::{Finding, Severity};

use super::confusion::shown;
use super::integrity::Integrity;

/// Longest text that is taken from a manifest's own fields, and most signatures.
const MAX_TEXT: usize = 4096;
const MAX_SIGNATURES: usize = 32;

/// One published version: what the registry says of it. For a tarball by address or on disk only
/// `location` is known.
#[derive(Debug, Clone, Default)]
pub struct Release {
    /// Package.
    pub name: Option<String>,
    /// Version, as the registry spells it.
    pub version: Option<String>,
    /// The registry that was asked.
    pub registry: Option<Url>,
    /// The tarball's address as fetched, or the path of a file.
    pub location: String,
    /// The same as an address; none for a file.
    pub url: Option<Url>,
    /// `dist.integrity` as it stands in the manifest.
    pub integrity: Option<String>,
    /// `dist.shasum` as it stands in the manifest.
    pub shasum: Option<String>,
    /// The version's own object.
    pub manifest: Option<Value>,
    /// When it was published, if a packument was read and says so. A mirror's time may be its own.
    pub time: Option<String>,
    /// All tags, if a packument was read.
    pub dist_tags: BTreeMap<String, String>,
    /// Why it is deprecated.
    pub deprecated: Option<String>,
    /// `gitHead`, if it looks like a commit.
    pub git_head: Option<String>,
    /// `_npmVersion`: the npm that published it.
    pub npm_version: Option<String>,
    /// `_nodeVersion`: the Node that it ran on.
    pub node_version: Option<String>,
    /// `dist.attestations.url`.
    pub attestations: Option<Url>,
    /// `dist.signatures`.
    pub signatures: Vec<Signature>,
    /// `dist.fileCount`.
    pub file_count: Option<u64>,
    /// `dist.unpackedSize`, in bytes.
    pub unpacked_size: Option<u64>,
}

/// One registry signature over `name@version:integrity`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Which of the registry's keys.
    pub key_id: String,
    /// Base64.
    pub signature: String,
}

impl Release {
    /// Reads a manifest. None if `dist.tarball` is not an address.
    pub(super) fn read(manifest: Value, registry: &Url) -> Option<Self> {
        let dist = manifest.get("dist");
        let in_dist = |key: &str| dist.and_then(|dist| dist.get(key));
        let url = in_dist("tarball").and_then(text).and_then(|text| Url::parse(&text).ok())?;
        let signatures = in_dist("signatures").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        Some(Self {
            registry: Some(registry.clone()),
            location: url.to_string(),
            deprecated: match manifest.get("deprecated") {
                Some(Value::Bool(true)) => Some(String::new()),
                other => other.and_then(text).filter(|reason| !reason.is_empty()),
            },
            attestations: in_dist("attestations").and_then(|it| it.get("url")).and_then(text).and_then(|text| Url::parse(&text).ok()),
            signatures: signatures.iter().take(MAX_SIGNATURES).filter_map(signature).collect(),
            file_count: in_dist("fileCount").and_then(Value::as_u64),
            unpacked_size: in_dist("unpackedSize").and_then(Value::as_u64),
            url: Some(url),
            ..Self::told(manifest)
        })
    }

    /// What a publisher tells of a version, without what a registry adds once it is published: its
    /// manifest, hashes, commit and tools.
    pub fn told(manifest: Value) -> Self {
        let in_dist = |key: &str| manifest.get("dist").and_then(|dist| dist.get(key)).and_then(text);
        Self {
            name: manifest.get("name").and_then(text),
            version: manifest.get("version").and_then(text),
            integrity: in_dist("integrity"),
            shasum: in_dist("shasum"),
            git_head: manifest.get("gitHead").and_then(text).filter(|id| is_commit(id)),
            npm_version: manifest.get("_npmVersion").and_then(text),
            node_version: manifest.get("_nodeVersion").and_then(text),
            manifest: Some(manifest),
            ..Self::default()
        }
    }

    /// A word for who installs a version that its publisher has deprecated; `None` for any other.
    pub fn deprecation(&self) -> Option<Finding> {
        let message = match self.deprecated.as_deref()?.trim() {
            "" => "its publisher has deprecated this version, and gives no reason".to_owned(),
            reason => format!("its publisher has deprecated this version: {}", shown(reason)),
        };
        Some(Finding::new("version-deprecated", Severity::Info, message))
    }

    /// What the tarball must hash to, by `integrity` or else `shasum`. None where the registry
    /// promises nothing usable.
    pub fn promised(&self) -> Option<Integrity> {
        self.integrity.as_deref().and_then(Integrity::parse).or_else(|| self.shasum.as_deref().and_then(Integrity::from_shasum))
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| text.len() <= MAX_TEXT).map(str::to_owned)
}

fn signature(value: &Value) -> Option<Signature> {
    Some(Signature { key_id: value.get("keyid").and_then(text)?, signature: value.get("sig").and_then(text)? })
}

/// A full object id: sha1 or sha256.
fn is_commit(id: &str) -> bool {
    matches!(id.len(), 40 | 64) && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}
