//! What a build packed, held against the commit: by the blobs of the folder that was packed and of
//! its submodules alone. What another attempt, another folder or a tool made counts for nothing.

use std::collections::{BTreeMap, BTreeSet};

use gix::ObjectId;
use gix::objs::tree::EntryKind;

use git::{Listing, Repository};
use npm_pack::tree::{LARGEST_READ, NodeKind};
use npm_spec::manifest::{LARGEST_PACKED, read_up_to};
use npm_spec::path::join;
use npm_tarball::{Archive, Entry, EntryKind as Kind, Limits};
use recipe::{Checkout, Recipe};

use crate::SourceError;
use crate::checkout::{Folder, Which};
use crate::left_out::{self, LeftOut};
use crate::manifest_change::{ManifestChange, Names, is_same_but_version};
use crate::overlay::is_binding_gyp;
use crate::rebuilt::Before;
use crate::shadowing::{self, Packed, Shadowed};
use crate::submodules::Open;
use crate::view::View;

pub(crate) const PACKAGE_JSON: &str = "package.json";

/// Largest file that is read where its id is another than the commit's, in bytes.
const LARGEST: u64 = 32 << 20;
/// Most links that one path leads through.
const MOST_LINKS: usize = 16;

/// What a build packed.
#[derive(Clone, Copy)]
pub struct Made<'a> {
    /// By which recipe.
    pub recipe: &'a Recipe,
    /// The package: the published one, where it came out.
    pub archive: &'a Archive,
    /// What it was packed from, where packing made another of it.
    pub before: &'a Before,
    /// Files that would be packed of the commit, and were not.
    pub gone: &'a [String],
}

impl Made<'_> {
    /// The folder that was packed.
    pub fn folder(&self) -> &str {
        folder_of(self.recipe)
    }
}

/// The folder that a recipe packs.
pub fn folder_of(recipe: &Recipe) -> &str {
    recipe.build.as_ref().and_then(|build| build.packed.as_deref()).unwrap_or(&recipe.directory)
}

/// How what was packed differs from the commit.
#[derive(Debug, Default)]
pub struct Differences {
    /// Files that the commit has with other text, or in whose place it has something else.
    pub overwritten: Vec<String>,
    /// Files that Node loads in place of files of the commit.
    pub shadowed: Vec<Shadowed>,
    /// Files of the commit that packing it has, and that the package has not.
    pub left_out: Vec<LeftOut>,
    /// package.json, where it is not the commit's but for its version.
    pub manifest: Option<ManifestChange>,
    /// Files that the commit does not have, and that an installation obeys.
    pub obeyed: Vec<String>,
}

/// Compares what was packed with the commit of which `listing` is.
pub fn compare(repository: &mut Repository, listing: &Listing, made: Made<'_>, open: &Open<'_>) -> Result<Differences, SourceError> {
    let folder = made.folder();
    let files: Vec<&Entry> = made.archive.entries().iter().filter(|entry| entry.kind == Kind::File).collect();
    let submodules = submodules_above(listing, folder, &files);
    let tree = Folder::open(repository, (listing, ""), made.archive, Which::These(&submodules), open)?;
    let mut commit = Commit { tree, repository };
    let places = commit.places(folder, &files)?;
    let mut overwritten = commit.overwritten(made, &files, &places)?;
    overwritten.extend(commit.replaced_by_links(folder, made.archive)?);
    overwritten.sort();
    let named = shadowing::named(&manifest_of(made.archive)?);
    let packed = Packed { archive: made.archive, files: &files, places: &places, gone: made.gone, named: &named };
    let (shadowed, left_out) = (shadowing::of(packed), left_out::of(packed));
    let own = listing.get(&join(folder, PACKAGE_JSON)).is_some();
    let manifest = match made.archive.get(PACKAGE_JSON) {
        Some(entry) if !own || overwritten.iter().any(|path| path == PACKAGE_JSON) => commit.manifest_change(made, entry, own)?,
        _ => None,
    };
    let obeyed = obeyed(made.archive, &files, &places)?;
    Ok(Differences { overwritten, shadowed, left_out, manifest, obeyed })
}

