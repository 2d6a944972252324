//! Touching other processes, and outliving the build.

use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use isolation::{Isolation, Sandbox, Stopped, Tier};

use super::host::{HELPER, Host, TIERS, marked, none, started, text, unique, wait_for};

/// Processes that do what they can to be missed when the build is ended: sessions of their own, no
/// parent, deaf to signals.
fn daemons(marker: &str) -> String {
    // The marker is the name that each has in the list of processes.
    format!(
        "for i in 1 2 3; do
           setsid perl -e '$0 = \"{marker}\"; $SIG{{$_}} = \"IGNORE\" for qw(TERM HUP INT QUIT); exit if fork; exit if fork; $0 = \"{marker}\"; sleep 1000' &
           (nohup perl -e '$0 = \"{marker}\"; sleep 1000' >/dev/null 2>&1 &)
         done"
    )
}

#[test]
fn other_processes_cannot_be_seen_or_signalled() {
    let mut host = Host::new();
    for sandbox in TIERS.iter() {
        let ended = host.run(
            sandbox,
            &[
                "sh",
                "-c",
                "kill -9 $VICTIM; kill -9 $OUTSIDE; kill -STOP $PPID; cat /proc/$VICTIM/environ /proc/$OUTSIDE/environ /proc/$VICTIM/maps",
            ],
        );
        assert!(host.victim_lives(), "{}", sandbox.tier());
        assert_ne!(ended.exit, Some(0), "{}: {}", sandbox.tier(), text(&ended));
        if sandbox.tier().has_mounts() {
            let ended = host.run(sandbox, &["sh", "-c", "ls -d /proc/[0-9]* | wc -l"]);
            assert!(text(&ended).trim().parse::<u32>().unwrap() <= 4, "{}: {}", sandbox.tier(), text(&ended));
        }
    }
    host.run(&none(), &["sh", "-c", "kill -9 $VICTIM"]);
    thread::sleep(Duration::from_millis(100));
    assert!(!host.victim_lives(), "control");
}

#[test]
fn a_signal_to_everybody_reaches_the_build_alone() {
    let mut host = Host::new();
    for sandbox in TIERS.iter() {
        // perl's kill goes to all but itself; the second is its own end.
        let ended = host.run(sandbox, &["perl", "-e", "kill 'KILL', -1; kill 'KILL', $$; sleep 5"]);
        assert_eq!((ended.signal, ended.stopped), (Some(9), None), "{}: {}", sandbox.tier(), text(&ended));
        assert!(host.victim_lives(), "{}", sandbox.tier());
    }
}

#[test]
fn the_watching_process_cannot_be_read_or_changed() {
    let host = Host::new();
    let script =
        "for my $f (qw(mem environ maps fd/3 fd/4 fd/5 fd/6 fd/7)) { open(F, '+<', '/proc/' . getppid() . \"/$f\") and print \"$f \" }";
    for sandbox in TIERS.iter() {
        assert_eq!(text(&host.run(sandbox, &["perl", "-e", script])), "", "{}", sandbox.tier());
    }
}

#[test]
fn daemons_end_with_the_build() {
    let host = Host::new();
    let marker = format!("daemon{}", unique());
    for sandbox in TIERS.iter() {
        // It ends by itself, but not before they have been seen.
        let script = format!("{}; while [ ! -e seen ]; do sleep 0.05; done", daemons(&marker));
        let running = started(sandbox, &host.job(sandbox, &["sh", "-c", &script]));
        let alive = wait_for(&marker, |count| count >= 6);
        std::fs::write(host.path("checkout/seen"), "").unwrap();
        assert!(alive >= 6, "control: {}: {alive}", sandbox.tier());
        let ended = running.wait(&AtomicBool::new(false)).unwrap();
        assert_eq!((marked(&marker), ended.exit), (0, Some(0)), "{}: {}", sandbox.tier(), text(&ended));
        std::fs::remove_file(host.path("checkout/seen")).unwrap();
    }
}

