//! One part of a stream, whose symbols are chosen before it is known how the part before it ends.
//!
//! What is chosen at a position depends on the last 32 KiB and on the parser's few words of state.
//! The first are there for any part; of the second nothing is known, so a part begins as if nothing
//! were held. Within some hundred bytes both runs are in the same state at the same place, nearly
//! always, and from there on they are one. The first states are kept, so that the place can be
//! found.

use std::sync::Arc;

use super::parser::{Parser, Sink, State, Symbol};
use super::window::SIZE;
use super::{Class, run, skip};

/// For so many bytes from its begin a segment's states are kept.
const TRACED: u64 = 16 << 10;
/// So much of the stream before a segment is entered into its chains: the window, and one slide of
/// it, which leaves behind the end of the input what a slide leaves there.
pub(super) const BEFORE: usize = 2 * SIZE;

/// A piece of the stream.
#[derive(Debug)]
pub(super) struct Piece {
    /// Where it begins in the stream: a multiple of the window's size.
    pub(super) from: u64,
    /// Its bytes; all but the last piece have a multiple of the window's size.
    pub(super) bytes: Vec<u8>,
    /// Whether the stream ends with it.
    pub(super) last: bool,
}

impl Piece {
    /// Where it ends in the stream.
    pub(super) fn end(&self) -> u64 {
        self.from + self.bytes.len() as u64
    }

    /// Its bytes from a place of the stream on.
    pub(super) fn from(&self, place: u64) -> &[u8] {
        let at = usize::try_from(place.saturating_sub(self.from)).unwrap_or(usize::MAX);
        self.bytes.get(at..).unwrap_or_default()
    }
}

/// A piece to be parsed, with those around it.
pub(super) struct Job {
    /// Which of the stream's jobs it is.
    pub(super) number: usize,
    /// The piece before, of [`BEFORE`] bytes at least.
    pub(super) before: Arc<Piece>,
    /// The piece itself.
    pub(super) piece: Arc<Piece>,
    /// The piece behind it; none where the stream ends with this one.
    pub(super) behind: Option<Arc<Piece>>,
}

/// A piece's symbols.
pub(super) struct Parsed {
    pub(super) number: usize,
    /// The parser, at the first position that is not of the piece.
    pub(super) parser: Parser,
    pub(super) symbols: Vec<Symbol>,
    /// Its first states, and how many symbols were chosen before each.
    trace: Vec<(State, usize)>,
}

impl Job {
    /// Chooses the piece's symbols.
    pub(super) fn parse(&self, class: Class, level: u8) -> Parsed {
        let begin = self.piece.from.saturating_sub(BEFORE as u64);
        let mut parser = Parser::new(level, begin);
        let mut before = self.before.from(begin);
        let mut own = self.piece.bytes.as_slice();
        skip((class, level), &mut parser, &mut before, false, self.piece.from);
        skip((class, level), &mut parser, &mut own, self.piece.last, self.piece.from);
        let until = if self.piece.last { u64::MAX } else { self.piece.end() };
        let mut sink = Traced { symbols: Vec::with_capacity(own.len() / 4), trace: Vec::new(), trace_end: self.piece.from + TRACED, until };
        let stopped = run((class, level), &mut parser, &mut own, self.piece.last, &mut sink);
        if let (false, Some(behind)) = (stopped, &self.behind) {
            let _ = run((class, level), &mut parser, &mut behind.bytes.as_slice(), behind.last, &mut sink);
        }
        Parsed { number: self.number, parser, symbols: sink.symbols, trace: sink.trace }
    }
}

struct Traced {
    symbols: Vec<Symbol>,
    trace: Vec<(State, usize)>,
    /// Where the trace ends.
    trace_end: u64,
    until: u64,
}

impl Sink for Traced {
    #[inline]
    fn stops_at(&mut self, state: State) -> bool {
        if state.at < self.trace_end {
            self.trace.push((state, self.symbols.len()));
        }
        state.at >= self.until
    }

    #[inline]
    fn put(&mut self, symbol: Symbol) -> bool {
        self.symbols.push(symbol);
        false
    }
}

/// Goes on from the piece before until it is in a state that the next one was in.
pub(super) struct Joining<'p> {
    pub(super) symbols: Vec<Symbol>,
    trace: std::iter::Peekable<std::slice::Iter<'p, (State, usize)>>,
    until: u64,
    /// How many of the next piece's symbols come before the common state; none where there is no
    /// such state.
    pub(super) joined: Option<usize>,
}

impl<'p> Joining<'p> {
    /// Joins with what was parsed, or goes on to the place `until`.
    pub(super) fn new(parsed: &'p Parsed, until: u64) -> Self {
        Self { symbols: Vec::new(), trace: parsed.trace.iter().peekable(), until, joined: None }
    }
}

impl Sink for Joining<'_> {
    #[inline]
    fn stops_at(&mut self, state: State) -> bool {
        while self.trace.next_if(|(known, _)| known.at < state.at).is_some() {}
        if let Some((known, symbols)) = self.trace.peek()
            && *known == state
        {
            self.joined = Some(*symbols);
            return true;
        }
        state.at >= self.until
    }

    #[inline]
    fn put(&mut self, symbol: Symbol) -> bool {
        self.symbols.push(symbol);
        false
    }
}
