//! YAML with bounds, and with the place of each key: a few bytes of it can stand for gigabytes.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use super::{Fault, MAX_FILE, Position, guard};

/// Most nodes of a file; one of a hundred thousand packages has some four million.
const MAX_NODES: usize = 8_000_000;

/// Most nodes that aliases may stand for, all together.
const MAX_REPLAYED: usize = 10_000;

/// Every document of a file. The error says where, and quotes nothing.
pub(crate) fn documents<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, Fault> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_reader_input_bytes: Some(MAX_FILE),
            max_events: 2 * MAX_NODES,
            max_nodes: MAX_NODES,
            max_total_scalar_bytes: MAX_FILE,
            // Lockfiles are written by programs, and none uses any of these.
            max_aliases: 0,
            max_anchors: 0,
            max_merge_keys: 0,
            max_depth: 64,
            max_documents: 8,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MAX_REPLAYED,
            max_replay_stack_depth: 16,
            max_alias_expansions_per_anchor: 100,
        },
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::Error,
        with_snippet: false,
    };
    serde_saphyr::from_multiple_with_options(text, options).map_err(|error| {
        Fault::Malformed(match error.location() {
            Some(place) => format!("line {}, column {}", place.line(), place.column()),
            None => "it is not YAML, or too large".to_owned(),
        })
    })
}

/// A member that is known, and says nothing that counts here.
#[derive(Default)]
pub(crate) struct Ignored;

impl<'de> Deserialize<'de> for Ignored {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(value).map(|_| Self)
    }
}

/// A mapping in the order of the file, each value with the place of its key.
pub(crate) struct Pairs<T>(pub(crate) Vec<(String, Position, T)>);

impl<T> Default for Pairs<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Pairs<T> {
    fn deserialize<D: Deserializer<'de>>(mapping: D) -> Result<Self, D::Error> {
        struct All<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for All<T> {
            type Value = Pairs<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Pairs::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(key) = map.next_key::<Spanned<String>>()? {
                    if guard::is_magic(&key.value) {
                        return Err(serde::de::Error::custom("a key is a word of JavaScript"));
                    }
                    all.push((key.value, position(key.referenced), map.next_value()?));
                }
                Ok(Pairs(all))
            }
        }
        mapping.deserialize_any(All(PhantomData))
    }
}

fn position(location: Location) -> Position {
    Position { line: location.line().max(1), column: location.column().max(1) }
}
