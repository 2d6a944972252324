//! Handing a folder to the user that builds run as.

#[cfg(unix)]
pub(super) use unix::{give, let_through};

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps)]
/// Builds run as the user who runs this.
pub(super) fn give(_: &std::path::Path) -> Result<(), super::error::SandboxError> {
    Ok(())
}

/// Builds run as the user who runs this.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on the systems that have users")]
pub(super) fn let_through(_: &std::path::Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(unix)]
mod unix {
    use std::io;
    use std::os::fd::{AsFd, OwnedFd};
    use std::path::Path;

    use rustix::fs::{AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, Uid, chmodat, chownat, openat};
    use rustix::io::Errno;
    use rustix::process::geteuid;

    use super::super::BUILD_USER;
    use super::super::error::SandboxError;

    /// A tree deeper than this is a trick; every level holds a descriptor.
    const DEEPEST: usize = 300;

    /// Changes the owner of `folder` and all in it, if this process is root. Links change hands
    /// themselves, and lead nowhere.
    pub(crate) fn give(folder: &Path) -> Result<(), SandboxError> {
        if !geteuid().is_root() {
            return Ok(());
        }
        below(CWD, folder, 0).map_err(|source| SandboxError::Give { path: folder.to_owned(), source })
    }

    /// Lets the build's user walk through a folder of root's, and nobody else do anything there:
    /// what is built may be private.
    pub(crate) fn let_through(folder: &Path) -> io::Result<()> {
        if geteuid().is_root() {
            chownat(CWD, folder, None, Some(group()), AtFlags::SYMLINK_NOFOLLOW)?;
            chmodat(CWD, folder, Mode::from_raw_mode(0o710), AtFlags::empty())?;
        }
        Ok(())
    }

    fn below<F: AsFd, P: rustix::path::Arg + Copy>(parent: F, name: P, depth: usize) -> io::Result<()> {
        if depth > DEEPEST {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("its folders are more than {DEEPEST} deep")));
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder: OwnedFd = openat(&parent, name, flags, Mode::empty())?;
        for entry in Dir::read_from(&folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let is_folder = match entry.file_type() {
                FileType::Directory => true,
                FileType::Unknown => {
                    let found = rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
                    FileType::from_raw_mode(found.st_mode) == FileType::Directory
                }
                _ => false,
            };
            if is_folder {
                below(&folder, name, depth + 1)?;
            } else {
                own(&folder, name)?;
            }
        }
        // The folder itself last, and by its descriptor: it may have another name by now.
        rustix::fs::fchown(&folder, Some(user()), Some(group()))?;
        Ok(())
    }

    fn own<P: rustix::path::Arg>(folder: &OwnedFd, name: P) -> io::Result<()> {
        match chownat(folder, name, Some(user()), Some(group()), AtFlags::SYMLINK_NOFOLLOW) {
            // Removed meanwhile: there is nothing to hand over.
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn user() -> Uid {
        Uid::from_raw(BUILD_USER)
    }

    fn group() -> Gid {
        Gid::from_raw(BUILD_USER)
    }
}
