use std::io::Cursor;

use super::*;

/// A tar-shaped stream of several deflate blocks whose classes differ: words in a fixed
/// pseudo-random sequence.
fn stream() -> Vec<u8> {
    let mut content = Vec::new();
    let mut state: u32 = 1;
    while content.len() < 300_000 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let word = ["function ", "return ", "const a", "=> {\n", "module.exports", ".prototype", "  ", "\n"][(state >> 29) as usize];
        content.extend_from_slice(word.as_bytes());
        content.push(state.to_be_bytes()[1] & 0x7f);
    }
    let mut header = [0; 512];
    header[..9].copy_from_slice(b"package/a");
    header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    let padding = content.len().wrapping_neg() % 512;
    [&header[..], &content, &vec![0; padding], &[0; 1024]].concat()
}

fn packed(class: Class, level: u8, xfl: u8, os: u8) -> Vec<u8> {
    let mut out = Vec::new();
    compress(&mut stream().as_slice(), Match { class, level, xfl, os }, &mut out).unwrap();
    out
}

#[test]
fn every_class_inflates_to_its_input() {
    for (class, level, xfl) in [(Class::A, 9, 2), (Class::B, 6, 0), (Class::C, 9, 2), (Class::ZlibRs, 6, 0), (Class::ZlibRs, 9, 2)] {
        let mut inflated = Vec::new();
        flate2::read::GzDecoder::new(packed(class, level, xfl, 3).as_slice()).read_to_end(&mut inflated).unwrap();
        assert!(inflated == stream(), "{class:?}");
    }
}

#[test]
fn the_encoder_is_found_from_the_published_bytes() {
    for (class, level, xfl, os) in [
        (Class::A, 6, 0, 3),
        (Class::B, 6, 0, 19),
        (Class::C, 6, 0, 255),
        (Class::ZlibRs, 6, 0, 255),
        (Class::ZlibRs, 9, 2, 255),
        (Class::C, 9, 2, 255),
        (Class::B, 9, 2, 255),
        (Class::B, 1, 4, 3),
    ] {
        let published = packed(class, level, xfl, os);
        let found = match_published(&mut Cursor::new(stream()), &published).unwrap();
        assert_eq!(found, Some(Match { class, level, xfl, os }));
    }
}

#[test]
fn nothing_is_found_for_other_bytes() {
    let published = packed(Class::C, 9, 2, 255);
    let found = |published: &[u8]| match_published(&mut Cursor::new(stream()), published).unwrap();
    assert!(found(&published).is_some());
    let flipped = |at: usize| {
        let mut bytes = published.clone();
        bytes[at] ^= 1;
        bytes
    };
    for at in [0, 2, 3, 4, 8, 11, published.len() / 2, published.len() - 9, published.len() - 8, published.len() - 1] {
        assert_eq!(found(&flipped(at)), None, "byte {at}");
    }
    assert_eq!(found(&published[..published.len() - 1]), None);
    assert_eq!(found(&[&published[..], b"\0"].concat()), None);
    assert_eq!(found(&published[..9]), None);
    assert_eq!(found(b""), None);
}

#[test]
fn the_stream_is_compared_not_the_length() {
    let mut other = stream();
    other[600] ^= 1;
    assert_eq!(match_published(&mut Cursor::new(other), &packed(Class::C, 9, 2, 255)).unwrap(), None);
}

#[test]
fn a_wrong_guess_stops_early() {
    struct Counting<'a>(&'a [u8], usize);
    impl Read for Counting<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let read = self.0.read(buffer)?;
            self.1 += read;
            Ok(read)
        }
    }
    let stream = stream();
    let published = packed(Class::A, 9, 2, 255);
    let mut input = Counting(&stream, 0);
    assert!(!gives(&mut input, Class::C, 9, &published[10..]).unwrap());
    assert!(input.1 < stream.len() / 2, "{} bytes were read", input.1);
}

#[test]
fn without_published_bytes_the_usual_encoder_of_the_era_is_taken() {
    use crate::era::by_id;
    let usual = |id, os| Match::usual(by_id(id).unwrap(), os);
    assert_eq!(usual("npm-7-20", Some(3)), Match { class: Class::C, level: 9, xfl: 2, os: 255 });
    assert_eq!(usual("pnpm-7", Some(19)), Match { class: Class::C, level: 6, xfl: 0, os: 19 });
    assert_eq!(usual("pnpm-7", None), Match { class: Class::C, level: 6, xfl: 0, os: 3 });
    assert_eq!(usual("pnpm-12-21", None), Match { class: Class::ZlibRs, level: 6, xfl: 0, os: 255 });
    assert_eq!(usual("bun-1", None), Match { class: Class::ZlibRs, level: 9, xfl: 2, os: 255 });
}

#[test]
fn a_long_name_and_its_nul_are_pieces_of_their_own() {
    let mut header = [0; 512];
    header[124..135].copy_from_slice(b"00000000201");
    header[156] = b'L';
    let stream = [&header[..], &[b'x'; 512], &[0; 1024]].concat();
    let mut input = stream.as_slice();
    let mut pieces = chunks::TarPieces::new(&mut input);
    let sizes: Vec<_> = std::iter::from_fn(|| pieces.next_piece().unwrap().map(<[u8]>::len)).collect();
    assert_eq!(sizes, [512, 128, 1, 383, 1024]);
}

#[test]
fn a_header_with_a_name_or_a_time_is_nobodys() {
    let mut published = packed(Class::C, 9, 2, 255);
    published[4] = 1;
    assert_eq!(match_published(&mut Cursor::new(stream()), &published).unwrap(), None);
}

#[test]
fn xfl_gives_the_level_and_the_newest_class_comes_first() {
    let shown = |xfl, os| encoders_for(xfl, os).into_iter().map(|e| format!("{}{}", e.class.as_str(), e.level)).collect::<Vec<_>>();
    assert_eq!(shown(2, 255), ["C9", "B9", "A9", "zlib-rs9"]);
    assert_eq!(shown(0, 3), ["C6", "B6", "A6"]);
    assert_eq!(shown(0, 255), ["C6", "B6", "A6", "zlib-rs6"]);
    assert_eq!(shown(7, 3), Vec::<String>::new());
}

#[test]
fn tar_pieces_are_header_content_padding_and_end() {
    let stream = stream();
    let mut input = stream.as_slice();
    let mut pieces = chunks::TarPieces::new(&mut input);
    let mut sizes = Vec::new();
    while let Some(piece) = pieces.next_piece().unwrap() {
        sizes.push(piece.len());
    }
    let content = usize::from_str_radix(std::str::from_utf8(&stream[124..135]).unwrap(), 8).unwrap();
    assert_eq!(sizes[0], 512);
    assert!(sizes[1..=content / 8192].iter().all(|size| *size == 8192));
    assert_eq!(sizes[sizes.len() - 3..], [content % 8192, content.wrapping_neg() % 512, 1024]);
}

/// The zlib-rs in use gave the bytes of pnpm 12's own tarballs; another release of it may not.
#[test]
fn zlib_rs_gives_the_bytes_that_it_gave() {
    let mut crc = flate2::Crc::new();
    crc.update(&packed(Class::ZlibRs, 6, 0, 255));
    assert_eq!((crc.amount(), crc.sum()), (79_557, 3_000_996_644));
}
