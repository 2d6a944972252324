//! The results' file as plain JSON, for files that another program wrote or laid out anew.

use std::fmt;

use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::layout::HEAD;

/// Largest file of another layout that is read, in bytes: it has to be held in memory as a whole.
pub(super) const MAX_FILE: u64 = 512 << 20;

/// What a file without this program's layout is.
#[derive(Debug)]
pub(super) enum Foreign<'a> {
    /// A JSON object of results; the last of equal keys counts, as in JavaScript.
    Results(Vec<(String, &'a RawValue)>),
    /// A damaged file that was one.
    Broken,
    /// JSON of something else.
    NotOurs,
    /// No JSON, and nothing that was a cache of results.
    NotJson,
}

/// Reads a whole file.
pub(super) fn read(bytes: &[u8]) -> Foreign<'_> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    // A file system that lost power leaves the length and no bytes, or nothing at all.
    if text.iter().all(u8::is_ascii_whitespace) {
        return Foreign::Results(Vec::new());
    }
    if text.iter().all(|byte| *byte == 0) {
        return Foreign::Broken;
    }
    let mut reader = serde_json::Deserializer::from_slice(text);
    match reader.deserialize_map(Entries).and_then(|entries| reader.end().map(|()| entries)) {
        Ok(entries) if entries.iter().all(|(key, value)| is_entry(key, value)) => Foreign::Results(deduplicated(entries)),
        Err(_) if begins_like_ours(text) => Foreign::Broken,
        Err(_) if serde_json::from_slice::<IgnoredAny>(text).is_err() => Foreign::NotJson,
        Ok(_) | Err(_) => Foreign::NotOurs,
    }
}

/// `name@version`; the tool before this one stored `false` for some failures.
fn is_entry(key: &str, value: &RawValue) -> bool {
    is_key(key) && (value.get().starts_with('{') || matches!(value.get(), "false" | "null"))
}

fn is_key(key: &str) -> bool {
    key.rfind('@').is_some_and(|at| at > 0 && at + 1 < key.len())
}

/// Whether a text that is no JSON begins as a cache of results does: the mark, or a first key
/// `name@version`.
fn begins_like_ours(text: &[u8]) -> bool {
    // Longer than any name and version: npm allows 214 characters for a name.
    const LONGEST_KEY: usize = 1024;
    if text.starts_with(HEAD) {
        return true;
    }
    let Some(rest) = text.trim_ascii_start().strip_prefix(b"{") else {
        return false;
    };
    let key = rest
        .trim_ascii_start()
        .strip_prefix(b"\"")
        .map(|key| key.iter().copied().take(LONGEST_KEY).take_while(|byte| *byte != b'"').collect::<Vec<u8>>());
    key.and_then(|key| String::from_utf8(key).ok()).is_some_and(|key| is_key(&key))
}

fn deduplicated(entries: Vec<(String, &RawValue)>) -> Vec<(String, &RawValue)> {
    let last: std::collections::HashMap<String, usize> = entries.iter().enumerate().map(|(at, (key, _))| (key.clone(), at)).collect();
    entries.into_iter().enumerate().filter(|(at, (key, _))| last.get(key) == Some(at)).map(|(_, entry)| entry).collect()
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of results")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(entries)
    }
}
