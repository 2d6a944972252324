//! Reading a packument without holding it: one walk for names, tags and times, one for a single
//! manifest.
//!
//! Any field may be missing or of the wrong type; such a field is as if it were not there.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io::BufReader;
use std::time::SystemTime;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Integrity, Spool, once};

/// Most versions, tags and times that are read, and the longest name or time among them.
const MAX_ENTRIES: usize = 100_000;
const MAX_TEXT: usize = 512;
/// Longest `integrity` that is read, in bytes.
const MAX_DIGESTS: usize = 4096;
/// Largest manifest of one version, in bytes of JSON. npm's own limit is far below.
pub(super) const MAX_MANIFEST: usize = 8 << 20;

/// What a packument says about all versions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Packument {
    /// The package's name as the packument has it.
    pub name: Option<String>,
    /// Tags and their versions.
    pub dist_tags: BTreeMap<String, String>,
    /// Versions and when they were published, `created` and `modified` among them. A mirror's times
    /// may be its own.
    pub times: BTreeMap<String, String>,
    /// When the whole package was unpublished.
    pub unpublished: Option<String>,
    /// Every version there is, in the registry's order.
    pub versions: Vec<VersionEntry>,
    /// The registry's clock when it served this, if it said so.
    pub served: Option<SystemTime>,
}

/// One version of many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionEntry {
    /// The version, as it stands in the packument.
    pub version: String,
    /// Whether it is deprecated.
    pub deprecated: bool,
    /// What its tarball must hash to, by `integrity` or else `shasum`; none where nothing usable is
    /// promised.
    pub promised: Option<String>,
}

impl Packument {
    /// Walks a packument.
    pub fn read(spool: &Spool) -> Result<Self, serde_json::Error> {
        walk(spool, PackumentVisitor)
    }

    /// Walks a packument again for one version's manifest. None if it is not there; the error tells
    /// a damaged or oversized one.
    pub fn manifest(spool: &Spool, version: &str) -> Result<Option<serde_json::Value>, serde_json::Error> {
        walk(spool, ManifestVisitor(version))
    }
}

fn walk<V, T>(spool: &Spool, visitor: V) -> Result<T, serde_json::Error>
where
    V: for<'de> Visitor<'de, Value = T>,
{
    if let Some(bytes) = spool.in_memory() {
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let found = json.deserialize_map(visitor)?;
        json.end()?;
        return Ok(found);
    }
    let mut json = serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 16, spool.open()));
    let found = json.deserialize_map(visitor)?;
    json.end()?;
    Ok(found)
}

struct PackumentVisitor;

impl<'de> Visitor<'de> for PackumentVisitor {
    type Value = Packument;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a packument")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Packument, A::Error> {
        let mut found = Packument::default();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match key.as_ref() {
                "name" => found.name = text(&map.next_value::<Box<RawValue>>()?),
                "dist-tags" => found.dist_tags = map.next_value_seed(Entries(text))?.into_iter().collect(),
                "time" => {
                    for (key, time) in map.next_value_seed(Entries(|raw: &RawValue| Some(Time::read(raw))))? {
                        match time {
                            Time::At(time) => drop(found.times.insert(key, time)),
                            Time::Object(time) if key == "unpublished" => found.unpublished = Some(time),
                            Time::Object(_) | Time::Other => {}
                        }
                    }
                }
                "versions" => {
                    let versions = map.next_value_seed(Entries(|raw: &RawValue| Some((is_deprecated(raw), promised(raw)))))?;
                    let entry = |(version, (deprecated, promised))| VersionEntry { version, deprecated, promised };
                    found.versions = versions.into_iter().map(entry).collect();
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }
}

struct ManifestVisitor<'v>(&'v str);

impl<'de> Visitor<'de> for ManifestVisitor<'_> {
    type Value = Option<serde_json::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a packument")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if key == "versions" {
                let again = found.replace(map.next_value_seed(OneVersion(self.0))?).is_some();
                once::at_most(again, &key)?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found.flatten())
    }
}

/// The one entry of `versions` that is wanted; the others are passed over unread.
struct OneVersion<'v>(&'v str);

impl<'de> DeserializeSeed<'de> for OneVersion<'_> {
    type Value = Option<serde_json::Value>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for OneVersion<'_> {
    type Value = Option<serde_json::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of versions")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if key == self.0 {
                let raw = map.next_value::<Box<RawValue>>()?;
                if raw.get().len() > MAX_MANIFEST {
                    return Err(serde::de::Error::custom("the version's manifest is too large"));
                }
                let again = found.replace(once::read(raw.get().as_bytes()).map_err(serde::de::Error::custom)?).is_some();
                once::at_most(again, &key)?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// An object as a list of what a function makes of each value; null is an empty one. Entries past
/// the limit, with overlong keys, or of which nothing is made are left out.
struct Entries<F>(F);

impl<'de, T, F: Fn(&RawValue) -> Option<T>> DeserializeSeed<'de> for Entries<F> {
    type Value = Vec<(String, T)>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de, T, F: Fn(&RawValue) -> Option<T>> Visitor<'de> for Entries<F> {
    type Value = Vec<(String, T)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if all.len() >= MAX_ENTRIES || key.len() > MAX_TEXT {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let key = key.into_owned();
            if let Some(value) = (self.0)(map.next_value::<Box<RawValue>>()?.as_ref()) {
                all.push((key, value));
            }
        }
        Ok(all)
    }
}

fn text(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok().filter(|text: &String| text.len() <= MAX_TEXT)
}

/// A value of `time`: mostly a text; `unpublished` is an object with a `time` of its own.
enum Time {
    At(String),
    Object(String),
    Other,
}

impl Time {
    fn read(raw: &RawValue) -> Self {
        #[derive(Deserialize)]
        struct Unpublished {
            #[serde(default)]
            time: String,
        }
        match (text(raw), serde_json::from_str::<Unpublished>(raw.get())) {
            (Some(time), _) => Self::At(time),
            (None, Ok(unpublished)) => Self::Object(unpublished.time),
            (None, Err(_)) => Self::Other,
        }
    }
}

/// npm takes any value of `deprecated` that is true to JavaScript; registries write a text, an
/// empty one to take it back.
fn promised(manifest: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Brief {
        dist: serde_json::Value,
    }
    let Brief { dist } = serde_json::from_str(manifest.get()).ok()?;
    let text = |key: &str| dist.get(key).and_then(serde_json::Value::as_str).filter(|text| text.len() <= MAX_DIGESTS);
    let promised = text("integrity").and_then(Integrity::parse).or_else(|| text("shasum").and_then(Integrity::from_shasum));
    promised.map(|promised| promised.text())
}

fn is_deprecated(manifest: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct Brief {
        deprecated: Option<serde_json::Value>,
    }
    let brief = serde_json::from_str::<Brief>(manifest.get()).ok();
    brief.and_then(|brief| brief.deprecated).is_some_and(|value| match value {
        serde_json::Value::Bool(deprecated) => deprecated,
        serde_json::Value::String(text) => !text.is_empty(),
        _ => false,
    })
}
