//! Class A against the stock zlib that flate2 is built with, on generated inputs; the other classes
//! differ from it in the hash only and are compared with Node.js in the integration test of this
//! crate.

mod corpus;
mod parallel;

use super::tables::{DISTANCE_BASE, DISTANCE_EXTRA, FIXED_LITERALS, LENGTH_BASE, LENGTH_CODE, LENGTH_EXTRA, distance_code};
use super::{Class, Deflate, compress};
use flate2::{Compress, Compression, FlushCompress, Status};
use std::io::Read;

const SAMPLES: u64 = 4 * corpus::KINDS;

fn zlib(level: u8, pieces: &[&[u8]]) -> Vec<u8> {
    let mut stream = Compress::new(Compression::new(level.into()), false);
    let mut out = Vec::new();
    for piece in pieces {
        let end = stream.total_in() + piece.len() as u64;
        let mut rest = *piece;
        while !rest.is_empty() {
            out.reserve(1 << 16);
            stream.compress_vec(rest, &mut out, FlushCompress::None).unwrap();
            rest = &piece[piece.len() - usize::try_from(end - stream.total_in()).unwrap()..];
        }
    }
    loop {
        out.reserve(1 << 16);
        if stream.compress_vec(&[], &mut out, FlushCompress::Finish).unwrap() == Status::StreamEnd {
            return out;
        }
    }
}

fn ours(class: Class, level: u8, pieces: &[&[u8]]) -> Vec<u8> {
    let mut stream = Deflate::new(class, level);
    let mut out = Vec::new();
    for piece in pieces {
        stream.write(piece, &mut out);
    }
    stream.finish(&mut out);
    out
}

fn inflate(deflated: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::DeflateDecoder::new(deflated).read_to_end(&mut out).unwrap();
    out
}

fn assert_is_zlib(levels: std::ops::RangeInclusive<u8>) {
    for number in 0..SAMPLES {
        let input = corpus::sample(number);
        for level in levels.clone() {
            assert!(
                compress(Class::A, level, &input) == zlib(level, &[&input]),
                "sample {number} ({} bytes) at level {level}",
                input.len()
            );
        }
    }
}

#[test]
fn class_a_is_stock_zlib_at_the_greedy_levels() {
    assert_is_zlib(1..=3);
}

#[test]
fn class_a_is_stock_zlib_at_the_lazy_levels() {
    assert_is_zlib(4..=9);
}

#[test]
fn class_a_is_stock_zlib_however_the_input_is_cut() {
    for number in 0..SAMPLES {
        let input = corpus::sample(number);
        let size = [1, 511, 512, 4097, 16_384, 32_506, 65_536][usize::try_from(number % 7).unwrap()];
        let pieces: Vec<&[u8]> = input.chunks(size).collect();
        assert!(ours(Class::A, 6, &pieces) == zlib(6, &pieces), "sample {number} ({} bytes) in pieces of {size}", input.len());
    }
}

#[test]
fn every_class_and_level_inflates_to_the_input() {
    for number in 0..corpus::KINDS {
        let input = corpus::sample(number);
        for class in Class::ALL {
            for level in 1..=9 {
                let deflated = compress(class, level, &input);
                assert!(inflate(&deflated) == input, "sample {number}, {class:?}, level {level}");
            }
        }
    }
}

#[test]
fn the_classes_make_different_bytes() {
    let input = corpus::sample(4);
    let [c, b, a] = Class::ALL.map(|class| compress(class, 6, &input));
    assert_ne!(a, b);
    assert_ne!(b, c);
    assert_ne!(a, c);
}

#[test]
fn a_write_hands_out_what_is_ready() {
    let input = [1, 15, 29].map(corpus::sample).concat().repeat(8);
    let mut stream = Deflate::new(Class::C, 9);
    let mut out = Vec::new();
    stream.write(&input, &mut out);
    assert!(!out.is_empty());
    stream.finish(&mut out);
    assert!(inflate(&out) == input);
}

#[test]
fn the_empty_input_is_one_fixed_block() {
    for class in Class::ALL {
        assert_eq!(compress(class, 9, b""), [3, 0]);
    }
}

#[test]
fn levels_outside_of_1_to_9_count_as_the_nearest() {
    let input = corpus::sample(4);
    assert!(compress(Class::C, 0, &input) == compress(Class::C, 1, &input));
    assert!(compress(Class::C, 255, &input) == compress(Class::C, 9, &input));
}

#[test]
fn each_length_lies_in_the_range_of_its_code() {
    for (less_three, &code) in LENGTH_CODE.iter().enumerate() {
        let code = usize::from(code);
        let extra = less_three - usize::from(LENGTH_BASE[code]);
        assert!(extra < 1 << LENGTH_EXTRA[code], "length {}", less_three + 3);
    }
    assert_eq!(LENGTH_CODE[255], 28, "length 258 has its own code");
}

#[test]
fn each_distance_lies_in_the_range_of_its_code() {
    for less_one in 0..32_768_usize {
        let code = distance_code(less_one);
        let extra = less_one - usize::from(DISTANCE_BASE[code]);
        assert!(extra < 1 << DISTANCE_EXTRA[code], "distance {}", less_one + 1);
    }
}

#[test]
fn the_fixed_codes_are_those_of_the_format() {
    // RFC 1951, 3.2.6, first bit of the code lowest.
    let cases = [(0, 0b0000_1100, 8), (143, 0b1111_1101, 8), (144, 0b0_0001_0011, 9), (256, 0, 7), (280, 0b0000_0011, 8)];
    for (symbol, bits, len) in cases {
        assert_eq!((FIXED_LITERALS[symbol].bits, FIXED_LITERALS[symbol].len), (bits, len), "symbol {symbol}");
    }
}
