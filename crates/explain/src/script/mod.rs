//! JavaScript and TypeScript, compared after parsing.
//!
//! In: two texts, from strangers. Out: whether they are the same program, and if not, whether helpers of compilers are all that differs.
//! The parser is tree-sitter: it does not recurse, so no nesting overflows a stack, and it can be stopped by the clock. (oxc
//! was tried: it recurses, and there are texts of some ten kilobytes with which it takes gigabytes.)

mod events;
mod helpers;
mod program;

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use tree_sitter::{Language, ParseOptions, ParseState, Parser, Tree};

pub(super) use program::Code;

/// How long one text may take. A megabyte takes half a second.
const LONGEST: Duration = Duration::from_secs(2);
/// Bytes of a text: the tree takes some forty times as many.
const LARGEST: usize = 4 << 20;

/// Compares two texts as programs; `path` gives the language.
pub(super) fn compare(path: &str, published: &[u8], rebuilt: &[u8]) -> Code {
    let texts = [published, rebuilt].map(|text| std::str::from_utf8(text).ok().filter(|text| text.len() <= LARGEST));
    let ([Some(ours), Some(theirs)], Some(language)) = (texts, language(path)) else { return Code::Unknown };
    let Some([left, right]) = parse(&language, ours, LONGEST).zip(parse(&language, theirs, LONGEST)).map(|(a, b)| [a, b]) else {
        return Code::Unknown;
    };
    program::compare((&left, ours), (&right, theirs))
}

/// The grammar for a file of this name.
fn language(path: &str) -> Option<Language> {
    let ends = |ends: &[&str]| ends.iter().any(|end| path.ends_with(end));
    if ends(&[".ts", ".mts", ".cts"]) {
        Some(tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into())
    } else if ends(&[".js", ".mjs", ".cjs", ".jsx"]) {
        Some(tree_sitter_javascript::LANGUAGE.into())
    } else {
        None
    }
}

/// The tree of a text without errors; none where it has some, or where it takes too long.
fn parse(language: &Language, text: &str, longest: Duration) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(language).ok()?;
    let end = Instant::now().checked_add(longest)?;
    let mut check = |_: &ParseState| if Instant::now() >= end { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let bytes = text.as_bytes();
    let mut read = |at: usize, _| bytes.get(at..).unwrap_or_default();
    let options = ParseOptions::new().progress_callback(&mut check);
    parser.parse_with_options(&mut read, None, Some(options)).filter(|tree| !tree.root_node().has_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(path: &str, published: &str, rebuilt: &str) -> Code {
        compare(path, published.as_bytes(), rebuilt.as_bytes())
    }

    /// Ways to nest, of which the first ones are those that other parsers do not survive.
    const NESTED: [(&str, &str, &str); 26] = [
        ("a?(b=", "c", "):d=>e"),
        ("(function(){", "", "})()"),
        ("[", "", "]"),
        ("({a:", "1", "})"),
        ("!", "a", ""),
        ("a=>", "a", ""),
        ("a?b:", "c", ""),
        ("`${", "a", "}`"),
        ("class A{m(){", "", "}}"),
        ("if(a)", ";", ""),
        ("a+", "a", ""),
        ("new ", "a", ""),
        ("{", "", "}"),
        ("[...", "a", "]"),
        ("(a=>", "b", ")"),
        ("", "a", ".b"),
        ("", "a", "[0]"),
        ("a:", "b", ""),
        ("f(a,", "b", ")"),
        ("async(a,b=", "c", ")=>d"),
        ("- ", "a", ""),
        ("for(;;)", ";", ""),
        ("x=[a=", "1", "]"),
        ("import(", "a", ")"),
        ("({get a(){return", "1", "}})"),
        ("<a>", "", "</a>"),
    ];

    #[test]
    fn deep_nesting_of_any_kind_is_refused_or_survived() {
        for (before, middle, after) in NESTED {
            for count in [100, 5000] {
                let text = format!("{}{middle}{}", before.repeat(count), after.repeat(count));
                let code = same("a.js", &text, &format!("{text} "));
                assert!(matches!(code, Code::Unknown | Code::Same { .. }), "{before} {count}: {code:?}");
            }
        }
    }

    #[test]
    fn deep_types_are_refused_or_survived() {
        for (before, middle, after) in [
            ("A<", "B", ">"),
            ("()=>", "void", ""),
            ("A extends B?C:", "D", ""),
            ("{a:", "b", "}"),
            ("keyof ", "A", ""),
            ("(", "A", ")"),
            ("", "A", "[]"),
        ] {
            for count in [100, 5000] {
                let text = format!("type X={}{middle}{}", before.repeat(count), after.repeat(count));
                let code = same("a.d.ts", &text, &format!("{text} "));
                assert!(matches!(code, Code::Unknown | Code::Same { .. }), "{before} {count}: {code:?}");
            }
        }
    }

    #[test]
    fn the_clock_stops_it() {
        let text = "a(b, c);\n".repeat(100_000);
        assert!(parse(&language("a.js").unwrap(), &text, Duration::ZERO).is_none());
    }

    #[test]
    fn what_is_not_utf8_or_too_large_is_not_parsed() {
        assert_eq!(compare("a.js", b"a\xff", b"a"), Code::Unknown);
        let large = " ".repeat(LARGEST + 1);
        assert_eq!(same("a.js", &large, "a"), Code::Unknown);
        assert_eq!(same("a.txt", "a", "a "), Code::Unknown);
    }
}
