//! The likeliest reason why a package did not come out, from the explanations of its files.
//!
//! Code that nothing explains comes first, whatever else differs: it is what a reader must look at.
//! A gentler reason is given only where each file has one.

use std::collections::BTreeSet;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use npm_spec::manifest::LARGEST_PACKED;
use npm_tarball::{Archive, Entry};

use super::data::{Looks, does_nothing, looks};
use super::loads::{Loads, acting, is_obeyed};
use super::script::is_javascript;
use super::{Class, Explanation, Source, dense, json, place, text};

/// Files that the reasons name; the rest is counted.
const NAMED: usize = 5;
/// Code files that must differ, at the least, before all of them together speak for another build
/// rather than for a change in one.
const MANY: usize = 3;
/// Bytes of a file that are searched for signs of obfuscation.
const SEARCHED: u64 = 4 << 20;

/// What is likely behind it. The first that any file speaks for counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// Code was published that neither the source nor a build accounts for.
    UnexplainedCode,
    /// The published state is not in the repository: another commit, or files that were never
    /// committed.
    SourceNotThere,
    /// A toolchain, a time, a dependency or a build that was not found makes the difference.
    BuildNotMatched,
    /// Modes, line endings and stray files of the machine that published.
    PublisherMachine,
}

impl Cause {
    const ALL: [Self; 4] = [Self::UnexplainedCode, Self::SourceNotThere, Self::BuildNotMatched, Self::PublisherMachine];

    /// The stable, kebab-case name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnexplainedCode => "unexplained-code",
            Self::SourceNotThere => "source-not-there",
            Self::BuildNotMatched => "build-not-matched",
            Self::PublisherMachine => "publisher-machine",
        }
    }

    /// For a reader.
    pub fn words(self) -> &'static str {
        match self {
            Self::UnexplainedCode => "unexplained code",
            Self::SourceNotThere => "the published state is not in the source",
            Self::BuildNotMatched => "another build than was found",
            Self::PublisherMachine => "the publisher's machine",
        }
    }
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Cause {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::ALL.into_iter().find(|cause| cause.code() == code).ok_or_else(|| D::Error::custom("no likely cause"))
    }
}

/// The likeliest reason, with what speaks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Likely {
    /// The reason.
    pub cause: Cause,
    /// The files that speak for it, with a line each; at most five, and a count of the rest.
    pub reasons: Vec<String>,
}

/// What became of the build behind the closest attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Built {
    /// There was none.
    No,
    /// It did not come to its end.
    Failed,
    /// It came to its end.
    Ended,
}

/// The likeliest reason for the files that differ. `None` if none does.
pub fn likely(published: &Archive, rebuilt: &Archive, explanations: &[Explanation], source: &Source, built: Built) -> Option<Likely> {
    let case = Case { published, rebuilt, source, built, loads: Loads::of(published) };
    let sides: Vec<(Side, String)> = explanations.iter().flat_map(|one| case.sides(one)).collect();
    let number = |wanted: Side| sides.iter().filter(|(side, _)| *side == wanted).count();
    let (code, unbuilt) = (number(Side::Code), number(Side::Unbuilt));
    let entries = published.entries().iter();
    let all = entries.filter(|entry| is_code(&entry.path) && !is_declaration(&entry.path)).count();
    // Another commit or another compiler changes most of the code; who adds something changes a
    // file or two.
    let most = |number: usize| number >= MANY && number.saturating_mul(2) > all;
    // No code came out: of what is code by its name, as only that can be counted on both sides.
    let of_build = |one: &&Explanation| one.class == Class::NotBuilt && is_code(&one.path) && !is_declaration(&one.path);
    let is_all = all > 0 && explanations.iter().filter(of_build).count() == all;
    let of_most = if built == Built::No { Cause::SourceNotThere } else { Cause::BuildNotMatched };
    let cause_of = |side: Side| match side {
        Side::Code if most(code) => of_most,
        Side::Unbuilt if most(unbuilt) || is_all => Cause::BuildNotMatched,
        Side::Code | Side::Unbuilt => Cause::UnexplainedCode,
        Side::Cause(certain) => certain,
    };
    let first = sides.iter().map(|(side, _)| cause_of(*side)).min()?;
    let lines: BTreeSet<&String> = sides.iter().filter(|(side, _)| cause_of(*side) == first).map(|(_, line)| line).collect();
    let mut reasons: Vec<String> = lines.iter().take(NAMED).map(|line| (*line).clone()).collect();
    if let Some(more) = lines.len().checked_sub(NAMED).filter(|more| *more > 0) {
        reasons.push(format!("and {more} more"));
    }
    Some(Likely { cause: first, reasons })
}

