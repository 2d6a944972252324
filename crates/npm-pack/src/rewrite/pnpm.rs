//! package.json as pnpm publishes it since 6.20, when it began to pack by itself.
//!
//! It is printed anew with two spaces and no final line feed: `scripts` without those of publishing
//! stand last, fields of `publishConfig` take the place of the package's own, ranges of the
//! workspace are written out. The table has a row for each release that changed something, read
//! from its code and checked against the client (`__test__/conformance`).

use serde_json::{Map, Value};

use super::json::{self, Object};
use super::spec::{Grammar, Resolver, Unresolved, Written, jsr};
use super::{Client, Raced};

/// What one release of pnpm does.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools, reason = "a table of independent changes, each with its version")]
pub(super) struct Release {
    pub(super) name: &'static str,
    /// The fields of `publishConfig` that are hoisted.
    hoisted: &'static [&'static str],
    /// Whether they are taken out of `publishConfig` (6.35 and later).
    deletes: bool,
    /// Whether `packageManager` is left out (9.0 and later).
    drops_manager: bool,
    /// Whether publishing scripts and `packageManager` stay (`skip-manifest-obfuscation`, 11.20 and
    /// later).
    plain: bool,
    grammar: Grammar,
    /// Whether peers have a rule of their own (9.5 and later).
    peers: bool,
    /// Whether `catalog:` is known (9.5 and later).
    catalogs: bool,
    /// Whether a catalog may lead to a workspace range (11.0 and later).
    catalog_first: bool,
    /// Whether `jsr:` is known (10.10 and later).
    jsr: bool,
    /// Whether `engines.runtime` becomes a dependency (10.34 and later).
    runtimes: bool,
    /// Whether ranges that needed a file stand last, in the order in which the files were read
    /// (7.28 to 11.20).
    races: bool,
    /// Whether the readme's text is added (6.28 to 6.35).
    readme: bool,
    /// Whether a `bin` that is text becomes an object, and `peerDependenciesMeta` is made explicit
    /// (11.0 and later).
    normalizes: bool,
    /// Whether a `repository` that is text becomes an object (11.10 and later).
    repository: bool,
}

const FIRST_HOISTED: &[&str] =
    &["bin", "type", "imports", "main", "module", "typings", "types", "exports", "browser", "esnext", "es2015", "unpkg", "umd:main"];
#[rustfmt::skip]
const WITH_OS: &[&str] = &[
    "bin", "type", "imports", "main", "module", "typings", "types", "exports", "browser", "esnext", "es2015", "unpkg", "umd:main",
    "os", "cpu",
];
#[rustfmt::skip]
const WITH_TYPES_VERSIONS: &[&str] = &[
    "bin", "type", "imports", "main", "module", "typings", "types", "exports", "browser", "esnext", "es2015", "unpkg", "umd:main",
    "os", "cpu", "typesVersions",
];
#[rustfmt::skip]
const WITH_LIBC: &[&str] = &[
    "bin", "type", "imports", "main", "module", "typings", "types", "exports", "browser", "esnext", "es2015", "unpkg", "umd:main",
    "os", "cpu", "libc", "typesVersions",
];
#[rustfmt::skip]
const WITH_ENGINES: &[&str] = &[
    "bin", "engines", "type", "imports", "main", "module", "typings", "types", "exports", "browser", "esnext", "es2015", "unpkg",
    "umd:main", "os", "cpu", "libc", "typesVersions",
];
#[rustfmt::skip]
const WITH_NAME: &[&str] = &[
    "name", "bin", "engines", "type", "imports", "main", "module", "typings", "types", "exports", "browser", "esnext", "es2015",
    "unpkg", "umd:main", "os", "cpu", "libc", "typesVersions",
];

const PNPM_6_20: Release = Release {
    name: "pnpm-6-20",
    hoisted: FIRST_HOISTED,
    deletes: false,
    drops_manager: false,
    plain: false,
    grammar: Grammar::Sign,
    peers: false,
    catalogs: false,
    catalog_first: false,
    jsr: false,
    runtimes: false,
    races: false,
    readme: false,
    normalizes: false,
    repository: false,
};
const PNPM_6_28: Release = Release { name: "pnpm-6-28", hoisted: WITH_OS, readme: true, ..PNPM_6_20 };
const PNPM_6_35: Release = Release { name: "pnpm-6-35", deletes: true, ..PNPM_6_28 };
const PNPM_7_0: Release = Release { name: "pnpm-7-0", hoisted: WITH_TYPES_VERSIONS, readme: false, ..PNPM_6_35 };
const PNPM_7_12: Release = Release { name: "pnpm-7-12", hoisted: WITH_LIBC, ..PNPM_7_0 };
const PNPM_7_28: Release = Release { name: "pnpm-7-28", races: true, ..PNPM_7_12 };
const PNPM_9_0: Release = Release { name: "pnpm-9-0", drops_manager: true, ..PNPM_7_28 };
const PNPM_9_5: Release = Release { name: "pnpm-9-5", peers: true, catalogs: true, ..PNPM_9_0 };
const PNPM_10_10: Release = Release { name: "pnpm-10-10", jsr: true, ..PNPM_9_5 };
const PNPM_10_34: Release =
    Release { name: "pnpm-10-34", hoisted: WITH_ENGINES, grammar: Grammar::SignOrNothing, runtimes: true, ..PNPM_10_10 };
