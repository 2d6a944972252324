//! What an entry says of the package itself: its commands and what it needs. A client goes by it
//! and does not ask the package.

use std::collections::BTreeMap;

use jsonc_parser::ast::{Object, Value};
use npm_spec::version;

use super::pnpm::Changes;
use super::{address, json};

/// In place of the name of a command: each file of a folder is one.
pub const ALL: &str = "*";

/// What an entry says of its package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stated {
    /// Its commands, each with its file; `None` where the format does not tell.
    pub commands: Option<BTreeMap<String, String>>,
    /// What it needs, by name, where a client can come to ask the registry for what is not told;
    /// else `None`.
    pub needs: Option<BTreeMap<String, Needed>>,
    /// What it brings with it, and its peers, the format does not count among what it needs.
    pub lacks_brought: bool,
    /// Its peers, where the format tells them by themselves. What it says to be optional counts
    /// where it is there all the same.
    pub peers: Option<BTreeMap<String, Needed>>,
    /// What the settings of the project change of all that.
    pub changes: Option<Changes>,
}

/// How an entry tells of what a package needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Needed {
    /// By its name alone.
    Named,
    /// By the range that the package asks for.
    Range(String),
    /// By the versions that were found; those of a package of another name as `npm:name@1.0.0`.
    Versions(Vec<String>),
}

impl Needed {
    /// Whether this is what a package asks for by a name and a range.
    pub fn is(&self, name: &str, range: &str) -> bool {
        let bare = |range: &str| range.strip_prefix("npm:").unwrap_or(range).trim().to_owned();
        match self {
            Self::Named => true,
            Self::Range(own) => bare(own) == bare(range),
            Self::Versions(_) if address::kind(range).is_some() => true,
            Self::Versions(all) => {
                let (real, wanted) = behind(name, range);
                let wanted = version::VersionRange::parse(wanted);
                all.iter().map(|own| behind(name, own)).all(|(own, locked)| {
                    let pair = wanted.as_ref().zip(version::parse(locked));
                    own == real && pair.is_none_or(|(wanted, locked)| wanted.contains(&locked))
                })
            }
        }
    }
}

/// The package that a name and a range or a version stand for, with the latter: of `npm:a@1` the
/// `a` and the `1`.
fn behind<'n>(name: &'n str, range: &'n str) -> (&'n str, &'n str) {
    range.strip_prefix("npm:").map_or((name, range), |real| address::split_name(real).unwrap_or((real, "*")))
}

/// Whether a need in a range is among those that are told, with what the project changes of it.
pub(crate) fn has(needs: &BTreeMap<String, Needed>, changes: Option<&Changes>, (name, range): (&str, &str)) -> bool {
    let told = needs.get(name);
    let is_changed = changes.and_then(|changes| changes.is_need((name, range), told));
    is_changed.unwrap_or_else(|| told.is_some_and(|told| told.is(name, range)))
}

impl Stated {
    /// Whether it tells of a need of its package in a range, where it tells of needs.
    pub fn has_need(&self, name: &str, range: &str) -> bool {
        self.needs.as_ref().is_none_or(|needs| has(needs, self.changes.as_ref(), (name, range)))
    }

    /// Whether it tells of a peer of its package in a range, where it tells of peers.
    pub fn has_peer(&self, name: &str, range: &str) -> bool {
        let Some(peers) = &self.peers else { return true };
        let is_needed = self.needs.as_ref().is_some_and(|needs| needs.contains_key(name));
        let told = peers.get(name);
        told.is_some_and(|told| told.is(name, range))
            || self.changes.as_ref().is_some_and(|changes| changes.is_peer((name, range), (told, is_needed)))
    }

    /// How many versions it tells beside the first of each need.
    pub(crate) fn versions(&self) -> usize {
        let more = |needed: &Needed| if let Needed::Versions(all) = needed { all.len().saturating_sub(1) } else { 0 };
        self.needs.iter().flat_map(BTreeMap::values).map(more).sum()
    }

