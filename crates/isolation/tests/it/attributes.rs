//! Modes, owners and attributes of files that are the build's user's, and not the build's.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use isolation::Tier;

use super::host::{Host, TIERS, none, text};

/// Opens `$T` to everybody, each in another way; `$TOOL` is in a folder that the build may read.
const OPENS: [&str; 8] = [
    "chmod 666 $T",
    "cd / && chmod o+w .$T",
    "ln -s $T $BUILD/a && chmod 666 $BUILD/a",
    "chmod 666 $BUILD/../home/.npmrc",
    "chmod -R 777 $HOST/home",
    // Past the C library, from a thread, and by a descriptor that only names the place.
    "node -e \"require('fs').chmod('$T', 0o666, (error) => process.exit(error ? 1 : 0))\"",
    "node -e \"const f=require('fs');f.chmodSync('/proc/self/fd/' + f.openSync('$T', 0x200000), 0o666)\"",
    "node -e \"const f=require('fs');f.fchmodSync(f.openSync('$TOOL', 'r'), 0o666)\"",
];

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

/// A host whose every file is the build's user's, and the paths that must stay closed.
fn closed() -> (Host, [(std::path::PathBuf, u32); 4]) {
    let host = Host::new();
    let paths =
        [("home", 0o700), ("home/.npmrc", 0o600), ("tools", 0o755), ("tools/tool", 0o755)].map(|(path, mode)| (host.path(path), mode));
    for (path, mode) in &paths {
        fs::set_permissions(path, fs::Permissions::from_mode(*mode)).unwrap();
    }
    (host, paths)
}

#[test]
fn a_build_changes_modes_of_its_own_files_alone() {
    for sandbox in TIERS.iter().chain([&none()]) {
        for script in OPENS {
            let (host, paths) = closed();
            for folder in ["home", "tools"] {
                sandbox.give(&host.path(folder)).unwrap();
            }
            let set = format!("T=$HOST/home/.npmrc TOOL={}; {script}", sandbox.inside(&host.path("tools/tool"), "/opt/tools/tool"));
            let ended = host.run(sandbox, &["sh", "-c", &set]);
            let changed = paths.iter().filter(|(path, before)| mode(path) != *before).count();
            let said = format!("{}: {script}: {ended}: {}", sandbox.tier(), text(&ended));
            assert_eq!(changed > 0, sandbox.tier() == Tier::None, "{said}");
        }
    }
}

#[test]
fn a_build_changes_its_own_files_as_it_likes() {
    let scripts = [
        "echo > f; chmod 755 f; stat -c %a f; chmod 0600 $BUILD/f; stat -c %a f; chmod 777 ./f; stat -c %a f",
        "mkdir d; chmod 700 d; stat -c %a d; ln -s ../f d/l; chmod 640 d/l; stat -c %a f; cd d; chmod 444 ../f; stat -c %a ../f",
        "echo > g; chmod 750 g; cp -p g h; stat -c %a h; cp -a g i; stat -c %a i; install -m 711 g j; stat -c %a j; mv g k; stat -c %a k",
        "node -e \"const f=require('fs');f.writeFileSync('n','');for(const change of [()=>f.chmodSync('n',0o710),()=>f.fchmodSync(f.openSync('n'),0o604),()=>f.chmodSync('/proc/self/fd/'+f.openSync('n',0x200000),0o622)]){change();console.log((f.statSync('n').mode&0o777).toString(8))}\"",
        "echo > o; chown $(id -u):$(id -g) o && chgrp $(id -g) o && node -e \"const f=require('fs'),i=process;f.lchownSync('o',i.getuid(),i.getgid());f.fchownSync(f.openSync('o'),i.getuid(),i.getgid());console.log('owned')\"",
        "chmod 644 nothing 2>&1 | grep -c 'No such file'; rm -f f g h; echo t > $TMPDIR/t; chmod 711 $TMPDIR/t; stat -c %a $TMPDIR/t",
    ];
    let expected = ["755 600 777", "700 640 444", "750 750 711 750", "710 604 622", "owned", "1 711"];
    for sandbox in TIERS.iter().chain([&none()]) {
        let host = Host::new();
        for (script, expected) in scripts.iter().zip(expected) {
            let script = format!("export TMPDIR=${{TMPDIR:-/tmp}}; {script}");
            let ended = host.run(sandbox, &["sh", "-c", &script]);
            let said = text(&ended).split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!((ended.exit, said.as_str()), (Some(0), expected), "{}: {script}", sandbox.tier());
        }
    }
}

/// Python's standard library has the calls.
#[test]
fn a_build_sets_no_attributes_of_other_files() {
    let script = "python3 -c \"import os; os.setxattr('$HOST/home/.npmrc', 'user.x', b'1')\"; echo $?";
    let is_set = |host: &Host| {
        let mut names = [0_u8; 256];
        let length = rustix::fs::listxattr(host.path("home/.npmrc"), &mut names).unwrap();
        names[..length].windows(6).any(|name| name == b"user.x")
    };
    for sandbox in TIERS.iter().chain([&none()]) {
        let (host, _) = closed();
        sandbox.give(&host.path("home")).unwrap();
        let said = text(&host.run(sandbox, &["sh", "-c", script]));
        assert_eq!(is_set(&host), sandbox.tier() == Tier::None, "{}: {said}", sandbox.tier());
        if sandbox.tier() == Tier::Landlock {
            assert!(said.contains("Operation not supported"), "as a file system without attributes says: {said}");
        }
    }
}

#[test]
fn what_a_link_in_the_build_leads_to_keeps_its_owner() {
    for sandbox in TIERS.iter() {
        let (host, _) = closed();
        symlink(host.path("home/.ssh/id_ed25519"), host.path("checkout/key")).unwrap();
        sandbox.give(&host.path("home")).unwrap();
        // A change of owner takes the bits of an owner away, and is refused before it does nothing.
        let ended = host.run(sandbox, &["sh", "-c", "chown $(id -u):$(id -g) key"]);
        assert_ne!(ended.exit, Some(0), "{}: {}", sandbox.tier(), text(&ended));
    }
}