const PNPM_11_0: Release = Release { name: "pnpm-11-0", catalog_first: true, normalizes: true, ..PNPM_10_34 };
const PNPM_11_10: Release = Release { name: "pnpm-11-10", repository: true, ..PNPM_11_0 };
const PNPM_11_20: Release = Release { name: "pnpm-11-20", hoisted: WITH_NAME, ..PNPM_11_10 };
const PNPM_11_28: Release = Release { name: "pnpm-11-28", races: false, ..PNPM_11_20 };
const PNPM_11_PLAIN: Release = Release { name: "pnpm-11-plain", plain: true, ..PNPM_11_28 };

/// The releases that wrote archives of an era, likeliest first.
pub(super) fn releases(era: &str) -> &'static [Release] {
    match era {
        "pnpm-6-20" => &[PNPM_6_35, PNPM_6_28, PNPM_6_20],
        "pnpm-8-8" => &[PNPM_7_28],
        "pnpm-11-28" | "pnpm-12-0" | "pnpm-12-5" | "pnpm-12-21" => &[PNPM_11_28, PNPM_11_PLAIN, PNPM_11_20],
        _ => {
            &[PNPM_10_10, PNPM_7_28, PNPM_9_5, PNPM_9_0, PNPM_10_34, PNPM_11_0, PNPM_11_10, PNPM_11_20, PNPM_11_PLAIN, PNPM_7_12, PNPM_7_0]
        }
    }
}

/// What packages looked like before pnpm packed by itself: the file on disk was rewritten for npm,
/// in its own layout.
pub(super) const BEFORE_6_20: Release = Release { name: "pnpm-5", ..PNPM_6_20 };

impl Release {
    /// Whether the list of files is made from the file on disk (up to pnpm 7) and not from what is
    /// published.
    pub(super) fn lists_from_disk(&self) -> bool {
        !self.races && !self.drops_manager
    }
}

/// The scripts that only publishing needs.
const PUBLISH_SCRIPTS: [&str; 6] = ["prepublishOnly", "prepack", "prepare", "postpack", "publish", "postpublish"];

/// package.json as this release publishes it; none where it would refuse to.
pub(super) fn rewrite(source: &Object, release: &Release, to: Resolver<'_>) -> Result<Client, Unresolved> {
    let mut source = source.clone();
    if release.runtimes {
        for (engines, dependencies) in [("devEngines", "devDependencies"), ("engines", "dependencies")] {
            runtimes(&mut source, engines, dependencies);
        }
    }
    let mut manifest = source.clone();
    json::remove(&mut manifest, "pnpm");
    if !release.plain {
        move_scripts(&mut manifest);
        if release.drops_manager {
            json::remove(&mut manifest, "packageManager");
        }
    }
    let mut raced = Vec::new();
    for field in ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"] {
        let Some(ranges) = json::object(&source, field) else { continue };
        let is_peer = field == "peerDependencies" && release.peers;
        let (ranges, late) = dependencies(ranges, release, is_peer, to)?;
        manifest.insert(field.to_owned(), Value::Object(ranges));
        if release.races && late.len() > 1 {
            raced.push(Raced { field, names: late });
        }
    }
    hoist(&mut manifest, release);
    if let Some(readme) = to.workspace.readme.as_deref().filter(|text| release.readme && !text.is_empty()) {
        manifest.entry("readme").or_insert_with(|| Value::String(readme.to_owned()));
    }
    if release.normalizes {
        normalize(&mut manifest)?;
    }
    if release.repository
        && let Some(Value::String(url)) = manifest.get("repository").cloned()
    {
        let object = [("type".to_owned(), Value::from("git")), ("url".to_owned(), Value::String(url))];
        manifest.insert("repository".to_owned(), Value::Object(object.into_iter().collect()));
    }
    Ok(Client { manifest, raced })
}

