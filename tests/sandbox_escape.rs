//! Programs made to escape from the sandbox, each in every tier that works here, as root and as an ordinary user.
//!
//! An attack counts as held by what the host saw, not by what the attacker says. Where it is cheap, the same program runs without a sandbox
//! first and must succeed: an attack that fails anyway would show nothing.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a failure in a helper of a test is the test's failure"
)]

#[path = "sandbox_escape/host.rs"]
mod host;

#[path = "sandbox_escape/files.rs"]
mod files;
#[path = "sandbox_escape/kernel.rs"]
mod kernel;
#[path = "sandbox_escape/limits.rs"]
mod limits;
#[path = "sandbox_escape/network.rs"]
mod network;
#[path = "sandbox_escape/processes.rs"]
mod processes;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// All of the above once more, by a user without privileges.
#[test]
fn all_is_held_for_an_ordinary_user_too() {
    const NOBODY: u32 = 65534;
    if !host::is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let (test, helper) = (folder.path().join("test"), folder.path().join("reproduce-sandbox"));
    // By a process of its own: what this one writes another test's fork may hold open, and a file that is written to cannot be run.
    for (from, to) in [(std::env::current_exe().unwrap().as_path(), &test), (&*host::HELPER, &helper)] {
        assert!(Command::new("cp").arg(from).arg(to).status().unwrap().success());
    }
    let ran =
        Command::new(&test).uid(NOBODY).gid(NOBODY).env("REPRODUCE_SANDBOX", &helper).env("HOME", "/").current_dir("/").output().unwrap();
    println!("{}", String::from_utf8_lossy(&ran.stdout));
    assert!(ran.status.success(), "{}\n{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
}
