use std::io::{Read, Seek, SeekFrom, Write};

use super::super::{Spool, SpoolWriter};

fn spool(size: usize) -> (Vec<u8>, Spool) {
    let content: Vec<u8> = (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect();
    let mut writer = SpoolWriter::new(&std::env::temp_dir());
    for piece in content.chunks(100_000) {
        writer.write_all(piece).unwrap();
    }
    (content, writer.finish().unwrap())
}

#[test]
fn few_bytes_stay_in_memory_and_many_go_to_disk() {
    for (size, in_memory) in [(0, true), (1000, true), (17 << 20, false)] {
        let (content, spool) = spool(size);
        assert_eq!((spool.len(), spool.in_memory().is_some()), (size as u64, in_memory));
        let mut all = Vec::new();
        spool.open().read_to_end(&mut all).unwrap();
        assert!(all == content, "{size}");
    }
}

#[test]
fn readers_have_positions_of_their_own() {
    for size in [1000, 17 << 20] {
        let (content, spool) = spool(size);
        let (mut a, mut b) = (spool.open(), spool.open());
        let mut four = [0; 4];
        a.seek(SeekFrom::Start(500)).unwrap();
        a.read_exact(&mut four).unwrap();
        assert_eq!(four, content[500..504]);
        b.read_exact(&mut four).unwrap();
        assert_eq!(four, content[..4]);
        a.seek(SeekFrom::End(-4)).unwrap();
        a.read_exact(&mut four).unwrap();
        assert_eq!(four, content[size - 4..]);
        assert_eq!(a.read(&mut four).unwrap(), 0);
        assert!(a.seek(SeekFrom::Current(-(1 << 40))).is_err());
        a.seek(SeekFrom::Start(1 << 40)).unwrap();
        assert_eq!(a.read(&mut four).unwrap(), 0);
    }
}

#[test]
fn a_writer_that_is_cleared_has_forgotten_everything() {
    let mut writer = SpoolWriter::new(&std::env::temp_dir());
    writer.write_all(&vec![1; 17 << 20]).unwrap();
    writer.clear();
    writer.write_all(b"new").unwrap();
    assert_eq!(writer.finish().unwrap().in_memory().unwrap().as_ref(), b"new");
}
