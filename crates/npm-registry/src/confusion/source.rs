//! What package.json as it was published has and the source's has not, of that which runs or is
//! fetched at an installation.

use std::collections::BTreeMap;

use serde_json::Value;

use verdict::{Finding, Severity};

use super::INSTALL_SCRIPTS;
use super::clients::hosted;

/// The fields whose names are installed with the package: npm 7 and later, pnpm 8 and bun install
/// peers by themselves.
const INSTALLED: [(&str, &str); 3] =
    [("dependencies", "dependency"), ("optionalDependencies", "dependency"), ("peerDependencies", "peer dependency")];

/// What the published package.json has and the source's has not, of that which runs or is fetched
/// when the package is installed.
pub fn against_source(published: &Value, source: &Value) -> Vec<Finding> {
    let scripts = foreign_install_scripts(published, source).into_iter().map(|script| {
        let message = format!("the script {script}, which runs when the package is installed, is not in the source");
        in_manifest(Finding::new("install-script-not-in-source", Severity::Error, message))
    });
    let names = foreign_dependencies(published, source).into_iter().map(|(name, kind)| {
        let message = format!("the {kind} {name}, which is installed with the package, is not in the source");
        in_manifest(Finding::new("dependency-not-in-source", Severity::Error, message))
    });
    scripts.chain(names).collect()
}

/// What runs when a package is installed of which no commit was found: there is nothing to hold it
/// against.
pub fn without_source(published: &Value) -> Vec<Finding> {
    let message = |script: &str| format!("the script {script} runs when the package is installed, and no commit shows where it comes from");
    install_scripts(published)
        .keys()
        .map(|script| in_manifest(Finding::new("install-script-without-source", Severity::Warning, message(script))))
        .collect()
}

fn in_manifest(finding: Finding) -> Finding {
    Finding { path: Some("package.json".into()), ..finding }
}

fn install_scripts(manifest: &Value) -> BTreeMap<&'static str, &str> {
    let command = |name: &str| manifest.get("scripts")?.get(name)?.as_str().map(str::trim).filter(|command| !command.is_empty());
    INSTALL_SCRIPTS.iter().filter_map(|name| Some((*name, command(name)?))).collect()
}

/// The scripts that npm runs at installation and that the published package.json has otherwise than
/// the source's.
fn foreign_install_scripts(published: &Value, source: &Value) -> Vec<&'static str> {
    let theirs = install_scripts(source);
    install_scripts(published).into_iter().filter(|(name, command)| theirs.get(name) != Some(command)).map(|(name, _)| name).collect()
}

/// The dependencies that the source does not name at all, or takes from the registry where the
/// published ones are at an address. Other ranges are the publishing client's to write:
/// `workspace:*` becomes a version.
fn foreign_dependencies<'v>(published: &'v Value, source: &Value) -> Vec<(&'v str, &'static str)> {
    let mut foreign = BTreeMap::new();
    for (field, kind) in INSTALLED {
        for (name, range) in published.get(field).and_then(Value::as_object).into_iter().flatten() {
            let theirs: Vec<&Value> = INSTALLED.iter().filter_map(|(field, _)| source.get(*field)?.get(name)).collect();
            // `workspace:`, `catalog:` and the like may become anything that their workspace says.
            let by_scheme = theirs.iter().any(|own| own.as_str().is_some_and(|text| text.contains(':')) || is_elsewhere(own));
            if theirs.is_empty() || (is_elsewhere(range) && !by_scheme) {
                foreign.entry(name.as_str()).or_insert(kind);
            }
        }
    }
    foreign.into_iter().collect()
}

/// Whether a range names another place than the registry, or another package.
fn is_elsewhere(range: &Value) -> bool {
    range.as_str().is_some_and(|text| text.starts_with("npm:") || text.contains("://") || hosted(text).is_some())
}
