//! What no client writes is refused, or told as left out.

use super::*;

const NPM: &str = r#"{"lockfileVersion":3,"packages":{"":{},"node_modules/a":{"version":"1.0.0","deprecated":"x"}}}"#;
const PNPM: &str = "lockfileVersion: '9.0'\nimporters:\n  .: {}\npackages:\n  a@1.0.0:\n    resolution: {integrity: sha512-AAAA}\nsnapshots:\n  a@1.0.0: {}\n";
const YARN: &str = "# yarn lockfile v1\n\n\na@^1.0.0:\n  version \"1.0.0\"\n  resolved \"https://reg.example/a/-/a-1.0.0.tgz\"\n  dependencies:\n    b \"^1.0.0\"\n\nb@^1.0.0:\n  version \"1.0.0\"\n  resolved \"https://reg.example/b/-/b-1.0.0.tgz\"\n";
const BERRY: &str = "__metadata:\n  version: 8\n\n\"a@npm:^1.0.0\":\n  version: 1.0.0\n  resolution: \"a@npm:1.0.0\"\n";
const BUN: &str = r#"{"lockfileVersion":1,"workspaces":{"":{"name":"x"}},"packages":{"a":["a@1.0.0","",{"bin":"x"},"sha512-AAAA"]}}"#;
const DENO: &str = r#"{"version":"5","npm":{"a@1.0.0":{"integrity":"sha512-AAAA","deprecated":"x"}}}"#;

const ALL: [(&str, &str); 6] = [
    ("package-lock.json", NPM),
    ("pnpm-lock.yaml", PNPM),
    ("yarn.lock", YARN),
    ("yarn.lock", BERRY),
    ("bun.lock", BUN),
    ("deno.lock", DENO),
];

