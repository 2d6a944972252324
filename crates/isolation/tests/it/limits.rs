//! Taking more of the machine than was given.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use isolation::{Ended, Isolation, Job, Sandbox, SandboxError, Stopped};

use super::host::{HELPER, Host, TIERS, finish, marked, started, text, unique};

const MIB: u64 = 1 << 20;

fn job(host: &Host, sandbox: &Sandbox, argv: &[&str]) -> Job {
    let mut job = host.job(sandbox, argv);
    // Longer than any of these takes on a busy machine with a slow disk: what ends them must be
    // their own limit.
    job.limits.time = Duration::from_secs(600);
    job
}

#[test]
fn a_fork_bomb_is_ended() {
    let host = Host::alone();
    for sandbox in TIERS.iter() {
        let marker = format!("bomb{}", unique());
        let script = format!("$0 = '{marker}'; while (1) {{ fork }}");
        let mut job = job(&host, sandbox, &["perl", "-e", &script]);
        job.limits.processes = 200;
        let ended = finish(sandbox, &job);
        assert_eq!((ended.stopped, marked(&marker)), (Some(Stopped::Processes), 0), "{}: {}", sandbox.tier(), text(&ended));
    }
}

#[test]
fn one_process_does_not_get_more_memory_than_the_limit() {
    let host = Host::new();
    // It says each piece that it has: a program that cannot even start takes none, and would show
    // nothing.
    let script = "const all = []; try { for (;;) { all.push(Buffer.alloc(16 << 20, 1)); require('fs').writeSync(1, 'x') } } catch {}";
    for sandbox in TIERS.iter() {
        let mut job = job(&host, sandbox, &["node", "-e", script]);
        job.limits.memory = 512 * MIB;
        let ended = finish(sandbox, &job);
        let got = 16 * text(&ended).chars().take_while(|&piece| piece == 'x').count();
        assert!((100..=512).contains(&got), "{}: {got} MiB: {}", sandbox.tier(), text(&ended));
        assert!(ended.exit.is_some() || ended.signal.is_some() || ended.stopped == Some(Stopped::Memory), "{}", sandbox.tier());
    }
}

#[test]
fn all_processes_together_do_not_get_more_memory_than_the_limit() {
    let host = Host::new();
    let script = "for (1..8) { next if fork; my $x = 'x' x (100 << 20); sleep 100; exit } sleep 100";
    for sandbox in TIERS.iter() {
        let mut job = job(&host, sandbox, &["perl", "-e", script]);
        job.limits.memory = 400 * MIB;
        assert_eq!(finish(sandbox, &job).stopped, Some(Stopped::Memory), "{}", sandbox.tier());
    }
}

