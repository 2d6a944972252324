//! The package's folder under one platform's checkout rules, and its files as members of an
//! archive.

use std::io::{self, Read};

use gix::objs::tree::EntryKind;

use explain::data::{Looks, looks};
use git::attributes::TooComplex;
use git::lfs::{self, Pointer};
use git::{GitError, Repository};
use npm_pack::era::DIRECTORY_MODE;
use npm_pack::list;
use npm_pack::tar::{Content, Kind as MemberKind, Member};
use npm_pack::tree::{LARGEST_READ, Node, Tree, Unlisted};
use npm_tarball::{Archive, Entry, Limits};
use recipe::Checkout;

use super::checkout::{File, Folder, Part, platform_of, size_in};
use super::error::SourceError;
use super::packing::Shelves;

/// A folder under one platform's checkout rules.
#[derive(Clone, Copy)]
pub struct View<'f, 'a> {
    folder: &'f Folder<'a>,
    repository: &'f Repository,
    checkout: Checkout,
}

impl<'f, 'a> View<'f, 'a> {
    pub(super) fn new(folder: &'f Folder<'a>, repository: &'f Repository, checkout: Checkout) -> Self {
        Self { folder, repository, checkout }
    }

    /// Where the objects of one part are.
    fn repository_of(&self, part: &Part) -> &'f Repository {
        part.repository.and_then(|at| self.folder.repositories.get(at)).unwrap_or(self.repository)
    }

    fn blob_at(&self, path: &str) -> Option<(File, &'f Part)> {
        let file = self.folder.file(path).filter(File::is_blob)?;
        Some((file, self.folder.parts.get(file.part)?))
    }

    fn published(&self, file: &File) -> Option<&'a Entry> {
        self.folder.published.get(&file.id).copied()
    }

    /// Bytes of what git has at `path`, which was ensured; `None` for what is no file.
    pub(super) fn blob_size(&self, path: &str) -> Result<Option<u64>, GitError> {
        let Some((file, part)) = self.blob_at(path) else { return Ok(None) };
        match self.published(&file) {
            Some(entry) => Ok(Some(entry.size)),
            None => size_in(self.repository_of(part), &file.id).map(Some),
        }
    }

    fn converts(&self, path: &str, file: &File, part: &Part) -> Result<bool, TooComplex> {
        Ok(file.kind != EntryKind::Link && part.attributes.converts(&part.path_in_tree(path), platform_of(self.checkout))?)
    }

    /// The published file that git has a Git LFS pointer of at this path: the same SHA-256 and
    /// size. `None` where git has the file itself, where another was published, and for what could
    /// be run: a hash is no source that anybody could read. Only for packing: a build gets the
    /// pointer, as git has it.
    pub(super) fn by_pointer(&self, path: &str, published_as: &str) -> Result<Option<ByPointer<'a>>, SourceError> {
        let archive = self.folder.archive;
        let Some(entry) = archive.get(published_as).filter(|entry| entry.kind == npm_tarball::EntryKind::File) else { return Ok(None) };
        let Some((file, part)) = self.blob_at(path).filter(|(file, _)| file.kind != EntryKind::Link) else { return Ok(None) };
        // A pointer that was published is what git has.
        if self.published(&file).is_some() || !part.attributes.is_lfs(&part.path_in_tree(path))? || self.has_published_pointer()? {
            return Ok(None);
        }
        let repository = self.repository_of(part);
        if size_in(repository, &file.id)? > lfs::LARGEST {
            return Ok(None);
        }
        let Some(text) = repository.store().blob(&file.id)? else { return Ok(None) };
        let is_same = Pointer::parse(&text).is_some_and(|pointer| pointer.sha256 == entry.sha256 && pointer.size == entry.size);
        let is_data = || looks(published_as, entry.size, &self.folder.manifest, || archive.open(entry)) == Looks::Data;
        Ok((is_same && !self.folder.runs_at_install() && is_data()).then_some(ByPointer { archive, entry, text }))
    }

    /// Whether a pointer was published, as git has it or as a checkout converts it. A checkout has
    /// the files of all pointers, or none: which ones were published would be a bit for each.
    fn has_published_pointer(&self) -> Result<bool, SourceError> {
        if let Some(known) = self.folder.has_published_pointer.get() {
            return Ok(*known);
        }
        let published = self.published_pointers()?;
        let mut found = false;
        for (path, kind) in self.folder.files().filter(|_| !published.is_empty()) {
            let Some((file, part)) = self.blob_at(path).filter(|_| !found && kind != EntryKind::Link) else { continue };
            let repository = self.repository_of(part);
            if !part.attributes.is_lfs(&part.path_in_tree(path))? || size_in(repository, &file.id)? > lfs::LARGEST {
                continue;
            }
            let pointer = repository.store().blob(&file.id)?.and_then(|text| Pointer::parse(&text));
            found = pointer.is_some_and(|one| published.iter().any(|other| (one.sha256, one.size) == (other.sha256, other.size)));
        }
        Ok(*self.folder.has_published_pointer.get_or_init(|| found))
    }

    /// The published files that are pointers, with line feeds and letters as any checkout writes
    /// them.
    fn published_pointers(&self) -> Result<Vec<Pointer>, SourceError> {
        let mut all = Vec::new();
        for entry in self.folder.archive.entries() {
            // A letter of UTF-32 is four bytes.
            if entry.kind == npm_tarball::EntryKind::File && entry.size <= 4 * lfs::LARGEST {
                let mut text = self.folder.archive.content(entry)?;
                text.retain(|byte| !matches!(byte, b'\r' | 0 | 0xef | 0xbb | 0xbf | 0xfe | 0xff));
                all.extend(Pointer::parse(&text));
            }
        }
        Ok(all)
    }

    /// Reads every file, all of which were ensured, that a checkout may have with other text than
    /// the repository shows, so that the folder knows them (`Folder::altered`). A build that goes
    /// on from another package's writes none of them.
    pub fn read_altered(&self) -> Result<(), SourceError> {
        for (path, _) in self.folder.files() {
            if let Some((_, part)) = self.blob_at(path)
                && part.attributes.can_alter(&part.path_in_tree(path))?
            {
                self.content(path)?;
            }
        }
        Ok(())
    }

    /// What a checkout without Git LFS writes at `path`, which was ensured; `None` for what is no
    /// file.
    pub fn content(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let Some((file, part)) = self.blob_at(path) else { return Ok(None) };
        let blob = if let Some(entry) = self.published(&file) {
            self.folder.archive.content(entry)?
        } else {
            let repository = self.repository_of(part);
            let missing = || GitError::ObjectMissing { url: repository.url().to_owned(), id: file.id.to_string() };
            repository.store().blob(&file.id)?.ok_or_else(missing)?
        };
        if file.kind == EntryKind::Link {
            return Ok(Some(blob));
        }
        Ok(Some(part.attributes.checked_out(&part.path_in_tree(path), blob, &file.id.to_string(), platform_of(self.checkout))?))
    }

    /// The same, where git has `most` bytes at the most; `None` for a larger file, which is not
    /// read.
    pub(super) fn content_up_to(&self, path: &str, most: u64) -> Result<Option<Vec<u8>>, SourceError> {
        if self.blob_size(path)?.is_some_and(|size| size > most) { Ok(None) } else { self.content(path) }
    }

    /// Bytes of what such a checkout writes at `path`.
    fn size(&self, path: &str) -> Result<Option<u64>, SourceError> {
        match self.blob_at(path) {
            Some((file, part)) if self.converts(path, &file, part)? => Ok(self.content(path)?.map(|content| content.len() as u64)),
            _ => Ok(self.blob_size(path)?),
        }
    }

    /// One entry of the list with its content and mode as the checkout has them; `None` where its
    /// submodule was lost.
    fn member_of<'s>(self, entry: &'s list::Entry) -> Result<Option<Member<'s>>, SourceError>
    where
        'f: 's,
    {
        let Some((file, _)) = self.blob_at(&entry.source) else { return Ok(None) };
        let Some(size) = self.size(&entry.source)? else { return Ok(None) };
        let own = if file.kind == EntryKind::BlobExecutable { 0o755 } else { 0o644 };
        let mode = self.checkout.mode_of_all().unwrap_or(own);
        let kind = match file.kind {
            EntryKind::Link => {
                let limit = Limits::default().path as u64;
                if size > limit {
                    return Err(SourceError::TooLarge { what: format!("the target of the link {}", entry.source), limit });
                }
                let target = self.content(&entry.source)?.unwrap_or_default();
                MemberKind::Symlink(String::from_utf8_lossy(&target).into_owned())
            }
            _ => match self.by_pointer(&entry.source, &entry.source)? {
                Some(published) => MemberKind::File(Box::new(published)),
                None => MemberKind::File(Box::new(FileContent { view: self, path: &entry.source, size })),
            },
        };
        Ok(Some(Member { path: entry.path.clone(), mode, kind, mtime: None }))
    }
}

