//! Small repositories that each try one rule. A path that ends in `!` is executable, one with ` ->
//! ` is a link.

/// A repository: what it tries, the folder of the package, and its files with their contents.
#[derive(Clone, Copy)]
pub(crate) struct Fixture {
    pub(crate) rule: &'static str,
    pub(crate) dir: &'static str,
    pub(crate) files: &'static [(&'static str, &'static str)],
    /// Clients that refuse it, or do what is not followed here, and why.
    pub(crate) except: &'static [(&'static str, &'static str)],
}

const fn plain(rule: &'static str, files: &'static [(&'static str, &'static str)]) -> Fixture {
    Fixture { rule, dir: "", files, except: &[] }
}

const fn member(rule: &'static str, files: &'static [(&'static str, &'static str)]) -> Fixture {
    Fixture { rule, dir: "packages/a", files, except: &[] }
}

const fn except(fixture: Fixture, except: &'static [(&'static str, &'static str)]) -> Fixture {
    Fixture { except, ..fixture }
}

const X: &str = r#"{"name":"x","version":"1.0.0"}"#;
const LF: &str = "{\n  \"name\": \"x\",\n  \"version\": \"1.0.0\"\n}\n";

/// 255 bytes, which is as long as a name may be on most disks.
const LONGEST_NAME: &str = concat!(
    "n0000000000000000000000000000000000000000000000000",
    "n1111111111111111111111111111111111111111111111111",
    "n2222222222222222222222222222222222222222222222222",
    "n3333333333333333333333333333333333333333333333333",
    "n4444444444444444444444444444444444444444444444444",
    "ab.js"
);
/// Over 256 bytes in folders.
const LONGEST_PATH: &str = concat!(
    "d0000000000000000000000000000000000000000000000000000000000000000000000000000000/",
    "d1111111111111111111111111111111111111111111111111111111111111111111111111111111/",
    "d2222222222222222222222222222222222222222222222222222222222222222222222222222222/",
    "d3333333333333333333333333333333333333333333333333333333333333333333333333333333/f.js"
);
/// Over a hundred bytes in fewer characters.
const LONGEST_WIDE: &str = "日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語.js";

