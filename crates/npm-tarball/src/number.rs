//! Numbers in tar headers, as node-tar 7 decodes them (`header.js`, `large-numbers.js`).

/// node-tar throws for this number and drops the header.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadNumber;

const MAX_SAFE: u128 = (1 << 53) - 1;

/// JavaScript's `trim` and `parseInt` skip these.
pub(super) fn is_js_space(c: char) -> bool {
    (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}'
}

/// Decodes a field; `None` is JavaScript's NaN, where the header says nothing.
pub(super) fn decode(field: &[u8]) -> Result<Option<i64>, BadNumber> {
    match field.first() {
        Some(first) if first & 0x80 != 0 => base256(field).map(Some),
        _ => Ok(octal(field)),
    }
}

/// The GNU extension for what octal cannot hold: 0x80 and a big-endian number, or two's complement
/// from 0xff on.
fn base256(field: &[u8]) -> Result<i64, BadNumber> {
    let (&first, rest) = field.split_first().ok_or(BadNumber)?;
    let magnitude = match first {
        0x80 => big_endian(rest.iter().copied()),
        0xff => big_endian(field.iter().map(|byte| !byte)).saturating_add(1),
        _ => return Err(BadNumber),
    };
    if magnitude > MAX_SAFE {
        return Err(BadNumber);
    }
    let value = i64::try_from(magnitude).map_err(|_| BadNumber)?;
    Ok(if first == 0xff { -value } else { value })
}

fn big_endian(bytes: impl Iterator<Item = u8>) -> u128 {
    bytes.fold(0_u128, |sum, byte| sum.saturating_mul(256).saturating_add(u128::from(byte)))
}

/// `parseInt(…, 8)`: spaces and a sign before, anything after.
fn octal(field: &[u8]) -> Option<i64> {
    let text = String::from_utf8_lossy(field);
    let text = text.trim_start_matches(is_js_space);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut value = None;
    for digit in digits.bytes().map_while(|byte| matches!(byte, b'0'..=b'7').then(|| i64::from(byte - b'0'))) {
        value = Some(value.unwrap_or(0_i64).saturating_mul(8).saturating_add(digit));
    }
    value.map(|value| if negative { -value } else { value })
}

/// Whether every reader gets the same number out of a field: spaces, octal digits, then NULs or
/// spaces.
pub(super) fn is_unambiguous(field: &[u8]) -> bool {
    let mut rest = field.iter().skip_while(|byte| **byte == b' ').skip_while(|byte| matches!(byte, b'0'..=b'7')).peekable();
    let digits = field.iter().filter(|byte| matches!(byte, b'0'..=b'7')).count();
    let tail = rest.by_ref().all(|byte| matches!(byte, 0 | b' '));
    digits > 0 && tail
}
