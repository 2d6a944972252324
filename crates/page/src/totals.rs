//! The figures as one JSON object.

use std::collections::BTreeMap;

use report::classes::Classes;
use serde::Serialize;

use crate::figures::{Counts, Facet, Figures, Share};
use crate::html::Run;

/// The figures as one JSON object.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals<'a> {
    list: &'a str,
    as_of: &'a str,
    /// Done.
    packages: u64,
    /// Not done: for a build, or for their turn.
    waiting: usize,
    reproduced: Option<Share>,
    /// Of these, those with the same bytes.
    identical: Option<Share>,
    /// Checked, and not reproduced.
    not_reproduced: Option<Share>,
    not_decided: Option<Share>,
    with_provenance: Option<Share>,
    reproduced_with_provenance: Option<Share>,
    reproduced_or_provenance: Option<Share>,
    /// Those whose provenance was verified.
    provenance_verified: u64,
    /// Lines that are neither a result nor a failure, which are not decided.
    unreadable: u64,
    /// The same counts for each value of a facet.
    by: &'a BTreeMap<Facet, BTreeMap<String, Counts>>,
    /// Why packages are not reproduced, the commonest first.
    classes: &'a Classes,
}

impl<'a> Totals<'a> {
    /// The figures of a run.
    pub fn of(run: &'a Run, figures: &'a Figures) -> Self {
        let [reproduced, identical, with_provenance, reproduced_with_provenance, reproduced_or_provenance] =
            figures.shares(run.waiting).map(|(_, share)| share);
        let share = |count| figures.share(count, run.waiting);
        Self {
            list: &run.list,
            as_of: &run.as_of,
            packages: figures.all.packages,
            waiting: run.waiting,
            reproduced,
            identical,
            not_reproduced: share(figures.all.not_reproduced()),
            not_decided: share(figures.all.undecided),
            with_provenance,
            reproduced_with_provenance,
            reproduced_or_provenance,
            provenance_verified: figures.provenance_verified,
            unreadable: figures.unreadable,
            by: &figures.by,
            classes: &figures.classes,
        }
    }
}
