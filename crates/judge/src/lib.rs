//! The way of one package, from a resolved version to its report.
//!
//! In: a release of the registry's, the user's [`Question`] and what the run may use of the
//! outside. Out: a [`Report`](report::json::Report). The order of the stages is told in
//! [`pipeline`].

mod agreement;
pub mod attested;
mod beside_branches;
mod checkout_notes;
mod committed;
mod decision;
mod declared;
mod deno_pack;
mod draft;
mod elsewhere;
pub mod emit;
mod fetch;
mod halt;
mod identity;
pub mod inspect;
mod nominate;
mod other_folder;
mod overwritten;
pub mod pipeline;
mod pnpm_changelog;
mod pnpm_hook;
mod question;
mod released_as;
pub mod replay;
mod source_of;
mod unread;
mod user_source;

pub use pipeline::judge_release;
pub use question::{Question, SourceWord};
