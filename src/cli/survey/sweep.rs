//! Keeps the caches small while a survey fills them.

use std::time::{Duration, SystemTime};

use report::answer::Answer;
use store::{CacheError, Folders};
use tokio::task::JoinHandle;

use super::super::inventory::{self, Plan};
use super::super::output::Output;

/// How often the caches are looked at.
const EVERY: Duration = Duration::from_secs(60);

/// Looks at the caches until it is dropped.
pub(super) struct Sweeper {
    task: JoinHandle<()>,
}

impl Sweeper {
    /// Looks at once, and then again and again. A failure is told, and ends it: the survey goes on.
    pub(super) async fn start(folders: Folders, limit: u64) -> Self {
        let mut goes_on = swept(folders.clone(), limit).await;
        let task = tokio::spawn(async move {
            while goes_on {
                tokio::time::sleep(EVERY).await;
                goes_on = swept(folders.clone(), limit).await;
            }
        });
        Self { task }
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Removes what is too much; `false` if it failed.
async fn swept(folders: Folders, limit: u64) -> bool {
    let plan = Plan { max_bytes: Some(limit), ..Plan::default() };
    let pruned = tokio::task::spawn_blocking(move || inventory::prune(&folders, plan, SystemTime::now())).await;
    let said = |error: &CacheError| Output::failure(&Answer::failed("", error));
    match pruned {
        Ok(pruned) => pruned.map(drop).inspect_err(said).is_ok(),
        // The runtime ends, or a panic was told already.
        Err(_) => false,
    }
}
