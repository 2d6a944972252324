//! Whether a tarball is what a client packs of a folder.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use npm_tarball::{Archive, EntryKind, Limits};
use rebuild::SourceError;

use super::client::Client;
use super::error::LocalError;
use super::packed::{self, Until};
use super::work_tree::WorkTree;

/// How a tarball differs from what the client packs of the folder, for people; `None` where it has
/// the same files with the same bytes. How they are packed makes no difference: the client may do
/// it in another way for a publish.
pub(crate) fn other_than_packed(
    folder: &Path,
    client: &Client,
    served: &[u8],
    limit: Option<Duration>,
    cancelled: Arc<AtomicBool>,
) -> Option<String> {
    let until = Until { cancelled, limit, began: Instant::now() };
    match compare(folder, client, served, &until) {
        Ok(differs) => differs.map(|path| format!("its {path} is not what the folder has")),
        Err(error) => Some(format!("the folder cannot be compared with it: {error}")),
    }
}

/// The first path that differs.
fn compare(folder: &Path, client: &Client, served: &[u8], until: &Until) -> Result<Option<String>, LocalError> {
    let folder = std::fs::canonicalize(folder).map_err(|source| LocalError::Folder { path: folder.to_owned(), source })?;
    let opened = WorkTree::open(&folder)?;
    let (root, directory) = opened.place(&folder);
    let packed = packed::pack(&folder, (root, directory), client, until)?;
    let (ours, theirs) = (files(&packed.bytes)?, files(served)?);
    let paths = ours.keys().chain(theirs.keys());
    Ok(paths.filter(|path| ours.get(*path) != theirs.get(*path)).min().cloned())
}

fn files(tarball: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, LocalError> {
    let archive = Archive::read(tarball, &Limits::default()).map_err(SourceError::from)?;
    let entries = archive.entries().iter().filter(|entry| entry.kind == EntryKind::File);
    let read = entries.map(|entry| Ok((entry.path.clone(), archive.content(entry).map_err(SourceError::from)?)));
    read.collect::<Result<_, LocalError>>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tarball_is_the_folders_or_the_first_path_is_named() {
        let place = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(place.path().join(name), text).unwrap();
        write("package.json", r#"{"name":"a","version":"1.0.0"}"#);
        write("index.js", "x\n");
        let client = Client::default();
        let until = Until { cancelled: Arc::default(), limit: None, began: Instant::now() };
        let served = packed::pack(place.path(), (place.path(), ""), &client, &until).unwrap().bytes;
        let other = || other_than_packed(place.path(), &client, &served, None, Arc::default());
        assert_eq!(other(), None);
        write("index.js", "y\n");
        assert_eq!(other(), Some("its index.js is not what the folder has".to_owned()));
        write("index.js", "x\n");
        write("b.js", "");
        assert_eq!(other(), Some("its b.js is not what the folder has".to_owned()));
        std::fs::remove_file(place.path().join("package.json")).unwrap();
        assert!(other().unwrap().starts_with("the folder cannot be compared with it"));
    }
}
