//! Differences in nothing but dates, paths of a machine, version numbers or hashes: both texts are
//! rewritten with a placeholder for each, and compared again.

use std::sync::LazyLock;

use regex::bytes::{Captures, NoExpand, Regex};

use super::Class;
use super::place::looks_random;
use super::text::{core, cut};

/// What is replaced, in the order in which it is.
const KINDS: [(Class, &[u8]); 4] =
    [(Class::TimeStamp, b"\0t"), (Class::LocalPath, b"\0p"), (Class::VersionString, b"\0v"), (Class::Hash, b"\0h")];

static PATTERNS: LazyLock<[Option<Regex>; 4]> = LazyLock::new(|| {
    const MONTH: &str = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}";
    const CLOCK: &str = r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?:[.,][0-9]{1,9})?(?: ?(?:AM|PM|Z|(?:GMT|UTC)?[+-][0-9]{2}:?[0-9]{2}|GMT|UTC))?(?: \([A-Za-z ]{1,40}\))?";
    let stamps = [
        // 2024-05-06T07:08:09.123Z, 2024/05/06
        format!(r"\b[0-9]{{4}}[-/][0-9]{{1,2}}[-/][0-9]{{1,2}}(?:(?:T| +){CLOCK})?"),
        // Mon May 06 2024 07:08:09 GMT+0000, May 6, 2024
        format!(r"\b(?:[A-Z][a-z]{{2,8}},? )?{MONTH} [0-9]{{1,2}},? [0-9]{{4}}(?:,? (?:at )?{CLOCK})?"),
        // Mon, 06 May 2024 07:08:09 GMT
        format!(r"\b(?:[A-Z][a-z]{{2}}, )?[0-9]{{1,2}}[ -]{MONTH}[ -][0-9]{{4}}(?: {CLOCK})?"),
        // 06.05.2024, 5/6/2024
        format!(r"\b[0-9]{{1,2}}[./][0-9]{{1,2}}[./][0-9]{{4}}(?:,? {CLOCK})?"),
        format!(r"\b{CLOCK}"),
        // Seconds or milliseconds since 1970, from 2001 to 2033.
        r"\b(?:1[0-9]{9}|1[0-9]{12})\b".to_owned(),
        // Copyright (c) 2014-2024; nothing of a call of `f(c)`, or of what is done behind one.
        r"(?:(?i:copyright)(?: \([cC]\))?|(?:^|[ \t*])\([cC]\)|\xc2\xa9)[^\n0-9;=(){}\[\]`]{0,20}(?:[0-9]{4} ?[-,] ?)*[0-9]{4}".to_owned(),
    ];
    [
        Regex::new(&format!("(?-u){}", stamps.join("|"))).ok(),
        Regex::new(concat!(
            r#"(?-u)(?:file://)?/(?:home|Users|root|tmp|private|var|builds?|workspace|app|opt|github|usr|mnt|data|srv|runner)(?:/[^\s"'`<>:;,()\\/|{}\[\]=&?!*%^]+)+"#,
            r#"|\b[A-Za-z]:(?:\\{1,2}|/)[^\s"'`<>:;,()|{}\[\]=&?!*%^]+"#,
        ))
        .ok(),
        Regex::new(r"(?-u)\bv?[0-9]{1,6}\.[0-9]{1,6}\.[0-9]{1,6}(?:[-.][0-9A-Za-z]+(?:[-.][0-9A-Za-z]+)*)?(?:\+[0-9A-Za-z.-]+)?\b").ok(),
        Regex::new(r"(?-u)\bsha(?:1|256|384|512)-[A-Za-z0-9+/=]{20,}|\b[0-9a-f]{7,64}\b|[-._~][A-Za-z0-9_-]{8}(?:\.(?:[cm]?js|css|d\.[cm]?ts)\b)").ok(),
    ]
});

/// Lines that tools write about themselves.
static TOOL_LINE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i-u)generated|built (?:with|by|on)|compiled|bundled|transpiled|babel|typescript|\btsc\b|rollup|webpack|terser|uglify|esbuild|\bswc\b|\bvite\b|parcel|coffee|browserify|api-extractor|microbundle|tsup|peg\.?js|jison|nearley|antlr|protoc",
    )
    .ok()
});

