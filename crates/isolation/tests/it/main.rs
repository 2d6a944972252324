//! Programs made to escape from the sandbox, each in every tier that works here, as root and as an
//! ordinary user.
//!
//! An attack counts as held by what the host saw, not by what the attacker says. Where it is cheap,
//! the same program runs without a sandbox first and must succeed: an attack that fails anyway
//! would show nothing.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a failure in a helper of a test is the test's failure"
)]

mod host;
#[path = "../../../../tests/needs/mod.rs"]
mod needs;

mod attributes;
mod files;
mod kernel;
mod limits;
mod network;
mod processes;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// All of the above once more: by a user without privileges where root runs them, and by root where
/// another user does.
#[test]
fn all_is_held_for_the_other_kind_of_user_too() {
    const NOBODY: u32 = 65534;
    if std::env::var_os(host::BESIDE).is_some() {
        return;
    }
    let other = if host::is_root() { "user:other" } else { "user:root" };
    // A developer's machine may give root without a question, and is not to be asked for it by a
    // test.
    if !host::is_root() && !needs::required(other) {
        return needs::lacked(other, "not root, and sudo is used only where user:root is required");
    }
    // One kind after the other: some limits are of the whole machine.
    let _alone = host::Host::alone();
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let (test, helper) = (folder.path().join("test"), folder.path().join("reproduce-sandbox"));
    // By a process of its own: what this one writes another test's fork may hold open, and a file
    // that is written to cannot be run.
    for (from, to) in [(std::env::current_exe().unwrap().as_path(), &test), (&*host::HELPER, &helper)] {
        assert!(Command::new("cp").arg(from).arg(to).status().unwrap().success());
    }
    let mut command = if host::is_root() {
        let mut command = Command::new(&test);
        command.uid(NOBODY).gid(NOBODY).env("HOME", "/");
        command
    } else {
        let kept = "--preserve-env=REPRODUCE_SANDBOX,REPRODUCE_TEST_RECORD,REPRODUCE_TEST_REQUIRE,SANDBOX_ESCAPE_BESIDE";
        let mut command = Command::new("sudo");
        // sudo has a PATH of its own, and `node` may be in none of its folders.
        command.args(["-n", kept, "env"]).arg(format!("PATH={}", std::env::var("PATH").unwrap())).arg(&test);
        command
    };
    let ran = command.env("REPRODUCE_SANDBOX", &helper).env(host::BESIDE, "1").current_dir("/").output().unwrap();
    println!("{}", String::from_utf8_lossy(&ran.stdout));
    assert!(ran.status.success(), "{}\n{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    needs::had(other);
    needs::had(if host::is_root() { "user:root" } else { "user:other" });
}
