//! npm's own extraction, in a Node process that answers one archive after the other.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

/// What npm makes of one archive.
pub(crate) struct Answer {
    pub(crate) error: Option<String>,
    /// By path: type, mode, and hash or target.
    pub(crate) tree: BTreeMap<String, String>,
}

impl Answer {
    /// In what it differs from another, in a few words.
    pub(crate) fn difference(&self, other: &Self) -> String {
        let all = self.tree.keys().chain(other.tree.keys());
        let changed: std::collections::BTreeSet<&String> = all.filter(|path| self.tree.get(*path) != other.tree.get(*path)).collect();
        let words = |answer: &Self, path: &String| answer.tree.get(path).map_or("nothing", |row| row.get(..20).unwrap_or(row)).to_owned();
        let list: Vec<String> =
            changed.iter().take(3).map(|path| format!("{path:?}: {} for {}", words(self, path), words(other, path))).collect();
        format!("{} paths: {}", changed.len(), list.join(", "))
    }
}

pub(crate) struct Oracle {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Oracle {
    pub(crate) fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("__test__/conformance/extract-oracle.mjs");
        let mut child =
            Command::new("node").arg(&script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("node runs: this test needs it");
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        lines.read_line(&mut first).unwrap();
        assert!(first.contains("\"oracle\":true"), "the oracle failed; it needs pacote and tar 7 in node_modules or in ORACLE_MODULES");
        Self { child, lines }
    }

    pub(crate) fn ask(&mut self, archives: &[&[u8]]) -> Vec<Answer> {
        let Self { child, lines } = self;
        let input = child.stdin.as_mut().unwrap();
        std::thread::scope(|scope| {
            // Beside the reading: both pipes are small.
            scope.spawn(move || {
                for bytes in archives {
                    input.write_all(&u32::try_from(bytes.len()).unwrap().to_le_bytes()).unwrap();
                    input.write_all(bytes).unwrap();
                }
                input.flush().unwrap();
            });
            archives
                .iter()
                .map(|_| {
                    let mut line = String::new();
                    assert!(lines.read_line(&mut line).unwrap() > 0, "the oracle ended early");
                    answer(&serde_json::from_str(&line).unwrap())
                })
                .collect()
        })
    }

    pub(crate) fn finish(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success(), "the oracle failed at its end");
    }
}

fn answer(line: &Value) -> Answer {
    let text = |row: &Value, key: &str| row[key].as_str().map(str::to_owned);
    let tree = line["tree"].as_array().unwrap().iter().map(|row| {
        let content = text(row, "sha256").or_else(|| text(row, "target")).unwrap();
        (text(row, "path").unwrap(), format!("{} {:o} {content}", text(row, "type").unwrap(), row["mode"].as_u64().unwrap()))
    });
    Answer { error: text(line, "error"), tree: tree.collect() }
}
