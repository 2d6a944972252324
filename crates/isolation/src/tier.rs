//! How strongly a build is kept in.

use std::fmt;

use super::error::SandboxError;

/// A way of keeping a build in, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// Namespaces that the helper makes, with Landlock and seccomp.
    Namespaces,
    /// Namespaces that bubblewrap makes, with Landlock and seccomp.
    Bwrap,
    /// Landlock and seccomp alone.
    Landlock,
    /// A clean environment, and nothing else.
    None,
}

impl Tier {
    /// The name in results and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Namespaces => "namespaces",
            Self::Bwrap => "bwrap",
            Self::Landlock => "landlock",
            Self::None => "none",
        }
    }

    /// Whether the build sees folders at other paths than the host's.
    pub fn has_mounts(self) -> bool {
        matches!(self, Self::Namespaces | Self::Bwrap)
    }

    /// What this tier does not hold, in a sentence for the result; nothing where it holds all that
    /// a sandbox is for.
    pub fn weakness(self) -> Option<&'static str> {
        match self {
            Self::Namespaces | Self::Bwrap => None,
            Self::Landlock => {
                Some("the build could see names, sizes and processes of the host, and change times of your files (not their contents)")
            }
            Self::None => Some("the build could read and change everything that you can, and reach any network"),
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What `--isolation` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// The strongest tier that works, `none` excluded.
    #[default]
    Auto,
    /// This one or none.
    Only(Tier),
}

impl Isolation {
    /// Reads the value of `--isolation`.
    pub fn parse(text: &str) -> Result<Self, SandboxError> {
        const TIERS: [Tier; 4] = [Tier::Namespaces, Tier::Bwrap, Tier::Landlock, Tier::None];
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let tier = TIERS.into_iter().find(|tier| tier.as_str() == text);
        tier.map(Self::Only).ok_or_else(|| SandboxError::UnknownIsolation { given: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn isolation_is_auto_or_the_name_of_a_tier() {
        assert_eq!(Isolation::parse("auto").unwrap(), Isolation::Auto);
        for tier in [Tier::Namespaces, Tier::Bwrap, Tier::Landlock, Tier::None] {
            assert_eq!(Isolation::parse(tier.as_str()).unwrap(), Isolation::Only(tier));
            assert_eq!(serde_json::to_value(tier).unwrap(), tier.as_str());
        }
        for wrong in ["", "Auto", "docker", "none "] {
            assert!(matches!(Isolation::parse(wrong), Err(SandboxError::UnknownIsolation { .. })), "{wrong}");
        }
    }
}
