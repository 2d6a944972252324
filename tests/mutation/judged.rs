//! One mutant, judged as the pipeline judges: read, compared with the pristine package packed
//! again, and the verdict.

use std::io::{Cursor, Read};

use flate2::read::GzDecoder;
use npm_pack::gzip;
use npm_tarball::{self, Archive, Comparison, EntryKind, Limits};
use verdict::{self, Accept, Outcome, PublishedFacts};

/// The tarball as it was published, which is what a rebuild gives.
pub(crate) struct Pristine {
    pub(crate) tar: Vec<u8>,
    rebuilt: Archive,
}

/// What the archive reader says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    Plain,
    NotPlain,
    Unreadable,
}

/// What came of one mutant.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) verdict: &'static str,
    pub(crate) reproduced: bool,
    pub(crate) reading: Reading,
    /// What differs is written by other clients only, or named otherwise by npm alone.
    pub(crate) beyond_npm: bool,
    /// For the report of a problem.
    #[allow(dead_code, reason = "shown by Debug")]
    why: String,
}

impl Pristine {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let mut tar = Vec::new();
        GzDecoder::new(bytes).read_to_end(&mut tar).unwrap();
        let rebuilt = Archive::read_tar(tar.as_slice(), &Limits::default()).unwrap();
        Self { tar, rebuilt }
    }

    pub(crate) fn judge(&mut self, bytes: &[u8]) -> Judged {
        let published = match Archive::read(bytes, &Limits::default()) {
            Ok(archive) => archive,
            // The pipeline ends with `differs` and the error's code.
            Err(error) => {
                let why = error.to_string();
                return Judged { verdict: "differs", reproduced: false, reading: Reading::Unreadable, beyond_npm: false, why };
            }
        };
        let comparison = npm_tarball::compare(&published, &self.rebuilt);
        let same = comparison.same_entries();
        let found = if same { gzip::match_published(&mut Cursor::new(&self.tar), bytes).unwrap() } else { None };
        let outcome = match (found, same) {
            (Some(_), _) => Outcome::SameBytes,
            (None, true) => Outcome::SameEntries,
            (None, false) => Outcome::OtherEntries,
        };
        let not_plain = published.oddities().first().map(|oddity| oddity.kind.code());
        let (verdict, _) = verdict::judge(outcome, &PublishedFacts { not_plain, ..PublishedFacts::default() });
        Judged {
            verdict: verdict.as_str(),
            reproduced: verdict.reproduced(Accept::SameContent),
            reading: if published.is_plain() { Reading::Plain } else { Reading::NotPlain },
            beyond_npm: beyond_npm(&comparison, &published, &self.rebuilt),
            why: format!(
                "{:?} {:?} {:?} {:?}",
                published.oddities(),
                comparison.changed,
                comparison.only_published,
                comparison.only_rebuilt
            ),
        }
    }
}

/// Whether all that differs is what extraction by npm does not show: links and devices, which it
/// leaves out, `.gitignore`, which it renames, and the bits that writing takes away.
fn beyond_npm(comparison: &Comparison, published: &Archive, rebuilt: &Archive) -> bool {
    let ignored = |archive: &Archive, path: &str| {
        let name = path.rsplit('/').next().unwrap();
        archive.get(path).is_none_or(|entry| entry.kind != EntryKind::File) || matches!(name, ".gitignore" | ".npmignore")
    };
    let low_bits = |mode: &str| u32::from_str_radix(mode, 8).unwrap() & 0o1777;
    comparison.changed.iter().all(|change| {
        (change.published.kind != EntryKind::File && change.rebuilt.kind != EntryKind::File)
            || (change.kind == npm_tarball::ChangeKind::Mode && low_bits(&change.published.mode) == low_bits(&change.rebuilt.mode))
    }) && comparison.only_published.iter().all(|path| ignored(published, path))
        && comparison.only_rebuilt.iter().all(|path| ignored(rebuilt, path))
}
