//! One test for each cause, and for what speaks for it.

use super::*;
use crate::tests::{archive, source};
use crate::{Limits, explain};

const MANIFEST: &str = "{\"name\":\"a\",\"version\":\"1.0.0\",\"scripts\":{\"build\":\"x\"}}";

fn cause_with(published: &[(&str, &str)], rebuilt: &[(&str, &str)], source: &Source, built: Built) -> (Cause, String) {
    let [ours, theirs] = [published, rebuilt].map(|files| {
        let manifest = (!files.iter().any(|(path, _)| *path == "package.json")).then_some(("package.json", MANIFEST));
        archive(&manifest.into_iter().chain(files.iter().copied()).collect::<Vec<_>>())
    });
    let comparison = npm_tarball::compare(&ours, &theirs);
    let explanations = explain(&ours, &theirs, &comparison, source, &Limits::default());
    let likely = likely(&ours, &theirs, &explanations, source, built).expect("something differs");
    (likely.cause, likely.reasons.join("\n"))
}

fn cause(published: &[(&str, &str)], rebuilt: &[(&str, &str)], built: Built) -> Cause {
    cause_with(published, rebuilt, &Source::default(), built).0
}

#[test]
fn code_that_nothing_explains_comes_first() {
    for (published, rebuilt, built) in [
        // Something was added to what a build makes, and to what is packed as it is.
        (&[("dist/a.js", "a()\nsteal()"), ("dist/b.js", "b()")][..], &[("dist/a.js", "a()"), ("dist/b.js", "b()")][..], Built::Ended),
        (&[("a.js", "a()\nsteal()")], &[("a.js", "a()")], Built::No),
        // A file was added: at the root, at a place of builds, where there is no build and
        // where it ended well.
        (&[("a.js", "a()"), ("setup.js", "s()")], &[("a.js", "a()")], Built::No),
        (&[("a.js", "a()"), ("dist/setup.js", "s()")], &[("a.js", "a()")], Built::No),
        (&[("dist/a.js", "a()"), ("dist/setup.js", "s()")], &[("dist/a.js", "a()")], Built::Ended),
        (
            &[("dist/a.js", "a()"), ("dist/b.js", "b()"), ("dist/setup.js", "s()")],
            &[("dist/a.js", "a()"), ("dist/b.js", "b()")],
            Built::Failed,
        ),
        // A program without an extension, and one among an editor's files.
        (&[("a.js", "a()"), ("setup", "#!")], &[("a.js", "a()")], Built::No),
        (&[("a.js", "a()"), (".vscode/setup.mjs", "s()")], &[("a.js", "a()")], Built::No),
        // Beside a hundred harmless differences.
        (&[("a.js", "a()\r\n"), ("b.js", "b(1)")], &[("a.js", "a()\n"), ("b.js", "b(2)")], Built::No),
    ] {
        assert_eq!(cause(published, rebuilt, built), Cause::UnexplainedCode, "{published:?}");
    }
}

#[test]
fn what_is_named_without_quotes_or_obeyed_by_an_installation_is_code() {
    const CODE: &str = "console.log('x', require('os').arch())\n";
    let at_install = "{\"scripts\":{\"postinstall\":\"pip install -r requirements.txt -c pins.lst\"}}";
    for (there, path, text) in [
        (("run.sh", "#!/bin/sh\nnode $(dirname $0)/notes.txt\n"), "notes.txt", CODE),
        (("x.html", "<script src=notes.txt></script>\n"), "notes.txt", CODE),
        (("a.mjs", "import{createRequire as c}from'module';const r=c(import.meta.url);r('./no'+'tes.txt')\n"), "notes.txt", CODE),
        (("package.json", at_install), "requirements.txt", "good\nevil\n"),
        (("package.json", at_install), "pins.lst", "good\nevil\n"),
    ] {
        assert_eq!(cause(&[there, (path, text)], &[there], Built::No), Cause::UnexplainedCode, "{there:?} {path}");
    }
    let control = ("a.mjs", "import x from 'y'; export default x.z\n");
    assert_eq!(cause(&[control, ("notes.txt", CODE)], &[control], Built::No), Cause::SourceNotThere);
}

