//! Files that come of another folder of the commit than the one where a reader looks: the declared
//! one, or the only one that is the package, or at least one that is no folder of tests.

use gix::ObjectId;

use git::{GitError, Listing, Repository};
use npm_spec::manifest;
use npm_spec::path::join;
use origin::{Claims, Located, manifest_directories};
use recipe::Recipe;
use report::json::Report;
use serde_json::Value;
use verdict::{Finding, Severity};

/// Folders in which nobody looks for what is published: those of tests, examples and settings.
const ASIDE: [&str; 18] = [
    "test",
    "tests",
    "__tests__",
    "e2e",
    "spec",
    "fixture",
    "fixtures",
    "__fixtures__",
    "__testfixtures__",
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

/// Most package.json files of a commit that are read for their names.
const MOST_MANIFESTS: usize = 2_000;

/// Adds a warning where the folder that was taken is not the one that the package declares. Where
/// it declares none, where it is not the root and another folder is a package of this name, too, or
/// where it is one of tests, examples or settings. It says nothing against the verdict: the files
/// are the commit's, and folders move.
pub(crate) fn tell(report: &mut Report, repository: &mut Repository, located: &Located, claims: &Claims, recipe: &Recipe) {
    let Some(origin) = report.origin.as_ref().filter(|_| report.reproduced) else { return };
    let commit = ObjectId::from_hex(origin.commit.as_bytes()).ok();
    let Some(listing) = located.origins.iter().find(|one| Some(one.commit) == commit).map(|one| &one.listing) else { return };
    let taken = recipe.build.as_ref().and_then(|build| build.packed.as_deref());
    // What a build makes is in no commit, and its folder is none of the source.
    let taken = taken.filter(|packed| has_files(listing, packed) && !is_set(repository, listing, &origin.directory, packed));
    let is_packed = taken.is_some();
    let taken = taken.unwrap_or(&origin.directory);
    let place = |folder: &str| if folder.is_empty() { "the root".to_owned() } else { folder.to_owned() };
    let expected = match claims.directory.as_deref() {
        Some(declared) if declared != taken => format!("the package declares {}", place(declared)),
        // A build copies files from one into the other.
        Some(_) if is_packed => {
            let built = place(&origin.directory);
            let message = format!("the files are from {}, as the package declares, but {built} is what was found and built", place(taken));
            report.findings.push(Finding::new("other-folder", Severity::Info, message));
            return;
        }
        // Whoever publishes a fixture writes its package.json, too.
        Some(_) if !is_aside(taken) => return,
        None if is_packed => format!("the package is in {}", place(&origin.directory)),
        None if taken.is_empty() => return,
        declared => match namesake(repository, listing, taken, &claims.name) {
            Err(error) => format!("the package.json of other folders cannot be read: {error}"),
            Ok(Some(other)) => other.words(),
            Ok(None) if is_aside(taken) && declared.is_none() => "this is a folder of tests, examples or settings".to_owned(),
            Ok(None) => return,
        },
    };
    let message = format!("the files are from {}, but {expected}", place(taken));
    report.findings.push(Finding::new("other-folder", Severity::Warning, message));
}

/// Whether the commit has files in this folder.
fn has_files(listing: &Listing, folder: &str) -> bool {
    let inside = format!("{folder}/");
    folder.is_empty() || listing.entries.iter().any(|entry| entry.path.starts_with(&inside))
}

/// Whether the package's own package.json says that `packed` is published
/// (`publishConfig.directory`).
fn is_set(repository: &mut Repository, listing: &Listing, directory: &str, packed: &str) -> bool {
    let manifest = manifest(repository, listing, directory);
    let set = manifest.as_ref().and_then(|manifest| manifest.pointer("/publishConfig/directory")?.as_str());
    set.is_some_and(|set| join(directory, set.trim_start_matches("./").trim_end_matches('/')) == packed)
}

/// Whether a folder lies in one of tests, examples or settings.
fn is_aside(directory: &str) -> bool {
    directory.split('/').any(|part| part.starts_with('.') || ASIDE.contains(&part.to_ascii_lowercase().as_str()))
}

/// Another folder that may be the package.
enum Other {
    /// Its package.json has the package's name.
    Namesake(String),
    /// Its package.json is larger than what is read, or is none that can be read.
    Unread(String),
    /// One of those that are not looked at.
    OneOfMany,
}

impl Other {
    fn words(&self) -> String {
        let place = |folder: &str| if folder.is_empty() { "the root of the repository".to_owned() } else { folder.to_owned() };
        match self {
            Self::Namesake(folder) => format!("{} is a package of this name, too", place(folder)),
            Self::Unread(folder) => format!("the package.json in {} cannot be read, and may be of this name", place(folder)),
            Self::OneOfMany => {
                format!("more than {MOST_MANIFESTS} folders have a package.json, and one that was not read may be of this name")
            }
        }
    }
}

/// Another folder of the commit, the nearest to its root, whose package.json has the package's
/// name or may have it; an error if the host does not give those that are not here. Folders of
/// tests come last: there are the most of them, and nobody looks for a package there.
fn namesake(repository: &mut Repository, listing: &Listing, taken: &str, name: &str) -> Result<Option<Other>, GitError> {
    let mut folders = manifest_directories(listing, usize::MAX);
    folders.retain(|folder| folder != taken);
    folders.sort_by_key(|folder| is_aside(folder));
    let is_cut = folders.len() > MOST_MANIFESTS;
    folders.truncate(MOST_MANIFESTS);
    let ids: Vec<ObjectId> = folders.iter().filter_map(|folder| Some(listing.get(&join(folder, "package.json"))?.id)).collect();
    // What cannot be had says nothing: only words depend on it.
    repository.ensure_blobs(ids)?;
    let mut unread = None;
    for folder in folders {
        let manifest = manifest(repository, listing, &folder);
        match manifest.map(|manifest| manifest.get("name").and_then(Value::as_str) == Some(name)) {
            Some(true) => return Ok(Some(Other::Namesake(folder))),
            Some(false) => {}
            // Tests have many that are broken on purpose.
            None if is_aside(&folder) => {}
            None => {
                unread.get_or_insert(folder);
            }
        }
    }
    Ok(unread.map(Other::Unread).or_else(|| is_cut.then_some(Other::OneOfMany)))
}

/// A folder's package.json in the commit; `None` if it cannot be had or read.
fn manifest(repository: &mut Repository, listing: &Listing, folder: &str) -> Option<Value> {
    let id = listing.get(&join(folder, "package.json"))?.id;
    manifest::read(&repository.blob_up_to(&id, manifest::LARGEST).ok()??)
}
