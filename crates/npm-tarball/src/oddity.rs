//! Why an archive is not *plain*: the ways in which two readers could see different packages in the
//! same bytes.

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

/// How many oddities of one archive are listed; the others are only counted.
const LISTED: usize = 256;
/// How many characters of a path are listed.
const PATH_SHOWN: usize = 1024;

/// What is odd. The rule for each is design decision "plain": if readers in use could disagree, the
/// archive is not plain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum OddityKind {
    /// A bare tar file: npm reads it, other clients do not.
    NotGzip,
    /// A gzip member after the first. npm reads on, others stop.
    SecondMember,
    /// The deflate stream is damaged.
    CorruptDeflate,
    /// The gzip checksum does not fit the data.
    BadCrc,
    /// The gzip length does not fit the data.
    BadLength,
    /// The gzip header's own checksum is wrong.
    BadGzipHeader,
    /// The file ends inside the gzip stream.
    TruncatedGzip,
    /// Bytes after the gzip stream.
    TrailingBytes,
    /// Compressed more than a thousandfold: npm 11 stops reading, older ones do not.
    Ratio,
    /// The tar stream ends inside an entry.
    Truncated,
    /// No end marker (two blocks of zeros).
    MissingEnd,
    /// No entry at all: npm refuses the archive.
    NoEntries,
    /// An entry after the first end marker, or after a lone block of zeros.
    EntryAfterEnd,
    /// Data that is not an entry after the end marker.
    DataAfterEnd,
    /// A header whose checksum is wrong: npm skips the block, others stop.
    BadChecksum,
    /// A header that npm refuses: no name, a link without target, a target without link, a number
    /// that cannot be read.
    BadHeader,
    /// A header whose own name is empty, while a prefix or an extended header names it: pnpm takes
    /// it for the end.
    NoName,
    /// A size, mode, owner or time that readers decode differently, or that some cannot use.
    BadNumber,
    /// A prefix field in a header that is not marked ustar.
    AmbiguousPrefix,
    /// An extended header that readers parse differently.
    AmbiguousPax,
    /// An extended header with a keyword that no packer is known to write: readers may act on it.
    UnknownRecord,
    /// An extended size that is not the header's.
    PaxSize,
    /// A global extended header that names a path, a link target or a size.
    GlobalOverride,
    /// Extended headers in a row: readers differ in which one counts.
    StackedHeaders,
    /// An extended header with no entry to belong to.
    DanglingHeader,
    /// A link target on something that is not a link.
    StrayLinkTarget,
    /// A sparse file.
    Sparse,
    /// A header type that some readers take for a file and others do not.
    UnusualType,
    /// A directory or link that announces content.
    UnexpectedContent,
    /// A path with a root: `/`, `\` or a drive letter.
    AbsolutePath,
    /// A path with `..` in it.
    ParentSegment,
    /// A path with `.` in it that does not land on an entry with the same bytes.
    DotSegment,
    /// A path with an empty component, or a file's with a slash at its end.
    EmptySegment,
    /// A path with `\` in it: a separator on Windows, a letter elsewhere.
    Backslash,
    /// A name with a NUL that readers cut at different places.
    NulInName,
    /// A name that is not UTF-8.
    InvalidUtf8,
    /// A path component of more than 255 bytes.
    NameTooLong,
    /// More than 1024 components: npm skips the entry.
    TooDeep,
    /// Nothing is left of the path without its first component.
    EmptyPath,
    /// The same path twice, with another type, mode or content.
    DuplicateDiffers,
    /// A path that is a file or link, and also a directory.
    PathConflict,
    /// Paths that are one on a file system that ignores case or Unicode form, with different
    /// content.
    CaseTwin,
    /// `.gitignore` beside `.npmignore` where npm's renaming makes the result depend on their
    /// order.
    IgnoreFileClash,
    /// A link that points out of the package.
    LinkEscapes,
    /// A hard link to something that is not an earlier file of the archive.
    HardlinkTarget,
    /// Content made to collide under SHA-1, git's hash.
    Sha1Collision,
}

