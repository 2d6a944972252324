mod asked;
mod berry;
mod deno;
mod forms;
mod limits;
mod needs;
mod pnpm;
mod sbom;
mod tree;
mod two_truths;

use verdict::diagnostic::Diagnostic;

use super::*;

/// The packages and what is left out, as words: `name@version`, `key (reason)`.
fn read(file: &str, text: &str) -> (Vec<String>, Vec<String>) {
    let lockfile = Lockfile::read(file, text.as_bytes()).unwrap();
    let left_out = lockfile.left_out.iter().map(|left| format!("{} ({})", left.key, left.reason.as_str())).collect();
    (lockfile.entries.iter().map(Entry::spec).collect(), left_out)
}

fn one(file: &str, text: &str) -> Entry {
    let mut entries = Lockfile::read(file, text.as_bytes()).unwrap().entries;
    assert_eq!(entries.len(), 1);
    entries.remove(0)
}

fn code(file: &str, text: &str) -> &'static str {
    Lockfile::read(file, text.as_bytes()).unwrap_err().code()
}

const NINE: &str = "lockfileVersion: '9.0'

importers:
  .:
    dependencies:
      '@x/one':
        specifier: ^1.0.0
        version: 1.4.0(two@2.5.0(three@3.0.1))(tsc@5.1.0)
    devDependencies:
      al:
        specifier: npm:real@^7.0.0
        version: real@7.0.0
  apps/w:
    dependencies:
      two:
        specifier: 2.5.0
        version: 2.5.0(three@3.0.1)

