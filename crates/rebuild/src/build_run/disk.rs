//! A package's folder on a disk, after a build: it can be packed like one among git's objects.
//!
//! What a stranger's build left behind is hostile: links are never followed, nothing outside of the
//! folder is read, and devices and pipes are no files.

use std::io::{self, Read};

use git::Repository;
use git::lfs::{self, Pointer};
use npm_pack::disk_tree::mode_of;
use npm_pack::list::{self, Above, Context};
use npm_pack::rewrite::Workspace;
use npm_pack::tar::{Content, Kind, Member};
use npm_pack::tree::{DirTree, Node, NodeKind, Tree, Unlisted};
use npm_spec::path::join;
use npm_tarball::Limits;
use recipe::Checkout;

use crate::SourceError;
use crate::checkout::{Folder, package_too_large};
use crate::committed::PACKAGE_JSON;
use crate::manifest_change::is_same_but_version;
use crate::overlay::LARGEST_EDITED;
use crate::packing::{Shelves, Stock};
use crate::view::ByPointer;

/// A folder of a checkout.
pub struct DiskStock<'a> {
    tree: DirTree,
    checkout: DirTree,
    directory: &'a str,
    commit: &'a str,
    source: Option<Source<'a>>,
}

/// The commit that was checked out, and which of its files are packed as it has them.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// All of the commit's files.
    pub(super) folder: &'a Folder<'a>,
    /// Where their contents are.
    pub(super) repository: &'a Repository,
    /// Whether the folder is worth packing as from a Windows checkout too: files that the build
    /// left as the commit has them get that platform's line endings, and what the build made stays.
    pub(super) windows: bool,
    /// The file system without modes that the published ones are of.
    pub(super) mount: Option<Checkout>,
    /// See `BuildRecipe::restored`.
    pub(super) restored: &'a [String],
}

impl Source<'_> {
    /// A file of the folder at `directory` as the commit has it on one platform; none for what is
    /// no file of it.
    pub(super) fn content(&self, directory: &str, path: &str, checkout: Checkout) -> Result<Option<Vec<u8>>, SourceError> {
        self.folder.view(self.repository, checkout).content(&join(directory, path))
    }
}

impl<'a> DiskStock<'a> {
    /// The folder at `directory` of a checkout of `commit`; an error where it is not there, or is a
    /// link. Without a `source` it is packed as it is.
    pub fn open(checkout: &DirTree, directory: &'a str, commit: &'a str, source: Option<Source<'a>>) -> io::Result<Self> {
        Ok(Self { tree: checkout.below(directory)?, checkout: checkout.clone(), directory, commit, source })
    }
}

impl Stock for DiskStock<'_> {
    fn checkouts(&self) -> Vec<Checkout> {
        let windows = self.source.filter(|source| source.windows).map(|_| Checkout::Windows);
        let mount = self.source.and_then(|source| source.mount);
        std::iter::once(Checkout::Posix).chain(windows).chain(mount).collect()
    }

    fn needs(&self, _: Checkout) -> Vec<String> {
        Vec::new()
    }

    fn ensure(&mut self, paths: &[&str], largest: u64) -> Result<(), SourceError> {
        let mut left = Limits::default().unpacked;
        for path in paths {
            let size = self.tree.metadata(path).map_or(0, |data| data.len());
            if size > largest {
                return Err(SourceError::TooLarge { what: (*path).to_owned(), limit: largest });
            }
            left = left.checked_sub(size).ok_or_else(package_too_large)?;
        }
        Ok(())
    }

    fn shelves(&self, checkout: Checkout) -> Box<dyn Shelves + '_> {
        Box::new(DiskShelves { tree: &self.tree, directory: self.directory, source: self.source, checkout })
    }

    fn workspace(&mut self, version: &str, manifest: &[u8]) -> Result<Option<Workspace>, SourceError> {
        let mut workspace = Workspace::new(version, self.commit, self.directory);
        let root = Root { checkout: &self.checkout, source: self.source, directory: self.directory, version };
        let members = workspace.read_root(&root);
        if Workspace::concerns(manifest) {
            workspace.read_members(&root, &members);
        }
        Ok(Some(workspace))
    }
}

/// The root of a checkout, as the commit has it: what a build wrote there would be in the package,
/// and in no file that is compared with the commit. Clients and tools write ranges and fields of a
/// package's package.json by catalogs, settings, workflows and the package.json of the root, and
/// one that only the build made is none. A licence that it made is a file of the package like
/// others.
struct Root<'a> {
    checkout: &'a DirTree,
    source: Option<Source<'a>>,
    /// The package's own folder.
    directory: &'a str,
    /// The published version.
    version: &'a str,
}

