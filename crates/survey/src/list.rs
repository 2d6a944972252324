//! Lists of packages: text, lines of JSON, package URLs.

use std::collections::HashSet;
use std::io::Read;
use std::path::Path;

use npm_spec::{PackageName, Spec, SpecError, Target};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::SurveyError;
use crate::line::in_words;

/// Largest list, in bytes: more than the names of all packages that there are.
const MAX_BYTES: u64 = 256 << 20;
/// Most packages of one list.
const MAX_PACKAGES: usize = 5_000_000;
/// Where `npm-high-impact` has its list.
pub const TOP_FILE: &str = "lib/top.js";
/// The package with the list of those that many others depend on.
pub const TOP_PACKAGE: &str = "npm-high-impact";

/// Packages, each once, in the order in which they were named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// What it is called.
    pub name: String,
    /// The packages, as they are typed.
    pub specs: Vec<String>,
    /// How many were named again.
    pub doubled: usize,
}

/// What a line of JSON has of a package.
#[derive(Deserialize)]
struct Named {
    spec: Option<String>,
    name: Option<String>,
    version: Option<String>,
}

impl List {
    /// Reads a file.
    pub fn open(path: &Path) -> Result<Self, SurveyError> {
        let name = path.display().to_string();
        let file = store::at_hand::open_named(path).map_err(|error| SurveyError::List { list: name.clone(), reason: error.to_string() })?;
        Self::read(&name, file)
    }

    /// Reads a stream that is called `name`.
    pub fn read(name: &str, from: impl Read) -> Result<Self, SurveyError> {
        let failed = |reason: String| SurveyError::List { list: name.to_owned(), reason };
        let mut text = String::new();
        from.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(|error| failed(error.to_string()))?;
        if text.len() as u64 > MAX_BYTES {
            return Err(failed(format!("it is larger than {MAX_BYTES} bytes")));
        }
        let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
        let mut words = Vec::new();
        for (at, line) in lines {
            let word = word_of(line).map_err(|reason| SurveyError::Line { list: name.to_owned(), line: at + 1, reason })?;
            words.extend(word.map(|word| (at + 1, word)));
        }
        Self::of(name, words)
    }

    /// The first packages of the list of `npm-high-impact`; `text` is its file.
    pub fn top(text: &str, count: usize) -> Result<Self, SurveyError> {
        let list = format!("the first {count} of {TOP_PACKAGE}");
        let body = text.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map(|(body, _)| body);
        let Some(body) = body else {
            return Err(SurveyError::List { list, reason: format!("its {TOP_FILE} has no list") });
        };
        let names = body.split(',').map(|one| one.trim().trim_matches(['\'', '"'])).filter(|one| !one.is_empty()).take(count);
        let mut words = Vec::new();
        for (at, name) in names.enumerate() {
            // Names alone: what else is there would be a word that somebody else typed.
            let name = PackageName::parse(name).map_err(|error| SurveyError::Line {
                list: list.clone(),
                line: at + 1,
                reason: error.to_string(),
            })?;
            words.push((at + 1, name.to_string()));
        }
        Self::of(&list, words)
    }

    fn of(name: &str, words: Vec<(usize, String)>) -> Result<Self, SurveyError> {
        let (mut seen, mut specs, mut doubled) = (HashSet::new(), Vec::new(), 0);
        for (line, word) in words {
            let failed = |reason: String| SurveyError::Line { list: name.to_owned(), line, reason };
            let spec = shortest(&word).map_err(failed)?;
            if specs.len() == MAX_PACKAGES {
                return Err(failed(format!("a list has {MAX_PACKAGES} packages at most")));
            }
            if seen.insert(spec.clone()) {
                specs.push(spec);
            } else {
                doubled += 1;
            }
        }
        if specs.is_empty() { Err(SurveyError::Empty(name.to_owned())) } else { Ok(Self { name: name.to_owned(), specs, doubled }) }
    }

    /// Packages that are known to be ones, each once.
    pub fn of_packages(name: String, packages: impl IntoIterator<Item = String>) -> Self {
        let mut seen = HashSet::new();
        let all: Vec<String> = packages.into_iter().collect();
        let specs: Vec<String> = all.iter().filter(|spec| seen.insert(spec.as_str())).cloned().collect();
        Self { name, doubled: all.len() - specs.len(), specs }
    }

    /// sha256 over the packages: the same list by whatever name.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for spec in &self.specs {
            hash.update(spec.as_bytes());
            hash.update(b"\n");
        }
        hex::encode(hash.finalize())
    }
}

/// The package of a line: `None` for an empty one and for a comment.
fn word_of(line: &str) -> Result<Option<String>, String> {
    let line = line.trim();
    if line.starts_with('{') {
        let named: Named = serde_json::from_str(line).map_err(|error| in_words(&error))?;
        return match named {
            Named { spec: Some(spec), .. } => Ok(Some(spec)),
            Named { name: Some(name), version: Some(version), .. } => Ok(Some(format!("{name}@{version}"))),
            Named { name: Some(name), .. } => Ok(Some(name)),
            _ => Err("the object has neither spec nor name".to_owned()),
        };
    }
    // A `#` within a word belongs to it.
    let begins = |at: usize| line.get(..at).is_some_and(|before| before.is_empty() || before.ends_with(char::is_whitespace));
    let comment = line.char_indices().find(|(at, c)| *c == '#' && begins(*at)).map_or(line.len(), |(at, _)| at);
    let word = line.get(..comment).unwrap_or_default().trim();
    Ok((!word.is_empty()).then(|| word.to_owned()))
}

/// A package in its shortest form, so that each is there once. What a package URL has beside name
/// and version stays with it.
pub(crate) fn shortest(word: &str) -> Result<String, String> {
    let spec = Spec::parse(word).map_err(|error: SpecError| error.to_string())?;
    match spec.target() {
        Target::Registry { registry: None, checksums, .. } if checksums.is_empty() => Ok(spec.display()),
        Target::Registry { .. } | Target::Tarball(_) => Ok(spec.raw().to_owned()),
        Target::File(_) => Err("it is a file, and a list has packages of a registry".to_owned()),
    }
}
