//! What a package runs, loads and installs, as far as its package.json and its scripts say so.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::io::Read as _;

use serde_json::{Map, Value};

use npm_spec::manifest::read_up_to;
use npm_tarball::{Archive, EntryKind};

use super::fields::{DEPENDENCIES, HOOKS, LOADED};
use super::installs::runs_at_install;
use super::place;

/// Files that are obeyed wherever they lie, or at the root: npm installs what a shrinkwrap says,
/// Node and bundlers follow a nested package.json, and older bundlers a package's own settings.
const OBEYED: [&str; 4] = [".babelrc", ".babelrc.json", "babel.config.json", "package.json"];
/// Fields that name files which nothing runs.
const SHOWN: [&str; 8] = ["files", "types", "typings", "typesVersions", "man", "readme", "readmeFilename", "license"];
/// Ends of programs and pages that name files without quotes.
const WORDED: [&str; 16] =
    [".sh", ".bash", ".cmd", ".bat", ".ps1", ".py", ".rb", ".pl", ".php", ".html", ".htm", ".svg", ".vue", ".svelte", ".mk", "makefile"];
/// Files that say to installers and compilers of other languages what to install and run.
const LISTS: [&str; 18] = [
    "requirements.txt",
    "constraints.txt",
    "pipfile",
    "pipfile.lock",
    "poetry.lock",
    "uv.lock",
    "pyproject.toml",
    "setup.cfg",
    "gemfile",
    "gemfile.lock",
    "cargo.toml",
    "cargo.lock",
    "go.mod",
    "composer.json",
    "composer.lock",
    "makefile",
    "cmakelists.txt",
    "environment.yml",
];
/// Bytes of one script, and of all, that are searched for names of files.
const SEARCHED: (u64, u64) = (1 << 20, 16 << 20);

/// Keys by which the published package.json runs, loads or installs other than the rebuilt one.
pub(super) fn acting(ours: &Map<String, Value>, theirs: &Map<String, Value>, published: &Archive) -> Vec<String> {
    // What is taken away counts, too: another field is obeyed then.
    let changed = |field: &&str| ours.get(*field) != theirs.get(*field);
    let loaded = LOADED.iter().filter(|field| changed(field)).map(|field| (*field).to_owned());
    // Bundlers and sites read fields of their own.
    let others = ours.iter().filter(|(field, value)| {
        let known = LOADED.iter().chain(&DEPENDENCIES).chain(&SHOWN).chain(&["scripts"]);
        !known.into_iter().any(|known| known == field) && theirs.get(*field) != Some(value) && names_a_script(value, published)
    });
    // `true` bundles all that there are.
    let is_list = |value: Option<&Value>| matches!(value, None | Some(Value::Object(_) | Value::Array(_)));
    let unlisted = DEPENDENCIES.iter().filter(|field| changed(field) && !is_list(ours.get(**field))).map(|field| (*field).to_owned());
    let inner = |map: &Map<String, Value>, field: &str, key: &str| map.get(field).and_then(|value| value.get(key)).cloned();
    let scripts = HOOKS.iter().filter(|script| inner(ours, "scripts", script) != inner(theirs, "scripts", script));
    let named = DEPENDENCIES.iter().flat_map(|field| {
        let known = names(theirs.get(*field));
        let elsewhere = move |name: &String| {
            let (value, own) = (inner(ours, field, name), inner(theirs, field, name));
            value != own && !is_another_range(value.as_ref(), own.as_ref())
        };
        let all = names(ours.get(*field)).into_iter();
        all.filter(move |name| !known.contains(name) || elsewhere(name)).map(move |name| format!("{field}.{name}"))
    });
    loaded
        .chain(unlisted)
        .chain(others.map(|(field, _)| field.clone()))
        .chain(scripts.map(|script| format!("scripts.{script}")))
        .chain(named)
        .collect()
}

/// Whether a file says by its name what is installed, run or loaded in place of other things. The
/// package.json of the root is compared key by key.
pub(super) fn is_obeyed(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    (OBEYED.contains(&name) && path != "package.json") || (name == "npm-shrinkwrap.json" && folder.is_empty())
}

/// The names in a field of dependencies.
fn names(field: Option<&Value>) -> BTreeSet<String> {
    match field {
        Some(Value::Object(map)) => map.keys().cloned().collect(),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => BTreeSet::new(),
    }
}

