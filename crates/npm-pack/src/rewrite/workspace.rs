//! What lies around a package and counts for how a client rewrites it: the other packages of its
//! repository, the catalogs, the licence at the root, the files in which tools are set up.
//!
//! In: the repository as a tree, from its root. Out: a [`Workspace`]. Files are named first and
//! read afterwards, so that a caller whose contents are far away can fetch them in one go.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use npm_spec::path::join;

use super::json::{self, Object};
use crate::glob::{Dialect, Fuel, Options, Pattern, Subject};
use crate::tree::{Node, NodeKind, Tree};

/// More packages than this in one repository are not looked at.
const MAX_MEMBERS: usize = 4_000;
/// Deepest folder that a package is looked for in.
const MAX_DEPTH: usize = 12;
/// More folders than this are not looked through for packages: a build can leave millions.
const MAX_FOLDERS: usize = 200_000;
/// The work that matching the workspace's patterns may cost.
const FUEL: u64 = 50_000_000;

/// The files of the root that say what the workspace is.
const ROOT_FILES: [&str; 5] = ["package.json", "pnpm-workspace.yaml", ".yarnrc.yml", "lerna.json", "pnpm-workspace.yml"];
/// The files in which tools are set up that rewrite package.json, in the package's folder or above
/// it.
const TOOL_FILES: [&str; 3] = [".clean-publish", ".clean-publish.json", "clean-package.config.json"];
/// Where the workflows are whose actions may do the same.
const WORKFLOWS: &str = ".github/workflows";
/// Most workflows that are read, and the largest, in bytes.
const MAX_WORKFLOWS: usize = 32;
const MAX_WORKFLOW: usize = 256 << 10;

/// What lies around a package.
#[derive(Debug, Clone, Default)]
pub struct Workspace {
    /// The published version.
    pub version: String,
    /// The commit's id, as lerna writes it into package.json.
    pub git_head: String,
    /// The package's folder, `""` for the root.
    pub directory: String,
    /// The repository's packages by name.
    pub(super) members: BTreeMap<String, Member>,
    /// Ranges by catalog and by the dependency's name; the default catalog's name is empty.
    pub(super) catalogs: BTreeMap<String, BTreeMap<String, String>>,
    /// Files of the root by name: those that may be copied into the package.
    pub(super) licenses: BTreeMap<String, Vec<u8>>,
    /// Whether the root has a `pnpm-workspace.yaml`.
    pub(super) pnpm: bool,
    /// Whether the root has a `lerna.json`.
    pub(super) lerna: bool,
    /// The package's own README.md, as text.
    pub(super) readme: Option<String>,
    /// Tools' settings by file name; the nearest file counts.
    pub(super) settings: BTreeMap<&'static str, Object>,
    /// The package.json of the root, where the package is not the root.
    pub(super) root_manifest: Option<Object>,
    /// The actions that the repository's workflows use.
    pub(super) actions: Vec<Action>,
}

/// A step of a workflow that uses an action.
#[derive(Debug, Clone)]
pub(super) struct Action {
    /// The action: owner, name, `@` and what is checked out of it.
    pub(super) uses: String,
    /// What it is given.
    pub(super) with: Object,
}

/// A package of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) version: Option<String>,
    pub(super) directory: String,
}

impl Workspace {
    /// Surroundings in which there is nothing.
    pub fn new(version: &str, git_head: &str, directory: &str) -> Self {
        Self { version: version.to_owned(), git_head: git_head.to_owned(), directory: directory.to_owned(), ..Self::default() }
    }

    /// The files that [`Workspace::read_root`] reads.
    pub fn root_files(&self, root: &dyn Tree) -> Vec<String> {
        let here = nodes(root, "");
        let files = |dir: &str, wanted: &dyn Fn(&str) -> bool| -> Vec<String> {
            let nodes = nodes(root, dir).into_iter().filter(|node| matches!(node.kind, NodeKind::File { .. }) && wanted(&node.name));
            nodes.map(|node| join(dir, &node.name)).collect()
        };
        let mut wanted: BTreeSet<String> =
            here.iter().filter(|node| ROOT_FILES.contains(&node.name.as_str())).map(|node| node.name.clone()).collect();
        if !self.directory.is_empty() {
            wanted.extend(files("", &is_license));
        }
        wanted.extend(files(&self.directory, &|name| name.eq_ignore_ascii_case("readme.md")));
        for dir in self.folders_up() {
            wanted.extend(files(dir, &|name| TOOL_FILES.contains(&name)));
        }
        wanted.extend(workflows(root));
        wanted.into_iter().collect()
    }

