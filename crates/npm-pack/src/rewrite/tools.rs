//! Well-known tools that clean a package up just before it is packed: clean-publish, clean-package
//! and pinst.
//!
//! Each does what its own code does with its settings from package.json or its file. A tool is
//! tried where a script of package.json or of the root's calls it, they have it as a dependency
//! or its settings, or a workflow uses it. A word that merely contains its name is no call.

use serde_json::Value;

use super::clean_publish;
use super::edits::Edits;
use super::json::{self, Object};
use super::workspace::Workspace;

/// Most paths that settings name.
const MAX_PATHS: usize = 1_000;
/// Most keys of a path in a tool's settings: a deeper one would be followed by recursion.
const MAX_KEYS: usize = 64;

/// package.json after a tool, and what else the tool does.
pub(super) struct Cleaned {
    pub(super) name: &'static str,
    pub(super) bytes: Vec<u8>,
    /// What the tool makes of other files.
    pub(super) edits: Edits,
}

/// What the tools that the package names make of its package.json.
pub(super) fn cleaned(bytes: &[u8], workspace: &Workspace) -> Vec<Cleaned> {
    let Some(source) = json::parse(bytes) else { return Vec::new() };
    let mut all = Vec::new();
    if names(&source, workspace, "clean-publish") || clean_publish::action(workspace).is_some() {
        all.extend(clean_publish::cleaned(&source, workspace));
    }
    if names(&source, workspace, "clean-package")
        && let Some(bytes) = clean_package(&source, workspace)
    {
        all.push(Cleaned { name: "clean-package", bytes, edits: Edits::default() });
    }
    if names(&source, workspace, "pinst")
        && let Some(bytes) = pinst(bytes, &source)
    {
        all.push(Cleaned { name: "pinst", bytes, edits: Edits::default() });
    }
    all
}

/// Whether a script, a dependency or a setting of the package or of the root names the tool.
fn names(source: &Object, workspace: &Workspace, tool: &str) -> bool {
    [Some(source), workspace.root_manifest.as_ref()].into_iter().flatten().any(|manifest| {
        let scripts = json::object(manifest, "scripts").into_iter().flat_map(Object::values);
        let in_script = scripts.filter_map(Value::as_str).any(|script| calls(script, tool));
        let depends =
            ["dependencies", "devDependencies"].iter().any(|field| json::object(manifest, field).is_some_and(|d| d.contains_key(tool)));
        manifest.contains_key(tool) || in_script || depends
    })
}

/// Whether a script calls a tool: one of its commands begins with the tool's name, behind
/// variables and programs that run others.
fn calls(script: &str, tool: &str) -> bool {
    const RUNNERS: [&str; 13] = ["npx", "npm", "pnpm", "pnpx", "yarn", "bun", "bunx", "exec", "dlx", "x", "run", "cross-env", "env"];
    script.split(['&', '|', ';', '(', ')', '\n']).any(|command| {
        let passed = |word: &&str| RUNNERS.contains(word) || word.starts_with('-') || word.contains('=');
        let called = command.split_whitespace().find(|word| !passed(word)).unwrap_or_default();
        let called = called.trim_matches(['"', '\'']).rsplit('/').next().unwrap_or_default();
        called.split_once('@').map_or(called, |(name, _)| name) == tool
    })
}

/// A setting that is a file's name or an object, with what it extends.
fn clean_package(source: &Object, workspace: &Workspace) -> Option<Vec<u8>> {
    const COMMON: [&str; 8] = ["clean-package", "babel", "browserslist", "eslintConfig", "jest", "lint-staged", "mocha", "pre-commit"];
    let settings = json::object(source, "clean-package").or_else(|| workspace.settings.get("clean-package.config.json"))?;
    let mut removed: Vec<String> = Vec::new();
    let extends = match settings.get("extends") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    for base in extends {
        // Settings of other packages are code: what they would do is not known here.
        matches!(base, "clean-package/common" | "clean-package/common.js").then_some(())?;
        removed.extend(COMMON.map(str::to_owned));
    }
    let listed =
        |name: &str| settings.get(name).map_or(0, |list| list.as_array().map_or(0, Vec::len).max(list.as_object().map_or(0, Object::len)));
    if listed("remove").max(listed("replace")) > MAX_PATHS {
        return None;
    }
    removed.extend(settings.get("remove").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
    let mut manifest = source.clone();
    for key in removed {
        delete(&mut manifest, &path(&key)?);
    }
    for (key, value) in json::object(settings, "replace").into_iter().flatten() {
        set(&mut manifest, &path(key)?, value);
    }
    let indent = match settings.get("indent") {
        Some(Value::String(indent)) => indent.clone(),
        Some(Value::Number(count)) => " ".repeat(usize::try_from(count.as_u64().unwrap_or(0).min(10)).unwrap_or(0)),
        _ => "  ".to_owned(),
    };
    if json::indentation(&manifest, &indent) > super::LARGEST {
        return None;
    }
    Some((json::print(&manifest, &indent) + "\n").into_bytes())
}

/// `pinst --disable`: installation scripts that are for the repository only get another name.
fn pinst(bytes: &[u8], source: &Object) -> Option<Vec<u8>> {
    let mut manifest = source.clone();
    let scripts = json::object(source, "scripts")?.iter();
    let renamed = scripts.map(|(name, script)| {
        let name = if matches!(name.as_str(), "install" | "postinstall") { format!("_{name}") } else { name.clone() };
        (name, script.clone())
    });
    manifest.insert("scripts".to_owned(), Value::Object(renamed.collect()));
    let text = String::from_utf8_lossy(bytes);
    let width = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let indent = text.lines().find_map(|line| line.get(..width(line)).filter(|indent| !indent.is_empty())).unwrap_or("");
    Some((json::print(&manifest, indent) + "\n").into_bytes())
}

/// `a.b` as a path of keys; `\.` is a dot in a key. `None` if it is deeper than [`MAX_KEYS`].
pub(super) fn path(key: &str) -> Option<Vec<String>> {
    let mut parts = vec![String::new()];
    let mut chars = key.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek() == Some(&'.') => {
                chars.next();
                if let Some(part) = parts.last_mut() {
                    part.push('.');
                }
            }
            '.' => parts.push(String::new()),
            c => {
                if let Some(part) = parts.last_mut() {
                    part.push(c);
                }
            }
        }
    }
    (parts.len() <= MAX_KEYS).then_some(parts)
}

