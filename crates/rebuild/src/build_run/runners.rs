//! Builds that are not scripts of package.json: make, and the task runners that stood beside npm
//! for years.

use npm_pack::tree::{NodeKind, Tree};
use npm_spec::path::join;
use recipe::Step;

use super::project::Package;

/// Largest file of tasks that is read, in bytes.
const MAX_FILE: usize = 1 << 20;
/// Most tasks that are run of one file.
const MAX_TASKS: usize = 4;

/// A runner: its file's names, its command, what has it go on behind a task that failed, and
/// whether it has a task without a name.
struct Runner {
    files: &'static [&'static str],
    command: &'static [&'static str],
    goes_on: Option<&'static str>,
    default_task: bool,
}

impl Runner {
    /// Whether a step's command is the runner's, with whatever behind it.
    fn runs(&self, step: &Step) -> bool {
        step.command.iter().zip(self.command).filter(|(own, word)| own == word).count() == self.command.len()
    }
}

const RUNNERS: [Runner; 5] = [
    Runner { files: &["Makefile", "makefile", "GNUmakefile"], command: &["make"], goes_on: Some("-k"), default_task: false },
    // grunt itself has no program on the PATH, grunt-cli has.
    Runner {
        files: &["Gruntfile.js", "gruntfile.js", "Gruntfile.coffee"],
        command: &["npx", "grunt-cli"],
        goes_on: Some("--force"),
        default_task: true,
    },
    Runner {
        files: &["gulpfile.js", "gulpfile.babel.js", "gulpfile.mjs", "gulpfile.ts"],
        command: &["gulp"],
        goes_on: Some("--continue"),
        default_task: true,
    },
    // Many have jake installed beside all projects, and not in one.
    Runner { files: &["Jakefile", "Jakefile.js", "jakefile.js"], command: &["npx", "jake"], goes_on: None, default_task: false },
    Runner { files: &["Cakefile"], command: &["cake"], goes_on: None, default_task: false },
];

/// Names of tasks that make what is published, the likeliest to be all that is needed first. A name
/// that has all the words of an entry, split where names are, counts for it.
const TASKS: [&[&str]; 14] = [
    &["prepublish", "build"],
    &["dist"],
    &["build"],
    &["compile"],
    &["bundle"],
    &["lib"],
    &["browser"],
    &["browserify"],
    &["min"],
    &["transpile"],
    &["babel"],
    &["es5"],
    &["all"],
    &["prepublish"],
];
/// Functions of jake that define tasks which copy what is published to a folder of its own
/// (`pkg/`), and the task of each (jake 10).
const PACKAGING: [(&str, &str); 2] = [("publishtask(", "publish:package"), ("packagetask(", "package")];
/// Words that say that a task makes nothing that is published.
const IDLE: [&str; 12] = ["test", "tests", "lint", "watch", "serve", "docs", "doc", "clean", "publish", "release", "install", "check"];

/// Where programs are that build a package, and words that their names are made of.
const PROGRAM_FOLDERS: [&str; 7] = ["", "scripts", "script", "build", "tools", "scripts/build", "scripts/release"];
const PROGRAMS: [&str; 9] = ["build", "package", "pack", "dist", "bundle", "compile", "make", "lib", "prepublish"];
/// Most of them that are run.
const MAX_PROGRAMS: usize = 3;

/// The names of files that have tasks.
pub(super) fn files() -> impl Iterator<Item = &'static str> {
    RUNNERS.iter().flat_map(|runner| runner.files.iter().copied())
}

/// Whether such a file has a task that could make what is published.
pub(super) fn has_tasks(file: &str, bytes: &[u8]) -> bool {
    RUNNERS.iter().filter(|runner| runner.files.contains(&file)).any(|runner| !tasks(runner, bytes).is_empty())
}

/// The steps that run the tasks of a package's folder.
pub(super) fn steps(tree: &dyn Tree, package: &Package) -> Vec<Step> {
    running(tree, package, tasks)
}

/// The steps that run those of its tasks whose names have a rank, the smallest and then the
/// shortest first; so many of each file.
pub(super) fn steps_of(tree: &dyn Tree, package: &Package, most: usize, rank: fn(&str) -> Option<usize>) -> Vec<Step> {
    running(tree, package, |runner, bytes| {
        let text = String::from_utf8_lossy(bytes.get(..MAX_FILE).unwrap_or(bytes));
        ranked(&names(runner, &text), most, rank)
    })
}

