use super::*;
use crate::era::{self, Bins};
use crate::gzip::{Class, Match, compress};
use crate::tar::{Adopted, Kind, Member, write};

fn member(path: &str, mode: u32, content: &'static [u8]) -> Member<'static> {
    Member { path: path.to_owned(), mode, kind: Kind::File(Box::new(content)), mtime: Some(1_500_000_000 + path.len() as u64) }
}

const PACKAGE_JSON: &[u8] = br#"{
  "name": "a",
  "bin": "bin/cli.js"
}"#;

fn members() -> Vec<Member<'static>> {
    vec![
        member("package.json", 0o644, PACKAGE_JSON),
        member("index.js", 0o644, b"1"),
        member("bin/cli.js", 0o755, b"2"),
        member("README.md", 0o644, b"3"),
        member("lib/a.d.ts", 0o644, b""),
    ]
}

fn packed(id: &str, os: u8, members: &[Member<'_>]) -> Vec<u8> {
    let era = era::by_id(id).unwrap();
    let bins = Bins::of(&serde_json::from_slice(PACKAGE_JSON).unwrap());
    let (mut tar, mut gz) = (Vec::new(), Vec::new());
    write(members, era, &bins, &Adopted::default(), &mut tar).unwrap();
    let encoder = Match { class: Class::A, level: era.gzip.level, xfl: era.gzip.xfl, os: era.gzip.os.unwrap_or(os) };
    compress(&mut tar.as_slice(), encoder, &mut gz).unwrap();
    gz
}

fn fingerprint(id: &str) -> Fingerprint {
    Fingerprint::read(&packed(id, 3, &members()), &Limits::default()).unwrap()
}

#[test]
fn every_era_is_among_its_own_candidates() {
    for era in era::ALL {
        if matches!(era.id, "node-tar-directory") {
            continue; // Told by user names and access times, which only a published archive has.
        }
        let eras = fingerprint(era.id).eras;
        assert!(eras.iter().any(|candidate| candidate == era.id), "{} is not in {eras:?}", era.id);
    }
}

#[test]
fn two_slashes_in_a_path_are_of_the_first_npm_7() {
    let mut members = members();
    members.push(member("dist//x.js", 0o644, b"4"));
    let found = Fingerprint::read(&packed("npm-7-0", 3, &members), &Limits::default()).unwrap();
    assert_eq!(found.eras, ["npm-7-0"]);
    assert!(found.reasons.iter().any(|reason| reason.contains("npm 7.0.0 to 7.0.3")), "{:?}", found.reasons);
}

#[test]
fn eras_with_marks_of_their_own_come_first() {
    for id in [
        "npm-2",
        "npm-5-4",
        "npm-5-7",
        "npm-5-8",
        "npm-6-10",
        "npm-7-20",
        "lerna-4",
        "vlt-1",
        "yarn-1",
        "berry-2",
        "berry-3",
        "pnpm-7",
        "pnpm-8-8",
        "pnpm-12-21",
        "bun-1",
    ] {
        assert_eq!(fingerprint(id).eras.first().map(String::as_str), Some(id));
    }
}

#[test]
fn a_bin_below_the_root_without_its_bit_excludes_early_npm_7() {
    let mut members = members();
    members[2].mode = 0o644;
    let fingerprint = Fingerprint::read(&packed("npm-7-20", 3, &members), &Limits::default()).unwrap();
    assert_eq!(fingerprint.eras, ["npm-7-20"]);
}

#[test]
fn executables_that_are_not_listed_exclude_pnpm_7() {
    let mut members = members();
    members.push(member("run.sh", 0o755, b""));
    let fingerprint = Fingerprint::read(&packed("pnpm-11-28", 3, &members), &Limits::default()).unwrap();
    assert_eq!(fingerprint.eras, ["pnpm-11-28", "pnpm-6-20"]);
}

#[test]
fn the_json_has_camel_case_keys() {
    let json = serde_json::to_value(fingerprint("npm-7-20")).unwrap();
    let keys: Vec<_> = json.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["eras", "reasons", "gzip", "packageJsonStyle", "root", "entries"]);
    assert_eq!(json["packageJsonStyle"]["indent"], serde_json::json!({ "spaces": 2 }));
    assert_eq!(json["packageJsonStyle"]["finalNewline"], false);
    assert_eq!(json["gzip"], serde_json::json!({ "xfl": 2, "os": 255, "class": null, "level": null }));
}

#[test]
fn package_json_styles_are_told_apart() {
    let style = |text: &str| PackageJsonStyle::of(text.as_bytes()).unwrap();
    assert_eq!(style("{\n\t\"a\": 1\n}\n").indent, Indent::Tab);
    assert!(style("{\n\t\"a\": 1\n}\n").stringified);
    assert!(!style("{\n  \"a\": [1]\n}\n").stringified);
    assert_eq!(style("{\"a\":1}").indent, Indent::None);
    assert!(style("{\"a\":1}").stringified);
    let marked = style("\u{feff}{\r\n    \"a\": 1\r\n}");
    assert!(marked.byte_order_mark && marked.crlf && !marked.stringified && !marked.final_newline);
    assert_eq!(marked.indent, Indent::Spaces(4));
    assert!(PackageJsonStyle::of(b"{").is_none());
}

