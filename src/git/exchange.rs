//! The bridge from git's blocking protocol code to the program's asynchronous HTTP client.

use std::io::Read;
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use url::Url;

use super::transport::{Answer, Exchange};
use crate::http::{Cancel, Client, HttpError, Request, Trust};

/// Attempts after the first for reading a repository's capabilities; everything after that is a POST and not repeated.
const RETRIES: u32 = 2;

/// HTTP for one repository, to be used on a thread that may block.
pub struct HttpExchange {
    client: Client,
    runtime: Handle,
    trust: Trust,
    proxy: Option<Url>,
    cancel: Cancel,
}

impl HttpExchange {
    /// Asks with `trust`; `proxy` is git's own `http.proxy`, which goes before npm's.
    pub fn new(client: Client, runtime: Handle, trust: Trust, proxy: Option<Url>, cancel: Cancel) -> Self {
        Self { client, runtime, trust, proxy, cancel }
    }

    fn send(&self, request: &Request) -> Result<Answer, HttpError> {
        let response = self.runtime.block_on(self.client.send(request))?;
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
        if self.proxy.is_some() {
            request.proxy = Some(self.proxy.clone());
        }
        let mut pause = Duration::from_millis(300);
        for _ in 0..RETRIES {
            match self.send(&request) {
                Err(error) if repeatable && error.is_transient() => {}
                Ok(answer) if repeatable && matches!(answer.status, 429 | 500..=599) => {}
                done => return done,
            }
            self.runtime.block_on(tokio::time::sleep(pause));
            pause *= 3;
        }
        self.send(&request)
    }
}

/// Where a repository's host leads from `url`, without a `.git` at its end; `None` if it does not answer as a git host.
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