pub(crate) static FIXTURES: &[Fixture] = &[
    plain("one file", &[("package.json", LF)]),
    plain(
        "without rules all goes along",
        &[
            ("package.json", X),
            ("a.js", "1"),
            ("lib/b.js", "2"),
            ("lib/.hidden", "3"),
            ("README.md", "r"),
            ("LICENSE", "l"),
            ("CHANGELOG.md", "c"),
            ("test/t.js", "t"),
        ],
    ),
    plain(
        "cruft stays out",
        &[
            ("package.json", X),
            (".DS_Store", "1"),
            ("npm-debug.log", "2"),
            (".npmrc", "3"),
            (".git/HEAD", "4"),
            ("a.orig", "5"),
            (".a.swp", "6"),
            ("._b", "7"),
            ("sub/.DS_Store", "8"),
            ("sub/.npmrc", "9"),
            ("a.js", ""),
        ],
    ),
    plain("lockfiles", &[("package.json", X), ("package-lock.json", "{}"), ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n"), ("a.js", "")]),
    plain(
        "files names a folder",
        &[
            ("package.json", r#"{"name":"x","version":"1.0.0","files":["lib"]}"#),
            ("lib/a.js", "1"),
            ("lib/sub/b.js", "2"),
            ("src/lib.js", "3"),
            ("README", "r"),
            ("index.js", "i"),
        ],
    ),
    plain(
        "files names a folder with a slash behind",
        &[("package.json", r#"{"name":"x","version":"1.0.0","files":["lib/"]}"#), ("lib/a.js", "1"), ("src/b.js", "2")],
    ),
    plain(
        "files with a dot and a slash before",
        &[
            ("package.json", r#"{"name":"x","version":"1.0.0","files":["./lib","./a.js"]}"#),
            ("lib/b.js", "1"),
            ("a.js", "2"),
            ("c.js", "3"),
        ],
    ),
    plain(
        "files with a star",
        &[
            ("package.json", r#"{"name":"x","version":"1.0.0","files":["lib/*.js","*.d.ts"]}"#),
            ("lib/a.js", "1"),
            ("lib/a.ts", "2"),
            ("lib/sub/a.js", "3"),
            ("i.d.ts", "4"),
            ("lib/i.d.ts", "5"),
        ],
    ),
    plain(
        "files with two stars",
        &[
            ("package.json", r#"{"name":"x","version":"1.0.0","files":["lib/**/*.js"]}"#),
            ("lib/a.js", "1"),
            ("lib/sub/b.js", "2"),
            ("lib/sub/b.ts", "3"),
        ],
    ),
    plain(
        "files with an exception",
        &[("package.json", r#"{"name":"x","version":"1.0.0","files":["lib","!lib/test"]}"#), ("lib/a.js", "1"), ("lib/test/b.js", "2")],
    ),
    plain(
        "files with an excepted pattern",
        &[
            ("package.json", r#"{"name":"x","version":"1.0.0","files":["lib","!**/*.map"]}"#),
            ("lib/a.js", "1"),
            ("lib/a.js.map", "2"),
            ("lib/s/b.js.map", "3"),
        ],
    ),
    plain(
        "files names what is not there",
        &[("package.json", r#"{"name":"x","version":"1.0.0","files":["gone","lib"]}"#), ("lib/a.js", "1")],
    ),
    except(
        plain("files is empty", &[("package.json", r#"{"name":"x","version":"1.0.0","files":[]}"#), ("a.js", "1"), ("README.md", "r")]),
        &[("bun-1", "it refuses that")],
    ),
    plain(
        "main goes along with files",
        &[("package.json", r#"{"name":"x","version":"1.0.0","main":"main.js","files":["lib"]}"#), ("main.js", "1"), ("lib/a.js", "2")],
    ),
    plain(
        "main with a dot and a slash",
        &[
            ("package.json", r#"{"name":"x","version":"1.0.0","main":"./dist/main.js","files":["dist"]}"#),
            ("dist/main.js", "1"),
            ("dist/a.js", "2"),
        ],
    ),
    plain(
        "bin is executable",
        &[
            ("package.json", r#"{"name":"x","version":"1.0.0","bin":{"x":"cli.js","y":"./bin/y.js"}}"#),
            ("cli.js", "#!/usr/bin/env node\n"),
            ("bin/y.js", "#!/usr/bin/env node\n"),
            ("a.js", ""),
        ],
    ),
    plain(
        "bin as text",
        &[
            ("package.json", r#"{"name":"@s/x","version":"1.0.0","bin":"cli.js","files":["lib"]}"#),
            ("cli.js", "#!/usr/bin/env node\n"),
            ("lib/a.js", ""),
        ],
    ),
    plain("modes on disk", &[("package.json", X), ("run.sh!", "#!/bin/sh\n"), ("a.js", "")]),
    plain(
        "executable files of publishConfig",
        &[
            ("package.json", r#"{"name":"x","version":"1.0.0","publishConfig":{"executableFiles":["run.sh"]}}"#),
            ("run.sh", "#!/bin/sh\n"),
            ("a.js", ""),
        ],
    ),
    plain("gitignore", &[("package.json", X), (".gitignore", "dist\n*.log\n"), ("dist/a.js", "1"), ("b.log", "2"), ("src/c.js", "3")]),
    plain(
        "npmignore instead of gitignore",
        &[("package.json", X), (".gitignore", "dist\n"), (".npmignore", "src\n"), ("dist/a.js", "1"), ("src/c.js", "3")],
    ),
    plain(
        "an ignore file with an exception",
        &[("package.json", X), (".npmignore", "*.js\n!keep.js\n"), ("keep.js", "1"), ("b.js", "2"), ("c.ts", "3")],
    ),
    plain("an anchored rule", &[("package.json", X), (".npmignore", "/a.js\n"), ("a.js", "1"), ("sub/a.js", "2")]),
    plain(
        "a rule for folders",
        &[("package.json", X), (".npmignore", "test/\n# comment\n\n"), ("test/a.js", "1"), ("lib/test/b.js", "2"), ("lib/c.js", "3")],
    ),
    except(
        plain(
            "an ignore file below",
            &[("package.json", X), ("sub/.npmignore", "secret.txt\n"), ("sub/secret.txt", "1"), ("sub/a.js", "2")],
        ),
        &[],
    ),
    plain(
        "an ignore file under files",
        &[
            ("package.json", r#"{"name":"x","version":"1.0.0","files":["lib"]}"#),
            (".npmignore", "lib/secret.txt\n"),
            ("lib/secret.txt", "1"),
            ("lib/a.js", "2"),
        ],
    ),
    plain(
        "an ignore file in a folder that files names",
        &[
            ("package.json", r#"{"name":"x","version":"1.0.0","files":["lib"]}"#),
            ("lib/.npmignore", "secret.txt\n"),
            ("lib/secret.txt", "1"),
            ("lib/a.js", "2"),
        ],
    ),
    plain(
        "a licence below the root",
        &[
            ("package.json", r#"{"name":"x","version":"1.0.0","files":["lib"]}"#),
            ("lib/a.js", "1"),
            ("docs/LICENSE", "2"),
            ("LICENSE.md", "3"),
            ("licence.txt", "4"),
        ],
    ),
    plain(
        "order by extension, name and path",
        &[
            ("package.json", X),
            ("b.js", "1"),
            ("a.ts", "2"),
            ("lib/a.js", "3"),
            ("Lib/B.js", "4"),
            ("é.js", "5"),
            ("_x.js", "6"),
            ("a-b.js", "7"),
            ("a_b.js", "8"),
            ("a.b.js", "9"),
        ],
    ),
    plain(
        "order of folders and of files beside them",
        &[("package.json", X), ("lib/a.js", "1"), ("lib.js", "2"), ("lib-b/c.js", "3"), ("a/z.js", "4"), ("a/b/y.js", "5")],
    ),
    plain(
        "a path of more than a hundred bytes",
        &[
            ("package.json", X),
            ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb/cccccccccccccccccccccccccccccccccccc/ddddd.js", "1"),
        ],
    ),
    plain(
        "a name of more than a hundred bytes",
        &[
            ("package.json", X),
            ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.js", "1"),
        ],
    ),
    plain("a name outside of ASCII", &[("package.json", X), ("日本.js", "1"), ("a.js", "2")]),
    plain(
        "an empty file and one of a block",
        &[
            ("package.json", X),
            ("empty", ""),
            (
                "block",
                "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            ),
        ],
    ),
    plain(
        "node_modules stays out",
        &[
            ("package.json", X),
            ("node_modules/y/package.json", r#"{"name":"y","version":"1.0.0"}"#),
            ("node_modules/y/a.js", "1"),
            ("a.js", "2"),
        ],
    ),
    plain("tabs", &[("package.json", "{\n\t\"name\": \"x\",\n\t\"version\": \"1.0.0\",\n\t\"a\": [\n\t\t1,\n\t\t2\n\t]\n}\n")]),
    plain("four spaces and no final line feed", &[("package.json", "{\n    \"name\": \"x\",\n    \"version\": \"1.0.0\"\n}")]),
    plain("carriage returns", &[("package.json", "{\r\n  \"name\": \"x\",\r\n  \"version\": \"1.0.0\"\r\n}\r\n"), ("a.txt", "a\r\nb\r\n")]),
    plain(
        "values in one line",
        &[
            (
                "package.json",
                "{\n  \"name\": \"x\", \"version\": \"1.0.0\",\n  \"files\": [\"a\", \"b\"],\n  \"o\": {\"k\": [1, {\"z\": null}], \"e\": {}, \"l\": []}\n}\n",
            ),
            ("a", "1"),
        ],
    ),
    except(
        plain(
            "numbers",
            &[(
                "package.json",
                "{\n  \"name\": \"x\",\n  \"version\": \"1.0.0\",\n  \"n\": [\n    1.0,\n    1e3,\n    1e-7,\n    123456789012345678,\n    0.1\n  ]\n}\n",
            )],
        ),
        &[],
    ),
    plain(
        "escapes",
        &[("package.json", "{\n  \"name\": \"x\",\n  \"version\": \"1.0.0\",\n  \"s\": \"\\u00e9\\u0041\\/\\t\\\"<>&'\u{1f600}\"\n}\n")],
    ),
    plain(
        "keys that are numbers",
        &[(
            "package.json",
            "{\n  \"name\": \"x\",\n  \"version\": \"1.0.0\",\n  \"k\": {\n    \"b\": 1,\n    \"2\": 2,\n    \"1\": 3\n  }\n}\n",
        )],
    ),
    plain(
        "scripts",
        &[(
            "package.json",
            "{\n  \"name\": \"x\",\n  \"scripts\": {\n    \"build\": \"tsc\",\n    \"prepublishOnly\": \"exit 0\",\n    \"postpublish\": \"exit 0\",\n    \"test\": \"jest\"\n  },\n  \"version\": \"1.0.0\"\n}\n",
        )],
    ),
    except(
        plain(
            "packageManager",
            &[("package.json", "{\n  \"packageManager\": \"pnpm@8.6.0\",\n  \"name\": \"x\",\n  \"version\": \"1.0.0\"\n}\n")],
        ),
        &[("yarn-1", "it refuses another manager")],
    ),
    plain(
        "publishConfig",
        &[
            (
                "package.json",
                "{\n  \"name\": \"x\",\n  \"version\": \"1.0.0\",\n  \"main\": \"src/a.ts\",\n  \"publishConfig\": {\n    \"access\": \"public\",\n    \"main\": \"dist/a.js\",\n    \"types\": \"dist/a.d.ts\",\n    \"exports\": {\n      \".\": \"./dist/a.js\"\n    },\n    \"bin\": \"dist/cli.js\",\n    \"module\": \"dist/a.mjs\",\n    \"browser\": \"dist/b.js\",\n    \"type\": \"module\"\n  },\n  \"files\": [\n    \"dist\"\n  ]\n}\n",
            ),
            ("dist/a.js", "1"),
            ("dist/cli.js", "#!/usr/bin/env node\n"),
            ("src/a.ts", "2"),
        ],
    ),
    plain(
        "a publishConfig that is all hoisted",
        &[
            ("package.json", "{\n  \"name\": \"x\",\n  \"version\": \"1.0.0\",\n  \"publishConfig\": {\n    \"main\": \"a.js\"\n  }\n}\n"),
            ("a.js", "1"),
        ],
    ),
    plain(
        "short forms",
        &[
            (
                "package.json",
                "{\n  \"name\": \"@s/x\",\n  \"version\": \"1.0.0\",\n  \"bin\": \"cli.js\",\n  \"repository\": \"github:s/x\",\n  \"peerDependencies\": {\n    \"y\": \"*\"\n  },\n  \"peerDependenciesMeta\": {\n    \"y\": {}\n  }\n}\n",
            ),
            ("cli.js", "#!/usr/bin/env node\n"),
        ],
    ),
    plain(
        "settings of pnpm in package.json",
        &[("package.json", "{\n  \"pnpm\": {\n    \"overrides\": {}\n  },\n  \"name\": \"x\",\n  \"version\": \"1.0.0\"\n}\n")],
    ),
    member(
        "a workspace's licence",
        &[
            ("package.json", r#"{"name":"r","private":true,"workspaces":["packages/*"]}"#),
            ("pnpm-workspace.yaml", "packages:\n  - packages/*\n"),
            ("LICENSE", "root"),
            ("packages/a/package.json", X),
            ("packages/a/a.js", "1"),
            ("packages/a/z.zz", "2"),
        ],
    ),
    member(
        "a workspace with a licence of its own",
        &[
            ("package.json", r#"{"name":"r","private":true,"workspaces":["packages/*"]}"#),
            ("pnpm-workspace.yaml", "packages:\n  - packages/*\n"),
            ("LICENSE", "root"),
            ("packages/a/package.json", X),
            ("packages/a/LICENSE", "own"),
        ],
    ),
    except(
        member(
            "one range of the workspace",
            &[
                ("package.json", r#"{"name":"r","private":true,"workspaces":["packages/*"]}"#),
                ("pnpm-workspace.yaml", "packages:\n  - packages/*\n"),
                (
                    "packages/a/package.json",
                    "{\n  \"name\": \"a\",\n  \"version\": \"1.0.0\",\n  \"dependencies\": {\n    \"b\": \"workspace:^\"\n  }\n}\n",
                ),
                ("packages/b/package.json", "{\n  \"name\": \"b\",\n  \"version\": \"2.3.4\"\n}\n"),
                ("packages/a/node_modules/b -> ../../b", ""),
            ],
        ),
        &[("vlt-1", "its workspaces and catalogs are those of vlt.json")],
    ),
    except(
        member(
            "ranges of the workspace in all fields",
            &[
                ("package.json", r#"{"name":"r","private":true,"workspaces":["packages/*"]}"#),
                ("pnpm-workspace.yaml", "packages:\n  - packages/*\n"),
                (
                    "packages/a/package.json",
                    "{\n  \"name\": \"a\",\n  \"version\": \"1.0.0\",\n  \"dependencies\": {\n    \"b\": \"workspace:*\",\n    \"@s/c\": \"workspace:~\"\n  },\n  \"devDependencies\": {\n    \"b\": \"workspace:^2.0.0\"\n  },\n  \"peerDependencies\": {\n    \"@s/c\": \"workspace:^\"\n  }\n}\n",
                ),
                ("packages/b/package.json", "{\n  \"name\": \"b\",\n  \"version\": \"2.3.4\"\n}\n"),
                ("packages/c/package.json", "{\n  \"name\": \"@s/c\",\n  \"version\": \"0.0.1\"\n}\n"),
                ("packages/a/node_modules/b -> ../../b", ""),
                ("packages/a/node_modules/@s/c -> ../../../c", ""),
            ],
        ),
        &[("vlt-1", "its workspaces and catalogs are those of vlt.json")],
    ),
    except(
        member(
            "ranges of the workspace among others",
            &[
                ("package.json", r#"{"name":"r","private":true,"workspaces":["packages/*"]}"#),
                ("pnpm-workspace.yaml", "packages:\n  - packages/*\n"),
                (
                    "packages/a/package.json",
                    "{\n  \"name\": \"a\",\n  \"version\": \"1.0.0\",\n  \"dependencies\": {\n    \"b\": \"workspace:^\",\n    \"ms\": \"^2.0.0\"\n  }\n}\n",
                ),
                ("packages/b/package.json", "{\n  \"name\": \"b\",\n  \"version\": \"2.3.4\"\n}\n"),
                ("packages/a/node_modules/b -> ../../b", ""),
            ],
        ),
        &[("bun-1", "it would install"), ("vlt-1", "its workspaces and catalogs are those of vlt.json")],
    ),
    except(
        member(
            "a peer's range around the workspace",
            &[
                ("pnpm-workspace.yaml", "packages:\n  - packages/*\n"),
                ("package.json", r#"{"name":"r","private":true}"#),
                (
                    "packages/a/package.json",
                    "{\n  \"name\": \"a\",\n  \"version\": \"1.0.0\",\n  \"peerDependencies\": {\n    \"b\": \"workspace:>=\"\n  }\n}\n",
                ),
                ("packages/b/package.json", "{\n  \"name\": \"b\",\n  \"version\": \"2.3.4\"\n}\n"),
                ("packages/a/node_modules/b -> ../../b", ""),
            ],
        ),
        &[
            ("bun-1", "pnpm's alone"),
            ("berry-3", "pnpm's alone"),
            ("berry-4", "pnpm's alone"),
            ("pnpm-8", "it does not know it"),
            ("vlt-1", "its workspaces and catalogs are those of vlt.json"),
        ],
    ),
    except(
        member(
            "a catalog",
            &[
                ("package.json", r#"{"name":"r","private":true,"workspaces":{"packages":["packages/*"],"catalog":{"ms":"^2.1.0"}}}"#),
                ("pnpm-workspace.yaml", "packages:\n  - packages/*\ncatalog:\n  ms: ^2.1.0\n"),
                (".yarnrc.yml", "catalog:\n  ms: ^2.1.0\n"),
                (
                    "packages/a/package.json",
                    "{\n  \"name\": \"a\",\n  \"version\": \"1.0.0\",\n  \"dependencies\": {\n    \"ms\": \"catalog:\"\n  }\n}\n",
                ),
            ],
        ),
        &[
            ("bun-1", "it would install"),
            ("berry-3", "it does not know it"),
            ("pnpm-8", "it does not know it"),
            ("vlt-1", "its workspaces and catalogs are those of vlt.json"),
        ],
    ),
    except(
        plain(
            "jsr",
            &[(
                "package.json",
                "{\n  \"name\": \"x\",\n  \"version\": \"1.0.0\",\n  \"dependencies\": {\n    \"@std/fs\": \"jsr:^1.0.0\"\n  }\n}\n",
            )],
        ),
        &[
            ("bun-1", "it leaves it"),
            ("berry-3", "it does not know it"),
            ("pnpm-8", "it does not know it"),
            ("pnpm-9", "it does not know it"),
            ("berry-4", "it needs the network"),
        ],
    ),
    except(
        plain(
            "an engine to download",
            &[(
                "package.json",
                "{\n  \"name\": \"x\",\n  \"version\": \"1.0.0\",\n  \"devEngines\": {\n    \"runtime\": {\n      \"name\": \"node\",\n      \"version\": \"^24.0.0\",\n      \"onFail\": \"download\"\n    }\n  }\n}\n",
            )],
        ),
        &[],
    ),
    plain("a link", &[("package.json", X), ("a.js", "1"), ("b.js -> a.js", "")]),
    plain(
        "browser fields",
        &[
            ("package.json", r#"{"name":"x","version":"1.0.0","browser":"b.js","module":"m.js","files":["lib"]}"#),
            ("b.js", "1"),
            ("m.js", "2"),
            ("lib/a.js", "3"),
        ],
    ),
    plain("a byte order mark", &[("package.json", "\u{feff}{\n  \"name\": \"x\",\n  \"version\": \"1.0.0\"\n}\n")]),
    plain(
        "names that differ in case only",
        &[("package.json", X), ("a.js", "1"), ("A.js", "2"), ("Lib/x.js", "3"), ("lib/x.js", "4"), ("readme.md", "5"), ("README.md", "6")],
    ),
    plain(
        "one name in two normal forms, and names of other scripts",
        &[
            ("package.json", X),
            ("caf\u{e9}.js", "1"),
            ("cafe\u{301}.js", "2"),
            ("\u{1f600}/\u{5d0}.js", "3"),
            ("\u{200b}.js", "4"),
            ("\u{202e}sj.js", "5"),
        ],
    ),
    plain(
        "names with control characters, quotes and blanks",
        &[
            ("package.json", X),
            ("a\u{1}.js", "1"),
            ("b\u{1b}[31m.js", "2"),
            ("c\u{7f}.js", "3"),
            (" d .js", "4"),
            ("e\"'`$(x).js", "5"),
            ("-f.js", "6"),
        ],
    ),
    plain(
        "names that mean something to patterns",
        &[("package.json", X), ("[a].js", "1"), ("{b,c}.js", "2"), ("#d.js", "3"), ("~e.js", "4")],
    ),
    plain(
        "the longest name and a path that no header holds",
        &[("package.json", X), (LONGEST_NAME, "1"), (LONGEST_PATH, "2"), (LONGEST_WIDE, "3")],
    ),
    plain(
        "links out of the tree",
        &[
            ("package.json", X),
            ("a.js", "1"),
            ("file -> ../../../etc/passwd", ""),
            ("folder -> /etc", ""),
            ("lib/inside -> ../a.js", ""),
            ("lib/chain -> ../file", ""),
        ],
    ),
    except(
        plain("links that lead nowhere", &[("package.json", X), ("a.js", "1"), ("gone -> nowhere", ""), ("self -> self", "")]),
        &[("pnpm-11", "it fails where a link leads nowhere")],
    ),
];
