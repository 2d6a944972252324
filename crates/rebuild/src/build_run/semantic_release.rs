//! What semantic-release does to files before it publishes, as the repository's settings say:
//! plugins that write the version into files, and commands.
//!
//! Settings are read where they are data: `release` of package.json, `.releaserc` and its kin.
//! Those that are code are not.

use serde::Serialize;
use serde_json::Value;

use npm_pack::tree::Tree;
use npm_spec::path::join;
use npm_spec::tool::Kind;
use recipe::Step;

use super::commands::{commands, is_useful};
use super::steps::piece;
use super::workflow::normal_path;

/// Where settings are, after package.json.
const FILES: [&str; 4] = [".releaserc", ".releaserc.json", ".releaserc.yaml", ".releaserc.yml"];
/// Largest file of settings, in bytes.
const MAX_FILE: usize = 256 << 10;
/// Most plugins that are looked at, most replacements of one, and most files and texts of each.
const MAX_PARTS: usize = 32;
/// Longest list of replacements, in bytes: it is one word of a command line.
const MAX_ARGUMENT: usize = 64 << 10;
/// The program that replaces texts.
const REPLACE: &str = include_str!("replace.js");

/// One text that is replaced in files.
#[derive(Debug, Serialize)]
struct Replacement {
    files: Vec<String>,
    /// Files that are left as they are.
    ignore: Vec<String>,
    /// The source of a regular expression.
    from: String,
    to: String,
}

/// The steps of the nearest settings, the package's own before the root's.
pub(super) fn steps(tree: &dyn Tree, directory: &str, manager: Kind, version: &str) -> Vec<Step> {
    let found = [directory, ""].into_iter().find_map(|dir| Some((dir, settings(tree, dir)?)));
    let Some((directory, settings)) = found else { return Vec::new() };
    let mut all = Vec::new();
    for plugin in settings.get("plugins").and_then(Value::as_array).into_iter().flatten().take(MAX_PARTS) {
        let Some((name, options)) = named(plugin) else { continue };
        let replacements = match name {
            "semantic-release-plugin-update-version-in-files" => vec![placeholder(options, version)],
            "@google/semantic-release-replace-plugin" | "semantic-release-replace-plugin" => replacements(options, version),
            "@semantic-release/exec" => {
                all.extend(executed(options, directory, manager, version));
                continue;
            }
            _ => continue,
        };
        // A list of strings is always written.
        let Ok(argument) = serde_json::to_string(&replacements) else { continue };
        if !replacements.is_empty() && argument.len() <= MAX_ARGUMENT {
            let command = vec!["node".to_owned(), "-e".to_owned(), REPLACE.to_owned(), argument];
            all.push(Step { name: format!("{name} of semantic-release"), directory: directory.to_owned(), command });
        }
    }
    all
}

/// The settings in a folder. What cannot be read says nothing: the tool would not have run.
fn settings(tree: &dyn Tree, directory: &str) -> Option<Value> {
    let read = |name: &str| tree.read(&join(directory, name)).filter(|bytes| bytes.len() <= MAX_FILE);
    let of_manifest = read("package.json").and_then(|bytes| {
        let manifest: Value = npm_spec::manifest::read(&bytes)?;
        manifest.get("release").filter(|release| release.is_object()).cloned()
    });
    // JSON is YAML too.
    of_manifest.or_else(|| FILES.into_iter().find_map(|name| npm_spec::yaml::settings(&String::from_utf8(read(name)?).ok()?)))
}

/// A plugin's name and its options.
fn named(plugin: &Value) -> Option<(&str, &Value)> {
    match plugin {
        Value::String(name) => Some((name, &Value::Null)),
        Value::Array(parts) => Some((parts.first()?.as_str()?, parts.get(1).unwrap_or(&Value::Null))),
        _ => None,
    }
}

/// One string, or a list of them.
fn strings(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).take(MAX_PARTS).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// `semantic-release-plugin-update-version-in-files` 1 and 2: every occurrence of a text that
/// stands for the version.
fn placeholder(options: &Value, version: &str) -> Replacement {
    let files = Some(strings(options.get("files"))).filter(|files| !files.is_empty()).unwrap_or_else(|| vec!["version.js".to_owned()]);
    let placeholder = options.get("placeholder").and_then(Value::as_str).unwrap_or("0.0.0-development");
    let mut from = String::new();
    for c in placeholder.chars() {
        if ".*+?^${}()|[]\\".contains(c) {
            from.push('\\');
        }
        from.push(c);
    }
    Replacement { files, ignore: Vec::new(), from, to: version.to_owned() }
}

/// `@google/semantic-release-replace-plugin`: regular expressions, and templates in their place.
fn replacements(options: &Value, version: &str) -> Vec<Replacement> {
    let mut all = Vec::new();
    for one in options.get("replacements").and_then(Value::as_array).into_iter().flatten().take(MAX_PARTS) {
        let to = strings(one.get("to"));
        let (files, ignore) = (strings(one.get("files")), strings(one.get("ignore")));
        for (at, from) in strings(one.get("from")).into_iter().enumerate() {
            // A list goes along with the list of texts.
            let Some(to) = to.get(at).or_else(|| to.first().filter(|_| to.len() == 1)).and_then(|to| filled(to, version)) else { continue };
            all.push(Replacement { files: files.clone(), ignore: ignore.clone(), from, to });
        }
    }
    all
}

