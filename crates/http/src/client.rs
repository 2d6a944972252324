//! One request: judged, sent, its redirects followed one by one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, COOKIE, HeaderMap, HeaderValue, LOCATION, PROXY_AUTHORIZATION, USER_AGENT,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use url::{Host, Url};

use npmrc::AllowList;

use super::address::{Reach, is_public, judge, shown};
use super::connect::{MAX_HEAD, Pools, Way, explain};
use super::fetch::rate_limit;
use super::gunzip::Gunzip;
use super::tls::Verify;
use super::{Body, HttpConfig, HttpError, Method, Request, Trust};

/// Most redirects that one request follows.
const MAX_REDIRECTS: usize = 10;
/// How long a stranger's name is looked up before it is handed to a proxy. No answer is none
/// against it.
const PROXY_CHECK: Duration = Duration::from_secs(1);

/// The client. Clones share connections. Making one costs nothing: pools and certificates come with
/// the first request.
#[derive(Clone)]
pub struct Client {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) config: HttpConfig,
    pools: Pools,
    hosts: Mutex<HashMap<String, Arc<Semaphore>>>,
    /// Until when hosts asked to be left alone.
    waits: Mutex<HashMap<String, SystemTime>>,
}

/// An answer, of any status but a redirect that was followed.
#[derive(Debug)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers, at most 64 KiB of them.
    pub headers: HeaderMap,
    /// The address that answered.
    pub url: Url,
    /// Every address that was asked, the answering one last.
    pub hops: Vec<Url>,
    /// What comes now.
    pub body: Body,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("config", &self.inner.config).finish_non_exhaustive()
    }
}

impl Client {
    /// A client that behaves as configured.
    pub fn new(config: HttpConfig) -> Self {
        Self { inner: Arc::new(Inner { config, pools: Pools::default(), hosts: Mutex::default(), waits: Mutex::default() }) }
    }

    /// The configuration.
    pub fn config(&self) -> &HttpConfig {
        &self.inner.config
    }

    /// Sends one request, once; follows redirects of GET and HEAD. Any status is an answer. Where
    /// the host asked for fewer requests, also in the answer to another, this one is sent when that
    /// time is over.
    pub async fn send(&self, request: &Request) -> Result<Response, HttpError> {
        let sending = async {
            self.wait_for(&request.url).await;
            self.follow(request).await
        };
        until_cancelled(request, sending).await
    }

    /// As [`Client::send`], by somebody who has waited as long as the host asked for.
    pub(super) async fn send_at_once(&self, request: &Request) -> Result<Response, HttpError> {
        until_cancelled(request, self.follow(request)).await
    }

    async fn wait_for(&self, url: &Url) {
        let clock = &self.inner.config.clock;
        let until = self.inner.waits.lock().unwrap_or_else(PoisonError::into_inner).get(&host_of(url)).copied();
        if let Some(left) = until.and_then(|until| until.duration_since(clock.now()).ok()).filter(|left| !left.is_zero()) {
            clock.sleep(left).await;
        }
    }

    /// Notes that a host asks to be left alone for a while that is waited for.
    fn note_limit(&self, url: &Url, response: &reqwest::Response) {
        let now = self.inner.config.clock.now();
        if let Some(HttpError::RateLimited { retry_after: Some(wait), .. }) =
            rate_limit(url, response.status().as_u16(), response.headers(), now)
            && wait <= HttpConfig::MAX_RETRY_AFTER
            && let Some(until) = now.checked_add(wait)
        {
            self.inner.waits.lock().unwrap_or_else(PoisonError::into_inner).insert(host_of(url), until);
        }
    }

    async fn follow(&self, request: &Request) -> Result<Response, HttpError> {
        let deadline = request.total_timeout.map(|total| (Instant::now() + total, total));
        let mut url = request.url.clone();
        let mut hops: Vec<Url> = Vec::new();
        loop {
            url.set_fragment(None);
            if hops.contains(&url) {
                return Err(HttpError::RedirectCycle { url: shown(&request.url) });
            }
            if hops.len() > MAX_REDIRECTS {
                return Err(HttpError::TooManyRedirects { url: shown(&request.url) });
            }
            let (response, permit) = self.hop(request, &url, deadline).await?;
            self.note_limit(&url, &response);
            hops.push(url.clone());
            let Some(next) = redirect_target(&response, &url, &request.method)? else {
                return self.answer(request, response, permit, (hops, deadline));
            };
            if url.scheme() == "https" && next.scheme() == "http" && !self.allowed(request).contains(&next) {
                return Err(HttpError::Insecure { url: shown(&next) });
            }
            url = next;
        }
    }

    /// The hosts that may have any address.
    fn allowed<'a>(&'a self, request: &'a Request) -> &'a AllowList {
        request.allowed.as_deref().unwrap_or(&self.inner.config.allowed)
    }

