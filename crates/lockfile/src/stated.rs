//! What an entry says of the package itself: its commands and what it needs. A client goes by it
//! and does not ask the package.

use std::collections::BTreeMap;

use jsonc_parser::ast::{Object, Value};
use npm_spec::version;

use super::json;

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
}

/// How an entry tells of what a package needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Needed {
    /// By its name alone.
    Named,
    /// By the range that the package asks for.
    Range(String),
    /// By the versions that were found.
    Versions(Vec<String>),
}

impl Needed {
    /// Whether this is what a package asks for in a range.
    pub fn is(&self, range: &str) -> bool {
        let bare = |range: &str| range.strip_prefix("npm:").unwrap_or(range).trim().to_owned();
        match self {
            Self::Named => true,
            Self::Range(own) => bare(own) == bare(range),
            Self::Versions(all) => {
                let wanted = range.strip_prefix("npm:").map_or(range, |real| real.rsplit_once('@').map_or("*", |(_, range)| range));
                let Some(wanted) = version::VersionRange::parse(wanted) else { return true };
                all.iter().all(|own| version::parse(own).is_none_or(|own| wanted.contains(&own)))
            }
        }
    }
}

impl Stated {
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
