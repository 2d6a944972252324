//! package.json files against what lockfiles say of them.

use std::fs;

use super::*;

/// The differences of a project with these files from its lockfile.
fn differences(lock: (&str, &str), files: &[(&str, &str)]) -> Vec<String> {
    let project = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = project.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    Lockfile::read(lock.0, lock.1.as_bytes()).unwrap().differences(project.path())
}

const ASKS: &str = r#"{"dependencies":{"a":"^1.0.0"}}"#;

const NPM: &str = r#"{"lockfileVersion":3,"packages":{"":{"dependencies":{"a":"^1.0.0"}},"node_modules/a":{"version":"1.0.0"}}}"#;
const ONE: &str = r#"{"lockfileVersion":1,"dependencies":{"a":{"version":"1.0.0"}}}"#;
const PNPM: &str = "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a: {specifier: ^1.0.0, version: 1.0.0}\npackages:\n  a@1.0.0:\n    resolution: {integrity: sha512-AAAA}\nsnapshots:\n  a@1.0.0: {}\n";
const FIVE: &str = "lockfileVersion: 5.4\nspecifiers:\n  a: ^1.0.0\ndependencies:\n  a: 1.0.0\npackages:\n  /a/1.0.0:\n    resolution: {integrity: sha512-AAAA}\n";
const YARN: &str = "# yarn lockfile v1\n\n\na@^1.0.0:\n  version \"1.0.0\"\n  resolved \"https://reg.example/a/-/a-1.0.0.tgz\"\n";
const BERRY: &str = "__metadata:\n  version: 8\n\n\"a@npm:^1.0.0\":\n  version: 1.0.0\n  resolution: \"a@npm:1.0.0\"\n\n\"x@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"x@workspace:.\"\n  dependencies:\n    a: \"npm:^1.0.0\"\n";
const BUN: &str = r#"{"lockfileVersion":1,"workspaces":{"":{"name":"x","dependencies":{"a":"^1.0.0"}}},"packages":{"a":["a@1.0.0","",{},"sha512-AAAA"]}}"#;

const ALL: [(&str, &str); 7] = [
    ("package-lock.json", NPM),
    ("package-lock.json", ONE),
    ("pnpm-lock.yaml", PNPM),
    ("pnpm-lock.yaml", FIVE),
    ("yarn.lock", YARN),
    ("yarn.lock", BERRY),
    ("bun.lock", BUN),
];

