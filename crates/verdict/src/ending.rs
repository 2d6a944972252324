//! A verdict that was reached early, with its reason.

use crate::diagnostic::Diagnostic;
use crate::{Finding, Verdict};

/// A verdict that was reached before anything was packed, and why.
#[derive(Debug)]
pub struct Ending {
    /// The verdict.
    pub verdict: Verdict,
    /// Stable, kebab-case.
    pub code: &'static str,
    /// What was found.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// What the report says in place of the message.
    pub finding: Option<Finding>,
}

impl Ending {
    /// An ending with a hint.
    pub fn new(verdict: Verdict, code: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Box<Self> {
        Box::new(Self { verdict, code, message: message.into(), hint: Some(hint.into()), finding: None })
    }

    /// An ending for what an error says.
    pub fn by(verdict: Verdict, error: &dyn Diagnostic) -> Box<Self> {
        Box::new(Self { verdict, code: error.code(), message: error.to_string(), hint: error.hint(), finding: None })
    }
}
