//! A PNG that is whole: each part has its checksum, and its picture is as large as it says, and no
//! larger.

use std::io::Read;

use flate2::{Crc, Decompress, FlushDecompress, Status};
use verdict::patience;

use crate::media::Walk;

/// Bytes of a picture without compression that are looked through.
const LARGEST: u64 = 1 << 30;
/// Where the seven pictures of an interlaced one begin, and how far their points are apart.
const PASSES: [(u64, u64, u64, u64); 7] =
    [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];
/// Bytes that are taken at a time.
const PIECE: usize = 16 << 10;

/// Goes through a PNG to its end; `None` for what is none. <https://www.w3.org/TR/png-3/>
pub(crate) fn whole(walk: &mut Walk<impl Read>) -> Option<()> {
    walk.skip(8)?;
    let mut picture = None;
    loop {
        let (length, kind) = (walk.high32()?, walk.take::<4>()?);
        if !kind.iter().all(u8::is_ascii_alphabetic) || picture.is_none() != (&kind == b"IHDR") {
            return None;
        }
        let mut sum = Crc::new();
        sum.update(&kind);
        match &kind {
            b"IHDR" if length == 13 => {
                let head = walk.take::<13>()?;
                sum.update(&head);
                picture = Some(Picture::of(head)?);
            }
            b"IHDR" => return None,
            _ => {
                let data = picture.as_mut().filter(|_| &kind == b"IDAT");
                each_piece(walk, length, &mut sum, data)?;
            }
        }
        if walk.high32()? != u64::from(sum.sum()) {
            return None;
        }
        if &kind == b"IEND" {
            return (length == 0 && picture.is_some_and(|picture| picture.is_whole())).then_some(());
        }
    }
}

/// Takes the data of a part, and unpacks it where it is the picture's.
fn each_piece(walk: &mut Walk<impl Read>, length: u64, sum: &mut Crc, mut picture: Option<&mut Picture>) -> Option<()> {
    let mut left = usize::try_from(length).ok()?;
    let mut piece = [0; PIECE];
    while left > 0 {
        let piece = piece.get_mut(..left.min(PIECE))?;
        walk.fill(piece)?;
        sum.update(piece);
        if let Some(picture) = &mut picture {
            picture.unpack(piece)?;
        }
        left -= piece.len();
    }
    Some(())
}

/// The rows of a picture as they are unpacked.
struct Picture {
    /// Bytes that it has to have.
    size: u64,
    stream: Decompress,
    is_over: bool,
}

impl Picture {
    /// As its head says.
    fn of(head: [u8; 13]) -> Option<Self> {
        let (width, rest) = head.split_first_chunk()?;
        let (height, rest) = rest.split_first_chunk()?;
        let &[depth, color, 0, 0, interlace] = rest else { return None };
        let (width, height) = (u64::from(u32::from_be_bytes(*width)), u64::from(u32::from_be_bytes(*height)));
        let samples = match (color, depth) {
            (0, 1 | 2 | 4 | 8 | 16) | (3, 1 | 2 | 4 | 8) => 1,
            (2, 8 | 16) => 3,
            (4, 8 | 16) => 2,
            (6, 8 | 16) => 4,
            _ => return None,
        };
        let of_rows = |width: u64, height: u64| {
            let row = width.checked_mul(samples * u64::from(depth))?.div_ceil(8) + 1;
            if width == 0 { Some(0) } else { row.checked_mul(height) }
        };
        let part = |(x, y, across, down): (u64, u64, u64, u64)| {
            of_rows(width.saturating_sub(x).div_ceil(across), height.saturating_sub(y).div_ceil(down))
        };
        let size = match interlace {
            0 => of_rows(width, height)?,
            1 => PASSES.into_iter().map(part).sum::<Option<u64>>()?,
            _ => return None,
        };
        (width > 0 && height > 0 && size <= LARGEST).then(|| Self { size, stream: Decompress::new(true), is_over: false })
    }

