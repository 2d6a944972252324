//! JavaScript and TypeScript, compared after parsing.
//!
//! In: two texts, from strangers. Out: whether they are the same program, and if not, whether
//! helpers of compilers are all that differs. The parser is tree-sitter, which can be stopped: by
//! the steps that it takes, which are the same on each machine, and by what it has in use. It reads
//! nesting without recursion, and frees it with: where a text can be read in two ways at every
//! level (`{a:{a:{a:`), one frame for each. So it runs on a thread whose stack is larger than the
//! memory that it may use could need. (oxc was tried: it recurses for all nesting, and there are
//! texts of some ten kilobytes with which it takes gigabytes.)

mod events;
mod helpers;
mod kept;
mod meter;
mod program;

use std::cell::Cell;
use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::thread;

use verdict::patience;

use tree_sitter::{Language, ParseOptions, ParseState, Parser, Tree};

pub(super) use kept::IsRenamed;
pub(super) use program::Code;

/// Steps that one text may take: a hundred actions of the parser each. A megabyte of dense code
/// takes fifteen thousand, and half a second; the largest for which `MEMORY` is enough, fifty.
const LONGEST: u64 = 80_000;
/// Steps that [`CHUNK`] counts for, which the parser reads without asking in between: as long as
/// so many take.
const STEPS_OF_CHUNK: u64 = 12;
/// Bytes of a text.
const LARGEST: usize = 4 << 20;
/// Bytes that the parser may have in use, for both texts together: minified code takes forty for
/// each of its own, other code twenty, and code that is made for it a thousand and more. Where such
/// a text ends, the parser takes as much again before it can be stopped.
const MEMORY: usize = 192 << 20;
/// Bytes of the stack of the thread that parses; they are address space, of which is taken what is
/// used. A level of nesting takes a frame of a hundred bytes at most, and more than two hundred of
/// `MEMORY`: the deepest that was found uses 20 MB of it.
const STACK: usize = 256 << 20;
/// Bytes that the parser is given at a time, so that it asks, and can be stopped, also within one
/// token.
const CHUNK: usize = 16 << 10;

/// Whether two texts are the same program but for comments and the way in which it is written.
/// `false` where that cannot be told.
pub fn is_same_program(path: &str, one: &[u8], other: &[u8]) -> bool {
    matches!(compare(path, one, other, &mut u64::MAX.clone()), Code::Same { .. })
}

/// Whether bytes are a program in JavaScript from beginning to end; `false` where that cannot be
/// told.
pub(super) fn is_javascript(bytes: &[u8]) -> bool {
    let Some(text) = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= LARGEST) else { return false };
    with_room(|| parse(&tree_sitter_javascript::LANGUAGE.into(), text, &Cell::new(LONGEST)).is_some()).unwrap_or(false)
}

/// Compares two texts as programs, in no more than `left` steps, of which those are taken that it
/// took; `path` gives the language.
pub(super) fn compare(path: &str, published: &[u8], rebuilt: &[u8], left: &mut u64) -> Code {
    both(path, [published, rebuilt], left, program::compare).unwrap_or(Code::Unknown)
}

/// Whether two texts are programs that differ in comments and in values that they keep alone:
/// versions, dates, paths of a machine, and hashes in the names of files of which `is_renamed` says
/// that they are one. Bounded as [`compare`] is.
pub(super) fn keeps(path: &str, published: &[u8], rebuilt: &[u8], left: &mut u64, is_renamed: IsRenamed<'_>) -> bool {
    both(path, [published, rebuilt], left, |ours, theirs| kept::only_kept(ours, theirs, is_renamed)).unwrap_or(false)
}

/// What `work` makes of two trees, each with its text. `None` where one of them is none.
fn both<T: Send>(path: &str, texts: [&[u8]; 2], left: &mut u64, work: impl FnOnce((&Tree, &str), (&Tree, &str)) -> T + Send) -> Option<T> {
    let [Some(ours), Some(theirs)] = texts.map(|text| std::str::from_utf8(text).ok().filter(|text| text.len() <= LARGEST)) else {
        return None;
    };
    let language = language(path)?;
    let most = LONGEST.min(*left / 2);
    let (found, taken) = with_room(|| {
        let (one, other) = (Cell::new(most), Cell::new(most));
        let trees = parse(&language, ours, &one).and_then(|left| Some((left, parse(&language, theirs, &other)?)));
        let found = trees.map(|(left, right)| work((&left, ours), (&right, theirs)));
        (found, 2 * most - one.get() - other.get())
    })?;
    *left = left.saturating_sub(taken);
    found
}

