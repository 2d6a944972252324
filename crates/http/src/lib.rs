//! The one HTTP client of the program: registries, tarballs, git's smart protocol.
//!
//! In: a [`Request`] with an address and the [`Trust`] that the address deserves. Out: a
//! [`Response`] whose body is a bounded stream, or bytes fetched with retries. Addresses come from
//! strangers' metadata, so the policy is applied where it cannot be walked around: before each hop,
//! and on the addresses that a name resolves to, at the moment of connecting. Redirects are
//! followed here and not by the library, because each hop is judged and credentials are looked up
//! anew.

// The tests' server is read by the tests of other crates too, and names this crate as they do.
#[cfg(test)]
extern crate self as http;

mod address;
mod body;
mod cancel;
mod client;
mod clock;
mod connect;
mod dns;
mod error;
mod fetch;
mod gunzip;
#[cfg(test)]
mod test_support;
#[cfg(test)]
mod tests;
mod tls;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use url::Url;

pub use address::is_public;
pub use body::{BlockingBody, Body};
pub use cancel::Cancel;
pub use client::{Client, Response};
pub use clock::{Clock, SystemClock};
pub use dns::{Addresses, Lookup, SystemLookup};
pub use error::HttpError;
pub use fetch::{Fetched, Sink, rate_limit};
pub use reqwest::Method;
pub use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};

use npmrc::{AllowList, Auth, NpmConfig, ProxyRules};

/// How far an address is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// The user's own configuration or word: any address, http too. Registry credentials are sent
    /// where they are configured.
    Registry,
    /// Package metadata, redirects, other people's files: https and public addresses only. What the
    /// user's configuration allows by host and port is exempt.
    Stranger,
    /// As [`Trust::Stranger`], but plain http too: for git hosts that offer nothing else. What is
    /// read is checked by its hash.
    StrangerPlain,
}

/// One request. GET without headers unless said otherwise.
#[derive(Debug, Clone)]
pub struct Request {
    /// GET, POST or HEAD.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// How far the address is trusted.
    pub trust: Trust,
    /// Headers of the caller's. `authorization` and `cookie` are not sent on to another host, port
    /// or scheme.
    pub headers: HeaderMap,
    /// What is sent.
    pub body: Bytes,
    /// Largest body of the answer, in bytes, after unpacking.
    pub max_body: u64,
    /// Whether the answer may come gzipped; it is unpacked on the way.
    pub compressed: bool,
    /// Longest time for the whole of one attempt, from the request to the last byte.
    pub total_timeout: Option<Duration>,
    /// Instead of the configured proxies: `Some(None)` goes directly.
    pub proxy: Option<Option<Url>>,
    /// The hosts that may have any address, in place of the client's own: also where redirects
    /// lead.
    pub allowed: Option<Arc<AllowList>>,
    /// Stops the request, and a pause between attempts.
    pub cancel: Cancel,
}

impl Request {
    /// A GET, with at most 16 MiB of answer.
    pub fn get(url: Url, trust: Trust) -> Self {
        Self {
            method: Method::GET,
            url,
            trust,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            max_body: 16 << 20,
            compressed: true,
            total_timeout: None,
            proxy: None,
            allowed: None,
            cancel: Cancel::default(),
        }
    }

    /// A POST; it is never repeated, and follows no redirect.
    pub fn post(url: Url, trust: Trust, body: Bytes) -> Self {
        Self { method: Method::POST, body, ..Self::get(url, trust) }
    }

    /// Adds a header; a name or value that HTTP does not allow is left out.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Sets the largest body of the answer, in bytes.
    #[must_use]
    pub fn max_body(mut self, bytes: u64) -> Self {
        self.max_body = bytes;
        self
    }

    /// Asks for the answer as it is stored, not compressed for the way.
    #[must_use]
    pub fn uncompressed(mut self) -> Self {
        self.compressed = false;
        self
    }

    /// Ties the request to a cancellation.
    #[must_use]
    pub fn cancelled_by(mut self, cancel: &Cancel) -> Self {
        self.cancel = cancel.clone();
        self
    }
}