#[test]
fn marks_of_a_merge_and_odd_characters_are_refused_wherever_they_stand() {
    for (file, text) in ALL {
        assert_eq!(read(file, text).0[0], "a@1.0.0", "the control of {file}");
        for odd in ["<<<<<<<", ">>>>>>>", "|||||||", "\u{2028}", "\u{2029}", "\u{85}", "\u{feff}", "\u{7f}", "\r"] {
            let at = text.find("1.0.0").unwrap();
            assert_eq!(code(file, &format!("{}{odd}{}", &text[..at], &text[at..])), "lockfile-malformed", "{file} {odd:?}");
        }
        assert_eq!(code(file, &format!("{text}\n=======\n")), "lockfile-malformed", "{file}");
    }
    // A deprecation may be underlined.
    assert_eq!(read("package-lock.json", &NPM.replace(r#""x""#, r#""==========""#)).0, ["a@1.0.0"]);
}

#[test]
fn keys_that_are_words_of_javascript_and_comments_are_refused() {
    for (file, text) in [("package-lock.json", NPM), ("bun.lock", BUN), ("deno.lock", DENO)] {
        for key in ["__proto__", "constructor", "\\u005f_proto__"] {
            assert_eq!(code(file, &text.replacen('{', &format!(r#"{{"{key}":{{}},"#), 1)), "lockfile-malformed", "{file} {key}");
        }
        assert_eq!(code(file, &text.replacen('{', r#"{"x":{},"#, 1)), "lockfile-malformed", "{file}: a member of nobody");
        assert_eq!(code(file, &text.replacen('{', "{ // x\n", 1)), "lockfile-malformed", "{file}: a comment");
    }
    for at in ["packages:\n", "  a@1.0.0:\n", "snapshots:\n"] {
        assert_eq!(code("pnpm-lock.yaml", &PNPM.replace(at, &format!("{at}    __proto__: {{}}\n"))), "lockfile-malformed", "{at}");
    }
}

#[test]
fn members_that_pnpm_does_not_write_are_refused() {
    for odd in [
        PNPM.replace("a@1.0.0: {}", "a@1.0.0: {resolution: {integrity: sha512-AAAA}}"),
        PNPM.replace("a@1.0.0: {}", "a@1.0.0: {name: b}"),
        PNPM.replace("integrity: sha512-AAAA", "integrity: sha512-AAAA, x: y"),
        PNPM.replace("    resolution", "    '<<': {}\n    resolution"),
        PNPM.replace("    resolution", "    !!str x: {}\n    resolution"),
        PNPM.replace("{integrity: sha512-AAAA}", "{integrity: !!binary c2hhNTEyLUFBQUE=}"),
        format!("%TAG !m! tag:x,2002:\n---\n{PNPM}"),
        PNPM.replace(".: {}", ".: {x: {}}"),
    ] {
        assert_eq!(code("pnpm-lock.yaml", &odd), "lockfile-malformed", "{odd}");
    }
    let linked = PNPM.replace("a@1.0.0: {}", "a@1.0.0: {dependencies: {b: 'link:../out'}}");
    let left = Lockfile::read("pnpm-lock.yaml", linked.as_bytes()).unwrap().left_out;
    assert_eq!((left[1].key.as_str(), left[1].reason, left[1].is_own), ("a@1.0.0 > b@link:../out", Reason::Link, false));
}

#[test]
fn rows_of_npm_have_one_form() {
    let row = |key: &str, more: &str| format!(r#"{{"lockfileVersion":3,"packages":{{"{key}":{{"version":"1.0.0"{more}}}}}}}"#);
    assert_eq!(read("package-lock.json", &row("node_modules/a", "")).0, ["a@1.0.0"], "the control");
    for key in [
        "./node_modules/a",
        "node_modules//a",
        "node_modules/x/../a",
        "w/../node_modules/a",
        "node_modules/./a",
        "/node_modules/a",
        "w\\\\x/node_modules/a",
    ] {
        let (packages, left) = read("package-lock.json", &row(key, ""));
        assert_eq!((packages.len(), left.len()), (0, 1), "{key}");
        assert!(left[0].ends_with("(unreadable)"), "{left:?}");
    }
    assert_eq!(read("package-lock.json", &row("node_modules/a", r#","x":1"#)).1, ["node_modules/a (unreadable)"]);
    for odd in
        ["https://x.example:12\\t34/a.tgz", "https://X.example/a.tgz", "https://x.example:443/a.tgz", "https://x.example/\\u00e4.tgz"]
    {
        let (packages, left) = read("package-lock.json", &row("node_modules/a", &format!(r#","resolved":"{odd}""#)));
        assert_eq!((packages.len(), left.len()), (0, 1), "{odd}");
    }
    let more = |address: &str| {
        one("package-lock.json", &row("node_modules/a", &format!(r#","resolved":"{address}""#))).places[0].address_more.is_some()
    };
    assert!(!more("https://x.example/a.tgz"), "the control");
    for odd in ["https://me@x.example/a.tgz", "https://x.example/a.tgz?b", "https://x.example/a.tgz#b", "https://x.example/a.tgz?"] {
        assert!(more(odd), "{odd}");
    }
}

#[test]
fn a_hash_of_bun_is_one_of_a_single_kind_and_nothing_else() {
    let hashes = |text: &str| {
        one("bun.lock", &format!(r#"{{"lockfileVersion":1,"packages":{{"a":["a@1.0.0","",{{}},"{text}"]}}}}"#)).places[0].integrity.clone()
    };
    let (strong, weak) = (format!("sha512-{}==", "a".repeat(86)), format!("sha1-{}=", "a".repeat(27)));
    assert_eq!((hashes(&strong), hashes(&weak), hashes("")), (vec![strong.clone()], vec![weak.clone()], Vec::new()));
    for odd in [
        format!("{weak} {strong}"),
        format!("{strong} {strong}"),
        format!("{strong}?x"),
        format!(" {strong}"),
        format!("{strong} "),
        format!("{strong}\\t"),
        format!("SHA512-{}==", "a".repeat(86)),
        format!("sha512-{}", "a".repeat(87)),
        format!("sha512-{}==", "-".repeat(86)),
    ] {
        assert_eq!(hashes(&odd)[0], "not-one-sha512", "{odd}");
    }
}

#[test]
fn two_addresses_that_differ_in_what_is_not_kept_are_two() {
    let row = |address: &str| {
        one(
            "package-lock.json",
            &format!(r#"{{"lockfileVersion":3,"packages":{{"node_modules/a":{{"version":"1.0.0","resolved":"{address}"}}}}}}"#),
        )
        .places[0]
            .clone()
    };
    let plain = row("https://x.example/a.tgz");
    assert_eq!(plain, row("https://x.example/a.tgz"), "the control");
    assert_eq!(row("https://x.example/a.tgz?b"), row("https://x.example/a.tgz?b"), "the control");
    for (one, other) in
        [("https://x.example/a.tgz?b", "https://x.example/a.tgz?c"), ("https://u:p@x.example/a.tgz", "https://u:q@x.example/a.tgz")]
    {
        assert!(row(one) != plain && row(one) != row(other), "{one}");
        assert_eq!(row(one).resolved, row(other).resolved, "neither is kept");
    }
    let bun = |registry: &str| {
        one("bun.lock", &format!(r#"{{"lockfileVersion":1,"packages":{{"a":["a@1.0.0","{registry}",{{}},""]}}}}"#)).places[0].clone()
    };
    assert_eq!(bun("https://x.example/one/"), bun("https://x.example/one/"));
    assert_ne!(bun("https://x.example/one/"), bun("https://x.example/two/"));
}

#[test]
fn entries_of_yarn_1_have_one_form() {
    for (odd, place) in [
        ("  version \"1.0.0\"\n\n", "a blank line"),
        ("  version \"1.0.0\"\n    \n", "a line of blanks"),
        ("  version \"1.0.0\"\n# x\n", "a comment"),
        ("  version \"1.0.0\" \n", "a blank at the end"),
    ] {
        assert_eq!(code("yarn.lock", &YARN.replacen("  version \"1.0.0\"\n", odd, 1)), "lockfile-malformed", "{place}");
    }
    let without = YARN.replace("  resolved \"https://reg.example/b/-/b-1.0.0.tgz\"\n", "  integrity sha512-AAAA\n");
    assert_eq!(read("yarn.lock", &without), (vec!["a@1.0.0".into()], vec!["b@^1.0.0 (unreadable)".into()]));
    for more in ["  name c\n", "  registry x\n", "  prebuiltVariants:\n    x \"y\"\n"] {
        assert_eq!(read("yarn.lock", &format!("{YARN}{more}")).1, ["b@^1.0.0 (unreadable)"], "{more}");
    }
    assert_eq!(read("yarn.lock", &format!("{YARN}  name b\n")).1, [""; 0]);
}

#[test]
fn what_is_needed_and_has_no_entry_is_told() {
    let gaps = |file: &str, text: &str| -> Vec<String> {
        Lockfile::read(file, text.as_bytes()).unwrap().gaps.into_iter().map(|gap| format!("{} > {}", gap.by, gap.wanted)).collect()
    };
    for (file, text) in ALL {
        assert_eq!(gaps(file, text), [""; 0], "the control of {file}");
    }
    assert_eq!(gaps("yarn.lock", &YARN.replace("b \"^1.0.0\"", "b \"^2.0.0\"")), ["a@^1.0.0 > b@^2.0.0"]);
    for (list, count) in [("dependencies", 1), ("optionalDependencies", 0), ("peerDependencies", 1), ("devDependencies", 0)] {
        let text = NPM.replace(r#""deprecated":"x""#, &format!(r#""{list}":{{"b":"1"}}"#));
        assert_eq!(gaps("package-lock.json", &text).len(), count, "{list}");
    }
    let of_root = NPM.replace(r#""":{}"#, r#""":{"optionalDependencies":{"b":"1"}}"#);
    assert_eq!(gaps("package-lock.json", &of_root), [" > b@1"]);
    let peer = NPM.replace(r#""deprecated":"x""#, r#""peerDependencies":{"b":"1"},"peerDependenciesMeta":{"b":{"optional":true}}"#);
    assert_eq!(gaps("package-lock.json", &peer), [""; 0]);
    let one = |top: &str| format!(r#"{{"lockfileVersion":1,"dependencies":{{"a":{{"version":"1.0.0","requires":{{"b":"1"}}}}{top}}}}}"#);
    assert_eq!(gaps("package-lock.json", &one(r#","b":{"version":"1.0.0"}"#)), [""; 0]);
    assert_eq!(gaps("package-lock.json", &one("")), ["a > b@1"]);
    assert_eq!(gaps("pnpm-lock.yaml", &PNPM.replace("a@1.0.0: {}", "a@1.0.0: {dependencies: {b: 1.0.0}}")), ["a@1.0.0 > b@1.0.0"]);
    assert_eq!(gaps("bun.lock", &BUN.replace(r#""bin":"x""#, r#""dependencies":{"b":"1"}"#)), ["a > b@1"]);
    assert_eq!(gaps("yarn.lock", &format!("{BERRY}  dependencies:\n    b: \"npm:^1.0.0\"\n")), ["a@npm:^1.0.0 > b@npm:^1.0.0"]);
}

#[test]
fn a_table_beside_a_tree_is_what_counts() {
    let of = |version: u8, tree: &str| {
        let long = r#"{"a":{"version":"1.0.0","integrity":"sha512-AAAA","dependencies":{"b":{"version":"npm:c@1.0.0"}}},"g":{"version":"git+ssh://git@x.example/g.git#01","from":"g"},"w":{"version":"file:w","dependencies":{"d":{"version":"1.0.0"}}}}"#;
        let tree = if tree.is_empty() {
            long.to_owned()
        } else {
            long.replacen(tree.split("=>").next().unwrap(), tree.split("=>").nth(1).unwrap(), 1)
        };
        format!(
            r#"{{"lockfileVersion":{version},"packages":{{"":{{}},"node_modules/a":{{"version":"1.0.0","resolved":"https://x.example/a.tgz","integrity":"sha512-AAAA"}},"node_modules/a/node_modules/b":{{"name":"c","version":"1.0.0"}},"node_modules/g":{{"version":"1.0.0","resolved":"git+ssh://git@x.example/g.git#01"}},"node_modules/w":{{"resolved":"w","link":true}},"w":{{"version":"1.0.0"}},"w/node_modules/d":{{"version":"1.0.0"}}}},"dependencies":{tree}}}"#
        )
    };
    let left = |tree: &str| read("npm-shrinkwrap.json", &of(2, tree)).1.into_iter().filter(|left| left.contains("(dependencies)")).count();
    assert_eq!(read("npm-shrinkwrap.json", &of(2, "")).0, ["a@1.0.0", "c@1.0.0", "d@1.0.0"]);
    assert_eq!(left(""), 0, "the control");
    assert_eq!(Lockfile::read("package-lock.json", of(2, "").as_bytes()).unwrap().gaps, []);
    // npm 6 goes by the tree, and so it may not say anything else.
    for odd in [
        r#""version":"1.0.0"=>"version":"9.9.9""#,
        r#""version":"1.0.0","i=>"version":"1.0.0","resolved":"https://y.example/a.tgz","i"#,
        "sha512-AAAA=>sha512-BBBB",
        r#""version":"1.0.0","i=>"version":"1.0.0","bundled":true,"i"#,
        r#""version":"1.0.0","i=>"version":"1.0.0","x":1,"i"#,
        "npm:c@1.0.0=>1.0.0",
        "g.git#01=>g.git#02",
        "file:w=>file:v",
        r#""d":{=>"e":{"#,
        r#"{"a":=>{"e":{"version":"1.0.0"},"a":"#,
    ] {
        assert_eq!(left(odd), 1, "{odd}");
    }
    assert_eq!(Lockfile::read("package-lock.json", of(2, r#""d":{=>"e":{"#).as_bytes()).unwrap().gaps.len(), 1);
    assert_eq!(code("package-lock.json", &of(3, "")), "lockfile-malformed");
    let twice = r#"{"lockfileVersion":3,"packages":{"node_modules/a":{"version":"1.0.0","version":"6.6.6"}}}"#;
    assert_eq!(code(".package-lock.json", twice), "lockfile-malformed");
}
