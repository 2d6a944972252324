//! What one process may use: resource limits of the kernel, set in the build's first process and
//! inherited by all others.
//!
//! What they cannot bound, the sum over processes, is watched by `watch.rs`.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::failure::{Doing, Failure};
use super::policy::Limits;

/// Enough for every bundler, and small enough for programs that close every descriptor there could
/// be.
const DESCRIPTORS: u64 = 8192;

/// The watching process, its thread and bubblewrap: the kernel counts them along, and the build is
/// to have its number without them.
const OWN: u64 = 8;

/// Sets them. `others` are the user's processes that the kernel counts along with the build's.
pub fn set(limits: &Limits, others: u64) -> Result<(), Failure> {
    // RLIMIT_DATA, not RLIMIT_AS: WebAssembly reserves address space by the gigabyte and uses
    // little of it.
    lower(Resource::RLIMIT_DATA, limits.memory, "memory")?;
    lower(Resource::RLIMIT_NPROC, limits.processes.saturating_add(others).saturating_add(OWN), "processes")?;
    lower(Resource::RLIMIT_FSIZE, limits.file, "size of a file")?;
    lower(Resource::RLIMIT_NOFILE, DESCRIPTORS, "open files")?;
    lower(Resource::RLIMIT_CORE, 0, "core dumps")
}

/// A limit that is lower already stays.
fn lower(resource: Resource, wanted: u64, name: &str) -> Result<(), Failure> {
    let doing = || format!("limit the {name}");
    let (_, hard) = getrlimit(resource).doing(doing())?;
    let limit = wanted.min(hard);
    setrlimit(resource, limit, limit).doing(doing())
}
