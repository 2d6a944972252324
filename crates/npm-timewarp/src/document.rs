//! The documents that clients get: a packument, whole or abbreviated, and the manifest of one
//! version, as of the moment.
//!
//! A packument is walked, not held as a tree; one version at a time is taken apart. What goes out
//! is made anew: of the registry's answer only what installers read ([`lean`]), none of its
//! headers.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use npm_spec::version::same;

use super::lean;
use super::ledger::Leads;
use super::moment::View;
use super::stand_in::Near;
use super::tags::guessed;

/// Most versions of one package that are read.
const MAX_VERSIONS: usize = 100_000;
/// Most tags of other packages that one package's versions ask for.
const MAX_NEEDED_TAGS: usize = 100;

/// How much of each version a client wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Full,
    Abbreviated,
}

/// Where a client is sent for tarballs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Links<'a> {
    /// The package.
    pub(super) name: &'a str,
    /// How the client sees us, and where it finds dependencies on repositories.
    pub(super) leads: &'a Leads,
    /// Whether the client replaces the host of a tarball's address by itself, so that the canonical
    /// one can stay.
    pub(super) canonical: bool,
    /// Whether the client writes a manifest to disk as the package's own (npm 3 and 4).
    pub(super) for_disk: bool,
    /// The tags besides `latest` that somebody asks for.
    pub(super) tags: &'a BTreeSet<String>,
}

/// Makes a packument of the moment.
pub(super) fn packument(document: &[u8], view: &View, form: Form, links: &Links<'_>) -> Result<Vec<u8>, serde_json::Error> {
    let Members(members) = serde_json::from_slice(document)?;
    let mut out = Object::new(document.len() / 4);
    let mut newest: Option<String> = None;
    out.add("_id", links.name)?;
    out.add("name", links.name)?;
    for (key, raw) in &members {
        match key.as_str() {
            "versions" => {
                let mut versions = Object::new(document.len() / 4);
                for (version, raw) in versions_of(raw)? {
                    if view.shows(&version)
                        && lean::is_version(&version)
                        && let Ok(Value::Object(manifest)) = serde_json::from_str(raw.get())
                    {
                        versions.add(&version, &prepared(&manifest, &version, view, links))?;
                    }
                }
                out.add_raw(key, &versions.finish())?;
            }
            "time" => {
                let times: BTreeMap<String, Value> = serde_json::from_str(raw.get()).unwrap_or_default();
                let printed = |time: &Value| lean::time(time.as_str()?);
                let mut shown: BTreeMap<String, String> = times
                    .iter()
                    .filter(|(key, _)| *key == "created" || (view.shows(key) && lean::is_version(key)))
                    .filter_map(|(key, time)| Some((key.clone(), printed(time)?)))
                    .collect();
                newest = shown.iter().filter(|(key, _)| *key != "created").map(|(_, time)| time.clone()).max();
                if let Some(modified) = if view.is_past() { newest.clone() } else { times.get("modified").and_then(printed) } {
                    shown.insert("modified".to_owned(), modified);
                }
                if form == Form::Full {
                    out.add(key, &shown)?;
                }
            }
            "dist-tags" => {
                let is_there = |version: &str| view.shows(version) && lean::is_version(version);
                let is_asked_for = |tag: &str| tag == "latest" || links.tags.contains(tag);
                let known = view.tags.iter().filter(|(tag, version)| is_asked_for(tag) && is_there(version));
                let mut tags: BTreeMap<String, String> = known.map(|(tag, version)| (tag.clone(), version.clone())).collect();
                tags.extend(tags_that_are_gone(&members, view, links)?);
                out.add(key, &lean::tags(tags.iter()))?;
            }
            _ => {}
        }
    }
    if form == Form::Abbreviated
        && let Some(newest) = newest
    {
        out.add("modified", &newest)?;
    }
    Ok(out.finish())
}

/// The tags that somebody asks for and that the registry does not have, or had no version for at
/// the moment, each with the version that its name speaks for.
fn tags_that_are_gone(members: &[(String, &RawValue)], view: &View, links: &Links<'_>) -> Result<Vec<(String, String)>, serde_json::Error> {
    let gone: Vec<&String> = links.tags.iter().filter(|tag| !view.tags.contains_key(*tag)).collect();
    let Some((_, raw)) = members.iter().find(|(key, _)| key == "versions").filter(|_| !gone.is_empty()) else { return Ok(Vec::new()) };
    let versions = versions_of(raw)?;
    let shown = || versions.iter().map(|(version, _)| version.as_str()).filter(|text| view.shows(text) && lean::is_version(text));
    Ok(gone.into_iter().filter_map(|tag| Some((tag.clone(), guessed(tag, shown())?.to_owned()))).collect())
}

