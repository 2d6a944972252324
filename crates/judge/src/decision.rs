//! From what was tried to the verdict: every attempt is judged, and the closest one counts.

use std::collections::BTreeSet;
use std::path::Path;

use context::Deadline;
use git::GitError;
use npm_registry::confusion;
use rebuild::rebuilt::{Attempts, Cut, Limit, Rebuilt, closest, integrity_of};
use rebuild::{MORE_MACHINE, Published, STRONGER_SANDBOX, SourceError};
use verdict::diagnostic::Diagnostic;
use verdict::{self, Ending, Failed, Finding, Outcome, Severity, Verdict, boxed};

use crate::draft::Draft;
use crate::emit::{EmitError, write_out};
use crate::halt::Halt;
use crate::{checkout_notes, overwritten};

/// A verdict, and the attempt that it is about.
pub(crate) struct Decided {
    /// The attempt whose archive was kept: the closest.
    pub(crate) closest: Rebuilt,
    /// Its number among the attempts.
    pub(crate) number: usize,
    /// What packing its folder without a build shows.
    pub(crate) plain: overwritten::Plain,
    /// The verdict.
    pub(crate) verdict: Verdict,
    /// Why it was not reproduced; `None` if it was, or if the files themselves say.
    pub(crate) code: Option<&'static str>,
    /// The rebuilt tarball's integrity.
    pub(crate) integrity: String,
}

/// Judges what was rebuilt. Every attempt goes into the draft.
pub(crate) fn of(
    draft: &mut Draft,
    rebuilt: Result<Attempts, SourceError>,
    published: &Published,
    deadline: Deadline,
) -> Result<Decided, Halt> {
    let Attempts { mut rebuilt, unavailable, unreached, own_submodules, altered, sandbox, published_at, not_built, cut } =
        rebuilt.map_err(ended_by)?;
    let incomplete = unavailable.into_iter().collect::<BTreeSet<_>>();
    draft.findings(incomplete.into_iter().map(|line| Finding::new("source-incomplete", Severity::Warning, line)));
    draft.findings(checkout_notes::unreached(unreached));
    draft.findings(checkout_notes::own_submodules(own_submodules));
    draft.sandbox(sandbox);
    draft.noted(|report| report.published_at = published_at.or(report.published_at.take()));
    let cut = cut_short(&cut, deadline);
    let built = rebuilt.iter().any(|one| one.run.is_some());
    for one in &rebuilt {
        let (verdict, code) = judge(one, published);
        draft.attempt(one, verdict, code);
    }
    let Some(number) = closest(&rebuilt) else { return Err(nothing_tried(cut, not_built).into()) };
    let plain = overwritten::Plain::of(&rebuilt, number);
    let closest = rebuilt.swap_remove(number);
    let (verdict, code) = verdict_of(draft, Search { closest: &closest, built, cut, not_built }, published);
    if code == Some("manifest-mismatch") {
        let files = match closest.outcome {
            Outcome::OtherEntries => "whatever a build makes,",
            _ => "the files are those of the source, but",
        };
        let message = format!("{files} the registry's metadata asks an installer for something else than package.json");
        draft.findings([Finding::new("manifest-mismatch", Severity::Error, message)]);
        draft.hint(Some("installers obey the registry: read the differences before you install it".into()));
    }
    if closest.outcome != Outcome::OtherEntries {
        draft.findings(checkout_notes::altered(&altered));
    }
    if let Some(source) = closest.manifest().filter(|_| closest.outcome == Outcome::OtherEntries) {
        draft.findings(confusion::against_source(&published.manifest(), &source));
    }
    let integrity = match verdict {
        Verdict::Identical => integrity_of(published.bytes.as_slice()).map_err(SourceError::from),
        _ => closest.integrity(),
    };
    let integrity = integrity.map_err(boxed)?;
    Ok(Decided { closest, number, plain, verdict, code, integrity })
}

/// Writes the rebuilt tarball to a file.
pub(crate) fn emit(decided: &Decided, path: &Path) -> Result<(), Failed> {
    write_out(&decided.closest, path).map_err(|source| boxed(EmitError { path: path.to_owned(), source }))
}

/// What an error that ended the search means.
fn ended_by(error: SourceError) -> Halt {
    if error.is_ours() || matches!(error, SourceError::Git(GitError::Damaged { .. })) {
        return Halt::Failed(Box::new(error));
    }
    Ending::by(meaning_of(&error), &error).into()
}

/// The end where no attempt gave anything to compare.
fn nothing_tried(cut: Option<Box<Ending>>, not_built: Option<SourceError>) -> Box<Ending> {
    let ending = cut.or_else(|| not_built.map(|error| Ending::by(meaning_of(&error), &error)));
    ending.unwrap_or_else(|| {
        Ending::new(
            Verdict::Unsupported,
            "nothing-packed",
            "nothing was tried: no strategy that is allowed fits this package",
            "allow others with --strategy, or omit it to allow all",
        )
    })
}

/// How the search ended.
struct Search<'a> {
    closest: &'a Rebuilt,
    /// Whether any attempt built.
    built: bool,
    /// The limit that cut it short.
    cut: Option<Box<Ending>>,
    /// Why nothing was built, where a build was wanted.
    not_built: Option<SourceError>,
}

