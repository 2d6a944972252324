//! The strategy `source`: pack the commit's files as the publishing client did, without installing or running anything.
//!
//! The published archive's header bytes say which clients could have written it, and so which file-list rules are worth
//! trying; the list itself comes from the rules alone. One recipe is tried for each different list, likeliest first,
//! until what npm would write to disk agrees.

use std::collections::BTreeSet;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use gix::objs::tree::EntryKind;
use sha2::{Digest, Sha512};

use super::checkout::Folder;
use super::submodules::Open;
use super::{Recipe, Strategy};
use crate::compare::{self, Archive, Comparison, EntryKind as Kind, Limits};
use crate::error::{Explain, Stage};
use crate::git::attributes::Checkout;
use crate::git::{GitError, Repository};
use crate::origin::Origin;
use crate::origin::score::join;
use crate::pack::era::{Bins, Era};
use crate::pack::gzip::{self, Match};
use crate::pack::list::{self, Context, ListRules};
use crate::pack::tar::{Adopted, Content, Kind as MemberKind, Member};
use crate::pack::{eras_of, list_rules_of};
use crate::published::Published;
use crate::verdict::Outcome;

/// Part of a rebuilt tarball that stays in memory before it moves to a temporary file, in bytes.
const IN_MEMORY: usize = 16 << 20;

/// One recipe that came to an end.
pub struct Rebuilt {
    /// The recipe.
    pub recipe: Recipe,
    /// What came of it.
    pub outcome: Outcome,
    /// File by file.
    pub comparison: Comparison,
    /// What was taken over from the published archive.
    pub adopted: Vec<String>,
    /// The rebuilt tar stream, read by the same reader as the published one.
    pub archive: Archive,
    /// The encoder for the gzip around it: the published one's where that is known, else what the client would use today.
    pub encoder: Match,
    /// Milliseconds for packing and for comparing.
    pub times: [u64; 2],
}

