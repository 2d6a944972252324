//! Removing what a stranger's build left.

use std::fs;
use std::io;
use std::path::Path;

/// Removes a tree that a stranger's build left: folders without permissions, and links, which are not followed.
pub fn remove_tree(dir: &Path) -> io::Result<()> {
    let first = match fs::remove_dir_all(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Ok(()) => return Ok(()),
        Err(error) => error,
    };
    #[cfg(unix)]
    open_folders(dir);
    fs::remove_dir_all(dir).map_err(|_| first)
}

/// Gives every folder its owner's permissions back.
#[cfg(unix)]
fn open_folders(dir: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mut todo = vec![dir.to_owned()];
    while let Some(dir) = todo.pop() {
        // What cannot be opened cannot be removed either, and that says so.
        let _: io::Result<()> = fs::set_permissions(&dir, fs::Permissions::from_mode(0o700));
        let entries = fs::read_dir(&dir).into_iter().flatten().flatten();
        todo.extend(entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_folder_without_permissions_is_removed() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let locked = dir.path().join("a/b");
        fs::create_dir_all(&locked).unwrap();
        fs::write(locked.join("f"), "").unwrap();
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o0)).unwrap();
        remove_tree(&dir.path().join("a")).unwrap();
        assert!(!dir.path().join("a").exists());
    }
}
