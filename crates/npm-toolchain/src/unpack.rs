//! Unpacking a tool's tarball into a folder: bounded, plain files only, readable by everybody.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use flate2::read::GzDecoder;

/// Most that a tool may be. Node 26 has 130 MB in 2,400 files, npm 12 some 3,000 files.
const MAX_BYTES: u64 = 1 << 30;
const MAX_ENTRIES: usize = 100_000;
/// How much is written between two looks at the switch.
const PIECE: u64 = 4 << 20;

/// Why a tarball was not unpacked.
#[derive(Debug)]
pub(super) enum UnpackError {
    /// It is not what a tool's tarball may be.
    Refused(String),
    /// It could not be read to its end.
    Broken(io::Error),
    /// The folder could not be written.
    Disk(PathBuf, io::Error),
    /// The run was stopped.
    Stopped,
}

/// Unpacks a gzipped tarball into an empty folder and returns the bytes written. As npm does, the
/// first component of a path is stripped, and links and devices are left out: no file on disk is
/// anything but a file of this folder.
pub(super) fn unpack(tarball: impl Read, folder: &Path, stopped: &dyn Fn() -> bool) -> Result<u64, UnpackError> {
    let mut archive = tar::Archive::new(GzDecoder::new(tarball).take(MAX_BYTES + (MAX_BYTES >> 4)));
    let mut made = HashSet::new();
    make_folder(folder, Path::new(""), &mut made)?;
    let mut total = 0_u64;
    for (number, entry) in archive.entries().map_err(UnpackError::Broken)?.enumerate() {
        if number >= MAX_ENTRIES {
            return Err(UnpackError::Refused(format!("it has more than {MAX_ENTRIES} entries")));
        }
        let mut entry = entry.map_err(UnpackError::Broken)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path().map_err(UnpackError::Broken)?.into_owned();
        let Some(inside) = inside(&path)? else { continue };
        total = total.saturating_add(entry.size());
        if total > MAX_BYTES {
            return Err(UnpackError::Refused(format!("it unpacks to more than {MAX_BYTES} bytes")));
        }
        let executable = entry.header().mode().is_ok_and(|mode| mode & 0o111 != 0);
        make_folder(folder, inside.parent().unwrap_or_else(|| Path::new("")), &mut made)?;
        write(&mut entry, &folder.join(&inside), stopped)?;
        set_mode(&folder.join(&inside), if executable { 0o755 } else { 0o644 })?;
    }
    Ok(total)
}

/// Lets everybody read a file and, where it is a program, run it.
pub(super) fn make_executable(path: &Path) -> Result<(), UnpackError> {
    set_mode(path, 0o755)
}

/// The path in the package; none for what is not below a first folder.
fn inside(path: &Path) -> Result<Option<PathBuf>, UnpackError> {
    let mut parts = path.components().filter(|part| *part != Component::CurDir);
    parts.next();
    let mut inside = PathBuf::new();
    for part in parts {
        match part {
            // What Windows reads as a drive, a stream or another folder.
            Component::Normal(name) if !name.to_string_lossy().contains(['\\', ':', '\0']) => inside.push(name),
            _ => return Err(UnpackError::Refused(format!("it has the path {}", path.display()))),
        }
    }
    if path.is_absolute() || path.components().any(|part| part == Component::ParentDir) {
        return Err(UnpackError::Refused(format!("it has the path {}", path.display())));
    }
    Ok((!inside.as_os_str().is_empty()).then_some(inside))
}

fn make_folder(root: &Path, folder: &Path, made: &mut HashSet<PathBuf>) -> Result<(), UnpackError> {
    if !made.insert(folder.to_owned()) {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        make_folder(root, parent, made)?;
    }
    let path = root.join(folder);
    match fs::create_dir(&path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(UnpackError::Disk(path, error)),
        _ => {}
    }
    set_mode(&path, 0o755)
}

