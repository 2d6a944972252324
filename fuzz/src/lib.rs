//! The targets of tests/fuzz for libFuzzer, which is led by coverage: scripts/fuzz.mjs runs them.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect must fail; the archive cases are another test's"
)]

#[path = "../../crates/npm-tarball/tests/it/cases/mod.rs"]
mod cases;
#[path = "../../tests/fuzz/seeds.rs"]
mod seeds;
#[path = "../../crates/npm-tarball/tests/it/tarball.rs"]
mod tarball;
#[path = "../../tests/fuzz/targets/mod.rs"]
mod targets;

use std::path::Path;
use std::sync::LazyLock;

/// The root of the repository.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The target that `REPRODUCE_FUZZ_TARGET` names.
static TARGET: LazyLock<targets::Run> = LazyLock::new(|| targets::run(&name()));

fn name() -> String {
    std::env::var("REPRODUCE_FUZZ_TARGET").expect("REPRODUCE_FUZZ_TARGET names the target")
}

/// Writes the target's seeds to the folder that `REPRODUCE_FUZZ_SEEDS` names, which ends the
/// program.
pub fn start() {
    let Some(folder) = std::env::var_os("REPRODUCE_FUZZ_SEEDS") else { return };
    for (at, seed) in seeds::of(&name()).into_iter().enumerate() {
        std::fs::write(Path::new(&folder).join(format!("seed-{at}")), seed).unwrap();
    }
    std::process::exit(0);
}

/// Does with one input what the target does.
pub fn run(input: &[u8]) {
    std::hint::black_box((*TARGET)(input));
}
