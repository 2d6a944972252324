//! Files that come of another folder of the commit than the one where a reader looks: the declared
//! one, or the root where that is the package, or at least one that is no folder of tests.

use gix::ObjectId;

use git::Repository;
use npm_spec::manifest::without_bom;
use origin::{Claims, Located};
use report::json::Report;
use serde_json::Value;
use verdict::{Finding, Severity};

/// Folders in which nobody looks for what is published: those of tests, examples and settings.
const ASIDE: [&str; 16] = [
    "test",
    "tests",
    "__tests__",
    "spec",
    "fixture",
    "fixtures",
    "__fixtures__",
    "mock",
    "mocks",
    "__mocks__",
    "testdata",
    "example",
    "examples",
    "demo",
    "vendor",
    "third_party",
];

/// Adds a warning where the folder that was taken is not the one that the package declares. Where
/// it declares none, where the root's package.json has the package's name, or the folder is one of
/// tests, examples or settings. It says nothing against the verdict: the files are the commit's,
/// and folders move.
pub(crate) fn tell(report: &mut Report, repository: &mut Repository, located: &Located, claims: &Claims) {
    let Some(taken) = report.origin.as_ref().filter(|_| report.reproduced) else { return };
    let place = |folder: &str| if folder.is_empty() { "the root".to_owned() } else { folder.to_owned() };
    let expected = match claims.directory.as_deref() {
        Some(declared) if declared != taken.directory => format!("the package declares {}", place(declared)),
        None if !taken.directory.is_empty() && is_root(repository, located, &taken.commit, &claims.name) => {
            "the root of the repository is a package of this name, too".to_owned()
        }
        None if is_aside(&taken.directory) => "this is a folder of tests, examples or settings".to_owned(),
        _ => return,
    };
    let message = format!("the files are from {}, but {expected}", place(&taken.directory));
    report.findings.push(Finding::new("other-folder", Severity::Warning, message));
}

/// Whether a folder lies in one of tests, examples or settings.
fn is_aside(directory: &str) -> bool {
    directory.split('/').any(|part| part.starts_with('.') || ASIDE.contains(&part.to_ascii_lowercase().as_str()))
}

/// Whether the root's package.json in this commit has the package's name.
fn is_root(repository: &mut Repository, located: &Located, commit: &str, name: &str) -> bool {
    let commit = ObjectId::from_hex(commit.as_bytes()).ok();
    let Some(origin) = located.origins.iter().find(|origin| Some(origin.commit) == commit) else { return false };
    let Some(id) = origin.listing.get("package.json").map(|entry| entry.id) else { return false };
    // What cannot be had says nothing: only words depend on it.
    let manifest = repository.blob(&id).ok().and_then(|bytes| serde_json::from_slice::<Value>(without_bom(&bytes)).ok());
    manifest.is_some_and(|manifest| manifest.get("name").and_then(Value::as_str) == Some(name))
}