#[test]
fn headers_say_where_contents_are() {
    let headers = Headers::read(&packed("npm-7-20", 3, &members()), &Limits::default()).unwrap();
    let seen: Vec<_> = headers.entries.iter().map(|entry| (entry.path.as_str(), entry.offset, entry.size)).collect();
    assert_eq!(
        seen,
        [("bin/cli.js", 512, 1), ("index.js", 1536, 1), ("package.json", 2560, 40), ("README.md", 3584, 1), ("lib/a.d.ts", 4608, 0)]
    );
    assert_eq!(headers.package_json.as_deref(), Some(PACKAGE_JSON));
}

#[test]
fn long_names_are_read_back_in_every_era() {
    let path = format!("{}/ä{}", "d".repeat(70), "x".repeat(130));
    for era in era::ALL {
        let headers = Headers::read(&packed(era.id, 3, &[member(&path, 0o644, b"1")]), &Limits::default()).unwrap();
        assert_eq!(headers.entries.last().map(|entry| entry.path.as_str()), Some(path.as_str()), "{}", era.id);
    }
}

#[test]
fn limits_hold() {
    let published = packed("npm-7-20", 3, &members());
    let read = |limits: Limits| Headers::read(&published, &limits);
    assert!(matches!(read(Limits { entries: 4, ..Limits::default() }), Err(FingerprintError::TooMuch { what: "entries", .. })));
    assert!(matches!(read(Limits { bytes: 3000, ..Limits::default() }), Err(FingerprintError::TooMuch { what: "bytes", .. })));
    let long = packed("npm-7-20", 3, &[member("ä", 0o644, b"")]);
    let limits = Limits { extensions: 10, ..Limits::default() };
    assert!(matches!(Headers::read(&long, &limits), Err(FingerprintError::TooMuch { limit: 10, .. })));
}

fn gzipped(tar: &[u8]) -> Vec<u8> {
    let mut gz = Vec::new();
    compress(&mut &*tar, Match { class: Class::A, level: 9, xfl: 2, os: 255 }, &mut gz).unwrap();
    gz
}

#[test]
fn broken_archives_are_errors() {
    let read = |bytes: &[u8]| Headers::read(bytes, &Limits::default());
    assert!(matches!(read(b""), Err(FingerprintError::Gzip(_))));
    assert!(matches!(read(b"PK\x03\x04"), Err(FingerprintError::Gzip(_))));
    assert!(matches!(read(&gzipped(&[0; 1024])), Err(FingerprintError::Empty)));
    let published = packed("npm-7-20", 3, &members());
    assert!(matches!(read(&published[..published.len() / 2]), Err(FingerprintError::Gzip(_))));
    let mut tar = Vec::new();
    write(&members(), era::by_id("npm-7-20").unwrap(), &Bins::default(), &Adopted::default(), &mut tar).unwrap();
    assert!(matches!(read(&gzipped(&tar[..513])), Err(FingerprintError::Tar { .. })));
    tar[124..136].copy_from_slice(b"what is this");
    assert!(matches!(read(&gzipped(&tar)), Err(FingerprintError::Tar { offset: 512, .. })));
    tar[124..136].copy_from_slice(b"77777777777\0");
    assert!(matches!(read(&gzipped(&tar)), Err(FingerprintError::TooMuch { what: "bytes", .. })));
}

#[test]
fn headers_of_two_kinds_are_nobodys() {
    let tar = |id: &str| {
        let mut tar = Vec::new();
        write(&[member("a", 0o644, b"")], era::by_id(id).unwrap(), &Bins::default(), &Adopted::default(), &mut tar).unwrap();
        tar
    };
    let mixed = [&tar("npm-7-20")[..512], &tar("bun-1")].concat();
    let fingerprint = Fingerprint::read(&gzipped(&mixed), &Limits::default()).unwrap();
    assert!(fingerprint.eras.is_empty());
    assert!(fingerprint.reasons[0].contains("several kinds"));
}

#[test]
fn only_records_without_effect_are_adopted() {
    let headers = |keyword: &str| {
        let mut headers = Headers::read(&packed("npm-2", 3, &[member("ä", 0o644, b"1")]), &Limits::default()).unwrap();
        headers.entries[0].pax.as_mut().unwrap().records.push((keyword.to_owned(), b"0777".to_vec()));
        headers
    };
    let era = era::by_id("npm-2").unwrap();
    let adopted = |keyword: &str| Adopted::from_published(&headers(keyword), era).entries["ä"].pax.is_some();
    assert!(adopted("NODETAR.blksize") && adopted("SCHILY.ino") && adopted("uid"));
    assert!(!adopted("mode") && !adopted("GNU.sparse.name") && !adopted("type") && !adopted("SCHILY.acl.access"));
}
