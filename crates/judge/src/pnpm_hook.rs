//! A hook by which pnpm lets a repository rewrite package.json while it packs: what it does is not
//! known without running it.

use git::{GitError, Repository};
use gix::ObjectId;
use gix::objs::tree::EntryKind;
use npm_spec::path::join;
use recipe::Recipe;
use report::json::Report;
use verdict::{Finding, Severity};

/// Where pnpm looks for hooks, in the folder that it runs in and in the workspace's root.
const FILES: [&str; 2] = [".pnpmfile.mjs", ".pnpmfile.cjs"];
/// The hook's name.
const HOOK: &[u8] = b"beforePacking";
/// Bytes of a file of hooks that is looked into.
const LARGEST: u64 = 1 << 20;
/// Branches whose tips are looked at besides the commit: of commits with the same files of the
/// package any may have been taken.
const BRANCHES: usize = 4;

/// Names the file with the hook where package.json is what differs, and pnpm packed.
pub(crate) fn tell(report: &mut Report, repository: &mut Repository, recipe: &Recipe) {
    let differs = report.comparison.as_ref().is_some_and(|comparison| comparison.changed.iter().any(|one| one.path == "package.json"));
    if !differs || !recipe.packer.starts_with("pnpm-") {
        return;
    }
    let Ok(commit) = ObjectId::from_hex(recipe.commit.as_bytes()) else { return };
    let mut branches: Vec<_> = repository.refs().iter().filter(|one| one.is_branch() && one.commit != commit).collect();
    branches.sort_by_key(|one| !matches!(one.name.as_str(), "refs/heads/main" | "refs/heads/master"));
    let commits: Vec<ObjectId> = std::iter::once(commit).chain(branches.iter().take(BRANCHES).map(|one| one.commit)).collect();
    let directory = recipe.directory.as_str();
    let above = directory.match_indices('/').filter_map(|(at, _)| directory.get(..at));
    let folders = std::iter::once("").chain(above).chain((!directory.is_empty()).then_some(directory));
    for path in folders.flat_map(|folder| FILES.map(|name| join(folder, name))) {
        // One that cannot be had names nothing: only words depend on it.
        if let Ok(Some(commit)) = with_hook(repository, &commits, &path) {
            let short: String = commit.to_string().chars().take(12).collect();
            let message =
                format!("{path} has the hook beforePacking at {short}: it rewrites package.json when pnpm packs, and was not run");
            report.findings.push(Finding::new("pnpm-hook", Severity::Warning, message));
            return;
        }
    }
}

/// The first of the commits where the file has the hook.
fn with_hook(repository: &mut Repository, commits: &[ObjectId], path: &str) -> Result<Option<ObjectId>, GitError> {
    repository.ensure_commits(commits)?;
    let there = repository.entries_at(commits, path)?;
    for commit in commits {
        let Some((EntryKind::Blob | EntryKind::BlobExecutable, id)) = there.get(commit) else { continue };
        repository.ensure_blobs([*id])?;
        let text = repository.blob_up_to(id, LARGEST)?.unwrap_or_default();
        if text.windows(HOOK.len()).any(|part| part == HOOK) {
            return Ok(Some(*commit));
        }
    }
    Ok(None)
}
