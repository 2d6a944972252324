//! Bracket expressions: `[abc]`, `[!a-z]`, `[[:alpha:]]`.

use super::Dialect;
use super::portion::fold;

/// A bracket expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Class {
    negated: bool,
    items: Vec<Item>,
    nocase: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Item {
    Range(char, char),
    Posix(Posix),
    /// A POSIX class that minimatch gives by what it leaves out.
    Outside(Posix),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Posix {
    Alnum,
    Alpha,
    Ascii,
    Blank,
    Control,
    Digit,
    Graph,
    Lower,
    Print,
    Punct,
    Space,
    Upper,
    Word,
    Hex,
}

const POSIX: [(&str, Posix, bool); 14] = [
    ("[:alnum:]", Posix::Alnum, false),
    ("[:alpha:]", Posix::Alpha, false),
    ("[:ascii:]", Posix::Ascii, false),
    ("[:blank:]", Posix::Blank, false),
    ("[:cntrl:]", Posix::Control, false),
    ("[:digit:]", Posix::Digit, false),
    ("[:graph:]", Posix::Graph, true),
    ("[:lower:]", Posix::Lower, false),
    ("[:print:]", Posix::Print, true),
    ("[:punct:]", Posix::Punct, false),
    ("[:space:]", Posix::Space, false),
    ("[:upper:]", Posix::Upper, false),
    ("[:word:]", Posix::Word, false),
    ("[:xdigit:]", Posix::Hex, false),
];

/// What a `[` turned out to be.
pub(super) enum Parsed {
    /// No closing bracket, or brackets that this generation takes literally: the `[` is an ordinary
    /// character.
    Literal,
    /// Brackets around one character: that character.
    Char(char, usize),
    /// A bracket expression, and where it ends.
    Class(Class, usize),
    /// Brackets that nothing can match.
    Never(usize),
}

/// Parses the bracket expression that opens at `start`.
pub(super) fn parse(chars: &[char], start: usize, dialect: Dialect, nocase: bool) -> Parsed {
    let mut at = start + 1;
    let negated = matches!(chars.get(at), Some('!' | '^'));
    if negated {
        at += 1;
    }
    let mut items = Vec::new();
    let mut impossible = false;
    let mut first = true;
    loop {
        let Some(&c) = chars.get(at) else { return Parsed::Literal };
        // minimatch before 6 takes a `]` literally right behind the `[` only, not behind a `[!`.
        if c == ']' && !(first && (dialect == Dialect::V9 || !negated)) {
            break;
        }
        first = false;
        if dialect == Dialect::V9
            && let Some((length, item)) = posix(chars, at)
        {
            items.push(item);
            at += length;
            continue;
        }
        let Some((low, next)) = unescape(chars, at) else { return Parsed::Literal };
        at = next;
        let range = chars.get(at) == Some(&'-') && chars.get(at + 1).is_some_and(|end| *end != ']');
        if !range {
            items.push(Item::Range(low, low));
            continue;
        }
        if dialect == Dialect::V9 && posix(chars, at + 1).is_some() {
            return Parsed::Never(chars.len());
        }
        let Some((high, next)) = unescape(chars, at + 1) else { return Parsed::Literal };
        at = next;
        if low <= high {
            items.push(Item::Range(low, high));
        } else {
            impossible = true;
        }
    }
    let end = at + 1;
    match (dialect, impossible) {
        (Dialect::V3, true) => return Parsed::Literal,
        (Dialect::V5, true) => return Parsed::Never(end),
        (Dialect::V9, true) if items.is_empty() => return Parsed::Never(chars.len()),
        _ => {}
    }
    match items.as_slice() {
        [Item::Range(low, high)] if low == high && !negated => Parsed::Char(*low, end),
        _ => Parsed::Class(Class { negated, items, nocase }, end),
    }
}

fn unescape(chars: &[char], at: usize) -> Option<(char, usize)> {
    match chars.get(at)? {
        '\\' => chars.get(at + 1).map(|c| (*c, at + 2)),
        c => Some((*c, at + 1)),
    }
}

fn posix(chars: &[char], at: usize) -> Option<(usize, Item)> {
    POSIX.iter().find_map(|(name, class, outside)| {
        let length = name.len();
        let found = chars.get(at..at + length)?.iter().copied().eq(name.chars());
        found.then_some((length, if *outside { Item::Outside(*class) } else { Item::Posix(*class) }))
    })
}

impl Class {
    /// Whether the character is one of the class.
    pub(super) fn matches(&self, c: char) -> bool {
        let inside = self.contains(c) || (self.nocase && (c.to_lowercase().any(|lower| self.contains(lower)) || self.contains(fold(c))));
        inside != self.negated
    }

    fn contains(&self, c: char) -> bool {
        self.items.iter().any(|item| match item {
            Item::Range(low, high) => (*low..=*high).contains(&c),
            Item::Posix(class) => class.contains(c),
            Item::Outside(class) => !class.contains(c),
        })
    }
}

impl Posix {
    /// For the two classes that are given by what they leave out, what they leave out.
    fn contains(self, c: char) -> bool {
        match self {
            Self::Alnum => c.is_alphanumeric(),
            Self::Alpha => c.is_alphabetic(),
            Self::Ascii => c.is_ascii(),
            Self::Blank => c == '\t' || (c.is_whitespace() && !c.is_control()),
            Self::Control | Self::Print => c.is_control(),
            Self::Digit => c.is_numeric(),
            Self::Graph => c.is_whitespace() || c.is_control(),
            Self::Lower => c.is_lowercase(),
            Self::Punct => c.is_ascii_punctuation() && !matches!(c, '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~'),
            Self::Space => c.is_whitespace(),
            Self::Upper => c.is_uppercase(),
            Self::Word => c.is_alphanumeric() || c == '_',
            Self::Hex => c.is_ascii_hexdigit(),
        }
    }
}
