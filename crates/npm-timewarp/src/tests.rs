//! The loopback registry as a build sees it: raw requests, and a registry of a few lines behind it.

mod needing;
#[path = "../../http/src/test_support.rs"]
mod test_support;
mod tunnels;

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use npmrc::{OsFiles, Overrides, Surroundings};

use super::*;
use test_support::{FastClock, FixedLookup, Server, answer};

const TARBALL: &[u8] = b"a tarball of version 1.0.0";
const BASE: &str = "http://127.0.0.1:4873/";

fn integrity(bytes: &[u8]) -> String {
    format!("sha512-{}", STANDARD.encode(Sha512::digest(bytes)))
}

/// Packages: `a` (1.0.0 early, 1.1.0 late), `wrong` (another tarball than announced), `bare` (no
/// promise at all).
async fn registry() -> Server {
    Server::start(|head, _| {
        let path = head.split(' ').nth(1).unwrap();
        let host = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
        let version = |name: &str, version: &str, dist: Value| {
            let mut dist = dist;
            dist["tarball"] = json!(format!("http://{host}/{name}/-/{name}-{version}.tgz"));
            json!({"name": name, "version": version, "dist": dist})
        };
        let good = json!({"integrity": integrity(TARBALL)});
        let packument = |name: &str, versions: Value, latest: &str| {
            let time = json!({"1.0.0": "2018-01-01T00:00:00.000Z", "1.1.0": "2018-03-01T00:00:00.000Z"});
            let all = json!({"name": name, "dist-tags": {"latest": latest}, "versions": versions, "time": time}).to_string();
            answer(200, &[("set-cookie", "secret=1"), ("etag", "\"e1\"")], all.as_bytes())
        };
        match path {
            "/a" if head.contains("if-none-match: \"e1\"") => answer(304, &[], b""),
            "/a" => {
                packument("a", json!({"1.0.0": version("a", "1.0.0", good.clone()), "1.1.0": version("a", "1.1.0", good.clone())}), "1.1.0")
            }
            "/wrong" => packument("wrong", json!({"1.0.0": version("wrong", "1.0.0", json!({"shasum": "00".repeat(20)}))}), "1.0.0"),
            "/bare" => packument("bare", json!({"1.0.0": version("bare", "1.0.0", json!({}))}), "1.0.0"),
            "/empty" => answer(200, &[], br#"{"name":"empty","versions":{}}"#),
            "/secret" => answer(401, &[], b""),
            path if path.contains(".tgz") => answer(200, &[], TARBALL),
            _ => answer(404, &[], b"{}"),
        }
    })
    .await
}

struct World {
    timewarp: Timewarp,
    serving: Serving,
    address: SocketAddr,
    folder: tempfile::TempDir,
}

fn settings(server: &Server, folder: &Path) -> Settings {
    let around = Surroundings {
        vars: std::collections::BTreeMap::default(),
        cwd: folder.to_owned(),
        home: None,
        node: None,
        files: Arc::new(OsFiles),
    };
    let key = format!("//127.0.0.1:{}/:_authToken", server.url.port().unwrap());
    let overrides = Overrides { registry: Some(server.url.to_string()), settings: vec![(key, "t0ken".to_owned())], ..Overrides::default() };
    let npm = NpmConfig::load(&around, &overrides);
    let config = HttpConfig {
        clock: Arc::new(FastClock::default()),
        lookup: Arc::new(FixedLookup(vec!["10.0.0.1".parse().unwrap()])),
        ..HttpConfig::from_npm(&npm, "reproduce/test")
    };
    Settings {
        client: Client::new(config),
        npm,
        moment: Some("2018-02-01T00:00:00Z".parse().unwrap()),
        commit_time: None,
        published: None,
        tags: BTreeSet::new(),
        keep: BTreeSet::new(),
        named: BTreeSet::new(),
        judged: None,
        is_registered: false,
        judged_bytes: None,
        manifests_on_disk: true,
        tarballs: folder.join("tarballs"),
        packuments: Some(folder.join("packuments")),
        repositories: None,
        hosts: AllowList::parse("allowed.example"),
        cancel: Cancel::default(),
    }
}

fn world(server: &Server, change: impl FnOnce(&mut Settings)) -> World {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(server, folder.path());
    change(&mut settings);
    let timewarp = Timewarp::new(settings, Handle::current());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    World { serving: timewarp.serve(listener, BASE, Peers::Anybody).unwrap(), timewarp, address, folder }
}

/// What took credentials is not kept on disk.
fn without_token(settings: &mut Settings) {
    settings.client = Client::new(HttpConfig { credentials: Arc::new(|_| None), ..settings.client.config().clone() });
}

impl World {
    /// Sends a head and reads to the end.
    async fn raw(&self, head: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(format!("{head}\r\nconnection: close\r\n\r\n").as_bytes()).await.unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.unwrap();
        let all = String::from_utf8_lossy(&all).into_owned();
        (all.split(' ').nth(1).unwrap().parse().unwrap(), all)
    }

    async fn get(&self, path: &str) -> (u16, String) {
        self.raw(&format!("GET {path} HTTP/1.1\r\nhost: x")).await
    }

    async fn json(&self, path: &str) -> Value {
        let (status, all) = self.get(path).await;
        assert_eq!(status, 200, "{path}");
        serde_json::from_str(all.split_once("\r\n\r\n").unwrap().1).unwrap()
    }
}

fn codes(record: &Record) -> Vec<&'static str> {
    record.requests.iter().filter_map(|request| request.refused).collect()
}

