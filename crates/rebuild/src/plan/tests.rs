//! Boards: what the registry and builds showed, and what was tried in which order. No network, no
//! clock.
//!
//! Each file of `boards/` is a case: the toolchains, what is known before, what each build would
//! show, and the builds that are to be tried. A build without an answer must not be tried; `null`
//! is one that would show nothing new.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::board::{Board, Entry, Toolchain};
use super::observation::Observation;
use super::remedies::{FOLLOW, REMEDIES};
use super::setup::{Ci, Clock, RegistryView, Setup, Versions};
use super::vetoes::VETOES;
use super::{Trial, World, search};
use crate::SourceError;
use crate::rebuilt::Closeness;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What the case shows.
    shows: String,
    toolchains: Vec<Toolchain>,
    #[serde(default)]
    facts: Vec<Observation>,
    /// By `<toolchain> <view> [clock] [without-ci] [before-release]`.
    answers: BTreeMap<String, Option<Answer>>,
    tried: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    #[serde(default)]
    seen: Vec<Observation>,
    /// Published files that came out; absent where there was nothing to compare.
    matched: Option<usize>,
}

struct Table(BTreeMap<String, Option<Answer>>);

impl World for Table {
    fn attempt(&mut self, setup: &Setup, _board: &Board) -> Result<Option<Trial>, SourceError> {
        let answer = self.0.get(&named(setup)).unwrap_or_else(|| panic!("{} was tried", named(setup)));
        Ok(answer.as_ref().map(|answer| Trial { seen: answer.seen.clone(), closeness: answer.matched.map(closeness) }))
    }
}

fn closeness(matched: usize) -> Closeness {
    let value = serde_json::json!({
        "outcome": 0, "was_run": true, "installed": true, "matched": matched, "missing": 0, "besides": 0, "unhindered": true
    });
    serde_json::from_value(value).unwrap()
}

fn named(setup: &Setup) -> String {
    let view = serde_json::to_value(setup.registry).unwrap();
    let clock = if setup.clock == Clock::AtPublication { " clock" } else { "" };
    let ci = if setup.ci == Ci::Unset { " without-ci" } else { "" };
    let versions = if setup.versions == Versions::BeforeRelease { " before-release" } else { "" };
    format!("{} {}{clock}{ci}{versions}", setup.toolchain, view.as_str().unwrap())
}

fn tried(case: Case) -> (Vec<String>, Vec<String>) {
    let mut board = Board { toolchains: case.toolchains, facts: case.facts, ..Board::default() };
    search(&mut Table(case.answers), &mut board, REMEDIES, VETOES).unwrap();
    (board.attempts.iter().map(|entry| format!("{}: {}", entry.remedy, named(&entry.setup))).collect(), case.tried)
}

#[test]
fn boards_are_played_as_recorded() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/plan/boards");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let case: Case =
            serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let shows = case.shows.clone();
        let (tried, expected) = tried(case);
        assert_eq!(tried, expected, "{}: {shows}", path.display());
        count += 1;
    }
    assert!(count >= 10, "{count} boards");
}

fn toolchain(node: u64, manager: Option<npm_spec::tool::Kind>) -> Toolchain {
    Toolchain { manager, node, lockfile: None, takes_a_clock: true }
}

fn board(nodes: &[u64], seen: &[(Setup, Vec<Observation>)]) -> Board {
    let toolchains = nodes.iter().map(|node| toolchain(*node, None)).collect();
    let entry = |(setup, seen): &(Setup, Vec<Observation>)| Entry {
        setup: *setup,
        remedy: String::new(),
        seen: seen.clone(),
        closeness: Some(closeness(1)),
    };
    Board { toolchains, facts: Vec::new(), attempts: seen.iter().map(entry).collect() }
}

fn at_publication(toolchain: usize) -> Setup {
    Setup::of(toolchain, RegistryView::AtPublication)
}

fn failed(exit: i32) -> Observation {
    Observation::StepFailed { step: "npm run build".into(), exit: Some(exit) }
}

/// The names of the vetoes that forbid a setup.
fn forbidden(board: &Board, setup: &Setup) -> Vec<&'static str> {
    VETOES.iter().filter(|veto| (veto.forbids)(board, setup)).map(|veto| veto.name).collect()
}

