//! Many packages: a list, judged in two passes, and what came of it.
//!
//! In: a list of packages, and a function that judges one. Out: a [`Line`] for each as it is done,
//! and a [`Database`] that a later run goes on with. What all came to is counted by `page`. The
//! first pass asks each package for what needs no build; the second builds what is left, the
//! packages of one commit one behind another.
//!
//! How a package is judged is the caller's: the session of the program.

pub mod database;
mod error;
mod fact;
mod line;
pub mod list;
mod run;

pub use database::{Database, Goes, Logs, Package, RunInfo};
pub use error::SurveyError;
pub use fact::{Fact, counted, facts_of};
pub use line::{Line, Lines, Once};
pub use list::List;
pub use run::{Done, Flow, Job, Pass, World, run};

#[cfg(test)]
mod tests;
