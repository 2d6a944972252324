//! **What it changes:** Node and the package manager. **Why a publisher's build differed so:** what
//! a package says of its tools leaves room, and compilers and bundlers of another day write other
//! files. **What it costs:** an installation and a build each.

use crate::plan::Remedy;
use crate::plan::setup::{Ci, RegistryView, Setup};

/// Each toolchain, likeliest first, with the registry as it stood at the publication.
pub(super) const REMEDY: Remedy = Remedy {
    name: "another-toolchain",
    propose: |board| {
        // A build that came closer without `CI` says that the others are to be without it, too.
        let ci = board.closest_at_publication().map_or(Ci::Set, |near| near.setup.ci);
        (0..board.toolchains.len()).map(|toolchain| Setup { ci, ..Setup::of(toolchain, RegistryView::AtPublication) }).collect()
    },
};
