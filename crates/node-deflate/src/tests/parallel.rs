//! Several threads against one: the bytes must be equal, whatever the input is and wherever it is
//! cut.

use super::corpus::{self, KINDS};
use crate::{Class, Plan, compress, deflate};

/// The smallest pieces that there are, and more threads than processors.
const SMALL: Plan = Plan { threads: 5, alone: 64 << 10, piece: 64 << 10 };

fn together(class: Class, level: u8, plan: Plan, input: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    deflate(class, level, plan, &mut { input }, &mut out).unwrap();
    out
}

fn assert_same(class: Class, level: u8, input: &[u8], what: &str) {
    assert!(
        together(class, level, SMALL, input) == compress(class, level, input),
        "{what}, {} bytes, {class:?}, level {level}",
        input.len()
    );
}

/// Samples of several kinds behind each other, up to a length: kinds change within pieces and at
/// their edges.
fn stream(number: u64, len: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = number * 1_000;
    while out.len() < len {
        out.extend(corpus::sample(at + 17 * (at % 3) + number % KINDS));
        at += 1;
    }
    out.truncate(len);
    out
}

fn streams() -> u64 {
    std::env::var("DEFLATE_STREAMS").ok().and_then(|count| count.parse().ok()).unwrap_or(42)
}

#[test]
fn many_threads_give_the_bytes_of_one() {
    for number in 0..streams() {
        let len = 70_000 + usize::try_from(number * 7_919 % 400_000).unwrap();
        let input = stream(number, len);
        let class = Class::ALL[usize::try_from(number % 3).unwrap()];
        let level = [9, 6, 9, 6, 4, 5, 7, 8][usize::try_from(number / 3 % 8).unwrap()];
        assert_same(class, level, &input, &format!("stream {number}"));
    }
}

/// Copies at all distances around the edges of pieces, and literals about them.
#[test]
fn matches_across_the_edge_of_a_piece_are_the_same() {
    let noise = stream(1, 64 << 10);
    for shift in [0_usize, 1, 2, 3, 257, 258, 259, 261, 262, 263, 32_505, 32_506, 32_507, 32_768] {
        let mut input = noise.clone();
        input.extend_from_slice(&noise[..(64 << 10) - shift]);
        input.extend(stream(2, 600));
        let from = input.len() - 32_506;
        input.extend(input[from..from + 300].to_vec());
        input.extend_from_slice(&noise);
        assert_same(Class::C, 9, &input, &format!("shift {shift}"));
    }
}

#[test]
fn runs_that_never_meet_are_the_same() {
    for len in [200_000_usize, 262_144, 262_145, 327_680, 400_001] {
        for period in [1_usize, 2, 3, 7, 258, 300, 32_506, 32_507, 32_768] {
            let unit = stream(3, period);
            let input: Vec<u8> = unit.iter().copied().cycle().take(len).collect();
            for class in Class::ALL {
                assert_same(class, 6, &input, &format!("period {period}"));
            }
        }
    }
}

/// The window is where it is at the very end: it decides about stored blocks, and about the bytes
/// behind the input.
#[test]
fn every_length_about_a_piece_and_a_window_is_the_same() {
    let input = [stream(4, 130_000), stream(9, 140_000)].concat();
    for edge in [131_072_usize, 163_840, 65_536 + 65_274, 196_608, 196_346] {
        for off in 0..12 {
            for len in [edge - off, edge + off, edge - 262 + off] {
                let class = Class::ALL[(len + off) % 3];
                assert_same(class, [6, 9][off % 2], &input[..len], "cut");
            }
        }
    }
}

#[test]
fn what_cannot_be_compressed_is_stored_the_same() {
    // Kind 1 is noise of all bytes.
    let mut input: Vec<u8> = (0..60).flat_map(|at| corpus::sample(at * KINDS + 1)).collect();
    input.truncate(500_000);
    for class in Class::ALL {
        for level in [6, 9] {
            assert_same(class, level, &input, "noise");
        }
    }
}

#[test]
fn without_threads_and_at_greedy_levels_the_bytes_are_the_same() {
    let input = stream(5, 300_000);
    for (threads, level) in [(0, 9), (1, 9), (4, 1), (4, 3)] {
        let plan = Plan { threads, ..SMALL };
        assert!(together(Class::C, level, plan, &input) == compress(Class::C, level, &input), "{threads} threads, level {level}");
    }
}

#[test]
fn an_output_that_refuses_ends_the_work() {
    struct Full(usize);
    impl std::io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or_else(|| std::io::Error::other("full"))?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    struct Counted<'a>(&'a [u8], usize);
    impl std::io::Read for Counted<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let read = self.0.read(buffer)?;
            self.1 += read;
            Ok(read)
        }
    }
    let stream = stream(6, 2_000_000);
    let mut input = Counted(&stream, 0);
    let refused = deflate(Class::C, 6, SMALL, &mut input, &mut Full(20_000));
    assert_eq!(refused.unwrap_err().to_string(), "full");
    assert!(input.1 < 64 * 1024 * (2 * SMALL.threads + 6), "{} bytes were read", input.1);
}

#[test]
fn an_input_that_fails_fails_the_stream() {
    struct Broken(usize);
    impl std::io::Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0 = self.0.checked_sub(buffer.len()).ok_or_else(|| std::io::Error::other("broken"))?;
            Ok(buffer.len())
        }
    }
    for bytes in [0, 100_000, 200_000, 600_000] {
        let failed = deflate(Class::C, 6, SMALL, &mut Broken(bytes), &mut std::io::sink());
        assert_eq!(failed.unwrap_err().to_string(), "broken");
    }
}
