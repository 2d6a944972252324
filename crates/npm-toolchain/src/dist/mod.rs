//! Node from the project's own distribution, or a mirror of it: `<address>/v<version>/`.
//!
//! Nothing of the address is trusted. SHASUMS256.txt counts if its signature is one of a key that
//! the user named, and a tarball counts if it has the hash there. The list of versions is not
//! signed: it says what to ask for, and what comes is checked.

mod openpgp;
pub mod shasums;

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use base64::Engine as _;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use url::Url;

pub use openpgp::{KeyRing, MAX_KEYS, Signer};

use http::{Cancel, Client, HttpError, Request, Sink, Trust};
use npm_registry::{Spool, SpoolWriter};
use npm_spec::tool::{Kind, Platform};
use npm_spec::version;

use super::error::ToolchainError;
use super::index::PublishedVersion;

/// Largest list of versions, in bytes. nodejs.org's has some 300 kB.
const MAX_INDEX: u64 = 16 << 20;
/// Most versions that are read.
const MAX_VERSIONS: usize = 100_000;
/// Largest SHASUMS256.txt, signed or not, in bytes. Node 26 has 4 kB.
const MAX_SHASUMS: u64 = 64 << 10;
/// Largest signature, in bytes.
const MAX_SIGNATURE: u64 = 16 << 10;

/// Where Node comes from by the user's word, and whom it is believed from.
#[derive(Debug)]
pub struct Distribution {
    /// With a slash at the end, without credentials, query and fragment.
    url: Url,
    keys: KeyRing,
    memory: Mutex<HashMap<String, Signed>>,
}

/// A file that a signature covers.
#[derive(Debug, Clone)]
pub(super) struct Signed {
    /// Its name, and the address that it is at.
    pub(super) file: String,
    pub(super) url: Url,
    /// As npm writes it: `sha256-…`.
    pub(super) integrity: String,
    /// Who signed.
    pub(super) signer: Signer,
}

/// How a distribution is asked.
pub(super) struct Asking<'a> {
    pub(super) client: &'a Client,
    pub(super) cancel: &'a Cancel,
}

impl Distribution {
    /// A distribution at an address, which must be http or https and without credentials; none
    /// where it is not.
    pub fn at(address: &str, keys: KeyRing) -> Option<Self> {
        let mut url = Url::parse(address).ok()?;
        let plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
        if !plain || url.query().is_some() || url.fragment().is_some() {
            return None;
        }
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        Some(Self { url, keys, memory: Mutex::default() })
    }

    /// The address.
    pub fn address(&self) -> &str {
        self.url.as_str()
    }

    /// sha256 of the keys, in hex.
    pub fn keys(&self) -> &str {
        self.keys.digest()
    }

    /// What there is for a platform, ascending.
    pub(super) async fn versions(&self, platform: Platform, asking: &Asking<'_>) -> Result<Vec<PublishedVersion>, ToolchainError> {
        #[derive(Deserialize)]
        struct Row {
            version: String,
            date: Option<String>,
            #[serde(default)]
            files: Vec<String>,
        }
        let url = self.place("index.json")?;
        let bytes = asking.bytes(&url, MAX_INDEX).await?.ok_or_else(|| missing("*"))?;
        let rows: Vec<Row> =
            serde_json::from_slice(&bytes).map_err(|_| self.refused("*", "its index.json is not a list of versions".to_owned()))?;
        let wanted = if platform.os == "darwin" { format!("osx-{}-tar", platform.arch) } else { platform.node() };
        let rows = rows.into_iter().take(MAX_VERSIONS).filter(|row| row.files.contains(&wanted));
        let mut all: Vec<PublishedVersion> = rows
            .filter_map(|row| {
                let version = version::clean(row.version.strip_prefix('v')?)?;
                let day = row.date.filter(|day| day.parse::<jiff::civil::Date>().is_ok());
                Some(PublishedVersion { version, time: day.map(|day| format!("{day}T00:00:00.000Z")) })
            })
            .collect();
        all.sort_by(|a, b| version::compare(&a.version, &b.version));
        Ok(all)
    }

