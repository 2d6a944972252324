//! Where the helper program is.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::{env, fs};

use super::error::SandboxError;

const VARIABLE: &str = "REPRODUCE_SANDBOX";
const NAME: &str = "reproduce-sandbox";

/// `REPRODUCE_SANDBOX` before `given`; in a folder, the name with the platform (as it is shipped)
/// before the bare one (as cargo builds it).
pub(super) fn find(given: Option<&Path>) -> Result<PathBuf, SandboxError> {
    let candidates = match env::var_os(VARIABLE).map(PathBuf::from).filter(|path| path.is_absolute()) {
        Some(named) => vec![named],
        None => given.map(candidates).unwrap_or_default(),
    };
    let Some(found) = candidates.iter().find(|path| path.is_file()) else {
        return Err(SandboxError::HelperMissing { looked: candidates });
    };
    executable(found)?;
    Ok(found.clone())
}

fn candidates(given: &Path) -> Vec<PathBuf> {
    if given.is_dir() { vec![given.join(format!("{NAME}.{}", platform())), given.join(NAME)] } else { vec![given.to_owned()] }
}

/// As npm's platform packages are named.
fn platform() -> String {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let library = if cfg!(target_env = "musl") { "musl" } else { "gnu" };
    format!("linux-{architecture}-{library}")
}

/// Not every client keeps the permission to run a file that is no `bin`.
fn executable(path: &Path) -> Result<(), SandboxError> {
    let doing = "make the sandbox's program executable";
    let mode = fs::metadata(path).map_err(SandboxError::io(doing))?.permissions().mode();
    if mode & 0o111 != 0 {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode | 0o755)).map_err(SandboxError::io(doing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_searched_for_the_shipped_name_first() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(find(Some(folder.path())), Err(SandboxError::HelperMissing { looked }) if looked.len() == 2));
        fs::write(folder.path().join(NAME), "").unwrap();
        assert_eq!(find(Some(folder.path())).unwrap(), folder.path().join(NAME));
        let shipped = folder.path().join(format!("{NAME}.{}", platform()));
        fs::write(&shipped, "").unwrap();
        assert_eq!(find(Some(folder.path())).unwrap(), shipped);
        assert_eq!(fs::metadata(&shipped).unwrap().permissions().mode() & 0o777, 0o755);
    }
}
