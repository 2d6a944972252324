//! Cases about paths: what they hold, and what else is at the same place.

use super::super::tarball::Head;
use super::Cases;

pub(crate) fn names(c: &mut Cases) {
    c.tar("leading-dot", &["dot-segment"], |t| t.file("./package/a", "1"));
    c.tar("dot-root", &["dot-segment"], |t| t.file("./a", "1"));
    c.tar("inner-dot", &["dot-segment"], |t| t.file("package/lib/./a", "1"));
    c.tar("inner-dot-at-the-start", &["dot-segment"], |t| t.file("package/./a", "1"));
    c.tar("inner-dot-lands-on-the-same", &[], |t| t.file("package/a", "1").file("package/./a", "1"));
    c.tar("inner-dot-before-the-same", &[], |t| t.file("package/lib/./a", "1").file("package/lib/a", "1"));
    c.tar("inner-dot-lands-on-other-bytes", &["duplicate-differs"], |t| t.file("package/a", "1").file("package/./a", "2"));
    c.tar("inner-dot-lands-on-other-mode", &["duplicate-differs"], |t| {
        t.file("package/a", "1").put(Head::file("package/./a").mode(0o755), b"1")
    });
    c.tar("final-dot", &["dot-segment"], |t| t.file("package/a/.", "1"));
    c.tar("directory-with-dot", &[], |t| t.dir("package/./lib/").file("package/lib/a", "1"));
    c.tar("parent", &["parent-segment"], |t| t.file("package/../a", "1"));
    c.tar("parent-inside", &["parent-segment"], |t| t.file("package/lib/../a", "1"));
    c.tar("parent-first", &["parent-segment"], |t| t.file("../a", "1"));
    c.tar("parent-second", &["parent-segment"], |t| t.file("package/..", "1"));
    c.tar("parent-directory", &["parent-segment"], |t| t.dir("package/../../x/"));
    c.tar("parent-backslash", &["parent-segment"], |t| t.file("package/lib\\..\\a", "1"));
    c.tar("absolute", &["absolute-path"], |t| t.file("/package/a", "1"));
    c.tar("absolute-after-strip", &["absolute-path"], |t| t.file("package//etc/a", "1"));
    c.tar("absolute-many-slashes", &["absolute-path"], |t| t.file("package/////a", "1"));
    c.tar("absolute-question", &["absolute-path"], |t| t.file("package///?/C:/a", "1"));
    c.tar("double-slash-inside", &["empty-segment"], |t| t.file("package/lib//a", "1"));
    c.tar("drive-letter", &["absolute-path"], |t| t.file("package/C:foo", "1"));
    c.tar("drive-letter-root", &["absolute-path"], |t| t.file("package/c:/foo", "1"));
    c.tar("drive-letters", &["absolute-path"], |t| t.file("package/c:d:/e", "1"));
    c.tar("drive-letter-parent", &["absolute-path", "parent-segment"], |t| t.file("package/c:../foo", "1"));
    c.tar("drive-letter-first", &[], |t| t.file("C:/foo", "1"));
    c.tar("drive-letter-inside", &[], |t| t.file("package/lib/C:foo", "1"));
    c.tar("colon-in-name", &[], |t| t.file("package/node:fs", "1"));
    c.tar("backslash", &["backslash"], |t| t.file("package/lib\\a", "1"));
    c.tar("backslash-first", &["absolute-path", "backslash"], |t| t.file("package/\\a", "1"));
    c.tar("backslash-unc", &["absolute-path"], |t| t.file("package/\\\\server\\share\\a", "1"));
    c.tar("backslash-unc-short", &["absolute-path"], |t| t.file("package/\\\\server", "1"));
    c.tar("digit-and-colon", &[], |t| t.file("package/1:/a", "1"));
    c.tar("backslash-unc-share", &["absolute-path"], |t| t.file("package/\\\\server\\share", "1"));
    c.tar("backslash-unc-share-end", &["absolute-path"], |t| t.file("package/\\\\server\\share\\", "1"));
    c.tar("backslash-unc-no-share", &["absolute-path"], |t| t.file("package/\\\\server\\\\a\\b", "1"));
    c.tar("backslash-unc-no-server", &["absolute-path"], |t| t.file("package/\\\\\\server\\share\\a", "1"));
    c.tar("backslash-unc-letter", &["absolute-path"], |t| t.file("package/\\\\s\\c:\\d:\\a", "1"));
    c.tar("backslash-unc-slash", &["absolute-path"], |t| t.file("package/\\\\server/share/a/b", "1"));
    c.tar("nothing-to-strip", &["empty-path"], |t| t.file("a", "1"));
    c.tar("only-slashes", &["absolute-path"], |t| t.put(Head::new("///", b'7'), b"1"));
    c.tar("empty-name", &["bad-header"], |t| t.file("", "1").file("package/a", "1"));
    c.tar("no-name-but-a-prefix", &["no-name"], |t| t.put(Head::file("").prefix("package/d"), b"").file("package/a", "1"));
    c.tar("slash-at-the-end-of-a-file", &["empty-segment"], |t| t.put(Head::file("package/dir/"), b""));
    c.tar("slash-at-the-end-with-content", &["unexpected-content"], |t| t.file("package/dir/", "1").file("package/a", "1"));
    c.tar("slash-at-the-end-of-old-file", &["empty-segment"], |t| t.put(Head::new("package/dir/", 0), b""));
    c.tar("slash-at-the-end-of-contiguous", &["empty-segment", "unusual-type"], |t| t.put(Head::new("package/f/", b'7'), b"1"));
    c.tar("name-of-100", &[], |t| t.file(format!("package/{}", "a".repeat(92)), "1"));
    c.tar("name-of-100-with-link-after", &["stray-link-target"], |t| {
        t.put(Head::file(format!("package/{}", "a".repeat(92))).link("x"), b"1").file("package/z", "1")
    });
    c.tar("component-of-255", &[], |t| t.pax(b'x', &[("path", &format!("package/{}", "a".repeat(255)))]).file("p", "1"));
    c.tar("component-of-256", &["name-too-long"], |t| t.pax(b'x', &[("path", &format!("package/{}", "a".repeat(256)))]).file("p", "1"));
    c.tar("component-of-256-folder", &["name-too-long"], |t| {
        t.pax(b'x', &[("path", &format!("package/{}/a", "a".repeat(256)))]).file("p", "1")
    });
    c.tar("component-of-128-letters-of-two-bytes", &["name-too-long"], |t| {
        t.pax(b'x', &[("path", &format!("package/{}", "é".repeat(128)))]).file("p", "1")
    });
    c.tar("depth-of-1024", &[], |t| t.pax(b'x', &[("path", &format!("package/{}f", "a/".repeat(1023)))]).file("p", "1"));
    c.tar("depth-of-1025", &["path-too-deep"], |t| t.pax(b'x', &[("path", &format!("package/{}f", "a/".repeat(1024)))]).file("p", "1"));
    c.tar("prefix", &[], |t| t.put(Head::file("a").prefix("package/lib"), b"1"));
    c.tar("prefix-of-130", &[], |t| t.put(Head::file("a").prefix(format!("package/{}", "d/".repeat(60) + "dd")), b"1"));
    c.tar("prefix-of-131", &[], |t| t.put(Head::file("a").prefix(format!("package/{}", "d/".repeat(61) + "d")), b"1"));
    c.tar("prefix-of-155", &[], |t| t.put(Head::file("b".repeat(100)).prefix(format!("package/{}", "a/".repeat(73) + "a")), b"1"));
    c.tar("prefix-with-star-times", &[], |t| t.put(Head::file("a").prefix("package").field(476, b"03560116545 03560116545 "), b"1"));
    c.tar("prefix-with-bad-times", &["bad-header"], |t| t.put(Head::file("a").prefix("package").field(476, &[0x81; 12]), b"1"));
    c.tar("prefix-without-ustar", &["ambiguous-prefix"], |t| t.put(Head::file("package/a").v7().prefix("evil"), b"1"));
    c.tar("prefix-in-gnu", &["ambiguous-prefix"], |t| t.put(Head::file("package/a").gnu().prefix("evil"), b"1"));
    c.tar("prefix-in-other-version", &["ambiguous-prefix"], |t| {
        t.put(Head::file("package/a").field(257, b"ustar\x00\x00\x00").prefix("evil"), b"1")
    });
    c.tar("garbage-after-nul", &[], |t| t.put(Head::file("package/a\0garbage"), b"1"));
    c.tar("newline-after-nul", &["nul-in-name"], |t| t.put(Head::file("package/a\0garbage\nb"), b"1"));
    c.tar("two-nuls-with-newline", &["nul-in-name"], |t| t.put(Head::file("package/a\0g\nb\0c"), b"1"));
    c.tar("invalid-utf8", &["invalid-utf8"], |t| t.put(Head::file(b"package/\xff\xfe"), b"1"));
    c.tar("invalid-utf8-cut-character", &["invalid-utf8"], |t| t.put(Head::file(b"package/a\xe2\x82"), b"1"));
    c.tar("latin1-name", &["invalid-utf8"], |t| t.put(Head::file(b"package/caf\xe9"), b"1"));
    c.tar("byte-order-mark", &[], |t| t.file("package/\u{feff}a", "1"));
}

