//! The tarball that is judged, known by its bytes: no build of it may have it, under whatever name.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use flate2::read::MultiGzDecoder;
use sha2::{Digest as _, Sha256};

use npm_registry::{Hasher, Integrity};
use npm_tarball::{Archive, Entry, EntryKind};

use super::document::Dist;
use super::trivial;

/// Most bytes of a tarball that are unpacked to tell whether it is a copy.
const MAX_UNPACKED: u64 = 2 << 30;

/// Most files of one tarball that are told to be copies.
const MAX_COPIES: usize = 100;

/// The bytes that are judged, and what is in them.
#[derive(Debug)]
pub struct JudgedBytes {
    sha512: String,
    shasum: String,
    files: HashMap<String, JudgedFile>,
    /// Sizes of all files: nothing of another size is hashed.
    sizes: HashSet<u64>,
    /// Paths of the files that the commit does not have and that are not trivial, by their content.
    made: HashMap<[u8; 32], String>,
}

#[derive(Debug)]
struct JudgedFile {
    size: u64,
    sha256: [u8; 32],
}

/// What of the judged tarball is in another one.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// It is the same tarball, or has the same files.
    pub(super) is_copy: bool,
    /// Paths of judged files that the commit does not have, and this tarball has.
    pub(super) files: Vec<String>,
}

impl JudgedBytes {
    /// What is known of a published tarball and its archive; `in_source` says which blobs the
    /// commit has.
    pub fn of(tarball: &[u8], archive: &Archive, in_source: impl Fn(&[u8; 20]) -> bool) -> Self {
        let mut hasher = Hasher::new(None);
        hasher.update(tarball);
        let digests = hasher.finish();
        let files: Vec<_> = archive.entries().iter().filter(|entry| entry.kind == EntryKind::File).collect();
        let says_nothing =
            |entry: &Entry| entry.size <= trivial::MAX_TRIVIAL && archive.content(entry).is_ok_and(|content| trivial::is_trivial(&content));
        let is_made = |entry: &&&Entry| entry.path != "package.json" && !in_source(&entry.blob_id) && !says_nothing(entry);
        Self {
            sha512: digests.sha512(),
            shasum: digests.shasum(),
            sizes: files.iter().map(|entry| entry.size).collect(),
            made: files.iter().filter(is_made).map(|entry| (entry.sha256, entry.path.clone())).collect(),
            files: files.iter().map(|entry| (entry.path.clone(), JudgedFile { size: entry.size, sha256: entry.sha256 })).collect(),
        }
    }

    /// Whether metadata announces these bytes.
    pub(super) fn is_announced(&self, dist: &Dist) -> bool {
        let same = |promised: Integrity| promised.text() == self.sha512;
        Integrity::parse(&dist.integrity).is_some_and(same) || dist.shasum.eq_ignore_ascii_case(&self.shasum)
    }

    /// What a tarball shares with the judged one. Reading ends where nothing more can be found.
    pub(super) fn shared_with(&self, file: &File, sha512: &str) -> io::Result<Shared> {
        if sha512 == self.sha512 {
            return Ok(Shared { is_copy: true, files: Vec::new() });
        }
        let mut file = file.try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        let shared = self.compare(&file)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(shared)
    }

    /// Reads as the most tolerant installer does: blocks that are no header are passed over, and
    /// what was found before an error counts. An error where there is more than is unpacked.
    fn compare(&self, file: &File) -> io::Result<Shared> {
        let mut reader = Counted { inner: MultiGzDecoder::new(file).take(MAX_UNPACKED), count: 0 };
        let mut found = Found { same: Some(0), copies: Vec::new() };
        loop {
            let before = reader.count;
            match self.look_on(&mut reader, &mut found) {
                Ok(()) => break,
                // The block was no header, or the stream ends here.
                Err(_) if reader.count == before => break,
                Err(_) => {}
            }
        }
        if reader.inner.limit() == 0 {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the tarball is too large to read"));
        }
        let is_copy = found.same.is_some_and(|count| count > 0 && count >= self.files.len());
        Ok(Shared { is_copy, files: found.copies })
    }