    /// Reads what the root says, and returns the package.json files that
    /// [`Workspace::read_members`] reads.
    pub fn read_root(&mut self, root: &dyn Tree) -> Vec<String> {
        let object = |path: &str| root.read(path).and_then(|bytes| json::parse(&bytes));
        let pnpm: Option<PnpmWorkspace> = ["pnpm-workspace.yaml", "pnpm-workspace.yml"].iter().find_map(|path| yaml(root, path));
        self.pnpm = nodes(root, "").iter().any(|node| node.name == "pnpm-workspace.yaml");
        let lerna = object("lerna.json");
        self.lerna = lerna.is_some();
        let manifest = object("package.json");
        let mut patterns = pnpm.as_ref().map(|found| found.packages.clone()).unwrap_or_default();
        if let Some(pnpm) = pnpm {
            self.add_catalogs(pnpm.catalog, pnpm.catalogs);
        }
        if let Some(yarn) = yaml::<YarnSettings>(root, ".yarnrc.yml") {
            self.add_catalogs(yarn.catalog, yarn.catalogs);
        }
        if let Some(manifest) = &manifest {
            patterns.extend(self.bun_workspaces(manifest));
        }
        patterns.extend(lerna.as_ref().map(|lerna| strings(lerna.get("packages"))).unwrap_or_default());
        self.read_files(root);
        if !self.directory.is_empty() {
            self.root_manifest = manifest;
        }
        member_manifests(root, &patterns)
    }

    /// Reads the repository's packages. Of several with one name the first of the list counts. A
    /// version that npm would not take as it is counts for none: clients write it into a range as
    /// it stands, and `npm:other@1.0.0` or an address leads to another package.
    pub fn read_members(&mut self, root: &dyn Tree, manifests: &[String]) {
        for path in manifests {
            let Some(object) = root.read(path).and_then(|bytes| json::parse(&bytes)) else { continue };
            let Some(name) = json::text(&object, "name") else { continue };
            let directory = path.rsplit_once('/').map_or("", |(dir, _)| dir).to_owned();
            let version = json::text(&object, "version").filter(|text| is_plain_version(text)).map(str::to_owned);
            self.members.entry(name.to_owned()).or_insert(Member { version, directory });
        }
    }

    /// Whether a package.json refers to other packages of its repository.
    pub fn concerns(manifest: &[u8]) -> bool {
        String::from_utf8_lossy(manifest).contains("workspace:")
    }

    /// Whether a file at the root is one for people, which is packed or read as it is and tells no
    /// client how to pack: a licence or a README.md.
    pub fn is_text(path: &str) -> bool {
        !path.contains('/') && (is_license(path) || path.eq_ignore_ascii_case("readme.md"))
    }

    /// A package by its folder.
    pub(super) fn member_in(&self, directory: &str) -> Option<(&str, &Member)> {
        self.members.iter().find(|(_, member)| member.directory == directory).map(|(name, member)| (name.as_str(), member))
    }

    /// The folders from the package's own up to the root.
    fn folders_up(&self) -> Vec<&str> {
        let mut folders = vec![self.directory.as_str()];
        while let Some(dir) = folders.last().filter(|dir| !dir.is_empty()) {
            folders.push(dir.rsplit_once('/').map_or("", |(above, _)| above));
        }
        folders
    }

    fn read_files(&mut self, root: &dyn Tree) {
        let mut licenses = BTreeMap::new();
        if !self.directory.is_empty() {
            for node in nodes(root, "").into_iter().filter(|node| matches!(node.kind, NodeKind::File { .. }) && is_license(&node.name)) {
                if let Some(bytes) = root.read(&node.name) {
                    licenses.insert(node.name, bytes);
                }
            }
        }
        self.licenses = licenses;
        let readme = nodes(root, &self.directory).into_iter().find(|node| node.name.eq_ignore_ascii_case("readme.md"));
        let readme = readme.and_then(|node| root.read(&join(&self.directory, &node.name)));
        self.readme = readme.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let mut settings = BTreeMap::new();
        for dir in self.folders_up() {
            for name in TOOL_FILES {
                if !settings.contains_key(name)
                    && let Some(found) = root.read(&join(dir, name)).and_then(|bytes| json::parse(&bytes))
                {
                    settings.insert(name, found);
                }
            }
        }
        self.settings = settings;
        self.actions = workflows(root).iter().flat_map(|path| actions(root, path)).collect();
    }

    fn add_catalogs(&mut self, default: Catalog, named: BTreeMap<String, Catalog>) {
        for (name, entries) in named.into_iter().chain([(String::new(), default)]) {
            let name = if name == "default" { String::new() } else { name };
            self.catalogs.entry(name).or_default().extend(entries);
        }
    }

