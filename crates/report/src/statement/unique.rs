//! JSON in which no object has a key twice.
//!
//! Of two values of one key one reader takes the first and another the last: what is signed would
//! say one thing to one and the opposite to the other.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Reads JSON; the error is for people.
pub(super) fn parse(json: &[u8]) -> Result<Value, &'static str> {
    if let Ok(Unique(value)) = serde_json::from_slice(json) {
        return Ok(value);
    }
    // What any reader takes has a key twice: there is nothing else that this one refuses.
    Err(if serde_json::from_slice::<Value>(json).is_ok() { "it contradicts itself: it has a key twice" } else { "it is no JSON" })
}

struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without a key twice")
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

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Unique(value)) = list.next_element()? {
            all.push(value);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some((key, Unique(value))) = object.next_entry::<String, Unique>()? {
            if all.insert(key, value).is_some() {
                return Err(A::Error::custom("a key twice"));
            }
        }
        Ok(Value::Object(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_there_twice_at_any_depth_is_refused() {
        let plain = br#"{"a":[1,-1,1.5,null,true,"x",{"b":{}}],"c":{"a":""}}"#;
        assert_eq!(parse(plain), serde_json::from_slice(plain).map_err(|_| ""));
        for twice in [r#"{"a":1,"a":1}"#, r#"[{"b":{"c":1,"c":2}}]"#, r#"{"a":1,"\u0061":2}"#] {
            assert_eq!(parse(twice.as_bytes()), Err("it contradicts itself: it has a key twice"), "{twice}");
        }
        assert_eq!(parse(b"{"), Err("it is no JSON"));
    }
}
