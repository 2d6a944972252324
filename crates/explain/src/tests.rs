//! Whole archives: one test for each rule that needs both sides.

use npm_pack::era::{self, Bins};
use npm_pack::tar::{Adopted, Kind, Member, write};

use super::*;

fn tar_of(files: &[(&str, &str)]) -> Vec<u8> {
    let member = |(path, content): &(&str, &str)| Member {
        path: (*path).to_owned(),
        mode: if path.rsplit('.').next() == Some("sh") { 0o755 } else { 0o644 },
        kind: Kind::File(Box::new(content.as_bytes().to_vec())),
        mtime: None,
    };
    let members: Vec<Member<'_>> = files.iter().map(member).collect();
    let mut tar = Vec::new();
    write(&members, era::by_id("npm-7-20").unwrap(), &Bins::default(), &Adopted::default(), &mut tar).unwrap();
    tar
}

pub(crate) fn archive(files: &[(&str, &str)]) -> Archive {
    Archive::read_tar(tar_of(files).as_slice(), &npm_tarball::Limits::default()).unwrap()
}

pub(crate) fn source(files: &[(&str, &Archive, &str)], directory: &str) -> Source {
    Source::of(files.iter().map(|(path, archive, inside)| ((*path).to_owned(), archive.get(inside).unwrap().blob_id)), directory)
}

fn all(published: &Archive, rebuilt: &Archive, source: &Source, limits: &Limits) -> Vec<(String, &'static str)> {
    let comparison = npm_tarball::compare(published, rebuilt);
    let explained = explain(published, rebuilt, &comparison, source, limits);
    explained.into_iter().map(|one| (one.path, one.class.code())).collect()
}

fn one(path: &str, published: &str, rebuilt: &str) -> &'static str {
    let [ours, theirs] = [published, rebuilt].map(|content| archive(&[(path, content)]));
    all(&ours, &theirs, &Source::default(), &Limits::default()).first().unwrap().1
}

#[test]
fn a_helper_that_reaches_further_and_a_load_by_another_path_are_other_code() {
    let helper = |body: &str| {
        format!(
            "\"use strict\";\nvar __importDefault = (this && this.__importDefault) || function (mod) {{ {body} return mod }};\nconst a = __importDefault(require(\"a\"));\nexports.a = a;\n"
        )
    };
    assert_eq!(one("dist/a.js", &helper("if (!mod) {}"), &helper("")), "tool-version", "the control");
    for body in ["require('fs').rmSync('/');", "eval(mod.text);", "fetch('//' + mod);"] {
        assert_eq!(one("dist/a.js", &helper(body), &helper("")), "other-code", "{body}");
    }
    assert_eq!(one("a.js", "at('/home/a/x.js')\n", "at('/tmp/b/x.js')\n"), "local-path", "the control");
    assert_eq!(one("a.js", "require('/home/a/x.js')\n", "require('/tmp/b/x.js')\n"), "other-code");
}

#[test]
fn every_change_of_content_has_the_class_of_its_surest_test() {
    for (path, published, rebuilt, class) in [
        ("a.js", "a()\r\n", "a()\n", "line-endings"),
        ("a.js", "a()", "a()\n", "final-newline"),
        ("a.js", "a();", "a() ;", "formatting-only"),
        ("a.js", "a(); // x", "a(); // y", "comments-only"),
        ("a.js", "a('x')", "a(\"x\")", "literal-form"),
        ("a.js", "a(1)", "a(2)", "other-code"),
        ("a.js", "// built 2024-01-02\na()", "// built 2024-01-03\na()", "time-stamp"),
        ("a.js", "v = '1.0.1'", "v = '1.0.0'", "version-string"),
        ("a.js", "f = '/home/x/y.js'", "f = '/tmp/z/y.js'", "local-path"),
        ("a.js", "a( b", "a(  b", "whitespace"),
        ("a.js", "a( b", "a( c", "other-text"),
        ("a.js", "a(\0", "a(", "binary"),
        ("a.js", "__decorate(a)", "__esDecorate(a)", "tool-version"),
        ("a.d.ts", "export type A = 'b'", "export type A = \"b\";", "literal-form"),
        ("a.json", "{\"a\": 1, \"b\": 2}", "{\"b\": 2, \"a\": 1}", "key-order"),
        ("a.json", "{\"a\": 1}", "{\"a\":1}", "formatting-only"),
        ("a.json", "{\"a\": 1}", "{\"a\": 2}", "other-data"),
        ("package.json", "{\"a\": 1, \"gitHead\": \"x\"}", "{\"a\": 1}", "manifest-keys"),
        ("a.js.map", "{\"mappings\":\"AA\",\"sources\":[\"a\"]}", "{\"mappings\":\"AA\",\"sources\":[\"b\"]}", "source-map-paths"),
        ("README.md", "# a  b\n", "# a b\n", "whitespace"),
        ("README.md", "# a\n", "# b\n", "other-text"),
    ] {
        assert_eq!(one(path, published, rebuilt), class, "{path}: {published} | {rebuilt}");
    }
}

