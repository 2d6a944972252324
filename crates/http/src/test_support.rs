//! A server of a few lines on loopback, which does whatever a test wants it to, and a client for
//! it. The tests of other crates read this file too.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too; and uses a part of them"
)]

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

use http::{Addresses, Client, Clock, HttpConfig, Lookup};
use npmrc::AllowList;

/// What the server sends for one request: bytes, with pauses between, and then it hangs up.
pub(super) type Script = Vec<Step>;

/// One thing that the server does.
#[derive(Clone)]
pub(super) enum Step {
    /// Sends bytes.
    Send(Vec<u8>),
    /// Says nothing for as long as the client stays.
    Hang,
}

/// A server whose answers come from a function of the request's head and its number.
pub(super) struct Server {
    /// Its root.
    pub(super) url: Url,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts one; it ends with the runtime.
    pub(super) async fn start(answer: impl Fn(&str, usize) -> Script + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let (seen, answer) = (heads.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let (seen, answer) = (seen.clone(), answer.clone());
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    let mut buffer = [0; 4096];
                    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
                        match socket.read(&mut buffer).await {
                            Ok(0) | Err(_) => return,
                            Ok(count) => head.extend_from_slice(&buffer[..count]),
                        }
                    }
                    let head = String::from_utf8_lossy(&head).into_owned();
                    let number = {
                        let mut seen = seen.lock().unwrap();
                        seen.push(head.clone());
                        seen.len() - 1
                    };
                    for step in answer(&head, number) {
                        match step {
                            Step::Send(bytes) if socket.write_all(&bytes).await.is_err() => return,
                            Step::Send(_) => {}
                            Step::Hang => while !matches!(socket.read(&mut buffer).await, Ok(0) | Err(_)) {},
                        }
                    }
                    let _ = socket.shutdown().await;
                });
            }
        });
        Self { url, heads }
    }

    /// The heads of all requests, in order.
    pub(super) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// The address of a path.
    pub(super) fn at(&self, path: &str) -> Url {
        self.url.join(path).unwrap()
    }
}

/// A whole answer.
pub(super) fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Script {
    let mut head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&[name, ": ", value, "\r\n"].concat());
    }
    vec![Step::Send([head.as_bytes(), b"\r\n", body].concat())]
}

/// A clock that does not wait, and writes down how long it should have.
#[derive(Default)]
pub(super) struct FastClock {
    /// Every pause that was asked for.
    pub(super) slept: Mutex<Vec<Duration>>,
}

impl Clock for FastClock {
    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.slept.lock().unwrap().push(time);
        Box::pin(std::future::ready(()))
    }

    fn now(&self) -> SystemTime {
        // Sun, 06 Nov 1994 08:49:37 GMT
        SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777)
    }

    fn chance(&self) -> u8 {
        0
    }
}

/// A resolver that has one answer for every name.
pub(super) struct FixedLookup(pub Vec<IpAddr>);

impl Lookup for FixedLookup {
    fn lookup(&self, _: &str) -> Addresses {
        let all = self.0.clone();
        Box::pin(async move { if all.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(all) } })
    }
}

/// A configuration that reaches the test's servers as a user's registries, and waits for nothing.
pub(super) fn config(servers: &[&Server]) -> HttpConfig {
    let mut allowed = AllowList::default();
    for server in servers {
        allowed.add(&server.url);
    }
    HttpConfig { allowed, clock: Arc::new(FastClock::default()), ..HttpConfig::new("reproduce/test") }
}

/// A client that may reach these servers.
pub(super) fn client(servers: &[&Server]) -> Client {
    Client::new(config(servers))
}
