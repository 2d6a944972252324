//! The time that a run has: one instant for all stages, of which nothing is kept back.
//!
//! In: the user's limit. Out: how much is left, and what to say where it was not enough. Time never
//! makes a verdict: what it cut short is undecided.

use std::time::{Duration, Instant};

/// Longest time for one step of a build where the user sets no limit.
const LONGEST_STEP: Duration = Duration::from_secs(60 * 60);
/// Least that is advised to a run that was cut short: the default of `--timeout`.
const LEAST_ADVISED: u64 = 600;

/// When the answer must be there, if ever.
#[derive(Debug, Clone, Copy, Default)]
pub struct Deadline {
    limited: Option<(Instant, Duration)>,
}

impl Deadline {
    /// The end of a run that began then; a limit beyond what the clock can count is none.
    pub fn of(limit: Option<Duration>, started: Instant) -> Self {
        Self { limited: limit.and_then(|limit| Some((started.checked_add(limit)?, limit))) }
    }

    /// What is left for the next step.
    pub fn left(self) -> Duration {
        self.limited.map_or(LONGEST_STEP, |(end, _)| end.saturating_duration_since(Instant::now()))
    }

    /// When nothing is left; none without a limit.
    pub fn end(self) -> Option<Instant> {
        self.limited.map(|(end, _)| end)
    }

    /// Whether nothing is left.
    pub fn is_over(self) -> bool {
        self.left().is_zero()
    }

    /// What the user can do where it was not enough.
    pub fn hint(self) -> String {
        match self.limited {
            Some((_, limit)) => {
                let wanted = limit.as_secs().saturating_mul(2).max(LEAST_ADVISED);
                format!("allow more time with --timeout {wanted}; --timeout 0 is no limit")
            }
            None => format!("without a limit one step still has no more than {} minutes", LONGEST_STEP.as_secs() / 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_the_limit_is_for_the_work() {
        let deadline = Deadline::of(Some(Duration::from_secs(20)), Instant::now());
        assert!(deadline.left() > Duration::from_secs(19));
        assert!(!deadline.is_over());
        assert!(Deadline::of(Some(Duration::ZERO), Instant::now()).is_over());
    }

    #[test]
    fn without_a_limit_every_step_has_the_longest_time() {
        assert_eq!(Deadline::default().left(), LONGEST_STEP);
        assert_eq!(Deadline::of(Some(Duration::MAX), Instant::now()).left(), LONGEST_STEP);
    }

    #[test]
    fn more_time_is_advised_than_there_was() {
        let hint = |seconds| Deadline::of(Some(Duration::from_secs(seconds)), Instant::now()).hint();
        assert!(hint(20).contains("--timeout 600;"), "{}", hint(20));
        assert!(hint(900).contains("--timeout 1800;"), "{}", hint(900));
    }
}
