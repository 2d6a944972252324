//! The ways in which a survey cannot go on.

use std::io;
use std::path::{Path, PathBuf};

use verdict::diagnostic::{Diagnostic, Stage};

/// A list that cannot be read, or a database that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SurveyError {
    /// A line of a list names no package.
    #[error("line {line} of {list} names no package: {reason}")]
    Line {
        /// The list.
        list: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The list cannot be read.
    #[error("the list of packages {list} cannot be read: {reason}")]
    List {
        /// The list.
        list: String,
        /// Why.
        reason: String,
    },
    /// The list names no package.
    #[error("{0} names no package")]
    Empty(String),
    /// Another survey writes the file.
    #[error("another survey is writing {}", .0.display())]
    Busy(PathBuf),
    /// The file is something else.
    #[error("{} is not a survey database, or another user put it or a file beside it there", .0.display())]
    Foreign(PathBuf),
    /// The file has other tables, views or triggers than this program makes.
    #[error("{} cannot be used: it has other tables, indexes, views or triggers than this program makes", .0.display())]
    OtherForm(PathBuf),
    /// The file is of a version that is not known here.
    #[error("{} has the format {version} of a later version of this program", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its form.
        version: u32,
    },
    /// There is no room for what is to be kept.
    #[error("there is no room for {}", .0.display())]
    Full(PathBuf),
    /// The file cannot be read or written.
    #[error("{} cannot be used: {reason}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// It was told to stop.
    #[error("it was interrupted")]
    Stopped,
    /// A file of results that is to be read has a line that is none.
    #[error("line {line} of {} is not a survey result: {reason}", path.display())]
    NotAResult {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why.
        reason: String,
    },
}

impl SurveyError {
    /// What SQLite says of a file.
    pub(crate) fn of(path: &Path, error: &rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full(path.to_owned()),
            Some(rusqlite::ErrorCode::NotADatabase) => Self::Foreign(path.to_owned()),
            Some(rusqlite::ErrorCode::OperationInterrupted) => Self::Stopped,
            _ => Self::Database { path: path.to_owned(), reason: error.to_string() },
        }
    }

    /// What the system says of a file.
    pub(crate) fn of_file(path: &Path, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => Self::Full(path.to_owned()),
            _ => Self::Database { path: path.to_owned(), reason: error.to_string() },
        }
    }
}

impl Diagnostic for SurveyError {
    fn code(&self) -> &'static str {
        match self {
            Self::Line { .. } => "list-line",
            Self::List { .. } => "list-unreadable",
            Self::Empty(_) => "list-empty",
            Self::Busy(_) => "survey-busy",
            Self::Foreign(_) => "survey-foreign",
            Self::Newer { .. } => "survey-newer",
            Self::Full(_) => "survey-disk-full",
            Self::OtherForm(_) | Self::Database { .. } => "survey-database",
            Self::Stopped => "cancelled",
            Self::NotAResult { .. } => "survey-line",
        }
    }

    fn stage(&self) -> Stage {
        Stage::Usage
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Line { .. } | Self::List { .. } | Self::Empty(_) => {
                Some("a line is a spec as on the command line, a package URL, or a JSON object with spec, or with name and version".into())
            }
            Self::Busy(_) => Some("wait until it ends, or name another file with --db".into()),
            Self::Foreign(_) => Some("it was not changed; name another file with --db".into()),
            Self::OtherForm(_) => Some(
                "they could change what is stored and read: name another file with --db, or take out what was added to this one".into(),
            ),
            Self::Newer { .. } => Some("it was not changed; use that version, or name another file with --db".into()),
            Self::Full(_) => Some("earlier results are kept: free some space, and run the same command again".into()),
            Self::Database { .. } | Self::Stopped => None,
            Self::NotAResult { .. } => Some("reproduce survey --ndjson writes such files".into()),
        }
    }
}
