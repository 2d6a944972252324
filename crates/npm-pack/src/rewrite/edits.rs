//! What a tool makes of files besides package.json, in the copy of the package that it publishes.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use super::comments;
use super::hides::Hides;

/// The changes to a package's files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edits {
    /// README.md without its sections.
    pub(super) docs: Option<Docs>,
    /// Scripts without comments.
    pub(super) comments: Option<Comments>,
    /// What is not copied.
    pub(super) hides: Option<Hides>,
}

/// A shortened README.md.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Docs {
    /// What stands in place of everything from the first section on.
    pub(super) ending: String,
}

/// Which comments are taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comments {
    /// Those to the end of a line.
    Line,
    /// Blocks too.
    All,
}

/// What was published besides package.json, as far as it tells edits apart.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen<'a> {
    /// README.md, where there is one.
    pub readme: Option<&'a [u8]>,
    /// The files and folders at the top.
    pub names: &'a [String],
}

const README: &str = "README.md";

impl Edits {
    /// Whether a file or a folder with this name, in this folder of the package, is left behind.
    pub fn hides(&self, folder: &str, name: &str) -> bool {
        self.hides.as_ref().is_some_and(|hides| hides.contains(folder, name))
    }

    /// Whether the file at `path`, relative to the package, may be changed.
    pub fn concern(&self, path: &str) -> bool {
        if path == README { self.docs.is_some() } else { self.changes_code(path) }
    }

    /// Whether it is a script that may be changed.
    pub fn changes_code(&self, path: &str) -> bool {
        // The tool's search leaves hidden names alone.
        self.comments.is_some() && extension(path) == Some("js") && path.split('/').all(|name| !name.starts_with('.'))
    }

    /// Whether nothing but comments went from a script that the tool changed, by rules that do not
    /// lean on a parser.
    pub fn is_harmless(before: &[u8], after: &[u8]) -> bool {
        comments::only_comments_differ(before, after)
    }

    /// The file at `path` after the tool; it reads and writes text, so bytes that are none are
    /// lost.
    pub fn edited(&self, path: &str, bytes: &[u8]) -> Vec<u8> {
        if !self.concern(path) {
            return bytes.to_vec();
        }
        let text = String::from_utf8_lossy(bytes);
        match (path, &self.docs, self.comments) {
            (README, Some(docs), _) => shortened(&text, docs).into_bytes(),
            (_, _, Some(comments)) => without_comments(text, comments).into_bytes(),
            _ => bytes.to_vec(),
        }
    }

    /// Whether what was published can have come of this.
    pub fn agree_with(&self, seen: Seen<'_>) -> bool {
        let shortened = |docs: &Docs, readme: &[u8]| {
            let text = String::from_utf8_lossy(readme);
            let body = text.strip_suffix(&docs.ending);
            body.is_some_and(|body| SECTION.as_ref().is_some_and(|section| !section.is_match(body)))
        };
        self.docs.as_ref().zip(seen.readme).is_none_or(|(docs, readme)| shortened(docs, readme))
            && !seen.names.iter().any(|name| name != "package.json" && self.hides("", name))
    }
}

/// What stands behind the last dot of a path's name, in its own case.
fn extension(path: &str) -> Option<&str> {
    std::path::Path::new(path).extension().and_then(std::ffi::OsStr::to_str)
}

/// `\s` of JavaScript.
const SPACE: &str = r"[\t-\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}]";

/// `/\n##\s*\w/`
static SECTION: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(&format!(r"\n##{SPACE}*[0-9A-Za-z_]")).ok());
/// `/\s*\/\/.*\n/`
static LINE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(&format!(r"{SPACE}*//[^\n\r\x{{2028}}\x{{2029}}]*\n")).ok());
/// `/\s*\/\*[^/]+\*\/\n?/`
static BLOCK: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(&format!(r"{SPACE}*/\*[^/]+\*/\n?")).ok());
/// `/\n+/`
static LINE_FEEDS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\n+").ok());
/// `/^\n+/m`, where `^` is behind any of JavaScript's line ends.
static AT_START: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(^|[\r\x{2028}\x{2029}])\n+").ok());

