//! package.json files against what lockfiles say of them.

use std::fs;

use super::*;

/// The differences of a project with these files from its lockfile.
pub(super) fn differences(lock: (&str, &str), files: &[(&str, &str)]) -> Vec<String> {
    let project = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = project.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    Lockfile::read(lock.0, lock.1.as_bytes()).unwrap().differences(project.path())
}

const ASKS: &str = r#"{"dependencies":{"a":"^1.0.0"}}"#;

const NPM: &str = r#"{"lockfileVersion":3,"packages":{"":{"dependencies":{"a":"^1.0.0"}},"node_modules/a":{"version":"1.0.0"}}}"#;
const ONE: &str = r#"{"lockfileVersion":1,"dependencies":{"a":{"version":"1.0.0"}}}"#;
const PNPM: &str = "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a: {specifier: ^1.0.0, version: 1.0.0}\npackages:\n  a@1.0.0:\n    resolution: {integrity: sha512-AAAA}\nsnapshots:\n  a@1.0.0: {}\n";
const FIVE: &str = "lockfileVersion: 5.4\nspecifiers:\n  a: ^1.0.0\ndependencies:\n  a: 1.0.0\npackages:\n  /a/1.0.0:\n    resolution: {integrity: sha512-AAAA}\n";
const YARN: &str = "# yarn lockfile v1\n\n\na@^1.0.0:\n  version \"1.0.0\"\n  resolved \"https://reg.example/a/-/a-1.0.0.tgz\"\n";
const BERRY: &str = "__metadata:\n  version: 8\n\n\"a@npm:^1.0.0\":\n  version: 1.0.0\n  resolution: \"a@npm:1.0.0\"\n\n\"x@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"x@workspace:.\"\n  dependencies:\n    a: \"npm:^1.0.0\"\n";
const BUN: &str = r#"{"lockfileVersion":1,"workspaces":{"":{"name":"x","dependencies":{"a":"^1.0.0"}}},"packages":{"a":["a@1.0.0","",{},"sha512-AAAA"]}}"#;

const ALL: [(&str, &str); 7] = [
    ("package-lock.json", NPM),
    ("package-lock.json", ONE),
    ("pnpm-lock.yaml", PNPM),
    ("pnpm-lock.yaml", FIVE),
    ("yarn.lock", YARN),
    ("yarn.lock", BERRY),
    ("bun.lock", BUN),
];

