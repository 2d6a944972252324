//! Source maps, compared as such: mappings, names, sources and the copies of the sources.

use serde_json::Value;

use super::Class;
use super::json::both;

/// Keys that only say where things are.
const PLACES: &[&str] = &["file", "sourceRoot", "sources"];

/// How two source maps differ; none where one of them is none.
pub(super) fn explain(published: &[u8], rebuilt: &[u8]) -> Option<(Class, String)> {
    let [ours, theirs] = both(published, rebuilt)?;
    let is_map = |value: &Value| value.get("mappings").is_some() || value.get("sections").is_some();
    if !is_map(&ours) || !is_map(&theirs) {
        return None;
    }
    let keys = ours.as_object()?.keys().chain(theirs.as_object()?.keys());
    let mut differ: Vec<&str> = keys.filter(|key| ours.get(*key) != theirs.get(*key)).map(String::as_str).collect();
    differ.sort_unstable();
    differ.dedup();
    let class = if differ.is_empty() {
        return Some((Class::FormattingOnly, "the same source map in another layout".to_owned()));
    } else if differ.iter().all(|key| PLACES.contains(key)) {
        Class::SourceMapPaths
    } else if differ.iter().all(|key| PLACES.contains(key) || *key == "sourcesContent") {
        Class::SourceMapContent
    } else {
        Class::SourceMap
    };
    let message = match class {
        Class::SourceMapPaths => format!("the same mappings; other {}", differ.join(", ")),
        Class::SourceMapContent if missing(&ours, &theirs) => "the same mappings; one of them has no copies of the sources".to_owned(),
        Class::SourceMapContent => "the same mappings; the copies of the sources differ".to_owned(),
        _ => format!("other {}", super::text::cut(&differ.join(", "), 120)),
    };
    Some((class, message))
}

fn missing(ours: &Value, theirs: &Value) -> bool {
    ours.get("sourcesContent").is_none() || theirs.get("sourcesContent").is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(published: &str, rebuilt: &str) -> Option<Class> {
        explain(published.as_bytes(), rebuilt.as_bytes()).map(|(class, _)| class)
    }

    #[test]
    fn paths_contents_and_mappings_are_told_apart() {
        let map = r#"{"version":3,"sources":["../a.ts"],"sourcesContent":["x"],"names":[],"mappings":"AAAA"}"#;
        for (other, expected) in [
            (map.replace("../a.ts", "/home/a.ts"), Class::SourceMapPaths),
            (map.replace("[\"x\"]", "[\"y\"]"), Class::SourceMapContent),
            (map.replace(r#""sourcesContent":["x"],"#, ""), Class::SourceMapContent),
            (map.replace("AAAA", "AAAC"), Class::SourceMap),
            (map.replace(",\"names\"", ", \"names\""), Class::FormattingOnly),
        ] {
            assert_eq!(class(map, &other), Some(expected), "{other}");
        }
        assert_eq!(class("{}", map), None);
    }
}
