//! Which earlier positions are tried as a match: those in the same hash bucket. This is where the
//! classes differ.

#![allow(clippy::indexing_slicing, reason = "tables of 256 entries are indexed by bytes; evaluated at compile time or masked")]
#![allow(clippy::cast_possible_truncation, reason = "hashes keep the low 15 bits on purpose")]

use super::window::Window;

/// log2 of the number of buckets: memLevel 8 asks for 15, and so do the Chromium variants.
const HASH_BITS: u32 = 15;
/// The number of buckets.
pub(super) const BUCKETS: usize = 1 << HASH_BITS;
const MASK: u32 = (BUCKETS - 1) as u32;

/// A hash over the bytes at a position.
pub(super) trait Hash {
    /// The bucket of the string at `at`.
    ///
    /// Hashes of four bytes look one byte past a string of three: near the end of the input that
    /// byte is whatever the window holds there, and it decides, as it does in the original.
    fn bucket(window: &Window, at: usize) -> u16;
}

/// Stock zlib: three bytes, shifted by five bits each.
pub(super) struct Stock;

impl Hash for Stock {
    #[inline]
    fn bucket(window: &Window, at: usize) -> u16 {
        let [a, b, c, _] = window.four(at);
        let hash = (u32::from(a) << 10) ^ (u32::from(b) << 5) ^ u32::from(c);
        (hash & MASK) as u16
    }
}

/// Chromium's hash for CPUs with a CRC instruction: CRC-32C of four bytes (levels 1 to 5).
pub(super) struct Crc4;

impl Hash for Crc4 {
    #[inline]
    fn bucket(window: &Window, at: usize) -> u16 {
        let [a, b, c, d] = window.four(at);
        let [of_a, of_b, of_c, of_d] = &CRC;
        of_a[usize::from(a)] ^ of_b[usize::from(b)] ^ of_c[usize::from(c)] ^ of_d[usize::from(d)]
    }
}

/// The same with the fourth byte taken as zero (levels 6 to 9).
pub(super) struct Crc3;

impl Hash for Crc3 {
    #[inline]
    fn bucket(window: &Window, at: usize) -> u16 {
        let [a, b, c, _] = window.four(at);
        let [of_a, of_b, of_c, _] = &CRC;
        of_a[usize::from(a)] ^ of_b[usize::from(b)] ^ of_c[usize::from(c)]
    }
}

/// Chromium's later hash for all CPUs: four bytes, multiplied.
pub(super) struct Multiply;

impl Hash for Multiply {
    #[inline]
    fn bucket(window: &Window, at: usize) -> u16 {
        const FACTOR: u32 = 66_521;
        let value = u32::from_le_bytes(window.four(at));
        let hash = value.wrapping_mul(FACTOR).wrapping_add(FACTOR) >> 16;
        (hash & MASK) as u16
    }
}

/// Low 15 bits of the CRC-32C (no inversion, initial value 0) of four bytes in which only the
/// first, second, third or fourth is not zero. The CRC is linear, so the four parts of a value add
/// up by exclusive or.
static CRC: [[u16; 256]; 4] = crc_tables();

const fn crc_tables() -> [[u16; 256]; 4] {
    /// Castagnoli's polynomial, bits reversed.
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    let mut tables = [[0; 256]; 4];
    let mut place = 0;
    while place < 4 {
        let mut byte = 0;
        while byte < 256 {
            let mut crc = (byte as u32) << (8 * place);
            let mut bit = 0;
            while bit < 32 {
                crc = (crc >> 1) ^ (POLYNOMIAL * (crc & 1));
                bit += 1;
            }
            tables[place][byte] = (crc & MASK) as u16;
            byte += 1;
        }
        place += 1;
    }
    tables
}
