//! Reaching anything but the proxy. What counts is whether a service of the host was reached.

use std::io::Read as _;
use std::net::{TcpListener, TcpStream};

use super::host::{Host, TIERS, finish, none, text};

/// A name, and a program for Node. Each ends by itself within seconds.
const NODE: [(&str, &str); 5] = [
    (
        "tcp",
        "require('net').connect(+process.env.TCP, '127.0.0.1').on('connect', () => process.exit(0)).on('error', () => process.exit(1))",
    ),
    (
        "tcp over IPv6",
        "require('net').connect(+process.env.TCP, '::ffff:127.0.0.1').on('connect', () => process.exit(0)).on('error', () => process.exit(1))",
    ),
    (
        "udp",
        "const s = require('dgram').createSocket('udp4'); s.on('error', () => process.exit(1)); s.send('x', +process.env.UDP, '127.0.0.1', (e) => process.exit(e ? 1 : 0))",
    ),
    (
        "dns",
        "const r = new (require('dns').Resolver)({ timeout: 300, tries: 1 }); r.setServers(['127.0.0.1:' + process.env.UDP]); r.resolve4('secret.example', () => process.exit(1))",
    ),
    (
        "unix socket",
        "require('net').connect(process.env.HOST + '/home/socket').on('connect', () => process.exit(0)).on('error', () => process.exit(1))",
    ),
];

/// What Node has no words for. `$in` makes an IPv4 address.
const PERL: [(&str, &str); 7] = [
    ("abstract unix socket", "socket(S, AF_UNIX, SOCK_STREAM, 0) or exit 1; connect(S, pack_sockaddr_un(\"\\0$ENV{ABSTRACT}\")) or exit 1"),
    ("udp by hand", "socket(S, AF_INET, SOCK_DGRAM, 0) or exit 1; send(S, 'x', 0, in($ENV{UDP})) or exit 1"),
    ("tcp fast open", "socket(S, AF_INET, SOCK_STREAM, 0) or exit 1; send(S, 'x', 0x20000000, in($ENV{TCP})) or exit 1"),
    ("multipath tcp", "socket(S, AF_INET, SOCK_STREAM, 262) or exit 1; connect(S, in($ENV{TCP})) or exit 1"),
    (
        "a pair of sockets sent elsewhere",
        "socketpair(S, T, AF_UNIX, SOCK_DGRAM, 0) or exit 1; send(S, 'x', 0, pack_sockaddr_un(\"$ENV{HOST}/home/datagrams\")) or exit 1",
    ),
    (
        "a pair of raw sockets, which are datagrams to the kernel",
        "socketpair(S, T, AF_UNIX, SOCK_RAW, 0) or exit 1; send(S, 'x', 0, pack_sockaddr_un(\"$ENV{HOST}/home/datagrams\")) or exit 1",
    ),
    (
        "a link to a unix socket",
        "symlink(\"$ENV{HOST}/home/socket\", 'l'); socket(S, AF_UNIX, SOCK_STREAM, 0) or exit 1; connect(S, pack_sockaddr_un('l')) or exit 1",
    ),
];

fn perl(script: &str) -> String {
    format!("use Socket; sub in {{ pack_sockaddr_in(shift, inet_aton('127.0.0.1')) }} {script}; exit 0")
}

#[test]
fn no_service_of_the_host_is_reached() {
    let host = Host::new();
    let node = NODE.iter().map(|(name, script)| (*name, ["node".to_owned(), "-e".to_owned(), (*script).to_owned()]));
    let perl = PERL.iter().map(|(name, script)| (*name, ["perl".to_owned(), "-e".to_owned(), perl(script)]));
    for (name, argv) in node.chain(perl) {
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        let control = host.run(&none(), &argv);
        // Fast open and multipath may be switched off on a host.
        if !matches!(name, "tcp fast open" | "multipath tcp") {
            assert!(host.reached(), "control: {name}: {}", text(&control));
        }
        while host.reached() {}
        for sandbox in TIERS.iter() {
            let ended = host.run(sandbox, &argv);
            assert!(!host.reached(), "{}: {name}: {}", sandbox.tier(), text(&ended));
            // A datagram into the void of its own network is sent without complaint.
            assert!(ended.exit != Some(0) || name.starts_with("udp"), "{}: {name}: {}", sandbox.tier(), text(&ended));
        }
    }
}