#[test]
fn the_order_of_conditions_is_code_and_that_of_other_keys_is_none() {
    for (path, key, expected) in [
        ("package.json", "exports", Cause::UnexplainedCode),
        ("lib/package.json", "imports", Cause::UnexplainedCode),
        ("package.json", "config", Cause::BuildNotMatched),
        ("lib/data.json", "exports", Cause::BuildNotMatched),
    ] {
        let text = |one: &str, two: &str| format!(r#"{{"{key}":{{"{one}":"./a.js","{two}":"./a.js"}}}}"#);
        let [published, rebuilt] = [text("node", "default"), text("default", "node")];
        assert_eq!(cause(&[(path, &published)], &[(path, &rebuilt)], Built::Ended), expected, "{path} {key}");
    }
}

#[test]
fn what_package_json_runs_loads_or_installs_is_code() {
    for (key, published) in [
        ("scripts.preinstall", "{\"scripts\":{\"preinstall\":\"node setup.js\"}}"),
        ("bin", "{\"bin\":\"b.js\",\"scripts\":{}}"),
        ("dependencies.evil", "{\"dependencies\":{\"evil\":\"1\"}}"),
        ("dependencies.a", "{\"dependencies\":{\"a\":\"npm:evil@1\"}}"),
        ("dependencies.a", "{\"dependencies\":{\"a\":\"https://evil.example/a.tgz\"}}"),
        ("dependencies.a", "{\"dependencies\":{\"a\":\"6.6.6\"}}"),
        ("dependencies.a", "{\"dependencies\":{\"a\":\"1.0.0 || 6.6.6\"}}"),
        ("dependencies.a", "{\"dependencies\":{\"a\":\">=1.0.0\"}}"),
        ("dependencies.a", "{\"dependencies\":{\"a\":\"1 - 9\"}}"),
        ("dependencies.a", "{\"dependencies\":{\"a\":\"evil1\"}}"),
        ("binary", "{\"exports\":\"./b.js\",\"binary\":{\"host\":\"evil.example\"}}"),
        ("type", "{\"type\":\"module\"}"),
        // What is taken away, and what only bundlers read.
        ("exports", "{}"),
        ("react-native", "{\"exports\":\"./b.js\",\"react-native\":\"package/x\"}"),
        ("config", "{\"exports\":\"./b.js\",\"config\":{\"file\":\"x\"}}"),
        ("unpkg", "{\"exports\":\"./b.js\",\"unpkg\":\"./x.txt\"}"),
        ("jsdelivr", "{\"exports\":\"./b.js\",\"jsdelivr\":\"./x.txt\"}"),
        ("browserify", "{\"exports\":\"./b.js\",\"browserify\":{\"transform\":[\"evil\"]}}"),
        ("bundleDependencies", "{\"exports\":\"./b.js\",\"bundleDependencies\":true}"),
    ] {
        let rebuilt = "{\"dependencies\":{\"a\":\"^1.0.0\"},\"a\":1,\"exports\":\"./b.js\"}";
        let (cause, reasons) = cause_with(
            &[("package.json", published), ("package/x.js", "")],
            &[("package.json", rebuilt), ("package/x.js", "")],
            &Source::default(),
            Built::Ended,
        );
        assert_eq!((cause, reasons.contains(key)), (Cause::UnexplainedCode, true), "{reasons}");
    }
    let harmless = "{\"gitHead\":\"x\",\"scripts\":{\"test\":\"x\"},\"dependencies\":{\"a\":\"1.0.1\"}}";
    assert_eq!(
        cause(&[("package.json", harmless)], &[("package.json", "{\"dependencies\":{\"a\":\"^1.0.0\"}}")], Built::Ended),
        Cause::BuildNotMatched
    );
}

#[test]
fn what_a_script_or_package_json_names_is_code_whatever_its_name() {
    let loads = |main: &str| format!("{{\"name\":\"a\",\"version\":\"1.0.0\",\"main\":\"{main}\"}}");
    for (path, main, script) in [
        ("core.bak", "core.bak", ""),
        ("core.bak", "index.js", "require('./core.bak')"),
        (".cache/core.dat", ".cache/core.dat", ""),
        ("LICENSE", "LICENSE", ""),
    ] {
        let manifest = loads(main);
        let common = [("package.json", manifest.as_str()), ("index.js", script)];
        let published = [common[0], common[1], (path, "evil()")];
        assert_eq!(cause(&published, &common, Built::No), Cause::UnexplainedCode, "{path} {main}");
        let installs = format!("{},\"scripts\":{{\"postinstall\":\"sh *\"}}}}", loads(main).trim_end_matches('}'));
        let (with, without) = ([("package.json", installs.as_str()), ("x.orig", "evil()")], [("package.json", installs.as_str())]);
        assert_eq!(cause(&with, &without, Built::No), Cause::UnexplainedCode);
        let harmless = [common[0], common[1], ("core.orig", "evil()")];
        assert_eq!(cause(&harmless, &common, Built::No), Cause::PublisherMachine, "{path} {main}");
    }
}

#[test]
fn what_is_obeyed_by_its_name_and_what_a_name_that_is_put_together_loads_is_code() {
    let main = ("package.json", MANIFEST);
    for (script, added) in [
        ("x()", &[("npm-shrinkwrap.json", "{\"lockfileVersion\":2}")][..]),
        ("x()", &[(".babelrc", "{\"presets\":[\"evil\"]}")]),
        ("require('./lib')", &[("lib/package.json", "{\"main\":\"notes.txt\"}"), ("lib/notes.txt", "evil()")]),
        ("require('./notes' + '.txt')", &[("notes.txt", "evil()")]),
        ("const r = require; r('./no' + 'tes.md')", &[("notes.md", "evil()")]),
    ] {
        let common = [main, ("index.js", script)];
        let published: Vec<_> = common.iter().chain(added).copied().collect();
        assert_eq!(cause(&published, &common, Built::No), Cause::UnexplainedCode, "{script} {added:?}");
    }
    // The control: the same text where names are whole, and a text where they are not.
    for (script, added) in [
        ("require('./a')", ("notes.txt", "evil()")),
        ("require(a)", ("notes.txt", "Some words (and more).")),
        ("require(a)", ("a.json", "[1]")),
    ] {
        let common = [main, ("index.js", script)];
        let published = [common[0], common[1], added];
        assert_eq!(cause(&published, &common, Built::No), Cause::SourceNotThere, "{script} {added:?}");
    }
}

#[test]
fn most_of_the_code_speaks_for_another_commit_or_another_build() {
    let ours: Vec<(&str, &str)> = ["a.js", "b.js", "c.js"].map(|path| (path, "x(1)")).into();
    let theirs: Vec<(&str, &str)> = ["a.js", "b.js", "c.js"].map(|path| (path, "x(2)")).into();
    assert_eq!(cause(&ours, &theirs, Built::No), Cause::SourceNotThere);
    assert_eq!(cause(&ours, &theirs, Built::Ended), Cause::BuildNotMatched);
    // An unreadable one among them is looked at all the same.
    let names: Vec<String> = (0..200).map(|at| format!("var _0x{at:04x}=_0x{:04x}(0x{at:x});", at + 1)).collect();
    let names = names.concat();
    let mut obfuscated = ours.clone();
    obfuscated[0].1 = &names;
    assert_eq!(cause(&obfuscated, &theirs, Built::Ended), Cause::UnexplainedCode);
}

#[test]
fn a_build_that_was_not_found_makes_all_of_the_code() {
    assert_eq!(cause(&[("dist/a.js", "a()"), ("dist/a.d.ts", "a")], &[], Built::No), Cause::BuildNotMatched);
    assert_eq!(cause(&[("dist/a.js", "a()")], &[], Built::Failed), Cause::BuildNotMatched);
    assert_eq!(cause(&[("dist/a.d.ts", "a"), ("a.js", "a()")], &[("a.js", "a()")], Built::Ended), Cause::BuildNotMatched);
    assert_eq!(cause(&[("a.js", "// 2024-01-02\na()")], &[("a.js", "// 2024-01-03\na()")], Built::Ended), Cause::BuildNotMatched);
}

#[test]
fn what_differs_on_the_surface_and_does_something_else_is_code() {
    for (path, published, rebuilt) in [
        ("a.js", "load(\"https://a.example/x@1.0.0/i.js\")", "load(\"https://a.example/x@1.0.1/i.js\")"),
        ("a.js", "eval('1.0.0')", "eval('1.0.1')"),
        ("a.js", "// babel 1.0.0\nrequire('babel@1.0.0')", "// babel 1.0.1\nrequire('babel@1.0.1')"),
        ("a.js", "token === \"aaaaaaaaaaa9bbbbbbbb\"", "token === \"0123456789abcdef0123\""),
        ("a.js", "import(/* webpackIgnore: true */x)", "import(/* a */x)"),
        ("a.sh", "rm -rf / tmp/x\n", "rm -rf /tmp/x\n"),
        ("a.sh", "a\nb #\r\nc\n", "a\nb #\nc\n"),
        ("a.sh", "curl https://a.example/6.6.6.sh | sh", "curl https://a.example/1.0.0.sh | sh"),
        ("bin/a", "#!/tmp/x/node\na()\n", "#!/usr/bin/node\na()\n"),
        ("a.py", "if x:\n  a()\n  b()\n", "if x:\n  a()\nb()\n"),
    ] {
        assert_eq!(cause(&[(path, published)], &[(path, rebuilt)], Built::Ended), Cause::UnexplainedCode, "{published}");
    }
    for (path, published, rebuilt, expected) in [
        ("a.js", "v = '1.0.0'", "v = '1.0.1'", Cause::BuildNotMatched),
        ("a.js", "// 1.0.0 and 2024-01-02\na()", "// 1.0.1 and 2024-01-03\na()", Cause::BuildNotMatched),
        ("a.js", "import('./x-0a9b8c7.js')", "import('./x-3f2a1bc.js')", Cause::BuildNotMatched),
        ("a.sh", "a\r\nb\r\n", "a\nb\n", Cause::PublisherMachine),
        ("bin/a", "#!/usr/bin/env node\nv = '1.0.0'\n", "#!/usr/bin/env node\nv = '1.0.1'\n", Cause::BuildNotMatched),
    ] {
        assert_eq!(cause(&[(path, published)], &[(path, rebuilt)], Built::Ended), expected, "{published}");
    }
    // A chunk that the build made too is another chunk, and no other name of this one.
    let chunks = [("x-0a9b8c7.js", "a()"), ("x-3f2a1bc.js", "b()")];
    let with = |text: &'static str| [chunks[0], chunks[1], ("a.js", text)];
    assert_eq!(cause(&with("import('./x-0a9b8c7.js')"), &with("import('./x-3f2a1bc.js')"), Built::Ended), Cause::UnexplainedCode);
}

#[test]
fn what_is_loaded_or_obeyed_and_is_on_one_side_alone_is_code() {
    let main = ("index.js", "require('./core'); try { require('./guard') } catch {}");
    let inner = ("core/index.js", "safe()");
    let both = [main, inner, ("examples/x.js", "evil()")];
    assert_eq!(cause(&[main, inner, ("core.js", "evil()")], &both, Built::No), Cause::UnexplainedCode, "renamed");
    let folder = ("package.json", "{\"name\":\"a\",\"version\":\"1.0.0\",\"main\":\"lib\"}");
    let renamed = ([folder, ("lib/index.js", "evil()")], [folder, ("demo/x.js", "evil()")]);
    assert_eq!(cause(&renamed.0, &renamed.1, Built::No), Cause::UnexplainedCode, "the main folder's");
    assert_eq!(cause(&[main, inner], &[main, inner, ("guard.js", "stop()")], Built::No), Cause::UnexplainedCode, "not published");
    for (path, text) in [("core.js", "evil()"), ("binding.gyp", "{}"), ("lib/package.json", "{\"main\":\"evil.js\"}")] {
        let published = [main, inner, (path, text)];
        let known = source(&[(path, &archive(&published), path)], "");
        assert_eq!(cause_with(&published, &[main, inner], &known, Built::No).0, Cause::UnexplainedCode, "{path}");
    }
    let harmless = [main, inner, ("test.js", "t()")];
    let known = source(&[("test.js", &archive(&harmless), "test.js")], "");
    assert_eq!(cause_with(&harmless, &[main, inner], &known, Built::No).0, Cause::PublisherMachine, "the control");
    assert_eq!(cause(&[main, inner], &harmless, Built::No), Cause::PublisherMachine, "the control");
}

#[test]
fn traces_of_a_machine_are_the_machines() {
    assert_eq!(cause(&[("a.js", "a()\r\n"), (".DS_Store", "x")], &[("a.js", "a()\n")], Built::No), Cause::PublisherMachine);
    let packed = [("a.js", "a()"), ("b.js", "b()")];
    let known = source(&[("b.js", &archive(&packed), "b.js")], "");
    let left_out = cause_with(&packed, &packed[..1], &known, Built::No);
    assert_eq!(left_out.0, Cause::PublisherMachine);
    // In the source with other bytes.
    let other = source(&[("b.js", &archive(&packed), "a.js")], "");
    assert_eq!(cause_with(&packed, &packed[..1], &other, Built::No).0, Cause::UnexplainedCode);
}

#[test]
fn texts_that_were_never_committed_are_not_in_the_source() {
    assert_eq!(cause(&[("a.js", "a()"), ("notes.md", "x")], &[("a.js", "a()")], Built::No), Cause::SourceNotThere);
}

#[test]
fn five_files_are_named_and_the_rest_is_counted() {
    let paths: Vec<String> = (0..8).map(|at| format!("n{at}.md")).collect();
    let files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "x")).collect();
    let (_, reasons) = cause_with(&files, &[], &Source::default(), Built::No);
    assert_eq!((reasons.lines().count(), reasons.lines().last()), (6, Some("and 3 more")));
}
