//! How dependencies are installed: as the lockfile says, then as the client itself would mend it,
//! then without scripts.

use npm_spec::tool::Kind;
use recipe::Step;

/// The ways in which a package manager of some version installs, the most faithful first. `major`
/// is the manager's.
pub(super) fn ways(manager: Kind, major: u64, locked: bool, directory: &str) -> Vec<Step> {
    let step = |words: &[&str]| Step {
        name: words.join(" "),
        directory: directory.to_owned(),
        command: words.iter().map(|word| (*word).to_owned()).collect(),
    };
    let mut ways = Vec::new();
    match manager {
        Kind::Npm | Kind::Node => {
            // `npm ci` is there since 5.7.
            if locked && major >= 6 {
                ways.push(step(&["npm", "ci"]));
            }
            ways.push(step(&["npm", "install"]));
            if major >= 7 {
                // Ranges of peers that do not fit stop npm 7 and later, and did not stop those
                // before.
                ways.push(step(&["npm", "install", "--legacy-peer-deps"]));
            }
            if locked && major >= 6 {
                ways.push(step(&["npm", "ci", "--ignore-scripts"]));
            }
            ways.push(step(&["npm", "install", "--ignore-scripts", "--force"]));
        }
        Kind::Yarn => {
            if locked {
                ways.push(step(&["yarn", "install", "--frozen-lockfile", "--non-interactive", "--ignore-engines"]));
            }
            ways.push(step(&["yarn", "install", "--non-interactive", "--ignore-engines"]));
            ways.push(step(&["yarn", "install", "--non-interactive", "--ignore-engines", "--ignore-scripts"]));
        }
        Kind::Berry => {
            if locked {
                ways.push(step(&["yarn", "install", "--immutable"]));
            }
            ways.push(step(&["yarn", "install", if major >= 3 { "--no-immutable" } else { "--inline-builds" }]));
            if major >= 3 {
                ways.push(step(&["yarn", "install", "--no-immutable", "--mode=skip-build"]));
            }
        }
        Kind::Pnpm => {
            if locked {
                ways.push(step(&["pnpm", "install", "--frozen-lockfile"]));
            }
            ways.push(step(&["pnpm", "install", "--no-frozen-lockfile"]));
            ways.push(step(&["pnpm", "install", "--no-frozen-lockfile", "--ignore-scripts"]));
        }
        Kind::Bun => {
            if locked {
                ways.push(step(&["bun", "install", "--frozen-lockfile"]));
            }
            ways.push(step(&["bun", "install"]));
            ways.push(step(&["bun", "install", "--ignore-scripts"]));
        }
    }
    ways
}

/// Whether a step installs dependencies.
pub(super) fn installs(step: &Step) -> bool {
    matches!(step.command.get(1).map(String::as_str), Some("ci" | "install" | "bootstrap"))
}

/// Whether an installation does what the lockfile says or fails.
pub(super) fn holds_the_lockfile(step: &Step) -> bool {
    step.command.iter().any(|word| matches!(word.as_str(), "ci" | "--frozen-lockfile" | "--immutable"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(manager: Kind, major: u64, locked: bool) -> Vec<String> {
        ways(manager, major, locked, "").into_iter().map(|way| way.name).collect()
    }

    #[test]
    fn the_lockfile_is_held_first_and_scripts_are_given_up_last() {
        for (manager, major) in [(Kind::Npm, 10), (Kind::Yarn, 1), (Kind::Berry, 4), (Kind::Pnpm, 9), (Kind::Bun, 1)] {
            let ways = ways(manager, major, true, "");
            let skips = |step: &Step| step.name.contains("--ignore-scripts") || step.name.contains("skip-build");
            assert!(ways.first().is_some_and(|way| !skips(way) && holds_the_lockfile(way)), "{manager:?}");
            assert!(ways.last().is_some_and(|way| !holds_the_lockfile(way)) && ways.last().is_some_and(skips), "{manager:?}");
        }
        assert_eq!(commands(Kind::Npm, 10, true)[0], "npm ci");
    }

    #[test]
    fn an_old_npm_is_not_asked_for_what_it_does_not_know() {
        assert_eq!(commands(Kind::Npm, 3, true), ["npm install", "npm install --ignore-scripts --force"]);
    }

    #[test]
    fn without_a_lockfile_nothing_is_frozen() {
        assert!(commands(Kind::Pnpm, 9, false).iter().all(|command| !command.contains(" --frozen")));
        assert!(commands(Kind::Npm, 10, false).iter().all(|command| !command.starts_with("npm ci")));
    }

    #[test]
    fn every_way_to_install_is_known_as_one_and_scripts_are_not() {
        for manager in [Kind::Npm, Kind::Yarn, Kind::Berry, Kind::Pnpm, Kind::Bun] {
            assert!([1, 2, 4, 10].into_iter().flat_map(|major| ways(manager, major, true, "")).all(|way| installs(&way)), "{manager:?}");
            let script = super::super::steps::run_script(manager, "install");
            assert!(!installs(&Step { name: String::new(), directory: String::new(), command: script }));
        }
    }
}
