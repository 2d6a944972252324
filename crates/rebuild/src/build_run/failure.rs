//! What stood in the way of a build, by its class: one stable code, the gravest that explains the
//! others.

use std::collections::{BTreeMap, BTreeSet};

use isolation::Stopped;

use crate::plan::observation::Observation;
use crate::rebuilt::Limit;

/// What is known of one toolchain's attempt.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and any may be true with any other")]
pub(super) struct Course {
    /// No way to install came to an end.
    pub(super) install_failed: bool,
    /// Packages that the registry does not have.
    pub(super) missing: BTreeSet<String>,
    /// Packages in whose place others were installed, each with the version that was; none for an
    /// empty package.
    pub(super) stood_in: BTreeMap<String, Option<String>>,
    /// Hosts that were asked for and are not reached from the sandbox.
    pub(super) wanted: BTreeSet<String>,
    /// What stopped a step, if a limit did.
    pub(super) stopped: Option<Stopped>,
    /// A step was refused what a stronger sandbox allows.
    pub(super) refused: bool,
    /// The time for the package ran out.
    pub(super) out_of_time: bool,
    /// A step that was a guess was stopped, with time left for others.
    pub(super) guess_stopped: bool,
    /// The steps after the installation, each with its exit code; none for one that was stopped.
    pub(super) exits: Vec<(String, Option<i32>)>,
    /// What was printed says that `CI` is why something failed.
    pub(super) blames_ci: bool,
    /// A compiler could not read what a dependency declares.
    pub(super) compiler_is_older: bool,
    /// A tool found its data too old for today.
    pub(super) data_are_old: bool,
    /// Why the package's folder could not be packed as the last step left it, if it could not.
    pub(super) unpackable: Option<String>,
}

