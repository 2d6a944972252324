//! What clients and the registry make of a package.json was seen: each client named here published
//! such a folder to a listener.

use serde_json::json;

use super::*;

fn places(registry: &Value, tarball: &Value, paths: &[&str]) -> Vec<String> {
    let found = disagreements(registry, Inside { manifest: tarball, paths });
    found.into_iter().map(|one| if one.key.is_empty() { one.field.to_owned() } else { format!("{}.{}", one.field, one.key) }).collect()
}

fn assert_same(why: &str, registry: &Value, tarball: &Value, paths: &[&str]) {
    assert_eq!(places(registry, tarball, paths), [""; 0], "{why}");
}

/// Both sides may have more or other than the other one.
fn assert_told(place: &str, one: &Value, other: &Value) {
    for (registry, tarball) in [(one, other), (other, one)] {
        assert!(places(registry, tarball, &["package.json"]).iter().any(|told| told == place), "{place}: {registry} {tarball}");
    }
}

#[test]
fn commands_as_clients_publish_them_are_the_same() {
    let tarball = json!({"name": "@s/a", "bin": "./lib/../cli.js"});
    assert_same("npm 2 and 5", &json!({"name": "@s/a", "bin": {"a": "./lib/../cli.js"}}), &tarball, &[]);
    assert_same("npm 6 to 11", &json!({"name": "@s/a", "bin": {"a": "cli.js"}}), &tarball, &[]);
    assert_same("bun", &tarball, &tarball, &[]);
    let many = json!({"bin": {"x/b": "./cli.js", "c": "../up.js", "d": "/abs.js", "e": "", "f": "gone.js", "g": "x\\y.js", "h": 1}});
    let npm = json!({"bin": {"b": "cli.js", "c": "up.js", "d": "abs.js", "f": "gone.js", "g": "x/y.js"}});
    assert_same("npm 7 to 11", &npm, &many, &[]);
    assert_same("yarn 1", &json!({"bin": {"e": ".", "f": "gone.js", "g": "x\\y.js", "h": 1}}), &many, &[]);
    let list = json!({"bin": ["./bin/one.js", "two.js"]});
    assert_same("npm 6 to 11", &json!({"bin": {"one.js": "bin/one.js", "two.js": "two.js"}}), &list, &[]);
    assert_same("npm 1 to 5", &json!({"bin": {"two.js": "two.js"}}), &list, &[]);
}

#[test]
fn the_files_of_a_folder_are_its_commands() {
    let paths = ["package.json", "bin/one.js", "bin/sub/two"];
    let tarball = json!({"directories": {"bin": "./bin"}});
    let listed = json!({"one.js": "bin/one.js", "sub": "bin/sub", "two": "bin/sub/two"});
    assert_same("npm 1 to 11", &json!({"directories": {"bin": "./bin"}, "bin": listed}), &tarball, &paths);
    assert_same("yarn 1", &json!({"directories": {}, "bin": listed}), &tarball, &paths);
    let elsewhere = json!({"directories": {"bin": "./bin"}, "bin": {"one.js": "lib/one.js"}});
    assert_eq!(places(&elsewhere, &tarball, &["bin/one.js", "lib/one.js"]), ["bin.one.js"]);
    let other = json!({"directories": {"bin": "./bin"}, "bin": {"npm": "bin/one.js"}});
    assert_eq!(places(&other, &tarball, &paths), ["bin.npm"]);
    assert_told("directories.bin", &tarball, &json!({}));
}

