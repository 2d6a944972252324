//! Reading what is none of a build's business, and writing where it must not.

use super::host::{Host, TIERS, exists, is_root, none, root_is_here, text, unique};

/// Scripts of a shell that print what they got; the control shows that there was something to get.
const READS: [&str; 5] = [
    "cat $HOST/home/.npmrc",
    "cat $HOST/home/.ssh/id_ed25519",
    // A link that came with the checkout.
    "cat $BUILD/link",
    "cat $BUILD/../home/.npmrc",
    // By another process's view of the files.
    "cat /proc/$OUTSIDE/root$HOST/home/.npmrc /proc/$VICTIM/root$HOST/home/.npmrc /proc/$PPID/root$HOST/home/.npmrc",
];

#[test]
fn secrets_cannot_be_read() {
    let host = Host::new();
    for script in READS {
        assert!(text(&host.run(&none(), &["sh", "-c", script])).contains("SECRET"), "control: {script}");
        for sandbox in TIERS.iter() {
            let ended = host.run(sandbox, &["sh", "-c", script]);
            assert!(!text(&ended).contains("SECRET"), "{}: {script}: {}", sandbox.tier(), text(&ended));
            assert_ne!(ended.exit, Some(0), "{}: {script}", sandbox.tier());
        }
    }
}

#[test]
fn a_hard_link_to_a_secret_cannot_be_made() {
    let host = Host::new();
    for sandbox in TIERS.iter() {
        let ended = host.run(sandbox, &["sh", "-c", "ln $HOST/home/.npmrc $BUILD/hard && cat $BUILD/hard"]);
        assert!(!text(&ended).contains("SECRET"), "{}", sandbox.tier());
    }
}

#[test]
fn the_hosts_folders_are_not_there_or_closed() {
    let host = Host::new();
    for sandbox in TIERS.iter() {
        for folder in ["/root", "/home", "/var/lib", "/sys/kernel", "/boot", "/run", "/usr/local/bin"] {
            // /usr is open to read as a whole where there are no mounts.
            if folder == "/usr/local/bin" && !sandbox.tier().has_mounts() {
                continue;
            }
            let ended = host.run(sandbox, &["ls", "-A", folder]);
            assert!(ended.exit != Some(0) || text(&ended).is_empty(), "{}: {folder}: {}", sandbox.tier(), text(&ended));
        }
        let ended = host.run(sandbox, &["cat", "/etc/shadow", "/etc/machine-id", "/proc/1/environ", "/proc/kcore"]);
        assert!(!text(&ended).contains("root:"), "{}", sandbox.tier());
        assert_eq!(ended.exit, Some(1), "{}: {}", sandbox.tier(), text(&ended));
    }
}

#[test]
fn the_environment_is_what_the_job_says() {
    let host = Host::new();
    let script =
        "cat /proc/$OUTSIDE/environ /proc/[0-9]*/environ | tr '\\0' '\\n' | grep -c ^CARGO_ ; env | cut -d= -f1 | sort | tr '\\n' ' '";
    for sandbox in TIERS.iter() {
        let printed = text(&host.run(sandbox, &["sh", "-c", script]));
        let last = printed.lines().last().unwrap_or_default();
        let expected =
            "ABSTRACT BUILD GATE GIT_CONFIG_NOSYSTEM HOME HOST NODE_OPTIONS OUTSIDE PATH PWD TCP TMP TMPDIR TEMP UDP VICTIM _ SHLVL OLDPWD";
        assert!(last.split_whitespace().all(|name| expected.split(' ').any(|known| known == name)), "{}: {printed}", sandbox.tier());
        assert!(printed.lines().any(|line| line == "0"), "{}: {printed}", sandbox.tier());
    }
}

