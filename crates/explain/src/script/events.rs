//! A syntax tree as a sequence of what a program is made of: without comments, semicolons,
//! redundant parentheses and trailing commas, and with strings and numbers by their values. Two
//! programs are the same if their sequences are.

use std::borrow::Cow;
use std::ops::Range;

use tree_sitter::{Node, TreeCursor};

/// One element of the sequence.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Event<'t> {
    /// A construct begins.
    Enter(u16),
    /// A construct ends.
    Leave,
    /// A word, an operator or a piece of text.
    Token(u16, &'t str),
    /// A string by its value.
    Text(Cow<'t, str>),
    /// A number by its value.
    Number(u64),
}

/// Walks a subtree without recursion. Nodes are asked neither for their parents nor for their
/// siblings: that takes a walk of its own.
pub(super) struct Events<'t> {
    cursor: TreeCursor<'t>,
    text: &'t str,
    above: Vec<Above>,
    state: State,
    comments: Option<Vec<Range<usize>>>,
}

/// What is remembered of a node while its children are visited.
struct Above {
    kind: &'static str,
    /// Whether it was announced.
    announced: bool,
    /// A comma that was not told yet, and whether an element stands before it: a trailing one is
    /// left out.
    comma: Option<(u16, bool)>,
    /// Whether the last child was an element.
    element: bool,
}

#[derive(PartialEq)]
enum State {
    /// The node at the cursor comes next.
    At,
    /// The node at the cursor is done.
    After,
    Done,
}

impl<'t> Events<'t> {
    pub(super) fn of(node: Node<'t>, text: &'t str) -> Self {
        Self { cursor: node.walk(), text, above: Vec::new(), state: State::At, comments: None }
    }

    /// The places of all comments in a subtree.
    pub(super) fn comments(node: Node<'t>, text: &'t str) -> Vec<Range<usize>> {
        let mut events = Self { comments: Some(Vec::new()), ..Self::of(node, text) };
        while events.next().is_some() {}
        events.comments.unwrap_or_default()
    }

    fn slice(&self, node: Node<'t>) -> &'t str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    /// The comma before a node, where it counts. After a hole in an array a trailing one does.
    fn comma_before(&mut self, node: Node<'t>) -> Option<Event<'t>> {
        let (comma, after_element) = self.above.last_mut()?.comma.take()?;
        let closes = matches!(node.kind(), ")" | "]" | "}" | ">");
        (!closes || !after_element).then_some(Event::Token(comma, ","))
    }

    /// The event of a node, if it has one of its own, and whether its children follow.
    fn visit(&mut self, node: Node<'t>) -> (Option<Event<'t>>, bool) {
        let around = self.above.last().map_or("", |above| above.kind);
        match node.kind() {
            ";" => (None, false),
            "," => {
                if let Some(above) = self.above.last_mut() {
                    above.comma = Some((node.kind_id(), above.element));
                }
                (None, false)
            }
            "(" | ")" if around == REDUNDANT => (None, false),
            "string" if around != "jsx_attribute" => (Some(Event::Text(unescaped(self.slice(node)))), false),
            "number" => match value_of(self.slice(node)) {
                Some(value) => (Some(Event::Number(value.to_bits())), false),
                None => (Some(Event::Token(node.kind_id(), self.slice(node))), false),
            },
            "parenthesized_expression" if !counts(node, around) => (None, true),
            _ if node.child_count() == 0 => (Some(Event::Token(node.kind_id(), self.slice(node))), false),
            _ => (Some(Event::Enter(node.kind_id())), true),
        }
    }
}

impl<'t> Iterator for Events<'t> {
    type Item = Event<'t>;

    fn next(&mut self) -> Option<Event<'t>> {
        loop {
            match self.state {
                State::Done => return None,
                State::At => {
                    let node = self.cursor.node();
                    if is_comment(node) {
                        if let Some(comments) = &mut self.comments {
                            comments.push(node.byte_range());
                        }
                        self.state = State::After;
                        continue;
                    }
                    if let Some(comma) = self.comma_before(node) {
                        return Some(comma);
                    }
                    let (event, descend) = self.visit(node);
                    if let Some(above) = self.above.last_mut() {
                        above.element = node.is_named();
                    }
                    if descend && self.cursor.goto_first_child() {
                        let kind = if event.is_some() { node.kind() } else { REDUNDANT };
                        self.above.push(Above { kind, announced: event.is_some(), comma: None, element: false });
                    } else {
                        self.state = State::After;
                    }
                    if event.is_some() {
                        return event;
                    }
                }
                State::After if self.above.is_empty() => self.state = State::Done,
                State::After if self.cursor.goto_next_sibling() => self.state = State::At,
                State::After => {
                    self.cursor.goto_parent();
                    if self.above.pop().is_some_and(|above| above.announced) {
                        return Some(Event::Leave);
                    }
                }
            }
        }
    }
}

/// The kind under which parentheses are remembered that are left out.
const REDUNDANT: &str = "redundant parentheses";

fn is_comment(node: Node<'_>) -> bool {
    // A comment as in HTML is none in a module, and the parser reads it on behind a carriage
    // return: it counts as written.
    node.kind() == "comment"
}

/// Parentheses of which more depends than what the tree already says: they end the reach of `?.`,
/// and a string in them is no directive.
fn counts(parentheses: Node<'_>, around: &str) -> bool {
    let is_chain = |kind: &str| matches!(kind, "member_expression" | "subscript_expression" | "call_expression");
    let inner = parentheses.named_child(0).map_or("", |inner| inner.kind());
    is_chain(inner) && is_chain(around) || inner == "string" && around == "expression_statement"
}

/// The value of a string literal, its quotes apart.
fn unescaped(literal: &str) -> Cow<'_, str> {
    let inner = literal.get(1..literal.len().saturating_sub(1)).unwrap_or_default();
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        out.push_str(plain);
        rest = escape(escaped, &mut out);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Reads one escape behind its backslash and gives what follows it. Half of a pair of surrogates
/// stays as it is written, with its backslash: it is no character, and only the same half is equal
/// to it.
fn escape<'t>(text: &'t str, out: &mut String) -> &'t str {
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return "" };
    let rest = chars.as_str();
    let simple = match first {
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'b' => Some('\u{8}'),
        'f' => Some('\u{c}'),
        'v' => Some('\u{b}'),
        '0' if !rest.starts_with(|c: char| c.is_ascii_digit()) => Some('\0'),
        'x' | 'u' | '0'..='9' | '\n' | '\r' | '\u{2028}' | '\u{2029}' => None,
        other => Some(other),
    };
    if let Some(simple) = simple {
        out.push(simple);
        return rest;
    }
    let (digits, after) = match first {
        'x' => (rest.get(..2), rest.get(2..)),
        'u' if rest.starts_with('{') => {
            (rest.get(1..).and_then(|rest| rest.split_once('}')).map(|(digits, _)| digits), rest.split_once('}').map(|(_, after)| after))
        }
        'u' => (rest.get(..4), rest.get(4..)),
        '\r' => return rest.strip_prefix('\n').unwrap_or(rest),
        '\n' | '\u{2028}' | '\u{2029}' => return rest,
        _ => (None, None),
    };
    let value = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32);
    if let (Some(value), Some(after)) = (value, after) {
        out.push(value);
        after
    } else {
        out.extend(['\\', first]);
        rest
    }
}

