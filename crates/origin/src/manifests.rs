//! The package.json files of a tree: name and version of each.

use std::collections::HashMap;

use gix::ObjectId;

use git::{Listing, Repository};
use npm_spec::path::join;

use super::error::LocateError;

/// Name and version in a package.json's bytes. The name is `wanted` if the package is published by
/// it: pnpm 11.18 and later publish as `publishConfig.name` says.
pub(super) fn manifest_of(bytes: Option<Vec<u8>>, wanted: &str) -> (Option<String>, Option<String>) {
    let value = bytes.and_then(|bytes| serde_json::from_slice::<serde_json::Value>(npm_spec::manifest::without_bom(&bytes)).ok());
    let text = |place: &str| value.as_ref().and_then(|value| value.pointer(place)).and_then(|value| value.as_str()).map(str::to_owned);
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
    found.into_iter().map(|(dir, id)| Ok((dir, manifest_of(repository.store().blob(&id)?, wanted)))).collect()
}
