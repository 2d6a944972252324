//! A submodule whose files were there, as a result lists it.

use serde::{Deserialize, Serialize};

/// A submodule whose files a package was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmoduleInfo {
    /// Its folder in what was checked out: the package's for files that were packed as they are,
    /// the repository's for a build.
    pub path: String,
    /// The address of its repository, which may be anybody's.
    pub repository: String,
    /// The commit that the parent's tree pins.
    pub commit: String,
}
