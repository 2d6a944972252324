//! A package's folder of a commit, as a checkout on the publisher's machine would show it to a packer: without one.
//!
//! Contents are read from git's objects; where the published archive has a file with the same git blob id, its bytes are
//! taken from there, which saves fetching them. The ids are computed with collision detection, so the same id is the same
//! bytes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use gix::ObjectId;
use gix::objs::tree::EntryKind;

use super::submodules::{self, Open, Submodule};
use crate::compare::{Archive, Entry};
use crate::git::attributes::{Attributes, Checkout};
use crate::git::{GitError, Listing, ListingEntry, Repository};
use crate::origin::score::join;
use crate::pack::tree::{Node, NodeKind, Tree};

/// The folder of one commit, ready to be listed and packed.
pub struct Folder<'a> {
    directory: String,
    entries: BTreeMap<String, ListingEntry>,
    children: HashMap<String, BTreeMap<String, NodeKind>>,
    attributes: Attributes,
    published: HashMap<ObjectId, &'a Entry>,
    archive: &'a Archive,
    contents: HashMap<ObjectId, Vec<u8>>,
    submodules: Vec<Submodule>,
}

impl<'a> Folder<'a> {
    /// Collects the folder's entries and reads the attribute files that count for them. `open_submodule` is asked only
    /// for submodules that the published package has files of.
    pub fn open(
        repository: &mut Repository,
        listing: &Listing,
        directory: &str,
        archive: &'a Archive,
        open_submodule: &Open<'_>,
    ) -> Result<Self, GitError> {
        let prefix = if directory.is_empty() { 0 } else { directory.len() + 1 };
        let mut entries: BTreeMap<String, ListingEntry> =
            listing.below(directory).filter_map(|entry| Some((entry.path.get(prefix..)?.to_owned(), entry.clone()))).collect();
        let submodules = published_submodules(repository, listing, directory, &entries, archive, open_submodule)?;
        for submodule in &submodules {
            entries.remove(&submodule.path);
            for entry in &submodule.listing.entries {
                entries.insert(join(&submodule.path, &entry.path), entry.clone());
            }
        }
        let mut children: HashMap<String, BTreeMap<String, NodeKind>> = HashMap::new();
        for (path, entry) in &entries {
            let kind = match entry.kind {
                EntryKind::Blob => NodeKind::File { executable: false },
                EntryKind::BlobExecutable => NodeKind::File { executable: true },
                EntryKind::Link => NodeKind::Symlink,
                EntryKind::Commit => NodeKind::Submodule,
                EntryKind::Tree => NodeKind::Dir,
            };
            insert(&mut children, path, kind);
        }
        // A file whose id could not be computed safely has the null id: its bytes stand for nothing in the repository.
        let published = archive
            .entries()
            .iter()
            .map(|entry| (ObjectId::from_bytes_or_panic(&entry.blob_id), entry))
            .filter(|(id, entry)| !id.is_null() && entry.kind == crate::compare::EntryKind::File)
            .collect();
        let mut folder = Self {
            directory: directory.to_owned(),
            entries,
            children,
            attributes: Attributes::new([]),
            published,
            archive,
            contents: HashMap::new(),
            submodules,
        };
        folder.read_attributes(repository, listing)?;
        Ok(folder)
    }

    /// `.gitattributes` of this folder, of those above it and of those below it.
    fn read_attributes(&mut self, repository: &mut Repository, listing: &Listing) -> Result<(), GitError> {
        let above = |dir: &str| dir.is_empty() || self.directory == dir || self.directory.starts_with(&format!("{dir}/"));
        let inside = |dir: &str| self.directory.is_empty() || dir.starts_with(&format!("{}/", self.directory));
        let files: Vec<(String, ObjectId)> = listing
            .entries
            .iter()
            .filter_map(|entry| {
                let dir = entry.path.strip_suffix(".gitattributes")?;
                let dir = if dir.is_empty() { dir } else { dir.strip_suffix('/')? };
                (above(dir) || inside(dir)).then(|| (dir.to_owned(), entry.id))
            })
            .collect();
        repository.ensure_blobs(files.iter().map(|(_, id)| *id))?;
        let mut texts = Vec::new();
        for (dir, id) in files {
            texts.push((dir, repository.blob(&id)?));
        }
        self.attributes = Attributes::new(texts.iter().map(|(dir, text)| (dir.as_str(), text.as_slice())));
        Ok(())
    }

