use std::sync::Arc;

use npmrc::{Auth, Secret};
use verdict::diagnostic::Diagnostic;

use super::super::{Client, HttpConfig, Request, Trust};
use super::{Server, answer, client, config};

async fn redirecting_to(target: &'static str) -> &'static str {
    let server = Server::start(move |_, _| answer(302, &[("location", target)], b"")).await;
    client(&[&server]).get_bytes(&Request::get(server.at("/"), Trust::Registry)).await.unwrap_err().code()
}

#[tokio::test]
async fn a_redirect_to_a_private_address_is_refused_in_any_spelling() {
    for target in [
        "https://169.254.169.254/latest/meta-data/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://0.0.0.0/",
        "https://2130706433/",
        "https://017700000001/",
        "https://0x7f000001/",
        "https://[::ffff:127.0.0.1]/",
        "https://localhost/",
        "//127.0.0.1:1/",
    ] {
        let code = redirecting_to(target).await;
        // Without a scheme it is http, which is refused before the address is looked at.
        assert!(code == "private-address-refused" || (target.starts_with("//") && code == "insecure-address-refused"), "{target}: {code}");
    }
}

#[tokio::test]
async fn a_redirect_to_plain_http_or_another_protocol_is_refused() {
    assert_eq!(redirecting_to("http://h.example/").await, "insecure-address-refused");
    assert_eq!(redirecting_to("file:///etc/passwd").await, "address-refused");
    assert_eq!(redirecting_to("https://me:pw@h.example/").await, "address-refused");
    assert_eq!(redirecting_to("http://[").await, "invalid-redirect");
}

#[tokio::test]
async fn the_registrys_trust_ends_at_its_host_and_port() {
    let other = Server::start(|_, _| answer(200, &[], b"other")).await;
    let target = other.url.to_string();
    let server = Server::start(move |_, _| answer(302, &[("location", &target)], b"")).await;
    // Asked as a registry, but only the first server is one.
    let error = client(&[&server]).get_bytes(&Request::get(server.at("/"), Trust::Registry)).await.unwrap_err();
    assert_eq!(error.code(), "insecure-address-refused");
    assert!(other.heads().is_empty());
}

#[tokio::test]
async fn credentials_are_not_sent_to_another_host() {
    let other = Server::start(|_, _| answer(200, &[], b"other")).await;
    let target = other.url.to_string();
    let server = Server::start(move |_, _| answer(302, &[("location", &target)], b"")).await;
    let mut config = config(&[&server, &other]);
    config.credentials = Arc::new(|_| Some(Auth { header: Some(Secret::new("Bearer t0ken".into())), identity: None }));
    let request = Request::get(server.at("/"), Trust::Registry).header("cookie", "c=1").header("x-kept", "1");
    let (fetched, body) = Client::new(config).get_bytes(&request).await.unwrap();
    assert_eq!(body, b"other");
    assert_eq!(fetched.hops, [server.at("/"), other.at("/")]);
    assert!(server.heads()[0].contains("Bearer t0ken") && server.heads()[0].contains("c=1"));
    let second = other.heads()[0].to_lowercase();
    assert!(!second.contains("t0ken") && !second.contains("cookie") && second.contains("x-kept"), "{second}");
}

#[tokio::test]
async fn credentials_follow_the_path_that_they_were_configured_for() {
    let server = Server::start(|head, _| {
        if head.starts_with("GET /private/") { answer(302, &[("location", "/public/x")], b"") } else { answer(200, &[], b"") }
    })
    .await;
    let mut config = config(&[&server]);
    config.credentials = Arc::new(|url| {
        url.path().starts_with("/private/").then(|| Auth { header: Some(Secret::new("Bearer t0ken".into())), identity: None })
    });
    Client::new(config).get_bytes(&Request::get(server.at("/private/x"), Trust::Registry)).await.unwrap();
    let heads = server.heads();
    assert!(heads[0].contains("t0ken") && !heads[1].contains("t0ken"));
}

#[tokio::test]
async fn strangers_get_no_credentials() {
    let server = Server::start(|_, _| answer(200, &[], b"")).await;
    let mut config = config(&[&server]);
    config.credentials = Arc::new(|_| Some(Auth { header: Some(Secret::new("Bearer t0ken".into())), identity: None }));
    Client::new(config).get_bytes(&Request::get(server.at("/"), Trust::Stranger)).await.unwrap();
    assert!(!server.heads()[0].contains("t0ken"));
}

#[tokio::test]
async fn a_circle_is_noticed() {
    let server = Server::start(|head, _| answer(301, &[("location", if head.starts_with("GET /a") { "/b" } else { "/a" })], b"")).await;
    let error = client(&[&server]).get_bytes(&Request::get(server.at("/a"), Trust::Registry)).await.unwrap_err();
    assert_eq!((error.code(), server.heads().len()), ("redirect-cycle", 2));
}

#[tokio::test]
async fn ten_redirects_are_followed_and_no_more() {
    for (hops, ok) in [(10, true), (11, false)] {
        let server = Server::start(move |_, number| {
            if number < hops { answer(307, &[("location", &format!("/{}", number + 1))], b"") } else { answer(200, &[], b"end") }
        })
        .await;
        let result = client(&[&server]).get_bytes(&Request::get(server.at("/0"), Trust::Registry)).await;
        match result {
            Ok((fetched, _)) => assert!(ok && fetched.hops.len() == 11),
            Err(error) => assert!(!ok && error.code() == "too-many-redirects"),
        }
    }
}

#[tokio::test]
async fn a_post_is_not_redirected() {
    let server = Server::start(|_, _| answer(307, &[("location", "/b")], b"")).await;
    let error = client(&[&server]).send(&Request::post(server.at("/a"), Trust::Registry, "x".into())).await.unwrap_err();
    assert_eq!((error.code(), server.heads().len()), ("invalid-redirect", 1));
}

#[tokio::test]
async fn an_address_that_is_shown_has_no_query() {
    let server = Server::start(|_, _| answer(404, &[], b"")).await;
    let client = Client::new(HttpConfig { retries: 0, ..config(&[&server]) });
    let error = client.get_bytes(&Request::get(server.at("/a?signature=s3cret"), Trust::Registry)).await.unwrap_err();
    assert!(error.to_string().contains("/a answered 404") && !format!("{error:?}").contains("s3cret"));
}
