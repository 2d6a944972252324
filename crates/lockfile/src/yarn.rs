//! yarn.lock of yarn 1: patterns at the start of a line, their members below it.

use super::collect::Collected;
use super::{Fault, Place, Position, Reason, Usage, address};

/// An entry, as far as it is read.
struct Entry<'a> {
    line: u64,
    patterns: Vec<&'a str>,
    version: Option<&'a str>,
    resolved: Option<&'a str>,
    integrity: Option<&'a str>,
}

pub(crate) fn read(text: &str, found: &mut Collected) -> Result<(), Fault> {
    let mut open: Option<Entry<'_>> = None;
    for (line, number) in text.lines().zip(1_u64..) {
        let bare = line.trim();
        if bare.is_empty() || bare.starts_with('#') {
            continue;
        }
        let malformed = || Fault::Malformed(format!("line {number}"));
        let depth = line.len() - line.trim_start_matches(' ').len();
        match (depth, &mut open) {
            (0, _) => {
                let patterns = patterns(bare.strip_suffix(':').ok_or_else(malformed)?).ok_or_else(malformed)?;
                if let Some(entry) = open.replace(Entry { line: number, patterns, version: None, resolved: None, integrity: None }) {
                    add(&entry, found)?;
                }
            }
            (2, Some(entry)) => match bare.split_once(' ') {
                Some(("version", value)) => entry.version = Some(unquoted(value)),
                Some(("resolved", value)) => entry.resolved = Some(unquoted(value)),
                Some(("integrity", value)) => entry.integrity = Some(unquoted(value)),
                Some(_) => {}
                None if bare.ends_with(':') => {}
                None => return Err(malformed()),
            },
            (4, Some(_)) => {}
            _ => return Err(malformed()),
        }
    }
    open.map_or(Ok(()), |entry| add(&entry, found))
}

/// The patterns of a line, without quotes. A comma within quotes belongs to its pattern.
fn patterns(line: &str) -> Option<Vec<&str>> {
    let mut all = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let (pattern, behind) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => rest.split_at_checked(rest.find(", ").unwrap_or(rest.len()))?,
        };
        all.push(pattern);
        rest = match behind.strip_prefix(", ") {
            Some(next) if !next.is_empty() => next,
            None if behind.is_empty() => "",
            _ => return None,
        };
    }
    (!all.is_empty()).then_some(all)
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

fn add(entry: &Entry<'_>, found: &mut Collected) -> Result<(), Fault> {
    let position = Position { line: entry.line, column: 1 };
    let key = entry.patterns.join(", ");
    let mut elsewhere = None;
    for pattern in &entry.patterns {
        let Some((name, wanted)) = address::split_name(pattern) else { continue };
        let name = match wanted.strip_prefix("npm:") {
            Some(real) => address::split_name(real).map_or(real, |(name, _)| name),
            None => match address::kind(wanted) {
                Some(reason) => {
                    elsewhere = elsewhere.or(Some(reason));
                    continue;
                }
                None => name,
            },
        };
        found.package(name, entry.version.unwrap_or_default(), place(entry, position, &key))?;
        return Ok(());
    }
    found.left_out(&key, position, elsewhere.unwrap_or(Reason::Unreadable))?;
    Ok(())
}

fn place(entry: &Entry<'_>, position: Position, key: &str) -> Place {
    // The hash behind the address is that of clients from before integrities.
    let (resolved, sha1) = entry.resolved.map_or((None, None), |address| match address.split_once('#') {
        Some((address, hash)) => (Some(address), Some(hash)),
        None => (Some(address), None),
    });
    let old = || sha1.and_then(|digits| address::from_hex("sha1", digits)).into_iter().collect();
    Place {
        position,
        // A line can have hundreds of patterns; the first ones tell which it is.
        key: key.chars().take(super::MAX_KEY / 4).collect(),
        integrity: entry.integrity.map_or_else(old, address::hashes),
        resolved: resolved.map(str::to_owned),
        host: resolved.and_then(address::host),
        usage: Usage::default(),
    }
}