impl Root<'_> {
    /// A file as the commit has it.
    fn committed(&self, path: &str) -> Option<Vec<u8>> {
        self.source?.content("", path, Checkout::Posix).ok().flatten()
    }

    /// Whether what the build left at a path counts, where the commit has nothing there.
    fn is_read_of_disk(&self, path: &str) -> bool {
        self.source.is_none() || Workspace::is_text(path)
    }

    /// The package.json of another package of the repository: the commit's, with the published
    /// version where it was raised to that before the build. One that only the build made is none.
    fn member(&self, source: Source<'_>, path: &str) -> Option<Vec<u8>> {
        let committed = source.content("", path, Checkout::Posix).ok().flatten()?;
        let is_raised = |left: &Vec<u8>| {
            let manifest: serde_json::Value = npm_spec::manifest::read(left).unwrap_or_default();
            manifest.get("version").and_then(serde_json::Value::as_str) == Some(self.version) && is_same_but_version(&committed, left)
        };
        Some(self.checkout.read(path).filter(is_raised).unwrap_or(committed))
    }
}

impl Tree for Root<'_> {
    fn list(&self, dir: &str) -> Result<Vec<Node>, Unlisted> {
        let mut nodes = self.checkout.list(dir)?;
        // Their being there counts, too: with a pnpm-workspace.yaml pnpm adds licences.
        let is_folder = |node: &Node| !matches!(node.kind, NodeKind::File { .. });
        let is_committed = |name: &str| self.source.is_some_and(|source| source.folder.file(name).is_some());
        nodes.retain(|node| !dir.is_empty() || is_folder(node) || self.is_read_of_disk(&node.name) || is_committed(&node.name));
        Ok(nodes)
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        let Some(source) = self.source else { return self.checkout.read(path) };
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if name == PACKAGE_JSON && !folder.is_empty() {
            return self.member(source, path);
        }
        // The package's own README.md is what the build left: it is compared with the commit's.
        let is_readme = folder == self.directory && name.eq_ignore_ascii_case("readme.md");
        let left = || self.checkout.read(path).filter(|_| self.is_read_of_disk(path));
        if is_readme { self.checkout.read(path) } else { self.committed(path).or_else(left) }
    }

    fn link(&self, path: &str) -> Option<String> {
        self.checkout.link(path)
    }
}

struct DiskShelves<'a> {
    tree: &'a DirTree,
    directory: &'a str,
    source: Option<Source<'a>>,
    checkout: Checkout,
}

impl DiskShelves<'_> {
    /// The file as the commit has it where that is another than the one on the disk: put back, or
    /// as a Windows checkout has what the build left alone.
    fn replaced(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let Some(source) = self.source else { return Ok(None) };
        if source.restored.iter().any(|restored| restored == path) {
            return source.content(self.directory, path, self.checkout);
        }
        if self.checkout != Checkout::Windows {
            return Ok(None);
        }
        let Some(original) = source.content(self.directory, path, Checkout::Posix)? else { return Ok(None) };
        if self.tree.read_up_to(path, original.len() as u64).as_ref() != Some(&original) {
            return Ok(None);
        }
        Ok(source.content(self.directory, path, Checkout::Windows)?.filter(|windows| *windows != original))
    }

    /// The published file, where the build left the commit's Git LFS pointer of it as it was.
    fn by_pointer(&self, path: &str) -> Result<Option<ByPointer<'_>>, SourceError> {
        let Some(source) = self.source else { return Ok(None) };
        let Some(left) = self.tree.read_up_to(path, lfs::LARGEST).filter(|left| Pointer::parse(left).is_some()) else { return Ok(None) };
        let view = source.folder.view(source.repository, self.checkout);
        Ok(view.by_pointer(&join(self.directory, path), path)?.filter(|published| published.text == left))
    }
}

impl Tree for DiskShelves<'_> {
    fn list(&self, dir: &str) -> Result<Vec<Node>, Unlisted> {
        self.tree.list(dir)
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        // What cannot be read of the commit is read as it is.
        self.replaced(path).ok().flatten().or_else(|| self.tree.read(path))
    }

    fn link(&self, path: &str) -> Option<String> {
        self.tree.link(path)
    }
}

