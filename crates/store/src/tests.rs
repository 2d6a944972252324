use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use tempfile::TempDir;

use verdict::diagnostic::Diagnostic as _;

use super::folders::{Platform, platform_root, safe_name};
use super::lock::FileLock;
use super::*;

fn raw(value: &Value) -> Box<RawValue> {
    to_raw_value(value).unwrap()
}

fn cache() -> (TempDir, Results) {
    let folder = tempfile::tempdir().unwrap();
    let results = Results::at(folder.path().join("results.json"));
    (folder, results)
}

fn put(results: &Results, key: &str, value: &Value) {
    assert_eq!(results.put(key, &raw(value)).unwrap(), results::Written::default());
}

fn get(results: &Results, key: &str) -> Option<Value> {
    results.get(key).unwrap().map(|value| serde_json::from_str(value.get()).unwrap())
}

/// The file as any other program reads it.
fn parsed(results: &Results) -> Value {
    serde_json::from_str(&fs::read_to_string(results.path()).unwrap()).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_stored_result_is_read_again() {
    let (_folder, results) = cache();
    assert_eq!(get(&results, "a@1.0.0"), None);
    put(&results, "a@1.0.0", &json!({"verdict": "identical", "text": "a\"b\\\n\u{2028}"}));
    put(&results, "@s/b@2.0.0", &json!({"n": 2}));
    assert_eq!(get(&results, "a@1.0.0"), Some(json!({"verdict": "identical", "text": "a\"b\\\n\u{2028}"})));
    assert_eq!(get(&results, "@s/b@2.0.0"), Some(json!({"n": 2})));
    assert_eq!(get(&results, "a@1.0"), None);
    assert_eq!(get(&results, "n"), None);
    assert_eq!(parsed(&results).as_object().unwrap().len(), 2);
}

#[test]
fn an_entry_is_replaced_wherever_it_stands() {
    for key in ["a@1", "b@1", "c@1"] {
        let (_folder, results) = cache();
        for name in ["a@1", "b@1", "c@1"] {
            put(&results, name, &json!({"old": name}));
        }
        put(&results, key, &json!({"new": true}));
        let mut expected = json!({"a@1": {"old": "a@1"}, "b@1": {"old": "b@1"}, "c@1": {"old": "c@1"}});
        expected[key] = json!({"new": true});
        assert_eq!(parsed(&results), expected, "{key}");
        assert_eq!(get(&results, key), Some(json!({"new": true})));
    }
}

#[test]
fn entries_are_removed_down_to_an_empty_object() {
    let (_folder, results) = cache();
    for name in ["a@1", "b@1", "c@1", "d@1"] {
        put(&results, name, &json!({}));
    }
    let _ = results.remove(&["d@1", "x@1"]).unwrap();
    assert_eq!(parsed(&results), json!({"a@1": {}, "b@1": {}, "c@1": {}}));
    let _ = results.remove(&["a@1"]).unwrap();
    assert_eq!(parsed(&results), json!({"b@1": {}, "c@1": {}}));
    let _ = results.remove(&["b@1", "c@1"]).unwrap();
    assert_eq!(parsed(&results), json!({}));
    put(&results, "e@1", &json!({}));
    assert_eq!(parsed(&results), json!({"e@1": {}}));
}

#[test]
fn many_entries_are_written_at_once_and_the_last_of_equal_keys_counts() {
    let (_folder, results) = cache();
    put(&results, "b@1", &json!({"old": 1}));
    let (one, two, three) = (raw(&json!({"n": 1})), raw(&json!({"n": 2})), raw(&json!({"n": 3})));
    let _ = results.put_many(&[("a@1", &one), ("b@1", &two), ("a@1", &three)]).unwrap();
    assert_eq!(parsed(&results), json!({"a@1": {"n": 3}, "b@1": {"n": 2}}));
    let listed: Vec<String> = results.all().unwrap().into_iter().map(|(key, _)| key).collect();
    assert_eq!(listed, ["b@1", "a@1"]);
}

#[test]
fn keys_that_json_escapes_are_found() {
    let (_folder, results) = cache();
    for key in ["a\"b@1", "a\\@1", "a\":{@1", "größe@1", "a\n@1", "a\\\":@2"] {
        put(&results, key, &json!({"key": key}));
    }
    for key in ["a\"b@1", "a\\@1", "a\":{@1", "größe@1", "a\n@1", "a\\\":@2"] {
        put(&results, key, &json!({"key": key, "again": true}));
        assert_eq!(get(&results, key), Some(json!({"key": key, "again": true})), "{key:?}");
    }
    assert_eq!(parsed(&results).as_object().unwrap().len(), 6);
}

#[test]
fn a_key_inside_a_result_is_not_an_entry() {
    let (_folder, results) = cache();
    let tricky = RawValue::from_string("{\n\"b@1\": {\n\"b@1\":\n1}, \"s\": \"\\n\\\"b@1\\\":{ } \" }".to_owned()).unwrap();
    let _ = results.put("a@1", &tricky).unwrap();
    assert_eq!(get(&results, "b@1"), None);
    assert_eq!(get(&results, "a@1"), Some(json!({"b@1": {"b@1": 1}, "s": "\n\"b@1\":{ } "})));
}

#[test]
fn entries_larger_than_the_buffer_are_read_and_replaced() {
    let (_folder, results) = cache();
    // Lengths around the size of the reader's pieces, so that line ends fall on their borders.
    for (at, length) in (262_100..262_180).step_by(5).enumerate() {
        put(&results, &format!("p@{at}"), &json!({"text": "x".repeat(length)}));
    }
    put(&results, "p@7", &json!({"text": "short"}));
    for (at, length) in (262_100..262_180).step_by(5).enumerate() {
        let expected = if at == 7 { "short".to_owned() } else { "x".repeat(length) };
        assert_eq!(get(&results, &format!("p@{at}")), Some(json!({"text": expected})), "{at}");
    }
    assert_eq!(parsed(&results).as_object().unwrap().len(), 16);
}

#[test]
fn a_file_of_another_layout_is_read_and_written_anew() {
    for text in [
        "{\n  \"a@1\": {\n    \"n\": 1\n  },\n  \"b@1\": false\n}",
        "{\"a@1\":{\"n\":1},\"b@1\":false}",
        "\u{feff}{\"b@1\":{\"old\":1},\"a@1\":{\"n\":1},\"b@1\":false}\n",
        // This layout, but for the end that an editor took away.
        "{ \n\"a@1\":{\"n\":1},\n\"b@1\":false\n}",
        // Lines that an editor broke.
        "{ \n\"a@1\":{\n\"n\":1},\n\"b@1\":false\n}\n",
        "{ \n\"a@1\":\n{\"n\":1},\n\"b@1\":false\n}\n",
        "{ \n\"a@1\":{\"n\":1\n},\n\"b@1\":false\n}\n",
        "{ \n\n\"a@1\":{\"n\":1},\r\n\"b@1\":false\r\n}\n",
    ] {
        let (_folder, results) = cache();
        fs::write(results.path(), text).unwrap();
        assert_eq!(get(&results, "a@1"), Some(json!({"n": 1})), "{text}");
        assert_eq!(get(&results, "b@1"), Some(json!(false)), "{text}");
        put(&results, "c@1", &json!({"n": 3}));
        assert_eq!(parsed(&results), json!({"a@1": {"n": 1}, "b@1": false, "c@1": {"n": 3}}), "{text}");
        assert!(fs::read_to_string(results.path()).unwrap().starts_with("{ \n\""));
        put(&results, "a@1", &json!({"n": 4}));
        assert_eq!(get(&results, "a@1"), Some(json!({"n": 4})));
    }
}

#[test]
fn an_empty_file_is_an_empty_cache() {
    for text in ["", " \n", "{}", "{ \n}\n"] {
        let (_folder, results) = cache();
        fs::write(results.path(), text).unwrap();
        assert_eq!(get(&results, "a@1"), None);
        put(&results, "a@1", &json!({}));
        assert_eq!(parsed(&results), json!({"a@1": {}}), "{text:?}");
    }
}

#[test]
fn a_damaged_file_is_moved_aside_and_nothing_of_it_is_lost() {
    let (folder, results) = cache();
    let damaged =
        ["{ \n\"a@1\":{\"n\":1},\n\"b@1\":{\"n\"", "{ \n\"a@1\":{},\n}\n", "{\"a@1\":{", "{ \n", "\0\0\0\0", "{ \n\"a@1\":{}\n}\ngarbage"];
    for (at, text) in damaged.iter().enumerate() {
        fs::write(results.path(), text).unwrap();
        assert_eq!(results.get("a@1").unwrap_err().code(), "cache-broken", "{text:?}");
        let aside = folder.path().join(format!("results.json.broken-{}", at + 1));
        assert_eq!(results.put("c@1", &raw(&json!({}))).unwrap().moved_aside, Some(aside.clone()), "{text:?}");
        assert_eq!(fs::read_to_string(aside).unwrap(), *text);
        assert_eq!(parsed(&results), json!({"c@1": {}}));
    }
}

#[test]
fn of_this_programs_own_file_all_that_is_no_json_is_moved_aside() {
    for text in ["{broken", "hello", "\u{1}\u{2}", "{\"name\": ", "module.exports = {}"] {
        let folder = tempfile::tempdir().unwrap();
        let own = Folders::at(folder.path(), None).stored();
        fs::write(own.path(), text).unwrap();
        assert_eq!(own.get("a@1").unwrap_err().code(), "cache-broken", "{text:?}");
        let aside = folder.path().join("results.json.broken-1");
        assert_eq!(own.put("a@1", &raw(&json!({}))).unwrap().moved_aside, Some(aside.clone()), "{text:?}");
        assert_eq!(fs::read_to_string(aside).unwrap(), text);
        assert_eq!((get(&own, "a@1"), parsed(&own)), (Some(json!({})), json!({"a@1": {}})));
    }
    // JSON may be somebody's, in a folder that the user named.
    for text in ["[1]", "5", "{\"name\": \"x\"}", "{\"@1\": {}}"] {
        let folder = tempfile::tempdir().unwrap();
        let own = Folders::at(folder.path(), None).stored();
        fs::write(own.path(), text).unwrap();
        assert_eq!(own.put("a@1", &raw(&json!({}))).unwrap_err().code(), "cache-not-ours", "{text}");
        assert_eq!(fs::read_to_string(own.path()).unwrap(), text);
    }
    // A file that the user named is left alone, whatever is in it.
    let folder = tempfile::tempdir().unwrap();
    let named = Folders::at(folder.path(), Some(Path::new("notes.txt"))).stored();
    fs::write(named.path(), "hello").unwrap();
    assert_eq!(named.put("a@1", &raw(&json!({}))).unwrap_err().code(), "cache-not-ours");
}

#[test]
fn a_file_that_is_no_cache_is_left_alone() {
    for text in [
        "{\"name\": \"x\", \"version\": \"1.0.0\"}",
        "[1]",
        "hello",
        "{\"a@1\": \"text\"}",
        "module.exports = {}",
        "{\"name\": ",
        "5",
        "{\"@1\": {}}",
    ] {
        let (folder, results) = cache();
        fs::write(results.path(), text).unwrap();
        assert_eq!(results.get("a@1").unwrap_err().code(), "cache-not-ours", "{text}");
        assert_eq!(results.put("a@1", &raw(&json!({}))).unwrap_err().code(), "cache-not-ours", "{text}");
        assert_eq!(fs::read_to_string(results.path()).unwrap(), text);
        assert_eq!(names(folder.path()), [".results.json.lock", "results.json"]);
    }
}

#[test]
fn what_a_killed_writer_left_is_cleaned_by_the_next_one() {
    let (folder, results) = cache();
    put(&results, "a@1", &json!({}));
    fs::write(folder.path().join(".results.json.reproduce-tmp"), "{ \n\"a@1\"").unwrap();
    put(&results, "b@1", &json!({}));
    assert_eq!(parsed(&results), json!({"a@1": {}, "b@1": {}}));
    assert_eq!(names(folder.path()), [".results.json.lock", "results.json"]);
}

#[test]
fn a_writer_does_not_touch_the_file_while_another_holds_the_lock() {
    let (folder, results) = cache();
    put(&results, "a@1", &json!({}));
    let temporary = folder.path().join(".results.json.reproduce-tmp");
    fs::write(&temporary, "in use").unwrap();
    let lock = FileLock::acquire(&folder.path().join(".results.json.lock"), Duration::ZERO).unwrap();
    let error = results.clone().with_wait(Duration::from_millis(5)).put("b@1", &raw(&json!({}))).unwrap_err();
    assert_eq!(error.code(), "cache-busy");
    assert_eq!(fs::read_to_string(&temporary).unwrap(), "in use");
    assert_eq!(get(&results, "a@1"), Some(json!({})), "readers need no lock");
    drop(lock);
    put(&results, "b@1", &json!({}));
}

#[test]
fn a_folder_in_the_way_or_missing_is_told_apart() {
    let (folder, results) = cache();
    fs::create_dir(results.path()).unwrap();
    assert_eq!(results.get("a@1").unwrap_err().code(), "cache-wrong-type");
    assert_eq!(results.put("a@1", &raw(&json!({}))).unwrap_err().code(), "cache-wrong-type");
    let missing = Results::at(folder.path().join("x/y/results.json"));
    assert_eq!(get(&missing, "a@1"), None);
    put(&missing, "a@1", &json!({}));
    fs::write(folder.path().join("file"), "").unwrap();
    let below = Results::at(folder.path().join("file/results.json"));
    assert_eq!(below.get("a@1").unwrap_err().code(), "cache-wrong-type");
    assert_eq!(below.put("a@1", &raw(&json!({}))).unwrap_err().code(), "cache-wrong-type");
}

#[test]
fn a_file_marked_read_only_is_not_replaced() {
    let (folder, results) = cache();
    put(&results, "a@1", &json!({}));
    let mut permissions = fs::metadata(results.path()).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(results.path(), permissions).unwrap();
    assert_eq!(results.put("b@1", &raw(&json!({}))).unwrap_err().code(), "cache-not-writable");
    assert_eq!(parsed(&results), json!({"a@1": {}}));
    assert_eq!(names(folder.path()), [".results.json.lock", "results.json"]);
}

#[test]
fn the_systems_failures_have_codes() {
    use std::io::{Error, ErrorKind};
    for (kind, code) in [
        (ErrorKind::StorageFull, "cache-disk-full"),
        (ErrorKind::QuotaExceeded, "cache-disk-full"),
        (ErrorKind::ReadOnlyFilesystem, "cache-not-writable"),
        (ErrorKind::PermissionDenied, "cache-not-writable"),
        (ErrorKind::NotADirectory, "cache-wrong-type"),
        (ErrorKind::TimedOut, "cache-io"),
    ] {
        let error = CacheError::writing(Path::new("x"), Error::from(kind));
        assert_eq!(error.code(), code);
        assert!(error.hint().is_some_and(|hint| !hint.is_empty()));
    }
    assert_eq!(CacheError::reading(Path::new("x"), ErrorKind::PermissionDenied.into()).code(), "cache-not-readable");
}

#[test]
fn an_entry_beyond_the_limit_is_refused_before_anything_is_written() {
    let (folder, results) = cache();
    let huge = RawValue::from_string(format!("{{\"x\":\"{}\"}}", "x".repeat(33 << 20))).unwrap();
    assert_eq!(results.put("a@1", &huge).unwrap_err().code(), "cache-too-large");
    assert!(names(folder.path()).is_empty());
}

#[test]
fn only_objects_are_stored() {
    let (folder, results) = cache();
    for value in [json!(1), json!([{}]), json!("x"), json!(null)] {
        assert_eq!(results.put("a@1", &raw(&value)).unwrap_err().code(), "cache-not-a-result");
    }
    assert!(names(folder.path()).is_empty());
}

#[cfg(unix)]
mod on_unix {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_link_is_written_through_to_its_target() {
        let (folder, results) = cache();
        let real = folder.path().join("real");
        fs::create_dir(&real).unwrap();
        symlink("real/link2", results.path()).unwrap();
        symlink("target.json", real.join("link2")).unwrap();
        assert_eq!(get(&results, "a@1"), None, "a link to a file that is not there yet");
        put(&results, "a@1", &json!({"n": 1}));
        put(&results, "b@1", &json!({"n": 2}));
        assert!(fs::symlink_metadata(results.path()).unwrap().is_symlink());
        assert!(fs::symlink_metadata(real.join("link2")).unwrap().is_symlink());
        assert_eq!(get(&Results::at(real.join("target.json")), "a@1"), Some(json!({"n": 1})));
        assert_eq!(names(&real), [".target.json.lock", "link2", "target.json"]);
    }

    #[test]
    fn links_in_a_circle_are_an_error() {
        let (folder, results) = cache();
        symlink("other", results.path()).unwrap();
        symlink("results.json", folder.path().join("other")).unwrap();
        assert_eq!(results.put("a@1", &raw(&json!({}))).unwrap_err().code(), "cache-link-loop");
        assert!(results.get("a@1").is_err());
    }

    #[test]
    fn a_planted_link_under_the_temporary_name_is_not_followed() {
        let (folder, results) = cache();
        let victim = folder.path().join("victim");
        fs::write(&victim, "keep").unwrap();
        symlink(&victim, folder.path().join(".results.json.reproduce-tmp")).unwrap();
        put(&results, "a@1", &json!({}));
        assert_eq!(fs::read_to_string(&victim).unwrap(), "keep");
        assert_eq!(parsed(&results), json!({"a@1": {}}));
    }

    #[test]
    fn permissions_are_the_users_own_and_kept() {
        let (folder, results) = cache();
        let below = Results::at(folder.path().join("new/results.json"));
        put(&below, "a@1", &json!({}));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder.path().join("new")), 0o700);
        assert_eq!(mode(below.path()), 0o600);
        put(&results, "a@1", &json!({}));
        fs::set_permissions(results.path(), fs::Permissions::from_mode(0o664)).unwrap();
        put(&results, "b@1", &json!({}));
        assert_eq!(mode(results.path()), 0o664);
    }

    #[test]
    fn new_folders_are_for_the_user_alone() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::at(folder.path().join("a/b"), None);
        folders.create().unwrap();
        folders.create().unwrap();
        for path in [&folders.root, &folders.git, &folders.tarballs, &folders.toolchains] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o700);
        }
        fs::write(folder.path().join("file"), "").unwrap();
        assert_eq!(Folders::at(folder.path().join("file"), None).create().unwrap_err().code(), "cache-wrong-type");
    }
}

