//! The loopback registry against the package managers themselves: each must install what there was
//! at the moment.
//!
//! Needs the clients of `__test__/conformance/package.json`: run `npm ci --ignore-scripts` there.
//! bun is a program for some machines only, and lacked by name on others (`tests/needs`); every
//! other one must be there.

#![allow(
    clippy::too_many_lines,
    clippy::too_many_arguments,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "../../../../tests/needs/mod.rs"]
mod needs;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};

use http::{Cancel, Client, HttpConfig};
use npm_timewarp::lockfile::{named, rewrite_bun, rewrite_yarn_v1};
use npm_timewarp::{Leads, Manager, Peers, Record, Settings, Timewarp, client_env, redirected};
use npmrc::{AllowList, NpmConfig, OsFiles, Overrides, Surroundings};

/// Where lockfiles of the time say that tarballs are. Nobody answers there: a client that asks
/// fails.
const CANONICAL: &str = "https://registry.npmjs.org/";
const MOMENT: &str = "2018-04-15T00:00:00Z";

type Dependencies = &'static [(&'static str, &'static str)];

/// Name, version, day, dependencies. `odd` 2.0.0 of January is the newest at the moment, `number`
/// 6.0.0 of March.
const PUBLISHED: [(&str, &str, &str, Dependencies); 9] = [
    ("number", "3.0.0", "2016-09-11", &[]),
    ("number", "4.0.0", "2017-10-17", &[]),
    ("number", "6.0.0", "2018-03-31", &[]),
    ("number", "4.0.1", "2018-05-01", &[]),
    ("number", "7.0.0", "2018-07-04", &[]),
    ("odd", "1.0.0", "2017-04-12", &[("number", "^3.0.0")]),
    ("odd", "2.0.0", "2018-01-01", &[("number", "^4.0.0")]),
    ("odd", "3.0.0", "2018-05-31", &[("number", "^6.0.0")]),
    ("@scope/even", "1.0.0", "2018-02-01", &[("odd", "latest")]),
];

// ── the registry behind ──

fn tarball(name: &str, version: &str, dependencies: &Value) -> Vec<u8> {
    let manifest = json!({"name": name, "version": version, "dependencies": dependencies, "main": "index.js"}).to_string();
    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default()));
    for (path, content) in [("package/package.json", manifest.as_bytes()), ("package/index.js", b"module.exports = 1;\n")] {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(499_162_500);
        header.set_cksum();
        archive.append_data(&mut header, path, content).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

/// Documents and tarballs by path; `times` makes the time of a version of its day.
fn registry(times: fn(&str) -> String) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut packuments: BTreeMap<&str, Value> = BTreeMap::new();
    for (name, version, day, dependencies) in PUBLISHED {
        let dependencies: Value =
            dependencies.iter().map(|(name, range)| ((*name).to_owned(), json!(range))).collect::<serde_json::Map<_, _>>().into();
        let bytes = tarball(name, version, &dependencies);
        let path = format!("{name}/-/{}-{version}.tgz", name.rsplit('/').next().unwrap());
        let dist = json!({
            "tarball": format!("{CANONICAL}{path}"),
            "integrity": format!("sha512-{}", STANDARD.encode(Sha512::digest(&bytes))),
            "shasum": sha1::Sha1::digest(&bytes).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}")),
        });
        files.insert(format!("/{path}"), bytes);
        let packument =
            packuments.entry(name).or_insert_with(|| json!({"_id": name, "name": name, "dist-tags": {}, "versions": {}, "time": {}}));
        packument["versions"][version] = json!({"name": name, "version": version, "dependencies": dependencies, "dist": dist});
        packument["time"][version] = json!(times(day));
        if times(day) == honest(day) {
            packument["time"]["created"] = json!(honest("2010-01-01"));
        }
        packument["dist-tags"]["latest"] = json!(version);
    }
    for (name, packument) in packuments {
        files.insert(format!("/{}", name.replace('/', "%2f")), packument.to_string().into_bytes());
    }
    files
}

fn honest(day: &str) -> String {
    format!("{day}T12:00:00.000Z")
}

fn first_seen(_: &str) -> String {
    "2024-02-27T08:00:00.000Z".to_owned()
}

