//! The choice between literals and matches, position by position: greedy at levels 1 to 3, lazy from level 4.

use super::bits::BitWriter;
use super::block::Block;
use super::hash::Hash;
use super::matcher::{Limits, Match, longest};
use super::tables::MIN_MATCH;
use super::window::{MIN_LOOKAHEAD, Window};

/// Matches of the shortest length that lie further back than this cost more than three literals.
const TOO_FAR: usize = 4096;

/// Everything that goes on from one piece of input to the next.
pub(super) struct Encoder {
    limits: Limits,
    window: Window,
    block: Block,
    /// How many bytes before the position belong to the current block.
    block_len: usize,
    /// The match that ends or begins at the byte before the position (lazy levels).
    held: Match,
    /// Whether the byte before the position is still to be written, as a literal or as the begin of `held`.
    owed: bool,
    pub(super) bits: BitWriter,
}

impl Encoder {
    pub(super) fn new(level: u8) -> Self {
        Self {
            limits: Limits::of(level),
            window: Window::new(),
            block: Block::new(),
            block_len: 0,
            held: Match::NONE,
            owed: false,
            bits: BitWriter::default(),
        }
    }

    /// Takes input until a whole match could stand at the position; false if there is no work to do (yet).
    #[inline]
    fn ready(&mut self, input: &mut &[u8], last: bool) -> bool {
        if self.window.lookahead >= MIN_LOOKAHEAD {
            return true;
        }
        self.window.fill(input);
        self.window.lookahead >= MIN_LOOKAHEAD || (last && self.window.lookahead > 0)
    }

    #[inline]
    fn insert<H: Hash>(&mut self) -> u16 {
        if self.window.lookahead >= MIN_MATCH { self.window.insert::<H>(self.window.at) } else { 0 }
    }

    #[inline]
    fn advance(&mut self, bytes: usize) {
        self.window.at += bytes;
        self.window.lookahead -= bytes;
        self.block_len += bytes;
    }

    fn flush(&mut self, last: bool) {
        let raw = self.window.before(self.block_len);
        self.block.flush(raw, last, &mut self.bits);
        self.block_len = 0;
    }

    /// Writes the last block.
    pub(super) fn finish(&mut self) {
        if self.owed {
            self.block.literal(self.window.byte(self.window.at.wrapping_sub(1)));
            self.owed = false;
        }
        self.flush(true);
        self.bits.align();
    }

    /// Takes each match as it comes.
    pub(super) fn greedy<H: Hash>(&mut self, mut input: &[u8], last: bool) {
        while self.ready(&mut input, last) {
            let head = self.insert::<H>();
            let found = longest(&self.window, head, MIN_MATCH - 1, &self.limits);
            let full = if let Some(found) = found.filter(|found| found.is_some()) {
                let full = self.block.matched(found.len, found.distance);
                let from = self.window.at;
                self.advance(found.len);
                if found.len <= self.limits.lazy && self.window.lookahead >= MIN_MATCH {
                    for at in from + 1..from + found.len {
                        self.window.insert::<H>(at);
                    }
                }
                full
            } else {
                let byte = self.window.byte(self.window.at);
                self.advance(1);
                self.block.literal(byte)
            };
            if full {
                self.flush(false);
            }
        }
    }

    /// Takes a match only if none at the next position is longer.
    pub(super) fn lazy<H: Hash>(&mut self, mut input: &[u8], last: bool) {
        while self.ready(&mut input, last) {
            let head = self.insert::<H>();
            let before = std::mem::replace(&mut self.held, Match::NONE);
            if before.len < self.limits.lazy {
                let found = longest(&self.window, head, before.len, &self.limits);
                if let Some(found) = found
                    && !(found.len == MIN_MATCH && found.distance > TOO_FAR)
                {
                    self.held = found;
                }
            }

            if before.is_some() && self.held.len <= before.len {
                let full = self.block.matched(before.len, before.distance);
                // Its first two positions are in the chains already; the last two of the input never get there.
                let from = self.window.at;
                let insertable = from + self.window.lookahead - MIN_MATCH;
                for at in from + 1..(from + before.len - 1).min(insertable + 1) {
                    self.window.insert::<H>(at);
                }
                self.advance(before.len - 1);
                self.held = Match::NONE;
                self.owed = false;
                if full {
                    self.flush(false);
                }
            } else {
                if self.owed && self.block.literal(self.window.byte(self.window.at.wrapping_sub(1))) {
                    self.flush(false);
                }
                self.owed = true;
                self.advance(1);
            }
        }
    }
}
