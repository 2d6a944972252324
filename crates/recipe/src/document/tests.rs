use serde_json::{Value, json};

use super::*;

fn recipe() -> Value {
    json!({
        "schemaVersion": 1, "strategy": "npm", "name": "@a/b", "version": "1.0.0-rc.1", "repository": "https://github.com/a/b",
        "commit": "0123456789abcdef0123456789abcdef01234567", "directory": "packages/b", "checkout": "posix", "rewrite": "as-is",
        "fileList": "npm-11", "packer": "npm-7-20",
        "build": {
            "node": "20.1.0", "tools": { "npm": "10.0.0" }, "reasons": ["a"], "lockfile": "package-lock.json", "moment": null,
            "version": null, "ref": "refs/tags/v1", "packed": null, "restored": ["README.md"], "steps": [{ "name": "npm ci", "directory": "", "command": ["npm", "ci"] }]
        },
        "tarball": {
            "integrity": format!("sha512-{}==", "A".repeat(86)), "gzip": { "class": "zlib-rs", "level": 6, "xfl": 0, "os": 255 }
        }
    })
}

fn read(value: &Value) -> Result<Recipe, RecipeError> {
    Recipe::from_json(value.to_string().as_bytes())
}

#[test]
fn a_recipe_is_read_as_it_was_written() {
    let read = read(&recipe()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), recipe());
}

#[test]
fn of_a_result_the_recipe_of_the_attempt_that_decided_is_taken() {
    let mut other = recipe();
    other.as_object_mut().unwrap().remove("tarball");
    other["packer"] = "yarn-1".into();
    let result = json!({
        "verdict": "identical", "reproduced": true,
        "attempts": [{ "verdict": "differs", "recipe": other }, { "verdict": "identical", "recipe": recipe() }]
    });
    assert_eq!(read(&result).unwrap().packer, "npm-7-20");
    assert_eq!(read(&json!({ "verdict": "differs", "recipe": recipe() })).unwrap().packer, "npm-7-20");
}

/// A result that says same-content, and what is changed of it.
#[test]
fn a_result_that_contradicts_itself_is_refused() {
    let [one, other] = ["A", "B"].map(|letter| format!("sha512-{}==", letter.repeat(86)));
    let changed = || json!({"changed": [{"path": "index.js"}], "onlyPublished": [], "onlyRebuilt": []});
    let with = |edits: &[(&str, Value)]| {
        let mut result = json!({
            "verdict": "same-content", "code": null, "reproduced": true, "package": {"integrity": other}, "source": {"integrity": one},
            "attempts": [{"verdict": "same-content", "code": null, "recipe": recipe()}], "comparison": {"changed": []}, "diff": null, "likely": null,
            "options": {"accept": "same-content"}
        });
        result["attempts"][0]["recipe"]["tarball"]["integrity"] = one.clone().into();
        for (place, value) in edits {
            *result.pointer_mut(place).unwrap() = value.clone();
        }
        matches!(read(&result), Err(RecipeError::Contradicts(_)))
    };
    let by = |verdict: &str| ("/verdict", Value::from(verdict));
    let of_attempt = |verdict: &str| ("/attempts/0/verdict", Value::from(verdict));
    let unreproduced = || ("/reproduced", Value::from(false));
    let same = || ("/package/integrity", Value::from(one.clone()));
    for fine in [
        vec![],
        vec![by("identical"), of_attempt("identical"), same()],
        vec![by("identical"), of_attempt("identical"), ("/package/integrity", "sha1-AAAA".into())],
        vec![unreproduced(), ("/options/accept", "identical".into())],
        vec![by("differs"), of_attempt("differs"), unreproduced(), ("/comparison", changed()), ("/diff", "-a".into())],
        vec![by("build-failed"), of_attempt("differs"), unreproduced(), ("/code", "timed-out".into())],
    ] {
        assert!(!with(&fine), "{fine:?}");
    }
    for bad in [
        vec![by("differs")],
        vec![by("build-failed")],
        vec![by("better"), of_attempt("better")],
        vec![("/verdict", Value::Null)],
        vec![("/reproduced", "yes".into())],
        vec![unreproduced()],
        vec![("/code", "file-differs".into())],
        vec![of_attempt("differs")],
        vec![("/attempts/0/verdict", Value::Null)],
        vec![("/comparison", changed())],
        vec![("/comparison", json!({"onlyRebuilt": ["a"]}))],
        vec![("/comparison", json!({"changed": {}}))],
        vec![("/comparison", json!({"explanations": [{"path": "a"}]}))],
        vec![("/likely", json!({"cause": "unexplained-code"}))],
        vec![("/diff", "--- a".into())],
        vec![("/diff", json!(["a"]))],
        vec![("/source/integrity", other.clone().into())],
        vec![same()],
        vec![by("identical"), of_attempt("identical")],
        vec![by("identical"), of_attempt("identical"), same(), ("/comparison", changed())],
        vec![by("differs"), ("/reproduced", "no".into())],
    ] {
        assert!(with(&bad), "{bad:?}");
    }
    let attempt = |code: Value| read(&json!({"verdict": "same-content", "code": code, "recipe": recipe()}));
    assert!(attempt(Value::Null).is_ok() && matches!(attempt("x".into()), Err(RecipeError::Contradicts(_))));
}

