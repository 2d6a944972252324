//! Whose version a tag names: what stands before the version, held against the package's name.

/// The relation between a tag's prefix and the package; the greater is the closer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owner {
    /// A prefix that has nothing to do with the name. It may be an old name of the package.
    Unrelated,
    /// A prefix that shares its end with the name: `plugin-x` for `tool-plugin-x`, or the other way
    /// round.
    Partial,
    /// The package's scope, or the project that the scope is named after.
    Scope,
    /// A word such as `release`.
    Decorated,
    /// Nothing.
    Bare,
    /// The name without its scope.
    Unscoped,
    /// The name in another spelling, or behind a word or a folder: `scope-name`, `packages/name`.
    Joined,
    /// The name.
    Full,
}

/// Words that stand before a version or a name and name no package.
const WORDS: [&str; 30] = [
    "v",
    "ver",
    "version",
    "versions",
    "rel",
    "release",
    "releases",
    "released",
    "r",
    "tag",
    "tags",
    "stable",
    "publish",
    "published",
    "npm",
    "node",
    "nodejs",
    "js",
    "build",
    "final",
    "dist",
    "package",
    "packages",
    "pkg",
    "lib",
    "libs",
    "modules",
    "plugins",
    "prod",
    "production",
];

const SEPARATORS: [char; 7] = ['-', '_', '.', '/', '@', ':', '#'];

/// A package's name in the forms that tags have it in, lower case.
pub(super) struct Names {
    full: String,
    scope: Option<String>,
    unscoped: String,
}

impl Names {
    pub(super) fn new(name: &str) -> Self {
        let full = name.to_lowercase();
        let (scope, unscoped) = match full.strip_prefix('@').and_then(|rest| rest.split_once('/')) {
            Some((scope, unscoped)) => (Some(scope.to_owned()), unscoped.to_owned()),
            None => (None, full.clone()),
        };
        Self { full, scope, unscoped }
    }

    /// Whose version stands behind `prefix`; `None` if it says that it is another package's.
    pub(super) fn owner(&self, prefix: &str) -> Option<Owner> {
        // `name@1.2.3` says that what stands before is a package's name.
        let by_name = prefix.ends_with('@') && prefix.len() > 1;
        let lower = prefix.to_lowercase();
        let core = lower.trim_end_matches(SEPARATORS);
        if core.is_empty() {
            return Some(Owner::Bare);
        }
        if let Some(owner) = self.exactly(core) {
            return Some(owner);
        }
        if core.split(SEPARATORS).all(is_word) {
            return Some(Owner::Decorated);
        }
        if let Some(owner) = self.behind_words(core) {
            return Some(owner);
        }
        if self.scope.as_deref().is_some_and(|scope| core.trim_start_matches('@') == scope) {
            return Some(Owner::Scope);
        }
        // `@scope/other`, `packages/other`: a name or a folder, and not this package's.
        let other_scope = core.contains('@');
        if other_scope {
            return None;
        }
        if shares_end(core, &self.unscoped) {
            return Some(Owner::Partial);
        }
        (!by_name).then_some(Owner::Unrelated)
    }

    fn exactly(&self, core: &str) -> Option<Owner> {
        if core == self.full {
            return Some(Owner::Full);
        }
        if let Some(scope) = &self.scope {
            let rest = core.trim_start_matches('@').strip_prefix(scope.as_str());
            let joined = rest.and_then(|rest| rest.strip_prefix(SEPARATORS)).is_some_and(|rest| same_name(rest, &self.unscoped));
            if joined {
                return Some(Owner::Joined);
            }
            return (core == self.unscoped).then_some(Owner::Unscoped);
        }
        same_name(core, &self.unscoped).then_some(Owner::Joined)
    }

    /// `release-name`, `packages/name`, `npm/@scope/name`.
    fn behind_words(&self, core: &str) -> Option<Owner> {
        for name in [&self.full, &self.unscoped] {
            let Some(before) = core.strip_suffix(name.as_str()) else {
                continue;
            };
            let words = before.trim_end_matches(SEPARATORS);
            if words.len() < before.len() && !words.is_empty() && words.split(SEPARATORS).all(is_word) {
                // A folder or word says no scope: it stays below what does.
                let said = *name == self.full;
                return Some(if said { Owner::Joined } else { Owner::Unscoped });
            }
        }
        None
    }
}

fn is_word(part: &str) -> bool {
    WORDS.contains(&part)
}

/// Names that differ in their separators, or in a `js` at the end or a `node` at the beginning,
/// which repositories' names have.
fn same_name(a: &str, b: &str) -> bool {
    let letters = |text: &str| -> String { text.chars().filter(|c| !SEPARATORS.contains(c)).collect() };
    let core = |text: &str| -> String {
        let text = letters(text);
        let text = text.strip_suffix("js").filter(|rest| !rest.is_empty()).unwrap_or(&text);
        text.strip_prefix("node").filter(|rest| !rest.is_empty()).unwrap_or(text).to_owned()
    };
    core(a) == core(b)
}

/// Whether the shorter of the two is the end of the longer, from a separator on.
fn shares_end(a: &str, b: &str) -> bool {
    let (long, short) = if a.len() > b.len() { (a, b) } else { (b, a) };
    long.strip_suffix(short).is_some_and(|before| !short.is_empty() && before.ends_with(SEPARATORS))
}