/// A package.json for a lockfile: pnpm reads one of version 5 up to its own version 8.
fn of(lock: (&str, &str), manifest: &str) -> String {
    let is_five = lock.1 == FIVE && manifest.len() > 1;
    if is_five { manifest.replacen('{', r#"{"packageManager":"pnpm@8.15.0","#, 1) } else { manifest.to_owned() }
}

#[test]
fn a_package_json_that_asks_for_something_else_is_told() {
    for lock in ALL {
        assert_eq!(differences(lock, &[]), [""; 0], "a lockfile by itself: {lock:?}");
        assert_eq!(differences(lock, &[("package.json", &of(lock, ASKS))]), [""; 0], "the control: {lock:?}");
        for odd in [
            r#"{"dependencies":{"a":"^2.0.0"}}"#,
            r#"{"dependencies":{"a":"^1.0.0","b":"1"}}"#,
            r#"{"dependencies":{"a":"^1.0.0"},"optionalDependencies":{"b":"1"}}"#,
            r#"{"dependencies":{"a":"npm:b@^1.0.0"}}"#,
            r#"{"dependencies":{"a":"^1.0.0"},"dependencies":{}}"#,
            "{",
        ] {
            let told = differences(lock, &[("package.json", &of(lock, odd))]);
            // Of what cannot be read nobody knows which pnpm it names, either.
            let is_five = lock.1 == FIVE && told.len() == 2 && told.iter().any(|told| told.contains("cannot be read"));
            assert!(told.len() == 1 || is_five, "{odd}: {lock:?}: {told:?}");
        }
    }
    // Which of them is for development alone.
    for lock in [ALL[0], ALL[2], ALL[3], ALL[6]] {
        assert_eq!(differences(lock, &[("package.json", &of(lock, r#"{"devDependencies":{"a":"^1.0.0"}}"#))]).len(), 1, "{lock:?}");
        assert_eq!(differences(lock, &[("package.json", &of(lock, "{\"x\":1}"))]).len(), 1, "{lock:?}");
    }
}

#[test]
fn a_lockfile_that_is_empty_says_nothing_of_the_project() {
    for (file, text) in [
        ("package-lock.json", r#"{"lockfileVersion":3,"packages":{}}"#),
        ("package-lock.json", r#"{"lockfileVersion":1,"dependencies":{}}"#),
        ("package-lock.json", r#"{"lockfileVersion":1}"#),
        ("yarn.lock", "# yarn lockfile v1\n\n\n"),
        ("pnpm-lock.yaml", "lockfileVersion: '9.0'\nimporters:\n  .: {}\n"),
        ("bun.lock", r#"{"lockfileVersion":1,"workspaces":{},"packages":{}}"#),
    ] {
        assert_eq!(differences((file, text), &[("package.json", ASKS)]).len(), 1, "{file} {text}");
        assert_eq!(differences((file, text), &[("package.json", r#"{"name":"x"}"#)]), [""; 0], "{file} {text}");
    }
}

#[test]
fn workspaces_are_held_against_their_rows_too() {
    let root = r#"{"workspaces":["p/*","!p/not"],"dependencies":{"a":"^1.0.0"}}"#;
    let own = r#"{"name":"w","version":"1.0.0","dependencies":{"b":"^1.0.0"}}"#;
    let row = |row: &str| {
        format!(
            r#"{{"lockfileVersion":3,"packages":{{"":{{"dependencies":{{"a":"^1.0.0"}}}},"node_modules/a":{{"version":"1.0.0"}}{row}}}}}"#
        )
    };
    let told = |more: &str, own: &str| differences(("package-lock.json", &row(more)), &[("package.json", root), ("p/w/package.json", own)]);
    assert_eq!(told(r#","p/w":{"dependencies":{"b":"^1.0.0"}},"node_modules/b":{"version":"1.0.0"}"#, own), [""; 0], "the control");
    assert_eq!(told(r#","p/w":{}"#, own).len(), 1);
    assert_eq!(told("", own).len(), 1);
    assert_eq!(told(r#","p/w":{},"p/none":{}"#, "{}").len(), 1, "a row of a folder that is not there");
    let yarn = |more: &str| differences(("yarn.lock", &format!("{YARN}{more}")), &[("package.json", root), ("p/w/package.json", own)]);
    assert_eq!(yarn("\nb@^1.0.0:\n  version \"1.0.0\"\n  resolved \"https://reg.example/b/-/b-1.0.0.tgz\"\n"), [""; 0], "the control");
    assert_eq!(yarn("").len(), 1);
    let sibling = |range: &str| {
        let root = format!(r#"{{"workspaces":["p/*"],"dependencies":{{"w":"{range}"}}}}"#);
        differences(("yarn.lock", YARN), &[("package.json", &root), ("p/w/package.json", r#"{"name":"w","version":"1.0.0"}"#)])
    };
    assert_eq!((sibling("^1.0.0").len(), sibling("^2.0.0").len()), (0, 1));
    let braces = r#"{"workspaces":["{p}/*"]}"#;
    assert_eq!(differences(("yarn.lock", YARN), &[("package.json", braces)]).len(), 1, "a pattern that is not understood");
}

#[test]
#[cfg(unix)]
fn a_row_of_a_folder_that_is_a_link_out_of_the_project_is_told() {
    let (project, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let text = r#"{"lockfileVersion":3,"packages":{"":{},"node_modules/w":{"resolved":"w","link":true},"w":{"version":"1.0.0"}}}"#;
    let lockfile = Lockfile::read("package-lock.json", text.as_bytes()).unwrap();
    fs::write(project.path().join("package.json"), r#"{"workspaces":["w"]}"#).unwrap();
    fs::write(out.path().join("package.json"), "{}").unwrap();
    fs::create_dir(project.path().join("w")).unwrap();
    fs::write(project.path().join("w/package.json"), "{}").unwrap();
    assert_eq!(lockfile.differences(project.path()), [""; 0], "the control");
    fs::remove_dir_all(project.path().join("w")).unwrap();
    std::os::unix::fs::symlink(out.path(), project.path().join("w")).unwrap();
    assert_eq!(lockfile.differences(project.path()).len(), 1);
}

#[test]
fn yarn_2_looks_for_a_name_with_a_range_to_the_letter() {
    let manifest = |more: &str| format!(r#"{{"name":"x","dependencies":{{"a":"^1.0.0"}}{more}}}"#);
    let told = |lock: &str, more: &str| differences(("yarn.lock", lock), &[("package.json", &manifest(more))]).len();
    assert_eq!(told(BERRY, ""), 0, "the control");
    assert_eq!(told(&BERRY.replace("\"a@npm:^1.0.0\"", "\"a@npm:^0.9.0 || ^1.0.0\""), ""), 1, "another descriptor");
    for (resolutions, is_stale) in [
        (r#"{"a":"^1.0.0"}"#, false),
        (r#"{"a@npm:^1.0.0":"^1.0.0"}"#, false),
        (r#"{"a@npm:^2.0.0":">=1.0.0"}"#, false),
        (r#"{"b/a":">=1.0.0"}"#, false),
        (r#"{"a":">=1.0.0"}"#, true),
        (r#"{"a@^1.0.0":">=1.0.0"}"#, true),
        (r#"{"x/a":">=1.0.0"}"#, true),
    ] {
        assert_eq!(told(BERRY, &format!(r#","resolutions":{resolutions}"#)), usize::from(is_stale), "{resolutions}");
    }
    // Where a resolution took its place, a range has no line of its own.
    let held = BERRY.replace("\"a@npm:^1.0.0\":", "\"a@npm:1.0.0\":");
    assert_eq!((told(&held, r#","resolutions":{"a":"1.0.0"}"#), told(&held, "")), (0, 1));
    let catalog = BERRY.replace("    a: \"npm:^1.0.0\"", "    a: \"catalog:\"");
    let of_catalog = |range: &str| {
        let settings = format!("catalog:\n  a: \"{range}\"\n");
        let files = [("package.json", r#"{"name":"x","dependencies":{"a":"catalog:"}}"#), (".yarnrc.yml", settings.as_str())];
        differences(("yarn.lock", &catalog), &files).len()
    };
    assert_eq!((of_catalog("^1.0.0"), of_catalog(">=1.0.0")), (0, 1));
}

#[test]
fn pnpm_settings_of_the_lockfile_alone_make_pnpm_find_out_anew() {
    let told = |more: &str, files: &[(&str, &str)]| {
        let text = PNPM.replace("importers:", &format!("{more}importers:"));
        differences(("pnpm-lock.yaml", &text), &[&[("package.json", ASKS)], files].concat()).len()
    };
    let of_workspace = |text: &'static str| vec![("pnpm-workspace.yaml", text)];
    for (more, files) in [
        ("settings:\n  autoInstallPeers: false\n", of_workspace("autoInstallPeers: false\n")),
        ("settings:\n  autoInstallPeers: false\n", vec![(".npmrc", "auto-install-peers=false\n")]),
        ("overrides:\n  z: 1.0.0\n", of_workspace("overrides:\n  z: 1.0.0\n")),
        ("ignoredOptionalDependencies: [z]\n", of_workspace("ignoredOptionalDependencies: [z]\n")),
        ("packageExtensionsChecksum: 0123\n", of_workspace("packageExtensions:\n  z: {}\n")),
        ("pnpmfileChecksum: 0123\n", vec![(".pnpmfile.cjs", "")]),
    ] {
        assert_eq!(told(more, &files), 0, "the control: {more}");
        assert_eq!(told(more, &[]), 1, "{more}");
    }
    assert_eq!(told("settings:\n  autoInstallPeers: true\n", &[]), 0);
    assert_eq!(told("settings:\n  autoInstallPeers: true\n", &[(".npmrc", "auto-install-peers=false\n")]), 1);
    let of_manager = |manager: &str, lock: &str| {
        let manifest = format!(r#"{{"packageManager":"pnpm@{manager}","dependencies":{{"a":"^1.0.0"}}}}"#);
        differences(("pnpm-lock.yaml", lock), &[("package.json", &manifest)]).len()
    };
    assert_eq!((of_manager("8.0.0", FIVE), of_manager("9.1.0", FIVE)), (0, 1));
    assert_eq!((of_manager("9.1.0", PNPM), of_manager("8.9.0", PNPM)), (0, 1));
    assert_eq!(differences(("pnpm-lock.yaml", FIVE), &[("package.json", ASKS)]).len(), 1, "any pnpm");
}

#[test]
fn a_name_leads_to_a_folder_only_where_that_is_asked_for_or_a_workspace() {
    let files = |range: &str, more: &str| format!(r#"{{"dependencies":{{"a":"{range}"}}{more}}}"#);
    let own = ("v/a/package.json", r#"{"name":"a","version":"1.0.0"}"#);
    let npm = |range: &str| {
        format!(
            r#"{{"lockfileVersion":3,"packages":{{"":{{"dependencies":{{"a":"{range}"}}}},"node_modules/a":{{"resolved":"v/a","link":true}},"v/a":{{"name":"a","version":"1.0.0"}}}}}}"#
        )
    };
    let pnpm = |range: &str| {
        format!("lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a: {{specifier: '{range}', version: 'link:v/a'}}\n")
    };
    for (file, of) in [("package-lock.json", &npm as &dyn Fn(&str) -> String), ("pnpm-lock.yaml", &pnpm)] {
        let told = |range: &str, more: &str, settings: &str| {
            let manifest = files(range, more);
            differences((file, &of(range)), &[("package.json", &manifest), own, ("pnpm-workspace.yaml", settings)]).len()
        };
        assert_eq!(told("file:v/a", "", ""), 0, "{file}: asked for");
        assert_eq!(told("^1.0.0", "", ""), 1, "{file}: no workspace");
        if file == "package-lock.json" {
            assert_eq!(told("^1.0.0", r#","workspaces":["v/*"]"#, ""), 0, "{file}: a workspace");
        }
    }
    assert_eq!(
        differences(("pnpm-lock.yaml", &pnpm("file:v/b")), &[("package.json", &files("file:v/b", "")), own]).len(),
        1,
        "another folder"
    );
    let importers = format!("{}  v/a: {{}}\n", pnpm("^1.0.0"));
    let told = |workspaces: &str| {
        differences(("pnpm-lock.yaml", &importers), &[("package.json", &files("^1.0.0", "")), own, ("pnpm-workspace.yaml", workspaces)])
            .len()
    };
    assert_eq!((told("packages: ['v/*']\n"), told("packages: ['w/*']\n")), (0, 1));
}

#[test]
fn yarn_1_takes_a_workspace_for_a_range_and_not_for_a_tag() {
    let told = |range: &str, own: &str| {
        let root = format!(r#"{{"workspaces":["p/*"],"dependencies":{{"w":"{range}"}}}}"#);
        differences(("yarn.lock", YARN), &[("package.json", &root), ("p/w/package.json", own)]).len()
    };
    let with = r#"{"name":"w","version":"1.0.0"}"#;
    assert_eq!((told("^1.0.0", with), told("*", with)), (0, 0));
    assert_eq!((told("latest", with), told("^1.0.0", r#"{"name":"w"}"#), told("^1.0.0 || x.y", with)), (1, 1, 0));
}

#[test]
fn yarn_1_keeps_a_line_whose_range_only_a_loose_reader_knows() {
    let gaps = |range: &str| {
        let text =
            format!("# yarn lockfile v1\n\n\n\"a@{range}\":\n  version \"1.0.0\"\n  resolved \"https://reg.example/a/-/a-1.0.0.tgz\"\n");
        differences(("yarn.lock", &text), &[]).len()
    };
    for range in [">1.0.0 ,<2", ">=1.9.0beta", "^1.9.0-01", "^1.9.0 || x.y", "^1.0.0", ">= 1 <2", "1 - 2"] {
        assert_eq!(gaps(range), 0, "{range}");
    }
    for range in ["^1.9.0", ">=1.9.0-beta.1", "2.x", "~v2", "2 - 3", "2 || 3.*"] {
        assert_eq!(gaps(range), 1, "{range}");
    }
}

#[test]
fn a_folder_of_the_project_is_its_own_and_what_it_needs_must_be_told() {
    let yarn = "# yarn lockfile v1\n\n\n\"w@file:p/w\":\n  version \"1.0.0\"\n  dependencies:\n    a \"^1.0.0\"\n\na@^1.0.0:\n  version \"1.0.0\"\n  resolved \"https://reg.example/a/-/a-1.0.0.tgz\"\n";
    let berry = "__metadata:\n  version: 8\n\n\"a@npm:^1.0.0\":\n  version: 1.0.0\n  resolution: \"a@npm:1.0.0\"\n\n\"w@file:p/w::locator=x%40workspace%3A.\":\n  version: 1.0.0\n  resolution: \"w@file:p/w#p/w::hash=00&locator=x%40workspace%3A.\"\n  dependencies:\n    a: \"npm:^1.0.0\"\n\n\"x@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"x@workspace:.\"\n  dependencies:\n    w: \"file:p/w\"\n";
    let bun = r#"{"lockfileVersion":1,"workspaces":{"":{"name":"x","dependencies":{"w":"file:p/w"}}},"packages":{"a":["a@1.0.0","",{},"sha512-AAAA"],"w":["w@file:p/w",{"dependencies":{"a":"^1.0.0"}}]}}"#;
    let pnpm = "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      w: {specifier: 'file:p/w', version: 'file:p/w'}\npackages:\n  a@1.0.0:\n    resolution: {integrity: sha512-AAAA}\n  w@file:p/w:\n    resolution: {directory: p/w, type: directory}\nsnapshots:\n  a@1.0.0: {}\n  w@file:p/w:\n    dependencies:\n      a: 1.0.0\n";
    let six = r#"{"lockfileVersion":1,"requires":true,"dependencies":{"a":{"version":"1.0.0"},"w":{"version":"file:p/w","requires":{"a":"^1.0.0"}}}}"#;
    let root = r#"{"name":"x","dependencies":{"w":"file:p/w"}}"#;
    for (file, text) in [("yarn.lock", yarn), ("yarn.lock", berry), ("bun.lock", bun), ("pnpm-lock.yaml", pnpm), ("package-lock.json", six)]
    {
        let left = |text: &str| Lockfile::read(file, text.as_bytes()).unwrap().left_out.into_iter().filter(|left| !left.is_own).count();
        assert_eq!(left(text), 0, "{file}: its own");
        assert_eq!(left(&text.replace("p/w", "p/w.tgz")), 1, "{file}: a tarball");
        assert_eq!(left(&text.replace("p/w", "../w")), 1, "{file}: elsewhere");
        let told = |own: &str| differences((file, text), &[("package.json", root), ("p/w/package.json", own)]).len();
        assert_eq!(told(r#"{"name":"w","version":"1.0.0","dependencies":{"a":"^1.0.0"}}"#), 0, "{file}: the control");
        assert_eq!(told(r#"{"name":"w","version":"1.0.0","dependencies":{"a":"^1.0.0","b":"1"}}"#), 1, "{file}: more needs");
        assert_eq!(differences((file, text), &[("package.json", root), ("p/w", "no folder")]).len(), 1, "{file}: no folder");
    }
}

#[test]
fn what_a_project_of_deno_asks_for_is_in_its_lockfile_wherever_it_stands() {
    let lock = (
        "deno.lock",
        r#"{"version":"5","specifiers":{"npm:a@1":"1.0.0","jsr:@std/x@1":"1.0.0"},"jsr":{"@std/x@1.0.0":{}},"npm":{"a@1.0.0":{}}}"#,
    );
    let good = r#"{"imports":{"a":"npm:a@^1.0.0","std":"jsr:@std/x@1"}, /* why */ "workspace":["./m"],"compilerOptions":{"types":["npm:a@1/x.d.ts"]},}"#;
    assert_eq!(differences(lock, &[("deno.json", good), ("m/package.json", ASKS)]), [""; 0], "the control");
    for file in [
        ("deno.json", r#"{"imports":{"b":"npm:b@1.0.0"}}"#),
        ("deno.jsonc", r#"{"imports":{"a":"npm:a@2"}}"#),
        ("deno.json", r#"{"scopes":{"x":{"b":"npm:/b@1.0.0/"}}}"#),
        ("deno.json", r#"{"lint":{"plugins":["npm:b"]}}"#),
        ("deno.json", r#"{"compilerOptions":{"jsxImportSource":"npm:b@1"}}"#),
        ("deno.json", r#"{"imports":{"b":"\u006epm:b@1.0.0"}}"#),
        ("package.json", r#"{"dependencies":{"b":"^1.0.0"}}"#),
    ] {
        assert_eq!(differences(lock, &[file]).len(), 1, "{file:?}");
    }
    for (root, member) in [
        (("deno.json", r#"{"workspace":["./m"]}"#), ("m/deno.json", r#"{"imports":{"b":"npm:b@1"}}"#)),
        (("deno.json", r#"{"workspace":{"members":["m/"]}}"#), ("m/package.json", r#"{"dependencies":{"b":"1"}}"#)),
        (("package.json", r#"{"workspaces":["*"]}"#), ("m/package.json", r#"{"dependencies":{"b":"1"}}"#)),
    ] {
        assert_eq!(differences(lock, &[root, member]).len(), 1, "{root:?}");
    }
}

#[test]
fn many_aliases_of_a_package_of_many_versions_are_compared_in_time() {
    let versions = |each: &dyn Fn(usize) -> String| (0..4000).map(each).collect::<Vec<_>>().join(",");
    let specifiers = versions(&|at| format!(r#""npm:a@1.0.{at}":"1.0.{at}""#));
    let rows = versions(&|at| format!(r#""a@1.0.{at}":{{}}"#));
    let lock = format!(r#"{{"version":"5","specifiers":{{{specifiers}}},"npm":{{{rows}}}}}"#);
    let asked = format!(r#"{{"dependencies":{{{}}}}}"#, versions(&|at| format!(r#""b{at}":"npm:a@2.0.{at}""#)));
    let began = std::time::Instant::now();
    assert!(!differences(("deno.lock", &lock), &[("package.json", &asked)]).is_empty());
    assert!(began.elapsed() < std::time::Duration::from_secs(30));
}
