//! The part of a version's manifest that installers read, in a form that is made here: nothing of
//! it is free text.
//!
//! What a registry serves is its publisher's word, and a build that can read it is made of it. So
//! members are on an allow-list, each value is of its type, of a plain syntax and bounded, and what
//! is neither is left out or replaced by a fixed text. Names, versions and ranges still say
//! something; what asks for them is in the record.

use std::collections::BTreeSet;

use jiff::Timestamp;
use nodejs_semver::Version;
use serde_json::{Map, Value};
use url::Url;

use npm_registry::Integrity;
use npm_spec::PackageName;
use npm_spec::version::{self, VersionRange};

use super::git_dependency;
use super::ledger::Leads;

/// Most members of one object, and most elements of one list.
const MOST: usize = 2_000;
/// Most distribution tags of one package besides `latest`.
const MOST_TAGS: usize = 100;
/// Longest range, and longest word in it, in bytes.
const LONGEST_RANGE: usize = 1_024;
/// Longest address, path and tag, in bytes.
const LONGEST_ADDRESS: usize = 512;
const LONGEST_PATH: usize = 256;
const LONGEST_TAG: usize = 64;
/// Deepest condition of `exports` or `browser`.
const DEPTH: u8 = 8;

/// Ranges by name.
const DEPENDENCIES: [&str; 4] = ["dependencies", "optionalDependencies", "peerDependencies", "acceptDependencies"];
/// Switches by name.
const META: [&str; 2] = ["peerDependenciesMeta", "dependenciesMeta"];
const SWITCHES: [&str; 3] = ["optional", "built", "unplugged"];
/// Names that are packed with a package.
const BUNDLED: [&str; 2] = ["bundleDependencies", "bundledDependencies"];
/// Programs that installers hold a version of.
const ENGINES: [&str; 6] = ["node", "npm", "yarn", "pnpm", "iojs", "bun"];
/// Longest range of such a program, and longest number in it, in bytes.
const LONGEST_ENGINE: usize = 100;
const LONGEST_NUMBER: usize = 4;
/// What a pre-release of such a program is called.
const PRERELEASES: [&str; 8] = ["alpha", "beta", "rc", "next", "pre", "canary", "nightly", "test"];
const PLATFORMS: [&str; 3] = ["os", "cpu", "libc"];
/// What Node calls systems, processors and C libraries, or package managers do.
const KNOWN_PLATFORMS: [&str; 39] = [
    "aix",
    "android",
    "cygwin",
    "darwin",
    "emscripten",
    "freebsd",
    "haiku",
    "linux",
    "netbsd",
    "openbsd",
    "openharmony",
    "sunos",
    "wasi",
    "win32",
    "arm",
    "arm64",
    "ia32",
    "loong64",
    "mips",
    "mips64",
    "mips64el",
    "mipsel",
    "ppc",
    "ppc64",
    "ppc64le",
    "riscv64",
    "s390",
    "s390x",
    "wasm32",
    "x32",
    "x64",
    "x86",
    "glibc",
    "musl",
    "any",
    "none",
    "armv6",
    "armv7",
    "armv7l",
];
/// In the place of a system that nobody knows: it is none of ours.
const OTHER_PLATFORM: &str = "other";
/// Scripts that make a package one with install scripts.
const INSTALL_SCRIPTS: [&str; 3] = ["preinstall", "install", "postinstall"];
/// What a bundler or Node reads of an installed package.json, which npm 3 and 4 write as the
/// registry has it.
const ENTRY_POINTS: [&str; 9] = ["main", "module", "jsnext:main", "browser", "types", "typings", "style", "exports", "type"];

/// Most commands of a package that are handed on.
const MOST_COMMANDS: usize = 64;

/// Longest install script that is handed on, in bytes. Such a script calls a tool or a file of the
/// package.
const LONGEST_SCRIPT: usize = 256;

/// In the place of a range that no installer can read.
const UNREADABLE: &str = "unreadable-range";
/// In the place of the publisher's words.
const DEPRECATED: &str = "deprecated";

