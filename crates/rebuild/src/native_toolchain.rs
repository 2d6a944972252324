//! Compilers that no npm registry has: which one made the native programs of a package, as far as
//! its source says so.
//!
//! A platform package (`@scope/name-linux-x64`) often holds one program that Rust, Go or C made. No
//! build with Node makes it again, so none is tried, and the result names the toolchain instead.

use gix::ObjectId;

use explain::data::is_program;
use git::Repository;
use npm_spec::path::join;
use npm_tarball::Archive;
use origin::{Located, Origin};

use crate::rebuilt::Rebuilt;
use crate::{Published, SourceError};

/// Longest project file that is read for a version, in bytes.
const MAX_FILE: u64 = 1 << 20;
/// Longest version that is shown, in bytes.
const MAX_VERSION: usize = 32;
/// What a shell ends with where a command is not there (POSIX, 2.8.2).
const NOT_FOUND: i32 = 127;

/// Project files of compilers: whose each is, and where its version stands. Where several are
/// equally near, the first counts.
const PROJECTS: &[(&str, &str, Version)] = &[
    // https://doc.rust-lang.org/cargo/reference/rust-version.html; a rust-toolchain file beside it
    // comes first.
    ("Cargo.toml", "rust", Version::Value("rust-version")),
    // https://go.dev/ref/mod#go-mod-file-go
    ("go.mod", "go", Version::Word("go")),
    ("build.zig", "zig", Version::Unsaid),
    ("binding.gyp", "a C++ compiler", Version::Unsaid),
    ("CMakeLists.txt", "a C++ compiler", Version::Unsaid),
];

// https://rust-lang.github.io/rustup/overrides.html
/// Files that pin rustup's toolchain.
const RUSTUP: [(&str, Version); 2] = [("rust-toolchain.toml", Version::Value("channel")), ("rust-toolchain", Version::Line)];

/// How a project file says the version.
#[derive(Clone, Copy)]
enum Version {
    /// `key = "1.80"`
    Value(&'static str),
    /// `key 1.22`
    Word(&'static str),
    /// The first line.
    Line,
    /// Not in a form that is read here.
    Unsaid,
}

/// The error that says which toolchain is missing, if what was published and did not come out is
/// native programs and what their compiler writes beside them, and the source has a project of such
/// a toolchain. `closest` is the attempt that came closest.
pub(super) fn needed(repository: &mut Repository, located: &Located, published: &Published, closest: &Rebuilt) -> Option<SourceError> {
    let commit = ObjectId::from_hex(closest.recipe.commit.as_bytes()).ok()?;
    let origin = located.origins.iter().find(|origin| origin.commit == commit)?;
    let program = program_alone(published, closest)?;
    let (path, tool, version) = project(origin)?;
    let (path, version) = version_of(repository, origin, path, tool, version);
    let tool = version.map_or_else(|| tool.to_owned(), |version| format!("{tool} {version}"));
    Some(SourceError::NativeToolchain { tool, path, program: program.to_owned() })
}

/// Whether a build lacks nothing but what a compiler makes, the source has a project of one, and a
/// step asked for a program that is not there.
pub(super) fn is_lacking(origin: &Origin, published: &Published, built: &Rebuilt) -> bool {
    let asked = built.run.as_ref().is_some_and(|run| run.steps.iter().any(|step| step.exit == Some(NOT_FOUND)));
    asked && program_alone(published, built).is_some() && project(origin).is_some()
}

/// The first native program that did not come out, if nothing did not but such programs, and, where
/// a step failed, what their compiler writes beside them.
fn program_alone<'a>(published: &Published, built: &'a Rebuilt) -> Option<&'a str> {
    let missing = &built.comparison.only_published;
    if !built.comparison.changed.is_empty() {
        return None;
    }
    let (programs, others): (Vec<&str>, Vec<&str>) =
        missing.iter().map(String::as_str).partition(|path| is_native(&published.archive, path));
    let failed = built.run.as_ref().is_some_and(|run| run.steps.iter().any(|step| step.exit.is_some_and(|code| code != 0)));
    let is_beside = |path: &&str| failed && programs.iter().any(|program| is_of_bindgen(program, path));
    others.iter().all(is_beside).then(|| programs.first().copied())?
}

/// Whether wasm-bindgen writes a file beside a program: the module's JavaScript and types, and the
/// snippets that the crate brings.
///
/// Its names are those of wasm-bindgen 0.2 (crates/cli-support, `Output::emit`): `a_bg.wasm` has
/// `a.js`, `a.d.ts`, `a_bg.js`, `a_bg.wasm.d.ts` and `snippets/` in its folder.
fn is_of_bindgen(program: &str, path: &str) -> bool {
    let Some(module) = program.strip_suffix("_bg.wasm") else { return false };
    let own = ["js", "d.ts"].iter().any(|end| path == format!("{module}.{end}"));
    let inner = ["_bg.js", "_bg.wasm.d.ts"].iter().any(|end| path.strip_prefix(module) == Some(end));
    own || inner || path.starts_with(&join(folder(program), "snippets/"))
}

/// Whether the package says which systems or processors it is for, so that what it holds was
/// compiled.
pub(super) fn is_for_a_platform(published: &Published) -> bool {
    let manifest = published.manifest();
    let listed = |field: &str| manifest.get(field).and_then(serde_json::Value::as_array).is_some_and(|list| !list.is_empty());
    listed("os") || listed("cpu")
}