/// Serves files over HTTP, one request a connection, until the process ends.
fn start(files: BTreeMap<String, Vec<u8>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let files = Arc::new(files);
    std::thread::spawn(move || {
        for stream in listener.incoming().filter_map(Result::ok) {
            let files = files.clone();
            std::thread::spawn(move || respond(stream, &files));
        }
    });
    address
}

fn respond(mut stream: TcpStream, files: &BTreeMap<String, Vec<u8>>) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1) {
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or("");
    let (status, body): (_, &[u8]) = files.get(path).map_or(("404 X", b"{}"), |body| ("200 OK", body));
    let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    // A client that has gone is none of the test's business.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

// ── the clients ──

struct Tool {
    /// As failures and the record of `tests/needs` name it.
    name: &'static str,
    manager: Manager,
    /// Its program below `__test__/conformance/node_modules`; none for the machine's own.
    script: Option<&'static str>,
    /// Without and with a lockfile that must not change.
    install: &'static [&'static str],
    frozen: &'static [&'static str],
    lockfile: &'static str,
}

const NPM_INSTALL: &[&str] = &["install"];
const NPM_CI: &[&str] = &["ci"];
const IMMUTABLE: &[&str] = &["install", "--immutable"];
const FROZEN: &[&str] = &["install", "--frozen-lockfile"];
const NOT_FROZEN: &[&str] = &["install", "--no-frozen-lockfile"];
const NPM_LOCK: &str = "package-lock.json";

static TOOLS: [Tool; 13] = [
    Tool { name: "npm of the machine", manager: Manager::Npm, script: None, install: NPM_INSTALL, frozen: NPM_CI, lockfile: NPM_LOCK },
    tool("npm-6", Manager::Npm, "npm-6/bin/npm-cli.js", NPM_INSTALL, NPM_CI, NPM_LOCK),
    tool("npm-7", Manager::Npm, "npm-7/bin/npm-cli.js", NPM_INSTALL, NPM_CI, NPM_LOCK),
    tool("npm-8", Manager::Npm, "npm-8/bin/npm-cli.js", NPM_INSTALL, NPM_CI, NPM_LOCK),
    tool("npm-10", Manager::Npm, "npm-10/bin/npm-cli.js", NPM_INSTALL, NPM_CI, NPM_LOCK),
    tool("npm-11", Manager::Npm, "npm-11/bin/npm-cli.js", NPM_INSTALL, NPM_CI, NPM_LOCK),
    tool("yarn-1", Manager::Yarn1, "yarn-1/bin/yarn.js", &["install"], FROZEN, "yarn.lock"),
    tool("berry-3", Manager::Berry, "berry-3/bin/yarn.js", &["install"], IMMUTABLE, "yarn.lock"),
    tool("berry-4", Manager::Berry, "berry-4/bin/yarn.js", &["install"], IMMUTABLE, "yarn.lock"),
    tool("bun-1", Manager::Bun, "@oven/bun-linux-x64/bin/bun", &["install"], FROZEN, "bun.lock"),
    tool("pnpm-8", Manager::Pnpm, "pnpm-8/bin/pnpm.cjs", NOT_FROZEN, FROZEN, "pnpm-lock.yaml"),
    tool("pnpm-9", Manager::Pnpm, "pnpm-9/bin/pnpm.cjs", NOT_FROZEN, FROZEN, "pnpm-lock.yaml"),
    tool("pnpm-10", Manager::Pnpm, "pnpm-10/bin/pnpm.cjs", NOT_FROZEN, FROZEN, "pnpm-lock.yaml"),
];

const fn tool(
    name: &'static str,
    manager: Manager,
    script: &'static str,
    install: &'static [&'static str],
    frozen: &'static [&'static str],
    lockfile: &'static str,
) -> Tool {
    Tool { name, manager, script: Some(script), install, frozen, lockfile }
}

/// The command that runs a tool; none if it is not installed.
fn command(tool: &Tool) -> Option<Vec<String>> {
    let Some(script) = tool.script else { return Some(vec!["npm".to_owned()]) };
    let script = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("__test__/conformance/node_modules").join(script);
    let text = script.is_file().then(|| script.display().to_string())?;
    // bun is no script: its package is the machine's binary.
    Some(if tool.manager == Manager::Bun { vec![text] } else { vec!["node".to_owned(), text] })
}

