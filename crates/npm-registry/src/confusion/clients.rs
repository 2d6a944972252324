//! What clients make of a package.json when they publish it. Each rule names who does it; where
//! clients of different times do different things, both are accepted.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// An object's entries as comparable texts. What npm writes as an object may be a list or a text in
/// package.json (normalize-package-data `objectifyDeps`, npm 1 to 11).
pub(super) fn entries(field: Option<&Value>) -> BTreeMap<String, Word> {
    match field {
        Some(Value::Object(map)) => map.iter().map(|(name, value)| (name.clone(), Word::read(value))).collect(),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).filter_map(named).collect(),
        Some(Value::String(text)) => {
            text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty()).filter_map(named).collect()
        }
        _ => BTreeMap::new(),
    }
}

/// `name@range`, `name >=1`: the name ends where one of `@ > < =` or white space stands. That it
/// makes nothing useful of a scope is npm's own way.
fn named(text: &str) -> Option<(String, Word)> {
    let text = text.trim();
    let end = text.find(|c: char| c.is_whitespace() || "@><=".contains(c)).unwrap_or(text.len());
    let (name, range) = text.split_at_checked(end)?;
    let range = range.strip_prefix('@').unwrap_or(range).trim();
    Some((name.to_owned(), Word::Text(range.to_owned())))
}

/// A value where a text belongs. A text that reads like the JSON of something else is not the same:
/// no installer takes one for the other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Word {
    /// A text without white space around it: npm trims (normalize-package-data, `semver` reads both
    /// alike).
    Text(String),
    /// Anything else, as JSON. npm leaves it out of dependencies when it publishes
    /// (normalize-package-data `fixDependencies`), yarn 1 does not.
    Odd(String),
}

impl Word {
    /// Reads a value.
    pub(super) fn read(value: &Value) -> Self {
        value.as_str().map_or_else(|| Self::Odd(value.to_string()), |text| Self::Text(text.trim().to_owned()))
    }

    /// As it is shown.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Odd(text) => text,
        }
    }

    /// Whether the registry's word leads to the same as the package's `own`. npm writes addresses
    /// on known git hosts in its own way (hosted-git-info `toString`): which one has changed
    /// between its versions. None writes the address of a web page.
    pub(super) fn same(&self, own: &Self) -> bool {
        let (Self::Text(one), Self::Text(two)) = (self, own) else { return self == own };
        let place = hosted(one).filter(|_| !is_page(one));
        one == two || (place.is_some() && place == hosted(two))
    }
}

/// Whether an address of a git host is not that of a repository: clients take such a one for a
/// tarball.
fn is_page(text: &str) -> bool {
    let place = text.split('#').next().unwrap_or(text);
    (place.starts_with("https://") || place.starts_with("http://")) && place.strip_suffix(".git").is_none()
}

/// A repository on a git host that has a short form: host, path and commit. `None` for anything
/// else, addresses with credentials among it.
pub(super) fn hosted(text: &str) -> Option<(&'static str, String, Option<&str>)> {
    const HOSTS: [(&str, &str); 4] =
        [("github", "github.com"), ("gitlab", "gitlab.com"), ("bitbucket", "bitbucket.org"), ("gist", "gist.github.com")];
    let (place, commit) = text.split_once('#').map_or((text, None), |(place, commit)| (place, Some(commit)));
    let in_host = |host: &'static str, path: &str| {
        let path = path.trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        let parts = path.split('/').count();
        let plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte));
        (plain && !path.is_empty() && (parts == 2 || (host == "gist" && parts == 1))).then(|| (host, path.to_ascii_lowercase(), commit))
    };
    for (short, domain) in HOSTS {
        if let Some(path) = place.strip_prefix(short).and_then(|rest| rest.strip_prefix(':')) {
            return in_host(short, path);
        }
        for scheme in ["git+https://", "git+ssh://", "git+ssh://git@", "git+http://", "git://", "https://", "http://", "ssh://git@", "git@"]
        {
            let Some(rest) = place.strip_prefix(scheme).and_then(|rest| rest.strip_prefix(domain)) else { continue };
            if let Some(path) = rest.strip_prefix(['/', ':']) {
                return in_host(short, path);
            }
        }
    }
    let short = !place.starts_with(['.', '~', '@', '/']) && !place.contains([':', ' ']) && place.matches('/').count() == 1;
    if short { in_host("github", place) } else { None }
}

