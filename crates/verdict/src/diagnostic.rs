//! What every error of this crate can say about itself: a stable code, the stage it came from, and
//! a hint.
//!
//! Each stage has its own enum with a variant per failure; this trait is what the report and the JS
//! surface need of all of them.

use std::fmt;
use std::path::{Component, Path, PathBuf};

/// The stage of the way from spec to verdict in which something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// What the user typed or passed.
    Usage,
    /// Reading the registry's metadata and tarball.
    Resolve,
    /// Looking for the commit.
    Locate,
    /// Getting objects from the repository's host.
    Fetch,
    /// Deciding what to try.
    Plan,
    /// Running a build.
    Build,
    /// Writing the tarball.
    Pack,
    /// Comparing the rebuilt with the published tarball.
    Compare,
    /// Writing the answer.
    Report,
    /// Reading and writing caches.
    Cache,
}

impl Stage {
    /// The stage's name as it stands in JSON and in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Resolve => "resolve",
            Self::Locate => "locate",
            Self::Fetch => "fetch",
            Self::Plan => "plan",
            Self::Build => "build",
            Self::Pack => "pack",
            Self::Compare => "compare",
            Self::Report => "report",
            Self::Cache => "cache",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The system's words without its number (`No such file or directory (os error 2)`), which says the
/// same to fewer people.
pub fn plain(text: &str) -> String {
    const MARK: &str = " (os error ";
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(MARK) {
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        out.push_str(before);
        if let Some(tail) = after.get(digits..).and_then(|tail| tail.strip_prefix(')')).filter(|_| digits > 0) {
            rest = tail;
        } else {
            out.push_str(MARK);
            rest = after;
        }
    }
    out + rest
}

/// A path of this machine for a message: without the `.` and `..` that joining it with the working
/// folder left in it.
pub fn shown_path(path: &Path) -> String {
    let mut shown = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(shown.components().next_back(), Some(Component::Normal(_))) => drop(shown.pop()),
            other => shown.push(other),
        }
    }
    shown.display().to_string()
}

/// The codes of what this machine or this program lacked or did wrong: those of that section of
/// docs/codes.md.
const OF_THIS_MACHINE: [&str; 36] = [
    "archive-read",
    "archive-spool",
    "binary-missing",
    "cache-no-folder",
    "cache-unusable",
    "disk-failed",
    "documents-missing",
    "emit-failed",
    "folder-repository-unreadable",
    "folder-unreadable",
    "folder-without-package",
    "folder-without-workspace",
    "gzip-io",
    "internal",
    "list-unreadable",
    "local-pack-failed",
    "loopback-base",
    "loopback-listener",
    "object-damaged",
    "output",
    "sandbox-command",
    "sandbox-give",
    "sandbox-helper-missing",
    "sandbox-io",
    "sandbox-lost",
    "sandbox-mount",
    "sandbox-no-place",
    "sandbox-setup",
    "sandbox-unavailable",
    "sandbox-unsupported",
    "tar-bad-path",
    "tar-field-overflow",
    "tar-io",
    "tar-size-changed",
    "temporary-file",
    "workspace-without-packages",
];

/// Whether a code says nothing about a package, but that this machine failed: a disk that is full,
/// a sandbox that cannot be made.
pub fn is_of_this_machine(code: &str) -> bool {
    code.starts_with("cache-") || OF_THIS_MACHINE.contains(&code)
}

/// An error that can be reported: every error enum of this crate implements it.
pub trait Diagnostic: std::error::Error {
    /// The stable, kebab-case name of this failure.
    fn code(&self) -> &'static str;
    /// Where it happened.
    fn stage(&self) -> Stage;
    /// One sentence that tells the user what to do, if there is something to do.
    fn hint(&self) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_codes_are_those_of_the_documents_section() {
        let codes = include_str!("../../../docs/codes.md");
        let section = codes.split("### This machine and this program").nth(1).unwrap().split("\n#").next().unwrap();
        let mut listed: Vec<&str> = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        listed.sort_unstable();
        assert!(listed.len() > 10);
        assert_eq!(listed, OF_THIS_MACHINE);
        assert!(is_of_this_machine("cache-disk-full") && !is_of_this_machine("repository-not-found"));
    }

    #[test]
    fn the_systems_number_goes_and_nothing_else() {
        assert_eq!(plain("a: No such file or directory (os error 2); b (os error x)"), "a: No such file or directory; b (os error x)");
    }

    #[cfg(unix)]
    #[test]
    fn a_path_is_shown_without_detours() {
        assert_eq!(shown_path(Path::new("/home/me/././a/../b.tgz")), "/home/me/b.tgz");
        assert_eq!(shown_path(Path::new("../b")), "../b");
    }
}