/// The verdict of the closest attempt, as far as the search came to its end.
fn verdict_of(draft: &mut Draft, search: Search<'_>, published: &Published) -> (Verdict, Option<&'static str>) {
    let Search { closest, built, cut, not_built } = search;
    let (verdict, code) = judge(closest, published);
    // What the registry's metadata or the archive itself says against the package, no build takes
    // back.
    let is_settled =
        published.facts.manifest_mismatch || verdict == Verdict::Differs && code.is_some() || code == Some("judged-bytes-in-build");
    let is_open = |error: &SourceError| match error {
        _ if is_settled => false,
        // No build would make it, so that none was tried leaves nothing open.
        SourceError::LeftBehind { .. } => false,
        SourceError::NativeToolchain { .. } => matches!(verdict, Verdict::Differs | Verdict::BuildFailed),
        _ => verdict == Verdict::Differs && !built && !closest.comparison.only_published.is_empty(),
    };
    let cut = cut.filter(|_| closest.outcome == Outcome::OtherEntries);
    let facts = &published.facts;
    let is_told = code.is_some_and(|code| !Limit::is_of(code));
    match (cut, not_built) {
        // What no other build takes back is decided, whatever was not tried.
        (Some(cut), _) if facts.integrity_mismatch || facts.manifest_mismatch || code == Some("judged-bytes-in-build") => {
            draft.findings([Finding::new(cut.code, Severity::Info, cut.message)]);
            if is_told { (verdict, code) } else { (Verdict::Differs, Some("manifest-mismatch")) }
        }
        // Nothing is decided while something that was not tried could make the published files.
        (Some(cut), _) => {
            draft.findings([Finding::new(cut.code, Severity::Warning, cut.message)]);
            draft.hint(cut.hint);
            (cut.verdict, Some(cut.code))
        }
        // What is missing could be what a build makes, and none could be tried, or none has the
        // compiler for it.
        (None, Some(error)) if is_open(&error) => {
            draft.findings([Finding::new(error.code(), Severity::Warning, error.to_string())]);
            draft.hint(error.hint());
            (meaning_of(&error), Some(error.code()))
        }
        (None, Some(error)) => {
            draft.findings([Finding::new(error.code(), Severity::Info, error.to_string())]);
            (verdict, code)
        }
        (None, None) => (verdict, code),
    }
}

/// The verdict of one attempt. What a build that did not come to its end left is not what the
/// source gives.
fn judge(one: &Rebuilt, published: &Published) -> (Verdict, Option<&'static str>) {
    let judged = verdict::judge(one.outcome, &published.facts);
    // The last look: what was judged must not have been among what the build was made from.
    let is_judged = |resolved: &String| resolved.split_once(' ').is_some_and(|(_, integrity)| integrity == published.sha512);
    if one.run.as_ref().is_some_and(|run| run.resolved.iter().any(is_judged)) {
        return (Verdict::BuildFailed, Some("judged-bytes-in-build"));
    }
    match (judged, one.run.as_ref().and_then(|run| run.code)) {
        ((Verdict::Differs, _), Some(code)) if Limit::is_of(code) && one.outcome == Outcome::OtherEntries => {
            (Verdict::Unsupported, Some(code))
        }
        ((Verdict::Differs, None), Some(code)) => (Verdict::BuildFailed, Some(code)),
        (judged, _) => judged,
    }
}

/// The end of a search that a limit cut short, if one did: nothing is decided while something that
/// was not tried could make the published files.
fn cut_short(cut: &[Cut], deadline: Deadline) -> Option<Box<Ending>> {
    const SHOWN: usize = 5;
    let limit = if cut.iter().any(|cut| cut.limit == Limit::Time) { Limit::Time } else { cut.first()?.limit };
    let (what, hint) = match limit {
        Limit::Time => ("the time ran out before all was tried", deadline.hint()),
        Limit::Machine => ("a build needs more memory, disk, processes or output than allowed", MORE_MACHINE.to_owned()),
        Limit::Sandbox => ("a build failed where the sandbox refused it a server, datagrams or semaphores", STRONGER_SANDBOX.to_owned()),
    };
    let parts: Vec<&str> = cut.iter().filter(|cut| cut.limit == limit).map(|cut| cut.what.as_str()).collect();
    let shown = parts.iter().take(SHOWN).copied().collect::<Vec<_>>().join("; ");
    let more = parts.len().checked_sub(SHOWN + 1).map(|rest| format!("; and {} more", rest + 1)).unwrap_or_default();
    Some(Ending::new(Verdict::Unsupported, limit.code(), format!("{what}: {shown}{more}"), hint))
}

/// What an error of the repository's or the build's means, where nothing else came to an end.
fn meaning_of(error: &SourceError) -> Verdict {
    match error {
        SourceError::Git(_) => Verdict::NoSource,
        SourceError::Sandbox(_) | SourceError::Toolchain(_) | SourceError::NativeToolchain { .. } | SourceError::BuildPutOff => {
            Verdict::Unsupported
        }
        _ => Verdict::BuildFailed,
    }
}
