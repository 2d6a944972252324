//! The database in which an audit keeps what it found, where one is named.
//!
//! It is written, and never answered from: it may lie in a checkout, and a stranger have made it.
//! What was judged before an audit was stopped comes from the stored results, which are sealed.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use report::answer::Answer;
use survey::{Database, Goes, Line, List, SurveyError};

use crate::session;

/// The run of an audit in a database.
pub(super) struct Kept {
    store: Mutex<Store>,
    run: i64,
    places: HashMap<String, usize>,
}

struct Store {
    database: Database,
    failure: Option<SurveyError>,
}

impl Kept {
    /// Opens the database, and goes on with the audit of these packages that did not come to its
    /// end, unless `anew`. `asked` is JSON of what could change an answer.
    pub(super) fn open(path: &Path, list: &List, (asked, anew): (&str, bool), stop: &Arc<AtomicBool>) -> Result<Self, SurveyError> {
        let mut database = Database::open(path, stop)?;
        let (run, _) = database.begin(list, asked, if anew { Goes::Anew } else { Goes::OnUnlessEnded })?;
        let places = list.specs.iter().enumerate().map(|(place, spec)| (spec.clone(), place)).collect();
        Ok(Self { store: Mutex::new(Store { database, failure: None }), run, places })
    }

    /// Keeps what came of a package. `false` where it cannot be kept: the audit is to end.
    pub(super) fn keep(&self, spec: &str, answer: &Answer, took: Duration) -> bool {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(place) = self.places.get(spec).filter(|_| store.failure.is_none()) else { return store.failure.is_none() };
        let is_passing = match answer {
            Answer::Judged { report, .. } => session::is_passing(report),
            Answer::Failed(_) => true,
        };
        let kept = Line::of(spec, answer, took)
            .map_err(|error| SurveyError::Database { path: store.database.path().to_owned(), reason: error.to_string() })
            .and_then(|line| store.database.replace(self.run, *place, &line, is_passing));
        store.failure = kept.err();
        store.failure.is_none()
    }

    /// Why something could not be kept, if so. Otherwise notes the end, where the audit is whole.
    pub(super) fn end(&self, is_whole: bool) -> Result<(), SurveyError> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = store.failure.take() {
            return Err(error);
        }
        if is_whole { store.database.end(self.run) } else { Ok(()) }
    }
}