#[test]
fn the_platforms_cache_folder_is_found_from_its_variables() {
    type Row<'a> = (Platform, &'a [(&'a str, PathBuf)], Option<PathBuf>);
    // What is absolute differs by platform; these are absolute everywhere that the tests run.
    let root = std::env::temp_dir();
    let at = |name: &str| root.join(name);
    let rows: [Row<'_>; 8] = [
        (Platform::Unix, &[("XDG_CACHE_HOME", at("x")), ("HOME", at("h"))], Some(at("x").join("reproduce"))),
        (Platform::Unix, &[("HOME", at("h"))], Some(at("h").join(".cache/reproduce"))),
        (Platform::Unix, &[("XDG_CACHE_HOME", PathBuf::new()), ("HOME", at("h"))], Some(at("h").join(".cache/reproduce"))),
        (Platform::Unix, &[("XDG_CACHE_HOME", PathBuf::from("rel")), ("HOME", at("h"))], Some(at("h").join(".cache/reproduce"))),
        (Platform::MacOs, &[("XDG_CACHE_HOME", at("x")), ("HOME", at("h"))], Some(at("h").join("Library/Caches/reproduce"))),
        (Platform::Windows, &[("LOCALAPPDATA", at("l"))], Some(at("l").join("reproduce"))),
        (Platform::Windows, &[("USERPROFILE", at("u"))], Some(at("u").join("AppData/Local/reproduce"))),
        (Platform::Unix, &[], None),
    ];
    for (platform, variables, expected) in rows {
        let variables: BTreeMap<&str, PathBuf> = variables.iter().cloned().collect();
        let env = |name: &str| variables.get(name).map(|path| OsString::from(path.as_os_str()));
        assert_eq!(platform_root(platform, &env).ok(), expected, "{platform:?} {variables:?}");
    }
}

#[test]
fn the_results_file_is_relative_to_the_cache_or_absolute() {
    let root = std::env::temp_dir();
    assert_eq!(Folders::at(&root, None).results, root.join("results.json"));
    assert_eq!(Folders::at(&root, Some(Path::new("a/b.json"))).results, root.join("a/b.json"));
    let absolute = root.join("elsewhere.json");
    assert_eq!(Folders::at("cache", Some(&absolute)).results, absolute);
}

#[test]
fn a_repositorys_folder_has_a_readable_and_unambiguous_name() {
    let name = safe_name("https://github.com/Owner/Repo.js");
    assert!(name.starts_with("github-com-owner-repo-js-"), "{name}");
    assert_ne!(name, safe_name("https://github.com/Owner/Repo_js"));
    for url in ["", "https://", "../../x", "CON", "con.x/y", "a\0b", "https://[::1]/x", "名前", &"x/".repeat(5000)] {
        let name = safe_name(url);
        assert!((64..=105).contains(&name.len()), "{url}: {name}");
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{url}: {name}");
        assert!(!name.starts_with('-') && !name.contains("--"), "{url}: {name}");
    }
    assert_eq!(Folders::at("c", None).repository("https://x.org/a").parent(), Some(Path::new("c/git")));
}
