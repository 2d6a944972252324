//! The second tier: bubblewrap makes the namespaces, where a distribution lets it and nobody else.
//!
//! A child of this program becomes bubblewrap, which starts this program again as the first process
//! inside. The policy goes along as a descriptor, and so do the control socket and the made-up
//! files. This process waits: bubblewrap dies with the thread that started it, and the addon's
//! threads come and go.

use std::convert::Infallible;
use std::env;
use std::ffi::{CString, OsString};
use std::fs::File;
use std::io::{Seek, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, execve, fork, geteuid};

use super::control::Control;
use super::failure::{Doing, Failure};
use super::mounts::{bind, none, pin, tmpfs};
use super::namespaced::finish;
use super::policy::Policy;
use super::system::{HIDDEN, Part, SHM, TMP, made_up, parts};
use super::user::{INSIDE, Keep, become_user};

/// The argument that says: the policy is on the descriptor that follows, and all the rest is done.
pub const INSIDE_BWRAP: &str = "--inside";
/// Where bubblewrap may be; the user's PATH is not asked.
const PROGRAMS: [&str; 2] = ["/usr/bin/bwrap", "/bin/bwrap"];
/// Where this program shows itself inside.
const SELF: &str = "/.sandbox";
/// Folders that hold nothing on most machines, for root's binds.
const COVERS: [&str; 4] = ["/mnt", "/media", "/srv", "/run"];

/// Runs the build; returns when all of it is gone.
pub fn run(policy: &Policy, control: &Control) -> Result<(), Failure> {
    // SAFETY: this process has one thread.
    match unsafe { fork() }.doing("start bubblewrap")? {
        ForkResult::Child => {
            let Err(failure) = become_bwrap(policy, control);
            control.say("failed", &failure.to_string());
            std::process::exit(125)
        }
        ForkResult::Parent { child } => loop {
            match waitpid(child, None) {
                Err(Errno::EINTR) => {}
                other => return other.doing("wait for bubblewrap").map(drop),
            }
        },
    }
}

fn become_bwrap(policy: &Policy, control: &Control) -> Result<Infallible, Failure> {
    let program = PROGRAMS.into_iter().find(|program| Path::new(program).exists());
    let program = program.ok_or_else(|| Failure::new("run bubblewrap", "it is not installed"))?;
    let own = env::current_exe().doing("find this program")?;
    let mut sources: Vec<PathBuf> = policy.mounts.iter().map(|mount| mount.host.clone()).chain([own]).collect();
    if geteuid().is_root() {
        sources = within_reach(&sources)?;
        become_user(policy.user)?;
    } else {
        for source in &sources {
            pin(source, OFlag::O_NOFOLLOW)?;
        }
    }
    let mut words = Words::default();
    words.add(["bwrap", "--unshare-all", "--die-with-parent", "--as-pid-1", "--clearenv", "--hostname", "build"]);
    words.add(["--uid", &INSIDE.to_string(), "--gid", &INSIDE.to_string()]);
    for part in parts() {
        match part {
            Part::Show(path) => words.paths("--ro-bind", &path, &path),
            Part::Link { at, to } => words.paths("--symlink", &to, &at),
        }
    }
    if Path::new(HIDDEN).is_dir() {
        words.add(["--tmpfs", HIDDEN, "--remount-ro", HIDDEN]);
    }
    words.add(["--proc", "/proc", "--dev", "/dev"]);
    let tmp = TMP.min(policy.limits.disk);
    for (path, size) in [("/tmp", tmp), ("/dev/shm", SHM.min(tmp))] {
        words.add(["--perms", "1777", "--size", &size.to_string(), "--tmpfs", path]);
    }
    words.add(["--remount-ro", "/dev"]);
    // Kept until bubblewrap takes this program's place: it inherits the descriptors.
    let mut kept = Vec::new();
    for (path, contents) in made_up(policy) {
        let file = memory(&contents)?;
        words.add(["--perms", "0444", "--ro-bind-data", &file.as_raw_fd().to_string(), path]);
        kept.push(file);
    }
    for (mount, source) in policy.mounts.iter().zip(&sources) {
        words.paths(if mount.writable { "--bind" } else { "--ro-bind" }, source, &mount.inside);
    }
    if let Some(own) = sources.last() {
        words.paths("--ro-bind", own, Path::new(SELF));
    }
    let handed = memory(&[&u32::try_from(policy.raw.len()).doing("hand on the policy")?.to_le_bytes(), policy.raw.as_slice()].concat())?;
    words.add(["--remount-ro", "/", "--", SELF, INSIDE_BWRAP, &handed.as_raw_fd().to_string()]);
    control.put_back()?;
    let argv = words.0.into_iter().map(|word| CString::new(word.into_vec())).collect::<Result<Vec<_>, _>>().doing("run bubblewrap")?;
    let path = CString::new(program).doing("run bubblewrap")?;
    execve(&path, &argv, &[] as &[CString]).doing("run bubblewrap")
}

