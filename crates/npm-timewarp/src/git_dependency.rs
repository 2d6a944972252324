//! Dependencies on git repositories, and on archives of them. A build reaches no host but the
//! registry: they are led to it, which has what is in the repository, or, where that cannot be had,
//! an empty package.

use serde_json::Value;

use npm_spec::manifest::{LARGEST_LOCKFILE, read_up_to};

use super::git_wanted::GitWanted;
use super::ledger::Leads;

/// Members of package.json and of lockfiles that say what an installation fetches.
const FIELDS: [&str; 4] = ["dependencies", "devDependencies", "optionalDependencies", "requires"];
/// Members of package.json that replace what others ask for: npm's and pnpm's, and yarn's.
const OVERRIDES: [&str; 2] = ["overrides", "resolutions"];
/// How deep a lockfile is followed: the first version of it nests packages as `node_modules` does.
const DEPTH: u8 = 64;
/// Hosts that have a short form of their own (hosted-git-info 9).
const SHORT: [&str; 5] = ["github:", "gitlab:", "bitbucket:", "gist:", "sourcehut:"];
/// Hosts that are no registries: what is there is a repository, an archive of one, or built from
/// one.
const CODE_HOSTS: [&str; 9] = [
    "github.com",
    "gist.github.com",
    "codeload.github.com",
    "api.github.com",
    "raw.githubusercontent.com",
    "gitlab.com",
    "bitbucket.org",
    "git.sr.ht",
    "pkg.pr.new",
];

/// Whether a dependency is one on a git repository, after npm-package-arg 13: an address of one, or
/// `owner/name`.
pub(super) fn is_one(wanted: &str) -> bool {
    let is_word = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    match without_reference(wanted).split_once('/') {
        Some((owner, name)) if is_word(owner) && is_word(name) => !owner.starts_with('.'),
        _ => is_address(wanted),
    }
}

/// Whether it is an address of a repository: one of git's, a host's short form, a page or an
/// archive of a code host, or one whose path ends in `.git`. A lockfile has no others: there
/// `packages/name` is a folder.
pub(super) fn is_address(wanted: &str) -> bool {
    let path = without_reference(wanted);
    let host = ["https://", "http://"].iter().find_map(|scheme| path.strip_prefix(scheme)?.split('/').next());
    ["git+", "git:", "git@", "ssh:"].iter().chain(&SHORT).any(|start| path.starts_with(start))
        || path.strip_suffix(".git").is_some_and(|path| !path.is_empty())
        || host.is_some_and(|host| CODE_HOSTS.contains(&host))
}

fn without_reference(wanted: &str) -> &str {
    let wanted = wanted.trim();
    wanted.split_once('#').map_or(wanted, |(before, _)| before)
}

/// A package.json, or a lockfile of npm's, whose dependencies on git repositories lead to the
/// registry here; none if it has none. Both have to be changed: npm holds the one against the
/// other. For the installation only: the caller puts the original back.
pub fn without_git(document: &[u8], leads: &Leads) -> Option<Vec<u8>> {
    let mut document: Value = read_up_to(document, LARGEST_LOCKFILE)?;
    lead(&mut document, "", leads, DEPTH).then(|| serde_json::to_vec_pretty(&document).unwrap_or_default())
}

/// Notes the commits that a lockfile of npm's has for dependencies on repositories, so that what
/// others say of the same ones leads there too.
pub fn note_npm_lock(document: &[u8], leads: &Leads) {
    if let Some(document) = read_up_to::<Value>(document, LARGEST_LOCKFILE) {
        note(&document, "", leads, DEPTH);
    }
}

fn note(value: &Value, key: &str, leads: &Leads, depth: u8) {
    let (Some(members), Some(depth)) = (value.as_object(), depth.checked_sub(1)) else { return };
    for place in PLACES {
        let address = members.get(place).and_then(Value::as_str).filter(|address| is_address(address));
        if let Some(locked) = address.and_then(|address| GitWanted::parse(name_at(key), address)) {
            leads.note(locked);
        }
    }
    for (name, value) in members.iter().filter(|(name, _)| !FIELDS.contains(&name.as_str()) || *name == "dependencies") {
        note(value, name, leads, depth);
    }
}

/// Where a package of a lockfile says what it is: `resolved` since npm 7, `version` before.
const PLACES: [&str; 2] = ["resolved", "version"];

/// The name of a package of a lockfile: what stands behind the last `node_modules`.
fn name_at(key: &str) -> &str {
    key.rsplit("node_modules/").next().unwrap_or(key)
}

/// The sections of a workspace's settings in YAML that say what others install.
const SECTIONS: [&str; 3] = ["catalog", "catalogs", "overrides"];

