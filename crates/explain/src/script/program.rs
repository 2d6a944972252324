//! Two programs, statement by statement.

use std::ops::Range;

use tree_sitter::{Node, Tree};

use super::events::Events;
use super::helpers::{is_boilerplate, is_helper, only_one_has};

/// What two texts are to each other as programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Code {
    /// One of them could not be parsed.
    Unknown,
    /// The same program.
    Same {
        /// Their comments differ.
        comments: bool,
        /// Strings, numbers, parentheses or semicolons are written otherwise.
        letters: bool,
    },
    /// The same but for what compilers add.
    Helpers,
    /// Different programs.
    Other {
        /// The helpers that only one of them uses: the published, the rebuilt.
        helpers: Option<[Vec<String>; 2]>,
    },
}

/// Compares two trees, each with its text.
pub(super) fn compare(published: (&Tree, &str), rebuilt: (&Tree, &str)) -> Code {
    let [(ours, our_text), (theirs, their_text)] = [published, rebuilt].map(|(tree, text)| (tree.root_node(), text));
    if Events::of(ours, our_text).eq(Events::of(theirs, their_text)) {
        let [left, right] = [(ours, our_text), (theirs, their_text)].map(|(node, text)| (Events::comments(node, text), text));
        let words = |(places, text): &(Vec<Range<usize>>, &str)| {
            places.iter().filter_map(|place| text.get(place.clone()).map(str::to_owned)).collect::<Vec<_>>()
        };
        return Code::Same { comments: words(&left) != words(&right), letters: letters(&left.0, left.1) != letters(&right.0, right.1) };
    }
    let [left, right] = [own(ours, our_text), own(theirs, their_text)];
    let equal = |(a, b): (&Node<'_>, &Node<'_>)| Events::of(*a, our_text).eq(Events::of(*b, their_text));
    if left.len() == right.len() && left.iter().zip(&right).all(equal) {
        return Code::Helpers;
    }
    Code::Other { helpers: only_one_has(our_text, their_text) }
}

/// The text without comments and spaces.
fn letters(comments: &[Range<usize>], text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    let ends = comments.iter().cloned().chain(std::iter::once(text.len()..text.len()));
    for place in ends {
        out.extend(text.get(at..place.start).unwrap_or_default().chars().filter(|c| !c.is_whitespace()));
        at = place.end;
    }
    out
}

/// The statements that are not a compiler's.
fn own<'t>(program: Node<'t>, text: &str) -> Vec<Node<'t>> {
    let mut cursor = program.walk();
    program.named_children(&mut cursor).filter(|statement| !is_of_compiler(*statement, text)).collect()
}

fn is_of_compiler(statement: Node<'_>, text: &str) -> bool {
    let slice = |node: Node<'_>| text.get(node.byte_range()).unwrap_or_default();
    let named = |node: Node<'_>| node.child_by_field_name("name").is_some_and(|name| is_helper(slice(name)));
    let mut cursor = statement.walk();
    match statement.kind() {
        "comment" | "empty_statement" => true,
        "function_declaration" => named(statement),
        "variable_declaration" | "lexical_declaration" => statement.named_children(&mut cursor).all(|variable| {
            let value = variable.child_by_field_name("value");
            variable.kind() != "variable_declarator" || named(variable) && value.is_none_or(|value| is_inert(value, text))
        }),
        // `export {}`, by which TypeScript marks a module.
        "export_statement" => {
            slice(statement).chars().filter(|c| !c.is_whitespace()).collect::<String>().trim_end_matches(';') == "export{}"
        }
        "expression_statement" => {
            let only = statement.named_child(0).filter(|_| statement.named_child_count() == 1);
            only.is_some_and(|only| only.kind() == "string") || is_boilerplate(slice(statement))
        }
        _ => false,
    }
}

