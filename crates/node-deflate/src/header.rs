//! The head of a block with its own codes: the code lengths, run-length coded, and the code of that
//! coding.

#![allow(clippy::indexing_slicing, reason = "symbols are 0 to 18, the places of META_ORDER 0 to 18, `last` is a symbol of its alphabet")]
#![allow(clippy::cast_possible_truncation, reason = "repeat counts are at most 138, symbol counts at most 286")]

use super::bits::BitWriter;
use super::huffman::{self, Lengths};
use super::tables::{DISTANCE_CODES, LITERAL_CODES, MAX_META_BITS, META_CODES, META_EXTRA, META_ORDER};

/// Repeat the previous length 3 to 6 times.
const REPEAT: u8 = 16;
/// Repeat zero 3 to 10 times.
const ZEROS: u8 = 17;
/// Repeat zero 11 to 138 times.
const MANY_ZEROS: u8 = 18;

/// A head ready to be written.
pub(super) struct Header {
    /// Meta symbols with the value of their extra bits.
    runs: Vec<(u8, u8)>,
    meta: Lengths<META_CODES>,
    /// How many lengths of the meta code are written, at least 4.
    meta_sent: usize,
    literals: usize,
    distances: usize,
    /// Size of the head without the block type, in bits.
    pub(super) bits: usize,
}

impl Header {
    pub(super) fn new(literals: &Lengths<LITERAL_CODES>, distances: &Lengths<DISTANCE_CODES>) -> Self {
        let mut runs = Vec::with_capacity(LITERAL_CODES + DISTANCE_CODES);
        // A run does not go on from the literals to the distances, though the format allows it.
        for lengths in [&literals.len[..=literals.last], &distances.len[..=distances.last]] {
            for run in lengths.chunk_by(|a, b| a == b) {
                push_run(&mut runs, run);
            }
        }
        let mut count = [0_u16; META_CODES];
        for &(symbol, _) in &runs {
            count[usize::from(symbol)] += 1;
        }
        let meta = huffman::lengths(&count, MAX_META_BITS);
        let meta_sent = META_ORDER.iter().rposition(|&symbol| meta.len[symbol] != 0).map_or(4, |place| (place + 1).max(4));
        let coded: usize = runs
            .iter()
            .map(|&(symbol, _)| {
                let symbol = usize::from(symbol);
                usize::from(meta.len[symbol] + META_EXTRA[symbol])
            })
            .sum();
        Self { runs, meta_sent, meta, literals: literals.last + 1, distances: distances.last + 1, bits: coded + 3 * meta_sent + 5 + 5 + 4 }
    }

    pub(super) fn write(&self, to: &mut BitWriter) {
        to.put(self.literals as u32 - 257, 5);
        to.put(self.distances as u32 - 1, 5);
        to.put(self.meta_sent as u32 - 4, 4);
        for &symbol in &META_ORDER[..self.meta_sent] {
            to.put(u32::from(self.meta.len[symbol]), 3);
        }
        let codes = huffman::codes(&self.meta.len);
        for &(symbol, extra) in &self.runs {
            let symbol = usize::from(symbol);
            to.put_code(codes[symbol]);
            to.put(u32::from(extra), u32::from(META_EXTRA[symbol]));
        }
    }
}

/// Codes a run of one length, the longest repeats first.
fn push_run(runs: &mut Vec<(u8, u8)>, run: &[u8]) {
    let Some(&len) = run.first() else { return };
    let mut left = run.len();
    if len == 0 {
        while left > 0 {
            let part = left.min(138);
            match part {
                0..=2 => runs.extend((0..part).map(|_| (0, 0))),
                3..=10 => runs.push((ZEROS, part as u8 - 3)),
                _ => runs.push((MANY_ZEROS, part as u8 - 11)),
            }
            left -= part;
        }
        return;
    }
    // The first of a run is written out: only then is there something to repeat.
    runs.push((len, 0));
    left -= 1;
    while left > 0 {
        let part = left.min(6);
        if part < 3 {
            runs.extend((0..part).map(|_| (len, 0)));
        } else {
            runs.push((REPEAT, part as u8 - 3));
        }
        left -= part;
    }
}
