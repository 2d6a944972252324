//! What release tools do to package.json just before they pack: they write the version into it.
//!
//! `npm version` (and with it semantic-release, auto and others) prints the whole file again, with
//! the indentation and line ends that it found; lerna, release-it, sed scripts and editors change
//! the one value. Where the file is laid out as npm prints it, both come to the same. Scripts of a
//! project's own write what `JSON.stringify` gives, with an indentation of theirs.

use std::collections::HashMap;

use serde_json::Value;
use serde_json::value::RawValue;

use super::json;

/// A package.json after a release tool, and the name of what it did.
pub(super) struct Released {
    pub(super) name: &'static str,
    pub(super) bytes: Vec<u8>,
}

/// What scripts of a project's own print by `JSON.stringify`: its third argument, and whether a
/// line feed follows.
const PRINTED: [(&str, &str, &str); 6] = [
    ("print-2", "  ", ""),
    ("print-2-line", "  ", "\n"),
    ("print-tab", "\t", ""),
    ("print-tab-line", "\t", "\n"),
    ("print-4", "    ", ""),
    ("print-4-line", "    ", "\n"),
];

/// What release tools make of a package.json, likeliest first. One that has the published version
/// already is at most printed anew, as `npm pkg` does it, and `npm version` with a version that a
/// build was given before.
pub(super) fn released(manifest: &[u8], version: &str) -> Vec<Released> {
    let Some(object) = json::parse(manifest) else { return Vec::new() };
    let has_it = json::text(&object, "version") == Some(version);
    let mut with_it = object.clone();
    with_it.insert("version".to_owned(), Value::String(version.to_owned()));
    let bounded = PRINTED.iter().filter(|(_, indent, _)| json::indentation(&with_it, indent) <= super::LARGEST);
    let printed = bounded.map(|(name, indent, end)| Released { name, bytes: (json::print(&with_it, indent) + end).into_bytes() });
    let npm = npm_version(manifest, object, version).map(|bytes| Released { name: "npm-version", bytes });
    let set = set_version(manifest, version).filter(|_| !has_it).map(|bytes| Released { name: "set-version", bytes });
    let mut all: Vec<Released> = Vec::new();
    for one in npm.into_iter().chain(set).chain(printed) {
        if !(has_it && one.bytes == manifest) && all.iter().all(|known| known.bytes != one.bytes) {
            all.push(one);
        }
    }
    all
}

/// The file with another value of the top level's `version` and not a byte else changed; none if it
/// has no version.
fn set_version(manifest: &[u8], version: &str) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(manifest).ok()?;
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let fields: HashMap<String, &RawValue> = serde_json::from_str(body).ok()?;
    let value = fields.get("version")?.get();
    let at = value.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let (before, after) = (text.get(..at)?, text.get(at.checked_add(value.len())?..)?);
    Some([before, &json::quote(version), after].concat().into_bytes())
}

/// As `npm version --no-git-tag-version` writes it: npm 7 and later by
/// json-parse-even-better-errors; earlier ones differ only in files that mix indentations. None
/// where that would be larger than any file that is rewritten.
fn npm_version(manifest: &[u8], mut object: json::Object, version: &str) -> Option<Vec<u8>> {
    object.insert("version".to_owned(), Value::String(version.to_owned()));
    let text = String::from_utf8_lossy(npm_spec::manifest::without_bom(manifest));
    let (newline, indent) = layout(&text);
    if json::indentation(&object, indent) > super::LARGEST {
        return None;
    }
    let printed = json::print(&object, indent) + "\n";
    // Blank lines behind the brace come back behind every line: no file that a client takes grows
    // so.
    let grown = printed.matches('\n').count().saturating_mul(newline.len());
    (grown <= super::LARGEST).then(|| if newline == "\n" { printed } else { printed.replace('\n', newline) }.into_bytes())
}

