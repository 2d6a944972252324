//! Which scripts a build runs, and in which order: the cheapest and likeliest first.
//!
//! After each step the package is compared, so the order decides only about time. What a publisher
//! runs is, mostly: a build; then what the client runs before it packs (prepack, prepublishOnly,
//! prepublish); in a workspace the packages that are needed first, or the root's own build; and
//! else what the release script or the publishing workflow calls.

use std::collections::BTreeSet;

use npm_pack::tree::Tree;
use npm_spec::tool::Kind;
use recipe::Step;

use super::commands::{commands, in_shell, is_useful};
use super::project::{Package, Project};
use super::{own, runners, semantic_release, workflow};

/// Longest text that names a step, in characters.
const MAX_NAME: usize = 60;
/// Most scripts that are run for one package.
const MAX_STEPS: usize = 24;

/// What publishing clients run before they pack, likeliest to be all that is needed first.
const LIFECYCLE: [&str; 4] = ["prepack", "prepublishOnly", "prepublish", "prepare"];
/// Names under which builds are found where there is no `build`.
const BUILD_NAMES: [&str; 16] = [
    "compile",
    "dist",
    "bundle",
    "transpile",
    "build:all",
    "build:prod",
    "build:production",
    "build:release",
    "build:dist",
    "build:lib",
    "build-all",
    "build-dist",
    "make",
    "rollup",
    "webpack",
    "tsc",
];
/// Scripts from which a release is made by hand: what they call before they publish is worth
/// running.
const RELEASE_NAMES: [&str; 12] = [
    "release",
    "publish",
    "prerelease",
    "preversion",
    "version",
    "ci:publish",
    "ci:release",
    "release:ci",
    "publish:ci",
    "changeset:publish",
    "publish-packages",
    "deploy",
];
/// Words in a script's name that say that it makes nothing that is published.
const USELESS: [&str; 22] = [
    "test",
    "lint",
    "watch",
    "serve",
    "start",
    "dev",
    "docs",
    "doc",
    "coverage",
    "check",
    "format",
    "prettier",
    "publish",
    "release",
    "bench",
    "clean",
    "example",
    "examples",
    "demo",
    "storybook",
    "website",
    "e2e",
];

/// The steps after the installation, in order; `version` is the published one.
pub(super) fn steps(tree: &dyn Tree, project: &Project, directory: &str, manager: Kind, version: &str) -> Vec<Step> {
    let workflow = workflow::lines(tree);
    let called: Vec<String> = workflow.iter().flat_map(|line| called_scripts(&line.text)).collect();
    let mut plan = Plan { manager, project, steps: Vec::new(), seen: BTreeSet::new() };
    let empty = Package::default();
    let root = project.at("").unwrap_or(&empty);
    let own = project.at(directory).unwrap_or(&empty);
    if directory.is_empty() {
        plan.add_build(own);
    } else {
        // Without what it needs, the package's own build is a guess that costs little; with it, it
        // is what a workspace's runner does, whichever that is.
        for needed in project.needed_by(directory) {
            plan.add_build(needed);
        }
        plan.add_build(own);
    }
    // What a task says to be the build of a publication begins anew, mostly: a build of every day
    // before it would be for nothing, and where a task takes minutes there is no time for both.
    for package in [own, root] {
        plan.steps.extend(runners::steps(tree, package).into_iter().filter(runners::is_a_publications_build));
    }
    if !directory.is_empty() {
        plan.add_build(root);
    }
    for name in LIFECYCLE {
        plan.add(own, name);
    }
    for name in &called {
        plan.add_useful(root, name);
        plan.add_useful(own, name);
    }
    plan.steps.extend(semantic_release::steps(tree, directory, manager, version));
    for package in [own, root] {
        for name in RELEASE_NAMES {
            for called in package.scripts.get(name).map(|text| called_scripts(text)).into_iter().flatten() {
                plan.add_useful(package, &called);
            }
        }
        for name in package.scripts.keys().filter(|name| name.starts_with("build") || name.starts_with("compile")) {
            plan.add_useful(package, name);
        }
    }
    if !directory.is_empty() {
        for name in ["prepublishOnly", "prepack", "prepublish", "prepare"] {
            plan.add(root, name);
        }
    }
    // A task that has the name of a script is that script, mostly; else it comes last, with what a
    // workflow runs by itself.
    for package in [own, root] {
        plan.steps.extend(runners::steps(tree, package));
    }
    for line in workflow {
        let is_script = called_scripts(&line.text).iter().any(|name| root.scripts.contains_key(name) || own.scripts.contains_key(name));
        if !is_script {
            plan.steps.push(piece(manager, &line.directory, &line.text));
        }
    }
    for package in [own, root] {
        plan.steps.extend(runners::programs(tree, package).iter().map(|text| piece(manager, &package.directory, text)));
    }
    let mut seen = BTreeSet::new();
    plan.steps.retain(|step| seen.insert((step.directory.clone(), step.command.clone())));
    plan.steps.truncate(MAX_STEPS);
    plan.steps
}

