//! Content as lines, for a diff.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

/// git looks for a NUL in this many bytes to tell binary from text.
const SNIFFED: usize = 8000;

/// The line endings of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endings {
    /// One line at most.
    None,
    Lf,
    CrLf,
    Mixed,
}

impl Endings {
    /// A text without line endings differs from no other in them.
    pub(super) fn differ(self, other: Self) -> bool {
        self != other && self != Self::None && other != Self::None
    }
}

impl fmt::Display for Endings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Lf => "LF",
            Self::CrLf => "CRLF",
            Self::Mixed => "LF and CRLF",
        })
    }
}

/// A file's content as text: UTF-8, with U+FFFD for what is not.
#[derive(Debug)]
pub(super) struct Text<'a> {
    content: Cow<'a, str>,
}

impl<'a> Text<'a> {
    /// None for binary content.
    pub(super) fn of(bytes: &'a [u8]) -> Option<Self> {
        let sniffed = bytes.get(..bytes.len().min(SNIFFED))?;
        (!sniffed.contains(&0)).then(|| Self { content: String::from_utf8_lossy(bytes) })
    }

    pub(super) fn endings(&self) -> Endings {
        let all = self.content.matches('\n').count();
        let crlf = self.content.matches("\r\n").count();
        match (all, crlf) {
            (0, _) => Endings::None,
            (_, 0) => Endings::Lf,
            _ if all == crlf => Endings::CrLf,
            _ => Endings::Mixed,
        }
    }

    /// The lines, each with its newline; `bare` takes a carriage return before it away.
    pub(super) fn lines(&self, bare: bool) -> Vec<&str> {
        let lines = self.content.split_inclusive('\n');
        if !bare {
            return lines.collect();
        }
        // A line cannot lose a letter in its middle and stay a slice, so the newline goes as well.
        lines.map(|line| line.trim_end_matches('\n').trim_end_matches('\r')).collect()
    }
}

/// Where two lines part, in bytes.
pub(super) fn focus(line: &str, other: &str) -> usize {
    line.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count()
}

/// A line without its newline, at most `most` bytes of it around `focus`; true if it was cut.
pub(super) fn line_of(line: &str, focus: usize, most: usize) -> (String, bool) {
    let line = line.strip_suffix('\n').unwrap_or(line);
    if line.len() <= most {
        return (line.to_owned(), false);
    }
    let lead = focus.saturating_sub(most / 4).min(line.len().saturating_sub(most));
    let start = line.floor_char_boundary_at(lead);
    let end = line.floor_char_boundary_at(start.saturating_add(most));
    let shown = line.get(start..end).unwrap_or_default();
    let before = if start > 0 { format!("[{start} bytes…]") } else { String::new() };
    let left = line.len().saturating_sub(end);
    let after = if left > 0 { format!("[…{left} bytes]") } else { String::new() };
    (format!("{before}{shown}{after}"), true)
}

trait Boundary {
    fn floor_char_boundary_at(&self, at: usize) -> usize;
}

impl Boundary for str {
    /// `str::floor_char_boundary` is younger than this crate's minimum Rust.
    fn floor_char_boundary_at(&self, at: usize) -> usize {
        let at = at.min(self.len());
        (0..=at).rev().find(|at| self.is_char_boundary(*at)).unwrap_or(0)
    }
}

/// A path below `a/` or `b/`. One that would break out of its line is quoted as git does, whatever
/// else it holds.
pub(super) fn quoted(side: &str, path: &str) -> String {
    if !path.chars().any(|c| c.is_control() || matches!(c, '"' | '\\')) {
        return format!("{side}/{path}");
    }
    let mut out = format!("\"{side}/");
    for c in path.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let mut buffer = [0; 4];
                for byte in c.encode_utf8(&mut buffer).bytes() {
                    // Writing to a String cannot fail.
                    let _ = write!(out, "\\{byte:03o}");
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