#[test]
fn dependencies_as_clients_publish_them_are_the_same() {
    let tarball = json!({"dependencies": {"a": "1", "c": "1"}, "optionalDependencies": {"a": "2", "b": " 1 "}});
    let old = json!({"dependencies": {"a": "2", "c": "1", "b": "1"}, "optionalDependencies": {"a": "2", "b": "1"}});
    assert_same("npm 1 to 6", &old, &tarball, &[]);
    assert_same("npm 7 to 11", &json!({"dependencies": {"c": "1"}, "optionalDependencies": {"a": "2", "b": "1"}}), &tarball, &[]);
    let list = json!({"dependencies": ["a@1", "b >=2", "d"]});
    assert_same("npm 1 to 11", &json!({"dependencies": {"a": "1", "b": ">=2", "d": ""}}), &list, &[]);
    assert_same("yarn 1", &list, &list, &[]);
    assert_same("npm 1 to 11", &json!({"dependencies": {"a": "1", "b": "2"}}), &json!({"dependencies": "a@1, b@2"}), &[]);
    let odd = json!({"dependencies": {"a": "^1", "b": 1, "c": null, "__proto__": "1"}});
    assert_same("npm 1 to 6", &json!({"dependencies": {"a": "^1"}}), &odd, &[]);
    let git = |range: &str| json!({"dependencies": {"a": range}});
    for (published, written) in [
        ("github:user/repo", "user/repo"),
        ("git+https://github.com/user/repo.git#v1", "user/repo#v1"),
        ("git+https://github.com/u/r.git", "https://github.com/u/r.git"),
        ("git+ssh://git@github.com/u/r.git", "git@github.com:u/r.git"),
        ("gist:0123abcd", "https://gist.github.com/0123abcd.git"),
    ] {
        assert_same("npm 1 to 11, by version", &git(published), &git(written), &[]);
    }
}

#[test]
fn what_is_bundled_is_the_same_in_every_spelling() {
    let paths = ["package.json", "node_modules/x/package.json"];
    let tarball = json!({"bundledDependencies": ["x"]});
    assert_same("npm 1 to 8", &json!({"bundleDependencies": ["x"], "dependencies": {"x": "*"}}), &tarball, &paths);
    assert_same("npm 9 to 11", &json!({"bundleDependencies": ["x"]}), &tarball, &paths);
    let all = json!({"bundleDependencies": true, "dependencies": {"x": "1.0.0"}});
    assert_same("npm 6 to 11", &json!({"bundleDependencies": ["x"], "dependencies": {"x": "1.0.0"}}), &all, &paths);
    assert_same("npm 5", &json!({"dependencies": {"x": "1.0.0"}}), &all, &paths);
    // No client writes both: an installation would take any version of it beside the package.
    for own in [
        all,
        json!({"bundleDependencies": {"x": true}}),
        json!({"bundledDependencies": {"x": "1"}}),
        json!({"bundleDependencies": ["x"], "bundledDependencies": 7}),
    ] {
        assert_eq!(places(&json!({"dependencies": {"x": "*"}}), &own, &paths), ["dependencies.x"], "{own}");
    }
    assert_same("all", &json!({"bundleDependencies": []}), &json!({"bundleDependencies": false}), &paths);
    assert_told("bundleDependencies", &json!({"bundleDependencies": ["y"]}), &json!({}));
    assert_eq!(
        places(&json!({"bundleDependencies": ["x"], "bundledDependencies": ["x", "y"]}), &tarball, &paths),
        ["bundleDependencies"],
        "pnpm reads the second first"
    );
    assert_eq!(places(&json!({"dependencies": {"y": "*"}, "bundleDependencies": ["x"]}), &tarball, &paths), ["dependencies.y"]);
}

#[test]
fn engines_of_old_clients_are_the_same() {
    assert_same("npm before 1.1", &json!({"engines": {"node": "*"}}), &json!({}), &[]);
    assert_same("npm before 1.1", &json!({"engines": {"node": "node >= 0.3"}}), &json!({"engines": "node >= 0.3"}), &[]);
    assert_same("yarn 1", &json!({"engines": {"node": ">=0.4"}}), &json!({"engines": ["node >=0.4"]}), &[]);
    assert_same("npm 1 to 11", &json!({"engines": ["node >=0.4"]}), &json!({"engines": ["node >=0.4"]}), &[]);
    assert_told("engines.node", &json!({"engines": {"node": ">=99"}}), &json!({"engines": {"node": ">=4"}}));
}