// ── one installation ──

/// A project on disk, and its own home directory.
struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    fn new(dependencies: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("home")).unwrap();
        let project = Self { folder };
        fs::create_dir_all(project.path("")).unwrap();
        let manifest = json!({"name": "root", "version": "1.0.0", "private": true, "dependencies": dependencies});
        fs::write(project.path("package.json"), manifest.to_string()).unwrap();
        // Redirections of the project's own, which must not count: nobody listens there.
        fs::write(project.path(".npmrc"), "registry=http://127.0.0.1:9/\n@scope:registry=http://127.0.0.1:9/\n").unwrap();
        let yarnrc = "nodeLinker: node-modules\nnpmRegistryServer: \"http://127.0.0.1:9\"\nnpmScopes:\n  scope:\n    npmRegistryServer: \"http://127.0.0.1:9\"\n";
        fs::write(project.path(".yarnrc.yml"), yarnrc).unwrap();
        project
    }

    fn path(&self, tail: &str) -> PathBuf {
        self.folder.path().join("project").join(tail)
    }

    /// Runs a client; what it says comes back if it fails.
    fn run(&self, tool: &Tool, command: &[String], arguments: &[&str], base: &str) -> Result<(), String> {
        let home = self.folder.path().join("home");
        let scopes = npm_timewarp::scopes(&fs::read(self.path(".npmrc")).unwrap());
        let mut run = Command::new(&command[0]);
        run.args(&command[1..]).args(arguments).current_dir(self.path("")).env_clear();
        run.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", &home).envs(client_env(tool.manager, base, &home, &home, &scopes));
        // The environment is enough for the others.
        if matches!(tool.manager, Manager::Berry | Manager::Bun) {
            for name in [".npmrc", ".yarnrc.yml"] {
                if let Some(bytes) = redirected(name, &fs::read(self.path(name)).unwrap(), base) {
                    fs::write(self.path(name), bytes).unwrap();
                }
            }
        }
        let output = run.output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if output.status.success() { Ok(()) } else { Err(said) }
    }

    /// Every installed `name@version`, wherever it lies.
    fn installed(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut folders = vec![self.path("node_modules")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else if entry.file_name() == "package.json" {
                    let manifest: Value = serde_json::from_slice(&fs::read(entry.path()).unwrap()).unwrap();
                    if let Some((name, version)) = manifest["name"].as_str().zip(manifest["version"].as_str()) {
                        found.insert(format!("{name}@{version}"));
                    }
                }
            }
        }
        found
    }
}

struct Loopback {
    timewarp: Timewarp,
    _serving: npm_timewarp::Serving,
    base: String,
    _folder: tempfile::TempDir,
}

fn loopback(
    runtime: &tokio::runtime::Runtime,
    upstream: &str,
    moment: &str,
    commit: Option<&str>,
    keep: BTreeSet<(String, String)>,
) -> Loopback {
    let folder = tempfile::tempdir().unwrap();
    let around =
        Surroundings { vars: BTreeMap::default(), cwd: folder.path().to_owned(), home: None, node: None, files: Arc::new(OsFiles) };
    let npm = NpmConfig::load(&around, &Overrides { registry: Some(upstream.to_owned()), settings: Vec::new(), ..Overrides::default() });
    let settings = Settings {
        client: Client::new(HttpConfig::from_npm(&npm, "reproduce/test")),
        npm,
        moment: Some(moment.parse().unwrap()),
        commit_time: commit.map(|time| time.parse().unwrap()),
        published: None,
        tags: BTreeSet::new(),
        keep,
        named: BTreeSet::new(),
        judged: None,
        is_registered: false,
        judged_bytes: None,
        manifests_on_disk: true,
        tarballs: folder.path().join("tarballs"),
        packuments: None,
        repositories: None,
        hosts: AllowList::default(),
        cancel: Cancel::default(),
    };
    let timewarp = Timewarp::new(settings, runtime.handle().clone());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    Loopback { _serving: timewarp.serve(listener, &base, Peers::Anybody).unwrap(), timewarp, base, _folder: folder }
}

/// bun writes a tarball's address only where the registry is not the canonical one.
fn without_addresses(lockfile: &str) -> String {
    let mut parts = lockfile.split(CANONICAL);
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| text + part.split_once('"').map_or(part, |(_, rest)| &part[part.len() - rest.len() - 1..]))
}

