//! Where on this machine a build can work: in the cache, or beside it where the cache is closed to
//! the build's user, nothing may be executed there, or its name has a sign that programs of builds
//! stumble over.
//!
//! In a container root's home is closed to everybody else, and without mounts the build's user has
//! to walk through it. Nothing of the user's is opened for that: the build gets a folder of its own
//! among the temporary files, and its tools are lent to it there.

use std::path::{Path, PathBuf};
use std::{fs, io};

use store::{Temporary, folders, remove_tree};

use super::error::SandboxError;
use super::tier::Tier;
use super::{Sandbox, give, modes};

/// The folder that builds are laid out in.
#[derive(Debug)]
pub struct Ground {
    /// Where it is.
    pub builds: PathBuf,
    /// Goes with this, where it is not the cache's.
    _temporary: Option<Temporary>,
}

impl Sandbox {
    /// The folder for builds: `usual`, or a new one where no build can work in that.
    pub fn ground(&self, usual: &Path) -> Result<Ground, SandboxError> {
        let made = folders::create(usual).map_err(|error| error.to_string());
        let Err(why) = made.and_then(|()| fits(self.tier, usual)) else { return Ok(Ground { builds: usual.to_owned(), _temporary: None }) };
        let temporary = Temporary::new("reproduce-builds-", &|place| fits(self.tier, place))
            .map_err(|others| SandboxError::NoPlace { reasons: format!("{why}; {others}") })?;
        give::let_through(temporary.path()).map_err(SandboxError::io("make a folder for builds"))?;
        Ok(Ground { builds: temporary.path().to_owned(), _temporary: Some(temporary) })
    }

    /// An error where a build cannot use a folder in its place.
    pub fn can_show(&self, folder: &Path) -> Result<(), SandboxError> {
        fits(self.tier, folder).map_err(|reasons| SandboxError::NoPlace { reasons })
    }

    /// A tool's folder as a build can use it: where it is, or a copy at `into` where no build can
    /// use it there.
    pub fn lend(&self, tool: &Path, into: &Path) -> Result<PathBuf, SandboxError> {
        if fits(self.tier, tool).is_ok() {
            return Ok(tool.to_owned());
        }
        lay_down(tool, into).map_err(SandboxError::io("lend a tool to the build"))?;
        Ok(into.to_owned())
    }
}

/// A temporary folder for one command, where the build's user can get to it.
pub(super) fn temporary(tier: Tier) -> Result<Temporary, SandboxError> {
    let made = Temporary::new("reproduce-", &|place| open_to_builds(tier, place));
    made.map_err(|reasons| SandboxError::NoPlace { reasons: reasons.to_string() })
}

/// An error says why no build of this tier can work in a folder.
fn fits(tier: Tier, folder: &Path) -> Result<(), String> {
    open_to_builds(tier, folder)?;
    modes::runs_programs(folder)
}

fn open_to_builds(tier: Tier, folder: &Path) -> Result<(), String> {
    // With mounts the folder is opened before the user changes, and has another name inside.
    if !tier.has_mounts() {
        is_plain(folder)?;
    }
    if tier == Tier::Landlock { modes::reached_by_others(folder) } else { Ok(()) }
}

/// An error where a path cannot stand in `PATH` or `NODE_OPTIONS`, or unquoted in a script, as it
/// does in many: there a package would come out another way than where its folder has a plain name.
fn is_plain(folder: &Path) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@=,~%".contains(c) || !c.is_ascii() && !c.is_whitespace();
    match folder.to_str() {
        Some(path) if path.chars().all(is_plain) => Ok(()),
        _ => Err(format!("{} has a character in its name that programs fail on", folder.display())),
    }
}

/// Lays a tree of our own down at `into`, anew: by links where both are on one file system. They
/// are where no build may change anything, so no build can change what they share.
fn lay_down(tree: &Path, into: &Path) -> io::Result<()> {
    remove_tree(into)?;
    if let Some(parent) = into.parent() {
        fs::create_dir_all(parent)?;
        folders::open_to_all(parent, 0o755)?;
    }
    let mut todo = vec![(tree.to_owned(), into.to_owned())];
    while let Some((from, to)) = todo.pop() {
        fs::create_dir_all(&to)?;
        fs::set_permissions(&to, fs::metadata(&from)?.permissions())?;
        for entry in fs::read_dir(&from)? {
            let entry = entry?;
            let (from, to) = (entry.path(), to.join(entry.file_name()));
            if entry.file_type()?.is_dir() {
                todo.push((from, to));
            } else if fs::hard_link(&from, &to).is_err() {
                fs::copy(&from, &to)?;
            }
        }
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_name_is_taken_where_builds_see_it() {
        for plain in ["/home/me/.cache/reproduce/builds", "/var/folders/zz/zyx_n0000/T", "/home/jürgen/日本", "/a/b-1.2+c@d=e,f~g%h"] {
            assert_eq!(is_plain(Path::new(plain)), Ok(()));
        }
        for odd in [
            " ", "\t", "\n", ":", "$", "`", "'", "\"", "\\", ";", "&", "|", "<", ">", "(", ")", "*", "?", "[", "{", "#", "!", "\u{7f}",
            "\u{2028}",
        ] {
            let folder = PathBuf::from(format!("/home/a{odd}b/c"));
            assert!(is_plain(&folder).is_err(), "{odd:?}");
            for (tier, is_seen) in [(Tier::Namespaces, false), (Tier::Bwrap, false), (Tier::None, true)] {
                assert_eq!(open_to_builds(tier, &folder).is_err(), is_seen, "{odd:?} {tier}");
            }
        }
        let bytes = std::os::unix::ffi::OsStrExt::from_bytes(b"/home/\xff".as_slice());
        assert!(is_plain(Path::new::<std::ffi::OsStr>(bytes)).is_err());
    }
}
