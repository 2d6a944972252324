//! **What it changes:** Node and the package manager. **Why a publisher's build differed so:** what
//! a package says of its tools leaves room, and compilers and bundlers of another day write other
//! files. **What it costs:** an installation and a build each.

use crate::plan::Remedy;
use crate::plan::setup::{RegistryView, Setup};

/// Each toolchain, likeliest first, with the registry as it stood at the publication.
pub(super) const REMEDY: Remedy = Remedy {
    name: "another-toolchain",
    propose: |board| (0..board.toolchains.len()).map(|toolchain| Setup::of(toolchain, RegistryView::AtPublication)).collect(),
};
