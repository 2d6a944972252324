//! The spooled tar stream.

use std::io::{Read, Seek, SeekFrom};

use super::super::{Archive, Limits};
use super::read;
use super::tarball::{Tar, gzip};

/// Deterministic bytes that hardly compress.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .collect()
}

#[test]
fn contents_are_read_back_from_memory() {
    let archive = read(&Tar::default().file("package/a", "one").file("package/b", "two").end());
    assert_eq!(archive.content(archive.get("b").unwrap()).unwrap(), b"two");
    assert_eq!(archive.content(archive.get("a").unwrap()).unwrap(), b"one");
}

#[test]
fn contents_are_read_back_from_a_file_past_what_memory_may_hold() {
    let large = noise(20 << 20);
    let tar = Tar::default().put(super::tarball::Head::file("package/large"), &large).file("package/z", "last").end();
    let archive = Archive::read(gzip(&tar.0).as_slice(), &Limits::default()).unwrap();
    assert_eq!(archive.content(archive.get("z").unwrap()).unwrap(), b"last");
    assert!(archive.content(archive.get("large").unwrap()).unwrap() == large);
    let (mut one, mut other) = (archive.open(archive.get("large").unwrap()), archive.tar());
    let (mut a, mut b) = ([0; 10], [0; 10]);
    one.read_exact(&mut a).unwrap();
    other.read_exact(&mut b).unwrap();
    one.read_exact(&mut b).unwrap();
    assert_eq!((a.as_slice(), b.as_slice()), (&large[..10], &large[10..20]), "readers keep their own positions");
}

#[test]
fn the_tar_stream_is_kept_to_its_very_end() {
    let tar = Tar::default().file("package/a", "1").end().raw(&[0; 5120]);
    let archive = read(&tar);
    let mut all = Vec::new();
    archive.tar().read_to_end(&mut all).unwrap();
    assert_eq!(all, tar.0);
    assert_eq!(archive.tar_len(), tar.0.len() as u64);
}

#[test]
fn the_tar_stream_can_be_sought() {
    let tar = Tar::default().file("package/a", "content").end();
    let archive = read(&tar);
    let mut stream = archive.tar();
    assert_eq!(stream.seek(SeekFrom::Start(512)).unwrap(), 512);
    let mut seen = [0; 7];
    stream.read_exact(&mut seen).unwrap();
    assert_eq!(&seen, b"content");
    assert_eq!(stream.seek(SeekFrom::End(0)).unwrap(), tar.0.len() as u64);
    assert_eq!(stream.read(&mut seen).unwrap(), 0);
    assert!(stream.seek(SeekFrom::Current(-1_000_000)).is_err());
}

#[test]
fn a_source_of_single_bytes_gives_the_same_archive() {
    struct Trickle<'a>(&'a [u8]);
    impl Read for Trickle<'_> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let len = out.len().min(1);
            self.0.read(&mut out[..len])
        }
    }
    let bytes = gzip(&Tar::default().file("package/a", &"text ".repeat(5000)).end().0);
    let whole = Archive::read(bytes.as_slice(), &Limits::default()).unwrap();
    let trickled = Archive::read(Trickle(&bytes), &Limits::default()).unwrap();
    assert_eq!(trickled.entries(), whole.entries());
    assert_eq!(trickled.compressed_len(), bytes.len() as u64);
}