/// The packed files that the commit does not have and that an installation obeys whatever
/// package.json says (npm 11: a build by node-gyp, locked dependencies) or that it names by their
/// folder (`directories.bin`).
fn obeyed(archive: &Archive, files: &[&Entry], places: &[Place]) -> Result<Vec<String>, SourceError> {
    const FILES: [&str; 2] = ["binding.gyp", "npm-shrinkwrap.json"];
    let manifest = manifest_of(archive)?;
    let commands = manifest.pointer("/directories/bin").and_then(serde_json::Value::as_str);
    // As npm joins it to the package's folder, of which all may be meant.
    let commands = commands.and_then(|folder| led("", folder.trim_start_matches('/')));
    let is_below =
        |folder: &String, path: &str| folder.is_empty() || path.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/'));
    let is_command = |path: &str| commands.as_ref().is_some_and(|folder| is_below(folder, path));
    let new = files.iter().zip(places).filter(|(_, place)| **place == Place::New).map(|(entry, _)| &entry.path);
    Ok(new.filter(|path| FILES.iter().any(|file| path.eq_ignore_ascii_case(file)) || is_command(path)).cloned().collect())
}

/// The package's own package.json.
fn manifest_of(archive: &Archive) -> Result<serde_json::Value, SourceError> {
    let manifest = archive.get(PACKAGE_JSON).map(|entry| archive.content(entry)).transpose()?.unwrap_or_default();
    Ok(read_up_to(&manifest, LARGEST_PACKED).unwrap_or_default())
}

/// The submodules of the commit that the packed files lie in.
fn submodules_above(listing: &Listing, folder: &str, files: &[&Entry]) -> Vec<String> {
    let all: BTreeSet<&str> =
        listing.entries.iter().filter(|entry| entry.kind == EntryKind::Commit).map(|entry| entry.path.as_str()).collect();
    if all.is_empty() {
        return Vec::new();
    }
    let above = |path: &str| {
        let path = join(folder, path);
        let mut folders = std::iter::successors(Some(path.as_str()), |path| path.rsplit_once('/').map(|(above, _)| above));
        folders.find_map(|folder| all.get(folder).map(|known| (*known).to_owned()))
    };
    // What a link leads to may lie in any of them.
    let has_links = listing.entries.iter().any(|entry| entry.kind == EntryKind::Link);
    if has_links && !files.is_empty() {
        return all.into_iter().map(str::to_owned).collect();
    }
    files.iter().filter_map(|entry| above(&entry.path)).collect::<BTreeSet<String>>().into_iter().collect()
}

/// What the commit has for a packed path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nothing.
    New,
    /// A file, at this path of the commit.
    File(String),
    /// Something else: a folder, a submodule that is not here, or a link that leads to no file.
    Other,
}

/// The commit's files, with those of its submodules.
struct Commit<'a, 'r> {
    tree: Folder<'a>,
    repository: &'r mut Repository,
}

impl Commit<'_, '_> {
    fn view(&self) -> View<'_, '_> {
        self.tree.view(self.repository, Checkout::Posix)
    }

    /// What the commit has for each of the files of a folder.
    fn places(&mut self, folder: &str, files: &[&Entry]) -> Result<Vec<Place>, SourceError> {
        let links: Vec<String> = self.tree.files().filter(|(_, kind)| *kind == EntryKind::Link).map(|(path, _)| path.to_owned()).collect();
        self.tree.ensure(self.repository, links.iter().map(String::as_str), LARGEST_READ)?;
        files.iter().map(|entry| self.place(&join(folder, &entry.path))).collect()
    }