fn running(tree: &dyn Tree, package: &Package, tasks: impl Fn(&Runner, &[u8]) -> Vec<String>) -> Vec<Step> {
    let mut steps = Vec::new();
    for runner in &RUNNERS {
        let Some(bytes) = runner.files.iter().find_map(|file| tree.read(&join(&package.directory, file))) else { continue };
        for task in tasks(runner, &bytes) {
            let command: Vec<String> =
                runner.command.iter().map(|word| (*word).to_owned()).chain((!task.is_empty()).then(|| task.clone())).collect();
            let place = if package.directory.is_empty() { String::new() } else { format!(" in {}", package.directory) };
            steps.push(Step { name: format!("{}{place}", command.join(" ")), directory: package.directory.clone(), command });
        }
    }
    steps
}

/// Programs of a package's repository that nothing calls and whose names say that they build it, as
/// commands; those of scripts that are called are run as such.
pub(super) fn programs(tree: &dyn Tree, package: &Package) -> Vec<String> {
    let mut found = Vec::new();
    for folder in PROGRAM_FOLDERS {
        // A folder that cannot be read names no program.
        for node in tree.list(&join(&package.directory, folder)).unwrap_or_default() {
            let Some((stem, extension)) = node.name.rsplit_once('.').filter(|_| matches!(node.kind, NodeKind::File { .. })) else {
                continue;
            };
            let program = match extension {
                "sh" => "bash",
                "js" | "cjs" | "mjs" => "node",
                _ => continue,
            };
            let path = join(folder, &node.name);
            let is_called = package.scripts.values().any(|text| text.contains(&path));
            if !is_called && stem.split(['-', '_']).all(|word| PROGRAMS.contains(&word)) {
                found.push(format!("{program} {path}"));
            }
        }
    }
    found.truncate(MAX_PROGRAMS);
    found
}

/// Whether a step runs a task of such a file.
pub(super) fn runs_a_task(step: &Step) -> bool {
    RUNNERS.iter().any(|runner| runner.runs(step))
}

/// Whether a step runs a task that says that it is run before a publication.
pub(super) fn is_for_publication(step: &Step) -> bool {
    let says_so = |task: &String| words(task).any(|word| word == "prepublish");
    runs_a_task(step) && step.command.last().is_some_and(says_so)
}

/// Whether a step runs a task that says that it builds what a publication packs.
pub(super) fn is_a_publications_build(step: &Step) -> bool {
    is_for_publication(step) && step.command.last().is_some_and(|task| words(task).any(|word| word == "build"))
}

/// The same task once more, for one that failed: what stands behind its tests and lints is done all
/// the same. `None` for what is no runner's task, or goes on already.
pub(super) fn going_on(step: &Step) -> Option<Step> {
    let runner = RUNNERS.iter().find(|runner| runner.runs(step))?;
    let flag = runner.goes_on.filter(|flag| !step.command.iter().any(|word| word == flag))?;
    let mut command = step.command.clone();
    command.insert(runner.command.len(), flag.to_owned());
    Some(Step { name: format!("{} {flag}", step.name), directory: step.directory.clone(), command })
}

/// The tasks of a file that may make what is published, the likeliest first; `""` is the one
/// without a name.
fn tasks(runner: &Runner, bytes: &[u8]) -> Vec<String> {
    if bytes.len() > MAX_FILE {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(bytes);
    let mut tasks = ranked(&names(runner, &text), MAX_TASKS, |name| {
        let words: Vec<&str> = words(name).collect();
        let is_idle = words.iter().any(|word| IDLE.contains(word));
        TASKS.iter().position(|wanted| wanted.iter().all(|word| words.contains(word))).filter(|_| !is_idle)
    });
    if runner.default_task {
        tasks.push(String::new());
    }
    if runner.command.contains(&"jake") {
        let calls = text.to_ascii_lowercase();
        tasks.extend(PACKAGING.iter().filter(|(call, _)| calls.contains(call)).map(|(_, task)| (*task).to_owned()));
    }
    tasks
}

/// The words of a task's name.
fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| "-_:./".contains(c))
}

/// The names with a rank, the smallest and then the shortest first.
fn ranked(names: &[&str], most: usize, rank: impl Fn(&str) -> Option<usize>) -> Vec<String> {
    let mut chosen: Vec<(usize, usize, &str)> = names.iter().filter_map(|name| Some((rank(name)?, name.len(), *name))).collect();
    chosen.sort_unstable();
    chosen.dedup();
    chosen.into_iter().map(|(.., name)| name.to_owned()).take(most).collect()
}

/// The names of a file's tasks.
fn names<'a>(runner: &Runner, text: &'a str) -> Vec<&'a str> {
    if runner.command == ["make"] { targets(text) } else { quoted(text) }
}

