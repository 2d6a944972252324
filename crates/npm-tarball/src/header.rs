//! One 512-byte header, decoded as node-tar 7 does (`header.js`), with a note where other readers
//! would not.

use super::number::{self, BadNumber};
use super::oddity::OddityKind;
use super::pax::{Extended, cut_at_nul};

pub(super) const BLOCK: usize = 512;

/// What a header is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// `0`, NUL.
    File,
    /// `7`: stored in one piece, once; a file to npm, refused by others.
    Contiguous,
    Hardlink,
    Symlink,
    /// `5`, or a file whose name ends in a slash.
    Directory,
    /// `D`: GNU's directory with a list of names in it.
    DumpDirectory,
    /// `x`, and Solaris' `X`.
    Pax,
    GlobalPax,
    /// `L`, and the old `N`.
    LongName,
    /// `K`.
    LongLink,
    /// Devices, and whatever else npm does not extract.
    Other,
}

/// A decoded header.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) role: Role,
    pub(super) type_flag: u8,
    pub(super) path: String,
    pub(super) link: Option<String>,
    /// Bytes of content that follow.
    pub(super) size: u64,
    /// What the header's own field says, whatever decided `size`.
    pub(super) own_size: Option<i64>,
    pub(super) mode: u32,
    pub(super) mtime: Option<i64>,
    pub(super) odd: Vec<OddityKind>,
}

/// What a block turned out to be.
#[derive(Debug)]
pub(super) enum Block {
    Null,
    Header(Box<Header>),
    /// Neither: npm goes on with the next block.
    Refused(OddityKind, String),
}

/// Takes a header apart. `ex` is what the extended headers before it said, `global` what the global
/// ones did.
pub(super) fn decode(block: &[u8; BLOCK], ex: &Extended, global: &Extended) -> Block {
    let name = text(field(block, 0, 100));
    match try_decode(block, ex, global) {
        Ok(decoded) => decoded,
        Err(BadNumber) => Block::Refused(OddityKind::BadHeader, name),
    }
}

fn field(block: &[u8; BLOCK], at: usize, len: usize) -> &[u8] {
    block.get(at..at.saturating_add(len)).unwrap_or_default()
}

/// node-tar's `decString`.
fn text(field: &[u8]) -> String {
    cut_at_nul(&String::from_utf8_lossy(field))
}

fn role_of(flag: u8) -> Option<Role> {
    Some(match flag {
        0 | b'0' => Role::File,
        b'1' => Role::Hardlink,
        b'2' => Role::Symlink,
        b'5' => Role::Directory,
        b'7' => Role::Contiguous,
        b'D' => Role::DumpDirectory,
        b'x' | b'X' => Role::Pax,
        b'g' => Role::GlobalPax,
        b'L' | b'N' => Role::LongName,
        b'K' => Role::LongLink,
        b'3' | b'4' | b'6' | b'A' | b'I' | b'M' | b'S' | b'V' => Role::Other,
        _ => return None,
    })
}

/// The types that extended headers apply to: node-tar's `normalFsTypes`.
fn takes_extended(flag: u8) -> bool {
    matches!(flag, 0 | b'0'..=b'7' | b'D')
}

/// The numbers of a header. node-tar reads them all, and drops the header if one cannot be read,
/// used or not.
struct Numbers {
    mode: Option<i64>,
    own_size: Option<i64>,
    mtime: Option<i64>,
    checksum: Option<i64>,
}

fn numbers(block: &[u8; BLOCK], heard: [&Extended; 2], pending: [&Extended; 2]) -> Result<Numbers, BadNumber> {
    let read = |at, len| number::decode(field(block, at, len));
    let shadowed = |get: fn(&Extended) -> bool| heard.iter().any(|extended| get(extended));
    let mode = read(100, 8)?;
    if !shadowed(|e| e.shadows.uid) {
        read(108, 8)?;
    }
    if !shadowed(|e| e.shadows.gid) {
        read(116, 8)?;
    }
    let own_size = if shadowed(|e| e.size.is_some()) { read(124, 12).unwrap_or(None) } else { read(124, 12)? };
    let mtime = if shadowed(|e| e.shadows.mtime) { None } else { read(136, 12)? };
    // Twelve bytes, not eight: node-tar's parseInt ends at the NUL or space inside.
    let checksum = read(148, 12)?;
    if is_ustar(block) {
        read(329, 8)?;
        read(337, 8)?;
        if !has_long_prefix(block) {
            // Here every pending record counts, whatever this header is for.
            let shadowed = |get: fn(&Extended) -> bool| pending.iter().any(|extended| get(extended));
            if !shadowed(|e| e.shadows.atime) {
                read(476, 12)?;
            }
            if !shadowed(|e| e.shadows.ctime) {
                read(488, 12)?;
            }
        }
    }
    Ok(Numbers { mode, own_size, mtime, checksum })
}

fn is_ustar(block: &[u8; BLOCK]) -> bool {
    field(block, 257, 8) == b"ustar\x0000"
}

/// star keeps times in the last bytes of the prefix; node-tar tells by this byte.
fn has_long_prefix(block: &[u8; BLOCK]) -> bool {
    block.get(475).is_some_and(|byte| *byte != 0)
}

