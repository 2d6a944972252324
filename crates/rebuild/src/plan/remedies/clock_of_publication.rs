//! **What it changes:** what Node's clock says when a script begins. **Why a publisher's build
//! differed so:** the build writes the day into a file (reproducible-builds.org,
//! `SOURCE_DATE_EPOCH`). **What it costs:** an installation and a build; it comes first, because
//! nothing else would change the day.

use crate::plan::Remedy;
use crate::plan::observation::Observation;
use crate::plan::setup::{Clock, Setup};

/// The toolchain that came closest once more, where nothing but dates differs.
pub(super) const REMEDY: Remedy = Remedy {
    name: "clock-of-publication",
    propose: |board| {
        let near = board.closest_at_publication().filter(|near| near.has(&Observation::OnlyDatesDiffer));
        let takes_a_clock = |setup: &Setup| board.toolchain(setup).is_some_and(|toolchain| toolchain.takes_a_clock);
        let setup = near.map(|near| Setup { clock: Clock::AtPublication, ..near.setup });
        setup.filter(takes_a_clock).into_iter().collect()
    },
};