#[test]
fn a_minified_side_is_named() {
    let long = "function a(b){return b+1}".repeat(100);
    assert_eq!(one("a.js", &long, "function a(b) {\n  return b + 2;\n}\n"), "minified");
}

#[test]
fn files_of_one_side_are_told_by_name_bytes_and_source() {
    let published = archive(&[
        (".DS_Store", "x"),
        ("LICENSE", "MIT"),
        ("dist/a.js", "a"),
        ("b.js", "b"),
        ("chunk-ABCD1234.js", "1"),
        ("notes.txt", "n"),
        ("old.js", "moved"),
        ("setup.js", "s"),
        ("gen/g.js", "g"),
    ]);
    let rebuilt = archive(&[("b.ts", "b"), ("chunk-WXYZ9876.js", "2"), ("new.js", "moved"), ("extra.js", "e")]);
    let mut source =
        source(&[("LICENSE", &published, "LICENSE"), ("p/b.ts", &rebuilt, "b.ts"), ("p/notes.txt", &published, "notes.txt")], "p");
    source.ignoring("p/.gitignore", b"gen\n").unwrap();
    assert_eq!(
        all(&published, &rebuilt, &source, &Limits::default()),
        [
            (".DS_Store", "publisher-file"),
            ("LICENSE", "root-license"),
            ("b.js", "renamed"),
            ("b.ts", "renamed"),
            ("chunk-ABCD1234.js", "hash-name"),
            ("chunk-WXYZ9876.js", "hash-name"),
            ("dist/a.js", "not-built"),
            ("extra.js", "not-published"),
            ("gen/g.js", "not-built"),
            ("new.js", "renamed"),
            ("notes.txt", "not-packed"),
            ("old.js", "renamed"),
            ("setup.js", "added-file"),
        ]
        .map(|(path, class)| (path.to_owned(), class))
    );
}

#[test]
fn bounds_of_size_and_work_are_kept_and_said() {
    let [ours, theirs] = ["a(1) //", "a(2) //"].map(|content| archive(&[("a.js", content)]));
    let default = Limits::default();
    for limits in [Limits { file: 3, ..default.clone() }, Limits { total: 13, ..default.clone() }, Limits { steps: 0, ..default.clone() }] {
        assert_eq!(all(&ours, &theirs, &Source::default(), &limits), [("a.js".to_owned(), "not-examined")]);
    }
}

#[test]
fn a_summary_counts_the_most_first() {
    let classes =
        [Class::OtherCode, Class::TimeStamp, Class::FormattingOnly, Class::TimeStamp, Class::FormattingOnly, Class::FormattingOnly];
    assert_eq!(summary(classes), "3 formatting only, 2 time stamps, 1 other code");
}

