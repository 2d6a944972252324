//! The layout of the results' file: a JSON object with one entry per line.
//!
//! ```text
//! {␠
//! "name@1.0.0":{…},
//! "name@1.0.1":{…}
//! }
//! ```
//!
//! Values are without line breaks, so that a line that begins with a key is that key's entry:
//! finding one is a search for line ends, at the speed of reading the file, and adding one is a
//! copy of what is there. The blank after the first brace is the mark of this layout; no other
//! program writes it, and any program that writes the file anew loses it. A file without the mark
//! is read as the JSON that it is (see [`entries`](super::entries)), and gets this layout with the
//! next write.

use std::collections::HashSet;
use std::io::{self, BufRead, Read as _};

/// The first line, with the mark.
pub const HEAD: &[u8] = b"{ \n";
/// The last line.
pub(super) const TAIL: &[u8] = b"}\n";
/// Largest entry that is written or read, in bytes. A result with the diff of a whole package is
/// below 10 MiB.
pub(super) const MAX_ENTRY: u64 = 64 << 20;

/// How the beginning of a line stands for a key: in quotes, with the colon.
pub(super) fn key_prefix(key: &str) -> Vec<u8> {
    let mut prefix = serde_json::Value::from(key).to_string().into_bytes();
    prefix.push(b':');
    prefix
}

/// A JSON text without the blanks and line breaks between its parts.
pub(super) fn compact(json: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len());
    let mut in_string = false;
    let mut escaped = false;
    for byte in json.bytes() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else if matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
            continue;
        } else {
            in_string = byte == b'"';
        }
        out.push(byte);
    }
    out
}

/// What a walk over the lines found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Walk {
    /// Every line is an entry up to the last brace.
    Whole {
        /// Where the entries end: the offset of the last line.
        end: u64,
        /// The entries whose key was asked for, in file order: offset and length with line end.
        found: Vec<(u64, u64)>,
    },
    /// Not this layout, or not a whole file of it: to be read as plain JSON.
    Other,
}

/// Walks over the lines of a file from its beginning and finds the entries of `prefixes` (see
/// [`key_prefix`]).
pub(super) fn walk(reader: &mut impl BufRead, prefixes: &HashSet<Vec<u8>>) -> io::Result<Walk> {
    let mut line = Vec::new();
    reader.by_ref().take(HEAD.len() as u64).read_until(b'\n', &mut line)?;
    if line != HEAD {
        return Ok(Walk::Other);
    }
    let longest = prefixes.iter().map(Vec::len).max().unwrap_or(0).max(TAIL.len()) as u64;
    let mut found = Vec::new();
    let mut offset = HEAD.len() as u64;
    let mut closed = true;
    loop {
        line.clear();
        let head = reader.by_ref().take(longest).read_until(b'\n', &mut line)? as u64;
        if line == TAIL {
            // Nothing may follow, and a comma before the brace would be a cut-off list.
            let last = reader.fill_buf()?.is_empty() && closed;
            return Ok(if last { Walk::Whole { end: offset, found } } else { Walk::Other });
        }
        if line.first() != Some(&b'"') {
            return Ok(Walk::Other);
        }
        let (length, last) = if line.ends_with(b"\n") { (head, window(&line, [0; 3])) } else { rest_of_line(reader, head, &line)? };
        let end = LineEnd::of(last);
        if length > MAX_ENTRY || end == LineEnd::None {
            return Ok(Walk::Other);
        }
        closed = end == LineEnd::Last;
        if prefix_of(&line).is_some_and(|prefix| prefixes.contains(prefix)) {
            found.push((offset, length));
        }
        offset += length;
    }
}

/// The key of a line, in quotes, with the colon.
fn prefix_of(line: &[u8]) -> Option<&[u8]> {
    let mut escaped = false;
    let quote = line.iter().skip(1).position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    })?;
    // The opening quote, the key, the closing quote.
    let end = quote + 2;
    (line.get(end) == Some(&b':')).then(|| line.get(..=end)).flatten()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineEnd {
    /// `,` and a line end: another entry follows.
    More,
    /// A line end.
    Last,
    /// The file ends within the line, or the line within a value.
    None,
}

impl LineEnd {
    /// Told from the last three bytes of a line. Values are objects, or `false` or `null` in files
    /// of the tool before this one.
    fn of(last: [u8; 3]) -> Self {
        match last {
            [b'}' | b'e' | b'l', b',', b'\n'] => Self::More,
            [_, b'}' | b'e' | b'l', b'\n'] => Self::Last,
            _ => Self::None,
        }
    }
}

/// The last three bytes of what ended in `before` and goes on with `piece`.
fn window(piece: &[u8], before: [u8; 3]) -> [u8; 3] {
    let tail = piece.iter().skip(piece.len().saturating_sub(before.len()));
    tail.fold(before, |[_, second, third], byte| [second, third, *byte])
}

/// Skips to the end of a line whose beginning was read; gives the line's whole length and its last
/// three bytes.
fn rest_of_line(reader: &mut impl BufRead, read: u64, start: &[u8]) -> io::Result<(u64, [u8; 3])> {
    let mut length = read;
    let mut last = window(start, [0; 3]);
    loop {
        // `BufRead::skip_until` on the reader itself would not tell the bytes before the line end.
        let buffer = reader.fill_buf()?;
        let mut rest = buffer;
        let taken = rest.skip_until(b'\n')?;
        last = window(buffer.split_at(taken).0, last);
        length += taken as u64;
        reader.consume(taken);
        if taken == 0 || last.ends_with(b"\n") || length > MAX_ENTRY {
            return Ok((length, last));
        }
    }
}

/// The value in an entry's line; `None` if the line is not one.
pub(super) fn value_of<'a>(line: &'a [u8], prefix: &[u8]) -> Option<&'a str> {
    let value = line.strip_prefix(prefix)?.strip_suffix(b"\n")?;
    let value = value.strip_suffix(b",").unwrap_or(value);
    std::str::from_utf8(value).ok()
}
