//! Reads the headers of a published archive, one after the other, without keeping the contents.

use std::io::{self, Read};
use std::ops::Range;

use flate2::read::GzDecoder;

use super::{FingerprintError, Forms};
use crate::era::Order;
use crate::order;
use crate::tar::block::{ACCESS_TIME, CHANGE_TIME, GID, GROUP, LINK, MAGIC, MODE, MTIME, NAME, PREFIX, SIZE, TYPE, UID, USER};
use crate::tar::{AdoptedPax, IdField, Signature, pax};

/// How much of an archive is read.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Decompressed bytes.
    pub bytes: u64,
    /// Entries.
    pub entries: usize,
    /// Bytes of all extended headers together.
    pub extensions: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 4 << 30, entries: 500_000, extensions: 64 << 20 }
    }
}

/// A package.json of more bytes is not looked into.
const PACKAGE_JSON_LIMIT: u64 = 8 << 20;

/// The gzip header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GzipHeader {
    /// Extra flags: 2 for the best level, 4 for the fastest.
    pub xfl: u8,
    /// The operating system: 3 Unix, 11 NTFS, 19 macOS, 255 unknown.
    pub os: u8,
}

impl GzipHeader {
    /// The header of an archive that begins as every client's does: deflate, no flags, no time.
    pub fn of(published: &[u8]) -> Option<Self> {
        match published {
            [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, xfl, os, ..] => Some(Self { xfl: *xfl, os: *os }),
            _ => None,
        }
    }
}

/// One entry's header.
#[derive(Debug, Clone)]
pub struct HeaderEntry {
    /// Relative to the first path component; a directory's with a slash at the end, the root's
    /// empty.
    pub path: String,
    /// The type flag.
    pub flag: u8,
    /// The target of a link.
    pub link: String,
    /// The mode field.
    pub mode: u32,
    /// Seconds since 1970; none: the field is all NUL.
    pub mtime: Option<u64>,
    /// Bytes of content.
    pub size: u64,
    /// Where the content starts in the decompressed stream.
    pub offset: u64,
    /// Owner and further times.
    pub signature: Signature,
    /// The pax header in front.
    pub pax: Option<AdoptedPax>,
    /// The shapes of the fields.
    pub forms: Forms,
}

impl HeaderEntry {
    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.flag == b'5'
    }
}

/// All that stands around the files of an archive.
#[derive(Debug, Clone)]
pub struct Headers {
    /// The compression's header.
    pub gzip: GzipHeader,
    /// The first path component of the first entry.
    pub root: String,
    /// The entries in sequence.
    pub entries: Vec<HeaderEntry>,
    /// The package.json in the root.
    pub package_json: Option<Vec<u8>>,
    /// Whether GNU `L` or `K` entries were met.
    pub gnu_long_names: bool,
}

impl Headers {
    /// Reads the headers of a published archive.
    pub fn read(published: &[u8], limits: &Limits) -> Result<Self, FingerprintError> {
        let not_gzip = || FingerprintError::Gzip(io::Error::new(io::ErrorKind::InvalidData, "it does not start like an npm package"));
        let gzip = GzipHeader::of(published).ok_or_else(not_gzip)?;
        Walk { input: GzDecoder::new(published), offset: 0, limits, extensions: 0 }.run(gzip)
    }

    /// Whether the entries stand in the order of the rule.
    pub fn is_in_order(&self, rule: Order) -> bool {
        let paths: Vec<&str> = self.entries.iter().map(|entry| entry.path.as_str()).collect();
        order::arrange(rule, &paths).into_iter().eq(0..paths.len())
    }
}

struct Walk<'a, R> {
    input: R,
    offset: u64,
    limits: &'a Limits,
    extensions: u64,
}

/// What extended headers say of the entry that follows.
#[derive(Default)]
struct Pending {
    path: Option<String>,
    link: Option<String>,
    pax: Option<AdoptedPax>,
    size: Option<u64>,
}

