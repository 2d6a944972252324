//! The archive reader against npm's own extractor: what the reader says is in an archive must be
//! what npm writes to disk.
//!
//! Every case is extracted by pacote and node-tar 7 in a Node process
//! (`__test__/conformance/archive-oracle.mjs`) and read by this crate. Where the reader calls an
//! archive plain, both must agree in path, type, mode and content; where they disagree, the archive
//! must not be plain. `ORACLE_MODULES` may name another `node_modules` folder.

#![allow(
    clippy::too_many_lines,
    clippy::too_many_arguments,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect must fail"
)]

mod cases;
mod mixtures;
mod tarball;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use npm_tarball::{Archive, EntryKind, Limits};

/// What is on disk at a path: mode, and the hash of the content.
type Tree = BTreeMap<String, (u32, String)>;

struct Oracle {
    error: Option<String>,
    tree: Tree,
}

/// The reader lists `.gitignore` under its own name, so it cannot show what npm's renaming makes of
/// these; they are not plain for that very reason. Every other case must agree, plain or not,
/// unless npm refuses it.
const MAY_DISAGREE: &[&str] = &["gitignore-of-other-mode", "gitignore-of-other-root"];

fn run_oracle(folder: &Path) -> (bool, BTreeMap<String, Oracle>) {
    let script = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("__test__/conformance/archive-oracle.mjs");
    let output = Command::new("node").arg(&script).arg(folder).output().expect("node runs: this test needs it");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "the oracle failed; it needs pacote and tar 7 in node_modules or in ORACLE_MODULES:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let first = lines.next().unwrap();
    let cases = lines.map(|line| {
        let tree = line["tree"].as_array().unwrap().iter().map(|row| {
            assert_eq!(row["type"], "file", "npm made something that is not a file: {row}");
            let mode = u32::try_from(row["mode"].as_u64().unwrap()).unwrap();
            (row["path"].as_str().unwrap().to_owned(), (mode, row["sha256"].as_str().unwrap().to_owned()))
        });
        let error = line["error"].as_str().map(str::to_owned);
        (line["name"].as_str().unwrap().to_owned(), Oracle { error, tree: tree.collect() })
    });
    (first["root"].as_bool().unwrap(), cases.collect())
}

/// What the reader says npm writes: its files, with npm's name for `.gitignore`.
fn expected_tree(archive: &Archive, root: bool) -> Tree {
    // Writing to a file takes these bits away, unless root does it.
    let mask = if root { 0o7777 } else { 0o1777 };
    let hex = |bytes: &[u8]| {
        bytes.iter().fold(String::new(), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        })
    };
    let files = archive.entries().iter().filter(|entry| entry.kind == EntryKind::File);
    let mut tree = Tree::new();
    for entry in files {
        let mut path = entry.path.clone();
        if path == ".gitignore" || path.ends_with("/.gitignore") {
            path = path.replace(".gitignore", ".npmignore");
            if archive.get(&path).is_some_and(|other| other.kind == EntryKind::File) {
                continue;
            }
        }
        tree.insert(path, (entry.mode_on_disk & mask, hex(&entry.sha256)));
    }
    tree
}

#[test]
fn what_the_reader_says_is_what_npm_writes() {
    let folder = tempfile::tempdir().unwrap();
    let cases = cases::all();
    assert!(cases.len() >= 150, "only {} cases", cases.len());
    for case in &cases {
        std::fs::write(folder.path().join(format!("{}.tgz", case.name)), &case.bytes).unwrap();
    }
    let (root, oracle) = run_oracle(folder.path());
    let mut problems = Vec::new();
    let (mut plain, mut odd_agree, mut odd_differ, mut unreadable) = (0, 0, 0, 0);
    for case in &cases {
        let name = &case.name;
        let npm = &oracle[&format!("{name}.tgz")];
        let archive = match Archive::read(case.bytes.as_slice(), &Limits::default()) {
            Ok(archive) => archive,
            Err(error) => {
                unreadable += 1;
                if case.odd != ["unreadable"] || npm.error.is_none() {
                    problems.push(format!("{name}: not read ({error}), npm: {:?} {:?}", npm.error, npm.tree));
                }
                continue;
            }
        };
        let codes: Vec<&str> = archive.oddities().iter().map(|odd| odd.kind.code()).collect();
        for code in &case.odd {
            if !codes.contains(code) {
                problems.push(format!("{name}: {code} was not found, only {codes:?}"));
            }
        }
        if case.odd.is_empty() && !codes.is_empty() {
            problems.push(format!("{name}: should be plain, but {codes:?}"));
        }
        let ours = expected_tree(&archive, root);
        let agree = npm.error.is_none() && npm.tree == ours;
        match (archive.is_plain(), agree) {
            (true, true) => plain += 1,
            (true, false) => problems.push(format!("{name}: plain, but npm: {:?}\n  npm  {:?}\n  ours {ours:?}", npm.error, npm.tree)),
            (false, true) => odd_agree += 1,
            (false, false) if npm.error.is_some() || MAY_DISAGREE.contains(&name.as_str()) => odd_differ += 1,
            (false, false) => {
                problems.push(format!("{name}: not plain {codes:?}, and read in another way\n  npm  {:?}\n  ours {ours:?}", npm.tree));
            }
        }
    }
    let report = format!(
        "{} cases: {plain} plain and the same, {odd_agree} not plain but the same, {odd_differ} not plain and refused by npm, {unreadable} not readable",
        cases.len()
    );
    assert!(problems.is_empty(), "{report}\n{} problems:\n{}", problems.len(), problems.join("\n"));
    show(&report);
}

/// The counts are part of what these tests are for; `--nocapture` shows them.
#[allow(clippy::print_stderr, reason = "a test's own output")]
fn show(report: &str) {
    eprintln!("{report}");
}

#[test]
fn what_nobody_thought_of_is_plain_only_if_npm_agrees() {
    let cases = cases::all();
    let sources: Vec<&[u8]> = cases.iter().map(|case| case.bytes.as_slice()).collect();
    let mixtures = mixtures::mixtures(&sources, 400);
    let folder = tempfile::tempdir().unwrap();
    let name = |at: usize| format!("{at:04}.tgz");
    for (at, bytes) in mixtures.iter().enumerate() {
        std::fs::write(folder.path().join(name(at)), bytes).unwrap();
    }
    let (root, oracle) = run_oracle(folder.path());
    let mut problems = Vec::new();
    let (mut plain, mut odd, mut unreadable) = (0, 0, 0);
    for (at, bytes) in mixtures.iter().enumerate() {
        let npm = &oracle[&name(at)];
        match Archive::read(bytes.as_slice(), &Limits::default()) {
            Err(error) if npm.error.is_none() => problems.push(format!("{at}: not read ({error}), but npm: {:?}", npm.tree)),
            Err(_) => unreadable += 1,
            Ok(archive) if !archive.is_plain() => odd += 1,
            Ok(archive) => {
                plain += 1;
                let ours = expected_tree(&archive, root);
                if npm.error.is_some() || npm.tree != ours {
                    problems.push(format!("{at}: plain, but npm: {:?}\n  npm  {:?}\n  ours {ours:?}", npm.error, npm.tree));
                }
            }
        }
    }
    let report = format!("{} mixtures: {plain} plain and the same, {odd} not plain, {unreadable} not readable", mixtures.len());
    assert!(problems.is_empty() && plain >= 40, "{report}\n{}", problems.join("\n"));
    show(&report);
}
