//! Things that a test needs and that not every machine has: a tier of the sandbox, a user, a
//! client.
//!
//! A test says here what it met and what it went without. `scripts/test.mjs` gives the file for
//! that (`REPRODUCE_TEST_RECORD`), and at the end it counts and names what was lacked.
//! `REPRODUCE_TEST_REQUIRE` holds names, or `all`: going without one of them fails the test itself.

use std::fs::OpenOptions;
use std::io::Write as _;

/// True for a name that the environment requires.
pub(crate) fn required(name: &str) -> bool {
    let names = std::env::var("REPRODUCE_TEST_REQUIRE").unwrap_or_default();
    names.split(',').map(str::trim).any(|one| one == "all" || one == name)
}

/// Records that a thing was there and was used.
pub(crate) fn had(name: &str) {
    record(&format!("had\t{name}\n"));
}

/// Records that a thing was not there, and fails where it is required.
pub(crate) fn lacked(name: &str, why: &str) {
    let why = why.lines().next().unwrap_or_default();
    record(&format!("lacked\t{name}\t{why}\n"));
    assert!(!required(name), "{name} is required (REPRODUCE_TEST_REQUIRE) and not here: {why}");
    println!("not tested here: {name}: {why}");
}

fn record(line: &str) {
    let Some(path) = std::env::var_os("REPRODUCE_TEST_RECORD") else { return };
    // One write for one line: tests that run beside each other append to the same file.
    OpenOptions::new().append(true).open(path).unwrap().write_all(line.as_bytes()).unwrap();
}