/// What alone differs between two texts, with an example; none if there is more.
pub(super) fn only_difference(published: &[u8], rebuilt: &[u8]) -> Option<(Class, String)> {
    let [ours, theirs] = core(published, rebuilt);
    for ((class, mark), pattern) in KINDS.iter().zip(PATTERNS.iter()) {
        let pattern = pattern.as_ref()?;
        if replace(*class, pattern, ours, mark) == replace(*class, pattern, theirs, mark) {
            let (class, what) = if *class == Class::VersionString && told_by_tools(pattern, ours, theirs) {
                (Class::ToolVersion, "the version of a tool in what it writes")
            } else {
                (*class, described(*class))
            };
            return Some((class, format!("only {what}: {}", example(pattern, ours, theirs))));
        }
    }
    let (mut left, mut right) = (ours.to_vec(), theirs.to_vec());
    let mut differ: Vec<Class> = Vec::new();
    for ((class, mark), pattern) in KINDS.iter().zip(PATTERNS.iter()) {
        let pattern = pattern.as_ref()?;
        if pattern.find_iter(&left).map(|found| found.as_bytes()).ne(pattern.find_iter(&right).map(|found| found.as_bytes())) {
            differ.push(*class);
        }
        [left, right] = [replace(*class, pattern, &left, mark), replace(*class, pattern, &right, mark)];
    }
    let first = *differ.first()?;
    (left == right).then(|| {
        let named: Vec<&str> = differ.iter().map(|class| described(*class)).collect();
        (first, format!("only {}", named.join(" and ")))
    })
}

/// The version numbers that alone differ between two texts, published and rebuilt, without a `v`
/// before them; none if there is more.
pub fn versions_apart(published: &[u8], rebuilt: &[u8]) -> Option<Vec<(String, String)>> {
    let [.., (class, mark), _] = KINDS;
    let [.., pattern, _] = &*PATTERNS;
    let pattern = pattern.as_ref()?;
    if replace(class, pattern, published, mark) != replace(class, pattern, rebuilt, mark) {
        return None;
    }
    let plain = |bytes: &[u8]| String::from_utf8_lossy(bytes.strip_prefix(b"v").unwrap_or(bytes)).into_owned();
    let pairs = pattern.find_iter(published).zip(pattern.find_iter(rebuilt)).map(|(a, b)| (plain(a.as_bytes()), plain(b.as_bytes())));
    Some(pairs.filter(|(ours, theirs)| ours != theirs).collect())
}

/// Whether a text is, from beginning to end, a date, a path of a machine or a version number: of
/// three parts, because an address of the internet has four.
pub(super) fn is_whole(class: Class, text: &str) -> bool {
    let pattern = KINDS.iter().position(|(kind, _)| *kind == class).and_then(|at| PATTERNS.get(at)?.as_ref());
    let parts = text.split(['-', '+']).next().unwrap_or_default().split('.').count();
    let is_it = pattern.and_then(|pattern| pattern.find(text.as_bytes())).is_some_and(|found| found.len() == text.len());
    is_it && (class != Class::VersionString || parts == 3)
}

fn described(class: Class) -> &'static str {
    match class {
        Class::TimeStamp => "a date or time",
        Class::LocalPath => "a path of the machine",
        Class::VersionString => "a version number",
        _ => "a hash",
    }
}

fn replace(class: Class, pattern: &Regex, text: &[u8], mark: &[u8]) -> Vec<u8> {
    if class != Class::Hash {
        return pattern.replace_all(text, NoExpand(mark)).into_owned();
    }
    // Seven small letters can be a word; with digits among them they are not.
    let replaced = pattern.replace_all(text, |captures: &Captures<'_>| {
        let found = captures.get(0).map(|found| found.as_bytes()).unwrap_or_default();
        let name = found.iter().position(|byte| *byte == b'.').filter(|at| *at > 0).and_then(|at| found.get(1..at)).unwrap_or(found);
        if looks_random(name) { mark.to_vec() } else { found.to_vec() }
    });
    replaced.into_owned()
}

/// The first pair that differs.
fn example(pattern: &Regex, ours: &[u8], theirs: &[u8]) -> String {
    let pairs = pattern.find_iter(ours).zip(pattern.find_iter(theirs));
    let pair = pairs.map(|(a, b)| (a.as_bytes(), b.as_bytes())).find(|(a, b)| a != b);
    let show = |bytes: &[u8]| cut(&String::from_utf8_lossy(bytes), 60);
    pair.map_or_else(String::new, |(a, b)| format!("published {}, rebuilt {}", show(a), show(b)))
}

