//! Specifiers of deno in every spelling, and what a deno.lock leads to by itself.

use std::fs;

use super::*;

/// What a lockfile with these specifiers, and with more members, has no version for.
fn gaps(specifiers: &str, more: &str) -> Vec<String> {
    let text = format!(r#"{{"version":"5","specifiers":{{{specifiers}}},"npm":{{"a@1.0.0":{{}},"b@2.0.0":{{}}}}{more}}}"#);
    let found = Lockfile::read("deno.lock", text.as_bytes()).unwrap();
    found.gaps.into_iter().map(|gap| gap.wanted).collect()
}

/// How many of the specifiers in a deno.json the lockfile has nothing for.
fn stale(specifiers: &str, asked: &str) -> usize {
    let project = tempfile::tempdir().unwrap();
    fs::write(project.path().join("deno.json"), format!(r#"{{"imports":{{"x":"{asked}"}}}}"#)).unwrap();
    let text = format!(r#"{{"version":"5","specifiers":{{{specifiers}}},"npm":{{"a@1.0.0":{{}}}}}}"#);
    Lockfile::read("deno.lock", text.as_bytes()).unwrap().differences(project.path()).len()
}

const ONE: &str = r#""npm:a@1":"1.0.0""#;

#[test]
fn a_tag_is_met_by_a_specifier_of_its_own_alone() {
    assert_eq!(stale(ONE, "npm:a@^1.0.0"), 0, "a range");
    for same in ["1", "^1", "1.x", "~1", "1.x.x", ">=1.0.0 <2.0.0"] {
        assert_eq!(stale(ONE, &format!("npm:a@{same}")), 0, "{same}");
    }
    for other in ["*", "", ">=1.0.0", ">=1", "^1.0.1", "1.0.0", "~1.0.0", "1 || 1", "<2", "^1.0.0-beta.1"] {
        assert_eq!(stale(ONE, &format!("npm:a@{other}")), 1, "{other}");
        let own = format!(r#""npm:a@{other}":"1.0.0""#).replace("a@\"", "a@*\"");
        assert_eq!(stale(&own, &format!("npm:a@{other}")), 0, "{other} of its own");
    }
    assert_eq!(stale(r#""npm:a@1 || 1.0.0":"1.0.0""#, "npm:a@1"), 1, "the same versions in other words");
    assert_eq!(stale(r#""npm:a@>=0.0.0":"1.0.0""#, "npm:a"), 1);
    assert_eq!(stale(ONE, "npm:a@latest"), 1, "a tag that the lockfile does not have");
    assert_eq!(stale(&format!(r#"{ONE},"npm:a@latest":"1.0.0""#), "npm:a@latest"), 0);
    assert_eq!(stale(&format!(r#"{ONE},"npm:a@next":"1.0.0""#), "npm:a@latest"), 1, "another tag");
    let project = tempfile::tempdir().unwrap();
    fs::write(project.path().join("package.json"), r#"{"dependencies":{"a":"latest"}}"#).unwrap();
    let text = format!(r#"{{"version":"5","specifiers":{{{ONE}}},"npm":{{"a@1.0.0":{{}}}}}}"#);
    assert_eq!(Lockfile::read("deno.lock", text.as_bytes()).unwrap().differences(project.path()).len(), 1, "of package.json");
}

#[test]
fn what_package_json_asks_of_the_other_registry_has_a_specifier() {
    let told = |asked: &str| {
        let project = tempfile::tempdir().unwrap();
        fs::write(project.path().join("package.json"), format!(r#"{{"dependencies":{{"e":"{asked}"}}}}"#)).unwrap();
        let text = r#"{"version":"5","specifiers":{"jsr:@s/e@1":"1.0.0"},"jsr":{"@s/e@1.0.0":{}}}"#;
        Lockfile::read("deno.lock", text.as_bytes()).unwrap().differences(project.path()).len()
    };
    assert_eq!((told("jsr:@s/e@1"), told("jsr:@s/e@^1.0.0"), told("file:./e")), (0, 0, 0));
    assert_eq!((told("jsr:@s/evil@1"), told("jsr:@s/e@2"), told("JSR:@s/e")), (1, 1, 1));
}

#[test]
fn a_specifier_is_read_as_an_address_is() {
    for odd in ["NPM:b@1", " npm:b@1", r"n\tpm:b@1", r"npm\n:b@1 ", "npm:/b@1", "npm:b@1#x", "npm:%61@1", "jsr:@s/b@1", "JSR:@s/b"] {
        assert_eq!(stale(ONE, odd), 1, "{odd}");
    }
    for good in ["NPM:a@1", " npm:a@1 ", r"n\tpm:a@1", "npm:/a@1/x.js", "node:fs", "https://x.example/a/"] {
        assert_eq!(stale(ONE, good), 0, "{good}");
    }
}

#[test]
fn what_a_deno_lock_leads_to_by_itself_has_a_specifier() {
    assert_eq!(
        gaps(ONE, r#","workspace":{"dependencies":["npm:a@^1.0.0"],"members":{"m":{"packageJson":{"dependencies":["npm:a@1"]}}}}"#),
        [""; 0]
    );
    for more in [
        r#","workspace":{"dependencies":["npm:c@1"]}"#,
        r#","workspace":{"dependencies":["npm:a"]}"#,
        r#","workspace":{"members":{"m":{"packageJson":{"dependencies":["npm:b@2"]}}}}"#,
        r#","redirects":{"https://x.example/a.ts":"npm:c@1"}"#,
        r#","redirects":{"https://x.example/a.ts":" NPM:c@1"}"#,
    ] {
        assert_eq!(gaps(ONE, more).len(), 1, "{more}");
    }
    for odd in ["NPM:a@1", "npm:/a@1", "https://x.example/a", "npm:c@1"] {
        assert_eq!(gaps(&format!(r#"{ONE},"{odd}":"1.0.0""#), "").len(), 1, "{odd}");
    }
    let redirected = r#"{"version":"5","redirects":{"https://x.example/a.ts":"https://evil.example/a.ts"}}"#;
    assert_eq!(read("deno.lock", redirected).1, ["https://x.example/a.ts (other-registry)"]);
}

#[test]
fn what_a_row_of_deno_needs_has_a_row() {
    let gaps = |needs: &str| {
        let text = format!(r#"{{"version":"5","npm":{{"a@1.0.0":{{{needs}}},"b@2.0.0_a@1.0.0":{{}}}}}}"#);
        Lockfile::read("deno.lock", text.as_bytes()).unwrap().gaps.len()
    };
    for list in ["dependencies", "optionalDependencies", "optionalPeers"] {
        assert_eq!(gaps(&format!(r#""{list}":["b","a@1.0.0","b@2.0.0_a@1.0.0"]"#)), 0, "{list}");
        for odd in ["c", "b@2.0.0", "b@3.0.0", "z@npm:c@1.0.0", "@s/b"] {
            assert_eq!(gaps(&format!(r#""{list}":["{odd}"]"#)), 1, "{list}: {odd}");
        }
    }
}

#[test]
fn what_an_import_map_loads_from_an_address_has_a_row() {
    let told = |imports: &str, remote: &str| {
        let project = tempfile::tempdir().unwrap();
        fs::write(project.path().join("deno.json"), format!(r#"{{"$schema":"https://x.example/s.json","imports":{{{imports}}}}}"#))
            .unwrap();
        let text = format!(r#"{{"version":"5"{remote}}}"#);
        Lockfile::read("deno.lock", text.as_bytes()).unwrap().differences(project.path()).len()
    };
    let (one, row) = (r#""h":"https://x.example/h.js""#, r#","remote":{"https://x.example/h.js":"ab"}"#);
    assert_eq!((told("", ""), told(one, row), told(r#""h/":"https://x.example/h/""#, "")), (0, 0, 0), "the control");
    assert_eq!(told(one, r#","redirects":{"https://x.example/h.js":"https://x.example/g.js"}"#), 0, "a redirect");
    assert_eq!((told(one, ""), told(r#""h":" HTTPS://x.example/h.js""#, row)), (1, 1));
}
