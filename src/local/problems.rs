//! Finding the problems: in package.json, in what git says of the files, and in the result of the
//! rebuild.

use serde_json::Value;

use git::config::GitConfig;
use origin::address::{self, AddressError, Declared};
use report::json::Report;
use verdict::Verdict;

use super::entries;
use super::error::LocalError;
use super::packed::Packed;
use super::problem::Problem;
use super::work_tree::WorkTree;

/// Lockfiles of npm, yarn, pnpm and bun.
const LOCKFILES: [&str; 6] = ["package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb"];

/// Codes of a repository that answered, and does not have the commit or the package.
const NOT_THERE: [&str; 4] = ["commit-not-found", "commit-unreachable", "package-not-in-repository", "repository-empty"];

/// Codes of a repository that strangers do not get to see: private ones answer as if they were not
/// there.
const NOT_PUBLIC: [&str; 2] = ["repository-not-found", "repository-not-git"];

/// What package.json says about itself.
pub(super) fn of_manifest(packed: &Packed) -> Vec<Problem> {
    let mut problems = Vec::new();
    if packed.manifest.get("private") == Some(&Value::Bool(true)) {
        problems.push(Problem::Private);
    }
    if packed.text("name").is_none() || packed.text("version").is_none() {
        problems.push(Problem::Unnamed);
    }
    match declared(packed) {
        Ok(Some(_)) => {}
        Ok(None) => problems.push(Problem::NotDeclared),
        Err(error) => problems.push(Problem::NotUsable { why: error.to_string() }),
    }
    push(&mut problems, entries::missing(packed), |paths| Problem::EntriesMissing { paths });
    if !packed.not_run.is_empty() {
        problems.push(Problem::ScriptsNotRun { scripts: packed.not_run.clone() });
    }
    problems
}

/// What git says about the files.
pub(super) fn of_tree(tree: &WorkTree, packed: &Packed) -> Result<Vec<Problem>, LocalError> {
    let changes = tree.changes()?;
    let published: Vec<String> = packed.files.iter().map(|file| tree.path_of(file)).collect();
    let packed_only = |paths: Vec<String>| -> Vec<String> { paths.into_iter().filter(|path| published.contains(path)).collect() };
    let mut problems = Vec::new();
    // A build reads files that are not published: any change may matter.
    let version = changes.content.contains(&tree.path_of("package.json")) && tree.committed_version() != packed.text("version");
    push(&mut problems, changes.content, |paths| Problem::Changed { paths, version });
    push(&mut problems, changes.deleted, |paths| Problem::Deleted { paths });
    push(&mut problems, packed_only(changes.mode), |paths| Problem::Mode { paths });
    push(&mut problems, packed_only(changes.pointers), |paths| Problem::Pointers { paths });
    push(&mut problems, packed_only(changes.line_endings), |paths| Problem::LineEndings { paths });
    let loose: Vec<String> = published.iter().filter(|path| !tree.has(path) && !tree.in_submodule(path)).cloned().collect();
    let ignored = tree.ignored(&loose)?;
    let untracked = loose.into_iter().filter(|path| !ignored.contains(path)).collect();
    push(&mut problems, untracked, |paths| Problem::NotCommitted { paths });
    if !ignored.is_empty() && installs(packed) && !has_lockfile(tree) {
        problems.push(Problem::NoLockfile);
    }
    if let Ok(Some(declared)) = declared(packed) {
        let named = declared.address.directory;
        let wrong = named.as_deref().is_some_and(|named| named != tree.directory) || (named.is_none() && !tree.directory.is_empty());
        if wrong {
            problems.push(Problem::Directory { declared: named, actual: tree.directory.clone() });
        }
    }
    Ok(problems)
}

/// What the rebuild says.
pub(super) fn of_rebuild(report: &Report, tree: &WorkTree, packed: &Packed) -> Result<Vec<Problem>, LocalError> {
    let code = report.code.clone().unwrap_or_default();
    let undecided = || Problem::Undecided { code: code.clone(), hints: report.hints.clone() };
    let not_pushed = || {
        let repository = declared(packed).ok().flatten().map_or_else(|| "the declared repository".to_owned(), |it| it.address.url);
        other_repository(tree, packed).unwrap_or(Problem::NotPushed { commit: tree.commit.clone(), repository })
    };
    Ok(match report.verdict {
        // Another commit has the same files; what the registry will say of this one leads nowhere.
        _ if report.origin.as_ref().is_some_and(|origin| origin.commit != tree.commit) && !is_known(report, tree) => vec![not_pushed()],
        Verdict::Identical | Verdict::SameContent if report.reproduced => Vec::new(),
        // The same content in another archive, where --accept wants the archive.
        Verdict::Identical | Verdict::SameContent => {
            vec![Problem::Differs { paths: Vec::new(), why: vec![report.verdict.as_str().to_owned()] }]
        }
        Verdict::NoSource if NOT_THERE.contains(&code.as_str()) => vec![not_pushed()],
        Verdict::NoSource if NOT_PUBLIC.contains(&code.as_str()) => {
            let why = format!("it is private, or does not exist ({code})");
            vec![other_repository(tree, packed).unwrap_or(Problem::NotUsable { why })]
        }
        Verdict::BuildFailed => vec![Problem::BuildFailed { code }],
        Verdict::Differs => differences(report, tree)?,
        Verdict::NoSource | Verdict::Unsupported | Verdict::Error => {
            // What no build could be tried for may still be known to be made by none.
            let ignored = if has_build(packed) { Vec::new() } else { ignored_ones(report, tree)? };
            if ignored.is_empty() { vec![undecided()] } else { vec![Problem::Ignored { paths: ignored }] }
        }
    })
}