/// The prefix field, where the header has one.
fn prefix(block: &[u8; BLOCK]) -> Option<String> {
    let long = has_long_prefix(block);
    let prefix = text(field(block, 345, if long { 155 } else { 130 }));
    (is_ustar(block) && (long || !prefix.is_empty())).then_some(prefix)
}

fn try_decode(block: &[u8; BLOCK], ex: &Extended, global: &Extended) -> Result<Block, BadNumber> {
    let none = Extended::default();
    let type_flag = block.get(156).copied().unwrap_or_default();
    let mut role = role_of(type_flag).unwrap_or(Role::Other);
    let (own_ex, own_global) = if takes_extended(type_flag) { (ex, global) } else { (&none, &none) };
    let Numbers { mode, own_size, mtime, checksum } = numbers(block, [own_ex, own_global], [ex, global])?;

    let sum = unsigned_sum(block);
    if block.iter().all(|byte| *byte == 0) {
        return Ok(Block::Null);
    }
    let mut odd = Vec::new();
    let mut path = own_ex.path.clone().unwrap_or_else(|| text(field(block, 0, 100)));
    if role == Role::File && path.ends_with('/') {
        // To node-tar; pnpm and tar-stream make a file of it.
        role = Role::Directory;
        odd.push(OddityKind::EmptySegment);
    }
    let prefix = prefix(block);
    if let Some(prefix) = &prefix {
        path = format!("{prefix}/{path}");
    }
    if checksum != Some(i64::from(sum)) {
        return Ok(Block::Refused(OddityKind::BadChecksum, path));
    }
    let own_link = text(field(block, 157, 100));
    let is_link = matches!(role, Role::Hardlink | Role::Symlink);
    if path.is_empty() || (is_link && own_link.is_empty()) {
        return Ok(Block::Refused(OddityKind::BadHeader, path));
    }
    if !is_link && !matches!(type_flag, b'x' | b'g') && !own_link.is_empty() {
        return Ok(Block::Refused(OddityKind::StrayLinkTarget, path));
    }

    if block.first() == Some(&0) {
        odd.push(OddityKind::NoName);
    }
    if number::decode(field(block, 148, 8)) != Ok(Some(i64::from(sum))) {
        odd.push(OddityKind::BadChecksum);
    }
    let announced = own_ex.size.or(own_global.size).or_else(|| own_size.and_then(|size| u64::try_from(size).ok()));
    let mut size = announced.unwrap_or(0);
    if role == Role::Directory && size > 0 {
        odd.push(OddityKind::UnexpectedContent);
        size = 0;
    }
    note_ambiguities(block, type_flag, &mut odd);
    let is_extended = matches!(role, Role::Pax | Role::GlobalPax | Role::LongName | Role::LongLink);
    // Nobody uses the name of an extended header; bun cuts it inside a character.
    if !is_extended && ex.path.is_none() {
        name_notes(field(block, 0, 100), &mut odd);
        if prefix.is_some() {
            name_notes(field(block, 345, 155), &mut odd);
        }
    }
    if is_link && ex.linkpath.is_none() {
        name_notes(field(block, 157, 100), &mut odd);
    }
    let link = global.linkpath.clone().or_else(|| ex.linkpath.clone()).or(Some(own_link).filter(|link| !link.is_empty()));
    if link.is_some() && !is_link && !is_extended {
        odd.push(OddityKind::StrayLinkTarget);
    }
    let path = ex.path.clone().unwrap_or(path);
    Ok(Block::Header(Box::new(Header { role, type_flag, path, link, size, own_size, mode: mode_bits(mode), mtime, odd })))
}

/// JavaScript's conversion to 32 bits, as its `&` does it.
fn mode_bits(mode: Option<i64>) -> u32 {
    u32::try_from(mode.unwrap_or(0).rem_euclid(1 << 32)).unwrap_or(0)
}

fn unsigned_sum(block: &[u8; BLOCK]) -> u32 {
    let counted = |(at, byte): (usize, &u8)| if (148..156).contains(&at) { 0x20 } else { u32::from(*byte) };
    block.iter().enumerate().map(counted).sum()
}

fn note_ambiguities(block: &[u8; BLOCK], type_flag: u8, odd: &mut Vec<OddityKind>) {
    let extracted = takes_extended(type_flag);
    if !number::is_unambiguous(field(block, 124, 12)) || (extracted && !number::is_unambiguous(field(block, 100, 8))) {
        odd.push(OddityKind::BadNumber);
    }
    // GNU's own header has times and sparse maps here, and readers that only look for "ustar" take
    // them for a prefix.
    if !is_ustar(block) && field(block, 345, 155).iter().any(|byte| *byte != 0) {
        odd.push(OddityKind::AmbiguousPrefix);
    }
    match type_flag {
        b'S' => odd.push(OddityKind::Sparse),
        b'7' | b'D' | b'M' | b'N' | b'X' => odd.push(OddityKind::UnusualType),
        _ => {}
    }
}

/// Notes about a name in a header.
fn name_notes(field: &[u8], odd: &mut Vec<OddityKind>) {
    let name = field.split(|byte| *byte == 0).next().unwrap_or_default();
    if std::str::from_utf8(name).is_err() {
        odd.push(OddityKind::InvalidUtf8);
    }
    if text(field).as_bytes() != String::from_utf8_lossy(name).as_bytes() {
        odd.push(OddityKind::NulInName);
    }
}
