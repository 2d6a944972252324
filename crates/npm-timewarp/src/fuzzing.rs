//! What the fuzzers of tests/fuzz.rs reach of the loopback registry without a server.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::document::{self, Form, Links};
use super::ledger::Leads;
use super::moment::{Facts, When, view};
use super::stand_in::StandIns;

/// How a client asks.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// The package.
    pub name: &'a str,
    /// The moment as of which the registry answers; `None` for today.
    pub moment: Option<Timestamp>,
    /// Whether the abbreviated form is asked for.
    pub abbreviated: bool,
    /// Whether the client replaces the host of addresses itself.
    pub canonical: bool,
    /// Whether the client writes the manifest to disk (npm 3 and 4).
    pub for_disk: bool,
}

/// The packument that a client gets, and the manifest of each version that it shows. An error if
/// the registry's is not JSON of the expected form.
pub fn served(document: &[u8], base: &str, asking: Asking<'_>) -> Result<(Vec<u8>, Vec<Vec<u8>>), serde_json::Error> {
    let found = document::summary(document)?;
    let facts = Facts { name: asking.name, versions: &found.versions, times: &found.times, tags: &found.tags };
    let view = view(&facts, &When { moment: asking.moment, commit: None, published: asking.moment, keep: &BTreeSet::new() });
    let links = Links {
        name: asking.name,
        leads: &Leads::new(base),
        canonical: asking.canonical,
        for_disk: asking.for_disk,
        tags: &BTreeSet::new(),
    };
    let form = if asking.abbreviated { Form::Abbreviated } else { Form::Full };
    let packument = document::packument(document, &view, form, &links)?;
    let mut manifests = Vec::new();
    for version in found.versions.iter().filter(|version| view.shows(version)) {
        manifests.extend(document::manifest(document, version, &view, &links)?);
    }
    Ok((packument, manifests))
}

/// Empty packages in place of those that are named, `name` or `name@version`.
pub fn stand_ins(gone: &[&str]) -> StandIns {
    let mut all = StandIns::default();
    all.add(gone.iter().map(|name| ((*name).to_owned(), None)));
    all
}
