//! Where else in history the published bytes of a file are, that the commit has with other bytes or
//! not at all.
//!
//! A file of another commit says which commit the package was really packed from; one that no
//! commit around has says that it was made or changed elsewhere. Words for the report, after the
//! verdict.

use gix::ObjectId;

use explain::Class;
use git::{GitError, Repository};
use npm_spec::path::join;
use origin::PublishedFile;
use report::json::Report;
use verdict::{Finding, Severity};

/// Files that are looked for, and the commits on each side of the one that was taken, in order of
/// time. Trees are fetched for all of them at once; their number is what it costs.
const FILES: usize = 3;
const AROUND: usize = 100;

/// Looks for some of the files that differ and adds what was found as findings. Only where history
/// was read already: to find the commit, it had to be, unless every claim led to one that no file
/// contradicts.
pub(crate) fn tell(report: &mut Report, repository: &mut Repository, published: &[PublishedFile]) {
    let Some(wanted) = wanted(report, published).filter(|wanted| !wanted.1.is_empty()) else { return };
    let (commit, files) = wanted;
    let directory = report.origin.as_ref().map(|origin| origin.directory.clone()).unwrap_or_default();
    // Where there is no other commit, nothing can be said of others.
    let Some(commits) = around(repository, commit).filter(|commits| commits.len() > 1) else { return };
    let (mut found, mut nowhere) = (Vec::new(), Vec::new());
    for (path, blob) in files {
        match nearest(repository, &commits, &join(&directory, &path), blob) {
            Ok(Some(commit)) => found.push((path, commit)),
            Ok(None) => nowhere.push(path),
            Err(error) => {
                let message = format!("other commits could not be searched for the published bytes: {error}");
                report.findings.push(Finding::new("history-unread", Severity::Info, message));
                break;
            }
        }
    }
    report.findings.extend(findings(&found, &nowhere, commits.len()));
}

/// The commit that was taken, and the files whose bytes are to be found: those with other bytes in
/// the source, then those in no file of it. What a build writes is not looked for: it is in no
/// commit.
fn wanted(report: &Report, published: &[PublishedFile]) -> Option<(ObjectId, Vec<(String, ObjectId)>)> {
    let origin = report.origin.as_ref()?;
    let comparison = report.comparison.as_ref()?;
    let commit = ObjectId::from_hex(origin.commit.as_bytes()).ok()?;
    let is_changed = |path: &str| comparison.changed.iter().any(|change| change.path == path && change.kind == "bytes");
    let mut named: Vec<(bool, &str)> = comparison
        .explanations
        .iter()
        .filter(|one| one.path != "package.json" && (one.class == Class::AddedFile || is_changed(&one.path) && !one.class.is_surface()))
        .map(|one| (one.class == Class::AddedFile, one.path.as_str()))
        .collect();
    named.sort_unstable();
    let blob = |path: &str| published.iter().find(|file| file.path == path).map(|file| file.blob_lf.unwrap_or(file.blob));
    let files = named.into_iter().filter_map(|(_, path)| Some((path.to_owned(), blob(path)?))).take(FILES).collect();
    Some((commit, files))
}

/// The commits around one with how far they are away, the nearest first. `None` where history was
/// not read.
fn around(repository: &Repository, commit: ObjectId) -> Option<Vec<ObjectId>> {
    let commits = &repository.known_history()?.commits;
    let at = commits.iter().position(|(id, _)| *id == commit)?;
    let first = at.saturating_sub(AROUND);
    let window = commits.get(first..(at + AROUND + 1).min(commits.len()))?;
    let mut near: Vec<(usize, ObjectId)> = window.iter().enumerate().map(|(n, (id, _))| ((n + first).abs_diff(at), *id)).collect();
    near.sort_by_key(|(distance, _)| *distance);
    Some(near.into_iter().map(|(_, id)| id).collect())
}

fn nearest(repository: &mut Repository, commits: &[ObjectId], path: &str, blob: ObjectId) -> Result<Option<ObjectId>, GitError> {
    let there = repository.entries_at(commits, path)?;
    Ok(commits.iter().copied().find(|commit| there.get(commit).is_some_and(|(_, id)| *id == blob)))
}

fn findings(found: &[(String, ObjectId)], nowhere: &[String], looked_at: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !nowhere.is_empty() {
        let message = format!("none of the {looked_at} commits around has the published bytes of {}", nowhere.join(", "));
        findings.push(Finding::new("bytes-in-no-commit", Severity::Warning, message));
    }
    if !found.is_empty() {
        let short = |id: &ObjectId| id.to_string().chars().take(12).collect::<String>();
        let places: Vec<String> = found.iter().map(|(path, commit)| format!("{path} in {}", short(commit))).collect();
        findings.push(Finding::new(
            "bytes-in-other-commit",
            Severity::Info,
            format!("other commits have the published bytes: {}", places.join(", ")),
        ));
    }
    findings
}