#[tokio::test]
async fn packuments_versions_and_tarballs_are_those_of_the_moment() {
    let server = registry().await;
    let world = world(&server, |_| {});
    let packument = world.json("/a").await;
    assert_eq!(packument["dist-tags"]["latest"], "1.0.0");
    assert_eq!(packument["versions"]["1.0.0"]["dist"]["tarball"], "http://127.0.0.1:4873/a/-/a-1.0.0.tgz");
    assert_eq!(world.json("/a/latest").await["version"], "1.0.0");
    let (status, all) = world.get("/a/-/a-1.0.0.tgz").await;
    assert!(status == 200 && all.ends_with("a tarball of version 1.0.0"));
    assert_eq!(world.get("/a/-/a-1.1.0.tgz").await.0, 404);
    assert_eq!(world.get("/a/1.1.0").await.0, 404);
    assert_eq!(world.get("/a/9.0.0").await.0, 404);
    let record = world.timewarp.record();
    assert_eq!(codes(&record), ["not-yet-published", "not-yet-published", "version-not-found"]);
    assert_eq!(record.tarballs.into_iter().collect::<Vec<_>>(), [format!("a@1.0.0 {}", integrity(TARBALL))]);
    assert_eq!(server.heads().iter().filter(|head| head.starts_with("GET /a ")).count(), 1, "a packument is asked for once");
}

/// Whether what one was told is told to another.
async fn hears_again(one: &Timewarp, other: &World) -> bool {
    let (heard, timewarp) = (one.heard(), other.timewarp.clone());
    let until = Instant::now() + std::time::Duration::from_secs(60);
    tokio::task::spawn_blocking(move || timewarp.hears_again(&heard, &BTreeSet::new(), until)).await.unwrap()
}

#[tokio::test]
async fn what_was_told_is_told_again_only_where_nothing_of_it_differs() {
    let server = registry().await;
    let first = world(&server, |_| {});
    for path in ["/a", "/a/-/a-1.0.0.tgz", "/a/1.1.0", "/gone", "/-/odd"] {
        first.get(path).await;
    }
    first.raw("CONNECT other.example:443 HTTP/1.1\r\nhost: x").await;
    assert!(first.timewarp.heard().is_whole());
    let same = world(&server, |settings| settings.moment = Some("2018-02-01T00:00:07Z".parse().unwrap()));
    assert!(hears_again(&first.timewarp, &same).await);
    let (before, now) = (first.timewarp.record(), same.timewarp.record());
    assert_eq!((before.tarballs, before.missing, before.wanted), (now.tarballs, now.missing, now.wanted), "it is in its record too");
    assert_eq!(first.timewarp.heard(), same.timewarp.heard());
    let later = world(&server, |settings| settings.moment = Some("2018-04-01T00:00:00Z".parse().unwrap()));
    assert!(!hears_again(&first.timewarp, &later).await, "a version came between the moments");
    let locked = world(&server, |settings| settings.keep = BTreeSet::from([("a".into(), "1.1.0".into())]));
    assert!(!hears_again(&first.timewarp, &locked).await);
    let judged = world(&server, |settings| settings.judged = Some(("a".into(), "1.0.0".into())));
    assert!(!hears_again(&first.timewarp, &judged).await, "it is refused what the first one had");
    let cancelled = world(&server, |settings| settings.cancel.cancel());
    assert!(!hears_again(&first.timewarp, &cancelled).await);
}

