//! The last 32 to 64 KiB of the input, and the chains of positions with the same hash.
//!
//! Matches are found in the window only, and the hash of the last three bytes may see what lies behind them. So the
//! window slides exactly when zlib's does, and what it held before stays where it was.

#![allow(
    clippy::indexing_slicing,
    reason = "positions are 16 bits wide and the buffer is larger than that by more than any length added to them; \
              chain indices are masked to the size of their arrays"
)]
#![allow(clippy::cast_possible_truncation, reason = "positions are below 65536")]

use super::hash::{BUCKETS, Hash};
use super::tables::{MAX_MATCH, MIN_MATCH};

/// windowBits 15, in bytes: half of the buffer.
const SIZE: usize = 1 << 15;
/// Both halves.
const BOTH: usize = 2 * SIZE;
/// Zero bytes behind the window, so that reads of fixed size need no check: the longest match and a word.
const PADDING: usize = 1024;
/// Lookahead below which more input is asked for: a whole match and the start of the next one.
pub(super) const MIN_LOOKAHEAD: usize = MAX_MATCH + MIN_MATCH + 1;
/// How far back a match may lie.
pub(super) const MAX_DISTANCE: usize = SIZE - MIN_LOOKAHEAD;

/// The sliding window over the input.
pub(super) struct Window {
    bytes: Box<[u8; BOTH + PADDING]>,
    /// The most recent position of each bucket, 0 for none (so position 0 is never matched).
    head: Box<[u16; BUCKETS]>,
    /// For each position, modulo the window size, the one before it in its bucket.
    prev: Box<[u16; SIZE]>,
    /// The position that is being coded.
    pub(super) at: usize,
    /// How many bytes are known from `at` on.
    pub(super) lookahead: usize,
}

impl Window {
    #[allow(
        clippy::large_stack_arrays,
        reason = "64 KiB each fit every thread's stack, should the compiler build them there before they are boxed"
    )]
    pub(super) fn new() -> Self {
        Self { bytes: Box::new([0; BOTH + PADDING]), head: Box::new([0; BUCKETS]), prev: Box::new([0; SIZE]), at: 0, lookahead: 0 }
    }

    /// Slides if the position is near the end, then takes as much input as there is room for.
    pub(super) fn fill(&mut self, input: &mut &[u8]) {
        if self.at >= SIZE + MAX_DISTANCE {
            self.slide();
        }
        let end = self.at + self.lookahead;
        let taken = input.len().min(BOTH - end);
        let (now, later) = input.split_at(taken);
        self.bytes[end..end + taken].copy_from_slice(now);
        self.lookahead += taken;
        *input = later;
    }

    fn slide(&mut self) {
        let end = self.at + self.lookahead;
        self.bytes.copy_within(SIZE..end, 0);
        self.at -= SIZE;
        for position in self.head.iter_mut().chain(self.prev.iter_mut()) {
            *position = position.saturating_sub(SIZE as u16);
        }
    }

    /// The four bytes at a position.
    #[inline]
    pub(super) fn four(&self, at: usize) -> [u8; 4] {
        let at = at & (BOTH - 1);
        [self.bytes[at], self.bytes[at + 1], self.bytes[at + 2], self.bytes[at + 3]]
    }

    /// The two bytes `offset` (0 to 511) behind a position.
    #[inline]
    pub(super) fn two(&self, at: u16, offset: usize) -> [u8; 2] {
        let at = usize::from(at) + (offset & 511);
        [self.bytes[at], self.bytes[at + 1]]
    }

    #[inline]
    pub(super) fn byte(&self, at: usize) -> u8 {
        self.bytes[at & (BOTH - 1)]
    }

    /// The `len` bytes before the position, if the window still holds them.
    pub(super) fn before(&self, len: usize) -> Option<&[u8]> {
        let from = self.at.checked_sub(len)?;
        self.bytes.get(from..self.at)
    }

    /// Enters a position into its bucket; returns the one that was there before, 0 for none.
    #[inline]
    pub(super) fn insert<H: Hash>(&mut self, at: usize) -> u16 {
        let bucket = usize::from(H::bucket(self, at)) & (BUCKETS - 1);
        let before = self.head[bucket];
        self.head[bucket] = at as u16;
        self.prev[at & (SIZE - 1)] = before;
        before
    }

    /// The position before this one in its bucket.
    #[inline]
    pub(super) fn previous(&self, at: u16) -> u16 {
        self.prev[usize::from(at) & (SIZE - 1)]
    }

    /// How many bytes are equal at two positions, at most [`MAX_MATCH`]. Does not stop at the end of the input.
    #[inline]
    pub(super) fn common(&self, a: u16, b: u16) -> usize {
        const READ: usize = (MAX_MATCH + 7) & !7;
        let (a, b) = (usize::from(a), usize::from(b));
        let (a, _) = self.bytes[a..a + READ].as_chunks::<8>();
        let (b, _) = self.bytes[b..b + READ].as_chunks::<8>();
        for (word, (a, b)) in a.iter().zip(b).enumerate() {
            let differ = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
            if differ != 0 {
                let equal = 8 * word + (differ.trailing_zeros() / 8) as usize;
                return equal.min(MAX_MATCH);
            }
        }
        MAX_MATCH
    }
}
