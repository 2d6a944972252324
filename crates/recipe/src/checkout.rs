//! Whose checkout the files of a recipe are as.

/// Whose checkout is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Checkout {
    /// git's defaults on Linux and macOS: no conversion but what `.gitattributes` asks for.
    Posix,
    /// Git for Windows as it installs itself: `core.autocrlf=true`, and no executable bits.
    Windows,
}
