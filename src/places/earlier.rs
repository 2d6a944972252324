//! Whether a file is a document that this program wrote earlier, by how it begins: one that names
//! it is written anew, wherever it lies, and one that others write too unless git tracks it.

use std::io::{self, Read as _};
use std::path::Path;

/// How much of a file is read, in bytes.
const HEAD: u64 = 16 << 10;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A document that names this program.
    Document,
    /// A document of a form that this program writes, and others too.
    Alike,
    /// A tarball; whose cannot be seen.
    Tarball,
    /// Anything else.
    Other,
}

/// How the documents begin: with the first text, and then with the second within the head.
const DOCUMENTS: [(&str, &str); 7] = [
    ("<?xml", "<testsuite name=\"reproduce\""),
    ("{", "\"name\": \"reproduce\""),
    ("{", "\"diffoscope-json-version\""),
    ("{\"spec\":", "\"reproduceVersion\""),
    ("{\"_type\":\"https://in-toto.io/Statement/v1\"", "\"version\":{\"reproduce\":"),
    ("### reproduce audit\n", ""),
    ("<!doctype html>", "<title>reproduce</title>"),
];
/// How those begin that may be another program's.
const ALIKE: [(&str, &str); 7] = [
    ("null\n", ""),
    ("{\"_type\":\"https://in-toto.io/Statement/v1\"", ""),
    ("{\"payload", "\"payloadType\":\"application/vnd.in-toto+json\""),
    ("{", "\"mediaType\":\"application/vnd.dev.sigstore.bundle"),
    ("{\"type\":\"package\"", ""),
    ("{\"type\":\"left-out\"", ""),
    ("{\"type\":\"total\"", ""),
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
    Ok(match () {
        () if head.starts_with(store::layout::HEAD) || DOCUMENTS.iter().any(is_one) => Kind::Document,
        () if ALIKE.iter().any(is_one) => Kind::Alike,
        () => Kind::Other,
    })
}