#[tokio::test]
async fn what_only_metadata_told_counts_too() {
    let server = registry().await;
    let first = world(&server, |settings| settings.judged = Some(("a".into(), "1.0.0".into())));
    let bare = world(&server, |_| {});
    assert!(first.json("/a").await["versions"].get("1.0.0").is_none());
    bare.get("/bare").await;
    let other = world(&server, |settings| settings.judged = Some(("bare".into(), "1.0.0".into())));
    assert!(!hears_again(&first.timewarp, &other).await);
    assert!(!hears_again(&bare.timewarp, &other).await);
    assert!(hears_again(&bare.timewarp, &first).await);
}

#[tokio::test]
async fn what_a_lockfile_names_is_served() {
    let server = registry().await;
    let world = world(&server, |settings| settings.keep = BTreeSet::from([("a".into(), "1.1.0".into())]));
    assert_eq!(world.get("/a/-/a-1.1.0.tgz").await.0, 200);
    assert_eq!(world.json("/a").await["dist-tags"]["latest"], "1.0.0");
}

#[tokio::test]
async fn the_version_that_is_judged_is_not_there_whoever_names_it() {
    let server = registry().await;
    let world = world(&server, |settings| {
        settings.keep = BTreeSet::from([("a".into(), "1.0.0".into())]);
        settings.judged = Some(("a".into(), "1.0.0".into()));
    });
    for path in ["/a/-/a-1.0.0.tgz", "/a/1.0.0"] {
        assert_eq!(world.get(path).await.0, 404, "{path}");
    }
    assert!(world.json("/a").await["versions"].get("1.0.0").is_none());
    assert!(world.timewarp.lacked_something());
}

#[tokio::test]
async fn npm_7_and_later_keep_the_canonical_addresses() {
    let server = registry().await;
    let world = world(&server, |_| {});
    let (_, all) = world.raw("GET /a HTTP/1.1\r\nhost: x\r\nuser-agent: npm/8.19.4 node/v18").await;
    assert!(all.contains(&format!("{}a/-/a-1.0.0.tgz", server.url)));
    let (_, all) = world.raw("GET /a HTTP/1.1\r\nhost: x\r\nuser-agent: npm/6.14.18 node/v14").await;
    assert!(all.contains("http://127.0.0.1:4873/a/-/a-1.0.0.tgz"));
}

#[tokio::test]
async fn a_client_that_has_a_document_is_told_so() {
    let server = registry().await;
    let world = world(&server, |_| {});
    let (_, all) = world.get("/a").await;
    let etag = all.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().to_owned();
    assert_eq!(world.raw(&format!("GET /a HTTP/1.1\r\nhost: x\r\nif-none-match: {etag}")).await.0, 304);
    let (status, all) = world.raw("HEAD /a HTTP/1.1\r\nhost: x").await;
    assert!(status == 200 && all.ends_with("\r\n\r\n") && !all.contains("content-length: 0"));
}

#[tokio::test]
async fn the_token_goes_to_the_registry_for_what_is_named_and_needs_it_and_never_to_the_build() {
    let server = registry().await;
    let world = world(&server, |settings| settings.named = BTreeSet::from(["a".to_owned(), "secret".to_owned()]));
    let mut said = String::new();
    for path in ["/a", "/a/-/a-1.0.0.tgz", "/secret", "/missing", "/-/whoami", "/-/ping"] {
        said += &world.get(path).await.1;
    }
    let with_token: Vec<String> = server.heads().into_iter().filter(|head| head.contains("authorization: Bearer t0ken")).collect();
    assert!(with_token.len() == 1 && with_token[0].starts_with("GET /secret "), "{with_token:?}");
    for secret in ["t0ken", "secret=1", "authorization"] {
        assert!(!said.to_lowercase().contains(secret), "{secret}");
    }
    let record = world.timewarp.record();
    assert_eq!(codes(&record), ["unauthorized", "package-not-found", "not-a-registry-path"]);
    assert!(!serde_json::to_string(&record).unwrap().contains("t0ken"));
}

#[tokio::test]
async fn what_needs_a_token_and_is_not_named_is_not_there() {
    let server = registry().await;
    let world = world(&server, |_| {});
    assert_eq!(world.get("/secret").await.0, 404);
    assert!(server.heads().iter().all(|head| !head.contains("t0ken")));
    let record = world.timewarp.record();
    assert_eq!((codes(&record), record.not_named), (vec!["private-not-named"], BTreeSet::from(["secret".to_owned()])));
}

