//! Credentials: found under the address that they belong to, never printed.

use std::fmt;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use url::Url;

use super::ConfigFinding;
use super::layers::Layers;

/// Most steps up an address's path.
const MAX_STEPS: usize = 512;

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself: for a request's header, and for nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// How to identify oneself to one registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// The value of the `Authorization` header.
    pub header: Option<Secret>,
    /// A certificate for the TLS connection.
    pub identity: Option<ClientIdentity>,
}

/// A client certificate and its key, both PEM files.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientIdentity {
    /// npm's `certfile`.
    pub certificate: PathBuf,
    /// npm's `keyfile`.
    pub key: PathBuf,
}

/// Looks at `//host/path/file`, `//host/path/`, `//host/path`, `//host/`, `//host`, and takes the
/// first that has credentials.
pub(super) fn find(layers: &Layers, url: &Url) -> Option<Auth> {
    let host = url.host_str()?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let mut key = format!("//{host}{port}{}", url.path());
    for _ in 0..MAX_STEPS {
        if key.len() <= 2 {
            break;
        }
        if let Some(auth) = at(layers, &key) {
            return Some(auth);
        }
        let shorter = key.strip_suffix('/').map_or_else(|| key.rfind('/').map_or(0, |at| at + 1), str::len);
        key.truncate(shorter);
    }
    None
}

fn at(layers: &Layers, key: &str) -> Option<Auth> {
    let get = |name: &str| layers.text(&format!("{key}:{name}")).filter(|text| !text.is_empty());
    let path = |name: &str| layers.path(&format!("{key}:{name}"));
    let header = if let Some(token) = get("_authToken") {
        Some(format!("Bearer {token}"))
    } else if let Some(auth) = get("_auth") {
        Some(format!("Basic {auth}"))
    } else {
        get("username").zip(get("_password")).map(|(user, password)| {
            let clear = LENIENT.decode(password.trim_end_matches('=')).unwrap_or_default();
            format!("Basic {}", STANDARD.encode(format!("{user}:{}", String::from_utf8_lossy(&clear))))
        })
    };
    let identity = path("certfile").zip(path("keyfile")).map(|(certificate, key)| ClientIdentity { certificate, key });
    (header.is_some() || identity.is_some()).then(|| Auth { header: header.map(Secret::new), identity })
}

/// Node reads base64 with or without padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true),
);

/// Credentials that belong to no address would go to every registry: npm 9 and later refuse them,
/// and so do we.
pub(super) fn note_unscoped<'a>(keys: impl Iterator<Item = &'a String>, findings: &mut Vec<ConfigFinding>) {
    for key in keys.filter(|key| matches!(key.as_str(), "_auth" | "_authToken" | "_authtoken" | "-authtoken" | "_password")) {
        let finding = ConfigFinding {
            code: "auth-not-scoped",
            message: format!("{key} belongs to no registry and was ignored; npm expects it as //host/:{key}"),
        };
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
}
