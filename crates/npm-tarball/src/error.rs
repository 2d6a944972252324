//! Why an archive could not be read at all.

use std::io;

use verdict::diagnostic::{Diagnostic, Stage};

/// A failure that leaves nothing to compare. What can still be read is an [`Oddity`](super::Oddity)
/// instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The compressed bytes could not be read from where they are.
    #[error("the archive could not be read: {0}")]
    Read(#[source] io::Error),
    /// The unpacked bytes could not be kept: memory or the temporary directory.
    #[error("the unpacked archive could not be stored: {0}")]
    Spool(#[source] io::Error),
    /// Neither a gzip file nor a tar file.
    #[error("the file is not a package archive (neither gzip nor tar)")]
    NotAnArchive,
    /// More compressed bytes than allowed.
    #[error("the archive is larger than {limit} bytes")]
    CompressedTooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// More unpacked bytes than allowed.
    #[error("the archive unpacks to more than {limit} bytes")]
    UnpackedTooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// Unpacked is out of proportion to compressed.
    #[error("the archive unpacks to more than {limit} times its size")]
    RatioTooHigh {
        /// The largest allowed ratio.
        limit: u64,
    },
    /// More entries than allowed.
    #[error("the archive has more than {limit} entries")]
    TooManyEntries {
        /// The limit.
        limit: usize,
    },
    /// A path or link target longer than allowed.
    #[error("the archive has a path of more than {limit} bytes")]
    PathTooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// All paths together are longer than allowed.
    #[error("the paths in the archive are more than {limit} bytes together")]
    PathsTooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// An extended header (pax, GNU long name) larger than allowed.
    #[error("the archive has an extended header of more than {limit} bytes")]
    ExtendedHeaderTooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// A package.json larger than any that is read, or with more values.
    #[error("the archive has a package.json of more than {limit} bytes, or of a million values")]
    ManifestTooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
}

impl Diagnostic for ArchiveError {
    fn code(&self) -> &'static str {
        match self {
            Self::Read(_) => "archive-read",
            Self::Spool(_) => "archive-spool",
            Self::NotAnArchive => "archive-unrecognised",
            Self::CompressedTooLarge { .. } => "archive-too-large",
            Self::UnpackedTooLarge { .. } => "archive-unpacked-too-large",
            Self::RatioTooHigh { .. } => "archive-ratio-too-high",
            Self::TooManyEntries { .. } => "archive-too-many-entries",
            Self::PathTooLong { .. } => "archive-path-too-long",
            Self::PathsTooLarge { .. } => "archive-paths-too-large",
            Self::ExtendedHeaderTooLarge { .. } => "archive-extended-header-too-large",
            Self::ManifestTooLarge { .. } => "archive-manifest-too-large",
        }
    }

    fn stage(&self) -> Stage {
        Stage::Compare
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Read(_) => Some("Download the archive again, or check the file's permissions.".to_owned()),
            Self::Spool(_) => Some("Free some space in the temporary directory, or point TMPDIR at a larger one.".to_owned()),
            Self::NotAnArchive => Some("name a .tgz file as npm pack writes it".to_owned()),
            _ => None,
        }
    }
}
