//! Folders that go with what made them: new ones among the temporary files, removed whatever a
//! build left in them.

use std::path::{Path, PathBuf};
use std::{fmt, io};

use super::removal::remove_tree;

/// A new folder for this user alone, removed when this is dropped: a removal that recurses would
/// end on a deep tree, or end this process.
#[derive(Debug)]
pub struct Temporary(PathBuf);

impl Temporary {
    /// Makes one in the first of the places for temporary files that `fits` takes: `TMPDIR`, then
    /// those of the system.
    pub fn new(prefix: &str, fits: &dyn Fn(&Path) -> Result<(), String>) -> Result<Self, NoPlace> {
        let mut reasons = Vec::new();
        for place in places() {
            let made = fits(&place).and_then(|()| {
                let made = tempfile::Builder::new().prefix(prefix).tempdir_in(&place);
                made.map_err(|error| error.to_string())
            });
            match made {
                Ok(folder) => return Ok(Self(folder.keep())),
                Err(why) => reasons.push((place, why)),
            }
        }
        Err(NoPlace(reasons))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Nobody is left to tell. It fails where the disk does, or where a process without a
        // sandbox lives on in it.
        let _: io::Result<()> = remove_tree(&self.0);
    }
}

/// Why none of the places for temporary files will do, in the order in which they were tried.
#[derive(Debug)]
pub struct NoPlace(Vec<(PathBuf, String)>);

impl fmt::Display for NoPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reasons: Vec<String> = self.0.iter().map(|(place, why)| format!("{}: {why}", place.display())).collect();
        f.write_str(&reasons.join("; "))
    }
}

impl std::error::Error for NoPlace {}

/// Where temporary files may go, each once.
fn places() -> Vec<PathBuf> {
    let mut places = vec![std::env::temp_dir()];
    let others: &[&str] = if cfg!(unix) { &["/var/tmp", "/tmp"] } else { &[] };
    for other in others.iter().map(PathBuf::from) {
        if !places.contains(&other) {
            places.push(other);
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_place_that_fits_is_taken_and_all_that_do_not_are_named() {
        let all = places();
        let last = all.last().unwrap().clone();
        let made = Temporary::new("reproduce-", &|place| if place == last { Ok(()) } else { Err("no".into()) }).unwrap();
        assert_eq!(made.path().parent(), Some(last.as_path()));
        let error = Temporary::new("reproduce-", &|_| Err("too small".into())).unwrap_err().to_string();
        assert!(all.iter().all(|place| error.contains(&format!("{}: too small", place.display()))), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn closed_folders_and_deep_ones_do_not_stay() {
        use std::fs;
        use std::os::unix::fs::PermissionsExt as _;

        let made = Temporary::new("reproduce-", &|_| Ok(())).unwrap();
        let closed = made.path().join("closed");
        fs::create_dir_all(closed.join("below")).unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
        let end = "/a".repeat(1000);
        fs::create_dir_all(format!("{}/0{end}", made.path().display())).unwrap();
        fs::create_dir_all(format!("{}/1{end}", made.path().display())).unwrap();
        fs::rename(made.path().join("1"), format!("{}/0{end}/a", made.path().display())).unwrap();
        let path = made.path().to_owned();
        drop(made);
        assert!(!path.exists());
    }
}