impl OddityKind {
    /// The stable, kebab-case name.
    pub fn code(self) -> &'static str {
        self.row().0
    }

    /// One clause that says what was found, for a human.
    pub fn message(self) -> &'static str {
        self.row().1
    }

    #[allow(clippy::too_many_lines, reason = "a table")]
    fn row(self) -> (&'static str, &'static str) {
        match self {
            Self::NotGzip => ("not-gzip", "the archive is not compressed with gzip"),
            Self::SecondMember => ("second-gzip-member", "the archive has more than one gzip member"),
            Self::CorruptDeflate => ("corrupt-deflate", "the compressed data is damaged"),
            Self::BadCrc => ("bad-gzip-crc", "the gzip checksum is wrong"),
            Self::BadLength => ("bad-gzip-length", "the gzip length is wrong"),
            Self::BadGzipHeader => ("bad-gzip-header", "the checksum of the gzip header is wrong"),
            Self::TruncatedGzip => ("truncated-gzip", "the compressed data ends early"),
            Self::TrailingBytes => ("trailing-bytes", "there are bytes after the compressed data"),
            Self::Ratio => ("compression-ratio", "the archive unpacks to more than a thousand times its size"),
            Self::Truncated => ("truncated-tar", "the archive ends inside an entry"),
            Self::MissingEnd => ("missing-end-marker", "the archive has no end marker"),
            Self::NoEntries => ("no-entries", "the archive has no entry"),
            Self::EntryAfterEnd => ("entry-after-end", "there is an entry after the end marker"),
            Self::DataAfterEnd => ("data-after-end", "there is data after the end marker"),
            Self::BadChecksum => ("bad-header-checksum", "a header's checksum is wrong"),
            Self::BadHeader => ("bad-header", "npm refuses a header"),
            Self::NoName => ("no-name", "a header has no name of its own"),
            Self::BadNumber => ("ambiguous-number", "a number in a header can be read in two ways"),
            Self::AmbiguousPrefix => ("ambiguous-prefix", "a header's name can be read in two ways"),
            Self::AmbiguousPax => ("ambiguous-extended-header", "an extended header can be read in two ways"),
            Self::UnknownRecord => ("unknown-extended-header", "an extended header has a keyword that readers may treat differently"),
            Self::PaxSize => ("extended-size", "an extended header gives another size than the header"),
            Self::GlobalOverride => ("global-override", "a global header changes the entries after it"),
            Self::StackedHeaders => ("stacked-headers", "an entry has several extended headers"),
            Self::DanglingHeader => ("dangling-header", "an extended header belongs to no entry"),
            Self::StrayLinkTarget => ("stray-link-target", "an entry that is not a link has a link target"),
            Self::Sparse => ("sparse-file", "an entry is stored as a sparse file"),
            Self::UnusualType => ("unusual-type", "an entry has a type that readers treat differently"),
            Self::UnexpectedContent => ("unexpected-content", "a directory or link has content"),
            Self::AbsolutePath => ("absolute-path", "the path is absolute"),
            Self::ParentSegment => ("parent-segment", "the path has '..' in it"),
            Self::DotSegment => ("dot-segment", "the path has '.' in it"),
            Self::EmptySegment => ("empty-segment", "the path has an empty component"),
            Self::Backslash => ("backslash", "the path has a backslash in it"),
            Self::NulInName => ("nul-in-name", "the name has a NUL in it"),
            Self::InvalidUtf8 => ("invalid-utf8", "the name is not UTF-8"),
            Self::NameTooLong => ("name-too-long", "a component of the path is over 255 bytes"),
            Self::TooDeep => ("path-too-deep", "the path has more than 1024 components"),
            Self::EmptyPath => ("empty-path", "nothing is left of the path without its first component"),
            Self::DuplicateDiffers => ("duplicate-differs", "the path is there twice, not the same"),
            Self::PathConflict => ("path-conflict", "the path is both a file and a directory"),
            Self::CaseTwin => ("case-twin", "another path is the same where case or Unicode form does not count"),
            Self::IgnoreFileClash => ("ignore-file-clash", "npm's renaming of .gitignore meets a .npmignore"),
            Self::LinkEscapes => ("link-escapes", "the link points out of the package"),
            Self::HardlinkTarget => ("hardlink-target", "the hard link does not point to an earlier file"),
            Self::Sha1Collision => ("sha1-collision", "the content is part of a SHA-1 collision attack"),
        }
    }
}

/// One reason why an archive is not plain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oddity {
    /// What is odd.
    pub kind: OddityKind,
    /// The entry it is about, as the archive names it; none where it is about the whole.
    pub path: Option<String>,
}

impl Serialize for Oddity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Oddity", 3)?;
        out.serialize_field("code", self.kind.code())?;
        out.serialize_field("path", &self.path)?;
        out.serialize_field("message", self.kind.message())?;
        out.end()
    }
}

/// Collects oddities: each once, and not without end.
#[derive(Debug, Default)]
pub(super) struct Oddities {
    listed: Vec<Oddity>,
    omitted: u64,
}

impl Oddities {
    pub(super) fn add(&mut self, kind: OddityKind, path: Option<&str>) {
        // A refused header can have a name of a megabyte, and there can be many of them.
        let path = path.map(|path| path.char_indices().nth(PATH_SHOWN).map_or(path, |(at, _)| path.get(..at).unwrap_or(path)));
        if self.listed.iter().any(|known| known.kind == kind && known.path.as_deref() == path) {
            return;
        }
        if self.listed.len() < LISTED {
            self.listed.push(Oddity { kind, path: path.map(str::to_owned) });
        } else {
            self.omitted = self.omitted.saturating_add(1);
        }
    }

    pub(super) fn finish(self) -> (Vec<Oddity>, u64) {
        (self.listed, self.omitted)
    }
}