pub(crate) fn duplicates(c: &mut Cases) {
    c.tar("duplicate-same", &[], |t| t.file("package/a", "1").file("package/a", "1"));
    c.tar("duplicate-other-bytes", &["duplicate-differs"], |t| t.file("package/a", "111").file("package/a", "2"));
    c.tar("duplicate-other-mode", &["duplicate-differs"], |t| t.file("package/a", "1").put(Head::file("package/a").mode(0o755), b"1"));
    c.tar("duplicate-mode-of-no-effect", &[], |t| t.file("package/a", "1").put(Head::file("package/a").mode(0o600), b"1"));
    c.tar("duplicate-other-root", &["duplicate-differs"], |t| t.file("package/a", "1").file("foo/a", "2"));
    c.tar("duplicate-other-root-same", &[], |t| t.file("package/a", "1").file("foo/a", "1"));
    c.tar("duplicate-three", &["duplicate-differs"], |t| {
        t.file("package/a", "1").put(Head::file("package/a").mode(0o755), b"2").file("package/a", "3")
    });
    c.tar("duplicate-contiguous-last", &["duplicate-differs"], |t| {
        t.file("package/a", "1").put(Head::new("package/a", b'7').mode(0o755), b"2")
    });
    c.tar("duplicate-file-then-link", &["duplicate-differs"], |t| t.file("package/a", "1").symlink("package/a", "b"));
    c.tar("duplicate-link-then-file", &["duplicate-differs"], |t| t.symlink("package/a", "b").file("package/a", "1"));
    c.tar("case-twins-that-differ", &["case-twin"], |t| t.file("package/README", "1").file("package/readme", "2"));
    c.tar("case-twins-that-agree", &[], |t| t.file("package/README", "1").file("package/readme", "1"));
    c.tar("case-twin-folders", &[], |t| t.file("package/Lib/a", "1").file("package/lib/b", "2"));
    c.tar("case-twin-folders-that-clash", &["case-twin"], |t| t.file("package/Lib/a", "1").file("package/lib/A", "2"));
    c.tar("case-twin-file-and-folder", &["case-twin"], |t| t.file("package/LIB", "1").file("package/lib/a", "2"));
    c.tar("unicode-twins", &["case-twin"], |t| t.file("package/\u{e9}", "1").file("package/e\u{301}", "2"));
    c.tar("unicode-twins-that-agree", &[], |t| t.file("package/\u{e9}", "1").file("package/e\u{301}", "1"));
    c.tar("sharp-s-twins", &["case-twin"], |t| t.file("package/ß", "1").file("package/ss", "2"));
    c.tar("gitignore", &[], |t| t.file("package/.gitignore", "1").file("package/lib/.gitignore", "2"));
    c.tar("gitignore-then-npmignore", &[], |t| t.file("package/.gitignore", "1").file("package/.npmignore", "2"));
    c.tar("npmignore-then-gitignore", &[], |t| t.file("package/.npmignore", "2").file("package/.gitignore", "1"));
    c.tar("gitignore-of-other-mode", &["ignore-file-clash"], |t| {
        t.put(Head::file("package/.gitignore").mode(0o755), b"1").file("package/.npmignore", "2")
    });
    c.tar("gitignore-of-other-root", &["ignore-file-clash"], |t| t.file("package/.npmignore", "2").file("foo/.gitignore", "1"));
    c.tar("gitignore-and-npmignore-folder", &["path-conflict"], |t| t.file("package/.gitignore", "1").file("package/.npmignore/a", "2"));
    c.tar("gitignore-of-a-name", &[], |t| t.file("package/a.gitignore", "1").file("package/a.npmignore/b", "2"));
    c.tar("gitignore-linked", &[], |t| t.symlink("package/.gitignore", "a").file("package/a", "1"));
}

