//! Symbols into blocks, and blocks into bits.

use super::bits::BitWriter;
use super::block::Block;
use super::parser::{Sink, State, Symbol};
use super::tables::MIN_MATCH;
use super::window::{MAX_DISTANCE, SIZE, Window};

/// The block that is being collected, and the bits of those before it.
pub(super) struct Blocks {
    block: Block,
    /// Where the block begins in the stream.
    start: u64,
    pub(super) bits: BitWriter,
}

impl Blocks {
    pub(super) fn new() -> Self {
        Self { block: Block::new(), start: 0, bits: BitWriter::default() }
    }

    /// Writes the last block, with the literal that is still owed.
    pub(super) fn finish(&mut self, owed: Option<Symbol>, window: &Window) {
        if let Some(literal) = owed {
            self.block.put(literal);
        }
        self.end(window, true);
    }

    fn end(&mut self, window: &Window, last: bool) {
        let place = window.place();
        let len = usize::try_from(place - self.start).ok();
        self.block.flush(len.and_then(|len| window.before(len)), last, &mut self.bits);
        self.start = place;
        if last {
            self.bits.align();
        }
    }

    /// Takes symbols that were chosen elsewhere, from the place `at` of the stream on; returns
    /// where they end. `input` gives the stream's bytes; `total` is its length, where that is
    /// known.
    pub(super) fn take(&mut self, symbols: &[Symbol], mut at: u64, total: Option<u64>, input: &dyn Fn(u64, u64) -> Vec<u8>) -> u64 {
        for symbol in symbols {
            let from = at;
            at += length(*symbol);
            if self.block.put(*symbol) {
                // The choice fell when the second byte was looked at.
                self.end_at(at, base(from + 1, total), false, input);
            }
        }
        at
    }

    /// As [`finish`](Self::finish), for symbols that were taken: the stream ends at `total`.
    pub(super) fn finish_taken(&mut self, owed: Option<Symbol>, total: u64, input: &dyn Fn(u64, u64) -> Vec<u8>) {
        if let Some(literal) = owed {
            self.block.put(literal);
        }
        self.end_at(total, base(total, Some(total)), true, input);
        self.bits.align();
    }

    fn end_at(&mut self, place: u64, base: u64, last: bool, input: &dyn Fn(u64, u64) -> Vec<u8>) {
        let raw = (self.start >= base).then(|| input(self.start, place));
        self.block.flush(raw.as_deref(), last, &mut self.bits);
        self.start = place;
    }
}

/// How many bytes a symbol stands for.
fn length(symbol: Symbol) -> u64 {
    if symbol >> 8 == 0 { 1 } else { u64::from(symbol & 0xff) + MIN_MATCH as u64 }
}

/// Where the window begins when the position `at` is looked at: it slides by its size once a whole
/// match no longer fits in it; at the end of the stream, where it is not full, one position
/// earlier.
fn base(at: u64, total: Option<u64>) -> u64 {
    const SLIDES: u64 = (SIZE + MAX_DISTANCE) as u64;
    const STEP: u64 = SIZE as u64;
    let Some(over) = at.checked_sub(SLIDES) else { return 0 };
    let base = over.div_ceil(STEP) * STEP;
    let on_the_edge = over % STEP == 0 && total.is_some_and(|total| total < base + 2 * STEP);
    if on_the_edge { base + STEP } else { base }
}

impl Sink for Blocks {
    #[inline]
    fn stops_at(&mut self, _: State) -> bool {
        false
    }

    #[inline]
    fn put(&mut self, symbol: Symbol) -> bool {
        self.block.put(symbol)
    }

    fn flush(&mut self, window: &Window) {
        self.end(window, false);
    }
}
