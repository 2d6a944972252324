//! The bridge from git's blocking protocol code to the program's asynchronous HTTP client.

use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use tokio::runtime::Handle;
use url::{Origin, Url};

use http::{Cancel, Client, HttpError, Request, Trust, rate_limit};
use npmrc::{AllowList, Secret};

use super::credentials::Credentials;
use super::transport::{Answer, Exchange};

/// Attempts after the first for reading a repository's capabilities; everything after that is a
/// POST and not repeated.
const RETRIES: u32 = 2;
/// Longest time that a host may want to be left alone before it is asked again.
const PATIENCE: Duration = Duration::from_secs(5);

/// HTTP for one repository, to be used on a thread that may block.
pub struct HttpExchange {
    client: Client,
    runtime: Handle,
    trust: Trust,
    proxy: Option<Url>,
    cancel: Cancel,
    /// The hosts that may have any address; the client's own where there are none.
    allowed: Option<Arc<AllowList>>,
    /// Who the user is to private hosts; `None` where nothing may be said of it.
    credentials: Option<Arc<Credentials>>,
    /// What a host let us in for.
    accepted: Mutex<Option<(Origin, Secret)>>,
}

impl HttpExchange {
    /// Asks with `trust`; `proxy` is git's own `http.proxy`, which goes before npm's.
    pub fn new(client: Client, runtime: Handle, trust: Trust, proxy: Option<Url>, cancel: Cancel) -> Self {
        Self { client, runtime, trust, proxy, cancel, allowed: None, credentials: None, accepted: Mutex::default() }
    }

    /// Says who the user is where a host does not answer without.
    #[must_use]
    pub fn identified_by(self, credentials: Option<Arc<Credentials>>) -> Self {
        Self { credentials, ..self }
    }

    /// Connects to no private host but to these.
    #[must_use]
    pub fn within(self, allowed: Option<Arc<AllowList>>) -> Self {
        Self { allowed, ..self }
    }

    fn send(&self, request: &Request) -> Result<Answer, HttpError> {
        let response = self.runtime.block_on(self.client.send(request))?;
        if let Some(limit) = rate_limit(&response.url, response.status, &response.headers, self.client.config().clock.now()) {
            return Err(limit);
        }
        let content_type = response.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let body: Box<dyn Read + Send> = Box::new(response.body.into_blocking(&self.runtime));
        Ok(Answer { status: response.status, url: response.url.into(), content_type, body })
    }
}

impl Exchange for HttpExchange {
    fn exchange(&self, url: &str, headers: &[(String, String)], body: Option<Vec<u8>>, limit: u64) -> Result<Answer, HttpError> {
        let address = Url::parse(url).map_err(|_| HttpError::AddressRefused { url: url.to_owned(), reason: "it cannot be read" })?;
        let repeatable = body.is_none();
        let mut request = match body {
            Some(body) => Request::post(address, self.trust, Bytes::from(body)),
            None => Request::get(address, self.trust),
        };
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request = request.max_body(limit).cancelled_by(&self.cancel);
        request.allowed.clone_from(&self.allowed);
        if self.proxy.is_some() {
            request.proxy = Some(self.proxy.clone());
        }
        // Who the user is was said already, or cannot be said here.
        let is_settled = request.headers.contains_key(AUTHORIZATION) || self.is_overheard(&request.url);
        if let Some(secret) = self.accepted_at(&request.url).filter(|_| !is_settled) {
            return self.send_repeatedly(&identified(&request, &secret), repeatable);
        }
        let refused = match self.send_repeatedly(&request, repeatable) {
            Ok(answer) if hides(answer.status) => Ok(answer),
            Err(limit @ HttpError::RateLimited { .. }) => Err(limit),
            done => return done,
        };
        match &self.credentials {
            Some(credentials) if repeatable && !is_settled => self.send_identified(&request, credentials, refused),
            _ => refused,
        }
    }
}