/// A helper's value: a function, another name, or one of them after `||`. What is called when the
/// file is loaded is nobody's helper, but for `require` of a name and a function around helpers, as
/// TypeScript writes `__importStar`.
fn is_inert(value: Node<'_>, text: &str) -> bool {
    let mut nodes = vec![value];
    while let Some(node) = nodes.pop() {
        let field = |name: &str| node.child_by_field_name(name);
        match node.kind() {
            "function_expression" | "arrow_function" | "identifier" | "member_expression" | "ternary_expression" | "this" => {}
            "parenthesized_expression" => nodes.extend(node.named_child(0)),
            "binary_expression" => nodes.extend([field("left"), field("right")].into_iter().flatten()),
            "call_expression" => {
                let callee = field("function");
                let requires = callee.is_some_and(|callee| text.get(callee.byte_range()) == Some("require"));
                let wrapped = callee.filter(|callee| callee.kind() == "parenthesized_expression").and_then(|callee| callee.named_child(0));
                if !requires && wrapped.is_none_or(|inner| inner.kind() != "function_expression") {
                    return false;
                }
            }
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::super::compare as compare_bytes;
    use super::*;

    const SAME: Code = Code::Same { comments: false, letters: false };
    const WRITTEN_OTHERWISE: Code = Code::Same { comments: false, letters: true };

    fn compare(path: &str, published: &str, rebuilt: &str) -> Code {
        compare_bytes(path, published.as_bytes(), rebuilt.as_bytes(), &mut u64::MAX.clone())
    }

    fn js(published: &str, rebuilt: &str) -> Code {
        compare("a.js", published, rebuilt)
    }

    #[test]
    fn layout_is_no_code() {
        assert_eq!(js("function a ( b ) {\n  return b\n}\n", "function a(b){return b}"), SAME);
        assert_eq!(js("import a from 'a'\nexport default a", "import a from 'a'; export default a;"), WRITTEN_OTHERWISE);
        assert_eq!(js("return 1", "return  1"), SAME);
        assert_eq!(js("a = <b c='d'/>", "a = <b  c='d' />"), SAME);
        assert_eq!(js("f(a, b,)", "f(a,b)"), WRITTEN_OTHERWISE);
        assert_eq!(js("f([a, /* b */], {c,/* d */})", "f([a],{c})"), Code::Same { comments: true, letters: true });
    }

    #[test]
    fn comments_and_forms_of_literals_are_told_apart() {
        assert_eq!(js("/* a */ b()", "b() // c"), Code::Same { comments: true, letters: false });
        assert_eq!(js("a = 'b' + 1e3 + (c)", "a = \"b\" + 1000 + c"), WRITTEN_OTHERWISE);
    }

    #[test]
    fn other_code_is_other_code() {
        for (a, b) in [
            ("a(1)", "a(2)"),
            ("a('x')", "a('x ')"),
            ("/a/.test(b)", "/a /.test(b)"),
            ("`a b`", "`a  b`"),
            ("`a${b}c`", "`a${b} c`"),
            ("function f(){return\na}", "function f(){return a}"),
            ("if (a) b; c", "if (a) {b; c}"),
            ("[a,,b]", "[a,b]"),
            ("[,]", "[]"),
            ("[a,,]", "[a,]"),
            ("a = b + c", "a = b - c"),
            ("(a + b) * c", "a + (b * c)"),
            ("a = 'b'", "a = b"),
            ("let a", "const a = 1"),
            ("a\n++b", "a++\nb"),
            ("(a?.b).c", "a?.b.c"),
            ("('use strict')", "'use strict'"),
        ] {
            assert!(matches!(js(a, b), Code::Other { helpers: None }), "{a} | {b}: {:?}", js(a, b));
        }
    }

    #[test]
    fn a_comment_ends_at_every_line_terminator() {
        for end in ["\n", "\r", "\u{2028}", "\u{2029}"] {
            for start in ["//", "<!--", "a()\n-->", "#!"] {
                let [ours, theirs] = [format!("{start} x{end}steal()"), format!("{start} x")];
                assert!(!matches!(js(&ours, &theirs), Code::Same { .. } | Code::Helpers), "{start} {end:?}: {:?}", js(&ours, &theirs));
            }
        }
        assert_eq!(js("// a\na()", "// b\na()"), Code::Same { comments: true, letters: false });
    }

    #[test]
    fn types_are_compared_too() {
        let [ours, theirs] = ["export declare function a(b:string):void", "export declare function a(b: string): void;\n"];
        assert_eq!(compare("a.d.ts", ours, theirs), WRITTEN_OTHERWISE);
        assert_eq!(compare("a.d.ts", "export type A = string", "export type A = number"), Code::Other { helpers: None });
    }

    #[test]
    fn helpers_of_another_compiler_version_are_seen_through() {
        let old = "\"use strict\";\nvar __importDefault = (this && this.__importDefault) || function (m) { return m };\nObject.defineProperty(exports, \"__esModule\", { value: true });\nexports.a = void 0;\nrun();";
        let new = "\"use strict\";\nvar __importDefault = (this && this.__importDefault) || function (mod) {\n return (mod && mod.__esModule) ? mod : { \"default\": mod };\n};\nexports.__esModule = true;\nrun();";
        assert_eq!(js(old, new), Code::Helpers);
        assert!(matches!(js(old, &new.replace("run()", "steal()")), Code::Other { .. }));
    }

    #[test]
    fn a_helper_that_does_something_when_it_is_loaded_is_code() {
        assert!(matches!(js("var __awaiter = steal();\na()", "a()"), Code::Other { .. }));
    }

    #[test]
    fn what_does_not_parse_is_unknown() {
        assert_eq!(js("a(", "a( "), Code::Unknown);
        assert_eq!(js("function a(b: string) {}", "function a(b: number) {}"), Code::Unknown);
    }
}
