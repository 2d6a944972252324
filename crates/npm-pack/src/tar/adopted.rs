//! What is taken over from a published archive: values that the client read from its publisher's
//! disk and that extraction discards.

use std::collections::{BTreeMap, BTreeSet};

use super::entry::Type;
use super::pax;
use crate::era::{Era, Mtime};
use crate::fingerprint::Headers;
use crate::order;

/// Keywords that npm's extraction ignores, and the three that are replaced.
const HARMLESS: &[&str] = &["path", "linkpath", "size", "atime", "ctime", "mtime", "uid", "gid", "uname", "gname", "comment"];

/// Numbers of the publisher's disk.
const SCHILY: &[&str] = &["SCHILY.dev", "SCHILY.ino", "SCHILY.nlink"];

/// Values of a published archive that its source cannot tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Adopted {
    /// The first path component; none: `package`.
    pub root: Option<String>,
    /// Paths in their published sequence; empty: the era's rule.
    pub order: Vec<String>,
    /// By path relative to the package: a directory's with a slash at the end, the root's empty.
    pub entries: BTreeMap<String, AdoptedEntry>,
    /// The OS byte of the gzip header, where it is the publisher's platform.
    pub gzip_os: Option<u8>,
    /// What was adopted, for people.
    pub notes: Vec<String>,
}

/// What is adopted for one entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AdoptedEntry {
    /// Seconds since 1970; none: the field is all NUL.
    pub mtime: Option<u64>,
    /// Permission bits; of them the era's `mode_bits` count.
    pub mode: u32,
    /// Owner and further times.
    pub signature: Signature,
    /// An extended header in front.
    pub pax: Option<AdoptedPax>,
}

/// Who owned a file and when it was last used, on the publisher's disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signature {
    /// User id.
    pub uid: IdField,
    /// Group id.
    pub gid: IdField,
    /// User name.
    pub user: String,
    /// Group name.
    pub group: String,
    /// Access time, seconds since 1970.
    pub accessed: Option<u64>,
    /// Change time, seconds since 1970.
    pub changed: Option<u64>,
}

/// A uid or gid field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum IdField {
    /// An octal number.
    Number(u64),
    /// Base 256, which node-tar 2 writes one byte too far to the right, leaving one byte of the
    /// field uninitialised.
    Raw([u8; 8]),
}

impl Default for IdField {
    fn default() -> Self {
        Self::Number(0)
    }
}

/// The extended header of a published entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AdoptedPax {
    /// Its own owner fields.
    pub signature: Signature,
    /// Keywords and values in sequence.
    pub records: Vec<(String, Vec<u8>)>,
}

impl AdoptedPax {
    /// Whether extraction throws all of the records away but for path, link target and size, which
    /// are never taken over. Other keywords may mean something to some reader (`GNU.sparse.name` is
    /// a path, and old node-tar obeys a `mode`).
    pub fn is_harmless(&self) -> bool {
        self.records.iter().all(|(keyword, _)| {
            HARMLESS.contains(&keyword.as_str()) || keyword.starts_with("NODETAR.") || SCHILY.contains(&keyword.as_str())
        })
    }

    /// Whether the path, and the target where there is one, stand in the records.
    pub(super) fn covers(&self, link: &str) -> bool {
        let has = |wanted: &str| self.records.iter().any(|(keyword, _)| keyword == wanted);
        has("path") && (link.is_empty() || has("linkpath"))
    }

    /// The published records, but with path, link target and size of the entry at hand: these three
    /// reach the disk.
    pub(super) fn records(&self, path: &str, link: &str, size: u64) -> Vec<u8> {
        let mut records = Vec::new();
        for (keyword, value) in &self.records {
            match keyword.as_str() {
                "path" => pax::push(&mut records, keyword, path.as_bytes()),
                "linkpath" => pax::push(&mut records, keyword, link.as_bytes()),
                "size" => pax::push(&mut records, keyword, size.to_string().as_bytes()),
                _ => pax::push(&mut records, keyword, value),
            }
        }
        records
    }
}

