//! gzip, streaming: the tar stream out, and everything the wrapping says about itself.
//!
//! The members are taken apart here rather than by a decoder that hides them, because a second
//! member, a wrong checksum or bytes after the end are findings, not errors: npm and the other
//! clients disagree about each of them.

use std::io::{self, Read};

use flate2::{Crc, Decompress, FlushDecompress, Status};
use serde::Serialize;

use super::error::ArchiveError;
use super::limits::Limits;
use super::oddity::{Oddities, OddityKind};

const CHUNK: usize = 64 << 10;
/// RFC 1952 does not bound the header's name, comment and extra field; nobody's are longer than
/// this.
const HEADER_MAX: usize = 1 << 20;

const FHCRC: u8 = 2;
const FEXTRA: u8 = 4;
const FNAME: u8 = 8;
const FCOMMENT: u8 = 16;
const RESERVED: u8 = 0xe0;

/// The header of the first gzip member (RFC 1952, section 2.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GzipHeader {
    /// FLG: which optional fields follow.
    pub flg: u8,
    /// MTIME, in seconds since 1970; 0 is none.
    pub mtime: u32,
    /// XFL: 2 is slowest, 4 fastest compression.
    pub xfl: u8,
    /// OS: 3 is Unix, 10 or 11 Windows, 19 zlib's macOS, 255 unknown.
    pub os: u8,
    /// All bytes of the header, optional fields included.
    #[serde(skip)]
    pub raw: Vec<u8>,
}

enum State {
    Start,
    /// No gzip around it: the bytes pass as they are.
    Bare,
    Member {
        inflate: Decompress,
        crc: Crc,
    },
    End,
}

enum HeaderRead {
    Good(GzipHeader),
    /// What was read is no gzip header.
    Bad,
}

/// The decompressed bytes of a gzip file, or the bytes themselves where it is none.
pub(super) struct Gunzip<'l, R> {
    input: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    compressed: u64,
    state: State,
    header: Option<GzipHeader>,
    limits: &'l Limits,
}

impl<'l, R: Read> Gunzip<'l, R> {
    pub(super) fn new(input: R, limits: &'l Limits) -> Self {
        Self { input, buffer: vec![0; CHUNK], start: 0, end: 0, compressed: 0, state: State::Start, header: None, limits }
    }

    /// A stream that is a tar already.
    pub(super) fn bare(input: R, limits: &'l Limits) -> Self {
        Self { state: State::Bare, ..Self::new(input, limits) }
    }

    /// Compressed bytes taken so far.
    pub(super) fn compressed(&self) -> u64 {
        self.compressed
    }

    pub(super) fn into_header(self) -> Option<GzipHeader> {
        self.header
    }

    /// Fills `out` as far as possible; 0 is the end.
    pub(super) fn read(&mut self, out: &mut [u8], oddities: &mut Oddities) -> Result<usize, ArchiveError> {
        loop {
            match &mut self.state {
                State::Start => self.sniff(oddities)?,
                State::Bare => {
                    self.fill()?;
                    let mut held = self.buffer.get(self.start..self.end).unwrap_or_default();
                    let taken = held.read(out).map_err(ArchiveError::Read)?;
                    self.start = self.start.saturating_add(taken);
                    return Ok(taken);
                }
                State::Member { .. } => {
                    let produced = self.inflate(out, oddities)?;
                    if produced > 0 {
                        return Ok(produced);
                    }
                }
                State::End => return Ok(0),
            }
        }
    }