#[test]
fn scripts_that_clients_add_or_shorten_are_the_same() {
    let gyp = ["package.json", "binding.gyp"];
    let added = json!({"scripts": {"install": "node-gyp rebuild"}, "gypfile": true});
    assert_same("npm 1 to 11", &added, &json!({}), &gyp);
    assert_same("npm 1 to 3", &added, &json!({"gypfile": false}), &gyp);
    assert_same("npm 5 to 11", &json!({"gypfile": false}), &json!({"gypfile": false}), &gyp);
    assert_eq!(places(&added, &json!({"scripts": {"preinstall": "x"}}), &gyp), ["scripts.preinstall", "scripts.install"]);
    let tarball = json!({"scripts": {"install": " node x.js ", "postinstall": "./node_modules/.bin/foo a", "test": 1}});
    assert_same("npm 5 to 11", &json!({"scripts": {"install": "node x.js", "postinstall": "foo a"}}), &tarball, &[]);
    assert_same("npm 1 to 3", &json!({"scripts": {}}), &tarball, &[]);
    assert_same("a short document", &json!({"hasInstallScript": true}), &json!({"scripts": {"install": "x"}}), &[]);
}

#[test]
fn a_script_for_a_file_that_was_not_published_is_told_and_does_not_weigh() {
    let registry = json!({"scripts": {"install": "node-gyp rebuild"}, "gypfile": true});
    let found = disagreements(&registry, Inside { manifest: &json!({}), paths: &["package.json"] });
    assert!(matches!(found.as_slice(), [one] if one.field == "scripts" && !one.weighs));
    assert_eq!(findings(&found).iter().map(|one| one.severity).collect::<Vec<_>>(), [Severity::Warning]);
    let other = json!({"scripts": {"install": "node-gyp rebuild; x"}, "gypfile": true});
    assert!(disagreements(&other, Inside { manifest: &json!({}), paths: &[] }).iter().all(|one| one.weighs));
    // What forbids the build is lost on the way.
    let forbids = json!({"gypfile": false});
    assert_eq!(places(&json!({"_id": "a@1.0.0"}), &forbids, &["binding.gyp"]), ["gypfile"]);
    assert_eq!(places(&json!({}), &forbids, &["binding.gyp"]), [""; 0], "a short document has no such field");
    // A command of the package's own would be run in its place.
    let bin = json!({"bin": {"node-gyp": "run.js"}});
    let with_bin = json!({"scripts": {"install": "node-gyp rebuild"}, "gypfile": true, "bin": {"node-gyp": "run.js"}});
    let found = disagreements(&with_bin, Inside { manifest: &bin, paths: &["package.json"] });
    assert!(matches!(found.as_slice(), [one] if one.field == "scripts" && one.weighs));
    let forbidden = json!({"gypfile": false, "bin": {"node-gyp": "run.js"}});
    assert_eq!(places(&with_bin, &forbidden, &["binding.gyp"]), ["scripts.install", "gypfile"]);
    assert_eq!(places(&with_bin, &bin, &["binding.gyp"]), [""; 0], "npm adds it for the file at the installation, too");
}

#[test]
fn more_commands_than_a_package_has_are_not_compared() {
    let many: serde_json::Map<String, Value> = (0..100_000).map(|at| (format!("c{at}"), json!(format!("b/{at}.js")))).collect();
    let bin = json!({ "bin": many });
    assert_eq!(places(&bin, &bin, &[]), ["bin"]);
}