impl Shelves for View<'_, '_> {
    fn member<'s>(&'s self, entry: &'s list::Entry) -> Result<Option<Member<'s>>, SourceError> {
        if let Some(folder) = entry.path.strip_suffix('/') {
            return Ok(Some(Member { path: folder.to_owned(), mode: DIRECTORY_MODE, kind: MemberKind::Directory, mtime: None }));
        }
        self.member_of(entry)
    }

    fn content(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        View::content(self, path)
    }

    fn is_by_pointer(&self, path: &str) -> Result<bool, SourceError> {
        Ok(self.by_pointer(path, path)?.is_some())
    }
}

impl Tree for View<'_, '_> {
    fn list(&self, dir: &str) -> Result<Vec<Node>, Unlisted> {
        let children = self.folder.children.get(dir).into_iter().flatten();
        Ok(children.map(|(name, kind)| Node { name: name.clone(), kind: *kind }).collect())
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        let kind = self.folder.file(path)?.kind;
        matches!(kind, EntryKind::Blob | EntryKind::BlobExecutable).then(|| self.content_up_to(path, LARGEST_READ).ok().flatten()).flatten()
    }

    fn link(&self, path: &str) -> Option<String> {
        let is_link = self.folder.file(path)?.kind == EntryKind::Link;
        let target = is_link.then(|| self.content(path).ok().flatten()).flatten()?;
        Some(String::from_utf8_lossy(&target).into_owned())
    }
}

/// A published file that a pointer in git is of.
pub(super) struct ByPointer<'a> {
    archive: &'a Archive,
    entry: &'a Entry,
    /// The pointer.
    pub(super) text: Vec<u8>,
}

impl Content for ByPointer<'_> {
    fn size(&self) -> u64 {
        self.entry.size
    }

    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.archive.open(self.entry)))
    }
}

/// A file's bytes, read when the archive is written, so that not all of a package is in memory at
/// once.
struct FileContent<'f, 'a> {
    view: View<'f, 'a>,
    path: &'f str,
    size: u64,
}

impl Content for FileContent<'_, '_> {
    fn size(&self) -> u64 {
        self.size
    }

    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        let (file, part) = self.view.blob_at(self.path).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        if let Some(entry) = self.view.published(&file)
            && !self.view.converts(self.path, &file, part).map_err(io::Error::other)?
        {
            return Ok(Box::new(self.view.folder.archive.open(entry)));
        }
        match self.view.content(self.path) {
            Ok(content) => Ok(Box::new(io::Cursor::new(content.unwrap_or_default()))),
            Err(error) => Err(io::Error::other(error)),
        }
    }
}
