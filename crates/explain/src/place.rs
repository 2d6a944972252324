//! What the path of a file tells.

use std::sync::LazyLock;

use regex::bytes::{Captures, Regex};

/// What leaves files in a package that no source has, by the names of the files and of the folders
/// that they are in.
const LEFT_BEHIND: &[(&str, &str)] = &[
    (".DS_Store", "macOS"),
    ("__MACOSX/", "macOS"),
    ("Thumbs.db", "Windows"),
    ("desktop.ini", "Windows"),
    (".idea/", "an editor"),
    (".vscode/", "an editor"),
    (".vs/", "an editor"),
    (".history/", "an editor"),
    (".settings/", "an editor"),
    (".project", "an editor"),
    ("*.iml", "an editor"),
    ("*.swp", "an editor"),
    ("*.swo", "an editor"),
    ("*~", "an editor"),
    ("*.sublime-project", "an editor"),
    ("*.sublime-workspace", "an editor"),
    ("coverage/", "a coverage tool"),
    (".nyc_output/", "a coverage tool"),
    ("*.lcov", "a coverage tool"),
    ("lcov.info", "a coverage tool"),
    ("npm-debug.log*", "a package manager"),
    ("yarn-error.log", "a package manager"),
    ("yarn-debug.log", "a package manager"),
    ("pnpm-debug.log", "a package manager"),
    ("lerna-debug.log", "a package manager"),
    (".pnp.cjs", "a package manager"),
    (".npmrc", "a package manager"),
    (".yarnrc", "a package manager"),
    ("*.tgz", "a package manager"),
    ("*.orig", "a merge"),
    ("*.rej", "a merge"),
    ("*.bak", "an editor"),
    (".eslintcache", "a tool's cache"),
    ("*.tsbuildinfo", "a tool's cache"),
    (".cache/", "a tool's cache"),
    (".turbo/", "a tool's cache"),
    (".nx/", "a tool's cache"),
    (".parcel-cache/", "a tool's cache"),
    (".rpt2_cache*/", "a tool's cache"),
    (".env", "the publisher's settings"),
    (".env.*", "the publisher's settings"),
];

/// What left such a file on the publisher's machine; none for any other file.
pub(super) fn left_behind(path: &str) -> Option<&'static str> {
    rule_of(path).map(|(_, what)| *what)
}

fn rule_of(path: &str) -> Option<&'static (&'static str, &'static str)> {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    LEFT_BEHIND.iter().find(|(pattern, _)| match pattern.strip_suffix('/') {
        Some(pattern) => folders.split('/').any(|folder| fits(pattern, folder)),
        None => fits(pattern, name),
    })
}

/// Of those, what comes by no step of a build, and never with the same bytes where it does: not
/// `*.bak` and `*~`, which editing commands leave, nor what tests and caches write.
const BY_NO_BUILD: &[&str] = &[
    ".DS_Store",
    "__MACOSX/",
    "Thumbs.db",
    "desktop.ini",
    ".idea/",
    ".vscode/",
    ".vs/",
    ".history/",
    "*.iml",
    "*.swp",
    "*.swo",
    "*.sublime-project",
    "*.sublime-workspace",
    "npm-debug.log*",
    "yarn-error.log",
    "yarn-debug.log",
    "pnpm-debug.log",
    "lerna-debug.log",
];

/// What leaves such a file, which no build makes; `None` for any other file.
pub fn made_by_no_build(path: &str) -> Option<&'static str> {
    rule_of(path).filter(|(pattern, _)| BY_NO_BUILD.contains(pattern)).map(|(_, what)| *what)
}

/// A name against a pattern with one star at an end, or none.
fn fits(pattern: &str, name: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), _) => name.len() > end.len() && name.ends_with(end),
        (_, Some(start)) => name.starts_with(start),
        _ => name == pattern,
    }
}

/// Folders that builds write to, by their usual names.
const OUTPUT: &[&str] = &[
    "dist",
    "lib",
    "libs",
    "build",
    "es",
    "es6",
    "esm",
    "esnext",
    "cjs",
    "umd",
    "iife",
    "amd",
    "commonjs",
    "module",
    "modules",
    "out",
    "output",
    "types",
    "typings",
    "dts",
    "bundle",
    "bundles",
    "bundled",
    "compiled",
    "prebuilds",
    "release",
    "min",
    "_esm5",
    "_esm2015",
    "esm5",
    "esm2015",
    "esm2020",
    "esm2022",
    "fesm5",
    "fesm2015",
    "fesm2020",
    "fesm2022",
    "_cjs",
    "_esm",
    "dist-es",
    "dist-cjs",
    "dist-types",
    "dist-node",
    "dist-web",
    "dist-src",
    "browser",
    "node",
    "locale",
    "locales",
    "wasm",
    "pkg",
    "storybook-static",
    ".next",
    "public",
];

/// Ends of names that builds give.
const PRODUCT: &[&str] =
    &[".d.ts", ".d.mts", ".d.cts", ".map", ".min.js", ".min.css", ".node", ".wasm", ".js.flow", ".bundle.js", ".umd.js", ".umd.cjs"];

/// Whether builds write files of such a path.
pub fn is_product(path: &str) -> bool {
    let mut folders = path.split('/').rev().skip(1);
    folders.any(|folder| OUTPUT.contains(&folder) || folder.starts_with("dist")) || PRODUCT.iter().any(|end| path.ends_with(end))
}