/// `scripts` without those of publishing, behind all other keys.
fn move_scripts(manifest: &mut Object) {
    match json::remove(manifest, "scripts") {
        Some(Value::Object(mut scripts)) => {
            scripts.retain(|name, _| !PUBLISH_SCRIPTS.contains(&name.as_str()));
            manifest.insert("scripts".to_owned(), Value::Object(scripts));
        }
        Some(other) if !other.is_null() => {
            manifest.insert("scripts".to_owned(), other);
        }
        _ => {}
    }
}

/// The ranges as they are written out, and the names of those for which a file was read.
fn dependencies(ranges: &Object, release: &Release, is_peer: bool, to: Resolver<'_>) -> Result<(Object, Vec<String>), Unresolved> {
    let mut written: Vec<(&String, Value, bool)> = Vec::with_capacity(ranges.len());
    for (name, spec) in ranges {
        let (value, read) = match spec.as_str() {
            Some(spec) => {
                let Written { range, read } = range(name, spec, release, is_peer, to)?;
                (Value::String(range), read)
            }
            None => (spec.clone(), false),
        };
        written.push((name, value, read));
    }
    let late = written.iter().filter(|(.., read)| *read).map(|(name, ..)| (*name).clone()).collect();
    if release.races {
        written.sort_by_key(|(.., read)| *read);
    }
    Ok((written.into_iter().map(|(name, value, _)| (name.clone(), value)).collect(), late))
}

fn range(name: &str, spec: &str, release: &Release, is_peer: bool, to: Resolver<'_>) -> Result<Written, Unresolved> {
    let catalog = |spec: &str| if release.catalogs { to.catalog(name, spec) } else { Ok(spec.to_owned()) };
    let spec = if release.catalog_first { catalog(spec)? } else { spec.to_owned() };
    let mut written = if is_peer { to.pnpm_peer(name, &spec)? } else { to.pnpm_workspace(name, &spec, release.grammar)? };
    if !release.catalog_first {
        written.range = catalog(&written.range)?;
    }
    if release.jsr {
        written.range = jsr(name, &written.range)?;
    }
    Ok(written)
}

/// `publishConfig`'s fields in place of the package's own, or behind all others.
fn hoist(manifest: &mut Object, release: &Release) {
    let Some(Value::Object(config)) = manifest.get("publishConfig") else { return };
    let mut config = config.clone();
    let hoisted: Vec<(String, Value)> =
        config.iter().filter(|(key, _)| release.hoisted.contains(&key.as_str())).map(|(key, value)| (key.clone(), value.clone())).collect();
    for (key, value) in hoisted {
        if release.deletes {
            json::remove(&mut config, &key);
        }
        manifest.insert(key, value);
    }
    if config.is_empty() && release.deletes {
        json::remove(manifest, "publishConfig");
    } else {
        manifest.insert("publishConfig".to_owned(), Value::Object(config));
    }
}

/// `engines.runtime` with `onFail: download`, as the dependency that pnpm makes of it when it reads
/// the file.
fn runtimes(manifest: &mut Object, engines: &str, field: &str) {
    let listed: Vec<Value> = match manifest.get(engines).and_then(|engines| engines.get("runtime")) {
        None | Some(Value::Null) => return,
        Some(Value::Array(many)) => many.clone(),
        Some(one) => vec![one.clone()],
    };
    for name in ["node", "deno", "bun"] {
        let is_it = |one: &&Value| one.get("name").and_then(Value::as_str) == Some(name);
        let Some(runtime) = listed.iter().find(is_it) else { continue };
        let known = manifest.get(field).and_then(|known| known.get(name)).is_some_and(json::truthy);
        let version = runtime.get("version").and_then(Value::as_str);
        if let (Some(version), false, Some("download")) = (version, known, runtime.get("onFail").and_then(Value::as_str))
            && let Value::Object(ranges) = manifest.entry(field).or_insert_with(|| Value::Object(Map::new()))
        {
            ranges.insert(name.to_owned(), Value::String(format!("runtime:{version}")));
        }
    }
}

