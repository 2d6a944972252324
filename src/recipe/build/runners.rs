//! Builds that are not scripts of package.json: make, and the task runners that stood beside npm for years.

use super::project::Package;
use super::steps::Step;
use crate::origin::score::join;
use crate::pack::tree::Tree;

/// Largest file of tasks that is read, in bytes.
const MAX_FILE: usize = 1 << 20;
/// Most tasks that are run of one file.
const MAX_TASKS: usize = 4;

/// A runner: its file's names, its command, and whether it has a task without a name.
struct Runner {
    files: &'static [&'static str],
    command: &'static [&'static str],
    default_task: bool,
}

const RUNNERS: [Runner; 5] = [
    Runner { files: &["Makefile", "makefile", "GNUmakefile"], command: &["make"], default_task: false },
    // grunt itself has no program on the PATH, grunt-cli has.
    Runner { files: &["Gruntfile.js", "gruntfile.js", "Gruntfile.coffee"], command: &["npx", "grunt-cli"], default_task: true },
    Runner { files: &["gulpfile.js", "gulpfile.babel.js", "gulpfile.mjs", "gulpfile.ts"], command: &["gulp"], default_task: true },
    Runner { files: &["Jakefile", "Jakefile.js", "jakefile.js"], command: &["jake"], default_task: false },
    Runner { files: &["Cakefile"], command: &["cake"], default_task: false },
];

/// Names of tasks that make what is published, the likeliest to be all that is needed first. A name that has all the
/// words of an entry, split where names are, counts for it.
const TASKS: [&[&str]; 11] = [
    &["prepublish", "build"],
    &["dist"],
    &["build"],
    &["compile"],
    &["bundle"],
    &["lib"],
    &["browser"],
    &["browserify"],
    &["min"],
    &["all"],
    &["prepublish"],
];
/// Words that say that a task makes nothing that is published.
const IDLE: [&str; 12] = ["test", "tests", "lint", "watch", "serve", "docs", "doc", "clean", "publish", "release", "install", "check"];

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

/// The tasks of a file that may make what is published, the likeliest first; `""` is the one without a name.
fn tasks(runner: &Runner, bytes: &[u8]) -> Vec<String> {
    if bytes.len() > MAX_FILE {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(bytes);
    let names: Vec<&str> = if runner.command == ["make"] { targets(&text) } else { quoted(&text) };
    let mut chosen: Vec<(usize, usize, &str)> = names
        .iter()
        .filter_map(|name| {
            let words: Vec<&str> = name.split(|c: char| "-_:./".contains(c)).collect();
            if words.iter().any(|word| IDLE.contains(word)) {
                return None;
            }
            let rank = TASKS.iter().position(|wanted| wanted.iter().all(|word| words.contains(word)))?;
            Some((rank, name.len(), *name))
        })
        .collect();
    chosen.sort_unstable();
    chosen.dedup();
    let mut tasks: Vec<String> = chosen.into_iter().map(|(.., name)| name.to_owned()).take(MAX_TASKS).collect();
    if runner.default_task {
        tasks.push(String::new());
    }
    tasks
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
    use super::*;
    use crate::pack::tree::MemoryTree;

    fn names(file: &str, text: &str) -> Vec<String> {
        steps(&MemoryTree::new().file(file, text), &Package::default()).into_iter().map(|step| step.name).collect()
    }

    #[test]
    fn a_makefiles_targets_are_found_and_those_that_make_nothing_left_out() {
        let text = "CC := x\n.PHONY: all\nall: lib\nlib: src/*.js\n\tcp x y\ntest: lib\n\tmocha\nprepublish-build: a\ndist/x.js: y\n";
        assert_eq!(names("Makefile", text), ["make prepublish-build", "make lib", "make all"]);
    }

    #[test]
    fn tasks_of_runners_are_named_in_quotes() {
        assert_eq!(names("Jakefile", "task('build', ['lint'], () => {}); task(\"test\", x);"), ["jake build"]);
        assert_eq!(names("Gruntfile.js", "grunt.registerTask('dist', ['uglify'])"), ["npx grunt-cli dist", "npx grunt-cli"]);
        assert_eq!(names("Cakefile", "task 'test', -> x"), Vec::<String>::new());
    }

    #[test]
    fn a_name_is_never_an_option_or_a_path_out() {
        assert_eq!(names("Makefile", "-build: x\n../build: x\n$(build): x\n"), Vec::<String>::new());
    }
}
