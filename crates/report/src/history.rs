//! Earlier versions of a package, as the report has them.

use serde::{Deserialize, Serialize};

use recipe::Strategy;
use verdict::{EvidenceKind, Verdict};

use super::answer::Answer;
use super::json::Report;

/// One earlier version.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// The version.
    pub version: String,
    /// When the registry says that it was published.
    pub published_at: Option<String>,
    /// What it was judged; null where it could not be.
    pub verdict: Option<Verdict>,
    /// Why it was not reproduced, or could not be judged.
    pub code: Option<String>,
    /// Whether it counts as reproduced.
    pub reproduced: bool,
    /// The strategies that were allowed: `source` alone means that no build was tried.
    pub strategies: Vec<Strategy>,
    /// The tag that names it in the repository.
    pub tag: Option<String>,
    /// Whether it has a tag; null where the repository could not be looked at.
    #[serde(default)]
    pub tagged: Option<bool>,
    /// Whether the registry lists attestations for it.
    pub attested: bool,
    /// Whether its provenance was verified; null where there is none.
    pub provenance_verified: Option<bool>,
}

impl HistoryEntry {
    /// Of an answer about that version.
    pub fn of(version: String, published_at: Option<String>, answer: Answer) -> Self {
        let blank = Self {
            version,
            published_at,
            verdict: None,
            code: None,
            reproduced: false,
            strategies: Vec::new(),
            tag: None,
            tagged: None,
            attested: false,
            provenance_verified: None,
        };
        match answer {
            Answer::Failed(failure) => Self { code: Some(failure.code), ..blank },
            Answer::Judged { report, .. } => Self {
                verdict: Some(report.verdict),
                reproduced: report.reproduced,
                tag: tag_of(&report),
                tagged: is_tagged(&report),
                attested: report.attested,
                provenance_verified: report.provenance.as_ref().map(|provenance| provenance.verified),
                strategies: report.options.strategies,
                code: report.code,
                ..blank
            },
        }
    }

    /// Whether the files were compared, or the source was asked for them in vain; not so where
    /// something was missing here.
    pub fn is_decided(&self) -> bool {
        self.verdict.is_some_and(Verdict::is_decided)
    }
}

/// The tag that names the version, and leads to a commit.
fn tag_of(report: &Report) -> Option<String> {
    let tag = report.evidence.iter().find(|evidence| evidence.kind == EvidenceKind::Tag && evidence.commit.is_some());
    tag.map(|evidence| evidence.value.clone())
}

/// Whether a tag names the version; `None` where nobody could look.
fn is_tagged(report: &Report) -> Option<bool> {
    let seen = report.origin.is_some()
        || matches!(
            report.code.as_deref(),
            Some("commit-not-found" | "commit-unreachable" | "package-not-in-repository" | "repository-empty")
        );
    seen.then(|| tag_of(report).is_some())
}

/// One line: `9 of 10 earlier versions reproduced, 10 had a tag, 8 had provenance; this one is not
/// reproduced, has no tag and no provenance`.
pub fn summary(report: &Report, earlier: &[HistoryEntry]) -> Option<String> {
    let total = earlier.len();
    if total == 0 {
        return None;
    }
    let count = |holds: fn(&HistoryEntry) -> bool| earlier.iter().filter(|entry| holds(entry)).count();
    let (reproduced, tagged, attested) =
        (count(|entry| entry.reproduced), count(|entry| entry.tagged == Some(true)), count(|entry| entry.attested));
    let unbuilt = earlier.iter().any(|entry| !entry.reproduced && entry.strategies == [Strategy::Source]);
    let how = if unbuilt { " (no build was tried)" } else { "" };
    let unseen = count(|entry| entry.tagged.is_none());
    let unseen = if unseen == 0 { String::new() } else { format!(" (of {unseen} it is not known)") };
    let of = if total == 1 { "1 earlier version".to_owned() } else { format!("{total} earlier versions") };
    let this = [
        (report.reproduced, "is reproduced", "is not reproduced"),
        (tag_of(report).is_some(), "has a tag", if is_tagged(report).is_some() { "has no tag" } else { "has no known tag" }),
        (report.attested, "has provenance", "has no provenance"),
    ];
    let this: Vec<&str> = this.iter().map(|(has, yes, no)| if *has { *yes } else { *no }).collect();
    Some(format!(
        "{reproduced} of {of} reproduced{how}, {tagged} had a tag{unseen}, {attested} had provenance; this one {}",
        this.join(", ")
    ))
}