#[test]
fn what_has_no_recipe_is_told_from_what_has_a_bad_one() {
    let code = |text: &str| Recipe::from_json(text.as_bytes()).unwrap_err().code();
    assert_eq!(code(""), "recipe-missing");
    assert_eq!(code("[]"), "recipe-missing");
    assert_eq!(code(r#"{"verdict":"error","code":"x"}"#), "recipe-missing");
    assert_eq!(code(r#"{"verdict":"no-source","attempts":[]}"#), "recipe-missing");
    assert_eq!(code("{"), "recipe-unreadable");
    assert_eq!(code(&"[".repeat(100_000)), "recipe-unreadable");
    assert_eq!(code(&format!("{}\n{}", recipe(), recipe())), "recipe-several");
    assert_eq!(code(r#"{"schemaVersion":2}"#), "recipe-schema-unknown");
    assert_eq!(code("{}"), "recipe-invalid");
}

#[test]
fn a_document_of_many_values_is_refused_before_it_takes_many_times_its_size() {
    let of = |count: usize| format!(r#"{{"verdict":"identical","padding":[{}0]}}"#, "0,".repeat(count));
    let code = |text: &str| Recipe::from_json(text.as_bytes()).unwrap_err().code();
    assert_eq!(code(&of(1_000_000)), "recipe-missing");
    assert!(Told::from_json(of(1_000_000).as_bytes()).is_some());
    // A few megabytes that take hundreds as values.
    assert_eq!(code(&of(2_000_000)), "recipe-too-large");
    assert_eq!(Told::from_json(of(2_000_000).as_bytes()), None);
}

#[test]
fn an_unknown_or_missing_field_is_named() {
    let mut unknown = recipe();
    unknown["umask"] = 2.into();
    assert!(read(&unknown).unwrap_err().to_string().contains("umask"));
    for field in ["schemaVersion", "name", "commit", "fileList", "checkout"] {
        let mut missing = recipe();
        missing.as_object_mut().unwrap().remove(field);
        assert!(read(&missing).unwrap_err().to_string().contains(field), "{field}");
    }
}

/// Each of these would lead out of the repository, into a shell or nowhere.
#[test]
fn a_value_that_cannot_be_followed_is_refused_by_its_fields_name() {
    let cases: &[(&str, Value, &str)] = &[
        ("/commit", "HEAD".into(), "commit"),
        ("/version", "latest".into(), "version"),
        ("/directory", "../..".into(), "directory"),
        ("/directory", "/etc".into(), "directory"),
        ("/name", "a\u{1b}[31m".into(), "name"),
        ("/packer", "tar".into(), "packer"),
        ("/fileList", "all".into(), "fileList"),
        ("/strategy", "make".into(), "make"),
        ("/build", Value::Null, "build"),
        ("/build/node", "; rm".into(), "build.node"),
        ("/build/tools", json!({ "curl": "1.0.0" }), "build.tools"),
        ("/build/moment", "yesterday".into(), "build.moment"),
        ("/build/lockfile", "a/../../b".into(), "build.lockfile"),
        ("/build/packed", "..".into(), "build.packed"),
        ("/build/steps/0/command", json!(["curl", "x"]), "build.steps.command"),
        ("/build/steps/0/command", json!([]), "build.steps.command"),
        ("/build/steps/0/command", json!(vec!["npm"; 65]), "build.steps.command"),
        ("/build/steps/0/directory", "../x".into(), "build.steps.directory"),
        ("/build/steps", json!(vec![json!({ "name": "a", "directory": "", "command": ["npm"] }); 1_001]), "build.steps"),
        ("/build/steps/0/command", json!(["sh", "-c", "a\u{1b}[2J"]), "build.steps.command"),
        ("/build/restored", json!(["../a"]), "build.restored"),
        ("/tarball/integrity", "sha512-AAAA".into(), "tarball.integrity"),
        ("/tarball/gzip/class", "D".into(), "D"),
        ("/tarball/gzip/level", 0.into(), "tarball.gzip.level"),
        ("/tarball/adopted", json!({ "sequence": "packer", "entries": [{ "path": "a", "owner": 4 }] }), "tarball.adopted"),
    ];
    for (place, value, named) in cases {
        let mut changed = recipe();
        *changed.pointer_mut(place).unwrap_or(&mut Value::Null) = value.clone();
        if changed.pointer(place).is_none() {
            changed["tarball"]["adopted"] = value.clone();
        }
        let error = read(&changed).unwrap_err();
        assert!(error.code() == "recipe-invalid" && error.to_string().contains(named), "{place} {value}: {error}");
        assert!(error.hint().is_some());
    }
}
