//! The loop: take an input, change it, run it, keep it if it showed something new.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::mutate::mutate;
use super::random::Random;
use super::seeds;
use super::targets::{self, Run};

/// An input that takes longer hangs. Far above what any takes on a busy machine.
const SLOWEST: Duration = Duration::from_secs(20);
/// Memory of the whole process, in MiB: the targets may run side by side.
const MEMORY: u64 = 1500;
/// Inputs where no time is given: a test must do the same on every machine.
const RUNS: u64 = 10_000;
/// The same for targets of which one input takes longer: they write files, or read them in many
/// ways.
const FEW_RUNS: u64 = 500;
const SLOW: [&str; 7] = ["provenance", "glob", "packlist", "manifest", "results", "git", "disk"];
/// Inputs that are kept; beyond, a new one takes the place of another.
const KEPT: usize = 4000;

struct Target {
    name: &'static str,
    seeds: Vec<Vec<u8>>,
    /// What the format is made of.
    words: Vec<Vec<u8>>,
    /// The input is a flag and a tar stream: see `seeds::archives`.
    tar: bool,
    run: Run,
}

/// Fuzzes one target for as long as the environment says.
pub(crate) fn fuzz(name: &'static str) {
    let target = &Target { name, seeds: seeds::of(name), words: seeds::words(name), tar: name == "archive", run: targets::run(name) };
    if let Some(path) = std::env::var_os("REPRODUCE_FUZZ_INPUT") {
        show(&format!("{}: {}", target.name, (target.run)(&std::fs::read(path).unwrap())));
        return;
    }
    let number = |variable: &str, usual| std::env::var(variable).map_or(usual, |text| text.parse().expect("a number"));
    let usual = if SLOW.contains(&name) { FEW_RUNS } else { RUNS } + target.seeds.len() as u64;
    let end = match number("REPRODUCE_FUZZ_SECONDS", 0) {
        0 => End::Runs(usual),
        seconds => End::Time(Duration::from_secs(seconds)),
    };
    let seed = number("REPRODUCE_FUZZ_SEED", 1);
    // What runs now and since when, for the watch.
    let current = Mutex::new((Instant::now(), Vec::new()));
    let (finished, watched) = channel::<()>();
    std::thread::scope(|scope| {
        let current = &current;
        scope.spawn(move || {
            // Ends with the loop: the sender is dropped, also by a panic.
            while watched.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
                watch(target, current);
            }
        });
        let _finished = finished;
        run(target, end, seed, current);
    });
}

/// When a target has been fuzzed enough.
#[derive(Clone, Copy)]
enum End {
    Runs(u64),
    Time(Duration),
}

fn run(target: &Target, end: End, seed: u64, current: &Mutex<(Instant, Vec<u8>)>) {
    let mut random = Random::seeded(seed, target.name);
    let mut behaviours = HashSet::new();
    let mut kept: Vec<Vec<u8>> = Vec::new();
    let started = Instant::now();
    let (mut runs, mut slowest, before) = (0_u64, Duration::ZERO, memory());
    let mut seeds = target.seeds.iter();
    let goes_on = |runs: u64| match end {
        End::Runs(most) => runs < most,
        End::Time(time) => started.elapsed() < time,
    };
    while goes_on(runs) {
        let input = match seeds.next() {
            Some(seed) => seed.clone(),
            None => mutate(&kept, &target.words, target.tar, &mut random),
        };
        let began = Instant::now();
        *current.lock().unwrap() = (began, input.clone());
        let behaviour = match catch_unwind(AssertUnwindSafe(|| (target.run)(&input))) {
            Ok(behaviour) => behaviour,
            Err(panic) => {
                show(&format!("{}: failed after {runs} runs; the input is in {}", target.name, keep(target, &input).display()));
                resume_unwind(panic);
            }
        };
        slowest = slowest.max(began.elapsed());
        runs += 1;
        if behaviours.insert(hash(&behaviour)) || kept.is_empty() {
            if kept.len() < KEPT {
                kept.push(input);
            } else {
                let at = random.below(KEPT);
                kept[at] = input;
            }
        }
    }
    let (memory, seconds) = (memory(), started.elapsed().as_secs());
    show(&format!(
        "{}: {runs} runs in {seconds} s, {} behaviours, slowest {} ms, memory {before} to {memory} MiB",
        target.name,
        behaviours.len(),
        slowest.as_millis()
    ));
}

fn watch(target: &Target, current: &Mutex<(Instant, Vec<u8>)>) {
    let (since, input) = &*current.lock().unwrap();
    let (waited, memory) = (since.elapsed(), memory());
    if waited > SLOWEST || memory > MEMORY {
        let path = keep(target, input);
        show(&format!("{}: {} s, {memory} MiB; the input is in {}", target.name, waited.as_secs(), path.display()));
        // A thread that hangs cannot be ended otherwise.
        std::process::exit(101);
    }
}

/// Writes an input to a file.
fn keep(target: &Target, input: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{}-{:016x}", target.name, hash(input)));
    std::fs::write(&path, input).unwrap();
    path
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Resident memory of this process in MiB; 0 where the system does not say.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// The counts are part of what these tests are for; `--nocapture` shows them.
#[allow(clippy::print_stderr, reason = "a test's own output")]
fn show(report: &str) {
    eprintln!("{report}");
}
