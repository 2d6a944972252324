//! What a package's package.json has otherwise than that of the commit.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize as _};
use serde_json::{Map, Value};

use npm_registry::once;
use npm_spec::manifest::{LARGEST_PACKED, read, read_up_to, without_bom};
use npm_spec::version;

use crate::overlay::{TOO_MANY, obeyed_otherwise};

/// Largest package.json that is compared by its keys, in bytes: JSON takes many times its size.
const LARGEST: usize = 1 << 20;

/// Most places at which a version may stand in a package.json.
const MOST_PLACES: usize = 64;

/// Longest indentation that `JSON.stringify` takes.
const LONGEST_INDENT: usize = 10;

/// Members of package.json by which packages are installed.
const INSTALLED: [&str; 3] = ["dependencies", "optionalDependencies", "peerDependencies"];

/// What a package's package.json has otherwise than that of the commit, but for its version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ManifestChange {
    /// The keys by which packages are installed, run and loaded, scripts as `scripts.<name>`.
    pub keys: Vec<String>,
    /// What no package.json of the commit names.
    pub new: Names,
}

/// Names in a package.json that count wherever the package is installed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Dependencies, see [`installed`].
    pub dependencies: BTreeSet<String>,
    /// Commands that are put where shells look for them, and folders of such.
    pub commands: BTreeSet<String>,
}

impl Names {
    /// Those that an installation of the package obeys.
    pub(crate) fn installed(manifest: &[u8]) -> Self {
        Self { dependencies: installed(manifest), commands: commands(manifest) }
    }

    /// Those that a package.json of the commit shows.
    pub(crate) fn known(manifest: &[u8]) -> Self {
        Self { dependencies: named(manifest), commands: commands(manifest) }
    }

    /// Takes out those that are known.
    pub(crate) fn forget(&mut self, known: &Self) {
        self.dependencies.retain(|name| !known.dependencies.contains(name));
        self.commands.retain(|name| !known.commands.contains(name));
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.dependencies.is_empty() && self.commands.is_empty()
    }
}

impl ManifestChange {
    /// The keys that are obeyed and that `packed` has otherwise than `committed`; `None` if there
    /// are none. `builds`: the package has a binding.gyp.
    pub(crate) fn of(committed: &[u8], packed: &[u8], builds: bool) -> Option<Self> {
        if packed.len() > LARGEST || committed.len() > LARGEST {
            return Some(Self::unread());
        }
        let bare = |bytes: &[u8]| versionless(bytes).and_then(|manifest| serde_json::to_vec(&manifest).ok());
        let keys = match bare(committed).zip(bare(packed)) {
            Some((committed, packed)) => obeyed_otherwise(&committed, &packed, builds),
            None => obeyed_otherwise(committed, packed, builds),
        };
        (!keys.is_empty()).then(|| Self { keys, ..Self::default() })
    }

    /// The same of what is too large to be compared.
    pub(crate) fn unread() -> Self {
        Self { keys: vec![TOO_MANY.to_owned()], ..Self::default() }
    }

    /// Whether an installation runs or fetches what it would not by the commit, or puts it where
    /// shells look for commands, or that is not known.
    pub fn is_installed_otherwise(&self) -> bool {
        !self.new.is_empty() || self.keys.iter().any(|key| key.starts_with("scripts.") || key == TOO_MANY)
    }
}

/// Whether two package.json files have the same keys in the same order, whatever their versions;
/// that of the packed one is as npm cleans it, no text stands beside its values, and no key is
/// there twice: clients do not agree on which of the two counts.
pub(crate) fn is_same_but_version(one: &[u8], other: &[u8]) -> bool {
    if one.len().max(other.len()) > LARGEST || has_a_key_twice(other) || !has_clean_version(other) {
        return false;
    }
    // Texts, because two maps are equal in any order.
    let text = |bytes: &[u8]| versionless(bytes).and_then(|manifest| serde_json::to_string(&manifest).ok());
    text(one).is_some_and(|one| Some(one) == text(other)) && is_plainly_written(one, other)
}

/// Whether a package.json has no text beside its values, which code could read: it is the
/// committed one with another version, or what `JSON.stringify` writes with one indentation, as
/// npm does.
pub(crate) fn is_plainly_written(committed: &[u8], packed: &[u8]) -> bool {
    let text = |bytes: &[u8]| String::from_utf8_lossy(without_bom(bytes)).replace("\r\n", "\n");
    let (committed, packed) = (text(committed), text(packed));
    let version = |text: &str| read::<Value>(text.as_bytes())?.get("version")?.as_str().map(|version| format!("\"{version}\""));
    let is_raised = || {
        let (old, new) = version(&committed).zip(version(&packed))?;
        let places = packed.match_indices(&new).take(MOST_PLACES);
        let back = |at: usize| Some([packed.get(..at)?, &old, packed.get(at + new.len()..)?].concat());
        Some(places.filter_map(|(at, _)| back(at)).any(|text| text == committed))
    };
    committed == packed || is_printed(&packed) || is_raised() == Some(true)
}

