//! Dividing a path between the name and the prefix field.

use super::block::{NAME, PREFIX, truncate};
use crate::era::Split;

/// What stands in the two fields.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Divided {
    pub(super) name: Vec<u8>,
    pub(super) prefix: Vec<u8>,
    /// Whether they give the path; false: a long-name header is needed.
    pub(super) whole: bool,
}

impl Divided {
    pub(super) fn whole(name: impl Into<Vec<u8>>, prefix: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), prefix: prefix.into(), whole: true }
    }

    /// As much of the name as fits without cutting a character.
    fn cut(name: &str, prefix: &str) -> Self {
        Self { name: truncate(name, NAME.len()).into(), prefix: prefix.into(), whole: false }
    }
}

/// Divides `path` as the rule does, with at most `prefix_limit` bytes of prefix.
pub(super) fn divide(path: &str, rule: Split, prefix_limit: usize) -> Divided {
    match rule {
        Split::LongestPrefix => node_tar(path, prefix_limit),
        Split::LongestPrefixOver100 => rust_tar(path),
        Split::ShortestPrefix => shortest(path.as_bytes()).unwrap_or_else(|| Divided::cut(path, "")),
    }
}

/// node-tar's `splitPrefix`. A name of exactly 100 bytes is divided although it would fit.
fn node_tar(path: &str, prefix_limit: usize) -> Divided {
    if path.len() < NAME.len() {
        return Divided::whole(path, "");
    }
    // A directory's slash belongs to no segment: dirname and basename ignore it.
    let trimmed = path.trim_end_matches('/');
    for (slash, _) in trimmed.rmatch_indices('/') {
        let (Some(prefix), Some(name)) = (trimmed.get(..slash), trimmed.get(slash + 1..)) else { continue };
        if prefix.len() > prefix_limit {
            continue;
        }
        if name.len() <= NAME.len() {
            return Divided::whole(name, prefix);
        }
        return Divided::cut(&first_units(name, NAME.len() - 1), prefix);
    }
    Divided::cut(&first_units(path, NAME.len() - 1), "")
}

/// JavaScript's `slice(0, units)`: UTF-16 units, and half a pair becomes the replacement character
/// when it is written.
pub(super) fn first_units(text: &str, units: usize) -> String {
    let units: Vec<u16> = text.encode_utf16().take(units).collect();
    String::from_utf16_lossy(&units)
}

/// tar-stream moves leading segments to the prefix until the name fits; node-tar 2 and libarchive
/// look for the first slash that leaves a name that fits.
pub(super) fn shortest(path: &[u8]) -> Option<Divided> {
    if path.len() <= NAME.len() {
        return Some(Divided::whole(path, ""));
    }
    let from = path.len() - NAME.len() - 1;
    let slash = from + path.get(from..)?.iter().position(|byte| *byte == b'/')?;
    let (prefix, name) = (path.get(..slash)?, path.get(slash + 1..)?);
    (!name.is_empty() && prefix.len() <= PREFIX.len()).then(|| Divided::whole(name, prefix))
}

/// The tar crate fills the prefix first and leaves it there when the rest turns out too long; the
/// name is then the path's beginning.
fn rust_tar(path: &str) -> Divided {
    if path.len() <= NAME.len() {
        return Divided::whole(path, "");
    }
    let found = path
        .rmatch_indices('/')
        .filter_map(|(slash, _)| Some((path.get(..slash)?, path.get(slash + 1..)?)))
        .find(|(prefix, _)| prefix.len() <= PREFIX.len());
    match found {
        Some((prefix, name)) if name.len() <= NAME.len() => Divided::whole(name, prefix),
        Some((prefix, _)) => Divided::cut(path, prefix),
        None => Divided::cut(path, ""),
    }
}

/// The name that libarchive makes up for a path whose real one stands in pax records: leading
/// directories for the prefix, further ones as far as there is room, `insert` as one more
/// directory, and the base name, cut anywhere. Directories between are left out.
pub(super) fn abridged(path: &str, insert: Option<&str>) -> Vec<u8> {
    let path = path.as_bytes();
    if path.len() < NAME.len() && insert.is_none() {
        return path.to_vec();
    }
    let base = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    let (directories, base) = path.split_at_checked(base).unwrap_or((path, &[]));
    // A directory and the slashes around it.
    let inserted = insert.map_or(0, |insert| insert.len() + 2);
    // One byte for a slash at the end and one for C's NUL, whether they are there or not.
    let room = (NAME.len() - 2).saturating_sub(inserted);
    let base = base.get(..room.min(base.len())).unwrap_or_default();
    let (first, rest) = leading(directories, PREFIX.len());
    let (second, _) = leading(rest, room - base.len());
    let mut name = [first, second].concat();
    if let Some(insert) = insert {
        name.extend_from_slice(insert.as_bytes());
        name.push(b'/');
    }
    name.extend_from_slice(base);
    name
}

/// Whole leading directories with the last of their slashes at offset `limit` at most, and the
/// others.
fn leading(directories: &[u8], limit: usize) -> (&[u8], &[u8]) {
    let within = directories.get(..=limit).unwrap_or(directories);
    let end = within.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    directories.split_at_checked(end).unwrap_or((directories, &[]))
}
