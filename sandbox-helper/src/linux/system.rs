//! What every build sees of the host's system, and the made-up rest: the same list for both tiers
//! that have mounts.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::policy::Policy;
use super::user::INSIDE;

/// The tools of the machine: shell, git, make, python, compilers. Read-only.
const FOLDERS: [&str; 7] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];
/// What those tools need of /etc: where libraries and alternatives are, and certificates.
/// Read-only, where they exist.
const SETTINGS: [&str; 9] = [
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf.d",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust/extracted",
    "/etc/ca-certificates/extracted",
    "/var/lib/ca-certificates",
];
/// Hidden: what the machine's owner has put there (another Node, global packages) is no part of the
/// system, and differs everywhere.
pub const HIDDEN: &str = "/usr/local";
/// Bytes of the fresh /tmp, which is memory.
pub const TMP: u64 = 1 << 30;
/// Bytes of the fresh /dev/shm.
pub const SHM: u64 = 256 << 20;

/// A part of the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A folder or file to show at its own path.
    Show(PathBuf),
    /// A link to make: /bin is one on most systems.
    Link {
        /// Where.
        at: PathBuf,
        /// What it says.
        to: PathBuf,
    },
}

/// The parts that this machine has.
pub fn parts() -> Vec<Part> {
    let mut parts = Vec::new();
    for path in FOLDERS.iter().chain(&SETTINGS).map(PathBuf::from) {
        match fs::read_link(&path) {
            Ok(to) if FOLDERS.iter().any(|folder| path == Path::new(folder)) => parts.push(Part::Link { at: path, to }),
            _ if path.exists() => parts.push(Part::Show(path)),
            _ => {}
        }
    }
    parts.push(Part::Link { at: "/etc/localtime".into(), to: "/usr/share/zoneinfo/Etc/UTC".into() });
    parts
}

/// The files of /etc that are made up: one user, no other host than this, no name service.
pub fn made_up(policy: &Policy) -> Vec<(&'static str, Vec<u8>)> {
    // A home that cannot stand in a line of passwd is none of ours.
    let home = policy.variable("HOME").filter(|home| !home.iter().any(|byte| matches!(byte, b':' | b'\n')));
    let home = OsStr::from_bytes(home.unwrap_or(b"/tmp")).as_bytes();
    let mut passwd = format!("build:x:{INSIDE}:{INSIDE}:build:").into_bytes();
    passwd.extend(home);
    passwd.extend(b":/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n");
    vec![
        ("/etc/passwd", passwd),
        ("/etc/group", format!("build:x:{INSIDE}:\nnogroup:x:65534:\n").into_bytes()),
        ("/etc/hosts", b"127.0.0.1 localhost\n::1 localhost\n".to_vec()),
        ("/etc/hostname", b"build\n".to_vec()),
        ("/etc/resolv.conf", Vec::new()),
        ("/etc/nsswitch.conf", b"passwd: files\ngroup: files\nhosts: files\n".to_vec()),
        ("/etc/timezone", b"Etc/UTC\n".to_vec()),
    ]
}