#[test]
fn the_proxy_is_reached() {
    let host = Host::new();
    let script = "require('http').get(process.env.GATE, (r) => r.on('data', (d) => console.log(String(d)))).on('error', (e) => { console.log(e.message); process.exit(1) })";
    for sandbox in TIERS.iter().chain([&none()]) {
        let ended = host.run(sandbox, &["node", "-e", script]);
        assert_eq!((ended.exit, text(&ended).as_str()), (Some(0), "hello\n"), "{}", sandbox.tier());
    }
}

/// Workers of Node, and programs of Go and Rust, connect from threads that are not their first. A
/// first thread may have ended, too.
#[test]
fn the_proxy_is_reached_by_every_thread_of_a_program() {
    let host = Host::new();
    let get = "require('http').get(process.env.GATE, (r) => r.on('data', (d) => console.log(String(d)))).on('error', (e) => console.log(e.message))";
    let worker = format!("new (require('worker_threads').Worker)(`{get}`, {{ eval: true }})");
    // Call 60 (93 on ARM) ends the thread alone.
    let leaderless = "
import ctypes, os, threading, time, urllib.request
def go():
    time.sleep(0.2)
    print(urllib.request.urlopen(os.environ['GATE']).read().decode(), flush=True)
    os._exit(0)
threading.Thread(target=go).start()
ctypes.CDLL(None).syscall(60 if os.uname().machine == 'x86_64' else 93, 0)
";
    for sandbox in TIERS.iter().chain([&none()]) {
        for argv in [["node", "-e", &worker], ["python3", "-c", leaderless]] {
            let ended = host.run(sandbox, &argv);
            assert_eq!((ended.exit, text(&ended).as_str()), (Some(0), "hello\n"), "{}: {}", sandbox.tier(), argv[0]);
        }
    }
}

/// A thread leads to what it has open, and to the proxy alone.
#[test]
fn no_thread_of_a_program_reaches_the_host() {
    let host = Host::new();
    let connect =
        "require('net').connect(+process.env.TCP, '127.0.0.1').on('connect', () => process.exit(0)).on('error', () => process.exit(1))";
    let worker = format!("new (require('worker_threads').Worker)(`{connect}`, {{ eval: true }}).on('exit', (code) => process.exit(code))");
    for sandbox in TIERS.iter().chain([&none()]) {
        let ended = host.run(sandbox, &["node", "-e", &worker]);
        let bare = sandbox.tier() == isolation::Tier::None;
        assert_eq!((ended.exit, host.reached()), (Some(i32::from(!bare)), bare), "{}: {}", sandbox.tier(), text(&ended));
    }
}

#[test]
fn the_proxy_is_not_reached_by_a_job_without_network() {
    let host = Host::new();
    let script = "require('http').get(process.env.GATE, () => process.exit(0)).on('error', () => process.exit(1)).setTimeout(2000, () => process.exit(2))";
    for sandbox in TIERS.iter() {
        let mut job = host.job(sandbox, &["node", "-e", script]);
        job.network = false;
        let ended = finish(sandbox, &job);
        assert_eq!(ended.exit, Some(1), "{}: {}", sandbox.tier(), text(&ended));
    }
}

/// A listener on a port at an address of the loopback network that is not the proxy's, and that
/// address. The suite also runs as an ordinary user, at the same time, and the port is the same in
/// every sandbox with a network of its own: each takes its own address.
fn neighbour(port: u16) -> (TcpListener, String) {
    for last in 2..=250 {
        let address = format!("127.0.0.{last}");
        match TcpListener::bind((address.as_str(), port)) {
            Ok(listener) => return (listener, address),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse, "{address}:{port}"),
        }
    }
    panic!("port {port} is taken on every address of the loopback network")
}

#[test]
fn the_proxys_port_on_another_address_is_not_reached() {
    let mut host = Host::new();
    let script = "require('net').connect(new URL(process.env.GATE).port, process.env.NEIGHBOUR).on('connect', () => process.exit(0)).on('error', () => process.exit(1))";
    for sandbox in TIERS.iter().chain([&none()]) {
        let gate = sandbox.gate().unwrap();
        let (listener, address) = neighbour(gate.url.rsplit(':').next().unwrap().trim_end_matches('/').parse().unwrap());
        listener.set_nonblocking(true).unwrap();
        host.elsewhere = Some(listener);
        let mut job = host.job(sandbox, &["node", "-e", script]);
        job.env.extend([("GATE".to_owned(), gate.url.clone()), ("NEIGHBOUR".to_owned(), address)]);
        let ended = sandbox.spawn(&job, gate).unwrap().wait(&false.into()).unwrap();
        let bare = sandbox.tier() == isolation::Tier::None;
        assert_eq!(host.reached(), bare, "{}: {}", sandbox.tier(), text(&ended));
        host.elsewhere = None;
    }
}

