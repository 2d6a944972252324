//! What the user says about how to build.

use std::path::PathBuf;
use std::sync::Arc;

use isolation::Isolation;
use npm_toolchain::Distribution;
use npmrc::AllowList;
use recipe::{Recipe, Strategy};

use crate::ToolchainByUser;

/// What the user says about how to build, read and checked.
#[derive(Clone, Default)]
pub struct Question {
    /// The strategies that may be used, in the order in which they are tried.
    pub strategies: Vec<Strategy>,
    /// How builds are isolated.
    pub isolation: Isolation,
    /// Hosts that builds may reach besides the registry.
    pub hosts: AllowList,
    /// Node's version by the user's word; `None` if it is worked out from the package.
    pub node: Option<String>,
    /// The folder with the executable that builds run under.
    pub installed: Option<PathBuf>,
    /// The recipe to be followed in place of a search.
    pub given: Option<Arc<Recipe>>,
    /// Where Node comes from, if not from the registry.
    pub distribution: Option<Arc<Distribution>>,
    /// Toolchains that no npm registry has, and that the user puts in reach.
    pub toolchains: Vec<ToolchainByUser>,
    /// Ends before the first build, without a verdict:
    /// [`SourceError::BuildPutOff`](crate::SourceError::BuildPutOff).
    pub puts_off_builds: bool,
}
