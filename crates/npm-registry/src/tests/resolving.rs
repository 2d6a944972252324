use std::io::{Read, Write};
use std::sync::{Arc, Mutex};

use serde_json::json;
use url::Url;

use npm_spec::{PackageName, Spec};
use verdict::diagnostic::Diagnostic;

use super::super::{
    Detail, IntegrityCheck, MetadataCache, Progress, RegistryError, ResolveOptions, Spool, Stored, history, resolve, select,
};
use super::setup;
use super::test_support::{Script, Server, answer};

const TARBALL: &[u8] = b"hello";
const SHA512: &str = "sha512-m3HSJL1i83hdltRq0+o9czGb+8KJDKra4t/3JRlnPKcjI8PZm6XBHXx6zG4UuMXaDEZjR1wuXDre9G9zvN7AQw==";
const SHASUM: &str = "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d";

/// The manifest of a version of `a`, its tarball at the host that the request named.
fn manifest(host: &str, version: &str, dist: &serde_json::Value) -> serde_json::Value {
    let mut dist = dist.clone();
    if dist.get("tarball").is_none() {
        dist["tarball"] = json!(format!("http://{host}/a/-/a-{version}.tgz"));
    }
    json!({"name": "a", "version": version, "dist": dist})
}

fn host(head: &str) -> String {
    head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

fn path(head: &str) -> &str {
    head.split(' ').nth(1).unwrap()
}

fn json_answer(value: &serde_json::Value) -> Script {
    answer(200, &[("content-type", "application/json")], value.to_string().as_bytes())
}

/// A registry with `a` in versions 1.0.0 and 1.1.0; `version_documents` says whether it serves
/// single versions.
async fn registry(version_documents: bool, dist: serde_json::Value) -> Server {
    Server::start(move |head, _| {
        let host = host(head);
        match path(head) {
            "/a" => json_answer(&json!({
                "name": "a", "dist-tags": {"latest": "1.1.0"}, "time": {"1.0.0": "2010", "1.1.0": "2011", "0.9.0": "2009"},
                "versions": {"1.0.0": manifest(&host, "1.0.0", &dist), "1.1.0": manifest(&host, "1.1.0", &dist)},
            })),
            "/a/1.0.0" if version_documents => json_answer(&manifest(&host, "1.0.0", &dist)),
            "/a/latest" | "/a/1.1.0" if version_documents => json_answer(&manifest(&host, "1.1.0", &dist)),
            path if path.contains("/-/") || path == "/x.tgz" => answer(200, &[], TARBALL),
            "/gone" => json_answer(&json!({"name": "gone", "time": {"unpublished": {"time": "2012"}}})),
            "/page" => answer(200, &[], b"<html>login</html>"),
            "/secret" => answer(401, &[], b""),
            "/forbidden" => answer(403, &[], b""),
            _ => answer(404, &[], b""),
        }
    })
    .await
}

fn good() -> serde_json::Value {
    json!({"integrity": SHA512, "shasum": SHASUM})
}

async fn run(server: &Server, spec: &str, options: &ResolveOptions<'_>) -> Result<super::super::Published, RegistryError> {
    let (npm, client) = setup(server, &[]);
    resolve(&Spec::parse(spec).unwrap(), &npm, &client, options).await
}

fn asked(server: &Server) -> Vec<String> {
    server.heads().iter().map(|head| path(head).to_owned()).collect()
}

#[tokio::test]
async fn an_exact_version_needs_no_packument() {
    for spec in ["a@1.1.0", "a@latest", "a"] {
        let server = registry(true, good()).await;
        let published = run(&server, spec, &ResolveOptions::default()).await.unwrap();
        assert_eq!(published.release.version.as_deref(), Some("1.1.0"));
        assert_eq!(published.tarball.check, IntegrityCheck::Matches(super::super::Algorithm::Sha512));
        assert_eq!((published.tarball.sha512.as_str(), published.tarball.shasum.as_str()), (SHA512, SHASUM));
        assert_eq!(published.release.time, None);
        assert!(!asked(&server).contains(&"/a".to_owned()), "{spec}");
    }
}

#[tokio::test]
async fn a_registry_without_version_documents_is_asked_for_the_packument() {
    let server = registry(false, good()).await;
    let published = run(&server, "a@1.0.0", &ResolveOptions::default()).await.unwrap();
    assert_eq!(published.release.time.as_deref(), Some("2010"));
    assert_eq!(asked(&server), ["/a/1.0.0", "/a", "/a/-/a-1.0.0.tgz"]);
}

#[tokio::test]
async fn a_range_or_full_detail_needs_one_packument() {
    for (spec, detail) in [("a@^1", Detail::Lean), ("a@1.1.0", Detail::Full), ("a", Detail::Full)] {
        let server = registry(true, good()).await;
        let published = run(&server, spec, &ResolveOptions { detail, ..ResolveOptions::default() }).await.unwrap();
        assert_eq!((published.release.version.as_deref(), published.release.time.as_deref()), (Some("1.1.0"), Some("2011")));
        assert_eq!(published.release.dist_tags.get("latest").map(String::as_str), Some("1.1.0"));
        assert_eq!(asked(&server), ["/a", "/a/-/a-1.1.0.tgz"]);
    }
}

#[tokio::test]
async fn a_version_document_of_something_else_is_not_believed() {
    let server = Server::start(|head, _| match path(head) {
        "/a/1.0.0" => json_answer(&json!({"name": "b", "version": "1.0.0", "dist": {"tarball": "https://h.example/b.tgz"}})),
        "/a" => json_answer(&json!({"versions": {"1.0.0": manifest(&host(head), "1.0.0", &good())}})),
        _ => answer(200, &[], TARBALL),
    })
    .await;
    let published = run(&server, "a@1.0.0", &ResolveOptions::default()).await.unwrap();
    assert!(published.release.location.ends_with("/a/-/a-1.0.0.tgz"));
}

#[tokio::test]
async fn a_scope_is_escaped_in_the_address() {
    let server = Server::start(|_, _| answer(404, &[], b"")).await;
    assert_eq!(run(&server, "@s/a@^1", &ResolveOptions::default()).await.unwrap_err().code(), "package-not-found");
    assert_eq!(asked(&server), ["/@s%2fa"]);
}

#[tokio::test]
async fn each_failure_has_its_code_and_hint() {
    let server = registry(true, good()).await;
    for (spec, code) in [
        ("nope", "package-not-found"),
        ("gone", "package-unpublished"),
        ("a@0.9.0", "version-unpublished"),
        ("a@3.0.0", "version-not-found"),
        ("a@^3", "version-not-found"),
        ("a@beta", "version-not-found"),
        ("secret", "unauthorized"),
        ("forbidden", "forbidden"),
        ("page", "invalid-metadata"),
    ] {
        let error = run(&server, spec, &ResolveOptions::default()).await.unwrap_err();
        assert_eq!(error.code(), code, "{spec}");
        assert!(error.hint().is_some(), "{spec}");
    }
}

#[tokio::test]
async fn a_registry_that_fails_is_the_networks_error() {
    let server = Server::start(|_, _| answer(503, &[], b"")).await;
    let error = run(&server, "a@^1", &ResolveOptions::default()).await.unwrap_err();
    assert_eq!((error.code(), server.heads().len()), ("http-status", 3));
}

#[tokio::test]
async fn a_tarball_that_is_not_the_promised_one_is_fetched_again_and_then_flagged() {
    let wrong = json!({"integrity": format!("sha512-{}==", "A".repeat(86)), "shasum": SHASUM});
    let server = registry(true, wrong).await;
    let published = run(&server, "a@1.0.0", &ResolveOptions::default()).await.unwrap();
    let IntegrityCheck::Mismatch { expected, actual } = published.tarball.check else { panic!() };
    assert!(expected.starts_with("sha512-AAAA") && actual == SHA512);
    assert_eq!(asked(&server).iter().filter(|path| path.contains("/-/")).count(), 2);
}

#[tokio::test]
async fn old_versions_have_only_a_shasum_and_some_have_nothing() {
    for (dist, check) in
        [(json!({"shasum": SHASUM}), IntegrityCheck::Matches(super::super::Algorithm::Sha1)), (json!({}), IntegrityCheck::Missing)]
    {
        let server = registry(true, dist).await;
        assert_eq!(run(&server, "a@1.0.0", &ResolveOptions::default()).await.unwrap().tarball.check, check);
    }
}

#[tokio::test]
async fn a_tarball_on_a_strangers_private_host_is_refused_and_gets_no_token() {
    let other = Server::start(|_, _| answer(200, &[], TARBALL)).await;
    let dist = json!({"integrity": SHA512, "tarball": other.at("/a.tgz").as_str()});
    let server = registry(true, dist).await;
    let error = run(&server, "a@1.0.0", &ResolveOptions::default()).await.unwrap_err();
    assert_eq!(error.code(), "insecure-address-refused");
    assert!(other.heads().is_empty());
}

#[tokio::test]
async fn the_token_goes_to_the_registry_and_its_tarballs() {
    let server = registry(true, good()).await;
    let key = format!("//127.0.0.1:{}/:_authToken", server.url.port().unwrap());
    let (npm, client) = setup(&server, &[(&key, "t0ken")]);
    resolve(&Spec::parse("a@1.0.0").unwrap(), &npm, &client, &ResolveOptions::default()).await.unwrap();
    assert!(server.heads().iter().all(|head| head.contains("authorization: Bearer t0ken")));
}

#[tokio::test]
async fn the_token_of_a_path_does_not_go_to_another_path_of_the_host() {
    let server = Server::start(|head, _| match path(head) {
        "/npm/a/1.0.0" => json_answer(&manifest(&host(head), "1.0.0", &good())),
        _ => answer(200, &[], TARBALL),
    })
    .await;
    let registry = server.at("/npm/").to_string();
    let key = format!("//127.0.0.1:{}/npm/:_authToken", server.url.port().unwrap());
    let (_, _) = setup(&server, &[]);
    let (mut npm, client) = setup(&server, &[(&key, "t0ken"), ("@unused:registry", &registry)]);
    npm.registry = server.at("/npm/");
    resolve(&Spec::parse("a@1.0.0").unwrap(), &npm, &client, &ResolveOptions::default()).await.unwrap();
    let heads = server.heads();
    assert!(heads[0].contains("t0ken") && heads[1].starts_with("GET /a/-/a-1.0.0.tgz") && !heads[1].contains("t0ken"));
}

#[tokio::test]
async fn a_registry_from_a_purl_is_a_stranger_unless_configured() {
    let server = registry(true, good()).await;
    let other = registry(true, good()).await;
    let spec = |server: &Server| format!("pkg:npm/a@1.0.0?repository_url={}", server.url);
    assert!(run(&server, &spec(&server), &ResolveOptions::default()).await.is_ok());
    let error = run(&server, &spec(&other), &ResolveOptions::default()).await.unwrap_err();
    assert_eq!(error.code(), "insecure-address-refused");
}

#[tokio::test]
async fn a_tarballs_own_address_is_the_users_word() {
    let server = registry(true, good()).await;
    let published = run(&server, server.at("/x.tgz").as_str(), &ResolveOptions::default()).await.unwrap();
    assert_eq!((published.release.name, published.tarball.check), (None, IntegrityCheck::Missing));
    assert_eq!(published.tarball.sha512, SHA512);
    let error = run(&server, server.at("/x.tgz.gone").join("gone.tgz.").unwrap().as_str(), &ResolveOptions::default()).await.unwrap_err();
    assert_eq!(error.code(), "tarball-not-found");
}

#[tokio::test]
async fn a_tarball_on_disk_is_read_and_hashed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::File::create(folder.path().join("a.tgz")).unwrap().write_all(TARBALL).unwrap();
    let server = registry(true, good()).await;
    let options = ResolveOptions { cwd: folder.path().to_owned(), ..ResolveOptions::default() };
    let published = run(&server, "a.tgz", &options).await.unwrap();
    assert_eq!((published.tarball.sha512.as_str(), published.tarball.bytes.len()), (SHA512, 5));
    assert_eq!(run(&server, "gone.tgz", &options).await.unwrap_err().code(), "file-unreadable");
    std::fs::create_dir(folder.path().join("dir.tgz")).unwrap();
    assert_eq!(run(&server, "dir.tgz", &options).await.unwrap_err().code(), "file-unreadable");
    let small = ResolveOptions { max_tarball: 4, ..options };
    assert_eq!(run(&server, "a.tgz", &small).await.unwrap_err().code(), "tarball-too-large");
    assert!(server.heads().is_empty());
}

