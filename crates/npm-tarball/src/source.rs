//! The unpacked tar stream on its way through: every byte is counted, kept in the spool, and handed
//! to the tar reader once.

use std::io::Read;

use super::error::ArchiveError;
use super::gunzip::{Gunzip, GzipHeader};
use super::header::BLOCK;
use super::limits::Limits;
use super::oddity::Oddities;
use super::spool::Spool;

const CHUNK: usize = 64 << 10;

/// What is left of a source when it has been read to its end.
pub(super) struct Finished {
    pub(super) spool: Spool,
    pub(super) gzip: Option<GzipHeader>,
    pub(super) compressed: u64,
}

/// Reads the tar stream forward, in blocks.
pub(super) struct Source<'l, R> {
    gunzip: Gunzip<'l, R>,
    spool: Spool,
    chunk: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes handed out.
    offset: u64,
    limits: &'l Limits,
    pub(super) oddities: Oddities,
}

impl<'l, R: Read> Source<'l, R> {
    pub(super) fn new(gunzip: Gunzip<'l, R>, limits: &'l Limits) -> Self {
        Self { gunzip, spool: Spool::new(), chunk: vec![0; CHUNK], start: 0, end: 0, offset: 0, limits, oddities: Oddities::default() }
    }

    /// The offset in the tar stream of what comes next.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Up to `most` of the bytes that come next; empty at the end.
    pub(super) fn take(&mut self, most: u64) -> Result<&[u8], ArchiveError> {
        if self.start == self.end {
            self.refill()?;
        }
        let held = self.end.saturating_sub(self.start);
        let given = usize::try_from(most).unwrap_or(usize::MAX).min(held);
        let from = self.start;
        self.start = self.start.saturating_add(given);
        self.offset = self.offset.saturating_add(given as u64);
        Ok(self.chunk.get(from..self.start).unwrap_or_default())
    }

    /// The next block, and how many of its bytes there were: fewer than a block only at the end.
    pub(super) fn block(&mut self, block: &mut [u8; BLOCK]) -> Result<usize, ArchiveError> {
        let mut filled: usize = 0;
        while filled < BLOCK {
            let got = self.take(BLOCK.saturating_sub(filled) as u64)?;
            if got.is_empty() {
                break;
            }
            let end = filled.saturating_add(got.len());
            if let Some(slot) = block.get_mut(filled..end) {
                slot.copy_from_slice(got);
            }
            filled = end;
        }
        Ok(filled)
    }

    pub(super) fn finish(self) -> (Finished, Oddities) {
        let compressed = self.gunzip.compressed();
        let finished = Finished { spool: self.spool, gzip: self.gunzip.into_header(), compressed };
        (finished, self.oddities)
    }

    fn refill(&mut self) -> Result<(), ArchiveError> {
        self.start = 0;
        self.end = 0;
        // Filled up before it goes on, so that the spool sees few, large writes.
        while let Some(free) = self.chunk.get_mut(self.end..).filter(|free| !free.is_empty()) {
            let got = self.gunzip.read(free, &mut self.oddities)?;
            if got == 0 {
                break;
            }
            self.end = self.end.saturating_add(got);
        }
        let unpacked = self.spool.len().saturating_add(self.end as u64);
        if unpacked > self.limits.unpacked {
            return Err(ArchiveError::UnpackedTooLarge { limit: self.limits.unpacked });
        }
        let proportionate = self.gunzip.compressed().saturating_mul(self.limits.ratio);
        if unpacked > self.limits.ratio_free && unpacked > proportionate {
            return Err(ArchiveError::RatioTooHigh { limit: self.limits.ratio });
        }
        self.spool.push(self.chunk.get(..self.end).unwrap_or_default()).map_err(ArchiveError::Spool)
    }
}
