//! A toolchain that the user put in reach of a build, as a result lists it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Longest name.
const LONGEST: usize = 32;

/// A toolchain that no npm registry has, and that the user put in reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolchainInfo {
    /// What the user calls it.
    pub name: String,
    /// sha256 over all of its files: modes, contents and paths.
    pub digest: String,
    /// The programs in its folder `bin`, with the sha256 of each.
    pub programs: BTreeMap<String, String>,
}

/// Whether a word can name a toolchain: it becomes a folder's name.
pub fn is_toolchain_name(name: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    name.len() <= LONGEST && name.split(['-', '_']).all(is_part)
}
