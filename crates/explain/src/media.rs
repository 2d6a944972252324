//! Pictures, sounds, films, fonts and models that are what they are called from their first byte to
//! their last.
//!
//! A magic number says nothing of what stands behind it: byte code, a code cache, a text in another
//! encoding and a script for a reader that skips what it does not know all begin as they like. So a
//! file counts only if its format's own lengths lead from its beginning to its very end, and
//! nothing is left over. In: bytes of strangers. Of a PNG the rows are unpacked and thrown away, of
//! others nothing is unpacked, and nothing is kept.

use std::io::{self, BufRead, BufReader, Read};

use crate::png;

/// Most tables and pictures of one file.
const MOST: u16 = 256;

/// Whether `content`, of `size` bytes, is one whole file of a known format.
pub(crate) fn is_whole(size: u64, content: impl Read) -> bool {
    let mut content = BufReader::new(content);
    let Some(head) = content.fill_buf().ok().and_then(|head| head.first_chunk::<12>()).copied() else { return false };
    let mut walk = Walk { content, left: size };
    let whole = match &head {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => png::whole(&mut walk),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => gif(&mut walk),
        [0xff, 0xd8, 0xff, ..] => jpeg(&mut walk),
        [b'R', b'I', b'F', b'F', ..] => riff(&mut walk),
        [b'B', b'M', ..] => bitmap(&mut walk),
        [0, 0, 1, 0, ..] => icon(&mut walk),
        [0, 1, 0, 0, ..] | [b'O', b'T', b'T', b'O', ..] | [b't', b'r', b'u', b'e', ..] => font(&mut walk),
        [b'w', b'O', b'F', b'F', ..] => web_font(&mut walk, 20),
        [b'w', b'O', b'F', b'2', ..] => web_font(&mut walk, 24),
        [b'O', b'g', b'g', b'S', ..] => ogg(&mut walk),
        [b'M', b'T', b'h', b'd', ..] => midi(&mut walk),
        [b'I', b'D', b'3', ..] | [0xff, 0xe0..=0xff, ..] => mp3(&mut walk),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => boxes(&mut walk),
        [b'g', b'l', b'T', b'F', 2, 0, 0, 0, ..] => model(&mut walk),
        _ => None,
    };
    whole.is_some() && walk.left == 0 && walk.content.fill_buf().is_ok_and(<[u8]>::is_empty)
}

/// A file that is gone through once. Each step is `None` where the file has less.
pub(crate) struct Walk<R> {
    content: BufReader<R>,
    left: u64,
}

impl<R: Read> Walk<R> {
    pub(crate) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        self.left = self.left.checked_sub(N as u64)?;
        self.content.read_exact(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Fills `bytes`.
    pub(crate) fn fill(&mut self, bytes: &mut [u8]) -> Option<()> {
        self.left = self.left.checked_sub(bytes.len() as u64)?;
        self.content.read_exact(bytes).ok()
    }

    fn byte(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    pub(crate) fn skip(&mut self, bytes: u64) -> Option<()> {
        self.left = self.left.checked_sub(bytes)?;
        let passed = io::copy(&mut self.content.by_ref().take(bytes), &mut io::sink()).ok()?;
        (passed == bytes).then_some(())
    }

    /// Two bytes, the high one first.
    fn high16(&mut self) -> Option<u16> {
        self.take().map(u16::from_be_bytes)
    }

    /// Four bytes, the highest first.
    pub(crate) fn high32(&mut self) -> Option<u64> {
        self.take().map(|bytes| u32::from_be_bytes(bytes).into())
    }

    /// Four bytes, the lowest first.
    fn low32(&mut self) -> Option<u64> {
        self.take().map(|bytes| u32::from_le_bytes(bytes).into())
    }
}

fn gif(walk: &mut Walk<impl Read>) -> Option<()> {
    let palette = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 * (2 << (flags & 7)) };
    walk.skip(10)?;
    let [flags, _, _] = walk.take()?;
    walk.skip(palette(flags))?;
    loop {
        match walk.byte()? {
            0x3b => return Some(()),
            0x21 => walk.skip(1)?,
            0x2c => {
                walk.skip(8)?;
                let flags = walk.byte()?;
                walk.skip(palette(flags) + 1)?;
            }
            _ => return None,
        }
        loop {
            match walk.byte()? {
                0 => break,
                length => walk.skip(length.into())?,
            }
        }
    }
}

fn jpeg(walk: &mut Walk<impl Read>) -> Option<()> {
    walk.skip(2)?;
    let mut marker = (walk.byte()? == 0xff).then(|| walk.byte()).flatten()?;
    loop {
        match marker {
            0xd9 => return Some(()),
            0 | 0x01 | 0xd0..=0xd8 => return None,
            _ => {}
        }
        let length = u64::from(walk.high16()?).checked_sub(2)?;
        walk.skip(length)?;
        let is_scan = marker == 0xda;
        // Behind the head of a scan come its bytes, in which 0xff is followed by a zero or stands
        // before the number of a part.
        loop {
            match walk.byte()? {
                0xff => match walk.byte()? {
                    0 | 0xd0..=0xd7 if is_scan => {}
                    other => {
                        marker = other;
                        break;
                    }
                },
                _ if is_scan => {}
                _ => return None,
            }
        }
    }
}

fn riff(walk: &mut Walk<impl Read>) -> Option<()> {
    let size = walk.left;
    walk.skip(4)?;
    if walk.low32()? + 8 != size || !matches!(&walk.take()?, b"WAVE" | b"WEBP" | b"AVI ") {
        return None;
    }
    while walk.left > 0 {
        let kind = walk.take::<4>()?;
        let length = walk.low32()?;
        if !kind.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b' ') {
            return None;
        }
        walk.skip((length + length % 2).min(walk.left.max(length)))?;
    }
    Some(())
}

