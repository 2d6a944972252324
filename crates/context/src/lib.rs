//! What every stage of a run may use of the outside: the network, the configuration, folders, time,
//! and whom to tell.

mod deadline;
mod progress;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use git::config::GitConfig;
use git::credentials::Credentials;
use http::{Cancel, Client};
use npmrc::NpmConfig;
use store::Folders;
use verdict::patience::Patience;

pub use deadline::Deadline;
pub use progress::Progress;

/// How long the work that decides goes on behind the end of the run's time.
const LAST_LOOK: Duration = Duration::from_secs(1);

/// What every stage may use of the outside.
#[derive(Clone)]
pub struct Context {
    /// The HTTP client, with the user's network configuration.
    pub client: Client,
    /// npm's configuration.
    pub npm: NpmConfig,
    /// What counts of the user's git configuration.
    pub git: GitConfig,
    /// Who the user is to private git hosts.
    pub credentials: Arc<Credentials>,
    /// Where things are kept.
    pub folders: Folders,
    /// Whom to tell what is being done.
    pub progress: Progress,
    /// Stops requests.
    pub cancel: Cancel,
    /// Stops everything else.
    pub cancelled: Arc<AtomicBool>,
    /// Where relative paths start.
    pub cwd: PathBuf,
    /// When the answer must be there, if ever.
    pub deadline: Deadline,
}

impl Context {
    /// Ends all requests and all work of this run.
    pub fn stop(&self) {
        self.cancel.cancel();
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// How long blocking work of this run is waited for: a little longer than the run, so that what
    /// was found can be told.
    pub fn patience(&self) -> Patience {
        Patience::new(Arc::clone(&self.cancelled), self.deadline.end().and_then(|end| end.checked_add(LAST_LOOK)))
    }

    /// Whether the user's own configuration leads somewhere from this address.
    pub fn leads_to(&self, url: &str) -> bool {
        self.git.rewrite(url).1 || url::Url::parse(url).is_ok_and(|url| self.client.config().allowed.contains(&url))
    }
}