    async fn hop(
        &self,
        request: &Request,
        url: &Url,
        deadline: Option<(Instant, Duration)>,
    ) -> Result<(reqwest::Response, OwnedSemaphorePermit), HttpError> {
        let config = &self.inner.config;
        let at_home = url.origin() == request.url.origin();
        let trust = match request.trust {
            Trust::Registry if !at_home => Trust::Stranger,
            trust => trust,
        };
        let reach = judge(url, trust, self.allowed(request))?;
        if config.offline {
            return Err(HttpError::Offline { url: shown(url) });
        }
        let auth = if at_home && trust == Trust::Registry { (config.credentials)(url) } else { None };
        let proxy = request.proxy.clone().unwrap_or_else(|| config.proxies.for_url(url));
        if proxy.is_some() && reach == Reach::Public {
            self.check_before_proxy(url).await?;
        }
        let plain = url.scheme() == "http" && proxy.as_ref().is_none_or(|proxy| proxy.scheme() != "https");
        let verify = match (plain, trust) {
            (true, _) => Verify::Plain,
            (false, Trust::Registry) if !config.verify_registries => Verify::Nobody,
            _ => Verify::Roots,
        };
        let identity = auth.as_ref().and_then(|auth| auth.identity.clone()).map(|files| (files.certificate, files.key));
        let way = Way { reach, verify, proxy, identity };
        let pool = self.inner.pools.get(&way, config)?;

        let mut headers = request.headers.clone();
        if !at_home {
            for secret in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION] {
                headers.remove(secret);
            }
        }
        if let Some(mut value) = auth.and_then(|auth| auth.header).and_then(|secret| HeaderValue::from_str(secret.expose()).ok()) {
            value.set_sensitive(true);
            headers.entry(AUTHORIZATION).or_insert(value);
        }
        if let Ok(agent) = HeaderValue::from_str(&config.user_agent) {
            headers.entry(USER_AGENT).or_insert(agent);
        }
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(if request.compressed { "gzip" } else { "identity" }));

        let permit = self.permit(url).await?;
        let sending = pool.request(request.method.clone(), url.clone()).headers(headers).body(request.body.clone()).send();
        let idle = Instant::now() + config.read_timeout;
        let (until, waited) = deadline.filter(|(deadline, _)| *deadline < idle).unwrap_or((idle, config.read_timeout));
        match tokio::time::timeout_at(until, sending).await {
            Err(_) => Err(HttpError::Timeout { url: shown(url), after: waited }),
            Ok(Err(error)) => Err(explain(&error, url, way.proxy.as_ref(), waited)),
            Ok(Ok(response)) => Ok((response, permit)),
        }
    }

    /// A proxy can reach what we cannot see. A name that is private here is most likely private
    /// there.
    async fn check_before_proxy(&self, url: &Url) -> Result<(), HttpError> {
        let Some(Host::Domain(name)) = url.host() else { return Ok(()) };
        let found = tokio::time::timeout(PROXY_CHECK, self.inner.config.lookup.lookup(name)).await;
        match found {
            Ok(Ok(addresses)) if !addresses.is_empty() && !addresses.iter().any(|address| is_public(*address)) => {
                Err(HttpError::PrivateAddress { url: shown(url) })
            }
            _ => Ok(()),
        }
    }

    async fn permit(&self, url: &Url) -> Result<OwnedSemaphorePermit, HttpError> {
        let host = {
            let mut hosts = self.inner.hosts.lock().unwrap_or_else(PoisonError::into_inner);
            let size = self.inner.config.max_per_host.max(1);
            hosts.entry(url.origin().ascii_serialization()).or_insert_with(|| Arc::new(Semaphore::new(size))).clone()
        };
        // The semaphore is never closed.
        host.acquire_owned().await.map_err(|_| HttpError::Cancelled)
    }

    fn answer(
        &self,
        request: &Request,
        response: reqwest::Response,
        permit: OwnedSemaphorePermit,
        (hops, deadline): (Vec<Url>, Option<(Instant, Duration)>),
    ) -> Result<Response, HttpError> {
        let url = hops.last().unwrap_or(&request.url).clone();
        let head: usize = response.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if head > MAX_HEAD as usize {
            return Err(HttpError::TooLarge { url: shown(&url), limit: MAX_HEAD.into() });
        }
        let zipped = response.headers().get(CONTENT_ENCODING).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"gzip"));
        if !zipped && response.content_length().is_some_and(|length| length > request.max_body) && request.method != Method::HEAD {
            return Err(HttpError::TooLarge { url: shown(&url), limit: request.max_body });
        }
        Ok(Response {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: Body {
                url: shown(&url),
                gunzip: (zipped && request.compressed && request.method != Method::HEAD).then(Gunzip::new),
                limit: request.max_body,
                read: 0,
                read_timeout: self.inner.config.read_timeout,
                deadline,
                cancel: request.cancel.clone(),
                ended: false,
                _permit: permit,
                response,
            },
            url,
            hops,
        })
    }
}

/// What a request comes to, unless its caller no longer wants it.
async fn until_cancelled(request: &Request, sending: impl Future<Output = Result<Response, HttpError>>) -> Result<Response, HttpError> {
    let cancel = request.cancel.clone();
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(HttpError::Cancelled),
        answer = sending => answer,
    }
}

/// A host as it limits requests: with scheme and port.
fn host_of(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn redirect_target(response: &reqwest::Response, url: &Url, method: &Method) -> Result<Option<Url>, HttpError> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let bad = || HttpError::BadRedirect { url: shown(url) };
    if method != Method::GET && method != Method::HEAD {
        return Err(bad());
    }
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).ok_or_else(bad)?;
    url.join(location).map(Some).map_err(|_| bad())
}
