//! From the entries as the archive lists them to the entries as they end up on disk.
//!
//! Duplicates become one, what cannot stand beside each other is sorted out as npm's extraction
//! does, in the order of the archive, and everything on which readers or file systems could
//! disagree is noted.

use std::cmp::Ordering;

use unicode_normalization::UnicodeNormalization;

use super::archive::{Entry, EntryKind};
use super::oddity::{Oddities, OddityKind};

/// An entry as it came.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) entry: Entry,
    /// Its name had a `./` in it.
    pub(super) dotted: bool,
    /// It removes what is there instead of writing over it.
    pub(super) replaces: bool,
    /// The component that was taken off its name.
    pub(super) root: String,
}

impl Found {
    fn same(&self, other: &Self) -> bool {
        alike(&self.entry, &other.entry)
    }
}

/// A directory that the archive names.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) path: String,
    pub(super) order: usize,
}

fn alike(one: &Entry, other: &Entry) -> bool {
    (one.kind, one.mode_on_disk, one.sha256, &one.link_target) == (other.kind, other.mode_on_disk, other.sha256, &other.link_target)
}

/// Settles what was found, and sorts it by path.
pub(super) fn settle(mut found: Vec<Found>, directories: Vec<Directory>, odd: &mut Oddities) -> Vec<Entry> {
    ignore_files(&found, odd);
    hardlinks(&found, odd);
    found.sort_by(|a, b| a.entry.path.cmp(&b.entry.path).then(a.entry.order.cmp(&b.entry.order)));
    let mut entries: Vec<Entry> = Vec::with_capacity(found.len());
    for same_path in found.chunk_by(|a, b| a.entry.path == b.entry.path) {
        entries.extend(merge(same_path, odd));
    }
    conflicts(&mut entries, directories, odd);
    twins(&entries, odd);
    entries
}

/// What is left of several entries of one path. npm writes over a file, and so keeps its mode;
/// links it never makes.
fn merge(same_path: &[Found], odd: &mut Oddities) -> Option<Entry> {
    let first = same_path.first()?;
    let path = Some(first.entry.path.as_str());
    if !same_path.iter().all(|other| first.same(other)) {
        odd.add(OddityKind::DuplicateDiffers, path);
    }
    if same_path.iter().all(|one| one.dotted) {
        odd.add(OddityKind::DotSegment, path);
    }
    let mut settled: Option<Entry> = None;
    for next in same_path {
        settled = Some(match settled {
            Some(before) if before.kind == EntryKind::File && next.entry.kind != EntryKind::File => before,
            Some(before) if before.kind == EntryKind::File && !next.replaces => {
                Entry { mode_on_disk: before.mode_on_disk, order: before.order, ..next.entry.clone() }
            }
            _ => next.entry.clone(),
        });
    }
    settled
}

/// npm makes `.gitignore` to `.npmignore`. With both in a folder, the result depends on their order
/// and on their full names.
fn ignore_files(found: &[Found], odd: &mut Oddities) {
    let mut seen: Vec<(&str, &Found)> = found
        .iter()
        .filter(|one| one.entry.kind == EntryKind::File)
        .filter_map(|one| {
            let (folder, name) = one.entry.path.rsplit_once('/').unwrap_or(("", &one.entry.path));
            matches!(name, ".gitignore" | ".npmignore").then_some((folder, one))
        })
        .collect();
    seen.sort_by_key(|(folder, _)| *folder);
    for folder in seen.chunk_by(|a, b| a.0 == b.0) {
        let Some((_, first)) = folder.first() else { continue };
        let both = folder.iter().any(|(_, one)| one.entry.path != first.entry.path);
        let alike = |one: &Found| one.root == first.root && one.entry.mode_on_disk == first.entry.mode_on_disk;
        if both && !folder.iter().all(|(_, one)| !one.dotted && !one.replaces && alike(one)) {
            odd.add(OddityKind::IgnoreFileClash, Some(&first.entry.path));
        }
    }
}

/// A hard link is only the same to all readers if the file that it names came before it.
fn hardlinks(found: &[Found], odd: &mut Oddities) {
    if !found.iter().any(|one| one.entry.kind == EntryKind::Hardlink) {
        return;
    }
    let mut files = std::collections::HashSet::new();
    for one in found {
        if one.entry.kind == EntryKind::File {
            files.insert(one.entry.path.as_str());
        }
        let target = one.entry.link_target.as_deref().unwrap_or_default();
        if one.entry.kind == EntryKind::Hardlink && !files.contains(target) {
            odd.add(OddityKind::HardlinkTarget, Some(&one.entry.path));
        }
    }
}

/// A path among others, for finding those that lie below one that is no directory.
#[derive(Debug)]
struct Place<'a> {
    path: &'a str,
    order: usize,
    /// None for a directory that the archive names.
    entry: Option<usize>,
}

/// Byte order, but with the separator below every other byte: what is below a path then follows it
/// directly.
fn tree_order(a: &str, b: &str) -> Ordering {
    let rank = |byte: u8| if byte == b'/' { 0 } else { u16::from(byte) + 1 };
    a.bytes().map(rank).cmp(b.bytes().map(rank))
}

fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'))
}

