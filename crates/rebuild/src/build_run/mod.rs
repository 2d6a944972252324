//! The strategies that run something: check out, install with the tools and the registry of the
//! time, run the package's scripts in the sandbox, and compare after every step.
//!
//! In: an origin, and what the outside gives ([`Site`]). Out: for each toolchain that was tried the
//! closest attempt. A step that fails is noted and the files decide: builds exit with an error
//! after they wrote the right files, and dependencies that nobody needs fail to install.

mod before_release;
mod bench;
mod beside;
mod bundled;
mod checkout;
mod clock;
pub mod commands;
mod declarations;
mod detour;
pub mod disk;
mod earlier_version;
mod edit;
mod failure;
mod install;
mod kept;
mod moments;
mod oldest;
mod own;
mod own_names;
mod project;
mod put_back;
mod release_version;
mod replay;
mod repositories;
mod roots;
mod run;
mod runners;
mod said;
mod search;
mod semantic_release;
mod steps;
mod sweeper;
pub mod workflow;
mod workshop;
mod world;

use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Handle;
use url::Url;

use context::Context;
use isolation::{Ground, Sandbox};
use npm_toolchain::Toolchains;

use crate::{Question, SourceError};

pub(crate) use failure::listed;
pub use replay::{Built, replay};
pub use search::attempts;

/// What a build needs of the outside.
pub struct Site {
    /// Where strangers' code runs.
    pub sandbox: Sandbox,
    /// Node and package managers.
    pub toolchains: Toolchains,
    /// Where builds are laid out.
    pub ground: Ground,
    /// For what waits for the network.
    pub runtime: Handle,
    /// What every stage may use.
    pub context: Context,
    /// What the user says about how to build.
    pub question: Question,
}

impl Site {
    /// Finds a sandbox, and a folder for builds that it can protect.
    pub fn open(question: &Question, context: &Context, runtime: &Handle) -> Result<Self, SourceError> {
        let sandbox = Sandbox::open(question.isolation, question.installed.as_deref())?;
        let ground = sandbox.ground(&context.folders.builds)?;
        let (cancel, distribution) = (context.cancel.clone(), question.distribution.clone());
        let toolchains = Toolchains::new(context.client.clone(), &context.npm, &context.folders.toolchains, cancel, distribution);
        Ok(Self { sandbox, toolchains, ground, runtime: runtime.clone(), context: context.clone(), question: question.clone() })
    }
}

/// When and with what a version was published, as far as the registry says so.
#[derive(Debug, Clone, Default)]
pub struct Publication {
    /// The registry that has it; none for a tarball of another place.
    pub registry: Option<Url>,
    /// The time, as the registry gives it.
    pub time: Option<String>,
    /// Whether the registry's times may be those at which it first saw a version: npm's own has
    /// `created` among them.
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

/// How long after the commit a version was published at the latest, where a registry's times may be
/// its own: longer after it, the registry saw an old version for the first time.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

impl Publication {
    /// As far as it can be true of this commit: without a time that is not the publication's.
    fn of_commit(&self, committed: Timestamp) -> Self {
        let time = self.time.as_deref().and_then(|time| time.parse::<Timestamp>().ok());
        let untrue = self.first_seen && time.is_some_and(|time| time.duration_since(committed) > SOON);
        Self { time: self.time.clone().filter(|_| !untrue), untrue, ..self.clone() }
    }

    /// The time, where it is the registry's own.
    fn own_time(&self) -> Option<Timestamp> {
        self.time.as_deref().filter(|_| !self.first_seen)?.parse().ok()
    }
}
