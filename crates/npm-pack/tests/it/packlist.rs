//! The lists of files against the real npm-packlist and fstream-npm, version by version, one small
//! folder per rule.
//!
//! Needs the modules of `__test__/conformance/package.json`: run `npm install` there. Without them
//! this test fails.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use npm_pack::list::{self, Context, Engine, FstreamRules, ListRules};
use npm_pack::tree::DirTree;

/// A folder: what it tries, its package.json, and its files with their contents. A content of `x`
/// is just content.
struct Fixture {
    rule: &'static str,
    manifest: &'static str,
    files: &'static [(&'static str, &'static str)],
}

/// fstream-npm alone, without what npm 3 to 5.3 add for hoisted bundles.
static FSTREAM_1_2_1: ListRules = ListRules {
    name: "fstream-npm-1.2.1",
    clients: "",
    engine: Engine::Fstream(FstreamRules {
        files_only: true,
        notice: true,
        no_orig: true,
        no_package_lock: true,
        scopes: true,
        hoisted: false,
    }),
};

/// The oracle's versions, and the rules that are to agree with them.
static VERSIONS: [(&str, &ListRules); 36] = [
    ("1.1.8", &list::NPM_5_4),
    ("1.1.9", &list::NPM_5_5),
    ("1.1.10", &list::NPM_5_6),
    ("1.1.12", &list::NPM_6_5),
    ("1.3.0", &list::NPM_6_8),
    ("1.4.1", &list::NPM_6_9),
    ("1.4.4", &list::NPM_6_10),
    ("1.4.6", &list::NPM_6_12),
    ("1.4.8", &list::NPM_6_14),
    ("2.1.2", &list::NPM_7_0_0),
    ("2.1.3", &list::PACKLIST_2_1_3),
    ("2.1.4", &list::NPM_7_0_4),
    ("2.1.5", &list::NPM_7_0),
    ("2.2.2", &list::NPM_7_9),
    ("3.0.0", &list::NPM_7_9),
    ("4.0.0", &list::NPM_8_5),
    ("5.0.0", &list::NPM_8_6),
    ("5.0.2", &list::NPM_8_8),
    ("5.0.4", &list::NPM_8_10),
    ("5.1.3-glob-8.0", &list::NPM_8_15),
    ("5.1.3", &list::LERNA_5_5),
    ("7.0.0", &list::NPM_9_0),
    ("7.0.2", &list::NPM_9_1),
    ("7.0.4-walk-6.0.3", &list::NPM_9_2),
    ("7.0.4", &list::NPM_9_9),
    ("8.0.0", &list::NPM_10_0),
    ("8.0.1", &list::NPM_10_2),
    ("8.0.2", &list::NPM_10_3),
    ("9.0.0", &list::NPM_10_3),
    ("10.0.0", &list::NPM_11),
    ("10.0.4", &list::NPM_11),
    ("11.0.0", &list::PACKLIST_11_0),
    ("11.3.0", &list::NPM_12),
    ("fstream-1.0", &list::NPM_2_0),
    ("fstream-1.1", &list::NPM_2_15),
    ("fstream-1.2", &FSTREAM_1_2_1),
];

const PLAIN: &str = r#"{"name":"x","version":"1.0.0"}"#;
const X: &str = "x";

macro_rules! files {
    ($($path:expr $(=> $content:expr)?),* $(,)?) => { &[$(files!(@one $path $(, $content)?)),*] };
    (@one $path:expr) => { ($path, X) };
    (@one $path:expr, $content:expr) => { ($path, $content) };
}

const SOURCES: &[(&str, &str)] = files![
    "index.js",
    "index.d.ts",
    "a.ts",
    "b.ts",
    "LICENSE",
    "README.md",
    "lib/index.js",
    "lib/main.js",
    "lib/secret.txt",
    "lib/sub/index.js",
    "lib/sub/deep/x.js",
    "lib/sub/README",
    "lib/.hidden",
    "dist/esm/i.js",
    "dist/cjs/i.js",
    "src/i.ts",
    "test/t.js",
    "tests/u.js",
    "docs/LICENSE",
    ".eslintrc",
    ".github/w.yml",
    "lib.js/inner.js",
    "Lib2/a.js",
    "a b.js",
];

