//! pax records: `<length> <keyword>=<value>` and a line feed, the length counting itself.

/// Appends one record.
pub(crate) fn push(records: &mut Vec<u8>, keyword: &str, value: &[u8]) {
    let rest = keyword.len() + value.len() + 3;
    let mut length = rest + decimal_digits(rest);
    if decimal_digits(length) > decimal_digits(rest) {
        length = rest + decimal_digits(length);
    }
    records.extend_from_slice(length.to_string().as_bytes());
    records.push(b' ');
    records.extend_from_slice(keyword.as_bytes());
    records.push(b'=');
    records.extend_from_slice(value);
    records.push(b'\n');
}

fn decimal_digits(number: usize) -> usize {
    number.checked_ilog10().map_or(1, |digits| digits as usize + 1)
}

/// Takes the records apart. Malformed ones end the list; the flag says whether all was understood.
pub(crate) fn parse(mut records: &[u8]) -> (Vec<(String, Vec<u8>)>, bool) {
    let mut parsed = Vec::new();
    while !records.is_empty() {
        let Some((record, rest)) = next(records) else { return (parsed, false) };
        parsed.push(record);
        records = rest;
    }
    (parsed, true)
}

/// The first record, and what follows it.
type Next<'a> = ((String, Vec<u8>), &'a [u8]);

fn next(records: &[u8]) -> Option<Next<'_>> {
    let space = records.iter().take(12).position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(records.get(..space)?).ok()?.parse().ok()?;
    let (record, rest) = records.split_at_checked(length)?;
    let body = record.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|byte| *byte == b'=')?;
    let keyword = String::from_utf8(body.get(..equals)?.to_vec()).ok()?;
    Some(((keyword, body.get(equals + 1..)?.to_vec()), rest))
}
