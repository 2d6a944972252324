//! What makes declarations of types, where nothing else is missing.
//!
//! A task that makes a release builds everything once more, and types last: of a large workspace
//! that takes longer than there is time. A task that is for types alone makes the same files.

use npm_pack::tree::Tree;
use npm_spec::tool::Kind;
use npm_tarball::Comparison;
use recipe::Step;

use super::project::{Package, Project};
use super::runners;
use super::steps::run_script;

/// Words of which a script or task that makes declarations has one in its name.
const WORDS: [&str; 6] = ["dts", "types", "typings", "declarations", "declaration", "typedefs"];
/// Words that say that it makes nothing.
const IDLE: [&str; 8] = ["test", "tests", "lint", "watch", "clean", "check", "publish", "install"];
/// Most scripts and tasks that are run for one package.
const MOST: usize = 3;

/// Whether files are missing, all of them are declarations, and all others came out.
pub(super) fn are_all_that_is_missing(comparison: &Comparison) -> bool {
    comparison.changed.is_empty() && comparison.only_rebuilt.is_empty() && are_declarations(&comparison.only_published)
}

fn are_declarations(paths: &[String]) -> bool {
    let is_declaration = |path: &String| {
        let path = path.strip_suffix(".map").unwrap_or(path);
        [".d.ts", ".d.mts", ".d.cts"].iter().any(|end| path.ends_with(end))
    };
    !paths.is_empty() && paths.iter().all(is_declaration)
}

/// The scripts and tasks of a package and of the root that make declarations.
pub(super) fn steps(tree: &dyn Tree, project: &Project, directory: &str, manager: Kind) -> Vec<Step> {
    let packages = [directory, ""].map(|at| project.at(at));
    let mut steps: Vec<Step> = Vec::new();
    for package in packages.into_iter().flatten() {
        let scripts = package.scripts.keys().filter(|name| rank(name).is_some()).take(MOST);
        let own = scripts.map(|name| script(package, name, manager)).chain(runners::steps_of(tree, package, MOST, rank));
        for step in own {
            if !steps.contains(&step) {
                steps.push(step);
            }
        }
    }
    steps
}

/// How likely a name is one of what makes the declarations that are published, the smallest first;
/// `None` if it is none.
fn rank(name: &str) -> Option<usize> {
    let words: Vec<&str> = name.split(|c: char| "-_:./".contains(c)).collect();
    let has = |all: &[&str]| words.iter().any(|word| all.contains(word));
    (has(&WORDS) && !has(&IDLE)).then(|| usize::from(!has(&["prepublish", "prepare", "build", "emit", "generate"])))
}

fn script(package: &Package, name: &str, manager: Kind) -> Step {
    let place = if package.directory.is_empty() { String::new() } else { format!(" in {}", package.directory) };
    Step { name: format!("{name}{place}"), directory: package.directory.clone(), command: run_script(manager, name) }
}

#[cfg(test)]
mod tests {
    use npm_pack::tree::MemoryTree;

    use super::*;

    #[test]
    fn what_makes_types_is_found_in_scripts_and_tasks() {
        let scripts = r#"{"scripts":{"build":"x","build:types":"tsc","types:check":"tsc","types":"y","typescript":"z"}}"#;
        let makefile = "build:\n\tx\nbundle-parser-dts:\n\tx\nprepublish-prepare-dts:\n\tx\ntest-types:\n\tx\n";
        let tree = MemoryTree::new().file("package.json", scripts).file("Makefile", makefile);
        let project = Project::read(&tree, &[String::new()]);
        let names: Vec<String> = steps(&tree, &project, "", Kind::Npm).into_iter().map(|step| step.name).collect();
        assert_eq!(names, ["build:types", "types", "make prepublish-prepare-dts", "make bundle-parser-dts"]);
    }

    #[test]
    fn declarations_are_told_from_other_files() {
        let of = |paths: &[&str]| are_declarations(&paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>());
        assert!(of(&["lib/a.d.ts", "lib/a.d.ts.map", "b.d.mts", "c.d.cts"]));
        assert!(!of(&[]) && !of(&["lib/a.d.ts", "lib/a.js"]) && !of(&["a.js.map"]) && !of(&["a.ts"]));
    }
}
