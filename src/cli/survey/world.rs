//! How the packages of a survey are judged: in this process, by the session.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use report::answer::Answer;
use survey::{Pass, World};

use super::super::progress;
use crate::options::Options;
use crate::session;

/// The session, with the options of the survey.
pub(super) struct Session {
    options: Options,
    putting_off: Options,
    cancelled: Arc<AtomicBool>,
}

impl Session {
    pub(super) fn of(options: Options, cancelled: Arc<AtomicBool>) -> Self {
        let putting_off = Options { puts_off_builds: true, ..options.clone() };
        Self { options, putting_off, cancelled }
    }
}

impl World for Session {
    async fn source(&self, spec: &str) -> Option<String> {
        session::source_of(spec, &self.putting_off, &self.cancelled).await
    }

    async fn judge(&self, spec: &str, pass: Pass) -> Answer {
        let options = match pass {
            Pass::First => &self.putting_off,
            Pass::Build => &self.options,
        };
        session::judge_one(spec, options, None, progress::Line::None.listener(), Arc::clone(&self.cancelled)).await
    }
}
