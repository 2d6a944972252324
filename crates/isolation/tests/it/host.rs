//! The host that attacks are aimed at: secrets, a victim, services; and the command that runs an
//! attack.

use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{LazyLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};
use std::{fs, thread};

use tempfile::TempDir;

use isolation::{Ended, Gate, Isolation, Job, Mount, Running, Sandbox, Tier};

use super::needs;

/// The helper, built with the profile of this test.
pub(crate) static HELPER: LazyLock<PathBuf> = LazyLock::new(|| {
    if let Some(named) = std::env::var_os("REPRODUCE_SANDBOX") {
        return named.into();
    }
    // …/target/<profile>/deps/<this test>
    let this = std::env::current_exe().unwrap();
    let folder = this.ancestors().nth(2).unwrap().to_owned();
    let profile = match folder.file_name().unwrap().to_str().unwrap() {
        "debug" => "dev",
        other => other,
    };
    let target = folder.parent().unwrap();
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "-p", "reproduce-sandbox", "--profile", profile, "--target-dir"])
        .arg(target)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .status();
    assert!(built.unwrap().success());
    folder.join("reproduce-sandbox")
});

/// The tiers that hold strangers, of those that this machine has.
pub(crate) static TIERS: LazyLock<Vec<Sandbox>> = LazyLock::new(|| {
    let user = if is_root() { "root" } else { "other" };
    let mut tiers = Vec::new();
    for tier in [Tier::Namespaces, Tier::Bwrap, Tier::Landlock] {
        let name = format!("tier:{tier}:{user}");
        match Sandbox::open(Isolation::Only(tier), Some(&HELPER)) {
            Ok(sandbox) => {
                needs::had(&name);
                tiers.push(sandbox);
            }
            Err(error) => needs::lacked(&name, &error.to_string()),
        }
    }
    assert!(!tiers.is_empty(), "no tier works on this machine");
    tiers
});

/// The folder of the `node` that the PATH has, and nothing where that is the system's own, which
/// every build sees.
static NODE: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    let path = std::env::var_os("PATH").unwrap();
    let node = std::env::split_paths(&path)
        .map(|folder| folder.join("node"))
        .find(|node| node.is_file())
        .unwrap_or_else(|| panic!("node is on the PATH"));
    let folder = fs::canonicalize(node).unwrap().parent().unwrap().to_owned();
    (folder != Path::new("/usr/bin")).then_some(folder)
});

