//! Inputs for the comparisons, made from a number: the same on every machine and in every version
//! of this file, for the digests recorded in `tests/it/deflate-b.tsv` are those of these bytes.

/// Window and history sizes of zlib that inputs are built around.
const WINDOW: usize = 32 * 1024;
const MAX_DISTANCE: usize = WINDOW - 262;
/// Symbols in a full block.
const BLOCK: usize = 16 * 1024 - 1;

const WORDS: [&str; 24] = [
    "const",
    "return",
    "function",
    "module",
    "exports",
    "require",
    "(",
    ")",
    "{",
    "}",
    ";\n",
    " ",
    "  ",
    "=",
    "=>",
    "this",
    "value",
    "undefined",
    "import",
    "from",
    "'./index.js'",
    "// ",
    "\"use strict\"",
    ".prototype.",
];

/// xorshift64*.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    /// Near `middle`, up to 4 off.
    fn near(&mut self, middle: usize) -> usize {
        (middle + self.below(9)).saturating_sub(4)
    }
}

/// How many kinds of input [`sample`] goes through.
pub(super) const KINDS: u64 = 14;

/// The input with this number. Numbers that are equal modulo [`KINDS`] are of one kind.
pub(super) fn sample(number: u64) -> Vec<u8> {
    let mut numbers = Numbers((number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let n = &mut numbers;
    match number % KINDS {
        0 => tiny(n),
        1 => {
            let len = n.below(20_000);
            noise(n, len, 256)
        }
        2 => runs(n),
        3 => {
            let (len, symbols) = (n.below(60_000), 2 + n.below(8));
            noise(n, len, symbols)
        }
        4 => {
            let len = n.below(90_000);
            text(n, len)
        }
        5 => tar(n),
        6 => around_the_window(n),
        7 => full_blocks(n),
        8 => far_matches(n),
        9 => period(n),
        10 => edited_copy(n),
        11 => cut_tail(n),
        12 => mixed(n),
        _ => rare_symbols(n),
    }
}

fn tiny(n: &mut Numbers) -> Vec<u8> {
    let (len, symbols) = (n.below(12), 1 + n.below(4));
    noise(n, len, symbols)
}

fn noise(n: &mut Numbers, len: usize, symbols: usize) -> Vec<u8> {
    (0..len).map(|_| u8::try_from(n.below(symbols)).unwrap()).collect()
}

fn runs(n: &mut Numbers) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..n.below(60) {
        let byte = n.byte();
        let len = if n.below(4) == 0 { n.below(4000) } else { n.below(12) };
        out.resize(out.len() + len, byte);
    }
    out
}

fn text(n: &mut Numbers, len: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(len + 16);
    while out.len() < len {
        // The product of two draws: some words are much more frequent than others.
        let rank = n.below(WORDS.len()) * n.below(WORDS.len()) / WORDS.len();
        out.extend_from_slice(WORDS[rank].as_bytes());
        if n.below(5) == 0 {
            let name = format!("v{:x}", n.below(4000));
            out.extend_from_slice(name.as_bytes());
        }
    }
    out.truncate(len);
    out
}

fn tar(n: &mut Numbers) -> Vec<u8> {
    let mut out = Vec::new();
    for file in 0..=n.below(12) {
        let len = n.below(6000);
        let mut header = [0_u8; 512];
        let name = format!("package/lib/{}/file-{file}.js", WORDS[n.below(6)]);
        header[..name.len()].copy_from_slice(name.as_bytes());
        let fields = format!("0000644\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0{len:011o} 03560116604 {:06o}\0 0", n.below(9999));
        header[100..100 + fields.len()].copy_from_slice(fields.as_bytes());
        header[257..265].copy_from_slice(b"ustar\x0000");
        out.extend_from_slice(&header);
        out.extend(text(n, len));
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

fn around_the_window(n: &mut Numbers) -> Vec<u8> {
    let halves = 1 + n.below(4);
    let short = [0, 0, 258, 261, 262, 263][n.below(6)];
    let len = n.near(halves * WINDOW - short);
    match n.below(3) {
        0 => noise(n, len, 4),
        1 => noise(n, len, 256),
        _ => text(n, len),
    }
}

fn full_blocks(n: &mut Numbers) -> Vec<u8> {
    let blocks = 1 + n.below(3);
    let len = n.near(blocks * BLOCK);
    let mut out = noise(n, len, 256);
    if n.below(2) == 0 {
        let len = n.below(700);
        out.extend(text(n, len));
    }
    out
}

/// A string and its copies at distances around the greatest that is allowed, and around the limit
/// for short matches.
fn far_matches(n: &mut Numbers) -> Vec<u8> {
    let distance = [WINDOW, MAX_DISTANCE, MAX_DISTANCE, 4096][n.below(4)];
    let len = 3 + n.below(20);
    let string = noise(n, len, 256);
    let mut out = Vec::new();
    for _ in 0..2 + n.below(4) {
        out.extend_from_slice(&string);
        let gap = n.near(distance - len);
        if n.below(2) == 0 {
            out.extend(noise(n, gap, 256));
        } else {
            out.resize(out.len() + gap, b'.');
        }
    }
    out.extend_from_slice(&string);
    out
}

fn period(n: &mut Numbers) -> Vec<u8> {
    let len = [1, 2, 3, 4, 7, 258, 4096, MAX_DISTANCE - 1, MAX_DISTANCE, MAX_DISTANCE + 1, WINDOW][n.below(11)];
    let unit = noise(n, len, 256);
    let total = [WINDOW, 2 * WINDOW, 3 * WINDOW + 5000][n.below(3)];
    let total = n.near(total);
    unit.into_iter().cycle().take(total).collect()
}

fn edited_copy(n: &mut Numbers) -> Vec<u8> {
    let len = 1 + n.below(30_000);
    let mut out = text(n, len);
    let mut copy = out.clone();
    for _ in 0..n.below(200) {
        let at = n.below(len);
        copy[at] = n.byte();
    }
    out.extend(copy);
    out
}

/// Ends with the begin of something seen before: the last hashes see less than they read.
fn cut_tail(n: &mut Numbers) -> Vec<u8> {
    let len = 10 + n.below(2 * WINDOW + 9000);
    let symbols = [2, 5, 64][n.below(3)];
    let mut out = noise(n, len, symbols);
    let from = n.below(len - 8);
    let tail = out[from..from + 1 + n.below(7)].to_vec();
    out.extend(tail);
    out
}

fn mixed(n: &mut Numbers) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..=n.below(6) {
        let len = n.below(20_000);
        match n.below(3) {
            0 => out.extend(noise(n, len, 256)),
            1 => out.resize(out.len() + len, 0),
            _ => out.extend(text(n, len)),
        }
    }
    out
}

/// Symbol counts that grow like Fibonacci's numbers: codes that would be too long.
fn rare_symbols(n: &mut Numbers) -> Vec<u8> {
    let (mut a, mut b) = (1, 1);
    let mut out = Vec::new();
    for symbol in 0..10 + n.below(12) {
        let count = a;
        (a, b) = (b, a + b);
        out.resize(out.len() + count, u8::try_from(symbol * 7).unwrap());
    }
    for at in (1..out.len()).rev() {
        out.swap(at, n.below(at + 1));
    }
    out
}
