//! Extended headers: pax `x` and `g`, GNU `L` and `K`.
//!
//! Each is read twice, as node-tar 7 does (`pax.js`: a text cut at newlines) and as POSIX says
//! (records with a length, of bytes). Where the two disagree about a path, a link target or a size,
//! so do clients, and the archive is not plain.

use super::number::is_js_space;
use super::oddity::OddityKind;

/// What extended headers say about the entry after them, by node-tar's reading.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Extended {
    pub(super) path: Option<String>,
    pub(super) linkpath: Option<String>,
    pub(super) size: Option<u64>,
    /// The fields of the header that node-tar does not look at because these records are there.
    pub(super) shadows: Shadows,
}

/// A number in the header that is shadowed by a record cannot make node-tar drop the header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "five independent records, each there or not")]
pub(super) struct Shadows {
    pub(super) uid: bool,
    pub(super) gid: bool,
    pub(super) mtime: bool,
    pub(super) atime: bool,
    pub(super) ctime: bool,
}

/// What POSIX readers see of the records that matter.
#[derive(Debug, Default, PartialEq, Eq)]
struct Posix<'a> {
    path: Option<&'a [u8]>,
    linkpath: Option<&'a [u8]>,
    size: Option<&'a [u8]>,
}

/// Merges a pax header into what earlier ones said, and reports where readers differ.
pub(super) fn merge(body: &[u8], into: &mut Extended, global: bool, odd: &mut Vec<OddityKind>) {
    let mut own = Extended::default();
    for line in String::from_utf8_lossy(body).trim_end_matches_once('\n').split('\n') {
        node_record(line, &mut own);
    }
    posix_check(body, &own, global, odd);
    into.path = own.path.or_else(|| into.path.take());
    into.linkpath = own.linkpath.or_else(|| into.linkpath.take());
    into.size = own.size.or(into.size);
    into.shadows.uid |= own.shadows.uid;
    into.shadows.gid |= own.shadows.gid;
    into.shadows.mtime |= own.shadows.mtime;
    into.shadows.atime |= own.shadows.atime;
    into.shadows.ctime |= own.shadows.ctime;
}

trait TrimOnce {
    fn trim_end_matches_once(&self, end: char) -> &str;
}

impl TrimOnce for str {
    fn trim_end_matches_once(&self, end: char) -> &str {
        self.strip_suffix(end).unwrap_or(self)
    }
}

/// One line as node-tar's `parseKVLine` takes it; what it does not understand it leaves out.
fn node_record(line: &str, into: &mut Extended) {
    let text = line.trim_start_matches(is_js_space);
    let digits: String = text.chars().skip_while(|c| *c == '+').take_while(char::is_ascii_digit).collect();
    let Ok(announced) = digits.parse::<usize>() else { return };
    if text.starts_with("++") || announced != line.len().saturating_add(1) {
        return;
    }
    let skipped = announced.to_string().len().saturating_add(1);
    let record: String = line.chars().skip(skipped).collect();
    let Some((key, value)) = record.split_once('=') else {
        note(&record, String::new(), into);
        return;
    };
    note(key, cut_at_nul(value), into);
}

fn note(key: &str, value: String, into: &mut Extended) {
    match key {
        "path" => into.path = Some(value),
        "linkpath" => into.linkpath = Some(value),
        "size" => into.size = js_size(&value).or(into.size),
        "uid" => into.shadows.uid = true,
        "gid" => into.shadows.gid = true,
        "mtime" => into.shadows.mtime = true,
        "atime" => into.shadows.atime = true,
        "ctime" => into.shadows.ctime = true,
        _ => {}
    }
}

/// JavaScript's `+value`, of which only whole numbers from 0 on count.
fn js_size(value: &str) -> Option<u64> {
    let value = value.trim_matches(is_js_space);
    if value.is_empty() {
        return Some(0);
    }
    value.parse().ok().filter(|_| value.bytes().all(|byte| byte.is_ascii_digit()))
}

/// JavaScript's `replace(/\0.*/, '')`: the first NUL and the rest of its line, where a line ends is
/// JavaScript's view.
pub(super) fn cut_at_nul(text: &str) -> String {
    let Some((head, tail)) = text.split_once('\0') else { return text.to_owned() };
    match tail.find(['\n', '\r', '\u{2028}', '\u{2029}']) {
        Some(at) => format!("{head}{}", tail.get(at..).unwrap_or_default()),
        None => head.to_owned(),
    }
}

