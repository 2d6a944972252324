//! Which files and folders clean-publish leaves behind, by release: `exception/ignore-files.js` of
//! 3.0, 3.4, 4.0 to 4.2, 5.0, 5.2, 6.0 and 7.1.

use std::sync::LazyLock;

use regex::Regex;

/// A list of the tool's, and what the settings add to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hides {
    pub(super) list: List,
    /// Further names. Patterns among them match nothing here.
    pub(super) also: Vec<String>,
}

/// The lists, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum List {
    /// Of 3.0 to 3.4, which looks at the names at the top only.
    V3,
    /// Of 4.0, which copies by itself.
    V4,
    /// Of 4.2 to 6.0.1.
    V5,
    /// Of 6.0.5.
    V6,
    /// Since 7.0, and the action's.
    V7,
}

impl Hides {
    /// Whether a name in a folder of the package is left behind.
    pub(super) fn contains(&self, folder: &str, name: &str) -> bool {
        if self.list == List::V3 && !folder.is_empty() {
            return false;
        }
        let of = |pattern: &LazyLock<Option<Regex>>| pattern.as_ref().is_some_and(|pattern| pattern.is_match(name));
        of(&ALWAYS)
            || of(if self.list < List::V5 { &UNTIL_4 } else { &SINCE_5 })
            || of(if self.list < List::V6 { &UNTIL_5 } else { &SINCE_6 })
            || (self.list == List::V7 && name == "pnpm-workspace.yaml")
            || self.also.iter().any(|known| known == name)
    }
}

static ALWAYS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^(?:\.circleci|\.github|\.vscode|node_modules|test|\.git|\.DS_Store|\.eslintignore|\.editorconfig|\.travis\.yml|pnpm-lock\.yaml",
        r"|yarn\.lock|package-lock\.json|pnpm-debug\.log|yarn-error\.log|appveyor\.yml|\.watchmanconfig|\.yarnrc|karma\.conf\.js|\.flowconfig)$",
        r"|^\.(?:eslintrc|babelrc|yaspellerrc|prettierrc|jsdocrc|lintstagedrc|jsconfig|size-limit|clean-publish|commitlintrc|renovaterc|remarkrc)",
        r"|^\.?simple-(?:pre-commit|git-hooks).js(?:on)?$|README\.[0-9A-Za-z_-]+\.md",
    ))
    .ok()
});
static UNTIL_4: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^(?:babel|commitlint|jest)\.config\.[cm]?js$").ok());
static SINCE_5: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^(?:babel|commitlint|jest|vitest)\.config\.[cm]?[jt]s$|^\.?nano-staged\.[cm]?js(?:on)?$|^\.nanostagedrc|eslint.config.[cm]?js",
        r"|^\.devcontainer\.json$",
    ))
    .ok()
});
static UNTIL_5: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^(?i-u:changelog)").ok());
static SINCE_6: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(?i-u:changelog(?:\.md|\.txt)?)$|^(?:\.prettierignore|\.claude|ox(?:fmt|lint)\.config\.ts)$|.ox(?:fmt|lint)rc.jsonc?")
        .ok()
});

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [List; 5] = [List::V3, List::V4, List::V5, List::V6, List::V7];

    /// The lists that have a name at the top, and below a folder.
    fn lists(name: &str) -> (Vec<List>, Vec<List>) {
        let of = |folder: &str| {
            ALL.into_iter().filter(|list| Hides { list: *list, also: vec!["mine".into()] }.contains(folder, name)).collect::<Vec<_>>()
        };
        (of(""), of("lib"))
    }

    #[test]
    fn all_patterns_compile() {
        assert!([&ALWAYS, &UNTIL_4, &SINCE_5, &UNTIL_5, &SINCE_6].iter().all(|pattern| pattern.is_some()));
    }

    #[test]
    fn every_list_has_what_is_for_development_and_the_oldest_only_at_the_top() {
        for name in ["test", ".git", ".eslintrc.json", "README.ru.md", "jest.config.cjs", ".simple-git-hooks.js", "CHANGELOG.md", "mine"] {
            assert_eq!(lists(name), (ALL.to_vec(), ALL[1..].to_vec()), "{name}");
        }
        for name in ["tests", "README.md", "README.a.b.md", "index.js", "jest.config.base.js", "eslint.config.ts"] {
            assert_eq!(lists(name).0, [], "{name}");
        }
    }

    #[test]
    fn what_was_added_later_is_of_later_lists() {
        for name in ["vitest.config.ts", "nano-staged.js", "eslint.config.mjs"] {
            assert_eq!(lists(name).0, ALL[2..], "{name}");
        }
        for name in [".prettierignore", ".claude", ".oxlintrc.json"] {
            assert_eq!(lists(name).0, ALL[3..], "{name}");
        }
        assert_eq!(lists("pnpm-workspace.yaml").0, [List::V7]);
        assert_eq!(lists("CHANGELOG.old.md").0, ALL[..3]);
    }
}
