use std::io::Write;

use serde_json::{Value, json};
use url::Url;
use verdict::Severity;

use super::super::{Packument, Release, Spool, SpoolWriter};

fn read(json: &str) -> Packument {
    Packument::read(&Spool::from_bytes(json.to_owned())).unwrap()
}

/// The same document in memory and on disk.
fn both(json: &[u8]) -> [Spool; 2] {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(json).unwrap();
    [Spool::from_bytes(json.to_vec()), Spool::from_file(file).unwrap()]
}

#[test]
fn names_tags_times_and_versions_are_taken() {
    let json = r#"{"name":"a","dist-tags":{"latest":"1.0.0","x":null},"other":[{"deep":[1,2,{}]}],
        "time":{"created":"2010","1.0.0":"2011","bad":5},"versions":{"1.0.0":{"a":1},"0.9.0":{"deprecated":"why"},"0.8.0":{"deprecated":""},"0.7.0":{"deprecated":true}}}"#;
    for spool in both(json.as_bytes()) {
        let packument = Packument::read(&spool).unwrap();
        assert_eq!(packument.name.as_deref(), Some("a"));
        assert_eq!(packument.dist_tags.len(), 1);
        assert_eq!(packument.times.get("1.0.0").map(String::as_str), Some("2011"));
        let versions: Vec<_> = packument.versions.iter().map(|entry| (entry.version.as_str(), entry.deprecated)).collect();
        assert_eq!(versions, [("1.0.0", false), ("0.9.0", true), ("0.8.0", false), ("0.7.0", true)]);
        assert_eq!(Packument::manifest(&spool, "1.0.0").unwrap(), Some(serde_json::json!({"a":1})));
        assert_eq!(Packument::manifest(&spool, "2.0.0").unwrap(), None);
    }
}

#[test]
fn every_field_may_be_missing_or_of_another_type() {
    for json in ["{}", r#"{"name":5,"versions":null,"time":null,"dist-tags":null}"#, r#"{"versions":{}}"#] {
        assert_eq!(read(json), Packument::default(), "{json}");
    }
    let odd = read(r#"{"versions":{"1.0.0":null,"1.0.1":"x","1.0.2":[],"1.0.3":{"deprecated":{"a":1}}}}"#);
    assert!(odd.versions.len() == 4 && odd.versions.iter().all(|entry| !entry.deprecated));
}

#[test]
fn an_unpublished_package_says_when() {
    let gone = read(r#"{"name":"a","time":{"created":"2010","unpublished":{"name":"me","time":"2012","versions":["1.0.0"]}}}"#);
    assert_eq!(gone.unpublished.as_deref(), Some("2012"));
    assert!(gone.versions.is_empty());
}

#[test]
fn escaped_keys_are_read() {
    let packument = read(r#"{"dist\u002dtags":{"l\u0061test":"1.0.0"},"versions":{"1.0.\u0030":{}}}"#);
    assert_eq!(packument.dist_tags.get("latest").map(String::as_str), Some("1.0.0"));
    assert_eq!(packument.versions[0].version, "1.0.0");
}

#[test]
fn what_is_no_packument_is_an_error() {
    let deep = format!(r#"{{"versions":{{"1.0.0":{}}}}}"#, "[".repeat(100_000));
    for json in ["", "<html>", "[]", "null", "{\"name\":", "{} x", r#"{"versions":[]}"#, deep.as_str(), "\u{feff}{}"] {
        for spool in both(json.as_bytes()) {
            assert!(Packument::read(&spool).is_err(), "{json:.40}");
        }
    }
}

#[test]
fn overlong_names_are_left_out() {
    let long = "1".repeat(600);
    let packument = read(&format!(r#"{{"name":"{long}","dist-tags":{{"{long}":"1.0.0","x":"{long}"}},"versions":{{"{long}":{{}}}}}}"#));
    assert_eq!(packument, Packument::default());
}

#[test]
fn an_oversized_manifest_is_refused_and_the_others_are_still_there() {
    let big = "x".repeat(9 << 20);
    let json = format!(r#"{{"versions":{{"1.0.0":{{"readme":"{big}"}},"1.0.1":{{}}}}}}"#);
    for spool in both(json.as_bytes()) {
        assert!(Packument::manifest(&spool, "1.0.0").is_err());
        assert!(Packument::manifest(&spool, "1.0.1").unwrap().is_some());
    }
}

#[test]
fn a_large_packument_is_read_from_disk() {
    let mut writer = SpoolWriter::new(&std::env::temp_dir());
    writer.write_all(b"{\"versions\":{").unwrap();
    let filler = "x".repeat(20_000);
    for number in 0..1000 {
        write!(writer, "\"1.0.{number}\":{{\"description\":\"{filler}\"}},").unwrap();
    }
    writer.write_all(b"\"2.0.0\":{\"name\":\"a\"}}}").unwrap();
    let spool = writer.finish().unwrap();
    assert!(spool.in_memory().is_none());
    assert_eq!(Packument::read(&spool).unwrap().versions.len(), 1001);
    assert_eq!(Packument::manifest(&spool, "2.0.0").unwrap(), Some(serde_json::json!({"name":"a"})));
}

#[test]
fn a_deprecated_version_is_told_with_its_reason_in_one_bounded_line() {
    let registry = Url::parse("https://registry.example/").unwrap();
    let told = |deprecated: Value| {
        let manifest = json!({"deprecated": deprecated, "dist": {"tarball": "https://registry.example/a.tgz"}});
        Release::read(manifest, &registry).unwrap().deprecation().map(|finding| {
            assert_eq!((finding.code.as_str(), finding.severity), ("version-deprecated", Severity::Info));
            finding.message
        })
    };
    let reason = |words: &str| Some(format!("its publisher has deprecated this version: {words}"));
    assert_eq!(told(json!("use b")), reason("use b"));
    assert_eq!(told(json!("a\nb\u{1b}[2J")), reason("a\u{fffd}b\u{fffd}[2J"));
    assert_eq!(told(json!("x".repeat(200))), reason(&"x".repeat(200)));
    assert_eq!(told(json!("x".repeat(201))), reason(&format!("{}…", "x".repeat(200))));
    for none in [json!(true), json!(" ")] {
        assert_eq!(told(none), Some("its publisher has deprecated this version, and gives no reason".to_owned()));
    }
    for current in [json!(""), json!(false), Value::Null] {
        assert_eq!(told(current), None);
    }
}
