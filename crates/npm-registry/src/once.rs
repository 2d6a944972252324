//! JSON in which no key stands twice.
//!
//! Of two fields with one name npm, pnpm and yarn take the last, bun the first: what they install
//! is not the same, and no document that a registry prints has such. What is signed would say one
//! thing to one reader and the opposite to another.

use std::borrow::Cow;
use std::{fmt, io};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Longest key that an error shows, in characters.
const SHOWN: usize = 80;

/// Reads a value; an error if a key is there twice in one object, however deep.
pub fn read(json: impl io::Read) -> Result<Value, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_reader(json);
    let value = Once.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// An error if `key` is there again.
pub(super) fn at_most<E: Error>(again: bool, key: &str) -> Result<(), E> {
    if again { Err(E::custom(format!("the key {:?} is there twice", key.chars().take(SHOWN).collect::<String>()))) } else { Ok(()) }
}

struct Once;

impl<'de> DeserializeSeed<'de> for Once {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Once {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(value) = list.next_element_seed(Once)? {
            all.push(value);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            at_most(all.contains_key(key.as_ref()), &key)?;
            all.insert(key.into_owned(), map.next_value_seed(Once)?);
        }
        Ok(Value::Object(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_they_are() {
        let text = r#"{"a":[1,-1,1.5,true,null,"\u00e9",{"b":{}}],"c":{"a":"a"}}"#;
        assert_eq!(read(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap());
        assert!(read(&b"{} x"[..]).is_err() && read(&b"["[..]).is_err());
    }

    #[test]
    fn a_key_that_is_there_twice_is_refused_in_any_spelling_and_depth() {
        for text in [r#"{"a":1,"a":1}"#, r#"{"x":[{"a":{},"b":1,"a":{}}]}"#, r#"{"a":1,"\u0061":2}"#] {
            let error = read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with("the key \"a\" is there twice"), "{error}");
        }
    }
}
