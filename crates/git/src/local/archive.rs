//! An archive of a source: tar, by itself or compressed with gzip or xz.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use flate2::read::MultiGzDecoder;
use gix::ObjectId;
use gix::objs::tree::EntryKind;
use tar::EntryType;

use super::snapshot::{MAX_BYTES, NewFile, Snapshot};
use super::unreadable;
use crate::{GitError, ObjectStore};

/// Takes the files of an archive as a commit; a single folder around them all is left off.
pub(super) fn import(path: &Path, store: &ObjectStore, cancelled: &AtomicBool) -> Result<ObjectId, GitError> {
    let failed = |error: io::Error| unreadable(path, &error);
    let mut file = store::at_hand::open(path).map_err(failed)?;
    let mut magic = [0; 6];
    let length = read_up_to(&mut file, &mut magic).map_err(failed)?;
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    match magic.get(..length).unwrap_or_default() {
        [0x1f, 0x8b, ..] => files(path, MultiGzDecoder::new(BufReader::new(file)), store, cancelled),
        [0xfd, b'7', b'z', b'X', b'Z', 0] => {
            let mut plain = Limited { to: tempfile::tempfile().map_err(failed)?, left: MAX_BYTES };
            lzma_rs::xz_decompress(&mut BufReader::new(file), &mut plain).map_err(|error| unreadable(path, &error))?;
            plain.to.seek(SeekFrom::Start(0)).map_err(failed)?;
            files(path, BufReader::new(plain.to), store, cancelled)
        }
        [b'P', b'K', ..] | [b'B', b'Z', b'h', ..] => {
            Err(unreadable(path, &"only tar archives are supported, plain or with gzip or xz: unpack it, and name the folder"))
        }
        _ => files(path, BufReader::new(file), store, cancelled),
    }
}

fn files(path: &Path, tar: impl Read, store: &ObjectStore, cancelled: &AtomicBool) -> Result<ObjectId, GitError> {
    let failed = |error: io::Error| unreadable(path, &error);
    let mut snapshot = Snapshot::default();
    let mut found = false;
    for entry in tar::Archive::new(tar.take(MAX_BYTES)).entries().map_err(failed)? {
        if cancelled.load(Ordering::Relaxed) {
            return Err(GitError::Cancelled);
        }
        let mut entry = entry.map_err(failed)?;
        let (kind, mode) = (entry.header().entry_type(), entry.header().mode().unwrap_or(0o644));
        let changed = entry.header().mtime().ok().and_then(|time| i64::try_from(time).ok()).unwrap_or_default();
        let name = parts(&entry.path_bytes());
        let target = entry.link_name_bytes().map(std::borrow::Cow::into_owned).unwrap_or_default();
        let mut content = Vec::new();
        let git_kind = match kind {
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                entry.read_to_end(&mut content).map_err(failed)?;
                if mode & 0o100 != 0 { EntryKind::BlobExecutable } else { EntryKind::Blob }
            }
            EntryType::Symlink => {
                content = target;
                EntryKind::Link
            }
            // A second name of a file that came before.
            EntryType::Link => {
                let first = snapshot.id_of(&parts(&target)).and_then(|id| store.blob(&id).transpose()).transpose()?;
                let Some(first) = first else { continue };
                content = first;
                if mode & 0o100 != 0 { EntryKind::BlobExecutable } else { EntryKind::Blob }
            }
            _ => continue,
        };
        if name.is_empty() {
            continue;
        }
        if name.iter().any(|part| part == b"..") {
            return Err(unreadable(path, &format!("{} leads out of it", String::from_utf8_lossy(&entry.path_bytes()))));
        }
        found = true;
        snapshot.add(store, &name, &NewFile { kind: git_kind, content: &content, changed })?;
    }
    if !found {
        return Err(unreadable(path, &"it is not a tar archive, or has no file"));
    }
    snapshot.without_wrapper().commit(store)
}

/// The parts of a path; `.` is left out.
fn parts(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".").map(<[u8]>::to_vec).collect()
}

fn read_up_to(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match file.read(rest)? {
            0 => break,
            count => length += count,
        }
    }
    Ok(length)
}

/// Writes so many bytes, and fails then: a small archive can unpack to a disk's worth.
struct Limited {
    to: File,
    left: u64,
}

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self.left.checked_sub(bytes.len() as u64).ok_or(io::ErrorKind::QuotaExceeded)?;
        self.to.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
