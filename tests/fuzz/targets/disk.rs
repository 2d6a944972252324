//! A folder that a stranger's build left, made from the input, and everything that the program does
//! with one.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use npm_pack::disk_tree::DirTree;
use npm_pack::tree::{NodeKind, Tree as _};
use npm_spec::path::join;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use store::remove_tree;

use super::memory_disk;

const SECRET: &[u8] = b"the user's own";
/// A name that nothing here gives to what it makes.
const ONLY_OUTSIDE: &str = "folder";
const NAMES: [&str; 8] = ["a", "b", "c", "package.json", ".gitignore", "ü", "a b", "long-name-long-name-long-name"];
const PATHS: [&str; 14] = [
    "",
    "a",
    "b",
    "a/b",
    "a/b/c",
    "b/a",
    "c/secret",
    "a/secret",
    "b/secret",
    "../outside/secret",
    "a/../../outside/secret",
    "/etc/passwd",
    "package.json",
    "a//b",
];

/// A byte for what is made or done, and one for where.
pub(crate) fn disk(input: &[u8]) -> String {
    let top = tempfile::tempdir_in(memory_disk()).unwrap();
    let (outside, root) = (top.path().join("outside"), top.path().join("root"));
    fs::create_dir(&outside).unwrap();
    fs::create_dir(&root).unwrap();
    fs::write(outside.join("secret"), SECRET).unwrap();
    fs::write(outside.join("linked"), b"also the stranger's").unwrap();
    fs::create_dir(outside.join(ONLY_OUTSIDE)).unwrap();
    let before = state(&outside);
    let tree = DirTree::new(&root).unwrap();
    let mut folders = vec![PathBuf::new()];
    let mut done = String::new();
    for pair in input.chunks(2).take(120) {
        let [what, place] = pair else { break };
        let name = NAMES[usize::from(*place) % NAMES.len()];
        let folder = folders[usize::from(*place / 8) % folders.len()].clone();
        let path = PATHS[usize::from(*place) % PATHS.len()];
        if what % 24 < 10 {
            make(what % 24, &root, &folder, name, &outside, &mut folders);
            continue;
        }
        let outcome = act(what % 24, &tree, path);
        done.push(if outcome { '1' } else { '0' });
    }
    let (files, links, others) = walk(&tree);
    assert_eq!(state(&outside), before, "something outside was changed");
    remove_tree(&root).unwrap();
    assert!(fs::symlink_metadata(&root).is_err(), "something is left");
    assert_eq!(state(&outside), before, "something outside was removed");
    done.truncate(12);
    format!("{done} {} {} {others}", files.min(6), links.min(4))
}

/// What a stranger leaves; what cannot be made is not there.
fn make(what: u8, root: &Path, folder: &Path, name: &str, outside: &Path, folders: &mut Vec<PathBuf>) {
    let at = root.join(folder).join(name);
    let made = match what {
        0 | 1 => fs::create_dir(&at).inspect(|()| folders.push(folder.join(name))),
        2 => fs::File::create_new(&at).and_then(|mut file| file.write_all(b"mine")),
        3 => symlink(outside, &at),
        4 => symlink(outside.join("secret"), &at),
        5 => symlink("../outside", &at),
        6 => symlink(".", &at),
        7 => mknodat(CWD, &at, FileType::Fifo, Mode::from_raw_mode(0o644), 0).map_err(Into::into),
        8 => fs::hard_link(outside.join("linked"), &at),
        // A folder that its owner cannot enter is one of an ordinary user's; root enters any.
        _ => fs::symlink_metadata(&at)
            .and_then(|data| if data.is_symlink() { Ok(()) } else { fs::set_permissions(&at, fs::Permissions::from_mode(0o000)) }),
    };
    let _: std::io::Result<()> = made;
}

/// What the program does at a path; whether it could.
fn act(what: u8, tree: &DirTree, path: &str) -> bool {
    match what {
        10 | 11 => tree.read(path).is_some_and(|content| {
            assert_ne!(content, SECRET, "{path:?} was read");
            true
        }),
        12 => tree.open(path).is_ok(),
        13 | 14 => {
            let done = tree.replace(path, b"new", None).is_ok();
            // A file that its owner may not read keeps that.
            let is_new = || tree.is_file(path) && tree.read(path).is_none_or(|content| content == b"new");
            assert!(!done || is_new(), "{path:?} was replaced and is not there");
            done
        }
        15 => tree.replace(path, b"new", Some(0o755)).is_ok(),
        16 | 17 => {
            let done = tree.create_dirs(path).is_ok();
            assert!(!done || tree.is_dir(path), "{path:?} was made and is not there");
            done
        }
        18 => tree.link(path).is_some(),
        19 => tree.metadata(path).is_some(),
        20 => tree.below(path).is_ok_and(|below| {
            assert!(below.list("").unwrap_or_default().iter().all(|node| node.name != ONLY_OUTSIDE), "{path:?} leads out");
            true
        }),
        21 => tree.list(path).unwrap_or_default().iter().any(|node| {
            assert_ne!(node.name, ONLY_OUTSIDE, "{path:?} leads out");
            true
        }),
        22 => tree.read_up_to(path, 3).is_some_and(|content| content.len() <= 3),
        _ => tree.is_file(path),
    }
}

/// Every file below, read; how many files, links and other nodes there are.
fn walk(tree: &DirTree) -> (usize, usize, usize) {
    let (mut files, mut links, mut others) = (0, 0, 0);
    let mut todo = vec![String::new()];
    while let Some(folder) = todo.pop() {
        for node in tree.list(&folder).unwrap_or_default() {
            let path = join(&folder, &node.name);
            match node.kind {
                NodeKind::Dir => todo.push(path),
                NodeKind::File { .. } => {
                    assert_ne!(tree.read(&path).as_deref(), Some(SECRET), "{path:?} was read");
                    files += 1;
                }
                NodeKind::Symlink => {
                    assert!(tree.read(&path).is_none() && tree.list(&path).is_ok_and(|all| all.is_empty()), "{path:?} was followed");
                    links += 1;
                }
                NodeKind::Submodule => others += 1,
            }
        }
    }
    (files, links, others)
}

/// Names, contents and permissions of a folder.
fn state(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, u32, i64)> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let data = fs::symlink_metadata(&path).unwrap();
        let content = if data.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
        // The stranger may close what it has a second name of.
        let mode = if path.ends_with("linked") { 0 } else { data.mode() };
        all.insert(path, (content, mode, data.mtime()));
    }
    all
}
