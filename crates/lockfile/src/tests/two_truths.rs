//! What two readers would read otherwise, and what leads to something else than it says.

use super::*;

#[test]
fn what_yarn_1_never_writes_is_read_by_nobody_alike_and_so_refused() {
    let entry = |lines: &str| format!("# yarn lockfile v1\n\n\na@^1.0.0:\n  version \"1.0.0\"\n{lines}\n");
    assert_eq!(read("yarn.lock", &entry("  resolved \"https://x.example/a.tgz\"")).0, ["a@1.0.0"], "the control");
    for odd in [
        "  resolved: \"https://x.example/a.tgz\"",
        "  \"resolved\": \"https://x.example/a.tgz\"",
        "  x, resolved \"https://x.example/a.tgz\"",
        "  resolved \"htt\\u0070s://x.example/a.tgz\"",
        "  resolved \"https://y.example/a.tgz\"\n  resolved \"https://x.example/a.tgz\"",
        "  # x\r  resolved \"https://x.example/a.tgz\"",
        "  evil \"x\"",
        "    resolved \"https://x.example/a.tgz\"",
        "\tresolved \"https://x.example/a.tgz\"",
        "__metadata:\n  version: 8",
    ] {
        assert_eq!(code("yarn.lock", &entry(odd)), "lockfile-malformed", "{odd:?}");
    }
    // A line of several packages is not known to be any of them.
    let two =
        "a@^1.0.0, \"al@npm:b@^1.0.0\", \"c@https://x.example/c.tgz\":\n  version \"1.0.0\"\n  resolved \"https://x.example/a.tgz\"\n";
    let left = vec!["a@^1.0.0, al@npm:b@^1.0.0, c@https://x.example/c.tgz (tarball)".to_owned()];
    assert_eq!(read("yarn.lock", two), (vec!["a@1.0.0".into(), "b@1.0.0".into()], left));
    // yarn 1 would read the address, and yarn 2 would not.
    let both = "__metadata:\n  version: 8\n\n\"a@^1.0.0\":\n  version: 1.0.0\n  resolution: \"a@npm:1.0.0\"\n";
    assert_eq!(read("yarn.lock", both).0, ["a@1.0.0"]);
    assert_eq!(code("yarn.lock", &format!("{both}  resolved: \"https://x.example/a.tgz\"\n")), "lockfile-malformed");
}

