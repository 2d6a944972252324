//! The mutation suite: real tarballs changed by one thing each, judged, and extracted by npm's own
//! code.
//!
//! The rule: no change to what npm writes to disk is reproduced, and no change to the encoding
//! alone differs, as long as the archive is plain. The tarballs are fetched with `npm pack` and
//! kept (see `mutation/real.rs`); the oracle is pacote with node-tar 7 in a Node process
//! (`__test__/conformance/extract-oracle.mjs`). Everything is seeded: the same mutants in every
//! run. `REPRODUCE_MUTATION_ROUNDS=n` makes n times as many, `REPRODUCE_MUTATION_SEED` others,
//! `REPRODUCE_MUTATION_ONLY=ms@2.1.3` those of one tarball; `--nocapture` shows the counts.

#![allow(
    clippy::too_many_lines,
    clippy::too_many_arguments,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect must fail"
)]

#[path = "mutation/chance.rs"]
mod chance;
#[path = "mutation/content.rs"]
mod content;
#[path = "mutation/encoding.rs"]
mod encoding;
#[path = "mutation/judged.rs"]
mod judged;
#[path = "mutation/model.rs"]
mod model;
#[path = "mutation/mutant.rs"]
mod mutant;
#[path = "mutation/odd.rs"]
mod odd;
#[path = "mutation/oracle.rs"]
mod oracle;
#[path = "mutation/random.rs"]
mod random;
#[path = "mutation/real.rs"]
mod real;
#[allow(dead_code, reason = "made for the archive cases, which need more of it")]
#[path = "../crates/npm-tarball/tests/it/tarball.rs"]
mod tarball;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use judged::{Judged, Pristine, Reading};
use mutant::{Intent, Mutants};
use oracle::{Answer, Oracle};
use random::Random;

/// What the mutants of one kind of intent came to.
#[derive(Default)]
struct Count {
    mutants: usize,
    identical: usize,
    same_content: usize,
    differs: usize,
    not_plain: usize,
    unreadable: usize,
    npm_same: usize,
    npm_refuses: usize,
}

#[derive(Default)]
struct Tally {
    by_intent: BTreeMap<Intent, Count>,
    kinds: BTreeMap<&'static str, usize>,
    problems: Vec<String>,
}

impl Tally {
    fn add(&mut self, intent: Intent, kind: &'static str, judged: &Judged, npm_same: bool, npm: &Answer) {
        let count = self.by_intent.entry(intent).or_default();
        count.mutants += 1;
        count.identical += usize::from(judged.verdict == "identical");
        count.same_content += usize::from(judged.verdict == "same-content");
        count.differs += usize::from(judged.verdict == "differs");
        count.not_plain += usize::from(judged.reading == Reading::NotPlain);
        count.unreadable += usize::from(judged.reading == Reading::Unreadable);
        count.npm_same += usize::from(npm_same);
        count.npm_refuses += usize::from(npm.error.is_some());
        *self.kinds.entry(kind).or_default() += 1;
    }
}

/// Why an outcome breaks the rule, if it does.
fn broken(intent: Intent, judged: &Judged, npm_same: bool) -> Option<&'static str> {
    if judged.reproduced && !npm_same {
        return Some("reproduced, but npm writes something else");
    }
    let plain = judged.reading == Reading::Plain;
    let accused = !judged.reproduced && npm_same;
    if accused && plain && !judged.beyond_npm {
        return Some("plain and differs, but npm writes the same");
    }
    match intent {
        Intent::Content if npm_same => Some("was meant to change what npm writes"),
        Intent::Content | Intent::OtherClients if judged.reproduced => Some("reproduced"),
        Intent::Encoding if !npm_same => Some("was meant to change encoding only"),
        Intent::Encoding if !plain => Some("only encoding, but not plain"),
        Intent::Encoding if !judged.reproduced => Some("only encoding, but differs"),
        Intent::Odd if plain => Some("plain, but readers in use differ about it"),
        Intent::Odd if judged.reproduced => Some("not plain, but reproduced"),
        // Everything is read that npm can read.
        Intent::Chance if judged.reading == Reading::Unreadable && npm_same => Some("not readable, but npm writes the same"),
        _ => None,
    }
}