/// Whether both are ranges of one major version, as two builds write them. Another package, place
/// or major version is nobody's build.
fn is_another_range(ours: Option<&Value>, theirs: Option<&Value>) -> bool {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).filter(|text| !text.contains([':', '/'])).map(str::to_owned);
    match (text(ours), text(theirs)) {
        (Some(ours), Some(theirs)) => major(&ours).is_some() && major(&ours) == major(&theirs),
        // `workspace:`, `catalog:` and the like become a range when a client publishes.
        (Some(_), None) => theirs
            .and_then(Value::as_str)
            .is_some_and(|text| ["workspace:", "catalog:", "link:", "file:"].iter().any(|start| text.starts_with(start))),
        _ => false,
    }
}

/// The major version of one exact version, or of one range that stays in it (`^1.2.3`, `~1.2`,
/// `1.x`); `None` for a tag and for a range that leads further (`>=1`, `1 || 6`).
fn major(range: &str) -> Option<u64> {
    let range = range.trim();
    let range = range.strip_prefix(['^', '~', '=']).unwrap_or(range).trim_start();
    let range = range.strip_prefix('v').unwrap_or(range);
    let numbers = range.split(['-', '+']).next().unwrap_or_default();
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_one = numbers.split('.').all(|part| is_number(part) || matches!(part, "x" | "X" | "*"));
    let has_space = range.contains(char::is_whitespace);
    numbers.split('.').next().filter(|_| is_one && !has_space)?.parse().ok()
}

/// Whether a value names a script of the archive, with or without its extension.
fn names_a_script(value: &Value, archive: &Archive) -> bool {
    let mut left = vec![value];
    while let Some(value) = left.pop() {
        match value {
            Value::String(text) => {
                let path = text.trim_start_matches("./").trim_end_matches('/');
                let ends = ["", ".js", ".cjs", ".mjs", "/index.js"];
                if ends.iter().any(|end| archive.get(&format!("{path}{end}")).is_some_and(|entry| place::is_script(&entry.path))) {
                    return true;
                }
            }
            Value::Array(list) => left.extend(list),
            Value::Object(map) => left.extend(map.values()),
            _ => {}
        }
    }
    false
}

/// What the scripts of a package name.
pub(super) struct Loads<'a> {
    archive: &'a Archive,
    texts: OnceCell<Vec<Text>>,
    puts_together: OnceCell<bool>,
    installs: OnceCell<bool>,
}

impl<'a> Loads<'a> {
    /// Of a published archive.
    pub(super) fn of(archive: &'a Archive) -> Self {
        Self { archive, texts: OnceCell::new(), puts_together: OnceCell::new(), installs: OnceCell::new() }
    }

    /// Whether an installation runs a script of the package, or of one that is bundled with it.
    pub(super) fn runs_at_install(&self) -> bool {
        *self.installs.get_or_init(|| runs_at_install(self.archive))
    }

    /// Whether a script, or package.json in what it runs, loads or installs, names a file of this
    /// name, in quotes where its language has them: it may be run whatever its extension is.
    pub(super) fn names(&self, path: &str) -> bool {
        self.texts.get_or_init(|| texts(self.archive)).iter().any(|text| text.names(path))
    }

    /// Whether a script or package.json loads a file: by its name, or by its path without the
    /// extension, as Node completes it.
    pub(super) fn loads(&self, path: &str) -> bool {
        let whole = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
        let folder = whole.strip_suffix("/index");
        let short = folder.unwrap_or(whole);
        let name = format!("/{}", short.rsplit('/').next().unwrap_or(short));
        let is_ended = |rest: &str| rest.starts_with(['"', '\'', '`', '/']);
        let is_in = |text: &str| text.match_indices(&name).any(|(at, _)| text.get(at + name.len()..).is_some_and(is_ended));
        let texts = self.texts.get_or_init(|| texts(self.archive));
        self.names(path) || texts.iter().any(|text| is_in(&text.text) || folder.is_some_and(|folder| text.names(folder)))
    }

