//! The collation against Node's own: Node is what npm runs on, so its answer is the definition.

use std::io::Write;
use std::process::{Command, Stdio};

use super::super::*;

/// Sorts and compares in Node: one `-1`, `0` or `1` per pair of lines, then the indices of
/// npm-packlist's order.
const SCRIPT: &str = r"
const path = require('path');
const lines = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const pairs = lines.map((a, i) => Math.sign(a.localeCompare(lines[(i * 7919 + 13) % lines.length], 'en')));
const ext = (a, b) =>
  path.extname(a).toLowerCase().localeCompare(path.extname(b).toLowerCase(), 'en') ||
  path.basename(a).toLowerCase().localeCompare(path.basename(b).toLowerCase(), 'en') ||
  a.localeCompare(b, 'en');
const order = lines.map((_, i) => i).sort((a, b) => ext(lines[a], lines[b]));
process.stdout.write(JSON.stringify({ pairs, order }));
";

#[derive(serde::Deserialize)]
struct Answer {
    pairs: Vec<i8>,
    order: Vec<usize>,
}

fn ask_node(paths: &[String]) -> Answer {
    let mut node = Command::new("node")
        .args(["-e", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("these tests need node on PATH");
    node.stdin.take().unwrap().write_all(&serde_json::to_vec(paths).unwrap()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A fixed pseudo-random sequence (xorshift), so that a failure can be seen again.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}

/// Pieces of which file names of published packages consist.
const PIECES: &[&str] = &[
    "a",
    "b",
    "Z",
    "A",
    "é",
    "e\u{301}",
    "ß",
    "ss",
    "日本",
    "Ω",
    "ﬁ",
    "1",
    "2",
    "10",
    "-",
    "_",
    ".",
    "..",
    " ",
    "@",
    "+",
    "~",
    "$",
    "(",
    ")",
    "[",
    "]",
    "#",
    "!",
    "'",
    "&",
    "=",
    ",",
    ";",
    "index",
    "Index",
    "README",
    "lib",
    "dist",
    "esm",
    "src",
    "test",
    "node_modules",
    "types",
    "i18n",
    "zh-CN",
    "pt_BR",
    "js",
    "JS",
    "mjs",
    "d.ts",
    "map",
    "json",
    "min.js",
    "Ä",
    "ä",
    "ö",
    "ñ",
    "Å",
    "ı",
    "İ",
    "œ",
    "\u{200d}",
    "😀",
    "Ж",
    "א",
];

fn generated(count: usize) -> Vec<String> {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut paths = std::collections::BTreeSet::new();
    while paths.len() < count {
        let mut path = String::new();
        for segment in 0..=numbers.below(3) {
            if segment > 0 {
                path.push('/');
            }
            for _ in 0..=numbers.below(5) {
                path.push_str(PIECES[numbers.below(PIECES.len())]);
            }
        }
        if numbers.below(3) > 0 {
            path.push('.');
            path.push_str(["js", "ts", "json", "JS", "d.ts", "map", "md", "cjs"][numbers.below(8)]);
        }
        paths.insert(path);
    }
    // Shuffled by a multiplication without fixed points: neighbours in the list should not be
    // neighbours in the order.
    let paths: Vec<String> = paths.into_iter().collect();
    (0..paths.len()).map(|index| paths[index * 7919 % paths.len()].clone()).collect()
}

#[test]
fn collation_agrees_with_node_on_generated_pairs() {
    let paths = generated(20_011);
    let answer = ask_node(&paths);
    let collation = Collation::new();
    for (index, expected) in answer.pairs.iter().enumerate() {
        let (a, b) = (&paths[index], &paths[(index * 7919 + 13) % paths.len()]);
        assert_eq!(collation.compare(a, b) as i8, *expected, "{a:?} {b:?}");
    }
}

#[test]
fn packlist_order_agrees_with_node_on_generated_paths() {
    // Canonically equivalent spellings compare equal, and then the sequence handed in decides: kept
    // out here.
    let paths: Vec<String> = generated(20_011).into_iter().filter(|path| !path.contains(['\u{301}', 'é', '\u{200d}'])).collect();
    let answer = ask_node(&paths);
    let order = arrange(Order::Extension, &paths);
    let collation = Collation::new();
    for (mine, theirs) in order.iter().zip(&answer.order) {
        let (mine, theirs) = (&paths[*mine], &paths[*theirs]);
        assert!(mine == theirs || collation.compare(mine, theirs) == Ordering::Equal, "{mine:?} {theirs:?}");
    }
}

#[test]
fn empty_strings_compare_as_in_node() {
    let paths: Vec<String> = ["", "a", "", ".", "-", "\u{200d}", "0"].map(String::from).to_vec();
    let answer = ask_node(&paths);
    let collation = Collation::new();
    for (index, expected) in answer.pairs.iter().enumerate() {
        assert_eq!(collation.compare(&paths[index], &paths[(index * 7919 + 13) % paths.len()]) as i8, *expected, "{index}");
    }
}

/// Sorts the lines by the rules of a language, as npm-packlist did without a locale.
const BY_LANGUAGE: &str = r"
const path = require('path');
const { lines, languages } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const ext = language => (a, b) =>
  path.extname(a).toLowerCase().localeCompare(path.extname(b).toLowerCase(), language) ||
  path.basename(a).toLowerCase().localeCompare(path.basename(b).toLowerCase(), language) ||
  a.localeCompare(b, language);
process.stdout.write(JSON.stringify(languages.map(language => [...lines].sort(ext(language)))));
";

#[test]
fn the_language_of_a_sequence_that_node_sorted_is_found() {
    let languages = ["sk", "cs", "hr", "hu", "da", "nb", "sv", "et", "lt", "lv", "es", "tr", "is", "cy", "sq", "fil", "vi", "mt"];
    let letters: Vec<String> = ('a'..='z').map(String::from).collect();
    let pairs = letters.iter().flat_map(|a| letters.iter().map(move |b| format!("lib/{a}{b}x.js")));
    let lines: Vec<String> = pairs.chain(letters.iter().map(|a| format!("{a}.js"))).chain(["README.md".into()]).collect();
    let mut node = Command::new("node").args(["-e", BY_LANGUAGE]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("node");
    let asked = serde_json::json!({ "lines": lines, "languages": languages });
    node.stdin.take().unwrap().write_all(asked.to_string().as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    let sequences: Vec<Vec<String>> = serde_json::from_slice(&output.stdout).unwrap();
    let mut told = std::collections::BTreeSet::new();
    for (language, sequence) in languages.iter().zip(&sequences) {
        told.insert(locale_of(sequence).unwrap_or_else(|| panic!("{language}")));
        let mut swapped = sequence.clone();
        swapped.swap(100, 300);
        assert_eq!(locale_of(&swapped), None, "{language}");
    }
    assert!(told.len() > 10, "{told:?}");
    // A Node without languages compares code units.
    assert_eq!(locale_of(&["-.js", "_.js", "a.js"]), Some("none"));
}
