//! package.json as yarn 2 and later publish it: printed anew with two spaces and no final line
//! feed.
//!
//! Some fields of `publishConfig` are copied over the package's own and stay where they are; ranges
//! of the workspace are written out. `yarn install` sorts dependencies in the file itself, so a
//! package that was packed after it can differ from the commit in their order; that is one more
//! form here.

use serde_json::Value;

use super::json::{self, Object};
use super::spec::{Resolver, Unresolved, jsr};

/// What one release of yarn does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Release {
    pub(super) name: &'static str,
    /// The fields of `publishConfig` that are copied, in the order in which that is done.
    copied: &'static [&'static str],
    /// Whether `workspace:^` and `workspace:~` are known (3.0 and later).
    signs: bool,
}

/// yarn 4, and yarn 3 with its TypeScript plugin.
const BERRY_4: Release = Release {
    name: "berry-4",
    copied: &["type", "main", "browser", "module", "exports", "imports", "bin", "typings", "types"],
    signs: true,
};
/// yarn 3.
const BERRY_3: Release =
    Release { name: "berry-3", copied: &["type", "main", "browser", "module", "exports", "imports", "bin"], signs: true };
/// yarn 2.
const BERRY_2: Release = Release { name: "berry-2", copied: &["main", "browser", "module", "bin"], signs: false };

/// The releases that wrote archives of an era, likeliest first.
pub(super) fn releases(era: &str) -> &'static [Release] {
    if era == "berry-2" { &[BERRY_2] } else { &[BERRY_4, BERRY_3] }
}

/// package.json as this release publishes it; none where it would refuse to.
pub(super) fn rewrite(source: &Object, release: Release, to: Resolver<'_>) -> Result<Object, Unresolved> {
    let mut manifest = source.clone();
    for field in ["dependencies", "devDependencies", "peerDependencies", "optionalDependencies"] {
        let Some(Value::Object(ranges)) = manifest.get_mut(field) else { continue };
        for (name, value) in ranges {
            let Value::String(spec) = value else { continue };
            *spec = to.catalog(name, spec)?;
            *spec = match spec.strip_prefix("workspace:") {
                Some(selector) => to.berry_workspace(name, selector, release.signs)?,
                None => jsr(name, spec)?,
            };
        }
    }
    for field in release.copied {
        let value = json::object(source, "publishConfig").and_then(|config| config.get(*field));
        if let Some(value) = value.filter(|value| json::truthy(value)) {
            manifest.insert((*field).to_owned(), value.clone());
        }
    }
    Ok(manifest)
}

/// What `yarn install` makes of the file: dependencies and commands sorted, empty fields gone.
pub(super) fn installed(source: &Object) -> Object {
    let mut manifest = source.clone();
    for field in ["dependencies", "devDependencies", "peerDependencies", "optionalDependencies", "peerDependenciesMeta", "dependenciesMeta"]
    {
        match manifest.get_mut(field) {
            Some(Value::Object(ranges)) if ranges.is_empty() => drop(json::remove(&mut manifest, field)),
            Some(Value::Object(ranges)) => json::sort_keys(ranges),
            _ => {}
        }
    }
    let name = json::text(source, "name").map(|name| name.rsplit('/').next().unwrap_or(name).to_owned());
    match manifest.get_mut("bin") {
        Some(Value::Object(bins)) if bins.is_empty() => drop(json::remove(&mut manifest, "bin")),
        Some(Value::Object(bins)) => {
            let only = name.filter(|_| bins.len() == 1).and_then(|name| bins.get(&name).cloned());
            match only {
                Some(target) => drop(manifest.insert("bin".to_owned(), target)),
                None => json::sort_keys(bins),
            }
        }
        _ => {}
    }
    if let Some(Value::Object(map)) = manifest.get_mut("browser") {
        json::sort_keys(map);
    }
    if json::object(&manifest, "scripts").is_some_and(Object::is_empty) {
        json::remove(&mut manifest, "scripts");
    }
    if manifest.get("private") == Some(&Value::Bool(false)) {
        json::remove(&mut manifest, "private");
    }
    manifest
}

#[cfg(test)]
mod tests {
    use super::super::spec::Versions;
    use super::super::workspace::{Member, Workspace};
    use super::*;

    fn published(source: &str, release: Release) -> Result<String, Unresolved> {
        let mut workspace = Workspace::new("1.0.0", "", "p");
        workspace.members.insert("a".into(), Member { version: Some("1.2.3".into()), directory: "packages/a".into() });
        let to = Resolver { workspace: &workspace, versions: Versions::Tree, own: None };
        let source = json::parse(source.as_bytes()).expect("an object");
        rewrite(&source, release, to).map(|manifest| json::print(&manifest, ""))
    }

    #[test]
    fn fields_of_publish_config_are_copied_and_stay() {
        let source = r#"{"main":"a","publishConfig":{"main":"b","types":"t","access":"public"},"scripts":{"prepack":"x"}}"#;
        assert_eq!(
            published(source, BERRY_4).as_deref(),
            Ok(r#"{"main":"b","publishConfig":{"main":"b","types":"t","access":"public"},"scripts":{"prepack":"x"},"types":"t"}"#)
        );
        assert_eq!(
            published(source, BERRY_3).as_deref(),
            Ok(r#"{"main":"b","publishConfig":{"main":"b","types":"t","access":"public"},"scripts":{"prepack":"x"}}"#)
        );
    }

    #[test]
    fn signs_are_known_since_yarn_3() {
        let source = r#"{"dependencies":{"a":"workspace:^"}}"#;
        assert_eq!(published(source, BERRY_3).as_deref(), Ok(r#"{"dependencies":{"a":"^1.2.3"}}"#));
        assert_eq!(published(source, BERRY_2).as_deref(), Ok(r#"{"dependencies":{"a":"^"}}"#));
        assert_eq!(published(r#"{"dependencies":{"b":"workspace:^"}}"#, BERRY_3), Err(Unresolved));
    }

    #[test]
    fn an_install_sorts_what_it_manages() {
        let source = json::parse(br#"{"bin":{"x":"x.js"},"name":"@s/x","dependencies":{"b":"1","a":"1"},"devDependencies":{}}"#);
        let printed = source.map(|source| json::print(&installed(&source), ""));
        assert_eq!(printed.as_deref(), Some(r#"{"bin":"x.js","name":"@s/x","dependencies":{"a":"1","b":"1"}}"#));
    }
}
