//! The tar stream, walked as node-tar 7's parser walks it (`parse.js`), so that what is found is
//! what npm finds.

use std::io::Read;

use super::archive::{Archive, Entry, EntryKind};
use super::error::ArchiveError;
use super::gunzip::Gunzip;
use super::hashes::{Hashed, Hashes};
use super::header::{self, BLOCK, Block, Header, Role};
use super::limits::Limits;
use super::name::{self, Placed};
use super::oddity::OddityKind;
use super::pax::{self, Extended};
use super::settle::{self, Directory, Found};
use super::source::Source;

/// Reads everything that `gunzip` gives.
pub(super) fn read<R: Read>(gunzip: Gunzip<'_, R>, limits: &Limits) -> Result<Archive, ArchiveError> {
    let mut walk = Walk {
        source: Source::new(gunzip, limits),
        limits,
        ex: Extended::default(),
        global: Extended::default(),
        pending: Vec::new(),
        found: Vec::new(),
        directories: Vec::new(),
        names: 0,
        any_header: false,
        any_null: false,
    };
    walk.run()?;
    let Walk { source, found, directories, any_header, any_null, .. } = walk;
    let (finished, mut oddities) = source.finish();
    if !any_header && !any_null {
        return Err(ArchiveError::NotAnArchive);
    }
    if !any_header {
        oddities.add(OddityKind::NoEntries, None);
    }
    let proportionate = finished.compressed.saturating_mul(1000);
    if finished.gzip.is_some() && finished.spool.len() > proportionate {
        oddities.add(OddityKind::Ratio, None);
    }
    let entries = settle::settle(found, directories, &mut oddities);
    Ok(Archive::assemble(entries, oddities.finish(), finished))
}

struct Walk<'l, R> {
    source: Source<'l, R>,
    limits: &'l Limits,
    ex: Extended,
    global: Extended,
    /// The extended headers since the last entry.
    pending: Vec<Role>,
    found: Vec<Found>,
    directories: Vec<Directory>,
    /// Bytes of all names kept.
    names: usize,
    any_header: bool,
    any_null: bool,
}

