//! What the commit has as package.json or as a lockfile, and is larger than what is read of a
//! stranger: what it says was not looked at.

use gix::ObjectId;

use git::{Listing, ObjectStore};
use npm_spec::manifest::{self, LARGEST, LARGEST_LOCKFILE, LARGEST_TOGETHER};
use npm_spec::path::join;
use origin::{Located, manifest_directories};
use report::json::Report;
use verdict::{Finding, Severity};

/// Most package.json files of a commit that a build looks at.
const MOST_MANIFESTS: usize = 2_000;
/// The lockfiles whose values are read.
const LOCKFILES: [&str; 4] = ["package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "bun.lock"];
/// Most files that are named.
const MOST_NAMED: usize = 5;

/// Names the files of the commit that were too large to be read. It says nothing against the
/// verdict: only the bytes decide, and what was not read makes a build fail rather than succeed.
pub(crate) fn tell(report: &mut Report, store: &ObjectStore, located: &Located) {
    let Some(origin) = report.origin.as_ref() else { return };
    let commit = ObjectId::from_hex(origin.commit.as_bytes()).ok();
    let Some(listing) = located.origins.iter().find(|one| Some(one.commit) == commit).map(|one| &one.listing) else { return };
    let mut unread = manifests(store, listing);
    unread.extend(lockfiles(store, listing, &origin.directory));
    if unread.is_empty() {
        return;
    }
    let more = unread.len().saturating_sub(MOST_NAMED);
    unread.truncate(MOST_NAMED);
    let more = if more == 0 { String::new() } else { format!(", and {more} more") };
    let message = format!("not read, because they are larger than such files are: {}{more}", unread.join(", "));
    report.findings.push(Finding::new("source-unread", Severity::Warning, message));
}

/// The package.json files that are too large, and those that come after too many bytes. One that is
/// not here was not needed.
fn manifests(store: &ObjectStore, listing: &Listing) -> Vec<String> {
    let mut left = LARGEST_TOGETHER;
    let mut unread = Vec::new();
    for path in manifest_directories(listing, MOST_MANIFESTS).iter().map(|folder| join(folder, "package.json")) {
        let Some(size) = listing.get(&path).and_then(|entry| store.size(&entry.id)) else { continue };
        let fits = size <= LARGEST && size <= left;
        if fits {
            left -= size;
        } else {
            unread.push(told(&path, size));
        }
    }
    unread
}

/// The lockfiles from the package's folder up to the root that are too large, or have too many
/// values.
fn lockfiles(store: &ObjectStore, listing: &Listing, directory: &str) -> Vec<String> {
    let above = directory.match_indices('/').filter_map(|(at, _)| directory.get(..at));
    let folders = std::iter::once("").chain(above).chain((!directory.is_empty()).then_some(directory));
    let paths = folders.flat_map(|folder| LOCKFILES.map(|name| join(folder, name)));
    let unread = paths.filter_map(|path| {
        let id = listing.get(&path)?.id;
        let size = store.size(&id)?;
        let is_json = std::path::Path::new(&path).extension().is_none_or(|kind| kind != "yaml");
        let has_too_many =
            || is_json && store.blob(&id).ok().flatten().is_some_and(|bytes| manifest::is_too_large(&bytes, LARGEST_LOCKFILE));
        (size > LARGEST_LOCKFILE || has_too_many()).then(|| told(&path, size))
    });
    unread.collect()
}

fn told(path: &str, size: u64) -> String {
    format!("{path} ({size} bytes)")
}
