//! Dependencies on git repositories in yarn 1's lockfile, which goes straight to the host that an
//! entry names: they lead to the registry here, under the pattern that the changed package.json
//! has.

use std::collections::BTreeMap;

use super::split_name;
use super::yarn::unquoted;
use crate::git_dependency::{address, is_one};

/// The file with such entries and dependencies led to `base`, and the line that stood for each
/// changed one.
pub(super) fn lead(text: &str, base: &str) -> (String, BTreeMap<String, String>) {
    let mut out = String::with_capacity(text.len());
    let mut origins = BTreeMap::new();
    let mut entry = None;
    for whole in text.split_inclusive('\n') {
        let line = whole.trim_end_matches(['\r', '\n']);
        if let Some(key) = line.strip_suffix(':').filter(|key| !key.starts_with([' ', '#'])) {
            entry = patterns(key, base);
        }
        let Some(changed) = changed(line, entry.as_ref(), base) else {
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

/// An entry for a repository.
struct Entry {
    key: String,
    address: String,
}

/// The key of an entry with its patterns for repositories led to `base`; `None` if it has none.
fn patterns(key: &str, base: &str) -> Option<Entry> {
    let led = |pattern: &str| {
        let (name, wanted) = split_name(unquoted(pattern))?;
        is_one(wanted).then(|| (format!("\"{name}@{}\"", address(base, name)), address(base, name)))
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
fn changed(line: &str, entry: Option<&Entry>, base: &str) -> Option<Option<String>> {
    if let Some(dependency) = line.strip_prefix("    ").filter(|rest| !rest.starts_with(' ')) {
        let (name, wanted) = match dependency.strip_prefix('"') {
            Some(rest) => rest.split_once("\" ")?,
            None => dependency.split_once(' ')?,
        };
        let key = dependency.strip_suffix(wanted)?;
        return is_one(unquoted(wanted)).then(|| Some(format!("    {key}\"{}\"", address(base, name))));
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

    #[test]
    fn entries_and_dependencies_of_repositories_are_led_here_and_nothing_else() {
        let (led, origins) = lead(LOCK, BASE);
        let expected = "# yarn lockfile v1\n\n\n\"@s/g@http://127.0.0.1:4873/-/git/@s/g.tgz\":\n  version \"4.0.0\"\n  resolved \"http://127.0.0.1:4873/-/git/@s/g.tgz\"\n\na@^1.0.0:\n  version \"1.0.0\"\n  resolved \"https://r.example/a/-/a-1.0.0.tgz#00\"\n  integrity sha512-x\n  dependencies:\n    \"@s/g\" \"http://127.0.0.1:4873/-/git/@s/g.tgz\"\n    b \"^2.0.0\"\n    h \"http://127.0.0.1:4873/-/git/h.tgz\"\n\n\"h@http://127.0.0.1:4873/-/git/h.tgz\":\n  version \"2.0.0\"\n  resolved \"http://127.0.0.1:4873/-/git/h.tgz\"\n  dependencies:\n    a \"^1.0.0\"\n";
        assert_eq!(led, expected);
        assert_eq!(origins["    h \"http://127.0.0.1:4873/-/git/h.tgz\""], "    h o/h#v1");
        let (windows, _) = lead(&LOCK.replace('\n', "\r\n"), BASE);
        assert_eq!(windows, expected.replace('\n', "\r\n"));
    }

    #[test]
    fn a_lockfile_without_repositories_stays_as_it_is() {
        let lock = "# yarn lockfile v1\n\n\na@^1.0.0, a@^1.1.0:\n  version \"1.1.0\"\n  resolved \"https://r.example/a/-/a-1.1.0.tgz#00\"\n\n\"f@file:./o/n\":\n  version \"0.0.0\"\n";
        assert_eq!(lead(lock, BASE), (lock.to_owned(), BTreeMap::new()));
        assert_eq!(lead("", BASE), (String::new(), BTreeMap::new()));
    }
}
