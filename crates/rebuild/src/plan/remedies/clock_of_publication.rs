//! **What it changes:** what Node's clock says when a script begins. **Why a publisher's build
//! differed so:** the build writes the day into a file (reproducible-builds.org,
//! `SOURCE_DATE_EPOCH`), or a tool asks which browsers or versions of Node are maintained today, by
//! data that end before today (Browserslist). **What it costs:** an installation and a build; it
//! comes first, because nothing else would change the day.

use crate::plan::Remedy;
use crate::plan::board::Entry;
use crate::plan::observation::Observation;
use crate::plan::setup::{Clock, Setup};

/// The toolchain that came closest once more, where nothing but dates differs, or a step failed and
/// a tool found its data too old.
pub(super) const REMEDY: Remedy = Remedy {
    name: "clock-of-publication",
    propose: |board| {
        let is_by_day = |near: &Entry| near.has(&Observation::OnlyDatesDiffer) || near.has(&Observation::DataTooOld);
        let near = board.closest_at_publication().filter(|near| is_by_day(near));
        let takes_a_clock = |setup: &Setup| board.toolchain(setup).is_some_and(|toolchain| toolchain.takes_a_clock);
        let setup = near.map(|near| Setup { clock: Clock::AtPublication, ..near.setup });
        setup.filter(takes_a_clock).into_iter().collect()
    },
};