#[test]
fn nothing_is_written_outside_of_the_mounts() {
    let host = Host::new();
    let name = format!("escaped-{}", unique());
    // Where there are mounts, some of these exist inside and can be written: the host must not see
    // it.
    let folders = [
        host.path(""),
        host.path("home"),
        host.path("tools"),
        "/tmp".into(),
        "/var/tmp".into(),
        "/dev/shm".into(),
        "/usr".into(),
        "/etc".into(),
        "/".into(),
    ];
    for sandbox in TIERS.iter() {
        for folder in &folders {
            let target = folder.join(&name);
            host.run(sandbox, &["sh", "-c", "echo escaped > $1", "sh", target.to_str().unwrap()]);
            assert!(!exists(&target), "{}: {}", sandbox.tier(), target.display());
        }
        let ended = host.run(
            sandbox,
            &["sh", "-c", "echo changed > /opt/tools/tool; echo changed > $HOST/tools/tool; rm -rf $HOST/home /opt/tools/* $HOST/tools/*"],
        );
        assert_eq!(
            std::fs::read_to_string(host.path("tools/tool")).unwrap(),
            "#!/bin/sh\necho tool\n",
            "{}: {}",
            sandbox.tier(),
            text(&ended)
        );
        assert!(exists(&host.path("home/.npmrc")), "{}", sandbox.tier());
    }
}

#[test]
fn what_is_mounted_works() {
    let host = Host::new();
    for sandbox in TIERS.iter() {
        let tool = sandbox.inside(&host.path("tools/tool"), "/opt/tools/tool");
        let ended = host.run(
            sandbox,
            &[
                "sh",
                "-c",
                "sh $1 && echo made > $BUILD/made && echo t > ${TMPDIR:-/tmp}/t && mkdir a && mv made a/ && cat a/made",
                "sh",
                &tool,
            ],
        );
        assert_eq!((ended.exit, text(&ended).as_str()), (Some(0), "tool\nmade\n"), "{}", sandbox.tier());
        assert_eq!(std::fs::read_to_string(host.path("checkout/a/made")).unwrap(), "made\n");
        std::fs::remove_dir_all(host.path("checkout/a")).unwrap();
    }
}

#[test]
fn node_and_git_run() {
    let host = Host::new();
    for sandbox in TIERS.iter() {
        let script = "const os = require('os'), cp = require('child_process');
            if (!require('path').isAbsolute(process.execPath) || os.cpus().length === 0) process.exit(9);
            cp.execFileSync('git', ['init', '-q', 'repo'], { stdio: 'inherit' });
            new (require('worker_threads').Worker)('', { eval: true }).on('exit', () => console.log('ran'));";
        let ended = host.run(sandbox, &["node", "-e", script]);
        assert_eq!((ended.exit, text(&ended).as_str()), (Some(0), "ran\n"), "{}", sandbox.tier());
        std::fs::remove_dir_all(host.path("checkout/repo")).unwrap();
    }
}

#[test]
fn a_link_is_not_followed_when_a_folder_is_given() {
    use std::os::unix::fs::MetadataExt;
    let host = Host::new();
    for sandbox in TIERS.iter() {
        let before = std::fs::metadata(host.path("home/.npmrc")).unwrap().uid();
        sandbox.give(&host.path("checkout")).unwrap();
        assert_eq!(std::fs::metadata(host.path("home/.npmrc")).unwrap().uid(), before);
        std::os::unix::fs::symlink(host.path("home"), host.path("checkout/folder")).unwrap();
        sandbox.give(&host.path("checkout")).unwrap();
        assert_eq!(std::fs::metadata(host.path("home/.ssh")).unwrap().uid(), before);
        std::fs::remove_file(host.path("checkout/folder")).unwrap();
        if is_root() {
            assert_eq!(std::fs::metadata(host.path("checkout")).unwrap().uid(), isolation::BUILD_USER);
        }
    }
}

#[test]
fn a_folder_that_only_root_can_reach_is_still_mounted() {
    use std::os::unix::fs::PermissionsExt;
    if !root_is_here() {
        return;
    }
    let host = Host::new();
    std::fs::set_permissions(host.path(""), std::fs::Permissions::from_mode(0o700)).unwrap();
    for sandbox in TIERS.iter().filter(|sandbox| sandbox.tier().has_mounts()) {
        let ended = host.run(sandbox, &["sh", "-c", "sh /opt/tools/tool > made"]);
        assert_eq!(ended.exit, Some(0), "{}: {}", sandbox.tier(), text(&ended));
        let made = std::fs::metadata(host.path("checkout/made")).unwrap();
        assert_eq!(std::os::unix::fs::MetadataExt::uid(&made), isolation::BUILD_USER);
        std::fs::remove_file(host.path("checkout/made")).unwrap();
    }
}
