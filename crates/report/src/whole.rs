//! Whether a result that comes from elsewhere is whole in itself: its verdict follows from what it
//! says was tried.

use verdict::Verdict;

use super::json::{AttemptInfo, ComparisonInfo, Report};

impl Report {
    /// Whether the verdict follows from the attempts, the comparison and the digests. It says
    /// nothing about their truth.
    pub fn is_whole(&self) -> bool {
        let is_reproduced = |verdict: Verdict| matches!(verdict, Verdict::Identical | Verdict::SameContent);
        if self.reproduced != self.verdict.reproduced(self.options.accept) || self.reproduced != self.code.is_none() {
            return false;
        }
        if !is_reproduced(self.verdict) {
            // The closest attempt decides, and none is closer than one that reproduces.
            return !self.attempts.iter().any(|attempt| is_reproduced(attempt.verdict));
        }
        let same_files = |found: &ComparisonInfo| {
            !found.identical.is_empty() && found.changed.is_empty() && found.only_published.is_empty() && found.only_rebuilt.is_empty()
        };
        let decided = |attempt: &AttemptInfo| {
            attempt.verdict == self.verdict
                && self.strategy.as_ref() == Some(&attempt.strategy)
                && self.origin.as_ref().is_some_and(|origin| origin.commit == attempt.commit)
                && !self.is_ingredient_of(attempt)
        };
        // A registry may announce another digest than SHA-512, as which ours is written.
        let (published, rebuilt) = (self.package.integrity.as_deref(), self.source.integrity.as_deref());
        let can_be_compared = published.is_some_and(|published| published.starts_with("sha512-"));
        let same_digest = rebuilt.is_some() && (published == rebuilt || !can_be_compared);
        self.comparison.as_ref().is_some_and(same_files)
            && self.attempts.iter().any(decided)
            && (self.verdict != Verdict::Identical || same_digest)
    }

    /// Whether what is judged was among what this attempt was made from.
    fn is_ingredient_of(&self, attempt: &AttemptInfo) -> bool {
        let integrity = self.package.integrity.as_deref();
        attempt.resolved.iter().flatten().any(|line| line.split_once(' ').is_some_and(|(_, with)| Some(with) == integrity))
    }
}
