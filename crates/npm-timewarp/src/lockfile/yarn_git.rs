//! Dependencies on git repositories in yarn 1's lockfile, which goes straight to the host that an
//! entry names: they lead to the registry here, under the pattern that the changed package.json
//! has.

use std::collections::BTreeMap;

use super::split_name;
use super::yarn::unquoted;
use crate::git_dependency::is_one;
use crate::git_wanted::GitWanted;
use crate::ledger::Leads;

/// The file with such entries and dependencies led here, and the line that stood for each changed
/// one.
pub(super) fn lead(text: &str, leads: &Leads) -> (String, BTreeMap<String, String>) {
    note(text, leads);
    let mut out = String::with_capacity(text.len());
    let mut origins = BTreeMap::new();
    let mut entry = None;
    for whole in text.split_inclusive('\n') {
        let line = whole.trim_end_matches(['\r', '\n']);
        if let Some(key) = line.strip_suffix(':').filter(|key| !key.starts_with([' ', '#'])) {
            entry = patterns(key, leads);
        }
        let Some(changed) = changed(line, entry.as_ref(), leads) else {
            out.push_str(whole);
            continue;
        };
        // No digest of the archive at the host is one of what is served here.
        let Some(changed) = changed else { continue };
        out.push_str(&changed);
        out.push_str(whole.get(line.len()..).unwrap_or_default());
        origins.entry(changed).or_insert_with(|| line.to_owned());
    }
    (out, origins)
}

/// Notes the commit that each entry has for its patterns.
fn note(text: &str, leads: &Leads) {
    let mut key = "";
    for line in text.lines() {
        if let Some(patterns) = line.strip_suffix(':').filter(|line| !line.starts_with([' ', '#'])) {
            key = patterns;
        }
        let Some(resolved) = line.strip_prefix("  resolved ").map(unquoted) else { continue };
        for (name, wanted) in key.split(", ").filter_map(|pattern| split_name(unquoted(pattern))).filter(|(_, wanted)| is_one(wanted)) {
            if let Some(locked) = GitWanted::parse(name, resolved) {
                leads.note_exactly(wanted, locked);
            }
        }
    }
}

/// An entry for a repository.
struct Entry {
    key: String,
    address: String,
}

/// The key of an entry with its patterns for repositories led here; `None` if it has none.
fn patterns(key: &str, leads: &Leads) -> Option<Entry> {
    let led = |pattern: &str| {
        let (name, wanted) = split_name(unquoted(pattern))?;
        is_one(wanted).then(|| {
            let to = leads.to(name, wanted);
            (format!("\"{name}@{to}\""), to)
        })
    };
    let mut all: Vec<String> = Vec::new();
    let mut found = None;
    for pattern in key.split(", ") {
        let text = match led(pattern) {
            Some((text, address)) => {
                found = Some(address);
                text
            }
            None => pattern.to_owned(),
        };
        // Several ways to name a repository are one address here.
        if !all.contains(&text) {
            all.push(text);
        }
    }
    Some(Entry { key: all.join(", ") + ":", address: found? })
}

/// What a line becomes: `None` if it stays, nothing within if it goes.
#[expect(clippy::option_option, reason = "a line that stays and one that goes are not the same")]
fn changed(line: &str, entry: Option<&Entry>, leads: &Leads) -> Option<Option<String>> {
    if let Some(dependency) = line.strip_prefix("    ").filter(|rest| !rest.starts_with(' ')) {
        let (name, wanted) = match dependency.strip_prefix('"') {
            Some(rest) => rest.split_once("\" ")?,
            None => dependency.split_once(' ')?,
        };
        let key = dependency.strip_suffix(wanted)?;
        return is_one(unquoted(wanted)).then(|| Some(format!("    {key}\"{}\"", leads.to(name, unquoted(wanted)))));
    }
    let entry = entry?;
    if !line.starts_with([' ', '#']) {
        return line.ends_with(':').then(|| Some(entry.key.clone()));
    }
    match line.trim_start().split(' ').next()? {
        "resolved" => Some(Some(format!("  resolved \"{}\"", entry.address))),
        "integrity" => Some(None),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "http://127.0.0.1:4873/";
    const LOCK: &str = "# yarn lockfile v1\n\n\n\"@s/g@git+https://host.example/o/g.git#0123\":\n  version \"4.0.0\"\n  resolved \"git+https://host.example/o/g.git#0123\"\n\na@^1.0.0:\n  version \"1.0.0\"\n  resolved \"https://r.example/a/-/a-1.0.0.tgz#00\"\n  integrity sha512-x\n  dependencies:\n    \"@s/g\" \"git+https://host.example/o/g.git#0123\"\n    b \"^2.0.0\"\n    h o/h#v1\n\nh@github:o/h#v1, h@o/h#v1:\n  version \"2.0.0\"\n  resolved \"https://codeload.github.com/o/h/tar.gz/0123\"\n  integrity sha512-y\n  dependencies:\n    a \"^1.0.0\"\n";

    fn leads() -> Leads {
        Leads::new(BASE)
    }

    /// Where a dependency is led.
    fn to(name: &str, wanted: &str) -> String {
        leads().to(name, wanted)
    }

    #[test]
    fn entries_and_dependencies_of_repositories_are_led_here_and_nothing_else() {
        let (led, origins) = lead(LOCK, &leads());
        let expected = format!(
            "# yarn lockfile v1\n\n\n\"@s/g@{S}\":\n  version \"4.0.0\"\n  resolved \"{S}\"\n\na@^1.0.0:\n  version \"1.0.0\"\n  resolved \"https://r.example/a/-/a-1.0.0.tgz#00\"\n  integrity sha512-x\n  dependencies:\n    \"@s/g\" \"{S}\"\n    b \"^2.0.0\"\n    h \"{H}\"\n\n\"h@{H}\":\n  version \"2.0.0\"\n  resolved \"{H}\"\n  dependencies:\n    a \"^1.0.0\"\n",
            S = to("@s/g", "git+https://host.example/o/g.git#0123"),
            H = to("h", "o/h#0123")
        );
        assert_eq!(led, expected);
        assert_eq!(origins[&format!("    h \"{}\"", to("h", "o/h#0123"))], "    h o/h#v1");
        let (windows, _) = lead(&LOCK.replace('\n', "\r\n"), &leads());
        assert_eq!(windows, expected.replace('\n', "\r\n"));
    }

    #[test]
    fn a_lockfile_without_repositories_stays_as_it_is() {
        let lock = "# yarn lockfile v1\n\n\na@^1.0.0, a@^1.1.0:\n  version \"1.1.0\"\n  resolved \"https://r.example/a/-/a-1.1.0.tgz#00\"\n\n\"f@file:./o/n\":\n  version \"0.0.0\"\n";
        assert_eq!(lead(lock, &leads()), (lock.to_owned(), BTreeMap::new()));
        assert_eq!(lead("", &leads()), (String::new(), BTreeMap::new()));
    }
}
