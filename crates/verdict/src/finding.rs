//! Something that was noticed on the way, beside the verdict.

use serde::{Deserialize, Serialize};

use crate::diagnostic::plain;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Worth a look.
    Warning,
    /// A reason not to trust the package.
    Error,
}

/// Something that was noticed on the way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Finding {
    /// Stable, kebab-case.
    pub code: String,
    /// How much it weighs.
    pub severity: Severity,
    /// The file that it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// One line.
    pub message: String,
}

impl Finding {
    /// A finding about the package as a whole.
    pub fn new(code: &str, severity: Severity, message: impl Into<String>) -> Self {
        Self { code: code.into(), severity, path: None, message: plain(&message.into()) }
    }
}
