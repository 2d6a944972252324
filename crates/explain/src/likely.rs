//! The likeliest reason why a package did not come out, from the explanations of its files.
//!
//! Code that nothing explains comes first, whatever else differs: it is what a reader must look at.
//! A gentler reason is given only where each file has one.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use npm_spec::manifest::LARGEST_PACKED;
use npm_tarball::{Archive, Entry};

use super::data::{Looks, does_nothing, looks};
use super::loads::{Loads, acting, is_obeyed};
use super::script::{self, is_javascript};
use super::{Class, Explanation, Limits, Source, dense, json, literal, place, text};

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
    let case = Case { published, rebuilt, source, built, loads: Loads::of(published), steps: RefCell::new(Limits::default().steps) };
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
    /// Steps that the parser may still take.
    steps: RefCell<u64>,
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
            class if self.acts_otherwise(class, path) => Side::Code,
            Class::Renamed | Class::NotPacked | Class::NotPublished if self.is_loaded(path) => Side::Code,
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
        let is_manifest = path.rsplit('/').next() == Some("package.json");
        let both = || self.both(path).and_then(|[ours, theirs]| json::both(&ours, &theirs));
        let text = |manifest: &Value, key: &str| manifest.get(key).and_then(|value| serde_json::to_string(value).ok());
        // What cannot be read may have any order.
        is_manifest && both().is_none_or(|[ours, theirs]| ["exports", "imports"].iter().any(|key| text(&ours, key) != text(&theirs, key)))
    }

    /// Whether a file that is run differs on its surface alone and does something else all the
    /// same: a script keeps what differs and does nothing by it, or it acts; of another language
    /// that is run nothing is known but the ends of its lines.
    fn acts_otherwise(&self, class: Class, path: &str) -> bool {
        let is_literal = matches!(class, Class::TimeStamp | Class::LocalPath | Class::VersionString | Class::Hash);
        let is_parsed = matches!(class, Class::CommentsOnly | Class::LiteralForm | Class::FormattingOnly);
        let is_data = path.rsplit('.').next().is_some_and(|end| matches!(end, "json" | "html" | "htm" | "svg" | "css" | "md" | "map"));
        if is_data || !(class.is_surface() || class == Class::ToolVersion) || !self.is_run(path) {
            return false;
        }
        let Some(read_as) = self.read_as(path) else {
            return class != Class::FinalNewline && !self.ends_lines_alike(class, path);
        };
        let sides = [self.published, self.rebuilt];
        let keeps = |[ours, theirs]: [Vec<u8>; 2]| {
            // Of a tool's version: of helpers it is a rule of its own.
            let is_told = class != Class::ToolVersion || literal::only_difference(&ours, &theirs).is_some();
            let is_renamed = |one: &str, other: &str| is_renamed(sides, one, other);
            !is_told || script::keeps(read_as, &ours, &theirs, &mut self.steps.borrow_mut(), &is_renamed)
        };
        let is_read = is_literal || is_parsed || matches!(class, Class::ToolVersion | Class::Whitespace);
        // What cannot be read may do anything.
        is_read && !self.both(path).is_some_and(keeps)
    }

    /// The name by which a file is read as a script: its own, or one of JavaScript where its first
    /// line asks for Node.
    fn read_as<'p>(&self, path: &'p str) -> Option<&'p str> {
        if place::is_script(path) {
            return Some(path);
        }
        let [ours, _] = self.both(path)?;
        let first = ours.split(|byte| *byte == b'\n').next().filter(|line| line.starts_with(b"#!"))?;
        first.windows(4).any(|word| word == b"node").then_some("command.js")
    }

    /// Whether all lines of a file end in one way on each side, as a checkout of another system
    /// writes them.
    fn ends_lines_alike(&self, class: Class, path: &str) -> bool {
        let is_alike = |text: &Vec<u8>| {
            let returns = text.windows(2).filter(|pair| pair == b"\r\n").count();
            returns == 0 || returns + 1 == text.split(|byte| *byte == b'\n').count()
        };
        class == Class::LineEndings && self.both(path).is_some_and(|both| both.iter().all(is_alike))
    }

    /// Whether a script that only one side has is loaded, or obeyed by its name.
    fn is_loaded(&self, path: &str) -> bool {
        is_obeyed(path) || path.rsplit('.').next() == Some("gyp") || is_code(path) && !is_declaration(path) && self.loads.loads(path)
    }

    /// The bytes of a file, published and rebuilt. `None` where one is too large or cannot be read.
    fn both(&self, path: &str) -> Option<[Vec<u8>; 2]> {
        let read = |archive: &Archive| {
            let entry = archive.get(path).filter(|entry| entry.size <= SEARCHED)?;
            archive.content(entry).ok()
        };
        Some([read(self.published)?, read(self.rebuilt)?])
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

/// Whether two paths of scripts beside one are one file under another hash: each side has its
/// own alone.
fn is_renamed([left, right]: [&Archive; 2], published: &str, rebuilt: &str) -> bool {
    let is_beside = [published, rebuilt].iter().all(|path| path.starts_with("./") || path.starts_with("../"));
    let by_hash = || matches!(literal::only_difference(published.as_bytes(), rebuilt.as_bytes()), Some((Class::Hash, _)));
    let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    let has = |archive: &Archive, name: &str| archive.entries().iter().any(|entry| entry.path.rsplit('/').next() == Some(name));
    is_beside && by_hash() && !has(right, &name(published)) && !has(left, &name(rebuilt))
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
mod tests;
