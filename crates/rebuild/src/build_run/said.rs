//! Facts that the output of a build's steps shows: tasks that a file of tasks does not have, and
//! programs that are not on the machine.
//!
//! The output is a stranger's. What is read from it only ends a search earlier, and changes no
//! comparison.

use std::collections::BTreeSet;

use recipe::Step;

/// What a shell ends with where a command is not there (POSIX, 2.8.2).
const NOT_FOUND: i32 = 127;

/// Programs that come neither with Node nor in a package of the npm registry: compilers and
/// interpreters of other languages, with what builds and packs for them. Another Node brings none
/// of them.
const OF_THE_MACHINE: [&str; 60] = [
    "ant",
    "bundle",
    "c++",
    "cabal",
    "cargo",
    "cc",
    "clang",
    "clang++",
    "cmake",
    "composer",
    "crystal",
    "deno",
    "docker",
    "dotnet",
    "dune",
    "elixir",
    "em++",
    "emcc",
    "emcmake",
    "emconfigure",
    "emmake",
    "g++",
    "gcc",
    "gem",
    "ghc",
    "go",
    "gofmt",
    "gradle",
    "java",
    "javac",
    "ld",
    "llc",
    "lua",
    "luarocks",
    "mix",
    "mvn",
    "nim",
    "ocaml",
    "opam",
    "perl",
    "php",
    "pip",
    "pip3",
    "podman",
    "python",
    "python2",
    "python3",
    "rake",
    "rebar3",
    "ruby",
    "rustc",
    "rustup",
    "sbt",
    "scala",
    "stack",
    "swift",
    "swiftc",
    "tinygo",
    "xcodebuild",
    "zig",
];

/// What task runners say of a task that their file does not have: gulp 3, gulp 4 and 5, grunt,
/// jake and make. `{}` is the task.
const NO_TASK: [&str; 5] = [
    "Task '{}' is not in your gulpfile",
    "Task never defined: {}",
    "Task \"{}\" not found",
    "Unknown task \"{}\"",
    "No rule to make target '{}'",
];

/// Whether a step that failed had nothing to run: its runner is not there, or has no task of that
/// name.
///
/// `log` is the build's log, in which a line with the command and its exit code stands before each
/// step's output.
pub(super) fn lacks_its_task(step: &Step, exit: Option<i32>, log: &str) -> bool {
    let Some(code) = exit.filter(|code| *code != 0) else { return false };
    if code == NOT_FOUND {
        return true;
    }
    let head = format!("$ {} (exit {code})\n", step.command.join(" "));
    let Some((_, output)) = log.rsplit_once(&head) else { return false };
    let output = output.split_once("\n$ ").map_or(output, |(own, _)| own);
    let task = step.command.last().map(String::as_str).unwrap_or_default();
    ["default", task].iter().any(|task| NO_TASK.iter().any(|said| output.contains(&said.replace("{}", task))))
}

/// Programs of the machine that a step asked for and that are not there.
pub(super) fn programs_missing(log: &str) -> BTreeSet<String> {
    log.lines().filter_map(missing_in).filter(|name| OF_THE_MACHINE.contains(name)).map(str::to_owned).collect()
}

/// The command that a line calls missing: in the words of dash (`sh: 1: go: not found`), bash and
/// make (`go: command not found`), make for a lone command (`go: No such file or directory`), and
/// Node (`spawn go ENOENT`, `spawnSync go ENOENT`).
fn missing_in(line: &str) -> Option<&str> {
    let line = line.trim_end();
    let by_shell = [": not found", ": command not found", ": Command not found"].iter().find_map(|end| line.strip_suffix(end));
    if let Some(before) = by_shell.or_else(|| line.strip_prefix("make").and_then(|rest| rest.strip_suffix(": No such file or directory"))) {
        return before.rsplit(": ").next();
    }
    let (_, call) = line.split_once("spawn ").or_else(|| line.split_once("spawnSync "))?;
    call.split_once(" ENOENT").map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(command: &[&str]) -> Step {
        Step { name: command.join(" "), directory: String::new(), command: command.iter().map(|word| (*word).to_owned()).collect() }
    }

    #[test]
    fn a_task_that_the_file_does_not_have_is_told_from_one_that_failed() {
        let gulp = step(&["gulp"]);
        let log =
            "$ npm run build (exit 0)\nok\n$ gulp (exit 1)\n[1] Task never defined: default\n$ make (exit 2)\nmake: *** [x] Error 1\n";
        assert!(lacks_its_task(&gulp, Some(1), log));
        assert!(!lacks_its_task(&gulp, Some(0), log) && !lacks_its_task(&gulp, None, log));
        assert!(lacks_its_task(&gulp, Some(127), ""), "no gulp");
        assert!(!lacks_its_task(&step(&["make"]), Some(2), log), "what another step said");
        assert!(!lacks_its_task(&gulp, Some(1), "$ gulp (exit 1)\nTask never defined: styles\n"), "a task of its own that calls another");
        assert!(lacks_its_task(
            &step(&["make", "dist"]),
            Some(2),
            "$ make dist (exit 2)\nmake: *** No rule to make target 'dist'.  Stop.\n"
        ));
        assert!(lacks_its_task(&step(&["npx", "grunt-cli"]), Some(3), "$ npx grunt-cli (exit 3)\nWarning: Task \"default\" not found.\n"));
    }

    #[test]
    fn programs_of_the_machine_are_read_in_the_words_of_shells_make_and_node() {
        let log = "/bin/sh: 1: go: not found\nbash: line 3: cargo: command not found\nmake[1]: cmake: No such file or directory\n\
                   make: zig: Command not found\nError: spawn python3 ENOENT\nspawnSync emcc ENOENT\n";
        let names = ["cargo", "cmake", "emcc", "go", "python3", "zig"];
        assert_eq!(programs_missing(log), names.map(str::to_owned).into());
    }

    #[test]
    fn what_npm_could_bring_and_files_that_are_missing_are_no_programs_of_the_machine() {
        let log = "sh: 1: tsc: not found\nwasm-pack: command not found\ncat: go: No such file or directory\nthe go: not found here\n\
                   Error: module not found\nspawn /build/go ENOENT\n";
        assert_eq!(programs_missing(log), BTreeSet::new());
    }
}
