//! The client against a server of a few lines on loopback, which does whatever a test wants it to.

mod addresses;
mod bodies;
mod proxies;
mod redirects;
mod retries;

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

use super::dns::Addresses;
use super::{AllowList, Client, Clock, HttpConfig, Lookup};

/// What the server sends for one request: bytes, with pauses between, and then it hangs up.
pub(crate) type Script = Vec<Step>;

/// One thing that the server does.
#[derive(Clone)]
pub(crate) enum Step {
    Send(Vec<u8>),
    /// Says nothing for as long as the client stays.
    Hang,
}

/// A server whose answers come from a function of the request's head and its number.
pub(crate) struct Server {
    pub(crate) url: Url,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) async fn start(answer: impl Fn(&str, usize) -> Script + Send + Sync + 'static) -> Self {
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

    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    pub(crate) fn at(&self, path: &str) -> Url {
        self.url.join(path).unwrap()
    }
}

/// A whole answer.
pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Script {
    let mut head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&[name, ": ", value, "\r\n"].concat());
    }
    vec![Step::Send([head.as_bytes(), b"\r\n", body].concat())]
}

/// A clock that does not wait, and writes down how long it should have.
#[derive(Default)]
pub(crate) struct FastClock {
    pub(crate) slept: Mutex<Vec<Duration>>,
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
pub(crate) struct FixedLookup(pub(crate) Vec<IpAddr>);

impl Lookup for FixedLookup {
    fn lookup(&self, _: &str) -> Addresses {
        let all = self.0.clone();
        Box::pin(async move { if all.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(all) } })
    }
}

/// A configuration that reaches the test's servers as a user's registries, and waits for nothing.
pub(crate) fn config(servers: &[&Server]) -> HttpConfig {
    let mut allowed = AllowList::default();
    for server in servers {
        allowed.add(&server.url);
    }
    HttpConfig { allowed, clock: Arc::new(FastClock::default()), ..HttpConfig::new("reproduce/test") }
}

pub(crate) fn client(servers: &[&Server]) -> Client {
    Client::new(config(servers))
}