    /// Makes sure that the contents at these paths can be read, with one request for those that are nowhere here.
    pub fn ensure<'p>(&mut self, repository: &mut Repository, paths: impl IntoIterator<Item = &'p str>) -> Result<(), GitError> {
        let wanted: BTreeSet<ObjectId> = paths
            .into_iter()
            .filter_map(|path| self.entries.get(path))
            .filter(|entry| matches!(entry.kind, EntryKind::Blob | EntryKind::BlobExecutable | EntryKind::Link))
            .map(|entry| entry.id)
            .filter(|id| !self.published.contains_key(id) && !self.contents.contains_key(id))
            .collect();
        let mut left = wanted;
        for submodule in &mut self.submodules {
            let here: Vec<ObjectId> = submodule.listing.entries.iter().map(|entry| entry.id).filter(|id| left.contains(id)).collect();
            submodule.repository.ensure_blobs(here.iter().copied())?;
            for id in here {
                left.remove(&id);
                self.contents.insert(id, submodule.repository.blob(&id)?);
            }
        }
        repository.ensure_blobs(left.iter().copied())?;
        for id in left {
            self.contents.insert(id, repository.blob(&id)?);
        }
        Ok(())
    }

    /// What a checkout writes at `path`; `None` for what is no file, or was not ensured.
    pub fn content(&self, path: &str, checkout: Checkout) -> Option<Vec<u8>> {
        let entry = self.entries.get(path)?;
        if !matches!(entry.kind, EntryKind::Blob | EntryKind::BlobExecutable | EntryKind::Link) {
            return None;
        }
        let blob = self.blob(&entry.id)?;
        if entry.kind == EntryKind::Link {
            return Some(blob);
        }
        Some(self.attributes.checked_out(&join(&self.directory, path), blob, &entry.id.to_string(), checkout))
    }

    fn blob(&self, id: &ObjectId) -> Option<Vec<u8>> {
        match self.contents.get(id) {
            Some(bytes) => Some(bytes.clone()),
            None => self.archive.content(self.published.get(id)?).ok(),
        }
    }

    /// Whether a checkout's bytes could differ from the blob's for any file here.
    pub fn converts(&self, checkout: Checkout) -> bool {
        self.entries.keys().any(|path| self.attributes.converts(&join(&self.directory, path), checkout))
    }

    /// The kind of the entry at `path`.
    pub fn kind(&self, path: &str) -> Option<EntryKind> {
        self.entries.get(path).map(|entry| entry.kind)
    }

    /// The folder as one platform checks it out.
    pub fn view(&self, checkout: Checkout) -> View<'_, 'a> {
        View { folder: self, checkout }
    }
}

/// The submodules in the folder below which the package has published files, fetched.
fn published_submodules(
    repository: &mut Repository,
    listing: &Listing,
    directory: &str,
    entries: &BTreeMap<String, ListingEntry>,
    archive: &Archive,
    open: &Open<'_>,
) -> Result<Vec<Submodule>, GitError> {
    let pinned: Vec<(&str, ObjectId)> = entries
        .iter()
        .filter(|(path, entry)| entry.kind == EntryKind::Commit && has_files_below(archive, path))
        .map(|(path, entry)| (path.as_str(), entry.id))
        .collect();
    if pinned.is_empty() {
        return Ok(Vec::new());
    }
    let Some(gitmodules) = listing.get(".gitmodules").map(|entry| entry.id) else { return Ok(Vec::new()) };
    let addresses = submodules::addresses(&repository.blob(&gitmodules)?);
    let mut found = Vec::new();
    for (path, commit) in pinned {
        let in_tree = join(directory, path);
        let url = addresses.iter().find(|(known, _)| *known == in_tree).and_then(|(_, url)| submodules::resolve(url, repository.url()));
        if let Some(url) = url {
            found.push(submodules::fetch(path, &url, commit, open)?);
        }
    }
    Ok(found)
}

fn has_files_below(archive: &Archive, folder: &str) -> bool {
    let prefix = format!("{folder}/");
    let at = archive.entries().partition_point(|entry| entry.path.as_str() < prefix.as_str());
    archive.entries().get(at).is_some_and(|entry| entry.path.starts_with(&prefix))
}

/// Adds a path and the folders above it to the listing of children.
fn insert(children: &mut HashMap<String, BTreeMap<String, NodeKind>>, path: &str, kind: NodeKind) {
    let (mut dir, mut name) = path.rsplit_once('/').unwrap_or(("", path));
    let mut kind = kind;
    loop {
        let known = children.entry(dir.to_owned()).or_default().insert(name.to_owned(), kind).is_some();
        if dir.is_empty() || known {
            return;
        }
        (dir, name) = dir.rsplit_once('/').unwrap_or(("", dir));
        kind = NodeKind::Dir;
    }
}

/// A folder under one platform's checkout rules.
pub struct View<'f, 'a> {
    folder: &'f Folder<'a>,
    checkout: Checkout,
}

impl Tree for View<'_, '_> {
    fn list(&self, dir: &str) -> Vec<Node> {
        let children = self.folder.children.get(dir).into_iter().flatten();
        children.map(|(name, kind)| Node { name: name.clone(), kind: *kind }).collect()
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        matches!(self.folder.kind(path)?, EntryKind::Blob | EntryKind::BlobExecutable)
            .then(|| self.folder.content(path, self.checkout))
            .flatten()
    }
}
