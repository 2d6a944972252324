//! What lies around a package in its repository, read from git's objects without a checkout.

use std::collections::BTreeMap;

use gix::objs::tree::EntryKind;

use git::{Listing, ListingEntry, Repository};
use npm_pack::rewrite::Workspace;
use npm_pack::tree::{LARGEST_READ, Node, NodeKind, Tree, Unlisted};
use origin::Origin;

use super::checkout::size_in;
use super::error::SourceError;

/// More bytes than this are not read of all package.json files of a repository together.
const MAX_READ: u64 = 64 << 20;

/// What counts for how clients rewrite the package's package.json: two requests at most, the second
/// only where it refers to other packages of its repository.
pub fn workspace_of(repository: &mut Repository, origin: &Origin, version: &str, manifest: &[u8]) -> Result<Workspace, SourceError> {
    let mut workspace = Workspace::new(version, &origin.commit.to_string(), origin.directory());
    let folders = Folders::of(&origin.listing);
    let files = workspace.root_files(&Root { folders: &folders, listing: &origin.listing, repository });
    ensure(repository, &origin.listing, &files)?;
    let members = workspace.read_root(&Root { folders: &folders, listing: &origin.listing, repository });
    if Workspace::concerns(manifest) {
        ensure(repository, &origin.listing, &members)?;
        workspace.read_members(&Root { folders: &folders, listing: &origin.listing, repository }, &members);
    }
    Ok(workspace)
}

/// Fetches these files, and refuses them where they are too large together.
fn ensure(repository: &mut Repository, listing: &Listing, paths: &[String]) -> Result<(), SourceError> {
    let entries: Vec<_> = paths.iter().filter_map(|path| listing.get(path)).collect();
    repository.ensure_blobs(entries.iter().map(|entry| entry.id))?;
    let mut left = MAX_READ;
    for entry in entries {
        let too_large = || SourceError::TooLarge { what: entry.path.clone(), limit: LARGEST_READ };
        let size = size_in(repository, &entry.id)?;
        left = left.checked_sub(size).filter(|_| size <= LARGEST_READ).ok_or_else(too_large)?;
    }
    Ok(())
}

/// The names in each folder of a tree.
struct Folders<'l>(BTreeMap<&'l str, BTreeMap<&'l str, NodeKind>>);

impl<'l> Folders<'l> {
    fn of(listing: &'l Listing) -> Self {
        let mut folders: BTreeMap<&str, BTreeMap<&str, NodeKind>> = BTreeMap::new();
        for entry in &listing.entries {
            let mut kind = match entry.kind {
                EntryKind::Blob => NodeKind::File { executable: false },
                EntryKind::BlobExecutable => NodeKind::File { executable: true },
                EntryKind::Link => NodeKind::Symlink,
                EntryKind::Commit => NodeKind::Submodule,
                EntryKind::Tree => NodeKind::Dir,
            };
            let mut path = entry.path.as_str();
            loop {
                let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
                let known = folders.entry(dir).or_default().insert(name, kind).is_some();
                if dir.is_empty() || known {
                    break;
                }
                (path, kind) = (dir, NodeKind::Dir);
            }
        }
        Self(folders)
    }
}

/// The repository from its root on; only files that were fetched can be read.
struct Root<'r> {
    folders: &'r Folders<'r>,
    listing: &'r Listing,
    repository: &'r Repository,
}

impl Root<'_> {
    /// What was fetched of a file or link; `None` for one that is larger than any that is read.
    fn blob(&self, entry: &ListingEntry) -> Option<Vec<u8>> {
        let store = self.repository.store();
        store.size(&entry.id).filter(|size| *size <= LARGEST_READ)?;
        store.blob(&entry.id).ok().flatten()
    }
}

impl Tree for Root<'_> {
    fn list(&self, dir: &str) -> Result<Vec<Node>, Unlisted> {
        let nodes = self.folders.0.get(dir).into_iter().flatten();
        Ok(nodes.map(|(name, kind)| Node { name: (*name).to_owned(), kind: *kind }).collect())
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        let entry = self.listing.get(path)?;
        let is_file = matches!(entry.kind, EntryKind::Blob | EntryKind::BlobExecutable);
        // An object that cannot be read was not fetched, and is not asked for; a damaged one ends
        // the run when it is packed.
        is_file.then(|| self.blob(entry))?
    }

    fn link(&self, path: &str) -> Option<String> {
        let entry = self.listing.get(path).filter(|entry| entry.kind == EntryKind::Link)?;
        let target = self.blob(entry)?;
        Some(String::from_utf8_lossy(&target).into_owned())
    }
}
