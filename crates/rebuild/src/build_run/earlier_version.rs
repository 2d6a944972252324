//! Whether what was built differs in nothing but the version, and the published files have an older
//! one: then they were built before the version was raised.

use std::collections::BTreeSet;

use explain::{Class, Explanation, Limits, Source, explain, versions_apart};

use super::before_release::is_older;
use crate::Published;
use crate::rebuilt::Rebuilt;

/// How much is looked at: it is asked for every build.
const LIMITS: Limits = Limits { file: 8 << 20, total: 64 << 20, steps: 160_000 };
/// Most files that are looked into: of a build that differs in more, more differs than a version.
const MOST_FILES: usize = 1_000;

/// The older version that the published files have in place of the judged one; `None` where
/// anything else differs.
pub(super) fn instead_of(judged: &str, published: &Published, rebuilt: &Rebuilt) -> Option<String> {
    let (archive, comparison) = (rebuilt.archive.as_ref()?, &rebuilt.comparison);
    if comparison.changed.is_empty() || comparison.changed.len() > MOST_FILES {
        return None;
    }
    let explanations = explain(&published.archive, archive, comparison, &Source::default(), &LIMITS);
    if !explanations.iter().all(|explanation| has_a_version(explanation) || follows_from_one(explanation)) {
        return None;
    }
    let mut found = BTreeSet::new();
    for explanation in explanations.iter().filter(|explanation| has_a_version(explanation)) {
        let content = |archive: &npm_tarball::Archive| archive.content(archive.get(&explanation.path)?).ok();
        for (ours, theirs) in versions_apart(&content(&published.archive)?, &content(archive)?)? {
            found.insert(before(judged, &ours, &theirs)?);
        }
    }
    // Where they name several, no commit before has all of them.
    let mut found = found.into_iter();
    found.next().filter(|_| found.next().is_none())
}

/// The version that stands in place of the judged one, where it is an older one; behind both may
/// be more, such as the ending of a file.
fn before(judged: &str, published: &str, rebuilt: &str) -> Option<String> {
    let behind = rebuilt.strip_prefix(judged)?;
    let version = published.strip_suffix(behind)?;
    is_older(version, judged).then(|| version.to_owned())
}

/// Whether nothing but a version differs in a file.
fn has_a_version(explanation: &Explanation) -> bool {
    matches!(explanation.class, Class::VersionString | Class::ToolVersion)
}

/// Whether a file is made of others, and so differs where they do: maps of them, what a compiler
/// knows of them, and names with hashes of them.
fn follows_from_one(explanation: &Explanation) -> bool {
    matches!(explanation.class, Class::SourceMap | Class::SourceMapContent | Class::SourceMapPaths | Class::Hash | Class::HashName)
        || explanation.path.ends_with(".tsbuildinfo")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_before_is_older_and_stands_where_the_judged_one_does() {
        assert_eq!(before("7.1.0", "7.0.0", "7.1.0").as_deref(), Some("7.0.0"));
        assert_eq!(before("7.1.0", "7.0.0.js", "7.1.0.js").as_deref(), Some("7.0.0"));
        assert_eq!(before("1.0.0", "0.0.0-development", "1.0.0").as_deref(), Some("0.0.0-development"));
        for (published, rebuilt) in [("7.2.0", "7.1.0"), ("7.0.0", "7.0.1"), ("7.0.0", "7.1.0.js"), ("evil", "7.1.0"), ("7.1.0", "7.1.0")] {
            assert_eq!(before("7.1.0", published, rebuilt), None, "{published} {rebuilt}");
        }
    }
}