    /// What is signed of a version for a platform. Asked for once in a run.
    pub(super) async fn signed(&self, version: &str, platform: Platform, asking: &Asking<'_>) -> Result<Signed, ToolchainError> {
        if let Some(known) = self.memory.lock().unwrap_or_else(PoisonError::into_inner).get(version) {
            return Ok(known.clone());
        }
        let file = format!("node-v{version}-{}.tar.gz", platform.node());
        let (text, by) = self.shasums(version, asking).await?;
        let of_file = shasums::of(&text, &file).map_err(|why| self.refused(version, format!("its SHASUMS256.txt is signed, and {why}")))?;
        let hash = of_file.ok_or_else(|| self.refused(version, format!("what is signed does not name {file}")))?;
        let bytes = hex::decode(hash).map_err(|error| self.refused(version, format!("what is signed for {file} is no hash: {error}")))?;
        let integrity = format!("sha256-{}", base64::engine::general_purpose::STANDARD.encode(bytes));
        let signed = Signed { url: self.place(&format!("v{version}/{file}"))?, file, integrity, signer: by };
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).insert(version.to_owned(), signed.clone());
        Ok(signed)
    }

    /// SHASUMS256.txt of a version as far as it is signed: by the signature beside it, or in the
    /// clear where there is none, as in the oldest.
    async fn shasums(&self, version: &str, asking: &Asking<'_>) -> Result<(String, Signer), ToolchainError> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let now = u32::try_from(now).unwrap_or(u32::MAX);
        let place = |end: &str| self.place(&format!("v{version}/SHASUMS256.txt{end}"));
        let no_text = |_| self.refused(version, "its SHASUMS256.txt is not text".to_owned());
        if let Some(signature) = asking.bytes(&place(".sig")?, MAX_SIGNATURE).await? {
            let text = asking.bytes(&place("")?, MAX_SHASUMS).await?.ok_or_else(|| missing(version))?;
            let signer = self.keys.detached(&signature, &text, now);
            let signer = signer.map_err(|why| self.refused(version, format!("the signature of SHASUMS256.txt does not count: {why}")))?;
            return Ok((String::from_utf8(text).map_err(no_text)?, signer));
        }
        let document = asking.bytes(&place(".asc")?, MAX_SHASUMS).await?.ok_or_else(|| missing(version))?;
        let document = String::from_utf8(document).map_err(no_text)?;
        let read = self.keys.clear(&document, now);
        read.map_err(|why| self.refused(version, format!("the signature of SHASUMS256.txt.asc does not count: {why}")))
    }

    /// Fetches a tarball; an error where it is not the one that is signed.
    pub(super) async fn download(
        &self,
        signed: &Signed,
        version: &str,
        largest: u64,
        asking: &Asking<'_>,
    ) -> Result<Spool, ToolchainError> {
        let mut sink = Hashing { spool: SpoolWriter::new(&std::env::temp_dir()), hash: Sha256::new() };
        // Compressed for the way, it would be unpacked twice.
        let request = Request::get(signed.url.clone(), Trust::Stranger).max_body(largest).uncompressed().cancelled_by(asking.cancel);
        asking.client.fetch(&request, &mut sink).await?;
        let got = format!("sha256-{}", base64::engine::general_purpose::STANDARD.encode(sink.hash.finalize()));
        if got != signed.integrity {
            return Err(self.refused(version, format!("{} has {got}, and {} is signed", signed.file, signed.integrity)));
        }
        sink.spool.finish().map_err(|error| ToolchainError::from(HttpError::Disk { reason: error.to_string() }))
    }

    /// An address below; the parts are file names of ours and clean versions.
    fn place(&self, path: &str) -> Result<Url, ToolchainError> {
        self.url.join(path).map_err(|_| self.refused("*", "its address is invalid".to_owned()))
    }

    fn refused(&self, version: &str, detail: String) -> ToolchainError {
        ToolchainError::Unsigned { version: version.to_owned(), distribution: self.url.to_string(), detail }
    }
}

impl Asking<'_> {
    /// Fetches a small file; none where there is none.
    async fn bytes(&self, url: &Url, largest: u64) -> Result<Option<Vec<u8>>, ToolchainError> {
        // By the user's word, and yet as any stranger's: what it is good for is decided by
        // signatures, and where it leads by the policy.
        let request = Request::get(url.clone(), Trust::Stranger).max_body(largest).cancelled_by(self.cancel);
        match self.client.get_bytes(&request).await {
            Ok((_, bytes)) => Ok(Some(bytes)),
            Err(HttpError::Status { status: 404 | 410, .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn missing(version: &str) -> ToolchainError {
    ToolchainError::NotPublished { tool: Kind::Node.spoken(), wanted: version.to_owned() }
}

/// Takes a file and its hash.
struct Hashing {
    spool: SpoolWriter,
    hash: Sha256,
}

impl Sink for Hashing {
    fn start(&mut self, _: Option<u64>) -> io::Result<()> {
        self.spool.clear();
        self.hash = Sha256::new();
        Ok(())
    }

    fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.hash.update(piece);
        self.spool.write_all(piece)
    }
}
