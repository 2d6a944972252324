//! A GET to its last byte, repeated where that may help.

use std::io;
use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, RETRY_AFTER};
use url::Url;

use super::address::shown;
use super::{Client, HttpConfig, HttpError, Method, Request, Response};

/// Where a body goes. A cut transfer begins anew, so `start` may come more than once.
pub trait Sink: Send {
    /// An answer begins: forget what came before. `length` is what the server announces.
    fn start(&mut self, length: Option<u64>) -> io::Result<()>;
    /// The next piece.
    fn write(&mut self, piece: &[u8]) -> io::Result<()>;
}

impl Sink for Vec<u8> {
    fn start(&mut self, _: Option<u64>) -> io::Result<()> {
        self.clear();
        Ok(())
    }

    fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.extend_from_slice(piece);
        Ok(())
    }
}

/// The head of an answer whose body went into a sink.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// HTTP status: a success, or 304 where the request had a condition (the sink was not started then).
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The address that answered.
    pub url: Url,
    /// Every address that was asked, of the last attempt.
    pub hops: Vec<Url>,
    /// How many attempts it took.
    pub attempts: u32,
}

impl Client {
    /// Fetches into a sink. Failures that may pass are repeated `retries` times with growing pauses, as make-fetch-happen 15
    /// does it, and a cut body is one of them; `Retry-After` is honoured up to a minute. Only GETs are repeated.
    pub async fn fetch(&self, request: &Request, sink: &mut dyn Sink) -> Result<Fetched, HttpError> {
        let config = &self.inner.config;
        let retries = if request.method == Method::GET { config.retries } else { 0 };
        let mut attempt = 0;
        loop {
            let (error, asked) = match self.attempt(request, sink).await {
                Ok(fetched) => return Ok(Fetched { attempts: attempt + 1, ..fetched }),
                Err(failure) => failure,
            };
            if attempt >= retries || !error.is_transient() || asked.is_some_and(|asked| asked > HttpConfig::MAX_RETRY_AFTER) {
                return Err(error);
            }
            let pause = asked.unwrap_or_else(|| pause(config, attempt));
            attempt += 1;
            tokio::select! {
                biased;
                () = request.cancel.cancelled() => return Err(HttpError::Cancelled),
                () = config.clock.sleep(pause) => {}
            }
        }
    }

    /// Fetches into memory; see [`Client::fetch`].
    pub async fn get_bytes(&self, request: &Request) -> Result<(Fetched, Vec<u8>), HttpError> {
        let mut all = Vec::new();
        let fetched = self.fetch(request, &mut all).await?;
        Ok((fetched, all))
    }

    async fn attempt(&self, request: &Request, sink: &mut dyn Sink) -> Result<Fetched, (HttpError, Option<Duration>)> {
        let once = |error| (error, None);
        let disk = |error: io::Error| (HttpError::Disk { reason: error.to_string() }, None);
        let Response { status, headers, url, hops, mut body } = self.send(request).await.map_err(once)?;
        if !(200..300).contains(&status) && status != 304 {
            let asked = headers.get(RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?, self.inner.config.clock.now()));
            let error = if status == 429 || (status == 503 && asked.is_some()) {
                HttpError::RateLimited { url: shown(&url), retry_after: asked }
            } else {
                HttpError::Status { url: shown(&url), status }
            };
            return Err((error, asked));
        }
        if status != 304 {
            let length = headers.get(reqwest::header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
            sink.start(length).map_err(disk)?;
            while let Some(piece) = body.chunk().await.map_err(once)? {
                sink.write(&piece).map_err(disk)?;
            }
        }
        Ok(Fetched { status, headers, url, hops, attempts: 1 })
    }
}

/// The first pause grows by the factor each time; up to half of it is added by chance.
fn pause(config: &HttpConfig, attempt: u32) -> Duration {
    let (first, longest) = config.pauses;
    let grown = first.saturating_mul(config.pause_factor.saturating_pow(attempt)).min(longest);
    grown + grown * u32::from(config.clock.chance()) / 512
}

/// `Retry-After`: seconds, or a date in one of the forms of HTTP (RFC 9110, 5.6.7).
fn retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    Some(at.duration_since(now).unwrap_or_default())
}
