//! A 512-byte header block and its fields.

use std::io::{self, Write};
use std::ops::Range;

use crate::era::Octal;

pub(crate) const NAME: Range<usize> = 0..100;
pub(crate) const MODE: Range<usize> = 100..108;
pub(crate) const UID: Range<usize> = 108..116;
pub(crate) const GID: Range<usize> = 116..124;
pub(crate) const SIZE: Range<usize> = 124..136;
pub(crate) const MTIME: Range<usize> = 136..148;
pub(crate) const CHECKSUM: Range<usize> = 148..156;
pub(crate) const TYPE: Range<usize> = 156..157;
pub(crate) const LINK: Range<usize> = 157..257;
pub(crate) const MAGIC: Range<usize> = 257..265;
pub(crate) const USER: Range<usize> = 265..297;
pub(crate) const GROUP: Range<usize> = 297..329;
pub(crate) const DEVICE_MAJOR: Range<usize> = 329..337;
pub(crate) const DEVICE_MINOR: Range<usize> = 337..345;
pub(crate) const PREFIX: Range<usize> = 345..500;
/// node-tar's access time, behind a prefix of at most 130 bytes.
pub(crate) const ACCESS_TIME: Range<usize> = 476..488;
/// node-tar's change time.
pub(crate) const CHANGE_TIME: Range<usize> = 488..500;

/// `ustar`, NUL, version `00`.
pub(crate) const USTAR: &[u8] = b"ustar\x0000";
/// `ustar`, two spaces, NUL: GNU tar.
pub(crate) const GNU: &[u8] = b"ustar  \0";

/// A header block under construction.
#[derive(Debug)]
pub(crate) struct Block([u8; 512]);

impl Block {
    pub(crate) fn new() -> Self {
        Self([0; 512])
    }

    /// Writes text from the start of the field, as much of it as fits without cutting a character.
    pub(crate) fn text(&mut self, field: Range<usize>, text: &str) {
        self.bytes(field.clone(), truncate(text, field.len()).as_bytes());
    }

    /// Writes bytes from the start of the field; what does not fit is dropped.
    pub(crate) fn bytes(&mut self, field: Range<usize>, bytes: &[u8]) {
        if let Some(field) = self.0.get_mut(field) {
            field.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        }
    }

    /// Writes a number, or says that it does not fit.
    pub(crate) fn number(&mut self, field: Range<usize>, form: Octal, value: u64) -> bool {
        let Some(digits) = digits(form, field.len(), value) else { return false };
        self.bytes(field, &digits);
        true
    }

    /// Puts the checksum in and hands the block out.
    pub(crate) fn seal(mut self, form: Octal) -> [u8; 512] {
        self.bytes(CHECKSUM, b"        ");
        let sum: u64 = self.0.iter().map(|byte| u64::from(*byte)).sum();
        self.bytes(CHECKSUM, &[0; 8]);
        self.number(CHECKSUM, form, sum);
        self.0
    }
}

/// The text's longest beginning of at most `limit` bytes that ends between two characters.
pub(crate) fn truncate(text: &str, limit: usize) -> &str {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

fn digits(form: Octal, width: usize, value: u64) -> Option<Vec<u8>> {
    let shorter = width.checked_sub(2)?;
    let longer = width.checked_sub(1)?;
    let octal = format!("{value:o}");
    let padded = |digits: usize, tail: &[u8]| {
        (octal.len() <= digits).then(|| {
            let mut field = vec![b'0'; digits - octal.len()];
            field.extend_from_slice(octal.as_bytes());
            field.extend_from_slice(tail);
            field
        })
    };
    let full_house = octal.len() == shorter && octal.bytes().all(|digit| digit == b'7');
    match form {
        Octal::SpaceNulEager if full_house => padded(longer, b"\0"),
        Octal::SpaceNul | Octal::SpaceNulEager => padded(shorter, b" \0").or_else(|| padded(longer, b"\0")),
        Octal::Space if width == 8 => padded(shorter, b" \0"),
        Octal::Space => padded(longer, b" "),
        Octal::Nul => padded(longer, b"\0"),
        Octal::NulSpace => padded(shorter, b"\0 "),
    }
}

/// Fills up to the next multiple of 512.
pub(crate) fn pad(written: u64, out: &mut impl Write) -> io::Result<()> {
    let zeros = [0; 512];
    let rest = usize::try_from(written % 512).unwrap_or_default();
    match zeros.get(rest..) {
        Some(padding) if rest > 0 => out.write_all(padding),
        _ => Ok(()),
    }
}
