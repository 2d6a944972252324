//! Why packages are not reproduced, by reason.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use verdict::Verdict;

/// Names of packages that a class shows.
const EXAMPLES: usize = 3;
/// Classes that are told apart. Codes of a file can be any number; the rest is [`OTHER`].
const MOST: usize = 200;
/// The code of what is not told apart.
const OTHER: &str = "(other)";

/// Packages that were not reproduced for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Class {
    /// The verdict.
    pub verdict: Verdict,
    /// The reason.
    pub code: String,
    /// How many packages: so many would be won by whoever mends it.
    pub packages: usize,
    /// Some of them.
    pub examples: Vec<String>,
}

/// Classes that are being counted. As JSON, the list of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Classes(BTreeMap<(&'static str, String), Class>);

impl Classes {
    /// One package more that was not reproduced.
    pub fn add(&mut self, verdict: Verdict, code: Option<&str>, package: &str) {
        let mut key = (verdict.as_str(), code.unwrap_or_default().to_owned());
        if self.0.len() >= MOST && !self.0.contains_key(&key) {
            OTHER.clone_into(&mut key.1);
        }
        let code = key.1.clone();
        let class = self.0.entry(key).or_insert_with(|| Class { verdict, code, packages: 0, examples: Vec::new() });
        class.packages += 1;
        if class.examples.len() < EXAMPLES {
            class.examples.push(package.to_owned());
        }
    }

    /// All of them, the commonest first.
    pub fn sorted(&self) -> Vec<&Class> {
        let mut all: Vec<&Class> = self.0.values().collect();
        all.sort_by_key(|class| Reverse(class.packages));
        all
    }
}

impl Serialize for Classes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.sorted())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commonest_reason_is_first_and_shows_some_of_its_packages() {
        let mut classes = Classes::default();
        classes.add(Verdict::NoSource, None, "a@1.0.0");
        for at in 0..5 {
            classes.add(Verdict::Differs, Some("files-differ"), &format!("b@{at}.0.0"));
        }
        let sorted = classes.sorted();
        assert_eq!((sorted.len(), sorted[0].packages, sorted[0].code.as_str()), (2, 5, "files-differ"));
        assert_eq!(sorted[0].examples, ["b@0.0.0", "b@1.0.0", "b@2.0.0"]);
    }

    #[test]
    fn any_number_of_codes_is_a_bounded_number_of_classes() {
        let mut classes = Classes::default();
        for at in 0..1_000 {
            classes.add(Verdict::Differs, Some(&format!("code-{at}")), "a");
        }
        assert_eq!((classes.sorted().len(), classes.sorted()[0].code.as_str()), (MOST + 1, OTHER));
    }
}
