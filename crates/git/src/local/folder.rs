//! A folder of files that is no git repository.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::UNIX_EPOCH;

use gix::ObjectId;
use gix::objs::tree::EntryKind;

use super::snapshot::{MAX_BYTES, NewFile, Snapshot};
use super::unreadable;
use crate::{GitError, ObjectStore};

/// Deepest folder that is looked into.
const MAX_DEPTH: usize = 64;

/// Takes the files of a folder as a commit. What an installation put there (`node_modules`) is not
/// source; a `.git` has been looked at before.
pub(super) fn import(path: &Path, store: &ObjectStore, cancelled: &AtomicBool) -> Result<ObjectId, GitError> {
    let mut snapshot = Snapshot::default();
    walk(path, &mut Vec::new(), &mut snapshot, store, cancelled)?;
    snapshot.commit(store)
}

fn walk(
    dir: &Path,
    inside: &mut Vec<Vec<u8>>,
    snapshot: &mut Snapshot,
    store: &ObjectStore,
    cancelled: &AtomicBool,
) -> Result<(), GitError> {
    if cancelled.load(Ordering::Relaxed) {
        return Err(GitError::Cancelled);
    }
    if inside.len() > MAX_DEPTH {
        return Err(GitError::OverLimit { what: "folders in each other", limit: MAX_DEPTH });
    }
    for entry in std::fs::read_dir(dir).map_err(|error| unreadable(dir, &error))? {
        let entry = entry.map_err(|error| unreadable(dir, &error))?;
        let (path, name) = (entry.path(), entry.file_name());
        if name == "node_modules" || name == ".git" {
            continue;
        }
        let failed = |error: std::io::Error| unreadable(&path, &error);
        let data = std::fs::symlink_metadata(&path).map_err(failed)?;
        inside.push(name.as_encoded_bytes().to_vec());
        let changed = data.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let changed = changed.and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or_default();
        if data.is_dir() {
            walk(&path, inside, snapshot, store, cancelled)?;
        } else if data.is_symlink() {
            let target = std::fs::read_link(&path).map_err(failed)?;
            snapshot.add(store, inside, &NewFile { kind: EntryKind::Link, content: target.as_os_str().as_encoded_bytes(), changed })?;
        } else if data.is_file() {
            if data.len() > MAX_BYTES {
                return Err(unreadable(&path, &"it is too large"));
            }
            let kind = if is_executable(&data) { EntryKind::BlobExecutable } else { EntryKind::Blob };
            let content = store::at_hand::read(&path, MAX_BYTES).map_err(failed)?;
            snapshot.add(store, inside, &NewFile { kind, content: &content, changed })?;
        }
        inside.pop();
    }
    Ok(())
}

#[cfg(unix)]
fn is_executable(data: &std::fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&data.permissions()) & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &std::fs::Metadata) -> bool {
    false
}
