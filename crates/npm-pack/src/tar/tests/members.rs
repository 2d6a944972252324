//! Which members are written, in which sequence, and what is adopted for them.

use std::io::Cursor;

use super::*;

fn names(era: &str, members: &[Member<'_>]) -> Vec<String> {
    headers_of(&written(era, members)).into_iter().map(|(name, ..)| name).collect()
}

fn tree() -> Vec<Member<'static>> {
    vec![file("lib/b.js", b"1"), link("link", "lib"), file("package.json", b"{}"), file("a.md", b"")]
}

#[test]
fn npm_skips_links_and_sorts_by_extension() {
    assert_eq!(names("npm-7-20", &tree()), ["package/lib/b.js", "package/package.json", "package/a.md"]);
}

#[test]
fn berry_keeps_links_and_sorts_by_bytes() {
    assert_eq!(names("berry-3", &tree()), ["package/a.md", "package/lib/b.js", "package/link", "package/package.json"]);
}

#[test]
fn yarn_1_writes_directories_without_a_slash() {
    assert_eq!(
        names("yarn-1", &tree()),
        ["package", "package/a.md", "package/lib", "package/link", "package/package.json", "package/lib/b.js"]
    );
}

#[test]
fn vlt_writes_directories_with_a_slash_and_no_time() {
    let stream = written("vlt-1", &tree());
    let names: Vec<_> = headers_of(&stream).into_iter().map(|header| header.0).collect();
    assert_eq!(names, ["package/", "package/a.md", "package/lib/", "package/link", "package/package.json", "package/lib/b.js"]);
    assert_eq!(stream[136..148], [0; 12]);
}

#[test]
fn empty_directories_are_kept_where_directories_are() {
    let members = [Member { path: "empty".into(), mode: 0o755, kind: Kind::Directory, mtime: None }];
    assert_eq!(names("yarn-1", &members), ["package", "package/empty"]);
    assert_eq!(names("npm-7-20", &members), Vec::<String>::new());
}

#[test]
fn contents_are_padded_to_blocks() {
    let stream = written("npm-7-20", &[file("a", b"12345"), file("b", b"")]);
    assert_eq!(stream.len(), 512 + 512 + 512 + 1024);
    assert_eq!(stream[512..517], *b"12345");
    assert_eq!(stream[517..1024], [0; 507]);
}

#[test]
fn writes_have_the_sizes_of_header_pieces_and_padding() {
    struct Sizes(Vec<usize>);
    impl Write for Sizes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push(bytes.len());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    static CONTENT: [u8; 9000] = [1; 9000];
    let mut sizes = Sizes(Vec::new());
    let era = by_id("pnpm-12-21").unwrap();
    write(&[file("a", &CONTENT)], era, &Bins::default(), &Adopted::default(), &mut sizes).unwrap();
    assert_eq!(sizes.0, [512, 8192, 808, 216, 1024]);
}

#[test]
fn a_content_of_another_size_is_an_error() {
    struct Wrong(u64);
    impl Content for Wrong {
        fn size(&self) -> u64 {
            self.0
        }
        fn open(&self) -> io::Result<Box<dyn Read + '_>> {
            Ok(Box::new(Cursor::new(b"12345")))
        }
    }
    for announced in [4, 6, 20_000] {
        let member = Member { path: "a".into(), mode: 0o644, kind: Kind::File(Box::new(Wrong(announced))), mtime: None };
        let era = by_id("npm-7-20").unwrap();
        let outcome = write(&[member], era, &Bins::default(), &Adopted::default(), &mut io::sink());
        assert!(matches!(outcome, Err(TarError::SizeChanged { .. })), "{announced}");
    }
}

#[test]
fn paths_that_leave_the_package_by_their_form_are_refused() {
    for path in ["", "/etc/passwd", "a\0b"] {
        let outcome = write(&[file(path, b"")], by_id("npm-7-20").unwrap(), &Bins::default(), &Adopted::default(), &mut io::sink());
        assert!(matches!(outcome, Err(TarError::BadPath { .. })), "{path:?}");
    }
}

fn known(mode: u32, mtime: u64) -> Adopted {
    let mut adopted = Adopted::default();
    adopted.entries.insert("a".into(), AdoptedEntry { mode, mtime: Some(mtime), ..AdoptedEntry::default() });
    adopted
}

#[test]
fn umask_bits_are_adopted_where_the_client_kept_them_and_executable_bits_never() {
    let mode = |era| shown(&adopting(era, &[file("a", b"")], &known(0o777, 1))[100..108]);
    assert_eq!(mode("npm-6-10"), "000666_~");
    assert_eq!(mode("npm-7-20"), "000644_~");
    assert_eq!(mode("pnpm-7"), "000644_~");
    assert_eq!(shown(&adopting("npm-7-20", &[file("a", b"")], &known(0o600, 1))[100..108]), "000600_~");
}

#[test]
fn times_are_adopted_only_where_the_client_wrote_the_files_own() {
    let time = |era| shown(&adopting(era, &[file("a", b"")], &known(0o644, 7))[136..148]);
    assert_eq!(time("npm-5-4"), "0000000007_~");
    assert_eq!(time("npm-7-20"), "3560116604_~");
}

#[test]
fn records_that_reach_the_disk_are_never_adopted() {
    let records = ["path", "size", "NODETAR.depth"].map(|keyword| (keyword.to_owned(), b"../../x".to_vec())).to_vec();
    let mut adopted = known(0o644, 7);
    adopted.entries.get_mut("a").unwrap().pax = Some(AdoptedPax { signature: Signature::default(), records });
    let stream = adopting("npm-2", &[file("a", b"12345")], &adopted);
    assert_eq!(text(&stream[512..1024]), "18 path=package/a\n9 size=5\n25 NODETAR.depth=../../x\n");
}

#[test]
fn a_sequence_is_adopted_from_npm_where_a_language_gives_it() {
    let published = |era, order: [&'static str; 4]| {
        let members: Vec<_> = order.iter().map(|path| file(path, b"")).collect();
        let adopted = Adopted { order: order.map(String::from).to_vec(), ..Adopted::default() };
        let encoder = crate::gzip::Match { class: crate::gzip::Class::A, level: 6, xfl: 0, os: 3 };
        let mut gz = Vec::new();
        crate::gzip::compress(&mut adopting(era, &members, &adopted).as_slice(), encoder, &mut gz).unwrap();
        let headers = crate::fingerprint::Headers::read(&gz, &crate::fingerprint::Limits::default()).unwrap();
        Adopted::from_published(&headers, by_id(era).unwrap()).order
    };
    let (slovak, none) = (["c.js", "h.js", "ch.js", "i.js"], ["h.js", "i.js", "c.js", "ch.js"]);
    for era in ["npm-6-10", "npm-7-0", "npm-7-7", "lerna-4"] {
        assert_eq!(published(era, slovak), slovak, "{era}");
        assert!(published(era, none).is_empty(), "{era}");
    }
    for era in ["npm-5-8", "npm-7-20"] {
        assert!(published(era, slovak).is_empty(), "{era}");
    }
}

#[test]
fn the_published_sequence_cannot_add_or_drop_members() {
    let adopted = Adopted { order: ["b", "x", "b"].map(String::from).to_vec(), ..Adopted::default() };
    let stream = adopting("pnpm-7", &[file("a", b""), file("b", b""), file("c", b"")], &adopted);
    let names: Vec<_> = headers_of(&stream).into_iter().map(|header| header.0).collect();
    assert_eq!(names, ["package/b", "package/a", "package/c"]);
}
