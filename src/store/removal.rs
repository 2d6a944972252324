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

/// As [`remove_tree`], one entry after the other for as long as `go_on` says so; true where all of it is gone. What another process removes
/// meanwhile is gone as well.
pub fn remove_tree_while(dir: &Path, go_on: &dyn Fn() -> bool) -> io::Result<bool> {
    // A name longer than a path may be, or a folder that is closed, is for the thorough way.
    remove_by_path(dir, go_on).or_else(|_| remove_tree(dir).map(|()| true))
}

fn remove_by_path(dir: &Path, go_on: &dyn Fn() -> bool) -> io::Result<bool> {
    let mut open = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        entries => vec![(dir.to_owned(), entries?)],
    };
    while let Some((path, entries)) = open.last_mut() {
        if !go_on() {
            return Ok(false);
        }
        let removed = if let Some(entry) = entries.next() {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open.push((entry.path(), fs::read_dir(entry.path())?));
                continue;
            }
            fs::remove_file(entry.path())
        } else {
            let done = fs::remove_dir(&*path);
            open.pop();
            done
        };
        removed.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
    }
    Ok(true)
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

    #[cfg(unix)]
    #[test]
    fn removal_stops_when_it_is_told_to_and_goes_on_later() {
        use std::cell::Cell;
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("a");
        for at in 0..20 {
            fs::create_dir_all(tree.join(format!("{at}/deep"))).unwrap();
            fs::write(tree.join(format!("{at}/deep/f")), "").unwrap();
        }
        fs::write(dir.path().join("outside"), "").unwrap();
        std::os::unix::fs::symlink(dir.path(), tree.join("link")).unwrap();
        let left = Cell::new(10);
        let few = || left.replace(left.get() - 1) > 0;
        assert!(!remove_tree_while(&tree, &few).unwrap());
        assert!(tree.exists());
        assert!(remove_tree_while(&tree, &|| true).unwrap());
        assert!(!tree.exists() && dir.path().join("outside").exists());
        assert!(remove_tree_while(&tree, &|| true).unwrap());
    }
}
