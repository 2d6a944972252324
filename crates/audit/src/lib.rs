//! All that a project installs, judged package by package.
//!
//! In: a folder, a lockfile or an SBOM, and a function that judges one package. Out: a row for each
//! package as it is done, with what the lockfile says against the registry, and in the end a
//! document with totals, classes of failures and what was left out.
//!
//! How a package is judged, and which stored results count, is the caller's: the session of the
//! program.

mod document;
mod error;
mod exceptions;
mod held;
mod look;
mod plan;
mod row;
mod run;
mod settings;
mod since;
mod stated;
pub mod summary;
pub mod text;

pub use document::{Document, LeftOutInfo, Line, Totals};
pub use error::AuditError;
pub use exceptions::{Exceptions, write as write_exceptions};
pub use look::{Learned, Look};
pub use plan::{Asked, Plan};
pub use row::{PlaceInfo, Row};
pub use run::{Flow, run};
pub use since::Change;

/// What makes an audit fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailOn {
    /// A package that is not reproduced, or not as the lockfile has it.
    Differs,
    /// That, or one that was not decided.
    #[default]
    Undecided,
    /// Nothing that is found out about packages.
    None,
}

impl FailOn {
    /// The exit code that is given in place of what was found.
    fn of(self, found: u8) -> u8 {
        match (self, found) {
            (Self::None, _) | (Self::Differs, 2) => 0,
            (_, found) => found,
        }
    }
}

#[cfg(test)]
mod tests;
