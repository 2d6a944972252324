//! What a run gives back: a result, or a failure with its code and a hint.

use verdict::diagnostic::{Diagnostic, Stage, plain};
use verdict::{Accept, Verdict, told_without_secrets};

use crate::json::{Failure, PackageInfo, Report, SCHEMA_VERSION};

/// What came of one spec.
pub enum Answer {
    /// A result.
    Judged {
        /// `name@version`, under which it is stored; `None` if it is not to be stored.
        key: Option<String>,
        /// The result.
        report: Box<Report>,
    },
    /// A failure of ours, the user's or the network's.
    Failed(Box<Failure>),
}

impl Answer {
    /// A failure before anything was asked.
    pub fn failed(spec: &str, error: &dyn Diagnostic) -> Self {
        let spec = npm_spec::shown_word(spec);
        Self::Failed(Box::new(Failure {
            schema_version: SCHEMA_VERSION,
            reproduce_version: env!("CARGO_PKG_VERSION").to_owned(),
            verdict: Verdict::Error,
            reproduced: false,
            package: PackageInfo { spec, name: None, version: None, location: None, integrity: None },
            code: error.code().to_owned(),
            stage: error.stage().to_string(),
            // What a user typed as the name of a file can be an address with a password.
            message: told_without_secrets(&plain(&error.to_string())),
            hints: error.hint().map(|hint| told_without_secrets(&hint)).into_iter().collect(),
        }))
    }

    /// Misuse of the command line.
    pub fn usage(message: &str, hint: String) -> Self {
        Self::failed("", &Misuse { message: message.to_owned(), hint })
    }

    /// 0, 1 or 2.
    pub fn exit_code(&self, accept: Accept) -> u8 {
        match self {
            Self::Judged { report, .. } => report.verdict.exit_code(accept),
            Self::Failed(_) => Verdict::Error.exit_code(accept),
        }
    }

    /// The verdict, and whether it counts as reproduced.
    pub fn outcome(&self) -> (Verdict, bool) {
        match self {
            Self::Judged { report, .. } => (report.verdict, report.reproduced),
            Self::Failed(_) => (Verdict::Error, false),
        }
    }

    /// For JavaScript: `{"ok":true,"key":…,"result":…}` or `{"ok":false,"error":…}`.
    pub fn to_json(&self) -> String {
        let value = match self {
            Self::Judged { key, report } => serde_json::json!({ "ok": true, "key": key, "result": report }),
            Self::Failed(failure) => serde_json::json!({ "ok": false, "error": failure }),
        };
        value.to_string()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Misuse {
    message: String,
    hint: String,
}

impl Diagnostic for Misuse {
    fn code(&self) -> &'static str {
        "usage"
    }

    fn stage(&self) -> Stage {
        Stage::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(self.hint.clone())
    }
}
