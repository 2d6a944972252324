//! Files of the checkout that would lead a package manager past the registry here: lockfiles with
//! addresses in them, and configuration that no variable overrides. They are changed for the
//! installation alone.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use npm_pack::disk_tree::{is_link, mode_of};
use npm_pack::tree::DirTree;
use npm_spec::manifest;
use npm_spec::path::join;
use npm_spec::tool::Kind;
use npm_timewarp::{Leads, StandIns, lockfile, note_npm_lock, redirected, settings_without_git, without_git};

use super::oldest;

/// Largest file that is changed, in bytes.
const LARGEST: u64 = 16 << 20;

/// The folders of a checkout in which there is something to change.
#[derive(Clone, Copy)]
pub(super) struct Folders<'a> {
    /// Those that have a package.json.
    pub(super) packages: &'a [String],
    /// Those whose configuration package managers read.
    pub(super) settings: &'a BTreeSet<&'a str>,
}

/// The changed files, and what they were.
#[derive(Default)]
pub(super) struct Detour {
    changed: Vec<Changed>,
}

struct Changed {
    /// Below the checkout.
    path: String,
    original: Vec<u8>,
    mode: u32,
    /// A lockfile that the installation may have written anew, and how its addresses are led back.
    rewritten: Option<lockfile::Rewritten>,
}

impl Detour {
    /// Leads what `manager` reads to the registry here.
    pub(super) fn lay(tree: &DirTree, manager: Kind, locked: Option<&str>, folders: Folders<'_>, leads: &Leads) -> io::Result<Self> {
        let mut detour = Self::default();
        let base = leads.base();
        if let Some(path) = locked {
            match manager {
                Kind::Yarn => detour.change(tree, path, |bytes| {
                    let rewritten = lockfile::rewrite_yarn_v1(bytes, leads);
                    Some((rewritten.bytes.clone(), Some(rewritten)))
                })?,
                Kind::Bun => detour.change(tree, path, |bytes| {
                    let bytes = lockfile::rewrite_bun(bytes, base);
                    Some((lockfile::lead_bun(&bytes, leads).unwrap_or(bytes), None))
                })?,
                Kind::Berry => detour.change(tree, path, |bytes| lockfile::lead_berry(bytes, leads).map(|bytes| (bytes, None)))?,
                Kind::Pnpm => detour.change(tree, path, |bytes| lockfile::lead_pnpm(bytes, leads).map(|bytes| (bytes, None)))?,
                Kind::Node | Kind::Npm => {
                    if let Some((bytes, _)) = read(tree, path)? {
                        note_npm_lock(&bytes, leads);
                    }
                }
            }
        }
        // What another lockfile says of a repository would no longer fit the changed package.json.
        // Yarn 1's was changed with it.
        if matches!((manager, locked), (_, None) | (Kind::Npm | Kind::Node | Kind::Yarn, _)) {
            detour.lead_git_dependencies(tree, folders, locked, leads)?;
        }
        if matches!(manager, Kind::Berry | Kind::Bun) {
            for name in [".npmrc", ".yarnrc.yml"] {
                for folder in folders.settings {
                    detour.change(tree, &join(folder, name), |bytes| redirected(name, bytes, base).map(|bytes| (bytes, None)))?;
                }
            }
        }
        Ok(detour)
    }

    /// Leads dependencies on git repositories to the registry, in every package of the repository
    /// and in a lockfile of npm's.
    pub(super) fn lead_git_dependencies(
        &mut self,
        tree: &DirTree,
        folders: Folders<'_>,
        locked: Option<&str>,
        leads: &Leads,
    ) -> io::Result<()> {
        // Folders that are installed as dependencies (`file:`) have such dependencies of their own.
        for path in folders.packages.iter().map(|folder| join(folder, "package.json")).chain(locked.map(str::to_owned)) {
            self.change(tree, &path, |bytes| without_git(bytes, leads).map(|bytes| (bytes, None)))?;
        }
        for path in folders.settings.iter().flat_map(|folder| ["pnpm-workspace.yaml", ".yarnrc.yml"].map(|name| join(folder, name))) {
            self.change(tree, &path, |bytes| settings_without_git(bytes, leads).map(|bytes| (bytes, None)))?;
        }
        Ok(())
    }

