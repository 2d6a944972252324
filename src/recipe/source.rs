//! The strategy `source`: pack the commit's files as the publishing client did, without installing or running anything.
//!
//! The published archive's header bytes say which clients could have written it, and so which file-list rules are worth
//! trying; the list itself comes from the rules alone. What is tried, likeliest first, and when it ends, is in `search`.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use gix::objs::tree::EntryKind;
use sha2::{Digest, Sha512};

use super::checkout::{Folder, LARGEST_READ, package_too_large, size_in};
pub use super::error::SourceError;
use super::search::{Search, Trial};
use super::submodules::Open;
use super::view::View;
use super::{Recipe, Strategy};
use crate::compare::{self, Archive, ChangeKind, Comparison, EntryKind as Kind, Limits};
use crate::git::Repository;
use crate::git::attributes::Checkout;
use crate::origin::Origin;
use crate::origin::score::join;
use crate::pack::era::{Bins, Era};
use crate::pack::gzip::{self, Match};
use crate::pack::list::{self, Context, ListRules};
use crate::pack::tar::{Adopted, Member};
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
    /// The rebuilt tar stream, read by the same reader as the published one; kept of the closest attempt only.
    pub archive: Option<Archive>,
    /// The encoder for the gzip around it: the published one's where that is known, else what the client would use today.
    pub encoder: Match,
    /// Milliseconds for packing and for comparing.
    pub times: [u64; 2],
}

/// What came of one origin.
pub struct Attempts {
    /// The recipes that came to an end, in the order in which they were tried.
    pub rebuilt: Vec<Rebuilt>,
    /// A line for each submodule that the package has files of and that could not be had.
    pub unavailable: Vec<String>,
}

/// Tries the recipes for one origin. An error only if none came to an end, or if this machine failed.
pub fn attempts(
    repository: &mut Repository,
    origin: &Origin,
    published: &Published,
    open_submodule: &Open<'_>,
    cancelled: &AtomicBool,
) -> Result<Attempts, SourceError> {
    let context = surroundings(repository, origin)?;
    let mut folder = Folder::open(repository, &origin.listing, origin.directory(), &published.archive, open_submodule)?;
    let mut rebuilt = Vec::new();
    match try_all(repository, &mut folder, &context, &Subject { origin, published, cancelled }, &mut rebuilt) {
        Err(error) if rebuilt.is_empty() || error.is_ours() => Err(error),
        _ => Ok(Attempts { rebuilt, unavailable: folder.unavailable().to_vec() }),
    }
}

/// What is rebuilt, and whether to stop.
struct Subject<'a> {
    origin: &'a Origin,
    published: &'a Published,
    cancelled: &'a AtomicBool,
}

fn try_all(
    repository: &mut Repository,
    folder: &mut Folder<'_>,
    context: &Context,
    subject: &Subject<'_>,
    rebuilt: &mut Vec<Rebuilt>,
) -> Result<(), SourceError> {
    let eras = eras_of(subject.published.fingerprint.as_ref());
    let mut search = Search::default();
    let mut lists: Vec<Vec<list::Entry>> = Vec::new();
    let mut failed = None;
    for checkout in checkouts(subject.origin, subject.published, folder) {
        if search.is_over(checkout) {
            break;
        }
        let needed = list::needs(&folder.view(repository, checkout));
        folder.ensure(repository, needed.iter().map(String::as_str), LARGEST_READ)?;
        let mut list_of: HashMap<&str, usize> = HashMap::new();
        let recipes = eras.iter().flat_map(|era| list_rules_of(era).iter().map(move |rules| (*era, *rules)));
        for (era, rules) in recipes {
            if subject.cancelled.load(Ordering::Relaxed) {
                return Err(SourceError::Cancelled);
            }
            if search.is_over_for(checkout, era.id) {
                continue;
            }
            let started = Instant::now();
            let list = match list_of.get(rules.name) {
                Some(known) => *known,
                None => match list::entries(&folder.view(repository, checkout), rules, context) {
                    Ok(entries) => {
                        let list = number(&mut lists, entries);
                        list_of.insert(rules.name, list);
                        list
                    }
                    // Clients of other versions may take what this one refuses.
                    Err(error) => {
                        failed.get_or_insert(error.into());
                        continue;
                    }
                },
            };
            let trial = Trial { checkout, era: era.id, list };
            let Some(entries) = lists.get(list).filter(|_| search.wants(trial)) else { continue };
            let plan = Plan { era, rules, checkout, entries };
            match attempt(repository, folder, subject, &plan, started) {
                Ok(one) => {
                    search.learn(trial, one.outcome, files_differ(&one, &subject.published.archive));
                    rebuilt.push(one);
                    keep_closest(rebuilt);
                }
                Err(error @ SourceError::Git(_)) => return Err(error),
                Err(error) if error.is_ours() => return Err(error),
                Err(error) => {
                    failed.get_or_insert(error);
                }
            }
        }
    }
    failed.map_or(Ok(()), Err)
}

