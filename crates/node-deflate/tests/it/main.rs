//! The deflate encoder against real Node.js: the bytes must be equal.
//!
//! The `node` on the PATH is of class C today, so C is compared with it on every run. For class B,
//! whose Node.js is out of support, `tests/it/deflate-b.tsv` holds the digests that Node.js 16.20.2
//! on x64 gave.
//!
//! By hand, against any other Node.js and with more inputs:
//!
//! ```text
//! DEFLATE_NODE=/opt/node-16/bin/node DEFLATE_SAMPLES=5000 cargo test --release --package node-deflate --test it
//! ```
//!
//! Expected there: Node.js 12.17 to 17 differ at levels 1 to 5 in about one of 7000 of these
//! streams (see `Class::B`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by a panic")]

#[path = "../../src/tests/corpus.rs"]
mod corpus;

use node_deflate::{Class, compress};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// Reads inputs, each after its length as four bytes; writes a line of digests for each, one per
/// level.
const SCRIPT: &str = r"
const { deflateRawSync } = require('zlib');
const { createHash } = require('crypto');
const input = require('fs').readFileSync(0);
if (process.config.variables.node_shared_zlib) throw new Error('this Node.js was built with a zlib that is not its own');
console.log(process.version + ' ' + process.arch);
for (let at = 0; at < input.length;) {
  const from = at + 4;
  at = from + input.readUInt32LE(at);
  const part = input.slice(from, at);
  const digests = [];
  for (let level = 1; level <= 9; level++) {
    digests.push(createHash('sha256').update(deflateRawSync(part, { level })).digest('hex'));
  }
  console.log(digests.join(' '));
}
";

/// What a Node.js answered.
struct Answer {
    /// Version and architecture.
    node: String,
    /// For each input the digests at levels 1 to 9.
    digests: Vec<Vec<String>>,
}

/// Compresses the samples below `count` with the Node.js under test.
fn ask_node(count: u64) -> Answer {
    let node = std::env::var("DEFLATE_NODE").unwrap_or_else(|_| "node".to_owned());
    let mut child = Command::new(&node)
        .args(["-e", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("these tests compare with Node.js, and `{node}` does not start: {error}"));
    let mut stdin = child.stdin.take().unwrap();
    for number in 0..count {
        let input = corpus::sample(number);
        stdin.write_all(&u32::try_from(input.len()).unwrap().to_le_bytes()).unwrap();
        stdin.write_all(&input).unwrap();
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "`{node}` failed: {}", output.status);
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = text.lines();
    let node = lines.next().expect("a line with the version").to_owned();
    let digests: Vec<Vec<String>> = lines.map(|line| line.split(' ').map(str::to_owned).collect()).collect();
    assert_eq!(digests.len() as u64, count);
    Answer { node, digests }
}

/// The class of a Node.js, given as `v20.20.2 x64`.
fn class_of(node: &str) -> Class {
    let (version, arch) = node.split_once(' ').expect("version and architecture");
    let mut parts = version.trim_start_matches('v').split('.').map(|part| part.parse::<u32>().unwrap());
    let release = (parts.next().unwrap(), parts.next().unwrap());
    match release {
        (18, 19..) | (20, 10..) | (21.., _) => Class::C,
        (..12, _) | (12, 0..17) | (13, 0..9) | (20, 8..=9) => Class::A,
        (12..=18 | 20, _) if arch == "x64" => Class::B,
        _ => panic!("the class of Node.js {node} is not known; use an x64 one, or a later one"),
    }
}

fn samples() -> u64 {
    std::env::var("DEFLATE_SAMPLES").map_or(6 * corpus::KINDS, |count| count.parse().expect("DEFLATE_SAMPLES is a number"))
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

#[test]
fn the_bytes_are_those_of_the_node_at_hand_at_all_levels() {
    let answer = ask_node(samples());
    let class = class_of(&answer.node);
    let mut wrong = Vec::new();
    for (number, digests) in (0..).zip(&answer.digests) {
        let input = corpus::sample(number);
        for (level, expected) in (1..).zip(digests) {
            if digest(&compress(class, level, &input)) != *expected {
                wrong.push((number, level));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} streams differ from Node.js {} (class {class:?}); sample and level: {:?}",
        wrong.len(),
        9 * answer.digests.len(),
        answer.node,
        &wrong[..wrong.len().min(20)]
    );
}

#[test]
fn class_b_makes_the_bytes_recorded_from_node_16() {
    let table = include_str!("deflate-b.tsv");
    let mut compared = 0;
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let (number, level) = (fields[0].parse().unwrap(), fields[1].parse().unwrap());
        let made = digest(&compress(Class::B, level, &corpus::sample(number)));
        assert_eq!(made, fields[2], "sample {number} at level {level}");
        compared += 1;
    }
    assert_eq!(compared, RECORDED * RECORDED_LEVELS.len() as u64);
}

/// Samples and levels of the table for class B.
const RECORDED: u64 = 4 * corpus::KINDS;
const RECORDED_LEVELS: [usize; 4] = [1, 4, 6, 9];

#[test]
#[ignore = "writes tests/it/deflate-b.tsv; needs DEFLATE_NODE to be an x64 Node.js of class B"]
fn record_the_bytes_of_class_b() {
    let answer = ask_node(RECORDED);
    assert_eq!(class_of(&answer.node), Class::B);
    let mut table = format!("# sample\tlevel\tsha256 of the raw deflate stream made by Node.js {}\n", answer.node);
    for (number, digests) in answer.digests.iter().enumerate() {
        for level in RECORDED_LEVELS {
            writeln!(table, "{number}\t{level}\t{}", digests[level - 1]).unwrap();
        }
    }
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/deflate-b.tsv"), table).unwrap();
}
