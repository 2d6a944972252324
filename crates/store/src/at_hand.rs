//! Files that the user names, or that lie in the user's checkout, read in bounded memory and time.
//!
//! A checkout is a stranger's: its package.json can be a link to a device without an end, or to a
//! pipe that nobody writes to.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;

/// Opens a regular file, also through links; what is none is an error that says so, and is not
/// waited for.
pub fn open(path: &Path) -> io::Result<File> {
    // To open a device can do something, so it is asked for first; what is opened is asked again.
    regular(&fs::metadata(path)?)?;
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, NO_WAITING);
    let file = options.open(path)?;
    regular(&file.metadata()?)?;
    Ok(file)
}

/// Opens what the user names on the command line: a regular file, or a pipe, as a shell's `<(…)` is
/// one. The reader bounds what it takes; a pipe that nobody writes to is waited for, as any program
/// waits.
pub fn open_named(path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    if std::os::unix::fs::FileTypeExt::is_fifo(&fs::metadata(path)?.file_type()) {
        return File::open(path);
    }
    open(path)
}

/// The bytes of a regular file of no more than `limit` bytes.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {limit} bytes")));
    }
    Ok(bytes)
}

/// Fails for what another library must not open: a pipe, which is waited for, or a device, which
/// may have no end. What is not there, a folder, a socket (it cannot be opened, and git's file
/// monitor has one) and /dev/null are none of these.
#[cfg(unix)]
pub fn check_input(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt as _;
    let Ok(about) = fs::metadata(path) else { return Ok(()) };
    let kind = about.file_type();
    let waits = kind.is_fifo() || kind.is_block_device() || kind.is_char_device();
    if waits && fs::canonicalize(path).map_or(true, |path| path != Path::new("/dev/null")) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a device or a pipe and no file"));
    }
    Ok(())
}

/// There are no such files.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on the systems that have pipes")]
pub fn check_input(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
#[expect(clippy::cast_possible_wrap, reason = "the flags of open(2) are an int")]
const NO_WAITING: i32 = rustix::fs::OFlags::NONBLOCK.bits() as i32;

fn regular(data: &fs::Metadata) -> io::Result<()> {
    if data.is_file() {
        return Ok(());
    }
    let kind = if data.is_dir() { "a folder" } else { "a device, a pipe or a socket" };
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {kind} and no file")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_up_to_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::write(&path, "1234").unwrap();
        assert_eq!(read(&path, 4).unwrap(), b"1234");
        assert_eq!(read(&path, 3).unwrap_err().to_string(), "it is larger than 3 bytes");
        assert_eq!(read(dir.path(), 4).unwrap_err().to_string(), "it is a folder and no file");
        assert_eq!(read(&dir.path().join("b"), 4).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[cfg(unix)]
    #[test]
    fn devices_and_pipes_are_refused_at_once_also_behind_links() {
        let dir = tempfile::tempdir().unwrap();
        let [file, link, zero, pipe] = ["file", "link", "zero", "pipe"].map(|name| dir.path().join(name));
        fs::write(&file, "1").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &zero).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_eq!(read(&link, 1).unwrap(), b"1");
        assert!(open_named(&zero).is_err() && open_named(&link).is_ok());
        let writer = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::write(pipe, "from a pipe").unwrap()
        });
        let mut said = String::new();
        open_named(&pipe).unwrap().take(4).read_to_string(&mut said).unwrap();
        drop(writer);
        assert_eq!(said, "from");
        for path in [&link, Path::new("/dev/null"), &dir.path().join("none"), dir.path()] {
            check_input(path).unwrap();
        }
        for path in [zero, pipe] {
            assert_eq!(check_input(&path).unwrap_err().to_string(), "it is a device or a pipe and no file");
            assert_eq!(read(&path, 1).unwrap_err().to_string(), "it is a device, a pipe or a socket and no file", "{}", path.display());
        }
    }
}
