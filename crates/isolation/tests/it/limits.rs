//! Taking more of the machine than was given.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use isolation::{Ended, Isolation, Job, Sandbox, SandboxError, Stopped};

use super::host::{HELPER, Host, TIERS, finish, marked, started, text, unique};

const MIB: u64 = 1 << 20;

fn job(host: &Host, sandbox: &Sandbox, argv: &[&str]) -> Job {
    let mut job = host.job(sandbox, argv);
    // Longer than any of these takes on a busy machine with a slow disk: what ends them must be their own limit.
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
    // It says each piece that it has: a program that cannot even start takes none, and would show nothing.
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

/// Scripts that fill the disk, and say what else stopped them: many files, one file that is removed and held, folders that nobody may read.
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