/// What is done in place of a step that failed: the useful commands of a script one by one, or a
/// runner's task that goes on. What stands behind a lint, a check of types or a download that
/// cannot be done here may still be done.
pub(super) fn pieces(project: &Project, step: &Step, manager: Kind) -> Vec<Step> {
    if let Some(step) = runners::going_on(step) {
        return vec![step];
    }
    let [_, run, script] = step.command.as_slice() else { return Vec::new() };
    let text = project.at(&step.directory).filter(|_| run == "run").and_then(|package| package.scripts.get(script));
    let commands = text.map(|text| commands(text)).unwrap_or_default();
    if commands.len() < 2 {
        return Vec::new();
    }
    commands.iter().filter(|command| is_useful(command)).map(|command| piece(manager, &step.directory, command)).collect()
}

/// The steps that a step which succeeded has run itself: the scripts of its package that its script
/// calls, one by one or through others.
pub(super) fn within(project: &Project, step: &Step) -> Vec<Step> {
    let [program, run, script] = step.command.as_slice() else { return Vec::new() };
    let Some(package) = project.at(&step.directory).filter(|_| run == "run") else { return Vec::new() };
    let (mut todo, mut seen) = (vec![script.clone()], BTreeSet::new());
    while let Some(name) = todo.pop() {
        // Behind `||` stands what is run in another case.
        let text = package.scripts.get(&name).filter(|text| !text.contains("||"));
        let called = text.map(|text| called_scripts(text)).unwrap_or_default();
        todo.extend(called.into_iter().filter(|name| package.scripts.contains_key(name) && seen.insert(name.clone())));
    }
    let command = |name| vec![program.clone(), run.clone(), name];
    seen.into_iter().map(|name| Step { name: String::new(), directory: step.directory.clone(), command: command(name) }).collect()
}

/// Whether two steps run the same.
pub(super) fn same(one: &Step, other: &Step) -> bool {
    one.directory == other.directory && one.command == other.command
}

/// A command line as a step.
pub(super) fn piece(manager: Kind, directory: &str, text: &str) -> Step {
    let place = if directory.is_empty() { String::new() } else { format!(" in {directory}") };
    let name: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_NAME).collect();
    Step { name: format!("{name}{place}"), directory: directory.to_owned(), command: in_shell(manager, text) }
}

struct Plan<'a> {
    manager: Kind,
    project: &'a Project,
    steps: Vec<Step>,
    seen: BTreeSet<(String, String)>,
}

impl Plan<'_> {
    /// A script, behind those of the package that the workspace's runner would run first.
    fn add(&mut self, package: &Package, script: &str) {
        if makes_files(package, script) && self.seen.insert((package.directory.clone(), script.to_owned())) {
            for first in self.project.runs_before(script) {
                self.add(package, first);
            }
            let place = if package.directory.is_empty() { String::new() } else { format!(" in {}", package.directory) };
            self.steps.push(Step {
                name: format!("{script}{place}"),
                directory: package.directory.clone(),
                command: run_script(self.manager, script),
            });
        }
    }

    fn add_useful(&mut self, package: &Package, script: &str) {
        let mut words = script.split(|c: char| !c.is_ascii_alphanumeric());
        if !words.any(|word| USELESS.contains(&word)) {
            self.add(package, script);
        }
    }

    /// The package's build, under the first name that it has.
    fn add_build(&mut self, package: &Package) {
        let name = std::iter::once("build").chain(BUILD_NAMES).find(|name| package.scripts.contains_key(*name));
        if let Some(name) = name {
            self.add(package, name);
        } else if let Some(name) = ["prepack", "prepublishOnly", "prepublish", "prepare"].iter().find(|name| makes_files(package, name)) {
            self.add(package, name);
        }
    }
}