impl Adopted {
    /// Takes from a published archive what `era` allows, and nothing else.
    pub fn from_published(published: &Headers, era: &Era) -> Self {
        let mut adopted = Self::default();
        let adopts = era.adopts;
        if adopts.root && published.root != "package" {
            adopted.root = Some(published.root.clone());
            adopted.notes.push(format!("first path component {}", published.root));
        }
        let wanted = adopts.mtime || adopts.owner || adopts.pax || adopts.mode_bits != 0 || adopts.root;
        for entry in published.entries.iter().filter(|_| wanted) {
            adopted.entries.entry(entry.path.clone()).or_insert_with(|| AdoptedEntry {
                mtime: entry.mtime,
                mode: entry.mode,
                signature: entry.signature.clone(),
                pax: entry.pax.clone().filter(AdoptedPax::is_harmless),
            });
        }
        if adopts.order {
            adopted.order = published.entries.iter().map(|entry| entry.path.clone()).collect();
        }
        let language = if adopts.locale && !published.is_in_order(era.order) {
            let paths: Vec<&str> = published.entries.iter().map(|entry| entry.path.as_str()).collect();
            order::locale_of(&paths)
        } else {
            None
        };
        if let Some(language) = language {
            adopted.order = published.entries.iter().map(|entry| entry.path.clone()).collect();
            adopted.notes.push(format!("sequence of the entries: sorted by the language {language}"));
        }
        if era.gzip.os.is_none() {
            adopted.gzip_os = Some(published.gzip.os);
        }
        adopted.describe(published, era);
        adopted
    }

    /// Of these values the sequence and the first path component, where that is a plain name.
    #[must_use]
    pub fn sequence_alone(&self) -> Self {
        let plain = |root: &String| !root.is_empty() && root.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        Self { root: self.root.clone().filter(plain), order: self.order.clone(), gzip_os: self.gzip_os, ..Self::default() }
    }

    /// What was adopted, for people.
    pub fn list(&self) -> &[String] {
        &self.notes
    }

    fn describe(&mut self, published: &Headers, era: &Era) {
        let entries = &published.entries;
        let count = |n: usize| if n == 1 { "1 entry".to_owned() } else { format!("{n} entries") };
        if era.adopts.mtime {
            self.notes.push(format!("modification times of {}", count(entries.len())));
        }
        if era.adopts.owner {
            let owners: BTreeSet<_> = entries.iter().map(|entry| (entry.signature.uid, entry.signature.gid)).collect();
            self.notes.push(match owners.first() {
                Some((IdField::Number(uid), IdField::Number(gid))) if owners.len() == 1 => format!("owner {uid}:{gid}"),
                _ => format!("owners of {}", count(entries.len())),
            });
        }
        let packed = entries.iter().filter(|entry| entry.pax.is_some()).count();
        if era.adopts.pax && packed > 0 {
            self.notes.push(format!("pax records of {}", count(packed)));
        }
        let unusual = entries
            .iter()
            .filter(|entry| !entry.is_directory() && entry.mode & era.adopts.mode_bits != 0o644 & era.adopts.mode_bits)
            .count();
        if unusual > 0 {
            self.notes.push(format!("read and write bits of {}", count(unusual)));
        }
        if era.adopts.order && !published.is_in_order(era.order) {
            self.notes.push("sequence of the entries".to_owned());
        }
        if let Some(os) = self.gzip_os {
            self.notes.push(format!("gzip OS byte {os}"));
        }
    }
}

/// The computed mode with the bits that the era leaves to the publisher's disk.
pub(super) fn mode(computed: u32, adoptable: u32, known: Option<&AdoptedEntry>) -> u32 {
    known.map_or(computed, |known| computed & !adoptable | known.mode & adoptable)
}

/// The time that the header gets.
pub(super) fn mtime(era: &Era, kind: Type, known: Option<&AdoptedEntry>, on_disk: Option<u64>) -> Option<u64> {
    match era.mtime {
        Mtime::Nul => None,
        Mtime::Fixed(seconds) => Some(seconds),
        Mtime::OfFile { directories: false } if kind == Type::Directory => None,
        Mtime::OfFile { .. } => known.and_then(|known| known.mtime).or(on_disk).or(Some(crate::era::NPM_EPOCH)),
    }
}
