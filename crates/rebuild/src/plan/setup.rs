//! What a remedy may change about a build.

use serde::{Deserialize, Serialize};

/// Everything about a build that a remedy may change. Equal setups are one build.
///
/// Times are symbolic until the build is taken from the queue: finding out when dependencies
/// changed costs requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Setup {
    /// The toolchain, by its number on the board: the likeliest is 0.
    pub toolchain: usize,
    /// How the registry looks to the build.
    pub registry: RegistryView,
    /// What Node's clock says.
    pub clock: Clock,
    /// The variable `CI` of its scripts.
    pub ci: Ci,
    /// The versions in the package.json files while it runs.
    pub versions: Versions,
}

impl Setup {
    /// A build with a toolchain and a view of the registry, at the present time, with `CI` and with
    /// the versions of the commit.
    pub fn of(toolchain: usize, registry: RegistryView) -> Self {
        Self { toolchain, registry, clock: Clock::Present, ci: Ci::Set, versions: Versions::OfRelease }
    }
}

/// How the registry looks to a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RegistryView {
    /// As it stood when the version was published.
    AtPublication,
    /// As it stood at the commit.
    AtCommit,
    /// As it stood when what is asked for was last changed.
    AtLastChange,
    /// As it is now.
    AsItIs,
    /// As it is now, but ranges of package.json are asked for in their oldest version.
    OldestOfRanges,
}

/// What Node's clock says when a script begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// The present time.
    Present,
    /// The time of the publication.
    AtPublication,
}

/// The variable `CI`, as scripts see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ci {
    /// `true`, as on a machine that builds by itself.
    Set,
    /// Not there, as at a desk.
    Unset,
}

/// The versions in the package.json files, as scripts see them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Versions {
    /// The version that is judged, and what the commit has else.
    OfRelease,
    /// Those before it was written.
    BeforeRelease,
}
