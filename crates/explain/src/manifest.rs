//! The package's own package.json: which keys differ.

use serde_json::{Map, Value};

use super::Class;
use super::client_keys;
use super::json::{self, Json};
use super::text::cut;

/// Keys that a message names of each kind.
const NAMED: usize = 8;
/// Keys whose own keys are looked into.
const MAPS: &[&str] = &[
    "scripts",
    "dependencies",
    "devDependencies",
    "peerDependencies",
    "optionalDependencies",
    "publishConfig",
    "exports",
    "bin",
    "engines",
    "repository",
];

/// How the published package.json differs from the rebuilt one; none where one of them is no
/// object.
pub(super) fn explain(published: &[u8], rebuilt: &[u8]) -> Option<(Class, String)> {
    let values = json::both(published, rebuilt)?;
    let [Value::Object(ours), Value::Object(theirs)] = &values else { return None };
    Some(match json::compare(&values[0], &values[1]) {
        Json::Layout => (Class::FormattingOnly, "the same keys and values in another layout".to_owned()),
        Json::Numbers => (Class::LiteralForm, "the same values with a number written differently".to_owned()),
        Json::Order(place) => (Class::KeyOrder, format!("the same values with keys in another order, from {} on", cut(&place, 60))),
        Json::Values(_) => changed(ours, theirs),
    })
}

fn changed(ours: &Map<String, Value>, theirs: &Map<String, Value>) -> (Class, String) {
    let mut keys = Keys::default();
    keys.collect(ours, theirs, "");
    let version = |keys: &[String]| matches!(keys, [only] if only == "version");
    let only_version = keys.added.is_empty() && keys.removed.is_empty() && version(&keys.changed);
    let mut parts = Vec::new();
    let clients = client_keys::of(ours, theirs);
    if !clients.is_empty() {
        parts.push(format!("written by a client: {}", clients.join(", ")));
        keys.added.retain(|key| !clients.contains(&key.as_str()));
    }
    for (what, list) in [("only published", &keys.added), ("not published", &keys.removed), ("other values", &keys.changed)] {
        if !list.is_empty() {
            let more = list.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let named: Vec<String> = list.iter().take(NAMED).map(|key| cut(key, 60)).collect();
            parts.push(format!("{what}: {}{more}", named.join(", ")));
        }
    }
    let text = |map: &Map<String, Value>| map.get("version").and_then(Value::as_str).map(|version| cut(version, 60));
    if let (true, Some(a), Some(b)) = (keys.changed.iter().any(|key| key == "version"), text(ours), text(theirs)) {
        parts.push(format!("version {a} published, {b} rebuilt"));
    }
    (if only_version { Class::VersionString } else { Class::ManifestKeys }, parts.join("; "))
}

#[derive(Default)]
struct Keys {
    added: Vec<String>,
    removed: Vec<String>,
    changed: Vec<String>,
}

impl Keys {
    fn collect(&mut self, ours: &Map<String, Value>, theirs: &Map<String, Value>, prefix: &str) {
        for (key, value) in ours {
            let named = format!("{prefix}{key}");
            match (value, theirs.get(key)) {
                (_, None) => self.added.push(named),
                (value, Some(other)) if value == other => {}
                (Value::Object(a), Some(Value::Object(b))) if prefix.is_empty() && MAPS.contains(&key.as_str()) => {
                    self.collect(a, b, &format!("{key}."));
                }
                _ => self.changed.push(named),
            }
        }
        self.removed.extend(theirs.keys().filter(|key| !ours.contains_key(*key)).map(|key| format!("{prefix}{key}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(published: &str, rebuilt: &str) -> (Class, String) {
        explain(published.as_bytes(), rebuilt.as_bytes()).expect("objects")
    }

    #[test]
    fn keys_are_named_by_what_became_of_them() {
        let (class, message) = said(
            r#"{"name":"a","version":"1.0.1","gitHead":"abc","scripts":{"test":"x"},"main":"dist/a.js"}"#,
            r#"{"name":"a","version":"0.0.0","scripts":{"test":"x","prepack":"y"},"main":"a.js"}"#,
        );
        assert_eq!(class, Class::ManifestKeys);
        assert_eq!(
            message,
            "only published: gitHead; not published: scripts.prepack; other values: version, main; version 1.0.1 published, 0.0.0 rebuilt"
        );
    }

    #[test]
    fn keys_of_clients_are_told_apart() {
        let (class, message) = said(r#"{"_id":"a@1","_where":"/x","a":1}"#, r#"{"b":1}"#);
        assert_eq!(
            (class, message.as_str()),
            (Class::ManifestKeys, "written by a client: _id, _where; only published: a; not published: b")
        );
    }

    #[test]
    fn a_version_alone_is_a_version_string() {
        assert_eq!(said(r#"{"version":"1.0.1"}"#, r#"{"version":"1.0.0"}"#).0, Class::VersionString);
    }

    #[test]
    fn order_and_layout_are_no_other_keys() {
        assert_eq!(said(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#).0, Class::KeyOrder);
        assert_eq!(said(r#"{"a":1}"#, r#"{ "a": 1 }"#).0, Class::FormattingOnly);
    }

    #[test]
    fn many_keys_are_counted() {
        let many = (0..20).map(|n| format!(r#""k{n}":1,"#)).collect::<Vec<_>>().concat();
        let (_, message) = said(&format!(r#"{{{many}"name":"a"}}"#), r#"{"name":"a"}"#);
        assert!(message.ends_with("k7 and 12 more"), "{message}");
    }

    #[test]
    fn what_is_no_object_is_left_to_others() {
        assert_eq!(explain(b"[1]", b"[2]"), None);
        assert_eq!(explain(b"{", b"{}"), None);
    }
}
