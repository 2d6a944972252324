//! In: the bytes of two package archives, each from a stranger. Out: what each holds, whether all
//! readers agree on that, what differs between them, and the difference as text.
//!
//! This is the trusted code on untrusted bytes, so it stands on its own: a bounded, streaming
//! reader that writes nothing but one unnamed temporary file, and follows npm's own extractor
//! (pacote with node-tar 7) rule by rule. Where that extractor and the other clients could see
//! different packages in the same bytes, the archive is not *plain*, and an [`Oddity`] says why;
//! then only equal bytes prove anything. A package rebuilt goes through the very same reader.

mod archive;
mod comparison;
mod diff;
mod error;
mod gunzip;
mod hashes;
mod header;
mod limits;
mod name;
mod number;
mod oddity;
mod pax;
mod settle;
mod source;
mod spool;
mod tar;
#[cfg(test)]
mod tests;
mod text;

pub use archive::{Archive, Entry, EntryKind};
pub use comparison::{Change, ChangeKind, Comparison, Side, compare, read_alike};
pub use diff::{Diff, DiffLimits, diff};
pub use error::ArchiveError;
pub use gunzip::GzipHeader;
pub use limits::Limits;
pub use oddity::{Oddity, OddityKind};
pub use settle::same_letters;
pub use spool::TarReader;

/// The README's example is run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
