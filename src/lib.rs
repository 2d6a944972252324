//! `reproduce`: is what the npm registry serves under this name the thing that its declared source
//! builds?
//!
//! This package is the surface: the command line and the addon for Node. The way of a package is
//! told in [`judge::pipeline`]; crates/README.md says what each crate is.

mod addon;
pub mod cli;
pub mod history;
pub mod local;
pub mod options;
mod pipes;
mod places;
pub mod session;
pub mod stage;
