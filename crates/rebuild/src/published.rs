//! What was published, read once: entries, header fields, blob ids and the manifest.

use std::io::{self, Read as _};

use gix::ObjectId;
use serde_json::Value;

use npm_pack::fingerprint::{self, Fingerprint, Headers};
use npm_registry::Tarball;
use npm_spec::manifest::{self, LARGEST_PACKED};
use npm_tarball::{Archive, ArchiveError, Entry, EntryKind, Limits};
use origin::PublishedFile;
use recipe::Checkout;
use verdict::PublishedFacts;

/// The published tarball, read.
pub struct Published {
    /// Its entries, and whether all readers agree on them.
    pub archive: Archive,
    /// The tarball itself.
    pub bytes: Vec<u8>,
    /// What it hashes to, as npm writes it: `sha512-…`.
    pub sha512: String,
    /// Its header fields; `None` where no client wrote them.
    pub headers: Option<Headers>,
    /// Which clients could have written it.
    pub fingerprint: Option<Fingerprint>,
    /// What the judge must know of it.
    pub facts: PublishedFacts,
}

impl Published {
    /// An archive without entries, where none was published: for what is made without looking at
    /// one.
    pub fn nothing() -> Result<Self, ArchiveError> {
        let archive = Archive::read_tar(io::Cursor::new([0; 1024]), &Limits::default())?;
        let facts = PublishedFacts::default();
        Ok(Self { archive, bytes: Vec::new(), sha512: String::new(), headers: None, fingerprint: None, facts })
    }

    /// package.json, as the tarball has it; null where there is none that can be read.
    pub fn manifest(&self) -> Value {
        manifest_of(&self.archive)
    }

    /// The file system without modes that these modes would be of: of all regular files,
    /// package.json among them, the same executable bits; commands, which clients make executable,
    /// have them too.
    pub fn without_modes(&self) -> Option<Checkout> {
        let headers = self.headers.as_ref()?;
        let bits = headers.entries.iter().find(|entry| entry.path == "package.json")?.mode & 0o111;
        let all = headers.entries.iter().filter(|entry| entry.flag == b'0').all(|entry| entry.mode & bits == bits);
        Checkout::with_executable_bits(bits).filter(|_| all)
    }

    /// The newest time of a file, in seconds since 1970; `None` where clients wrote the same for
    /// all or one before npm itself.
    pub fn packed(&self) -> Option<i64> {
        const FIRST_NPM: i64 = 1_262_304_000; // 2010-01-01
        let times = || self.archive.entries().iter().filter(|entry| entry.kind == EntryKind::File).filter_map(|entry| entry.mtime);
        let newest = times().max()?;
        (newest >= FIRST_NPM).then_some(newest)
    }

    /// The published files with their git blob ids.
    pub fn files(&self) -> Vec<PublishedFile> {
        let id = ObjectId::from_bytes_or_panic;
        let file = |entry: &Entry| PublishedFile { path: entry.path.clone(), blob: id(&entry.blob_id), blob_lf: self.blob_lf(entry) };
        self.archive.entries().iter().filter(|entry| entry.kind == EntryKind::File).map(file).collect()
    }

    /// The blob id that the file would have with LF for CRLF, if all its line endings are CRLF.
    fn blob_lf(&self, entry: &Entry) -> Option<ObjectId> {
        const LARGEST: u64 = 8 << 20;
        if entry.size > LARGEST {
            return None;
        }
        let bytes = self.archive.content(entry).ok()?;
        let (mut lf, mut crlf, mut last) = (0_usize, 0_usize, 0_u8);
        for byte in &bytes {
            lf += usize::from(*byte == b'\n');
            crlf += usize::from(*byte == b'\n' && last == b'\r');
            last = *byte;
        }
        if crlf == 0 || crlf != lf {
            return None;
        }
        let mut text = Vec::with_capacity(bytes.len() - crlf);
        let mut rest = bytes.iter().copied().peekable();
        while let Some(byte) = rest.next() {
            if byte != b'\r' || rest.peek() != Some(&b'\n') {
                text.push(byte);
            }
        }
        gix::objs::compute_hash(gix::hash::Kind::Sha1, gix::objs::Kind::Blob, &text).ok()
    }

    /// Reads a tarball. Blocks the thread; the inner error is the archive's, which is a verdict and
    /// not a failure.
    pub fn read(tarball: &Tarball) -> io::Result<Result<Self, ArchiveError>> {
        let mut bytes = Vec::with_capacity(usize::try_from(tarball.bytes.len()).unwrap_or_default());
        tarball.bytes.open().read_to_end(&mut bytes)?;
        let archive = match Archive::read(bytes.as_slice(), &Limits::default()) {
            Ok(archive) => archive,
            Err(error) => return Ok(Err(error)),
        };
        if let Some(entry) = archive.get("package.json").filter(|entry| entry.kind == EntryKind::File)
            && (entry.size > LARGEST_PACKED || manifest::is_too_large(&archive.content(entry)?, LARGEST_PACKED))
        {
            return Ok(Err(ArchiveError::ManifestTooLarge { limit: LARGEST_PACKED }));
        }
        // What the headers say is for choosing recipes; an archive that the walker cannot follow
        // has none.
        let headers = Headers::read(&bytes, &fingerprint::Limits::default()).ok();
        let fingerprint = headers.as_ref().map(Fingerprint::of);
        let not_plain = archive.oddities().first().map(|oddity| oddity.kind.code());
        let facts = PublishedFacts { not_plain, ..PublishedFacts::default() };
        Ok(Ok(Self { archive, bytes, sha512: tarball.sha512.clone(), headers, fingerprint, facts }))
    }
}

/// The package.json of an archive; `null` where there is none, or it is no JSON.
pub(super) fn manifest_of(archive: &Archive) -> Value {
    let bytes = archive.get("package.json").and_then(|entry| archive.content(entry).ok()).unwrap_or_default();
    manifest::read_up_to(&bytes, LARGEST_PACKED).unwrap_or_default()
}