/// Whether a package has a script of this name that may make files.
fn makes_files(package: &Package, script: &str) -> bool {
    package.scripts.get(script).is_some_and(|text| !text.trim().is_empty() && !own::only_calls_it(text))
}

/// The command that runs a script of the package.json in the current folder.
pub(super) fn run_script(manager: Kind, script: &str) -> Vec<String> {
    let program = match manager {
        Kind::Yarn | Kind::Berry => "yarn",
        Kind::Pnpm => "pnpm",
        Kind::Bun => "bun",
        Kind::Npm | Kind::Node => "npm",
    };
    [program, "run", script].map(str::to_owned).into()
}

/// The scripts that a command line runs by a package manager: `npm run x`, `yarn x`, `pnpm run x`,
/// in their order.
pub(super) fn called_scripts(text: &str) -> Vec<String> {
    let mut called = Vec::new();
    let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || "&|;()\"'`".contains(c)).filter(|word| !word.is_empty()).collect();
    let mut rest = words.as_slice();
    while let [word, after @ ..] = rest {
        rest = after;
        if !matches!(*word, "npm" | "yarn" | "pnpm" | "bun" | "npm.cmd") {
            continue;
        }
        let name = match after {
            ["run" | "run-script", name, ..] => Some(*name),
            // npm has no short form for other scripts; yarn and pnpm take any script's name.
            [name, ..] if *word != "npm" => Some(*name),
            _ => None,
        };
        called.extend(
            name.filter(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":-_./".contains(&byte))).map(str::to_owned),
        );
    }
    called
}

#[cfg(test)]
mod tests {
    use npm_pack::tree::MemoryTree;

    use super::*;

