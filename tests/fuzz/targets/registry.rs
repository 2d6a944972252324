//! What the loopback registry makes of a packument, and how the registry's metadata are held
//! against a tarball.

use std::collections::BTreeSet;

use npm_registry::confusion::{Inside, disagreements, findings};
use npm_spec::PackageName;
use npm_spec::version::VersionRange;
use npm_timewarp::fuzzing::{Asking, served};
use serde_json::{Map, Value};
use url::Url;

use super::{parts, text};

const NAME: &str = "@s/n";
const BASE: &str = "http://127.0.0.1:1/";
const PACKUMENT: [&str; 6] = ["_id", "name", "versions", "time", "dist-tags", "modified"];
const VERSION: [&str; 31] = [
    "_id",
    "name",
    "version",
    "dist",
    "dependencies",
    "optionalDependencies",
    "peerDependencies",
    "acceptDependencies",
    "peerDependenciesMeta",
    "dependenciesMeta",
    "bundleDependencies",
    "bundledDependencies",
    "bin",
    "directories",
    "engines",
    "os",
    "cpu",
    "libc",
    "hasInstallScript",
    "_hasShrinkwrap",
    "deprecated",
    "main",
    "module",
    "jsnext:main",
    "browser",
    "types",
    "typings",
    "style",
    "exports",
    "type",
    "scripts",
];

/// How the client asks, as bits, and the registry's packument.
pub(crate) fn lean(input: &[u8]) -> String {
    let Some((bits, document)) = input.split_first() else { return String::new() };
    let moment = (bits & 1 != 0).then(|| "2018-06-01T00:00:00Z".parse().unwrap());
    let asking = Asking { name: NAME, moment, abbreviated: bits & 2 != 0, canonical: bits & 4 != 0, for_disk: bits & 8 != 0 };
    let (made, manifests) = match served(document, BASE, asking) {
        Ok(made) => made,
        Err(error) => return format!("{:?}", error.classify()),
    };
    let packument: Map<String, Value> = serde_json::from_slice(&made).unwrap();
    assert!(packument.keys().all(|key| PACKUMENT.contains(&key.as_str())), "{:?}", packument.keys());
    let versions = packument.get("versions").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut fields = BTreeSet::new();
    for (version, manifest) in &versions {
        plain_manifest(version, manifest, asking.for_disk);
        fields.extend(manifest.as_object().unwrap().keys().cloned());
    }
    let alone = |manifest: &Vec<u8>| serde_json::from_slice::<Value>(manifest).unwrap();
    for manifest in manifests.iter().map(alone) {
        let version = manifest["version"].as_str().unwrap();
        assert_eq!(versions.get(version), Some(&manifest), "one version alone is as it stands in the packument");
    }
    for (tag, version) in packument.get("dist-tags").and_then(Value::as_object).into_iter().flatten() {
        assert!(is_word(tag, 64) && nodejs_semver(version.as_str().unwrap()), "{tag:?} {version}");
    }
    for (version, time) in packument.get("time").and_then(Value::as_object).into_iter().flatten() {
        assert!(matches!(version.as_str(), "created" | "modified") || nodejs_semver(version), "{version:?}");
        assert!(time.as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{time}");
    }
    // What is lean already has nothing more to lose: a value that changes on its way was not of its
    // syntax.
    if !asking.abbreviated {
        let (again, _) = served(&made, BASE, asking).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&again).unwrap(), Value::Object(packument), "served again");
    }
    format!("{fields:?} {}", versions.len().min(3))
}

fn nodejs_semver(text: &str) -> bool {
    npm_spec::version::parse(text).is_some()
}

