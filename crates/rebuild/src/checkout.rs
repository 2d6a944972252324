//! A package's folder of a commit, as a checkout on the publisher's machine would show it to a
//! packer: without one.
//!
//! Contents stay where they are until they are asked for: in git's objects, or, where the published
//! archive has a file with the same git blob id, in that archive, which saves fetching them (but
//! see `Folder::confirm`). The ids are computed with collision detection, so the same id is the
//! same bytes. A submodule's files follow the attributes of its own tree, as git has it.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use gix::ObjectId;
use gix::objs::tree::EntryKind;
use sha2::{Digest as _, Sha256};

use git::attributes::{Attributes, Platform, TooComplex};
use git::{GitError, Listing, Repository};
use npm_pack::tree::{LARGEST_READ, NodeKind};
use npm_spec::path::join;
use npm_tarball::{Archive, Entry, Limits};
use recipe::{Checkout, SubmoduleInfo};

use super::error::SourceError;
use super::published::manifest_of;
use super::submodules::{self, Open, Pinned, Submodules};
use super::view::View;
use attribute_files::attributes;

mod attribute_files;
mod contents;

/// Which submodules are part of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'w> {
    /// All, where the published package has files of any; else none. Those that it has files of
    /// are its publisher's choice, and a script could read a program from that.
    Published,
    /// Those at these paths in the folder: a recipe names them.
    These(&'w [String]),
    /// All: a build may read any of them.
    All,
}

/// The folder of one commit, ready to be listed and packed.
pub struct Folder<'a> {
    entries: BTreeMap<String, File>,
    pub(super) children: HashMap<String, BTreeMap<String, NodeKind>>,
    pub(super) published: HashMap<ObjectId, &'a Entry>,
    pub(super) archive: &'a Archive,
    /// The published package.json.
    pub(super) manifest: serde_json::Value,
    runs_at_install: OnceCell<bool>,
    /// Whether a Git LFS pointer was published.
    pub(super) has_published_pointer: OnceCell<bool>,
    /// The package's own tree, then its submodules.
    pub(super) parts: Vec<Part>,
    pub(super) repositories: Vec<Repository>,
    unavailable: Vec<String>,
    /// Most submodules that may be empty where others are here.
    most_left_out: usize,
}

/// One entry of the folder.
#[derive(Debug, Clone, Copy)]
pub(super) struct File {
    pub(super) kind: EntryKind,
    pub(super) id: ObjectId,
    /// Which tree it is of: an index of [`Folder::parts`].
    pub(super) part: usize,
}

impl File {
    /// Whether it has bytes: a file or a link.
    pub(super) fn is_blob(&self) -> bool {
        matches!(self.kind, EntryKind::Blob | EntryKind::BlobExecutable | EntryKind::Link)
    }

    /// Whether it is a submodule of the package's own tree, and empty.
    fn is_submodule(&self) -> bool {
        self.kind == EntryKind::Commit && self.part == 0
    }
}

/// One tree that the folder's files are of.
pub(super) struct Part {
    /// Its place, relative to the package's folder; for the package's own tree, the package's place
    /// in it.
    pub(super) at: At,
    pub(super) attributes: Attributes,
    /// An index of [`Folder::repositories`]; none: the package's own.
    pub(super) repository: Option<usize>,
}

/// How a path of the folder and one of a tree are related.
pub(super) enum At {
    /// The folder is this one of the tree.
    Inside(String),
    /// The tree stands in this folder, pinned at a commit.
    Below(Pinned),
}

impl Part {
    /// A path of the folder as its own tree has it.
    pub(super) fn path_in_tree(&self, path: &str) -> String {
        match &self.at {
            At::Inside(directory) => join(directory, path),
            At::Below(pinned) => path.strip_prefix(&pinned.path).and_then(|rest| rest.strip_prefix('/')).unwrap_or(path).to_owned(),
        }
    }
}

/// A submodule, and whether it has some blobs.
pub(super) struct HasBlobs {
    /// Its folder, relative to the package's.
    pub(super) path: String,
    /// The commit.
    pub(super) commit: ObjectId,
    /// An index of [`Folder::repositories`].
    pub(super) repository: usize,
    pub(super) has: bool,
}

