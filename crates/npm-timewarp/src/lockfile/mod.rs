//! What a lockfile names: versions of packages, which a registry must not hide, and hosts besides
//! the registry.
//!
//! In: a file's name and bytes, from a stranger's source. Out: names as the registry has them (an
//! alias gives the real one) and exact versions. Formats: package-lock and npm-shrinkwrap 1 to 3,
//! yarn 1, yarn 2 and later, pnpm 3 to 11 (`shrinkwrap.yaml` too), bun's text lockfile. Entries
//! that name no version of a registry (git, files, workspaces) are left out.

mod bun;
mod git;
mod npm;
mod pnpm;
mod stand_in;
mod yaml;
mod yarn;
mod yarn_git;

use std::collections::BTreeSet;

use url::Url;

use npm_spec::{PackageName, version};
use verdict::diagnostic::{Diagnostic, Stage};

pub use bun::rewrite_bun;
pub use git::{lead_berry, lead_bun, lead_pnpm};
pub use stand_in::with_stand_ins;
pub use yarn::{Rewritten, rewrite_yarn_v1};

/// Largest lockfile that is read, in bytes, and most versions that one may name.
const MAX_FILE: usize = 64 << 20;
const MAX_NAMED: usize = 200_000;

/// What a lockfile names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// Names and versions.
    pub versions: BTreeSet<(String, String)>,
    /// Hosts of tarballs and repositories that are in no registry.
    pub hosts: BTreeSet<String>,
}

/// A lockfile that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LockfileError {
    /// No format of this name is known.
    #[error("{name} is not a readable lockfile")]
    Unknown {
        /// File name.
        name: String,
    },
    /// Larger than is read.
    #[error("{name} is larger than {MAX_FILE} bytes, or names too much")]
    TooLarge {
        /// File name.
        name: String,
    },
    /// Not the format that its name says.
    #[error("{name} cannot be read: {reason}")]
    Malformed {
        /// File name.
        name: String,
        /// Where, and what kind of fault; never a quotation.
        reason: String,
    },
}

impl Diagnostic for LockfileError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "lockfile-unknown",
            Self::TooLarge { .. } => "lockfile-too-large",
            Self::Malformed { .. } => "lockfile-malformed",
        }
    }

    fn stage(&self) -> Stage {
        Stage::Plan
    }

    fn hint(&self) -> Option<String> {
        Some("versions that only this file names may be hidden from the build".to_owned())
    }
}

/// Reads a lockfile; its name says the format.
pub fn named(file_name: &str, bytes: &[u8]) -> Result<Named, LockfileError> {
    let name = || file_name.to_owned();
    if bytes.len() > MAX_FILE {
        return Err(LockfileError::TooLarge { name: name() });
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(LockfileError::Malformed { name: name(), reason: "it is not UTF-8".to_owned() });
    };
    let text = text.trim_start_matches('\u{feff}');
    let mut found = Named::default();
    let read = match file_name {
        "package-lock.json" | "npm-shrinkwrap.json" | ".package-lock.json" => npm::read(text, &mut found),
        "yarn.lock" if yarn::is_berry(text) => yarn::read_berry(text, &mut found),
        "yarn.lock" => {
            yarn::read_v1(text, &mut found);
            Ok(())
        }
        "pnpm-lock.yaml" | "shrinkwrap.yaml" => pnpm::read(text, &mut found),
        "bun.lock" => bun::read(text, &mut found),
        _ => return Err(LockfileError::Unknown { name: name() }),
    };
    read.map_err(|reason| LockfileError::Malformed { name: name(), reason })?;
    if found.versions.len() > MAX_NAMED || found.hosts.len() > MAX_NAMED {
        return Err(LockfileError::TooLarge { name: name() });
    }
    Ok(found)
}

impl Named {
    /// Adds a version, if it is one that a registry can have.
    fn version(&mut self, name: &str, version: &str) {
        // One more than is allowed shows that there are too many.
        if self.versions.len() <= MAX_NAMED && PackageName::parse(name).is_ok() && version::parse(version).is_some() {
            self.versions.insert((name.to_owned(), version.to_owned()));
        }
    }

    /// Adds the host of an address that is no tarball of a registry.
    fn address(&mut self, address: &str) {
        let address = address.strip_prefix("git+").unwrap_or(address);
        let host = Url::parse(address).ok().and_then(|url| url.host_str().filter(|host| !host.is_empty()).map(str::to_owned));
        if let Some(host) = host.filter(|_| self.hosts.len() <= MAX_NAMED) {
            self.hosts.insert(host);
        }
    }
}

/// Whether an address is one under which registries serve tarballs, and the name of the package in
/// it.
fn registry_name(address: &str) -> Option<String> {
    if !address.starts_with("http://") && !address.starts_with("https://") {
        return None;
    }
    let (before, _) = address.split_once("/-/")?;
    let before = before.replace("%2f", "/").replace("%2F", "/").replace("%40", "@");
    let mut segments = before.rsplit('/');
    let base = segments.next()?;
    let name = match segments.next().filter(|scope| scope.starts_with('@')) {
        Some(scope) => format!("{scope}/{base}"),
        None => base.to_owned(),
    };
    PackageName::parse(&name).is_ok().then_some(name)
}

/// Whether an address is in a registry: with `/-/`, or as registries have it that serve packages of
/// repositories.
fn is_registry(address: &str) -> bool {
    registry_name(address).is_some() || (address.starts_with("https://") && address.contains("/download/@"))
}

/// `name@rest`, the name with or without a scope.
fn split_name(text: &str) -> Option<(&str, &str)> {
    let scoped = usize::from(text.starts_with('@'));
    let at = text.get(scoped..)?.find('@')? + scoped;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_from_what_follows() {
        assert_eq!(split_name("a@^1"), Some(("a", "^1")));
        assert_eq!(split_name("@s/a@npm:b@1"), Some(("@s/a", "npm:b@1")));
        assert_eq!((split_name("a"), split_name("@s/a"), split_name("")), (None, None, None));
    }

    #[test]
    fn a_registrys_tarball_gives_the_name() {
        assert_eq!(registry_name("https://r.example/@s%2fa/-/a-1.0.0.tgz").as_deref(), Some("@s/a"));
        assert_eq!(registry_name("https://r.example/npm/a/-/a-1.0.0.tgz").as_deref(), Some("a"));
        assert_eq!(registry_name("git+https://r.example/a/-/a-1.0.0.tgz"), None);
    }

    #[test]
    fn unknown_names_and_other_encodings_are_errors_with_codes() {
        assert_eq!(named("bun.lockb", b"").unwrap_err().code(), "lockfile-unknown");
        assert_eq!(named("yarn.lock", b"\xff").unwrap_err().code(), "lockfile-malformed");
        assert_eq!(named("package-lock.json", b"{").unwrap_err().code(), "lockfile-malformed");
    }
}
