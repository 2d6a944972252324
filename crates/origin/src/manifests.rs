//! The package.json files of a tree: name and version of each.

use std::collections::HashMap;

use gix::ObjectId;
use serde_json::Value;

use git::{GitError, Listing, ObjectStore, Repository};
use npm_spec::manifest::{self, LARGEST};
use npm_spec::path::join;

use super::error::LocateError;

/// Name and version in a package.json that is here; none of one that is larger than what is read,
/// which the report tells. The name is `wanted` if the package is published by it: pnpm 11.18 and
/// later publish as `publishConfig.name` says.
pub(super) fn manifest_at(store: &ObjectStore, id: &ObjectId, wanted: &str) -> Result<(Option<String>, Option<String>), GitError> {
    // The size first: a hundred kilobytes of a repository can unpack to gigabytes.
    if store.size(id).is_some_and(|size| size > LARGEST) {
        return Ok((None, None));
    }
    Ok(manifest_of(store.blob(id)?.as_deref(), wanted))
}

fn manifest_of(bytes: Option<&[u8]>, wanted: &str) -> (Option<String>, Option<String>) {
    let value = bytes.and_then(manifest::read::<Value>);
    let text = |place: &str| value.as_ref().and_then(|value| value.pointer(place)).and_then(Value::as_str).map(str::to_owned);
    let name = text("/publishConfig/name").filter(|name| name == wanted).or_else(|| text("/name"));
    (name, text("/version"))
}

type Manifests = HashMap<String, (Option<String>, Option<String>)>;

/// The name and version that the package.json of each folder gives for a package of the name that
/// is wanted, with one request for those that are missing.
pub(super) fn read_manifests(
    repository: &mut Repository,
    listing: &Listing,
    directories: impl Iterator<Item = String>,
    wanted: &str,
) -> Result<Manifests, LocateError> {
    let found: Vec<(String, ObjectId)> =
        directories.filter_map(|dir| listing.get(&join(&dir, "package.json")).map(|entry| (dir, entry.id))).collect();
    repository.ensure_blobs(found.iter().map(|(_, id)| *id))?;
    found.into_iter().map(|(dir, id)| Ok((dir, manifest_at(repository.store(), &id, wanted)?))).collect()
}