/// The value of a number literal that is written in one of the usual ways; big and old octal ones
/// stay as they are.
fn value_of(literal: &str) -> Option<f64> {
    let plain = literal.replace('_', "");
    let radix = |digits: &str, radix| u64::from_str_radix(digits, radix).ok().filter(|value| *value < 1 << 53);
    let value = match plain.get(..2).map(str::to_ascii_lowercase).as_deref() {
        Some("0x") => radix(plain.get(2..)?, 16)?,
        Some("0o") => radix(plain.get(2..)?, 8)?,
        Some("0b") => radix(plain.get(2..)?, 2)?,
        Some(start) if start.starts_with('0') && start.ends_with(|c: char| c.is_ascii_digit()) => return None,
        _ => return plain.parse().ok(),
    };
    // Below 2^53 every whole number is exact; in two halves no cast is needed.
    let high = u32::try_from(value >> 32).ok()?;
    let low = u32::try_from(value & 0xffff_ffff).ok()?;
    Some(f64::from(high) * 4_294_967_296.0 + f64::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_read_by_their_values() {
        for (literal, value) in [
            (r"'a'", "a"),
            (r#""a\"b""#, "a\"b"),
            (r"'\x41\u0042\u{43}'", "ABC"),
            (r"'\n\t\0'", "\n\t\0"),
            ("'a\\\nb'", "ab"),
            (r"'\q'", "q"),
            (r"'\ud800'", r"\ud800"),
            (r"'\101'", r"\101"),
        ] {
            assert_eq!(unescaped(literal), value, "{literal}");
        }
    }

    #[test]
    fn numbers_are_read_by_their_values() {
        for (literal, value) in
            [("1000", 1e3), ("1e3", 1e3), ("1_000", 1e3), ("0x10", 16.0), (".5", 0.5), ("0.50", 0.5), ("0b11", 3.0), ("5.", 5.0)]
        {
            assert_eq!(value_of(literal), Some(value), "{literal}");
        }
        for literal in ["10n", "010", "0x20000000000001"] {
            assert_eq!(value_of(literal), None, "{literal}");
        }
    }
}
