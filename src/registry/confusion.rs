//! Where the registry's metadata and the tarball's own package.json disagree ("manifest confusion"): npm resolves by the
//! one and runs scripts by the other, so who looks at one of them does not see what is installed.

use std::collections::BTreeMap;

use serde_json::Value;

use super::version;
use crate::report::json::{Finding, Severity};

/// Scripts that npm runs when a package is installed.
const INSTALL_SCRIPTS: [&str; 3] = ["preinstall", "install", "postinstall"];

/// Whether the two name the same package and version. A registry cleans versions (`v1.2.3` is `1.2.3`).
pub fn same_identity(registry: &Value, package_json: &Value) -> bool {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::trim).map(str::to_owned);
    let version = |value: &Value| text(value, "version").map(|text| version::clean(&text).unwrap_or(text));
    text(registry, "name") == text(package_json, "name") && version(registry) == version(package_json)
}

/// What disagrees besides name and version. `has_gyp`: the tarball has a `binding.gyp`, for which npm adds an install
/// script to the metadata (normalize-package-data, all versions).
pub fn findings(registry: &Value, package_json: &Value, has_gyp: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut differs = |field: &str, registry: &BTreeMap<String, String>, tarball: &BTreeMap<String, String>| {
        let keys: Vec<&str> =
            registry.keys().chain(tarball.keys()).filter(|key| registry.get(*key) != tarball.get(*key)).map(String::as_str).collect();
        if let Some(first) = keys.first() {
            let message = format!("registry metadata and the tarball's package.json disagree in {field}: {first}");
            findings.push(Finding::new("manifest-confusion", Severity::Warning, message));
        }
    };
    differs("dependencies", &dependencies(registry), &dependencies(package_json));
    differs("scripts", &install_scripts(registry, has_gyp), &install_scripts(package_json, has_gyp));
    differs("bin", &bins(registry), &bins(package_json));
    findings
}

/// What the published package.json has and the source's has not, of that which runs or is fetched when the package is installed.
pub fn against_source(published: &Value, source: &Value) -> Vec<Finding> {
    let scripts = foreign_install_scripts(published, source).into_iter().map(|script| {
        let message = format!("the script {script}, which runs when the package is installed, is not in the source");
        in_manifest(Finding::new("install-script-not-in-source", Severity::Error, message))
    });
    let names = foreign_dependencies(published, source).into_iter().map(|name| {
        let message = format!("the dependency {name}, which is installed with the package, is not in the source");
        in_manifest(Finding::new("dependency-not-in-source", Severity::Error, message))
    });
    scripts.chain(names).collect()
}

/// What runs when a package is installed of which no commit was found: there is nothing to hold it against.
pub fn without_source(published: &Value) -> Vec<Finding> {
    let message = |script: &str| format!("the script {script} runs when the package is installed, and no commit shows where it comes from");
    install_scripts(published, false)
        .keys()
        .map(|script| in_manifest(Finding::new("install-script-without-source", Severity::Warning, message(script))))
        .collect()
}

fn in_manifest(finding: Finding) -> Finding {
    Finding { path: Some("package.json".into()), ..finding }
}

/// The scripts that npm runs at installation and that the published package.json has otherwise than the source's.
fn foreign_install_scripts(published: &Value, source: &Value) -> Vec<String> {
    let theirs = install_scripts(source, false);
    install_scripts(published, false)
        .into_iter()
        .filter(|(name, command)| theirs.get(name) != Some(command))
        .map(|(name, _)| name)
        .collect()
}

/// The dependencies that the source does not name at all. Their ranges are the publishing client's to write: `workspace:*` becomes a
/// version.
fn foreign_dependencies(published: &Value, source: &Value) -> Vec<String> {
    let theirs = dependencies(source);
    dependencies(published).into_keys().filter(|name| !theirs.contains_key(name)).collect()
}

/// Dependencies with the optional ones, which npm lists among them when it publishes.
fn dependencies(manifest: &Value) -> BTreeMap<String, String> {
    let maps = ["dependencies", "optionalDependencies"].iter().filter_map(|key| manifest.get(key)?.as_object());
    // npm trims ranges when it publishes (normalize-package-data).
    maps.flatten().filter_map(|(name, range)| Some((name.clone(), range.as_str()?.trim().to_owned()))).collect()
}