impl<'a> Folder<'a> {
    /// Collects the folder's entries and reads the attribute files that count for them.
    /// `open_submodule` is asked for the submodules that `which` names.
    pub fn open(
        repository: &mut Repository,
        (listing, directory): (&Listing, &str),
        archive: &'a Archive,
        which: Which<'_>,
        open_submodule: &Open<'_>,
    ) -> Result<Self, SourceError> {
        let prefix = if directory.is_empty() { 0 } else { directory.len() + 1 };
        let mut entries: BTreeMap<String, File> = listing
            .below(directory)
            .filter_map(|entry| Some((entry.path.get(prefix..)?.to_owned(), File { kind: entry.kind, id: entry.id, part: 0 })))
            .collect();
        let own = Part { at: At::Inside(directory.to_owned()), attributes: attributes(repository, listing, directory)?, repository: None };
        let is_wanted = wanted(which, archive, &entries);
        let most_left_out = most_left_out(which, &entries);
        let Submodules { found, mut repositories, mut unavailable } =
            fetch_submodules(repository, (listing, directory), &entries, &is_wanted, open_submodule)?;
        let mut parts = vec![own];
        let is_needed = |path: &str| match which {
            Which::All => false,
            Which::These(_) => is_wanted(path),
            Which::Published => has_files_below(archive, path),
        };
        for submodule in found {
            let Some(there) = repositories.get_mut(submodule.repository) else { continue };
            let attributes = match attributes(there, &submodule.listing, "") {
                Err(SourceError::Git(error)) if !submodules::ends_the_run(&error) => {
                    unavailable.push(submodules::left_out(&submodule.pinned.in_tree, error));
                    continue;
                }
                read => read?,
            };
            entries.remove(&submodule.pinned.path);
            unavailable.extend(submodules::nested(&submodule, &is_needed));
            for entry in &submodule.listing.entries {
                let file = File { kind: entry.kind, id: entry.id, part: parts.len() };
                entries.insert(join(&submodule.pinned.path, &entry.path), file);
            }
            parts.push(Part { at: At::Below(submodule.pinned), attributes, repository: Some(submodule.repository) });
        }
        let published = by_id(archive);
        let children = children_of(&entries);
        let mut folder = Self {
            entries,
            children,
            published,
            archive,
            manifest: manifest_of(archive),
            runs_at_install: OnceCell::new(),
            has_published_pointer: OnceCell::new(),
            parts,
            repositories,
            unavailable,
            most_left_out,
        };
        folder.leave_out_all_or_few();
        Ok(folder)
    }

    /// All entries: path and kind.
    pub fn files(&self) -> impl Iterator<Item = (&str, EntryKind)> {
        self.entries.iter().map(|(path, file)| (path.as_str(), file.kind))
    }

    /// A digest of all files and folders as they are checked out: paths, kinds and ids.
    pub fn digest(&self) -> String {
        let mut digest = Sha256::new();
        for (path, file) in &self.entries {
            digest.update(format!("{:?} {} {path}\0", file.kind, file.id));
        }
        hex::encode(digest.finalize())
    }

    /// Makes these submodules empty folders again; returns their paths in the parent's tree.
    fn empty(&mut self, which: &dyn Fn(&Part, &Pinned) -> bool) -> Vec<String> {
        let mut emptied = Vec::new();
        for (index, part) in self.parts.iter().enumerate() {
            let At::Below(pinned) = &part.at else { continue };
            if !self.entries.contains_key(&pinned.path) && which(part, pinned) {
                self.entries.retain(|_, file| file.part != index);
                self.entries.insert(pinned.path.clone(), File { kind: EntryKind::Commit, id: pinned.commit, part: 0 });
                emptied.push(pinned.in_tree.clone());
            }
        }
        self.children = children_of(&self.entries);
        emptied
    }

    /// Makes the submodules of a repository that fails empty folders again.
    fn leave_out(&mut self, repository: usize, why: &GitError) {
        let emptied = self.empty(&|part, _| part.repository == Some(repository));
        self.unavailable.extend(emptied.iter().map(|in_tree| submodules::left_out(in_tree, why)));
        self.leave_out_all_or_few();
    }

    /// Where more than a few submodules cannot be had, none is there: their hosts would choose what
    /// the checkout has, a bit for each.
    fn leave_out_all_or_few(&mut self) {
        let left_out = self.entries.values().filter(|file| file.is_submodule()).count();
        if left_out > self.most_left_out {
            let emptied = self.empty(&|_, _| true);
            self.unavailable.extend(emptied.iter().map(|in_tree| submodules::left_out(in_tree, submodules::TOO_FEW)));
        }
    }

    /// Makes the submodules that the published package has no files of empty folders again: once
    /// the package came out, none of theirs was packed, so it is the same without them.
    pub(super) fn drop_unpublished(&mut self) {
        let archive = self.archive;
        self.empty(&|_, pinned| !has_files_below(archive, &pinned.path));
    }

    /// The submodules whose files are here, by their paths in the folder.
    pub fn submodules(&self) -> Vec<String> {
        let below = |part: &Part| match &part.at {
            At::Below(pinned) => Some(pinned.path.clone()).filter(|path| !self.entries.contains_key(path)),
            At::Inside(_) => None,
        };
        self.parts.iter().filter_map(below).collect()
    }

