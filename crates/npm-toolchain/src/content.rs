//! What is on disk of a tool, as one hash: that of everything, and that of its program.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// Most files of a tool, and the deepest folder.
const MAX_FILES: usize = 100_000;
const MAX_DEPTH: usize = 64;

/// Hashes of a tool's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Content {
    /// sha256 over all files in byte order of their paths, as `contentDigest` is made.
    pub(super) digest: String,
    /// sha256 of the program.
    pub(super) program: String,
}

/// A file as the system describes it: what changes with it, though its bytes are not read.
#[derive(Debug)]
struct Found {
    path: String,
    mode: u32,
    stamp: [i128; 5],
}

/// A short name for the state of a folder: another one where any file was written, replaced, added
/// or taken away since.
pub(super) fn stamp(root: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    for file in files(root)? {
        hash.update(format!("{} {:o} {:?}\0", file.path, file.mode, file.stamp));
    }
    Ok(hex::encode(hash.finalize()))
}

/// Reads every file; an error also where `stopped` says so meanwhile, since a tool of a hundred
/// megabytes takes its time.
pub(super) fn read(root: &Path, entry: &str, stopped: &dyn Fn() -> bool) -> io::Result<Content> {
    let (mut hash, mut program) = (Sha256::new(), String::new());
    for file in files(root)? {
        let of_file = sha256_unless(&root.join(&file.path), stopped)?;
        // npm's mode on disk.
        let mode = ((file.mode & 0o7777 | 0o666) & !0o022) | 0o600;
        hash.update(format!("{mode:o} file {of_file} {}\0", file.path));
        if file.path == entry {
            program = of_file;
        }
    }
    Ok(Content { digest: hex::encode(hash.finalize()), program })
}

/// Every file below a folder. An error where there is anything else: nothing but files was
/// unpacked.
fn files(root: &Path) -> io::Result<Vec<Found>> {
    let mut all = Vec::new();
    let mut folders = vec![(String::new(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let name = entry.file_name().into_string().map_err(|_| io::Error::other("it has a name that is not text"))?;
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            let data = fs::symlink_metadata(entry.path())?;
            if data.is_dir() && depth < MAX_DEPTH {
                folders.push((path, depth + 1));
            } else if data.is_file() && all.len() < MAX_FILES {
                all.push(found(path, &data));
            } else {
                return Err(io::Error::other(format!("it has {path}, which is not a file of a tool")));
            }
        }
    }
    all.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(all)
}

#[cfg(unix)]
fn found(path: String, data: &fs::Metadata) -> Found {
    use std::os::unix::fs::MetadataExt as _;
    let time = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
    let times = [time(data.mtime(), data.mtime_nsec()), time(data.ctime(), data.ctime_nsec())];
    Found { path, mode: data.mode(), stamp: [data.len().into(), data.ino().into(), data.dev().into(), times[0], times[1]] }
}

#[cfg(not(unix))]
fn found(path: String, data: &fs::Metadata) -> Found {
    let time = |time: io::Result<std::time::SystemTime>| {
        let since = time.ok().and_then(|time| time.duration_since(std::time::SystemTime::UNIX_EPOCH).ok());
        i128::try_from(since.unwrap_or_default().as_nanos()).unwrap_or_default()
    };
    Found { path, mode: 0o644, stamp: [data.len().into(), time(data.modified()), time(data.created()), 0, 0] }
}

/// The SHA-256 of a file, in hex; an error if it cannot be read.
pub fn sha256_of_file(path: &Path) -> io::Result<String> {
    sha256_unless(path, &|| false)
}

fn sha256_unless(path: &Path, stopped: &dyn Fn() -> bool) -> io::Result<String> {
    let (mut file, mut hash) = (File::open(path)?, Sha256::new());
    let mut buffer = vec![0; 1 << 20];
    loop {
        if stopped() {
            return Err(io::Error::other("the run was stopped"));
        }
        match file.read(&mut buffer)? {
            0 => return Ok(hex::encode(hash.finalize())),
            count => hash.update(buffer.get(..count).unwrap_or_default()),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_is_stopped_reads_no_further() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("node"), vec![0; 3 << 20]).unwrap();
        let looks = std::cell::Cell::new(0);
        let stop_at = |last: u32| {
            looks.set(0);
            read(folder.path(), "node", &|| {
                looks.set(looks.get() + 1);
                looks.get() == last
            })
        };
        assert!(stop_at(2).is_err(), "in the middle of a file");
        assert_eq!(looks.get(), 2);
        assert!(stop_at(0).is_ok(), "the control");
        assert!(looks.get() > 2);
    }

    #[test]
    fn every_change_shows() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir(root.join("bin")).unwrap();
        fs::write(root.join("bin/node"), "node").unwrap();
        fs::write(root.join("a.js"), "a").unwrap();
        let state = || (stamp(root).unwrap(), read(root, "bin/node", &|| false).unwrap().digest);
        let before = state();
        assert_eq!(state(), before);
        assert_eq!(read(root, "bin/node", &|| false).unwrap().program, hex::encode(Sha256::digest("node")));
        let time = fs::metadata(root.join("a.js")).unwrap().modified().unwrap();
        fs::write(root.join("a.js"), "b").unwrap();
        File::options().append(true).open(root.join("a.js")).unwrap().set_modified(time).unwrap();
        let changed = state();
        assert!(changed.0 != before.0 && changed.1 != before.1, "the same length and time, and other bytes");
        fs::write(root.join("b.js"), "").unwrap();
        assert_ne!(state().1, changed.1, "another file");
        fs::remove_file(root.join("b.js")).unwrap();
        std::os::unix::fs::symlink("bin/node", root.join("b.js")).unwrap();
        assert!(read(root, "bin/node", &|| false).is_err() && stamp(root).is_err(), "a link");
    }
}
