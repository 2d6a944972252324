//! Files of the checkout that would lead a package manager past the registry here: lockfiles with addresses in them, and
//! configuration that no variable overrides. They are changed for the installation alone.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::origin::score::join;
use crate::pack::tree::DirTree;
use crate::timewarp::{StandIns, lockfile, redirected, without_git};
use crate::toolchain::Kind;

/// The changed files, and what they were.
#[derive(Default)]
pub(super) struct Detour {
    changed: Vec<Changed>,
}

struct Changed {
    file: PathBuf,
    original: Vec<u8>,
    /// A lockfile that the installation may have written anew, and how its addresses are led back.
    rewritten: Option<lockfile::Rewritten>,
}

impl Detour {
    /// Leads what `manager` reads to the registry at `base`; `packages` are the folders that have a package.json.
    pub(super) fn lay(
        checkout: &Path,
        manager: Kind,
        locked: Option<&str>,
        directory: &str,
        packages: &[String],
        base: &str,
    ) -> io::Result<Self> {
        let tree = DirTree::new(checkout)?;
        let mut detour = Self::default();
        if let Some(path) = locked {
            match manager {
                Kind::Yarn => detour.change(&tree, path, |bytes| {
                    let rewritten = lockfile::rewrite_yarn_v1(bytes, base);
                    Some((rewritten.bytes.clone(), Some(rewritten)))
                })?,
                Kind::Bun => detour.change(&tree, path, |bytes| Some((lockfile::rewrite_bun(bytes, base), None)))?,
                Kind::Node | Kind::Npm | Kind::Berry | Kind::Pnpm => {}
            }
        }
        // What another lockfile says of a repository would no longer fit the changed package.json.
        if matches!((manager, locked), (_, None) | (Kind::Npm | Kind::Node, _)) {
            // Folders that are installed as dependencies (`file:`) have such dependencies of their own.
            for path in packages.iter().map(|folder| join(folder, "package.json")).chain(locked.map(str::to_owned)) {
                detour.change(&tree, &path, |bytes| without_git(bytes, base).map(|bytes| (bytes, None)))?;
            }
        }
        if matches!(manager, Kind::Berry | Kind::Bun) {
            for name in [".npmrc", ".yarnrc.yml"] {
                for path in [name.to_owned(), join(directory, name)] {
                    detour.change(&tree, &path, |bytes| redirected(name, bytes, base).map(|bytes| (bytes, None)))?;
                }
            }
        }
        Ok(detour)
    }

    /// Gives the packages that are gone the digests of their stand-ins in the lockfile; false where nothing in it changes.
    pub(super) fn stand_in(&mut self, checkout: &Path, locked: Option<&str>, gone: &StandIns) -> io::Result<bool> {
        let Some(path) = locked else { return Ok(false) };
        let Some(file) = DirTree::new(checkout)?.resolve(path).filter(|file| file.is_file()) else { return Ok(false) };
        let name = path.rsplit('/').next().unwrap_or(path);
        let before = fs::read(&file)?;
        let Some(bytes) = lockfile::with_stand_ins(name, &before, gone) else { return Ok(false) };
        fs::write(&file, bytes)?;
        match self.changed.iter_mut().find(|known| known.file == file) {
            // What it was before the detour comes back whatever the client made of this.
            Some(known) => known.rewritten = None,
            None => self.changed.push(Changed { file, original: before, rewritten: None }),
        }
        Ok(true)
    }

    fn change(
        &mut self,
        tree: &DirTree,
        path: &str,
        how: impl Fn(&[u8]) -> Option<(Vec<u8>, Option<lockfile::Rewritten>)>,
    ) -> io::Result<()> {
        let Some(file) = tree.resolve(path).filter(|file| fs::symlink_metadata(file).is_ok_and(|data| data.is_file())) else {
            return Ok(());
        };
        if self.changed.iter().any(|known| known.file == file) {
            return Ok(());
        }
        let original = fs::read(&file)?;
        if let Some((bytes, rewritten)) = how(&original).filter(|(bytes, _)| *bytes != original) {
            fs::write(&file, bytes)?;
            self.changed.push(Changed { file, original, rewritten });
        }
        Ok(())
    }

    /// Puts the files back. A lockfile that the client mended keeps what it mended.
    pub(super) fn take_back(self) -> io::Result<()> {
        for Changed { file, original, rewritten } in self.changed {
            let after = fs::symlink_metadata(&file).is_ok_and(|data| data.is_file()).then(|| fs::read(&file)).transpose()?;
            let bytes = match (rewritten, after) {
                (Some(rewritten), Some(after)) if after != rewritten.bytes => rewritten.restore(&after),
                _ => original,
            };
            // The installation may have put a link there: it is replaced, not followed. The build's user can still write it.
            let owner = fs::symlink_metadata(&file).ok();
            if owner.is_some() {
                fs::remove_file(&file)?;
            }
            fs::OpenOptions::new().write(true).create_new(true).open(&file)?.write_all(&bytes)?;
            #[cfg(unix)]
            if let Some(data) = owner {
                use std::os::unix::fs::MetadataExt;
                std::os::unix::fs::lchown(&file, Some(data.uid()), Some(data.gid()))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_yarn_lockfile_is_led_here_for_the_installation_and_is_the_same_afterwards() {
        let dir = tempfile::tempdir().unwrap();
        let lock = "# yarn lockfile v1\n\n\na@^1:\n  version \"1.0.0\"\n  resolved \"https://registry.yarnpkg.com/a/-/a-1.0.0.tgz#aa\"\n";
        fs::write(dir.path().join("yarn.lock"), lock).unwrap();
        let detour = Detour::lay(dir.path(), Kind::Yarn, Some("yarn.lock"), "", &[], "http://127.0.0.1:4873/").unwrap();
        assert!(fs::read_to_string(dir.path().join("yarn.lock")).unwrap().contains("127.0.0.1:4873"));
        detour.take_back().unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("yarn.lock")).unwrap(), lock);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_the_installation_left_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let outside = tempfile::NamedTempFile::new().unwrap();
        fs::write(outside.path(), "mine").unwrap();
        let lock = dir.path().join("yarn.lock");
        fs::write(
            &lock,
            "# yarn lockfile v1\n\na@^1:\n  version \"1.0.0\"\n  resolved \"https://registry.yarnpkg.com/a/-/a-1.0.0.tgz#aa\"\n",
        )
        .unwrap();
        let detour = Detour::lay(dir.path(), Kind::Yarn, Some("yarn.lock"), "", &[], "http://127.0.0.1:4873/").unwrap();
        fs::remove_file(&lock).unwrap();
        std::os::unix::fs::symlink(outside.path(), &lock).unwrap();
        detour.take_back().unwrap();
        assert_eq!(fs::read_to_string(outside.path()).unwrap(), "mine");
        assert!(!fs::symlink_metadata(&lock).unwrap().is_symlink());
    }
}
