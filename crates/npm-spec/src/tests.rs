use verdict::diagnostic::Diagnostic;

use super::*;

fn registry(word: &str) -> (String, Wanted) {
    match Spec::parse(word).unwrap().target {
        Target::Registry { name, wanted, .. } => (name.to_string(), wanted),
        other => panic!("{word}: {other:?}"),
    }
}

fn code(word: &str) -> &'static str {
    Spec::parse(word).expect_err(word).code()
}

#[test]
fn a_name_alone_wants_the_default_version() {
    for name in ["abc", "@scope/abc", "JSONStream", "a.b", "crypto-js", "x~'!()*"] {
        assert_eq!(registry(name), (name.to_owned(), Wanted::Default));
    }
    assert_eq!(registry("abc@").1, Wanted::Default);
    assert_eq!(registry("abc@*").1, Wanted::Default);
}

#[test]
fn what_follows_the_at_is_a_version_a_range_or_a_tag() {
    let rows = [
        ("abc@1.2.3", Wanted::Version("1.2.3".into())),
        ("abc@v1.2.3", Wanted::Version("1.2.3".into())),
        ("abc@=1.2.3", Wanted::Version("1.2.3".into())),
        ("abc@1.2.3-beta.1", Wanted::Version("1.2.3-beta.1".into())),
        ("@s/abc@1.2.3", Wanted::Version("1.2.3".into())),
        ("abc@^1", Wanted::Range("^1".into())),
        ("abc@1", Wanted::Range("1".into())),
        ("abc@1.x || >=2.5.0", Wanted::Range("1.x || >=2.5.0".into())),
        ("abc@1.2.3 - 2.0.0", Wanted::Range("1.2.3 - 2.0.0".into())),
        ("abc@1.2.3 || 2.0.0", Wanted::Range("1.2.3 || 2.0.0".into())),
        ("abc@next", Wanted::Tag("next".into())),
        ("abc@release-1.x", Wanted::Tag("release-1.x".into())),
    ];
    for (word, wanted) in rows {
        assert_eq!(registry(word).1, wanted, "{word}");
    }
}

#[test]
fn an_alias_is_the_package_that_it_stands_for() {
    for word in ["npm:abc@^1", "other@npm:abc@^1", "@x/other@npm:abc@^1", "NPM:abc@^1"] {
        assert_eq!(registry(word), ("abc".into(), Wanted::Range("^1".into())), "{word}");
    }
    assert_eq!(registry("other@npm:@s/abc"), ("@s/abc".into(), Wanted::Default));
    assert_eq!(code("npm:npm:abc"), "invalid-alias");
    assert_eq!(code("npm:https://h.example/a.tgz"), "invalid-alias");
}

#[test]
fn an_address_of_a_tarball_is_taken_as_it_is() {
    let word = "https://h.example:8443/a/-/a-1.0.0.tgz?x=1";
    let spec = Spec::parse(word).unwrap();
    assert_eq!(spec.target, Target::Tarball(Url::parse(word).unwrap()));
    assert_eq!(spec.display(), "https://h.example:8443/a/-/a-1.0.0.tgz");
    assert!(matches!(Spec::parse("abc@https://h.example/a.tgz").unwrap().target, Target::Tarball(_)));
    assert!(matches!(Spec::parse("https://github.com/o/r/archive/v1.tar.gz").unwrap().target, Target::Tarball(_)));
    assert_eq!(code("https://me:secret@h.example/a.tgz"), "invalid-address");
}

#[test]
fn a_tarball_on_disk_is_a_path() {
    for (word, path) in [
        ("a.tgz", "a.tgz"),
        ("./a.tgz", "./a.tgz"),
        ("../x/a.tar.gz", "../x/a.tar.gz"),
        ("/x/a.TGZ", "/x/a.TGZ"),
        ("dir/a.tgz", "dir/a.tgz"),
        ("file:a.tgz", "a.tgz"),
        ("file:///x/a.tgz", "/x/a.tgz"),
        ("abc@file:a.tgz", "a.tgz"),
        ("~/a.tgz", "~/a.tgz"),
    ] {
        assert_eq!(Spec::parse(word).unwrap().target, Target::File(PathBuf::from(path)), "{word}");
    }
}

#[test]
fn a_path_starts_at_the_working_directory_or_at_home() {
    let at = |word: &str| Spec::parse(word).unwrap().file_in(Path::new("/cwd"), Some(Path::new("/home/me"))).unwrap();
    assert_eq!(at("a.tgz"), Path::new("/cwd/a.tgz"));
    assert_eq!(at("~/a.tgz"), Path::new("/home/me/a.tgz"));
    assert_eq!(at("/x/a.tgz"), Path::new("/x/a.tgz"));
}

#[test]
fn what_npm_takes_and_no_registry_serves_is_named() {
    for word in [
        "git+https://h.example/r.git",
        "git+ssh://git@h.example/r.git",
        "git://h.example/r",
        "github:o/r",
        "o/r",
        "o/r#main",
        "git@h.example:o/r.git",
        "https://github.com/o/r",
        "https://github.com/o/r.git",
        "abc@o/r",
        "abc@github:o/r",
        "gitlab:o/r",
    ] {
        assert_eq!(code(word), "git-spec", "{word}");
    }
    for word in [".", "..", "./dir", "/abs/dir", "~/dir", "file:../dir"] {
        assert_eq!(code(word), "folder-spec", "{word}");
    }
    for word in ["workspace:*", "abc@workspace:^", "ftp://h.example/a.tgz", "javascript:alert"] {
        assert_eq!(code(word), "unsupported-protocol", "{word}");
    }
}

