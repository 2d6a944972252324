//! The gzip around the tar.

use std::io::Write;

use flate2::{Compression, GzBuilder};

use super::super::{Archive, Limits};
use super::codes;
use super::tarball::{Tar, gzip};

#[test]
fn the_gzip_header_is_kept_as_it_is() {
    let mut encoder = GzBuilder::new()
        .filename("x.tar")
        .comment("hello")
        .extra(vec![1, 2, 3])
        .operating_system(3)
        .mtime(499_162_500)
        .write(Vec::new(), Compression::best());
    encoder.write_all(&Tar::default().file("package/a", "1").end().0).unwrap();
    let bytes = encoder.finish().unwrap();
    let archive = Archive::read(bytes.as_slice(), &Limits::default()).unwrap();
    let header = archive.gzip_header().unwrap();
    assert_eq!((header.flg, header.mtime, header.xfl, header.os), (4 | 8 | 16, 499_162_500, 2, 3));
    assert_eq!(header.raw, bytes[..10 + 5 + 6 + 6]);
    assert!(archive.is_plain());
}

#[test]
fn a_header_checksum_that_fits_is_no_oddity() {
    let good = gzip(&Tar::default().file("package/a", "1").end().0);
    let mut header = good[..10].to_vec();
    header[3] = 2;
    let mut crc = flate2::Crc::new();
    crc.update(&header);
    let low = u16::try_from(crc.sum() & 0xffff).unwrap().to_le_bytes();
    let bytes = [header.as_slice(), &low, &good[10..]].concat();
    let archive = Archive::read(bytes.as_slice(), &Limits::default()).unwrap();
    assert_eq!(codes(&archive), Vec::<&str>::new());
}

#[test]
fn a_second_member_is_read_as_npm_reads_it() {
    let first = Tar::default().file("package/a", "1");
    let second = Tar::default().file("package/b", "2").end();
    let archive = Archive::read([gzip(&first.0), gzip(&second.0)].concat().as_slice(), &Limits::default()).unwrap();
    assert_eq!(codes(&archive), ["second-gzip-member"]);
    assert_eq!(archive.entries().len(), 2);
}

#[test]
fn a_file_cut_short_gives_what_was_whole() {
    let tar = Tar::default().file("package/a", "1").file("package/b", "2").end();
    let bytes = gzip(&tar.0);
    let archive = Archive::read(&bytes[..bytes.len() - 4], &Limits::default()).unwrap();
    assert_eq!(codes(&archive), ["truncated-gzip"]);
    assert_eq!(archive.entries().len(), 2);
}
