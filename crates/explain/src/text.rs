//! Bytes as text: whether they are, and the differences that no program sees.

use std::borrow::Cow;

use super::Class;

/// git looks for a NUL in this many bytes to tell binary from text.
const SNIFFED: usize = 8000;

const MARK: &[u8] = b"\xef\xbb\xbf";

/// Whether these bytes are no text.
pub(super) fn is_binary(bytes: &[u8]) -> bool {
    bytes.iter().take(SNIFFED).any(|byte| *byte == 0)
}

/// Without byte order mark, and with a line feed for every end of a line.
pub(super) fn plain(bytes: &[u8]) -> Cow<'_, [u8]> {
    let bytes = bytes.strip_prefix(MARK).unwrap_or(bytes);
    if !bytes.contains(&b'\r') {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'\r' || rest.peek() != Some(&b'\n') {
            out.push(byte);
        }
    }
    Cow::Owned(out)
}

/// The class of two texts that differ in nothing else than mark, line endings or final line feeds.
pub(super) fn invisible(published: &[u8], rebuilt: &[u8]) -> Option<(Class, String)> {
    let which = |ours: bool| if ours { "only the published file" } else { "only the rebuilt file" };
    let marked = [published, rebuilt].map(|bytes| bytes.starts_with(MARK));
    let unmarked = [published, rebuilt].map(|bytes| bytes.strip_prefix(MARK).unwrap_or(bytes));
    if unmarked[0] == unmarked[1] {
        return Some((Class::ByteOrderMark, format!("{} begins with a byte order mark", which(marked[0]))));
    }
    let [ours, theirs] = [published, rebuilt].map(plain);
    if ours == theirs {
        let crlf = |bytes: &[u8]| bytes.windows(2).filter(|pair| pair == b"\r\n").count();
        let more = crlf(published) > crlf(rebuilt);
        return Some((Class::LineEndings, format!("{} has CRLF line endings, or more of them", which(more))));
    }
    let end = |bytes: &[u8]| bytes.iter().rev().take_while(|byte| **byte == b'\n').count();
    let (ours_end, theirs_end) = (end(&ours), end(&theirs));
    let body = |bytes: &[u8], end: usize| bytes.len().checked_sub(end).and_then(|len| bytes.get(..len)).map(<[u8]>::to_vec);
    (body(&ours, ours_end) == body(&theirs, theirs_end))
        .then(|| (Class::FinalNewline, format!("the published file ends with {ours_end} line feeds, the rebuilt one with {theirs_end}")))
}

/// Whether two texts are the same but for spaces, tabs and line feeds.
pub(super) fn same_but_whitespace(published: &[u8], rebuilt: &[u8]) -> bool {
    let visible = |bytes: &'_ [u8]| bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect::<Vec<u8>>();
    visible(published) == visible(rebuilt)
}

/// What is left of two texts without the lines that they have in common at the start and the end.
pub(super) fn core<'a>(published: &'a [u8], rebuilt: &'a [u8]) -> [&'a [u8]; 2] {
    let same = published.iter().zip(rebuilt).take_while(|(a, b)| a == b).count();
    let start = published.get(..same).and_then(|head| head.iter().rposition(|byte| *byte == b'\n')).map_or(0, |at| at + 1);
    let [ours, theirs] = [published, rebuilt].map(|bytes| bytes.get(start..).unwrap_or_default());
    let same = ours.iter().rev().zip(theirs.iter().rev()).take_while(|(a, b)| a == b).count();
    let tail = ours.len().checked_sub(same).and_then(|at| ours.get(at..)).unwrap_or_default();
    let end = tail.iter().position(|byte| *byte == b'\n').map_or(0, |at| tail.len() - at);
    [ours, theirs].map(|bytes| bytes.len().checked_sub(end).and_then(|len| bytes.get(..len)).unwrap_or(bytes))
}

/// At most `most` characters, for a message.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(published: &[u8], rebuilt: &[u8]) -> Option<Class> {
        invisible(published, rebuilt).map(|(class, _)| class)
    }

    #[test]
    fn marks_line_endings_and_final_line_feeds_have_classes_of_their_own() {
        assert_eq!(class(b"\xef\xbb\xbfa\n", b"a\n"), Some(Class::ByteOrderMark));
        assert_eq!(class(b"a\r\nb\r\n", b"a\nb\n"), Some(Class::LineEndings));
        assert_eq!(class(b"a\n\n", b"a"), Some(Class::FinalNewline));
        assert_eq!(class(b"a b\n", b"a  b\n"), None);
        assert_eq!(class(b"\n", b"a"), None);
    }

    #[test]
    fn a_lone_carriage_return_is_not_a_line_ending() {
        assert_eq!(class(b"a\rb", b"ab"), None);
    }

    #[test]
    fn the_core_is_what_lies_between_the_common_lines() {
        assert_eq!(core(b"a\nb\nc\n", b"a\nx\nc\n"), [b"b", b"x"]);
        assert_eq!(core(b"a\nc\n", b"a\nx\nc\n"), [&b"c"[..], b"x\nc"]);
        assert_eq!(core(b"aa", b"a"), [&b"aa"[..], b"a"]);
        assert_eq!(core(b"", b"a\n"), [&b""[..], b"a\n"]);
    }

    #[test]
    fn whitespace_does_not_hide_a_letter() {
        assert!(same_but_whitespace(b"# a\n\nb", b"#  a\nb\n"));
        assert!(!same_but_whitespace(b"a", b"b"));
    }

    #[test]
    fn binary_is_what_has_a_nul_early() {
        assert!(is_binary(b"\0asm") && !is_binary(b"text"));
    }
}
