//! From a package's folder to tarballs: the search over the clients that could have written the published one.
//!
//! In: a folder, wherever its files are (git's objects, or a disk after a build), and the published archive. Its header bytes
//! say which clients could have written it, and so which file-list rules are worth trying; the list itself comes from the
//! rules alone. Out: every recipe that came to an end. What is tried, likeliest first, and when it ends, is in `search`.

use std::collections::HashMap;
use std::io::{self, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::Recipe;
use super::checkout::{LARGEST_READ, package_too_large};
use super::error::SourceError;
use super::rebuilt::{Rebuilt, keep_closest};
use super::search::{Search, Trial};
use crate::compare::{self, Archive, ChangeKind, EntryKind as Kind, Limits};
use crate::git::attributes::Checkout;
use crate::pack::era::{Bins, Era};
use crate::pack::gzip::{self, Match};
use crate::pack::list::{self, Context, ListRules};
use crate::pack::tar::{Adopted, Member};
use crate::pack::tree::Tree;
use crate::pack::{eras_of, list_rules_of};
use crate::published::Published;
use crate::verdict::Outcome;

/// Part of a rebuilt tarball that stays in memory before it moves to a temporary file, in bytes.
const IN_MEMORY: usize = 16 << 20;

/// A package's folder that can be packed, wherever its files are.
pub trait Stock {
    /// Whose checkouts are worth packing, likeliest first.
    fn checkouts(&self) -> Vec<Checkout>;

    /// The files that choosing the others may read (see [`list::needs`]); they are asked for in one go before the rules run.
    fn needs(&self, checkout: Checkout) -> Vec<String>;

    /// Makes sure that the contents at these paths can be read, and that none is larger than `largest` bytes.
    fn ensure(&mut self, paths: &[&str], largest: u64) -> Result<(), SourceError>;

    /// The folder as one platform checks it out.
    fn shelves(&self, checkout: Checkout) -> Box<dyn Shelves + '_>;
}

/// A package's folder, ready to be listed and read.
pub trait Shelves: Tree {
    /// One entry of the list with its content and mode; `None` where it is not there any more.
    fn member<'s>(&'s self, entry: &'s list::Entry) -> Result<Option<Member<'s>>, SourceError>;

    /// What stands at `path`; `None` for what is no file.
    fn content(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError>;
}

/// What is rebuilt, what lies around its folder, and whether to stop.
pub struct Subject<'a> {
    /// What was published.
    pub published: &'a Published,
    /// What lies around the folder and counts for the list.
    pub context: Context,
    /// What is the same for all recipes: the rest is filled in here.
    pub base: Recipe,
    /// Set when nothing more is wanted.
    pub cancelled: &'a AtomicBool,
}

/// Tries the recipes for one folder and adds those that came to an end. An error only if none did, or if this machine failed.
pub fn pack_folder(stock: &mut dyn Stock, subject: &Subject<'_>, rebuilt: &mut Vec<Rebuilt>) -> Result<(), SourceError> {
    let before = rebuilt.len();
    match try_all(stock, subject, rebuilt) {
        Err(error) if rebuilt.len() == before || error.is_ours() => Err(error),
        _ => Ok(()),
    }
}

fn try_all(stock: &mut dyn Stock, subject: &Subject<'_>, rebuilt: &mut Vec<Rebuilt>) -> Result<(), SourceError> {
    let eras = eras_of(subject.published.fingerprint.as_ref());
    let mut search = Search::default();
    let mut lists: Vec<Vec<list::Entry>> = Vec::new();
    let mut failed = None;
    for checkout in stock.checkouts() {
        if search.is_over(checkout) {
            break;
        }
        let needed = stock.needs(checkout);
        stock.ensure(&needed.iter().map(String::as_str).collect::<Vec<_>>(), LARGEST_READ)?;
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
                None => match list::entries(&*stock.shelves(checkout), rules, &subject.context) {
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
            match attempt(stock, subject, &plan, started) {
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

/// One recipe, before it is packed.
struct Plan<'a> {
    era: &'static Era,
    rules: &'static ListRules,
    checkout: Checkout,
    entries: &'a [list::Entry],
}

/// Packs one list and compares it.
fn attempt(stock: &mut dyn Stock, subject: &Subject<'_>, plan: &Plan<'_>, started: Instant) -> Result<Rebuilt, SourceError> {
    let published = subject.published;
    let Plan { era, rules, checkout, entries } = *plan;
    let unpacked = Limits::default().unpacked;
    stock.ensure(&entries.iter().map(|entry| entry.source.as_str()).collect::<Vec<_>>(), unpacked)?;
    let adopted = published.headers.as_ref().map(|headers| Adopted::from_published(headers, era)).unwrap_or_default();
    let archive = pack(&*stock.shelves(checkout), plan, &adopted, subject.cancelled)?;
    let packed = started.elapsed();
    let comparison = compare::compare(&published.archive, &archive);
    let found = if comparison.same_entries() { gzip::match_published(&mut archive.tar(), &published.bytes)? } else { None };
    let outcome = match (&found, comparison.same_entries()) {
        (Some(_), _) => Outcome::SameBytes,
        (None, true) => Outcome::SameEntries,
        (None, false) => Outcome::OtherEntries,
    };
    Ok(Rebuilt {
        recipe: Recipe { checkout, file_list: rules.name.to_owned(), packer: era.id.to_owned(), ..subject.base.clone() },
        outcome,
        comparison,
        adopted: adopted.list().to_vec(),
        archive: Some(archive),
        encoder: found.unwrap_or_else(|| Match::usual(era, adopted.gzip_os)),
        times: [packed, started.elapsed().saturating_sub(packed)].map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
    })
}

/// Writes the archive and reads it back as the published one was read.
fn pack(shelves: &dyn Shelves, plan: &Plan<'_>, adopted: &Adopted, cancelled: &AtomicBool) -> Result<Archive, SourceError> {
    let mut members: Vec<Member<'_>> = Vec::with_capacity(plan.entries.len());
    for entry in plan.entries {
        members.extend(shelves.member(entry)?);
    }
    let manifest = shelves.content("package.json")?.unwrap_or_default();
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

#[cfg(test)]
mod tests {
    use super::*;

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
