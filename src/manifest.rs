//! package.json as npm's clients read it.

/// The bytes without a UTF-8 byte order mark, which npm (read-package-json, all versions) ignores and JSON forbids.
pub fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}