/// Whether every line with another version number is one that a tool writes about itself.
fn told_by_tools(pattern: &Regex, ours: &[u8], theirs: &[u8]) -> bool {
    let Some(tool) = TOOL_LINE.as_ref() else { return false };
    let mut lines = ours.split(|byte| *byte == b'\n').zip(theirs.split(|byte| *byte == b'\n')).filter(|(a, b)| a != b);
    lines.all(|(line, _)| {
        // A line of a minified file says everything.
        let near = pattern.find(line).map(|found| line.get(found.start().saturating_sub(80)..found.end()).unwrap_or_default());
        near.is_some_and(|near| tool.is_match(near))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(published: &str, rebuilt: &str) -> Option<Class> {
        only_difference(published.as_bytes(), rebuilt.as_bytes()).map(|(class, _)| class)
    }

    #[test]
    fn every_pattern_compiles() {
        assert!(PATTERNS.iter().all(Option::is_some) && TOOL_LINE.is_some());
    }

    #[test]
    fn dates_in_the_forms_that_builds_write_them() {
        for (a, b) in [
            ("// 2024-01-02", "// 2023-12-31"),
            ("built 2024-01-02T03:04:05.678Z\n", "built 2023-01-02T03:04:05Z\n"),
            ("/* Mon Jan 02 2024 03:04:05 GMT+0100 (CET) */", "/* Tue Feb 03 2023 13:04:05 GMT+0000 (UTC) */"),
            ("Tue, 02 Jan 2024 03:04:05 GMT", "Wed, 03 Jan 2024 03:04:05 GMT"),
            ("var t=1700000000000;", "var t=1690000000000;"),
            ("Copyright (c) 2014-2024 x", "Copyright (c) 2014-2023 x"),
        ] {
            assert_eq!(class(a, b), Some(Class::TimeStamp), "{a} | {b}");
        }
    }

    #[test]
    fn code_behind_what_looks_like_a_date_or_a_path_is_no_part_of_it() {
        for (a, b) in [
            ("f(c);require(c);x = 2020\n", "f(c); var year = 2020\n"),
            ("run(c);eval(atob(d));2020\n", "run(c)              ;2020\n"),
            ("var n = a/tmp/b||{}[process.env.NODE_OPTIONS=evil.options]\n", "var n = a/tmp/b\n"),
            ("var o = {a:/b/.c=[module.exports=evil]}\n", "var o = {a:/b/}\n"),
        ] {
            assert_eq!(class(a, b), None, "{a} | {b}");
        }
        assert_eq!(class(" * (c) 2014-2024 x", " * (c) 2014-2023 x"), Some(Class::TimeStamp));
        assert_eq!(class("\u{a9} 2024 x", "\u{a9} 2023 x"), Some(Class::TimeStamp));
    }

    #[test]
    fn paths_versions_and_hashes() {
        assert_eq!(class("at /home/alice/p/a.js", "at /tmp/build/a.js"), Some(Class::LocalPath));
        assert_eq!(class(r#"f = "C:\\Users\\bob\\x""#, r#"f = "D:\\b\\x""#), Some(Class::LocalPath));
        assert_eq!(class("var VERSION = '1.2.3'", "var VERSION = '0.0.0-development'"), Some(Class::VersionString));
        assert_eq!(class("from './chunk-ABCD1234.js'", "from './chunk-XYZW9876.js'"), Some(Class::Hash));
        assert_eq!(class("rev 3f2a1bc", "rev 0a9b8c7"), Some(Class::Hash));
    }

    #[test]
    fn versions_that_differ_alone_are_told_in_pairs() {
        let apart = |a: &str, b: &str| versions_apart(a.as_bytes(), b.as_bytes());
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(apart("x:7.0.0 v1.0.0 2.0.0", "x:7.1.0 v1.0.1 2.0.0"), Some(vec![pair("7.0.0", "7.1.0"), pair("1.0.0", "1.0.1")]));
        assert_eq!(apart("x:7.0.0 evil()", "x:7.1.0"), None);
        assert_eq!(apart("x:7.0.0", "x:7.1.0 7.1.0"), None);
    }

    #[test]
    fn a_version_that_a_tool_writes_is_the_tools() {
        assert_eq!(class("// Generated by CoffeeScript 1.9.3\nx", "// Generated by CoffeeScript 1.12.7\nx"), Some(Class::ToolVersion));
    }

    #[test]
    fn several_kinds_at_once_are_named_by_the_first() {
        assert_eq!(class("/* v1.2.3 2024-01-02 */", "/* v1.2.4 2024-02-02 */"), Some(Class::TimeStamp));
    }

    #[test]
    fn other_words_and_numbers_are_no_stamps() {
        for (a, b) in [("x = 1", "x = 2"), ("a defaced b", "a decade0 b c"), ("const n = 2020", "const n = 2021"), ("evil()", "good()")] {
            assert_eq!(class(a, b), None, "{a} | {b}");
        }
    }
}