#[test]
fn each_veto_forbids_what_it_is_about() {
    let one = |seen: Vec<Observation>| board(&[16, 18], &[(at_publication(0), seen)]);
    let missing = Observation::Missing(["gone".to_owned()].into());
    let refused = Observation::HostsRefused(["host.example".to_owned()].into());
    let stood_in = Observation::StoodIn([("gone".to_owned(), None)].into());
    for (seen, expected) in [
        (vec![], vec!["came-to-its-end"]),
        (vec![failed(1)], vec![]),
        (vec![Observation::NotInstalled], vec![]),
        (vec![Observation::NotInstalled, missing.clone()], vec!["missing-for-everyone"]),
        (vec![missing, failed(1)], vec![]),
        (vec![failed(1), refused.clone()], vec!["no-network"]),
        (vec![failed(1), refused, stood_in], vec![]),
        (vec![Observation::OverLimit], vec!["over-limit"]),
        (vec![Observation::OutOfTime], vec!["out-of-time"]),
        (vec![Observation::GuessStopped], vec![]),
        (vec![Observation::GuessStopped, Observation::OverLimit], vec![]),
    ] {
        assert_eq!(forbidden(&one(seen.clone()), &at_publication(1)), expected, "{seen:?}");
    }
}

#[test]
fn a_veto_is_about_one_manager_and_one_view() {
    let mut other = board(&[16, 18], &[(at_publication(0), vec![])]);
    other.toolchains[1].manager = Some(npm_spec::tool::Kind::Pnpm);
    assert_eq!(forbidden(&other, &at_publication(1)), [""; 0]);
    let same = board(&[16, 18], &[(at_publication(0), vec![])]);
    assert_eq!(forbidden(&same, &Setup::of(1, RegistryView::AtCommit)), [""; 0]);
}

#[test]
fn a_node_between_two_that_failed_alike_is_left_out() {
    let nodes = [12, 18, 16, 20, 10];
    let alike = board(&nodes, &[(at_publication(0), vec![failed(1)]), (at_publication(1), vec![failed(1)])]);
    assert_eq!(forbidden(&alike, &at_publication(2)), ["between-two-that-failed-alike"]);
    assert_eq!(forbidden(&alike, &at_publication(3)), [""; 0], "newer than both");
    assert_eq!(forbidden(&alike, &at_publication(4)), [""; 0], "older than both");
    let otherwise = board(&nodes, &[(at_publication(0), vec![failed(1)]), (at_publication(1), vec![failed(2)])]);
    assert_eq!(forbidden(&otherwise, &at_publication(2)), [""; 0], "another exit code");
    let mut closer = alike;
    closer.attempts[1].closeness = Some(closeness(2));
    assert_eq!(forbidden(&closer, &at_publication(2)), [""; 0], "another outcome");
}

#[test]
fn a_package_that_two_managers_miss_is_missing_for_a_third() {
    use npm_spec::tool::Kind;
    let missed = |name: &str| vec![Observation::NotInstalled, Observation::Missing([name.to_owned()].into())];
    let managers = |second: &str| {
        let mut board = board(&[20, 20, 20], &[(at_publication(0), missed("gone")), (at_publication(1), missed(second))]);
        board.toolchains[1].manager = Some(Kind::Yarn);
        board.toolchains[2].manager = Some(Kind::Pnpm);
        board
    };
    assert_eq!(forbidden(&managers("gone"), &at_publication(2)), ["missing-twice"]);
    assert_eq!(forbidden(&managers("gone"), &Setup::of(2, RegistryView::AsItIs)), [""; 0], "another view of the registry");
    assert_eq!(forbidden(&managers("other"), &at_publication(2)), [""; 0], "each missed another");
    let mut followed = managers("gone");
    followed.toolchains[2].lockfile = Some("pnpm-lock.yaml".to_owned());
    assert_eq!(forbidden(&followed, &at_publication(2)), [""; 0], "its lockfile may not ask for it");
    let mut cut = managers("gone");
    cut.attempts[1].seen.push(Observation::OverLimit);
    assert_eq!(forbidden(&cut, &at_publication(2)), [""; 0], "a limit may be why");
    let mut once = managers("gone");
    once.attempts.pop();
    assert_eq!(forbidden(&once, &at_publication(2)), [""; 0], "one manager alone");
}