fn is_word(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn is_path(text: &str) -> bool {
    (1..=256).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./@+~*#".contains(&byte))
}

/// A range, a tag, an alias, or an address of a tarball without credentials or anything behind its
/// path.
fn is_wish(text: &str) -> bool {
    if let Some(alias) = text.strip_prefix("npm:") {
        return match alias.rfind('@').filter(|at| *at > 0) {
            Some(at) => PackageName::parse(&alias[..at]).is_ok() && is_wish(&alias[at + 1..]) && !alias[at + 1..].contains("://"),
            None => PackageName::parse(alias).is_ok(),
        };
    }
    let of_range = |byte: u8| byte.is_ascii_alphanumeric() || b" .-+^~<>=|*".contains(&byte);
    if text.len() <= 1024 && text.bytes().all(of_range) && VersionRange::parse(text).is_some() || is_word(text, 64) {
        return true;
    }
    Url::parse(text).is_ok_and(|url| {
        let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
        bare && matches!(url.scheme(), "http" | "https") && text.len() <= 2048
    })
}

/// Each value of its own syntax: nothing in it is a text of its publisher's.
fn plain_manifest(version: &str, manifest: &Value, for_disk: bool) {
    let members = manifest.as_object().unwrap();
    for (field, value) in members {
        assert!(VERSION.contains(&field.as_str()), "{field:?}");
        let each = |ok: &dyn Fn(&str, &Value) -> bool| {
            value.as_object().is_some_and(|members| members.iter().all(|(name, value)| ok(name, value)))
        };
        let texts = |ok: &dyn Fn(&str) -> bool| value.as_array().is_some_and(|all| all.iter().all(|one| one.as_str().is_some_and(ok)));
        let named = |name: &str| PackageName::parse(name).is_ok();
        let fits = match field.as_str() {
            "_id" => value == &format!("{NAME}@{version}"),
            "name" => value == NAME,
            "version" => value == version && nodejs_semver(version),
            "dist" => is_dist(value, version),
            "dependencies" | "optionalDependencies" | "peerDependencies" | "acceptDependencies" => {
                each(&|name, wish| named(name) && wish.as_str().is_some_and(is_wish))
            }
            "peerDependenciesMeta" | "dependenciesMeta" => each(&|_, switches| {
                let mut all = switches.as_object().into_iter().flatten();
                switches.is_object()
                    && all.all(|(name, switch)| matches!(name.as_str(), "optional" | "built" | "unplugged") && switch.is_boolean())
            }),
            "bundleDependencies" | "bundledDependencies" => value.is_boolean() || texts(&named),
            "bin" => value.as_str().is_some_and(is_path) || each(&|name, path| named(name) && path.as_str().is_some_and(is_path)),
            "directories" => each(&|name, path| name == "bin" && path.as_str().is_some_and(is_path)),
            "engines" => each(&|name, wish| is_word(name, 5) && wish.as_str().is_some_and(is_wish)),
            "os" | "cpu" | "libc" => texts(&|word| is_word(word.strip_prefix('!').unwrap_or(word), 16)),
            "hasInstallScript" | "_hasShrinkwrap" => value.is_boolean(),
            "deprecated" => value == "deprecated",
            "scripts" => for_disk && each(&|name, _| matches!(name, "preinstall" | "install" | "postinstall")),
            _ => for_disk && is_entry_point(value),
        };
        assert!(fits, "{field}: {value}");
    }
}

fn is_entry_point(value: &Value) -> bool {
    match value {
        Value::String(path) => is_path(path),
        Value::Array(all) => all.iter().all(is_entry_point),
        Value::Object(all) => all.iter().all(|(condition, value)| is_path(condition) && is_entry_point(value)),
        Value::Bool(_) | Value::Null => true,
        Value::Number(_) => false,
    }
}

fn is_dist(dist: &Value, version: &str) -> bool {
    let file = format!("/{NAME}/-/n-{version}.tgz");
    dist.as_object().unwrap().iter().all(|(field, value)| {
        let value = value.as_str().unwrap();
        match field.as_str() {
            "tarball" => value.ends_with(&file) && Url::parse(value).is_ok_and(|url| url.username().is_empty() && url.query().is_none()),
            "shasum" => value.len() == 40 && value.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')),
            "integrity" => {
                value.starts_with("sha")
                    && value.len() < 120
                    && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-+/=".contains(&byte))
            }
            _ => false,
        }
    })
}

/// The registry's manifest, the tarball's package.json, and the tarball's paths by line.
pub(crate) fn confusion(input: &[u8]) -> String {
    let [registry, manifest, paths] = parts(input);
    let (Ok(registry), Ok(manifest)) = (serde_json::from_slice::<Value>(registry), serde_json::from_slice::<Value>(manifest)) else {
        return "no JSON".to_owned();
    };
    let paths = text(paths);
    let paths: Vec<&str> = paths.lines().collect();
    let found = disagreements(&registry, Inside { manifest: &manifest, paths: &paths });
    assert_eq!(found, disagreements(&registry, Inside { manifest: &manifest, paths: &paths }));
    // What the registry lets be installed and the tarball does not have in any of its lists weighs,
    // whatever else is there.
    let listed = |side: &Value, name: &str| {
        let lists = ["dependencies", "optionalDependencies", "devDependencies", "peerDependencies"];
        lists.iter().any(|list| side.get(list).and_then(|list| list.get(name)).is_some())
    };
    let wished = |name: &str| PackageName::parse(name).is_ok();
    for (name, range) in registry.get("dependencies").and_then(Value::as_object).into_iter().flatten() {
        if range.is_string() && wished(name) && !listed(&manifest, name) {
            assert!(found.iter().any(|one| one.weighs), "{name:?} is asked for by the registry alone");
        }
    }
    for script in ["preinstall", "install", "postinstall"] {
        let of = |side: &Value| side.get("scripts").and_then(|all| all.get(script)).and_then(Value::as_str).map(str::to_owned);
        let runs = of(&registry).is_some_and(|script| !script.trim().is_empty());
        // npm adds this one itself for a `.gyp` file of its publisher's, published or not.
        let is_of_npm = of(&registry).as_deref() == Some("node-gyp rebuild");
        if runs && of(&manifest).is_none() && !is_of_npm {
            assert!(found.iter().any(|one| one.weighs), "{script} is the registry's alone");
        }
    }
    let told = findings(&found);
    assert!(told.len() <= 21 && (told.is_empty() == found.is_empty()));
    assert!(told.iter().all(|one| !one.message.chars().any(char::is_control) && one.message.len() < 4_000));
    let fields: BTreeSet<(&str, bool)> = found.iter().map(|one| (one.field, one.weighs)).collect();
    format!("{fields:?}")
}
