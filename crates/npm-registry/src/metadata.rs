//! Fetching a registry's documents, with conditional requests where a cache is given.

use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use url::Url;

use http::{Cancel, Client, HttpError, Request, Sink, Trust, header};

use super::RegistryError;
use super::spool::{Spool, SpoolWriter};

/// Largest packument that is read, in bytes after unpacking. The largest known have some seventy
/// million.
pub const MAX_PACKUMENT: u64 = 128 << 20;

/// Documents kept from earlier runs. The caller owns the disk; this stage only asks and hands over.
pub trait MetadataCache: Send + Sync {
    /// What was kept for an address.
    fn get(&self, url: &Url) -> Option<Stored>;
    /// Keeps a document. Never called for an answer to a request with credentials unless `private`
    /// is true.
    fn put(&self, url: &Url, document: &Stored, private: bool);
}

/// A kept document, and what the registry wants to hear to say that it is still the same.
#[derive(Debug, Clone)]
pub struct Stored {
    /// `ETag`.
    pub etag: Option<String>,
    /// `Last-Modified`.
    pub last_modified: Option<String>,
    /// The document.
    pub body: Spool,
}

/// What a document's request needs to know.
pub struct Asking<'a> {
    /// The client that asks.
    pub client: &'a Client,
    /// Documents of earlier runs.
    pub cache: Option<&'a dyn MetadataCache>,
    /// Where large documents are spooled.
    pub folder: &'a Path,
    /// Stops the request.
    pub cancel: &'a Cancel,
    /// How far the address is trusted.
    pub trust: Trust,
}

/// A document as it was answered.
#[derive(Debug)]
pub struct Document {
    /// Its bytes.
    pub body: Spool,
    /// The server's clock when it answered (`Date`); none for a kept document, and where the server
    /// does not say it.
    pub date: Option<SystemTime>,
}

/// Reads one JSON document. A kept one is used if the registry says that it still holds, or if the
/// network is switched off.
pub async fn document(asking: &Asking<'_>, url: &Url, limit: u64) -> Result<Document, RegistryError> {
    let kept = asking.cache.and_then(|cache| cache.get(url));
    let mut request =
        Request::get(url.clone(), asking.trust).max_body(limit).header("accept", "application/json").cancelled_by(asking.cancel);
    if let Some(kept) = &kept {
        for (name, value) in [("if-none-match", &kept.etag), ("if-modified-since", &kept.last_modified)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
    }
    let mut sink = SpoolSink(SpoolWriter::new(asking.folder));
    let fetched = match (asking.client.fetch(&request, &mut sink).await, kept) {
        (Ok(fetched), Some(kept)) if fetched.status == 304 => return Ok(Document { body: kept.body, date: None }),
        (Err(HttpError::Offline { .. }), Some(kept)) => return Ok(Document { body: kept.body, date: None }),
        (fetched, _) => fetched?,
    };
    if fetched.status == 304 {
        // An answer to a question that was not asked.
        return Err(HttpError::Status { url: url.to_string(), status: 304 }.into());
    }
    let body = sink.0.finish().map_err(|error| RegistryError::Disk(error.to_string()))?;
    let own = |name| fetched.headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok()).map(str::to_owned);
    if let Some(cache) = asking.cache {
        let private = asking.trust == Trust::Registry && (asking.client.config().credentials)(url).is_some();
        let stored = Stored { etag: own(header::ETAG), last_modified: own(header::LAST_MODIFIED), body: body.clone() };
        cache.put(url, &stored, private);
    }
    let parser = jiff::fmt::rfc2822::DateTimeParser::new();
    // What a cache on the way answers has the time at which it was made, and its age.
    let age = own(header::AGE).and_then(|text| text.trim().parse().ok()).map_or(Duration::ZERO, Duration::from_secs);
    let date = own(header::DATE).and_then(|text| parser.parse_timestamp(text.trim()).ok()).map(SystemTime::from);
    let date = date.and_then(|date| date.checked_add(age));
    Ok(Document { body, date })
}

/// A spool that a document is fetched into.
struct SpoolSink(SpoolWriter);

impl Sink for SpoolSink {
    fn start(&mut self, _: Option<u64>) -> io::Result<()> {
        self.0.clear();
        Ok(())
    }

    fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.0.write_all(piece)
    }
}
