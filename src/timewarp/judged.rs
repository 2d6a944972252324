//! The tarball that is judged, known by its bytes: no build of it may have it, under whatever name.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use flate2::read::MultiGzDecoder;
use sha2::{Digest as _, Sha256};

use super::document::Dist;
use crate::compare::{Archive, EntryKind};
use crate::registry::{Hasher, Integrity};

/// Most bytes of a tarball that are unpacked to tell whether it is a copy.
const MAX_UNPACKED: u64 = 2 << 30;

/// The bytes that are judged, and what is in them.
#[derive(Debug)]
pub struct JudgedBytes {
    sha512: String,
    shasum: String,
    /// SHA-256 of each file's content, by path.
    files: HashMap<String, [u8; 32]>,
}

impl JudgedBytes {
    /// What is known of a published tarball and its archive.
    pub fn of(tarball: &[u8], archive: &Archive) -> Self {
        let mut hasher = Hasher::new(None);
        hasher.update(tarball);
        let digests = hasher.finish();
        let files = archive.entries().iter().filter(|entry| entry.kind == EntryKind::File);
        Self { sha512: digests.sha512(), shasum: digests.shasum(), files: files.map(|entry| (entry.path.clone(), entry.sha256)).collect() }
    }

    /// Whether metadata announces these bytes.
    pub(super) fn is_announced(&self, dist: &Dist) -> bool {
        let same = |promised: Integrity| promised.text() == self.sha512;
        Integrity::parse(&dist.integrity).is_some_and(same) || dist.shasum.eq_ignore_ascii_case(&self.shasum)
    }

    /// Whether a tarball is these bytes, or has the same files. Reading ends at the first file that is
    /// another, so nearly every tarball is read no further than that.
    pub(super) fn is_copy(&self, file: &File, sha512: &str) -> io::Result<bool> {
        if sha512 == self.sha512 {
            return Ok(true);
        }
        let mut file = file.try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        let same = self.has_same_files(&file);
        file.seek(SeekFrom::Start(0))?;
        // What cannot be read as an archive holds no package for an installer either.
        Ok(same.unwrap_or(false))
    }

    fn has_same_files(&self, file: &File) -> io::Result<bool> {
        let mut archive = tar::Archive::new(MultiGzDecoder::new(file).take(MAX_UNPACKED));
        let mut same = 0;
        for entry in archive.entries()? {
            let mut entry = entry?;
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let path = entry.path_bytes().into_owned();
            let path = String::from_utf8_lossy(&path);
            // npm takes the first component away, whatever it is.
            let Some((_, inside)) = path.trim_start_matches("./").split_once('/') else { return Ok(false) };
            let Some(wanted) = self.files.get(inside) else { return Ok(false) };
            let mut hasher = Sha256::new();
            let mut buffer = [0; 1 << 14];
            loop {
                let count = entry.read(&mut buffer)?;
                if count == 0 {
                    break;
                }
                hasher.update(buffer.get(..count).unwrap_or_default());
            }
            if hasher.finalize().as_slice() != wanted {
                return Ok(false);
            }
            same += 1;
        }
        Ok(same > 0 && same >= self.files.len())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::compare::Limits;

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
    fn the_same_files_are_a_copy_however_they_are_packed() {
        let files = [("package.json", "{}"), ("a.js", "1")];
        let published = packed("package", 9, &files);
        let judged = JudgedBytes::of(&published, &Archive::read(&*published, &Limits::default()).unwrap());
        let is_copy = |bytes: &[u8]| judged.is_copy(&file(bytes), "sha512-other").unwrap();
        assert!(is_copy(&packed("other", 1, &[files[1], files[0]])));
        assert!(!is_copy(&packed("package", 9, &files[..1])), "one file is missing");
        assert!(!is_copy(&packed("package", 9, &[files[0], ("a.js", "2")])));
        assert!(!is_copy(&packed("package", 9, &[files[0], files[1], ("b.js", "2")])));
        assert!(!is_copy(b"no archive"));
        assert!(judged.is_copy(&file(b"no archive"), &judged.sha512).unwrap());
    }
}