/// Does the work of a parser on a thread with room for it, for as long as this thread's work is
/// waited for. `None` where there is no room for such a stack.
fn with_room<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    meter::install();
    let patience = patience::here();
    thread::scope(|scope| {
        let work = || match patience {
            Some(patience) => patience.during(work),
            None => work(),
        };
        let thread = thread::Builder::new().name("explain".to_owned()).stack_size(STACK).spawn_scoped(scope, work).ok()?;
        Some(thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
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

/// The tree of a text without errors; none where it has some, or where it takes more than `left`
/// steps or too much memory. The steps that it takes are taken from those.
fn parse(language: &Language, text: &str, left: &Cell<u64>) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(language).ok()?;
    let stopped = Cell::new(false);
    let over = |steps: u64| {
        let rest = left.get().checked_sub(steps);
        left.set(rest.unwrap_or_default());
        stopped.set(stopped.get() || rest.is_none() || meter::in_use() > MEMORY || patience::is_over());
        stopped.get()
    };
    let mut check = |_: &ParseState| if over(1) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let bytes = text.as_bytes();
    // The text ends where it is stopped; what is a tree then is thrown away.
    let mut read = |at: usize, _| {
        let rest = bytes.get(at..).unwrap_or_default();
        if over(STEPS_OF_CHUNK) { &[] } else { rest.get(..CHUNK).unwrap_or(rest) }
    };
    let options = ParseOptions::new().progress_callback(&mut check);
    let tree = parser.parse_with_options(&mut read, None, Some(options))?;
    (!stopped.get() && !tree.root_node().has_error()).then_some(tree)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(path: &str, published: &str, rebuilt: &str) -> Code {
        compare(path, published.as_bytes(), rebuilt.as_bytes(), &mut u64::MAX.clone())
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
    fn steps_stop_it_and_are_the_same_each_time() {
        let text = "a(b, c);\n".repeat(100_000);
        let language = language("a.js").unwrap();
        assert!(parse(&language, &text, &Cell::new(100)).is_none());
        let taken = || {
            let left = Cell::new(LONGEST);
            assert!(parse(&language, &text, &left).is_some());
            LONGEST - left.get()
        };
        let steps = taken();
        assert!(steps > 1000 && steps == taken());
        assert!(parse(&language, &text, &Cell::new(steps)).is_some() && parse(&language, &text, &Cell::new(steps - 1)).is_none());
    }

    #[test]
    fn what_is_waited_for_no_longer_is_not_parsed() {
        let over = patience::Patience::new(std::sync::Arc::default(), Some(std::time::Instant::now()));
        assert!(is_javascript(b"a(b)") && !over.during(|| is_javascript(b"a(b)")));
    }

    /// Ways to nest that can be read in two ways at every level: the parser keeps both, with all
    /// that is in them.
    const AMBIGUOUS: [&str; 7] = ["static <T>(for(", "{a:", "a={b:", "(a,b", "a<b<", "(a=", "a?(b="];

    #[test]
    fn what_can_be_read_in_two_ways_at_every_level_is_given_up_in_bounded_memory() {
        let mut most = 0;
        meter::install();
        for one in AMBIGUOUS {
            for path in ["a.js", "a.ts"] {
                let text = format!("{}1", one.repeat(LARGEST / one.len() - 1));
                let language = language(path).unwrap();
                let used = thread::scope(|scope| {
                    let parse = || (parse(&language, &text, &Cell::new(u64::MAX)).is_none(), meter::most(), meter::in_use());
                    thread::Builder::new().stack_size(STACK).spawn_scoped(scope, parse).unwrap().join().unwrap()
                });
                assert!(used.0 && used.1 < MEMORY * 5 / 2 && used.2 == 0, "{path} {one}: {used:?}");
                most = most.max(used.1);
            }
        }
        assert!(most > MEMORY, "the limit was not reached: {most}");
    }

    #[test]
    fn a_comment_without_an_end_is_stopped_within_it() {
        meter::install();
        let text = "/*class A{".repeat(LARGEST / 10);
        let began = std::time::Instant::now();
        assert!(parse(&language("a.js").unwrap(), &text, &Cell::new(LONGEST / 10)).is_none());
        assert!(began.elapsed() < std::time::Duration::from_secs(5), "{:?}", began.elapsed());
    }

    #[test]
    fn a_stack_that_is_freed_level_by_level_is_no_end_of_the_process() {
        for count in [35_000, 150_000] {
            let text = format!("{}1", "{a:".repeat(count));
            assert_eq!(same("a.js", &text, &format!("{text} ")), Code::Unknown);
        }
    }

    #[test]
    fn honest_code_has_room() {
        meter::install();
        let statement = "function a(b,c){return b.d(c,{e:[1,2,'f']})?g=>h:null}";
        let text = statement.repeat(LARGEST / 4 / statement.len());
        assert!(parse(&language("a.js").unwrap(), &text, &Cell::new(LONGEST)).is_some());
        assert!(meter::most() > 20 * text.len() && meter::most() < MEMORY * 3 / 4, "{}", meter::most());
    }

    #[test]
    fn what_is_not_utf8_or_too_large_is_not_parsed() {
        assert_eq!(compare("a.js", b"a\xff", b"a", &mut 100), Code::Unknown);
        let large = " ".repeat(LARGEST + 1);
        assert_eq!(same("a.js", &large, "a"), Code::Unknown);
        assert_eq!(same("a.txt", "a", "a "), Code::Unknown);
    }
}
