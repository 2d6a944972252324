//! Files that the user wants written.
//!
//! One rule about links holds for all of them. A checkout can be a stranger's, as that of a pull
//! request, and where an output is to go it can have a link to a file of the user's. So nothing is
//! written, replaced or removed through a link that lies in a checkout or in another folder that
//! may be a stranger's ([`Strangers`]). A link that lies elsewhere is the user's own and is
//! followed, and what a shell has opened (`/dev/stdout`, `>(…)`) is taken as it is.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

/// Most links that lead from one to the next; Linux follows no more.
const MAX_LINKS: usize = 40;

/// Folders of the system, whose links nobody but it makes.
const OF_SYSTEM: [&str; 2] = ["/dev", "/proc"];

/// Why an output has no place.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// A link that may be a stranger's is on the way.
    #[error("it leads through the link {}, which may have come with a checkout", .0.display())]
    Link(PathBuf),
    /// More links than any system follows.
    #[error("it leads through more than {MAX_LINKS} links")]
    Links,
    /// What the system says.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<OutputError> for io::Error {
    fn from(error: OutputError) -> Self {
        match error {
            OutputError::Io(error) => error,
            error => Self::new(io::ErrorKind::InvalidInput, error.to_string()),
        }
    }
}

/// Folders that may be a stranger's besides every checkout, which has a `.git`.
#[derive(Debug, Clone, Default)]
pub struct Strangers(Vec<PathBuf>);

impl Strangers {
    /// The working folder. The user's home folder is none, and no folder that it is in.
    pub fn of_process() -> Self {
        let home = std::env::home_dir().and_then(|home| real(&home).ok()).unwrap_or_default();
        let own = |folder: &PathBuf| home.starts_with(folder) || folder.parent().is_none();
        let here = std::env::current_dir().map_err(OutputError::from).and_then(|here| real(&here)).ok();
        Self(here.filter(|here| !own(here)).into_iter().collect())
    }

    /// With a folder that is checked.
    #[must_use]
    pub fn and(mut self, folder: &Path) -> Self {
        self.0.extend(real(folder));
        self
    }

    /// With those of another.
    #[must_use]
    pub fn with(mut self, other: &Self) -> Self {
        self.0.extend(other.0.iter().cloned());
        self
    }

    fn have(&self, folder: &Path) -> bool {
        let is_checkout = || folder.ancestors().any(|above| above.join(".git").symlink_metadata().is_ok());
        self.0.iter().any(|one| folder.starts_with(one)) || is_checkout()
    }
}

/// Where an output goes: the path without links, also of a file that is not there. An error where a
/// link is on the way that may be a stranger's.
pub fn settled(path: &Path, strangers: &Strangers) -> Result<PathBuf, OutputError> {
    followed(path, &|folder| strangers.have(folder))
}

/// The path without links, whosever they are.
pub fn real(path: &Path) -> Result<PathBuf, OutputError> {
    followed(path, &|_| false)
}

/// Follows the links of a path, but for those in folders that `refuses` names.
fn followed(path: &Path, refuses: &dyn Fn(&Path) -> bool) -> Result<PathBuf, OutputError> {
    let path = std::path::absolute(path)?;
    let mut rest: VecDeque<OsString> = parts(&path);
    let (mut real, mut links) = (PathBuf::new(), 0);
    while let Some(part) = rest.pop_front() {
        if part == ".." {
            real.pop();
            continue;
        }
        let next = real.join(&part);
        let Ok(target) = fs::read_link(&next) else {
            real = next;
            continue;
        };
        if is_of_system(&next) {
            return Ok(rest.iter().fold(next, |path, part| path.join(part)));
        }
        if refuses(&real) {
            return Err(OutputError::Link(next));
        }
        links += 1;
        if links > MAX_LINKS {
            return Err(OutputError::Links);
        }
        // An absolute target begins anew: joining does that.
        rest = parts(&target).into_iter().chain(rest).collect();
    }
    Ok(real)
}