static FIXTURES: &[Fixture] = &[
    Fixture { rule: "without rules all but cruft goes along", manifest: PLAIN, files: SOURCES },
    Fixture {
        rule: "cruft stays out at every level",
        manifest: PLAIN,
        files: files![
            ".git/HEAD",
            "CVS/Root",
            ".svn/e",
            ".hg/e",
            ".npmrc",
            ".DS_Store",
            "._a",
            "a.orig",
            ".a.swp",
            "npm-debug.log",
            ".lock-wscript",
            ".wafpickle-7",
            ".wafpickle-x",
            "build/config.gypi",
            "config.gypi",
            "sub/.git/HEAD",
            "sub/CVS/Root",
            "sub/.npmrc",
            "sub/.DS_Store",
            "sub/._a",
            "sub/a.orig",
            "sub/.a.swp",
            "sub/npm-debug.log",
            "sub/.lock-wscript",
            "sub/.wafpickle-7",
            "sub/build/config.gypi",
            "sub/._d/x",
            "sub/.DS_Store.d/x",
            "node_modules/x/i.js",
            "orig",
            "swp",
        ],
    },
    Fixture {
        rule: "cruft stays out though files names its folder",
        manifest: r#"{"name":"x","version":"1.0.0","files":["sub","*.orig",".npmrc","build"]}"#,
        files: files![
            ".npmrc",
            "a.orig",
            "sub/.npmrc",
            "sub/.DS_Store",
            "sub/._a",
            "sub/a.orig",
            "sub/.git/HEAD",
            "sub/CVS/Root",
            "build/config.gypi",
            "sub/i.js",
            "sub/node_modules/q/i.js",
        ],
    },
    Fixture {
        rule: "lockfiles stay out by era",
        manifest: PLAIN,
        files: files![
            "package-lock.json",
            "yarn.lock",
            "pnpm-lock.yaml",
            "bun.lockb",
            "bun.lock",
            "npm-shrinkwrap.json",
            "sub/package-lock.json",
            "sub/yarn.lock",
            "sub/pnpm-lock.yaml",
            "sub/npm-shrinkwrap.json",
            ".npm-extension.mjs",
        ],
    },
    Fixture {
        rule: "lockfiles named by files",
        manifest: r#"{"name":"x","version":"1.0.0","files":["package-lock.json","yarn.lock","pnpm-lock.yaml","bun.lockb","npm-shrinkwrap.json"]}"#,
        files: files!["package-lock.json", "yarn.lock", "pnpm-lock.yaml", "bun.lockb", "bun.lock", "npm-shrinkwrap.json"],
    },
    Fixture {
        rule: "npm-shrinkwrap.json beside files",
        manifest: r#"{"name":"x","version":"1.0.0","files":["lib"]}"#,
        files: files!["npm-shrinkwrap.json", "lib/i.js", "lib/npm-shrinkwrap.json"],
    },
    Fixture {
        rule: "core dumps and archived packages stay out by era",
        manifest: PLAIN,
        files: files![
            "core",
            "x.core",
            "core.12",
            "vgcore.1",
            "a.vgcore",
            "lib/core/i.js",
            "lib/core.js",
            "archived-packages/a.tgz",
            "sub/archived-packages/b"
        ],
    },
    Fixture {
        rule: "a folder called core goes along",
        manifest: PLAIN,
        files: files!["core/index.js", "lib/core/index.js", "x.core/index.js"],
    },
    Fixture {
        rule: "legal and history files go along beside files, by era",
        manifest: r#"{"name":"x","version":"1.0.0","files":["lib"]}"#,
        files: files![
            "README",
            "readme.txt",
            "README.de.md",
            "readme.md~",
            "README.md$",
            "LICENSE",
            "licence.md",
            "LICENSE-MIT",
            "COPYING",
            "COPYING.lesser",
            "CHANGELOG.md",
            "changes",
            "HISTORY.md",
            "NOTICE",
            "notice.txt",
            "lib/i.js",
            "lib/README.md",
            "lib/LICENSE",
            "lib/CHANGELOG.md",
            "docs/README.md",
            "docs/LICENSE",
        ],
    },
    Fixture {
        rule: "legal and history files go along beside ignore rules, by era",
        manifest: PLAIN,
        files: files![
            ".npmignore" => "*\n!lib\n", "README.md", "LICENSE.txt", "COPYING", "CHANGES.md", "NOTICE", "lib/i.js", "lib/README.md",
            "lib/LICENSE", "lib/HISTORY", "docs/README.md", "i.js",
        ],
    },
    Fixture {
        rule: "a folder called readme is no readme",
        manifest: r#"{"name":"x","version":"1.0.0","files":["lib"]}"#,
        files: files!["readme/a.js", "LICENSE.d/b.js", "lib/readme/c.js", "lib/i.js", "readme.x/README"],
    },
    Fixture {
        rule: "readme taken back by files",
        manifest: r#"{"name":"x","version":"1.0.0","files":["lib","!README.md","!lib/LICENSE"]}"#,
        files: files!["README.md", "LICENSE", "lib/README.md", "lib/LICENSE", "lib/i.js"],
    },
    Fixture { rule: "files names a folder", manifest: r#"{"name":"x","version":"1.0.0","files":["lib"]}"#, files: SOURCES },
    Fixture { rule: "files names a folder with a slash", manifest: r#"{"name":"x","version":"1.0.0","files":["lib/"]}"#, files: SOURCES },
    Fixture { rule: "files names a folder with a dot", manifest: r#"{"name":"x","version":"1.0.0","files":["./lib"]}"#, files: SOURCES },
    Fixture { rule: "files names a folder from the root", manifest: r#"{"name":"x","version":"1.0.0","files":["/lib"]}"#, files: SOURCES },
    Fixture { rule: "files names a folder's entries", manifest: r#"{"name":"x","version":"1.0.0","files":["lib/*"]}"#, files: SOURCES },
    Fixture {
        rule: "files names a folder's entries with a dot",
        manifest: r#"{"name":"x","version":"1.0.0","files":["./lib/*"]}"#,
        files: SOURCES,
    },
    Fixture { rule: "files names all below a folder", manifest: r#"{"name":"x","version":"1.0.0","files":["lib/**"]}"#, files: SOURCES },
    Fixture {
        rule: "files names all entries below a folder",
        manifest: r#"{"name":"x","version":"1.0.0","files":["lib/**/*"]}"#,
        files: SOURCES,
    },
    Fixture {
        rule: "files names one kind below a folder",
        manifest: r#"{"name":"x","version":"1.0.0","files":["lib/**/*.js"]}"#,
        files: SOURCES,
    },
    Fixture { rule: "files names one kind anywhere", manifest: r#"{"name":"x","version":"1.0.0","files":["**/*.js"]}"#, files: SOURCES },
    Fixture { rule: "files names one kind by base name", manifest: r#"{"name":"x","version":"1.0.0","files":["*.js"]}"#, files: SOURCES },
    Fixture { rule: "files names one kind at the root", manifest: r#"{"name":"x","version":"1.0.0","files":["/*.ts"]}"#, files: SOURCES },
    Fixture { rule: "files names everything with a star", manifest: r#"{"name":"x","version":"1.0.0","files":["*"]}"#, files: SOURCES },
    Fixture { rule: "files names everything with two stars", manifest: r#"{"name":"x","version":"1.0.0","files":["**"]}"#, files: SOURCES },
    Fixture { rule: "files is empty", manifest: r#"{"name":"x","version":"1.0.0","files":[]}"#, files: SOURCES },
    Fixture {
        rule: "files holds an empty string",
        manifest: r#"{"name":"x","version":"1.0.0","files":["","lib/main.js"]}"#,
        files: SOURCES,
    },
    Fixture { rule: "files only takes away", manifest: r#"{"name":"x","version":"1.0.0","files":["!test","!*.ts"]}"#, files: SOURCES },
    Fixture { rule: "files takes a folder back", manifest: r#"{"name":"x","version":"1.0.0","files":["lib","!lib/sub"]}"#, files: SOURCES },
    Fixture {
        rule: "files takes a file back",
        manifest: r#"{"name":"x","version":"1.0.0","files":["lib","!lib/secret.txt"]}"#,
        files: SOURCES,
    },
    Fixture {
        rule: "files takes a kind back",
        manifest: r#"{"name":"x","version":"1.0.0","files":["lib","*.ts","!*.d.ts"]}"#,
        files: SOURCES,
    },
    Fixture {
        rule: "files takes back and gives again",
        manifest: r#"{"name":"x","version":"1.0.0","files":["lib","!lib/sub/**","lib/sub/index.js"]}"#,
        files: SOURCES,
    },
    Fixture { rule: "files negates twice", manifest: r#"{"name":"x","version":"1.0.0","files":["!!lib"]}"#, files: SOURCES },
    Fixture {
        rule: "files names a nested file",
        manifest: r#"{"name":"x","version":"1.0.0","files":["lib/sub/index.js","lib/main.js"]}"#,
        files: SOURCES,
    },
    Fixture {
        rule: "files with braces",
        manifest: r#"{"name":"x","version":"1.0.0","files":["{lib,dist}/**/*.{js,ts}","{a..b}.ts"]}"#,
        files: SOURCES,
    },
    Fixture {
        rule: "files with extended globs",
        manifest: r#"{"name":"x","version":"1.0.0","files":["@(lib|src)","+(a|b).ts","dist/!(esm)"]}"#,
        files: SOURCES,
    },
    Fixture {
        rule: "files with a negated extended glob",
        manifest: r#"{"name":"x","version":"1.0.0","files":["lib/!(main|index).js","lib/!(s*)"]}"#,
        files: SOURCES,
    },
    Fixture {
        rule: "files with classes",
        manifest: r#"{"name":"x","version":"1.0.0","files":["[a-b].ts","[!t]ist/**","li[b]/main.js"]}"#,
        files: SOURCES,
    },
    Fixture { rule: "files with a question mark", manifest: r#"{"name":"x","version":"1.0.0","files":["?.ts","li?"]}"#, files: SOURCES },
    Fixture { rule: "files in another case", manifest: r#"{"name":"x","version":"1.0.0","files":["LIB","lib2","A.ts"]}"#, files: SOURCES },
    Fixture {
        rule: "files with a space in a name",
        manifest: r#"{"name":"x","version":"1.0.0","files":["a b.js"," lib/main.js "]}"#,
        files: SOURCES,
    },
    Fixture { rule: "files names dot files", manifest: r#"{"name":"x","version":"1.0.0","files":[".*","lib/.hidden"]}"#, files: SOURCES },
    Fixture {
        rule: "files names what is not there",
        manifest: r#"{"name":"x","version":"1.0.0","files":["nope","lib/nope.js","*.css"]}"#,
        files: SOURCES,
    },
    Fixture {
        rule: "files with stars between",
        manifest: r#"{"name":"x","version":"1.0.0","files":["*/index.js","**/sub/*"]}"#,
        files: SOURCES,
    },
    Fixture {
        rule: "files names a folder anywhere",
        manifest: r#"{"name":"x","version":"1.0.0","files":["**/sub","esm"]}"#,
        files: SOURCES,
    },
    Fixture {
        rule: "files with names that are patterns",
        manifest: r##"{"name":"x","version":"1.0.0","files":["[x].js","\\[y\\].js","{a}.js","\\!bang.js","#hash.js"]}"##,
        files: files!["[x].js", "x.js", "[y].js", "{a}.js", "!bang.js", "#hash.js"],
    },
    Fixture {
        rule: "files is a string",
        manifest: r#"{"name":"x","version":"1.0.0","files":"lib"}"#,
        files: files!["l", "i", "b", "c", "lib/i.js"],
    },
    Fixture { rule: "main goes along", manifest: r#"{"name":"x","version":"1.0.0","files":["src"],"main":"lib/main.js"}"#, files: SOURCES },
    Fixture {
        rule: "main with a dot goes along by era",
        manifest: r#"{"name":"x","version":"1.0.0","files":["src"],"main":"./lib/main.js"}"#,
        files: SOURCES,
    },
    Fixture {
        rule: "main without extension",
        manifest: r#"{"name":"x","version":"1.0.0","files":["src"],"main":"lib/main"}"#,
        files: SOURCES,
    },
    Fixture { rule: "main is a folder", manifest: r#"{"name":"x","version":"1.0.0","files":["src"],"main":"lib"}"#, files: SOURCES },
    Fixture {
        rule: "main is a folder with a slash",
        manifest: r#"{"name":"x","version":"1.0.0","files":["src"],"main":"lib/"}"#,
        files: SOURCES,
    },
    Fixture {
        rule: "main goes along though ignored",
        manifest: r#"{"name":"x","version":"1.0.0","main":"lib/main.js"}"#,
        files: files![".npmignore" => "lib\n*.ts\n", "lib/main.js", "lib/index.js", "a.ts", "b.js"],
    },
    Fixture {
        rule: "browser goes along",
        manifest: r#"{"name":"x","version":"1.0.0","files":["src"],"browser":"lib/main.js"}"#,
        files: SOURCES,
    },
    Fixture {
        rule: "browser that is a map",
        manifest: r#"{"name":"x","version":"1.0.0","files":["src"],"browser":{"a":"b"}}"#,
        files: files!["o", "c", "z", "src/i.js", "src/o", "lib/o"],
    },
    Fixture {
        rule: "bin that is a path goes along by era",
        manifest: r#"{"name":"x","version":"1.0.0","files":["src"],"bin":"./lib/main.js"}"#,
        files: SOURCES,
    },
    Fixture {
        rule: "bin that is a map goes along by era",
        manifest: r#"{"name":"x","version":"1.0.0","files":["src"],"bin":{"a":"lib/main.js","b":"./test/t.js","c":5}}"#,
        files: SOURCES,
    },
    Fixture {
        rule: "bin that is a list goes along by era",
        manifest: r#"{"name":"x","version":"1.0.0","files":["src"],"bin":["lib/main.js"]}"#,
        files: SOURCES,
    },
    Fixture {
        rule: "bin that leads out of the package",
        manifest: r#"{"name":"x","version":"1.0.0","files":["src"],"bin":{"../a":"../../lib/main.js"}}"#,
        files: SOURCES,
    },
    Fixture {
        rule: "directories and man do not bring files along",
        manifest: r#"{"name":"x","version":"1.0.0","files":["src"],"directories":{"bin":"lib"},"man":"docs/LICENSE"}"#,
        files: SOURCES,
    },
    Fixture {
        rule: ".npmignore stands in for .gitignore",
        manifest: PLAIN,
        files: files![".npmignore" => "a.js\n", ".gitignore" => "b.js\n", "a.js", "b.js", "c.js"],
    },
    Fixture {
        rule: "an empty .npmignore stands in for .gitignore",
        manifest: PLAIN,
        files: files![".npmignore" => "", ".gitignore" => "b.js\n", "a.js", "b.js"],
    },
    Fixture {
        rule: ".gitignore counts alone",
        manifest: PLAIN,
        files: files![".gitignore" => "b.js\nlib/\n/dist\n*.log\n!keep.log\n", "a.js", "b.js", "lib/i.js", "x/lib/i.js", "dist/i.js", "x/dist/i.js", "a.log", "keep.log", "x/keep.log"],
    },
    Fixture {
        rule: "ignore files of a folder",
        manifest: PLAIN,
        files: files!["lib/.npmignore" => "a.js\nsub/\n", "lib/.gitignore" => "b.js\n", "lib/a.js", "lib/b.js", "lib/sub/a.js", "lib/sub/c.js", "a.js", "src/.gitignore" => "*\n!i.ts\n", "src/i.ts", "src/j.ts", "src/d/i.ts"],
    },
    Fixture {
        rule: "ignore files of a folder that files names",
        manifest: r#"{"name":"x","version":"1.0.0","files":["lib","src"]}"#,
        files: files!["lib/.npmignore" => "a.js\n", "lib/.gitignore" => "b.js\n", "lib/a.js", "lib/b.js", "lib/c.js", "src/.gitignore" => "*.js\n", "src/a.js", "src/b.ts"],
    },
    Fixture {
        rule: "ignore files of a folder whose file files names",
        manifest: r#"{"name":"x","version":"1.0.0","files":["lib/a.js","lib/sub/b.js"]}"#,
        files: files!["lib/.npmignore" => "a.js\nsub\n", "lib/a.js", "lib/sub/.gitignore" => "b.js\n", "lib/sub/b.js"],
    },
    Fixture {
        rule: "ignore files of the root beside files",
        manifest: r#"{"name":"x","version":"1.0.0","files":["lib"]}"#,
        files: files![".npmignore" => "lib/a.js\n*.ts\n", ".gitignore" => "lib\n", "lib/a.js", "lib/b.ts", "lib/c.js"],
    },
    Fixture {
        rule: "ignore rules with all their spellings",
        manifest: PLAIN,
        files: files![".npmignore" => "# comment\n\n  spaced.js  \n\\#hash\n\\!bang\n/rooted\nfolder/\n**/deep/*.js\n*.{a,b}\n!kept.a\r\ncrlf.js\r\nx/**\n!x/keep\n", "spaced.js", "#hash", "!bang", "rooted", "s/rooted", "folder/f", "s/folder/f", "s/deep/i.js", "f.a", "f.b", "kept.a", "crlf.js", "x/keep", "x/drop"],
    },
    Fixture {
        rule: "ignore rules take everything and give some back",
        manifest: PLAIN,
        files: files![".npmignore" => "*\n!lib/**\n!/index.js\n", "lib/i.js", "lib/sub/i.js", "index.js", "sub/index.js", "a.js"],
    },
    Fixture {
        rule: "ignore rules that name a folder's folder",
        manifest: PLAIN,
        files: files![".gitignore" => "lib/sub\nsrc/**/test\ndocs/*\n!docs/keep\n", "lib/sub/i.js", "lib/i.js", "src/a/test/t.js", "src/test/t.js", "docs/keep", "docs/drop"],
    },
    Fixture {
        rule: "ignore files do not count in another case",
        manifest: PLAIN,
        files: files![".NPMIGNORE" => "a.js\n", ".npmignore" => "B.JS\n", "a.js", "b.js"],
    },
    Fixture {
        rule: "a nested package.json",
        manifest: PLAIN,
        files: files!["pkg/package.json" => r#"{"name":"y","version":"1.0.0","files":["a.js"],"main":"m.js"}"#, "pkg/a.js", "pkg/b.js", "pkg/m.js", "pkg/README.md", "pkg/bin/m.js"],
    },
    Fixture {
        rule: "a nested package.json in a folder that files names",
        manifest: r#"{"name":"x","version":"1.0.0","files":["pkg"]}"#,
        files: files!["pkg/package.json" => r#"{"name":"y","version":"1.0.0","files":["a.js"]}"#, "pkg/.npmignore" => "a.js\n", "pkg/a.js", "pkg/b.js"],
    },
    Fixture { rule: "a nested package.json that is no JSON", manifest: PLAIN, files: files!["pkg/package.json" => "{ nope", "pkg/a.js"] },
    Fixture {
        rule: "node_modules below another folder",
        manifest: PLAIN,
        files: files!["lib/node_modules/q/i.js", "lib/i.js", "node_modules/z/i.js"],
    },
    Fixture {
        rule: "node_modules below a folder that files names",
        manifest: r#"{"name":"x","version":"1.0.0","files":["lib","node_modules"]}"#,
        files: files!["lib/node_modules/q/i.js", "lib/i.js", "node_modules/z/i.js"],
    },
    Fixture {
        rule: "bundled dependencies go along with all they need",
        manifest: r#"{"name":"x","version":"1.0.0","dependencies":{"a":"*","z":"*"},"bundleDependencies":["a"]}"#,
        files: files![
            "index.js",
            "node_modules/a/package.json" => r#"{"name":"a","version":"1.0.0","dependencies":{"b":"*","c":"*"}}"#, "node_modules/a/i.js",
            "node_modules/a/test/t.js", "node_modules/a/.npmignore" => "test\n", "node_modules/a/.npmrc",
            "node_modules/a/node_modules/c/package.json" => r#"{"name":"c","version":"1.0.0"}"#, "node_modules/a/node_modules/c/i.js",
            "node_modules/b/package.json" => r#"{"name":"b","version":"1.0.0","files":["i.js"]}"#, "node_modules/b/i.js", "node_modules/b/j.js",
            "node_modules/z/package.json" => r#"{"name":"z","version":"1.0.0"}"#, "node_modules/z/i.js",
        ],
    },
    Fixture {
        rule: "bundled dependencies of a scope beside files",
        manifest: r#"{"name":"x","version":"1.0.0","files":["lib"],"dependencies":{"@s/a":"*","@s/b":"*"},"bundledDependencies":["@s/a"]}"#,
        files: files![
            "lib/i.js", "index.js", "node_modules/@s/a/package.json" => r#"{"name":"@s/a","version":"1.0.0"}"#, "node_modules/@s/a/i.js",
            "node_modules/@s/b/package.json" => r#"{"name":"@s/b","version":"1.0.0"}"#, "node_modules/@s/b/i.js",
        ],
    },
    Fixture {
        rule: "bundled dependencies that development wants too",
        manifest: r#"{"name":"x","version":"1.0.0","dependencies":{"a":"*"},"devDependencies":{"a":"*"},"bundledDependencies":["a"]}"#,
        files: files!["node_modules/a/package.json" => r#"{"name":"a","version":"1.0.0"}"#, "node_modules/a/i.js"],
    },
    Fixture { rule: "a name with a star stays out by era", manifest: PLAIN, files: files!["a*b.js", "lib/*", "ok.js"] },
    Fixture {
        rule: "names with a new line, quotes and letters of any script",
        manifest: r#"{"name":"x","version":"1.0.0","files":["lib"]}"#,
        files: files!["lib/a\nb.js", "lib/\u{1}", "lib/é.js", "lib/\"q\"", "lib/文字.js", "lib/a\\b.js"],
    },
    Fixture {
        rule: "a gyp file and its kin",
        manifest: PLAIN,
        files: files!["addon.gyp", "lib/x.gyp", ".gitignore" => "b\n", "lib/.gitignore" => "c\n"],
    },
    Fixture {
        rule: "package.json with a byte order mark",
        manifest: "\u{feff}{\"name\":\"x\",\"version\":\"1.0.0\",\"files\":[\"lib\"]}",
        files: files!["lib/i.js", "index.js"],
    },
    Fixture {
        rule: "package.json that files takes back",
        manifest: r#"{"name":"x","version":"1.0.0","files":["lib","!package.json"]}"#,
        files: files!["lib/i.js", "index.js"],
    },
    Fixture {
        rule: "patched dependencies stay out by era",
        manifest: r#"{"name":"x","version":"1.0.0","files":["lib","p.patch"],"patchedDependencies":{"a":"lib/a.patch","b":"./p.patch"}}"#,
        files: files!["lib/i.js", "lib/a.patch", "p.patch"],
    },
    Fixture {
        rule: "a slash behind a folder in files, and the folder a second time without one",
        manifest: r#"{"name":"x","version":"1.0.0","files":["dist/","lib/","lib","deep/*/","a/b/","./odd/","{s,t}/","index.js/"]}"#,
        files: files!["dist/i.js", "dist/u/u.js", "lib/i.js", "lib/.npmignore" => "no.js\n", "lib/no.js", "deep/x/i.js", "deep/f", "a/b/c/i.js", "a/n", "odd/o", "s/1", "t/2", "index.js"],
    },
    Fixture {
        rule: "a slash behind a folder in files, which ignore files leave out in part",
        manifest: r#"{"name":"x","version":"1.0.0","files":["dist/","src/"]}"#,
        files: files![".npmignore" => "dist/\nsrc/no\n", "dist/i.js", "src/no/i.js", "src/x.js", "src/.npmignore" => "/t\n", "src/t/i.js", "src/core"],
    },
    Fixture {
        rule: "a negation behind a glob that looks everywhere",
        manifest: r#"{"name":"x","version":"1.0.0","files":["**/*.js","lib","!foo.js","!lib/no.js","!lib/*.ts"]}"#,
        files: files!["foo.js", "bar.js", "lib/no.js", "lib/a.ts", "lib/b/c.ts", "lib/b/foo.js"],
    },
    Fixture {
        rule: "bundled dependencies under their other name, with files",
        manifest: r#"{"name":"x","version":"1.0.0","files":["lib/","**/*.js"],"bundledDependencies":["b"],"dependencies":{"b":"1"}}"#,
        files: files!["lib/i.js", "node_modules/b/index.js", "node_modules/b/data.txt", "node_modules/b/package.json" => r#"{"name":"b","version":"1.0.0"}"#, "node_modules/c/package.json" => r#"{"name":"c","version":"1.0.0"}"#],
    },
    Fixture {
        rule: "workspaces of the root do not change its own list",
        manifest: r#"{"name":"x","version":"1.0.0","workspaces":["packages/*"]}"#,
        files: files!["packages/a/package.json" => r#"{"name":"a","version":"1.0.0","files":["i.js"]}"#, "packages/a/i.js", "packages/a/j.js", "packages/a/.npmignore" => "j.js\n", "index.js"],
    },
];

fn write(root: &Path, fixture: &Fixture) {
    fs::create_dir_all(root).unwrap();
    fs::write(root.join("package.json"), fixture.manifest).unwrap();
    for (path, content) in fixture.files {
        let target = root.join(path);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, content).unwrap();
    }
}

/// The oracle's answers: the lists, or the client's error.
fn ask(requests: &[(String, String)]) -> Vec<Result<Vec<String>, String>> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("__test__/conformance");
    let mut child = Command::new("node")
        .arg(folder.join("packlist-oracle.mjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("node runs");
    let lines = requests.iter().map(|(version, dir)| serde_json::json!({ "version": version, "dir": dir }).to_string());
    let lines = lines.collect::<Vec<String>>().join("\n") + "\n";
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().ok();
    assert!(output.status.success(), "the oracle failed: {}", String::from_utf8_lossy(&output.stderr));
    let answers: Vec<serde_json::Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), requests.len(), "the oracle answers every request");
    let answer = |value: &serde_json::Value| match value.get("list") {
        Some(list) => Ok(list.as_array().unwrap().iter().map(|path| path.as_str().unwrap().to_owned()).collect()),
        None => Err(value["error"].as_str().unwrap_or_default().to_owned()),
    };
    answers.iter().map(answer).collect()
}

/// As the archive writers of npm put it: without `./`.
fn plain(paths: impl IntoIterator<Item = String>) -> BTreeSet<String> {
    paths.into_iter().map(|path| path.strip_prefix("./").map(str::to_owned).unwrap_or(path)).collect()
}

/// One line per list that differs from the oracle's.
fn differences(requests: &[(String, String)]) -> Vec<((String, String), String)> {
    let mut found = Vec::new();
    for (request, answer) in requests.iter().zip(ask(requests)) {
        let (version, dir) = request;
        let rules = VERSIONS.iter().find(|(name, _)| name == version).unwrap().1;
        let rule = FIXTURES[Path::new(dir).file_name().unwrap().to_str().unwrap().parse::<usize>().unwrap()].rule;
        let tree = DirTree::new(Path::new(dir)).unwrap();
        let ours = list::entries(&tree, rules, &Context::default());
        let ours = ours.map(|entries| plain(entries.into_iter().map(|entry| entry.path)));
        match (answer.map(plain), ours) {
            (Ok(theirs), Ok(ours)) if theirs == ours => {}
            // Every tree can be listed: an oracle that fails has a reason of its own, and agrees
            // with nothing.
            (theirs, ours) => found.push((request.clone(), format!("{version}: {rule}\n  theirs {theirs:?}\n  ours   {ours:?}"))),
        }
    }
    found
}

#[test]
fn lists_agree_with_the_real_clients() {
    let root = tempfile::tempdir().unwrap();
    let mut requests = Vec::new();
    for (version, _) in &VERSIONS {
        for (at, fixture) in FIXTURES.iter().enumerate() {
            let dir = root.path().join(at.to_string());
            if !dir.exists() {
                write(&dir, fixture);
            }
            requests.push(((*version).to_owned(), dir.to_str().unwrap().to_owned()));
        }
    }
    let (total, mut failures) = (requests.len(), differences(&requests));
    // fstream reads a folder while its listing is being filtered, and now and then loses a file: it
    // is asked again.
    for _ in 0..3 {
        let (racy, mut sure): (Vec<_>, Vec<_>) = failures.into_iter().partition(|((version, _), _)| version.starts_with("fstream"));
        let again: Vec<_> = racy.into_iter().map(|(request, _)| request).collect();
        if !again.is_empty() {
            sure.extend(differences(&again));
        }
        failures = sure;
    }
    let lines: Vec<&str> = failures.iter().map(|(_, line)| line.as_str()).collect();
    assert!(lines.is_empty(), "{} of {total} lists differ:\n{}", lines.len(), lines.join("\n"));
}