/// Whether a version says that it is not for the system and the processor that builds run on.
fn is_for_another_system(raw: &Map<String, Value>) -> bool {
    let cpu = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    let refuses = |field: &str, own: &str| {
        let words: Vec<&str> = match raw.get(field) {
            Some(Value::String(word)) => vec![word],
            Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let (not, only): (Vec<&str>, Vec<&str>) = words.into_iter().partition(|word| word.starts_with('!'));
        not.iter().any(|word| word.strip_prefix('!') == Some(own)) || (!only.is_empty() && !only.contains(&own) && !only.contains(&"any"))
    };
    refuses("os", "linux") || refuses("cpu", cpu)
}

/// The lean form of one version's manifest. `for_disk`: the client writes it to disk as the
/// package's own package.json (npm 3 and 4).
pub(super) fn manifest(raw: &Map<String, Value>, name: &str, version: &str, leads: &Leads, for_disk: bool) -> Map<String, Value> {
    let mut out = Map::new();
    out.insert("_id".to_owned(), Value::from(format!("{name}@{version}")));
    out.insert("name".to_owned(), Value::from(name));
    out.insert("version".to_owned(), Value::from(version));
    for field in DEPENDENCIES {
        let leads_here = matches!(field, "dependencies" | "optionalDependencies");
        put(&mut out, field, members(raw.get(field), |name, wanted| dependency(name, wanted, leads_here.then_some(leads))));
    }
    for field in META {
        put(&mut out, field, members(raw.get(field), |_, about| Some(switches(about))));
    }
    for field in BUNDLED {
        match raw.get(field) {
            Some(Value::Bool(all)) => put(&mut out, field, Some(Value::Bool(*all))),
            names => put(&mut out, field, list(names, |name| PackageName::parse(name).is_ok())),
        }
    }
    let bin = match raw.get("bin") {
        Some(Value::String(path)) => path_of(path),
        paths => members(paths, |command, path| PackageName::parse(command).ok().and_then(|_| path_of(path.as_str()?))),
    };
    let bin = bin.filter(|bin| bin.as_object().is_none_or(|all| all.len() <= MOST_COMMANDS));
    // npm writes the commands of what it does not install, because it is for another system, into
    // its lockfile all the same.
    put(&mut out, "bin", bin.filter(|_| !is_for_another_system(raw)));
    let directory = raw.get("directories").and_then(|all| all.get("bin")).and_then(Value::as_str).and_then(path_of);
    put(&mut out, "directories", directory.map(|bin| serde_json::json!({ "bin": bin })));
    let engine = |program: &str, wanted: &Value| {
        ENGINES.contains(&program).then(|| engine_range(wanted.as_str().unwrap_or_default())).flatten().map(Value::from)
    };
    put(&mut out, "engines", members(raw.get("engines"), engine).filter(|engines| engines != &Value::Object(Map::new())));
    for field in PLATFORMS {
        put(&mut out, field, platforms(raw.get(field)));
    }
    let says_yes = |field: &str| raw.get(field) == Some(&Value::Bool(true));
    let script = |name: &&str| raw.get("scripts").and_then(|scripts| scripts.get(*name));
    if says_yes("hasInstallScript") || INSTALL_SCRIPTS.iter().any(|name| script(name).is_some()) {
        out.insert("hasInstallScript".to_owned(), Value::Bool(true));
    }
    if let Some(has) = raw.get("_hasShrinkwrap").and_then(Value::as_bool) {
        out.insert("_hasShrinkwrap".to_owned(), Value::Bool(has));
    }
    if raw.get("deprecated").is_some_and(|words| words.as_str().map_or(words == &Value::Bool(true), |words| !words.is_empty())) {
        out.insert("deprecated".to_owned(), Value::from(DEPRECATED));
    }
    if for_disk {
        for field in ENTRY_POINTS {
            put(&mut out, field, raw.get(field).and_then(|value| entry_point(value, DEPTH)));
        }
        let text = |name: &&str| script(name)?.as_str().filter(|text| text.len() <= LONGEST_SCRIPT).map(Value::from);
        let scripts = INSTALL_SCRIPTS.iter().filter_map(|name| Some(((*name).to_owned(), text(name)?)));
        out.insert("scripts".to_owned(), Value::Object(scripts.collect()));
    }
    out
}

/// What a client needs of `dist` besides the address.
pub(super) fn digests(raw: Option<&Value>) -> Map<String, Value> {
    let text = |field: &str| raw.and_then(|dist| dist.get(field)).and_then(Value::as_str).unwrap_or_default();
    let mut out = Map::new();
    // Of several, any may be the true one: the tarball is checked on our side, and a client needs
    // none.
    let integrity = Integrity::parse(text("integrity")).map(|integrity| integrity.text()).filter(|text| !text.contains(' '));
    put(&mut out, "integrity", integrity.map(Value::from));
    let shasum = text("shasum").trim();
    put(&mut out, "shasum", Integrity::from_shasum(shasum).map(|_| Value::from(shasum.to_ascii_lowercase())));
    out
}

/// A time as the registry writes it, printed anew. `None` if it is none.
pub(super) fn time(text: &str) -> Option<String> {
    text.parse::<Timestamp>().ok().map(|time| format!("{time:.3}"))
}

/// Tags that are words, `latest` in any case, of versions that are shown.
pub(super) fn tags<'a>(tags: impl Iterator<Item = (&'a String, &'a String)>) -> Map<String, Value> {
    let (latest, others): (Vec<_>, Vec<_>) = tags.filter(|(tag, _)| is_tag(tag)).partition(|(tag, _)| *tag == "latest");
    latest
        .into_iter()
        .chain(others.into_iter().take(MOST_TAGS))
        .map(|(tag, version)| (tag.clone(), Value::from(version.as_str())))
        .collect()
}

