//! Why a build was not started: what was being done, and what the system said.

use std::fmt;

/// A step of the preparations that failed. Nothing of the build has run.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    /// `doing` completes "cannot …".
    pub fn new(doing: impl Into<String>, why: impl fmt::Display) -> Self {
        Self(format!("cannot {}: {why}", doing.into()))
    }

    /// As another process has put it.
    pub fn told(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

/// `result.doing("mount a fresh /proc")?`
pub trait Doing<T> {
    /// Names what was being done when it failed.
    fn doing(self, doing: impl Into<String>) -> Result<T, Failure>;
}

impl<T, E: fmt::Display> Doing<T> for Result<T, E> {
    fn doing(self, doing: impl Into<String>) -> Result<T, Failure> {
        self.map_err(|why| Failure::new(doing, why))
    }
}

/// The result of a system call that was made by number, or by a function that sets `errno`.
pub fn checked(returned: libc::c_long) -> Result<libc::c_long, std::io::Error> {
    if returned < 0 { Err(std::io::Error::last_os_error()) } else { Ok(returned) }
}