/// Programs that take memory of which their process says nothing, in pieces of 8 MiB of `MIB` in
/// all; then they wait.
const HIDDEN_MEMORY: [(&str, &str); 2] = [
    // Shared memory without a name keeps what is in it when nobody maps it any more.
    (
        "shared and unmapped",
        "import mmap, os, time
size = int(os.environ['MIB']) << 20; m = mmap.mmap(-1, size)
for at in range(0, size, 8 << 20): m[at:at + (8 << 20)] = b'x' * (8 << 20); m.madvise(mmap.MADV_DONTNEED, at, 8 << 20)
print('had it all', flush=True); time.sleep(4)",
    ),
    // Several processes, since one alone meets its own limit. Call 60 (93 on ARM) ends the first
    // thread alone.
    (
        "of processes without a first thread",
        "import ctypes, os, threading, time
def go():
    time.sleep(0.2); kept = [bytearray(b'x' * (8 << 20)) for _ in range(int(os.environ['MIB']) // 32)]
    print('had it all', flush=True); time.sleep(4); os._exit(0)
for _ in range(4):
    if not os.fork():
        threading.Thread(target=go).start(); ctypes.CDLL(None).syscall(60 if os.uname().machine == 'x86_64' else 93, 0)
for _ in range(4): os.wait()",
    ),
];

/// The whole machine's memory counts here, so that no other may take any meanwhile.
#[test]
fn memory_of_which_no_process_says_anything_is_ended() {
    let host = Host::alone();
    for (name, script) in HIDDEN_MEMORY {
        for sandbox in TIERS.iter() {
            let ended = hidden(&host, sandbox, (script, 1400), |limits| limits.memory = 512 * MIB);
            assert_eq!(ended.stopped, Some(Stopped::Memory), "{}: {name}: {ended}: {}", sandbox.tier(), text(&ended));
            let ended = hidden(&host, sandbox, (script, 256), |_| {});
            assert_eq!((ended.stopped, text(&ended).contains("had it all")), (None, true), "control: {}: {name}: {ended}", sandbox.tier());
        }
    }
}

/// Runs a program that takes so many MiB, and ends by itself.
fn hidden(host: &Host, sandbox: &Sandbox, (script, mib): (&str, u64), limit: impl FnOnce(&mut isolation::Limits)) -> Ended {
    let mut job = job(host, sandbox, &["python3", "-c", script]);
    job.env.push(("MIB".to_owned(), mib.to_string()));
    limit(&mut job.limits);
    finish(sandbox, &job)
}

/// Programs that take disk to which no path and no descriptor leads.
const HIDDEN_DISK: [(&str, &str); 3] = [
    (
        "mapped",
        "import mmap, os, time
size = int(os.environ['MIB']) << 20; f = os.open('gone', os.O_RDWR | os.O_CREAT); os.unlink('gone'); os.ftruncate(f, size)
m = mmap.mmap(f, size); os.close(f)
for at in range(0, size, 8 << 20): m[at:at + (8 << 20)] = b'x' * (8 << 20); m.flush(at, 8 << 20)
print('had it all', flush=True); time.sleep(4)",
    ),
    (
        "in a message",
        "import os, socket, time
a, b = socket.socketpair()
for _ in range(int(os.environ['MIB']) // 64):
    f = os.open('gone', os.O_RDWR | os.O_CREAT); os.unlink('gone')
    for _ in range(8): os.write(f, b'x' * (8 << 20))
    socket.send_fds(a, [b'x'], [f]); os.close(f)
print('had it all', flush=True); time.sleep(4)",
    ),
    // Held by a process whose first thread has ended, which shows no descriptors.
    (
        "of a process without a first thread",
        "import ctypes, os, threading, time
def go():
    time.sleep(0.2); f = os.open('gone', os.O_RDWR | os.O_CREAT); os.unlink('gone')
    for _ in range(int(os.environ['MIB']) // 8): os.write(f, b'x' * (8 << 20))
    print('had it all', flush=True); time.sleep(4); os._exit(0)
threading.Thread(target=go).start(); ctypes.CDLL(None).syscall(60 if os.uname().machine == 'x86_64' else 93, 0)",
    ),
];

/// What the disk has lost counts here, so that no other may take any meanwhile.
#[test]
fn disk_to_which_nothing_leads_is_ended() {
    let host = Host::alone();
    for (name, script) in HIDDEN_DISK {
        for sandbox in TIERS.iter() {
            let ended = hidden(&host, sandbox, (script, 768), |limits| limits.disk = 128 * MIB);
            assert_eq!(ended.stopped, Some(Stopped::Disk), "{}: {name}: {ended}: {}", sandbox.tier(), text(&ended));
            let ended = hidden(&host, sandbox, (script, 64), |_| {});
            assert_eq!((ended.stopped, text(&ended).contains("had it all")), (None, true), "control: {}: {name}: {ended}", sandbox.tier());
        }
    }
}

#[test]
fn disk_that_others_take_ends_no_build() {
    let host = Host::alone();
    let script = "touch begun; until [ -e go ]; do sleep 0.1; done; sleep 4; echo end";
    for sandbox in TIERS.iter() {
        let mut job = job(&host, sandbox, &["sh", "-c", script]);
        job.limits.disk = 128 * MIB;
        let running = started(sandbox, &job);
        while !host.path("checkout/begun").exists() {
            std::thread::sleep(Duration::from_millis(20));
        }
        // Twice what nobody asks about.
        std::fs::write(host.path("others"), vec![1; 512 << 20]).unwrap();
        std::fs::write(host.path("checkout/go"), "").unwrap();
        let ended = running.wait(&AtomicBool::new(false)).unwrap();
        assert_eq!((ended.stopped, text(&ended).contains("end")), (None, true), "{}: {ended}: {}", sandbox.tier(), text(&ended));
        std::fs::remove_file(host.path("others")).unwrap();
        clean(&host);
    }
}

#[test]
fn a_build_that_waits_is_ended_and_one_that_works_is_not() {
    let host = Host::alone();
    // A watcher looks at its files from time to time; `sleep` in a loop is another process each
    // time.
    let waits = ["sleep 1000", "while :; do sleep 3; done", "node -e 'setInterval(() => {}, 500)'", "sleep 1000 & wait"];
    let works = "node -e 'const end = Date.now() + 6000; while (Date.now() < end);'; echo end";
    for sandbox in TIERS.iter() {
        for script in waits {
            let mut job = job(&host, sandbox, &["sh", "-c", script]);
            job.limits.idle = Some(Duration::from_secs(3));
            assert_eq!(finish(sandbox, &job).stopped, Some(Stopped::Idle), "{}: {script}", sandbox.tier());
        }
        let mut job = job(&host, sandbox, &["sh", "-c", works]);
        job.limits.idle = Some(Duration::from_secs(3));
        let ended = finish(sandbox, &job);
        assert_eq!((ended.stopped, text(&ended).contains("end")), (None, true), "{}: {ended}", sandbox.tier());
    }
}

/// Scripts that fill the disk, and say what else stopped them: many files, one file that is removed
/// and held, folders that nobody may read.
const FLOODS: [&str; 3] = [
    "i=0; while :; do i=$((i+1)); dd if=/dev/zero of=f$i bs=1M count=8 status=none || exit 1; done",
    "exec 3>f; rm f; while :; do dd if=/dev/zero bs=1M count=8 status=none >&3 || exit 1; done",
    "mkdir d; cd d; chmod 300 .; i=0; while :; do i=$((i+1)); dd if=/dev/zero of=f$i bs=1M count=8 status=none || exit 1; done",
];

#[test]
fn a_disk_flood_is_ended() {
    let host = Host::new();
    for sandbox in TIERS.iter() {
        for script in FLOODS {
            let mut job = job(&host, sandbox, &["sh", "-c", script]);
            job.limits.disk = 64 * MIB;
            let ended = finish(sandbox, &job);
            assert_eq!(ended.stopped, Some(Stopped::Disk), "{}: {script}: {}", sandbox.tier(), text(&ended));
            clean(&host);
        }
    }
}

#[test]
fn a_file_does_not_grow_beyond_the_limit() {
    let host = Host::new();
    for sandbox in TIERS.iter() {
        let mut job = job(&host, sandbox, &["sh", "-c", "trap '' XFSZ; dd if=/dev/zero of=big bs=1M count=64 2>&1; stat -c %s big"]);
        job.limits.file = 16 * MIB;
        let printed = text(&finish(sandbox, &job));
        assert!(printed.ends_with(&format!("{}\n", 16 * MIB)), "{}: {printed}", sandbox.tier());
        clean(&host);
    }
}

#[test]
fn memory_behind_the_temporary_folders_has_an_end() {
    let host = Host::new();
    for sandbox in TIERS.iter().filter(|sandbox| sandbox.tier().has_mounts()) {
        let mut job = job(
            &host,
            sandbox,
            &["sh", "-c", "for d in /tmp /dev/shm; do dd if=/dev/zero of=$d/big bs=1M count=4096 2>/dev/null; stat -c %s $d/big; done"],
        );
        job.limits.disk = 100 * MIB;
        assert_eq!(text(&finish(sandbox, &job)), format!("{0}\n{0}\n", 100 * MIB), "{}", sandbox.tier());
    }
}

#[test]
fn a_log_flood_is_ended_and_never_kept_whole() {
    let host = Host::new();
    for sandbox in TIERS.iter() {
        let mut job = job(&host, sandbox, &["yes", "all work and no play"]);
        job.limits.log = 64 << 10;
        let ended: Ended = finish(sandbox, &job);
        assert_eq!(ended.stopped, Some(Stopped::Log), "{}", sandbox.tier());
        assert!(ended.log.total > 64 * (64 << 10) && ended.log.text.len() < (64 << 10) + 100, "{}", sandbox.tier());
    }
}

#[test]
fn a_build_that_waits_for_input_gets_none() {
    let host = Host::new();
    for sandbox in TIERS.iter() {
        assert_eq!(text(&host.run(sandbox, &["sh", "-c", "cat; echo end"])), "end\n", "{}", sandbox.tier());
    }
}

#[test]
fn how_a_command_ended_is_told() {
    let host = Host::new();
    for sandbox in TIERS.iter() {
        assert_eq!(host.run(sandbox, &["sh", "-c", "exit 7"]).exit, Some(7));
        assert_eq!(host.run(sandbox, &["sh", "-c", "kill -SEGV $$"]).signal, Some(11));
        let missing = sandbox.spawn(&host.job(sandbox, &["no-such-program"]), sandbox.gate().unwrap()).map(drop);
        assert!(matches!(missing, Err(SandboxError::Setup { ref why }) if why.contains("no-such-program")), "{missing:?}");
        let mut nowhere = host.job(sandbox, &["true"]);
        nowhere.cwd = "/nowhere".to_owned();
        assert!(matches!(sandbox.spawn(&nowhere, sandbox.gate().unwrap()).map(drop), Err(SandboxError::Setup { .. })));
    }
}

#[test]
fn many_builds_at_once_do_not_disturb_each_other() {
    let host = Host::new();
    for sandbox in TIERS.iter() {
        std::thread::scope(|scope| {
            for number in 0..8 {
                let host = &host;
                scope.spawn(move || {
                    let script = format!("sleep 0.2; echo {number}");
                    assert_eq!(text(&host.run(sandbox, &["sh", "-c", &script])), format!("{number}\n"));
                });
            }
        });
    }
}

#[test]
fn a_build_outlives_the_thread_that_started_it() {
    let host = Host::new();
    for sandbox in TIERS.iter() {
        let running = std::thread::scope(|scope| {
            scope.spawn(|| started(sandbox, &host.job(sandbox, &["sh", "-c", "sleep 0.3; echo end"]))).join().unwrap()
        });
        let ended = running.wait(&AtomicBool::new(false)).unwrap();
        assert_eq!((ended.exit, text(&ended).as_str()), (Some(0), "end\n"), "{}", sandbox.tier());
    }
}

#[test]
fn the_strongest_tier_is_taken_and_the_reasons_are_kept() {
    let strongest = TIERS.first().unwrap().tier();
    let sandbox = Sandbox::open(Isolation::Auto, Some(&HELPER)).unwrap();
    assert_eq!(sandbox.tier(), strongest);
    assert_eq!(sandbox.reasons().len(), strongest as usize);
    let nowhere = Sandbox::open(Isolation::Auto, Some("/nowhere".as_ref())).map(drop);
    if std::env::var_os("REPRODUCE_SANDBOX").is_none() {
        assert!(matches!(nowhere, Err(SandboxError::HelperMissing { .. })));
    }
}

#[test]
#[ignore = "a measurement: cargo test --package reproduce-isolation --test it -- --ignored --nocapture how_long"]
fn how_long_a_spawn_takes() {
    let host = Host::new();
    for sandbox in TIERS.iter().chain([&super::host::none()]) {
        let job = host.job(sandbox, &["true"]);
        let mut times: Vec<Duration> = (0..60)
            .map(|_| {
                let start = Instant::now();
                let ended = sandbox.spawn(&job, sandbox.gate().unwrap()).unwrap().wait(&AtomicBool::new(false)).unwrap();
                assert_eq!(ended.exit, Some(0));
                start.elapsed()
            })
            .collect();
        times.sort();
        println!("{}: median {:?}, best {:?}", sandbox.tier(), times[30], times[0]);
    }
    drop(started(&TIERS[0], &host.job(&TIERS[0], &["true"])));
}

fn clean(host: &Host) {
    use std::os::unix::fs::PermissionsExt;
    let folder = host.path("checkout");
    for entry in std::fs::read_dir(&folder).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            std::fs::set_permissions(entry.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
            std::fs::remove_dir_all(entry.path()).unwrap();
        } else if entry.file_name() != "link" {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
}
