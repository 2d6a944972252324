//! Dependencies on git repositories in the lockfiles of pnpm, of yarn 2 and later, and of bun.
//! Where such a client goes for a package stands in one place of them, so that nothing else is
//! changed, and no package.json: the file still says what the manifests say.

use npm_spec::manifest::{LARGEST_PACKED, read_up_to};

use super::split_name;
use super::yarn::{is_berry, unquoted};
use crate::git_dependency::is_address;
use crate::git_wanted::GitWanted;
use crate::ledger::Leads;

/// A pnpm-lock.yaml whose repositories are led here; none where it has none. pnpm writes a
/// resolution in one line since its lockfile 5.3; what looks otherwise stays.
pub fn lead_pnpm(bytes: &[u8], leads: &Leads) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut out = String::with_capacity(text.len());
    let mut entry: Vec<&str> = Vec::new();
    for line in text.split_inclusive('\n').chain([""]) {
        let goes_on = line.starts_with("    ") || line.trim().is_empty() && !line.is_empty();
        if !goes_on {
            pnpm_entry(&entry, leads, &mut out);
            entry.clear();
        }
        entry.push(line);
    }
    out.extend(entry);
    (out != text).then(|| out.into_bytes())
}

/// Adds the lines of one entry, whose first line is its key.
fn pnpm_entry(lines: &[&str], leads: &Leads, out: &mut String) {
    let named = lines.iter().find_map(|line| line.strip_prefix("    name: ")).map(yaml_word);
    let keyed = || lines.first().and_then(|key| split_name(yaml_word(key.trim().trim_end_matches(':')))).map(|(name, _)| name.to_owned());
    let name = named.map(str::to_owned).or_else(keyed);
    for line in lines {
        let led = name.as_deref().and_then(|name| pnpm_resolution(name, line)).map(|wanted| leads.to_locked(wanted));
        match led {
            Some(to) => {
                let end = line.get(line.trim_end_matches(['\r', '\n']).len()..).unwrap_or_default();
                out.extend(["    resolution: {tarball: ", &to, "}", end]);
            }
            None => out.push_str(line),
        }
    }
}

/// What a resolution of pnpm's asks of a repository.
fn pnpm_resolution(name: &str, line: &str) -> Option<GitWanted> {
    let members = line.strip_prefix("    resolution: {")?.trim_end().strip_suffix('}')?;
    let member = |wanted: &str| members.split(", ").find_map(|member| member.strip_prefix(wanted)?.strip_prefix(": ").map(yaml_word));
    let directory = member("path").unwrap_or_default();
    if let (Some(repository), Some(commit)) = (member("repo"), member("commit")) {
        return GitWanted::at(name, repository, commit, directory);
    }
    let tarball = member("tarball").filter(|tarball| is_address(tarball))?;
    let mut wanted = GitWanted::parse(name, tarball)?;
    if !directory.is_empty() {
        wanted.directory = GitWanted::at(name, &wanted.repository, "", directory)?.directory;
    }
    Some(wanted)
}

fn yaml_word(text: &str) -> &str {
    text.trim().trim_matches(['"', '\''])
}

/// A lockfile of yarn 2 or later whose repositories are led here; none where it has none.
pub fn lead_berry(bytes: &[u8], leads: &Leads) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| is_berry(text))?;
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let led = line.strip_prefix("  resolution: ").and_then(|resolution| {
            let (name, reference) = split_name(unquoted(resolution))?;
            let wanted = GitWanted::parse(name, reference).filter(|_| is_address(reference))?;
            Some(format!("  resolution: \"{name}@{}\"", leads.to_locked(wanted)))
        });
        match led {
            Some(led) => {
                out.push_str(&led);
                out.push_str(line.get(line.trim_end_matches(['\r', '\n']).len()..).unwrap_or_default());
            }
            None => out.push_str(line),
        }
    }
    (out != text).then(|| out.into_bytes())
}

/// A bun.lock whose repositories are led here; none where it has none. bun writes one package a
/// line; what looks otherwise stays.
pub fn lead_bun(bytes: &[u8], leads: &Leads) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let lines = text.split_inclusive('\n').map(|line| bun_line(line, leads).unwrap_or_else(|| line.to_owned()));
    let out: String = lines.collect();
    (out != text).then(|| out.into_bytes())
}