    /// `workspaces` of package.json: a list, or an object that holds the list and, for bun,
    /// catalogs.
    fn bun_workspaces(&mut self, manifest: &Object) -> Vec<String> {
        let workspaces = manifest.get("workspaces");
        for holder in [Some(manifest), workspaces.and_then(Value::as_object)].into_iter().flatten() {
            let catalog = holder.get("catalog").map(ranges).unwrap_or_default();
            let named = json::object(holder, "catalogs").into_iter().flatten();
            self.add_catalogs(catalog, named.map(|(name, entries)| (name.clone(), ranges(entries))).collect());
        }
        match workspaces {
            Some(Value::Object(object)) => strings(object.get("packages")),
            other => strings(other),
        }
    }
}

type Catalog = BTreeMap<String, String>;

/// What counts of a `pnpm-workspace.yaml`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PnpmWorkspace {
    packages: Vec<String>,
    catalog: Catalog,
    catalogs: BTreeMap<String, Catalog>,
}

/// What counts of a `.yarnrc.yml`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct YarnSettings {
    catalog: Catalog,
    catalogs: BTreeMap<String, Catalog>,
}

/// The entries of a folder; one that cannot be read says nothing of the workspace.
fn nodes(root: &dyn Tree, dir: &str) -> Vec<Node> {
    root.list(dir).unwrap_or_default()
}

/// The files of the workflows.
fn workflows(root: &dyn Tree) -> Vec<String> {
    let is_yaml = |name: &str| matches!(std::path::Path::new(name).extension().and_then(std::ffi::OsStr::to_str), Some("yml" | "yaml"));
    let nodes = nodes(root, WORKFLOWS).into_iter().filter(|node| matches!(node.kind, NodeKind::File { .. }) && is_yaml(&node.name));
    nodes.take(MAX_WORKFLOWS).map(|node| join(WORKFLOWS, &node.name)).collect()
}

/// The actions that a workflow uses. One that cannot be read tells nothing.
fn actions(root: &dyn Tree, path: &str) -> Vec<Action> {
    let text = root.read(path).filter(|bytes| bytes.len() <= MAX_WORKFLOW).and_then(|bytes| String::from_utf8(bytes).ok());
    let workflow: Value = text.and_then(|text| npm_spec::yaml::settings(&text)).unwrap_or_default();
    let jobs = workflow.get("jobs").and_then(Value::as_object).into_iter().flat_map(Object::values);
    let steps = jobs.filter_map(|job| job.get("steps")?.as_array()).flatten();
    let action = |step: &Value| {
        let with = step.get("with").and_then(Value::as_object).cloned().unwrap_or_default();
        Some(Action { uses: step.get("uses")?.as_str()?.to_owned(), with })
    };
    steps.filter_map(action).collect()
}

/// A document that cannot be read counts for nothing here: the client would not have packed, and no
/// recipe comes of it.
fn yaml<T: DeserializeOwned>(root: &dyn Tree, path: &str) -> Option<T> {
    let text = String::from_utf8(root.read(path)?).ok()?;
    npm_spec::yaml::settings(&text)
}

fn ranges(entries: &Value) -> Catalog {
    let entries = entries.as_object().into_iter().flatten();
    entries.filter_map(|(name, range)| Some((name.clone(), range.as_str()?.to_owned()))).collect()
}

fn strings(value: Option<&Value>) -> Vec<String> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Whether a text is one version as npm cleans it, whose build may stand behind a plus sign.
fn is_plain_version(text: &str) -> bool {
    let plain = text.split_once('+').map_or(text, |(version, _)| version);
    npm_spec::version::clean(text).as_deref() == Some(plain)
}

