//! Writes a tarball where the user wants it.

use std::path::{Path, PathBuf};

use rebuild::SourceError;
use rebuild::rebuilt::Rebuilt;
use verdict::diagnostic::{Diagnostic, Stage};
use verdict::{Failed, boxed};

/// Writes the rebuilt tarball to a file.
pub(crate) fn write_out(one: &Rebuilt, path: &Path) -> Result<(), SourceError> {
    let mut file = std::io::BufWriter::new(store::output::create(path)?);
    one.write_to(&mut file)?;
    std::io::Write::flush(&mut file)?;
    Ok(())
}

/// Removes the tarball of an earlier run, which must not pass for one of this run.
pub fn remove_earlier(path: &Path) -> Result<(), Failed> {
    let removed = store::output::remove_earlier(path);
    removed.map_err(|error| boxed(EmitError { path: path.to_owned(), source: error.into() }))
}

/// The rebuilt tarball could not be written where the user wants it.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the rebuilt tarball to {}: {source}", path.display())]
pub(crate) struct EmitError {
    /// The file.
    pub(crate) path: PathBuf,
    /// What went wrong.
    pub(crate) source: SourceError,
}

impl Diagnostic for EmitError {
    fn code(&self) -> &'static str {
        "emit-failed"
    }

    fn stage(&self) -> Stage {
        Stage::Report
    }

    fn hint(&self) -> Option<String> {
        Some("name another file with --emit".into())
    }
}
