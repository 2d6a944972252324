//! Modes of folders and of what they are mounted with, as far as builds meet them.

#[cfg(unix)]
pub(super) use unix::reached_by_others;

use std::path::Path;

/// An error where programs of this folder are not run, whatever their modes.
#[cfg(target_os = "linux")]
pub(super) fn runs_programs(folder: &Path) -> Result<(), String> {
    use rustix::fs::{StatVfsMountFlags, statvfs};
    let mounted = statvfs(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    if mounted.f_flag.contains(StatVfsMountFlags::NOEXEC) {
        return Err(format!("no program may run in {} (noexec)", folder.display()));
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "as on Linux")]
pub(super) fn runs_programs(_: &Path) -> Result<(), String> {
    Ok(())
}

#[cfg(unix)]
mod unix {
    use std::fs;
    use std::os::unix::fs::MetadataExt as _;
    use std::path::Path;

    use rustix::process::geteuid;

    /// An error where another user than root cannot walk to this folder, if builds run as one.
    pub(crate) fn reached_by_others(folder: &Path) -> Result<(), String> {
        if !geteuid().is_root() {
            return Ok(());
        }
        let real = folder.canonicalize().map_err(|error| format!("{}: {error}", folder.display()))?;
        for part in real.ancestors() {
            let found = fs::metadata(part).map_err(|error| format!("{}: {error}", part.display()))?;
            if found.mode() & 0o001 == 0 {
                return Err(format!("{} is closed to the user that builds run as", part.display()));
            }
        }
        Ok(())
    }
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on the systems that have modes")]
pub(super) fn reached_by_others(_: &Path) -> Result<(), String> {
    Ok(())
}
