use std::io::{Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use verdict::diagnostic::Diagnostic;

use super::super::{Client, HttpConfig, HttpError, Request, Trust};
use super::{Server, Step, answer, client, config};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn fetch(script: super::Script, request: impl Fn(Request) -> Request) -> Result<Vec<u8>, HttpError> {
    let server = Server::start(move |_, _| script.clone()).await;
    let client = Client::new(HttpConfig { retries: 0, ..config(&[&server]) });
    client.get_bytes(&request(Request::get(server.at("/"), Trust::Registry))).await.map(|(_, body)| body)
}

#[tokio::test]
async fn a_gzipped_answer_is_unpacked_and_a_tarballs_is_not() {
    let zipped = gzip(b"hello");
    let script = answer(200, &[("content-encoding", "gzip")], &zipped);
    assert_eq!(fetch(script.clone(), |request| request).await.unwrap(), b"hello");
    assert_eq!(fetch(script, Request::uncompressed).await.unwrap(), zipped);
}

#[tokio::test]
async fn a_gzip_bomb_stops_at_the_limit() {
    let bomb = gzip(&vec![0; 64 << 20]);
    assert!(bomb.len() < 100_000);
    let error = fetch(answer(200, &[("content-encoding", "gzip")], &bomb), |request| request.max_body(1 << 20)).await.unwrap_err();
    assert!(matches!(error, HttpError::TooLarge { limit: 1_048_576, .. }));
}

#[tokio::test]
async fn a_damaged_or_cut_gzip_is_an_error() {
    let zipped = gzip(b"hello hello hello");
    for body in [&zipped[..zipped.len() - 4], &b"not gzip at all"[..], &zipped[..12]] {
        let error = fetch(answer(200, &[("content-encoding", "gzip")], body), |request| request).await.unwrap_err();
        assert_eq!(error.code(), "invalid-response");
    }
}

#[tokio::test]
async fn a_body_may_be_as_large_as_the_limit_and_no_larger() {
    let exact = |request: Request| request.max_body(5);
    assert_eq!(fetch(answer(200, &[], b"12345"), exact).await.unwrap(), b"12345");
    assert_eq!(fetch(answer(200, &[], b"123456"), exact).await.unwrap_err().code(), "response-too-large");
    // Without an announced length.
    let endless = vec![Step::Send(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n123456".to_vec())];
    assert_eq!(fetch(endless, exact).await.unwrap_err().code(), "response-too-large");
}

#[tokio::test]
async fn an_endless_head_is_refused() {
    for size in [100_000, 2_000_000] {
        let huge = "x".repeat(size);
        let error = fetch(answer(200, &[("x-huge", &huge)], b""), |request| request).await.unwrap_err();
        assert!(matches!(error.code(), "response-too-large" | "invalid-response" | "connection-lost"), "{size}: {error:?}");
    }
}

#[tokio::test]
async fn what_is_not_http_is_an_error() {
    let error = fetch(vec![Step::Send(b"SSH-2.0-OpenSSH\r\n\r\n".to_vec())], |request| request).await.unwrap_err();
    assert_eq!(error.code(), "invalid-response");
}

#[tokio::test]
async fn a_body_can_be_read_from_a_thread_without_async() {
    let content: Vec<u8> = (0..1_000_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    let script = answer(200, &[], &content);
    let server = Server::start(move |_, _| script.clone()).await;
    let response = client(&[&server]).send(&Request::get(server.at("/"), Trust::Registry)).await.unwrap();
    let mut reader = response.body.into_blocking(&tokio::runtime::Handle::current());
    let read = tokio::task::spawn_blocking(move || {
        let mut all = Vec::new();
        reader.read_to_end(&mut all).map(|_| all)
    });
    assert_eq!(read.await.unwrap().unwrap(), content);
}

#[tokio::test]
async fn a_blocking_reader_passes_the_failure_on() {
    let script = vec![Step::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this".to_vec())];
    let server = Server::start(move |_, _| script.clone()).await;
    let response = client(&[&server]).send(&Request::get(server.at("/"), Trust::Registry)).await.unwrap();
    let mut reader = response.body.into_blocking(&tokio::runtime::Handle::current());
    let error = tokio::task::spawn_blocking(move || reader.read_to_end(&mut Vec::new()).unwrap_err()).await.unwrap();
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<HttpError>()).unwrap();
    assert_eq!(inner.code(), "connection-lost");
}

#[tokio::test]
async fn a_request_says_who_asks_and_a_post_sends_its_body() {
    let server = Server::start(|_, _| answer(200, &[], b"")).await;
    let request = Request::post(server.at("/git"), Trust::Registry, "0000".into()).header("content-type", "application/x-git");
    client(&[&server]).send(&request).await.unwrap();
    let head = server.heads()[0].to_lowercase();
    for line in [
        "post /git http/1.1",
        "user-agent: reproduce/test",
        "content-type: application/x-git",
        "content-length: 4",
        "accept-encoding: gzip",
    ] {
        assert!(head.contains(line), "{line}");
    }
}

#[tokio::test]
async fn one_host_gets_only_so_many_requests_at_a_time() {
    let server = Server::start(|_, _| answer(200, &[], b"x")).await;
    let client = Client::new(HttpConfig { max_per_host: 1, ..config(&[&server]) });
    let request = Request::get(server.at("/"), Trust::Registry);
    let first = client.send(&request).await.unwrap();
    let second = tokio::spawn({
        let (client, request) = (client.clone(), request.clone());
        async move { client.send(&request).await.map(|response| response.status) }
    });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.heads().len(), 1);
    drop(first);
    assert_eq!(second.await.unwrap().unwrap(), 200);
}
