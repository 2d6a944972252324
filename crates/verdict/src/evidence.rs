//! Reasons to believe that a version came from a commit. They say where to look and never make a
//! verdict.

use serde::{Deserialize, Serialize};

/// What kind of reason it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceKind {
    /// `gitHead` in the registry's metadata, written by the publishing client.
    GitHead,
    /// `gitHead` in the tarball's package.json, written by a release tool.
    TarballGitHead,
    /// A `#commit` or `/tree/<ref>` in the declared repository address.
    Reference,
    /// The commit that verified npm provenance names.
    Provenance,
    /// A tag whose name says this package and this version.
    Tag,
    /// The commit that set this version in package.json.
    VersionBump,
    /// A commit whose tree holds more of the published files than the others.
    Content,
    /// The commit that the user named.
    User,
}

/// One reason, with what content says about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// What kind of reason it is.
    pub kind: EvidenceKind,
    /// The claim itself: a tag's name, a commit id, a path.
    pub value: String,
    /// The commit that it leads to, if there is one.
    pub commit: Option<String>,
    /// How many published files that commit's tree holds at the right place.
    pub files_matched: Option<usize>,
    /// How many files were published.
    pub files_published: usize,
    /// Why it counts or does not.
    pub note: Option<String>,
}
