//! What a reader of scripts makes of the bytes of a picture or a sound: by how they begin, and by
//! what it looks for anywhere in them.
//!
//! Languages that read the whole of a file before they run any of it (JavaScript, Perl, Python,
//! Ruby, Lua) refuse it for a single byte that may not stand where it stands. Others look for the
//! place where their part begins. In: bytes of strangers. Nothing of them is kept.

use std::io::{self, Read};

/// Bytes that a tag is known by.
const TAG: usize = 20;
/// Letters behind `<?` and `<%` that are no chance.
const LETTERS: usize = 6;
/// What begins with `<?`, and is no code for PHP: two names in a row.
const NO_CODE: [&[u8]; 4] = [b"<?xpacket begin=", b"<?xpacket end=", b"<?xml version=", b"<?adobe-xap-filters "];
/// Words by which Perl begins a text with an end of the author's choice.
const QUOTING: [&[u8]; 9] = [b"q", b"qq", b"qw", b"qx", b"qr", b"m", b"s", b"y", b"tr"];

/// Whether a file is refused as a whole by languages that read all of it first: a byte that none of
/// them takes stands before anything in which any byte may stand (a comment, a text, a pattern).
pub(crate) fn is_refused(head: &[u8]) -> bool {
    let mut before = b'\n';
    let mut word: Vec<u8> = Vec::new();
    let mut left = head;
    while let Some((&byte, rest)) = left.split_first() {
        let opens = match byte {
            b'\'' | b'"' | b'`' | b'#' | b'/' | b'<' | b'%' | b'?' => true,
            b'-' => before == b'-',
            // Perl's documentation, and a comment of Ruby's.
            b'=' => matches!(before, b'\n' | b'\r'),
            _ => false,
        };
        if byte.is_ascii_alphanumeric() || byte == b'_' {
            word.push(byte);
        } else if opens || QUOTING.contains(&word.as_slice()) {
            return false;
        } else {
            word.clear();
        }
        // Older ones of Perl take any byte for the name of a variable.
        let is_named = matches!(before, b'$' | b'@' | b'&' | b'*');
        match byte {
            // Perl passes over the first, and takes it and the others for an end of the text; what
            // stands before them does nothing.
            0 | 4 | 0x1a | b'\t'..=b'\r' => {}
            0x01..=0x1f | 0x7f if !is_named => return true,
            0x80.. => match wide(left) {
                Wide::Letter(length) => {
                    left = left.get(length..).unwrap_or_default();
                    before = byte;
                    continue;
                }
                Wide::Cut => return false,
                Wide::No if !is_named => return true,
                Wide::No => {}
            },
            _ => {}
        }
        (before, left) = (byte, rest);
    }
    false
}

enum Wide {
    Letter(usize),
    /// The head ends in it.
    Cut,
    No,
}

/// A letter of more than one byte at the beginning.
fn wide(bytes: &[u8]) -> Wide {
    let Some(first) = bytes.get(..bytes.len().min(4)) else { return Wide::Cut };
    match std::str::from_utf8(first) {
        Ok(text) => text.chars().next().map_or(Wide::Cut, |letter| Wide::Letter(letter.len_utf8())),
        Err(error) if error.valid_up_to() > 0 => {
            let text = std::str::from_utf8(first.get(..error.valid_up_to()).unwrap_or_default()).unwrap_or_default();
            text.chars().next().map_or(Wide::No, |letter| Wide::Letter(letter.len_utf8()))
        }
        Err(error) if error.error_len().is_none() && bytes.len() < 4 => Wide::Cut,
        Err(_) => Wide::No,
    }
}

/// Whether bytes have a part that a reader finds wherever it stands: of PHP and of templates
/// (`<?`, `<%`), a line that names a program (`#!`), which Perl looks for, and the end of an
/// archive that Python and Java run. A file that cannot be read has one.
pub(crate) fn has_part(mut content: impl Read) -> bool {
    let mut bytes = vec![b'\n'];
    loop {
        let Ok(more) = piece(&mut content, &mut bytes) else { return true };
        if bytes.windows(TAG).any(begins_part) {
            return true;
        }
        if more == 0 {
            // What is behind the last whole window, with nothing behind it.
            bytes.extend([0; TAG]);
            return bytes.windows(TAG).any(begins_part);
        }
        bytes.drain(..bytes.len().saturating_sub(TAG - 1));
    }
}

