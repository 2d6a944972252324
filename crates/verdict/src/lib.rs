//! The judgement: what was tried and what came of it goes in, one verdict and one exit code come
//! out. Nothing else is asked here: no claim, no attestation and no popularity changes a verdict.
//!
//! The words that every stage shares are here too: findings, evidence, endings and diagnostics. No
//! input or output.

pub mod diagnostic;
mod ending;
pub mod escape;
mod evidence;
mod failed;
mod finding;
pub mod host;
pub mod patience;
mod secrets;
pub mod wildcards;

use serde::Serialize;

pub use ending::Ending;
pub use evidence::{Evidence, EvidenceKind};
pub use failed::{Failed, Internal, boxed, internal};
pub use finding::{Finding, Severity};
pub use secrets::{path_without_secrets, told_without_secrets, without_secrets};

/// The answer for one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The rebuilt tarball has the published integrity, byte for byte.
    Identical,
    /// Not identical, but npm writes the same entries to disk: path, type, mode, bytes or link
    /// target.
    SameContent,
    /// Rebuilt, and an entry is not the same; or the published archive is malformed, ambiguous or
    /// not the one that was announced.
    Differs,
    /// No build finished, so there was nothing to compare.
    BuildFailed,
    /// No usable source: none declared, not reachable, or no commit for this version.
    NoSource,
    /// The source or the build needs what this program or machine does not have.
    Unsupported,
    /// Ours or the user's: unknown package, network, disk, usage.
    Error,
}

impl Verdict {
    /// The word as it stands in JSON and in the report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identical => "identical",
            Self::SameContent => "same-content",
            Self::Differs => "differs",
            Self::BuildFailed => "build-failed",
            Self::NoSource => "no-source",
            Self::Unsupported => "unsupported",
            Self::Error => "error",
        }
    }

    /// 0 reproduced, 1 checked and not reproduced, 2 not decided.
    pub fn exit_code(self, accept: Accept) -> u8 {
        match self {
            Self::Identical => 0,
            Self::SameContent => u8::from(accept == Accept::Identical),
            Self::Differs | Self::BuildFailed => 1,
            Self::NoSource | Self::Unsupported | Self::Error => 2,
        }
    }

    /// Whether files were compared, or an archive was found to be none: in contrast to what could
    /// not be looked at.
    pub fn is_decided(self) -> bool {
        self.exit_code(Accept::SameContent) < 2
    }

    /// Whether this counts as reproduced.
    pub fn reproduced(self, accept: Accept) -> bool {
        self.exit_code(accept) == 0
    }
}

/// Where the line of "reproduced" is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Accept {
    /// The bytes of the tarball must agree.
    Identical,
    /// What npm writes to disk must agree.
    #[default]
    SameContent,
}

/// What the judge must know of the published archive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublishedFacts {
    /// The tarball has another integrity than the registry announced.
    pub integrity_mismatch: bool,
    /// The code of the first reason why the archive is not plain, if it is not.
    pub not_plain: Option<&'static str>,
    /// The registry's metadata asks an installer for other than the tarball's package.json says.
    pub manifest_mismatch: bool,
}

/// What one attempt came to, before judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The rebuilt tarball is the published one, byte for byte.
    SameBytes,
    /// All entries agree.
    SameEntries,
    /// Some entry does not.
    OtherEntries,
}

/// Judges one attempt: the verdict, and a code where it is not reproduced for a reason of the
/// archive's.
pub fn judge(outcome: Outcome, published: &PublishedFacts) -> (Verdict, Option<&'static str>) {
    if published.integrity_mismatch {
        return (Verdict::Differs, Some("integrity-mismatch"));
    }
    if published.manifest_mismatch && outcome != Outcome::OtherEntries {
        // The files have a source. What is installed with them does not follow from it.
        return (Verdict::Differs, Some("manifest-mismatch"));
    }
    match (outcome, published.not_plain) {
        (Outcome::SameBytes, _) => (Verdict::Identical, None),
        (Outcome::SameEntries, None) => (Verdict::SameContent, None),
        // What readers disagree about is covered by equal bytes only.
        (_, Some(code)) => (Verdict::Differs, Some(code)),
        (Outcome::OtherEntries, None) => (Verdict::Differs, None),
    }
}