/// The number of a list; equal lists have the same.
fn number(lists: &mut Vec<Vec<list::Entry>>, entries: Vec<list::Entry>) -> usize {
    lists.iter().position(|known| *known == entries).unwrap_or_else(|| {
        lists.push(entries);
        lists.len() - 1
    })
}

/// Whether what differs is the files' own: eras decide over modes, and over whether links are entries.
fn files_differ(one: &Rebuilt, published: &Archive) -> bool {
    let Some(archive) = &one.archive else { return false };
    let is_file = |archive: &Archive, path: &String| archive.get(path).is_some_and(|entry| entry.kind == Kind::File);
    one.comparison.changed.iter().any(|change| change.kind != ChangeKind::Mode)
        || one.comparison.only_published.iter().any(|path| is_file(published, path))
        || one.comparison.only_rebuilt.iter().any(|path| is_file(archive, path))
}

/// Lets go of every archive but the closest attempt's: each takes as much disk as the package.
pub fn keep_closest(rebuilt: &mut [Rebuilt]) {
    // Of several that are equally close, the first.
    let closest = rebuilt.iter().enumerate().max_by_key(|(at, one)| (one.closeness(), Reverse(*at))).map(|(at, _)| at);
    for (at, one) in rebuilt.iter_mut().enumerate() {
        if Some(at) != closest {
            one.archive = None;
        }
    }
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
fn surroundings(repository: &mut Repository, origin: &Origin) -> Result<Context, SourceError> {
    let mut above = Vec::new();
    let directory = origin.directory();
    if directory.is_empty() {
        return Ok(Context::default());
    }
    let mut dirs = vec![String::new()];
    dirs.extend(directory.match_indices('/').filter_map(|(at, _)| directory.get(..at).map(str::to_owned)));
    for dir in dirs {
        let mut read = |name: &str| -> Result<Option<String>, SourceError> {
            let Some(entry) = origin.listing.get(&join(&dir, name)) else { return Ok(None) };
            if !matches!(entry.kind, EntryKind::Blob | EntryKind::BlobExecutable) {
                return Ok(None);
            }
            repository.ensure_blobs([entry.id])?;
            if size_in(repository, &entry.id)? > LARGEST_READ {
                return Err(SourceError::TooLarge { what: entry.path.clone(), limit: LARGEST_READ });
            }
            Ok(Some(String::from_utf8_lossy(&repository.blob(&entry.id)?).into_owned()))
        };
        above.push(list::Above { npmignore: read(".npmignore")?, gitignore: read(".gitignore")? });
    }
    Ok(Context { above, workspaces: Vec::new() })
}

/// One recipe, before it is packed.
struct Plan<'a> {
    era: &'static Era,
    rules: &'static ListRules,
    checkout: Checkout,
    entries: &'a [list::Entry],
}

/// Packs one list and compares it.
fn attempt(
    repository: &mut Repository,
    folder: &mut Folder<'_>,
    subject: &Subject<'_>,
    plan: &Plan<'_>,
    started: Instant,
) -> Result<Rebuilt, SourceError> {
    let Subject { origin, published, .. } = *subject;
    let Plan { era, rules, checkout, entries } = *plan;
    let unpacked = Limits::default().unpacked;
    folder.ensure(repository, entries.iter().map(|entry| entry.source.as_str()), unpacked)?;
    let adopted = published.headers.as_ref().map(|headers| Adopted::from_published(headers, era)).unwrap_or_default();
    let archive = pack(folder.view(repository, checkout), plan, &adopted, subject.cancelled)?;
    let packed = started.elapsed();
    let comparison = compare::compare(&published.archive, &archive);
    let found = if comparison.same_entries() { gzip::match_published(&mut archive.tar(), &published.bytes)? } else { None };
    let outcome = match (&found, comparison.same_entries()) {
        (Some(_), _) => Outcome::SameBytes,
        (None, true) => Outcome::SameEntries,
        (None, false) => Outcome::OtherEntries,
    };
    Ok(Rebuilt {
        recipe: Recipe {
            strategy: Strategy::Source,
            repository: repository.url().to_owned(),
            commit: origin.commit.to_string(),
            directory: origin.directory().to_owned(),
            checkout,
            file_list: rules.name.to_owned(),
            packer: era.id.to_owned(),
        },
        outcome,
        comparison,
        adopted: adopted.list().to_vec(),
        archive: Some(archive),
        encoder: found.unwrap_or_else(|| Match::usual(era, adopted.gzip_os)),
        times: [packed, started.elapsed().saturating_sub(packed)].map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
    })
}

/// Writes the archive and reads it back as the published one was read.
fn pack(view: View<'_, '_>, plan: &Plan<'_>, adopted: &Adopted, cancelled: &AtomicBool) -> Result<Archive, SourceError> {
    let mut members: Vec<Member<'_>> = Vec::with_capacity(plan.entries.len());
    for entry in plan.entries {
        members.extend(view.member(entry)?);
    }
    let manifest = view.content("package.json")?.unwrap_or_default();
    let manifest = serde_json::from_slice(crate::manifest::without_bom(&manifest)).unwrap_or_default();
    let mut spool = Bounded { inner: tempfile::SpooledTempFile::new(IN_MEMORY), left: Limits::default().unpacked, full: false, cancelled };
    let written = crate::pack::tar::write(&members, plan.era, &Bins::of(&manifest), adopted, &mut spool);
    if cancelled.load(Ordering::Relaxed) {
        return Err(SourceError::Cancelled);
    }
    if spool.full {
        return Err(package_too_large());
    }
    written?;
    let mut spool = spool.inner;
    spool.seek(SeekFrom::Start(0))?;
    Ok(Archive::read_tar(&mut spool, &Limits::default())?)
}

