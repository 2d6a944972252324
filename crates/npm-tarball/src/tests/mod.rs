//! The rules of the archive reader, without npm beside it. `tests/it` holds the same cases against
//! npm's own extractor.

#[path = "../../tests/it/cases/mod.rs"]
mod cases;
#[path = "../../tests/it/tarball.rs"]
mod tarball;

mod comparison;
mod diff;
mod entries;
mod limits;
mod storage;
mod wrapping;

use super::{Archive, ArchiveError, Limits};
use tarball::{Tar, gzip};

fn read(tar: &Tar) -> Archive {
    Archive::read(gzip(&tar.0).as_slice(), &Limits::default()).unwrap()
}

fn codes(archive: &Archive) -> Vec<&'static str> {
    archive.oddities().iter().map(|odd| odd.kind.code()).collect()
}

#[test]
fn every_case_has_its_oddities_and_a_plain_one_none() {
    for case in cases::all() {
        match Archive::read(case.bytes.as_slice(), &Limits::default()) {
            Ok(archive) => {
                let found = codes(&archive);
                assert_eq!(archive.is_plain(), case.odd.is_empty(), "{}: {found:?}", case.name);
                for code in &case.odd {
                    assert!(found.contains(code), "{}: no {code} in {found:?}", case.name);
                }
            }
            Err(error) => {
                assert!(matches!(error, ArchiveError::NotAnArchive), "{}: {error}", case.name);
                assert_eq!(case.odd, ["unreadable"], "{}: {error}", case.name);
            }
        }
    }
}

/// Whatever the bytes, reading ends in an archive or an error: each case with a byte changed here
/// and there, and cut short.
#[test]
fn damaged_archives_never_panic() {
    for case in cases::all().iter().filter(|case| case.bytes.len() < 2000) {
        let tar = Archive::read(case.bytes.as_slice(), &Limits::default()).ok().map(|archive| {
            let mut tar = Vec::new();
            std::io::Read::read_to_end(&mut archive.tar(), &mut tar).unwrap();
            tar
        });
        for source in [Some(case.bytes.clone()), tar].into_iter().flatten() {
            for at in (0..source.len()).step_by(source.len() / 40 + 1) {
                let mut changed = source.clone();
                changed[at] ^= 0x80 | u8::try_from(at % 128).unwrap();
                let _ = Archive::read(changed.as_slice(), &Limits::default());
                let _ = Archive::read_tar(changed.as_slice(), &Limits::default());
                let _ = Archive::read(&source[..at], &Limits::default());
            }
        }
    }
}
