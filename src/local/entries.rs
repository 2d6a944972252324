//! The files that package.json says are there: its main, its exports, its programs and its types.

use std::collections::BTreeSet;

use serde_json::Value;

use super::packed::Packed;

/// How deep conditions of `exports` are followed.
const MAX_DEPTH: usize = 16;
/// What Node tries behind a main's name, and what TypeScript does behind that of types.
const CODE: [&str; 8] = ["", ".js", ".json", ".node", ".mjs", ".cjs", "/index.js", "/index.json"];
const TYPES: [&str; 4] = ["", ".d.ts", ".ts", "/index.d.ts"];

/// The entries of package.json that lead to no file of the package, in order, as they stand there.
pub(super) fn missing(packed: &Packed) -> Vec<String> {
    let files: BTreeSet<&str> = packed.files.iter().map(String::as_str).collect();
    let there = |entry: &str, ends: &[&str]| {
        let path = entry.strip_prefix("./").unwrap_or(entry).trim_end_matches('/');
        let path = if path == "." { "" } else { path };
        ends.iter().any(|end| files.contains(format!("{path}{end}").trim_start_matches('/')))
    };
    let mut missing = BTreeSet::new();
    let mut ask = |value: &Value, ends: &[&str]| {
        let mut found = Vec::new();
        strings(value, 0, &mut found);
        missing.extend(found.into_iter().filter(|entry| !there(entry, ends)).map(str::to_owned));
    };
    let manifest = &packed.manifest;
    for (key, ends) in [("main", CODE.as_slice()), ("module", &CODE), ("types", &TYPES), ("typings", &TYPES), ("bin", &[""])] {
        if let Some(value) = manifest.get(key) {
            ask(value, ends);
        }
    }
    if let Some(exports) = manifest.get("exports") {
        ask(exports, &[""]);
    }
    missing.into_iter().collect()
}

/// The paths in a value: itself, or those of its members. A pattern names no one file, and what
/// leads out of the package is another's.
fn strings<'v>(value: &'v Value, depth: usize, found: &mut Vec<&'v str>) {
    let mut all = |values: &mut dyn Iterator<Item = &'v Value>| {
        if depth < MAX_DEPTH {
            values.for_each(|value| strings(value, depth + 1, found));
        }
    };
    match value {
        Value::String(text) if !text.is_empty() && !text.contains('*') && !text.starts_with("../") => found.push(text),
        Value::Array(values) => all(&mut values.iter()),
        Value::Object(members) => all(&mut members.values()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing_of(manifest: Value, files: &[&str]) -> Vec<String> {
        let files = files.iter().map(|&file| file.to_owned()).collect();
        missing(&Packed { bytes: Vec::new(), files, manifest, by: String::new(), not_run: Vec::new() })
    }

    #[test]
    fn an_entry_without_its_file_is_missing_and_one_that_node_finds_is_not() {
        let manifest = serde_json::json!({
            "main": "dist/index", "module": "./esm", "types": "types", "bin": { "a": "bin/a.js", "b": "./bin/b.js" },
            "exports": { ".": { "import": "./esm/index.js", "require": ["./gone.cjs", "./dist/index.js"] }, "./x/*": "./x/*.js", "./no": null },
        });
        let files = ["dist/index.js", "esm/index.js", "types/index.d.ts", "bin/a.js"];
        assert_eq!(missing_of(manifest, &files), ["./bin/b.js", "./gone.cjs"]);
        assert_eq!(missing_of(serde_json::json!({ "main": "." }), &["index.js"]), [""; 0]);
        assert_eq!(missing_of(serde_json::json!({ "main": "dist/index.js" }), &["index.js"]), ["dist/index.js"]);
        assert_eq!(missing_of(serde_json::json!({}), &["style.css"]), [""; 0]);
    }
}