pub(crate) fn none() -> Sandbox {
    Sandbox::open(Isolation::Only(Tier::None), None).unwrap()
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Set in the run by the other user: what concerns this user alone was done by the run that started
/// it.
pub(crate) const BESIDE: &str = "SANDBOX_ESCAPE_BESIDE";

/// True for root. A run that has no part as root says so.
pub(crate) fn root_is_here() -> bool {
    if !is_root() && std::env::var_os(BESIDE).is_none() {
        needs::lacked("user:root", "the tests run as an ordinary user; where user:root is required they run with sudo too");
    }
    is_root()
}

/// Held for reading by the attacks that may run beside each other, for writing by one that takes
/// hundreds of processes: in `landlock` the kernel counts them for all builds of one user, and
/// another build could not fork.
static TURN: RwLock<()> = RwLock::new(());

enum Turn {
    Shared { _turn: RwLockReadGuard<'static, ()> },
    Alone { _turn: RwLockWriteGuard<'static, ()> },
}

/// A folder of the host with a checkout in it, and things that are none of a build's business
/// beside it.
pub(crate) struct Host {
    folder: TempDir,
    pub(crate) tcp: TcpListener,
    pub(crate) elsewhere: Option<TcpListener>,
    pub(crate) udp: UdpSocket,
    pub(crate) unix: UnixListener,
    pub(crate) datagrams: UnixDatagram,
    pub(crate) abstracted: UnixListener,
    pub(crate) abstract_name: String,
    pub(crate) victim: Child,
    _turn: Turn,
}

pub(crate) fn unique() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{}{:04}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

impl Host {
    /// For an attack that others may run beside. One at a time in a test: a second could wait for
    /// ever.
    pub(crate) fn new() -> Self {
        Self::with(Turn::Shared { _turn: TURN.read().unwrap_or_else(PoisonError::into_inner) })
    }

    /// For an attack that takes hundreds of processes: no other runs until it is dropped.
    pub(crate) fn alone() -> Self {
        Self::with(Turn::Alone { _turn: TURN.write().unwrap_or_else(PoisonError::into_inner) })
    }

    fn with(turn: Turn) -> Self {
        use std::os::linux::net::SocketAddrExt;
        let folder = tempfile::Builder::new().prefix("sandbox-escape-").tempdir().unwrap();
        let path = folder.path();
        if is_root() {
            // As root the host's own folders are closed to the build's user; these must be held by
            // the sandbox alone.
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        for below in ["checkout", "home/.ssh", "tools"] {
            fs::create_dir_all(path.join(below)).unwrap();
        }
        fs::write(path.join("home/.npmrc"), "//registry/:_authToken=SECRET-npmrc\n").unwrap();
        fs::write(path.join("home/.ssh/id_ed25519"), "SECRET-key\n").unwrap();
        fs::write(path.join("tools/tool"), "#!/bin/sh\necho tool\n").unwrap();
        std::os::unix::fs::symlink(path.join("home/.npmrc"), path.join("checkout/link")).unwrap();
        let abstract_name = format!("sandbox-escape-{}", unique());
        let address = std::os::unix::net::SocketAddr::from_abstract_name(&abstract_name).unwrap();
        let host = Self {
            tcp: TcpListener::bind("0.0.0.0:0").unwrap(),
            elsewhere: None,
            udp: UdpSocket::bind("0.0.0.0:0").unwrap(),
            unix: UnixListener::bind(path.join("home/socket")).unwrap(),
            datagrams: UnixDatagram::bind(path.join("home/datagrams")).unwrap(),
            abstracted: UnixListener::bind_addr(&address).unwrap(),
            abstract_name,
            victim: Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap(),
            _turn: turn,
            folder,
        };
        for path in ["home/socket", "home/datagrams"] {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(host.path(path), fs::Permissions::from_mode(0o777)).unwrap();
        }
        host.tcp.set_nonblocking(true).unwrap();
        host.udp.set_nonblocking(true).unwrap();
        host.unix.set_nonblocking(true).unwrap();
        host.datagrams.set_nonblocking(true).unwrap();
        host.abstracted.set_nonblocking(true).unwrap();
        host
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// A job in the checkout, with all that an attacker would like to know in its arguments.
    pub(crate) fn job(&self, sandbox: &Sandbox, argv: &[&str]) -> Job {
        let checkout = self.path("checkout");
        sandbox.give(&checkout).unwrap();
        let build = sandbox.inside(&checkout, "/build");
        let tools = sandbox.inside(&self.path("tools"), "/opt/tools");
        let mut mounts = vec![
            Mount { host: checkout, inside: build.clone(), writable: true },
            Mount { host: self.path("tools"), inside: tools, writable: false },
        ];
        let mut path = "/usr/bin:/bin".to_owned();
        if let Some(folder) = &*NODE {
            let node = sandbox.inside(folder, "/opt/node");
            path = format!("{node}:{path}");
            mounts.push(Mount { host: folder.clone(), inside: node, writable: false });
        }
        let env = [
            ("PATH", path),
            ("HOME", build.clone()),
            ("BUILD", build.clone()),
            ("HOST", self.folder.path().to_string_lossy().into_owned()),
            ("TCP", self.tcp.local_addr().unwrap().port().to_string()),
            ("UDP", self.udp.local_addr().unwrap().port().to_string()),
            ("ABSTRACT", self.abstract_name.clone()),
            ("VICTIM", self.victim.id().to_string()),
            ("OUTSIDE", std::process::id().to_string()),
            ("NODE_OPTIONS", String::new()),
        ];
        let env = env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Job { mounts, cwd: build, argv: argv.iter().map(|&word| word.to_owned()).collect(), env, network: true, ..Job::default() }
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, sandbox: &Sandbox, argv: &[&str]) -> Ended {
        finish(sandbox, &self.job(sandbox, argv))
    }

    /// Whether any service of the host was reached; it forgets.
    pub(crate) fn reached(&self) -> bool {
        let mut buffer = [0; 16];
        // A connection that was made is there before the attack ends.
        self.tcp.accept().is_ok()
            || self.unix.accept().is_ok()
            || self.abstracted.accept().is_ok()
            || self.elsewhere.as_ref().is_some_and(|listener| listener.accept().is_ok())
            || self.udp.recv(&mut buffer).is_ok()
            || self.datagrams.recv(&mut buffer).is_ok()
    }

    pub(crate) fn victim_lives(&mut self) -> bool {
        self.victim.try_wait().unwrap().is_none()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.victim.kill();
        let _ = self.victim.wait();
    }
}

pub(crate) fn finish(sandbox: &Sandbox, job: &Job) -> Ended {
    started(sandbox, job).wait(&AtomicBool::new(false)).unwrap_or_else(|error| panic!("{}: {:?}: {error}", sandbox.tier(), job.argv))
}

/// Starts it, with a proxy that says hello.
pub(crate) fn started(sandbox: &Sandbox, job: &Job) -> Running {
    let gate: Gate = sandbox.gate().unwrap();
    let mut job = job.clone();
    job.env.push(("GATE".to_owned(), gate.url.clone()));
    let mut running = sandbox.spawn(&job, gate).unwrap_or_else(|error| panic!("{}: {:?}: {error}", sandbox.tier(), job.argv));
    if let Some(listener) = running.listener() {
        thread::spawn(move || {
            for connection in listener.incoming() {
                let Ok(mut connection) = connection else { return };
                let _ = connection.read(&mut [0; 1024]);
                let _ = connection.write_all(b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello");
            }
        });
    }
    running
}

pub(crate) fn text(ended: &Ended) -> String {
    String::from_utf8_lossy(&ended.log.text).into_owned()
}

/// Processes of this machine with `marker` in their command line.
pub(crate) fn marked(marker: &str) -> usize {
    let commands = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    commands.filter(|command| String::from_utf8_lossy(command).contains(marker)).count()
}

/// Waits until there are as many as `wanted` says.
pub(crate) fn wait_for(marker: &str, wanted: impl Fn(usize) -> bool) -> usize {
    let begun = Instant::now();
    loop {
        let count = marked(marker);
        if wanted(count) || begun.elapsed() > Duration::from_secs(20) {
            return count;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}