impl Course {
    /// The class; `None` where everything that was run came to its end.
    pub(super) fn code(&self) -> Option<&'static str> {
        let failed = self.failed();
        if let Some(cut) = self.cut() {
            return Some(cut.code());
        }
        if self.install_failed && !self.missing.is_empty() {
            Some("dependency-missing")
        } else if self.install_failed {
            Some("install-failed")
        } else if failed && !self.stood_in.is_empty() {
            // The build may have needed what was gone.
            Some("dependency-missing")
        } else if failed && !self.wanted.is_empty() {
            Some("network-needed")
        } else if failed {
            Some("build-script-failed")
        } else {
            None
        }
    }

    /// Whether a step after the installation did not end well.
    pub(super) fn failed(&self) -> bool {
        self.exits.iter().any(|(_, exit)| *exit != Some(0))
    }

    /// The limit that was met: with more, the build might have made what was published.
    pub(super) fn cut(&self) -> Option<Limit> {
        match self.stopped {
            _ if self.out_of_time || self.guess_stopped => Some(Limit::Time),
            Some(Stopped::Time | Stopped::Idle) => Some(Limit::Time),
            Some(Stopped::Memory | Stopped::Processes | Stopped::Disk | Stopped::Log) => Some(Limit::Machine),
            Some(Stopped::Cancelled) | None => self.refused.then_some(Limit::Sandbox),
        }
    }

    /// What the plan is told of it.
    pub(super) fn observations(&self) -> Vec<Observation> {
        let mut seen = Vec::new();
        let mut add = |holds: bool, fact: Observation| {
            if holds {
                seen.push(fact);
            }
        };
        add(self.out_of_time || self.stopped == Some(Stopped::Time), Observation::OutOfTime);
        add(self.guess_stopped, Observation::GuessStopped);
        let machine = [Stopped::Memory, Stopped::Processes, Stopped::Disk, Stopped::Log];
        add(self.stopped.is_some_and(|limit| machine.contains(&limit)), Observation::OverLimit);
        add(self.install_failed, Observation::NotInstalled);
        add(!self.missing.is_empty(), Observation::Missing(self.missing.clone()));
        add(!self.stood_in.is_empty(), Observation::StoodIn(self.stood_in.clone()));
        add(!self.wanted.is_empty(), Observation::HostsRefused(self.wanted.clone()));
        let ended_badly = self.exits.iter().any(|(_, exit)| exit.is_some_and(|exit| exit != 0));
        add(self.blames_ci && ended_badly, Observation::BlamesCi);
        add(self.compiler_is_older && ended_badly, Observation::CompilerOlderThanTypes);
        add(self.data_are_old && ended_badly, Observation::DataTooOld);
        for (step, exit) in self.exits.iter().filter(|(_, exit)| *exit != Some(0)) {
            add(true, Observation::StepFailed { step: step.clone(), exit: *exit });
        }
        seen
    }

    /// A line for each thing that a reader should know.
    pub(super) fn notes(&self) -> Vec<(&'static str, String)> {
        let mut notes = Vec::new();
        if let Some(why) = &self.unpackable {
            notes.push(("build-not-packable", format!("the build's output could not be packed: {why}")));
        }
        if !self.missing.is_empty() {
            notes.push(("dependency-missing", format!("the registry does not have {}", listed(&self.missing))));
        }
        if !self.wanted.is_empty() {
            notes.push(("network-needed", format!("the build requested other hosts, which it cannot reach: {}", listed(&self.wanted))));
        }
        if !self.stood_in.is_empty() && self.warnings().is_empty() {
            notes.push(("dependency-stood-in", self.replaced()));
        }
        notes
    }

    /// A line for each thing that a reader should look at: another version's bytes in the place of
    /// those that a lockfile names. An empty package has none.
    pub(super) fn warnings(&self) -> Vec<(&'static str, String)> {
        let mut warnings = Vec::new();
        if self.stood_in.values().any(Option::is_some) {
            warnings.push(("dependency-stood-in", self.replaced()));
        }
        warnings
    }

    /// The line of what was installed in the place of other packages.
    fn replaced(&self) -> String {
        let stood_in = |(name, near): (&String, &Option<String>)| match near {
            Some(version) => format!("{name} by {version}"),
            None => format!("{name} by an empty package"),
        };
        // Those of other versions first: of many packages the line has the first only.
        let of = |is_near: bool| self.stood_in.iter().filter(move |(_, near)| near.is_some() == is_near).map(stood_in);
        let lines = first_of(of(true).chain(of(false)), self.stood_in.len());
        format!("replaced unavailable dependencies: {lines}")
    }
}

/// Hosts that programs said they could not find: many ask for them past the proxy that they are
/// told. Node's words (`getaddrinfo ENOTFOUND host`, `EAI_AGAIN`), and those of curl, wget and git.
pub(super) fn hosts_in(log: &str) -> BTreeSet<String> {
    const MOST: usize = 32;
    let after = ["getaddrinfo ENOTFOUND ", "getaddrinfo EAI_AGAIN ", "Could not resolve host: ", "unable to resolve host address "];
    let mut hosts = BTreeSet::new();
    for line in log.lines() {
        for words in after {
            let rest = line.split_once(words).map(|(_, rest)| rest.trim_start_matches(['\'', '"', '\u{2018}']));
            let host: String =
                rest.unwrap_or_default().chars().take_while(|c| c.is_ascii_alphanumeric() || ".-".contains(*c)).take(253).collect();
            if host.contains('.') && hosts.len() < MOST {
                hosts.insert(host.trim_end_matches('.').to_ascii_lowercase());
            }
        }
    }
    hosts
}

/// Whether a program says that it is so for `CI`: in a message of its own, or in the line of its
/// source that Node prints where it failed.
pub(super) fn blames_ci(log: &str) -> bool {
    const NAMED: &str = "process.env.CI";
    // `process.env.CI_COMMIT` is another variable.
    log.split(NAMED).skip(1).any(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || "_$".contains(c)))
}

