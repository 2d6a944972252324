//! Two archives, entry by entry.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde::Serialize;

use super::archive::{Archive, Entry, EntryKind};
use super::oddity::OddityKind;

/// In what an entry differs; of several, the first in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// A file here, a link or something else there.
    Type,
    /// Two links with different targets.
    Link,
    /// Different content.
    Bytes,
    /// The same content, but another mode on disk.
    Mode,
}

/// One side of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Side {
    /// What the entry is.
    #[serde(rename = "type")]
    pub kind: EntryKind,
    /// The mode on disk, in octal.
    pub mode: String,
    /// Bytes of content, or of the link target.
    pub size: u64,
    /// SHA-256 of the content or link target, in hex.
    pub sha256: String,
    /// Where a link points to.
    pub link_target: Option<String>,
}

impl Side {
    fn of(entry: &Entry) -> Self {
        Self {
            kind: entry.kind,
            mode: format!("{:o}", entry.mode_on_disk),
            size: entry.size,
            sha256: hex::encode(entry.sha256),
            link_target: entry.link_target.clone(),
        }
    }
}

/// A path that is in both archives, but not the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The path.
    pub path: String,
    /// What differs.
    pub kind: ChangeKind,
    /// The entry as published.
    pub published: Side,
    /// The entry as rebuilt.
    pub rebuilt: Side,
}

/// What two archives have in common and what not. All lists are in byte order of path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// Entries that are the same: type, mode on disk, content or link target.
    pub identical: Vec<String>,
    /// Entries that differ.
    pub changed: Vec<Change>,
    /// Entries of the published archive alone.
    pub only_published: Vec<String>,
    /// Entries of the rebuilt archive alone.
    pub only_rebuilt: Vec<String>,
    /// Every reader sees the same in each of them.
    #[serde(skip)]
    both_plain: bool,
}

impl Comparison {
    /// Whether the entries agree, whatever else the archives hold.
    pub fn same_entries(&self) -> bool {
        self.changed.is_empty() && self.only_published.is_empty() && self.only_rebuilt.is_empty()
    }

    /// Whether every reader gets the same package from both: both plain, and the same entries.
    pub fn same_content(&self) -> bool {
        self.both_plain && self.same_entries()
    }
}

/// Whether readers see the same in both, and disagree about the same.
pub fn read_alike(one: &Archive, other: &Archive) -> bool {
    let odd = |archive: &Archive| -> BTreeSet<(OddityKind, Option<String>)> {
        archive.oddities().iter().map(|odd| (odd.kind, odd.path.clone())).collect()
    };
    compare(one, other).same_entries() && odd(one) == odd(other) && one.oddities_omitted() == other.oddities_omitted()
}

/// Compares what was published with what was rebuilt.
pub fn compare(published: &Archive, rebuilt: &Archive) -> Comparison {
    let mut comparison = Comparison {
        identical: Vec::new(),
        changed: Vec::new(),
        only_published: Vec::new(),
        only_rebuilt: Vec::new(),
        both_plain: published.is_plain() && rebuilt.is_plain(),
    };
    let mut left = published.entries().iter().peekable();
    let mut right = rebuilt.entries().iter().peekable();
    loop {
        let order = match (left.peek(), right.peek()) {
            (None, None) => return comparison,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(ours), Some(theirs)) => ours.path.cmp(&theirs.path),
        };
        let ours = if order == Ordering::Greater { None } else { left.next() };
        let theirs = if order == Ordering::Less { None } else { right.next() };
        match (ours, theirs) {
            (Some(ours), Some(theirs)) => match difference(ours, theirs) {
                None => comparison.identical.push(ours.path.clone()),
                Some(kind) => {
                    comparison.changed.push(Change { path: ours.path.clone(), kind, published: Side::of(ours), rebuilt: Side::of(theirs) });
                }
            },
            (Some(ours), None) => comparison.only_published.push(ours.path.clone()),
            (None, Some(theirs)) => comparison.only_rebuilt.push(theirs.path.clone()),
            (None, None) => return comparison,
        }
    }
}

fn difference(ours: &Entry, theirs: &Entry) -> Option<ChangeKind> {
    if ours.kind != theirs.kind {
        Some(ChangeKind::Type)
    } else if ours.link_target != theirs.link_target {
        Some(ChangeKind::Link)
    } else if ours.sha256 != theirs.sha256 {
        Some(ChangeKind::Bytes)
    } else if ours.mode_on_disk != theirs.mode_on_disk {
        Some(ChangeKind::Mode)
    } else {
        None
    }
}
