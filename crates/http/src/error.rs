//! What can go wrong between here and a server.

use std::time::{Duration, SystemTime};

use verdict::diagnostic::{Diagnostic, Stage};

/// A request that failed. Addresses are without query and credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// No route, or the connection was dropped before it stood.
    #[error("cannot reach {host}: {reason}")]
    Unreachable {
        /// Host, or the proxy's.
        host: String,
        /// The system's words.
        reason: String,
    },
    /// The name has no address.
    #[error("cannot find the address of {host}")]
    Dns {
        /// Host.
        host: String,
    },
    /// Nobody listens there.
    #[error("{host} refused the connection")]
    Refused {
        /// Host.
        host: String,
    },
    /// No agreement on TLS, or a certificate that is not believed.
    #[error("no secure connection to {host}: {reason}")]
    Tls {
        /// Host.
        host: String,
        /// What the TLS library says.
        reason: String,
    },
    /// The configured certificates cannot be used.
    #[error("TLS cannot be set up: {reason}")]
    TlsSetup {
        /// Which file, and why.
        reason: String,
    },
    /// Nothing came for too long, or all of it took too long.
    #[error("{url} did not answer within {} s", .after.as_secs())]
    Timeout {
        /// Address.
        url: String,
        /// How long was waited.
        after: Duration,
    },
    /// The connection broke off in the middle of an answer.
    #[error("the connection to {url} was lost during the answer")]
    Cut {
        /// Address.
        url: String,
    },
    /// What came is no HTTP answer, or is wrongly compressed.
    #[error("the answer from {url} cannot be read: {reason}")]
    Malformed {
        /// Address.
        url: String,
        /// Why.
        reason: String,
    },
    /// More than ten redirects.
    #[error("{url} redirects too often")]
    TooManyRedirects {
        /// The first address.
        url: String,
    },
    /// A redirect back to an address that was already asked.
    #[error("{url} redirects in a loop")]
    RedirectCycle {
        /// The first address.
        url: String,
    },
    /// A redirect without a readable target, or of a POST.
    #[error("{url} redirects to an invalid address")]
    BadRedirect {
        /// The address that redirected.
        url: String,
    },
    /// A stranger's address that is not on the public internet.
    #[error("{url} is a private address")]
    PrivateAddress {
        /// Address.
        url: String,
    },
    /// A stranger's address, or a redirect, without TLS.
    #[error("{url} is not https")]
    Insecure {
        /// Address.
        url: String,
    },
    /// An address that is never asked.
    #[error("{url} is refused: {reason}")]
    AddressRefused {
        /// Address.
        url: String,
        /// Why.
        reason: &'static str,
    },
    /// A body or head over its limit.
    #[error("the answer from {url} is larger than {limit} bytes")]
    TooLarge {
        /// Address.
        url: String,
        /// The limit, in bytes.
        limit: u64,
    },
    /// 429, or 503 with a date, and no patience left.
    #[error("{url} asks for fewer requests{}", shown_until(*.until))]
    RateLimited {
        /// Address.
        url: String,
        /// When it takes requests again, where it says so.
        until: Option<SystemTime>,
        /// What `Retry-After` asked for.
        retry_after: Option<Duration>,
    },
    /// A status that is not success.
    #[error("{url} answered {status}")]
    Status {
        /// Address.
        url: String,
        /// HTTP status.
        status: u16,
    },
    /// The network is switched off by `--offline` or npm's `offline`.
    #[error("{url} is needed, but the network is switched off")]
    Offline {
        /// Address.
        url: String,
    },
    /// What came could not be kept.
    #[error("cannot store the answer: {reason}")]
    Disk {
        /// The system's words.
        reason: String,
    },
    /// The caller gave up.
    #[error("cancelled")]
    Cancelled,
}

/// `, until` and the time, if there is one.
fn shown_until(until: Option<SystemTime>) -> String {
    let time = until.and_then(|until| jiff::Timestamp::try_from(until).ok());
    time.map(|time| format!(", until {}", time.strftime("%Y-%m-%d %H:%M:%S UTC"))).unwrap_or_default()
}

impl HttpError {
    /// Whether the same GET may well succeed a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Refused { .. } | Self::Timeout { .. } | Self::Cut { .. } | Self::RateLimited { .. } => true,
            // 420 is npm's too: an early name of 429.
            Self::Status { status, .. } => matches!(status, 408 | 420 | 429 | 500..),
            _ => false,
        }
    }

    /// The HTTP status, where that is what failed.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            Self::RateLimited { .. } => Some(429),
            _ => None,
        }
    }
}

impl Diagnostic for HttpError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "network-unreachable",
            Self::Dns { .. } => "dns-failed",
            Self::Refused { .. } => "connection-refused",
            Self::Tls { .. } | Self::TlsSetup { .. } => "tls-failed",
            Self::Timeout { .. } => "timeout",
            Self::Cut { .. } => "connection-lost",
            Self::Malformed { .. } => "invalid-response",
            Self::TooManyRedirects { .. } => "too-many-redirects",
            Self::RedirectCycle { .. } => "redirect-cycle",
            Self::BadRedirect { .. } => "invalid-redirect",
            Self::PrivateAddress { .. } => "private-address-refused",
            Self::Insecure { .. } => "insecure-address-refused",
            Self::AddressRefused { .. } => "address-refused",
            Self::TooLarge { .. } => "response-too-large",
            Self::RateLimited { .. } => "rate-limited",
            Self::Status { .. } => "http-status",
            Self::Offline { .. } => "offline",
            Self::Disk { .. } => "disk-failed",
            Self::Cancelled => "cancelled",
        }
    }

    fn stage(&self) -> Stage {
        Stage::Fetch
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Unreachable { .. } | Self::Dns { .. } | Self::Refused { .. } => "check the network and npm's proxy settings",
            Self::Tls { .. } => {
                "if a proxy or a private authority signs here, name its certificate with npm's cafile or NODE_EXTRA_CA_CERTS"
            }
            Self::TlsSetup { .. } => "check npm's cafile, ca, certfile and keyfile, and SSL_CERT_FILE",
            Self::Timeout { .. } | Self::Cut { .. } => "try again; npm's fetch-timeout and fetch-retries set the limits",
            Self::PrivateAddress { .. } | Self::Insecure { .. } => "if the host is your own, allow it with REPRODUCE_ALLOW_HOSTS=host:port",
            Self::RateLimited { .. } => {
                "wait until then, or run fewer packages at a time; most hosts give more to those who identify themselves"
            }
            Self::Status { status: 401 | 403, .. } => "check the token in .npmrc for this host",
            Self::Status { status: 407, .. } => "the proxy requires credentials: put them into npm's proxy address",
            Self::Status { status: 500.., .. } => "the server has a problem; try again later",
            Self::Offline { .. } => "run without --offline once, or check npm's offline setting",
            Self::Disk { .. } => "free some space, or point TMPDIR or --cache-dir at a larger disk",
            Self::TooLarge { .. } => "the answer is over this program's limit; npm accepts nothing that large",
            Self::AddressRefused { .. } => "a registry serves its tarballs over https; this one gives another kind of address",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
