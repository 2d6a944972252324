//! System calls that have let processes out of sandboxes before, made with perl's `syscall`.

use super::host::{Host, TIERS, none, root_is_here, text};

/// A name, the numbers on `x86_64` and aarch64, the arguments, and whether it works for anybody
/// without a sandbox.
const CALLS: [(&str, u32, u32, &str, bool); 29] = [
    ("unshare user", 272, 97, "0x10000000", true),
    ("unshare mounts", 272, 97, "0x20000", false),
    ("clone user", 56, 220, "0x10000000|17, 0, 0, 0, 0", true),
    ("clone3", 435, 435, "$clone, 64", true),
    ("setns", 308, 268, "fileno(STDIN), 0", false),
    ("mount", 165, 40, "$tmpfs, $tmp, $tmpfs, 0, 0", false),
    ("umount", 166, 39, "$proc, 2", false),
    ("pivot_root", 155, 41, "$tmp, $tmp", false),
    ("chroot", 161, 51, "$root", false),
    ("fsopen", 430, 430, "$tmpfs, 0", false),
    ("open_tree", 428, 428, "-100, $root, 1", false),
    ("mount_setattr", 442, 442, "-100, $root, 0, $zero, 32", false),
    ("ptrace", 101, 117, "0, 0, 0, 0", true),
    ("process_vm_readv", 310, 270, "$$, 0, 0, 0, 0, 0", true),
    ("pidfd_getfd", 438, 438, "0, 0, 0", false),
    ("io_uring_setup", 425, 425, "4, $zero", true),
    ("userfaultfd", 323, 282, "1", false),
    ("bpf", 321, 280, "5, $zero, 128", false),
    ("perf_event_open", 298, 241, "$zero, 0, -1, -1, 0", false),
    ("keyctl", 250, 219, "0, -3, 1", true),
    ("add_key", 248, 217, "$user, $x, $y, 1, -3", false),
    ("open_by_handle_at", 304, 265, "-100, $zero, 0", false),
    ("memfd_create", 319, 279, "$x, 0", true),
    ("openat2", 437, 437, "-100, $root, $zero, 24", true),
    ("prlimit", 302, 261, "getppid(), 7, $zero, 0", false),
    ("setpriority", 141, 140, "0, getppid(), 19", false),
    ("setpriority of the user's", 141, 140, "2, 0, 19", false),
    ("ioprio_set of the user's", 251, 30, "3, 0, 24576", false),
    ("shmget", 29, 194, "0, 4096, 0", true),
];

/// Perl passes the address of a variable, and refuses to do so for a literal.
const VARIABLES: &str = "my $zero = qq(\\0) x 128; my $clone = pack('Q8', 0x10000000, 0, 0, 0, 17, 0, 0, 0);
    my ($tmpfs, $tmp, $proc, $root, $user, $x, $y) = map { $_ . '' } qw(tmpfs /tmp /proc / user x y);";

#[test]
fn the_calls_are_refused_by_the_filter() {
    let host = Host::new();
    for (name, x86, arm, arguments, works) in CALLS {
        let number = if cfg!(target_arch = "aarch64") { arm } else { x86 };
        // A child that clone has made must not go on.
        let script = format!(
            "{VARIABLES} my $p = $$; my $r = syscall({number}, {arguments}); exit 9 if $$ != $p; print $r < 0 ? 'error ' . ($! + 0) : 'done'"
        );
        if works {
            let control = host.run(&none(), &["perl", "-e", &script]);
            assert!(text(&control).contains("done"), "control: {name}: {}", text(&control));
        }
        for sandbox in TIERS.iter() {
            let ended = host.run(sandbox, &["perl", "-e", &script]);
            // EPERM or ENOSYS, and not the EFAULT or EBADF of a kernel that has looked at the
            // arguments.
            assert!(matches!(text(&ended).as_str(), "error 1" | "error 38"), "{}: {name}: {}", sandbox.tier(), text(&ended));
        }
    }
}

#[test]
fn queues_and_memory_of_other_processes_are_closed_where_they_are_not_the_builds_own() {
    let host = Host::new();
    for sandbox in TIERS.iter().filter(|sandbox| !sandbox.tier().has_mounts()) {
        for (x86, arm, arguments) in [(30, 196, "0, 0, 0"), (68, 186, "1, 0"), (64, 190, "1, 1, 0"), (240, 180, "$x, 0, 0, 0")] {
            let number = if cfg!(target_arch = "aarch64") { arm } else { x86 };
            let script = format!("{VARIABLES} my $r = syscall({number}, {arguments}); print $r < 0 ? 'error ' . ($! + 0) : 'done'");
            assert_eq!(text(&host.run(sandbox, &["perl", "-e", &script])), "error 1", "{}: {number}", sandbox.tier());
        }
    }
}

