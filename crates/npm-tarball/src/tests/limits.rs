//! Each limit has its own error.

use verdict::diagnostic::{Diagnostic, Stage};

use super::super::{Archive, ArchiveError, Limits};
use super::tarball::{Tar, gzip};

fn refused(tar: &Tar, change: impl FnOnce(&mut Limits)) -> &'static str {
    let mut limits = Limits::default();
    change(&mut limits);
    let error = Archive::read(gzip(&tar.0).as_slice(), &limits).unwrap_err();
    assert_eq!(error.stage(), Stage::Compare);
    error.code()
}

fn two_files() -> Tar {
    Tar::default().file("package/a", "1").file("package/b", "2").end()
}

#[test]
fn the_compressed_size_is_bounded() {
    assert_eq!(refused(&two_files(), |limits| limits.compressed = 100), "archive-too-large");
}

#[test]
fn the_compressed_size_counts_what_follows_the_data() {
    let bytes = [gzip(&two_files().0), vec![b'x'; 200_000]].concat();
    let limits = Limits { compressed: 100_000, ..Limits::default() };
    let error = Archive::read(bytes.as_slice(), &limits).unwrap_err();
    assert!(matches!(error, ArchiveError::CompressedTooLarge { limit: 100_000 }));
}

#[test]
fn the_unpacked_size_is_bounded() {
    let tar = Tar::default().file("package/a", &"1".repeat(200_000)).end();
    assert_eq!(refused(&tar, |limits| limits.unpacked = 100_000), "archive-unpacked-too-large");
}

#[test]
fn the_unpacked_size_counts_what_follows_the_end_marker() {
    let tar = two_files().raw(&vec![0; 200_000]);
    assert_eq!(refused(&tar, |limits| limits.unpacked = 100_000), "archive-unpacked-too-large");
}

#[test]
fn the_ratio_is_bounded_beyond_a_free_amount() {
    let tar = Tar::default().file("package/a", &"\0".repeat(4 << 20)).end();
    let strict = |limits: &mut Limits| {
        limits.ratio = 10;
        limits.ratio_free = (1 << 20) + 1;
    };
    assert_eq!(refused(&tar, strict), "archive-ratio-too-high");
    let free = Limits { ratio: 10, ratio_free: 8 << 20, ..Limits::default() };
    assert!(Archive::read(gzip(&tar.0).as_slice(), &free).is_ok());
}

#[test]
fn the_number_of_entries_is_bounded_and_directories_count() {
    assert_eq!(refused(&two_files(), |limits| limits.entries = 1), "archive-too-many-entries");
    let directories = Tar::default().dir("package/a/").dir("package/b/").end();
    assert_eq!(refused(&directories, |limits| limits.entries = 1), "archive-too-many-entries");
}

#[test]
fn the_length_of_a_path_is_bounded() {
    let tar = Tar::default().pax(b'x', &[("path", &format!("package/{}", "a/".repeat(100)))]).file("x", "1").end();
    assert_eq!(refused(&tar, |limits| limits.path = 100), "archive-path-too-long");
}

#[test]
fn the_length_of_all_paths_together_is_bounded() {
    assert_eq!(refused(&two_files(), |limits| limits.paths_total = 10), "archive-paths-too-large");
}

#[test]
fn the_size_of_an_extended_header_is_bounded() {
    let tar = Tar::default().pax(b'x', &[("comment", &"x".repeat(2000))]).file("package/a", "1").end();
    assert_eq!(refused(&tar, |limits| limits.extended_header = 1000), "archive-extended-header-too-large");
}

#[test]
fn what_is_no_archive_says_what_to_give_instead() {
    let error = Archive::read(b"<html>".as_slice(), &Limits::default()).unwrap_err();
    assert_eq!(error.code(), "archive-unrecognised");
    assert!(error.hint().unwrap().contains(".tgz"));
}

#[test]
fn a_failing_source_is_an_error_of_its_own() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("gone"))
        }
    }
    let error = Archive::read(Broken, &Limits::default()).unwrap_err();
    assert_eq!(error.code(), "archive-read");
    assert_eq!(error.to_string(), "the archive could not be read: gone");
}