#[tokio::test]
async fn what_scripts_ask_for_is_listed_and_what_an_installation_takes_is_not() {
    let server = registry().await;
    let world = world(&server, |_| {});
    world.timewarp.installing(true);
    for path in ["/a", "/a/-/a-1.0.0.tgz", "/bare", "/-/ping"] {
        world.get(path).await;
    }
    world.timewarp.installing(false);
    for path in ["/a/1.0.0", "/a/-/a-1.0.0.tgz", "/-/all"] {
        world.get(path).await;
    }
    let asked = world.timewarp.record().asked;
    let lines: Vec<String> = asked.iter().map(|one| format!("{:?} {:?} {}", one.during, one.what, one.name)).collect();
    assert_eq!(lines, ["Install Metadata bare", "Script Metadata a@1.0.0", "Script Tarball a@1.0.0", "Script Other /-/all"]);
}

#[tokio::test]
async fn what_is_not_there_is_recorded_as_missing() {
    let server = registry().await;
    let world = world(&server, |_| {});
    assert_eq!((world.get("/missing").await.0, world.get("/missing").await.0, world.get("/empty").await.0), (404, 404, 404));
    assert_eq!(world.timewarp.record().missing.into_iter().collect::<Vec<_>>(), ["empty", "missing"]);
    assert_eq!(server.heads().len(), 2, "what is missing is asked for once");
}

