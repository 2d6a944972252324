//! A package that is done: what NDJSON has of it, in and out.

use std::collections::HashSet;
use std::io::{BufRead, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use report::answer::Answer;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{SurveyError, list};

/// Longest line that is read, in bytes: a result with its logs and its diff is far below.
const MAX_LINE: u64 = 64 << 20;

/// A package that is done, as `schema/survey.schema.json` has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// The package as the list has it.
    pub spec: String,
    /// The result, as `--json` prints it; null where the run failed.
    pub result: Option<Value>,
    /// The failure, as `--json` prints it; null where there is a result.
    pub error: Option<Value>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

impl Line {
    /// The line of a package whose answer is there.
    pub fn of(spec: &str, answer: &Answer, took: Duration) -> Result<Self, serde_json::Error> {
        let (result, error) = match answer {
            Answer::Judged { report, .. } => (Some(serde_json::to_value(report)?), None),
            Answer::Failed(failure) => (None, Some(serde_json::to_value(failure)?)),
        };
        Ok(Self { spec: spec.to_owned(), result, error, duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX) })
    }

    /// What came of it: the result or the failure.
    pub fn document(&self) -> Option<&Value> {
        self.result.as_ref().or(self.error.as_ref())
    }
}

/// Tells the first line of each package from those that are of it again: by the word of the list,
/// however that is spelt, or by the tarball that was judged.
#[derive(Debug, Default)]
pub struct Once {
    /// Digests, cut: a survey can have millions of packages.
    seen: HashSet<[u8; 16]>,
    /// How many lines were of a package again.
    pub again: usize,
}

impl Once {
    /// Whether no line was of this package before.
    pub fn is_new(&mut self, line: &Line) -> bool {
        let package = line.document().and_then(|document| document.get("package"));
        let of_package = |key: &str| package.and_then(|package| package.get(key)).and_then(Value::as_str);
        let digest = |word: Value| {
            let whole = Sha256::digest(word.to_string().as_bytes());
            std::array::from_fn(|at| whole.get(at).copied().unwrap_or_default())
        };
        let mut is_new = self.seen.insert(digest(json!([word_of(&line.spec)])));
        if let Some((name, version)) = of_package("name").zip(of_package("version")) {
            // Where a line has no hash, its tarball is any of that version.
            let integrity = of_package("integrity");
            let (of_any, of_none) = (digest(json!([name, version])), digest(json!([name, version, null])));
            let is_known = match integrity {
                Some(_) => self.seen.contains(&of_none) || !self.seen.insert(digest(json!([name, version, integrity]))),
                None => self.seen.contains(&of_any) || !self.seen.insert(of_none),
            };
            self.seen.insert(of_any);
            is_new &= !is_known;
        }
        self.again += usize::from(!is_new);
        is_new
    }
}

/// The package of a spec in its shortest form: `npm:a@latest` and `pkg:npm/a` are `a`. What cannot
/// be read is the word itself.
fn word_of(spec: &str) -> String {
    let short = list::shortest(spec).unwrap_or_else(|_| spec.to_owned());
    short.strip_suffix("@latest").map_or(short.clone(), str::to_owned)
}

/// The lines of a file of NDJSON.
pub struct Lines<R> {
    reader: R,
    path: PathBuf,
    at: usize,
}

impl<R: BufRead> Lines<R> {
    /// Lines of what is called `path`.
    pub fn of(reader: R, path: &Path) -> Self {
        Self { reader, path: path.to_owned(), at: 0 }
    }

    fn next_line(&mut self) -> Result<Option<Line>, SurveyError> {
        loop {
            self.at += 1;
            let failed = |reason: String| SurveyError::NotAResult { path: self.path.clone(), line: self.at, reason };
            let mut text = Vec::new();
            let read = self.reader.by_ref().take(MAX_LINE + 1).read_until(b'\n', &mut text).map_err(|error| failed(error.to_string()))?;
            if read == 0 {
                return Ok(None);
            }
            if text.len() as u64 > MAX_LINE {
                return Err(failed(format!("it is longer than {MAX_LINE} bytes")));
            }
            if text.trim_ascii().is_empty() {
                continue;
            }
            let line: Line = serde_json::from_slice(&text).map_err(|error| failed(in_words(&error)))?;
            if line.result.is_some() == line.error.is_some() {
                return Err(failed("it needs exactly one of result and error".to_owned()));
            }
            return Ok(Some(line));
        }
    }
}

/// Why a line is not what it should be, for people.
pub(crate) fn in_words(error: &serde_json::Error) -> String {
    let column = error.column();
    match error.classify() {
        Category::Eof => "it ends in the middle of its JSON: something cut it off".to_owned(),
        Category::Syntax => format!("it is not JSON (column {column})"),
        Category::Data => format!("it is JSON, but not as this program writes it (column {column})"),
        Category::Io => error.to_string(),
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<Line, SurveyError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_line().transpose()
    }
}
