//! What package.json asks for, in the oldest version of each range.
//!
//! Where the registry's times cannot be true (a mirror's, a registry that was filled by hand)
//! nothing says which versions there were when a version was published, and the newest of each
//! range are those of today. Who writes a range writes it with the version of the day, so the
//! oldest that there is is near to what there was. Packages further down are not asked for here,
//! and come in their newest versions.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use npm_spec::version;

/// Members of package.json whose ranges are replaced; what peers bring is for those that use the
/// package.
const FIELDS: [&str; 3] = ["dependencies", "devDependencies", "optionalDependencies"];

/// The packages that a package.json asks for by a range, each with the range; not those that are
/// `own` to the repository.
pub(super) fn ranges(manifest: &[u8], own: &BTreeSet<String>) -> Vec<(String, String)> {
    let manifest: Value = npm_spec::manifest::read(manifest).unwrap_or_default();
    let fields = FIELDS.iter().filter_map(|field| manifest.get(field)?.as_object());
    let asked = fields.flatten().filter_map(|(name, range)| Some((name.clone(), range.as_str()?.to_owned())));
    asked.filter(|(name, range)| !own.contains(name) && is_of_the_day(range)).collect()
}

/// A package.json that asks for these versions in place of ranges; none where it asks for no such
/// range.
pub(super) fn with_versions(manifest: &[u8], versions: &BTreeMap<(String, String), String>) -> Option<Vec<u8>> {
    let mut manifest: Value = npm_spec::manifest::read(manifest)?;
    let members = manifest.as_object_mut()?;
    let mut changed = false;
    for field in FIELDS {
        for (name, range) in members.get_mut(field).and_then(Value::as_object_mut).into_iter().flatten() {
            let version = range.as_str().and_then(|range| versions.get(&(name.clone(), range.to_owned())));
            if let Some(version) = version {
                *range = Value::from(version.clone());
                changed = true;
            }
        }
    }
    changed.then(|| serde_json::to_vec_pretty(&manifest).unwrap_or_default())
}

/// The name that a package.json gives.
pub(super) fn name(manifest: &[u8]) -> Option<String> {
    let manifest: Value = npm_spec::manifest::read(manifest)?;
    Some(manifest.get("name")?.as_str()?.to_owned())
}

/// Whether a range begins with the version of the day on which it was written: `^1.2.3` and
/// `~1.2.3`, as clients write them, `>=1.2.3` where the version is whole.
fn is_of_the_day(range: &str) -> bool {
    let range = range.trim();
    let whole = |rest: &str| version::parse(rest.trim()).is_some();
    range.strip_prefix(">=").is_some_and(whole) || range.starts_with(['^', '~']) && !range.contains([' ', '|'])
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &[u8] = br#"{"dependencies":{"a":"^1.2.3","mine":"^1.0.0"},"devDependencies":{"c":">= 3.1.4","d":"~5","e":"1.0.0","f":"*","g":"npm:x@^1.0.0","h":"^1.0.0 || ^2.0.0","i":">=1"},"peerDependencies":{"p":"^1.0.0"}}"#;

    fn pair(name: &str, range: &str) -> (String, String) {
        (name.to_owned(), range.to_owned())
    }

    #[test]
    fn ranges_of_others_that_begin_with_a_version_are_found() {
        let own = BTreeSet::from(["mine".to_owned()]);
        assert_eq!(ranges(MANIFEST, &own), [pair("a", "^1.2.3"), pair("c", ">= 3.1.4"), pair("d", "~5")]);
        assert!(ranges(b"[]", &own).is_empty());
    }

    #[test]
    fn versions_take_the_place_of_their_ranges() {
        let versions = BTreeMap::from([(pair("a", "^1.2.3"), "1.2.4".to_owned()), (pair("d", "~5"), "5.0.2".to_owned())]);
        let changed: Value = serde_json::from_slice(&with_versions(MANIFEST, &versions).unwrap()).unwrap();
        assert_eq!(changed["dependencies"], serde_json::json!({"a":"1.2.4","mine":"^1.0.0"}));
        assert_eq!((&changed["devDependencies"]["d"], &changed["peerDependencies"]["p"]), (&Value::from("5.0.2"), &Value::from("^1.0.0")));
        assert!(with_versions(MANIFEST, &BTreeMap::new()).is_none());
        assert_eq!(name(br#"{"name":"x"}"#).as_deref(), Some("x"));
    }
}
