//! Why JSON that is signed cannot be read: it is none, or a key stands in it twice.

use npm_registry::once;
use serde_json::Value;

/// Reads JSON; the error is for people.
pub(super) fn parse(json: &[u8]) -> Result<Value, &'static str> {
    // What any reader takes has a key twice: there is nothing else that the strict one refuses.
    once::read(json).map_err(|_| {
        let is_json = serde_json::from_slice::<Value>(json).is_ok();
        if is_json { "it contradicts itself: it has a key twice" } else { "it is no JSON" }
    })
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
