//! Why something could not be read from or written to a cache.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use verdict::diagnostic::{Diagnostic, Stage};

/// Why a cache could not be used. None of these says anything about a package.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// The platform tells no folder for caches: neither its own variable nor the home folder is
    /// set.
    #[error("there is no cache folder: {variable} is not set")]
    NoFolder {
        /// The variable that would have told.
        variable: &'static str,
    },
    /// The file or its folder may not be written: permissions, a read-only file system, a file
    /// marked read-only.
    #[error("{} cannot be written", .path.display())]
    NotWritable {
        /// The file or folder.
        path: PathBuf,
    },
    /// The file may not be read.
    #[error("{} cannot be read", .path.display())]
    NotReadable {
        /// The file.
        path: PathBuf,
    },
    /// The disk is full, or the user's quota is used up. What was there before is still whole.
    #[error("there is no space left to write {}", .path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// A part of the path is not a folder, or what should be a file is a folder or a device.
    #[error("{} is not {expected}", .path.display())]
    WrongType {
        /// What is in the way.
        path: PathBuf,
        /// What should be there.
        expected: &'static str,
    },
    /// Symbolic links that lead in a circle or through too many steps.
    #[error("{} is an endless chain of links", .path.display())]
    LinkLoop {
        /// The first link.
        path: PathBuf,
    },
    /// Another process kept the lock for longer than the caller would wait.
    #[error("{} has been locked by another process for {} s", .path.display(), .waited.as_secs())]
    Busy {
        /// The lock file.
        path: PathBuf,
        /// How long was waited.
        waited: Duration,
    },
    /// The file system has no locks (some network file systems).
    #[error("the file system of {} cannot lock files", .path.display())]
    NoLocks {
        /// The lock file.
        path: PathBuf,
    },
    /// The file was a cache of results and is damaged. The next write moves it aside.
    #[error("{} is damaged", .path.display())]
    Broken {
        /// The file.
        path: PathBuf,
    },
    /// The file is something else than a cache of results; it is left alone.
    #[error("{} is not a cache of results", .path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// A file or an entry is larger than this program writes.
    #[error("{} is too large for a cache of results", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// What was to be stored is no JSON object.
    #[error("the value to store for {key} is not a result")]
    NotAResult {
        /// Its key.
        key: String,
    },
    /// Any other failure of the file system.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl CacheError {
    /// A failure while writing below `path`.
    pub fn writing(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::NotWritable { path },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => Self::DiskFull { path },
            io::ErrorKind::NotADirectory => Self::WrongType { path, expected: "in a folder" },
            io::ErrorKind::IsADirectory => Self::WrongType { path, expected: "a file" },
            _ => Self::Io { path, source },
        }
    }

    /// A failure while reading `path`.
    pub fn reading(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::PermissionDenied => Self::NotReadable { path: path.to_owned() },
            _ => Self::writing(path, source),
        }
    }
}

impl Diagnostic for CacheError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoFolder { .. } => "cache-no-folder",
            Self::NotWritable { .. } => "cache-not-writable",
            Self::NotReadable { .. } => "cache-not-readable",
            Self::DiskFull { .. } => "cache-disk-full",
            Self::WrongType { .. } => "cache-wrong-type",
            Self::LinkLoop { .. } => "cache-link-loop",
            Self::Busy { .. } => "cache-busy",
            Self::NoLocks { .. } => "cache-no-locks",
            Self::Broken { .. } => "cache-broken",
            Self::NotOurs { .. } => "cache-not-ours",
            Self::TooLarge { .. } => "cache-too-large",
            Self::NotAResult { .. } => "cache-not-a-result",
            Self::Io { .. } => "cache-io",
        }
    }

    fn stage(&self) -> Stage {
        Stage::Cache
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoFolder { .. } => "name a folder with --cache-dir".to_owned(),
            Self::DiskFull { .. } => "free some space, or name a folder on another disk with --cache-dir".to_owned(),
            Self::Busy { path, .. } => {
                format!("find the process that holds {}, and end it to release the lock", path.display())
            }
            Self::Broken { .. } => "it is renamed when the next result is written".to_owned(),
            Self::NotOurs { path } => format!("if nothing needs {}, remove it; or name another file with --cache-file", path.display()),
            Self::NotWritable { .. }
            | Self::NotReadable { .. }
            | Self::WrongType { .. }
            | Self::LinkLoop { .. }
            | Self::NoLocks { .. }
            | Self::TooLarge { .. }
            | Self::NotAResult { .. }
            | Self::Io { .. } => "name another folder with --cache-dir, or use --no-cache".to_owned(),
        })
    }
}