    fn unpack(&mut self, mut data: &[u8]) -> Option<()> {
        let mut room = [0; PIECE];
        loop {
            // Nothing stands behind the end.
            if (self.is_over && !data.is_empty()) || patience::is_over() {
                return None;
            }
            let before = (self.stream.total_in(), self.stream.total_out());
            let status = self.stream.decompress(data, &mut room, FlushDecompress::None).ok()?;
            let taken = usize::try_from(self.stream.total_in() - before.0).ok()?;
            let made = self.stream.total_out() - before.1;
            self.is_over = status == Status::StreamEnd;
            data = data.get(taken..)?;
            if self.stream.total_out() > self.size {
                return None;
            }
            if data.is_empty() && (self.is_over || made < room.len() as u64) {
                return Some(());
            }
            if taken == 0 && made == 0 && !self.is_over {
                return None;
            }
        }
    }

    fn is_whole(&self) -> bool {
        self.is_over && self.stream.total_out() == self.size
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::media::is_whole;
    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use std::io::Write;

    fn packed(rows: &[u8], level: Compression) -> Vec<u8> {
        let mut packer = ZlibEncoder::new(Vec::new(), level);
        packer.write_all(rows).unwrap();
        packer.finish().unwrap()
    }

    pub(crate) fn chunk(kind: &[u8], data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap();
        let mut sum = Crc::new();
        sum.update(kind);
        sum.update(data);
        [&length.to_be_bytes()[..], kind, data, &sum.sum().to_be_bytes()].concat()
    }

    fn of(head: &[u8], data: &[u8], more: &[u8]) -> Vec<u8> {
        [b"\x89PNG\r\n\x1a\n", &chunk(b"IHDR", head)[..], more, &chunk(b"IDAT", data), &chunk(b"IEND", b"")].concat()
    }

    fn head(width: u32, height: u32, kind: [u8; 5]) -> Vec<u8> {
        [&width.to_be_bytes()[..], &height.to_be_bytes(), &kind].concat()
    }

    /// A picture of one row of grey points with these bytes, which are not compressed.
    pub(crate) fn picture(inside: &[u8]) -> Vec<u8> {
        let rows = [&[0][..], inside].concat();
        of(&head(u32::try_from(inside.len()).unwrap(), 1, [8, 0, 0, 0, 0]), &packed(&rows, Compression::none()), b"")
    }

    fn whole(content: &[u8]) -> bool {
        is_whole(content.len() as u64, content)
    }

    #[test]
    fn a_picture_of_each_kind_is_whole() {
        for (width, height, kind, size) in [
            (3, 2, [8, 6, 0, 0, 0], 2 * 13),
            (3, 2, [1, 3, 0, 0, 0], 2 * 2),
            (5, 2, [16, 2, 0, 0, 0], 2 * 31),
            // One point: a pass of one row, and six of nothing.
            (1, 1, [8, 0, 0, 0, 1], 2),
            (8, 8, [8, 0, 0, 0, 1], (2 + 2 + 3) + (2 * 3 + 5 * 2) + (4 * 5 + 9 * 4)),
        ] {
            let content = of(&head(width, height, kind), &packed(&vec![0; size], Compression::best()), &chunk(b"tEXt", b"a\0b"));
            assert!(whole(&content), "{width} {height} {kind:?}");
            let longer = of(&head(width, height, kind), &packed(&vec![0; size + 1], Compression::best()), b"");
            assert!(!whole(&longer), "{width} {height} {kind:?}, and a byte more");
        }
    }

    #[test]
    fn checksums_rows_and_what_stands_behind_them_are_looked_at() {
        let good = of(&head(3, 1, [8, 0, 0, 0, 0]), &packed(&[0; 4], Compression::fast()), b"");
        assert!(whole(&good));
        for at in 8..good.len() {
            let mut other = good.clone();
            other[at] ^= 1;
            assert!(!whole(&other), "byte {at}");
        }
        let behind = [&packed(&[0; 4], Compression::fast())[..], b"\nsh x\n"].concat();
        assert!(!whole(&of(&head(3, 1, [8, 0, 0, 0, 0]), &behind, b"")), "more behind the rows");
        assert!(!whole(&of(&head(3, 1, [8, 0, 0, 0, 0]), b"\nsh x\n", b"")), "no rows");
        assert!(!whole(&of(&head(u32::MAX, u32::MAX, [8, 0, 0, 0, 0]), b"", b"")), "too large");
        let bomb = of(&head(3, 1, [8, 0, 0, 0, 0]), &packed(&vec![0; 64 << 20], Compression::best()), b"");
        assert!(!whole(&bomb), "more rows than it says");
    }
}
