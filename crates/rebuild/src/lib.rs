//! Makes a package's tarball again from a commit: packs what is there, or builds first, and
//! compares.
//!
//! In: a repository with the commits that were located, the published archive, and the user's
//! [`Question`]. Out: every attempt that came to an end, with what it was made from
//! ([`rebuilt::Attempts`]). What an attempt is worth is said elsewhere.

pub mod build_run;
pub mod checkout;
pub mod committed;
mod error;
mod judged_repository;
mod left_behind;
pub mod left_out;
pub mod manifest_change;
mod native_toolchain;
pub mod opening;
mod overlay;
mod own_submodules;
pub mod packing;
pub mod plan;
mod published;
mod question;
mod readme;
pub mod rebuilt;
mod recipe_for;
mod search;
pub mod shadowing;
pub mod source;
mod strategies;
pub mod submodules;
pub mod surroundings;
mod toolchain_by_user;
mod view;

pub use error::{MORE_MACHINE, STRONGER_SANDBOX, SourceError};
pub use published::Published;
pub use question::Question;
pub use recipe_for::recipe_for;
pub use strategies::{Case, rebuild};
pub use toolchain_by_user::ToolchainByUser;
