//! Archives that readers could disagree about, each with the oddities that must be found in it;
//! none means plain.
#![allow(clippy::too_many_lines, reason = "tables")]

mod extended;
mod names;

use std::io::Write;

use super::tarball::{Head, Tar, gzip};

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// Codes of oddities that must be there, among others.
    pub(crate) odd: Vec<&'static str>,
}

#[derive(Default)]
pub(crate) struct Cases(pub(crate) Vec<Case>);

impl Cases {
    /// A case of a compressed file as given.
    fn raw(&mut self, name: &str, odd: &[&'static str], bytes: Vec<u8>) {
        assert!(self.0.iter().all(|case| case.name != name), "two cases are called {name}");
        self.0.push(Case { name: name.to_owned(), bytes, odd: odd.to_vec() });
    }

    /// A case of a tar stream as given.
    fn stream(&mut self, name: &str, odd: &[&'static str], tar: &Tar) {
        self.raw(name, odd, gzip(&tar.0));
    }

    /// A case of what stands between a package.json and the end marker.
    fn tar(&mut self, name: &str, odd: &[&'static str], make: impl FnOnce(Tar) -> Tar) {
        let start = Tar::default().file("package/package.json", "{\"name\":\"x\",\"version\":\"1.0.0\"}");
        self.stream(name, odd, &make(start).end());
    }
}

pub(crate) fn all() -> Vec<Case> {
    let mut cases = Cases::default();
    ordinary(&mut cases);
    modes(&mut cases);
    names::names(&mut cases);
    names::duplicates(&mut cases);
    names::conflicts(&mut cases);
    links(&mut cases);
    types(&mut cases);
    extended::numbers(&mut cases);
    extended::extended(&mut cases);
    extended::records(&mut cases);
    extended::gnu(&mut cases);
    extended::headers(&mut cases);
    endings(&mut cases);
    wrapping(&mut cases);
    cases.0
}

fn ordinary(c: &mut Cases) {
    c.tar("ordinary", &[], |t| t.file("package/index.js", "1").file("package/lib/a.js", "2"));
    c.tar("empty-file", &[], |t| t.file("package/empty", ""));
    c.tar("exactly-one-block", &[], |t| t.file("package/a", &"x".repeat(512)));
    c.tar("one-over-a-block", &[], |t| t.file("package/a", &"x".repeat(513)));
    c.tar("large-file", &[], |t| t.file("package/a", &"0123456789".repeat(30_000)));
    c.tar("directories-listed", &[], |t| t.dir("package/").dir("package/lib/").file("package/lib/a", "1"));
    c.tar("directory-alone", &[], |t| t.dir("package/empty/"));
    c.tar("directory-without-slash", &[], |t| t.dir("package/lib").file("package/lib/a", "1"));
    c.tar("directory-after-its-files", &[], |t| t.file("package/lib/a", "1").dir("package/lib/"));
    c.tar("directory-named-twice", &[], |t| t.dir("package/lib/").dir("package/lib/").file("package/lib/a", "1"));
    c.tar("directory-of-mode-zero", &[], |t| t.put(Head::new("package/d/", b'5').mode(0), b"").file("package/d/a", "1"));
    c.tar("other-first-component", &[], |t| t.file("other/a", "1"));
    c.tar("first-components-merge", &[], |t| t.file("package/a", "1").file("foo/b", "2"));
    c.tar("first-component-with-spaces", &[], |t| t.file("my package/a", "1"));
    c.tar("padded-to-10240", &[], |t| t.file("package/a", "1").end().raw(&[0; 512 * 7]));
    c.tar("name-with-spaces", &[], |t| t.file("package/a b ", "1"));
    c.tar("name-with-newline", &[], |t| t.file("package/a\nb", "1"));
    c.tar("name-with-control-characters", &[], |t| t.file("package/a\x1b[31mb", "1"));
    c.tar("name-with-dots", &[], |t| t.file("package/...", "1").file("package/..a", "2").file("package/a..", "3"));
    c.tar("non-ascii-name", &[], |t| t.file("package/é", "1").file("package/日本", "2"));
    c.tar("npm-header-layout", &[], |t| t.put(Head::file("package/a").field(108, &[0; 8]).field(116, &[0; 8]).field(329, &[0; 16]), b"1"));
}

fn modes(c: &mut Cases) {
    for mode in [0, 0o1, 0o111, 0o400, 0o444, 0o555, 0o600, 0o644, 0o664, 0o666, 0o744, 0o755, 0o775, 0o777] {
        c.tar(&format!("mode-{mode:04o}"), &[], |t| t.put(Head::file("package/a").mode(mode), b"1"));
    }
    for mode in [0o1644, 0o2755, 0o4755, 0o6755, 0o7777] {
        c.tar(&format!("mode-{mode:04o}"), &[], |t| t.put(Head::file("package/a").mode(mode), b"1"));
    }
    c.tar("mode-with-file-type", &[], |t| t.put(Head::file("package/a").mode(0o100_755), b"1"));
    c.tar("mode-of-eight-digits", &[], |t| t.put(Head::file("package/a").field(100, b"00000755"), b"1"));
    c.tar("mode-with-spaces", &[], |t| t.put(Head::file("package/a").field(100, b"   755 \0"), b"1"));
    c.tar("mode-empty", &["ambiguous-number"], |t| t.put(Head::file("package/a").field(100, &[0; 8]), b"1"));
    c.tar("mode-not-octal", &["ambiguous-number"], |t| t.put(Head::file("package/a").field(100, b"rwxr-xr-"), b"1"));
    c.tar("mode-negative", &["ambiguous-number"], |t| t.put(Head::file("package/a").field(100, b"-1\0\0\0\0\0\0"), b"1"));
    c.tar("mode-base256", &["ambiguous-number"], |t| t.put(Head::file("package/a").field(100, &[0x80, 0, 0, 0, 0, 0, 1, 0xed]), b"1"));
    c.tar("mode-bad-base256", &["bad-header"], |t| {
        t.put(Head::file("package/a").field(100, &[0x81, 0, 0, 0, 0, 0, 1, 0xed]), b"1").file("package/b", "2")
    });
}

fn links(c: &mut Cases) {
    c.tar("symlink", &[], |t| t.file("package/a", "1").symlink("package/b", "a"));
    c.tar("symlink-dangling", &[], |t| t.symlink("package/b", "a"));
    c.tar("symlink-up-inside", &[], |t| t.symlink("package/lib/b", "../a"));
    c.tar("symlink-up-outside", &["link-escapes"], |t| t.symlink("package/b", "../a"));
    c.tar("symlink-up-and-down", &["link-escapes"], |t| t.symlink("package/lib/b", "x/../../../y"));
    c.tar("symlink-up-from-here", &["link-escapes"], |t| t.symlink("package/lib/b", "./../../y"));
    c.tar("symlink-absolute", &["link-escapes"], |t| t.symlink("package/b", "/etc/passwd"));
    c.tar("symlink-drive", &["link-escapes"], |t| t.symlink("package/b", "C:\\x"));
    c.tar("symlink-without-target", &["bad-header"], |t| t.symlink("package/b", "").file("package/c", "1"));
    c.tar("symlink-with-pax-target", &[], |t| t.pax(b'x', &[("linkpath", "target")]).symlink("package/b", "targe"));
    c.tar("symlink-with-pax-target-over-no-text", &[], |t| {
        t.pax(b'x', &[("linkpath", "target")]).put(Head::new("package/b", b'2').link(b"\xff"), b"")
    });
    c.tar("symlink-with-only-pax-target", &["bad-header"], |t| {
        t.pax(b'x', &[("linkpath", "target")]).symlink("package/b", "").file("package/c", "1")
    });
    c.tar("symlink-with-content", &["unexpected-content"], |t| {
        t.put(Head::new("package/b", b'2').link("a"), b"content").file("package/c", "1")
    });
    c.tar("hardlink", &[], |t| t.file("package/a", "1").hardlink("package/b", "package/a"));
    c.tar("hardlink-before-its-target", &["hardlink-target"], |t| t.hardlink("package/b", "package/a").file("package/a", "1"));
    c.tar("hardlink-to-nothing", &["hardlink-target"], |t| t.hardlink("package/b", "package/a"));
    c.tar("hardlink-up", &["link-escapes"], |t| t.hardlink("package/b", "package/../a"));
    c.tar("hardlink-absolute", &["link-escapes"], |t| t.hardlink("package/b", "package//etc/passwd"));
    c.tar("hardlink-with-content", &["unexpected-content"], |t| {
        t.file("package/a", "1").put(Head::new("package/b", b'1').link("package/a"), b"2").file("package/c", "3")
    });
    c.tar("hardlink-then-file-over-it", &["duplicate-differs"], |t| {
        t.file("package/a", "1").hardlink("package/b", "package/a").file("package/b", "2")
    });
    c.tar("link-target-on-a-file", &["stray-link-target"], |t| t.put(Head::file("package/a").link("x"), b"1").file("package/b", "1"));
    c.tar("pax-link-target-on-a-file", &["stray-link-target"], |t| t.pax(b'x', &[("linkpath", "x")]).file("package/a", "1"));
    c.tar("pax-link-target-on-a-file-up", &["stray-link-target"], |t| t.pax(b'x', &[("linkpath", "../x")]).file("package/a", "1"));
    c.tar("pax-link-target-on-a-file-absolute", &["stray-link-target"], |t| t.pax(b'x', &[("linkpath", "/x")]).file("package/a", "1"));
}

fn types(c: &mut Cases) {
    c.tar("old-file-type", &[], |t| t.put(Head::new("package/a", 0), b"1"));
    c.tar("v7-header", &[], |t| t.put(Head::new("package/a", 0).v7(), b"1"));
    c.tar("gnu-header", &[], |t| t.put(Head::file("package/a").gnu(), b"1"));
    c.tar("contiguous-file", &["unusual-type"], |t| t.put(Head::new("package/a", b'7'), b"1"));
    for (flag, name) in [(b'3', "character-device"), (b'4', "block-device"), (b'6', "fifo")] {
        c.tar(name, &[], |t| t.put(Head::new("package/a", flag), b"").file("package/b", "1"));
    }
    for (flag, name) in
        [(b'A', "solaris-acl"), (b'I', "inode"), (b'V', "volume-header"), (b'Z', "unknown-type"), (b'!', "unknown-type-mark")]
    {
        c.tar(name, &[], |t| t.put(Head::new("package/a", flag), b"content").file("package/b", "1"));
    }
    c.tar("unknown-type-high-byte", &[], |t| t.put(Head::new("package/a", 0xff), b"content").file("package/b", "1"));
    c.tar("unknown-type-over-a-file", &["duplicate-differs"], |t| t.file("package/a", "1").put(Head::new("package/a", b'Z'), b"2"));
    c.tar("unknown-type-with-pax-path", &[], |t| {
        t.pax(b'x', &[("path", "package/b")]).put(Head::new("package/a", b'Z'), b"x").file("package/c", "1")
    });
    c.tar("unknown-type-with-pax-size", &["extended-size"], |t| {
        t.pax(b'x', &[("size", "600")]).put(Head::new("package/a", b'Z'), b"x").file("package/c", "1")
    });
    c.tar("continuation", &["unusual-type"], |t| t.put(Head::new("package/a", b'M'), b"1"));
    c.tar("gnu-sparse", &["sparse-file"], |t| t.put(Head::new("package/a", b'S').gnu(), b"1"));
    c.tar("gnu-dump-directory", &["unusual-type"], |t| t.put(Head::new("package/d", b'D'), b"Ya\0").file("package/d/a", "1"));
    c.tar("directory-with-size", &["unexpected-content"], |t| {
        t.with(Head::new("package/d/", b'5').size(4096), b"").file("package/d/a", "1")
    });
    c.tar("directory-with-content", &["unexpected-content"], |t| t.put(Head::new("package/d/", b'5'), b"content").file("package/a", "1"));
    c.tar("directory-hides-an-entry", &["unexpected-content"], |t| {
        let hidden = Tar::default().file("package/hidden", "1");
        t.put(Head::new("package/d/", b'5'), &hidden.0)
    });
}

fn endings(c: &mut Cases) {
    let two = || Tar::default().file("package/package.json", "{}").file("package/a", "1");
    c.stream("no-end-marker", &["missing-end-marker"], &two());
    c.stream("half-an-end-marker", &["missing-end-marker"], &two().null());
    c.stream("cut-end-marker", &["missing-end-marker"], &two().null().raw(&[0; 100]));
    c.stream("garbage-instead-of-end", &["truncated-tar"], &two().raw(b"garbage"));
    c.stream("entry-after-end", &["entry-after-end"], &two().end().file("package/b", "1").end());
    c.stream("entry-after-padding", &["entry-after-end"], &two().end().end().end().file("package/b", "1").end());
    c.stream("entry-after-a-null-block", &["entry-after-end"], &two().null().file("package/b", "1").end());
    c.stream("null-blocks-between-entries", &["entry-after-end"], &two().null().file("package/b", "1").null().file("package/c", "1").end());
    c.stream("data-after-end", &["data-after-end"], &two().end().raw(b"some data"));
    c.stream("data-after-end-a-block", &["data-after-end"], &two().end().raw(&[7; 512]));
    c.stream("part-of-a-block-after-end", &["data-after-end"], &two().end().raw(&[0; 100]));
    c.stream("cut-in-content", &["truncated-tar"], &two().raw(&Head::file("package/b").size(2000).bytes()).raw(&[b'x'; 1000]));
    c.stream("cut-in-padding", &["truncated-tar"], &two().raw(&Head::file("package/b").size(10).bytes()).raw(&[b'x'; 20]));
    c.stream("cut-in-header", &["truncated-tar"], &two().raw(&Head::file("package/b").bytes()[..300]));
    c.stream("only-an-end-marker", &["no-entries"], &Tar::default().end());
    c.stream("only-a-directory", &[], &Tar::default().dir("package/").end());
    c.stream("only-a-global-header", &[], &Tar::default().pax(b'g', &[("comment", "x")]).end());
    c.stream("end-first", &["entry-after-end"], &Tar::default().end().file("package/a", "1").end());
    c.stream("null-first", &["entry-after-end"], &Tar::default().null().file("package/a", "1").end());
}

fn wrapping(c: &mut Cases) {
    let tar = Tar::default().file("package/package.json", "{}").file("package/a", "1").end();
    let good = gzip(&tar.0);
    let changed = |at: usize, to: u8| {
        let mut bytes = good.clone();
        bytes[at] = to;
        bytes
    };
    let header_with = |flag: u8, field: &[u8]| {
        let mut bytes = good[..10].to_vec();
        bytes[3] = flag;
        bytes.extend_from_slice(field);
        bytes.extend_from_slice(&good[10..]);
        bytes
    };
    c.raw("not-compressed", &["not-gzip"], tar.0.clone());
    c.raw("empty", &["unreadable"], Vec::new());
    c.raw("gzip-of-another-method", &["unreadable"], changed(2, 7));
    c.raw("gzip-with-name", &[], header_with(8, b"x.tar\0"));
    c.raw("gzip-with-comment", &[], header_with(16, b"hello\0"));
    c.raw("gzip-with-extra", &[], header_with(4, &[3, 0, 1, 2, 3]));
    c.raw("gzip-with-all-fields", &[], header_with(4 | 8 | 16, &[1, 0, 9, b'n', 0, b'c', 0]));
    c.raw("gzip-with-bad-header-crc", &["bad-gzip-header"], header_with(2, &[0, 0]));
    c.raw("gzip-text-flag", &[], changed(3, 1));
    c.raw("gzip-other-os", &[], changed(9, 255));
    c.raw("gzip-time", &[], changed(4, 99));
    c.raw("gzip-bad-crc", &["bad-gzip-crc"], changed(good.len() - 8, good[good.len() - 8] ^ 1));
    c.raw("gzip-bad-length", &["bad-gzip-length"], changed(good.len() - 4, good[good.len() - 4] ^ 1));
    c.raw("gzip-cut-trailer", &["truncated-gzip"], good[..good.len() - 3].to_vec());
    c.raw("gzip-no-trailer", &["truncated-gzip"], good[..good.len() - 8].to_vec());
    c.raw("gzip-cut-in-data", &["truncated-gzip"], good[..good.len() - 20].to_vec());
    c.raw("gzip-damaged-at-once", &["unreadable"], [&good[..10], &[0xff; 40]].concat());
    let damaged = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
        encoder.write_all(&Tar::default().file("package/a", &"numbers".repeat(20_000)).0).unwrap();
        // A flush ends a block at a whole byte; type 3, which there is not, can follow it.
        encoder.flush().unwrap();
        [encoder.get_ref().as_slice(), &[0xff; 100]].concat()
    };
    c.raw("gzip-damaged-later", &["corrupt-deflate"], damaged);
    c.raw("gzip-trailing-garbage", &["trailing-bytes"], [good.as_slice(), b"garbage"].concat());
    c.raw("gzip-trailing-zeros", &["trailing-bytes"], [good.as_slice(), &[0; 100]].concat());
    c.raw("gzip-second-member-empty", &["second-gzip-member"], [good.clone(), gzip(b"")].concat());
    let other = Tar::default().file("package/b", "2").end();
    c.raw("gzip-second-member-after-end", &["second-gzip-member", "entry-after-end"], [good.clone(), gzip(&other.0)].concat());
    let open = Tar::default().file("package/package.json", "{}");
    c.raw("gzip-second-member-continues", &["second-gzip-member"], [gzip(&open.0), gzip(&other.0)].concat());
    c.raw("gzip-second-member-cut", &["truncated-gzip"], [good.as_slice(), &gzip(&other.0)[..30]].concat());
    c.raw("gzip-first-member-empty", &["second-gzip-member"], [gzip(b""), good.clone()].concat());
    c.raw("gzip-in-gzip", &["unreadable"], gzip(&good));
    c.raw("gzip-of-nothing", &["unreadable"], gzip(b""));
    c.raw("gzip-of-garbage", &["unreadable"], gzip(&[b'x'; 5000]));
    c.raw("gzip-reserved-flag", &["unreadable"], changed(3, 0x20));
    c.raw("gzip-other-method", &["unreadable"], changed(2, 7));
    c.raw("gzip-header-only", &["unreadable"], good[..10].to_vec());
    c.raw("empty-file-at-all", &["unreadable"], Vec::new());
    c.raw("one-byte", &["unreadable"], vec![0x1f]);
    c.raw("two-bytes", &["unreadable"], vec![0x1f, 0x8b]);
    c.raw("zip-file", &["unreadable"], [b"PK\x03\x04".as_slice(), &[0; 600]].concat());
    c.raw("text-file", &["unreadable"], b"not found".repeat(200));
    let zeros = Tar::default().file("package/package.json", "{}").file("package/zeros", &"\0".repeat(8 << 20)).end();
    c.raw("gzip-of-zeros", &["compression-ratio"], gzip(&zeros.0));
}
