//! From a package's folder to tarballs: the search over the clients that could have written the
//! published one.
//!
//! In: a folder, wherever its files are (git's objects, or a disk after a build), and the published
//! archive. Its header bytes say which clients could have written it, and so which file-list rules
//! are worth trying; the list itself comes from the rules alone. Out: every recipe that came to an
//! end. What is tried, likeliest first, and when it ends, is in `search`.

use std::collections::HashMap;
use std::io::{self, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use npm_pack::era::{self, Bins, Era};
use npm_pack::gzip::{self, Match};
use npm_pack::list::{self, Context, ListRules};
use npm_pack::rewrite::{self, Rewrite, Workspace};
use npm_pack::tar::{Adopted, Member};
use npm_pack::tree::{LARGEST_READ, Tree};
use npm_pack::{eras_of, list_rules_of};
use npm_spec::manifest::{self, LARGEST_PACKED};
use npm_tarball::{self, Archive, ChangeKind, EntryKind as Kind, Limits};
use recipe::{Checkout, Recipe, Taken};
use verdict::{Outcome, patience};

use super::checkout::package_too_large;
use super::error::SourceError;
use super::overlay::Overlay;
use super::rebuilt::{Cleaned, Rebuilt, keep_closest};
use super::recipe_for::is_written;
use super::search::{Search, Trial};
use crate::Published;

/// Part of a rebuilt tarball that stays in memory before it moves to a temporary file, in bytes.
const IN_MEMORY: usize = 16 << 20;

/// A package's folder that can be packed, wherever its files are.
pub trait Stock {
    /// Whose checkouts are worth packing, likeliest first.
    fn checkouts(&self) -> Vec<Checkout>;

    /// The files that choosing the others may read (see [`list::needs`]); they are asked for in one
    /// go before the rules run.
    fn needs(&self, checkout: Checkout) -> Vec<String>;

    /// Makes sure that the contents at these paths can be read, and that none is larger than
    /// `largest` bytes.
    fn ensure(&mut self, paths: &[&str], largest: u64) -> Result<(), SourceError>;

    /// The folder as one platform checks it out.
    fn shelves(&self, checkout: Checkout) -> Box<dyn Shelves + '_>;

    /// What lies around the folder and counts for how clients rewrite its package.json, which has
    /// these bytes; `None` where that is not known, and then package.json is packed as it is. It is
    /// asked for only where the published one is another.
    fn workspace(&mut self, _version: &str, _manifest: &[u8]) -> Result<Option<Workspace>, SourceError> {
        Ok(None)
    }
}

/// A package's folder, ready to be listed and read.
pub trait Shelves: Tree {
    /// One entry of the list with its content and mode; `None` where it is not there any more.
    fn member<'s>(&'s self, entry: &'s list::Entry) -> Result<Option<Member<'s>>, SourceError>;

    /// What stands at `path`; `None` for what is no file.
    fn content(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError>;

    /// Whether git has a pointer of the file at `path`, and the bytes are the published ones, by
    /// the hash in it.
    fn is_by_pointer(&self, _path: &str) -> Result<bool, SourceError> {
        Ok(false)
    }
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

/// Tries the recipes for one folder and adds those that came to an end. An error only if none did,
/// or if this machine failed.
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
    let mut rewrites = Rewrites::new(subject.published, &subject.base.version);
    let mut lists: Vec<Listed> = Vec::new();
    let mut failed = None;
    for checkout in stock.checkouts() {
        if search.is_over(checkout) {
            break;
        }
        let needed = stock.needs(checkout);
        stock.ensure(&needed.iter().map(String::as_str).collect::<Vec<_>>(), LARGEST_READ)?;
        let mut list_of: HashMap<(&str, usize), usize> = HashMap::new();
        for era in &eras {
            let rewrite = rewrites.of(stock, checkout, era)?;
            for rules in likeliest_first(list_rules_of(era), subject.published) {
                if is_over(subject.cancelled) {
                    return Err(SourceError::Cancelled);
                }
                if search.is_over_for(checkout, era.id) {
                    continue;
                }
                let started = Instant::now();
                let list = match list_of.get(&(rules.name, rewrite)) {
                    Some(known) => *known,
                    None => match rewrites.list(&*stock.shelves(checkout), rewrite, rules, &subject.context) {
                        Ok(listed) => {
                            let list = number(&mut lists, listed);
                            list_of.insert((rules.name, rewrite), list);
                            list
                        }
                        // Clients of other versions may take what this one refuses.
                        Err(error) => {
                            failed.get_or_insert(error);
                            continue;
                        }
                    },
                };
                let trial = Trial { checkout, era: era.id, list };
                let Some(listed) = lists.get(list).filter(|_| search.wants(trial)) else { continue };
                let Some(rewrite) = rewrites.get(listed.rewrite) else { continue };
                let plan = Plan { era, rules, checkout, listed, rewrite };
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
    }
    failed.map_or(Ok(()), Err)
}

/// Whether nobody waits for this any longer: the run was cancelled, or its time is over.
fn is_over(cancelled: &AtomicBool) -> bool {
    cancelled.load(Ordering::Relaxed) || patience::is_over()
}

/// The rules that can have written the published paths, then the others: of two lists with the same
/// files under other names the first that is packed ends the search.
fn likeliest_first(rules: &'static [&'static ListRules], published: &Published) -> Vec<&'static ListRules> {
    let paths = || published.headers.iter().flat_map(|headers| &headers.entries).map(|entry| entry.path.as_str());
    let (likely, others): (Vec<_>, Vec<_>) = rules.iter().copied().partition(|rules| rules.spells(paths()));
    likely.into_iter().chain(others).collect()
}

/// A list of files: what the client's rules choose, and the licence that it adds.
#[derive(Debug, PartialEq, Eq)]
struct Listed {
    /// The rewrite of package.json that the list was made under.
    rewrite: usize,
    entries: Vec<list::Entry>,
    /// Files that are not in the folder.
    added: Vec<(String, Vec<u8>)>,
}

/// What is known of what lies around the folder.
enum Around {
    /// Nothing needed it yet.
    Unasked,
    /// The folder's keeper does not know it.
    Unknown,
    Known(Box<Workspace>),
}

/// The rewrites of package.json that are worth packing: one for each era and checkout, found when
/// it is asked for.
struct Rewrites {
    published: Option<Vec<u8>>,
    readme: Option<Vec<u8>>,
    /// The published files and folders at the top.
    names: Vec<String>,
    /// What a release tool writes as the version.
    version: String,
    around: Around,
    known: Vec<Rewrite>,
}

impl Rewrites {
    fn new(published: &Published, version: &str) -> Self {
        let content = |path: &str| published.archive.get(path).and_then(|entry| published.archive.content(entry).ok());
        let tops = published.archive.entries().iter().map(|entry| entry.path.split('/').next().unwrap_or_default().to_owned());
        let names = tops.collect::<std::collections::BTreeSet<_>>().into_iter().collect();
        Self {
            published: content("package.json"),
            readme: content("README.md"),
            names,
            version: version.to_owned(),
            around: Around::Unasked,
            known: Vec::new(),
        }
    }

    fn get(&self, rewrite: usize) -> Option<&Rewrite> {
        self.known.get(rewrite)
    }

    /// The number of the rewrite for an era: the one that gives the published file, or else the
    /// likeliest. Where the file needs none, the surroundings are not even looked at.
    fn of(&mut self, stock: &mut dyn Stock, checkout: Checkout, era: &Era) -> Result<usize, SourceError> {
        let own = own_manifest(&*stock.shelves(checkout))?;
        if self.published.as_ref() == Some(&own) || self.published.is_none() || self.version.is_empty() {
            return Ok(self.number(Rewrite::as_is(&own)));
        }
        if matches!(self.around, Around::Unasked) {
            self.around = stock.workspace(&self.version, &own)?.map_or(Around::Unknown, |known| Around::Known(Box::new(known)));
        }
        let chosen = match &self.around {
            Around::Known(around) => {
                let seen = rewrite::Seen { readme: self.readme.as_deref(), names: &self.names };
                rewrite::choose(rewrite::candidates(era, &own, around), self.published.as_deref(), seen)
            }
            _ => None,
        };
        Ok(self.number(chosen.unwrap_or_else(|| Rewrite::as_is(&own))))
    }

    fn number(&mut self, rewrite: Rewrite) -> usize {
        let same =
            |known: &Rewrite| (&known.name, &known.manifest, &known.licenses) == (&rewrite.name, &rewrite.manifest, &rewrite.licenses);
        self.known.iter().position(same).unwrap_or_else(|| {
            self.known.push(rewrite);
            self.known.len() - 1
        })
    }

    fn list(&self, shelves: &dyn Shelves, rewrite: usize, rules: &ListRules, context: &Context) -> Result<Listed, SourceError> {
        let Some(how) = self.known.get(rewrite) else { return Ok(Listed { rewrite, entries: Vec::new(), added: Vec::new() }) };
        let around = match &self.around {
            Around::Known(workspace) => Some(&**workspace),
            Around::Unasked | Around::Unknown => None,
        };
        let (entries, added) = files(shelves, how, around, rules, context)?;
        Ok(Listed { rewrite, entries, added })
    }
}

/// A file that a client adds, with its content.
type Added = (String, Vec<u8>);

/// The files of a folder under a rewrite: those that the rules choose, and the licences that the
/// client adds.
fn files(
    shelves: &dyn Shelves,
    how: &Rewrite,
    around: Option<&Workspace>,
    rules: &ListRules,
    context: &Context,
) -> Result<(Vec<list::Entry>, Vec<Added>), SourceError> {
    let mut entries = list::entries(&Overlay::new(shelves, how, &[]), rules, context)?;
    let mut added = Vec::new();
    if let Some(workspace) = around {
        let listed: Vec<&str> = entries.iter().map(|entry| entry.source.as_str()).collect();
        added = how.added(workspace, &listed).into_iter().map(|(path, bytes)| (path.to_owned(), bytes.to_vec())).collect();
    }
    let known = |path: &String| list::Entry { source: path.clone(), path: path.clone() };
    entries.extend(added.iter().map(|(path, _)| known(path)));
    entries.sort();
    entries.dedup();
    // More than a tarball may hold is not even kept: there is a list for every client.
    let most = Limits::default();
    if entries.len() > most.entries || entries.iter().map(|entry| entry.path.len()).sum::<usize>() > most.paths_total {
        return Err(package_too_large());
    }
    Ok((entries, added))
}

/// Packs a folder as a recipe says; no published archive is looked at. With the archive come the
/// scripts that a tool took comments out of.
pub fn follow(
    stock: &mut dyn Stock,
    recipe: &Recipe,
    context: &Context,
    cancelled: &AtomicBool,
) -> Result<(Archive, Cleaned), SourceError> {
    let impossible = |what: &str| SourceError::Impossible { what: what.to_owned() };
    let era = era::by_id(&recipe.packer).ok_or_else(|| impossible(&recipe.packer))?;
    let rules = list::by_name(&recipe.file_list).ok_or_else(|| impossible(&recipe.file_list))?;
    let checkout = recipe.checkout;
    let needed = stock.needs(checkout);
    stock.ensure(&needed.iter().map(String::as_str).collect::<Vec<_>>(), LARGEST_READ)?;
    let own = own_manifest(&*stock.shelves(checkout))?;
    let (rewrite, around) = if recipe.rewrite == rewrite::AS_IS {
        (Rewrite::as_is(&own), None)
    } else {
        if !is_written(&recipe.version, &recipe.commit) {
            return Err(impossible("a version that no release tool writes"));
        }
        let around = stock.workspace(&recipe.version, &own)?.ok_or_else(|| impossible(&recipe.rewrite))?;
        (rewrite::by_name(era, &own, &around, &recipe.rewrite).ok_or_else(|| impossible(&recipe.rewrite))?, Some(around))
    };
    let (entries, added) = files(&*stock.shelves(checkout), &rewrite, around.as_ref(), rules, context)?;
    let listed = Listed { rewrite: 0, entries, added };
    let paths: Vec<&str> = listed.entries.iter().map(|entry| entry.source.as_str()).collect();
    stock.ensure(&paths, Limits::default().unpacked)?;
    let adopted = recipe.tarball.as_ref().and_then(|tarball| tarball.adopted.as_ref()).map(Taken::adopted).unwrap_or_default();
    let shelves = stock.shelves(checkout);
    let plan = Plan { era, rules, checkout, listed: &listed, rewrite: &rewrite };
    let overlay = Overlay::new(&*shelves, &rewrite, &listed.added);
    let (archive, _) = pack_adopting(&overlay, &plan, adopted, cancelled)?;
    let cleaned = overlay.cleaned(&listed.entries, &archive)?;
    Ok((archive, cleaned))
}

/// The number of a list; equal lists have the same.
fn number(lists: &mut Vec<Listed>, listed: Listed) -> usize {
    lists.iter().position(|known| *known == listed).unwrap_or_else(|| {
        lists.push(listed);
        lists.len() - 1
    })
}

/// Whether what differs is the files' own: eras decide over modes, and over whether links are
/// entries.
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
    listed: &'a Listed,
    rewrite: &'a Rewrite,
}

/// Packs one list and compares it.
fn attempt(stock: &mut dyn Stock, subject: &Subject<'_>, plan: &Plan<'_>, started: Instant) -> Result<Rebuilt, SourceError> {
    let published = subject.published;
    let Plan { era, rules, checkout, listed, rewrite } = *plan;
    let unpacked = Limits::default().unpacked;
    stock.ensure(&listed.entries.iter().map(|entry| entry.source.as_str()).collect::<Vec<_>>(), unpacked)?;
    let adopted = published.headers.as_ref().map(|headers| Adopted::from_published(headers, era)).unwrap_or_default();
    let shelves = stock.shelves(checkout);
    let overlay = Overlay::new(&*shelves, rewrite, &listed.added);
    let (archive, adopted) = pack_adopting(&overlay, plan, adopted, subject.cancelled)?;
    let packed = started.elapsed();
    let comparison = npm_tarball::compare(&published.archive, &archive);
    let found = if comparison.same_entries() { gzip::match_published(&mut archive.tar(), &published.bytes)? } else { None };
    let outcome = match (&found, comparison.same_entries()) {
        (Some(_), _) => Outcome::SameBytes,
        (None, true) => Outcome::SameEntries,
        (None, false) => Outcome::OtherEntries,
    };
    let cleaned = if comparison.same_entries() { overlay.cleaned(&listed.entries, &archive)? } else { Cleaned::default() };
    let mut pointers = 0_usize;
    for entry in &listed.entries {
        pointers += usize::from(shelves.is_by_pointer(&entry.source)?);
    }
    let order = rewrite.takes_order_over().then_some("order of dependencies in package.json");
    Ok(Rebuilt {
        recipe: Recipe {
            checkout,
            rewrite: rewrite.name.clone(),
            file_list: rules.name.to_owned(),
            packer: era.id.to_owned(),
            ..subject.base.clone()
        },
        outcome,
        comparison,
        adopted: adopted.list().iter().cloned().chain(order.map(str::to_owned)).collect(),
        archive: Some(archive),
        encoder: found.unwrap_or_else(|| Match::usual(era, adopted.gzip_os)),
        values: adopted,
        pointers,
        cleaned,
        times: [packed, started.elapsed().saturating_sub(packed)].map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
        run: None,
        submodules: Vec::new(),
    })
}

/// Writes the archive with what is adopted, unless a reader obeys any of that: a path within a
/// comment, a number for which npm passes over a header. Then it is written without. In an archive
/// that is plain no reader can have been told anything.
fn pack_adopting(
    shelves: &dyn Shelves,
    plan: &Plan<'_>,
    adopted: Adopted,
    cancelled: &AtomicBool,
) -> Result<(Archive, Adopted), SourceError> {
    let archive = pack(shelves, plan, &adopted, cancelled)?;
    if archive.is_plain() || adopted == Adopted::default() {
        return Ok((archive, adopted));
    }
    let harmless = adopted.sequence_alone();
    let own = pack(shelves, plan, &harmless, cancelled)?;
    Ok(if npm_tarball::read_alike(&own, &archive) { (archive, adopted) } else { (own, harmless) })
}

/// The package's package.json; an error for one that takes gigabytes of memory when it is read.
fn own_manifest(shelves: &dyn Shelves) -> Result<Vec<u8>, SourceError> {
    let own = shelves.content("package.json")?.unwrap_or_default();
    if manifest::is_too_large(&own, LARGEST_PACKED) {
        return Err(SourceError::TooLarge { what: "package.json, or the memory that its values take,".to_owned(), limit: LARGEST_PACKED });
    }
    Ok(own)
}

/// Writes the archive and reads it back as the published one was read.
fn pack(shelves: &dyn Shelves, plan: &Plan<'_>, adopted: &Adopted, cancelled: &AtomicBool) -> Result<Archive, SourceError> {
    let mut members: Vec<Member<'_>> = Vec::with_capacity(plan.listed.entries.len());
    for entry in &plan.listed.entries {
        // An edited file is read and compared here.
        if is_over(cancelled) {
            return Err(SourceError::Cancelled);
        }
        members.extend(shelves.member(entry)?);
    }
    let manifest = manifest::read_up_to::<serde_json::Value>(plan.rewrite.executables(), LARGEST_PACKED).unwrap_or_default();
    let mut spool = Bounded { inner: tempfile::SpooledTempFile::new(IN_MEMORY), left: Limits::default().unpacked, full: false, cancelled };
    let written = npm_pack::tar::write(&members, plan.era, &Bins::of(&manifest), adopted, &mut spool);
    if is_over(cancelled) {
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
        if is_over(self.cancelled) {
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
        let listed = |rewrite, path: &str| {
            let entries = vec![list::Entry { source: path.into(), path: path.into() }];
            Listed { rewrite, entries, added: Vec::new() }
        };
        let mut lists = Vec::new();
        let numbers = [listed(0, "a"), listed(0, "b"), listed(0, "a"), listed(1, "a")].map(|one| number(&mut lists, one));
        assert_eq!(numbers, [0, 1, 0, 2]);
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