/// The names that are bundled. `true` is all dependencies (npm 6 to 11); an object counts by its
/// keys (npm 9 to 11).
pub(super) fn bundled(field: &Value, manifest: &Value) -> BTreeSet<Word> {
    match field {
        Value::Bool(true) => entries(manifest.get("dependencies")).into_keys().map(Word::Text).collect(),
        Value::Array(list) => list.iter().map(Word::read).filter(|name| !name.text().is_empty()).collect(),
        Value::Object(map) => map.keys().cloned().map(Word::Text).collect(),
        Value::Null | Value::Bool(false) => BTreeSet::new(),
        odd => BTreeSet::from([Word::read(odd)]),
    }
}

/// Commands as they stand. A single path is the command of the package's own name, without the
/// scope; a list names its commands by their files (npm-normalize-package-bin, npm 6 to 11).
pub(super) fn commands(manifest: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), |path| without_dot(path).to_owned());
    match manifest.get("bin") {
        Some(Value::String(path)) if !path.is_empty() => {
            let name = manifest.get("name").and_then(Value::as_str).unwrap_or_default().trim();
            vec![(base(name).to_owned(), without_dot(path).to_owned())]
        }
        Some(Value::Array(list)) => list.iter().map(|one| (base(&text(one)).to_owned(), text(one))).collect(),
        Some(Value::Object(map)) => map.iter().map(|(name, path)| (name.clone(), text(path))).collect(),
        Some(Value::Null | Value::Bool(false) | Value::String(_)) | None => Vec::new(),
        Some(odd) => vec![(String::new(), odd.to_string())],
    }
}

/// A command as npm 6 to 11 publish it: the name is the last part, the path cannot leave the
/// package. `None` where they leave it out.
pub(super) fn published_command(name: &str, path: &str) -> Option<(String, String)> {
    let (name, path) = (name.replace(['\\', ':'], "/"), inner(path));
    let name = base(name.trim_end_matches('/'));
    (!matches!(name, "" | "." | "..") && !path.is_empty()).then(|| (name.to_owned(), path))
}

/// A path as it is below the package's folder: `join('/', path)` of Node, without the leading
/// slash.
pub(super) fn inner(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The same file for all clients, with or without it.
fn without_dot(path: &str) -> &str {
    path.strip_prefix("./").unwrap_or(path)
}

/// What stands after the last slash.
pub(super) fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether yarn 1 publishes such a command (`normalize-manifest/fix`): its name is one, and its
/// path stays inside the package.
pub(super) fn kept_by_yarn(name: &str, path: &str) -> bool {
    !name.contains(['/', '\\']) && !path.starts_with('/') && !path.split(['/', '\\']).any(|part| part == "..")
}

/// What a version of Node that is demanded by a text or a list becomes: npm before 1.1 takes a text
/// to be about Node, yarn 1 splits what a list has (`normalize-manifest/fix`).
pub(super) fn demands(engines: &Value) -> Vec<BTreeMap<String, Word>> {
    let split = |text: &str| {
        let (name, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        (name.to_owned(), Word::Text(rest.trim().to_owned()))
    };
    match engines {
        Value::String(text) => vec![BTreeMap::from([("node".to_owned(), Word::Text(text.trim().to_owned()))])],
        Value::Array(list) => vec![list.iter().filter_map(Value::as_str).map(split).collect()],
        _ => Vec::new(),
    }
}

/// A script as npm publishes it: without the folder that is in its path anyway (read-package-json
/// `scriptpath`, npm 1 to 11).
pub(super) fn published_script(command: &str) -> &str {
    let rest = command.strip_prefix("./").or_else(|| command.strip_prefix(".\\")).unwrap_or(command);
    let below = |rest: &'_ str, slash: char| rest.strip_prefix("node_modules").is_some_and(|rest| rest.starts_with(slash));
    if !below(rest, '/') && !below(rest, '\\') {
        return command;
    }
    let after = rest.get("node_modules/".len()..).and_then(|rest| rest.strip_prefix(".bin"));
    after.and_then(|rest| rest.strip_prefix(['/', '\\'])).unwrap_or(command)
}
