//! Strangers' text made safe to print.
//!
//! In: names, paths, messages and logs that a package, a repository or a build wrote. Out: the same
//! text with every character that a terminal obeys, or that a reader cannot see, in a visible
//! `\u{…}` form. Nothing is dropped silently, so that two different texts still look different;
//! only the colours of a log ([`escape_lines`]) go, which carry no text.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use unicode_width::UnicodeWidthChar;

use verdict::escape::is_unsafe;

/// One line of safe text: newlines and tabs become `\n` and `\t`, everything else unsafe its
/// `\u{…}` form.
pub fn escape(text: &str) -> Cow<'_, str> {
    escape_except(text, |_| false)
}

/// Safe text of several lines, for logs: newlines and tabs stay, `\r\n` is a newline, and complete
/// colour sequences (`ESC [ … m`) are left out.
pub fn escape_lines(text: &str) -> Cow<'_, str> {
    let plain = without_colours(text);
    let plain = if plain.contains("\r\n") { Cow::Owned(plain.replace("\r\n", "\n")) } else { plain };
    match plain {
        Cow::Borrowed(text) => escape_except(text, is_layout),
        Cow::Owned(text) => Cow::Owned(escape_except(&text, is_layout).into_owned()),
    }
}

fn is_layout(c: char) -> bool {
    matches!(c, '\n' | '\t')
}

fn escape_except(text: &str, keep: fn(char) -> bool) -> Cow<'_, str> {
    let Some(first) = text.find(|c| is_unsafe(c) && !keep(c)) else {
        return Cow::Borrowed(text);
    };
    let (safe, rest) = text.split_at(first);
    let mut out = String::with_capacity(text.len() + 16);
    out.push_str(safe);
    for c in rest.chars() {
        match c {
            _ if keep(c) || !is_unsafe(c) => out.push(c),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Writing to a String cannot fail.
            _ => drop(write!(out, "\\u{{{:x}}}", u32::from(c))),
        }
    }
    Cow::Owned(out)
}

/// Build tools colour their logs even without a terminal; escaped, the sequences would drown the
/// text.
fn without_colours(text: &str) -> Cow<'_, str> {
    if !text.contains("\u{1b}[") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        out.push_str(before);
        let parameters = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, ';' | ':')).len();
        if let Some(tail) = after.get(parameters..).and_then(|tail| tail.strip_prefix('m')) {
            rest = tail;
        } else {
            out.push_str("\u{1b}[");
            rest = after;
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Shortens text to at most `columns` columns of a terminal, the last of them `…` where something
/// is left out.
///
/// Wide characters count as two. Combining marks count as none, but no more than four of them per
/// column are kept, so that the result is bounded in bytes as well. Escape first: an unsafe
/// character has no width of its own.
pub fn truncate(text: &str, columns: usize) -> Cow<'_, str> {
    let mut width = 0_usize;
    let mut marks = 0_usize;
    // Where to cut if the text turns out too long: room for the ellipsis is kept.
    let mut cut = 0_usize;
    for (at, c) in text.char_indices() {
        let wide = c.width().unwrap_or(0);
        if wide == 0 {
            marks += 1;
        }
        width += wide;
        if width > columns || marks > columns.saturating_mul(4) {
            let kept = text.get(..cut).unwrap_or_default();
            return Cow::Owned(if columns == 0 { String::new() } else { format!("{kept}…") });
        }
        if width < columns {
            cut = at + c.len_utf8();
        }
    }
    Cow::Borrowed(text)
}

/// A time as people read it: the two largest units.
pub fn shown_time(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => format!("{} ms", time.as_millis()),
        1..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_its_two_largest_units() {
        let said =
            [0, 999, 1000, 59_999, 60_000, 333_766, 3_600_000, 7_399_000, 200_000_000].map(|ms| shown_time(Duration::from_millis(ms)));
        assert_eq!(said, ["0 ms", "999 ms", "1 s", "59 s", "1 min 0 s", "5 min 33 s", "1 h 0 min", "2 h 3 min", "2 d 7 h"]);
    }

    #[test]
    fn plain_text_is_borrowed() {
        for text in ["", "left-pad@1.3.0", "größe 名前 🎉", "a\\b \"c\""] {
            assert!(matches!(escape(text), Cow::Borrowed(same) if same == text), "{text:?}");
        }
    }

    #[test]
    fn what_steers_a_terminal_becomes_visible() {
        for (text, expected) in [
            ("\u{1b}[2Jx", "\\u{1b}[2Jx"),
            ("\u{1b}]0;title\u{7}", "\\u{1b}]0;title\\u{7}"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("a\u{8}b\u{7f}", "a\\u{8}b\\u{7f}"),
            ("a\nb\tc\r", "a\\nb\\tc\\r"),
            ("nul\0", "nul\\u{0}"),
        ] {
            assert_eq!(escape(text), expected);
        }
    }

    #[test]
    fn what_hides_or_reorders_becomes_visible() {
        for c in "\u{202e}\u{2066}\u{200b}\u{200d}\u{2028}\u{2029}\u{feff}\u{ad}\u{61c}\u{3164}\u{fe0f}\u{e0041}\u{e000}\u{ffff}\u{1fffe}\u{100000}\u{fdd0}".chars() {
            assert_eq!(escape(&format!("a{c}b")), format!("a\\u{{{:x}}}b", u32::from(c)));
        }
    }

    #[test]
    fn a_log_keeps_its_lines_and_loses_its_colours() {
        assert_eq!(escape_lines("\u{1b}[1;32mok\u{1b}[0m\r\n\tnext\n"), "ok\n\tnext\n");
        assert_eq!(escape_lines("10%\r20%"), "10%\\r20%");
        assert_eq!(escape_lines("\u{1b}[2K\u{1b}[1A\u{1b}["), "\\u{1b}[2K\\u{1b}[1A\\u{1b}[");
        assert!(matches!(escape_lines("a\n\tb"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_colour_inside_a_broken_sequence_does_not_build_a_new_one() {
        assert_eq!(escape_lines("\u{1b}\u{1b}[0m[2J"), "\\u{1b}[2J");
    }

    #[test]
    fn truncation_counts_columns() {
        for (text, columns, expected) in [
            ("abcdef", 6, "abcdef"),
            ("abcdefg", 6, "abcde…"),
            ("名前です", 8, "名前です"),
            ("名前です", 7, "名前で…"),
            ("名前です", 6, "名前…"),
            ("e\u{301}e\u{301}", 2, "e\u{301}e\u{301}"),
            ("e\u{301}e\u{301}x", 2, "e\u{301}…"),
            ("ab", 1, "…"),
            ("ab", 0, ""),
            ("", 0, ""),
        ] {
            assert_eq!(truncate(text, columns), expected, "{text:?} to {columns}");
        }
    }

    #[test]
    fn a_pile_of_combining_marks_is_cut() {
        let pile = format!("a{}", "\u{301}".repeat(10_000));
        assert!(truncate(&pile, 10).len() < 200);
    }
}