/// `@semantic-release/exec`: the commands that may make files.
fn executed(options: &Value, directory: &str, manager: Kind, version: &str) -> Vec<Step> {
    let folder = options.get("execCwd").and_then(Value::as_str).map_or_else(|| directory.to_owned(), |path| join(directory, path));
    // A folder outside of the checkout is none that can be had.
    let Some(directory) = normal_path(&folder) else { return Vec::new() };
    let texts = ["prepareCmd", "publishCmd"].into_iter().filter_map(|key| filled(options.get(key)?.as_str()?, version));
    let lines = texts.flat_map(|text| commands(&text)).filter(|line| is_useful(line));
    lines.map(|line| piece(manager, &directory, &line)).collect()
}

/// A template of lodash with the version; nothing where it has something else of the release.
fn filled(template: &str, version: &str) -> Option<String> {
    let mut text = template.to_owned();
    for (open, close) in [("${", "}"), ("<%=", "%>"), ("<%-", "%>")] {
        let mut done = String::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once(open) {
            let (expression, behind) = after.split_once(close)?;
            if expression.trim() != "nextRelease.version" {
                return None;
            }
            done = done + before + version;
            rest = behind;
        }
        text = done + rest;
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use npm_pack::tree::MemoryTree;

    use super::*;

    fn of(tree: &MemoryTree, directory: &str) -> Vec<(String, String, Vec<String>)> {
        let steps = steps(tree, directory, Kind::Npm, "1.2.3").into_iter();
        steps.map(|step| (step.name, step.directory, step.command)).collect()
    }

    #[test]
    fn plugins_that_write_the_version_become_steps() {
        let release = r#"{"plugins":["@semantic-release/npm",
            ["semantic-release-plugin-update-version-in-files",{"files":["pkg/*/v.*"]}],
            ["@google/semantic-release-replace-plugin",{"replacements":[{"files":"a.js","ignore":"x","from":["v=.*","w"],"to":"v=${ nextRelease.version }"},
                {"files":["b"],"from":"x","to":"${branch.name}"}]}]]}"#;
        let tree = MemoryTree::new().file("package.json", format!(r#"{{"release":{release}}}"#));
        let steps = of(&tree, "pkg");
        let arguments: Vec<_> = steps.iter().map(|(_, dir, command)| (dir.as_str(), command[3].as_str())).collect();
        assert_eq!(arguments[0], ("", r#"[{"files":["pkg/*/v.*"],"ignore":[],"from":"0\\.0\\.0-development","to":"1.2.3"}]"#));
        assert_eq!(
            arguments[1],
            (
                "",
                r#"[{"files":["a.js"],"ignore":["x"],"from":"v=.*","to":"v=1.2.3"},{"files":["a.js"],"ignore":["x"],"from":"w","to":"v=1.2.3"}]"#
            )
        );
        assert_eq!(steps.len(), 2);
    }

    #[test]
    fn commands_are_run_with_the_version_in_their_folder() {
        let release = "plugins:\n  - - '@semantic-release/exec'\n    - prepareCmd: node set.js <%= nextRelease.version %> && npm test\n      publishCmd: ./go ${lastRelease.version}\n      execCwd: ./a\n";
        let tree = MemoryTree::new().file("p/.releaserc", release).file("package.json", r#"{"release":{"plugins":[]}}"#);
        let sh = ["sh", "-c", "node set.js 1.2.3"].map(str::to_owned).to_vec();
        assert_eq!(of(&tree, "p"), [("node set.js 1.2.3 in p/a".to_owned(), "p/a".to_owned(), sh)]);
        let outside = MemoryTree::new()
            .file(".releaserc.json", r#"{"plugins":[["@semantic-release/exec",{"execCwd":"../..","prepareCmd":"make"}]]}"#);
        assert!(of(&outside, "").is_empty());
    }

    #[test]
    fn many_files_and_texts_are_cut() {
        let many = vec!["a"; 30_000];
        let release = serde_json::json!({"plugins": [["semantic-release-replace-plugin", {"replacements": [{"files": many, "from": many, "to": "1"}]}]]});
        let steps = of(&MemoryTree::new().file(".releaserc", release.to_string()), "");
        assert!(steps.iter().all(|(_, _, command)| command[3].len() <= MAX_ARGUMENT) && steps.len() == 1);
    }

    #[test]
    fn settings_that_say_nothing_make_no_step() {
        for text in ["", "[", "{\"plugins\":7}", "{\"plugins\":[7,[],[\"x\"]]}"] {
            assert!(of(&MemoryTree::new().file(".releaserc", text), "").is_empty(), "{text}");
        }
        assert!(of(&MemoryTree::new(), "").is_empty());
    }
}