pub(super) fn delete(object: &mut Object, path: &[String]) {
    match path {
        [] => {}
        [key] => drop(json::remove(object, key)),
        [key, rest @ ..] => {
            if let Some(Value::Object(inner)) = object.get_mut(key) {
                delete(inner, rest);
            }
        }
    }
}

fn set(object: &mut Object, path: &[String], value: &Value) {
    match path {
        [] => {}
        [key] => drop(object.insert(key.clone(), value.clone())),
        [key, rest @ ..] => {
            let inner = object.entry(key.clone()).or_insert_with(|| Value::Object(Object::new()));
            if !inner.is_object() {
                *inner = Value::Object(Object::new());
            }
            if let Value::Object(inner) = inner {
                set(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned_text(source: &str, settings: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
        let mut workspace = Workspace::new("1.0.0", "", "p");
        for (file, text) in settings {
            workspace.settings.insert(file, json::parse(text.as_bytes()).expect("an object"));
        }
        let text = |one: Cleaned| (one.name, String::from_utf8_lossy(&one.bytes).split_whitespace().collect());
        cleaned(source.as_bytes(), &workspace).into_iter().map(text).collect()
    }

    #[test]
    fn a_tool_that_nothing_names_does_nothing() {
        assert!(cleaned_text(r#"{"name":"x","scripts":{"build":"tsc"}}"#, &[]).is_empty());
    }

    #[test]
    fn a_tool_is_called_by_a_command_and_not_by_a_word() {
        for script in ["pinst --disable", "tsc && npx pinst@3 -d", "CI=1 yarn pinst", "./node_modules/.bin/pinst", "npm exec -- pinst"] {
            assert!(calls(script, "pinst"), "{script}");
        }
        for script in ["echo spinster", "echo pinst", "pinst-like", "npm run no-pinst", "tsc # pinst"] {
            assert!(!calls(script, "pinst"), "{script}");
        }
    }

    #[test]
    fn clean_publish_drops_what_is_for_development() {
        let source = r#"{"name":"x","scripts":{"prepublishOnly":"clean-publish","postinstall":"y"},"devDependencies":{"z":"1"},
            "publishConfig":{"directory":"package"},"keep":{"a":1,"b":2}}"#;
        let settings = [(".clean-publish", r#"{"fields":["scripts","publishConfig","keep.a"]}"#)];
        let all_are = |settings: &[(&'static str, &str)], expected: &str| {
            let all = cleaned_text(source, settings);
            assert!(!all.is_empty() && all.iter().all(|(_, text)| text == expected), "{all:?}");
        };
        all_are(&settings, r#"{"name":"x","keep":{"b":2}}"#);
        all_are(&[], r#"{"name":"x","scripts":{"postinstall":"y"},"publishConfig":{"directory":"package"},"keep":{"a":1,"b":2}}"#);
    }

    #[test]
    fn clean_package_removes_and_replaces_by_path() {
        let source = r#"{"name":"x","main":"src","jest":{},"a":{"b":{"c":1},"d":2},
            "clean-package":{"extends":"clean-package/common","remove":["a.b"],"replace":{"main":"dist","new.key":[1]}}}"#;
        let expected = r#"{"name":"x","main":"dist","a":{"d":2},"new":{"key":[1]}}"#;
        assert_eq!(cleaned_text(source, &[]), [("clean-package", expected.to_owned())]);
    }

    #[test]
    fn a_path_that_is_deep_is_not_followed_and_neither_is_indentation_without_end() {
        let source = |key: &str| format!(r#"{{"name":"x","clean-package":{{"replace":{{"{key}":1}}}}}}"#);
        assert_eq!(cleaned_text(&source(&["a"; MAX_KEYS].join(".")), &[]).len(), 1);
        assert!(cleaned_text(&source(&["a"; MAX_KEYS + 1].join(".")), &[]).is_empty());
        assert!(cleaned_text(&source(&vec!["a"; 400_000].join(".")), &[]).is_empty());
        let deep = |count: usize| {
            let items = vec!["0"; count].join(",");
            format!(r#"{{"name":"x","clean-package":{{"indent":10}},"deep":{}{items}{}}}"#, "[".repeat(100), "]".repeat(100))
        };
        assert_eq!(cleaned_text(&deep(10), &[]).len(), 1);
        assert!(cleaned_text(&deep(10_000), &[]).is_empty());
    }

    #[test]
    fn pinst_renames_installation_scripts() {
        let source = r#"{"scripts":{"postinstall":"husky","prepack":"pinst --disable"}}"#;
        assert_eq!(cleaned_text(source, &[]), [("pinst", r#"{"scripts":{"_postinstall":"husky","prepack":"pinst--disable"}}"#.to_owned())]);
    }
}
