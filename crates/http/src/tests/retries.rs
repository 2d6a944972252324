use std::sync::Arc;
use std::time::Duration;

use verdict::diagnostic::Diagnostic;

use super::super::{Client, HttpConfig, HttpError, Request, Trust};
use super::{FastClock, Script, Server, Step, answer, config};

/// What came, the pauses in milliseconds, and how many requests it took.
async fn run(answers: impl Fn(usize) -> Script + Send + Sync + 'static) -> (Result<Vec<u8>, HttpError>, Vec<u128>, usize) {
    let server = Server::start(move |_, number| answers(number)).await;
    let clock = Arc::new(FastClock::default());
    let client = Client::new(HttpConfig { clock: clock.clone(), ..config(&[&server]) });
    let result = client.get_bytes(&Request::get(server.at("/"), Trust::Registry)).await;
    let pauses = clock.slept.lock().unwrap().iter().map(Duration::as_millis).collect();
    (result.map(|(_, body)| body), pauses, server.heads().len())
}

fn cut() -> Script {
    vec![Step::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this".to_vec())]
}

#[tokio::test]
async fn a_server_error_is_asked_again_with_growing_pauses() {
    let (body, pauses, requests) = run(|number| if number < 2 { answer(500, &[], b"no") } else { answer(200, &[], b"yes") }).await;
    assert_eq!((body.unwrap(), pauses, requests), (b"yes".to_vec(), vec![500, 2000], 3));
}

#[tokio::test]
async fn npms_two_retries_are_the_end_of_it() {
    let (body, _, requests) = run(|_| answer(502, &[], b"no")).await;
    assert_eq!((body.unwrap_err().status(), requests), (Some(502), 3));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_fetched_anew_from_the_start() {
    let (body, _, requests) = run(|number| if number == 0 { cut() } else { answer(200, &[], b"all of it") }).await;
    assert_eq!((body.unwrap(), requests), (b"all of it".to_vec(), 2));
    let (body, _, _) = run(|_| cut()).await;
    assert_eq!(body.unwrap_err().code(), "connection-lost");
}

#[tokio::test]
async fn a_connection_that_closes_without_an_answer_is_tried_again() {
    let (body, _, requests) = run(|number| if number == 0 { vec![] } else { answer(200, &[], b"yes") }).await;
    assert_eq!((body.unwrap(), requests), (b"yes".to_vec(), 2));
}

#[tokio::test]
async fn retry_after_is_honoured_in_seconds_and_as_a_date() {
    for (value, pause) in [("7", 7000), ("Sun, 06 Nov 1994 08:49:57 GMT", 20_000), ("Sun, 06 Nov 1994 08:00:00 GMT", 0), ("soon", 500)] {
        let (body, pauses, _) =
            run(move |number| if number == 0 { answer(429, &[("retry-after", value)], b"") } else { answer(200, &[], b"yes") }).await;
        assert_eq!((body.unwrap(), pauses), (b"yes".to_vec(), vec![pause]), "{value}");
    }
}

#[tokio::test]
async fn a_server_that_wants_more_than_a_minute_is_not_waited_for() {
    let (body, pauses, requests) = run(|_| answer(429, &[("retry-after", "3600")], b"")).await;
    let error = body.unwrap_err();
    assert!(matches!(error, HttpError::RateLimited { retry_after: Some(time), .. } if time.as_secs() == 3600));
    assert_eq!((pauses.len(), requests), (0, 1));
}

#[tokio::test]
async fn a_host_that_asks_for_fewer_requests_is_waited_for_by_every_one_and_no_other_host_is() {
    let busy =
        Server::start(|_, number| if number == 0 { answer(429, &[("retry-after", "7")], b"") } else { answer(200, &[], b"yes") }).await;
    let other = Server::start(|_, _| answer(200, &[], b"yes")).await;
    let clock = Arc::new(FastClock::default());
    let client = Client::new(HttpConfig { retries: 0, clock: clock.clone(), ..config(&[&busy, &other]) });
    let get = async |server: &Server| client.clone().get_bytes(&Request::get(server.at("/"), Trust::Registry)).await.is_ok();
    let slept = || clock.slept.lock().unwrap().iter().map(Duration::as_secs).collect::<Vec<_>>();
    assert!(!get(&busy).await);
    assert!(get(&other).await);
    assert_eq!(slept(), [0; 0]);
    assert!(get(&busy).await);
    assert_eq!(slept(), [7]);
}

#[tokio::test]
async fn what_will_not_pass_is_not_repeated() {
    for status in [400, 401, 403, 404, 410, 451] {
        let (body, _, requests) = run(move |_| answer(status, &[], b"")).await;
        assert_eq!((body.unwrap_err().status(), requests), (Some(status), 1));
    }
}

#[tokio::test]
async fn a_post_is_sent_once() {
    let server = Server::start(|_, _| answer(503, &[], b"")).await;
    let client = Client::new(config(&[&server]));
    let answer = client.send(&Request::post(server.at("/"), Trust::Registry, "x".into())).await.unwrap();
    assert_eq!((answer.status, server.heads().len()), (503, 1));
    let request = Request::post(server.at("/"), Trust::Registry, "x".into());
    assert_eq!(client.get_bytes(&request).await.unwrap_err().status(), Some(503));
    assert_eq!(server.heads().len(), 2);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let server = Server::start(|_, _| vec![Step::Hang]).await;
    let config = HttpConfig { retries: 0, read_timeout: Duration::from_millis(50), ..config(&[&server]) };
    let error = Client::new(config).get_bytes(&Request::get(server.at("/"), Trust::Registry)).await.unwrap_err();
    assert_eq!(error.code(), "timeout");
}

#[tokio::test]
async fn a_body_that_stops_coming_is_given_up() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart".to_vec();
    let server = Server::start(move |_, _| vec![Step::Send(head.clone()), Step::Hang]).await;
    let config = HttpConfig { retries: 0, read_timeout: Duration::from_millis(50), ..config(&[&server]) };
    let error = Client::new(config.clone()).get_bytes(&Request::get(server.at("/"), Trust::Registry)).await.unwrap_err();
    assert_eq!(error.code(), "timeout");
    let total = Request { total_timeout: Some(Duration::from_millis(50)), ..Request::get(server.at("/"), Trust::Registry) };
    let patient = HttpConfig { read_timeout: Duration::from_secs(3600), ..config };
    assert_eq!(Client::new(patient).get_bytes(&total).await.unwrap_err().code(), "timeout");
}

#[tokio::test]
async fn cancelling_ends_a_request_a_body_and_a_pause() {
    for script in [vec![Step::Hang], vec![Step::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx".to_vec()), Step::Hang]] {
        let server = Server::start(move |_, _| script.clone()).await;
        let request = Request::get(server.at("/"), Trust::Registry);
        let cancel = request.cancel.clone();
        let client = Client::new(config(&[&server]));
        let running = tokio::spawn(async move { client.get_bytes(&request).await });
        while server.heads().is_empty() {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
        assert_eq!(running.await.unwrap().unwrap_err(), HttpError::Cancelled);
    }
}
