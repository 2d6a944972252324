//! What pnpm-lock.yaml says of settings, peers and links, and the project does not.

use super::asked::differences;
use super::*;

const HEAD: &str = "settings:\n  autoInstallPeers: true\n  excludeLinksFromLockfile: false\n";
const ROOT: &str = r#"{"name":"x","dependencies":{"a":"^1.0.0"}}"#;

fn lock(version: &str, head: &str, importer: &str) -> String {
    format!(
        "lockfileVersion: '{version}'\n\n{head}\nimporters:\n  .:\n{importer}    dependencies:\n      a: {{specifier: ^1.0.0, version: 1.0.0}}\npackages:\n  a@1.0.0:\n    resolution: {{integrity: sha512-AAAA}}\nsnapshots:\n  a@1.0.0: {{}}\n"
    )
}

fn told(head: &str, files: &[(&str, &str)]) -> Vec<String> {
    let own = [("package.json", ROOT)];
    let own = own.iter().filter(|(name, _)| files.iter().all(|(other, _)| other != name));
    differences(("pnpm-lock.yaml", &lock("9.0", head, "")), &own.chain(files).copied().collect::<Vec<_>>())
}

#[test]
fn settings_of_the_lockfile_are_the_projects() {
    assert_eq!(told(HEAD, &[]), [""; 0], "the control");
    for (key, value, line) in [
        ("excludeLinksFromLockfile", "true", "exclude-links-from-lockfile=true"),
        ("injectWorkspacePackages", "true", "inject-workspace-packages=true"),
        ("peersSuffixMaxLength", "500", "peers-suffix-max-length=500"),
        ("dedupePeers", "true", "dedupe-peers=true"),
        ("autoInstallPeers", "false", "auto-install-peers=false"),
    ] {
        let head = format!("settings:\n  {key}: {value}\n");
        assert_eq!(told(&head, &[]).len(), 1, "{key}");
        let own = format!("{key}: {value}\n");
        assert_eq!(told(&head, &[("pnpm-workspace.yaml", &own)]), [""; 0], "{key} of the project");
        assert_eq!(told(&head, &[(".npmrc", line)]), [""; 0], "{line}");
        let later = ROOT.replace(r#""name""#, r#""packageManager":"pnpm@11.0.0","name""#);
        assert_eq!(told(&head, &[(".npmrc", line), ("package.json", &later)]).len(), 1, "{line} of pnpm 11");
    }
    assert_eq!(told("settings:\n  neverHeardOf: true\n", &[]).len(), 1);
    assert_eq!(told("settings:\n  peersSuffixMaxLength: 1000\n  dedupePeers: false\n", &[]), [""; 0]);
}

#[test]
fn patches_and_catalogs_of_the_lockfile_are_the_projects() {
    let patch = "patchedDependencies:\n  z@1.0.0:\n    hash: abc\n    path: x.patch\n";
    let short = "patchedDependencies:\n  z@1.0.0: abc\n";
    let own = "patchedDependencies:\n  z@1.0.0: ./x.patch\n";
    for head in [patch, short] {
        assert_eq!(told(head, &[]).len(), 1);
        assert_eq!(told(head, &[("pnpm-workspace.yaml", own)]), [""; 0]);
        let inner = ROOT.replace(r#""name""#, r#""pnpm":{"patchedDependencies":{"z@1.0.0":"x.patch"}},"name""#);
        assert_eq!(told(head, &[("package.json", &inner)]), [""; 0]);
    }
    assert_eq!(told(patch, &[("pnpm-workspace.yaml", "patchedDependencies:\n  z@1.0.0: y.patch\n")]).len(), 1);
    let catalog = "catalogs:\n  default:\n    z:\n      specifier: ^1.0.0\n      version: 1.0.0\n";
    assert_eq!(told(catalog, &[]).len(), 1);
    assert_eq!(told(catalog, &[("pnpm-workspace.yaml", "catalog:\n  z: ^1.0.0\n  y: 1\n")]), [""; 0]);
    assert_eq!(told(catalog, &[("pnpm-workspace.yaml", "catalogs:\n  default:\n    z: ^1.0.0\n")]), [""; 0]);
    assert_eq!(told(catalog, &[("pnpm-workspace.yaml", "catalog:\n  z: ^2.0.0\n")]).len(), 1);
}

#[test]
fn an_override_of_the_lockfile_is_the_projects_with_its_value() {
    let head = "overrides:\n  z: 1.0.0\n";
    let told =
        |own: &str| told(head, &[("package.json", &ROOT.replace(r#""name""#, &format!(r#""pnpm":{{"overrides":{own}}},"name""#)))]).len();
    assert_eq!((told(r#"{"z":"1.0.0"}"#), told(r#"{"z":"2.0.0"}"#), told("{}"), told(r#"{"z":"$a"}"#)), (0, 1, 1, 1));
    let of_a = self::told("overrides:\n  z: ^1.0.0\n", &[("pnpm-workspace.yaml", "overrides:\n  z: $a\n")]);
    assert_eq!(of_a, [""; 0]);
}

#[test]
fn how_a_dependency_is_installed_says_package_json() {
    let meta = "    dependenciesMeta:\n      a:\n        injected: true\n    publishDirectory: dist\n";
    let told = |own: &str| differences(("pnpm-lock.yaml", &lock("9.0", HEAD, meta)), &[("package.json", own)]).len();
    let own =
        r#"{"name":"x","dependencies":{"a":"^1.0.0"},"dependenciesMeta":{"a":{"injected":true}},"publishConfig":{"directory":"dist"}}"#;
    assert_eq!((told(own), told(ROOT), told(&own.replace("true", "false")), told(&own.replace("dist", "lib"))), (0, 1, 1, 1));
}

#[test]
fn a_need_of_a_package_leads_to_a_folder_only_if_that_is_a_workspace() {
    let text = lock("9.0", HEAD, "").replace("  a@1.0.0: {}\n", "  a@1.0.0:\n    dependencies:\n      b: link:w\n");
    let told = |settings: &str, name: &str| {
        let own = format!(r#"{{"name":"{name}"}}"#);
        differences(("pnpm-lock.yaml", &text), &[("package.json", ROOT), ("pnpm-workspace.yaml", settings), ("w/package.json", &own)])
            .into_iter()
            .filter(|told| told.contains("leads"))
            .count()
    };
    let injected =
        lock("9.0", HEAD, "").replace("packages:\n", "packages:\n  v@file:v:\n    resolution: {directory: v, type: directory}\n");
    let injected = injected.replace("  a@1.0.0: {}\n", "  a@1.0.0: {}\n  v@file:v:\n    dependencies:\n      b: link:w\n");
    let of_folder = |range: &str| {
        let own = format!(r#"{{"name":"v","dependencies":{{"b":"{range}"}}}}"#);
        let files = [
            ("package.json", ROOT),
            ("pnpm-workspace.yaml", "packages: [v]\n"),
            ("v/package.json", &own),
            ("w/package.json", r#"{"name":"b"}"#),
        ];
        let all = [files.as_slice(), &[("pnpm-workspace.yaml", "packages: [v, w]\n"), ("w/package.json", r#"{"name":"c"}"#)]].concat();
        [files.to_vec(), all]
            .map(|files| differences(("pnpm-lock.yaml", &injected), &files).iter().filter(|told| told.contains("leads")).count())
    };
    assert_eq!(of_folder("^1.0.0"), [1, 1]);
    assert_eq!(of_folder("link:../w"), [0, 0]);
    assert_eq!(of_folder("workspace:c@*"), [1, 0]);
    assert_eq!((told("packages: [w]\n", "b"), told("packages: [w]\n", "c"), told("packages: [v]\n", "b")), (0, 1, 1));
}

#[test]
fn peers_are_told_with_their_range_unless_they_are_optional_and_not_there() {
    let peers = |rows: &str, snapshot: &str| {
        let text = lock("9.0", HEAD, "").replace("sha512-AAAA}\n", &format!("sha512-AAAA}}\n{rows}")).replace("  a@1.0.0: {}\n", snapshot);
        let read = Lockfile::read("pnpm-lock.yaml", text.as_bytes()).unwrap();
        read.entries[0].places[0].stated.as_ref().unwrap().peers.clone().unwrap()
    };
    let range = Needed::Range("^1.0.0".into());
    let row = "    peerDependencies:\n      b: ^1.0.0\n";
    let optional = "    peerDependencies:\n      b: ^1.0.0\n    peerDependenciesMeta:\n      b:\n        optional: true\n";
    let there = "  a@1.0.0(b@1.0.0):\n    dependencies:\n      b: 1.0.0\n";
    let nothing = "  a@1.0.0: {}\n";
    assert_eq!(peers("", nothing), BTreeMap::new());
    assert_eq!(peers(row, nothing), BTreeMap::from([("b".to_owned(), range.clone())]));
    assert_eq!(peers(optional, nothing), BTreeMap::new());
    assert_eq!(peers(optional, there), BTreeMap::from([("b".to_owned(), range)]));
}

#[test]
fn only_pnpm_up_to_8_writes_down_what_the_project_says_of_peers() {
    let own = r#"{"pnpm":{"peerDependencyRules":{"ignoreMissing":["@s/*"],"allowAny":["b"],"allowedVersions":{"c":"1","d>e":"2"}}}}"#;
    let project = tempfile::tempdir().unwrap();
    std::fs::write(project.path().join("package.json"), own).unwrap();
    let rules = |version: &str| Lockfile::read("pnpm-lock.yaml", lock(version, "", "").as_bytes()).unwrap().peer_rules(project.path());
    assert_eq!(rules("9.0"), Vec::<String>::new());
    assert_eq!(rules("6.0"), ["@s/*", "b", "c", "e"]);
    std::fs::write(project.path().join(".pnpmfile.cjs"), "").unwrap();
    assert_eq!((rules("9.0"), rules("6.0")), (Vec::new(), vec!["*".to_owned()]));
}

#[test]
fn a_version_of_the_format_that_is_not_the_text_9_0_makes_pnpm_begin_anew() {
    let of = |version: &str| {
        let text = lock("9.0", HEAD, "").replace("'9.0'", version);
        differences(("pnpm-lock.yaml", &text), &[("package.json", ROOT)]).len()
    };
    assert_eq!((of("'9.0'"), of("\"9.0\"")), (0, 0), "the control");
    for odd in ["'9'", "9.0", "9", "'9.'", "9.00"] {
        assert_eq!(of(odd), 1, "{odd}");
    }
}

#[test]
fn pnpm_asks_for_another_version_where_the_projects_range_does_not_have_it() {
    let told = |range: &str, head: &str, settings: &str| {
        let own = ROOT.replace("^1.0.0", range);
        let text = lock("9.0", head, "").replace("{specifier: ^1.0.0", &format!("{{specifier: '{range}'"));
        differences(("pnpm-lock.yaml", &text), &[("package.json", &own), ("pnpm-workspace.yaml", settings)]).len()
    };
    for met in ["^1.0.0", "*", "latest", "npm:a@1", ">=0.9 <2"] {
        assert_eq!(told(met, "", ""), 0, "{met}");
    }
    assert_eq!((told("^2.0.0", "", ""), told("npm:a@^2.0.0", "", "")), (1, 1));
    assert_eq!(told("^2.0.0", "overrides:\n  a: 1.0.0\n", "overrides:\n  a: 1.0.0\n"), 0);
    assert_eq!(told("^2.0.0", "overrides:\n  a: 3.0.0\n", "overrides:\n  a: 3.0.0\n"), 1);
    assert_eq!(told("^2.0.0", "overrides:\n  z>a: 1.0.0\n", "overrides:\n  z>a: 1.0.0\n"), 1, "for the needs of another one");
    let overridden = |key: &str| {
        let table = format!("overrides:\n  {key}: 1.0.0\n");
        let text = lock("9.0", &table, "").replace("{specifier: ^1.0.0", "{specifier: 1.0.0");
        differences(("pnpm-lock.yaml", &text), &[("package.json", &ROOT.replace("^1.0.0", "^2.0.0")), ("pnpm-workspace.yaml", &table)])
            .len()
    };
    assert_eq!((overridden("a"), overridden("z>a"), overridden("z")), (0, 1, 1));
    let catalog = |range: &str| {
        (format!("catalogs:\n  default:\n    a:\n      specifier: {range}\n      version: 1.0.0\n"), format!("catalog:\n  a: {range}\n"))
    };
    let of = |(head, settings): (String, String)| told("catalog:", &head, &settings);
    assert_eq!((of(catalog("^1.0.0")), of(catalog("^2.0.0"))), (0, 1));
}

#[test]
fn a_peer_that_npmrc_alone_leaves_out_is_told_where_no_pnpm_is_named() {
    let lock = |row: &str, snapshot: &str| {
        format!(
            "lockfileVersion: '9.0'\nsettings:\n  autoInstallPeers: false\nimporters:\n  .:\n    dependencies:\n      a: {{specifier: ^1.0.0, version: 1.0.0}}\npackages:\n  a@1.0.0:\n    resolution: {{integrity: sha512-AAAA}}\n    peerDependencies: {{b: '1'}}\n{row}  b@1.0.0:\n    resolution: {{integrity: sha512-BBBB}}\nsnapshots:\n  a@1.0.0: {snapshot}\n  b@1.0.0: {{}}\n"
        )
    };
    let told = |lock: &str, more: &str, workspace: &str| {
        let manifest = format!(r#"{{"dependencies":{{"a":"^1.0.0"}}{more}}}"#);
        let files = [("package.json", manifest.as_str()), (".npmrc", "auto-install-peers=false\n"), ("pnpm-workspace.yaml", workspace)];
        super::asked::differences(("pnpm-lock.yaml", lock), &files).len()
    };
    let open = lock("", "{}");
    assert_eq!(told(&open, "", ""), 1, "pnpm 11 installs it");
    assert_eq!(told(&open, r#","packageManager":"pnpm@10.1.0""#, ""), 0, "pnpm 10 reads the line");
    assert_eq!(told(&open, r#","packageManager":"pnpm@11.1.0""#, ""), 1, "pnpm 11 does not");
    assert_eq!(told(&open, "", "autoInstallPeers: false\n"), 0, "all of them read it there");
    assert_eq!(told(&lock("", "{dependencies: {b: 1.0.0}}"), "", ""), 0, "nothing is left out");
    assert_eq!(told(&lock("    peerDependenciesMeta: {b: {optional: true}}\n", "{}"), "", ""), 0, "an optional one");
}

#[test]
fn an_override_of_pnpm_puts_no_need_there_and_is_for_the_needs_of_its_package_alone() {
    let stated = |head: &str, needed: &str| {
        let text = format!(
            "lockfileVersion: '9.0'\n\n{head}packages:\n  a@1.0.0:\n    resolution: {{integrity: sha512-AAAA}}\n  b@1.0.0:\n    resolution: {{integrity: sha512-AAAA}}\nsnapshots:\n  a@1.0.0: {{{needed}}}\n  b@1.0.0: {{}}\n"
        );
        *Lockfile::read("pnpm-lock.yaml", text.as_bytes()).unwrap().entries[0].places[0].stated.clone().unwrap()
    };
    let with = "dependencies: {b: 1.0.0}";
    let has = |over: &str, needed: &str, range: &str| {
        let head = if over.is_empty() { String::new() } else { format!("overrides:\n  {over}\n") };
        stated(&head, needed).has_need("b", range)
    };
    assert!(has("", with, "^1.0.0") && !has("", with, "^2.0.0") && !has("", "", "^1.0.0"), "the control");
    for own in ["b: ^1.0.0", "a>b: ^1.0.0", "a@1>b: ^1.0.0", "b@^2: 1.0.0", "b@>=2.5: 1.0.0", "b: npm:b@1", "a@1>b@2: 1.0.0"] {
        assert!(has(own, with, "^2.0.0"), "{own}");
    }
    for other in ["z>b: ^1.0.0", "z: ^1.0.0", "b: ^2.0.0", "b@3: 1.0.0", "a@2>b: 1.0.0", "b: '-'", "a>b@3: 1.0.0"] {
        assert!(!has(other, with, "^2.0.0"), "{other}");
    }
    for missing in ["b: ^1.0.0", "a>b: ^1.0.0", "z>b: '-'", "b@2: '-'"] {
        assert!(!has(missing, "", "^1.0.0"), "{missing}");
    }
    assert!(has("b: '-'", "", "^1.0.0") && has("a>b: '-'", "", "^1.0.0") && has("b@1: '-'", "", "^1.0.0"), "they take the need out");
    assert!(!has("b: ^2.0.0", with, "^1.0.0"), "the override counts, and not the package");
    let both = |needed: &str| has("a>b: ^2.0.0\n  b: '-'", needed, "^1.0.0");
    assert!(!both("") && !both(with), "what is for one package counts first");
    let many = (0..1000).map(|at| format!("  o{at}: 1.0.0\n")).collect::<Vec<_>>().concat();
    let own = stated(&format!("overrides:\n{many}"), "");
    assert_eq!((own.needs.unwrap().len(), own.peers.unwrap().len()), (0, 0), "no row has a copy of the overrides");
    let aliased = stated("", "dependencies: {z: b@1.0.0}");
    assert!(aliased.has_need("z", "npm:b@^1.0.0") && !aliased.has_need("z", "^1.0.0") && !aliased.has_need("z", "npm:c@^1.0.0"));
    let plain = stated("", with);
    assert!(plain.has_need("b", "npm:b@1") && !plain.has_need("b", "npm:c@^1.0.0") && plain.has_need("b", "github:o/b"));
}

#[test]
fn what_pnpm_leaves_out_of_the_project_is_in_no_list() {
    let told = |head: &str, list: &str, pnpm: &str| {
        let lock = format!("lockfileVersion: '9.0'\n\n{head}importers:\n  .: {{}}\n");
        differences(("pnpm-lock.yaml", &lock), &[("package.json", &format!(r#"{{"name":"x","{list}":{{"b":"1"}},"pnpm":{pnpm}}}"#))]).len()
    };
    let (out, ignored) = ("overrides:\n  b: '-'\n", "ignoredOptionalDependencies: [b]\n");
    assert_eq!(told(out, "dependencies", r#"{"overrides":{"b":"-"}}"#), 0);
    assert_eq!(told(ignored, "optionalDependencies", r#"{"ignoredOptionalDependencies":["b"]}"#), 0);
    assert_eq!(told(ignored, "dependencies", r#"{"ignoredOptionalDependencies":["b"]}"#), 1);
    assert_eq!(told("", "dependencies", "{}"), 1);
}