/// The exit code for several packages: 1 if any is not reproduced, else 2 if any is undecided,
/// else 0.
pub fn merge_exit_codes(codes: impl IntoIterator<Item = u8>) -> u8 {
    codes.into_iter().fold(0, |merged, code| match (merged, code) {
        (1, _) | (_, 1) => 1,
        (2, _) | (_, 2) => 2,
        _ => 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_that_is_not_plain_is_covered_by_equal_bytes_only() {
        let odd = PublishedFacts { not_plain: Some("trailing-bytes"), ..PublishedFacts::default() };
        assert_eq!(judge(Outcome::SameBytes, &odd), (Verdict::Identical, None));
        assert_eq!(judge(Outcome::SameEntries, &odd), (Verdict::Differs, Some("trailing-bytes")));
        assert_eq!(judge(Outcome::OtherEntries, &odd), (Verdict::Differs, Some("trailing-bytes")));
    }

    #[test]
    fn a_tarball_that_is_not_the_announced_one_is_never_reproduced() {
        let facts = PublishedFacts { integrity_mismatch: true, ..PublishedFacts::default() };
        for outcome in [Outcome::SameBytes, Outcome::SameEntries, Outcome::OtherEntries] {
            assert_eq!(judge(outcome, &facts), (Verdict::Differs, Some("integrity-mismatch")));
        }
        // It comes before all else: what was compared is not what was announced.
        let all = PublishedFacts { manifest_mismatch: true, not_plain: Some("trailing-bytes"), ..facts };
        assert_eq!(judge(Outcome::SameBytes, &all), (Verdict::Differs, Some("integrity-mismatch")));
    }

    #[test]
    fn metadata_that_asks_for_other_than_the_tarball_is_never_reproduced() {
        let facts = PublishedFacts { manifest_mismatch: true, ..PublishedFacts::default() };
        for outcome in [Outcome::SameBytes, Outcome::SameEntries] {
            assert_eq!(judge(outcome, &facts), (Verdict::Differs, Some("manifest-mismatch")));
        }
        assert_eq!(judge(Outcome::OtherEntries, &facts), (Verdict::Differs, None), "files that differ say more");
    }

    #[test]
    fn plain_archives_are_judged_by_their_entries() {
        let plain = PublishedFacts::default();
        assert_eq!(judge(Outcome::SameEntries, &plain).0, Verdict::SameContent);
        assert_eq!(judge(Outcome::OtherEntries, &plain).0, Verdict::Differs);
    }

    #[test]
    fn exit_codes_follow_the_contract() {
        use Verdict::{BuildFailed, Differs, Error, Identical, NoSource, SameContent, Unsupported};
        let codes = [Identical, SameContent, Differs, BuildFailed, NoSource, Unsupported, Error].map(|v| v.exit_code(Accept::SameContent));
        assert_eq!(codes, [0, 0, 1, 1, 2, 2, 2]);
        assert_eq!(SameContent.exit_code(Accept::Identical), 1);
        assert!(!SameContent.reproduced(Accept::Identical) && SameContent.reproduced(Accept::SameContent));
        assert!(Identical.reproduced(Accept::Identical) && !Differs.reproduced(Accept::SameContent));
    }

    #[test]
    fn decided_is_what_ends_with_0_or_1() {
        use Verdict::{BuildFailed, Differs, Error, Identical, NoSource, SameContent, Unsupported};
        assert!([Identical, SameContent, Differs, BuildFailed].into_iter().all(Verdict::is_decided));
        assert!(![NoSource, Unsupported, Error].into_iter().any(Verdict::is_decided));
    }

    #[test]
    fn the_word_of_the_report_is_the_word_of_json() {
        use Verdict::{BuildFailed, Differs, Error, Identical, NoSource, SameContent, Unsupported};
        for verdict in [Identical, SameContent, Differs, BuildFailed, NoSource, Unsupported, Error] {
            assert_eq!(serde_json::to_value(verdict).unwrap(), verdict.as_str());
        }
    }

    #[test]
    fn of_several_packages_not_reproduced_comes_before_undecided() {
        assert_eq!(merge_exit_codes([0, 0]), 0);
        assert_eq!((merge_exit_codes([0, 2]), merge_exit_codes([2, 0])), (2, 2));
        assert_eq!(merge_exit_codes([2, 1, 0]), 1);
        assert_eq!(merge_exit_codes([]), 0);
    }
}
