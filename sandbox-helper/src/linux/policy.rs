//! What the addon asks for, as it arrives on descriptor 0.
//!
//! Four bytes of length (little endian), then words that each end with NUL: the version, then a key
//! and as many words as the key takes. It comes on a socket that only the addon holds the other end
//! of: no file that another could change, no command line that another user could read.

use std::ffi::{CString, OsString};
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use super::failure::{Doing, Failure};

/// Both sides must agree on this; the addon and the helper are shipped together.
pub const VERSION: &str = "reproduce-sandbox 2";
/// More than any command line and environment that Linux would start.
const LONGEST: usize = 8 << 20;
/// Where the system puts its own folders: nothing of a job may cover them.
const RESERVED: [&str; 12] = ["/bin", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/old", "/proc", "/sbin", "/sys", "/usr"];

/// How the build is kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// Namespaces that this program makes.
    Namespaces,
    /// Namespaces that bubblewrap makes.
    Bwrap,
    /// No namespaces: Landlock and seccomp alone.
    Landlock,
}

/// A part of the host that the build sees.
#[derive(Debug, Clone)]
pub struct Mount {
    /// Where it is.
    pub host: PathBuf,
    /// Where the build sees it, in tiers that have mounts.
    pub inside: PathBuf,
    /// Whether the build may change it.
    pub writable: bool,
}

/// What the build may use up.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// Milliseconds.
    pub time: u64,
    /// Bytes of memory, of all processes together.
    pub memory: u64,
    /// Processes and threads.
    pub processes: u64,
    /// Bytes that all writable mounts may grow to.
    pub disk: u64,
    /// Bytes of one file.
    pub file: u64,
    /// Milliseconds for which no process may do anything; 0 for any time.
    pub idle: u64,
}

/// All that is needed to run one command.
#[derive(Debug)]
pub struct Policy {
    /// The bytes as they came, for a second instance inside bubblewrap.
    pub raw: Vec<u8>,
    /// How the build is kept in.
    pub tier: Tier,
    /// What the build sees of the host beside the system.
    pub mounts: Vec<Mount>,
    /// The folder that the command starts in, as the build sees it.
    pub cwd: PathBuf,
    /// The command: a name that is looked up in its own PATH, or a path.
    pub argv: Vec<CString>,
    /// Its environment, whole.
    pub env: Vec<CString>,
    /// What it may use up.
    pub limits: Limits,
    /// The host's user that it runs as, where this program has the privilege to become another.
    pub user: u32,
    /// The port of 127.0.0.1 that leads out, if one does.
    pub port: Option<u16>,
}

impl Policy {
    /// Reads the length and as many bytes from `from`.
    pub fn read(from: &mut impl Read) -> Result<Self, Failure> {
        let mut length = [0; 4];
        from.read_exact(&mut length).doing("read the policy")?;
        let length = usize::try_from(u32::from_le_bytes(length)).doing("read the policy")?;
        if length > LONGEST {
            return Err(Failure::new("read the policy", "it is too long"));
        }
        let mut raw = vec![0; length];
        from.read_exact(&mut raw).doing("read the policy")?;
        Self::parse(raw)
    }

