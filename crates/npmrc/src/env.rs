//! What surrounds the process, passed in so that it can be made up in a test.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Largest configuration or certificate file that is read, in bytes.
const MAX_FILE: u64 = 4 << 20;

/// The user who may do everything anyway.
#[cfg(unix)]
const ROOT: u32 = 0;

/// Environment, folders and files.
#[derive(Clone)]
pub struct Surroundings {
    /// Environment variables.
    pub vars: BTreeMap<String, String>,
    /// The working directory.
    pub cwd: PathBuf,
    /// The user's home directory.
    pub home: Option<PathBuf>,
    /// The Node executable (`process.execPath`): npm's global prefix is derived from it.
    pub node: Option<PathBuf>,
    /// How files are read.
    pub files: Arc<dyn Files>,
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The environment may hold tokens.
        f.debug_struct("Surroundings").field("cwd", &self.cwd).field("home", &self.home).finish_non_exhaustive()
    }
}

impl Surroundings {
    /// Those of this process. `node` is `process.execPath`; without it the first `node` on the PATH
    /// counts.
    pub fn of_process(node: Option<PathBuf>) -> Self {
        let vars: BTreeMap<String, String> =
            std::env::vars_os().filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?))).collect();
        let home = std::env::home_dir();
        let node = node.or_else(|| {
            let name = if cfg!(windows) { "node.exe" } else { "node" };
            std::env::split_paths(vars.get("PATH")?).map(|dir| dir.join(name)).find(|path| path.is_file())
        });
        Self { cwd: std::env::current_dir().unwrap_or_default(), home, node, files: Arc::new(OsFiles), vars }
    }

    /// A variable that is set and not empty.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The first of some variables, in upper or lower case, that is set and not empty.
    pub fn var_any_case(&self, name: &str) -> Option<&str> {
        self.var(&name.to_ascii_lowercase()).or_else(|| self.var(&name.to_ascii_uppercase()))
    }

    /// A path as npm reads one: `~/` is home, and anything relative starts at the working
    /// directory.
    pub fn path(&self, text: &str) -> PathBuf {
        let below_home = text.strip_prefix("~/").or_else(|| if cfg!(windows) { text.strip_prefix("~\\") } else { None });
        match (below_home, &self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => self.cwd.join(text),
        }
    }
}

/// Reading files. The one implementation outside of tests is [`OsFiles`].
pub trait Files: Send + Sync {
    /// A file's content; an error if it is not a regular file or too large.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Whether a regular file is there.
    fn is_file(&self, path: &Path) -> bool;
    /// Whether a folder is there.
    fn is_dir(&self, path: &Path) -> bool;

    /// The user whose a file or folder is, where its word does not count in a project of the folder
    /// `cwd`: not this process's own user, not root, and not the owner of `cwd`. `None` where it
    /// counts, where nothing is there, and on systems without owners.
    fn foreign(&self, path: &Path, cwd: &Path) -> Option<u32> {
        let _ = (path, cwd);
        None
    }

    /// A file's content as text.
    fn read_text(&self, path: &Path) -> io::Result<String> {
        String::from_utf8(self.read(path)?).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8"))
    }
}

/// The file system.
#[derive(Debug, Clone, Copy)]
pub struct OsFiles;

impl Files for OsFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        // A pipe could block for ever; /dev/null is how people say that there is no such file.
        if !self.is_file(path) {
            return Err(match std::fs::metadata(path) {
                Ok(about) if about.is_dir() => io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"),
                Ok(_) => io::Error::new(io::ErrorKind::NotFound, "it is a device or a pipe and no file"),
                Err(_) => io::Error::new(io::ErrorKind::NotFound, "there is no such file"),
            });
        }
        let mut content = Vec::new();
        std::fs::File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut content)?;
        if content.len() as u64 > MAX_FILE {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {MAX_FILE} bytes")));
        }
        Ok(content)
    }

    fn is_file(&self, path: &Path) -> bool {
        path.is_file()
    }

    fn is_dir(&self, path: &Path) -> bool {
        path.is_dir()
    }

    #[cfg(unix)]
    fn foreign(&self, path: &Path, cwd: &Path) -> Option<u32> {
        use std::os::unix::fs::MetadataExt as _;
        let owner = |read: io::Result<std::fs::Metadata>| read.ok().map(|metadata| metadata.uid());
        let itself = owner(std::fs::symlink_metadata(path))?;
        // Who makes a link, or has the folder, chooses which file is there: also one of somebody
        // else's.
        let target = owner(std::fs::metadata(path));
        let folder = path.parent().and_then(|folder| owner(std::fs::metadata(folder)));
        let trusted = [Some(rustix::process::geteuid().as_raw()), Some(ROOT), owner(std::fs::metadata(cwd))];
        [Some(itself), target, folder].into_iter().find(|owner| owner.is_some() && !trusted.contains(owner)).flatten()
    }
}

/// Replaces `${NAME}` by a variable and `${NAME?}` by a variable or nothing; an odd number of
/// backslashes in front keeps it. An unknown `${NAME}` stays as it is (@npmcli/config 10,
/// env-replace.js).
pub(super) fn expand(text: &str, vars: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        let plain = before.trim_end_matches('\\');
        let slashes = before.len() - plain.len();
        let inside = from.strip_prefix("${").unwrap_or("");
        let end = inside.find(['$', '{', '}', '?']).unwrap_or(inside.len());
        let (name, tail) = inside.split_at(end);
        let (optional, tail) = tail.strip_prefix('?').map_or((false, tail), |tail| (true, tail));
        let Some(tail) = tail.strip_prefix('}').filter(|_| !name.is_empty()) else {
            out.push_str(before);
            out.push_str("${");
            rest = inside;
            continue;
        };
        out.push_str(plain);
        out.push_str(&"\\".repeat(slashes / 2));
        if slashes % 2 == 1 {
            out.push_str(from.get(..from.len() - tail.len()).unwrap_or(from));
        } else if let Some(value) = vars.get(name) {
            out.push_str(value);
        } else if !optional {
            out.push_str("${");
            out.push_str(name);
            out.push('}');
        }
        rest = tail;
    }
    out + rest
}