fn install_scripts(manifest: &Value, has_gyp: bool) -> BTreeMap<String, String> {
    let script = |name: &str| manifest.pointer(&format!("/scripts/{name}")).and_then(Value::as_str);
    let mut found: BTreeMap<String, String> =
        INSTALL_SCRIPTS.iter().filter_map(|name| Some(((*name).to_owned(), script(name)?.trim().to_owned()))).collect();
    if has_gyp && !found.contains_key("preinstall") {
        found.entry("install".to_owned()).or_insert_with(|| "node-gyp rebuild".to_owned());
    }
    found.retain(|_, command| !command.is_empty());
    found
}

/// Commands by name; a single path is the command of the package's own name, without the scope.
fn bins(manifest: &Value) -> BTreeMap<String, String> {
    let path = |text: &str| text.trim_start_matches("./").trim_start_matches('/').to_owned();
    match manifest.get("bin") {
        Some(Value::String(one)) => {
            let name = manifest.get("name").and_then(Value::as_str).unwrap_or_default();
            BTreeMap::from([(name.rsplit('/').next().unwrap_or(name).to_owned(), path(one))])
        }
        Some(Value::Object(many)) => many.iter().filter_map(|(name, at)| Some((name.clone(), path(at.as_str()?)))).collect(),
        _ => BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn codes(registry: &Value, tarball: &Value) -> usize {
        findings(registry, tarball, false).len()
    }

    #[test]
    fn what_npm_rewrites_when_it_publishes_is_no_disagreement() {
        let registry = json!({"name": "@s/a", "bin": {"a": "cli.js"}, "dependencies": {"b": "1", "c": "2"}, "scripts": {"test": "x"}});
        let tarball = json!({"name": "@s/a", "bin": "./cli.js", "dependencies": {"b": " 1 "}, "optionalDependencies": {"c": "2"}});
        assert_eq!(codes(&registry, &tarball), 0);
        let with_gyp = json!({"scripts": {"install": "node-gyp rebuild"}});
        assert!(findings(&with_gyp, &json!({}), true).is_empty());
    }

    #[test]
    fn a_dependency_script_or_command_on_one_side_only_is_a_finding() {
        for field in [json!({"dependencies": {"evil": "1"}}), json!({"scripts": {"install": "x"}}), json!({"bin": {"npm": "x"}})] {
            assert_eq!(codes(&field, &json!({})), 1, "{field}");
            assert_eq!(codes(&json!({}), &field), 1, "{field}");
        }
    }

    #[test]
    fn what_installs_with_the_package_and_is_not_in_the_source_is_a_finding() {
        let source = json!({"scripts": {"postinstall": "node a.js"}, "dependencies": {"a": "workspace:*"}, "devDependencies": {"b": "1"}});
        let codes = |published: Value| against_source(&published, &source).into_iter().map(|finding| finding.code).collect::<Vec<_>>();
        assert!(codes(json!({"scripts": {"postinstall": "node a.js", "test": "x"}, "dependencies": {"a": "1.0.0"}})).is_empty());
        assert_eq!(codes(json!({"scripts": {"postinstall": "node b.js"}})), ["install-script-not-in-source"]);
        assert_eq!(
            codes(json!({"scripts": {"preinstall": "x"}, "optionalDependencies": {"b": "1"}})),
            ["install-script-not-in-source", "dependency-not-in-source"]
        );
        assert_eq!(codes(json!({"devDependencies": {"c": "1"}, "peerDependencies": {"d": "1"}})), [""; 0]);
    }

    #[test]
    fn without_a_source_every_script_that_runs_at_installation_is_named() {
        let found = without_source(&json!({"scripts": {"preinstall": "x", "postinstall": "y", "test": "z"}}));
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|finding| finding.code == "install-script-without-source" && finding.path.is_some()));
    }

    #[test]
    fn a_cleaned_version_is_the_same_and_another_name_is_not() {
        assert!(same_identity(&json!({"name": "a", "version": "1.2.3"}), &json!({"name": "a", "version": "v1.2.3"})));
        assert!(!same_identity(&json!({"name": "a", "version": "1.2.3"}), &json!({"name": "b", "version": "1.2.3"})));
        assert!(!same_identity(&json!({"name": "a", "version": "1.2.3"}), &json!({"name": "a", "version": "1.2.4"})));
    }
}
