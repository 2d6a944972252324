//! A project's own YAML files, with bounds: a few bytes of it can stand for gigabytes.

use serde::de::DeserializeOwned;

/// Most nodes of a file, those that aliases stand for among them: a workspace with a catalog of
/// thousands has some ten thousand.
const MAX_NODES: usize = 100_000;
/// Most levels.
const MAX_DEPTH: usize = 128;

/// The one document of `text`; `None` where it is no YAML, has another shape, or is larger than
/// such files are.
pub fn settings<T: DeserializeOwned>(text: &str) -> Option<T> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: 2 * MAX_NODES,
            max_nodes: MAX_NODES,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_merge_keys: 1_000,
            max_depth: MAX_DEPTH,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MAX_NODES,
            max_replay_stack_depth: 16,
        },
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_file_is_read_with_its_aliases() {
        let text = "steps: &steps\n  - run: a\nagain: *steps\nmore: { <<: { b: 1 }, c: 2 }\n";
        let expected = json!({"steps": [{"run": "a"}], "again": [{"run": "a"}], "more": {"b": 1, "c": 2}});
        assert_eq!(settings::<Value>(text), Some(expected));
        assert_eq!(settings::<Value>("a: [\n"), None);
    }

    #[test]
    fn what_stands_for_more_than_such_a_file_has_is_not_read() {
        let level = |at: usize| {
            let items = if at == 0 { "x".to_owned() } else { format!("*a{}", at - 1) };
            format!("a{at}: &a{at} [{}]\n", [items.as_str(); 9].join(","))
        };
        let text = |levels: usize| (0..levels).map(level).collect::<String>();
        assert!(settings::<Value>(&text(3)).is_some());
        assert_eq!(settings::<Value>(&text(12)), None);
        let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(settings::<Value>(&deep(100)).is_some());
        assert_eq!(settings::<Value>(&deep(1_000)), None);
    }
}