packages:

  '@x/one@1.4.0':
    resolution: {integrity: sha512-AAEC}
  two@2.5.0:
    resolution: {integrity: sha512-AwQF}
  real@7.0.0:
    resolution: {integrity: sha512-BgcI}
  cee@https://codehost.example/own/cee/tar.gz/89abcdef0123456789abcdef0123456789abcdef:
    resolution: {tarball: https://codehost.example/own/cee/tar.gz/89abcdef0123456789abcdef0123456789abcdef}
    version: 1.0.0
  dee@file:vendor/dee:
    resolution: {directory: vendor/dee, type: directory}
  tee@https://files.example/tee.tgz:
    resolution: {integrity: sha512-CQoL, tarball: https://files.example/tee.tgz}
    version: 3.0.0

snapshots:

  '@x/one@1.4.0(two@2.5.0(three@3.0.1))(tsc@5.1.0)':
    dependencies:
      two: 2.5.0(three@3.0.1)
  two@2.5.0(three@3.0.1):
    optional: true
  real@7.0.0: {}
  eff@link:../eff: {}
";

#[test]
fn pnpm_9_has_peers_in_keys_and_addresses_for_versions() {
    let (packages, left_out) = read("pnpm-lock.yaml", NINE);
    assert_eq!(packages, ["@x/one@1.4.0", "real@7.0.0", "two@2.5.0"]);
    let commit = "cee@https://codehost.example/own/cee/tar.gz/89abcdef0123456789abcdef0123456789abcdef (git)";
    let others = [". (project)", "apps/w (workspace)", commit, "dee@file:vendor/dee (file)", "tee@https://files.example/tee.tgz (tarball)"];
    assert_eq!(left_out, [&others[..], &["eff@link:../eff (link)"]].concat());
}

#[test]
fn pnpm_9_says_by_its_graph_what_is_for_development_and_what_a_workspace_needs() {
    let lockfile = Lockfile::read("pnpm-lock.yaml", NINE.as_bytes()).unwrap();
    let usages: Vec<_> = lockfile.entries.iter().map(|entry| (entry.places[0].usage.dev, entry.places[0].usage.optional)).collect();
    assert_eq!(usages, [(Some(false), Some(false)), (Some(true), Some(false)), (Some(false), Some(true))]);
    assert!(lockfile.tells_dev());
    let of = |workspace: &str| lockfile.of_workspace(workspace).map(|all| all.into_iter().map(Entry::spec).collect::<Vec<_>>());
    assert_eq!(of("apps/w").unwrap(), ["two@2.5.0"]);
    assert_eq!(of("./apps/w/").unwrap(), ["two@2.5.0"]);
    assert_eq!(of(".").unwrap().len(), 3);
    assert_eq!(of("apps").unwrap(), ["two@2.5.0"], "all of a folder, as npm takes it");
    assert_eq!(of("app").unwrap_err(), LockfileError::NoWorkspace);
}

#[test]
fn the_lines_and_hashes_of_pnpm_are_those_of_the_file() {
    let lockfile = Lockfile::read("pnpm-lock.yaml", NINE.as_bytes()).unwrap();
    let place = &lockfile.entries[2].places[0];
    assert_eq!((place.position, place.integrity.as_slice()), (Position { line: 23, column: 3 }, &["sha512-AwQF".to_owned()][..]));
    assert_eq!(NINE.lines().nth(22).unwrap(), "  two@2.5.0:");
}

#[test]
fn the_keys_of_pnpm_5_and_6_are_read() {
    let five = "lockfileVersion: 5.4\ndependencies:\n  a: 1.0.0\ndevDependencies:\n  '@s/b': 2.0.0_a@1.0.0\npackages:\n  /a/1.0.0:\n    resolution: {integrity: sha512-AAAA}\n    dev: false\n  /@s/b/2.0.0_a@1.0.0:\n    resolution: {integrity: sha1-AAAA sha512-BBBB}\n    dev: true\n    optional: true\n  reg.example/c/3.0.0:\n    resolution: {tarball: https://reg.example/c/-/c-3.0.0.tgz}\n  code.example/own/r/0123abc:\n    resolution: {tarball: https://code.example/own/r/tar.gz/0123abc}\n    name: r\n    version: 1.0.0\n  file:x.tgz:\n    resolution: {tarball: file:x.tgz}\n    name: x\n";
    let (packages, left_out) = read("pnpm-lock.yaml", five);
    assert_eq!(packages, ["@s/b@2.0.0", "a@1.0.0", "c@3.0.0"]);
    assert_eq!(left_out, [". (project)", "code.example/own/r/0123abc (git)", "file:x.tgz (file)"]);
    let entries = Lockfile::read("pnpm-lock.yaml", five.as_bytes()).unwrap().entries;
    assert_eq!((entries[0].places[0].usage.dev, entries[0].places[0].usage.optional), (Some(true), Some(true)));
    assert_eq!((entries[1].places[0].host.as_deref(), entries[2].places[0].host.as_deref()), (None, Some("reg.example")));

    let odd = "lockfileVersion: 5.4\npackages:\n  'r x/c/3.0.0': {}\n";
    assert_eq!(read("pnpm-lock.yaml", odd).1, [". (project)", "r x/c/3.0.0 (unreadable)"]);

    let six = "lockfileVersion: '6.0'\nimporters:\n  .:\n    dependencies:\n      a: {specifier: ^1.0.0, version: 1.0.0}\n  p/w:\n    dependencies:\n      root: {specifier: 'workspace:*', version: link:../..}\npackages:\n  /a@1.0.0:\n    resolution: {integrity: sha512-AAAA}\n  /@s/b@2.0.0(a@1.0.0)(c@2.0.0):\n    resolution: {integrity: sha512-BBBB}\n  /@s/b@2.0.0(a@0.9.0):\n    resolution: {integrity: sha512-BBBB}\n";
    let lockfile = Lockfile::read("pnpm-lock.yaml", six.as_bytes()).unwrap();
    assert_eq!(read("pnpm-lock.yaml", six).0, ["@s/b@2.0.0", "a@1.0.0"]);
    assert_eq!(lockfile.entries[0].places.len(), 2);
    let of_workspace: Vec<String> = lockfile.of_workspace("p/w").unwrap().into_iter().map(Entry::spec).collect();
    assert_eq!(of_workspace, ["a@1.0.0"], "through the link to the root");
}

#[test]
fn a_first_document_about_pnpm_itself_is_read_too_and_told_apart() {
    let text = "---\nlockfileVersion: '9.0'\nimporters:\n  .:\n    configDependencies: {}\n    packageManagerDependencies:\n      pnpm:\n        specifier: 12.0.0\n        version: 12.0.0\npackages:\n  pnpm@12.0.0:\n    resolution: {integrity: sha512-AAAA}\nsnapshots:\n  pnpm@12.0.0: {}\n---\nlockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      b: {specifier: 1.0.0, version: 1.0.0}\npackages:\n  b@1.0.0:\n    resolution: {integrity: sha512-BBBB}\nsnapshots:\n  b@1.0.0: {}\n";
    assert_eq!(read("pnpm-lock.yaml", text), (vec!["b@1.0.0".into(), "pnpm@12.0.0".into()], vec![". (project)".into()]));
    let entries = Lockfile::read("pnpm-lock.yaml", text.as_bytes()).unwrap().entries;
    assert_eq!(entries.iter().map(|entry| entry.places[0].usage.tool).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn a_directory_under_the_name_of_a_version_is_no_package() {
    let text = "lockfileVersion: '9.0'\npackages:\n  a@1.0.0:\n    resolution: {type: directory, directory: evil}\n  b@1.0.0:\n    resolution: {type: git, repo: https://code.example/b.git, commit: '01'}\n";
    assert_eq!(read("pnpm-lock.yaml", text).1[1..], ["a@1.0.0 (file)", "b@1.0.0 (git)"]);
}

const THREE: &str = r#"{
  "name": "root",
  "lockfileVersion": 3,
  "packages": {
    "": {"name": "root", "workspaces": ["parts/*"], "dependencies": {"al": "npm:real@^2.0.0", "exe": "^1.0.0"}, "devDependencies": {"tar": "https://files.example/tar.tgz"}},
    "node_modules/al": {"name": "real", "version": "2.3.4", "resolved": "https://reg.example/real/-/real-2.3.4.tgz", "integrity": "sha1-AAEC sha512-AwQF"},
    "node_modules/exe": {"version": "1.1.0", "resolved": "https://files.example/exe", "bundleDependencies": ["why"]},
    "node_modules/exe/node_modules/why": {"version": "1.0.0", "inBundle": true},
    "node_modules/dub": {"resolved": "parts/dub", "link": true},
    "parts/dub": {"name": "@o/dub", "version": "0.0.1", "dependencies": {"en": "1"}},
    "node_modules/en": {"version": "1.0.0", "dev": true},
    "node_modules/git": {"version": "1.0.0", "resolved": "git+ssh://git@code.example/o/git.git#0123"},
    "node_modules/loc": {"version": "1.0.0", "resolved": "file:loc.tgz"},
    "node_modules/tar": {"version": "4.0.0", "resolved": "https://files.example/tar.tgz", "devOptional": true},
    "node_modules/top": {"version": "4.0.0", "inBundle": true},
    "node_modules/odd": {"version": "latest"}
  }
}"#;

#[test]
fn npm_3_has_real_names_and_tells_what_is_no_package() {
    let (packages, left_out) = read("package-lock.json", THREE);
    // What lies at the top is in no bundle, whatever it says.
    assert_eq!(packages, ["en@1.0.0", "exe@1.1.0", "real@2.3.4", "top@4.0.0"]);
    let all = [
        " (project)",
        "node_modules/exe/node_modules/why (bundled)",
        "node_modules/dub (link)",
        "parts/dub (workspace)",
        "node_modules/git (git)",
        "node_modules/loc (file)",
        "node_modules/tar (tarball)",
        "node_modules/odd (unreadable)",
    ];
    assert_eq!(left_out, all);
}

#[test]
fn an_address_that_no_registry_has_is_told_where_a_range_asked_for_the_package() {
    let lockfile = Lockfile::read("package-lock.json", THREE.as_bytes()).unwrap();
    let exe = &lockfile.entries[1];
    assert_eq!((exe.spec().as_str(), exe.places[0].host.as_deref()), ("exe@1.1.0", Some("files.example")));
    let other = THREE.replace(
        r#""resolved": "https://reg.example/real/-/real-2.3.4.tgz""#,
        r#""resolved": "https://reg.example/%40x%2feve/-/eve-2.3.4.tgz""#,
    );
    let entries = Lockfile::read("package-lock.json", other.as_bytes()).unwrap().entries;
    assert_eq!(entries[2].places[0].name_in_address().as_deref(), Some("@x/eve"));
}

#[test]
fn all_hashes_of_npm_are_kept_and_the_line_is_right() {
    let lockfile = Lockfile::read("package-lock.json", THREE.as_bytes()).unwrap();
    let place = &lockfile.entries[2].places[0];
    assert_eq!(place.integrity, ["sha1-AAEC", "sha512-AwQF"]);
    assert_eq!((place.position, place.key.as_str()), (Position { line: 6, column: 5 }, "node_modules/al"));
}

#[test]
fn npm_3_says_what_a_workspace_needs() {
    let lockfile = Lockfile::read("package-lock.json", THREE.as_bytes()).unwrap();
    for name in ["@o/dub", "parts/dub"] {
        assert_eq!(lockfile.of_workspace(name).unwrap().into_iter().map(Entry::spec).collect::<Vec<_>>(), ["en@1.0.0"]);
    }
    assert_eq!(lockfile.of_workspace("root").unwrap().len(), 2);
}

#[test]
fn the_tree_of_npm_1_is_read_to_its_leaves() {
    let text = r#"{"lockfileVersion":1,"dependencies":{
        "a":{"version":"1.0.0","resolved":"https://reg.example/a/-/a-1.0.0.tgz","dev":true,"dependencies":{
            "@s/b":{"version":"2.0.0-x","dependencies":{"c":{"version":"1.0.0","optional":true}}},
            "in":{"version":"1.0.0","bundled":true}}},
        "al":{"version":"npm:@s/real@3.0.0"},
        "g":{"version":"git+ssh://git@code.example/g.git#0123","from":"g"},
        "h":{"version":"github:o/h#0123"},
        "u":{"version":"https://files.example/u.tgz"},
        "f":{"version":"file:../f"}}}"#;
    let (packages, left_out) = read("package-lock.json", text);
    assert_eq!(packages, ["@s/b@2.0.0-x", "@s/real@3.0.0", "a@1.0.0", "c@1.0.0"]);
    assert_eq!(left_out, ["a > in (bundled)", "g (git)", "h (git)", "u (tarball)", "f (file)"]);
    let without_lockfile_version = text.replace(r#""lockfileVersion":1,"#, "");
    assert_eq!(read("npm-shrinkwrap.json", &without_lockfile_version).0.len(), 4, "as clients before npm 5 wrote it");
}

#[test]
fn yarn_1_has_patterns_aliases_and_hashes_behind_addresses() {
    let text = "# yarn lockfile v1\r\n\r\n\r\n\"@s/b@^2.0.0\", \"@s/b@>=2.1.0 <3, x\":\r\n  version \"2.1.0\"\r\n  resolved \"https://reg.example/@s/b/-/b-2.1.0.tgz#000102030405060708090a0b0c0d0e0f10111213\"\r\n  dependencies:\r\n    version \"^9.0.0\"\r\n\r\n\"al@npm:real@^3\":\r\n  version \"3.0.0\"\r\n  resolved \"https://reg.example/real/-/real-3.0.0.tgz#00\"\r\n  integrity sha512-AAAA\r\n\r\ng@own/g:\r\n  version \"4.0.0\"\r\n  resolved \"https://code.example/own/g/tar.gz/0123\"\r\n\r\nf@./f:\r\n  version \"0.0.0\"\r\n\r\n\"t@https://files.example/t.tgz\":\r\n  version \"1.0.0\"\r\n\r\nbare@*:\r\n  resolved x\r\n";
    let (packages, left_out) = read("yarn.lock", text);
    assert_eq!(packages, ["@s/b@2.1.0", "real@3.0.0"]);
    assert_eq!(left_out, ["g@own/g (git)", "f@./f (file)", "t@https://files.example/t.tgz (tarball)", "bare@* (unreadable)"]);
    let entries = Lockfile::read("yarn.lock", text.as_bytes()).unwrap().entries;
    assert_eq!(entries[0].places[0].integrity, ["sha1-AAECAwQFBgcICQoLDA0ODxAREhM="]);
    assert_eq!(entries[0].places[0].resolved.as_deref(), Some("https://reg.example/@s/b/-/b-2.1.0.tgz"));
    assert_eq!((entries[1].places[0].position.line, entries[1].places[0].integrity.as_slice()), (10, &["sha512-AAAA".to_owned()][..]));
}

#[test]
fn a_yarn_lock_with_conflicts_or_cut_off_is_no_lockfile() {
    for broken in ["a@1:\n  version \"1.0.0\"\n<<<<<<< HEAD\n", "a@1\n", "  version \"1.0.0\"\n", "a@1:\n  version\n", "\"a@1:\n"] {
        assert_eq!(code("yarn.lock", broken), "lockfile-malformed", "{broken}");
    }
}

#[test]
fn berry_has_patches_aliases_and_workspaces() {
    let text = "# yarn\n\n__metadata:\n  version: 8\n  cacheKey: 10c0\n\n\"tsc@npm:^5.0.0\":\n  version: 5.8.1\n  resolution: \"tsc@npm:5.8.1\"\n  checksum: 10c0/00\n  linkType: hard\n\n\"tsc@patch:tsc@npm%3A^5.0.0#optional!builtin<compat/tsc>\":\n  version: 5.8.1\n  resolution: \"tsc@patch:tsc@npm%3A5.8.1#optional!builtin<compat/tsc>::version=5.8.1&hash=00\"\n\n\"part@workspace:p/part\":\n  version: 0.0.0-use.local\n  resolution: \"part@workspace:p/part\"\n  dependencies:\n    al: \"npm:real@^4.0.0\"\n\n\"root@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"root@workspace:.\"\n  dependencies:\n    tsc: \"npm:^5.0.0\"\n\n\"al@npm:real@^4.0.0, real@npm:^4.0.0\":\n  version: 4.0.0\n  resolution: \"real@npm:4.0.0::__archiveUrl=https%3A%2F%2Freg.example%2Freal-4.0.0.tgz\"\n\n\"g@https://code.example/g.git\":\n  version: 1.0.0\n  resolution: \"g@https://code.example/g.git#commit=0123\"\n\n\"l@link:./l::locator=root%40workspace%3A.\":\n  version: 0.0.0-use.local\n  resolution: \"l@link:./l::locator=root%40workspace%3A.\"\n";
    let (packages, left_out) = read("yarn.lock", text);
    assert_eq!(packages, ["real@4.0.0", "tsc@5.8.1"]);
    assert_eq!(
        left_out,
        [
            "part@workspace:p/part (workspace)",
            "root@workspace:. (project)",
            "g@https://code.example/g.git (git)",
            "l@link:./l::locator=root%40workspace%3A. (link)"
        ]
    );
    let lockfile = Lockfile::read("yarn.lock", text.as_bytes()).unwrap();
    assert_eq!((lockfile.format, lockfile.entries[1].places.len()), (Format::Berry, 2));
    assert_eq!(lockfile.entries[0].places[0].host.as_deref(), Some("reg.example"));
    assert!(lockfile.entries[1].places[0].integrity.is_empty(), "its checksum is of another archive");
    assert_eq!(lockfile.of_workspace("part").unwrap().into_iter().map(Entry::spec).collect::<Vec<_>>(), ["real@4.0.0"]);
    assert_eq!(lockfile.of_workspace("root").unwrap().into_iter().map(Entry::spec).collect::<Vec<_>>(), ["tsc@5.8.1"]);
    assert!(!lockfile.tells_dev());
}

#[test]
fn bun_has_lists_of_one_to_four_parts_and_commas_at_the_end() {
    let text = r#"{
  "lockfileVersion": 1,
  "workspaces": {
    "": {"name": "root", "dependencies": {"al": "npm:real@^2.0.0"}, "devDependencies": {"deep": "1"},},
    "parts/w": {"name": "w", "dependencies": {"real": "1"},},
  },
  "packages": {
    "al": ["real@2.3.4", "", {}, "sha512-AAEC"],
    "deep": ["deep@1.0.0", "https://reg.example/deep/-/deep-1.0.0.tgz", {"dependencies": {"real": "1"}}, "sha512-AwQF"],
    "deep/real": ["real@1.0.1", "", {}, "sha512-BgcI"],
    "deep/in": ["in@1.0.0", "", {"bundled": true}, "sha512-BgcI"],
    "real": ["real@1.0.0", "", {}, "sha512-BgcI"],
    "w": ["w@workspace:parts/w"],
    "g": ["g@github:own/g#abc1234", {}, "own-g-abc1234"],
    "t": ["t@https://files.example/t.tgz", {}],
    "odd": [],
  },
}"#;
    let (packages, left_out) = read("bun.lock", text);
    assert_eq!(packages, ["deep@1.0.0", "real@1.0.0", "real@1.0.1", "real@2.3.4"]);
    assert_eq!(left_out, ["deep/in (bundled)", "w (workspace)", "g (git)", "t (tarball)", "odd (unreadable)", "root (project)"]);
    let lockfile = Lockfile::read("bun.lock", text.as_bytes()).unwrap();
    let dev: Vec<_> = lockfile.entries.iter().map(|entry| entry.places[0].usage.dev).collect();
    assert_eq!(dev, [Some(true), Some(false), Some(true), Some(false)]);
    assert_eq!(lockfile.entries[0].places[0].host.as_deref(), Some("reg.example"));
    assert_eq!(lockfile.of_workspace("parts/w").unwrap().into_iter().map(Entry::spec).collect::<Vec<_>>(), ["real@1.0.0"]);
    assert_eq!(lockfile.of_workspace("root").unwrap().len(), 3);
}

#[test]
fn deno_has_peers_behind_versions_and_other_registries() {
    let text = r#"{"version":"5","jsr":{"@std/a@1.0.0":{}},"npm":{"b@2.0.0_peer@1.0.0_@s+x@1.0.0":{"integrity":"sha512-AAAA"},"@s/c@3.0.0":{"tarball":"https://reg.example/c.tgz"},"odd":{}},"remote":{"https://code.example/x.ts":"00"}}"#;
    let (packages, left_out) = read("deno.lock", text);
    assert_eq!(packages, ["@s/c@3.0.0", "b@2.0.0"]);
    assert_eq!(left_out, ["odd (unreadable)", "@std/a@1.0.0 (other-registry)", "https://code.example/x.ts (other-registry)"]);
    let three = r#"{"version":"3","packages":{"npm":{"b@2.0.0":{"integrity":"sha512-AAAA"}}}}"#;
    assert_eq!(one("deno.lock", three).places[0].integrity, ["sha512-AAAA"]);
}

#[test]
fn the_purls_of_cyclonedx_are_one_package_however_they_are_written() {
    let text = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","metadata":{"component":{"purl":"pkg:npm/root@1.0.0"}},"components":[
        {"type":"library","purl":"pkg:npm/%40o/a@1.0.0","scope":"optional","hashes":[{"alg":"SHA-512","content":"000102"},{"alg":"MD5","content":"00"}],
         "externalReferences":[{"type":"website","url":"https://x.example"},{"type":"distribution","url":"https://reg.example/@o/a/-/a-1.0.0.tgz"}]},
        {"type":"library","purl":"pkg:npm/@o/a@1.0.0","properties":[{"name":"cdx:npm:package:development","value":"true"}]},
        {"type":"library","purl":"pkg:npm/%40o%2Fa@1.0.0?vcs_url=git%2Bhttps://code.example/o/a","hashes":[{"alg":"SHA-512","content":"000102"}],"components":[{"type":"library","purl":"pkg:npm/in@1.0.0","properties":[{"name":"cdx:npm:package:bundled","value":"true"}]}]},
        {"type":"library","purl":"pkg:npm/r@1.0.0?repository_url=reg.example"},
        {"type":"library","purl":"pkg:cargo/serde@1.0.0"},{"type":"file","name":"LICENSE"},{"type":"library","name":"x","version":"1"}]}"#;
    let (packages, left_out) = read("bom.json", text);
    assert_eq!(packages, ["@o/a@1.0.0", "r@1.0.0"]);
    let told = ["pkg:npm/in@1.0.0 (bundled)", "pkg:cargo/serde@1.0.0 (other-registry)", "LICENSE (file)", "x (other-registry)"];
    assert_eq!(left_out, [&["pkg:npm/root@1.0.0 (project)"][..], &told].concat());
    let entries = Lockfile::read("x.cdx.json", text.as_bytes()).unwrap().entries;
    assert_eq!(entries[0].places.len(), 3);
    assert_eq!(
        (entries[0].places[0].integrity.as_slice(), entries[0].places[0].host.as_deref()),
        (&["sha512-AAEC".to_owned()][..], Some("reg.example"))
    );
    assert_eq!(entries[1].places[0].host.as_deref(), Some("reg.example"));
}