/// `bin` as an object, behind all other keys if it was text; every `peerDependenciesMeta` with
/// `optional`.
fn normalize(manifest: &mut Object) -> Result<(), Unresolved> {
    if let Some(Value::String(target)) = manifest.get("bin").cloned() {
        let name = json::text(manifest, "name").ok_or(Unresolved)?;
        let name = if name.starts_with('@') { name.split_once('/').ok_or(Unresolved)?.1 } else { name }.to_owned();
        json::remove(manifest, "bin");
        manifest.insert("bin".to_owned(), Value::Object([(name, Value::String(target))].into_iter().collect()));
    }
    if let Some(Value::Object(metas)) = manifest.get_mut("peerDependenciesMeta") {
        for meta in metas.values_mut().filter_map(Value::as_object_mut) {
            let optional = json::remove(meta, "optional").filter(|value| !value.is_null()).unwrap_or(Value::Bool(false));
            meta.insert("optional".to_owned(), optional);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::spec::Versions;
    use super::super::workspace::{Member, Workspace};
    use super::*;

    fn workspace() -> Workspace {
        let mut workspace = Workspace::new("1.0.0", "", "p");
        for name in ["a", "b"] {
            workspace.members.insert(name.into(), Member { version: Some("1.2.3".into()), directory: name.into() });
        }
        workspace.readme = Some("# read".into());
        workspace
    }

    fn published(source: &str, release: Release) -> String {
        let workspace = workspace();
        let to = Resolver { workspace: &workspace, versions: Versions::Tree, own: None };
        let source = json::parse(source.as_bytes()).expect("an object");
        json::print(&rewrite(&source, &release, to).expect("a manifest").manifest, "")
    }

    #[test]
    fn scripts_of_publishing_are_left_out_and_the_others_stand_last() {
        let source = r#"{"scripts":{"prepack":"x","build":"y","prepare":"z"},"packageManager":"pnpm@8","pnpm":{},"name":"x"}"#;
        assert_eq!(published(source, PNPM_7_28), r#"{"packageManager":"pnpm@8","name":"x","scripts":{"build":"y"}}"#);
        assert_eq!(published(source, PNPM_9_0), r#"{"name":"x","scripts":{"build":"y"}}"#);
    }

    #[test]
    fn fields_of_publish_config_are_hoisted_and_since_6_35_taken_out_of_it() {
        let source = r#"{"main":"src.ts","publishConfig":{"main":"dist.js","access":"public","exports":"./dist.js"},"name":"x"}"#;
        let hoisted = r#""publishConfig":{"access":"public"},"name":"x","exports":"./dist.js"}"#;
        assert_eq!(published(source, PNPM_7_28), format!(r#"{{"main":"dist.js",{hoisted}"#));
        let config = r#""publishConfig":{"main":"dist.js","access":"public","exports":"./dist.js"}"#;
        assert_eq!(published(source, PNPM_6_20), format!(r#"{{"main":"dist.js",{config},"name":"x","exports":"./dist.js"}}"#));
    }

    #[test]
    fn a_publish_config_of_hoisted_fields_alone_is_gone() {
        assert_eq!(published(r#"{"publishConfig":{"bin":"a"},"bin":"b"}"#, PNPM_7_28), r#"{"bin":"a"}"#);
    }

    #[test]
    fn ranges_that_needed_a_file_stand_last_where_they_race() {
        let source = r#"{"dependencies":{"a":"workspace:^","z":"1","b":"workspace:*"}}"#;
        assert_eq!(published(source, PNPM_7_12), r#"{"dependencies":{"a":"^1.2.3","z":"1","b":"1.2.3"}}"#);
        assert_eq!(published(source, PNPM_9_5), r#"{"dependencies":{"z":"1","a":"^1.2.3","b":"1.2.3"}}"#);
        assert_eq!(published(source, PNPM_11_28), r#"{"dependencies":{"a":"^1.2.3","z":"1","b":"1.2.3"}}"#);
    }

    #[test]
    fn the_readme_is_added_by_6_28_to_6_35() {
        assert_eq!(published(r#"{"name":"x"}"#, PNPM_6_35), r##"{"name":"x","readme":"# read"}"##);
        assert_eq!(published(r#"{"name":"x"}"#, PNPM_7_0), r#"{"name":"x"}"#);
    }

    #[test]
    fn pnpm_11_makes_objects_of_short_forms() {
        let source = r#"{"bin":"x.js","name":"@s/x","repository":"github:s/x","peerDependenciesMeta":{"a":{}}}"#;
        let metas = r#""peerDependenciesMeta":{"a":{"optional":false}}"#;
        let bin = r#""bin":{"x":"x.js"}}"#;
        assert_eq!(published(source, PNPM_11_0), format!(r#"{{"name":"@s/x","repository":"github:s/x",{metas},{bin}"#));
        let repository = r#""repository":{"type":"git","url":"github:s/x"}"#;
        assert_eq!(published(source, PNPM_11_28), format!(r#"{{"name":"@s/x",{repository},{metas},{bin}"#));
    }

    #[test]
    fn a_runtime_to_download_is_a_dependency() {
        let source = r#"{"devEngines":{"runtime":{"name":"node","version":"^24","onFail":"download"}}}"#;
        assert_eq!(
            published(source, PNPM_10_34),
            format!("{},\"devDependencies\":{{\"node\":\"runtime:^24\"}}}}", &source[..source.len() - 1])
        );
        assert_eq!(published(source, PNPM_10_10), source);
    }
}