/// A picture without compression, as nearly all are: its rows are as long as it says.
fn bitmap(walk: &mut Walk<impl Read>) -> Option<()> {
    let size = walk.left;
    walk.skip(2)?;
    let said = walk.low32()?;
    walk.skip(4)?;
    let (start, header) = (walk.low32()?, walk.low32()?);
    let (width, height) = (walk.low32()?, walk.take().map(i32::from_le_bytes)?);
    let [_, _, bits, _] = walk.take()?;
    let compression = walk.low32()?;
    let rows = (width * u64::from(bits)).div_ceil(32).checked_mul(4)?.checked_mul(height.unsigned_abs().into())?;
    let is_whole =
        said == size && (40..=124).contains(&header) && compression == 0 && start <= 14 + header + 1024 && start.checked_add(rows)? == size;
    is_whole.then(|| walk.skip(walk.left)).flatten()
}

fn icon(walk: &mut Walk<impl Read>) -> Option<()> {
    let size = walk.left;
    walk.skip(4)?;
    let count = walk.take().map(u16::from_le_bytes).filter(|count| (1..=MOST).contains(count))?;
    let mut parts = Vec::new();
    for _ in 0..count {
        walk.skip(8)?;
        let length = walk.low32()?;
        parts.push((walk.low32()?, length));
    }
    covers(size, 6 + 16 * u64::from(count), parts).then(|| walk.skip(walk.left)).flatten()
}

fn font(walk: &mut Walk<impl Read>) -> Option<()> {
    let size = walk.left;
    walk.skip(4)?;
    let count = walk.high16().filter(|count| (1..=MOST).contains(count))?;
    walk.skip(6)?;
    let mut parts = Vec::new();
    for _ in 0..count {
        walk.skip(8)?;
        parts.push((walk.high32()?, walk.high32()?));
    }
    covers(size, 12 + 16 * u64::from(count), parts).then(|| walk.skip(walk.left)).flatten()
}

/// Whether parts, by place and length, take up a file from `start` to its end, but for what brings
/// them to a multiple of four bytes.
fn covers(size: u64, start: u64, mut parts: Vec<(u64, u64)>) -> bool {
    parts.sort_unstable();
    let mut end = start;
    for (place, length) in parts {
        if place > end.next_multiple_of(4) {
            return false;
        }
        end = end.max(place + length);
    }
    end <= size && size <= end.next_multiple_of(4)
}

/// WOFF, whose fields for texts of the author's own stand `more` bytes behind its length.
fn web_font(walk: &mut Walk<impl Read>, more: u64) -> Option<()> {
    let size = walk.left;
    walk.skip(8)?;
    if walk.high32()? != size {
        return None;
    }
    walk.skip(more - 8)?;
    let (_, metadata, _) = (walk.high32()?, walk.high32()?, walk.high32()?);
    let (_, private) = (walk.high32()?, walk.high32()?);
    (metadata == 0 && private == 0).then(|| walk.skip(walk.left)).flatten()
}

