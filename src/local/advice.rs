//! `--explain`: what a maintainer can change so that the package can be rebuilt today and in ten
//! years.
//!
//! Each piece of advice is about one thing that the rebuild has to find out where package.json does
//! not say it.

use serde::Serialize;
use serde_json::Value;

use super::packed::Packed;
use super::problems::has_lockfile;
use super::work_tree::WorkTree;

/// One thing that could be better, or that is well as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// `repository`, `directory`, `files`, `engines`, `packageManager`, `lockfile`, `build` or
    /// `line-endings`.
    pub about: &'static str,
    /// Whether it is well as it is.
    pub good: bool,
    /// What there is, and what to change.
    pub text: String,
}

/// The advice for a package, always on the same things, in the order in which they matter.
pub(super) fn advice(packed: &Packed, tree: Option<&WorkTree>) -> Vec<Advice> {
    let mut all = vec![repository(packed)];
    if let Some(tree) = tree.filter(|tree| !tree.directory.is_empty()) {
        all.push(directory(packed, tree));
    }
    all.push(files(packed));
    if let Some(tree) = tree {
        all.extend(building(packed, tree));
        all.push(line_endings(tree));
    }
    all
}

fn repository(packed: &Packed) -> Advice {
    let good = packed.manifest.pointer("/repository/url").and_then(Value::as_str).is_some_and(|url| url.contains("https://"));
    let text = if good {
        "repository is an https address".into()
    } else {
        "write the repository as { \"type\": \"git\", \"url\": \"git+https://<host>/<owner>/<name>.git\" }: every tool reads that".into()
    };
    Advice { about: "repository", good, text }
}

fn directory(packed: &Packed, tree: &WorkTree) -> Advice {
    let good = packed.manifest.pointer("/repository/directory").and_then(Value::as_str) == Some(tree.directory.as_str());
    let text = if good {
        format!("repository.directory is {}", tree.directory)
    } else {
        format!("set repository.directory to \"{}\", so that nobody has to search for the package", tree.directory)
    };
    Advice { about: "directory", good, text }
}

fn files(packed: &Packed) -> Advice {
    let good = packed.manifest.get("files").is_some_and(Value::is_array);
    let text = if good {
        format!("files in package.json says what is published ({} files)", packed.files.len())
    } else {
        format!("list the published files in `files`: without it the whole folder is published ({} files now)", packed.files.len())
    };
    Advice { about: "files", good, text }
}

/// What a build needs; nothing where all files are in the commit.
fn building(packed: &Packed, tree: &WorkTree) -> Vec<Advice> {
    let made: Vec<&String> = packed.files.iter().filter(|file| !tree.has(&tree.path_of(file))).collect();
    let Some(first) = made.first() else {
        return vec![Advice { about: "build", good: true, text: "every file is in the commit: it can be checked without a build".into() }];
    };
    let script = ["prepack", "prepare", "build"].into_iter().find(|name| packed.script(name).is_some());
    let mut all = vec![match script {
        Some(name) => Advice {
            about: "build",
            good: true,
            text: format!("{} files are made by a build, as {first}; the script {name} is tried", made.len()),
        },
        None => Advice {
            about: "build",
            good: false,
            text: format!("{} files are not in the commit, as {first}: make them in a script named prepack, prepare or build", made.len()),
        },
    }];
    let lockfile = has_lockfile(tree);
    let text = if lockfile {
        "the commit has a lockfile"
    } else {
        "commit a lockfile: without one the versions that a build installs are guessed from the time of the publication"
    };
    all.push(Advice { about: "lockfile", good: lockfile, text: text.into() });
    let engines = packed.manifest.pointer("/engines/node").and_then(Value::as_str);
    let pinned = tree.has(".nvmrc") || tree.has(".node-version") || packed.manifest.pointer("/volta/node").is_some();
    let text = match engines {
        _ if pinned => "the commit says which Node builds it".to_owned(),
        Some(range) => format!("engines.node is {range}, a range: put the version that you build with into .nvmrc"),
        None => "put the version of Node that you build with into .nvmrc, and the supported ones into engines.node".to_owned(),
    };
    all.push(Advice { about: "engines", good: pinned, text });
    let manager = packed.manifest.get("packageManager").and_then(Value::as_str);
    let text = manager.map_or_else(
        || "set packageManager (\"npm@11.4.0\"): otherwise its version is guessed from the lockfile and the time".to_owned(),
        |manager| format!("packageManager is {manager}"),
    );
    all.push(Advice { about: "packageManager", good: manager.is_some(), text });
    all
}

fn line_endings(tree: &WorkTree) -> Advice {
    let good = tree.has(".gitattributes");
    let text = if good {
        ".gitattributes says how lines end"
    } else {
        "put `* text=auto eol=lf` into .gitattributes: a checkout on Windows gives other bytes without it"
    };
    Advice { about: "line-endings", good, text: text.into() }
}