#[test]
fn any_version_of_what_is_bundled_is_told() {
    let any = json!({"bundleDependencies": ["x"], "dependencies": {"x": "*"}});
    let inside = ["package.json", "node_modules/x/package.json"];
    let told = |own: Value, paths: &[&str]| -> Vec<(String, bool)> {
        let found = disagreements(&any, Inside { manifest: &own, paths });
        found.into_iter().map(|one| (format!("{}.{}", one.field, one.key), one.weighs)).collect()
    };
    let x = |weighs| [("dependencies.x".to_owned(), weighs)];
    // npm 7 writes so for `true`: npm takes what is inside, and clients that do not know bundles
    // take any version.
    let all = json!({"bundleDependencies": true, "dependencies": {"x": "1.0.0"}});
    assert_eq!(told(all.clone(), &inside), x(false));
    // npm 1 to 8 write so for what is bundled alone. Where it is not inside, every client takes any
    // version.
    assert_eq!(told(json!({"bundleDependencies": ["x"]}), &inside), []);
    assert_eq!(told(json!({"bundleDependencies": ["x"]}), &["package.json"]), x(false));
    // No client writes so for a list, nor for what is not inside.
    let pinned = json!({"bundleDependencies": ["x"], "dependencies": {"x": "1.0.0"}});
    assert_eq!(told(pinned, &inside), x(true));
    assert_eq!(told(all, &["package.json"]), x(true));
}

#[test]
fn an_address_of_a_web_page_is_a_tarball_to_clients() {
    let of = |range: &str| json!({"dependencies": {"x": range}});
    for (registry, own) in [
        ("git+https://gitlab.com/u/r.git", "gitlab:u/r"),
        ("git+https://github.com/u/r.git", "https://github.com/u/r"),
        ("git+https://github.com/u/r.git#v1", "u/r#v1"),
        ("https://github.com/u/r", "https://github.com/u/r"),
    ] {
        assert_same("npm", &of(registry), &of(own), &[]);
    }
    for (registry, own) in [("https://gitlab.com/u/r", "gitlab:u/r"), ("http://github.com/u/r#v1", "u/r#v1")] {
        assert_eq!(places(&of(registry), &of(own), &[]), ["dependencies.x"], "{registry} {own}");
    }
    assert_eq!(places(&json!({"os": ["linux "]}), &json!({"os": ["linux"]}), &[]), ["os"]);
}

#[test]
fn what_installers_obey_and_only_one_side_says_is_told() {
    let none = json!({});
    for (place, field) in [
        ("dependencies.evil", json!({"dependencies": {"evil": "1"}})),
        ("dependencies.evil", json!({"dependencies": {"evil": ["1"]}, "x": 1})),
        ("optionalDependencies.evil", json!({"optionalDependencies": {"evil": "1"}})),
        ("peerDependencies.evil", json!({"peerDependencies": {"evil": "1"}})),
        ("acceptDependencies.a", json!({"acceptDependencies": {"a": "*"}})),
        ("peerDependenciesMeta.a", json!({"peerDependenciesMeta": {"a": {"optional": true}}})),
        ("dependenciesMeta.a", json!({"dependenciesMeta": {"a": {"built": false}}})),
        ("engines.node", json!({"engines": {"node": ">=99"}})),
        ("os", json!({"os": ["!linux"]})),
        ("cpu", json!({"cpu": "none"})),
        ("libc", json!({"libc": ["musl"]})),
        ("bin.npm", json!({"bin": {"npm": "x"}})),
        ("scripts.preinstall", json!({"scripts": {"preinstall": "x"}})),
        ("scripts.install", json!({"scripts": {"install": "x"}})),
        ("scripts.postinstall", json!({"scripts": {"postinstall": "x"}})),
    ] {
        assert!(places(&field, &none, &["package.json"]).iter().any(|told| told == place), "{place}");
        if !field["dependencies"]["evil"].is_array() {
            assert_told(place, &field, &none);
        }
    }
    assert_told("dependencies.a", &json!({"dependencies": {"a": "^1"}}), &json!({"dependencies": {"a": "https://evil.example/a.tgz"}}));
    assert_told("dependencies.a", &json!({"dependencies": {"a": "1"}}), &json!({"dependencies": {"a": "npm:evil@1"}}));
    assert_told("dependencies.a", &json!({"dependencies": {"a": "u/r#1"}}), &json!({"dependencies": {"a": "u/r#2"}}));
    assert_told("bin.a", &json!({"bin": {"a": "x.js"}}), &json!({"bin": {"a": "y.js"}}));
    let optional = json!({"optionalDependencies": {"a": "1"}});
    let both = json!({"dependencies": {"a": "npm:evil@1"}, "optionalDependencies": {"a": "1"}});
    assert_eq!(places(&both, &optional, &[]), ["dependencies.a"], "pnpm installs by the first");
    assert_eq!(places(&json!({"dependencies": ["evil@1"]}), &none, &[]), ["dependencies.evil", "dependencies"]);
    assert_eq!(places(&json!({"gypfile": false}), &none, &["binding.gyp"]), ["gypfile"]);
    assert_eq!(
        places(&json!({"hasInstallScript": false, "scripts": {"install": "x"}}), &json!({"scripts": {"install": "x"}}), &[]),
        ["hasInstallScript"]
    );
    assert_eq!(places(&json!({"bin": {"../../x": "a.js"}}), &json!({"bin": {"x": "a.js"}}), &[]), ["bin.../../x", "bin.x"]);
}