    fn plan(root: &str, own: Option<&str>, workflow: &str) -> Vec<String> {
        let mut tree = MemoryTree::new().file("package.json", root);
        if !workflow.is_empty() {
            let runs = format!("jobs:\n  a:\n    steps:\n      - run: |\n          {workflow}\n          npm publish\n");
            tree = tree.file(".github/workflows/publish.yml", runs);
        }
        let mut dirs = vec![String::new()];
        if let Some(own) = own {
            tree = tree.file("p/a/package.json", own).file("p/b/package.json", r#"{"name":"b","scripts":{"build":"tsc"}}"#);
            dirs.extend(["p/a".to_owned(), "p/b".to_owned()]);
        }
        let project = Project::read(&tree, &dirs);
        let directory = if own.is_some() { "p/a" } else { "" };
        steps(&tree, &project, directory, Kind::Npm, "1.0.0").into_iter().map(|step| step.name).collect()
    }

    #[test]
    fn what_the_runner_of_the_workspace_runs_first_is_run_first() {
        let own = r#"{"name":"a","scripts":{"compile":"tsc","version":"node v.js","codegen":"node c.js"}}"#;
        for (file, text) in [
            (
                "nx.json",
                r#"{"targetDefaults":{"compile":{"dependsOn":["version","^compile",{"target":"x"}]},"version":{"dependsOn":["codegen","compile"]}}}"#,
            ),
            ("turbo.json", r#"{"tasks":{"compile":{"dependsOn":["b#build","version"]},"version":{"dependsOn":["codegen"]}}}"#),
            ("turbo.json", r#"{"pipeline":{"compile":{"dependsOn":["version"]},"version":{"dependsOn":["codegen"]}}}"#),
        ] {
            let tree = MemoryTree::new()
                .file("package.json", r#"{"name":"r","workspaces":["p/*"]}"#)
                .file("p/a/package.json", own)
                .file(file, text);
            let project = Project::read(&tree, &[String::new(), "p/a".to_owned()]);
            let names: Vec<_> = steps(&tree, &project, "p/a", Kind::Npm, "1.0.0").into_iter().map(|step| step.name).collect();
            assert_eq!(names, ["codegen in p/a", "version in p/a", "compile in p/a"], "{text}");
        }
    }

    #[test]
    fn the_build_comes_before_what_also_tests() {
        let steps = plan(r#"{"scripts":{"prepublishOnly":"npm test && npm run build","build":"tsc","test":"jest"}}"#, None, "");
        assert_eq!(steps, ["build", "prepublishOnly"]);
    }

    #[test]
    fn in_a_workspace_what_is_needed_is_built_first_and_the_root_last() {
        let root = r#"{"name":"root","scripts":{"build":"turbo run build"}}"#;
        let own = r#"{"name":"a","scripts":{"build":"tsc","prepack":"x"},"dependencies":{"b":"*"}}"#;
        assert_eq!(plan(root, Some(own), ""), ["build in p/b", "build in p/a", "build", "prepack in p/a"]);
    }

    #[test]
    fn a_task_that_builds_for_a_publication_comes_before_the_roots_build() {
        let tree = MemoryTree::new()
            .file("package.json", r#"{"name":"r","workspaces":["p/*"],"scripts":{"build":"make build"}}"#)
            .file("Makefile", "build:\n\tx\nprepublish-build:\n\tx\nprepublish:\n\tx\n")
            .file("p/a/package.json", r#"{"name":"a","scripts":{"build":"tsc"}}"#);
        let project = Project::read(&tree, &[String::new(), "p/a".to_owned()]);
        let of = |directory| steps(&tree, &project, directory, Kind::Npm, "1.0.0").into_iter().map(|step| step.name).collect::<Vec<_>>();
        assert_eq!(of("p/a"), ["build in p/a", "make prepublish-build", "build", "make build", "make prepublish"]);
        assert_eq!(of(""), ["build", "make prepublish-build", "make build", "make prepublish"]);
    }

    #[test]
    fn what_a_release_calls_is_run_but_neither_tests_nor_the_publishing_itself() {
        let root = r#"{"scripts":{"release":"npm run lint && npm run make-dist && npm publish","make-dist":"x","lint":"y"}}"#;
        assert_eq!(plan(root, None, ""), ["make-dist"]);
        let root = r#"{"scripts":{"wasm":"x","test:ci":"y"}}"#;
        assert_eq!(plan(root, None, "npm run wasm; npm run test:ci; node x.js"), ["wasm", "node x.js"]);
    }

    #[test]
    fn of_a_script_that_failed_the_useful_commands_are_run_alone() {
        let root = r#"{"scripts":{"build":"npm run lint && tsc -p . && cp a dist/","one":"tsc"}}"#;
        let project = Project::read(&MemoryTree::new().file("package.json", root), &[String::new()]);
        let names = |script: &str| -> Vec<String> {
            let step = Step { name: script.into(), directory: String::new(), command: run_script(Kind::Npm, script) };
            pieces(&project, &step, Kind::Npm).into_iter().map(|step| step.name).collect()
        };
        assert_eq!(names("build"), ["tsc -p .", "cp a dist/"]);
        assert_eq!(names("one"), Vec::<String>::new());
    }

    #[test]
    fn what_a_script_has_called_is_not_run_again() {
        let root =
            r#"{"scripts":{"build":"npm run js && npm run all","all":"npm run ts","ts":"tsc","js":"x","odd":"npm run ts || npm run js"}}"#;
        let project = Project::read(&MemoryTree::new().file("package.json", root), &[String::new()]);
        let called = |script: &str| -> Vec<String> {
            let step = Step { name: script.into(), directory: String::new(), command: run_script(Kind::Npm, script) };
            within(&project, &step).into_iter().filter_map(|step| step.command.into_iter().nth(2)).collect()
        };
        assert_eq!(called("build"), ["all", "js", "ts"]);
        assert_eq!(called("odd"), Vec::<String>::new());
    }

    #[test]
    fn scripts_are_found_in_command_lines() {
        assert_eq!(called_scripts("npm ci && npm run build:all; yarn docs && pnpm run 'x' && npm publish"), ["build:all", "docs", "x"]);
        assert_eq!(called_scripts("yarn $(rm -rf /)"), Vec::<String>::new());
    }
}
