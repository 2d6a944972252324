//! Looks through a repository's own folder before a library opens it: in one that was unpacked from
//! somewhere, any file can be a pipe that nobody writes to, or a device without an end.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use store::at_hand;

/// Most entries that are looked at: no checkout has as many.
const MAX_ENTRIES: usize = 4 << 20;
/// Folders within each other, from the repository's own.
const MAX_DEPTH: usize = 32;
/// Largest file that names other folders, in bytes.
const MAX_NAMES: u64 = 1 << 20;
/// What other programs keep there, and nothing here opens.
const OF_OTHERS: [&str; 5] = ["annex", "hooks", "lfs", "modules", "worktrees"];

/// Fails if the repository of a checkout, bare or above its `.git`, has a file that must not be
/// opened. A folder that is no repository has none.
pub fn check_repository(root: &Path) -> io::Result<()> {
    let mut look = Look::default();
    let own = root.join(".git");
    match fs::metadata(&own) {
        Ok(about) if about.is_dir() => look.todo.push(own),
        Ok(_) => {
            if let Some(folder) = said(&own)?.trim().strip_prefix("gitdir:") {
                look.todo.push(root.join(folder.trim()));
            }
        }
        // As bare as a repository can be: this is what makes a folder one.
        Err(_) if root.join("objects").is_dir() && (root.join("refs").is_dir() || root.join("HEAD").is_file()) => {
            look.todo.push(root.to_owned());
        }
        Err(_) => {}
    }
    while let Some(folder) = look.todo.pop() {
        look.repository(&folder)?;
    }
    Ok(())
}

/// What a file of the repository says; nothing where it is not there.
fn said(file: &Path) -> io::Result<String> {
    at_hand::check_input(file).map_err(|error| at(file, &error))?;
    match at_hand::read(file, MAX_NAMES) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        // What cannot be opened waits for nobody, and whoever opens it next says so.
        Err(error) if error.kind() != io::ErrorKind::FileTooLarge => Ok(String::new()),
        Err(error) => Err(at(file, &error)),
    }
}

#[derive(Default)]
struct Look {
    /// Folders of repositories or of objects.
    todo: Vec<PathBuf>,
    seen: BTreeSet<PathBuf>,
    entries: usize,
}

impl Look {
    /// A repository's folder, or one of objects, and those that it names.
    fn repository(&mut self, folder: &Path) -> io::Result<()> {
        self.folder(folder, 0)?;
        let common = said(&folder.join("commondir"))?;
        self.todo.extend(Some(common.trim()).filter(|name| !name.is_empty()).map(|name| folder.join(name)));
        for objects in [folder.join("objects"), folder.to_owned()] {
            let alternates = said(&objects.join("info/alternates"))?;
            let named = alternates.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
            self.todo.extend(named.map(|line| objects.join(line)));
        }
        Ok(())
    }

    fn folder(&mut self, folder: &Path, depth: usize) -> io::Result<()> {
        // A link can lead back. A folder that cannot be listed cannot be opened either.
        let Ok(real) = fs::canonicalize(folder) else { return Ok(()) };
        if !self.seen.insert(real) {
            return Ok(());
        }
        let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
        for entry in entries {
            let entry = entry?;
            self.entries += 1;
            if self.entries > MAX_ENTRIES || depth > MAX_DEPTH {
                return Err(at(folder, &io::Error::other("there are too many files or folders in it")));
            }
            let kind = entry.file_type()?;
            if kind.is_file() || (depth == 0 && OF_OTHERS.iter().any(|name| entry.file_name() == *name)) {
                continue;
            }
            let path = entry.path();
            at_hand::check_input(&path).map_err(|error| at(&path, &error))?;
            if path.is_dir() {
                self.folder(&path, depth + 1)?;
            }
        }
        Ok(())
    }
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn pipe(path: &Path) {
        let made = path.parent().is_some_and(|folder| fs::create_dir_all(folder).is_ok());
        assert!(made && std::process::Command::new("mkfifo").arg(path).status().is_ok_and(|status| status.success()));
    }

    #[test]
    fn a_pipe_anywhere_in_a_repository_is_refused_and_not_waited_for() {
        for name in [
            "HEAD",
            "index",
            "packed-refs",
            "config",
            "info/exclude",
            "objects/info/alternates",
            "objects/ab/cd",
            "refs/heads/x",
            "commondir",
        ] {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir(folder.path().join(".git")).unwrap();
            assert!(check_repository(folder.path()).is_ok());
            pipe(&folder.path().join(".git").join(name));
            let said = check_repository(folder.path()).unwrap_err().to_string();
            assert!(said.contains(name) && said.ends_with("it is a device or a pipe and no file"), "{said}");
        }
        let folder = tempfile::tempdir().unwrap();
        pipe(&folder.path().join(".git"));
        assert!(check_repository(folder.path()).is_err());
    }

    #[test]
    fn a_source_with_a_pipe_in_its_repository_is_not_opened() {
        let (cache, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let cancelled = std::sync::Arc::default();
        fs::create_dir_all(folder.path().join(".git/objects")).unwrap();
        fs::create_dir_all(folder.path().join(".git/refs")).unwrap();
        fs::write(folder.path().join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
        let open = || super::super::open(folder.path(), "file:///x", cache.path(), std::sync::Arc::clone(&cancelled));
        assert!(open().is_ok());
        // A library that opens it waits for whoever writes to it, which is nobody.
        pipe(&folder.path().join(".git/packed-refs"));
        let said = open().err().unwrap().to_string();
        assert!(said.contains("packed-refs") && said.contains("it is a device or a pipe and no file"), "{said}");
    }

    #[test]
    fn what_a_repository_names_is_looked_at_too() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        pipe(&at("far/objects/pack/x.pack"));
        for (own, said) in [(".git/objects/info/alternates", "../../far/objects"), (".git/commondir", "../far")] {
            fs::create_dir_all(at(own).parent().unwrap()).unwrap();
            fs::write(at(own), said).unwrap();
            assert!(check_repository(folder.path()).is_err(), "{own}");
            fs::remove_file(at(own)).unwrap();
            assert!(check_repository(folder.path()).is_ok());
        }
        fs::remove_dir_all(at(".git")).unwrap();
        fs::write(at(".git"), "gitdir: far\n").unwrap();
        assert!(check_repository(folder.path()).is_err());
        let bare = tempfile::tempdir().unwrap();
        fs::create_dir_all(bare.path().join("objects")).unwrap();
        fs::create_dir_all(bare.path().join("refs")).unwrap();
        pipe(&bare.path().join("HEAD"));
        assert!(check_repository(bare.path()).is_err());
    }

    #[test]
    fn links_that_lead_back_null_and_what_others_keep_are_no_obstacle() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join(".git");
        fs::create_dir_all(own.join("info")).unwrap();
        std::os::unix::fs::symlink("..", own.join("info/up")).unwrap();
        std::os::unix::fs::symlink("/dev/null", own.join("info/exclude")).unwrap();
        let _open = std::os::unix::net::UnixListener::bind(own.join("fsmonitor--daemon.ipc")).unwrap();
        pipe(&own.join("hooks/mine"));
        check_repository(folder.path()).unwrap();
        std::os::unix::fs::symlink("/dev/zero", own.join("packed-refs")).unwrap();
        assert!(check_repository(folder.path()).is_err());
    }
}