#[test]
fn a_text_that_reads_like_another_value_is_not_the_same() {
    for (place, field) in [
        ("peerDependenciesMeta.a", json!({"peerDependenciesMeta": {"a": {"optional": true}}})),
        ("dependenciesMeta.a", json!({"dependenciesMeta": {"a": {"built": false}}})),
        ("engines.node", json!({"engines": {"node": [">=4"]}})),
        ("config.port", json!({"config": {"port": 1}})),
        ("os", json!({"os": [["linux"]]})),
        ("bundleDependencies", json!({"bundleDependencies": [["x"]]})),
    ] {
        // The innermost value as text.
        let (name, value) = field.as_object().and_then(|field| field.iter().next()).unwrap();
        let as_text = match value {
            Value::Object(map) => Value::Object(map.iter().map(|(key, value)| (key.clone(), json!(value.to_string()))).collect()),
            other => json!([other[0].to_string()]),
        };
        assert_same("as it is", &field, &field, &[]);
        assert_told(place, &field, &json!({ name.as_str(): as_text }));
    }
    let script = "echo '$(node x.js)'";
    let quoted = json!({"scripts": {"postinstall": json!(script).to_string()}});
    assert_told("scripts.postinstall", &quoted, &json!({"scripts": {"postinstall": script}}));
}

#[test]
fn two_commands_of_one_name_are_told_whichever_the_registry_names() {
    for own in [
        json!({"bin": {"x/run": "evil.js", "run": "good.js"}}),
        json!({"bin": {"run": "good.js", "y:run": "evil.js"}}),
        json!({"bin": ["good.js/run", "evil.js/run"]}),
    ] {
        for path in ["good.js", "evil.js", "good.js/run", "evil.js/run"] {
            assert_eq!(places(&json!({"bin": {"run": path}}), &own, &[]), ["bin.run"], "{own} {path}");
        }
    }
    let same = json!({"bin": {"x/run": "a.js", "run": "./a.js"}});
    assert_same("one file", &json!({"bin": {"run": "a.js"}}), &same, &[]);
}

#[test]
fn what_old_clients_obey_is_what_the_tarball_says() {
    let told = |registry: Value| places(&registry, &json!({"main": "a.js", "config": {"host": "good"}}), &["package.json"]);
    assert_eq!(told(json!({"main": "a.js", "config": {"host": "good"}, "_shrinkwrap": null, "_bundled": false})), [""; 0]);
    assert_eq!(told(json!({"main": "b.js", "config": {"host": "good"}})), ["main"]);
    assert_eq!(told(json!({"main": "a.js", "config": {"host": "evil"}})), ["config.host"]);
    let more = json!({"config": {"host": "good"}, "flat": true, "_shrinkwrap": {"dependencies": {}}, "_bundled": ["x"]});
    assert_eq!(told(more), ["_shrinkwrap", "_bundled", "flat"]);
}

