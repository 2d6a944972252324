//! Landlock: the second fence around files, and the only one where there are no namespaces.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, NetPort, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, RulesetStatus, Scope,
};

use super::failure::{Doing, Failure};

/// Files, truncation, devices, TCP ports, and signals and abstract sockets that stay within the
/// domain.
const LATEST: ABI = ABI::V6;

/// What the landlock tier lets a build read of the system: programs, libraries, certificates, and
/// what Node asks of /proc.
const READABLE: [&str; 16] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/certs",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/version",
    "/proc/filesystems",
];
/// The devices that every tier has.
pub const DEVICES: [&str; 6] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];

/// Inside namespaces: everything may be read, since only what may be is there; only `writable` may
/// be changed.
///
/// A kernel without Landlock goes on without it: the mounts hold the same line.
pub fn within_namespaces(writable: &[PathBuf]) -> Result<(), Failure> {
    let doing = "restrict the files with Landlock";
    let ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(LATEST))
        .and_then(|ruleset| ruleset.scope(Scope::from_all(LATEST)))
        .and_then(Ruleset::create)
        .doing(doing)?;
    let mut ruleset = allow(ruleset, Path::new("/"), false)?;
    for path in writable {
        ruleset = allow(ruleset, path, true)?;
    }
    ruleset.restrict_self().doing(doing)?;
    Ok(())
}

/// Without namespaces: only what is named may be read or written, no TCP but to `port`, no signal
/// to anybody else.
pub fn alone(readable: &[PathBuf], writable: &[PathBuf], port: Option<u16>) -> Result<(), Failure> {
    let doing = "restrict the build with Landlock";
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(LATEST))
        .and_then(|ruleset| ruleset.handle_access(AccessNet::from_all(LATEST)))
        .and_then(|ruleset| ruleset.scope(Scope::from_all(LATEST)))
        .and_then(Ruleset::create)
        .doing(doing)?;
    for path in READABLE.iter().map(Path::new).filter(|path| path.exists()) {
        ruleset = allow(ruleset, path, false)?;
    }
    for path in DEVICES.iter().map(Path::new).filter(|path| path.exists()) {
        ruleset = allow(ruleset, path, true)?;
    }
    for path in readable {
        ruleset = allow(ruleset, path, false)?;
    }
    for path in writable {
        ruleset = allow(ruleset, path, true)?;
    }
    if let Some(port) = port {
        ruleset = ruleset.add_rule(NetPort::new(port, AccessNet::ConnectTcp)).doing(doing)?;
    }
    enforced(&ruleset.restrict_self().doing(doing)?.ruleset)
}

/// The warden's own domain: its signals reach the build, which is in a domain below, and nobody
/// else.
pub fn signals_only() -> Result<(), Failure> {
    let doing = "keep signals within the sandbox";
    let ruleset =
        Ruleset::default().set_compatibility(CompatLevel::HardRequirement).scope(Scope::Signal).and_then(Ruleset::create).doing(doing)?;
    enforced(&ruleset.restrict_self().doing(doing)?.ruleset)
}

fn enforced(status: &RulesetStatus) -> Result<(), Failure> {
    if matches!(status, RulesetStatus::FullyEnforced) {
        return Ok(());
    }
    Err(Failure::new("restrict the build with Landlock", "this kernel does not enforce all of it; Linux 6.12 or later is needed"))
}

fn allow(ruleset: RulesetCreated, path: &Path, writable: bool) -> Result<RulesetCreated, Failure> {
    let doing = || format!("open {} to the build", path.display());
    let mut access = if writable { AccessFs::from_all(LATEST) } else { AccessFs::from_read(LATEST) };
    if !path.is_dir() {
        access &= AccessFs::from_file(LATEST);
    }
    let descriptor = PathFd::new(path).doing(doing())?;
    ruleset.add_rule(PathBeneath::new(descriptor, access)).doing(doing())
}