    fn parse(raw: Vec<u8>) -> Result<Self, Failure> {
        let wrong = |why: &str| Failure::new("understand the policy", why);
        let mut words = raw.strip_suffix(b"\0").ok_or_else(|| wrong("it does not end"))?.split(|&byte| byte == 0).map(<[u8]>::to_vec);
        let mut next = || words.next().ok_or_else(|| wrong("it ends too early"));
        if next()? != VERSION.as_bytes() {
            return Err(wrong("it is of another version; the addon and the helper must be of one release"));
        }
        let (mut tier, mut cwd, mut user, mut port) = (None, None, 0, None);
        let (mut mounts, mut argv, mut env, mut limits) = (Vec::new(), Vec::new(), Vec::new(), Limits::default());
        loop {
            match next()?.as_slice() {
                b"tier" => {
                    tier = Some(match next()?.as_slice() {
                        b"namespaces" => Tier::Namespaces,
                        b"bwrap" => Tier::Bwrap,
                        b"landlock" => Tier::Landlock,
                        _ => return Err(wrong("there is no such tier")),
                    });
                }
                b"mount" => {
                    let writable = next()? == b"rw";
                    let (host, inside) = (path(next()?), path(next()?));
                    mounts.push(Mount { host, inside, writable });
                }
                b"cwd" => cwd = Some(path(next()?)),
                b"argument" => argv.push(CString::new(next()?).doing("understand the policy")?),
                b"variable" => env.push(CString::new(next()?).doing("understand the policy")?),
                b"limits" => {
                    limits = Limits {
                        time: number(&next()?)?,
                        memory: number(&next()?)?,
                        processes: number(&next()?)?,
                        disk: number(&next()?)?,
                        file: number(&next()?)?,
                        idle: number(&next()?)?,
                    };
                }
                b"user" => user = number(&next()?)?,
                b"port" => port = Some(number(&next()?)?),
                b"end" => break,
                _ => return Err(wrong("it has an unknown key")),
            }
        }
        let tier = tier.ok_or_else(|| wrong("it names no tier"))?;
        let cwd = cwd.ok_or_else(|| wrong("it names no folder"))?;
        if argv.is_empty() {
            return Err(wrong("it names no command"));
        }
        let policy = Self { raw, tier, mounts, cwd, argv, env, limits, user, port };
        for mount in &policy.mounts {
            policy.check(mount)?;
        }
        Ok(policy)
    }

    fn check(&self, mount: &Mount) -> Result<(), Failure> {
        let plain =
            |path: &Path| path.is_absolute() && path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
        let reserved = self.tier != Tier::Landlock
            && (mount.inside == Path::new("/") || RESERVED.iter().any(|folder| mount.inside.starts_with(folder)));
        if plain(&mount.host) && plain(&mount.inside) && !reserved {
            return Ok(());
        }
        Err(Failure::new(format!("show {} as {}", mount.host.display(), mount.inside.display()), "that place is not free"))
    }

    /// The value of a variable of the build's environment.
    pub fn variable(&self, name: &str) -> Option<&[u8]> {
        self.env.iter().find_map(|entry| entry.as_bytes().strip_prefix(name.as_bytes())?.strip_prefix(b"="))
    }

    /// The mounts that the build may write to, by the paths that `place` gives.
    pub fn writable(&self, place: impl Fn(&Mount) -> PathBuf) -> Vec<PathBuf> {
        self.mounts.iter().filter(|mount| mount.writable).map(place).collect()
    }
}

fn path(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes))
}

fn number<T: std::str::FromStr>(bytes: &[u8]) -> Result<T, Failure> {
    let parsed = std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok());
    parsed.ok_or_else(|| Failure::new("understand the policy", "a number was expected"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<u8> {
        words.iter().flat_map(|word| word.bytes().chain([0])).collect()
    }

    fn with(extra: &[&str]) -> Result<Policy, Failure> {
        let mut all = vec![VERSION, "tier", "namespaces", "cwd", "/build", "argument", "true"];
        all.extend(extra);
        all.push("end");
        Policy::parse(words(&all))
    }

    #[test]
    fn reads_what_the_addon_writes() {
        let policy =
            with(&["variable", "PATH=/usr/bin", "limits", "1", "2", "3", "4", "5", "6", "port", "4873", "mount", "rw", "/a", "/build"])
                .unwrap();
        assert_eq!(policy.port, Some(4873));
        assert_eq!((policy.limits.disk, policy.limits.idle), (4, 6));
        assert_eq!(policy.variable("PATH"), Some(b"/usr/bin".as_slice()));
        assert_eq!(policy.writable(|mount| mount.inside.clone()), [Path::new("/build")]);
    }

    #[test]
    fn another_version_is_refused() {
        assert!(Policy::parse(words(&["reproduce-sandbox 0", "end"])).is_err());
    }

    #[test]
    fn nothing_covers_the_system() {
        for inside in ["/", "/usr/bin", "/etc", "/proc/1", "/build/../etc", "build"] {
            assert!(with(&["mount", "ro", "/a", inside]).is_err(), "{inside}");
        }
    }

    #[test]
    fn a_policy_that_was_cut_off_is_refused() {
        let whole = words(&[VERSION, "tier", "bwrap", "cwd", "/", "argument", "true", "end"]);
        for length in 0..whole.len() {
            assert!(Policy::parse(whole[..length].to_vec()).is_err(), "{length}");
        }
    }
}
