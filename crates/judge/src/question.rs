//! What the user asks of one package, read and checked.

use std::path::PathBuf;
use std::sync::Arc;

use npm_registry::provenance::Roots;
use recipe::Recipe;
use verdict::{Failed, Internal};

/// What the user asks of one package.
#[derive(Clone, Default)]
pub struct Question {
    /// How to build.
    pub build: rebuild::Question,
    /// The source, in place of the one that the package declares.
    pub source: Option<SourceWord>,
    /// The file to which the rebuilt tarball is written.
    pub emit: Option<PathBuf>,
    /// Whom provenance is trusted by, in place of the embedded root.
    pub roots: Option<Arc<Roots>>,
}

impl Question {
    /// The same question, with a recipe to be followed in place of a search: its strategy alone is
    /// tried.
    #[must_use]
    pub fn following(mut self, given: Option<Arc<Recipe>>) -> Self {
        if let Some(given) = &given {
            self.build.strategies = vec![given.strategy];
        }
        self.build.given = given;
        self
    }
}

impl Question {
    /// Whom provenance is trusted by: the user's roots, or else those that are embedded.
    pub(crate) fn roots(&self) -> Result<Arc<Roots>, Failed> {
        match &self.roots {
            Some(roots) => Ok(Arc::clone(roots)),
            // What is embedded was read by the tests; it is as good as code.
            None => Roots::embedded().map(Arc::new).map_err(|error| -> Failed { Box::new(Internal(error)) }),
        }
    }
}

/// A source, as the user wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceWord {
    /// A repository, a folder or an archive on this machine.
    Here {
        /// Its path, from the working folder.
        path: PathBuf,
        /// The commit or ref, and the folder, behind `#`.
        fragment: Option<String>,
    },
    /// An address, with its fragment.
    Address(String),
}
