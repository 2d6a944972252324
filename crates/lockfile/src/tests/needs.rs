//! What packages and folders need, held against the versions that lockfiles have.

use super::asked::differences;
use super::*;

const A: &str = r#""node_modules/a":{"version":"1.0.0"}"#;

/// How many differences a project of npm has, with these rows beside the package `a` 1.0.0.
fn npm(root: &str, rows: &str, more: &[(&str, &str)]) -> usize {
    let lock = format!(r#"{{"lockfileVersion":3,"packages":{{"":{root},{A}{rows}}}}}"#);
    let own = [("package.json", root)];
    let files: &[(&str, &str)] = if more.is_empty() { &own } else { more };
    differences(("package-lock.json", &lock), files).len()
}

#[test]
fn an_override_excuses_only_the_needs_that_it_is_for() {
    let rows = r#","node_modules/p":{"version":"1.0.0","dependencies":{"q":"1"}},"node_modules/q":{"version":"1.0.0","dependencies":{"a":"^2.0.0"}}"#;
    let told = |overrides: &str| {
        npm(
            &format!(r#"{{"dependencies":{{"a":"1.0.0","p":"1"}},"devDependencies":{{"c":"*"}},"overrides":{overrides}}}"#),
            &format!(r#"{rows},"node_modules/c":{{"version":"1.0.0"}}"#),
            &[],
        )
    };
    for for_it in [
        r#"{"a":"1.0.0"}"#,
        r#"{"a":"^1.0.0"}"#,
        r#"{"a":"$a"}"#,
        r#"{"a@^2":"1"}"#,
        r#"{"a@>=1":"1.0.0"}"#,
        r#"{"a":{".":"1.0.0","z":"2"}}"#,
        r#"{"q":{"a":"1.0.0"}}"#,
        r#"{"q@1":{"a":"1.0.0"}}"#,
        r#"{"p":{"a":"1.0.0"}}"#,
        r#"{"p":{"q":{"a":"1.0.0"}}}"#,
        r#"{"p":{"q":{".":"1","a":"$a"}}}"#,
    ] {
        assert_eq!(told(for_it), 0, "{for_it}");
    }
    for for_nothing in [
        "{}",
        r#"{"z":{"a":"1.0.0"}}"#,
        r#"{"z":{"a":"$a"}}"#,
        r#"{"a":{"z":"1.0.0"}}"#,
        r#"{"a@^3":"1.0.0"}"#,
        r#"{"a":"3.0.0"}"#,
        r#"{"a":"*"}"#,
        r#"{"a":""}"#,
        r#"{"a":"$z"}"#,
        r#"{"q@2":{"a":"1.0.0"}}"#,
        r#"{"c":{"a":"1.0.0"}}"#,
        r#"{"q":{"p":{"a":"1.0.0"}}}"#,
        r#"{"q":{"a":"2.0.0"},"a":"1.0.0"}"#,
        r#"{"a":["1.0.0"]}"#,
    ] {
        assert_eq!(told(for_nothing), 1, "{for_nothing}");
    }
}

#[test]
fn peers_and_optional_needs_of_packages_are_held_against_the_versions() {
    let root = |more: &str| format!(r#"{{"dependencies":{{"a":"*","b":"*"}}{more}}}"#);
    let one = |entry: &str| npm(&root(""), &format!(r#","node_modules/b":{{"version":"1.0.0",{entry}}}"#), &[]);
    for met in [
        r#""peerDependencies":{"a":"^1.0.0"}"#,
        r#""optionalDependencies":{"a":"1"}"#,
        r#""optionalDependencies":{"z":"1"}"#,
        r#""peerDependencies":{"z":"1"},"peerDependenciesMeta":{"z":{"optional":true}}"#,
        r#""dependencies":{"a":"1"},"peerDependencies":{"a":"2"}"#,
        r#""dependencies":{"a":"2"},"acceptDependencies":{"a":"1"}"#,
    ] {
        assert_eq!(one(met), 0, "{met}");
    }
    for unmet in [
        r#""peerDependencies":{"a":"^2.0.0"}"#,
        r#""peerDependencies":{"a":"^2.0.0"},"peerDependenciesMeta":{"a":{"optional":true}}"#,
        r#""optionalDependencies":{"a":"^2.0.0"}"#,
        r#""dependencies":{"a":"^2.0.0"}"#,
    ] {
        assert_eq!(one(unmet), 1, "{unmet}");
    }
    let rows = r#","node_modules/b":{"version":"1.0.0","peerDependencies":{"a":"^2.0.0"}}"#;
    let conflict = |wanted: &str, files: &[(&str, &str)]| {
        let root = format!(r#"{{"dependencies":{{"a":"{wanted}","b":"*"}}}}"#);
        let own = [&[("package.json", root.as_str())], files].concat();
        npm(&root, rows, &own)
    };
    let another = |entry: &str| {
        let rows = format!(r#"{rows},"node_modules/c":{{"version":"1.0.0",{entry}}}"#);
        npm(r#"{"dependencies":{"b":"*","c":"*"}}"#, &rows, &[])
    };
    assert_eq!(another(r#""dependencies":{"a":"^1.0.0"}"#), 1, "npm gives that one a version of its own");
    assert_eq!(another(r#""peerDependencies":{"a":"^1.0.0"}"#), 0, "two peers of one folder");
    assert_eq!(conflict("*", &[]), 1);
    assert_eq!(conflict("^1.0.0", &[]), 0, "npm warns of a conflict, and installs what is locked");
    assert_eq!(conflict("*", &[(".npmrc", "legacy-peer-deps=true\n")]), 0, "npm passes over peers");
    assert_eq!(conflict("*", &[(".npmrc", "legacy-peer-deps=false\n")]), 1);
}

#[test]
fn a_peer_of_a_package_that_lies_deeper_is_put_beside_it() {
    let rows = |needs: &str| {
        format!(
            r#","node_modules/b":{{"version":"1.0.0",{needs}}},"node_modules/b/node_modules/c":{{"version":"1.0.0","peerDependencies":{{"a":"^2.0.0"}}}}"#
        )
    };
    let root = r#"{"dependencies":{"a":"^1.0.0","b":"*"}}"#;
    let any = r#"{"dependencies":{"a":"*","b":"*"}}"#;
    assert_eq!(npm(root, &rows(r#""dependencies":{"c":"*"}"#), &[]), 1);
    assert_eq!(npm(root, &rows(r#""dependencies":{"c":"*","a":"^1.0.0"}"#), &[]), 0, "what it lies in needs another one there");
    // What it lies in has its own peer beside it.
    let peers = rows(r#""dependencies":{"c":"*"},"peerDependencies":{"a":">=1"}"#);
    assert_eq!((npm(root, &peers, &[]), npm(any, &peers, &[])), (0, 1));
}

#[test]
fn the_projects_own_peers_are_held_against_the_versions() {
    assert_eq!(npm(r#"{"peerDependencies":{"a":"^1.0.0"}}"#, "", &[]), 0);
    assert_eq!(npm(r#"{"peerDependencies":{"a":"^2.0.0"}}"#, "", &[]), 1);
    assert_eq!(npm(r#"{"peerDependencies":{"a":"^1.0.0 || ^2.0.0"},"devDependencies":{"a":"^1.0.0"}}"#, "", &[]), 0);
    let root = r#"{"dependencies":{"a":"1.0.0"},"workspaces":["w"]}"#;
    let own = |range: &str| format!(r#"{{"name":"w","version":"1.0.0","peerDependencies":{{"a":"{range}"}}}}"#);
    let told = |range: &str| {
        let rows = format!(r#","node_modules/w":{{"resolved":"w","link":true}},"w":{}"#, own(range));
        npm(root, &rows, &[("package.json", root), ("w/package.json", &own(range))])
    };
    assert_eq!((told("1"), told("2")), (0, 1));
}

#[test]
fn version_1_of_npm_is_held_against_the_versions_too() {
    let told = |more: &str| {
        let lock = format!(r#"{{"lockfileVersion":1,"dependencies":{{"a":{{"version":"1.0.0"}},"b":{{"version":"1.0.0"{more}}}}}}}"#);
        differences(("package-lock.json", &lock), &[]).len()
    };
    assert_eq!(told(r#","requires":{"a":"^1.0.0"}"#), 0);
    assert_eq!(told(r#","requires":{"a":"^2.0.0"}"#), 1);
    assert_eq!(told(r#","requires":{"a":"^2.0.0"},"dependencies":{"a":{"version":"2.0.0"}}"#), 0, "the nearest one counts");
    assert_eq!(told(r#","requires":{"a":"^2.0.0"},"dependencies":{"a":{"version":"1.5.0","bundled":true}}"#), 0, "what is bundled");
    assert_eq!(told(r#","requires":{"c":"npm:a@^2.0.0"},"dependencies":{"c":{"version":"npm:a@1.0.0"}}"#), 1);
}

#[test]
fn optional_needs_of_packages_without_an_entry_are_counted() {
    let lacking = |list: &str| {
        let text = format!(
            r#"{{"lockfileVersion":3,"packages":{{"":{{}},"node_modules/a":{{"version":"1.0.0","{list}":{{"b":"1","c":"1"}}}}}}}}"#
        );
        let lockfile = Lockfile::read("package-lock.json", text.as_bytes()).unwrap();
        lockfile.lacking().map(|(count, first)| (count, first.to_owned()))
    };
    assert_eq!(lacking("optionalDependencies"), Some((2, "node_modules/a needs b@1".to_owned())));
    assert_eq!(lacking("dependencies"), None);
}

#[test]
fn a_peer_that_the_lockfile_alone_calls_optional_is_told() {
    let root = r#"{"name":"x","workspaces":["w"]}"#;
    let own = |meta: &str| format!(r#"{{"name":"w","version":"1.0.0","peerDependencies":{{"b":"1"}}{meta}}}"#);
    let optional = r#","peerDependenciesMeta":{"b":{"optional":true}}"#;
    let bun = r#"{"lockfileVersion":1,"workspaces":{"":{"name":"x"},"w":{"name":"w","version":"1.0.0","peerDependencies":{"b":"1"},"optionalPeers":["b"]}},"packages":{"w":["w@workspace:w"]}}"#;
    let npm = format!(
        r#"{{"lockfileVersion":3,"packages":{{"":{root},"node_modules/w":{{"resolved":"w","link":true}},"w":{}}}}}"#,
        own(optional)
    );
    for (file, lock) in [("bun.lock", bun), ("package-lock.json", npm.as_str())] {
        let told = |meta: &str| differences((file, lock), &[("package.json", root), ("w/package.json", &own(meta))]).len();
        assert_eq!((told(optional), told("")), (0, 1), "{file}");
    }
    // pnpm installs no optional peers, and does not write them down.
    let pnpm = "lockfileVersion: '9.0'\nimporters:\n  .: {}\n";
    let told = |meta: &str| differences(("pnpm-lock.yaml", pnpm), &[("package.json", &own(meta))]).len();
    assert_eq!((told(optional), told("")), (0, 1), "pnpm");
}

#[test]
fn what_yarn_1_installs_for_a_linked_folder_has_lines() {
    let lock = "# yarn lockfile v1\n\n\na@^1.0.0:\n  version \"1.0.0\"\n  resolved \"https://reg.example/a/-/a-1.0.0.tgz\"\n\n\"o@link:p/o\":\n  version \"0.0.0\"\n  uid \"\"\n\n\"t@link:p/o/t\":\n  version \"0.0.0\"\n  uid \"\"\n";
    let root = r#"{"dependencies":{"o":"link:p/o"}}"#;
    let told = |own: &str| differences(("yarn.lock", lock), &[("package.json", root), ("p/o/package.json", own), ("p/o/t/x.js", "")]).len();
    for good in [
        r#"{"dependencies":{"a":"^1.0.0"}}"#,
        r#"{"dependencies":{"t":"link:t"}}"#,
        r#"{"devDependencies":{"b":"1"},"peerDependencies":{"b":"1"}}"#,
    ] {
        assert_eq!(told(good), 0, "{good}");
    }
    for bad in [
        r#"{"dependencies":{"b":"1.0.0"}}"#,
        r#"{"optionalDependencies":{"a":"^1.1.0"}}"#,
        r#"{"dependencies":["npm:b@1"]}"#,
        r#"{"dependencies":{"t":"link:p/o/u"}}"#,
        "{",
    ] {
        assert_eq!(told(bad), 1, "{bad}");
    }
    assert_eq!(differences(("yarn.lock", lock), &[("package.json", root), ("p/o/t/x.js", "")]).len(), 0, "no package.json");
    // A workspace has the folder from its own place.
    let root = r#"{"workspaces":["p/w"]}"#;
    let files = [("package.json", root), ("p/w/package.json", r#"{"name":"w","dependencies":{"o":"link:../o"}}"#), ("p/o/t/x.js", "")];
    assert_eq!(differences(("yarn.lock", lock), &files).len(), 0);
}

#[test]
fn all_that_a_client_installs_for_a_folder_is_told() {
    let bun = |more: &str| {
        format!(
            r#"{{"lockfileVersion":1,"workspaces":{{"":{{"name":"x","dependencies":{{"o":"file:p/o"}}}}}},"packages":{{"a":["a@1.0.0","",{{}},"sha512-AAAA"],"o":["o@file:p/o",{{{more}}}]}}}}"#
        )
    };
    let root = r#"{"name":"x","dependencies":{"o":"file:p/o"}}"#;
    let told = |lock: (&str, &str), own: &str| differences(lock, &[("package.json", root), ("p/o/package.json", own)]).len();
    let dev = r#"{"name":"o","devDependencies":{"a":"1"}}"#;
    let peer = r#"{"name":"o","peerDependencies":{"a":"1"}}"#;
    let optional = r#"{"name":"o","peerDependencies":{"a":"1"},"peerDependenciesMeta":{"a":{"optional":true}}}"#;
    for (own, row, is_told) in [
        (dev, r#""devDependencies":{"a":"1"}"#, false),
        (dev, "", true),
        (peer, r#""peerDependencies":{"a":"1"}"#, false),
        (peer, "", true),
        (peer, r#""peerDependencies":{"a":"2"}"#, true),
        (peer, r#""peerDependencies":{"a":"1"},"optionalPeers":["a"]"#, true),
        (optional, r#""peerDependencies":{"a":"1"},"optionalPeers":["a"]"#, false),
        (optional, "", false),
    ] {
        assert_eq!(told(("bun.lock", &bun(row)), own), usize::from(is_told), "bun: {own} {row}");
    }
    let lacks = bun(r#""devDependencies":{"b":"1"}"#);
    assert_eq!(Lockfile::read("bun.lock", lacks.as_bytes()).unwrap().gaps.len(), 1, "without an entry");
    let pnpm = |peers: &str, needs: &str| {
        format!(
            "lockfileVersion: '9.0'\nsettings:\n  autoInstallPeers: true\nimporters:\n  .:\n    dependencies:\n      o: {{specifier: 'file:p/o', version: 'file:p/o'}}\npackages:\n  a@1.0.0:\n    resolution: {{integrity: sha512-AAAA}}\n  o@file:p/o:\n    resolution: {{directory: p/o, type: directory}}\n    peerDependencies: {peers}\nsnapshots:\n  a@1.0.0: {{}}\n  o@file:p/o:\n    dependencies: {needs}\n"
        )
    };
    for (own, peers, needs, is_told) in [
        (peer, "{a: '1'}", "{a: 1.0.0}", false),
        (peer, "{}", "{}", true),
        (peer, "{a: '1'}", "{}", true),
        (peer, "{a: '2'}", "{a: 1.0.0}", true),
        (optional, "{}", "{}", false),
        (dev, "{}", "{}", false),
    ] {
        assert_eq!(told(("pnpm-lock.yaml", &pnpm(peers, needs)), own), usize::from(is_told), "pnpm: {own} {peers} {needs}");
    }
    let six = |more: &str| format!(r#"{{"lockfileVersion":1,"requires":true,"dependencies":{{"o":{{"version":"file:p/o"}}{more}}}}}"#);
    let with = six(r#","a":{"version":"1.0.0"}"#);
    for own in [dev, peer] {
        assert_eq!((told(("package-lock.json", &with), own), told(("package-lock.json", &six("")), own)), (0, 1), "npm: {own}");
    }
    assert_eq!(told(("package-lock.json", &with), r#"{"name":"o","dependencies":{"a":"2"}}"#), 1);
}

#[test]
fn a_runtime_that_pnpm_installs_is_in_its_lockfile() {
    let with = "lockfileVersion: '9.0'\nimporters:\n  .:\n    devDependencies:\n      node: {specifier: 'runtime:^24.0.0', version: 'runtime:24.4.1'}\npackages:\n  node@runtime:24.4.1:\n    resolution: {type: variations, variants: []}\nsnapshots:\n  node@runtime:24.4.1: {}\n";
    let without = "lockfileVersion: '9.0'\nimporters:\n  .: {}\n";
    let told = |lock: &str, own: &str| differences(("pnpm-lock.yaml", lock), &[("package.json", own)]).len();
    let runtime = |table: &str, more: &str| format!(r#"{{"{table}":{{"runtime":{{"name":"node","version":"^24.0.0"{more}}}}}}}"#);
    let download = r#","onFail":"download""#;
    assert_eq!(told(with, &runtime("devEngines", download)), 0);
    assert_eq!(told(without, &runtime("devEngines", download)), 1);
    assert_eq!(told(without, &runtime("engines", download)), 1);
    assert_eq!(told(without, r#"{"devEngines":{"runtime":[{"name":"deno"},{"name":"bun","version":"1","onFail":"download"}]}}"#), 1);
    assert_eq!(told(without, &runtime("devEngines", r#","onFail":"error""#)), 0);
    assert_eq!(told(without, &runtime("devEngines", "")), 0);
}

#[test]
fn yarn_1_keeps_a_line_that_a_resolution_leads_elsewhere() {
    let lock = "# yarn lockfile v1\n\n\na@2.0.0, a@^1.0.0:\n  version \"2.0.0\"\n  resolved \"https://reg.example/a/-/a-2.0.0.tgz\"\n";
    let told = |resolutions: &str| {
        let root = format!(r#"{{"dependencies":{{"a":"^1.0.0"}},"resolutions":{resolutions}}}"#);
        differences(("yarn.lock", lock), &[("package.json", &root)]).len()
    };
    for good in [r#"{"a":"2.0.0"}"#, r#"{"**/a":"2.0.0"}"#] {
        assert_eq!(told(good), 0, "{good}");
    }
    for bad in ["{}", r#"{"z/a":"2.0.0"}"#, r#"{"a":"^1.0.0"}"#, r#"{"z":"2.0.0"}"#, r#"{"a":"2.0.0","**/a":"1.0.0"}"#] {
        assert_eq!(told(bad), 1, "{bad}");
    }
}

#[test]
fn only_what_a_package_bundles_lies_in_its_tarball() {
    let held = |row: &str, more: &str| {
        npm(r#"{"dependencies":{"a":"1.0.0","b":"^2.0.0"}}"#, &format!(r#","node_modules/b":{{"version":"1.0.0"{row}}}{more}"#), &[])
    };
    assert_eq!(held("", ""), 1);
    assert_eq!(held(r#","inBundle":true"#, ""), 1, "nobody bundles it");
    let below = r#","node_modules/b/node_modules/c":{"version":"1.0.0","inBundle":true}"#;
    let bundling = |lists: &str| {
        npm(
            r#"{"dependencies":{"a":"*","b":"1"}}"#,
            &format!(r#","node_modules/b":{{"version":"1.0.0","dependencies":{{"c":"^2.0.0"}}{lists}}}{below}"#),
            &[],
        )
    };
    assert_eq!(bundling(""), 1, "the flag alone");
    assert_eq!(bundling(r#","bundleDependencies":["c"]"#), 0);
}

#[test]
fn what_a_project_accepts_stands_in_no_lockfile() {
    let own = r#"{"dependencies":{"a":"^2.0.0"}}"#;
    let told = |accepted: &str| npm(&format!(r#"{{"dependencies":{{"a":"^2.0.0"}}{accepted}}}"#), "", &[("package.json", own)]);
    assert_eq!(told(""), 1);
    assert_eq!(told(r#","acceptDependencies":{"a":"^1.0.0"}"#), 1);
}

#[test]
fn many_overrides_for_many_needs_excuse_nothing_in_the_end() {
    use std::fmt::Write as _;
    let told = |count: usize| {
        let (mut rules, mut rows) = (String::new(), String::new());
        let needs = (0..count).map(|at| format!(r#""r{at}":"1""#)).collect::<Vec<_>>().join(",");
        for at in 0..count {
            write!(rules, r#""r{at}":{{"zz":"1"}},"#).unwrap();
            write!(rows, r#","node_modules/r{at}":{{"version":"1.0.0","dependencies":{{{needs},"a":"2"}}}}"#).unwrap();
        }
        let root = format!(r#"{{"dependencies":{{"a":"1.0.0","r0":"*"}},"overrides":{{{rules}"a":"1.0.0"}}}}"#);
        npm(&root, &rows, &[])
    };
    assert_eq!(told(3), 0);
    assert!(told(600) > 0);
}

#[test]
fn bun_asks_for_another_version_where_the_projects_range_does_not_have_it() {
    let told = |range: &str, head: &str, own: &str| {
        let lock = format!(
            r#"{{"lockfileVersion":1,"workspaces":{{"":{{"name":"x","dependencies":{{"a":"{range}"}}}}}},{head}"packages":{{"a":["a@1.0.0","",{{}},"sha512-AAAA"]}}}}"#
        );
        let own = format!(r#"{{"name":"x","dependencies":{{"a":"{range}"}}{own}}}"#);
        differences(("bun.lock", &lock), &[("package.json", &own)]).len()
    };
    for met in ["^1.0.0", "*", "", "latest", "npm:a@1"] {
        assert_eq!(told(met, "", ""), 0, "{met}");
    }
    assert_eq!((told("^2.0.0", "", ""), told("npm:a@^2.0.0", "", "")), (1, 1));
    let locked = r#""overrides":{"a":"1.0.0"},"#;
    assert_eq!(told("^2.0.0", locked, r#","overrides":{"a":"1.0.0"}"#), 0, "of the project");
    assert_eq!(told("^2.0.0", locked, r#","resolutions":{"**/a":"1.0.0"}"#), 0, "a resolution");
    assert_eq!(told("^2.0.0", locked, ""), 2, "of the lockfile alone");
    assert_eq!(told("^1.0.0", locked, ""), 1);
    assert_eq!(told("^1.0.0", locked, r#","overrides":{"a":"2.0.0"}"#), 1, "another one");
    let catalog = |range: &str| format!(r#""catalog":{{"a":"{range}"}},"#);
    assert_eq!((told("catalog:", &catalog("^1.0.0"), ""), told("catalog:", &catalog("^2.0.0"), "")), (0, 1));
    for (table, key) in [("overrides", "a"), ("resolutions", "a"), ("resolutions", "**/a")] {
        for (range, count) in [("^2.0.0", 1), ("2.0.0", 1), ("^1.0.0", 0), ("1.0.0", 0), ("npm:a@^2.0.0", 1)] {
            let locked = format!(r#""overrides":{{"a":"{range}"}},"#);
            assert_eq!(told("^1.0.0", &locked, &format!(r#","{table}":{{"{key}":"{range}"}}"#)), count, "{table} {key} {range}");
        }
    }
    let by_catalog = r#""overrides":{"a":"catalog:"},"catalog":{"a":"^2.0.0"},"#;
    assert_eq!(told("^1.0.0", by_catalog, r#","overrides":{"a":"catalog:"},"catalog":{"a":"^2.0.0"}"#), 1);
}

#[test]
fn bun_asks_for_another_version_where_an_override_does_not_have_that_of_a_need() {
    let told = |range: &str| {
        let packages = r#""b":["b@1.0.0","",{"dependencies":{"a":"^1.0.0"}},"sha512-AAAA"],"a":["a@1.0.0","",{},"sha512-AAAA"]"#;
        let workspaces = r#""workspaces":{"":{"name":"x","dependencies":{"b":"1"}}}"#;
        let lock = format!(r#"{{"lockfileVersion":1,{workspaces},"overrides":{{"a":"{range}"}},"packages":{{{packages}}}}}"#);
        let own = format!(r#"{{"name":"x","dependencies":{{"b":"1"}},"overrides":{{"a":"{range}"}}}}"#);
        differences(("bun.lock", &lock), &[("package.json", &own)]).len()
    };
    assert_eq!((told("^1.0.0"), told("1.0.0"), told("^2.0.0"), told("2.0.0")), (0, 0, 1, 1));
}

#[test]
fn bun_has_the_project_itself_for_its_own_name_alone() {
    let told = |name: &str| {
        let lock = format!(
            r#"{{"lockfileVersion":1,"workspaces":{{"":{{"name":"x","dependencies":{{"{name}":"^1.0.0"}}}}}},"packages":{{"{name}":["{name}@root:",{{}}]}}}}"#
        );
        differences(("bun.lock", &lock), &[("package.json", &format!(r#"{{"name":"x","dependencies":{{"{name}":"^1.0.0"}}}}"#))]).len()
    };
    assert_eq!((told("x"), told("a")), (0, 1));
}

#[test]
fn npm_goes_by_the_version_in_the_package_json_of_a_workspace() {
    let told = |locked: &str, own: &str, wanted: &str| {
        let lock = format!(
            r#"{{"lockfileVersion":3,"packages":{{"":{{"name":"x","workspaces":["w"],"dependencies":{{"d":"^1.0.0"}}}},"node_modules/b":{{"resolved":"w","link":true}},"node_modules/d":{{"version":"1.0.0","dependencies":{{"b":"{wanted}"}}}},"w":{{"name":"b"{locked}}}}}}}"#
        );
        let root = r#"{"name":"x","workspaces":["w"],"dependencies":{"d":"^1.0.0"}}"#;
        differences(("package-lock.json", &lock), &[("package.json", root), ("w/package.json", &format!(r#"{{"name":"b"{own}}}"#))]).len()
    };
    let version = |text: &str| format!(r#","version":"{text}""#);
    let (one, early) = (version("1.0.0"), version("0.0.1"));
    assert_eq!((told(&one, &one, "^1.0.0"), told("", "", "*"), told(&one, &version("1.2.0"), "^1.0.0")), (0, 0, 0));
    assert_eq!(told(&one, &early, "^1.0.0"), 1, "another version than the lockfile says");
    assert_eq!(told(&one, "", "^1.0.0"), 1, "no version");
    assert_eq!(told(&early, &early, "^1.0.0"), 1, "as the lockfile says");
}

#[test]
fn yarn_2_takes_a_workspace_for_a_range_only_where_its_version_is_in_it() {
    let told = |range: &str, own: &str| {
        let lock = format!(
            "__metadata:\n  version: 8\n\n\"b@npm:{range}, b@workspace:w\":\n  version: 0.0.0-use.local\n  resolution: \"b@workspace:w\"\n\n\"x@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"x@workspace:.\"\n  dependencies:\n    b: \"npm:{range}\"\n"
        );
        let root = format!(r#"{{"name":"x","workspaces":["w"],"dependencies":{{"b":"{range}"}}}}"#);
        differences(("yarn.lock", &lock), &[("package.json", &root), ("w/package.json", &format!(r#"{{"name":"b"{own}}}"#))]).len()
    };
    let version = |text: &str| format!(r#","version":"{text}""#);
    assert_eq!((told("^1.0.0", &version("1.0.0")), told("*", &version("9.0.0")), told("^1.0.0", &version("1.1.0-beta.1"))), (0, 0, 0));
    assert_eq!((told("^1.0.0", &version("9.9.9")), told("^1.0.0", ""), told("latest", &version("1.0.0"))), (1, 1, 1));
}

#[test]
fn yarn_1_has_no_line_for_a_need_that_a_workspace_meets() {
    let told = |wanted: &str, version: &str, pattern: &str| {
        let lock = format!(
            "# yarn lockfile v1\n\n\na@^1.0.0:\n  version \"1.0.0\"\n  resolved \"https://reg.example/a/-/a-1.0.0.tgz\"\n  dependencies:\n    b \"{wanted}\"\n"
        );
        let project = tempfile::tempdir().unwrap();
        let root = format!(r#"{{"name":"x","private":true,"workspaces":["{pattern}"],"dependencies":{{"a":"^1.0.0"}}}}"#);
        std::fs::create_dir_all(project.path().join("p/b")).unwrap();
        std::fs::write(project.path().join("package.json"), root).unwrap();
        std::fs::write(project.path().join("p/b/package.json"), format!(r#"{{"name":"b","version":"{version}"}}"#)).unwrap();
        let read = Lockfile::read("yarn.lock", lock.as_bytes()).unwrap();
        read.gaps_in(project.path()).len()
    };
    assert_eq!((told("^1.0.0", "1.5.0", "p/*"), told("^1.0.0", "1.5.0", "p/{a,b}")), (0, 0));
    assert_eq!(told("^1.0.0", "2.0.0", "p/*"), 1, "a version that is not in the range");
    assert_eq!(told("^1.0.0", "", "p/*"), 1, "none");
    assert_eq!(told("latest", "1.5.0", "p/*"), 1, "a tag");
    assert_eq!(told("npm:c@^1.0.0", "1.5.0", "p/*"), 1, "an alias");
    assert_eq!(told("^1.0.0", "1.5.0", "q/*"), 1, "no workspace");
    let long = format!("^1.0.0 {}", "|| ^1.0.0 ".repeat(200));
    assert_eq!(told(long.trim(), "1.5.0", "p/*"), 1, "what was cut is not compared");
}

#[test]
fn bun_has_exceptions_among_its_workspaces_from_1_3_on() {
    let lock = r#"{"lockfileVersion":1,"workspaces":{"":{"name":"x"}},"packages":{}}"#;
    let told = |patterns: &str, manager: &str| {
        let root = format!(r#"{{"name":"x","workspaces":[{patterns}]{manager}}}"#);
        let member = ("p/w/package.json", r#"{"name":"w","dependencies":{"a":"1"}}"#);
        differences(("bun.lock", lock), &[("package.json", root.as_str()), member]).len()
    };
    let named = |version: &str| format!(r#","packageManager":"bun@{version}""#);
    let except = r#""p/*","!p/{v,w}""#;
    assert_eq!((told(except, &named("1.3.0")), told(except, &named("2.0.0"))), (0, 0));
    for (patterns, manager) in [(except, named("1.2.21")), (except, String::new()), (r#""!p/w","p/*""#, named("1.3.0"))] {
        assert_eq!(told(patterns, &manager), 1, "{patterns} {manager}");
    }
}

#[test]
fn a_name_in_two_lists_is_the_one_that_the_client_takes() {
    let manifest = |one: &str, other: &str| {
        format!(r#"{{"name":"x","version":"1.0.0","dependencies":{{"a":"{one}"}},"devDependencies":{{"a":"{other}"}}}}"#)
    };
    let both = manifest("^1.0.0", "1.0.0");
    let npm = |own: &str, version: &str| {
        let lock = format!(r#"{{"lockfileVersion":3,"packages":{{"":{own},"node_modules/a":{{"version":"{version}"}}}}}}"#);
        differences(("package-lock.json", &lock), &[("package.json", &both)]).len()
    };
    assert_eq!((npm(&both, "1.0.0"), npm(&both, "1.5.0"), npm(&manifest("^2.0.0", "1.0.0"), "1.0.0")), (0, 1, 2));
    let tree = |version: &str| {
        let lock = format!(r#"{{"lockfileVersion":1,"dependencies":{{"a":{{"version":"{version}"}}}}}}"#);
        differences(("package-lock.json", &lock), &[("package.json", &both)]).len()
    };
    assert_eq!((tree("1.0.0"), tree("1.5.0")), (0, 1));
    let bun = |own: &str, version: &str| {
        let lock = format!(r#"{{"lockfileVersion":1,"workspaces":{{"":{own}}},"packages":{{"a":["a@{version}","",{{}},""]}}}}"#);
        differences(("bun.lock", &lock.replace(r#","version":"1.0.0","dep"#, r#","dep"#)), &[("package.json", &both)]).len()
    };
    assert_eq!((bun(&both, "1.0.0"), bun(&both, "1.5.0")), (0, 1));
    let yarn = |range: &str| {
        differences(
            (
                "yarn.lock",
                &format!(
                    "# yarn lockfile v1\n\n\na@{range}:\n  version \"1.0.0\"\n  resolved \"https://registry.yarnpkg.com/a/-/a-1.0.0.tgz\"\n"
                ),
            ),
            &[("package.json", &both)],
        )
        .len()
    };
    assert_eq!((yarn("^1.0.0"), yarn("1.0.0")), (0, 1), "what is needed counts before what is for development");
    let pnpm = |range: &str, list: &str| {
        differences(("pnpm-lock.yaml", &format!("lockfileVersion: '9.0'\nimporters:\n  .:\n    {list}:\n      a:\n        specifier: {range}\n        version: 1.0.0\npackages:\n  a@1.0.0:\n    resolution: {{integrity: sha512-AAAA}}\nsnapshots:\n  a@1.0.0: {{}}\n")), &[("package.json", &both)]).len()
    };
    assert_eq!((pnpm("^1.0.0", "dependencies"), pnpm("1.0.0", "devDependencies")), (0, 1));
    let berry = |range: &str| {
        differences(("yarn.lock", &format!("__metadata:\n  version: 8\n\n\"a@npm:{range}\":\n  version: 1.0.0\n  resolution: \"a@npm:1.0.0\"\n\n\"x@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"x@workspace:.\"\n  dependencies:\n    a: \"npm:{range}\"\n")), &[("package.json", &both)]).len()
    };
    assert_eq!((berry("1.0.0"), berry("^1.0.0")), (0, 1), "what is for development counts first");
}

#[test]
fn version_2_of_npm_has_a_tree_for_npm_6() {
    let told = |file: &str, tree: &str, row: &str| {
        let lock =
            format!(r#"{{"lockfileVersion":2,"packages":{{"":{{"name":"x","dependencies":{{"a":"1"}}}},"node_modules/a":{row}}}{tree}}}"#);
        differences((file, &lock), &[("package.json", r#"{"name":"x","dependencies":{"a":"1"}}"#)])
            .iter()
            .filter(|told| told.contains("npm 6"))
            .count()
    };
    let row = r#"{"version":"1.0.0"}"#;
    assert_eq!(told("package-lock.json", "", row), 1);
    assert_eq!(told("package-lock.json", r#","dependencies":{"a":{"version":"1.0.0"}}"#, row), 0);
    assert_eq!(told(".package-lock.json", "", row), 0, "the one in node_modules");
    assert_eq!(told("package-lock.json", "", r#"{"resolved":"a","link":true}"#), 0, "nothing is to be installed");
}

#[test]
fn yarn_1_takes_a_resolution_for_the_needs_of_one_package() {
    let told = |key: &str, asked: &str, more: &str| {
        let entry = |name: &str, version: &str, needs: &str| {
            format!("{name}:\n  version \"{version}\"\n  resolved \"https://registry.yarnpkg.com/a/-/a-{version}.tgz\"\n{needs}\n")
        };
        let needs = "  dependencies:\n    b \"^1.0.0\"\n";
        let lock = format!("# yarn lockfile v1\n\n\n{}{}{more}", entry("a@1", "1.0.0", needs), entry("b@2.0.0, b@^1.0.0", "2.0.0", ""));
        let other = if more.is_empty() { String::new() } else { entry("c@1", "1.0.0", needs) };
        let lock = lock.replace(more, "") + &other;
        let root = format!(r#"{{"name":"x","dependencies":{{{asked}}},"resolutions":{{"{key}":"2.0.0"}}}}"#);
        differences(("yarn.lock", &lock), &[("package.json", &root)])
            .iter()
            .filter(|told| told.contains("asks for another one anew"))
            .count()
    };
    let a = r#""a":"1""#;
    assert_eq!((told("**/a/b", a, ""), told("a/b", a, "")), (0, 0));
    assert_eq!((told("z/b", a, ""), told("**/z/b", a, ""), told("a/**/b", a, ""), told("a/z", a, "")), (1, 1, 1, 1), "of another package");
    assert_eq!(told("a/b", r#""z":"1""#, ""), 1, "the project does not ask for it");
    assert_eq!(told("**/a/b", a, "and c"), 1, "another one asks for it, too");
    assert_eq!(told("**/a/b", r#""a":"1","b":"^1.0.0""#, ""), 1, "and the project");
}

#[test]
fn yarn_reads_a_path_of_a_workspace_from_its_folder() {
    let files = |path: &str| {
        [
            ("package.json".to_owned(), r#"{"name":"x","private":true,"workspaces":["w"]}"#.to_owned()),
            ("w/package.json".to_owned(), format!(r#"{{"name":"w","version":"1.0.0","dependencies":{{"e":"file:{path}"}}}}"#)),
            ("w/e/package.json".to_owned(), r#"{"name":"e","version":"1.0.0"}"#.to_owned()),
            ("e/package.json".to_owned(), r#"{"name":"e","version":"1.0.0"}"#.to_owned()),
        ]
    };
    let told = |lock: &str, path: &str| {
        let files = files(path);
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let left = Lockfile::read("yarn.lock", lock.as_bytes()).unwrap().left_out.iter().filter(|left| !left.is_own).count();
        (differences(("yarn.lock", lock), &files).len(), left)
    };
    let one = |path: &str| format!("# yarn lockfile v1\n\n\n\"e@file:{path}\":\n  version \"1.0.0\"\n");
    assert_eq!((told(&one("./w/e"), "./e"), told(&one("e"), "../e"), told(&one("./e"), "../e")), ((0, 0), (0, 0), (0, 0)));
    assert_eq!(told(&one("./e"), "./z").0, 1, "another folder");
    let berry = |path: &str, by: &str| {
        format!(
            "__metadata:\n  version: 8\n\n\"e@file:{path}::locator={by}\":\n  version: 1.0.0\n  resolution: \"e@file:{path}#{path}::hash=1d27c8&locator={by}\"\n\n\"w@workspace:w\":\n  version: 0.0.0-use.local\n  resolution: \"w@workspace:w\"\n  dependencies:\n    e: \"file:{path}\"\n\n\"x@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"x@workspace:.\"\n"
        )
    };
    for path in ["./e", "../e"] {
        assert_eq!(told(&berry(path, "w%40workspace%3Aw"), path), (0, 0), "{path}");
    }
    assert_eq!(told(&berry("../../e", "w%40workspace%3Aw"), "../../e").1, 1, "outside the project");
    assert_eq!(told(&berry("./z", "w%40workspace%3Aw"), "./z").0, 1, "no folder");
}

#[test]
fn bun_that_wrote_the_lockfile_says_whether_a_pattern_can_be_an_exception() {
    let told = |head: &str, manager: &str| {
        let lock = format!(r#"{{"lockfileVersion":1,{head}"workspaces":{{"":{{"name":"x"}}}},"packages":{{}}}}"#);
        let root = format!(r#"{{"name":"x",{manager}"workspaces":["p/*","!p/h"]}}"#);
        differences(("bun.lock", &lock), &[("package.json", &root), ("p/h/package.json", r#"{"name":"h","dependencies":{"a":"1"}}"#)]).len()
    };
    let new = r#""configVersion":1,"#;
    assert_eq!(
        (told(new, ""), told("", ""), told(new, r#""packageManager":"bun@1.2.0","#), told("", r#""packageManager":"bun@1.3.0","#)),
        (0, 1, 1, 0)
    );
}

#[test]
fn yarn_1_has_no_workspace_without_a_name_or_a_version() {
    let told = |own: &str| {
        differences(
            ("yarn.lock", "# yarn lockfile v1\n\n\n"),
            &[
                ("package.json", r#"{"private":true,"workspaces":["w"]}"#),
                ("w/package.json", &format!(r#"{{{own}"dependencies":{{"a":"1"}}}}"#)),
            ],
        )
        .len()
    };
    assert_eq!((told(r#""name":"w","#), told(r#""version":"1.0.0","#), told(r#""name":"w","version":"1.0.0","#)), (0, 0, 1));
}