#[test]
fn no_change_to_what_npm_writes_is_reproduced_and_no_other_differs() {
    let rounds = number("REPRODUCE_MUTATION_ROUNDS", 1);
    let seed = number("REPRODUCE_MUTATION_SEED", 1);
    let only = std::env::var("REPRODUCE_MUTATION_ONLY").ok();
    let tarballs: Vec<_> = real::fetch().into_iter().filter(|(spec, _)| only.as_deref().is_none_or(|only| only == *spec)).collect();
    let next = AtomicUsize::new(0);
    let tally = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut oracle = Oracle::start();
                while let Some((spec, bytes)) = tarballs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut random = Random::seeded(seed, spec);
                    one(spec, bytes, rounds, &mut random, &mut oracle, &tally);
                }
                oracle.finish();
            });
        }
    });
    let tally = tally.into_inner().unwrap();
    let report = report(&tally, tarballs.len());
    show(&report);
    let made: usize = tally.kinds.values().sum();
    assert!(only.is_some() || (tarballs.len() >= 30 && made >= 5000), "too few\n{report}");
    assert!(tally.problems.is_empty(), "{report}\n{} problems:\n{}", tally.problems.len(), tally.problems.join("\n"));
}

/// All mutants of one tarball.
fn one(spec: &str, bytes: &[u8], rounds: u64, random: &mut Random, oracle: &mut Oracle, tally: &Mutex<Tally>) {
    let mut pristine = Pristine::new(bytes);
    let base = model::Model::parse(&pristine.tar);
    assert_eq!(base.to_tar(), pristine.tar, "{spec} taken apart and put together");
    let mut mutants = Mutants::new(&base, random);
    for _ in 0..rounds {
        content::add(&mut mutants);
        encoding::add(&mut mutants);
        odd::add(&mut mutants);
        chance::add(&mut mutants);
    }
    let mutants = mutants.list;
    let mut archives: Vec<&[u8]> = vec![bytes];
    archives.extend(mutants.iter().map(|mutant| mutant.bytes.as_slice()));
    let mut answers = oracle.ask(&archives).into_iter();
    let untouched = answers.next().unwrap();
    assert!(untouched.error.is_none() && untouched.tree.len() > 1, "{spec}: npm does not extract it: {:?}", untouched.error);
    let itself = pristine.judge(bytes);
    assert!(itself.reproduced && itself.reading == Reading::Plain, "{spec} is not itself: {itself:?}");
    for (mutant, npm) in mutants.iter().zip(answers) {
        let judged = pristine.judge(&mutant.bytes);
        let npm_same = npm.error.is_none() && npm.tree == untouched.tree;
        let mut tally = tally.lock().unwrap();
        tally.add(mutant.intent, mutant.kind, &judged, npm_same, &npm);
        if let Some(why) = broken(mutant.intent, &judged, npm_same) {
            let change = npm.difference(&untouched);
            tally.problems.push(format!("{spec} {}: {why}\n  {judged:?}\n  npm: {:?} {change}", mutant.kind, npm.error));
        }
    }
}

fn number(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).map_or(usual, |text| text.parse().expect("a number"))
}

fn report(tally: &Tally, tarballs: usize) -> String {
    let total: usize = tally.kinds.values().sum();
    let mut lines = vec![format!("{total} mutants of {tarballs} tarballs, {} kinds of change", tally.kinds.len())];
    for (intent, count) in &tally.by_intent {
        let Count { mutants, identical, same_content, differs, not_plain, unreadable, npm_same, npm_refuses } = count;
        lines.push(format!(
            "{:<14} {mutants:>5}: {identical} identical, {same_content} same-content, {differs} differs ({not_plain} not plain, \
             {unreadable} not readable); npm writes the same {npm_same}, refuses {npm_refuses}",
            format!("{intent:?}")
        ));
    }
    lines.join("\n")
}

/// The counts are part of what this test is for; `--nocapture` shows them.
#[allow(clippy::print_stderr, reason = "a test's own output")]
fn show(report: &str) {
    eprintln!("{report}");
}