/// Groups of a path that is not a directory with what is at or below it.
fn overlaps<'a>(places: &'a mut [Place<'a>]) -> Vec<&'a [Place<'a>]> {
    // Entries before directories of the same path.
    places.sort_by(|a, b| tree_order(a.path, b.path).then(a.entry.is_none().cmp(&b.entry.is_none())));
    let mut groups = Vec::new();
    let mut rest: &[Place<'_>] = places;
    while let Some((leaf, after)) = rest.split_first() {
        let below = if leaf.entry.is_some() {
            after.iter().take_while(|next| is_below(next.path, leaf.path) || next.path == leaf.path).count()
        } else {
            0
        };
        if below > 0 {
            groups.push(rest.get(..=below).unwrap_or_default());
        }
        rest = rest.get(below.saturating_add(1)..).unwrap_or_default();
    }
    groups
}

/// Finds paths that are a file and a directory, and drops what npm could not write.
fn conflicts(entries: &mut Vec<Entry>, directories: Vec<Directory>, odd: &mut Oddities) {
    let mut dropped = vec![false; entries.len()];
    {
        let renamed = renamed(entries);
        let mut places: Vec<Place<'_>> =
            directories.iter().map(|directory| Place { path: &directory.path, order: directory.order, entry: None }).collect();
        for (at, entry) in entries.iter().enumerate() {
            places.push(Place { path: &entry.path, order: entry.order, entry: Some(at) });
        }
        for (at, path) in &renamed {
            if let Some(entry) = entries.get(*at) {
                places.push(Place { path, order: entry.order, entry: Some(*at) });
            }
        }
        for group in overlaps(&mut places) {
            let Some(leaf) = group.first() else { continue };
            // The same path twice among entries is `.gitignore` beside `.npmignore`, which has its
            // own rule.
            if group.iter().skip(1).all(|next| next.path == leaf.path && next.entry.is_some()) {
                continue;
            }
            odd.add(OddityKind::PathConflict, Some(leaf.path));
            play(group, entries, &mut dropped);
        }
    }
    drop(directories);
    let mut dropped = dropped.into_iter();
    entries.retain(|_| !dropped.next().unwrap_or(false));
}

/// The paths that npm writes instead: of every `.gitignore`, `.npmignore`.
fn renamed(entries: &[Entry]) -> Vec<(usize, String)> {
    let is_file = |entry: &Entry| entry.kind == EntryKind::File;
    entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| is_file(entry) && (entry.path == ".gitignore" || entry.path.ends_with("/.gitignore")))
        .filter_map(|(at, entry)| Some((at, format!("{}.npmignore", entry.path.strip_suffix(".gitignore")?))))
        .collect()
}

/// Plays one group through in the order of the archive: whoever is there first stays. Directories
/// that the archive names have no part in it, since pacote's filter leaves them out, and npm makes
/// a folder only for what is in it.
fn play(group: &[Place<'_>], entries: &[Entry], dropped: &mut [bool]) {
    let Some(leaf) = group.first() else { return };
    let mut files: Vec<(&Place<'_>, usize)> = group
        .iter()
        .filter_map(|place| Some((place, place.entry?)))
        .filter(|(_, at)| entries.get(*at).is_some_and(|entry| entry.kind == EntryKind::File))
        .collect();
    files.sort_by_key(|(place, _)| place.order);
    let Some((first, _)) = files.first() else { return };
    let file_wins = first.path == leaf.path;
    for (place, at) in &files {
        if (place.path == leaf.path) != file_wins
            && let Some(slot) = dropped.get_mut(*at)
        {
            *slot = true;
        }
    }
}

/// Whether two names are the same letters, composed in one and taken apart in the other, as macOS
/// takes accents apart.
pub fn same_letters(a: &str, b: &str) -> bool {
    a != b && a.nfc().eq(b.nfc())
}

/// node-tar's idea of when two names may be one file: without case and with accents apart
/// (`normalize-unicode.js`).
fn fold(path: &str) -> String {
    if path.is_ascii() {
        return path.to_ascii_uppercase();
    }
    path.nfd().collect::<String>().to_lowercase().to_uppercase()
}

/// Notes paths that macOS or Windows would take for one. What lands there depends on the order of
/// writing, unless they are the same; so equal sets of entries are no proof of an equal
/// installation, and the archive is not plain.
fn twins(entries: &[Entry], odd: &mut Oddities) {
    let mut folded: Vec<(String, usize)> = entries.iter().enumerate().map(|(at, entry)| (fold(&entry.path), at)).collect();
    folded.sort();
    for group in folded.chunk_by(|a, b| a.0 == b.0) {
        let mut members = group.iter().filter_map(|(_, at)| entries.get(*at));
        let Some(first) = members.next() else { continue };
        if let Some(other) = members.find(|other| !alike(first, other)) {
            odd.add(OddityKind::CaseTwin, Some(&other.path));
        }
    }
    let mut places: Vec<Place<'_>> = folded.iter().map(|(path, at)| Place { path, order: 0, entry: Some(*at) }).collect();
    for group in overlaps(&mut places) {
        let Some(leaf) = group.first() else { continue };
        for place in group.iter().skip(1).filter(|place| place.path != leaf.path) {
            if let Some(entry) = place.entry.and_then(|at| entries.get(at)) {
                odd.add(OddityKind::CaseTwin, Some(&entry.path));
            }
        }
    }
}
