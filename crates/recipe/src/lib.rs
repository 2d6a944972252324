//! Recipes: everything that is needed to make a tarball from an origin, as data that can be
//! printed, stored and replayed.
//!
//! A strategy is a named rule that turns what is known about a package into recipes. `source`:
//! every published file is in the tree, so nothing is installed or run and the package is packed
//! from git's objects. The others (`build`) are named after the package manager that installs: a
//! checkout, the toolchain of the time, and the scripts of the package.

mod checkout;
mod document;
mod step;
mod submodule;
mod taken;
mod toolchain;

pub use checkout::Checkout;
pub use document::{LARGEST_DOCUMENT, RecipeError, Told};
pub use step::{Step, StepDone};
pub use submodule::SubmoduleInfo;
pub use taken::{Taken, TooMuch};
pub use toolchain::{ToolchainInfo, is_toolchain_name};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use npm_pack::gzip::Match;
use npm_spec::tool::Kind;

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

/// Most submodules whose files a recipe has.
pub const MAX_SUBMODULES: usize = 32;

/// Version of a recipe's layout. A program that meets another one does not guess.
pub const RECIPE_VERSION: u32 = 1;

/// Everything that is needed to make a tarball from an origin. [`Recipe::from_json`] reads one that
/// came from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Recipe {
    /// [`RECIPE_VERSION`].
    pub schema_version: u32,
    /// The rule that made this recipe.
    pub strategy: Strategy,
    /// The package's name.
    pub name: String,
    /// The version that was published.
    pub version: String,
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
    /// The submodules whose files are there, by their paths in the package's folder; absent where
    /// there are none. A build has all that can be had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub submodules: Vec<String>,
    /// What is installed and run before; absent where nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<BuildRecipe>,
    /// What came out, and what only the published archive could tell of it. Only the recipe of the
    /// attempt that decided has it, and only such a recipe can be replayed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tarball: Option<TarballRecipe>,
}

/// The tarball that a recipe makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TarballRecipe {
    /// Its integrity: `sha512-` and the digest in base64.
    pub integrity: String,
    /// What compresses it.
    pub gzip: Match,
    /// What its headers have from the published archive; absent where that is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopted: Option<Taken>,
}

/// What is installed and run between the checkout and the packing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BuildRecipe {
    /// Node's version.
    pub node: String,
    /// The distribution that Node came from; absent where it came from the registry. It is never
    /// asked for that: who replays says where Node comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_dist: Option<String>,
    /// The other programs of the toolchain and their versions: `npm`, `yarn`, `berry`, `pnpm`,
    /// `bun`.
    pub tools: BTreeMap<String, String>,
    /// Toolchains of the user's that were in reach, each with the digest of its files; absent where
    /// there were none. They are never looked for: who replays puts them in reach.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub toolchains: BTreeMap<String, String>,
    /// Why these versions.
    pub reasons: Vec<String>,
    /// The lockfile that is followed, by its path in the repository.
    pub lockfile: Option<String>,
    /// The registry as it stood then (RFC 3339); null for as it is.
    pub moment: Option<String>,
    /// Whether what package.json asks for is installed in the oldest version of each range: where
    /// the registry's times say nothing, that is nearer to what there was.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub oldest: bool,
    /// What Node's clock says when a script begins (RFC 3339); absent where it is the present time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<String>,
    /// Whether scripts do not find the variable `CI`, which is `true` otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_ci: bool,
    /// The version that is written into package.json first, where the commit has another.
    pub version: Option<String>,
    /// The commit whose versions the package.json files have while steps run; absent where that is
    /// the one that is built. Publishers build first, and raise the version then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub versions_at: Option<String>,
    /// The branch or tag that the checkout's `.git` has for the commit; null for none.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// What is run, in order.
    pub steps: Vec<Step>,
    /// The folder that is packed, where it is not the package's own: what the build made is a
    /// package in itself.
    pub packed: Option<String>,
    /// Files of the package's folder that the build changed, and that are packed as the commit has
    /// them; absent where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restored: Vec<String>,
}

impl Recipe {
    /// sha256 of the recipe as JSON without blanks, in hex.
    pub fn digest(&self) -> String {
        use sha2::{Digest as _, Sha256};
        // A recipe is made of texts, numbers and lists: all of these have a form in JSON.
        let json = serde_json::to_vec(self).unwrap_or_default();
        hex::encode(Sha256::digest(json))
    }
}
