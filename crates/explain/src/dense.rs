//! Text that is not for people: minified, or made unreadable on purpose. Rough measures, for a hint
//! and never for a verdict.

use std::sync::LazyLock;

use regex::bytes::Regex;

/// Shorter texts tell nothing.
const LEAST: usize = 1000;
/// Bytes a line from which on text is taken for minified.
const MINIFIED_LINE: usize = 300;

/// Whether a script's lines are longer than people write them.
pub(super) fn is_minified(text: &[u8]) -> bool {
    if text.len() < LEAST {
        return false;
    }
    // A licence in front of one endless line must not hide it: what counts is where most of the
    // bytes are.
    let in_long: usize = text.split(|byte| *byte == b'\n').map(<[u8]>::len).filter(|len| *len > MINIFIED_LINE).sum();
    in_long > text.len() / 2
}

static OBFUSCATED: LazyLock<[Option<Regex>; 3]> = LazyLock::new(|| {
    [
        // Names as obfuscators give them.
        Regex::new(r"(?-u)\b_0x[0-9a-f]{4,}\b").ok(),
        // Strings of escapes only.
        Regex::new(r"(?-u)(?:\\x[0-9a-fA-F]{2}){8,}|(?:\\u00[0-9a-fA-F]{2}){8,}").ok(),
        // A long string that is handed to something that runs it.
        Regex::new(r#"(?-u)\b(?:eval|Function|atob|unescape)\s*\([^\n]{0,80}["'`][A-Za-z0-9+/=%]{400,}"#).ok(),
    ]
});

/// How often each of the patterns must be found.
const LEAST_SIGNS: [usize; 3] = [10, 10, 1];

/// Whether a script looks as if it was made unreadable on purpose.
pub(super) fn is_obfuscated(text: &[u8]) -> bool {
    let mut signs = LEAST_SIGNS.iter().zip(OBFUSCATED.iter());
    signs.any(|(least, pattern)| pattern.as_ref().is_some_and(|pattern| pattern.find_iter(text).take(*least).count() == *least))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert!(OBFUSCATED.iter().all(Option::is_some));
    }

    #[test]
    fn long_lines_are_minified_whatever_stands_in_front() {
        let bundle = format!("/*!\n{}*/\n{}", " * licence\n".repeat(20), "function a(b){return b}".repeat(100));
        assert!(is_minified(bundle.as_bytes()));
        assert!(!is_minified("function a(b) {\n  return b\n}\n".repeat(100).as_bytes()));
        assert!(!is_minified(&[b'x'; 999]));
    }

    #[test]
    fn obfuscators_leave_traces() {
        let names = (0..20).map(|n| format!("var _0x{n:04x}=1;")).collect::<Vec<_>>().concat();
        assert!(is_obfuscated(names.as_bytes()));
        assert!(is_obfuscated(format!("eval(atob(\"{}\"))", "QUJD".repeat(200)).as_bytes()));
        assert!(!is_obfuscated(b"var a = 0x1234; eval(x)"));
    }
}