    /// What the commit has at a path, through its links.
    fn place(&self, path: &str) -> Result<Place, SourceError> {
        let (mut rest, mut at): (Vec<String>, String) = (parts(path), String::new());
        let mut links = 0;
        while let Some(name) = rest.pop() {
            let next = join(&at, &name);
            match self.tree.file(&next).map(|file| file.kind) {
                Some(EntryKind::Link) if links == MOST_LINKS => return Ok(Place::Other),
                Some(EntryKind::Link) => {
                    links += 1;
                    let target = self.view().content(&next)?.unwrap_or_default();
                    let Some(led) = led(&at, &String::from_utf8_lossy(&target)) else { return Ok(Place::Other) };
                    rest.extend(parts(&led));
                    at.clear();
                }
                Some(EntryKind::Blob | EntryKind::BlobExecutable) if rest.is_empty() => return Ok(Place::File(next)),
                Some(_) => return Ok(Place::Other),
                None if self.has_folder(&at, &name) => at = next,
                None if links > 0 => return Ok(Place::Other),
                None => return Ok(Place::New),
            }
        }
        Ok(Place::Other)
    }

    fn has_folder(&self, above: &str, name: &str) -> bool {
        self.tree.children.get(above).and_then(|children| children.get(name)) == Some(&NodeKind::Dir)
    }

    /// The packed files that the commit has with other text, or in whose place it has something
    /// else.
    fn overwritten(&mut self, made: Made<'_>, files: &[&Entry], places: &[Place]) -> Result<Vec<String>, SourceError> {
        let is_same = |tree: &Folder<'_>, at: &str, entry: &Entry| tree.file(at).is_some_and(|file| file.id.as_bytes() == entry.blob_id);
        let (mut found, mut open): (Vec<String>, Vec<(&str, &Entry)>) = (Vec::new(), Vec::new());
        for (entry, place) in files.iter().zip(places) {
            match place {
                Place::New => {}
                Place::Other => found.push(entry.path.clone()),
                Place::File(at) if is_same(&self.tree, at, entry) => {}
                Place::File(at) => open.push((at, entry)),
            }
        }
        self.tree.ensure(self.repository, open.iter().map(|(at, _)| *at), Limits::default().unpacked)?;
        for (at, entry) in open {
            if !self.is_same_text(made, at, entry)? {
                found.push(entry.path.clone());
            }
        }
        found.sort();
        Ok(found)
    }

    /// The packed links in whose place the commit has a file, a folder or another link.
    fn replaced_by_links(&mut self, folder: &str, archive: &Archive) -> Result<Vec<String>, SourceError> {
        let mut found = Vec::new();
        for entry in archive.entries().iter().filter(|entry| matches!(entry.kind, Kind::Symlink | Kind::Hardlink)) {
            let path = join(folder, &entry.path);
            let is_same = match self.tree.file(&path).map(|file| (file.kind, file.id)) {
                Some((EntryKind::Link, id)) => entry.kind == Kind::Symlink && id.as_bytes() == entry.blob_id,
                Some(_) => false,
                None => self.place(&path)? == Place::New,
            };
            if !is_same {
                found.push(entry.path.clone());
            }
        }
        Ok(found)
    }

    /// Whether a packed file is what a checkout has at a path of the commit: but for its line
    /// endings, for the version in package.json, and for what packing itself made of it.
    fn is_same_text(&self, made: Made<'_>, at: &str, entry: &Entry) -> Result<bool, SourceError> {
        let view = self.view();
        if view.by_pointer(at, &entry.path)?.is_some() {
            return Ok(true);
        }
        if entry.size > LARGEST || view.blob_size(at)?.is_none_or(|size| size > LARGEST) {
            return Ok(false);
        }
        let Some(committed) = view.content(at)? else { return Ok(false) };
        if let Some(before) = made.before.edited.get(&entry.path) {
            let is_raw = self.tree.file(at).is_some_and(|file| file.id == *before);
            return Ok(is_raw || id_of(&committed) == Some(*before));
        }
        let before = made.before.manifest.as_ref().filter(|_| entry.path == PACKAGE_JSON);
        let packed = before.map_or_else(|| made.archive.content(entry), |before| Ok(before.clone()))?;
        let is_version = entry.path == PACKAGE_JSON && is_same_but_version(&committed, &packed);
        Ok(committed == packed || without_returns(&committed) == without_returns(&packed) || is_version)
    }