#[tokio::test]
async fn a_tarball_that_is_not_the_announced_one_is_neither_given_nor_kept() {
    let server = registry().await;
    let world = world(&server, |_| {});
    let (status, all) = world.get("/wrong/-/wrong-1.0.0.tgz").await;
    assert!(status == 502 && !all.contains("a tarball of"));
    assert_eq!(codes(&world.timewarp.record()), ["integrity-mismatch"]);
    assert_eq!(server.heads().iter().filter(|head| head.contains(".tgz")).count(), 2, "it is fetched twice");
    assert_eq!(world.get("/bare/-/bare-1.0.0.tgz").await.0, 200);
    let kept: Vec<_> = std::fs::read_dir(world.folder.path().join("tarballs")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(kept, ["unfinished"]);
    assert_eq!(std::fs::read_dir(world.folder.path().join("tarballs/unfinished")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_second_run_takes_tarballs_from_the_folder_and_mends_a_damaged_one() {
    let server = registry().await;
    let first = world(&server, without_token);
    let tarballs = first.folder.path().join("tarballs");
    let tarball_requests = || server.heads().iter().filter(|head| head.contains(".tgz")).count();
    assert_eq!(first.get("/a/-/a-1.0.0.tgz").await.0, 200);
    let second = world(&server, |settings| {
        without_token(settings);
        settings.tarballs.clone_from(&tarballs);
        settings.packuments = Some(first.folder.path().join("packuments"));
    });
    assert_eq!(second.get("/a/-/a-1.0.0.tgz").await.0, 200);
    assert_eq!((tarball_requests(), second.timewarp.record().tarballs.len()), (1, 1));
    assert!(server.heads().last().unwrap().contains("if-none-match: \"e1\""), "the packument is asked for with its validator");

    let kept = std::fs::read_dir(&tarballs).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.is_file()).unwrap();
    std::fs::write(&kept, b"something else").unwrap();
    let (status, all) = second.get("/a/-/a-1.0.0.tgz").await;
    assert!(status == 200 && all.ends_with("a tarball of version 1.0.0") && tarball_requests() == 2);
    assert_eq!(std::fs::read(&kept).unwrap(), TARBALL);
}

#[tokio::test]
async fn other_hosts_are_refused_and_recorded() {
    let server = registry().await;
    let world = world(&server, |_| {});
    assert_eq!(world.raw("GET http://evil.example/a HTTP/1.1\r\nhost: evil.example").await.0, 403);
    assert_eq!(world.raw("CONNECT other.example:443 HTTP/1.1\r\nhost: other.example:443").await.0, 403);
    // Allowed by name, but its address is a private one.
    assert_eq!(world.raw("CONNECT allowed.example:443 HTTP/1.1\r\nhost: allowed.example:443").await.0, 502);
    assert_eq!(world.raw("CONNECT 169.254.169.254:80 HTTP/1.1\r\nhost: x").await.0, 403);
    let record = world.timewarp.record();
    assert_eq!(record.wanted.iter().collect::<Vec<_>>(), ["169.254.169.254", "allowed.example", "evil.example", "other.example"]);
    assert_eq!(codes(&record), ["host-not-allowed", "host-not-allowed", "host-unreachable", "host-not-allowed"]);
    assert!(server.heads().is_empty());
}

#[tokio::test]
async fn a_proxys_request_for_a_registry_is_answered_here() {
    let server = registry().await;
    let world = world(&server, |_| {});
    for head in [
        format!("GET {}a HTTP/1.1\r\nhost: x", server.url),
        "GET http://127.0.0.1:4873/a HTTP/1.1\r\nhost: x".to_owned(),
        "GET https://registry.npmjs.org/a HTTP/1.1\r\nhost: x".to_owned(),
    ] {
        let (status, all) = world.raw(&head).await;
        assert!(status == 200 && all.contains("\"latest\":\"1.0.0\""), "{head}");
    }
}

#[tokio::test]
async fn nothing_can_be_published_or_changed() {
    let server = registry().await;
    let world = world(&server, |_| {});
    for head in ["PUT /a", "DELETE /a/-/a-1.0.0.tgz/-rev/1", "POST /-/v1/login", "PATCH /a", "POST /-/npm/v1/security/audits/quick"] {
        assert_eq!(world.raw(&format!("{head} HTTP/1.1\r\nhost: x\r\ncontent-length: 0")).await.0, 405, "{head}");
    }
    let advisories = "POST /-/npm/v1/security/advisories/bulk HTTP/1.1\r\nhost: x\r\ncontent-length: 0";
    assert!(world.raw(advisories).await.1.ends_with("{}"));
    assert!(server.heads().is_empty());
}

#[tokio::test]
async fn times_that_cannot_be_true_hide_nothing_and_are_recorded() {
    let server = registry().await;
    let world = world(&server, |settings| {
        settings.moment = Some("2016-02-01T00:00:00Z".parse().unwrap());
        settings.commit_time = Some("2016-01-01T00:00:00Z".parse().unwrap());
    });
    assert_eq!(world.json("/a").await["dist-tags"]["latest"], "1.1.0");
    assert!(world.timewarp.record().times_untrue);
}

#[tokio::test]
async fn a_serving_that_is_dropped_ends_its_connections() {
    let server = registry().await;
    let World { timewarp, serving, address, folder: _folder } = world(&server, |_| {});
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /-/ping HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    drop(serving);
    let mut rest = Vec::new();
    // The end, orderly or not; a connection that stayed would hang here.
    drop(stream.read_to_end(&mut rest).await);
    // Another one can be served by the same registry.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let _again = timewarp.serve(listener, BASE, Peers::Anybody).unwrap();
    TcpStream::connect(address).await.unwrap();
    assert_eq!(timewarp.record().requests.len(), 1);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn another_user_of_the_machine_is_not_answered() {
    use std::os::unix::fs::MetadataExt as _;
    let server = registry().await;
    let World { timewarp, serving: _serving, folder, .. } = world(&server, |_| {});
    let me = folder.path().metadata().unwrap().uid();
    for (user, answered) in [(me + 1, false), (me, true)] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let _only = timewarp.serve(listener, BASE, Peers::User(user)).unwrap();
        for head in ["GET /-/ping HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "CONNECT allowed.example:443 HTTP/1.1\r\n\r\n"] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut first = Vec::new();
            // A connection that is closed with a question in it is reset.
            let _ = stream.take(5).read_to_end(&mut first).await;
            assert_eq!(first, if answered { b"HTTP/".as_slice() } else { b"" }, "{head}");
        }
    }
    let record = timewarp.record();
    assert_eq!((record.strangers, record.requests.len()), (BTreeSet::from([format!("user {me}")]), 2));
}

#[tokio::test]
async fn after_a_cancel_nothing_is_fetched() {
    let server = registry().await;
    let world = world(&server, |settings| settings.cancel.cancel());
    assert_eq!(world.get("/a").await.0, 503);
    assert!(server.heads().is_empty());
}

#[tokio::test]
async fn a_base_must_be_one_of_plain_http() {
    let server = registry().await;
    let folder = tempfile::tempdir().unwrap();
    let timewarp = Timewarp::new(settings(&server, folder.path()), Handle::current());
    for base in ["", "https://127.0.0.1/", "unix:/x"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(matches!(timewarp.serve(listener, base, Peers::Anybody), Err(TimewarpError::Base { .. })), "{base}");
    }
}