/// Makes the manifest of one version. None if the packument does not have it.
pub(super) fn manifest(document: &[u8], version: &str, view: &View, links: &Links<'_>) -> Result<Option<Vec<u8>>, serde_json::Error> {
    let Members(members) = serde_json::from_slice(document)?;
    let Some((_, raw)) = members.iter().find(|(key, _)| key == "versions") else { return Ok(None) };
    let found = versions_of(raw)?.into_iter().find(|(own, _)| own == version);
    match found.map(|(_, raw)| serde_json::from_str(raw.get())).transpose()? {
        Some(Value::Object(manifest)) if lean::is_version(version) => {
            serde_json::to_vec(&prepared(&manifest, version, view, links)).map(Some)
        }
        _ => Ok(None),
    }
}

/// The packument with one version more, or another one of that number: what `near` stands in with,
/// under the metadata of the version that it was made of. The version has no time: none that is
/// asked for hides it.
pub(super) fn with_neighbour(
    document: &[u8],
    name: &str,
    version: &str,
    near: &Near,
    registry: &str,
) -> Result<Vec<u8>, serde_json::Error> {
    let mut document: Value = serde_json::from_slice(document)?;
    if let Some(times) = document.get_mut("time").and_then(Value::as_object_mut) {
        times.remove(version);
    }
    if let Some(versions) = document.get_mut("versions").and_then(Value::as_object_mut)
        && let Some(mut manifest) = versions.get(&near.version).cloned()
    {
        let file = name.rsplit('/').next().unwrap_or(name);
        if let Some(manifest) = manifest.as_object_mut() {
            let tarball = format!("{registry}{name}/-/{file}-{version}.tgz");
            let (integrity, shasum) = (&near.stand_in.integrity, &near.stand_in.shasum);
            manifest.insert("version".to_owned(), Value::from(version));
            manifest.insert("dist".to_owned(), serde_json::json!({ "tarball": tarball, "integrity": integrity, "shasum": shasum }));
        }
        versions.insert(version.to_owned(), manifest);
    }
    serde_json::to_vec(&document)
}

/// What is needed of a packument to answer everything else.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// In the registry's order.
    pub(super) versions: Vec<String>,
    pub(super) times: BTreeMap<String, String>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) dists: HashMap<String, Dist>,
    /// The packages that its versions depend on.
    pub(super) needed: BTreeSet<String>,
    /// The tags of packages that its versions depend on, each with the package's name.
    pub(super) needed_tags: BTreeSet<(String, String)>,
}

/// Where a version's tarball is, and what it must hash to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Dist {
    #[serde(deserialize_with = "text")]
    pub(super) tarball: String,
    #[serde(deserialize_with = "text")]
    pub(super) integrity: String,
    #[serde(deserialize_with = "text")]
    pub(super) shasum: String,
}

impl Summary {
    /// Leaves a version out, as if it had never been published; whether it was there. `latest` goes
    /// to the highest stable version that is left, and another tag of it vanishes.
    pub(super) fn leave_out(&mut self, version: &str) -> bool {
        let before = self.versions.len();
        self.versions.retain(|known| !same(known, version));
        self.times.retain(|known, _| !same(known, version));
        self.dists.retain(|known, _| !same(known, version));
        let stable = self.versions.iter().filter(|text| npm_spec::version::parse(text).is_some_and(|known| !known.is_prerelease()));
        let highest = stable.max_by(|a, b| npm_spec::version::compare(a, b)).cloned();
        if let Some(latest) = self.tags.get_mut("latest").filter(|target| same(target, version))
            && let Some(highest) = highest
        {
            *latest = highest;
        }
        self.tags.retain(|_, target| !same(target, version));
        self.versions.len() < before
    }
}