    /// What the package's package.json has otherwise than that of the commit: the packed folder's
    /// own, or else the one of the folder that was built.
    fn manifest_change(&mut self, made: Made<'_>, entry: &Entry, own: bool) -> Result<Option<ManifestChange>, SourceError> {
        let folder = if own { made.folder() } else { &made.recipe.directory };
        let Place::File(at) = self.place(&join(folder, PACKAGE_JSON))? else { return Ok(None) };
        let Some(committed) = self.manifest(&at)? else { return Ok(Some(ManifestChange::unread())) };
        let packed = match &made.before.manifest {
            Some(before) => before.clone(),
            None if entry.size > LARGEST_READ => return Ok(Some(ManifestChange::unread())),
            None => made.archive.content(entry)?,
        };
        let builds = made.archive.entries().iter().any(|entry| is_binding_gyp(&entry.path));
        let change = ManifestChange::of(&committed, &packed, builds);
        let Some(mut change) = change else { return Ok(None) };
        change.new = self.not_named(&packed)?;
        Ok(Some(change))
    }

    /// A package.json of the commit; `None` if it is too large to be read.
    fn manifest(&mut self, at: &str) -> Result<Option<Vec<u8>>, SourceError> {
        self.tree.ensure(self.repository, [at], Limits::default().unpacked)?;
        let view = self.view();
        if view.blob_size(at)?.is_none_or(|size| size > LARGEST_READ) {
            return Ok(None);
        }
        view.content(at)
    }

    /// The dependencies and commands of a package.json that none of the commit names.
    fn not_named(&mut self, packed: &[u8]) -> Result<Names, SourceError> {
        const MOST_MANIFESTS: usize = 2_000;
        // Of all of them together, in bytes.
        const MOST_READ: usize = 32 << 20;
        let mut read = 0_usize;
        let mut names = Names::installed(packed);
        if names.is_empty() {
            return Ok(names);
        }
        let is_manifest = |path: &&str| *path == PACKAGE_JSON || path.ends_with("/package.json");
        let mut all: Vec<String> = self.tree.files().map(|(path, _)| path).filter(is_manifest).map(str::to_owned).collect();
        // Those near the root first: further down are those of tests.
        all.sort_by_key(|path| path.matches('/').count());
        for at in all.into_iter().take(MOST_MANIFESTS) {
            if let Some(bytes) = self.manifest(&at)? {
                names.forget(&Names::known(&bytes));
                read = read.saturating_add(bytes.len());
            }
            if names.is_empty() || read > MOST_READ {
                break;
            }
        }
        Ok(names)
    }
}

/// The parts of a path, the first last.
fn parts(path: &str) -> Vec<String> {
    path.split('/').rev().filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// Where a link in a folder leads; `None` if that is outside of the commit.
pub(crate) fn led(folder: &str, target: &str) -> Option<String> {
    if target.starts_with('/') || target.contains(['\\', '\0']) {
        return None;
    }
    let mut led: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                led.pop()?;
            }
            name => led.push(name),
        }
    }
    Some(led.join("/"))
}

/// A text with the line endings of git.
pub(crate) fn without_returns(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut bytes = text.iter().peekable();
    while let Some(byte) = bytes.next() {
        if *byte != b'\r' || bytes.peek() != Some(&&b'\n') {
            plain.push(*byte);
        }
    }
    plain
}

/// The id of a file with these bytes; `None` where none can be computed safely.
pub(crate) fn id_of(bytes: &[u8]) -> Option<ObjectId> {
    gix::objs::compute_hash(gix::hash::Kind::Sha1, gix::objs::Kind::Blob, bytes).ok()
}

/// The files that packing made another of, by the ids of what it found.
pub(crate) type Edited = BTreeMap<String, ObjectId>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_within_the_commit_or_nowhere() {
        assert_eq!(led("packages/a", "../../README.md").as_deref(), Some("README.md"));
        assert_eq!(led("", "./real").as_deref(), Some("real"));
        assert_eq!(led("a", "../../etc/passwd"), None);
        assert_eq!(led("a", "/etc/passwd"), None);
    }

    #[test]
    fn line_endings_are_all_that_is_passed_over() {
        assert_eq!(without_returns(b"a\r\nb\rc\r\r\n"), b"a\nb\rc\r\n");
        assert_ne!(without_returns(b"a b"), without_returns(b"ab"));
    }
}