/// Whether a TypeScript compiler found the declarations of a dependency to be no TypeScript: an
/// error of syntax (`TS1` and three digits, as TypeScript's diagnosticMessages.json groups them) in
/// a `.d.ts` below `node_modules`. In the line of tsc (`x.d.ts(1,2): error TS1005`, or with
/// `--pretty` `x.d.ts:1:2 - error TS1005`).
pub(super) fn compiler_is_older(log: &str) -> bool {
    log.lines().any(|line| {
        let Some((place, error)) = line.split_once("error TS1") else { return false };
        let digits = error.bytes().take_while(u8::is_ascii_digit).count();
        digits == 3 && place.contains("node_modules/") && (place.contains(".d.ts(") || place.contains(".d.ts:"))
    })
}

/// Whether a tool found its data too old for today: what it knows of browsers and of the lives of
/// Node's versions then answers other questions than on the day of the build (`maintained node
/// versions` is none at all). In the words of Browserslist 4, of `npx browserslist` and of
/// baseline-browser-mapping 2.
pub(super) fn data_are_old(log: &str) -> bool {
    const WORDS: [(&str, &str); 3] =
        [("caniuse-lite", " is outdated"), ("(caniuse-lite) is ", " old. Please run"), ("[baseline-browser-mapping]", " months old")];
    log.lines().any(|line| WORDS.iter().any(|(what, how)| line.split_once(what).is_some_and(|(_, rest)| rest.contains(how))))
}

/// Names for a line of text: the first of many.
pub(crate) fn listed(names: &BTreeSet<String>) -> String {
    first_of(names.iter().cloned(), names.len())
}

/// The first of so many, and how many more there are.
pub(super) fn first_of(names: impl Iterator<Item = String>, count: usize) -> String {
    const SHOWN: usize = 12;
    let shown = names.take(SHOWN).collect::<Vec<_>>().join(", ");
    if count > SHOWN { format!("{shown} and {} more", count - SHOWN) } else { shown }
}