/// Whether a text is as `JSON.stringify` writes its value with one indentation, and at most a line
/// end behind it.
fn is_printed(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let Some(value) = read::<Value>(body.as_bytes()) else { return false };
    let Some(rest) = body.strip_prefix("{\n") else { return serde_json::to_string(&value).is_ok_and(|text| text == body) };
    let indent: String = rest.chars().take_while(|c| matches!(c, ' ' | '\t')).take(LONGEST_INDENT).collect();
    let mut printed = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut printed, formatter)).is_ok() && printed == body.as_bytes()
}

fn has_clean_version(manifest: &[u8]) -> bool {
    let manifest: Value = read(manifest).unwrap_or_default();
    let text = manifest.get("version").and_then(Value::as_str);
    text.is_some_and(|text| version::clean(text).as_deref() == Some(text))
}

/// Whether an object in a JSON text has a key twice.
pub(crate) fn has_a_key_twice(json: &[u8]) -> bool {
    once::read(without_bom(json)).is_err_and(|error| error.is_data())
}

fn versionless(bytes: &[u8]) -> Option<Map<String, Value>> {
    let manifest: Map<String, Value> = read(bytes)?;
    Some(manifest.into_iter().filter(|(key, _)| key != "version").collect())
}

/// The names in a package.json, without what stands beside them.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Manifest {
    name: Option<String>,
    dependencies: Map<String, Value>,
    dev_dependencies: Map<String, Value>,
    optional_dependencies: Map<String, Value>,
    peer_dependencies: Map<String, Value>,
}

/// The packages that a package.json installs beside the package: names, with what stands beside
/// them where that leads to another package or another place.
fn installed(manifest: &[u8]) -> BTreeSet<String> {
    let manifest: Value = read(manifest).unwrap_or_default();
    let all = INSTALLED.iter().filter_map(|field| manifest.get(field)?.as_object()).flatten();
    all.map(|(name, spec)| led_elsewhere(name, spec).unwrap_or_else(|| name.clone())).collect()
}

/// The packages that a package.json of the commit names: its own and its dependencies of every
/// kind, as [`installed`] gives them.
fn named(manifest: &[u8]) -> BTreeSet<String> {
    let Manifest { name, dependencies, dev_dependencies, optional_dependencies, peer_dependencies } =
        read_up_to(manifest, LARGEST_PACKED).unwrap_or_default();
    let all = [dependencies, dev_dependencies, optional_dependencies, peer_dependencies];
    let both = |(name, spec): (String, Value)| led_elsewhere(&name, &spec).into_iter().chain([name]).collect::<Vec<_>>();
    all.into_iter().flatten().flat_map(both).chain(name).collect()
}

/// The commands of a package.json, by the names that npm gives them, and its folder of commands.
fn commands(manifest: &[u8]) -> BTreeSet<String> {
    let manifest: Value = read_up_to(manifest, LARGEST_PACKED).unwrap_or_default();
    // As npm takes the last part for the name, whatever stands before it.
    let named = |name: &str| name.rsplit(['/', '\\', ':']).next().unwrap_or(name).to_owned();
    let folder = || manifest.pointer("/directories/bin").and_then(Value::as_str).map(|folder| format!("all of directories.bin {folder}"));
    match manifest.get("bin") {
        Some(Value::Object(all)) => all.keys().map(|name| named(name)).collect(),
        Some(Value::String(_)) => manifest.get("name").and_then(Value::as_str).map(named).into_iter().collect(),
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).map(named).collect(),
        _ => folder().into_iter().collect(),
    }
}