impl HttpExchange {
    fn send_repeatedly(&self, request: &Request, repeatable: bool) -> Result<Answer, HttpError> {
        let mut pause = Duration::from_millis(300);
        for _ in 0..RETRIES {
            match self.send(request) {
                Err(HttpError::RateLimited { retry_after: Some(wait), url, until }) if wait > PATIENCE => {
                    return Err(HttpError::RateLimited { retry_after: Some(wait), url, until });
                }
                Err(HttpError::RateLimited { retry_after: Some(wait), .. }) if repeatable => pause = pause.max(wait),
                Err(error) if repeatable && error.is_transient() => {}
                Ok(answer) if repeatable && matches!(answer.status, 500..=599) => {}
                done => return done,
            }
            self.runtime.block_on(tokio::time::sleep(pause));
            pause *= 3;
        }
        self.send(request)
    }

    /// Asks again as the user, with one credential after the other; `refused` is the answer to
    /// nobody in particular.
    fn send_identified(
        &self,
        request: &Request,
        credentials: &Credentials,
        refused: Result<Answer, HttpError>,
    ) -> Result<Answer, HttpError> {
        for secret in credentials.for_url(&request.url) {
            let answer = self.send_repeatedly(&identified(request, &secret), true)?;
            if (200..300).contains(&answer.status) {
                // Who had asked too often is one of many: what is there is shown to everybody.
                if refused.is_ok() {
                    credentials.note_used(&request.url);
                }
                *self.accepted.lock().unwrap_or_else(PoisonError::into_inner) = Some((request.url.origin(), secret));
                return Ok(answer);
            }
        }
        refused
    }

    /// Whether a proxy would read what is sent: only TLS goes through one unread.
    fn is_overheard(&self, url: &Url) -> bool {
        url.scheme() == "http" && (self.proxy.is_some() || self.client.config().proxies.for_url(url).is_some())
    }

    fn accepted_at(&self, url: &Url) -> Option<Secret> {
        let accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        accepted.as_ref().filter(|(origin, _)| *origin == url.origin()).map(|(_, secret)| secret.clone())
    }
}

/// Whether a host may say so of what it shows to some.
fn hides(status: u16) -> bool {
    matches!(status, 401 | 403 | 404)
}

/// The request as the user's. The client takes the header away where a redirect leads to another
/// host.
fn identified(request: &Request, secret: &Secret) -> Request {
    let mut request = request.clone();
    if let Ok(mut value) = HeaderValue::from_str(secret.expose()) {
        value.set_sensitive(true);
        request.headers.insert(AUTHORIZATION, value);
    }
    request
}

/// Where a repository's host leads from `url`, without a `.git` at its end; `None` if it does not
/// answer as a git host.
pub async fn redirected(client: &Client, url: &str, cancel: &Cancel) -> Result<Option<String>, HttpError> {
    let base = url.trim_end_matches('/');
    let Ok(address) = Url::parse(&format!("{base}{SERVICE}")) else { return Ok(None) };
    let trust = if address.scheme() == "http" { Trust::StrangerPlain } else { Trust::Stranger };
    let request = Request::get(address, trust).header("git-protocol", "version=2").cancelled_by(cancel);
    let response = client.send(&request).await?;
    match response.status {
        200 if response.headers.get("content-type").is_some_and(|value| value == ADVERTISEMENT) => {}
        429 | 500..=599 => return Err(HttpError::Status { url: url.to_owned(), status: response.status }),
        _ => return Ok(None),
    }
    let end = response.url.as_str().strip_suffix(SERVICE).map(|end| end.trim_end_matches('/'));
    Ok(end.map(|end| end.strip_suffix(".git").unwrap_or(end).to_owned()))
}

const ADVERTISEMENT: &str = "application/x-git-upload-pack-advertisement";

/// The service that a fetch begins with.
const SERVICE: &str = "/info/refs?service=git-upload-pack";