fn write(entry: &mut impl Read, path: &Path, stopped: &dyn Fn() -> bool) -> Result<(), UnpackError> {
    let mut file = File::create(path).map_err(|error| UnpackError::Disk(path.to_owned(), error))?;
    loop {
        if stopped() {
            return Err(UnpackError::Stopped);
        }
        let mut piece = Vec::new();
        entry.by_ref().take(PIECE).read_to_end(&mut piece).map_err(UnpackError::Broken)?;
        if piece.is_empty() {
            return Ok(());
        }
        io::Write::write_all(&mut file, &piece).map_err(|error| UnpackError::Disk(path.to_owned(), error))?;
    }
}

/// Whatever the umask is, a build runs as another user.
#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> Result<(), UnpackError> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(|error| UnpackError::Disk(path.to_owned(), error))
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on the systems that have modes")]
fn set_mode(_: &Path, _: u32) -> Result<(), UnpackError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    /// A tarball with these entries: path, mode, content; a link where the content begins with
    /// `->`.
    pub(crate) fn tarball(entries: &[(&str, u32, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, mode, content) in entries {
            let mut header = tar::Header::new_ustar();
            header.set_mode(*mode);
            // Set as bytes: the library refuses the paths that matter here.
            header.as_ustar_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
            if let Some(target) = content.strip_prefix("->") {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_link_name(target).unwrap();
                header.set_size(0);
                header.set_cksum();
                builder.append(&header, io::empty()).unwrap();
            } else {
                header.set_size(content.len() as u64);
                header.set_cksum();
                builder.append(&header, content.as_bytes()).unwrap();
            }
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    fn unpacked(entries: &[(&str, u32, &str)]) -> (tempfile::TempDir, Result<u64, UnpackError>) {
        let folder = tempfile::tempdir().unwrap();
        let result = unpack(tarball(entries).as_slice(), folder.path(), &|| false);
        (folder, result)
    }

    #[cfg(unix)]
    #[test]
    fn files_and_folders_can_be_read_by_everybody_and_programs_run() {
        use std::os::unix::fs::PermissionsExt as _;
        let (folder, result) = unpacked(&[("package/bin/node", 0o700, "x"), ("package/package.json", 0o600, "{}")]);
        assert_eq!(result.unwrap(), 3);
        let mode = |path: &str| fs::metadata(folder.path().join(path)).unwrap().permissions().mode() & 0o7777;
        assert_eq!(["", "bin", "bin/node", "package.json"].map(mode), [0o755, 0o755, 0o755, 0o644]);
    }

    #[test]
    fn the_first_component_is_stripped_whatever_it_is() {
        let (folder, result) = unpacked(&[("npm/lib/a.js", 0o644, "a"), ("./package/b.js", 0o644, "b"), ("stray", 0o644, "c")]);
        result.unwrap();
        assert!(folder.path().join("lib/a.js").is_file() && folder.path().join("b.js").is_file());
        assert!(!folder.path().join("stray").exists());
    }

    #[test]
    fn links_are_left_out() {
        let (folder, result) = unpacked(&[("package/out", 0o644, "->/etc"), ("package/in", 0o644, "x")]);
        result.unwrap();
        assert!(fs::symlink_metadata(folder.path().join("out")).is_err());
    }

    #[test]
    fn a_path_out_of_the_folder_is_refused() {
        for path in ["package/../../x", "/package/x", "../package/x", "package/a\\b", "package/c:d"] {
            let (_folder, result) = unpacked(&[(path, 0o644, "x")]);
            assert!(matches!(result, Err(UnpackError::Refused(_))), "{path}: {result:?}");
        }
    }

    #[test]
    fn a_cut_tarball_is_broken_and_a_stopped_run_stops() {
        let whole = tarball(&[("package/a", 0o644, &"x".repeat(100_000))]);
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(unpack(&whole[..whole.len() / 2], folder.path(), &|| false), Err(UnpackError::Broken(_))));
        assert!(matches!(unpack(whole.as_slice(), folder.path(), &|| true), Err(UnpackError::Stopped)));
        let mut garbage = Vec::new();
        garbage.write_all(b"not gzip").unwrap();
        assert!(matches!(unpack(garbage.as_slice(), folder.path(), &|| false), Err(UnpackError::Broken(_))));
    }
}
