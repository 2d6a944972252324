//! What is packed, held against the clients themselves.

#![allow(
    clippy::too_many_lines,
    clippy::too_many_arguments,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]

mod fixtures;
#[path = "../../../../tests/needs/mod.rs"]
mod needs;
mod pack;
mod packlist;
