//! Bytes in, raw deflate out: the very bytes that the zlib inside of Node.js would have made.
//!
//! Packing clients compress with the zlib of the Node.js they run on, so the deflate stream of a
//! published tarball is one of a few: those of three classes of zlib, at level 6 or 9, with a
//! window of 32 KiB (windowBits 15), memLevel 8, the default strategy, and no flush before the end.
//! This encoder makes each of them on every machine, without the matching Node.js and without the
//! CPU that class B depends on.
//!
//! All classes share zlib's lazy matching, block splitting and Huffman codes; they differ in
//! [`hash`], that is, in the candidates for a match and their order. Everything that can influence
//! the bytes is kept as in zlib: the time at which the window slides, the bytes behind the end of
//! the input, how ties in the Huffman tree are broken.
//!
//! [`parser`] chooses symbols, [`blocks`] writes them. [`deflate`] has several threads choose, and
//! makes the same bytes; [`Deflate`] is the one thread that they are held against.

mod bits;
mod block;
mod blocks;
mod hash;
mod header;
mod huffman;
mod matcher;
mod parallel;
mod parser;
mod segment;
mod tables;
#[cfg(test)]
mod tests;
mod window;

use blocks::Blocks;
use hash::{Crc3, Crc4, Multiply, Stock};
pub use parallel::{Plan, deflate, fill};
use parser::{Parser, Sink};

/// The variants of zlib in Node.js that make different bytes.
///
/// The zlib version that Node.js reports does not tell them apart. The edges are measured on the
/// official builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Stock zlib, 1.2.3 to 1.3: Node.js up to 12.16, 13.0 to 13.8, and 20.8 to 20.9 (also early
    /// arm64 builds, and those of class B on an x64 CPU without SSE4.2).
    A,
    /// Chromium's zlib with a CRC-32C hash: x64 Node.js 12.17 to 12.22, 13.9 to 17, 18.0 to 18.18,
    /// 19, 20.0 to 20.7.
    ///
    /// Levels 6 to 9 are the same in all of these. At levels 1 to 5 the releases up to 17 may end a
    /// stream differently from the later ones, which this class follows, if what is left behind the
    /// end of the input hits a hash bucket.
    B,
    /// Chromium's zlib with a multiplicative hash: Node.js 18.19 and later of 18, 20.10 and later
    /// of 20, all from 21.
    C,
}

impl Class {
    /// All classes, the newest first.
    pub const ALL: [Self; 3] = [Self::C, Self::B, Self::A];
}

/// A raw deflate stream (RFC 1951) in the making.
///
/// Each [`write`](Self::write) stands for one `write` to a Node.js zlib stream. As there, how the
/// input is cut makes no difference in practice: only a match at the very limit of the window, at
/// the end of a piece, can tell.
pub struct Deflate {
    class: Class,
    level: u8,
    parser: Parser,
    blocks: Blocks,
}

impl Deflate {
    /// Starts a stream at a level from 1 (fastest) to 9 (smallest); other levels count as the
    /// nearest of these.
    pub fn new(class: Class, level: u8) -> Self {
        let level = level.clamp(1, 9);
        Self { class, level, parser: Parser::new(level, 0), blocks: Blocks::new() }
    }

    /// Compresses a piece of the input. What is ready is appended to `out`; the rest comes with
    /// later calls.
    pub fn write(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let _ = run((self.class, self.level), &mut self.parser, &mut { input }, false, &mut self.blocks);
        self.blocks.bits.drain_into(out);
    }

    /// Ends the stream and appends the rest of it to `out`.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        let _ = run((self.class, self.level), &mut self.parser, &mut [].as_slice(), true, &mut self.blocks);
        self.blocks.finish(self.parser.rest(), self.parser.window());
        self.blocks.bits.drain_into(out);
    }
}

/// Lets the parser of a class and level choose; true where the sink ended the run, false where the
/// input did.
fn run(setting: (Class, u8), parser: &mut Parser, input: &mut &[u8], last: bool, sink: &mut impl Sink) -> bool {
    match setting {
        (Class::A, 1..=3) => parser.greedy::<Stock>(std::mem::take(input), last, sink),
        (Class::B, 1..=3) => parser.greedy::<Crc4>(std::mem::take(input), last, sink),
        (Class::C, 1..=3) => parser.greedy::<Multiply>(std::mem::take(input), last, sink),
        (Class::A, _) => return parser.lazy::<Stock>(input, last, sink),
        (Class::B, 4..=5) => return parser.lazy::<Crc4>(input, last, sink),
        (Class::B, _) => return parser.lazy::<Crc3>(input, last, sink),
        (Class::C, _) => return parser.lazy::<Multiply>(input, last, sink),
    }
    false
}

/// Enters positions into the parser's chains up to a place of the stream.
fn skip(setting: (Class, u8), parser: &mut Parser, input: &mut &[u8], last: bool, until: u64) {
    match setting {
        (Class::A, _) => parser.skip::<Stock>(input, last, until),
        (Class::B, ..=5) => parser.skip::<Crc4>(input, last, until),
        (Class::B, _) => parser.skip::<Crc3>(input, last, until),
        (Class::C, _) => parser.skip::<Multiply>(input, last, until),
    }
}

/// Compresses `input` to one raw deflate stream with the caller's thread alone. See [`Deflate`],
/// and [`deflate`] for several.
pub fn compress(class: Class, level: u8, input: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(input.len() / 3 + 16);
    let mut stream = Deflate::new(class, level);
    stream.write(input, &mut out);
    stream.finish(&mut out);
    out
}

/// The README's example is run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
