//! The files of the command line of a check.

use super::arguments::Arguments;
use crate::places::Places;

/// What the options name, the documents of a run, and what they are signed with.
pub(super) fn of(arguments: &Arguments) -> Places {
    Places::default()
        .with(&arguments.options())
        .read("--from", arguments.from.clone())
        // What a shell has opened as standard input is a file too.
        .read("-", arguments.specs.iter().any(|spec| spec == "-").then_some("/dev/stdin"))
        .read("--attest-key", arguments.attest_key.clone())
        .read("--signing-config", arguments.signing_config.clone())
        .read("--verify-attestation", arguments.verify_attestation.clone())
        .written("--attest", arguments.attest.clone())
        .written("--attest-svr", arguments.attest_svr.clone())
        .written("--sarif", arguments.sarif.clone())
        .written("--diffoscope-json", arguments.diffoscope_json.clone())
        .written("--junit", arguments.junit.clone())
}
