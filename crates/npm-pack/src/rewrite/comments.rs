//! A check of scripts from which a tool took comments out by a pattern: nothing but comments may be
//! gone.
//!
//! No parser is asked, because parsers disagree on where a regular expression begins, and from
//! there on on what is text. Both texts are read by rules that leave one reading only. Where two
//! are possible, the answer is no.

/// Characters behind which a line feed more means nothing: JavaScript ends no statement there.
const OPEN: &str = "({[,;=:?&|*%~^";

/// Whether both texts are the same but for comments and the space around them. `false` where that
/// cannot be told for certain, and where a line feed is new that JavaScript may read.
pub(super) fn only_comments_differ(before: &[u8], after: &[u8]) -> bool {
    let (Ok(before), Ok(after)) = (std::str::from_utf8(before), std::str::from_utf8(after)) else { return false };
    let (mut ones, mut others) = (Pieces::new(before), Pieces::new(after));
    loop {
        let last = ones.last;
        let is_open = last.is_none_or(|last| OPEN.contains(last));
        match (ones.next(), others.next()) {
            (Ok(None), Ok(None)) => return true,
            (Ok(Some(one)), Ok(Some(other))) if one.text == other.text && one.gap.allows(other.gap, is_open) => {}
            _ => return false,
        }
    }
}

/// Space and comments between two pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gap {
    /// Nothing, not even a space.
    No,
    /// Without the end of a line.
    Inline,
    /// With one.
    Break,
}

impl Gap {
    fn allows(self, after: Self, is_open: bool) -> bool {
        self == after || (self == Self::Inline && after == Self::Break && is_open)
    }
}

/// A part of a text that is no comment.
struct Piece<'t> {
    /// Before it; `No` at the text's start.
    gap: Gap,
    text: &'t str,
}

/// More than one reading is possible.
struct Ambiguous;

/// The pieces of a text, in order.
struct Pieces<'t> {
    rest: &'t str,
    /// The character before the rest; `None` at the start.
    last: Option<char>,
    /// For each `${` that is open, the braces open within.
    braces: Vec<usize>,
}

impl<'t> Pieces<'t> {
    fn new(text: &'t str) -> Self {
        Self { rest: text, last: None, braces: Vec::new() }
    }

    fn next(&mut self) -> Result<Option<Piece<'t>>, Ambiguous> {
        // `#!` counts as a comment at the very start alone, behind the mark of Unicode at most.
        let marked = self.rest.strip_prefix('\u{feff}').unwrap_or(self.rest);
        if self.last.is_none() && marked.starts_with("#!") {
            self.rest = marked;
            let text = self.take(line(marked).len())?;
            return Ok(Some(Piece { gap: Gap::No, text }));
        }
        let gap = if self.last.is_none() { self.gap().map(|_| Gap::No)? } else { self.gap()? };
        let Some(first) = self.rest.chars().next() else { return Ok(None) };
        let length = self.length(first)?;
        Ok(Some(Piece { gap, text: self.take(length)? }))
    }

    /// Takes so many bytes as a piece.
    fn take(&mut self, length: usize) -> Result<&'t str, Ambiguous> {
        let (text, rest) = self.rest.split_at_checked(length).ok_or(Ambiguous)?;
        (self.rest, self.last) = (rest, text.chars().next_back());
        Ok(text)
    }

    /// Passes over space and comments.
    fn gap(&mut self) -> Result<Gap, Ambiguous> {
        let mut gap = Gap::No;
        loop {
            let passed = if self.rest.starts_with("//") {
                line(self.rest)
            } else if let Some(inside) = self.rest.strip_prefix("/*") {
                let length = inside.find("*/").ok_or(Ambiguous)?;
                self.rest.get(..length + 4).ok_or(Ambiguous)?
            } else {
                let end = self.rest.find(|c| !is_space(c)).unwrap_or(self.rest.len());
                self.rest.get(..end).filter(|space| !space.is_empty()).unwrap_or_default()
            };
            if passed.is_empty() {
                return Ok(gap);
            }
            gap = if gap == Gap::Break || passed.contains(ends_line) { Gap::Break } else { Gap::Inline };
            self.rest = self.rest.get(passed.len()..).ok_or(Ambiguous)?;
        }
    }

    /// Bytes of the piece that begins with `first`.
    fn length(&mut self, first: char) -> Result<usize, Ambiguous> {
        let rest = self.rest;
        // A comment of HTML in one kind of file, operators in the other; `#!` behind a gap.
        if ["<!--", "-->", "#!"].iter().any(|start| rest.starts_with(start)) {
            return Err(Ambiguous);
        }
        match first {
            '\'' | '"' => string(rest, first).ok_or(Ambiguous),
            '`' => self.template(),
            '/' => self.slash(),
            '{' => {
                if let Some(open) = self.braces.last_mut() {
                    *open += 1;
                }
                Ok(1)
            }
            '}' => match self.braces.last_mut() {
                Some(0) => {
                    self.braces.pop();
                    self.template()
                }
                Some(open) => {
                    *open -= 1;
                    Ok(1)
                }
                None => Ok(1),
            },
            other => Ok(other.len_utf8()),
        }
    }

    /// Bytes of a template's text with its marks, up to its end or its next `${`.
    fn template(&mut self) -> Result<usize, Ambiguous> {
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '`' => return Ok(at + 1),
                '\\' => drop(chars.next()),
                '$' if self.rest.get(at + 1..).is_some_and(|rest| rest.starts_with('{')) => {
                    self.braces.push(0);
                    return Ok(at + 2);
                }
                _ => {}
            }
        }
        Err(Ambiguous)
    }

    /// Bytes to the end of the line of a `/` that is no comment: a division, or the start of a
    /// regular expression. Both end in code at the line's end if there is nothing on the line that
    /// only one of them reads: a quote, a comment, a brace that counts. A tag of JSX is neither.
    fn slash(&self) -> Result<usize, Ambiguous> {
        let rest = line(self.rest).trim_end_matches(is_space);
        let behind = rest.get(1..).unwrap_or_default();
        let is_tag = self.last == Some('<') || behind.trim_start_matches(is_space).starts_with('>') || behind.is_empty();
        let counts = |c: char| matches!(c, '\'' | '"' | '`') || (matches!(c, '{' | '}') && !self.braces.is_empty());
        let is_one = !is_tag && !rest.contains(counts) && !["//", "/*", "<!--", "-->"].iter().any(|mark| rest.contains(mark));
        is_one.then_some(rest.len()).ok_or(Ambiguous)
    }
}

