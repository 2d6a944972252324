//! What the repository's workflows run before they publish: script names, and nothing else of them.

use serde_json::Value;

use super::steps::called_scripts;
use crate::pack::tree::{NodeKind, Tree};

/// Most workflow files that are read, and the largest, in bytes.
const MAX_FILES: usize = 64;
const MAX_FILE: usize = 256 << 10;

/// The scripts that publishing workflows call, in their order; those of workflows that publish first.
pub(super) fn scripts(tree: &dyn Tree) -> Vec<String> {
    let mut found: Vec<(bool, Vec<String>)> = Vec::new();
    for node in tree.list(".github/workflows").into_iter().take(MAX_FILES) {
        let extension = std::path::Path::new(&node.name).extension().and_then(std::ffi::OsStr::to_str);
        let is_yaml = matches!(extension, Some("yml" | "yaml"));
        if !is_yaml || !matches!(node.kind, NodeKind::File { .. }) {
            continue;
        }
        let Some(bytes) = tree.read(&format!(".github/workflows/{}", node.name)).filter(|bytes| bytes.len() <= MAX_FILE) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        // A workflow that is not YAML tells nothing.
        let Ok(workflow) = serde_saphyr::from_str::<Value>(&text) else { continue };
        let runs = runs(&workflow);
        let publishes = runs.iter().any(|run| run.contains("publish") || run.contains("semantic-release"))
            || text.contains("changesets/action")
            || text.contains("NPM_TOKEN")
            || text.contains("NODE_AUTH_TOKEN");
        if publishes {
            let scripts = runs.iter().flat_map(|run| called_scripts(run)).collect();
            found.push((node.name.contains("publish") || node.name.contains("release"), scripts));
        }
    }
    found.sort_by_key(|(named, _)| !named);
    let mut scripts: Vec<String> = Vec::new();
    for script in found.into_iter().flat_map(|(_, scripts)| scripts) {
        if !scripts.contains(&script) {
            scripts.push(script);
        }
    }
    scripts
}

/// The command lines of a workflow's steps.
fn runs(workflow: &Value) -> Vec<&str> {
    let jobs = workflow.get("jobs").and_then(Value::as_object).into_iter().flatten();
    let steps = jobs.filter_map(|(_, job)| job.get("steps").and_then(Value::as_array)).flatten();
    steps.filter_map(|step| step.get("run").and_then(Value::as_str)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::tree::MemoryTree;

    #[test]
    fn scripts_of_workflows_that_publish_are_found_and_of_others_not() {
        let publish = "on: push\njobs:\n  a:\n    steps:\n      - uses: actions/checkout@v4\n      - run: |\n          npm ci\n          npm run build:wasm\n          npm publish\n";
        let test = "jobs:\n  a:\n    steps:\n      - run: npm run build:test\n";
        let tree = MemoryTree::new()
            .file(".github/workflows/release.yml", publish)
            .file(".github/workflows/test.yml", test)
            .file(".github/workflows/odd.yml", "a: [");
        assert_eq!(scripts(&tree), ["build:wasm"]);
    }
}
