//! The packages of a repository and what depends on what, read from the manifests of a checkout.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use npm_pack::tree::Tree;
use npm_spec::manifest;
use npm_spec::path::join;

/// Most manifests that are read of one repository.
const MAX_MANIFESTS: usize = 2_000;
/// Largest settings of a runner that are read, in bytes.
const MAX_SETTINGS: usize = 1 << 20;

/// One package of the repository.
#[derive(Debug, Clone, Default)]
pub(super) struct Package {
    /// Its folder, `""` for the root.
    pub(super) directory: String,
    /// Its name.
    pub(super) name: String,
    /// Its scripts, by name.
    pub(super) scripts: BTreeMap<String, String>,
    /// The names of all it depends on, for whatever purpose.
    pub(super) dependencies: BTreeSet<String>,
    /// `publishConfig.directory`: the folder that pnpm, lerna and others publish instead.
    pub(super) publish_directory: Option<String>,
}

/// All packages of a repository.
#[derive(Debug, Default)]
pub(super) struct Project {
    packages: Vec<Package>,
    by_name: BTreeMap<String, usize>,
    /// lerna without workspaces links the packages itself (`lerna bootstrap`, lerna up to 6).
    pub(super) needs_bootstrap: bool,
    /// For a script those of the same package that the workspace's runner runs first.
    before: BTreeMap<String, Vec<String>>,
    /// An installation at the root is one for packages below it too.
    pub(super) has_members: bool,
}

impl Package {
    fn read(directory: &str, bytes: &[u8]) -> Option<Self> {
        let manifest: Value = manifest::read(bytes)?;
        let strings = |value: Option<&Value>| -> BTreeMap<String, String> {
            let pairs = value.and_then(Value::as_object).into_iter().flatten();
            pairs.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
        };
        let kinds = ["dependencies", "devDependencies", "peerDependencies", "optionalDependencies"];
        let publish = manifest.get("publishConfig").and_then(|config| config.get("directory"));
        Some(Self {
            directory: directory.to_owned(),
            name: manifest.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
            scripts: strings(manifest.get("scripts")),
            dependencies: kinds.iter().flat_map(|kind| strings(manifest.get(kind)).into_keys()).collect(),
            publish_directory: publish.and_then(Value::as_str).and_then(npm_pack::list::normal_path),
        })
    }
}

impl Project {
    /// Reads the manifests at `directories`, the folders that have one, shallow ones first.
    pub(super) fn read(tree: &dyn Tree, directories: &[String]) -> Self {
        let mut project = Self::default();
        let mut left = manifest::LARGEST_TOGETHER;
        for directory in directories.iter().take(MAX_MANIFESTS) {
            let Some(bytes) = tree.read(&join(directory, "package.json")) else { continue };
            let Some(package) = Package::read(directory, &bytes) else { continue };
            let Some(rest) = left.checked_sub(bytes.len() as u64) else { break };
            left = rest;
            if !package.name.is_empty() {
                project.by_name.entry(package.name.clone()).or_insert(project.packages.len());
            }
            project.packages.push(package);
        }
        let root: Option<Value> = tree.read("package.json").and_then(|bytes| manifest::read(&bytes));
        let workspaces = root.is_some_and(|root| root.get("workspaces").is_some());
        let (lerna, pnpm) = (tree.read("lerna.json").is_some(), tree.read("pnpm-workspace.yaml").is_some());
        project.needs_bootstrap = lerna && !workspaces && !pnpm;
        project.has_members = lerna || workspaces || pnpm;
        project.before = runs_before(tree);
        project
    }

    /// The scripts of the same package that the workspace's runner runs before this one.
    pub(super) fn runs_before(&self, script: &str) -> impl Iterator<Item = &str> {
        self.before.get(script).into_iter().flatten().map(String::as_str)
    }

    /// The package in a folder.
    pub(super) fn at(&self, directory: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.directory == directory)
    }

    /// The packages of this repository that one needs, those that are needed first before those
    /// that need them; the package itself is not among them. A circle is cut where it closes.
    pub(super) fn needed_by(&self, directory: &str) -> Vec<&Package> {
        let mut order = Vec::new();
        let mut seen = BTreeSet::new();
        if let Some(start) = self.packages.iter().position(|package| package.directory == directory) {
            self.visit(start, &mut seen, &mut order);
            order.retain(|at| *at != start);
        }
        order.into_iter().filter_map(|at| self.packages.get(at)).collect()
    }

    fn visit(&self, start: usize, seen: &mut BTreeSet<usize>, order: &mut Vec<usize>) {
        // A stack of its own: a hostile repository can chain two thousand packages.
        let mut stack = vec![(start, false)];
        while let Some((at, done)) = stack.pop() {
            if done {
                order.push(at);
                continue;
            }
            if !seen.insert(at) {
                continue;
            }
            stack.push((at, true));
            let names = self.packages.get(at).map(|package| &package.dependencies).into_iter().flatten();
            // Popped in reverse: pushed from the last, so that they come out in the order of their
            // names.
            let next: Vec<usize> = names.filter_map(|name| self.by_name.get(name).copied()).collect();
            stack.extend(next.into_iter().rev().filter(|at| !seen.contains(at)).map(|at| (at, false)));
        }
    }
}

