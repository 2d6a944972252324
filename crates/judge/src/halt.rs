//! Why a way ends before its verdict.

use verdict::{Ending, Failed};

/// Why the way ends early: with a verdict, or with a failure.
pub(crate) enum Halt {
    Ended(Box<Ending>),
    Failed(Failed),
}

impl From<Box<Ending>> for Halt {
    fn from(ending: Box<Ending>) -> Self {
        Self::Ended(ending)
    }
}

impl From<Failed> for Halt {
    fn from(error: Failed) -> Self {
        Self::Failed(error)
    }
}