/// The languages that compile to such a file: the paths that its source would have.
pub(super) fn sources_of(path: &str) -> Vec<String> {
    let pairs: &[(&str, &[&str])] = &[
        (".js", &[".ts", ".tsx", ".coffee", ".jsx", ".es6", ".mjs", ".ls", ".civet", ".pegjs", ".y", ".jison", ".ne"]),
        (".mjs", &[".mts", ".ts", ".js"]),
        (".cjs", &[".cts", ".ts", ".js", ".mjs"]),
        (".css", &[".scss", ".sass", ".less", ".styl", ".pcss"]),
        (".html", &[".md", ".pug"]),
    ];
    let pair = pairs.iter().find_map(|(end, sources)| Some((path.strip_suffix(end)?, sources)));
    pair.into_iter().flat_map(|(stem, sources)| sources.iter().map(move |end| format!("{stem}{end}"))).collect()
}

/// Whether the path is that of a JavaScript or TypeScript file.
pub(super) fn is_script(path: &str) -> bool {
    [".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx"].iter().any(|end| path.ends_with(end))
}

/// Whether it is a licence text.
pub(super) fn is_license(path: &str) -> bool {
    let name = path.to_ascii_lowercase();
    !name.contains('/') && ["license", "licence", "copying", "notice"].iter().any(|start| name.starts_with(start))
}

/// A hash in a file's name: hexadecimal digits, or the eight letters of current bundlers before the
/// extension.
static HASHES: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?-u)([-._~/]|^)([0-9a-f]{6,64}|[A-Za-z0-9_-]{8})(\.[A-Za-z0-9.]{1,12}$)").ok());

/// The path with a placeholder for a hash in its last name; none if there is none.
pub(super) fn without_hash(path: &str) -> Option<String> {
    let mut found = false;
    let replaced = HASHES.as_ref()?.replace(path.as_bytes(), |captures: &Captures<'_>| {
        let part = |at: usize| captures.get(at).map(|found| found.as_bytes()).unwrap_or_default();
        if looks_random(part(2)) {
            found = true;
            [part(1), b"\0", part(3)].concat()
        } else {
            [part(1), part(2), part(3)].concat()
        }
    });
    String::from_utf8(replaced.into_owned()).ok().filter(|_| found)
}

/// Digits and letters mixed, or capitals and small letters within: no word has that.
pub(super) fn looks_random(text: &[u8]) -> bool {
    let digits = text.iter().any(u8::is_ascii_digit);
    let letters = text.iter().any(u8::is_ascii_alphabetic);
    let inner_capital = text.iter().skip(1).any(u8::is_ascii_uppercase);
    let small = text.iter().any(u8::is_ascii_lowercase);
    let all_capitals = !small && letters;
    digits && letters || inner_capital && small || all_capitals && text.len() == 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_editors_systems_and_tools_leave_is_told_by_name() {
        for path in [".DS_Store", "lib/.DS_Store", ".idea/workspace.xml", "npm-debug.log.123", "a.js.orig", "coverage/lcov.info", ".env"] {
            assert!(left_behind(path).is_some(), "{path}");
        }
        for path in ["index.js", "lib/coverage.js", "env.js", "original", "docs/idea.md", ".orig"] {
            assert_eq!(left_behind(path), None, "{path}");
        }
    }

    #[test]
    fn what_a_build_may_write_is_not_among_what_none_makes() {
        for path in [".DS_Store", "a/.idea/x.xml", ".vscode/settings.json", "npm-debug.log.1", "a.swp"] {
            assert!(made_by_no_build(path).is_some(), "{path}");
        }
        for path in ["a.js.bak", "a.js~", "a.orig", "coverage/lcov.info", "a.tgz", "tsconfig.tsbuildinfo", ".npmrc", ".env", "index.js"] {
            assert_eq!(made_by_no_build(path), None, "{path}");
        }
        assert!(BY_NO_BUILD.iter().all(|pattern| LEFT_BEHIND.iter().any(|(known, _)| known == pattern)));
    }

    #[test]
    fn products_are_told_by_folder_or_ending() {
        for path in ["dist/index.js", "packages/a/lib/b.js", "index.d.ts", "a.min.js", "index.js.map"] {
            assert!(is_product(path), "{path}");
        }
        for path in ["index.js", "src/a.ts", "setup.js", "dist"] {
            assert!(!is_product(path), "{path}");
        }
        assert!(sources_of("a/b.js").contains(&"a/b.ts".to_owned()));
        assert!(sources_of("README").is_empty());
    }

    #[test]
    fn a_hash_in_a_name_gives_way_to_a_placeholder() {
        assert_eq!(without_hash("dist/chunk-5X2ABCDE.js"), without_hash("dist/chunk-QWERTZUI.js"));
        assert_eq!(without_hash("a/index-DkJ3_x9a.mjs"), Some("a/index-\0.mjs".into()));
        assert_eq!(without_hash("vendor.3f2a1bc4.js"), Some("vendor.\0.js".into()));
        for plain in ["index.js", "lib/some-function.js", "lib/constants.js", "a-lowercase.js"] {
            assert_eq!(without_hash(plain), None, "{plain}");
        }
    }

    #[test]
    fn licences_are_in_the_root() {
        assert!(is_license("LICENSE") && is_license("Licence.md") && !is_license("docs/LICENSE"));
    }
}
