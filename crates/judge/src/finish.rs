//! From what was tried to the result: each attempt is judged, the closest one speaks, and the rebuilt tarball is written out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use context::Deadline;
use git::GitError;
use npm_registry::confusion;
use rebuild::rebuilt::{Attempts, Cut, Limit, Rebuilt, closest, integrity_of};
use rebuild::{MORE_MACHINE, Published, SourceError};
use recipe::Recipe;
use report::json::Report;
use verdict::diagnostic::{Diagnostic, Stage};
use verdict::{self, Ending, Failed, Finding, Outcome, Severity, Verdict};

use crate::draft::Draft;

/// Judges what was rebuilt and writes the result.
pub(crate) fn finish(
    mut draft: Draft,
    rebuilt: Result<Attempts, SourceError>,
    published: &Published,
    emit: Option<&Path>,
    source_of: &dyn Fn(&Recipe) -> explain::Source,
    deadline: Deadline,
) -> Result<Report, Failed> {
    let Attempts { rebuilt, unavailable, sandbox, not_built, cut } = match rebuilt {
        Ok(attempts) => attempts,
        Err(error) if error.is_ours() || matches!(error, SourceError::Git(GitError::Damaged { .. })) => return Err(Box::new(error)),
        Err(error) => return Ok(draft.ended(*Ending::by(verdict_of(&error), &error))),
    };
    for line in unavailable.into_iter().collect::<BTreeSet<_>>() {
        draft.finding(Finding::new("source-incomplete", Severity::Warning, line));
    }
    draft.sandbox(sandbox);
    let cut = cut_short(&cut, deadline);
    let built = rebuilt.iter().any(|one| one.run.is_some());
    for one in &rebuilt {
        let (verdict, code) = judge(one, published);
        draft.attempt(one, verdict, code);
    }
    // The one whose archive was kept.
    let Some((decided, one)) = closest(&rebuilt).and_then(|at| rebuilt.get(at).map(|one| (at, one))) else {
        let ending = cut.or_else(|| not_built.map(|error| Ending::by(verdict_of(&error), &error)));
        let ending = ending.unwrap_or_else(|| {
            Ending::new(
                Verdict::Unsupported,
                "nothing-packed",
                "nothing was tried: no strategy that is allowed fits this package",
                "allow others with --strategy, or all by leaving it out",
            )
        });
        return Ok(draft.ended(*ending));
    };
    let (verdict, code) = judge(one, published);
    let (verdict, code) = match (cut.filter(|_| one.outcome == Outcome::OtherEntries), &not_built) {
        (Some(cut), _) => {
            draft.finding(Finding::new(cut.code, Severity::Warning, cut.message));
            draft.hint(cut.hint);
            (cut.verdict, Some(cut.code))
        }
        (None, Some(error)) if verdict == Verdict::Differs && !built && !one.comparison.only_published.is_empty() => {
            // What is missing could be what a build makes, and none could be tried.
            draft.finding(Finding::new(error.code(), Severity::Warning, error.to_string()));
            draft.hint(error.hint());
            (verdict_of(error), Some(error.code()))
        }
        (None, Some(error)) => {
            draft.finding(Finding::new(error.code(), Severity::Info, error.to_string()));
            (verdict, code)
        }
        (None, None) => (verdict, code),
    };
    if code == Some("manifest-mismatch") {
        let message = "the files are those of the source, but the registry's metadata asks an installer for other than package.json says";
        draft.finding(Finding::new("manifest-mismatch", Severity::Error, message));
        draft.hint(Some("installers obey the registry: read what disagrees before you install it".into()));
    }
    if let Some(source) = one.manifest().filter(|_| one.outcome == Outcome::OtherEntries) {
        for finding in confusion::against_source(&published.manifest(), &source) {
            draft.finding(finding);
        }
    }
    if let (false, Some(archive)) = (one.comparison.same_entries(), &one.archive) {
        let source = source_of(&one.recipe);
        let explained = explain::explain(&published.archive, archive, &one.comparison, &source, &explain::Limits::default());
        let findings = explain::findings(&published.archive, archive, &explained, &source);
        draft.explained(explained, findings);
    }
    if let Some(path) = emit {
        write_out(one, path).map_err(|source| -> Failed { Box::new(EmitError { path: path.to_owned(), source }) })?;
    }
    let integrity =
        if verdict == Verdict::Identical { integrity_of(published.bytes.as_slice()).map_err(SourceError::from) } else { one.integrity() };
    let integrity = integrity.map_err(|error| -> Failed { Box::new(error) })?;
    if let Ok(tarball) = one.tarball(&integrity) {
        draft.made(decided, tarball);
    } else {
        let message = "the published archive has more header values than a recipe holds, so the recipe cannot be replayed";
        draft.finding(Finding::new("recipe-not-replayable", Severity::Info, message));
    }
    Ok(draft.judged(one, verdict, code, integrity, &published.archive))
}

/// The verdict of one attempt. What a build that did not come to its end left is not what the source gives.
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

/// The end of a search that a limit cut short, if one did: nothing is decided while something that was not tried could make the published files.
fn cut_short(cut: &[Cut], deadline: Deadline) -> Option<Box<Ending>> {
    const SHOWN: usize = 5;
    let limit = if cut.iter().any(|cut| cut.limit == Limit::Time) { Limit::Time } else { cut.first()?.limit };
    let (what, hint) = match limit {
        Limit::Time => ("the time ran out before all was tried", deadline.hint()),
        Limit::Machine => ("a build needs more memory, disk, processes or output than it may have", MORE_MACHINE.to_owned()),
    };
    let parts: Vec<&str> = cut.iter().filter(|cut| cut.limit == limit).map(|cut| cut.what.as_str()).collect();
    let shown = parts.iter().take(SHOWN).copied().collect::<Vec<_>>().join("; ");
    let more = parts.len().checked_sub(SHOWN + 1).map(|rest| format!("; and {} more", rest + 1)).unwrap_or_default();
    Some(Ending::new(Verdict::Unsupported, limit.code(), format!("{what}: {shown}{more}"), hint))
}

/// What an error of the repository's or the build's means, where nothing else came to an end.
fn verdict_of(error: &SourceError) -> Verdict {
    match error {
        SourceError::Git(_) => Verdict::NoSource,
        SourceError::Sandbox(_) | SourceError::Toolchain(_) => Verdict::Unsupported,
        _ => Verdict::BuildFailed,
    }
}

/// Writes the rebuilt tarball to a file.
fn write_out(one: &Rebuilt, path: &Path) -> Result<(), SourceError> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    one.write_to(&mut file)?;
    std::io::Write::flush(&mut file)?;
    Ok(())
}

/// The rebuilt tarball could not be written where the user wants it.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the rebuilt tarball to {}: {source}", path.display())]
pub(crate) struct EmitError {
    /// The file.
    pub(crate) path: PathBuf,
    /// What went wrong.
    pub(crate) source: SourceError,
}

impl Diagnostic for EmitError {
    fn code(&self) -> &'static str {
        "emit-failed"
    }

    fn stage(&self) -> Stage {
        Stage::Report
    }

    fn hint(&self) -> Option<String> {
        Some("name another file with --emit".into())
    }
}