/// Whether a version is one that an installer can ask for.
pub(super) fn is_version(text: &str) -> bool {
    version::parse(text).is_some()
}

fn put(out: &mut Map<String, Value>, field: &str, value: Option<Value>) {
    if let Some(value) = value {
        out.insert(field.to_owned(), value);
    }
}

/// An object's members, as far as they are what they should be; `None` if it is no object.
fn members(raw: Option<&Value>, value: impl Fn(&str, &Value) -> Option<Value>) -> Option<Value> {
    let all = raw?.as_object()?.iter().take(MOST).filter_map(|(name, raw)| Some((name.clone(), value(name, raw)?)));
    Some(Value::Object(all.collect()))
}

fn list(raw: Option<&Value>, is_one: impl Fn(&str) -> bool) -> Option<Value> {
    let texts: Vec<&str> = match raw? {
        Value::String(one) => vec![one],
        Value::Array(all) => all.iter().filter_map(Value::as_str).take(MOST).collect(),
        _ => return None,
    };
    Some(texts.into_iter().filter(|text| is_one(text)).map(Value::from).collect())
}

fn switches(raw: &Value) -> Value {
    let all = SWITCHES.iter().filter_map(|name| Some(((*name).to_owned(), Value::Bool(raw.get(name)?.as_bool()?))));
    Value::Object(all.collect())
}

/// Systems by the words that are known, each once and in an order of ours.
fn platforms(raw: Option<&Value>) -> Option<Value> {
    let Value::Array(all) = list(raw, |_| true)? else { return None };
    let known = |text: &str| {
        let (not, word) = text.strip_prefix('!').map_or(("", text), |word| ("!", word));
        format!("{not}{}", if KNOWN_PLATFORMS.contains(&word) { word } else { OTHER_PLATFORM })
    };
    let words: BTreeSet<String> = all.iter().filter_map(Value::as_str).map(known).collect();
    Some(words.into_iter().map(Value::from).collect())
}

/// A range of versions of a program, short and of short numbers. `None` if it is another.
fn engine_range(text: &str) -> Option<String> {
    let plain = range(text).filter(|plain| plain.len() <= LONGEST_ENGINE)?;
    let is_number = |part: &str| part.len() <= LONGEST_NUMBER && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_prerelease = |part: &str| is_number(part) || PRERELEASES.contains(&part);
    let is_plain = |word: &str| {
        let operand = word.trim_start_matches(['^', '~', '<', '>', '=', 'v']);
        let (release, prerelease) = operand.split_once('-').map_or((operand, None), |(release, after)| (release, Some(after)));
        release.split('.').all(|part| is_number(part) || matches!(part, "*" | "x" | "X"))
            && prerelease.is_none_or(|all| all.split('.').all(is_prerelease))
    };
    plain.split_whitespace().filter(|word| *word != "||").all(is_plain).then_some(plain)
}