#[test]
fn a_program_of_the_machine_that_is_missing_is_missing_for_every_node() {
    let programs = || Observation::ProgramsMissing(["go".to_owned()].into());
    let after = |seen: Vec<Observation>| forbidden(&board(&[20, 22], &[(at_publication(0), seen)]), &at_publication(1));
    assert_eq!(after(vec![failed(2), programs()]), ["program-missing"]);
    assert_eq!(after(vec![programs()]), ["came-to-its-end"], "every step ended well without it");
    assert_eq!(after(vec![failed(2)]), [""; 0], "another Node may not fail");
    assert_eq!(after(vec![failed(2), programs(), Observation::NotInstalled]), [""; 0], "what was not installed may be why");
    assert_eq!(after(vec![failed(2), programs(), Observation::StoodIn([("gone".to_owned(), None)].into())]), [""; 0]);
    assert_eq!(after(vec![failed(2), programs(), Observation::OverLimit]), ["over-limit"], "a limit is told as one");
}

#[test]
fn a_command_that_old_and_new_nodes_lack_is_nowhere() {
    let nodes = [14, 20, 22, 12];
    let both =
        |exit: i32, second: i32| board(&nodes, &[(at_publication(0), vec![failed(exit)]), (at_publication(1), vec![failed(second)])]);
    assert_eq!(forbidden(&both(127, 127), &at_publication(2)), ["command-missing-twice"]);
    assert_eq!(forbidden(&both(127, 127), &at_publication(3)), ["command-missing-twice"]);
    assert_eq!(forbidden(&both(1, 1), &at_publication(2)), [""; 0], "another exit code");
    assert_eq!(forbidden(&both(127, 1), &at_publication(2)), [""; 0], "one failed otherwise");
    let mut closer = both(127, 127);
    closer.attempts[1].closeness = Some(closeness(2));
    assert_eq!(forbidden(&closer, &at_publication(2)), [""; 0], "one came closer");
    let mut stood_in = both(127, 127);
    stood_in.attempts[0].seen.push(Observation::StoodIn([("gone".to_owned(), None)].into()));
    assert_eq!(forbidden(&stood_in, &at_publication(2)), [""; 0], "what stood in may lack the command");
    let mut new = both(127, 127);
    new.toolchains[0].node = 18;
    assert_eq!(forbidden(&new, &at_publication(2)), [""; 0], "two new ones");
}

#[test]
fn what_no_build_makes_ends_the_search() {
    let left = board(&[16, 18], &[(at_publication(0), vec![Observation::OnlyLeftBehind, failed(1)])]);
    for setup in [at_publication(1), Setup::of(0, RegistryView::AtCommit), Setup { clock: Clock::AtPublication, ..at_publication(0) }] {
        assert_eq!(forbidden(&left, &setup), ["only-left-behind"]);
    }
}

#[test]
fn the_clock_alone_and_untrue_times_rule_out_other_moments() {
    let clock = Setup { clock: Clock::AtPublication, ..at_publication(0) };
    let by_date = board(&[16], &[(at_publication(0), vec![Observation::OnlyDatesDiffer]), (clock, vec![])]);
    assert_eq!(forbidden(&by_date, &Setup::of(0, RegistryView::AtCommit)), ["only-the-clock"]);
    let old_data = board(&[16], &[(at_publication(0), vec![Observation::DataTooOld, failed(1)]), (clock, vec![failed(1)])]);
    assert_eq!(forbidden(&old_data, &Setup::of(0, RegistryView::AtCommit)), [""; 0]);
    assert_eq!(forbidden(&by_date, &at_publication(0)), [""; 0]);
    let as_it_is = board(&[16], &[(Setup::of(0, RegistryView::AsItIs), vec![failed(1)])]);
    assert_eq!(forbidden(&as_it_is, &Setup::of(0, RegistryView::AtLastChange)), ["times-say-nothing"]);
    assert_eq!(forbidden(&as_it_is, &Setup::of(0, RegistryView::OldestOfRanges)), [""; 0]);
}

#[test]
fn rows_have_names_of_their_own() {
    let names: std::collections::BTreeSet<&str> =
        REMEDIES.iter().map(|remedy| remedy.name).chain(VETOES.iter().map(|veto| veto.name)).collect();
    assert_eq!(names.len(), REMEDIES.len() + VETOES.len());
}

#[test]
fn a_recipe_of_the_users_is_followed_and_nothing_else() {
    let mut board = Board { toolchains: vec![toolchain(16, None)], ..Board::default() };
    let seen = vec![Observation::NewestDependency(9), Observation::TimesUntrue];
    let answers = [("0 at-publication".to_owned(), Some(Answer { seen, matched: Some(1) }))].into();
    search(&mut Table(answers), &mut board, FOLLOW, VETOES).unwrap();
    assert_eq!(board.attempts.len(), 1);
}
