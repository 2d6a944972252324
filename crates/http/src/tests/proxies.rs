use std::sync::Arc;

use url::Url;

use npmrc::ProxyRules;
use verdict::diagnostic::Diagnostic;

use super::super::{Client, HttpConfig, Request, Trust};
use super::{FixedLookup, Server, answer, config};

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn chosen(rules: &ProxyRules, address: &str) -> Option<String> {
    rules.for_url(&url(address)).map(String::from)
}

#[test]
fn a_configured_proxy_is_for_every_address_and_goes_before_the_environments() {
    let rules = ProxyRules::new(Some(url("http://own:1/")), Some(url("http://env:2/")), None, "");
    for address in ["http://h.example/", "https://h.example/"] {
        assert_eq!(chosen(&rules, address).as_deref(), Some("http://own:1/"));
    }
}

#[test]
fn an_https_address_never_goes_through_what_only_http_proxy_names() {
    let rules = ProxyRules::new(None, None, Some(url("http://env:2/")), "");
    assert_eq!(chosen(&rules, "https://h.example/"), None);
    assert_eq!(chosen(&rules, "http://h.example/").as_deref(), Some("http://env:2/"));
}

#[test]
fn exceptions_are_host_endings() {
    let rules = ProxyRules::new(Some(url("http://p:1/")), None, None, "h.example, .dot.example,*.star.example,port.example:8080,[::1]");
    for (address, direct) in [
        ("https://h.example/", true),
        ("https://a.h.example/", true),
        ("https://xh.example/", false),
        ("https://a.dot.example/", true),
        ("https://dot.example/", true),
        ("https://a.star.example/", true),
        ("http://port.example:8080/", true),
        ("http://port.example/", false),
        ("http://[::1]:99/", true),
        ("https://example/", false),
    ] {
        assert_eq!(chosen(&rules, address).is_none(), direct, "{address}");
    }
    let all = ProxyRules::new(Some(url("http://p:1/")), None, None, "*");
    assert_eq!(chosen(&all, "https://h.example/"), None);
}

#[test]
fn a_socks_proxy_resolves_names_itself() {
    for (given, used) in [
        ("socks5://p:1", "socks5h://p:1"),
        ("socks4://p:1", "socks4a://p:1"),
        ("socks://u:w@p:1", "socks5h://u:w@p:1"),
        ("socks5h://p:1", "socks5h://p:1"),
    ] {
        assert_eq!(chosen(&ProxyRules::new(Some(url(given)), None, None, ""), "https://h.example/").as_deref(), Some(used));
    }
}

#[tokio::test]
async fn requests_go_through_the_proxy_even_where_it_is_private() {
    let proxy = Server::start(|_, _| answer(200, &[], b"by proxy")).await;
    let proxies = ProxyRules::new(Some(proxy.url.clone()), None, None, "");
    let client = Client::new(HttpConfig { proxies, lookup: Arc::new(FixedLookup(vec![])), ..config(&[]) });
    let (_, body) = client.get_bytes(&Request::get(url("http://h.example/x"), Trust::StrangerPlain)).await.unwrap();
    assert_eq!(body, b"by proxy");
    assert!(proxy.heads()[0].starts_with("GET http://h.example/x "));
}

#[tokio::test]
async fn a_stranger_does_not_reach_private_names_through_the_proxy() {
    let proxy = Server::start(|_, _| answer(200, &[], b"by proxy")).await;
    let proxies = ProxyRules::new(Some(proxy.url.clone()), None, None, "");
    let lookup = Arc::new(FixedLookup(vec!["10.0.0.1".parse().unwrap()]));
    let client = Client::new(HttpConfig { proxies, lookup, ..config(&[]) });
    for address in ["http://wiki.example/", "http://10.0.0.1/", "http://localhost/"] {
        let error = client.get_bytes(&Request::get(url(address), Trust::StrangerPlain)).await.unwrap_err();
        assert_eq!(error.code(), "private-address-refused", "{address}");
    }
    assert!(proxy.heads().is_empty());
}

#[tokio::test]
async fn a_request_can_choose_its_own_proxy() {
    let proxy = Server::start(|_, _| answer(200, &[], b"by proxy")).await;
    let server = Server::start(|_, _| answer(200, &[], b"directly")).await;
    let request = Request { proxy: Some(Some(proxy.url.clone())), ..Request::get(server.at("/"), Trust::Registry) };
    let client = Client::new(config(&[&server]));
    assert_eq!(client.get_bytes(&request).await.unwrap().1, b"by proxy");
    let direct = Request { proxy: Some(None), ..request };
    assert_eq!(client.get_bytes(&direct).await.unwrap().1, b"directly");
}
