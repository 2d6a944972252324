//! Which addresses a stranger may send us to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use npmrc::AllowList;

use super::{HttpError, Trust};

/// How a request may connect, once its address has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Reach {
    /// To any address.
    Any,
    /// To public addresses only.
    Public,
}

/// Judges one hop by its address alone; what its name resolves to is judged while connecting.
pub(super) fn judge(url: &Url, trust: Trust, allowed: &AllowList) -> Result<Reach, HttpError> {
    let refused = |reason| HttpError::AddressRefused { url: shown(url), reason };
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused("only http and https are supported"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("it holds credentials"));
    }
    if trust == Trust::Registry || allowed.contains(url) {
        return Ok(Reach::Any);
    }
    if url.scheme() == "http" && trust == Trust::Stranger {
        return Err(HttpError::Insecure { url: shown(url) });
    }
    let private = || Err(HttpError::PrivateAddress { url: shown(url) });
    match url.host() {
        // The url crate has already turned 0x7f.1, 017700000001 and 2130706433 into the address
        // that they mean.
        Some(Host::Ipv4(address)) if !is_public(address.into()) => private(),
        Some(Host::Ipv6(address)) if !is_public(address.into()) => private(),
        Some(Host::Domain(name)) if is_local_name(name) => private(),
        Some(_) => Ok(Reach::Public),
        None => Err(refused("it has no host")),
    }
}

/// Names that never leave the machine or its network, whatever a resolver or proxy makes of them.
fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let last = name.rsplit('.').next().unwrap_or("");
    last == name || matches!(last, "localhost" | "local" | "internal" | "lan" | "intranet" | "corp" | "home" | "arpa")
}

/// Whether an address belongs to the public internet: the IANA special-purpose registries of IPv4
/// and IPv6, read strictly.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18..=19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = address.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    let [first, second, ..] = address.segments();
    let octets = address.octets();
    if let [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, inner @ ..] = octets {
        // NAT64: a network without IPv4 sees the whole IPv4 internet under this prefix.
        return is_public_v4(Ipv4Addr::from(inner));
    }
    // Global unicast is 2000::/3. In it: protocol assignments with Teredo (2001::/23),
    // documentation, 6to4.
    let is_special = (first == 0x2001 && (second < 0x200 || second == 0x0db8)) || first == 0x2002 || (first == 0x3fff && second < 0x1000);
    (0x2000..=0x3fff).contains(&first) && !is_special
}

/// An address as it may be shown: without query and credentials, which may be secrets.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_fragment(None);
    verdict::without_secrets(url.as_str())
}