#[test]
fn findings_name_what_a_reader_should_see_first() {
    let obfuscated = (0..20).map(|n| format!("var _0x{n:04x}=1;")).collect::<Vec<_>>().concat();
    let published = archive(&[
        ("npm-debug.log", "x"),
        ("a.js", &"a(b);".repeat(300)),
        ("b.js", "evil()"),
        ("c.js", "a( )"),
        ("d.js", &obfuscated),
        ("dist/e.js", &"a(b);".repeat(300)),
    ]);
    let rebuilt = archive(&[("a.js", "a(b);\n"), ("b.js", "good()"), ("c.js", "a()")]);
    let source = source(&[("b.js", &rebuilt, "b.js"), ("c.js", &rebuilt, "c.js")], "");
    let comparison = npm_tarball::compare(&published, &rebuilt);
    let explained = explain(&published, &rebuilt, &comparison, &source, &Limits::default());
    let said: Vec<(String, String)> =
        findings(&published, &rebuilt, &explained, &source).into_iter().map(|finding| (finding.code, finding.message)).collect();
    let codes: Vec<&str> = said.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(codes, ["publisher-file", "source-file-differs", "minified-code", "obfuscated-code"]);
    let named: Vec<&str> = said.iter().filter_map(|(_, message)| message.rsplit(": ").next()).collect();
    assert_eq!(named, ["npm-debug.log", "b.js", "a.js", "d.js"]);
}

#[test]
fn many_files_of_a_kind_are_counted() {
    let names: Vec<String> = (0..13).map(|n| format!("d{n}/.DS_Store")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
    let (published, rebuilt) = (archive(&files), archive(&[("a", "")]));
    let explained = explain(&published, &rebuilt, &npm_tarball::compare(&published, &rebuilt), &Source::default(), &Limits::default());
    let found = findings(&published, &rebuilt, &explained, &Source::default());
    assert!(found.len() == 1 && found[0].message.ends_with(" and 8 more"), "{found:?}");
}

#[test]
fn every_class_has_a_name_of_its_own_and_is_read_back() {
    let mut codes: Vec<&str> = Class::ALL.iter().map(|class| class.code()).collect();
    for class in Class::ALL {
        let json = serde_json::to_string(&class).unwrap();
        assert_eq!(serde_json::from_str::<Class>(&json).unwrap(), class);
    }
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), Class::ALL.len());
    assert!(serde_json::from_str::<Class>("\"no-such-class\"").is_err());
}

#[test]
fn a_name_in_other_code_points_is_told_by_them() {
    let (ours, theirs) = (archive(&[("cafe\u{301}.txt", "x")]), archive(&[("caf\u{e9}.txt", "x")]));
    let comparison = npm_tarball::compare(&ours, &theirs);
    let explained = explain(&ours, &theirs, &comparison, &Source::default(), &Limits::default());
    let published = explained.iter().find(|one| one.path.contains('\u{301}')).unwrap();
    assert_eq!(published.class, Class::Renamed);
    assert!(published.message.contains("e U+0301 here") && published.message.contains("U+00E9 there"), "{}", published.message);
    assert_eq!(explained.len(), 2);
}

#[test]
fn of_a_hard_link_to_the_same_bytes_only_the_type_differs() {
    let linked = |target: &str| {
        let mut tar = tar_of(&[("index.js", "1"), ("other.js", "2")]);
        let mut header = [0_u8; 512];
        header[..15].copy_from_slice(b"package/copy.js");
        header[100..107].copy_from_slice(b"0000644");
        header[124..135].copy_from_slice(b"00000000000");
        header[136..147].copy_from_slice(b"00000000000");
        header[148..156].copy_from_slice(b"        ");
        header[156] = b'1';
        header[157..157 + target.len()].copy_from_slice(target.as_bytes());
        header[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let end = tar.len() - 1024;
        tar.splice(end..end, header);
        Archive::read_tar(tar.as_slice(), &npm_tarball::Limits::default()).unwrap()
    };
    let rebuilt = archive(&[("copy.js", "1"), ("index.js", "1"), ("other.js", "2")]);
    let told = |target| {
        let published = linked(target);
        let source = source(&[("copy.js", &rebuilt, "copy.js"), ("index.js", &rebuilt, "index.js")], "");
        let comparison = npm_tarball::compare(&published, &rebuilt);
        let explained = explain(&published, &rebuilt, &comparison, &source, &Limits::default());
        let findings = findings(&published, &rebuilt, &explained, &source);
        (explained[0].message.clone(), findings.into_iter().map(|finding| finding.code).collect::<Vec<_>>())
    };
    let (message, codes) = told("package/index.js");
    assert!(message.starts_with("the same bytes, by way of index.js") && codes.is_empty(), "{message} {codes:?}");
    let (message, codes) = told("package/other.js");
    assert!(!message.contains("same bytes"), "{message}");
    assert_eq!(codes, ["source-file-differs"]);
}
