//! `reproduce`: is what the npm registry serves under this name the thing that its declared source builds?
//!
//! This file is the surface to Node: types in, types out, no logic. The way of a package is told in [`pipeline`].

pub mod cli;
pub mod compare;
pub mod deadline;
pub mod error;
pub mod explain;
pub mod finish;
pub mod git;
pub mod history;
pub mod http;
pub mod inspect;
pub mod local;
pub mod manifest;
pub mod npmrc;
mod opening;
pub mod options;
pub mod origin;
pub mod pack;
pub mod pipeline;
pub mod product;
pub mod published;
pub mod rebuild;
pub mod recipe;
pub mod registry;
pub mod replay;
pub mod report;
pub mod sandbox;
pub mod session;
pub mod spec;
pub mod stage;
pub mod store;
pub mod timewarp;
pub mod toolchain;
mod user_source;
pub mod verdict;

mod addon;
