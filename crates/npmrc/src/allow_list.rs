//! Hosts that the user's own configuration leads to.

use std::collections::BTreeSet;
use std::net::Ipv6Addr;

use url::{Host, Url};

/// Hosts, with or without a port, that the user's own configuration leads to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowList {
    entries: BTreeSet<(String, Option<u16>)>,
}

impl AllowList {
    /// Reads `host[:port],…`. An entry without a port covers every port; what cannot be read is
    /// left out.
    pub fn parse(text: &str) -> Self {
        let mut list = Self::default();
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            // A bare IPv6 address has no brackets to tell its colons from a port's.
            if let Ok(address) = entry.parse::<Ipv6Addr>() {
                list.entries.insert((format!("[{address}]"), None));
                continue;
            }
            // The scheme is one without a default port, so that `host:80` keeps its port.
            let Ok(url) = Url::parse(&format!("allow://{entry}/")) else { continue };
            let Some(host) = url.host_str().and_then(|host| Host::parse(host).ok()) else { continue };
            list.entries.insert((host.to_string(), url.port()));
        }
        list
    }

    /// The entries, as they are written.
    pub fn names(&self) -> Vec<String> {
        let name = |(host, port): &(String, Option<u16>)| port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
        self.entries.iter().map(name).collect()
    }

    /// Adds the host and port of an address.
    pub fn add(&mut self, url: &Url) {
        if let Some(host) = url.host_str() {
            self.entries.insert((host.to_owned(), url.port_or_known_default()));
        }
    }

    /// Whether an address's host and port are on the list.
    pub fn contains(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let host = host.to_owned();
        self.entries.contains(&(host.clone(), None)) || self.entries.contains(&(host, url.port_or_known_default()))
    }
}
