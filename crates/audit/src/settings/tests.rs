use std::collections::BTreeMap;

use npmrc::{NpmConfig, Overrides, Surroundings};

use super::*;

const OWN: &str = "https://own.example/npm/";

fn config() -> NpmConfig {
    let overrides = Overrides { registry: Some(OWN.to_owned()), ..Overrides::default() };
    let around = Surroundings { vars: BTreeMap::new(), home: None, cwd: "/nowhere".into(), ..Surroundings::of_process(None) };
    NpmConfig::load(&around, &overrides)
}

fn lockfile(format: Format) -> (&'static str, &'static str) {
    match format {
        Format::Yarn => ("yarn.lock", "# yarn lockfile v1\n\na@^1.0.0:\n  version \"1.0.0\"\n"),
        Format::Berry => ("yarn.lock", "__metadata:\n  version: 8\n\n\"a@npm:1\":\n  version: 1.0.0\n  resolution: \"a@npm:1.0.0\"\n"),
        Format::Pnpm => ("pnpm-lock.yaml", "lockfileVersion: '9.0'\nimporters:\n  .: {}\n  w: {}\npackages: {}\nsnapshots: {}\n"),
        Format::Bun => ("bun.lock", r#"{"lockfileVersion":1,"workspaces":{"":{"name":"x"}},"packages":{}}"#),
        Format::Deno => ("deno.lock", r#"{"version":"5","npm":{}}"#),
        _ => ("package-lock.json", r#"{"lockfileVersion":3,"packages":{"":{"name":"x"}}}"#),
    }
}

/// The names of what is told of a folder with these files below a repository's root.
fn told(format: Format, files: &[(&str, &str)]) -> Vec<String> {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join(".git")).unwrap();
    let folder = root.path().join("p");
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    std::fs::create_dir_all(&folder).unwrap();
    let (name, text) = lockfile(format);
    let read = Lockfile::read(name, text.as_bytes()).unwrap();
    assert_eq!(read.format, format);
    find(&folder, (&folder.join(name), &read), Some(&config())).iter().map(Setting::name).collect()
}

#[test]
fn what_cannot_change_the_installed_bytes_passes() {
    let npmrc = "; a note\n# one more\nfund=false\naudit = false\r\nsave-exact\npublic-hoist-pattern[]=*eslint*\nstrict-ssl=true\nregistry=https://own.example/npm\n@s:registry=https://own.example/npm/\n//own.example/npm/:_authToken=${TOKEN}\n";
    let yarn = "# yarn lockfile v1\n\nsave-prefix \"^\"\n--install.frozen-lockfile true\nregistry \"https://own.example/npm/\"\n";
    let berry = "# note\nnodeLinker: node-modules\nenableGlobalCache: false\n\nsupportedArchitectures:\n  os:\n    - linux\nlogFilters:\n- code: YN0002\n  level: discard\nnpmRegistryServer: \"https://own.example/npm/\"\n";
    let pnpm = "packages:\n  - w\n  - '!x'\ncatalog:\n  a: ^1.0.0\noverrides:\n  b@<2: '>=2.0.0'\nonlyBuiltDependencies: [c]\n";
    let bunfig = "telemetry = false\n[install]\nexact = true\nregistry = \"https://own.example/npm/\"\n\n[test]\npreload = [\"./a.ts\"]\n";
    let manifest = r#"{"name":"x","packageManager":"pnpm@9.1.0+sha512.ab","pnpm":{"overrides":{"a":"1"},"onlyBuiltDependencies":[]},"devEngines":{"packageManager":{"name":"pnpm","version":"^9"}}}"#;
    let cases = [
        (Format::Npm, ".npmrc", npmrc),
        (
            Format::Npm,
            "package.json",
            r#"{"packageManager":"npm@11.0.0","dependencies":{"b":"1"},"overrides":{"a":{".":"1.0.0","b":"$b"}},"resolutions":{"a":"npm:^1"}}"#,
        ),
        (Format::Yarn, ".yarnrc", yarn),
        (Format::Yarn, "package.json", r#"{"resolutions":{"a":"^1.0.0","b/**/a":"^1.0.0"}}"#),
        // What another client reads.
        (Format::Yarn, "package.json", r#"{"overrides":{"a":"file:x"},"pnpm":{"patchedDependencies":{}},"bun":1}"#),
        (Format::Berry, "package.json", r#"{"overrides":{"a":"file:x"},"flat":true}"#),
        (Format::Pnpm, "package.json", r#"{"overrides":{"a":"file:x"},"yarn":{},"catalog":{"a":"npm:b@1"}}"#),
        (Format::Npm, "package.json", r#"{"resolutions":{"a":"file:x"},"pnpm":{"overrides":{"a":"file:x"}},"flat":true}"#),
        (Format::Berry, ".yarnrc.yml", berry),
        (Format::Pnpm, "pnpm-workspace.yaml", pnpm),
        (Format::Pnpm, "package.json", manifest),
        (Format::Bun, "bunfig.toml", bunfig),
        (Format::Bun, ".env", "# note\nPORT=1\nVITE_A=\"a b\"\nexport DATABASE_URL='postgres://x'\n"),
        (Format::Deno, "deno.json", r#"{"tasks":{"a":"b"},"nodeModulesDir":"auto","lock":true}"#),
        (Format::Npm, "bunfig.toml", "[install.cache]\ndir = \"c\"\n"),
    ];
    for (format, name, text) in cases {
        assert_eq!(told(format, &[(name, text)]), Vec::<String>::new(), "{format:?} {name}");
    }
}

/// A file with the keys that are told of it.
type Harmful = (Format, &'static str, &'static str, &'static [&'static str]);

const HARMFUL: &[Harmful] = &[
    (Format::Npm, ".npmrc", "cache=./c\nprefer-offline=true\n", &["cache", "prefer-offline"]),
    (
        Format::Npm,
        ".npmrc",
        "package-lock=false\nforce\nproxy=http://e\nnever-heard-of=1\n",
        &["package-lock", "force", "proxy", "never-heard-of"],
    ),
    (Format::Npm, ".npmrc", "registry=https://own.example/npm/../x\n", &["registry"]),
    (Format::Npm, ".npmrc", "registry=${X:-https://own.example/npm/}\n", &["registry"]),
    (Format::Npm, ".npmrc", "@s:registry=https://e.example/\n//e.example/:_authToken=x\n", &["@s:registry", "//e.example/:_authToken"]),
    (
        Format::Npm,
        ".npmrc",
        "//own.example/npm/:tokenHelper=/x\n//own.example/npm/:cafile=x\n",
        &["//own.example/npm/:tokenHelper", "//own.example/npm/:cafile"],
    ),
    (
        Format::Pnpm,
        ".npmrc",
        "store-dir=./s\nlockfile-dir=l\ngit-branch-lockfile=true\nlockfile=false\n",
        &["store-dir", "lockfile-dir", "git-branch-lockfile", "lockfile"],
    ),
    (
        Format::Pnpm,
        "pnpm-workspace.yaml",
        "configDependencies:\n  a: 1\nsharedWorkspaceLockfile: false\nregistries:\n  default: x\n",
        &["configDependencies", "sharedWorkspaceLockfile", "registries"],
    ),
    (
        Format::Pnpm,
        "pnpm-workspace.yaml",
        "overrides:\n  a: link:../x\ncatalog:\n  b: npm:c@1\npatchedDependencies:\n  a: b\n",
        &["overrides", "catalog", "patchedDependencies"],
    ),
    (Format::Pnpm, "w/.npmrc", "store-dir=./s\n", &["store-dir"]),
    (
        Format::Yarn,
        ".yarnrc",
        "yarn-offline-mirror \"./m\"\ncache-folder c\n--no-lockfile true\nyarn-path x\n",
        &["yarn-offline-mirror", "cache-folder", "--no-lockfile", "yarn-path"],
    ),
    (Format::Yarn, ".yarnrc.yml", "yarnPath: x.cjs\n", &["yarnPath"]),
    (Format::Yarn, "package.json", r#"{"resolutions":{"a":"1.0.0"}}"#, &["resolutions"]),
    (Format::Yarn, "package.json", r#"{"resolutions":{"a":"^1.0.0","b/b":"^1.0.0"}}"#, &["resolutions"]),
    (Format::Yarn, "package.json", r#"{"resolutions":{"a":"file:x"}}"#, &["resolutions"]),
    (Format::Bun, "package.json", r#"{"overrides":{"a":"file:x"},"resolutions":{"a":"file:x"}}"#, &["overrides", "resolutions"]),
    (Format::Deno, "package.json", r#"{"overrides":{"a":"file:x"},"pnpm":1}"#, &["overrides", "pnpm"]),
    (
        Format::Berry,
        ".yarnrc.yml",
        "lockfileFilename: e\ncacheFolder: c\nplugins:\n  - x\nhttpProxy: y\nchecksumBehavior: update\n",
        &["lockfileFilename", "cacheFolder", "plugins", "httpProxy", "checksumBehavior"],
    ),
    (
        Format::Bun,
        "bunfig.toml",
        "[install.cache]\ndir = \"./c\"\n[install]\nregistry = \"https://e.example/\"\n",
        &["install.cache.dir", "install.registry"],
    ),
    (Format::Bun, ".env.local", "BUN_INSTALL_CACHE_DIR=c\nHTTP_PROXY=x\nPORT=1\n", &["BUN_INSTALL_CACHE_DIR", "HTTP_PROXY"]),
    (
        Format::Bun,
        "package.json",
        r#"{"patchedDependencies":{"a@1.0.0":"p"},"packageManager":"npm@1.0.0"}"#,
        &["patchedDependencies", "packageManager"],
    ),
    (Format::Deno, "deno.json", r#"{"lock":false,"vendor":true,"links":[]}"#, &["lock", "vendor", "links"]),
    (Format::Npm, "package.json", r#"{"packageManager":"npm@https://e.example/x.js"}"#, &["packageManager"]),
    (Format::Npm, "package.json", r#"{"overrides":{"a":{"b":"file:x"}}}"#, &["overrides"]),
    (
        Format::Berry,
        "package.json",
        r#"{"resolutions":{"a":"patch:a@npm%3A1#x"},"packageManager":"yarn@1.22.22"}"#,
        &["resolutions", "packageManager"],
    ),
    (Format::Npm, "../.npmrc", "cache=c\n", &["cache"]),
];

#[test]
fn every_other_key_is_told() {
    for (format, name, text, keys) in HARMFUL {
        let expected: Vec<String> = keys.iter().map(|key| format!("{name}#{key}")).collect();
        assert_eq!(told(*format, &[("x", ""), (name, text)]), expected, "{format:?} {name}");
    }
}

#[test]
fn what_two_readers_could_take_for_two_things_is_told() {
    let lines = "fund=false\n".repeat(2001);
    let cases: &[(Format, &str, &str)] = &[
        (Format::Npm, ".npmrc", "\u{feff}fund=false\n"),
        (Format::Npm, ".npmrc", "[fund]\n"),
        (Format::Npm, ".npmrc", "\"fu\\u006ed\"=false\n"),
        (Format::Npm, ".npmrc", "\"fund\"=false\n"),
        (Format::Npm, ".npmrc", "${X}=false\n"),
        (Format::Npm, ".npmrc", "fund=false\rcache=c\n"),
        (Format::Npm, ".npmrc", "fund=false\u{2028}cache=c\n"),
        (Format::Npm, ".npmrc", "\u{a0}fund=false\n"),
        (Format::Npm, ".npmrc", "#\u{b}cache=c\n"),
        (Format::Npm, ".npmrc", &lines),
        (Format::Yarn, ".yarnrc", "\"save-prefix\" \"^\"\n"),
        (Format::Yarn, ".yarnrc", "save-prefix:\n  cache-folder c\n"),
        (Format::Berry, ".yarnrc.yml", "# Yarn Lockfile v1\nnodeLinker: x\n"),
        (Format::Berry, ".yarnrc.yml", "nodeLinker: &a x\n"),
        (Format::Berry, ".yarnrc.yml", "\"nodeLin\\x6ber\": x\n"),
        (Format::Berry, ".yarnrc.yml", "{nodeLinker: x}\n"),
        (Format::Berry, ".yarnrc.yml", "nodeLinker: x\nnodeLinker: y\n"),
        (Format::Berry, ".yarnrc.yml", "nodeLinker: x\n---\ncacheFolder: c\n"),
        (Format::Berry, ".yarnrc.yml", "? nodeLinker\n: x\n"),
        (Format::Berry, ".yarnrc.yml", "<<: {a: b}\nnodeLinker: x\n"),
        (Format::Bun, "bunfig.toml", "telemetry = \"\"\"\n[install]\n\"\"\"\n"),
        (Format::Bun, "bunfig.toml", "\"install\".exact = true\n"),
        (Format::Bun, "bunfig.toml", "[ install . cache ]\n"),
        (Format::Bun, ".env", "PORT=\"1\nX=2\"\n"),
        (Format::Bun, ".env", "PORT=1\\\n"),
        (Format::Npm, "package.json", r#"{"overrides":{},"overrides":{}}"#),
        (Format::Npm, "package.json", "// a note\n{}"),
        (Format::Deno, "deno.jsonc", "/* a */ {}"),
    ];
    for (format, name, text) in cases {
        assert_eq!(told(*format, &[(name, text)]), [*name], "{format:?} {name} {text:.60}");
    }
}

#[test]
fn code_caches_and_other_lockfiles_are_told_where_they_are() {
    let cases: &[(Format, &str)] = &[
        (Format::Pnpm, ".pnpmfile.cjs"),
        (Format::Pnpm, "package.yaml"),
        (Format::Berry, ".env.yarn"),
        (Format::Npm, ".corepack.env"),
        (Format::Npm, "npm-shrinkwrap.json"),
        (Format::Npm, "bun.lockb"),
    ];
    for (format, name) in cases {
        assert_eq!(told(*format, &[(name, "{}")]), [*name], "{format:?}");
    }
    // The repository of these tests has no commit: what lies there can be a part of it.
    assert_eq!(told(Format::Npm, &[("node_modules/a/index.js", "")]), ["node_modules"]);
    assert_eq!(told(Format::Berry, &[(".yarn/cache/a.zip", "")]), [".yarn/cache"]);
    assert_eq!(told(Format::Pnpm, &[("w/node_modules/a/index.js", "")]), ["w/node_modules"]);
    assert_eq!(told(Format::Npm, &[("../node_modules/a/index.js", "")]), Vec::<String>::new());
}

#[cfg(unix)]
#[test]
fn a_link_is_not_followed() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join(".git")).unwrap();
    std::fs::write(root.path().join("real"), "fund=false\n").unwrap();
    std::os::unix::fs::symlink("real", root.path().join(".npmrc")).unwrap();
    let (name, text) = lockfile(Format::Npm);
    let read = Lockfile::read(name, text.as_bytes()).unwrap();
    let found = find(root.path(), (&root.path().join(name), &read), None);
    assert_eq!(found.iter().map(Setting::name).collect::<Vec<_>>(), [".npmrc"]);
}

/// The pin of a setting in a folder with these files.
fn pin((format, name): (Format, &str), files: &[(&str, &str)]) -> Option<String> {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join(".git")).unwrap();
    let folder = root.path().join("p");
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let (lock, text) = lockfile(format);
    let read = Lockfile::read(lock, text.as_bytes()).unwrap();
    let found = find(&folder, (&folder.join(lock), &read), Some(&config()));
    found.into_iter().find(|setting| setting.name() == name).unwrap_or_else(|| panic!("{name} is not told")).pin
}

#[test]
fn a_pin_is_for_every_file_that_a_setting_names() {
    let table = r#"{"patchedDependencies":{"a@1.0.0":"p/a.patch","b":"p/b.patch"}}"#;
    let plugins = "plugins:\n  - path: .yarn/p.cjs\n    spec: \"https://code.example/p.js\"\n  - q.cjs\n";
    let resolution = r#"{"resolutions":{"a":"patch:a@npm%3A1.0.0#~/.yarn/a.patch"}}"#;
    for (setting, file, text, named) in [
        ((Format::Bun, "package.json#patchedDependencies"), "package.json", table, &["p/a.patch", "p/b.patch"][..]),
        ((Format::Berry, ".yarnrc.yml#plugins"), ".yarnrc.yml", plugins, &[".yarn/p.cjs", "q.cjs"]),
        ((Format::Berry, "package.json#resolutions"), "package.json", resolution, &[".yarn/a.patch"]),
        ((Format::Bun, "bunfig.toml#preload"), "bunfig.toml", "preload = [\"./p.ts\", \"./q.ts\"]\n", &["p.ts", "q.ts"]),
        ((Format::Npm, ".npmrc#node-options"), ".npmrc", "node-options=--no-warnings --require=./r.cjs -r ./s.cjs\n", &["r.cjs", "s.cjs"]),
        ((Format::Npm, ".npmrc#cafile"), ".npmrc", "cafile=ca.pem\n", &["ca.pem"]),
        ((Format::Npm, ".npmrc#script-shell"), ".npmrc", "script-shell=./my shell\n", &["my shell"]),
        ((Format::Pnpm, ".npmrc#pnpmfile"), ".npmrc", "pnpmfile=hooks\n", &["hooks.js"]),
        ((Format::Berry, ".yarnrc.yml#plugins"), ".yarnrc.yml", "plugins:\n  - ./in/p\n", &["in/p.js", "in/p.cjs"]),
        ((Format::Npm, ".npmrc#node-options"), ".npmrc", "node-options=--require=./r\n", &["r.js"]),
        ((Format::Npm, ".npmrc#node-options"), ".npmrc", "node-options=-r r\n", &["r.node", "r.tsx"]),
        (
            (Format::Npm, ".npmrc#node-options"),
            ".npmrc",
            "node-options=--require ./hooks\n",
            &["hooks.js", "hooks/index.js", "hooks/in/x.js"],
        ),
        ((Format::Pnpm, ".npmrc#pnpmfile"), ".npmrc", "pnpmfile=hooks\n", &["hooks.cjs", "hooks/package.json"]),
        ((Format::Npm, ".npmrc#cache"), ".npmrc", "cache=c\n", &["c/x", "c/d/y"]),
    ] {
        let of = |changed: Option<&str>| {
            let mut files = vec![(file, text)];
            files.extend(named.iter().map(|name| (*name, if changed == Some(name) { "evil" } else { "a" })));
            pin(setting, &files)
        };
        let own = of(None);
        assert!(own.is_some(), "{setting:?}");
        assert_eq!(own, of(None), "{setting:?}");
        for name in named {
            assert!(of(Some(name)).is_some_and(|other| Some(other) != own), "{setting:?} {name}");
        }
    }
}

#[test]
fn what_names_no_known_file_has_no_pin() {
    let of = |line: &str, more: &[(&str, &str)]| {
        let files = [&[(".npmrc", line)], more].concat();
        pin((Format::Npm, &format!(".npmrc#{}", line.split('=').next().unwrap())), &files)
    };
    for (line, more) in [
        ("cache=.", &[("c/x", "a")][..]),
        ("cache=../c", &[("../c/x", "a")]),
        ("node-options=--require=./r", &[("r.txt", "a")]),
        ("node-options=--require hooks", &[]),
        ("node-options=--no-warnings -r hooks --import=x", &[("x.js", "a")]),
        ("node-options=--import=file:///x.mjs", &[]),
        ("cafile=/nowhere/ca.pem", &[]),
        ("cafile=//nowhere/ca.pem", &[]),
        ("cafile=~/ca.pem", &[("~/ca.pem", "a")]),
        ("cafile=../ca.pem", &[("../ca.pem", "a")]),
        ("cafile=${HOME}/ca.pem", &[]),
    ] {
        assert_eq!(of(line, more), None, "{line}");
    }
    assert_eq!(pin((Format::Bun, "bunfig.toml#preload"), &[("bunfig.toml", "preload = [\"hooks\"]\n")]), None);
    for (line, shown) in [
        ("force=true", "true"),
        ("tag=next", "next"),
        ("proxy=https://proxy.example/x", "https://proxy.example/x"),
        ("before=@s/a", "@s/a"),
        ("node-options=--max-old-space-size=4096 --conditions development", "--max-old-space-size=4096 --conditions development"),
    ] {
        assert_eq!(of(line, &[]).as_deref(), Some(shown), "{line}");
    }
}

#[test]
fn a_pin_is_for_what_lies_where_an_entry_leads() {
    let all = tempfile::tempdir().unwrap();
    let root = all.path().join("p/q");
    let of = |format, leads_to: &str, files: &[(&str, &str)]| {
        drop(std::fs::remove_dir_all(all.path().join("p")));
        std::fs::create_dir_all(&root).unwrap();
        for (file, text) in files {
            let path = root.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let position = npm_lockfile::Position { line: 1, column: 1 };
        let leads_to = Some(leads_to.to_owned());
        let left = LeftOut { position, key: "x".to_owned(), reason: Reason::File, is_own: false, bundled: None, leads_to };
        with_files(vec![left], format, &root).remove(0).leads_to
    };
    for (format, leads_to, file) in [
        (Format::Pnpm, "file:vendor/x.tgz sha512-AAAA", "vendor/x.tgz"),
        (Format::Berry, "x@file:./vendor/x.tgz#./vendor/x.tgz::hash=177184&locator=p%40workspace%3A.", "vendor/x.tgz"),
        (Format::Berry, "x@file:./vendor/x.tgz::locator=p%40workspace%3Aw", "w/vendor/x.tgz"),
        (Format::Npm, "file:vendor/my x.tgz 1.0.0 sha512-AAAA", "vendor/my x.tgz"),
        (Format::Npm, "file:vendor/my%20x.tgz 1.0.0", "vendor/my x.tgz"),
        (Format::Npm, "file:vendor/x.TGZ", "vendor/x.TGZ"),
        (Format::Npm, "FILE:vendor/x", "vendor/x"),
        (Format::Bun, "x@./vendor/x.tgz sha512-AAAA", "vendor/x.tgz"),
        (Format::Pnpm, "file:vendor", "vendor/in/x.js"),
        (Format::Pnpm, "vendor/x", "vendor/x/package.json"),
    ] {
        let [good, evil] = ["good", "evil"].map(|text| of(format, leads_to, &[(file, text)]));
        assert!(good.is_some() && evil.is_some() && good != evil, "{leads_to}");
        assert_eq!(good, of(format, leads_to, &[(file, "good")]), "{leads_to}");
        assert_eq!(of(format, leads_to, &[]), None, "{leads_to} without the file");
    }
    let [one, other] = ["vendor/a", "vendor/b"].map(|file| of(Format::Pnpm, "file:vendor", &[(file, "")]));
    assert!(one.is_some() && one != other, "a file has its name");
    let whole = all.path().join("p/x.tgz");
    for (leads_to, file) in [
        ("file:../x.tgz", "../x.tgz"),
        ("file:../../x.tgz", "../../x.tgz"),
        (&format!("file:{}", whole.display()), "../x.tgz"),
        ("file:.", "x"),
    ] {
        assert_eq!(of(Format::Npm, leads_to, &[(file, "a")]), None, "{leads_to}");
    }
}

#[cfg(unix)]
#[test]
fn a_folder_with_a_link_in_it_has_no_pin() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("v/in")).unwrap();
    std::fs::write(root.path().join("v/in/x"), "a").unwrap();
    let of = || pins::Pins::default().of_path(root.path(), "file:v".to_owned());
    assert!(of().is_some(), "the control");
    std::os::unix::fs::symlink("/etc/hostname", root.path().join("v/in/y")).unwrap();
    assert_eq!(of(), None);
}

#[test]
fn a_link_has_a_pin_where_it_stays_in_the_project() {
    let all = tempfile::tempdir().unwrap();
    let root = all.path().join("p");
    for folder in ["p/lib", "out"] {
        std::fs::create_dir_all(all.path().join(folder)).unwrap();
    }
    let of = |format, leads_to: &str| {
        let position = npm_lockfile::Position { line: 1, column: 1 };
        let leads_to = Some(leads_to.to_owned());
        let left = LeftOut { position, key: "x".to_owned(), reason: Reason::Link, is_own: false, bundled: None, leads_to };
        with_files(vec![left], format, &root).remove(0).leads_to
    };
    for (format, inside) in [(Format::Npm, "lib"), (Format::Yarn, "link:lib"), (Format::Berry, "x@portal:./lib::locator=p%40workspace%3A.")]
    {
        assert_eq!(of(format, inside).as_deref(), Some(inside));
    }
    for (format, outside) in [(Format::Npm, "../out"), (Format::Yarn, "link:../out"), (Format::Npm, "gone"), (Format::Bun, "x@link:lib")] {
        assert_eq!(of(format, outside), None, "{outside}");
    }
}