    /// The same as a result lists them.
    pub fn submodules_listed(&self) -> Vec<SubmoduleInfo> {
        let listed = |part: &Part| {
            let At::Below(Pinned { path, commit, .. }) = &part.at else { return None };
            let there = self.repositories.get(part.repository?).filter(|_| !self.entries.contains_key(path))?;
            Some(SubmoduleInfo { path: path.clone(), repository: there.url().to_owned(), commit: commit.to_string() })
        };
        self.parts.iter().filter_map(listed).collect()
    }

    /// The submodules whose files are here, and whether they have any of these blobs.
    pub(super) fn submodules_with(&self, blobs: &BTreeSet<[u8; 20]>) -> Vec<HasBlobs> {
        let having: BTreeSet<usize> = self
            .entries
            .values()
            .filter(|file| <[u8; 20]>::try_from(file.id.as_bytes()).is_ok_and(|id| blobs.contains(&id)))
            .map(|file| file.part)
            .collect();
        let of = |(index, part): (usize, &Part)| {
            let At::Below(Pinned { path, commit, .. }) = &part.at else { return None };
            let repository = part.repository.filter(|_| !self.entries.contains_key(path))?;
            Some(HasBlobs { path: path.clone(), commit: *commit, repository, has: having.contains(&index) })
        };
        self.parts.iter().enumerate().filter_map(of).collect()
    }

    /// A line for each submodule whose commit no branch and no tag of its own repository leads to:
    /// hosts serve the commits of anybody's fork. A line, too, where that cannot be found out.
    pub fn unreached(&mut self) -> Result<Vec<String>, GitError> {
        let mut lines = Vec::new();
        for part in &self.parts {
            let (At::Below(pinned), Some(at)) = (&part.at, part.repository) else { continue };
            let left_out = self.entries.contains_key(&pinned.path);
            let Some(there) = self.repositories.get_mut(at).filter(|_| !left_out) else { continue };
            let url = there.url().to_owned();
            match there.reaches_lately(&pinned.commit) {
                Ok(true) => {}
                Ok(false) => lines.push(submodules::unreached(pinned, &url)),
                Err(error) if submodules::ends_the_run(&error) => return Err(error),
                Err(error) => lines.push(submodules::history_unread(pinned, &error)),
            }
        }
        Ok(lines)
    }

    /// A line for each submodule that is wanted and cannot be had.
    pub fn unavailable(&self) -> &[String] {
        &self.unavailable
    }

    /// The files that were checked out with other text than a reader of the repository sees, as
    /// their trees have them.
    pub fn altered(&self) -> Vec<String> {
        self.parts.iter().flat_map(|part| part.attributes.altered()).collect()
    }

    /// Whether a checkout's bytes could differ from the blob's for any file here.
    pub fn converts(&self, checkout: Checkout) -> Result<bool, TooComplex> {
        let platform = platform_of(checkout);
        for (path, file) in &self.entries {
            if let Some(part) = self.parts.get(file.part)
                && part.attributes.converts(&part.path_in_tree(path), platform)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a file that git has as executable was published without such bits.
    pub(super) fn lost_executable_bits(&self) -> bool {
        self.entries.iter().any(|(path, file)| {
            file.kind == EntryKind::BlobExecutable && self.archive.get(path).is_some_and(|entry| entry.mode_on_disk & 0o111 == 0)
        })
    }

    /// Whether an installation of the published package runs anything of it.
    pub(super) fn runs_at_install(&self) -> bool {
        *self.runs_at_install.get_or_init(|| explain::runs_at_install(self.archive))
    }

    /// The entry at `path`.
    pub(super) fn file(&self, path: &str) -> Option<File> {
        self.entries.get(path).copied()
    }

    /// The content of a blob that is also a published file, and so need not be asked of the host.
    pub fn published_blob(&self, id: &ObjectId) -> Option<Vec<u8>> {
        self.archive.content(self.published.get(id).copied()?).ok()
    }

    /// The folder as one platform checks it out; `repository` is the one that the folder was opened
    /// with.
    pub fn view<'f>(&'f self, repository: &'f Repository, checkout: Checkout) -> View<'f, 'a> {
        View::new(self, repository, checkout)
    }
}

/// The bound of all contents together is passed.
pub fn package_too_large() -> SourceError {
    SourceError::TooLarge { what: "the package".into(), limit: Limits::default().unpacked }
}

/// The size of a blob that was ensured.
pub(super) fn size_in(repository: &Repository, id: &ObjectId) -> Result<u64, GitError> {
    repository.store().size(id).ok_or_else(|| GitError::ObjectMissing { url: repository.url().to_owned(), id: id.to_string() })
}

/// Whether the submodule at a path of the folder is wanted.
fn wanted<'w>(which: Which<'w>, archive: &Archive, entries: &BTreeMap<String, File>) -> impl Fn(&str) -> bool + use<'w> {
    let is_published = |(path, file): (&String, &File)| file.is_submodule() && has_files_below(archive, path);
    let is_any_published = which == Which::Published && entries.iter().any(is_published);
    move |path| match which {
        Which::All => true,
        Which::These(paths) => paths.iter().any(|known| known == path),
        Which::Published => is_any_published,
    }
}

