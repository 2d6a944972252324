//! `CONNECT`: to ourselves, for clients that take a proxy's tunnel to a loopback registry, and to
//! hosts on the allow-list.
//!
//! The address that is connected to is the one that was looked up and judged: there is no second
//! look-up with another answer.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::{Host, Url};

use http::{HttpConfig, is_public};
use npmrc::AllowList;

use super::error::Refused;
use super::serve::Seat;

/// Longest wait for a connection.
const PATIENCE: Duration = Duration::from_secs(30);

/// Connects to an allowed host. What has no public address must be allowed by the user's own
/// network configuration too.
pub(super) async fn connect(host: &str, port: u16, hosts: &AllowList, config: &HttpConfig) -> Result<TcpStream, Refused> {
    let refused = || Refused::Host { host: host.to_owned() };
    let failed = |reason: &str| Refused::Tunnel { host: host.to_owned(), reason: reason.to_owned() };
    let url = Url::parse(&format!("https://{host}:{port}/")).map_err(|_| refused())?;
    if !hosts.contains(&url) {
        return Err(refused());
    }
    if config.offline {
        return Err(failed("the network is switched off"));
    }
    let addresses: Vec<IpAddr> = match url.host() {
        Some(Host::Ipv4(address)) => vec![address.into()],
        Some(Host::Ipv6(address)) => vec![address.into()],
        Some(Host::Domain(name)) => {
            let looked_up = tokio::time::timeout(PATIENCE, config.lookup.lookup(name)).await;
            looked_up.map_err(|_| failed("its address was not found in time"))?.map_err(|_| failed("it has no address"))?
        }
        None => return Err(refused()),
    };
    let may_be_private = config.allowed.contains(&url);
    let mut last = failed("it has no public address");
    for address in addresses.into_iter().filter(|address| may_be_private || is_public(*address)) {
        match tokio::time::timeout(PATIENCE, TcpStream::connect(SocketAddr::new(address, port))).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = failed(&error.to_string()),
            Err(_) => last = failed("it did not answer in time"),
        }
    }
    Err(last)
}

/// Carries bytes both ways until one side ends or the serving stops.
pub(super) async fn carry(upgrade: OnUpgrade, mut to: TcpStream, seat: Seat) {
    // The client that went away before its tunnel stood has nobody to be told.
    let Ok(from) = upgrade.await else { return };
    let mut from = TokioIo::new(from);
    tokio::select! {
        () = seat.stop.cancelled() => {}
        // A tunnel that breaks ends both of its sides; they see it themselves.
        carried = tokio::io::copy_bidirectional(&mut from, &mut to) => drop(carried),
    }
}
