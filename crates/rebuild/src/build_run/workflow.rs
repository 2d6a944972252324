//! What the repository's workflows run before they publish: the commands that may make files.

use serde_json::Value;

use npm_pack::tree::{NodeKind, Tree};
use npm_spec::path::join;

use super::commands::{change_of_folder, commands, is_useful};

/// Most workflow files that are read, and the largest, in bytes.
const MAX_FILES: usize = 64;
const MAX_FILE: usize = 256 << 10;

/// A command of a workflow, and the folder of the repository in which it is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The folder, `""` for the root.
    pub directory: String,
    /// The command, as a shell would read it.
    pub text: String,
}

/// The commands of publishing workflows that may make files, in their order; those of workflows
/// that are named so first.
pub fn lines(tree: &dyn Tree) -> Vec<Line> {
    let mut found: Vec<(bool, Vec<Line>)> = Vec::new();
    // Where the folder cannot be read, no workflow says anything.
    for node in tree.list(".github/workflows").unwrap_or_default().into_iter().take(MAX_FILES) {
        let extension = std::path::Path::new(&node.name).extension().and_then(std::ffi::OsStr::to_str);
        let is_yaml = matches!(extension, Some("yml" | "yaml"));
        if !is_yaml || !matches!(node.kind, NodeKind::File { .. }) {
            continue;
        }
        let Some(bytes) = tree.read(&format!(".github/workflows/{}", node.name)).filter(|bytes| bytes.len() <= MAX_FILE) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        // A workflow that is not YAML tells nothing.
        let Some(workflow) = npm_spec::yaml::settings::<Value>(&text) else { continue };
        let runs = runs(&workflow);
        let publishes = runs.iter().any(|(_, run)| run.contains("publish") || run.contains("semantic-release"))
            || text.contains("changesets/action")
            || text.contains("NPM_TOKEN")
            || text.contains("NODE_AUTH_TOKEN");
        if publishes {
            let lines = runs.iter().flat_map(|(directory, run)| of_one_run(directory, run)).collect();
            found.push((node.name.contains("publish") || node.name.contains("release"), lines));
        }
    }
    found.sort_by_key(|(named, _)| !named);
    let mut lines: Vec<Line> = Vec::new();
    for line in found.into_iter().flat_map(|(_, lines)| lines) {
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

/// The texts that a workflow's steps run, each with its folder.
fn runs(workflow: &Value) -> Vec<(&str, &str)> {
    let mut runs = Vec::new();
    for (_, job) in workflow.get("jobs").and_then(Value::as_object).into_iter().flatten() {
        let everywhere = defaults(job).or_else(|| defaults(workflow));
        for step in job.get("steps").and_then(Value::as_array).into_iter().flatten() {
            if let Some(run) = step.get("run").and_then(Value::as_str) {
                runs.push((folder(step).or(everywhere).unwrap_or_default(), run));
            }
        }
    }
    runs
}

/// The folder in which a step is run.
fn folder(step: &Value) -> Option<&str> {
    step.get("working-directory").and_then(Value::as_str)
}

/// The folder in which the steps of a job or of a workflow are run where they do not say.
fn defaults(of: &Value) -> Option<&str> {
    of.get("defaults").and_then(|defaults| defaults.get("run")).and_then(folder)
}

/// The useful commands of one text. What an expression of the workflow is part of is not known
/// here, and so left out, as is all that follows a change of folder that cannot be followed.
fn of_one_run(directory: &str, run: &str) -> Vec<Line> {
    let Some(mut directory) = normal_path(directory) else { return Vec::new() };
    let mut lines = Vec::new();
    for command in commands(run) {
        if let Some(path) = change_of_folder(&command) {
            let Some(next) = normal_path(&join(&directory, path)) else { break };
            directory = next;
        } else if command.starts_with("cd ") {
            break;
        } else if !command.contains("${{") && is_useful(&command) {
            lines.push(Line { directory: directory.clone(), text: command });
        }
    }
    lines
}

/// A path below the checkout without `.` and `..`; `None` for one that leads out.
pub(super) fn normal_path(path: &str) -> Option<String> {
    if path.trim_matches(['.', '/']).is_empty() && !path.contains("..") {
        return Some(String::new());
    }
    npm_pack::list::normal_path(path)
}

#[cfg(test)]
mod tests {
    use npm_pack::tree::MemoryTree;

    use super::*;

    #[test]
    fn commands_of_workflows_that_publish_are_found_and_of_others_not() {
        let publish = "on: push\njobs:\n  a:\n    steps:\n      - uses: actions/checkout@v4\n      - run: |\n          npm ci\n          npm run build:wasm\n          make dist\n          npm publish\n      - run: npm run x -- ${{ github.ref }}\n";
        let test = "jobs:\n  a:\n    steps:\n      - run: npm run build:test\n";
        let tree = MemoryTree::new()
            .file(".github/workflows/release.yml", publish)
            .file(".github/workflows/test.yml", test)
            .file(".github/workflows/odd.yml", "a: [");
        let at_root = |text: &str| Line { directory: String::new(), text: text.to_owned() };
        assert_eq!(lines(&tree), [at_root("npm run build:wasm"), at_root("make dist")]);
    }

    #[test]
    fn folders_are_followed_within_the_repository() {
        let line = |directory: &str, text: &str| Line { directory: directory.to_owned(), text: text.to_owned() };
        assert_eq!(of_one_run("", "cd packages/a && make\nnode x.js"), [line("packages/a", "make"), line("packages/a", "node x.js")]);
        assert_eq!(of_one_run("./p", "make"), [line("p", "make")]);
        assert!(of_one_run("", "cd ../.. && make").is_empty());
        assert!(of_one_run("", "cd $X && make").is_empty());
        assert!(of_one_run("../out", "make").is_empty());
    }
}
