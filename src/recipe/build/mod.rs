//! The strategies that run something: check out, install with the tools and the registry of the time, run the package's
//! scripts in the sandbox, and compare after every step.
//!
//! In: an origin, and what the outside gives ([`Site`]). Out: for each toolchain that was tried the closest attempt. A step that
//! fails is noted and the files decide: builds exit with an error after they wrote the right files, and dependencies that
//! nobody needs fail to install.

mod bench;
mod beside;
mod checkout;
mod clock;
pub mod commands;
mod detour;
pub(crate) mod disk;
mod edit;
mod failure;
mod install;
mod kept;
mod moments;
mod oldest;
mod own;
mod project;
mod release_version;
mod replay;
mod roots;
mod run;
mod runners;
mod search;
mod semantic_release;
mod steps;
mod sweeper;
pub mod workflow;
mod workshop;
mod world;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use jiff::{SignedDuration, Timestamp};
pub use replay::{Built, replay};
pub use search::attempts;
pub use steps::Step;

use url::Url;

use crate::deadline::Deadline;
use crate::http::{AllowList, Cancel, Client};
use crate::npmrc::NpmConfig;
use crate::recipe::Recipe;
use crate::sandbox::{Ground, Sandbox};
use crate::session::Progress;
use crate::store::Folders;
use crate::toolchain::Toolchains;

/// What a build needs of the outside.
pub struct Site {
    /// Where strangers' code runs.
    pub sandbox: Sandbox,
    /// Node and package managers.
    pub toolchains: Toolchains,
    /// The way to the registry.
    pub client: Client,
    /// npm's configuration.
    pub npm: NpmConfig,
    /// Where builds are laid out.
    pub ground: Ground,
    /// Where things are kept.
    pub folders: Folders,
    /// For what waits for the network.
    pub runtime: tokio::runtime::Handle,
    /// When the answer must be there, if ever.
    pub deadline: Deadline,
    /// Hosts that builds may reach besides the registry.
    pub hosts: AllowList,
    /// Node's version by the user's word.
    pub node: Option<String>,
    /// The recipe that the user gave, to be followed in place of a search.
    pub given: Option<Arc<Recipe>>,
    /// Whom to tell what is being done.
    pub progress: Progress,
    /// Stops requests.
    pub cancel: Cancel,
    /// Stops everything else.
    pub cancelled: Arc<AtomicBool>,
}

/// When and with what a version was published, as far as the registry says so.
#[derive(Debug, Clone, Default)]
pub struct Publication {
    /// The registry that has it; none for a tarball of another place.
    pub registry: Option<Url>,
    /// The time, as the registry gives it.
    pub time: Option<String>,
    /// Whether the registry's times may be those at which it first saw a version: npm's own has `created` among them.
    pub first_seen: bool,
    /// Whether such a time was left out, which cannot be the publication's.
    pub untrue: bool,
    /// `_nodeVersion`.
    pub node: Option<String>,
    /// `_npmVersion`.
    pub npm: Option<String>,
    /// The version.
    pub version: String,
    /// The package's name.
    pub name: String,
}

/// How long after the commit a version was published at the latest, where a registry's times may be its own: longer after it, the registry
/// saw an old version for the first time.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

impl Publication {
    /// As far as it can be true of this commit: without a time that is not the publication's.
    fn of_commit(&self, committed: Timestamp) -> Self {
        let time = self.time.as_deref().and_then(|time| time.parse::<Timestamp>().ok());
        let untrue = self.first_seen && time.is_some_and(|time| time.duration_since(committed) > SOON);
        Self { time: self.time.clone().filter(|_| !untrue), untrue, ..self.clone() }
    }
}
