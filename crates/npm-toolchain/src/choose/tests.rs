use std::collections::BTreeMap;

use super::*;

/// Files of a commit in memory.
struct Tree(BTreeMap<&'static str, &'static str>);

fn choose_in(files: &[(&'static str, &'static str)], directory: &str, adjust: impl Fn(&mut Clues<'_>)) -> Wanted {
    let tree = Tree(files.iter().copied().collect());
    let read = |path: &str| tree.0.get(path).map(|text| text.as_bytes().to_vec());
    let list = |folder: &str| {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let names = tree.0.keys().filter_map(|path| path.strip_prefix(&prefix));
        names.map(|rest| rest.split('/').next().unwrap().to_owned()).collect()
    };
    let mut clues = Clues {
        node_by_user: None,
        node_version: None,
        npm_version: None,
        published: None,
        committed: "2023-06-25T12:00:00Z".parse().unwrap(),
        directory,
        read: &read,
        list: &list,
    };
    adjust(&mut clues);
    choose(&clues)
}

fn exact(text: &str) -> Wish {
    Wish::Exact(text.into())
}

fn range(text: &str) -> Wish {
    Wish::Range(text.into())
}

/// The first wish for Node and its reason.
fn node_of(files: &[(&'static str, &'static str)]) -> (Wish, String) {
    let first = choose_in(files, "", |_| {}).node.remove(0);
    (first.wish, first.reason)
}

fn managers_of(files: &[(&'static str, &'static str)], directory: &str) -> Vec<(Kind, Wish, Option<String>)> {
    choose_in(files, directory, |_| {}).manager.into_iter().map(|it| (it.kind, it.wish, it.lockfile)).collect()
}

#[test]
fn with_nothing_said_it_is_npm_and_the_long_term_support_of_the_day() {
    let wanted = choose_in(&[], "", |_| {});
    assert_eq!(wanted.node, [Candidate { wish: range("*"), reason: "long-term support on 2023-06-25".into() }]);
    let npm = ManagerCandidate { kind: Kind::Npm, wish: range("*"), lockfile: None, reason: "no lockfile".into() };
    assert_eq!(wanted.manager, [npm]);
}

#[test]
fn below_lerna_the_lockfile_of_the_root_comes_first() {
    let own = [("lerna.json", "{}"), ("package.json", "{}"), ("packages/a/package-lock.json", r#"{"lockfileVersion":1}"#)];
    let path = |files: &[(&'static str, &'static str)]| managers_of(files, "packages/a")[0].2.clone();
    assert_eq!(path(&own).as_deref(), Some("packages/a/package-lock.json"));
    let with_root = [own.as_slice(), &[("package-lock.json", r#"{"lockfileVersion":2}"#)]].concat();
    assert_eq!(path(&with_root).as_deref(), Some("package-lock.json"));
    assert_eq!(path(&with_root[1..]).as_deref(), Some("packages/a/package-lock.json"));
}

#[test]
fn what_the_user_says_is_all_that_counts() {
    for (text, wish) in [("18", range("18")), ("v16.20.2", exact("16.20.2")), ("lts/hydrogen", range("18"))] {
        let wanted = choose_in(&[(".nvmrc", "20")], "", |clues| (clues.node_by_user, clues.node_version) = (Some(text), Some("14.0.0")));
        assert_eq!((wanted.node.len(), &wanted.node[0].wish, wanted.node_is_given), (1, &wish, true), "{text}");
        assert_eq!(wanted.node[0].reason, format!("--node says {text}"));
        assert!(names_a_node(text));
    }
    assert!(!names_a_node("eighteen") && !names_a_node("") && !choose_in(&[], "", |_| {}).node_is_given);
}

#[test]
fn files_that_only_have_a_version_come_before_volta_and_the_registrys_npm_before_package_manager() {
    let manifest = r#"{"volta":{"node":"14.1.0"},"packageManager":"npm@8.0.0"}"#;
    let wanted = choose_in(&[("package.json", manifest), (".node-version", "18.1.0")], "", |clues| clues.npm_version = Some("10.2.0"));
    assert_eq!([&wanted.node[0].wish, &wanted.node[1].wish], [&exact("18.1.0"), &exact("14.1.0")]);
    assert_eq!((wanted.manager[0].kind, &wanted.manager[0].wish), (Kind::Npm, &exact("10.2.0")));
    let pnpm = choose_in(&[("package.json", r#"{"packageManager":"pnpm@8.0.0"}"#)], "", |clues| clues.npm_version = Some("10.2.0"));
    assert_eq!((pnpm.manager[0].kind, &pnpm.manager[0].wish), (Kind::Pnpm, &exact("8.0.0")));
}

#[test]
fn what_the_registry_says_comes_first() {
    let files = [(".nvmrc", "16"), ("package-lock.json", r#"{"lockfileVersion":2}"#)];
    let wanted = choose_in(&files, "", |clues| {
        clues.node_version = Some("18.12.1");
        clues.npm_version = Some("9.2.0");
    });
    assert_eq!(wanted.node[0].wish, exact("18.12.1"));
    assert_eq!(wanted.node[1], Candidate { wish: range("16"), reason: ".nvmrc says 16".into() });
    assert_eq!((wanted.manager[0].kind, wanted.manager[0].wish.clone()), (Kind::Npm, exact("9.2.0")));
    // What published is not always npm.
    let by_lerna = choose_in(&[], "", |clues| clues.npm_version = Some("lerna/3.22.1/node@v14.2.0+x64 (linux)"));
    assert_eq!(by_lerna.manager[0].wish, range("*"));
}

#[test]
fn a_publish_time_before_the_commit_does_not_count() {
    let early = choose_in(&[], "", |clues| clues.published = Some("2020-01-01T00:00:00Z".parse().unwrap()));
    assert_eq!(early.at.to_string(), "2023-06-25T12:00:00Z");
    let late = choose_in(&[], "", |clues| clues.published = Some("2024-01-01T00:00:00Z".parse().unwrap()));
    assert_eq!(late.at.to_string(), "2024-01-01T00:00:00Z");
}

#[test]
fn version_files_are_read_as_version_managers_read_them() {
    for (text, wish) in [
        ("v18.12.1\n", exact("18.12.1")),
        ("18\n", range("18")),
        ("v16", range("16")),
        ("# comment\n\n18.x # more\n", range("18.x")),
        ("lts/*", range("18")),
        ("lts/gallium", range("16")),
        ("lts/-1", range("16")),
        ("hydrogen", range("18")),
        ("node", range("20")),
        (">=14", range(">=14")),
    ] {
        assert_eq!(node_of(&[(".nvmrc", text)]).0, wish, "{text}");
    }
    for text in ["", "system", "iojs", "\u{1}\u{2}"] {
        assert_eq!(node_of(&[(".nvmrc", text)]).0, range("*"), "{text:?}");
    }
    assert_eq!(node_of(&[(".node-version", "14.2.0")]), (exact("14.2.0"), ".node-version says 14.2.0".into()));
    assert_eq!(node_of(&[(".tool-versions", "ruby 3.1\nnodejs 16.13.0 system\n")]).0, exact("16.13.0"));
}

#[test]
fn manifests_name_node() {
    let dev = r#"{"devEngines":{"runtime":[{"name":"deno"},{"name":"node","version":"^20.1"}]},"volta":{"node":"14.1.0"}}"#;
    let wanted = choose_in(&[("package.json", dev)], "", |_| {});
    assert_eq!([&wanted.node[0].wish, &wanted.node[1].wish], [&range("^20.1"), &exact("14.1.0")]);
    assert_eq!(
        node_of(&[("package.json", r#"{"engines":{"node":">=14"}}"#)]),
        (range(">=14"), "engines of package.json wants >=14".into())
    );
    assert_eq!(node_of(&[("package.json", r#"{"engines":{"node":"*"}}"#)]).0, range("*"));
    assert_eq!(node_of(&[("package.json", r#"{"engines":["node >= 0.8"]}"#)]).0, range("*"));
}

const PUBLISH: &str = "
on: { release: { types: [created] } }
env: { NODE: 18.16 }
jobs:
  publish:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v3
      - uses: pnpm/action-setup@v2
        with: { version: 8.6.0 }
      - uses: actions/setup-node@v3
        with: { node-version: '${{ env.NODE }}' }
      - run: pnpm i && npm publish
";

const TEST: &str = "
on: [push]
jobs:
  test:
    strategy: { matrix: { node: [14, 16, 18, 20], include: [{ node: 12 }] } }
    steps:
      - uses: actions/setup-node@v3
        with: { node-version: '${{ matrix.node }}' }
      - run: npm test
";

#[test]
fn the_workflow_that_publishes_comes_before_the_one_that_tests() {
    let files = [
        (".github/workflows/a-test.yml", TEST),
        (".github/workflows/release.yaml", PUBLISH),
        ("package.json", r#"{"engines":{"node":">=8"}}"#),
    ];
    let wanted = choose_in(&files, "", |_| {});
    let wishes: Vec<&Wish> = wanted.node.iter().map(|candidate| &candidate.wish).collect();
    assert_eq!(wishes, [&range("18.16"), &range("14 || 16 || 18 || 20 || 12"), &range(">=8"), &range("*")]);
    assert_eq!(wanted.node[0].reason, ".github/workflows/release.yaml publishes with node 18.16");
    assert_eq!((wanted.manager[0].kind, &wanted.manager[0].wish), (Kind::Pnpm, &exact("8.6.0")));
}

#[test]
fn a_workflow_may_name_a_file() {
    let workflow = "jobs: { publish: { steps: [ { uses: actions/setup-node@v4, with: { node-version-file: ./.node-version } }, { run: npm publish } ] } }";
    let wanted = choose_in(&[(".github/workflows/p.yml", workflow), (".node-version", "lts/iron")], "", |_| {});
    assert_eq!(wanted.node[0].wish, range("20"));
}

#[test]
fn travis_names_several() {
    let wanted = node_of(&[(".travis.yml", "language: node_js\nnode_js:\n  - '8'\n  - 10\n  - node\n")]);
    assert_eq!(wanted, (range("8 || 10 || 20"), ".travis.yml runs with node 8, 10, node".into()));
}

#[test]
fn yaml_that_expands_without_end_or_cannot_be_read_says_nothing() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        bomb.push_str(&["a", "&a"].map(|name| format!("{name}{level}")).join(": "));
        bomb.push_str(&[" [", &vec![format!("*a{}", level - 1); 9].join(", "), "]\n"].concat());
    }
    let bomb: &'static str = Box::leak((bomb + "node_js: *a11\n").into_boxed_str());
    for text in [bomb, "node_js: [", "- - -", "\t"] {
        assert_eq!(node_of(&[(".travis.yml", text)]).0, range("*"));
    }
}

#[test]
fn package_manager_decides_over_lockfiles() {
    let files = [
        ("package.json", r#"{"packageManager":"yarn@3.2.0+sha224.abc"}"#),
        ("yarn.lock", "# x\n__metadata:\n  version: 6\n"),
        ("pnpm-lock.yaml", "lockfileVersion: 5.4\n"),
    ];
    assert_eq!(
        managers_of(&files, ""),
        [(Kind::Berry, exact("3.2.0"), Some("yarn.lock".into())), (Kind::Pnpm, range("^7"), Some("pnpm-lock.yaml".into()))]
    );
    let dev = [("package.json", r#"{"devEngines":{"packageManager":{"name":"pnpm","version":"^9.1"}}}"#)];
    assert_eq!(managers_of(&dev, ""), [(Kind::Pnpm, range("^9.1"), None)]);
}

#[test]
fn a_lockfiles_form_names_the_manager_and_its_line() {
    for (name, text, kind, wish) in [
        ("package-lock.json", r#"{"name":"x","lockfileVersion":1}"#, Kind::Npm, "5 || 6"),
        ("package-lock.json", r#"{"name":"x"}"#, Kind::Npm, "5 || 6"),
        ("package-lock.json", r#"{"lockfileVersion":2,"packages":{}}"#, Kind::Npm, "7 || 8"),
        ("npm-shrinkwrap.json", r#"{"lockfileVersion":3}"#, Kind::Npm, ">=7"),
        ("yarn.lock", "# THIS IS AN AUTOGENERATED FILE.\n# yarn lockfile v1\n", Kind::Yarn, "^1"),
        ("yarn.lock", "__metadata:\n  version: 4\n", Kind::Berry, "2 || ~3.0"),
        ("yarn.lock", "__metadata:\n  version: 8\n  cacheKey: 10\n", Kind::Berry, ">=4"),
        ("pnpm-lock.yaml", "lockfileVersion: 5.1\n", Kind::Pnpm, "3.5 - 5.9"),
        ("pnpm-lock.yaml", "lockfileVersion: 5.3\n", Kind::Pnpm, "^6"),
        ("pnpm-lock.yaml", "lockfileVersion: '6.0'\n", Kind::Pnpm, "^8"),
        ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n", Kind::Pnpm, ">=9"),
        ("bun.lockb", "\0\0", Kind::Bun, "*"),
    ] {
        let path: &'static str = name;
        assert_eq!(managers_of(&[(path, text)], "")[0], (kind, range(wish), Some(name.into())), "{name} {text}");
    }
}

#[test]
fn of_two_lockfiles_pnpm_counts_before_yarn_before_npm() {
    let files = [("package-lock.json", "{}"), ("yarn.lock", "# yarn lockfile v1"), ("pnpm-lock.yaml", "lockfileVersion: 5.4")];
    let kinds: Vec<Kind> = managers_of(&files, "").into_iter().map(|(kind, ..)| kind).collect();
    assert_eq!(kinds, [Kind::Pnpm, Kind::Yarn, Kind::Npm]);
}

#[test]
fn the_lockfile_of_a_workspace_is_at_its_root() {
    let root = ("package.json", r#"{"workspaces":["packages/*"]}"#);
    let files = [root, ("yarn.lock", "# yarn lockfile v1"), ("packages/a/package.json", "{}"), ("packages/a/package-lock.json", "{}")];
    assert_eq!(managers_of(&files, "packages/a")[0], (Kind::Yarn, range("^1"), Some("yarn.lock".into())));
    // Without a workspace the nearest folder counts.
    assert_eq!(managers_of(&files[1..], "packages/a")[0], (Kind::Npm, range("5 || 6"), Some("packages/a/package-lock.json".into())));
    let above = [("js/pnpm-lock.yaml", "lockfileVersion: 5.4"), ("package-lock.json", "{}")];
    assert_eq!(managers_of(&above, "js/a/b")[0].2.as_deref(), Some("js/pnpm-lock.yaml"));
}

#[test]
fn a_yarn_that_is_checked_in_is_the_one() {
    let berry = [
        (".yarnrc.yml", "nodeLinker: node-modules\nyarnPath: .yarn/releases/yarn-3.2.1.cjs\n"),
        ("yarn.lock", "__metadata:\n  version: 6\n"),
    ];
    assert_eq!(managers_of(&berry, "")[0].1, exact("3.2.1"));
    let classic = [(".yarnrc", "yarn-path \".yarn/releases/yarn-1.22.5.js\"\n"), ("yarn.lock", "# yarn lockfile v1\n")];
    assert_eq!(managers_of(&classic, "")[0], (Kind::Yarn, exact("1.22.5"), Some("yarn.lock".into())));
}

#[test]
fn volta_and_tool_versions_name_versions_and_no_manager() {
    let files = [("package.json", r#"{"volta":{"yarn":"1.22.10","npm":"8.1.0"}}"#), ("yarn.lock", "# yarn lockfile v1\n")];
    assert_eq!(managers_of(&files, "").len(), 1);
    assert_eq!(managers_of(&files, "")[0].1, exact("1.22.10"));
    let files = [(".tool-versions", "pnpm 8.6.0\n"), ("pnpm-lock.yaml", "lockfileVersion: '6.0'\n")];
    assert_eq!(managers_of(&files, "")[0].1, exact("8.6.0"));
}

#[test]
fn a_range_in_engines_counts_within_the_form_of_the_lockfile() {
    let files = [("package.json", r#"{"engines":{"pnpm":">=5"}}"#), ("pnpm-lock.yaml", "lockfileVersion: '6.0'\n")];
    assert_eq!(managers_of(&files, "")[0].1, range(">=5 ^8"));
    let narrow = [("package.json", r#"{"engines":{"pnpm":"9"}}"#), ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n")];
    assert_eq!(managers_of(&narrow, "")[0].1, range("9 >=9"));
    let against = [("package.json", r#"{"engines":{"pnpm":"^7"}}"#), ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n")];
    assert_eq!(managers_of(&against, "")[0].1, range(">=9"));
    let no_form = [("package.json", r#"{"engines":{"npm":"^8","yarn":"please-use-npm"}}"#)];
    assert_eq!(managers_of(&no_form, "")[0], (Kind::Npm, range("^8"), None));
}

#[test]
fn texts_of_strangers_are_short_and_plain_in_reasons() {
    let long: &'static str = Box::leak(format!("18.0.0\u{1b}[31m{}", "x".repeat(500)).into_boxed_str());
    let wanted = choose_in(&[(".nvmrc", "18"), (".node-version", long)], "", |_| {});
    assert!(wanted.node.iter().all(|candidate| candidate.reason.len() < 200 && !candidate.reason.contains('\u{1b}')));
}

#[test]
fn a_workspace_of_pnpm_without_a_lockfile_is_pnpms() {
    let files = [("pnpm-workspace.yaml", "packages: ['p/*']"), ("package.json", r#"{"engines":{"node":">=18"}}"#)];
    assert_eq!(managers_of(&files, "p/a"), [(Kind::Pnpm, range("*"), None), (Kind::Npm, range("*"), None)]);
    let named = [("pnpm-workspace.yaml", ""), ("package.json", r#"{"engines":{"pnpm":"^8"}}"#)];
    assert_eq!(managers_of(&named, "")[0].1, range("^8"));
    let locked = [("pnpm-workspace.yaml", ""), ("package-lock.json", r#"{"lockfileVersion":3}"#)];
    assert_eq!(managers_of(&locked, "")[0].0, Kind::Npm);
}
