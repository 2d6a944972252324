//! What an archive holds, once read.

use std::io::{self, Read};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::error::ArchiveError;
use super::gunzip::{Gunzip, GzipHeader};
use super::limits::Limits;
use super::oddity::Oddity;
use super::source::Finished;
use super::spool::TarReader;
use super::tar;

/// What an entry is. Directories are not entries: npm makes those that its files need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntryKind {
    /// A regular file: what npm writes.
    File,
    /// A symbolic link. npm leaves it out, other clients do not.
    Symlink,
    /// A hard link. npm leaves it out, other clients do not.
    Hardlink,
    /// A device, or an unknown type: its type flag. npm leaves it out.
    Other(u8),
}

impl EntryKind {
    /// The name as it stands in JSON and in the content digest.
    pub fn name(self) -> String {
        match self {
            Self::File => "file".to_owned(),
            Self::Symlink => "symlink".to_owned(),
            Self::Hardlink => "hardlink".to_owned(),
            Self::Other(flag) => format!("type-{flag:02x}"),
        }
    }
}

impl Serialize for EntryKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

/// One entry, as npm 11 would put it on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The path below the package's folder, separated by `/`: the first component is gone.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// `((mode | 0o666) & !0o022) | 0o600`: pacote's minimum, under the usual umask. Setuid and
    /// sticky bits stay.
    pub mode_on_disk: u32,
    /// The mode field as it stands in the header.
    pub raw_mode: u32,
    /// Bytes of content, or of the link target.
    pub size: u64,
    /// SHA-256 of the content, or of the link target.
    pub sha256: [u8; 32],
    /// git's blob id of the content, or of the link target.
    pub blob_id: [u8; 20],
    /// The link target. A hard link's has lost its first component, as the path has.
    pub link_target: Option<String>,
    /// The header's modification time, in seconds since 1970. Extraction discards it.
    pub mtime: Option<i64>,
    /// Where the content begins in the tar stream, in bytes.
    pub offset: u64,
    /// The place in the archive's order, counted over all entries and directories; of duplicates,
    /// the first one's.
    pub order: usize,
}

/// A package archive, read once. Contents stay in the spooled tar stream and are read from there.
#[derive(Debug)]
pub struct Archive {
    entries: Vec<Entry>,
    oddities: Vec<Oddity>,
    oddities_omitted: u64,
    rest: Held,
}

#[derive(Debug)]
struct Held {
    spool: super::spool::Spool,
    gzip: Option<GzipHeader>,
    compressed: u64,
}

impl Archive {
    /// Reads a `.tgz` as npm 11 does.
    pub fn read(compressed: impl Read, limits: &Limits) -> Result<Self, ArchiveError> {
        tar::read(Gunzip::new(compressed, limits), limits)
    }

    /// Reads a tar stream that was never compressed: what a packer made.
    pub fn read_tar(tar: impl Read, limits: &Limits) -> Result<Self, ArchiveError> {
        tar::read(Gunzip::bare(tar, limits), limits)
    }

    pub(super) fn assemble(entries: Vec<Entry>, oddities: (Vec<Oddity>, u64), finished: Finished) -> Self {
        let Finished { spool, gzip, compressed } = finished;
        Self { entries, oddities: oddities.0, oddities_omitted: oddities.1, rest: Held { spool, gzip, compressed } }
    }

    /// The entries, in byte order of path; no path is there twice.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entries, in the order of the archive.
    pub fn in_archive_order(&self) -> Vec<&Entry> {
        let mut entries: Vec<&Entry> = self.entries.iter().collect();
        entries.sort_unstable_by_key(|entry| entry.order);
        entries
    }

    /// The entry at a path.
    pub fn get(&self, path: &str) -> Option<&Entry> {
        let at = self.entries.binary_search_by(|entry| entry.path.as_str().cmp(path)).ok()?;
        self.entries.get(at)
    }

    /// Why the archive is not plain: the first of the reasons, each with its path.
    pub fn oddities(&self) -> &[Oddity] {
        &self.oddities
    }

    /// How many more reasons there are than [`oddities`](Self::oddities) lists.
    pub fn oddities_omitted(&self) -> u64 {
        self.oddities_omitted
    }

    /// Whether every reader in use sees the same package in these bytes.
    pub fn is_plain(&self) -> bool {
        self.oddities.is_empty()
    }

    /// The header of the first gzip member; none for a bare tar.
    pub fn gzip_header(&self) -> Option<&GzipHeader> {
        self.rest.gzip.as_ref()
    }

    /// Bytes of the compressed file; of the tar stream where it was not compressed.
    pub fn compressed_len(&self) -> u64 {
        self.rest.compressed
    }

    /// Bytes of the tar stream, up to its very end.
    pub fn tar_len(&self) -> u64 {
        self.rest.spool.len()
    }

    /// The whole tar stream, also what lies after the end marker.
    pub fn tar(&self) -> TarReader<'_> {
        TarReader::new(&self.rest.spool, 0, self.rest.spool.len())
    }

    /// An entry's content as a stream. Links have none: their target is in [`Entry::link_target`].
    pub fn open(&self, entry: &Entry) -> TarReader<'_> {
        let len = if entry.link_target.is_some() { 0 } else { entry.size };
        TarReader::new(&self.rest.spool, entry.offset, len)
    }

    /// An entry's content in memory. The caller has looked at [`Entry::size`].
    pub fn content(&self, entry: &Entry) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        self.open(entry).read_to_end(&mut out)?;
        Ok(out)
    }

    /// The content digest: SHA-256, in hex, over the entries in byte order of path, each as
    /// `<mode on disk, octal> <type> <sha256 of content or link target, hex> <path>` and a NUL.
    pub fn content_digest(&self) -> String {
        let mut digest = Sha256::new();
        for entry in &self.entries {
            let row = format!("{:o} {} {} {}\0", entry.mode_on_disk, entry.kind.name(), hex::encode(entry.sha256), entry.path);
            digest.update(row.as_bytes());
        }
        hex::encode(digest.finalize())
    }
}