/// Why a recipe did not come to an end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// Getting objects failed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The client would refuse to pack this folder.
    #[error(transparent)]
    List(#[from] list::ListError),
    /// Writing the tarball failed.
    #[error(transparent)]
    Tar(#[from] crate::pack::tar::TarError),
    /// Compressing it failed.
    #[error(transparent)]
    Gzip(#[from] gzip::GzipError),
    /// The rebuilt archive could not be read back.
    #[error(transparent)]
    Archive(#[from] compare::ArchiveError),
    /// The system failed.
    #[error("a file cannot be written: {0}")]
    Io(#[from] io::Error),
    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
}

impl Explain for SourceError {
    fn code(&self) -> &'static str {
        match self {
            Self::Git(error) => error.code(),
            Self::List(error) => error.code(),
            Self::Tar(error) => error.code(),
            Self::Gzip(error) => error.code(),
            Self::Archive(error) => error.code(),
            Self::Io(_) => "temporary-file",
            Self::Cancelled => "cancelled",
        }
    }

    fn stage(&self) -> Stage {
        match self {
            Self::Git(error) => error.stage(),
            Self::Archive(error) => error.stage(),
            _ => Stage::Pack,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Git(error) => error.hint(),
            Self::List(error) => error.hint(),
            Self::Archive(error) => error.hint(),
            Self::Io(_) => Some("check the free space of the folder for temporary files".into()),
            _ => None,
        }
    }
}

/// Tries the recipes for one origin; the last one that is returned is the one to judge by if any reproduces.
pub fn attempts(
    repository: &mut Repository,
    origin: &Origin,
    published: &Published,
    open_submodule: &Open<'_>,
    cancelled: &AtomicBool,
) -> Result<Vec<Rebuilt>, SourceError> {
    let context = surroundings(repository, origin)?;
    let mut folder = Folder::open(repository, &origin.listing, origin.directory(), &published.archive, open_submodule)?;
    let eras = eras_of(published.fingerprint.as_ref());
    let mut rebuilt = Vec::new();
    let mut seen: BTreeSet<(Checkout, Vec<(String, String)>)> = BTreeSet::new();
    for checkout in checkouts(origin, published, &folder) {
        let needed = list::needs(&folder.view(checkout));
        folder.ensure(repository, needed.iter().map(String::as_str))?;
        for era in &eras {
            for rules in list_rules_of(era) {
                if cancelled.load(Ordering::Relaxed) {
                    return Err(SourceError::Cancelled);
                }
                let started = Instant::now();
                let entries = list::entries(&folder.view(checkout), rules, &context)?;
                let key = entries.iter().map(|entry| (entry.source.clone(), entry.path.clone())).collect();
                if !seen.insert((checkout, key)) {
                    continue;
                }
                folder.ensure(repository, entries.iter().map(|entry| entry.source.as_str()))?;
                let one = attempt(&folder, &entries, origin, published, era, rules, checkout, repository.url(), started)?;
                let done = one.outcome != Outcome::OtherEntries;
                rebuilt.push(one);
                if done {
                    return Ok(rebuilt);
                }
            }
        }
    }
    Ok(rebuilt)
}

/// A Windows checkout is one more thing to try where only line endings differ, or modes that Windows does not have.
fn checkouts(origin: &Origin, published: &Published, folder: &Folder<'_>) -> Vec<Checkout> {
    const WINDOWS_OS: [u8; 2] = [10, 11];
    let from_windows = published.headers.as_ref().is_some_and(|headers| WINDOWS_OS.contains(&headers.gzip.os));
    if origin.score.matched_lf > 0 || from_windows && folder.converts(Checkout::Windows) {
        vec![Checkout::Posix, Checkout::Windows]
    } else {
        vec![Checkout::Posix]
    }
}

/// The ignore files of the folders above the package, which some clients follow in a workspace.
fn surroundings(repository: &mut Repository, origin: &Origin) -> Result<Context, GitError> {
    let mut above = Vec::new();
    let directory = origin.directory();
    if directory.is_empty() {
        return Ok(Context::default());
    }
    let mut dirs = vec![String::new()];
    dirs.extend(directory.match_indices('/').filter_map(|(at, _)| directory.get(..at).map(str::to_owned)));
    for dir in dirs {
        let mut read = |name: &str| -> Result<Option<String>, GitError> {
            let Some(entry) = origin.listing.get(&join(&dir, name)) else { return Ok(None) };
            if !matches!(entry.kind, EntryKind::Blob | EntryKind::BlobExecutable) {
                return Ok(None);
            }
            Ok(Some(String::from_utf8_lossy(&repository.blob(&entry.id)?).into_owned()))
        };
        above.push(list::Above { npmignore: read(".npmignore")?, gitignore: read(".gitignore")? });
    }
    Ok(Context { above, workspaces: Vec::new() })
}

/// Packs one list and compares it.
#[expect(clippy::too_many_arguments, reason = "the parts of one recipe, used once")]
fn attempt<'a>(
    folder: &'a Folder<'a>,
    entries: &'a [list::Entry],
    origin: &Origin,
    published: &Published,
    era: &'static Era,
    rules: &ListRules,
    checkout: Checkout,
    repository: &str,
    started: Instant,
) -> Result<Rebuilt, SourceError> {
    let adopted = published.headers.as_ref().map(|headers| Adopted::from_published(headers, era)).unwrap_or_default();
    let members: Vec<Member<'_>> = entries.iter().filter_map(|entry| member(folder, entry, checkout)).collect();
    let manifest = folder.content("package.json", checkout).unwrap_or_default();
    let manifest = serde_json::from_slice(crate::manifest::without_bom(&manifest)).unwrap_or_default();
    let mut spool = tempfile::SpooledTempFile::new(IN_MEMORY);
    crate::pack::tar::write(&members, era, &Bins::of(&manifest), &adopted, &mut spool)?;
    spool.seek(SeekFrom::Start(0))?;
    let archive = Archive::read_tar(&mut spool, &Limits::default())?;
    let packed = started.elapsed();
    let comparison = compare::compare(&published.archive, &archive);
    let default =
        Match { class: gzip::Class::C, level: era.gzip.level, xfl: era.gzip.xfl, os: era.gzip.os.or(adopted.gzip_os).unwrap_or(3) };
    let found = if comparison.same_entries() { gzip::match_published(&mut archive.tar(), &published.bytes)? } else { None };
    let outcome = match (&found, comparison.same_entries()) {
        (Some(_), _) => Outcome::SameBytes,
        (None, true) => Outcome::SameEntries,
        (None, false) => Outcome::OtherEntries,
    };
    Ok(Rebuilt {
        recipe: Recipe {
            strategy: Strategy::Source,
            repository: repository.to_owned(),
            commit: origin.commit.to_string(),
            directory: origin.directory().to_owned(),
            checkout,
            file_list: rules.name.to_owned(),
            packer: era.id.to_owned(),
        },
        outcome,
        comparison,
        adopted: adopted.list().to_vec(),
        archive,
        encoder: found.unwrap_or(default),
        times: [packed, started.elapsed().saturating_sub(packed)].map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
    })
}

/// One entry of the list with its content and mode as the checkout has them.
fn member<'a>(folder: &'a Folder<'a>, entry: &'a list::Entry, checkout: Checkout) -> Option<Member<'a>> {
    let kind = folder.kind(&entry.source)?;
    let content = folder.content(&entry.source, checkout)?;
    let mode = match (checkout, kind) {
        // Node on Windows reports 666 for every file that is not read-only (libuv, fs__stat_impl).
        (Checkout::Windows, _) => 0o666,
        (Checkout::Posix, EntryKind::BlobExecutable) => 0o755,
        (Checkout::Posix, _) => 0o644,
    };
    let kind = match kind {
        EntryKind::Link => MemberKind::Symlink(String::from_utf8_lossy(&content).into_owned()),
        _ => MemberKind::File(Box::new(FileContent { folder, path: &entry.source, checkout, size: content.len() as u64 })),
    };
    Some(Member { path: entry.path.clone(), mode, kind, mtime: None })
}