fn set(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

fn from_record(record: &Record) -> BTreeSet<String> {
    record.tarballs.iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

/// What a tool does wrong, or nothing.
fn check(tool: &Tool, command: &[String], runtime: &tokio::runtime::Runtime, upstream: &str, mirror: &str) -> Result<(), String> {
    let dependencies = json!({"odd": "*", "number": "*", "@scope/even": "^1.0.0"});
    let of_the_moment = set(&["@scope/even@1.0.0", "number@4.0.0", "number@6.0.0", "odd@2.0.0"]);
    let expect = |what: &str, found: BTreeSet<String>, wanted: &BTreeSet<String>| {
        if found == *wanted { Ok(()) } else { Err(format!("{what}: {found:?} instead of {wanted:?}")) }
    };

    let project = Project::new(&dependencies);
    let there = loopback(runtime, upstream, MOMENT, None, BTreeSet::new());
    project.run(tool, command, tool.install, &there.base)?;
    expect("without a lockfile", project.installed(), &of_the_moment)?;
    expect("the record", from_record(&there.timewarp.record()), &of_the_moment)?;
    let lockfile = fs::read(project.path(tool.lockfile)).map_err(|error| error.to_string())?;
    let read = named(tool.lockfile, &lockfile).map_err(|error| error.to_string())?;
    expect("the lockfile", read.versions.iter().map(|(name, version)| format!("{name}@{version}")).collect(), &of_the_moment)?;

    // As it would be in a repository: with the canonical addresses, and read at an earlier moment
    // than it was written.
    let text = String::from_utf8(lockfile).unwrap().replace(&there.base, CANONICAL);
    let text = if tool.manager == Manager::Bun { without_addresses(&text) } else { text };
    let project = Project::new(&dependencies);
    let early = loopback(runtime, upstream, "2017-12-01T00:00:00Z", None, read.versions);
    let rewritten = (tool.manager == Manager::Yarn1).then(|| rewrite_yarn_v1(text.as_bytes(), &Leads::new(&early.base)));
    let text = if tool.manager == Manager::Bun { String::from_utf8(rewrite_bun(text.as_bytes(), &early.base)).unwrap() } else { text };
    fs::write(project.path(tool.lockfile), rewritten.as_ref().map_or(text.as_bytes(), |rewritten| &rewritten.bytes)).unwrap();
    project.run(tool, command, tool.frozen, &early.base)?;
    expect("with a lockfile", project.installed(), &of_the_moment)?;
    if let Some(rewritten) = rewritten {
        let restored = rewritten.restore(&fs::read(project.path(tool.lockfile)).unwrap());
        if restored != text.as_bytes() {
            return Err("the lockfile does not come back as it was".to_owned());
        }
    }

    // A mirror that saw everything years later.
    let project = Project::new(&dependencies);
    let untrue = loopback(runtime, mirror, MOMENT, Some("2018-04-14T00:00:00Z"), BTreeSet::new());
    project.run(tool, command, tool.install, &untrue.base)?;
    let today = set(&["@scope/even@1.0.0", "number@6.0.0", "number@7.0.0", "odd@3.0.0"]);
    expect("with untrue times", project.installed(), &today)?;
    if !untrue.timewarp.record().times_untrue {
        return Err("untrue times are not recorded".to_owned());
    }
    Ok(())
}

#[test]
fn every_package_manager_installs_what_there_was() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (upstream, mirror) = (start(registry(honest)), start(registry(first_seen)));
    let (mut checked, mut lacked, mut failures) = (0, 0, Vec::new());
    for tool in &TOOLS {
        let name = format!("installer:{}", tool.name);
        let Some(command) = command(tool) else {
            assert_eq!(tool.manager, Manager::Bun, "{} is not installed: npm ci --ignore-scripts in __test__/conformance", tool.name);
            needs::lacked(&name, "bun's package is not made for this machine");
            lacked += 1;
            continue;
        };
        match check(tool, &command, &runtime, &upstream, &mirror) {
            Ok(()) => needs::had(&name),
            Err(error) => failures.push(format!("{}: {error}", tool.name)),
        }
        checked += 1;
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert_eq!(checked + lacked, TOOLS.len());
}
