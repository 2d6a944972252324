//! What a report counts of a package.

use serde_json::Value;
use verdict::Verdict;

use crate::Line;

/// What a report counts of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// The package as the list has it.
    pub spec: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is not reproduced.
    pub code: Option<String>,
    /// Whether it counts as reproduced.
    pub reproduced: bool,
    /// The strategy that reproduced it, or came closest.
    pub strategy: Option<String>,
    /// Whether the registry lists provenance for it, and nothing shows that it does not hold.
    pub has_provenance: bool,
}

/// What a report counts of a line; `None` if the line has no verdict.
pub fn facts_of(line: &Line) -> Option<Fact> {
    let document = line.document()?;
    let text = |key: &str| document.get(key).and_then(Value::as_str).map(str::to_owned);
    let verdict = serde_json::from_value(document.get("verdict")?.clone()).ok()?;
    let said = document.get("reproduced").and_then(Value::as_bool).unwrap_or_default();
    Some(Fact {
        spec: line.spec.clone(),
        verdict,
        code: text("code"),
        reproduced: counts(verdict, said),
        strategy: text("strategy"),
        has_provenance: document.get("provenance").is_some_and(|provenance| {
            let does_not_hold = provenance.get("problem").is_some_and(|problem| !problem.is_null());
            !provenance.is_null() && !does_not_hold
        }),
    })
}

/// What a report counts of any line, whoever wrote it: what has no verdict of a result's, and an
/// error that says another, is an error.
pub fn counted(line: &Line) -> Fact {
    let is_sound = |fact: &Fact| line.error.is_none() || fact.verdict == Verdict::Error;
    facts_of(line).filter(is_sound).unwrap_or_else(|| Fact {
        spec: line.spec.clone(),
        verdict: Verdict::Error,
        code: None,
        reproduced: false,
        strategy: None,
        has_provenance: false,
    })
}

/// Whether a result counts as reproduced: it says so, and its verdict is one that can be.
fn counts(verdict: Verdict, said: bool) -> bool {
    said && matches!(verdict, Verdict::Identical | Verdict::SameContent)
}
