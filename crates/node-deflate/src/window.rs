//! The last 32 to 64 KiB of the input, and the chains of positions with the same hash.
//!
//! Matches are found in the window only, and the hash of the last three bytes may see what lies
//! behind them. So the window slides exactly when zlib's does, and what it held before stays where
//! it was.

#![allow(
    clippy::indexing_slicing,
    reason = "positions are 16 bits wide and the buffer is larger than that by more than any length added to them; \
              chain indices are masked to the size of their arrays"
)]
#![allow(clippy::cast_possible_truncation, reason = "positions are below 65536")]

use super::hash::{BUCKETS, Hash};
use super::tables::{MAX_MATCH, MIN_MATCH};

/// windowBits 15, in bytes: half of the buffer.
pub(super) const SIZE: usize = 1 << 15;
/// Both halves.
const BOTH: usize = 2 * SIZE;
/// Zero bytes behind the window, so that reads of fixed size need no check: the longest match and a
/// word.
const PADDING: usize = 1024;
/// Lookahead below which more input is asked for: a whole match and the start of the next one.
pub(super) const MIN_LOOKAHEAD: usize = MAX_MATCH + MIN_MATCH + 1;
/// How far back a match may lie.
pub(super) const MAX_DISTANCE: usize = SIZE - MIN_LOOKAHEAD;

/// Bytes of a string that the long chains are by.
pub(super) const LONG: usize = 6;

/// Chains of positions at which the same [`LONG`] bytes may stand.
///
/// Once a match of almost as many bytes is in hand, no position beside these can be better. They
/// are met in the same sequence as in the chains of zlib; which of them zlib would no longer come
/// to, because it has tried as many positions as it may, tells `rank`.
struct Long {
    head: [u16; BUCKETS],
    prev: [u16; SIZE],
    /// For each position, modulo the window size, how many positions were entered before it into
    /// the same bucket of zlib's, modulo 65536.
    rank: [u16; SIZE],
    /// The position that was entered last into a bucket, before the one that was entered last of
    /// all.
    before: u16,
}

/// The sliding window over the input.
pub(super) struct Window {
    bytes: Box<[u8; BOTH + PADDING]>,
    /// The most recent position of each bucket, 0 for none (so position 0 is never matched).
    head: Box<[u16; BUCKETS]>,
    /// For each position, modulo the window size, the one before it in its bucket.
    prev: Box<[u16; SIZE]>,
    /// A second set of chains, by longer strings; none at levels that search too little to gain by
    /// it.
    long: Option<Box<Long>>,
    /// Where the buffer begins in the stream.
    base: u64,
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
    pub(super) fn new(base: u64, with_long: bool) -> Self {
        let long = with_long.then(|| Box::new(Long { head: [0; BUCKETS], prev: [0; SIZE], rank: [0; SIZE], before: 0 }));
        Self {
            base,
            long,
            bytes: Box::new([0; BOTH + PADDING]),
            head: Box::new([0; BUCKETS]),
            prev: Box::new([0; SIZE]),
            at: 0,
            lookahead: 0,
        }
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
        self.base += SIZE as u64;
        for position in self.head.iter_mut().chain(self.prev.iter_mut()) {
            *position = position.saturating_sub(SIZE as u16);
        }
        if let Some(long) = &mut self.long {
            for position in long.head.iter_mut().chain(long.prev.iter_mut()) {
                *position = position.saturating_sub(SIZE as u16);
            }
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

    /// The position in the stream.
    #[inline]
    pub(super) fn place(&self) -> u64 {
        self.base + self.at as u64
    }

    /// How much of the stream was taken.
    pub(super) fn taken(&self) -> u64 {
        self.place() + self.lookahead as u64
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
        if self.long.is_some() {
            self.insert_long(at, before);
        }
        before
    }

    #[inline]
    fn insert_long(&mut self, at: usize, before: u16) {
        let from = at & (BOTH - 1);
        let Some((bytes, _)) = self.bytes[from..].split_first_chunk::<8>() else { return };
        let Some(long) = &mut self.long else { return };
        let string = u64::from_le_bytes(*bytes) << (64 - 8 * LONG);
        let bucket = (string.wrapping_mul(0x9e37_79b1_85eb_ca87) >> 49) as usize & (BUCKETS - 1);
        long.rank[at & (SIZE - 1)] = long.rank[usize::from(before) & (SIZE - 1)].wrapping_add(1);
        long.before = long.head[bucket];
        long.head[bucket] = at as u16;
        long.prev[at & (SIZE - 1)] = long.before;
    }

    /// The position before the one that was entered last in its long chain, 0 for none; none where
    /// there are no such chains.
    #[inline]
    pub(super) fn long_head(&self) -> Option<u16> {
        self.long.as_ref().map(|long| long.before)
    }

    /// The position before this one in its long chain, 0 for none.
    #[inline]
    pub(super) fn long_previous(&self, at: u16) -> u16 {
        self.long.as_ref().map_or(0, |long| long.prev[usize::from(at) & (SIZE - 1)])
    }

    /// How many steps back in zlib's chain lead from one position to an earlier one of the same
    /// bucket.
    #[inline]
    pub(super) fn steps(&self, from: u16, to: u16) -> usize {
        let rank = |long: &Long, at: u16| long.rank[usize::from(at) & (SIZE - 1)];
        self.long.as_ref().map_or(0, |long| usize::from(rank(long, from).wrapping_sub(rank(long, to))))
    }

    /// The position before this one in its bucket.
    #[inline]
    pub(super) fn previous(&self, at: u16) -> u16 {
        self.prev[usize::from(at) & (SIZE - 1)]
    }

    /// How many bytes are equal at two positions, at most [`MAX_MATCH`]. Does not stop at the end
    /// of the input.
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
