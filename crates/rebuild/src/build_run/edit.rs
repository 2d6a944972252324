//! Texts in a package.json, the version and ranges, changed as release tools change them: nothing
//! else moves.

use std::collections::BTreeMap;

use serde_json::Value;

use npm_spec::manifest::{LARGEST_PACKED, read_up_to};

/// The manifest with another version, all else byte for byte as it was; `None` where it has that
/// version already, or none at its top level.
pub(super) fn with_version(manifest: &[u8], version: &str) -> Option<Vec<u8>> {
    with_texts(manifest, &BTreeMap::from([(vec!["version"], version)]))
}

/// The manifest with these texts in place of others, all else byte for byte as it was; each place
/// is the keys that lead to it. `None` where nothing changes. A place that has no text is left
/// alone.
pub(super) fn with_texts(manifest: &[u8], texts: &BTreeMap<Vec<&str>, &str>) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(manifest).ok()?;
    // What is no JSON is refused, and what is nested deep.
    let _: Value = read_up_to(manifest, LARGEST_PACKED)?;
    let (mut out, mut copied) = (Vec::with_capacity(manifest.len()), 0);
    let mut written = Vec::new();
    for (place, (start, end)) in values_at(text, |place| texts.contains_key(place)) {
        let wanted = Value::from(*texts.get(&place)?).to_string();
        if text.get(start..end)? != wanted {
            out.extend_from_slice(text.get(copied..start)?.as_bytes());
            out.extend_from_slice(wanted.as_bytes());
            copied = end;
            written.push(place);
        }
    }
    out.extend_from_slice(text.get(copied..)?.as_bytes());
    // What came out must say what was meant, whatever the text looked like.
    let check: Value = read_up_to(&out, LARGEST_PACKED)?;
    let has =
        |place: &Vec<&str>| place.iter().try_fold(&check, |value, key| value.get(key)).and_then(Value::as_str) == texts.get(place).copied();
    (!written.is_empty() && written.iter().all(has)).then_some(out)
}

/// The texts at the places that are wanted, each with where it begins and ends, quotes included. No
/// place is within a list.
fn values_at<'t>(text: &'t str, is_wanted: impl Fn(&Vec<&'t str>) -> bool) -> Vec<(Vec<&'t str>, (usize, usize))> {
    let bytes = text.as_bytes();
    // Of every bracket that is open, the key that it is the value of: none for the first, and none
    // within a list.
    let mut open: Vec<Option<&str>> = Vec::new();
    let (mut at, mut key, mut found) = (0_usize, None, Vec::new());
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' => open.push(key.take()),
            b'[' => {
                key = None;
                open.push(None);
            }
            b'}' | b']' => {
                open.pop();
            }
            b'"' => {
                let Some(end) = string_end(bytes, at) else { break };
                let colon = skip_blanks(bytes, end);
                if bytes.get(colon) != Some(&b':') {
                    at = end;
                    continue;
                }
                let name = text.get(at + 1..end - 1);
                at = skip_blanks(bytes, colon + 1);
                if bytes.get(at) != Some(&b'"') {
                    key = name;
                    continue;
                }
                let Some(end) = string_end(bytes, at) else { break };
                let place: Option<Vec<&str>> = open.iter().skip(1).copied().chain([name]).collect();
                found.extend(place.filter(&is_wanted).map(|place| (place, (at, end))));
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
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

    #[test]
    fn texts_below_keys_change_and_nothing_else() {
        let text = r#"{"a":{"x":"1","y":["1",{"x":"1"}],"z":{"x":"1"}},"list":[{"a":{"x":"1"}}],"x":"1","a ":{"x":"1"}}"#;
        let texts = BTreeMap::from([(vec!["a", "x"], "2"), (vec!["list", "a", "x"], "2"), (vec!["a", "none"], "2"), (vec!["a", "y"], "2")]);
        let out = with_texts(text.as_bytes(), &texts).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), text.replacen(r#""x":"1""#, r#""x":"2""#, 1));
        assert_eq!(with_texts(text.as_bytes(), &BTreeMap::from([(vec!["a", "x"], "1")])), None, "it is so already");
        let twice = r#"{"a":{"x":"1","x":"3"}}"#;
        let out = with_texts(twice.as_bytes(), &BTreeMap::from([(vec!["a", "x"], "2")])).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), r#"{"a":{"x":"2","x":"2"}}"#);
        let escaped = r#"{"a":{"x":"1"},"\u0061":{"x":"3"}}"#;
        assert_eq!(with_texts(escaped.as_bytes(), &BTreeMap::from([(vec!["a", "x"], "2")])), None, "another key of the same name counts");
        assert_eq!(with_texts(br#"{"a":{"x":"1"}"#, &BTreeMap::from([(vec!["a", "x"], "2")])), None, "no JSON");
    }
}