/// The line end after the first brace and the indentation of the line behind it:
/// `/^\s*[{[]((?:\r?\n)+)([\s\t]*)/`.
///
/// Where blank lines follow the brace, npm takes all of them for one line end, and repeats them
/// between all lines.
fn layout(text: &str) -> (&str, &str) {
    let rest = text.trim_start().strip_prefix(['{', '[']).unwrap_or("");
    let mut end = 0;
    while let Some(tail) = rest.get(end..) {
        match tail.strip_prefix("\r\n").or_else(|| tail.strip_prefix('\n')) {
            Some(after) => end = rest.len() - after.len(),
            None => break,
        }
    }
    if end == 0 {
        return ("\n", "");
    }
    let (newline, tail) = rest.split_at_checked(end).unwrap_or(("\n", ""));
    // JSON.stringify takes no more than ten characters of indentation.
    let width = (tail.len() - tail.trim_start().len()).min(10);
    (newline, tail.get(..width).unwrap_or(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_and_texts(manifest: &str) -> Vec<(&'static str, String)> {
        let all = released(manifest.as_bytes(), "2.0.0").into_iter().filter(|one| !one.name.starts_with("print-"));
        all.map(|one| (one.name, String::from_utf8_lossy(&one.bytes).into_owned())).collect()
    }

    #[test]
    fn a_projects_own_script_prints_with_an_indentation_of_its_own() {
        let of = |manifest: &str, name: &str| {
            let all = released(manifest.as_bytes(), "2.0.0");
            let one = all.iter().find(|one| one.name == name)?;
            Some(String::from_utf8_lossy(&one.bytes).into_owned())
        };
        let tabs = "{\n\t\"version\": \"0.0.0\",\n\t\"files\": []\n}\n";
        assert_eq!(of(tabs, "print-2").as_deref(), Some("{\n  \"version\": \"2.0.0\",\n  \"files\": []\n}"));
        assert_eq!(of(tabs, "print-4-line").as_deref(), Some("{\n    \"version\": \"2.0.0\",\n    \"files\": []\n}\n"));
        // That is npm's.
        assert_eq!(of(tabs, "print-tab-line"), None);
        // With the version already.
        assert_eq!(of("{\n  \"version\": \"2.0.0\"\n}", "print-2"), None);
        assert!(of("{\n  \"version\": \"2.0.0\"\n}", "print-tab").is_some());
    }

    #[test]
    fn the_published_version_is_at_most_printed_anew() {
        assert!(names_and_texts("{\n  \"version\": \"2.0.0\"\n}\n").is_empty());
        let all = names_and_texts("{\n  \"version\": \"2.0.0\",\n  \"files\": [\"a\"]\n}\n");
        assert_eq!(all, [("npm-version", "{\n  \"version\": \"2.0.0\",\n  \"files\": [\n    \"a\"\n  ]\n}\n".to_owned())]);
    }

    #[test]
    fn in_a_file_as_npm_prints_it_all_tools_agree() {
        let all = names_and_texts("{\n\t\"version\": \"0.0.0-development\"\n}\n");
        assert_eq!(all, [("npm-version", "{\n\t\"version\": \"2.0.0\"\n}\n".to_owned())]);
    }

    #[test]
    fn npm_prints_anew_and_others_change_one_value() {
        let all = names_and_texts("{\r\n  \"config\": { \"version\": \"1\" },\r\n  \"version\" : \"1.0.0\"}");
        let npm = "{\r\n  \"config\": {\r\n    \"version\": \"1\"\r\n  },\r\n  \"version\": \"2.0.0\"\r\n}\r\n";
        let other = "{\r\n  \"config\": { \"version\": \"1\" },\r\n  \"version\" : \"2.0.0\"}";
        assert_eq!(all, [("npm-version", npm.to_owned()), ("set-version", other.to_owned())]);
    }

    #[test]
    fn blank_lines_do_not_multiply_without_bound() {
        let manifest = format!("{{{} \"version\":\"1.0.0\",\"a\":[{}0]}}", "\n".repeat(20_000), "0,".repeat(20_000));
        assert_eq!(names_and_texts(&manifest).iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["set-version"]);
    }

    #[test]
    fn what_is_nested_deep_is_not_printed_anew() {
        let manifest = format!("{{\n \"version\":\"1.0.0\",\"a\":{}{}0{}}}", "[".repeat(100), "0,".repeat(20_000), "]".repeat(100));
        let names: Vec<_> = released(manifest.as_bytes(), "2.0.0").into_iter().map(|one| one.name).collect();
        assert_eq!(names, ["set-version"]);
    }

    #[test]
    fn a_file_in_one_line_stays_in_one_line() {
        assert_eq!(names_and_texts(r#"{ "name": "x" }"#), [("npm-version", "{\"name\":\"x\",\"version\":\"2.0.0\"}\n".to_owned())]);
    }
}
