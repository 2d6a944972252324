//! What the repository's GitHub workflows set up, those that publish first.

use serde_json::{Map, Value};

use super::files::Around;

const FOLDER: &str = ".github/workflows";
/// Most workflows that are read, and most steps and versions that are taken from each.
const MAX_WORKFLOWS: usize = 40;
const MAX_STEPS: usize = 200;
const MAX_VERSIONS: usize = 20;
/// Words that only a job has that publishes.
const PUBLISHING: &[&str] = &[
    "npm publish",
    "yarn publish",
    "pnpm publish",
    "bun publish",
    "lerna publish",
    "changeset publish",
    "changesets/action",
    "semantic-release",
    "release-it",
    "NODE_AUTH_TOKEN",
    "NPM_TOKEN",
    "npm-publish",
];

/// One step that sets up a tool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Setup {
    /// The workflow's path.
    pub(super) path: String,
    /// Whether its job publishes.
    pub(super) publishes: bool,
    /// The versions of Node, several for a matrix.
    pub(super) node: Vec<String>,
    /// The file that names Node's version.
    pub(super) node_file: Option<String>,
    /// A package manager and its version.
    pub(super) manager: Option<(&'static str, String)>,
}

/// Every step of every workflow that sets up Node or a package manager; what publishes first.
pub(super) fn setups(around: &Around<'_>) -> Vec<Setup> {
    let mut names = around.list(FOLDER);
    names.retain(|name| [".yml", ".yaml"].iter().any(|end| name.ends_with(end)) && !name.contains('/'));
    names.sort();
    let mut all: Vec<Setup> = Vec::new();
    for name in names.into_iter().take(MAX_WORKFLOWS) {
        let path = format!("{FOLDER}/{name}");
        if let Some(workflow) = around.text(&path).and_then(|text| yaml(&text)) {
            all.extend(in_workflow(&path, &workflow));
        }
    }
    all.sort_by_key(|setup| !setup.publishes);
    all
}

/// A YAML document as JSON.
pub(super) fn yaml(text: &str) -> Option<Value> {
    npm_spec::yaml::settings(text)
}

/// A scalar, or a list of them, as texts.
pub(super) fn texts(value: &Value) -> Vec<String> {
    let list = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
    list.iter().take(MAX_VERSIONS).filter_map(text).collect()
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn in_workflow(path: &str, workflow: &Value) -> Vec<Setup> {
    let jobs = workflow.get("jobs").and_then(Value::as_object);
    let mut all = Vec::new();
    for job in jobs.into_iter().flat_map(Map::values) {
        let words = job.to_string();
        let publishes = PUBLISHING.iter().any(|word| words.contains(word));
        let scope = Scope { workflow, job };
        let steps = job.get("steps").and_then(Value::as_array).into_iter().flatten();
        for step in steps.take(MAX_STEPS) {
            if let Some(setup) = scope.setup(step) {
                all.push(Setup { path: path.to_owned(), publishes, ..setup });
            }
        }
    }
    all
}

/// Where the expressions of a step are looked up.
struct Scope<'v> {
    workflow: &'v Value,
    job: &'v Value,
}

impl Scope<'_> {
    fn setup(&self, step: &Value) -> Option<Setup> {
        let action = step.get("uses")?.as_str()?.split('@').next()?;
        let with = |key: &str| step.get("with").and_then(|with| with.get(key)).map(|value| self.values(value)).unwrap_or_default();
        let manager = |name: &'static str, key: &str| {
            with(key).into_iter().next().map(|version| Setup { manager: Some((name, version)), ..Setup::default() })
        };
        match action {
            "actions/setup-node" => {
                let (node, file) = (with("node-version"), with("node-version-file").into_iter().next());
                let node_file = file.map(|file| file.trim_start_matches("./").to_owned());
                (!node.is_empty() || node_file.is_some()).then(|| Setup { node, node_file, ..Setup::default() })
            }
            "pnpm/action-setup" => manager("pnpm", "version"),
            "oven-sh/setup-bun" => manager("bun", "bun-version"),
            _ => None,
        }
    }

    /// A value, or what the expression in it stands for: `${{ matrix.node }}`, `${{
    /// env.NODE_VERSION }}`.
    fn values(&self, value: &Value) -> Vec<String> {
        let Some(expression) = value.as_str().and_then(|text| text.trim().strip_prefix("${{")?.strip_suffix("}}")) else {
            return texts(value);
        };
        let expression = expression.trim();
        let found = if let Some(key) = expression.strip_prefix("matrix.") {
            let matrix = self.job.get("strategy").and_then(|strategy| strategy.get("matrix"));
            let listed = matrix.and_then(|matrix| lookup(matrix, key)).map(texts).unwrap_or_default();
            let included = matrix.and_then(|matrix| matrix.get("include")).and_then(Value::as_array).into_iter().flatten();
            listed.into_iter().chain(included.filter_map(|entry| lookup(entry, key)).flat_map(texts)).take(MAX_VERSIONS).collect()
        } else if let Some(key) = expression.strip_prefix("env.") {
            let envs = [self.job.get("env"), self.workflow.get("env")];
            envs.into_iter().flatten().find_map(|env| env.get(key)).map(texts).unwrap_or_default()
        } else {
            Vec::new()
        };
        // An expression of an expression is not followed.
        found.into_iter().filter(|text: &String| !text.contains("${{")).collect()
    }
}

fn lookup<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    key.split('.').try_fold(value, |value, part| value.get(part))
}
