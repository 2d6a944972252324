//! Archives that nobody thought of: the cases strung together at random, with headers changed here
//! and there. The same ones in every run.

use std::io::Read;

use super::tarball::gzip;

const BLOCK: usize = 512;

/// xorshift: what matters is that it is the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// `count` archives made of the small ones among `cases`.
pub(crate) fn mixtures(cases: &[&[u8]], count: usize) -> Vec<Vec<u8>> {
    let parts: Vec<Vec<u8>> = cases.iter().filter(|bytes| bytes.len() < 3000).filter_map(|bytes| middle(bytes)).collect();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    (0..count)
        .map(|_| {
            let mut tar = Vec::new();
            for _ in 0..=random.below(3) {
                let part: &Vec<u8> = random.pick(&parts);
                tar.extend_from_slice(part);
                tar.resize(tar.len().div_ceil(BLOCK) * BLOCK, 0);
            }
            for _ in 0..random.below(3) {
                change_header(&mut tar, &mut random);
            }
            if random.below(8) > 0 {
                tar.extend_from_slice(&[0; 2 * BLOCK]);
            }
            gzip(&tar)
        })
        .collect()
}

/// A case's tar without its end marker.
fn middle(compressed: &[u8]) -> Option<Vec<u8>> {
    let mut tar = Vec::new();
    flate2::read::GzDecoder::new(compressed).read_to_end(&mut tar).ok()?;
    while tar.len() >= BLOCK && tar[tar.len() - BLOCK..].iter().all(|byte| *byte == 0) {
        tar.truncate(tar.len() - BLOCK);
    }
    (tar.len() < 40_000).then_some(tar)
}

fn sum(header: &[u8]) -> u32 {
    header.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u32::from(*byte) }).sum()
}

fn is_header(block: &[u8]) -> bool {
    let digits = std::str::from_utf8(&block[148..154]).ok();
    digits.and_then(|digits| u32::from_str_radix(digits, 8).ok()) == Some(sum(block))
}

fn change_header(tar: &mut [u8], random: &mut Random) {
    let mut headers: Vec<&mut [u8]> = tar.chunks_exact_mut(BLOCK).filter(|block| is_header(block)).collect();
    if headers.is_empty() {
        return;
    }
    let at = random.below(headers.len());
    let header = &mut headers[at];
    let mut write = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    match random.below(7) {
        0 => write(156, &[*random.pick(b"0123456757DgxLKNXSVMAI\0z\n\xff")]),
        1 => {
            let at = *random.pick(&[0, 100, 108, 116, 124, 136, 157, 257, 263, 329, 345, 475, 476]);
            write(at, &[*random.pick(b"\0\x80\xff/.- 7\n\\")]);
        }
        2 => write(124, format!("{:011o}\0", random.pick(&[0, 1, 5, 511, 512, 513, 1024])).as_bytes()),
        3 => {
            let names = ["a", "A", "a/", "a/b", "", "./a", ".gitignore", ".npmignore", "lib/a", "lib"];
            write(0, format!("package/{}\0", random.pick(&names)).as_bytes());
        }
        4 => write(257 + random.below(8), &[*random.pick(b"ustar \x000")]),
        5 => write(100, format!("{:07o}\0", random.pick(&[0, 0o1, 0o644, 0o755, 0o4755, 0o7777])).as_bytes()),
        _ => write(random.below(BLOCK), &[u8::try_from(random.below(256)).unwrap()]),
    }
    if random.below(10) > 0 {
        let sum = format!("{:06o}\0 ", sum(header));
        header[148..156].copy_from_slice(sum.as_bytes());
    }
}