#[test]
fn a_package_json_that_asks_for_something_else_is_told() {
    for lock in ALL {
        assert_eq!(differences(lock, &[]), [""; 0], "a lockfile by itself: {lock:?}");
        assert_eq!(differences(lock, &[("package.json", ASKS)]), [""; 0], "the control: {lock:?}");
        for odd in [
            r#"{"dependencies":{"a":"^2.0.0"}}"#,
            r#"{"dependencies":{"a":"^1.0.0","b":"1"}}"#,
            r#"{"dependencies":{"a":"^1.0.0"},"optionalDependencies":{"b":"1"}}"#,
            r#"{"dependencies":{"a":"npm:b@^1.0.0"}}"#,
            r#"{"dependencies":{"a":"^1.0.0"},"dependencies":{}}"#,
            "{",
        ] {
            assert_eq!(differences(lock, &[("package.json", odd)]).len(), 1, "{odd}: {lock:?}");
        }
    }
    // Which of them is for development alone.
    for lock in [ALL[0], ALL[2], ALL[3], ALL[6]] {
        assert_eq!(differences(lock, &[("package.json", r#"{"devDependencies":{"a":"^1.0.0"}}"#)]).len(), 1, "{lock:?}");
        assert_eq!(differences(lock, &[("package.json", "{}")]).len(), 1, "{lock:?}");
    }
}

#[test]
fn a_lockfile_that_is_empty_says_nothing_of_the_project() {
    for (file, text) in [
        ("package-lock.json", r#"{"lockfileVersion":3,"packages":{}}"#),
        ("package-lock.json", r#"{"lockfileVersion":1,"dependencies":{}}"#),
        ("package-lock.json", r#"{"lockfileVersion":1}"#),
        ("yarn.lock", "# yarn lockfile v1\n\n\n"),
        ("pnpm-lock.yaml", "lockfileVersion: '9.0'\nimporters:\n  .: {}\n"),
        ("bun.lock", r#"{"lockfileVersion":1,"workspaces":{},"packages":{}}"#),
    ] {
        assert_eq!(differences((file, text), &[("package.json", ASKS)]).len(), 1, "{file} {text}");
        assert_eq!(differences((file, text), &[("package.json", r#"{"name":"x"}"#)]), [""; 0], "{file} {text}");
    }
}

#[test]
fn workspaces_are_held_against_their_rows_too() {
    let root = r#"{"workspaces":["p/*","!p/not"],"dependencies":{"a":"^1.0.0"}}"#;
    let own = r#"{"name":"w","version":"1.0.0","dependencies":{"b":"^1.0.0"}}"#;
    let row = |row: &str| {
        format!(
            r#"{{"lockfileVersion":3,"packages":{{"":{{"dependencies":{{"a":"^1.0.0"}}}},"node_modules/a":{{"version":"1.0.0"}}{row}}}}}"#
        )
    };
    let told = |more: &str, own: &str| differences(("package-lock.json", &row(more)), &[("package.json", root), ("p/w/package.json", own)]);
    assert_eq!(told(r#","p/w":{"dependencies":{"b":"^1.0.0"}},"node_modules/b":{"version":"1.0.0"}"#, own), [""; 0], "the control");
    assert_eq!(told(r#","p/w":{}"#, own).len(), 1);
    assert_eq!(told("", own).len(), 1);
    assert_eq!(told(r#","p/w":{},"p/none":{}"#, "{}").len(), 1, "a row of a folder that is not there");
    let yarn = |more: &str| differences(("yarn.lock", &format!("{YARN}{more}")), &[("package.json", root), ("p/w/package.json", own)]);
    assert_eq!(yarn("\nb@^1.0.0:\n  version \"1.0.0\"\n  resolved \"https://reg.example/b/-/b-1.0.0.tgz\"\n"), [""; 0], "the control");
    assert_eq!(yarn("").len(), 1);
    let sibling = |range: &str| {
        let root = format!(r#"{{"workspaces":["p/*"],"dependencies":{{"w":"{range}"}}}}"#);
        differences(("yarn.lock", YARN), &[("package.json", &root), ("p/w/package.json", r#"{"name":"w","version":"1.0.0"}"#)])
    };
    assert_eq!((sibling("^1.0.0").len(), sibling("^2.0.0").len()), (0, 1));
    let braces = r#"{"workspaces":["{p,q}/*"]}"#;
    assert_eq!(differences(("yarn.lock", YARN), &[("package.json", braces)]).len(), 1, "a pattern that is not understood");
}

#[test]
#[cfg(unix)]
fn a_row_of_a_folder_that_is_a_link_out_of_the_project_is_told() {
    let (project, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let text = r#"{"lockfileVersion":3,"packages":{"":{},"node_modules/w":{"resolved":"w","link":true},"w":{"version":"1.0.0"}}}"#;
    let lockfile = Lockfile::read("package-lock.json", text.as_bytes()).unwrap();
    for folder in [project.path(), out.path()] {
        fs::write(folder.join("package.json"), "{}").unwrap();
    }
    fs::create_dir(project.path().join("w")).unwrap();
    fs::write(project.path().join("w/package.json"), "{}").unwrap();
    assert_eq!(lockfile.differences(project.path()), [""; 0], "the control");
    fs::remove_dir_all(project.path().join("w")).unwrap();
    std::os::unix::fs::symlink(out.path(), project.path().join("w")).unwrap();
    assert_eq!(lockfile.differences(project.path()).len(), 1);
}
