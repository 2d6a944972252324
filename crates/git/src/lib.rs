//! Git, as far as a verdict needs it: a repository's address goes in; refs, commits, trees and
//! blobs come out.
//!
//! Nothing is cloned. A commit is fetched by its id, first without its file contents (a partial,
//! depth-1 fetch), because the ids in its trees already say which published files are in the
//! source; single blobs, and history without trees, are fetched when a question needs them. All
//! objects land in one bare object database per repository, shared by every version of every
//! package of it and by processes running at once. No `git` program is run, no hook, no filter, no
//! credential helper: of the user's git configuration only what says where and how to connect is
//! read.

pub mod attributes;
pub mod config;
pub mod credentials;
pub mod error;
pub mod exchange;
mod export;
mod helper;
pub mod history;
pub mod host;
pub mod lfs;
pub mod local;
pub mod netrc;
pub mod objects;
pub mod remote;
pub mod repository;
pub mod transport;

pub use error::GitError;
pub use objects::{Listing, ListingEntry, ObjectStore};
pub use remote::{Filter, RemoteRef};
pub use repository::Repository;
