//! The temporary folder of one command, where the tier has none of its own.

use std::path::{Path, PathBuf};

use super::error::SandboxError;
use crate::store::remove_tree;

/// A new folder among the temporary files, removed when this is dropped, whatever the command left in it: a removal that
/// recurses would end on a deep tree, or end this process.
#[derive(Debug)]
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> Result<Self, SandboxError> {
        let folder = tempfile::Builder::new().prefix("reproduce-").tempdir().map_err(SandboxError::io("make a temporary folder"))?;
        Ok(Self(folder.keep()))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nobody is left to tell. It fails where the disk does, or where a process without a sandbox lives on in it.
        let _ = remove_tree(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn closed_folders_and_deep_ones_do_not_stay() {
        let scratch = Scratch::new().unwrap();
        let closed = scratch.path().join("closed");
        fs::create_dir_all(closed.join("below")).unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
        let end = "/a".repeat(1000);
        fs::create_dir_all(format!("{}/0{end}", scratch.path().display())).unwrap();
        fs::create_dir_all(format!("{}/1{end}", scratch.path().display())).unwrap();
        fs::rename(scratch.path().join("1"), format!("{}/0{end}/a", scratch.path().display())).unwrap();
        let path = scratch.path().to_owned();
        drop(scratch);
        assert!(!path.exists());
    }
}
