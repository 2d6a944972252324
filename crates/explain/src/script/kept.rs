//! Two programs that differ in nothing but values that they keep.
//!
//! A build writes the version, the date and the machine's path into what it makes. Such a text is
//! harmless where it is assigned as a whole; as a part of an address, as what is called with or as
//! a number in a condition it is code.

use std::sync::LazyLock;

use regex::Regex;
use tree_sitter::{Node, Tree};

use super::events::Event;
use super::events::Events;
use crate::Class;
use crate::literal;

/// Names under which a path that is kept is loaded or run later.
static ACTED_ON: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new("(?i)src|href|exec|comm|cmd|script|bin|main|module|load|url|shell|worker|plugin|require|import").ok());
/// Comments that bundlers obey.
static DIRECTIVE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("webpack[A-Z]|turbopack[A-Z]|@vite-|@jsx|#__|@__").ok());

/// Whether two names of files beside the script, each with its hash, are those of one file.
pub(crate) type IsRenamed<'a> = &'a (dyn Fn(&str, &str) -> bool + Sync);

/// Whether two programs differ in comments and in values that are kept alone.
pub(super) fn only_kept(published: (&Tree, &str), rebuilt: (&Tree, &str), is_renamed: IsRenamed<'_>) -> bool {
    let [(ours, our_text), (theirs, their_text)] = [published, rebuilt].map(|(tree, text)| (tree.root_node(), text));
    if directives(ours, our_text) != directives(theirs, their_text) {
        return false;
    }
    let (mut left, mut right) = (Events::of(ours, our_text), Events::of(theirs, their_text));
    let mut place = Place::default();
    loop {
        match (left.next(), right.next()) {
            (None, None) => return true,
            (Some(one), Some(other)) if one == other => place.pass(&one),
            (Some(Event::Text(one)), Some(Event::Text(other))) if place.keeps(&one, &other, is_renamed) => {
                place = Place::default();
            }
            _ => return false,
        }
    }
}

/// The comments of a program that a bundler obeys.
fn directives<'t>(root: Node<'t>, text: &'t str) -> Vec<&'t str> {
    let comments = Events::comments(root, text).into_iter().filter_map(|place| text.get(place));
    comments.filter(|comment| DIRECTIVE.as_ref().is_none_or(|directive| directive.is_match(comment))).collect()
}

/// What stands before a text.
#[derive(Debug, Default)]
struct Place {
    /// The last event, if it is a word or an operator.
    last: String,
    /// The last word: what is assigned to, or called.
    word: String,
}

impl Place {
    fn pass(&mut self, event: &Event<'_>) {
        self.last.clear();
        match event {
            Event::Token(_, token) => {
                self.last.push_str(token);
                if token.starts_with(|first: char| first.is_alphabetic() || matches!(first, '_' | '$' | '#')) {
                    (*token).clone_into(&mut self.word);
                }
            }
            Event::Text(_) | Event::Number(_) => self.word.clear(),
            Event::Enter(_) | Event::Leave => {}
        }
    }

    /// Whether one text in place of the other changes what is kept, and nothing that is done.
    fn keeps(&self, published: &str, rebuilt: &str, is_renamed: IsRenamed<'_>) -> bool {
        let both = |class: Class| [published, rebuilt].iter().all(|text| literal::is_whole(class, text));
        let is_loaded = matches!(self.last.as_str(), "from" | "import")
            || self.last == "(" && matches!(self.word.as_str(), "import" | "require" | "URL");
        if is_loaded {
            return is_renamed(published, rebuilt);
        }
        match self.last.as_str() {
            "=" | ":" if both(Class::VersionString) || both(Class::TimeStamp) => true,
            "=" | ":" => both(Class::LocalPath) && ACTED_ON.as_ref().is_some_and(|names| !names.is_match(&self.word)),
            // `program.version("1.2.3")`
            "(" => self.word.to_ascii_lowercase().contains("version") && both(Class::VersionString),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::keeps;

    fn kept(published: &str, rebuilt: &str) -> bool {
        let is_renamed = |one: &str, other: &str| one.starts_with("./new-") && other.starts_with("./old-");
        keeps("a.js", published.as_bytes(), rebuilt.as_bytes(), &mut u64::MAX.clone(), &is_renamed)
    }

    #[test]
    fn versions_dates_and_paths_that_are_assigned_are_kept() {
        for (published, rebuilt) in [
            ("/*! x 1.2.3 2024-01-02 0a9b8c7 */ a()", "/*! x 1.2.4 2024-01-03 3f2a1bc */ a()"),
            ("var VERSION = '1.2.3'", "var VERSION = \"1.2.4-rc.1\""),
            ("a = {version: 'v1.2.3', b: 1}", "a = {version: 'v1.2.4', b: 1}"),
            ("program.version('1.2.3')", "program.version('1.2.4')"),
            ("let built = '2024-01-02T03:04:05.678Z'", "let built = '2023-01-02T03:04:05Z'"),
            ("_jsxFileName = '/home/a/x.js'", "_jsxFileName = '/tmp/b/x.js'"),
            ("import './new-0a9b8c7.js'", "import './old-3f2a1bc.js'"),
            ("import('./new-0a9b8c7.js')", "import('./old-3f2a1bc.js')"),
        ] {
            assert!(kept(published, rebuilt), "{published}");
        }
    }

    #[test]
    fn what_is_loaded_called_or_counted_with_is_no_value_that_is_kept() {
        for (published, rebuilt) in [
            ("load('https://a.example/x@1.0.0/i.js')", "load('https://a.example/x@1.0.1/i.js')"),
            ("u = 'https://a.example/x@1.0.0/i.js'", "u = 'https://a.example/x@1.0.1/i.js'"),
            ("eval('1.0.0')", "eval('1.0.1')"),
            ("t['1.0.0']()", "t['1.0.1']()"),
            ("x = {'1.0.0': a}", "x = {'1.0.1': a}"),
            ("x = 'a@' + '1.0.0'", "x = 'a@' + '1.0.1'"),
            ("connect(443, '10.20.30.40')", "connect(443, '66.66.66.66')"),
            ("host = '10.20.30.40'", "host = '66.66.66.66'"),
            ("key = '00112233445566778899aabb'", "key = 'deadbeef9456677889911bbc'"),
            ("port = secure ? 10:20", "port = secure ? 10:99"),
            ("if (Date.now() > 1999999999999) go()", "if (Date.now() > 1000000000001) go()"),
            ("x = {copyright, a: new Safe, b: 2024}", "x = {copyright, a: new Evil, b: 2024}"),
            ("execFileSync('/usr/lib/a')", "execFileSync('/tmp/a')"),
            ("r('/usr/lib/a')", "r('/tmp/a')"),
            ("require(/**/'/usr/lib/a')", "require(/**/'/tmp/a')"),
            ("script.src = '/usr/lib/a'", "script.src = '/tmp/a'"),
            ("import './other-0a9b8c7.js'", "import './old-3f2a1bc.js'"),
            ("#!/usr/bin/node\na()", "#!/tmp/evil/node\na()"),
            ("import(/* a */ x)", "import(/* webpackIgnore: true */ x)"),
            ("a(", "a( "),
        ] {
            assert!(!kept(published, rebuilt), "{published}");
        }
    }
}
