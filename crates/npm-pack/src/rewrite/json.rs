//! JSON as JavaScript reads and prints it: `JSON.parse`, then `JSON.stringify(value, null,
//! indent)`.
//!
//! What every rewriting client but bun goes through, and so what becomes of a number (`1.0` is
//! printed `1`), of an escape, of a key that stands twice (the last value, at the first one's
//! place) and of keys that look like array indices (they come first).

use serde_json::{Map, Value};

use npm_spec::manifest::{LARGEST_PACKED, is_too_large};

/// An object with its keys in JavaScript's order.
pub(super) type Object = Map<String, Value>;

/// Parses a package.json as the clients do, a byte order mark taken off; none if it is no JSON
/// object, or takes gigabytes of memory.
pub(super) fn parse(bytes: &[u8]) -> Option<Object> {
    if is_too_large(bytes, LARGEST_PACKED) {
        return None;
    }
    let text = String::from_utf8_lossy(npm_spec::manifest::without_bom(bytes));
    match serde_json::from_str(&text).ok()? {
        Value::Object(mut object) => {
            order(&mut object);
            Some(object)
        }
        _ => None,
    }
}

/// `JSON.stringify(object, null, indent)`.
pub(super) fn print(object: &Object, indent: &str) -> String {
    let mut out = String::new();
    print_object(object, gap(indent), 0, &mut out);
    out
}

/// What JavaScript takes of an indentation: ten letters.
fn gap(indent: &str) -> &str {
    indent.char_indices().nth(10).and_then(|(end, _)| indent.get(..end)).unwrap_or(indent)
}

/// How many bytes of indentation [`print`] gives, at most: in a file that is nested deep they are
/// many times the file's own.
pub(super) fn indentation(object: &Object, indent: &str) -> usize {
    fn levels(value: &Value, depth: usize) -> usize {
        let below = |values: &mut dyn Iterator<Item = &Value>| values.map(|value| depth + 1 + levels(value, depth + 1)).sum::<usize>();
        match value {
            Value::Object(object) => depth + below(&mut object.values()),
            Value::Array(items) => depth + below(&mut items.iter()),
            _ => 0,
        }
    }
    object.values().map(|value| 1 + levels(value, 1)).sum::<usize>() * gap(indent).len()
}

/// A string as `JSON.stringify` prints it.
pub(super) fn quote(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

/// Takes a key out and leaves the order of the others.
pub(super) fn remove(object: &mut Object, key: &str) -> Option<Value> {
    object.shift_remove(key)
}

/// The field if it is an object.
pub(super) fn object<'o>(object: &'o Object, key: &str) -> Option<&'o Object> {
    object.get(key)?.as_object()
}

/// `object[key] ?? null` as text; none for what is no string.
pub(super) fn text<'o>(object: &'o Object, key: &str) -> Option<&'o str> {
    object.get(key)?.as_str()
}

/// What JavaScript's `if` thinks of a value.
pub(super) fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// Sorts keys as `Object.keys(…).sort()` does: by UTF-16 units.
pub(super) fn sort_keys(object: &mut Object) {
    let mut entries: Vec<(String, Value)> = std::mem::take(object).into_iter().collect();
    entries.sort_by(|a, b| a.0.encode_utf16().cmp(b.0.encode_utf16()));
    *object = entries.into_iter().collect();
    order_own(object);
}

fn order(object: &mut Object) {
    for value in object.values_mut() {
        order_value(value);
    }
    order_own(object);
}

fn order_value(value: &mut Value) {
    match value {
        Value::Object(object) => order(object),
        Value::Array(items) => items.iter_mut().for_each(order_value),
        _ => {}
    }
}

/// Keys that are array indices come first, by size.
fn order_own(object: &mut Object) {
    if !object.keys().any(|key| index(key).is_some()) {
        return;
    }
    let (mut indices, others): (Vec<_>, Vec<_>) = std::mem::take(object).into_iter().partition(|(key, _)| index(key).is_some());
    indices.sort_by_key(|(key, _)| index(key));
    *object = indices.into_iter().chain(others).collect();
}

/// The array index that a key spells in canonical form.
fn index(key: &str) -> Option<u32> {
    let number: u32 = key.parse().ok()?;
    (number != u32::MAX && number.to_string() == key).then_some(number)
}

fn print_value(value: &Value, indent: &str, depth: usize, out: &mut String) {
    match value {
        Value::Object(object) => print_object(object, indent, depth, out),
        Value::Array(items) if items.is_empty() => out.push_str("[]"),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                line(indent, depth + 1, out);
                print_value(item, indent, depth + 1, out);
            }
            line(indent, depth, out);
            out.push(']');
        }
        Value::Number(value) => out.push_str(&number(value.as_f64().unwrap_or(f64::NAN))),
        other => out.push_str(&other.to_string()),
    }
}