#[test]
fn spdx_packages_are_read_by_their_purls() {
    let text = r#"{"spdxVersion":"SPDX-2.3","documentDescribes":["SPDXRef-root"],"packages":[
        {"SPDXID":"SPDXRef-root","name":"root","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:npm/root@1.0.0"}]},
        {"SPDXID":"SPDXRef-a","downloadLocation":"https://reg.example/a/-/a-1.0.0.tgz","checksums":[{"algorithm":"SHA512","checksumValue":"000102"}],"externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:npm/a@1.0.0"}]},
        {"SPDXID":"SPDXRef-g","downloadLocation":"git+https://code.example/g.git#01","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:npm/g@1.0.0"}]},
        {"SPDXID":"SPDXRef-n","downloadLocation":"NOASSERTION"}]}"#;
    let (packages, left_out) = read("sbom.spdx.json", text);
    assert_eq!(packages, ["a@1.0.0"]);
    assert_eq!(left_out, ["SPDXRef-root (project)", "pkg:npm/g@1.0.0 (git)", "SPDXRef-n (other-registry)"]);
    assert_eq!(one("sbom.spdx.json", text).places[0].integrity, ["sha512-AAEC"]);
}

#[test]
fn kinds_that_are_left_out_are_those_of_an_installation_without_them() {
    // `lie` is said to be for development, optional and for peers alone, and is needed in
    // production.
    let text = r#"{"lockfileVersion":3,"packages":{
        "":{"dependencies":{"a":"1"},"devDependencies":{"d":"1","both":"1"},"optionalDependencies":{"o":"1"},"peerDependencies":{"p":"1"}},
        "node_modules/a":{"version":"1.0.0","dependencies":{"lie":"1"},"optionalDependencies":{"both":"1"}},
        "node_modules/lie":{"version":"1.0.0","dev":true,"optional":true,"devOptional":true,"peer":true},
        "node_modules/d":{"version":"1.0.0","dev":true},
        "node_modules/o":{"version":"1.0.0","optional":true},
        "node_modules/p":{"version":"1.0.0","peer":true},
        "node_modules/both":{"version":"1.0.0","devOptional":true},
        "node_modules/silent":{"version":"1.0.0"},
        "node_modules/nobodys":{"version":"1.0.0","dev":true}}}"#;
    let lockfile = Lockfile::read("package-lock.json", text.as_bytes()).unwrap();
    let without = |dev, optional, peer| {
        let names = |entries: Vec<Entry>| entries.iter().map(|entry| entry.name.as_str().to_owned()).collect::<Vec<_>>();
        let kept = names(lockfile.installed_without(Omit { dev, optional, peer }));
        names(lockfile.entries.clone()).into_iter().filter(|name| !kept.contains(name)).collect::<Vec<_>>()
    };
    assert_eq!(without(false, false, false), [""; 0]);
    assert_eq!(without(true, false, false), ["d"]);
    assert_eq!(without(false, true, false), ["o"]);
    assert_eq!(without(false, false, true), ["p"]);
    assert_eq!(without(true, true, true), ["both", "d", "o", "p"]);
    // Without a graph nothing is known of it.
    let one = r#"{"lockfileVersion":1,"dependencies":{"a":{"version":"1.0.0","dev":true}}}"#;
    let lockfile = Lockfile::read("package-lock.json", one.as_bytes()).unwrap();
    assert_eq!((lockfile.installed_without(Omit { dev: true, ..Omit::default() }).len(), lockfile.tells_dev()), (1, false));
}