impl<R: Read> Walk<'_, R> {
    fn run(&mut self) -> Result<(), ArchiveError> {
        let mut block = [0; BLOCK];
        let mut nulls: u32 = 0;
        loop {
            let got = self.source.block(&mut block)?;
            if got < BLOCK {
                self.at_end(block.get(..got).unwrap_or_default());
                return Ok(());
            }
            match header::decode(&block, &self.ex, &self.global) {
                Block::Null => {
                    nulls += 1;
                    self.any_null = true;
                    if nulls == 2 {
                        self.dangling();
                        return self.after_end();
                    }
                }
                Block::Refused(why, name) => {
                    self.lone_null(&mut nulls);
                    self.source.oddities.add(why, Some(name.as_str()).filter(|name| !name.is_empty()));
                }
                Block::Header(header) => {
                    self.lone_null(&mut nulls);
                    self.any_header = true;
                    self.header(&header)?;
                }
            }
        }
    }

    /// npm reads on after one block of zeros, others stop.
    fn lone_null(&mut self, nulls: &mut u32) {
        if *nulls > 0 {
            self.source.oddities.add(OddityKind::EntryAfterEnd, None);
        }
        *nulls = 0;
    }

    /// The stream is over, and there was no end marker.
    fn at_end(&mut self, partial: &[u8]) {
        self.dangling();
        if partial.iter().any(|byte| *byte != 0) {
            self.source.oddities.add(OddityKind::Truncated, None);
        }
        self.source.oddities.add(OddityKind::MissingEnd, None);
    }

    fn dangling(&mut self) {
        if !self.pending.is_empty() {
            self.source.oddities.add(OddityKind::DanglingHeader, None);
        }
    }

    /// Looks at what npm no longer reads. Zeros are padding: tar files are filled up to 10240
    /// bytes.
    fn after_end(&mut self) -> Result<(), ArchiveError> {
        let mut block = [0; BLOCK];
        let none = Extended::default();
        loop {
            let got = self.source.block(&mut block)?;
            let seen = block.get(..got).unwrap_or_default();
            let part_of_a_block = !matches!(got, 0 | BLOCK);
            if part_of_a_block || seen.iter().any(|byte| *byte != 0) {
                let entry = got == BLOCK && matches!(header::decode(&block, &none, &none), Block::Header(_));
                let kind = if entry { OddityKind::EntryAfterEnd } else { OddityKind::DataAfterEnd };
                self.source.oddities.add(kind, None);
            }
            if got < BLOCK {
                return Ok(());
            }
        }
    }

    fn header(&mut self, header: &Header) -> Result<(), ArchiveError> {
        for odd in &header.odd {
            self.source.oddities.add(*odd, Some(&header.path));
        }
        match header.role {
            Role::Pax | Role::GlobalPax | Role::LongName | Role::LongLink => self.extended(header),
            _ => self.entry(header),
        }
    }

    fn extended(&mut self, header: &Header) -> Result<(), ArchiveError> {
        if header.role != Role::GlobalPax {
            // GNU tar writes one long link and one long name for one entry; everything else is read
            // in different ways.
            let stacks = match header.role {
                Role::LongName => self.pending.iter().any(|role| *role != Role::LongLink),
                Role::LongLink => self.pending.iter().any(|role| *role != Role::LongName),
                _ => !self.pending.is_empty(),
            };
            if stacks {
                self.source.oddities.add(OddityKind::StackedHeaders, None);
            }
            self.pending.push(header.role);
            self.pending.truncate(4);
        } else if !self.pending.is_empty() {
            self.source.oddities.add(OddityKind::StackedHeaders, None);
        }
        if header.size > self.limits.extended_header {
            return Err(ArchiveError::ExtendedHeaderTooLarge { limit: self.limits.extended_header });
        }
        let mut body = Vec::new();
        self.body(header, |part| body.extend_from_slice(part))?;
        if body.is_empty() {
            self.source.oddities.add(OddityKind::DanglingHeader, None);
            return Ok(());
        }
        let mut odd = Vec::new();
        match header.role {
            Role::Pax => pax::merge(&body, &mut self.ex, false, &mut odd),
            Role::GlobalPax => pax::merge(&body, &mut self.global, true, &mut odd),
            Role::LongName => self.ex.path = Some(pax::gnu_name(&body, &mut odd)),
            _ => self.ex.linkpath = Some(pax::gnu_name(&body, &mut odd)),
        }
        for odd in odd {
            self.source.oddities.add(odd, self.ex.path.as_deref());
        }
        Ok(())
    }

    fn entry(&mut self, header: &Header) -> Result<(), ArchiveError> {
        let ex = std::mem::take(&mut self.ex);
        self.pending.clear();
        let own_size = header.own_size.and_then(|size| u64::try_from(size).ok());
        if ex.size.or(self.global.size).is_some_and(|size| Some(size) != own_size) {
            self.source.oddities.add(OddityKind::PaxSize, Some(&header.path));
        }
        self.bound(header)?;

        let directory = matches!(header.role, Role::Directory | Role::DumpDirectory);
        let placed = name::place(&header.path, directory);
        for odd in &placed.odd {
            self.source.oddities.add(*odd, Some(&header.path));
        }
        if directory {
            self.body(header, |_| {})?;
            let order = self.order();
            self.directories.extend(placed.path.map(|path| Directory { path, order }));
            return Ok(());
        }
        let stray = matches!(header.role, Role::File | Role::Contiguous)
            && header.link.as_deref().is_some_and(|link| name::climbs_out(placed.folder(), link));
        let entry = self.content(header, &placed)?;
        // npm skips a file whose stray link target leaves the package.
        if let Some(path) = placed.path.clone().filter(|_| !stray) {
            self.found.push(Found {
                entry: Entry { path, ..entry },
                dotted: placed.dotted,
                replaces: header.role == Role::Contiguous,
                root: placed.root,
            });
        }
        Ok(())
    }

    fn order(&self) -> usize {
        self.found.len().saturating_add(self.directories.len())
    }

    /// Keeps what is held in memory within the limits.
    fn bound(&mut self, header: &Header) -> Result<(), ArchiveError> {
        if self.order() >= self.limits.entries {
            return Err(ArchiveError::TooManyEntries { limit: self.limits.entries });
        }
        let link = header.link.as_deref().unwrap_or_default();
        if header.path.len().max(link.len()) > self.limits.path {
            return Err(ArchiveError::PathTooLong { limit: self.limits.path });
        }
        self.names = self.names.saturating_add(header.path.len()).saturating_add(link.len());
        if self.names > self.limits.paths_total {
            return Err(ArchiveError::PathsTooLarge { limit: self.limits.paths_total });
        }
        Ok(())
    }

    /// Reads an entry's content, and makes the entry without its path.
    fn content(&mut self, header: &Header, placed: &Placed) -> Result<Entry, ArchiveError> {
        let kind = match header.role {
            Role::File | Role::Contiguous => EntryKind::File,
            Role::Symlink => EntryKind::Symlink,
            Role::Hardlink => EntryKind::Hardlink,
            _ => EntryKind::Other(header.type_flag),
        };
        let order = self.order();
        let offset = self.source.offset();
        let is_link = matches!(kind, EntryKind::Symlink | EntryKind::Hardlink);
        let mut hashes = Hashes::new(header.size);
        let mut size = self.body(header, |part| hashes.update(part))?;
        if size < header.size {
            hashes.cut_short();
        }
        let mut link_target = None;
        if is_link {
            if header.size > 0 {
                self.source.oddities.add(OddityKind::UnexpectedContent, Some(&header.path));
            }
            let target = self.link_target(header, kind, placed);
            hashes = Hashes::new(target.len() as u64);
            hashes.update(target.as_bytes());
            size = target.len() as u64;
            link_target = Some(target);
        }
        let Hashed { sha256, blob_id, collision } = hashes.finish();
        if collision {
            self.source.oddities.add(OddityKind::Sha1Collision, Some(&header.path));
        }
        let mode = header.mode & 0o7777;
        let entry = Entry {
            path: String::new(),
            kind,
            mode_on_disk: ((mode | 0o666) & !0o022) | 0o600,
            raw_mode: header.mode,
            size,
            sha256,
            blob_id,
            link_target,
            mtime: header.mtime,
            offset,
            order,
        };
        Ok(entry)
    }

    /// The target as it counts, with a note if it leads out of the package.
    fn link_target(&mut self, header: &Header, kind: EntryKind, placed: &Placed) -> String {
        let raw = header.link.as_deref().unwrap_or_default();
        let (from, target) =
            if kind == EntryKind::Hardlink { ("", raw.split_once('/').map_or("", |(_, rest)| rest)) } else { (placed.folder(), raw) };
        if target.is_empty() || name::escapes(from, target) {
            self.source.oddities.add(OddityKind::LinkEscapes, Some(&header.path));
        }
        target.to_owned()
    }

    /// Hands an entry's content to `sink`, and goes on to the block after it. Returns how many
    /// bytes there were.
    fn body(&mut self, header: &Header, mut sink: impl FnMut(&[u8])) -> Result<u64, ArchiveError> {
        let padding = (BLOCK as u64).wrapping_sub(header.size % BLOCK as u64) % BLOCK as u64;
        let mut left = header.size;
        while left > 0 {
            let part = self.source.take(left)?;
            if part.is_empty() {
                self.source.oddities.add(OddityKind::Truncated, Some(&header.path));
                return Ok(header.size.saturating_sub(left));
            }
            left = left.saturating_sub(part.len() as u64);
            sink(part);
        }
        let mut left = padding;
        while left > 0 {
            let part = self.source.take(left)?;
            if part.is_empty() {
                self.source.oddities.add(OddityKind::Truncated, Some(&header.path));
                break;
            }
            left = left.saturating_sub(part.len() as u64);
        }
        Ok(header.size)
    }
}
