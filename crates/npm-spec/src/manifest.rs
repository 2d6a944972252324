//! package.json as npm's clients read it.

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
pub fn with_comments<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
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
    fn nesting_has_a_bound() {
        for open in ["[", "{\"a\":", "[{\"a\":"] {
            assert!(with_comments::<Value>(open.repeat(200_000).as_bytes()).is_err(), "{open}");
        }
    }
}
