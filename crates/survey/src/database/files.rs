//! Logs and diffs, each a file that is named by its sha256.
//!
//! A database may lie in a checkout, and so may its folder of files: no link in it is followed, and
//! nothing is written outside of it.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use cap_fs_ext::{DirExt as _, FollowSymlinks, OpenOptionsFollowExt as _};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Largest file that is read back, in bytes: results cap logs and diffs far below.
const MAX_FILE: u64 = 64 << 20;

/// The folder of files.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
}

/// A text that was taken out of a document.
pub(super) struct Taken {
    /// Where it was.
    pub(super) pointer: String,
    /// The text.
    pub(super) text: String,
}

impl Files {
    pub(super) fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Writes a text, unless it is there, and gives its name. It is on the disk when this returns:
    /// a row will name it.
    pub(super) fn write(&self, text: &str) -> Result<String, (PathBuf, io::Error)> {
        let name = hex::encode(Sha256::digest(text.as_bytes()));
        let path = self.path(&name);
        if self.read(&name).is_some() {
            return Ok(name);
        }
        self.put(&name, text).map(|()| name).map_err(|error| (path, error))
    }

    /// Puts a text in the place of whatever has its name: written beside it, then renamed.
    fn put(&self, name: &str, text: &str) -> io::Result<()> {
        static WRITTEN: AtomicU64 = AtomicU64::new(0);
        std::fs::create_dir_all(&self.folder)?;
        let all = Dir::open_ambient_dir(&self.folder, ambient_authority())?;
        let first = name.get(..2).unwrap_or_default();
        match all.create_dir(first) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let folder = all.open_dir_nofollow(first)?;
        let unnamed = format!(".new-{}-{}", std::process::id(), WRITTEN.fetch_add(1, Ordering::Relaxed));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).follow(FollowSymlinks::No);
        let mut file = folder.open_with(&unnamed, &options)?;
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| folder.rename(&unnamed, &folder, name));
        if written.is_err() {
            // What was written is of no use; the first error is the one to tell.
            drop(folder.remove_file(&unnamed));
        }
        written
    }

    /// The text of that name; `None` if it is not there, or is another one by now.
    pub(super) fn read(&self, name: &str) -> Option<String> {
        let bytes = store::at_hand::read(&self.path(name), MAX_FILE).ok()?;
        (hex::encode(Sha256::digest(&bytes)) == name).then(|| String::from_utf8(bytes).ok()).flatten()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name.get(..2).unwrap_or_default()).join(name)
    }
}

/// Takes the logs and the diff out of a document; null stands in their place.
pub(super) fn take(document: &mut Value) -> Vec<Taken> {
    let attempts = document.get("attempts").and_then(Value::as_array).map_or(0, Vec::len);
    let places = (0..attempts).map(|at| format!("/attempts/{at}/log")).chain(["/diff".to_owned()]);
    let mut taken = Vec::new();
    for pointer in places {
        if let Some(place) = document.pointer_mut(&pointer)
            && place.is_string()
            && let Value::String(text) = place.take()
        {
            taken.push(Taken { pointer, text });
        }
    }
    taken
}
