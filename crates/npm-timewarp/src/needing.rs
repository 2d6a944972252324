//! Versions that came after the commit, by what they need.
//!
//! The names of nightly builds say of a few packages which versions came after the commit
//! (crates/npm-timewarp/src/dated.rs). A version of another package that needs one of those came
//! later still, whenever the registry first saw it. An installation that gets it cannot end well:
//! it asks for what is hidden.
//!
//! Only packages that the project itself names are looked at: which they are is known before the
//! first answer, so that no answer depends on the order of the questions. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use nodejs_semver::Version;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use npm_spec::version::VersionRange;

use crate::document::Members;

/// For packages of which versions are hidden, those that are shown.
pub(super) type There = HashMap<String, Vec<Version>>;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Needs {
    dependencies: BTreeMap<String, Value>,
    optional_dependencies: BTreeMap<String, Value>,
}

/// The versions of a packument that need a version of one of these packages that is not there.
pub(super) fn needing(document: &[u8], there: &There) -> Result<BTreeSet<String>, serde_json::Error> {
    let Members(members) = serde_json::from_slice(document)?;
    let mut found = BTreeSet::new();
    for (_, raw) in members.iter().filter(|(key, _)| key == "versions") {
        let Members(versions) = serde_json::from_str(raw.get())?;
        found.extend(versions.into_iter().filter(|(_, raw)| asks_for_later(raw, there)).map(|(version, _)| version));
    }
    Ok(found)
}

fn asks_for_later(raw: &RawValue, there: &There) -> bool {
    let needs: Needs = serde_json::from_str(raw.get()).unwrap_or_default();
    needs.dependencies.iter().filter(|(name, _)| !needs.optional_dependencies.contains_key(*name)).any(|(name, wanted)| {
        let range = wanted.as_str().and_then(VersionRange::parse);
        let shown = there.get(name);
        range.zip(shown).is_some_and(|(range, shown)| !shown.iter().any(|version| range.contains(version)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_needs_a_later_one_is_later() {
        let document = br#"{"name":"tool","versions":{
            "1.0.0":{"dependencies":{"compiler":"^5.0.0"}},
            "1.1.0":{"dependencies":{"compiler":"^5.9.0","other":"^9.0.0"}},
            "1.2.0":{"dependencies":{"compiler":"^5.9.0"},"optionalDependencies":{"compiler":"^5.9.0"}},
            "1.3.0":{"dependencies":{"compiler":"github:a/b"},"peerDependencies":{"compiler":"^6.0.0"}},
            "1.4.0":{"dependencies":"none"},
            "1.5.0":{"dependencies":{"compiler":"4 || >=5.9"}}
        }}"#;
        let there = There::from([("compiler".to_owned(), vec!["5.7.0".parse().unwrap(), "5.8.3".parse().unwrap()])]);
        assert_eq!(needing(document, &there).unwrap(), BTreeSet::from(["1.1.0".to_owned(), "1.5.0".to_owned()]));
        assert!(needing(document, &There::new()).unwrap().is_empty());
    }
}
