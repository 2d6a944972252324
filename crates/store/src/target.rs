//! The file that a path means: symbolic links followed, its kind checked.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::error::CacheError;

/// As many links as Linux follows in one path.
const MAX_LINKS: usize = 40;

/// Follows the links at `path` to the file that is to be read or written, whether or not it exists
/// yet.
///
/// A rename over a link would replace the link; the file that it leads to is what its owner wants
/// written.
pub(super) fn follow(path: &Path) -> Result<PathBuf, CacheError> {
    let mut target = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&target) {
            Ok(next) => target = target.parent().unwrap_or(Path::new("")).join(next),
            // Not a link, or nothing there.
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotFound) => return Ok(target),
            Err(_) if fs::symlink_metadata(&target).is_ok_and(|data| !data.is_symlink()) => return Ok(target),
            Err(error) => return Err(CacheError::reading(&target, error)),
        }
    }
    Err(CacheError::LinkLoop { path: path.to_owned() })
}

/// The metadata of the file at `path`; `None` if there is none. Anything but a plain file is
/// refused: a pipe would block for ever.
pub(super) fn metadata(path: &Path) -> Result<Option<Metadata>, CacheError> {
    match fs::metadata(path) {
        Ok(data) if data.is_file() => Ok(Some(data)),
        Ok(_) => Err(CacheError::WrongType { path: path.to_owned(), expected: "a file" }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(CacheError::reading(path, error)),
    }
}

/// `path` with something put before and after its last part.
pub fn beside(path: &Path, before: &str, after: &str) -> PathBuf {
    let mut name = std::ffi::OsString::from(before);
    name.push(path.file_name().unwrap_or_default());
    name.push(after);
    path.with_file_name(name)
}