/// What a file speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// For a reason, by itself.
    Cause(Cause),
    /// It is code that nothing explains: together with the others it may speak for another build.
    Code,
    /// It is code that a build may make, and none came so far: with the others it speaks for a
    /// build, alone for nothing.
    Unbuilt,
}

struct Case<'a> {
    published: &'a Archive,
    rebuilt: &'a Archive,
    source: &'a Source,
    built: Built,
    loads: Loads<'a>,
}

impl Case<'_> {
    /// What one file that differs speaks for, each with a line.
    fn sides(&self, one: &Explanation) -> Vec<(Side, String)> {
        if one.class == Class::ManifestKeys {
            return self.of_manifest();
        }
        let side = self.side(one);
        let words = one.class.words();
        vec![(side, format!("{}: {words}", text::cut(&one.path, 120)))]
    }

    fn side(&self, one: &Explanation) -> Side {
        let path = one.path.as_str();
        let unmatched = if self.built == Built::No { Cause::SourceNotThere } else { Cause::BuildNotMatched };
        match one.class {
            Class::LineEndings | Class::FinalNewline | Class::ByteOrderMark | Class::Whitespace | Class::LocalPath => {
                Side::Cause(Cause::PublisherMachine)
            }
            Class::OtherMode | Class::NotPublished | Class::RootLicense => Side::Cause(Cause::PublisherMachine),
            Class::Renamed if self.built == Built::No => Side::Cause(Cause::PublisherMachine),
            Class::KeyOrder if self.reorders_conditions(path) => Side::Cause(Cause::UnexplainedCode),
            class if class.is_surface() => Side::Cause(Cause::BuildNotMatched),
            Class::ToolVersion | Class::SourceMap | Class::SourceMapPaths | Class::SourceMapContent | Class::Renamed => {
                Side::Cause(Cause::BuildNotMatched)
            }
            Class::OtherTarget | Class::OtherType => Side::Cause(Cause::UnexplainedCode),
            Class::NotPacked if self.is_as_in_source(path) => Side::Cause(Cause::PublisherMachine),
            Class::AddedFile | Class::PublisherFile if self.is_run(path) => Side::Cause(Cause::UnexplainedCode),
            Class::PublisherFile => Side::Cause(Cause::PublisherMachine),
            Class::AddedFile => Side::Cause(Cause::SourceNotThere),
            Class::NotBuilt if !self.is_run(path) => Side::Cause(Cause::BuildNotMatched),
            // A build that was not found, or did not come so far.
            Class::NotBuilt if self.built != Built::Ended => Side::Unbuilt,
            _ if !self.is_run(path) => Side::Cause(unmatched),
            _ if self.is_obfuscated(path) => Side::Cause(Cause::UnexplainedCode),
            _ => Side::Code,
        }
    }

    /// What package.json speaks for: what it runs and loads counts as code, what it depends on by
    /// name too.
    fn of_manifest(&self) -> Vec<(Side, String)> {
        // One that is larger than any that is read is no object that can be read.
        let small = |entry: &&Entry| entry.size <= LARGEST_PACKED;
        let read = |archive: &Archive| {
            let content = |entry| archive.content(entry).ok();
            archive.get("package.json").and_then(|entry| Some(entry).filter(small).map_or_else(|| Some(Vec::new()), content))
        };
        let (Some(ours), Some(theirs)) = (read(self.published), read(self.rebuilt)) else { return Vec::new() };
        let Some([Value::Object(ours), Value::Object(theirs)]) = json::both(&ours, &theirs) else {
            return vec![(Side::Cause(Cause::UnexplainedCode), "package.json: no object that can be read".to_owned())];
        };
        let acts = acting(&ours, &theirs, self.published);
        if acts.is_empty() {
            let cause = if self.built == Built::No { Cause::PublisherMachine } else { Cause::BuildNotMatched };
            return vec![(Side::Cause(cause), "package.json: other keys, none of which is run or loaded".to_owned())];
        }
        acts.into_iter().map(|key| (Side::Cause(Cause::UnexplainedCode), format!("package.json: {}", text::cut(&key, 80)))).collect()
    }

    /// Whether a package.json has the conditions of `exports` or `imports` in another order: the
    /// first that holds is taken, so that other files are loaded.
    fn reorders_conditions(&self, path: &str) -> bool {
        let read = |archive: &Archive| {
            let entry = archive.get(path).filter(|entry| entry.size <= SEARCHED)?;
            archive.content(entry).ok()
        };
        let is_manifest = path.rsplit('/').next() == Some("package.json");
        let both = || json::both(&read(self.published)?, &read(self.rebuilt)?);
        let text = |manifest: &Value, key: &str| manifest.get(key).and_then(|value| serde_json::to_string(value).ok());
        // What cannot be read may have any order.
        is_manifest && both().is_none_or(|[ours, theirs]| ["exports", "imports"].iter().any(|key| text(&ours, key) != text(&theirs, key)))
    }

    /// Whether a file is run or loaded: by its name, or because a script or package.json names it
    /// and it is no data.
    fn is_run(&self, path: &str) -> bool {
        if is_code(path) && !is_declaration(path) {
            return true;
        }
        if self.loads.is_for_installation(path) {
            return true;
        }
        // A script of the installation may take any file, by a word or by a pattern.
        let is_named = || self.loads.runs_at_install() || self.loads.names(path);
        let Some(entry) = self.published.get(path).filter(|_| !is_declaration(path)) else { return false };
        // Whose name is put together can be any file: of those, what is a program.
        let is_loaded = || is_named() || (self.loads.puts_names_together() && self.is_program(path));
        looks(path, entry.size, &Value::Null, || self.published.open(entry)) == Looks::Run && is_loaded()
    }

    /// Whether a file of any name is JavaScript that does something.
    fn is_program(&self, path: &str) -> bool {
        let content = self.published.get(path).filter(|entry| entry.size <= SEARCHED).and_then(|entry| self.published.content(entry).ok());
        content.is_some_and(|content| {
            let does_something = std::str::from_utf8(&content).is_ok_and(|text| !does_nothing(text));
            does_something && is_javascript(&content)
        })
    }

    fn is_as_in_source(&self, path: &str) -> bool {
        self.published.get(path).is_some_and(|entry| self.source.blob(path) == Some(&entry.blob_id))
    }

    fn is_obfuscated(&self, path: &str) -> bool {
        let small = |archive: &Archive| {
            let entry = archive.get(path).filter(|entry| entry.size <= SEARCHED)?;
            archive.content(entry).ok()
        };
        small(self.published).is_some_and(|text| dense::is_obfuscated(&text))
            && !small(self.rebuilt).is_some_and(|text| dense::is_obfuscated(&text))
    }
}

/// Whether a file of such a name is run or loaded, or says what is: a script, a program, a page.
/// One without an extension may be a program.
fn is_code(path: &str) -> bool {
    const ENDS: [&str; 22] = [
        ".node", ".wasm", ".sh", ".bash", ".cmd", ".bat", ".ps1", ".exe", ".dll", ".so", ".dylib", ".py", ".rb", ".pl", ".php", ".html",
        ".htm", ".svg", ".vue", ".svelte", ".coffee", ".gyp",
    ];
    let path = path.to_ascii_lowercase();
    let name = path.rsplit('/').next().unwrap_or(&path);
    let is_text = ["license", "licence", "readme", "changelog", "authors", "notice", "copying"].contains(&name);
    is_obeyed(&path) || place::is_script(&path) || ENDS.iter().any(|end| name.ends_with(end)) || !name.contains('.') && !is_text
}

/// Whether it only declares types, which nothing runs.
fn is_declaration(path: &str) -> bool {
    [".d.ts", ".d.mts", ".d.cts"].iter().any(|end| path.ends_with(end))
}

#[cfg(test)]
mod tests {
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
}
