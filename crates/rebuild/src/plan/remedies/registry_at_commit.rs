//! **What it changes:** the registry is shown as it stood at the commit. **Why a publisher's build
//! differed so:** who publishes builds with what was installed before, and dependencies were
//! released in between. **What it costs:** an installation and a build.

use crate::plan::Remedy;
use crate::plan::setup::RegistryView;

/// The toolchain that came closest.
pub(super) const REMEDY: Remedy =
    Remedy { name: "registry-at-commit", propose: |board| super::earlier(board, RegistryView::AtCommit).into_iter().collect() };
