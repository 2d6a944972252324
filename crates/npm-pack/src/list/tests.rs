use super::*;
use crate::tree::MemoryTree;

fn package(manifest: &str) -> MemoryTree {
    MemoryTree::new().file("package.json", manifest)
}

fn with_files(files: &str) -> MemoryTree {
    package(&format!(r#"{{"name":"x","version":"1.0.0","files":{files}}}"#))
}

fn listed(tree: &MemoryTree, rules: &ListRules) -> Vec<String> {
    list(tree, rules).unwrap()
}

#[test]
fn names_of_groups_are_unique() {
    let names: BTreeSet<&str> = ALL.iter().map(|rules| rules.name).collect();
    assert_eq!(names.len(), ALL.len());
}

#[test]
fn every_group_packs_a_plain_package() {
    let tree = with_files(r#"["lib"]"#).file("lib/a.js", "1").file("README.md", "2").file("test/t.js", "3");
    for rules in ALL {
        assert_eq!(listed(&tree, rules), ["README.md", "lib/a.js", "package.json"], "{}", rules.name);
    }
}

#[test]
fn a_folder_without_manifest_is_refused() {
    for rules in ALL {
        assert_eq!(list(&MemoryTree::new().file("a.js", ""), rules).unwrap_err(), ListError::NoManifest);
        assert!(matches!(list(&package("[]"), rules).unwrap_err(), ListError::InvalidManifest(_)));
        assert!(matches!(list(&package("{"), rules).unwrap_err(), ListError::InvalidManifest(_)));
    }
}

#[test]
fn files_that_is_no_list_of_names_is_refused_or_ignored() {
    let odd = |files| list(&with_files(files).file("a.js", ""), &NPM_11);
    assert!(matches!(odd("[1]").unwrap_err(), ListError::InvalidManifest(_)));
    assert!(matches!(odd("{}").unwrap_err(), ListError::InvalidManifest(_)));
    assert_eq!(odd("null").unwrap(), ["a.js", "package.json"]);
    assert_eq!(listed(&with_files("{}").file("a.js", ""), &NPM_6_14), ["a.js", "package.json"]);
}

#[test]
fn links_and_submodules_are_not_packed() {
    let mut tree = package("{}").file("a.js", "");
    tree.insert("link.js", NodeKind::Symlink, Vec::new());
    tree.insert("module", NodeKind::Submodule, Vec::new());
    for rules in ALL {
        assert_eq!(listed(&tree, rules), ["a.js", "package.json"], "{}", rules.name);
    }
}

#[test]
fn pnpm_packs_links_from_11_28_on() {
    let mut tree = package("{}").file("lib/a.js", "");
    for (link, target) in [("a.js", "lib/a.js"), ("folder", "lib"), ("out.js", "../a.js")] {
        tree.insert(link, NodeKind::Symlink, target.into());
    }
    for (rules, packed) in [
        (&PNPM_8_8, &["lib/a.js", "package.json"][..]),
        (&PNPM_11_28, &["a.js", "folder", "lib/a.js", "package.json"]),
        (&PNPM_12_14, &["a.js", "folder", "lib/a.js", "package.json"]),
    ] {
        assert_eq!(listed(&tree, rules), packed, "{}", rules.name);
    }
}

#[test]
fn the_lists_of_a_client_are_tried_for_its_headers() {
    let names = |clients: &str, client: &str| clients.split([' ', ',']).any(|word| word == client);
    let mut count = 0;
    for client in ["npm", "lerna", "pnpm", "yarn", "bun", "vlt"] {
        let tried: BTreeSet<&str> = crate::era::ALL
            .iter()
            .filter(|era| names(era.clients, client))
            .flat_map(|era| crate::list_rules_of(era))
            .map(|rules| rules.name)
            .collect();
        for rules in ALL.iter().chain(&rules::OTHERS).filter(|rules| names(rules.clients, client)) {
            assert!(tried.contains(rules.name), "{} is not tried for {client}: {tried:?}", rules.name);
            count += 1;
        }
    }
    assert!(count > 40, "{count} lists of clients");
}

#[test]
fn lerna_9_and_10_list_as_npm_11_and_12() {
    let lockfiles = ["bun.lock", "bun.lockb", "npm-shrinkwrap.json"];
    let tree = lockfiles.iter().fold(package("{}"), |tree, name| tree.file(name, "1"));
    let lerna: Vec<Vec<String>> =
        crate::list_rules_of(crate::era::by_id("lerna-4").unwrap()).iter().map(|rules| listed(&tree, rules)).collect();
    // npm-packlist 10.0.3 and 11.3.0, which lerna 10.0.1 and 10.1.1 ask, listed this.
    for packed in [&["bun.lock", "npm-shrinkwrap.json", "package.json"][..], &["package.json"]] {
        assert!(lerna.iter().any(|listed| listed == packed), "{packed:?} is not among {lerna:?}");
    }
}

#[test]
fn fstream_renames_gitignore_and_gyp() {
    let tree = package("{}").file(".gitignore", "b\n").file("addon.gyp", "").file("lib/x.gyp", "");
    let entries = entries(&tree, &NPM_3, &Context::default()).unwrap();
    let pairs: Vec<(&str, &str)> = entries.iter().map(|entry| (entry.source.as_str(), entry.path.as_str())).collect();
    assert_eq!(
        pairs,
        [(".gitignore", ".npmignore"), ("addon.gyp", "binding.gyp"), ("lib/x.gyp", "lib/x.gyp"), ("package.json", "package.json")]
    );
}

#[test]
fn early_npm_7_keeps_the_slash_of_a_folder_in_files() {
    let tree = with_files(r#"["dist/","dist","**/*.js","!no.js"]"#).file("dist/a/b.js", "").file("no.js", "");
    let paths =
        |rules| -> Vec<String> { entries(&tree, rules, &Context::default()).unwrap().into_iter().map(|entry| entry.path).collect() };
    assert_eq!(paths(&NPM_7_0_0), ["dist//a/b.js", "dist/a/b.js", "no.js", "package.json"]);
    assert_eq!(paths(&PACKLIST_2_1_3), ["dist//a/b.js", "dist/a/b.js", "package.json"]);
    assert_eq!(paths(&NPM_7_0_4), ["dist/a/b.js", "package.json"]);
}

#[test]
fn a_spelling_tells_which_rules_can_have_written_it() {
    let spells = |rules: &ListRules, path| rules.spells(["a.js", path].into_iter());
    let of = |path| [&PNPM_7_12, &PNPM_8_8, &NPM_7_0_0, &NPM_7_0_4, &NPM_11, &BUN_1].map(|rules| spells(rules, path));
    assert_eq!(of("./main.js"), [true, false, false, false, false, false]);
    assert_eq!(of("dist//a.js"), [false, false, true, false, false, false]);
    assert_eq!(of("dist/a.js"), [true; 6]);
}

#[test]
fn packlist_5_lists_a_main_with_a_dot_twice_and_npm_8_loses_it() {
    let tree = package(r#"{"main":"./main.js","files":["lib"]}"#).file("main.js", "").file("lib/a.js", "");
    let paths =
        |rules| -> Vec<String> { entries(&tree, rules, &Context::default()).unwrap().into_iter().map(|entry| entry.path).collect() };
    assert!(paths(&LERNA_5_5).contains(&"./main.js".to_owned()));
    assert_eq!(paths(&NPM_8_15), ["lib/a.js", "package.json"]);
    assert!(!paths(&NPM_7_0).contains(&"./main.js".to_owned()));
    assert_eq!(listed(&tree, &LERNA_5_5).iter().filter(|path| path.ends_with("main.js")).count(), 1);
}

#[test]
fn npm_3_finds_hoisted_dependencies_of_bundled_packages() {
    let tree = package(r#"{"name":"x","dependencies":{"a":"*"},"bundleDependencies":["a"]}"#)
        .file("node_modules/a/package.json", r#"{"name":"a","dependencies":{"b":"*"}}"#)
        .file("node_modules/b/package.json", r#"{"name":"b"}"#)
        .file("node_modules/c/package.json", r#"{"name":"c"}"#);
    let hoisted = ["node_modules/a/package.json", "node_modules/b/package.json", "package.json"];
    assert_eq!(listed(&tree, &NPM_3), hoisted);
    assert_eq!(listed(&tree, &NPM_11), hoisted);
    assert_eq!(listed(&tree, &NPM_2_15), ["node_modules/a/package.json", "package.json"]);
}

#[test]
fn a_missing_bundled_package_is_an_error_before_npm_9_2() {
    let tree = package(r#"{"dependencies":{"a":"*"},"bundleDependencies":["a"]}"#);
    assert!(matches!(list(&tree, &NPM_9_0).unwrap_err(), ListError::InvalidManifest(_)));
    assert_eq!(listed(&tree, &NPM_11), ["package.json"]);
    assert_eq!(listed(&tree, &NPM_8_15), ["package.json"]);
}

#[test]
fn a_cycle_of_bundled_packages_ends() {
    let tree = package(r#"{"dependencies":{"a":"*"},"bundleDependencies":["a"]}"#)
        .file("node_modules/a/package.json", r#"{"name":"a","dependencies":{"b":"*"}}"#)
        .file("node_modules/b/package.json", r#"{"name":"b","dependencies":{"a":"*"}}"#);
    for rules in [&NPM_3, &NPM_6_14, &NPM_8_15, &NPM_11, &NPM_12] {
        assert_eq!(listed(&tree, rules).len(), 3, "{}", rules.name);
    }
}

#[test]
fn ignore_files_above_a_workspace_count_by_era() {
    let tree = package("{}").file("a.js", "").file("b.js", "");
    let context = Context {
        above: vec![Above { npmignore: Some("a.js\n".to_owned()), gitignore: Some("b.js\n".to_owned()) }],
        workspaces: Vec::new(),
    };
    let sources = |rules| -> Vec<String> { entries(&tree, rules, &context).unwrap().into_iter().map(|entry| entry.source).collect() };
    assert_eq!(sources(&NPM_7_9), ["a.js", "b.js", "package.json"]);
    assert_eq!(sources(&NPM_8_10), ["package.json"]);
    assert_eq!(sources(&NPM_8_15), ["b.js", "package.json"]);
    assert_eq!(sources(&NPM_11), ["b.js", "package.json"]);
}

#[test]
fn workspaces_of_a_root_stay_out_when_told() {
    let tree = package("{}").file("packages/a/package.json", "{}").file("i.js", "");
    let context = Context { above: Vec::new(), workspaces: vec!["packages/a".to_owned()] };
    for rules in [&NPM_8_15, &NPM_11] {
        let entries = entries(&tree, rules, &context).unwrap();
        let sources: Vec<&str> = entries.iter().map(|entry| entry.source.as_str()).collect();
        assert_eq!(sources, ["i.js", "package.json"], "{}", rules.name);
    }
}

#[test]
fn names_that_are_not_text_are_refused() {
    let tree = package("{}").file("a\u{fffd}.js", "");
    for rules in ALL {
        assert_eq!(list(&tree, rules).unwrap_err(), ListError::UnreadableName("a\u{fffd}.js".to_owned()));
    }
}

#[test]
fn folders_too_deep_are_refused() {
    let tree = package("{}").file(&format!("{}x.js", "d/".repeat(400)), "");
    for rules in [&NPM_6_14, &NPM_8_15, &NPM_11] {
        assert!(matches!(list(&tree, rules).unwrap_err(), ListError::TooDeep(_)), "{}", rules.name);
    }
}

#[test]
fn too_many_rules_are_refused() {
    let tree = package("{}").file(".npmignore", "a/**/b\n".repeat(30_000));
    for rules in [&NPM_3, &NPM_6_14, &NPM_11] {
        assert_eq!(list(&tree, rules).unwrap_err(), ListError::TooComplex, "{}", rules.name);
    }
}

#[test]
fn needs_are_the_files_that_rules_read() {
    let tree = package("{}")
        .file(".npmignore", "")
        .file("lib/.yarnignore", "")
        .file("lib/.gitignore", "")
        .file("lib/a.js", "")
        .file("node_modules/a/package.json", "{}")
        .file(".git/package.json", "{}");
    assert_eq!(needs(&tree), [".npmignore", "lib/.gitignore", "lib/.yarnignore", "node_modules/a/package.json", "package.json"]);
}

/// The list of a package with this package.json and these files; a content stands behind ` = `.
fn packed(rules: &ListRules, manifest: &str, files: &[&str]) -> Vec<String> {
    let mut tree = MemoryTree::new().file("package.json", manifest);
    for file in files {
        let (path, content) = file.split_once(" = ").unwrap_or((file, ""));
        tree = tree.file(path, content);
    }
    let entries = entries(&tree, rules, &Context::default()).unwrap();
    entries.into_iter().map(|entry| entry.path).filter(|path| path != "package.json").collect()
}

#[test]
fn yarn_1_keeps_what_files_names_and_folders_of_which_nothing_is_left() {
    let manifest = r#"{"files":["lib"]}"#;
    assert_eq!(
        packed(&YARN_1, manifest, &["lib/a.js", "src/b.js", "README.md", "changes.md"]),
        ["README.md", "changes.md", "lib/", "lib/a.js"]
    );
    assert_eq!(packed(&YARN_1, "{}", &["sub/.npmrc", ".npmignore = *.log", "a.log", "a.js"]), ["a.js", "sub/"]);
}

#[test]
fn berry_lets_files_stand_in_for_the_root_s_ignore_files_and_inner_ones_count() {
    let files = ["lib/a.js", "lib/b.log", "lib/.gitignore = *.log", ".gitignore = lib", "main.js", "x.js", "CHANGELOG.md"];
    assert_eq!(packed(&BERRY, r#"{"files":["lib"],"main":"./main.js"}"#, &files), ["CHANGELOG.md", "lib/a.js", "main.js"]);
    let files = ["a.js", "yarn.lock", ".yarn/cache/z.zip", ".pnp.cjs", "npm-debug.log", ".npmignore = a.js"];
    assert_eq!(packed(&BERRY, "{}", &files), ["npm-debug.log"]);
}

#[test]
fn vlt_takes_what_an_entry_names_and_nothing_below_it() {
    let files = ["LICENSE", "readme.md", "m.js", "dist/a", "dist/b/c", "yarn.lock", "src/x.tgz", "src/y~", "src/z", ".npmignore = src"];
    let with = |entries: &str| packed(&VLT_1, &format!(r#"{{"name":"x","files":{entries},"main":"m.js"}}"#), &files);
    assert_eq!(with(r#"["dist"]"#), ["LICENSE", "dist/", "readme.md"]);
    assert_eq!(with(r#"["dist/"]"#), ["LICENSE", "dist/", "dist/a", "dist/b/", "dist/b/c", "readme.md"]);
    assert_eq!(with(r#"["dist/b/c"]"#), ["LICENSE", "dist/", "dist/b/", "dist/b/c", "readme.md"]);
    assert_eq!(with("[]"), ["LICENSE", "readme.md"]);
    // Without `files` no ignore file counts.
    assert_eq!(packed(&VLT_1, "{}", &files), ["LICENSE", "dist/", "dist/a", "dist/b/", "dist/b/c", "m.js", "readme.md", "src/", "src/z"]);
}

#[test]
fn bun_minds_case_and_does_not_take_main_along() {
    let files = ["LICENSE", "licence", "readme.md", "README.txt", "m.js", "cli.js", "lib/a.js", "lib/.npmignore = a.js", "q/lib/x"];
    let manifest = r#"{"name":"x","files":["lib"],"main":"m.js","bin":"cli.js"}"#;
    assert_eq!(packed(&BUN_1, manifest, &files), ["LICENSE", "README.txt", "cli.js"]);
    let files =
        ["dist/a", "sub/dist/b", "k.log", "keep.log", ".gitignore = dist\n*.log\n!keep.log", "yarn.lock", ".env.production", "a.orig"];
    assert_eq!(packed(&BUN_1, "{}", &files), ["a.orig", "keep.log"]);
}

#[test]
fn pnpm_lists_main_once_since_8_8() {
    let manifest = r#"{"main":"./dist/a.js","files":["dist"]}"#;
    assert_eq!(packed(&PNPM_8_8, manifest, &["dist/a.js"]), ["dist/a.js"]);
}

#[test]
fn pnpm_in_rust_reads_files_as_git_reads_patterns() {
    let files = r#"["!lib/a.js","lib","!lib/b.js","lib/b.js","src","!src/t/","br{a,b}","*.d.ts","**/*.css","!x.css"]"#;
    let mut tree = with_files(files);
    for path in ["lib/a.js", "lib/b.js", "src/t/a.js", "src/b.js", "bra", "i.d.ts", "z/i.d.ts", "x.css", "z/x.css", "z/y.css"] {
        tree = tree.file(path, "");
    }
    for rules in [&PNPM_12_0, &PNPM_12_1, &PNPM_12_8, &PNPM_12_11, &PNPM_12_12] {
        assert_eq!(listed(&tree, rules), ["bra", "i.d.ts", "lib/b.js", "package.json", "src/b.js", "z/y.css"], "{}", rules.name);
    }
    let tree = with_files(r#"["**","!test","!s/"]"#).file("test/a", "").file("d/s/a", "").file(".x", "").file("node_modules/a/i", "");
    assert_eq!(listed(&tree, &PNPM_12_1), [".x", "d/s/a", "package.json", "test/a"]);
    assert_eq!(listed(&tree, &PNPM_12_8), [".x", "package.json"]);
}

#[test]
fn pnpm_12_0_packs_change_logs_against_files() {
    let mut tree = with_files(r#"["x.js"]"#);
    for path in ["x.js", "Readme", "READMEfoo", "LICENSES", "changelog.txt", "CHANGES.md", "History.rst", "NOTICE", "COPYING", "d/NOTICE"] {
        tree = tree.file(path, "");
    }
    let logs = ["CHANGES.md", "History.rst", "LICENSES", "NOTICE", "READMEfoo", "Readme", "changelog.txt", "package.json", "x.js"];
    assert_eq!(listed(&tree, &PNPM_12_0), logs);
    assert_eq!(listed(&tree, &PNPM_12_1), ["LICENSES", "READMEfoo", "Readme", "package.json", "x.js"]);
    assert_eq!(listed(&tree, &PNPM_12_11), ["COPYING", "Readme", "package.json", "x.js"]);
}

#[test]
fn pnpm_in_rust_reads_ignore_files_as_git_does_and_packs_them() {
    let tree = package("{}").file(".npmignore", "a\nd/*\n!d/keep\n").file(".gitignore", "b\n");
    let tree = tree.file("a", "").file("b", "").file("d/a", "").file("d/keep", "").file("d/x/keep", "").file("x.orig", "");
    let tree = tree.file("e/.npmignore", "c\n").file("e/.gitignore", "b\n").file("e/b", "").file("e/c", "").file("e/.npmrc", "");
    let always = [".gitignore", ".npmignore", "b", "d/keep", "e/.gitignore", "e/.npmignore"];
    assert_eq!(listed(&tree, &PNPM_12_1), [&always[..], &["package.json"]].concat());
    assert_eq!(listed(&tree, &PNPM_12_11), [&always[..], &["e/b", "package.json"]].concat());
    assert_eq!(listed(&tree, &PNPM_12_12), ["b", "d/keep", "e/b", "package.json"]);
}

#[test]
fn pnpm_12_14_finds_main_under_a_dot() {
    let tree = package(r#"{"main":"./m.js","files":["x.js"]}"#).file("m.js", "").file("x.js", "");
    assert_eq!(listed(&tree, &PNPM_12_14), ["m.js", "package.json", "x.js"]);
    assert_eq!(listed(&tree, &PNPM_11_28), ["package.json", "x.js"]);
}
