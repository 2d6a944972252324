//! package.json as npm's clients read it, and bounds for what strangers write as JSON: a hundred
//! kilobytes of a repository can unpack to gigabytes, and a tree of values takes many times the
//! memory of its text.

use serde::de::DeserializeOwned;

/// Largest package.json of a source that is read, in bytes.
pub const LARGEST: u64 = 1 << 20;
/// Most bytes of package.json files that are read of one source, where what they say is kept.
pub const LARGEST_TOGETHER: u64 = 32 << 20;
/// Largest package.json that is packed, or was published, in bytes.
pub const LARGEST_PACKED: u64 = 8 << 20;
/// Largest lockfile that is read, in bytes. The largest known have some 10 MB.
pub const LARGEST_LOCKFILE: u64 = 64 << 20;
/// Most values of a JSON document. The largest known lockfiles have some 500,000; each takes up to
/// some hundred bytes of memory.
const MOST_VALUES: usize = 1 << 20;

/// Reads a package.json of a source; `None` where it is none, or larger than [`LARGEST`].
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    read_up_to(bytes, LARGEST)
}

/// Reads JSON of a stranger; `None` where it is none, or [`is_too_large`].
pub fn read_up_to<T: DeserializeOwned>(bytes: &[u8], most: u64) -> Option<T> {
    if is_too_large(bytes, most) {
        return None;
    }
    serde_json::from_slice(without_bom(bytes)).ok()
}

/// Whether JSON has more than `most` bytes, or more values than fit into memory with ease. A comma
/// or bracket within a text counts as one too: what is refused has a million of them.
pub fn is_too_large(bytes: &[u8], most: u64) -> bool {
    bytes.len() as u64 > most || bytes.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count() > MOST_VALUES
}

/// The bytes without a UTF-8 byte order mark, which npm (read-package-json, all versions) ignores
/// and JSON forbids.
pub fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// How JSON is read that may have comments, or commas after the last member, and nothing else that
/// JSON does not have.
pub fn json_options(comments: bool, commas: bool) -> jsonc_parser::ParseOptions {
    jsonc_parser::ParseOptions {
        allow_comments: comments,
        allow_trailing_commas: commas,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}

/// Reads JSON that may have comments and commas after the last member, as the settings of tools do.
/// Nesting has the parser's bound.
pub fn with_comments<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    if is_too_large(bytes, LARGEST_LOCKFILE) {
        return Err("it is larger than what is read".to_owned());
    }
    let text = std::str::from_utf8(without_bom(bytes)).map_err(|error| error.to_string())?;
    let options = json_options(true, true);
    jsonc_parser::parse_to_serde_value(text, &options).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn comments_and_last_commas_are_passed_over_and_nothing_else() {
        let text = b"\xef\xbb\xbf// of turbo\n{ \"a\": [1, /* two */ 3,], \"b\": \"// no comment\", }";
        assert_eq!(with_comments::<Value>(text).unwrap(), json!({ "a": [1, 3], "b": "// no comment" }));
        for bad in ["{a: 1}", "{'a': 1}", "[1 2]", "[0x10]", "[+1]", "{", "[1] x", "/* [1]"] {
            assert!(with_comments::<Value>(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(with_comments::<Value>(b"[\"\xff\"]").is_err());
    }

    #[test]
    fn what_takes_many_times_its_size_is_not_read() {
        let padded = |bytes: usize| format!(r#"{{"name":"a","pad":"{}"}}"#, " ".repeat(bytes)).into_bytes();
        let largest = usize::try_from(LARGEST).unwrap();
        assert_eq!(read::<Value>(&padded(largest - 100)).unwrap()["name"], "a");
        assert_eq!(read::<Value>(&padded(largest)), None);
        assert_eq!(read_up_to::<Value>(&padded(largest), LARGEST_PACKED).unwrap()["name"], "a");
        // Small, and a gigabyte as values.
        for value in ["0,", "[],", "{},"] {
            let many = |count: usize| format!("[{}0]", value.repeat(count)).into_bytes();
            assert!(read_up_to::<Value>(&many(1_000), LARGEST_LOCKFILE).is_some(), "{value}");
            assert!(is_too_large(&many(MOST_VALUES), LARGEST_LOCKFILE), "{value}");
            assert_eq!(read_up_to::<Value>(&many(MOST_VALUES), LARGEST_LOCKFILE), None, "{value}");
            assert!(with_comments::<Value>(&many(MOST_VALUES)).is_err(), "{value}");
        }
        assert_eq!(read::<Value>(b"\xef\xbb\xbf{}"), Some(json!({})));
        assert_eq!(read::<Value>(b"no json"), None);
    }

    #[test]
    fn nesting_has_a_bound() {
        for open in ["[", "{\"a\":", "[{\"a\":"] {
            assert!(with_comments::<Value>(open.repeat(200_000).as_bytes()).is_err(), "{open}");
        }
    }
}