/// Most submodules that may be missing where others are there: a few, besides those behind the
/// first ones.
fn most_left_out(which: Which<'_>, entries: &BTreeMap<String, File>) -> usize {
    match which {
        // A recipe says which.
        Which::These(_) => usize::MAX,
        Which::All | Which::Published => {
            let all = entries.values().filter(|file| file.is_submodule()).count();
            submodules::MOST_LEFT_OUT + all.saturating_sub(recipe::MAX_SUBMODULES)
        }
    }
}

/// The published files by the ids that git would give them. A file whose id could not be computed
/// safely has the null id: its bytes stand for nothing in the repository.
fn by_id(archive: &Archive) -> HashMap<ObjectId, &Entry> {
    archive
        .entries()
        .iter()
        .map(|entry| (ObjectId::from_bytes_or_panic(&entry.blob_id), entry))
        .filter(|(id, entry)| !id.is_null() && entry.kind == npm_tarball::EntryKind::File)
        .collect()
}

/// The submodules in the folder that are wanted, fetched.
fn fetch_submodules(
    repository: &mut Repository,
    (listing, directory): (&Listing, &str),
    entries: &BTreeMap<String, File>,
    wanted: &dyn Fn(&str) -> bool,
    open: &Open<'_>,
) -> Result<Submodules, SourceError> {
    let pinned: Vec<Pinned> = entries
        .iter()
        .filter(|(path, entry)| entry.is_submodule() && wanted(path))
        .map(|(path, entry)| Pinned { path: path.clone(), in_tree: join(directory, path), commit: entry.id })
        .collect();
    let gitmodules = listing.get(".gitmodules").filter(|entry| matches!(entry.kind, EntryKind::Blob | EntryKind::BlobExecutable));
    let addresses = match gitmodules {
        Some(entry) if !pinned.is_empty() => {
            repository.ensure_blobs([entry.id])?;
            if size_in(repository, &entry.id)? > LARGEST_READ {
                return Err(SourceError::TooLarge { what: entry.path.clone(), limit: LARGEST_READ });
            }
            submodules::addresses(&repository.blob(&entry.id)?)
        }
        _ => HashMap::new(),
    };
    Ok(submodules::fetch(pinned, &addresses, repository.url(), open)?)
}

fn has_files_below(archive: &Archive, folder: &str) -> bool {
    let prefix = format!("{folder}/");
    let at = archive.entries().partition_point(|entry| entry.path.as_str() < prefix.as_str());
    archive.entries().get(at).is_some_and(|entry| entry.path.starts_with(&prefix))
}

fn children_of(entries: &BTreeMap<String, File>) -> HashMap<String, BTreeMap<String, NodeKind>> {
    let mut children = HashMap::new();
    for (path, entry) in entries {
        let kind = match entry.kind {
            EntryKind::Blob => NodeKind::File { executable: false },
            EntryKind::BlobExecutable => NodeKind::File { executable: true },
            EntryKind::Link => NodeKind::Symlink,
            EntryKind::Commit => NodeKind::Submodule,
            EntryKind::Tree => NodeKind::Dir,
        };
        insert(&mut children, path, kind);
    }
    children
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

/// The system whose git made such a checkout.
pub(crate) fn platform_of(checkout: Checkout) -> Platform {
    match checkout {
        Checkout::Windows => Platform::Windows,
        Checkout::Posix | Checkout::Modes644 | Checkout::Modes744 | Checkout::Modes754 | Checkout::Modes755 => Platform::Posix,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_a_submodule_is_relative_to_its_own_tree() {
        let part = |at| Part { at, attributes: Attributes::new([]), repository: None };
        let commit = ObjectId::null(gix::hash::Kind::Sha1);
        let below = part(At::Below(Pinned { path: "vendor/x".into(), in_tree: "packages/a/vendor/x".into(), commit }));
        assert_eq!(below.path_in_tree("vendor/x/lib/a.js"), "lib/a.js");
        assert_eq!(part(At::Inside("packages/a".into())).path_in_tree("lib/a.js"), "packages/a/lib/a.js");
    }
}