#[test]
fn versions_of_formats_and_files_that_are_not_known_are_errors_with_codes() {
    assert_eq!(code("bun.lockb", ""), "lockfile-unknown");
    assert_eq!(code("x.json", "{}"), "lockfile-unknown");
    assert_eq!(Lockfile::read("yarn.lock", b"\xff").unwrap_err().code(), "lockfile-malformed");
    for (file, text) in [
        ("package-lock.json", r#"{"lockfileVersion":4,"packages":{}}"#),
        ("pnpm-lock.yaml", "lockfileVersion: '10.0'\npackages: {}\n"),
        ("bun.lock", r#"{"lockfileVersion":77}"#),
        ("deno.lock", r#"{"version":"99"}"#),
        ("x.json", r#"{"spdxVersion":"SPDX-9.0"}"#),
    ] {
        assert_eq!(code(file, text), "lockfile-version", "{file}");
    }
    for (file, text) in [
        ("package-lock.json", "{"),
        ("package-lock.json", "[]"),
        ("package-lock.json", "{}"),
        ("package-lock.json", r#"{"lockfileVersion":3,"packages":[]}"#),
        ("package-lock.json", r#"{"lockfileVersion":3,}"#),
        ("pnpm-lock.yaml", "packages: {}\n"),
        ("pnpm-lock.yaml", "a: [\n"),
        ("bun.lock", "{}"),
        ("bun.lock", r#"{"lockfileVersion":1,"packages":[]}"#),
        ("deno.lock", r#"{"version":"5","npm":[]}"#),
        ("x.json", r#"{"bomFormat":"CycloneDX","components":{}}"#),
        ("deno.lock", "{}"),
    ] {
        assert_eq!(code(file, text), "lockfile-malformed", "{file} {text}");
    }
}

#[test]
fn a_project_without_dependencies_is_empty_and_no_error() {
    for (file, text) in [
        ("package-lock.json", r#"{"name":"x","lockfileVersion":1}"#),
        ("package-lock.json", r#"{"lockfileVersion":3,"packages":{}}"#),
        ("yarn.lock", "# yarn lockfile v1\n\n\n"),
        ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n"),
        ("bun.lock", r#"{"lockfileVersion":1,"workspaces":{"":{"name":"x"}},"packages":{}}"#),
    ] {
        assert_eq!(read(file, text).0, [""; 0], "{file}");
    }
}

#[test]
fn credentials_of_an_address_are_not_kept() {
    let text = r#"{"lockfileVersion":3,"packages":{"node_modules/a":{"version":"1.0.0","resolved":"https://me:secret@reg.example:8443/a/-/a-1.0.0.tgz"}}}"#;
    let place = &one("package-lock.json", text).places[0];
    assert_eq!(
        (place.resolved.as_deref(), place.host.as_deref()),
        (Some("https://reg.example:8443/a/-/a-1.0.0.tgz"), Some("reg.example:8443"))
    );
}

#[test]
fn names_that_no_registry_can_have_are_told_and_not_asked_for() {
    let text = r#"{"lockfileVersion":3,"packages":{"node_modules/../../etc":{"version":"1.0.0"},"node_modules/a":{"name":"https://x/","version":"1.0.0"},"node_modules/b":{"version":"1.0.0/../x"},"node_modules/c":3,
        "node_modules/d":{"version":"1.0.0-x.tgz"},"node_modules/e.tgz":{"version":"1.0.0"}}}"#;
    assert_eq!(read("package-lock.json", text).0, [""; 0], "the last two are words for files");
    assert_eq!(read("package-lock.json", text).1.len(), 6);
    assert!(read("package-lock.json", text).1.iter().all(|left| left.ends_with("(unreadable)")));
}

#[test]
fn a_tree_is_read_without_following_a_link() {
    let root = tempfile::tempdir().unwrap();
    let modules = root.path().join("node_modules");
    let write = |path: &str, text: &str| {
        let file = modules.join(path).join("package.json");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    };
    write("a", r#"{"name":"a","version":"1.0.0","_integrity":"sha512-AAEC","bundleDependencies":["in"]}"#);
    write("a/node_modules/in", r#"{"name":"in","version":"1.0.0"}"#);
    write("a/node_modules/@s/b", r#"{"name":"@s/b","version":"2.0.0"}"#);
    write("g", r#"{"name":"g","version":"1.0.0","_resolved":"git+https://code.example/g.git#01"}"#);
    write("odd", "{");
    write(".bin/x", r#"{"name":"x","version":"1.0.0"}"#);
    write(".pnpm/c@3.0.0/node_modules/c", r#"{"name":"c","version":"3.0.0"}"#);
    std::fs::create_dir(modules.join(".hidden")).unwrap();
    std::fs::write(modules.join("stray.js"), "").unwrap();
    let listed =
        |lockfile: &Lockfile| lockfile.left_out.iter().map(|left| format!("{} ({})", left.key, left.reason.as_str())).collect::<Vec<_>>();
    let lockfile = Lockfile::of_tree(&modules).unwrap();
    assert_eq!(lockfile.entries.iter().map(Entry::spec).collect::<Vec<_>>(), ["@s/b@2.0.0", "a@1.0.0", "c@3.0.0"]);
    assert!(lockfile.entries[1].places[0].integrity.is_empty(), "its own word does not count");
    assert_eq!(
        listed(&lockfile),
        [".bin/x (file)", ".hidden (file)", "stray.js (file)", "g (git)", "odd (unreadable)", "a/node_modules/in (bundled)"]
    );
    assert_eq!(lockfile.left_out[5].bundled.as_ref().map(|of| (of.by.as_str(), of.folder.as_str())), Some(("a@1.0.0", "node_modules/in")));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(modules.join("a"), modules.join("link")).unwrap();
        std::os::unix::fs::symlink("/", modules.join("out")).unwrap();
        std::os::unix::fs::symlink(modules.join("a"), modules.join("@s")).unwrap();
        std::os::unix::fs::symlink("../..", modules.join("a/node_modules/@s/b/node_modules")).unwrap();
        let lockfile = Lockfile::of_tree(&modules).unwrap();
        let links = lockfile.left_out.iter().filter(|left| left.reason == Reason::Link);
        let links: Vec<_> = links.map(|left| (left.key.as_str(), left.is_own)).collect();
        assert_eq!(lockfile.entries.len(), 3);
        assert_eq!(links, [("@s", false), ("link", false), ("out", false), ("a/node_modules/@s/b/node_modules", false)]);
    }
    assert_eq!(Lockfile::of_tree(&root.path().join("none")).unwrap_err().code(), "lockfile-malformed");
}
