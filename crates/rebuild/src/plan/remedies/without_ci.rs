//! **What it changes:** scripts do not find the variable `CI`. **Why a publisher's build differed
//! so:** it ran at a desk, and with `CI` some build tools fail where there they warn. **What it
//! costs:** an installation and a build, where a script failed and what was printed names
//! `process.env.CI`; it comes before other toolchains, because these would fail alike.

use crate::plan::Remedy;
use crate::plan::observation::Observation;
use crate::plan::setup::{Ci, Setup};

/// The toolchain that came closest once more, where a script failed for `CI`.
pub(super) const REMEDY: Remedy = Remedy {
    name: "without-ci",
    propose: |board| {
        let near = board.closest_at_publication().filter(|near| near.has(&Observation::BlamesCi));
        near.map(|near| Setup { ci: Ci::Unset, ..near.setup }).into_iter().collect()
    },
};
