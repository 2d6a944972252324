//! How a package.json is laid out: by this, too, clients differ, and a rewriting step can be
//! recognised by it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::ser::{PrettyFormatter, Serializer};

use npm_spec::manifest::{LARGEST_PACKED, is_too_large};

/// What lines are indented with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Indent {
    /// Nothing: all in one line, or no line indented.
    None,
    /// One tab a level.
    Tab,
    /// So many spaces a level.
    Spaces(u8),
}

/// The layout of a package.json.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_excessive_bools, reason = "independent observations, as they stand in the JSON output")]
pub struct PackageJsonStyle {
    /// The first line's indentation.
    pub indent: Indent,
    /// Whether it ends in a line feed.
    pub final_newline: bool,
    /// Whether lines end in carriage return and line feed.
    pub crlf: bool,
    /// Whether it begins with a byte order mark.
    pub byte_order_mark: bool,
    /// Whether it is what `JSON.stringify(…, null, indent)` gives, the end of the file apart.
    pub stringified: bool,
}

impl PackageJsonStyle {
    /// The style of a package.json; none if it is not JSON, or takes gigabytes of memory.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        if is_too_large(bytes, LARGEST_PACKED) {
            return None;
        }
        let without_mark = bytes.strip_prefix(b"\xef\xbb\xbf");
        let text = std::str::from_utf8(without_mark.unwrap_or(bytes)).ok()?;
        let value: Value = serde_json::from_str(text).ok()?;
        let indent = indent(text);
        Some(Self {
            stringified: stringify(&value, &indent).is_some_and(|printed| printed == text.trim_end_matches('\n').as_bytes()),
            indent,
            final_newline: text.ends_with('\n'),
            crlf: text.contains("\r\n"),
            byte_order_mark: without_mark.is_some(),
        })
    }
}

fn indent(text: &str) -> Indent {
    let Some(line) = text.lines().nth(1) else { return Indent::None };
    let spaces = line.bytes().take_while(|byte| *byte == b' ').count();
    match u8::try_from(spaces) {
        _ if line.starts_with('\t') => Indent::Tab,
        Ok(spaces @ 1..) => Indent::Spaces(spaces),
        _ => Indent::None,
    }
}

fn stringify(value: &Value, indent: &Indent) -> Option<Vec<u8>> {
    let unit = match indent {
        Indent::None => return serde_json::to_vec(value).ok(),
        Indent::Tab => vec![b'\t'],
        Indent::Spaces(count) => vec![b' '; usize::from(*count)],
    };
    let mut printed = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut printed, PrettyFormatter::with_indent(&unit));
    value.serialize(&mut serializer).ok()?;
    Some(printed)
}
