//! Which recipes are worth packing, given what the ones before them came to.
//!
//! A recipe is a checkout, a file list and the era whose headers are written. The list decides
//! which files there are, the checkout their content; eras add modes, links and the bytes around.
//! So where one list has the right entries only other eras can make it better, and where files
//! themselves are wrong no other era can.

use std::collections::BTreeSet;

use recipe::Checkout;
use verdict::Outcome;

/// One recipe, by what tells it from the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Trial {
    /// Whose checkout.
    pub(super) checkout: Checkout,
    /// The era's id.
    pub(super) era: &'static str,
    /// The number of the list; equal lists have one number.
    pub(super) list: usize,
}

/// What has been tried.
#[derive(Debug, Default)]
pub(super) struct Search {
    tried: BTreeSet<Trial>,
    right: Option<(Checkout, usize)>,
    wrong: BTreeSet<(Checkout, usize)>,
    ended: bool,
}

impl Search {
    /// Whether this recipe is to be packed; one that was asked for counts as tried.
    pub(super) fn wants(&mut self, trial: Trial) -> bool {
        let place = (trial.checkout, trial.list);
        !self.ended && self.right.is_none_or(|right| right == place) && !self.wrong.contains(&place) && self.tried.insert(trial)
    }

    /// Takes note of what a recipe came to. `files_differ`: some file's own bytes or presence,
    /// whatever the era.
    pub(super) fn learn(&mut self, trial: Trial, outcome: Outcome, files_differ: bool) {
        let place = (trial.checkout, trial.list);
        match outcome {
            Outcome::SameBytes => self.ended = true,
            Outcome::SameEntries => self.right = self.right.or(Some(place)),
            Outcome::OtherEntries if files_differ => {
                self.wrong.insert(place);
            }
            Outcome::OtherEntries => {}
        }
    }

    /// Whether nothing more is wanted of this checkout.
    pub(super) fn is_over(&self, checkout: Checkout) -> bool {
        self.ended || self.right.is_some_and(|(right, _)| right != checkout)
    }

    /// Whether nothing more is wanted of this era in this checkout, whatever its lists.
    pub(super) fn is_over_for(&self, checkout: Checkout, era: &'static str) -> bool {
        let tried = |list| self.tried.contains(&Trial { checkout, era, list });
        self.is_over(checkout) || self.right.is_some_and(|(_, list)| tried(list))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn trial(checkout: Checkout, era: &'static str, list: usize) -> Trial {
        Trial { checkout, era, list }
    }

    const A: Trial = trial(Checkout::Posix, "a", 0);
    const B: Trial = trial(Checkout::Posix, "b", 0);

    #[test]
    fn a_recipe_is_packed_once() {
        let mut search = Search::default();
        assert!(search.wants(A));
        assert!(!search.wants(A));
    }

    #[test]
    fn another_era_with_the_same_list_is_tried_where_only_modes_differ() {
        let mut search = Search::default();
        assert!(search.wants(A));
        search.learn(A, Outcome::OtherEntries, false);
        assert!(search.wants(B));
    }

    #[test]
    fn no_other_era_is_tried_where_files_differ() {
        let mut search = Search::default();
        assert!(search.wants(A));
        search.learn(A, Outcome::OtherEntries, true);
        assert!(!search.wants(B));
        assert!(search.wants(trial(Checkout::Posix, "a", 1)));
        assert!(search.wants(trial(Checkout::Windows, "a", 0)));
    }

    #[test]
    fn same_bytes_end_the_search() {
        let mut search = Search::default();
        assert!(search.wants(A));
        search.learn(A, Outcome::SameBytes, false);
        assert!(search.is_over(Checkout::Posix) && search.is_over(Checkout::Windows));
        assert!(!search.wants(B));
    }

    #[test]
    fn after_same_entries_only_other_eras_with_that_list_are_tried() {
        let mut search = Search::default();
        assert!(search.wants(A));
        search.learn(A, Outcome::SameEntries, false);
        assert!(!search.wants(trial(Checkout::Posix, "a", 1)));
        assert!(!search.wants(trial(Checkout::Posix, "b", 1)));
        assert!(search.is_over_for(Checkout::Posix, "a"));
        assert!(!search.is_over_for(Checkout::Posix, "b"));
        assert!(search.is_over(Checkout::Windows));
        assert!(search.wants(B));
        search.learn(B, Outcome::OtherEntries, false);
        assert!(search.wants(trial(Checkout::Posix, "c", 0)));
    }
}
