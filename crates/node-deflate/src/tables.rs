//! The constants of RFC 1951: length and distance codes, their extra bits, and the fixed codes.

#![allow(clippy::indexing_slicing, reason = "evaluated at compile time, where an index out of bounds does not compile")]
#![allow(clippy::cast_possible_truncation, reason = "every table value fits its type; the tables have at most 512 entries")]

/// Shortest match that deflate can express, in bytes.
pub(super) const MIN_MATCH: usize = 3;
/// Longest match that deflate can express, in bytes.
pub(super) const MAX_MATCH: usize = 258;
/// Literal/length symbols in use: 256 literals, end of block, 29 length codes.
pub(super) const LITERAL_CODES: usize = 286;
/// Distance symbols in use.
pub(super) const DISTANCE_CODES: usize = 30;
/// Symbols of the code in which the code lengths themselves are written.
pub(super) const META_CODES: usize = 19;
/// The end-of-block symbol.
pub(super) const END_OF_BLOCK: usize = 256;
/// The first length symbol.
pub(super) const FIRST_LENGTH: usize = 257;
/// Longest code of the literal and distance trees, in bits.
pub(super) const MAX_BITS: usize = 15;
/// Longest code of the meta tree, in bits.
pub(super) const MAX_META_BITS: usize = 7;

/// The order in which the lengths of the meta code are written.
pub(super) const META_ORDER: [usize; META_CODES] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Extra bits after each length symbol, counted from [`FIRST_LENGTH`].
pub(super) const LENGTH_EXTRA: [u8; 29] = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
/// Extra bits after each distance symbol.
pub(super) const DISTANCE_EXTRA: [u8; DISTANCE_CODES] =
    [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];
/// Extra bits after each meta symbol (16: repeat the last length, 17 and 18: repeat zero).
pub(super) const META_EXTRA: [u8; META_CODES] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 3, 7];

/// A prefix code: the bits in the order in which they are sent, and how many they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) bits: u16,
    pub(super) len: u8,
}

/// For each match length minus 3: its length code (0 to 28).
pub(super) const LENGTH_CODE: [u8; 256] = length_codes();
/// For each length code: the match length minus 3 of its extra bits' zero.
pub(super) const LENGTH_BASE: [u8; 29] = length_bases();
/// For each distance code: the distance minus 1 of its extra bits' zero.
pub(super) const DISTANCE_BASE: [u16; DISTANCE_CODES] = distance_bases();
/// The fixed literal/length code.
pub(super) const FIXED_LITERALS: [Code; 288] = fixed_literals();
/// The fixed distance code.
pub(super) const FIXED_DISTANCES: [Code; DISTANCE_CODES] = fixed_distances();

/// First half: the codes of distances minus 1 below 256. Second half: by the distance minus 1,
/// divided by 128.
const DISTANCE_CODE: [u8; 512] = distance_codes();

/// The code of a distance, given minus 1 (0 to 32767).
#[inline]
pub(super) fn distance_code(less_one: usize) -> usize {
    let slot = if less_one < 256 { less_one } else { 256 + (less_one >> 7) };
    usize::from(DISTANCE_CODE[slot & 511])
}

const fn length_bases() -> [u8; 29] {
    let mut bases = [0; 29];
    let mut base = 0_usize;
    let mut code = 0;
    while code < 28 {
        bases[code] = base as u8;
        base += 1 << LENGTH_EXTRA[code];
        code += 1;
    }
    // Length 258 has a code without extra bits, although the last code before it could express it
    // too.
    bases[28] = 255;
    bases
}

const fn length_codes() -> [u8; 256] {
    let mut codes = [28; 256];
    let mut code = 0;
    while code < 28 {
        let mut at = LENGTH_BASE[code] as usize;
        let end = at + (1 << LENGTH_EXTRA[code]);
        while at < end && at < 255 {
            codes[at] = code as u8;
            at += 1;
        }
        code += 1;
    }
    codes
}

const fn distance_bases() -> [u16; DISTANCE_CODES] {
    let mut bases = [0; DISTANCE_CODES];
    let mut base = 0_u32;
    let mut code = 0;
    while code < DISTANCE_CODES {
        bases[code] = base as u16;
        base += 1 << DISTANCE_EXTRA[code];
        code += 1;
    }
    bases
}

const fn distance_codes() -> [u8; 512] {
    let mut slots = [0; 512];
    let mut code = 0;
    while code < DISTANCE_CODES {
        let first = DISTANCE_BASE[code] as usize;
        let last = first + (1 << DISTANCE_EXTRA[code]) - 1;
        let (mut slot, end) = if last < 256 { (first, last) } else { (256 + (first >> 7), 256 + (last >> 7)) };
        while slot <= end {
            slots[slot] = code as u8;
            slot += 1;
        }
        code += 1;
    }
    slots
}

const fn reversed(code: u16, len: u8) -> Code {
    Code { bits: code.reverse_bits() >> (16 - len), len }
}

const fn fixed_literals() -> [Code; 288] {
    let mut codes = [Code { bits: 0, len: 0 }; 288];
    let mut symbol = 0;
    while symbol < 288 {
        let at = symbol as u16;
        codes[symbol] = match at {
            0..=143 => reversed(0x30 + at, 8),
            144..=255 => reversed(0x190 + (at - 144), 9),
            256..=279 => reversed(at - 256, 7),
            _ => reversed(0xc0 + (at - 280), 8),
        };
        symbol += 1;
    }
    codes
}

const fn fixed_distances() -> [Code; DISTANCE_CODES] {
    let mut codes = [Code { bits: 0, len: 0 }; DISTANCE_CODES];
    let mut symbol = 0;
    while symbol < DISTANCE_CODES {
        codes[symbol] = reversed(symbol as u16, 5);
        symbol += 1;
    }
    codes
}