    /// Has every package of the repository ask for the oldest version of each range, which `lowest`
    /// tells of several; for other packages of the repository ranges stay.
    pub(super) fn ask_for_the_oldest(
        &mut self,
        tree: &DirTree,
        packages: &[String],
        lowest: impl FnOnce(BTreeSet<(String, String)>) -> BTreeMap<(String, String), String>,
    ) -> io::Result<()> {
        let paths: Vec<String> = packages.iter().map(|folder| join(folder, "package.json")).collect();
        let mut left = manifest::LARGEST_TOGETHER;
        let manifests = paths.iter().filter_map(|path| tree.read_up_to(path, manifest::LARGEST));
        // All are kept in memory.
        let manifests: Vec<Vec<u8>> = manifests
            .map_while(|manifest| {
                left = left.checked_sub(manifest.len() as u64)?;
                Some(manifest)
            })
            .collect();
        let own: BTreeSet<String> = manifests.iter().filter_map(|manifest| oldest::name(manifest)).collect();
        let versions = lowest(manifests.iter().flat_map(|manifest| oldest::ranges(manifest, &own)).collect());
        for path in &paths {
            self.change(tree, path, |bytes| oldest::with_versions(bytes, &versions).map(|bytes| (bytes, None)))?;
        }
        Ok(())
    }

    /// Gives the packages that are gone the digests of their stand-ins in the lockfile; false where
    /// nothing in it changes.
    pub(super) fn stand_in(&mut self, tree: &DirTree, locked: Option<&str>, gone: &StandIns) -> io::Result<bool> {
        let Some(path) = locked else { return Ok(false) };
        let name = path.rsplit('/').next().unwrap_or(path);
        let Some((before, mode)) = read(tree, path)? else { return Ok(false) };
        let Some(bytes) = lockfile::with_stand_ins(name, &before, gone) else { return Ok(false) };
        if allowed(tree.replace(path, &bytes, None))?.is_none() {
            return Ok(false);
        }
        match self.changed.iter_mut().find(|known| known.path == path) {
            // What it was before the detour comes back whatever the client made of this.
            Some(known) => known.rewritten = None,
            None => self.changed.push(Changed { path: path.to_owned(), original: before, mode, rewritten: None }),
        }
        Ok(true)
    }

    fn change(
        &mut self,
        tree: &DirTree,
        path: &str,
        how: impl Fn(&[u8]) -> Option<(Vec<u8>, Option<lockfile::Rewritten>)>,
    ) -> io::Result<()> {
        let Some((original, mode)) = read(tree, path)? else { return Ok(()) };
        if let Some((bytes, rewritten)) = how(&original).filter(|(bytes, _)| *bytes != original) {
            if allowed(tree.replace(path, &bytes, None))?.is_none() || self.changed.iter().any(|known| known.path == path) {
                // It stays as it is, or what it was before comes back.
                return Ok(());
            }
            self.changed.push(Changed { path: path.to_owned(), original, mode, rewritten });
        }
        Ok(())
    }

    /// Puts the files back. A lockfile that the client mended keeps what it mended.
    ///
    /// The installation ran strangers' code: every path is looked up anew, and one that leads
    /// through a link is left alone.
    pub(super) fn take_back(self, tree: &DirTree) -> io::Result<()> {
        for changed in self.changed {
            changed.put_back(tree)?;
        }
        Ok(())
    }
}

impl Changed {
    fn put_back(self, tree: &DirTree) -> io::Result<()> {
        let Self { path, original, mode, rewritten } = self;
        if tree.is_dir(&path) {
            return Ok(());
        }
        let after = if rewritten.is_some() { read(tree, &path)? } else { None };
        let bytes = match (rewritten, after) {
            (Some(rewritten), Some((after, _))) if after != rewritten.bytes => rewritten.restore(&after),
            _ => original,
        };
        allowed(tree.replace(&path, &bytes, Some(mode)))?;
        Ok(())
    }
}