/// `LICEN{S,C}E{,.*}`, as pnpm and lerna look for it.
fn is_license(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    ["LICENSE", "LICENCE"].iter().any(|stem| upper.strip_prefix(stem).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}

/// The package.json files of the workspace, outer folders first; all of the repository where no
/// pattern says which.
fn member_manifests(root: &dyn Tree, patterns: &[String]) -> Vec<String> {
    let options = Options { dialect: Dialect::V9, nocase: false, match_base: false, prefixes: true };
    let fuel = Fuel::new(FUEL);
    let compiled: Vec<Pattern> =
        patterns.iter().filter_map(|text| fuel.compile(text.trim_end_matches('/').trim_start_matches("./"), options).ok()).collect();
    if fuel.is_empty() {
        return Vec::new();
    }
    let belongs = |dir: &str| {
        let parts: Vec<&str> = dir.split('/').collect();
        let subject = Subject { parts: &parts, leading: false, trailing: false };
        let hit = |negated: bool| compiled.iter().any(|one| one.negate == negated && one.matches(subject, false, &fuel));
        dir.is_empty() || compiled.is_empty() || (hit(false) && !hit(true))
    };
    let mut found = Vec::new();
    let mut folders = vec![(String::new(), 0_usize)];
    let mut seen = 0_usize;
    while let Some((dir, depth)) = folders.pop() {
        seen += 1;
        for node in nodes(root, &dir) {
            match node.kind {
                NodeKind::Dir if depth < MAX_DEPTH && !matches!(node.name.as_str(), "node_modules" | ".git") => {
                    folders.push((join(&dir, &node.name), depth + 1));
                }
                NodeKind::File { .. } if node.name == "package.json" && belongs(&dir) => found.push(join(&dir, &node.name)),
                _ => {}
            }
        }
        if fuel.is_empty() || seen > MAX_FOLDERS {
            return Vec::new();
        }
    }
    found.sort_by(|a, b| (a.matches('/').count(), a).cmp(&(b.matches('/').count(), b)));
    found.truncate(MAX_MEMBERS);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::MemoryTree;

    fn read(tree: &MemoryTree, directory: &str) -> Workspace {
        let mut workspace = Workspace::new("1.0.0", "", directory);
        let manifests = workspace.read_root(tree);
        workspace.read_members(tree, &manifests);
        workspace
    }

    fn package(name: &str, version: &str) -> String {
        format!(r#"{{"name":"{name}","version":"{version}"}}"#)
    }

    #[test]
    fn members_are_those_that_the_patterns_name() {
        let tree = MemoryTree::new()
            .file("pnpm-workspace.yaml", "packages:\n  - packages/*\n  - '!packages/not'\n")
            .file("packages/a/package.json", package("a", "1.2.3"))
            .file("packages/not/package.json", package("not", "1.0.0"))
            .file("test/fixtures/a/package.json", package("a", "9.9.9"))
            .file("packages/a/node_modules/c/package.json", package("c", "1.0.0"));
        let workspace = read(&tree, "packages/a");
        let names: Vec<_> = workspace.members.iter().map(|(name, one)| (name.as_str(), one.version.as_deref())).collect();
        assert_eq!(names, [("a", Some("1.2.3"))]);
        assert!(workspace.pnpm && !workspace.lerna);
    }

    #[test]
    fn without_patterns_every_package_is_a_member_and_outer_ones_win() {
        let tree = MemoryTree::new()
            .file("a/package.json", package("a", "1.0.0"))
            .file("a/test/package.json", package("a", "2.0.0"))
            .file("b/c/package.json", package("c", "3.0.0"));
        let workspace = read(&tree, "a");
        assert_eq!(workspace.members.get("a").and_then(|one| one.version.as_deref()), Some("1.0.0"));
        assert!(workspace.members.contains_key("c"));
    }

    #[test]
    fn catalogs_of_all_clients_are_read() {
        let tree = MemoryTree::new()
            .file("pnpm-workspace.yaml", "catalog:\n  a: ^1.0.0\ncatalogs:\n  old:\n    a: ^0.5.0\n  default:\n    z: '1'\n")
            .file(".yarnrc.yml", "catalog:\n  b: ^2.0.0\n")
            .file("package.json", r#"{"workspaces":{"packages":["p/*"],"catalog":{"c":"^3.0.0"},"catalogs":{"old":{"c":"1"}}}}"#);
        let workspace = read(&tree, "");
        let of = |catalog: &str| workspace.catalogs.get(catalog).cloned().unwrap_or_default().into_iter().collect::<Vec<_>>();
        let pair = |name: &str, range: &str| (name.to_owned(), range.to_owned());
        assert_eq!(of(""), [pair("a", "^1.0.0"), pair("b", "^2.0.0"), pair("c", "^3.0.0"), pair("z", "1")]);
        assert_eq!(of("old"), [pair("a", "^0.5.0"), pair("c", "1")]);
    }

    #[test]
    fn actions_of_workflows_are_read_with_what_they_are_given() {
        let text = "jobs:\n  a:\n    steps:\n      - run: x\n      - uses: o/clean@v1\n        with:\n          docs: true\n      - uses: o/other@v1\n  b: 7\n";
        let tree = MemoryTree::new()
            .file(".github/workflows/release.yml", text)
            .file(".github/workflows/odd.yaml", "jobs: [")
            .file(".github/workflows/notes.md", text);
        let found: Vec<_> = read(&tree, "").actions.into_iter().map(|one| (one.uses, one.with.len())).collect();
        assert_eq!(found, [("o/clean@v1".to_owned(), 1), ("o/other@v1".to_owned(), 0)]);
    }

    #[test]
    fn files_that_will_be_read_are_named_first() {
        let tree = MemoryTree::new()
            .file(".github/workflows/ci.yml", "")
            .file("LICENSE", "l")
            .file("licence.md", "l")
            .file("license-check.js", "l")
            .file("package.json", "{}")
            .file(".clean-publish", "{}")
            .file("p/a/README.md", "r")
            .file("p/a/package.json", "{}");
        let workspace = Workspace::new("1.0.0", "", "p/a");
        assert_eq!(
            workspace.root_files(&tree),
            [".clean-publish", ".github/workflows/ci.yml", "LICENSE", "licence.md", "p/a/README.md", "package.json"]
        );
    }
}
