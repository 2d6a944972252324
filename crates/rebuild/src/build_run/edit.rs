//! The version in a package.json, changed as release tools change it: nothing else moves.

use serde_json::Value;

/// The manifest with another version, all else byte for byte as it was; `None` where it has that
/// version already, or none at its top level.
pub(super) fn with_version(manifest: &[u8], version: &str) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(manifest).ok()?;
    let parsed: Value = serde_json::from_slice(npm_spec::manifest::without_bom(manifest)).ok()?;
    let current = parsed.get("version")?.as_str()?;
    if current == version {
        return None;
    }
    let (start, end) = value_of_key(text, "version")?;
    let mut out = text.get(..start)?.as_bytes().to_vec();
    out.extend_from_slice(Value::from(version).to_string().as_bytes());
    out.extend_from_slice(text.get(end..)?.as_bytes());
    // What came out must say what was meant, whatever the text looked like.
    let check: Value = serde_json::from_slice(npm_spec::manifest::without_bom(&out)).ok()?;
    (check.get("version")?.as_str()? == version).then_some(out)
}

/// Where the string value of a key at the top level begins and ends, quotes included.
fn value_of_key(text: &str, key: &str) -> Option<(usize, usize)> {
    let (mut depth, mut at) = (0_usize, 0_usize);
    let bytes = text.as_bytes();
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1)?,
            b'"' => {
                let end = string_end(bytes, at)?;
                let colon = skip_blanks(bytes, end);
                if depth == 1 && bytes.get(colon) == Some(&b':') && text.get(at + 1..end - 1) == Some(key) {
                    let start = skip_blanks(bytes, colon + 1);
                    return (bytes.get(start) == Some(&b'"')).then(|| string_end(bytes, start).map(|end| (start, end)))?;
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// The offset behind the closing quote of the string that begins at `start`.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match bytes.get(at)? {
            b'\\' => at += 2,
            b'"' => return Some(at + 1),
            _ => at += 1,
        }
    }
}

fn skip_blanks(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(text: &str) -> Option<String> {
        with_version(text.as_bytes(), "1.0.1").map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn only_the_version_at_the_top_changes() {
        let text = "{\r\n\t\"engines\": {\"version\": \"x\"}, \"version\" :\t\"0.0.0-development\"\r\n}";
        assert_eq!(changed(text).unwrap(), text.replace("0.0.0-development", "1.0.1"));
    }

    #[test]
    fn a_version_that_is_right_or_missing_is_left_alone() {
        assert_eq!(changed(r#"{"version":"1.0.1"}"#), None);
        assert_eq!(changed(r#"{"a":{"version":"1"}}"#), None);
        assert_eq!(changed(r#"{"version":1}"#), None);
    }

    #[test]
    fn a_key_in_escapes_or_within_a_string_is_no_version() {
        assert_eq!(changed(r#"{"description":"\"version\": \"2\"","x":1}"#), None);
    }
}