#[test]
fn a_file_that_runs_as_its_owner_or_group_is_not_made() {
    use std::os::unix::fs::PermissionsExt;
    let host = Host::new();
    let set = |ended: &str| {
        ["s", "t", "u", "v", "w"].map(|name| {
            let path = host.path("checkout").join(name);
            let mode = std::fs::metadata(&path).map_or(0, |found| found.permissions().mode());
            assert!(name != "s" || mode & 0o777 == 0o755, "{ended}");
            let _ = std::fs::remove_file(path);
            mode & 0o6000 != 0
        })
    };
    for bits in ["4755", "2755", "6755"] {
        // By `chmod`, `open`, `install`, `fchmodat2` where the kernel has it, and a file that gets
        // its name later.
        let script = format!(
            "echo x > s; chmod {bits} s; install -m {bits} s u; echo x > v; perl -e '
               sysopen(F, q(t), 0101, 0{bits}); syscall(452, -100, $x = q(v), 0{bits}, 0)';
             python3 -c 'import os; f = os.open(\".\", os.O_TMPFILE | os.O_RDWR, 0o{bits}); os.link(f\"/proc/self/fd/{{f}}\", \"w\")';
             [ -u s ] || [ -g s ] || chmod 755 s; ls -l s"
        );
        let control = host.run(&none(), &["sh", "-c", &script]);
        assert!(set(&text(&control)).iter().filter(|&&set| set).count() >= 3, "control: {bits}: {}", text(&control));
        for sandbox in TIERS.iter() {
            let ended = host.run(sandbox, &["sh", "-c", &script]);
            assert_eq!(set(&text(&ended)), [false; 5], "{}: {bits}: {}", sandbox.tier(), text(&ended));
        }
    }
}

#[test]
fn nothing_that_was_open_outside_is_open_inside() {
    let host = Host::new();
    for sandbox in TIERS.iter() {
        let script = "for (3..200) { open(my $f, '<&=', $_) and print \"$_ \" }";
        assert_eq!(text(&host.run(sandbox, &["perl", "-e", script])), "", "{}", sandbox.tier());
    }
}

#[test]
fn the_second_numbers_of_the_calls_are_refused_too() {
    if cfg!(not(target_arch = "x86_64")) {
        return;
    }
    let host = Host::new();
    for sandbox in TIERS.iter() {
        let ended = host
            .run(sandbox, &["perl", "-e", "my $r = syscall(0x40000000 + 272, 0x10000000); print $r < 0 ? 'error ' . ($! + 0) : 'done'"]);
        assert_eq!(text(&ended), "error 38", "{}", sandbox.tier());
    }
}

#[test]
fn strange_kinds_of_sockets_are_refused() {
    let host = Host::new();
    // Packets, key management, vsock to the host of a virtual machine, kernel crypto, netfilter.
    for (family, kind, protocol) in [(17, 3, 0), (15, 3, 2), (40, 1, 0), (38, 5, 0), (16, 3, 12), (2, 3, 1)] {
        for sandbox in TIERS.iter() {
            let script = format!("socket(S, {family}, {kind}, {protocol}) and print 'done'");
            assert_eq!(text(&host.run(sandbox, &["perl", "-e", &script])), "", "{}: {family}", sandbox.tier());
        }
    }
}

#[test]
fn the_build_has_no_privileges_and_gets_none() {
    let host = Host::new();
    for sandbox in TIERS.iter() {
        let printed = text(&host.run(sandbox, &["sh", "-c", "cat /proc/self/status 2>/dev/null; id -u; awk '' 2>&1"]));
        assert!(!printed.lines().any(|line| line == "0"), "{}: {printed}", sandbox.tier());
        if sandbox.tier().has_mounts() {
            for line in
                ["NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t0000000000000000", "CapPrm:\t0000000000000000", "CapInh:\t0000000000000000"]
            {
                assert!(printed.contains(line), "{}: {line}: {printed}", sandbox.tier());
            }
        }
        // A program of the system that becomes root for anybody.
        let ended = host.run(sandbox, &["sh", "-c", "chmod 4755 $BUILD/suid 2>/dev/null; su -c id root </dev/null"]);
        assert!(!text(&ended).contains("uid=0"), "{}: {}", sandbox.tier(), text(&ended));
        assert_ne!(ended.exit, Some(0), "{}", sandbox.tier());
    }
}

#[test]
fn as_root_the_build_is_an_unprivileged_user_of_the_host() {
    if !root_is_here() {
        return;
    }
    let host = Host::new();
    for sandbox in TIERS.iter() {
        let running = super::host::started(sandbox, &host.job(sandbox, &["sleep", "77.125"]));
        let pid = pid_of("sleep\x0077.125");
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let user = isolation::BUILD_USER;
        assert!(status.contains(&format!("Uid:\t{user}\t{user}\t{user}\t{user}\n")), "{}: {status}", sandbox.tier());
        assert!(status.contains(&format!("Gid:\t{user}\t{user}\t{user}\t{user}\n")), "{}: {status}", sandbox.tier());
        // Whoever may look at the groups outside sees none of root's.
        let groups = status.lines().find(|line| line.starts_with("Groups:")).unwrap();
        assert!(groups.trim_end() == "Groups:" || !groups.contains(" 0 "), "{}: {groups}", sandbox.tier());
        drop(running);
    }
}

fn pid_of(command: &str) -> u32 {
    super::host::wait_for(command, |count| count > 0);
    let mut entries = std::fs::read_dir("/proc").unwrap().flatten();
    let found = entries.find(|entry| std::fs::read(entry.path().join("cmdline")).is_ok_and(|line| line.starts_with(command.as_bytes())));
    found.unwrap().file_name().to_str().unwrap().parse().unwrap()
}
