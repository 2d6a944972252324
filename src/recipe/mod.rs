//! Recipes: everything that is needed to make a tarball from an origin, as data that can be printed, stored and replayed.
//!
//! A strategy is a named rule that turns what is known about a package into recipes. Here stands the first, `source`:
//! every published file is in the tree, so nothing is installed or run and the package is packed from git's objects.

pub mod checkout;
mod error;
mod overlay;
pub mod packing;
pub mod rebuilt;
mod search;
pub mod source;
pub mod surroundings;
pub mod submodules;
mod view;

pub use error::SourceError;

use serde::{Deserialize, Serialize};

use crate::git::attributes::Checkout;
use crate::origin::Origin;

/// A named rule that makes recipes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Pack what is in the tree; install and run nothing.
    Source,
}

impl Strategy {
    /// All strategies, in the order in which they are tried.
    pub const ALL: &'static [Self] = &[Self::Source];

    /// The word as it stands on the command line and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
        }
    }

    /// Whether the tarball is written as npm writes it.
    pub fn packs_as_npm(self) -> bool {
        match self {
            Self::Source => true,
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
        }
    }
}
