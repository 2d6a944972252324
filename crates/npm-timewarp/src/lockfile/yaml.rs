//! YAML with bounds: a few bytes of it can stand for gigabytes.

use serde::de::DeserializeOwned;

/// Most nodes of a lockfile; one of a hundred thousand packages has some four million.
const MAX_NODES: usize = 10_000_000;

/// Most nodes that aliases may stand for, all together.
const MAX_REPLAYED: usize = 10_000;

/// Every document of a file. The error says where, and quotes nothing.
pub(super) fn documents<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, String> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_reader_input_bytes: Some(super::MAX_FILE),
            max_events: 2 * MAX_NODES,
            max_nodes: MAX_NODES,
            max_total_scalar_bytes: super::MAX_FILE,
            // Lockfiles are written by programs, and none uses any of these.
            max_aliases: 100,
            max_anchors: 100,
            max_merge_keys: 100,
            max_depth: 64,
            max_documents: 8,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MAX_REPLAYED,
            max_replay_stack_depth: 16,
            max_alias_expansions_per_anchor: 100,
        },
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::LastWins,
        with_snippet: false,
    };
    serde_saphyr::from_multiple_with_options(text, options).map_err(|error| match error.location() {
        Some(place) => format!("line {}, column {}", place.line(), place.column()),
        None => "it is not YAML, or too large".to_owned(),
    })
}
