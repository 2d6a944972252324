//! Whether a file is a document that this program wrote earlier, by how it begins: such a one is
//! written anew, wherever it lies.

use std::io::{self, Read as _};
use std::path::Path;

/// How much of a file is read, in bytes.
const HEAD: u64 = 16 << 10;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A document as this program writes them.
    Document,
    /// A tarball; whose cannot be seen.
    Tarball,
    /// Anything else.
    Other,
}

/// How the documents begin: with the first text, and then with the second within the head.
const DOCUMENTS: [(&str, &str); 14] = [
    ("<?xml", "<testsuite name=\"reproduce\""),
    ("{", "\"name\": \"reproduce\""),
    ("{", "\"diffoscope-json-version\""),
    ("null\n", ""),
    ("{\"_type\":\"https://in-toto.io/Statement/v1\"", ""),
    ("{\"payload", "\"payloadType\":\"application/vnd.in-toto+json\""),
    ("{", "\"mediaType\":\"application/vnd.dev.sigstore.bundle"),
    ("{\"spec\":", "\"reproduceVersion\""),
    ("{\"type\":\"package\"", ""),
    ("{\"type\":\"left-out\"", ""),
    ("{\"type\":\"total\"", ""),
    ("### reproduce audit\n", ""),
    ("<!doctype html>", "<title>reproduce</title>"),
    ("SQLite format 3\0", ""),
];

/// What the file at a path is.
pub(super) fn kind_of(path: &Path) -> io::Result<Kind> {
    let mut head = Vec::new();
    store::at_hand::open(path)?.take(HEAD).read_to_end(&mut head)?;
    if head.starts_with(&[0x1f, 0x8b]) {
        return Ok(Kind::Tarball);
    }
    let text = String::from_utf8_lossy(&head);
    let is_one = |(start, within): &(&str, &str)| text.starts_with(start) && text.contains(within);
    let is_document = head.starts_with(store::layout::HEAD) || DOCUMENTS.iter().any(is_one);
    Ok(if is_document { Kind::Document } else { Kind::Other })
}