/// Adds some bytes, and says how many.
fn piece(content: &mut impl Read, bytes: &mut Vec<u8>) -> io::Result<usize> {
    content.take(64 << 10).read_to_end(bytes)
}

fn begins_part(bytes: &[u8]) -> bool {
    let is_printed = |byte: &u8| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    match bytes {
        [b'\n' | b'\r', b'#', b'!', ..]
        | [b'P', b'K', 5, 6, ..]
        | [b'<', b'?', b'=', ..]
        | [b'<', b'?', b'p' | b'P', b'h' | b'H', b'p' | b'P', ..] => true,
        [b'<', b'?' | b'%', rest @ ..] => {
            let is_known = NO_CODE.iter().any(|known| bytes.starts_with(known));
            // These, too, read the whole of it before they run any.
            !is_known && rest.iter().take(LETTERS).all(is_printed) && !is_refused(rest)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_as_a_script_may_is_not_refused() {
        for head in [
            &b"GIF89a;\n=a\0\0\0"[..],
            b"GIF89a x q y\x01",
            b"RIFF,q:\x02WAVE",
            b"RIFF;#\0\0WAVE\x01",
            b"GIF89a=[1,%q(\x01",
            b"BM;;\0\0\n=a \x01",
            b"GIF89a--\x01",
            b"GIF89a/*\x01*/",
            b"GIF89a,$\x01;#\x01",
            b"GIF89a\0\0\0\0",
            "GIF89a\u{e9}\u{2028}".as_bytes(),
            b"GIF89a\xc3",
        ] {
            assert!(!is_refused(head), "{:?}", String::from_utf8_lossy(head));
        }
    }

    #[test]
    fn a_byte_that_nothing_may_begin_with_refuses_all_behind_it() {
        for head in [
            &b"\x89PNG\r\n\x1a\n"[..],
            b"\xff\xd8\xff'",
            b"GIF89a\x20\x03#",
            b"GIF89a,\x01\0\xf7",
            b"GIF89a@\x01\xf0\0\xf7",
            b"\0\0\0 ftypisom\0\0\x02\0isom",
            b"\0\0\0 ftypmp42\0\0\0\0mp42isom\0\0\x0b\xe1moov",
            b"\0\x01\0\0\0\x0c",
            b"OTTO\0\x0b\0\x80\0\x03",
            b"wOF2\0\x01\0\0",
            b"ID3\x03",
            b"glTF\x02\0\0\0",
            b"RIFF\x2c\x01\0\0WAVE",
        ] {
            assert!(is_refused(head), "{:?}", String::from_utf8_lossy(head));
        }
    }

    #[test]
    fn parts_are_found_wherever_they_stand_and_what_pictures_say_of_themselves_is_none() {
        for (part, found) in [
            (&b"<?php system('id');"[..], true),
            (b"<?=`id`;", true),
            (b"<? system('id')", true),
            (b"<%= `id` %>", true),
            (b"\n#!perl\n", true),
            (b"PK\x05\x06", true),
            (b"<?xpacket begin=\"\xef\xbb\xbf\" id=\"W5M0\"?>", false),
            (b"<?xpacket end=\"w\"?>", false),
            (b"<? xy;/*\x01", true),
            (b"<?x1234567\x01", false),
            (b"<?x\x01", false),
            (b"a#!b", false),
        ] {
            for before in [0, 1, 65_530, 65_536, 131_070] {
                let content = [&vec![1; before][..], part].concat();
                assert_eq!(has_part(content.as_slice()), found, "{before} {:?}", String::from_utf8_lossy(part));
            }
        }
        assert!(has_part(&b"#!perl"[..]));
        assert!(has_part(&b"\x01<?="[..]) && !has_part(&b""[..]));
    }
}