fn posix_check(body: &[u8], node: &Extended, global: bool, odd: &mut Vec<OddityKind>) {
    let mut seen = Posix::default();
    let mut rest = body;
    while !rest.is_empty() {
        let Some((record, after)) = posix_record(rest) else {
            odd.push(OddityKind::AmbiguousPax);
            return;
        };
        rest = after;
        let Some(at) = record.iter().position(|byte| *byte == b'=') else {
            odd.push(OddityKind::AmbiguousPax);
            continue;
        };
        let (key, value) = (record.get(..at).unwrap_or_default(), record.get(at + 1..).unwrap_or_default());
        let slot = match key {
            b"path" => &mut seen.path,
            b"linkpath" => &mut seen.linkpath,
            b"size" => &mut seen.size,
            _ => {
                odd.extend(other_record(key, value));
                continue;
            }
        };
        if slot.replace(value).is_some_and(|earlier| earlier != value) {
            odd.push(OddityKind::AmbiguousPax);
        }
        if global {
            odd.push(OddityKind::GlobalOverride);
        }
        match std::str::from_utf8(value) {
            // POSIX: an empty value takes a record back.
            Ok("") => odd.push(OddityKind::AmbiguousPax),
            Ok(text) if text.contains('\0') => odd.push(OddityKind::NulInName),
            Ok(_) => {}
            Err(_) => odd.push(OddityKind::InvalidUtf8),
        }
    }
    let same = |node: Option<&str>, posix: Option<&[u8]>| node.map(str::as_bytes) == posix;
    let size = node.size.map(|size| size.to_string());
    if !same(node.path.as_deref(), seen.path) || !same(node.linkpath.as_deref(), seen.linkpath) || !same(size.as_deref(), seen.size) {
        odd.push(OddityKind::AmbiguousPax);
    }
}

/// Keywords of pax(1), POSIX.1-2017, that say nothing about a name or content.
const OF_POSIX: [&[u8]; 4] = [b"comment", b"charset", b"uname", b"gname"];
/// Keywords that packers write for what no client of npm extracts: fstream's node-tar 0 to 2, star,
/// and bsdtar with the labels of systems.
const OF_PACKERS: [&[u8]; 8] = [
    b"NODETAR.",
    b"SCHILY.xattr.",
    b"SCHILY.acl.",
    b"LIBARCHIVE.xattr.",
    b"LIBARCHIVE.creationtime",
    b"RHT.security.",
    b"MSWINDOWS.",
    b"APPLE.",
];
/// star's numbers of the place that a file was packed from.
const OF_STAR: [&[u8]; 3] = [b"SCHILY.dev", b"SCHILY.ino", b"SCHILY.nlink"];

/// What pax(1) and bsdtar write for names that are UTF-8, or bytes as they are.
const CHARSETS: [&[u8]; 2] = [b"BINARY", b"ISO-IR 10646 2000 UTF-8"];

/// The oddity of a record that is not about path, link target or size. A keyword outside of the
/// lists may be one that a reader acts on: libarchive, in bun, cuts holes into a file by
/// `SUN.holesdata`, as by `GNU.sparse.*`.
fn other_record(key: &[u8], value: &[u8]) -> Option<OddityKind> {
    match key {
        b"mtime" | b"atime" | b"ctime" => (!is_time(value)).then_some(OddityKind::BadNumber),
        b"uid" | b"gid" => (!is_owner(value)).then_some(OddityKind::BadNumber),
        _ if key.starts_with(b"GNU.sparse.") || key == b"SUN.holesdata" => Some(OddityKind::Sparse),
        b"hdrcharset" => (!CHARSETS.contains(&value)).then_some(OddityKind::UnknownRecord),
        _ if OF_POSIX.contains(&key) || OF_STAR.contains(&key) => None,
        _ if OF_PACKERS.iter().any(|known| key.starts_with(known)) => None,
        _ => Some(OddityKind::UnknownRecord),
    }
}

/// `true` for seconds since 1970, with or without a fraction, that a JavaScript `Date` can hold:
/// npm 2 to 4 set a file's times from it and fail on others.
fn is_time(value: &[u8]) -> bool {
    const MOST_SECONDS: u64 = 8_640_000_000_000;
    let unsigned = value.strip_prefix(b"-").unwrap_or(value);
    let mut parts = unsigned.splitn(2, |byte| *byte == b'.');
    let whole = parts.next().and_then(decimal);
    let fraction = parts.next().is_none_or(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit));
    fraction && whole.is_some_and(|seconds| seconds < MOST_SECONDS)
}

/// `true` for a user or group number that a system can have (32 bits): npm 2 to 4, as root, give a
/// file to it.
fn is_owner(value: &[u8]) -> bool {
    decimal(value).is_some_and(|id| u32::try_from(id).is_ok())
}

fn decimal(digits: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    text.parse().ok()
}

/// Splits off `<length> <keyword>=<value>\n`, length counting all of it; gives what is between
/// length and newline.
fn posix_record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = bytes.iter().take(20).position(|byte| *byte == b' ')?;
    let digits = bytes.get(..space)?;
    if digits.is_empty() || digits.first() == Some(&b'0') || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let length: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let (record, rest) = bytes.split_at_checked(length)?;
    let (newline, record) = record.split_last()?;
    (*newline == b'\n').then_some(())?;
    Some((record.get(space + 1..)?, rest))
}

/// The name in a GNU `L` or `K` header.
pub(super) fn gnu_name(body: &[u8], odd: &mut Vec<OddityKind>) -> String {
    let name = body.split(|byte| *byte == 0).next().unwrap_or_default();
    if body.iter().skip(name.len()).any(|byte| *byte != 0) {
        odd.push(OddityKind::NulInName);
    }
    if std::str::from_utf8(name).is_err() {
        odd.push(OddityKind::InvalidUtf8);
    }
    cut_at_nul(&String::from_utf8_lossy(body))
}