/// Whether another package was installed in place of this one (`name` or `name@version`).
pub(super) fn stands_in(stood_in: &BTreeMap<String, Option<String>>, missing: &str) -> bool {
    stood_in.keys().any(|wanted| wanted.strip_prefix(missing).is_some_and(|rest| rest.is_empty() || rest.starts_with('@')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_that_came_to_its_end_has_no_code() {
        assert_eq!(Course { exits: vec![("build".to_owned(), Some(0))], ..Course::default() }.code(), None);
    }

    #[test]
    fn another_version_in_the_place_of_one_that_is_gone_is_a_warning_and_an_empty_package_a_note() {
        let stood_in = |near: Option<&str>| Course {
            stood_in: BTreeMap::from([("a@1.0.0".to_owned(), None), ("b@1.0.0".to_owned(), near.map(str::to_owned))]),
            ..Course::default()
        };
        let line = |text: &str| vec![("dependency-stood-in", format!("replaced unavailable dependencies: {text}"))];
        let empty = stood_in(None);
        assert_eq!((empty.notes(), empty.warnings()), (line("a@1.0.0 by an empty package, b@1.0.0 by an empty package"), vec![]));
        let near = stood_in(Some("1.0.1"));
        assert_eq!((near.notes(), near.warnings()), (vec![], line("b@1.0.0 by 1.0.1, a@1.0.0 by an empty package")));
    }

    #[test]
    fn a_tool_whose_data_are_old_is_a_fact_only_where_a_step_failed() {
        for said in [
            "Browserslist: caniuse-lite is outdated. Please run:",
            "Browserslist: browsers data (caniuse-lite) is 17 months old. Please run:",
            "[baseline-browser-mapping] The data in this module is over two months old.  To ensure accurate",
        ] {
            assert!(data_are_old(&format!("> build\n{said}\n")), "{said}");
        }
        assert!(!data_are_old("npm warn deprecated a@1.0.0: it is outdated\nadded caniuse-lite\n(caniuse-lite) is new\n"));
        let ended = |exit| Course { data_are_old: true, exits: vec![("build".to_owned(), exit)], ..Course::default() }.observations();
        assert!(ended(Some(1)).contains(&Observation::DataTooOld));
        assert!(!ended(Some(0)).contains(&Observation::DataTooOld) && !ended(None).contains(&Observation::DataTooOld));
    }

    #[test]
    fn hosts_that_could_not_be_found_are_read_from_the_log() {
        let log =
            "[cause]: Error: getaddrinfo ENOTFOUND files.example\ncurl: (6) Could not resolve host: Cdn.example\ngetaddrinfo ENOTFOUND x\n";
        assert_eq!(hosts_in(log), BTreeSet::from(["cdn.example".to_owned(), "files.example".to_owned()]));
    }

    #[test]
    fn a_step_that_failed_and_names_ci_blames_it() {
        for (log, blames) in [
            ("Treating warnings as errors because process.env.CI = true.\n", true),
            ("    if (process.env.CI) throw new Error('not here')\n    ^\n", true),
            ("process.env.CI", true),
            ("process.env.CI_COMMIT is not set, nor process.env.CIRCLECI\n", false),
            ("CI = true\n", false),
        ] {
            assert_eq!(blames_ci(log), blames, "{log}");
        }
        let ended = |exit| Course { exits: vec![("build".to_owned(), exit)], blames_ci: true, ..Course::default() }.observations();
        assert!(ended(Some(1)).contains(&Observation::BlamesCi));
        assert!(!ended(Some(0)).contains(&Observation::BlamesCi), "it names CI and ended well");
        assert!(!ended(None).contains(&Observation::BlamesCi), "a limit stopped it");
    }

    #[test]
    fn a_compiler_that_cannot_read_the_types_of_a_dependency_is_older_than_they() {
        for (log, older) in [
            ("node_modules/@types/node/assert.d.ts(11,16): error TS1144: '{' or ';' expected.\n", true),
            ("../../node_modules/@types/node/assert.d.ts:11:16 - error TS1005: ';' expected.\n", true),
            ("/build/a/node_modules/parser/index.d.ts(1,1): error TS1139: Type parameter declaration expected.", true),
            ("src/index.ts(11,16): error TS1144: '{' or ';' expected.\n", false),
            ("src/types.d.ts(11,16): error TS1005: ';' expected.\n", false),
            ("node_modules/@types/node/assert.d.ts(11,16): error TS2304: Cannot find name 'x'.\n", false),
            ("node_modules/@types/node/assert.d.ts(11,16): error TS18028: Private identifiers.\n", false),
            ("node_modules/x/index.ts(11,16): error TS1005: ';' expected.\n", false),
            ("", false),
        ] {
            assert_eq!(compiler_is_older(log), older, "{log}");
        }
        let ended = |exit| Course { exits: vec![("build".to_owned(), exit)], compiler_is_older: true, ..Course::default() }.observations();
        assert!(ended(Some(2)).contains(&Observation::CompilerOlderThanTypes));
        assert!(!ended(Some(0)).contains(&Observation::CompilerOlderThanTypes), "the compiler was content");
    }

    #[test]
    fn the_cause_comes_before_its_consequences() {
        let failed = || Course { exits: vec![("build".to_owned(), Some(1))], ..Course::default() };
        assert_eq!(failed().code(), Some("build-script-failed"));
        assert_eq!(Course { wanted: BTreeSet::from(["x".to_owned()]), ..failed() }.code(), Some("network-needed"));
        assert_eq!(Course { install_failed: true, ..failed() }.code(), Some("install-failed"));
        assert_eq!(
            Course { install_failed: true, missing: BTreeSet::from(["x".to_owned()]), ..failed() }.code(),
            Some("dependency-missing")
        );
        assert_eq!(Course { stopped: Some(Stopped::Time), ..failed() }.code(), Some("timed-out"));
        assert_eq!(Course { stopped: Some(Stopped::Memory), ..failed() }.code(), Some("build-over-limit"));
        assert_eq!(Course { refused: true, ..failed() }.code(), Some("sandbox-refused"));
        assert_eq!(Course { refused: true, stopped: Some(Stopped::Time), ..failed() }.code(), Some("timed-out"));
    }
}
