//! What lies in `node_modules` where no client puts it, and links to elsewhere.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::*;

fn write(project: &Path, path: &str, text: &str) {
    let path = project.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn link(project: &Path, path: &str, to: &str) {
    let path = project.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    symlink(to, path).unwrap();
}

/// What is left out and is not the project's own, after `make`.
fn told(make: impl FnOnce(&Path)) -> (Vec<String>, Vec<String>) {
    let root = tempfile::tempdir().unwrap();
    let project = root.path().join("project");
    write(root.path(), "out/package.json", "{}");
    write(&project, "node_modules/a/package.json", r#"{"name":"a","version":"1.0.0"}"#);
    write(&project, "package.json", r#"{"name":"root","workspaces":["w"]}"#);
    write(&project, "w/package.json", r#"{"name":"w"}"#);
    make(&project);
    let lockfile = Lockfile::of_tree(&project.join("node_modules")).unwrap();
    for place in lockfile.entries.iter().flat_map(|entry| &entry.places) {
        assert!(project.join("node_modules").join(&place.key).join("package.json").is_file(), "{}", place.key);
        assert_eq!(place.in_place_of, None);
    }
    let left = lockfile.left_out.iter().filter(|left| !left.is_own).map(|left| format!("{} ({})", left.key, left.reason.as_str()));
    (lockfile.entries.iter().map(Entry::spec).collect(), left.collect())
}

#[test]
fn what_lies_where_no_client_puts_it_is_told() {
    let of = |make: fn(&Path)| told(make).1;
    assert_eq!(of(|_| {}), [""; 0], "the control");
    let command = |name: &'static str, to: &'static str| {
        move |at: &Path| {
            write(at, "node_modules/b/package.json", r#"{"name":"b","version":"1.0.0","bin":{"x":"./l/x.js"}}"#);
            write(at, "node_modules/b/l/package.json", r#"{"type":"commonjs"}"#);
            write(at, "node_modules/b/l/x.js", "");
            write(at, "node_modules/b/y.js", "");
            link(at, &format!("node_modules/.bin/{name}"), to);
        }
    };
    assert_eq!(told(command("x", "../b/l/x.js")).1, [""; 0], "a command of a package");
    for (name, to) in [("x", "../b/y.js"), ("y", "../b/l/x.js"), ("x", "../a/package.json"), ("x", "../b")] {
        assert_eq!(told(command(name, to)).1, [format!(".bin/{name} (link)")], "{to}");
    }
    assert_eq!(of(|at| link(at, "node_modules/w", "../w")), [""; 0], "a workspace");
    assert_eq!(of(|at| link(at, "node_modules/.bin/x", "../../../out/package.json")), [".bin/x (link)"]);
    assert_eq!(of(|at| link(at, "node_modules/b", "../../out")), ["b (link)"]);
    assert_eq!(of(|at| write(at, "node_modules/.package-lock.json", "{}")), [""; 0]);
    assert_eq!(of(|at| write(at, "node_modules/lock.yaml", "")), ["lock.yaml (file)"]);
    let in_note = |at: &Path| {
        write(at, "node_modules/.package-lock.json/e/index.js", "");
        link(at, "node_modules/b", ".package-lock.json/e");
    };
    assert_eq!(told(in_note).1, [".package-lock.json (file)", "b (link)"]);
    let in_git = |at: &Path| {
        write(at, ".git/e/index.js", "");
        link(at, "node_modules/b", "../.git/e");
    };
    assert_eq!(told(in_git).1, ["b (link)"]);
    let in_store = |at: &Path| {
        write(at, "node_modules/.pnpm/q/e/index.js", "");
        write(at, "node_modules/.pnpm/q/node_modules/q/package.json", r#"{"name":"q","version":"1.0.0"}"#);
        link(at, "node_modules/b", ".pnpm/q/e");
    };
    assert_eq!(told(in_store).1, ["b (link)", ".pnpm/q/e (file)"]);
}

#[test]
fn a_command_is_that_of_a_package_beside_it_or_above_and_no_fixture_within_one() {
    let fixture = |at: &Path| {
        write(at, "node_modules/a/fixtures/x/package.json", r#"{"name":"x","version":"1.0.0","bin":{"x":"run.js"}}"#);
        write(at, "node_modules/a/fixtures/x/run.js", "");
        link(at, "node_modules/.bin/x", "../a/fixtures/x/run.js");
    };
    assert_eq!(told(fixture).1, [".bin/x (link)"]);
    let package = |at: &Path, above: &str| {
        write(at, &format!("{above}node_modules/@s/c/package.json"), r#"{"name":"@s/c","version":"1.0.0","bin":"c.js"}"#);
        write(at, &format!("{above}node_modules/@s/c/c.js"), "");
    };
    let within = |at: &Path| {
        package(at, "node_modules/a/");
        link(at, "node_modules/a/node_modules/.bin/c", "../@s/c/c.js");
        link(at, "node_modules/.bin/c", "../a/node_modules/@s/c/c.js");
    };
    assert_eq!(told(within).1, [".bin/c (link)"], "of the package, and of the project");
    let above = |at: &Path| {
        package(at, "");
        link(at, "node_modules/w", "../w");
        link(at, "node_modules/.bin/c", "../@s/c/c.js");
        link(at, "w/node_modules/.bin/c", "../../../node_modules/@s/c/c.js");
        write(at, "w/package.json", r#"{"name":"w","bin":{"w":"w.js"}}"#);
        write(at, "w/w.js", "");
        link(at, "node_modules/.bin/w", "../../w/w.js");
    };
    assert_eq!(told(above).1, [""; 0], "hoisted, and of a workspace");
    let stored = |at: &Path| {
        package(at, "node_modules/.pnpm/c@1/");
        link(at, "node_modules/.bin/c", "../.pnpm/c@1/node_modules/@s/c/c.js");
    };
    assert_eq!(told(stored).1, [""; 0], "in a store");
}

#[test]
fn what_lies_beside_a_workspace_is_read_too() {
    let in_workspace = |at: &Path| {
        link(at, "node_modules/w", "../w");
        link(at, "w/node_modules/root", "../..");
        write(at, "w/node_modules/c/package.json", r#"{"name":"c","version":"1.0.0"}"#);
    };
    assert_eq!(told(in_workspace), (vec!["a@1.0.0".into(), "c@1.0.0".into()], Vec::new()));
    let elsewhere = |at: &Path| {
        write(at, "x/node_modules/c/package.json", r#"{"name":"c","version":"1.0.0"}"#);
        link(at, "node_modules/c", "../x/node_modules/c");
    };
    assert_eq!(told(elsewhere), (vec!["a@1.0.0".into(), "c@1.0.0".into()], Vec::new()));
}

#[test]
fn a_link_has_the_name_of_what_it_leads_to_or_one_that_is_asked_for() {
    let of = |manifest: &'static str, name: &'static str, to: &'static str| {
        told(move |at: &Path| {
            write(at, "package.json", manifest);
            write(at, "e/package.json", r#"{"name":"e"}"#);
            write(at, "node_modules/.pnpm/b@1/node_modules/b/package.json", r#"{"name":"b","version":"1.0.0"}"#);
            write(at, "node_modules/c/package.json", r#"{"name":"c","version":"1.0.0","bundleDependencies":["d"]}"#);
            write(at, "node_modules/c/node_modules/d/package.json", r#"{"name":"d","version":"1.0.0"}"#);
            link(at, &format!("node_modules/{name}"), to);
        })
        .1
        .into_iter()
        .filter(|told| told.ends_with("(link)"))
        .count()
    };
    let asks = |range: &str| format!(r#"{{"name":"x","workspaces":["w"],"dependencies":{{"s":"{range}"}}}}"#).leak() as &'static str;
    let (none, stored) = (asks("^1.0.0"), ".pnpm/b@1/node_modules/b");
    assert_eq!((of(none, "b", stored), of(none, "w", "../w"), of(none, "x", "..")), (0, 0, 0));
    assert_eq!((of(asks("npm:b@1"), "s", stored), of(asks("file:./e"), "s", "../e"), of(asks("link:e"), "s", "../e")), (0, 0, 0));
    assert_eq!(of(asks("workspace:w@*"), "s", "../w"), 0);
    let of_workspace = |at: &Path| {
        write(at, "w/package.json", r#"{"name":"w","dependencies":{"s":"npm:a@1"}}"#);
        link(at, "node_modules/w", "../w");
        link(at, "w/node_modules/s", "../../node_modules/a");
    };
    assert_eq!(told(of_workspace).1, [""; 0], "an alias of a workspace");
    for (manifest, name, to) in [
        (none, "s", stored),
        (none, "s", "a"),
        (none, "A", "a"),
        (none, "s", "../w"),
        (none, "s", "../e"),
        (none, "e", "../e"),
        (none, "s", "c/node_modules/d"),
        (none, "d", "c/node_modules/d"),
        (asks("npm:c@1"), "s", stored),
        (asks("file:./w"), "s", "../e"),
        (asks("file:./e"), "e", "../e"),
        ("{}", "w", "../w"),
    ] {
        assert_eq!(of(manifest, name, to), 1, "{manifest}: {name} -> {to}");
    }
}

/// What pnpm 10 writes into `.bin`.
fn shim(project: &Path, file: &str) -> String {
    let at = project.canonicalize().unwrap();
    let folders = format!("{0}/node_modules/b/node_modules:{0}/node_modules", at.display());
    format!(
        r#"#!/bin/sh
basedir=$(dirname "$(echo "$0" | sed -e 's,\\,/,g')")

case `uname` in
    *CYGWIN*|*MINGW*|*MSYS*)
        if command -v cygpath > /dev/null 2>&1; then
            basedir=`cygpath -w "$basedir"`
        fi
    ;;
esac

if [ -z "$NODE_PATH" ]; then
  export NODE_PATH="{folders}"
else
  export NODE_PATH="{folders}:$NODE_PATH"
fi
if [ -x "$basedir/node" ]; then
  exec "$basedir/node"  "$basedir/{file}" "$@"
else
  exec node  "$basedir/{file}" "$@"
fi
"#
    )
}

#[test]
fn a_script_of_pnpm_is_a_command_if_it_is_that_to_the_letter() {
    let of = |name: &str, file: &str, change: &dyn Fn(String) -> String| {
        told(|at| {
            write(at, "node_modules/b/package.json", r#"{"name":"b","version":"1.0.0","bin":{"x":"x.js"}}"#);
            write(at, "node_modules/b/x.js", "");
            write(at, "node_modules/b/y.js", "");
            write(at, &format!("node_modules/.bin/{name}"), &change(shim(at, file)));
        })
        .1
    };
    let same = |text: String| text;
    assert_eq!(of("x", "../b/x.js", &same), [""; 0]);
    assert_eq!(of("y", "../b/x.js", &same), [".bin/y (file)"], "another name");
    assert_eq!(of("x", "../b/y.js", &same), [".bin/x (file)"], "another file");
    for (from, to) in [
        ("esac\n", "esac\nevil\n"),
        ("basedir=$(dirname", "evil; basedir=$(dirname"),
        ("/node_modules/b/node_modules:", "/node_modules/b/node_modules:/tmp/node_modules:"),
        ("/node_modules/b/node_modules:", "/node_modules/../lib/node_modules:"),
    ] {
        assert_eq!(of("x", "../b/x.js", &|text| text.replace(from, to)), [".bin/x (file)"], "{from}");
    }
}

#[test]
fn bun_calls_the_only_command_of_an_alias_as_its_folder_is_called() {
    let of = |name: &'static str, bin: &'static str| {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "package.json", r#"{"dependencies":{"al":"npm:b@1.0.0"}}"#);
        write(root.path(), "node_modules/al/package.json", &format!(r#"{{"name":"b","version":"1.0.0","bin":{bin}}}"#));
        write(root.path(), "node_modules/al/x.js", "");
        link(root.path(), &format!("node_modules/.bin/{name}"), "../al/x.js");
        let lockfile = Lockfile::of_tree(&root.path().join("node_modules")).unwrap();
        lockfile.left_out.len()
    };
    assert_eq!((of("al", r#""x.js""#), of("b", r#""x.js""#)), (0, 0));
    assert_eq!((of("z", r#""x.js""#), of("al", r#"{"z":"x.js"}"#), of("al", r#""y.js""#)), (1, 1, 1));
}
