//! One block: collects literals and matches, then writes them in the shortest of the three forms of
//! the format.

#![allow(
    clippy::indexing_slicing,
    reason = "literals are bytes, lengths are masked to a byte, distance codes come from a table of values below 30"
)]
#![allow(
    clippy::cast_possible_truncation,
    reason = "distances are at most 32768, lengths less 3 at most 255, stored blocks below 65536 bytes (the window)"
)]

use super::bits::BitWriter;
use super::header::Header;
use super::huffman::{self, Lengths};
use super::parser::Symbol;
use super::tables::{
    Code, DISTANCE_BASE, DISTANCE_CODES, DISTANCE_EXTRA, END_OF_BLOCK, FIRST_LENGTH, FIXED_DISTANCES, FIXED_LITERALS, LENGTH_BASE,
    LENGTH_CODE, LENGTH_EXTRA, LITERAL_CODES, MAX_BITS, distance_code,
};

/// Symbols after which a block ends: memLevel 8 gives room for 16384, and zlib leaves the last one
/// free (up to 1.2.11 as `lit_bufsize - 1`, since 1.2.12 as `sym_end`).
const CAPACITY: usize = (1 << 14) - 1;

/// The two bits of a block's form.
const STORED: u32 = 0;
const FIXED: u32 = 1;
const DYNAMIC: u32 = 2;

/// The symbols of the block that is being collected.
#[derive(Debug)]
pub(super) struct Block {
    symbols: Vec<Symbol>,
    literal_count: [u16; LITERAL_CODES],
    distance_count: [u16; DISTANCE_CODES],
}

impl Block {
    pub(super) fn new() -> Self {
        let mut block =
            Self { symbols: Vec::with_capacity(CAPACITY), literal_count: [0; LITERAL_CODES], distance_count: [0; DISTANCE_CODES] };
        block.clear();
        block
    }

    fn clear(&mut self) {
        self.symbols.clear();
        self.literal_count = [0; LITERAL_CODES];
        self.distance_count = [0; DISTANCE_CODES];
        self.literal_count[END_OF_BLOCK] = 1;
    }

    /// Adds a symbol; true when the block is full.
    #[inline]
    pub(super) fn put(&mut self, symbol: Symbol) -> bool {
        self.symbols.push(symbol);
        let (low, distance) = (symbol as usize & 0xff, (symbol >> 8) as usize);
        if distance == 0 {
            self.literal_count[low] += 1;
        } else {
            self.literal_count[FIRST_LENGTH + usize::from(LENGTH_CODE[low])] += 1;
            self.distance_count[distance_code(distance - 1)] += 1;
        }
        self.symbols.len() == CAPACITY
    }

    /// Writes the block and starts the next one.
    ///
    /// `raw` is what the block stands for, if the window still holds all of it: it may be stored.
    pub(super) fn flush(&mut self, raw: Option<&[u8]>, last: bool, to: &mut BitWriter) {
        let literals = huffman::lengths(&self.literal_count, MAX_BITS);
        let distances = huffman::lengths(&self.distance_count, MAX_BITS);
        let header = Header::new(&literals, &distances);

        let (own, fixed) = self.sizes(&literals, &distances);
        let (own, fixed) = ((own + header.bits + 10) >> 3, (fixed + 10) >> 3);
        let last = u32::from(last);
        match raw {
            Some(raw) if raw.len() + 4 <= own.min(fixed) => {
                to.put(STORED << 1 | last, 3);
                to.align();
                let len = raw.len() as u16;
                to.put_bytes(&len.to_le_bytes());
                to.put_bytes(&(!len).to_le_bytes());
                to.put_bytes(raw);
            }
            _ if fixed <= own => {
                to.put(FIXED << 1 | last, 3);
                self.write(&FIXED_LITERALS, &FIXED_DISTANCES, to);
            }
            _ => {
                to.put(DYNAMIC << 1 | last, 3);
                header.write(to);
                self.write(&huffman::codes(&literals.len), &huffman::codes(&distances.len), to);
            }
        }
        self.clear();
    }

    /// The symbols' size in bits: with the block's own codes, and with the fixed ones.
    fn sizes(&self, literals: &Lengths<LITERAL_CODES>, distances: &Lengths<DISTANCE_CODES>) -> (usize, usize) {
        let (mut own, mut fixed) = (0, 0);
        for (symbol, &count) in self.literal_count.iter().enumerate() {
            let extra = symbol.checked_sub(FIRST_LENGTH).map_or(0, |code| LENGTH_EXTRA[code]);
            own += usize::from(count) * usize::from(literals.len[symbol] + extra);
            fixed += usize::from(count) * usize::from(FIXED_LITERALS[symbol].len + extra);
        }
        for (symbol, &count) in self.distance_count.iter().enumerate() {
            let extra = DISTANCE_EXTRA[symbol];
            own += usize::from(count) * usize::from(distances.len[symbol] + extra);
            fixed += usize::from(count) * usize::from(FIXED_DISTANCES[symbol].len + extra);
        }
        (own, fixed)
    }

    fn write(&self, literals: &[Code], distances: &[Code; DISTANCE_CODES], to: &mut BitWriter) {
        for &symbol in &self.symbols {
            let low = symbol as usize & 0xff;
            let distance = (symbol >> 8) as usize;
            if distance == 0 {
                to.put_code(literals[low]);
                continue;
            }
            let code = usize::from(LENGTH_CODE[low]);
            let prefix = literals[FIRST_LENGTH + code];
            let extra = (low - usize::from(LENGTH_BASE[code])) as u32;
            to.put(u32::from(prefix.bits) | extra << prefix.len, u32::from(prefix.len + LENGTH_EXTRA[code]));
            let code = distance_code(distance - 1);
            let prefix = distances[code];
            let extra = (distance - 1) as u32 - u32::from(DISTANCE_BASE[code]);
            to.put(u32::from(prefix.bits) | extra << prefix.len, u32::from(prefix.len + DISTANCE_EXTRA[code]));
        }
        to.put_code(literals[END_OF_BLOCK]);
    }
}
