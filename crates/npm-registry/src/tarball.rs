//! Fetching a tarball, hashing it on the way, and comparing the hashes with what the registry
//! promised.

use std::io::{self, Read, Write as _};
use std::path::Path;

use url::Url;

use http::{Cancel, Client, HttpError, Request, Sink, Trust};
use verdict::diagnostic::shown_path;

use super::RegistryError;
use super::integrity::{Algorithm, Hasher, Integrity};
use super::spool::{Spool, SpoolWriter};

/// A tarball as it came.
#[derive(Debug, Clone)]
pub struct Tarball {
    /// The bytes.
    pub bytes: Spool,
    /// What they hash to, as npm writes it: `sha512-…`.
    pub sha512: String,
    /// sha1 in hex.
    pub shasum: String,
    /// Whether they are what the registry promised.
    pub check: IntegrityCheck,
    /// Every address that was asked, the answering one last. Empty for a file.
    pub hops: Vec<Url>,
}

/// The tarball against the registry's promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IntegrityCheck {
    /// It is the one, by this algorithm.
    Matches(Algorithm),
    /// It is another one (code `integrity-mismatch`), also on the second try.
    Mismatch {
        /// The promised hashes.
        expected: String,
        /// What came, in the same algorithm.
        actual: String,
    },
    /// Nothing usable was promised (code `integrity-missing`).
    Missing,
}

/// How a tarball is fetched.
pub(super) struct Order<'a> {
    pub(super) client: &'a Client,
    pub(super) trust: Trust,
    pub(super) folder: &'a Path,
    pub(super) limit: u64,
    pub(super) cancel: &'a Cancel,
    pub(super) progress: &'a (dyn Fn(u64, Option<u64>) + Send + Sync),
}

/// Fetches a tarball; one with the wrong hash is fetched once more, as pacote 21 does: caches on
/// the way are known to spoil.
pub(super) async fn fetch(order: &Order<'_>, url: &Url, promised: Option<&Integrity>) -> Result<Tarball, RegistryError> {
    let first = fetch_once(order, url, promised).await?;
    match first.check {
        IntegrityCheck::Mismatch { .. } => fetch_once(order, url, promised).await,
        _ => Ok(first),
    }
}

async fn fetch_once(order: &Order<'_>, url: &Url, promised: Option<&Integrity>) -> Result<Tarball, RegistryError> {
    // Compressed for the way, a tarball would be unpacked twice, and what is hashed would be a
    // matter of opinion.
    let request = Request::get(url.clone(), order.trust).max_body(order.limit).uncompressed().cancelled_by(order.cancel);
    let mut sink = TarballSink {
        spool: SpoolWriter::new(order.folder),
        hasher: Hasher::new(promised),
        promised,
        total: None,
        progress: order.progress,
    };
    let fetched = order.client.fetch(&request, &mut sink).await.map_err(|error| match error {
        HttpError::TooLarge { url, limit } => RegistryError::TarballTooLarge { location: url, limit },
        HttpError::Status { url, status: 404 | 410 } => RegistryError::TarballNotFound { location: url },
        error => error.into(),
    })?;
    sink.finish(fetched.hops)
}

/// Reads a tarball from disk into a spool of its own, so that it stays the same while it is looked
/// at.
pub(super) fn read_file(path: &Path, folder: &Path, limit: u64) -> Result<Tarball, RegistryError> {
    let failed = |error: io::Error| RegistryError::File { path: shown_path(path), reason: error.to_string() };
    let file = store::at_hand::open(path).map_err(failed)?;
    let mut sink =
        TarballSink { spool: SpoolWriter::new(folder), hasher: Hasher::new(None), promised: None, total: None, progress: &|_, _| {} };
    let mut reader = file.take(limit.saturating_add(1));
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = reader.read(&mut buffer).map_err(failed)?;
        let Some(piece) = buffer.get(..count).filter(|piece| !piece.is_empty()) else { break };
        sink.write(piece).map_err(|error| RegistryError::Disk(error.to_string()))?;
    }
    if sink.spool.len() > limit {
        return Err(RegistryError::TarballTooLarge { location: path.display().to_string(), limit });
    }
    sink.finish(Vec::new())
}

struct TarballSink<'a> {
    spool: SpoolWriter,
    hasher: Hasher,
    promised: Option<&'a Integrity>,
    total: Option<u64>,
    progress: &'a (dyn Fn(u64, Option<u64>) + Send + Sync),
}

impl TarballSink<'_> {
    fn finish(self, hops: Vec<Url>) -> Result<Tarball, RegistryError> {
        let digests = self.hasher.finish();
        let check = match self.promised {
            None => IntegrityCheck::Missing,
            Some(promised) => match digests.mismatch(promised) {
                None => IntegrityCheck::Matches(promised.algorithm()),
                Some(actual) => IntegrityCheck::Mismatch { expected: promised.text(), actual },
            },
        };
        let bytes = self.spool.finish().map_err(|error| RegistryError::Disk(error.to_string()))?;
        Ok(Tarball { bytes, sha512: digests.sha512(), shasum: digests.shasum(), check, hops })
    }
}

impl Sink for TarballSink<'_> {
    fn start(&mut self, length: Option<u64>) -> io::Result<()> {
        self.spool.clear();
        self.hasher = Hasher::new(self.promised);
        self.total = length;
        Ok(())
    }

    fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.spool.write_all(piece)?;
        self.hasher.update(piece);
        (self.progress)(self.spool.len(), self.total);
        Ok(())
    }
}
