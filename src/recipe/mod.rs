//! Recipes: everything that is needed to make a tarball from an origin, as data that can be printed, stored and replayed.
//!
//! A strategy is a named rule that turns what is known about a package into recipes. `source`: every published file is in
//! the tree, so nothing is installed or run and the package is packed from git's objects. The others (`build`) are named
//! after the package manager that installs: a checkout, the toolchain of the time, and the scripts of the package.

pub mod build;
pub mod checkout;
mod error;
mod overlay;
pub mod packing;
pub mod rebuilt;
mod search;
pub mod source;
pub mod submodules;
pub mod surroundings;
mod view;

pub use build::Step;
pub use error::SourceError;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::git::attributes::Checkout;
use crate::origin::Origin;
use crate::toolchain::Kind;

/// A named rule that makes recipes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Pack what is in the tree; install and run nothing.
    Source,
    /// Install with npm, run the scripts of the package, pack.
    Npm,
    /// The same with yarn 1.
    Yarn,
    /// The same with yarn 2 or later.
    Berry,
    /// The same with pnpm.
    Pnpm,
    /// The same with bun.
    Bun,
}

impl Strategy {
    /// All strategies, in the order in which they are tried.
    pub const ALL: &'static [Self] = &[Self::Source, Self::Npm, Self::Yarn, Self::Berry, Self::Pnpm, Self::Bun];

    /// The word as it stands on the command line and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Npm => "npm",
            Self::Yarn => "yarn",
            Self::Berry => "berry",
            Self::Pnpm => "pnpm",
            Self::Bun => "bun",
        }
    }

    /// Whether the tarball is written as npm writes it.
    pub fn packs_as_npm(self) -> bool {
        matches!(self, Self::Source | Self::Npm)
    }

    /// Whether it runs anything.
    pub fn builds(self) -> bool {
        self != Self::Source
    }

    /// The strategy that installs with a package manager.
    pub fn of(manager: Kind) -> Self {
        match manager {
            Kind::Npm | Kind::Node => Self::Npm,
            Kind::Yarn => Self::Yarn,
            Kind::Berry => Self::Berry,
            Kind::Pnpm => Self::Pnpm,
            Kind::Bun => Self::Bun,
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|strategy| strategy.as_str() == word)
    }
}

/// Everything that is needed to make a tarball from an origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recipe {
    /// The rule that made this recipe.
    pub strategy: Strategy,
    /// The repository's address.
    pub repository: String,
    /// The commit's id.
    pub commit: String,
    /// The package's folder in it, `""` for the root.
    pub directory: String,
    /// Whose checkout the files are as.
    pub checkout: Checkout,
    /// What was done to package.json before it was packed: steps joined by `+`, or `as-is`.
    pub rewrite: String,
    /// The rules that make the file list, by the clients that have them.
    pub file_list: String,
    /// The client whose tar and gzip are written.
    pub packer: String,
    /// What is installed and run before; absent where nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<BuildRecipe>,
}

/// What is installed and run between the checkout and the packing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildRecipe {
    /// Node's version.
    pub node: String,
    /// The other programs of the toolchain and their versions: `npm`, `yarn`, `pnpm`, `bun`.
    pub tools: BTreeMap<String, String>,
    /// Why these versions.
    pub reasons: Vec<String>,
    /// The lockfile that is followed, by its path in the repository.
    pub lockfile: Option<String>,
    /// The registry as it stood then (RFC 3339); null for as it is.
    pub moment: Option<String>,
    /// The version that is written into package.json first, where the commit has another.
    pub version: Option<String>,
    /// What is run, in order.
    pub steps: Vec<Step>,
    /// The folder that is packed, where it is not the package's own: what the build made is a package in itself.
    pub packed: Option<String>,
}

impl Recipe {
    /// A recipe for one origin, without the part that says how it is packed.
    pub fn of(strategy: Strategy, repository: &str, origin: &Origin) -> Self {
        Self {
            strategy,
            repository: repository.to_owned(),
            commit: origin.commit.to_string(),
            directory: origin.directory().to_owned(),
            checkout: Checkout::Posix,
            rewrite: String::new(),
            file_list: String::new(),
            packer: String::new(),
            build: None,
        }
    }
}