/// The targets of a makefile.
fn targets(text: &str) -> Vec<&str> {
    let rules = text.lines().filter(|line| !line.starts_with(['\t', ' ', '#', '.'])).filter_map(|line| line.split_once(':'));
    rules.filter(|(_, rest)| !rest.starts_with('=')).flat_map(|(names, _)| names.split_whitespace()).filter(|name| is_name(name)).collect()
}

/// The names that a file of tasks has in quotes.
fn quoted(text: &str) -> Vec<&str> {
    let starts = text.match_indices(['\'', '"', '`']);
    let names = starts.filter_map(|(at, quote)| text.get(at + 1..)?.split_once(quote).map(|(name, _)| name));
    names.filter(|name| is_name(name)).collect()
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 60
        && !name.starts_with(['-', '.', '/'])
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use npm_pack::tree::MemoryTree;

    use super::*;

    fn names(file: &str, text: &str) -> Vec<String> {
        steps(&MemoryTree::new().file(file, text), &Package::default()).into_iter().map(|step| step.name).collect()
    }

    #[test]
    fn programs_that_nothing_calls_are_found_by_their_names() {
        let paths =
            ["build.js", "scripts/build-lib.mjs", "scripts/build/package.sh", "scripts/test.sh", "scripts/build.ts", "scripts/make.cjs"];
        let tree = paths.into_iter().chain(["lib/build.sh"]).fold(MemoryTree::new(), |tree, path| tree.file(path, "x"));
        let mut package = Package::default();
        package.scripts.insert("build".to_owned(), "node scripts/make.cjs".to_owned());
        assert_eq!(programs(&tree, &package), ["node build.js", "node scripts/build-lib.mjs", "bash scripts/build/package.sh"]);
    }

    #[test]
    fn what_jake_packs_is_packed_last() {
        assert_eq!(
            names("jakefile.js", "task('build', f);\npublishTask('x', ['build'], f);"),
            ["npx jake build", "npx jake publish:package"]
        );
        assert_eq!(names("Jakefile", "new jake.PackageTask('x', 'v1', f);"), ["npx jake package"]);
        assert_eq!(names("jakefile.js", "task('publish', f);"), Vec::<String>::new());
    }

    #[test]
    fn a_task_that_failed_goes_on_once() {
        let step = |words: &[&str]| Step {
            name: words.join(" "),
            directory: String::new(),
            command: words.iter().map(|word| (*word).to_owned()).collect(),
        };
        let grunt = going_on(&step(&["npx", "grunt-cli", "dist"])).unwrap();
        assert_eq!(grunt.command, ["npx", "grunt-cli", "--force", "dist"]);
        assert_eq!(going_on(&step(&["make", "all"])).unwrap().command, ["make", "-k", "all"]);
        for other in [grunt, step(&["npm", "run", "build"]), step(&["npx", "rollup"]), step(&["jake", "build"]), step(&[])] {
            assert!(going_on(&other).is_none(), "{other:?}");
        }
    }

    #[test]
    fn a_task_that_is_run_before_a_publication_is_told_from_others() {
        let step = |words: &[&str]| Step {
            name: String::new(),
            directory: String::new(),
            command: words.iter().map(|word| (*word).to_owned()).collect(),
        };
        assert!(is_for_publication(&step(&["make", "prepublish-build"])) && is_for_publication(&step(&["npx", "grunt-cli", "prepublish"])));
        assert!(!is_for_publication(&step(&["make", "all"])) && !is_for_publication(&step(&["sh", "-c", "prepublish"])));
    }

    #[test]
    fn a_makefiles_targets_are_found_and_those_that_make_nothing_left_out() {
        let text = "CC := x\n.PHONY: all\nall: lib\nlib: src/*.js\n\tcp x y\ntest: lib\n\tmocha\nprepublish-build: a\ndist/x.js: y\n";
        assert_eq!(names("Makefile", text), ["make prepublish-build", "make lib", "make all"]);
    }

    #[test]
    fn tasks_of_runners_are_named_in_quotes() {
        assert_eq!(names("Jakefile", "task('build', ['lint'], () => {}); task(\"test\", x);"), ["npx jake build"]);
        assert_eq!(names("Gruntfile.js", "grunt.registerTask('dist', ['uglify'])"), ["npx grunt-cli dist", "npx grunt-cli"]);
        assert_eq!(names("Cakefile", "task 'test', -> x"), Vec::<String>::new());
    }

    #[test]
    fn a_name_is_never_an_option_or_a_path_out() {
        assert_eq!(names("Makefile", "-build: x\n../build: x\n$(build): x\n"), Vec::<String>::new());
    }
}