/// A file's bytes, read again when the archive is written, so that not all of a package is in memory at once.
struct FileContent<'a> {
    folder: &'a Folder<'a>,
    path: &'a str,
    checkout: Checkout,
    size: u64,
}

impl Content for FileContent<'_> {
    fn size(&self) -> u64 {
        self.size
    }

    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        let bytes = self.folder.content(self.path, self.checkout).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        Ok(Box::new(io::Cursor::new(bytes)))
    }
}

impl Rebuilt {
    /// Published files that came out the same.
    pub fn files_matched(&self) -> usize {
        self.comparison.identical.len()
    }

    /// Writes the rebuilt tarball.
    pub fn write_to(&self, out: &mut dyn Write) -> Result<(), SourceError> {
        Ok(gzip::compress(&mut self.archive.tar(), self.encoder, out)?)
    }

    /// The rebuilt tarball's integrity.
    pub fn integrity(&self) -> Result<String, SourceError> {
        let mut hash = HashWriter(Sha512::new());
        self.write_to(&mut hash)?;
        Ok(sha512_integrity(&hash.0.finalize()))
    }

    /// Whether every published file is a regular one and was rebuilt as such.
    pub fn only_files(&self) -> bool {
        self.archive.entries().iter().all(|entry| entry.kind == Kind::File)
    }
}

/// `sha512-…` of a digest.
pub fn sha512_integrity(digest: &[u8]) -> String {
    use base64::Engine;
    format!("sha512-{}", base64::engine::general_purpose::STANDARD.encode(digest))
}

struct HashWriter(Sha512);

impl Write for HashWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The sha512 integrity of what a reader gives.
pub fn integrity_of(mut reader: impl Read) -> io::Result<String> {
    let mut hash = HashWriter(Sha512::new());
    io::copy(&mut reader, &mut hash)?;
    Ok(sha512_integrity(&hash.0.finalize()))
}