fn parts(path: &Path) -> VecDeque<OsString> {
    path.components().filter(|part| *part != Component::CurDir).map(|part| part.as_os_str().to_owned()).collect()
}

/// Whether the system itself has the path: a device, or what a shell has opened.
pub fn is_of_system(path: &Path) -> bool {
    OF_SYSTEM.iter().any(|folder| path.starts_with(folder))
}

/// Makes a file for what the user wants written, or empties the one that is there.
pub fn create(path: &Path) -> io::Result<File> {
    let settled = settled(path, &Strangers::of_process())?;
    check(&settled)?;
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    if !is_of_system(&settled) {
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, NO_LINK);
    }
    options.open(settled)
}

/// Removes what an earlier run wrote, so that it cannot pass for this one's. A pipe or a device
/// stays, and what a shell has opened.
pub fn remove_earlier(path: &Path) -> io::Result<()> {
    let settled = settled(path, &Strangers::of_process())?;
    if !is_of_system(&settled) && fs::symlink_metadata(&settled).is_ok_and(|about| about.is_file()) {
        fs::remove_file(&settled)?;
    }
    Ok(())
}

#[cfg(unix)]
#[expect(clippy::cast_possible_wrap, reason = "the flags of open(2) are an int")]
const NO_LINK: i32 = rustix::fs::OFlags::NOFOLLOW.bits() as i32;

/// Fails for what is no place for an output: to open a pipe waits for its reader, without end where
/// none comes. What a shell has opened already, as its `>(…)`, is no such place, nor is /dev/null.
pub fn check(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        let is_open = ["/dev/fd", "/proc/self/fd", "/dev/stdout", "/dev/stderr"].iter().any(|open| path.starts_with(open));
        let kind = fs::metadata(path).map(|about| about.file_type());
        if kind.is_ok_and(|kind| kind.is_fifo() || kind.is_socket() || kind.is_block_device()) && !is_open {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a pipe, a socket or a disk and no file"));
        }
    }
    #[cfg(not(unix))]
    let _: &Path = path;
    Ok(())
}

