//! One input made from others.

use super::random::Random;

const BLOCK: usize = 512;
/// Longest input, in bytes.
const LONGEST: usize = 64 << 10;

/// A kept input with one to four changes.
pub(crate) fn mutate(kept: &[Vec<u8>], words: &[Vec<u8>], tar: bool, random: &mut Random) -> Vec<u8> {
    // Every other time one of the last kept, which showed something new.
    let recent = if random.below(2) == 0 { kept.len().saturating_sub(20) } else { 0 };
    let mut input = random.pick(&kept[recent..]).clone();
    for _ in 0..=random.below(4) {
        if tar && random.below(2) == 0 {
            change_header(&mut input, random);
        } else {
            change(&mut input, kept, words, random);
        }
    }
    input.truncate(LONGEST);
    input
}

fn change(input: &mut Vec<u8>, kept: &[Vec<u8>], words: &[Vec<u8>], random: &mut Random) {
    let at = random.below(input.len() + 1);
    let end = (at + random_length(random)).min(input.len());
    match random.below(12) {
        0 if at < input.len() => input[at] ^= 1 << random.below(8),
        1 if at < input.len() => input[at] = random.byte(),
        2 => input.insert(at, random.byte()),
        3 => drop(input.drain(at..end)),
        4 => {
            let part = input[at..end].to_vec();
            let to = random.below(input.len() + 1);
            input.splice(to..to, part);
        }
        5 => {
            let part = input[at..end].repeat(1 + random.below(50));
            input.splice(at..at, part.into_iter().take(LONGEST));
        }
        6 => {
            let other = random.pick(kept);
            let from = random.below(other.len() + 1);
            let to = (from + random_length(random)).min(other.len());
            input.splice(at..end, other[from..to].to_vec());
        }
        7 | 8 => {
            let word = random.pick(words).clone();
            input.splice(at..at, word);
        }
        9 => {
            let word = random.pick(words).clone();
            input.splice(at..end, word);
        }
        10 => {
            let odd =
                *random.pick(&["\u{0}", "\u{200b}", "\u{e9}", "e\u{301}", "\u{ff0f}", "\u{2028}", "\u{1f600}", "\u{feff}", "\u{85}", "İ"]);
            input.splice(at..at, odd.bytes());
        }
        _ => {
            let number = *random.pick(&["0", "-1", "9007199254740993", "18446744073709551616", "1e999", "00", "+1", "0x7f", "4294967296"]);
            input.splice(at..end, number.bytes());
        }
    }
}

/// Mostly short.
fn random_length(random: &mut Random) -> usize {
    let most = *random.pick(&[4, 16, 64, 600]);
    1 + random.below(most)
}

/// Changes a header block where there is one, and mends its checksum, without which no reader looks
/// further.
fn change_header(input: &mut Vec<u8>, random: &mut Random) {
    let blocks = input.len().saturating_sub(1) / BLOCK;
    if blocks == 0 {
        return;
    }
    let start = 1 + random.below(blocks) * BLOCK;
    let block = &mut input[start..start + BLOCK];
    match random.below(6) {
        0 => block[156] = *random.pick(b"0123456757DgxLKNXSVMAI\0z\n\xff"),
        1 => {
            let at = *random.pick(&[0, 8, 100, 108, 116, 124, 136, 148, 157, 257, 263, 265, 329, 337, 345, 475, 476, 488]);
            block[at] = *random.pick(b"\0\x80\xff/.- 07\n\\");
        }
        2 => block[124..136].copy_from_slice(format!("{:011o}\0", random.pick(&[0, 1, 5, 511, 512, 513, 1024, 1 << 30])).as_bytes()),
        3 => {
            let names =
                ["a", "A", "a/", "a/b", "", "./a", "../a", "/a", "a//b", "c:/a", "a\\b", ".gitignore", ".npmignore", "package.json"];
            let name = format!("package/{}\0", random.pick(&names));
            block[..name.len()].copy_from_slice(name.as_bytes());
        }
        4 => block[257..265].copy_from_slice(*random.pick(&[b"ustar\x0000", b"ustar  \0", b"\0\0\0\0\0\0\0\0"])),
        _ => block[random.below(BLOCK)] = random.byte(),
    }
    let sum: u32 = block.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u32::from(*byte) }).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    if random.below(4) == 0 {
        let whole = input[start..start + BLOCK].to_vec();
        input.splice(start..start, whole);
    }
}
