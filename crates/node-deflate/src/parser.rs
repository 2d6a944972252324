//! The choice between literals and matches, position by position: greedy at levels 1 to 3, lazy
//! from level 4.

use super::hash::Hash;
use super::matcher::{Limits, Match, longest};
use super::tables::MIN_MATCH;
use super::window::{MIN_LOOKAHEAD, Window};

/// Matches of the shortest length that lie further back than this cost more than three literals.
const TOO_FAR: usize = 4096;

/// From so many tries on a second set of chains pays.
const LONG_PAYS: usize = 1024;

/// A literal (its byte), or a match: the distance above the low byte, the length less 3 in it.
pub(super) type Symbol = u32;

/// The symbol of a match of `len` bytes (3 to 258) `distance` bytes back (1 to 32768).
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "distances are at most 32768, lengths less 3 at most 255")]
fn symbol(len: usize, distance: usize) -> Symbol {
    ((distance as u32) << 8) | ((len - MIN_MATCH) & 0xff) as u32
}

/// All that the symbols from a position on depend on, besides the last 32 KiB: two runs that are in
/// the same state at the same place go on alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    /// The place in the stream.
    pub(super) at: u64,
    /// The match that ends or begins at the byte before the position (lazy levels).
    held: Match,
    /// Whether the byte before the position is still to be written, as a literal or as the begin of
    /// `held`.
    owed: bool,
}

/// Where the symbols go.
pub(super) trait Sink {
    /// Called before each position; true ends the run there.
    fn stops_at(&mut self, state: State) -> bool;
    /// Takes a symbol; true where a block is full.
    fn put(&mut self, symbol: Symbol) -> bool;
    /// Ends the full block, behind `window`'s position. A sink that makes no blocks has none to
    /// end.
    fn flush(&mut self, _window: &Window) {}
}

/// Everything that goes on from one piece of input to the next.
pub(super) struct Parser {
    limits: Limits,
    window: Window,
    held: Match,
    owed: bool,
}

impl Parser {
    /// A parser for a stream, or for the part of one from `base` on, which is a multiple of the
    /// window's size.
    pub(super) fn new(level: u8, base: u64) -> Self {
        Self { limits: Limits::of(level), window: Window::new(base, Limits::of(level).chain >= LONG_PAYS), held: Match::NONE, owed: false }
    }

    /// The window over the input.
    pub(super) fn window(&self) -> &Window {
        &self.window
    }

    /// Takes input until a whole match could stand at the position; false if there is no work to do
    /// (yet).
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
    }

    /// The literal that is owed at the end of the stream.
    pub(super) fn rest(&self) -> Option<Symbol> {
        self.owed.then(|| Symbol::from(self.window.byte(self.window.at.wrapping_sub(1))))
    }

    /// Enters positions into the chains up to the place `until`, and chooses nothing.
    pub(super) fn skip<H: Hash>(&mut self, input: &mut &[u8], last: bool, until: u64) {
        while self.window.place() < until && self.ready(input, last) {
            self.insert::<H>();
            self.advance(1);
        }
    }

    /// Takes each match as it comes.
    pub(super) fn greedy<H: Hash>(&mut self, mut input: &[u8], last: bool, sink: &mut impl Sink) {
        while self.ready(&mut input, last) {
            let head = self.insert::<H>();
            let found = longest(&self.window, head, MIN_MATCH - 1, &self.limits);
            let full = if let Some(found) = found.filter(|found| found.is_some()) {
                let full = sink.put(symbol(found.len, found.distance));
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
                sink.put(Symbol::from(byte))
            };
            if full {
                sink.flush(&self.window);
            }
        }
    }

    /// Takes a match only if none at the next position is longer. True where the sink ended the
    /// run, false where the input did.
    pub(super) fn lazy<H: Hash>(&mut self, input: &mut &[u8], last: bool, sink: &mut impl Sink) -> bool {
        loop {
            if sink.stops_at(State { at: self.window.place(), held: self.held, owed: self.owed }) {
                return true;
            }
            if !self.ready(input, last) {
                return false;
            }
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
                let full = sink.put(symbol(before.len, before.distance));
                // Its first two positions are in the chains already; the last two of the input
                // never get there.
                let from = self.window.at;
                let insertable = from + self.window.lookahead - MIN_MATCH;
                for at in from + 1..(from + before.len - 1).min(insertable + 1) {
                    self.window.insert::<H>(at);
                }
                self.advance(before.len - 1);
                self.held = Match::NONE;
                self.owed = false;
                if full {
                    sink.flush(&self.window);
                }
            } else {
                if self.owed && sink.put(Symbol::from(self.window.byte(self.window.at.wrapping_sub(1)))) {
                    sink.flush(&self.window);
                }
                self.owed = true;
                self.advance(1);
            }
        }
    }
}
