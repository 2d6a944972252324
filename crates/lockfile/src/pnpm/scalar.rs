//! Values of YAML of which only the text counts.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

/// A text, a number or a word for true, false or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar(pub(crate) String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        value.deserialize_any(Single).map(|(text, _)| Self(text))
    }
}

/// A setting: a whole number or a word for true or false. pnpm does not read a file in which one of
/// those that it knows is of another kind.
pub(super) struct Setting(pub(super) String);

impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        let (text, kind) = value.deserialize_any(Single)?;
        if kind == Kind::Setting { Ok(Self(text)) } else { Err(D::Error::custom("no whole number, true or false")) }
    }
}

/// What a single value is.
#[derive(PartialEq, Eq)]
enum Kind {
    /// A whole number, true or false.
    Setting,
    /// Anything else.
    Other,
}

/// Reads a single value: its text, and what it is.
struct Single;

impl Visitor<'_> for Single {
    type Value = (String, Kind);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a single value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok((text.to_owned(), Kind::Other))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok((value.to_string(), Kind::Setting))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok((number.to_string(), Kind::Setting))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok((number.to_string(), Kind::Setting))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok((number.to_string(), Kind::Other))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok((String::new(), Kind::Other))
    }
}

/// A patch: its hash, or that with its path, which is kept.
pub(super) struct Patched(pub(super) Option<String>);

impl<'de> Deserialize<'de> for Patched {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Patched;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a hash, or a mapping with one")
            }

            fn visit_str<E: Error>(self, _: &str) -> Result<Patched, E> {
                Ok(Patched(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Patched, A::Error> {
                let mut path = None;
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "path" => path = Some(map.next_value::<String>()?),
                        "hash" => drop(map.next_value::<Scalar>()?),
                        _ => return Err(A::Error::custom("a member that pnpm does not write")),
                    }
                }
                Ok(Patched(path))
            }
        }
        value.deserialize_any(Either)
    }
}
