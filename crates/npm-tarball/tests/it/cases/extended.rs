//! Cases about headers: their numbers, and the extended headers before them.

use super::super::tarball::{Head, Tar, record};
use super::Cases;

pub(crate) fn numbers(c: &mut Cases) {
    c.tar("size-of-eleven-digits-and-space", &[], |t| t.with(Head::file("package/a").field(124, b"00000000001 "), b"1"));
    c.tar("size-of-twelve-digits", &[], |t| t.with(Head::file("package/a").field(124, b"000000000001"), b"1"));
    c.tar("size-with-leading-spaces", &[], |t| t.with(Head::file("package/a").field(124, b"          1\0"), b"1"));
    c.tar("size-empty", &["ambiguous-number"], |t| t.with(Head::file("package/a").field(124, &[0; 12]), b""));
    c.tar("size-negative", &["ambiguous-number"], |t| t.with(Head::file("package/a").field(124, b"-0000000001\0"), b""));
    c.tar("size-with-plus", &["ambiguous-number"], |t| t.with(Head::file("package/a").field(124, b"+0000000001\0"), b"1"));
    c.tar("size-not-octal", &["ambiguous-number"], |t| t.with(Head::file("package/a").field(124, b"00000000019\0"), b"1"));
    c.tar("size-hexadecimal", &["ambiguous-number"], |t| t.with(Head::file("package/a").field(124, b"0x000000001\0"), b""));
    c.tar("size-with-garbage", &["ambiguous-number"], |t| t.with(Head::file("package/a").field(124, b"00000001\x007\0\0"), b"1"));
    c.tar("size-base256", &["ambiguous-number"], |t| {
        t.with(Head::file("package/a").field(124, &[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), b"1")
    });
    c.tar("size-base256-negative", &["ambiguous-number"], |t| t.with(Head::file("package/a").field(124, &[0xff; 12]), b""));
    c.tar("size-base256-huge", &["bad-header"], |t| {
        t.with(Head::file("package/a").field(124, &[0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]), b"1").file("package/b", "1")
    });
    c.tar("size-base256-all-ones", &["bad-header"], |t| {
        let mut field = [0xff; 12];
        field[0] = 0x80;
        t.with(Head::file("package/a").field(124, &field), b"1").file("package/b", "1")
    });
    c.tar("size-past-the-end", &["truncated-tar"], |t| t.with(Head::file("package/a").size(1 << 20), b"1"));
    c.tar("size-largest-octal", &["truncated-tar"], |t| t.with(Head::file("package/a").field(124, b"777777777777"), b"1"));
    c.tar("uid-base256", &[], |t| t.put(Head::file("package/a").field(108, &[0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff]), b"1"));
    c.tar("uid-bad-base256", &["bad-header"], |t| t.put(Head::file("package/a").field(108, &[0xc0; 8]), b"1").file("package/b", "1"));
    c.tar("uid-bad-but-in-pax", &[], |t| t.pax(b'x', &[("uid", "1")]).put(Head::file("package/a").field(108, &[0xc0; 8]), b"1"));
    for (key, at, length) in [("gid", 116, 8), ("mtime", 136, 12), ("atime", 476, 12), ("ctime", 488, 12)] {
        let bad = || Head::file("package/a").field(at, &vec![0xc0; length]);
        c.tar(&format!("{key}-bad-base256"), &["bad-header"], |t| t.put(bad(), b"1").file("package/b", "1"));
        c.tar(&format!("{key}-bad-but-in-pax"), &[], |t| t.pax(b'x', &[(key, "1")]).put(bad(), b"1"));
    }
    // The largest whole number of JavaScript, and the next.
    c.tar("uid-largest", &[], |t| t.put(Head::file("package/a").field(108, &[0x80, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), b"1"));
    c.tar("uid-too-large", &["bad-header"], |t| {
        t.put(Head::file("package/a").field(108, &[0x80, 0x20, 0, 0, 0, 0, 0, 0]), b"1").file("package/b", "1")
    });
    c.tar("uid-not-octal", &[], |t| t.put(Head::file("package/a").field(108, b"nobody\0\0"), b"1"));
    c.tar("mtime-negative", &[], |t| t.put(Head::file("package/a").field(136, &[0xff; 12]), b"1"));
    c.tar("mtime-zero", &[], |t| t.put(Head::file("package/a").field(136, b"00000000000\0"), b"1"));
    c.tar("mtime-empty", &[], |t| t.put(Head::file("package/a").field(136, &[0; 12]), b"1"));
    c.tar("device-number-bad", &["bad-header"], |t| t.put(Head::file("package/a").field(329, &[0x90; 8]), b"1").file("package/b", "1"));
    c.tar("device-number-empty", &[], |t| t.put(Head::file("package/a").field(329, &[0; 16]), b"1"));
}

pub(crate) fn extended(c: &mut Cases) {
    let long = format!("package/{}/file.js", "long-folder-name".repeat(10));
    let raw = |record: &[u8]| record.to_vec();
    c.tar("pax-path", &[], |t| t.pax(b'x', &[("path", &long), ("mtime", "499162500")]).file("package/cut", "1"));
    c.tar("pax-path-and-equal-size", &[], |t| t.pax(b'x', &[("path", &long), ("size", "1")]).file("package/cut", "1"));
    c.tar("pax-path-and-prefix", &[], |t| t.pax(b'x', &[("path", "package/b")]).put(Head::file("a").prefix("evil"), b"1"));
    c.tar("pax-path-and-no-name", &["no-name"], |t| t.pax(b'x', &[("path", "package/b")]).file("", "1").file("package/a", "1"));
    c.tar("pax-path-slash-makes-directory", &["empty-segment"], |t| t.pax(b'x', &[("path", "package/d/")]).file("package/d", ""));
    c.tar("pax-charset-binary", &[], |t| t.pax(b'x', &[("hdrcharset", "BINARY"), ("path", "package/é")]).file("package/e", "1"));
    c.tar("pax-for-directory", &[], |t| t.pax(b'x', &[("path", "package/d/")]).dir("package/cut").file("package/cut", "1"));
    c.tar("pax-unknown-keys", &[], |t| {
        t.pax(b'x', &[("NODETAR.depth", "0"), ("SCHILY.dev", "1"), ("comment", "x")]).file("package/a", "1")
    });
    c.tar("pax-mode-is-nothing", &["unknown-extended-header"], |t| t.pax(b'x', &[("mode", "511")]).file("package/a", "1"));
    c.tar("pax-equals-in-value", &[], |t| t.pax(b'x', &[("path", "package/a=b=c")]).file("package/a", "1"));
    c.tar("pax-size-larger", &["extended-size"], |t| t.pax(b'x', &[("size", "600")]).with(Head::file("package/a").size(1), &[b'x'; 600]));
    c.tar("pax-size-smaller", &["extended-size"], |t| t.pax(b'x', &[("size", "1")]).put(Head::file("package/a"), &[b'x'; 600]));
    c.tar("pax-size-hides-an-entry", &["extended-size"], |t| {
        let hidden = Tar::default().file("package/hidden", "1");
        t.pax(b'x', &[("size", "1024")]).with(Head::file("package/a").size(0), b"").raw(&hidden.0)
    });
    c.tar("pax-size-empty", &["ambiguous-extended-header"], |t| t.pax(b'x', &[("size", "")]).file("package/a", ""));
    c.tar("pax-size-negative", &["ambiguous-extended-header"], |t| t.pax(b'x', &[("size", "-1")]).file("package/a", "1"));
    c.tar("pax-size-exponent", &["ambiguous-extended-header"], |t| t.pax(b'x', &[("size", "1e0")]).file("package/a", "1"));
    c.tar("pax-size-zeros", &["ambiguous-extended-header"], |t| t.pax(b'x', &[("size", "01")]).file("package/a", "1"));
    c.tar("pax-size-for-directory", &["unexpected-content", "extended-size"], |t| {
        t.pax(b'x', &[("size", "512")]).dir("package/d/").file("package/a", "1")
    });
    c.tar("pax-empty-path", &["ambiguous-extended-header"], |t| t.pax(b'x', &[("path", "")]).file("package/a", "1"));
    c.tar("pax-path-with-nul", &["nul-in-name"], |t| t.pax(b'x', &[("path", "package/a\0b")]).file("package/c", "1"));
    c.tar("pax-path-with-newline", &["ambiguous-extended-header"], |t| t.pax(b'x', &[("path", "package/a\nb")]).file("package/c", "1"));
    c.tar("pax-path-hidden-in-comment", &["ambiguous-extended-header"], |t| {
        let inner = record("path", b"package/evil");
        let value = [b"x\n", inner.as_slice()].concat();
        t.pax_raw(&record("comment", &value)).file("package/a", "1")
    });
    c.tar("pax-path-invalid-utf8", &["invalid-utf8"], |t| t.pax_raw(&record("path", b"package/\xff")).file("package/a", "1"));
    c.tar("pax-path-twice", &["ambiguous-extended-header"], |t| {
        t.pax(b'x', &[("path", "package/a"), ("path", "package/b")]).file("package/c", "1")
    });
    c.tar("pax-path-twice-the-same", &[], |t| t.pax(b'x', &[("path", "package/a"), ("path", "package/a")]).file("package/c", "1"));
    c.tar("pax-length-wrong", &["ambiguous-extended-header"], |t| t.pax_raw(b"99 path=package/b\n").file("package/a", "1"));
    c.tar("pax-length-too-small", &["ambiguous-extended-header"], |t| t.pax_raw(b"10 path=package/b\n").file("package/a", "1"));
    c.tar("pax-length-with-zeros", &["ambiguous-extended-header"], |t| t.pax_raw(b"0019 path=package/b\n").file("package/a", "1"));
    c.tar("pax-length-with-space", &["ambiguous-extended-header"], |t| t.pax_raw(b" 19 path=package/b\n").file("package/a", "1"));
    c.tar("pax-without-length", &["ambiguous-extended-header"], |t| t.pax_raw(b"path=package/b\n").file("package/a", "1"));
    c.tar("pax-without-equals", &["ambiguous-extended-header"], |t| t.pax_raw(b"8 path\n\n").file("package/a", "1"));
    c.tar("pax-without-newline", &["ambiguous-extended-header"], |t| {
        let mut body = raw(&record("path", b"package/b"));
        body.pop();
        t.pax_raw(&body).file("package/a", "1")
    });
    c.tar("pax-path-with-carriage-return", &[], |t| t.pax_raw(b"19 path=package/b\r\n").file("package/a", "1"));
    c.tar("pax-nul-padding", &["ambiguous-extended-header"], |t| {
        t.pax_raw(&[record("path", b"package/b"), vec![0; 10]].concat()).file("package/a", "1")
    });
    c.tar("pax-empty", &["dangling-header"], |t| t.pax(b'x', &[]).file("package/a", "1"));
    c.tar("pax-twice", &["stacked-headers"], |t| t.pax(b'x', &[("path", "package/b")]).pax(b'x', &[("mtime", "1")]).file("package/a", "1"));
    c.tar("pax-then-nothing", &["dangling-header"], |t| t.pax(b'x', &[("path", "package/b")]));
    c.tar("pax-survives-a-bad-header", &["bad-header-checksum"], |t| {
        t.pax(b'x', &[("path", "package/b")]).with(Head::file("package/bad").checksum(b"0000000\0"), b"").file("package/a", "1")
    });
    c.tar("pax-old-solaris", &["unusual-type"], |t| t.pax(b'X', &[("path", "package/b")]).file("package/a", "1"));
    c.tar("pax-sparse", &["sparse-file"], |t| {
        t.pax(b'x', &[("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "package/b"), ("GNU.sparse.realsize", "9")])
            .file("package/GNUSparseFile.0/b", "1")
    });
    c.tar("pax-header-without-name", &["bad-header"], |t| t.put(Head::new("", b'x'), &record("path", b"package/b")).file("package/a", "1"));
    c.tar("pax-header-with-link", &[], |t| {
        t.put(Head::new("PaxHeader", b'x').link("x"), &record("path", b"package/b")).file("package/a", "1")
    });
    c.tar("pax-header-name-cut-in-a-character", &[], |t| {
        t.put(Head::new(b"package/PaxHeader/\xc3", b'x'), &record("path", b"package/b")).file("package/a", "1")
    });
    c.tar("global-comment", &[], |t| t.pax(b'g', &[("comment", "0123456789abcdef0123456789abcdef01234567")]).file("package/a", "1"));
    c.tar("global-mtime", &[], |t| t.pax(b'g', &[("mtime", "1")]).file("package/a", "1"));
    c.tar("global-path", &["global-override"], |t| t.pax(b'g', &[("path", "package/b")]).file("package/a", "1"));
    c.tar("global-size", &["global-override"], |t| {
        t.pax(b'g', &[("size", "600")])
            .with(Head::file("package/a").size(1), &[b'x'; 600])
            .with(Head::file("package/b").size(1), &[b'x'; 600])
    });
    c.tar("global-link-target", &["global-override"], |t| t.pax(b'g', &[("linkpath", "x")]).file("package/a", "1"));
    c.tar("global-link-target-up", &["global-override"], |t| t.pax(b'g', &[("linkpath", "../../x")]).file("package/a", "1"));
    c.tar("global-between", &["stacked-headers"], |t| {
        t.pax(b'x', &[("path", "package/b")]).pax(b'g', &[("comment", "x")]).file("package/a", "1")
    });
    c.tar("pax-path-parent", &["parent-segment"], |t| t.pax(b'x', &[("path", "package/../../b")]).file("package/a", "1"));
    c.tar("pax-path-absolute", &["absolute-path"], |t| t.pax(b'x', &[("path", "/b/c")]).file("package/a", "1"));
    // Lengths that JavaScript reads and that no other reader has to.
    c.tar("pax-length-with-plus", &["ambiguous-extended-header"], |t| t.pax_raw(b"+14 comment=x\n").file("package/a", "1"));
    c.tar("pax-length-with-zero", &["ambiguous-extended-header"], |t| t.pax_raw(b"014 comment=x\n").file("package/a", "1"));
    c.tar("pax-large", &[], |t| t.pax(b'x', &[("comment", &"x".repeat(100_000)), ("path", "package/b")]).file("package/a", "1"));
}

/// Records that are not about a path, a link target or a size.
pub(crate) fn records(c: &mut Cases) {
    c.tar("pax-holes", &["sparse-file"], |t| t.pax(b'x', &[("SUN.holesdata", " 0 1")]).file("package/a", "12"));
    c.tar("global-holes", &["sparse-file"], |t| t.pax(b'g', &[("SUN.holesdata", " 0 1")]).file("package/a", "12"));
    c.tar("pax-unknown", &["unknown-extended-header"], |t| t.pax(b'x', &[("VENDOR.thing", "1")]).file("package/a", "1"));
    for key in ["mode", "PATH", "hdrcharset", "type", "SCHILY.realsize", "SCHILY.filetype", "SCHILY.devminor", "LIBARCHIVE.symlinktype"] {
        c.tar(&format!("pax-{key}"), &["unknown-extended-header"], |t| t.pax(b'x', &[(key, "0")]).file("package/a", "1"));
    }
    let known = ["comment", "uname", "gname", "NODETAR.depth", "SCHILY.dev", "SCHILY.ino", "LIBARCHIVE.xattr.com.apple.quarantine"];
    for key in known {
        c.tar(&format!("pax-{key}"), &[], |t| t.pax(b'x', &[(key, "1")]).file("package/a", "1"));
    }
    for (name, value) in
        [("nan", "NaN"), ("huge", "99999999999999999999"), ("beyond-dates", "8640000000000"), ("exponent", "1e9"), ("dot", "1.")]
    {
        c.tar(&format!("pax-mtime-{name}"), &["ambiguous-number"], |t| t.pax(b'x', &[("mtime", value)]).file("package/a", "1"));
    }
    for value in ["-1", "1577836800.123456789", "0"] {
        c.tar(&format!("pax-mtime-{value}"), &[], |t| t.pax(b'x', &[("mtime", value), ("atime", value)]).file("package/a", "1"));
    }
    for value in ["18446744073709551615", "4294967296", "-1", ""] {
        c.tar(&format!("pax-uid-{value}"), &["ambiguous-number"], |t| t.pax(b'x', &[("uid", value)]).file("package/a", "1"));
    }
    c.tar("pax-uid-nobody", &[], |t| t.pax(b'x', &[("uid", "4294967294"), ("gid", "20")]).file("package/a", "1"));
}

pub(crate) fn gnu(c: &mut Cases) {
    let long = format!("package/{}/file.js", "long-folder-name".repeat(10));
    c.tar("gnu-long-name", &[], |t| t.gnu_long(b'L', long.as_bytes()).put(Head::file("package/cut").gnu(), b"1"));
    c.tar("gnu-long-name-without-nul", &[], |t| {
        t.put(Head::new("././@LongLink", b'L').gnu(), long.as_bytes()).put(Head::file("package/cut").gnu(), b"1")
    });
    c.tar("gnu-long-name-with-garbage", &["nul-in-name"], |t| t.gnu_long(b'L', b"package/b\0garbage").file("package/a", "1"));
    c.tar("gnu-long-name-with-newline", &["nul-in-name"], |t| t.gnu_long(b'L', b"package/b\0gar\nbage").file("package/a", "1"));
    c.tar("gnu-long-name-invalid-utf8", &["invalid-utf8"], |t| t.gnu_long(b'L', b"package/\xff").file("package/a", "1"));
    c.tar("gnu-long-name-empty", &["bad-header"], |t| t.gnu_long(b'L', b"").file("package/a", "1"));
    c.tar("gnu-long-link", &[], |t| t.gnu_long(b'K', b"some/target").symlink("package/a", "some"));
    c.tar("gnu-long-link-and-name", &[], |t| t.gnu_long(b'K', b"some/target").gnu_long(b'L', b"package/b").symlink("package/a", "some"));
    c.tar("gnu-long-name-and-link", &[], |t| t.gnu_long(b'L', b"package/b").gnu_long(b'K', b"some/target").symlink("package/a", "some"));
    c.tar("gnu-long-link-twice", &["stacked-headers"], |t| {
        t.gnu_long(b'K', b"some/target").gnu_long(b'K', b"other/target").symlink("package/a", "some")
    });
    c.tar("gnu-long-link-on-a-file", &["stray-link-target"], |t| t.gnu_long(b'K', b"../x").file("package/a", "1"));
    c.tar("gnu-long-name-twice", &["stacked-headers"], |t| {
        t.gnu_long(b'L', b"package/b").gnu_long(b'L', b"package/c").file("package/a", "1")
    });
    c.tar("gnu-long-name-after-pax", &["stacked-headers"], |t| {
        t.pax(b'x', &[("path", "package/b")]).gnu_long(b'L', b"package/c").file("package/a", "1")
    });
    c.tar("gnu-long-name-before-pax", &["stacked-headers"], |t| {
        t.gnu_long(b'L', b"package/c").pax(b'x', &[("path", "package/b")]).file("package/a", "1")
    });
    c.tar("gnu-long-name-before-pax-size", &["stacked-headers"], |t| {
        t.pax(b'x', &[("size", "2048")]).gnu_long(b'L', b"package/c").file("package/a", "1").file("package/b", "2")
    });
    c.tar("gnu-old-long-name", &["unusual-type"], |t| t.gnu_long(b'N', b"package/b").file("package/a", "1"));
    c.tar("gnu-long-name-with-link", &["stray-link-target"], |t| {
        t.put(Head::new("././@LongLink", b'L').gnu().link("x"), b"package/b\0").file("package/a", "1")
    });
}

pub(crate) fn headers(c: &mut Cases) {
    let sum = |head: &Head| format!("{:o}", head.sum());
    c.tar("checksum-wrong", &["bad-header-checksum"], |t| {
        t.put(Head::file("package/a").checksum(b"0001234\0"), b"1").file("package/b", "1")
    });
    c.tar("checksum-empty", &["bad-header-checksum"], |t| t.put(Head::file("package/a").checksum(&[0; 8]), b"1").file("package/b", "1"));
    c.tar("checksum-of-spaces-and-nul", &[], |t| {
        let head = Head::file("package/a").size(1);
        let text = format!("{:>7}\0", sum(&head));
        t.with(head.checksum(text.as_bytes()), b"1")
    });
    c.tar("checksum-of-seven-digits-and-space", &[], |t| {
        let head = Head::file("package/a").size(1);
        let text = format!("{:0>7} ", sum(&head));
        t.with(head.checksum(text.as_bytes()), b"1")
    });
    c.tar("checksum-of-eight-digits", &["bad-header-checksum"], |t| {
        let head = Head::file("package/a").size(1);
        let text = format!("{:0>8}", sum(&head));
        t.with(head.checksum(text.as_bytes()), b"1").file("package/b", "1")
    });
    c.tar("checksum-signed", &["bad-header-checksum"], |t| {
        let head = Head::file("package/é").size(1);
        let text = format!("{:06o}\0 ", head.sum() - 512);
        t.with(head.checksum(text.as_bytes()), b"1").file("package/b", "1")
    });
    c.tar("checksum-bad-in-the-middle-hides-content", &["bad-header-checksum"], |t| {
        let hidden = Tar::default().file("package/hidden", "1");
        t.with(Head::file("package/a").size(1024).checksum(b"0000001\0"), b"").raw(&hidden.0)
    });
    c.tar("garbage-block", &["bad-header-checksum"], |t| t.raw(&[b'x'; 512]).file("package/a", "1"));
    c.tar("garbage-in-the-last-bytes", &[], |t| t.put(Head::file("package/a").field(500, b"reproduce"), b"1"));
    c.tar("owner-names", &[], |t| t.put(Head::file("package/a").field(265, b"root").field(297, b"wheel"), b"1"));
    c.tar("padding-not-zero", &[], |t| t.raw(&Head::file("package/a").size(1).bytes()).raw(&[b'1'; 512]).file("package/b", "1"));
}