impl<R: Read> Walk<'_, R> {
    fn run(mut self, gzip: GzipHeader) -> Result<Headers, FingerprintError> {
        let mut headers = Headers { gzip, root: String::new(), entries: Vec::new(), package_json: None, gnu_long_names: false };
        let mut pending = Pending::default();
        while let Some(header) = self.header()? {
            let size = number(&header, SIZE).ok_or_else(|| self.broken("a size is not a number"))?;
            match flag(&header) {
                b'x' => self.pax(&header, size, &mut pending)?,
                b'g' => drop(self.extension(size)?),
                b'L' | b'K' => {
                    headers.gnu_long_names = true;
                    let text = self.extension(size)?;
                    let text = String::from_utf8_lossy(until_nul(&text)).into_owned();
                    if flag(&header) == b'L' { pending.path = Some(text) } else { pending.link = Some(text) }
                }
                _ => {
                    let entry = self.entry(&header, size, std::mem::take(&mut pending), &mut headers)?;
                    headers.entries.push(entry);
                }
            }
            if headers.entries.len() > self.limits.entries {
                return Err(FingerprintError::TooMuch { what: "entries", limit: self.limits.entries as u64 });
            }
        }
        if headers.entries.is_empty() {
            return Err(FingerprintError::Empty);
        }
        Ok(headers)
    }

    fn entry(&mut self, header: &[u8; 512], size: u64, pending: Pending, headers: &mut Headers) -> Result<HeaderEntry, FingerprintError> {
        let path = pending.path.unwrap_or_else(|| path_of(header));
        let (root, rest) = path.split_once('/').unwrap_or((&path, ""));
        if headers.entries.is_empty() {
            root.clone_into(&mut headers.root);
        }
        let mut path = if root == headers.root { rest.to_owned() } else { path.clone() };
        let flag = flag(header);
        if flag == b'5' && !path.is_empty() && !path.ends_with('/') {
            path.push('/');
        }
        let size = pending.size.unwrap_or(size);
        let offset = self.offset;
        if path == "package.json" && size <= PACKAGE_JSON_LIMIT && headers.package_json.is_none() {
            headers.package_json = Some(self.take(size)?);
        } else {
            self.skip(size)?;
        }
        self.skip(padding(size))?;
        Ok(HeaderEntry {
            path,
            flag,
            link: pending.link.unwrap_or_else(|| text(header, LINK)),
            mode: u32::try_from(number(header, MODE).unwrap_or_default() & 0o7777).unwrap_or_default(),
            mtime: optional_number(header, MTIME),
            size,
            offset,
            signature: signature(header),
            pax: pending.pax,
            forms: Forms::of(header),
        })
    }

    fn pax(&mut self, header: &[u8; 512], size: u64, pending: &mut Pending) -> Result<(), FingerprintError> {
        let (records, whole) = pax::parse(&self.extension(size)?);
        if !whole {
            return Err(self.broken("a pax record is malformed"));
        }
        for (keyword, value) in &records {
            let value = || String::from_utf8_lossy(value).into_owned();
            match keyword.as_str() {
                "path" => pending.path = Some(value()),
                "linkpath" => pending.link = Some(value()),
                "size" => pending.size = value().parse().ok(),
                _ => {}
            }
        }
        pending.pax = Some(AdoptedPax { signature: signature(header), records });
        Ok(())
    }

    /// The next header; none at the end mark or the end of the stream.
    fn header(&mut self) -> Result<Option<[u8; 512]>, FingerprintError> {
        let mut block = Vec::with_capacity(512);
        self.input.by_ref().take(512).read_to_end(&mut block).map_err(FingerprintError::Gzip)?;
        if block.is_empty() {
            return Ok(None);
        }
        let header: [u8; 512] = block.try_into().map_err(|_| self.broken("it ends within a header"))?;
        self.advance(512)?;
        Ok(header.iter().any(|byte| *byte != 0).then_some(header))
    }

    fn extension(&mut self, size: u64) -> Result<Vec<u8>, FingerprintError> {
        self.extensions = self.extensions.saturating_add(size);
        if self.extensions > self.limits.extensions {
            return Err(FingerprintError::TooMuch { what: "bytes of extended headers", limit: self.limits.extensions });
        }
        let content = self.take(size)?;
        self.skip(padding(size))?;
        Ok(content)
    }

    fn take(&mut self, size: u64) -> Result<Vec<u8>, FingerprintError> {
        self.advance(size)?;
        let mut content = Vec::new();
        let read = self.input.by_ref().take(size).read_to_end(&mut content).map_err(FingerprintError::Gzip)?;
        if read as u64 == size { Ok(content) } else { Err(self.broken("it ends within an entry")) }
    }

    fn skip(&mut self, size: u64) -> Result<(), FingerprintError> {
        self.advance(size)?;
        let skipped = io::copy(&mut self.input.by_ref().take(size), &mut io::sink()).map_err(FingerprintError::Gzip)?;
        if skipped == size { Ok(()) } else { Err(self.broken("it ends within an entry")) }
    }

    fn advance(&mut self, size: u64) -> Result<(), FingerprintError> {
        self.offset = self.offset.saturating_add(size);
        if self.offset > self.limits.bytes {
            return Err(FingerprintError::TooMuch { what: "bytes", limit: self.limits.bytes });
        }
        Ok(())
    }

    fn broken(&self, detail: &'static str) -> FingerprintError {
        FingerprintError::Tar { offset: self.offset, detail }
    }
}