/// `dependsOn` of nx (`targetDefaults` of nx.json) and turbo (`tasks` of turbo.json, `pipeline` up
/// to turbo 1): what has no `^` is a task of the same package; what that needs of others is built
/// before in any case.
fn runs_before(tree: &dyn Tree) -> BTreeMap<String, Vec<String>> {
    let mut before: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, member) in [("nx.json", "targetDefaults"), ("turbo.json", "tasks"), ("turbo.json", "pipeline")] {
        let Some(bytes) = tree.read(file).filter(|bytes| bytes.len() <= MAX_SETTINGS) else { continue };
        let Ok(document) = npm_spec::manifest::with_comments::<Value>(&bytes) else { continue };
        for (task, settings) in document.get(member).and_then(Value::as_object).into_iter().flatten() {
            let first = settings.get("dependsOn").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
            let of_the_same = first.filter(|name| !name.starts_with(['^', '$', '@']) && !name.contains('#'));
            before.entry(task.clone()).or_default().extend(of_the_same.map(str::to_owned));
        }
    }
    before
}

#[cfg(test)]
mod tests {
    use npm_pack::tree::MemoryTree;

    use super::*;

    fn project(packages: &[(&str, &str, &[&str])]) -> Project {
        let mut tree = MemoryTree::new().file("package.json", r#"{"name":"root","workspaces":["p/*"]}"#);
        let mut dirs = vec![String::new()];
        for (dir, name, needs) in packages {
            let needs: serde_json::Map<String, Value> = needs.iter().map(|name| ((*name).to_owned(), "*".into())).collect();
            let manifest = serde_json::json!({ "name": name, "devDependencies": needs });
            tree = tree.file(&format!("{dir}/package.json"), manifest.to_string());
            dirs.push((*dir).to_owned());
        }
        Project::read(&tree, &dirs)
    }

    #[test]
    fn what_is_needed_comes_before_what_needs_it() {
        let project = project(&[("p/a", "a", &["b", "c"]), ("p/b", "b", &["c", "left-pad"]), ("p/c", "c", &[])]);
        let names: Vec<_> = project.needed_by("p/a").into_iter().map(|package| package.name.as_str()).collect();
        assert_eq!(names, ["c", "b"]);
        assert!(project.needed_by("p/c").is_empty() && project.needed_by("p/none").is_empty());
    }

    #[test]
    fn tasks_that_run_first_are_read_from_settings_with_comments() {
        let turbo = "{ // tasks\n \"tasks\": { \"build\": { \"dependsOn\": [\"^build\", \"codegen\",], }, }, }";
        let nx = r#"{ "targetDefaults": { "build": { "dependsOn": ["styles"] } } } /* end */"#;
        let tree = MemoryTree::new().file("turbo.json", turbo).file("nx.json", nx);
        assert_eq!(runs_before(&tree)["build"], ["styles", "codegen"]);
    }

    #[test]
    fn a_circle_is_cut() {
        let project = project(&[("p/a", "a", &["b"]), ("p/b", "b", &["a"])]);
        assert_eq!(project.needed_by("p/a").len(), 1);
    }

    #[test]
    fn lerna_links_packages_only_where_no_package_manager_does() {
        let lerna = |manifest: &str| Project::read(&MemoryTree::new().file("package.json", manifest).file("lerna.json", "{}"), &[]);
        assert!(lerna("{}").needs_bootstrap);
        assert!(!lerna(r#"{"workspaces":["p/*"]}"#).needs_bootstrap);
    }

    #[test]
    fn a_publish_directory_outside_of_the_package_counts_for_nothing() {
        let read = |dir: &str| Package::read("", format!(r#"{{"publishConfig":{{"directory":"{dir}"}}}}"#).as_bytes()).unwrap();
        assert_eq!(read("./dist").publish_directory.as_deref(), Some("dist"));
        assert_eq!(read("../../etc").publish_directory, None);
    }
}
