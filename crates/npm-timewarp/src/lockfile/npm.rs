//! package-lock.json and npm-shrinkwrap.json: a tree of dependencies (1), a table of folders (2 and
//! 3), or both.

use serde_json::{Map, Value};

use npm_spec::manifest::{LARGEST_LOCKFILE, is_too_large};

use super::{Named, is_registry, split_name};

/// How deep folders may lie in each other; `serde_json` stops before it.
const MAX_DEPTH: usize = 200;

pub(super) fn read(text: &str, found: &mut Named) -> Result<(), String> {
    if is_too_large(text.as_bytes(), LARGEST_LOCKFILE) {
        return Err("it has too many values".to_owned());
    }
    let document: Value = serde_json::from_str(text).map_err(|error| format!("line {}, column {}", error.line(), error.column()))?;
    if let Some(packages) = document.get("packages").and_then(Value::as_object) {
        for (path, entry) in packages {
            // A folder outside of node_modules is a workspace, and a link leads to one.
            let Some((_, folder)) = path.rsplit_once("node_modules/") else { continue };
            if entry.get("link").and_then(Value::as_bool) != Some(true) {
                let name = entry.get("name").and_then(Value::as_str).unwrap_or(folder);
                add(name, entry, found);
            }
        }
    }
    if let Some(dependencies) = document.get("dependencies").and_then(Value::as_object) {
        walk(dependencies, 0, found);
    }
    Ok(())
}

fn walk(dependencies: &Map<String, Value>, depth: usize, found: &mut Named) {
    for (name, entry) in dependencies {
        add(name, entry, found);
        if let Some(inner) = entry.get("dependencies").and_then(Value::as_object).filter(|_| depth < MAX_DEPTH) {
            walk(inner, depth + 1, found);
        }
    }
}

fn add(name: &str, entry: &Value, found: &mut Named) {
    let text = |key: &str| entry.get(key).and_then(Value::as_str);
    let Some(version) = text("version") else { return };
    // In the tree, an alias has its target and git has its address where the version stands.
    let (name, version) = version.strip_prefix("npm:").and_then(split_name).unwrap_or((name, version));
    match text("resolved") {
        Some(resolved) if !is_registry(resolved) => found.address(resolved),
        _ if version.contains("://") => {
            if is_registry(version) {
                let name = super::registry_name(version);
                let file = version.rsplit('/').next().unwrap_or("");
                let base = name.as_deref().and_then(|name| name.rsplit('/').next()).unwrap_or("");
                let number = file.strip_prefix(base).and_then(|rest| rest.strip_prefix('-')).and_then(|rest| rest.strip_suffix(".tgz"));
                if let Some((name, number)) = name.as_deref().zip(number) {
                    found.version(name, number);
                }
            } else {
                found.address(version);
            }
        }
        _ => found.version(name, version),
    }
}

#[cfg(test)]
mod tests {
    use super::super::named;

    fn versions(text: &str) -> (Vec<String>, Vec<String>) {
        let found = named("package-lock.json", text.as_bytes()).unwrap();
        (found.versions.iter().map(|(name, version)| format!("{name}@{version}")).collect(), found.hosts.into_iter().collect())
    }

    #[test]
    fn the_tree_of_version_1_is_walked_to_its_leaves() {
        let text = r#"{"lockfileVersion":1,"dependencies":{
            "a":{"version":"1.0.0","resolved":"https://r.example/a/-/a-1.0.0.tgz","dependencies":{"@s/b":{"version":"2.0.0-x"}}},
            "alias":{"version":"npm:@s/real@3.0.0"},
            "g":{"version":"git+ssh://git@host.example/g.git#0123","from":"g"},
            "u":{"version":"https://r.example/u/-/u-4.0.0.tgz"},
            "local":{"version":"file:local"}}}"#;
        assert_eq!(
            versions(text),
            (vec!["@s/b@2.0.0-x".into(), "@s/real@3.0.0".into(), "a@1.0.0".into(), "u@4.0.0".into()], vec!["host.example".into()])
        );
    }

    #[test]
    fn the_table_of_versions_2_and_3_gives_real_names_and_no_workspaces() {
        let text = r#"{"lockfileVersion":3,"packages":{"":{"version":"9.0.0"},"packages/w":{"version":"8.0.0"},
            "node_modules/w":{"resolved":"packages/w","link":true},
            "node_modules/a/node_modules/@s/b":{"version":"2.0.0","resolved":"https://r.example/@s/b/-/b-2.0.0.tgz"},
            "node_modules/alias":{"name":"real","version":"3.0.0"},
            "node_modules/bundled":{"version":"4.0.0","inBundle":true},
            "node_modules/t":{"version":"5.0.0","resolved":"https://code.example/t/tar.gz/0123"}}}"#;
        assert_eq!(versions(text), (vec!["@s/b@2.0.0".into(), "bundled@4.0.0".into(), "real@3.0.0".into()], vec!["code.example".into()]));
    }
}