/// Bytes of a string with its quotes; `None` if its line ends before it.
fn string(text: &str, quote: char) -> Option<usize> {
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => drop(chars.next().filter(|(_, next)| !ends_line(*next))?),
            c if c == quote => return Some(at + 1),
            c if ends_line(c) => return None,
            _ => {}
        }
    }
    None
}

/// The text up to its first end of a line, without that.
fn line(text: &str) -> &str {
    text.split(ends_line).next().unwrap_or_default()
}

fn ends_line(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

/// Space of JavaScript.
fn is_space(c: char) -> bool {
    c == '\u{feff}' || (c.is_whitespace() && c != '\u{85}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_safe(before: &str, after: &str) -> bool {
        only_comments_differ(before.as_bytes(), after.as_bytes())
    }

    #[test]
    fn comments_may_go_where_nothing_else_can_be_meant() {
        for (before, after) in [
            ("/* x */\nf()", "f()"),
            ("\u{feff}// x\nf() // y\n", "f()\n"),
            ("f(/* x */ a, /* y */ b)", "f(\n a,\n b)"),
            ("const a = /* @PURE */ f()", "const a =\n f()"),
            ("return // x\ntrue", "return\ntrue"),
            ("a /* x\n */ b", "a\n b"),
            ("a = b / c / 2\n// x\nd", "a = b / c / 2\nd"),
            ("a = /[x]+/g\n/* x */ d", "a = /[x]+/g\n d"),
            ("a = `x ${ { b: '}' }.b } // y`; // z\n", "a = `x ${ { b: '}' }.b } // y`;\n"),
            ("#!/usr/bin/env node\n// x\na", "#!/usr/bin/env node\na"),
            ("a = 'http://x' // y\n", "a = 'http://x'\n"),
        ] {
            assert!(is_safe(before, after), "{before}");
            assert!(is_safe(before, before), "{before}");
            assert!(!is_safe(before, &after.replacen(['a', 'f', 't'], "q", 1)), "{before}");
        }
    }

    #[test]
    fn a_line_feed_in_place_of_a_comment_changes_what_is_read() {
        for (before, after) in [
            ("return /* x */ true", "return\n true"),
            ("async /* x */ f() {}", "async\n f() {}"),
            ("a /* x */ ++\nb", "a\n ++\nb"),
            ("class A { get /* x */ b() {} }", "class A { get\n b() {} }"),
            ("break /* x */ outer", "break\n outer"),
            // A comment begins within another, so that the line feed in it was never read.
            ("// /* x\nreturn /* y */ true", "return\n true"),
            ("a\n(b)", "a (b)"),
            ("a b", "ab"),
        ] {
            assert!(!is_safe(before, after), "{before}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused_as_it_is() {
        for text in [
            "f = () => {}\n/`/g.lastIndex; a = `\n// x\n`; /`/g",
            "if (n\n--> 5)",
            "a <!--b",
            "a = b / 'c'",
            "a = /[/*]/",
            "a = <b>x // y\n</b>",
            "a = < /b>",
            "a = <b / >",
            "a = <b /\n>",
            "`${ a / { } }`",
            "a = 'b\\\nc'",
            "a = 'b",
            "a = `b",
            "/* b",
            "\n#!a",
        ] {
            assert!(!is_safe(text, text), "{text}");
        }
        for (before, after) in
            [("a = `b // c\n`", "a = `b\n`"), ("a = `b\n\nc`", "a = `b\nc`"), ("a = '/* b */'", "a = '\n'"), ("#! `\na /* ` */", "#! `\na")]
        {
            assert_eq!(is_safe(before, after), before.starts_with('#'), "{before}");
        }
        assert!(!only_comments_differ(b"\xff", b"\xff"));
    }
}
