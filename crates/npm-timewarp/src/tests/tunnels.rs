//! Tunnels: where they lead, and that they count as connections.

use std::time::Duration;

use super::*;

/// A tunnel that stands.
async fn tunnel(world: &World, to: &str) -> TcpStream {
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(format!("CONNECT {to} HTTP/1.1\r\nhost: {to}\r\n\r\n").as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 200"));
    stream
}

/// A world that allows a server of this machine.
fn allowing(server: &Server, other: &Server) -> (World, String) {
    let host = format!("127.0.0.1:{}", other.url.port().unwrap());
    let world = world(server, |settings| {
        settings.hosts = AllowList::parse(&host);
        // What is private must be allowed by the user's network configuration as well.
        let mut config = settings.client.config().clone();
        config.allowed.add(&other.url);
        settings.client = Client::new(config);
    });
    (world, host)
}

#[tokio::test]
async fn a_tunnel_to_us_leads_to_us() {
    let server = registry().await;
    let world = world(&server, |_| {});
    let mut stream = tunnel(&world, "127.0.0.1:4873").await;
    stream.write_all(b"GET /a/latest HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).await.unwrap();
    assert!(all.contains("\"version\":\"1.0.0\""));
}

#[tokio::test]
async fn an_allowed_host_is_reached_through_a_tunnel() {
    let server = registry().await;
    let other = registry().await;
    let (world, host) = allowing(&server, &other);
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream
        .write_all(format!("CONNECT {host} HTTP/1.1\r\nhost: {host}\r\n\r\nGET /a HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.unwrap();
    assert!(String::from_utf8_lossy(&all).contains("\"latest\":\"1.1.0\""));
    assert!(!other.heads()[0].contains("t0ken"));
}

#[tokio::test]
async fn a_tunnel_keeps_the_place_of_its_connection() {
    let server = registry().await;
    let other = registry().await;
    let (world, host) = allowing(&server, &other);
    for to in ["127.0.0.1:4873", &host] {
        let mut open = Vec::new();
        for _ in 0..serve::CONNECTIONS {
            open.push(tunnel(&world, to).await);
        }
        // The next is not answered while all of them are open, and is when one has ended.
        let next = world.get("/-/ping");
        tokio::pin!(next);
        assert!(tokio::time::timeout(Duration::from_millis(500), &mut next).await.is_err(), "{to}");
        open.pop();
        assert_eq!(tokio::time::timeout(Duration::from_secs(20), next).await.unwrap().0, 200, "{to}");
    }
}
