//! Paths that do not fit in a header's name.

use super::*;

/// 145 bytes with `package/`: three directories of 40 bytes and a file.
fn long_path() -> String {
    ["a".repeat(40), "b".repeat(23), "c".repeat(60), "f.js".into()].join("/") + "xxxxxxx"
}

fn one(era: &str, path: &str) -> Vec<(String, String, char)> {
    headers_of(&written(era, &[file(path, b"1")])).into_iter().filter(|header| header.2 != '5').collect()
}

#[test]
fn node_tar_4_and_rust_put_as_much_as_possible_in_the_prefix() {
    for era in ["npm-7-20", "pnpm-12-0"] {
        let [(name, prefix, '0')] = &one(era, &long_path())[..] else { panic!("{era}") };
        assert_eq!(name, "f.jsxxxxxxx");
        assert_eq!(prefix.len(), 133, "{era}");
    }
}

#[test]
fn tar_stream_libarchive_and_node_tar_2_put_as_little_as_needed_in_the_prefix() {
    for era in ["pnpm-7", "bun-1", "npm-2", "yarn-1"] {
        let [(name, prefix, '0')] = &one(era, &long_path())[..] else { panic!("{era}") };
        assert_eq!(prefix.len(), 48, "{era}");
        assert!(name.starts_with("bbb"), "{era}");
    }
}

#[test]
fn node_tar_4_divides_a_name_of_exactly_100_bytes() {
    let path = format!("d/{}", "x".repeat(90));
    assert_eq!(one("npm-7-20", &path), [("x".repeat(90), "package/d".into(), '0')]);
    assert_eq!(one("pnpm-7", &path), [(format!("package/{path}"), String::new(), '0')]);
    assert_eq!(one("pnpm-12-0", &path), [(format!("package/{path}"), String::new(), '0')]);
}

#[test]
fn npm_writes_a_pax_header_for_a_name_outside_of_ascii() {
    let stream = written("npm-7-20", &[file("dir/ä.js", b"12345")]);
    assert_eq!(headers_of(&stream), [("PaxHeader/ä.js".into(), String::new(), 'x'), ("package/dir/ä.js".into(), String::new(), '0')]);
    assert_eq!(text(&stream[512..1024]), "26 path=package/dir/ä.js\n19 mtime=499162500\n9 size=5\n");
    assert_eq!(shown(&stream[100..148]), "000644_~~~~~~~~~~~~~~~~~0000000066_~3560116604_~");
}

#[test]
fn npm_5_7_has_no_time_in_pax_either() {
    let stream = written("npm-5-7", &[file("ä", b"")]);
    assert_eq!(text(&stream[512..1024]), "19 path=package/ä\n");
}

#[test]
fn npm_cuts_a_name_that_fits_nowhere_at_99_characters() {
    let stream = written("npm-7-20", &[file(&"x".repeat(120), b"1")]);
    assert_eq!(
        headers_of(&stream),
        [(format!("PaxHeader/{}", "x".repeat(89)), String::new(), 'x'), ("x".repeat(99), "package".into(), '0')]
    );
}

#[test]
fn tar_stream_names_both_headers_pax_header() {
    let stream = written("pnpm-11-28", &[file("ä", b"1"), link("ö", "ä")]);
    assert_eq!(
        headers_of(&stream),
        [
            ("PaxHeader".into(), String::new(), 'x'),
            ("PaxHeader".into(), String::new(), '0'),
            ("PaxHeader".into(), String::new(), 'x'),
            ("PaxHeader".into(), String::new(), '2')
        ]
    );
    assert_eq!(text(&stream[512..1024]), "19 path=package/ä\n");
    assert_eq!(text(&stream[2560..3072]), "19 path=package/ö\n15 linkpath=ä\n");
    assert_eq!(text(&stream[2048 + 157..2048 + 257]), "PaxHeader");
    assert_eq!(text(&stream[3072 + 157..3072 + 257]), "PaxHeader");
}

#[test]
fn pnpm_12_keeps_utf_8_in_the_name_and_long_paths_in_a_gnu_entry() {
    assert_eq!(one("pnpm-12-21", "ä"), [("package/ä".into(), String::new(), '0')]);
    let path = format!("package/{}", "x".repeat(120));
    let stream = written("pnpm-12-21", &[file(&"x".repeat(120), b"1")]);
    assert_eq!(headers_of(&stream), [("././@LongLink".into(), String::new(), 'L'), (path[..100].into(), "package".into(), '0')]);
    assert_eq!(&stream[257..265], b"ustar  \0");
    assert_eq!(shown(&stream[100..148]), "0000644~0000000~0000000~00000000201~00000000000~");
    assert_eq!(text(&stream[512..1024]), path);
}

#[test]
fn a_pax_record_counts_its_own_length() {
    let record = |value: usize| {
        let mut records = Vec::new();
        pax::push(&mut records, "k", &vec![b'v'; value]);
        (records.len(), String::from_utf8_lossy(&records).split(' ').next().unwrap().to_owned())
    };
    assert_eq!(record(1), (6, "6".into()));
    assert_eq!(record(4), (9, "9".into()));
    assert_eq!(record(5), (11, "11".into()));
    assert_eq!(record(93), (99, "99".into()));
    assert_eq!(record(94), (101, "101".into()));
}

#[test]
fn pax_records_are_read_as_written_and_nonsense_is_refused() {
    let mut records = Vec::new();
    pax::push(&mut records, "path", "ä=\n".as_bytes());
    assert_eq!(pax::parse(&records), (vec![("path".into(), "ä=\n".as_bytes().to_vec())], true));
    for nonsense in [&b"99 path=a\n"[..], b"x", b"3 a\n", b"0 a=b\n", b"18446744073709551615 a=b\n"] {
        assert!(!pax::parse(nonsense).1);
    }
}

/// Name and prefix of the extended header and of the entry, as bun 1.3 wrote them.
fn bun(path: &str) -> [(String, String, char); 2] {
    one("bun-1", path).try_into().unwrap()
}

#[test]
fn libarchive_leaves_out_directories_in_the_middle() {
    let path = ["a", "b", "c", "d", "e"].map(|name| name.repeat(60)).join("/") + "/g.js";
    let prefix = format!("package/{}/{}", "a".repeat(60), "b".repeat(60));
    assert_eq!(
        bun(&path),
        [(format!("{}/PaxHeader/g.js", "c".repeat(60)), prefix.clone(), 'x'), (format!("{}/g.js", "c".repeat(60)), prefix, '0')]
    );
    let [(name, prefix, _), _] = bun(&format!("{}/s.js", "v".repeat(150)));
    assert_eq!((name.as_str(), prefix.as_str()), ("package/PaxHeader/s.js", ""));
}

#[test]
fn libarchive_cuts_a_base_name_to_87_bytes_beside_its_directory_and_to_98_alone() {
    assert_eq!(
        bun(&format!("{}.js", "n".repeat(120))),
        [(format!("PaxHeader/{}", "n".repeat(87)), "package".into(), 'x'), ("n".repeat(98), "package".into(), '0')]
    );
}

#[test]
fn libarchive_says_that_a_path_outside_of_ascii_is_not_converted() {
    let stream = written("bun-1", &[file("u/ä.js", b"1")]);
    assert_eq!(headers_of(&stream)[0].0, "package/u/PaxHeader/ä.js");
    assert_eq!(text(&stream[512..1024]), "21 hdrcharset=BINARY\n24 path=package/u/ä.js\n");
}
