//! What is kept on disk between runs, and shared by the processes that run at once.
//!
//! In: a result, or a question for one. Out: the same text again, however many processes write at
//! the same time and wherever one of them is killed. Files are replaced by renaming a finished one
//! over them, under a lock that dies with its process; what is there and cannot be read is moved
//! aside, never deleted. A cache that fails is an error of its own ([`CacheError`]): the caller
//! still has the answer, and says that it could not be kept.

pub mod at_hand;
mod entries;
mod error;
pub mod folders;
mod key;
pub mod layout;
pub mod lock;
pub mod output;
mod removal;
pub mod results;
mod rewrite;
pub mod target;
mod temporary;
#[cfg(test)]
mod tests;

/// The beginning of the names of builds' folders that are only there to be removed.
pub const GONE: &str = "gone-";

pub use error::CacheError;
pub use folders::Folders;
pub use key::Key;
pub use lock::FileLock;
pub use removal::{remove_tree, remove_tree_while};
pub use results::Results;
pub use temporary::{NoPlace, Temporary};
