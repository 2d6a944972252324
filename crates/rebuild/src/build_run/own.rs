//! This program within a build of a package that runs it when it is published: its hooks make no
//! file, and a build needs no copy of it.

use super::commands::{commands, is_assignment};

/// What the program is called on a command line: the `bin` of package.json.
pub(super) const PROGRAM: &str = "reproduce";
/// Words that hand over to a program, and options between them and its name.
const RUNNERS: [&str; 14] = ["npx", "pnpx", "bunx", "npm", "pnpm", "yarn", "bun", "exec", "dlx", "x", "cross-env", "--yes", "-y", "--"];

/// Whether a script does nothing but call this program.
pub(super) fn only_calls_it(script: &str) -> bool {
    let commands = commands(script);
    !commands.is_empty() && commands.iter().all(|command| calls_it(command))
}

/// Whether a command calls this program, by itself or by way of a package manager.
pub(super) fn calls_it(command: &str) -> bool {
    let word = command.split_whitespace().find(|word| !is_assignment(word) && !RUNNERS.contains(word));
    let Some(word) = word else { return false };
    // A package of whatever scope, with the version that npx is told; or the path to the program.
    let name = word.rsplit('/').next().unwrap_or(word);
    let name = name.split_once('@').map_or(name, |(name, _)| name);
    name == PROGRAM && !command.contains(['|', '>', '`', '$', '('])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_that_only_calls_this_program_is_known() {
        for script in [
            "reproduce",
            "reproduce --local",
            "npx reproduce --local --explain",
            "npx --yes @scope/reproduce@1.2.3 --local",
            "pnpm exec reproduce --local",
            "yarn reproduce --local",
            "bun x reproduce",
            "CI=1 ./node_modules/.bin/reproduce --local && reproduce --local ./packages/a",
        ] {
            assert!(only_calls_it(script), "{script}");
        }
    }

    #[test]
    fn what_does_more_is_a_step() {
        for script in [
            "",
            "npm run build && reproduce --local",
            "reproduce --local; tsc",
            "reproduce --json > dist/result.json",
            "reproduce $(make)",
            "reproducer --local",
            "node reproduce.js",
            "make reproduce",
            "npm run reproduce",
        ] {
            assert!(!only_calls_it(script), "{script}");
        }
    }
}
