//! **What it changes:** the registry is shown as it is now, and not as of a moment. **Why a
//! publisher's build differed so:** it did not. Here the registry is a mirror that may have seen
//! what is asked for later than the version itself, so that nothing could be installed as of its
//! time. **What it costs:** an installation and a build for each toolchain of that manager: nothing
//! is known of any Node so far.

use crate::plan::Remedy;
use crate::plan::board::{Board, Entry};
use crate::plan::observation::Observation;
use crate::plan::setup::{RegistryView, Setup};

/// Every toolchain of the manager that could not install.
pub(super) const REMEDY: Remedy = Remedy {
    name: "registry-as-it-is",
    propose: |board: &Board| {
        let stopped = |fact: &Observation| {
            matches!(fact, Observation::Missing(_) | Observation::OutOfTime | Observation::OverLimit | Observation::GuessStopped)
        };
        let failed = |near: &&Entry| near.has(&Observation::NotInstalled) && !near.shows(stopped);
        let Some(near) = board.closest_at_publication().filter(failed).filter(|_| board.knows(&Observation::TimesAreFirstSeen)) else {
            return Vec::new();
        };
        let manager = |setup: &Setup| board.toolchain(setup).map(|toolchain| toolchain.manager);
        let all = (0..board.toolchains.len()).map(|toolchain| Setup { toolchain, registry: RegistryView::AsItIs, ..near.setup });
        all.filter(|setup| manager(setup) == manager(&near.setup)).collect()
    },
};