#[test]
fn daemons_end_when_the_time_is_over_or_nobody_wants_the_build() {
    let host = Host::new();
    let marker = format!("deaf{}", unique());
    let script = format!("{}; trap '' TERM HUP INT; while :; do sleep 1; done", daemons(&marker));
    for sandbox in TIERS.iter() {
        let mut job = host.job(sandbox, &["sh", "-c", &script]);
        job.limits.time = Duration::from_millis(1500);
        let ended = started(sandbox, &job).wait(&AtomicBool::new(false)).unwrap();
        assert_eq!((marked(&marker), ended.stopped), (0, Some(Stopped::Time)), "{}", sandbox.tier());
        // The watching process began to count a little earlier.
        assert!(ended.time * 2 >= job.limits.time, "{}: {:?}", sandbox.tier(), ended.time);

        let cancelled = AtomicBool::new(false);
        let running = started(sandbox, &host.job(sandbox, &["sh", "-c", &script]));
        thread::scope(|scope| {
            scope.spawn(|| {
                wait_for(&marker, |count| count >= 6);
                cancelled.store(true, std::sync::atomic::Ordering::Release);
            });
            let ended = running.wait(&cancelled).unwrap();
            assert_eq!((marked(&marker), ended.stopped), (0, Some(Stopped::Cancelled)), "{}", sandbox.tier());
        });

        let running = started(sandbox, &host.job(sandbox, &["sh", "-c", &script]));
        wait_for(&marker, |count| count >= 6);
        drop(running);
        assert_eq!(marked(&marker), 0, "{}", sandbox.tier());
    }
}

/// Tells the process of the next test which tier, and by which name its daemons can be found.
const DOOMED: &str = "REPRODUCE_TEST_DOOMED";

#[test]
#[ignore = "the test below starts it as a process of its own, and kills it"]
fn doomed() {
    let Ok(task) = std::env::var(DOOMED) else { return };
    let (tier, marker) = task.split_once(' ').unwrap();
    let sandbox = Sandbox::open(Isolation::parse(tier).unwrap(), Some(&HELPER)).unwrap();
    let host = Host::new();
    println!("victim {}", host.victim.id());
    let script = format!("{}; sleep 1000", daemons(marker));
    started(&sandbox, &host.job(&sandbox, &["sh", "-c", &script])).wait(&AtomicBool::new(false)).unwrap();
}

#[test]
fn everything_ends_when_the_process_that_started_it_is_killed() {
    for sandbox in TIERS.iter() {
        let marker = format!("orphan{}", unique());
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "processes::doomed"])
            .env(DOOMED, format!("{} {marker}", sandbox.tier()))
            .env("REPRODUCE_SANDBOX", &*HELPER)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let alive = wait_for(&marker, |count| count >= 6);
        process.kill().unwrap();
        process.wait().unwrap();
        let killed = Instant::now();
        assert!(alive >= 6, "control: {}: {alive}", sandbox.tier());
        // The one in whose environment the marker is has no part in its command line.
        assert_eq!(wait_for(&marker, |count| count == 0), 0, "{}", sandbox.tier());
        println!("{}: all gone after {:?}", sandbox.tier(), killed.elapsed());
    }
}

#[test]
fn everything_ends_when_the_helper_is_killed() {
    let host = Host::new();
    for sandbox in TIERS.iter() {
        let marker = format!("unwatched{}", unique());
        let script = format!("{}; sleep 1000", daemons(&marker));
        let running = started(sandbox, &host.job(sandbox, &["sh", "-c", &script]));
        wait_for(&marker, |count| count >= 6);
        let ours = children_of(std::process::id());
        for helper in ours.into_iter().filter(|&pid| command(pid).contains("sandbox") || command(pid).starts_with("bwrap")) {
            // Other tests run at the same time: only the one whose descendants carry the marker.
            if descends(helper, &marker) {
                let status = Command::new("kill").args(["-9", &helper.to_string()]).status().unwrap();
                assert!(status.success());
            }
        }
        let ended = running.wait(&AtomicBool::new(false));
        assert!(ended.is_err(), "{}: {ended:?}", sandbox.tier());
        assert_eq!(wait_for(&marker, |count| count == 0), 0, "{}", sandbox.tier());
    }
}

fn command(pid: u32) -> String {
    std::fs::read(format!("/proc/{pid}/cmdline")).map(|line| String::from_utf8_lossy(&line).into_owned()).unwrap_or_default()
}

fn children_of(parent: u32) -> Vec<u32> {
    let pids = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_child = |pid: &u32| {
        std::fs::read_to_string(format!("/proc/{pid}/status")).is_ok_and(|status| status.contains(&format!("PPid:\t{parent}\n")))
    };
    pids.filter(is_child).collect()
}

fn descends(pid: u32, marker: &str) -> bool {
    command(pid).contains(marker) || children_of(pid).into_iter().any(|child| descends(child, marker))
}

#[test]
fn without_a_sandbox_the_group_is_ended() {
    let host = Host::new();
    let marker = format!("group{}", unique());
    let ended = host.run(&none(), &["sh", "-c", &format!("perl -e '$0 = \"{marker}\"; sleep 1000' & sleep 0.2")]);
    assert_eq!((ended.exit, wait_for(&marker, |count| count == 0)), (Some(0), 0));
    assert_eq!(none().tier(), Tier::None);
}
