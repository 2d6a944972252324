//! Characters and words that no client writes into its lockfile, and that readers do not read
//! alike.

use super::{Fault, Format};

/// The marks of a merge. Clients look for them anywhere, within texts too, and read what they make
/// of the file then.
const MARKS: [&str; 3] = ["<<<<<<<", ">>>>>>>", "|||||||"];

/// Keys that are more than keys for JavaScript.
const MAGIC: [&str; 2] = ["__proto__", "constructor"];

/// An error where a lockfile has what its client never writes.
pub(crate) fn check(text: &str, format: Format) -> Result<(), Fault> {
    let is_yaml = matches!(format, Format::Pnpm | Format::Berry);
    for (line, number) in text.split('\n').zip(1_u64..) {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let is_marked = line.starts_with("=======") || MARKS.iter().any(|mark| line.contains(mark));
        let is_odd = |c: char| c.is_control() && (c != '\t' || is_yaml) || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}');
        if is_marked {
            return Err(Fault::Malformed(format!("line {number} has a mark of a merge")));
        }
        if line.contains(is_odd) {
            return Err(Fault::Malformed(format!("line {number} has a character that no lockfile has")));
        }
        if is_yaml && has_tag(line) {
            return Err(Fault::Malformed(format!("line {number} has a tag or a directive")));
        }
    }
    Ok(())
}

/// Whether a key is one that a client written in JavaScript may take for something else.
pub(crate) fn is_magic(key: &str) -> bool {
    MAGIC.contains(&key)
}

/// Whether a line of YAML may say of what kind a value is, or how the file is to be read.
fn has_tag(line: &str) -> bool {
    let is_start = |before: &str| before.trim_start().is_empty() || before.ends_with([' ', '{', '[', ',']);
    let is_name = |behind: &str| behind.starts_with(|c: char| c == '!' || c == '<' || c.is_ascii_alphabetic());
    let in_quotes = |before: &str| before.contains(['"', '\'']);
    let is_tag = |(at, _): (usize, &str)| {
        let (before, behind) = line.split_at_checked(at).unwrap_or((line, ""));
        is_start(before) && !in_quotes(before) && is_name(behind.get(1..).unwrap_or_default())
    };
    line.starts_with('%') || line.match_indices('!').any(is_tag)
}
