//! Whole archives against the real clients: what they list, how they rewrite package.json, and
//! every byte of the tar stream.
//!
//! Needs the clients of `__test__/conformance/package.json`: run `npm install` there. One that is
//! not made for this machine, or that this Node is too old for, is lacked by name (`tests/needs`);
//! any other must be there. `PACK_CONFORMANCE=all` tries every tree with every client (some
//! minutes): `node __test__/conformance/by-hand.mjs`. `PACK_CONFORMANCE=bun-1` tries every tree
//! with that one, `PACK_CONFORMANCE_TREES=name` those with that word in what they try; without it
//! every tree meets one client.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use npm_pack::era::{self, Bins};
use npm_pack::fingerprint::{Headers, Limits};
use npm_pack::gzip;
use npm_pack::list::{self, Context, ListRules};
use npm_pack::rewrite::{self, Rewrite, Workspace};
use npm_pack::tar::{Adopted, Kind, Member, write};
use npm_pack::tree::{DirTree, Tree as _};

use crate::fixtures::{FIXTURES, Fixture};

/// A client, and the rules here that are to agree with it.
struct Client {
    name: &'static str,
    era: &'static str,
    list: &'static ListRules,
    rewrite: &'static str,
}

static CLIENTS: [Client; 13] = [
    Client { name: "npm-6", era: "npm-6-10", list: &list::NPM_6_14, rewrite: rewrite::AS_IS },
    Client { name: "npm-8", era: "npm-7-20", list: &list::NPM_8_15, rewrite: rewrite::AS_IS },
    Client { name: "npm-10", era: "npm-7-20", list: &list::NPM_10_3, rewrite: rewrite::AS_IS },
    Client { name: "npm-11", era: "npm-7-20", list: &list::NPM_11, rewrite: rewrite::AS_IS },
    Client { name: "yarn-1", era: "yarn-1", list: &list::YARN_1, rewrite: rewrite::AS_IS },
    Client { name: "berry-3", era: "berry-3", list: &list::BERRY, rewrite: "berry-3" },
    Client { name: "berry-4", era: "berry-3", list: &list::BERRY, rewrite: "berry-4" },
    Client { name: "pnpm-8", era: "pnpm-7", list: &list::PNPM_8_8, rewrite: "pnpm-7-28" },
    Client { name: "pnpm-9", era: "pnpm-7", list: &list::PNPM_8_8, rewrite: "pnpm-9-5" },
    Client { name: "pnpm-10", era: "pnpm-7", list: &list::PNPM_8_8, rewrite: "pnpm-10-34" },
    Client { name: "pnpm-11", era: "pnpm-11-28", list: &list::PNPM_11_28, rewrite: "pnpm-11-28" },
    Client { name: "bun-1", era: "bun-1", list: &list::BUN_1, rewrite: "bun-1-4" },
    Client { name: "vlt-1", era: "vlt-1", list: &list::VLT_1, rewrite: rewrite::AS_IS },
];

/// The clients that may be lacked, and what the oracle says then: bun is a program for some
/// machines, and pnpm 11 and vlt want Node 22, which is brought along for some machines.
const LACKS: [(&str, &str); 4] = [
    ("bun-1", "Cannot find module @oven/bun"),
    ("pnpm-11", "requires at least Node.js"),
    ("pnpm-11", "ERR_UNKNOWN_BUILTIN_MODULE"),
    ("vlt-1", "ERR_UNKNOWN_BUILTIN_MODULE"),
];

/// One time for all files: yarn 1 writes it.
const TIME: u64 = 1_600_000_000;

fn lay_out(root: &Path, fixture: &Fixture) {
    for (path, content) in fixture.files {
        let (path, target) = path.split_once(" -> ").map_or((*path, None), |(path, target)| (path, Some(target)));
        let (path, executable) = path.strip_suffix('!').map_or((path, false), |path| (path, true));
        let at = root.join(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        if let Some(target) = target {
            std::os::unix::fs::symlink(target, at).unwrap();
            continue;
        }
        fs::write(&at, content).unwrap();
        fs::set_permissions(&at, fs::Permissions::from_mode(if executable { 0o755 } else { 0o644 })).unwrap();
        fs::File::options().append(true).open(&at).unwrap().set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(TIME)).unwrap();
    }
}

