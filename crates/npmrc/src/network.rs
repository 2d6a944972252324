//! How to reach a host: proxies, certificates, retries, time limits.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::ConfigFinding;
use super::env::Surroundings;
use super::layers::Layers;
use crate::{AllowList, ProxyRules};

/// Most attempts that a configuration can ask for.
const MAX_RETRIES: u64 = 20;
/// Most connections to one host that a configuration can ask for, and npm's own default.
const MAX_SOCKETS: u64 = 256;
const SOCKETS: usize = 15;
/// The text between a certificate's first and last line has no length limit in PEM; a file with
/// more than these is cut.
const MAX_CERTIFICATES: usize = 1000;

/// Network settings, for every host and not only for registries.
#[derive(Debug, Clone)]
pub struct Network {
    /// Which proxy for which address.
    pub proxies: ProxyRules,
    /// Certificates, PEM, that are trusted besides the platform's: `ca`, `cafile` and
    /// `NODE_EXTRA_CA_CERTS`.
    pub extra_roots: Vec<String>,
    /// npm's `strict-ssl`; it counts for registries only.
    pub strict_ssl: bool,
    /// npm's `fetch-retries`: how often a failed read is repeated.
    pub retries: u32,
    /// The shortest and the longest pause between attempts (`fetch-retry-mintimeout`,
    /// `-maxtimeout`), where configured.
    pub retry_pauses: (Option<Duration>, Option<Duration>),
    /// What the pause is multiplied with after each attempt (`fetch-retry-factor`), where
    /// configured.
    pub retry_factor: Option<u32>,
    /// How long to wait for the next bytes (`fetch-timeout`).
    pub read_timeout: Duration,
    /// Connections to one host at a time (`maxsockets`).
    pub max_sockets: usize,
    /// npm's `offline`.
    pub offline: bool,
    /// Hosts that may have private addresses: `REPRODUCE_ALLOW_HOSTS`. The registries are added by
    /// the HTTP client's maker, and where git's configuration leads by whoever reads that.
    pub allowed: AllowList,
    /// `REPRODUCE_ALLOW_HOSTS` alone: what the user means for every address, whoever names it.
    pub named: AllowList,
}

impl Network {
    pub(super) fn read(layers: &Layers, around: &Surroundings, findings: &mut Vec<ConfigFinding>) -> Self {
        let number = |key: &str, most: u64| layers.number(key).map(|number| number.min(most));
        let pause = |key: &str| number(key, 3_600_000).map(Duration::from_millis);
        let retries = number("fetch-retries", MAX_RETRIES).and_then(|retries| u32::try_from(retries).ok());
        let sockets = number("maxsockets", MAX_SOCKETS).filter(|sockets| *sockets > 0).and_then(|sockets| usize::try_from(sockets).ok());
        let named = AllowList::parse(around.var("REPRODUCE_ALLOW_HOSTS").unwrap_or(""));
        Self {
            proxies: proxies(layers, around, findings),
            extra_roots: extra_roots(layers, around, findings),
            strict_ssl: layers.flag("strict-ssl").unwrap_or(true),
            retries: retries.unwrap_or(Self::RETRIES),
            retry_pauses: (pause("fetch-retry-mintimeout"), pause("fetch-retry-maxtimeout")),
            retry_factor: number("fetch-retry-factor", 100).and_then(|factor| u32::try_from(factor).ok()).filter(|factor| *factor > 0),
            read_timeout: pause("fetch-timeout").filter(|pause| !pause.is_zero()).unwrap_or(Self::READ_TIMEOUT),
            max_sockets: sockets.unwrap_or(SOCKETS),
            offline: layers.flag("offline").unwrap_or(false),
            allowed: named.clone(),
            named,
        }
    }
}

/// `https-proxy` before `proxy`, for every address, as npm-registry-fetch 19 does it; without
/// either, the environment's.
fn proxies(layers: &Layers, around: &Surroundings, findings: &mut Vec<ConfigFinding>) -> ProxyRules {
    let mut read = |key: &str, text: Option<String>| {
        let text = text.filter(|text| !text.is_empty() && text != "false" && text != "true")?;
        let with_scheme = if text.contains("://") { text } else { format!("http://{text}") };
        let url = Url::parse(&with_scheme).ok().filter(|url| url.has_host() && ProxyRules::is_supported(url));
        if url.is_none() {
            findings.push(ConfigFinding { code: "invalid-proxy", message: format!("{key} is not the address of a proxy") });
        }
        url
    };
    let configured = read("https-proxy", layers.text("https-proxy")).or_else(|| read("proxy", layers.text("proxy")));
    let from_env = |name: &str| around.var_any_case(name).map(str::to_owned);
    let https = read("HTTPS_PROXY", from_env("https_proxy"));
    let http = read("HTTP_PROXY", from_env("http_proxy").or_else(|| from_env("proxy")));
    let mut exceptions = layers.list("noproxy").join(",");
    if exceptions.trim().is_empty() {
        exceptions = from_env("no_proxy").or_else(|| from_env("noproxy")).unwrap_or_default();
    }
    ProxyRules::new(configured, https, http, &exceptions)
}

/// Node's `NODE_EXTRA_CA_CERTS` adds, npm's `ca` and `cafile` replace. Here all of them add: the
/// same client talks to hosts of source code, which a registry's own authority says nothing about.
/// `SSL_CERT_FILE` is read by the platform's verifier.
fn extra_roots(layers: &Layers, around: &Surroundings, findings: &mut Vec<ConfigFinding>) -> Vec<String> {
    let mut roots: Vec<String> =
        layers.list("ca").into_iter().filter(|ca| !ca.trim().is_empty()).take(MAX_CERTIFICATES).map(|ca| ca.replace("\\n", "\n")).collect();
    let files: [(&str, Option<PathBuf>); 2] =
        [("cafile", layers.path("cafile")), ("NODE_EXTRA_CA_CERTS", around.var("NODE_EXTRA_CA_CERTS").map(|path| around.path(path)))];
    for (key, path) in files {
        let Some(path) = path else { continue };
        match around.files.read_text(&path) {
            Ok(text) => roots.push(text),
            Err(error) => {
                let message = format!("the file {}, which {key} names, cannot be read: {error}", path.display());
                findings.push(ConfigFinding { code: "cafile-unreadable", message });
            }
        }
    }
    roots
}
