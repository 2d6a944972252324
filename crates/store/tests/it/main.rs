//! The cache of results under many processes at once, and under processes that are killed while
//! they write.

#![allow(clippy::unwrap_used, reason = "a failure in a helper of a test is the test's failure")]

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use store::Results;

/// Tells a child which file to write to, under which name, and how often:
/// `<file>\n<name>\n<writes>`.
const TASK: &str = "REPRODUCE_TEST_STORE_TASK";
/// Longer than any run: a test must not fail because a machine is slow.
const WAIT: Duration = Duration::from_secs(600);

fn result(key: &str, padding: usize) -> Box<RawValue> {
    to_raw_value(&json!({"package": {"name": key}, "verdict": "identical", "padding": "x".repeat(padding)})).unwrap()
}

fn open(file: &Path) -> Results {
    Results::at(file).with_wait(WAIT)
}

/// What a child process of these tests does; without a task there is nothing to do.
#[test]
#[ignore = "the other tests start it as a process of its own"]
fn writer() {
    let Ok(task) = std::env::var(TASK) else {
        return;
    };
    let parts: Vec<&str> = task.split('\n').collect();
    let results = open(Path::new(parts[0]));
    let writes: usize = parts[2].parse().unwrap();
    let mut out = std::io::stdout().lock();
    for at in 0..writes {
        let key = format!("{}@{at}.0.0", parts[1]);
        let written = results.put(&key, &result(&key, at % 700)).unwrap();
        assert_eq!(written.moved_aside, None);
        // Said only after the write: the parent may rely on it.
        writeln!(out, "wrote {key}").unwrap();
        out.flush().unwrap();
    }
}

fn start(file: &Path, name: &str, writes: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "writer", "--ignored", "--nocapture", "--test-threads=1"])
        .env(TASK, format!("{}\n{name}\n{writes}", file.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The keys that a child says it has written, as it says so.
fn acknowledged(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // A killed child may leave half a line; the test harness writes lines of its own.
    lines
        .map_while(Result::ok)
        .filter_map(|line| line.split_once("wrote ").map(|(_, key)| key.to_owned()))
        .filter(|key| key.ends_with(".0.0"))
}

/// The whole file, as any JSON reader sees it.
fn parsed(file: &Path) -> HashMap<String, Value> {
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

#[test]
fn eight_processes_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("results.json");
    let mut children: Vec<Child> = (0..8).map(|name| start(&file, &format!("p{name}"), 500)).collect();
    for child in &mut children {
        assert_eq!(acknowledged(child).count(), 500);
        assert!(child.wait().unwrap().success());
    }
    let entries = parsed(&file);
    assert_eq!(entries.len(), 4000);
    let results = open(&file);
    for name in 0..8 {
        for at in (0..500).step_by(50) {
            let key = format!("p{name}@{at}.0.0");
            assert_eq!(results.get(&key).unwrap().unwrap().get(), result(&key, at % 700).get());
        }
    }
    for (key, value) in entries {
        assert_eq!(value["package"]["name"], key);
    }
}

/// xorshift64*: the same moments in every run, as far as a process's progress goes.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % n
    }
}

#[test]
fn killed_processes_leave_a_whole_file_and_every_finished_write() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("results.json");
    // Enough to copy that a kill often falls into a write.
    let base: Vec<(String, Box<RawValue>)> =
        (0..300).map(|at| format!("base@{at}.0.0")).map(|key| (key.clone(), result(&key, 3000))).collect();
    let batch: Vec<(&str, &RawValue)> = base.iter().map(|(key, value)| (key.as_str(), &**value)).collect();
    open(&file).put_many(&batch).map(drop).unwrap();

    let mut random = Random(0x00c0_ffee);
    let mut finished: Vec<String> = base.iter().map(|(key, _)| key.clone()).collect();
    for round in 0..25 {
        let mut children: Vec<Child> = (0..2).map(|n| start(&file, &format!("r{round}c{n}"), 1_000_000)).collect();
        let mut lines: Vec<_> = children.iter_mut().map(acknowledged).collect();
        for (child, lines) in children.iter_mut().zip(&mut lines) {
            let writes = 1 + random.below(6);
            finished.extend(lines.by_ref().take(usize::try_from(writes).unwrap()));
            // Somewhere in the next write; where exactly does not matter to what is checked.
            std::thread::sleep(Duration::from_micros(random.below(6000)));
            child.kill().unwrap();
            child.wait().unwrap();
            finished.extend(lines.by_ref());
        }
        // Read before anything else is written: this is what the killed processes left.
        let entries = parsed(&file);
        for key in &finished {
            assert_eq!(entries.get(key).and_then(|entry| entry["package"]["name"].as_str()), Some(key.as_str()), "round {round}");
        }
    }
    assert!(finished.len() > 300 + 25 * 2, "{}", finished.len());
    assert_eq!(open(&file).put("last@1.0.0", &result("last@1.0.0", 1)).unwrap().moved_aside, None);
    let mut names: Vec<String> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, [".results.json.lock", "results.json"], "what killed processes left is cleaned");
}
