//! **What it changes:** what package.json asks for is installed in the oldest version of each
//! range. **Why a publisher's build differed so:** it did not. Here the registry's times cannot be
//! true, and the oldest version is nearer to what there was than the newest. **What it costs:** an
//! installation and a build.

use super::oldest;
use crate::plan::Remedy;
use crate::plan::observation::Observation;
use crate::plan::setup::RegistryView;

/// The toolchain that came closest, where no lockfile says what to install.
pub(super) const REMEDY: Remedy = Remedy {
    name: "oldest-of-ranges",
    propose: |board| {
        let Some(near) = board.closest_at_publication() else { return Vec::new() };
        let untrue = near.has(&Observation::TimesUntrue) || board.with_view(RegistryView::AsItIs).next().is_some();
        oldest(board, near).filter(|_| untrue).into_iter().collect()
    },
};
