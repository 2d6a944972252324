//! What a run gives back: a result, or a failure with its code and a hint.

use std::time::Duration;

use crate::error::{Explain, Stage, plain};
use crate::report::json::{Failure, PackageInfo, Report, SCHEMA_VERSION};
use crate::spec::{Spec, Target};
use crate::verdict::{Accept, Verdict};

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
    pub fn failed(spec: &str, error: &dyn Explain) -> Self {
        // An address may carry a secret in its query.
        let spec = Spec::parse(spec).map_or_else(|_| spec.to_owned(), |spec| shown(&spec));
        Self::Failed(Box::new(Failure {
            schema_version: SCHEMA_VERSION,
            reproduce_version: env!("CARGO_PKG_VERSION").to_owned(),
            verdict: Verdict::Error,
            reproduced: false,
            package: PackageInfo { spec, name: None, version: None, location: None, integrity: None },
            code: error.code().to_owned(),
            stage: error.stage().to_string(),
            message: plain(&error.to_string()),
            hints: error.hint().into_iter().collect(),
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

impl Explain for Misuse {
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

/// Why a run ended without an answer of the pipeline's.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stopped {
    #[error("cancelled")]
    Cancelled,
    #[error("it took longer than {} s", .0.as_secs_f64())]
    TimedOut(Duration),
    #[error("there is no stored result, and the network is switched off")]
    Offline,
}

impl Explain for Stopped {
    fn code(&self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::TimedOut(_) => "timed-out",
            Self::Offline => "offline",
        }
    }

    fn stage(&self) -> Stage {
        Stage::Resolve
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Cancelled => None,
            Self::TimedOut(_) => Some("--timeout sets another limit; 0 switches it off".into()),
            Self::Offline => Some("an exact version that was judged before is answered without a network".into()),
        }
    }
}

/// The spec as it may be shown and stored: as typed, but an address without its query.
pub fn shown(spec: &Spec) -> String {
    match spec.target() {
        Target::Tarball(_) => spec.display(),
        Target::Registry { .. } | Target::File(_) => spec.raw().to_owned(),
    }
}