#[test]
fn names_follow_npms_rules() {
    for word in [
        "@scope",
        "@/abc",
        "@scope/",
        "_abc",
        "-abc",
        "node_modules",
        "Favicon.ico",
        "a b",
        "a%2fb",
        "@a/b/c",
        "@.a/b",
        "@a/.b",
        "näme",
        "a:b c",
    ] {
        assert!(Spec::parse(word).is_err(), "{word}");
    }
    assert!(Spec::parse(&"a".repeat(214)).is_ok());
    assert_eq!(code(&"a".repeat(215)), "invalid-package-name");
    assert_eq!(code("@scope"), "invalid-package-name");
}

#[test]
fn a_tag_holds_only_what_an_address_can() {
    assert_eq!(code("abc@not a tag"), "invalid-version");
    assert_eq!(code("abc@a&b"), "invalid-version");
}

#[test]
fn nothing_empty_endless_or_with_control_characters() {
    for word in ["", "   ", "abc\u{1b}[2J", "abc@1.0.0\n2"] {
        assert_eq!(code(word), "invalid-spec", "{word:?}");
    }
    assert_eq!(code(&"a".repeat(5000)), "invalid-spec");
}

#[test]
fn a_purl_names_a_package() {
    assert_eq!(registry("pkg:npm/abc@1.2.3"), ("abc".into(), Wanted::Version("1.2.3".into())));
    assert_eq!(registry("pkg:npm/%40scope/abc@1.2.3"), ("@scope/abc".into(), Wanted::Version("1.2.3".into())));
    assert_eq!(registry("pkg:npm/@scope/abc"), ("@scope/abc".into(), Wanted::Default));
    assert_eq!(registry("pkg:npm/@scope/abc@1.0.0"), ("@scope/abc".into(), Wanted::Version("1.0.0".into())));
    assert_eq!(registry("pkg:npm/abc@1.0.0%2Bb#sub/path"), ("abc".into(), Wanted::Version("1.0.0".into())));
}

#[test]
fn a_purl_may_name_its_registry() {
    for (value, url) in [("https%3A%2F%2Fr.example%2Fnpm", "https://r.example/npm/"), ("r.example", "https://r.example/")] {
        let spec = Spec::parse(&format!("pkg:npm/abc@1.2.3?arch=x&repository_url={value}")).unwrap();
        let Target::Registry { registry, .. } = spec.target else { panic!() };
        assert_eq!(registry.unwrap().as_str(), url);
    }
}

#[test]
fn a_purl_that_cannot_be_read_says_why() {
    for word in [
        "pkg:cargo/abc@1",
        "pkg:npm",
        "pkg:npm/%zz",
        "pkg:npm/%ff",
        "pkg:npm/a?repository_url=ftp://h",
        "pkg:npm/a@.x",
        "pkg:npm/a@x.tgz",
        "pkg:npm/a@1%0a",
    ] {
        assert_eq!(code(word), "invalid-purl", "{word}");
    }
}

#[test]
fn the_plain_form_has_no_alias_in_it() {
    for (word, shown) in [("abc", "abc"), ("abc@*", "abc"), ("x@npm:@s/abc@^1", "@s/abc@^1"), (" abc@v1.0.0 ", "abc@1.0.0")] {
        assert_eq!(Spec::parse(word).unwrap().display(), shown);
    }
}

#[test]
fn a_tag_is_never_a_step_in_the_registrys_folders() {
    assert_eq!(code("abc@ .."), "invalid-version");
    assert_eq!(registry("abc@ ..-").1, Wanted::Tag("..-".into()));
}

#[test]
fn every_error_has_a_hint() {
    for word in
        ["abc@ npm:||", "abc@ https: || ", "abc@ file:||", "", "o/r", "./dir", "pkg:npm", "@scope", "abc@a b", "ftp://x", "npm:npm:a"]
    {
        assert!(Spec::parse(word).unwrap_err().hint().is_some());
    }
}

#[test]
fn a_purls_checksum_is_read_whole_or_refused() {
    let sha1 = "AB".repeat(20);
    let sha256 = "cd".repeat(32);
    let spec = Spec::parse(&format!("pkg:npm/a@1.0.0?checksum=sha1:{sha1},SHA256:{sha256}&vcs_url=x")).unwrap();
    let found: Vec<_> = spec.checksums().iter().map(|one| (one.algorithm, one.hex.as_str())).collect();
    assert_eq!(found, [("sha1", sha1.to_lowercase().as_str()), ("sha256", sha256.as_str())]);
    assert!(Spec::parse(&format!("pkg:npm/a@1.0.0?checksum=sha1%3A{sha1}")).is_ok());
    assert!(Spec::parse("pkg:npm/a@1.0.0").unwrap().checksums().is_empty());
    let md5 = format!("md5:{}", "ab".repeat(16));
    let twice = format!("sha1:{sha1},sha1:{sha1}");
    let again = format!("sha1:{sha1}&checksum=sha1:{sha1}");
    let part = format!("sha1:{sha1},");
    for wrong in ["", "sha512", "sha512:", "sha512:abcd", &sha1, &md5, &twice, &again, &part, "sha1-q6urq6urq6urq6urq6urq6urq6s="] {
        let refused = Spec::parse(&format!("pkg:npm/a@1.0.0?checksum={wrong}"));
        assert!(matches!(refused, Err(SpecError::Purl(_))), "{wrong}");
    }
}