fn ogg(walk: &mut Walk<impl Read>) -> Option<()> {
    while walk.left > 0 {
        let head = walk.take::<26>()?;
        let segments = walk.byte()?;
        if !head.starts_with(b"OggS\0") {
            return None;
        }
        let mut length = 0;
        for _ in 0..segments {
            length += u64::from(walk.byte()?);
        }
        walk.skip(length)?;
    }
    Some(())
}

fn midi(walk: &mut Walk<impl Read>) -> Option<()> {
    walk.skip(4)?;
    if walk.high32()? != 6 {
        return None;
    }
    walk.skip(6)?;
    while walk.left > 0 {
        if &walk.take::<4>()? != b"MTrk" {
            return None;
        }
        let length = walk.high32()?;
        walk.skip(length)?;
    }
    Some(())
}

/// Frames of MPEG's third layer, behind a head of ID3's and before an end of it.
fn mp3(walk: &mut Walk<impl Read>) -> Option<()> {
    let mut head = walk.take::<4>()?;
    if head.starts_with(b"ID3") {
        let [_, _, a, b, c, d] = walk.take()?;
        if [a, b, c, d].iter().any(|byte| *byte > 0x7f) {
            return None;
        }
        walk.skip([a, b, c, d].iter().fold(0, |length, byte| (length << 7) | u64::from(*byte)))?;
        head = walk.take()?;
    }
    loop {
        if head.starts_with(b"TAG") {
            return (walk.left == 124).then(|| walk.skip(124)).flatten();
        }
        let length = frame(head)?;
        walk.skip(length.checked_sub(4)?)?;
        if walk.left == 0 {
            return Some(());
        }
        head = walk.take()?;
    }
}

/// How long a frame is, with its head.
fn frame([sync, kind, rates, _]: [u8; 4]) -> Option<u64> {
    const OF_1: [u64; 14] = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
    const OF_2: [u64; 14] = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
    if sync != 0xff || kind & 0xe6 != 0xe2 {
        return None;
    }
    let (bits, times, halves) = match (kind >> 3) & 3 {
        3 => (OF_1, 144, 1),
        2 => (OF_2, 72, 2),
        0 => (OF_2, 72, 4),
        _ => return None,
    };
    let rate = [44_100, 48_000, 32_000].get(usize::from((rates >> 2) & 3))? / halves;
    let bit_rate = bits.get(usize::from(rates >> 4).checked_sub(1)?)? * 1_000;
    Some(times * bit_rate / rate + u64::from((rates >> 1) & 1))
}

/// MP4 and its kin (M4A, MOV, AVIF, HEIC): boxes, each with its length.
fn boxes(walk: &mut Walk<impl Read>) -> Option<()> {
    while walk.left > 0 {
        let (length, kind) = (walk.high32()?, walk.take::<4>()?);
        let rest = match length {
            0 => walk.left,
            1 => walk.take().map(u64::from_be_bytes)?.checked_sub(16)?,
            _ => length.checked_sub(8)?,
        };
        if !kind.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b' ') {
            return None;
        }
        walk.skip(rest)?;
    }
    Some(())
}

