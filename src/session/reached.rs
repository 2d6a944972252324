//! How far a run came, for the answer of one that had to be stopped.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use context::Progress;
use npm_registry::Release;
use npm_spec::{Spec, Target, Wanted};
use report::answer::Answer;
use verdict::diagnostic::Stage;

/// Steps that are told: the last ones.
const STEPS: usize = 12;
/// Characters of a step.
const STEP: usize = 80;

/// How far a run came.
#[derive(Clone, Default)]
pub(super) struct Reached(Arc<Mutex<Way>>);

#[derive(Default)]
struct Way {
    name: Option<String>,
    version: Option<String>,
    stage: Option<Stage>,
    steps: VecDeque<String>,
}

impl Reached {
    /// Hears what a run tells, and passes it on.
    pub(super) fn hearing(&self, progress: Progress) -> Progress {
        let reached = self.clone();
        Progress::new(move |stage, message| {
            reached.step(stage, message);
            progress.tell(stage, message);
        })
    }

    fn step(&self, stage: &str, message: &str) {
        let mut way = self.way();
        way.stage = stage_of(stage).or(way.stage);
        let step: String = message.chars().take(STEP).collect();
        if way.steps.back() != Some(&step) {
            way.steps.push_back(step);
        }
        if way.steps.len() > STEPS {
            way.steps.pop_front();
        }
    }

    /// What is asked for, as far as the question says it.
    pub(super) fn asked(&self, spec: &Spec) {
        if let Target::Registry { name, wanted, .. } = spec.target() {
            let mut way = self.way();
            way.name = Some(name.to_string());
            way.version = if let Wanted::Version(version) = wanted { Some(version.clone()) } else { None };
        }
    }

    /// What the registry has for it.
    pub(super) fn selected(&self, release: &Release) {
        let mut way = self.way();
        way.name = release.name.clone().or(way.name.take());
        way.version = release.version.clone().or(way.version.take());
    }

    /// The stage in which the run is; the registry's where it told of none.
    pub(super) fn stage(&self) -> Stage {
        self.way().stage.unwrap_or(Stage::Resolve)
    }

    /// Names the package in a failure that could not.
    pub(super) fn name(&self, answer: &mut Answer) {
        if let Answer::Failed(failure) = answer {
            let way = self.way();
            failure.package.name = failure.package.name.take().or(way.name.clone());
            failure.package.version = failure.package.version.take().or(way.version.clone());
        }
    }

    fn way(&self) -> MutexGuard<'_, Way> {
        // Texts alone are in it: none is broken by a panic elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `; it was at npm ci, after npm 10.8.2, asking the repository`, the last step first.
impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = self.way();
        let mut steps = way.steps.iter().rev();
        let Some(last) = steps.next() else { return Ok(()) };
        write!(f, "; the last step was: {last}")?;
        let before: Vec<&str> = steps.rev().map(String::as_str).collect();
        if before.is_empty() { Ok(()) } else { write!(f, "; before it: {}", before.join(", ")) }
    }
}

impl fmt::Debug for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The stage that is told by its name.
fn stage_of(name: &str) -> Option<Stage> {
    [Stage::Resolve, Stage::Locate, Stage::Fetch, Stage::Plan, Stage::Build, Stage::Pack, Stage::Compare]
        .into_iter()
        .find(|stage| stage.as_str() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_told_nothing_has_nothing_to_say() {
        assert_eq!((Reached::default().to_string(), Reached::default().stage()), (String::new(), Stage::Resolve));
    }

    #[test]
    fn the_last_steps_are_told_each_once_in_a_row_and_cut() {
        let reached = Reached::default();
        let progress = reached.hearing(Progress::silent());
        progress.tell("resolve", "asking");
        for at in 0..STEPS {
            progress.tell("build", &format!("step {at}"));
            progress.tell("build", &format!("step {at}"));
        }
        progress.tell("odd", &"x".repeat(3 * STEP));
        let said = reached.to_string();
        assert!(said.starts_with(&format!("; the last step was: {}; before it: step 1, step 2", "x".repeat(STEP))), "{said}");
        assert_eq!((said.matches("step 3").count(), reached.stage()), (1, Stage::Build));
    }

    #[test]
    fn a_failure_has_the_package_as_far_as_it_is_known() {
        let named = |spec: &str, release: Option<Release>| {
            let reached = Reached::default();
            reached.asked(&Spec::parse(spec).unwrap());
            if let Some(release) = &release {
                reached.selected(release);
            }
            let mut answer = Answer::usage("", String::new());
            reached.name(&mut answer);
            let Answer::Failed(failure) = answer else { panic!("a failure") };
            (failure.package.name, failure.package.version)
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(named("a@1.0.0", None), (some("a"), some("1.0.0")));
        assert_eq!(named("a@^1", None), (some("a"), None));
        let release = Release { name: some("a"), version: some("1.2.0"), ..Release::default() };
        assert_eq!(named("a@^1", Some(release)), (some("a"), some("1.2.0")));
    }
}
