//! The specs of a run: those that were typed, and those of a file or of standard input.

use std::io::Read;
use std::path::Path;

use verdict::diagnostic::{Diagnostic, Stage};

use super::arguments::Arguments;

/// The word for standard input.
const STDIN: &str = "-";
/// Largest list that is read, in bytes.
const MAX_LIST: u64 = 16 << 20;

/// A list of specs that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the list of packages {list} cannot be read: {reason}")]
pub(super) struct ListError {
    list: String,
    reason: String,
}

impl Diagnostic for ListError {
    fn code(&self) -> &'static str {
        "list-unreadable"
    }

    fn stage(&self) -> Stage {
        Stage::Usage
    }

    fn hint(&self) -> Option<String> {
        Some("a list is text with one spec per line".into())
    }
}

/// All specs, in the order in which they were named.
pub(super) fn given(arguments: &Arguments) -> Result<Vec<String>, ListError> {
    let mut all = Vec::new();
    for spec in &arguments.specs {
        if spec == STDIN {
            all.extend(listed(&text(crate::pipes::standard_input(), "of standard input")?));
        } else {
            all.push(spec.clone());
        }
    }
    if let Some(path) = &arguments.from {
        all.extend(listed(&read(path)?));
    }
    Ok(all)
}

fn read(path: &Path) -> Result<String, ListError> {
    let name = path.display().to_string();
    match crate::pipes::open_named(path) {
        Ok(file) => text(file, &name),
        Err(error) => Err(ListError { list: name, reason: error.to_string() }),
    }
}

fn text(from: impl Read, name: &str) -> Result<String, ListError> {
    let failed = |reason: String| ListError { list: name.to_owned(), reason };
    let mut text = String::new();
    from.take(MAX_LIST + 1).read_to_string(&mut text).map_err(|error| failed(error.to_string()))?;
    if text.len() as u64 > MAX_LIST {
        return Err(failed(format!("it is larger than {MAX_LIST} bytes")));
    }
    Ok(text)
}

/// The specs of a list: one a line, without comments and empty lines. A `#` within a word belongs
/// to it.
fn listed(text: &str) -> Vec<String> {
    let without_comment = |line: &str| {
        let comment = line
            .char_indices()
            .find(|(at, c)| *c == '#' && line.get(..*at).is_some_and(|before| before.is_empty() || before.ends_with(char::is_whitespace)));
        line.get(..comment.map_or(line.len(), |(at, _)| at)).unwrap_or_default().trim().to_owned()
    };
    text.trim_start_matches('\u{feff}').lines().map(without_comment).filter(|line| !line.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_list_has_a_spec_a_line() {
        let text = "\u{feff}# all\nsemver@7.7.4\r\n\n  ms  # why\n\thttps://a.example/x.tgz#frag\n#x\n";
        assert_eq!(listed(text), ["semver@7.7.4", "ms", "https://a.example/x.tgz#frag"]);
        assert_eq!(listed(""), [""; 0]);
    }

    #[test]
    fn what_is_no_text_or_too_large_is_no_list() {
        assert!(text(&b"\xff"[..], "x").is_err());
        assert!(text(io::repeat(b'a').take(MAX_LIST), "x").is_ok());
        assert!(text(io::repeat(b'a').take(MAX_LIST + 1), "x").is_err());
    }
}
