//! Whose checkout the files of a recipe are as.

/// Whose checkout is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Checkout {
    /// git's defaults on Linux and macOS: no conversion but what `.gitattributes` asks for.
    Posix,
    /// Git for Windows as it installs itself: `core.autocrlf=true`, and no executable bits.
    Windows,
    /// A file system that keeps no modes (exFAT, SMB, a mount of WSL or Docker) and shows this one
    /// for every file. Read and write bits are left to the tarball, as ever.
    #[serde(rename = "modes-644")]
    Modes644,
    /// The same with bits for the owner.
    #[serde(rename = "modes-744")]
    Modes744,
    /// The same with bits for owner and group.
    #[serde(rename = "modes-754")]
    Modes754,
    /// The same with bits for all.
    #[serde(rename = "modes-755")]
    Modes755,
}

impl Checkout {
    /// The file system without modes that gives every file these executable bits; `None` where no
    /// mount does.
    pub fn with_executable_bits(bits: u32) -> Option<Self> {
        match bits & 0o111 {
            0 => Some(Self::Modes644),
            0o100 => Some(Self::Modes744),
            0o110 => Some(Self::Modes754),
            0o111 => Some(Self::Modes755),
            _ => None,
        }
    }

    /// The one mode of all files; `None` where each has its own.
    pub fn mode_of_all(self) -> Option<u32> {
        match self {
            Self::Posix => None,
            // Node on Windows reports 666 for every file that is not read-only (libuv,
            // fs__stat_impl).
            Self::Windows => Some(0o666),
            Self::Modes644 => Some(0o644),
            Self::Modes744 => Some(0o744),
            Self::Modes754 => Some(0o754),
            Self::Modes755 => Some(0o755),
        }
    }

    /// Whether it is one of a file system without modes.
    pub fn is_without_modes(self) -> bool {
        matches!(self, Self::Modes644 | Self::Modes744 | Self::Modes754 | Self::Modes755)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_without_modes_is_told_by_the_bits_of_all_files() {
        for mode in [0o644, 0o744, 0o754, 0o755] {
            let found = Checkout::with_executable_bits(mode).expect("a mount");
            assert_eq!((found.mode_of_all(), found.is_without_modes()), (Some(mode), true));
            assert_eq!(serde_json::to_value(found).expect("JSON"), format!("modes-{mode:o}"));
        }
        assert_eq!(Checkout::with_executable_bits(0o701), None);
        assert!(!Checkout::Posix.is_without_modes() && !Checkout::Windows.is_without_modes());
    }
}