    /// Whether an installation obeys a file, whatever is in it: a script that it runs names the
    /// file, or runs programs that look for files of this name.
    pub(super) fn is_for_installation(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        let texts = || self.texts.get_or_init(|| texts(self.archive));
        let is_named = || texts().iter().any(|text| text.written == Written::AtInstall && text.names(path));
        self.runs_at_install() && (LISTS.contains(&name.to_ascii_lowercase().as_str()) || is_named())
    }

    /// Whether a script loads or reads files whose names no text has in one piece.
    pub(super) fn puts_names_together(&self) -> bool {
        let texts = || self.texts.get_or_init(|| texts(self.archive));
        *self.puts_together.get_or_init(|| texts().iter().any(Text::puts_names_together))
    }
}

/// How a text names files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    /// In quotes.
    Quoted,
    /// As a word.
    Worded,
    /// As a word, in a script that an installation runs.
    AtInstall,
}

/// A script, a page, or what package.json runs, loads and installs, as JSON.
struct Text {
    text: String,
    written: Written,
}

impl Text {
    fn names(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        let is_it = if self.written == Written::Quoted { is_quoted } else { is_word };
        self.text.match_indices(name).any(|(at, _)| is_it(&self.text, at, name.len()))
    }

    fn puts_names_together(&self) -> bool {
        // A variable or a pattern of a shell.
        (self.written != Written::Quoted && self.text.contains(['$', '%', '*'])) || puts_names_together(&self.text)
    }
}

/// Words by which a script reads, runs or starts a file, whatever it is called: the last ones are
/// other ways to Node's loader, a call of what was looked up by a name that is put together among
/// them.
const READS: [&str; 18] = [
    "readFile",
    "createReadStream",
    "eval(",
    "Function(",
    "child_process",
    "worker_threads",
    "Worker(",
    "\"vm\"",
    "'vm'",
    "_load",
    "dlopen",
    "createRequire",
    "\"module\"",
    "'module'",
    "node:module",
    "getBuiltinModule",
    "mainModule",
    "](",
];

/// Whether a script may load a file without its name in one piece: it loads by something else than
/// one text in quotes, has the loader under another name, or reads files.
fn puts_names_together(text: &str) -> bool {
    let is_of_name = |c: char| c.is_alphanumeric() || "_$".contains(c);
    let loads = ["require", "import"].iter().any(|word| {
        text.match_indices(word).any(|(at, _)| {
            let rest = text.get(at + word.len()..).unwrap_or_default();
            let begins = !text.get(..at).is_some_and(|text| text.ends_with(is_of_name));
            let rest = rest.strip_prefix(".resolve").unwrap_or(rest).trim_start();
            begins
                && !rest.starts_with(is_of_name)
                && match rest.strip_prefix('(') {
                    Some(argument) => !is_one_text(argument.trim_start()),
                    // `import x from`, `typeof require`, `import.meta`.
                    None => *word == "require" && !text.get(..at).is_some_and(|text| text.trim_end().ends_with("typeof")),
                }
        })
    });
    loads || READS.iter().any(|word| text.contains(word))
}

/// Whether an argument is one text in quotes, without what stands for other letters.
fn is_one_text(argument: &str) -> bool {
    let Some(quote) = argument.chars().next().filter(|c| matches!(c, '"' | '\'' | '`')) else { return false };
    let Some((name, behind)) = argument.get(1..).and_then(|rest| rest.split_once(quote)) else { return false };
    !name.contains(['\\', '$', '\n']) && behind.trim_start().starts_with([')', ','])
}

/// Whether what stands here ends a text in quotes, and begins it or stands behind a slash or a
/// space.
fn is_quoted(text: &str, at: usize, length: usize) -> bool {
    const QUOTES: [char; 3] = ['"', '\'', '`'];
    let before = text.get(..at).and_then(|text| text.chars().next_back());
    let after = text.get(at + length..).and_then(|text| text.chars().next());
    before.is_some_and(|c| QUOTES.contains(&c) || "/: ".contains(c)) && after.is_some_and(|c| QUOTES.contains(&c))
}

/// Whether what stands here is a word, or a path's last part.
fn is_word(text: &str, at: usize, length: usize) -> bool {
    let is_of_name = |c: char| c.is_alphanumeric() || "_-".contains(c);
    let before = text.get(..at).and_then(|text| text.chars().next_back());
    let after = text.get(at + length..).and_then(|text| text.chars().next());
    !before.is_some_and(|c| is_of_name(c) || c == '.') && !after.is_some_and(is_of_name)
}

