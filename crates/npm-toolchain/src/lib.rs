//! Node and package managers of any era, from the registry.
//!
//! In: what a package and its source say of the tools that made it ([`Clues`]). Out: a few
//! [`Toolchain`]s to try, likeliest first, each with the reasons, and the tools themselves
//! ([`Tool`]): folders that a build may read.
//!
//! Everything comes from the registry that the user has configured anyway: Node of nearly any
//! version is a package for each platform, and the package managers are packages. A tool counts
//! only if the registry promises a hash and the tarball has it; it is unpacked once, under a name
//! that follows from that hash, by one process while others wait, and its files are looked through
//! before a run believes them. Node can come from its project's own distribution instead, by its
//! signed hashes ([`Distribution`]). [`choose`] is pure: it reads the commit's files and the
//! calendar. [`Toolchains::settle`] turns wishes into versions that are published.

pub mod choose;
mod content;
mod dist;
mod error;
mod fetch;
mod index;
mod managers;
mod schedule;
mod settle;
pub mod shelf;
mod unpack;

pub use choose::{Candidate, Clues, ManagerCandidate, Wanted, Wish, choose};
pub use content::sha256_of_file;
pub use dist::{Distribution, KeyRing, MAX_KEYS, Signer, shasums};
pub use error::ToolchainError;
pub use fetch::{Tool, Toolchains};
pub use index::PublishedVersion;
pub use settle::Toolchain;