#[tokio::test]
async fn a_tarball_over_the_limit_is_refused() {
    let server = registry(true, good()).await;
    let options = ResolveOptions { max_tarball: 4, ..ResolveOptions::default() };
    assert_eq!(run(&server, "a@1.0.0", &options).await.unwrap_err().code(), "tarball-too-large");
}

#[tokio::test]
async fn a_version_without_a_tarball_says_so() {
    let server = registry(false, json!({"tarball": "nonsense"})).await;
    assert_eq!(run(&server, "a@1.0.0", &ResolveOptions::default()).await.unwrap_err().code(), "no-tarball");
}

#[tokio::test]
async fn every_optional_field_is_taken_where_it_is_there() {
    let server = Server::start(|head, _| {
        json_answer(&json!({
            "name": "a", "version": "1.0.0", "gitHead": "0123456789abcdef0123456789abcdef01234567", "_npmVersion": "6.1.0", "_nodeVersion": "10.0.0",
            "deprecated": "old", "dist": {"tarball": format!("http://{}/a.tgz", host(head)), "fileCount": 3, "unpackedSize": 99,
                "signatures": [{"keyid": "k", "sig": "s"}, {"bad": 1}], "attestations": {"url": "https://h.example/att"}},
        }))
    })
    .await;
    let (npm, client) = setup(&server, &[]);
    let release = select(&Spec::parse("a@1.0.0").unwrap(), &npm, &client, &ResolveOptions::default()).await.unwrap();
    assert_eq!(release.git_head.as_deref(), Some("0123456789abcdef0123456789abcdef01234567"));
    assert_eq!((release.npm_version.as_deref(), release.node_version.as_deref()), (Some("6.1.0"), Some("10.0.0")));
    assert_eq!((release.deprecated.as_deref(), release.file_count, release.unpacked_size), (Some("old"), Some(3), Some(99)));
    assert_eq!(release.signatures.len(), 1);
    assert_eq!(release.attestations.unwrap().as_str(), "https://h.example/att");
}