/// The credentials for an address, if there are any. Asked anew for every hop.
pub type Credentials = Arc<dyn Fn(&Url) -> Option<Auth> + Send + Sync>;

/// How the client behaves. Made from npm's configuration with [`HttpConfig::from_npm`].
#[derive(Clone)]
pub struct HttpConfig {
    /// `user-agent`.
    pub user_agent: String,
    /// Which proxy for which address.
    pub proxies: ProxyRules,
    /// PEM texts that are trusted besides the platform's roots.
    pub extra_roots: Vec<String>,
    /// Whether a registry's certificate is verified. A stranger's always is.
    pub verify_registries: bool,
    /// Hosts and ports that may have any address: registries, insteadOf bases,
    /// `REPRODUCE_ALLOW_HOSTS`.
    pub allowed: AllowList,
    /// Registry credentials by address.
    pub credentials: Credentials,
    /// Attempts after the first, of a GET.
    pub retries: u32,
    /// The first and the longest pause between attempts.
    pub pauses: (Duration, Duration),
    /// What the pause grows by after each attempt.
    pub pause_factor: u32,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest wait for the answer's head, and for each further piece of it.
    pub read_timeout: Duration,
    /// Requests to one host at a time.
    pub max_per_host: usize,
    /// Refuses every request.
    pub offline: bool,
    /// Sleeping and the time of day.
    pub clock: Arc<dyn Clock>,
    /// Names to addresses.
    pub lookup: Arc<dyn Lookup>,
}

impl HttpConfig {
    /// Longest pause that a server's `Retry-After` can ask for; when it asks for more, the request
    /// fails at once.
    pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);
    /// First pause where npm's configuration names none. npm waits 10 s, which is long for somebody
    /// who is watching.
    const FIRST_PAUSE: Duration = Duration::from_millis(500);
    const PAUSE_FACTOR: u32 = 4;

    /// Nothing configured: the platform's roots, no proxy, no credentials.
    pub fn new(user_agent: &str) -> Self {
        Self {
            user_agent: user_agent.to_owned(),
            proxies: ProxyRules::default(),
            extra_roots: Vec::new(),
            verify_registries: true,
            allowed: AllowList::default(),
            credentials: Arc::new(|_| None),
            retries: 2,
            pauses: (Self::FIRST_PAUSE, Self::MAX_RETRY_AFTER),
            pause_factor: Self::PAUSE_FACTOR,
            connect_timeout: Duration::from_secs(30),
            read_timeout: Duration::from_secs(60),
            max_per_host: 15,
            offline: false,
            clock: Arc::new(SystemClock),
            lookup: Arc::new(SystemLookup),
        }
    }

    /// As npm is configured. The registries' hosts and ports become allowed addresses.
    pub fn from_npm(npm: &NpmConfig, user_agent: &str) -> Self {
        let network = &npm.network;
        let mut allowed = network.allowed.clone();
        for registry in npm.registries() {
            allowed.add(&registry);
        }
        let config = npm.clone();
        let (first, longest) = network.retry_pauses;
        Self {
            proxies: network.proxies.clone(),
            extra_roots: network.extra_roots.clone(),
            verify_registries: network.strict_ssl,
            allowed,
            credentials: Arc::new(move |url| config.auth_for(url)),
            retries: network.retries,
            pauses: (first.unwrap_or(Self::FIRST_PAUSE), longest.unwrap_or(Self::MAX_RETRY_AFTER)),
            pause_factor: network.retry_factor.unwrap_or(Self::PAUSE_FACTOR),
            read_timeout: network.read_timeout,
            max_per_host: network.max_sockets,
            offline: network.offline,
            ..Self::new(user_agent)
        }
    }
}

impl fmt::Debug for HttpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpConfig").field("user_agent", &self.user_agent).field("retries", &self.retries).finish_non_exhaustive()
    }
}

/// The certificate files of one client identity; the key of a connection pool.
pub(crate) type IdentityFiles = (PathBuf, PathBuf);