fn shortened(text: &str, docs: &Docs) -> String {
    let end = SECTION.as_ref().and_then(|section| section.find(text)).map_or(text.len(), |found| found.start());
    format!("{}{}", text.get(..end).unwrap_or(text), docs.ending)
}

fn without_comments(text: Cow<'_, str>, comments: Comments) -> String {
    let blocks = BLOCK.as_ref().filter(|_| comments == Comments::All);
    let mut text = text.into_owned();
    for (pattern, by) in [(LINE.as_ref(), "\n"), (blocks, "\n"), (LINE_FEEDS.as_ref(), "\n"), (AT_START.as_ref(), "$1")] {
        if let Some(pattern) = pattern {
            text = pattern.replace_all(&text, by).into_owned();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::hides::List;
    use super::*;

    fn edits(comments: Comments) -> Edits {
        let hides = Some(Hides { list: List::V7, also: Vec::new() });
        Edits { docs: Some(Docs { ending: "\n## Docs\nx\n".into() }), comments: Some(comments), hides }
    }

    fn edited(path: &str, text: &str) -> String {
        String::from_utf8(edits(Comments::All).edited(path, text.as_bytes())).unwrap()
    }

    #[test]
    fn all_patterns_compile() {
        assert!([&SECTION, &LINE, &BLOCK, &LINE_FEEDS, &AT_START].iter().all(|pattern| pattern.is_some()));
    }

    #[test]
    fn a_readme_ends_before_its_first_section() {
        assert_eq!(edited("README.md", "# A\n\n### no\n\n##\u{a0}Use\nb\n## C\n"), "# A\n\n### no\n\n## Docs\nx\n");
        assert_eq!(edited("README.md", "# A\n"), "# A\n\n## Docs\nx\n");
        assert_eq!(edited("docs/README.md", "# A\n## B\n"), "# A\n## B\n");
    }

    #[test]
    fn comments_go_and_with_them_empty_lines() {
        let source = "// first\n\n/* a\n b */\nlet a = 1 // one\n\n\nlet b = 'http://x'\n/* a/b */\n";
        // What the tool takes for a comment within a string is one to it.
        assert_eq!(edited("a.js", source), "let a = 1\nlet b = 'http:\n/* a/b */\n");
        let line = String::from_utf8(edits(Comments::Line).edited("a.js", source.as_bytes())).unwrap();
        assert_eq!(line, "/* a\n b */\nlet a = 1\nlet b = 'http:\n/* a/b */\n");
        assert_eq!(edited("a.js", "a\r\n\r\nb\r\n"), "a\r\rb\r");
        for path in ["a.mjs", ".a.js", ".b/a.js"] {
            assert_eq!(edited(path, source), source, "{path}");
        }
    }

    #[test]
    fn what_was_published_speaks_for_the_tool_that_made_it() {
        let seen = |readme: &'static [u8]| Seen { readme: Some(readme), names: &[] };
        assert!(edits(Comments::All).agree_with(seen(b"# A\n\n## Docs\nx\n")));
        assert!(!edits(Comments::All).agree_with(seen(b"# A\n\n## Docs\ny\n")));
        let without_ending = Edits { docs: Some(Docs { ending: String::new() }), ..Edits::default() };
        assert!(without_ending.agree_with(seen(b"# A\n")) && !without_ending.agree_with(seen(b"# A\n\n## Use\n")));
        assert!(edits(Comments::All).agree_with(Seen::default()) && Edits::default().agree_with(seen(b"")));
        let names = ["pnpm-workspace.yaml".to_owned()];
        assert!(!edits(Comments::All).agree_with(Seen { readme: None, names: &names }));
    }
}
