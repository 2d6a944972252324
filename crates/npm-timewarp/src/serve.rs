//! One listener: connections, their limits, and their end.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinHandle, JoinSet};

use http::Cancel;

use super::Inner;
use super::answer::{Base, answer};
use super::body::Never;
use super::peers::{Peer, Peers, peer};

/// Connections at a time, tunnels among them; more wait in the listener's queue. Clients open up to
/// a hundred.
pub(super) const CONNECTIONS: usize = 256;
/// Longest wait for a request's head. Package managers keep connections open between requests.
const IDLE: Duration = Duration::from_secs(120);
/// Largest head of a request, and most headers in it.
const MAX_HEAD: usize = 64 << 10;
const MAX_HEADERS: usize = 100;
/// A pause after a connection that could not be taken: mostly there are no descriptors left.
const RECOVER: Duration = Duration::from_millis(50);

/// Of one connection: what ends it, and its place among those that are open. A tunnel keeps the
/// place of the connection that it was.
#[derive(Debug, Clone)]
pub(super) struct Seat {
    pub(super) stop: Cancel,
    _place: Arc<OwnedSemaphorePermit>,
}

/// A listener that is served; dropping it ends every connection that came through it.
#[derive(Debug)]
pub struct Serving {
    stop: Cancel,
    accepting: JoinHandle<()>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop.cancel();
        // Connections belong to the task and end with it.
        self.accepting.abort();
    }
}

pub(super) fn start(inner: Arc<Inner>, listener: TcpListener, base: Base, peers: Peers) -> Serving {
    let stop = Cancel::default();
    let runtime = inner.runtime.clone();
    let accepting = runtime.spawn(accept(inner, listener, Arc::new(base), peers, stop.clone()));
    Serving { stop, accepting }
}

async fn accept(inner: Arc<Inner>, listener: TcpListener, base: Arc<Base>, peers: Peers, stop: Cancel) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        // The semaphore is never closed.
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                let (inner, base) = (inner.clone(), base.clone());
                let seat = Seat { stop: stop.clone(), _place: Arc::new(permit) };
                connections.spawn(async move {
                    match peer(&stream, peers).await {
                        Peer::Served => connection(TokioIo::new(stream), inner, base, seat).await,
                        Peer::Gone => {}
                        Peer::Stranger(who) => inner.record.stranger(who),
                    }
                });
            }
            Err(_) => tokio::time::sleep(RECOVER).await,
        }
    }
}

fn settings() -> http1::Builder {
    let mut settings = http1::Builder::new();
    settings.timer(TokioTimer::new()).header_read_timeout(IDLE).max_buf_size(MAX_HEAD).max_headers(MAX_HEADERS);
    settings
}

async fn connection(io: TokioIo<tokio::net::TcpStream>, inner: Arc<Inner>, base: Arc<Base>, seat: Seat) {
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let (inner, base, seat) = (inner.clone(), base.clone(), seat.clone());
        async move { Ok::<_, Never>(answer(&inner, &base, request, &seat).await) }
    });
    // A client that breaks off or speaks no HTTP is its own matter.
    drop(settings().serve_connection(io, service).with_upgrades().await);
}

/// Serves the inside of a tunnel to ourselves. There is no tunnel in a tunnel.
pub(super) fn tunnel_to_us(upgrade: OnUpgrade, inner: &Arc<Inner>, base: &Base, seat: &Seat) {
    inner.runtime.spawn(inside(upgrade, inner.clone(), base.clone(), seat.clone()));
}

async fn inside(upgrade: OnUpgrade, inner: Arc<Inner>, base: Base, seat: Seat) {
    // The client that went away before its tunnel stood has nobody to be told.
    let Ok(io) = upgrade.await else { return };
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let (inner, base, seat) = (inner.clone(), base.clone(), seat.clone());
        async move { Ok::<_, Never>(answer(&inner, &base, request, &seat).await) }
    });
    tokio::select! {
        () = seat.stop.cancelled() => {}
        served = settings().serve_connection(io, service) => drop(served),
    }
}
