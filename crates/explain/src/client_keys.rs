//! Keys that clients write into a package.json that they install or read: published by whoever
//! publishes an installed package, or a folder that a tool wrote to.

use serde_json::{Map, Value};

use npm_spec::manifest::{LARGEST_PACKED, read_up_to};
use npm_tarball::Archive;
use verdict::{Finding, Severity};

use super::text::cut;

/// What npm up to 6 writes into the package.json of what it installs (and read-package-json into
/// what it reads), and cnpm.
#[rustfmt::skip]
const KEYS: [&str; 28] = [
    "_args", "_cnpm_publish_time", "_development", "_from", "_hasShrinkwrap", "_id", "_inBundle", "_inCache", "_installable",
    "_integrity", "_location", "_nodeVersion", "_npmOperationalInternal", "_npmUser", "_npmVersion", "_optional", "_phantomChildren",
    "_requested", "_requiredBy", "_resolved", "_shasum", "_shrinkwrap", "_spec", "_where", "__npminstall_done", "_source_registry_name",
    "_publish_on_cnpm", "_defaultsLoaded",
];

/// The keys of clients that one package.json has and the other has not.
pub(super) fn of<'a>(ours: &'a Map<String, Value>, theirs: &Map<String, Value>) -> Vec<&'a str> {
    ours.keys().map(String::as_str).filter(|key| KEYS.contains(key) && !theirs.contains_key(*key)).collect()
}

/// Findings about such keys in the published package.json: that they are there, and a path of the
/// publisher's machine in one.
pub(super) fn findings(published: &Archive, rebuilt: &Archive) -> Vec<Finding> {
    let object = |archive: &Archive| -> Option<Map<String, Value>> {
        let bytes = archive.content(archive.get("package.json").filter(|entry| entry.size <= LARGEST_PACKED)?).ok()?;
        read_up_to(&bytes, LARGEST_PACKED)
    };
    let Some((ours, theirs)) = object(published).zip(object(rebuilt)) else { return Vec::new() };
    let keys = of(&ours, &theirs);
    if keys.is_empty() {
        return Vec::new();
    }
    let message = format!("package.json has keys that a client writes when it installs a package: {}", keys.join(", "));
    let mut found = vec![Finding::new("client-keys", Severity::Info, message)];
    let leak = keys.iter().find_map(|key| Some((*key, ours.get(*key).and_then(local_path)?)));
    if let Some((key, path)) = leak {
        let message = format!("package.json shows a path of the publisher's machine, in {key}: {}", cut(path, 120));
        found.push(Finding::new("local-path-published", Severity::Warning, message));
    }
    found
}

/// The first text within a value that is, or ends with, an absolute path of a machine. Values are
/// as deep as the parser takes them.
fn local_path(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => {
            let path = text.rsplit_once("file:").map_or(text.as_str(), |(_, path)| path.trim_start_matches("//"));
            let drive = matches!(path.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic());
            let rooted = path.strip_prefix('/').is_some_and(|rest| rest.contains('/') && !rest.starts_with('/'));
            (drive || rooted || path.starts_with("\\\\")).then_some(path)
        }
        Value::Array(list) => list.iter().find_map(local_path),
        Value::Object(map) => map.values().find_map(local_path),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::archive;
    use super::*;

    fn codes(published: &str, rebuilt: &str) -> Vec<String> {
        let [ours, theirs] = [published, rebuilt].map(|text| archive(&[("package.json", text)]));
        findings(&ours, &theirs).into_iter().map(|finding| format!("{}: {}", finding.code, finding.message)).collect()
    }

    #[test]
    fn keys_that_clients_write_are_named_and_a_path_is_a_leak() {
        let ours = r#"{"name":"a","_from":"file:a.tgz","_resolved":"/home/someone/a.tgz"}"#;
        let found = codes(ours, r#"{"name":"a"}"#);
        assert!(found[0].starts_with("client-keys:") && found[0].ends_with("_from, _resolved"), "{found:?}");
        assert!(found[1].starts_with("local-path-published:") && found[1].ends_with("in _resolved: /home/someone/a.tgz"), "{found:?}");
    }

    #[test]
    fn a_path_is_found_in_every_shape() {
        for path in ["C:\\Users\\a\\b", "file:/Users/a/b", "a@file:///home/a/b", "\\\\nas\\share", "/work/a"] {
            let ours = serde_json::json!({ "_args": [["a", path]] }).to_string();
            assert_eq!(codes(&ours, "{}").len(), 2, "{path}");
        }
        for plain in ["a@1.0.0", "https://example.invalid/a/b.tgz", "/", "a/b", "/a", "git+ssh://git@example.invalid/a.git"] {
            let ours = serde_json::json!({ "_resolved": plain }).to_string();
            assert_eq!(codes(&ours, "{}").len(), 1, "{plain}");
        }
    }

    #[test]
    fn keys_of_the_source_and_other_keys_are_not_told() {
        assert!(codes(r#"{"_id":"a"}"#, r#"{"_id":"b"}"#).is_empty());
        assert!(codes(r#"{"_private":"/home/a/b"}"#, "{}").is_empty());
    }
}