/// A model of glTF's in one file.
fn model(walk: &mut Walk<impl Read>) -> Option<()> {
    let size = walk.left;
    walk.skip(8)?;
    if walk.low32()? != size {
        return None;
    }
    while walk.left > 0 {
        let length = walk.low32()?;
        if !matches!(&walk.take()?, b"JSON" | b"BIN\0") {
            return None;
        }
        walk.skip(length)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::png::tests::picture;

    fn whole(content: &[u8]) -> bool {
        is_whole(content.len() as u64, content)
    }

    fn files() -> Vec<(&'static str, Vec<u8>)> {
        let riff = |kind: &[u8], data: &[u8]| {
            let chunk = [b"data", &u32::try_from(data.len()).unwrap().to_le_bytes()[..], data].concat();
            let length = u32::try_from(4 + chunk.len()).unwrap().to_le_bytes();
            [b"RIFF", &length[..], kind, &chunk].concat()
        };
        let mut bitmap = [b"BM", &58_u32.to_le_bytes()[..], &[0; 4], &54_u32.to_le_bytes(), &40_u32.to_le_bytes()].concat();
        bitmap.extend([&1_u32.to_le_bytes()[..], &1_u32.to_le_bytes(), &[1, 0, 24, 0], &[0; 24], &[1, 2, 3, 0]].concat());
        let icon = [&[0, 0, 1, 0, 1, 0][..], &[0; 8], &5_u32.to_le_bytes(), &22_u32.to_le_bytes(), b"abcde"].concat();
        let font = [&[0, 1, 0, 0, 0, 1][..], &[0; 6], b"glyf", &[0; 4], &28_u32.to_be_bytes(), &5_u32.to_be_bytes(), b"abcde"].concat();
        let mut woff2 = [b"wOF2\0\x01\0\0", &52_u32.to_be_bytes()[..]].concat();
        woff2.resize(52, 0);
        let ogg = [b"OggS\0".to_vec(), vec![0; 21], vec![1, 3], b"abc".to_vec()].concat();
        let midi = [b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk".to_vec(), vec![0, 0, 0, 2, 1, 2]].concat();
        let frame = [&[0xff, 0xfb, 0x90, 0][..], &[0; 413]].concat();
        let mp3 = [b"ID3\x03\0\0\0\0\0\x02ab".to_vec(), frame.clone(), frame].concat();
        let mp4 = [&12_u32.to_be_bytes()[..], b"ftypmp42", &11_u32.to_be_bytes(), b"mdatabc"].concat();
        let model = [&b"glTF\x02\0\0\0\x18\0\0\0\x04\0\0\0JSON{}  "[..]].concat();
        vec![
            ("png", picture(b"abc")),
            ("gif", b"GIF89a\x01\0\x01\0\x80\0\0abcdef\x21\xf9\x04\0\0\0\0\0\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3b".to_vec()),
            ("jpeg", b"\xff\xd8\xff\xe0\0\x04ab\xff\xda\0\x03a\x01\xff\0\x02\xff\xd0\x03\xff\xd9".to_vec()),
            ("wav", riff(b"WAVE", b"abcd")),
            ("webp", riff(b"WEBP", b"abcd")),
            ("bmp", bitmap),
            ("ico", icon),
            ("ttf", font),
            ("woff2", woff2),
            ("ogg", ogg),
            ("mid", midi),
            ("mp3", mp3),
            ("mp4", mp4),
            ("glb", model),
        ]
    }

    #[test]
    fn a_file_of_a_known_format_is_whole_to_its_last_byte() {
        for (name, content) in files() {
            assert!(whole(&content), "{name}");
            let longer = [&content[..], b"\n#!perl\n"].concat();
            assert!(!whole(&longer), "{name} with more behind it");
            assert!(!whole(&content[..content.len() - 1]), "{name} without its last byte");
            assert!(!is_whole(content.len() as u64 + 1, content.as_slice()), "{name}, which is said to be longer");
        }
    }

    #[test]
    fn a_magic_number_alone_is_no_format() {
        for (name, content) in files() {
            let head = content.first_chunk::<12>().unwrap();
            let other = [&head[..], b"\n#!perl\nprint 1;\n", &[0; 64]].concat();
            assert!(!whole(&other), "{name}");
        }
    }

    #[test]
    fn code_that_is_no_text_is_of_no_format() {
        let mut byte_code = b"\xa7\r\r\n\0\0\0\0".to_vec();
        byte_code.extend([0xe3; 64]);
        let mut cache = b"\xfb\x05\xde\xc0\xb2\x11\x2d\x40".to_vec();
        cache.extend([1; 64]);
        let wide: Vec<u8> = [0xfeff_u16].into_iter().chain("alert(1)//".encode_utf16()).flat_map(u16::to_le_bytes).collect();
        let perl = b"\x01\xff\n#!perl\nprint 1;\n__END__\n".to_vec();
        let mut xcoff = vec![1, 0xf7, 0, 1];
        xcoff.extend([0; 64]);
        for code in [byte_code, cache, wide, perl, xcoff, b"\x80\x04cposix\nsystem\n".to_vec(), Vec::new()] {
            assert!(!whole(&code), "{code:x?}");
        }
    }
}