#[test]
fn a_shrinkwrap_is_where_the_registry_says() {
    for (said, inside) in [(true, false), (false, true)] {
        let paths: &[&str] = if inside { &["package.json", "npm-shrinkwrap.json"] } else { &["package.json", "lib/npm-shrinkwrap.json"] };
        assert_eq!(places(&json!({"_hasShrinkwrap": said}), &json!({}), paths), ["_hasShrinkwrap"]);
        assert_same("it is as it says", &json!({"_hasShrinkwrap": !said}), &json!({}), paths);
    }
    // Not every client says so, and npm follows it only where the registry does: it is told, and
    // does not weigh.
    assert_same("nothing to follow", &json!({}), &json!({}), &["package.json"]);
    let unsaid = disagreements(&json!({}), Inside { manifest: &json!({}), paths: &["package.json", "npm-shrinkwrap.json"] });
    assert!(matches!(unsaid.as_slice(), [one] if one.field == "_hasShrinkwrap" && !one.weighs));
}

#[test]
fn what_no_installer_obeys_is_not_compared() {
    let registry = json!({
        "deprecated": "use b", "devDependencies": {"x": "1"}, "scripts": {"test": "x", "prepare": "y"}, "directories": {}, "_id": "a@1",
        "dist": {"unpackedSize": 1}, "dependencies": {}, "bin": {}, "os": [], "peerDependenciesMeta": {"a": {}}, "_nodeVersion": "1",
    });
    assert_same("", &registry, &json!({"overrides": {"a": "1"}, "engines": {}, "bundledDependencies": []}), &[]);
}

#[test]
fn a_finding_has_field_key_and_both_values_on_one_line_of_bounded_length() {
    let long = "x".repeat(10_000);
    let found = disagreements(
        &json!({"dependencies": {"a\n\u{1b}b": "1", long.as_str(): long}}),
        Inside { manifest: &json!({"dependencies": {"a\n\u{1b}b": "2"}}), paths: &[] },
    );
    let told = findings(&found);
    let first = told.first().unwrap();
    assert_eq!(
        first.message,
        "registry metadata and the tarball's package.json disagree in dependencies: a\u{fffd}\u{fffd}b (the registry has \"1\", the tarball \"2\")"
    );
    assert_eq!((first.code.as_str(), first.severity), ("manifest-confusion", Severity::Error));
    assert!(told.iter().all(|one| one.message.chars().count() < 700));
    let many: serde_json::Map<String, Value> = (0..10_000).map(|n| (format!("a{n}"), json!("1"))).collect();
    let many = findings(&disagreements(&json!({"peerDependencies": many}), Inside { manifest: &json!({}), paths: &[] }));
    assert_eq!(many.len(), LISTED + 1);
    assert!(many.last().unwrap().message.ends_with("in 9980 more places"));
}

#[test]
fn what_installs_with_the_package_and_is_not_in_the_source_is_a_finding() {
    let source =
        json!({"scripts": {"postinstall": "node a.js"}, "dependencies": {"a": "workspace:*", "z": "1"}, "devDependencies": {"b": "1"}});
    let codes = |published: Value| against_source(&published, &source).into_iter().map(|finding| finding.code).collect::<Vec<_>>();
    assert!(codes(json!({"scripts": {"postinstall": "node a.js", "test": "x"}, "dependencies": {"a": "npm:c@1.0.0"}})).is_empty());
    assert_eq!(codes(json!({"scripts": {"postinstall": "node b.js"}})), ["install-script-not-in-source"]);
    assert_eq!(
        codes(json!({"scripts": {"preinstall": "x"}, "optionalDependencies": {"b": "1"}})),
        ["install-script-not-in-source", "dependency-not-in-source"]
    );
    assert_eq!(codes(json!({"devDependencies": {"c": "1"}, "peerDependencies": {"d": "1"}})), ["dependency-not-in-source"]);
    assert_eq!(codes(json!({"peerDependencies": {"z": "2"}})), [""; 0], "it is installed anyway");
    assert_eq!(codes(json!({"dependencies": {"z": "https://evil.example/z.tgz"}})), ["dependency-not-in-source"]);
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
