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
    /// HTTP status: a success, or 304 where the request had a condition (the sink was not started
    /// then).
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
    /// Fetches into a sink. Failures that may pass are repeated `retries` times with growing
    /// pauses, as make-fetch-happen 15 does it, and a cut body is one of them; `Retry-After` is
    /// honoured up to a minute. Only GETs are repeated.
    pub async fn fetch(&self, request: &Request, sink: &mut dyn Sink) -> Result<Fetched, HttpError> {
        let config = &self.inner.config;
        let retries = if request.method == Method::GET { config.retries } else { 0 };
        let mut attempt = 0;
        // Whether the pause was the one that the host asked for.
        let mut has_waited = false;
        loop {
            let (error, asked) = match self.attempt(request, sink, has_waited).await {
                Ok(fetched) => return Ok(Fetched { attempts: attempt + 1, ..fetched }),
                Err(failure) => failure,
            };
            if attempt >= retries || !error.is_transient() || asked.is_some_and(|asked| asked > HttpConfig::MAX_RETRY_AFTER) {
                return Err(error);
            }
            let pause = asked.unwrap_or_else(|| pause(config, attempt));
            attempt += 1;
            has_waited = asked.is_some();
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

    async fn attempt(&self, request: &Request, sink: &mut dyn Sink, has_waited: bool) -> Result<Fetched, (HttpError, Option<Duration>)> {
        let once = |error| (error, None);
        let disk = |error: io::Error| (HttpError::Disk { reason: error.to_string() }, None);
        let sent = if has_waited { self.send_at_once(request).await } else { self.send(request).await };
        let Response { status, headers, url, hops, mut body } = sent.map_err(once)?;
        if !(200..300).contains(&status) && status != 304 {
            let now = self.inner.config.clock.now();
            let asked = headers.get(RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?, now));
            return Err(match rate_limit(&url, status, &headers, now) {
                Some(HttpError::RateLimited { url, until, retry_after }) => {
                    (HttpError::RateLimited { url, until, retry_after }, retry_after)
                }
                _ => (HttpError::Status { url: shown(&url), status }, asked),
            });
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

/// The failure that an answer is which only asks for fewer requests; `None` if it says something
/// else. Hosts say so with 429, with 503 and a time, or with 403 where a header has that nothing is
/// left.
pub fn rate_limit(url: &Url, status: u16, headers: &HeaderMap, now: SystemTime) -> Option<HttpError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let asked = text("retry-after").and_then(|value| retry_after(value, now));
    let is_spent = ["x-ratelimit-remaining", "ratelimit-remaining"].iter().any(|name| text(name) == Some("0"));
    let is_limit = status == 429 || (status == 503 && asked.is_some()) || (status == 403 && (is_spent || asked.is_some()));
    let reset = || ["x-ratelimit-reset", "ratelimit-reset"].iter().find_map(|name| reset_after(text(name)?, now));
    let wait = asked.or_else(reset);
    is_limit.then(|| HttpError::RateLimited { url: shown(url), until: wait.and_then(|wait| now.checked_add(wait)), retry_after: wait })
}

/// When a limit begins anew: seconds since 1970 (GitHub, GitLab), or from now on.
fn reset_after(text: &str, now: SystemTime) -> Option<Duration> {
    /// More seconds than any limit lasts: it is a date.
    const A_DATE: u64 = 1_000_000_000;
    let seconds = text.trim().parse().ok()?;
    if seconds < A_DATE {
        return Some(Duration::from_secs(seconds));
    }
    Some(SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?.duration_since(now).unwrap_or_default())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_says_when_it_ends() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let url = Url::parse("https://git.example/a?token=x").expect("an address");
        let after = |status, pairs: &[(&'static str, &str)]| {
            let headers =
                pairs.iter().map(|(name, value)| (reqwest::header::HeaderName::from_static(name), value.parse().expect("a value")));
            match rate_limit(&url, status, &headers.collect(), now) {
                Some(HttpError::RateLimited { until, retry_after, .. }) => {
                    Some((until.is_some(), retry_after.map(|after| after.as_secs())))
                }
                other => other.map(|error| panic!("{error}")),
            }
        };
        assert_eq!(after(429, &[]), Some((false, None)));
        assert_eq!(after(429, &[("retry-after", "60")]), Some((true, Some(60))));
        assert_eq!(after(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1800000090")]), Some((true, Some(90))));
        assert_eq!(after(429, &[("ratelimit-reset", "1800000001")]), Some((true, Some(1))));
        assert_eq!(after(429, &[("ratelimit-reset", "7")]), Some((true, Some(7))));
        for (status, headers) in
            [(403, vec![]), (403, vec![("x-ratelimit-remaining", "5")]), (503, vec![]), (404, vec![("retry-after", "5")])]
        {
            assert_eq!(after(status, &headers), None, "{status}");
        }
        let error = rate_limit(&url, 429, &[(RETRY_AFTER, "90".parse().expect("a value"))].into_iter().collect(), now).expect("a limit");
        assert_eq!(error.to_string(), "https://git.example/a asks for fewer requests, until 2027-01-15 08:01:30 UTC");
    }
}