/// The tag that a dependency asks for, with the name of the package that it is of; `None` if it
/// asks for something else.
pub(super) fn tag_in(name: &str, wanted: &str) -> Option<(String, String)> {
    let wanted = wanted.trim();
    let (name, wanted) = match wanted.strip_prefix("npm:") {
        Some(aliased) => aliased.rsplit_once('@').filter(|(name, _)| !name.is_empty())?,
        None => (name, wanted),
    };
    (is_tag(wanted) && range(wanted).is_none()).then(|| (name.to_owned(), wanted.to_owned()))
}

fn is_tag(text: &str) -> bool {
    (1..=LONGEST_TAG).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// A path below the package.
fn path_of(text: &str) -> Option<Value> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./@+~*#".contains(&byte);
    ((1..=LONGEST_PATH).contains(&text.len()) && text.bytes().all(is_plain)).then(|| Value::from(text))
}

/// Where a package begins: a path, or paths by condition.
fn entry_point(raw: &Value, depth: u8) -> Option<Value> {
    match raw {
        Value::String(path) => path_of(path),
        Value::Bool(_) | Value::Null => Some(raw.clone()),
        Value::Object(_) if depth > 0 => {
            members(Some(raw), |condition, inner| path_of(condition).and_then(|_| entry_point(inner, depth - 1)))
        }
        Value::Array(all) if depth > 0 => Some(all.iter().take(MOST).filter_map(|inner| entry_point(inner, depth - 1)).collect()),
        _ => None,
    }
}

/// One dependency. What cannot be read stays a dependency that cannot be had: without it another
/// tree would be installed.
fn dependency(name: &str, wanted: &Value, leads: Option<&Leads>) -> Option<Value> {
    PackageName::parse(name).ok()?;
    let wanted = wanted.as_str().unwrap_or_default().trim();
    if let Some(leads) = leads.filter(|_| git_dependency::is_one(wanted)) {
        return Some(Value::from(leads.to(name, wanted)));
    }
    Some(Value::from(specifier(wanted).unwrap_or_else(|| UNREADABLE.to_owned())))
}

fn specifier(wanted: &str) -> Option<String> {
    if let Some(aliased) = wanted.strip_prefix("npm:") {
        let scoped = usize::from(aliased.starts_with('@'));
        let at = aliased.get(scoped..)?.find('@').map(|at| at + scoped);
        let (name, rest) = at.map_or((aliased, None), |at| (aliased.get(..at).unwrap_or_default(), aliased.get(at + 1..)));
        let name = PackageName::parse(name).ok()?;
        return match rest {
            Some(rest) => Some(format!("npm:{name}@{}", range(rest).or_else(|| is_tag(rest).then(|| rest.to_owned()))?)),
            None => Some(format!("npm:{name}")),
        };
    }
    if let Some(range) = range(wanted) {
        return Some(range);
    }
    if is_tag(wanted) {
        return Some(wanted.to_owned());
    }
    bare_address(wanted)
}

/// An address on the web without query and fragment. `None` if it is another, a long one, or one
/// with credentials.
pub(super) fn bare_address(text: &str) -> Option<String> {
    let mut url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && text.len() <= LONGEST_ADDRESS)?;
    url.set_query(None);
    url.set_fragment(None);
    let bare = url.username().is_empty() && url.password().is_none();
    // Encoded, an address of odd letters is longer than it was written.
    bare.then(|| url.to_string()).filter(|text| text.len() <= LONGEST_ADDRESS)
}

