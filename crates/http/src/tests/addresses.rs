use std::sync::Arc;

use tokio::io::AsyncWriteExt;
use url::Url;

use npmrc::AllowList;
use verdict::diagnostic::Diagnostic;

use super::super::{Client, HttpConfig, Request, Trust, is_public};
use super::{FixedLookup, Server, answer, client, config};

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

async fn refusal(address: &str, trust: Trust) -> &'static str {
    let config = HttpConfig { retries: 0, lookup: Arc::new(FixedLookup(vec![])), ..HttpConfig::new("t") };
    Client::new(config).send(&Request::get(url(address), trust)).await.unwrap_err().code()
}

#[test]
fn only_global_unicast_addresses_are_public() {
    for address in [
        "1.1.1.1",
        "8.8.8.8",
        "100.63.255.255",
        "100.128.0.0",
        "172.32.0.1",
        "192.0.1.1",
        "2606:4700::1111",
        "64:ff9b::808:808",
        "::ffff:8.8.8.8",
    ] {
        assert!(is_public(address.parse().unwrap()), "{address}");
    }
    for address in [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::7f00:1",
        "fe80::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "2001:db8::1",
        "2001::1",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "100::1",
        "3fff::1",
        "fec0::1",
    ] {
        assert!(!is_public(address.parse().unwrap()), "{address}");
    }
}

#[tokio::test]
async fn a_stranger_cannot_name_a_private_address_in_any_spelling() {
    for host in [
        "127.0.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "2130706433",
        "0x7f000001",
        "017700000001",
        "0x7f.1",
        "127.1",
        "10.0.0.1",
        "localhost",
        "a.localhost",
        "localhost.",
        "metadata.google.internal",
        "printer.local",
        "intranet",
        "192.168.0.1.",
    ] {
        assert_eq!(refusal(&format!("https://{host}/x"), Trust::Stranger).await, "private-address-refused", "{host}");
        assert_eq!(refusal(&format!("http://{host}:8080/x"), Trust::StrangerPlain).await, "private-address-refused", "{host}");
    }
}

#[tokio::test]
async fn a_strangers_name_that_resolves_to_a_private_address_is_not_connected_to() {
    for address in ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1", "fd00::1", "::ffff:127.0.0.1"] {
        let config = HttpConfig { retries: 0, lookup: Arc::new(FixedLookup(vec![address.parse().unwrap()])), ..HttpConfig::new("t") };
        let error = Client::new(config).send(&Request::get(url("https://h.example/x"), Trust::Stranger)).await.unwrap_err();
        assert_eq!(error.code(), "private-address-refused", "{address}");
    }
}

#[tokio::test]
async fn a_users_own_name_may_resolve_to_a_private_address() {
    let server = Server::start(|_, _| answer(200, &[], b"yes")).await;
    let port = server.url.port().unwrap();
    let own = url(&format!("http://registry.example:{port}/"));
    let mut config = config(&[]);
    config.lookup = Arc::new(FixedLookup(vec!["127.0.0.1".parse().unwrap()]));
    let (_, body) = Client::new(config.clone()).get_bytes(&Request::get(own.clone(), Trust::Registry)).await.unwrap();
    assert_eq!(body, b"yes");
    // The same name from a stranger, with the connection still warm.
    let client = Client::new(config);
    client.get_bytes(&Request::get(own.clone(), Trust::Registry)).await.unwrap();
    let error = client.get_bytes(&Request::get(own, Trust::StrangerPlain)).await.unwrap_err();
    assert_eq!(error.code(), "private-address-refused");
}

#[tokio::test]
async fn a_stranger_needs_tls_unless_the_caller_says_otherwise() {
    assert_eq!(refusal("http://h.example/x", Trust::Stranger).await, "insecure-address-refused");
    // Passes the check, and then the name is not found.
    assert_eq!(refusal("http://h.example/x", Trust::StrangerPlain).await, "dns-failed");
}

#[tokio::test]
async fn only_http_is_spoken_and_addresses_hold_no_credentials() {
    for address in ["ftp://h.example/", "file:///etc/passwd", "https://me:pw@h.example/"] {
        for trust in [Trust::Registry, Trust::Stranger] {
            assert_eq!(refusal(address, trust).await, "address-refused", "{address}");
        }
    }
}

#[tokio::test]
async fn what_the_user_allows_is_allowed_by_host_and_port() {
    let server = Server::start(|_, _| answer(200, &[], b"yes")).await;
    let ok = client(&[&server]).get_bytes(&Request::get(server.at("/"), Trust::Stranger)).await;
    assert_eq!(ok.unwrap().1, b"yes");
    let mut other_port = server.url.clone();
    other_port.set_port(Some(1)).unwrap();
    let error = client(&[&server]).send(&Request::get(other_port, Trust::StrangerPlain)).await.unwrap_err();
    assert_eq!(error.code(), "private-address-refused");
}

#[test]
fn an_allow_list_is_hosts_with_or_without_ports() {
    let list = AllowList::parse("h.example, 127.0.0.1:4873,[::1]:80 ,::1:2,UPPER.example:443,,bad host");
    for address in [
        "https://h.example/",
        "http://h.example:99/",
        "http://127.0.0.1:4873/",
        "http://[::1]/",
        "http://[::1:2]:5/",
        "https://upper.example/",
    ] {
        assert!(list.contains(&url(address)), "{address}");
    }
    for address in ["https://a.h.example/", "http://127.0.0.1/", "http://[::1]:81/", "http://upper.example/"] {
        assert!(!list.contains(&url(address)), "{address}");
    }
}

#[tokio::test]
async fn failures_to_connect_are_told_apart() {
    // Bound and not listening: no other test is given the port meanwhile.
    let deaf = tokio::net::TcpSocket::new_v4().unwrap();
    deaf.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let closed = deaf.local_addr().unwrap();
    assert_eq!(refusal(&format!("http://{closed}/"), Trust::Registry).await, "connection-refused");
    assert_eq!(refusal("http://h.example/", Trust::Registry).await, "dns-failed");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plain = listener.local_addr().unwrap();
    tokio::spawn(async move {
        // Anybody may come by mistake: a test that asks a port which was free a moment ago.
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let said = socket.write_all(b"HTTP/1.1 400 plain http is spoken here\r\n\r\n").await;
                // Stays until the client has read it and left.
                let left = tokio::io::copy(&mut socket, &mut tokio::io::sink()).await;
                drop((said, left));
            });
        }
    });
    assert_eq!(refusal(&format!("https://{plain}/"), Trust::Registry).await, "tls-failed");
}

#[tokio::test]
async fn nothing_is_asked_when_the_network_is_switched_off() {
    let server = Server::start(|_, _| answer(200, &[], b"")).await;
    let client = Client::new(HttpConfig { offline: true, ..config(&[&server]) });
    let error = client.get_bytes(&Request::get(server.at("/"), Trust::Registry)).await.unwrap_err();
    assert_eq!((error.code(), server.heads().len()), ("offline", 0));
}