    /// Looks at the entries up to the next block that is no header.
    fn look_on(&self, reader: &mut impl io::Read, found: &mut Found) -> io::Result<()> {
        let mut archive = tar::Archive::new(reader);
        archive.set_ignore_zeros(true);
        for entry in archive.entries()? {
            let mut entry = entry?;
            if found.same.is_none() && (self.made.is_empty() || found.copies.len() >= MAX_COPIES) {
                return Ok(());
            }
            let kind = entry.header().entry_type();
            // Installers make files of these; GNU tar also of what it does not know.
            let is_file = kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse();
            let size = entry.size();
            if !self.sizes.contains(&size) {
                found.same = found.same.filter(|_| !is_file);
                continue;
            }
            let path = entry.path_bytes().into_owned();
            let path = String::from_utf8_lossy(&path);
            let mut hasher = Sha256::new();
            let mut buffer = [0; 1 << 14];
            loop {
                let count = entry.read(&mut buffer)?;
                if count == 0 {
                    break;
                }
                hasher.update(buffer.get(..count).unwrap_or_default());
            }
            let sha256: [u8; 32] = hasher.finalize().into();
            if let Some(path) = self.made.get(&sha256).filter(|path| found.copies.len() < MAX_COPIES && !found.copies.contains(path)) {
                found.copies.push(path.clone());
            }
            // npm takes the first component away, whatever it is.
            let inside = path.trim_start_matches("./").split_once('/').and_then(|(_, inside)| self.files.get(inside));
            let is_same = inside.is_some_and(|wanted| wanted.size == size && wanted.sha256 == sha256);
            if is_same || is_file {
                found.same = found.same.filter(|_| is_same).map(|count| count + 1);
            }
        }
        Ok(())
    }
}

/// What was found in a tarball so far.
struct Found {
    /// How many files are the judged ones; none where one is another.
    same: Option<usize>,
    /// See [`Shared::files`].
    copies: Vec<String>,
}

/// A reader that knows how far it has come.
struct Counted<R> {
    inner: R,
    count: u64,
}

impl<R: io::Read> io::Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use npm_tarball::Limits;

    use super::*;

    fn packed(top: &str, level: u32, files: &[(&str, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::new(level)));
        for (path, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            header.set_mtime(u64::from(level));
            builder.append_data(&mut header, format!("{top}/{path}"), content.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn a_block_that_is_no_header_and_another_kind_of_file_hide_nothing() {
        let files = [("package.json", "{}"), ("a.js", "1")];
        let published = packed("package", 9, &files);
        let judged = JudgedBytes::of(&published, &Archive::read(&*published, &Limits::default()).unwrap(), |_| false);
        let gzipped = |bytes: &[u8]| {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::new(1));
            gzip.write_all(bytes).unwrap();
            gzip.finish().unwrap()
        };
        let is_copy = |tar: &[u8]| judged.shared_with(&file(&gzipped(tar)), "sha512-other").unwrap().is_copy;
        let mut plain = Vec::new();
        MultiGzDecoder::new(published.as_slice()).read_to_end(&mut plain).unwrap();
        for before in [vec![b'A'; 512], vec![0; 1024], vec![b'A'; 5 * 512]] {
            assert!(is_copy(&[before, plain.clone()].concat()));
        }
        let mut contiguous = tar::Builder::new(Vec::new());
        for (path, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Continuous);
            header.set_size(content.len() as u64);
            contiguous.append_data(&mut header, format!("package/{path}"), content.as_bytes()).unwrap();
        }
        assert!(is_copy(&contiguous.into_inner().unwrap()));
    }

    #[test]
    fn the_same_files_are_a_copy_however_they_are_packed() {
        let files = [("package.json", "{}"), ("a.js", "1")];
        let published = packed("package", 9, &files);
        let judged = JudgedBytes::of(&published, &Archive::read(&*published, &Limits::default()).unwrap(), |_| false);
        let shared = |bytes: &[u8]| judged.shared_with(&file(bytes), "sha512-other").unwrap();
        let is_copy = |bytes: &[u8]| shared(bytes).is_copy;
        assert!(is_copy(&packed("other", 1, &[files[1], files[0]])));
        assert!(!is_copy(&packed("package", 9, &files[..1])), "one file is missing");
        assert!(!is_copy(&packed("package", 9, &[files[0], ("a.js", "2")])));
        assert!(!is_copy(&packed("package", 9, &[files[0], files[1], ("b.js", "2")])));
        assert!(!is_copy(b"no archive"));
        assert!(judged.shared_with(&file(b"no archive"), &judged.sha512).unwrap().is_copy);
        assert_eq!(shared(&packed("x", 6, &[("other.js", "1"), ("b.js", "23")])).files, ["a.js"]);
    }
}