/// The same for `pnpm-workspace.yaml` and `.yarnrc.yml`, line by line: all else stays as it is
/// written.
pub fn settings_without_git(document: &[u8], leads: &Leads) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(document).ok()?;
    let mut within = false;
    let mut changed = false;
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if !line.starts_with([' ', '\t', '#', '\r', '\n']) {
            within = line.split(':').next().is_some_and(|section| SECTIONS.contains(&unquoted(section)));
        }
        match entry(line).filter(|(_, wanted)| within && is_one(wanted)) {
            Some((name, wanted)) => {
                changed = true;
                // The key may have the value's text in it.
                let (key, value) = line.split_at(line.find(": ").map_or(0, |at| at + 2));
                out.push_str(key);
                out.push_str(&value.replacen(wanted, &leads.to(overridden(name), wanted), 1));
            }
            None => out.push_str(line),
        }
    }
    changed.then(|| out.into_bytes())
}

/// The key and the value of a line below a section.
fn entry(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.trim().split_once(": ")?;
    let value = value.split(" #").next().unwrap_or(value);
    line.starts_with(' ').then(|| (unquoted(key), unquoted(value)))
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches(['"', '\''])
}

/// Leads what stands in `value`, which has the name `key`; whether anything changed.
fn lead(value: &mut Value, key: &str, leads: &Leads, depth: u8) -> bool {
    let (Some(members), Some(depth)) = (value.as_object_mut(), depth.checked_sub(1)) else { return false };
    let mut changed = false;
    let name = name_at(key).to_owned();
    for place in PLACES {
        let address = members.get(place).and_then(Value::as_str).filter(|address| !name.is_empty() && is_address(address));
        if let Some(to) = address.map(|address| leads.to(&name, address)) {
            members.insert(place.to_owned(), Value::from(to));
            members.retain(|member, _| member != "from" && member != "integrity");
            changed = true;
        }
    }
    for (name, value) in members {
        if FIELDS.contains(&name.as_str()) {
            for (name, wanted) in value.as_object_mut().into_iter().flatten() {
                if let Some(to) = wanted.as_str().filter(|wanted| is_one(wanted)).map(|text| leads.to(name, text)) {
                    *wanted = Value::from(to);
                    changed = true;
                }
            }
        }
        changed |=
            if OVERRIDES.contains(&name.as_str()) { lead_overrides(value, name, leads, depth) } else { lead(value, name, leads, depth) };
    }
    changed
}

/// Leads overrides, which stand under the key `within`; whether anything changed.
fn lead_overrides(value: &mut Value, within: &str, leads: &Leads, depth: u8) -> bool {
    let (Some(members), Some(depth)) = (value.as_object_mut(), depth.checked_sub(1)) else { return false };
    let mut changed = false;
    for (key, wanted) in members {
        // npm's `.` is the package itself that others' overrides stand around.
        let key = if key == "." { within } else { key };
        if let Some(to) = wanted.as_str().filter(|wanted| is_one(wanted)).map(|text| leads.to(overridden(key), text)) {
            *wanted = Value::from(to);
            changed = true;
        }
        changed |= lead_overrides(wanted, key, leads, depth);
    }
    changed
}