/// A dependency on what is no range or tag of the registry's package of its name: an alias, an
/// address, a folder.
fn led_elsewhere(name: &str, spec: &Value) -> Option<String> {
    let spec = spec.as_str().filter(|spec| spec.contains([':', '/']))?;
    Some(format!("{name}@{spec}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_all_that_is_passed_over() {
        let source = br#"{"name":"a","version":"0.0.0","main":"a.js"}"#;
        assert!(is_same_but_version(source, b"{\n \"name\": \"a\",\n \"version\": \"1.0.0\",\n \"main\": \"a.js\"\n}\n"));
        assert!(is_same_but_version(br#"{"name":"a"}"#, br#"{"name":"a","version":"1.0.0"}"#));
        assert!(!is_same_but_version(source, br#"{"name":"a","version":"0.0.0","main":"b.js"}"#));
        assert!(!is_same_but_version(source, br#"{"main":"a.js","name":"a","version":"0.0.0"}"#), "another order");
        assert!(!is_same_but_version(b"no json", b"no json either"));
    }

    #[test]
    fn a_text_between_the_values_is_not_passed_over() {
        let source = b"{\"name\": \"a\", \"version\": \"0.0.0\",\n\"n\": 1.5, \"x\":\"0.0.0\"}\n";
        let printed = r#"{"name":"a","version":"1.0.0","n":1.5,"x":"0.0.0"}"#;
        let raised = String::from_utf8_lossy(source).replacen("0.0.0", "1.0.0", 1);
        let value: Value = read(printed.as_bytes()).expect("JSON");
        let indented = serde_json::to_string_pretty(&value).expect("a text");
        let tabs = indented.replace("  ", "\t");
        for plain in [printed, &raised, &raised.replace('\n', "\r\n"), &indented, &format!("{indented}\n"), &tabs, &format!("{tabs}\n")] {
            assert!(is_same_but_version(source, plain.as_bytes()), "{plain}");
        }
        let blanks = " \t".repeat(8);
        for other in [
            format!("{indented}{blanks}"),
            format!("{blanks}{indented}"),
            format!("{indented}\n\n"),
            indented.replace(": ", ":\t"),
            raised.replace("1.5", "1.50000000000000000000000000000001"),
            indented.replace("1.5", "1.5000000000000000000000000000001"),
        ] {
            assert!(!is_same_but_version(source, other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_another_package() {
        let names = |text: &str, of: fn(&[u8]) -> BTreeSet<String>| of(text.as_bytes()).into_iter().collect::<Vec<_>>();
        let packed = r#"{"dependencies":{"a":"^1.0.0","b":"npm:evil@1.0.0","c":"https://evil.example/x.tgz"}}"#;
        assert_eq!(names(packed, installed), ["a", "b@npm:evil@1.0.0", "c@https://evil.example/x.tgz"]);
        let committed = r#"{"name":"x","dependencies":{"a":"2","b":"1"},"devDependencies":{"c":"https://evil.example/x.tgz"}}"#;
        assert_eq!(names(committed, named), ["a", "b", "c", "c@https://evil.example/x.tgz", "x"]);
    }

    #[test]
    fn a_version_with_text_around_it_and_a_key_twice_are_not_passed_over() {
        let source = br#"{"version":"0.0.0","main":"a.js","bin":{"x":"a.js"}}"#;
        assert!(is_same_but_version(source, br#"{"version":"1.0.0","main":"a.js","bin":{"x":"a.js"}}"#));
        for packed in [
            r#"{"version":"1.0.0 \t ","main":"a.js","bin":{"x":"a.js"}}"#,
            r#"{"version":"1.0.0+text","main":"a.js","bin":{"x":"a.js"}}"#,
            r#"{"version":1,"main":"a.js","bin":{"x":"a.js"}}"#,
            r#"{"version":"1.0.0","main":"b.js","main":"a.js","bin":{"x":"a.js"}}"#,
            r#"{"version":"1.0.0","main":"a.js","bin":{"x":"b.js","x":"a.js"}}"#,
        ] {
            assert!(!is_same_but_version(source, packed.as_bytes()), "{packed}");
        }
    }

    #[test]
    fn hooks_and_dependencies_are_what_an_installation_does_otherwise() {
        let of = |packed: &str| ManifestChange::of(br#"{"version":"1.0.0","main":"dist/a.js"}"#, packed.as_bytes(), false);
        assert_eq!(of(r#"{"version":"2.0.0","main":"dist/a.js","license":"MIT"}"#), None);
        let moved = of(r#"{"version":"2.0.0","main":"a.js"}"#).unwrap();
        assert_eq!((moved.keys.clone(), moved.is_installed_otherwise()), (vec!["main".to_owned()], false));
        assert!(of(r#"{"main":"dist/a.js","scripts":{"postinstall":"x"}}"#).unwrap().is_installed_otherwise());
        assert!(ManifestChange { new: Names::installed(br#"{"peerDependencies":{"x":"1"}}"#), ..moved.clone() }.is_installed_otherwise());
        assert!(ManifestChange { new: Names::installed(br#"{"bin":{"npm":"a.js"}}"#), ..moved }.is_installed_otherwise());
        assert!(ManifestChange::unread().is_installed_otherwise());
    }

    #[test]
    fn a_command_is_known_by_the_name_that_npm_gives_it() {
        let of = |text: &str| commands(text.as_bytes()).into_iter().collect::<Vec<_>>();
        assert_eq!(of(r#"{"name":"@s/tool","bin":"a.js"}"#), ["tool"]);
        assert_eq!(of(r#"{"bin":{"@s/npm":"a.js","x\\git":"a.js","plain":"a.js"},"directories":{"bin":"y"}}"#), ["git", "npm", "plain"]);
        assert_eq!(of(r#"{"directories":{"bin":"./bin"}}"#), ["all of directories.bin ./bin"]);
        assert!(of("{}").is_empty());
        let mut new = Names::installed(br#"{"name":"x","bin":{"x":"a.js","npm":"a.js"},"dependencies":{"a":"1"}}"#);
        new.forget(&Names::known(br#"{"name":"x","bin":"cli.js","devDependencies":{"a":"2"}}"#));
        assert_eq!(new, Names { commands: BTreeSet::from(["npm".to_owned()]), ..Names::default() });
    }

    #[test]
    fn a_manifest_names_itself_and_what_it_needs() {
        let manifest = br#"{"name":"a","dependencies":{"b":"1"},"devDependencies":{"c":{"odd":[1]}},"scripts":{"d":"e"}}"#;
        assert_eq!(named(manifest).into_iter().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert!(named(b"no json").is_empty() && installed(b"[]").is_empty());
    }
}
