//! Which proxy an address goes through, by the rules of npm's agent (@npmcli/agent 4).

use url::Url;

/// Most exceptions that are read.
const MAX_EXCEPTIONS: usize = 1000;

/// The proxies of the configuration and of the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProxyRules {
    configured: Option<Url>,
    https: Option<Url>,
    http: Option<Url>,
    exceptions: Vec<String>,
}

impl ProxyRules {
    /// `configured` goes before the environment's `HTTPS_PROXY` and `HTTP_PROXY`; `exceptions` is a
    /// list of host endings.
    pub fn new(configured: Option<Url>, https: Option<Url>, http: Option<Url>, exceptions: &str) -> Self {
        let exceptions = exceptions.split([',', ' ']).map(|entry| entry.trim().to_ascii_lowercase()).filter(|entry| !entry.is_empty());
        Self { configured, https, http, exceptions: exceptions.take(MAX_EXCEPTIONS).collect() }
    }

    /// Whether a proxy's protocol is one that can be spoken.
    pub fn is_supported(url: &Url) -> bool {
        matches!(url.scheme(), "http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h" | "socks")
    }

    /// The proxy for an address. An https address never goes through what only `HTTP_PROXY` names.
    pub fn for_url(&self, url: &Url) -> Option<Url> {
        let from_env = || if url.scheme() == "https" { self.https.as_ref() } else { self.https.as_ref().or(self.http.as_ref()) };
        let proxy = self.configured.as_ref().or_else(from_env)?;
        let host = url.host_str()?;
        if self.exceptions.iter().any(|exception| is_exempt(host, url.port_or_known_default(), exception)) {
            return None;
        }
        Some(proxy_resolves(proxy))
    }
}

/// `example.com` and `.example.com` cover the host and everything below it; `*` covers all,
/// `host:port` one port.
fn is_exempt(host: &str, port: Option<u16>, exception: &str) -> bool {
    if exception == "*" {
        return true;
    }
    let exception = match exception.rsplit_once(':') {
        Some((name, digits)) if !name.is_empty() && (!name.contains(':') || name.ends_with(']')) && digits.parse::<u16>().is_ok() => {
            if digits.parse().ok() != port {
                return false;
            }
            name
        }
        _ => exception,
    };
    let ending = exception.trim_start_matches("*.").trim_matches('.');
    let host = host.trim_end_matches('.');
    !ending.is_empty() && (host == ending || host.strip_suffix(ending).is_some_and(|rest| rest.ends_with('.')))
}

/// A SOCKS proxy is given names, not addresses: what it can reach is its own matter, and names do
/// not leak to our resolver.
fn proxy_resolves(proxy: &Url) -> Url {
    let scheme = match proxy.scheme() {
        "socks4" => "socks4a",
        "socks" | "socks5" => "socks5h",
        _ => return proxy.clone(),
    };
    let rest = proxy.as_str().split_once(':').map_or("", |(_, rest)| rest);
    Url::parse(&format!("{scheme}:{rest}")).unwrap_or_else(|_| proxy.clone())
}