/// The oracle's answers: the packed files, or the client's error.
fn ask(requests: &[serde_json::Value]) -> Vec<Result<Vec<u8>, String>> {
    let script = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("__test__/conformance/pack-oracle.mjs");
    let mut child = Command::new("node").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("node runs");
    let lines: Vec<String> = requests.iter().map(ToString::to_string).collect();
    child.stdin.take().unwrap().write_all((lines.join("\n") + "\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the oracle failed");
    let answers: Vec<serde_json::Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), requests.len());
    let answer = |value: &serde_json::Value| match value["tgz"].as_str() {
        Some(path) => Ok(fs::read(path).unwrap()),
        None => Err(value["error"].as_str().unwrap_or_default().to_owned()),
    };
    answers.iter().map(answer).collect()
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut tar = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut tar).unwrap();
    tar
}

/// What we pack of the same folder.
fn ours(client: &Client, root: &Path, dir: &str, published: &[u8]) -> Result<Vec<u8>, String> {
    let era = era::by_id(client.era).unwrap();
    let whole = DirTree::new(root).unwrap();
    let folder = root.join(dir);
    let tree = DirTree::new(&folder).unwrap();
    let manifest = tree.read("package.json").unwrap();
    let version = "1.0.0";
    let mut workspace = Workspace::new(version, "", dir);
    let members = workspace.read_root(&whole);
    workspace.read_members(&whole, &members);
    let variants = rewrite::variants(era, &manifest, &workspace);
    let named: Vec<Rewrite> = variants.into_iter().filter(|one| one.name == client.rewrite).collect();
    let rewrite = rewrite::choose(named, entry(published, "package/package.json").as_deref(), rewrite::Seen::default());
    let rewrite = rewrite.ok_or_else(|| format!("no rewrite {}", client.rewrite))?;
    let overlay = Rewritten { tree: &tree, manifest: &rewrite.listed };
    let mut entries = list::entries(&overlay, client.list, &Context::default()).map_err(|error| error.to_string())?;
    let listed: Vec<&str> = entries.iter().map(|entry| entry.source.as_str()).collect();
    let added: Vec<(String, Vec<u8>)> =
        rewrite.added(&workspace, &listed).into_iter().map(|(path, bytes)| (path.to_owned(), bytes.to_vec())).collect();
    entries.extend(added.iter().map(|(path, _)| list::Entry { source: path.clone(), path: path.clone() }));
    let members: Vec<Member<'_>> = entries.iter().map(|entry| member(&folder, entry, &rewrite, &added)).collect();
    let headers = Headers::read(published, &Limits::default()).unwrap();
    let adopted = Adopted::from_published(&headers, era);
    let mut tar = Vec::new();
    let bins =
        Bins::of(&serde_json::from_slice(rewrite.executables().strip_prefix(b"\xef\xbb\xbf").unwrap_or(rewrite.executables())).unwrap());
    write(&members, era, &bins, &adopted, &mut tar).map_err(|error| error.to_string())?;
    Ok(tar)
}

fn member<'m>(folder: &Path, entry: &list::Entry, rewrite: &'m Rewrite, added: &'m [(String, Vec<u8>)]) -> Member<'m> {
    let at = folder.join(&entry.source);
    let path = entry.path.clone();
    let extra = added.iter().find(|(path, _)| *path == entry.source);
    if let Some((_, bytes)) = extra {
        return Member { path, mode: 0o644, kind: Kind::File(Box::new(bytes.as_slice())), mtime: Some(TIME) };
    }
    let metadata = fs::symlink_metadata(&at).unwrap();
    if metadata.is_dir() {
        return Member { path: path.trim_end_matches('/').to_owned(), mode: 0o755, kind: Kind::Directory, mtime: Some(TIME) };
    }
    let kind = if metadata.is_symlink() {
        Kind::Symlink(fs::read_link(&at).unwrap().to_str().unwrap().to_owned())
    } else if entry.source == "package.json" {
        Kind::File(Box::new(rewrite.manifest.as_slice()))
    } else {
        Kind::File(Box::new(fs::read(&at).unwrap()))
    };
    Member { path, mode: metadata.permissions().mode() & 0o7777, kind, mtime: Some(TIME) }
}

/// A folder in which package.json is another.
struct Rewritten<'t> {
    tree: &'t DirTree,
    manifest: &'t [u8],
}

impl npm_pack::tree::Tree for Rewritten<'_> {
    fn list(&self, dir: &str) -> Result<Vec<npm_pack::tree::Node>, npm_pack::tree::Unlisted> {
        self.tree.list(dir)
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        if path == "package.json" { Some(self.manifest.to_vec()) } else { self.tree.read(path) }
    }

    fn link(&self, path: &str) -> Option<String> {
        self.tree.link(path)
    }
}

/// The content of one entry of a packed file.
fn entry(packed: &[u8], path: &str) -> Option<Vec<u8>> {
    let tar = gunzip(packed);
    let mut archive = tar::Archive::new(tar.as_slice());
    let mut found = archive.entries().unwrap().map(Result::unwrap).find(|entry| entry.path().unwrap().to_str() == Some(path))?;
    let mut bytes = Vec::new();
    found.read_to_end(&mut bytes).unwrap();
    Some(bytes)
}

