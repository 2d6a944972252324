//! A failure that is no verdict: ours, the user's or the network's.

use crate::diagnostic::{Diagnostic, Stage};

/// Any error that can be reported.
pub type Failed = Box<dyn Diagnostic + Send + Sync>;

/// An error of a stage, as any error. For `map_err`.
pub fn boxed<E: Diagnostic + Send + Sync + 'static>(error: E) -> Failed {
    Box::new(error)
}

/// A task that panicked. Takes the words of the runtime's error, so that this crate needs no
/// runtime. For `map_err`.
pub fn internal(error: impl std::error::Error) -> Failed {
    Box::new(Internal(error.to_string()))
}

/// A bug of ours: a stage panicked.
#[derive(Debug, thiserror::Error)]
#[error("internal error: {0}")]
pub struct Internal(pub String);

impl Diagnostic for Internal {
    fn code(&self) -> &'static str {
        "internal"
    }

    fn stage(&self) -> Stage {
        Stage::Report
    }

    fn hint(&self) -> Option<String> {
        Some("please report this with the command that you ran".into())
    }
}