fn padding(size: u64) -> u64 {
    size.wrapping_neg() % 512
}

fn field(header: &[u8; 512], range: Range<usize>) -> &[u8] {
    header.get(range).unwrap_or_default()
}

fn flag(header: &[u8; 512]) -> u8 {
    match field(header, TYPE) {
        [0] => b'0',
        [flag] => *flag,
        _ => b'0',
    }
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn text(header: &[u8; 512], range: Range<usize>) -> String {
    String::from_utf8_lossy(until_nul(field(header, range))).into_owned()
}

fn path_of(header: &[u8; 512]) -> String {
    let name = text(header, NAME);
    let extra_times = Forms::of(header).extra_times;
    let prefix = if extra_times { PREFIX.start..PREFIX.start + 130 } else { PREFIX };
    let prefix = text(header, prefix);
    if prefix.is_empty() || !field(header, MAGIC).starts_with(b"ustar\0") { name } else { format!("{prefix}/{name}") }
}

/// A numeric field; an empty one is zero, and none is given for what is no number.
fn number(header: &[u8; 512], range: Range<usize>) -> Option<u64> {
    if field(header, range.clone()).iter().all(|byte| *byte == 0) {
        return Some(0);
    }
    optional_number(header, range)
}

fn optional_number(header: &[u8; 512], range: Range<usize>) -> Option<u64> {
    let bytes = field(header, range);
    if let [first, rest @ ..] = bytes
        && *first == 0x80
    {
        return rest.iter().try_fold(0u64, |value, byte| value.checked_mul(256)?.checked_add(u64::from(*byte)));
    }
    let digits = std::str::from_utf8(until_nul(bytes)).ok()?.trim();
    u64::from_str_radix(digits, 8).ok()
}

fn id(header: &[u8; 512], range: Range<usize>) -> IdField {
    match <[u8; 8]>::try_from(field(header, range.clone())) {
        Ok(raw) if raw.first().is_some_and(|byte| byte & 0x80 != 0) => IdField::Raw(raw),
        _ => IdField::Number(optional_number(header, range).unwrap_or_default()),
    }
}

fn signature(header: &[u8; 512]) -> Signature {
    let extra_times = Forms::of(header).extra_times;
    let time = |range| optional_number(header, range).filter(|_| extra_times);
    Signature {
        uid: id(header, UID),
        gid: id(header, GID),
        user: text(header, USER),
        group: text(header, GROUP),
        accessed: time(ACCESS_TIME),
        changed: time(CHANGE_TIME),
    }
}