/// Walks a packument.
pub(super) fn summary(document: &[u8]) -> Result<Summary, serde_json::Error> {
    #[derive(Deserialize)]
    struct Brief {
        dist: Dist,
    }
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "camelCase", default)]
    struct Needs {
        dependencies: BTreeMap<String, Value>,
        optional_dependencies: BTreeMap<String, Value>,
        peer_dependencies: BTreeMap<String, Value>,
    }
    let Members(members) = serde_json::from_slice(document)?;
    let mut found = Summary::default();
    for (key, raw) in &members {
        let texts = || {
            let all: BTreeMap<String, Value> = serde_json::from_str(raw.get()).unwrap_or_default();
            all.into_iter().filter_map(|(key, value)| Some((key, value.as_str()?.to_owned()))).collect()
        };
        match key.as_str() {
            "time" => found.times = texts(),
            "dist-tags" => found.tags = texts(),
            "versions" => {
                for (version, raw) in versions_of(raw)? {
                    if let Ok(Brief { dist }) = serde_json::from_str(raw.get()) {
                        found.dists.insert(version.clone(), dist);
                    }
                    if let Ok(needs) = serde_json::from_str::<Needs>(raw.get()) {
                        let all = [needs.dependencies, needs.optional_dependencies, needs.peer_dependencies];
                        for (name, wanted) in all.into_iter().flatten() {
                            let tag = wanted.as_str().and_then(|wanted| lean::tag_in(&name, wanted));
                            found.needed_tags.extend(tag.filter(|_| found.needed_tags.len() < MAX_NEEDED_TAGS));
                            found.needed.extend(wanted.as_str().and_then(alias).map(str::to_owned));
                            found.needed.insert(name);
                        }
                    }
                    found.versions.push(version);
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

/// The package behind an alias, as in `npm:name@range`.
fn alias(wanted: &str) -> Option<&str> {
    let name = wanted.strip_prefix("npm:")?;
    let end = name.char_indices().skip(1).find(|(_, c)| *c == '@').map_or(name.len(), |(at, _)| at);
    name.get(..end)
}

/// One version as a client gets it.
fn prepared(raw: &Map<String, Value>, version: &str, view: &View, links: &Links<'_>) -> Map<String, Value> {
    let mut manifest = lean::manifest(raw, links.name, version, links.leads, links.for_disk);
    let mut dist = lean::digests(raw.get("dist"));
    let own = raw.get("dist").and_then(|dist| dist.get("tarball")).and_then(Value::as_str).and_then(lean::bare_address);
    let tail = tail(links.name, version);
    // Only an address that leads back to the same file here once its host is replaced.
    let address = own.filter(|own| links.canonical && own.ends_with(&format!("/{tail}")));
    dist.insert("tarball".to_owned(), Value::from(address.unwrap_or_else(|| format!("{}{tail}", links.leads.base()))));
    manifest.insert("dist".to_owned(), Value::Object(dist));
    if view.is_past() {
        // Nobody knows when a version was deprecated; mostly it is long after, and npm would avoid
        // what it took at the time.
        manifest.remove("deprecated");
    }
    manifest
}

/// The path of a version's tarball, as registries write it.
pub(super) fn tail(name: &str, version: &str) -> String {
    let base = name.rsplit('/').next().unwrap_or(name);
    format!("{name}/-/{base}-{version}.tgz")
}

fn versions_of(raw: &RawValue) -> Result<Vec<(String, &RawValue)>, serde_json::Error> {
    let members = serde_json::from_str::<Option<Members<'_>>>(raw.get())?;
    Ok(members.map_or_else(Vec::new, |Members(members)| members))
}

/// A text; anything else is as if it were empty.
fn text<'de, D: Deserializer<'de>>(json: D) -> Result<String, D::Error> {
    Ok(Value::deserialize(json)?.as_str().map(str::to_owned).unwrap_or_default())
}

/// An object's members in their order, unread. Of two with one key the later counts, as in
/// JavaScript.
pub(super) struct Members<'a>(pub(super) Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members: Vec<(String, &'de RawValue)> = Vec::new();
                let mut places: HashMap<String, usize> = HashMap::new();
                while let Some((key, value)) = map.next_entry::<String, &'de RawValue>()? {
                    if let Some(member) = places.get(&key).and_then(|at| members.get_mut(*at)) {
                        member.1 = value;
                    } else if members.len() < MAX_VERSIONS {
                        places.insert(key.clone(), members.len());
                        members.push((key, value));
                    }
                }
                Ok(Members(members))
            }
        }
        json.deserialize_map(All)
    }
}

/// A JSON object that is written member by member.
struct Object(Vec<u8>);

impl Object {
    fn new(size: usize) -> Self {
        let mut text = Vec::with_capacity(size);
        text.push(b'{');
        Self(text)
    }

    fn key(&mut self, key: &str) -> Result<(), serde_json::Error> {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        serde_json::to_writer(&mut self.0, key)?;
        self.0.push(b':');
        Ok(())
    }