#[test]
fn of_many_connections_at_once_each_is_decided_by_its_own_address() {
    let host = Host::new();
    // Fewer to the host's service than its queue holds: nobody takes them out while the control
    // runs.
    let script = "
        const { Worker, isMainThread } = require('worker_threads'); const net = require('net');
        let left = 200; const go = (port) => { if (left-- <= 0) process.exit(1);
          net.connect(port, '127.0.0.1').on('connect', function () { this.destroy(); go(port === +process.env.TCP ? gate : +process.env.TCP) })
            .on('error', () => go(port === gate ? +process.env.TCP : gate)) };
        const gate = +new URL(process.env.GATE).port; for (let i = 0; i < 8; i++) go(i % 2 ? gate : +process.env.TCP);";
    for sandbox in TIERS.iter().chain([&none()]) {
        let ended = host.run(sandbox, &["node", "-e", script]);
        let bare = sandbox.tier() == isolation::Tier::None;
        assert_eq!(host.reached(), bare, "{}: {}", sandbox.tier(), text(&ended));
    }
}

#[test]
fn a_proxy_that_does_not_answer_delays_no_limit() {
    let host = Host::alone();
    let script = "const p = new URL(process.env.GATE).port; for (let i = 0; i < 600; i++) require('net').connect(p, '127.0.0.1').on('error', () => {}); setTimeout(() => {}, 600000)";
    let blocking = "use Socket; for (1..600) { fork or do { socket(S, AF_INET, SOCK_STREAM, 0); connect(S, pack_sockaddr_in($ENV{PORT}, inet_aton('127.0.0.1'))); sleep 600; exit } } sleep 600";
    for sandbox in TIERS.iter() {
        for argv in [["node", "-e", script], ["perl", "-e", blocking]] {
            let gate = sandbox.gate().unwrap();
            let mut job = host.job(sandbox, &argv);
            job.env.push(("PORT".to_owned(), gate.url.rsplit(':').next().unwrap().trim_end_matches('/').to_owned()));
            job.env.push(("GATE".to_owned(), gate.url.clone()));
            job.limits.time = std::time::Duration::from_secs(2);
            // The listener is held, and nobody accepts.
            let mut running = sandbox.spawn(&job, gate).unwrap();
            let _listener = running.listener().unwrap();
            let ended = running.wait(&false.into()).unwrap();
            assert_eq!(ended.stopped, Some(isolation::Stopped::Time), "{}: {}", sandbox.tier(), text(&ended));
            // Far from the ten minutes that the script takes, however busy the machine is.
            assert!(ended.time < std::time::Duration::from_secs(120), "{}: {:?}", sandbox.tier(), ended.time);
        }
    }
}

#[test]
fn a_server_of_the_build_is_not_on_the_hosts_network() {
    let host = Host::new();
    // It has a port of its own choice, is ready when it has answered itself, and waits until the
    // host has tried.
    let script = "
        const fs = require('fs'), net = require('net');
        const wait = () => (fs.existsSync('go') ? process.exit(0) : setTimeout(wait, 10));
        const server = net.createServer((c) => c.on('error', () => {}).end('of the build')).on('error', () => process.exit(1));
        server.listen(0, '127.0.0.1', () => {
          const { port } = server.address();
          net.connect(port, '127.0.0.1').resume().on('close', () => {
            fs.writeFileSync('started', String(port)); fs.renameSync('started', 'ready'); wait() }) });";
    for sandbox in TIERS.iter().chain([&none()]) {
        let bare = sandbox.tier() == isolation::Tier::None;
        let running = super::host::started(sandbox, &host.job(sandbox, &["node", "-e", script]));
        // In a network of its own a build may have servers for its tests; in the host's it may not.
        let serves = sandbox.tier().has_mounts() || bare;
        let ready = host.path("checkout/ready");
        if serves {
            wait_until(|| super::host::exists(&ready));
            let port: u16 = std::fs::read_to_string(&ready).unwrap().parse().unwrap();
            let said = heard(port).unwrap_or_default();
            assert_eq!(said == "of the build", bare, "{}: {said}", sandbox.tier());
            std::fs::write(host.path("checkout/go"), "").unwrap();
        }
        let ended = running.wait(&false.into()).unwrap();
        assert_eq!(ended.exit, Some(i32::from(!serves)), "{}: {}", sandbox.tier(), text(&ended));
        for name in ["ready", "go"] {
            assert_eq!(std::fs::remove_file(host.path("checkout").join(name)).is_ok(), serves, "{}: {name}", sandbox.tier());
        }
    }
}

