//! What the registry publishes under a name: metadata, version choice, tarball, integrity.
//!
//! In: a [`Spec`](npm_spec::Spec), npm's configuration and the HTTP client. Out: a [`Release`]
//! (metadata of one version) and a [`Published`] (with its tarball). Nothing is assumed of the
//! metadata: mirrors leave out nearly every field.
//!
//! **Which document is read.** A packument holds every version and may have tens of megabytes; the
//! document of one version has some kilobytes. [`Detail::Lean`] reads the version's own document
//! where an exact version, a tag or nothing was asked for, and falls back to the packument where a
//! registry does not serve it. What is given up is the publish time, the other dist-tags and the
//! list of versions; [`history`] fetches them once they are needed (a build wants the time, a
//! package whose files are all in its source does not). A range always needs the packument.
//! [`Detail::Full`] reads only the packument.
//!
//! A packument is never held as a tree: it is spooled (memory up to 16 MiB, then a temporary file)
//! and walked twice, once for names, tags and times, once for the manifest that was chosen.

pub mod confusion;
mod error;
mod integrity;
mod manifest;
mod metadata;
pub mod once;
mod packument;
mod pick;
pub mod provenance;
mod resolve;
pub mod signatures;
mod spool;
mod tarball;
pub mod testimony;
#[cfg(test)]
mod tests;

pub use error::RegistryError;
pub use integrity::{Algorithm, Digests, Hasher, Integrity};
pub use manifest::{Release, Signature};
pub use metadata::{Asking, MAX_PACKUMENT, document};
pub use metadata::{MetadataCache, Stored};
pub use packument::{Packument, VersionEntry};
pub use pick::pick;
pub use resolve::{Detail, Progress, Published, ResolveOptions, download, history, resolve, select};
pub use spool::{Spool, SpoolReader, SpoolWriter};
pub use tarball::{IntegrityCheck, Tarball};
