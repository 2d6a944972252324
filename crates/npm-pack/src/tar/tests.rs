mod extended;
mod headers;
mod members;

use super::*;
use crate::era::by_id;

/// A file with mode 644.
fn file(path: &str, content: &'static [u8]) -> Member<'static> {
    Member { path: path.to_owned(), mode: 0o644, kind: Kind::File(Box::new(content)), mtime: Some(0o13_132_027_407) }
}

fn link(path: &str, target: &str) -> Member<'static> {
    Member { path: path.to_owned(), mode: 0o777, kind: Kind::Symlink(target.to_owned()), mtime: Some(0o13_132_027_407) }
}

fn written(era: &str, members: &[Member<'_>]) -> Vec<u8> {
    adopting(era, members, &Adopted::default())
}

fn adopting(era: &str, members: &[Member<'_>], adopted: &Adopted) -> Vec<u8> {
    let mut out = Vec::new();
    write(members, by_id(era).unwrap(), &Bins::default(), adopted, &mut out).unwrap();
    assert_eq!(out.len() % 512, 0);
    assert_eq!(out[out.len() - 1024..], [0; 1024]);
    out
}

/// A part of the stream with `~` for NUL and `_` for a space.
fn shown(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| match byte {
            0 => '~',
            b' ' => '_',
            byte => char::from(*byte),
        })
        .collect()
}

/// Text up to the first NUL.
fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.split(|byte| *byte == 0).next().unwrap().to_vec()).unwrap()
}

/// Name, prefix and flag of every header block; contents are passed over.
fn headers_of(stream: &[u8]) -> Vec<(String, String, char)> {
    let (mut found, mut at) = (Vec::new(), 0);
    while stream[at] != 0 {
        let header = &stream[at..at + 512];
        found.push((text(&header[..100]), text(&header[345..500]), char::from(header[156])));
        let size = text(&header[124..136]);
        let size = usize::from_str_radix(size.trim(), 8).unwrap();
        at += 512 + size.div_ceil(512) * 512;
    }
    found
}