/// The project of a compiler that is nearest to the package: in its folder or above, else the
/// highest in the tree.
fn project(origin: &Origin) -> Option<(&str, &'static str, Version)> {
    let directory = origin.directory();
    let above = std::iter::successors(Some(directory), |inner| (!inner.is_empty()).then(|| folder(inner)));
    for around in above {
        for (name, tool, version) in PROJECTS {
            if let Some(entry) = origin.listing.get(&join(around, name)) {
                return Some((&entry.path, tool, *version));
            }
        }
    }
    let in_tree = origin.listing.entries.iter().filter_map(|entry| {
        let name = entry.path.rsplit('/').next()?;
        let (at, (_, tool, version)) = PROJECTS.iter().enumerate().find(|(_, (file, ..))| *file == name)?;
        Some(((entry.path.matches('/').count(), at), (entry.path.as_str(), *tool, *version)))
    });
    in_tree.min_by_key(|(rank, _)| *rank).map(|(_, found)| found)
}

/// The file that says the version, and the version; `None` where none says it in a form that is
/// read here, or the host lacks the file.
fn version_of(repository: &mut Repository, origin: &Origin, path: &str, tool: &str, version: Version) -> (String, Option<String>) {
    if tool == "rust" {
        let around = std::iter::successors(Some(folder(path)), |inner| (!inner.is_empty()).then(|| folder(inner)));
        for (file, how) in around.flat_map(|around| RUSTUP.map(|(name, how)| (join(around, name), how))) {
            if let Some(found) = read(repository, origin, &file).and_then(|text| how.find(&text)) {
                return (file, Some(found));
            }
        }
    }
    let found = read(repository, origin, path).and_then(|text| version.find(&text));
    (path.to_owned(), found)
}

/// A file of the commit, as text. Only words depend on it: one that cannot be had says nothing.
fn read(repository: &mut Repository, origin: &Origin, path: &str) -> Option<String> {
    let entry = origin.listing.get(path)?;
    let bytes = repository.blob_up_to(&entry.id, MAX_FILE).ok()??;
    String::from_utf8(bytes).ok()
}

impl Version {
    /// The version in the text of a project file; `None` where it is none.
    fn find(self, text: &str) -> Option<String> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let found = match self {
            Self::Value(key) => lines.find_map(|line| {
                let (name, value) = line.split_once('=')?;
                (name.trim() == key).then(|| value.split('#').next().unwrap_or_default().trim().trim_matches(['"', '\'']))
            }),
            Self::Word(key) => lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(' ').map(str::trim)),
            Self::Line => lines.next(),
            Self::Unsaid => None,
        };
        let is_version = |found: &&str| {
            !found.is_empty() && found.len() <= MAX_VERSION && found.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c))
        };
        found.filter(is_version).map(str::to_owned)
    }
}

/// Whether a published file is a program for a processor, or WebAssembly, by its first bytes and
/// its name: a script may begin as one.
fn is_native(archive: &Archive, path: &str) -> bool {
    use std::io::Read as _;
    /// Bytes that are looked at.
    const HEAD: u64 = 4096;
    const SCRIPTS: [&str; 12] = [".js", ".cjs", ".mjs", ".jsx", ".ts", ".cts", ".mts", ".tsx", ".json", ".sh", ".cmd", ".bat"];
    let name = path.to_ascii_lowercase();
    let Some(entry) = archive.get(path).filter(|_| !SCRIPTS.iter().any(|end| name.ends_with(end))) else { return false };
    let mut head = Vec::new();
    archive.open(entry).take(HEAD).read_to_end(&mut head).is_ok() && is_program(&head)
}

/// The folder of a path; `""` for the root.
fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_where_each_tool_has_them() {
        let toml = "[package]\nname = \"a\"\n# rust-version = \"1.0\"\nrust-version = \"1.80.1\" # the oldest\n";
        assert_eq!(Version::Value("rust-version").find(toml).as_deref(), Some("1.80.1"));
        assert_eq!(Version::Value("channel").find("[toolchain]\nchannel='nightly-2024-01-01'").as_deref(), Some("nightly-2024-01-01"));
        assert_eq!(Version::Word("go").find("module a\n\ngo 1.22\n\nrequire golang 1").as_deref(), Some("1.22"));
        assert_eq!(Version::Line.find("# pinned\n1.79.0\n").as_deref(), Some("1.79.0"));
        assert_eq!(Version::Unsaid.find("1.0"), None);
    }

    #[test]
    fn what_is_no_version_is_not_shown() {
        for text in ["go \u{1b}[31m1", "go ", "go 1 2", "gopher 1", &format!("go {}", "1".repeat(MAX_VERSION + 1))] {
            assert_eq!(Version::Word("go").find(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_stands_beside_a_program_is_known_by_its_name() {
        for path in ["w/a.js", "w/a.d.ts", "w/a_bg.js", "w/a_bg.wasm.d.ts", "w/snippets/b-1/c.js"] {
            assert!(is_of_bindgen("w/a_bg.wasm", path), "{path}");
        }
        for path in ["a.js", "w/b.js", "w/a.mjs", "w/a/index.js", "w/snippets", "snippets/b.js", "w/inner/snippets/b.js"] {
            assert!(!is_of_bindgen("w/a_bg.wasm", path), "{path}");
        }
        assert!(!is_of_bindgen("w/a.wasm", "w/a.js"));
        assert!(is_of_bindgen("a_bg.wasm", "snippets/b/c.js") && is_of_bindgen("a_bg.wasm", "a.js"));
    }

    #[test]
    fn folders_of_paths() {
        assert_eq!((folder("a/b/c"), folder("a"), folder("")), ("a/b", "", ""));
    }
}