/// A file that takes no more than so many bytes, and none once the run is cancelled.
struct Bounded<'a, W> {
    inner: W,
    left: u64,
    full: bool,
    cancelled: &'a AtomicBool,
}

impl<W: Write> Write for Bounded<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(io::Error::other("cancelled"));
        }
        self.full |= bytes.len() as u64 > self.left;
        if self.full {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let written = self.inner.write(bytes)?;
        self.left = self.left.saturating_sub(written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Rebuilt {
    /// How close it came: the greater, the closer. In line with the order of verdicts.
    pub fn closeness(&self) -> (u8, usize, Reverse<usize>) {
        let rank = match self.outcome {
            Outcome::SameBytes => 2,
            Outcome::SameEntries => 1,
            Outcome::OtherEntries => 0,
        };
        (rank, self.files_matched(), Reverse(self.comparison.only_rebuilt.len()))
    }

    /// The rebuilt package.json, where this attempt's archive was kept.
    pub fn manifest(&self) -> Option<serde_json::Value> {
        let archive = self.archive.as_ref()?;
        let bytes = archive.content(archive.get("package.json")?).ok()?;
        serde_json::from_slice(crate::manifest::without_bom(&bytes)).ok()
    }

    /// Published files that came out the same.
    pub fn files_matched(&self) -> usize {
        self.comparison.identical.len()
    }

    /// Writes the rebuilt tarball; an error for an attempt whose archive was not kept.
    pub fn write_to(&self, out: &mut dyn Write) -> Result<(), SourceError> {
        let archive = self.archive.as_ref().ok_or_else(|| io::Error::other("the archive of this attempt was not kept"))?;
        Ok(gzip::compress(&mut archive.tar(), self.encoder, out)?)
    }

    /// The rebuilt tarball's integrity.
    pub fn integrity(&self) -> Result<String, SourceError> {
        let mut hash = HashWriter(Sha512::new());
        self.write_to(&mut hash)?;
        Ok(sha512_integrity(&hash.0.finalize()))
    }
}

/// `sha512-…` of a digest.
fn sha512_integrity(digest: &[u8]) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn rebuilt(outcome: Outcome) -> Rebuilt {
        let archive = Archive::read_tar(io::Cursor::new(vec![0; 1024]), &Limits::default()).expect("an empty archive");
        Rebuilt {
            recipe: Recipe {
                strategy: Strategy::Source,
                repository: String::new(),
                commit: String::new(),
                directory: String::new(),
                checkout: Checkout::Posix,
                file_list: String::new(),
                packer: String::new(),
            },
            outcome,
            comparison: compare::compare(&archive, &archive),
            adopted: Vec::new(),
            archive: Some(archive),
            encoder: Match { class: gzip::Class::C, level: 6, xfl: 0, os: 3 },
            times: [0, 0],
        }
    }

    #[test]
    fn the_closest_archive_is_kept_and_of_equals_the_first() {
        let kept = |outcomes: &[Outcome]| {
            let mut all: Vec<Rebuilt> = outcomes.iter().map(|outcome| rebuilt(*outcome)).collect();
            keep_closest(&mut all);
            all.iter().map(|one| one.archive.is_some()).collect::<Vec<_>>()
        };
        assert_eq!(kept(&[Outcome::OtherEntries, Outcome::SameEntries, Outcome::SameEntries]), [false, true, false]);
        assert_eq!(kept(&[Outcome::SameEntries, Outcome::SameBytes, Outcome::OtherEntries]), [false, true, false]);
        assert!(rebuilt(Outcome::SameBytes).integrity().is_ok());
    }

    #[test]
    fn equal_lists_have_one_number() {
        let entry = |path: &str| list::Entry { source: path.into(), path: path.into() };
        let mut lists = Vec::new();
        assert_eq!([vec![entry("a")], vec![entry("b")], vec![entry("a")]].map(|list| number(&mut lists, list)), [0, 1, 0]);
    }

    #[test]
    fn the_file_for_an_archive_is_bounded_and_closed_by_cancelling() {
        let cancelled = AtomicBool::new(false);
        let mut file = Bounded { inner: Vec::new(), left: 4, full: false, cancelled: &cancelled };
        assert!(file.write_all(b"1234").is_ok() && !file.full);
        assert!(file.write_all(b"5").is_err() && file.full);
        let mut file = Bounded { inner: Vec::new(), left: 4, full: false, cancelled: &cancelled };
        cancelled.store(true, Ordering::Relaxed);
        assert!(file.write_all(b"1").is_err() && !file.full);
    }
}
