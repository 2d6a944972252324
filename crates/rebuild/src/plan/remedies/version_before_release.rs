//! **What it changes:** while scripts run, the package.json files have the versions that they had
//! before the judged one was written; what is packed has the commit's. **Why a publisher's build
//! differed so:** the build came first, and then the release tool raised the version and published
//! (`lerna publish`, `npm version` behind a build). **What it costs:** an installation and a build,
//! and the history of the package.json files, where nothing but an older version differs; it comes
//! before other toolchains, because none of them would change the version.

use crate::plan::Remedy;
use crate::plan::observation::Observation;
use crate::plan::setup::{Setup, Versions};

/// The toolchain that came closest once more, where nothing but an older version number differs.
pub(super) const REMEDY: Remedy = Remedy {
    name: "version-before-release",
    propose: |board| {
        let differs = |fact: &Observation| matches!(fact, Observation::EarlierVersionDiffers(_));
        let near = board.closest_at_publication().filter(|near| near.shows(differs));
        near.map(|near| Setup { versions: Versions::BeforeRelease, ..near.setup }).into_iter().collect()
    },
};
