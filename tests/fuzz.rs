//! Fuzzing of what reads strangers' bytes: archives, specs, npm's configuration, repository
//! addresses, packuments.
//!
//! Works on stable Rust: a seeded mutator over a corpus of real inputs, which keeps every input
//! that makes a target behave in a way not seen before (its error code, its oddities, the shape of
//! what was read). A target fails by a panic, which an invariant that does not hold is too, by an
//! input that takes longer than `harness::SLOWEST`, or by memory beyond `harness::MEMORY`. The
//! input is then kept as a file, and `REPRODUCE_FUZZ_INPUT=<file>` runs it alone.
//!
//! `cargo test` runs each target with a fixed number of inputs; `node scripts/fuzz.mjs <target>
//! --minutes 30` for longer.

#![allow(
    clippy::too_many_lines,
    clippy::too_many_arguments,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect must fail"
)]

#[allow(dead_code, reason = "the archive cases are made for another test, which needs more of them")]
#[path = "../crates/npm-tarball/tests/it/cases/mod.rs"]
mod cases;
#[path = "fuzz/harness.rs"]
mod harness;
#[path = "fuzz/mutate.rs"]
mod mutate;
#[allow(dead_code, reason = "made for the mutation suite, which needs more of it")]
#[path = "mutation/random.rs"]
mod random;
#[path = "fuzz/seeds.rs"]
mod seeds;
#[allow(dead_code, reason = "the archive cases are made for another test, which needs more of them")]
#[path = "../crates/npm-tarball/tests/it/tarball.rs"]
mod tarball;
#[path = "fuzz/targets/mod.rs"]
mod targets;

/// The root of the repository.
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

macro_rules! tests {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                harness::fuzz(stringify!($name));
            }
        )*

        #[test]
        fn every_target_is_a_test() {
            let own: Vec<&str> = targets::ALL.iter().map(|(name, _)| *name).filter(|name| *name != "disk").collect();
            assert_eq!(own, [$(stringify!($name)),*]);
        }
    };
}

tests! {
    archive spec npmrc address packument lean confusion openpgp provenance lockfile entries glob packlist shell workflow recipe statement results
    manifest git
}

#[cfg(unix)]
#[test]
fn disk() {
    harness::fuzz("disk");
}