/// Whether a file of this name is a program or a page that names files as words.
fn is_worded(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    WORDED.iter().any(|end| path.ends_with(end))
}

/// The scripts and pages of an archive, and what package.json runs, loads and installs, as JSON.
fn texts(archive: &Archive) -> Vec<Text> {
    let (one, mut left) = SEARCHED;
    let left = &mut left;
    let mut texts = Vec::new();
    for entry in archive.entries().iter().filter(|entry| entry.kind == EntryKind::File) {
        // Node follows one in a folder, too.
        let is_manifest = entry.path == "package.json" || entry.path.ends_with("/package.json");
        let is_script = place::is_script(&entry.path);
        let is_program = || {
            let mut head = [0; 2];
            is_worded(&entry.path) || (archive.open(entry).read_exact(&mut head).is_ok() && head == *b"#!")
        };
        if entry.size > one.min(*left) || !(is_manifest || is_script || is_program()) {
            continue;
        }
        *left -= entry.size;
        let Ok(bytes) = archive.content(entry) else { continue };
        if !is_manifest {
            let written = if is_script { Written::Quoted } else { Written::Worded };
            texts.push(Text { text: String::from_utf8_lossy(&bytes).into_owned(), written });
        } else if let Some(Value::Object(manifest)) = read_up_to(&bytes, one) {
            let fields = LOADED.iter().chain(&DEPENDENCIES).chain(&["scripts"]).filter_map(|field| manifest.get(*field));
            texts.extend(fields.map(|field| Text { text: field.to_string(), written: Written::Quoted }));
            let scripts = HOOKS.iter().filter_map(|name| manifest.get("scripts")?.get(*name)?.as_str());
            texts.extend(scripts.map(|script| Text { text: script.to_owned(), written: Written::AtInstall }));
        }
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_one_piece_is_told_from_one_that_is_put_together() {
        for text in [
            "require('./notes')",
            "import x from './x'; export * from \"./y\"",
            "require( \"a\" ).b(`c`)",
            "typeof require === 'function' && require.resolve('a')",
            "import(`./a`)",
            "const required = imports(x)",
        ] {
            assert!(!puts_names_together(text), "{text}");
        }
        for text in [
            "require('./notes' + '.txt')",
            "require(name)",
            "require(`./${name}`)",
            "require('./note\\x73.txt')",
            "const r = require; r('./no' + 'tes')",
            "import('./a' + b)",
            "fs.readFileSync(path)",
            "eval(x)",
            "require('child_process')",
            "import{createRequire as c}from'module';const r=c(import.meta.url);r('./no'+'tes.txt')",
            "module['req'+'uire']('./no'+'tes.txt')",
            "const M=require('module');new M('x').load(__dirname+'/no'+'tes.txt')",
        ] {
            assert!(puts_names_together(text), "{text}");
        }
    }

    #[test]
    fn a_shell_and_a_page_name_files_as_words() {
        let text = |text: &str, written| Text { text: text.to_owned(), written };
        for worded in ["node $(dirname $0)/notes.txt", "<script src=notes.txt></script>", "sh notes.txt", ". 'a/notes.txt'"] {
            assert!(text(worded, Written::Worded).names("a/notes.txt"), "{worded}");
        }
        assert!(!text("sh my-notes.txt2", Written::Worded).names("notes.txt"));
        assert!(!text("node x/notes.txt", Written::Quoted).names("notes.txt"));
        assert!(text("sh $x", Written::Worded).puts_names_together() && !text("sh x", Written::Worded).puts_names_together());
        assert!(is_worded("run.SH") && is_worded("a/x.html") && is_worded("Makefile") && !is_worded("notes.txt"));
    }

    #[test]
    fn what_is_obeyed_by_its_name_is_told() {
        for path in ["npm-shrinkwrap.json", "lib/package.json", ".babelrc", "a/babel.config.json"] {
            assert!(is_obeyed(path), "{path}");
        }
        for path in ["package.json", "a/npm-shrinkwrap.json", "package-lock.json", "my-package.json"] {
            assert!(!is_obeyed(path), "{path}");
        }
    }
}