    fn add<T: serde::Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), serde_json::Error> {
        self.key(key)?;
        serde_json::to_writer(&mut self.0, value)
    }

    fn add_raw(&mut self, key: &str, json: &[u8]) -> Result<(), serde_json::Error> {
        self.key(key)?;
        self.0.extend_from_slice(json);
        Ok(())
    }

    fn finish(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::moment::{Facts, When, view};
    use super::*;

    fn document() -> Vec<u8> {
        let version = |version: &str| {
            json!({
                "name": "@s/n", "version": version, "deprecated": "old", "dependencies": {"a": "1"}, "scripts": {"install": "x"}, "readme": "…",
                "dist": {"tarball": format!("https://registry.example/npm/@s/n/-/n-{version}.tgz"), "shasum": "00"},
            })
        };
        let all = json!({
            "_id": "@s/n", "name": "@s/n", "readme": "long", "dist-tags": {"latest": "2.0.0", "v1": "1.0.0", "payload": "1.0.0"},
            "time": {"created": "2018-01-01T00:00:00Z", "modified": "2020-01-01T00:00:00Z", "1.0.0": "2018-01-01T00:00:00Z", "2.0.0": "2019-01-01T00:00:00Z",
                "unpublished": {"time": "x"}},
            "versions": {"1.0.0": version("1.0.0"), "2.0.0": version("2.0.0")},
        });
        serde_json::to_vec(&all).unwrap()
    }

    fn made(form: Form, canonical: bool) -> Value {
        let document = document();
        let found = summary(&document).unwrap();
        let facts = Facts { name: "@s/n", versions: &found.versions, times: &found.times, tags: &found.tags };
        let moment = Some("2018-06-01T00:00:00Z".parse().unwrap());
        let view = view(&facts, &When { moment, commit: None, keep: &BTreeSet::new(), published: None });
        let tags = BTreeSet::from(["v1".to_owned(), "next".to_owned()]);
        let links = Links { name: "@s/n", leads: &Leads::new("http://127.0.0.1:1/"), canonical, for_disk: false, tags: &tags };
        serde_json::from_slice(&packument(&document, &view, form, &links).unwrap()).unwrap()
    }

    #[test]
    fn versions_times_and_tags_agree_with_each_other() {
        let made = made(Form::Full, false);
        assert_eq!(made["dist-tags"], json!({"latest": "1.0.0", "next": "1.0.0", "v1": "1.0.0"}), "nobody asks for the last one");
        assert_eq!(made["versions"].as_object().unwrap().keys().collect::<Vec<_>>(), ["1.0.0"]);
        let noon = "2018-01-01T00:00:00.000Z";
        let time = json!({"1.0.0": noon, "created": noon, "modified": noon});
        assert_eq!(made["time"], time);
        assert_eq!((&made["readme"], &made["versions"]["1.0.0"]["deprecated"]), (&Value::Null, &Value::Null));
    }

    #[test]
    fn tarballs_lead_here_unless_the_client_replaces_hosts_itself() {
        let tarball = |made: &Value| made["versions"]["1.0.0"]["dist"]["tarball"].as_str().unwrap().to_owned();
        assert_eq!(tarball(&made(Form::Full, false)), "http://127.0.0.1:1/@s/n/-/n-1.0.0.tgz");
        assert_eq!(tarball(&made(Form::Full, true)), "https://registry.example/npm/@s/n/-/n-1.0.0.tgz");
    }

    #[test]
    fn an_abbreviated_document_says_that_there_are_install_scripts() {
        let made = made(Form::Abbreviated, false);
        let version = &made["versions"]["1.0.0"];
        assert_eq!((&version["hasInstallScript"], &version["scripts"], &made["time"]), (&json!(true), &Value::Null, &Value::Null));
        assert_eq!(made["modified"], "2018-01-01T00:00:00.000Z");
    }

    #[test]
    fn the_tags_that_its_versions_ask_for_are_known() {
        let found =
            summary(br#"{"versions":{"1.0.0":{"dependencies":{"a":"next","b":"^1.0.0","c":"npm:@s/d@beta","e":"*","f":"x y","g":7}}}}"#)
                .unwrap();
        let pair = |name: &str, tag: &str| (name.to_owned(), tag.to_owned());
        assert_eq!(found.needed_tags, BTreeSet::from([pair("a", "next"), pair("@s/d", "beta")]));
    }

    #[test]
    fn of_two_members_with_one_key_the_later_counts() {
        let found = summary(br#"{"versions":{"1.0.0":{"dist":{"tarball":"a"}},"1.0.0":{"dist":{"tarball":"b"}}}}"#).unwrap();
        assert_eq!((found.versions.len(), found.dists["1.0.0"].tarball.as_str()), (1, "b"));
    }

    #[test]
    fn members_of_the_wrong_type_are_as_if_they_were_not_there() {
        let found = summary(br#"{"time":7,"dist-tags":[],"versions":{"1.0.0":{"dist":{"tarball":3,"shasum":"s"}},"2.0.0":4}}"#).unwrap();
        assert_eq!((found.versions.len(), found.dists.len(), found.times.len()), (2, 1, 0));
        assert!(summary(b"[]").is_err());
        assert_eq!(summary(br#"{"versions":null}"#).unwrap().versions.len(), 0);
    }
}
