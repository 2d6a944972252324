//! Whom a run tells what it is doing.

use std::sync::Arc;

type Listener = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// Whom to tell what is being done.
#[derive(Clone)]
pub struct Progress(Option<Listener>);

impl Progress {
    /// Calls `listener` with the stage and a line for people.
    pub fn new(listener: impl Fn(&str, &str) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(listener)))
    }

    /// Tells nobody.
    pub fn silent() -> Self {
        Self(None)
    }

    /// Says what is being done.
    pub fn tell(&self, stage: &str, message: &str) {
        if let Some(listener) = &self.0 {
            listener(stage, message);
        }
    }
}