/// What was done; `None` where it could not be, for a reason of the build's own making: strangers'
/// code takes permissions away, removes folders, and puts links and other things into their places.
pub(super) fn allowed<T>(done: io::Result<T>) -> io::Result<Option<T>> {
    use io::ErrorKind::{InvalidInput, IsADirectory, NotADirectory, NotFound, PermissionDenied};
    match done {
        Err(error) if is_link(&error) => Ok(None),
        Err(error) => match error.kind() {
            InvalidInput | IsADirectory | NotADirectory | NotFound | PermissionDenied => Ok(None),
            _ => Err(error),
        },
        Ok(done) => Ok(Some(done)),
    }
}

/// The bytes of a manifest, a lockfile or a configuration, and its permissions; `None` if there is
/// none that can be read, or it is too large to be one.
fn read(tree: &DirTree, path: &str) -> io::Result<Option<(Vec<u8>, u32)>> {
    let Some(data) = tree.metadata(path).filter(cap_std::fs::Metadata::is_file) else { return Ok(None) };
    let bytes = allowed(tree.read_bounded(path, LARGEST))?.flatten();
    Ok(bytes.map(|bytes| (bytes, mode_of(&data) & 0o777)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn tree(dir: &tempfile::TempDir) -> DirTree {
        DirTree::new(dir.path()).unwrap()
    }

    fn leads() -> Leads {
        Leads::new("http://127.0.0.1:4873/")
    }

    const NOWHERE: Folders<'_> = Folders { packages: &[], settings: &BTreeSet::new() };

    #[test]
    fn configuration_beside_the_lockfile_is_led_here_too() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("js")).unwrap();
        fs::write(dir.path().join("js/.npmrc"), "@s:registry=https://host.example/\n").unwrap();
        let folders = Folders { packages: &[], settings: &BTreeSet::from(["", "js", "js/a"]) };
        let detour = Detour::lay(&tree(&dir), Kind::Bun, Some("js/bun.lock"), folders, &Leads::new("http://127.0.0.1:4873/")).unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("js/.npmrc")).unwrap(), "@s:registry=http://127.0.0.1:4873/\n");
        detour.take_back(&tree(&dir)).unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("js/.npmrc")).unwrap(), "@s:registry=https://host.example/\n");
    }

    #[test]
    fn a_yarn_lockfile_is_led_here_for_the_installation_and_is_the_same_afterwards() {
        let dir = tempfile::tempdir().unwrap();
        let lock = "# yarn lockfile v1\n\n\na@^1:\n  version \"1.0.0\"\n  resolved \"https://registry.yarnpkg.com/a/-/a-1.0.0.tgz#aa\"\n";
        fs::write(dir.path().join("yarn.lock"), lock).unwrap();
        let detour = Detour::lay(&tree(&dir), Kind::Yarn, Some("yarn.lock"), NOWHERE, &Leads::new("http://127.0.0.1:4873/")).unwrap();
        assert!(fs::read_to_string(dir.path().join("yarn.lock")).unwrap().contains("127.0.0.1:4873"));
        detour.take_back(&tree(&dir)).unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("yarn.lock")).unwrap(), lock);
    }

    #[test]
    fn a_yarn_lockfile_and_the_manifest_name_a_repository_alike() {
        let dir = tempfile::tempdir().unwrap();
        let (manifest, lock) = (
            r#"{"dependencies":{"a":"o/a#v1"}}"#,
            "# yarn lockfile v1\n\n\na@o/a#v1:\n  version \"1.0.0\"\n  resolved \"https://codeload.github.com/o/a/tar.gz/01\"\n",
        );
        fs::write(dir.path().join("package.json"), manifest).unwrap();
        fs::write(dir.path().join("yarn.lock"), lock).unwrap();
        let packages = [String::new()];
        let folders = Folders { packages: &packages, ..NOWHERE };
        let detour = Detour::lay(&tree(&dir), Kind::Yarn, Some("yarn.lock"), folders, &Leads::new("http://127.0.0.1:4873/")).unwrap();
        let now = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
        let manifest_now: serde_json::Value = serde_json::from_str(&now("package.json")).unwrap();
        let led = manifest_now["dependencies"]["a"].as_str().unwrap();
        assert!(led.starts_with("http://127.0.0.1:4873/-/git/") && led.ends_with("/a.tgz"), "{led}");
        assert!(now("yarn.lock").contains(&format!("\n\"a@{led}\":\n")));
        assert!(!now("yarn.lock").contains("codeload"));
        detour.take_back(&tree(&dir)).unwrap();
        assert_eq!((now("package.json").as_str(), now("yarn.lock").as_str()), (manifest, lock));
    }

    #[test]
    fn beside_another_lockfile_than_npms_git_dependencies_are_led_here_when_that_is_to_be_mended() {
        let dir = tempfile::tempdir().unwrap();
        let (manifest, lock) = (r#"{"dependencies":{"a":"o/a"}}"#, "lockfileVersion: '9.0'\n");
        fs::write(dir.path().join("package.json"), manifest).unwrap();
        fs::write(dir.path().join("pnpm-lock.yaml"), lock).unwrap();
        let packages = [String::new()];
        let folders = Folders { packages: &packages, ..NOWHERE };
        let mut detour = Detour::lay(&tree(&dir), Kind::Pnpm, Some("pnpm-lock.yaml"), folders, &leads()).unwrap();
        let now = || fs::read_to_string(dir.path().join("package.json")).unwrap();
        assert_eq!(now(), manifest);
        detour.lead_git_dependencies(&tree(&dir), folders, None, &leads()).unwrap();
        assert!(now().contains("http://127.0.0.1:4873/-/git/") && now().contains("/a.tgz"));
        detour.take_back(&tree(&dir)).unwrap();
        assert_eq!(now(), manifest);
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
        let detour = Detour::lay(&tree(&dir), Kind::Yarn, Some("yarn.lock"), NOWHERE, &Leads::new("http://127.0.0.1:4873/")).unwrap();
        fs::remove_file(&lock).unwrap();
        std::os::unix::fs::symlink(outside.path(), &lock).unwrap();
        detour.take_back(&tree(&dir)).unwrap();
        assert_eq!(fs::read_to_string(outside.path()).unwrap(), "mine");
        assert!(!fs::symlink_metadata(&lock).unwrap().is_symlink());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_above_a_changed_file_leads_nowhere() {
        let (dir, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let manifest = r#"{"dependencies":{"a":"o/a"}}"#;
        fs::create_dir(dir.path().join("p")).unwrap();
        fs::write(dir.path().join("p/package.json"), manifest).unwrap();
        fs::write(outside.path().join("package.json"), "mine").unwrap();
        let packages = ["p".to_owned()];
        let folders = Folders { packages: &packages, ..NOWHERE };
        let detour = Detour::lay(&tree(&dir), Kind::Npm, None, folders, &Leads::new("http://127.0.0.1:4873/")).unwrap();
        assert_eq!(detour.changed.len(), 1);
        fs::remove_dir_all(dir.path().join("p")).unwrap();
        std::os::unix::fs::symlink(outside.path(), dir.path().join("p")).unwrap();
        detour.take_back(&tree(&dir)).unwrap();
        assert_eq!(fs::read_to_string(outside.path().join("package.json")).unwrap(), "mine");
    }

    #[cfg(unix)]
    #[test]
    fn what_the_installation_removed_with_its_folder_is_no_error_and_modes_stay() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        for folder in ["gone", "there"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
            let file = dir.path().join(folder).join("package.json");
            fs::write(&file, r#"{"dependencies":{"a":"o/a"}}"#).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let packages = ["gone".to_owned(), "there".to_owned()];
        let folders = Folders { packages: &packages, ..NOWHERE };
        let detour = Detour::lay(&tree(&dir), Kind::Npm, None, folders, &Leads::new("http://127.0.0.1:4873/")).unwrap();
        fs::remove_dir_all(dir.path().join("gone")).unwrap();
        detour.take_back(&tree(&dir)).unwrap();
        let back = fs::symlink_metadata(dir.path().join("there/package.json")).unwrap();
        assert_eq!(back.permissions().mode() & 0o777, 0o755);
    }
}