/// Inside: the root and the network are made, and the policy is on the descriptor of that number.
pub fn go_on(control: &Control, number: RawFd) -> Result<Infallible, Failure> {
    // SAFETY: the number comes from the instance that made the descriptor for this one; nothing
    // else in this process uses it.
    let mut handed = File::from(unsafe { OwnedFd::from_raw_fd(number) });
    let policy = Policy::read(&mut handed)?;
    drop(handed);
    finish(&policy, control, None, Keep::Nothing)
}

/// As root: shows all sources in a place that the unprivileged user can get to.
fn within_reach(sources: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    unshare(CloneFlags::CLONE_NEWNS).doing("make a namespace for mounts")?;
    mount(none(), "/", none(), MsFlags::MS_REC | MsFlags::MS_PRIVATE, none()).doing("keep the mounts apart from the host's")?;
    let mut pinned = Vec::new();
    for source in sources {
        pinned.push(pin(source, OFlag::O_NOFOLLOW)?);
    }
    let free = |cover: &&str| Path::new(cover).is_dir();
    let cover = COVERS.into_iter().find(free).ok_or_else(|| Failure::new("make a place for mounts", "there is none"))?;
    tmpfs(Path::new(cover), "mode=755,size=1m,nr_inodes=4k")?;
    let mut reachable = Vec::new();
    for (number, source) in pinned.iter().enumerate() {
        let place = Path::new(cover).join(number.to_string());
        let source = PathBuf::from(format!("/proc/self/fd/{}", source.as_raw_fd()));
        let folder = std::fs::metadata(&source).doing("look at a mount")?.is_dir();
        bind(&source, &place, folder)?;
        reachable.push(place);
    }
    Ok(reachable)
}

/// A file in memory that the next program inherits.
fn memory(contents: &[u8]) -> Result<File, Failure> {
    let doing = "hand on a file";
    // SAFETY: the name ends with NUL; the kernel returns a new descriptor.
    let number = super::failure::checked(unsafe { libc::memfd_create(c"reproduce".as_ptr(), 0) }.into()).doing(doing)?;
    // SAFETY: made just now, and owned by nothing else.
    let mut file = File::from(unsafe { OwnedFd::from_raw_fd(RawFd::try_from(number).doing(doing)?) });
    file.write_all(contents).and_then(|()| file.rewind()).doing(doing)?;
    fcntl(&file, FcntlArg::F_SETFD(FdFlag::empty())).doing(doing)?;
    Ok(file)
}

#[derive(Default)]
struct Words(Vec<OsString>);

impl Words {
    fn add<const N: usize>(&mut self, words: [&str; N]) {
        self.0.extend(words.map(OsString::from));
    }

    fn paths(&mut self, option: &str, from: &Path, to: &Path) {
        self.0.extend([OsString::from(option), from.into(), to.into()]);
    }
}
