//! **What it changes:** Node and the package manager. **Why a publisher's build differed so:** what
//! a package says of its tools leaves room, and compilers and bundlers of another day write other
//! files. **What it costs:** an installation and a build each.

use crate::plan::Remedy;
use crate::plan::setup::{Ci, RegistryView, Setup, Versions};

/// Each toolchain, likeliest first, with the registry as it stood at the publication.
pub(super) const REMEDY: Remedy = Remedy {
    name: "another-toolchain",
    propose: |board| {
        // A build that came closer without `CI`, or with versions of before, says that the others
        // are to be so, too.
        let near = board.closest_at_publication().map(|near| near.setup);
        let (ci, versions) = near.map_or((Ci::Set, Versions::OfRelease), |near| (near.ci, near.versions));
        (0..board.toolchains.len()).map(|toolchain| Setup { ci, versions, ..Setup::of(toolchain, RegistryView::AtPublication) }).collect()
    },
};