/// The name of the package that an override is for, which may stand with a range (`a@>=1`), and
/// behind the way to it: `x@1>a` is pnpm's, `x/a` and `**/a` are yarn's.
fn overridden(key: &str) -> &str {
    // A `>` of a range stands behind `@`, `|` or a space.
    let mut way = key.char_indices().filter(|(at, c)| *c == '>' && !key.get(..*at).is_some_and(|before| before.ends_with(['@', '|', ' '])));
    let last = way.next_back().and_then(|(at, _)| key.get(at + 1..)).unwrap_or(key);
    let (before, name) = last.rsplit_once('/').map_or(("", last), |(before, name)| (before, name));
    let scope = before.rsplit('/').next().filter(|scope| scope.starts_with('@'));
    let last = match scope {
        Some(scope) => last.get(before.len() - scope.len()..).unwrap_or(last),
        None => name,
    };
    let at = last.get(1..).and_then(|rest| rest.find('@')).map_or(last.len(), |at| at + 1);
    last.get(..at).unwrap_or(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leads() -> Leads {
        Leads::new("http://r/")
    }

    /// Where a dependency is led.
    fn to(name: &str, wanted: &str) -> String {
        leads().to(name, wanted)
    }

    #[test]
    fn dependencies_on_repositories_are_told_from_others() {
        for one in [
            "owner/name",
            "owner/name#v1",
            "github:o/n#semver:^1",
            "git+https://host.example/o/n.git#abc",
            "git://github.com/o/n",
            "git@github.com:o/n.git",
            "git+ssh://git@github.com/o/n.git",
            "https://github.com/o/n",
            "https://host.example/n.git#main",
            "gist:11081aaa281",
            "https://github.com/o/n/archive/v1.tar.gz",
            "https://codeload.github.com/o/n/tar.gz/0123abc",
            "https://pkg.pr.new/o/n@123",
        ] {
            assert!(is_one(one), "{one}");
        }
        for other in [
            "^1.0.0",
            "1.x || >=2",
            "latest",
            "*",
            "",
            "./folder",
            "../o/n",
            "file:../n",
            "npm:@s/n@^1",
            "workspace:*",
            "https://host.example/n.tgz",
            "@s/n",
            "a/b/c",
        ] {
            assert!(!is_one(other), "{other}");
        }
    }

    #[test]
    fn a_manifest_is_led_here_where_it_has_one() {
        let changed = without_git(br#"{"dependencies":{"a":"^1"},"devDependencies":{"@s/b":"o/b#1"}}"#, &leads()).unwrap();
        let changed: Value = serde_json::from_slice(&changed).unwrap();
        assert_eq!(changed["dependencies"]["a"], "^1");
        assert_eq!(changed["devDependencies"]["@s/b"], to("@s/b", "o/b#1"));
        assert!(without_git(br#"{"dependencies":{"a":"^1"}}"#, &leads()).is_none());
        assert!(without_git(b"[]", &leads()).is_none());
    }

    #[test]
    fn an_override_is_for_the_last_package_of_its_key() {
        for (key, name) in [
            ("a", "a"),
            ("a@>=1.0.0", "a"),
            ("x@1>a@>=2", "a"),
            ("x@^1 || >2>@s/a@3", "@s/a"),
            ("d/e", "e"),
            ("@s/p", "@s/p"),
            ("@s/p/e", "e"),
            ("d/@s/p", "@s/p"),
            ("a@npm:^1/b", "b"),
            ("**/@s/c", "@s/c"),
            ("", ""),
        ] {
            assert_eq!(overridden(key), name, "{key}");
        }
    }

    #[test]
    fn overrides_are_led_here_under_the_name_that_they_are_for() {
        let changed = without_git(
            br#"{"overrides":{"a":{".":"github:o/a","b@^2":"github:o/b"}},"resolutions":{"**/@s/c":"o/c","d":"^1"},"pnpm":{"overrides":{"x>e":"o/e"}}}"#,
            &leads(),
        );
        let changed: Value = serde_json::from_slice(&changed.unwrap()).unwrap();
        assert_eq!(changed["overrides"], serde_json::json!({"a":{".":to("a", "o/a"),"b@^2":to("b", "o/b")}}));
        assert_eq!(changed["resolutions"], serde_json::json!({"**/@s/c":to("@s/c", "o/c"),"d":"^1"}));
        assert_eq!(changed["pnpm"]["overrides"]["x>e"], to("e", "o/e"));
    }

    #[test]
    fn catalogs_of_a_workspace_are_led_here() {
        let text = "packages:\n  - packages/*\ncatalog:\n  a: ^1\n  \"@o/b\": o/b\n  \"@s/b\": 'github:o/b#1' # why\n\ncatalogs:\n  old:\n    c: git+https://host.example/c.git#x\npatchedDependencies:\n  d@1: patches/d.patch\n";
        let changed = String::from_utf8(settings_without_git(text.as_bytes(), &leads()).unwrap()).unwrap();
        let expected = text
            .replace("\": o/b\n", &format!("\": {}\n", to("@o/b", "o/b")))
            .replace("github:o/b#1", &to("@s/b", "o/b#1"))
            .replace("git+https://host.example/c.git#x", &to("c", "git+https://host.example/c.git#x"));
        assert_eq!(changed, expected);
        assert!(settings_without_git(b"catalog:\n  a: ^1\nx:\n  b: o/b\n", &leads()).is_none());
    }

    #[test]
    fn a_folder_of_the_workspace_is_no_repository() {
        let lockfile = r#"{"packages":{"node_modules/a":{"resolved":"packages/a","link":true},"packages/a":{"version":"1.0.0"}}}"#;
        assert!(without_git(lockfile.as_bytes(), &leads()).is_none());
    }

    #[test]
    fn a_lockfile_of_either_form_is_led_here_too() {
        let lead = |text: &str| serde_json::from_slice::<Value>(&without_git(text.as_bytes(), &leads()).unwrap()).unwrap();
        let new = lead(
            r#"{"packages":{"":{"dependencies":{"a":"o/a"}},"node_modules/x/node_modules/@s/a":{"version":"1.0.0","resolved":"git+ssh://git@github.com/o/a.git#1","integrity":"sha512-x"}}}"#,
        );
        assert_eq!(new["packages"][""]["dependencies"]["a"], to("a", "o/a"));
        assert_eq!(
            new["packages"]["node_modules/x/node_modules/@s/a"],
            serde_json::json!({"version":"1.0.0","resolved":to("@s/a", "o/a#1")})
        );
        let old = lead(
            r#"{"dependencies":{"x":{"version":"1.0.0","requires":{"a":"github:o/a"},"dependencies":{"a":{"version":"github:o/a#1","from":"github:o/a"}}}}}"#,
        );
        let x = &old["dependencies"]["x"];
        assert_eq!((&x["requires"]["a"], &x["version"]), (&Value::from(to("a", "o/a")), &Value::from("1.0.0")));
        assert_eq!(x["dependencies"]["a"], serde_json::json!({"version":to("a", "o/a#1")}));
    }
}