/// A range of versions without the words that npm passes over. `None` if it is none.
pub(super) fn range(text: &str) -> Option<String> {
    if text.len() > LONGEST_RANGE || VersionRange::parse(text).is_none() {
        return None;
    }
    let alternatives = text.split("||").filter_map(|one| {
        let words: Vec<&str> = one.split_whitespace().filter(|word| is_comparator(word)).collect();
        (!words.is_empty() || one.trim().is_empty()).then(|| words.join(" "))
    });
    let plain = alternatives.collect::<Vec<_>>().join(" || ");
    // What is left must say as much: a tag that is a word of its own is no range.
    VersionRange::parse(&plain).is_some().then_some(plain)
}

/// An operator, a hyphen between two bounds, or a version with parts left out.
fn is_comparator(word: &str) -> bool {
    let operand = word.trim_start_matches(['^', '~', '<', '>', '=']);
    if word.len() - operand.len() > 2 {
        return false;
    }
    let operand = operand.trim_start_matches('v');
    let part = |part: &str| {
        matches!(part, "*" | "x" | "X") || (!part.is_empty() && part.len() <= 16 && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    operand.is_empty() && word != "v" || operand == "-" || Version::parse(operand).is_ok() && version::parse(operand).is_some() || {
        let parts: Vec<&str> = operand.split('.').collect();
        parts.len() <= 4 && parts.into_iter().all(part)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lean(raw: &Value) -> Value {
        Value::Object(manifest(raw.as_object().unwrap(), "a", "1.0.0", &Leads::new("http://r/"), false))
    }

    #[test]
    fn what_installers_read_stays() {
        let raw = json!({
            "dependencies": {"b": ">= 1.0.0 <2 || ^3.0.0-rc.1", "c": "latest", "d": "npm:@s/e@~1.2", "f": "", "g": "1.0 - 2", "h": "github:o/n"},
            "peerDependencies": {"p": "*"}, "peerDependenciesMeta": {"p": {"optional": true}}, "bin": {"a": "./bin/a.js"}, "directories": {"bin": "bin"},
            "engines": {"node": ">=10 <12 || 14.x"}, "os": ["!win32"], "cpu": "x64", "libc": ["glibc"], "_hasShrinkwrap": false,
            "hasInstallScript": true, "bundleDependencies": ["b"], "optionalDependencies": {"t": "https://r.example/t/-/t-1.0.0.tgz"},
        });
        let made = lean(&raw);
        assert_eq!(
            made["dependencies"],
            json!({"b": ">= 1.0.0 <2 || ^3.0.0-rc.1", "c": "latest", "d": "npm:@s/e@~1.2", "f": "", "g": "1.0 - 2", "h": Leads::new("http://r/").to("h", "github:o/n")})
        );
        for field in [
            "peerDependencies",
            "peerDependenciesMeta",
            "bin",
            "directories",
            "engines",
            "os",
            "libc",
            "_hasShrinkwrap",
            "hasInstallScript",
        ] {
            assert_eq!(made[field], raw[field], "{field}");
        }
        assert_eq!((&made["cpu"], &made["bundleDependencies"]), (&json!(["x64"]), &json!(["b"])));
        assert_eq!(made["optionalDependencies"], raw["optionalDependencies"]);
    }

    #[test]
    fn words_that_installers_act_on_are_short_and_known() {
        let engines = |node: &str| lean(&json!({ "engines": { "node": node } }))["engines"]["node"].clone();
        for plain in [">=18.0.0-0 <21", "^20.19.0 || >=22.12.0", "1.x - 4", "*", "", ">= 0.10.3", "v12", "~6.0.0-beta.2", "=8"] {
            assert_eq!(engines(plain), plain);
        }
        let many = vec!["1.2.3"; 40].join(" || ");
        for other in ["1.0.0-x00-7265x", "1.0.0-rc.1a", "10000000000.0.0", "1.0.0+616263", "1.0.0-beta.61626364", many.as_str()] {
            assert_eq!(engines(other), Value::Null, "{other}");
        }
        let made = lean(&json!({ "os": ["win32", "payload", "!x00", "win32", "darwin"], "cpu": "x64", "libc": [] }));
        assert_eq!(
            (&made["os"], &made["cpu"], &made["libc"]),
            (&json!(["!other", "darwin", "other", "win32"]), &json!(["x64"]), &json!([]))
        );
    }

    #[test]
    fn free_text_is_nowhere() {
        const TEXT: &str = "cGF5bG9hZA==";
        let long = "x".repeat(2000);
        let raw = json!({
            "description": TEXT, "payload": TEXT, "readme": TEXT, "author": TEXT, "license": TEXT, "gitHead": TEXT, "_npmUser": {"name": TEXT},
            "keywords": [TEXT], "funding": TEXT, "deprecated": TEXT, "scripts": {"install": TEXT}, "main": TEXT,
            "dependencies": {"b": format!("1.0.0 {TEXT}"), "c": TEXT, "d": {"x": TEXT}, TEXT: "1", "e": long, "f": format!("npm:g@{TEXT}")},
            "engines": {"node": TEXT, TEXT: "1", "vscode": "1"}, "os": [TEXT], "cpu": long, "bin": {"a": format!("{TEXT} "), TEXT: "a.js"},
            "directories": {"man": TEXT, "bin": format!("a {TEXT}")}, "peerDependenciesMeta": {"p": {TEXT: true, "optional": TEXT}},
            "bundleDependencies": [TEXT],
        });
        let made = lean(&raw);
        assert!(!made.to_string().contains("cGF5") && !made.to_string().contains("xxx"), "{made}");
        assert_eq!(made["dependencies"], json!({"b": "1.0.0", "c": UNREADABLE, "d": "", "e": UNREADABLE, "f": UNREADABLE}));
        assert_eq!((&made["deprecated"], &made["hasInstallScript"]), (&json!(DEPRECATED), &json!(true)));
    }

    #[test]
    fn commands_of_what_is_not_installed_here_are_not_handed_on() {
        let bin = json!({"a": "a.js"});
        for (field, words) in [("os", json!(["win32"])), ("os", json!("darwin")), ("os", json!(["!linux"])), ("cpu", json!(["mips"]))] {
            assert_eq!(lean(&json!({"bin": bin, field: words})).get("bin"), None, "{field} {words}");
        }
        for words in [json!(["linux", "darwin"]), json!(["!win32"]), json!([]), json!("any")] {
            assert_eq!(lean(&json!({"bin": bin, "os": words}))["bin"], bin, "{words}");
        }
        let many: Map<String, Value> = (0..=MOST_COMMANDS).map(|at| (format!("c{at}"), json!("a.js"))).collect();
        assert_eq!(lean(&json!({"bin": many})).get("bin"), None);
    }

    #[test]
    fn an_address_is_bare_and_as_short_as_it_looks() {
        let raw = json!({"dependencies": {
            "a": "https://r.example/a.tgz?b#c", "b": "https://word:word@r.example/b.tgz", "c": format!("https://r.example/{}", "ü".repeat(200)),
        }});
        assert_eq!(lean(&raw)["dependencies"], json!({"a": "https://r.example/a.tgz", "b": UNREADABLE, "c": UNREADABLE}));
    }

    #[test]
    fn digests_are_digests_and_times_are_times() {
        let dist = json!({"integrity": format!("sha1-{} note", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="), "shasum": "words", "signatures": [{"sig": "x"}], "foo": 1});
        assert_eq!(Value::Object(digests(Some(&dist))), json!({"integrity": "sha1-AAAAAAAAAAAAAAAAAAAAAAAAAAA="}));
        assert_eq!(time("2018-01-01T00:00:00Z").as_deref(), Some("2018-01-01T00:00:00.000Z"));
        assert_eq!(time("payload"), None);
    }

    #[test]
    fn npm_3_and_4_write_what_they_get_so_they_get_the_entry_points() {
        let raw = json!({"main": "lib/a.js", "browser": {"./a": false}, "exports": {".": {"import": "./a.mjs"}}, "scripts": {"install": "make", "test": "x"}});
        let made = Value::Object(manifest(raw.as_object().unwrap(), "a", "1.0.0", &Leads::new("http://r/"), true));
        for field in ["main", "browser", "exports"] {
            assert_eq!(made[field], raw[field], "{field}");
        }
        assert_eq!(made["scripts"], json!({"install": "make"}));
    }
}
