//! Every target as one program for libFuzzer.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(init: reproduce_fuzz::start(), |input: &[u8]| {
    reproduce_fuzz::run(input);
});
