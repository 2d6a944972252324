//! Why a list of files cannot be made.

use verdict::diagnostic::{Diagnostic, Stage};

use crate::glob::GlobError;

/// Why a list of files cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// There is no package.json at the root: no client packs such a folder.
    #[error("the folder has no package.json")]
    NoManifest,
    /// package.json is no JSON object, or has a value on which the client itself fails.
    #[error("package.json cannot be used: {0}")]
    InvalidManifest(String),
    /// A pattern that the client would refuse, or that multiplies without bound.
    #[error("a pattern cannot be used: {0}")]
    Pattern(GlobError),
    /// A name that is not UTF-8: Node cannot open such a file, and the client fails.
    #[error("a file's name is not valid UTF-8: {0}")]
    UnreadableName(String),
    /// A file or folder that the client reads and that cannot be read: the client fails.
    #[error("the client cannot read this: {0}")]
    Unreadable(String),
    /// More files and folders than are looked at, or paths that are too long together.
    #[error("the folder has too many files and folders")]
    TooManyEntries,
    /// Folders nested deeper than any client's path buffer can follow.
    #[error("folders are nested too deeply: {0}")]
    TooDeep(String),
    /// The rules of the package would take too much work to apply.
    #[error("the package's ignore rules are too complex")]
    TooComplex,
}

impl From<GlobError> for ListError {
    fn from(error: GlobError) -> Self {
        match error {
            GlobError::TooMuch => Self::TooComplex,
            error => Self::Pattern(error),
        }
    }
}

impl Diagnostic for ListError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoManifest => "no-manifest",
            Self::InvalidManifest(_) => "invalid-manifest",
            Self::Pattern(_) => "invalid-pattern",
            Self::UnreadableName(_) => "unreadable-name",
            Self::Unreadable(_) => "unreadable-path",
            Self::TooManyEntries => "too-many-entries",
            Self::TooDeep(_) => "too-deep",
            Self::TooComplex => "rules-too-complex",
        }
    }

    fn stage(&self) -> Stage {
        Stage::Pack
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoManifest => "check whether a build makes it; --source names another commit",
            Self::InvalidManifest(_) => "the published package.json may have been written by a build; --source names another commit",
            Self::Pattern(_) => "look at `files` and the ignore files of the source; --source names another commit",
            Self::UnreadableName(_) => "the publishing client fails on that name too; check the package by other means",
            Self::Unreadable(_) => "the publishing client fails on it too; check what the build does to the permissions of its files",
            Self::TooDeep(_) => "no client could pack that folder; check the package by other means",
            Self::TooManyEntries | Self::TooComplex => "check the package by other means",
        };
        Some(hint.to_owned())
    }
}
