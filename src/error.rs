//! What every error of this crate can say about itself: a stable code, the stage it came from, and a hint.
//!
//! Each stage has its own enum with a variant per failure; this trait is what the report and the JS surface need of all of them.

use std::fmt;

/// The stage of the way from spec to verdict in which something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// What the user typed or passed.
    Usage,
    /// Reading the registry's metadata and tarball.
    Resolve,
    /// Looking for the commit.
    Locate,
    /// Getting objects from the repository's host.
    Fetch,
    /// Deciding what to try.
    Plan,
    /// Running a build.
    Build,
    /// Writing the tarball.
    Pack,
    /// Comparing the rebuilt with the published tarball.
    Compare,
    /// Writing the answer.
    Report,
    /// Reading and writing caches.
    Cache,
}

impl Stage {
    /// The stage's name as it stands in JSON and in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Resolve => "resolve",
            Self::Locate => "locate",
            Self::Fetch => "fetch",
            Self::Plan => "plan",
            Self::Build => "build",
            Self::Pack => "pack",
            Self::Compare => "compare",
            Self::Report => "report",
            Self::Cache => "cache",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error that can be reported: every error enum of this crate implements it.
pub trait Explain: std::error::Error {
    /// The stable, kebab-case name of this failure.
    fn code(&self) -> &'static str;
    /// Where it happened.
    fn stage(&self) -> Stage;
    /// One sentence that tells the user what to do, if there is something to do.
    fn hint(&self) -> Option<String> {
        None
    }
}