fn print_object(object: &Object, indent: &str, depth: usize, out: &mut String) {
    if object.is_empty() {
        out.push_str("{}");
        return;
    }
    out.push('{');
    for (at, (key, value)) in object.iter().enumerate() {
        out.push_str(if at == 0 { "" } else { "," });
        line(indent, depth + 1, out);
        out.push_str(&quote(key));
        out.push_str(if indent.is_empty() { ":" } else { ": " });
        print_value(value, indent, depth + 1, out);
    }
    line(indent, depth, out);
    out.push('}');
}

fn line(indent: &str, depth: usize, out: &mut String) {
    if !indent.is_empty() {
        out.push('\n');
        for _ in 0..depth {
            out.push_str(indent);
        }
    }
}

/// ECMAScript's `Number::toString`, `null` for what is not finite.
fn number(value: f64) -> String {
    if !value.is_finite() {
        return "null".to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    // The shortest digits that read back as the same number, and a power of ten.
    let scientific = format!("{:e}", value.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits = mantissa.replace('.', "");
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let zeros = |n: i32| "0".repeat(usize::try_from(n).unwrap_or(0));
    let point = exponent + 1;
    let (head, tail) = digits.split_at_checked(usize::try_from(point).unwrap_or(0)).unwrap_or((&digits, ""));
    let text = if (count..=21).contains(&point) {
        format!("{digits}{}", zeros(point - count))
    } else if (1..=21).contains(&point) {
        format!("{head}.{tail}")
    } else if (-5..=0).contains(&point) {
        format!("0.{}{digits}", zeros(-point))
    } else {
        let (first, rest) = digits.split_at_checked(1).unwrap_or((&digits, ""));
        let dot = if rest.is_empty() { "" } else { "." };
        format!("{first}{dot}{rest}e{}{}", if exponent < 0 { "-" } else { "+" }, exponent.abs())
    };
    if value < 0.0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_of_more_values_than_fit_into_memory_is_none() {
        let many = |count: usize| format!(r#"{{"a":[{}0]}}"#, "0,".repeat(count));
        assert!(parse(many(1 << 19).as_bytes()).is_some());
        assert!(parse(many(1 << 20).as_bytes()).is_none());
    }

    #[test]
    fn ten_letters_of_an_indentation_are_printed() {
        let object = parse(br#"{"a":1}"#).expect("an object");
        for indent in [" ".repeat(1000), "\u{e9}".repeat(11)] {
            let printed = print(&object, &indent);
            assert_eq!(printed.chars().count(), "{\n\"a\": 1\n}".len() + 10, "{printed}");
        }
    }

    #[test]
    fn indentation_is_counted_as_it_is_printed() {
        for text in [r#"{"a":1}"#, r#"{"a":[1,[2,{"b":3}]],"c":{"d":[4]}}"#] {
            let object = parse(text.as_bytes()).unwrap();
            let printed = print(&object, "  ");
            assert_eq!(indentation(&object, "  "), printed.bytes().filter(|byte| *byte == b' ').count() - printed.matches(": ").count());
        }
    }

    fn reprinted(text: &str) -> String {
        print(&parse(text.as_bytes()).expect("an object"), "")
    }

    #[test]
    fn numbers_have_javascript_forms() {
        let text = r#"{"a":[1.0,1e3,-0,0.1,1e21,123456789012345680000,1e-6,1e-7,1.5e300,9007199254740993,-2.50,1e999]}"#;
        let expected = r#"{"a":[1,1000,0,0.1,1e+21,123456789012345680000,0.000001,1e-7,1.5e+300,9007199254740992,-2.5,null]}"#;
        // serde_json refuses what is beyond a double; no client sees such a package.json in
        // practice.
        assert_eq!(reprinted(&text.replace(",1e999", "")), expected.replace(",null", ""));
    }

    #[test]
    fn escapes_are_normalised() {
        assert_eq!(reprinted(r#"{"a":"\u0041\/\u001f\u00e9\t\u2028"}"#), "{\"a\":\"A/\\u001fé\\t\u{2028}\"}");
    }

    #[test]
    fn the_last_of_equal_keys_counts_at_the_first_ones_place() {
        assert_eq!(reprinted(r#"{"a":1,"b":2,"a":3}"#), r#"{"a":3,"b":2}"#);
    }

    #[test]
    fn keys_that_are_indices_come_first() {
        assert_eq!(reprinted(r#"{"b":1,"10":2,"9":3,"01":4}"#), r#"{"9":3,"10":2,"b":1,"01":4}"#);
    }

    #[test]
    fn indentation_nests_and_empty_values_stay_in_line() {
        let object = parse(br#"{"a":{"b":[1,{}],"c":[]}}"#).expect("an object");
        assert_eq!(print(&object, "\t"), "{\n\t\"a\": {\n\t\t\"b\": [\n\t\t\t1,\n\t\t\t{}\n\t\t],\n\t\t\"c\": []\n\t}\n}");
    }

    #[test]
    fn a_byte_order_mark_is_taken_off_and_no_object_is_no_manifest() {
        assert!(parse(b"\xef\xbb\xbf{}").is_some());
        assert!(parse(b"[]").is_none());
    }
}
