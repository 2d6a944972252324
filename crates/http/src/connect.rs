//! Connection pools, one per way of connecting, and what their failures mean.
//!
//! Requests that may reach any address and requests that may not never share a pool, so that a
//! connection which was opened for the user's own registry is not reused for a stranger who knows
//! its name.

use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use url::Url;

use super::address::{Reach, shown};
use super::dns::{NoPublicAddress, Resolver};
use super::tls::{self, Verify};
use super::{HttpConfig, HttpError, IdentityFiles};

/// Largest head of an answer over HTTP/2, in bytes. HTTP/1 heads are measured once they are there.
pub(super) const MAX_HEAD: u32 = 64 << 10;
/// How long an idle connection is kept.
const KEEP: Duration = Duration::from_secs(30);

/// What tells one pool from another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Way {
    pub(super) reach: Reach,
    pub(super) verify: Verify,
    pub(super) proxy: Option<Url>,
    pub(super) identity: Option<IdentityFiles>,
}

/// The pools that were needed so far.
#[derive(Default)]
pub(super) struct Pools(Mutex<HashMap<Way, reqwest::Client>>);

impl Pools {
    /// The pool for a way; the first request of a kind makes it.
    pub(super) fn get(&self, way: &Way, config: &HttpConfig) -> Result<reqwest::Client, HttpError> {
        let mut pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = pools.get(way) {
            return Ok(pool.clone());
        }
        let tls = tls::config(&way.verify, &config.extra_roots, way.identity.as_ref())?;
        // A proxy finds the addresses itself; the only name that is looked up here is its own.
        let reach = if way.proxy.is_some() { Reach::Any } else { way.reach };
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .no_gzip() // gunzip.rs does it, with a limit
            .referer(false)
            .retry(reqwest::retry::never())
            .connect_timeout(config.connect_timeout)
            .pool_idle_timeout(KEEP)
            .http2_max_header_list_size(MAX_HEAD)
            .dns_resolver(Arc::new(Resolver { lookup: config.lookup.clone(), reach }));
        if let Some(proxy) = &way.proxy {
            let proxy =
                reqwest::Proxy::all(proxy.clone()).map_err(|_| HttpError::TlsSetup { reason: "the proxy cannot be used".into() })?;
            builder = builder.proxy(proxy);
        }
        let pool = builder.build().map_err(|error| HttpError::TlsSetup { reason: innermost(&error) })?;
        pools.insert(way.clone(), pool.clone());
        Ok(pool)
    }
}

/// What a failure of the library means; `proxy` is who was asked to connect, where that is not the
/// address itself.
pub(super) fn explain(error: &reqwest::Error, url: &Url, proxy: Option<&Url>, waited: Duration) -> HttpError {
    let host = || url.host_str().unwrap_or("").to_owned();
    // It is the proxy that cannot be found or reached; of the address nobody knows.
    let peer = || match proxy {
        Some(proxy) => {
            let port = proxy.port_or_known_default().map(|port| format!(":{port}")).unwrap_or_default();
            format!("the proxy {}{port} (on the way to {})", proxy.host_str().unwrap_or(""), host())
        }
        None => host(),
    };
    let url = || shown(url);
    if find::<NoPublicAddress>(error).is_some() {
        return HttpError::PrivateAddress { url: url() };
    }
    if let Some(tls) = find::<rustls::Error>(error) {
        return HttpError::Tls { host: host(), reason: tls.to_string() };
    }
    if error.is_dns() {
        return HttpError::Dns { host: peer() };
    }
    if error.is_timeout() {
        return HttpError::Timeout { url: url(), after: waited };
    }
    if error.is_connect() {
        let refused = find::<io::Error>(error).is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
        return if refused {
            HttpError::Refused { host: peer() }
        } else {
            HttpError::Unreachable { host: peer(), reason: innermost(error) }
        };
    }
    match find::<hyper::Error>(error) {
        Some(http) if http.is_parse() => HttpError::Malformed { url: url(), reason: http.to_string() },
        _ => HttpError::Cut { url: url() },
    }
}

/// The first error of a type among an error's sources. An `io::Error` hides what it wraps from
/// `source`, so it is opened.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    for _ in 0..32 {
        let error = next?;
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// The deepest message: the ones around it only repeat the address.
fn innermost(error: &dyn Error) -> String {
    let mut error = error;
    for _ in 0..32 {
        match error.source() {
            Some(source) => error = source,
            None => break,
        }
    }
    error.to_string()
}
