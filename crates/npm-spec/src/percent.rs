//! Percent-encoding where a `%` must begin an escape.

/// The bytes of a text; `None` if a `%` is not followed by two hex digits.
pub fn strictly_decoded(text: &str) -> Option<Vec<u8>> {
    let whole = |part: &str| part.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    text.split('%').skip(1).all(whole).then(|| percent_encoding::percent_decode_str(text).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_is_one_byte_and_nothing_else_has_a_percent_sign() {
        assert_eq!(strictly_decoded("%40a%2Fb%ff").unwrap(), b"@a/b\xff");
        assert_eq!(strictly_decoded("").unwrap(), b"");
        for bad in ["%", "a%4", "%4g", "%%41", "%25%", "%+1"] {
            assert_eq!(strictly_decoded(bad), None, "{bad}");
        }
    }
}