impl Shelves for DiskShelves<'_> {
    fn member<'s>(&'s self, entry: &'s list::Entry) -> Result<Option<Member<'s>>, SourceError> {
        let Some(data) = self.tree.metadata(&entry.source) else { return Ok(None) };
        let kind = if data.is_symlink() {
            let unreadable = || SourceError::unreadable(&entry.source, io::ErrorKind::NotFound.into());
            Kind::Symlink(self.tree.link(&entry.source).ok_or_else(unreadable)?)
        } else if let Some(published) = data.is_file().then(|| self.by_pointer(&entry.source)).transpose()?.flatten() {
            Kind::File(Box::new(published))
        } else if let Some(replaced) = data.is_file().then(|| self.replaced(&entry.source)).transpose()?.flatten() {
            Kind::File(Box::new(replaced))
        } else if data.is_file() {
            Kind::File(Box::new(DiskFile { tree: self.tree, path: entry.source.clone(), size: data.len() }))
        } else if let Some(folder) = entry.path.strip_suffix('/').filter(|_| data.is_dir()) {
            return Ok(Some(Member { path: folder.to_owned(), mode: mode_of(&data), kind: Kind::Directory, mtime: None }));
        } else {
            return Ok(None);
        };
        // Of Windows the line endings alone are taken over: what the build made has the modes that
        // it gave them.
        let mount = Some(self.checkout).filter(|checkout| checkout.is_without_modes()).and_then(Checkout::mode_of_all);
        let mode = mount.filter(|_| data.is_file()).unwrap_or_else(|| mode_of(&data));
        Ok(Some(Member { path: entry.path.clone(), mode, kind, mtime: None }))
    }

    fn content(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        if let Some(replaced) = self.replaced(path)? {
            return Ok(Some(replaced));
        }
        if self.tree.metadata(path).is_some_and(|data| data.is_file() && data.len() > LARGEST_EDITED) {
            return Err(SourceError::TooLarge { what: path.to_owned(), limit: LARGEST_EDITED });
        }
        Ok(self.tree.read_up_to(path, LARGEST_EDITED))
    }

    fn is_by_pointer(&self, path: &str) -> Result<bool, SourceError> {
        Ok(self.by_pointer(path)?.is_some())
    }
}

/// A file's bytes, read when the archive is written.
struct DiskFile<'a> {
    tree: &'a DirTree,
    path: String,
    size: u64,
}

impl Content for DiskFile<'_> {
    fn size(&self) -> u64 {
        self.size
    }

    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.tree.open(&self.path)?.0))
    }
}

/// The ignore files of the folders above a package's folder, which some clients follow in a
/// workspace.
pub fn surroundings(tree: &DirTree, directory: &str) -> Context {
    if directory.is_empty() {
        return Context::default();
    }
    let mut dirs = vec![""];
    dirs.extend(directory.match_indices('/').filter_map(|(at, _)| directory.get(..at)));
    let text = |dir: &str, name: &str| tree.read(&join(dir, name)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let above = dirs.into_iter().map(|dir| Above { npmignore: text(dir, ".npmignore"), gitignore: text(dir, ".gitignore") });
    Context { above: above.collect(), workspaces: Vec::new() }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;

    use super::*;

    fn entry(path: &str) -> list::Entry {
        list::Entry { source: path.into(), path: path.into() }
    }

    #[test]
    fn links_are_packed_as_links_and_never_followed() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "s").unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.path().join("out")).unwrap();
        fs::write(folder.path().join("a.js"), "1").unwrap();
        let stock = DiskStock::open(&DirTree::new(folder.path()).unwrap(), "", "", None).unwrap();
        let shelves = stock.shelves(Checkout::Posix);
        assert!(shelves.member(&entry("out/secret")).unwrap().is_none());
        let link = entry("out");
        assert!(matches!(shelves.member(&link).unwrap().unwrap().kind, Kind::Symlink(_)));
        let file = entry("a.js");
        let member = shelves.member(&file).unwrap().unwrap();
        assert!(matches!(member.kind, Kind::File(_)) && member.mode & 0o600 == 0o600);
    }

    #[test]
    fn a_pipe_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let made = std::process::Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap();
        assert!(made.success());
        let stock = DiskStock::open(&DirTree::new(folder.path()).unwrap(), "", "", None).unwrap();
        assert!(stock.shelves(Checkout::Posix).member(&entry("pipe")).unwrap().is_none());
    }
}
