//! Patches, folders and tarballs of yarn 2 and later.

use super::asked::differences;
use super::*;

/// A lockfile of which the project `x` asks for `a` in this range, with more entries.
fn lock(range: &str, key: &str) -> String {
    let resolution = key.replace("::locator", "::hash=00&locator");
    format!(
        "__metadata:\n  version: 8\n\n\"a@npm:1.0.0\":\n  version: 1.0.0\n  resolution: \"a@npm:1.0.0\"\n\n\"{key}\":\n  version: 1.0.0\n  resolution: \"{resolution}\"\n\n\"x@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"x@workspace:.\"\n  dependencies:\n    a: \"{range}\"\n"
    )
}

const PATCH: &str = "patch:a@npm%3A1.0.0#./x.patch";
const OF_X: &str = "::locator=x%40workspace%3A.";

#[test]
fn a_patch_or_a_path_is_only_the_one_that_the_lockfile_has() {
    let told = |range: &str, key: &str, asked: &str| {
        let own = format!(r#"{{"name":"x","dependencies":{{"a":"{asked}"}}}}"#);
        let files = [("package.json", own.as_str()), ("p/package.json", r#"{"name":"a"}"#)];
        differences(("yarn.lock", &lock(range, key)), &files).len()
    };
    let patched = format!("a@{PATCH}{OF_X}");
    for same in [PATCH, "patch:a@npm:1.0.0#./x.patch", "patch:a@1.0.0#./x.patch"] {
        assert_eq!(told(PATCH, &patched, same), 0, "{same}");
    }
    for other in [
        "patch:b@npm%3A1.0.0#./x.patch",
        "patch:a@npm%3A1.0.1#./x.patch",
        "patch:a@npm%3A1.0.0#./y.patch",
        "file:./e.tgz",
        "portal:./p",
        "1.0.0",
    ] {
        assert_eq!(told(PATCH, &patched, other), 1, "{other}");
    }
    for path in ["file:./p", "portal:./p", "link:./p", "file:./e.tgz", "./e.tgz"] {
        let key = format!("a@{}{path}{OF_X}", if path.starts_with('.') { "file:" } else { "" });
        assert_eq!(told(path, &key, path), 0, "{path}");
        assert_eq!(told(path, &key, &path.replace("./", "./q")), 1, "another {path}");
    }
}

#[test]
fn what_is_looked_up_for_another_one_is_no_entry() {
    let told = |range: &str, key: &str| {
        let own = format!(r#"{{"name":"x","dependencies":{{"a":"{range}"}}}}"#);
        differences(("yarn.lock", &lock(range, key)), &[("package.json", &own), ("p/package.json", r#"{"name":"a"}"#)]).len()
    };
    assert_eq!(told(PATCH, &format!("a@{PATCH}{OF_X}")), 0);
    for key in [
        "a@patch:b@npm%3A1.0.0#./x.patch::locator=x%40workspace%3A.",
        "a@patch:a@npm%3A1.0.0#./x.patch::locator=y%40workspace%3Ap",
        "a@patch:a@npm%3A1.0.0#./x.patch",
    ] {
        assert_eq!(told(PATCH, key), 1, "{key}");
    }
    assert_eq!(told("portal:./p", "a@portal:./p::locator=y%40workspace%3Aq"), 2, "and that is no folder");
    // Of the project's own folder, and of yarn itself: the same for all.
    for range in ["patch:a@npm%3A1.0.0#~/x.patch", "patch:a@npm%3A1.0.0#optional!builtin<compat/a>"] {
        assert_eq!(told(range, &format!("a@{range}")), 0, "{range}");
    }
}

#[test]
fn a_path_of_resolutions_is_one_from_the_root() {
    let asks = "\n\"b@npm:1.0.0\":\n  version: 1.0.0\n  resolution: \"b@npm:1.0.0\"\n  dependencies:\n    a: \"npm:1.0.0\"\n";
    let told = |locator: &str| {
        let text = format!("{}{asks}", lock("npm:1.0.0", &format!("a@{PATCH}::locator={locator}")));
        let own = format!(r#"{{"name":"x","dependencies":{{"a":"1.0.0"}},"resolutions":{{"b/a":"{PATCH}"}}}}"#);
        differences(("yarn.lock", &text), &[("package.json", &own)]).len()
    };
    assert_eq!((told("x%40workspace%3A."), told("b%40npm%3A1.0.0")), (0, 1));
}

#[test]
fn a_patch_of_the_project_is_told() {
    let left = |key: &str| {
        let read = Lockfile::read("yarn.lock", lock("npm:1.0.0", key).as_bytes()).unwrap();
        let told = read.left_out.iter().filter(|left| !left.is_own).map(|left| (left.reason, left.leads_to.clone().unwrap_or_default()));
        told.collect::<Vec<_>>()
    };
    let with_hash = "a@patch:a@npm%3A1.0.0#./x.patch::hash=00&locator=x%40workspace%3A.".to_owned();
    assert_eq!(left(&format!("a@{PATCH}{OF_X}")), [(Reason::File, with_hash)]);
    assert_eq!(left("a@patch:a@npm%3A1.0.0#optional!builtin<compat/a>"), []);
}

#[test]
fn a_workspace_without_a_name_has_the_one_that_yarn_makes_of_its_folder() {
    let told = |name: &str| {
        let lock = format!(
            "__metadata:\n  version: 8\n\n\"{name}@workspace:p/d\":\n  version: 0.0.0-use.local\n  resolution: \"{name}@workspace:p/d\"\n\n\"x@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"x@workspace:.\"\n"
        );
        differences(("yarn.lock", &lock), &[("package.json", r#"{"name":"x","workspaces":["p/*"]}"#), ("p/d/package.json", "{}")]).len()
    };
    assert_eq!((told("d-67f83b"), told("d")), (0, 0));
    for other in ["d-67f83", "d-67f83g", "e-67f83b", "@s/d-67f83b", "67f83b"] {
        assert_eq!(told(other), 1, "{other}");
    }
}