    /// Makes sure that a byte is held, if there is one left.
    fn fill(&mut self) -> Result<bool, ArchiveError> {
        if self.start < self.end {
            return Ok(true);
        }
        self.start = 0;
        self.end = 0;
        loop {
            match self.input.read(&mut self.buffer) {
                Ok(got) => {
                    self.end = got;
                    self.compressed = self.compressed.saturating_add(got as u64);
                    if self.compressed > self.limits.compressed {
                        return Err(ArchiveError::CompressedTooLarge { limit: self.limits.compressed });
                    }
                    return Ok(got > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(ArchiveError::Read(error)),
            }
        }
    }

    fn byte(&mut self) -> Result<Option<u8>, ArchiveError> {
        if !self.fill()? {
            return Ok(None);
        }
        let byte = self.buffer.get(self.start).copied();
        self.start = self.start.saturating_add(1);
        Ok(byte)
    }

    /// gzip or not, by the first two bytes: as node-tar 7 decides it.
    fn sniff(&mut self, oddities: &mut Oddities) -> Result<(), ArchiveError> {
        let mut seen = Vec::new();
        match self.member_header(&mut seen)? {
            HeaderRead::Good(header) => {
                self.header = Some(header);
                self.begin_member(oddities);
                Ok(())
            }
            HeaderRead::Bad if seen.is_empty() || seen.starts_with(&[0x1f, 0x8b]) => Err(ArchiveError::NotAnArchive),
            HeaderRead::Bad => {
                oddities.add(OddityKind::NotGzip, None);
                // What was taken to look at goes back in front of the rest.
                let rest = self.buffer.get(self.start..self.end).unwrap_or_default();
                let mut buffer = seen;
                buffer.extend_from_slice(rest);
                self.end = buffer.len();
                self.start = 0;
                buffer.resize(buffer.len().max(CHUNK), 0);
                self.buffer = buffer;
                self.state = State::Bare;
                Ok(())
            }
        }
    }

    fn begin_member(&mut self, oddities: &mut Oddities) {
        if let Some(header) = &self.header
            && header.flg & FHCRC != 0
            && !header_crc_fits(&header.raw)
        {
            oddities.add(OddityKind::BadGzipHeader, None);
        }
        self.state = State::Member { inflate: Decompress::new(false), crc: Crc::new() };
    }

    /// Reads a member's header; `seen` gets every byte that was taken.
    fn member_header(&mut self, seen: &mut Vec<u8>) -> Result<HeaderRead, ArchiveError> {
        for expected in [Some(0x1f), Some(0x8b), Some(8)].into_iter().chain([None; 7]) {
            let Some(byte) = self.byte()? else { return Ok(HeaderRead::Bad) };
            seen.push(byte);
            if expected.is_some_and(|expected| expected != byte) {
                return Ok(HeaderRead::Bad);
            }
        }
        let &[_, _, _, flg, m0, m1, m2, m3, xfl, os] = seen.as_slice() else { return Ok(HeaderRead::Bad) };
        if flg & RESERVED != 0 || !self.optional_fields(flg, seen)? {
            return Ok(HeaderRead::Bad);
        }
        let mtime = u32::from_le_bytes([m0, m1, m2, m3]);
        Ok(HeaderRead::Good(GzipHeader { flg, mtime, xfl, os, raw: seen.clone() }))
    }

    /// Takes the header's optional fields; false where the file ends in them, or they do not end.
    fn optional_fields(&mut self, flg: u8, seen: &mut Vec<u8>) -> Result<bool, ArchiveError> {
        if flg & FEXTRA != 0 {
            let (Some(low), Some(high)) = (self.byte()?, self.byte()?) else { return Ok(false) };
            seen.extend([low, high]);
            for _ in 0..u16::from_le_bytes([low, high]) {
                let Some(byte) = self.byte()? else { return Ok(false) };
                seen.push(byte);
            }
        }
        for _ in [FNAME, FCOMMENT].iter().filter(|flag| flg & **flag != 0) {
            loop {
                let Some(byte) = self.byte()? else { return Ok(false) };
                seen.push(byte);
                if byte == 0 {
                    break;
                }
                if seen.len() > HEADER_MAX {
                    return Ok(false);
                }
            }
        }
        if flg & FHCRC != 0 {
            let (Some(low), Some(high)) = (self.byte()?, self.byte()?) else { return Ok(false) };
            seen.extend([low, high]);
        }
        Ok(true)
    }

    fn inflate(&mut self, out: &mut [u8], oddities: &mut Oddities) -> Result<usize, ArchiveError> {
        let more = self.fill()?;
        let State::Member { inflate, crc } = &mut self.state else { return Ok(0) };
        let input = self.buffer.get(self.start..self.end).unwrap_or_default();
        let (before_in, before_out) = (inflate.total_in(), inflate.total_out());
        let status = inflate.decompress(input, out, FlushDecompress::None);
        let taken = usize::try_from(inflate.total_in().saturating_sub(before_in)).unwrap_or(usize::MAX);
        let produced = usize::try_from(inflate.total_out().saturating_sub(before_out)).unwrap_or(0);
        self.start = self.start.saturating_add(taken);
        crc.update(out.get(..produced).unwrap_or_default());
        match status {
            Ok(Status::StreamEnd) => self.end_member(oddities)?,
            Ok(Status::Ok | Status::BufError) if produced > 0 || taken > 0 => {}
            Ok(_) if more => self.stop(OddityKind::CorruptDeflate, oddities)?,
            Ok(_) => self.stop(OddityKind::TruncatedGzip, oddities)?,
            Err(_) => self.stop(OddityKind::CorruptDeflate, oddities)?,
        }
        Ok(produced)
    }

    /// Checks the trailer, and looks at what follows as Node's zlib does: a member if it looks like
    /// one, otherwise not data.
    fn end_member(&mut self, oddities: &mut Oddities) -> Result<(), ArchiveError> {
        let State::Member { inflate, crc } = &self.state else { return Ok(()) };
        let (sum, length) = (crc.sum(), inflate.total_out());
        let mut trailer = [0; 8];
        for slot in &mut trailer {
            match self.byte()? {
                Some(byte) => *slot = byte,
                None => return self.stop(OddityKind::TruncatedGzip, oddities),
            }
        }
        let [c0, c1, c2, c3, l0, l1, l2, l3] = trailer;
        if u32::from_le_bytes([c0, c1, c2, c3]) != sum {
            oddities.add(OddityKind::BadCrc, None);
        }
        if u64::from(u32::from_le_bytes([l0, l1, l2, l3])) != length & u64::from(u32::MAX) {
            oddities.add(OddityKind::BadLength, None);
        }
        if !self.fill()? {
            self.state = State::End;
            return Ok(());
        }
        match self.member_header(&mut Vec::new())? {
            HeaderRead::Good(_) => {
                oddities.add(OddityKind::SecondMember, None);
                self.state = State::Member { inflate: Decompress::new(false), crc: Crc::new() };
                Ok(())
            }
            HeaderRead::Bad => self.stop(OddityKind::TrailingBytes, oddities),
        }
    }

    /// Ends the data here; the rest of the file is only counted.
    fn stop(&mut self, why: OddityKind, oddities: &mut Oddities) -> Result<(), ArchiveError> {
        oddities.add(why, None);
        self.state = State::End;
        loop {
            self.start = self.end;
            if !self.fill()? {
                return Ok(());
            }
        }
    }
}

/// FHCRC is the low half of the CRC of all header bytes before it. zlib checks it, many decoders do
/// not.
fn header_crc_fits(raw: &[u8]) -> bool {
    let Some((covered, &[low, high])) = raw.split_last_chunk::<2>() else { return false };
    let mut crc = Crc::new();
    crc.update(covered);
    crc.sum() & 0xffff == u32::from(u16::from_le_bytes([low, high]))
}
