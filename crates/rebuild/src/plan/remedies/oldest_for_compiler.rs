//! **What it changes:** what package.json asks for is installed in the oldest version of each
//! range. **Why a publisher's build differed so:** it had declarations of its own day. Here the
//! registry's times cannot be true, and the compiler that package.json asks for could not read
//! those of a later day. **What it costs:** an installation and a build, where a script failed and
//! the compiler found the declarations of a dependency to be no TypeScript; it comes before other
//! toolchains, because these would fail alike.

use super::oldest;
use crate::plan::Remedy;
use crate::plan::board::Entry;
use crate::plan::observation::Observation;

/// The toolchain that came closest once more, where the compiler is older than what is installed
/// with it.
pub(super) const REMEDY: Remedy = Remedy {
    name: "oldest-for-compiler",
    propose: |board| {
        let is_older = |near: &Entry| near.has(&Observation::CompilerOlderThanTypes) && near.has(&Observation::TimesUntrue);
        board.closest_at_publication().filter(|near| is_older(near)).and_then(|near| oldest(board, near)).into_iter().collect()
    },
};