    /// The commands of `bin`, or bun's word for a folder of them; `None` if there are none.
    pub(crate) fn of_commands(entry: &Object<'_>, name: &str) -> Option<Box<Self>> {
        let commands = match (json::member(entry, "bin"), json::text(entry, "binDir")) {
            (Some(bin), None) => commands(bin, name),
            (None, Some(folder)) => BTreeMap::from([(ALL.to_owned(), normal(folder))]),
            (None, None) => return None,
            (Some(_), Some(_)) => BTreeMap::from([(ALL.to_owned(), "?".to_owned())]),
        };
        Some(Box::new(Self { commands: Some(commands), ..Self::default() }))
    }

    /// Another entry of the same package: what either lacks is lacking, and each version counts.
    pub(crate) fn joined(self, other: &Self) -> Self {
        let (Some(own), Some(others)) = (self.needs, &other.needs) else { return other.clone() };
        let both = own.into_iter().filter_map(|(name, needed)| {
            let needed = match (needed, others.get(&name)?) {
                (Needed::Versions(mut all), Needed::Versions(more)) => {
                    all.extend(more.iter().filter(|version| !all.contains(version)).cloned().collect::<Vec<_>>());
                    Needed::Versions(all)
                }
                (Needed::Named, other) => other.clone(),
                (needed, _) => needed,
            };
            Some((name, needed))
        });
        let peers = self.peers.zip(other.peers.as_ref());
        let peers = peers.map(|(own, others)| own.into_iter().filter(|(name, _)| others.contains_key(name)).collect());
        Self { needs: Some(both.collect()), peers, ..other.clone() }
    }
}

/// The commands that a package.json or an entry has. A value of another kind is one that nothing
/// else is equal to.
fn commands(bin: &Value<'_>, name: &str) -> BTreeMap<String, String> {
    match bin {
        Value::Object(all) => {
            let file = |value: &Value<'_>| json::string(value).map_or_else(|| "?".to_owned(), normal);
            all.properties.iter().map(|one| (base(one.name.as_str()).to_owned(), file(&one.value))).collect()
        }
        Value::StringLit(text) => BTreeMap::from([(base(name).to_owned(), normal(text.value.as_ref()))]),
        _ => BTreeMap::from([(base(name).to_owned(), "?".to_owned())]),
    }
}

/// The file that a package.json has for a command, from its folder.
pub(crate) fn command(manifest: &Object<'_>, wanted: &str) -> Option<String> {
    let name = json::text(manifest, "name").unwrap_or_default();
    if let Some(bin) = json::member(manifest, "bin") {
        return commands(bin, name).remove(wanted);
    }
    let folder = json::object(manifest, "directories").and_then(|of| json::text(of, "bin"))?;
    Some(format!("{}/{wanted}", normal(folder)))
}

/// The last part of a name, under which a command is linked.
pub fn base(name: &str) -> &str {
    name.rsplit(['/', '\\', ':']).next().unwrap_or(name)
}

/// A path in a package, as clients clean it: it does not leave the package.
pub fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_as_clients_read_them() {
        let of = |text: &str| Stated::of_commands(&json::parse(text, false).unwrap(), "@s/a").map(|of| of.commands.unwrap());
        let is = |name: &str, file: &str| Some(BTreeMap::from([(name.to_owned(), file.to_owned())]));
        assert_eq!(of("{}"), None);
        assert_eq!(of(r#"{"bin":"./x.js"}"#), is("a", "x.js"));
        assert_eq!(of(r#"{"bin":{"@t/b":"/../l//x.js"}}"#), is("b", "l/x.js"));
        assert_eq!(of(r#"{"bin":[]}"#), is("a", "?"));
        let listed = json::parse(r#"{"name":"a","directories":{"bin":"./bin/"}}"#, false).unwrap();
        assert_eq!(command(&listed, "b").as_deref(), Some("bin/b"));
    }
}