/// Fails where no file could be written by this name: its folder is not there, or nothing may be
/// written in it. Nothing is left behind, and what a shell has opened or a device is taken as it
/// is. The path is one without links.
pub fn check_writable(path: &Path) -> io::Result<()> {
    check(path)?;
    match fs::metadata(path) {
        Ok(about) if about.is_dir() => Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder")),
        Ok(about) if about.is_file() => File::options().append(true).open(path).map(drop),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            match fs::metadata(folder) {
                Ok(about) if !about.is_dir() => Err(io::Error::new(io::ErrorKind::NotADirectory, "its folder is a file")),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    Err(io::Error::new(io::ErrorKind::NotFound, "its folder is not there"))
                }
                Err(error) => Err(error),
                Ok(_) => tempfile::tempfile_in(folder).map(drop),
            }
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn pipe(folder: &Path) -> PathBuf {
        let pipe = folder.join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()));
        pipe
    }

    /// A folder that is nobody's checkout, as a path without links.
    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        (folder, path)
    }

    #[test]
    fn no_link_of_a_checkout_or_of_a_checked_folder_is_followed_wherever_it_stands_in_a_path() {
        let (_own, at) = folder();
        for sub in ["checkout/.git", "checkout/a", "checked", "plain", "mine"] {
            fs::create_dir_all(at.join(sub)).unwrap();
        }
        fs::write(at.join("mine/file"), "mine").unwrap();
        for inside in ["checkout", "checkout/a", "checked", "plain"] {
            symlink(at.join("mine/file"), at.join(inside).join("file")).unwrap();
            symlink(at.join("mine"), at.join(inside).join("folder")).unwrap();
            symlink(at.join("mine/new"), at.join(inside).join("new")).unwrap();
            symlink("real", at.join(inside).join("beside")).unwrap();
        }
        symlink(at.join("checkout/a/file"), at.join("plain/through")).unwrap();
        let strangers = Strangers::default().and(&at.join("checked"));
        for inside in ["checkout", "checkout/a", "checked"] {
            for name in ["file", "folder/file", "folder/none", "new", "beside", "folder/../x"] {
                let error = settled(&at.join(inside).join(name), &strangers).unwrap_err();
                assert!(matches!(error, OutputError::Link(_)), "{inside}/{name}: {error}");
            }
        }
        assert!(
            matches!(settled(&at.join("plain/through"), &strangers), Err(OutputError::Link(link)) if link.ends_with("checkout/a/file"))
        );
        for (own, real) in [("file", "mine/file"), ("folder/file", "mine/file"), ("new", "mine/new"), ("beside", "plain/real")] {
            assert_eq!(settled(&at.join("plain").join(own), &strangers).unwrap(), at.join(real), "{own}");
        }
        assert!(create(&at.join("checkout/file")).is_err() && create(&at.join("checkout/folder/other")).is_err());
        assert!(remove_earlier(&at.join("checkout/file")).is_err() && remove_earlier(&at.join("checkout/folder/file")).is_err());
        assert_eq!((fs::read(at.join("mine/file")).unwrap(), at.join("mine/other").exists()), (b"mine".to_vec(), false));
        create(&at.join("plain/new")).unwrap();
        assert!(at.join("mine/new").exists(), "the control: a link of the user's own is followed");
        remove_earlier(&at.join("plain/file")).unwrap();
        assert!(!at.join("mine/file").exists());
    }

    #[test]
    fn links_that_lead_to_each_other_come_to_an_end_and_the_systems_own_are_taken_as_they_are() {
        let (_own, at) = folder();
        symlink("b", at.join("a")).unwrap();
        symlink("a", at.join("b")).unwrap();
        assert!(matches!(settled(&at.join("a"), &Strangers::default()), Err(OutputError::Links)));
        symlink("/dev/stdout", at.join("out")).unwrap();
        for path in [Path::new("/dev/stdout"), &at.join("out")] {
            assert_eq!(settled(path, &Strangers::default()).unwrap(), Path::new("/dev/stdout"));
        }
        assert_eq!(settled(Path::new("/dev/fd/1"), &Strangers::default()).unwrap(), Path::new("/dev/fd/1"));
    }

    #[test]
    fn a_file_can_be_made_in_a_folder_alone_and_nothing_is_left_of_the_look() {
        let (_own, at) = folder();
        let at = |name: &str| at.join(name);
        fs::write(at("there"), "kept").unwrap();
        for (name, reason) in [("none/new", "its folder is not there"), ("there/new", "its folder is a file"), (".", "it is a folder")] {
            let error = check_writable(&at(name)).unwrap_err();
            assert!(error.to_string() == reason || error.kind() == io::ErrorKind::NotADirectory, "{name}: {error}");
        }
        for path in [at("new"), at("there"), "/dev/null".into(), "/dev/stdout".into()] {
            check_writable(&path).unwrap();
        }
        assert_eq!(fs::read_dir(at("")).unwrap().count(), 1);
        assert_eq!(fs::read(at("there")).unwrap(), b"kept");
    }

    #[test]
    fn an_output_is_a_file_or_what_a_shell_has_opened() {
        let (_own, at) = folder();
        let pipe = pipe(&at);
        let link = at.join("link to a pipe");
        symlink(&pipe, &link).unwrap();
        for path in [&pipe, &link] {
            assert_eq!(create(path).unwrap_err().to_string(), "it is a pipe, a socket or a disk and no file");
        }
        assert!(create(Path::new("/dev/null")).is_ok() && create(&at.join("new")).is_ok());
        for path in ["/dev/stdout", "/dev/null"] {
            check(Path::new(path)).unwrap();
        }
    }
}