/// `    "key": ["name@address", {…}, …` with the address here, if it is one of a repository.
fn bun_line(line: &str, leads: &Leads) -> Option<String> {
    let bare = line.trim_end_matches(['\r', '\n']);
    let (key, list) = bare.split_once(": [").filter(|(key, _)| key.starts_with("    \""))?;
    let (list, comma) = list.strip_suffix(',').map_or((list, ""), |list| (list, ","));
    let members: Vec<serde_json::Value> = read_up_to(format!("[{list}").as_bytes(), LARGEST_PACKED)?;
    let (name, address) = split_name(members.first()?.as_str()?)?;
    let wanted = GitWanted::parse(name, address).filter(|_| is_address(address))?;
    let package = serde_json::Value::from(format!("{name}@{}", leads.to_locked(wanted)));
    let needs = members.get(1).filter(|needs| needs.is_object())?;
    Some(format!("{key}: [{package}, {needs}]{comma}{}", line.get(bare.len()..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn leads() -> Leads {
        Leads::new("http://127.0.0.1:1/")
    }

    fn to(name: &str, wanted: &str) -> String {
        leads().to(name, wanted)
    }

    #[test]
    fn every_resolution_of_pnpm_that_is_a_repository_is_led_here() {
        let text = format!(
            "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      a:\n        specifier: github:o/a#v1\n        version: https://codeload.github.com/o/a/tar.gz/{COMMIT}\n\npackages:\n\n  a@https://codeload.github.com/o/a/tar.gz/{COMMIT}:\n    resolution: {{tarball: https://codeload.github.com/o/a/tar.gz/{COMMIT}}}\n    version: 1.0.0\n\n  b@1.0.0:\n    resolution: {{integrity: sha512-x}}\n\n  '@s/c@git+https://host.example/c.git#{COMMIT}':\n    resolution: {{commit: {COMMIT}, repo: https://host.example/c.git, type: git}}\n    version: 2.0.0\n\n  d@https://codeload.github.com/o/m/tar.gz/{COMMIT}#path:/p/d:\n    resolution: {{path: /p/d, tarball: https://codeload.github.com/o/m/tar.gz/{COMMIT}}}\n\n  t@https://host.example/t.tgz:\n    resolution: {{tarball: https://host.example/t.tgz}}\n"
        );
        let led = String::from_utf8(lead_pnpm(text.as_bytes(), &leads()).unwrap()).unwrap();
        let tarball = |of: String| format!("{{tarball: {of}}}");
        let expected = text
            .replace(
                &format!("{{path: /p/d, tarball: https://codeload.github.com/o/m/tar.gz/{COMMIT}}}"),
                &tarball(to("d", &format!("o/m#{COMMIT}&path:p/d"))),
            )
            .replace(&format!("{{tarball: https://codeload.github.com/o/a/tar.gz/{COMMIT}}}"), &tarball(to("a", &format!("o/a#{COMMIT}"))))
            .replace(
                &format!("{{commit: {COMMIT}, repo: https://host.example/c.git, type: git}}"),
                &tarball(to("@s/c", &format!("git+https://host.example/c.git#{COMMIT}"))),
            );
        assert_eq!(led, expected);
        let old = format!(
            "lockfileVersion: '6.0'\n\npackages:\n\n  github.com/o/a/{COMMIT}:\n    resolution: {{tarball: https://codeload.github.com/o/a/tar.gz/{COMMIT}}}\n    name: '@s/a'\n    version: 1.0.0\n    dev: true\n"
        );
        let led = String::from_utf8(lead_pnpm(old.as_bytes(), &leads()).unwrap()).unwrap();
        assert!(led.contains(&format!("    resolution: {}\n    name: '@s/a'\n", tarball(to("@s/a", &format!("o/a#{COMMIT}"))))), "{led}");
        assert_eq!(
            lead_pnpm(b"lockfileVersion: '9.0'\n\npackages:\n\n  b@1.0.0:\n    resolution: {integrity: sha512-x}\n", &leads()),
            None
        );
    }

    #[test]
    fn a_resolution_of_yarn_2_and_later_is_led_here() {
        let text = format!(
            "__metadata:\n  version: 8\n\n\"@s/a@github:o/a#v1\":\n  version: 1.0.0\n  resolution: \"@s/a@https://github.com/o/a.git#commit={COMMIT}\"\n  checksum: 10/00\n  languageName: node\n  linkType: hard\n\n\"b@npm:^1\":\n  version: 1.0.0\n  resolution: \"b@npm:1.0.0\"\n"
        );
        let led = String::from_utf8(lead_berry(text.as_bytes(), &leads()).unwrap()).unwrap();
        assert_eq!(led, text.replace(&format!("https://github.com/o/a.git#commit={COMMIT}"), &to("@s/a", &format!("o/a#{COMMIT}"))));
        assert_eq!(lead_berry(b"# yarn lockfile v1\n", &leads()), None);
    }

    #[test]
    fn a_package_of_bun_is_led_here() {
        let line = |package: &str, more: &str| format!("    \"a\": [\"a@{package}\", {{\"bin\":\"x.js\"}}{more}],\n");
        let text = format!("{{\n{}{}", line("github:o/a#0123456", ", \"o-a-0123456\", \"sha512-x\""), line("1.0.0", ""));
        let led = String::from_utf8(lead_bun(text.as_bytes(), &leads()).unwrap()).unwrap();
        assert_eq!(led, format!("{{\n{}{}", line(&to("a", "o/a#0123456"), ""), line("1.0.0", "")));
        assert_eq!(lead_bun(led.as_bytes(), &leads()), None);
    }

    #[test]
    fn what_a_lockfile_names_stands_for_the_manifest_too() {
        let leads = leads();
        let text = format!(
            "packages:\n\n  a@https://codeload.github.com/o/a/tar.gz/{COMMIT}:\n    resolution: {{tarball: https://codeload.github.com/o/a/tar.gz/{COMMIT}}}\n"
        );
        lead_pnpm(text.as_bytes(), &leads).unwrap();
        assert_eq!(leads.to("a", "github:o/a#main"), leads.to("a", &format!("o/a#{COMMIT}")));
    }
}
