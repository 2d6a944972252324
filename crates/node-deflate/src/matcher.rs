//! The search for the longest match at a position, as far as a level's limits let it go.

use super::tables::{MAX_MATCH, MIN_MATCH};
use super::window::{LONG, MAX_DISTANCE, MIN_LOOKAHEAD, Window};

/// A level's limits. The numbers are zlib's and the same in all classes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// With a match of this length in hand, only a quarter of the chain is searched.
    pub(super) good: usize,
    /// Lazy levels: with a match of this length in hand, the next position is not searched.
    /// Greedy levels: longer matches are not entered into the chains.
    pub(super) lazy: usize,
    /// A match of this length ends the search.
    pub(super) nice: usize,
    /// How many positions are tried.
    pub(super) chain: usize,
}

impl Limits {
    /// The limits of a level; those outside of 1 to 9 count as the nearest.
    pub(super) const fn of(level: u8) -> Self {
        let (good, lazy, nice, chain) = match level {
            0 | 1 => (4, 4, 8, 4),
            2 => (4, 5, 16, 8),
            3 => (4, 6, 32, 32),
            4 => (4, 4, 16, 16),
            5 => (8, 16, 32, 32),
            6 => (8, 16, 128, 128),
            7 => (8, 32, 128, 256),
            8 => (32, 128, 258, 1024),
            _ => (32, 258, 258, 4096),
        };
        Self { good, lazy, nice, chain }
    }
}

/// Bytes that repeat earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) len: usize,
    pub(super) distance: usize,
}

impl Match {
    /// Too short to be written.
    pub(super) const NONE: Self = Self { len: MIN_MATCH - 1, distance: 0 };

    /// Whether it can be written.
    pub(super) const fn is_some(self) -> bool {
        self.len >= MIN_MATCH
    }
}

/// The first of the longest matches of more than `in_hand` bytes, trying `head` and what is before
/// it in its bucket.
///
/// The result may be shorter than that at the end of the input, where matches are cut.
#[inline]
pub(super) fn longest(window: &Window, head: u16, in_hand: usize, limits: &Limits) -> Option<Match> {
    if head == 0 || window.at.saturating_sub(usize::from(head)) > MAX_DISTANCE {
        return None;
    }
    let at = u16::try_from(window.at).ok()?;
    let nearest_too_far = window.at.saturating_sub(MAX_DISTANCE);
    let nice = limits.nice.min(window.lookahead);
    let mut left = if in_hand >= limits.good { limits.chain >> 2 } else { limits.chain };

    let mut best = None;
    let mut best_len = in_hand.min(MAX_MATCH);
    let start = window.two(at, 0);
    let mut end = window.two(at, best_len - 1);
    let mut candidate = head;
    // At the end of the input, bytes behind it count: the long chains know nothing of them.
    let long = window.long_head().filter(|_| window.lookahead >= MIN_LOOKAHEAD);
    loop {
        if best_len >= LONG - 1
            && let Some(long) = long
        {
            let tried = window.steps(head, candidate);
            return longest_of_long(window, long, (head, candidate), (tried + left, nearest_too_far, nice), (best, best_len));
        }
        // Most candidates fail at the bytes that would make the match longer than the best one.
        if window.two(candidate, best_len - 1) == end && window.two(candidate, 0) == start {
            let len = window.common(at, candidate);
            if len > best_len {
                best = Some(candidate);
                best_len = len;
                if len >= nice {
                    break;
                }
                end = window.two(at, best_len - 1);
            }
        }
        candidate = window.previous(candidate);
        left -= 1;
        if usize::from(candidate) <= nearest_too_far || left == 0 {
            break;
        }
    }
    best.map(|candidate| Match { len: best_len.min(window.lookahead), distance: usize::from(at.wrapping_sub(candidate)) })
}

/// The same by the long chains: from `first` on, of which all newer ones were tried, to as many
/// positions behind `head` as may be tried.
#[inline]
fn longest_of_long(
    window: &Window,
    long_head: u16,
    (head, first): (u16, u16),
    (tries, nearest_too_far, nice): (usize, usize, usize),
    (mut best, mut best_len): (Option<u16>, usize),
) -> Option<Match> {
    let at = u16::try_from(window.at).ok()?;
    let start = window.two(at, 0);
    let mut end = window.two(at, best_len - 1);
    let mut candidate = long_head;
    while candidate > first {
        candidate = window.long_previous(candidate);
    }
    // The head itself may lie one byte further back than the others.
    while usize::from(candidate) > nearest_too_far || (candidate == head && candidate != 0) {
        if window.two(candidate, best_len - 1) == end && window.two(candidate, 0) == start {
            let len = window.common(at, candidate);
            if len > best_len {
                if window.steps(head, candidate) >= tries {
                    break;
                }
                best = Some(candidate);
                best_len = len;
                if len >= nice {
                    break;
                }
                end = window.two(at, best_len - 1);
            }
        }
        candidate = window.long_previous(candidate);
    }
    best.map(|candidate| Match { len: best_len.min(window.lookahead), distance: usize::from(at.wrapping_sub(candidate)) })
}
