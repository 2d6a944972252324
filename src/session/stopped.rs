//! A run that ended without an answer of its own.

use std::time::Duration;

use verdict::diagnostic::{Diagnostic, Stage};

use super::reached::Reached;

/// Why a run ended without an answer of the pipeline's.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stopped {
    #[error("cancelled")]
    Cancelled,
    /// With what was done by then.
    #[error("it took longer than {} s{}", .0.as_secs_f64(), .1)]
    TimedOut(Duration, Reached),
    #[error("there is no stored result, and the network is switched off")]
    Offline,
}

impl Diagnostic for Stopped {
    fn code(&self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::TimedOut(..) => "timed-out",
            Self::Offline => "offline",
        }
    }

    fn stage(&self) -> Stage {
        match self {
            Self::TimedOut(_, reached) => reached.stage(),
            Self::Cancelled | Self::Offline => Stage::Resolve,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Cancelled => None,
            Self::TimedOut(..) => Some("--timeout sets another limit; 0 switches it off".into()),
            Self::Offline => Some("an exact version that was checked before needs no network".into()),
        }
    }
}
