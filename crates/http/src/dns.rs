//! Names to addresses, with private addresses left out for strangers.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::{Reach, is_public};

/// The addresses of one name, later.
pub type Addresses = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Looks a name up.
pub trait Lookup: Send + Sync {
    /// Every address of a name.
    fn lookup(&self, name: &str) -> Addresses;
}

/// The system's resolver, with its hosts file and search domains.
#[derive(Debug, Clone, Copy)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, name: &str) -> Addresses {
        let target = (name.to_owned(), 0);
        Box::pin(async move { Ok(tokio::net::lookup_host(target).await?.map(|address| address.ip()).collect()) })
    }
}

/// A stranger's name that has no public address.
#[derive(Debug, thiserror::Error)]
#[error("the name has no public address")]
pub(super) struct NoPublicAddress;

/// What the connection pool asks. The address that is connected to is one that came from here: a
/// second look-up with another answer (DNS rebinding) has no place to happen.
#[derive(Clone)]
pub(super) struct Resolver {
    pub(super) lookup: Arc<dyn Lookup>,
    pub(super) reach: Reach,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.lookup.lookup(name.as_str());
        let reach = self.reach;
        Box::pin(async move {
            let mut addresses = found.await?;
            if reach == Reach::Public && !addresses.is_empty() {
                addresses.retain(|address| is_public(*address));
                if addresses.is_empty() {
                    return Err(NoPublicAddress.into());
                }
            }
            // Port 0: the address's own.
            let all: Addrs = Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(all)
        })
    }
}