pub(crate) fn conflicts(c: &mut Cases) {
    c.tar("file-then-folder-of-its-name", &["path-conflict"], |t| t.file("package/a", "1").dir("package/a/"));
    c.tar("folder-then-file-of-its-name", &["path-conflict"], |t| t.dir("package/a/").file("package/a", "1"));
    c.tar("file-then-file-below", &["path-conflict"], |t| t.file("package/a", "1").file("package/a/b", "2"));
    c.tar("file-below-then-file", &["path-conflict"], |t| t.file("package/a/b", "2").file("package/a", "1"));
    c.tar("file-folder-file-below", &["path-conflict"], |t| t.file("package/a", "1").dir("package/a/").file("package/a/b", "2"));
    c.tar("file-below-folder-file", &["path-conflict"], |t| t.file("package/a/b", "1").dir("package/a/").file("package/a", "2"));
    c.tar("link-then-file-through-it", &["path-conflict"], |t| t.symlink("package/a", "lib").file("package/a/b", "1"));
    c.tar("escaping-link-then-file-through-it", &["path-conflict", "link-escapes"], |t| {
        t.symlink("package/a", "/tmp").file("package/a/b", "1")
    });
    c.tar("conflict-needs-the-separator", &[], |t| t.file("package/a", "1").file("package/a-b", "2").file("package/a.c/d", "3"));
    c.tar("conflict-behind-lower-bytes", &["path-conflict"], |t| {
        t.file("package/a", "1").file("package/a!", "2").file("package/a-b", "3").file("package/a/b", "4")
    });
    c.tar("file-over-the-package-folder", &["empty-path"], |t| t.file("package/.", "1"));
}
