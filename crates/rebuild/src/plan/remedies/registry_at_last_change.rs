//! **What it changes:** the registry is shown as it stood when the lockfile, or else what
//! package.json asks for, was last changed. **Why a publisher's build differed so:** that is when
//! somebody installed, and what was released afterwards was never there. **What it costs:** an
//! installation and a build, and the history of one file.

use crate::plan::Remedy;
use crate::plan::setup::RegistryView;

/// The toolchain that came closest.
pub(super) const REMEDY: Remedy =
    Remedy { name: "registry-at-last-change", propose: |board| super::earlier(board, RegistryView::AtLastChange).into_iter().collect() };