/// A server and its client in one program of perl: `$at` is where it listens.
fn unix_server(at: &str, kind: &str) -> String {
    format!(
        "use Socket; my $at = {at}; socket(S, AF_UNIX, {kind}, 0) or exit 2; bind(S, pack_sockaddr_un($at)) or exit 3; listen(S, 5) or exit 4;
         if (!fork) {{ accept(C, S) or exit 5; syswrite(C, 'hello'); exit }}
         socket(T, AF_UNIX, {kind}, 0) or exit 6; connect(T, pack_sockaddr_un($at)) or exit 7; sysread(T, $_, 99); print; unlink $at; exit 0"
    )
}

#[test]
fn a_server_of_the_build_has_a_path_in_its_own_folders() {
    let host = Host::new();
    for sandbox in TIERS.iter().chain([&none()]) {
        for at in ["'s'", "\"$ENV{BUILD}/s\"", "'./s'"] {
            for kind in ["SOCK_STREAM", "SOCK_SEQPACKET"] {
                let ended = host.run(sandbox, &["perl", "-e", &unix_server(at, kind)]);
                let seen = (ended.exit, text(&ended), ended.refused);
                assert_eq!(seen, (Some(0), "hello".to_owned(), false), "{}: {at} {kind}", sandbox.tier());
            }
        }
        // A name without a path is open to the whole machine, but in a network of the build's own.
        let ended = host.run(sandbox, &["perl", "-e", &unix_server("\"\\0build$$\"", "SOCK_STREAM")]);
        let alone = sandbox.tier() == isolation::Tier::Landlock;
        assert_eq!((ended.exit, ended.refused), (Some(if alone { 4 } else { 0 }), alone), "{}: {}", sandbox.tier(), text(&ended));
        // A place that is not the build's has no server of it in any tier; the user's own is
        // theirs.
        if sandbox.tier() != isolation::Tier::None {
            let ended = host.run(sandbox, &["perl", "-e", &unix_server("\"$ENV{HOST}/home/s\"", "SOCK_STREAM")]);
            assert_eq!(ended.exit, Some(3), "{}: {}", sandbox.tier(), text(&ended));
        }
    }
}

/// What landlock refuses and other tiers do not is told, so that nobody takes the end of such a
/// build for the package's.
#[test]
fn what_another_tier_allows_is_told_where_it_is_refused() {
    let host = Host::new();
    let listens =
        |kind| format!("use Socket; socket(S, AF_INET, {kind}, 0) or exit 1; bind(S, pack_sockaddr_in(0, INADDR_LOOPBACK)) or exit 1");
    for (name, script, told) in [
        ("a server", listens("SOCK_STREAM"), true),
        (
            "a server without an address",
            "use Socket; socket(S, AF_INET, SOCK_STREAM, 0) or exit 1; listen(S, 1) or exit 1".to_owned(),
            true,
        ),
        ("datagrams", listens("SOCK_DGRAM"), true),
        ("semaphores", "use IPC::SysV; semget(IPC_PRIVATE, 1, 0600) // exit 1".to_owned(), true),
        ("nothing", "use Socket; socket(S, AF_INET, SOCK_STREAM, 0) or exit 1; exit 1".to_owned(), false),
        ("a file of the host", "open(F, '<', \"$ENV{HOST}/home/.npmrc\") or exit 1; exit 1".to_owned(), false),
    ] {
        for sandbox in TIERS.iter() {
            let ended = host.run(sandbox, &["perl", "-e", &script]);
            let alone = sandbox.tier() == isolation::Tier::Landlock;
            let wanted = (Some(i32::from(alone || !told)), alone && told);
            assert_eq!((ended.exit, ended.refused), wanted, "{}: {name}: {}", sandbox.tier(), text(&ended));
        }
    }
}

/// The words of whoever has that port on this machine: another test may, and says nothing.
fn heard(port: u16) -> std::io::Result<String> {
    let mut found = TcpStream::connect(("127.0.0.1", port))?;
    found.set_read_timeout(Some(std::time::Duration::from_secs(10)))?;
    let mut said = String::new();
    found.read_to_string(&mut said)?;
    Ok(said)
}

/// Waits for an event that another process makes.
fn wait_until(happened: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !happened() {
        assert!(begun.elapsed() < std::time::Duration::from_secs(120), "it did not happen");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}