#[test]
fn what_clients_would_read_otherwise_is_refused_or_not_believed() {
    let row = |more: &str| format!(r#"{{"lockfileVersion":3,"packages":{{"node_modules/a":{{"version":"1.0.0"{more}}}}}}}"#);
    assert_eq!(read("package-lock.json", &row("")).0, ["a@1.0.0"], "the control");
    for odd in [r#","resolved":true"#, r#","link":1"#, r#","inBundle":"x""#, r#","integrity":[]"#, r#","hasShrinkwrap":0"#] {
        assert_eq!(read("package-lock.json", &row(odd)).1, ["node_modules/a (unreadable)"], "{odd}");
    }
    for odd in [
        " https://x.example/a.tgz",
        "ht\\ttps://x.example/a.tgz",
        "https:x.example/a.tgz",
        "e",
        "C:\\\\e",
        "https://x.example\\\\a.tgz",
        "https://x.example/./a.tgz",
    ] {
        let (packages, left) = read("package-lock.json", &row(&format!(r#","resolved":"{odd}""#)));
        assert_eq!((packages.len(), left.len()), (0, 1), "{odd}");
    }
    let both = r#"{"lockfileVersion":1,"packages":{"node_modules/a":{"version":"1.0.0"}},"dependencies":{"a":{"version":"2.0.0"}}}"#;
    assert_eq!(code("package-lock.json", both), "lockfile-malformed");
    // Without a list above it nothing is bundled.
    let said = r#"{"lockfileVersion":3,"packages":{"node_modules/a":{"version":"1.0.0"},"node_modules/a/node_modules/b":{"version":"1.0.0","inBundle":true}}}"#;
    assert_eq!(read("package-lock.json", said).0, ["a@1.0.0", "b@1.0.0"]);
    let of = |version: &str, resolution: &str| format!("lockfileVersion: '9.0'\npackages:\n  a@{version}:\n    resolution: {resolution}\n");
    for odd in [
        "{tarball: a/-/a-1.0.0.tgz}",
        "{tarball: '//x.example/a.tgz'}",
        "{type: custom:x}",
        "{url: x}",
        "{integrity: sha512-AAAA}\n    name: b",
    ] {
        assert_eq!(read("pnpm-lock.yaml", &of("1.0.0", odd)).1[1..], ["a@1.0.0 (unreadable)"], "{odd}");
    }
    assert_eq!(read("pnpm-lock.yaml", &of("1.0.0", "{gitHosted: true, tarball: 'https://x.example/a.tgz'}")).1[1..], ["a@1.0.0 (git)"]);
    assert_eq!(code("pnpm-lock.yaml", "x: &x 1\nlockfileVersion: '9.0'\npackages: {}\n"), "lockfile-malformed");
}

#[test]
fn a_range_that_leads_to_another_package_is_told() {
    let told = |file: &str, text: &str| -> Vec<(String, Option<String>)> {
        let lockfile = Lockfile::read(file, text.as_bytes()).unwrap();
        lockfile.entries.iter().map(|entry| (entry.spec(), entry.places[0].in_place_of.clone())).collect()
    };
    let npm = |wanted: &str| {
        format!(
            r#"{{"lockfileVersion":3,"packages":{{"":{{"dependencies":{{"a":"{wanted}"}}}},"node_modules/a":{{"name":"b","version":"1.0.0"}}}}}}"#
        )
    };
    let pnpm = |wanted: &str| {
        format!(
            "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a:\n        specifier: '{wanted}'\n        version: b@1.0.0\npackages:\n  b@1.0.0: {{resolution: {{integrity: sha512-AAAA}}}}\nsnapshots:\n  b@1.0.0: {{}}\n"
        )
    };
    let berry = |wanted: &str| {
        format!(
            "__metadata:\n  version: 8\n\n\"a@{}\":\n  version: 1.0.0\n  resolution: \"b@npm:1.0.0\"\n",
            if wanted.starts_with("npm:") { wanted.to_owned() } else { format!("npm:{wanted}") }
        )
    };
    let bun = |wanted: &str| {
        format!(
            r#"{{"lockfileVersion":1,"workspaces":{{"":{{"dependencies":{{"a":"{wanted}"}}}}}},"packages":{{"a":["b@1.0.0","",{{}},"sha512-AAAA"]}}}}"#
        )
    };
    for (file, of) in
        [("package-lock.json", &npm as &dyn Fn(&str) -> String), ("pnpm-lock.yaml", &pnpm), ("yarn.lock", &berry), ("bun.lock", &bun)]
    {
        assert_eq!(told(file, &of("npm:b@^1.0.0")), [("b@1.0.0".into(), None)], "{file}");
        assert_eq!(told(file, &of("^1.0.0")), [("b@1.0.0".into(), Some("a".into()))], "{file}");
        // A catalog says what it stands for, and that is not read.
        if ["pnpm-lock.yaml", "bun.lock"].contains(&file) {
            assert_eq!(told(file, &of("catalog:")), [("b@1.0.0".into(), Some("a".into()))], "{file}");
        }
    }
}

#[test]
fn what_is_the_projects_own_is_told_from_what_is_not() {
    let own = |file: &str, text: &str| -> Vec<(String, bool)> {
        Lockfile::read(file, text.as_bytes()).unwrap().left_out.into_iter().map(|left| (left.key, left.is_own)).collect()
    };
    let npm = r#"{"lockfileVersion":3,"packages":{"":{},"w":{},"node_modules/w":{"link":true,"resolved":"w"},"node_modules/up":{"link":true,"resolved":"../up"},
        "node_modules/in":{"link":true,"resolved":"node_modules/a/evil"},"../up":{},"e":{"resolved":"https://x.example/e.tgz"},"node_modules/g":{"version":"1.0.0","resolved":"git+ssh://git@x.example/g.git#01"}}}"#;
    let not_own: Vec<String> = own("package-lock.json", npm).into_iter().filter(|(_, own)| !own).map(|(key, _)| key).collect();
    assert_eq!(not_own, ["node_modules/up", "node_modules/in", "../up", "e", "node_modules/g"]);
    let pnpm = "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      w: {specifier: 'workspace:*', version: 'link:w'}\n      in: {specifier: 'link:in', version: 'link:in'}\n      up: {specifier: ^1.0.0, version: 'link:../up'}\n  w: {}\npackages: {}\n";
    let told = [(".".to_owned(), true), ("w".into(), true), ("in@link:in".into(), true), ("up@link:../up".into(), false)];
    assert_eq!(own("pnpm-lock.yaml", pnpm), told);
    // A document that describes several packages has no project among them.
    let spdx = |described: &str| {
        format!(
            r#"{{"spdxVersion":"SPDX-2.3","documentDescribes":[{described}],"packages":[{{"SPDXID":"x","externalRefs":[{{"referenceType":"purl","referenceLocator":"pkg:npm/x@1.0.0"}}]}}]}}"#
        )
    };
    assert_eq!(read("x.json", &spdx(r#""x""#)).0, [""; 0]);
    assert_eq!(read("x.json", &spdx(r#""x","y""#)).0, ["x@1.0.0"]);
}

#[test]
fn a_need_is_met_by_its_own_entry_and_by_no_other_of_its_name() {
    let gaps = |file: &str, text: &str| Lockfile::read(file, text.as_bytes()).unwrap().gaps.len();
    let bun = |key: &str| {
        format!(
            r#"{{"lockfileVersion":1,"workspaces":{{"":{{"dependencies":{{"a":"^1.0.0"}}}}}},"packages":{{"{key}":["a@1.0.0","",{{}},"sha512-AAAA"]}}}}"#
        )
    };
    assert_eq!((gaps("bun.lock", &bun("a")), gaps("bun.lock", &bun("b/a"))), (0, 1));
    let pnpm = |version: &str, snapshots: &str| {
        format!(
            "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a: {{specifier: ^1.0.0, version: {version}}}\npackages:\n  a@1.0.0:\n    resolution: {{integrity: sha512-AAAA}}\n{snapshots}"
        )
    };
    let whole = "snapshots:\n  a@1.0.0: {}\n";
    assert_eq!(gaps("pnpm-lock.yaml", &pnpm("1.0.0", whole)), 0, "the control");
    assert_eq!(gaps("pnpm-lock.yaml", &pnpm("1.5.0", whole)), 1, "a version that is not there");
    assert_eq!(gaps("pnpm-lock.yaml", &pnpm("1.0.0", "")), 1, "no snapshot");
    assert_eq!(gaps("pnpm-lock.yaml", &pnpm("1.0.0(b@1.0.0)", whole)), 1, "other peers");
}

#[test]
fn members_of_another_kind_make_the_client_ignore_the_file_and_are_refused() {
    let bun = |more: &str| format!(r#"{{"lockfileVersion":1,{more}"workspaces":{{"":{{}}}},"packages":{{}}}}"#);
    assert_eq!(read("bun.lock", &bun(r#""configVersion":1,"trustedDependencies":["a"],"#)).0, [""; 0], "the control");
    for odd in [r#""trustedDependencies":"x","#, r#""configVersion":"x","#, r#""catalogs":{"x":[]},"#, r#""overrides":{"a":1},"#] {
        assert_eq!(code("bun.lock", &bun(odd)), "lockfile-malformed", "{odd}");
    }
    let row = r#"{"lockfileVersion":1,"workspaces":{"":{}},"packages":{"z":["z@workspace:v/z"]}}"#;
    assert_eq!(read("bun.lock", row).1, ["z (unreadable)", " (project)"]);
    for odd in ["settings: x", "settings:\n  autoInstallPeers: x", "ignoredOptionalDependencies: x", "time: x", "patchedDependencies: x"] {
        assert_eq!(code("pnpm-lock.yaml", &format!("lockfileVersion: '9.0'\n{odd}\npackages: {{}}\n")), "lockfile-malformed", "{odd}");
    }
}

#[test]
fn a_row_of_deno_that_leads_to_another_package_is_an_alias_that_its_package_must_have() {
    let new = r#"{"version":"5","npm":{"app@1.0.0":{"dependencies":["good@npm:other@1.0.0","same"]},"other@1.0.0":{},"same@1.0.0":{}}}"#;
    let old = r#"{"version":"3","packages":{"npm":{"app@1.0.0":{"dependencies":{"good":"other@1.0.0","same":"same@1.0.0"}},"other@1.0.0":{"dependencies":{}},"same@1.0.0":{"dependencies":{}}}}}"#;
    for text in [new, old] {
        let lockfile = Lockfile::read("deno.lock", text.as_bytes()).unwrap();
        let aliases: Vec<_> = lockfile.entries.iter().flat_map(|entry| entry.places.iter().map(|place| place.aliases.clone())).collect();
        assert_eq!(aliases, [vec![], vec![("app@1.0.0".to_owned(), "good".to_owned())], vec![]], "{text}");
        assert!(lockfile.gaps.is_empty());
        let nowhere = text.replace("other@1.0.0\":{", "another@1.0.0\":{");
        assert_eq!(Lockfile::read("deno.lock", nowhere.as_bytes()).unwrap().gaps.len(), 1, "{text}");
    }
}
