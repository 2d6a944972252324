//! JSON against JSON: layout, order of keys, form of numbers, values.

use serde_json::Value;

use npm_spec::manifest::{LARGEST_LOCKFILE, is_too_large};

/// Places that a message names.
const NAMED: usize = 4;

/// How two documents differ.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    /// In nothing that a parser sees.
    Layout,
    /// In the order of keys: a place where they do.
    Order(String),
    /// In the form of numbers: `1.0` and `1`.
    Numbers,
    /// In values: where, the first of them.
    Values(Vec<String>),
}

/// The documents, where both are JSON, and neither takes many times the memory of its text. serde's
/// reader refuses more than 128 levels, so that walking them is safe.
pub(super) fn both(published: &[u8], rebuilt: &[u8]) -> Option<[Value; 2]> {
    let read = |bytes: &[u8]| if is_too_large(bytes, LARGEST_LOCKFILE) { None } else { serde_json::from_slice(bytes).ok() };
    Some([read(published)?, read(rebuilt)?])
}

/// How they differ.
pub(super) fn compare(published: &Value, rebuilt: &Value) -> Json {
    let mut places = Vec::new();
    values(published, rebuilt, "", &mut places);
    if !places.is_empty() {
        return Json::Values(places);
    }
    if let Some(place) = other_order(published, rebuilt, "") {
        return Json::Order(place);
    }
    if published == rebuilt { Json::Layout } else { Json::Numbers }
}

/// The places of the first few values that differ, as `a.b[2]`.
fn values(ours: &Value, theirs: &Value, at: &str, places: &mut Vec<String>) {
    if places.len() > NAMED {
        return;
    }
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in a {
                match b.get(key) {
                    Some(other) => values(value, other, &below(at, key), places),
                    None => places.push(below(at, key)),
                }
            }
            places.extend(b.keys().filter(|key| !a.contains_key(*key)).take(NAMED).map(|key| below(at, key)));
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (nth, (value, other)) in a.iter().zip(b).enumerate() {
                values(value, other, &format!("{at}[{nth}]"), places);
            }
        }
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => {}
        _ if ours == theirs => {}
        _ => places.push(if at.is_empty() { "the whole".to_owned() } else { at.to_owned() }),
    }
}

fn below(at: &str, key: &str) -> String {
    if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") }
}

/// A place where equal objects have their keys in another order.
fn other_order(ours: &Value, theirs: &Value, at: &str) -> Option<String> {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            if let Some((key, _)) = a.keys().zip(b.keys()).find(|(x, y)| x != y) {
                return Some(below(at, key));
            }
            a.iter().find_map(|(key, value)| other_order(value, b.get(key)?, &below(at, key)))
        }
        (Value::Array(a), Value::Array(b)) => a.iter().zip(b).find_map(|(value, other)| other_order(value, other, at)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(published: &str, rebuilt: &str) -> Json {
        let [a, b] = both(published.as_bytes(), rebuilt.as_bytes()).expect("JSON");
        compare(&a, &b)
    }

    #[test]
    fn layout_order_numbers_and_values_are_told_apart() {
        assert_eq!(judged(r#"{"a":1,"b":[2]}"#, "{\n \"a\": 1, \"b\": [ 2 ]}"), Json::Layout);
        assert_eq!(judged(r#"{"a":"\u0041"}"#, r#"{"a":"A"}"#), Json::Layout);
        assert_eq!(judged(r#"{"x":{"a":1,"b":2}}"#, r#"{"x":{"b":2,"a":1}}"#), Json::Order("x.a".into()));
        assert_eq!(judged(r#"{"a":1.0}"#, r#"{"a":1}"#), Json::Numbers);
        assert_eq!(
            judged(r#"{"a":{"b":[1,2]},"c":1}"#, r#"{"a":{"b":[1,3]},"d":1}"#),
            Json::Values(vec!["a.b[1]".into(), "c".into(), "d".into()])
        );
        assert_eq!(judged("1", "2"), Json::Values(vec!["the whole".into()]));
    }

    #[test]
    fn a_document_with_more_values_than_fit_into_memory_is_none() {
        let many = |count: usize| format!("[{}0]", "0,".repeat(count));
        assert!(both(many(1 << 19).as_bytes(), b"1").is_some());
        assert!(both(many(1 << 20).as_bytes(), b"1").is_none());
        assert!(both(b"1", many(1 << 20).as_bytes()).is_none());
    }

    #[test]
    fn a_document_with_too_many_levels_or_broken_is_none() {
        let deep = "[".repeat(100_000);
        assert!(both(deep.as_bytes(), b"1").is_none());
        assert!(both(b"{a:1}", b"1").is_none());
    }
}