/// The files that differ, by what can be done about them.
fn differences(report: &Report, tree: &WorkTree) -> Result<Vec<Problem>, LocalError> {
    let mut problems = Vec::new();
    let Some(comparison) = &report.comparison else {
        return Ok(vec![Problem::Differs { paths: Vec::new(), why: report.code.iter().cloned().collect() }]);
    };
    let of_class = |class: &str| -> Vec<String> {
        comparison.explanations.iter().filter(|one| one.class.code() == class).map(|one| one.path.clone()).collect()
    };
    let ignored = ignored_ones(report, tree)?;
    let (times, places) = (of_class("time-stamp"), of_class("local-path"));
    let explained = |path: &String| ignored.contains(path) || times.contains(path) || places.contains(path);
    let changed = comparison.changed.iter().map(|change| &change.path);
    let rest: Vec<String> =
        changed.chain(&comparison.only_published).chain(&comparison.only_rebuilt).filter(|path| !explained(path)).cloned().collect();
    let mut why: Vec<String> =
        comparison.explanations.iter().filter(|one| rest.contains(&one.path)).map(|one| one.class.code().to_owned()).collect();
    why.sort_unstable();
    why.dedup();
    push(&mut problems, ignored, |paths| Problem::Ignored { paths });
    push(&mut problems, times, |paths| Problem::TimeStamp { paths });
    push(&mut problems, places, |paths| Problem::LocalPath { paths });
    push(&mut problems, rest, |paths| Problem::Differs { paths, why });
    if problems.is_empty() {
        // All files are equal, and the archive is not plain.
        problems.push(Problem::Differs { paths: Vec::new(), why: report.code.iter().cloned().collect() });
    }
    Ok(problems)
}

/// Files that would be published, that the rebuild does not have, and that git ignores.
fn ignored_ones(report: &Report, tree: &WorkTree) -> Result<Vec<String>, LocalError> {
    let only = report.comparison.as_ref().map(|comparison| comparison.only_published.clone()).unwrap_or_default();
    let ignored = tree.ignored(&only.iter().map(|path| tree.path_of(path)).collect::<Vec<_>>())?;
    Ok(only.into_iter().filter(|path| ignored.contains(&tree.path_of(path))).collect())
}

/// The declared repository, where it is none of the checkout's remotes.
fn other_repository(tree: &WorkTree, packed: &Packed) -> Option<Problem> {
    let declared = declared(packed).ok().flatten()?.address;
    let remotes: Vec<_> = tree.remotes();
    let read: Vec<_> = remotes.iter().filter_map(|url| address::parse_with(url, &|_| true).ok()).collect();
    let is_other = !read.is_empty() && read.iter().all(|remote| !address::same_repository(remote, &declared));
    is_other.then(|| Problem::OtherRepository { declared: declared.url, remotes: read.into_iter().map(|remote| remote.url).collect() })
}

fn declared(packed: &Packed) -> Result<Option<Declared>, AddressError> {
    // As the pipeline reads it: the user's own insteadOf rules lead where they lead. A
    // configuration that cannot be read ends the rebuild.
    let git = GitConfig::load().unwrap_or_default();
    address::declared_with(&packed.manifest, &|url| git.rewrite(url).1)
}

/// Whether the repository has the checked-out commit, whatever commit was taken in the end.
fn is_known(report: &Report, tree: &WorkTree) -> bool {
    report.evidence.iter().any(|one| one.commit.as_ref() == Some(&tree.commit) && one.files_matched.is_some())
}

fn installs(packed: &Packed) -> bool {
    ["dependencies", "devDependencies"]
        .iter()
        .any(|key| packed.manifest.get(key).and_then(Value::as_object).is_some_and(|all| !all.is_empty()))
}

fn has_build(packed: &Packed) -> bool {
    ["build", "prepack", "prepare", "prepublishOnly", "prepublish", "compile", "dist"].iter().any(|name| packed.script(name).is_some())
}

/// Whether the commit has a lockfile in the package's folder or above it.
pub(super) fn has_lockfile(tree: &WorkTree) -> bool {
    let mut dirs = vec![tree.directory.as_str(), ""];
    dirs.extend(tree.directory.match_indices('/').filter_map(|(at, _)| tree.directory.get(..at)));
    dirs.iter().any(|dir| LOCKFILES.iter().any(|name| tree.has(&npm_spec::path::join(dir, name))))
}

fn push(problems: &mut Vec<Problem>, paths: Vec<String>, problem: impl FnOnce(Vec<String>) -> Problem) {
    if !paths.is_empty() {
        problems.push(problem(paths));
    }
}