/// The first difference between two tar streams, for people.
fn difference(theirs: &[u8], ours: &[u8]) -> String {
    let names = |tar: &[u8]| -> Vec<String> {
        let mut archive = tar::Archive::new(tar);
        archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| format!("{}:{:o}", entry.path().unwrap().display(), entry.header().mode().unwrap()))
            .collect()
    };
    let (listed, packed) = (names(theirs), names(ours));
    if listed != packed {
        return format!("theirs {listed:?}\n    ours   {packed:?}");
    }
    let at = theirs.iter().zip(ours).position(|(a, b)| a != b).unwrap_or(theirs.len().min(ours.len()));
    let near = |tar: &[u8]| String::from_utf8_lossy(&tar[at.saturating_sub(60)..(at + 60).min(tar.len())]).replace('\0', "~");
    format!("byte {at}:\n    theirs {}\n    ours   {}", near(theirs), near(ours))
}

#[test]
fn archives_are_those_of_the_real_clients() {
    let wish = std::env::var("PACK_CONFORMANCE").unwrap_or_default();
    let word = std::env::var("PACK_CONFORMANCE_TREES").unwrap_or_default();
    let root = tempfile::tempdir().unwrap();
    let mut cases = Vec::new();
    for (at, fixture) in FIXTURES.iter().enumerate() {
        for (turn, client) in CLIENTS.iter().enumerate() {
            let excepted = fixture.except.iter().any(|(name, _)| *name == client.name);
            let wanted = match wish.as_str() {
                "" => (at + turn) % CLIENTS.len() == 0,
                "all" => true,
                name => name == client.name,
            };
            if excepted || !wanted || !fixture.rule.contains(&word) {
                continue;
            }
            let place = root.path().join(format!("{at}-{}", client.name));
            lay_out(&place, fixture);
            cases.push((client, fixture, place));
        }
    }
    let requests: Vec<_> = cases
        .iter()
        .map(|(client, fixture, place)| serde_json::json!({ "client": client.name, "root": place, "dir": fixture.dir }))
        .collect();
    let (mut compared, mut lacking, mut failures, mut missing) = (0, 0, Vec::new(), BTreeMap::new());
    let (mut counts, mut trees): (BTreeMap<&str, usize>, BTreeSet<&str>) = (BTreeMap::new(), BTreeSet::new());
    for ((client, fixture, place), answer) in cases.iter().zip(ask(&requests)) {
        let published = match answer {
            Ok(published) => published,
            Err(error) if LACKS.iter().any(|(name, words)| *name == client.name && error.contains(words)) => {
                missing.insert(client.name, error);
                lacking += 1;
                continue;
            }
            Err(error) => {
                failures.push(format!("{}: {}: the client fails: {error}", client.name, fixture.rule));
                continue;
            }
        };
        compared += 1;
        *counts.entry(client.name).or_default() += 1;
        trees.insert(fixture.rule);
        match ours(client, place, fixture.dir, &published) {
            Ok(tar) if tar == gunzip(&published) => {
                // The compression too: one of the encoders here makes it.
                if gzip::match_published(&mut std::io::Cursor::new(&tar), &published).unwrap().is_none() {
                    failures.push(format!("{}: {}: no encoder makes its compression", client.name, fixture.rule));
                }
            }
            Ok(tar) => failures.push(format!("{}: {}: {}", client.name, fixture.rule, difference(&gunzip(&published), &tar))),
            Err(error) => failures.push(format!("{}: {}: {error}", client.name, fixture.rule)),
        }
    }
    eprintln!("{compared} archives of {} trees by {} clients compared: {counts:?}", trees.len(), counts.len());
    assert!(failures.is_empty(), "{} of {compared} archives differ:\n{}", failures.len(), failures.join("\n"));
    for (client, error) in &missing {
        crate::needs::lacked(&format!("client:{client}"), error);
    }
    for client in counts.keys() {
        crate::needs::had(&format!("client:{client}"));
    }
    assert_eq!(compared + lacking, cases.len(), "every pair that was wanted is compared");
    if matches!(wish.as_str(), "" | "all") && word.is_empty() {
        assert_eq!(counts.len() + missing.len(), CLIENTS.len(), "every client has its turn");
        assert!(missing.len() <= LACKS.len() && FIXTURES.len() >= 60, "{missing:?}, {} trees", FIXTURES.len());
        assert!(wish.is_empty() || trees.len() == FIXTURES.len(), "{} trees of {}", trees.len(), FIXTURES.len());
    }
}
