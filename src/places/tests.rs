use super::*;

fn message(places: &Places) -> Option<String> {
    places.check().err().map(|answer| answer.to_json())
}

#[test]
fn an_output_that_is_an_input_is_refused_in_every_spelling() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.pem");
    std::fs::write(&key, "key").unwrap();
    std::fs::create_dir(folder.path().join("a")).unwrap();
    std::fs::hard_link(&key, folder.path().join("hard")).unwrap();
    let mut spellings = vec!["key.pem", "a/../key.pem", "./key.pem", "hard"];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("key.pem", folder.path().join("link")).unwrap();
        std::os::unix::fs::symlink("..", folder.path().join("a/up")).unwrap();
        spellings.extend(["link", "a/up/key.pem"]);
    }
    for spelling in spellings {
        let places = Places::default().read("--key", Some(&key)).written("--out", Some(folder.path().join(spelling)));
        let said = message(&places).expect(spelling);
        assert!(said.contains("would write over --key, which is read"), "{spelling}: {said}");
    }
    assert_eq!(message(&Places::default().read("--key", Some(&key)).written("--out", Some(folder.path().join("other")))), None);
    assert_eq!(std::fs::read(&key).unwrap(), b"key");
}

#[cfg(unix)]
#[test]
fn two_outputs_are_two_files_also_where_neither_is_there_yet() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| Some(folder.path().join(name));
    std::os::unix::fs::symlink("new", folder.path().join("link")).unwrap();
    for (one, other) in [("new", "new"), ("new", "./new"), ("link", "new"), ("new", "link")] {
        assert!(message(&Places::default().written("--a", at(one)).written("--b", at(other))).is_some(), "{one} {other}");
    }
    assert_eq!(message(&Places::default().written("--a", at("new")).written("--b", at("newer"))), None);
    assert_eq!(message(&Places::default().written("--a", Some("/dev/null")).written("--b", Some("/dev/null"))), None);
}

/// What a file has, and whether it may be written over in a folder that is checked.
#[test]
fn an_earlier_document_is_told_from_a_file_of_the_folder() {
    use super::earlier::Kind;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    for (content, kind) in [
        (
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"1\">\n  <testsuite name=\"reproduce\" tests=\"1\">\n",
            Kind::Document,
        ),
        ("<?xml version=\"1.0\"?>\n<testsuites>\n <testsuite name=\"jest\">\n", Kind::Other),
        ("### reproduce audit\n\n", Kind::Document),
        ("# about\n\n### reproduce audit\n", Kind::Other),
        ("null\n", Kind::Alike),
        ("{\"type\":\"package\",\"mine\":1}\n", Kind::Alike),
        ("{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[]}", Kind::Alike),
        ("{\"_type\":\"https://in-toto.io/Statement/v1\",\"verifier\":{\"version\":{\"reproduce\":\"1.0.0\"}}}", Kind::Document),
        ("SQLite format 3\u{0}", Kind::Other),
        ("{\"name\":\"reproduce\"}", Kind::Other),
        ("{\n  \"name\": \"a\"\n}\n", Kind::Other),
        ("// https://in-toto.io/Statement/v1\n", Kind::Other),
        ("\u{1f}\u{8b}", Kind::Other),
    ] {
        std::fs::write(&file, content).unwrap();
        assert_eq!(earlier::kind_of(&file).unwrap(), kind, "{content}");
        let said = message(&Places::default().folder("the folder", folder.path()).written("--out", Some(&file)));
        assert_eq!(said.is_none(), kind != Kind::Other, "{content}: {said:?}");
    }
    std::fs::write(&file, [0x1f, 0x8b, 8, 0]).unwrap();
    assert_eq!(earlier::kind_of(&file).unwrap(), Kind::Tarball);
    for free in [b"".as_slice(), &[0x1f, 0x8b, 8, 0]] {
        std::fs::write(&file, free).unwrap();
        assert_eq!(message(&Places::default().folder("the folder", folder.path()).written("--out", Some(&file))), None);
    }
}