#[tokio::test]
async fn history_reads_what_lean_left_out() {
    let server = registry(true, good()).await;
    let (npm, client) = setup(&server, &[]);
    let all = history(&PackageName::parse("a").unwrap(), None, &npm, &client, &ResolveOptions::default()).await.unwrap();
    assert_eq!((all.versions.len(), all.times.len()), (2, 3));
}

#[derive(Default)]
struct MemoryCache(Mutex<Vec<(Url, Stored)>>);

impl MetadataCache for MemoryCache {
    fn get(&self, url: &Url) -> Option<Stored> {
        self.0.lock().unwrap().iter().rev().find(|(own, _)| own == url).map(|(_, stored)| stored.clone())
    }

    fn put(&self, url: &Url, document: &Stored, _: bool) {
        self.0.lock().unwrap().push((url.clone(), document.clone()));
    }
}

#[tokio::test]
async fn a_kept_packument_is_used_while_the_registry_says_it_holds() {
    let server = Server::start(|head, _| {
        if head.contains("if-none-match: \"e1\"") {
            answer(304, &[], b"")
        } else {
            let document = json!({"versions": {"1.0.0": manifest(&host(head), "1.0.0", &good())}});
            answer(200, &[("etag", "\"e1\"")], document.to_string().as_bytes())
        }
    })
    .await;
    let cache = MemoryCache::default();
    let options = ResolveOptions { cache: Some(&cache), ..ResolveOptions::default() };
    let spec = Spec::parse("a@^1").unwrap();
    for settings in [&[][..], &[], &[("offline", "true")]] {
        let (npm, client) = setup(&server, settings);
        assert_eq!(select(&spec, &npm, &client, &options).await.unwrap().version.as_deref(), Some("1.0.0"));
    }
    assert_eq!((server.heads().len(), cache.0.lock().unwrap().len()), (2, 1));
    let mut kept = String::new();
    let body: Spool = cache.0.lock().unwrap()[0].1.body.clone();
    body.open().read_to_string(&mut kept).unwrap();
    assert!(kept.contains("1.0.0"));
}

#[tokio::test]
async fn progress_is_told() {
    let server = registry(true, good()).await;
    let told: Arc<Mutex<Vec<Progress>>> = Arc::default();
    let options = ResolveOptions { progress: &|progress| told.lock().unwrap().push(progress), ..ResolveOptions::default() };
    run(&server, "a@1.0.0", &options).await.unwrap();
    let expected = [Progress::Metadata { name: "a".into() }, Progress::Tarball { received: 5, total: Some(5) }];
    assert_eq!(*told.lock().unwrap(), expected);
}
